"""What is left of a language where some bytes cannot be written?

The strings of `term` that hold no other bytes than those `allowed`.  That is an intersection with `allowed*`,
but an intersection has none of the structure that tables know how to use (a count of characters, say).  So
bytes are taken out of the sets inside the term, wherever it is made of sets:

    [a-z]{1,40}"  without q     =  [a-pr-z]{1,40}"
    (ab|q+)c      without q     =  abc
    ~(ab)         without q     =  ~(ab) & [^q]*         a complement, or a leaf, keeps its structure

A term in which none of the other bytes can occur is what it was, so grammars of different vocabularies go on
sharing what is found out about it.

Cost: linear in the term, once for each term and each set of bytes.
"""

from __future__ import annotations

from functools import reduce
from operator import and_, or_

from constrain.budget import spend
from constrain.regular.byte_sets import ALL_BYTES
from constrain.regular.keeping import remember
from constrain.regular.leaf import Leaf
from constrain.regular.terms import (
    Bytes,
    Choice,
    Concat,
    Epsilon,
    Intersection,
    Repeat,
    Strings,
    Term,
    byte_set,
    choice,
    concat,
    intersect,
    repeat,
    star,
)


@remember(1 << 16)
def occurring(term: Term) -> int:
    """The bytes (a 256-bit set) that occur in the strings of `term`, and maybe more."""
    spend()
    if type(term) is Bytes:
        return term.mask
    if type(term) is Epsilon:
        return 0
    if type(term) is Concat:
        found, at = 0, term
        while type(at) is Concat:
            found |= occurring(at.head)
            at = at.tail  # type: ignore[assignment]
        return found | occurring(at)
    if type(term) is Choice:
        return reduce(or_, map(occurring, term.members), 0)
    if type(term) is Intersection:
        return reduce(and_, map(occurring, term.members), ALL_BYTES)
    if type(term) is Repeat:
        return occurring(term.body)
    if type(term) is Strings:
        return _in_strings(term)
    if isinstance(term, Leaf):
        outside = term.counted if term.outline is None else (term.outline, *term.counted)
        return reduce(and_, map(occurring, outside), ALL_BYTES)
    return ALL_BYTES


def _in_strings(term: Strings) -> int:
    """The bytes of a finite set; it may be as deep as its longest string."""
    found, seen, pending = 0, {term}, [term]
    while pending:
        for byte, child in pending.pop().children.items():
            spend()
            found |= 1 << byte
            if type(child) is Strings and child not in seen:
                seen.add(child)
                pending.append(child)
    return found


@remember(1 << 16)
def made_of(term: Term, allowed: int) -> Term:
    """The strings of `term` whose bytes are all in `allowed`, a 256-bit set.

    >>> from constrain.regular.queries import enumerate_strings
    >>> from constrain.regular.syntax import regex_term
    >>> without_b = ALL_BYTES ^ 1 << ord("b")
    >>> list(enumerate_strings(made_of(regex_term("[abc]x|bc|ca"), without_b), 9))
    [b'ax', b'ca', b'cx']
    """
    if not occurring(term) & ~allowed:
        return term
    if type(term) is Bytes:
        return byte_set(term.mask & allowed)
    if type(term) is Concat:
        parts: list[Term] = []
        at: Term = term
        while type(at) is Concat:
            parts.append(made_of(at.head, allowed))
            at = at.tail
        return concat(*parts, made_of(at, allowed))
    if type(term) is Choice:
        return choice(*[made_of(member, allowed) for member in term.members])
    if type(term) is Repeat:
        return repeat(made_of(term.body, allowed), term.low, term.high)
    if type(term) is Intersection:
        return intersect(*[made_of(member, allowed) for member in term.members])
    return intersect(term, star(byte_set(allowed)))

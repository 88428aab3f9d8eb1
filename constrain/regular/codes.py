"""Lengths meet: x{a,b} & x{c,d} is x{max(a,c),min(b,d)}, where x is a code.

`minLength: 2` and `maxLength: 40` are two languages, and their intersection as it stands counts every
character twice.  Counts of the same body may be joined if a text is a row of its strings in one way only:

    (a|bc){2,} & (a|bc){0,5}     (a|bc){2,5}
    (a|aa){2,} & (a|aa){0,2}     left as it is: `aaaa` is two, three or four of them

The characters of UTF-8 and of JSON strings are such codes: none is the beginning of another one.

Source: Berstel, Perrin and Reutenauer, "Codes and Automata" (2010), section 2.1, prefix codes.
"""

from __future__ import annotations

from constrain.regular.keeping import remember
from constrain.regular.terms import (
    ANY_BYTES,
    EMPTY,
    EPSILON,
    Bytes,
    Choice,
    Concat,
    Intersection,
    Repeat,
    Strings,
    Term,
    intersect,
    repeat,
)


def meet(left: Term, right: Term) -> Term:
    """The strings that both terms hold, with the counts of a code joined.

    >>> from constrain.regular.terms import byte_set
    >>> a = byte_set(1 << 97)
    >>> meet(repeat(a, 2), repeat(a, 0, 5)) is repeat(a, 2, 5)
    True
    """
    counts: dict[Term, list[Repeat]] = {}
    others: list[Term] = []
    for term in (left, right):
        for member in term.members if type(term) is Intersection else (term,):
            if type(member) is Repeat and member is not ANY_BYTES:
                counts.setdefault(member.body, []).append(member)
            else:
                others.append(member)
    for body, same in counts.items():
        if len(same) > 1 and is_prefix_code(body):
            highs = [count.high for count in same if count.high is not None]
            others.append(repeat(body, max(count.low for count in same), min(highs, default=None)))
        else:
            others += same
    return intersect(*others)


@remember(4096)
def is_prefix_code(term: Term) -> bool:
    """Is no string of `term` the beginning of another one?  False also where that is not seen at once."""
    if type(term) is Concat:
        return is_prefix_code(term.head) and is_prefix_code(term.tail)
    if type(term) is Strings:
        return not term.nullable and all(is_prefix_code(child) for child in term.children.values())
    if type(term) is Choice:
        return not term.nullable and _differ_at_once(term) and all(map(is_prefix_code, term.members))
    return type(term) is Bytes or term is EPSILON


def _differ_at_once(term: Choice) -> bool:
    """Do the members begin with different bytes?"""
    seen = 0
    for member in term.members:
        for mask in member.classes():
            if member.derivative((mask & -mask).bit_length() - 1) is not EMPTY:
                if seen & mask:
                    return False
                seen |= mask
    return True

"""How many strings a language has at least, seen from its term without looking at a single string.

Who takes a few strings away from a language needs to know whether any is left.  The keys that an object does
not name are the case met most: all strings but the named ones, in thousands of states,

    [a-z]* & ~(ab|cd|...)      without end, and finitely many are taken: not empty
    [a-c]{0,9} & ~(a|b)        ten lengths, so at least ten strings, and two are taken: not empty
    (a|b) & ~(a|c)             two strings, and two are taken: this says nothing, `automaton.py` has to look

Cost: the parts of the term, once each.
"""

from __future__ import annotations

import math

from constrain.regular.keeping import remember
from constrain.regular.terms import Bytes, Choice, Complement, Concat, Intersection, Repeat, Strings, Term


def least_size(term: Term) -> float:
    """A number of strings that `term` has at least; `math.inf` is one.  Of a plain term only, not EMPTY.

    >>> from constrain.regular.terms import byte_range, literals, repeat
    >>> least_size(repeat(byte_range(97, 122), 2, 9)), least_size(literals([b"a", b"bc"]))
    (26, 2)
    """
    size: float = 1
    while type(term) is Concat:  # one string of every other part fixed, those of this one all differ
        size = max(size, _part(term.head))
        term = term.tail
    return max(size, _part(term))


@remember(20_000)
def _part(term: Term) -> float:
    if type(term) is Bytes:
        return term.mask.bit_count()
    if type(term) is Strings:
        return term.size
    if type(term) is Choice:
        return max(least_size(member) for member in term.members)
    if type(term) is Repeat:
        if term.high is None:
            return math.inf
        return max(term.high - term.low + 1, least_size(term.body))  # every count has a length of its own
    return 1


def outnumbers(term: Term) -> bool:
    """Does `term` plainly hold more strings than are taken from it?  Where it is `x & ~finite`, x plain."""
    if type(term) is not Intersection or len(term.members) != 2:
        return False
    for kept, taken in (term.members, term.members[::-1]):
        if kept.plain and type(taken) is Complement and type(taken.body) is Strings:
            return least_size(kept) > taken.body.size
    return False

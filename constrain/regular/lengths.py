"""How far is it to the end of a text?  A guess, seen from the term alone, that tells a search where to go.

    abc[0-9]{1,256}x     5 bytes: three, a digit and one
    after `abc7`         1: the digits are over; `[0-9]{0,255}x` might have gone on for 255 more
    after `abcx`         nothing is left

A search that takes the nearest way first comes to the end of nearly every term in as many steps as its
shortest text has bytes.  One that takes the ways as they come may count to 256 first.

Cost: the parts of the term, once each, and a step for each part of a sequence.
"""

from __future__ import annotations

from typing import Final

from constrain.regular.keeping import remember
from constrain.regular.leaf import Leaf
from constrain.regular.terms import Choice, Concat, Intersection, Repeat, Strings, Term
from constrain.regular.watched import Watched

FAR_LEAF: Final = 40
"""Bytes that the shortest text of a leaf is thought to have, where it does not say more."""


def distance(term: Term) -> int:
    """How many bytes a shortest text has, seen from the term alone: a guess beside leaves and operators.

    To look for a shortest text would take long: the leap seconds of a time of day are 1,440 minutes.
    """
    total = 0
    while type(term) is Concat:
        total += _part_distance(term.head)
        term = term.tail
    return total + _part_distance(term)


@remember(1 << 16)
def _part_distance(term: Term) -> int:
    if term.nullable:
        return 0
    if type(term) is Repeat:
        return term.low * distance(term.body)
    if type(term) is Choice:
        return min(map(distance, term.members), default=FAR_LEAF)  # EMPTY has no members
    if type(term) is Intersection:
        return max(map(distance, term.members))
    if type(term) is Strings:
        return 1 + min(map(distance, term.children.values()))
    if type(term) is Watched:
        return distance(term.settled)
    if isinstance(term, Leaf):
        return max(map(distance, term.counted), default=FAR_LEAF)
    return 1

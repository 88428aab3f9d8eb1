"""Languages that differ from a given one only in how far their counters run.

A text of at most h bytes holds at most h / w rounds of anything that is w bytes wide.  For such texts a
repeat `x{2,5000}` is `x{2,}` when 5000 w >= h, and `x{900,}` is as impossible as `x{h/w + 1,}`:

    clip([a-z]{0,5000} & (\\S+\\s+){0,99}\\S+, 64)  =  [a-z]* & (\\S+\\s+)*\\S+

So the states that count down from 5000 all share one clipped term, and what is found out about it (is it
empty?) holds for all of them, as long as no text longer than h bytes is needed to find out.  For every
term t and c = clip(t, h):

1. A text of at most h bytes is in t exactly when it is in c.
2. Every text of t is in c: counts are changed outside complements only, where more rounds mean more texts.

Without intersection and complement every beginning that is left can be completed, and a text of at most h
bytes begins a text of t exactly when it begins one of c: it is in the same round of each repeat.

The least of `far_counts` is a good horizon: `[a-z]{0,61}(\\.[a-z]{0,61})*` beside `.{0,253}` has a state for
each pair of counts, and a dozen of them when clipped at 61.

Cost: linear in the part of the term that counts, however often it occurs in the term; a step for each part.
Source: ours; clipping the counts at the head of a concatenation is folklore, and fact 1 is why it may be
done anywhere.
"""

from __future__ import annotations

from constrain.budget import spend
from constrain.regular.keeping import remember
from constrain.regular.leaf import Leaf
from constrain.regular.terms import (
    Bytes,
    Choice,
    Concat,
    Intersection,
    Repeat,
    Strings,
    Term,
    choice,
    concat,
    intersect,
    repeat,
)

FAR = 24
"""A counter with so many bytes to go is out of sight of most texts that anybody asks about."""

WIDE = 4
"""Rounds that are wider count as so many bytes."""


def clip(term: Term, horizon: int) -> Term:
    """A language that holds `term`, and the same texts of at most `horizon` bytes.

    >>> from constrain.regular.terms import byte_range, literal
    >>> clip(repeat(byte_range(0, 9), 2, 80), 64) is repeat(byte_range(0, 9), 2)
    True
    >>> clip(repeat(literal(b"ab"), 0, 40), 64) is repeat(literal(b"ab"), 0)
    True
    """
    return term if term.largest * WIDE < horizon else _clipped(term, horizon)


@remember(1 << 16)
def _clipped(term: Term, horizon: int) -> Term:
    """The same, of a term that has far counts: parts that a term shares are clipped once."""
    spend()
    if type(term) is Repeat:
        each = width(term.body)
        low, high = min(term.low, horizon // each + 1), term.high
        if high is not None and high * each >= horizon:
            high = None
        return repeat(clip(term.body, horizon), low, high)
    if type(term) is Concat:
        parts: list[Term] = []
        at: Term = term
        while type(at) is Concat and at.largest * WIDE >= horizon:
            parts.append(clip(at.head, horizon))
            at = at.tail
        return concat(*parts, clip(at, horizon))
    if type(term) is Choice:
        return choice(*[clip(member, horizon) for member in term.members])
    if type(term) is Intersection:
        return intersect(*[clip(member, horizon) for member in term.members])
    if isinstance(term, Leaf):
        return term.with_counts(lambda part: clip(part, horizon))
    raise AssertionError("only these kinds of term have counts in them")


@remember(1 << 14)
def width(body: Term) -> int:
    """Bytes that a round of a repeat reads, from 1 to WIDE; rounds that read nothing do not matter."""
    return max(1, min(_least(body), WIDE))


def _least(term: Term) -> int:
    """The length of the shortest strings, or less; 0 where that is not seen at once."""
    if type(term) is Concat:
        return _least(term.head) + _least(term.tail)
    if type(term) is Repeat:
        return term.low * _least(term.body)
    if type(term) is Choice and term.members:
        return min(map(_least, term.members))
    if type(term) is Intersection:
        return max(map(_least, term.members))
    if type(term) is Strings:
        return 0 if term.nullable else 1 + min(map(_least, term.children.values()))
    return int(type(term) is Bytes)


def far_counts(term: Term) -> tuple[int, ...]:
    """What the upper counts of a term hold, complements left out, where it is FAR bytes or more: least first.

    At that horizon all these counts clip away, and the others are few states each.
    """
    return tuple(sorted({high for _, high in _far(term) if high is not None and high >= FAR}))


def is_owed_far(term: Term) -> bool:
    """Has a term, complements left out, a lower count that clips at FAR?"""
    return any(low > FAR + 1 for low, _ in _far(term))


@remember(1 << 16)
def _far(term: Term) -> frozenset[tuple[int, int | None]]:
    """The bytes that repeats hold at least and may hold at the least, where one of these is FAR or more."""
    found: set[tuple[int, int | None]] = set()
    while type(term) is Concat and term.largest * WIDE >= FAR:
        found |= _far(term.head)
        term = term.tail
    if term.largest * WIDE >= FAR:
        if type(term) is Repeat:
            each = width(term.body)
            bounds = term.low * each, None if term.high is None else term.high * each
            found |= _far(term.body) | {bounds}
        elif type(term) is Choice or type(term) is Intersection:
            found.update(*map(_far, term.members))
        elif isinstance(term, Leaf):
            found.update(*map(_far, term.counted))
    return frozenset(found)

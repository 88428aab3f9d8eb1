"""Languages that differ from a given one only in how far their counters run.

A text of at most h bytes holds at most h rounds of anything.  For such texts a repeat `x{2,5000}` is `x{2,}`
when 5000 >= h, and `x{900,}` is as impossible as `x{h+1,}`:

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

Cost: linear in the part of the term that counts.
Source: ours; clipping the counts at the head of a concatenation is folklore, and fact 1 is why it may be
done anywhere.
"""

from __future__ import annotations

from collections.abc import Callable

from constrain.regular.keeping import remember
from constrain.regular.terms import (
    Choice,
    Concat,
    Intersection,
    Repeat,
    Term,
    choice,
    concat,
    intersect,
    repeat,
)

FAR = 24
"""A counter with so many rounds to go is out of sight of most texts that anybody asks about."""

Change = Callable[[int, int | None], tuple[int, int | None]]


def clip(term: Term, horizon: int) -> Term:
    """A language that holds `term`, and the same texts of at most `horizon` bytes.

    >>> from constrain.regular.terms import byte_range
    >>> clip(repeat(byte_range(0, 9), 2, 80), 64) is repeat(byte_range(0, 9), 2)
    True
    """
    return recount(
        term,
        horizon - 1,
        lambda low, high: (min(low, horizon + 1), None if high is None or high >= horizon else high),
    )


def far_counts(term: Term) -> tuple[int, ...]:
    """The upper counts of FAR or more in a term, complements left out, the least one first.

    At that horizon all these counts clip away, and the others are few states each.
    """
    return tuple(sorted({high for _, high in _far(term) if high is not None and high >= FAR}))


def is_owed_far(term: Term) -> bool:
    """Has a term, complements left out, a lower count that clips at FAR?"""
    return any(low > FAR + 1 for low, _ in _far(term))


@remember(1 << 16)
def _far(term: Term) -> frozenset[tuple[int, int | None]]:
    """The counts of repeats of which one is FAR or more."""
    found: set[tuple[int, int | None]] = set()
    while type(term) is Concat and term.largest >= FAR:
        found |= _far(term.head)
        term = term.tail
    if term.largest >= FAR:
        if type(term) is Repeat:
            found |= _far(term.body) | {(term.low, term.high)}
        elif type(term) is Choice or type(term) is Intersection:
            found.update(*map(_far, term.members))
    return frozenset(found)


def recount(term: Term, above: int, change: Change) -> Term:
    """`term` with the counts of every repeat changed that has one `above`; complements stay as they are."""
    if term.largest <= above:
        return term
    if type(term) is Repeat:
        return repeat(recount(term.body, above, change), *change(term.low, term.high))
    if type(term) is Concat:
        parts: list[Term] = []
        at: Term = term
        while type(at) is Concat and at.largest > above:
            parts.append(recount(at.head, above, change))
            at = at.tail
        return concat(*parts, recount(at, above, change))
    if type(term) is Choice:
        return choice(*[recount(member, above, change) for member in term.members])
    if type(term) is Intersection:
        return intersect(*[recount(member, above, change) for member in term.members])
    raise AssertionError("only these kinds of term have counts in them")

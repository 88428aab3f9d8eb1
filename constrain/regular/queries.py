"""Questions about a whole language: is it empty, how many strings, which is the shortest?

They walk derivatives of a term, as the automaton does, and so answer for every operator alike.  The
shortest strings of `a+b? & ~a` are found breadth first: `aa`, `ab`, `aaa`, ...

Every walk counts against the budget in force (`budget.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from constrain.budget import spend
from constrain.regular.automaton import shared_automaton
from constrain.regular.byte_sets import bytes_of
from constrain.regular.terms import EMPTY, Term, difference


def accepts(term: Term, text: bytes) -> bool:
    """Does the language hold `text`?"""
    spend(1 + (len(text) >> 3))
    for byte in text:
        term = term.after(byte)
        if term is EMPTY:
            return False
    return term.nullable


def is_empty(term: Term) -> bool:
    """Does the language hold nothing at all?"""
    return term is EMPTY if term.plain else shared_automaton().is_empty(term)


def is_subset(term: Term, of: Term) -> bool:
    """Is every string of `term` a string of `of`?"""
    return is_empty(difference(term, of))


def shortest(term: Term) -> bytes | None:
    """A shortest string, the first in byte order among equals by state; None if there is none."""
    if is_empty(term):
        return None
    seen = {term}
    frontier: list[tuple[bytes, Term]] = [(b"", term)]
    while frontier:
        following: list[tuple[bytes, Term]] = []
        for text, here in frontier:
            if here.nullable:
                return text
            for mask, after in _ways(here):
                spend()
                if after not in seen:
                    seen.add(after)
                    following.append((text + bytes((next(bytes_of(mask)),)), after))
        frontier = following
    return None


def cardinality(term: Term, cap: int) -> int | None:
    """How many strings the language holds, or None when more than `cap` (or infinitely many)."""
    count = 0
    for _ in enumerate_strings(term, cap + 1):
        count += 1
    return count if count <= cap else None


def enumerate_strings(term: Term, limit: int) -> Iterator[bytes]:
    """At most `limit` strings, shortest first, then in byte order.

    Length by length: which states are reached after so many bytes, and if a text may end in one of them, the
    texts that do.  So prefixes that lead to nothing as short are never written.
    """
    ways: dict[Term, list[tuple[int, Term]]] = {}
    levels = [] if is_empty(term) else [[term]]
    found = 0
    while levels and levels[-1] and found < limit:
        for text in _texts_through(levels, ways):
            yield text
            found += 1
            if found == limit:
                return
        for here in levels[-1]:
            if here not in ways:
                ways[here] = list(_ways(here))
        levels.append(list(dict.fromkeys(after for here in levels[-1] for _, after in ways[here])))


def _texts_through(levels: list[list[Term]], ways: dict[Term, list[tuple[int, Term]]]) -> Iterator[bytes]:
    """The texts that pass a state of each level and end with the last, in byte order."""
    useful = [{here for here in levels[-1] if here.nullable}]
    if not useful[0]:
        return
    for level in levels[-2::-1]:
        spend(len(level))
        useful.append({here for here in level if any(after in useful[-1] for _, after in ways[here])})
    useful.reverse()
    stack = [(b"", levels[0][0])]
    while stack:
        text, here = stack.pop()
        if len(text) == len(levels) - 1:
            yield text
            continue
        spend()
        on = useful[len(text) + 1]
        after = [(byte, to) for mask, to in ways[here] if to in on for byte in bytes_of(mask)]
        stack.extend((text + bytes((byte,)), to) for byte, to in sorted(after, key=lambda way: -way[0]))


def _ways(term: Term) -> Iterator[tuple[int, Term]]:
    """The classes of bytes (bit sets) that lead on, and where; in the order of their first bytes."""
    automaton = shared_automaton()
    for mask in sorted(term.classes(), key=lambda mask: mask & -mask):
        after = term.derivative((mask & -mask).bit_length() - 1)
        if not automaton.is_empty(after):
            yield mask, after

"""Is a language small, and if so, which strings are in it?

Listing strings shortest first answers that too, but on `github` anywhere in a key it would try 95^5 prefixes
before the first match.  So the automaton is searched depth first, over states whose languages are not empty:

    a state met again on the way to itself     the language is infinite: stop
    more strings found than were asked for     it is too large: stop
    neither                                    every string has been seen

Whether a language has more strings than anybody will ever write is seen from its beginnings: each of them is
completed by some string, so of `[a-z]{9,64}` nine letters tell enough.

Cost: each dive ends in a string or a cycle, so at most `limit` dives as long as the automaton is deep.
"""

from __future__ import annotations

from constrain.budget import spend
from constrain.regular.byte_sets import bytes_of
from constrain.regular.keeping import remember
from constrain.regular.queries import is_empty
from constrain.regular.terms import Term

VAST = 1 << 40
"""So many strings are never written one by one."""
MOST_BYTES = 64
"""Beginnings of so many bytes are counted; whose are still few then, is asked whether it ends."""


def few_strings(term: Term, limit: int) -> list[bytes] | None:
    """All strings of a language, shortest first, if there are at most `limit`; else None.

    >>> from constrain.regular.terms import literals
    >>> few_strings(literals([b"b", b"a"]), 2)
    [b'a', b'b']
    >>> few_strings(literals([b"b", b"a"]), 1) is None
    True
    """
    if is_empty(term):
        return []
    found: list[bytes] = []
    path = {term}
    stack = [(term, b"", _live_ways(term))]
    if term.nullable:
        found.append(b"")
    while stack:
        here, text, ways = stack[-1]
        if len(found) > limit:
            return None
        if not ways:
            stack.pop()
            path.discard(here)
            continue
        byte, after = ways.pop()
        if after in path:
            return None
        longer = text + bytes((byte,))
        if after.nullable:
            found.append(longer)
        path.add(after)
        stack.append((after, longer, _live_ways(after)))
    return sorted(found, key=lambda string: (len(string), string)) if len(found) <= limit else None


@remember(4_096)
def is_endless(term: Term) -> bool:
    """Has a language infinitely many strings?  Then its automaton has a cycle, since every state is live.

    >>> from constrain.regular.terms import byte_range, repeat
    >>> is_endless(repeat(byte_range(97, 122), 2, None)), is_endless(repeat(byte_range(97, 122), 2, 3))
    (True, False)
    """
    path, passed = {term}, {term}
    stack = [(term, _live_classes(term))]
    while stack:
        here, ways = stack[-1]
        if not ways:
            stack.pop()
            path.discard(here)
            continue
        after = ways.pop()
        if after in path:
            return True
        if after not in passed:
            spend()
            passed.add(after)
            path.add(after)
            stack.append((after, _live_classes(after)))
    return False


@remember(4_096)
def is_vast(term: Term) -> bool:
    """Has a language more strings than can be written, at least VAST or infinitely many?

    >>> from constrain.regular.terms import byte_range, repeat
    >>> is_vast(repeat(byte_range(97, 122), 2, 64)), is_vast(repeat(byte_range(97, 122), 2, 3))
    (True, False)
    """
    beginnings = {term: 1}
    for _ in range(MOST_BYTES):
        longer: dict[Term, int] = {}
        for here, number in beginnings.items():
            ways = here.ways()
            spend(1 + len(ways))
            for mask, after in ways:
                if not is_empty(after):
                    longer[after] = longer.get(after, 0) + number * mask.bit_count()
        if not longer:
            return False
        if sum(longer.values()) >= VAST:
            return True
        beginnings = longer
    return is_endless(term)


def _live_classes(term: Term) -> list[Term]:
    return [after for _, after in term.ways() if not is_empty(after)]


def _live_ways(term: Term) -> list[tuple[int, Term]]:
    ways = []
    for mask, after in term.ways():
        if not is_empty(after):
            ways += [(byte, after) for byte in bytes_of(mask)]
    spend(1 + (len(ways) >> 3))
    return ways

"""Sets of code points as byte languages: UTF-8 is part of the automaton.

A token may end in the middle of a character, so characters cannot be the alphabet; bytes are.  A range of
code points becomes a few sequences of byte ranges, cut where the encoding's length or its last
bytes wrap around:

    U+00E0..U+0125   =   C3 [A0-BF]  |  C4 [80-A5]

Surrogates (U+D800..U+DFFF) are not characters and have no encoding, so they are left out.

Source: RFC 3629, section 3; the cutting follows Thompson's approach in Go's regexp as described by Cox,
"Regular Expression Matching in the Wild" (2010).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from constrain.budget import spend
from constrain.regular.terms import Term, byte_range, choice, concat

MAX_CODEPOINT = 0x10FFFF
ALL_CODEPOINTS: tuple[tuple[int, int], ...] = ((0, 0xD7FF), (0xE000, MAX_CODEPOINT))
_LENGTH_ENDS = (0x7F, 0x7FF, 0xFFFF, MAX_CODEPOINT)

CharSet = tuple[tuple[int, int], ...]
"""Sorted, disjoint, inclusive ranges of code points."""


def utf8(charset: CharSet) -> Term:
    """The encodings of one code point of `charset`.

    >>> from constrain.regular.queries import accepts
    >>> accepts(utf8(((0xE0, 0x125),)), "ă".encode()), accepts(utf8(((0xE0, 0x125),)), "a".encode())
    (True, False)
    """
    by_tail: dict[tuple[tuple[int, int], ...], list[Term]] = {}
    for low, high in _encodable(charset):
        for sequence in _sequences(low, high):
            spend()
            by_tail.setdefault(sequence[1:], []).append(byte_range(*sequence[0]))
    return choice(
        *[
            concat(choice(*heads), *[byte_range(*bounds) for bounds in tail])
            for tail, heads in by_tail.items()
        ]
    )


def _encodable(charset: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for low, high in charset:
        for start, stop in ALL_CODEPOINTS:
            if max(low, start) <= min(high, stop):
                yield max(low, start), min(high, stop)


def _sequences(low: int, high: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Sequences of byte ranges that together spell exactly the code points `low` to `high`."""
    for end in _LENGTH_ENDS:
        if low <= end < high:
            yield from _sequences(low, end)
            yield from _sequences(end + 1, high)
            return
    if high < 0x80:
        yield ((low, high),)
        return
    first, last = chr(low).encode(), chr(high).encode()
    for position in range(1, len(first)):
        block = 1 << 6 * (len(first) - position)
        if low // block != high // block:
            if low % block:
                cut = (low // block + 1) * block - 1
                yield from _sequences(low, cut)
                yield from _sequences(cut + 1, high)
                return
            if high % block != block - 1:
                cut = high // block * block - 1
                yield from _sequences(low, cut)
                yield from _sequences(cut + 1, high)
                return
    yield tuple(zip(first, last, strict=True))

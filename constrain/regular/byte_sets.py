"""Sets of bytes as 256-bit integers, partitions of them, and intervals of counts: the arithmetic of terms.

A set of bytes is an int whose bit b says whether byte b is in it, so `|`, `&` and `~` are Python's own.
A partition is a tuple of disjoint sets that cover all bytes; a term's derivative is constant on each
part (Owens, Reppy and Turón 2009, section 4.2), which is why rows are filled part by part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

ALL_BYTES: Final = (1 << 256) - 1
CONTINUING: Final = frozenset(
    (1 << last + 1) - (1 << first)
    for first, last in ((0x80, 0xBF), (0xA0, 0xBF), (0x80, 0x9F), (0x90, 0xBF), (0x80, 0x8F))
)
"""The sets of bytes that go on with a character of UTF-8 after some lead byte."""


def refine(*partitions: tuple[int, ...]) -> tuple[int, ...]:
    """The coarsest partition of the bytes that is finer than each of `partitions`."""
    result: list[int] = [ALL_BYTES]
    for partition in partitions:
        if len(partition) == 1:
            continue
        if len(result) == 1:
            result = list(partition)
            continue
        result = [piece for old in result for new in partition if (piece := old & new)]
    return tuple(result)


def bytes_of(mask: int) -> Iterator[int]:
    """The bytes of a 256-bit set, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def join_counts(counts: list[tuple[int, int | None]]) -> list[tuple[int, int | None]]:
    """Join intervals of counts that overlap or touch.

    >>> join_counts([(4, None), (0, 2), (3, 3), (9, 9)])
    [(0, None)]
    """
    joined: list[tuple[int, int | None]] = []
    for low, high in sorted(counts, key=lambda pair: pair[0]):
        if joined:
            last_low, last_high = joined[-1]
            if last_high is None or low <= last_high + 1:
                top = None if last_high is None or high is None else max(last_high, high)
                joined[-1] = (last_low, top)
                continue
        joined.append((low, high))
    return joined

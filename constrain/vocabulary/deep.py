"""What is known of the very long tokens, so that no walk goes down to them step by step?

A few tokens are runs of blanks, of hyphens, of box drawings, 128 bytes long.  Walking one depth after the
other for them would take longer than all the rest.  So of the positions below depth DEEP it is known which
symbols are on the way to them from the position above at that depth, their *anchor*:

    depth 24     a run of 24 blanks      in state s, to which a blank leads from s
    depth 40     a run of 40 blanks      only blanks are between: state s

A state that leads to itself by all of the symbols between is the state there.  A line `─` is three bytes, and
no state leads to itself by one of them; but where a state is the same before and after one `─`, it is so
after many.

Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from constrain.vocabulary.blocks import COARSE, SETS

DEEP = 24

Places = npt.NDArray[np.intp]
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Deep:
    """The positions below some depth of a trie, from `first` on.

    `anchor[i]` is the position above first + i that is compared with it, and `between[i]` the classes of the
    symbols after the anchor, one bit each; the least bits are those of `CLASSES`.  Where `is_run`, the
    symbols from `before[i]` on, which is three above the anchor, are three over and over.
    """

    depth: int
    first: int
    anchor: Places
    between: npt.NDArray[np.uint64]
    is_run: npt.NDArray[np.bool_]
    before: Places

    @classmethod
    def build(cls, above: Places, symbol: Places, spans: Spans, depth: int = DEEP) -> Self:
        """The deep positions of a trie; `above` are the parents, `spans` the (start, stop) of each depth."""
        count = len(above)
        three_above = above[above[above]]
        anchor, between = np.arange(count), np.zeros(count, dtype=np.uint64)
        start_of_run, streak = np.arange(count), np.zeros(count, dtype=np.int16)
        is_run = np.zeros(count, dtype=np.bool_)
        for level, (start, stop) in enumerate(spans):
            if level > max(
                depth - 3, 3
            ):  # three above is a position that a symbol leads to, and not the root
                here, before = slice(start, stop), above[start:stop]
                alike = symbol[here] == symbol[three_above[here]]
                streak[here] = np.where(alike, streak[before] + 1, 0)
            if level > depth:
                anchor[here] = anchor[before]
                between[here] = between[before] | _CLASS[symbol[here]]
                start_of_run[here] = start_of_run[three_above[here]]
                is_run[here] = streak[here] >= level - depth + (depth - level) % 3
        first = spans[min(depth, len(spans) - 1)][1]
        is_run &= between >= _OTHER
        anchor[is_run] = start_of_run[is_run]
        return cls(depth, first, anchor[first:], between[first:], is_run[first:], three_above[anchor[first:]])


CLASSES = np.array([symbol for symbol in COARSE.by_context[0] if SETS[symbol] < 1 << 0x80], dtype=np.intp)
"""Symbols that a state can lead to itself by, the blocks of ASCII; each is a bit of `Deep.between`."""
assert len(CLASSES) < 64
_OTHER = 1 << 63
_CLASS = np.array(
    [
        next((1 << bit for bit, symbol in enumerate(CLASSES) if SETS[symbol] & members == members), _OTHER)
        for members in SETS
    ],
    dtype=np.uint64,
)

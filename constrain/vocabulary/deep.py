"""What is known of the very long tokens, so that no walk goes down to them step by step?

A few tokens are runs of blanks, of hyphens, of box drawings, 128 bytes long.  Walking one depth after the
other for them would take longer than all the rest.  So of the positions below depth DEEP it is known which
symbols are on the way to them from the position above at that depth, their *anchor*:

    depth 16     a run of 16 blanks      in state s, to which a blank leads from s
    depth 40     a run of 40 blanks      only blanks are between: state s

A state that leads to itself by all of the symbols between is the state there.

Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from constrain.vocabulary.blocks import COARSE, SETS

DEEP = 16

Places = npt.NDArray[np.intp]
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Deep:
    """The positions below depth DEEP of a trie, from `first` on.

    `anchor[i]` is the position at that depth above position first + i, and `between[i]` the classes of the
    symbols after it up to there, one bit each; the least bits are those of `classes`, symbols of COARSE.
    """

    first: int
    anchor: Places
    between: npt.NDArray[np.uint64]

    @classmethod
    def build(cls, above: Places, symbol: Places, spans: Spans) -> Self:
        """The deep positions of a trie; `above` are the parents, `spans` the (start, stop) of each depth."""
        anchor, between = np.arange(len(above)), np.zeros(len(above), dtype=np.uint64)
        for start, stop in spans[DEEP + 1 :]:
            before = above[start:stop]
            anchor[start:stop] = anchor[before]
            between[start:stop] = between[before] | _CLASS[symbol[start:stop]]
        first = spans[min(DEEP, len(spans) - 1)][1]
        return cls(first, anchor[first:], between[first:])


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

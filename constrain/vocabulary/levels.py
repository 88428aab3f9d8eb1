"""The trie by depth, and what is below each node: a walk then knows, without looking, where nothing changes.

Walks that take all nodes of a depth at once want them side by side: position p of every array here is the
p-th node of a breadth-first order, and the children of a node are one slice.  Two things are known of a node:

- `below`: which classes of bytes are below it, one bit each.  A state that leads to itself by all of them
  is the state of every node below.
- `phase`: how much of a character of UTF-8 its bytes leave open.  A state that takes any character and is
  then itself again is not the state of *every* node below, but the phase says which it is:

      bytes of `日`   E6               97               A5
      phase           2                1                0
      state           any two more     any one more     itself

Source: the phases are the states of RFC 3629, section 4 (UTF8-octets).

Cost: 13 MB and 0.04 s for Llama-3's vocabulary.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from constrain.vocabulary.trie import Trie

_CLASSES = sorted(
    [
        *((0x00, 0x08), (0x09, 0x09), (0x0A, 0x0A), (0x0B, 0x0C), (0x0D, 0x0D), (0x0E, 0x1F)),
        *((byte, byte) for byte in range(0x20, 0x7F) if not chr(byte).isalnum()),
        *((ord(first), ord(last)) for first, last in ("00", "19", "AF", "GZ", "af", "gz")),
        *((0x7F, 0x7F), (0x80, 0x8F), (0x90, 0x9F), (0xA0, 0xBF), (0xC0, 0xC1), (0xC2, 0xDF), (0xE0, 0xE0)),
        *((0xE1, 0xEC), (0xED, 0xED), (0xEE, 0xEF), (0xF0, 0xF0), (0xF1, 0xF3), (0xF4, 0xF4), (0xF5, 0xFF)),
    ]
)
CLASS_STARTS = np.array([first for first, _ in _CLASSES])
"""Classes of bytes that patterns seldom tell apart: where each begins, in order."""
CLASS_BITS = np.uint64(1) << np.arange(len(_CLASSES), dtype=np.uint64)
"""One bit for each class."""
MULTIBYTE = np.bitwise_or.reduce(CLASS_BITS[CLASS_STARTS >= 0x80])
"""The classes of bytes that are no character by themselves."""
INVALID = np.uint64(1 << 63)
"""A bit beside those of the classes: what is below is not all UTF-8, or the node is inside a character."""

BOUNDARY = 0
LEADS = [0xC2, 0xE1, 0xF1, 0xE0, 0xED, 0xF0, 0xF4]
"""A byte by which each phase but the boundary is reached from there."""
_NO_PHASE = 1 + len(LEADS)


def _phase_steps() -> npt.NDArray[np.intp]:
    steps = np.full((_NO_PHASE + 1, 256), _NO_PHASE, dtype=np.intp)
    steps[BOUNDARY, :0x80] = BOUNDARY
    for first, last, phase in (
        *((0xC2, 0xDF, 1), (0xE0, 0xEF, 2), (0xF0, 0xF3, 3)),
        *((0xE0, 0xE0, 4), (0xED, 0xED, 5), (0xF0, 0xF0, 6), (0xF4, 0xF4, 7)),
    ):
        steps[BOUNDARY, first : last + 1] = phase
    for phase, first, last, after in (
        *((1, 0x80, 0xBF, BOUNDARY), (2, 0x80, 0xBF, 1), (3, 0x80, 0xBF, 2)),
        *((4, 0xA0, 0xBF, 1), (5, 0x80, 0x9F, 1), (6, 0x90, 0xBF, 2), (7, 0x80, 0x8F, 2)),
    ):
        steps[phase, first : last + 1] = after
    return steps


PHASE_STEPS = _phase_steps()
"""Where each byte leads from each phase, shape (phases + 1, 256); the last phase is none."""


@dataclass(frozen=True, eq=False)
class Levels:
    """The trie by depth.

    At position p is node `node[p]`, reached by `byte[p]` from position `parent[p]`.  Its children are
    `count[p]` positions from `child[p]` on.  `spans[d]` are the (start, stop) of depth d.  `below[p]` are the
    classes of bytes below, and INVALID.  By node: `place[n]` is its position, and `phase[n]` its phase.
    """

    node: npt.NDArray[np.int32]
    parent: npt.NDArray[np.intp]
    byte: npt.NDArray[np.intp]
    child: npt.NDArray[np.intp]
    count: npt.NDArray[np.intp]
    below: npt.NDArray[np.uint64]
    spans: tuple[tuple[int, int], ...]
    place: npt.NDArray[np.intp]
    phase: npt.NDArray[np.intp]

    @classmethod
    def build(cls, trie: Trie) -> Self:
        """The levels of a trie."""
        node = np.concatenate(trie.levels)
        place = np.empty(len(node), dtype=np.intp)
        place[node] = np.arange(len(node))
        parent = place[np.maximum(trie.parent[node], 0)]
        byte = trie.byte[node].astype(np.intp)
        count = np.bincount(parent[1:], minlength=len(node))
        spans = tuple(itertools.pairwise(itertools.accumulate(map(len, trie.levels), initial=0)))
        phase = np.zeros(len(node), dtype=np.intp)
        for start, stop in spans[1:]:
            phase[start:stop] = PHASE_STEPS[phase[parent[start:stop]], byte[start:stop]]
        own = CLASS_BITS[np.searchsorted(CLASS_STARTS, byte, "right") - 1]
        own[phase == _NO_PHASE] |= INVALID
        below = np.zeros(len(node), dtype=np.uint64)
        for start, stop in spans[:0:-1]:
            above = parent[start:stop]
            first = np.flatnonzero(np.concatenate([[True], above[1:] != above[:-1]]))
            whole = own[start:stop] | below[start:stop]
            below[above[first]] = np.bitwise_or.reduceat(whole, first)
        below[(phase != BOUNDARY) & (below != 0)] |= INVALID
        return cls(
            node=node,
            parent=parent,
            byte=byte,
            child=1 + np.cumsum(count) - count,
            count=count,
            below=below,
            spans=spans,
            place=place,
            phase=phase[place],
        )

"""How are 128,000 tokens laid out, so that walking them costs no object per token?

As a trie in preorder, in flat arrays.  Tokens are sorted by their bytes; a node is a distinct prefix,
numbered in the order in which the sorted tokens first need it.  Take the tokens 0=`b`, 1=`ab`, 2=`a`, 3=`a`:

    node     0 ·      1 a      2 ab     3 b          order = [2, 3, 1, 0]
    byte     0        a        b        b
    parent   -1       0        1        0            the subtree of node n is n, n + 1, ..., end[n] - 1
    depth    0        1        2        1            so its first child, if any, is n + 1,
    end      4        3        3        4            and the sibling after a child c is end[c]
    first    0        0        2        3     (4)    tokens below n: order[first[n]:first[end[n]]]
    own      0        2        1        1            tokens that are n: order[first[n]:first[n] + own[n]]

Every question a mask asks is then a slice: all the tokens under a node are contiguous, in `order`.

Why it can be built without a loop over tokens: token i, in sorted order, shares `shared[i]` bytes with the
token before it and adds len - shared[i] nodes, so running sums number all of them.  A node's parent is
the last node before it that is one less deep; it ends where the next node of its depth starts, if that
has the same parent, and with its parent otherwise.

Source: the longest-common-prefix arrays of Manber and Myers, "Suffix arrays: a new method for on-line
string searches" (1993), section 2, for sorted tokens in place of sorted suffixes.  We depart in two ways:
1. Neighbours are compared byte by byte for all tokens at once: a token has at most 128 bytes.
2. Equal tokens are allowed and stay adjacent, the lower id first; the later ones add no node.

Cost: 274,521 nodes for Llama-3's vocabulary, 6 MB, in about a fifth of a second, most of it sorting;
`cache.py` keeps the result on disk.  `remainders.py` walks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from constrain.errors import LimitExceeded
from constrain.vocabulary.levels import Levels

MAX_TOKEN_BYTES = 32_767
MANY_NODES = 5_000

Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Trie:
    """The prefixes of a vocabulary's tokens, in preorder; node 0 is the root, children go by byte."""

    byte: npt.NDArray[np.uint8]
    parent: Int32s
    depth: npt.NDArray[np.int16]
    end: Int32s
    first: Int32s
    own: Int32s
    order: Int32s

    def __len__(self) -> int:
        return len(self.byte)

    @classmethod
    def build(cls, tokens: Sequence[bytes | None]) -> Self:
        """The trie of `tokens`, by id; None and the empty string are in no node.

        >>> trie = Trie.build([b"b", b"ab", b"a", b"a", None])
        >>> trie.end.tolist(), trie.order.tolist()
        ([4, 3, 3, 4], [2, 3, 1, 0])
        """
        texts = {token_id: token for token_id, token in enumerate(tokens) if token}
        order = sorted(texts, key=texts.__getitem__)
        ordered = [texts[token_id] for token_id in order]
        length = np.fromiter(map(len, ordered), np.int64, len(ordered))
        blob = np.frombuffer(b"".join(ordered), dtype=np.uint8)
        if len(length) and int(length.max()) > MAX_TOKEN_BYTES:
            raise LimitExceeded(
                f"a token of {int(length.max()):,} bytes is longer than MAX_TOKEN_BYTES={MAX_TOKEN_BYTES:,}"
            )
        start = np.cumsum(length) - length
        shared = _shared_bytes(blob, start, length)

        new = length - shared
        stop = 1 + np.cumsum(new)
        count = int(stop[-1]) if len(stop) else 1
        maker = np.repeat(np.arange(len(order)), new)
        offset = np.arange(1, count) - (stop - new)[maker] + shared[maker]
        byte = np.zeros(count, dtype=np.uint8)
        byte[1:] = blob[start[maker] + offset]
        depth = np.zeros(count, dtype=np.int16)
        depth[1:] = offset + 1
        first = np.zeros(count + 1, dtype=np.int32)
        first[1:count] = maker
        first[count] = len(order)
        own = np.bincount(stop - 1, minlength=count).astype(np.int32)
        parent, end = _parents_and_ends(depth)
        return cls(byte, parent, depth, end, first, own, np.array(order, dtype=np.int32))

    def child(self, node: int, byte: int) -> int:
        """The child of `node` by `byte`, or -1.  For one look-up; walks use `remainders.py`."""
        child, stop = node + 1, int(self.end[node])
        while child < stop:
            if self.byte[child] == byte:
                return child
            child = int(self.end[child])
        return -1

    def tokens(self, node: int) -> Int32s:
        """The ids of the tokens that are exactly `node`."""
        start = int(self.first[node])
        return self.order[start : start + int(self.own[node])]

    def tokens_below(self, node: int) -> Int32s:
        """The ids of the tokens that begin with `node`, those that are `node` first."""
        return self.order[self.first[node] : self.first[self.end[node]]]

    def children(self, nodes: Int32s) -> tuple[Int32s, Int32s]:
        """All children of `nodes`, and the index into `nodes` of each one's parent; node after node.

        >>> trie = Trie.build([b"b", b"ab", b"a", b"ac"])
        >>> [found.tolist() for found in trie.children(np.array([0, 1], dtype=np.int32))]
        [[1, 4, 2, 3], [0, 0, 1, 1]]
        """
        start, by_parent = self.by_parent
        count = start[nodes + 1] - start[nodes]
        owner = np.repeat(np.arange(len(nodes), dtype=np.int32), count)
        offset = start[nodes] - (np.cumsum(count, dtype=np.int32) - count)
        return by_parent[np.arange(len(owner), dtype=np.int32) + offset[owner]], owner

    def own_tokens(self, nodes: Int32s) -> Int32s:
        """The ids of the tokens that are one of `nodes`."""
        own = self.own[nodes]
        nodes, own = nodes[own > 0], own[own > 0]
        first = self.first[nodes]
        ids = [self.order[first]]
        for more in range(1, int(own.max(initial=1))):
            ids.append(self.order[first[own > more] + more])
        return np.concatenate(ids)

    def count_above(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int16]:
        """How many of the `chosen` nodes are on the way from the root to each node, itself counted.

        >>> Trie.build([b"b", b"ab", b"a"]).count_above(np.array([False, True, True, True])).tolist()
        [0, 1, 2, 1]
        """
        change = np.bincount(self.end[chosen], minlength=len(self) + 1)[: len(self)]
        return (np.cumsum(chosen) - np.cumsum(change)).astype(np.int16)

    @cached_property
    def by_parent(self) -> tuple[Int32s, Int32s]:
        """`by_parent[start[n] : start[n + 1]]` are the children of n, in preorder."""
        start = np.zeros(len(self) + 1, dtype=np.int32)
        np.cumsum(np.bincount(self.parent[1:], minlength=len(self)), out=start[1:])
        by_level = np.concatenate(self.levels)[1:]
        parent = self.parent[by_level]
        first = np.flatnonzero(np.concatenate([[True], parent[1:] != parent[:-1]])) if len(parent) else parent
        place = np.arange(len(parent)) - np.repeat(first, np.diff(np.append(first, len(parent))))
        by_parent = np.empty(len(parent), dtype=np.int32)
        by_parent[start[parent] + place] = by_level
        return start, by_parent

    @cached_property
    def token_node(self) -> Int32s:
        """The node of each token of `order`."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.own)

    @cached_property
    def token_place(self) -> npt.NDArray[np.intp]:
        """The position, by level, of each token of `order`."""
        return self.by_level.place[self.token_node]

    @cached_property
    def by_level(self) -> Levels:
        """The trie by depth."""
        return Levels.build(self)

    @cached_property
    def levels(self) -> tuple[Int32s, ...]:
        """The nodes of each depth, from the root's on, each in preorder."""
        return _levels(self.depth)


def distinct(nodes: Int32s) -> Int32s:
    """The nodes in order, each once.  Faster than `np.unique`, and does not import `numpy.ma`.

    >>> distinct(np.array([5, 2, 5], dtype=np.int32)).tolist()
    [2, 5]
    """
    if not len(nodes):
        return nodes
    if len(nodes) < MANY_NODES:
        ordered: Int32s = np.sort(nodes)
        once: Int32s = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])]
        return once
    present = np.zeros(int(nodes.max()) + 1, dtype=np.bool_)
    present[nodes] = True
    return np.flatnonzero(present).astype(np.int32)


def spread(begin: npt.NDArray[Any], stop: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """The numbers from each `begin` to its `stop`, that one left out, range after range.

    >>> spread(np.array([3, 9]), np.array([5, 10])).tolist()
    [3, 4, 9]
    """
    count = (stop - begin).astype(np.intp)
    before = np.cumsum(count) - count
    return np.repeat(begin - before, count) + np.arange(int(count.sum()))


def _shared_bytes(
    blob: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], length: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """How many leading bytes each token has in common with the one before it, shape (tokens,)."""
    shared = np.zeros(len(start), dtype=np.int64)
    alike = np.arange(1, len(start))
    limit = np.minimum(length[1:], length[:-1])
    count = 0
    while len(alike):
        alike = alike[limit[alike - 1] > count]
        alike = alike[blob[start[alike] + count] == blob[start[alike - 1] + count]]
        count += 1
        shared[alike] = count
    return shared


def _levels(depth: npt.NDArray[np.int16]) -> tuple[Int32s, ...]:
    by_depth = np.argsort(depth, kind="stable").astype(np.int32)
    bounds = np.cumsum(np.bincount(depth))[:-1]
    return tuple(np.split(by_depth, bounds))


def _parents_and_ends(depth: npt.NDArray[np.int16]) -> tuple[Int32s, Int32s]:
    parent = np.full(len(depth), -1, dtype=np.int32)
    end = np.full(len(depth), len(depth), dtype=np.int32)
    levels = _levels(depth)
    for above, here in pairwise(levels):
        parent[here] = above[np.searchsorted(above, here) - 1]
        mine = parent[here]
        end[here] = end[mine]
        sibling = np.flatnonzero(mine[1:] == mine[:-1])
        end[here[sibling]] = here[sibling + 1]
    return parent, end

"""How are 128,000 tokens laid out, so that walking them costs no object per token?

As a trie in flat arrays, depth by depth.  A node is a distinct prefix; nodes are numbered by length first,
and by their bytes among those of a length.  Take the tokens 0=`b`, 1=`ab`, 2=`a`, 3=`a`:

    node     0 ·      1 a      2 b      3 ab         order = [2, 3, 1, 0], the tokens by their bytes
    byte     0        a        b        b
    parent   -1       0        0        1            children of n: start[n], ..., start[n + 1] - 1
    start    1        3        4        4     (4)
    first    0        0        3        2            tokens that begin with n: order[first[n]:last[n]]
    last     4        3        4        3
    own      0        2        1        1            tokens that are n: order[first[n]:first[n] + own[n]]

So the children of a node are one slice, all nodes of a depth are one slice, and all the tokens under a node
are contiguous in `order`: every question that a walk or a mask asks is about a slice.

Why it can be built without a loop over tokens: token i, in sorted order, shares `shared[i]` bytes with the
token before it and adds len - shared[i] nodes, so running sums list all of them in the order in which the
sorted tokens need them.  A node's parent is the last node before it in that list that is one less deep, and
its tokens end where the next node begins that is no deeper.

Source: the longest-common-prefix arrays of Manber and Myers, "Suffix arrays: a new method for on-line
string searches" (1993), section 2, for sorted tokens in place of sorted suffixes.  We depart in two ways:
1. Neighbours are compared byte by byte for all tokens at once: a token has at most 128 bytes.
2. Equal tokens are allowed and stay adjacent, the lower id first; the later ones add no node.

Cost: 274,521 nodes for Llama-3's vocabulary, 6 MB, in about a fifth of a second, most of it sorting;
`cache.py` keeps the result on disk.  `signatures.py` makes a smaller trie of it, `walks.py` walks both.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from constrain.errors import LimitExceeded
from constrain.vocabulary import cache as disk
from constrain.vocabulary.blocks import EXACT, Blocks
from constrain.vocabulary.deep import Deep

MAX_TOKEN_BYTES = 32_767
MANY_NODES = 5_000

Int32s = npt.NDArray[np.int32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Trie:
    """The prefixes of a vocabulary's tokens, depth by depth; node 0 is the root, children go by byte."""

    byte: npt.NDArray[np.uint8]
    parent: Int32s
    start: Int32s
    first: Int32s
    last: Int32s
    own: Int32s
    order: Int32s

    def __len__(self) -> int:
        return len(self.byte)

    @classmethod
    def build(cls, tokens: Sequence[bytes | None]) -> Self:
        """The trie of `tokens`, by id; None and the empty string are in no node.

        >>> trie = Trie.build([b"b", b"ab", b"a", b"a", None])
        >>> trie.start.tolist(), trie.order.tolist()
        ([1, 3, 4, 4, 4], [2, 3, 1, 0])
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
        listed = np.argsort(depth, kind="stable")
        parent, end = _parents_and_ends(np.split(listed, np.cumsum(np.bincount(depth))[:-1]))
        number = np.empty(count, dtype=np.int32)
        number[listed] = np.arange(count)
        above = number[parent[listed]]
        above[0] = -1
        return cls(
            byte=byte[listed],
            parent=above,
            start=running(1, np.bincount(above[1:], minlength=count)),
            first=first[listed],
            last=first[end[listed]],
            own=own[listed],
            order=np.array(order, dtype=np.int32),
        )

    @classmethod
    def checked(
        cls, arrays: disk.Arrays, blob: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
    ) -> Self:
        """The trie that a file tells of: the one that `build` would make of its tokens.  Raises Damaged.

        Token i writes `blob[offsets[i] : offsets[i + 1]]`.
        """
        disk.expect(arrays, byte=(np.uint8, None), order=(np.int32, None))
        count, tokens, length = len(arrays["byte"]), len(arrays["order"]), np.diff(offsets)
        disk.expect(arrays, start=(np.int32, count + 1))
        disk.expect(arrays, **dict.fromkeys(("parent", "first", "last", "own"), (np.int32, count)))
        trie = cls(**{field.name: arrays[field.name] for field in fields(cls)})
        byte, parent, start, order = trie.byte, trie.parent, trie.start, trie.order
        first, last, own = trie.first, trie.last, trie.own
        # Every node but the root lies in the slice of its parent, which is before it, in the order of bytes.
        disk.check("parent", count > 0 and parent[0] == -1, (parent[1:] >= 0).all())
        disk.check("parent", (parent[1:] < np.arange(1, count)).all(), (np.diff(parent) >= 0).all())
        disk.check("start", np.array_equal(start, running(1, np.bincount(parent[1:], minlength=count))))
        beside = 1 + np.flatnonzero(parent[2:] == parent[1:-1])
        disk.check("byte", (byte[beside] < byte[beside + 1]).all())
        # The tokens that begin with a node are its own, then those of its children, child after child.
        inner = np.flatnonzero(start[:-1] < start[1:])
        outer = np.flatnonzero(start[:-1] == start[1:])
        disk.check("own", own[0] == 0, (own >= 0).all(), (own[outer[outer > 0]] > 0).all())
        disk.check("first", first[0] == 0, np.array_equal(first[start[inner]], first[inner] + own[inner]))
        disk.check("first", np.array_equal(first[beside + 1], last[beside]))
        disk.check("last", last[0] == tokens, np.array_equal(last[start[inner + 1] - 1], last[inner]))
        disk.check("last", np.array_equal(last[outer], first[outer] + own[outer]))
        disk.check("depth", len(trie.spans) <= MAX_TOKEN_BYTES + 1)
        # Each token is listed once, and written on the way to its node; equal ones in the order of their ids.
        disk.check("order", (order >= 0).all(), (order < len(length)).all())
        disk.check("order", np.array_equal(np.bincount(order, minlength=len(length)), length > 0))
        node, at = trie.token_node, offsets[order + 1] - 1
        disk.check("order", (np.diff(order)[node[1:] == node[:-1]] > 0).all())
        disk.check("order", np.array_equal(trie.depth[node], length[order]))
        while len(node):
            disk.check("blob", np.array_equal(byte[node], blob[at]))
            node, at = parent[node], at - 1
            node, at = node[node > 0], at[node > 0]
        return trie

    def child(self, node: int, byte: int) -> int:
        """The child of `node` by `byte`, or -1."""
        return self.lowest.find(byte, self.starts[node], self.starts[node + 1])

    def tokens(self, node: int) -> Int32s:
        """The ids of the tokens that are exactly `node`."""
        start = int(self.first[node])
        return self.order[start : start + int(self.own[node])]

    @cached_property
    def lowest_below(self) -> Int32s:
        """For each node a token that begins with it: of those that are the node, the lowest."""
        return self.order[self.first]

    def tokens_below(self, node: int) -> Int32s:
        """The ids of the tokens that begin with `node`, those that are `node` first."""
        return self.order[self.first[node] : self.last[node]]

    @cached_property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The (start, stop) of each depth."""
        stops = [0, 1]
        while (stop := self.starts[stops[-1]]) > stops[-1]:
            stops.append(stop)
        return tuple(itertools.pairwise(stops))

    @cached_property
    def depth(self) -> npt.NDArray[np.int16]:
        """The length of each node."""
        return np.repeat(
            np.arange(len(self.spans), dtype=np.int16), [stop - start for start, stop in self.spans]
        )

    @cached_property
    def token_node(self) -> Int32s:
        """The node of each token of `order`."""
        nodes = np.empty(len(self.order), dtype=np.int32)
        some = np.flatnonzero(self.own)
        nodes[spread(self.first[some], self.first[some] + self.own[some])] = np.repeat(some, self.own[some])
        return nodes

    @cached_property
    def by_byte(self) -> tuple[Int32s, Int32s]:
        """`nodes[start[b] : start[b + 1]]` are the nodes reached by byte b; no byte leads to the root.

        >>> start, nodes = Trie.build([b"\\0", b"a\\0"]).by_byte
        >>> nodes[start[0] : start[1]].tolist()
        [1, 3]
        """
        start, nodes = grouped(self.byte[1:], 256)
        return start, nodes + np.int32(1)

    def leads_to(self, byte: int) -> npt.NDArray[np.bool_]:
        """For each node: is there this byte somewhere below it?

        >>> Trie.build([b"b", b"ab", b"ac"]).leads_to(98).tolist()
        [True, True, False, False, False]
        """
        start, nodes = self.by_byte
        here = self.parent[nodes[start[byte] : start[byte + 1]]]
        leads = np.zeros(len(self), dtype=np.bool_)
        while len(here):
            here = here[~leads[here]]
            leads[here] = True
            here = self.parent[here]
            here = here[here >= 0]
        return leads

    # What a walk asks of a trie, be it this one or one of signatures.

    blocks: ClassVar[Blocks] = EXACT

    @cached_property
    def above(self) -> Places:
        """`parent`, as indices."""
        return self.parent.astype(np.intp)

    @cached_property
    def symbol(self) -> Places:
        """`byte`, as indices."""
        return self.byte.astype(np.intp)

    @cached_property
    def starts(self) -> memoryview[int]:
        """`start`, with plain ints as items."""
        return np.ascontiguousarray(self.start).data

    @cached_property
    def lowest(self) -> bytes:
        """`byte`, to be searched."""
        return self.byte.tobytes()

    @cached_property
    def deep(self) -> Deep:
        """The nodes far from the root."""
        return Deep.build(self.above, self.symbol, self.spans)

    @cached_property
    def context(self) -> bytes:
        """Nothing but zeros: in the trie itself no block depends on what is before it."""
        return bytes(len(self))


def running(first: int, counts: npt.NDArray[Any]) -> Int32s:
    """Where slices of so many items begin, and where the last one ends; the first begins at `first`.

    >>> running(1, np.array([2, 0, 3])).tolist()
    [1, 3, 3, 6]
    """
    start = np.full(len(counts) + 1, first, dtype=np.int32)
    start[1:] += np.cumsum(counts, dtype=np.int32)
    return start


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


def grouped(place: npt.NDArray[Any], count: int) -> tuple[Int32s, Int32s]:
    """Where the indices begin at which `place` holds 0, 1, ..., and these indices, group by group.

    >>> [found.tolist() for found in grouped(np.array([2, 0, 2]), 3)]
    [[0, 1, 1, 3], [1, 0, 2]]
    """
    small = place.astype(np.uint16) if count <= 1 << 16 else place
    return running(0, np.bincount(place, minlength=count)), np.argsort(small, kind="stable").astype(np.int32)


def _parents_and_ends(levels: list[npt.NDArray[np.intp]]) -> tuple[Places, Places]:
    """Of the nodes in the order of their tokens: the parent of each, and the next one that is no deeper."""
    count = sum(map(len, levels))
    parent = np.full(count, -1, dtype=np.intp)
    end = np.full(count, count, dtype=np.intp)
    for above, here in pairwise(levels):
        parent[here] = above[np.searchsorted(above, here) - 1]
        mine = parent[here]
        end[here] = end[mine]
        sibling = np.flatnonzero(mine[1:] == mine[:-1])
        end[here[sibling]] = here[sibling + 1]
    return parent, end

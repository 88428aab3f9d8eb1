"""What is left of tokens that have left a terminal: sets of trie nodes, shared and walked together.

When a string closes, tokens go on: `"`, `",`, `":`, `"}` ... What follows the closing quote is a set of
nodes of the vocabulary's trie.  Such a set is itself a trie: the child of a set by a byte is the set of
the children by that byte (the subset construction, made lazily).  The whole vocabulary is the set that
holds just the root, so one question serves everywhere: *which tokens of this remainder may come next?*

    vocabulary  ab  b"  b",        the root set {·}; after `b"` from inside a string: the set { ·b" },
                                   whose own tokens are [b"], and whose child by `,` holds [b",]

Sets are interned: a remainder is an int, equal sets are the same int, and every memo downstream is
keyed by it.  Remainder 0 is empty, 1 is the whole vocabulary.  Tables are made once for a
vocabulary and are shared by every grammar.

What is left after a name is *large*: a name may end after any of its letters, so 50,000 nodes belong to the
set, and nearly nothing that follows can begin with most of their children.  A set of more than `large`
nodes is an array, its children are sorted by byte in one go, and `child` makes one when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from constrain.vocabulary.trie import Trie, distinct, grouped, spread

NOTHING = 0
EVERYTHING = 1
LARGE = 256
MAX_KEPT = 50_000

Nodes = tuple[int, ...] | npt.NDArray[np.int32]
"""A set of trie nodes, in order; an array if it is large."""


class Remainders:
    """The interned sets of trie nodes of one vocabulary."""

    def __init__(self, trie: Trie, large: int = LARGE) -> None:
        self.trie = trie
        self.large = large
        self._first = _flat(trie.first)
        self._last = _flat(trie.last)
        self._own = _flat(trie.own)
        self._order = _flat(trie.order)
        self._numbers: dict[tuple[int, ...] | bytes, int] = {(): NOTHING, (0,): EVERYTHING}
        self.nodes: list[Nodes] = [(), (0,)]
        self._children: list[dict[int, int] | None] = [{}, None]
        self._some_children: list[dict[int, int]] = [{}, {}]
        self._tokens: list[tuple[int, ...] | None] = [(), None]
        self._sorted: dict[int, _SortedChildren] = {}
        self._leads: dict[int, int] = {}
        self._without: dict[tuple[int, frozenset[int]], int] = {}
        self._unions: dict[frozenset[int], int] = {}
        self.beside_root: dict[int, int] = {}
        """Of unions with EVERYTHING, the rest."""
        self._nested: dict[int, bool] = {EVERYTHING: False}

    def __len__(self) -> int:
        return len(self.nodes)

    def intern(self, nodes: Iterable[int]) -> int:
        """The remainder that holds `nodes`; leaves are dropped, since nothing is left after them."""
        if isinstance(nodes, np.ndarray):
            start = self.trie.start
            return self.intern_array(distinct(nodes[start[nodes] < start[nodes + 1]]))
        starts = self.trie.starts
        return self._intern(sorted({node for node in nodes if starts[node] != starts[node + 1]}))

    def intern_array(self, nodes: npt.NDArray[np.int32]) -> int:
        """The remainder that holds exactly `nodes`, which are in order, each once."""
        return self._intern(nodes if len(nodes) > self.large else nodes.tolist())

    def _intern(self, nodes: Sequence[int] | npt.NDArray[np.int32]) -> int:
        held: Nodes = tuple(nodes) if len(nodes) <= self.large else np.asarray(nodes, dtype=np.int32)
        key = held if isinstance(held, tuple) else held.tobytes()
        number = self._numbers.get(key)
        if number is None:
            number = len(self.nodes)
            self._numbers[key] = number
            self.nodes.append(held)
            self._children.append(None)
            self._some_children.append({})
            self._tokens.append(None)
        return number

    def node_list(self, remainder: int) -> Sequence[int]:
        """The nodes as plain ints."""
        nodes = self.nodes[remainder]
        return nodes if isinstance(nodes, tuple) else nodes.tolist()

    def children(self, remainder: int) -> dict[int, int]:
        """By byte, the remainder after that byte.  Leaves are kept: their own tokens end there."""
        known = self._children[remainder]
        if known is not None:
            return known
        nodes = self.nodes[remainder]
        if isinstance(nodes, tuple):
            starts, byte = self.trie.starts, self.trie.lowest
            groups: dict[int, list[int]] = {}
            for node in nodes:
                for child in range(starts[node], starts[node + 1]):
                    groups.setdefault(byte[child], []).append(child)
            children = {key: self._intern(group) for key, group in sorted(groups.items())}
        else:
            ways = self._sort_children(remainder, nodes)
            children = {key: self.child(remainder, key) for key in ways.bytes()}
        self._children[remainder] = children
        return children

    def lead(self, remainder: int) -> int:
        """The bytes that lead on, as a bit set."""
        known = self._leads.get(remainder)
        if known is None:
            nodes = self.nodes[remainder]
            bytes_on: Iterable[int]
            if isinstance(nodes, tuple):
                starts, byte = self.trie.starts, self.trie.lowest
                bytes_on = set().union(*[byte[starts[node] : starts[node + 1]] for node in nodes])
            else:
                bytes_on = self._sort_children(remainder, nodes).bytes()
            known = self._leads[remainder] = sum(1 << key for key in bytes_on)
        return known

    def child(self, remainder: int, byte: int) -> int:
        """The remainder after `byte`, NOTHING if there is none; makes no other child."""
        children = self._children[remainder]
        if children is not None:
            return children.get(byte, NOTHING)
        known = self._some_children[remainder].get(byte)
        if known is None:
            known = self._some_children[remainder][byte] = self._child(remainder, byte)
        return known

    def union(self, several: frozenset[int]) -> int:
        """The nodes of any of several remainders."""
        if len(several) == 1:
            (remainder,) = several
            return remainder
        known = self._unions.get(several)
        if known is None:
            nodes = sorted({node for remainder in several for node in self.node_list(remainder)})
            if len(self._unions) >= MAX_KEPT:
                self._unions.clear()
            known = self._unions[several] = self._intern(nodes)
            if EVERYTHING in several:
                self.beside_root[known] = self.union(several - {EVERYTHING})
        return known

    def has_root(self, remainder: int) -> bool:
        """Are all tokens in it?"""
        nodes = self.nodes[remainder]
        return len(nodes) > 0 and nodes[0] == 0

    def without(self, remainder: int, others: frozenset[int]) -> int:
        """The nodes of a remainder that are in none of the others."""
        key = (remainder, others)
        known = self._without.get(key)
        if known is None:
            gone = {node for other in others for node in self.node_list(other)}
            kept = [node for node in self.node_list(remainder) if node not in gone]
            if len(self._without) >= MAX_KEPT:
                self._without.clear()
            known = self._without[key] = self._intern(kept)
        return known

    def is_nested(self, remainder: int) -> bool:
        """Is one of the nodes below another one?"""
        known = self._nested.get(remainder)
        if known is None:
            first, last = self._first, self._last
            slices = sorted((first[node], -last[node]) for node in self.node_list(remainder))
            known = any(-before[1] > after[0] for before, after in pairwise(slices))
            self._nested[remainder] = known
        return known

    def _child(self, remainder: int, byte: int) -> int:
        nodes = self.nodes[remainder]
        if not isinstance(nodes, tuple):
            return self.intern_array(self._sort_children(remainder, nodes).by(byte))
        starts, find = self.trie.starts, self.trie.lowest.find
        found = [find(byte, starts[node], starts[node + 1]) for node in nodes]
        return self._intern([child for child in found if child >= 0])

    def child_nodes(self, remainder: int, byte: int) -> npt.NDArray[np.int32]:
        """The nodes after `byte`, of a large remainder."""
        return self._sort_children(remainder, np.asarray(self.nodes[remainder])).by(byte)

    def node_child(self, node: int, byte: int) -> int:
        """The child of one node of the trie by a byte, -1 if there is none."""
        return self.trie.child(node, byte)

    def node_tokens(self, node: int) -> tuple[int, ...]:
        """The ids of the tokens that are exactly one node."""
        first, own = self._first[node], self._own[node]
        return tuple(self._order[first : first + own]) if own else ()

    def _sort_children(self, remainder: int, nodes: npt.NDArray[np.int32]) -> _SortedChildren:
        ways = self._sorted.get(remainder)
        if ways is None:
            ways = self._sorted[remainder] = _SortedChildren.build(self.trie, nodes)
        return ways

    def tokens(self, remainder: int) -> tuple[int, ...]:
        """The ids of the tokens that end exactly here."""
        known = self._tokens[remainder]
        if known is None:
            first, own, order = self._first, self._own, self._order
            known = tuple(
                order[index]
                for node in self.nodes[remainder]
                for index in range(first[node], first[node] + own[node])
            )
            self._tokens[remainder] = known
        return known

    def tokens_below(self, remainder: int) -> npt.NDArray[np.int32]:
        """The ids of the tokens that go on from here, shape (n,), those that end here left out."""
        trie, first, own = self.trie, self._first, self._own
        slices = [trie.order[first[node] + own[node] : trie.last[node]] for node in self.nodes[remainder]]
        return np.concatenate(slices) if slices else np.empty(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class _SortedChildren:
    """The children of a large set: `nodes[start[b] : start[b + 1]]` are those by byte b, in order."""

    nodes: npt.NDArray[np.int32]
    start: npt.NDArray[np.int32]

    @classmethod
    def build(cls, trie: Trie, nodes: npt.NDArray[np.int32]) -> _SortedChildren:
        children = spread(trie.start[nodes], trie.start[nodes + 1]).astype(np.int32)
        start, order = grouped(trie.byte[children], 256)
        return cls(children[order], start)

    def bytes(self) -> list[int]:
        """The bytes that lead on."""
        present: list[int] = np.flatnonzero(np.diff(self.start)).tolist()
        return present

    def by(self, byte: int) -> npt.NDArray[np.int32]:
        """The children by one byte."""
        return self.nodes[self.start[byte] : self.start[byte + 1]]


def _flat(array: npt.NDArray[Any]) -> memoryview[int]:
    """A view whose items are plain ints, several times faster to index than the array."""
    return np.ascontiguousarray(array).data

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
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from constrain.vocabulary.trie import Trie

NOTHING = 0
EVERYTHING = 1


class Remainders:
    """The interned sets of trie nodes of one vocabulary."""

    def __init__(self, trie: Trie) -> None:
        self.trie = trie
        self._byte = _flat(trie.byte)
        self._end = _flat(trie.end)
        self._first = _flat(trie.first)
        self._own = _flat(trie.own)
        self._order = _flat(trie.order)
        self._numbers: dict[tuple[int, ...], int] = {(): NOTHING, (0,): EVERYTHING}
        self.nodes: list[tuple[int, ...]] = [(), (0,)]
        self._children: list[dict[int, int] | None] = [{}, None]
        self._tokens: list[tuple[int, ...] | None] = [(), None]

    def __len__(self) -> int:
        return len(self.nodes)

    def intern(self, nodes: Iterable[int]) -> int:
        """The remainder that holds `nodes`; leaves are dropped, since nothing is left after them."""
        end = self._end
        key = tuple(sorted({node for node in nodes if end[node] > node + 1}))
        return self._intern(key)

    def intern_sorted(self, nodes: list[int]) -> int:
        """The same for nodes that are in order, each once, and no leaves."""
        return self._intern(tuple(nodes))

    def _intern(self, key: tuple[int, ...]) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = len(self.nodes)
            self._numbers[key] = number
            self.nodes.append(key)
            self._children.append(None)
            self._tokens.append(None)
        return number

    def children(self, remainder: int) -> dict[int, int]:
        """By byte, the remainder after that byte.  Leaves are kept: their own tokens end there."""
        known = self._children[remainder]
        if known is not None:
            return known
        byte, end = self._byte, self._end
        groups: dict[int, list[int]] = {}
        for node in self.nodes[remainder]:
            child, stop = node + 1, end[node]
            while child < stop:
                groups.setdefault(byte[child], []).append(child)
                child = end[child]
        children = {key: self._intern(tuple(nodes)) for key, nodes in sorted(groups.items())}
        self._children[remainder] = children
        return children

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
        trie, first, own, end = self.trie, self._first, self._own, self._end
        slices = [trie.order[first[node] + own[node] : first[end[node]]] for node in self.nodes[remainder]]
        return np.concatenate(slices) if slices else np.empty(0, dtype=np.int32)


def _flat(array: npt.NDArray[Any]) -> memoryview[int]:
    """A view whose items are plain ints, several times faster to index than the array."""
    return np.ascontiguousarray(array).data

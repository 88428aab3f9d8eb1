"""A set of literals as a trie that appears where it is read.

An object's keys, the tools of a call, a choice of ten thousand titles: many literals that begin alike, of
which some are still allowed.  Which are is a bit set beside the trie, so all continuations that offer some of
the same literals share one trie:

    ab, ac, b       node 0 ─a─▶ 1 ─b─▶ 2 [ab]        below(1) = {ab, ac}
                      └─b─▶ 3 [b]  └─c─▶ 4 [ac]      here(2) = {ab}

The literals are sorted once, and a node is a range of them with the number of bytes they have in common.  Its
children are made when somebody reads on from there; a generation sees few of them.

Cost: a sort, then one look at each literal of a range for each node that is read.
"""

from __future__ import annotations

from collections.abc import Sequence


class LiteralSet:
    """A trie of distinct byte strings, none of them empty, numbered as they are given.  Node 0 is the root.

    `below[n]` is the bit set of the literals in the subtree of n, `here[n]` that of those that end at n.
    """

    __slots__ = ("_children", "_depth", "_range", "_sorted", "below", "here", "last", "literals")

    def __init__(self, literals: Sequence[bytes]) -> None:
        self.literals = tuple(literals)
        if not all(self.literals):
            raise ValueError("a literal edge cannot be empty")
        self._sorted = sorted((text, index) for index, text in enumerate(self.literals))
        ends = {text[-1] for text in self.literals}
        self.last = ends.pop() if len(ends) == 1 else None
        """The byte that all of them end in, if they end alike."""
        self._children: list[dict[int, int] | None] = [None]
        self._range = [(0, len(self.literals))]
        self._depth = [0]
        self.below = [(1 << len(self.literals)) - 1]
        self.here = [0]

    def children(self, node: int) -> dict[int, int]:
        """By byte, the node after that byte.

        >>> literals = LiteralSet([b"b", b"ab", b"ac"])
        >>> literals.children(0), [bin(literals.below[node]) for node in (1, 2)]
        ({97: 1, 98: 2}, ['0b110', '0b1'])
        """
        known = self._children[node]
        if known is not None:
            return known
        depth = self._depth[node]
        start, stop = self._range[node]
        children: dict[int, int] = {}
        while start < stop:
            text, index = self._sorted[start]
            if len(text) == depth:
                start += 1
                continue
            byte, first, below, here = text[depth], start, 0, 0
            while start < stop:
                text, index = self._sorted[start]
                if text[depth] != byte:
                    break
                below |= 1 << index
                if len(text) == depth + 1:
                    here |= 1 << index
                start += 1
            children[byte] = len(self._range)
            self._children.append({} if below == here else None)
            self._range.append((first, start))
            self._depth.append(depth + 1)
            self.below.append(below)
            self.here.append(here)
        self._children[node] = children
        return children

    def find(self, prefix: bytes) -> int:
        """The node after `prefix`, or -1 if no literal begins so."""
        node = 0
        for byte in prefix:
            child = self.children(node).get(byte)
            if child is None:
                return -1
            node = child
        return node

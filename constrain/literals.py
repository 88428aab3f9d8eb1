"""A set of literals: which of them begin so, and the trie of them, which appears where it is read.

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

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property

from constrain.budget import spend


class LiteralSet:
    """Distinct byte strings, none of them empty, numbered as they are given.

    Node 0 of their trie is the root.  `below[n]` is the bit set of the literals in the subtree of n,
    `here[n]` that of those that end at n.
    """

    def __init__(self, literals: Sequence[bytes]) -> None:
        self.literals = tuple(literals)
        if not all(self.literals):
            raise ValueError("a literal edge cannot be empty")
        self._sorted = sorted(self.literals)
        self._children: list[dict[int, int] | None] = [None]
        self._range = [(0, len(self.literals))]
        self._depth = [0]
        self.below = [(1 << len(self.literals)) - 1]
        self.here = [0]

    @cached_property
    def index(self) -> dict[bytes, int]:
        """The number of each literal."""
        return {text: number for number, text in enumerate(self.literals)}

    @cached_property
    def last(self) -> int | None:
        """The byte that all of them end in, if they end alike."""
        ends = {text[-1] for text in self.literals}
        return ends.pop() if len(ends) == 1 else None

    def beginning(self, prefix: bytes) -> list[bytes]:
        """The literals that begin with `prefix` and go on.

        >>> LiteralSet([b"b", b"ab", b"ac", b"a"]).beginning(b"a")
        [b'ab', b'ac']
        """
        ordered = self._sorted
        start = stop = bisect_left(ordered, prefix)
        while stop < len(ordered) and ordered[stop].startswith(prefix):
            stop += 1
        if start < stop and ordered[start] == prefix:
            start += 1
        return ordered[start:stop]

    def children(self, node: int) -> dict[int, int]:
        """By byte, the node after that byte.

        >>> literals = LiteralSet([b"b", b"ab", b"ac"])
        >>> literals.children(0), [bin(literals.below[node]) for node in (1, 2)]
        ({97: 1, 98: 2}, ['0b110', '0b1'])
        """
        known = self._children[node]
        if known is not None:
            return known
        depth, index = self._depth[node], self.index
        start, stop = self._range[node]
        if (
            start < stop and len(self._sorted[start]) == depth
        ):  # it ends here, and is the first of those that go on
            start += 1
        children: dict[int, int] = {}
        while start < stop:
            text = self._sorted[start]
            byte, first = text[depth], start
            here = 1 << index[text] if len(text) == depth + 1 else 0
            bits = bytearray(len(self.literals) + 7 >> 3)
            while start < stop and (text := self._sorted[start])[depth] == byte:
                number = index[text]
                bits[number >> 3] |= 1 << (number & 7)
                start += 1
            spend(1 + (start - first >> 3) + (len(bits) >> 9))
            below = int.from_bytes(bits, "little")
            children[byte] = len(self._range)
            self._children.append({} if below == here else None)
            self._range.append((first, start))
            self._depth.append(depth + 1)
            self.below.append(below)
            self.here.append(here)
        self._children[node] = children
        return children

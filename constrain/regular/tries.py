"""Finite sets of strings, which are trie nodes: how are they made, what are their union and their difference?

The union of some nodes has, by each byte, the union of their children, and the difference of two the
difference of the two children.  So only the part that they share is walked, and all else is shared:

    {id, name, next} - {id, nil}     by i: {d} - {d}, which is nothing;  by n: {ame, ext} - {il}, which
                                     is the same node as before

Beside a complement of a finite set, a finite set could also stay an intersection, but then each of its states
would be looked into for whether anything is left of it.

All keep a stack of their own, for shared beginnings may be thousands of bytes long.  `terms.py` says how a
node is made (`make`: does a string end here, and the children), and what its children are.

A node for each byte of a million strings would take minutes and gigabytes, and a generation sees a few dozen
of them.  So many strings are kept sorted, and a node of theirs is a *slice*: a range of them, and the number
of bytes that those in the range have in common.  Its children are slices again, made when somebody asks:

    ab, ac, b       slice(0..3, 0)  by a: slice(0..2, 1), which is b, c     by b: the empty string

Equal sets of few strings, with FEW_BYTES together, are one node; those of many may be two.

Cost: a node for each byte; of many strings a sort, and a binary search for each child that is read.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate, chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from constrain.budget import spend
from constrain.regular.byte_sets import ALL_BYTES

if TYPE_CHECKING:
    from constrain.regular.term import Term

Children = Callable[["Term"], Mapping[int, "Term"]]
Make = Callable[[bool, dict[int, "Term"]], "Term"]


FEW_BYTES = 4_096
"""So many bytes are made nodes at once, in some ten milliseconds."""


class SortedTexts:
    """Distinct byte strings in order, and how many bytes they have."""

    __slots__ = ("_ends", "texts")

    def __init__(self, texts: Iterable[bytes]) -> None:
        self.texts = [text for text, _ in groupby(sorted(texts))]
        self._ends = array("q", chain((0,), accumulate(map(len, self.texts))))

    def all(self) -> Slice:
        """All of them."""
        return Slice(self, 0, len(self.texts), 0)

    def bytes_in(self, first: int, last: int) -> int:
        """How many bytes some of them have together."""
        return self._ends[last] - self._ends[first]


class Slice(NamedTuple):
    """What is left of the texts `first` to `last` (not included) after `depth` bytes that they share."""

    source: SortedTexts
    first: int
    last: int
    depth: int

    @property
    def size(self) -> int:
        """How many strings it holds."""
        return self.last - self.first

    @property
    def bytes_left(self) -> int:
        """How many bytes they have together."""
        return self.source.bytes_in(self.first, self.last) - self.depth * self.size

    @property
    def here(self) -> bool:
        """Is the empty string one of them?"""
        return len(self.source.texts[self.first]) == self.depth

    @property
    def first_bytes(self) -> int:
        """The bytes that its strings begin with, as a 256-bit set, and maybe more of them."""
        one, other = self.source.texts[self.first], self.source.texts[self.last - 1]
        alike = not self.here and one[self.depth] == other[self.depth]
        return 1 << one[self.depth] if alike else ALL_BYTES

    def texts(self) -> list[bytes]:
        """The strings."""
        return [text[self.depth :] for text in self.source.texts[self.first : self.last]]

    def children(self) -> dict[int, Slice]:
        """By byte, the slice after it."""
        texts, at, last = self.source.texts, self.first + self.here, self.last
        found: dict[int, Slice] = {}
        while at < last:
            byte = texts[at][self.depth]
            end = at + 1
            if end < last:  # else the search would look at one text alone
                end = bisect_right(texts, byte, at, last, key=itemgetter(self.depth))
            found[byte] = Slice(self.source, at, end, self.depth + 1)
            at = end
        spend(1 + len(found))
        return found


def build(texts: Iterable[bytes], make: Make) -> Term:
    """The node that holds `texts`; each node is made when all below it are."""
    open_nodes: list[tuple[int, dict[int, Term], bool]] = [(-1, {}, False)]
    path: list[int] = []
    for text in sorted(set(texts), reverse=True):
        spend()
        shared = 0
        while shared < len(path) and shared < len(text) and path[shared] == text[shared]:
            shared += 1
        _close(open_nodes, path, shared, make)
        for byte in text[shared:]:
            path.append(byte)
            open_nodes.append((byte, {}, False))
        byte, children, _ = open_nodes[-1]
        open_nodes[-1] = (byte, children, True)
    _close(open_nodes, path, 0, make)
    _, children, here = open_nodes[0]
    return make(here, children)


def _close(
    open_nodes: list[tuple[int, dict[int, Term], bool]], path: list[int], depth: int, make: Make
) -> None:
    while len(path) > depth:
        byte, children, here = open_nodes.pop()
        path.pop()
        open_nodes[-1][1][byte] = make(here, children)


def union(tries: list[Term], children: Children, make: Make) -> Term:
    """The strings of any of the nodes."""
    root: dict[int, Term] = {}
    work: list[tuple[list[Term], dict[int, Term], int, dict[int, Term] | None]] = [(tries, root, 0, None)]
    while work:
        nodes, goes, byte, made = work.pop()
        spend(1 + (len(nodes) >> 2))
        distinct = dict.fromkeys(nodes)
        if made is not None:
            goes[byte] = make(any(node.nullable for node in nodes), made)
        elif len(distinct) == 1:
            goes[byte] = nodes[0]
        else:
            groups: dict[int, list[Term]] = {}
            for node in distinct:
                for label, child in children(node).items():
                    groups.setdefault(label, []).append(child)
            made = {}
            work.append((nodes, goes, byte, made))
            work.extend((group, made, label, None) for label, group in groups.items())
    return root[0]


def subtract(trie: Term, without: Term, children: Children, make: Make) -> Term:
    """The strings of `trie` that `without` does not hold."""
    root: dict[int, Term] = {}
    work: list[tuple[Term, Term, dict[int, Term], int, dict[int, Term] | None]] = [
        (trie, without, root, 0, None)
    ]
    while work:
        node, other, goes, byte, made = work.pop()
        if made is not None:
            here = node.nullable and not other.nullable
            if here or made:
                goes[byte] = make(here, made)
            continue
        if node is other:
            continue
        spend()
        common, beside = children(node), children(other)
        made = {label: child for label, child in common.items() if label not in beside}
        work.append((node, other, goes, byte, made))
        work.extend(
            (child, beside[label], made, label, None) for label, child in common.items() if label in beside
        )
    return root.get(0) or make(False, {})

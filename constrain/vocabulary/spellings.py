"""Which tokens write the next bytes of a literal, or get past its end?

A trie of literals (`literals.py`) and the trie of a vocabulary are walked together, as long as both go on:

    literals   "name"  "no"                        before the quote     `"`, and no token goes on from there
    tokens     "  n  na  nam"  o",                 behind it            `n`, `na`; then `o",` behind `n`

Which literals are still allowed is a bit set, and changes with every key of an object.  So a walk goes along
all of them, once, and a *step* notes for each node of the vocabulary's trie which literals it is a beginning
of (`below`), and which end here (`here`).

An open edge is walked for the ends of its literals alone: any token may begin its text, and the literals are
exceptions.  In real vocabularies hardly a token goes on to a quote behind letters, so that a walk which
looks for one ends where it begins.  Texts that may not come again may be many, and there it is the other way
round: the few rests of tokens up to a quote are looked up in the set of those texts.

Cost: half a microsecond for each node; for each byte that literals end in, one look at the vocabulary's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple
from weakref import proxy

from constrain.budget import spend
from constrain.literals import LiteralSet
from constrain.vocabulary.remainders import NOTHING

if TYPE_CHECKING:
    from constrain.vocabulary.tables import Tables

MAX_KEPT = 10_000


class Step(NamedTuple):
    """The tokens that end at a node of both tries, and the remainder left there for what follows."""

    below: int
    here: int
    tokens: tuple[int, ...]
    rest: int


class End(NamedTuple):
    """The tokens that end with a literal, and the remainder left behind it."""

    tokens: tuple[int, ...]
    rest: int


class Spellings:
    """Walks along literals over one vocabulary."""

    def __init__(self, tables: Tables) -> None:
        self._tables: Tables = proxy(tables)  # its own part, so no circle: they die together
        self._leads: dict[int, bytes] = {}
        self._led: dict[tuple[int, int], dict[bytes, list[int]]] = {}
        self._told_apart: dict[tuple[int, int, tuple[int, ...]], list[tuple[int, int]]] = {}
        self._to_byte: dict[int, dict[int, list[tuple[bytes, int]]]] = {}
        self._ending: dict[tuple[int, int], dict[int, list[tuple[bytes, End]]]] = {}

    def steps(self, remainder: int, literals: LiteralSet, node: int) -> list[Step]:
        """The steps of all literals below `node`, over the tokens of `remainder`."""
        remainders = self._tables.remainders
        nodes = remainders.nodes[remainder]
        if len(nodes) == 1:
            return self._along_nodes(int(nodes[0]), literals, node)
        found: list[Step] = []
        stack = [(remainder, node)]
        while stack:
            here, at = stack.pop()
            for byte, to in literals.children(at).items():
                child = remainders.child(here, byte)
                if child != NOTHING:
                    ended = literals.here[to]
                    rest = remainders.intern(remainders.nodes[child]) if ended else NOTHING
                    found.append(Step(literals.below[to], ended, remainders.tokens(child), rest))
                    stack.append((child, to))
        return found

    def _along_nodes(self, start: int, literals: LiteralSet, node: int) -> list[Step]:
        """The same from a single node of the vocabulary's trie."""
        remainders = self._tables.remainders
        starts, find, tokens_of = remainders.trie.starts, remainders.trie.lowest.find, remainders.node_tokens
        found: list[Step] = []
        stack = [(start, node)]
        while stack:
            here, at = stack.pop()
            first, last = starts[here], starts[here + 1]
            if first == last:
                continue
            for byte, to in literals.children(at).items():
                child = find(byte, first, last)
                if child >= 0:
                    ended = literals.here[to]
                    rest = remainders.intern((child,)) if ended else NOTHING
                    found.append(Step(literals.below[to], ended, tokens_of(child), rest))
                    stack.append((child, to))
        return found

    def ends(self, remainder: int, texts: Iterable[bytes]) -> dict[bytes, End]:
        """Where tokens of `remainder` end with one of some texts, or go on behind it; by text."""
        remainders = self._tables.remainders
        nodes = remainders.nodes[remainder]
        found: dict[bytes, End] = {}
        if len(nodes) != 1:
            for text in texts:
                child = self._child(remainder, text)
                if child != NOTHING:
                    rest = remainders.intern(remainders.nodes[child])
                    found[text] = End(remainders.tokens(child), rest)
            return found
        start, passed = int(nodes[0]), set[bytes]()
        for text in texts:
            if text[:1] not in passed:
                node = self._node(start, text)
                if node >= 0:
                    found[text] = End(remainders.node_tokens(node), remainders.intern((node,)))
                elif self._node(start, text[:1]) < 0 or len(text) == 1:
                    passed.add(text[:1])
        return found

    def ending(self, remainder: int, byte: int) -> dict[int, list[tuple[bytes, End]]]:
        """Where tokens have a byte, by the byte before it (-1: none): the rest up to it, and the end."""
        found = self._ending.get((remainder, byte))
        if found is None:
            remainders, below = self._tables.remainders, self._below(byte)
            ends: dict[bytes, list[int]] = {}
            nodes = remainders.nodes[remainder]
            for start in nodes if len(nodes) < len(below) else below.keys() & set(nodes):
                for rest, node in below.get(int(start), ()):
                    ends.setdefault(rest, []).append(node)
            found = self._ending[remainder, byte] = {}
            for rest, some in ends.items():
                tokens = tuple(token for node in some for token in remainders.node_tokens(node))
                before = rest[-2] if len(rest) > 1 else -1
                found.setdefault(before, []).append((rest, End(tokens, remainders.intern(some))))
        return found

    def _below(self, byte: int) -> dict[int, list[tuple[bytes, int]]]:
        """By node of the vocabulary's trie: the nodes below it that a byte leads to, each after its rest."""
        found = self._to_byte.get(byte)
        if found is None:
            trie = self._tables.vocabulary.trie
            start, by_byte = trie.by_byte
            found = self._to_byte[byte] = {}
            for node in by_byte[start[byte] : start[byte + 1]].tolist():
                at, rest = node, b""
                while at:
                    rest = bytes((trie.lowest[at],)) + rest
                    at = int(trie.parent[at])
                    found.setdefault(at, []).append((rest, node))
        return found

    def told_apart(self, remainder: int, left: int, states: tuple[int, ...]) -> list[tuple[int, int]]:
        """The nodes of `left` by which of some languages end there, one bit each, as remainders.

        Tokens of `remainder` lead to them from a state of each language.  The first is that of a terminal: it
        counts as no bit, and what does not end with it is left out.
        """
        key = (remainder, left, states)
        found = self._told_apart.get(key)
        if found is None:
            if len(self._told_apart) >= MAX_KEPT:
                self._told_apart.clear()
            found = self._told_apart[key] = self._tell_apart(remainder, left, states)
        return found

    def _tell_apart(self, remainder: int, left: int, states: tuple[int, ...]) -> list[tuple[int, int]]:
        tables = self._tables
        accepting, row = tables.automaton.accepting, tables.row
        reached = {b"": states}
        groups: dict[int, list[int]] = {}
        for rest, nodes in self._paths(remainder, left).items():
            for size in range(1, len(rest) + 1):
                if rest[:size] not in reached:
                    spend(1 + len(states) // 16)
                    before, byte = reached[rest[: size - 1]], rest[size - 1]
                    reached[rest[:size]] = tuple([state and row(state)[byte] for state in before])
            ended, *others = [accepting[state] for state in reached[rest]]
            if ended:
                held = sum(1 << bit for bit, holds in enumerate(others) if holds)
                groups.setdefault(held, []).extend(nodes)
        return [(held, tables.remainders.intern(nodes)) for held, nodes in groups.items()]

    def _paths(self, remainder: int, left: int) -> dict[bytes, list[int]]:
        """The texts that lead from one remainder to the nodes of another, and where to."""
        known = self._led.get((remainder, left))
        if known is not None:
            return known
        trie, remainders = self._tables.vocabulary.trie, self._tables.remainders
        starts = frozenset(remainders.node_list(remainder))
        found: dict[bytes, list[int]] = {}
        for node in remainders.node_list(left):
            at, rest = node, b""
            while at:
                rest = bytes((trie.lowest[at],)) + rest
                at = int(trie.parent[at])
                if at in starts:
                    found.setdefault(rest, []).append(node)
        if len(self._led) >= MAX_KEPT:
            self._led.clear()
        self._led[remainder, left] = found
        return found

    def _child(self, remainder: int, text: bytes) -> int:
        for byte in text:
            remainder = self._tables.remainders.child(remainder, byte)
            if remainder == NOTHING:
                break
        return remainder

    def _node(self, node: int, text: bytes) -> int:
        """The node after `text`, -1 where no token goes that far."""
        child_of, leads = self._tables.remainders.node_child, self._leads_to(text[-1])
        for byte in text:
            node = child_of(node, byte) if leads[node] else -1
            if node < 0:
                break
        return node

    def _leads_to(self, byte: int) -> bytes:
        """For each node of the trie: is there this byte somewhere below it?"""
        known = self._leads.get(byte)
        if known is None:
            known = self._leads[byte] = self._tables.vocabulary.trie.leads_to(byte).tobytes()
        return known

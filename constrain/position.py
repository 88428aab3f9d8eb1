"""Where a generation stands, and how a byte or a token moves it.

A *position* is a small set of threads.  A thread is one reading of the text so far:

    at a continuation           nothing of its next terminal has been read yet
    inside a terminal           a state of the automaton, on the edge it belongs to
    inside a literal edge       a node of its trie

After `1` in a list of integers there are two threads: inside the number (`12` may follow) and at what
comes after it (`,` or `]`).  A byte moves every thread at once; threads that cannot go on
vanish, and a position without threads does not exist: the text is refused.

    [1      {inside integer, at after-item}
    [1,     {at next-item}
    [1,]    refused

Positions are interned in a `Positions`, one for each compiled grammar, and remember where tokens led, so a
token seen twice costs one dictionary look-up.  Nothing here knows of masks: `advance` is the
definition of what is allowed, byte by byte, and `masks.py` must agree with it.

Rule 1: a thread is live.  Dead automaton states never become threads, and continuations are live
by their own contract, so every position has a text that completes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from constrain.budget import DEFAULT_MAX_STEPS, budget
from constrain.continuation import Continuation, Edge, LiteralEdge, TokenEdge, bits
from constrain.vocabulary.bitmask import Mask
from constrain.vocabulary.tables import Tables

Thread = tuple[int, Continuation | Edge | LiteralEdge, bytes]
"""(automaton state or trie node, where, bytes captured so far); at a continuation the number is 0."""

Threads = dict[Thread, None]

MAX_POSITIONS = 20_000
MAX_FORCED_BYTES = 4_096
MANY_THREADS = 3
"""Fewer come in one order nearly always, and need no set of their own to be found again."""


class Position:
    """One interned set of threads.  `can_end` says whether the text may end here."""

    __slots__ = ("__weakref__", "after_token", "can_end", "mask", "threads")

    def __init__(self, threads: tuple[Thread, ...]) -> None:
        self.threads = threads
        self.can_end = any(isinstance(where, Continuation) and where.can_end for _, where, _ in threads)
        self.after_token: dict[int, Position | None] = {}
        self.mask: Mask | None = None


class Positions:
    """The positions of one grammar over one vocabulary."""

    def __init__(self, start: Continuation, tables: Tables, max_steps: int = DEFAULT_MAX_STEPS) -> None:
        self.max_steps = max_steps
        self.tables = tables
        self._interned: dict[tuple[Thread, ...] | frozenset[Thread], Position] = {}
        self.start = self.intern({(0, start, b""): None})

    def intern(self, threads: Threads) -> Position:
        """The position that consists of these threads."""
        ordered = tuple(threads)
        key: tuple[Thread, ...] | frozenset[Thread]
        key = ordered if len(ordered) < MANY_THREADS else frozenset(ordered)
        position = self._interned.get(key)
        if position is None:
            if len(self._interned) >= MAX_POSITIONS:
                self.forget()
            position = self._interned[key] = Position(ordered)
        return position

    def forget(self) -> None:
        """Drop every memo; positions that matchers still hold go on working."""
        for position in self._interned.values():
            position.after_token.clear()
        self._interned.clear()

    def advance(self, position: Position, token_id: int) -> Position | None:
        """Where the bytes of a token lead from here, or None if they are refused."""
        try:
            return position.after_token[token_id]
        except KeyError:
            pass
        token = self.tables.vocabulary.text(token_id)
        with budget(self.max_steps, "reading a token"):
            threads = self.read(position, token) if token else self.take(position, token_id)
        after = self.intern(threads) if threads else None
        position.after_token[token_id] = after
        return after

    def read(self, position: Position, text: bytes) -> Threads:
        """The threads after `text`; none of them if it is refused."""
        threads: Threads = dict.fromkeys(position.threads)
        for byte in text:
            threads = self.step(threads, byte)
            if not threads:
                break
        return threads

    def take(self, position: Position, token_id: int) -> Threads:
        """The threads after a special token; none of them if it is refused."""
        return {
            (0, edge.then, b""): None for edge in special_edges(position.threads) if edge.token_id == token_id
        }

    def step(self, threads: Threads, byte: int) -> Threads:
        """The threads after one more byte."""
        after: Threads = {}
        for number, edge, captured in self.readers(threads):
            if type(edge) is Edge:
                self._step_terminal(number, edge, captured, byte, after)
            else:
                self._step_literal(number, cast(LiteralEdge, edge), byte, after)
        return _joined(after) if len(after) > 1 else after

    def readers(self, threads: Iterable[Thread]) -> Iterator[tuple[int, Edge | LiteralEdge, bytes]]:
        """The threads with each continuation replaced by its edges, about to be read; bytes only."""
        for number, where, captured in threads:
            if not isinstance(where, Continuation):
                yield number, where, captured
                continue
            for edge in where.edges:
                if type(edge) is Edge:
                    yield self.tables.automaton.state(edge.terminal), edge, b""
                elif type(edge) is LiteralEdge:
                    yield 0, edge, b""
                elif type(edge) is not TokenEdge:
                    raise AssertionError("a preview was taken for a position")

    def _step_terminal(self, state: int, edge: Edge, captured: bytes, byte: int, after: Threads) -> None:
        to = self.tables.step(state, byte)
        if not to:
            return
        if edge.capture is not None:
            captured += bytes((byte,))
        if self.tables.extensible(to):
            after[to, edge, captured] = None
        if self.tables.automaton.accepting[to]:
            then = edge.capture(captured) if edge.capture is not None else edge.then
            if then is None:
                raise AssertionError("an edge without capture needs `then`")
            after[0, then, b""] = None

    def _step_literal(self, node: int, edge: LiteralEdge, byte: int, after: Threads) -> None:
        literals = edge.literals
        child = literals.children[node].get(byte)
        if child is None:
            return
        below = literals.below[child] & edge.allowed
        here = literals.here[child] & edge.allowed
        if below & ~here:
            after[child, edge, b""] = None
        for index in bits(here):
            after[0, edge.then(index), b""] = None

    def next_bytes(self, threads: Threads) -> set[int]:
        """The bytes that some thread can read next."""
        found: set[int] = set()
        for number, edge, _ in self.readers(threads):
            if type(edge) is Edge:
                found.update(byte for byte, _ in self.tables.live(number))
            else:
                found.update(_literal_bytes(number, cast(LiteralEdge, edge)))
        return found

    def forced_bytes(self, position: Position) -> bytes:
        """The bytes that every completion of `position` begins with, at most MAX_FORCED_BYTES of them."""
        forced = bytearray()
        threads: Threads = dict.fromkeys(position.threads)
        while len(forced) < MAX_FORCED_BYTES:
            if any(isinstance(where, Continuation) and where.can_end for _, where, _ in threads):
                break
            if any(special_edges(threads)):
                break
            ways = self.next_bytes(threads)
            if len(ways) != 1:
                break
            byte = ways.pop()
            forced.append(byte)
            threads = self.step(threads, byte)
        return bytes(forced)


def special_edges(threads: Iterable[Thread]) -> Iterator[TokenEdge]:
    """The special tokens that may come next."""
    for _, where, _ in threads:
        if isinstance(where, Continuation):
            yield from (edge for edge in where.edges if type(edge) is TokenEdge)


def _joined(threads: Threads) -> Threads:
    """The threads, with those at continuations that can be one continuation made one."""
    together: dict[object, list[Continuation]] = {}
    for _, where, _ in threads:
        if isinstance(where, Continuation) and where.joins is not None:
            together.setdefault(where.joins, []).append(where)
    for several in together.values():
        if len(several) > 1:
            for where in several:
                del threads[0, where, b""]
            threads[0, several[0].joined(several[1:]), b""] = None
    return threads


def _literal_bytes(node: int, edge: LiteralEdge) -> list[int]:
    literals = edge.literals
    return [byte for byte, child in literals.children[node].items() if literals.below[child] & edge.allowed]

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

from constrain.budget import DEFAULT_LIMITS, Limits
from constrain.continuation import (
    AnyEdge,
    Continuation,
    Edge,
    LiteralEdge,
    OpenEdge,
    TokenEdge,
    bits,
    follow_text,
)
from constrain.vocabulary.bitmask import Mask
from constrain.vocabulary.tables import Tables

ByteEdge = Edge | LiteralEdge | OpenEdge

Thread = tuple[int, ByteEdge | None, Continuation, bytes]
"""(automaton state or trie node, edge, the continuation it belongs to, bytes captured so far).

At a continuation there is no edge yet, and the number is 0.
"""

Threads = dict[Thread, None]
Reader = tuple[int, ByteEdge, Continuation, bytes]

Begun = tuple[int, ByteEdge, bool, bool]
"""The state behind the first byte of an edge, can a text go on from there, and is it complete?

Of a literal edge neither is known: which literals go on depends on what follows them.
"""

MAX_POSITIONS = 20_000
MAX_BEGUN = 50_000
MAX_FORCED_BYTES = 4_096
MANY_THREADS = 3
"""Fewer come in one order nearly always, and need no set of their own to be found again."""

_BYTES = [bytes((byte,)) for byte in range(256)]


class Position:
    """One interned set of threads.  `can_end` says whether the text may end here."""

    __slots__ = ("__weakref__", "after_token", "can_end", "mask", "threads")

    def __init__(self, threads: tuple[Thread, ...]) -> None:
        self.threads = threads
        self.can_end = False
        for _, edge, owner, _ in threads:
            if edge is None and owner.can_end:
                self.can_end = True
        self.after_token: dict[int, Position | None] = {}
        self.mask: Mask | None = None


class Positions:
    """The positions of one grammar over one vocabulary."""

    def __init__(self, start: Continuation, tables: Tables, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.tables = tables
        self._budget = limits.budget("reading a token")
        self._interned: dict[tuple[Thread, ...] | frozenset[Thread], Position] = {}
        self.start = self.intern({(0, None, start, b""): None})

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
        if token_id in position.after_token:
            return position.after_token[token_id]
        token = self.tables.vocabulary.text(token_id)
        with self._budget:
            threads = self.read(position.threads, token) if token else self.take(position, token_id)
        after = self.intern(threads) if threads else None
        position.after_token[token_id] = after
        return after

    def read(self, before: Iterable[Thread], text: bytes) -> Threads:
        """The threads after `text`; none of them if it is refused."""
        threads: Threads = dict.fromkeys(before)
        at, end = 0, len(text)
        while at < end and threads:
            if len(threads) == 1:
                (thread,) = threads
                edge = thread[1]
                if isinstance(edge, (Edge, OpenEdge)):
                    threads, at = self._run(thread, edge, text, at)
                    continue
            threads = self.step(threads, text[at])
            at += 1
        return threads

    def _run(self, thread: Thread, edge: Edge | OpenEdge, text: bytes, start: int) -> tuple[Threads, int]:
        """The threads after as much of `text` as leaves one alone in its terminal, and where that is."""
        state, _, owner, captured = thread
        step, loop, accepting = self.tables.step, self.tables.loop, self.tables.automaton.accepting
        at, end = start, len(text)
        while at < end:
            if not accepting[state]:  # what leads nowhere else is passed at once
                at = end - len(text[at:].lstrip(loop(state)))
                if at == end:
                    break
            state = step(state, text[at])
            at += 1
            if not state:
                return {}, at
            if accepting[state]:
                break
        if edge.captures:
            captured += text[start:at]
        if not accepting[state]:
            return {(state, edge, owner, captured): None}, at
        after: Threads = {}
        if self.tables.extensible(state):
            after[state, edge, owner, captured] = None
        _follow(edge, owner, captured, after)
        return _joined(after) if len(after) > 1 else after, at

    def take(self, position: Position, token_id: int) -> Threads:
        """The threads after a special token; none of them if it is refused."""
        return {
            (0, None, then, b""): None
            for edge, owner in special_edges(position.threads)
            if edge.token_id == token_id and (then := owner.follow(edge.number)) is not None
        }

    def step(self, threads: Threads, byte: int) -> Threads:
        """The threads after one more byte."""
        after: Threads = {}
        tables = self.tables
        for number, edge, owner, before in threads:
            if edge is None:
                for member in owner.members if owner.is_choice else (owner,):
                    self._begin(member, byte, after)
            elif isinstance(edge, LiteralEdge):
                _step_literal(number, edge, owner, byte, after)
            else:
                to = tables.step(number, byte)
                if to:
                    captured = before + _BYTES[byte] if edge.captures else before
                    if tables.extensible(to):
                        after[to, edge, owner, captured] = None
                    if tables.automaton.accepting[to]:
                        _follow(edge, owner, captured, after)
        return _joined(after) if len(after) > 1 else after

    def _begin(self, owner: Continuation, byte: int, after: Threads) -> None:
        """The threads after the first byte of an edge of `owner`."""
        for to, edge, goes_on, is_complete in self._begun(owner.first, byte):
            if isinstance(edge, LiteralEdge):
                _step_literal(0, edge, owner, byte, after)
                continue
            captured = _BYTES[byte] if edge.captures else b""
            if goes_on:
                after[to, edge, owner, captured] = None
            if is_complete:
                _follow(edge, owner, captured, after)

    def _begun(self, edges: tuple[AnyEdge, ...], byte: int) -> list[Begun]:
        """Which edges a byte begins; those of plain edges are found once for all grammars."""
        memo = self.tables.begun
        found = memo.get((edges, byte))
        if found is None:
            found = []
            is_plain = True
            for edge in edges:
                if isinstance(edge, LiteralEdge):
                    found.append((0, edge, False, False))
                elif isinstance(edge, (Edge, OpenEdge)):
                    to = self.tables.step(self.tables.automaton.state(edge.terminal), byte)
                    if to:
                        more, done = self.tables.extensible(to), self.tables.automaton.accepting[to]
                        found.append((to, edge, more, bool(done)))
                elif not isinstance(edge, TokenEdge):
                    raise AssertionError("a preview was taken for a position")
                is_plain = is_plain and isinstance(edge, Edge)
            if is_plain:
                if len(memo) >= MAX_BEGUN:
                    memo.clear()
                memo[edges, byte] = found
        return found

    def readers(self, threads: Iterable[Thread]) -> list[Reader]:
        """The threads with each continuation replaced by its edges, about to be read; bytes only."""
        found: list[Reader] = []
        state = self.tables.automaton.state
        for number, edge, owner, captured in threads:
            if edge is not None:
                found.append((number, edge, owner, captured))
                continue
            for member in owner.members if owner.is_choice else (owner,):
                for each in member.first:
                    if isinstance(each, (Edge, OpenEdge)):
                        found.append((state(each.terminal), each, member, b""))
                    elif isinstance(each, LiteralEdge):
                        found.append((0, each, member, b""))
                    elif not isinstance(each, TokenEdge):
                        raise AssertionError("a preview was taken for a position")
        return found

    def next_bytes(self, threads: Threads) -> set[int]:
        """The bytes that some thread can read next."""
        found: set[int] = set()
        for number, edge, _, _ in self.readers(threads):
            if isinstance(edge, LiteralEdge):
                found.update(_literal_bytes(number, edge))
            else:
                found.update(byte for byte, _ in self.tables.live(number))
        return found

    def forced_bytes(self, position: Position) -> bytes:
        """The bytes that every completion of `position` begins with, at most MAX_FORCED_BYTES of them."""
        with self.limits.budget("finding forced bytes"):
            return self._forced_bytes(dict.fromkeys(position.threads))

    def _forced_bytes(self, threads: Threads) -> bytes:
        forced = bytearray()
        while len(forced) < MAX_FORCED_BYTES:
            if any(edge is None and owner.can_end for _, edge, owner, _ in threads):
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


def special_edges(threads: Iterable[Thread]) -> Iterator[tuple[TokenEdge, Continuation]]:
    """The special tokens that may come next, each with the continuation it belongs to."""
    for _, where, owner, _ in threads:
        if where is None:
            for member in owner.members:
                for edge in member.first:
                    if type(edge) is TokenEdge:
                        yield edge, member


def _follow(edge: Edge | OpenEdge, owner: Continuation, text: bytes, after: Threads) -> None:
    """Go on behind a terminal that is complete, if it may be."""
    then = follow_text(edge, owner, text)
    if then is not None:
        after[0, None, then, b""] = None


def _step_literal(node: int, edge: LiteralEdge, owner: Continuation, byte: int, after: Threads) -> None:
    literals = edge.literals
    child = literals.children(node).get(byte)
    if child is None:
        return
    below = literals.below[child] & edge.allowed
    here = literals.here[child] & edge.allowed
    if below & ~here:
        after[child, edge, owner, b""] = None
    for index in bits(here):
        then = owner.follow(index)
        if then is not None:
            after[0, None, then, b""] = None


def _joined(threads: Threads) -> Threads:
    """The threads, with those at continuations that can be one continuation made one."""
    together: dict[object, list[Continuation]] = {}
    for _, edge, owner, _ in threads:
        if edge is None and owner.joins is not None:
            together.setdefault(owner.joins, []).append(owner)
    for several in together.values():
        if len(several) > 1:
            for where in several:
                del threads[0, None, where, b""]
            threads[0, None, several[0].joined(several[1:]), b""] = None
    return threads


def _literal_bytes(node: int, edge: LiteralEdge) -> list[int]:
    literals = edge.literals
    children = literals.children(node)
    return [byte for byte, child in children.items() if literals.below[child] & edge.allowed]

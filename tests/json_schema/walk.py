"""Follow continuations byte by byte, plainly: the oracle's way of reading a grammar.

A thread is a continuation, or an edge with what is left of its terminal (a term) and what it has read.  No
automaton, no tables, no memo: only derivatives and the protocol of continuation.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from constrain.continuation import Continuation, Edge, LiteralEdge
from constrain.regular.queries import is_empty
from constrain.regular.terms import EMPTY, Term

Inside = tuple[Edge, Term, bytes]
Literal = tuple[LiteralEdge, int]
Thread = Continuation | Inside | Literal


def start_threads(start: Continuation) -> list[Thread]:
    return [start]


def can_end(threads: Iterable[Thread]) -> bool:
    return any(isinstance(thread, Continuation) and thread.can_end for thread in threads)


def step(threads: Iterable[Thread], byte: int) -> list[Thread]:
    after: dict[Thread, None] = {}
    for thread in threads:
        if isinstance(thread, Continuation):
            for edge in thread.edges:
                if isinstance(edge, Edge):
                    _step_terminal(edge, edge.terminal, b"", byte, after)
                elif isinstance(edge, LiteralEdge):
                    _step_literal(edge, 0, byte, after)
                else:
                    raise AssertionError("a preview was taken for a position")
        elif isinstance(thread[0], Edge):
            _step_terminal(thread[0], thread[1], thread[2], byte, after)
        else:
            _step_literal(thread[0], thread[1], byte, after)
    return list(after)


def _step_terminal(edge: Edge, term: Term, read: bytes, byte: int, after: dict[Thread, None]) -> None:
    left = term.derivative(byte)
    if left is EMPTY or is_empty(left):
        return
    if edge.capture is not None:
        read += bytes((byte,))
    after[edge, left, read] = None
    if left.nullable:
        then = edge.capture(read) if edge.capture is not None else edge.then
        assert then is not None
        after[then] = None


def _step_literal(edge: LiteralEdge, node: int, byte: int, after: dict[Thread, None]) -> None:
    literals = edge.literals
    child = literals.children[node].get(byte)
    if child is None or not literals.below[child] & edge.allowed:
        return
    after[edge, child] = None
    here = literals.here[child] & edge.allowed
    for index in range(here.bit_length()):
        if here >> index & 1:
            after[edge.then(index)] = None


def accepts(start: Continuation, text: bytes) -> bool:
    threads = start_threads(start)
    for byte in text:
        threads = step(threads, byte)
        if not threads:
            return False
    return can_end(threads)


def next_bytes(threads: Iterable[Thread]) -> list[int]:
    """The bytes that some thread can read."""
    found: set[int] = set()
    for thread in threads:
        if isinstance(thread, Continuation):
            for edge in thread.edges:
                if isinstance(edge, Edge):
                    found.update(_term_bytes(edge.terminal))
                elif isinstance(edge, LiteralEdge):
                    found.update(_literal_bytes(edge, 0))
        elif isinstance(thread[0], Edge):
            found.update(_term_bytes(thread[1]))
        else:
            found.update(_literal_bytes(thread[0], thread[1]))
    return sorted(found)


def _term_bytes(term: Term) -> Iterable[int]:
    for mask in term.classes():
        low = (mask & -mask).bit_length() - 1
        after = term.derivative(low)
        if after is not EMPTY and not is_empty(after):
            yield from (byte for byte in range(256) if mask >> byte & 1)


def _literal_bytes(edge: LiteralEdge, node: int) -> Iterable[int]:
    return [
        byte
        for byte, child in edge.literals.children[node].items()
        if edge.literals.below[child] & edge.allowed
    ]


class DeadEnd(AssertionError):
    """A position from which nothing goes on and where the text may not end."""


def random_text(start: Continuation, rng: random.Random, *, longest: int = 400) -> bytes | None:
    """A text of the grammar, or None when it has not ended after `longest` bytes.  Raises DeadEnd."""
    threads = start_threads(start)
    text = bytearray()
    while len(text) < longest:
        if can_end(threads) and rng.random() < 0.7:
            return bytes(text)
        ways = next_bytes(threads)
        if not ways:
            if can_end(threads):
                return bytes(text)
            raise DeadEnd(bytes(text))
        closing = [byte for byte in ways if byte in b'"]}']
        plain = [byte for byte in ways if 0x20 <= byte < 0x7F]
        choices = closing if closing and rng.random() < 0.4 else plain or ways
        byte = rng.choice(choices)
        threads = step(threads, byte)
        text.append(byte)
        if not threads:
            raise DeadEnd(bytes(text))
    return bytes(text) if can_end(threads) else None

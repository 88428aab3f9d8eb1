"""Follow continuations byte by byte, plainly: the oracle's way of reading a grammar.

A thread is a continuation, or an edge with whose it is, what is left of its terminal (a term), and what it
has read.  No automaton, no tables, no memo: only derivatives and the protocol of continuation.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from constrain.continuation import AnyEdge, Continuation, Edge, LiteralEdge, OpenEdge
from constrain.regular.queries import is_empty
from constrain.regular.terms import EMPTY, Term

QUOTE = ord('"')
Inside = tuple[AnyEdge, Continuation, Term, bytes]
Thread = Continuation | Inside


def start_threads(start: Continuation) -> list[Thread]:
    return [start]


def can_end(threads: Iterable[Thread]) -> bool:
    return any(isinstance(thread, Continuation) and thread.can_end for thread in threads)


def begun(threads: Iterable[Thread]) -> Iterable[Inside]:
    """The threads, those at continuations replaced by their edges."""
    for thread in threads:
        if not isinstance(thread, Continuation):
            yield thread
            continue
        for member in thread.members:
            for edge in member.first:
                assert isinstance(edge, Edge | LiteralEdge | OpenEdge), "a preview was taken for a position"
                yield edge, member, EMPTY if isinstance(edge, LiteralEdge) else edge.terminal, b""


def step(threads: Iterable[Thread], byte: int) -> list[Thread]:
    after: dict[Thread, None] = {}
    for edge, owner, term, before in begun(threads):
        read = before + bytes((byte,))
        if isinstance(edge, LiteralEdge):
            _step_literal(edge, owner, read, after)
            continue
        left = term.derivative(byte)
        if left is EMPTY or is_empty(left):
            continue
        if not (isinstance(edge, OpenEdge) and left.nullable):  # behind its last quote a key is over
            after[edge, owner, left, read] = None
        if left.nullable:
            then = _follow(edge, owner, read)
            if then is not None:
                after[then] = None
    return list(after)


def _follow(edge: AnyEdge, owner: Continuation, read: bytes) -> Continuation | None:
    if isinstance(edge, Edge):
        return owner.follow(edge.number, read if edge.captures else None)
    assert isinstance(edge, OpenEdge)
    if read in edge.literals.literals:
        return owner.follow(edge.literals.literals.index(read))
    return None if read in edge.excluded else owner.follow(edge.classes.of(read), read)


def _allowed(edge: LiteralEdge) -> list[tuple[int, bytes]]:
    return [(index, text) for index, text in enumerate(edge.literals.literals) if edge.allowed >> index & 1]


def _step_literal(edge: LiteralEdge, owner: Continuation, read: bytes, after: dict[Thread, None]) -> None:
    for index, text in _allowed(edge):
        if text.startswith(read) and text != read:
            after[edge, owner, EMPTY, read] = None
        elif text == read:
            then = owner.follow(index)
            assert then is not None
            after[then] = None


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
    for edge, owner, term, read in begun(threads):
        if isinstance(edge, LiteralEdge):
            found.update(
                text[len(read)] for _, text in _allowed(edge) if text.startswith(read) and text != read
            )
        elif isinstance(edge, OpenEdge):  # a quote may complete a key that may not come
            inside: Inside = (edge, owner, term, read)
            found.update(byte for byte in _term_bytes(term) if byte != QUOTE or step([inside], byte))
        else:
            found.update(_term_bytes(term))
    return sorted(found)


def _term_bytes(term: Term) -> Iterable[int]:
    for mask in term.classes():
        low = (mask & -mask).bit_length() - 1
        after = term.derivative(low)
        if after is not EMPTY and not is_empty(after):
            yield from (byte for byte in range(256) if mask >> byte & 1)


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

"""How does a text end soonest from where it stands, and in which tokens?

A generation that may write so many tokens and no more has to know what it still owes.  After

    {"city": "Ro

it owes `"}`, one token where the vocabulary has it.  A position is a set of threads, and each thread owes the
rest of its terminal and then what follows it (`shortest.py`); the thread that owes the fewest bytes wins:

    thread                      rest of its terminal    what follows    owed
    inside the string `Ro`      `"`                     `}`             `"}`

The owed bytes are spelled with the longest tokens first, special tokens where the grammar asks for them.
Every byte is a token of its own, so the spelling always succeeds; it need not be the one with the fewest
tokens, but it is a way on, and what is left of it after each of its tokens is a way on too.

Cost: 0.1 to 1 ms for a position that is new, more where it stands before many ways, such as the names of
tools: each is followed as far as it is shorter than the answer found.
"""

from __future__ import annotations

from collections.abc import Iterator

from constrain.continuation import Continuation, Edge, LiteralEdge, OpenEdge, bits, follow_text
from constrain.errors import LimitExceeded
from constrain.matcher import CompiledGrammar, Matcher
from constrain.position import Position, Thread, special_edges
from constrain.regular.short import short
from constrain.shortest import ShortestTexts, named_ways, other_ways


class Completions:
    """Short completions of one grammar's positions, kept as they are found."""

    def __init__(self, compiled: CompiledGrammar) -> None:
        self._compiled = compiled
        self._positions = compiled.positions
        self._trie = compiled.vocabulary.trie
        self._texts = ShortestTexts(short)
        self._known: dict[Position, tuple[int, ...]] = {}

    def of(self, matcher: Matcher) -> tuple[int, ...]:
        """The tokens of a shortest completion; empty where the text may end.

        Raises LimitExceeded when finding it takes more than the grammar's limits allow.
        """
        position = matcher.position
        found = self._known.get(position)
        if found is None:
            with self._compiled.lock, self._positions.limits.budget("finding the shortest completion"):
                found = self._known[position] = tuple(self._spelled(position, self._owed(position)))
        return found

    def _owed(self, position: Position) -> bytes:
        """The fewest bytes that complete a position."""
        if position.can_end:
            return b""
        owed = min(
            (text for thread in position.threads for text in self._ways(thread)), key=len, default=None
        )
        if owed is None:
            raise LimitExceeded("no short completion of this text is known")
        return owed

    def _ways(self, thread: Thread) -> Iterator[bytes]:
        """What a thread owes; several ways where it is inside one of several literals."""
        number, edge, owner, captured = thread
        if edge is None:
            yield self._after(owner)
            return
        found: list[tuple[bytes, Continuation | None]] = []
        if isinstance(edge, LiteralEdge):
            rests = sorted(_rests(number, edge), key=lambda rest: len(rest[0]))
            found = [(rest, owner.follow(index)) for rest, index in rests[:MANY_LITERALS]]
        elif isinstance(edge, OpenEdge):
            named = sorted(named_ways(edge, owner, captured), key=lambda way: len(way[0]))
            found = [way for way in named if way[1] is not None][:MANY_LITERALS]
            found += other_ways(edge, owner, captured, self._positions.tables.automaton.term(number))
        elif isinstance(edge, Edge):
            rest = short(self._positions.tables.automaton.term(number))
            if rest is not None:
                found = [(rest, follow_text(edge, owner, captured + rest))]
        for rest, then in found:
            if then is not None:
                yield rest + self._after(then)

    def _after(self, where: Continuation) -> bytes:
        text = self._texts.text(where)
        if text is None:
            raise AssertionError("a continuation is live")
        return text

    def _spelled(self, position: Position, text: bytes) -> Iterator[int]:
        """The tokens that write `text` from a position on."""
        at = 0
        while at < len(text):
            for token_id, size in self._beginnings(position, text, at):
                after = self._positions.advance(position, token_id)
                if after is not None:
                    yield token_id
                    position, at = after, at + size
                    break
            else:
                raise AssertionError("each byte of a completion is a token")

    def _beginnings(self, position: Position, text: bytes, at: int) -> list[tuple[int, int]]:
        """The tokens that `text` goes on with, and their sizes: a special one, then from long to short."""
        found: list[tuple[int, int]] = []
        trie, node = self._trie, 0
        for stop in range(at, len(text)):
            node = trie.child(node, text[stop])
            if node < 0:
                break
            if trie.own[node]:
                found.append((int(trie.tokens(node)[0]), stop + 1 - at))
        special = [
            (edge.token_id, len(edge.text))
            for edge, _ in special_edges(position.threads)
            if text.startswith(edge.text, at)
        ]
        return special + found[::-1]


MANY_LITERALS = 8
"""So many of the shortest literals are followed, where a text stands inside one of many."""


def _rests(node: int, edge: LiteralEdge) -> Iterator[tuple[bytes, int]]:
    """What is left of each allowed literal below a node of the trie, and its number."""
    literals = edge.literals
    below = [(b"", node)]
    for text, at in below:
        if text:
            yield from ((text, index) for index in bits(literals.here[at] & edge.allowed))
        for byte, child in literals.children(at).items():
            if literals.below[child] & edge.allowed:
                below.append((text + bytes((byte,)), child))

"""What is the shortest text that completes a continuation?

Continuations are the nodes of a graph, and an edge is as long as the shortest text of its terminal.  So this
is Dijkstra's algorithm, over a graph that appears as it is searched:

    {"a": integer}      {"a":  then the shortest integer  then }         `{"a":0}`, 7 bytes

Where a continuation is a part and what follows it (`Continuation.split`), the part's own shortest text is one
long edge, found once and remembered: else every detour inside it would be tried at every place it stands.
A part that contains itself has a shortest text without itself inside, so it is passed over there.

A continuation of a context-free grammar knows the shortest text of each of its rules (`shortcuts`).

The text is a shortest one in bytes, special tokens as a tokenizer shows them.  How few tokens spell that very
text is told by `spelling.py`; another one of as many bytes, or more, may take fewer.

Source: Dijkstra, "A note on two problems in connexion with graphs" (1959); for the parts Knuth, "A
generalization of Dijkstra's algorithm" (1977).
Cost: one step of the budget in force for each continuation that is no further away than the end.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import count

from constrain.budget import spend
from constrain.continuation import AnyEdge, Continuation, Edge, LiteralEdge, OpenEdge, TokenEdge, bits
from constrain.literals import LiteralSet
from constrain.nesting import Nested
from constrain.regular.queries import shortest
from constrain.regular.short import short
from constrain.regular.terms import Term, difference, literals

WAY = 6
"""Steps for each way on: whether an object can still be completed is asked for each of its keys."""


def shortest_text(start: Continuation) -> bytes:
    """A shortest text that completes `start`, whitespace as sparse as it may be.

    Raises LimitExceeded when the budget in force is spent.
    """
    text = ShortestTexts().text(start)
    if text is None:
        raise AssertionError("a continuation is live")
    return text


class ShortestTexts:
    """The shortest texts of parts.

    `word` says how a terminal is completed: `shortest`, or `short` where that will do.  Special tokens are
    written as a tokenizer shows them, or with `only_bytes` not at all.
    """

    def __init__(self, word: Callable[[Term], bytes | None] = shortest, *, only_bytes: bool = False) -> None:
        self._word = word
        self._only_bytes = only_bytes
        self.others = OtherWays()
        self._parts: Nested[Continuation, bytes | None] = Nested(None)
        self._words: dict[Term, bytes] = {}

    def forget(self) -> None:
        """Drop every memo."""
        self.others.forget()
        self._parts.known.clear()
        self._words.clear()

    def text(self, start: Continuation) -> bytes | None:
        """A shortest text without one of an open part inside; None if there is none."""
        start = start.plainest
        return self._parts.of(start, start, lambda: self._search(start))

    def _search(self, start: Continuation) -> bytes | None:
        tie = count()
        heap: list[tuple[int, int, bytes, Continuation]] = [(0, next(tie), b"", start)]
        settled: set[Continuation] = set()
        while heap:
            _, _, text, here = heapq.heappop(heap)
            if here.can_end:
                return text
            here = here.plainest
            if here in settled:
                continue
            settled.add(here)
            spend()
            for word, after in self._ways(here):
                spend(WAY)
                if after not in settled:
                    longer = text + word
                    heapq.heappush(heap, (len(longer), next(tie), longer, after))
        return None

    def _ways(self, here: Continuation) -> Iterator[tuple[bytes, Continuation]]:
        parts = here.split() or here.split_inside()
        if parts is not None:
            word = self.text(parts[0])
            if word is not None:
                yield word, parts[1]
            return
        shortcuts = here.shortcuts()
        if shortcuts is not None:
            yield from shortcuts
            return
        for member in here.members:
            for edge in member.first:
                yield from self._through(edge, member)

    def _through(self, edge: AnyEdge, owner: Continuation) -> Iterator[tuple[bytes, Continuation]]:
        if isinstance(edge, LiteralEdge):
            found = [(edge.literals.literals[index], owner.follow(index)) for index in bits(edge.allowed)]
        elif isinstance(edge, OpenEdge):
            found = list(named_ways(edge, owner, b""))
            found.append(self.others.of(edge, owner, b"", edge.terminal))
        elif isinstance(edge, TokenEdge):
            found = [] if self._only_bytes else [(edge.text, owner.follow(edge.number))]
        else:
            assert isinstance(edge, Edge), "a preview is never searched"
            word = self._words.get(edge.terminal) or self._word(edge.terminal)
            assert word is not None, "a terminal is never empty"
            self._words[edge.terminal] = word
            found = [(word, owner.follow(edge.number, word if edge.captures else None))]
        yield from ((word, after) for word, after in found if after is not None)


def named_ways(
    edge: OpenEdge, owner: Continuation, read: bytes
) -> Iterator[tuple[bytes, Continuation | None]]:
    """The rests of the literals of an open edge, after what has been read of it, and what follows them."""
    for index, text in enumerate(edge.literals.literals):
        if text.startswith(read):
            yield text[len(read) :], owner.follow(index)


class OtherWays:
    """Short rests of texts of open edges that are no literal, remembered in the order they were found.

    What is excluded grows with each key that is written, and few of those keys are short.  So the rests are
    those of the edge alone, and whoever asks again with more texts excluded takes the next of them.
    """

    def __init__(self) -> None:
        self._words: dict[tuple[LiteralSet, Term, bytes], list[bytes]] = {}

    def forget(self) -> None:
        """Drop every memo."""
        self._words.clear()

    def of(
        self, edge: OpenEdge, owner: Continuation, read: bytes, left: Term
    ) -> tuple[bytes, Continuation | None]:
        """A short rest behind `read`, and what follows it; `left` is the language of the rests."""
        words = self._words.setdefault((edge.literals, left, read), [])
        spend(1 + (len(words) >> 2))
        word = next((word for word in words if read + word not in edge.excluded), None)
        while word is None:
            gone = [text[len(read) :] for text in edge.literals.literals if text.startswith(read)]
            found = short(difference(left, literals([*gone, *words])))
            assert found is not None, "there are always others"
            spend(len(words))
            words.append(found)
            word = found if read + found not in edge.excluded else None
        return word, owner.follow(edge.classes.of(read + word), read + word)

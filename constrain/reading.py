"""Which bytes of a finished or growing text were which part of its grammar?

Whoever writes under a grammar knows a text is well-formed; whoever reads it wants its pieces.  The same
continuations tell both: a `marked` part puts a note where it begins and one where it ends, and the reader
follows a text byte by byte and collects the notes it passes.

    marked("ab", 1), marked(regex("c+"), 2)        text abcc
    notes: 1 begins at 0, 1 ends at 2, 2 begins at 2, 2 ends at 4

Several readings of a text may be alive at once, as threads of a position are.  A note is *settled* when every
reading agrees on it: after `abc` it is known that 2 began at 2, and unknown whether it ended at 3.  What is
settled depends on the bytes alone and never on how they were cut into pieces.  Of readings that arrive at the
same place the first one stays, so each text has one reading in the end.

A byte that no reading can take is refused and changes nothing; `expected` then says what would have done.

Special tokens are read as the text they are shown as, so nothing here needs a vocabulary.  Cost: a few
dictionary operations per byte and reading.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from constrain.continuation import (
    AnyEdge,
    Continuation,
    Defer,
    LiteralEdge,
    Mark,
    TokenEdge,
    Union,
    bits,
    follow_text,
)
from constrain.regular.automaton import shared_automaton
from constrain.regular.interning import LOCK
from constrain.regular.short import short


@dataclass(frozen=True, slots=True)
class Note:
    """A labelled part begins, or ends, before the byte at `offset`."""

    label: Hashable
    begins: bool
    offset: int


Notes = tuple[Note, ...]
Thread = tuple[int, AnyEdge, Continuation, bytes]
"""(automaton state, trie node or count of bytes; the edge; whose it is; the bytes captured so far)."""


class Reader:
    """Follows one text through a grammar."""

    def __init__(self, start: Continuation, offset: int = 0) -> None:
        self.offset = offset
        self._automaton = shared_automaton()
        self._threads: dict[Thread, Notes] = {}
        self._end: Notes | None = None
        self._arrive(start, ())

    @property
    def can_end(self) -> bool:
        """May the text end here?"""
        return self._end is not None

    def step(self, byte: int) -> bool:
        """Read one byte; False, and nothing changed, where no reading can take it."""
        before, end = self._threads, self._end
        with LOCK:
            self._threads, self._end = {}, None
            self.offset += 1
            for thread, notes in before.items():
                self._move(thread, notes, byte)
        if self._threads or self._end is not None:
            return True
        self._threads, self._end, self.offset = before, end, self.offset - 1
        return False

    def settled(self) -> Iterator[Note]:
        """The notes that all readings agree on and that have not been handed out yet."""
        while True:
            readings = list(self._threads.values()) + ([] if self._end is None else [self._end])
            first = readings[0][0] if readings[0] else None
            if first is None or any(not notes or notes[0] != first for notes in readings):
                return
            self._threads = {thread: notes[1:] for thread, notes in self._threads.items()}
            self._end = None if self._end is None else self._end[1:]
            yield first

    def settled_offset(self) -> int:
        """The bytes before this offset belong to the sections that settled notes have opened."""
        readings = list(self._threads.values()) + ([] if self._end is None else [self._end])
        return min([self.offset, *(notes[0].offset for notes in readings if notes)])

    def finish(self) -> Notes:
        """The notes still open when the text ends here; those of the first reading that can end."""
        return self._end or ()

    def expected(self) -> tuple[str, ...]:
        """A short way on for each reading, as text; blanks only where nothing else would do."""
        found = [rest for thread in self._threads if (rest := self._rest(thread))]
        return tuple(dict.fromkeys([rest for rest in found if not rest.isspace()] or found))

    def _move(self, thread: Thread, notes: Notes, byte: int) -> None:
        number, edge, owner, captured = thread
        if isinstance(edge, LiteralEdge):
            self._move_literal(number, edge, owner, notes, byte)
        elif isinstance(edge, TokenEdge):
            if edge.text[number] != byte:
                return
            if number + 1 == len(edge.text):
                self._follow(owner.follow(edge.number), notes)
            else:
                self._threads.setdefault((number + 1, edge, owner, b""), notes)
        elif not isinstance(edge, Defer):
            to = self._automaton.step(number, byte)
            if not to:
                return
            if edge.captures:
                captured += bytes((byte,))
            if self._automaton.extensible(to):
                self._threads.setdefault((to, edge, owner, captured), notes)
            if self._automaton.accepting[to]:
                self._follow(follow_text(edge, owner, captured), notes)

    def _move_literal(
        self, node: int, edge: LiteralEdge, owner: Continuation, notes: Notes, byte: int
    ) -> None:
        literals = edge.literals
        child = literals.children(node).get(byte)
        if child is None:
            return
        here = literals.here[child] & edge.allowed
        if literals.below[child] & edge.allowed & ~here:
            self._threads.setdefault((child, edge, owner, b""), notes)
        for index in bits(here):
            self._follow(owner.follow(index), notes)

    def _follow(self, then: Continuation | None, notes: Notes) -> None:
        if then is not None:
            self._arrive(then, notes)

    def _arrive(self, where: Continuation, notes: Notes) -> None:
        """Go through marks and unions to the edges behind them."""
        if isinstance(where, Mark):
            self._arrive(where.then, (*notes, Note(where.label, where.begins, self.offset)))
            return
        if isinstance(where, Union):
            for choice in where.choices:
                self._arrive(choice, notes)
            return
        if where.can_end and self._end is None:
            self._end = notes
        for member in where.members:
            for edge in member.first:
                self._threads.setdefault((self._begin(edge), edge, member, b""), notes)

    def _begin(self, edge: AnyEdge) -> int:
        if isinstance(edge, LiteralEdge | TokenEdge):
            return 0
        assert not isinstance(edge, Defer)
        return self._automaton.state(edge.terminal)

    def _rest(self, thread: Thread) -> str:
        number, edge, _, _ = thread
        if isinstance(edge, LiteralEdge):
            text = _first_literal(number, edge)
        elif isinstance(edge, TokenEdge):
            text = edge.text[number:]
        else:
            text = short(self._automaton.term(number)) or b""
        return text.decode(errors="replace")


def _first_literal(node: int, edge: LiteralEdge) -> bytes:
    """The shortest rest of an allowed literal, below a node of the trie."""
    literals = edge.literals
    frontier = [(b"", node)]
    while frontier:
        following = []
        for text, at in frontier:
            if text and literals.here[at] & edge.allowed:
                return text
            following += [
                (text + bytes((byte,)), child)
                for byte, child in sorted(literals.children(at).items())
                if literals.below[child] & edge.allowed
            ]
        frontier = following
    return b""

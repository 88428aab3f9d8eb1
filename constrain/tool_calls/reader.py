"""What did an answer say, and which tools did it call?

    Let me look. <tool_call>\\n{"name": "weather", "arguments": {"city": "Roma"}}\\n</tool_call>

    TextDelta("Let me look. ")
    CallStart(0, "weather")
    ArgumentsDelta(0, '{"city": "Ro')  ArgumentsDelta(0, 'ma"}')
    CallEnd(0, "weather", {"city": "Roma"}, ...)

The reader follows the answer through the continuations it was written under (`reading.py`), so a call ends
where the grammar says and not where some text is found: a `</tool_call>` inside an argument is a part of the
argument.  What is told depends on the bytes only: cut the text anywhere, and the deltas join to the same
events.

An answer that was not written under the grammar may depart from it.  Then a `Departure` says at which byte,
what was expected there, and how the call began that is not finished now.  From that byte on the rest is read
as a new answer, so that one bad call does not hide the good ones behind it.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from constrain.arguments import as_flag, as_text, kind_of
from constrain.budget import DEFAULT_MAX_STEPS, budget, checked_steps
from constrain.continuation import END
from constrain.errors import ConstrainError, InvalidInputError
from constrain.reading import Note, Reader
from constrain.structural import TEXT
from constrain.tool_calls.grammar import CALL, Arguments, ToolCallGrammar


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of free text."""

    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    """A call begins, and it is known of which tool."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class ArgumentsDelta:
    """A piece of the JSON text of a call's arguments."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class CallEnd:
    """A call is complete: its arguments as the tool reads them, and as they were written.

    `error` is what `Tool.read` raises: a RefusedOutputError where a tool that checks more than its schema
    refuses them, and then they are plain data; LimitExceeded where Python cannot hold them, and then they are
    None.
    """

    index: int
    name: str
    arguments: Any
    text: str
    error: ConstrainError | None = None


@dataclass(frozen=True, slots=True)
class Departure:
    """The text departs from the form at the byte `offset`; `text` is what had been read of the call."""

    offset: int
    expected: tuple[str, ...]
    text: str


Event = TextDelta | CallStart | ArgumentsDelta | CallEnd | Departure


def read_tool_calls(
    text: str | bytes, grammar: ToolCallGrammar, *, loose: bool = True, max_steps: int = DEFAULT_MAX_STEPS
) -> list[Event]:
    """The events of a finished answer, neighbouring deltas joined."""
    reader = ToolCallReader(grammar, loose=loose, max_steps=max_steps)
    return joined([*reader.feed(text), *reader.finish()])


def joined(events: Iterable[Event]) -> list[Event]:
    """The same events with neighbouring deltas of one kind as one."""
    found: list[Event] = []
    for event in events:
        last = found[-1] if found else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            found[-1] = TextDelta(last.text + event.text)
        elif isinstance(event, ArgumentsDelta) and isinstance(last, ArgumentsDelta):
            found[-1] = ArgumentsDelta(event.index, last.text + event.text)
        else:
            found.append(event)
    return found


class ToolCallReader:
    """Reads one answer as it grows.

    `loose` reads what any model writes in the form; without it, only what the grammar lets be written.
    """

    def __init__(
        self, grammar: ToolCallGrammar, *, loose: bool = True, max_steps: int = DEFAULT_MAX_STEPS
    ) -> None:
        given: object = grammar
        if not isinstance(given, ToolCallGrammar):
            hint = "make it with tool_call_grammar(tools, form)"
            raise InvalidInputError(
                f"a grammar of tool calls is needed here, not {kind_of(given)}", hint=hint
            )
        self.grammar = grammar
        self.max_steps = checked_steps(max_steps)
        part = grammar.read if as_flag(loose, "loose") else grammar.written
        with budget(self.max_steps, "reading an answer"):
            self._reader = Reader(part.before(END))
        self._kept = bytearray()
        self._kept_from = 0
        self._call = bytearray()
        self._open: object = None
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._index = self._tool = -1
        self._arguments: list[str] = []

    def feed(self, piece: str | bytes) -> Iterator[Event]:
        """Read the next piece, and tell what it settles."""
        raw = piece if isinstance(piece, bytes) else as_text(piece, "a piece of an answer").encode()
        with budget(self.max_steps * (1 + len(raw)), "reading an answer"):
            return iter(list(self._read(raw)))

    def finish(self) -> Iterator[Event]:
        """The answer is over: tell what is left."""
        with budget(self.max_steps, "reading an answer"):
            return iter(list(self._finish()))

    def _finish(self) -> Iterator[Event]:
        if self._reader.can_end:
            yield from self._tell(self._reader.finish())
        else:
            yield from self._depart()

    def _read(self, raw: bytes) -> Iterator[Event]:
        for byte in raw:
            if not self._reader.step(byte):
                yield from self._depart()
                if not self._reader.step(byte):
                    self._resume(self._reader.offset + 1)
                    self._kept_from += 1
                    continue
            self._kept.append(byte)
            notes = list(self._reader.settled())
            if notes:
                yield from self._tell(notes)
        yield from self._told(self._reader.settled_offset())

    def _tell(self, notes: Iterable[Note]) -> Iterator[Event]:
        """The events up to each note, and the note's own."""
        for note in notes:
            yield from self._told(note.offset)
            label = note.label
            if isinstance(label, Arguments) and note.begins:
                self._index += 1
                self._arguments = []
                self._tool = label.tool
                yield CallStart(self._index, self.grammar.tools[label.tool].name)
            if label == TEXT or isinstance(label, Arguments):
                self._open = label if note.begins else None
                self._decoder.reset()
            elif label == CALL and not note.begins:
                yield self._finished("".join(self._arguments))
                self._call.clear()

    def _resume(self, offset: int) -> None:
        self._reader = Reader(self.grammar.read.before(END), offset)

    def _finished(self, text: str) -> CallEnd:
        tool = self.grammar.tools[self._tool]
        try:
            return CallEnd(self._index, tool.name, tool.read(text), text)
        except ConstrainError as problem:
            return CallEnd(self._index, tool.name, getattr(problem, "value", None), text, problem)

    def _told(self, offset: int) -> Iterator[Event]:
        """The bytes up to `offset`, as what they are: text, arguments, or the form's own."""
        size = offset - self._kept_from
        if size <= 0:
            return
        raw, self._kept_from = bytes(self._kept[:size]), offset
        del self._kept[:size]
        if self._open != TEXT:
            self._call += raw
        text = self._decoder.decode(raw) if self._open is not None else ""
        if not text:
            return
        if self._open == TEXT:
            yield TextDelta(text)
        else:
            self._arguments.append(text)
            yield ArgumentsDelta(self._index, text)

    def _depart(self) -> Iterator[Event]:
        """Say where and why, and read on as if a new answer began here."""
        reader = self._reader
        yield from self._told(reader.settled_offset())
        begun = (self._call + self._kept).decode(errors="replace")
        found = Departure(reader.offset, reader.expected(), begun)
        self._call.clear()
        self._kept.clear()
        self._kept_from, self._open = reader.offset, None
        self._decoder.reset()
        self._resume(reader.offset)
        yield found

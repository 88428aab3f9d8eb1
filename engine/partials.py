"""What is known of a value while its text is still being written?

    written so far                value                               open               missing
    {"name": "An                  Person(name="An", age=0)            (), ("name",)      ("age",)
    {"name": "Anna", "age": 3     Person(name="Anna", age=3)          (), ("age",)
    {"name": "Anna", "age": 31}   Person(name="Anna", age=31)

A type has no instance of half a text.  So each prefix is closed by the completion with the fewest tokens,
which the decode loop knows anyway (`constrain/completion.py`), and read as the whole answer will be: every
value that is yielded is a valid instance.  What is not in the text yet is a placeholder in it.  Plain data
need none: there the prefix is read as far as it goes (`pydantic_core.from_json`).

Two marks say what may still change, as paths of keys and indices in the JSON text, `("tags", 0)`:

    open       begun, and not ended: a text that is being written, and the arrays and objects around it
    missing    not begun: placeholders

Rule 1: what is neither open nor missing never changes.  What is open only grows, but for the rest that closes
it: a text of at least three letters is filled up, a choice that is begun may come out as another one.  A
field that is left out of the text has its default, and may still be written as long as its object is open.
Rule 2: nothing is yielded inside a character (its bytes, or its escape), which would be another one.
Rule 3: a prefix is passed over where no completion of it is known, where a validator of the type refuses the
instance (it speaks of whole answers), or where it closes to the same text as before.  The whole answer is
never passed over.

Cost: each value is read from the start of its text, as much work as reading the answer so often.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from constrain.budget import budget
from constrain.engine.streaming import Generation, TextStream
from constrain.errors import LimitExceeded, RefusedOutputError
from constrain.finishing import SEARCH_STEPS
from constrain.matcher import Matcher

T = TypeVar("T")
Path = tuple[str | int, ...]
"""The way to a value: keys and indices from the outermost one, whose own path is ()."""


@dataclass(frozen=True, slots=True)
class Partial(Generic[T]):
    """A value as far as it has been written.

    `value`    an instance of the type, with placeholders for what is missing; of a schema, plain data so far.
    `text`     what has been written.
    `open`     the paths of what has begun and not ended, outer ones first.
    `missing`  the paths of the placeholders, in the order of the text that they would be.
    """

    value: T
    text: str
    open: tuple[Path, ...]
    missing: tuple[Path, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether this is the whole value."""
        return not self.open and not self.missing


class PartialStream(Iterator[Partial[T]], Generic[T]):
    """The value of an answer as it grows, the last time whole; `result` is all of the answer.

    Taking the last raises what `result` raises.
    """

    def __init__(self, stream: TextStream[T], *, of_type: bool) -> None:
        self._stream = stream
        self._partials = _instances(stream) if of_type else _data(stream)

    def __next__(self) -> Partial[T]:
        return next(self._partials)

    @property
    def prompt(self) -> tuple[int, ...]:
        """The tokens of the prompt."""
        return self._stream.prompt

    @property
    def reasoning(self) -> str:
        """What has been thought so far."""
        return self._stream.reasoning

    def result(self) -> Generation[T]:
        """The whole answer; what has not been written yet is written now.  Raises what `TextStream` does."""
        return self._stream.result()


def _instances(stream: TextStream[T]) -> Iterator[Partial[T]]:
    """Rule 3 for a type: its prefixes closed by their completions."""
    matcher = stream.run.compiled.matcher()
    last: tuple[str, tuple[Path, ...]] = "", ((),)
    for text, cursor in _prefixes(stream):
        for token in stream.run.written[len(matcher.tokens) :]:
            matcher.accept_token(token)
        rest = _completion(matcher)
        if rest is None or (text + rest, cursor.open) == last:
            continue
        try:
            value = stream.read(text + rest)
        except (RefusedOutputError, LimitExceeded):
            continue
        last = text + rest, cursor.open
        yield Partial(value, text, cursor.open, cursor.missing(rest))
    made = stream.result()
    if last != (made.text, ()):
        yield Partial(made.value, made.text, ())


def _data(stream: TextStream[T]) -> Iterator[Partial[T]]:
    """Rule 3 for plain data: what the prefixes hold."""
    from pydantic_core import from_json

    last: Partial[T] | None = None
    for text, cursor in _prefixes(stream):
        if not cursor.ends_with_a_value:
            continue
        value = from_json(text, allow_partial="trailing-strings")
        if last is None or (value, cursor.open) != (last.value, last.open):
            last = Partial(value, text, cursor.open)
            yield last
    made = stream.result()
    if last is None or last.open:
        yield Partial(made.value, made.text, ())


def _prefixes(stream: TextStream[Any]) -> Iterator[tuple[str, Cursor]]:
    """What has been written after each piece, and where its end stands; but for rule 2."""
    text, cursor = "", Cursor()
    for piece in stream:
        text += piece
        cursor.feed(piece)
        if not cursor.is_inside_a_character and not stream.run.is_inside_a_character:
            yield text, cursor


def _completion(matcher: Matcher) -> str | None:
    """The rest of a text, of the fewest tokens; None where it is not found in SEARCH_STEPS."""
    try:
        with matcher.compiled.lock, budget(SEARCH_STEPS, "finding the shortest completion"):
            found = matcher.completion()
    except LimitExceeded:
        return None
    if found is None:
        return None
    return found.text.decode()


@dataclass(slots=True)
class _Around:
    """An array or object that is open: its path, and the index or key of its next value.

    An object whose next key has not been read has None.
    """

    path: Path
    place: str | int | None
    is_object: bool


class Cursor:
    """Where the end of a JSON text stands, of which some has been read.

    The text follows a grammar, so nothing here checks that it is JSON.

    >>> cursor = Cursor()
    >>> cursor.feed('{"tags": ["a", "b')
    [(), ('tags',), ('tags', 0), ('tags', 1)]
    >>> cursor.open
    ((), ('tags',), ('tags', 1))
    >>> cursor.missing('"], "size": 0}')
    (('size',),)
    """

    __slots__ = ("_around", "_escape", "_in_string", "_is_half", "_value", "_word")

    def __init__(self) -> None:
        self._around: list[_Around] = []
        self._value: Path | None = None  # of the string, number or name that is open
        self._word: list[str] = []  # what has been read of the key, number or name that is open
        self._in_string = False
        self._escape = ""  # what has been read of the escape that is open
        self._is_half = False  # behind the escape of half a pair, with which the other half is one character

    @property
    def open(self) -> tuple[Path, ...]:
        """The paths of what has begun and not ended, outer ones first.

        A number is open until something follows it.
        """
        around = tuple(each.path for each in self._around)
        return around if self._value is None else (*around, self._value)

    @property
    def is_inside_a_character(self) -> bool:
        """Whether the text ends in the middle of an escape, or of a pair of them."""
        return bool(self._escape) or self._is_half

    @property
    def ends_with_a_value(self) -> bool:
        """Whether what is open can be read: `1` and `"a` can, `-`, `1.` and `nul` cannot, nor can nothing."""
        if self._value is None or self._in_string:
            return True
        try:
            json.loads("".join(self._word))
        except ValueError:
            return False
        return True

    def missing(self, rest: str) -> tuple[Path, ...]:
        """The paths of the values that begin in the rest of the text."""
        twin = copy(self)
        twin._around = [copy(each) for each in self._around]
        twin._word = list(self._word)
        return tuple(twin.feed(rest))

    def feed(self, text: str) -> list[Path]:
        """Read on; the paths of the values that begin there."""
        begun: list[Path] = []
        for character in text:
            if self._in_string:
                self._read_in_string(character)
            elif character in " \t\n\r:,]}":
                self._end_word(character)
            elif character == '"' and self._around and self._around[-1].place is None:
                self._in_string, self._word = True, [character]
            else:
                if self._value is None:
                    begun.append(self._begin(character))
                if self._value is not None and not self._in_string:
                    self._word.append(character)
        return begun

    def _begin(self, character: str) -> Path:
        """A value begins."""
        path: Path = ()
        if self._around:
            around = self._around[-1]
            assert around.place is not None, "a key comes before its value"
            path = (*around.path, around.place)
        if character in "{[":
            self._around.append(_Around(path, None if character == "{" else 0, character == "{"))
        else:
            self._value, self._word, self._in_string = path, [], character == '"'
        return path

    def _end_word(self, character: str) -> None:
        """What is between values ends a number or a name, and more."""
        self._value = None
        if character in "]}":
            self._around.pop()
        elif character == ",":
            around = self._around[-1]
            around.place = around.place + 1 if isinstance(around.place, int) else None

    def _read_in_string(self, character: str) -> None:
        is_key = self._value is None
        if is_key:
            self._word.append(character)
        if self._escape:
            self._escape += character
            if self._escape[1] != "u" or len(self._escape) == len("\\u0000"):
                self._is_half = self._escape[1:4].lower() in _FIRST_HALVES and not self._is_half
                self._escape = ""
        elif character == "\\":
            self._escape = character
        elif character == '"':
            self._in_string = self._is_half = False
            if is_key:
                self._around[-1].place = json.loads("".join(self._word))
            self._value = None
        else:
            self._is_half = False


_FIRST_HALVES = ("ud8", "ud9", "uda", "udb")
"""How the escape of the first half of a surrogate pair begins."""

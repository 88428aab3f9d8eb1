"""What can go wrong, and how it is said: what, where, and a hint.

    ConstrainError
    ├── InvalidInputError          wrong: the input is not what it claims to be
    │   ├── SchemaError              not a JSON Schema (a JSON pointer says where)
    │   ├── RegexError               not a regular expression (a caret says where)
    │   ├── GrammarError             not a Lark grammar (line and column say where)
    │   ├── ModelError               no such model, or not one we can run
    │   └── TokenError               a token id outside the vocabulary, a rollback past the start
    ├── UnsupportedError           right, but we cannot honour it, and say so by name
    │   ├── UnsupportedKeywordError  a JSON Schema keyword, or one form of it
    │   └── UnsupportedRegexError    a construct that is not regular, such as a back-reference
    ├── UnsatisfiableError         right, but no text satisfies it
    ├── LimitExceeded              right, but larger than the limits allow; names the setting
    ├── IncompleteOutputError      a generation that ended before the text was complete
    ├── MissingPackageError        right, but it needs a package that is not installed
    └── RefusedOutputError         an answer that a validator of its type refuses, which no schema can say

    EndedEarlyWarning              a generation that was brought to its end because its tokens ran low
    Float32Warning                 a model in half precision that was turned into float32 on a CPU

"Wrong", "unsupported", "unsatisfiable" and "too large" are four different classes, because the four
ask for four different reactions.  A message has up to three parts, each on lines of its own: what is
wrong in the input's own words, `at` where it is (a JSON pointer, or the text with a caret under the
place), and a hint that says what would work.

A message is for a person: it is shortened in the middle where an input is long, and can always be printed.
The fields of an error are whole.  Errors go from one process to another (they pickle, with their fields).
"""

from __future__ import annotations

import re
from typing import Any

MAX_SENTENCE = 600
"""Code points of `what` and of the hint that a message shows; two thirds of a screen."""

MAX_PLACE = 240
"""Code points of one line of `where` that a message shows: some thirty steps of a pointer."""

MAX_PLACE_LINES = 8
"""Lines of `where` that a message shows; a caret display has two."""

_CARET_WIDTH = 160
_CARET_BEFORE = 80
"""How much of a long text a caret display shows in all, and before the place."""

_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HALF_PAIRS = re.compile("[\ud800-\udfff]")


class ConstrainError(Exception):
    """Base of every error this package raises on purpose.

    `what` is one sentence; `where` a JSON pointer, file or caret display; `hint` what to do instead.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def as_json(self) -> dict[str, str]:
        """The name of the class, and the three parts."""
        parts = {"what": self.what, "where": self.where, "hint": self.hint}
        return {"kind": type(self).__name__, **{name: printable(part) for name, part in parts.items()}}

    def __str__(self) -> str:
        lines = [shortened(self.what, MAX_SENTENCE)]
        if self.where:
            lines.append(_indented(self.where))
        if self.hint:
            lines.append(f"hint: {shortened(self.hint, MAX_SENTENCE)}")
        return printable("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), self.args, vars(self))


def _made_again(kind: type[ConstrainError], arguments: tuple[Any, ...], fields: dict[str, Any]) -> Any:
    """An error with these fields, whatever its class asks for when it is made."""
    error = kind.__new__(kind, *arguments)
    vars(error).update(fields)
    return error


class InvalidInputError(ConstrainError, ValueError):
    """The input is not what it claims to be."""


class SchemaError(InvalidInputError):
    """The schema is not a JSON Schema; `where` is the JSON pointer of the offending part."""


class RegexError(InvalidInputError):
    """The pattern is not a regular expression of its dialect; `where` shows it with a caret."""


class GrammarError(InvalidInputError):
    """The grammar is not one that Lark loads; `where` is the line and column, or the rule or terminal."""


class ModelError(InvalidInputError):
    """The model or its tokenizer cannot be found, read, or used."""


class TokenError(InvalidInputError):
    """A token id outside the vocabulary, or a rollback past the start."""


class UnsupportedError(ConstrainError):
    """The input is right, but we cannot honour all of it, so we refuse by name."""


class UnsupportedKeywordError(UnsupportedError):
    """A JSON Schema keyword, or one form of it, that cannot be honoured; `where` is its JSON pointer."""


class UnsupportedRegexError(UnsupportedError):
    """A construct that no finite automaton can follow; `where` shows it with a caret."""


class UnsatisfiableError(ConstrainError):
    """The input is right, but no text satisfies it."""


class LimitExceeded(ConstrainError):
    """The input is right, but needs more than a limit allows; the message names the setting."""


class IncompleteOutputError(ConstrainError):
    """A generation ended before its text was complete; `text` is what had been written."""

    def __init__(self, what: str, *, text: str, where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.text = text


class MissingPackageError(ConstrainError, ImportError):
    """What was asked for needs a package that a plain installation leaves out; the hint has the command."""


class RefusedOutputError(ConstrainError, ValueError):
    """An answer follows its schema, but a validator of its type refuses it.

    `text` is the answer, and `value` its plain data (None where Python cannot hold it).  `errors` are the
    reasons as Pydantic lists them, as plain data: `type`, `loc` (a tuple), `msg`, `input`, perhaps `ctx`.
    """

    def __init__(
        self,
        what: str,
        *,
        text: str,
        value: Any,
        errors: list[dict[str, Any]],
        where: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.text, self.value, self.errors = text, value, errors


class EndedEarlyWarning(UserWarning):
    """An answer was brought to its end because its tokens ran low: complete, but perhaps too short."""


class Float32Warning(UserWarning):
    """A model in half precision was turned into float32, since half precision is slow on a CPU."""


def caret(source: str, start: int, end: int | None = None) -> str:
    """Show `source` with carets under the code points `start` to `end`; of a long one, what is around them.

    >>> print(caret("(a|b)\\\\1", 5, 7))
    "(a|b)\\1"
          ^^
    """
    width = max(1, (end if end is not None else start + 1) - start)
    shown = _HALF_PAIRS.sub("\N{REPLACEMENT CHARACTER}", _BREAKS.sub(" ", source))
    if len(shown) > _CARET_WIDTH:
        first = max(0, min(start - _CARET_BEFORE, len(shown) - _CARET_WIDTH))
        before, after = "... " if first else "", " ..." if first + _CARET_WIDTH < len(shown) else ""
        shown = f"{before}{shown[first : first + _CARET_WIDTH]}{after}"
        start += len(before) - first
        width = min(width, len(shown) - start) if start < len(shown) else 1
    return f'"{shown}"\n{" " * (start + 1)}{"^" * width}'


def shortened(text: str, limit: int) -> str:
    """At most about `limit` code points of a text: its beginning and its end.

    >>> shortened("#/items/items/items/items/items/items/items/type", 24)
    '#/items/item ... ems/type'
    """
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]} ... {text[-(limit // 3) :]}"


def printable(text: str) -> str:
    """The text, with halves of surrogate pairs, which no output can encode, as Python escapes them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _indented(where: str) -> str:
    lines = [shortened(line, MAX_PLACE) for line in where.split("\n")]
    if len(lines) == 1:
        return f"    at {lines[0]}"
    more = ["..."] if len(lines) > MAX_PLACE_LINES else []
    return "\n".join(f"    {line}" for line in lines[:MAX_PLACE_LINES] + more)

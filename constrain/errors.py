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
    └── IncompleteOutputError      a generation that ended before the text was complete

    EndedEarlyWarning              a generation that was brought to its end because its tokens ran low

"Wrong", "unsupported", "unsatisfiable" and "too large" are four different classes, because the four
ask for four different reactions.  A message has up to three parts, each on lines of its own: what is
wrong in the input's own words, `at` where it is (a JSON pointer, or the text with a caret under the
place), and a hint that says what would work.
"""

from __future__ import annotations


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
        return {"kind": type(self).__name__, "what": self.what, "where": self.where, "hint": self.hint}

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(_indented(self.where))
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


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


class EndedEarlyWarning(UserWarning):
    """An answer was brought to its end because its tokens ran low: complete, but perhaps too short."""


def caret(source: str, start: int, end: int | None = None) -> str:
    """Show `source` with carets under the code points `start` to `end`.

    >>> print(caret("(a|b)\\\\1", 5, 7))
    "(a|b)\\1"
          ^^
    """
    width = max(1, (end if end is not None else start + 1) - start)
    shown = source.replace("\n", " ").replace("\t", " ")
    return f'"{shown}"\n{" " * (start + 1)}{"^" * width}'


def _indented(where: str) -> str:
    if "\n" not in where:
        return f"    at {where}"
    return "\n".join(f"    {line}" for line in where.splitlines())

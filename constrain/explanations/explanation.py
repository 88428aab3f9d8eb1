"""The answer of `explain`: where a text is refused, what is responsible, what was expected, what leads on.

    allowed      the text can be completed (or, where a whole text was asked about, is complete)
    offset       of the first byte that cannot be read; the length of the text where only its end is refused
    refused      the character there; empty where the end is
    cause        the kind of thing that is responsible:
        "schema"        `keywords`: JSON pointers into the schema
        "options"       `options` alone: the schema allows the value, but not written in this way
        "syntax"        no JSON text goes on like this, whatever the schema
        "pattern"       `parts` of the regular expression
        "grammar"       `parts`: terminals of the Lark grammar
        "text"          `parts`: a fixed text, or a choice of some, between the others
        "vocabulary"    no token of the vocabulary writes this byte here
        "ended"         the generation is over
        "unknown"       nothing was found; `note` says why
        ""              nothing: the text is allowed

What is responsible is found by experiment (`schema_search.py`): it is what the grammar has to do without for
the refused byte to be read.  One of `keywords` and `options` is enough, or all are needed: `together`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from constrain.errors import printable, shortened

Cause = Literal[
    "", "schema", "options", "syntax", "pattern", "grammar", "text", "vocabulary", "ended", "unknown"
]

SHOWN = 60
"""Characters of a text that are printed."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a token or a text is allowed or refused; the module's top explains the fields."""

    allowed: bool
    offset: int
    refused: bytes = b""
    cause: Cause = ""
    path: str | None = None
    """The place in the JSON text as a JSON pointer, "" for the whole; None where the text is not JSON."""
    field: str = ""
    """The same as a path of fields, where the grammar was compiled from a type."""
    keywords: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    together: bool = False
    parts: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    """Where the grammar is put together of parts: the way to the one that refuses, from the outermost."""
    expected: str = ""
    nearest: bytes | None = None
    """A short text that completes the whole from the last byte that was read; None where none was found."""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The explanation as JSON data; bytes that are not UTF-8 as Python escapes them."""
        nearest = None if self.nearest is None else _text(self.nearest)
        return {
            "allowed": self.allowed,
            "offset": self.offset,
            "refused": _text(self.refused),
            "cause": self.cause,
            "path": self.path,
            "field": self.field,
            "keywords": [printable(keyword) for keyword in self.keywords],
            "options": list(self.options),
            "together": self.together,
            "parts": [printable(part) for part in self.parts],
            "within": [printable(step) for step in self.within],
            "expected": printable(self.expected),
            "nearest": nearest,
            "note": self.note,
        }

    def __str__(self) -> str:
        if self.allowed:
            return "allowed"
        what = f"`{_shown(self.refused)}`" if self.refused else "the end"
        expected = [f"expected: {shortened(self.expected, 4 * SHOWN)}"] if self.expected else []
        return printable("\n".join([f"refused at byte {self.offset}: {what}", *expected, *self.reasons]))

    @property
    def reasons(self) -> list[str]:
        """The lines of the explanation beside the place and what was expected there."""
        lines = []
        if self.within:
            lines.append(f"in: {', '.join(self.within)}")
        if self.path is not None:
            field = f" ({self.field})" if self.field else ""
            lines.append(f"at: {shortened(self.path, 3 * SHOWN) or 'the whole value'}{field}")
        blamed = [*self.keywords, *(f"option {name}" for name in self.options), *self.parts]
        if blamed:
            joint = " together with " if self.together else " or "
            lines.append(f"because of: {joint.join(shortened(each, 3 * SHOWN) for each in blamed)}")
        elif self.cause in {"syntax", "vocabulary", "ended"}:
            lines.append(f"because of: {_SAID[self.cause]}")
        if self.nearest:
            lines.append(f"nearest that leads on: {_shown(self.nearest)}")
        if self.note:
            lines.append(f"note: {self.note}")
        return [printable(line) for line in lines]


_SAID = {
    "syntax": "the syntax of JSON",
    "vocabulary": "no token of the vocabulary writes this",
    "ended": "an end-of-sequence token was accepted, so nothing may follow",
}


def _text(written: bytes) -> str:
    return written.decode("utf-8", "backslashreplace")


def _shown(written: bytes) -> str:
    text = _text(written).replace("\n", "\\n")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."

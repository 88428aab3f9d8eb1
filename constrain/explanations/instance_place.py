"""Where in a JSON value does a text stop?

`{"pets": [{"name": "Re` stops inside a string at `/pets/0/name`.  What may come next there is a matter of
that value first, then of the values around it, so a place lists them all, the innermost first:

    place_of(b'{"pets": [{"name": "Re').levels    ("pets", 0, "name"), ("pets", 0), ("pets",), ()

Some bytes concern two values: a number ends where the value around it goes on, and where an item may begin an
array may end.  `own` counts them: 2 after `[1`, for `[1,` is refused either because 1 is too small or because
one item is enough.

Only the text's own shape is read, and any text gets some place; whether it is JSON is asked elsewhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal

Path = tuple[str | int, ...]
Inside = Literal["value", "string", "number", "word", "key", "between"]

_STRING = re.compile(r'"(?:[^"\\]|\\.)*("?)', re.DOTALL)
_NUMBER = re.compile(r"[-+.0-9eE]+")
_WORD = re.compile(r"[a-z]+")
_WORDS = frozenset({"true", "false", "null"})


@dataclass(slots=True)
class _Open:
    """An object or an array that is still open: its place, its keys so far, and where in it the text is."""

    path: Path
    is_object: bool
    keys: list[str] = field(default_factory=list)
    items: int = 0
    expects: Literal["key", "colon", "value", "comma"] = "key"
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stops: the values there, innermost first, and what of the innermost is being written.

    `keys` are those written so far in each object that is open, by its path.
    """

    levels: tuple[Path, ...]
    own: int
    inside: Inside
    keys: dict[Path, tuple[str, ...]]
    begun: int
    """Where what is being written begins, in bytes."""

    def key_of(self, text: bytes) -> str | None:
        """The key that a text goes on to write here; None where it is no key, or cut off."""
        found = _STRING.match(text[self.begun :].decode("utf-8", "ignore")) if self.inside == "key" else None
        return _unquoted(found[0]) if found is not None and found[1] else None

    def kind(self, level: int, byte: int | None) -> str:
        """Of which JSON type the value of a level is, judged by what is written and the refused byte."""
        if level > 0 or self.inside in {"key", "between"}:
            return "container"
        if self.inside in {"string", "number"}:
            return self.inside
        if byte is None:
            return "other"
        return "string" if byte == 0x22 else "number" if chr(byte) in "-0123456789" else "other"


def place_of(text: bytes) -> Place:
    """The place where a text stops."""
    written = text.decode("utf-8", "ignore")
    stack: list[_Open] = []
    at, inside = 0, "value"
    done = False
    while at < len(written):
        char = written[at]
        top = stack[-1] if stack else None
        if char == '"':
            found = _STRING.match(written, at)
            assert found is not None
            is_key = top is not None and top.is_object and top.expects == "key"
            if not found[1]:
                inside = "key" if is_key else "string"
                break
            at = found.end()
            if is_key and top is not None:
                top.keys.append(_unquoted(found[0]))
                top.expects, inside = "colon", "between"
                continue
        elif char in "{[":
            stack.append(_Open(_here(stack), char == "{", expects="key" if char == "{" else "value"))
            at, inside = at + 1, "key" if char == "{" else "value"
            continue
        elif char in "}]":
            if stack:
                stack.pop()
            at += 1
        elif found := _NUMBER.match(written, at):
            at = found.end()
            if at == len(written):
                inside = "number"
                break
        elif found := _WORD.match(written, at):
            at = found.end()
            if at == len(written) and found[0] not in _WORDS:
                inside = "word"
                break
        else:
            at += 1
            if top is not None and char == ":":
                top.expects, inside = "value", "value"
            elif top is not None and char == ",":
                top.items += 1
                top.expects, inside = ("key", "key") if top.is_object else ("value", "value")
                top.is_new = False
            continue
        inside, done = "between", not stack
        if stack:
            stack[-1].expects = "comma"
            stack[-1].is_new = False
    opened = [each.path for each in reversed(stack)]
    is_inner = inside in {"value", "string", "number", "word"} and not done
    levels = [_here(stack), *opened] if is_inner else opened or [()]
    ends_item = inside == "value" and bool(stack) and not stack[-1].is_object and stack[-1].is_new
    own = 2 if len(levels) > 1 and (inside == "number" or ends_item) else 1
    keys = {each.path: tuple(each.keys) for each in stack if each.is_object}
    return Place(tuple(levels), own, inside, keys, len(written[:at].encode()))  # type: ignore[arg-type]


def _here(stack: list[_Open]) -> Path:
    """The place of the value that is about to begin."""
    if not stack:
        return ()
    top = stack[-1]
    return (*top.path, top.keys[-1] if top.is_object and top.keys else "" if top.is_object else top.items)


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]

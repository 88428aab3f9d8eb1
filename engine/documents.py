"""Where do documents come from?

    mail.txt                    one document: the whole file
    'mails/*.txt'               one document for each file that matches, in order of name
    -                           one document: all of standard input
    mails.jsonl, --field body   one document for each line: the text in the field `body` of its JSON object

A document knows its *source*, the name of its file as it was given or found, and its line where lines are
documents.  One that cannot be read is `Unreadable`: it takes its place in the row, says why, and the rest
goes on.  What is wrong may be a file that is not there, bytes that are not UTF-8, a line that is not JSON, a
field that is missing or not text.

Files are opened one at a time; of JSON Lines only one line is held.
"""

from __future__ import annotations

import glob
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from constrain.arguments import parse_json
from constrain.engine.files import is_file
from constrain.errors import InvalidInputError, LimitExceeded

STANDARD_INPUT = "-"
_GLOB = frozenset("*?[")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Document:
    """A text and where it comes from; `id` is whatever its source calls it."""

    text: str
    source: str = ""
    line: int | None = None
    id: Any = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A document that could not be read."""

    problem: InvalidInputError | LimitExceeded
    source: str
    line: int | None = None
    id: Any = None


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a JSON object hold the text and the identity; `a.b` is `b` within `a`."""

    text: str
    id: str | None = None


def sources_of(names: Sequence[str]) -> list[str]:
    """The names with their patterns replaced by the files that match, sorted; one that matches none stays."""
    found: list[str] = []
    for name in names:
        matching = sorted(glob.glob(name, recursive=True)) if _GLOB & set(name) else []
        files = [match for match in matching if is_file(match)]
        found.extend([name] if os.path.exists(name) or not files else files)
    return found


def read_documents(sources: Sequence[str], fields: Fields | None = None) -> Iterator[Document | Unreadable]:
    """The documents of some sources, which are file names or `-`; with `fields`, of their lines."""
    for source in sources:
        try:
            if source == STANDARD_INPUT:
                yield from _read(sys.stdin.buffer, source, fields)
                continue
            with Path(source).open("rb") as file:
                yield from _read(file, source, fields)
        except (OSError, ValueError) as problem:  # a name with NUL in it is a ValueError
            yield Unreadable(_unopened(source, problem), source)


def count_documents(sources: Sequence[str], fields: Fields | None = None) -> int | None:
    """How many documents there will be, if that can be known without using them up."""
    if fields is None:
        return len(sources)
    if STANDARD_INPUT in sources:
        return None
    total = 0
    for source in sources:
        try:
            with Path(source).open("rb") as file:
                total += sum(1 for line in file if line.strip())
        except (OSError, ValueError):
            total += 1
    return total


def _unopened(source: str, problem: OSError | ValueError) -> InvalidInputError:
    if isinstance(problem, FileNotFoundError):
        what = "no file matches this pattern" if _GLOB & set(source) else "there is no such file"
        return InvalidInputError(what)
    if isinstance(problem, IsADirectoryError):
        return InvalidInputError("this is a folder", hint=f"give its files: '{source}/*'")
    return InvalidInputError(f"the file cannot be read: {getattr(problem, 'strerror', problem)}")


def _read(file: BinaryIO, source: str, fields: Fields | None) -> Iterator[Document | Unreadable]:
    if fields is None:
        try:
            yield Document(_decoded(file.read()), source)
        except InvalidInputError as problem:
            yield Unreadable(problem, source)
        return
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        identity = None
        try:
            value = _parsed(line.removeprefix(_BOM) if number == 1 else line)
            if fields.id is not None:
                identity = _identity(value, fields.id)
            text = _field(value, fields.text)
            if not isinstance(text, str):
                raise InvalidInputError(f"the field `{fields.text}` is {_kind(text)}, not text")
            yield Document(text, source, number, identity)
        except (InvalidInputError, LimitExceeded) as problem:
            yield Unreadable(problem, source, number, identity)


def _decoded(content: bytes) -> str:
    try:
        return content.removeprefix(_BOM).decode()
    except UnicodeDecodeError as problem:
        raise InvalidInputError(
            f"byte {problem.start} (0x{problem.object[problem.start]:02x}) is not UTF-8",
            hint="convert it first, for example with iconv -f latin1 -t utf-8",
        ) from problem


def _parsed(line: bytes) -> dict[str, Any]:
    text = _decoded(line.rstrip(b"\r\n"))
    try:
        value = parse_json(text, "the line")
    except json.JSONDecodeError as problem:
        reason = f"{problem.msg.removesuffix(' at')} at column {problem.colno}"
        raise InvalidInputError(f"the line is not JSON: {reason}") from problem
    if not isinstance(value, dict):
        raise InvalidInputError(f"the line is {_kind(value)}, not an object")
    return value


def _field(value: dict[str, Any], name: str) -> Any:
    """A member by its name, or by the names on the way to it, joined by dots."""
    if name in value:
        return value[name]
    here: Any = value
    for step in name.split("."):
        if not isinstance(here, dict) or step not in here:
            keys = ", ".join(list(value)[:10]) or "none"
            raise InvalidInputError(f"there is no field `{name}`", hint=f"the fields are {keys}")
        here = here[step]
    return here


def _identity(value: dict[str, Any], name: str) -> Any:
    """The member that goes into the record; Python reads `NaN` and `1e999`, but a record is JSON."""
    identity = _field(value, name)
    try:
        json.dumps(identity, allow_nan=False)
    except ValueError:
        raise InvalidInputError(f"the field `{name}` holds a number that JSON cannot write") from None
    return identity


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")

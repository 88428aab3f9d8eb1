"""How is a file of somebody else's read, whatever it turns out to be?

    read_text("mail.txt")         its text, or one error that says what is wrong with the file
    read_json("tools.json")       its data; the place of a mistake is shown with a caret

What is not there, not UTF-8 or not JSON is wrong (InvalidInputError, or the class the caller asks for).  JSON
that nests deeper than Python follows, or holds a longer number than it reads, is right but too large
(LimitExceeded).  Only regular files are read: a folder is refused, and a device is never waited for.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from constrain.arguments import parse_json
from constrain.errors import InvalidInputError


def is_file(path: str | Path) -> bool:
    """Whether this is a regular file; False for a name that the system refuses, such as one too long."""
    return os.path.isfile(path)


def read_text(path: Path, what: str = "the file", kind: type[InvalidInputError] = InvalidInputError) -> str:
    """The text of a file; a byte order mark at its start is no part of it."""
    if not is_file(path):
        reason = "it is a folder" if os.path.isdir(path) else "there is no such file"
        raise kind(f"{what} cannot be read: {reason}", where=shown(path))
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        place = f"byte {problem.start} (0x{problem.object[problem.start]:02x})"
        raise kind(
            f"{what} cannot be read: {place} is not UTF-8",
            where=shown(path),
            hint="convert it first, for example with iconv -f latin1 -t utf-8",
        ) from problem
    except OSError as problem:
        raise kind(f"{what} cannot be read: {problem.strerror}", where=shown(path)) from problem


def read_json(path: Path, what: str = "the file", kind: type[InvalidInputError] = InvalidInputError) -> Any:
    """The data of a JSON file."""
    text = read_text(path, what, kind)
    try:
        return parse_json(text, what)
    except json.JSONDecodeError as problem:
        # JSON breaks lines at "\n" alone, where `splitlines` does at others as well.
        line = text.split("\n")[problem.lineno - 1] if text.strip() else ""
        where = f"{shown(path)}, line {problem.lineno}, column {problem.colno}"
        if line and len(line) <= 200:
            where += f"\n{line}\n{' ' * (problem.colno - 1)}^"
        raise kind(f"{what} is not JSON: {problem.msg}", where=where) from problem


def shown(path: str | Path) -> str:
    """A file's name in a message: what is very long is cut."""
    name = str(path)
    return name if len(name) <= 300 else f"{name[:300]}..."


def read_prompt(prompt: str) -> str:
    """The prompt of a command: its argument, or standard input where that is `-`."""
    try:
        text = sys.stdin.read() if prompt == "-" else prompt
    except UnicodeDecodeError as problem:
        raise InvalidInputError(
            f"byte {problem.start} (0x{problem.object[problem.start]:02x}) is not {problem.encoding.upper()}",
            where="standard input",
            hint="convert it first, for example with iconv -f latin1 -t utf-8",
        ) from problem
    if not text.strip():
        where = "standard input" if prompt == "-" else "--prompt"
        raise InvalidInputError(
            "the prompt is empty", where=where, hint="say what the answer should be about"
        )
    return text

"""How does a long run go on where it was interrupted?

    results.jsonl                one record a line, written as soon as its document is done
    results.jsonl.options.json   what the run was asked: pattern or schema, model, options

A record is written by one call and ends with its line break.  So after an interruption, whenever it came,
all lines are whole but perhaps the last.  To resume is:

1. Compare the options.  Records of two different questions do not belong in one file, so any difference is
   refused, by name and with both values.  Documents may change: those that came since are new.
2. Cut off a last line that is torn; its document is done again.  A torn line anywhere else means that
   something else wrote to the file, and is refused.
3. Skip the documents that have a record, by source and line; those that failed too.  What is skipped is
   counted, and its failures count for the exit code.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

from constrain.errors import InvalidInputError
from engine.documents import Document, Unreadable

Options = dict[str, Any]


class Results:
    """The file of a run's records, open for appending; a context manager."""

    def __init__(self, path: Path, done: Counter[tuple[str, int | None]], failed: int) -> None:
        self.path = path
        self.done, self.failed = done, failed
        self._file = path.open("ab", buffering=0)

    @classmethod
    def begin(cls, path: Path, options: Options) -> Results:
        """Start a new file of records.

        Raises InvalidInputError where there is one already: finished work is not overwritten.
        """
        if path.exists():
            raise InvalidInputError(
                "the output file exists already",
                where=str(path),
                hint="go on with it (--resume), or delete it first",
            )
        try:
            _options_path(path).write_text(
                json.dumps(options, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
            )
            return cls(path, Counter(), 0)
        except OSError as problem:
            raise _unwritable(path, problem) from problem

    @classmethod
    def resume(cls, path: Path, options: Options) -> Results:
        """Go on with a file of records; a new one where there is none yet.

        Raises InvalidInputError where the options are not those that it was begun with, or where the file
        holds something else.
        """
        if not path.exists():
            return cls.begin(path, options)
        _compare(_begun_with(path), options, path)
        try:
            content = path.read_bytes()
            whole, torn = _whole_lines(content)
            done, failed = _read(whole, path)
            if torn:
                with path.open("r+b") as file:
                    file.truncate(len(whole))
            return cls(path, done, failed)
        except OSError as problem:
            raise _unwritable(path, problem) from problem

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def is_done(self, document: Document | Unreadable) -> bool:
        """Has this document a record?  One record answers for one document, so each call uses one up."""
        key = (document.source, document.line)
        if not self.done[key]:
            return False
        self.done[key] -= 1
        return True

    def write(self, line: str) -> None:
        """Append a record."""
        self._file.write(f"{line}\n".encode())


def _options_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.options.json")


def _unwritable(path: Path, problem: OSError) -> InvalidInputError:
    return InvalidInputError(f"the output file cannot be written: {problem.strerror}", where=str(path))


def _begun_with(path: Path) -> Options:
    beside = _options_path(path)
    try:
        options = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InvalidInputError(
            "it is not known which options the output file was begun with",
            where=str(beside),
            hint="this file is written beside the output; without it, start anew",
        ) from problem
    return options if isinstance(options, dict) else {}


def _compare(before: Options, now: Options, path: Path) -> None:
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if changed:
        lines = [f"{name}: {_shown(before.get(name))}, now {_shown(now.get(name))}" for name in changed]
        raise InvalidInputError(
            "the output file was begun with other options",
            where="\n".join([str(path), *lines]),
            hint="resume with the same options, or write to another file",
        )


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _whole_lines(content: bytes) -> tuple[bytes, bytes]:
    """The lines that are ended, and what comes after the last of them."""
    cut = content.rfind(b"\n") + 1
    return content[:cut], content[cut:]


def _read(lines: bytes, path: Path) -> tuple[Counter[tuple[str, int | None]], int]:
    done: Counter[tuple[str, int | None]] = Counter()
    failed = 0
    for number, line in enumerate(lines.splitlines(), 1):
        try:
            record = json.loads(line)
            done[record["source"], record.get("line")] += 1
            failed += "error" in record
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise InvalidInputError(
                "the output file holds a line that is no record of this command",
                where=f"{path}, line {number}",
                hint="write to another file",
            ) from problem
    return done, failed

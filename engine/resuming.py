"""How does a long run go on where it was interrupted?

    results.jsonl                one record a line, written as soon as its document is done
    results.jsonl.options.json   what the run was asked: pattern or schema, model, options

A record is written by one call and ends with its line break.  So after an interruption, whenever it came,
all lines are whole but perhaps the last.  To resume is:

1. Compare the options.  Records of two different questions do not belong in one file, so any difference is
   refused, by name and with both values.  Documents may change: those that came since are new.
2. Cut off a last line that is torn; its document is done again.  A torn line anywhere else means that
   something else wrote to the file, and is refused.
3. Refuse a file that another run is writing to: two at once would do every document twice.  The lock is the
   system's (`flock`), on the file of records itself, and is gone with the process that held it, however that
   ended.
4. Skip the documents that have a record, by source and line; those that failed too.  What is skipped is
   counted, and its failures count for the exit code.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from constrain.engine.documents import Document, Unreadable
from constrain.engine.files import shown
from constrain.errors import InvalidInputError

Options = dict[str, Any]


class Results:
    """The file of a run's records, open for appending; a context manager."""

    def __init__(self, path: Path, file: io.FileIO) -> None:
        self.path = path
        self.done: Counter[tuple[str, int | None]] = Counter()
        self.failed = 0
        self._file = file

    @classmethod
    def begin(cls, path: Path, options: Options) -> Results:
        """Start a new file of records.

        Raises InvalidInputError where there is one already: finished work is not overwritten.
        """
        return cls._open(path, options, "xb+")

    @classmethod
    def resume(cls, path: Path, options: Options) -> Results:
        """Go on with a file of records; a new one where there is none yet.

        Raises InvalidInputError where the options are not those that it was begun with, where the file holds
        something else, or where another run is writing to it.
        """
        if path.exists() and not path.is_file():
            raise InvalidInputError("the output is no file that could be gone on with", where=shown(path))
        return cls._open(path, options, "ab+")

    @classmethod
    def _open(cls, path: Path, options: Options, mode: str) -> Results:
        try:
            file = cast(io.FileIO, path.open(mode, buffering=0))
        except FileExistsError as problem:
            raise InvalidInputError(
                "the output file exists already",
                where=shown(path),
                hint="go on with it (--resume), or delete it first",
            ) from problem
        except OSError as problem:
            raise _unwritable(path, problem) from problem
        results = cls(path, file)
        try:
            _lock(file, path)
            file.seek(0)
            content = file.read()
            if content:
                _compare(_begun_with(path), options, path)
            else:
                text = json.dumps(options, ensure_ascii=False, indent=2) + "\n"
                _options_path(path).write_text(text, encoding="utf-8", errors="backslashreplace")
            whole, torn = _whole_lines(content)
            results.done, results.failed = _read(whole, path)
            if torn:
                file.truncate(len(whole))
        except OSError as problem:
            file.close()
            raise _unwritable(path, problem) from problem
        except BaseException:
            file.close()
            raise
        return results

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
        """Append a record.

        Raises InvalidInputError where it cannot be written, as on a full disk; those before it are kept.
        """
        record = f"{line}\n".encode()
        end = self._file.seek(0, os.SEEK_END)
        try:
            while record:
                record = record[self._file.write(record) :]
        except OSError as problem:
            with suppress(OSError):
                self._file.truncate(end)
            kept = "what was written before is kept, and --resume goes on from there"
            raise _unwritable(self.path, problem, hint=kept) from problem


def _lock(file: io.FileIO, path: Path) -> None:
    """Take the lock of the file of records, which is let go when it is closed.  Raises InvalidInputError."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        raise InvalidInputError(
            "another run is writing to the output file",
            where=shown(path),
            hint="wait for its end, or write to another file",
        ) from problem


def _options_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.options.json")


def _unwritable(path: Path, problem: OSError, hint: str = "") -> InvalidInputError:
    return InvalidInputError(
        f"the output file cannot be written: {problem.strerror}", where=shown(path), hint=hint
    )


def _begun_with(path: Path) -> Options:
    beside = _options_path(path)
    try:
        options = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
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
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
            raise InvalidInputError(
                "the output file holds a line that is no record of this command",
                where=f"{path}, line {number}",
                hint="write to another file",
            ) from problem
    return done, failed

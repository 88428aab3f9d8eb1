"""The file of records belongs to one run at a time, and loses nothing."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from constrain.engine.documents import Document
from constrain.engine.resuming import Results
from constrain.errors import InvalidInputError

OPTIONS = {"pattern": "a", "instruction": "half \ud800"}
RECORD = '{"source": "a.txt", "value": null}'


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_second_run_is_refused_while_the_first_goes_on(tmp_path: Path, is_begun: bool) -> None:
    """Each would do the documents that it does not know to be done: all of them twice."""
    path = tmp_path / "out.jsonl"
    if is_begun:
        Results.begin(path, OPTIONS).__exit__(None, None, None)
    with Results.resume(path, OPTIONS) as first:
        first.write(RECORD)
        with pytest.raises(InvalidInputError) as refused:
            Results.resume(path, OPTIONS)
        first.write(RECORD)

    assert str(refused.value) == (
        "another run is writing to the output file\n"
        f"    at {path}\n"
        "hint: wait for its end, or write to another file"
    )
    with Results.resume(path, OPTIONS) as second:
        assert [second.is_done(Document("", "a.txt")) for _ in range(3)] == [True, True, False]


def test_a_run_that_was_killed_holds_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom constrain.engine.resuming import Results\n"
        "results = Results.begin(Path(sys.argv[1]), {'pattern': 'a'})\n"
        f"results.write({RECORD!r})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)

    with Results.resume(path, {"pattern": "a"}) as results:
        assert results.is_done(Document("", "a.txt"))


@pytest.mark.parametrize("room", [0, 10])
def test_a_full_disk_is_an_error_and_nothing_is_lost(tmp_path: Path, room: int) -> None:
    """As much of a record as there was room for is taken back."""
    path = tmp_path / "out.jsonl"
    with Results.begin(path, OPTIONS) as results:
        results.write(RECORD)
        results._file = Full(results._file, room)  # type: ignore[assignment]
        with pytest.raises(InvalidInputError) as refused:
            results.write(RECORD)

    assert str(refused.value) == (
        "the output file cannot be written: No space left on device\n"
        f"    at {path}\n"
        "hint: what was written before is kept, and --resume goes on from there"
    )
    assert path.read_text() == f"{RECORD}\n"


class Full:
    """A file on a disk with room for so many bytes."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def write(self, content: bytes) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written: int = self._file.write(content[: self._room])
        self._room -= written
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("name", ["folder", "/dev/full", "/dev/zero"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / name

    with pytest.raises(InvalidInputError) as refused:
        Results.resume(path, OPTIONS)

    assert str(refused.value) == f"the output is no file that could be gone on with\n    at {path}"

"""What a user's editor says of typical calls: types inferred, misspelt options found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CALLS = Path(__file__).with_name("calls.py")
ROOT = CALLS.parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    told = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "PYRIGHT_PYTHON_USE_BUNDLED_PYRIGHT": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=told, capture_output=True, text=True, check=False
    )


def test_mypy_infers_what_the_calls_return() -> None:
    done = run("mypy", "--strict", str(CALLS))

    assert (done.returncode, done.stdout) == (0, "Success: no issues found in 1 source file\n"), done.stdout


def test_pyright_infers_what_the_calls_return(tmp_path: Path) -> None:
    settings = tmp_path / "pyrightconfig.json"
    settings.write_text(
        f'{{"include": ["{CALLS}"], "extraPaths": ["{ROOT}"], "reportUnnecessaryTypeIgnoreComment": "error"}}'
    )
    done = run("pyright", "--project", str(settings), "--pythonpath", sys.executable)

    assert (done.returncode, done.stdout.strip()) == (0, "0 errors, 0 warnings, 0 informations"), done.stdout

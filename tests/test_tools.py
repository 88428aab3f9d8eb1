"""Lint, types and the layer contract are tests, so one command checks everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["lint-imports"],
    ],
    ids=" ".join,
)
def test_tool_has_no_complaint(command: list[str]) -> None:
    """Each tool reads its settings from pyproject.toml, as a developer's editor does."""
    done = subprocess.run(
        [str(SCRIPTS / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_stay_short_enough_to_read() -> None:
    """About 500 lines: past that a file has more than one story."""
    sources = [
        path for package in ("constrain", "engine", "benchmarks") for path in (ROOT / package).rglob("*.py")
    ]
    long = {str(path.relative_to(ROOT)): count for path in sources if (count := _lines(path)) > 600}

    assert sources
    assert not long


def test_every_module_opens_by_teaching() -> None:
    """A reader who lands in the middle of the code starts at the top of the file."""
    sources = [path for package in ("constrain", "engine") for path in (ROOT / package).rglob("*.py")]
    silent = [str(path) for path in sources if not path.read_text("utf-8").startswith('"""')]

    assert not silent


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())

"""Pages of the documentation that show a terminal: what was typed, and what came."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def sessions(page: Path) -> list[tuple[str, str]]:
    """Every command of a page, and what is shown after it."""
    found = []
    for block in re.findall(
        r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def write_shown_files(page: Path, folder: Path, *, but: str = "") -> None:
    """The files that a page shows with `cat`, as it shows them."""
    for command, output in sessions(page):
        if command.startswith("cat ") and command != f"cat {but}":
            (folder / command.removeprefix("cat ")).write_text(output, encoding="utf-8")


def check_sessions(page: Path, folder: Path) -> None:
    """Every command prints what the page shows; in order, for a later one may read an earlier one's files."""
    for command, expected in sessions(page):
        shell = f'constrain() {{ "{sys.executable}" -m constrain.engine.cli "$@"; }}; {command}'
        result = subprocess.run(
            ["bash", "-c", shell], cwd=folder, capture_output=True, text=True, check=False
        )

        assert (result.stdout, result.stderr) == (expected, ""), command

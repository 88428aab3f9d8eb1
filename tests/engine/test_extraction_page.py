"""The page on extraction shows what the commands print."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "extraction.md"
BILL = """{
  "type": "object",
  "properties": {"total": {"type": "number"}, "due": {"type": "string", "format": "date"}},
  "required": ["total", "due"]
}"""


def sessions() -> list[tuple[str, str]]:
    """Every command of the page, and what is shown after it."""
    found = []
    for block in re.findall(
        r"^```console\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the page speaks of; those it shows are as it shows them."""
    path = tmp_path_factory.mktemp("page")
    for command, output in sessions():
        if command.startswith("cat ") and command != "cat errors.txt":
            (path / command.removeprefix("cat ")).write_text(output, encoding="utf-8")
    (path / "bill.json").write_text(BILL, encoding="utf-8")
    filler = "The river was slow and grey that morning, and nobody spoke of money.\n" * 8
    (path / "long.txt").write_text(f"{filler}Due on 2024-04-11.\n{filler}", encoding="utf-8")
    return path


def test_every_command_prints_what_the_page_shows(folder: Path) -> None:
    """In order, for a later one may read what an earlier one wrote."""
    commands = sessions()

    assert len(commands) >= 7
    for command, expected in commands:
        shell = f'constrain() {{ "{sys.executable}" -m engine.cli "$@"; }}; {command}'
        result = subprocess.run(
            ["bash", "-c", shell], cwd=folder, capture_output=True, text=True, check=False
        )

        assert (result.stdout, result.stderr) == (expected, ""), command

"""The page on extraction shows what the commands print."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.pages import DOCS, check_sessions, sessions, write_shown_files

PAGE = DOCS / "extraction.md"
BILL = """{
  "type": "object",
  "properties": {"total": {"type": "number"}, "due": {"type": "string", "format": "date"}},
  "required": ["total", "due"]
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the page speaks of; those it shows are as it shows them."""
    path = tmp_path_factory.mktemp("page")
    write_shown_files(PAGE, path, but="errors.txt")
    (path / "bill.json").write_text(BILL, encoding="utf-8")
    filler = "The river was slow and grey that morning, and nobody spoke of money.\n" * 8
    (path / "long.txt").write_text(f"{filler}Due on 2024-04-11.\n{filler}", encoding="utf-8")
    return path


def test_every_command_prints_what_the_page_shows(folder: Path) -> None:
    assert len(sessions(PAGE)) >= 7
    check_sessions(PAGE, folder)

"""The page on tool calls shows what the commands print, and every form as it is written."""

from __future__ import annotations

from pathlib import Path

from constrain.tool_calls.forms import FORMS
from tests.engine.pages import DOCS, check_sessions, sessions, write_shown_files

PAGE = DOCS / "tool-calls.md"


def test_every_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    write_shown_files(PAGE, tmp_path)

    assert len(sessions(PAGE)) >= 4
    check_sessions(PAGE, tmp_path)


def test_the_table_has_every_form() -> None:
    """With a call as the form itself writes it."""
    page = PAGE.read_text(encoding="utf-8")
    for name, form in FORMS.items():
        written = form.write([("f", "{}")]).replace("\n", "↵")

        assert f"| `{name}` | `{written}` |" in page

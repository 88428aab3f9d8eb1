"""The page on proofs names tests that exist, one for each promise of the README."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "proof.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)

    assert len(named) > 12
    assert [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).is_file() or (name and f"def {name}(" not in (ROOT / file).read_text("utf-8"))
    ] == []


def test_every_promise_has_a_row() -> None:
    promised = re.findall(r"^- \*\*([\w ]+)\.\*\*", README.partition("## What is promised")[2], re.MULTILINE)
    audited = PAGE.partition("## Every promise")[2]

    assert len(promised) >= 7
    assert [promise for promise in promised if f"\n| {promise} |" not in audited] == []

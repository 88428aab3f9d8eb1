"""The page about JSON Schema is what the tables say."""

from __future__ import annotations

from pathlib import Path

from constrain.json_schema.describe import page


def test_the_page_is_printed_from_the_tables_the_compiler_reads() -> None:
    """Documentation that drifts from the code is a promise nobody keeps."""
    written = (Path(__file__).parents[2] / "docs" / "json-schema.md").read_text("utf-8")

    assert written == page(), "run: python -m constrain.json_schema.describe > docs/json-schema.md"

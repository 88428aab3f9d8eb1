"""A small corpus of invoices, mails and logs, in Italian and English, and what is asked of it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from constrain.engine.documents import Document, Fields, Unreadable, read_documents

FOLDER = Path(__file__).parent
QUESTIONS: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "questions.toml").read_text(encoding="utf-8"))


def documents(question: dict[str, Any]) -> Iterator[Document | Unreadable]:
    """The documents of a question, with sources that are relative to the corpus."""
    fields = Fields(question["field"], question.get("id")) if "field" in question else None
    files = sorted(FOLDER.glob(question["files"]))
    for document in read_documents([str(file) for file in files], fields):
        assert isinstance(document, Document)
        source = Path(document.source).relative_to(FOLDER).as_posix()
        yield Document(document.text, source, document.line, document.id)


def options(question: dict[str, Any]) -> dict[str, Any]:
    """The options of a question for `extract`."""
    kept = {key: value for key, value in question.items() if key in {"pattern", "verbatim", "nullable"}}
    return kept | ({"schema": json.loads(question["schema"])} if "schema" in question else {})


def expected(name: str) -> list[dict[str, Any]]:
    """The records on file."""
    lines = (FOLDER / "expected" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]

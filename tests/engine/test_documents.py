"""Whatever a file of documents holds, each document is a text or says why not, and the rest goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.engine.documents import (
    Document,
    Fields,
    Unreadable,
    count_documents,
    read_documents,
    sources_of,
)

PIECES = st.sampled_from(
    [
        b"", b"\xef\xbb\xbf", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"\xed\xa0\x80", "\u2028\u0085".encode(),
        b"NaN", b'{"a": "x"}', b'{"a": "\\ud800"}', b'{"a": "\\u0000"}', b'{"a": 1}', b'{"a":', b"[" * 5_000,
        b'{"a": "x", "id": 1e999}', b'{"id": ' + b"1" * 5_000 + b', "a": "x"}', b'{"b": {"a": "y"}}',
        b'{"a": "' + b"x" * 200_000 + b'"}',
    ]
)  # fmt: skip


@given(
    pieces=st.lists(PIECES | st.binary(max_size=8), max_size=8),
    field=st.sampled_from(["a", "b.a", "\ud800", ""]),
)
def test_each_line_is_a_document_or_says_why_not(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], field: str
) -> None:
    """NUL, byte order marks, line breaks of every kind, halves of characters, huge lines and numbers."""
    path = tmp_path_factory.getbasetemp() / "lines.jsonl"
    path.write_bytes(b"".join(pieces))
    for fields in (Fields(field, "id"), Fields(field), None):
        found = list(read_documents([str(path)], fields))

        assert len(found) == count_documents([str(path)], fields)
        assert all(isinstance(one, Document | Unreadable) for one in found)
        lines = [one.line for one in found]
        assert lines == sorted(set(lines)) if fields else lines == [None]


@pytest.mark.parametrize("name", ["x" * 5_000, "a\0b", "\udcff", "missing", "", "[", "**/\0*"])
def test_a_name_that_is_no_file_is_one_unreadable_document(tmp_path: Path, name: str) -> None:
    (only,) = read_documents(sources_of([name]))

    assert isinstance(only, Unreadable)
    assert count_documents([name], Fields("a")) == 1

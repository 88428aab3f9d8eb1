"""The parts of a pattern that are named are those that stand where a text is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_regex
from constrain.report import explain_text
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary()

letters = st.sampled_from("abcde")
often = st.sampled_from(["", "?", "*", "+", "{1,2}"])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(letters, st.sampled_from(["", "?", "*", "+", "{1,2}"])), min_size=1, max_size=5),
    st.data(),
)
def test_names_the_letters_that_could_be_read(pieces: list[tuple[str, str]], data: st.DataObject) -> None:
    """The oracle: a letter may come next where Python matches a prefix of some text that goes on with it."""
    pattern = "".join(letter + often for letter, often in pieces)
    text = data.draw(st.text("abcde", max_size=4)) + "!"
    compiled = compile_regex(pattern, VOCABULARY)

    found = compiled.matcher().explain(text)

    assert not found.allowed
    at = found.offset
    allowed = {char for char in "abcde" if compiled.matcher().explain(text[:at] + char).allowed}
    named = {part[1] for part in found.parts if len(part.split("`")[1]) == 1}
    if text[at] == "!":
        assert named == allowed
    assert allowed <= named | set(text[at])
    for part in found.parts:
        inside, _, start = part[1:].rpartition("` at ")
        assert pattern[int(start) :].startswith(inside)


@pytest.mark.parametrize(
    ("pattern", "text", "parts", "expected"),
    [
        ("[0-9]{4}-(0[1-9]|1[0-2])", "2024-13", ("`[0-2]` at 18",), "`[0-2]`"),
        ("[0-9]{4}-x", "20245", ("`[0-9]{4}` at 0", "`-` at 8"), "at most 4 of `[0-9]{4}` or `-`"),
        ("(?!admin)[a-z]{1,9}", "admin", ("`(?!admin)` at 0",), "what `(?!admin)` asks for"),
        ("cat|dog", "cow", ("`a` at 1",), "`a`"),
        (r"(?x) a  b # two", "ac", ("`b` at 8",), "`b`"),
        ("è[à-ü]", "èé!", (), ""),
        ("ab?", "abb", ("`b?` at 1",), "at most 1 of `b?`"),
        ("a+?b", "ac", ("`a` at 0", "`b` at 3"), "`a` or `b`"),
        ("a{2}?", "aaa", ("`a{2}?` at 0",), "at most 2 of `a{2}?`"),
    ],
)
def test_examples(pattern: str, text: str, parts: tuple[str, ...], expected: str) -> None:
    """Sets of characters, bounds and assertions."""
    assert re.fullmatch(pattern, text) is None
    found = compile_regex(pattern, VOCABULARY).matcher().explain(text)

    assert found.parts == parts
    if expected:
        assert found.expected == expected


def test_a_text_that_may_not_end_yet_needs_more() -> None:
    """The end is refused; what could come instead is named."""
    found = explain_text(compile_regex("ab{2}", VOCABULARY), "ab")

    assert (found.refused, found.parts, found.nearest) == (b"", ("`b` at 1",), b"b")
    assert str(found) == (
        "refused at byte 2: the end\nexpected: `b`\nbecause of: `b` at 1\nnearest that leads on: b"
    )

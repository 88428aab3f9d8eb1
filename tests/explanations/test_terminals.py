"""The terminals that are named are those with which a text could go on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_lark
from constrain.report import check_text
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary()
GRAMMAR = r"""
start: pair ("," pair)*
pair: KEY ":" value
value: NUMBER | "[" value* "]" | "null"
KEY: /[a-z]+/
NUMBER: /[0-9]{1,2}/
%ignore " "
"""
EXAMPLE = {'","': ",", "KEY": "q", '":"': ":", "NUMBER": "7", '"["': "[", '"]"': "]", '"null"': "n"}
"""A character with which each terminal begins."""


@settings(max_examples=100, deadline=None)
@given(st.text("a,:7[] n", max_size=8))
def test_names_the_terminals_that_could_come(text: str) -> None:
    """The oracle tries a character of each terminal, and the end, at the place that was found."""
    compiled = compile_lark(GRAMMAR, VOCABULARY)

    found = compiled.matcher().explain(text + "!")

    before = text[: found.offset]
    fits = {name for name, char in EXAMPLE.items() if compiled.matcher().explain(before + char).allowed}
    assert not found.allowed
    assert found.cause == "grammar"
    named = set(found.parts)
    if "KEY" in fits:
        fits.discard('"null"')  # an `n` begins a key as well
    assert fits <= named
    if before[-1:] in {"", " ", ",", ":", "[", "]"}:
        assert named == fits
    assert ("the end" in found.expected) == check_text(compiled, before).conforms


@pytest.mark.parametrize(
    ("text", "parts", "expected"),
    [
        ("a 3", ('":"',), '":"'),
        ("a:b", ('"["', '"null"', "NUMBER"), '"[", "null" or NUMBER'),
        ("a:33;", ('","',), '"," or the end'),
        ("a:[3,", ('"["', '"]"', '"null"', "NUMBER"), ""),
    ],
)
def test_examples(text: str, parts: tuple[str, ...], expected: str) -> None:
    """Literals as they are written, terminals by name; blanks, which may be anywhere, are left out."""
    found = compile_lark(GRAMMAR, VOCABULARY).matcher().explain(text)

    assert tuple(sorted(found.parts)) == parts
    if expected:
        assert sorted(found.expected.replace(" or ", ", ").split(", ")) == sorted(
            expected.replace(" or ", ", ").split(", ")
        )

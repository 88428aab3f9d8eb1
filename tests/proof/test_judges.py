"""What a judge says of a text, and where it has no opinion."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.proof.judges import lark_judges, python_pattern, schema_judges, verdicts
from constrain.proof.small import small_vocabulary
from constrain.proof.subject import lark_subject
from constrain.report import check_text

DRAFT_4 = "http://json-schema.org/draft-04/schema#"


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        ({"type": "integer"}, "3", {"json": True, "jsonschema": True, "jsonschema-rs": True}),
        ({"type": "integer"}, '"a"', {"json": True, "jsonschema": False, "jsonschema-rs": False}),
        ({"multipleOf": 0.01}, "0.07", {"json": True, "jsonschema": True, "jsonschema-rs": True}),
        ({}, '{"a": 1, "a": 2}', {"json": False}),
        ({}, "NaN", {"json": False}),
        # A judge that does not know a format has no opinion where the schema turns on it.
        (
            {"oneOf": [{"format": "uri"}, {"pattern": "^\\./"}]},
            '"./a "',
            {"json": True, "jsonschema-rs": True},
        ),
        ({"not": {"format": "iri"}}, '"a b"', {"json": True, "jsonschema-rs": True}),
        ({"if": {"format": "uri"}, "then": False}, '"a b"', {"json": True, "jsonschema-rs": True}),
        ({"$schema": DRAFT_4, "not": {"type": "integer"}}, "1.0", {"json": True, "jsonschema": True}),
    ],
)
def test_each_judge_says_what_it_knows(schema: Any, text: str, said: dict[str, bool]) -> None:
    found = verdicts(schema_judges(schema), text)

    assert {name: problem is None for name, problem in found.items()} == said


@given(st.text("ab0_\n٣é", max_size=4))
def test_patterns_mean_what_ecmascript_says(text: str) -> None:
    """Digits and words are those of ASCII, and `$` is the end alone."""
    assert bool(re.search(python_pattern(r"^\d$"), text)) == (text in set("0"))
    assert bool(re.search(python_pattern(r"^[\w]+$"), text)) == bool(re.fullmatch("[A-Za-z0-9_]+", text))


@given(
    st.sampled_from(["T0 | T0 T1", "T0 start | T1", "T0 T1*", "T0 T1?"]),
    st.lists(st.sampled_from(["/a/", "/[ab]+/", "/a +/", '" "']), min_size=3, max_size=3),
    st.text("ab ", max_size=4),
)
def test_a_text_that_may_be_read_or_ignored_at_its_end_is_judged(
    body: str, terminals: list[str], text: str
) -> None:
    """Lark calls it a fault of its own that the start rule is complete twice; our grammar takes the text."""
    lines = [f"start: {body}", *(f"T{number}: {each}" for number, each in enumerate(terminals)), "%ignore T2"]
    grammar = "\n".join(lines) + "\n"
    (judge,) = lark_judges(grammar)
    ours = lark_subject(grammar, small_vocabulary()).compiled

    assert (judge.refuses(text) is None) == check_text(ours, text).conforms


def test_the_end_of_a_text_may_be_read_and_ignored() -> None:
    grammar = "start: T0 | T0 T1\nT0: /a/\nT1: /[ab]+/\nI: /b/\n%ignore I\n"

    assert lark_judges(grammar)[0].refuses("ab") is None
    assert (
        lark_judges(grammar)[0].refuses("b b")
        == "No terminal matches ' ' in the current parser context, at line 1 col 2"
    )

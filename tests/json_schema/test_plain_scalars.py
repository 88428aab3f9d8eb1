"""What is plainly some string or number is one; the languages and sets agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.errors import ConstrainError
from constrain.json_schema import formats
from constrain.json_schema.plain_scalars import LENGTHS, format_lives, plainly_some
from constrain.json_schema.strings import string_space
from constrain.json_schema.values import NUMBER, STRING
from constrain.regular.queries import is_empty
from constrain.regular.terms import EMPTY, intersect
from constrain.testing.random_schemas import NUMBERS, PATTERNS, STRINGS
from tests.json_schema.parts import parts_of

small = st.integers(0, 3)
keywords: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["string", "integer", "number"]),
    "enum": st.lists(st.sampled_from([*STRINGS, *NUMBERS]), min_size=1, max_size=3),
    "minLength": small,
    "maxLength": small,
    "pattern": st.sampled_from([*PATTERNS, "^ab$", "^[ab]{2,3}$", "a$b", "^(?!a)"]),
    "format": st.sampled_from(["date", "uri", "email", "unheard-of"]),
    "minimum": st.sampled_from(NUMBERS),
    "maximum": st.sampled_from(NUMBERS),
    "exclusiveMinimum": st.sampled_from(NUMBERS),
    "exclusiveMaximum": st.sampled_from(NUMBERS),
    "multipleOf": st.sampled_from([1, 2, 0.5, 1.5]),
}
leaves = st.fixed_dictionaries({}, optional=keywords)
combined = st.recursive(
    leaves,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            **{name: st.lists(inner, min_size=1, max_size=2) for name in ("allOf", "anyOf", "oneOf")},
            "not": inner,
            "type": keywords["type"],
        },
    ),
    max_leaves=4,
)


def check(schema: Any, kind: int) -> bool:
    """Is there plainly one?  Then there is one."""
    parts = parts_of(schema)
    scalars, seen = parts.goals.scalars, parts.goals.view.at(parts.goal, kind)
    if not plainly_some(seen, kind):
        return False
    if kind == STRING:
        assert not is_empty(scalars.string_language(seen))
    else:
        assert scalars.terminal(seen, kind) is not EMPTY
    return True


@given(combined, st.sampled_from([STRING, NUMBER]))
def test_what_is_plainly_some_is_not_empty(schema: Any, kind: int) -> None:
    try:
        check(schema, kind)
    except ConstrainError:
        return


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({}, STRING),
        ({"minLength": 2, "maxLength": 2}, STRING),
        ({"pattern": "^[a-z]{3}$", "maxLength": 3}, STRING),
        ({"enum": ["a", "b"], "not": {"enum": ["a"]}}, STRING),
        ({"format": "email", "maxLength": 20}, STRING),
        ({"anyOf": [False, {"minLength": 1}]}, STRING),
        ({"not": {"enum": ["a"]}, "minLength": 1}, STRING),
        ({"minimum": 1, "maximum": 1}, NUMBER),
        ({"type": "integer", "exclusiveMinimum": 0.5, "exclusiveMaximum": 1.5}, NUMBER),
        ({"minimum": 3, "maximum": 5, "multipleOf": 2.5}, NUMBER),
        ({"enum": [1, 2], "minimum": 2}, NUMBER),
        ({"multipleOf": 7, "maximum": -100}, NUMBER),
    ],
    ids=str,
)
def test_is_plain(schema: Any, kind: int) -> None:
    assert check(schema, kind)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"minLength": 3, "maxLength": 2}, STRING),
        ({"pattern": "^[a-z]{3}$", "maxLength": 2}, STRING),
        ({"enum": ["ab"], "maxLength": 1}, STRING),
        ({"format": "date", "maxLength": 9}, STRING),
        ({"enum": ["a"], "not": {"enum": ["a"]}}, STRING),
        ({"minimum": 1, "exclusiveMaximum": 1}, NUMBER),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, NUMBER),
        ({"minimum": 3, "maximum": 4, "multipleOf": 2.5}, NUMBER),
    ],
    ids=str,
)
def test_what_is_empty_is_not_plainly_some(schema: Any, kind: int) -> None:
    assert not check(schema, kind)


@pytest.mark.parametrize("name", LENGTHS)
def test_formats_hold_texts_of_the_lengths_that_are_listed(name: str) -> None:
    space = string_space("canonical")
    term = space.format(name)
    assert term is not None
    least, most = LENGTHS[name]
    lengths = (
        {least, least + 1, (least + int(most)) // 2, int(most)} if most < 100 else {least, least + 1, 40}
    )
    for length in lengths:
        if least <= length <= most:
            assert not is_empty(intersect(term, space.length(length, length))), length


def test_every_format_of_the_standard_holds_some_text() -> None:
    for name in formats.FORMATS:
        term = string_space("canonical").format(name)
        assert term is not None
        assert not is_empty(term)


def test_a_registered_format_may_be_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))
    formats.register_format("nothing", "(?!)")

    assert not format_lives("nothing")
    assert not check({"format": "nothing"}, STRING)

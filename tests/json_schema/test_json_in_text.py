"""JSON within a string: every text is JSON of the schema, and compact texts are there."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.continuation import END, Terminal
from constrain.json_schema.formats import find
from constrain.json_schema.json_in_text import json_texts
from constrain.json_schema.strings import spell_canonical, string_space
from constrain.regular.queries import accepts, is_empty
from constrain.regular.utf8 import utf8
from tests.json_schema.walk import random_text

leaves: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"type": "integer", "minimum": 3, "maximum": 40}, {"type": "number", "exclusiveMinimum": 0},
        {"type": "boolean"},
        {"type": "null"}, {"type": "string", "maxLength": 3}, {"type": "string", "pattern": "^[a-c]+$"},
        {"type": "string", "format": "date"}, {"enum": ["a", 1, None, 'say "hi"']}, {"const": {"a": [1]}}, {},
        {"type": ["integer", "null"]}, {"$ref": "#/$defs/tree"},
    ]
)  # fmt: skip


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(st.sampled_from(["a", "b", 'c"', "è"]), inner, min_size=1, max_size=3)
    return st.one_of(
        st.builds(
            lambda items, least, most: {"type": "array", "items": items, "minItems": least,
            "maxItems": least + most},
            inner, st.integers(0, 2), st.integers(0, 2),
        ),
        inner.map(lambda items: {"type": "array", "items": items, "uniqueItems": True}),
        st.lists(inner, min_size=1, max_size=2).map(
            lambda parts: {"type": "array", "prefixItems": parts, "minItems": len(parts), "items": False}
        ),
        properties.flatmap(
            lambda made: st.sets(st.sampled_from(list(made))).map(
                lambda needed: {
                    "type": "object", "properties": made, "required": sorted(needed),
                    "additionalProperties": False
                }
            )
        ),
        inner.map(lambda values: {"type": "object", "additionalProperties": values, "maxProperties": 2}),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"anyOf": parts}),
    )  # fmt: skip


schemas = st.recursive(leaves, _nested, max_leaves=4)
TREE = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "inner": {"$ref": "#/$defs/tree"}},
    "required": ["n"],
    "additionalProperties": False,
}


@given(schemas, st.integers())
def test_every_text_is_json_of_the_schema(schema: Any, seed: int) -> None:
    whole = {**schema, "$defs": {"tree": TREE}} if schema else schema
    term = json_texts(whole, utf8, find)
    text = None if is_empty(term) else random_text(Terminal.of(term, END), random.Random(seed))
    if text is not None:
        value = json.loads(text)
        jsonschema.validate(value, whole)

        assert json.dumps(value, ensure_ascii=False) or text


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"type": "array", "items": {"type": "integer"}}, [[], [1, -2, 30]]),
        ({"properties": {"a": {"type": "null"}, "b": {}}, "type": "object", "required": ["b"]}, [{"b": 1},
        {"a": None, "b": "x"}]),
        ({"$ref": "#/$defs/tree", "$defs": {"tree": TREE}}, [{"n": 1}, {"n": 1, "inner": {"n": 2}}]),
        ({}, [1, "x", [], {"a": [True]}]),
    ],
)  # fmt: skip
def test_compact_texts_are_there(schema: Any, values: list[Any]) -> None:
    for value in values:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))

        assert accepts(json_texts(schema, utf8, find), text.encode())


def test_quotes_are_escaped_within_a_string_once() -> None:
    term = json_texts({"enum": ["a"]}, string_space("canonical").character, find)

    assert accepts(term, spell_canonical('"a"'))
    assert accepts(term, b'\\"a\\"')


def test_what_contains_itself_always_has_no_text() -> None:
    always = {"type": "object", "properties": {"in": {"$ref": "#/$defs/a"}}, "required": ["in"]}

    assert is_empty(json_texts({"$ref": "#/$defs/a", "$defs": {"a": always}}, utf8, find))

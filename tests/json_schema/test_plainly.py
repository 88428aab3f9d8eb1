"""`plainly_lives` never says that a schema has a value where the algebra finds none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.errors import ConstrainError
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.plainly import plainly_lives
from constrain.testing.random_schemas import schemas
from tests.json_schema.parts import parts_of

SEVERAL_OPTIONS = [
    JsonOptions(),
    JsonOptions.exact(additional_properties=False),
    JsonOptions(verbatim="", formats="annotate"),
]


def judged(schema: Any, options: JsonOptions) -> tuple[bool, bool]:
    """Is a schema plainly live, and does the algebra find a value?"""
    parts = parts_of(schema, options)
    return plainly_lives(parts.root, options, parts.lives), parts.lives(parts.root)


@given(schemas(), st.sampled_from(SEVERAL_OPTIONS))
def test_what_lives_plainly_has_a_value(schema: Any, options: JsonOptions) -> None:
    try:
        plainly, found = judged(schema, options)
    except ConstrainError:
        return
    assert found or not plainly


LIVING = [
    True,
    {"description": "anything"},
    {"type": "string", "maxLength": 3},
    {"type": "string", "minLength": 2, "maxLength": 2, "title": "two"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "enum": ["a", "b"]},
    {"type": ["null", "string"], "pattern": "^(?!)"},
    {"type": "integer", "minimum": 3},
    {"type": "number", "exclusiveMaximum": 3},
    {"type": "integer", "multipleOf": 7},
    {"type": "array", "items": False, "uniqueItems": True, "maxItems": 0},
    {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?!)"}}},
    {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]},
    {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": False}},
    {"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}},
    {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a", "type": "object",
     "definitions": {"a": {"type": "null"}}},
    {"anyOf": [False, {"type": "null"}]},
    {"allOf": [{"anyOf": [{"type": "null"}]}]},
    {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "integer"}]},
    {"enum": [1.5, None]},
    {"const": 3, "type": ["integer", "string"]},
    {"type": "string", "pattern": "^[a-z]+$"},
    {"type": "string", "pattern": "^[a-z]{2,4}$", "minLength": 4, "maxLength": 9},
    {"type": "string", "pattern": "[a-z]{2}", "minLength": 4, "maxLength": 4},
    {"type": "integer", "minimum": 0.5, "maximum": 1.5},
    {"type": "number", "minimum": 0.5, "maximum": 0.5},
    {"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 2},
    {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "null"}}},
]  # fmt: skip
NOT_PLAIN = [
    False,
    {"type": "string", "minLength": 2, "maxLength": 1},
    {"type": "string", "pattern": "^a$", "maxLength": 0},
    {"type": "integer", "minimum": 2, "maximum": 1},
    {"type": "integer", "enum": ["a"]},
    {"type": "string", "enum": ["a"], "maxLength": 0},
    {"type": "array", "minItems": 1, "items": False},
    {"type": "object", "minProperties": 1, "additionalProperties": False},
    {"type": "object", "required": ["a"], "additionalProperties": False},
    {"type": "object", "properties": {"a": False}, "required": ["a"]},
    {"type": "object", "not": {"type": "object"}},
    {"type": "object", "allOf": [False]},
    {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": False}},
    {"anyOf": [False, {"not": {}}]},
    {"oneOf": [{"type": "integer"}, {"type": "integer"}]},
    {"enum": ["a"], "type": "integer"},
    {"type": "string", "pattern": "a$b"},
    {"type": "string", "pattern": "^[a-z]{2,4}$", "minLength": 5},
    {"type": "integer", "minimum": 0.2, "maximum": 0.8},
    {"type": "array", "items": {"type": "null"}, "minItems": 3, "maxItems": 2},
    {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"type": "null"}},
]


@pytest.mark.parametrize("schema", LIVING, ids=str)
def test_lives_plainly(schema: Any) -> None:
    assert judged(schema, JsonOptions()) == (True, True)


@pytest.mark.parametrize("schema", NOT_PLAIN, ids=str)
def test_an_empty_schema_does_not_live_plainly(schema: Any) -> None:
    assert judged(schema, JsonOptions()) == (False, False)


RECURSIVE = {"required": ["a"], "properties": {"a": {"$ref": "#"}}, "type": "object"}


def test_what_needs_itself_does_not_live() -> None:
    assert judged(RECURSIVE, JsonOptions()) == (False, False)
    assert judged({"anyOf": [RECURSIVE, {"type": "null"}]}, JsonOptions()) == (True, True)


def test_a_key_that_is_not_named_may_be_closed_by_an_option() -> None:
    schema = {"type": "object", "required": ["b"], "properties": {"a": True}}

    assert judged(schema, JsonOptions()) == (True, True)
    assert judged(schema, JsonOptions(additional_properties=False)) == (False, False)


def test_a_document_without_strings_has_none() -> None:
    assert judged({"type": "string"}, JsonOptions(verbatim=""))[0] is False

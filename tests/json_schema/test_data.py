"""What is no JSON data is refused with its place; what is unusual and right is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from constrain.compiler import compile_json_schema
from constrain.errors import SchemaError
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary()
HALF = "\ud800"
NO_TEXT = "half a surrogate pair, \\ud800, is character 0 of '\\ud800'"
NO_MAP = "`definitions` must be an object, not a number"
DRAFT_4 = "http://json-schema.org/draft-04/schema#"


def itself() -> dict[str, Any]:
    holder: dict[str, Any] = {}
    holder["items"] = {"items": holder}
    return holder


REFUSED: list[tuple[Any, str, str]] = [
    ({"properties": {HALF: {}}}, NO_TEXT, f"#/properties/{HALF}"),
    ({"required": ["a", HALF]}, NO_TEXT, "#/required/1"),
    ({"dependentRequired": {"a": [HALF]}}, NO_TEXT, "#/dependentRequired/a/0"),
    ({"dependentSchemas": {HALF: {}}}, NO_TEXT, f"#/dependentSchemas/{HALF}"),
    ({"patternProperties": {HALF: {}}}, NO_TEXT, f"#/patternProperties/{HALF}"),
    ({"items": {"pattern": HALF}}, NO_TEXT, "#/items/pattern"),
    ({"const": {"a/b": [{HALF: 1}]}}, NO_TEXT, f"#/const/a~1b/0/{HALF}"),
    ({"enum": ["a", HALF]}, NO_TEXT, "#/enum/1"),
    ({"$ref": HALF}, NO_TEXT, "#/$ref"),
    ({"properties": {1: {}}}, "a key is a string, not a number", "#/properties/1"),
    ({"const": {1, 2}}, "a set is not JSON data", "#/const"),
    ({"enum": [1, [np.int64(3)]]}, "a numpy.int64 is not JSON data", "#/enum/1/0"),
    ({"enum": [float("nan")]}, "`nan` is not a JSON number", "#/enum/0"),
    ({"minLength": float("nan")}, "`nan` is not a JSON number", "#/minLength"),
    ('{"maxItems": Infinity}', "`inf` is not a JSON number", "#/maxItems"),
    ({"minimum": np.int64(3)}, "`minimum` must be a number, not a numpy.int64", "#/minimum"),
    ({"type": np.arange(2)}, "`type` must name types", "#/type"),
    ({"required": ("a",)}, "`required` must be an array of strings", "#/required"),
    ({"enum": (1, 2)}, "`enum` must be an array, not a tuple", "#/enum"),
    ([np.arange(2)], "a schema must be an object or a boolean, not an array", "#"),
    (itself(), "an object holds itself", "#/items/items"),
    ({"definitions": 0, "$ref": "#/definitions/a"}, NO_MAP, "#/definitions"),
    ({"$id": "http://[", "$ref": "#a"}, "an id is not a URI: Invalid IPv6 URL", "#/$id"),
    ({"$schema": DRAFT_4, "id": {"a": 1}}, "`id` must be a string, not an object", "#/id"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "what", "where"), REFUSED)
def test_what_is_wrong_has_a_place(schema: Any, what: str, where: str) -> None:
    """Before the first token, and in the schema's own words."""
    with pytest.raises(SchemaError) as caught:
        compile_json_schema(schema, VOCABULARY)
    assert (caught.value.what, caught.value.where) == (what, where)


def test_a_property_named_id_moves_no_base() -> None:
    """Of draft 4: where a pointer passes through `properties`, its `id` is a schema, not an id."""
    named = {"id": "#named", "properties": {"id": {"type": "boolean"}, "a": {"$ref": "#named"}}}
    document = {"$schema": DRAFT_4, "id": "http://x/root", "definitions": {"named": named}}
    place = "#/definitions/named/properties/id"
    schema = {**document, "$ref": place}
    inner = {**document, "allOf": [{"$ref": "http://x/root" + place}]}

    for each in (schema, inner):
        matcher = compile_json_schema(each, VOCABULARY).matcher()
        assert sorted(VOCABULARY.tokens[token] or b"" for token in matcher.allowed_token_ids()) == [
            b"f",
            b"t",
        ]


def test_one_object_in_many_places_is_no_circle() -> None:
    """Programs put schemas together so."""
    word = {"type": "string", "const": [1, {"a": 2}]}
    pair = {"properties": {"a": word, "b": word}, "allOf": [{"items": word}]}

    compile_json_schema({"anyOf": [pair, pair, word, True]}, VOCABULARY)


def test_annotations_may_hold_anything() -> None:
    """They say nothing about the texts, so nobody looks."""
    compile_json_schema({"type": "null", "default": {1}, "examples": [float("nan")], "x": HALF}, VOCABULARY)

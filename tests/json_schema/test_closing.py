"""The option `additional_properties=False`: objects are closed at their places, and not left empty."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from constrain.errors import ConstrainError
from constrain.json_schema.grammar import compile_schema
from constrain.json_schema.options import JsonOptions
from constrain.testing.random_schemas import schemas
from tests.json_schema.walk import accepts, random_text

CLOSED = JsonOptions.exact(additional_properties=False)
NAMES = ["a", "b", "c", "d"]


def an_object(names: list[str], required: bool, inner: Any) -> dict[str, Any]:
    made = {"type": "object", "properties": dict.fromkeys(names, inner)}
    return {**made, "required": names} if required else made


objects = st.builds(
    an_object,
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True),
    st.booleans(),
    st.just({"type": "null"}),
)


def _inherited(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What is made of schemas by inheritance: members of `allOf`, and what stands beside them."""
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda members: {"allOf": members}),
        st.tuples(inner, objects).map(lambda both: {**both[1], "allOf": [both[0]]}),
        st.tuples(inner, objects).map(
            lambda both: {**both[1], "$defs": {"base": both[0]}, "$ref": "#/$defs/base"}
        ),
    )


hierarchies = st.recursive(objects, _inherited, max_leaves=4)


def names_of(schema: Any) -> Iterator[str]:
    """The keys that a hierarchy names; its references are to its own definitions."""
    yield from schema.get("properties", ())
    for member in [*schema.get("allOf", ()), *schema.get("$defs", {}).values()]:
        yield from names_of(member)


def with_own_ids(schema: Any, number: list[int]) -> Any:
    """Each schema with definitions as a resource of its own, so that `#/$defs/base` means the nearest."""
    if not isinstance(schema, dict):
        return schema
    made = {
        key: [with_own_ids(part, number) for part in value]
        if isinstance(value, list) and key == "allOf"
        else {name: with_own_ids(part, number) for name, part in value.items()}
        if key == "$defs"
        else value
        for key, value in schema.items()
    }
    if "$defs" in made:
        number[0] += 1
        made["$id"] = f"https://example.com/{number[0]}"
    return made


@given(hierarchies, st.dictionaries(st.sampled_from([*NAMES, "e"]), st.none()))
def test_what_is_inherited_is_closed_together(schema: Any, document: dict[str, None]) -> None:
    """Exactly the documents of the schema whose keys are named anywhere in the hierarchy."""
    schema = with_own_ids(schema, [0])
    closed = compile_schema(schema, options=CLOSED)
    expected = Draft202012Validator(schema).is_valid(document) and document.keys() <= {*names_of(schema)}

    assert accepts(closed.start, json.dumps(document).encode()) == expected


@given(
    st.one_of(
        schemas(), st.fixed_dictionaries({"not": objects}, optional={"properties": st.just({"e": True})})
    ),
    st.randoms(use_true_random=False),
)
def test_closing_only_takes_documents_away(schema: Any, rng: random.Random) -> None:
    """Also where a schema is negated: what is inside `not` and `if` is as it was."""
    try:
        grammar = compile_schema(schema, options=CLOSED)
        text = random_text(grammar.start, rng)
        opened = compile_schema(schema, options=JsonOptions.exact())
    except ConstrainError:
        return

    assert text is None or accepts(opened.start, text)


BASE = {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]}
MORE = {"type": "object", "properties": {"b": {"type": "null"}}, "required": ["b"]}
A, B, AB, X = '{"a":null}', '{"b":null}', '{"a":null,"b":null}', '{"a":null,"b":null,"x":1}'


PROPERTY_A = {"properties": {"a": True}}
K_AB, K_A = '{"k":{"a":null,"b":null}}', '{"k":{"a":null}}'


@pytest.mark.parametrize(
    ("schema", "texts"),
    [
        (BASE, {A: True, AB: False}),
        ({"allOf": [BASE, MORE]}, {A: False, AB: True, X: False}),
        ({"$ref": "#/$defs/base", "$defs": {"base": BASE}, **MORE}, {A: False, AB: True, X: False}),
        ({"$ref": "#/$defs/base", "$defs": {"base": BASE}}, {A: True, AB: False}),
        ({"anyOf": [BASE, MORE]}, {A: True, B: True, AB: False}),
        ({"oneOf": [BASE, MORE], "type": "object"}, {A: True, B: True, AB: False}),
        ({"anyOf": [{"required": ["a"]}, MORE], **PROPERTY_A}, {A: True, B: True, AB: True, X: False}),
        ({"not": BASE, "properties": {"a": True, "b": True}}, {B: True, AB: False, X: False}),
        ({"if": BASE, "then": MORE, "else": {"required": ["b"]}}, {A: False, AB: True, X: False}),
        ({"dependentSchemas": {"a": MORE}, **PROPERTY_A}, {"{}": True, A: False, AB: True, B: False}),
        ({"allOf": [BASE, {"additionalProperties": {"type": "null"}}]}, {AB: True, X: False}),
        ({"allOf": [BASE, {"patternProperties": {"^b": True}}]}, {AB: True, X: False}),
        ({"allOf": [{"required": ["a"]}, {"maxProperties": 3}]}, {AB: True, X: True}),
        ({"additionalProperties": {"allOf": [BASE, MORE]}}, {K_AB: True, K_A: False}),
    ],
)
def test_an_object_is_closed_at_its_place(schema: Any, texts: dict[str, bool]) -> None:
    start = compile_schema(schema, options=CLOSED).start

    assert {text: accepts(start, text.encode()) for text in texts} == texts


def test_an_older_draft_is_closed_as_well() -> None:
    """It has no `unevaluatedProperties`; `$ref` hides its siblings, and `dependencies` may hold schemas."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "allOf": [{"$ref": "#/definitions/base"}, {"properties": {"c": True}}],
        "dependencies": {"a": MORE, "c": ["b"]},
        "definitions": {"base": {**BASE, "required": []}},
    }
    start = compile_schema(schema, options=CLOSED).start
    texts = {A: False, AB: True, X: False, "{}": True, '{"c":1}': False, '{"a":null,"b":null,"c":1}': True}

    assert {text: accepts(start, text.encode()) for text in texts} == texts

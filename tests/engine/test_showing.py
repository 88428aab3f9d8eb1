"""A schema in a prompt: whole, as a skeleton, or as a type."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from constrain.engine.generate import schema_of
from constrain.engine.prompting import schema_request
from constrain.engine.showing import shown_schema
from constrain.errors import InvalidInputError, SchemaError
from tests.strategies import first_part_schemas


class Item(BaseModel):
    product: str
    price: float = Field(description="in euro")


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


class Order(BaseModel):
    name: str
    items: list[Item]
    mood: Literal["calm", "angry"]
    when: str | None = Field(None, pattern="^[0-9]{4}$")
    tree: Tree


SCHEMA = schema_of(Order).schema


def test_a_skeleton_looks_like_an_answer() -> None:
    """What contains itself ends in an ellipsis."""
    assert shown_schema(SCHEMA, "skeleton") == (
        "Answer with JSON like this:\n"
        '{"name": string, "items": [{"product": string, "price": number /* in euro */}, ...], '
        '"mood": "calm" | "angry", "when"?: string (^[0-9]{4}$) | null, '
        '"tree": {"value": integer, "children"?: [..., ...]}}'
    )


def test_a_type_names_what_is_referred_to() -> None:
    assert shown_schema(SCHEMA, "typescript") == (
        "Answer with JSON of this TypeScript type:\n"
        "type Item = {product: string; price: number /* in euro */}\n"
        "type Tree = {value: integer; children?: Tree[]}\n"
        'type Answer = {name: string; items: Item[]; mood: "calm" | "angry"; '
        "when?: string /* ^[0-9]{4}$ */ | null; tree: Tree}"
    )


def test_a_schema_may_be_shown_whole_or_not_at_all() -> None:
    assert shown_schema({"type": "integer"}, "schema") == schema_request({"type": "integer"})
    assert shown_schema({"type": "integer"}, False) is None


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        (True, None),
        ({"type": ["integer", "null"]}, "integer | null"),
        ({"const": {"a": 1}}, '{"a": 1}'),
        ({"prefixItems": [{"type": "string"}, {"type": "number"}]}, "[string, number]"),
        ({"type": "array", "items": {"enum": [1, 2]}}, "(1 | 2)[]"),
        ({"additionalProperties": {"type": "boolean"}}, "{[key: string]: boolean}"),
        ({"properties": {"a b": False}}, '{"a b"?: never}'),
        ({"$ref": "https://example.com/other"}, "https://example.com/other"),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}}, "a1b"),
        ({"allOf": [{"type": "object"}, {"required": ["a"]}]}, "object"),
        ({"type": "array"}, "any[]"),
        (
            {"type": "string", "format": "Python date, from 2024-01-01"},
            "string /* date, from 2024-01-01 */",
        ),
        ({"type": "string", "format": r"Rust pattern ^\w$"}, r"string /* Rust pattern ^\w$ */"),
        ({}, "any"),
    ],
)
def test_every_keyword_of_form_has_a_way_to_be_shown(schema: Any, shown: str | None) -> None:
    text = shown_schema(schema, "typescript")

    assert text is not None
    if shown is None:
        assert text == schema_request(schema)
    else:
        assert text.endswith(f"\ntype Answer = {shown}")


@given(first_part_schemas(), st.sampled_from(["skeleton", "typescript"]))
def test_every_schema_is_shown_in_every_way(schema: Any, way: Any) -> None:
    """On few lines, and with the names of its properties."""
    text = shown_schema(schema, way)

    assert text is not None
    if (
        isinstance(schema, dict)
        and schema.get("type") == "object"
        and not {"const", "enum", "$ref"} & {*schema}
    ):
        names = schema.get("properties", {}) if not {"anyOf", "oneOf", "allOf"} & {*schema} else {}
        assert all(json.dumps(name, ensure_ascii=False)[1:-1] in text for name in names)


def test_what_is_no_way_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        shown_schema({}, "yaml")  # type: ignore[arg-type]

    assert str(caught.value) == (
        "schema_in_prompt='yaml' is no way to show a schema\n"
        "hint: use one of 'schema', 'skeleton', 'typescript', True or False"
    )


def test_what_is_no_json_is_refused_in_every_way() -> None:
    with pytest.raises(SchemaError, match="the schema is not JSON"):
        shown_schema({"const": {1, 2}}, "skeleton")

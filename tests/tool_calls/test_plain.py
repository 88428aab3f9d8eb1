"""What looks plain is fine: every such schema compiles.  What is not is told before the first token."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.errors import UnsatisfiableError
from constrain.tool_calls.grammar import tool_call_grammar
from constrain.tool_calls.plain import is_plain
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary([])
KEYS = st.sampled_from(["a", "b", "è", "\ud800"])
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([1.5, True, 2000, None]))
ENUMS = st.lists(st.sampled_from(["x", "y", 1, None]), max_size=3)
KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object", "dict", 3]),
    "title": st.sampled_from(["T", 1]),
    "description": st.sampled_from(["", "words", None]),
    "default": st.sampled_from([1, "x"]),
    "enum": ENUMS,
    "format": st.sampled_from(
        [
            "date",
            "email",
            "hostname",
            "ipv6",
            "duration",
            "unknown",
            "regex",
            "Python date",
            "Python URL, scheme ftp",
        ]
    ),
    "required": st.lists(KEYS, max_size=2),
    "additionalProperties": st.sampled_from([True, False, {}]),
    "pattern": st.just("a+"),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"), NUMBERS),
}


def schemas(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Schemas of a few keywords that often, and by no means always, belong together."""
    several = {**KEYWORDS, "items": inside, "properties": st.dictionaries(KEYS, inside, max_size=3)}
    grouped = [
        ["type", "properties", "required", "additionalProperties"],
        ["type", "enum", "minLength", "maxLength", "format"],
        ["type", "items", "minItems", "maxItems"],
        ["type", "minimum", "maximum", "description"],
        sorted(several),
    ]
    return st.sampled_from(grouped).flatmap(
        lambda keys: st.fixed_dictionaries({}, optional={key: several[key] for key in keys})
    )


@given(st.recursive(schemas(st.just({"type": "string"})), schemas, max_leaves=6))
@settings(max_examples=500)
def test_a_plain_schema_compiles(schema: dict[str, Any]) -> None:
    """No error of any kind: so it may be compiled when its tool is called, and not before."""
    if is_plain(schema):
        compile_json_schema(schema, VOCABULARY)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"n": {"type": "number", "minimum": 0}}},
        {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}, "required": ["day"]},
        {"type": "string", "format": "Python date, from 2024-01-01"},
        {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "maxItems": 3},
        {"type": "object", "properties": {"anything": {"description": "whatever"}}},
    ],
)
def test_what_most_tools_need_is_plain(schema: dict[str, Any]) -> None:
    assert is_plain(schema)


def test_what_is_wrong_with_a_tool_is_told_at_once() -> None:
    """The schema is not plain, so it is compiled when the grammar is made; the message says whose it is."""
    never = {"type": "object", "properties": {"n": {"type": "integer", "enum": ["x"]}}, "required": ["n"]}
    tools = [{"name": "good", "parameters": {"type": "object"}}, {"name": "bad", "parameters": never}]
    with pytest.raises(UnsatisfiableError) as error:
        tool_call_grammar(tools)

    assert str(error.value) == "no JSON document satisfies this schema\n    at the tool `bad`, #/properties/n"

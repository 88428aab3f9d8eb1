"""What is named as responsible is: without it the refused byte is read; and a known mistake is recognised."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.errors import ConstrainError, LimitExceeded, UnsatisfiableError
from constrain.json_schema.data import pointer_to
from constrain.matcher import CompiledGrammar
from constrain.report import check_text, explain_text
from constrain.testing.random_schemas import documents, schemas
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary()


def compiled(schema: Any, **options: Any) -> CompiledGrammar:
    try:
        return compile_json_schema(schema, VOCABULARY, **options)
    except (UnsatisfiableError, LimitExceeded):
        assume(False)
        raise


def without(schema: Any, pointers: tuple[str, ...]) -> Any:
    """The schema without some keywords; one schema among several allows everything instead."""
    changed = copy.deepcopy(schema)
    for pointer in pointers:
        node = changed
        *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
        for step in steps:
            node = node[int(step) if isinstance(node, list) else step]
        if isinstance(node, list):
            node[int(last)] = True
        elif steps and steps[-1] in {"properties", "patternProperties"}:
            node[last] = True
        else:
            del node[last]
    return changed


def reads(schema: Any, text: bytes, **options: Any) -> bool:
    """Can the text be completed?  What `check_text` reads, it has not been stopped at."""
    try:
        return check_text(compile_json_schema(schema, VOCABULARY, **options), text).offset == len(text)
    except ConstrainError:
        return False


@settings(max_examples=300, deadline=None)
@given(schemas(), documents, st.data())
def test_what_is_named_is_responsible_and_the_rest_is_exact(
    schema: Any, document: Any, data: st.DataObject
) -> None:
    """The counterfactual, made once more by the test: it takes the named keywords away and reads the text."""
    schema = json.loads(json.dumps(schema))
    grammar = compiled(schema)
    text = json.dumps(document, separators=(",", ":")).encode()
    text = text[: data.draw(st.integers(1, len(text)))] + data.draw(st.sampled_from([b"", b",", b"}", b"]"]))

    found = grammar.matcher().explain(text)

    assert found.allowed == (grammar.matcher().validate_tokens(text) == len(text))
    if found.allowed:
        return
    assert found.offset == grammar.matcher().validate_tokens(text)
    assert found.nearest is not None
    assert check_text(grammar, text[: found.offset] + found.nearest).conforms
    until = text[: found.offset + 1]
    changes = {"property_order": "any", "spelling": "any", "whitespace": "any"}
    freed = {name: changes[name] for name in found.options}
    if found.cause == "schema" and found.together:
        assert reads(without(schema, found.keywords), until, **freed)
    elif found.cause == "schema":
        for keyword in found.keywords:
            assert reads(without(schema, (keyword,)), until)
        for name in found.options:
            assert reads(schema, until, **{name: changes[name]})
    elif found.cause == "options":
        assert any(reads(schema, until, **{name: changes[name]}) for name in found.options)
    elif found.cause == "syntax":
        assert not reads(True, until, **changes) or "not been written yet" in found.expected
    else:
        assert found.note


MISTAKES: list[tuple[Any, str, str, str]] = [
    ({"type": "integer", "maximum": 120}, "150", "/maximum", "at most 120"),
    ({"type": "integer", "minimum": 10}, "3", "/minimum", "at least 10"),
    ({"type": "integer", "exclusiveMaximum": 9}, "9", "/exclusiveMaximum", "less than 9"),
    ({"type": "integer", "multipleOf": 3}, "10", "/multipleOf", "a multiple of 3"),
    ({"type": "integer"}, '"x"', "/type", "an integer"),
    ({"type": ["string", "null"]}, "3", "/type", "a string or null"),
    ({"type": "string", "maxLength": 3}, '"abcd"', "/maxLength", "at most 3 characters"),
    ({"type": "string", "minLength": 3}, '"ab"', "/minLength", "at least 3 characters"),
    ({"type": "string", "pattern": "^[a-z]+$"}, '"a1"', "/pattern", "a text that matches `^[a-z]+$`"),
    ({"type": "string", "format": "date"}, '"2024-13-01"', "/format", "a text of the format `date`"),
    ({"enum": ["red", "green"]}, '"rde"', "/enum", 'one of "red" or "green"'),
    ({"const": "on"}, '"off"', "/const", '"on"'),
    ({"type": "array", "maxItems": 1}, "[1,2]", "/maxItems", "at most 1 item"),
    ({"type": "array", "minItems": 1}, "[]", "/minItems", "at least 1 item"),
    ({"type": "array", "uniqueItems": True}, '["a","a"]', "/uniqueItems",
     "an item that differs from all before it"),
    ({"type": "array", "contains": {"const": 1}}, "[2]", "/contains", "an item that satisfies `contains`"),
    ({"prefixItems": [True], "items": False}, "[1,2]", "/items", "at most 1 items"),
    ({"required": ["a"]}, "{}", "/required", 'the key "a"'),
    ({"properties": {"a": True}, "additionalProperties": False}, '{"b":1}', "/additionalProperties",
     'no other key than "a"'),
    ({"properties": {"a": False}}, '{"a":1}', "/properties/a", "nothing here: `properties` says false"),
    ({"properties": {"a": False}, "additionalProperties": False}, '{"a":1}', "/properties/a",
     "nothing here: `properties` says false"),
    ({"prefixItems": [True, False], "items": False}, "[1,2]", "/prefixItems/1",
     "nothing here: `prefixItems` says false"),
    ({"propertyNames": {"maxLength": 2}}, '{"abc":1}', "/propertyNames/maxLength", "at most 2 characters"),
    ({"type": "object", "maxProperties": 1}, '{"a":1,"b":2}', "/maxProperties", "at most 1 property"),
    ({"dependentRequired": {"a": ["b"]}}, '{"a":1}', "/dependentRequired",
     "the keys that another key asks for"),
    ({"not": {"type": "null"}}, "null", "/not", "a value that `not` does not exclude"),
    ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, "3", "/oneOf",
     "a value that exactly one of the schemas of `oneOf` allows"),
]  # fmt: skip
"""A schema, a text that is wrong in one keyword of it, the keyword, and what is expected."""


@st.composite
def surrounded(draw: st.DrawFn, schema: Any, text: str, unions: int) -> tuple[Any, str, str, str]:
    """A schema and a text within others: (schema, text, path of the value, pointer of the schema).

    Lifting the constant of another branch of a union does as well, so there are few of these.
    """
    root: dict[str, Any] = {"$defs": {}}
    steps = draw(
        st.lists(st.sampled_from(["key", "item", "prefix", "ref", "allOf", "anyOf", "then"]), max_size=4)
    )
    steps = [
        step for number, step in enumerate(steps) if step != "anyOf" or steps[:number].count(step) < unions
    ]
    path, pointer = [], "#"
    written, outer = text, []
    for number, step in enumerate(steps):
        outer.append((step, number))
        if step == "ref":
            pointer = f"#/$defs/d{number}"
        else:
            inner: list[str | int] = {
                "key": ["properties", "k/"], "item": ["items"], "prefix": ["prefixItems", 1],
                "allOf": ["allOf", 1], "anyOf": ["anyOf", 0], "then": ["then"],
            }[step]  # fmt: skip
            pointer = pointer_to(pointer, inner)
        path += {"key": ["k/"], "item": [0], "prefix": [1]}.get(step, [])
    for step, number in reversed(outer):
        if step == "key":
            schema = {"type": "object", "properties": {"j": True, "k/": schema}}
            written = f'{{"k/":{written}}}'
        elif step == "item":
            schema, written = {"type": "array", "items": schema}, f"[{written}]"
        elif step == "prefix":
            schema, written = {"type": "array", "prefixItems": [True, schema]}, f"[0,{written}]"
        elif step == "ref":
            root["$defs"][f"d{number}"] = schema
            schema = {"$ref": f"#/$defs/d{number}"}
        elif step == "allOf":
            schema = {"allOf": [True, schema]}
        elif step == "anyOf":
            schema = {"anyOf": [schema, {"const": -77}]}
        else:
            schema = {"if": True, "then": schema}
    whole = {**schema, **root} if steps else schema
    return whole, written, pointer_to("", path), pointer


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake[2])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_known_mistake_is_recognised_wherever_it_is(mistake: Any, data: st.DataObject) -> None:
    """Behind keys, items and references, beside others: the place, the keyword, and what was expected."""
    inner, wrong, keyword, expected = mistake
    schema, text, path, pointer = data.draw(surrounded(inner, wrong, unions=0 if keyword == "/oneOf" else 2))

    found = explain_text(compile_json_schema(schema, VOCABULARY), text)

    assert not found.allowed
    assert found.path == path
    assert pointer + keyword in found.keywords
    assert expected in found.expected


def test_a_union_is_blamed_where_the_text_stands_in_it() -> None:
    """The branch for dogs was left at `kind`, and what it says of `age` does not count."""
    schema = {
        "anyOf": [
            {"properties": {"kind": {"const": "dog"}, "age": {"type": "integer", "maximum": 9}}},
            {"properties": {"kind": {"const": "cat"}, "age": {"type": "integer", "maximum": 30}}},
        ],
        "type": "object",
        "required": ["kind", "age"],
    }

    found = compile_json_schema(schema, VOCABULARY).matcher().explain('{"kind":"cat","age":31}')

    assert found.keywords == ("#/anyOf/1/properties/age/maximum",)
    assert found.path == "/age"


def test_a_branch_that_the_text_has_left_is_not_blamed() -> None:
    """Without `type` the second branch would read the text as well, but it was left at the quote."""
    schema = {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]}

    found = compile_json_schema(schema, VOCABULARY).matcher().explain('"abcdef')

    assert (found.keywords, found.expected) == (("#/anyOf/0/maxLength",), "at most 5 characters")


def test_what_lets_the_most_of_the_text_be_read_explains_it() -> None:
    """The same byte is refused three times: what follows tells a wrong order from a missing key."""
    schema = {"properties": {"a": True, "b": True}, "required": ["a"]}
    matcher = compile_json_schema(schema, VOCABULARY).matcher()

    late, missing, unknown = (matcher.explain(text) for text in ('{"b":1,"a":2}', '{"b":1}', '{"b'))

    assert (late.keywords, late.options) == ((), ("property_order",))
    assert (missing.keywords, missing.options) == (("#/required",), ())
    assert (unknown.keywords, unknown.options) == (("#/required",), ("property_order",))


def test_a_large_union_is_named_itself() -> None:
    """Where any of many branches would do, their list is no help."""
    schema = {"items": {"anyOf": [{"type": "integer", "minimum": 10 * low} for low in range(1, 9)]}}

    found = compile_json_schema(schema, VOCABULARY).matcher().explain("[true")

    assert found.keywords == ("#/items/anyOf",)


@pytest.mark.parametrize(
    ("schema", "text", "options", "keywords", "together"),
    [
        ({"properties": {"a": True, "b": True}}, '{"b":1,"a":2}', ("property_order",), (), False),
        ({"properties": {"a": True}, "required": ["a"], "additionalProperties": False}, '{"z',
         ("property_order",), ("#/additionalProperties",), True),
        ({}, '{ "a":\n1', ("whitespace",), (), False),
        ({}, '"\\u0061', ("spelling",), (), False),
        ({"enum": [1, 2], "type": "integer"}, '"x"', (), ("#/enum", "#/type"), True),
    ],
)  # fmt: skip
def test_options_are_named(
    schema: Any, text: str, options: tuple[str, ...], keywords: tuple[str, ...], together: bool
) -> None:
    """They are the compiler's, and no validator knows them: alone, or with a keyword."""
    found = compile_json_schema(schema, VOCABULARY).matcher().explain(text)

    assert (found.options, set(found.keywords), found.together) == (options, set(keywords), together)


def test_a_key_that_was_written_may_not_come_again() -> None:
    """That is JSON's own rule here, whatever the schema says of other keys."""
    found = compile_json_schema({}, VOCABULARY).matcher().explain('{"a":1,"a":2}')

    assert (found.cause, found.offset, found.expected) == ("syntax", 9, "a key that has not been written yet")


def test_a_registered_document_is_searched_too() -> None:
    """The pointer says in which document."""
    registry = {"urn:age": {"type": "integer", "maximum": 120}}
    schema = {"properties": {"age": {"$ref": "urn:age"}}}
    grammar = compile_json_schema(schema, VOCABULARY, registry=registry)

    assert grammar.matcher().explain('{"age":121').keywords == ("urn:age#/maximum",)


def test_a_search_that_is_too_long_says_so() -> None:
    """The limits of the grammar are those of an explanation, and what was not found is not made up."""
    schema = {"properties": {name: {"type": "integer", "maximum": 9} for name in "abcdefgh"}}
    grammar = compile_json_schema(schema, VOCABULARY, max_steps=200)

    found = grammar.matcher().explain('{"b":10')

    assert (found.cause, found.keywords, found.offset, found.path) == ("unknown", (), 6, "/b")
    what, _, why = found.note.partition(": ")
    assert what == "no keyword was found to be responsible"
    assert why == "finding what is responsible takes more than max_steps=200 steps"

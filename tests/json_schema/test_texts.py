"""What the texts look like: order of keys, spelling, blanks, and the errors that come before any text."""

from __future__ import annotations

import random
from typing import Any

import pytest

from constrain.continuation import END
from constrain.errors import (
    LimitExceeded,
    SchemaError,
    UnsatisfiableError,
    UnsupportedKeywordError,
    UnsupportedRegexError,
)
from constrain.json_schema.grammar import compile_schema
from constrain.json_schema.options import JsonOptions
from tests.json_schema.walk import accepts, random_text


def verdicts(schema: Any, texts: dict[str, bool], **options: Any) -> None:
    grammar = compile_schema(schema, options=JsonOptions(**options))
    found = {text: accepts(grammar.start, text.encode()) for text in texts}

    assert found == texts


def test_properties_come_in_the_author_s_order() -> None:
    """The reasoning field comes first because its author put it first."""
    schema = {
        "properties": {"reasoning": {"type": "string"}, "answer": {"type": "integer"}},
        "required": ["answer"],
        "type": "object",
    }
    verdicts(
        schema,
        {
            '{"reasoning":"","answer":1}': True,
            '{"answer":1}': True,
            '{"answer":1,"reasoning":""}': False,
            '{"answer":1,"other":[]}': True,
            '{"other":[],"answer":1}': False,
            '{"reasoning":""}': False,
        },
    )
    verdicts(schema, {'{"answer":1,"reasoning":""}': True}, property_order="any")


def test_no_key_is_written_twice() -> None:
    """A second value for a key would replace the first one after it has been judged."""
    verdicts(
        {"type": "object", "properties": {"a": {"const": 1}}},
        {'{"a":1}': True, '{"a":1,"a":1}': False, '{"b":1,"b":2}': False, '{"b":1,"bb":2}': True},
        property_order="any",
    )


def test_an_escaped_key_is_the_key_it_spells() -> None:
    """In "any" spelling `\\u0061` is `a`, and must not pass as an additional property."""
    verdicts(
        {"properties": {"a": {"const": 1}}, "additionalProperties": {"const": 2}, "type": "object"},
        {'{"\\u0061":1}': True, '{"\\u0061":2}': False, '{"\\u0062":2}': True, '{"a":1,"\\u0061":1}': False},
        spelling="any",
    )


def test_canonical_spelling_is_one_per_value() -> None:
    """What json.dumps(..., ensure_ascii=False) writes, and no `1.0` for an integer."""
    verdicts({"type": "integer"}, {"1": True, "1.0": False, "1e0": False, "-0": False})
    verdicts({"enum": [2.0]}, {"2": True, "2.0": True})
    verdicts({"enum": ["a/\n"]}, {'"a/\\n"': True, '"a\\/\\n"': False, '"\\u0061/\\n"': False})


@pytest.mark.parametrize(
    ("whitespace", "texts"),
    [
        ("compact", {'{"a":[1,2]}': True, '{"a": [1, 2]}': False}),
        ("default", {'{"a":[1,2]}': True, '{"a": [1, 2]}': True, '{\n  "a": [\n    1,\n    2\n  ]\n}': True}),
        ("default", {'{  "a":[1]}': False, '{"a":  [1]}': False, '{"a" :[1]}': False, ' {"a":[]}': False}),
        ("any", {' { "a" :\t[1 ,2]\n}  ': True}),
        (2, {'{"a":  [1 ,2]}': True, '{"a":   [1,2]}': False, '{"a":[] }': True}),
    ],
)
def test_blanks_follow_the_option(whitespace: Any, texts: dict[str, bool]) -> None:
    """Bounded by default: models that may write blanks write them until they run out of tokens."""
    verdicts({"properties": {"a": {"type": "array"}}, "type": "object"}, texts, whitespace=whitespace)


def test_unique_items_may_be_structured() -> None:
    """The earlier values are in the continuation, whatever their type, and a repetition cannot be closed."""
    verdicts(
        {"type": "array", "uniqueItems": True, "items": {"type": ["object", "array", "integer"]}},
        {
            '[{"a":1},{"a":2}]': True,
            '[{"a":1,"b":2},{"b":2,"a":1}]': False,
            "[[1],[1,2],[]]": True,
            "[[1],[1]]": False,
            "[1,2,1]": False,
        },
        property_order="any",
    )


def test_unique_items_never_run_out_of_values() -> None:
    """The first item may not take the only value that is left for the second."""
    verdicts(
        {
            "type": "array",
            "prefixItems": [{"enum": [1, 2]}, {"const": 1}],
            "uniqueItems": True,
            "minItems": 2,
            "maxItems": 2,
        },
        {"[2,1]": True, "[1,1]": False, "[1": False},
    )


def test_a_required_key_is_claimed_by_the_clause_that_needs_it() -> None:
    """Deferred clauses are settled by the keys as they come, and the object cannot close before."""
    verdicts(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "not": {"properties": {"a": {"minimum": 5}, "b": {"minimum": 5}}},
        },
        {'{"a":4}': True, '{"a":5}': False, "{}": False, '{"a":5,"b":1}': True, '{"a":5,"b":6}': False},
    )


@pytest.mark.parametrize(
    ("schema", "error", "where"),
    [
        ({"type": "strnig"}, SchemaError, "#/type"),
        ({"properties": {"a": {"minLength": -1}}}, SchemaError, "#/properties/a/minLength"),
        ({"properties": []}, SchemaError, "#/properties"),
        ({"items": {"$ref": "#/$defs/nowhere"}}, SchemaError, "#/items/$ref"),
        ({"$ref": "https://example.com/other"}, SchemaError, "#/$ref"),
        ({"anyOf": []}, SchemaError, "#/anyOf"),
        ({"$ref": "#"}, SchemaError, "#"),
        ({"$schema": "https://example.com/mine"}, UnsupportedKeywordError, "#/$schema"),
        (
            {"required": ["a"], "properties": {"a": False}, "type": "object"},
            UnsatisfiableError,
            "#/properties/a",
        ),
        ({"enum": []}, UnsatisfiableError, "#"),
    ],
)
def test_refusals_name_the_place(schema: Any, error: type[Exception], where: str) -> None:
    """Wrong, unsupported, unsatisfiable and too large are four errors, each with its JSON pointer."""
    with pytest.raises(error) as raised:
        compile_schema(schema)

    assert getattr(raised.value, "where") == where  # noqa: B009 - the base class of all four has it


def test_a_pattern_that_is_not_regular_is_refused_where_it_stands() -> None:
    """A back-reference cannot be followed by any finite automaton."""
    with pytest.raises(UnsupportedRegexError) as raised:
        compile_schema({"properties": {"a": {"pattern": r"(a|b)\1"}}})

    assert raised.value.where.startswith("#/properties/a/pattern")


def test_deep_schemas_cost_a_clear_error() -> None:
    """No RecursionError reaches the caller."""
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(3_000):
        schema = {"type": "array", "items": schema, "minItems": 1}

    with pytest.raises((LimitExceeded, SchemaError)):
        compile_schema(schema)


def test_recursive_schemas_close_on_themselves() -> None:
    """A tree of trees; a node that needs a node for ever is empty."""
    tree = {"$ref": "#/$defs/t", "$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}}
    verdicts(tree, {"[[],[[]]]": True, "[[],1]": False})

    with pytest.raises(UnsatisfiableError):
        compile_schema({"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}})


def test_unknown_keywords_are_noted() -> None:
    """Nothing is dropped in silence: the report says what is an annotation, and what another draft knows."""
    grammar = compile_schema({"dependencies": {"a": ["b"]}, "x-mine": 1, "format": "unheard-of"})

    assert [(note.pointer, note.status) for note in grammar.notes] == [
        ("#/dependencies", "ignored"),
        ("#/x-mine", "annotation"),
        ("#/format", "annotation"),
    ]


def test_a_schema_stands_inside_another_grammar() -> None:
    """`before` puts any continuation behind a value."""
    grammar = compile_schema({"const": [1]})

    assert accepts(grammar.before(END), b"[1]")


def test_walks_of_a_schema_with_everything_never_stick() -> None:
    """One schema that uses claims, cells and recorded values at once."""
    schema = {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "items": {"$ref": "#/$defs/bag"}},
        "patternProperties": {"^x-": {"type": "integer", "multipleOf": 3}},
        "required": ["kind", "items"],
        "oneOf": [{"properties": {"kind": {"const": "a"}}}, {"required": ["x-1"]}],
        "unevaluatedProperties": False,
        "$defs": {
            "bag": {
                "type": "array",
                "uniqueItems": True,
                "contains": {"required": ["a"]},
                "maxContains": 1,
                "items": {
                    "type": ["object", "boolean"],
                    "maxProperties": 1,
                    "propertyNames": {"enum": ["a", "b"]},
                    "additionalProperties": {"enum": [[1], 2]},
                },
                "maxItems": 3,
                "minItems": 2,
            }
        },
    }
    grammar = compile_schema(schema)

    texts = [random_text(grammar.start, random.Random(seed)) for seed in range(20)]
    assert any(texts)


def test_a_boolean_schema_in_a_draft_4_resource_is_a_clear_error() -> None:
    """Draft 4 has no boolean schemas; an embedded resource may say that it is one of draft 4."""
    inner = {"$schema": "http://json-schema.org/draft-04/schema", "$id": "http://example.org/inner"}
    inner |= {"id": "http://example.org/inner", "properties": {"a": True}}

    with pytest.raises(SchemaError) as caught:
        compile_schema({"$schema": "http://json-schema.org/draft-07/schema", "properties": {"b": inner}})
    assert str(caught.value) == (
        "an embedded resource does not have the form of the dialect that its own `$schema` names\n"
        "    at #\n"
        "hint: draft 4 has no boolean schemas; drop the inner `$schema`, or write `{}` for `true`"
    )

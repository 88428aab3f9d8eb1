"""References in real documents: what bases, ids and inner dialects mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from constrain.errors import SchemaError
from constrain.json_schema.grammar import SchemaGrammar, compile_schema
from constrain.json_schema.options import JsonOptions
from tests.json_schema.walk import accepts

EXACT = JsonOptions.exact()


def takes(grammar: SchemaGrammar, document: Any) -> bool:
    return accepts(grammar.start, json.dumps(document).encode())


@pytest.mark.parametrize(
    "uri", ["classpath:///schemas/entry.json#", "urn:example:entry", "http://example.org/a/entry.json#"]
)
def test_fragments_are_found_under_any_kind_of_base(uri: str) -> None:
    """Joining and splitting a URI whose scheme is unknown changes it; the fragment alone is enough."""
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "id": uri, "type": "array"}
    schema |= {"items": {"$ref": "#/definitions/a"}, "definitions": {"a": {"enum": [1]}}}
    grammar = compile_schema(schema, options=EXACT)

    assert takes(grammar, [1])
    assert not takes(grammar, [2])


def test_a_pointer_beside_an_embedded_id_may_mean_the_root_and_is_noted() -> None:
    """By the letter it leads nowhere; the report says how it was read."""
    lemon = {"id": "schema/lemon", "properties": {"a": {"$ref": "#/definitions/number"}}}
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": {"lemon": {"$ref": "#/definitions/lemon"}},
        "definitions": {"lemon": lemon, "number": {"enum": [1]}},
    }
    grammar = compile_schema(schema, options=EXACT)

    assert takes(grammar, {"lemon": {"a": 1}})
    assert not takes(grammar, {"lemon": {"a": 2}})
    assert [(note.pointer, note.status, note.detail) for note in grammar.notes if note.keyword == "$ref"] == [
        (
            "#/definitions/lemon/properties/a/$ref",
            "older form",
            "`#/definitions/number` is not in the embedded resource; it is read from the root",
        )
    ]


def test_a_pointer_that_is_nowhere_is_an_error() -> None:
    """The root is no way out for what it does not hold either."""
    schema = {"$defs": {"a": {"$id": "http://example.org/a", "$ref": "#/$defs/none"}}, "$ref": "#/$defs/a"}
    with pytest.raises(SchemaError) as caught:
        compile_schema(schema)

    assert str(caught.value) == "`#/$defs/none` leads nowhere\n    at #/$defs/a/$ref"


def test_an_inner_dialect_without_an_id_means_nothing() -> None:
    """2020-12 core, 8.1.1: `$schema` belongs to a resource; generators write it into every subschema."""
    inner = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": {"b": True, "c": {"const": 1}},
    }
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": inner}}
    grammar = compile_schema(schema, options=EXACT)

    assert takes(grammar, {"a": {"b": [], "c": 1}})
    assert not takes(grammar, {"a": {"c": 2}})


def test_a_property_called_schema_is_a_property() -> None:
    """Only the keyword is meant."""
    schema = {"properties": {"$schema": {"const": "x"}}, "const": {"$schema": "x"}}
    grammar = compile_schema(schema, options=EXACT)

    assert takes(grammar, {"$schema": "x"})
    assert not takes(grammar, {"$schema": "y"})

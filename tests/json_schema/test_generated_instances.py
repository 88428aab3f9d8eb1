"""Instances that an independent generator makes from a schema: they lie on its bounds, and all are accepted.

hypothesis-jsonschema reads drafts 4 to 7, and its instances lie where random documents seldom do.  Each is
judged by two validators as well, and so is each after a small change.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import jsonschema
import jsonschema_rs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning, InvalidArgument
from hypothesis_jsonschema import from_schema

from constrain.errors import LimitExceeded, UnsatisfiableError
from constrain.json_schema.grammar import SchemaGrammar, compile_schema
from constrain.json_schema.options import JsonOptions
from constrain.testing.random_schemas import documents, schemas
from tests.json_schema.walk import accepts

LATER = {
    "dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems", "prefixItems",
    "minContains", "maxContains",
}  # fmt: skip
KINDS = ["object", "array", "string", "integer", "number"]


def as_draft_7(schema: Any) -> Any:
    """The schema without the keywords that came after draft 7."""
    if isinstance(schema, dict):
        return {key: as_draft_7(value) for key, value in schema.items() if key not in LATER}
    return [as_draft_7(item) for item in schema] if isinstance(schema, list) else schema


def instances(schema: Any) -> st.SearchStrategy[Any]:
    """Instances that hypothesis-jsonschema finds valid."""
    try:
        return from_schema(schema)
    except InvalidArgument:
        assume(False)
        raise


def changed(value: Any, other: Any) -> list[Any]:
    """Some values one step away from `value`."""
    if isinstance(value, dict):
        without = [{k: v for k, v in value.items() if k != key} for key in value]
        return [*without, *({**value, key: other} for key in [*value, "a", "zz"])]
    if isinstance(value, list):
        return [value[1:], [*value, other], value * 2, value[::-1]]
    if isinstance(value, str):
        return [value[1:], value + "a", value * 2, other]
    if isinstance(value, bool) or value is None:
        return [other, [value]]
    return [value + 1, -value, value * 2, other]


def judged(schema: dict[str, Any], text: str) -> bool:
    """The verdict of two validators; where they differ (on huge floats) there is none."""
    value = json.loads(text)
    one = jsonschema.Draft7Validator(schema).is_valid(value)
    assume(one == jsonschema_rs.Draft7Validator(schema).is_valid(value))
    return bool(one)


def compiled(schema: dict[str, Any]) -> SchemaGrammar | None:
    try:
        return compile_schema(schema, options=JsonOptions.exact())
    except UnsatisfiableError:
        return None
    except LimitExceeded:
        assume(False)
        raise


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(schemas(), st.sampled_from(KINDS), documents, st.data())
def test_accepts_generated_instances_and_judges_their_neighbours(
    schema: Any, kind: str, other: Any, data: st.DataObject
) -> None:
    """Valid exactly when both validators say so, on both sides of the bounds."""
    schema = as_draft_7(schema)
    assume(isinstance(schema, dict))
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "type": kind, **schema}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisWarning)
        value = data.draw(instances(schema))
    grammar = compiled(schema)
    for candidate in [value, *changed(value, other)]:
        text = json.dumps(candidate, ensure_ascii=False)
        expected = judged(schema, text)
        assert (grammar is not None and accepts(grammar.start, text.encode())) == expected, text

"""Rules that speak of the values and of the presence of keys: what they accept, and what they cost."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema_rs
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.errors import LimitExceeded, UnsatisfiableError
from constrain.json_schema.grammar import SchemaGrammar, compile_schema
from constrain.json_schema.options import JsonOptions
from tests.json_schema.test_schemas import written
from tests.json_schema.walk import accepts, random_text

KEYS = ["t", "u", "a", "b"]
VALUES: list[Any] = ["x", "y", "z", 1, None, True, {}, {"t": "x"}]
HOLDS = st.sampled_from(
    [
        *({"const": value} for value in ("x", "y", 1, None, True)),
        *({"enum": values} for values in (["x", "y"], ["y", "z"], ["x", 1, None], [True, "z"])),
        {"type": "string"}, {"pattern": "[xy]"}, {"required": ["t"]}, {"minimum": 1}, {}, False,
    ]
)  # fmt: skip
NAMES = st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True)
CONDITION = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from(KEYS), HOLDS, min_size=1, max_size=2)},
    optional={"required": NAMES},
)
COUNTED = [{"minProperties": 2}, {"maxProperties": 2}, {"additionalProperties": False}]
CONSEQUENCE = st.one_of(
    CONDITION,
    CONDITION,
    st.tuples(CONDITION, st.sampled_from(COUNTED)).map(lambda two: {**two[0], **two[1]}),
    NAMES.map(lambda names: {"required": names}),
    NAMES.map(lambda names: {"not": {"required": names}}),
)


def _rules(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The ways to write a condition."""
    return st.one_of(
        st.fixed_dictionaries({"if": CONDITION, "then": inner}, optional={"else": inner}),
        st.tuples(CONDITION, inner).map(lambda two: {"anyOf": [{"not": two[0]}, two[1]]}),
        st.tuples(CONDITION, inner).map(lambda two: {"not": {"allOf": [two[0], {"not": two[1]}]}}),
        st.dictionaries(st.sampled_from(KEYS), inner, min_size=1, max_size=2).map(
            lambda rules: {"dependentSchemas": rules}
        ),
        st.tuples(st.sampled_from(["oneOf", "anyOf"]), st.lists(inner, min_size=2, max_size=3)).map(
            lambda two: {two[0]: two[1]}
        ),
    )


RULES = _rules(st.one_of(CONSEQUENCE, CONSEQUENCE, _rules(CONSEQUENCE)))
SYSTEMS = st.fixed_dictionaries(
    {"allOf": st.lists(RULES, min_size=1, max_size=4)},
    optional={
        "properties": st.dictionaries(st.sampled_from(KEYS), HOLDS, max_size=3),
        "required": NAMES,
        "unevaluatedProperties": st.just(False),
    },
)
DOCUMENTS = st.dictionaries(st.sampled_from([*KEYS, "c"]), st.sampled_from(VALUES), max_size=4)


def compiled(schema: Any, options: JsonOptions) -> SchemaGrammar | None:
    try:
        return compile_schema(schema, options=options)
    except UnsatisfiableError:
        return None
    except LimitExceeded:
        assume(False)
        raise


@settings(max_examples=200)
@given(SYSTEMS, st.lists(DOCUMENTS, min_size=1, max_size=20))
def test_rules_accept_exactly_what_a_validator_accepts(schema: Any, some: list[Any]) -> None:
    grammar = compiled(schema, JsonOptions.exact(whitespace="compact", spelling="canonical"))
    validator = jsonschema_rs.Draft202012Validator(schema)

    for document in some:
        verdict = grammar is not None and accepts(grammar.start, written(document))
        assert verdict == validator.is_valid(document), document


@settings(max_examples=100)
@given(SYSTEMS, st.sampled_from(["schema", "any"]), st.integers(0, 2**32))
def test_whatever_rules_write_is_valid(schema: Any, property_order: Any, seed: int) -> None:
    """No walk ends in the midst of a document, in either order of keys."""
    grammar = compiled({"type": "object", **schema}, JsonOptions(property_order=property_order))
    assume(grammar is not None)
    assert grammar is not None
    validator = jsonschema_rs.Draft202012Validator(schema)
    rng = random.Random(seed)

    for _ in range(3):
        text = random_text(grammar.start, rng, longest=80)
        if text is not None:
            assert validator.is_valid(json.loads(text)), text

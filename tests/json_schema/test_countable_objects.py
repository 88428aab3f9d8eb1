"""Objects of which every text can be written down: masks by enumeration, at every step.

Their keys are five at most and their values two, so all valid documents are known without any of the
package, in every order in which their keys may come.  What a mask must allow follows by definition: the
tokens that keep the text a beginning of one of these.  So a key that is offered although too few are left
after it is found, and so is one that is not offered although enough are.
"""

from __future__ import annotations

import itertools
import json
import random
from typing import Any
from unittest.mock import patch

import jsonschema_rs
from hypothesis import event, given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.errors import UnsatisfiableError
from tests.oracle import ids, tokens_that_keep, toy_vocabulary, viable_prefixes

KEYS = ("a", "x", "b", "y", "yy")
VALUES = (1, 2)
VOCABULARY = toy_vocabulary(
    f"{before}{piece}".encode()
    for before in ("", "{", ",", "1,", '":1,', '1,"a":1,', 'x":1,"')
    for piece in ('"', '"a', '"b":', '"x":1', '"a":1,"', 'y"', 'y":2', '":', '":1', '":2}', "1}", 'a"', '"y')
)

PATTERNS = ("^[xy]$", "^[ax]$", "^(b|x|yy)$", "^x?y$", "^y")
SUBSCHEMAS = st.sampled_from([True, {"const": 1}, {"const": 2}, {"enum": [1, 2]}, {"enum": [1, 3]}, False])
NAMED = st.dictionaries(st.sampled_from(KEYS), SUBSCHEMAS, max_size=4)
PATTERNED = st.dictionaries(st.sampled_from(PATTERNS), SUBSCHEMAS, max_size=3)
NAMES = st.lists(st.sampled_from(KEYS), max_size=2, unique=True)
DEBTS: list[dict[str, Any]] = [
    {"required": ["a"]},
    {"required": ["x", "y"]},
    {"additionalProperties": {"const": 1}},
    {"properties": {"a": {"const": 1}, "x": {"const": 1}}},
    {"patternProperties": {"^[xy]$": {"const": 1}}},
    {"patternProperties": {"^x?y$": {"const": 2}, "^[ax]$": {"const": 1}}},
    {"propertyNames": {"pattern": "^[xy]$"}},
    {"propertyNames": {"maxLength": 1}},
    {"maxProperties": 1},
]
SCHEMAS = st.fixed_dictionaries(
    {
        "type": st.just("object"),
        "propertyNames": st.sampled_from(
            [
                {"pattern": "^([abxy]|yy)$"},
                {"pattern": "^([abxy]|yy)$"},
                {"pattern": "^[axy]$"},
                {"pattern": "^(b|x|y|yy)$", "maxLength": 1},
                {"enum": list(KEYS)},
            ]
        ),
    },
    optional={
        "properties": NAMED,
        "patternProperties": PATTERNED,
        "required": NAMES,
        "dependentRequired": st.dictionaries(st.sampled_from(KEYS), NAMES, max_size=2),
        "minProperties": st.integers(1, 5),
        "maxProperties": st.integers(1, 5),
        "additionalProperties": st.sampled_from([False, False, False, {"const": 1}, True]),
        "allOf": st.lists(
            st.one_of(
                st.sampled_from(DEBTS).map(lambda debt: {"not": debt}),
                st.builds(
                    lambda one, other: {"anyOf": [one, other]}, st.sampled_from(DEBTS), st.sampled_from(DEBTS)
                ),
            ),
            min_size=1,
            max_size=2,
        ),
    },
)


def every_value() -> list[dict[str, int]]:
    """Every object over KEYS and VALUES."""
    choices = itertools.product((None, *VALUES), repeat=len(KEYS))
    return [
        {key: value for key, value in zip(KEYS, chosen, strict=True) if value is not None}
        for chosen in choices
    ]


def texts_of(schema: dict[str, Any], order: str) -> set[bytes]:
    """Every text of the schema whose values are in VALUES, without whitespace."""
    declared = list(dict.fromkeys((*schema.get("properties", {}), *schema.get("required", ()))))
    is_valid = jsonschema_rs.validator_for(schema).is_valid
    texts = set()
    for value in filter(is_valid, every_value()):
        first = [key for key in declared if key in value] if order == "schema" else []
        for rest in itertools.permutations([key for key in value if key not in first]):
            written = {key: value[key] for key in (*first, *rest)}
            texts.add(json.dumps(written, separators=(",", ":")).encode())
    return texts


@given(SCHEMAS, st.sampled_from(["schema", "any"]), st.sampled_from([0, 16]), st.integers(0, 2**32))
@settings(max_examples=300)
def test_masks_allow_exactly_what_some_document_goes_on_with(
    schema: dict[str, Any], order: str, small: int, seed: int
) -> None:
    """Closed or limited in its keys, with counts, requirements, debts and patterns, in both orders."""
    with patch("constrain.json_schema.objects.SMALL_CELL", small):
        check(schema, order, seed)


def check(schema: dict[str, Any], order: str, seed: int) -> None:
    """What keys are required may depend on others; in the order of the schema they are all declared then."""
    if order == "schema" and ("allOf" in schema or "dependentRequired" in schema):
        schema = {**schema, "properties": {**dict.fromkeys(KEYS, True), **schema.get("properties", {})}}
    texts = texts_of(schema, order)
    bounded = {
        **schema,
        "allOf": [*schema.get("allOf", ()), {"additionalProperties": {"enum": list(VALUES)}}],
    }
    options: dict[str, Any] = {"whitespace": "compact", "property_order": order}
    try:
        compiled = compile_json_schema(bounded, VOCABULARY, **options)
    except UnsatisfiableError:
        assert not texts
        return
    event(f"{len(texts)} documents" if len(texts) < 3 else "many documents")
    viable = viable_prefixes(texts)
    rng = random.Random(seed)
    for _ in range(3):
        matcher = compiled.matcher()
        while not matcher.is_terminated():
            allowed = ids(matcher.allowed_token_ids())

            assert allowed == tokens_that_keep(matcher.text, VOCABULARY, texts, viable), matcher.text
            assert matcher.accept_token(rng.choice(allowed))

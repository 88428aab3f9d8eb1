"""Compiled schemas against an independent validator: what they accept and write; they never stick."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

import jsonschema
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.errors import LimitExceeded, UnsatisfiableError
from constrain.json_schema.grammar import SchemaGrammar, compile_schema
from constrain.json_schema.options import JsonOptions
from constrain.testing.random_schemas import documents, schemas
from tests.json_schema.walk import accepts, random_text

EXACT = JsonOptions.exact(whitespace="compact")


def compiled(schema: Any, options: JsonOptions) -> SchemaGrammar | None:
    try:
        return compile_schema(schema, options=options)
    except UnsatisfiableError:
        return None
    except LimitExceeded:
        assume(False)
        raise


def exactly(text: str) -> int | Decimal:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else number


def is_valid(schema: Any, text: bytes) -> bool:
    """The referee's verdict; it reads numbers exactly, because it computes `multipleOf` in them."""
    schema = json.loads(json.dumps(schema), parse_float=exactly)
    return bool(jsonschema.Draft202012Validator(schema).is_valid(json.loads(text, parse_float=exactly)))


def written(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


@settings(max_examples=300)
@given(schemas(), st.lists(documents, min_size=1, max_size=8))
def test_accepts_exactly_what_a_validator_accepts(schema: Any, some: list[Any]) -> None:
    """The promise of minimal invasion: any spelling, any order, and the verdict of the standard."""
    grammar = compiled(schema, EXACT)

    for document in some:
        verdict = grammar is not None and accepts(grammar.start, written(document))
        assert verdict == is_valid(schema, written(document)), document


@settings(max_examples=300)
@given(schemas(), st.integers(0, 2**32))
def test_whatever_is_written_is_valid(schema: Any, seed: int) -> None:
    """Soundness and liveness at once: a random walk ends in a valid document, or is cut off."""
    grammar = compiled(schema, JsonOptions())
    assume(grammar is not None)
    assert grammar is not None
    rng = random.Random(seed)

    for _ in range(3):
        text = random_text(grammar.start, rng)
        if text is not None:
            assert is_valid(schema, text), text


@given(
    st.sampled_from([("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")]),
    st.integers(-3, 3),
    st.booleans(),
    st.sampled_from(["integer", "number", None]),
    st.booleans(),
)
def test_a_boolean_beside_a_bound_excludes_it_where_no_later_draft_is_named(
    names: tuple[str, str], bound: int, excluded: bool, kind: str | None, is_named: bool
) -> None:
    """Draft 4's form, in a document of draft 4 or of no draft, says what the number says since draft 6."""
    rest: dict[str, Any] = {} if kind is None else {"type": kind}
    draft = {"$schema": "http://json-schema.org/draft-04/schema#"} if is_named else {}
    older = compile_schema({**draft, **rest, names[0]: bound, names[1]: excluded})
    later = compile_schema({**rest, names[1] if excluded else names[0]: bound})

    for text in [str(number).encode() for number in range(-4, 5)]:
        assert accepts(older.start, text) == accepts(later.start, text), text

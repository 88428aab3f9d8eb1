"""With `verbatim`, no string, number or free key can be written that the document does not hold."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.errors import UnsatisfiableError
from constrain.json_schema.grammar import compile_schema
from constrain.json_schema.occurring import numbers_in, spell_number
from constrain.json_schema.options import JsonOptions
from tests.json_schema.walk import accepts
from tests.oracle import by_trying, ids, toy_vocabulary
from tests.walks import CHOOSERS, walk

TOY = toy_vocabulary([b"ab", b"ba", b'"a', b'a"', b'":', b'",', b"\\n", b"12", b".5", b"-1", b"1,", b"}}"])
DOCUMENTS = st.text(alphabet='abk\n"\\é1250.,- ', max_size=24)

SCHEMAS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "minLength": 1, "maxLength": 3},
    {"type": "string", "pattern": "^[ab]+$"},
    {"type": "string", "not": {"pattern": "a"}},
    {"type": "number"},
    {"type": "integer", "minimum": 2},
    {"type": "number", "multipleOf": 0.5, "not": {"const": 5}},
    {"enum": ["kind", 77, "a", None]},
    {"anyOf": [{"const": "unknown"}, {"type": "string", "minLength": 2}]},
    {"type": "array", "items": {"type": ["string", "integer"]}, "uniqueItems": True, "maxItems": 3},
    {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 2},
    {
        "type": "object",
        "properties": {"k": {"type": "string"}, "zzz": {"type": "number"}},
        "required": ["zzz"],
    },
    {"type": "object", "patternProperties": {"^a": {"type": "null"}}, "additionalProperties": False},
    {"type": "object", "propertyNames": {"maxLength": 2}, "minProperties": 1, "maxProperties": 2},
    {},
]
NAMED_TEXTS = {"kind", "a", "unknown", "k", "zzz"}
NAMED_NUMBERS = {77, 5}


@pytest.mark.parametrize(
    ("document", "numbers"),
    [
        ("9" * 1_000, [10**1_000 - 1]),
        ("9" * 1_001, []),
        ("1." + "9" * 1_000, [1, 10**1_000 - 1]),
        ("9" * 5_000 + ".5 7", [5, 7]),
        ("1 " * 3 + "000 " * 50 + "2", [0, 1, *(10 ** (3 * n) for n in range(1, 13)), 2]),
    ],
)
def test_a_long_row_of_digits_is_no_number(document: str, numbers: list[int]) -> None:
    """Nor a table of figures; both would take time without end."""
    assert numbers_in(document) == set(map(Fraction, numbers))


def occurs(value: Any, document: str) -> bool:
    """By definition: a search for each text, and the document's numbers."""
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, str):
        return value in document or value in NAMED_TEXTS
    if isinstance(value, Fraction):
        return value in numbers_in(document) or value in NAMED_NUMBERS
    if isinstance(value, dict):
        return all(occurs(part, document) for pair in value.items() for part in pair)
    return all(occurs(item, document) for item in value)


def exact(text: str) -> Any:
    return json.loads(text, parse_int=Fraction, parse_float=Fraction)


@given(
    DOCUMENTS,
    st.sampled_from(SCHEMAS),
    st.sampled_from(sorted(CHOOSERS)),
    st.sampled_from(["canonical", "any"]),
    st.integers(0, 1_000),
)
def test_whatever_is_written_is_valid_and_occurs(
    document: str, schema: dict[str, Any], chooser: str, spelling: str, seed: int
) -> None:
    """The walks go where no model would."""
    try:
        compiled = compile_json_schema(
            schema, TOY, verbatim=document, spelling=spelling, whitespace="compact"
        )
    except UnsatisfiableError:
        assume(False)

    written, _ = walk(compiled, random.Random(seed), CHOOSERS[chooser], max_tokens=40)

    jsonschema.validate(json.loads(written), schema)
    assert occurs(exact(written.decode()), document)


@given(
    DOCUMENTS,
    st.sampled_from(SCHEMAS),
    st.recursive(
        st.one_of(
            st.text(alphabet='abk\n"é1', max_size=3),
            st.integers(-20, 200),
            st.sampled_from([0.5, 12.5, -1.25]),
            st.sampled_from(["kind", "unknown", None, True]),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(["k", "zzz", "a", "ab", "1", "é"]), inner, max_size=2),
        ),
        max_leaves=4,
    ),
)
def test_exactly_the_valid_values_that_occur_are_taken(
    document: str, schema: dict[str, Any], value: Any
) -> None:
    """So what a document holds is never refused either."""
    options = JsonOptions(whitespace="any", property_order="any", verbatim=document)
    text = json.dumps(value, ensure_ascii=False)
    named = set(json.dumps(schema).replace('"', " ").replace(",", " ").split())
    valid = jsonschema.Draft202012Validator(schema).is_valid(value)
    expected = valid and _occurs_here(exact(text), document, named)
    try:
        start = compile_schema(schema, options=options).start
    except UnsatisfiableError:
        assert not expected
        return

    assert accepts(start, text.encode()) == expected


def _occurs_here(value: Any, document: str, named: set[str]) -> bool:
    if isinstance(value, str):
        return value in document or value in named & {"kind", "a", "unknown", "k", "zzz"}
    if isinstance(value, Fraction):
        return value in numbers_in(document) or str(value) in named & {"77"}
    if isinstance(value, dict):
        return all(_occurs_here(part, document, named) for pair in value.items() for part in pair)
    return not isinstance(value, list) or all(_occurs_here(item, document, named) for item in value)


@given(DOCUMENTS, st.sampled_from(SCHEMAS), st.integers(0, 1_000))
def test_masks_equal_trying_every_token(document: str, schema: dict[str, Any], seed: int) -> None:
    """The automaton of the document is walked like any other."""
    try:
        compiled = compile_json_schema(schema, TOY, verbatim=document)
    except UnsatisfiableError:
        assume(False)
    rng, matcher = random.Random(seed), compiled.matcher()
    for _ in range(6):
        allowed = ids(matcher.allowed_token_ids())

        assert allowed == by_trying(compiled, matcher.position)
        matcher.accept_token(rng.choice(allowed))
        if matcher.is_terminated():
            break


@pytest.mark.parametrize(
    ("document", "numbers"),
    [
        ("nel 1931", "1931"),
        ("1.234,50 EUR", "1 50 234 1234 234.5 1.234 1234.5"),
        ("$1,234.50", "1 50 234 1234 234.5 1.234 1234.5"),
        ("1.234.567", "1 234 567 1234 1234567 1.234 234567 234.567"),
        ("12/03/2024", "3 12 2024"),
        ("10 000 o 20", "0 10 20 10000"),
        ("-2 °C, IT-60, 3-4", "-2 2 3 4 60"),
        ("\u22127,5", "-7.5 -7 5 7 7.5"),
        ("v12.5.1", "1 5 12 5.1 12.5"),
        ("007", "7"),
        ("nessuno", ""),
    ],
)
def test_reads_the_numbers_of_a_document(document: str, numbers: str) -> None:
    """In both conventions, and never a part of a run of digits."""
    assert numbers_in(document) == {Fraction(number) for number in numbers.split()}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6), st.integers(-30, 30))
def test_spells_a_number_as_json_does(decimal: Any, shift: int) -> None:
    """Where a float holds it exactly as written, json.dumps agrees; always, the value is right."""
    number = Fraction(decimal) * Fraction(10) ** shift
    spelled = spell_number(number)

    assert Fraction(spelled.decode()) == number
    if len(spelled.strip(b"-0.")) < 15 and number.denominator > 1:
        assert json.dumps(float(number)).encode() == spelled


def test_a_document_with_no_number_has_no_number_to_give() -> None:
    """Said before the first token, with the place in the schema."""
    schema = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
    with pytest.raises(UnsatisfiableError) as caught:
        compile_json_schema(schema, TOY, verbatim="nothing")

    assert str(caught.value) == "no JSON document satisfies this schema\n    at #/properties/total"

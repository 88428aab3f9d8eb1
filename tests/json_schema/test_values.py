"""Numbers of every size, as data and as text, are answered exactly or refused by name."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.errors import LimitExceeded, SchemaError, UnsatisfiableError
from constrain.json_schema.grammar import compile_schema
from constrain.json_schema.values import MAX_DIGITS, fraction_of, parse_json, shown_number, value_of
from tests.json_schema.walk import accepts, can_end, next_bytes, start_threads, step

EXPONENTS = st.one_of(
    st.integers(-30, 30),
    st.sampled_from([-400, -325, -324, -308, 28, 29, 40, 308, 309, 400]),
    st.sampled_from([sign * size for sign in (1, -1) for size in (MAX_DIGITS - 1, MAX_DIGITS, 5_000, 10**9)]),
    st.integers(-(10**20), 10**20),
)


@st.composite
def number_texts(draw: st.DrawFn) -> str:
    """A number as RFC 8259 writes it, of any size."""
    digits = draw(st.one_of(st.integers(0, 10**6).map(str), st.integers(0, 10**40).map(str)))
    if draw(st.integers(0, 9)) == 0:
        digits = draw(st.sampled_from("179")) + digits.rjust(
            draw(st.sampled_from([999, 1_000, 4_300, 5_000])), "0"
        )
    fraction = draw(st.one_of(st.just(""), st.integers(0, 10**6).map(lambda k: f".{k}")))
    exponent = draw(st.one_of(st.just(""), EXPONENTS.map(lambda k: f"e{k}")))
    return draw(st.sampled_from(["", "-"])) + digits + fraction + exponent


KEYWORDS = ["const", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]


def first_text(schema: Any) -> bytes:
    """A text of the schema, its lowest byte first, as far as some bytes and steps tell."""
    threads = start_threads(compile_schema(schema).start)
    text = bytearray()
    with budget(20_000, "walking"):
        while not can_end(threads) and len(text) < 400:
            byte = next_bytes(threads)[0]
            threads = step(threads, byte)
            text.append(byte)
    return bytes(text)


@given(number_texts(), st.sampled_from(KEYWORDS), st.booleans())
@settings(max_examples=400, deadline=None)
def test_a_number_of_any_size_is_answered_or_refused_by_name(text: str, keyword: str, as_text: bool) -> None:
    """28 digits, 308, 4,300 and eighteen of an exponent are where kinds of Python end."""
    written = f"[{text}]" if keyword == "enum" else text
    schema: Any = f'{{"type": "number", "{keyword}": {written}}}'
    try:
        if not as_text:
            schema = parse_json(schema)
        found = first_text(schema)
    except (LimitExceeded, UnsatisfiableError, SchemaError) as raised:
        problem = raised
    else:
        if keyword in {"const", "enum"} and len(found) < 400:
            assert fraction_of(parse_json(found.decode())) == fraction_of(parse_json(text))
        return

    if isinstance(problem, LimitExceeded):
        assert "MAX_DIGITS" in problem.what or "max_steps" in problem.what
    elif isinstance(problem, UnsatisfiableError):
        assert abs(fraction_of(parse_json(text))) < Fraction("1e-324"), "no double, and not 0"
    else:
        assert problem.what.startswith("`multipleOf` must be greater than 0, not ")


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300))
@settings(deadline=None)
def test_a_constant_is_written_as_json_writes_it(number: float) -> None:
    """Whatever its exponent; minus zero is the number zero."""
    expected = json.dumps(number).encode()

    for schema in ({"const": number}, {"enum": [number]}, json.dumps({"const": number})):
        assert accepts(compile_schema(schema).start, expected), schema


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ({"const": 10**5_000}, "#/const"),
        ({"items": {"enum": ["a", {"b": [-(10**5_000)]}]}}, "#/items/enum"),
        ({"properties": {"a": {"maximum": 10**5_000}}}, "#/properties/a/maximum"),
        ({"minLength": 10**5_000}, "#/minLength"),
        ({"multipleOf": Decimal("1e-5000")}, "#/multipleOf"),
        ('{"const": 1e1000000000}', "#/const"),
        ('{"minItems": 1e1000000000}', "#/minItems"),
        ('{"const": 1' + "0" * 5_000 + "}", "#/const"),
        ('{"minimum": 0.' + "1" * 5_000 + "}", "#/minimum"),
    ],
)
def test_a_number_of_too_many_digits_is_too_large_and_has_a_place(schema: Any, where: str) -> None:
    """At once: a text of twelve characters can stand for a number that fills all memory."""
    with pytest.raises(LimitExceeded) as caught:
        compile_schema(schema)

    assert caught.value.where == where
    assert caught.value.what.endswith(f"takes more than MAX_DIGITS={MAX_DIGITS} digits")


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("keyword", ["const", "minimum", "multipleOf", "maxLength"])
def test_what_is_no_number_of_json_is_refused_as_wrong(number: str, keyword: str) -> None:
    """In both of Python's kinds that have such things, and in the text that `json` reads."""
    kinds: list[Any] = [{keyword: Decimal(number)}]
    if number != "sNaN":
        kinds += [{keyword: float(number)}, f'{{"{keyword}": {number}}}']
    for schema in kinds:
        with pytest.raises(SchemaError) as caught:
            compile_schema(schema)

        assert caught.value.where == f"#/{keyword}"
        assert caught.value.what.endswith("is not a JSON number")


@pytest.mark.parametrize("number", [np.float64(1e40), np.float64(0.1)])
def test_a_float_of_numpy_is_a_float(number: Any) -> None:
    """It is one by its class, and writes itself in another way."""
    assert accepts(compile_schema({"const": number}).start, json.dumps(float(number)).encode())


def test_a_long_number_is_shown_by_its_beginning() -> None:
    """Python refuses to write 5,000 digits; a message needs no more than some of them."""
    assert shown_number(12345 * 10**5_000) == "12345" + "0" * 35 + "..."
    assert shown_number(-(10**4_999) + 1) == "-" + "9" * 40 + "..."
    assert shown_number(Decimal("1.5")) == "1.5"


def test_zero_has_every_exponent() -> None:
    """It is small however it is written."""
    assert fraction_of(Decimal("0e1000000000")) == 0
    assert value_of(parse_json("-0.0e-1000000000")) == value_of(0)

"""What users draw: instances that a model may write, and texts that it cannot."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from pydantic import BaseModel, Field, TypeAdapter, field_validator

from constrain.errors import ConstrainError, UnsatisfiableError
from constrain.report import check_text
from constrain.testing import near_misses, outputs, schemas, subject_of, walkers
from constrain.testing.strategies import BYTES


class Line(BaseModel):
    article: str = Field(pattern="^[A-Z]{2}-[0-9]{3}$")
    pieces: int = Field(ge=1, le=99)


class Order(BaseModel):
    when: dt.date
    price: Decimal = Field(ge=0, decimal_places=2)
    kind: Literal["post", "shop"] = "post"
    lines: list[Line] = Field(max_length=3)
    note: str | None = None


class Even(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def is_even(cls, number: int) -> int:
        if number % 2:
            raise ValueError("odd")
        return number


@given(outputs(Order))
def test_instances_are_of_the_type(order: Order) -> None:
    assert Order.model_validate(order.model_dump()) == order


@given(outputs(Even))
def test_what_a_validator_refuses_is_drawn_again(even: Even) -> None:
    assert even.number % 2 == 0


@given(st.data(), schemas())
@settings(max_examples=60)
def test_values_conform_to_any_schema(data: st.DataObject, schema: Any) -> None:
    try:
        drawn = outputs(schema)
    except ConstrainError:
        return
    value = data.draw(drawn)

    assert jsonschema.Draft202012Validator(schema).is_valid(value)


@given(outputs(Order, as_text=True))
def test_texts_are_those_that_the_grammar_takes(text: str) -> None:
    assert check_text(subject_of(Order, BYTES).compiled, text).conforms


@given(outputs(re.compile("[a-c]{2,4}x?")))
def test_texts_of_a_pattern_match_it(text: str) -> None:
    assert re.fullmatch("[a-c]{2,4}x?", text)


@given(near_misses(Order))
def test_near_misses_are_refused_by_the_type_and_by_the_grammar(text: str) -> None:
    assert not check_text(subject_of(Order, BYTES).compiled, text).conforms
    with pytest.raises(ValueError):  # noqa: PT011 - Pydantic's
        TypeAdapter(Order).validate_json(text)


@given(st.data(), schemas())
@settings(max_examples=40)
def test_near_misses_of_any_schema_are_refused(data: st.DataObject, schema: Any) -> None:
    try:
        compiled = subject_of(schema, BYTES).compiled
    except ConstrainError:
        return
    try:
        text = data.draw(near_misses(schema))
    except NoSuchExample:
        return

    assert not check_text(compiled, text).conforms


@pytest.mark.parametrize(
    ("target", "wanted", "simplest"),
    [
        (list[int], lambda value: len(value) > 1, [0, 0]),
        ({"type": "string"}, lambda value: len(value) > 2, "aaa"),
        ({"type": "object"}, lambda value: len(value) == 1, {"": 0}),
        (list[dict[str, bool]], bool, [{}]),
    ],
)
def test_what_is_found_is_simple(target: Any, wanted: Any, simplest: Any) -> None:
    from hypothesis import find

    assert find(outputs(target), wanted, settings=settings(database=None, max_examples=500)) == simplest


def test_both_sides_of_a_choice_are_drawn() -> None:
    """Optional keys, both members of an enum, an empty list and a long one: nothing is missed."""
    seen: list[Order] = []

    @given(outputs(Order))
    @settings(max_examples=300, database=None)
    def draw(order: Order) -> None:
        seen.append(order)

    draw()

    assert {order.kind for order in seen} == {"post", "shop"}
    assert {order.note is None for order in seen} == {True, False}
    assert {0, 1, 2} <= {len(order.lines) for order in seen}
    assert len({order.price for order in seen}) > 20


def test_nothing_to_draw_is_told_at_once() -> None:
    with pytest.raises(UnsatisfiableError):
        outputs({"type": "integer", "minimum": 2, "maximum": 1})


@given(walkers())
def test_walkers_have_names(walker: Any) -> None:
    assert walker.name


@given(outputs({"type": "object"}, as_text=True))
def test_texts_of_a_schema_parse(text: str) -> None:
    assert isinstance(json.loads(text), dict)

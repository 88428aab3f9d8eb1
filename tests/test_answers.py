"""Answers are read exactly, or refused by name where Python has no such number."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from constrain.answers import read_json
from constrain.engine.generate import schema_of
from constrain.errors import LimitExceeded


class Measure(BaseModel):
    count: int
    values: dict[str, list[float]]


@given(
    st.integers(0, 10**20) | st.integers(10**300, 10**320),
    st.sampled_from(["", ".0", ".5"]),
    st.sampled_from(["", "e+100", "e-100", "e308", "e+309", "E400"]),
)
def test_a_float_is_finite_or_refused_by_name(digits: int, fraction: str, exponent: str) -> None:
    """Pydantic reads infinity, which no JSON text can hold again."""
    text = f"{digits}{fraction}{exponent}"
    for schema, wrapped in [(float, text), (Measure, f'{{"count": 1, "values": {{"a": [0, {text}]}}}}')]:
        if math.isinf(float(text)):
            with pytest.raises(LimitExceeded, match=r"beyond 1.8e[+]308, the largest float of Python"):
                schema_of(schema).read(wrapped)
        else:
            value: Any = schema_of(schema).read(wrapped)

            assert (value if schema is float else value.values["a"][1]) == float(text)


def test_an_integer_may_be_larger_than_any_float() -> None:
    """Python's has no largest one."""
    text = "1" * 400

    assert schema_of(int).read(text) == read_json(text) == int(text)
    assert schema_of(str).read(f'"{text}e999"') == f"{text}e999"

"""Where the text says nothing, the embedded model writes a value that the field takes, and a plain one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.engine.generate import generate_json
from constrain.engine.lookup.plain_values import plain_value
from constrain.engine.model import load
from constrain.errors import ConstrainError
from constrain.json_schema.formats import FORMATS
from constrain.json_schema.grammar import compile_schema
from tests.json_schema.walk import accepts

PATTERNS = [r"\w+@\w+", r"[0-9]+ EUR$", r"^[A-Z]+-[0-9]+$", "x", "^a{3}$"]
OWN_FORMATS = ["Python date, from 2024-01-01", "Python URL, scheme ftp", "nothing"]
strings = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={
        "format": st.sampled_from([*sorted(FORMATS), *OWN_FORMATS]),
        "pattern": st.sampled_from(PATTERNS),
        "minLength": st.integers(0, 9),
        "maxLength": st.integers(3, 40),
    },
)  # fmt: skip
numbers = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", "number"])},
    optional={
        "minimum": st.integers(-9, 9),
        "exclusiveMaximum": st.integers(-9, 30),
        "multipleOf": st.integers(1, 7),
    },
)


@given(strings | numbers)
def test_a_plain_value_is_one_that_the_field_takes(leaf: dict[str, Any]) -> None:
    try:
        start = compile_schema(leaf).start
    except ConstrainError:
        return  # there is none

    written = json.dumps(plain_value(leaf["type"], leaf), ensure_ascii=False)
    assert accepts(start, written.encode())
    assert len(written) < 70


@pytest.mark.parametrize(
    ("leaf", "value"),
    [
        ({"type": "string"}, ""), ({"type": "string", "format": "date"}, "2000-01-01"),
        ({"type": "string", "format": "Python time, without an offset"}, "00:00:00"),
        ({"type": "string", "format": "date", "pattern": "^2024"}, "2024-01-01"),
        ({"type": "string", "format": "uri"}, "https://example.com"), ({"type": "string",
        "pattern": "^[A-Z]+-[0-9]+$"}, "A-0"),
        ({"type": "integer", "minimum": 18}, 18), ({"type": "number", "maximum": 9}, 0),
        ({"type": "boolean"}, False),
        ({"type": "string", "pattern": "("}, ""), ({"type": "string", "minLength": "x"}, ""),
    ],
)  # fmt: skip
def test_plain_values(leaf: dict[str, Any], value: Any) -> None:
    """Of a schema that is no schema, the empty value: what is wrong with it is said elsewhere."""
    assert plain_value(leaf["type"], leaf) == value


@pytest.mark.parametrize(
    "leaf",
    [{"format": name} for name in ("uri", "email", "duration", "iri", "ipv6")]
    + [{"pattern": p} for p in PATTERNS],
)
def test_a_field_that_the_text_does_not_hold_is_filled_plainly(leaf: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"site": {"type": "string", **leaf}}, "required": ["site"]}

    assert len(generate_json(load(), "Hello there", schema)["site"]) < 60

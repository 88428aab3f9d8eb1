"""What the core schema of a single value checks is said, each in its own words."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from constrain import type_values
from constrain.errors import UnsatisfiableError
from constrain.json_schema.grammar import compile_schema
from constrain.target import as_schema
from tests.json_schema.walk import accepts

CET = timezone(timedelta(hours=1))


def bounded(kind: Any, **bounds: Any) -> Any:
    return Annotated[kind, Field(**bounds)]


def text(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "format": name, **more}


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (bounded(date, ge=date(2024, 1, 1), lt=date(2025, 1, 1)),
         text("Python date, from 2024-01-01, before 2025-01-01")),
        (bounded(time, le=time(10, tzinfo=UTC)), text("Python time, to 10:00:00+00:00")),
        (pydantic.AwareDatetime, text("Python date-time, with an offset")),
        (bounded(timedelta, gt=timedelta(0)), text("Python duration, after PT0S")),
        (pydantic.UUID4, text("Python UUID, version 4")),
        (pydantic.FtpUrl, text("Python URL, scheme ftp")),
        (pydantic.HttpUrl, text("Python URL, scheme http, scheme https", maxLength=694)),
        (pydantic.RedisDsn, text("Python URL, scheme redis, scheme rediss")),
        (Annotated[pydantic.AnyUrl, pydantic.UrlConstraints(host_required=True, max_length=30)],
         text("Python URL, ASCII, with a host", maxLength=30)),
        (pydantic.IPvAnyNetwork, text("Python IP network")),
        (bounded(bytes, min_length=2, max_length=5), text("Python bytes, from 2, to 5")),
        (pydantic.Base64Str, text("Python Base64, of text")),
        (bounded(pydantic.Base64UrlBytes, max_length=3), text("Python Base64url, to 3")),
        (Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)],
         text("Python text, trimmed", minLength=1)),
        (Annotated[str, StringConstraints(strip_whitespace=True)], {"type": "string"}),
        (bounded(str, pattern="^[a-z]+$"), {"type": "string", "pattern": "^[a-z]+$"}),
        (bounded(str, pattern=r"^\w+$"), text(r"Rust pattern ^\w+$")),
        (bounded(str, pattern=re.compile("(?i)^a$", re.S)), text("Python pattern (?is)^a$")),
        (bounded(Decimal, max_digits=4, decimal_places=2), {"anyOf": [
            {"type": "number", "exclusiveMinimum": -100, "exclusiveMaximum": 100, "multipleOf": 0.01},
            text("Python decimal, digits 4, places 2"),
        ]}),
        (bounded(Decimal, ge=0, lt=Decimal("1.5")), {"anyOf": [
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1.5, "maximum": math.nextafter(1.5, 0)},
            text("Python decimal, from 0, before 1.5"),
        ]}),
        (bounded(Fraction, gt=0), {"anyOf": [
            {"type": "number", "exclusiveMinimum": 0.0, "minimum": 5e-324, "maximum": 1e308},
            text("Python decimal, after 0"),
        ]}),
        (dict[bounded(int, gt=5), int], {"type": "object", "additionalProperties": {"type": "integer"},
                                        "propertyNames": text("Python integer, after 5")}),
        (dict[bool, int], {"type": "object", "additionalProperties": {"type": "integer"},
                           "propertyNames": {"enum": ["true", "false"]}}),
        (dict[None, int],
         {"type": "object", "additionalProperties": {"type": "integer"}, "propertyNames": False}),
        (pydantic.Json[list[int]], text('Python JSON {"items": {"type": "integer"}, "type": "array"}')),
    ],
)  # fmt: skip
def test_what_a_type_checks_is_in_its_schema(kind: Any, schema: dict[str, Any]) -> None:
    assert as_schema(kind) == schema


def test_the_past_ends_on_the_clock_that_is_further_behind() -> None:
    """A date of this machine and one of UTC may differ, and what has no offset is compared with either."""
    now = datetime(2024, 3, 1, 0, 30, 15, 99, tzinfo=CET)

    assert type_values.date_schema({"now_op": "past"}, now) == text("Python date, before 2024-02-29")
    assert type_values.date_schema({"now_op": "future"}, now) == text("Python date, after 2024-03-01")
    assert type_values.datetime_schema({"now_op": "future"}, now) == text(
        "Python date-time, after 2024-03-01T01:30:15+01:00, after 2024-03-01T00:30:15+00:00"
    )


PIECES = [
    "a",
    "[a-z]",
    "[^b]",
    r"\d",
    r"\w",
    r"\s",
    ".",
    "$",
    "^",
    r"\.",
    "a{2}",
    "(?:a|b)*",
    "[-a]",
    r"\bа",
    "é",
]


@given(
    st.lists(st.sampled_from(PIECES), max_size=4).map("".join), st.lists(st.text("ab1٣é. \n\r-"), max_size=9)
)
def test_a_pattern_means_what_it_means_to_the_type(pattern: str, texts: list[str]) -> None:
    """Whether it stays a pattern or becomes a format."""
    adapter: TypeAdapter[Any] = TypeAdapter(bounded(str, pattern=pattern))
    try:
        start = compile_schema(as_schema(bounded(str, pattern=pattern))).start
    except UnsatisfiableError:
        return  # no text matches
    for each in ["", *texts]:
        try:
            adapter.validate_python(each)
            matches = True
        except ValidationError:
            matches = False
        written = pydantic.TypeAdapter(str).dump_json(each)
        assert accepts(start, written) == matches, (pattern, each)


bounds = st.floats(-10, 10)


@given(bounds, st.sampled_from(["gt", "lt"]), st.integers(1, 12))
def test_no_number_is_rounded_onto_an_exclusive_bound(bound: float, key: str, digits: int) -> None:
    """`0.09999999999999999999` is 0.1 as a float."""
    start = compile_schema(as_schema(bounded(float, **{key: bound}))).start
    above = Decimal(bound) + Decimal(10) ** -(16 + digits) * (1 if key == "gt" else -1)
    written = format(above, "f")[: 20 + digits].encode()

    assert not accepts(start, written) or TypeAdapter(bounded(float, **{key: bound})).validate_json(written)

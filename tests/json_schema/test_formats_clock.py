"""Dates, times and durations between bounds: the texts are those whose values Python finds there."""

from __future__ import annotations

import datetime as dt
import operator
import random
from typing import Annotated, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from constrain.continuation import END, Terminal
from constrain.json_schema.formats_clock import (
    REAL_OFFSETS,
    date_times,
    dates,
    durations,
    number_between,
    parse_duration,
    times,
    write_duration,
)
from constrain.regular.queries import accepts, is_empty
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term
from constrain.regular.utf8 import utf8
from tests.json_schema.walk import random_text

COMPARED = {"from": operator.ge, "after": operator.gt, "to": operator.le, "before": operator.lt}
KEYS = {"from": "ge", "after": "gt", "to": "le", "before": "lt"}
words = st.sampled_from(list(COMPARED))
offsets = st.sampled_from(REAL_OFFSETS).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
zones = st.none() | offsets
moments = st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29), timezones=zones)
near = st.datetimes(dt.datetime(2024, 2, 27), dt.datetime(2024, 3, 1), timezones=zones)


def is_read(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except (ValidationError, OverflowError):
        return False
    return True


def bounded(kind: Any, bounds: list[tuple[str, Any]]) -> Any:
    for word, bound in bounds:
        kind = Annotated[kind, Field(**{KEYS[word]: bound})]
    return kind


def some_text(term: Term, seed: int) -> str | None:
    text = random_text(Terminal.of(term, END), random.Random(seed))
    return None if text is None else text.decode()


@given(st.integers(0, 2_000), st.integers(0, 2_000))
def test_a_range_of_numbers_is_a_pattern(low: int, more: int) -> None:
    term = regex_term(number_between(low, low + more))

    assert all(accepts(term, str(number).encode()) for number in {low, low + more // 2, low + more})
    assert not any(accepts(term, str(number).encode()) for number in {low - 1, low + more + 1})


@given(words, st.dates(), st.dates())
@example("before", dt.date(2024, 3, 1), dt.date(2024, 2, 29))
def test_a_date_is_within_a_bound_as_python_compares_it(word: str, bound: dt.date, date: dt.date) -> None:
    term = dates(utf8, [(word, bound.isoformat())])

    assert accepts(term, date.isoformat().encode()) == COMPARED[word](date, bound)


@pytest.mark.parametrize(
    ("text", "held"),
    [("0000-01-01", False), ("0001-01-01", True), ("9999-12-31", True), ("2023-02-29", False)],
)
def test_dates_are_those_of_python(text: str, held: bool) -> None:
    """The year 0000 is RFC 3339's, and no Python date has it."""
    assert accepts(dates(utf8), text.encode()) is held


@settings(max_examples=30)
@given(words, near | moments, near | moments)
@example("before", dt.datetime(2024, 1, 1, 10, 30), dt.datetime(2024, 1, 1, 10, 30, 0, 1))
@example("from", dt.datetime(2024, 1, 1, 10, 30, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, 10, 30))
def test_a_date_time_is_within_a_bound_as_pydantic_compares_it(
    word: str, bound: dt.datetime, moment: dt.datetime
) -> None:
    """In UTC where both have an offset, by their digits where one has none."""
    term = date_times(utf8, "", [(word, bound.isoformat())])
    text = moment.isoformat()

    assert accepts(term, text.encode()) == is_read(bounded(dt.datetime, [(word, bound)]), text)


@given(
    words, st.times(timezones=st.none() | st.just(dt.UTC)), st.times(timezones=st.none() | st.just(dt.UTC))
)
def test_a_time_is_within_a_bound_as_pydantic_compares_it(word: str, bound: dt.time, time: dt.time) -> None:
    term = times(utf8, "", [(word, bound.isoformat())])
    text = time.isoformat().replace("+00:00", "Z")

    assert accepts(term, text.encode()) == is_read(bounded(dt.time, [(word, bound)]), text)


@settings(max_examples=30)
@given(st.lists(st.tuples(words, near), max_size=2), st.integers())
def test_every_date_time_that_is_written_is_read(bounds: list[tuple[str, dt.datetime]], seed: int) -> None:
    term = date_times(utf8, "", [(word, bound.isoformat()) for word, bound in bounds])
    text = None if is_empty(term) else some_text(term, seed)

    assert text is None or is_read(bounded(dt.datetime, bounds), text)


@given(st.lists(st.tuples(words, st.times(timezones=zones)), max_size=2), st.integers())
def test_every_time_that_is_written_is_read(bounds: list[tuple[str, dt.time]], seed: int) -> None:
    term = times(utf8, "", [(word, bound.isoformat()) for word, bound in bounds])
    text = None if is_empty(term) else some_text(term, seed)

    assert text is None or is_read(bounded(dt.time, bounds), text)


short = st.timedeltas(dt.timedelta(days=-2), dt.timedelta(days=2))
lengths = short | st.timedeltas()


@given(st.timedeltas())
def test_a_duration_is_written_as_it_is_parsed(duration: dt.timedelta) -> None:
    assert parse_duration(write_duration(duration)) == duration // dt.timedelta(microseconds=1)


@settings(max_examples=30)
@given(words, lengths, lengths)
@example("after", dt.timedelta(0), dt.timedelta(0))
@example("from", dt.timedelta(0), dt.timedelta(0))  # Pydantic takes `-PT0S` for less
@example("from", dt.timedelta(0), dt.timedelta(microseconds=-1))
@example("to", dt.timedelta(hours=1, milliseconds=3), dt.timedelta(hours=1, milliseconds=3))
def test_a_duration_is_within_a_bound_as_python_compares_it(
    word: str, bound: dt.timedelta, duration: dt.timedelta
) -> None:
    """As ISO 8601 has it in days, and as Pydantic writes it, in years of 365 days."""
    term = durations(utf8, [(word, write_duration(bound))])
    texts = {write_duration(duration), TypeAdapter(dt.timedelta).dump_json(duration).decode().strip('"')}

    for text in texts:
        assert accepts(term, text.encode()) == COMPARED[word](duration, bound), text
    negative = f"-{write_duration(abs(duration))}"
    assert not accepts(term, negative.encode()) or is_read(bounded(dt.timedelta, [(word, bound)]), negative)


@given(st.lists(st.tuples(words, short), max_size=2), st.integers())
def test_every_duration_that_is_written_is_read(bounds: list[tuple[str, dt.timedelta]], seed: int) -> None:
    """Also at the ends of what `timedelta` holds, and beyond what Pydantic's reader multiplies."""
    term = durations(utf8, [(word, write_duration(bound)) for word, bound in bounds])
    text = None if is_empty(term) else some_text(term, seed)

    assert text is None or is_read(bounded(dt.timedelta, bounds), text)


@pytest.mark.parametrize(
    "text", ["PT90M", "P2W", "PT100H", "PT90.5S", "01:30:00", "P1Y2M3DT4H", "-P1D", "P999999D"]
)
def test_durations_as_people_write_them(text: str) -> None:
    assert accepts(durations(utf8), text.encode())
    assert is_read(dt.timedelta, text)


@pytest.mark.parametrize("text", ["P9999999999D", "PT99999999H", "P3000000Y", "P", "PT", "P1D2W"])
def test_durations_that_no_timedelta_holds(text: str) -> None:
    assert not accepts(durations(utf8), text.encode())

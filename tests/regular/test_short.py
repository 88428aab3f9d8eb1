"""A short string is found wherever there is one, and soon."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.continuation import END
from constrain.parts import json_value
from constrain.reading import Reader
from constrain.regular.queries import accepts, shortest
from constrain.regular.short import WIDTH, short
from constrain.regular.terms import Term
from tests.regular.test_clipping import counting_terms


@given(counting_terms(), st.sampled_from([1, 2, WIDTH]))
def test_finds_a_string_exactly_where_there_is_one(term: Term, width: int) -> None:
    """Though only one state is followed at a time; and with room for all of them, a shortest."""
    found, least = short(term, width), shortest(term)

    assert (found is None) == (least is None)
    if found is not None and least is not None:
        assert accepts(term, found)
        assert len(found) >= len(least)
        assert width < WIDTH or found == least


def test_a_time_of_day_is_found_without_its_leap_seconds() -> None:
    """Thousands of states stand in the way of the shortest, in any spelling above all."""
    value = json_value({"type": "string", "format": "date-time"}, spelling="any")
    with budget(200_000, "looking for a date"):
        expected = Reader(value.before(END)).expected()

    assert expected == ('"0000-01-01T00:00:00Z"',)

"""Sets of numbers, against their definition: `contains` is the oracle, on a grid that misses nothing."""

from __future__ import annotations

import functools
import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.errors import LimitExceeded
from constrain.json_schema import number_set
from constrain.json_schema.number_set import NumberSet

GRID = [Fraction(k, 12) for k in range(-150, 151)]
BOUNDS = st.integers(-10, 10).map(Fraction) | st.integers(-20, 20).map(lambda k: Fraction(k, 2))
MODULI = st.sampled_from([Fraction(n) for n in ("1", "2", "3", "6", "1/2", "3/2", "5/2", "1/4", "2/3")])


def number_sets() -> st.SearchStrategy[NumberSet]:
    """A few keywords, combined."""
    atoms = st.one_of(
        BOUNDS.map(NumberSet.at_least),
        BOUNDS.map(NumberSet.above),
        BOUNDS.map(NumberSet.at_most),
        BOUNDS.map(NumberSet.below),
        MODULI.map(NumberSet.multiple_of),
        st.lists(BOUNDS, max_size=3).map(NumberSet.values),
    )
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
            st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
            inner.map(NumberSet.complement),
        ),
        max_leaves=6,
    )


@given(number_sets(), number_sets())
def test_the_operators_are_those_of_sets(left: NumberSet, right: NumberSet) -> None:
    """Everything else builds on these four."""
    both, either, outside, mirrored = left & right, left | right, left.complement(), left.negated()

    for x in GRID:
        assert both.contains(x) == (left.contains(x) and right.contains(x))
        assert either.contains(x) == (left.contains(x) or right.contains(x))
        assert outside.contains(x) != left.contains(x)
        assert mirrored.contains(-x) == left.contains(x)


@given(number_sets())
def test_empty_means_that_no_number_is_in_it(numbers: NumberSet) -> None:
    """Emptiness decides whether a branch of a schema is entered at all: an error there is a dead end.

    Bounds here are at most 10 and every period divides 30, so a set with a number has one within ±50.
    """
    fine = [Fraction(k, 24) for k in range(-1200, 1201)]

    assert numbers.is_empty() == (not any(numbers.contains(x) for x in fine))


@given(number_sets())
def test_a_witness_is_in_the_set(numbers: NumberSet) -> None:
    """The witness stands for the set wherever one value is as good as another."""
    witness = numbers.witness()

    assert (witness is None) == numbers.is_empty()
    assert witness is None or numbers.contains(witness)


@given(number_sets(), st.integers(0, 40))
def test_a_small_set_is_counted_exactly(numbers: NumberSet, cap: int) -> None:
    """`uniqueItems` over a finite set needs its size, and only up to the number of items."""
    values = numbers.finite_values(cap)

    if values is not None:
        members = [x for x in GRID if numbers.contains(x)]
        assert numbers.cardinality(cap) == len(values) <= cap
        assert set(members) <= set(values)
        assert all(numbers.contains(x) for x in values)


def test_the_example_of_the_module() -> None:
    """2, 4, 8: even, under 10, and no multiple of 3."""
    even = (
        NumberSet.at_least(Fraction(0)) & NumberSet.below(Fraction(10)) & NumberSet.multiple_of(Fraction(2))
    )

    assert (even - NumberSet.multiple_of(Fraction(3))).finite_values(10) == [2, 4, 8]


def test_decimal_multiples_are_exact() -> None:
    """0.3 is a multiple of 0.1, whatever binary floating point makes of it."""
    tenths = NumberSet.multiple_of(Fraction("0.1"))

    assert tenths.contains(Fraction("0.3"))
    assert not tenths.contains(Fraction("0.35"))
    assert NumberSet.multiple_of(Fraction("1e-8")).contains(Fraction("12391239123"))


def test_coprime_multiples_over_a_wide_range_are_decided_at_once() -> None:
    """A search bounded by the range would look at 10^40 numbers; the next free one is always near."""
    wide = NumberSet.at_least(Fraction(1)) & NumberSet.at_most(Fraction(10**40)) & NumberSet.integers()
    for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23):
        wide -= NumberSet.multiple_of(Fraction(prime))

    assert not wide.is_empty()
    assert wide.cardinality(1000) is None


def test_too_many_alternatives_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negated conjunctions of multiples multiply; a hostile schema costs an error, not a hang."""
    monkeypatch.setattr(number_set, "MAX_CLAUSES", 4)
    pairs = itertools.pairwise([2, 3, 5, 7, 11, 13])
    sets = [NumberSet.multiple_of(Fraction(a)) | NumberSet.multiple_of(Fraction(b)) for a, b in pairs]

    with pytest.raises(LimitExceeded) as caught:
        functools.reduce(NumberSet.__and__, sets)

    assert str(caught.value) == (
        "the multipleOf conditions on one number make more than MAX_CLAUSES=4 alternatives\n"
        "hint: combine fewer of them under anyOf, oneOf or not"
    )

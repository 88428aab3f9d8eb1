"""Joined counts are the same language; and what is called a prefix code is one."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from constrain.regular.codes import is_prefix_code, meet
from constrain.regular.queries import enumerate_strings, is_empty
from constrain.regular.terms import Repeat, Term, byte_set, choice, concat, difference, intersect, repeat

letters = st.sampled_from("abc").map(lambda letter: byte_set(1 << ord(letter)))
bodies = st.recursive(
    letters,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: choice(*parts)),
        st.lists(inner, min_size=2, max_size=2).map(lambda parts: concat(*parts)),
    ),
    max_leaves=5,
)
lows, highs = st.integers(0, 3), st.none() | st.integers(0, 4)


@given(bodies, lows, highs, lows, highs)
def test_the_language_is_that_of_the_intersection(
    body: Term, low: int, high: int | None, other_low: int, other_high: int | None
) -> None:
    """Whether or not the counts could be joined."""
    left, right = repeat(body, low, high), repeat(body, other_low, other_high)
    joined, plain = meet(left, right), intersect(left, right)

    assert is_empty(difference(joined, plain))
    assert is_empty(difference(plain, joined))


@given(bodies)
def test_no_string_of_a_prefix_code_begins_another(body: Term) -> None:
    """By trying all pairs of its strings, which are few."""
    if is_prefix_code(body):
        strings = list(enumerate_strings(body, 200))
        assert not any(a != b and b.startswith(a) for a, b in product(strings, strings))


def test_joins_the_counts_of_one_alphabet() -> None:
    """One counter is left of three."""
    letter = choice(*(byte_set(1 << ord(c)) for c in "xy"), concat(byte_set(1 << 97), byte_set(1 << 98)))
    joined = meet(meet(repeat(letter), repeat(letter, 2)), repeat(letter, 0, 9))

    assert isinstance(joined, Repeat)
    assert (joined.low, joined.high) == (2, 9)


shapes = st.recursive(
    st.builds(repeat, letters, lows, highs) | letters,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: choice(*parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: concat(*parts)),
        st.builds(repeat, inner, lows, highs),
    ),
    max_leaves=5,
)


@given(shapes, bodies, lows, highs)
def test_a_length_meets_any_shape(shape: Term, body: Term, low: int, high: int | None) -> None:
    """A bound that holds anyway goes, one on a single count is moved there, others stay."""
    for code in (body, choice(*(byte_set(1 << ord(letter)) for letter in "abc"))):
        joined, plain = meet(shape, repeat(code, low, high)), intersect(shape, repeat(code, low, high))

        assert is_empty(difference(joined, plain))
        assert is_empty(difference(plain, joined))


def test_bounds_that_hold_anyway_go() -> None:
    """No intersection is left."""
    a, b, c = (byte_set(1 << ord(letter)) for letter in "abc")
    any_letter = choice(a, b, c)

    assert meet(concat(repeat(a, 4, 4), b), repeat(any_letter, 0, 40)) is concat(repeat(a, 4, 4), b)
    assert meet(concat(c, repeat(a)), repeat(any_letter, 3, 10)) is concat(c, repeat(a, 2, 9))
    assert is_empty(meet(repeat(a, 0, 2), repeat(any_letter, 3)))

"""A product holds what the boolean combination of its factors holds, and never multiplies them out."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.errors import LimitExceeded
from constrain.regular.bounded import Window, bounded, keep_places, least_length, some_length
from constrain.regular.conditions import (
    Condition,
    all_of,
    any_of,
    exactly_one,
    factors_of,
    negation,
    replaced,
)
from constrain.regular.products import _contains, at_place, plainly_empty, product
from constrain.regular.queries import accepts, is_empty
from constrain.regular.syntax import regex_term
from constrain.regular.terms import EMPTY, Term, choice, intersect
from tests.oracle import strings_over
from tests.regular.conditions import conditions, multiplied_out
from tests.strategies import small_patterns

UNIVERSE = regex_term("[abé]*!")
keep_places(UNIVERSE)
TEXTS = [f"{text}!".encode() for text in strings_over("abé", 4)]


def factor(pattern: str) -> Term:
    return intersect(UNIVERSE, regex_term(f"(?:{pattern})!"))


def says(condition: Condition, text: bytes) -> bool:
    """Does the condition hold of a text?"""
    found = replaced(condition, {each: accepts(each, text) for each in factors_of(condition)})
    assert isinstance(found, bool)
    return found


plain_factors = small_patterns("ab").map(factor)
searches = st.sampled_from(["a", "b.", "ab", "é", "a..", "^b", "b$", "(ab|ba)$", "a.{3}$", "^.{2}$"]).map(
    lambda pattern: regex_term(
        {True: "", False: "[abé]*"}[pattern[0] == "^"]
        + pattern.strip("^$").replace(".", "[abé]")
        + {True: "!", False: "[abé]*!"}[pattern[-1] == "$"]
    )
)


def search_of(text: str) -> Term:
    """The texts with this somewhere."""
    return regex_term(f"[abé]*{text}[abé]*!")


@given(conditions(plain_factors | searches))
@settings(max_examples=200)
def test_a_product_holds_the_texts_of_which_its_condition_holds(condition: Condition) -> None:
    term = product(UNIVERSE, condition).term

    assert [text for text in TEXTS if accepts(term, text)] == [
        text for text in TEXTS if says(condition, text)
    ]


@given(conditions(plain_factors | searches), st.integers(0, 2**32))
@settings(max_examples=200)
def test_a_product_is_empty_where_it_is_empty_multiplied_out(condition: Condition, seed: int) -> None:
    """At the start and along a random text: what is remembered on the way must hold too."""
    rng = random.Random(seed)
    term, oracle = product(UNIVERSE, condition).term, multiplied_out(UNIVERSE, condition)
    for _ in range(6):
        assert is_empty(term) == is_empty(oracle)
        ways = [(mask, after) for mask, after in term.ways() if not is_empty(after)]
        if not ways:
            break
        mask, term = rng.choice(ways)
        oracle = oracle.derivative((mask & -mask).bit_length() - 1)


@given(conditions(plain_factors | searches, most=3), conditions(plain_factors | searches, most=3))
@settings(max_examples=100)
def test_a_condition_that_contains_another_holds_wherever_that_does(one: Condition, other: Condition) -> None:
    for wide, narrow in ((one, other), (any_of([one, other]), one), (one, all_of([one, other]))):
        if _contains(wide, narrow):
            assert all(says(wide, text) for text in TEXTS if says(narrow, text))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (any_of([search_of("a"), search_of("b")]), search_of("a")),
        (any_of([search_of("a"), search_of("é")]), any_of([search_of("é"), search_of("a")])),
        (all_of([search_of("a"), search_of("b")]), all_of([search_of("b"), search_of("é"), search_of("a")])),
        (negation(search_of("a")), negation(search_of("a"))),
        (choice(factor("a"), factor("b*b")), factor("a")),
        (choice(factor("ab*a"), factor("b*b"), factor("é*b")), choice(factor("é*b"), factor("ab*a"))),
        (any_of([choice(factor("ab*a"), factor("b*b")), search_of("é")]), factor("ab*a")),
        (True, search_of("a")),
    ],
)
def test_plain_containments_are_seen_and_not_their_converses(wide: Condition, narrow: Condition) -> None:
    assert _contains(wide, wide)
    assert _contains(narrow, narrow)
    assert _contains(wide, narrow)
    assert _contains(narrow, wide) == all(says(narrow, text) for text in TEXTS if says(wide, text))


@given(conditions(plain_factors | searches, most=4), st.sampled_from(strings_over("abé", 3)))
@settings(max_examples=100)
def test_the_ways_of_a_product_are_its_derivatives_and_say_which_live(
    condition: Condition, text: str
) -> None:
    """Also where it is known of the product before that it lives."""
    here = product(UNIVERSE, condition)
    assert here.nonempty != is_empty(here.term)
    term, oracle = here.term, multiplied_out(UNIVERSE, condition)
    for byte in text.encode():
        ways = list(term.ways())
        union = 0
        for mask, after in ways:
            assert mask
            assert not mask & union
            union |= mask
            assert after is term.derivative((mask & -mask).bit_length() - 1)
            assert is_empty(after) == is_empty(oracle.derivative((mask & -mask).bit_length() - 1))
        for other in "abé!".encode():
            assert union >> other & 1 or is_empty(oracle.derivative(other))
        term, oracle = term.derivative(byte), oracle.derivative(byte)
        assert is_empty(term) == is_empty(oracle)


@given(conditions(plain_factors | searches, most=3))
@settings(max_examples=60)
def test_what_is_plainly_empty_is_empty_and_a_term_at_a_place_is_of_its_product(condition: Condition) -> None:
    here = product(UNIVERSE, condition)
    assert not plainly_empty(here) or is_empty(multiplied_out(UNIVERSE, condition))
    assert plainly_empty(here) == is_empty(here.term)  # of so few letters
    assert at_place(here.term, UNIVERSE) is here or here.condition is False
    assert here.derivative(ord("a")) is product(UNIVERSE, condition).derivative(ord("a"))


@given(conditions(plain_factors))
def test_a_condition_is_negated_back(condition: Condition) -> None:
    assert negation(negation(condition)) is condition


@given(
    conditions(plain_factors | searches),
    st.integers(0, 6),
    st.none() | st.integers(0, 7),
    st.integers(0, 2**32),
)
@settings(max_examples=300)
def test_bounded_texts_are_those_of_the_product_that_are_as_long(
    condition: Condition, low: int, high: int | None, seed: int
) -> None:
    """And no state on the way to them is dead: what is left of a text decides that, not what was read."""
    whole = product(UNIVERSE, condition)
    window = Window(low, high)
    term = bounded(whole, UNIVERSE, window)
    lengths = EMPTY if window.is_closed else regex_term(f"[abé]{{{low},{'' if high is None else high}}}!")
    oracle = intersect(multiplied_out(UNIVERSE, condition), lengths)
    rng = random.Random(seed)
    for text in TEXTS:
        fits = low <= len(text.decode()) - 1 and (high is None or len(text.decode()) - 1 <= high)
        assert accepts(term, text) == (fits and says(condition, text))
    for _ in range(8):
        assert is_empty(term) == is_empty(oracle)
        ways = [(mask, after) for mask, after in term.ways() if not is_empty(after)]
        if not ways:
            break
        mask, term = rng.choice(ways)
        oracle = oracle.derivative((mask & -mask).bit_length() - 1)


@given(conditions(plain_factors | searches, most=3), st.sampled_from(strings_over("abé", 2)))
@settings(max_examples=150)
def test_there_is_a_text_for_every_window_that_holds_the_length_of_one(
    condition: Condition, read: str
) -> None:
    """After each beginning, and for each window of up to four characters of the text."""
    texts = [text[:-1].decode() for text in TEXTS if says(condition, text)]
    lengths = {len(text) for text in texts if text.startswith(read)}
    for low in range(len(read), 5):
        for high in range(low, 5):
            term = bounded(product(UNIVERSE, condition), UNIVERSE, Window(low, high))
            for byte in read.encode():
                term = term.derivative(byte)

            assert is_empty(term) == lengths.isdisjoint(range(low, high + 1))


@given(conditions(searches, most=3), st.sampled_from(strings_over("abé", 2)))
@settings(max_examples=150)
def test_no_text_is_shorter_than_the_least_length(condition: Condition, read: str) -> None:
    texts = [text[:-1].decode() for text in TEXTS if says(condition, text)]
    lengths = [len(text) - len(read) for text in texts if text.startswith(read)]
    here = product(UNIVERSE, condition)
    for byte in read.encode():
        here = next((after for mask, after in here.steps() if mask >> byte & 1), product(UNIVERSE, False))

    if lengths and here.nonempty:
        assert least_length(here, UNIVERSE) <= min(lengths) <= some_length(here, UNIVERSE)


def search(pattern: str) -> Term:
    return regex_term(f"[a-z]*{pattern}!")


LETTERS = regex_term("[a-z]*!")
keep_places(LETTERS)


@pytest.mark.parametrize(
    ("condition", "lives"),
    [
        (all_of([search(f"{letter}[a-z]{{14}}") for letter in "abc"]), False),
        (all_of([search("a[a-z]{14}"), search("b[a-z]{9}")]), True),
        (all_of([search(f"{letter}[a-z]*") for letter in "abcdefghijkl"]), True),
        (
            exactly_one(
                [search(f"{word}[a-z]*") for word in ("red", "green", "blue", "cyan", "black", "grey")]
            ),
            True,
        ),
        (
            all_of(
                [
                    any_of([search(f"a[a-z]{{{n}}}b[a-z]*"), search(f"c[a-z]{{{n}}}d[a-z]*")])
                    for n in range(20)
                ]
            ),
            True,
        ),
        (all_of([regex_term("[ab]*!"), negation(search("a[a-z]{18}"))]), True),
        (
            all_of([search("(?:[a-z]*a){30}[a-z]*"), negation(search("b[a-z]*")), search("(?:[a-z]*c){30}")]),
            True,
        ),
        (all_of([search(f"{letter}[a-z]*{letter}[a-z]*") for letter in "abcdefghij"]), True),
    ],
)
def test_products_that_would_be_exponential_are_decided_in_few_steps(
    condition: Condition, lives: bool
) -> None:
    with budget(60_000, "looking for a text"):
        assert is_empty(product(LETTERS, condition).term) == (not lives)


@pytest.mark.parametrize(
    ("condition", "window", "lives"),
    [
        (all_of([search(f"{letter}[a-z]*{letter}[a-z]*") for letter in "abcdefghij"]), Window(8, 64), True),
        (
            all_of([regex_term("(?:[a-z]{2,3}m)*!"), negation(search("z[a-z]{20}z"))]),
            Window(5_000, 9_000),
            True,
        ),
        (regex_term("(?:[a-z]{3}m)*!"), Window(5_000, 5_000), True),
        (regex_term("(?:[a-z]{3}m)*!"), Window(5_001, 5_002), False),
        (search("(?:[a-z]*a){30}[a-z]*"), Window(0, 29), False),
        (search("(?:[a-z]*a){30}[a-z]*"), Window(30, 30), True),
    ],
)
def test_lengths_beside_products_are_decided_in_few_steps(
    condition: Condition, window: Window, lives: bool
) -> None:
    with budget(60_000, "looking for a text"):
        assert is_empty(bounded(product(LETTERS, condition), LETTERS, window)) == (not lives)


def test_a_search_without_end_ends_with_the_budget() -> None:
    """None of seven letters may come at one place, and each must at another one: sets of places for each."""
    condition = all_of([negation(search(f"{letter}[a-z]{{9}}")) for letter in "abcdefg"])
    condition = all_of([condition, *[search(f"{letter}[a-z]{{10}}") for letter in "abcdefg"]])
    with budget(2_000, "looking for a text"), pytest.raises(LimitExceeded):
        is_empty(product(LETTERS, condition).term)

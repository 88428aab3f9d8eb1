"""What is plain is in order, and what plainly matches does; the parser and the algebra agree."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.regular.charset import EVERY
from constrain.regular.plain_pattern import MAX_DEPTH, MAX_LENGTH, is_plain, plainly_matches, widths
from constrain.regular.queries import enumerate_strings, is_empty
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, intersect, repeat
from constrain.regular.utf8 import utf8

PIECES = ["a", "b", "é", "-", "/", ".", "^", "$", "|", "(", "(?:", "(?=", "(?!", ")", "[", "[^", "]", "{",
    "}", "*", "+", "?", "{2}", "{1,2}", "{2,1}", "{0,}", "a-z", "z-a", "0-9", "1-3", "3-1", "A-z", "\\d",
    "\\W", "\\s", "\\S", "\\.", "\\-", "\\/", "\\\\", "\\b", "\\1", "\\x41", "\\u00e9", "\\p{L}", "\\c",
    "\\d-", "[a-c]", "[^\\d]", "[\\s\\S]", "[^\\s\\S]", "\ud800", "\n"]  # fmt: skip
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.text("ab^$|()[]-*?{}\\1,", max_size=9)
)
CHARACTER = utf8(EVERY)


def term_of(pattern: str, *, search: bool) -> Term:
    return regex_term(pattern, dialect="ecma", search=search)


@given(texts)
def test_a_plain_pattern_is_one_that_can_be_followed(pattern: str) -> None:
    if is_plain(pattern):
        term_of(pattern, search=True)


@given(texts, st.integers(0, 4), st.one_of(st.just(math.inf), st.integers(0, 6)))
def test_what_plainly_matches_does(pattern: str, shortest: int, longest: float) -> None:
    if is_plain(pattern) and plainly_matches(pattern, shortest, longest):
        high = None if longest == math.inf else int(longest)
        assert not is_empty(intersect(term_of(pattern, search=True), repeat(CHARACTER, shortest, high)))


@given(texts)
def test_widths_are_those_of_the_shortest_and_the_longest_match(pattern: str) -> None:
    """Where nothing is anchored or empty, both are reached."""
    if not is_plain(pattern) or set("^$") & set(pattern):
        return
    term = term_of(pattern, search=False)
    (least, most), first = widths(pattern), next(enumerate_strings(term, 1))
    longer = intersect(term, repeat(CHARACTER, min(int(min(most, 1_000)), 1_000) + 1, None))

    assert least <= len(first.decode())
    assert (
        is_empty(intersect(term, repeat(CHARACTER, 0, least - 1))) if least else term.nullable or least == 0
    )
    assert is_empty(longer) == (most < math.inf)


PLAIN = ["", "a", "^[a-z0-9-]+$", "^\\d{4}-\\d{2}$", "(a|b)*c?", "[^/]+", "[\\w.-]+@[\\w-]+", "[1-5][^-a]",
    "[-+]?", "^$|^a$", "a{0,999}", "é", "[a-z0-9_-]", "[\\d-]", "(?:a(?:b))+?"]  # fmt: skip
NOT_PLAIN = ["(", ")", "a)(b", "[", "[]", "[^]", "[z-a]", "[a-Z]", "a{2,1}", "a{1000}", "*a", "^*", "(*a)",
    "|+", "a**", "a{1}{2}", "{", "}", "]", "(?=a)", "(?<n>a)", "\\b", "\\1", "\\x41", "\\u0041", "\\p{L}",
    "\\cA", "\\", "\ud800", "a" * (MAX_LENGTH + 1),
    "(" * (MAX_DEPTH + 1) + ")" * (MAX_DEPTH + 1)]  # fmt: skip


@pytest.mark.parametrize("pattern", PLAIN)
def test_is_plain(pattern: str) -> None:
    assert is_plain(pattern)


@pytest.mark.parametrize("pattern", NOT_PLAIN, ids=ascii)
def test_is_left_to_the_parser(pattern: str) -> None:
    assert not is_plain(pattern)


@pytest.mark.parametrize("pattern", ["a^b", "a$b", "(^a)", r"[^\s\S]", "$a", "b^"])
def test_a_pattern_that_may_hold_nothing_does_not_plainly_match(pattern: str) -> None:
    assert is_plain(pattern)
    assert not plainly_matches(pattern)


def test_lengths_beside_a_pattern() -> None:
    """A match that is not anchored at both ends can stand in a text of any length from its own on."""
    assert plainly_matches("^[a-z]{3}$", 3, 3)
    assert not plainly_matches("^[a-z]{3}$", 4, 9)
    assert plainly_matches("^[a-z]{3}", 4, 9)
    assert not plainly_matches("[a-z]{3}", 0, 2)
    assert plainly_matches("^(ab)+$", 7)
    assert not plainly_matches("^(ab)+$", 7, 7)

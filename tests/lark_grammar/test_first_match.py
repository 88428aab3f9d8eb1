"""The first match in a text, found without backtracking, is the one that Python's `re` finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.errors import LimitExceeded, RegexError, UnsupportedRegexError
from constrain.lark_grammar.first_match import FirstMatch
from constrain.regular.pattern import parse_regex
from tests.oracle import strings_over

ASSERTIONS = ["^", "$", r"\b", r"\B", r"\Z", "(?=b)", "(?!ab)", "(?<=a)", "(?<!ab)", "(?<!a|b)"]
ASSERTIONS += ["(?m:^)", "(?m:$)"]
COUNTS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}", "{1,}?", "{0}", "{1}"]
TEXTS = [*strings_over("ab", 5), "\n", "a\n", "a\nb", "b a", "ab\n\n"]


def _extended(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda texts: f"(?:{'|'.join(texts)})"),
        st.tuples(inner, st.sampled_from(COUNTS)).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        inner.map(lambda text: f"(?={text})"),
        inner.map(lambda text: f"(?!{text})"),
    )


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "ab", "[ab]", ".", "\n", "", *ASSERTIONS]), _extended, max_leaves=8
)


@given(PATTERNS)
@example("(?:a??)*")
@example("(?:(?:a?b??)*?|ab){2}")
@settings(max_examples=1_000)
def test_a_text_is_found_whole_where_re_finds_it_whole(pattern: str) -> None:
    """Repeats of what may be empty, assertions and lazy repeats among them."""
    try:
        first, expected = FirstMatch(parse_regex(pattern)), re.compile(pattern)
    except (RegexError, UnsupportedRegexError, re.error):
        assume(False)
        raise
    wrong = [
        text
        for text in TEXTS
        if first.is_whole(text) != ((found := expected.match(text)) is not None and found[0] == text)
    ]

    assert not wrong


def _steps(pattern: str, text: str) -> int:
    """The fewest steps, as a power of two, in which the first match is found."""
    steps = 1
    while True:
        try:
            with budget(steps, "matching"):
                FirstMatch(parse_regex(pattern)).is_whole(text)
            return steps
        except LimitExceeded:
            steps *= 2


@pytest.mark.parametrize(
    "pattern", ["(?:a|a)*b", "(?:a*)*b", "(?:a?){20}a{20}", "(?=(?:a|a)*b)a*", "(?:a|aa)+$|b", "^(?:a??)*?b"]
)
def test_what_takes_re_exponential_time_is_counted_and_grows_with_the_text(pattern: str) -> None:
    """Every way is followed once; the work of each shows in the budget."""
    short, long = _steps(pattern, "a" * 20), _steps(pattern, "a" * 200)

    assert short >= 16
    assert long <= 16 * short


def test_texts_that_begin_alike_are_matched_once() -> None:
    """The ways after a text are remembered, so that a thousand texts cost as much as the longest."""
    first = FirstMatch(parse_regex("(?:a[bc]){0,500}"))
    with budget(8_000, "matching"):
        found = [first.is_whole("ab" * 500)]
    with budget(50_000, "matching"):
        found += [first.is_whole("ab" * rounds) for rounds in range(500)]

    assert all(found)

"""A terminal's texts are those that Python's `re`, asked for a match, finds whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.errors import LimitExceeded, UnsupportedRegexError
from constrain.lark_grammar.preferring import preferred_term
from constrain.regular.keeping import forget
from constrain.regular.queries import accepts
from constrain.regular.syntax import regex_term
from tests.oracle import strings_over

STRINGS = strings_over("ab", 6)


def _filled(text: str) -> bool:
    """Nothing is known of what `re` does with rounds that are empty, but that it varies."""
    return not re.fullmatch(text, "")


def _extended(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    counts = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}", "{1,}?"]
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda texts: f"(?:{'|'.join(texts)})"),
        st.tuples(inner.filter(_filled), st.sampled_from(counts)).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "ab", "[ab]", "", "(?!ab)", "(?<!a)"]), _extended, max_leaves=6
)


@given(PATTERNS)
@example("aa|(?:a|ab)")
@settings(max_examples=300)
def test_holds_the_texts_that_re_finds_whole(pattern: str) -> None:
    """`fullmatch` would look further; Lark does not ask for it."""
    try:
        term = preferred_term(pattern)
    except UnsupportedRegexError:
        assume(False)
        raise
    wrong = [
        text
        for text in STRINGS
        if accepts(term, text.encode())
        != ((found := re.match(pattern, text)) is not None and found[0] == text)
    ]

    assert not wrong


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9]+",
        r'"([^"\\]|\\.)*"',
        "if|else|elif",
        r"(?!if\b)[a-z]+",
        "0|[1-9][0-9]*",
        r"[a-z]+(-[a-z]+)*",
        ".{0,1000}",
    ],
)
def test_patterns_without_a_conflict_stay_as_they_are(pattern: str) -> None:
    """So their tables are shared with every other grammar's."""
    forget()

    assert preferred_term(pattern) is regex_term(pattern)


def test_wishes_without_end_are_refused() -> None:
    """A slash behind two backslashes ends the match for `re`; every backslash asks that again."""
    with pytest.raises(UnsupportedRegexError) as caught:
        preferred_term(r"/(\\/|\\\\|[^/])*?/[imslux]*")
    assert str(caught.value) == (
        "in this pattern the ways to match a text compete, over and over\n"
        '    at "/(\\\\/|\\\\\\\\|[^/])*?/[imslux]*"\n'
        "hint: `re` takes the first way that fits, so a text by another may never be found; let "
        "alternatives, and a repeat and what follows it, begin differently"
    )


def test_the_search_for_a_first_match_is_counted() -> None:
    """Python's `re` backtracks uncounted: the automaton of this pattern alone takes 918 steps."""
    forget()

    with budget(2_000, "matching"), pytest.raises(LimitExceeded):
        preferred_term("(?:a?b?){14}c")

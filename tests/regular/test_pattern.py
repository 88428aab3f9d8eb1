"""Classes that are remembered by their text are those that the parser reads."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.errors import ConstrainError, RegexError
from constrain.regular.pattern import Parser, parse_regex

PIECES = ["a", "z", "0", "-", "^", "]", "[", "\\]", "\\d", "\\W", "\\b", "\\c", "\\cA", "\\x41", "\\x4",
    "\\u00e9", "\\u{5D}", "\\p{L}", "\\p{", "}", "\\", "é", "\n", "\\-", "a-z", "z-a"]  # fmt: skip


def read(text: str, flags: int, *, remembered: bool) -> tuple[object, int] | str:
    parser = Parser(text, "ecma", flags, groups=False)
    parser.at = 1
    try:
        members = parser._bracket(0) if remembered else parser._members(0)
    except ConstrainError as problem:
        return str(problem)
    return members, parser.at


@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), st.sampled_from([0, int(re.IGNORECASE)]))
def test_a_class_is_the_same_whether_it_is_remembered_or_read(text: str, flags: int) -> None:
    """With what follows it, and with its errors."""
    whole = f"[{text}]x]"

    assert read(whole, flags, remembered=True) == read(whole, flags, remembered=False)


def test_an_error_in_a_class_shows_the_pattern_it_stands_in() -> None:
    for _ in range(2):
        with pytest.raises(RegexError) as caught:
            parse_regex("^ab[z-a]$", "ecma")

        assert str(caught.value) == 'a range that runs backwards\n    "^ab[z-a]$"\n         ^^^'

"""Sets of code points, checked over all of Unicode against whoever defines them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.regular import charset
from constrain.regular.charset import CharSet
from constrain.regular.queries import accepts
from constrain.regular.utf8 import utf8

CHARACTERS = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF)


def members(of: CharSet) -> set[int]:
    return {code for low, high in of for code in range(low, high + 1) if not 0xD800 <= code <= 0xDFFF}


@pytest.mark.parametrize(
    ("shorthand", "flags", "ours"),
    [
        (r"\d", 0, charset.unicode_digits()),
        (r"\w", 0, charset.unicode_word()),
        (r"\s", 0, charset.unicode_space()),
        (r"\d", re.ASCII, charset.ASCII_DIGITS),
        (r"\w", re.ASCII, charset.ASCII_WORD),
        (r"\s", re.ASCII, charset.ASCII_SPACE),
    ],
)
def test_shorthands_are_those_of_re(shorthand: str, flags: int, ours: CharSet) -> None:
    """Every code point is asked."""
    assert members(ours) == {ord(character) for character in re.findall(shorthand, CHARACTERS, flags)}


def test_ignoring_case_is_what_re_ignores() -> None:
    """Every character with a case; the four letters i and the Greek and Latin doubles are the traps."""
    cased = [c for c in CHARACTERS if len({c, c.lower(), c.upper(), c.casefold()}) > 1]
    text = "".join(cased)
    wrong = [
        c
        for c in cased
        if members(charset.ignoring_case(((ord(c), ord(c)),)))
        != {ord(other) for other in re.findall(re.escape(c), text, re.IGNORECASE)}
    ]

    assert wrong == []


def test_ecma_262_folds_only_two_of_the_letters_i() -> None:
    """Its canonicalisation takes simple case folding, which leaves the Turkic letters alone."""
    folded = charset.ignoring_case(((ord("i"), ord("i")),), dialect="ecma")

    assert members(folded) == {ord("i"), ord("I")}


RANGES = st.lists(st.tuples(st.integers(0, 0x10FFFF), st.integers(0, 0x10FFFF)), max_size=4).map(
    lambda pairs: charset.normal((min(pair), max(pair)) for pair in pairs)
)


@given(RANGES, st.lists(st.characters(), min_size=1, max_size=20))
def test_utf8_spells_exactly_the_members(of: CharSet, others: list[str]) -> None:
    """Inside, outside, and at both sides of every edge."""
    term = utf8(of)
    edges = [
        code + step for pair in of for code in pair for step in (-1, 0, 1) if 0 <= code + step <= 0x10FFFF
    ]
    for character in [*others, *map(chr, edges)]:
        if not 0xD800 <= ord(character) <= 0xDFFF:
            assert accepts(term, character.encode()) == charset.holds(of, ord(character)), hex(ord(character))


@given(st.binary(max_size=5))
def test_utf8_holds_nothing_that_does_not_decode(text: bytes) -> None:
    """No overlong forms, no surrogates, nothing past U+10FFFF: as strict as Python's decoder."""
    try:
        one = len(text.decode()) == 1
    except UnicodeDecodeError:
        one = False

    assert accepts(utf8(charset.EVERY), text) == one


@given(RANGES, RANGES)
def test_charsets_are_sets(one: CharSet, other: CharSet) -> None:
    """Checked at the edges, where ranges go wrong."""
    edges = {c + step for pair in (*one, *other) for c in pair for step in (-1, 0, 1)} & set(range(0x110000))
    for code in edges:
        a, b = charset.holds(one, code), charset.holds(other, code)

        assert charset.holds(charset.union(one, other), code) == (a or b)
        assert charset.holds(charset.meet(one, other), code) == (a and b)
        assert charset.holds(charset.inverse(one), code) == (not a)

"""The language of a document's substrings is what `in` says, and nothing more."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from constrain.compiler import compile_regex
from constrain.errors import UnsatisfiableError, UnsupportedRegexError
from constrain.json_schema.strings import string_space
from constrain.regular.queries import accepts, enumerate_strings
from constrain.regular.substrings import SuffixAutomaton, substrings
from constrain.regular.syntax import regex_term
from tests.oracle import matching, strings_over, toy_vocabulary
from tests.strategies import small_patterns
from tests.walks import CHOOSERS, walk

DOCUMENTS = st.text(alphabet='ab\n"\\é€😀\ud800', max_size=12)
TOY = toy_vocabulary([b"ab", b"ba", b"aba", "é".encode(), "aé".encode(), b'a"', b"\\n", b"12", b"-1"])


def every_substring(document: str) -> set[str]:
    """All substrings, by definition."""
    return {document[i:j] for i in range(len(document) + 1) for j in range(i, len(document) + 1)}


def is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


@given(DOCUMENTS)
def test_holds_exactly_the_substrings(document: str) -> None:
    """In UTF-8, so that none begins or ends within a character."""
    expected = {text.encode() for text in every_substring(document) if is_text(text)}

    assert set(enumerate_strings(substrings(document), 1_000)) == expected


@given(DOCUMENTS)
def test_inside_a_json_string_a_substring_is_one_of_the_text_and_not_of_its_spelling(document: str) -> None:
    """A line break is spelled `\\n`, and does not bring an `n` into the document."""
    space = string_space("canonical")
    expected = {space_text(text) for text in every_substring(document) if is_text(text)}

    assert set(enumerate_strings(substrings(document, space.character), 1_000)) == expected


def space_text(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()


def test_every_spelling_of_a_substring_is_taken_where_any_is() -> None:
    """The document's characters count, not how JSON writes them."""
    term = substrings('a"é', string_space("any").character)

    read = [accepts(term, text) for text in (b"\\u0061\\u0022", '\\"é'.encode(), b'a\\"\\u00E9', b"\\u0062")]

    assert read == [True, True, True, False]


@given(st.text(alphabet="ab", min_size=1, max_size=60))
def test_has_fewer_than_two_states_a_character(document: str) -> None:
    """The bound of Blumer et al.; without it, long documents would not fit."""
    assert len(SuffixAutomaton(document).ways) <= 2 * len(document)


def test_a_document_of_one_letter_is_linear_too() -> None:
    """The worst case for whoever keeps lists of places."""
    automaton = SuffixAutomaton("a" * 50_000)

    assert len(automaton.ways) == 50_001


@given(small_patterns("ab"), st.text(alphabet="ab", max_size=8))
def test_a_pattern_without_groups_is_verbatim_as_a_whole(pattern: str, document: str) -> None:
    """Intersection, text by text."""
    term = regex_term(pattern, verbatim=document)
    read = {text for text in strings_over("ab", 5) if accepts(term, text.encode())}

    assert read == {text for text in matching(pattern, strings_over("ab", 5)) if text in document}


@given(small_patterns("ab"), small_patterns("ab"), st.text(alphabet="ab", max_size=6))
def test_each_named_group_is_verbatim_and_what_is_around_it_is_free(
    first: str, second: str, document: str
) -> None:
    """Here a `c` separates the groups, so there is one way to cut a text."""
    pattern = f"(?P<x>{first})c(?P<y>{second})"
    term = regex_term(pattern, verbatim=document)

    for text in (f"{x}c{y}" for x in strings_over("ab", 3) for y in strings_over("ab", 3)):
        found = re.fullmatch(pattern, text)
        expected = found is not None and all(group in document for group in found.groups())

        assert accepts(term, text.encode()) == expected


@given(
    st.text(alphabet="ab1-é ", min_size=1, max_size=20),
    st.sampled_from(
        [r"(?P<x>\w+)", r"(?P<x>[ab]+)-(?P<y>\d*)", r"(?:(?P<x>[^ ]+) )?end", r"\bx?(?P<x>a*)\b"]
    ),
    st.sampled_from(sorted(CHOOSERS)),
    st.integers(0, 1_000),
)
def test_walks_write_only_what_the_document_holds(
    document: str, pattern: str, chooser: str, seed: int
) -> None:
    """Whatever a model prefers."""
    try:
        compiled = compile_regex(pattern, TOY, verbatim=document)
    except UnsatisfiableError:
        assume(False)

    written, _ = walk(compiled, random.Random(seed), CHOOSERS[chooser], max_tokens=30)

    found = re.fullmatch(pattern, written.decode())
    assert found is not None
    assert all(group in document for group in found.groups() if group is not None)


def test_a_group_that_looks_beyond_its_end_is_refused() -> None:
    """What follows a group is not in the document, so the group alone cannot be told to be."""
    with pytest.raises(UnsupportedRegexError) as caught:
        regex_term(r"on (?P<year>\d{4}\b)", verbatim="on 2024")

    assert str(caught.value) == (
        "this pattern looks ahead, or for a word boundary, inside a group that is to be verbatim\n"
        '    "on (?P<year>\\d{4}\\b)"\n'
        "        ^\n"
        "hint: put the assertion outside: `\\b(?P<year>\\d{4})\\b` instead of `(?P<year>\\b\\d{4}\\b)`"
    )

"""Compiling says what is wrong before the first token."""

from __future__ import annotations

import pytest

from constrain.compiler import compile_json_schema, compile_regex
from constrain.errors import InvalidInputError, UnsatisfiableError
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary()


def test_an_unknown_option_is_refused_with_the_names_there_are() -> None:
    """A misspelt option that did nothing would be a silent fallback."""
    with pytest.raises(InvalidInputError) as caught:
        compile_json_schema({}, VOCABULARY, whitespaces="compact")
    assert str(caught.value).startswith("there is no option `whitespaces`\nhint: the options are ")
    assert "whitespace" in str(caught.value).split("hint:")[1]


def test_a_pattern_that_matches_nothing_is_unsatisfiable() -> None:
    """Right, but no text satisfies it: an error of its own."""
    with pytest.raises(UnsatisfiableError) as caught:
        compile_regex(r"a(?!.|$)", VOCABULARY)
    assert str(caught.value) == "no text matches `a(?!.|$)`"


def test_a_pattern_that_matches_only_nothing_ends_at_once() -> None:
    """The empty text is a text."""
    matcher = compile_regex("", VOCABULARY).matcher()

    assert matcher.is_completed()
    assert matcher.allowed_token_ids().tolist() == list(VOCABULARY.eos_token_ids)

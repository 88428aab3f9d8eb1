"""Compiling says what is wrong before the first token."""

from __future__ import annotations

import pytest

from constrain.compiler import compile_json_schema, compile_regex
from constrain.errors import InvalidInputError, UnsatisfiableError
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary()


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("whitespaces", "did you mean `whitespace`?"),
        ("max_step", "did you mean `max_steps`?"),
        (
            "temperature",
            "the options are whitespace, spelling, property_order, formats, additional_properties, verbatim, "
            "max_alternatives, max_steps, max_seconds",
        ),
    ],
)
def test_an_unknown_option_is_refused_with_the_name_that_was_meant(option: str, hint: str) -> None:
    """A misspelt option that did nothing would be a silent fallback."""
    with pytest.raises(InvalidInputError) as caught:
        compile_json_schema({}, VOCABULARY, **{option: "compact"})
    assert str(caught.value) == f"there is no option `{option}`\nhint: {hint}"


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

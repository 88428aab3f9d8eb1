"""What is found without building the language of a formula is what its language says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.json_schema.finite import few_strings
from constrain.json_schema.formula import Formula, Formulas
from constrain.json_schema.scalars import Scalars
from constrain.json_schema.strings import matches, spell_canonical
from constrain.json_schema.values import STRING, Value
from constrain.json_schema.witnesses import example, has_a_contradiction
from constrain.regular.queries import cardinality, is_empty

PATTERNS = [
    "a",
    "^a",
    "b$",
    "^(a|b)$",
    "^[ab]{1,2}$",
    "^x-",
    "^x-[0-2]$",
    "y$",
    "^(?!a)",
    "^$",
    "^x-1",
    "(?=.*a)b",
    "a$b",
]
STRINGS = ["", "a", "ab", "x-1", "y", "é"]
FORMULAS = Formulas()


def atoms() -> st.SearchStrategy[Formula]:
    values = st.lists(st.sampled_from(STRINGS), min_size=1, max_size=3).map(
        lambda texts: [Value(STRING, text) for text in texts]
    )
    return st.one_of(
        st.sampled_from(PATTERNS).map(lambda pattern: FORMULAS.word("pat", pattern)),
        st.sampled_from(PATTERNS).map(lambda pattern: FORMULAS.word("npat", pattern)),
        values.map(FORMULAS.values),
        values.map(FORMULAS.not_values),
        st.integers(1, 3).map(lambda number: FORMULAS.count("minl", number)),
        st.integers(0, 3).map(lambda number: FORMULAS.count("maxl", number)),
    )


conjunctions = st.lists(atoms(), min_size=1, max_size=5).map(FORMULAS.conj)
formulas = st.one_of(conjunctions, st.lists(conjunctions, min_size=2, max_size=3).map(FORMULAS.disj))


@given(formulas)
def test_is_empty_where_the_language_is(formula: Formula) -> None:
    scalars = Scalars("canonical")
    if formula in (FORMULAS.true, FORMULAS.false):
        return

    assert scalars.is_empty(formula, STRING) == is_empty(scalars.string_language(formula))
    assert not has_a_contradiction(formula) or is_empty(scalars.string_language(formula))


@given(formulas, st.sampled_from([1, 4, 16]))
def test_lists_the_strings_of_the_language(formula: Formula, limit: int) -> None:
    scalars = Scalars("canonical")
    if formula is FORMULAS.false:
        return
    found = scalars.finite_values(formula, STRING, limit)
    few = few_strings(scalars.string_language(formula), limit)

    assert (found is None) == (few is None)
    if found is not None and few is not None:
        assert sorted(spell_canonical(value.data) + b'"' for value in found) == sorted(few)


@given(formulas, st.sampled_from([1, 3, 17]))
def test_there_are_as_many_strings_as_witnesses(formula: Formula, wanted: int) -> None:
    scalars = Scalars("canonical")
    if scalars._has_witnesses(formula, wanted):
        count = cardinality(scalars.string_language(formula), wanted)

        assert count is None or count >= wanted


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("^(ab|c)+-[0-9]{2}$", "ab-00"), ("", ""), ("[^a]", "b"), ("é", None), ("(", None), ("\\s?x{0,2}", "")],
)
def test_examples_of_patterns(pattern: str, text: Any) -> None:
    assert example(pattern) == text
    assert text is None or matches(pattern, text)

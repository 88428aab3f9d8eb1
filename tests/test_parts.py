"""Grammars put together in Python: their texts are those of the pieces, no more and no fewer."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_part
from constrain.continuation import END
from constrain.errors import InvalidInputError, TokenError, UnsatisfiableError
from constrain.matcher import CompiledGrammar
from constrain.parts import (
    Part,
    branches,
    choice,
    either,
    json_value,
    literal,
    optional,
    regex,
    repeated,
    sequence,
    special_token,
)
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import by_trying, ids, strings_over, toy_vocabulary
from tests.walks import CHOOSERS, walk

VOCABULARY = toy_vocabulary([*(t.encode() for t in strings_over("ab", 3)), b'":', b'"}', b'{"', b'"a', b'1"'])
STRINGS = strings_over("ab", 5)

Written = tuple[Part, str]
"""A part, and the regular expression that says the same."""


def _combined(inner: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    several = st.lists(inner, min_size=1, max_size=3)
    counts = st.tuples(st.integers(0, 2), st.integers(1, 2))
    return st.one_of(
        several.map(
            lambda ways: (sequence(*(p for p, _ in ways)), "".join(f"(?:{r})" for _, r in ways)),
        ),
        several.map(
            lambda ways: (either(*(p for p, _ in ways)), "|".join(f"(?:{r})" for _, r in ways)),
        ),
        inner.map(lambda way: (optional(way[0]), f"(?:{way[1]})?")),
        inner.map(lambda way: (repeated(way[0]), f"(?:{way[1]})*")),
        st.tuples(inner, counts).map(
            lambda way: (
                repeated(way[0][0], way[1][0], sum(way[1])),
                f"(?:{way[0][1]}){{{way[1][0]},{sum(way[1])}}}",
            )
        ),
        st.dictionaries(st.text("ab", max_size=2), inner, min_size=1, max_size=3).map(
            lambda ways: (
                branches({text: part for text, (part, _) in ways.items()}),
                "|".join(f"{text}(?:{pattern})" for text, (_, pattern) in ways.items()),
            )
        ),
    )


WRITTEN: st.SearchStrategy[Written] = st.recursive(
    st.one_of(
        st.text("ab", max_size=2).map(lambda text: (literal(text), text)),
        st.sampled_from(["a*", "[ab]", "a|ba", "b{2}", "(?:ab)?"]).map(lambda p: (regex(p), p)),
        st.lists(st.text("ab", max_size=2), min_size=1, max_size=3).map(
            lambda texts: (choice(texts), "|".join(texts))
        ),
    ),
    _combined,
    max_leaves=6,
)


def accepts(compiled: CompiledGrammar, text: str) -> bool:
    """Does the grammar hold this text, read byte by byte?"""
    positions = compiled.positions
    threads = positions.read(positions.start.threads, text.encode())
    return bool(threads) and positions.intern(threads).can_end


@given(WRITTEN)
@settings(max_examples=150)
def test_a_composition_holds_exactly_what_the_same_regular_expression_holds(written: Written) -> None:
    """Empty pieces are where compositions go wrong: loops of nothing, edges that are nullable."""
    part, pattern = written
    compiled = compile_part(part, VOCABULARY)
    wrong = [text for text in STRINGS if accepts(compiled, text) != bool(re.fullmatch(pattern, text))]

    assert not wrong, pattern


@given(WRITTEN, st.sampled_from(sorted(CHOOSERS)), st.integers(0, 2**32))
@settings(max_examples=60)
def test_every_walk_ends_in_a_text_of_the_composition(written: Written, chooser: str, seed: int) -> None:
    """And the masks on the way are those of trying every token."""
    part, pattern = written
    compiled = compile_part(part, VOCABULARY)
    text, matcher = walk(compiled, random.Random(seed), CHOOSERS[chooser], max_tokens=12)

    assert re.fullmatch(pattern, text.decode())
    replay = compiled.matcher()
    for token in matcher.tokens:
        assert ids(replay.allowed_token_ids()) == by_trying(compiled, replay.position)
        assert replay.accept_token(token)


def test_a_part_before_the_same_continuation_is_the_same_continuation() -> None:
    """Memoisation by identity depends on it."""
    part = sequence("a", repeated(either("b", json_value({"type": "null"}))))

    assert part.before(END) is part.before(END)


def test_a_schema_stands_between_texts() -> None:
    """All front ends nest."""
    part = sequence("x=", json_value({"type": "integer"}, whitespace="compact"), either(";", regex("[.]{2}")))
    compiled = compile_part(part, VOCABULARY)

    assert [text for text in ["x=12;", "x=1..", "x=;", "x=1.", "x=1.5;"] if accepts(compiled, text)] == [
        "x=12;",
        "x=1..",
    ]


def test_ten_thousand_choices_are_one_trie() -> None:
    """A choice is not one thread for each text."""
    compiled = compile_part(choice([f"item {number}" for number in range(10_000)]), VOCABULARY)
    matcher = compiled.matcher()

    assert matcher.forced_bytes() == b"item "
    assert len(matcher.position.threads) == 1
    assert accepts(compiled, "item 77")
    assert not accepts(compiled, "item 77x")


def test_a_special_token_is_an_edge_that_no_text_can_spell() -> None:
    """It stands between bytes, and its shown text is not its bytes."""
    vocabulary = Vocabulary.from_tokens(
        [*(bytes((byte,)) for byte in range(256)), None, None], eos_token_ids=[257], special_token_ids=[256]
    )
    mark = special_token(vocabulary, 256, "[CALL]")
    compiled = compile_part(sequence(regex("a?"), mark, "b"), vocabulary)
    matcher = compiled.matcher()

    assert matcher.forced_bytes() == b""
    assert ids(matcher.allowed_token_ids()) == [ord("a"), 256]
    assert not matcher.accept_token(ord("["))
    assert matcher.accept_token(ord("a"))
    assert ids(matcher.allowed_token_ids()) == [256]
    assert matcher.accept_token(256)
    assert matcher.forced_bytes() == b"b"
    matcher.rollback(1)
    assert not matcher.accept_token(ord("b"))


def test_what_is_wrong_with_a_part_is_said_when_it_is_made() -> None:
    """Before anything is generated, in one sentence."""
    messages = []
    for make in (
        lambda: choice([]),
        lambda: choice([1]),  # type: ignore[list-item]
        lambda: sequence("a", 3),  # type: ignore[arg-type]
        lambda: repeated("a", 3, 2),
        lambda: regex(r"a(?!.|$)"),
        lambda: literal("\ud800"),
        lambda: special_token(VOCABULARY, 65, "A"),
        lambda: special_token(VOCABULARY, VOCABULARY.eos_token_ids[0], "<end>"),
    ):
        with pytest.raises((InvalidInputError, TokenError, UnsatisfiableError)) as caught:
            make()
        messages.append(caught.value.what)

    assert messages == [
        "there is nothing to choose from",
        "a choice is text, not an int",
        "an int is not a part of a grammar",
        "a part cannot be repeated 3 to 2 times",
        "no text matches `a(?!.|$)`",
        "half a surrogate pair, \\ud800, is character 0 of '\\ud800'",
        "token 65 is not a special token of this vocabulary",
        f"token {VOCABULARY.eos_token_ids[0]} ends a generation, so nothing can follow it",
    ]

"""The mask is exact: it equals trying every token, and it equals an enumerated language."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_regex
from constrain.errors import UnsatisfiableError
from tests.oracle import (
    by_trying,
    ids,
    matching,
    strings_over,
    tokens_that_keep,
    toy_vocabulary,
    viable_prefixes,
)
from tests.strategies import small_patterns

LETTERS = strings_over("ab", 9)
VOCABULARY = toy_vocabulary(text.encode() for text in strings_over("ab", 4))


@given(small_patterns("ab"))
@settings(max_examples=150)
def test_allows_exactly_the_tokens_that_keep_an_enumerated_language_viable(pattern: str) -> None:
    """Promise 3 from outside: `re` enumerates the language, and no code of ours is in the oracle."""
    texts = {text.encode() for text in matching(pattern, LETTERS)}
    try:
        compiled = compile_regex(pattern, VOCABULARY)
    except UnsatisfiableError:
        assert not texts
        return
    viable = viable_prefixes(texts)
    short = [prefix for prefix in viable if len(prefix) <= 3]

    for prefix in short:
        matcher = compiled.matcher()
        assert all(matcher.accept_token(byte) for byte in prefix)
        expected = tokens_that_keep(prefix, VOCABULARY, texts, viable)
        found = ids(matcher.allowed_token_ids())
        longest = max(len(VOCABULARY.tokens[t] or b"") for t in [*expected, *found, 0])
        assert [t for t in found if t in expected] == expected
        beyond = [t for t in found if t not in expected]
        assert all(_is_completed_later(compiled, prefix + (VOCABULARY.tokens[t] or b"")) for t in beyond), (
            longest
        )


def _is_completed_later(compiled, prefix: bytes) -> bool:  # type: ignore[no-untyped-def]
    """Is `prefix` completed by some text past the enumeration's length?  Breadth first over bytes a, b."""
    frontier = {prefix}
    for _ in range(14):
        frontier = {text + byte for text in frontier for byte in (b"a", b"b")}
        positions = {
            compiled.positions.intern(compiled.positions.read(compiled.positions.start.threads, t))
            for t in frontier
        }
        if any(position.can_end for position in positions):
            return True
        frontier = set(sorted(frontier)[:64])
    return False


@given(small_patterns("ab"), st.integers(0, 2**32))
@settings(max_examples=100)
def test_mask_equals_trying_every_token_along_a_walk(pattern: str, seed: int) -> None:
    """Tables and remainders are only a fast way to try every token."""
    try:
        compiled = compile_regex(pattern, VOCABULARY)
    except UnsatisfiableError:
        return
    rng = random.Random(seed)
    matcher = compiled.matcher()
    for _ in range(8):
        allowed = ids(matcher.allowed_token_ids())

        assert allowed == by_trying(compiled, matcher.position)
        if not matcher.accept_token(rng.choice(allowed)) or matcher.is_terminated():
            break


def test_every_end_of_sequence_token_is_allowed_where_the_text_may_end() -> None:
    """Models with several ends loop when one of them is missing from the mask."""
    vocabulary = toy_vocabulary(eos_tokens=3)
    matcher = compile_regex("ab?", vocabulary).matcher()

    assert ids(matcher.allowed_token_ids()) == [ord("a")]
    assert matcher.accept_token(ord("a"))
    assert ids(matcher.allowed_token_ids()) == [ord("b"), *vocabulary.eos_token_ids]

"""The mask is exact: it equals trying every token, and it equals an enumerated language."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain import masks as masks_module
from constrain.compiler import compile_json_schema, compile_part, compile_regex
from constrain.errors import UnsatisfiableError
from constrain.masks import Masks
from constrain.parts import branches, literal, regex, repeated
from constrain.position import Positions
from constrain.vocabulary.bitmask import allocate_token_bitmask, is_set
from constrain.vocabulary.spellings import Spellings
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


SEVERAL = {
    "type": "object",
    "properties": {"a": {"type": "array", "items": {"enum": [1, 12, "a", "ab"]}}, "ab": {"type": "integer"}},
    "patternProperties": {"^b": {"type": "string", "pattern": "^a*b?$"}},
}
WRITTEN = b'{"a":[1,"ab",12],"bb":"aab","bab":"","c":null,"ab":-12}'


def test_a_generation_like_one_before_costs_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token is read again, and no mask is made."""
    compiled = compile_json_schema(SEVERAL, VOCABULARY, property_order="any", whitespace="compact")
    matcher, allowed = compiled.matcher(), []
    for byte in WRITTEN:
        allowed.append(ids(matcher.allowed_token_ids()))
        assert allowed[-1] == by_trying(compiled, matcher.position)
        assert matcher.accept_token(byte)
    assert matcher.is_completed()

    again = compiled.matcher()
    bitmask = allocate_token_bitmask(1, VOCABULARY.size)
    for owner, name in ((Positions, "advance"), (Positions, "read"), (Masks, "mask"), (Masks, "_make")):
        monkeypatch.delattr(owner, name)
    for byte, tokens in zip(WRITTEN, allowed, strict=True):
        assert again.fill_next_token_bitmask(bitmask)
        assert [token for token in range(VOCABULARY.size) if is_set(bitmask[0], token)] == tokens
        assert again.accept_token(byte)


def test_a_mask_is_made_once() -> None:
    compiled = compile_json_schema(SEVERAL, VOCABULARY)
    position = compiled.positions.start
    mask = compiled.masks.mask(position)

    assert compiled.masks.mask(position) is mask is position.mask


def test_no_part_of_a_mask_is_found_out_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written of a remainder from a continuation, and where the literals of an edge lead."""
    asked: Counter[Any] = Counter()

    def count(owner: Any, name: str) -> None:
        found = getattr(owner, name)

        def counted(self: Any, *given: Any) -> Any:
            asked[name, *map(_as_key, given)] += 1
            return found(self, *given)

        monkeypatch.setattr(owner, name, counted)

    count(Masks, "_reach")
    count(Spellings, "steps")
    count(Spellings, "ends")
    schema = compile_json_schema(SEVERAL, VOCABULARY, property_order="any", whitespace="compact")
    words = compile_part(repeated(branches({"ab": literal("b"), "aa": None, "b": regex("a*b")})), VOCABULARY)
    for compiled, text in ((schema, WRITTEN), (words, b"abbaabaababbaa")):
        matcher = compiled.matcher()
        for byte in text:
            matcher.allowed_token_ids()
            assert matcher.accept_token(byte)

    assert {name for name, *_ in asked} == {"_reach", "steps", "ends"}
    assert max(asked.values()) == 1, asked.most_common(3)


def _as_key(given: Any) -> Any:
    return tuple(given) if isinstance(given, list) else given


def test_a_grammar_forgets_what_can_be_reached_when_it_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """And finds it out again."""
    monkeypatch.setattr(masks_module, "MAX_REACHES", 3)
    compiled = compile_json_schema(SEVERAL, VOCABULARY, property_order="any", whitespace="compact")
    matcher = compiled.matcher()
    for byte in WRITTEN:
        assert ids(matcher.allowed_token_ids()) == by_trying(compiled, matcher.position)
        assert matcher.accept_token(byte)
        assert sum(map(len, compiled.masks._reaches.values())) <= 3

"""One function: what the mask allows is what is accepted, and every way back is exact."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema, compile_regex
from constrain.errors import TokenError
from constrain.vocabulary.bitmask import allocate_token_bitmask, is_set
from tests.oracle import ids, strings_over, toy_vocabulary

VOCABULARY = toy_vocabulary(
    [*(t.encode() for t in strings_over("ab", 3)), b'":', b'","', b'"}', b'{"', b"},"]
)
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "array", "items": {"type": "string"}}, "ab": {"type": "integer"}},
    "required": ["a"],
}


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_accepts_exactly_what_the_mask_allows_and_a_refusal_changes_nothing(seed: int) -> None:
    """xgrammar#382 and llguidance#211: the two ways this goes wrong elsewhere."""
    rng = random.Random(seed)
    matcher = compile_json_schema(SCHEMA, VOCABULARY).matcher()
    for _ in range(30):
        allowed = set(ids(matcher.allowed_token_ids()))
        before = (matcher.position, matcher.tokens)
        refused = rng.choice([t for t in range(VOCABULARY.size) if t not in allowed])

        assert not matcher.accept_token(refused)
        assert (matcher.position, matcher.tokens) == before
        assert matcher.accept_token(rng.choice(sorted(allowed)))
        if matcher.is_terminated():
            break


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_rollback_and_fork_agree_with_a_replay_from_the_start(seed: int) -> None:
    """Promise 4: speculative decoding lives on it."""
    rng = random.Random(seed)
    compiled = compile_json_schema(SCHEMA, VOCABULARY)
    matcher = compiled.matcher()
    for _ in range(20):
        if matcher.is_terminated():
            break
        assert matcher.accept_token(rng.choice(ids(matcher.allowed_token_ids())))
    matcher.rollback(rng.randrange(len(matcher.tokens) + 1))
    twin = matcher.fork()
    replay = compiled.matcher()

    assert all(replay.accept_token(token) for token in matcher.tokens)
    for other in (replay, twin):
        assert other.text == matcher.text
        assert other.is_completed() == matcher.is_completed()
        assert ids(other.allowed_token_ids()) == ids(matcher.allowed_token_ids())
    if not twin.is_terminated():
        assert twin.accept_token(ids(twin.allowed_token_ids())[0])
        assert len(matcher.tokens) == len(twin.tokens) - 1


def test_the_bitmask_row_holds_the_allowed_ids_and_zeroes_a_wider_model() -> None:
    """Logits may be wider than the vocabulary; the words past it must refuse."""
    matcher = compile_regex("[ab]+", VOCABULARY).matcher()
    bitmask = allocate_token_bitmask(2, VOCABULARY.size + 100)
    bitmask[:] = -1

    assert matcher.fill_next_token_bitmask(bitmask, 1)
    allowed = [token for token in range(VOCABULARY.size + 100) if is_set(bitmask[1], token)]
    assert allowed == ids(matcher.allowed_token_ids())
    assert (bitmask[0] == -1).all()


def test_a_terminated_matcher_allows_and_accepts_nothing() -> None:
    """A decode loop asks once more after the end; the answer must be harmless."""
    matcher = compile_regex("a", VOCABULARY).matcher()
    end = VOCABULARY.eos_token_ids[0]
    assert matcher.accept_token(ord("a"))
    assert matcher.accept_token(end)
    bitmask = np.full((1, 40), -1, dtype=np.int32)

    assert matcher.is_terminated()
    assert matcher.is_completed()
    assert matcher.fill_next_token_bitmask(bitmask)
    assert not bitmask.any()
    assert not matcher.accept_token(end)
    assert matcher.forced_bytes() == b""
    matcher.rollback(1)
    assert ids(matcher.allowed_token_ids()) == [end]


def test_validate_tokens_counts_the_accepted_prefix_and_changes_nothing() -> None:
    """A dry run for speculative decoding."""
    matcher = compile_regex("abb?", VOCABULARY).matcher()

    assert matcher.validate_tokens([ord("a"), ord("b"), ord("b"), ord("b")]) == 3
    assert matcher.tokens == ()


def test_forced_bytes_are_the_only_way_on() -> None:
    """`"reason": "` of an object with one required key needs no model."""
    schema = {
        "type": "object",
        "properties": {"reason": {"type": "string"}},
        "required": ["reason"],
        "additionalProperties": False,
    }
    matcher = compile_json_schema(schema, VOCABULARY, whitespace="compact").matcher()

    assert matcher.forced_bytes() == b'{"reason":"'


@pytest.mark.parametrize("token", [-1, 10**6])
def test_an_id_outside_the_vocabulary_is_an_error_and_not_a_refusal(token: int) -> None:
    """It cannot come from this model: something is wired wrongly."""
    matcher = compile_regex("a", VOCABULARY).matcher()

    with pytest.raises(TokenError) as caught:
        matcher.accept_token(token)
    assert str(caught.value) == (
        f"token {token} is outside the vocabulary\n    at ids go from 0 to {VOCABULARY.size - 1}"
    )


def test_a_rollback_past_the_start_says_how_far_it_could_go() -> None:
    """The number is in the message."""
    matcher = compile_regex("a", VOCABULARY).matcher()

    with pytest.raises(TokenError) as caught:
        matcher.rollback(1)
    assert str(caught.value) == "cannot take back 1 tokens: 0 were accepted"

"""One function: what the mask allows is what is accepted, and every way back is exact."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema, compile_regex
from constrain.errors import TokenError
from constrain.matcher import Matcher
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


def replayed(matcher: Matcher) -> Matcher:
    """Another matcher that accepts the same tokens from the start."""
    replay = matcher.compiled.matcher()
    assert all(replay.accept_token(token) for token in matcher.tokens)
    return replay


def some_tokens(rng: random.Random, matcher: Matcher) -> list[int]:
    """A few tokens, most of them allowed one after the other; ends among them, and behind them."""
    ahead, found = matcher.fork(), []
    for _ in range(rng.randrange(6)):
        allowed = ids(ahead.allowed_token_ids())
        others = (VOCABULARY.eos_token_ids[0], rng.randrange(VOCABULARY.size))
        token = rng.choice(allowed if allowed and rng.random() < 0.9 else others)
        ahead.accept_token(token)
        found.append(token)
    return found


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_whatever_is_done_a_matcher_is_the_tokens_it_has_accepted(seed: int) -> None:
    """Any call in any order; after each, all that can be asked is what a replay from the start answers."""
    rng = random.Random(seed)
    compiled = compile_json_schema(SCHEMA, VOCABULARY)
    matcher, model = compiled.matcher(), list[int]()
    bitmask = allocate_token_bitmask(3, VOCABULARY.size)
    for _ in range(25):
        allowed = ids(matcher.allowed_token_ids())
        do = rng.choice(["accept", "accept", "accept", "rollback", "reset", "validate", "copy", "ask"])
        if do == "accept":
            token = rng.choice(allowed) if allowed and rng.random() < 0.8 else rng.randrange(VOCABULARY.size)
            assert matcher.accept_token(np.int64(token) if token % 2 else token) == (token in allowed)
            model += [token] if token in allowed else []
        elif do == "rollback" and model:
            count = rng.randrange(len(model) + 1)
            if count == 1:
                matcher.rollback()
            else:
                matcher.rollback(count)
            del model[len(model) - count :]
        elif do == "reset" and rng.random() < 0.2:
            matcher.reset()
            model.clear()
        elif do == "validate":
            ahead, given_tokens = replayed(matcher), some_tokens(rng, matcher)
            count = 0
            while count < len(given_tokens) and ahead.accept_token(given_tokens[count]):
                count += 1
            assert matcher.validate_tokens(given_tokens) == count
        elif do == "copy":
            make = rng.choice(
                [Matcher.fork, copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
            )
            left, matcher = matcher, make(matcher)
            if left.accept_token(rng.choice(ids(left.allowed_token_ids()) or [0])):
                left.rollback()
                left.reset()

        replay = replayed(matcher)
        assert all(type(token) is int for token in matcher.tokens)
        assert matcher.tokens == tuple(model)
        assert matcher.text == VOCABULARY.decode(model)
        assert (
            matcher.is_terminated() == replay.is_terminated() == (model[-1:] == [VOCABULARY.eos_token_ids[0]])
        )
        assert matcher.is_completed() == replay.is_completed()
        assert matcher.is_completed() == (matcher.is_terminated() or matcher.position.can_end)
        assert matcher.forced_bytes() == replay.forced_bytes()
        assert matcher.compiled is compiled or matcher.compiled.vocabulary.size == VOCABULARY.size
        bitmask[:] = -1
        row = rng.randrange(3)
        assert matcher.fill_next_token_bitmask(bitmask, row)
        assert ids(matcher.allowed_token_ids()) == ids(replay.allowed_token_ids())
        assert set_bits(bitmask[row]) == ids(matcher.allowed_token_ids())
        assert (np.delete(bitmask, row, axis=0) == -1).all()


def set_bits(row: np.ndarray) -> list[int]:
    return [token for token in range(32 * len(row)) if is_set(row, token)]


def test_a_row_too_short_for_the_vocabulary_is_an_error() -> None:
    matcher = compile_regex("a", VOCABULARY).matcher()
    words = allocate_token_bitmask(1, VOCABULARY.size).shape[1]

    with pytest.raises(TokenError) as caught:
        matcher.fill_next_token_bitmask(np.zeros((1, words - 1), dtype=np.int32))
    assert str(caught.value) == (
        f"the bitmask has {words - 1} words a row, but {VOCABULARY.size} tokens need {words}\n"
        "hint: allocate it with allocate_token_bitmask(batch_size, vocabulary.size)"
    )


@pytest.mark.parametrize("wider", [0, 1, 40])
def test_a_row_of_any_width_is_written_whole(wider: int) -> None:
    """Behind the end as well, where nothing is allowed."""
    matcher = compile_regex("zy", VOCABULARY).matcher()
    words = allocate_token_bitmask(1, VOCABULARY.size).shape[1]
    for token in (ord("z"), ord("y"), VOCABULARY.eos_token_ids[0]):
        bitmask = np.full((1, words + wider), -1, dtype=np.int32)
        assert matcher.fill_next_token_bitmask(bitmask)
        assert set_bits(bitmask[0]) == [token]
        assert matcher.accept_token(token)
    bitmask = np.full((1, words + wider), -1, dtype=np.int32)

    assert matcher.fill_next_token_bitmask(bitmask)
    assert not bitmask.any()
    assert matcher.allowed_token_ids().dtype == np.int32
    assert matcher.allowed_token_ids().shape == (0,)


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


@pytest.mark.parametrize("token", [-1, VOCABULARY.size, 10**6])
def test_an_id_outside_the_vocabulary_is_an_error_and_not_a_refusal(token: int) -> None:
    """It cannot come from this model: something is wired wrongly."""
    matcher = compile_regex("a", VOCABULARY).matcher()

    with pytest.raises(TokenError) as caught:
        matcher.accept_token(token)
    assert str(caught.value) == (
        f"token {token} is outside the vocabulary\n    at ids go from 0 to {VOCABULARY.size - 1}"
    )


@pytest.mark.parametrize("count", ["1", 1.5, -1, None, True])
def test_a_number_of_tokens_that_is_none_is_an_error_of_tokens(count: Any) -> None:
    with pytest.raises(TokenError):
        compile_regex("a", VOCABULARY).matcher().rollback(count)


def test_a_rollback_past_the_start_says_how_far_it_could_go() -> None:
    """The number is in the message."""
    matcher = compile_regex("a", VOCABULARY).matcher()

    with pytest.raises(TokenError) as caught:
        matcher.rollback(1)
    assert str(caught.value) == "cannot take back 1 tokens: 0 were accepted"

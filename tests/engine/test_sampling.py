"""Choosing among the allowed tokens alone is choosing under the mask."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.engine.masking import Mask
from constrain.engine.sampling import Sampler, choose, make_sampler
from constrain.errors import InvalidInputError
from tests.engine.fakes import words_of

SIZE = 200


@given(
    allowed=st.sets(st.integers(0, SIZE - 1), min_size=1),
    seed=st.integers(0, 1000),
    temp=st.sampled_from([0.0, 0.3, 1.5]),
    top_p=st.sampled_from([0.0, 0.5, 0.95]),
    min_p=st.sampled_from([0.0, 0.1]),
    top_k=st.sampled_from([0, 1, 5, 500]),
)
def test_never_chooses_a_token_the_mask_forbids(
    *, allowed: set[int], seed: int, temp: float, top_p: float, min_p: float, top_k: int
) -> None:
    """Also where top_k is larger than what the mask leaves, which mlx-lm's own sampler refuses."""
    mx.random.seed(seed)
    logits = mx.random.normal((1, SIZE)) * 4

    choice = choose(
        logits,
        Mask.of(words_of(sorted(allowed), SIZE)),
        make_sampler(temp, top_p=top_p, min_p=min_p, top_k=top_k),
    )

    assert choice.token.item() in allowed


@given(allowed=st.sets(st.integers(0, SIZE - 1), min_size=1), seed=st.integers(0, 1000))
def test_greedy_takes_the_best_allowed_token_by_either_way(allowed: set[int], seed: int) -> None:
    """A foreign sampler is shown the whole masked row, ours only the allowed logits."""
    mx.random.seed(seed)
    logits = mx.random.normal((1, SIZE))
    mask = Mask.of(words_of(sorted(allowed), SIZE))
    best = max(allowed, key=lambda t: np.array(logits)[0, t])

    assert choose(logits, mask, Sampler()).token.item() == best
    assert choose(logits, mask, lambda row: mx.argmax(row, axis=-1)).token.item() == best


def test_a_foreign_sampler_sees_normalized_log_probabilities_of_every_token() -> None:
    """Samplers written for mlx-lm may index by token id."""
    seen: list[mx.array] = []

    def spy(logprobs: mx.array) -> mx.array:
        seen.append(logprobs)
        return mx.argmax(logprobs, axis=-1)

    choose(mx.zeros((1, SIZE)), Mask.of(words_of([3, 4], SIZE)), spy)

    probabilities = np.exp(np.array(seen[0]))
    assert probabilities.shape == (1, SIZE)
    assert probabilities[0, 3] == pytest.approx(0.5)
    assert probabilities.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"temp": -1.0},
            "temp=-1.0 is not a temperature\nhint: 0 is greedy; 0.1 to 0.3 suits structured output",
        ),
        (
            {"top_p": 1.5},
            "top_p=1.5 is not a probability\nhint: give a number from 0 to 1; 0 or 1 keeps every token",
        ),
        (
            {"min_p": -0.1},
            "min_p=-0.1 is not a probability\nhint: give a number from 0 to 1; 0 keeps every token",
        ),
        ({"top_k": -3}, "top_k=-3 is not a number of tokens\nhint: 0 keeps every token"),
    ],
)
def test_refuses_settings_that_mean_nothing(arguments: dict[str, float], message: str) -> None:
    """A negative temperature would sample the least likely tokens."""
    with pytest.raises(InvalidInputError) as error:
        make_sampler(**arguments)  # type: ignore[arg-type]

    assert str(error.value) == message

"""A packed mask on logits does what its bits say."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.engine.masking import Mask, MaskRow, apply_bitmask
from constrain.errors import ConstrainError
from tests.engine.fakes import Script, words_of

TYPES = st.sampled_from([mx.float32, mx.float16, mx.bfloat16])


@given(size=st.integers(1, 100), padding=st.integers(0, 70), dtype=TYPES, data=st.data())
def test_puts_minus_infinity_under_exactly_the_zeros(
    size: int, padding: int, dtype: mx.Dtype, data: st.DataObject
) -> None:
    """For every width, also where the logits are wider than the mask, and every float type."""
    allowed = data.draw(st.sets(st.integers(0, size - 1)))
    logits = mx.arange(size + padding).astype(dtype)[None]

    masked = apply_bitmask(logits, words_of(sorted(allowed), size))

    assert masked.dtype == dtype
    kept = np.array(masked[0].astype(mx.float32))
    expected = np.array(logits[0].astype(mx.float32))
    assert {i for i in range(size + padding) if kept[i] != -np.inf} == allowed
    assert all(kept[i] == expected[i] for i in allowed)


def test_masks_each_row_of_a_batch_by_its_own_words() -> None:
    """Batched decoding sends one row per sequence."""
    words = np.stack([words_of([1], 40), words_of([0, 39], 40)])

    masked = np.array(apply_bitmask(mx.zeros((2, 40)), words))

    assert [np.flatnonzero(row == 0).tolist() for row in masked] == [[1], [0, 39]]


@given(st.sets(st.integers(0, 299)))
def test_lists_the_ids_that_are_set(ids: set[int]) -> None:
    """The sparse path and the dense one see the same tokens."""
    mask = Mask.of(words_of(sorted(ids), 300))

    assert mask.count == len(ids)
    assert mask.ids.tolist() == sorted(ids)


def test_refuses_a_mask_that_allows_nothing_before_it_becomes_token_0() -> None:
    """On the device an empty mask is NaN, and argmax of NaN is token 0, without any error."""
    over = Script([frozenset({5})], size=40, tokens=[5, 2])

    with pytest.raises(ConstrainError) as error:
        MaskRow(40).fill(over)

    assert str(error.value) == (
        "the mask allows no token, so there is nothing to sample\n"
        "hint: a matcher that has accepted an end token is over: reset() it, or make a new one"
    )

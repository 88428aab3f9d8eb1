"""A model is used in two halves only where the halves are the whole."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn

from constrain.engine.model import LoadedModel
from constrain.engine.network import Network

TOKENS = mx.array([[9906, 11, 1917]])


class Capped(nn.Module):
    """A model that caps its logits after the head, as Gemma does."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.model = inner.model
        self.args = inner.args
        self.layers = inner.layers

    def __call__(self, inputs: mx.array, cache: Any = None) -> mx.array:
        return mx.tanh(self.model.embed_tokens.as_linear(self.model(inputs, cache)) * 50)


def logits(network: Network) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array(network.head(network.body(TOKENS, network.make_cache())))


def test_the_halves_of_a_llama_are_found(random_model: LoadedModel) -> None:
    """Tied embeddings make the head; the answers are equal bit by bit."""
    network = Network.of(random_model.model)

    assert network.body is random_model.model.model
    assert network.rows is not None
    np.testing.assert_array_equal(logits(network), np.array(random_model.model(TOKENS))[:, -1])


def test_a_model_that_changes_its_logits_after_the_head_stays_whole(random_model: LoadedModel) -> None:
    """The convention would find a body and a head here, and be wrong."""
    capped = Capped(random_model.model)

    network = Network.of(capped)

    assert network.rows is None
    np.testing.assert_array_equal(logits(network), np.array(capped(TOKENS))[:, -1])


@pytest.mark.parametrize("bits", [4, 8])
def test_rows_of_a_quantized_head_are_rows_of_its_logits(random_model: LoadedModel, bits: int) -> None:
    """Most MLX models are quantized."""
    embedding = nn.Embedding(512, 64)
    quantized = nn.QuantizedEmbedding.from_embedding(embedding, group_size=64, bits=bits)

    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = nn.Module()
            self.model.embed_tokens = quantized

    from constrain.engine.network import _rows_of

    rows = _rows_of(Small())
    assert rows is not None
    hidden = mx.random.normal((1, 1, 64))
    ids = mx.array([3, 77, 500])

    np.testing.assert_allclose(
        np.array(rows(hidden, ids)),
        np.array(quantized.as_linear(hidden)[:, -1])[:, [3, 77, 500]],
        rtol=1e-3,
        atol=1e-4,
    )

"""Which token is taken, among those a mask allows?

A sampler is a plain callable, the one mlx-lm uses: a row of log-probabilities (batch, n) in, token indices
(batch,) out.  `make_sampler` builds one from the usual numbers; any other callable of that shape will do.

`choose` joins a sampler with a mask.  Suppose the mask allows tokens 7, 90 and 512 only: the sampler is
shown the row of those three logits, answers 1, and the token is 90.  That is exact, not an
approximation: after masking and normalising, every other token has probability zero, so top-p, min-p
and top-k decide among the same three.

Source: the samplers are `mlx_lm.sample_utils`.  We depart from it in two ways.
1. Greedy choice reads the logits as they are.  mlx-lm normalises first (log-sum-exp over the whole
   vocabulary, 1.4 ms on a CPU core), which cannot change an argmax.
2. top_k larger than the row keeps the whole row.  mlx-lm refuses, and a mask can leave fewer than k.

A sampler made elsewhere may look at token ids (XTC's special tokens, a bias), so it is always given
the full row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite
from typing import NamedTuple, cast

import mlx.core as mx

from constrain.engine.masking import Mask, apply_bitmask
from constrain.engine.options import real, whole
from constrain.errors import InvalidInputError, ModelError

SamplerFunction = Callable[[mx.array], mx.array]

NOT_FINITE = "the model's logits are NaN or infinite, and say nothing about the next token"
NOT_FINITE_HINT = (
    "weights that are damaged do this, and a precision that they overflow (float16 ends at 65,504)"
)


@dataclass(frozen=True, slots=True)
class Sampler:
    """Temperature and truncation, as a callable from log-probabilities (batch, n) to indices (batch,)."""

    temp: float = 0.0
    top_p: float = 0.0
    min_p: float = 0.0
    top_k: int = 0

    @property
    def is_greedy(self) -> bool:
        """Whether the most probable token is always taken."""
        return self.temp == 0.0

    def __call__(self, logprobs: mx.array) -> mx.array:
        """Choose an index of each row."""
        if self.is_greedy:
            return mx.argmax(logprobs, axis=-1)
        top_k = self.top_k if self.top_k < logprobs.shape[-1] else 0
        return _mlx_sampler(self.temp, self.top_p, self.min_p, top_k)(logprobs)


def make_sampler(temp: float = 0.0, *, top_p: float = 0.0, min_p: float = 0.0, top_k: int = 0) -> Sampler:
    """Build a sampler; `temp=0` takes the most probable token, and 0 switches the others off.

    >>> make_sampler(0.3, top_p=1.5)
    Traceback (most recent call last):
        ...
    constrain.errors.InvalidInputError: top_p=1.5 is not a probability
    hint: give a number from 0 to 1; 0 or 1 keeps every token
    """
    temp, top_p, min_p = real("temp", temp), real("top_p", top_p), real("min_p", min_p)
    top_k = whole("top_k", top_k, least=-(2**63), most=2**31)
    if not 0.0 <= temp < inf:
        raise InvalidInputError(
            f"temp={temp} is not a temperature", hint="0 is greedy; 0.1 to 0.3 suits structured output"
        )
    for name, value in (("top_p", top_p), ("min_p", min_p)):
        if not 0.0 <= value <= 1.0:
            keeps = "0 or 1" if name == "top_p" else "0"
            raise InvalidInputError(
                f"{name}={value} is not a probability",
                hint=f"give a number from 0 to 1; {keeps} keeps every token",
            )
    if top_k < 0:
        raise InvalidInputError(f"top_k={top_k} is not a number of tokens", hint="0 keeps every token")
    return Sampler(temp, top_p, min_p, top_k)


@lru_cache(maxsize=256)
def _mlx_sampler(temp: float, top_p: float, min_p: float, top_k: int) -> SamplerFunction:
    from mlx_lm.sample_utils import make_sampler as make

    sampler: SamplerFunction = make(temp=temp, top_p=top_p, min_p=min_p, top_k=top_k)
    return sampler


class Choice(NamedTuple):
    """A choice in the queue: a token id (1,), its score (1,), and the row (1, n) that the sampler saw."""

    token: mx.array
    score: mx.array
    row: mx.array

    def read(self, mask: Mask) -> int:
        """Wait for the token.  Raises ModelError where the logits it was chosen by are NaN or infinite.

        One look at its score tells: NaN in a row is the greatest, or makes all of it NaN.  A token without
        probability is the sampler's fault, unless no token had any.
        """
        token, score = cast(int, self.token.item()), cast(float, self.score.item())
        if not isfinite(score) and (mask.allows(token) or not isfinite(cast(float, self.row.max().item()))):
            raise ModelError(NOT_FINITE, hint=NOT_FINITE_HINT)
        return token


def choose(logits: mx.array, mask: Mask, sampler: SamplerFunction) -> Choice:
    """Queue the choice of one token by logits (1, W), among those that a mask allows."""
    if isinstance(sampler, Sampler) and mask.few:
        return choose_among(mx.take(logits, mx.array(mask.ids), axis=-1), mask, sampler)
    masked = apply_bitmask(logits, mask.words)
    row = masked if isinstance(sampler, Sampler) and sampler.is_greedy else normalize(masked)
    token = sampler(row)
    return Choice(token, mx.take(row, token), row)


def choose_among(logits: mx.array, mask: Mask, sampler: Sampler) -> Choice:
    """The same where logits (1, k) are those of `mask.ids` already."""
    row = logits if sampler.is_greedy else normalize(logits)
    index = sampler(row)
    return Choice(mx.take(mx.array(mask.ids), index), mx.take(row, index), row)


def normalize(logits: mx.array) -> mx.array:
    """Log-probabilities of each row."""
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)

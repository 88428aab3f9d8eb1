"""How probable is each of some answers?

The probability of an answer is the product of what the model gives to its tokens, one after the other, and
to the end behind them:

    log p("Rome")  =  log p("R" | prompt) + log p("ome" | prompt R) + log p(end | prompt Rome)

where `end` is any of the model's end tokens, their probabilities added.  Among several answers each one's
share is its probability divided by the sum of all, so that the shares add up to one:

    log share(a)  =  log p(a) - log sum over b of exp(log p(b))

Three things to know about these numbers.

1. One spelling counts: the tokens the tokenizer writes for the answer (where those would not write exactly
   this text, as with a tokenizer that puts a space first, the longest tokens that do).  The same text in
   other tokens adds a little probability, which is left out for every answer alike.
2. They are the model's own, without a mask, temperature or penalties.  A mask decides token by token and
   looks no further, so the greedy answer under a mask need not be the one with the largest share.
3. No length is taken out.  Because the end counts, `Rome` does not also collect what `Rome Street` has.

The other question here is what a mask takes away: `removed`.

Cost: the prompt is read once, and then each answer's tokens in a pass of their own over a copy of its cache.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, cast

import mlx.core as mx
import numpy as np

from constrain.engine.masking import MaskRow, apply_bitmask
from constrain.engine.network import Cache, Network
from constrain.engine.sampling import NOT_FINITE, NOT_FINITE_HINT
from constrain.errors import ModelError
from constrain.matcher import Matcher
from constrain.vocabulary.vocabulary import Vocabulary

READ_AT_ONCE = 512
SCORED_AT_ONCE = 8
"""Positions per pass whose logits are read; the embedded model scores no more."""


def shares(
    network: Network, prompt: Sequence[int], texts: Sequence[str], vocabulary: Vocabulary, tokenizer: Any
) -> list[float]:
    """The logarithm of each text's share of the probability that all of them have together.

    Raises ModelError where the logits are NaN or infinite.
    """
    cache = _read(network, prompt[:-1])
    ends = mx.array(vocabulary.eos_token_ids)
    scores = [
        _score(network, copy.deepcopy(cache), prompt[-1], spelled(text, vocabulary, tokenizer), ends)
        for text in texts
    ]
    total = float(np.logaddexp.reduce(scores))
    if not np.isfinite(total):
        raise ModelError(NOT_FINITE, hint=NOT_FINITE_HINT)
    return [score - total for score in scores]


def removed(network: Network, before: Sequence[int], tokens: Sequence[int], matcher: Matcher) -> float:
    """The share of the model's probability that the masks of an answer took away, mean over its `tokens`.

    `before` is what the model had read, and `matcher` stands where the answer begins.  0 where it has none.
    """
    if not tokens:
        return 0.0
    row, lost = MaskRow(matcher.vocabulary.size), 0.0
    cache = _read(network, before[:-1])
    for token, logits in zip(tokens, _logits(network, cache, [before[-1], *tokens[:-1]]), strict=True):
        masked = apply_bitmask(logits[None], row.fill(matcher).words)
        kept = mx.exp(mx.logsumexp(masked) - mx.logsumexp(logits))
        lost += 1.0 - float(cast(float, kept.item()))
        matcher.accept_token(token)
    return max(lost / len(tokens), 0.0)


def _read(network: Network, tokens: Sequence[int]) -> Cache:
    """A cache of these tokens."""
    cache = network.make_cache()
    for start in range(0, len(tokens), READ_AT_ONCE):
        network.body(mx.array([tokens[start : start + READ_AT_ONCE]]), cache)
        mx.eval([layer.state for layer in cache])
    return cache


def _logits(network: Network, cache: Cache, tokens: Sequence[int]) -> Iterator[mx.array]:
    """The logits (V,) behind each of some tokens."""
    for start in range(0, len(tokens), SCORED_AT_ONCE):
        inputs = tokens[start : start + SCORED_AT_ONCE]
        hidden = network.body(mx.array([inputs]), cache)
        for offset in range(len(inputs)):
            yield network.head(hidden[:, offset : offset + 1])[0].astype(mx.float32)


def _score(network: Network, cache: Cache, last: int, tokens: Sequence[int], ends: mx.array) -> float:
    """The log-probability of `tokens` and an end behind `last`."""
    score = 0.0
    for place, logits in enumerate(_logits(network, cache, [last, *tokens])):
        chosen = logits[tokens[place]] if place < len(tokens) else mx.logsumexp(logits[ends])
        score += float(cast(float, (chosen - mx.logsumexp(logits)).item()))
    return score


def spelled(text: str, vocabulary: Vocabulary, tokenizer: Any) -> list[int]:
    """The tokens that write `text`: its tokenizer's if they write exactly that, or else the longest."""
    wanted = text.encode()
    tokens = [int(token) for token in tokenizer.encode(text, add_special_tokens=False)]
    if all(token < vocabulary.size for token in tokens) and vocabulary.decode(tokens) == wanted:
        return tokens
    ids = {token: index for index, token in reversed(list(enumerate(vocabulary.tokens))) if token}
    longest, found = max(map(len, ids)), []
    while wanted:
        size = next(n for n in range(min(longest, len(wanted)), 0, -1) if wanted[:n] in ids)
        found.append(ids[wanted[:size]])
        wanted = wanted[size:]
    return found

"""How are tokens decoded under a mask without keeping the device waiting?

A mask needs the token before it, and the token is on the device.  Whoever reads it, computes a mask, and
only then submits the next forward pass, leaves the device idle for as long as the host is busy, once per
token (others measured -20 %).  But the forward pass does not need the mask: only the choice after it
does.  So the order is:

    device   | choose n | forward n+1 ............ | head, choose n+1 | forward n+2 ...
    host     |    queue forward n+1, read n, accept n, fill mask, queue choose n+1, yield n

Token n is read when it is chosen, while the device is already at the forward pass that token feeds (as a lazy
array it can be passed on before anybody knows it); the mask is ready, and the choice queued, long before that
pass ends.

Tokens that are no choice cost less still:

- A mask with one bit is not sampled: the token is known on the host, and waits in `pending`.  Several in a
  row are appended in one forward pass, when a real choice needs the hidden state.
- Where the *text* is forced for a while (`{"name": "`), `forcing` spells it canonically and appends it
  the same way.
- Where only end tokens are allowed, the text is over and no forward pass is made for it.
- A constraint may refuse what its mask allows (`constrain/finishing.py`): another token is then chosen from
  the same hidden state.  Where it says that it may (`may_refuse`), it is asked before the forward pass is
  made; elsewhere that pass is taken back out of the cache.  A cache that cannot do that is kept waiting.
- With few tokens allowed, the head is multiplied by their rows only (`Network.rows`).

Source: the queue order is mlx-lm's own (`generate_step` submits step n+1 before it reads n), with the mask
put where it costs nothing.  Cost: the mask hides behind the forward pass; one pass is thrown away at the
end, because it was submitted before the last token was read.  Measurements: docs/masks.md.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from math import inf
from typing import Literal

import mlx.core as mx

from constrain.engine.masking import Constraint, Mask, MaskRow
from constrain.engine.network import Cache, Network
from constrain.engine.sampling import Choice, Sampler, SamplerFunction, choose, choose_among
from constrain.errors import ConstrainError, InvalidInputError, LimitExceeded

FinishReason = Literal["stop", "length"]

PREFILL_STEP = 512
CLEAR_EVERY = 256
"""Tokens between two calls of mx.clear_cache, without which the pool of buffers grows for ever."""

Forcing = Callable[[Constraint, Mask], Sequence[int]]
"""Given a constraint and its mask, the tokens that are certain from here (perhaps none)."""


def decode(
    network: Network,
    prompt: Sequence[int],
    constraint: Constraint,
    *,
    vocabulary_size: int,
    end_tokens: Sequence[int],
    max_tokens: int,
    sampler: SamplerFunction | None = None,
    forcing: Forcing | None = None,
    cache: Cache | None = None,
) -> Generator[int, None, FinishReason]:
    """Yield the tokens of one text under `constraint`; the generator's return value says why it ended.

    End tokens are never yielded.  With a `cache`, `prompt` is what follows the tokens already in it.
    `finish = yield from decode(...)` is "stop" where the text is complete and "length" where
    `max_tokens` or the model's context ran out first.

    Raises ModelError where the logits that a token is chosen by are NaN or infinite.
    """
    cache = network.make_cache() if cache is None else cache
    room = check_prompt(network, prompt, _length(cache))
    max_tokens = max_tokens if room is None else min(max_tokens, room)
    run = _Run(network, cache, sampler if sampler is not None else Sampler())
    run.prefill(prompt)
    row, ends, produced = MaskRow(vocabulary_size), frozenset(end_tokens), 0
    refuses = hasattr(constraint, "may_refuse")
    ready: list[int] = []
    while True:
        mask = row.fill(constraint)
        careful = refuses and (constraint.may_refuse or not run.can_take_back())  # type: ignore[attr-defined]
        finish = _finished(constraint, mask, ends, produced, max_tokens)
        certain: Sequence[int] = ()
        if finish is None:
            certain = _certain(constraint, mask, forcing)[: max_tokens - produced]
            if not certain:
                run.queue_choice(mask, ahead=not careful)
        yield from ready
        if finish is not None:
            return finish
        if certain:
            ready = list(certain)
        else:
            ready = [run.read_choice(mask)]
            if ready[0] in ends:
                return "stop"
        for index, token in enumerate(ready):
            if not constraint.accept_token(token):
                if not refuses:
                    raise ConstrainError(f"token {token} was chosen under the mask, and then refused")
                if not careful and not certain:
                    run.take_back()
                del ready[index:]
                break
        if certain or careful:
            run.pending.extend(ready)
        produced += len(ready)
        if produced % CLEAR_EVERY < len(ready):
            mx.clear_cache()


class _Run:
    """What one decode has in flight: the cache, the hidden state, the tokens not yet in the cache."""

    __slots__ = ("_before", "_cache", "_choice", "_hidden", "_network", "_sampler", "pending")

    def __init__(self, network: Network, cache: Cache, sampler: SamplerFunction) -> None:
        self._network = network
        self._cache = cache
        self._sampler = sampler
        self._hidden: mx.array | None = None
        self._before: mx.array | None = None
        self._choice: Choice | None = None
        self.pending: list[int] = []

    def prefill(self, prompt: Sequence[int]) -> None:
        """Put the prompt into the cache chunk by chunk; its last chunk waits like a forced token."""
        whole = (len(prompt) - 1) // PREFILL_STEP * PREFILL_STEP
        for start in range(0, whole, PREFILL_STEP):
            self._network.body(mx.array([prompt[start : start + PREFILL_STEP]]), self._cache)
            mx.eval([layer.state for layer in self._cache])
            mx.clear_cache()
        self.pending = list(prompt[whole:])

    def queue_choice(self, mask: Mask, *, ahead: bool) -> None:
        """Submit the choice of a token and, if `ahead`, the forward pass that the chosen token feeds."""
        if self.pending:
            self._forward(mx.array([self.pending]))
            self.pending = []
        self._choice = self._choose(mask)
        mx.async_eval(self._choice.token, self._choice.score)  # type: ignore[no-untyped-call]
        if ahead:
            self._before = self._hidden
            self._forward(self._choice.token[None])
            mx.async_eval(self._hidden)  # type: ignore[no-untyped-call]

    def read_choice(self, mask: Mask) -> int:
        """Wait for the token (not for the forward pass behind it)."""
        assert self._choice is not None
        return self._choice.read(mask)

    def can_take_back(self) -> bool:
        """Can the pass after the next one be taken back?"""
        # A rotating cache forgets what it writes over; it has room for one token more, or has not.
        return all(
            layer.is_trimmable() and (getattr(layer, "max_size", None) or inf) > _length([layer]) + 1
            for layer in self._cache
        )

    def take_back(self) -> None:
        """Take the token that was passed on ahead out of the cache; the next choice is made where it was."""
        from mlx_lm.models.cache import trim_prompt_cache

        trim_prompt_cache(self._cache, 1)
        self._hidden = self._before

    def _forward(self, tokens: mx.array) -> None:
        self._hidden = self._network.body(tokens, self._cache)[:, -1:]

    def _choose(self, mask: Mask) -> Choice:
        assert self._hidden is not None
        if mask.few and self._network.rows is not None and isinstance(self._sampler, Sampler):
            return choose_among(self._network.rows(self._hidden, mx.array(mask.ids)), mask, self._sampler)
        return choose(self._network.head(self._hidden), mask, self._sampler)


def _certain(constraint: Constraint, mask: Mask, forcing: Forcing | None) -> Sequence[int]:
    if mask.count == 1:
        return (int(mask.ids[0]),)
    return forcing(constraint, mask) if forcing is not None else ()


def _finished(
    constraint: Constraint, mask: Mask, ends: frozenset[int], produced: int, max_tokens: int
) -> FinishReason | None:
    if constraint.is_completed() and mask.count <= len(ends) and ends.issuperset(mask.ids.tolist()):
        return "stop"
    return "length" if produced >= max_tokens else None


def _length(cache: Cache) -> int:
    """How many tokens a cache holds already."""
    return max((int(getattr(layer, "offset", 0)) for layer in cache), default=0)


def check_prompt(network: Network, prompt: Sequence[int], cached: int = 0) -> int | None:
    """Refuse an empty prompt, or one that fills the context; return the room left (None: no limit)."""
    if not prompt:
        raise InvalidInputError("the prompt is empty", hint="a model needs at least one token to start from")
    limit, length = network.context, len(prompt) + cached
    if limit is None:
        return None
    if length >= limit:
        raise LimitExceeded(
            f"the prompt has {length:,} tokens, and the model's context is {limit:,}",
            hint="shorten the prompt; if the schema takes the room, pass schema_in_prompt=False",
        )
    return limit - length

"""How does a constraint serve mlx-lm's own loops: generate, its batch generator, its server?

mlx-lm calls a *logits processor* `f(tokens, logits) -> logits` before each choice.  What `tokens` holds
depends on the caller, and has changed between releases:

    stream_generate            the whole prompt, then everything generated
    ... with a prompt cache    only the part of the prompt that was not cached
    BatchGenerator, server     one sequence of the batch, cached prefix and prompt included
    speculative decoding       the last prompt token, then drafts; it *shrinks* when drafts are refused

One fact holds for all four: the first call comes before anything is generated.  So its length is the mark,
and what stands after the mark is the generated text.  The rules that follow:

Rule 1: the tokens are the truth.  The matcher is moved to agree with them, backwards (`rollback`) where a
draft was refused; the one new token of the common case is all that is read then.
Rule 2: it never raises.  An exception here ends mlx-lm's generation thread, and with it the server.  A token
the constraint refuses (someone sampled past the mask) ends the text: `error` says why, and only end tokens
are allowed from there.
Rule 3: it is harmless after the end.  mlx-lm runs one step ahead and asks once more after an end token.
Rule 4: one sequence, one processor.  Make one for each; for a batch, pass `[[f], [g]]` to
`BatchGenerator.insert`.

The order of the queue is what keeps it fast.  mlx-lm calls the processor while step n+1 is only *built*:
reading token n first would leave the device idle.  So token n is queued, then the logits (the whole forward
pass), and only then token n is read: it is ready long before the pass is, and the mask is made meanwhile.
Measured with a mask made artificially slow, 60 ms: 227 ms per token when read first, 176 so.

Put it last in the list: penalties and biases applied after it could lift a masked token; and repetition
penalties hit the quotes and braces that JSON must repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import mlx.core as mx
import numpy as np

from constrain.errors import ConstrainError
from constrain.vocabulary.bitmask import Words, allocate_token_bitmask, set_tokens
from engine.masking import Constraint, Mask, apply_bitmask


class GrammarLogitsProcessor:
    """A constraint as an mlx-lm logits processor, for one sequence.

    processor = GrammarLogitsProcessor(compiled.matcher())
    mlx_lm.generate(model, tokenizer, prompt, logits_processors=[processor])
    """

    def __init__(self, matcher: Constraint, *, vocabulary_size: int | None = None) -> None:
        self.matcher = matcher
        self.error: ConstrainError | None = None
        vocabulary: Any = getattr(matcher, "vocabulary", None)
        size = vocabulary_size if vocabulary_size is not None else int(vocabulary.size)
        self._bitmask = allocate_token_bitmask(1, size)
        self._end: Words = allocate_token_bitmask(1, size)[0]
        set_tokens(self._end, getattr(vocabulary, "eos_token_ids", ()))
        self._mark: int | None = None
        self._accepted: list[int] = []

    def __call__(self, tokens: mx.array | Sequence[int], logits: mx.array) -> mx.array:
        """Mask `logits`, (1, V) or (V,), for the token that follows `tokens`, a list or 1-D array of ints."""
        try:
            words = self._next(tokens, logits)
        except Exception as problem:  # Rule 2: whatever goes wrong, the caller's thread must live
            self._fail(f"the constraint failed: {type(problem).__name__}: {problem}")
            words = self._end
        if not words.any():
            return logits
        return apply_bitmask(logits, words) if logits.ndim == 2 else apply_bitmask(logits[None], words)[0]

    def reset(self) -> None:
        """Forget the sequence, so that the processor can serve another one from the start."""
        self.matcher.rollback(len(self._accepted))
        self.error, self._mark, self._accepted = None, None, []

    def _next(self, tokens: mx.array | Sequence[int], logits: mx.array) -> Words:
        if self._mark is None:
            self._mark = len(tokens)
        self._follow(tokens, logits)
        if self.error is not None or self.matcher.is_terminated():
            return self._end
        self.matcher.fill_next_token_bitmask(self._bitmask, 0)
        if Mask.of(self._bitmask[0]).count == 0:
            self._fail("the mask allows no token")
            return self._end
        row: Words = self._bitmask[0]
        return row

    def _follow(self, tokens: mx.array | Sequence[int], logits: mx.array) -> None:
        """Rule 1: bring the matcher to where `tokens` is."""
        assert self._mark is not None
        if len(tokens) == self._mark + len(self._accepted) + 1:
            fresh = [_read_last(tokens, logits)]
        else:
            generated = _as_list(tokens)[self._mark :]
            same = _common(generated, self._accepted)
            self._take_back(len(self._accepted) - same)
            fresh = generated[same:]
        for token in fresh:
            if (
                self.error is None
                and not self.matcher.is_terminated()
                and not self.matcher.accept_token(token)
            ):
                self._fail(f"token {token} is not allowed after {len(self._accepted)} generated tokens")
            self._accepted.append(token)

    def _take_back(self, count: int) -> None:
        """Undo `count` tokens; the matcher may have refused or ignored the last of them."""
        if count == 0:
            return
        kept = self._accepted[: len(self._accepted) - count]
        followed = getattr(self.matcher, "tokens", None)
        if self.error is None and (followed is None or len(followed) == len(self._accepted)):
            self.matcher.rollback(count)
            self._accepted = kept
            return
        self.matcher.rollback(len(followed or ()))
        self.error, self._accepted = None, []
        for token in kept:
            if not self.matcher.accept_token(token):
                self._fail(f"token {token} is not allowed after {len(self._accepted)} generated tokens")
            self._accepted.append(token)

    def _fail(self, what: str) -> None:
        self.error = self.error or ConstrainError(
            what, hint="from here only the end is allowed; is the processor the last of the list, and new?"
        )


def _read_last(tokens: mx.array | Sequence[int], logits: mx.array) -> int:
    """Read the newest token in the order that lets the device go on: token, logits, then wait."""
    last = tokens[-1]
    if isinstance(last, mx.array):
        mx.async_eval(last)  # type: ignore[no-untyped-call]
        mx.async_eval(logits)  # type: ignore[no-untyped-call]
        return cast(int, last.item())
    return last


def _as_list(tokens: mx.array | Sequence[int]) -> list[int]:
    return [int(token) for token in np.asarray(tokens).reshape(-1)]


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the common prefix."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))

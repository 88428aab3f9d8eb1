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
Rule 3: it is harmless after the end.  mlx-lm runs one step ahead and asks once more after an end token, and
drafts may be several; all of them are end tokens, for nothing else is allowed.
Rule 4: one sequence, one processor.  Make one for each; for a batch, pass `[[f], [g]]` to
`BatchGenerator.insert`.  One sequence after the other is possible: tokens that begin otherwise are another
prompt, and the text begins anew.  A text that goes on behind its end is an error.
Rule 5: forced text is spelled as the native loop spells it (`forcing.py`): the mask has one bit.
Rule 6: with a budget of tokens (`finishing.py`) a token that leaves too little is refused, and mlx-lm never
asks again.  So where one may be refused, the row's own sampler chooses in here, again where its choice was
refused, and the mask that mlx-lm is given has one bit.  The token is accepted already: the next call finds it
in `tokens`.  That is so from NEAR tokens to spare on; one that opens more is an error, and ends the text.
Rule 7: logits that are NaN or infinite are an error.  The masked row is kept, and what it holds for the token
that was chosen is read with that token: so nothing is waited for.

The order of the queue is what keeps it fast.  mlx-lm calls the processor while step n+1 is only *built*:
reading token n first would leave the device idle.  So token n is queued, then the logits (the whole forward
pass), and only then token n is read: it is ready long before the pass is, and the mask is made meanwhile.
Measured with a mask made artificially slow, 60 ms: 227 ms per token when read first, 176 so.

Put it last in the list: penalties and biases applied after it could lift a masked token; and repetition
penalties hit the quotes and braces that JSON must repeat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf, isfinite, isnan
from typing import Any, Self, Unpack, cast

import mlx.core as mx
import numpy as np

from constrain.arguments import kind_of
from constrain.compiler import compile_json_schema, compile_part, compile_regex
from constrain.engine.decode import Forcing
from constrain.engine.masking import Constraint, Mask, apply_bitmask
from constrain.engine.model import ModelLike, as_model
from constrain.engine.options import check_max_tokens
from constrain.engine.sampling import NOT_FINITE, NOT_FINITE_HINT, Sampler, SamplerFunction, choose
from constrain.errors import ConstrainError, InvalidInputError, ModelError
from constrain.finishing import Finishing
from constrain.json_schema.options import Compiling
from constrain.matcher import CompiledGrammar
from constrain.parts import Part
from constrain.target import schema_of
from constrain.vocabulary.bitmask import Words, allocate_token_bitmask, set_tokens
from constrain.vocabulary.vocabulary import Vocabulary


class GrammarLogitsProcessor:
    """A constraint as an mlx-lm logits processor, for one sequence.

    processor = GrammarLogitsProcessor.of((model, tokenizer), Person, max_tokens=200)
    mlx_lm.generate(model, tokenizer, prompt, max_tokens=200, logits_processors=[processor])
    """

    def __init__(
        self,
        matcher: Constraint | CompiledGrammar,
        *,
        vocabulary_size: int | None = None,
        sampler: SamplerFunction | None = None,
        forcing: Forcing | None = None,
    ) -> None:
        """`sampler` is the row's own, greedy as mlx-lm's if there is none; `forcing` spells forced text."""
        if isinstance(matcher, CompiledGrammar):
            matcher = matcher.matcher()
        if not hasattr(matcher, "fill_next_token_bitmask"):
            raise InvalidInputError(
                f"a matcher is needed here, not {kind_of(matcher)}",
                hint="GrammarLogitsProcessor.of(model, ...) takes a type, a schema or a pattern",
            )
        self.matcher = matcher
        self.error: ConstrainError | None = None
        vocabulary: Any = getattr(matcher, "vocabulary", None)
        size = vocabulary_size if vocabulary_size is not None else int(vocabulary.size)
        self._bitmask = allocate_token_bitmask(1, size)
        self._end: Words = allocate_token_bitmask(1, size)[0]
        set_tokens(self._end, getattr(vocabulary, "eos_token_ids", ()))
        self._ends = frozenset(int(token) for token in getattr(vocabulary, "eos_token_ids", ()))
        self._mark: int | None = None
        self._prompt: mx.array | Sequence[int] = ()
        self._accepted: list[int] = []
        self._row: mx.array | None = None
        self._one: Words = allocate_token_bitmask(1, size)[0]
        self._sampler: SamplerFunction = sampler if sampler is not None else Sampler()
        self._forcing = forcing
        self._spelled: tuple[int, Sequence[int]] = (0, ())
        self._chosen: int | None = None

    def __repr__(self) -> str:
        return f"<GrammarLogitsProcessor of {self.matcher!r}>"

    @classmethod
    def of(
        cls,
        model: ModelLike,
        constraint: object,
        *,
        max_tokens: int | None = None,
        sampler: SamplerFunction | None = None,
        **options: Unpack[Compiling],
    ) -> Self:
        """The processor of a model and a type, a schema, a pattern, a part, or a compiled grammar.

        A pattern is what `re.compile` returns, or the part `regex(...)`; a Lark grammar the part `lark(...)`.
        `options` go to the compiler.  With `max_tokens`, the number that mlx-lm is given, the text is
        complete within it; then `sampler` must be the one that mlx-lm is given, if any.

        Raises what the compiler raises, and LimitExceeded where not even the shortest answer fits.
        """
        loaded = as_model(model)
        compiled = compiled_for(loaded.vocabulary, constraint, dict(options))
        matcher = (
            compiled.matcher()
            if max_tokens is None
            else Finishing(compiled, check_max_tokens(max_tokens), near=NEAR, counts_end=True)
        )
        return cls(matcher, sampler=sampler, forcing=loaded.forcing)

    def __call__(self, tokens: mx.array | Sequence[int], logits: mx.array) -> mx.array:
        """Mask `logits`, (1, V) or (V,), for the token that follows `tokens`, a list or 1-D array of ints."""
        try:
            words = self._next(tokens, logits)
        except ModelError as problem:
            self._fail(problem.what)
            words = self._end
        except Exception as problem:  # Rule 2: whatever goes wrong, the caller's thread must live
            self._fail(f"the constraint failed: {type(problem).__name__}: {problem}")
            words = self._end
        if not words.any():
            return logits
        if self.error is not None:
            logits = mx.zeros_like(logits)  # they may be NaN, and an end is to be chosen
        masked = apply_bitmask(logits if logits.ndim == 2 else logits[None], words)
        self._row = masked[0]
        return masked if logits.ndim == 2 else self._row

    def reset(self) -> None:
        """Forget the sequence, so that the processor can serve another one from the start."""
        self.matcher.rollback(len(getattr(self.matcher, "tokens", self._accepted)))
        self.error, self._mark, self._accepted, self._row = None, None, [], None
        self._spelled, self._chosen = (0, ()), None

    def _next(self, tokens: mx.array | Sequence[int], logits: mx.array) -> Words:
        if self._mark is None:
            self._begin(tokens)
        self._follow(tokens, logits)
        if self.error is not None or self.matcher.is_terminated():
            return self._end
        self.matcher.fill_next_token_bitmask(self._bitmask, 0)
        mask = Mask.of(self._bitmask[0])
        if mask.count == 0:
            self._fail("the mask allows no token")
            return self._end
        token = self._spelling(mask)
        if getattr(self.matcher, "may_refuse", False):
            token = self._chosen = self._choose(token, logits)
        if token is None:
            return mask.words
        self._one[:] = 0
        set_tokens(self._one, [token])
        return self._one

    def _spelling(self, mask: Mask) -> int | None:
        """Rule 5: the next token of a forced text, if this is one."""
        start, spelled = self._spelled
        written = self._accepted[start:]
        if not (
            start <= len(self._accepted) < start + len(spelled) and written == [*spelled[: len(written)]]
        ):
            spelled = self._forcing(self.matcher, mask) if self._forcing is not None else ()
            self._spelled, written = (len(self._accepted), spelled), []
        if not spelled or not mask.allows(spelled[len(written)]):
            return None
        return spelled[len(written)]

    def _choose(self, token: int | None, logits: mx.array) -> int:
        """Rule 6: choose until a token is accepted, the forced one first."""
        row = logits if logits.ndim == 2 else logits[None]
        while token is None or not self.matcher.accept_token(token):
            if token is not None:
                self._spelled = (0, ())
                self.matcher.fill_next_token_bitmask(self._bitmask, 0)
            mask = Mask.of(self._bitmask[0])
            token = int(mask.ids[0]) if mask.count == 1 else choose(row, mask, self._sampler).read(mask)
        return token

    def _begin(self, tokens: mx.array | Sequence[int]) -> None:
        self._mark, self._prompt = len(tokens), tokens

    def _follow(self, tokens: mx.array | Sequence[int], logits: mx.array) -> None:
        """Rule 1: bring the matcher to where `tokens` is."""
        assert self._mark is not None
        had_error = self.error is not None
        chosen, self._chosen = self._chosen, None
        if chosen is not None:
            if (
                len(tokens) == self._mark + len(self._accepted) + 1
                and chosen == _read_last(tokens, logits, None)[0]
            ):
                self._accepted.append(chosen)
                return
            self.matcher.rollback(1)
        if len(tokens) == self._mark + len(self._accepted) + 1:
            token, score = _read_last(tokens, logits, self._row)
            if score == inf or isnan(score):
                self._fail(NOT_FINITE)
            self._accept(token)
            if had_error or self.error is None:
                return
        # The rarer case, or an error, which may be none: is this still the same sequence?
        listed = _as_list(tokens)
        if listed[: self._mark] != _as_list(self._prompt):
            self.reset()
            self._begin(tokens)
            return
        generated = listed[self._mark :]
        same = _common(generated, self._accepted)
        self._take_back(len(self._accepted) - same)
        for token in generated[same:]:
            self._accept(token)

    def _accept(self, token: int) -> None:
        """Advance by a token of the text, or by one that follows its end or an error (Rules 2 and 3)."""
        if self.error is None:
            if self.matcher.is_terminated():
                if self._ends and token not in self._ends:
                    self._fail(f"token {token} follows the end of the text")
            elif not self.matcher.accept_token(token):
                # Where the logits are NaN, or all that are allowed -inf, any token may have been chosen.
                is_finite = self._row is None or isfinite(cast(float, self._row.max().item()))
                refused = f"token {token} is not allowed after {len(self._accepted)} generated tokens"
                if hasattr(self.matcher, "may_refuse"):
                    refused += ", or opens more than max_tokens leaves"
                self._fail(refused if is_finite else NOT_FINITE)
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
            self._accept(token)

    def _fail(self, what: str) -> None:
        hint = NOT_FINITE_HINT if what == NOT_FINITE else _HINT
        self.error = self.error or ConstrainError(what, hint=hint)


def compiled_for(vocabulary: Vocabulary, constraint: object, options: dict[str, Any]) -> CompiledGrammar:
    """Whatever stands for a grammar, compiled; `options` are those of its compiler."""
    if isinstance(constraint, CompiledGrammar):
        return constraint
    if isinstance(constraint, Part):
        return compile_part(constraint, vocabulary, **options)
    if isinstance(constraint, re.Pattern):
        return compile_regex(constraint, vocabulary, **options)
    return compile_json_schema(schema_of(constraint).schema, vocabulary, **options)


NEAR = 1_024
"""Tokens to spare from which on choices are made in here, and the device waits for the host at each token.
Hardly any schema opens as many with one."""

_HINT = "from here only the end is allowed; is the processor the last of the list, and new?"


def _read_last(tokens: mx.array | Sequence[int], logits: mx.array, row: mx.array | None) -> tuple[int, float]:
    """The newest token, and its score in the row that it was chosen from (0 if there is none).

    In the order that lets the device go on: token and score, then the logits, then wait.
    """
    last = tokens[-1]
    score = mx.array(0.0) if row is None else row[last]
    if isinstance(last, mx.array):
        mx.async_eval(last, score)  # type: ignore[no-untyped-call]
        mx.async_eval(logits)  # type: ignore[no-untyped-call]
        return cast(int, last.item()), cast(float, score.item())
    return last, cast(float, score.item())


def _as_list(tokens: mx.array | Sequence[int]) -> list[int]:
    return [int(token) for token in np.asarray(tokens).reshape(-1)]


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the common prefix."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))

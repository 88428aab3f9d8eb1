"""From tokens to text, piece by piece, so that it is complete when the last token allowed is written.

    {"city": "Pa|ris|"}         pieces, as they come; bytes wait until their character is complete

When tokens run low, only ways that still end in time are open (`finishing.py`).  What that left out nobody
knows, so an `EndedEarlyWarning` says that it happened.

A model may think before it answers (`thinking.py`); what it thought is no part of the text.
"""

from __future__ import annotations

import codecs
import sys
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from constrain.engine.model import LoadedModel
from constrain.engine.options import check_max_tokens, check_seed
from constrain.errors import EndedEarlyWarning, IncompleteOutputError, InvalidInputError, LimitExceeded
from constrain.recipe import LOGGER

if TYPE_CHECKING:
    import mlx.core as mx

    from constrain.engine.masking import Constraint
    from constrain.engine.network import Cache
    from constrain.engine.sampling import SamplerFunction
    from constrain.engine.thinking import Thinking
    from constrain.matcher import CompiledGrammar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Generation(Generic[T]):
    """All that is known of a finished answer.

    `value`             what the answer was asked for as: an instance, plain data, or the text itself.
    `text`              the answer as it was written.
    `tokens`            its token ids, without the end token.
    `reasoning`         what was thought before it, without its marks; empty where nothing was.
    `reasoning_tokens`  the token ids of that, with its marks.
    `prompt_tokens`     how many tokens the prompt has.
    `finish_reason`     "stop", or "length" where only `max_tokens` brought the answer to its end.
    `prompt_seconds`    from the start to the first token, by the clock.
    `generation_seconds`  from there to the end, without what the reader of a stream did in between.
    `forward_passes`    runs of the model, those of the prompt included.
    `retries`           how many answers before this one a validator of the type refused.

    With retries, the tokens, the times and the passes are those of this answer alone.
    """

    value: T
    text: str
    tokens: tuple[int, ...]
    reasoning: str
    reasoning_tokens: tuple[int, ...]
    prompt_tokens: int
    finish_reason: Literal["stop", "length"]
    prompt_seconds: float
    generation_seconds: float
    forward_passes: int
    retries: int
    _removed: Callable[[], float] = field(repr=False, compare=False)

    @property
    def was_cut(self) -> bool:
        """Whether the tokens of the answer ran low, so that it was brought to its end."""
        return self.finish_reason == "length"

    def removed_probability(self) -> float:
        """The share of the model's probability that the masks took away, mean over the answer's tokens.

        It is measured when it is asked for, by one more pass over prompt and answer; so it can only be had in
        the process that wrote the answer.
        """
        return self._removed()

    def __reduce__(self) -> tuple[Any, ...]:
        known = [getattr(self, each.name) for each in fields(self) if each.name != "_removed"]
        return Generation, (*known, _elsewhere)


def _elsewhere() -> float:
    """What an answer says of its masks behind a pickle, which leaves the model at home."""
    raise InvalidInputError(
        "what the masks took away can only be measured beside the model that wrote the answer",
        hint="call removed_probability() before the answer goes into another process",
    )


class TextStream(Iterator[str], Generic[T]):
    """The text of an answer, piece by piece; `result` is all of it, read as a value.

    What is thought before the answer is no piece of it: `reasoning` holds it as far as it has been written.
    """

    def __init__(self, run: Run, read: Callable[[str], T]) -> None:
        self.run, self.read = run, read
        self._pieces = run.pieces()

    def __next__(self) -> str:
        return next(self._pieces)

    @property
    def prompt(self) -> tuple[int, ...]:
        """The tokens of the prompt."""
        return self.run.prompt

    @property
    def reasoning(self) -> str:
        """What has been thought so far."""
        return self.run.reasoning

    def result(self, *, retries: int = 0) -> Generation[T]:
        """The whole answer; what has not been written yet is written now.  `retries` came before it.

        Raises IncompleteOutputError where it was not complete when its tokens ran out, RefusedOutputError
        where a validator of its type refuses it, and LimitExceeded where it holds a number that Python
        cannot.
        """
        for _ in self:
            pass
        return self.run.generation(self.read, retries)


def stream(
    loaded: LoadedModel,
    prompt: Sequence[int],
    compiled: CompiledGrammar,
    *,
    max_tokens: int,
    sampler: SamplerFunction,
    seed: int | None,
    read: Callable[[str], T],
    finish: bool = True,
    reasoning: int = 0,
) -> TextStream[T]:
    """Decode, and turn tokens into text; with `finish`, so that it is complete within `max_tokens`.

    Up to `reasoning` tokens are thought first, which `max_tokens` do not count.
    """
    from constrain.finishing import Finishing

    def answer(limit: int) -> Constraint:
        return Finishing(compiled, limit) if finish else compiled.matcher()

    limits = Limits.of(loaded, prompt, max_tokens, reasoning)
    run = Run(loaded, prompt, limits, compiled, answer(limits.answer), sampler=sampler, seed=check_seed(seed))
    return TextStream(run, read)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many tokens an answer may have, and the reasoning before it."""

    answer: int
    reasoning: int

    @classmethod
    def of(cls, loaded: LoadedModel, prompt: Sequence[int], max_tokens: int, reasoning: int) -> Limits:
        """Those that were asked for, as far as the context of the model has room for them.

        Raises InvalidInputError and LimitExceeded where the prompt, or the reasoning, leaves none.
        """
        from constrain.engine.decode import check_prompt

        max_tokens = check_max_tokens(max_tokens)
        room = check_prompt(loaded.network, prompt)
        if room is None:
            return cls(max_tokens, reasoning)
        if reasoning >= room:
            raise LimitExceeded(
                f"the context has room for {room:,} tokens behind the prompt, and reasoning={reasoning:,} "
                "leaves none for the answer",
                hint="lower reasoning, or shorten the prompt",
            )
        return cls(min(max_tokens, room - reasoning), reasoning)


class Run:
    """One answer being written, and what was thought before it."""

    def __init__(
        self,
        loaded: LoadedModel,
        prompt: Sequence[int],
        limits: Limits,
        compiled: CompiledGrammar,
        answer: Constraint,
        *,
        sampler: SamplerFunction,
        seed: int | None,
    ) -> None:
        self.loaded, self.prompt, self.compiled = loaded, tuple(prompt), compiled
        self._limits, self._answer = limits, answer
        self._sampler, self._seed = sampler, seed
        self._thinking: Thinking | None = None
        if limits.reasoning:
            from constrain.engine.thinking import Thinking

            self._thinking = Thinking(loaded, prompt, limits.reasoning, answer)
        self._tokens: list[int] = []
        self._text: list[str] = []
        self._to_text = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._passes = 0
        self._prompt_seconds = self._seconds = 0.0

    @property
    def reasoning(self) -> str:
        """What has been thought so far."""
        if self._thinking is None:
            return ""
        raw = b"".join(written(self.loaded, token) for token in self._thinking.tokens)
        return self._thinking.thought(raw.decode(errors="replace"))

    @property
    def written(self) -> tuple[int, ...]:
        """The tokens of the answer so far."""
        return tuple(self._tokens)

    @property
    def is_inside_a_character(self) -> bool:
        """Whether bytes of a character are held back."""
        return bool(self._to_text.getstate()[0])

    @property
    def was_cut(self) -> bool:
        """Whether the tokens of the answer ran low, so that it was brought to its end."""
        return bool(getattr(self._answer, "was_cut", False))

    def generation(self, read: Callable[[str], T], retries: int) -> Generation[T]:
        """All of a finished answer."""
        text = "".join(self._text)
        LOGGER.debug(
            "%d tokens in %d forward passes, %.0f ms for a prompt of %d tokens and %.0f ms for the rest",
            len(self._tokens),
            self._passes,
            1000 * self._prompt_seconds,
            len(self.prompt),
            1000 * (self._seconds - self._prompt_seconds),
        )
        return Generation(
            read(text),
            text,
            tuple(self._tokens),
            self.reasoning,
            self._thinking.tokens if self._thinking is not None else (),
            len(self.prompt),
            "length" if self.was_cut else "stop",
            self._prompt_seconds,
            self._seconds - self._prompt_seconds,
            self._passes,
            retries,
            self._removed,
        )

    def _removed(self) -> float:
        from constrain.engine.scoring import removed

        thought = self._thinking.tokens if self._thinking is not None else ()
        return removed(self.loaded.network, [*self.prompt, *thought], self._tokens, self.compiled.matcher())

    def _body(self, tokens: mx.array, cache: Cache) -> mx.array:
        self._passes += 1
        return self.loaded.network.body(tokens, cache)

    def tokens(self) -> Generator[int, None, str]:
        """Decode, and yield the tokens of the answer alone; the value returned says why it ended."""
        import mlx.core as mx

        from constrain.engine.decode import decode

        if self._seed is not None:
            mx.random.seed(self._seed)
        vocabulary, thinking = self.loaded.vocabulary, self._thinking
        steps = decode(
            replace(self.loaded.network, body=self._body),
            self.prompt,
            self._answer if thinking is None else thinking,
            vocabulary_size=vocabulary.size,
            end_tokens=vocabulary.eos_token_ids,
            max_tokens=self._limits.answer + self._limits.reasoning,
            sampler=self._sampler,
            forcing=self.loaded.forcing,
        )
        count = 0
        while True:
            started = time.perf_counter()
            try:
                token = next(steps)
            except StopIteration as end:
                return str(end.value)
            finally:
                self._seconds += time.perf_counter() - started
            if not count:
                self._prompt_seconds = self._seconds
            count += 1
            if thinking is not None and count <= len(thinking.tokens):
                continue
            if len(self._tokens) == self._limits.answer:  # what was not thought is no room for the answer
                return "length"
            self._tokens.append(token)
            yield token

    def pieces(self) -> Generator[str, None, None]:
        """The text of the answer; bytes are held back until their character is complete."""
        steps = self.tokens()
        while True:
            try:
                token = next(steps)
            except StopIteration as end:
                reason = end.value
                break
            piece = self._to_text.decode(written(self.loaded, token))
            if piece:
                self._text.append(piece)
                yield piece
        limit = self._limits.answer
        if reason != "stop":
            text = "".join(self._text)
            raise IncompleteOutputError(
                f"the answer was not complete after {len(self._tokens)} tokens",
                text=text,
                where=f"...{text[-60:]}",
                hint=f"pass a larger max_tokens (it is {limit}), or bound the schema with maxLength and "
                "maxItems",
            )
        if self.was_cut:
            warnings.warn(
                f"the answer was brought to its end within max_tokens={limit}; with more it may be longer",
                EndedEarlyWarning,
                stacklevel=frames_to_the_caller(),
            )


def written(loaded: LoadedModel, token: int) -> bytes:
    """The bytes of a token; of a special token, which writes none, how the tokenizer shows it."""
    return loaded.vocabulary.tokens[token] or shown(loaded, token)


def shown(loaded: LoadedModel, token: int) -> bytes:
    """How the tokenizer shows a special token, which writes no bytes of its own."""
    return str(loaded.tokenizer.convert_ids_to_tokens(token) or "").encode()


def show(pieces: Iterator[str]) -> None:
    """Print the pieces between two lines as they come, as mlx-lm does."""
    started, length = time.perf_counter(), 0
    sys.stdout.write("==========\n")
    for piece in pieces:
        length += len(piece)
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write(f"\n==========\n{length} characters in {time.perf_counter() - started:.2f} s\n")


def frames_to_the_caller() -> int:
    """The `stacklevel` at which a warning points at the line outside this package that asked for it."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
        frame, level = frame.f_back, level + 1
    return level

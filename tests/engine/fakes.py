"""Constraints small enough to check by hand, and decoding by definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from constrain.engine import lookup
from constrain.engine.lookup.model import Speller
from constrain.engine.model import LoadedModel
from constrain.engine.prompting import REFUSED_LINE
from constrain.vocabulary.bitmask import set_tokens


@dataclass
class Vocabulary:
    """As much of a vocabulary as a processor asks for."""

    size: int
    eos_token_ids: tuple[int, ...]


@dataclass
class Script:
    """Allows `steps[i]` at step i, and ends after the last; an end token is `ends[0]`."""

    steps: Sequence[frozenset[int]]
    ends: tuple[int, ...] = (2,)
    size: int = 128_256
    may_end_from: int | None = None
    tokens: list[int] = field(default_factory=list)

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self.size, self.ends)

    @property
    def allowed(self) -> set[int]:
        if self.is_terminated():
            return set()
        here = set(self.steps[len(self.tokens)]) if len(self.tokens) < len(self.steps) else set()
        return here | set(self.ends) if self.is_completed() else here

    def accept_token(self, token_id: int, /) -> bool:
        if token_id not in self.allowed:
            return False
        self.tokens.append(token_id)
        return True

    def fill_next_token_bitmask(self, bitmask: npt.NDArray[np.int32], index: int = 0, /) -> bool:
        bitmask[index] = 0
        set_tokens(bitmask[index], sorted(self.allowed))
        return True

    def is_completed(self) -> bool:
        start = len(self.steps) if self.may_end_from is None else self.may_end_from
        return len(self.tokens) >= min(start, len(self.steps))

    def is_terminated(self) -> bool:
        return bool(self.tokens) and self.tokens[-1] in self.ends

    def rollback(self, count: int, /) -> None:
        del self.tokens[len(self.tokens) - count :]


def words_of(ids: Sequence[int], size: int) -> npt.NDArray[np.int32]:
    """A packed row with these ids allowed."""
    words = np.zeros((size + 31) // 32, dtype=np.int32)
    set_tokens(words, ids)
    return words


def decode_by_definition(model: Any, prompt: Sequence[int], script: Script, max_tokens: int) -> list[int]:
    """Greedy decoding without a cache, a cut, or a queue: all the text through all the model, each time."""
    written: list[int] = []
    while len(written) < max_tokens and script.allowed - set(script.ends):
        logits = np.array(model(mx.array([[*prompt, *written]]))[0, -1].astype(mx.float32))
        token = max(sorted(script.allowed), key=lambda t: logits[t])
        assert script.accept_token(token)
        if token in script.ends:
            break
        written.append(token)
    return written


class _Wishes(Speller):
    """Scores for a model that wants to write one text, and goes on with it where the mask let it stray."""

    def __init__(
        self, wishes: Sequence[str], tokens: Sequence[bytes | None], ends: Sequence[int], width: int
    ) -> None:
        super().__init__(tokens, ends, width)
        self._wishes = wishes

    def continuations(self, prompt: str, answer: str) -> list[str]:
        """The rest of the wish behind what has been written, as far as that can be found in it."""
        wish = self._wishes[min(prompt.count(REFUSED_LINE), len(self._wishes) - 1)]
        for start in range(len(answer) + 1):
            place = wish.find(answer[start:])
            if place >= 0 and (start < len(answer) or not answer):
                return [wish[place + len(answer) - start :]]
        return []


def wishful_model(wish: str | Sequence[str], tokenizer: Any = None) -> LoadedModel:
    """A model that wants to write `wish`, or the first of several, after any prompt, and ends where it has.

    It has an unconstrained model's habits without its weights: an extra key, another spelling, prose.  For
    each answer that the prompt says was refused it goes on to its next wish, as long as it has one.
    """
    wishes = [wish] if isinstance(wish, str) else wish
    model = lookup.Model(lookup.ModelArgs())
    model.lm_head.attach = lambda tokens, ends: setattr(  # type: ignore[method-assign]
        model.lm_head, "_speller", _Wishes(wishes, tokens, ends, lookup.ModelArgs().vocab_size)
    )
    return LoadedModel(model, tokenizer or lookup.default_tokenizer(), "wishful")

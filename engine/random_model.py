"""A model with the shape of a real one and weights from a seed: what can be tested without a download?

Everything but sense.  Loading, templates, caches, masks, batching and speed depend on shapes, the vocabulary
and the file format, and all of these are real here; only the text is noise, which is the harder test
of a constraint: a trained model leans towards valid JSON, a random one goes everywhere it is allowed.

    write_random_model(folder, shape="tiny")     2 layers of 64: 33 MB, loads in a second
    write_random_model(folder, shape="nesso")    32 layers of 960, 437.8 M weights: 875 MB

Both have Llama's architecture with tied embeddings and Llama-3's tokenizer with a ChatML template, in which
`<|im_end|>` is end and padding (`constrain/vocabulary/llama3.py`).  Ask the tokenizer for its id: Nesso's own
files may have it in another of Llama's reserved places.

Weights are normal with a standard deviation of 0.02, Llama's own initialization, so that logits stay finite
in bfloat16 and no token is certain.  The same seed gives the same files.

Source: the shapes are those in the config.json of Nesso-0.4B-Agentic.  One departure:
1. The tiny shape computes in float32: on a CPU it is the only fast one.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

from constrain.errors import ModelError

Shape = Literal["nesso", "tiny"]

_COMMON: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "max_position_embeddings": 4_096,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10_000.0,
    "tie_word_embeddings": True,
    "vocab_size": 128_256,
}

SHAPES: dict[str, dict[str, Any]] = {
    "nesso": {
        "hidden_size": 960,
        "intermediate_size": 2_560,
        "num_hidden_layers": 32,
        "num_attention_heads": 15,
        "num_key_value_heads": 5,
        "torch_dtype": "bfloat16",
    },
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 160,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "torch_dtype": "float32",
    },
}


def write_random_model(folder: str | Path, shape: Shape = "tiny", *, seed: int = 0) -> Path:
    """Write a model folder that `mlx_lm.load` reads, and return it."""
    if shape not in SHAPES:
        raise ModelError(f"no such shape: {shape!r}", hint=f"one of {', '.join(map(repr, SHAPES))}")

    import mlx.core as mx
    from mlx.utils import tree_map_with_path
    from mlx_lm.models.llama import Model, ModelArgs
    from mlx_lm.utils import save_config, save_model
    from tokenizers import Tokenizer

    from constrain.vocabulary.llama3 import llama3_tokenizer_folder

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer_folder = llama3_tokenizer_folder()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer_folder / name, folder / name)
    end = Tokenizer.from_file(str(folder / "tokenizer.json")).token_to_id("<|im_end|>")
    config = {**_COMMON, **SHAPES[shape], "eos_token_id": end, "pad_token_id": end}

    model = Model(ModelArgs.from_dict(config))
    dtype = getattr(mx, config["torch_dtype"])
    keys = iter(mx.random.split(mx.random.key(seed), 4_096))

    def fill(path: str, weight: mx.array) -> mx.array:
        if path.endswith("norm.weight"):
            return mx.ones(weight.shape, dtype=dtype)
        return (0.02 * mx.random.normal(weight.shape, key=next(keys))).astype(dtype)

    model.update(tree_map_with_path(fill, model.parameters()))
    save_model(folder, model)
    save_config(config, config_path=folder / "config.json")
    return folder

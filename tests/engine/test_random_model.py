"""The model made from a seed is, but for its weights, the real thing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from mlx_lm import load, stream_generate

from constrain.engine.random_model import SHAPES, write_random_model
from constrain.errors import ModelError
from constrain.vocabulary.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("models") / "tiny", "tiny", seed=7)


@pytest.fixture(scope="module")
def loaded(folder: Path) -> tuple[Any, ...]:
    return load(str(folder))


def test_mlx_lm_loads_it_and_generates(loaded: tuple[Any, ...]) -> None:
    """Whatever runs on a downloaded model must run on this one."""
    model, tokenizer = loaded[:2]
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "Ciao"}], add_generation_prompt=True)
    responses = list(stream_generate(model, tokenizer, prompt, max_tokens=3))

    assert responses[-1].finish_reason in ("stop", "length")


def test_its_end_is_the_template_s_end(loaded: tuple[Any, ...]) -> None:
    """The id is asked for, never assumed: config, tokenizer and vocabulary must agree on it."""
    tokenizer = loaded[1]
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    vocabulary = Vocabulary.from_tokenizer(tokenizer, size=128_256)

    assert vocabulary.eos_token_ids == (end,)
    assert vocabulary.tokens[end] is None


def test_its_template_writes_hermes_tool_calls(loaded: tuple[Any, ...]) -> None:
    """mlx-lm finds its parser of tool calls by looking at the template, and so do clients."""
    tokenizer = loaded[1]
    call = {"function": {"name": "meteo", "arguments": {"città": "Roma"}}}
    tool = {"type": "function", "function": {"name": "meteo", "parameters": {"type": "object"}}}
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Piove?"}, {"role": "assistant", "content": "", "tool_calls": [call]}],
        tools=[tool],
        tokenize=False,
    )

    assert tokenizer.has_tool_calling
    assert text.endswith(
        '<|im_start|>assistant\n<tool_call>\n{"name": "meteo", "arguments": {"città": "Roma"}}\n'
        "</tool_call><|im_end|>\n"
    )
    assert f"<tools>\n{json.dumps(tool)}\n</tools>" in text


def test_the_seed_decides_the_weights(folder: Path, tmp_path: Path) -> None:
    """A failure on a random model must happen again tomorrow."""
    digests = [
        hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()
        for path in (
            folder,
            write_random_model(tmp_path / "same", seed=7),
            write_random_model(tmp_path / "other", seed=8),
        )
    ]

    assert digests[0] == digests[1] != digests[2]


def test_nesso_s_shape_has_its_437_8_million_weights() -> None:
    """The big one is only counted here: it takes a gigabyte."""
    shape = SHAPES["nesso"]
    hidden, inner = shape["hidden_size"], shape["intermediate_size"]
    narrow = hidden // shape["num_attention_heads"] * shape["num_key_value_heads"]
    layer = 2 * hidden * hidden + 2 * hidden * narrow + 3 * hidden * inner + 2 * hidden

    assert 128_256 * hidden + shape["num_hidden_layers"] * layer + hidden == 437_760_960


def test_an_unknown_shape_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        write_random_model(tmp_path, "huge")  # type: ignore[arg-type]

    assert str(caught.value) == "no such shape: 'huge'\nhint: one of 'nesso', 'tiny'"

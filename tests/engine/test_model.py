"""Loading a model says what is wrong in one sentence, and takes a model in any of its forms."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx_lm
import pytest

from constrain.engine.lookup import Model, register, write_model_folder
from constrain.engine.model import LoadedModel, as_model, load, load_vocabulary
from constrain.errors import ModelError


def message(call: Any, *arguments: Any) -> str:
    with pytest.raises(ModelError) as error:
        call(*arguments)
    return str(error.value)


def test_unpacks_as_the_pair_that_mlx_lm_takes(random_model: LoadedModel) -> None:
    """`model, tokenizer = load(...)` is what every mlx-lm example does."""
    model, tokenizer = random_model

    assert mlx_lm.generate(model, tokenizer, "Hi", max_tokens=2) is not None


def test_the_vocabulary_is_as_wide_as_the_logits(random_model: LoadedModel) -> None:
    """The tokenizer alone has fewer tokens than the model has logits."""
    assert random_model.width == 128_256
    assert random_model.vocabulary.size == 128_256
    assert set(random_model.vocabulary.eos_token_ids) == set(random_model.tokenizer.eos_token_ids)


def test_a_vocabulary_is_read_without_the_weights(
    random_model: LoadedModel, random_folder: Path, tmp_path: Path
) -> None:
    """The tokenizer and config.json suffice; what is missing is told as `load` tells it."""
    folder = tmp_path / "tokenizer alone"
    shutil.copytree(random_folder, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    known = random_model.vocabulary

    assert load_vocabulary(folder).fingerprint == known.fingerprint
    assert load_vocabulary().size == 128_256
    assert message(load_vocabulary, tmp_path / "none") == message(load, tmp_path / "none")


def test_a_model_may_come_in_any_of_its_forms(random_model: LoadedModel, random_folder: Path) -> None:
    """What load() returned, the pair of mlx-lm, a path as text or Path."""
    assert as_model(random_model) is random_model
    pair = as_model(tuple(random_model))
    assert pair.model is random_model.model
    assert as_model(tuple(random_model)) is pair
    assert as_model(str(random_folder)).width == as_model(random_folder).width == 128_256
    assert isinstance(as_model(None).model, Model)


def test_the_default_model_is_loaded_once() -> None:
    """Its tables are a tenth of a second's work."""
    assert load() is load()


def test_a_folder_that_is_not_there_is_named() -> None:
    """Neither a folder nor a hub id: nothing is looked up."""
    assert message(load, "./no/such/folder") == (
        "there is no folder `./no/such/folder`, and it is not a model id of the form owner/name\n"
        "hint: give a folder with config.json, or an id such as mlx-community/nesso-0.4B-agentic-mlx"
    )


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    """mlx-lm would say FileNotFoundError in a traceback of 20 lines."""
    assert message(load, tmp_path) == (
        f"`{tmp_path}` holds no config.json\n"
        "hint: an MLX model folder has config.json, model.safetensors and tokenizer.json"
    )


def test_a_file_is_not_a_model(tmp_path: Path) -> None:
    """A path to the weights themselves is a likely mistake."""
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"")

    assert message(load, file) == (
        f"`{file}` is a file, not a model folder\nhint: give the folder that holds config.json"
    )


def test_a_damaged_config_is_shown(tmp_path: Path) -> None:
    """With the place where it stops being JSON."""
    (tmp_path / "config.json").write_text("{")

    assert message(load, tmp_path) == (
        "config.json is not JSON\n"
        f"    at {tmp_path / 'config.json'}: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)"
    )


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    """mlx-lm's own sentence, with the place."""
    (tmp_path / "config.json").write_text('{"model_type": "quantum"}')
    mx.save_safetensors(str(tmp_path / "model.safetensors"), {"weight": mx.zeros((1,))})

    assert message(load, tmp_path) == (
        "mlx-lm cannot load this model: Model type quantum not supported.\n"
        f"    at {tmp_path}\n"
        "hint: an MLX model folder has config.json, model.safetensors and tokenizer.json"
    )


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    """An interrupted download looks like this."""
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')

    assert message(load, tmp_path) == (
        f"`{tmp_path}` holds no weights (model*.safetensors)\n"
        "hint: an MLX model folder has config.json, model.safetensors and tokenizer.json"
    )


def test_an_unreachable_hub_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, the hub's error is a page long and speaks of caches."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    assert message(load, "mlx-community/no-such-model-here") == (
        "the model `mlx-community/no-such-model-here` is not on this machine, and the hub cannot be reached\n"
        "    at mlx-community/no-such-model-here, on the hub\n"
        "hint: connect once to download it, or give a local folder; load() without a name needs neither"
    )


def test_what_is_no_model_is_told_so() -> None:
    """A tokenizer alone, a number, a string in a list."""
    assert message(as_model, 7) == (
        "int is not a model\nhint: give what load() returns, a (model, tokenizer) pair, a folder, or a hub id"
    )


def test_the_lookup_model_loads_from_a_folder_like_any_other(tmp_path: Path, random_folder: Path) -> None:
    """`mlx_lm.load` finds the architecture once it is registered."""
    write_model_folder(tmp_path)
    for file in random_folder.glob("tokenizer*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    register()

    model, tokenizer = mlx_lm.load(str(tmp_path))[:2]

    assert isinstance(model, Model)
    assert (
        mlx_lm.generate(model, tokenizer, "Nome: Anna. Età: 31", max_tokens=20)
        == '{"nome": "Anna", "età": 31}'
    )

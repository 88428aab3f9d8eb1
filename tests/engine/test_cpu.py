"""On a CPU half precision becomes float32, and OpenBLAS is loaded before MLX, as the right kind of CPU."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx import nn
from mlx.utils import tree_flatten

from constrain.engine import cpu
from constrain.engine.model import LoadedModel, load
from constrain.errors import Float32Warning

pytestmark = pytest.mark.skipif(mx.default_device() != mx.Device(mx.cpu), reason="this is about CPUs")


def dtypes(model: LoadedModel) -> set[Any]:
    return {value.dtype for _, value in tree_flatten(model.model.parameters())}


def in_half(source: Path, folder: Path, *, packed: bool) -> Path:
    """The random model in bfloat16, its layers packed in 4 bits or not."""
    shutil.copytree(source, folder)
    model = load(source).model
    half = {name: value.astype(mx.bfloat16) for name, value in tree_flatten(model.parameters())}
    if packed:
        for name in [name for name, value in half.items() if value.ndim == 2]:
            stem = name.removesuffix(".weight")
            half[name], half[f"{stem}.scales"], half[f"{stem}.biases"] = mx.quantize(half[name], 32, 4)
        config = json.loads((folder / "config.json").read_text())
        config["quantization"] = {"group_size": 32, "bits": 4}
        (folder / "config.json").write_text(json.dumps(config))
    for path in folder.glob("model*"):
        path.unlink()
    mx.save_safetensors(str(folder / "model.safetensors"), half, metadata={"format": "mlx"})
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_half_precision_becomes_float32_and_is_said(
    random_folder: Path, tmp_path: Path, packed: bool
) -> None:
    """Packed weights stay packed: only what scales them changes."""
    folder = in_half(random_folder, tmp_path / "half", packed=packed)
    with pytest.warns(Float32Warning) as warned:
        loaded = load(folder)

    assert str(warned[0].message) == (
        f"the model `{folder}` is in bfloat16, which is slow on a CPU: it runs in float32"
    )
    assert dtypes(loaded) == ({mx.float32, mx.uint32} if packed else {mx.float32})
    assert loaded.model(mx.array([[1, 2]])).dtype == mx.float32
    assert isinstance(loaded.model.layers[0].mlp.up_proj, nn.QuantizedLinear) == packed


def test_float32_is_left_alone(random_folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert dtypes(load(random_folder)) == {mx.float32}


class Loading:
    """Stands for the system's loader: what was loaded, and as which CPU."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, core: str, flags: str) -> None:
        self.loaded: list[tuple[str, int, str | None]] = []
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(cpu, "_core_name", lambda: core)
        monkeypatch.setattr(cpu, "_cpu_flags", lambda: frozenset(flags.split()))
        monkeypatch.setattr(ctypes, "CDLL", self.load)
        monkeypatch.delenv(cpu.CORE_TYPE, raising=False)

    def load(self, name: str, mode: int) -> None:
        self.loaded.append((name, mode, os.environ.get(cpu.CORE_TYPE)))


@pytest.mark.parametrize(
    ("core", "flags", "chosen"),
    [
        ("Prescott", "sse2 avx2 avx512f", "SkylakeX"),
        ("Prescott", "sse2 avx2", "Haswell"),
        ("Prescott", "sse2", None),
        ("Zen", "sse2 avx2", None),
    ],
)
def test_an_openblas_that_does_not_know_the_cpu_is_told(
    monkeypatch: pytest.MonkeyPatch, core: str, flags: str, chosen: str | None
) -> None:
    loading = Loading(monkeypatch, core=core, flags=flags)
    monkeypatch.delitem(sys.modules, "mlx.core")

    assert cpu.use_openblas()
    assert loading.loaded == [("libopenblas.so.0", ctypes.RTLD_GLOBAL, chosen)]
    assert cpu.CORE_TYPE not in os.environ


def test_the_kind_of_cpu_that_the_user_names_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    loading = Loading(monkeypatch, core="Prescott", flags="avx2 avx512f")
    monkeypatch.delitem(sys.modules, "mlx.core")
    monkeypatch.setenv(cpu.CORE_TYPE, "Zen")

    assert cpu.use_openblas()
    assert loading.loaded[0][2] == os.environ[cpu.CORE_TYPE] == "Zen"


@pytest.mark.parametrize("case", ["MLX is there", "no OpenBLAS", "not Linux"])
def test_nothing_is_loaded_where_it_would_be_of_no_use(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    loading = Loading(monkeypatch, core="" if case == "no OpenBLAS" else "Zen", flags="avx2")
    if case != "MLX is there":
        monkeypatch.delitem(sys.modules, "mlx.core")
    if case == "not Linux":
        monkeypatch.setattr(sys, "platform", "darwin")

    assert not cpu.use_openblas()
    assert loading.loaded == []

"""A tiny random model on disk, and the embedded one: loaded once for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from constrain.engine.model import LoadedModel, load
from constrain.engine.random_model import write_random_model


@pytest.fixture(scope="session")
def random_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    write_random_model(folder, shape="tiny", seed=0)
    return folder


@pytest.fixture(scope="session")
def random_model(random_folder: Path) -> LoadedModel:
    return load(random_folder)


@pytest.fixture(scope="session")
def lookup_model() -> LoadedModel:
    return load()

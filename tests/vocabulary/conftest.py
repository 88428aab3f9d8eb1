"""The real Llama-3 tokenizer, and an empty cache folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from constrain.vocabulary.llama3 import llama3_tokenizer_folder


@pytest.fixture(scope="session")
def llama3_tokenizer() -> Any:
    from mlx_lm.tokenizer_utils import load

    return load(llama3_tokenizer_folder())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """An empty cache folder for the test; calling the fixture lists the vocabularies in it."""
    monkeypatch.setenv("CONSTRAIN_CACHE_DIR", str(tmp_path / "cache"))
    return lambda: sorted((tmp_path / "cache" / "vocabulary").glob("*"))

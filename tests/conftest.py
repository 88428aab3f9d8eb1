"""Settings shared by every test: one hypothesis profile, and the real Llama-3 tokenizer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from constrain.vocabulary.llama3 import llama3_tokenizer_folder

settings.register_profile(
    "constrain",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("constrain")


@pytest.fixture(scope="session")
def llama3_tokenizer() -> Any:
    """The tokenizer of Llama-3.2 as mlx-lm loads it, built from the registry package once per machine."""
    from mlx_lm.tokenizer_utils import load

    return load(llama3_tokenizer_folder())

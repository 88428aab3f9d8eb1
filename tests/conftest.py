"""Settings shared by every test: two hypothesis profiles, and the real Llama-3 tokenizer.

Every run sees the same examples, so that no change is blamed for bad luck.  This one sees new ones:

    python -m pytest --hypothesis-profile=random --hypothesis-seed=7 tests
"""

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
settings.register_profile("random", settings.get_profile("constrain"), derandomize=False)
settings.load_profile("constrain")


@pytest.fixture(scope="session")
def llama3_tokenizer() -> Any:
    """The tokenizer of Llama-3.2 as mlx-lm loads it, built from the registry package once per machine."""
    from mlx_lm.tokenizer_utils import load

    return load(llama3_tokenizer_folder())

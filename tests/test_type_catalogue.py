"""Of every type in the catalogue: random answers are accepted, and what people write can be written.

The whole is `python -m benchmarks.type_catalogue`; here each type has a few answers.
"""

from __future__ import annotations

import pytest

from benchmarks.type_catalogue import CATALOGUE, Entry, missing, refusals

SEEDS = range(2)
TEXTS = 5
TOKENS = 30

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::hypothesis.errors.HypothesisWarning"
)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_no_answer_is_refused_and_nothing_is_left_out(entry: Entry) -> None:
    """A chooser takes any token that the mask allows; what is left out on purpose is in docs/types.md."""
    assert refusals(entry, SEEDS, TOKENS) == []
    assert missing(entry, TEXTS) == []


def test_the_catalogue_is_as_large_as_is_promised() -> None:
    names = [entry.name for entry in CATALOGUE]

    assert len(names) == len(set(names)) >= 150

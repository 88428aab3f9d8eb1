"""The official JSON-Schema-Test-Suite, case by case: nothing may get worse than what is recorded.

`official_suite.json` is the ratchet.  It is written by `python -m benchmarks.schema_suite --record`, and what
it says of the required cases is promised here as well: every one of them is right.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks.official_suite import RIGHT, Suite, SuiteUnavailable, is_required
from benchmarks.schema_suite import ratchet

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "official_suite.json").read_text("utf-8"))


@cache
def judged() -> dict[str, Any]:
    try:
        suite = Suite.from_release()
    except SuiteUnavailable as problem:
        pytest.skip(str(problem))
    return ratchet(suite.outcomes())


def test_no_case_has_a_worse_outcome_than_recorded() -> None:
    """A case that was right stays right, and one that was refused is not judged wrongly."""
    found, recorded = judged()["not right"], RECORDED["not right"]
    worse = [
        f"{file}: {name}: {outcome}"
        for file, cases in found.items()
        for name, outcome in cases.items()
        if outcome != recorded.get(file, {}).get(name, RIGHT)
    ]

    assert worse == []


def test_the_record_is_of_the_same_cases_and_not_behind() -> None:
    """What has become right is recorded so that it stays; a suite that shrank would prove nothing."""
    assert judged() == RECORDED


def test_every_required_case_is_right() -> None:
    """The promise of the documentation, read off the record; the other tests keep it true."""
    assert [file for file in RECORDED["not right"] if is_required(file)] == []
    assert sum(count for file, count in RECORDED["cases"].items() if is_required(file)) > 4_800

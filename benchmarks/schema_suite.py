"""The official JSON-Schema-Test-Suite through masks: how many cases of each draft are judged right?

    python -m benchmarks.schema_suite                  the release that the tests use, fetched once
    python -m benchmarks.schema_suite --suite FOLDER   a checkout, with `tests/` and `remotes/`
    python -m benchmarks.schema_suite --record         and write what came out as the new ratchet

The ratchet (`tests/json_schema/official_suite.json`) holds the number of cases of each file, and each case
that is not judged right with its outcome.  The tests compare with it, so that no case gets worse unseen.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.official_suite import DRAFTS, RELEASE, RIGHT, Suite, is_required

RATCHET = Path(__file__).parent.parent / "tests" / "json_schema" / "official_suite.json"


def ratchet(outcomes: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    """The outcomes in the form that is committed: cases of each file, and those not right by name."""
    cases: Counter[str] = Counter()
    not_right: dict[str, dict[str, str]] = {}
    for file, name, outcome in outcomes:
        cases[file] += 1
        if outcome != RIGHT:
            not_right.setdefault(file, {})[name] = outcome
    return {"suite": RELEASE, "cases": dict(cases), "not right": not_right}


def main() -> None:
    """Judge every case, print those not right and the sums, and record them if asked to."""
    parser = argparse.ArgumentParser(description="the official suite through masks")
    parser.add_argument("--suite", type=Path, help="a checkout, instead of the pinned release")
    parser.add_argument("--record", action="store_true", help="write the ratchet of the pinned release")
    arguments = parser.parse_args()
    if arguments.record and arguments.suite:
        parser.error("--record is for the pinned release: the ratchet belongs to it")
    suite = Suite.from_folder(arguments.suite) if arguments.suite else Suite.from_release()
    found = ratchet(suite.outcomes())
    for file, cases in found["not right"].items():
        for name, outcome in cases.items():
            print(f"{outcome}: {file}: {name}")
    for draft in DRAFTS:
        for kind, required in (("required", True), ("optional", False)):
            files = [
                file
                for file in found["cases"]
                if file.startswith(draft + "/") and is_required(file) == required
            ]
            total = sum(found["cases"][file] for file in files)
            missed = sum(len(found["not right"].get(file, {})) for file in files)
            print(f"{draft}: {total - missed} of {total} {kind} cases right")
    if arguments.record:
        RATCHET.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()

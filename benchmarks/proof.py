"""The proof kit over thousands of schemas: how many outputs, how many judged, and what failed?

    python -m benchmarks.proof --data maskbench.jsonl.xz --outputs 150
    python -m benchmarks.proof --suite --outputs 150
    python -m benchmarks.proof --data maskbench.jsonl.xz --outputs 150 --share 1/2     one of two processes

Each schema gets so many outputs, the walkers in turn, over the embedded vocabulary of 128,256 tokens.
Printed after every hundredth schema, and at the end: outputs, verdicts of each judge, laws looked at,
failures.  `--record FILE` writes the sums as JSON.
"""

from __future__ import annotations

import argparse
import json
import lzma
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.official_suite import DRAFTS, Suite, is_required
from constrain.errors import ConstrainError
from constrain.proof.proving import Proof, prove
from constrain.proof.subject import schema_subject

Named = tuple[str, Any, dict[str, Any], dict[str, Any]]
"""A name, a schema, the registry, and options."""


def maskbench(path: Path) -> Iterator[Named]:
    """The schemas of a MaskBench file."""
    with lzma.open(path, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["name"], row["schema"], {}, {}


def official() -> Iterator[Named]:
    """The schemas of the official suite, five drafts."""
    suite = Suite.from_release()
    registry = {uri: document for uri, document in suite.registry.items() if "draft-next" not in uri}
    for file, groups in suite.groups.items():
        formats = "annotate" if is_required(file) else "assert"
        for group in groups:
            schema = group["schema"]
            if isinstance(schema, dict):
                schema = {"$schema": DRAFTS[file.partition("/")[0]], **schema}
            yield f"{file}: {group['description']}", schema, registry, {"formats": formats}


def run(named: Iterator[Named], outputs: int, seed: int, share: tuple[int, int]) -> Proof:
    """Prove each schema of a share, telling how far it is."""
    from constrain.engine.lookup import default_vocabulary

    vocabulary, total = default_vocabulary(), Proof()
    refused: Counter[str] = Counter()
    started = time.process_time()
    for number, (name, schema, registry, options) in enumerate(named):
        if number % share[1] != share[0] - 1:
            continue
        try:
            subject = schema_subject(schema, vocabulary, name=name, registry=registry, **options)
            proof = prove(subject, outputs, seed=seed + number)
        except ConstrainError as problem:
            refused[type(problem).__name__] += 1
            continue
        total.add(proof)
        for failure in proof.failures:
            print(failure, flush=True)
        if (number // share[1]) % 100 == 99:
            print(
                f"{number + 1} schemas, {total.outputs.total():,} outputs, {len(total.failures)} failures "
                f"({time.process_time() - started:.0f} s)",
                flush=True,
            )
    total.looked.update({f"refused: {name}": count for name, count in refused.items()})
    return total


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a MaskBench file (.jsonl.xz)")
    parser.add_argument("--suite", action="store_true", help="the official suite's schemas")
    parser.add_argument("--outputs", type=int, default=150, help="of each schema")
    parser.add_argument("--schemas", type=int, default=None, help="the first so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", default="1/1", help="the first of two: 1/2")
    parser.add_argument("--record", type=Path, help="write the sums here, as JSON")
    given = parser.parse_args()
    part, _, parts = given.share.partition("/")
    named = official() if given.suite else maskbench(given.data)
    if given.schemas is not None:
        named = (one for one, _ in zip(named, range(given.schemas), strict=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # judges warn of each schema's odd references
        total = run(named, given.outputs, given.seed, (int(part), int(parts)))
    print(total)
    if given.record:
        given.record.write_text(json.dumps(total.as_json(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()

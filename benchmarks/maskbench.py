"""MaskBench, engines side by side in one process: are they right, and what does a mask cost?

    python -m benchmarks.maskbench --data FILE.jsonl.xz --engine constrain --engine llguidance --sample 500

Each line of the data is `{"name", "schema", "tests": [{"valid", "data"}]}`.  Every instance is written by
`json.dumps(data, ensure_ascii=False)`, tokenised with the Llama-3 vocabulary and fed token by token: fill the
mask, test the token's bit, advance.  A schema passes when every valid instance goes through to the end and
every invalid one is stopped.  Cold is the first pass over a schema never seen before, warm the second.
"compiled" is what an engine does when it is given the schema, "first mask" that and the first mask together.
A schema that any engine refuses is left out of everybody's timing, and counted; so is an "empty" one, which
an engine says no document satisfies, and rightly so if none of its instances is valid.

The clock is the thread's CPU time, read once a token for every engine alike.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines import NAMES, Engine, Refused, Unsatisfiable, make

WORDS = (128_256 + 31) // 32


@dataclass
class Outcome:
    """What one engine did with one schema; times in nanoseconds."""

    verdict: str = "pass"
    reason: str = ""
    compiled: int = 0
    first_mask: int = 0
    cold: list[int] = field(default_factory=list)
    warm: list[int] = field(default_factory=list)


def feed(run: Any, tokens: list[int], bitmask: Any, times: list[int]) -> bool:
    """Write `tokens` under the mask; False where a token is not allowed or the text may not end."""
    clock = time.thread_time_ns
    words = bitmask[0]
    for token in tokens:
        start = clock()
        run.fill(bitmask)
        allowed = (int(words[token >> 5]) >> (token & 31)) & 1
        if allowed:
            run.accept(token)
        times.append(clock() - start)
        if not allowed:
            return False
    return bool(run.is_completed())


class OutOfTime(BaseException):
    """One engine took longer than `--limit` over one schema."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise OutOfTime after so many seconds; 0 for no limit."""

    def stop(_signal: int, _frame: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def measure(engine: Engine, schema: Any, tests: list[tuple[bool, list[int]]], limit: int) -> Outcome:
    """Compile once, and write every instance, twice."""
    outcome = Outcome()
    try:
        with limited(limit):
            write(engine, schema, tests, outcome)
    except Unsatisfiable:
        outcome.verdict = "valid refused" if any(valid for valid, _ in tests) else "empty"
    except Refused as refusal:
        outcome.verdict, outcome.reason = "refused", str(refusal)
    except engine.limits as limit_reached:
        outcome.verdict, outcome.reason = "refused", str(limit_reached)
    except OutOfTime:
        outcome.verdict = "hang"
    except Exception as crash:
        outcome.verdict, outcome.reason = "crash", repr(crash)
    return outcome


def write(engine: Engine, schema: Any, tests: list[tuple[bool, list[int]]], outcome: Outcome) -> None:
    """The work of `measure`, timed into `outcome`."""
    bitmask = np.zeros((1, WORDS), dtype=np.int32)
    start = time.thread_time_ns()
    run = engine.compile(schema)
    outcome.compiled = time.thread_time_ns() - start
    run.fill(bitmask)
    outcome.first_mask = time.thread_time_ns() - start
    for times in (outcome.cold, outcome.warm):
        for number, (valid, tokens) in enumerate(tests):
            run.restart()
            if feed(run, tokens, bitmask, times) != valid:
                outcome.verdict = "valid refused" if valid else "invalid taken"
                outcome.reason = f"instance {number}"


def read_sample(path: Path, half: str | None, sample: int, seed: int) -> list[dict[str, Any]]:
    """The schemas to measure, in random order."""
    content = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    cases = [json.loads(line) for line in content.splitlines()]
    if half is not None:
        cases = cases[half == "odd" :: 2]
    random.Random(seed).shuffle(cases)
    return cases[:sample] if sample else cases


def percentiles(times: list[int]) -> list[float]:
    """Microseconds: avg, p50, p90, p99, p99.9, max."""
    micro = np.asarray(times) / 1_000
    return [micro.mean(), *np.percentile(micro, [50, 90, 99, 99.9]), micro.max()]


def main() -> None:
    """Run the benchmark and print the tables."""
    parser = argparse.ArgumentParser(description="MaskBench, engines side by side")
    parser.add_argument("--data", type=Path, required=True, help="a .jsonl or .jsonl.xz file")
    parser.add_argument("--engine", action="append", choices=NAMES, help="may be repeated")
    parser.add_argument("--sample", type=int, default=500, help="how many schemas; 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--half", choices=["even", "odd"], help="only every other line of the file")
    parser.add_argument("--limit", type=int, default=60, help="seconds for one schema; longer is a hang")
    parser.add_argument("--json", type=Path, help="write the raw records here")
    arguments = parser.parse_args()
    from mlx_lm.tokenizer_utils import load

    from constrain.vocabulary.llama3 import llama3_tokenizer_folder

    tokenizer = load(llama3_tokenizer_folder())
    engines = [make(name, tokenizer) for name in arguments.engine or ["constrain"]]
    cases = read_sample(arguments.data, arguments.half, arguments.sample, arguments.seed)
    outcomes: dict[str, dict[str, Outcome]] = {engine.name: {} for engine in engines}
    for count, case in enumerate(cases):
        tests = [
            (
                test["valid"],
                tokenizer.encode(json.dumps(test["data"], ensure_ascii=False), add_special_tokens=False),
            )
            for test in case["tests"]
        ]
        for engine in engines:
            schema = engine.prepare(case["schema"])
            outcomes[engine.name][case["name"]] = measure(engine, schema, tests, arguments.limit)
        if sys.stderr.isatty():
            print(f"\r{count + 1}/{len(cases)}", end="", file=sys.stderr)
    report(engines, outcomes)
    if arguments.json:
        arguments.json.write_text(json.dumps(outcomes, default=vars), encoding="utf-8")


def report(engines: list[Engine], outcomes: dict[str, dict[str, Outcome]]) -> None:
    """Print what was right, and the times over the schemas that nobody refused."""
    common = set.intersection(
        *({name for name, o in by_name.items() if o.verdict == "pass"} for by_name in outcomes.values())
    )
    for engine in engines:
        by_name = outcomes[engine.name]
        counts = Counter(outcome.verdict for outcome in by_name.values())
        print(f"{engine.name} ({engine.settings}): {len(by_name)} schemas, {dict(counts)}")
        for name, outcome in by_name.items():
            if outcome.verdict not in {"pass", "empty"} and (
                outcome.verdict != "refused" or len(engines) == 1
            ):
                print(f"  {outcome.verdict}: {name} {' '.join(outcome.reason.splitlines()[:1])}")
    print(f"\nmicroseconds over the {len(common)} schemas that all pass")
    print(f"{'':28}{'avg':>10} {'p50':>10} {'p90':>10} {'p99':>10} {'p99.9':>10} {'max':>10}")
    found: dict[tuple[str, str], list[float]] = {}
    for engine in engines if common else ():
        kept = [outcomes[engine.name][name] for name in common]
        rows = {
            "compiled": [outcome.compiled for outcome in kept],
            "first mask": [outcome.first_mask for outcome in kept],
            "token, cold": [t for outcome in kept for t in outcome.cold],
            "token, warm": [t for outcome in kept for t in outcome.warm],
        }
        for label, times in rows.items():
            found[engine.name, label] = percentiles(times)
            numbers = " ".join(f"{value:>10,.1f}" for value in found[engine.name, label])
            print(f"{engine.name + ' ' + label:28}{numbers}")
    for engine in engines[1:] if common else ():
        print(f"\n{engines[0].name} / {engine.name}")
        for (name, label), values in found.items():
            if name == engines[0].name:
                ratios = zip(values, found[engine.name, label], strict=True)
                print(f"{label:28}" + " ".join(f"{ours / theirs:>10.2f}" for ours, theirs in ratios))
    print(
        f"\npeak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB"
    )


if __name__ == "__main__":
    main()

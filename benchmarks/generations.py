"""Thousands of generations over threads: is every output valid, and does the memory stay flat?

    python -m benchmarks.generations --generations 10000 --threads 4

Half of them with the embedded model, half with a tiny random one at temperature 1, each over one of several
schemas, patterns and types, with a budget of its own.  What comes back is validated by the judges of the
proof kit.  Printed after every thousand: failures, and the resident memory.
"""

from __future__ import annotations

import argparse
import random
import resource
import threading
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.finished import random_model
from constrain import generate_json, generate_regex, load
from constrain.errors import EndedEarlyWarning
from constrain.proof.judges import Judge, pattern_judges, schema_judges, verdicts

SCHEMAS: list[Any] = [
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 20},
            "age": {"type": "integer", "minimum": 0, "maximum": 120},
            "tags": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "maxItems": 4},
        },
        "required": ["name", "age"],
        "additionalProperties": False,
    },
    {"type": "array", "items": {"type": "number", "minimum": -1, "maximum": 1}, "maxItems": 8},
    {"type": "string", "format": "date"},
    {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}},
    {"anyOf": [{"const": "à propos"}, {"type": "array", "uniqueItems": True, "items": {"type": "boolean"}}]},
]
PATTERNS = ["[A-Z]{3}-[0-9]{4}", "(?:ab|c)+", r"\d{1,3}(?:,\d{3})*"]
PROMPTS = ["Anna is 31.", "What is 3.5 in words?", "Una lista: 1, 2, 3."]


def resident() -> int:
    """The memory this process holds now, in MiB; the most it has held where the system does not say."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text("ascii").split()[1]) * resource.getpagesize() >> 20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main() -> None:
    """Read the command line, generate, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--generations", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    models = [load(), random_model()]
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()

    def one(number: int) -> None:
        rng = random.Random(given.seed + number)
        model, prompt = models[number % 2], rng.choice(PROMPTS)
        options: dict[str, Any] = {
            "temp": float(number % 2),
            "seed": number,
            "max_tokens": rng.randint(24, 64),
        }
        judges: list[Judge]
        if rng.random() < 0.7:
            schema = rng.choice(SCHEMAS)
            answer = generate_json(model, prompt, schema, return_result=True, **options)
            judges, text = schema_judges(schema), answer.text
        else:
            pattern = rng.choice(PATTERNS)
            judges, text = pattern_judges(pattern), generate_regex(model, prompt, pattern, **options)
        problems = [problem for problem in verdicts(judges, text).values() if problem is not None]
        with lock:
            outcomes["invalid" if problems else "valid"] += 1
            done = outcomes.total()
            if problems:
                print(f"{number}: {problems[0]}: {text!r}", flush=True)
            if done % 1_000 == 0:
                print(f"{done} generations: {dict(outcomes)}, {resident()} MiB", flush=True)

    warnings.simplefilter("ignore", EndedEarlyWarning)
    with ThreadPoolExecutor(given.threads) as pool:
        list(pool.map(one, range(given.generations)))
    print(f"{given.generations} generations over {given.threads} threads: {dict(outcomes)}")


if __name__ == "__main__":
    main()

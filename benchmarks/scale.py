"""What grows, and how far: vocabularies, live grammars, long processes, large inputs, threads.

    python -m benchmarks.scale --data FILE.jsonl.xz [--only growth | alive | long]

Each line is one measurement, in a process that does the ones before it too, but for those that `--only`
runs alone.  Times are CPU times of this process; memory is resident memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.engines import Refused, Unsatisfiable
from benchmarks.engines.ours import Constrain, ConstrainRun
from benchmarks.maskbench import read_sample
from constrain import (
    ConstrainError,
    Vocabulary,
    allocate_token_bitmask,
    compile_json_schema,
    compile_part,
    tool_call_grammar,
)

MASKS = 60


def resident() -> float:
    """Megabytes of this process in memory."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print the milliseconds of CPU time that the block took, and the memory it left behind."""
    gc.collect()
    before, start = resident(), time.process_time()
    yield
    took = (time.process_time() - start) * 1_000
    gc.collect()
    print(f"{what:44} {took:>10,.1f} ms {resident() - before:>+9.1f} MB", flush=True)


def walk(run: ConstrainRun, vocabulary: Vocabulary, masks: int = MASKS, seed: int = 0) -> None:
    """Fill masks along a random text."""
    rng = random.Random(seed)
    bitmask = allocate_token_bitmask(1, vocabulary.size)
    for _ in range(masks):
        run.fill(bitmask)
        words = bitmask[0]
        places = words.nonzero()[0]
        word = int(places[rng.randrange(len(places))])
        bits = [bit for bit in range(32) if int(words[word]) >> bit & 1]
        run.accept(word * 32 + rng.choice(bits))
        if run.is_terminated():
            break


def instances(case: dict[str, Any], tokenizer: Any) -> list[list[int]]:
    """The token ids of the valid instances of a case."""
    texts = [json.dumps(test["data"], ensure_ascii=False) for test in case["tests"] if test["valid"]]
    return [tokenizer.encode(text, add_special_tokens=False) for text in texts]


def drive(engine: Constrain, case: dict[str, Any], tokenizer: Any) -> ConstrainRun | None:
    """Compile a case and write its valid instances; None if it is refused."""
    bitmask = allocate_token_bitmask(1, engine.vocabulary.size)
    try:
        run = engine.compile(case["schema"])
        for tokens in instances(case, tokenizer):
            run.restart()
            for token in tokens:
                run.fill(bitmask)
                run.accept(token)
    except (Refused, Unsatisfiable, ConstrainError):
        return None
    return run


def longest_pause(work: Callable[[], object]) -> float:
    """The longest pause of the garbage collector during `work`, in milliseconds."""
    pauses: list[float] = []
    start = 0.0

    def watch(phase: str, _: object) -> None:
        nonlocal start
        if phase == "start":
            start = time.process_time()
        else:
            pauses.append((time.process_time() - start) * 1_000)

    gc.callbacks.append(watch)
    try:
        work()
    finally:
        gc.callbacks.remove(watch)
    return max(pauses, default=0.0)


def growth(engine: Constrain, cases: list[dict[str, Any]], tokenizer: Any) -> None:
    """Memory over a process that sees one schema after the other, each dropped before the next."""
    first = 0.0
    for number, case in enumerate(cases):
        drive(engine, case, tokenizer)
        if number + 1 in {100, 200, 500, 1_000, 2_000, 3_000, 4_000, 5_000}:
            gc.collect()
            first = first or resident()
            now = resident()
            print(f"after {number + 1:5,} schemas {now:>10,.0f} MB {now - first:>+9.1f} MB", flush=True)


def alive(engine: Constrain, cases: list[dict[str, Any]], tokenizer: Any) -> None:
    """Memory and collector pauses with many grammars alive."""
    gc.collect()
    gc.freeze()  # what was here before: the cases and the tokenizer
    before = resident()
    kept: list[ConstrainRun] = []

    def more(some: list[dict[str, Any]]) -> None:
        kept.extend(run for case in some if (run := drive(engine, case, tokenizer)) is not None)

    pause = longest_pause(lambda: more(cases[:400]))
    each = (resident() - before) / len(kept)
    print(f"{len(kept)} grammars alive, each with its texts written: {each:.2f} MB each", flush=True)
    print(f"the collector's longest pause on the way: {pause:.1f} ms", flush=True)
    pause = longest_pause(lambda: more(cases[400:450]))
    print(f"the longest while 50 more are compiled and written: {pause:.1f} ms", flush=True)
    print(f"a full collection asked for by hand: {longest_pause(gc.collect):.1f} ms", flush=True)


LONG = {
    "free keys": (
        {"type": "object", "additionalProperties": {"type": "integer"}},
        "{",
        lambda n: f'"key{n}": {n}, ',
    ),
    "keys of a pattern": (
        {"patternProperties": {"^k.*[0-9]$": {"type": "integer"}}, "additionalProperties": False},
        "{",
        lambda n: f'"key{n}": {n}, ',
    ),
    "named keys": (
        {"type": "object", "properties": {f"key{n}": {"type": "integer"} for n in range(2_000)}},
        "{",
        lambda n: f'"key{n}": {n}, ',
    ),
    "array items": ({"type": "array", "items": {"type": "integer"}}, "[", lambda n: f"{n}, "),
    "unique items": (
        {"type": "array", "uniqueItems": True, "items": {"type": "integer"}},
        "[",
        lambda n: f"{n}, ",
    ),
    "unique strings": (
        {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
        "[",
        lambda n: f'"key{n}", ',
    ),
}


def long(engine: Constrain, most: int, tokenizer: Any) -> None:
    """Time and memory for each key or item of one long document, every mask filled, by decade."""
    bitmask = allocate_token_bitmask(1, engine.vocabulary.size)
    for what, (schema, start, item) in LONG.items():
        run = engine.compile(schema)
        run.restart()
        written, count = 0, 2_000 if what == "named keys" else most
        for stop in [10**power for power in range(2, 6) if 10**power < count] + [count]:
            text = start * (written == 0) + "".join(map(item, range(written, stop)))
            tokens = tokenizer.encode(text, add_special_tokens=False)
            gc.collect()
            before, clock = resident(), time.process_time()
            for token in tokens:
                run.fill(bitmask)
                run.accept(token)
            took = (time.process_time() - clock) * 1_000_000 / (stop - written)
            gc.collect()
            memory = (resident() - before) * 1_024 / (stop - written)
            print(f"{what}, {written:7,} to {stop:7,} {took:>10,.0f} us {memory:>8,.1f} kB each", flush=True)
            written = stop


def threads(vocabulary: Vocabulary, count: int) -> None:
    """Matchers of one grammar in threads."""
    compiled = compile_json_schema({"type": "array", "items": {"type": "object"}}, vocabulary)
    workers = [
        threading.Thread(target=walk, args=(ConstrainRun(compiled.matcher()), vocabulary, MASKS, seed))
        for seed in range(count)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def main() -> None:
    """Run the measurements and print a line for each."""
    parser = argparse.ArgumentParser(description="what grows, and how far")
    parser.add_argument("--data", type=Path, required=True, help="MaskBench, a .jsonl or .jsonl.xz file")
    parser.add_argument(
        "--only",
        choices=["growth", "alive", "long"],
        help="5,000 schemas in one process, 450 grammars kept, or documents of 100,000 keys and items",
    )
    arguments = parser.parse_args()
    from mlx_lm.tokenizer_utils import load

    from constrain.vocabulary.llama3 import llama3_tokenizer_folder

    tokenizer = load(llama3_tokenizer_folder())
    cases = read_sample(arguments.data, None, 0, 1)
    if arguments.only == "long":
        long(Constrain(tokenizer), 100_000, tokenizer)
        return
    if arguments.only:
        {"growth": growth, "alive": alive}[arguments.only](Constrain(tokenizer), cases[:5_000], tokenizer)
        return
    with timed("vocabulary, from the tokenizer"):
        vocabulary = Vocabulary.from_tokenizer(tokenizer, cache=False)
    Vocabulary.from_tokenizer(tokenizer)
    with timed("vocabulary, from the cache"):
        Vocabulary.from_tokenizer(tokenizer)

    def measured(what: str, schema: Any) -> None:
        with timed(what):
            walk(ConstrainRun(compile_json_schema(schema, vocabulary).matcher()), vocabulary)

    measured(f"the first grammar, {MASKS} masks", {"type": "object"})
    largest = max(cases, key=lambda case: len(json.dumps(case["schema"])))
    size = len(json.dumps(largest["schema"])) // 1_000
    measured(f"the largest schema, {size} kB, {MASKS} masks", largest["schema"])
    optional = {"type": "object", "properties": {f"key_{n}": {"type": "string"} for n in range(200)}}
    measured(f"200 optional properties, {MASKS} masks", {**optional, "additionalProperties": False})
    deep = {"$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"}
    with timed("a recursive schema, 5,000 levels deep"):
        matcher = compile_json_schema(deep, vocabulary).matcher()
        for _ in range(5_000):
            matcher.allowed_token_ids()
            matcher.accept_token(ord("["))
    tools = [
        {"type": "function", "function": {"name": f"tool_{n}", "parameters": case["schema"]}}
        for n, case in enumerate(case for case in cases if case["name"].startswith("BFCL"))
    ][:128]
    with timed(f"{len(tools)} tools at once, {MASKS} masks"):
        grammar = compile_part(tool_call_grammar(tools, tool_choice="required").written, vocabulary)
        walk(ConstrainRun(grammar.matcher()), vocabulary)
    for count in (1, 8):
        with timed(f"{count} matchers of a grammar in {count} threads"):
            threads(vocabulary, count)
    alive(Constrain(tokenizer), cases, tokenizer)


if __name__ == "__main__":
    main()

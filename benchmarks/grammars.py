"""Masks of Lark grammars over the Llama-3 vocabulary: what does each cost, and which are the worst?

    python -m benchmarks.grammars [--only NAME] [--worst 3] [FILE.lark[:START] ...]

For every grammar of the catalogue, or for the files that are named instead, milliseconds of CPU time: to
compile, to the first mask, and then for each token (fill the mask, test the bit, accept), over

    texts    the strings that the grammar's tests accept, and those of `--text`, as the tokenizer cuts them
    walks    random ways along the masks, each token drawn from those allowed: some evenly, some among the
             longest, which cross the most terminals, some among the bytes, which see the most positions

Cold is the first time, warm the same once more.  Every grammar runs in a process of its own, which has the
vocabulary and its arrays and nothing else; what was loaded before is frozen (`gc.freeze`).  A terminal
that a file only declares is written as one control character.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import random
import re
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from constrain import Vocabulary, allocate_token_bitmask, compile_lark, grammars
from constrain.matcher import Matcher
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.tables import shared_tables

EXAMPLES = Path(__file__).parent.parent / "tests" / "grammars" / "examples"
SINGLE = {bytes((byte,)) for byte in range(32, 127)}


@dataclass
class Measured:
    """What one grammar took, in nanoseconds; `worst` are its slowest cold tokens, with the text so far."""

    compiled: int = 0
    first: int = 0
    cold: list[int] = field(default_factory=list)
    warm: list[int] = field(default_factory=list)
    worst: list[tuple[int, str]] = field(default_factory=list)


def step(matcher: Matcher, bitmask: Any, choose: Any) -> tuple[int, int]:
    """Fill the mask, choose a token, and accept it: the token, and the time without the choice."""
    clock = time.thread_time_ns
    start = clock()
    matcher.fill_next_token_bitmask(bitmask)
    filled = clock() - start
    token = choose(bitmask[0])
    start = clock()
    allowed = (int(bitmask[0][token >> 5]) >> (token & 31)) & 1
    if not allowed or not matcher.accept_token(token):
        raise RuntimeError(f"token {token} is refused after {matcher.text!r}")
    return token, filled + clock() - start


def chooser(way: int, rng: random.Random, vocabulary: Vocabulary) -> Any:
    """One of the ways to draw a token from a mask."""
    ends = set(vocabulary.eos_token_ids)

    def choose(words: Any) -> int:
        flags = np.unpackbits(words.view(np.uint8), bitorder="little")
        allowed = [token for token in np.flatnonzero(flags).tolist() if token not in ends]
        if not allowed:
            return min(ends)
        if way == 1:
            some = rng.sample(allowed, min(20, len(allowed)))
            return max(some, key=lambda token: len(vocabulary.tokens[token] or b""))
        if way == 2:
            allowed = [token for token in allowed if vocabulary.tokens[token] in SINGLE] or allowed
        return int(rng.choice(allowed))

    return choose


def drive(path: Path, start: str, texts: list[list[int]], walks: int, tokens: int) -> Measured:
    """Compile a grammar and write its texts and walks, twice."""
    vocabulary = _VOCABULARY[0]
    found = Measured()
    declared = re.findall(r"^%declare (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    names = " ".join(declared).split()
    embed = {name: chr(number + 1) for number, name in enumerate(names)}
    bitmask = allocate_token_bitmask(1, vocabulary.size)
    begun = time.thread_time_ns()
    compiled = compile_lark(path, vocabulary, start=start, embed=embed)
    found.compiled = time.thread_time_ns() - begun
    begun = time.thread_time_ns()
    compiled.matcher().fill_next_token_bitmask(bitmask)
    found.first = time.thread_time_ns() - begun
    written: list[list[int]] = []
    for text in texts:
        matcher = compiled.matcher()
        for token in text:
            _, took = step(matcher, bitmask, lambda _, token=token: token)
            _note(found, took, matcher)
        written.append(text)
    for number in range(walks):
        matcher = compiled.matcher()
        choose = chooser(number % 3, random.Random(number), vocabulary)
        walked: list[int] = []
        while len(walked) < tokens and not matcher.is_terminated():
            token, took = step(matcher, bitmask, choose)
            _note(found, took, matcher)
            walked.append(token)
        written.append(walked)
    for text in written:
        matcher = compiled.matcher()
        found.warm += [step(matcher, bitmask, lambda _, token=token: token)[1] for token in text]
    found.worst = sorted(found.worst, reverse=True)[:20]
    return found


def _note(found: Measured, took: int, matcher: Matcher) -> None:
    found.cold.append(took)
    if took > 2_000_000:
        found.worst.append((took, repr(matcher.text[-60:])))


_VOCABULARY: list[Vocabulary] = []


def _row(name: str, found: Measured, worst: int) -> None:
    def four(times: list[int]) -> str:
        milli = np.asarray(times or [0]) / 1e6
        shown = [milli.mean(), np.percentile(milli, 50), np.percentile(milli, 99), milli.max()]
        return "".join(f"{value:>9.3f}" for value in shown)

    times = f"{found.compiled / 1e6:>9.1f}{found.first / 1e6:>8.1f}"
    print(f"{name:20}{times} |{four(found.cold)} |{four(found.warm)} |{len(found.cold):>7}", flush=True)
    for took, text in found.worst[:worst]:
        print(f"{took / 1e6:>37.1f}  to accept the last token of {text}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="masks of Lark grammars over the Llama-3 vocabulary")
    parser.add_argument(
        "files", nargs="*", help="grammars to measure instead, each FILE.lark or FILE.lark:START"
    )
    parser.add_argument("--only", action="append", help="only this one of the catalogue; may be repeated")
    parser.add_argument("--text", type=Path, action="append", default=[], help="a text of the files named")
    parser.add_argument("--walks", type=int, default=30, help="random walks for each grammar")
    parser.add_argument("--tokens", type=int, default=40, help="the most tokens of a walk")
    parser.add_argument("--worst", type=int, default=0, help="show so many of the slowest tokens")
    parser.add_argument("--json", type=Path, help="write the raw figures here")
    arguments = parser.parse_args()
    from mlx_lm.tokenizer_utils import load

    from constrain.vocabulary.llama3 import llama3_tokenizer_folder

    tokenizer = load(llama3_tokenizer_folder())
    _VOCABULARY.append(Vocabulary.from_tokenizer(tokenizer))
    shared = shared_tables(_VOCABULARY[0])
    _ = _VOCABULARY[0].tokens, shared.remainders.child(EVERYTHING, 32)
    gc.collect()
    gc.freeze()
    cases: list[tuple[str, Path, str, list[str]]] = []
    for name in () if arguments.files else arguments.only or grammars.names():
        accepts = tomllib.loads((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8"))["accepts"]
        cases.append((name, grammars.path(name), "start", accepts))
    for file in arguments.files:
        path, _, start = file.partition(".lark:")
        path = path.removesuffix(".lark") + ".lark"
        texts = [text.read_text(encoding="utf-8") for text in arguments.text]
        cases.append((f"{Path(path).stem}:{start or 'start'}", Path(path), start or "start", texts))
    print(
        f"{'milliseconds':20}{'compile':>9}{'first':>8} |{'cold avg':>9}{'p50':>9}{'p99':>9}{'max':>9}",
        end="",
    )
    print(f" |{'warm avg':>9}{'p50':>9}{'p99':>9}{'max':>9} |{'tokens':>7}")
    found: dict[str, Measured] = {}
    for name, path, start, strings in cases:
        texts = [tokenizer.encode(text, add_special_tokens=False) for text in strings]
        with multiprocessing.get_context("fork").Pool(1) as pool:
            found[name] = pool.apply(drive, (path, start, texts, arguments.walks, arguments.tokens))
        _row(name, found[name], arguments.worst)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, default=vars), encoding="utf-8")


if __name__ == "__main__":
    main()

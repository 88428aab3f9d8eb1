"""Does any input break a promise?  Random patterns, schemas and grammars, by the thousand.

    python -m benchmarks.hostile --what patterns --count 50000 --seed 1
    python -m benchmarks.hostile --what schemas --count 20000 --data FILE.jsonl.xz --vocabulary llama3

    patterns    random regular expressions, a quarter of them with characters changed
    schemas     those of a MaskBench file, or random ones, with up to five places changed
    grammars    Lark grammars, of the catalogue and random ones, with lines changed
    walks       random schemas of every keyword, walked to an end and judged by two validators

Each case is compiled and walked.  The mask must never be empty, and at every step over the toy vocabulary, at
one step of every REAL cases over the real one, it must be what trying every token gives.  What is written
must be what `re` and the validators take.  A case ends as "answered", in an error of the documented classes,
or as a FAULT: anything else that is raised, or a compilation, a mask, a token or a shortest way to an end
that takes more than `--limit` seconds of CPU time.  The inputs are those of the property tests
(`tests/hostile_inputs.py`).

What judges an answer has JUDGING seconds: `re` backtracks, in ways that take it hours where our patterns take
milliseconds.  What it then left unjudged is counted.

Half of the cases find the process as it was left by up to GENERATION others, the other half find it with
nothing remembered.  Every case has a seed of its own.  A fault is tried again with nothing remembered, made
smaller for as long as it stays the same fault, and printed; one that needs a history is printed with the
cases to repeat.  The exit status is 1 if there was any.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import jsonschema
import jsonschema_rs

from benchmarks.maskbench import read_sample
from constrain import (
    CompiledGrammar,
    ConstrainError,
    Vocabulary,
    check_schema,
    compile_json_schema,
    compile_lark,
    compile_regex,
)
from constrain.position import Position
from constrain.regular.keeping import forget
from tests import hostile_inputs
from tests.oracle import by_trying
from tests.walks import exact_walk

T = TypeVar("T")
GENERATION = 50
STEPS = 8
JUDGING = 1
REAL = 4
"""Over the real vocabulary every token is tried at one step of every so many cases: it takes most time."""
MAX_SMALLER = 200
SHOWN = 5
MAX_DIGITS = 4_000
"""Digits of the whole numbers that are written out for the exact validator."""
_KINDS = {
    "no token is allowed": "empty mask",
    "after": "mask differs",
    "the mask allows": "refused token",
    "the way": "way to an end not allowed",
    "the shortest way": "no end",
    "unsound": "unsound output",
}
"""Faults by the first words of what `tests.walks.exact_walk` says, or we do."""


@dataclass(frozen=True)
class Case:
    """One input: a pattern, a grammar or a schema, how it is to be compiled, and the seed of its walk."""

    what: str
    source: Any
    options: dict[str, Any]
    reported: bool
    seed: int

    def __str__(self) -> str:
        return f"{self.what}: {self.source!r} {self.options or ''} walk {self.seed}"


class OutOfTime(BaseException):
    """Something takes more CPU time than it may."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise OutOfTime after so many seconds of CPU time; 0 for no limit."""

    def stop(signum: int, frame: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def make_case(what: str, seed: int, number: int, schemas: list[Any]) -> Case:
    """The case of a number."""
    rng = random.Random(f"{seed} {what} {number}")
    options: dict[str, Any] = {}
    source: Any
    if what == "patterns":
        source = hostile_inputs.pattern(rng)
        if rng.randrange(4) == 0:
            source = hostile_inputs.changed_text(rng, source, rng.choice([1, 2, 4]))
        options = {"flags": rng.choice([0, 0, re.DOTALL, re.IGNORECASE, re.ASCII])}
    elif what == "grammars":
        source = hostile_inputs.changed_grammar(rng)
    else:
        options = hostile_inputs.options(rng)
        if what == "walks":
            makers = [hostile_inputs.schema] * 6 + [
                hostile_inputs.closed_object,
                hostile_inputs.counted_pattern,
            ]
            source = rng.choice(makers)(rng)
        else:
            original = rng.choice(schemas) if schemas and rng.randrange(8) else hostile_inputs.schema(rng)
            source = hostile_inputs.changed_schema(rng, original, rng.randrange(6))
            source = hostile_inputs.as_text(rng, source)
    return Case(what, source, options, what == "schemas" and rng.randrange(4) == 0, rng.randrange(1 << 30))


class Hunt:
    """Cases over one vocabulary."""

    def __init__(self, vocabulary: Vocabulary, is_real: bool, limit: float) -> None:
        self._vocabulary = vocabulary
        self._is_real = is_real
        self._limit = limit
        self.disputed: list[str] = []
        self.unjudged = 0

    def outcome(self, case: Case) -> tuple[str, str]:
        """How a case ends, and what there is to say of it."""
        return outcome_of(lambda: self._answer(case), self._limit)

    def _answer(self, case: Case) -> str:
        with self._bounded():
            compiled = self._compiled(case)
        rng = random.Random(case.seed)
        steps = iter(range(STEPS))
        tried_on_real = rng.randrange(REAL * STEPS)

        def trying(compiled: CompiledGrammar, position: Position) -> list[int] | None:
            if next(steps) != tried_on_real and self._is_real:
                return None
            return self._judgement(lambda: by_trying(compiled, position))

        text = exact_walk(compiled, rng, STEPS, trying=trying, bounded=self._bounded).text
        if case.what == "patterns":
            matches = self._judgement(lambda: _matches(case.source, case.options["flags"], text))
            assert matches is not False, f"unsound: {text[-200:]!r}"
        elif case.what != "grammars":
            schema = json.loads(case.source) if isinstance(case.source, str) else case.source
            verdict = self._judgement(lambda: _judged(schema, text))
            assert verdict != "invalid", f"unsound: {text[-200:]!r}"
            if verdict == "disputed":
                self.disputed.append(f"{case}: {text[:200]!r}")
        return "answered"

    def _compiled(self, case: Case) -> CompiledGrammar:
        if case.what == "patterns":
            return compile_regex(case.source, self._vocabulary, **case.options)
        if case.what == "grammars":
            return compile_lark(case.source, self._vocabulary)
        if case.reported:
            str(check_schema(case.source, self._vocabulary, **case.options))
        return compile_json_schema(case.source, self._vocabulary, **case.options)

    def _bounded(self) -> AbstractContextManager[None]:
        return limited(self._limit)

    def _judgement(self, judge: Callable[[], T]) -> T | None:
        """What a judge says; None, and counted, where it takes too long."""
        try:
            with limited(JUDGING if self._limit else 0):
                return judge()
        except OutOfTime:
            self.unjudged += 1
            return None

    def smaller(self, case: Case, outcome: str) -> Case:
        """The smallest case found that ends in the same fault, with nothing remembered."""
        left = MAX_SMALLER
        progress = True
        while progress and left > 0:
            progress = False
            for source in simpler(case.source):
                left -= 1
                if left <= 0:
                    break
                candidate = replace(case, source=source)
                forget()
                if self.outcome(candidate)[0] == outcome:
                    case, progress = candidate, True
                    break
        return case


def outcome_of(answer: Callable[[], str], limit: float) -> tuple[str, str]:
    """How an answer ends, and what there is to say of it: its own word, a documented error, or a fault."""
    try:
        return answer(), ""
    except ConstrainError as problem:
        return type(problem).__name__, ""
    except OutOfTime:
        forget()
        return f"FAULT over {limit:g} s", ""
    except AssertionError as problem:
        said = str(problem)
        kind = next((kind for word, kind in _KINDS.items() if said.startswith(word)), None)
        return f"FAULT {kind or 'AssertionError in ' + _place(problem)}", said
    except Exception as problem:
        return f"FAULT {type(problem).__name__} in {_place(problem)}", str(problem)[:200]


def _place(problem: BaseException) -> str:
    frame = traceback.extract_tb(problem.__traceback__)[-1]
    return f"{Path(frame.filename).name}: {frame.name}"


def _matches(pattern: str, flags: int, text: bytes) -> bool | None:
    """What `re` says of a text; None where it refuses the pattern, or has other tables of Unicode."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.fullmatch(pattern, text.decode(), flags) is not None
    except (re.error, OverflowError, RecursionError):
        return None


def _judged(schema: Any, text: bytes) -> str:
    """ "valid", "invalid", "disputed" where two validators differ, "unjudged" where one has no answer.

    Numbers are exact for the first of them; the second reads floats.  To both, and not to ECMA-262, `é` is a
    letter, for `\\w` and for a word boundary.
    """
    said = [_first_says, _second_says]
    found = []
    for says in said:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(says(schema, text))
        except Exception:  # whatever a validator does with a schema that is wrong
            return "unjudged"
    if found == [False, False]:
        return "disputed" if _depends_on_classes(schema, json.loads(text)) else "invalid"
    return "valid" if found == [True, True] else "disputed"


def _depends_on_classes(schema: Any, value: Any) -> bool:
    """May a class of characters decide, one that holds more than ASCII for the validators alone?"""
    beyond_ascii = not json.dumps(value, ensure_ascii=False).isascii()
    return beyond_ascii and re.search(r"\\\\[bBdDwWsS]", json.dumps(schema)) is not None


def _first_says(schema: Any, text: bytes) -> bool:
    exact = json.loads(json.dumps(schema), parse_float=_exact)
    validator = jsonschema.validators.validator_for(exact, default=jsonschema.Draft202012Validator)
    return bool(validator(exact).is_valid(json.loads(text, parse_float=_exact)))


def _second_says(schema: Any, text: bytes) -> bool:
    return bool(jsonschema_rs.validator_for(schema).is_valid(json.loads(text)))


def _exact(text: str) -> Decimal | int:
    number = Decimal(text)
    is_whole = number.adjusted() < MAX_DIGITS and number == number.to_integral_value()
    return int(number) if is_whole else number


def simpler(source: Any) -> Iterator[Any]:
    """Simpler inputs of the same kind, the simplest first."""
    if isinstance(source, str):
        size = len(source)
        while size:
            yield from (source[:at] + source[at + size :] for at in range(0, len(source), size))
            size //= 2
    elif isinstance(source, dict):
        yield from (child for child in source.values() if isinstance(child, dict))
        yield from ({name: child for name, child in source.items() if name != gone} for gone in source)
        for name, child in source.items():
            yield from ({**source, name: small} for small in simpler(child))
    elif isinstance(source, list):
        yield from (source[:at] + source[at + 1 :] for at in range(len(source)))
        for at, child in enumerate(source):
            yield from ([*source[:at], small, *source[at + 1 :]] for small in simpler(child))


def run(hunt: Hunt, make: Callable[[int], Case], numbers: range, say: Callable[[str], None]) -> Counter[str]:
    """The outcomes of some cases, counted; faults are said as they are found."""
    counts: Counter[str] = Counter()
    for number in numbers:
        block, place = divmod(number, GENERATION)
        if place == 0 or block % 2:
            forget()
        case = make(number)
        outcome, detail = hunt.outcome(case)
        counts[outcome] += 1
        if not outcome.startswith("FAULT"):
            continue
        say(f"{outcome}: case {number}\n    {detail}\n    {case}"[:2_000])
        if counts[outcome] > SHOWN or "over" in outcome:
            continue
        forget()
        if hunt.outcome(case)[0] == outcome:
            smaller = hunt.smaller(case, outcome)
            say(f"  smaller: {smaller}\n    {hunt.outcome(smaller)[1]}"[:2_000])
        else:
            say(f"  it needs a history: --first {block * GENERATION} --count {place + 1}")
        forget()
    return counts


def main() -> None:
    """Make the cases, and print how they end."""
    parser = argparse.ArgumentParser(description="hostile inputs, by the thousand")
    parser.add_argument("--what", required=True, choices=["patterns", "schemas", "grammars", "walks"])
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="MaskBench, a .jsonl or .jsonl.xz file, for schemas")
    parser.add_argument("--vocabulary", choices=["toy", "llama3"], default="toy")
    parser.add_argument("--limit", type=float, default=10, help="CPU seconds for one answer; 0 for none")
    parser.add_argument("--seconds", type=float, default=0, help="start no case after so many CPU seconds")
    arguments = parser.parse_args()
    schemas = [case["schema"] for case in read_sample(arguments.data, None, 0, 1)] if arguments.data else []
    is_real = arguments.vocabulary == "llama3"
    hunt = Hunt(_llama3() if is_real else hostile_inputs.VOCABULARY, is_real, arguments.limit)
    start = time.process_time()
    counts: Counter[str] = Counter()
    first, end = arguments.first, arguments.first + arguments.count

    def make(number: int) -> Case:
        return make_case(arguments.what, arguments.seed, number, schemas)

    while first < end and not 0 < arguments.seconds < time.process_time() - start:
        stop = min(end, (first // GENERATION + 1) * GENERATION)
        counts += run(hunt, make, range(first, stop), lambda text: print(text, flush=True))
        first = stop
    took = time.process_time() - start
    print(f"{sum(counts.values()):,} {arguments.what} over {arguments.vocabulary}, {took:,.0f} s of CPU time")
    for outcome, count in counts.most_common():
        print(f"{count:>8,} {outcome}")
    print(f"{hunt.unjudged:>8,} judgements that took too long")
    print(f"{len(hunt.disputed):>8,} answers disputed by the validators")
    for text in hunt.disputed[:SHOWN]:
        print(f"         {text[:400]}")
    sys.exit(any(outcome.startswith("FAULT") for outcome in counts))


def _llama3() -> Vocabulary:
    from mlx_lm.tokenizer_utils import load

    from constrain.vocabulary.llama3 import llama3_tokenizer_folder

    return Vocabulary.from_tokenizer(load(llama3_tokenizer_folder()))


if __name__ == "__main__":
    main()

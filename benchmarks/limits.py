"""Inputs made to hurt, each in a process of its own: is every one answered or refused, in time and in memory?

    python -m benchmarks.limits [--only WORD] [--vocabulary llama3] [--seconds 2] [--megabytes 300]

Each input is blown up in one dimension: the values of an `enum`, the depth of a repeat, the rules of a
grammar, the tools of a call.  It is compiled and a short random text is written under it, with the default
limits.  An input is

    answered     compiled, and every mask and every token found, each within PATIENCE times `--seconds`
    refused      an error of the documented tree, LimitExceeded most often, within `--seconds` of CPU time
                 in one call (compiling, a mask, a token)
    FAULT        anything else: no end by then, more than `--megabytes` beyond what the process had before,
                 an error of Python's

The seconds are those of the machine on which the limit was set: a loop of known length is timed first, and
they are stretched by as much as it takes longer here.  The last line counts; the exit status is 1 when there
is a fault.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from constrain import (
    ConstrainError,
    Vocabulary,
    compile_json_schema,
    compile_lark,
    compile_part,
    compile_regex,
    tool_call_grammar,
)
from constrain.matcher import CompiledGrammar

REFERENCE_LOOP = 10_000_000
REFERENCE_SECONDS = 0.22
"""What `reference` took on the core on which a step was measured (an AMD EPYC, Python 3.11.2)."""
PATIENCE = 4
"""An answer may take so much longer than a refusal, and a call that no signal reaches is killed then."""
TOKENS = 40
MOST_SECONDS = 60
"""Of CPU time, for one input with all its calls."""

PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23)


@dataclass(frozen=True)
class Input:
    """How an input is made, which is not counted, and how it is compiled."""

    make: Callable[[], Any]
    compile: Callable[[Any, Vocabulary], CompiledGrammar]


def schema(make: Callable[[], Any], **options: Any) -> Input:
    """A schema."""
    return Input(make, lambda made, vocabulary: compile_json_schema(made, vocabulary, **options))


def pattern(make: Callable[[], str]) -> Input:
    """A regular expression."""
    return Input(make, compile_regex)


def lark(make: Callable[[], str]) -> Input:
    """A Lark grammar."""
    return Input(make, compile_lark)


def tools(make: Callable[[], list[dict[str, Any]]]) -> Input:
    """A list of tools."""
    return Input(make, lambda made, vocabulary: compile_part(tool_call_grammar(made).written, vocabulary))


def word(seed: int, length: int = 40) -> str:
    """A word of letters as good as random; the same seed gives the same one."""
    return hashlib.sha256(str(seed).encode()).hexdigest().translate(_LETTERS)[:length]


_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def cycle(keyword: str) -> dict[str, Any]:
    """An `enum` or a `const` whose value holds itself."""
    value: list[Any] = []
    value.append(value)
    return {keyword: value}


def knot() -> dict[str, Any]:
    """A schema that holds itself."""
    made: dict[str, Any] = {"type": "object", "properties": {}}
    made["properties"]["a"] = made
    return made


def nested(keyword: str, depth: int, width: int) -> dict[str, Any]:
    """Alternatives within alternatives, each with a property of its own."""
    if depth == 0:
        return {"minProperties": 1}
    return {
        keyword: [
            {"properties": {f"p{depth}{n}": {"type": "integer"}}, **nested(keyword, depth - 1, width)}
            for n in range(width)
        ]
    }


def deep(depth: int) -> dict[str, Any]:
    """Arrays in arrays."""
    made: dict[str, Any] = {"type": "integer"}
    for _ in range(depth):
        made = {"type": "array", "items": made, "minItems": 1}
    return made


def puzzle(variables: int, clauses: int) -> dict[str, Any]:
    """A satisfiability problem with three boolean properties in each clause."""
    rng = random.Random(1)
    names = [f"x{number}" for number in range(variables)]
    return {
        "type": "object",
        "required": names,
        "properties": {name: {"type": "boolean"} for name in names},
        "additionalProperties": False,
        "allOf": [
            {"anyOf": [{"properties": {n: {"const": rng.random() < 0.5}}} for n in rng.sample(names, 3)]}
            for _ in range(clauses)
        ],
    }


def strings(**keywords: Any) -> dict[str, Any]:
    """A schema of strings."""
    return {"type": "string", **keywords}


def unique(count: int, values: int, **keywords: Any) -> dict[str, Any]:
    """So many different items of so many values."""
    return {
        "type": "array",
        "uniqueItems": True,
        "minItems": count,
        "items": {"enum": list(range(values))},
        **keywords,
    }


INPUTS: dict[str, Input] = {
    # Values by name.
    "enum of 1,000,000 strings": schema(lambda: {"enum": [word(n, 12) for n in range(1_000_000)]}),
    "enum of 100,000 random strings": schema(lambda: {"enum": [word(n) for n in range(100_000)]}),
    "enum of 100,000 integers": schema(lambda: {"enum": list(range(100_000))}),
    "enum of 100,000 integers, any spelling": schema(lambda: {"enum": list(range(100_000))}, spelling="any"),
    "enum of 100,000 numbers": schema(lambda: {"enum": [n / 7 for n in range(100_000)]}),
    "enum of 100,000 numbers, none even": schema(
        lambda: {"enum": [n / 8 for n in range(100_000)], "not": {"multipleOf": 2}}
    ),
    "enum of 100,000 objects": schema(lambda: {"enum": [{"a": n, "b": str(n)} for n in range(100_000)]}),
    "enum of 100,000 arrays": schema(lambda: {"enum": [[n, str(n)] for n in range(100_000)]}),
    "not one of 100,000 strings": schema(
        lambda: strings(**{"not": {"enum": [word(n) for n in range(100_000)]}})
    ),
    "not one of 100,000 integers": schema(
        lambda: {"type": "integer", "not": {"enum": list(range(0, 200_000, 2))}}
    ),
    "two enums of 100,000 strings": schema(
        lambda: {"allOf": [{"enum": [f"{n}-{k}" for n in range(100_000)]} for k in range(2)]}
    ),
    "enum of 20,000 strings and a pattern": schema(
        lambda: {"enum": [word(n) for n in range(20_000)], "pattern": "^(a|.*b.*c)"}
    ),
    "anyOf of 20,000 constants": schema(lambda: {"anyOf": [{"const": word(n)} for n in range(20_000)]}),
    "oneOf of 20,000 integers": schema(lambda: {"oneOf": [{"const": n} for n in range(20_000)]}),
    "const of 10 MB": schema(lambda: {"const": "x" * 10_000_000}),
    "const of 1,000,000 items": schema(lambda: {"const": list(range(1_000_000))}),
    "const of 100,000 members": schema(lambda: {"const": {f"k{n}": n for n in range(100_000)}}),
    "const of 10,000 decimals": schema(lambda: f'{{"const": 1.{"3" * 10_000}}}'),
    "const of a large exponent": schema(lambda: '{"const": 1e4000}'),
    "multipleOf of 300 decimals": schema(lambda: f'{{"multipleOf": 0.{"0" * 299}7}}'),
    "multipleOf a large prime": schema(lambda: {"type": "integer", "multipleOf": 1_000_003}),
    "20 times not a multiple": schema(
        lambda: {"type": "integer", "allOf": [{"not": {"multipleOf": n}} for n in range(3, 60, 3)]}
    ),
    "const that holds itself": schema(lambda: cycle("const")),
    "enum that holds itself": schema(lambda: cycle("enum")),
    "schema that holds itself": schema(knot),
    # Strings.
    "minLength 5,000 beside two patterns": schema(
        lambda: strings(
            minLength=5000, maxLength=9000, pattern="^([a-z]{2,3}-)*$", **{"not": {"pattern": "z.{20}z"}}
        )
    ),
    "minLength 10**9 with a pattern": schema(lambda: strings(minLength=10**9, pattern="^([a-z]{2,3}-)*$")),
    "20 times one of two patterns": schema(
        lambda: strings(
            allOf=[{"anyOf": [{"pattern": f"a.{{{n}}}b"}, {"pattern": f"c.{{{n}}}d"}]} for n in range(20)]
        )
    ),
    "anyOf of 5,000 patterns": schema(
        lambda: {"anyOf": [strings(pattern=f"^{word(n, 6)}[0-9]+$") for n in range(5_000)]}
    ),
    "allOf of 200 patterns": schema(lambda: strings(allOf=[{"pattern": word(n, 3)} for n in range(200)])),
    "not of a wide pattern": schema(
        lambda: strings(**{"not": {"pattern": r"^\p{L}{1,3000}-\p{N}{1,3000}$"}})
    ),
    "(.*a){30} with a length": schema(lambda: strings(pattern="(.*a){30}", maxLength=200)),
    "a suffix counter of 24": schema(lambda: strings(pattern="a.{24}$")),
    "all formats at once": schema(
        lambda: {
            "anyOf": [
                strings(format=name) for name in ("idn-email", "idn-hostname", "iri", "uri", "date-time")
            ]
        }
    ),
    "no format of six": schema(
        lambda: strings(
            allOf=[
                {"not": {"format": name}} for name in ("idn-email", "iri", "uri", "date-time", "ipv6", "uuid")
            ]
        )
    ),
    # Arrays.
    "unique items, 500 of 500": schema(lambda: unique(500, 500)),
    "unique items, 501 of 500": schema(lambda: unique(501, 500)),
    "unique items, 5,001 of 5,000": schema(lambda: unique(5_001, 5_000)),
    "unique items, a hundred kinds": schema(
        lambda: {
            "type": "array",
            "uniqueItems": True,
            "minItems": 100,
            "prefixItems": [{"enum": list(range(n, n + 50))} for n in range(100)],
        }
    ),
    "unique items of objects": schema(
        lambda: {
            "type": "array",
            "uniqueItems": True,
            "minItems": 60,
            "items": {
                "type": "object",
                "properties": {name: {"type": "boolean"} for name in "abcdef"},
                "required": list("abcdef"),
                "additionalProperties": False,
            },
        }
    ),
    "9 contains with counts": schema(
        lambda: {
            "type": "array",
            "maxItems": 100,
            "allOf": [{"contains": {"multipleOf": p}, "minContains": 20, "maxContains": 40} for p in PRIMES],
        }
    ),
    "30 contains": schema(
        lambda: {"type": "array", "allOf": [{"contains": {"const": n}} for n in range(30)]}
    ),
    "30 contains that overlap": schema(
        lambda: {"type": "array", "allOf": [{"contains": {"minimum": n}} for n in range(30)]}
    ),
    "30 contains in 10 items": schema(
        lambda: {
            "type": "array",
            "maxItems": 10,
            "allOf": [{"contains": {"multipleOf": n}} for n in range(2, 32)],
        }
    ),
    "minContains 1,000,000": schema(
        lambda: {"type": "array", "contains": {"const": 1}, "minContains": 10**6}
    ),
    "minContains 1,000,000 of unique items": schema(
        lambda: {"type": "array", "contains": {"minimum": 1}, "minContains": 10**6, "uniqueItems": True}
    ),
    "minItems 10**9": schema(lambda: {"type": "array", "items": {"type": "integer"}, "minItems": 10**9}),
    "minItems 10**9 of unique items": schema(
        lambda: {"type": "array", "items": {"type": "integer"}, "minItems": 10**9, "uniqueItems": True}
    ),
    "10,000 items by place": schema(
        lambda: {"type": "array", "prefixItems": [{"const": n} for n in range(10_000)], "minItems": 10_000}
    ),
    "not unique, 1,000 kinds": schema(
        lambda: {
            "type": "array",
            "not": {"uniqueItems": True},
            "prefixItems": [{"const": n} for n in range(1_000)],
            "items": False,
        }
    ),
    "arrays 300 deep": schema(lambda: deep(300)),
    "arrays 3,000 deep": schema(lambda: deep(3_000)),
    # Objects.
    "2,000 properties, 50 patternProperties": schema(
        lambda: {
            "type": "object",
            "properties": {f"prop{n}": {"type": "string"} for n in range(2000)},
            "patternProperties": {f"^p.*{n}$": {"minLength": n} for n in range(50)},
        }
    ),
    "200 patternProperties": schema(
        lambda: {
            "type": "object",
            "minProperties": 2,
            "patternProperties": {f"^.{{{n}}}x": strings(minLength=n) for n in range(200)},
        }
    ),
    "100,000 properties": schema(
        lambda: {"type": "object", "properties": {f"prop{n}": {"type": "string"} for n in range(100_000)}}
    ),
    "20,000 required properties": schema(
        lambda: {
            "type": "object",
            "properties": {f"prop{n}": {"type": "string"} for n in range(20_000)},
            "required": [f"prop{n}" for n in range(20_000)],
        }
    ),
    "40 dependentSchemas that forbid each other": schema(
        lambda: {
            "type": "object",
            "minProperties": 5,
            "dependentSchemas": {
                f"k{n}": {"properties": {f"k{m}": False for m in range(40) if m != n}} for n in range(40)
            },
        }
    ),
    "200 dependentRequired in a ring": schema(
        lambda: {"type": "object", "dependentRequired": {f"k{n}": [f"k{(n + 1) % 200}"] for n in range(200)}}
    ),
    "120 if-then rules": schema(
        lambda: {
            "type": "object",
            "required": ["t"],
            "allOf": [
                {
                    "if": {"properties": {"t": {"const": n}}},
                    "then": {"properties": {"v": {"minimum": n}}},
                }
                for n in range(120)
            ],
        }
    ),
    "a puzzle of 60 variables": schema(lambda: puzzle(60, 250)),
    "choices in choices": schema(lambda: nested("oneOf", 5, 6)),
    "anyOf in anyOf": schema(lambda: nested("anyOf", 6, 5)),
    "allOf of 5,000": schema(
        lambda: {"allOf": [{"properties": {f"a{n}": {"minimum": n}}} for n in range(5_000)]}
    ),
    "a oneOf of 3,000 objects": schema(
        lambda: {"oneOf": [{"type": "object", "required": [f"k{n}"]} for n in range(3_000)]}
    ),
    "20,000 definitions in a chain": schema(
        lambda: {
            "$ref": "#/$defs/d0",
            "$defs": {
                **{f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(20_000)},
                "d20000": {"type": "integer"},
            },
        }
    ),
    "200,000 definitions": schema(
        lambda: {
            "type": "integer",
            "$defs": {f"d{n}": {"type": "string", "maxLength": n} for n in range(200_000)},
        }
    ),
    # Patterns.
    "20,000 words": pattern(lambda: "|".join(word(n, 10) for n in range(20_000))),
    "(a{1,400}b){1,300}": pattern(lambda: "(a{1,400}b){1,300}"),
    "(.*.*)*x": pattern(lambda: "(.*.*)*x"),
    "counters in counters": pattern(lambda: "(?:(?:a{1,99}b?){1,99}c?){1,99}"),
    "three counters to meet": pattern(lambda: "(?=(?:a{97})*$)(?=(?:a{101})*$)(?=(?:a{103})*$)a+"),
    "20 look-aheads": pattern(lambda: "".join(f"(?=.*{c})" for c in "abcdefghijklmnopqrst") + "[a-z]+"),
    "20 negative look-aheads": pattern(
        lambda: "".join(f"(?!.*{c}.{{9}}{c})" for c in "abcdefghijklmnopqrst") + "[a-z]+"
    ),
    "5,000 optional letters": pattern(lambda: "a?" * 5_000),
    "1 MB of letters": pattern(lambda: "ab" * 500_000),
    "2,000 classes of Unicode": pattern(lambda: r"(?:\w|\d|[^\W_])" * 2_000),
    "a count of 4,294,967,294": pattern(lambda: "(?:ab|c){0,4294967294}"),
    "(a|aa|aaa|...)*": pattern(lambda: "(?:" + "|".join("a" * n for n in range(1, 400)) + "|b)*"),
    # Grammars and tools.
    "5,000 rules": lark(
        lambda: "\n".join(
            ["start: r0", *(f'r{n}: "a{n}" r{n + 1} | "b"' for n in range(5_000)), 'r5000: "c"']
        )
    ),
    "30 rules that double": lark(
        lambda: "\n".join(["start: r0", *(f"r{n}: r{n + 1} r{n + 1}" for n in range(30)), 'r30: "a"?'])
    ),
    "as ambiguous as can be": lark(lambda: 'start: start start start | start start | "a" | "aa" | "b"'),
    "5,000 terminals": lark(
        lambda: "start: (" + " | ".join(f"/{word(n, 8)}[0-9]+/" for n in range(5_000)) + ")+"
    ),
    "400 terminals that overlap": lark(
        lambda: "start: (" + " | ".join(f"/[a-z]{{{n},{2 * n}}}x/" for n in range(1, 400)) + ")+"
    ),
    "counts of counts of counts": lark(lambda: 'start: ((("a"~1..60)~1..60)~1..60)'),
    "2,000 tools": tools(
        lambda: [
            {
                "name": f"tool_{n}",
                "parameters": {
                    "type": "object",
                    "properties": {f"p{n}": {"type": "string"}},
                    "required": [f"p{n}"],
                },
            }
            for n in range(2_000)
        ]
    ),
    "100 tools of 200 properties": tools(
        lambda: [
            {
                "name": f"tool_{n}",
                "parameters": {
                    "type": "object",
                    "properties": {f"p{k}": {"enum": [f"{n}{k}{i}" for i in range(20)]} for k in range(200)},
                },
            }
            for n in range(100)
        ]
    ),
}


@dataclass(frozen=True)
class Limits:
    """How long one call may take, and how much memory one input."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Outcome:
    """How one input ended; seconds of CPU time, and megabytes beyond what the process had before."""

    said: str
    compiled: float = 0.0
    slowest: float = 0.0
    megabytes: float = 0.0

    @property
    def is_fault(self) -> bool:
        """Is it neither an answer nor an error of the documented tree?"""
        return self.said.startswith("FAULT")


class OutOfTime(BaseException):
    """One call took longer than it may."""


def reference() -> float:
    """Seconds of CPU time for a loop of known length."""
    start = time.process_time()
    total = 0
    for number in range(REFERENCE_LOOP):
        total += number & 1
    return time.process_time() - start


def peak() -> float:
    """The most megabytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def address_space() -> int:
    """The bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


class Clock:
    """The CPU times of the calls of one input; OutOfTime in one that takes longer than `most` seconds."""

    def __init__(self, most: float) -> None:
        self.most = most
        self.took: list[float] = []

    def time(self, call: Callable[[], Any]) -> Any:
        """What a call returns."""
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, self.most)
        try:
            return call()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.took.append(time.process_time() - start)


def attempt(given: Input, vocabulary: Vocabulary, limits: Limits, pipe: Connection) -> None:
    """The child: compile, write a random text, and send the outcome."""

    def stop(_signal: int, _frame: object) -> None:
        raise OutOfTime

    signal.signal(signal.SIGPROF, stop)
    made = given.make()
    before, used = peak(), int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (used + MOST_SECONDS, used + MOST_SECONDS))
    most = address_space() + (int(PATIENCE * limits.megabytes) << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    clock = Clock(PATIENCE * limits.seconds)
    try:
        write(clock, lambda: given.compile(made, vocabulary))
        said = "answered"
    except ConstrainError as problem:
        took = clock.took[-1]
        said = f"refused after {took:.1f} s: {type(problem).__name__}: {problem.what[:60]}"
        if took > limits.seconds:
            said = f"FAULT: {said}"
    except OutOfTime:
        said = "FAULT: out of time"
    except BaseException as problem:
        said = f"FAULT: {type(problem).__name__}: {str(problem)[:60]}"
    grown = peak() - before
    if grown > limits.megabytes and not said.startswith("FAULT"):
        said = f"FAULT: {grown:.0f} MB, {said}"
    pipe.send(Outcome(said, clock.took[0], max(clock.took[1:], default=0.0), grown))


def write(clock: Clock, compile_input: Callable[[], CompiledGrammar]) -> None:
    """Compile, and write a random text."""
    matcher, rng = clock.time(compile_input).matcher(), random.Random(0)
    for _ in range(TOKENS):
        token = int(rng.choice(list(clock.time(matcher.allowed_token_ids))))
        assert clock.time(partial(matcher.accept_token, token)), "the mask allows a token that is refused"
        if matcher.is_terminated():
            break


def run(given: Input, vocabulary: Vocabulary, limits: Limits) -> Outcome:
    """The outcome of one input, in a process of its own."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=attempt, args=(given, vocabulary, limits, there))
    child.start()
    there.close()
    try:
        outcome: Outcome = here.recv()
    except EOFError:
        outcome = Outcome(f"FAULT: killed after {MOST_SECONDS} s")
    child.join()
    return outcome


def vocabulary_named(name: str) -> Vocabulary:
    """Every byte and a few longer tokens, or the 128,256 tokens of Llama 3."""
    if name == "toy":
        longer = [b'{"', b'":', b'",', b"true", b"null", b"abc", b"10"]
        tokens = [*(bytes((byte,)) for byte in range(256)), *longer, None]
        return Vocabulary.from_tokens(tokens, eos_token_ids=(len(tokens) - 1,))
    from mlx_lm.tokenizer_utils import load

    from constrain.vocabulary.llama3 import llama3_tokenizer_folder

    return Vocabulary.from_tokenizer(load(llama3_tokenizer_folder()))


def main() -> int:
    """Run the inputs and print the table; 1 when there is a fault."""
    parser = argparse.ArgumentParser(description="Inputs made to hurt: answered, refused, or a fault?")
    parser.add_argument("--only", default="", help="inputs with this word in their name")
    parser.add_argument("--vocabulary", choices=["toy", "llama3"], default="toy")
    parser.add_argument("--seconds", type=float, default=2.0, help="of CPU time, for one call")
    parser.add_argument("--megabytes", type=float, default=300.0, help="for one input")
    arguments = parser.parse_args()
    slower = max(1.0, reference() / REFERENCE_SECONDS)
    limits = Limits(arguments.seconds * slower, arguments.megabytes)
    vocabulary = vocabulary_named(arguments.vocabulary)
    compile_json_schema({"type": "string"}, vocabulary).matcher().allowed_token_ids()  # tries and tables
    print(f"{limits.seconds:.1f} s for a call on this machine, {limits.megabytes:.0f} MB for an input\n")
    print(f"{'':44} {'compiled':>9} {'slowest':>9} {'memory':>8}")
    counts: Counter[str] = Counter()
    for name, given in INPUTS.items():
        if arguments.only in name:
            outcome = run(given, vocabulary, limits)
            counts[outcome.said.split()[0].rstrip(":")] += 1
            times = f"{outcome.compiled:>7.2f} s {outcome.slowest:>7.2f} s {outcome.megabytes:>5.0f} MB"
            print(f"{name:44} {times}  {outcome.said}", flush=True)
    print("\n" + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return 1 if counts["FAULT"] else 0


if __name__ == "__main__":
    sys.exit(main())

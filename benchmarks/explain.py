"""Does `explain` name the right place and the right keyword?

    python -m benchmarks.explain --data maskbench.jsonl.xz --cases 300

A valid instance of a real schema is made wrong in one known keyword: a number beyond `maximum`, a text that
is too long or misspelt, a key that is missing or undeclared, an item too many.  Only mutants that
`jsonschema` finds wrong in exactly one way count, so the place and the keyword are known without asking us.
A mutant is tokenised with the Llama-3 vocabulary and fed token by token; the token that is refused is
explained twice, alone (`token`) and with all that was to follow (`text`).

With `--suite` the data's own invalid instances are explained instead.  They may be wrong in several ways, of
which the text meets one first: the answer is right if `jsonschema` finds that error at that place.

Printed: how many places and keywords are right, for each keyword, and the CPU time of an explanation.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import numpy as np
from jsonschema.exceptions import ValidationError

from benchmarks.maskbench import read_sample
from constrain import ConstrainError, Vocabulary, compile_json_schema
from constrain.explanations.explanation import Explanation
from constrain.matcher import CompiledGrammar, Matcher

Place = tuple[str | int, ...]
AN_EACH = 40
"""So many mutants of one keyword at the most, or a few keywords would be all."""

OPTIONS: dict[str, Any] = {"property_order": "any", "whitespace": "any"}
"""MaskBench's instances are written by others, in their own order."""


@dataclass(frozen=True, slots=True)
class Case:
    """An instance that is wrong, and where and why: one of some (place, keyword's pointer)."""

    name: str
    schema: Any
    instance: Any
    keyword: str
    reasons: frozenset[tuple[Place, str]]


def validator_of(schema: Any) -> Any:
    """jsonschema's validator of the draft that a schema names."""
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def mutants(case: dict[str, Any], chance: random.Random) -> Iterator[Case]:
    """Instances of one schema that are wrong in one known way, at most one for each keyword."""
    schema = case["schema"]
    validator = validator_of(schema)
    for test in case["tests"]:
        if not test["valid"] or not validator.is_valid(test["data"]):
            continue
        sites = list(places_of(test["data"]))
        chance.shuffle(sites)
        seen: set[str] = set()
        for path in sites[:30]:
            for changed in changes(at(test["data"], path), chance):
                mutant = changed_at(test["data"], path, changed)
                found = list(reasons(validator, schema, mutant))
                if len(found) != 1:
                    continue
                keyword = found[0][1].rpartition("/")[2]
                if keyword not in seen:
                    seen.add(keyword)
                    yield Case(case["name"], schema, mutant, keyword, frozenset(found))


def invalid_instances(case: dict[str, Any]) -> Iterator[Case]:
    """The data's own invalid instances, with all that `jsonschema` finds wrong with them."""
    schema = case["schema"]
    validator = validator_of(schema)
    for test in case["tests"]:
        if not test["valid"]:
            found = list(reasons(validator, schema, test["data"]))
            if found:
                yield Case(
                    case["name"], schema, test["data"], found[0][1].rpartition("/")[2], frozenset(found)
                )


def reasons(validator: Any, schema: Any, instance: Any) -> Iterator[tuple[Place, str]]:
    """The places and keywords of all errors; of a union, those of each branch, for one of them was meant."""
    pending: list[ValidationError] = list(validator.iter_errors(instance))
    while pending:
        error = pending.pop()
        yield tuple(error.absolute_path), canonical(schema, error.absolute_schema_path)
        if error.validator in {"anyOf", "oneOf"}:
            pending += error.context


def canonical(schema: Any, path: Iterable[str | int]) -> str:
    """The pointer of a keyword, behind the references that `jsonschema` has followed and does not name."""
    node, pointer = schema, "#"
    for step in path:
        while isinstance(node, dict) and step not in node and "$ref" in node:
            pointer = node["$ref"]
            if not pointer.startswith("#"):
                return "elsewhere"
            node = schema
            for escaped in pointer.split("/")[1:]:
                part = unquote(escaped).replace("~1", "/").replace("~0", "~")
                node = node[int(part) if isinstance(node, list) else part]
        node = node[step]
        pointer += f"/{_escaped(step)}"
    return pointer


def places_of(value: Any, path: Place = ()) -> Iterator[Place]:
    """The places in an instance."""
    yield path
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, item in inner:
        yield from places_of(item, (*path, key))


def at(value: Any, path: Place) -> Any:
    """The value at a place."""
    for step in path:
        value = value[step]
    return value


def changed_at(value: Any, path: Place, instead: Any) -> Any:
    """A copy of a value with another one at a place."""
    if not path:
        return instead
    changed = copy.deepcopy(value)
    at(changed, path[:-1])[path[-1]] = instead
    return changed


def changes(value: Any, chance: random.Random) -> list[Any]:
    """Values that are nearly this one, in random order: of each kind of mistake a few."""
    found: list[Any] = [chance.choice([True, None, 7, "x", [], {}, 1.5])]
    if isinstance(value, dict):
        found += [{key: item for key, item in value.items() if key != gone} for gone in list(value)[:8]]
        found += [{**value, "undeclared": 1}, {**value, **{f"more {number}": 1 for number in range(30)}}]
    elif isinstance(value, list):
        found += [value[:-1], value[:1], [], [*value, *value[-1:]], value + value[-1:] * 40]
        found += [[*value, chance.choice(["x", 1, None, {}])]]
    elif isinstance(value, str):
        found += [value + "x", value[:-1], "", value * 40, "~" + value, value.swapcase(), "2024-13-45"]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found += [value + 0.5, -value - 1, value + 1, value - 1, 10**9 + 7, -(10**9), 0]
    chance.shuffle(found)
    return found


def refused(compiled: CompiledGrammar, tokens: Sequence[int]) -> tuple[Matcher, int]:
    """The matcher before the first refused token, and the number of tokens before it."""
    matcher = compiled.matcher()
    for number, token in enumerate(tokens):
        if not matcher.accept_token(token):
            return matcher, number
    return matcher, len(tokens)


def is_right(case: Case, found: Explanation) -> tuple[bool, bool]:
    """Is the place right, and the keyword?"""
    places = {"".join(f"/{_escaped(step)}" for step in path) for path, _ in case.reasons}
    return found.path in places, any(keyword in found.keywords for _, keyword in case.reasons)


def _escaped(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")


def gather(cases: Iterable[dict[str, Any]], wanted: int, *, suite: bool, seed: int) -> Iterator[Case]:
    """So many cases, of each keyword at most AN_EACH."""
    chance, counts, total = random.Random(seed), Counter[str](), 0
    for case in cases:
        try:
            made = list(invalid_instances(case) if suite else mutants(case, chance))
        except Exception:  # a schema that `jsonschema` cannot read is no oracle
            continue
        chance.shuffle(made)
        for each in made[:3]:
            if counts[each.keyword] < AN_EACH:
                counts[each.keyword] += 1
                total += 1
                yield each
                if total == wanted:
                    return


def measure(
    cases: Iterable[Case], vocabulary: Vocabulary, encode: Any, *, verbose: bool = False
) -> dict[str, Counter[str]]:
    """Explain every case, print what was right, and return it for each keyword."""
    tally: dict[str, Counter[str]] = {}
    times: list[float] = []
    for case in cases:
        try:
            compiled = compile_json_schema(case.schema, vocabulary, **OPTIONS)
        except ConstrainError:
            continue
        tokens = encode(json.dumps(case.instance, ensure_ascii=False))
        matcher, number = refused(compiled, tokens)
        token = tokens[number] if number < len(tokens) else vocabulary.eos_token_ids[0]
        if matcher.explain(token).allowed:
            continue  # another reading of the standard: no oracle
        row = tally.setdefault(case.keyword, Counter())
        row["cases"] += 1
        for what in ("token", "text"):
            start = time.process_time()
            found = matcher.explain(token if what == "token" else vocabulary.decode(tokens[number:]))
            times.append(time.process_time() - start)
            place, keyword = is_right(case, found)
            row[f"{what} place"] += place
            row[f"{what} keyword"] += keyword
            row[f"{what} alone"] += keyword and len(found.keywords) == 1 and not found.options
            if verbose and not (place and keyword):
                print(f"-- {what} {case.name}: wanted {sorted(case.reasons)[:3]}")
                print(vocabulary.decode(tokens[max(0, number - 12) : number]), vocabulary.decode([token]))
                print(found)
    columns = [
        "cases",
        *(f"{what} {part}" for what in ("token", "text") for part in ("place", "keyword", "alone")),
    ]
    print(f"{'':22}" + "".join(f"{column:>15}" for column in columns))
    whole: Counter[str] = Counter()
    for keyword, row in sorted(tally.items(), key=lambda pair: -pair[1]["cases"]):
        whole += row
        print(f"{keyword:22}" + "".join(f"{row[column]:>15}" for column in columns))
    print(f"{'all':22}" + "".join(f"{whole[column]:>15}" for column in columns))
    milliseconds = 1000 * np.array(times or [0.0])
    print(
        f"milliseconds of an explanation: p50 {np.percentile(milliseconds, 50):.1f}, "
        f"p90 {np.percentile(milliseconds, 90):.1f}, max {milliseconds.max():.0f}"
    )
    return tally


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Is what `explain` says right?")
    parser.add_argument("--data", type=Path, required=True, help="a .jsonl or .jsonl.xz file")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--suite", action="store_true", help="the data's own invalid instances")
    parser.add_argument("--verbose", action="store_true", help="print what was not right")
    arguments = parser.parse_args()
    from mlx_lm.tokenizer_utils import load

    from constrain.vocabulary.llama3 import llama3_tokenizer_folder

    tokenizer = load(llama3_tokenizer_folder())
    cases = read_sample(arguments.data, None, 0, arguments.seed)
    chosen = gather(cases, arguments.cases, suite=arguments.suite, seed=arguments.seed)
    measure(
        chosen,
        Vocabulary.from_tokenizer(tokenizer),
        lambda text: tokenizer.encode(text, add_special_tokens=False),
        verbose=arguments.verbose,
    )


if __name__ == "__main__":
    main()

"""Schemas that multiply end in an answer or in a limit's name, after a bounded number of steps."""

from __future__ import annotations

import random
from typing import Any

import pytest

from constrain.compiler import compile_json_schema
from constrain.errors import LimitExceeded, UnsatisfiableError
from tests.oracle import toy_vocabulary
from tests.walks import CHOOSERS, walk

STEPS = 100_000
VOCABULARY = toy_vocabulary([b'{"', b'":', b'",', b'"}', b"true", b"false", b"},", b"],"])


def puzzle(variables: int, clauses: int, seed: int) -> dict[str, Any]:
    """A satisfiability problem: a boolean property for each variable, three of them in each clause."""
    rng = random.Random(seed)
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


ANSWERED: dict[str, Any] = {
    "small puzzle": puzzle(8, 20, 1),
    "two hundred conjuncts": {"allOf": [{"properties": {f"a{n}": {"minimum": n}}} for n in range(200)]},
    "repeats in repeats": {"type": "string", "pattern": "^([a-z]{1,400}-){1,400}$"},
    "many repeats at once": {"allOf": [{"pattern": f"^[a-z]{{1,{n}}}"} for n in range(300, 320)]},
    "even negations": {"not": {"not": {"not": {"not": {"type": "string", "maxLength": 2}}}}},
    "many tagged branches": {
        "oneOf": [{"properties": {"t": {"const": f"t{n}"}}, "required": ["t"]} for n in range(300)]
    },
    "optional keys": {
        "properties": {f"k{n}": {"type": "boolean"} for n in range(300)},
        "minProperties": 2,
        "additionalProperties": False,
    },
    "long array": {"type": "array", "items": {"type": "boolean"}, "minItems": 100_000},
    "overlapping patterns": {
        "patternProperties": {f"^.{{{n}}}[ab]": {"multipleOf": n + 1} for n in range(40)},
        "minProperties": 3,
    },
    "overlapping patterns and no other keys": {
        "patternProperties": {
            f"^.*{letter}": {"multipleOf": n + 1} for n, letter in enumerate("abcdefghijkl")
        },
        "additionalProperties": False,
        "minProperties": 3,
    },
    "two hundred patterns of keys": {
        "patternProperties": {f"^.{{{n}}}x": {"type": "string", "minLength": n} for n in range(200)},
        "minProperties": 2,
    },
    "two thousand names and fifty patterns": {
        "properties": {f"prop{n}": {"type": "string"} for n in range(2_000)},
        "patternProperties": {f"^p.*{n}$": {"minLength": n} for n in range(50)},
    },
    "two patterns of forty that exclude each other": {
        "patternProperties": {
            **{f"^.{{{n}}}[ab]": {"minimum": n} for n in range(38)},
            "a": {"type": "string"},
            "b": {"type": "null"},
        },
        "additionalProperties": False,
    },
}
LIMITED: dict[str, Any] = {
    "large puzzle": puzzle(60, 250, 1),
    "choices in choices": nested("oneOf", 5, 6),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_is_answered(name: str) -> None:
    """Compiles, and a walk of its masks goes on, within the budget of each mask."""
    compiled = compile_json_schema(ANSWERED[name], VOCABULARY, max_steps=STEPS)
    rng = random.Random(0)
    matcher = compiled.matcher()

    for _ in range(40):
        assert matcher.accept_token(rng.choice(list(matcher.allowed_token_ids())))
        if matcher.is_terminated():
            break


@pytest.mark.parametrize("name", LIMITED)
def test_ends_in_the_name_of_the_limit(name: str) -> None:
    """While it compiles, or at the first mask that asks too much."""
    with pytest.raises(LimitExceeded, match=rf"takes more than max_steps={STEPS} steps"):
        walk(
            compile_json_schema(LIMITED[name], VOCABULARY, max_steps=STEPS),
            random.Random(0), CHOOSERS["uniform"], max_tokens=60,
        )  # fmt: skip


def test_pigeons_without_holes() -> None:
    """Six different items of five values: no document, and it is said before the first token."""
    pigeons = {"type": "array", "minItems": 6, "uniqueItems": True, "items": {"enum": [1, 2, 3, 4, 5]}}

    with pytest.raises(UnsatisfiableError):
        compile_json_schema(pigeons, VOCABULARY, max_steps=STEPS)

"""Recursive questions have their least solution, however few may be open at once."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.errors import LimitExceeded
from constrain.json_schema.emptiness import Fixpoint
from constrain.json_schema.references import MAX_DEPTH
from tests.oracle import toy_vocabulary

Equations = list[list[list[int]]]
"""For each question, the ways to a yes: each is the questions that must be answered yes for it."""

VOCABULARY = toy_vocabulary()


def equations() -> st.SearchStrategy[Equations]:
    return st.integers(1, 14).flatmap(
        lambda size: st.lists(
            st.lists(st.lists(st.integers(0, size - 1), max_size=3), max_size=3),
            min_size=size,
            max_size=size,
        )
    )


def least_solution(system: Equations) -> list[bool]:
    """By definition: start with no, and let yes spread until nothing changes."""
    answers = [False] * len(system)
    for _ in system:
        answers = [any(all(answers[each] for each in way) for way in ways) for ways in system]
    return answers


@given(equations(), st.sampled_from([1, 2, 3, 5, 40]), st.randoms(use_true_random=False))
def test_answers_are_the_least_solution(system: Equations, max_open: int, rng: object) -> None:
    """Also where a question is answered before those that are open, and where it waits for itself."""
    fixpoint = Fixpoint(max_open)

    def ask(question: int) -> bool:
        return fixpoint.ask(question, lambda: any(all(map(ask, way)) for way in system[question]))

    order = list(range(len(system)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    answers = {question: ask(question) for question in order}

    assert [answers[question] for question in range(len(system))] == least_solution(system)


def test_a_chain_of_questions_is_longer_than_the_stack_is_deep() -> None:
    """Each asks the next one; the last one is a yes."""
    fixpoint, last = Fixpoint(), 10 * sys.getrecursionlimit()

    def ask(question: int) -> bool:
        return fixpoint.ask(question, lambda: question == last or ask(question + 1))

    assert ask(0)


NESTED = {
    "arrays": lambda inner: {"type": "array", "items": inner, "minItems": 1},
    "objects": lambda inner: {"type": "object", "properties": {"a": inner}, "required": ["a"]},
    "named by a pattern": lambda inner: {
        "type": "object", "patternProperties": {"^a": inner}, "required": ["ab"],
    },
    "contained": lambda inner: {"type": "array", "contains": inner},
}  # fmt: skip


@pytest.mark.parametrize("kind", NESTED)
def test_values_nested_as_deep_as_schemas_may_be_are_written(kind: str) -> None:
    """Each level must have a value: whether it has one is asked level within level."""
    schema: object = {"type": "null"}
    for _ in range(MAX_DEPTH - 1):
        schema = NESTED[kind](schema)  # type: ignore[no-untyped-call]
    matcher = compile_json_schema(schema, VOCABULARY).matcher()  # type: ignore[arg-type]

    for _ in range(MAX_DEPTH):
        (token, *_) = [
            each for each in matcher.allowed_token_ids() if VOCABULARY.tokens[each] not in (b" ", b"\n")
        ]
        assert matcher.accept_token(token)


@pytest.mark.parametrize("depth", [MAX_DEPTH, 1_000, 20_000])
def test_schemas_nested_deeper_are_too_large_and_not_wrong(depth: int) -> None:
    """The pointer is whole, and the message fits a screen."""
    schema: object = {"type": "null"}
    for _ in range(depth + 1):
        schema = {"items": schema}

    with pytest.raises(LimitExceeded) as caught:
        compile_json_schema(schema, VOCABULARY)  # type: ignore[arg-type]
    assert caught.value.where == "#" + "/items" * (MAX_DEPTH + 1)
    assert str(caught.value) == (
        f"schemas are nested deeper than MAX_DEPTH={MAX_DEPTH}\n"
        f"    at #{'/items' * 19}/item ... ms{'/items' * 13}\n"
        "hint: put inner schemas into `$defs`, and refer to them"
    )


def test_json_text_nested_deeper_than_it_can_be_read_is_too_large() -> None:
    """Python's own parser ends in a RecursionError, at a thousand levels or at ten thousand."""
    depth = 100_000
    with pytest.raises(LimitExceeded) as caught:
        compile_json_schema('{"items":' * depth + "true" + "}" * depth, VOCABULARY)
    assert str(caught.value) == (
        f"compiling this schema goes deeper than Python's recursion limit of {sys.getrecursionlimit()}\n"
        "hint: nest or repeat less, or raise sys.setrecursionlimit"
    )

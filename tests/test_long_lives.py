"""A grammar that lives long meets more texts than an automaton has room for, and goes on.

Of multiples of a large number nearly each text is a state of its own.  Room is made small here, so that a few
dozen generations fill it.
"""

from __future__ import annotations

import json
import random
import weakref
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.errors import LimitExceeded
from constrain.matcher import Matcher
from constrain.regular import automaton
from constrain.regular.keeping import forget
from tests.oracle import ids, toy_vocabulary

VOCABULARY = toy_vocabulary([b"12", b"00", b"7,"])
ROOM = 300
SCHEMAS: list[dict[str, Any]] = [
    {"type": "integer", "multipleOf": 604_799},
    {"type": "array", "items": {"type": "number", "multipleOf": 0.9973}, "minItems": 1},
    {"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 86_399}}, "required": ["n"]},
]


@pytest.fixture(autouse=True)
def _little_room(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(automaton, "DEFAULT_MAX_STATES", ROOM)
    forget()
    yield
    monkeypatch.undo()
    forget()


def walk(matcher: Matcher, rng: random.Random, size: int) -> None:
    """Some random tokens; each mask allows some, and each that it allows is taken."""
    for _ in range(size):
        if matcher.is_terminated():
            return
        allowed = ids(matcher.allowed_token_ids())
        assert allowed
        assert matcher.accept_token(allowed[rng.randrange(len(allowed))])


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_generations_go_on_when_the_automaton_is_full(schema: dict[str, Any]) -> None:
    compiled = compile_json_schema(schema, VOCABULARY, whitespace="compact")
    first, rng = weakref.ref(compiled.workings), random.Random(0)
    for _ in range(20):
        walk(compiled.matcher(), rng, 16)

    assert first() is None, "there was room for all of it, or what is left behind is kept"


@given(st.integers(0, 2**32), st.lists(st.integers(0, 2), min_size=20, max_size=30))
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_matchers_that_began_before_and_after_agree(seed: int, turns: list[int]) -> None:
    """Three at once, in automata of different ages: each stands where it would alone, with room for all."""
    schema = {"type": "array", "items": SCHEMAS[0]}
    compiled = compile_json_schema(schema, VOCABULARY, whitespace="compact")
    matchers, rng = [compiled.matcher() for _ in range(3)], random.Random(seed)
    for turn in turns:
        walk(matchers[turn], rng, 1)
    twins = [matcher.fork() for matcher in matchers]
    matchers[0].rollback(len(matchers[0].tokens) // 2)
    for matcher in (*matchers, *twins):
        forget()  # room for one
        alone = compile_json_schema(schema, VOCABULARY, whitespace="compact").matcher()

        assert all(map(alone.accept_token, matcher.tokens))
        assert ids(alone.allowed_token_ids()) == ids(matcher.allowed_token_ids())
        assert alone.is_completed() == matcher.is_completed()


def test_what_does_not_fit_even_alone_is_told() -> None:
    """There is no going round in circles: the tokens so far and the next one fill it by themselves."""
    compiled = compile_json_schema({"type": "string", "pattern": "^[a-c]{400}$"}, VOCABULARY)
    matcher = compiled.matcher()
    matcher.accept_token(ord('"'))

    with pytest.raises(LimitExceeded) as problem:
        all(matcher.accept_token(ord("a")) for _ in range(400))
    assert str(problem.value) == (
        f"the automaton needs more than max_states={ROOM} states\nhint: nested repeats multiply; shorten one"
    )
    assert len(matcher.tokens) > ROOM // 3

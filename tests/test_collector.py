"""Grammars that are dropped are freed at once, and those that live are not looked into again and again."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from constrain.collector import NEAR, SPARED, Collector
from constrain.compiler import compile_json_schema, compile_part
from constrain.errors import UnsatisfiableError
from constrain.matcher import CompiledGrammar
from constrain.parts import sequence
from constrain.regular.automaton import shared_automaton
from constrain.regular.keeping import forget
from constrain.vocabulary.tables import shared_tables
from tests.oracle import toy_vocabulary
from tests.strategies import first_part_schemas

VOCABULARY = toy_vocabulary()
TREE = {"type": "object", "properties": {"name": {"type": "string"}, "below": {"items": {"$ref": "#"}}}}


@pytest.fixture
def collector_off() -> Iterator[None]:
    """No collection by itself, and nothing left to collect from before."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def walk(compiled: CompiledGrammar, steps: int = 30) -> None:
    """Follow some tokens, masks made on the way."""
    matcher = compiled.matcher()
    for step in range(steps):
        allowed = matcher.allowed_token_ids()
        if matcher.is_terminated() or not len(allowed):
            break
        matcher.accept_token(int(allowed[step * 7 % len(allowed)]))


def garbage() -> list[Any]:
    """What only a collector can find."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


@pytest.mark.usefixtures("collector_off")
@given(schema=first_part_schemas())
@settings(max_examples=50)
def test_a_dropped_schema_leaves_nothing_to_collect(schema: Any) -> None:
    """Whatever leads in circles is cut when the grammar goes."""
    garbage()
    try:
        compiled = compile_json_schema(schema, VOCABULARY)
    except UnsatisfiableError:
        return
    walk(compiled)
    start = weakref.ref(compiled.start)
    garbage()
    del compiled
    assert start() is None
    assert not [type(o).__name__ for o in garbage() if type(o).__module__.startswith("constrain")]


@pytest.mark.usefixtures("collector_off")
def test_arrays_that_lead_to_themselves_are_cut() -> None:
    """The rest of an array is what it was before the item."""
    compiled = compile_json_schema(TREE, VOCABULARY)
    walk(compiled, 100)
    start = weakref.ref(compiled.start)
    del compiled
    assert start() is None


@pytest.mark.usefixtures("collector_off")
def test_tables_go_with_their_generation() -> None:
    """They have parts that look back at them, and hold every state there was."""
    forget()  # the one before may be held by whoever made it
    compiled = compile_json_schema(
        {"type": "string", "format": "hostname", "not": {"const": "a"}}, VOCABULARY
    )
    walk(compiled)
    tables = weakref.ref(shared_tables(VOCABULARY))
    automaton = weakref.ref(shared_automaton())
    del compiled
    forget()
    assert shared_tables(VOCABULARY) is not tables()
    assert tables() is None
    assert automaton() is None


@pytest.mark.usefixtures("collector_off")
def test_a_matcher_keeps_its_grammar() -> None:
    """Nothing is taken apart while somebody follows it."""
    matcher = compile_json_schema(TREE, VOCABULARY).matcher()
    fresh = compile_json_schema(TREE, VOCABULARY).matcher()
    for byte in b'{"name":"x","below":[{"name":"y"}]}':
        (token,) = (i for i, text in enumerate(VOCABULARY.tokens) if text == bytes((byte,)))
        assert matcher.allowed_token_ids().tolist() == fresh.allowed_token_ids().tolist()
        assert matcher.accept_token(token)
        assert fresh.accept_token(token)
    assert matcher.is_completed()


@pytest.mark.parametrize("near", [(1, NEAR, 1), (1, 1, NEAR)])
def test_what_lives_is_frozen_before_a_larger_collection(
    near: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counters say when one of the middle generation is near, or a full one."""
    calls: list[str] = []
    monkeypatch.setattr(gc, "freeze", lambda: calls.append("freeze"))
    ours = Collector()
    monkeypatch.setattr(gc, "get_count", lambda: (700, NEAR - 1, NEAR - 1))
    ours.settle()
    assert calls == []
    monkeypatch.setattr(gc, "get_count", lambda: near)
    ours.settle()
    assert calls == ["freeze"]
    gc.disable()
    ours.settle()
    gc.enable()
    monkeypatch.setattr(gc, "unfreeze", lambda: calls.append("unfreeze"))
    ours.leave_alone()
    ours.settle()
    assert calls == ["freeze", "unfreeze"]


def test_dropped_grammars_that_cannot_be_cut_are_collected_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts may be parts of several grammars, so they are left to the collector; it is called."""
    calls: list[str] = []
    monkeypatch.setattr(gc, "collect", lambda: calls.append("collect"))
    ours = Collector()
    monkeypatch.setattr("constrain.matcher.watch", ours.watch)
    for _ in range(SPARED):
        compile_part(sequence("a", "b"), VOCABULARY)
    assert calls == []
    kept = compile_part(sequence("a", "b"), VOCABULARY)
    assert calls == ["collect"]
    assert (ours.alive, ours.dropped) == (1, 0)
    del kept
    assert (ours.alive, ours.dropped) == (0, 1)

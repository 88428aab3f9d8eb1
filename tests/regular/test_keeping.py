"""A generation ends: memory is freed, and nothing that was compiled before notices."""

from __future__ import annotations

import gc
import random

import pytest

from constrain.compiler import compile_json_schema, compile_regex
from constrain.regular import automaton, terms
from constrain.regular.keeping import forget
from constrain.regular.terms import ANY_BYTES, byte_set, repeat
from tests.oracle import by_trying, ids, toy_vocabulary

VOCABULARY = toy_vocabulary([b"ab", b"abc", b'":', b'{"', b'"a', b'b"', b"12"])
SCHEMA = {
    "properties": {"a": {"type": "string", "maxLength": 3}, "b": {"type": "integer"}},
    "minProperties": 1,
}
PATTERN = "(ab|abc)*[0-9]{2,5}"


def test_a_grammar_goes_on_when_its_generation_ends() -> None:
    """Its masks are what trying every token gives, before and after."""
    rng = random.Random(1)
    for compiled in (compile_json_schema(SCHEMA, VOCABULARY), compile_regex(PATTERN, VOCABULARY)):
        matcher = compiled.matcher()
        for _ in range(12):
            allowed = ids(matcher.allowed_token_ids())
            assert allowed == by_trying(compiled, matcher.position)
            assert matcher.accept_token(rng.choice(allowed))
            if matcher.is_terminated():
                break
            forget()


def test_the_constants_outlive_it() -> None:
    """Simplifications that compare with them still apply."""
    forget()

    assert repeat(byte_set(2**256 - 1)) is ANY_BYTES


def test_a_process_that_sees_ever_new_patterns_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms are given up when there are too many, and freed: nothing else holds them."""
    monkeypatch.setattr(automaton, "KEPT_TERMS", 2_000)
    forget()
    before = _living_terms()
    for number in range(100):
        compiled = compile_regex(f"(?:x{number}|[a-m]{{3,{number + 4}}}){{2,9}}", VOCABULARY)
        compiled.matcher().allowed_token_ids()
    del compiled
    automaton.shared_automaton()

    assert _living_terms() - before < 3_000


def _living_terms() -> int:
    gc.collect()
    return sum(isinstance(thing, terms.Term) for thing in gc.get_objects())

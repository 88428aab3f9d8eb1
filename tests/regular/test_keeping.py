"""A generation ends: memory is freed, and nothing that was compiled before notices."""

from __future__ import annotations

import gc
import random

import pytest

from constrain.compiler import compile_json_schema, compile_regex
from constrain.regular import automaton, keeping, terms
from constrain.regular.keeping import forget, free_some, retire
from constrain.regular.queries import is_empty, shortest
from constrain.regular.syntax import regex_term
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
    automaton.start_grammar()
    while keeping._retired:
        free_some()

    assert _living_terms() - before < 3_000


def test_questions_about_languages_end_no_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compilation asks thousands of them, and what it has made stays; the next one may give it up."""
    monkeypatch.setattr(automaton, "KEPT_TERMS", 0)
    monkeypatch.setattr(automaton, "KEPT_STATES", 0)
    generation = automaton.shared_automaton()
    term = regex_term("(ab|ac)*d{2,}")

    assert not is_empty(term)
    assert shortest(term) == b"dd"
    assert automaton.shared_automaton() is generation
    assert compile_regex("a", VOCABULARY).positions.tables.automaton is not generation


def test_what_is_retired_is_freed_a_piece_at_a_time() -> None:
    """No compilation waits until all that a generation held is free, and all of it is free in the end."""
    while keeping._retired:
        free_some()
    retire([0] * 3 * keeping.FREED, dict.fromkeys(range(2 * keeping.FREED)), "neither list nor dictionary")
    sizes = []
    while keeping._retired:
        free_some()
        sizes.append(sum(map(len, keeping._retired)))

    assert sizes == [n * keeping.FREED for n in (4, 3, 2, 1, 0)]


def test_an_automaton_that_nobody_uses_is_retired() -> None:
    """It is emptied with the compilations that follow, and not where the last reference went."""
    while keeping._retired:
        free_some()
    forget()
    compiled = compile_regex("[a-f]{2,40}(gh|ij)*", VOCABULARY)
    compiled.matcher().allowed_token_ids()
    rows = compiled.positions.tables.automaton._rows
    forget()
    compiled = compile_regex("another", VOCABULARY)

    assert any(rows is container for container in keeping._retired)


def _living_terms() -> int:
    gc.collect()
    return sum(isinstance(thing, terms.Term) for thing in gc.get_objects())

"""The kit finds what it is for: each of these faults, planted alone, and tells it in a dozen tokens.

A fault is either in the machine (a method replaced) or in the language (the grammar of a schema that says
something else than the one that is judged).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from constrain.compiler import compile_json_schema, compile_part
from constrain.completion import Completions
from constrain.finishing import Finishing
from constrain.masks import Masks
from constrain.matcher import CompiledGrammar, Matcher
from constrain.parts import regex
from constrain.position import Position, Positions
from constrain.proof.judges import schema_judges
from constrain.proof.proving import Failure, prove
from constrain.proof.small import small_vocabulary
from constrain.proof.subject import Subject, schema_subject
from constrain.spelling import Spelled
from constrain.vocabulary.bitmask import Mask, allocate_token_bitmask, pack_flags, unpack_words

VOCABULARY = small_vocabulary()
OUTPUTS = 1_500
"""A few seconds; most faults show in the first hundred."""
MOST_TOKENS = 12

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 1, "maximum": 120},
        "list": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 3},
        "type": {"enum": ["user", "item", "date"]},
    },
    "required": ["id"],
    "additionalProperties": False,
}


def failures(subject: Subject) -> list[Failure]:
    return prove(subject, OUTPUTS).failures


def assert_found(found: list[Failure], laws: set[str]) -> None:
    assert found, "nothing was found"
    assert {failure.case.law for failure in found} <= laws, found
    assert min(len(failure.case.tokens) for failure in found) <= MOST_TOKENS, found


# In the machine.


def changed_mask(change: Callable[[Position, Any], None]) -> Callable[[Any, Position], Mask]:
    """`Masks._make`, with the flags of each mask changed."""
    made = Masks._make

    def make(self: Masks, position: Position) -> Mask:
        row = allocate_token_bitmask(1, VOCABULARY.size)[0]
        made(self, position).write(row)
        flags = unpack_words(row, VOCABULARY.size).copy()
        change(position, flags)
        return Mask.between(None, pack_flags(flags))

    return make


COMMA = VOCABULARY.tokens.index(b",")
QUOTE = VOCABULARY.tokens.index(b'"')
BRACE = VOCABULARY.tokens.index(b"}")
(END,) = VOCABULARY.eos_token_ids


def one_token_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(position: Position, flags: Any) -> None:
        flags[COMMA] = False

    monkeypatch.setattr(Masks, "_make", changed_mask(change))


def one_token_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(position: Position, flags: Any) -> None:
        flags[COMMA] = True

    monkeypatch.setattr(Masks, "_make", changed_mask(change))


def an_end_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(position: Position, flags: Any) -> None:
        flags[END] = flags[END] or flags[COMMA]

    monkeypatch.setattr(Masks, "_make", changed_mask(change))


def a_dead_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(position: Position, flags: Any) -> None:
        if flags[BRACE] and flags[COMMA] and not flags[QUOTE]:
            flags[:] = False

    monkeypatch.setattr(Masks, "_make", changed_mask(change))


def a_mask_of_another_position(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Masks._make
    last: list[Mask] = []

    def make(self: Masks, position: Position) -> Mask:
        last.append(made(self, position))
        return last[-2] if len(last) % 7 == 6 else last[-1]

    monkeypatch.setattr(Masks, "_make", make)


def accepts_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    advance = Positions.advance

    def wrong(self: Positions, position: Position, token: int) -> Position | None:
        found = advance(self, position, token)
        return position if found is None and token == COMMA else found

    monkeypatch.setattr(Positions, "advance", wrong)


def refuses_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    advance = Positions.advance

    def wrong(self: Positions, position: Position, token: int) -> Position | None:
        return None if token == QUOTE else advance(self, position, token)

    monkeypatch.setattr(Positions, "advance", wrong)


def a_refused_token_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    accept = Matcher.accept_token

    def wrong(self: Matcher, token: int) -> bool:
        accepted = accept(self, token)
        if not accepted:
            self._tokens.append(token)
            self._history.append(self._history[-1])
        return accepted

    monkeypatch.setattr(Matcher, "accept_token", wrong)


def rollback_takes_back_one_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    rollback = Matcher.rollback
    monkeypatch.setattr(Matcher, "rollback", lambda self, count=1: rollback(self, max(0, count - 1)))


def rollback_forgets_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Matcher, count: int = 1) -> None:
        if count:
            del self._tokens[-count:]
            self._terminated = False

    monkeypatch.setattr(Matcher, "rollback", wrong)


def a_fork_shares_its_history(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Matcher) -> Matcher:
        twin = Matcher(self.compiled)
        twin._history, twin._tokens, twin._terminated = self._history, self._tokens, self._terminated
        return twin

    monkeypatch.setattr(Matcher, "fork", wrong)


def a_fork_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Matcher, "fork", lambda self: Matcher(self.compiled))


def a_budget_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Finishing, token: int, /) -> bool:
        accepted = self.matcher.accept_token(token)
        self.left -= accepted
        return accepted

    monkeypatch.setattr(Finishing, "accept_token", wrong)


def a_completion_is_thought_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    of = Completions.of

    def wrong(self: Completions, position: Position) -> Spelled | None:
        found = of(self, position)
        return found and found._replace(cost=max(0, found.cost - 2))

    monkeypatch.setattr(Completions, "of", wrong)
    monkeypatch.setattr(Completions, "known", lambda self, position: None)
    monkeypatch.setattr(Completions, "carried", lambda self, *given: None)


MACHINE: dict[Callable[[pytest.MonkeyPatch], None], set[str]] = {
    one_token_too_few: {"exact", "one rule", "live"},
    one_token_too_many: {"exact", "one rule"},
    an_end_too_many: {"exact", "one rule", "sound"},
    a_dead_end: {"live", "exact", "one rule", "finished"},
    a_mask_of_another_position: {"exact", "one rule", "live", "rollback"},
    accepts_what_is_refused: {"exact", "one rule", "sound"},
    refuses_what_is_allowed: {"exact", "one rule"},
    a_refused_token_is_written: {"one rule", "sound"},
    rollback_takes_back_one_too_few: {"rollback", "one rule", "finished"},
    rollback_forgets_where_it_stood: {"rollback", "one rule", "finished", "sound"},
    a_fork_shares_its_history: {"fork", "one rule", "sound", "finished"},
    a_fork_starts_anew: {"fork", "one rule", "exact"},
    a_budget_is_lost: {"finished"},
    a_completion_is_thought_shorter: {"finished"},
}


@pytest.mark.parametrize("plant", MACHINE, ids=lambda plant: plant.__name__)
def test_a_fault_of_the_machine_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = schema_subject(ORDER, VOCABULARY)
    plant(monkeypatch)

    assert_found(failures(subject), MACHINE[plant])


# In the language.


def with_properties(**changes: Any) -> dict[str, Any]:
    return {**ORDER, "properties": {**ORDER["properties"], **changes}}


def of(schema: Any) -> CompiledGrammar:
    return compile_json_schema(schema, VOCABULARY)


def of_pattern(pattern: str) -> CompiledGrammar:
    return compile_part(regex(pattern), VOCABULARY)


TOO_WIDE: dict[str, tuple[Any, CompiledGrammar]] = {
    "a maximum one too high": (
        ORDER,
        of(with_properties(id={"type": "integer", "minimum": 1, "maximum": 121})),
    ),
    "a minimum that is lost": (ORDER, of(with_properties(id={"type": "integer", "maximum": 120}))),
    "a required key that is lost": (ORDER, of({**ORDER, "required": []})),
    "keys nobody declared": (ORDER, of({**ORDER, "additionalProperties": True})),
    "one item too many": (ORDER, of(with_properties(list={**ORDER["properties"]["list"], "maxItems": 4}))),
    "items that are not unique": (
        {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True},
        of({"type": "array", "items": {"enum": [1, 2, 3]}}),
    ),
    "a pattern without its end": (
        {"type": "string", "pattern": "^[a-c]{2}$"},
        of({"type": "string", "pattern": "^[a-c]{2}"}),
    ),
    "a key twice": ({"type": "object"}, of_pattern(r'\{"a":1(,"[ab]":1)?\}')),
    "a control character in a string": ({"type": "string"}, of_pattern('"[ab\t]{0,4}"')),
    "a number that begins with 0": ({"type": "integer"}, of_pattern("[0-9]{1,4}")),
    "not a number": ({"type": "number"}, of_pattern("[0-9]|NaN")),
    "a date in another order": (
        {"type": "string", "format": "date"},
        of_pattern('"[0-2]{2}-1[0-2]-20[0-2]{2}"'),
    ),
}


TOO_NARROW: dict[str, Any] = {
    "a maximum one too low": with_properties(id={"type": "integer", "minimum": 1, "maximum": 119}),
    "one letter too few": with_properties(
        list={"type": "array", "maxItems": 3, "items": {"type": "string", "maxLength": 4}}
    ),
    "a member of an enum that is lost": with_properties(type={"enum": ["user", "item"]}),
}
"""What is written in place of ORDER."""


@pytest.mark.parametrize("name", TOO_WIDE)
def test_a_language_that_is_too_wide_is_found(name: str) -> None:
    schema, compiled = TOO_WIDE[name]

    assert_found(failures(Subject(name, compiled, schema_judges(schema), schema)), {"sound"})


@pytest.mark.parametrize("name", TOO_NARROW)
def test_a_language_that_is_too_narrow_is_found(name: str) -> None:
    written = schema_subject(TOO_NARROW[name], VOCABULARY)
    subject = replace(written, judges=schema_judges(ORDER), schema=ORDER)

    assert_found(failures(subject), {"complete"})

"""The fewest tokens that still break a law.

Three moves, for as long as one of them helps; each new case is looked at by `laws.broken` alone.

1. End sooner: the first tokens, and then the shortest way to the end, for a whole text.
2. Leave tokens out: ever smaller pieces, as in delta debugging.
3. Write the same text in fewer tokens: for each prefix the longest token that is allowed.

A text that parses cannot lose one bracket of a pair.  So whole texts are also made simpler as data, and cut
as text, and spelled anew.

Source: Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (2002), section 3, `ddmin`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from constrain.errors import LimitExceeded
from constrain.matcher import CompiledGrammar
from constrain.proof.laws import Case, broken
from constrain.proof.subject import Subject
from constrain.spelling import END, Speller

LOOKS = 4_000
"""So many cases are looked at, a few seconds."""

Item = TypeVar("Item", bytes, tuple[int, ...])
Move = Callable[[CompiledGrammar, Case], Iterator[Case]]


def shrunk(subject: Subject, case: Case, looks: int = LOOKS) -> Case:
    """The smallest case found that breaks the same law.

    A case that does not break it when looked at again, which the state of a process may do, stays as it is.
    """
    moves: list[Move] = [_with_fewer_tokens]
    if case.law == "finished":
        moves.append(_with_smaller_budget)
    else:
        moves += [_with_less_text, _in_fewer_tokens]
    if case.law == "sound":
        moves = [_ended_sooner, _of_simpler_data, *moves]
    smaller = True
    while smaller and looks > 0:
        smaller = False
        for move in moves:
            for other in move(subject.compiled, case):
                looks -= 1
                if looks < 0:
                    return case
                if _size(subject, other) < _size(subject, case) and broken(subject, other) is not None:
                    case, smaller = other, True
                    break
    return case


def _size(subject: Subject, case: Case) -> tuple[int, int, int]:
    """Fewer tokens first, then a smaller count, then less text."""
    return len(case.tokens), case.count, len(subject.compiled.vocabulary.decode(case.tokens))


def _ended_sooner(compiled: CompiledGrammar, case: Case) -> Iterator[Case]:
    """The first tokens, and the shortest way to the end."""
    for count in range(len(case.tokens)):
        matcher = compiled.matcher()
        if all(map(matcher.accept_token, case.tokens[:count])):
            try:
                completion = matcher.completion()
            except LimitExceeded:
                continue
            if completion is not None:
                yield replace(case, tokens=case.tokens[:count] + completion.tokens)


def _with_fewer_tokens(compiled: CompiledGrammar, case: Case) -> Iterator[Case]:
    for tokens in _pieces_left_out(case.tokens):
        yield replace(
            case, tokens=tokens, count=min(case.count, len(tokens)) if _takes_back(case) else case.count
        )
    if _takes_back(case):
        yield from (replace(case, count=count) for count in range(1, case.count))


def _with_less_text(compiled: CompiledGrammar, case: Case) -> Iterator[Case]:
    text = _text_alone(compiled, case)
    if text:
        for less in _pieces_left_out(text):
            yield replace(case, tokens=_spelled(compiled, less))


def _in_fewer_tokens(compiled: CompiledGrammar, case: Case) -> Iterator[Case]:
    text = _text_alone(compiled, case)
    if text:
        yield replace(case, tokens=_spelled(compiled, text))


def _with_smaller_budget(compiled: CompiledGrammar, case: Case) -> Iterator[Case]:
    return (replace(case, count=count) for count in range(case.count))


def _of_simpler_data(compiled: CompiledGrammar, case: Case) -> Iterator[Case]:
    """Texts of simpler JSON data, where the text is JSON."""
    text = _text_alone(compiled, case)
    try:
        value = json.loads(text or b"")
    except (ValueError, RecursionError):
        return
    for simpler in simpler_data(value):
        written = json.dumps(simpler, ensure_ascii=False, separators=(",", ":")).encode()
        yield replace(case, tokens=_spelled(compiled, written))


def simpler_data(value: Any) -> Iterator[Any]:
    """Data with one part left out, or made simpler, the largest parts first.

    >>> list(simpler_data({"a": [1, 23]}))[:4]
    [[1, 23], {}, {'a': 1}, {'a': 23}]
    """
    if isinstance(value, dict):
        yield from value.values()
        yield from ({k: v for k, v in value.items() if k != key} for key in value)
        for key, inner in value.items():
            yield from ({**value, key: simpler} for simpler in simpler_data(inner))
    elif isinstance(value, list):
        yield from value
        yield from ([*value[:at], *value[at + 1 :]] for at in range(len(value)))
        for at, inner in enumerate(value):
            yield from ([*value[:at], simpler, *value[at + 1 :]] for simpler in simpler_data(inner))
    elif isinstance(value, str):
        yield from dict.fromkeys(("", value[: len(value) // 2], value[1:], value[:-1]))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from (0, 1, -1, int(value) // 10 if abs(value) < 1e300 else 0)


def _pieces_left_out(whole: Item) -> Iterator[Item]:
    """Without one half, one quarter, one eighth, ..."""
    size = len(whole)
    while size := size // 2:
        for start in range(0, len(whole), size):
            yield whole[:start] + whole[start + size :]


def _takes_back(case: Case) -> bool:
    return case.law == "rollback"


def _text_alone(compiled: CompiledGrammar, case: Case) -> bytes | None:
    """The text of the tokens, where these are text and nothing else is counted in them."""
    if case.law in {"rollback", "finished"} or any(compiled.vocabulary.text(t) is None for t in case.tokens):
        return None
    return compiled.vocabulary.decode(case.tokens)


def _spelled(compiled: CompiledGrammar, text: bytes) -> tuple[int, ...]:
    return Speller(compiled.vocabulary.trie).before((text,), END).tokens

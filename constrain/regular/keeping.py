"""What the process remembers of languages, and when it forgets.

Terms are interned, derivatives, emptiness and tables are remembered, and all grammars share them: that is why
the second schema with an e-mail address costs nothing.  But a server sees a new schema a minute, for months.
So everything shared belongs to a *generation*:

    remember(maxsize)(function)     an `lru_cache` that is emptied with the generation
    at_end(callback)                what else is to be emptied then
    forget()                        the next generation begins, with nothing remembered

A generation ends when somebody asks for the shared automaton and too much has gathered
(`automaton.shared_automaton`).  Grammars compiled before go on with what they hold, and it is freed with
them.  Two terms of different generations may be equal and not identical; that costs a little sharing and
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_endings: list[Callable[[], None]] = []


def at_end(callback: Callable[[], None]) -> Callable[[], None]:
    """Call this whenever a generation ends; may be used as a decorator."""
    _endings.append(callback)
    return callback


def remember(maxsize: int | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """An `lru_cache` whose contents last no longer than the generation."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        cached = lru_cache(maxsize=maxsize)(function)
        at_end(cached.cache_clear)
        return cast(Callable[P, R], cached)

    return decorate


def forget() -> None:
    """Begin a new generation."""
    for callback in _endings:
        callback()

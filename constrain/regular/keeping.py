"""What the process remembers of languages, and when it forgets.

Terms are interned, derivatives, emptiness and tables are remembered, and all grammars share them: that is why
the second schema with an e-mail address costs nothing.  But a server sees a new schema a minute, for months.
So everything shared belongs to a *generation*:

    remember(maxsize)(function)     an `lru_cache` that is emptied with the generation
    at_end(callback)                what else is to be emptied then
    forget()                        the next generation begins, with nothing remembered
    retire(container, ...)          what nobody uses any more is freed, but not at once
    retire_with(owner, part, ...)   the same for the containers of some parts, when their owner is gone

A generation ends where a grammar or a report is about to be made and too much has gathered
(`automaton.start_grammar`), never in the middle of one.  Grammars compiled before go on with what they hold,
and it is freed with them.  Two terms of different generations may be equal and not identical; that costs a
little sharing and nothing else.

To free a generation takes a tenth of a second, and whoever compiles next would wait for it.  So its large
lists and dictionaries are *retired*: emptied by FREED items with each compilation, until nothing is left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Any, Final, ParamSpec, TypeVar, cast
from weakref import finalize

P = ParamSpec("P")
R = TypeVar("R")

FREED: Final = 2_000
"""Items freed at a time: 0.1 ms, and some 200 times until a generation is gone."""

_endings: list[Callable[[], None]] = []
_retired: deque[list[Any] | dict[Any, Any]] = deque()


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


def retire(*containers: object) -> None:
    """Take over lists and dictionaries that nobody uses any more; others are ignored."""
    _retired.extend(each for each in containers if isinstance(each, list | dict))


def retire_with(owner: object, *parts: object) -> None:
    """Retire the lists and dictionaries that some parts of `owner` have now, when nobody uses it any more.

    Parts may not rebind them, and hold no reference to the owner.
    """
    containers = [each for part in parts for each in vars(part).values() if isinstance(each, list | dict)]
    finalize(owner, retire, *containers).atexit = False


def free_some() -> None:
    """Free FREED items of what was retired."""
    left = FREED
    while left > 0 and _retired:
        here = _retired[0]
        left -= len(here) or 1
        if len(here) <= FREED:
            _retired.popleft()
        elif isinstance(here, list):
            del here[-FREED:]
        else:
            for key in list(islice(here, FREED)):
                del here[key]

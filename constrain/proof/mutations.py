"""Data that is nearly what a schema asks for: one change away.

Random JSON is refused by the first brace.  What tells two languages apart lies on the border: a number one
above its maximum, a string one letter too long, a key too few.  So a value that conforms is changed in one
place, and the changes are drawn towards what the schema itself names: its numbers and what is just beside
them, its strings, its keys.

    {"n": 3}  under {"maximum": 3, ...}   ▶  {"n": 4}, {"n": 3.5}, {"n0": 3}, {}, {"n": "n"}, ...
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

SCALARS: tuple[Any, ...] = (None, True, False, 0, 1, -1, 0.5, "", "a", [], {})


class Chance(Protocol):
    """Where choices come from: `random.Random`, or what Hypothesis draws (`st.randoms()`)."""

    def randrange(self, stop: int, /) -> int:
        """A number from 0 on, below `stop`."""


def constants(schema: Any) -> list[Any]:
    """Numbers and strings that a schema names, its keys too, and the numbers just beside them."""
    found: dict[Any, None] = {}
    pending = [schema]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            found.update(dict.fromkeys(key for key in part if isinstance(key, str)))
            pending += part.values()
        elif isinstance(part, list):
            pending += part
        elif isinstance(part, str):
            found[part] = None
        elif isinstance(part, int | float) and not isinstance(part, bool) and math.isfinite(part):
            for number in (part, part + 1, part - 1, part + 0.5):
                found[number] = None
    return list(found)


def changed(value: Any, known: Sequence[Any], chance: Chance) -> Any:
    """The value with one change, somewhere in it; `known` is what `constants` found."""
    places = list(_places(value, ()))
    path = places[chance.randrange(len(places))]
    return _replaced(value, path, lambda part: _change(part, known, chance))


def _places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The ways to each part, the innermost first."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*path, key))
    yield path


def _replaced(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], change)
    return copy


def _change(value: Any, known: Sequence[Any], chance: Chance) -> Any:
    """Another value of the same kind, most often; or any."""

    def one(several: Sequence[Any]) -> Any:
        return several[chance.randrange(len(several))]

    if chance.randrange(5) == 4:
        return one([*SCALARS, *known[:200]])
    if isinstance(value, bool) or value is None:
        return one(SCALARS)
    if isinstance(value, int | float):
        numbers = [number for number in known if not isinstance(number, str)]
        return one([value + 1, value - 1, value + 0.5, value * 10, -value, float(value), *numbers[:50]])
    if isinstance(value, str):
        at = chance.randrange(len(value) + 1)
        letter = one("a0 é-_.A😀\n/")
        texts = [text for text in known if isinstance(text, str)]
        return one(
            [value[:at] + letter + value[at:], value[:at] + value[at + 1 :], value * 2, one([*texts, ""])]
        )
    if isinstance(value, list):
        return one(
            [value[:-1], value[1:], [*value, *value[:1]], [*value, one([*SCALARS, *known])], value[::-1]]
        )
    return _changed_object(value, known, one)


def _changed_object(value: dict[str, Any], known: Sequence[Any], one: Callable[[Sequence[Any]], Any]) -> Any:
    key = one([*value, None])
    without = {name: inner for name, inner in value.items() if name != key}
    names = [name for name in known if isinstance(name, str)]
    more = {**value, one([*names, "a", ""]): one([*SCALARS, *known])}
    renamed = {name if name != key else f"{name}0": inner for name, inner in value.items()}
    return one([without, without, more, more, renamed, dict(reversed(value.items()))])

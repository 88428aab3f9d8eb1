"""Strings and numbers of which some exist for a reason that can be read off their formula.

    and(minl 2, maxl 40)                  lengths from 2 to 40
    and(pat "^[a-z]+$", maxl 10)          a match of one letter
    and(in{"a","b"}, nin{"a"})            "b"
    and(ge 0, le 100, mul 5)              0

Whether a scalar's formula holds of anything is asked wherever a key may come, and the general answer is a
regular language and a search in it (scalars.py).  `plainly_some` says True only where a value is at hand;
False means no more than "build the language".

No format of the standard is empty, and of each it is known how long its texts may be (`LENGTHS`); of some of
Python's it is known, too (`plain_lengths`).

Cost: linear in the formula.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from fractions import Fraction

from constrain.json_schema.formats import PYTHON, REGISTERED, find
from constrain.json_schema.formats_python import plain_lengths
from constrain.json_schema.formula import Formula
from constrain.json_schema.numbers import SMALLEST_SPELLED
from constrain.json_schema.values import NUMBER, STRING, Value
from constrain.regular.plain_pattern import is_plain, plainly_matches

ANY = math.inf
LENGTHS: dict[str, tuple[int, float]] = {
    "date": (10, 10), "time": (9, 9), "date-time": (20, 20), "duration": (3, 3), "email": (3, 66),
    "hostname": (1, 63), "ipv4": (7, 15), "ipv6": (2, 2), "uri": (2, ANY), "uri-reference": (0, ANY),
    "iri": (2, ANY), "iri-reference": (0, ANY), "uri-template": (0, ANY), "uuid": (36, 36),
    "json-pointer": (0, ANY), "relative-json-pointer": (1, ANY), "regex": (0, ANY),
    "hostname before draft 7": (1, 63),
}  # fmt: skip
"""Lengths that texts of a format have, all of them from the first to the second."""


def format_lives(name: str, shortest: int = 0, longest: float = ANY) -> bool:
    """Is there plainly a text of the format (`formats.find`) that is as long as that?"""
    found = find(name)
    if found is None:  # it is an annotation
        return shortest <= longest
    if found.source == PYTHON:
        return _python_lives(name, shortest, longest)
    if found.source == REGISTERED:
        return False
    if shortest == 0 and longest == ANY:
        return True
    least, most = LENGTHS.get(name, (ANY, 0))
    return max(shortest, least) <= min(longest, most)


def _python_lives(name: str, shortest: int, longest: float) -> bool:
    if name.startswith(_RUST):
        pattern = name.removeprefix(_RUST)
        # Rust's classes hold those of ECMA's, if none is a complement: what matches there, matches here.
        is_within = not _COMPLEMENTS.search(pattern) and is_plain(pattern)
        return is_within and plainly_matches(pattern, shortest, longest)
    lengths = plain_lengths(name)
    return lengths is not None and max(shortest, lengths[0]) <= min(longest, lengths[1])


_RUST = "Rust pattern "
_COMPLEMENTS = re.compile(r"\\[DWSbB]|\[\^|&&|--|~~|\[[^\]]*\[")


def plainly_some(formula: Formula, kind: int) -> bool:
    """Is there plainly a string (a number) of which this formula, seen at its type, holds?"""
    if formula.kind == "or":
        return any(plainly_some(part, kind) for part in formula.parts)
    parts = formula.parts if formula.kind == "and" else (formula,)
    named = min(
        (part for part in parts if part.kind == "in"), key=lambda part: len(part.args[0]), default=None
    )
    if named is not None:
        return any(
            all(_holds(part, value) for part in parts)
            for value in named.args[0]
            if value.type != NUMBER or is_spelled(value.data)
        )
    return _some_string(parts) if kind == STRING else kind == NUMBER and _some_number(parts)


def _holds(part: Formula, value: Value) -> bool:
    """Is it plain that this holds of a value?"""
    kind = part.kind
    if kind == "in":
        return value in part.args[0]
    if kind == "nin":
        return value not in part.args[0]
    if value.type == STRING and kind in {"minl", "maxl"}:
        return bool(len(value.data) >= part.args[0] if kind == "minl" else len(value.data) <= part.args[0])
    if value.type == NUMBER and kind in _COMPARED:
        return _COMPARED[kind](value.data, part.args[0])
    if kind in {"and", "or"}:
        return (all if kind == "and" else any)(_holds(inner, value) for inner in part.parts)
    return kind in {"true", "order"}


_COMPARED: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "ge": Fraction.__ge__,
    "gt": Fraction.__gt__,
    "le": Fraction.__le__,
    "lt": Fraction.__lt__,
    "mul": lambda number, of: number % of == 0,
    "nmul": lambda number, of: number % of != 0,
}


def is_spelled(number: Fraction) -> bool:
    """Is a decimal number written in every spelling?  Nearer to 0 than any double, only some are."""
    return not number or abs(number) > SMALLEST_SPELLED


def _some_string(parts: Iterable[Formula]) -> bool:
    shortest, longest = 0, ANY
    others: list[Formula] = []
    for part in parts:
        if part.kind == "minl":
            shortest = max(shortest, part.args[0])
        elif part.kind == "maxl":
            longest = min(longest, part.args[0])
        elif part.kind not in {"true", "order"}:
            others.append(part)
    if shortest > longest or len(others) > 1:
        return False
    if not others:
        return True
    (other,) = others
    if other.kind == "pat":
        return is_plain(other.args[0]) and plainly_matches(other.args[0], shortest, longest)
    if other.kind == "fmt":
        return format_lives(other.args[0], shortest, longest)
    return other.kind == "nin" and longest > 0  # more characters than are named


def _some_number(parts: Iterable[Formula]) -> bool:
    """Bounds, and at most one number whose multiples are asked for."""
    low: Fraction | None = None
    high: Fraction | None = None
    above = below = False
    step: Fraction | None = None
    for part in parts:
        kind = part.kind
        if kind in {"ge", "gt"}:
            if low is None or (part.args[0], kind == "gt") > (low, above):
                low, above = part.args[0], kind == "gt"
        elif kind in {"le", "lt"}:
            if high is None or (part.args[0], kind == "le") < (high, not below):
                high, below = part.args[0], kind == "lt"
        elif kind == "mul" and step is None:
            step = part.args[0]
        elif kind not in {"true", "order"}:
            return False
    if low is None or high is None:
        return True
    if not (is_spelled(low) and is_spelled(high)):
        return False
    if step is None:
        return low < high or (low == high and not above and not below)
    first = (math.floor(low / step) + 1 if above else math.ceil(low / step)) * step
    return is_spelled(first) and (first < high or (first == high and not below))

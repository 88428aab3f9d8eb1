"""JSON values as JSON Schema compares them: exactly, and hashable.

The question: when are two JSON values the same?  JSON Schema answers "mathematically": `1`, `1.0` and
`10e-1` are one number, `true` is not `1` (not even deep inside an array), and objects are equal whatever the
order of their keys.  Python's own values fail on each count (`True == 1`, floats round, dicts do not hash),
so `const`, `enum` and `uniqueItems` work on `Value`:

    value_of([1, True]) == value_of([1.0, True]) != value_of([True, 1])

Numbers are exact fractions, taken from the text where there was a text: parse schemas with `parse_json`,
which reads decimals as decimals.  A Python float means the digits its `repr` shows, because that is what its
author wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from constrain.budget import spend
from constrain.errors import LimitExceeded, SchemaError

NULL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT = (1 << bit for bit in range(6))
ALL_TYPES = (1 << 6) - 1
SCALAR_TYPES = (NULL, BOOLEAN, NUMBER, STRING)
TYPE_BITS = {
    "null": NULL,
    "boolean": BOOLEAN,
    "number": NUMBER,
    "integer": NUMBER,
    "string": STRING,
    "array": ARRAY,
    "object": OBJECT,
}

MAX_EXPONENT = 4_096
MAX_DIGITS = 4_096
"""Python itself writes no whole number of more than 4,300 digits."""


_DIGITS_OF_A_BIT = 0.30103


class Value(NamedTuple):
    """One JSON value.  `data`: None, bool, Fraction, str, tuple of values, or frozenset of (key, value)."""

    type: int
    data: Any

    @property
    def items(self) -> tuple[Value, ...]:
        """The items of an array."""
        items: tuple[Value, ...] = self.data
        return items

    @property
    def members(self) -> dict[str, Value]:
        """The members of an object."""
        return dict(self.data)

    @property
    def order(self) -> tuple[str, ...]:
        """The keys of an object as its author wrote them, which is no part of the value."""
        return self.data.order if isinstance(self.data, _Members) else ()


class _Members(frozenset[tuple[str, Value]]):
    """The members of an object, and the order in which they were written."""

    __slots__ = ("order",)
    order: tuple[str, ...]


def object_of(members: Mapping[str, Value]) -> Value:
    """The object with these members, written in this order."""
    kept = _Members(members.items())
    kept.order = tuple(members)
    return Value(OBJECT, kept)


def value_of(data: object, where: str = "") -> Value:
    """The `Value` of what a JSON parser returns.  Raises SchemaError for what JSON cannot say."""
    if data is None:
        return Value(NULL, None)
    if isinstance(data, bool):
        return Value(BOOLEAN, data)
    if isinstance(data, str):
        return Value(STRING, data)
    if isinstance(data, (int, float, Decimal, Fraction)):
        spend(2)
        return Value(NUMBER, fraction_of(data, where))
    if isinstance(data, (list, tuple)):
        spend(1 + (len(data) >> 1))
        return Value(ARRAY, tuple(value_of(item, where) for item in data))
    if isinstance(data, dict):
        spend(2 + 2 * len(data))
        return object_of({str(key): value_of(item, where) for key, item in data.items()})
    raise SchemaError(f"`{data!r}` is not a JSON value", where=where)


def fraction_of(number: int | float | Decimal | Fraction, where: str = "") -> Fraction:
    """The exact value of a number; a float means the digits of its `repr`.

    >>> fraction_of(0.1)
    Fraction(1, 10)
    """
    if isinstance(number, float):
        number = Decimal(repr(number))
    if isinstance(number, Decimal):
        if not number.is_finite():
            raise SchemaError(f"`{number}` is not a JSON number", where=where)
        if abs(number.adjusted()) > MAX_EXPONENT:
            raise LimitExceeded(
                f"the number `{number}` needs an exponent beyond MAX_EXPONENT={MAX_EXPONENT}", where=where
            )
        _check_digits(len(number.as_tuple().digits), where)
    elif isinstance(number, int):
        _check_digits(int(number.bit_length() * _DIGITS_OF_A_BIT), where)
    return Fraction(number)


def _check_digits(digits: int, where: str) -> None:
    if digits > MAX_DIGITS:
        raise LimitExceeded(f"a number has {digits} digits, more than MAX_DIGITS={MAX_DIGITS}", where=where)


def values_of(items: Sequence[object], where: str = "") -> frozenset[Value]:
    """The set of the values of several items."""
    spend(len(items) >> 2)
    return frozenset(value_of(item, where) for item in items)


def refuse_cycles(data: object, where: str = "#") -> None:
    """Raise SchemaError where a list or an object holds itself, which no JSON text can say.

    What stands in two places is not in a circle.
    """
    path: dict[int, str | int] = {}
    done: set[int] = set()
    stack: list[tuple[str | int, object, Iterator[tuple[str | int, object]] | None]] = [(where, data, None)]
    while stack:
        name, here, inside = stack.pop()
        if inside is None:
            if not isinstance(here, (dict, list, tuple)) or id(here) in done:
                continue
            if id(here) in path:
                place = [str(part).replace("~", "~0").replace("/", "~1") for part in (*path.values(), name)]
                raise SchemaError(
                    "this value holds itself",
                    where="/".join(place),
                    hint="JSON text has an end; a schema refers to itself with `$ref`",
                )
            spend(len(here) >> 3)
            path[id(here)] = name
            inside = iter(here.items() if isinstance(here, dict) else enumerate(here))
        for key, item in inside:
            if isinstance(item, (dict, list, tuple)):
                stack += [(name, here, inside), (key, item, None)]
                break
        else:
            del path[id(here)]
            done.add(id(here))


def parse_json(text: str | bytes) -> Any:
    """Parse JSON text without rounding its decimals."""
    return json.loads(text, parse_float=Decimal)


def to_python(value: Value) -> Any:
    """The plain Python form of a value: ints stay ints, other numbers become Decimal or Fraction."""
    if value.type == NUMBER:
        return number_to_python(value.data)
    if value.type == ARRAY:
        return [to_python(item) for item in value.items]
    if value.type == OBJECT:
        return {key: to_python(item) for key, item in sorted(value.members.items())}
    return value.data


def number_to_python(number: Fraction) -> int | float | Fraction:
    """An int where the number is one, else a float where that is exact in its `repr`, else the fraction."""
    if number.denominator == 1:
        return number.numerator
    near = float(number)
    return near if Fraction(Decimal(repr(near))) == number else number

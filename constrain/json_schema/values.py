"""JSON values as JSON Schema compares them: exactly, and hashable.

The question: when are two JSON values the same?  JSON Schema answers "mathematically": `1`, `1.0` and
`10e-1` are one number, `true` is not `1` (not even deep inside an array), and objects are equal whatever the
order of their keys.  Python's own values fail on each count (`True == 1`, floats round, dicts do not hash),
so `const`, `enum` and `uniqueItems` work on `Value`:

    value_of([1, True]) == value_of([1.0, True]) != value_of([True, 1])

Numbers are exact fractions, taken from the text where there was a text: parse schemas with `parse_json`,
which reads decimals as decimals.  A Python float means the digits its `repr` shows, because that is what its
author wrote.

A number of a schema has at most MAX_DIGITS digits before its point, behind it, and in all.  So none costs
more than its text did (`1e1000000000` is a text of twelve characters), and Python can write each, which by
default writes no integer of more than 4,300 digits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
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

MAX_DIGITS = 1_000
"""Three times what a double needs; with twice as many, a mask of multiples takes four times as long."""
_MAX_BITS = math.floor(MAX_DIGITS * math.log2(10))
"""No integer of so many bits has more than MAX_DIGITS digits."""
_SHOWN_DIGITS = 40


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

    Raises SchemaError for NaN and the infinities, and LimitExceeded beyond MAX_DIGITS.

    >>> fraction_of(0.1)
    Fraction(1, 10)
    """
    if is_small(number):
        return Fraction(Decimal(float.__repr__(number)) if isinstance(number, float) else number)
    if isinstance(number, float) or (isinstance(number, Decimal) and not number.is_finite()):
        raise SchemaError(f"`{shown_number(number)}` is not a JSON number", where=where)
    if isinstance(number, Decimal) and not number:
        return Fraction(0)
    raise _too_long(shown_number(number), where)


def _too_long(text: str, where: str = "") -> LimitExceeded:
    return LimitExceeded(f"the number `{text}` takes more than MAX_DIGITS={MAX_DIGITS} digits", where=where)


def is_small(number: int | float | Decimal | Fraction) -> bool:
    """Is it a finite number of no more than MAX_DIGITS digits, as nearly all are?"""
    if isinstance(number, float):
        return math.isfinite(number)
    if isinstance(number, Decimal):
        if not number.is_finite():
            return False
        _, digits, exponent = number.as_tuple()
        assert isinstance(exponent, int), "a finite number has an exponent"
        return -MAX_DIGITS <= exponent <= MAX_DIGITS - len(digits) and len(digits) <= MAX_DIGITS
    return number.numerator.bit_length() <= _MAX_BITS and number.denominator.bit_length() <= _MAX_BITS


def shown_number(number: int | float | Decimal | Fraction) -> str:
    """A number as a message shows it, a long one by its beginning.

    >>> shown_number(0.5), shown_number(-(10**5_000))
    ('0.5', '-1000000000000000000000000000000000000000...')
    """
    if isinstance(number, int) and number.bit_length() > _MAX_BITS:
        # Python writes no integer as long as that; the first digits are those of a quotient.
        places = max(0, math.floor(number.bit_length() * math.log10(2)) - _SHOWN_DIGITS)
        return ("-" if number < 0 else "") + str(abs(number) // 10**places)[:_SHOWN_DIGITS] + "..."
    return _cut(str(number))


def _cut(text: str) -> str:
    return text if len(text) <= 2 * _SHOWN_DIGITS else f"{text[:_SHOWN_DIGITS]}..."


def values_of(items: Collection[object], where: str = "") -> frozenset[Value]:
    """The set of the values of several items."""
    spend(len(items) >> 2)
    return frozenset(value_of(item, where) for item in items)


def parse_json(text: str | bytes) -> Any:
    """Parse JSON text without rounding its decimals; an integer of more than MAX_DIGITS is a Decimal as well.

    Raises LimitExceeded for an exponent of more digits than Decimal reads, some eighteen.
    """
    return json.loads(text, parse_float=_decimal, parse_int=_integer)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _too_long(_cut(text)) from None


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= MAX_DIGITS else Decimal(text)

"""How is the JSON text of an answer read, when it has numbers that Python has not?

JSON sets no limit to numbers, and a grammar none that its schema does not ask for.  Python's floats end at
1.8e308, and `json.loads` makes `inf` of what is beyond, which no JSON text can hold again; its integers
have as many digits as `sys.set_int_max_str_digits` allows.  Both are refused here by name.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from constrain.errors import LimitExceeded

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def read_json(text: str) -> Any:
    """The data of an answer.

    Raises LimitExceeded for a number that Python cannot hold: a float above its largest, or an integer of
    more digits than `sys.set_int_max_str_digits` allows.

    >>> read_json('{"n": 1.5}')
    {'n': 1.5}
    """
    return json.loads(text, parse_float=_float, parse_int=_int)


def reader(adapter: TypeAdapter[Any]) -> Callable[[str], Any]:
    """Reads an answer as a value of a type.

    Raises LimitExceeded where a float of the type would be infinite: so Pydantic reads a number beyond its
    largest, which an `int` may well hold.
    """

    def read(text: str) -> Any:
        value = adapter.validate_json(text)
        far = _FAR.search(text)
        if far and _is_infinite(adapter.dump_python(value)):
            raise _too_large(far[0], f"{sys.float_info.max:.1e}, the largest float of Python")
        return value

    return read


_FAR = re.compile(r"[0-9]{309,}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]{3,}")
"""What a number beyond the largest float looks like; not all that look so are."""


def _is_infinite(value: Any) -> bool:
    """Is there an infinite float in plain data?"""
    if isinstance(value, dict):
        return any(_is_infinite(inner) for pair in value.items() for inner in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_is_infinite, value))
    return isinstance(value, float) and math.isinf(value)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _too_large(text, f"{sys.float_info.max:.1e}, the largest float of Python")
    return number


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _too_large(text, f"the {sys.get_int_max_str_digits()} digits that Python reads") from None


def _too_large(text: str, limit: str) -> LimitExceeded:
    return LimitExceeded(
        f"the answer holds a number of {len(text)} characters, beyond {limit}",
        where=text if len(text) <= 60 else f"{text[:60]}...",
        hint="bound it in the schema, with minimum and maximum",
    )

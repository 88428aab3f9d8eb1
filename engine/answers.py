"""How is the JSON text of an answer read, when it has numbers that Python has not?

JSON sets no limit to numbers, and a grammar none that its schema does not ask for.  Python's floats end at
1.8e308, and `json.loads` makes `inf` of what is beyond, which no JSON text can hold again; its integers
have as many digits as `sys.set_int_max_str_digits` allows.  Both are refused here by name.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from constrain.errors import LimitExceeded


def read_json(text: str) -> Any:
    """The data of an answer.

    Raises LimitExceeded for a number that Python cannot hold: a float above its largest, or an integer of
    more digits than `sys.set_int_max_str_digits` allows.

    >>> read_json('{"n": 1.5}')
    {'n': 1.5}
    """
    return json.loads(text, parse_float=_float, parse_int=_int)


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

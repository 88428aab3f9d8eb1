"""How is the JSON text of an answer read, and what if it cannot be?

    read_json('{"first": 31, "last": 4}')        {"first": 31, "last": 4}
    reader(TypeAdapter(Span))(...)               RefusedOutputError: ... a validator of Span refuses it: ...

An answer follows its schema, because no other text could be written.  Two things may still be in the way:

1. Numbers that Python has not.  JSON sets no limit to numbers, and a grammar none that its schema does not
   ask for.  Python's floats end at 1.8e308, and `json.loads` makes `inf` of what is beyond, which no JSON
   text can hold again; its integers have as many digits as `sys.set_int_max_str_digits` allows.  Both are
   refused by name: LimitExceeded.
2. What a type checks in Python, which no schema says: validators, `__post_init__`.  Whatever they raise
   becomes one error that keeps the text: RefusedOutputError.  It is the same for every way of asking,
   since every type's answers are read by `reader`.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from constrain.errors import ConstrainError, LimitExceeded, RefusedOutputError

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

HINT = "let the model try again with retries=2, or say in the type what is checked: Field(ge=...)"


def read_json(text: str) -> Any:
    """The data of an answer.

    Raises LimitExceeded for a number that Python cannot hold (a float above its largest, or an integer of
    more digits than `sys.set_int_max_str_digits` allows), and for data nested deeper than Python reads.

    >>> read_json('{"n": 1.5}')
    {'n': 1.5}
    """
    try:
        return json.loads(text, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise _too_deep(text) from None


def reader(adapter: TypeAdapter[Any], hint: str = HINT) -> Callable[[str], Any]:
    """Reads an answer as a value of a type; `hint` is what an error says that can be done.

    The function raises RefusedOutputError for what the type's own validators refuse, or fail on, and
    LimitExceeded where a float of the type would be infinite (so Pydantic reads a number beyond its largest,
    which an `int` may well hold) and where the text is nested deeper than Pydantic reads.
    """
    from pydantic import ValidationError

    def read(text: str) -> Any:
        try:
            value = adapter.validate_json(text)
        except ValidationError as problem:
            raise _refused(text, problem, hint) from problem
        except ConstrainError:
            raise
        except Exception as problem:  # validators are the caller's code, and may raise anything
            raise _failed(text, problem, hint) from problem
        far = _FAR.search(text)
        if far and _is_infinite(adapter.dump_python(value)):
            raise _too_large(far[0], f"{sys.float_info.max:.1e}, the largest float of Python")
        return value

    return read


def _refused(text: str, problem: ValidationError, hint: str) -> ConstrainError:
    """What Pydantic says of an answer."""
    # As JSON, an error holds no exceptions and no objects, which may not go into another process.
    errors = json.loads(problem.json(include_url=False))
    for error in errors:
        error["loc"] = tuple(error["loc"])
    first = errors[0]
    if first["type"] == "json_invalid" and "recursion limit" in first["msg"]:
        return _too_deep(text)
    place = f"its `{'.'.join(map(str, first['loc']))}`" if first["loc"] else "it"
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    return RefusedOutputError(
        f"the answer follows the schema, but a validator of {problem.title} refuses {place}: "
        f"{first['msg']}{more}",
        text=text,
        value=_plain(text),
        errors=errors,
        where=text,
        hint=hint,
    )


def _failed(text: str, problem: Exception, hint: str) -> RefusedOutputError:
    """What a validator raises that is no verdict, such as a KeyError; Pydantic lets that through."""
    said = f"{type(problem).__name__}: {problem}"
    value = _plain(text)
    return RefusedOutputError(
        f"the answer follows the schema, but a validator of its type fails: {said}",
        text=text,
        value=value,
        errors=[{"type": "exception", "loc": (), "msg": said, "input": value}],
        where=text,
        hint=hint,
    )


def _plain(text: str) -> Any:
    """The data of an answer; None where Python has no such data."""
    try:
        return read_json(text)
    except LimitExceeded:
        return None


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


def _too_deep(text: str) -> LimitExceeded:
    return LimitExceeded(
        f"the answer is nested deeper than can be read: {text.count('[') + text.count('{')} brackets",
        where=text if len(text) <= 60 else f"{text[:60]}...",
        hint="bound it in the schema: let a part not contain itself",
    )

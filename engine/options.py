"""Are the numbers that a generation is asked with of the right kind?

    whole("seed", -1, least=0)      InvalidInputError: seed=-1 must be at least 0
    whole("seed", "7", least=0)     InvalidInputError: seed must be an integer, not str
    real("temp", "1")               InvalidInputError: temp must be a number, not str

Every function that generates takes the same options, and each is checked here, once, before anything is
computed: MLX would refuse them in its own words, or round them in silence.  An integer is what Python takes
for an index (`operator.index`: numpy's are some) and no boolean.
"""

from __future__ import annotations

import operator
from numbers import Real
from typing import Any

from constrain.errors import InvalidInputError

LARGEST_SEED = 2**64 - 1
"""The largest that MLX takes."""


def whole(name: str, value: Any, *, least: int, most: int | None = None, hint: str = "") -> int:
    """The option as an int.  Raises InvalidInputError where it is none, or out of its range."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise InvalidInputError(f"{name} must be an integer, not {_kind(value)}", hint=hint)
    if number < least:
        raise InvalidInputError(f"{name}={number} must be at least {least}", hint=hint)
    if most is not None and number > most:
        raise InvalidInputError(f"{name}={_digits(number)} must be at most {most}", hint=hint)
    return number


def real(name: str, value: Any, *, hint: str = "") -> float:
    """The option as a float.  Raises InvalidInputError where it is no number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidInputError(f"{name} must be a number, not {_kind(value)}", hint=hint)
    try:
        return float(value)
    except OverflowError:
        raise InvalidInputError(f"{name} is beyond the largest float", hint=hint) from None


def check_max_tokens(max_tokens: Any) -> int:
    """Refuse a limit that no answer can keep."""
    number = whole("max_tokens", max_tokens, least=-(2**63), most=2**63)
    if number < 1:
        raise InvalidInputError(f"max_tokens={number} leaves no room for an answer", hint="give at least 1")
    return number


def check_seed(seed: Any) -> int | None:
    """The seed of a generation, if there is one."""
    return None if seed is None else whole("seed", seed, least=0, most=LARGEST_SEED)


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__


def _digits(number: int) -> str:
    return str(number) if number.bit_length() < 200 else f"2**{number.bit_length() - 1} and more"

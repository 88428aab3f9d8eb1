"""Is what a caller gives of the kind that is asked for, and how is it said where it is not?

Programs call with whatever they have at hand: bytes where text is meant, numpy's integers, a tokenizer where
a vocabulary is asked for, a misspelled option.  Python would fail on each of them in its own words, somewhere
in the middle, or take it in silence.  So whatever enters is checked once, where it enters, by one of these
functions; behind that, types are what the annotations say and nobody looks again:

    as_text(b"a", "a literal")              InvalidInputError: a literal is text, not bytes
    as_whole(np.int64(3), "num_tokens")     3
    as_whole(3.0, "num_tokens")             InvalidInputError: num_tokens is a whole number, not 3.0

Rule 1: a check raises one of the documented classes, with what was given, what is asked for, and what to do.
Rule 2: what is right comes back in Python's own type, so that no foreign one lives on (`json.dumps` takes no
number of numpy's, and `True` is no token id).
Rule 3: nothing else is caught.  An error that none of these checks foresaw is a fault of this package, and is
seen as such; the one exception is depth, which `budget.py` turns into a LimitExceeded.

The data of a JSON Schema are checked keyword by keyword, in `json_schema/admission.py`, and texts of grammars
by their own parsers.
"""

from __future__ import annotations

import json
import operator
import re
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from constrain.errors import ConstrainError, InvalidInputError, LimitExceeded, shortened

MAX_SHOWN = 60
"""Code points of a value that a message shows."""

_HALF_PAIR = re.compile("[\ud800-\udfff]")
_WITHOUT_ARTICLE = frozenset({"bytes", "None"})


def kind_of(value: object) -> str:
    """What a value is, for messages.

    >>> kind_of({1}), kind_of(None), kind_of(b""), kind_of(re.compile("a"))
    ('a set', 'None', 'bytes', 'a re.Pattern')
    """
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the type {value.__name__}"
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if name in _WITHOUT_ARTICLE:
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def shown(value: object) -> str:
    """A value of any kind, in a few words."""
    if isinstance(value, int) and abs(value) >> 256:  # Python writes no more than 4,300 decimals
        return shortened(hex(value), MAX_SHOWN)
    if isinstance(value, int | float) or value is None:
        return shortened(repr(value), MAX_SHOWN)
    if isinstance(value, str):
        return shortened(ascii(str.__str__(value)), MAX_SHOWN)
    return shortened(repr(value), MAX_SHOWN) if isinstance(value, bytes) else kind_of(value)


def as_text(
    value: object,
    what: str,
    *,
    error: type[ConstrainError] = InvalidInputError,
    where: str = "",
    hint: str = "",
) -> str:
    """Text that UTF-8 can write; `what` says what it is for."""
    if not isinstance(value, str):
        if isinstance(value, bytes | bytearray):
            hint = hint or "decode it first: value.decode()"
        raise error(f"{what} is text, not {kind_of(value)}", where=where, hint=hint)
    text = value if type(value) is str else str.__str__(value)
    if not text.isascii():
        check_text(text, error=error, where=where)
    return text


def check_text(text: str, *, error: type[ConstrainError] = InvalidInputError, where: str = "") -> None:
    """Refuse half a surrogate pair, which only Python calls text: no UTF-8 holds one, and so no token."""
    half = _HALF_PAIR.search(text)
    if half is not None:
        raise error(
            f"half a surrogate pair, \\u{ord(half[0]):04x}, is character {half.start()} of "
            f"{shortened(ascii(text), MAX_SHOWN)}",
            where=where,
            hint="no UTF-8 text holds one: write the whole pair, or the character itself",
        )


def as_list(values: object, what: str, hint: str = "") -> list[Any]:
    """The items of something that holds several; a text is not one, though it has letters."""
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise InvalidInputError(f"{what} are given as a list, not as {kind_of(values)}", hint=hint)
    return list(values)


def as_mapping(values: object, what: str) -> Mapping[str, Any]:
    """A mapping whose keys are text; None counts as an empty one."""
    if not isinstance(values, Mapping | None):
        raise InvalidInputError(f"{what} is given as a dictionary, not as {kind_of(values)}")
    return {as_text(key, f"a key of {what}"): value for key, value in (values or {}).items()}


def are_texts(values: Iterable[object]) -> bool:
    """Are all of them text that UTF-8 can write?"""
    try:
        joined = "".join(values)  # type: ignore[arg-type]
        return joined.isascii() or bool(joined.encode())
    except (TypeError, UnicodeEncodeError):
        return False


def as_whole(
    value: object,
    what: str,
    *,
    least: int | None = 0,
    most: int | None = None,
    error: type[ConstrainError] = InvalidInputError,
    hint: str = "",
) -> int:
    """A whole number, numpy's too; no float, and no truth value."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = int(operator.index(value))  # type: ignore[arg-type]
    except TypeError:
        raise error(f"{what} is a whole number, not {shown(value)}", hint=hint) from None
    if least is not None and number < least:
        raise error(f"{what} is at least {least}, not {shown(number)}", hint=hint)
    if most is not None and number > most:
        raise error(f"{what} is at most {most}, not {shown(number)}", hint=hint)
    return number


def as_flag(value: object, what: str) -> bool:
    """True or False, and nothing that only counts as one of them."""
    if not isinstance(value, bool):
        raise InvalidInputError(f"{what} is True or False, not {shown(value)}")
    return value


def parse_json(text: str, what: str) -> Any:
    """The data of JSON text.  Raises JSONDecodeError, and LimitExceeded for what Python cannot hold."""

    def integer(digits: str) -> int:
        try:
            return int(digits)
        except ValueError:
            raise LimitExceeded(
                f"{what} holds a number of {len(digits)} digits, "
                f"and Python reads {sys.get_int_max_str_digits()}"
            ) from None

    try:
        return json.loads(text, parse_int=integer)
    except RecursionError:
        raise LimitExceeded(f"{what} is nested too deeply for Python's recursion limit") from None


def nearest(name: object, names: Iterable[str], otherwise: str = "") -> str:
    """A hint: the name that was meant, if one of them is near.

    >>> nearest("whitespce", ["whitespace", "spelling"])
    'did you mean `whitespace`?'
    """
    near = get_close_matches(name, list(names), n=1) if isinstance(name, str) else []
    return f"did you mean `{near[0]}`?" if near else otherwise

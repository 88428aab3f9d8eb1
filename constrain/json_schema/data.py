"""Is this what a JSON parser returns, and where is it not?

A schema given as Python data may hold anything: a set, a number of numpy's, a key that is no text, half a
surrogate pair, not-a-number, or itself.  Where a keyword's value is looked at, the scan (admission.py) asks
here, and the answer names the place by its JSON pointer:

    {"const": {"a": [1, {2}]}}      a set is not JSON data          at #/const/a/1
    {"enum": ["\\ud800"]}            half a surrogate pair           at #/enum/0
    x = []; x.append(x)             the value holds itself          at #/const/0

Annotations are not looked at: whatever they hold says nothing about the texts.

Nothing here recurses, so that data of any depth are judged.  Cost: linear, and an object that stands in many
places is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from constrain.arguments import are_texts, check_text, kind_of
from constrain.budget import spend
from constrain.errors import SchemaError

PLAIN_SCALARS = frozenset({int, bool, type(None)})
"""The types whose values are JSON whatever they are."""


def pointer_to(pointer: str, path: Iterable[object]) -> str:
    """A pointer, with the parts of a path escaped behind it.

    >>> pointer_to("#", ["properties", "a/b", 0])
    '#/properties/a~1b/0'
    """
    for part in path:
        pointer += f"/{part.replace('~', '~0').replace('/', '~1') if isinstance(part, str) else part}"
    return pointer


def json_kind(value: object) -> str:
    """What a value is, in the words of JSON where it is JSON data."""
    if isinstance(value, bool):
        return "a boolean"
    kinds = {str: "a string", int: "a number", float: "a number", Decimal: "a number"}
    kinds |= {list: "an array", dict: "an object", type(None): "null"}
    return kinds.get(type(value)) or kind_of(value)


def how_to_give(value: object) -> str:
    """A hint for what is not JSON data, but nearly."""
    if isinstance(value, type):
        return f"the schema of a Pydantic model is {value.__name__}.model_json_schema()"
    if isinstance(value, bytes | bytearray):
        return "decode it first: value.decode()"
    if isinstance(value, tuple | set | frozenset):
        return "make it a list"
    if hasattr(value, "tolist"):
        return "give Python's own numbers and lists: value.tolist()"
    return ""


def each_value(data: object, where: str = "#") -> Iterator[tuple[list[Any], object]]:
    """Every value inside some data, itself first, with the path to it: one list, which goes on changing.

    Raises SchemaError where an object or an array holds itself.
    """
    path: list[Any] = []
    inside: list[tuple[int, Iterator[tuple[Any, object]]]] = []
    seen: set[int] = set()
    holders: set[int] = set()
    item: tuple[Any, object] | None = ("", data)
    while True:
        if item is not None:
            value = item[1]
            yield path, value
            if id(value) in holders:
                raise SchemaError(
                    f"{json_kind(value)} holds itself",
                    where=pointer_to(where, path),
                    hint="a schema that contains itself is written with `$ref`",
                )
            if isinstance(value, dict | list | tuple) and id(value) not in seen:
                spend(1 + (len(value) >> 1))
                seen.add(id(value))
                holders.add(id(value))
                inside.append(
                    (id(value), iter(value.items() if isinstance(value, dict) else enumerate(value)))
                )
            elif path:
                path.pop()
        if not inside:
            return
        item = next(inside[-1][1], None)
        if item is not None:
            path.append(item[0])
        else:
            holders.remove(inside.pop()[0])
            if path:
                path.pop()


def check_data(data: object, where: str = "#") -> None:
    """Raises SchemaError at the first place that holds what JSON cannot say."""
    for path, value in each_value(data, where):
        if type(value) in PLAIN_SCALARS:
            continue
        if isinstance(value, str):
            check_text(value, error=SchemaError, where=pointer_to(where, path))
        elif isinstance(value, dict):
            check_keys(value, pointer_to(where, path))
        elif isinstance(value, float | Decimal):
            if not (value - value == 0 if isinstance(value, float) else value.is_finite()):
                raise SchemaError(f"`{value}` is not a JSON number", where=pointer_to(where, path))
        elif not isinstance(value, list | tuple | int | Fraction):
            raise SchemaError(
                f"{kind_of(value)} is not JSON data", where=pointer_to(where, path), hint=how_to_give(value)
            )


def check_keys(members: dict[Any, Any], where: str) -> None:
    """Raises SchemaError for a key that is no text."""
    if are_texts(members):
        return
    for key in members:
        if not isinstance(key, str):
            raise SchemaError(f"a key is a string, not {json_kind(key)}", where=pointer_to(where, [key]))
        check_text(key, error=SchemaError, where=pointer_to(where, [key]))


def is_data(data: object) -> bool:
    """Is all of it JSON data, and finite?"""
    kinds = set(map(type, data)) if type(data) is list else {type(data)}
    if kinds <= PLAIN_SCALARS:
        return True
    try:
        check_data(data)
    except SchemaError:
        return False
    return True


def holds_itself(data: object) -> bool:
    """Does some object or array in it contain itself?"""
    try:
        for _ in each_value(data):
            pass
    except SchemaError:
        return True
    return False

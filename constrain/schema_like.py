"""What may stand for a JSON Schema?  Data, text, or a type.

    {"type": "integer"}      the schema itself, as Python data
    '{"type": "integer"}'    its text
    int, Person, list[str]   a type: the schema of the values to write for it (`type_schema.py`)

Pydantic, which takes a tenth of a second to import, is imported when there is a type.
"""

from __future__ import annotations

from typing import Any, NewType, cast, get_origin

from typing_extensions import TypeAliasType

SchemaLike = object
"""A dict, a bool, a text, or a type that Pydantic takes."""


def as_schema(schema: SchemaLike) -> dict[str, Any] | bool | str:
    """The schema of a type; anything else as it is, for the compiler to judge.

    Raises SchemaError for a type without a JSON Schema, UnsupportedRegexError for one with a pattern that no
    automaton can follow.

    >>> as_schema(bool), as_schema(True)
    ({'type': 'boolean'}, True)
    """
    if not is_type(schema):
        return cast("dict[str, Any] | bool | str", schema)
    from constrain.type_schema import describe_type

    return describe_type(schema)[1]


def is_type(value: object) -> bool:
    """Is this a type, as annotations are written: a class, `list[int]`, a union, an alias?"""
    return isinstance(value, type | NewType | TypeAliasType) or get_origin(value) is not None

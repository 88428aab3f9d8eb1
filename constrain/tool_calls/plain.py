"""Is it plain, at a glance, that a schema is a good one?

Of 128 tools an answer calls one or two, so the schema of a tool is compiled when its name has been written.
But what is wrong with a schema must be told before the first token, and compiling is how that is found out:
some 3 ms for each tool.  Most tools, though, are described so simply that nothing can be wrong:

    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

`is_plain` recognises these: known keywords of the right types, which cannot contradict each other.  Such a
schema is valid, honoured whole, satisfiable, and small.  Of any other schema nothing is said, and whoever
asks compiles it at once.

    types               one name or none, and only keywords that this type has
    enum, format        strings, or a well-known format, and nothing else that bounds the string
    bounds              whole numbers, not crossing
    required            keys that are declared
    size                at most MAX_PLACES schemas in one another

Cost: 1 to 2 microseconds for each place in the schema.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from constrain.json_schema.formats_python import plain_lengths

MAX_PLACES = 200

_NOTES = frozenset({"type", "title", "description", "default"})
_KEYWORDS: dict[str, frozenset[str]] = {
    "string": _NOTES | {"enum", "format", "minLength", "maxLength"},
    "integer": _NOTES | {"minimum", "maximum"},
    "number": _NOTES | {"minimum", "maximum"},
    "boolean": _NOTES,
    "null": _NOTES,
    "array": _NOTES | {"items", "minItems", "maxItems"},
    "any": _NOTES - {"type"},
    "object": _NOTES | {"properties", "required", "additionalProperties"},
}
_FORMATS = ("date", "time", "date-time", "duration", "email", "uri", "uuid", "ipv4", "ipv6", "hostname")
_BOUNDS = {
    "string": (("minLength", "maxLength"),),
    "array": (("minItems", "maxItems"),),
    "integer": (("minimum", "maximum"),),
    "number": (("minimum", "maximum"),),
}
MAX_BOUND = 1_000


def is_plain(schema: object) -> bool:
    """Whether `schema` is surely valid, honoured, satisfiable and small; False says nothing.

    >>> is_plain({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    True
    >>> is_plain({"type": "object", "properties": {}, "required": ["n"], "additionalProperties": False})
    False
    """
    places = [schema]
    for count, place in enumerate(places):
        if count >= MAX_PLACES or not isinstance(place, dict) or not _is_plain_place(place):
            return False
        if "properties" in place:
            places.extend(place["properties"].values())
        if "items" in place:
            places.append(place["items"])
    return True


def _is_plain_place(schema: dict[str, Any]) -> bool:
    """Whether the keywords of one schema are plain, whatever the schemas inside it are."""
    kind = schema.get("type", "any")
    if not isinstance(kind, str) or kind not in _KEYWORDS or not schema.keys() <= _KEYWORDS[kind]:
        return False
    if not isinstance(schema.get("title", ""), str) or not isinstance(schema.get("description", ""), str):
        return False
    for key in schema.keys() & _CHECKS.keys():
        if not _CHECKS[key](schema[key], schema):
            return False
    return all(
        low not in schema or high not in schema or schema[low] <= schema[high]
        for low, high in _BOUNDS.get(kind, ())
    )


def _is_strings(value: object, _schema: dict[str, Any]) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MAX_PLACES and _all_text(value)


def _is_enum(value: object, schema: dict[str, Any]) -> bool:
    return _is_strings(value, schema) and not schema.keys() & {"format", "minLength", "maxLength"}


def _is_format(value: object, schema: dict[str, Any]) -> bool:
    known = isinstance(value, str) and (value in _FORMATS or plain_lengths(value) is not None)
    return known and not schema.keys() & {"enum", "minLength", "maxLength"}


def _is_required(value: object, schema: dict[str, Any]) -> bool:
    return value == [] or (_is_strings(value, schema) and set(_list(value)) <= _declared(schema).keys())


def _declared(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _is_properties(value: object, _schema: dict[str, Any]) -> bool:
    return isinstance(value, dict) and _all_text(list(value))


def _is_size(value: object, _schema: dict[str, Any]) -> bool:
    return type(value) is int and 0 <= value <= MAX_BOUND


def _is_bound(value: object, _schema: dict[str, Any]) -> bool:
    return type(value) is int and abs(value) < 10**9


def _is_flag(value: object, _schema: dict[str, Any]) -> bool:
    return isinstance(value, bool)


def _all_text(values: list[Any]) -> bool:
    """Distinct strings that UTF-8 can write."""
    if not all(isinstance(value, str) for value in values) or len(set(values)) < len(values):
        return False
    return all(value.isascii() or value.encode(errors="ignore").decode() == value for value in values)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


_CHECKS: dict[str, Callable[[object, dict[str, Any]], bool]] = {
    "enum": _is_enum,
    "format": _is_format,
    "required": _is_required,
    "properties": _is_properties,
    "additionalProperties": _is_flag,
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_size),
    **dict.fromkeys(("minimum", "maximum"), _is_bound),
}

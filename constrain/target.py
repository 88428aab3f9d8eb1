"""Which JSON Schema is meant by what a caller gives, and how are the answers to it read?

    Person                                                a type: its schema (`type_schema.py`), instances
    {"type": "object", ...}, True                         a schema, plain data
    '{"type": "object", ...}'                             the same as JSON text
    {"name": "person", "schema": {...}}                   what OpenAI's clients wrap around a schema
    {"type": "json_schema", "json_schema": {...}}         a whole `response_format`
    {"type": "json_object"}                               an object, whatever is in it

The wrappers hold no keyword of JSON Schema, so each of them is a schema too, one that allows everything:
which nobody means.  For the same reason an object without any keyword, {"name": "string"}, is refused where a
model is asked; `compile_json_schema` takes it, as the standard does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, cast, get_origin

from constrain.answers import read_json, reader
from constrain.arguments import kind_of, parse_json, shown
from constrain.errors import SchemaError
from constrain.json_schema.keywords import SILENT, SPEAKING

_WRAPPER = frozenset({"name", "schema", "strict", "description"})


@dataclass(frozen=True, slots=True)
class Target:
    """What an answer must look like, and how to read it."""

    schema: dict[str, Any] | bool
    read: Callable[[str], Any]


def schema_of(schema: object) -> Target:
    """The JSON Schema of a type, of a schema, or of a schema's text; and the reader of its answers.

    Raises SchemaError for what is none of them, LimitExceeded for text nested too deeply.

    >>> schema_of({"name": "age", "schema": {"type": "integer"}}).schema
    {'type': 'integer'}
    """
    if isinstance(schema, str):
        schema = _parsed(schema)
        if not isinstance(schema, dict | bool):
            raise SchemaError(f"a JSON Schema is an object or a boolean, not {kind_of(schema)}")
    if isinstance(schema, dict | bool):
        inner = unwrapped(schema)
        _check_keywords(inner)
        return Target(inner, read_json)
    return _target_of_type(schema)


def _check_keywords(schema: dict[str, Any] | bool) -> None:
    """Refuse an object that would allow every answer because none of its keys constrains anything."""
    if not isinstance(schema, dict) or SPEAKING & schema.keys():
        return
    unknown = [
        key
        for key in schema
        if isinstance(key, str) and key not in SILENT and not key.startswith(("$", "x-"))
    ]
    if unknown:
        raise SchemaError(
            f"this schema would allow every answer: JSON Schema has no keyword `{unknown[0]}`",
            hint="an object with keys of its own is a Pydantic model, a TypedDict, or "
            f'{{"type": "object", "properties": {{"{unknown[0]}": ...}}}}',
        )


def as_schema(schema: object) -> Any:
    """The schema of a type, and the one inside a wrapper; anything else as it is, right or wrong.

    >>> as_schema(list[int])
    {'items': {'type': 'integer'}, 'type': 'array'}
    """
    if isinstance(schema, dict):
        return unwrapped(schema)
    is_form = (
        isinstance(schema, type)
        or get_origin(schema) is not None
        or type(schema).__module__ == "pydantic.type_adapter"
        or type(schema).__module__ in {"typing", "types", "typing_extensions"}
    )
    return _target_of_type(schema).schema if is_form else schema


def is_type(schema: object) -> bool:
    """Whether answers are instances; they are plain data where a schema is given."""
    return not isinstance(schema, dict | bool | str)


def unwrapped(schema: dict[str, Any] | bool) -> dict[str, Any] | bool:
    """The schema inside what OpenAI's clients send; a schema as it is."""
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str | None):
        return schema
    if kind == "json_object":
        return {"type": "object"}
    if kind == "json_schema":
        inner: Any = schema.get("json_schema", schema)
        if not isinstance(inner, Mapping) or not isinstance(inner.get("schema"), dict | bool):
            raise SchemaError(
                "a response format of the type `json_schema` holds no schema",
                hint='{"type": "json_schema", "json_schema": {"name": ..., "schema": {...}}}',
            )
        return cast("dict[str, Any] | bool", inner["schema"])
    if _WRAPPER >= schema.keys() >= {"name", "schema"} and isinstance(schema["schema"], dict | bool):
        return cast("dict[str, Any] | bool", schema["schema"])
    return schema


def _parsed(text: str) -> Any:
    try:
        return parse_json(text, "the schema")
    except json.JSONDecodeError as problem:
        hint = "give a schema as a dict, as JSON text, or as a type"
        if text.isidentifier():
            hint = f"for a type give the type itself, {text} without quotes"
        raise SchemaError(
            f"the schema {shown(text)} is text, but not JSON: {problem}", hint=hint
        ) from problem


def _target_of_type(schema: object) -> Target:
    if schema is None:
        raise SchemaError("there is no schema", hint="{} allows every answer, type(None) only null")
    if isinstance(schema, FunctionType | BuiltinFunctionType | MethodType):
        raise SchemaError(
            f"{shown(schema)} is no type: an answer would call it",
            hint="give functions as tools: generate_tool_calls(model, prompt, [function])",
        )
    from constrain.type_schema import describe_type

    adapter, described = describe_type(schema)
    return Target(described, reader(adapter))

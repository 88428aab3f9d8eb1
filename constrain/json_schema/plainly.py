"""Schemas that have a value for a reason that can be read off their keywords.

    {"type": "object", "properties": {...}}                {} is one
    {"type": ["array", "null"], "items": ...}              [] is one
    {"type": "string", "maxLength": 20}                    lengths from 0 to 20

Whether a goal has a value is asked of every property that a mask offers, and the general answer unfolds all
of the schema (liveness.py).  Most schemas do not need it: one type whose keywords plainly leave a value is
enough.  `plainly_lives` says True only where that is certain; False means no more than "ask the algebra".

A keyword that is not in the lists below makes the answer False, whatever the draft makes of it, unless it is
an annotation.  So nothing has to be known here about drafts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from constrain.json_schema.keywords import KEYWORDS
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.references import Node

Schema = Mapping[str, Any]

SILENT = frozenset(row.name for row in KEYWORDS if row.status in {"annotation", "container"}) | {
    "$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary",
}  # fmt: skip
"""Keywords that say nothing about which documents are valid."""
EMPTY_OBJECT = frozenset({"properties", "patternProperties", "additionalProperties", "propertyNames",
    "dependencies", "dependentRequired", "dependentSchemas", "unevaluatedProperties"})  # fmt: skip
"""Keywords that `{}` satisfies."""
EMPTY_ARRAY = frozenset({"items", "prefixItems", "additionalItems", "unevaluatedItems", "uniqueItems",
    "maxItems"})  # fmt: skip
"""Keywords that `[]` satisfies."""
KNOWN = frozenset(row.name for row in KEYWORDS)
OF_OBJECTS = EMPTY_OBJECT | {"required", "minProperties", "maxProperties"}
OF_ARRAYS = EMPTY_ARRAY | {"minItems", "contains", "minContains", "maxContains"}
OF_STRINGS = frozenset({"minLength", "maxLength", "pattern", "format"})
BELOW = frozenset({"minimum", "exclusiveMinimum"})
ABOVE = frozenset({"maximum", "exclusiveMaximum"})
OF_NUMBERS = BELOW | ABOVE | {"multipleOf"}
OF_ONE_TYPE = OF_OBJECTS | OF_ARRAYS | OF_STRINGS | OF_NUMBERS


def plainly_lives(node: Node, options: JsonOptions, has_value: Callable[[Node], bool]) -> bool:
    """Is it plain that some value satisfies a schema that the scan has admitted?

    `has_value` is asked about the required properties of an object.
    """
    schema = node.contents
    if isinstance(schema, bool) or not node.dialect.asserts:
        return schema is True
    said = {name for name in schema if name in KNOWN and name not in SILENT}
    names = schema.get("type", "object")
    said.discard("type")
    if "enum" in said:
        return said == {"enum"} and _names_a_value(schema["enum"], names)
    if not said <= OF_ONE_TYPE:
        return False
    for name in [names] if isinstance(names, str) else names:
        if name in {"null", "boolean"}:
            return True
        if name == "array" and said & OF_ARRAYS <= EMPTY_ARRAY:
            return True
        if name == "object" and _object_lives(node, said & OF_OBJECTS, has_value):
            return True
        if options.verbatim is None:  # of a document that has neither, there is no string and no number
            if name == "string" and _string_lives(schema, said & OF_STRINGS):
                return True
            if name in {"number", "integer"} and _number_lives(said & OF_NUMBERS):
                return True
    return False


def _names_a_value(values: list[object], names: str | list[str]) -> bool:
    """Is a string among them, where strings are allowed?"""
    return ("string" in names if isinstance(names, list) else names == "string") and any(
        isinstance(value, str) for value in values
    )


def _string_lives(schema: Schema, said: set[str]) -> bool:
    if said <= {"minLength", "maxLength"}:
        return len(said) < 2 or bool(schema["minLength"] <= schema["maxLength"])
    return said == {"format"}  # no format is empty


def _number_lives(said: set[str]) -> bool:
    return said <= BELOW or said <= ABOVE or said == {"multipleOf"}


def _object_lives(node: Node, said: set[str], has_value: Callable[[Node], bool]) -> bool:
    if said <= EMPTY_OBJECT:
        return True
    properties = node.contents.get("properties", {})
    return said <= {"required", "properties", "additionalProperties"} and all(
        name in properties and has_value(node.child("properties", name)) for name in node.contents["required"]
    )

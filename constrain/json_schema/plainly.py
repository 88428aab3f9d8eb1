"""Schemas that have a value for a reason that can be read off their keywords.

    {"type": "object", "properties": {...}}                {} is one
    {"type": ["array", "null"], "items": ...}              [] is one
    {"type": "string", "maxLength": 20}                    lengths from 0 to 20
    {"anyOf": [...]}                                       if a branch has one

Whether a goal has a value is asked of every property that a mask offers, and the general answer unfolds all
of the schema (liveness.py).  Most schemas do not need it: one type whose keywords plainly leave a value is
enough.  `plainly_lives` says True only where that is certain; False means no more than "ask the algebra".

A keyword that is not in the lists below makes the answer False, whatever the draft makes of it, unless it is
an annotation.  So nothing has to be known here about drafts, but that `$ref` may hide what is beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from typing import Any

from constrain.json_schema.formats import name_in
from constrain.json_schema.keywords import (
    EMPTY_ARRAY,
    EMPTY_OBJECT,
    OF_ARRAYS,
    OF_NUMBERS,
    OF_OBJECTS,
    OF_STRINGS,
    SPEAKING,
)
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.plain_scalars import format_lives
from constrain.json_schema.references import Node
from constrain.regular.plain_pattern import is_plain, plainly_matches

Schema = Mapping[str, Any]

BELOW = frozenset({"minimum", "exclusiveMinimum"})
ABOVE = frozenset({"maximum", "exclusiveMaximum"})
OF_ONE_TYPE = OF_OBJECTS | OF_ARRAYS | OF_STRINGS | OF_NUMBERS | {"type"}
PLAIN_OBJECT = frozenset({"properties", "required", "additionalProperties"})
PLAIN_ARRAY = frozenset({"items", "minItems", "maxItems"})
FAR, NEAR = 1e300, 1e-300

HasValue = Callable[[Node], bool]


def plainly_lives(node: Node, options: JsonOptions, has_value: HasValue) -> bool:
    """Is it plain that some value satisfies a schema that the scan has admitted?

    `has_value` is asked about the schemas inside that decide it.
    """
    schema = node.contents
    if isinstance(schema, bool):
        return schema
    if not node.dialect.asserts:
        return False
    said = SPEAKING.intersection(schema)
    if said <= OF_ONE_TYPE:
        names = schema.get("type", "object")
        if isinstance(names, str):
            return _type_lives(names, node, said, options, has_value)
        return any(_type_lives(name, node, said, options, has_value) for name in names)
    if "$ref" in said and (len(said) == 1 or not node.dialect.siblings_count):
        return has_value(node.refer("$ref", schema["$ref"]))
    if said == {"anyOf"}:
        return any(has_value(node.child("anyOf", number)) for number in range(len(schema["anyOf"])))
    if said == {"allOf"} and len(schema["allOf"]) == 1:
        return has_value(node.child("allOf", 0))
    if said == {"oneOf"}:
        return _one_lives(node, has_value)
    if said <= {"enum", "type"}:
        return lives_at_sight(schema, options)
    return said <= {"const", "type"} and _names_a_value([schema["const"]], schema.get("type"))


def lives_at_sight(schema: Any, options: JsonOptions) -> bool:
    """Is it plain without looking further, or at the dialect?"""
    if isinstance(schema, bool):
        return schema
    said = SPEAKING.intersection(schema)
    if not said <= {"type", "enum"}:
        return False
    if "enum" in said:
        return _names_a_value(schema["enum"], schema.get("type"))
    return options.verbatim is None


def _type_lives(name: str, node: Node, said: Set[str], options: JsonOptions, has_value: HasValue) -> bool:
    if name == "object":
        return _object_lives(node, said & OF_OBJECTS, options, has_value)
    if name == "array":
        return _array_lives(node, said & OF_ARRAYS, has_value)
    if name in {"null", "boolean"}:
        return True
    if options.verbatim is not None:  # of a document that has neither, there is no string and no number
        return False
    if name == "string":
        return _string_lives(node, said & OF_STRINGS)
    return name in {"number", "integer"} and _number_lives(node.contents, said & OF_NUMBERS, name)


def _object_lives(node: Node, said: Set[str], options: JsonOptions, has_value: HasValue) -> bool:
    if said <= EMPTY_OBJECT:
        return True
    if not said <= PLAIN_OBJECT:
        return False
    schema = node.contents
    properties = schema.get("properties", {})
    others = options.additional_properties is None and "additionalProperties" not in schema
    for name in schema["required"]:
        if name in properties:
            if not lives_at_sight(properties[name], options) and not has_value(
                node.child("properties", name)
            ):
                return False
        elif not others:
            return False
    return True


def _array_lives(node: Node, said: Set[str], has_value: HasValue) -> bool:
    if said <= EMPTY_ARRAY:
        return True
    schema = node.contents
    if not said <= PLAIN_ARRAY or schema["minItems"] > schema.get("maxItems", math.inf):
        return False
    items = schema.get("items", True)
    return not isinstance(items, list) and ("items" not in schema or has_value(node.child("items")))


def _string_lives(node: Node, said: Set[str]) -> bool:
    schema = node.contents
    if said <= {"minLength", "maxLength"}:
        return len(said) < 2 or bool(schema["minLength"] <= schema["maxLength"])
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    if "format" in said:
        name = name_in(node.dialect.draft, schema["format"])
        return "pattern" not in said and format_lives(name, shortest, longest)
    return is_plain(schema["pattern"]) and plainly_matches(schema["pattern"], shortest, longest)


def _number_lives(schema: Schema, said: Set[str], name: str) -> bool:
    if said <= BELOW or said <= ABOVE or said == {"multipleOf"}:
        return True
    if said != {"minimum", "maximum"}:
        return False
    low, high = schema["minimum"], schema["maximum"]
    if not -FAR < low <= high < FAR or 0 < abs(low) < NEAR or 0 < abs(high) < NEAR:
        return False
    return name == "number" or math.ceil(low) <= math.floor(high)


def _one_lives(node: Node, has_value: HasValue) -> bool:
    """Has a branch a value, where no two branches have a type in common?"""
    branches = [node.child("oneOf", number) for number in range(len(node.contents["oneOf"]))]
    types: set[str] = set()
    for branch in branches:
        schema = branch.contents
        name = schema.get("type") if isinstance(schema, dict) and "$ref" not in schema else None
        if not isinstance(name, str) or name == "any" or not branch.dialect.asserts:
            return False
        types.add("number" if name == "integer" else name)
    return len(types) == len(branches) and any(map(has_value, branches))


_TYPE_NAMES: dict[type, frozenset[str]] = {
    str: frozenset({"string"}),
    bool: frozenset({"boolean"}),
    type(None): frozenset({"null"}),
    int: frozenset({"integer", "number"}),
}


def _names_a_value(values: list[object], names: str | list[str] | None) -> bool:
    """Is one of these values of a type that is allowed?"""
    allowed = [names] if isinstance(names, str) else names
    return any(
        allowed is None or not _TYPE_NAMES[type(value)].isdisjoint(allowed)
        for value in values
        if type(value) in _TYPE_NAMES and (not isinstance(value, str) or value.isascii())
    )

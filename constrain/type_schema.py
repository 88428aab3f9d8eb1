"""Which JSON Schema has a type, when it is asked for in order to write a value of it?

    class Person(BaseModel):        {"type": "object",
        name: str                    "properties": {"name": {"type": "string"}},
                                     "required": ["name"], "additionalProperties": False}

Pydantic's own answer describes what a type *accepts*.  Three things are different for what is to be
*written*:

1. Objects are closed.  A model accepts keys that it has no field for and throws them away
   (`extra="ignore"`, the default); who writes one wastes tokens on it, and a language model that has just
   read the schema goes on with the schema's own words.  Each model, dataclass and TypedDict is closed by
   itself, so that one with `extra="allow"` stays open inside one that is closed, and the other way round.
2. Titles that only repeat a name, `Name` for the field `name`, are left out.  They tell a reader nothing that
   the key does not, and small models copy them as values.  A title that somebody wrote stays.
3. A default that JSON cannot write, infinity above all, is left out: a prompt shows the schema as JSON.

A schema that its author has a hand in keeps what it says: an object whose `json_schema_extra` speaks of keys
in its own way (`patternProperties`, `allOf`, a `required` key that is no field, ...) is not closed, for
closing it could leave nothing; and what `__get_pydantic_json_schema__` returns is not looked at again.

Source: `pydantic.json_schema.GenerateJsonSchema`, whose methods know the core schema and so the
configuration of each class; a finished dictionary does not show whether extras are ignored or unmentioned.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import core_schema

_SPEAKS_OF_KEYS = frozenset({
    "additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames", "minProperties",
    "dependentRequired", "dependentSchemas", "dependencies", "allOf", "anyOf", "oneOf", "not", "if", "$ref",
})  # fmt: skip
"""Keywords that Pydantic does not write for a class that ignores extras; its configuration or author did."""


def type_schema(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """The JSON Schema of the values to write for a type.

    Raises what Pydantic raises of a type that has no JSON Schema.

    >>> from pydantic import TypeAdapter
    >>> from typing_extensions import TypedDict
    >>> type_schema(TypeAdapter(TypedDict("Point", {"x": int})))["additionalProperties"]
    False
    """
    return adapter.json_schema(schema_generator=_WrittenSchema)


class _WrittenSchema(GenerateJsonSchema):
    """Pydantic's generator, with objects closed and without titles that repeat a name."""

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        made = super().model_schema(schema)
        is_root = getattr(schema["cls"], "__pydantic_root_model__", False)  # it has no fields of its own
        return _untitled(made if is_root else _closed(made), schema["cls"])

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> dict[str, Any]:
        return _untitled(_closed(super().dataclass_schema(schema)), schema["cls"])

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> dict[str, Any]:
        return _untitled(_closed(super().typed_dict_schema(schema)), schema.get("cls"))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        """The schema of a field with a default, which is left out where it is not JSON, such as infinity."""
        made = super().default_schema(schema)
        return made if _is_json(made.get("default")) else {k: v for k, v in made.items() if k != "default"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Whether a field gets a title made of its name."""
        return False


def _closed(made: dict[str, Any]) -> dict[str, Any]:
    """The schema of a class, closed where Pydantic says nothing of other keys: there it ignores them."""
    undeclared = set(made.get("required", ())) - set(made.get("properties", ()))
    if "properties" not in made or undeclared or _SPEAKS_OF_KEYS & made.keys():
        return made
    return {**made, "additionalProperties": False}


def _is_json(value: Any) -> bool:
    """Can it be written as JSON?"""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _untitled(made: dict[str, Any], cls: type | None) -> dict[str, Any]:
    """The schema of a class without the title that is only the name of the class."""
    if cls is not None and made.get("title") == cls.__name__:
        made = {keyword: value for keyword, value in made.items() if keyword != "title"}
    return made

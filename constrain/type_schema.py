"""Which JSON Schema has a type, when it is asked for in order to write a value of it?

    class Person(BaseModel):        {"type": "object",
        name: str                    "properties": {"name": {"type": "string"},
        born: date = Field(                         "born": {"type": "string", "format":
            ge=date(1900, 1, 1))                             "Python date, from 1900-01-01"}},
                                     "required": ["name", "born"], "additionalProperties": False}

Pydantic's own answer describes what a type *accepts*, as far as JSON Schema has words for it.  Five things
are different for what is to be *written*:

1. All that a type checks is said, so that what is written is accepted: the bounds of dates, the digits of a
   `Decimal`, the host of a URL, the keys of a dictionary.  Where JSON Schema has no word there is a format
   (`json_schema/formats_python.py`), whose texts are texts of that type.  A `pattern` that means something
   else in the type's dialect of regular expressions than in JSON Schema's is such a format, too.
2. Objects are closed.  A model accepts keys that it has no field for and throws them away
   (`extra="ignore"`, the default); who writes one wastes tokens on it, and a language model that has just
   read the schema goes on with the schema's own words.  Each model, dataclass and TypedDict is closed by
   itself, so that one with `extra="allow"` stays open inside one that is closed, and the other way round.
3. Titles that only repeat a name, `Name` for the field `name`, are left out.  They tell a reader nothing that
   the key does not, and small models copy them as values.  A title that somebody wrote stays.
4. A field that is read from a path (`AliasPath`) stands where the path leads.
5. A default that JSON cannot write, infinity above all, is left out: a prompt shows the schema as JSON.

What functions check (`AfterValidator`, files that must exist, ...) no schema says; docs/types.md has the
list. The clock, for `PastDate` and its like, is read once, when the schema is made.

A schema that its author has a hand in keeps what it says: an object whose `json_schema_extra` speaks of keys
in its own way (`patternProperties`, `allOf`, a `required` key that is no field, ...) is not closed, for
closing it could leave nothing; and what `__get_pydantic_json_schema__` returns is not looked at again.

Source: `pydantic.json_schema.GenerateJsonSchema`, whose methods know the core schema and so the
configuration of each class; a finished dictionary does not show whether extras are ignored or unmentioned.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Mapping
from enum import Enum, Flag
from functools import reduce
from itertools import combinations
from operator import or_
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError, SchemaValidator, ValidationError, to_jsonable_python

from constrain import type_values
from constrain.errors import SchemaError
from constrain.json_schema.formats_python import JSON_TEXT
from constrain.type_values import Core, Schema

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_SPEAKS_OF_KEYS = frozenset({
    "additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames", "minProperties",
    "dependentRequired", "dependentSchemas", "dependencies", "allOf", "anyOf", "oneOf", "not", "if", "$ref",
})  # fmt: skip
"""Keywords that Pydantic does not write for a class that ignores extras; its configuration or author did."""


def type_schema(adapter: TypeAdapter[Any]) -> Schema:
    """The JSON Schema of the values to write for a type.

    Raises what Pydantic raises of a type that has no JSON Schema, and UnsupportedRegexError for a pattern
    that no automaton can follow.

    >>> from pydantic import TypeAdapter
    >>> from typing_extensions import TypedDict
    >>> type_schema(TypeAdapter(TypedDict("Point", {"x": int})))["additionalProperties"]
    False
    """
    return adapter.json_schema(schema_generator=_WrittenSchema)


def describe_type(kind: object) -> tuple[TypeAdapter[Any], Schema]:
    """What Pydantic reads a type with, and the JSON Schema of the values to write for it.

    Raises SchemaError for what is no type or has no JSON Schema, and UnsupportedRegexError as `type_schema`.
    """
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
    from pydantic_core import SchemaError as CoreSchemaError

    try:
        adapter: TypeAdapter[Any] = kind if isinstance(kind, TypeAdapter) else TypeAdapter(cast(Any, kind))
        return adapter, type_schema(adapter)
    except (PydanticUserError, PydanticSchemaGenerationError, CoreSchemaError) as problem:
        said = [line.strip() for line in str(problem).splitlines() if not line.endswith("validator:")]
        raise SchemaError(
            f"{kind!r} has no JSON Schema: {said[0]}",
            hint=_meant(kind)
            or "give a Pydantic model, a dataclass, a type, or a JSON Schema as a dict or as text",
        ) from problem


def _meant(kind: object) -> str:
    """What else was probably meant by something that is no type; nothing where nobody knows."""
    if isinstance(kind, BaseModel) or (dataclasses.is_dataclass(kind) and not isinstance(kind, type)):
        return f"this is an instance; give its class, {type(kind).__name__}"
    if isinstance(kind, list) and len(kind) == 1:
        return f"for a list of these give list[{getattr(kind[0], '__name__', kind[0])}]"
    if isinstance(kind, PurePath):
        return "read the file first: path.read_text()"
    return "decode it first: schema.decode()" if isinstance(kind, bytes) else ""


class _WrittenSchema(GenerateJsonSchema):
    """Pydantic's generator, which says all that a core schema checks: a method for each kind of it."""

    _now: dt.datetime | None = None
    _holds_json = False

    def generate(self, schema: Any, mode: Any = "validation") -> Schema:
        made = super().generate(schema, mode)
        return _with_contents(made, made.get("$defs", {})) if self._holds_json else made

    def generate_inner(self, schema: Any) -> Schema:
        made = super().generate_inner(type_values.with_bounds_inside(schema))
        if schema["type"] in type_values.OF_FUNCTIONS:
            return type_values.checked_by_function(schema, made)
        return made

    # Classes.

    def model_schema(self, schema: Any) -> Schema:
        made = super().model_schema(schema)
        is_root = getattr(schema["cls"], "__pydantic_root_model__", False)  # it has no fields of its own
        return _untitled(made if is_root else _closed(made), schema["cls"])

    def dataclass_schema(self, schema: Any) -> Schema:
        return _untitled(_closed(super().dataclass_schema(schema)), schema["cls"])

    def typed_dict_schema(self, schema: Any) -> Schema:
        made = _placed(super().typed_dict_schema(schema), schema["fields"])
        return _untitled(_closed(made), schema.get("cls"))

    def model_fields_schema(self, schema: Any) -> Schema:
        made = _placed(super().model_fields_schema(schema), schema["fields"])
        if "extras_keys_schema" in schema:
            keys = self._as_key(self.generate_inner(schema["extras_keys_schema"]))
            made["propertyNames"] = {"anyOf": [{"enum": list(made.get("properties", ()))}, keys]}
        return made

    def dataclass_args_schema(self, schema: Any) -> Schema:
        return _placed(
            super().dataclass_args_schema(schema), {field["name"]: field for field in schema["fields"]}
        )

    def default_schema(self, schema: Any) -> Schema:
        """The schema of a field with a default, which is left out where it is not JSON, such as infinity."""
        made = super().default_schema(schema)
        return made if _is_json(made.get("default")) else {k: v for k, v in made.items() if k != "default"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Whether a field gets a title made of its name."""
        return False

    # Single values.

    @property
    def _settings(self) -> Core:
        return self._config.config_dict

    def _clock(self) -> dt.datetime:
        """The time at which this schema was asked for."""
        if self._now is None:
            self._now = dt.datetime.now().astimezone()
        return self._now

    def float_schema(self, schema: Any) -> Schema:
        return type_values.rounded_inwards(super().float_schema(schema))

    def decimal_schema(self, schema: Any) -> Schema:
        return type_values.decimal_schema(schema)

    def fraction_schema(self, schema: Any) -> Schema:
        return type_values.fraction_schema(schema)

    def complex_schema(self, schema: Any) -> Schema:
        return type_values.complex_schema()

    def str_schema(self, schema: Any) -> Schema:
        return type_values.text_schema(super().str_schema(schema), schema, self._settings)

    def bytes_schema(self, schema: Any) -> Schema:
        return type_values.bytes_schema(schema, self._settings)

    def date_schema(self, schema: Any) -> Schema:
        return type_values.date_schema(schema, self._clock())

    def time_schema(self, schema: Any) -> Schema:
        return type_values.time_schema(schema)

    def datetime_schema(self, schema: Any) -> Schema:
        return type_values.datetime_schema(schema, self._clock())

    def timedelta_schema(self, schema: Any) -> Schema:
        return type_values.timedelta_schema(schema)

    def uuid_schema(self, schema: Any) -> Schema:
        return type_values.uuid_schema(schema)

    def url_schema(self, schema: Any) -> Schema:
        return type_values.url_schema(schema)

    def multi_host_url_schema(self, schema: Any) -> Schema:
        return type_values.multi_host_url_schema(schema)

    def literal_schema(self, schema: Any) -> Schema:
        read: Any = {**schema, "expected": _readable(schema, schema["expected"])}
        return super().literal_schema(read)

    def enum_schema(self, schema: Any) -> Schema:
        read: Any = {**schema, "members": _readable(schema, _members(schema["cls"]))}
        return super().enum_schema(read)

    def json_schema(self, schema: Any) -> Schema:
        self._holds_json = True  # what it holds is known when all of it is
        return super().json_schema(schema)

    def is_subclass_schema(self, schema: Any) -> Schema:
        return self.handle_invalid_for_json_schema(schema, "a class, which no JSON text is")

    # Several schemas for one value.

    def tagged_union_schema(self, schema: Any) -> Schema:
        """One of some schemas, by a key that has to be written, whether or not it has a default.

        Where a function of the caller's chooses, a text of several of them is right whatever it says.
        """
        choices = {tag: choice for tag, choice in schema["choices"].items() if _is_json_tag(tag)}
        if not choices:
            self.handle_invalid_for_json_schema(schema, "a union told apart by values that are not JSON")
        told: Any = {**schema, "choices": choices}
        made = super().tagged_union_schema(told)
        if callable(schema["discriminator"]):
            return {"anyOf": made["oneOf"]}
        keys = _keys_of(schema["discriminator"])
        return {**made, "oneOf": [self._with_tag(one, keys) for one in made["oneOf"]]}

    def _with_tag(self, made: Schema, keys: list[str]) -> Schema:
        """A schema of a union that needs the first of some keys that it knows."""
        try:
            known = self.resolve_ref_schema(made).get("properties", {})
        except (KeyError, RuntimeError):  # it contains itself, and is not finished
            known = {}
        key = next((key for key in keys if key in known), keys[0])
        required = made.get("required", [])
        return made if key in required else {**made, "required": [*required, key]}

    def chain_schema(self, schema: Any) -> Schema:
        """The first of several steps, and those behind it that are constraints put on a function."""
        made = super().chain_schema(schema)
        behind = [
            self.generate_inner(step["schema"])
            for step in schema["steps"][1:]
            if type_values.is_constraint(step)
        ]
        return {"allOf": [made, *behind]} if behind else made

    # Dictionaries.

    def dict_schema(self, schema: Any) -> Schema:
        return self._keyed(schema)

    def frozendict_schema(self, schema: Any) -> Schema:
        return self._keyed(schema)

    def ordered_dict_schema(self, schema: Any) -> Schema:
        return self._keyed(schema)

    def counter_schema(self, schema: Any) -> Schema:
        return self._keyed(schema)

    def _keyed(self, schema: Core) -> Schema:
        """An object whose keys are texts of the type of the keys."""
        made: Schema = {"type": "object", "additionalProperties": True}
        if "values_schema" in schema:
            values = dict(self.generate_inner(schema["values_schema"]))
            values.pop("title", None)
            made["additionalProperties"] = values or True
        if "keys_schema" in schema:
            keys = self._as_key(self.generate_inner(schema["keys_schema"]), schema["keys_schema"])
            if keys not in ({}, {"type": "string"}):
                made["propertyNames"] = keys
        self.update_with_validations(made, schema, self.ValidationsMapping.object)
        return made

    def _as_key(self, made: Schema, core: Core | None = None) -> Schema | bool:
        """The keys that are read as a value of a schema; False where none is."""
        if "$ref" in made:
            try:
                made = self.resolve_ref_schema(made)
            except (KeyError, RuntimeError):
                return made
        if "enum" in made or "const" in made:
            named = made["enum"] if "enum" in made else [made["const"]]
            texts = [value for value in named if isinstance(value, str)]
            if core is not None and core.get("sub_type") == "int":
                texts += [str(value) for value in named if isinstance(value, int)]
            return {"enum": texts} if texts else False
        for keyword in ("anyOf", "oneOf"):
            if keyword in made:
                kinds = [self._as_key(part) for part in made[keyword]]
                some = [kind for kind in kinds if kind is not False]
                return {"anyOf": some} if some else False
        kind = made.get("type")
        if kind in {"integer", "number"}:
            return type_values.number_key(made)
        if kind == "boolean":
            return {"enum": ["true", "false"]}
        if kind in {"null", "array", "object"}:
            return False
        return {keyword: value for keyword, value in made.items() if keyword != "title"}


def _readable(core: Core, values: Iterable[Any]) -> list[Any]:
    """The values of an enumeration or a `Literal` that Pydantic reads from their own JSON.

    A date and a tuple are no JSON, so no text is equal to them.  Raises PydanticInvalidForJsonSchema where
    nothing is left.
    """
    validator = SchemaValidator(cast(Any, {name: part for name, part in core.items() if name != "ref"}))
    found = []
    for value in values:
        try:
            validator.validate_json(json.dumps(to_jsonable_python(value)))
        except (ValidationError, PydanticSerializationError):
            continue
        found.append(value)
    if not found:
        raise PydanticInvalidForJsonSchema("none of its values can be read from JSON")
    return found


def _members(cls: type[Enum]) -> list[Enum]:
    """The members of an enumeration, and of flags all that they make together, if that is not too many."""
    members = list(cls)
    if not issubclass(cls, Flag) or len(members) > _MOST_FLAGS:
        return members
    made = dict.fromkeys(
        reduce(or_, some, cls(0))
        for count in range(len(members) + 1)
        for some in combinations(members, count)
    )
    return list(made)


_MOST_FLAGS = 6
"""Of six flags there are 64 combinations; of more, only the flags themselves are written."""


def _is_json_tag(tag: object) -> bool:
    """Whether a text of JSON can be equal to what tells the schemas of a union apart."""
    return tag is None or isinstance(tag, str | int)


def _keys_of(discriminator: Any) -> list[str]:
    """The keys that a union is told apart by: an alias before the name that it replaces."""
    paths = [[discriminator]] if isinstance(discriminator, str) else discriminator
    return [path[0] for path in reversed(paths) if len(path) == 1]


def _with_contents(made: Any, definitions: Schema) -> Any:
    """A schema in which each text that holds JSON says so by a format, with all that its schema refers to."""
    if isinstance(made, list):
        return [_with_contents(part, definitions) for part in made]
    if not isinstance(made, dict):
        return made
    if made.get("contentMediaType") == "application/json" and "contentSchema" in made:
        contents = _with_contents(made["contentSchema"], definitions)
        if isinstance(contents, dict) and "$ref" in json.dumps(contents):
            contents = {
                **contents,
                "$defs": {name: _with_contents(part, {}) for name, part in definitions.items()},
            }
        rest = {key: value for key, value in made.items() if not key.startswith("content")}
        return {**rest, "format": f"{JSON_TEXT} {json.dumps(contents)}"}
    return {key: _with_contents(part, definitions) for key, part in made.items()}


# Fields that are read from a path.


def _placed(made: Schema, fields: Mapping[str, Core]) -> Schema:
    """An object of which some fields are read from paths: each at the end of its path."""
    paths = {name: path for name, field in fields.items() if (path := _path_of(field)) is not None}
    if not paths:
        return made
    required = made.pop("required", ())
    properties = made.pop("properties", {})
    for name, inner in properties.items():
        _place(made, paths.get(name, [name]), inner, required=name in required)
    return made


def _path_of(field: Core) -> list[str | int] | None:
    """The path that a field is read from; None where it has a key of its own."""
    alias = field.get("validation_alias")
    if not isinstance(alias, list):
        return None
    paths = alias if isinstance(alias[0], list) else [alias]
    return None if any(len(path) == 1 for path in paths) else paths[0]


def _place(made: Schema, path: list[str | int], inner: Schema, *, required: bool) -> None:
    """Put a schema where a path leads in another one: a name into an object, a number into an array."""
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        places: Any = made.setdefault("properties", {})
        if required and step not in made.setdefault("required", []):
            made["required"].append(step)
        places.setdefault(step, {})
    else:
        step = max(step, 0)  # -1, the last one, is the first of one
        places = made.setdefault("prefixItems", [])
        places.extend({} for _ in range(step + 1 - len(places)))
        if required:
            made["minItems"] = max(made.get("minItems", 0), step + 1)
    if not rest:
        places[step] = inner
        return
    if isinstance(rest[0], str):
        places[step] |= {"type": "object", "additionalProperties": False}
    else:
        places[step] |= {"type": "array", "items": False}
    _place(places[step], rest, inner, required=required)


def _closed(made: Schema) -> Schema:
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


def _untitled(made: Schema, cls: type | None) -> Schema:
    """The schema of a class without the title that is only the name of the class."""
    if cls is not None and made.get("title") == cls.__name__:
        made = {keyword: value for keyword, value in made.items() if keyword != "title"}
    return made

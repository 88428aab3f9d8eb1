"""How is a schema shown to a model?  Whole, as a skeleton of its answers, or as a type.

    schema        {"type": "object", "properties": {"name": {"type": "string"}, ...}, "required": ["name"]}
    skeleton      {"name": string, "tags"?: [string, ...]}
    typescript    type Answer = {name: string; tags?: string[]}

The mask knows the whole schema in any case.  What is shown is for the model alone, so a skeleton and a type
say what a reader needs, in few tokens: names, types, alternatives, what may be left out, descriptions and the
form of a string.  Bounds and conditions they leave out.  Which way is best for a small model was measured:
docs/decisions/0027-a-type-in-the-prompt.md.

Source: the JSON Schema keywords of draft 2020-12; the syntax of types is TypeScript's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, get_args
from urllib.parse import unquote

from constrain.engine.prompting import as_json, schema_request
from constrain.errors import InvalidInputError
from constrain.json_schema.formats_python import shown_name

Way = Literal["schema", "skeleton", "typescript"]
DEFAULT_WAY: Final[Way] = "typescript"
SKELETON_LINE = "Answer with JSON like this:"
TYPE_LINE = "Answer with JSON of this TypeScript type:"
MAX_DEPTH = 40
"""What is nested deeper is shown as `...`."""


def shown_schema(schema: Any, way: bool | Way, default: Way = DEFAULT_WAY) -> str | None:
    """The lines that ask for JSON under a schema; None with `way=False`.  True stands for `default`.

    Raises SchemaError where the schema is not JSON itself, InvalidInputError for another way.

    >>> print(shown_schema({"properties": {"a": {"enum": [1, "x"]}}, "required": ["a"]}, "typescript"))
    Answer with JSON of this TypeScript type:
    type Answer = {a: 1 | "x"}
    """
    check_way(way)
    if way is False:
        return None
    if way is True:
        way = default
    if way == "schema" or not isinstance(schema, Mapping):
        return schema_request(schema)
    as_json(schema)  # so what is no JSON is refused in every way
    writer = _Writer(schema, is_skeleton=way == "skeleton")
    whole = writer.of(schema, 0)
    if way == "skeleton":
        return f"{SKELETON_LINE}\n{whole}"
    named = [f"type {name} = {text}" for name, text in writer.named.items()]
    return "\n".join([TYPE_LINE, *named, f"type Answer = {whole}"])


def check_way(way: bool | Way) -> None:
    """Refuse what is no way to show a schema.  Raises InvalidInputError."""
    if not isinstance(way, bool) and way not in get_args(Way):
        raise InvalidInputError(
            f"schema_in_prompt={way!r} is no way to show a schema",
            hint=f"use one of {', '.join(map(repr, get_args(Way)))}, True or False",
        )


class _Writer:
    """Writes the places of one schema; in a type, what is referred to is `named`."""

    def __init__(self, root: Mapping[str, Any], *, is_skeleton: bool) -> None:
        self._root, self._is_skeleton = root, is_skeleton
        self._inside: list[str] = []
        self.named: dict[str, str] = {}

    def of(self, schema: Any, depth: int) -> str:
        """One schema."""
        if not isinstance(schema, Mapping):
            return "any" if schema is not False else "never"
        if depth > MAX_DEPTH:
            return "..."
        if isinstance(schema.get("$ref"), str):
            return self._referred(schema["$ref"], depth)
        if "const" in schema:
            return as_json(schema["const"])
        if isinstance(schema.get("enum"), list):
            return " | ".join(map(as_json, schema["enum"]))
        for keyword, sign in (("anyOf", " | "), ("oneOf", " | "), ("allOf", " & ")):
            if isinstance(schema.get(keyword), list):
                return sign.join(dict.fromkeys(self.of(each, depth + 1) for each in schema[keyword]))
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return " | ".join(self._of_type(schema, kind, depth) for kind in kinds)
        return self._of_type(schema, kinds or _implied(schema), depth)

    def _of_type(self, schema: Mapping[str, Any], kind: object, depth: int) -> str:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        form = schema.get("format") or schema.get("pattern")
        if kind == "string" and isinstance(form, str):
            said = shown_name(form)
            return f"string ({said})" if self._is_skeleton else f"string /* {said} */"
        return str(kind)

    def _object(self, schema: Mapping[str, Any], depth: int) -> str:
        required = schema.get("required", ())
        members = []
        for name, inner in (schema.get("properties") or {}).items():
            is_bare = not self._is_skeleton and re.fullmatch(r"[A-Za-z_]\w*", name)
            key = name if is_bare else as_json(name)
            mark = "" if name in required else "?"
            said = inner.get("description") if isinstance(inner, Mapping) else None
            note = f" /* {' '.join(said.split())} */" if isinstance(said, str) and said.strip() else ""
            members.append(f"{key}{mark}: {self.of(inner, depth + 1)}{note}")
        others = schema.get("additionalProperties")
        if isinstance(others, Mapping):
            members.append(f"[key: string]: {self.of(others, depth + 1)}")
        elif not members:
            return "object"
        return "{" + (", " if self._is_skeleton else "; ").join(members) + "}"

    def _array(self, schema: Mapping[str, Any], depth: int) -> str:
        first = [self.of(each, depth + 1) for each in schema.get("prefixItems", ())]
        if first:
            return f"[{', '.join(first)}]"
        item = self.of(schema.get("items", True), depth + 1)
        if self._is_skeleton:
            return f"[{item}, ...]"
        return f"({item})[]" if " " in item and not item.startswith("{") else f"{item}[]"

    def _referred(self, reference: str, depth: int) -> str:
        found: Any = self._root
        for step in unquote(reference[2:]).split("/") if reference.startswith("#/") else ():
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is None or (not reference.startswith("#/") and reference != "#"):
            return reference
        name = re.sub(r"\W", "", reference.rpartition("/")[2]) or "Answer"
        if self._is_skeleton:
            if reference in self._inside:
                return "..."
            self._inside.append(reference)
            text = self.of(found, depth + 1)
            self._inside.pop()
            return text
        if name != "Answer" and name not in self.named:
            self.named[name] = ""
            self.named[name] = self.of(found, depth + 1)
        return name


def _implied(schema: Mapping[str, Any]) -> str:
    """The type that a schema is most likely about, where it names none."""
    if "properties" in schema or "required" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "any"

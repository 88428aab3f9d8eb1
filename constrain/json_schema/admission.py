"""One scan over a schema that refuses what cannot be honoured, and notes what is not enforced.

The question: is there anything in this schema that we would get wrong, or drop?  Everything the schema holds
and everything it refers to is visited once, in the order of the documents, before the first continuation is
made:

    {"type": "strnig"}                   SchemaError at #/type
    {"pattern": "(a)\\\\1"}                UnsupportedRegexError at #/pattern
    {"dependencies": {"a": ["b"]}}       a note, in 2020-12: this draft does not know the keyword

What a keyword's value must look like is in the table (keywords.py, `form`); the checks of forms are here.
A form that is wrong in the draft at hand but was right in an older one is honoured, with a note, where the
document does not say which draft it follows.

Cost: linear in the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from constrain.errors import ConstrainError, SchemaError
from constrain.json_schema.keywords import KEYWORDS_OF, Form, Keyword, drafts_with
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.references import MAX_DEPTH, Node
from constrain.json_schema.scalars import Scalars
from constrain.json_schema.values import TYPE_BITS, fraction_of

Schema = Any


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader of the report should know: where, which keyword, what became of it, and why."""

    pointer: str
    keyword: str
    status: Literal["annotation", "ignored", "older form"]
    detail: str


def admit(root: Node, options: JsonOptions, scalars: Scalars) -> list[Note]:
    """Scan a schema and everything it refers to."""
    return _Admission(options, scalars).run(root)


class _Admission:
    def __init__(self, options: JsonOptions, scalars: Scalars) -> None:
        self.options = options
        self.scalars = scalars
        self.notes: list[Note] = []

    def run(self, root: Node) -> list[Note]:
        pending, visited = [(root, 0)], {root}
        while pending:
            node, depth = pending.pop()
            if depth > MAX_DEPTH:
                raise SchemaError(f"schemas are nested deeper than MAX_DEPTH={MAX_DEPTH}", where=node.pointer)
            inner = list(self._scan(node))
            for child, nested in reversed(inner):
                if child not in visited:
                    visited.add(child)
                    pending.append((child, depth + 1 if nested else 0))
        return self.notes

    def _scan(self, node: Node) -> Iterator[tuple[Node, bool]]:
        schema = node.contents
        if isinstance(schema, bool) and node.dialect.draft > 4:
            return
        if not isinstance(schema, dict):
            if isinstance(schema, bool):
                return
            raise SchemaError(
                f"a schema must be an object or a boolean, not {_named(schema)}", where=node.pointer
            )
        hidden = "$ref" in schema and not node.dialect.siblings_count
        known = KEYWORDS_OF[node.dialect.draft]
        for name, value in schema.items():
            if not isinstance(name, str):
                raise SchemaError(f"`{name!r}` is not a keyword: keys are strings", where=node.pointer)
            row = known.get(name)
            if row is None:
                self._note_unknown(node, name)
            elif hidden and name not in {"$ref", "definitions", "$defs"}:
                if row.status == "asserted":
                    self._note(node, name, "ignored", "up to draft 7, `$ref` hides the keywords beside it")
            else:
                self._check(node, row, value)
                yield from self._inside(node, row, value)

    def _note(
        self, node: Node, name: str, status: Literal["annotation", "ignored", "older form"], detail: str
    ) -> None:
        self.notes.append(Note(node.at(name), name, status, detail))

    def _note_unknown(self, node: Node, name: str) -> None:
        drafts = drafts_with(name)
        if drafts:
            detail = f"not a keyword of this draft; it is one of {', '.join(map(str, drafts))}"
            self._note(node, name, "ignored", detail)
        else:
            self._note(node, name, "annotation", "not a keyword of any draft")

    # Values.

    def _check(self, node: Node, row: Keyword, value: Schema) -> None:
        where = node.at(row.name)
        if row.form == "pattern" or row.name == "patternProperties":
            patterns = [value] if row.form == "pattern" else value
            if row.form == "pattern":
                _FORMS["string"](value, row.name, where)
            elif isinstance(value, dict):
                for pattern in patterns:
                    self._check_pattern(pattern, where)
                _FORMS["schema map"](value, row.name, where)
                return
            self._check_pattern(value, where)
            return
        if node.dialect.implied and self._is_older_form(node, row, value):
            return
        _FORMS.get(row.form, _anything)(value, row.name, where)
        if row.name == "format":
            self._check_format(node, value)
        elif row.name in {"enum", "const"}:
            self._note_points(value)

    def _is_older_form(self, node: Node, row: Keyword, value: Schema) -> bool:
        detail = {
            "items": isinstance(value, list) and "a list under `items` is read as `prefixItems`",
            "type": value == "any" and "`any` was a type in draft 3",
            "exclusiveMinimum": isinstance(value, bool) and "a boolean was draft 4's form",
            "exclusiveMaximum": isinstance(value, bool) and "a boolean was draft 4's form",
        }.get(row.name)
        if not detail:
            return False
        self._note(node, row.name, "older form", detail + "; the document names no draft")
        return True

    def _check_pattern(self, pattern: str, where: str) -> None:
        try:
            self.scalars.strings.pattern(pattern)
        except ConstrainError as error:
            if not error.where.startswith("#"):
                error.where = f"{where}\n{error.where}" if error.where else where
            raise

    def _check_format(self, node: Node, value: str) -> None:
        if self.options.formats == "annotate":
            self._note(node, "format", "annotation", f"`{value}` is not asserted: formats='annotate'")
        elif self.scalars.strings.format(value) is None:
            self._note(node, "format", "annotation", f"`{value}` is not a format that is asserted here")

    def _note_points(self, value: Schema) -> None:
        """Remember whole numbers that are written as `1.0`: they may be written so again."""
        pending = [value]
        while pending:
            here = pending.pop()
            if isinstance(here, (float, Decimal)) and here % 1 == 0:
                self.scalars.written_with_point.add(fraction_of(here))
            elif isinstance(here, dict):
                pending.extend(here.values())
            elif isinstance(here, list):
                pending.extend(here)

    # Subschemas.

    def _inside(self, node: Node, row: Keyword, value: Schema) -> Iterator[tuple[Node, bool]]:
        name, form = row.name, row.form
        if name in {"$ref", "$dynamicRef", "$recursiveRef"}:
            target = node.refer(name, value)
            if node.at(name) in node.documents.read_from_root:
                detail = f"`{value}` is not in the embedded resource; it is read from the document's root"
                self._note(node, name, "older form", detail)
            yield target, False
        elif form == "schemas" or (isinstance(value, list) and name == "items"):
            for index in range(len(value)):
                yield node.child(name, index), True
        elif form == "schema map":
            for key in value:
                yield node.child(name, key), True
        elif form == "schema or names map":
            for key, inner in value.items():
                if isinstance(inner, (dict, bool)):
                    yield node.child(name, key), True
        elif form in {"schema", "schema or schemas"}:
            yield node.child(name), True


Check = Callable[[Any, str, str], None]


def _named(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    kinds = {str: "a string", int: "a number", float: "a number", Decimal: "a number", list: "an array"}
    return "null" if value is None else kinds.get(type(value), "an object")


def _must(condition: bool, what: str, where: str) -> None:
    if not condition:
        raise SchemaError(what, where=where)


def _anything(value: Any, name: str, where: str) -> None:
    del value, name, where


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _number(value: Any, name: str, where: str) -> None:
    _must(_is_number(value), f"`{name}` must be a number, not {_named(value)}", where)


def _positive(value: Any, name: str, where: str) -> None:
    _number(value, name, where)
    _must(value > 0, f"`{name}` must be greater than 0, not {value}", where)


def _natural(value: Any, name: str, where: str) -> None:
    whole = _is_number(value) and value == int(value) and value >= 0
    _must(whole, f"`{name}` must be a whole number, not negative; it is `{value}`", where)


def _boolean(value: Any, name: str, where: str) -> None:
    _must(isinstance(value, bool), f"`{name}` must be true or false, not {_named(value)}", where)


def _string(value: Any, name: str, where: str) -> None:
    _must(isinstance(value, str), f"`{name}` must be a string, not {_named(value)}", where)


def _schema(value: Any, name: str, where: str) -> None:
    _must(isinstance(value, (dict, bool)), f"`{name}` must be a schema, not {_named(value)}", where)


def _schemas(value: Any, name: str, where: str) -> None:
    _must(
        isinstance(value, list) and len(value) > 0,
        f"`{name}` must be an array of at least one schema, not {_named(value)}",
        where,
    )


def _schema_or_schemas(value: Any, name: str, where: str) -> None:
    if not isinstance(value, list):
        _schema(value, name, where)


def _map(value: Any, name: str, where: str) -> None:
    _must(isinstance(value, dict), f"`{name}` must be an object, not {_named(value)}", where)


def _names(value: Any, name: str, where: str) -> None:
    _must(
        isinstance(value, list) and all(isinstance(item, str) for item in value),
        f"`{name}` must be an array of strings",
        where,
    )


def _names_map(value: Any, name: str, where: str) -> None:
    _map(value, name, where)
    for key, names in value.items():
        _names(names, name, f"{where}/{key}")


def _schema_or_names_map(value: Any, name: str, where: str) -> None:
    _map(value, name, where)
    for key, needs in value.items():
        if not isinstance(needs, (dict, bool, str)):
            _names(needs, name, f"{where}/{key}")


def _array(value: Any, name: str, where: str) -> None:
    _must(isinstance(value, list), f"`{name}` must be an array, not {_named(value)}", where)


def _type(value: Any, name: str, where: str) -> None:
    names = value if isinstance(value, list) else [value]
    for item in names:
        if not isinstance(item, str) or item not in TYPE_BITS:
            raise SchemaError(
                f"`{item}` is not a type" if isinstance(item, str) else f"`{name}` must name types",
                where=where,
                hint=_closest(item) if isinstance(item, str) else "",
            )
    _must(bool(names), f"`{name}` names no type", where)


def _closest(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, TYPE_BITS, n=1)
    return f"did you mean `{near[0]}`?" if near else "types are " + ", ".join(TYPE_BITS)


_FORMS: dict[Form, Check] = {
    "schema": _schema,
    "schemas": _schemas,
    "schema map": _map,
    "schema or schemas": _schema_or_schemas,
    "schema or names map": _schema_or_names_map,
    "natural": _natural,
    "number": _number,
    "positive": _positive,
    "boolean": _boolean,
    "string": _string,
    "names": _names,
    "names map": _names_map,
    "type": _type,
    "array": _array,
}

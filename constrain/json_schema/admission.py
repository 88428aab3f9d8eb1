"""One scan over a schema that notes what becomes of every keyword, and what cannot be honoured.

The question: is there anything in this schema that we would get wrong, or drop?  Everything the schema holds
and everything it refers to is visited once before the first continuation is made, the document itself in its
own order and then what references add to it:

    {"type": "strnig"}                   refused: SchemaError at #/type
    {"pattern": "(a)\\\\1"}                refused: UnsupportedRegexError at #/pattern
    {"dependencies": {"a": ["b"]}}       ignored, in 2020-12: this draft does not know the keyword

The scan goes on behind a refusal, so a report can list them all; compiling raises the first.

What a keyword's value must look like is in the table (keywords.py, `form`); the checks of forms are here.
A form that is wrong in the draft at hand but was right in an older one is honoured, with a note, where the
document does not say which draft it follows.

Cost: linear in the schema.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from constrain.arguments import check_text, shown
from constrain.errors import ConstrainError, LimitExceeded, SchemaError
from constrain.json_schema.data import check_data, check_keys, how_to_give, json_kind, pointer_to
from constrain.json_schema.formats import find
from constrain.json_schema.keywords import KEYWORDS_OF, VALIDATION, Form, Keyword, drafts_with
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.references import MAX_DEPTH, Node
from constrain.json_schema.scalars import Scalars
from constrain.json_schema.values import TYPE_BITS, fraction_of, shown_number
from constrain.regular.dialects import FOREIGN
from constrain.regular.pattern import foreign_constructs

Schema = Any

REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})


NoteStatus = Literal["exact", "annotation", "ignored", "older form", "refused"]


@dataclass(frozen=True, slots=True)
class Note:
    """What became of one keyword at one place, and why.

    `exact`       it is honoured, as the standard says;
    `annotation`  it says nothing about which documents are valid;
    `ignored`     it would in another draft or another place, and here does not count;
    `older form`  it is honoured, in the form of an older draft;
    `refused`     it is malformed or cannot be honoured.
    """

    pointer: str
    keyword: str
    status: NoteStatus
    detail: str


Found = tuple[Node, NoteStatus, str]
"""A note whose place is not spelled out yet: few are ever read."""


@dataclass(frozen=True, slots=True)
class Link:
    """One schema leads to another: through the keyword at `pointer`, written inside it or referred to."""

    pointer: str
    keyword: str
    to: Node


@dataclass(frozen=True, slots=True)
class Admission:
    """What the scan found: a note for each keyword, what is refused, and where each schema leads."""

    found: dict[tuple[int, str], Found]
    problems: tuple[ConstrainError, ...]
    links: dict[Node, list[Link]]

    @property
    def notes(self) -> tuple[Note, ...]:
        """A note for each keyword."""
        return tuple(
            Note(node.at(name), name, status, detail)
            for (_, name), (node, status, detail) in self.found.items()
        )


def admit(root: Node, options: JsonOptions, scalars: Scalars) -> Admission:
    """Scan a schema and everything it refers to."""
    return _Scan(options, scalars).run(root)


class _Scan:
    def __init__(self, options: JsonOptions, scalars: Scalars) -> None:
        self.options = options
        self.scalars = scalars
        self.found: dict[tuple[int, str], Found] = {}
        self.problems: dict[tuple[str, str], ConstrainError] = {}
        self.links: dict[Node, list[Link]] = {}
        self.references: deque[tuple[Node, str]] = deque()

    def run(self, root: Node) -> Admission:
        """Follow what is written inside first, so that a place is named by where it stands."""
        pending = [(root, 0)]
        while pending or self.references:
            if pending:
                node, depth = pending.pop()
                inner = self._visit(node, depth)
                pending += [(child, depth + 1) for child in reversed(inner)]
            else:
                pending += [(target, 0) for target in self._follow(*self.references.popleft())]
        return Admission(self.found, tuple(self.problems.values()), self.links)

    def _visit(self, node: Node, depth: int) -> list[Node]:
        """The schemas inside this one; none if it has been visited."""
        if node in self.links:
            return []
        links = self.links[node] = []
        if depth > MAX_DEPTH:
            what = f"schemas are nested deeper than MAX_DEPTH={MAX_DEPTH}"
            hint = "put inner schemas into `$defs`, and refer to them"
            self._refuse(LimitExceeded(what, where=node.pointer, hint=hint))
            return []
        try:
            links += self._scan(node)
        except ConstrainError as problem:
            self._refuse(problem)
        return [link.to for link in links]

    def _follow(self, node: Node, keyword: str) -> list[Node]:
        try:
            target = node.refer(keyword, node.contents[keyword])
        except ConstrainError as problem:
            self._refuse_keyword(node, keyword, problem)
            return []
        if node.at(keyword) in node.scope.documents.read_from_root:
            detail = f"`{node.contents[keyword]}` is not in the embedded resource; it is read from the root"
            self.found[id(node.contents), keyword] = node, "older form", detail
        self.links[node].append(Link(node.at(keyword), keyword, target))
        return [target]

    def _refuse(self, problem: ConstrainError) -> None:
        self.problems.setdefault((problem.what, problem.where), problem)

    def _refuse_keyword(self, node: Node, keyword: str, problem: ConstrainError) -> None:
        self._refuse(problem)
        self.found[id(node.contents), keyword] = node, "refused", problem.what

    def _scan(self, node: Node) -> Iterator[Link]:
        schema = node.contents
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict):
            raise SchemaError(
                f"a schema must be an object or a boolean, not {json_kind(schema)}",
                where=node.pointer,
                hint=how_to_give(schema),
            )
        hidden = "$ref" in schema and not node.dialect.siblings_count
        known = KEYWORDS_OF[node.dialect.draft]
        for name, value in schema.items():
            if not isinstance(name, str):
                what = f"`{shown(name)}` is not a keyword: keys are strings"
                self._refuse(SchemaError(what, where=node.pointer))
                continue
            row = known.get(name)
            if row is None:
                self._note_unknown(node, name)
            elif hidden and name not in {"$schema", "$ref", "definitions", "$defs"}:
                if row.status == "annotation":
                    self._note(node, name, "annotation", "")
                else:
                    self._note(node, name, "ignored", "up to draft 7, `$ref` hides the keywords beside it")
            else:
                yield from self._honour(node, row, value)

    def _honour(self, node: Node, row: Keyword, value: Schema) -> list[Link]:
        """The schemas inside a keyword of this draft, once its value is found to have the right form."""
        try:
            self._check(node, row, value)
            inside = list(self._inside(node, row, value))
        except ConstrainError as problem:
            self._refuse_keyword(node, row.name, problem)
            return []
        idle = _why_idle(node, row.name)
        status: NoteStatus = "annotation" if row.status == "annotation" else "ignored" if idle else "exact"
        self._note(node, row.name, status, idle)
        return inside

    def _note(self, node: Node, name: str, status: NoteStatus, detail: str) -> None:
        """Keep the first note about a keyword: a schema may be read in several dynamic scopes."""
        self.found.setdefault((id(node.contents), name), (node, status, detail))

    def _note_unknown(self, node: Node, name: str) -> None:
        drafts = drafts_with(name)
        if drafts:
            detail = f"not a keyword of this draft; it is one of {', '.join(map(str, drafts))}"
            self._note(node, name, "ignored", detail)
        else:
            self._note(node, name, "annotation", "not a keyword of any draft")

    # Values.

    def _check(self, node: Node, row: Keyword, value: Schema) -> None:
        if node.dialect.implied and self._is_older_form(node, row, value):
            return
        try:
            _FORMS.get(row.form, _anything)(value, row.name)
            if row.name == "patternProperties":
                for pattern in value:
                    self.scalars.strings.pattern(pattern)
            elif row.form == "pattern":
                self.scalars.strings.pattern(value)
            elif row.name in {"enum", "const"}:
                check_data(value, "")
                self.scalars.note_points([value])
        except SchemaError as problem:
            problem.where = node.at(row.name) + problem.where
            raise
        except ConstrainError as problem:  # of a pattern, with a caret
            problem.where = f"{node.at(row.name)}\n{problem.where}".rstrip("\n")
            raise
        if row.form == "pattern" or row.name == "patternProperties":
            self._check_dialect(node, row.name, [value] if isinstance(value, str) else value)
        elif row.name == "format":
            self._check_format(node, value)
        elif row.name in {"enum", "const"}:
            self.scalars.note_points([value], node.at(row.name))

    def _is_older_form(self, node: Node, row: Keyword, value: Schema) -> bool:
        detail = {
            "items": isinstance(value, list) and "a list under `items` is read as `prefixItems`",
            "type": isinstance(value, str) and value == "any" and "`any` was a type in draft 3",
            "exclusiveMinimum": isinstance(value, bool) and "a boolean was draft 4's form",
            "exclusiveMaximum": isinstance(value, bool) and "a boolean was draft 4's form",
        }.get(row.name)
        if not detail:
            return False
        self._note(node, row.name, "older form", detail + "; the document names no draft")
        return True

    def _check_dialect(self, node: Node, name: str, patterns: Iterable[str]) -> None:
        """Note what a pattern has from another dialect than ECMA-262."""
        foreign = dict.fromkeys(
            construct for pattern in patterns for construct in foreign_constructs(pattern)
        )
        if foreign:
            said = ", ".join(f"`{construct}` is {FOREIGN[construct]}" for construct in foreign)
            self._note(node, name, "exact", f"not ECMA-262, read as other dialects do: {said}")

    def _check_format(self, node: Node, value: str) -> None:
        if self.options.formats == "annotate":
            self._note(node, "format", "annotation", f"`{value}` is not asserted: formats='annotate'")
        elif find(value) is None:
            self._note(node, "format", "annotation", f"`{value}` is not a format that is asserted here")

    # Subschemas.

    def _inside(self, node: Node, row: Keyword, value: Schema) -> Iterator[Link]:
        name, form = row.name, row.form

        def link(*path: str | int) -> Link:
            return Link(node.at(*path), name, node.child(*path))

        if name in REFERENCES:
            self.references.append((node, name))
        elif form == "schemas" or (isinstance(value, list) and name == "items"):
            yield from (link(name, index) for index in range(len(value)))
        elif form == "schema map":
            yield from (link(name, key) for key in value)
        elif form == "schema or names map":
            yield from (link(name, key) for key, inner in value.items() if isinstance(inner, (dict, bool)))
        elif form in {"schema", "schema or schemas"}:
            yield link(name)


_NEEDS = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}


def _why_idle(node: Node, name: str) -> str:
    """Why a keyword of this draft says nothing at its place; empty where it counts."""
    beside = node.contents
    if name in _NEEDS and _NEEDS[name] not in beside:
        return f"it says nothing without `{_NEEDS[name]}` beside it"
    if name == "if" and not {"then", "else"} & set(beside):
        return "it says nothing without `then` or `else` beside it"
    if name == "additionalItems" and not isinstance(beside.get("items"), list):
        return "it says nothing without a list under `items` beside it"
    if name in VALIDATION and not node.dialect.asserts:
        return "the metaschema leaves the validation vocabulary out"
    return ""


Check = Callable[[Any, str], None]
"""Raises SchemaError for a value that a keyword of this name cannot have; `where` is the place within it."""


def _wrong(name: str, needed: str, value: object) -> SchemaError:
    return SchemaError(f"`{name}` must be {needed}, not {json_kind(value)}", hint=how_to_give(value))


def _anything(value: Any, name: str) -> None:
    del value, name


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _number(value: Any, name: str) -> None:
    if not _is_number(value):
        raise _wrong(name, "a number", value)
    fraction_of(value)  # refuses numbers that are not finite, and those of too many digits


def _positive(value: Any, name: str) -> None:
    _number(value, name)
    if value <= 0:
        raise SchemaError(f"`{name}` must be greater than 0, not {shown_number(value)}")


def _natural(value: Any, name: str) -> None:
    if not _is_number(value):
        raise _wrong(name, "a whole number", value)
    whole = fraction_of(value)
    if whole < 0 or whole.denominator != 1:
        raise SchemaError(f"`{name}` must be a whole number, not negative; it is `{shown_number(value)}`")


def _boolean(value: Any, name: str) -> None:
    if not isinstance(value, bool):
        raise _wrong(name, "true or false", value)


def _string(value: Any, name: str) -> None:
    if not isinstance(value, str):
        raise _wrong(name, "a string", value)
    check_text(value, error=SchemaError)


def _schema(value: Any, name: str) -> None:
    if not isinstance(value, (dict, bool)):
        raise _wrong(name, "a schema", value)


def _schemas(value: Any, name: str) -> None:
    if not isinstance(value, list) or not value:
        raise _wrong(name, "an array of at least one schema", value)


def _schema_or_schemas(value: Any, name: str) -> None:
    if not isinstance(value, list):
        _schema(value, name)


def _map(value: Any, name: str) -> None:
    if not isinstance(value, dict):
        raise _wrong(name, "an object", value)
    check_keys(value, "")


def _names(value: Any, name: str) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SchemaError(f"`{name}` must be an array of strings", hint=how_to_give(value))
    for index, item in enumerate(value):
        check_text(item, error=SchemaError, where=f"/{index}")


def _names_map(value: Any, name: str) -> None:
    _map(value, name)
    for key, names in value.items():
        _names_at(key, names, name)


def _schema_or_names_map(value: Any, name: str) -> None:
    _map(value, name)
    for key, needs in value.items():
        if not isinstance(needs, (dict, bool, str)):
            _names_at(key, needs, name)


def _names_at(key: str, names: Any, name: str) -> None:
    try:
        _names(names, name)
    except SchemaError as problem:
        problem.where = pointer_to("", [key]) + problem.where
        raise


def _array(value: Any, name: str) -> None:
    if not isinstance(value, list):
        raise _wrong(name, "an array", value)


def _type(value: Any, name: str) -> None:
    names = value if isinstance(value, list) else [value]
    for item in names:
        if not isinstance(item, str) or item not in TYPE_BITS:
            raise SchemaError(
                f"`{item}` is not a type" if isinstance(item, str) else f"`{name}` must name types",
                hint=_closest(item) if isinstance(item, str) else "",
            )
    if not names:
        raise SchemaError(f"`{name}` names no type")


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
    "pattern": _string,
    "names": _names,
    "names map": _names_map,
    "type": _type,
    "array": _array,
}

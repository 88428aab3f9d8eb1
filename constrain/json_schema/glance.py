"""A glance over a schema: is everything in it plainly in order?

The scan (admission.py) says what becomes of every keyword, what is wrong, and where.  Whoever compiles needs
only that nothing is, and nearly every schema is in order.  So it is glanced at first: one look-up for each
keyword finds a function that looks at the value, and nothing is written down.

    {"type": "string", "maxLength": 5}       plain
    {"type": "strnig"}                       not plain: the scan will say what is wrong
    {"type": "string", "maxLength": 5.0}     not plain: the scan will find nothing wrong

"Plain" is narrow on purpose: the forms met every day, in the types that `json.loads` makes.  What is plain,
the scan admits (the tests break thousands of schemas), and reads alike: references are pointers into the
document itself, and nothing in it moves the base that they start from.  They are looked up here, each once.

Cost: some 0.1 microseconds for a keyword, and a pattern what plain_pattern.py says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from constrain.arguments import are_texts
from constrain.budget import spend
from constrain.errors import ConstrainError
from constrain.json_schema.data import holds_itself, is_data
from constrain.json_schema.keywords import KEYWORDS_OF, Form
from constrain.json_schema.references import MAX_DEPTH, Dialect
from constrain.json_schema.strings import StringSpace
from constrain.json_schema.values import TYPE_BITS, is_small
from constrain.regular.plain_pattern import is_plain

Schema = Any
Look = Callable[[Any, "Found"], bool]
"""Looks at the value of a keyword, and keeps what is met in it; False where it is not plain."""


@dataclass(frozen=True, slots=True)
class Glance:
    """A schema in which all is plain: what its references mean, and what its `enum` and `const` name."""

    targets: dict[str, Schema]
    named: list[Schema]


class Found:
    """What is met on the way."""

    __slots__ = ("inside", "moves_base", "named", "references", "strings")

    def __init__(self, strings: StringSpace) -> None:
        self.strings = strings
        self.inside: list[Schema] = []
        self.named: list[Schema] = []
        self.references: dict[str, None] = {}
        self.moves_base = False


def glance(root: Schema, dialect: Dialect, strings: StringSpace) -> Glance | None:
    """Look over a schema and all it refers to; None where something is not plain."""
    found = Found(strings)
    targets: dict[str, Schema] = {}
    seen: set[int] = set()
    looks, inner, hides = *_LOOKS[dialect.draft, dialect.implied], dialect.draft < 2019
    level: list[Schema] = [root]
    pointed = shared = False
    for _ in range(MAX_DEPTH):
        found.inside = []
        spend(len(level) >> 3)
        for schema in level:
            if type(schema) is not dict:
                if type(schema) is bool:
                    continue
                return None
            if id(schema) in seen:
                shared |= not pointed
                continue
            seen.add(id(schema))
            here = _BESIDE_REF[schema is root] if hides and "$ref" in schema else looks
            for name, value in schema.items():
                look = here.get(name)
                if look is not None:
                    if not look(value, found) and not (name == "$schema" and _is_idle(schema)):
                        return None
                elif type(name) is not str:
                    return None
        looks, level, pointed = inner, found.inside, False
        if not level:
            pointed = True
            if found.references and found.moves_base:
                return None
            try:
                level = [
                    targets.setdefault(reference, _target(root, reference, dialect))
                    for reference in found.references
                    if reference not in targets
                ]
            except LookupError:
                return None
        if not level:
            return None if shared and holds_itself(root) else Glance(targets, found.named)
    return None


def _is_idle(schema: dict[str, Any]) -> bool:
    """Has the `$schema` of an inner schema no meaning?  It has none without an id beside it."""
    return type(schema["$schema"]) is str and "$id" not in schema and "id" not in schema


def _target(root: Schema, reference: str, dialect: Dialect) -> Schema:
    """What a pointer into the document points to; LookupError where that is not plain.

    Source: RFC 6901, sections 4 and 6.
    """
    at = root
    name = _identifies(dialect.draft)
    for part in unquote(reference[2:]).split("/") if reference != "#" else ():
        if type(at) is dict:
            if at is not root and type(at.get(name)) is str:
                raise LookupError("the base is another one from here on")
            at = at[part.replace("~1", "/").replace("~0", "~")]
        elif type(at) is list and part.isdecimal():
            at = at[int(part)]
        else:
            raise LookupError("no place that has parts")
    return at


# One function for each form of a value.


def _schema(value: Any, found: Found) -> bool:
    found.inside.append(value)
    return True


def _schemas(value: Any, found: Found) -> bool:
    if type(value) is not list or not value:
        return False
    found.inside += value
    return True


def _schema_or_schemas(value: Any, found: Found) -> bool:
    if type(value) is list:
        found.inside += value
    else:
        found.inside.append(value)
    return True


def _schema_map(value: Any, found: Found) -> bool:
    if type(value) is not dict or not are_texts(value):
        return False
    found.inside += value.values()
    return True


def _schema_or_names_map(value: Any, found: Found) -> bool:
    if type(value) is not dict or not are_texts(value):
        return False
    for needs in value.values():
        if type(needs) is not list:
            found.inside.append(needs)
        elif not _names(needs, found):
            return False
    return True


def _names(value: Any, found: Found) -> bool:
    return type(value) is list and are_texts(value)


def _names_map(value: Any, found: Found) -> bool:
    return type(value) is dict and are_texts(value) and all(_names(it, found) for it in value.values())


def _natural(value: Any, found: Found) -> bool:
    return type(value) is int and value >= 0 and is_small(value)


def _number(value: Any, found: Found) -> bool:
    kind = type(value)
    return (kind is int or kind is float or kind is Decimal) and is_small(value)


def _positive(value: Any, found: Found) -> bool:
    return _number(value, found) and value > 0


def _boolean(value: Any, found: Found) -> bool:
    return type(value) is bool


def _number_or_boolean(value: Any, found: Found) -> bool:
    return _number(value, found) or type(value) is bool


def _string(value: Any, found: Found) -> bool:
    return type(value) is str


def _type(value: Any, found: Found) -> bool:
    if type(value) is str:
        return value in TYPE_BITS
    return _names(value, found) and bool(value) and TYPE_BITS.keys() >= set(value)


def _type_or_any(value: Any, found: Found) -> bool:
    if type(value) is str:
        return value in TYPE_BITS or value == "any"
    return _type(value, found)


def _pattern(value: Any, found: Found) -> bool:
    if type(value) is not str:
        return False
    if not is_plain(value):
        try:
            found.strings.pattern(value)
        except ConstrainError:
            return False
    return True


def _pattern_map(value: Any, found: Found) -> bool:
    return _schema_map(value, found) and all(_pattern(pattern, found) for pattern in value)


def _array(value: Any, found: Found) -> bool:
    if type(value) is not list:
        return False
    if are_texts(value):
        return True
    found.named.append(value)
    return is_data(value)


def _anything(value: Any, found: Found) -> bool:
    return True


def _const(value: Any, found: Found) -> bool:
    if type(value) is not str:
        found.named.append(value)
    return is_data(value)


def _reference(value: Any, found: Found) -> bool:
    if type(value) is not str or (value[:2] != "#/" and value != "#"):
        return False
    found.references[value] = None
    return True


def _identifier(value: Any, found: Found) -> bool:
    found.moves_base = True
    return type(value) is str


def _identifier_or_anchor(value: Any, found: Found) -> bool:
    """Up to draft 7, `"$id": "#name"` names a place, and leaves the base as it is."""
    if type(value) is not str:
        return False
    if value[:1] != "#":
        found.moves_base = True
    return True


def _never(value: Any, found: Found) -> bool:
    return False


_FORMS: dict[Form, Look] = {
    "any": _anything,
    "schema": _schema,
    "schemas": _schemas,
    "schema map": _schema_map,
    "schema or schemas": _schema_or_schemas,
    "schema or names map": _schema_or_names_map,
    "natural": _natural,
    "number": _number,
    "positive": _positive,
    "boolean": _boolean,
    "string": _string,
    "pattern": _pattern,
    "names": _names,
    "names map": _names_map,
    "type": _type,
    "array": _array,
}
_NAMED: dict[str, Look] = {
    "const": _const,
    "patternProperties": _pattern_map,
    "$ref": _reference,
    "$dynamicRef": _never,
    "$recursiveRef": _never,
}
_OLDER_FORMS: dict[str, Look] = {
    "items": _schema_or_schemas,
    "type": _type_or_any,
    "exclusiveMinimum": _number_or_boolean,
    "exclusiveMaximum": _number_or_boolean,
}
"""What is honoured as well where a document does not say which draft it follows."""


def _table(draft: int, implied: bool, *, is_root: bool) -> dict[str, Look]:
    """How to look at the keywords of a draft; annotations are not looked at."""
    table = {name: _FORMS[row.form] for name, row in KEYWORDS_OF[draft].items() if row.status != "annotation"}
    table |= {name: look for name, look in _NAMED.items() if name in table}
    if implied:
        table |= _OLDER_FORMS
    if not is_root:
        name = _identifies(draft)
        table |= {"$schema": _never, name: _identifier_or_anchor if draft < 2019 else _identifier}
    return table


def _identifies(draft: int) -> str:
    return "id" if draft == 4 else "$id"


_LOOKS = {
    (draft, implied): (_table(draft, implied, is_root=True), _table(draft, implied, is_root=False))
    for draft, implied in [*((draft, False) for draft in KEYWORDS_OF), (2020, True)]
}
_BESIDE_REF: tuple[dict[str, Look], dict[str, Look]] = (
    {"$ref": _reference, "definitions": _schema_map, "$schema": _never},
    {"$ref": _reference, "definitions": _schema_map},
)
"""Up to draft 7, `$ref` hides all other keywords beside it; first inside a document, then for its root."""

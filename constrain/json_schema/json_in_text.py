"""Which JSON texts may stand in a string, for `Json[T]`?

    {"type": "array", "items": {"type": "integer"}}     [], [1], [1,2,-3]            as contents of a string

A string whose text is JSON holds brackets within brackets, and how deep they go no regular language knows.
So what is written is a part of it, and regular: compact texts (no blanks), properties in the schema's order,
and schemas that contain themselves unfolded `MAX_DEPTH` deep.  Strings inside hold no quotes, backslashes
and control characters, which would be escaped twice.  Each text is JSON that the schema allows.

    {"properties": {"a": A, "b": B}, "required": ["a"]}     {"a":A(,"b":B)?}

Understood are the keywords that Pydantic prints (`_Writer`); what a schema says beyond them stays with its
validator.
Cost: linear in the unfolded schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Protocol

from constrain.json_schema.formats_hosts import Alphabet
from constrain.json_schema.number_set import NumberSet
from constrain.json_schema.numbers import number_space
from constrain.regular.charset import inverse, normal
from constrain.regular.syntax import regex_term
from constrain.regular.terms import EMPTY, EPSILON, Term, choice, concat, intersect, repeat, star

MAX_DEPTH = 4
"""How often a schema that contains itself is unfolded, and how deep a value of any kind goes."""
_ESCAPED = normal([(0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F), (0xD800, 0xDFFF)])
_BOUNDS = {
    "minimum": NumberSet.at_least, "exclusiveMinimum": NumberSet.above, "maximum": NumberSet.at_most,
    "exclusiveMaximum": NumberSet.below, "multipleOf": NumberSet.multiple_of,
}  # fmt: skip


class Format(Protocol):
    """What is needed of a format."""

    @property
    def term(self) -> Callable[[Alphabet], Term]:
        """Its texts, spelled by an alphabet."""


Find = Callable[[str], Format | None]


def json_texts(schema: Any, alphabet: Alphabet, find: Find) -> Term:
    """Compact JSON texts of a schema's values, each character spelled by an alphabet; `find` knows
    formats."""
    return _Writer(schema, alphabet, find).of(schema, MAX_DEPTH)


class _Writer:
    """Writes the parts of one schema."""

    def __init__(self, root: Any, alphabet: Alphabet, find: Find) -> None:
        self._root, self._alphabet, self._find = root, alphabet, find
        self._character = alphabet(inverse(_ESCAPED))

    def of(self, schema: Any, depth: int) -> Term:
        """The texts of one schema; EMPTY where there are none."""
        if schema is False or depth < 0:
            return EMPTY
        if schema is True or not schema:
            return self._anything(min(depth, 2))
        if "$ref" in schema:
            return self.of(self._root["$defs"][schema["$ref"].rpartition("/")[2]], depth - 1)
        if "const" in schema or "enum" in schema:
            named = schema["enum"] if "enum" in schema else [schema["const"]]
            return choice(*(self._text(_compact(value)) for value in named))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return choice(*(self.of(part, depth) for part in schema[keyword]))
        kind = schema.get("type")
        if isinstance(kind, list):
            return choice(*(self.of({**schema, "type": one}, depth) for one in kind))
        if kind is None and "allOf" in schema and len(schema["allOf"]) == 1:
            return self.of(schema["allOf"][0], depth)
        writers = {
            "string": self._string, "integer": self._number, "number": self._number, "object": self._object,
            "array": self._array, "boolean": self._word, "null": self._word,
        }  # fmt: skip
        return writers[kind](schema, depth) if kind in writers else self._anything(min(depth, 2))

    def _word(self, schema: Mapping[str, Any], depth: int) -> Term:
        return self._pattern("true|false" if schema["type"] == "boolean" else "null")

    def _number(self, schema: Mapping[str, Any], depth: int) -> Term:
        numbers = NumberSet.all()
        for keyword, make in _BOUNDS.items():
            if keyword in schema:
                numbers = numbers & make(Fraction(str(schema[keyword])))
        is_whole = schema["type"] == "integer"
        return number_space("canonical").term(numbers, integer_spellings=is_whole)

    def _string(self, schema: Mapping[str, Any], depth: int) -> Term:
        contents = repeat(self._character, schema.get("minLength", 0), schema.get("maxLength"))
        for part in (schema, *schema.get("allOf", ())):
            if "pattern" in part:
                found = regex_term(part["pattern"], dialect="ecma", search=True, alphabet=self._alphabet)
                contents = intersect(contents, found)
            found_format = self._find(part["format"]) if "format" in part else None
            if found_format is not None:
                contents = intersect(contents, found_format.term(self._alphabet))
        return self._quoted(contents)

    def _quoted(self, contents: Term) -> Term:
        quote = self._text('"')
        return concat(quote, contents, quote)

    def _array(self, schema: Mapping[str, Any], depth: int) -> Term:
        first = [self.of(part, depth) for part in schema.get("prefixItems", ())]
        if EMPTY in first:
            return EMPTY
        least, most = max(schema.get("minItems", 0) - len(first), 0), schema.get("maxItems")
        item = self.of(schema.get("items", not first), depth - 1)
        if schema.get("uniqueItems"):  # which of many differ, no automaton knows
            most = min(1, most if most is not None else 1)
        room = None if most is None else most - len(first)
        if item is EMPTY:
            room = 0
        comma = self._text(",")
        if first:
            rest = repeat(concat(comma, item), least, room) if room != 0 else EPSILON
            inner = concat(_joined(first, comma), rest)
        elif room == 0:
            inner = EPSILON if least == 0 else EMPTY
        else:
            more = repeat(concat(comma, item), max(least - 1, 0), None if room is None else room - 1)
            inner = concat(item, more)
            inner = choice(EPSILON, inner) if least == 0 else inner
        return concat(self._text("["), inner, self._text("]"))

    def _object(self, schema: Mapping[str, Any], depth: int) -> Term:
        required = set(schema.get("required", ()))
        comma = self._text(",")
        members = [
            (concat(self._text(f"{_compact(key)}:"), self.of(inner, depth)), key in required)
            for key, inner in schema.get("properties", {}).items()
        ]
        if not members:
            return self._map(schema, depth)
        # From the last member back: what may follow where nothing is written yet, and behind a member.
        fresh: Term = EPSILON
        behind: Term = EPSILON
        for member, needed in reversed(members):
            if member is EMPTY and not needed:
                continue
            fresh_with, behind_with = concat(member, behind), concat(comma, member, behind)
            fresh, behind = (
                fresh_with if needed else choice(fresh_with, fresh),
                behind_with if needed else choice(behind_with, behind),
            )
        return concat(self._text("{"), fresh, self._text("}"))

    def _map(self, schema: Mapping[str, Any], depth: int) -> Term:
        others = schema.get("additionalProperties", True)
        key = self.of({"type": "string", **schema.get("propertyNames", {})}, depth)
        value = self.of(others, depth - 1)
        least, most = schema.get("minProperties", 0), schema.get("maxProperties")
        if others is False or most == 0 or value is EMPTY or least > 1:
            return self._text("{}") if least == 0 else EMPTY
        one = concat(key, self._text(":"), value)  # one: several keys could be the same
        inner = one if least else choice(EPSILON, one)
        return concat(self._text("{"), inner, self._text("}"))

    def _anything(self, depth: int) -> Term:
        """Values of any kind, so many levels deep."""
        scalar = choice(
            self._pattern("true|false|null"),
            number_space("canonical").universe,
            self._quoted(star(self._character)),
        )
        if depth <= 0:
            return scalar
        inner = self._anything(depth - 1)
        comma = self._text(",")
        listed = concat(
            self._text("["), choice(EPSILON, concat(inner, star(concat(comma, inner)))), self._text("]")
        )
        member = concat(self._quoted(star(self._character)), self._text(":"), inner)
        mapped = concat(
            self._text("{"), choice(EPSILON, concat(member, star(concat(comma, member)))), self._text("}")
        )
        return choice(scalar, listed, mapped)

    def _text(self, text: str) -> Term:
        return concat(*(self._alphabet(((ord(char), ord(char)),)) for char in text))

    def _pattern(self, pattern: str) -> Term:
        return regex_term(pattern, dialect="ecma", alphabet=self._alphabet)


def _joined(parts: list[Term], comma: Term) -> Term:
    whole = parts[0]
    for part in parts[1:]:
        whole = concat(whole, comma, part)
    return whole


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

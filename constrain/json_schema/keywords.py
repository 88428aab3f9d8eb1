"""Every keyword of every draft, once: where it exists, what its value must look like, what becomes of it.

The question: what does this engine do with keyword K in draft D?  The answer is one row of KEYWORDS, and
everybody reads the same row: the scan that refuses malformed schemas, the walk that finds subschemas, the
translation (translate.py implements the rows of status "asserted"), the report, and the documentation.

A keyword that is not in the table, or not in the draft at hand, is an annotation: the standard says so, and
the report lists it.  That is a known trap of real schemas (`dependencies` means nothing in 2020-12), so such
rows carry a detail that names the draft in which the keyword would have counted.

Source: JSON Schema core and validation specifications, drafts 4, 6, 7, 2019-09 and 2020-12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DRAFTS = (4, 6, 7, 2019, 2020)

Status = Literal["asserted", "reference", "annotation", "option", "container"]
Form = Literal[
    "any", "schema", "schemas", "schema map", "schema or schemas", "schema or names map",
    "natural", "number", "positive", "boolean", "number or boolean", "string", "pattern", "names",
    "names map", "type", "array", "boolean or schema",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keyword:
    """One row: the drafts that know it, the form of its value, and what becomes of it.

    `asserted`    it constrains the texts;
    `reference`   it names a schema, or leads to one;
    `container`   it only holds schemas for references;
    `option`      it constrains the texts if an option says so (`format`);
    `annotation`  it says nothing about which documents are valid.
    """

    name: str
    drafts: frozenset[int]
    form: Form
    status: Status


def _rows() -> list[Keyword]:
    def since(first: int, last: int = 2020) -> frozenset[int]:
        return frozenset(draft for draft in DRAFTS if first <= draft <= last)

    table: list[tuple[str, frozenset[int], Form, Status]] = [
        ("$schema", since(4), "string", "reference"),
        ("id", since(4, 4), "string", "reference"),
        ("$id", since(6), "string", "reference"),
        ("$anchor", since(2019), "string", "reference"),
        ("$dynamicAnchor", since(2020), "string", "reference"),
        ("$recursiveAnchor", since(2019, 2019), "boolean", "reference"),
        ("$vocabulary", since(2019), "any", "reference"),
        ("$ref", since(4), "string", "reference"),
        ("$dynamicRef", since(2020), "string", "reference"),
        ("$recursiveRef", since(2019, 2019), "string", "reference"),
        ("$defs", since(2019), "schema map", "container"),
        ("definitions", since(4), "schema map", "container"),
        ("type", since(4), "type", "asserted"),
        ("enum", since(4), "array", "asserted"),
        ("const", since(6), "any", "asserted"),
        ("multipleOf", since(4), "positive", "asserted"),
        ("minimum", since(4), "number", "asserted"),
        ("maximum", since(4), "number", "asserted"),
        ("exclusiveMinimum", since(4, 4), "boolean", "asserted"),
        ("exclusiveMaximum", since(4, 4), "boolean", "asserted"),
        ("exclusiveMinimum", since(6), "number", "asserted"),
        ("exclusiveMaximum", since(6), "number", "asserted"),
        ("minLength", since(4), "natural", "asserted"),
        ("maxLength", since(4), "natural", "asserted"),
        ("pattern", since(4), "pattern", "asserted"),
        ("format", since(4), "string", "option"),
        ("properties", since(4), "schema map", "asserted"),
        ("patternProperties", since(4), "schema map", "asserted"),
        ("additionalProperties", since(4), "schema", "asserted"),
        ("propertyNames", since(6), "schema", "asserted"),
        ("required", since(4), "names", "asserted"),
        ("minProperties", since(4), "natural", "asserted"),
        ("maxProperties", since(4), "natural", "asserted"),
        ("dependencies", since(4, 7), "schema or names map", "asserted"),
        ("dependentRequired", since(2019), "names map", "asserted"),
        ("dependentSchemas", since(2019), "schema map", "asserted"),
        ("unevaluatedProperties", since(2019), "schema", "asserted"),
        ("prefixItems", since(2020), "schemas", "asserted"),
        ("items", since(4, 2019), "schema or schemas", "asserted"),
        ("items", since(2020), "schema", "asserted"),
        ("additionalItems", since(4, 2019), "schema", "asserted"),
        ("minItems", since(4), "natural", "asserted"),
        ("maxItems", since(4), "natural", "asserted"),
        ("uniqueItems", since(4), "boolean", "asserted"),
        ("contains", since(6), "schema", "asserted"),
        ("minContains", since(2019), "natural", "asserted"),
        ("maxContains", since(2019), "natural", "asserted"),
        ("unevaluatedItems", since(2019), "schema", "asserted"),
        ("allOf", since(4), "schemas", "asserted"),
        ("anyOf", since(4), "schemas", "asserted"),
        ("oneOf", since(4), "schemas", "asserted"),
        ("not", since(4), "schema", "asserted"),
        ("if", since(7), "schema", "asserted"),
        ("then", since(7), "schema", "asserted"),
        ("else", since(7), "schema", "asserted"),
        ("contentSchema", since(2019), "any", "annotation"),
        ("contentEncoding", since(7), "any", "annotation"),
        ("contentMediaType", since(7), "any", "annotation"),
        ("title", since(4), "any", "annotation"),
        ("description", since(4), "any", "annotation"),
        ("default", since(4), "any", "annotation"),
        ("examples", since(6), "any", "annotation"),
        ("deprecated", since(2019), "any", "annotation"),
        ("readOnly", since(7), "any", "annotation"),
        ("writeOnly", since(7), "any", "annotation"),
        ("$comment", since(7), "any", "annotation"),
    ]
    return [Keyword(*row) for row in table]


KEYWORDS: tuple[Keyword, ...] = tuple(_rows())

KEYWORDS_OF: dict[int, dict[str, Keyword]] = {
    draft: {row.name: row for row in KEYWORDS if draft in row.drafts} for draft in DRAFTS
}
"""The keywords of each draft, by name."""

VALIDATION = frozenset({
    "type", "enum", "const", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "minLength", "maxLength", "pattern", "required", "minProperties", "maxProperties", "dependentRequired",
    "minItems", "maxItems", "uniqueItems", "minContains", "maxContains",
})  # fmt: skip
"""The validation vocabulary of 2019-09 and later: a metaschema may leave it out, and then it says nothing."""

EMPTY_OBJECT = frozenset({
    "properties", "patternProperties", "additionalProperties", "propertyNames", "dependencies",
    "dependentRequired", "dependentSchemas", "unevaluatedProperties", "maxProperties",
})  # fmt: skip
"""Keywords that `{}` satisfies."""
EMPTY_ARRAY = frozenset({
    "items", "prefixItems", "additionalItems", "unevaluatedItems", "uniqueItems", "maxItems",
})  # fmt: skip
"""Keywords that `[]` satisfies."""
OF_OBJECTS = EMPTY_OBJECT | {"required", "minProperties"}
"""Keywords that say something about objects, and nothing about other values; likewise the next three."""
OF_ARRAYS = EMPTY_ARRAY | {"minItems", "contains", "minContains", "maxContains"}
OF_STRINGS = frozenset({"minLength", "maxLength", "pattern", "format"})
OF_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
SILENT = frozenset(row.name for row in KEYWORDS if row.status in {"annotation", "container"}) | {
    "$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary",
}  # fmt: skip
"""Keywords that say nothing about which documents are valid."""
SPEAKING = frozenset(row.name for row in KEYWORDS) - SILENT
"""All others; what a draft does not know is none of its own."""


def drafts_with(name: str) -> tuple[int, ...]:
    """The drafts that know a keyword.

    >>> drafts_with("dependencies")
    (4, 6, 7)
    """
    return tuple(draft for draft in DRAFTS if name in KEYWORDS_OF[draft])

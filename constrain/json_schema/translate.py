"""From a schema's keywords to a formula: the only place that knows what a keyword means.

    {"type": "object", "required": ["a"]}   of objects: some({a}, TRUE)    of strings: FALSE

What a schema says is asked of one type of values at a time, and keywords that speak of another one are
passed over: who asks which strings satisfy it does not wait for its properties.  Every keyword of status
"asserted" in keywords.py has a function here, named after it; most are one line.  Subschemas are not visited:
they become `ref` formulas, unfolded when a goal needs them.  What is here beyond the standard's own words:

1. `properties`, `patternProperties` and `additionalProperties` are one family: the third one speaks of the
   keys that the first two do not name.  Likewise `prefixItems`, `items` and `additionalItems`.
2. `enum` and `const` become value sets.
3. Up to draft 7, `$ref` hides its siblings.
4. A format that is unknown, or that the options leave to annotation, says TRUE.
5. The option `additional_properties=False` closes each object at its own place: keys that no schema of the
   place names are refused, as `unevaluatedProperties: false` would.  Schemas that apply to one value together
   are closed together, and not each by itself:

       {"allOf": [{"properties": {"a": A}}, {"properties": {"b": B}}]}      a and b, nothing else

   Branches of which only one is meant (`anyOf`, `oneOf`) and that stand alone are each closed by itself.
   So are two places that describe one value, such as a property that two members of an `allOf` name.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import Any

from constrain.json_schema.formats import name_in
from constrain.json_schema.formula import Formula, Formulas
from constrain.json_schema.keywords import KEYWORDS_OF, SPEAKING, VALIDATION
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.references import Joined, Node
from constrain.json_schema.values import (
    ALL_TYPES,
    ARRAY,
    NUMBER,
    OBJECT,
    STRING,
    TYPE_BITS,
    fraction_of,
    value_of,
    values_of,
)

Schema = Any


class Translator:
    """Formulas for the schemas of one grammar, each made once."""

    def __init__(self, formulas: Formulas, options: JsonOptions, knows_format: Callable[[str], bool]) -> None:
        self.formulas = formulas
        self.options = options
        self.knows_format = knows_format
        self._enums: dict[Node, Formula] = {}
        self._consts: dict[Node, Formula] = {}
        self._joined: dict[Node, Joined] = {}

    def reference(self, node: Node) -> Formula:
        """The formula that stands for a schema until it is needed; a mere reference is its target."""
        if isinstance(node.contents, dict) and "$ref" in node.contents:
            node = _target(node)
        if not node.contents:
            return self.formulas.false if node.contents is False else self.formulas.true
        return self.formulas.true if node.contents is True else self.formulas.reference(node)

    def joined(self, node: Node) -> Formula:
        """The formula of a schema that applies to a value beside others."""
        if self.options.additional_properties is None:
            return self.reference(node)
        node = _target(node)
        if node not in self._joined:
            self._joined[node] = Joined.of(node)
        return self.reference(self._joined[node])

    def branch(self, node: Node, inner: Node) -> Formula:
        """The formula of a schema that `node` applies to its own value: beside others, or alone."""
        if self.options.additional_properties is None:
            return self.reference(inner)
        alone = not isinstance(node, Joined) and not combines(node)
        return self.reference(inner) if alone else self.joined(inner)

    def translate(self, node: Node, kind: int) -> Formula:
        """What a schema says of values of a type."""
        schema = node.contents
        if isinstance(schema, bool):
            return self.formulas.true if schema else self.formulas.false
        dialect = node.dialect
        if "$ref" in schema and not dialect.siblings_count:
            return self._refer(node, "$ref")
        parts = []
        if not self.admits(node, kind):
            return self.formulas.false
        if kind == NUMBER and "type" in schema and dialect.asserts:
            parts.append(self._whole(node))
        known = KEYWORDS_OF[dialect.draft]
        for name, value in schema.items():
            speaks_of, rule = _RULES.get(name, _NO_RULE)
            if speaks_of & kind and name in known and (dialect.asserts or name not in VALIDATION):
                parts.append(rule(self, node, value))
        if kind == OBJECT and closes_together(node, self.options):
            parts.append(self._object(self.formulas.word("uneval", node, CLOSED)))
        return self.formulas.conj(parts)

    # References.

    def _refer(self, node: Node, keyword: str) -> Formula:
        return self.branch(node, node.refer(keyword, node.contents[keyword]))

    def _ref(self, node: Node, value: Schema) -> Formula:
        return self._refer(node, "$ref")

    def _dynamic_ref(self, node: Node, value: Schema) -> Formula:
        return self._refer(node, "$dynamicRef")

    def _recursive_ref(self, node: Node, value: Schema) -> Formula:
        return self._refer(node, "$recursiveRef")

    # Any type.

    def types(self, node: Node) -> int:
        """The types that `type` leaves, as bits.  It is passed over where it does not count."""
        schema = node.contents
        if isinstance(schema, bool) or "type" not in schema:
            return ALL_TYPES
        dialect = node.scope.dialect
        if not dialect.asserts or ("$ref" in schema and not dialect.siblings_count):
            return ALL_TYPES
        value = schema["type"]
        if not isinstance(value, str):
            return reduce(or_, [TYPE_BITS[name] for name in value], 0)
        return ALL_TYPES if value == "any" else TYPE_BITS[value]

    def admits(self, node: Node, kind: int) -> bool:
        """Does `type` leave this type?"""
        return bool(self.types(node) & kind)

    def _whole(self, node: Node) -> Formula:
        """What `type` says of numbers."""
        names = node.contents["type"]
        if names != "integer" and ("integer" not in names or "number" in names):
            return self.formulas.true
        if node.dialect.draft == 4:
            return self.formulas.word("integer")
        return self.formulas.bound("mul", Fraction(1))

    def _enum(self, node: Node, value: Schema) -> Formula:
        found = self._enums.get(node)  # it is asked of one type after the other
        if found is None:
            found = self._enums[node] = self.formulas.values(values_of(value, node.at("enum")))
        return found

    def _const(self, node: Node, value: Schema) -> Formula:
        found = self._consts.get(node)
        if found is None:
            found = self._consts[node] = self.formulas.values([value_of(value, node.at("const"))])
        return found

    # Combinations.

    def _branches(self, node: Node, keyword: str) -> list[Formula]:
        return [self.branch(node, node.child(keyword, index)) for index in range(len(node.contents[keyword]))]

    def _all_of(self, node: Node, value: Schema) -> Formula:
        return self.formulas.conj(self._branches(node, "allOf"))

    def _any_of(self, node: Node, value: Schema) -> Formula:
        return self.formulas.disj(self._branches(node, "anyOf"))

    def _one_of(self, node: Node, value: Schema) -> Formula:
        return self.formulas.one(self._branches(node, "oneOf"))

    def _not(self, node: Node, value: Schema) -> Formula:
        return self.formulas.negate(self.joined(node.child("not")))

    def _if(self, node: Node, value: Schema) -> Formula:
        formulas = self.formulas
        condition = self.joined(node.child("if"))
        then = self.joined(node.child("then")) if "then" in node.contents else formulas.true
        otherwise = self.joined(node.child("else")) if "else" in node.contents else formulas.true
        if then is formulas.true and otherwise is formulas.true:
            return formulas.true
        return formulas.disj(
            [
                formulas.conj([condition, then]),
                formulas.conj([formulas.negate(condition), otherwise]),
            ]
        )

    # Numbers.

    def _number(self, kind: str, value: Schema, where: str) -> Formula:
        return self.formulas.when(NUMBER, self.formulas.bound(kind, fraction_of(value, where)))

    def _multiple_of(self, node: Node, value: Schema) -> Formula:
        return self._number("mul", value, node.at("multipleOf"))

    def _minimum(self, node: Node, value: Schema) -> Formula:
        exclusive = node.contents.get("exclusiveMinimum") is True  # draft 4's form
        return self._number("gt" if exclusive else "ge", value, node.at("minimum"))

    def _maximum(self, node: Node, value: Schema) -> Formula:
        exclusive = node.contents.get("exclusiveMaximum") is True  # draft 4's form
        return self._number("lt" if exclusive else "le", value, node.at("maximum"))

    def _exclusive_minimum(self, node: Node, value: Schema) -> Formula:
        if isinstance(value, bool):
            return self.formulas.true
        return self._number("gt", value, node.at("exclusiveMinimum"))

    def _exclusive_maximum(self, node: Node, value: Schema) -> Formula:
        if isinstance(value, bool):
            return self.formulas.true
        return self._number("lt", value, node.at("exclusiveMaximum"))

    # Strings.

    def _min_length(self, node: Node, value: Schema) -> Formula:
        return self.formulas.when(STRING, self.formulas.count("minl", int(value)))

    def _max_length(self, node: Node, value: Schema) -> Formula:
        return self.formulas.when(STRING, self.formulas.count("maxl", int(value)))

    def _pattern(self, node: Node, value: Schema) -> Formula:
        return self.formulas.when(STRING, self.formulas.word("pat", value))

    def _format(self, node: Node, value: Schema) -> Formula:
        if self.options.formats == "annotate" or not self.knows_format(value):
            return self.formulas.true
        return self.formulas.when(STRING, self.formulas.word("fmt", name_in(node.dialect.draft, value)))

    # Objects.

    def _object(self, formula: Formula) -> Formula:
        return self.formulas.when(OBJECT, formula)

    def _properties(self, node: Node, value: Schema) -> Formula:
        formulas = self.formulas
        parts = [formulas.word("order", tuple(value))] if value else []
        parts += [
            formulas.all_keys(formulas.key(name), self.reference(child))
            for name, child in node.children("properties")
        ]
        if closes_itself(node, self.options):
            parts.append(formulas.all_keys(other_keys(formulas, node), formulas.false))
        return self._object(formulas.conj(parts))

    def _pattern_properties(self, node: Node, value: Schema) -> Formula:
        formulas = self.formulas
        return self._object(
            formulas.conj(
                formulas.all_keys(formulas.word("pat", pattern), self.reference(child))
                for pattern, child in node.children("patternProperties")
            )
        )

    def _additional_properties(self, node: Node, value: Schema) -> Formula:
        formulas = self.formulas
        others = self.reference(node.child("additionalProperties"))
        return self._object(self.formulas.all_keys(other_keys(formulas, node), others))

    def _property_names(self, node: Node, value: Schema) -> Formula:
        names = self.reference(node.child("propertyNames"))
        return self._object(self.formulas.all_keys(self.formulas.negate(names), self.formulas.false))

    def _has(self, name: str) -> Formula:
        return self.formulas.some_key(self.formulas.key(name), self.formulas.true)

    def _required(self, node: Node, value: Schema) -> Formula:
        return self._object(self.formulas.conj(self._has(name) for name in value))

    def _min_properties(self, node: Node, value: Schema) -> Formula:
        return self._object(self.formulas.count("minp", int(value)))

    def _max_properties(self, node: Node, value: Schema) -> Formula:
        return self._object(self.formulas.count("maxp", int(value)))

    def _implied(self, name: str, consequence: Formula) -> Formula:
        absent = self._object(self.formulas.negate(self._has(name)))
        return self.formulas.disj([absent, consequence])

    def _dependent_required(self, node: Node, value: Schema) -> Formula:
        return self.formulas.conj(
            self._implied(name, self._object(self.formulas.conj(self._has(needed) for needed in names)))
            for name, names in value.items()
        )

    def _dependent_schemas(self, node: Node, value: Schema) -> Formula:
        return self.formulas.conj(
            self._implied(name, self.joined(child)) for name, child in node.children("dependentSchemas")
        )

    def _dependencies(self, node: Node, value: Schema) -> Formula:
        formulas = self.formulas
        parts = []
        for name, needs in value.items():
            if isinstance(needs, (list, str)):
                names = [needs] if isinstance(needs, str) else needs
                parts.append(self._implied(name, self._object(formulas.conj(map(self._has, names)))))
            else:
                parts.append(self._implied(name, self.joined(node.child("dependencies", name))))
        return formulas.conj(parts)

    # Arrays.

    def _array(self, formula: Formula) -> Formula:
        return self.formulas.when(ARRAY, formula)

    def _prefix(self, node: Node, keyword: str) -> Formula:
        parts = [self.reference(node.child(keyword, index)) for index in range(len(node.contents[keyword]))]
        return self._array(
            self.formulas.conj(self.formulas.item("at", index, part) for index, part in enumerate(parts))
        )

    def _prefix_items(self, node: Node, value: Schema) -> Formula:
        return self._prefix(node, "prefixItems")

    def _items(self, node: Node, value: Schema) -> Formula:
        if isinstance(value, list):
            return self._prefix(node, "items")
        start = len(node.contents.get("prefixItems", ())) if node.dialect.draft == 2020 else 0
        return self._array(self.formulas.item("from", start, self.reference(node.child("items"))))

    def _additional_items(self, node: Node, value: Schema) -> Formula:
        prefix = node.contents.get("items")
        if not isinstance(prefix, list):
            return self.formulas.true
        rest = self.reference(node.child("additionalItems"))
        return self._array(self.formulas.item("from", len(prefix), rest))

    def _min_items(self, node: Node, value: Schema) -> Formula:
        return self._array(self.formulas.count("mini", int(value)))

    def _max_items(self, node: Node, value: Schema) -> Formula:
        return self._array(self.formulas.count("maxi", int(value)))

    def _unique_items(self, node: Node, value: Schema) -> Formula:
        return self._array(self.formulas.word("uniq")) if value else self.formulas.true

    def _contains(self, node: Node, value: Schema) -> Formula:
        formulas = self.formulas
        counted = node.dialect.draft >= 2019 and node.dialect.asserts
        low = int(node.contents.get("minContains", 1)) if counted else 1
        item = self.reference(node.child("contains"))
        parts = [formulas.contains_at_least(item, low)]
        if counted and "maxContains" in node.contents:
            parts.append(formulas.contains_at_most(item, int(node.contents["maxContains"])))
        return self._array(formulas.conj(parts))

    # Unevaluated.

    def _unevaluated_properties(self, node: Node, value: Schema) -> Formula:
        return self._object(self.formulas.word("uneval", node, "unevaluatedProperties"))

    def _unevaluated_items(self, node: Node, value: Schema) -> Formula:
        return self._array(self.formulas.word("uneval", node, "unevaluatedItems"))


def _target(node: Node) -> Node:
    """Where a schema leads that says nothing but `$ref`; the schema itself where that leads in a circle."""
    seen: dict[Node, None] = {}
    at = node
    while at not in seen:
        seen[at] = None
        schema = at.contents
        if not isinstance(schema, dict) or "$ref" not in schema:
            return at
        if at.dialect.siblings_count and len(SPEAKING.intersection(schema)) > 1:
            return at
        at = at.refer("$ref", schema["$ref"])
    return node


def other_keys(formulas: Formulas, node: Node) -> Formula:
    """The keys that `properties` and `patternProperties` of a schema do not speak of."""
    names = node.contents.get("properties", {})
    patterns = node.contents.get("patternProperties", {})
    return formulas.conj(
        [
            formulas.not_values(values_of(names)),
            *(formulas.word("npat", pattern) for pattern in patterns),
        ]
    )


CLOSED = ""
"""Stands for the keyword where objects are closed by an option."""

_OTHERS = frozenset({"additionalProperties", "unevaluatedProperties", "patternProperties"})
_ALONE = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf"})
_BESIDE = frozenset({"if", "dependentSchemas", "dependencies"})


def closes_itself(node: Node, options: JsonOptions) -> bool:
    """Are other keys closed by an option, because the schema names properties and does not speak of them?"""
    schema = node.contents
    return (
        options.additional_properties is False
        and bool(schema.get("properties"))
        and not _OTHERS & schema.keys()
        and not isinstance(node, Joined)
        and not combines(node)
    )


def closes_together(node: Node, options: JsonOptions) -> bool:
    """Are other keys closed by an option, for all schemas that apply to the value together?"""
    return (
        options.additional_properties is False
        and not _OTHERS & node.contents.keys()
        and not isinstance(node, Joined)
        and combines(node)
    )


def combines(node: Node) -> bool:
    """Do several schemas apply to one value here, each of which may name properties?"""
    schema = node.contents
    if "$ref" in schema and not node.dialect.siblings_count:
        return False
    alone = _ALONE & schema.keys()
    if _BESIDE & schema.keys() or len(alone) > 1 or len(schema.get("allOf", ())) > 1:
        return True
    return bool(alone) and ("properties" in schema or bool(_OTHERS & schema.keys()))


Rule = Callable[[Translator, Node, Schema], Formula]
_T = Translator
_NO_RULE: tuple[int, Rule] = (0, _T._ref)
_RULES: dict[str, tuple[int, Rule]] = {
    name: (kind, rule)
    for kind, rules in {
        NUMBER: {
            "multipleOf": _T._multiple_of, "minimum": _T._minimum, "maximum": _T._maximum,
            "exclusiveMinimum": _T._exclusive_minimum, "exclusiveMaximum": _T._exclusive_maximum,
        },
        STRING: {
            "minLength": _T._min_length, "maxLength": _T._max_length, "pattern": _T._pattern,
            "format": _T._format,
        },
        OBJECT: {
            "properties": _T._properties, "patternProperties": _T._pattern_properties,
            "additionalProperties": _T._additional_properties, "propertyNames": _T._property_names,
            "required": _T._required, "minProperties": _T._min_properties,
            "maxProperties": _T._max_properties, "dependentRequired": _T._dependent_required,
            "dependentSchemas": _T._dependent_schemas, "dependencies": _T._dependencies,
            "unevaluatedProperties": _T._unevaluated_properties,
        },
        ARRAY: {
            "minItems": _T._min_items, "maxItems": _T._max_items, "uniqueItems": _T._unique_items,
            "prefixItems": _T._prefix_items, "items": _T._items, "additionalItems": _T._additional_items,
            "contains": _T._contains, "unevaluatedItems": _T._unevaluated_items,
        },
        ALL_TYPES: {
            "enum": _T._enum, "const": _T._const,
            "$ref": _T._ref, "$dynamicRef": _T._dynamic_ref, "$recursiveRef": _T._recursive_ref,
            "allOf": _T._all_of, "anyOf": _T._any_of, "oneOf": _T._one_of, "not": _T._not, "if": _T._if,
        },
    }.items()
    for name, rule in rules.items()
}  # fmt: skip
"""What a keyword means, and the types that it speaks of; `type` is asked first."""

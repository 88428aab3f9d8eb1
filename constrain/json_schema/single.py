"""Schemas whose only alternative can be read off their keywords.

    {"properties": {"a": A, "b": true}, "required": ["b"], "additionalProperties": false}
        objects:  order (a, b), all({a}, A), all(not {a, b}, FALSE), required (b)

A schema without combinators is one conjunction, and nearly all are of that kind.  To translate it into a
formula, to gather the atoms of that and to put them together again (goals.py) comes out where it began, so
here the alternative is written down at once.  It is the same one, but for schemas of which it is plain that
no object satisfies them: goals.py finds none for those, and here one may be left that has no value.  Nobody
trusts an alternative to have one: that is asked of each (liveness.py).

Cost: linear in the keywords.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from constrain.json_schema.formula import Formula
from constrain.json_schema.keywords import OF_ARRAYS, OF_NUMBERS, OF_OBJECTS, OF_STRINGS, SPEAKING
from constrain.json_schema.references import Node
from constrain.json_schema.translate import closes_itself, other_keys
from constrain.json_schema.units import Alternative, ArrayAlternative, ObjectAlternative
from constrain.json_schema.values import ARRAY, OBJECT

if TYPE_CHECKING:
    from constrain.json_schema.goals import Goals

OBJECT_KEYWORDS = frozenset({"properties", "required", "additionalProperties"})
ARRAY_KEYWORDS = frozenset({"items", "minItems", "maxItems"})
OF_SCALARS = OF_STRINGS | OF_NUMBERS | {"type"}
NOT_OF_OBJECTS = OF_SCALARS | OF_ARRAYS
NOT_OF_ARRAYS = OF_SCALARS | OF_OBJECTS


def single_alternative(goals: Goals, node: Node, kind: int) -> tuple[Alternative, ...] | None:
    """The alternatives of a schema at type object or array, at most one; None where more must be done."""
    schema = node.contents
    if isinstance(schema, bool) or not node.dialect.asserts:
        return None
    said = SPEAKING.intersection(schema)
    if kind == OBJECT:
        if not said - NOT_OF_OBJECTS <= OBJECT_KEYWORDS:
            return None
        return (_object(goals, node),) if goals.view.translator.admits(node, OBJECT) else ()
    if not said - NOT_OF_ARRAYS <= ARRAY_KEYWORDS or isinstance(schema.get("items"), list):
        return None
    return _array(goals, node) if goals.view.translator.admits(node, ARRAY) else ()


def _object(goals: Goals, node: Node) -> ObjectAlternative:
    translator, formulas, schema = goals.view.translator, goals.formulas, node.contents
    named: list[tuple[str, Formula]] = []
    for name, child in node.children("properties") if "properties" in schema else ():
        formula = translator.reference(child)
        if formula is not formulas.true:
            named.append((name, formula))
    others = formulas.true
    if "additionalProperties" in schema:
        others = translator.reference(node.child("additionalProperties"))
    elif closes_itself(node, goals.options):
        others = formulas.false
    return ObjectAlternative(
        order=tuple(schema.get("properties", ())),
        named=tuple(named),
        alls=() if others is formulas.true else ((other_keys(formulas, node), others),),
        required=tuple(dict.fromkeys(schema.get("required", ()))),
        somes=(),
        clauses=(),
        low=0,
        high=None,
        excluded=frozenset(),
    )


def _array(goals: Goals, node: Node) -> tuple[ArrayAlternative, ...]:
    formulas, schema = goals.formulas, node.contents
    item = goals.view.translator.reference(node.child("items")) if "items" in schema else formulas.true
    low, high = int(schema.get("minItems", 0)), int(schema["maxItems"]) if "maxItems" in schema else None
    if high != 0 and goals.clearly_empty(item):
        high = 0
    if high is not None and low > high:
        return ()
    return (
        ArrayAlternative(
            at=(),
            rest=() if item is formulas.true or item is formulas.false else ((0, item),),
            somes=(),
            at_least=(),
            at_most=(),
            low=low,
            high=high,
            unique=False,
            repeated=False,
            excluded=frozenset(),
        ),
    )

"""A formula, seen at one type: what is left of a schema once the value is known to be an object.

    ref to {"type": ["object", "null"], "required": ["a"], "minLength": 2}
        at object → some({a}, T)        at null → TRUE        at string → FALSE

Assertions about other types vanish, which is what keeps everything after this small.  References are
unfolded here, as deep as they apply to the same value; those inside atoms (the schema of a property) stay
folded.

A reference may lead back to itself without having consumed anything: X = X or string.  The inner X adds
nothing, in a conjunction as in a disjunction, so it is dropped: the least solution of such an equation.  A
schema that consists of nothing else (X = X) says nothing at all, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from constrain.budget import spend
from constrain.errors import SchemaError
from constrain.json_schema.formula import Formula, Formulas
from constrain.json_schema.translate import Translator
from constrain.json_schema.values import ARRAY, NUMBER, OBJECT, STRING, Value

if TYPE_CHECKING:
    from constrain.json_schema.references import Node

Unevaluated = Callable[["Node", str, bool], Formula]


class TypedView:
    """Formulas at a type, memoised."""

    def __init__(self, formulas: Formulas, translator: Translator, *, verbatim: bool = False) -> None:
        self.formulas = formulas
        self.verbatim = verbatim
        self.translator = translator
        self.unevaluated: Unevaluated | None = None
        self._made: dict[int, Formula] = {}
        self._by_type: dict[Formula, dict[int, frozenset[Value]]] = {}
        self._open: set[int] = set()
        self._touched: set[int] = set()
        self._cycle = formulas.word("cycle")

    def at(self, formula: Formula, kind: int) -> Formula:
        """What `formula` says of values of this type: connectives over atoms of the type."""
        if formula.kind == "ref" and not self.translator.admits(formula.args[0], kind):
            return self.formulas.false
        key = formula.key(kind)
        made = self._made.get(key)
        if made is not None:
            return made
        if key in self._open:
            self._touched.add(key)
            return self._cycle
        made = self._view(formula, kind, key)
        if not self._touched:
            self._made[key] = made
        return made

    def of_value(self, formula: Formula, kind: int) -> Formula:
        """What `formula` says of values; with `verbatim`, also that strings and numbers occur in a document.

        What an `enum` or a `const` names is the schema's own text, and need not occur.  Keys of objects are
        seen with `at`.
        """
        seen = self.at(formula, kind)
        if not self.verbatim or kind not in {STRING, NUMBER} or seen is self.formulas.false:
            return seen
        return self.formulas.conj([seen, self.formulas.word("occurs", frozenset(_named(seen)))])

    def _view(self, formula: Formula, kind: int, key: int) -> Formula:
        formulas = self.formulas
        name = formula.kind
        if name in {"true", "false", "cycle"}:
            return formula
        if name in {"when", "only"}:
            if formula.args[0] == kind:
                return self.at(formula.args[1], kind)
            return formulas.true if name == "when" else formulas.false
        if name in {"and", "or", "one", "notone"}:
            return self._connective(formula, kind)
        if name in {"in", "nin"}:
            return self._values(formula, kind)
        if name in {"ref", "nref", "uneval", "nuneval"}:
            return self._unfold(formula, kind, key)
        return formula

    def _connective(self, formula: Formula, kind: int) -> Formula:
        formulas = self.formulas
        decided = formulas.false if formula.kind == "and" else formulas.true if formula.kind == "or" else None
        parts = []
        spend(len(formula.parts) >> 2)
        for part in formula.parts:
            seen = self.at(part, kind)
            if seen is decided:
                return decided
            if seen is not self._cycle:
                parts.append(seen)
        if not parts:
            return self._cycle
        join = {"and": formulas.conj, "or": formulas.disj, "one": formulas.one, "notone": formulas.notone}
        return join[formula.kind](parts)

    def _unfold(self, formula: Formula, kind: int, key: int) -> Formula:
        spend(2)
        positive = formula.kind in {"ref", "uneval"}
        self._open.add(key)
        try:
            if formula.kind in {"ref", "nref"}:
                body = self.translator.translate(formula.args[0], kind)
                seen = self.at(body if positive else self.formulas.negate(body), kind)
            else:
                if self.unevaluated is None:
                    raise AssertionError("unevaluated keywords need their expansion")
                node, keyword = formula.args
                seen = self.at(self.unevaluated(node, keyword, positive), kind)
        finally:
            self._open.discard(key)
            self._touched.discard(key)
        if seen is self._cycle and not self._touched:
            raise SchemaError(
                "this reference leads back to itself, and says nothing on the way",
                where=formula.args[0].pointer,
            )
        return seen

    def _values(self, formula: Formula, kind: int) -> Formula:
        by_type = self._by_type.get(formula)
        if by_type is None:
            spend(len(formula.args[0]) >> 3)
            values: frozenset[Value] = formula.args[0]
            kinds = {value.type for value in values}
            by_type = self._by_type[formula] = (
                {each: frozenset(value for value in values if value.type == each) for each in kinds}
                if len(kinds) > 1
                else dict.fromkeys(kinds, values)
            )
        mine = by_type.get(kind, frozenset())
        if formula.kind == "nin":
            return self.formulas.not_values(mine)
        if kind not in {ARRAY, OBJECT}:
            return self.formulas.values(mine)
        structure = self._object if kind == OBJECT else self._array
        spend(len(mine) << 2)
        return self.formulas.disj(structure(value) for value in sorted(mine, key=repr))

    def _object(self, value: Value) -> Formula:
        formulas = self.formulas
        known = value.members
        members = [(name, known[name]) for name in value.order]
        spend(2 * len(members))
        return formulas.conj(
            [
                formulas.word("order", value.order),
                *(formulas.some_key(formulas.key(name), formulas.values([item])) for name, item in members),
                formulas.count("maxp", len(members)),
            ]
        )

    def _array(self, value: Value) -> Formula:
        formulas = self.formulas
        size = len(value.items)
        return formulas.conj(
            [
                formulas.count("mini", size),
                formulas.count("maxi", size),
                *(
                    formulas.item("at", index, formulas.values([item]))
                    for index, item in enumerate(value.items)
                ),
            ]
        )


def _named(formula: Formula) -> Iterator[Value]:
    """The values that a formula of one type allows by name."""
    if formula.kind == "in":
        yield from formula.args[0]
    elif formula.kind in {"and", "or", "one", "notone"}:
        for part in formula.parts:
            yield from _named(part)

"""What a schema says, as an interned boolean formula over a few dozen atoms.

The question: what is the smallest vocabulary into which every keyword of every draft translates, such that
negation stays inside it?  The answer is the table below; each atom's negation is an atom again, so `not` is
pushed to the leaves and the engine behind never meets it.

    atom                    negation                says
    in(V)  nin(V)           each other              the value is (not) one of these
    ge gt le lt v           lt le gt ge             number bounds
    mul m, nmul m           each other              (not) a multiple
    integer, ninteger       each other              draft 4: written without fraction and exponent
    minl n, maxl n          maxl n-1, minl n+1      length in code points
    pat p, npat p           each other              a match somewhere in the string
    fmt f, nfmt f           each other              format
    all(L, f)               some(L, not f)          every key in L has a value in f / some key has
    minp n, maxp n          maxp n-1, minp n+1      number of keys
    at(i, f)                hasat(i, not f)         item i, if there is one / there is one, and it is
    from(i, f)              somefrom(i, not f)      every item from i on / some item
    mini n, maxi n          maxi n-1, mini n+1      number of items
    cmin(f, n), cmax(f, n)  cmax(f, n-1), cmin(...) at least / at most n items in f
    uniq, nuniq             each other              all items differ
    ref(node), nref(node)   each other              the schema at a place, unfolded when it is needed
    uneval(node, key)       nuneval(node, key)      unevaluatedProperties / unevaluatedItems

A key language L is itself a formula about strings, so `properties`, `patternProperties`,
`additionalProperties` and `propertyNames` all are `all(L, f)`.  `required` is `some({k}, TRUE)`.

What `type` says is no atom: a schema is asked of one type at a time, and is FALSE of those it rules out.

Connectives: `and`, `or`, `one` (exactly one) and `notone` (its negation); `when(t, f)` holds at type t
only if f does and always elsewhere, `only(t, f)` is its dual.  `order(names)` is true and remembers in
which order an author listed properties.

Example: `{"minLength": 2}` is `when(string, minl 2)`; its negation is `only(string, maxl 1)`.

Source: Attouche et al., "Witness Generation for JSON Schema" (VLDB 2022), section 4, from which we depart:
1. `ref` is negated as a whole (`nref`) and never unfolded by negation, so recursion needs no extra variables.
2. `oneOf` stays one connective; how to expand it is decided in context (goals.py).

Formulas are interned: equal ones are one object, and memo tables downstream use identity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from constrain.budget import spend
from constrain.json_schema.values import STRING, Value

if TYPE_CHECKING:
    from constrain.json_schema.references import Node


class Formula:
    """One interned formula: a kind, its arguments, and a number in order of making."""

    __slots__ = ("args", "kind", "negation", "number")

    def __init__(self, kind: str, args: tuple[Any, ...], number: int) -> None:
        self.kind = kind
        self.args = args
        self.number = number
        self.negation: Formula | None = None

    def __repr__(self) -> str:
        if not self.args:
            return self.kind
        return f"{self.kind}({', '.join(_shown(arg) for arg in self.args)})"

    def key(self, number: int) -> int:
        """A number for this formula and one below 256: a key that no collector need look into."""
        return self.number << 8 | number

    @property
    def parts(self) -> tuple[Formula, ...]:
        """The operands of a connective."""
        return self.args


def _shown(arg: object) -> str:
    if isinstance(arg, frozenset):
        return "{" + ", ".join(sorted(str(item.data) for item in arg)) + "}"
    return str(arg)


CONNECTIVES = frozenset({"and", "or", "one", "notone"})
VIEWS: Final = 5
"""Steps for a formula: to make it, and to look at it once as each type that it may have."""

_SWAPPED = {
    "in": "nin",
    "ge": "lt",
    "gt": "le",
    "mul": "nmul",
    "integer": "ninteger",
    "pat": "npat",
    "fmt": "nfmt",
    "uniq": "nuniq",
    "ref": "nref",
    "uneval": "nuneval",
}
_SWAPPED |= {negative: positive for positive, negative in _SWAPPED.items()}


class Formulas:
    """The formulas of one grammar, with constructors that keep them tidy."""

    def __init__(self) -> None:
        self.true, self.false = Formula("true", (), 0), Formula("false", (), 1)
        self.true.negation, self.false.negation = self.false, self.true
        self._interned: dict[tuple[Any, ...], Formula] = {("true",): self.true, ("false",): self.false}
        self._keys: dict[str, Formula] = {}
        self._references: dict[Node, Formula] = {}

    def forget(self) -> None:
        """Cut the circles: a formula and its negation know each other."""
        for formula in self._interned.values():
            formula.negation = None
        self._interned.clear()
        self._keys.clear()
        self._references.clear()

    def _make(self, kind: str, *args: Any) -> Formula:
        key = (kind, *args)
        formula = self._interned.get(key)
        if formula is None:
            spend(VIEWS + (len(args) >> 2))
            formula = self._interned[key] = Formula(kind, args, len(self._interned))
        return formula

    def negate(self, formula: Formula) -> Formula:
        """The formula that holds exactly where this one does not."""
        if formula.negation is None:
            special = _NEGATED.get(formula.kind)
            if special is not None:
                formula.negation = special(self, formula)
            else:
                formula.negation = self._make(_SWAPPED[formula.kind], *formula.args)
            if formula.negation.negation is None:
                formula.negation.negation = formula
        return formula.negation

    # Connectives.  They keep the order of their operands: it is the author's.

    def conj(self, parts: Iterable[Formula]) -> Formula:
        """All of them.  Flat, without repetitions; FALSE if a part and its negation meet."""
        kept: dict[Formula, None] = {}
        for part in parts:
            for piece in part.parts if part.kind == "and" else (part,):
                if piece is self.false:
                    return self.false
                if piece is not self.true:
                    kept[piece] = None
        spend(len(kept) >> 3)
        if not kept:
            return self.true
        if len(kept) == 1:
            return next(iter(kept))
        if any(piece.negation in kept for piece in kept if piece.negation is not None):
            return self.false
        named = [piece for piece in kept if piece.kind == "in"]
        if len(named) > 1:
            both = self.values(frozenset.intersection(*(piece.args[0] for piece in named)))
            return self.conj([both, *(piece for piece in kept if piece.kind != "in")])
        return self._make("and", *kept)

    def disj(self, parts: Iterable[Formula]) -> Formula:
        """Any of them.  Flat, without repetitions; TRUE if a part and its negation meet."""
        kept: dict[Formula, None] = {}
        for part in parts:
            for piece in part.parts if part.kind == "or" else (part,):
                if piece is self.true or piece.kind == "order":
                    return self.true
                if piece is not self.false:
                    kept[piece] = None
        spend(len(kept) >> 3)
        if not kept:
            return self.false
        if len(kept) == 1:
            return next(iter(kept))
        if any(piece.negation in kept for piece in kept if piece.negation is not None):
            return self.true
        named = [piece for piece in kept if piece.kind == "in"]
        if len(named) > 1:
            any_of = self.values(frozenset.union(*(piece.args[0] for piece in named)))
            return self.disj([any_of, *(piece for piece in kept if piece.kind != "in")])
        return self._make("or", *kept)

    def one(self, parts: Iterable[Formula]) -> Formula:
        """Exactly one of them."""
        parts = [part for part in parts if part is not self.false]
        spend(len(parts) >> 3)
        certain = [part for part in parts if part is self.true]
        if len(certain) > 1:
            return self.false
        if certain:
            return self.conj(self.negate(part) for part in parts if part is not self.true)
        if not parts:
            return self.false
        if len(parts) == 1:
            return parts[0]
        if all(part.kind == "in" for part in parts):
            counts = Counter(value for part in parts for value in part.args[0])
            return self.values(value for value, count in counts.items() if count == 1)
        return self._make("one", *parts)

    def notone(self, parts: Iterable[Formula]) -> Formula:
        """None of them, or more than one."""
        return self.negate(self.one(parts))

    def when(self, kind: int, formula: Formula) -> Formula:
        """`formula` at this type; true at others."""
        return self.true if formula is self.true else self._make("when", kind, formula)

    def only(self, kind: int, formula: Formula) -> Formula:
        """`formula` at this type; false at others."""
        return self.false if formula is self.false else self._make("only", kind, formula)

    # Atoms.

    def values(self, values: Iterable[Value]) -> Formula:
        """One of these values."""
        values = frozenset(values)
        spend(len(values) >> 4)
        return self._make("in", values) if values else self.false

    def not_values(self, values: Iterable[Value]) -> Formula:
        """None of these values."""
        values = frozenset(values)
        spend(len(values) >> 4)
        return self._make("nin", values) if values else self.true

    def key(self, name: str) -> Formula:
        """The language of one key."""
        found = self._keys.get(name)
        if found is None:
            found = self._keys[name] = self._make("in", frozenset((Value(STRING, name),)))
        return found

    def reference(self, node: Node) -> Formula:
        """The schema at a place."""
        found = self._references.get(node)
        if found is None:
            found = self._references[node] = self._make("ref", node)
        return found

    def bound(self, kind: str, value: Fraction) -> Formula:
        """`ge`, `gt`, `le`, `lt`, `mul` or `nmul` of a number."""
        return self._make(kind, value)

    def word(self, kind: str, *args: Any) -> Formula:
        """`pat`, `fmt`, `integer`, `uniq`, `order`, `uneval`, `occurs`: atoms without own rules."""
        return self._make(kind, *args)

    def count(self, kind: str, number: int) -> Formula:
        """`minl`, `maxl`, `minp`, `maxp`, `mini` or `maxi` of a number."""
        if kind.startswith("min"):
            return self.true if number <= 0 else self._make(kind, number)
        return self.false if number < 0 else self._make(kind, number)

    def all_keys(self, language: Formula, formula: Formula) -> Formula:
        """Every key of the language has a value in `formula`."""
        if formula is self.true or language is self.false:
            return self.true
        return self._make("all", language, formula)

    def some_key(self, language: Formula, formula: Formula) -> Formula:
        """Some key of the language has a value in `formula`."""
        if formula is self.false or language is self.false:
            return self.false
        return self._make("some", language, formula)

    def item(self, kind: str, index: int, formula: Formula) -> Formula:
        """`at` or `from`."""
        if formula is self.false:
            return self.count("maxi", index)
        return self.true if formula is self.true else self._make(kind, index, formula)

    def has_item(self, kind: str, index: int, formula: Formula) -> Formula:
        """`hasat` or `somefrom`."""
        if formula is self.true:
            return self.count("mini", index + 1)
        return self.false if formula is self.false else self._make(kind, index, formula)

    def contains_at_least(self, formula: Formula, number: int) -> Formula:
        """At least `number` items in `formula`."""
        if number <= 0:
            return self.true
        if formula is self.true:
            return self.count("mini", number)
        return self.false if formula is self.false else self._make("cmin", formula, number)

    def contains_at_most(self, formula: Formula, number: int) -> Formula:
        """At most `number` items in `formula`."""
        if number < 0:
            return self.false
        if formula is self.true:
            return self.count("maxi", number)
        if number == 0:
            return self.item("from", 0, self.negate(formula))
        return self.true if formula is self.false else self._make("cmax", formula, number)


_NEGATED: Final[dict[str, Callable[[Formulas, Formula], Formula]]] = {
    "and": lambda fs, f: fs.disj(fs.negate(part) for part in f.parts),
    "or": lambda fs, f: fs.conj(fs.negate(part) for part in f.parts),
    "one": lambda fs, f: fs._make("notone", *f.parts),
    "notone": lambda fs, f: fs._make("one", *f.parts),
    "when": lambda fs, f: fs.only(f.args[0], fs.negate(f.args[1])),
    "only": lambda fs, f: fs.when(f.args[0], fs.negate(f.args[1])),
    "order": lambda fs, f: fs.false,
    "minl": lambda fs, f: fs.count("maxl", f.args[0] - 1),
    "maxl": lambda fs, f: fs.count("minl", f.args[0] + 1),
    "minp": lambda fs, f: fs.count("maxp", f.args[0] - 1),
    "maxp": lambda fs, f: fs.count("minp", f.args[0] + 1),
    "mini": lambda fs, f: fs.count("maxi", f.args[0] - 1),
    "maxi": lambda fs, f: fs.count("mini", f.args[0] + 1),
    "all": lambda fs, f: fs.some_key(f.args[0], fs.negate(f.args[1])),
    "some": lambda fs, f: fs.all_keys(f.args[0], fs.negate(f.args[1])),
    "at": lambda fs, f: fs.has_item("hasat", f.args[0], fs.negate(f.args[1])),
    "hasat": lambda fs, f: fs.item("at", f.args[0], fs.negate(f.args[1])),
    "from": lambda fs, f: fs.has_item("somefrom", f.args[0], fs.negate(f.args[1])),
    "somefrom": lambda fs, f: fs.item("from", f.args[0], fs.negate(f.args[1])),
    "cmin": lambda fs, f: fs.contains_at_most(f.args[0], f.args[1] - 1),
    "cmax": lambda fs, f: fs.contains_at_least(f.args[0], f.args[1] + 1),
}
"""By kind: the formula that holds exactly where one of that kind does not."""

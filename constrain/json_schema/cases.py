"""What is left of a formula once it is known what one key holds.

People write a discriminator as rules, "if `t` is this, then that".  Each rule is an `or` of its own, and n of
them have 2^n combinations, although only n + 1 differ in what `t` holds.  So the key is looked at first:

    rule a      or(and(some({t}, in a), X), all({t}, nin a))
    rule b      or(and(some({t}, in b), Y), all({t}, nin b))

    t is        "a"       "b"       anything else, or absent
    left        X         Y         TRUE

`Cases.of` is one such row for one formula: what is left for each value that the formula names, for every
other value, and for the key's absence.  An atom about the key that lists its values, or those it refuses, is
decided by them; everything else stays what it is.  `split` turns the row of a conjunction into cases that
exclude each other; values that leave the same are one case.

Source: Shannon's expansion of a boolean function, by a variable of many values.
Cost: linear in the formula where most parts say nothing of most values, as those of rules and of tagged
unions do; a connective whose other parts say something multiplies them by the values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from constrain.budget import spend
from constrain.json_schema.formula import CONNECTIVES, Formula, Formulas
from constrain.json_schema.values import Value

FewValues = Callable[[Formula], frozenset[Value] | None]
"""The values of a formula that lists them."""


@dataclass(slots=True)
class Rest:
    """What is left of a formula: where the key is absent, where it holds a value, and any other value."""

    absent: Formula
    other: Formula
    by_value: dict[Value, Formula]

    def under(self, value: Value) -> Formula:
        """What is left where the key holds this value."""
        return self.by_value.get(value, self.other)


class Case(NamedTuple):
    """What the key holds where it is there, whether it may be absent, and what is left then."""

    holds: Formula
    absent: bool
    left: Formula


class Cases:
    """The rests of formulas by what one key holds."""

    def __init__(self, formulas: Formulas, name: str, few_values: FewValues) -> None:
        self.formulas = formulas
        self.language = formulas.key(name)
        self._few_values = few_values
        self._join = {
            "and": formulas.conj, "or": formulas.disj, "one": formulas.one, "notone": formulas.notone,
        }  # fmt: skip

    def of(self, formula: Formula) -> Rest:
        """The rest of a formula, seen at type object."""
        if formula.kind in CONNECTIVES:
            return self._connective(formula)
        if formula.kind in {"all", "some"} and formula.args[0] is self.language:
            return self._atom(formula)
        return Rest(formula, formula, {})

    def split(self, clauses: Iterable[Formula]) -> Iterator[Case]:
        """Cases that exclude each other and leave something of a conjunction."""
        formulas = self.formulas
        rest = self._joined("and", [self.of(clause) for clause in clauses])
        values: dict[Formula, list[Value]] = {}
        for value, left in rest.by_value.items():
            values.setdefault(left, []).append(value)
        for left in dict.fromkeys((*values, rest.other, rest.absent)):
            if left is formulas.false:
                continue
            here = values.get(left, ())
            if left is rest.other:
                holds = formulas.not_values(rest.by_value.keys() - set(here))
            else:
                holds = formulas.values(here)
            yield Case(holds, left is rest.absent, left)

    def _atom(self, formula: Formula) -> Rest:
        formulas, (_, holds) = self.formulas, formula.args
        absent = formulas.true if formula.kind == "all" else formulas.false
        for inside, outside in ((formulas.true, formulas.false), (formulas.false, formulas.true)):
            listed = self._few_values(holds if inside is formulas.true else formulas.negate(holds))
            if listed is not None:
                return Rest(absent, outside, dict.fromkeys(sorted(listed, key=repr), inside))
        return Rest(absent, formula, {})

    def _connective(self, formula: Formula) -> Rest:
        rests = [self.of(part) for part in formula.parts]
        unchanged = all(
            rest.absent is rest.other is part and not rest.by_value
            for rest, part in zip(rests, formula.parts, strict=True)
        )
        return Rest(formula, formula, {}) if unchanged else self._joined(formula.kind, rests)

    def _joined(self, kind: str, rests: list[Rest]) -> Rest:
        """The rest of a connective.  Parts that leave the neutral formula under a value are passed over."""
        formulas, join = self.formulas, self._join[kind]
        neutral = formulas.true if kind == "and" else formulas.false
        absent = join([rest.absent for rest in rests])
        other = join([rest.other for rest in rests])
        # The part with most values keeps its own, which need a look only where another part says something.
        longest = max(range(len(rests)), key=lambda i: len(rests[i].by_value), default=0)
        always = [i for i, rest in enumerate(rests) if rest.other is not neutral and i != longest]
        said: dict[Value, dict[int, None]] = {}
        for i, rest in enumerate(rests):
            if i != longest or always or kind == "notone":
                for value in rest.by_value:
                    said.setdefault(value, {})[i] = None
        spend(1 + (len(said) * (1 + len(always)) >> 4))
        by_value = rests[longest].by_value if rests else {}
        for value, here in said.items():
            speaking = sorted({*always, *here, longest})
            by_value[value] = join([rests[i].under(value) for i in speaking])
        return Rest(absent, other, by_value)

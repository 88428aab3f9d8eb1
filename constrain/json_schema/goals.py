"""From a goal to its alternatives: conjunctions of assertions about one object or one array.

The question: a schema is a boolean combination of assertions; which conjunctions of them may a document go
for? Multiplying out (disjunctive normal form) is exponential on real schemas, unless every branch is judged
against what is already certain.  On a tagged union almost everything is certain at once:

    {"required": ["kind"], "oneOf": [{"properties": {"kind": {"const": "a"}, ...}},
                                     {"properties": {"kind": {"const": "b"}, ...}}]}

    units         some({kind}, T)
    branch 1      all({kind}, in(a))   with branch 2: goal(kind) = in(a) and in(b) is empty
    so            `one` is `or` here: no negation of a branch is ever needed

The rules, in order of use:

1. Units first: all atoms of all conjuncts; a contradiction among them ends the matter.
2. Where clauses list values of one key, as rules "if `t` is this, then that" and tagged unions do, the cases
   of that key are solved one by one (cases.py).  They exclude each other, and n rules have n + 1 of them.
3. Every `or` is simplified under the units: refuted disjuncts go, an entailed one settles the clause, a
   single one becomes a unit.  An atom is refuted or entailed through the goals of single keys.
4. `one` is expanded late: the branches still possible, and "not the other" only for pairs that could both
   hold.
5. What must be split is split at the smallest clause first.
6. A clause that only speaks of single keys is never split.  It is *deferred*: it stays in the alternative,
   and the object's state settles it when the keys arrive.  The negation of nearly every object schema is one.
7. Where the cases of different keys, or clauses, would multiply to more than `MANY_CASES`, clauses are
   written as clauses about single keys (clauses.py), and deferred.
8. A mixed clause keeps its single-key disjuncts together, as one branch with a deferred clause.
9. An alternative that says strictly more than another one is dropped.

Source: Attouche et al. (2022), sections 5 and 6; rules 2 to 4 and 6 to 8 are ours.
Cost: one or two alternatives for 99 % of the goals of real schemas; `max_alternatives` bounds the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from math import prod

from constrain.budget import spend
from constrain.errors import LimitExceeded
from constrain.json_schema.cases import Cases
from constrain.json_schema.clauses import distributed
from constrain.json_schema.formula import CONNECTIVES, Formula, Formulas
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.plainly import plainly_lives
from constrain.json_schema.references import Node
from constrain.json_schema.scalars import Scalars
from constrain.json_schema.single import single_alternative
from constrain.json_schema.typed import TypedView
from constrain.json_schema.units import (
    Alternative,
    ArrayUnits,
    ObjectUnits,
    Tags,
    Units,
    is_single_key,
    not_told_apart,
    single_key,
)
from constrain.json_schema.values import (
    ALL_TYPES,
    ARRAY,
    BOOLEAN,
    NULL,
    NUMBER,
    OBJECT,
    SCALAR_TYPES,
    STRING,
    Value,
)

SHALLOW = 2
"""How many levels of properties are looked at to refute a branch; more is emptiness's business."""

MAX_ASKING = 16
"""How many of these looks may be made within each other: each costs seven frames of Python's stack."""

MAX_COMPARED = 64

MANY_CASES = 64
"""Clauses whose cases would multiply to more than that are deferred where they can be."""


class Goals:
    """Alternatives of formulas, memoised.  Also answers cheap questions about goals."""

    def __init__(self, formulas: Formulas, view: TypedView, scalars: Scalars, options: JsonOptions) -> None:
        self.formulas = formulas
        self.view = view
        self.scalars = scalars
        self.options = options
        self._alternatives: dict[int, tuple[Alternative, ...]] = {}
        self._clearly_empty: dict[int, bool] = {}
        self._asking = 0
        self._holds_key: dict[tuple[Formula, str], bool] = {}
        self._few: dict[Formula, frozenset[Value] | None] = {}
        self._clauses: dict[Formula, list[Formula] | None] = {}
        self._spoken: dict[Formula, dict[str, frozenset[frozenset[Value]]]] = {}

    # Cheap questions.

    def is_flat(self, formula: Formula) -> bool:
        """Does it say nothing about the inside of objects and arrays?  Then its negation is no larger."""
        decided = (self.formulas.true, self.formulas.false)
        return all(self.view.at(formula, kind) in decided for kind in (OBJECT, ARRAY))

    def key_language(self, language: Formula) -> Formula:
        """A key language as a formula about strings only."""
        return language if language.kind in {"in", "nin"} else self.view.at(language, STRING)

    def has_key(self, language: Formula, name: str) -> bool:
        """Is this key in the language?"""
        if language.kind in {"in", "nin"}:
            return (Value(STRING, name) in language.args[0]) == (language.kind == "in")
        key = (language, name)
        found = self._holds_key.get(key)
        if found is None:
            found = self._holds_key[key] = self.scalars.holds(language, Value(STRING, name))
        return found

    def clearly_empty(self, formula: Formula, depth: int = SHALLOW) -> bool:
        """Is it plain at this depth that no value satisfies the formula?  May say False too often."""
        if formula is self.formulas.true or formula is self.formulas.false:
            return formula is self.formulas.false
        key = formula.key(depth)
        found = self._clearly_empty.get(key)
        if found is None:
            if self._asking == MAX_ASKING:
                return False
            self._clearly_empty[key] = False
            self._asking += 1
            try:
                found = self._clearly_empty[key] = self._find_clearly_empty(formula, depth)
            finally:
                self._asking -= 1
        return found

    def _find_clearly_empty(self, formula: Formula, depth: int) -> bool:
        if formula.kind == "ref" and plainly_lives(formula.args[0], self.options, self._may_have(depth)):
            return False
        for kind in SCALAR_TYPES:
            seen = self.view.of_value(formula, kind)
            if seen is not self.formulas.false and not self.scalars.is_empty(seen, kind):
                return False
        for kind in (ARRAY, OBJECT):
            seen = self.view.at(formula, kind)
            if seen is self.formulas.false:
                continue
            if depth == 0:
                return False
            units = self.new_units(kind, depth - 1)
            if not self._collect(units, [seen], []) or not units.is_contradictory():
                if units.dead:
                    continue
                return False
        return True

    def _may_have(self, depth: int) -> Callable[[Node], bool]:
        """Is a schema not clearly empty at this depth?"""
        return lambda node: not self.clearly_empty(self.view.translator.reference(node), depth)

    def new_units(self, kind: int, depth: int = SHALLOW) -> Units:
        """An empty conjunction for objects or arrays."""
        return ObjectUnits(self, depth) if kind == OBJECT else ArrayUnits(self, depth)

    def types(self, formula: Formula) -> int:
        """The types that a goal may have, as bits; some of them may turn out to have no value."""
        return self.view.translator.types(formula.args[0]) if formula.kind == "ref" else ALL_TYPES

    def few_values(self, formula: Formula) -> frozenset[Value] | None:
        """The values of a formula that lists them."""
        if formula not in self._few:
            self._few[formula] = self._find_few_values(formula)
        return self._few[formula]

    def _find_few_values(self, formula: Formula) -> frozenset[Value] | None:
        found: frozenset[Value] = frozenset()
        for kind in (STRING, NULL, BOOLEAN, NUMBER, ARRAY, OBJECT):
            seen = self.view.at(formula, kind)
            if seen.kind == "in":
                found |= seen.args[0]
            elif seen is not self.formulas.false:
                return None
        return found

    # Alternatives.

    def alternatives(self, formula: Formula, kind: int) -> tuple[Alternative, ...]:
        """The conjunctions that make up a goal at type object or array; some may still be empty."""
        key = formula.key(kind)
        found = self._alternatives.get(key)
        if found is None:
            if formula.kind == "ref":
                found = single_alternative(self, formula.args[0], kind)
            if found is None:
                found = self._multiply_out(self.view.at(formula, kind), kind)
            self._alternatives[key] = found
        return found

    def _multiply_out(self, seen: Formula, kind: int) -> tuple[Alternative, ...]:
        if seen is self.formulas.false:
            return ()
        made: dict[Alternative, None] = {}
        self._solve([seen], self.new_units(kind), [], made)
        return _without_redundant(list(made))

    def _collect(self, units: Units, pending: list[Formula], clauses: list[Formula]) -> bool:
        """Move atoms into the units and connectives into the clauses; False when that is a contradiction."""
        stack = pending[::-1]
        while stack:
            part = stack.pop()
            if part.kind == "and":
                stack.extend(reversed(part.parts))
            elif part.kind == "false":
                units.dead = True
            elif part.kind in CONNECTIVES:
                clauses.append(part)
            elif part.kind != "true":
                units.add(part)
            if units.dead:
                return False
        return True

    def _solve(
        self, pending: list[Formula], units: Units, clauses: list[Formula], made: dict[Alternative, None]
    ) -> None:
        spend(4)
        while True:
            if not self._collect(units, pending, clauses) or units.is_contradictory():
                return
            pending = []
            names = self._telling_keys(clauses) if isinstance(units, ObjectUnits) else []
            if names:
                multiplied = len(names) > 1 and prod(number + 1 for _, number in names) > MANY_CASES
                if multiplied and self._defer(clauses, pending):
                    continue
                self._solve_by_cases(names[0][0], clauses, units, made)
                return
            pending, kept = [], []
            for clause in clauses:
                seen = self._simplified(clause, units)
                if seen is self.formulas.false:
                    return
                if seen.kind in CONNECTIVES and seen.kind != "and":
                    kept.append(seen)
                elif seen is not self.formulas.true:
                    pending.append(seen)
            clauses = list(dict.fromkeys(kept))
            if pending:
                continue
            late = [clause for clause in clauses if clause.kind in {"one", "notone"}]
            split = [
                clause for clause in clauses if clause.kind == "or" and not self._is_deferrable(clause, units)
            ]
            if split and isinstance(units, ObjectUnits):
                ways = prod(len(self._branches(clause, units)) for clause in split)
                if ways > MANY_CASES and self._defer(clauses, pending):
                    continue
            if split or not late:
                break
            first = min(late, key=lambda clause: len(clause.parts))
            clauses.remove(first)
            pending = [self._expanded(first, units)]
        if not split:
            alternative = units.finish(clauses)
            made[alternative] = None
            if len(made) > self.options.max_alternatives:
                raise LimitExceeded(
                    f"a schema has more than max_alternatives={self.options.max_alternatives} ways to be "
                    "satisfied that cannot be told apart at once",
                    hint="give the branches a property that tells them apart, or raise max_alternatives",
                )
            return
        clause = min(split, key=lambda clause: len(clause.parts))
        clauses = [other for other in clauses if other is not clause]
        excluded: list[Formula] = []
        for branch in self._branches(clause, units):
            self._solve([*excluded, branch], units.fork(), list(clauses), made)
            if branch.kind == "some" and branch.args[1] is self.formulas.true:
                excluded.append(self.formulas.negate(branch))

    # Cases.

    def _telling_keys(self, clauses: list[Formula]) -> list[tuple[str, int]]:
        """Keys whose values decide clauses that would have to be split: each with how many sets of values
        those speak of.  The first decides most; the others are of clauses that say nothing of those before.
        """
        said = {
            clause: [self._values_spoken_of(part) for part in clause.parts]
            for clause in clauses
            if not (clause.kind == "or" and all(map(is_single_key, clause.parts)))
        }
        found: list[tuple[str, int]] = []
        while said:
            spend(1 + (len(said) >> 3))
            sets: dict[str, set[frozenset[Value]]] = {}
            mentions: Counter[str] = Counter()
            for spoken in said.values():
                for name, number in Counter(name for names in spoken for name in names).items():
                    if 2 * number >= len(spoken):
                        mentions[name] += number
                        sets.setdefault(name, set()).update(*(names.get(name, ()) for names in spoken))
            names = [name for name, number in mentions.items() if number > 1 and sets[name]]
            if not names:
                break
            first = max(names, key=lambda name: (len(sets[name]), mentions[name]))
            found.append((first, len(sets[first])))
            said = {
                clause: spoken
                for clause, spoken in said.items()
                if not any(first in names for names in spoken)
            }
        return found

    def _values_spoken_of(self, formula: Formula) -> dict[str, frozenset[frozenset[Value]]]:
        """The keys of which a formula lists values or asks for presence, and the sets of values listed."""
        found = self._spoken.get(formula)
        if found is None:
            gathered: dict[str, set[frozenset[Value]]] = {}
            if formula.kind in CONNECTIVES:
                for part in formula.parts:
                    for name, sets in self._values_spoken_of(part).items():
                        gathered.setdefault(name, set()).update(sets)
            elif is_single_key(formula):
                language, holds = formula.args
                key = single_key(language)
                listed = self.few_values(holds)
                if listed is None:
                    listed = self.few_values(self.formulas.negate(holds))
                if key is not None and listed is not None:
                    gathered[key] = {listed} if listed else set()
            found = self._spoken[formula] = {name: frozenset(sets) for name, sets in gathered.items()}
        return found

    def _solve_by_cases(
        self, name: str, clauses: list[Formula], units: Units, made: dict[Alternative, None]
    ) -> None:
        cases = Cases(self.formulas, name, self.few_values)
        telling = [clause for clause in clauses if name in self._values_spoken_of(clause)]
        others = [clause for clause in clauses if name not in self._values_spoken_of(clause)]
        for case in cases.split(telling):
            condition = self.formulas.all_keys if case.absent else self.formulas.some_key
            pending = [condition(cases.language, case.holds), case.left]
            self._solve(pending, units.fork(), list(others), made)

    def _defer(self, clauses: list[Formula], pending: list[Formula]) -> bool:
        """Have those clauses pending as clauses about single keys that can be written so; were there any?"""
        kept = []
        for clause in clauses:
            is_ready = clause.kind == "or" and all(map(is_single_key, clause.parts))
            made = None if is_ready else self._distributed(clause)
            if made is None:
                kept.append(clause)
            else:
                pending += made
        changed = len(kept) < len(clauses)
        clauses[:] = kept
        return changed

    def _distributed(self, clause: Formula) -> list[Formula] | None:
        if clause not in self._clauses:
            self._clauses[clause] = distributed(self.formulas, clause)
        return self._clauses[clause]

    def _is_deferrable(self, clause: Formula, units: Units) -> bool:
        return isinstance(units, ObjectUnits) and all(is_single_key(part) for part in clause.parts)

    def _branches(self, clause: Formula, units: Units) -> list[Formula]:
        if not isinstance(units, ObjectUnits):
            return list(clause.parts)
        plain = [part for part in clause.parts if is_single_key(part)]
        if len(plain) < 2:
            return list(clause.parts)
        return [*(part for part in clause.parts if not is_single_key(part)), self.formulas.disj(plain)]

    # Judging a clause under the units.

    def _simplified(self, clause: Formula, units: Units) -> Formula:
        formulas = self.formulas
        if clause.kind == "or":
            kept = []
            for part in clause.parts:
                if self._entailed(part, units):
                    return formulas.true
                if not self._refuted([part], units):
                    kept.append(part)
            return clause if len(kept) == len(clause.parts) else formulas.disj(kept)
        kept, certain = [], []
        for part in clause.parts:
            if self._entailed(part, units):
                certain.append(part)
            elif not self._refuted([part], units):
                kept.append(part)
        exactly_one = clause.kind == "one"
        if len(certain) > 1:
            return formulas.false if exactly_one else formulas.true
        if certain:
            none = formulas.conj(map(formulas.negate, kept))
            return none if exactly_one else formulas.negate(none)
        if len(kept) == len(clause.parts):
            return clause
        one = formulas.one(kept)
        return one if exactly_one else formulas.negate(one)

    def _refuted(self, parts: Iterable[Formula], units: Units) -> bool:
        """Do the units and these formulas plainly contradict each other?"""
        spend(3 + (len(units.atoms) >> 5))
        fork = units.fork()
        clauses: list[Formula] = []
        if not self._collect(fork, list(parts), clauses) or fork.is_contradictory():
            return True
        return any(
            clause.kind != "notone" and all(self._refuted([part], fork) for part in clause.parts)
            for clause in clauses
        )

    def _entailed(self, part: Formula, units: Units) -> bool:
        """Do the units plainly imply this formula?"""
        if part.kind == "and":
            return all(self._entailed(piece, units) for piece in part.parts)
        if part.kind == "or":
            return any(self._entailed(piece, units) for piece in part.parts)
        if part.kind in CONNECTIVES:
            return False
        return units.implies(part)

    def _tags(self, part: Formula, units: Units) -> Tags:
        """The keys that `part` and the units plainly require to have one of a few values."""
        if not isinstance(units, ObjectUnits):
            return {}
        atoms = [atom for atom in (part.parts if part.kind == "and" else (part,)) if is_single_key(atom)]
        required = {single_key(atom.args[0]) for atom in atoms if atom.kind == "some"}
        tags: Tags = {}
        for atom in atoms:
            name = single_key(atom.args[0])
            if name is not None and (name in required or name in units.required):
                values = self.few_values(atom.args[1])
                if values is not None:
                    tags[name] = tags.get(name, values) & values
        return tags

    def _expanded(self, clause: Formula, units: Units) -> Formula:
        """`one` or `notone` as `or`, with as few negations as the units allow."""
        formulas = self.formulas
        parts = clause.parts
        together = {
            (i, j)
            for i, j in not_told_apart([self._tags(part, units) for part in parts])
            if not self._refuted([parts[j], parts[i]], units)
        }
        if clause.kind == "one":
            return formulas.disj(
                formulas.conj(
                    [
                        part,
                        *(
                            formulas.negate(other)
                            for j, other in enumerate(parts)
                            if (max(i, j), min(i, j)) in together
                        ),
                    ]
                )
                for i, part in enumerate(parts)
            )
        return formulas.disj(
            [
                formulas.conj(map(formulas.negate, parts)),
                *(formulas.conj([parts[j], parts[i]]) for i, j in sorted(together)),
            ]
        )


def _without_redundant(found: list[Alternative]) -> tuple[Alternative, ...]:
    if not 1 < len(found) <= MAX_COMPARED:
        return tuple(found)
    contents = [alternative.contents for alternative in found]
    return tuple(
        alternative
        for i, alternative in enumerate(found)
        if not any(
            contents[j] < contents[i] or (contents[j] == contents[i] and j < i)
            for j in range(len(found))
            if j != i
        )
    )

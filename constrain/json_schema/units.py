"""A conjunction of assertions about one object, or about one array, and when it contradicts itself.

While a goal is expanded (goals.py), its certain atoms gather in `ObjectUnits` or `ArrayUnits`.  They answer
two questions: is this plainly impossible, and is that atom plainly implied?  When nothing is left to decide
they become an `ObjectAlternative` or `ArrayAlternative`, the form that the states of objects.py and arrays.py
follow.

    all({kind}, in(a)), some({kind}, T), all({kind}, in(b))     goal(kind) = in(a) and in(b): impossible
    at(0, string), mini 1                                       goal(0) = string: possible

The *goal* of a key is the conjunction of what all `all(L, f)` with the key in L say; that of an item
likewise with `at` and `from`.  `some({k}, f)` is the same as "k is required" and `all({k}, f)`, and is
taken apart, so that only an existence over several keys stays undetermined.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constrain.json_schema.formula import Formula
from constrain.json_schema.values import Value

if TYPE_CHECKING:
    from constrain.json_schema.goals import Goals

Clause = tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class ObjectAlternative:
    """One way to be an object: what holds of keys by name and by language, and what there must be."""

    order: tuple[str, ...]
    named: tuple[tuple[str, Formula], ...]
    alls: tuple[tuple[Formula, Formula], ...]
    required: tuple[str, ...]
    somes: tuple[tuple[Formula, Formula], ...]
    clauses: tuple[Clause, ...]
    low: int
    high: int | None
    excluded: frozenset[Value]

    @property
    def contents(self) -> frozenset[object]:
        """Everything it asserts, to compare alternatives by."""
        return frozenset(
            [
                *(("named", *pair) for pair in self.named),
                *(("all", *pair) for pair in self.alls),
                *(("required", name) for name in self.required),
                *(("some", *pair) for pair in self.somes),
                *(("clause", frozenset(clause)) for clause in self.clauses),
                *([("low", self.low)] if self.low else []),
                *([("high", self.high)] if self.high is not None else []),
                *(("not", value) for value in self.excluded),
            ]
        )


@dataclass(frozen=True, slots=True)
class ArrayAlternative:
    """One way to be an array."""

    at: tuple[tuple[int, Formula], ...]
    rest: tuple[tuple[int, Formula], ...]
    somes: tuple[tuple[int, Formula], ...]
    at_least: tuple[tuple[Formula, int], ...]
    at_most: tuple[tuple[Formula, int], ...]
    low: int
    high: int | None
    unique: bool
    repeated: bool
    excluded: frozenset[Value]

    @property
    def contents(self) -> frozenset[object]:
        """Everything it asserts, to compare alternatives by."""
        return frozenset(
            [
                *(("at", *pair) for pair in self.at),
                *(("rest", *pair) for pair in self.rest),
                *(("some", *pair) for pair in self.somes),
                *(("least", *pair) for pair in self.at_least),
                *(("most", *pair) for pair in self.at_most),
                *([("low", self.low)] if self.low else []),
                *([("high", self.high)] if self.high is not None else []),
                *([("unique",)] if self.unique else []),
                *([("repeated",)] if self.repeated else []),
                *(("not", value) for value in self.excluded),
            ]
        )


Alternative = ObjectAlternative | ArrayAlternative


def single_key(language: Formula) -> str | None:
    """The key of a language of one key."""
    if language.kind == "in" and len(language.args[0]) == 1:
        (value,) = language.args[0]
        name: str = value.data
        return name
    return None


def is_single_key(part: Formula) -> bool:
    """Is this `all({k}, f)` or `some({k}, f)`?"""
    return part.kind in {"all", "some"} and single_key(part.args[0]) is not None


Tags = dict[str, frozenset[Value]]
"""Keys that must be there, each with the values it may have."""


def not_told_apart(tags: Sequence[Tags]) -> Iterator[tuple[int, int]]:
    """The pairs (later, earlier) of formulas, but for those whose tags give one key different values.

    A union of 300 branches with a tag each has 45,000 pairs; sorted by their tags, none is left.
    """
    counts = Counter(name for tag in tags for name in tag)
    name = counts.most_common(1)[0][0] if counts else ""
    with_value: dict[Value, list[int]] = {}
    untagged: list[int] = []
    for i, tag in enumerate(tags):
        if name not in tag:
            yield from ((i, j) for j in range(i))
            untagged.append(i)
            continue
        alike = {j for value in tag[name] for j in with_value.get(value, ())}
        yield from ((i, j) for j in sorted(alike.union(untagged)))
        for value in tag[name]:
            with_value.setdefault(value, []).append(i)


class Units:
    """What both kinds of conjunction share."""

    def __init__(self, goals: Goals, depth: int) -> None:
        self.goals = goals
        self.depth = depth
        self.dead = False
        self.atoms: dict[Formula, None] = {}
        self.low = 0
        self.high: int | None = None
        self.excluded: frozenset[Value] = frozenset()

    def add(self, atom: Formula) -> None:
        """Take an atom in."""
        if atom in self.atoms:
            return
        if atom.negation is not None and atom.negation in self.atoms:
            self.dead = True
            return
        self.atoms[atom] = None
        if atom.kind in {"minp", "mini"}:
            self.low = max(self.low, atom.args[0])
        elif atom.kind in {"maxp", "maxi"}:
            self.high = atom.args[0] if self.high is None else min(self.high, atom.args[0])
        elif atom.kind == "nin":
            self.excluded |= atom.args[0]
        else:
            self.take(atom)
        if self.high is not None and self.low > self.high:
            self.dead = True

    def _fork_into(self, fork: Units) -> None:
        fork.dead, fork.atoms = self.dead, dict(self.atoms)
        fork.low, fork.high, fork.excluded = self.low, self.high, self.excluded

    def take(self, atom: Formula) -> None:
        """Take in an atom that only one type has."""
        raise NotImplementedError

    def fork(self) -> Units:
        """A copy to go on with."""
        raise NotImplementedError

    def is_contradictory(self) -> bool:
        """Is it plain that nothing satisfies all of it?"""
        raise NotImplementedError

    def implies(self, atom: Formula) -> bool:
        """Is it plain that this atom holds as well?"""
        raise NotImplementedError

    def finish(self, clauses: Sequence[Formula]) -> Alternative:
        """The alternative, with the clauses that were deferred."""
        raise NotImplementedError

    def _counts_imply(self, atom: Formula) -> bool:
        if atom.kind in {"minp", "mini"}:
            return self.low >= int(atom.args[0])
        return self.high is not None and self.high <= int(atom.args[0])


class ObjectUnits(Units):
    """Atoms about one object."""

    def __init__(self, goals: Goals, depth: int) -> None:
        super().__init__(goals, depth)
        self.order: dict[str, None] = {}
        self.named: dict[str, dict[Formula, None]] = {}
        self.general: dict[tuple[Formula, Formula], None] = {}
        self.required: dict[str, None] = {}
        self.somes: dict[tuple[Formula, Formula], None] = {}
        self._unchecked: dict[str, None] = {}

    def fork(self) -> ObjectUnits:
        """A copy to go on with."""
        fork = ObjectUnits(self.goals, self.depth)
        self._fork_into(fork)
        fork.order, fork.required = dict(self.order), dict(self.required)
        fork.named, fork.general = dict(self.named), dict(self.general)
        fork.somes, fork._unchecked = dict(self.somes), dict(self._unchecked)
        return fork

    def take(self, atom: Formula) -> None:
        """Take in `order`, `all` or `some`."""
        if atom.kind == "order":
            self.order.update(dict.fromkeys(atom.args[0]))
            return
        language, formula = atom.args
        name = single_key(language)
        if name is None:
            language = self.goals.key_language(language)
            name = single_key(language)
        if atom.kind == "all":
            if name is not None:
                self._hold(name, formula)
            elif language.kind == "in":
                for value in sorted(language.args[0], key=lambda value: str(value.data)):
                    self._hold(value.data, formula)
            else:
                self.general[language, formula] = None
                for required in self.required:
                    if self.goals.has_key(language, required):
                        self._unchecked[required] = None
        elif name is not None:
            self.required[name] = None
            self._hold(name, formula)
        else:
            self.somes[language, formula] = None

    def _hold(self, name: str, formula: Formula) -> None:
        if formula is not self.goals.formulas.true:
            self.named[name] = {**self.named.get(name, {}), formula: None}
        if name in self.required:
            self._unchecked[name] = None

    def goal(self, name: str) -> Formula:
        """What the value of a key must satisfy."""
        parts = [*self.named.get(name, ())]
        parts += [formula for language, formula in self.general if self.goals.has_key(language, name)]
        return self.goals.formulas.conj(parts)

    def is_contradictory(self) -> bool:
        """Is a required key impossible, or are there too many?"""
        if self.high is not None and len(self.required) > self.high:
            self.dead = True
        while self._unchecked and not self.dead:
            name, _ = self._unchecked.popitem()
            if self.goals.clearly_empty(self.goal(name), self.depth):
                self.dead = True
        return self.dead

    def implies(self, atom: Formula) -> bool:
        """Is the atom among the units, or does the goal of its key decide it?"""
        if atom in self.atoms:
            return True
        if atom.kind in {"minp", "maxp"}:
            return self._counts_imply(atom) or (
                atom.kind == "minp" and len(self.required) >= int(atom.args[0])
            )
        if not is_single_key(atom):
            return False
        language, formula = atom.args
        name = single_key(language)
        if name is None:
            return False
        if atom.kind == "some" and name not in self.required:
            return False
        goal = self.goal(name)
        if formula is self.goals.formulas.true:
            return True
        counter = self.goals.formulas.conj([goal, self.goals.formulas.negate(formula)])
        return self.goals.clearly_empty(counter, self.depth)

    def finish(self, clauses: Sequence[Formula]) -> ObjectAlternative:
        """The alternative, with the clauses that were deferred."""
        conj = self.goals.formulas.conj
        return ObjectAlternative(
            order=tuple(self.order),
            named=tuple((name, conj(formulas)) for name, formulas in self.named.items()),
            alls=tuple(self.general),
            required=tuple(self.required),
            somes=tuple(self.somes),
            clauses=tuple(clause.parts for clause in clauses),
            low=self.low,
            high=self.high,
            excluded=self.excluded,
        )


class ArrayUnits(Units):
    """Atoms about one array."""

    def __init__(self, goals: Goals, depth: int) -> None:
        super().__init__(goals, depth)
        self.at: dict[int, dict[Formula, None]] = {}
        self.rest: dict[tuple[int, Formula], None] = {}
        self.somes: dict[tuple[int, Formula], None] = {}
        self.at_least: dict[Formula, int] = {}
        self.at_most: dict[Formula, int] = {}
        self.unique = self.repeated = False

    def fork(self) -> ArrayUnits:
        """A copy to go on with."""
        fork = ArrayUnits(self.goals, self.depth)
        self._fork_into(fork)
        fork.at, fork.rest, fork.somes = dict(self.at), dict(self.rest), dict(self.somes)
        fork.at_least, fork.at_most = dict(self.at_least), dict(self.at_most)
        fork.unique, fork.repeated = self.unique, self.repeated
        return fork

    def take(self, atom: Formula) -> None:
        """Take in an atom about items."""
        kind = atom.kind
        if kind in {"at", "hasat"}:
            index, formula = atom.args
            self.at[index] = {**self.at.get(index, {}), formula: None}
            if kind == "hasat":
                self.low = max(self.low, index + 1)
        elif kind == "from":
            self.rest[atom.args] = None
        elif kind == "somefrom":
            self.somes[atom.args] = None
            self.low = max(self.low, atom.args[0] + 1)
        elif kind == "cmin":
            formula, number = atom.args
            self.at_least[formula] = max(number, self.at_least.get(formula, 0))
            self.low = max(self.low, number)
        elif kind == "cmax":
            formula, number = atom.args
            self.at_most[formula] = min(number, self.at_most.get(formula, number))
        elif kind == "uniq":
            self.unique = True
        elif kind == "nuniq":
            self.repeated = True
            self.low = max(self.low, 2)

    def goal(self, index: int) -> Formula:
        """What the item at an index must satisfy."""
        parts = [formula for start, formula in self.rest if start <= index]
        return self.goals.formulas.conj([*self.at.get(index, ()), *parts])

    def is_contradictory(self) -> bool:
        """Is an item that must exist impossible?  An impossible one that need not exist bounds the length."""
        if any(self.at_least.get(formula, 0) > most for formula, most in self.at_most.items()):
            self.dead = True
        if self.unique and self.repeated:
            self.dead = True
        indices = sorted({0, *self.at, *(start for start, _ in self.rest)})
        for index in indices:
            if self.dead or (self.high is not None and index >= self.high):
                break
            if self.goals.clearly_empty(self.goal(index), self.depth):
                self.high = index if self.high is None else min(self.high, index)
        if self.high is not None and self.low > self.high:
            self.dead = True
        return self.dead

    def implies(self, atom: Formula) -> bool:
        """Is the atom among the units, or does the goal of its item decide it?"""
        if atom in self.atoms:
            return True
        if atom.kind in {"mini", "maxi"}:
            return self._counts_imply(atom)
        if atom.kind not in {"at", "hasat"}:
            return False
        index, formula = atom.args
        if atom.kind == "hasat" and index >= self.low:
            return False
        counter = self.goals.formulas.conj([self.goal(index), self.goals.formulas.negate(formula)])
        return self.goals.clearly_empty(counter, self.depth)

    def finish(self, clauses: Sequence[Formula]) -> ArrayAlternative:
        """The alternative; arrays defer nothing."""
        conj = self.goals.formulas.conj
        return ArrayAlternative(
            at=tuple((index, conj(formulas)) for index, formulas in sorted(self.at.items())),
            rest=tuple(self.rest),
            somes=tuple(self.somes),
            at_least=tuple(self.at_least.items()),
            at_most=tuple(self.at_most.items()),
            low=self.low,
            high=self.high,
            unique=self.unique,
            repeated=self.repeated,
            excluded=self.excluded,
        )

"""One object, key by key: what may be written, and what that leaves to be done.

An `ObjectShape` is what an alternative says once and for all: the keys it names, the goal of each, and the
*cells* into which its patterns cut all other keys.  An `ObjectState` is what changes while an object is
written: which keys are still open, which are missing, and what is still owed.

    {"required": ["a"], "anyOf": [{"required": ["b"]}, {"required": ["c"]}]}

    start       missing {a}, clause b|c       close: no
    after b     missing {a}                   close: no       (c stays optional)
    after a     nothing                       close: yes

Two kinds of debt are settled by *claiming*.  When a key arrives that could settle one, the state goes on in
several ways at once: as the one that claims (the key's value must then satisfy the debt), and as the one that
leaves the debt to later keys.  The union is exact, and no way is offered that cannot be completed:

    some(L, f)              a key in L claims: its goal gains f, the debt is gone
    clause {k} f | {l} g    k claims f, or its disjunct is struck; at the end an `all` of an unseen key holds
    not one of the values V every key either differs from all of V, or equals some, and V shrinks

Keys are written at most once.  In the order of the schema, writing a key closes those before it, and any
undeclared key closes all declared ones; what is then missing cannot be completed, so it was never offered.

Source: shared ideas of Attouche et al. (2022), section 6 ("object preparation"); claiming is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from constrain.budget import spend
from constrain.continuation import lazy
from constrain.json_schema.cases import Cases
from constrain.json_schema.formula import Formula, Formulas
from constrain.json_schema.strings import spell_canonical
from constrain.json_schema.units import Clause, ObjectAlternative, single_key
from constrain.json_schema.values import STRING, Value
from constrain.literals import LiteralSet

if TYPE_CHECKING:
    from constrain.json_schema.goals import Goals

NONE: frozenset[Any] = frozenset()
"""Python makes a new empty set each time it is asked for one."""
SMALL_CELL = 16
"""Cells of at most this many keys are taken apart into named keys."""

Unknown = tuple[int, int]
"""A key whose text is not known: its cell, and a number."""


class Cell:
    """Keys without names that nothing in the alternative can tell apart: those of any of some languages."""

    def __init__(
        self, formulas: Formulas, parts: list[Formula], named: Sequence[str], goal: Formula, somes: int
    ) -> None:
        self._formulas, self._parts, self._named = formulas, parts, named
        self.goal = goal
        self.somes = somes

    @property
    def is_whole(self) -> bool:
        """Is every key in it that has no name?"""
        return self._parts == [self._formulas.true]

    @lazy
    def language(self) -> Formula:
        """The keys of the cell, as a formula about strings."""
        named = self._formulas.not_values(Value(STRING, name) for name in self._named)
        return self._formulas.conj([self._formulas.disj(self._parts), named])


class ObjectState(NamedTuple):
    """Where a half-written object stands."""

    open: int
    missing: int
    somes: int
    clauses: tuple[Clause, ...]
    written: int
    extra: frozenset[str | Unknown]
    excluded: frozenset[Value]


Way = tuple[Formula, ObjectState]
"""The goal of a key's value, and the state after it."""


class ObjectShape:
    """What stays the same while an object is written.  Named keys are numbered in writing order."""

    def __init__(self, goals: Goals, alternative: ObjectAlternative, *, ordered: bool) -> None:
        self.goals = goals
        self.alternative = alternative
        self.somes = alternative.somes
        self._named = dict(alternative.named)
        self._general = alternative.alls
        declared = dict.fromkeys((*alternative.order, *alternative.required))
        others = dict.fromkeys(name for name in self._mentioned() if name not in declared)
        cells = []
        for cell in self._partition([*declared, *others]):
            few = None if cell.is_whole else goals.scalars.finite_values(cell.language, STRING, SMALL_CELL)
            if few is None:
                cells.append(cell)
            else:
                others.update(dict.fromkeys(value.data for value in few))
        self.cells = tuple(cells)
        self.is_open = len(cells) == 1 and cells[0].is_whole
        """Is every key that has no name in one cell?"""
        self.names = (*declared, *others)
        self.index = {name: number for number, name in enumerate(self.names)}
        self.ordered = (1 << len(declared)) - 1 if ordered else 0
        self.counted = bool(alternative.low or alternative.high is not None or alternative.excluded)
        self.is_plain = not (alternative.somes or alternative.clauses or self.counted)
        """Does nothing but missing keys have to be looked after?"""
        self.asked = self.live = 0  # the named keys whose goal is known to have a value or none, and one
        self._goal: dict[int, Formula] = {}
        self._clause_keys: dict[Clause, frozenset[str | None]] = {}
        self._cases: dict[tuple[str, tuple[Clause, ...]], list[tuple[Formula, tuple[Clause, ...]]]] = {}
        self.start = ObjectState(
            open=(1 << len(self.names)) - 1,
            missing=sum(1 << self.index[name] for name in alternative.required),
            somes=(1 << len(self.somes)) - 1,
            clauses=alternative.clauses,
            written=0,
            extra=NONE,
            excluded=alternative.excluded,
        )

    @cached_property
    def literals(self) -> LiteralSet:
        """The named keys with their quotes, as canonical JSON spells them."""
        return LiteralSet([b'"' + spell_canonical(name) + b'"' for name in self.names])

    @cached_property
    def watched(self) -> int:
        """The named keys that a debt looks at, one bit each."""
        names = {
            value.data
            for clause in self.alternative.clauses
            for part in clause
            for value in part.args[0].args[0]
        }
        languages = [self.goals.key_language(language) for language, _ in self.somes]
        return sum(
            1 << number
            for number, name in enumerate(self.names)
            if name in names or any(self.goals.has_key(language, name) for language in languages)
        )

    # Keys and cells.

    def _mentioned(self) -> Iterator[str]:
        alternative = self.alternative
        yield from self._named
        for language, _ in self._general:
            yield from _names_in(language)
        for language, _ in alternative.somes:
            yield from _names_in(self.goals.key_language(language))
        for clause in alternative.clauses:
            for part in clause:
                yield from _names_in(part.args[0])
        for value in alternative.excluded:
            yield from value.order

    def _partition(self, names: list[str]) -> list[Cell]:
        """The keys without names, cut by every language that tells some of them apart."""
        goals, formulas = self.goals, self.goals.formulas
        rests = [self._rest(language) for language, _ in self._general]
        some_rests = [self._rest(goals.key_language(language)) for language, _ in self.somes]
        cuts = [rest for rest in dict.fromkeys([*rests, *some_rests]) if rest.kind not in {"true", "false"}]
        any_key = goals.view.of_value(formulas.true, STRING)
        if not cuts:
            whole = [
                goal for (_, goal), rest in zip(self._general, rests, strict=True) if rest.kind == "true"
            ]
            goal = formulas.conj(whole) if whole else formulas.true
            somes = sum(1 << number for number, rest in enumerate(some_rests) if rest.kind == "true")
            return [] if goal is formulas.false else [Cell(formulas, [any_key], names, goal, somes)]
        pieces = [any_key]
        named = formulas.not_values(Value(STRING, name) for name in names)
        for rest in cuts:
            pieces = [
                piece
                for old in pieces
                for piece in (formulas.conj([old, rest]), formulas.conj([old, formulas.negate(rest)]))
                if not goals.scalars.is_empty(formulas.conj([piece, named]), STRING)
            ]
            spend(10 * len(pieces))
        merged: dict[tuple[Formula, int], list[Formula]] = {}
        for piece in pieces:
            holds = {rest for rest in (*rests, *some_rests) if self._covers(rest, piece, named)}
            goal = formulas.conj(
                formula for (_, formula), rest in zip(self._general, rests, strict=True) if rest in holds
            )
            somes = sum(1 << number for number, rest in enumerate(some_rests) if rest in holds)
            merged.setdefault((goal, somes), []).append(piece)
        return [
            Cell(formulas, parts, names, goal, somes)
            for (goal, somes), parts in merged.items()
            if goal is not formulas.false
        ]

    def _covers(self, rest: Formula, piece: Formula, named: Formula) -> bool:
        if rest.kind in {"true", "false"}:
            return rest.kind == "true"
        formulas = self.goals.formulas
        outside = formulas.conj([piece, formulas.negate(rest), named])
        return self.goals.scalars.is_empty(outside, STRING)

    def _rest(self, language: Formula) -> Formula:
        """What a key language says of the keys that have no name here."""
        formulas = self.goals.formulas
        kind = language.kind
        if kind == "in":
            return formulas.false
        if kind == "nin":
            return formulas.true
        if kind in {"and", "or", "one", "notone"}:
            parts = [self._rest(part) for part in language.parts]
            join = {"and": formulas.conj, "or": formulas.disj, "one": formulas.one, "notone": formulas.notone}
            return join[kind](parts)
        return language

    def goal(self, number: int) -> Formula:
        """What the value of a named key must satisfy."""
        found = self._goal.get(number)
        if found is None:
            name = self.names[number]
            parts = [formula for keys, formula in self._general if self.goals.has_key(keys, name)]
            if name in self._named:
                parts.insert(0, self._named[name])
            found = self._goal[number] = parts[0] if len(parts) == 1 else self.goals.formulas.conj(parts)
        return found

    # Steps.

    def ways(self, state: ObjectState, number: int, *, ordered: bool = True) -> list[Way]:
        """What a named key may bring: goals for its value, and the states they lead to."""
        bit = 1 << number
        if not state.open & bit or self._is_full(state):
            return []
        opened = state.open & ~bit
        if ordered and self.ordered:
            opened &= ~(self.ordered & (bit - 1)) if bit & self.ordered else ~self.ordered
        if self.is_plain:
            goal = self.goal(number)
            after = ObjectState(opened, state.missing & ~bit, *state[2:])
            return [(goal, after)] if goal is not self.goals.formulas.false else []
        name = self.names[number]
        after = state._replace(
            open=opened, missing=state.missing & ~bit, written=state.written + 1 if self.counted else 0
        )
        if not bit & self.watched and not state.excluded:
            return self._tidy([(self.goal(number), after)])
        found = self._settle_clauses(name, self.goal(number), after)
        for some, (language, formula) in enumerate(self.somes):
            if state.somes >> some & 1 and self.goals.has_key(self.goals.key_language(language), name):
                found = self._settle_some(some, formula, found)
        if state.excluded:
            found = [way for goal, kept in found for way in self._differ(name, goal, kept)]
        return self._tidy(found)

    def fresh_ways(self, state: ObjectState, number: int, key: str | None) -> list[Way]:
        """What a key without a name may bring, out of this cell; None for one that is not known."""
        cell = self.cells[number]
        if self._is_full(state) or not self.has_left(state, number, 1):
            return []
        mark = key if key is not None else (number, sum(not isinstance(old, str) for old in state.extra))
        after = state._replace(
            open=state.open & ~self.ordered,
            written=state.written + 1 if self.counted else 0,
            extra=state.extra | {mark},
            excluded=NONE,
        )
        found = [(cell.goal, after)]
        for some, (_, formula) in enumerate(self.somes):
            if state.somes & cell.somes & 1 << some:
                found = self._settle_some(some, formula, found)
        return self._tidy(found)

    def _tidy(self, ways: list[Way]) -> list[Way]:
        return [way for way in dict.fromkeys(ways) if way[0] is not self.goals.formulas.false]

    def _is_full(self, state: ObjectState) -> bool:
        return self.alternative.high is not None and state.written >= self.alternative.high

    def has_left(self, state: ObjectState, number: int, needed: int) -> bool:
        """Are there this many keys of a cell that have not been written yet?"""
        cell = self.cells[number]
        written = self.written_in(state, number)
        if written + needed <= SMALL_CELL:
            return True
        size = self.goals.scalars.finite_size(cell.language, written + needed)
        return size is None or size >= written + needed

    def written_in(self, state: ObjectState, number: int) -> int:
        """How many keys of a cell have been written."""
        language = self.cells[number].language
        return sum(
            self.goals.has_key(language, key) if isinstance(key, str) else key[0] == number
            for key in state.extra
        )

    def bare(self, state: ObjectState) -> ObjectState:
        """The state without what cannot matter to its completion: which keys of large cells are written."""
        if not state.extra:
            return state
        ahead = self.alternative.low + len(self.somes) + len(self.alternative.clauses) + 1
        marks: list[str | Unknown] = []
        for number in range(len(self.cells)):
            written = self.written_in(state, number)
            if written + ahead > SMALL_CELL:
                marks += [(number, mark) for mark in range(written)]
        return state._replace(extra=frozenset(marks))

    def _settle_clauses(self, name: str, goal: Formula, state: ObjectState) -> list[Way]:
        """What a key does to the clauses that speak of it: first by its value, where they list values."""
        formulas = self.goals.formulas
        mine = tuple(clause for clause in state.clauses if name in self._keys_of(clause))
        if not mine:
            return [(goal, state)]
        others = tuple(clause for clause in state.clauses if name not in self._keys_of(clause))
        cases = [
            (holds, narrowed, left)
            for holds, left in self._by_value(name, mine)
            if not self.goals.clearly_empty(narrowed := formulas.conj([goal, holds]))
        ]
        spend(len(cases))
        if len(cases) == 1 and self._follows(goal, cases[0][0]):
            return self._claim(name, goal, state._replace(clauses=(*others, *cases[0][2])))
        return [
            way
            for _, narrowed, left in cases
            for way in self._claim(name, narrowed, state._replace(clauses=(*others, *left)))
        ]

    def _keys_of(self, clause: Clause) -> frozenset[str | None]:
        found = self._clause_keys.get(clause)
        if found is None:
            keys = frozenset(single_key(part.args[0]) for part in clause)
            found = self._clause_keys[clause] = keys
        return found

    def _by_value(self, name: str, clauses: tuple[Clause, ...]) -> list[tuple[Formula, tuple[Clause, ...]]]:
        """What a key may hold that is there, and the clauses that are left then."""
        found = self._cases.get((name, clauses))
        if found is None:
            formulas = self.goals.formulas
            cases = Cases(formulas, name, self.goals.few_values)
            found = self._cases[name, clauses] = [
                (case.holds, tuple(_parts("or", clause) for clause in _parts("and", case.left)))
                for case in cases.split(map(formulas.disj, clauses))
            ]
        return found

    def _claim(self, name: str, goal: Formula, state: ObjectState) -> list[Way]:
        """A key pays what it can of a clause, or its disjunct is struck."""
        formulas = self.goals.formulas
        ways: list[Way] = [(goal, state)]
        for clause in state.clauses:
            if name not in self._keys_of(clause):
                continue
            mine = [part for part in clause if single_key(part.args[0]) == name]
            struck = tuple(part for part in clause if part not in mine)
            settled: list[Way] = []
            for wanted, before in ways:
                paid = before._replace(clauses=tuple(other for other in before.clauses if other != clause))
                claims = [formulas.conj([wanted, part.args[1]]) for part in mine]
                if wanted in claims or any(self._follows(wanted, part.args[1]) for part in mine):
                    settled.append((wanted, paid))
                    continue
                settled += [(claim, paid) for claim in claims if not self.goals.clearly_empty(claim)]
                if struck:
                    kept = tuple(struck if other == clause else other for other in before.clauses)
                    # Exclusive where that is cheap: what meets a claim goes on as that claim only.
                    flat = [part.args[1] for part in mine if self.goals.is_flat(part.args[1])]
                    rest = formulas.conj([wanted, *map(formulas.negate, flat)])
                    if not self.goals.clearly_empty(rest):
                        settled.append((rest, before._replace(clauses=kept)))
            ways = settled
            spend(len(ways))
        return ways

    def _follows(self, goal: Formula, formula: Formula) -> bool:
        formulas = self.goals.formulas
        return self.goals.clearly_empty(formulas.conj([goal, formulas.negate(formula)]))

    def _settle_some(self, some: int, formula: Formula, ways: list[Way]) -> list[Way]:
        settled: list[Way] = []
        for goal, state in ways:
            paid = state._replace(somes=state.somes & ~(1 << some))
            claim = self.goals.formulas.conj([goal, formula])
            settled.append((claim, paid))
            if claim is not goal:
                settled.append((goal, state))
        return settled

    def _differ(self, name: str, goal: Formula, state: ObjectState) -> Iterator[Way]:
        formulas = self.goals.formulas
        groups: dict[Value, list[Value]] = {}
        for value in state.excluded:
            member = value.members.get(name)
            if member is not None:
                groups.setdefault(member, []).append(value)
        free = state._replace(excluded=NONE)
        yield formulas.conj([goal, formulas.not_values(groups)]), free
        for member, values in groups.items():
            yield formulas.conj([goal, formulas.values([member])]), state._replace(excluded=frozenset(values))

    # Ends.

    def can_close(self, state: ObjectState) -> bool:
        """May the object end here?"""
        return (
            not state.missing
            and not state.somes
            and state.written >= self.alternative.low
            and all(any(part.kind == "all" for part in clause) for clause in state.clauses)
            and not any(len(value.order) == state.written for value in state.excluded)
        )


def _parts(kind: str, formula: Formula) -> tuple[Formula, ...]:
    """The operands of a connective; of TRUE as an `and`, none."""
    if formula.kind == kind:
        return formula.parts
    return () if formula.kind == "true" else (formula,)


def _names_in(language: Formula) -> Iterator[str]:
    if language.kind in {"in", "nin"}:
        yield from sorted(value.data for value in language.args[0] if value.type == STRING)
    elif language.kind in {"and", "or", "one", "notone"}:
        for part in language.parts:
            yield from _names_in(part)

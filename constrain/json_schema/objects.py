"""One object, key by key: what may be written, and what that leaves to be done.

An `ObjectShape` is what an alternative says once and for all: the keys it names, the goal of each, and what
it says of all other keys (key_classes.py).  An `ObjectState` is what changes while an object is written:
which keys are still open, which are missing, and what is still owed.

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

Of keys without names the state keeps their texts (`extra`), so that none comes twice, and by name only those
that matter to what is left (`few`): where a language has infinitely many keys, there is always another one.
Debts over key languages need to know which other keys can still settle them, so where there are any, keys
without names are listed by kind (`cells`), and all that are written matter.

Source: shared ideas of Attouche et al. (2022), section 6 ("object preparation"); claiming is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from constrain.budget import spend
from constrain.continuation import TextClasses
from constrain.json_schema.cases import Cases
from constrain.json_schema.formula import Formula
from constrain.json_schema.key_classes import KeyClasses, Kind
from constrain.json_schema.strings import spell_canonical
from constrain.json_schema.units import Clause, ObjectAlternative, single_key
from constrain.json_schema.values import STRING, Value
from constrain.literals import LiteralSet
from constrain.text_set import NO_TEXTS, TextSet

if TYPE_CHECKING:
    from constrain.json_schema.goals import Goals

NONE: frozenset[Any] = frozenset()
"""Python makes a new empty set each time it is asked for one."""
SMALL_CELL = 16
"""Cells of at most this many keys are taken apart into named keys."""

Unknown = tuple[int, int]
"""A key whose text is not known: the number of its kind, and how many were unknown before."""


class Cell(NamedTuple):
    """Keys without names that nothing in the alternative can tell apart: those of a language."""

    language: Formula
    number: int


class ObjectState(NamedTuple):
    """Where a half-written object stands."""

    open: int
    missing: int
    somes: int
    clauses: tuple[Clause, ...]
    written: int
    extra: TextSet
    few: frozenset[str | Unknown]
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
        self.classes = KeyClasses(
            goals, self._general, [goals.key_language(language) for language, _ in self.somes]
        )
        groups = self._groups([*declared, *others]) if self.somes else [(self.classes.possible, None)]
        cells = []
        for language, kind in groups:
            few = self._few([*declared, *others], language)
            others.update(dict.fromkeys(few or ()))
            if few is None and kind is not None:
                cells.append((language, kind))
        self.cells = tuple(Cell(language, self.classes.number(kind)) for language, kind in cells)
        """The keys without names by kind, where there are debts over key languages."""
        self.names = (*declared, *others)
        self.index = {name: number for number, name in enumerate(self.names)}
        self.ordered = (1 << len(declared)) - 1 if ordered else 0
        self.counted = bool(alternative.low or alternative.high is not None or alternative.excluded)
        self.is_plain = not (alternative.somes or alternative.clauses or self.counted)
        """Does nothing but missing keys have to be looked after?"""
        self.remembers_keys = bool(self.somes) or goals.options.spelling != "canonical"
        """Do all keys without names matter?  One that may be spelled in many ways is no one text."""
        self.keys: Formula | None = None  # the language of keys without names that may come, once known
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
            extra=NO_TEXTS,
            few=NONE,
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

    def _groups(self, names: list[str]) -> list[tuple[Formula, Kind]]:
        """The keys without names by kind; all classes are listed."""
        formulas = self.goals.formulas
        merged: dict[Kind, list[Formula]] = {}
        unnamed = formulas.not_values(Value(STRING, name) for name in names)
        for language, kind in self.classes.occurring(names, lambda goal: goal is not formulas.false):
            merged.setdefault(kind, []).append(language)
        return [
            (formulas.conj([formulas.disj(languages), unnamed]), kind) for kind, languages in merged.items()
        ]

    def _few(self, names: list[str], language: Formula) -> list[str] | None:
        """The keys of a language that have no name, if they are few."""
        formulas = self.goals.formulas
        if language.kind in {"true", "false"}:
            return None if language.kind == "true" else []
        rest = formulas.conj([language, formulas.not_values(Value(STRING, name) for name in names)])
        found = self.goals.scalars.finite_values(rest, STRING, SMALL_CELL)
        return None if found is None else [value.data for value in found]

    @cached_property
    def others(self) -> TextClasses:
        """The classes of keys without names; a kind is followed by its number behind those of the names."""
        return self.classes.texts(len(self.names))

    @cached_property
    def any_kind(self) -> int:
        """The number of a kind that stands for any whose goal is live, where nothing depends on which."""
        return self.classes.number((self.goals.formulas.true, 0))

    @cached_property
    def unnamed(self) -> Formula:
        """The language of all keys that have no name."""
        return self.goals.formulas.not_values(Value(STRING, name) for name in self.names)

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

    def ways(self, state: ObjectState, number: int, *, ordered: bool = True) -> Iterator[Way]:
        """What a named key may bring: goals for its value, and the states they lead to, one by one."""
        bit = 1 << number
        if not state.open & bit or self._is_full(state):
            return
        opened = state.open & ~bit
        if ordered and self.ordered:
            opened &= ~(self.ordered & (bit - 1)) if bit & self.ordered else ~self.ordered
        written = state.written + 1 if self.counted else 0
        after = state._replace(open=opened, missing=state.missing & ~bit, written=written)
        found: Iterable[Way] = [(self.goal(number), after)]
        if not self.is_plain and (bit & self.watched or state.excluded):
            found = self._settle(self.names[number], self.goal(number), after)
        seen = set()
        for way in found:
            if way not in seen and way[0] is not self.goals.formulas.false:
                seen.add(way)
                yield way

    def _settle(self, name: str, goal: Formula, state: ObjectState) -> Iterator[Way]:
        found = self._settle_clauses(name, goal, state)
        for some, (language, formula) in enumerate(self.somes):
            if state.somes >> some & 1 and self.goals.has_key(self.goals.key_language(language), name):
                found = self._settle_some(some, formula, found)
        for wanted, kept in found:
            yield from self._differ(name, wanted, kept) if state.excluded else [(wanted, kept)]

    def fresh_ways(self, state: ObjectState, number: int, key: str | None, text: bytes | None) -> list[Way]:
        """What a key without a name may bring, of the kind with this number.

        `key` is its name where that matters to what is left, `text` how it is written; both are None for
        one that is not known.
        """
        if self._is_full(state):
            return []
        goal, settles = self.classes.kinds[number]
        few = state.few
        if key is not None or text is None:
            few |= {(number, self.unknown(state)) if key is None else key}
        after = ObjectState(
            state.open & ~self.ordered,
            state.missing,
            state.somes,
            state.clauses,
            state.written + 1 if self.counted else 0,
            state.extra if text is None else state.extra.plus(text),
            few,
            NONE,
        )
        found: Iterable[Way] = [(goal, after)]
        for some, (_, formula) in enumerate(self.somes):
            if state.somes & settles & 1 << some:
                found = self._settle_some(some, formula, found)
        return self._tidy(found)

    def unknown(self, state: ObjectState) -> int:
        """How many keys are written whose texts are not known."""
        return sum(not isinstance(key, str) for key in state.few)

    def _tidy(self, ways: Iterable[Way]) -> list[Way]:
        return [way for way in dict.fromkeys(ways) if way[0] is not self.goals.formulas.false]

    def _is_full(self, state: ObjectState) -> bool:
        return self.alternative.high is not None and state.written >= self.alternative.high

    def has_left(self, state: ObjectState, cell: Cell, needed: int) -> bool:
        """Are there this many keys of a cell that have not been written yet?"""
        written = self._written_in(state, cell)
        if written + needed <= SMALL_CELL:
            return True
        size = self.goals.scalars.finite_size(cell.language, written + needed)
        return size is None or size >= written + needed

    def _written_in(self, state: ObjectState, cell: Cell) -> int:
        """How many keys of a cell have been written."""
        return sum(
            self.goals.has_key(cell.language, key) if isinstance(key, str) else key[0] == cell.number
            for key in state.few
        )

    def bare(self, state: ObjectState) -> ObjectState:
        """The state without what cannot matter to its completion: which keys of large cells are written."""
        if self.alternative.high is None and not state.excluded and state.written > self.alternative.low:
            state = state._replace(written=self.alternative.low)
        if not self.somes:
            return state._replace(extra=NO_TEXTS)
        ahead = self.alternative.low + len(self.somes) + len(self.alternative.clauses) + 1
        marks: list[str | Unknown] = []
        for cell in self.cells:
            written = self._written_in(state, cell)
            if written + ahead > SMALL_CELL:
                marks += [(cell.number, mark) for mark in range(written)]
        return state._replace(extra=NO_TEXTS, few=frozenset(marks))

    def _settle_clauses(self, name: str, goal: Formula, state: ObjectState) -> Iterator[Way]:
        """What a key does to the clauses that speak of it: first by its value, where they list values."""
        formulas = self.goals.formulas
        spend(len(state.clauses) >> 2)
        mine: list[Clause] = []
        others: list[Clause] = []
        for clause in state.clauses:
            (mine if name in self._keys_of(clause) else others).append(clause)
        if not mine:
            yield goal, state
            return
        after = state._replace(clauses=tuple(others))
        cases = [
            (holds, narrowed, left)
            for holds, left in self._by_value(name, tuple(mine))
            if not self.goals.clearly_empty(narrowed := formulas.conj([goal, holds]))
        ]
        spend(len(cases))
        if len(cases) == 1 and self._follows(goal, cases[0][0]):
            cases = [(cases[0][0], goal, cases[0][2])]
        for _, narrowed, left in cases:
            yield from self._claim(name, narrowed, left, after)

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

    def _claim(
        self, name: str, goal: Formula, clauses: tuple[Clause, ...], state: ObjectState
    ) -> Iterator[Way]:
        """A key pays what it can of each clause, or its disjunct is struck."""
        formulas = self.goals.formulas
        pending: list[tuple[Formula, int, tuple[Clause, ...]]] = [(goal, 0, ())]
        while pending:
            wanted, number, kept = pending.pop()
            if number == len(clauses):
                yield wanted, state._replace(clauses=(*state.clauses, *kept))
                continue
            clause, number = clauses[number], number + 1
            if name not in self._keys_of(clause):
                pending.append((wanted, number, (*kept, clause)))
                continue
            spend()
            mine = [part for part in clause if single_key(part.args[0]) == name]
            struck = tuple(part for part in clause if part not in mine)
            claims = [formulas.conj([wanted, part.args[1]]) for part in mine]
            if wanted in claims or any(self._follows(wanted, part.args[1]) for part in mine):
                pending.append((wanted, number, kept))
                continue
            if struck:
                # Exclusive where that is cheap: what meets a claim goes on as that claim only.
                flat = [part.args[1] for part in mine if self.goals.is_flat(part.args[1])]
                rest = formulas.conj([wanted, *map(formulas.negate, flat)])
                if not self.goals.clearly_empty(rest):
                    pending.append((rest, number, (*kept, struck)))
            for claim in reversed(claims):
                if not self.goals.clearly_empty(claim):
                    pending.append((claim, number, kept))

    def _follows(self, goal: Formula, formula: Formula) -> bool:
        formulas = self.goals.formulas
        return self.goals.clearly_empty(formulas.conj([goal, formulas.negate(formula)]))

    def _settle_some(self, some: int, formula: Formula, ways: Iterable[Way]) -> Iterator[Way]:
        for goal, state in ways:
            paid = state._replace(somes=state.somes & ~(1 << some))
            claim = self.goals.formulas.conj([goal, formula])
            yield claim, paid
            if claim is not goal:
                yield goal, state

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

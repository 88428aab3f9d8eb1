"""One array, item by item: what may be written, and what that leaves to be done.

An `ArrayShape` is what an alternative says once and for all, an `ArrayState` where a half-written array
stands:

    {"prefixItems": [A], "items": B, "contains": C, "minItems": 2}

    index 0     goal A, or A and C (claims `contains`)      close: no
    index 1     goal B, or B and C                          close: no
    index 2     goal B if C was claimed, else B and C too   close: if C was claimed

Debts are settled by claiming, as in objects.py: `contains` (an item may claim to be one of those counted;
below a maximum, every item either is counted or satisfies the negation), an item that must exist
somewhere, and the exclusion of whole arrays.  Two keywords need the *values* of earlier items:

    uniqueItems        an item's goal excludes the values already written (`seen`)
    its negation       some item equals an earlier one: an item may claim to equal one of those written

A goal that excludes a thousand values is costly to make, and there would be one for each item.  So of an
array that owes nothing else, a text is kept instead of the value where that says the same: it is refused when
it comes again, as a key is (`written`).  That is not enough where a text begins like few others, since no
item may be begun that only written ones complete:

    integers     after 12      123, 1234, ... can follow        `12` is written
    0 to 99      after 12      nothing can                      12 is seen

Beyond the last index that anything mentions, states repeat, so an unbounded array has finitely many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import TYPE_CHECKING

from constrain.budget import spend
from constrain.json_schema.finite import is_vast
from constrain.json_schema.formula import Formula
from constrain.json_schema.numbers import spellings
from constrain.json_schema.strings import spell_canonical
from constrain.json_schema.units import ArrayAlternative
from constrain.json_schema.values import NUMBER, STRING, Value
from constrain.regular.automaton import shared_automaton
from constrain.regular.terms import EMPTY, Term
from constrain.text_set import NO_TEXTS, TextSet

if TYPE_CHECKING:
    from constrain.json_schema.goals import Goals

FEW_DEBTS = 3
"""So many debts may an item claim or not, each for itself; of more it claims those that it pays."""

UNKNOWN = Value(0, None)
"""A value whose text is not known."""


@dataclass(frozen=True, slots=True)
class ArrayState:
    """Where a half-written array stands."""

    index: int
    somes: int
    at_least: tuple[int, ...]
    at_most: tuple[int, ...]
    seen: frozenset[Value]
    written: TextSet
    repeated: bool
    excluded: frozenset[Value]


Way = tuple[Formula, ArrayState]
"""The goal of an item, and the state after it (without the item's value, which `saw` adds)."""


class ArrayShape:
    """What stays the same while an array is written."""

    def __init__(self, goals: Goals, alternative: ArrayAlternative) -> None:
        self.goals = goals
        self.alternative = alternative
        self.horizon = max(
            0,
            *(index + 1 for index, _ in alternative.at),
            *(start for start, _ in alternative.rest),
            *(start for start, _ in alternative.somes),
        ) if alternative.at or alternative.rest or alternative.somes else 0  # fmt: skip
        longest = max((len(value.items) + 1 for value in alternative.excluded), default=0)
        self.last = max(self.horizon, alternative.low, longest)
        self.records = alternative.unique or alternative.repeated
        self.start = ArrayState(
            index=0,
            somes=(1 << len(alternative.somes)) - 1,
            at_least=tuple(number for _, number in alternative.at_least),
            at_most=tuple(number for _, number in alternative.at_most),
            seen=frozenset(),
            written=NO_TEXTS,
            repeated=not alternative.repeated,
            excluded=alternative.excluded,
        )
        owes = alternative.somes or alternative.at_least or alternative.at_most or alternative.excluded
        self._keeps_texts = alternative.unique and not owes and goals.options.spelling == "canonical"
        self._terminals: dict[tuple[int, int], tuple[Term, ...]] = {}
        self._goal: dict[int, Formula] = {}
        self._at: dict[int, list[Formula]] = {}
        for place, formula in alternative.at:
            self._at.setdefault(place, []).append(formula)

    @property
    def is_plain(self) -> bool:
        """Does nothing but the length have to be looked after?"""
        alternative = self.alternative
        return not (
            alternative.somes
            or alternative.at_least
            or alternative.at_most
            or self.records
            or alternative.excluded
        )

    def goal(self, index: int) -> Formula:
        """What the item at an index must satisfy."""
        index = min(index, self.horizon)
        found = self._goal.get(index)
        if found is None:
            alternative = self.alternative
            parts = [formula for start, formula in alternative.rest if start <= index]
            spend(len(alternative.rest) >> 3)
            parts = [*self._at.get(index, ()), *parts]
            found = self._goal[index] = self.goals.formulas.conj(parts)
        return found

    def ways(self, state: ArrayState) -> list[Way]:
        """What the next item may be, and the states that leads to."""
        alternative, formulas = self.alternative, self.goals.formulas
        if alternative.high is not None and state.index >= alternative.high:
            return []
        after = state.index + 1
        if alternative.high is None:
            after = min(after, self.last)
        found: list[Way] = [(self.goal(state.index), replace(state, index=after))]
        owed = state.somes.bit_count() + sum(map(bool, state.at_least))
        for some, (start, formula) in enumerate(alternative.somes):
            if state.somes >> some & 1 and start <= state.index:
                found = self._split(found, partial(self._claim, some, formula, owed > FEW_DEBTS), owed)
        for formula in self._counted():
            found = self._split(found, partial(self._count, formula, owed > FEW_DEBTS), owed)
        if alternative.unique:
            others = formulas.not_values(state.seen - {UNKNOWN})
            found = [(formulas.conj([goal, others]), kept) for goal, kept in found]
        elif not state.repeated:
            same = formulas.values(state.seen - {UNKNOWN})
            done = [
                (formulas.conj([goal, same]), replace(kept, repeated=True, seen=frozenset()))
                for goal, kept in found
            ]
            found = [*done, *found]
        if state.excluded:
            found = [way for goal, kept in found for way in self._differ(state.index, goal, kept)]
        return [way for way in dict.fromkeys(found) if way[0] is not formulas.false]

    def _split(
        self, ways: list[Way], split: Callable[[Formula, ArrayState], Iterator[Way]], owed: int
    ) -> list[Way]:
        """Each way, split in two; with many debts, only those that may have an item."""
        found = [way for goal, kept in ways for way in split(goal, kept)]
        spend(3 * len(found))
        if owed <= FEW_DEBTS:
            return found
        return [way for way in found if not self.goals.clearly_empty(way[0])]

    def _claim(
        self, some: int, formula: Formula, only_if_not: bool, goal: Formula, state: ArrayState
    ) -> Iterator[Way]:
        """The item that must exist is this one, or another one."""
        conj = self.goals.formulas.conj
        yield conj([goal, formula]), replace(state, somes=state.somes & ~(1 << some))
        yield self._unclaimed(formula, only_if_not, goal), state

    def _unclaimed(self, formula: Formula, only_if_not: bool, goal: Formula) -> Formula:
        """The goal of an item that claims nothing for a formula.

        Whatever a claim leads to is no worse than without.  So of many debts an item may be made to claim all
        that it pays: then the ways are the cells that the formulas cut its values into, and not all subsets.
        """
        if only_if_not and self.goals.is_flat(formula):
            return self.goals.formulas.conj([goal, self.goals.formulas.negate(formula)])
        return goal

    def _counted(self) -> list[Formula]:
        alternative = self.alternative
        return list(dict.fromkeys(formula for formula, _ in (*alternative.at_least, *alternative.at_most)))

    def _count(self, formula: Formula, only_if_not: bool, goal: Formula, state: ArrayState) -> Iterator[Way]:
        """The item is one of those counted, or not."""
        formulas, alternative = self.goals.formulas, self.alternative
        owed = tuple(
            max(0, left - (counted is formula))
            for left, (counted, _) in zip(state.at_least, alternative.at_least, strict=True)
        )
        room = tuple(
            left - (counted is formula)
            for left, (counted, _) in zip(state.at_most, alternative.at_most, strict=True)
        )
        if room != state.at_most:
            if min(room) >= 0:
                yield formulas.conj([goal, formula]), replace(state, at_least=owed, at_most=room)
            yield formulas.conj([goal, formulas.negate(formula)]), state
        elif owed != state.at_least:
            yield formulas.conj([goal, formula]), replace(state, at_least=owed)
            yield self._unclaimed(formula, only_if_not, goal), state
        else:
            yield goal, state

    def _differ(self, index: int, goal: Formula, state: ArrayState) -> Iterator[Way]:
        formulas = self.goals.formulas
        groups: dict[Value, list[Value]] = {}
        for value in state.excluded:
            if index < len(value.items):
                groups.setdefault(value.items[index], []).append(value)
        free = replace(state, excluded=frozenset())
        yield formulas.conj([goal, formulas.not_values(groups)]), free
        for item, values in groups.items():
            yield formulas.conj([goal, formulas.values([item])]), replace(state, excluded=frozenset(values))

    def saw(self, state: ArrayState, value: Value) -> ArrayState:
        """The state after an item, once its value is known."""
        if not self.records or (self.alternative.repeated and state.repeated):
            return state
        if self._keeps_texts and value.type & (STRING | NUMBER):
            texts = _texts(value)
            if all(
                _has_room(term, text) for term in self._to_come(state.index, value.type) for text in texts
            ):
                return replace(state, written=reduce(TextSet.plus, texts, state.written))
        return replace(state, seen=state.seen | {value})

    def _to_come(self, index: int, kind: int) -> tuple[Term, ...]:
        """The texts of one type that items may be from an index on."""
        index = min(index, self.horizon)
        found = self._terminals.get((index, kind))
        if found is None:
            scalars, view = self.goals.scalars, self.goals.view
            goals = dict.fromkeys(self.goal(place) for place in range(index, self.horizon + 1))
            terms = (scalars.terminal(view.of_value(goal, kind), kind) for goal in goals)
            found = self._terminals[index, kind] = tuple(term for term in terms if term is not EMPTY)
        return found

    def can_close(self, state: ArrayState) -> bool:
        """May the array end here?"""
        return (
            state.index >= self.alternative.low
            and not state.somes
            and not any(state.at_least)
            and state.repeated
            and not any(len(value.items) == state.index for value in state.excluded)
        )


def _texts(value: Value) -> list[bytes]:
    """The canonical texts of a string or a number."""
    return spellings(value.data) if value.type == NUMBER else [b'"' + spell_canonical(value.data) + b'"']


def _has_room(term: Term, text: bytes) -> bool:
    """Are there texts beyond number wherever this one begins, or is it none of the terminal's?"""
    automaton = shared_automaton()
    state = automaton.state(term)
    states = [state]
    for byte in text:
        state = automaton.step(state, byte)
        states.append(state)
    if not automaton.accepting[state]:
        return True
    if not automaton.extensible(state):
        states.pop()
    return is_vast(automaton.term(states[-1]))

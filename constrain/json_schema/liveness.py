"""Which goals have a value, which half-written objects and arrays can be completed, and by what.

The searches here follow the same states that a mask follows (objects.py, arrays.py), without text: a goal is
live when one of its types is, an alternative when its first state can be completed, and a state when it may
close, or when some key or item with a live goal leads to one that can be completed.

The search is not blind.  In an object the missing keys come first, then whatever an open debt asks for,
then fillers up to the least number of keys; the order of writing does not matter to what a set of keys can
settle.  In an array the items come one by one, and once no debt is left, all remaining items are fillers.

`uniqueItems` needs more than liveness: items whose goals have few values may compete for them.  The search
collects those goals on the way, and at the end they must find distinct values (matching.py); goals with more
values than there are items never compete.

Source: Attouche et al. (2022), section 7.
Cost: plain objects and arrays, nearly all of them, are answered without a search, and most schemas from their
keywords (plainly.py).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from constrain.budget import spend
from constrain.continuation import bits
from constrain.json_schema.arrays import UNKNOWN, ArrayShape, ArrayState
from constrain.json_schema.emptiness import Fixpoint
from constrain.json_schema.finite import is_vast
from constrain.json_schema.formula import Formula
from constrain.json_schema.goals import Goals
from constrain.json_schema.listing import list_values
from constrain.json_schema.matching import has_matching
from constrain.json_schema.objects import SMALL_CELL, Cell, ObjectShape, ObjectState
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.plainly import lives_at_sight, plainly_lives
from constrain.json_schema.references import Node
from constrain.json_schema.strings import spell_canonical
from constrain.json_schema.units import ObjectAlternative
from constrain.json_schema.values import ARRAY, OBJECT, SCALAR_TYPES, Value
from constrain.text_set import NO_TEXTS

Key = TypeVar("Key", bound=Hashable)
Few = tuple[tuple[Formula, int], ...]
"""Goals with few values, and how many items each has."""


class Liveness:
    """Liveness of goals, shapes and states; the shapes of alternatives, too."""

    def __init__(self, goals: Goals, options: JsonOptions) -> None:
        self.goals = goals
        self.options = options
        self.fixpoint = Fixpoint()
        self._objects: dict[Formula, tuple[ObjectShape, ...]] = {}
        self._arrays: dict[Formula, tuple[ArrayShape, ...]] = {}

    # Goals.

    def is_live(self, goal: Formula) -> bool:
        """Does some value satisfy the goal?"""
        formulas = self.goals.formulas
        if goal is formulas.true or goal is formulas.false:
            return goal is formulas.true
        if goal.kind == "ref" and lives_at_sight(goal.args[0].contents, self.options):
            return True
        return self.fixpoint.ask(goal, lambda: self._has_value(goal))

    def _has_value(self, goal: Formula) -> bool:
        return self._lives_plainly(goal) or self._lives_somehow(goal)

    def _lives_plainly(self, goal: Formula) -> bool:
        def lives(node: Node) -> bool:
            return self.is_live(self.goals.view.translator.reference(node))

        return goal.kind == "ref" and plainly_lives(goal.args[0], self.options, lives)

    def _lives_somehow(self, goal: Formula) -> bool:
        for kind in SCALAR_TYPES:
            seen = self.goals.view.of_value(goal, kind)
            if seen is not self.goals.formulas.false and not self.goals.scalars.is_empty(seen, kind):
                return True
        return any(self._array_lives(shape) for shape in self.array_shapes(goal)) or any(
            self._object_lives(shape) for shape in self.object_shapes(goal)
        )

    def object_shapes(self, goal: Formula) -> tuple[ObjectShape, ...]:
        """The ways for a goal to be an object; some may not be live."""
        found = self._objects.get(goal)
        if found is None:
            ordered = self.options.property_order == "schema"
            found = self._objects[goal] = tuple(
                ObjectShape(self.goals, alternative, ordered=ordered)
                for alternative in self.goals.alternatives(goal, OBJECT)
                if isinstance(alternative, ObjectAlternative)
            )
        return found

    def array_shapes(self, goal: Formula) -> tuple[ArrayShape, ...]:
        """The ways for a goal to be an array; some may not be live."""
        found = self._arrays.get(goal)
        if found is None:
            found = self._arrays[goal] = tuple(
                ArrayShape(self.goals, alternative)
                for alternative in self.goals.alternatives(goal, ARRAY)
                if not isinstance(alternative, ObjectAlternative)
            )
        return found

    def live_objects(self, goal: Formula) -> list[ObjectShape]:
        """The ways for a goal to be an object that have a value."""
        return [shape for shape in self.object_shapes(goal) if self._object_lives(shape)]

    def live_arrays(self, goal: Formula) -> list[ArrayShape]:
        """The ways for a goal to be an array that have a value."""
        return [shape for shape in self.array_shapes(goal) if self._array_lives(shape)]

    def _object_lives(self, shape: ObjectShape) -> bool:
        return self.can_complete_object(shape, shape.start)

    def _array_lives(self, shape: ArrayShape) -> bool:
        return self.can_complete_array(shape, shape.start)

    # Objects.

    def object_ways(
        self, shape: ObjectShape, state: ObjectState, number: int
    ) -> list[tuple[Formula, ObjectState]]:
        """What a named key may bring that can be completed."""
        return [way for way in shape.ways(state, number) if self._can_go(shape, way)]

    def _can_go(self, shape: ObjectShape, way: tuple[Formula, ObjectState]) -> bool:
        goal, after = way
        return self.is_live(goal) and self.can_complete_object(shape, after)

    def live_names(self, shape: ObjectShape, names: int) -> int:
        """Those of these named keys whose goal has a value, one bit each; asked while no search is open."""
        for number in bits(names & ~shape.asked):
            shape.live |= self.is_live(shape.goal(number)) << number
            shape.asked |= 1 << number  # once it is known: the question may end in a limit
        return names & shape.live

    def may_come(self, shape: ObjectShape, state: ObjectState, number: int) -> bool:
        """May this open key come now, in an object that can be completed?

        A key that no debt looks at is not in the way of any, unless it closes keys: one that a debt looks at,
        or some that are needed to reach the least number.
        """
        free = shape.alternative.high is None and not state.excluded and not shape.watched & 1 << number
        closes = shape.ordered and (state.open & shape.watched or state.written + 1 < shape.alternative.low)
        if free and not closes:
            return self.is_live(shape.goal(number))
        return any(self._can_go(shape, way) for way in shape.ways(state, number))

    def other_keys(self, shape: ObjectShape, state: ObjectState) -> Formula:
        """The language of keys without names that may come now; asked while no search is open."""
        formulas = self.goals.formulas
        if state.missing & shape.ordered or shape.classes.possible is formulas.false:
            return formulas.false
        if shape.somes:
            cells = (cell for cell in shape.cells if self.fresh_ways(shape, state, cell.number, None, None))
            return formulas.disj(cell.language for cell in cells)
        if shape.keys is None:
            shape.keys = shape.classes.language(self.is_live)
        if shape.is_plain or any(self._filled(shape, state)):
            return shape.keys
        return formulas.false

    def has_endless_keys(self, shape: ObjectShape, keys: Formula) -> bool:
        """Are there more keys in this language of keys without names than can be written?"""
        return keys.kind == "true" or is_vast(self.goals.scalars.string_language(keys))

    def matters(self, shape: ObjectShape, name: str) -> bool:
        """Does a key without a name matter to which others can come, now that it is written?

        It does unless more keys begin with it than can be written.
        """
        if shape.remembers_keys:
            return True
        assert shape.keys is not None, "a key is read where keys are offered"
        if shape.keys.kind == "true":
            return False
        left = self.goals.scalars.string_language(shape.keys)
        for byte in spell_canonical(name):
            left = left.derivative(byte)
        return not is_vast(left)

    def fresh_ways(
        self, shape: ObjectShape, state: ObjectState, number: int, key: str | None, text: bytes | None
    ) -> list[tuple[Formula, ObjectState]]:
        """What a key without a name may bring that can be completed."""
        return [way for way in self._left_ways(shape, state, number, key, text) if self._can_go(shape, way)]

    def _left_ways(
        self, shape: ObjectShape, state: ObjectState, number: int, key: str | None, text: bytes | None
    ) -> list[tuple[Formula, ObjectState]]:
        """What a key without a name brings; nothing if it is not known, and none of its kind is left."""
        if text is None and key is None and shape.somes:
            cell = next(cell for cell in shape.cells if cell.number == number)
            if not shape.has_left(state, cell, 1):
                return []
        return shape.fresh_ways(state, number, key, text)

    def cells(self, shape: ObjectShape) -> Iterable[Cell]:
        """The keys without names by kind, those with a live goal; some kinds may come more than once."""
        if shape.somes:
            return shape.cells
        found = shape.classes.occurring(shape.names, self.is_live)
        return (
            Cell(self.goals.formulas.conj([language, shape.unnamed]), shape.classes.number(kind))
            for language, kind in found
        )

    def others_left(self, shape: ObjectShape, state: ObjectState, needed: int) -> bool:
        """Are there so many keys without names that have not been written, and whose goal is live?"""
        if shape.somes:
            return any(
                self.is_live(shape.classes.kinds[cell.number][0]) and shape.has_left(state, cell, needed)
                for cell in shape.cells
            )
        classes, formulas = shape.classes, self.goals.formulas
        enough, total = needed + len(state.few), 0
        all_live = self.is_live(classes.together)
        several = [classes.possible] if all_live else (cell.language for cell in self.cells(shape))
        for language in several:
            keys = formulas.conj([language, shape.unnamed])
            is_open = keys.kind in {"true", "nin"}
            size = None if is_open else self.goals.scalars.finite_size(keys, enough)
            if size is None or (total := total + size) >= enough:
                return True
        return False

    def _filled(self, shape: ObjectShape, state: ObjectState) -> Iterator[bool]:
        """Can the object be completed behind a key without a name?  It does not matter which."""
        if self.others_left(shape, state, 1):
            for _, after in shape.fresh_ways(state, shape.any_kind, None, None):
                yield self.can_complete_object(shape, after)

    def can_complete_object(self, shape: ObjectShape, state: ObjectState) -> bool:
        """Can a half-written object be completed?"""
        if state.missing & ~state.open:
            return False
        if shape.can_close(state):
            return True
        if shape.is_plain:
            return all(self.is_live(shape.goal(number)) for number in bits(state.missing))
        return self.fixpoint.ask((shape, shape.bare(state)), lambda: self._search_object(shape, state))

    def _search_object(self, shape: ObjectShape, state: ObjectState) -> bool:
        high = shape.alternative.high
        if high is not None and state.written + state.missing.bit_count() > high:
            return False
        return any(self._can_go(shape, way) for way in self._useful_ways(shape, state))

    def _useful_ways(self, shape: ObjectShape, state: ObjectState) -> Iterator[tuple[Formula, ObjectState]]:
        """The steps towards closing: missing keys, then debts, then fillers."""
        if state.missing:
            number = (state.missing & -state.missing).bit_length() - 1
            yield from shape.ways(state, number, ordered=False)
            return
        if state.somes:
            some = (state.somes & -state.somes).bit_length() - 1
            language = self.goals.key_language(shape.somes[some][0])
            for number in bits(state.open):
                if self.goals.has_key(language, shape.names[number]):
                    yield from self._paying(shape.ways(state, number, ordered=False), some)
            for cell in shape.cells:
                if shape.classes.kinds[cell.number][1] >> some & 1:
                    yield from self._paying(self._left_ways(shape, state, cell.number, None, None), some)
            return
        for clause in state.clauses:
            if any(part.kind == "all" for part in clause):
                continue
            for part in clause:
                (value,) = part.args[0].args[0]
                for goal, after in shape.ways(state, shape.index[value.data], ordered=False):
                    if clause not in after.clauses:
                        yield goal, after
            return
        if self._can_fill_freely(shape, state):
            yield (
                self.goals.formulas.true,
                state._replace(written=shape.alternative.low, excluded=frozenset()),
            )
            return
        for number in bits(state.open):
            yield from shape.ways(state, number, ordered=False)
        for cell in shape.cells:
            yield from self._left_ways(shape, state, cell.number, None, None)
        if not shape.somes and self.others_left(shape, state, 1):
            yield from shape.fresh_ways(state, shape.any_kind, None, None)

    def _paying(
        self, ways: Iterable[tuple[Formula, ObjectState]], some: int
    ) -> Iterator[tuple[Formula, ObjectState]]:
        return (way for way in ways if not way[1].somes >> some & 1)

    def _can_fill_freely(self, shape: ObjectShape, state: ObjectState) -> bool:
        """Can the least number of keys be reached with keys that no debt looks at?"""
        if state.excluded:
            return False
        needed = shape.alternative.low - state.written
        for number in bits(state.open & ~shape.watched):
            if needed <= 0:
                break
            if self.is_live(shape.goal(number)):
                needed -= 1
        if needed <= 0:
            return True
        return self.others_left(shape, state, needed)

    # Arrays.

    def array_ways(self, shape: ArrayShape, state: ArrayState) -> list[tuple[Formula, ArrayState]]:
        """What the next item may be that can be completed, whatever value it takes."""
        found = []
        for goal, after in shape.ways(state):
            if shape.alternative.unique:
                found += self._unique_way(shape, goal, after)
            elif not after.repeated:
                found += self._repeatable_ways(shape, goal, after)
            elif self.is_live(goal) and self.can_complete_array(shape, after):
                found.append((goal, after))
        return found

    def can_complete_array(self, shape: ArrayShape, state: ArrayState) -> bool:
        """Can a half-written array be completed?"""
        if shape.can_close(state):
            return True
        if state.repeated is False:
            return self._can_repeat(shape, state)
        question = (shape, replace(state, seen=state.seen - {UNKNOWN}, written=NO_TEXTS))
        return self.fixpoint.ask(question, lambda: self._search_array(shape, state))

    def _search_array(self, shape: ArrayShape, state: ArrayState, spare: int = 0) -> bool:
        """Depth first, what pays the most debts before the others, and as often as it pays at once."""
        if self._debts_come_one_by_one(shape, state):
            return True
        pending: list[tuple[ArrayState, Few]] = [(replace(state, seen=frozenset()), ())]
        visited = set(pending)
        while pending:
            here, few = pending.pop()
            if shape.can_close(here):
                if self._can_differ(few, state.seen, spare):
                    return True
                continue
            rest = self._fillers(shape, here)
            if rest is not None:
                goal, number = rest
                competing = self._competing(shape, few, goal, number)
                if self.is_live(goal) and self._can_differ(competing, state.seen, spare):
                    return True
                continue
            ways = [(goal, after) for goal, after in shape.ways(here) if self.is_live(goal)]
            for goal, after in sorted(ways, key=lambda way: _owed(way[1]), reverse=True):
                times = _times(shape, here, after)
                for number in (1, times) if times > 1 else (1,):
                    there = _moved(here, after, number), self._competing(shape, few, goal, number)
                    if there not in visited:
                        visited.add(there)
                        pending.append(there)
                        spend(4)
        return False

    def _debts_come_one_by_one(self, shape: ArrayShape, state: ArrayState) -> bool:
        """Is there room for an item for each debt, and are they all possible?  Where nothing else counts."""
        alternative = shape.alternative
        if alternative.unique or alternative.at_most or state.excluded or state.index < shape.horizon:
            return False
        owed = [formula for some, (_, formula) in enumerate(alternative.somes) if state.somes >> some & 1]
        counted = zip(alternative.at_least, state.at_least, strict=True)
        counts = [(formula, left) for (formula, _), left in counted if left]
        needed = state.index + len(owed) + sum(left for _, left in counts)
        if alternative.high is not None and needed > alternative.high:
            return False
        goal, conj = shape.goal(state.index), self.goals.formulas.conj
        spend(len(owed) + len(counts))
        return self.is_live(goal) and all(
            self.is_live(conj([goal, formula])) for formula in (*owed, *(formula for formula, _ in counts))
        )

    def _fillers(self, shape: ArrayShape, state: ArrayState) -> tuple[Formula, int] | None:
        """The goal and number of the items still needed, once no debt is left."""
        if state.somes or any(state.at_least) or state.excluded or state.index < shape.horizon:
            return None
        if not state.repeated or shape.alternative.at_most:
            return None
        high, low = shape.alternative.high, shape.alternative.low
        return (shape.goal(state.index), low - state.index) if high is None or low <= high else None

    # Distinct items.

    def _competing(self, shape: ArrayShape, few: Few, goal: Formula, number: int) -> Few:
        """And so many items of a goal, if they must differ and it has few values."""
        if not shape.alternative.unique or self.values(goal, self._most(shape)) is None:
            return few
        counts = dict(few)
        counts[goal] = counts.get(goal, 0) + number
        return tuple(sorted(counts.items(), key=lambda pair: pair[0].number))

    def _most(self, shape: ArrayShape) -> int:
        """With this many values a goal always finds one that is free."""
        owed = sum(number for _, number in shape.alternative.at_least)
        return max(shape.alternative.low, owed, shape.horizon) + len(shape.alternative.somes)

    def _can_differ(self, few: Few, seen: frozenset[Value], spare: int = 0) -> bool:
        """Can the items differ from each other and from those seen?

        With `spare`, only where each goal has so many values more than there are items.
        """
        total = sum(number for _, number in few) + spare
        free: list[tuple[list[Value], int]] = []
        for goal, number in few:
            values = self.values(goal, total + len(seen))
            if values is not None:
                spend(1 + len(values))
                left = [value for value in values if value not in seen]
                if len(left) < total:  # else it finds one, whatever the others take
                    free.append((left, number))
        return not free if spare else has_matching(free)

    def _unique_way(
        self, shape: ArrayShape, goal: Formula, after: ArrayState
    ) -> list[tuple[Formula, ArrayState]]:
        if not self.is_live(goal) or not self.can_complete_array(shape, after):
            return []
        formulas = self.goals.formulas
        if shape.can_close(after) or self._search_array(shape, after, spare=1):
            return [(goal, after)]
        bad = [
            value
            for value in self._contested(shape, after)
            if not self.can_complete_array(shape, shape.saw(after, value))
        ]
        narrowed = formulas.conj([goal, formulas.not_values(bad)])
        return [(narrowed, after)] if self.is_live(narrowed) else []

    def another_is_certain(self, shape: ArrayShape, state: ArrayState) -> bool:
        """May another item come, whatever the value of the last one is, which `state` does not know?"""
        if not shape.alternative.unique:
            return False
        most = self._most(shape) + len(state.seen)
        return any(
            self.values(goal, most) is None
            and self.can_complete_array(shape, after)
            and (shape.can_close(after) or not self._contested(shape, after))
            for goal, after in shape.ways(replace(state, seen=state.seen - {UNKNOWN}))
            if self.is_live(goal)
        )

    def _contested(self, shape: ArrayShape, state: ArrayState) -> list[Value]:
        """The values of the items to come, as far as those have few."""
        found: dict[Value, None] = {}
        limit = self._most(shape) + len(state.seen)
        indices = range(state.index, max(shape.horizon, state.index) + 1)
        goals = {shape.goal(index) for index in indices}
        goals |= {
            self.goals.formulas.conj([goal, extra])
            for goal in goals
            for extra in (
                *(formula for formula, _ in shape.alternative.at_least),
                *(formula for formula, _ in shape.alternative.at_most),
                *(self.goals.formulas.negate(formula) for formula, _ in shape.alternative.at_most),
                *(formula for _, formula in shape.alternative.somes),
            )
        }
        for goal in goals:
            found.update(dict.fromkeys(self.values(goal, limit) or ()))
        return list(found)

    def _repeatable_ways(
        self, shape: ArrayShape, goal: Formula, after: ArrayState
    ) -> list[tuple[Formula, ArrayState]]:
        """An item of an array that must hold some value twice: this one's, or that of two others."""
        if not self.is_live(goal):
            return []
        if self._can_repeat(shape, after):
            return [(goal, after)]
        formulas = self.goals.formulas
        later = formulas.disj(self._later_goals(shape, after))
        claim = formulas.conj([goal, later])
        return [(claim, after)] if self.is_live(claim) else []

    def _later_goals(self, shape: ArrayShape, state: ArrayState) -> list[Formula]:
        last = max(shape.horizon, state.index)
        if shape.alternative.high is not None:
            last = min(last, shape.alternative.high - 1)
        return [goal for index in range(state.index, last + 1) if self.is_live(goal := shape.goal(index))]

    def _can_repeat(self, shape: ArrayShape, state: ArrayState) -> bool:
        """Can an array without a repetition so far still get one?"""
        seen = state.seen - {UNKNOWN}
        question = ("repeat", shape, replace(state, seen=seen))
        return self.fixpoint.ask(question, lambda: self._search_repeat(shape, replace(state, seen=seen)))

    def _search_repeat(self, shape: ArrayShape, state: ArrayState) -> bool:
        """Walk on with every item either repeating one of `seen`, or being the first of a later pair."""
        formulas = self.goals.formulas
        pending: list[tuple[ArrayState, tuple[Formula, ...]]] = [(state, ())]
        visited = set(pending)
        while pending:
            here, past = pending.pop(0)
            for goal, after in shape.ways(here):
                if not self.is_live(goal):
                    continue
                if after.repeated:
                    if self.can_complete_array(shape, after):
                        return True
                    continue
                done = replace(after, repeated=True, seen=frozenset())
                if any(self.is_live(formulas.conj([goal, old])) for old in past) and self.can_complete_array(
                    shape, done
                ):
                    return True
                there = (after, tuple(sorted({*past, goal}, key=_number)))
                if there not in visited:
                    visited.add(there)
                    pending.append(there)
                    spend()
        return False

    # Values.

    def _has_many(self, shape: ObjectShape) -> bool:
        """More than SMALL_CELL objects, plainly: there are more keys than that."""
        return (
            shape.is_plain
            and self._object_lives(shape)
            and self.others_left(shape, shape.start, SMALL_CELL + 1)
        )

    def values(self, goal: Formula, limit: int) -> list[Value] | None:
        """All values of a goal, if there are at most `limit`; None if there are more."""
        found: dict[Value, None] = {}
        for kind in SCALAR_TYPES:
            seen = self.goals.view.of_value(goal, kind)
            if seen is self.goals.formulas.false:
                continue
            values = self.goals.scalars.finite_values(seen, kind, limit)
            if values is None:
                return None
            spend(len(values))
            found.update(dict.fromkeys(values))
        return self._structured_values(goal, limit, found)

    def _structured_values(self, goal: Formula, limit: int, found: dict[Value, None]) -> list[Value] | None:
        if limit <= SMALL_CELL and any(self._has_many(shape) for shape in self.object_shapes(goal)):
            return None
        for value in list_values(self, goal, limit):
            found[value] = None
            if len(found) > limit:
                return None
        return list(found) if len(found) <= limit else None


def _number(formula: Formula) -> int:
    return formula.number


def _owed(state: ArrayState) -> int:
    return state.somes.bit_count() + sum(state.at_least)


def _times(shape: ArrayShape, here: ArrayState, after: ArrayState) -> int:
    """How often the item that leads from one state to another one can come again, and pay each time."""
    if here.index < shape.horizon or here.somes != after.somes or here.excluded:
        return 1
    paid = [left for left, now in zip(here.at_least, after.at_least, strict=True) if now < left]
    if not paid:
        return 1
    paid += [left for left, now in zip(here.at_most, after.at_most, strict=True) if now < left]
    high = shape.alternative.high
    return min(paid) if high is None else min(*paid, high - here.index)


def _moved(here: ArrayState, after: ArrayState, times: int) -> ArrayState:
    """Where so many items lead that are all like the one between two states."""
    if times == 1:
        return after
    return replace(
        after,
        index=here.index + times * (after.index - here.index),
        at_least=tuple(
            left - times * (left - now) for left, now in zip(here.at_least, after.at_least, strict=True)
        ),
        at_most=tuple(
            left - times * (left - now) for left, now in zip(here.at_most, after.at_most, strict=True)
        ),
    )

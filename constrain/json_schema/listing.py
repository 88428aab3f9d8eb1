"""All the arrays and objects of a goal, one after another.

Only asked where few of them are expected: items of `uniqueItems` compete for values when their goal has
fewer values than there are items.  Whoever asks stops as soon as there are too many.

Values are listed by nesting: first those of depth 0, then, if some were left out for being deeper, depth 1,
and so on.  Every state on the way can be completed, so each deeper round lists something new, and a goal
with finitely many values is known to be finite when a round leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from constrain.json_schema.arrays import ArrayShape, ArrayState
from constrain.json_schema.formula import Formula
from constrain.json_schema.objects import ObjectShape, ObjectState
from constrain.json_schema.values import ARRAY, SCALAR_TYPES, STRING, Value, object_of

if TYPE_CHECKING:
    from constrain.json_schema.liveness import Liveness


def list_values(liveness: Liveness, goal: Formula, most: int) -> Iterator[Value]:
    """The arrays and objects of a goal, possibly more than once, possibly without end; `most` are wanted."""
    depth = 0
    while True:
        listing = _Listing(liveness, most)
        yield from listing.structured(goal, depth)
        if not listing.left_out:
            return
        depth += 1


class _Listing:
    """One round, down to a depth."""

    def __init__(self, liveness: Liveness, most: int) -> None:
        self.liveness = liveness
        self.most = most
        self.left_out = False

    def values(self, goal: Formula, depth: int) -> Iterator[Value]:
        goals = self.liveness.goals
        for kind in SCALAR_TYPES:
            seen = goals.view.of_value(goal, kind)
            if seen is not goals.formulas.false:
                yield from goals.scalars.some_values(seen, kind, self.most + 1)
        yield from self.structured(goal, depth)

    def structured(self, goal: Formula, depth: int) -> Iterator[Value]:
        arrays, objects = self.liveness.live_arrays(goal), self.liveness.live_objects(goal)
        if depth < 0:
            self.left_out = self.left_out or bool(arrays or objects)
            return
        for array in arrays:
            yield from self._arrays(array, array.start, (), depth)
        for shape in objects:
            yield from self._objects(shape, shape.start, 0, {}, depth)

    def _arrays(
        self, shape: ArrayShape, state: ArrayState, items: tuple[Value, ...], depth: int
    ) -> Iterator[Value]:
        if shape.can_close(state):
            yield Value(ARRAY, items)
        for goal, after in self.liveness.array_ways(shape, state):
            for value in self.values(goal, depth - 1):
                yield from self._arrays(shape, shape.saw(after, value), (*items, value), depth)

    def _objects(
        self, shape: ObjectShape, state: ObjectState, number: int, members: dict[str, Value], depth: int
    ) -> Iterator[Value]:
        if number < len(shape.names):
            bit = 1 << number
            if not state.missing & bit:
                skipped = state._replace(open=state.open & ~bit)
                if self.liveness.can_complete_object(shape, skipped):
                    yield from self._objects(shape, skipped, number + 1, members, depth)
            for goal, after in shape.ways(state, number, ordered=False):
                if self.liveness.is_live(goal) and self.liveness.can_complete_object(shape, after):
                    for value in self.values(goal, depth - 1):
                        added = {**members, shape.names[number]: value}
                        yield from self._objects(shape, after, number + 1, added, depth)
            return
        yield from self._fresh(shape, state, members, depth, frozenset())

    def _fresh(
        self,
        shape: ObjectShape,
        state: ObjectState,
        members: dict[str, Value],
        depth: int,
        passed: frozenset[str],
    ) -> Iterator[Value]:
        if shape.can_close(state):
            yield object_of(members)
        scalars = self.liveness.goals.scalars
        for cell in self.liveness.cells(shape):
            wanted = self.most + 1 + len(members) + len(passed)
            for key in scalars.some_values(cell.language, STRING, wanted):
                if key.data in members or key.data in passed:
                    continue
                for goal, after in self.liveness.fresh_ways(shape, state, cell.number, key.data, None):
                    for value in self.values(goal, depth - 1):
                        added = {**members, key.data: value}
                        yield from self._fresh(shape, after, added, depth, passed)
                passed |= {key.data}

"""From goals and states to continuations: the texts of JSON values, terminal by terminal.

    value(goal, back)     null, true, false, a number, a string      one edge each, then `back`
                          "{" → body → key → ":" → value → body ... "}"  → `back`      (object_text.py)
                          "[" → body → value → body ... "]"              → `back`      (array_text.py)

Everything that decides what is allowed is in objects.py, arrays.py and liveness.py; what is here is text.  A
state with several ways on (a claim made, a claim left open) becomes a union: threads of one position.

How a value of a goal may start does not depend on where it stands, so it is found out once for each level of
punctuation (`Start`), and a continuation is that and its *back*, where the value returns to.  Usually that is
just the continuation behind it.  Where the value itself matters (an item of `uniqueItems`), it is a
`Recorder`, and everything inside the value then records: scalars by edges that capture, objects and arrays by
carrying what they have read.  A preview (see continuation.py) records UNKNOWN, and whoever needs to know the
value offers DEFER.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from constrain.continuation import (
    DEFER,
    END,
    AnyEdge,
    Continuation,
    Edge,
    OpenEdge,
    Terminal,
    TextClasses,
    Union,
    edge,
)
from constrain.json_schema.array_text import ArrayPlace
from constrain.json_schema.arrays import UNKNOWN, ArrayShape
from constrain.json_schema.formula import Formula
from constrain.json_schema.liveness import Liveness
from constrain.json_schema.object_text import NO_LITERALS, ObjectPlace
from constrain.json_schema.objects import ObjectShape
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.recording import Back, Recorder, follow
from constrain.json_schema.values import ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, STRING, parse_json, value_of
from constrain.json_schema.whitespace import Level, outermost
from constrain.regular.terms import EMPTY, Term, choice

SCALAR = 0
"""The number of what follows a scalar; the bodies of arrays and objects have the numbers from 1 on."""
ONE_CLASS = TextClasses((), lambda _: SCALAR)


@dataclass(frozen=True, slots=True)
class Start:
    """How a value of one goal may start: its edges, the same ones recording, and what brackets open.

    Body i is behind the edge with number i + 1; with a line break, behind the one that has as many more as
    there are bodies.
    """

    edges: tuple[AnyEdge, ...]
    recording: tuple[AnyEdge, ...]
    bodies: tuple[ArrayShape | ObjectShape, ...]


class Emitter:
    """Makes the continuations of one grammar, each once."""

    def __init__(self, liveness: Liveness, options: JsonOptions) -> None:
        self.liveness = liveness
        self.goals = liveness.goals
        self.scalars = liveness.goals.scalars
        self.options = options
        self.outermost = outermost(options)
        self._starts: dict[tuple[Formula, Level], Start] = {}
        self._values: dict[tuple[Formula, Back, Level], ValueText] = {}
        self._arrays: dict[tuple[ArrayShape, Back, Level], ArrayPlace] = {}
        self._objects: dict[tuple[ObjectShape, Back, Level], ObjectPlace] = {}
        self._unions: dict[tuple[Continuation, ...], Union] = {}
        self._colons: dict[Continuation, Continuation] = {}

    def dismantle(self) -> None:
        """Cut what leads in circles: from here to what was made here, and from a place to its texts."""
        for array in self._arrays.values():
            array.forget()
        for place in self._objects.values():
            place.forget()
        self._arrays.clear()
        self._objects.clear()
        self._starts.clear()
        self._values.clear()
        self._unions.clear()
        self._colons.clear()

    def value(self, goal: Formula, back: Back, level: Level) -> Continuation:
        """A value in a live goal, at a level, then `back`."""
        key = (goal, back, level)
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = ValueText(self, goal, back, level)
        return found

    def start(self, goal: Formula, level: Level) -> Start:
        """How a value of a goal may start, at a level."""
        key = (goal, level)
        found = self._starts.get(key)
        if found is None:
            found = self._starts[key] = self._start(goal, level)
        return found

    def _start(self, goal: Formula, level: Level) -> Start:
        types, liveness = self.goals.types(goal), self.liveness
        constants = choice(*self._terminals(goal, types & NULL), *self._terminals(goal, types & BOOLEAN))
        terms = [constants, *self._terminals(goal, types & NUMBER), *self._terminals(goal, types & STRING)]
        scalars = [term for term in terms if term is not EMPTY]
        arrays = liveness.live_arrays(goal) if types & ARRAY else []
        objects = liveness.live_objects(goal) if types & OBJECT else []
        bodies: tuple[ArrayShape | ObjectShape, ...] = (*arrays, *objects)
        opening = [*["["] * len(arrays), *["{"] * len(objects)]
        brackets: list[AnyEdge] = [
            edge(level.opening[bracket], number) for number, bracket in enumerate(opening, start=1)
        ]
        for number, bracket in enumerate(opening, start=len(bodies) + 1):
            broken = level.broken(bracket, number)
            if broken is not None and self._has_parts(bodies[number - len(bodies) - 1]):
                brackets.append(broken)
        if bodies and level.is_preview:
            brackets.append(DEFER)
        return Start(
            (*[edge(term, SCALAR) for term in scalars], *brackets),
            (*[edge(term, SCALAR, True) for term in scalars], *brackets),
            bodies,
        )

    def _has_parts(self, shape: ArrayShape | ObjectShape) -> bool:
        """May there be an item or a member?"""
        if isinstance(shape, ArrayShape):
            return bool(self.liveness.array_ways(shape, shape.start))
        return bool(self.object(shape, END, self.outermost.inside).key(shape.start, None).first)

    def _terminals(self, goal: Formula, kind: int) -> list[Term]:
        if not kind:
            return []
        seen = self.goals.view.of_value(goal, kind)
        if seen is self.goals.formulas.false or self.scalars.is_empty(seen, kind):
            return []
        return [self.scalars.terminal(seen, kind)]

    def body(self, shape: ArrayShape | ObjectShape, back: Back, level: Level) -> ArrayPlace | ObjectPlace:
        """What is behind the bracket that opens an array or an object; `level` is the one inside."""
        if isinstance(shape, ArrayShape):
            return self.array(shape, back, level)
        return self.object(shape, back, level)

    def array(self, shape: ArrayShape, back: Back, level: Level) -> ArrayPlace:
        """An array behind its bracket."""
        key = (shape, back, level)
        found = self._arrays.get(key)
        if found is None:
            found = self._arrays[key] = ArrayPlace(self, shape, back, level)
        return found

    def object(self, shape: ObjectShape, back: Back, level: Level) -> ObjectPlace:
        """An object behind its brace."""
        key = (shape, back, level)
        found = self._objects.get(key)
        if found is None:
            found = self._objects[key] = ObjectPlace(self, shape, back, level)
        return found

    def union(self, choices: Iterable[Continuation]) -> Continuation:
        """Any of these continuations."""
        distinct = tuple(dict.fromkeys(choices))
        if len(distinct) == 1:
            return distinct[0]
        found = self._unions.get(distinct)
        if found is None:
            found = self._unions[distinct] = Union(distinct)
        return found

    def colon(self, then: Continuation) -> Continuation:
        """A colon, then `then`."""
        found = self._colons.get(then)
        if found is None:
            found = self._colons[then] = Terminal(self.outermost.colon, then)
        return found


class ValueText(Continuation):
    """The start of a value."""

    def __init__(self, emitter: Emitter, goal: Formula, back: Back, level: Level) -> None:
        self.emitter, self.goal, self.back, self.level = emitter, goal, back, level

    def build_first(self) -> tuple[AnyEdge, ...]:
        start, back = self._start, self.back
        if not isinstance(back, Recorder):
            return start.edges
        if not back.refused.size:
            return start.recording
        return tuple(
            OpenEdge(NO_LITERALS, each.terminal, ONE_CLASS, back.refused)
            if isinstance(each, Edge) and each.number == SCALAR
            else each
            for each in start.recording
        )

    def follow(self, number: int, text: bytes | None = None) -> Continuation:
        back = self.back
        if number != SCALAR:
            bodies, level = self._start.bodies, self.level
            if number <= len(bodies):
                return self.emitter.body(bodies[number - 1], back, level.inside).start
            return self.emitter.body(bodies[number - len(bodies) - 1], back, level.inside_broken(text)).filled
        if isinstance(back, Recorder):
            return follow(back, UNKNOWN if text is None else value_of(parse_json(text)))
        return back

    def is_form(self, number: int) -> bool:
        """A bracket captures the line break behind it, which decides nothing but other line breaks."""
        return number != SCALAR

    def split(self) -> tuple[Continuation, Continuation] | None:
        """An array or object, and what follows: unless that depends on the value."""
        if isinstance(self.back, Recorder) or self.back is END or not self._start.bodies:
            return None
        return self.emitter.value(self.goal, END, self.level), self.back

    @property
    def plainest(self) -> Continuation:
        """The value in one line."""
        if self.level.plainest is self.level:
            return self
        return self.emitter.value(self.goal, self.back, self.level.plainest)

    @property
    def _start(self) -> Start:
        return self.emitter.start(self.goal, self.level)

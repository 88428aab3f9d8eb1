"""From goals and states to continuations: the texts of JSON values, terminal by terminal.

    value(goal, back)     null, true, false, a number, a string      one edge each, then `back`
                          "{" → body → key → ":" → value → body ... "}"  → `back`
                          "[" → body → value → body ... "]"          → `back`

Everything that decides what is allowed is in objects.py, arrays.py and liveness.py; what is here is text.  A
state with several ways on (a claim made, a claim left open) becomes a union: threads of one position.

*Back* is where a value returns to.  Usually that is just the continuation behind it.  Where the value
itself matters (an item of `uniqueItems`), it is a `Recorder`, and everything inside the value then records:
scalars by the edge's capture, objects and arrays by carrying what they have read.  A preview (see
continuation.py) records UNKNOWN, and whoever needs to know the value offers DEFER.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from constrain.continuation import (
    DEFER,
    DEFERRED,
    END,
    AnyEdge,
    Continuation,
    Edge,
    LiteralEdge,
    Terminal,
    Union,
    bits,
)
from constrain.errors import LimitExceeded
from constrain.json_schema.arrays import UNKNOWN, ArrayShape, ArrayState
from constrain.json_schema.formula import Formula
from constrain.json_schema.liveness import Liveness
from constrain.json_schema.objects import ObjectShape, ObjectState
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.values import (
    ARRAY,
    BOOLEAN,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Value,
    parse_json,
    value_of,
)
from constrain.json_schema.whitespace import Punctuation
from constrain.regular.terms import EMPTY, choice, literal

QUOTE = literal(b'"')

Made = TypeVar("Made", bound="Continuation | Recorder")


class Recorder:
    """Where a value returns to when what follows depends on it."""

    def after(self, value: Value) -> Continuation:
        """What follows this value."""
        raise NotImplementedError


Back = Continuation | Recorder


class Emitter:
    """Makes the continuations of one grammar, each once."""

    def __init__(self, liveness: Liveness, options: JsonOptions) -> None:
        self.liveness = liveness
        self.goals = liveness.goals
        self.scalars = liveness.goals.scalars
        self.options = options
        self.punctuation = Punctuation(options)
        self._interned: dict[Hashable, Continuation | Recorder] = {}
        self._colons: dict[Continuation, Continuation] = {}

    def dismantle(self) -> None:
        """Cut what leads in circles: from here to what was made here, and from an array's rest to itself."""
        for made in self._interned.values():
            if isinstance(made, Continuation):
                made.forget()
        self._interned.clear()
        self._colons.clear()

    def intern(self, make: Callable[..., Made], *key: Hashable) -> Made:
        """The one continuation (or recorder) with these arguments."""
        found = self._interned.get((make, *key))
        if found is None:
            found = self._interned[make, *key] = make(self, *key)
        return found  # type: ignore[return-value]

    def value(self, goal: Formula, back: Back) -> Continuation:
        """A value in a live goal, then `back`."""
        return self.intern(ValueText, goal, back)

    def union(self, members: Iterable[Continuation]) -> Continuation:
        """Any of these continuations."""
        distinct = tuple(dict.fromkeys(members))
        if len(distinct) == 1:
            return distinct[0]
        key = ("union", distinct)
        found = self._interned.get(key)
        if found is None:
            found = self._interned[key] = Union(distinct)
        return found  # type: ignore[return-value]

    def colon(self, then: Continuation) -> Continuation:
        """A colon, then `then`."""
        found = self._colons.get(then)
        if found is None:
            found = self._colons[then] = Terminal(self.punctuation.colon, then)
        return found


def follow(back: Back, value: Value) -> Continuation:
    """What follows a finished value."""
    return back.after(value) if isinstance(back, Recorder) else back


class Lazy(Continuation):
    """A continuation of the emitter: turns an exhausted Python stack into a limit with a name."""

    def build_edges(self) -> tuple[AnyEdge, ...]:
        try:
            return tuple(self.make_edges())
        except RecursionError:
            raise LimitExceeded(
                "the schema is nested too deeply for Python's recursion limit",
                hint="raise sys.setrecursionlimit, or flatten the schema",
            ) from None

    def make_edges(self) -> Iterable[AnyEdge]:
        """The edges."""
        raise NotImplementedError


class ValueText(Lazy):
    """The start of a value."""

    def __init__(self, emitter: Emitter, goal: Formula, back: Back) -> None:
        self.emitter, self.goal, self.back = emitter, goal, back

    def make_edges(self) -> Iterable[AnyEdge]:
        """One edge each for constants, numbers and strings, and one for each array and object shape."""
        emitter = self.emitter
        view, scalars, false = emitter.goals.view, emitter.scalars, emitter.goals.formulas.false

        def terminal(kind: int) -> Iterable[object]:
            seen = view.of_value(self.goal, kind)
            if seen is not false and not scalars.is_empty(seen, kind):
                yield scalars.terminal(seen, kind)

        constants = choice(*terminal(NULL), *terminal(BOOLEAN))  # type: ignore[arg-type]
        for term in (constants, *terminal(NUMBER), *terminal(STRING)):
            if term is not EMPTY:
                yield self._scalar(term)
        for shape in emitter.liveness.live_arrays(self.goal):
            body = emitter.intern(ArrayText, shape, shape.start, True, self.back, self._record())
            yield Edge(emitter.punctuation.open["["], body)
        for object_shape in emitter.liveness.live_objects(self.goal):
            members = emitter.intern(
                ObjectText, object_shape, object_shape.start, True, self.back, self._record()
            )
            yield Edge(emitter.punctuation.open["{"], members)

    def split(self) -> tuple[Continuation, Continuation] | None:
        """The value, and what follows: unless that depends on the value."""
        if isinstance(self.back, Recorder) or self.back is END:
            return None
        return self.emitter.value(self.goal, END), self.back

    def _record(self) -> tuple[()] | None:
        return () if isinstance(self.back, Recorder) else None

    def _scalar(self, term: object) -> Edge:
        back = self.back
        if not isinstance(back, Recorder):
            return Edge(term, back)  # type: ignore[arg-type]
        return Edge(term, None, self._after_text, back.after(UNKNOWN))  # type: ignore[arg-type]

    def _after_text(self, text: bytes) -> Continuation:
        return follow(self.back, value_of(parse_json(text)))


Members = tuple[tuple[str, Value], ...]


class ObjectText(Lazy):
    """Inside an object, before its first key or after a value.  `read`: the members, if recorded."""

    def __init__(  # noqa: PLR0917 - what is interned is made by position
        self,
        emitter: Emitter,
        shape: ObjectShape,
        state: ObjectState,
        first: bool,
        back: Back,
        read: Members | None,
    ) -> None:
        self.emitter, self.shape, self.state = emitter, shape, state
        self.first, self.back, self.read = first, back, read

    def make_edges(self) -> Iterable[AnyEdge]:
        """The brace that closes, and the keys, behind a comma unless the first one is due."""
        emitter, punctuation = self.emitter, self.emitter.punctuation
        if self.shape.can_close(self.state):
            close = punctuation.close_empty if self.first else punctuation.close
            yield Edge(close["}"], follow(self.back, self._value()))
        keys = emitter.intern(KeyText, self.shape, self.state, self.back, self.read)
        if self.first:
            yield from keys.edges
        elif keys.edges:
            yield Edge(punctuation.comma, keys)

    def _value(self) -> Value:
        if self.read is None or any(value is UNKNOWN or not isinstance(key, str) for key, value in self.read):
            return UNKNOWN
        return Value(OBJECT, frozenset(self.read), tuple(key for key, _ in self.read))


class KeyText(Lazy):
    """Where a key is due."""

    def __init__(
        self, emitter: Emitter, shape: ObjectShape, state: ObjectState, back: Back, read: Members | None
    ) -> None:
        self.emitter, self.shape, self.state = emitter, shape, state
        self.back, self.read = back, read

    def make_edges(self) -> Iterable[AnyEdge]:
        """The named keys that lead somewhere, and one edge for each cell of other keys.

        Where a key already written is not known (a preview), other keys are left, but which is not known:
        nothing is certain of them but the quote that opens them.
        """
        emitter, shape, state = self.emitter, self.shape, self.state
        allowed = self._allowed()
        if allowed and emitter.options.spelling == "canonical":
            yield LiteralEdge(shape.literals, allowed, self._after_named)
        elif allowed:
            space = emitter.scalars.spelled
            for number in bits(allowed):
                spelled = space.quoted(space.values([shape.names[number]]))
                yield Edge(spelled, self._after_named(number))
        is_preview = any(not isinstance(key, str) for key in state.extra)
        for number, cell in enumerate(shape.cells):
            ways = emitter.liveness.fresh_ways(shape, state, number, None)
            if not ways:
                continue
            if is_preview:
                yield Edge(QUOTE, DEFERRED)
                return
            yield Edge(
                emitter.scalars.keys(cell.language, [key for key in state.extra if isinstance(key, str)]),
                None,
                capture=self._capture(number),
                preview=self._after(ways, None),
            )

    def _allowed(self) -> int:
        """The named keys that may come now."""
        liveness, shape, state = self.emitter.liveness, self.shape, self.state
        candidates = state.open
        if shape.ordered and state.missing & shape.ordered:
            first = state.missing & shape.ordered & -(state.missing & shape.ordered)
            candidates &= (first << 1) - 1
        if shape.is_plain:
            return liveness.live_names(shape, candidates)
        return sum(1 << number for number in bits(candidates) if liveness.may_come(shape, state, number))

    def _after_named(self, number: int) -> Continuation:
        key = ("after", self.shape, self.state, self.back, self.read, number)
        found = self.emitter._interned.get(key)
        if found is None:
            ways = self.emitter.liveness.object_ways(self.shape, self.state, number)
            found = self.emitter._interned[key] = self._after(ways, self.shape.names[number])
        return found  # type: ignore[return-value]

    def _capture(self, number: int) -> Callable[[bytes], Continuation]:
        def after(text: bytes) -> Continuation:
            name = json.loads(text)
            return self._after(self.emitter.liveness.fresh_ways(self.shape, self.state, number, name), name)

        return after

    def _after(self, ways: Iterable[tuple[Formula, ObjectState]], name: str | None) -> Continuation:
        emitter = self.emitter

        def back(state: ObjectState) -> Back:
            if self.read is None:
                return emitter.intern(ObjectText, self.shape, state, False, self.back, None)
            return emitter.intern(MemberRecorder, self.shape, state, name, self.back, self.read)

        return emitter.colon(emitter.union(emitter.value(goal, back(state)) for goal, state in ways))


class MemberRecorder(Recorder):
    """Takes the value of a member."""

    def __init__(  # noqa: PLR0917 - what is interned is made by position
        self,
        emitter: Emitter,
        shape: ObjectShape,
        state: ObjectState,
        name: str | None,
        back: Back,
        read: Members,
    ) -> None:
        self.emitter, self.shape, self.state = emitter, shape, state
        self.name, self.back, self.read = name, back, read

    def after(self, value: Value) -> Continuation:
        """The object, with the member in it."""
        member = (self.name, value)
        return self.emitter.intern(ObjectText, self.shape, self.state, False, self.back, (*self.read, member))


class ArrayText(Lazy):
    """Inside an array, before its first item or after an item."""

    def __init__(  # noqa: PLR0917 - what is interned is made by position
        self,
        emitter: Emitter,
        shape: ArrayShape,
        state: ArrayState,
        first: bool,
        back: Back,
        read: tuple[Value, ...] | None,
    ) -> None:
        self.emitter, self.shape, self.state = emitter, shape, state
        self.first, self.back, self.read = first, back, read

    def make_edges(self) -> Iterable[AnyEdge]:
        """The bracket that closes, and the next item, behind a comma unless the first one is due."""
        punctuation = self.emitter.punctuation
        if self.shape.can_close(self.state):
            close = punctuation.close_empty if self.first else punctuation.close
            yield Edge(close["]"], follow(self.back, self._value()))
        if UNKNOWN in self.state.seen:
            certain = self.emitter.liveness.another_is_certain(self.shape, self.state)
            yield Edge(punctuation.comma, DEFERRED) if certain else DEFER
            return
        item = self._item()
        if item is None:
            return
        if self.first:
            yield from item.edges
        else:
            yield Edge(punctuation.comma, item)

    def _value(self) -> Value:
        if self.read is None or UNKNOWN in self.read:
            return UNKNOWN
        return Value(ARRAY, self.read)

    def _item(self) -> Continuation | None:
        emitter, shape = self.emitter, self.shape
        ways = emitter.liveness.array_ways(shape, self.state)
        if not ways:
            return None

        def back(state: ArrayState) -> Back:
            if self.read is None and not shape.records:
                return emitter.intern(ArrayText, shape, state, False, self.back, None)
            return emitter.intern(ItemRecorder, shape, state, self.back, self.read)

        return emitter.union(emitter.value(goal, back(state)) for goal, state in ways)


class ItemRecorder(Recorder):
    """Takes the value of an item."""

    def __init__(
        self,
        emitter: Emitter,
        shape: ArrayShape,
        state: ArrayState,
        back: Back,
        read: tuple[Value, ...] | None,
    ) -> None:
        self.emitter, self.shape, self.state = emitter, shape, state
        self.back, self.read = back, read

    def after(self, value: Value) -> Continuation:
        """The array, with the item in it."""
        read = None if self.read is None else (*self.read, value)
        state = self.shape.saw(self.state, value)
        return self.emitter.intern(ArrayText, self.shape, state, False, self.back, read)

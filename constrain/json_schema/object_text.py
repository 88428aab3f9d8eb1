"""Objects as text: keys, colons, values, commas and braces, around the states of objects.py.

    { ─▶ start ─┬─ key ─▶ ":" ─▶ value ─▶ text ─┬─ "," ─▶ key ─▶ ...
                └─ "}"                          └─ "}"                ─▶ back

A *place* is an object of one shape at one level (whitespace.py) that returns to one back.  It makes the texts
and keys of its states, each once.

Where a key is due, the keys that the schema names are a set of literals.  In most objects every other key may
come too, and then both are one open edge: any string, of which some are names (continuation.py).  Which names
may come in this state is asked when a key is complete, and so is which patterns another key matches.  Where
only some other keys may come, they are an open edge of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from constrain.continuation import (
    DEFERRED,
    END,
    AnyEdge,
    Continuation,
    LiteralEdge,
    OpenEdge,
    Terminal,
    bits,
    edge,
    lazy,
)
from constrain.json_schema.arrays import UNKNOWN
from constrain.json_schema.formula import Formula
from constrain.json_schema.objects import ObjectShape, ObjectState
from constrain.json_schema.recording import SOME_STRING, Back, Recorder, follow
from constrain.json_schema.strings import QUOTE
from constrain.json_schema.values import Value, object_of
from constrain.json_schema.whitespace import CLOSE, Level
from constrain.literals import LiteralSet
from constrain.regular.queries import is_empty

if TYPE_CHECKING:
    from constrain.json_schema.emit import Emitter

NO_LITERALS = LiteralSet([])
UNSURE = -1
"""The number of what follows the quote of a key that may or may not have been written."""

Members = tuple[tuple[str | None, Value], ...]
"""Keys with their values; a key that is not known is None."""


class ObjectPlace:
    """An object of one shape at one place; `read` are the members, if they are recorded."""

    def __init__(self, emitter: Emitter, shape: ObjectShape, back: Back, level: Level) -> None:
        self.emitter, self.shape, self.back, self.level = emitter, shape, back, level
        self._texts: dict[tuple[ObjectState, Members | None], ObjectText] = {}
        self._keys: dict[tuple[ObjectState, Members | None], KeyText] = {}
        self._others: dict[tuple[int, bool], Continuation] = {}

    def forget(self) -> None:
        """Cut the circle of a place and its texts."""
        self._texts.clear()
        self._keys.clear()
        self._others.clear()
        self.__dict__.pop("start", None)

    @lazy
    def start(self) -> Continuation:
        """What is behind the brace that opens."""
        choices: list[Continuation] = []
        if self.shape.can_close(self.shape.start):
            empty = object_of({}) if isinstance(self.back, Recorder) else UNKNOWN
            choices.append(Terminal(self.level.close_empty["}"], follow(self.back, empty)))
        key = self.filled
        return self.emitter.union([*choices, key] if key.first else choices)

    @property
    def filled(self) -> Continuation:
        """The same, where the object has a member."""
        return self.key(self.shape.start, () if isinstance(self.back, Recorder) else None)

    def text(self, state: ObjectState, read: Members | None) -> ObjectText:
        """What is behind a value."""
        key = (state, read)
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = ObjectText(self, state, read)
        return found

    def key(self, state: ObjectState, read: Members | None) -> KeyText:
        """Where a key is due."""
        key = (state, read)
        found = self._keys.get(key)
        if found is None:
            found = self._keys[key] = KeyText(self, state, read)
        return found

    def others(self, number: int, *, closes: bool) -> Continuation:
        """What follows a key of this kind whose text is not known, in a plain object with endless keys."""
        found = self._others.get((number, closes))
        if found is None:
            after = AfterOther(self, closes)
            value = self.emitter.value(self.shape.classes.kinds[number][0], after, self.level)
            found = self._others[number, closes] = self.emitter.colon(value)
        return found

    @lazy
    def has_endless_keys(self) -> bool:
        """Are there always more keys without names, in a plain object?"""
        liveness, shape = self.emitter.liveness, self.shape
        return shape.is_plain and liveness.has_endless_keys(
            shape, liveness.other_keys(shape, shape.start._replace(missing=0))
        )


class ObjectText(Continuation):
    """Inside an object, after a value."""

    def __init__(self, place: ObjectPlace, state: ObjectState, read: Members | None) -> None:
        self.place, self.state, self.read = place, state, read

    def build_first(self) -> tuple[AnyEdge, ...]:
        """The brace that closes, and the comma before another key."""
        place = self.place
        goes_on = bool(place.key(self.state, self.read).first)
        closes = place.shape.can_close(self.state)
        return place.level.after("}", closes=closes, goes_on=goes_on)

    def follow(self, number: int, text: bytes | None = None) -> Continuation:
        if number == CLOSE:
            return follow(self.place.back, self._value())
        return self.place.key(self.state, self.read)

    def split_inside(self) -> tuple[Continuation, Continuation] | None:
        """The rest of the object, and what follows it: unless that depends on the members."""
        back = self.place.back
        if isinstance(back, Recorder) or back is END:
            return None
        return self.place.emitter.object(self.place.shape, END, self.place.level).text(self.state, None), back

    def _value(self) -> Value:
        known: list[tuple[str, Value]] = []
        for key, value in self.read or ():
            if key is None or value is UNKNOWN:
                return UNKNOWN
            known.append((key, value))
        if self.read is None:
            return UNKNOWN
        return object_of(dict(known))


class AfterOther(Continuation):
    """A preview: behind the value of a key whose text is not known, in a plain object with endless keys."""

    def __init__(self, place: ObjectPlace, closes: bool) -> None:
        self.place, self.closes = place, closes

    def build_first(self) -> tuple[AnyEdge, ...]:
        """The brace that closes, and the comma: another key may come, but not which is certain."""
        return self.place.level.after("}", closes=self.closes, goes_on=True)

    def follow(self, number: int, text: bytes | None = None) -> Continuation:
        return follow(self.place.back, UNKNOWN) if number == CLOSE else SOME_STRING


class KeyText(Continuation):
    """Where a key is due.  Name i is followed by number i, a key of kind k by the number of names plus k."""

    def __init__(self, place: ObjectPlace, state: ObjectState, read: Members | None) -> None:
        self.place, self.state, self.read = place, state, read
        self._followed: dict[int, Continuation | None] = {}

    def build_first(self) -> tuple[AnyEdge, ...]:
        """The named keys that lead somewhere, and one edge for all other keys.

        Where a key already written is not known (a preview), other keys are left, but which is not known:
        nothing is certain of them but the quote that opens them.
        """
        place, state, shape = self.place, self.state, self.place.shape
        emitter = place.emitter
        is_canonical = emitter.options.spelling == "canonical"
        others = emitter.liveness.other_keys(shape, state)
        is_preview = shape.unknown(state) > 0
        if is_canonical and others.kind == "true" and not is_preview:
            return (OpenEdge(shape.literals, emitter.scalars.any_string, shape.others, state.extra),)
        edges: list[AnyEdge] = []
        allowed = self._allowed()
        if is_canonical:
            edges += [LiteralEdge(shape.literals, allowed)] if allowed else []
        else:
            space = emitter.scalars.spelled
            edges += [
                edge(space.quoted(space.values([shape.names[number]])), number) for number in bits(allowed)
            ]
        if others.kind == "false":
            return tuple(edges)
        if is_preview:
            is_certain = shape.somes or emitter.liveness.others_left(shape, state, 1)
            return (*edges, edge(QUOTE, UNSURE)) if is_certain else tuple(edges)
        written = [key for key in state.few if isinstance(key, str)]
        term = emitter.scalars.keys(emitter.goals.formulas.conj([others, shape.unnamed]), written)
        if not is_empty(term):
            edges.append(OpenEdge(NO_LITERALS, term, shape.others, state.extra))
        return tuple(edges)

    def _allowed(self) -> int:
        """The named keys that may come now."""
        liveness, shape, state = self.place.emitter.liveness, self.place.shape, self.state
        candidates = state.open
        if shape.ordered and state.missing & shape.ordered:
            first = state.missing & shape.ordered & -(state.missing & shape.ordered)
            candidates &= (first << 1) - 1
        if shape.is_plain:
            return liveness.live_names(shape, candidates)
        return sum(1 << number for number in bits(candidates) if liveness.may_come(shape, state, number))

    def follow(self, number: int, text: bytes | None = None) -> Continuation | None:
        if text is not None and number >= len(self.place.shape.names):
            return self._follow_text(number - len(self.place.shape.names), text)
        if number not in self._followed:
            self._followed[number] = self._follow(number)
        return self._followed[number]

    @property
    def plainest(self) -> Continuation:
        """Where keys may come in any order: the first that is missing, for its place is all the same.

        Every order of n missing keys is as long, and a search for an end would look at 2^n sets of them.
        """
        shape, missing = self.place.shape, self.state.missing
        if shape.ordered or not shape.is_plain or missing & (missing - 1) == 0:
            return self
        return self._only

    @lazy
    def _only(self) -> Continuation:
        """The first key that is missing, and no other."""
        return OneKey(self, self.state.missing & -self.state.missing)

    def _follow_text(self, number: int, text: bytes) -> Continuation | None:
        """What follows a key without a name that has been read."""
        place, shape = self.place, self.place.shape
        name = json.loads(text)
        key = name if place.emitter.liveness.matters(shape, name) else None
        spelled = text if place.emitter.options.spelling == "canonical" else None
        return self._after(place.emitter.liveness.fresh_ways(shape, self.state, number, key, spelled), name)

    def _follow(self, number: int) -> Continuation | None:
        place, shape = self.place, self.place.shape
        liveness = place.emitter.liveness
        if number == UNSURE:
            return DEFERRED
        if number < len(shape.names):
            return self._after(liveness.object_ways(shape, self.state, number), shape.names[number])
        kind = number - len(shape.names)
        if self.read is None and place.has_endless_keys:
            return place.others(kind, closes=not self.state.missing)
        return self._after(liveness.fresh_ways(shape, self.state, kind, None, None), None)

    def _after(self, ways: Iterable[tuple[Formula, ObjectState]], name: str | None) -> Continuation | None:
        """A colon, the value and what follows; None where there is no way."""
        emitter, place, read = self.place.emitter, self.place, self.read
        values = [
            emitter.value(
                goal,
                place.text(state, None) if read is None else MemberRecorder(place, state, name, read),
                place.level,
            )
            for goal, state in ways
        ]
        return emitter.colon(emitter.union(values)) if values else None


class OneKey(Continuation):
    """One of the named keys that may come at a place."""

    def __init__(self, key: KeyText, allowed: int) -> None:
        self.key, self.allowed = key, allowed

    def build_first(self) -> tuple[AnyEdge, ...]:
        return (LiteralEdge(self.key.place.shape.literals, self.allowed),)

    def follow(self, number: int, text: bytes | None = None) -> Continuation | None:
        return self.key.follow(number)


class MemberRecorder(Recorder):
    """Takes the value of a member."""

    def __init__(self, place: ObjectPlace, state: ObjectState, name: str | None, read: Members) -> None:
        self.place, self.state, self.name, self.read = place, state, name, read

    def after(self, value: Value) -> Continuation:
        """The object, with the member in it."""
        return self.place.text(self.state, (*self.read, (self.name, value)))

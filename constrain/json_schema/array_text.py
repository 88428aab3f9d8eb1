"""Arrays as text: items, commas and brackets, around the states of arrays.py.

    [ ─▶ start ─┬─ item ─▶ text ─┬─ "," ─▶ item ─▶ text ...
                └─ "]"           └─ "]"                      ─▶ back

A *place* is an array of one shape at one level (whitespace.py) that returns to one back.  It makes the texts
of its states, each once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from constrain.continuation import DEFER, DEFERRED, END, AnyEdge, Continuation, Terminal, edge, lazy
from constrain.json_schema.arrays import UNKNOWN, ArrayShape, ArrayState
from constrain.json_schema.recording import SOME_STRING, Back, Recorder, follow
from constrain.json_schema.values import ARRAY, STRING, Value
from constrain.json_schema.whitespace import CLOSE, NEXT, Level

if TYPE_CHECKING:
    from constrain.json_schema.emit import Emitter

UNSURE = 2
"""The number of what follows a comma where the last item is not known."""

Items = tuple[Value, ...]


class ArrayPlace:
    """An array of one shape at one place; `read` are the items, if they are recorded."""

    def __init__(self, emitter: Emitter, shape: ArrayShape, back: Back, level: Level) -> None:
        self.emitter, self.shape, self.back, self.level = emitter, shape, back, level
        self._texts: dict[tuple[ArrayState, Items | None], ArrayText] = {}
        self._items: dict[tuple[ArrayState, Items | None], Continuation | None] = {}

    def forget(self) -> None:
        """Cut the circle of a place and its texts."""
        self._texts.clear()
        self._items.clear()
        self.__dict__.pop("start", None)

    @lazy
    def start(self) -> Continuation:
        """What is behind the bracket that opens."""
        choices: list[Continuation] = []
        if self.shape.can_close(self.shape.start):
            empty = Value(ARRAY, ()) if isinstance(self.back, Recorder) else UNKNOWN
            choices.append(Terminal(self.level.close_empty["]"], follow(self.back, empty)))
        item = self._first_item
        return self.emitter.union([*choices, item] if item is not None else choices)

    @property
    def filled(self) -> Continuation:
        """The same, where the array has an item."""
        item = self._first_item
        assert item is not None, "asked for an item of an array that has none"
        return item

    @property
    def _first_item(self) -> Continuation | None:
        return self.item(self.shape.start, () if isinstance(self.back, Recorder) else None)

    def text(self, state: ArrayState, read: Items | None) -> ArrayText:
        """What is behind an item."""
        key = (state, read)
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = ArrayText(self, state, read)
        return found

    def item(self, state: ArrayState, read: Items | None) -> Continuation | None:
        """The next item, and what follows; None where there may be none."""
        key = (state, read)
        if key not in self._items:
            self._items[key] = self._item(state, read)
        return self._items[key]

    def _item(self, state: ArrayState, read: Items | None) -> Continuation | None:
        emitter, shape = self.emitter, self.shape
        ways = emitter.liveness.array_ways(shape, state)
        if not ways:
            return None
        plain = read is None and not shape.records
        backs: list[Back] = [
            self.text(after, None) if plain else ItemRecorder(self, after, read) for _, after in ways
        ]
        return emitter.union(
            emitter.value(goal, back, self.level) for (goal, _), back in zip(ways, backs, strict=True)
        )


class ArrayText(Continuation):
    """Inside an array, after an item."""

    def __init__(self, place: ArrayPlace, state: ArrayState, read: Items | None) -> None:
        self.place, self.state, self.read = place, state, read

    def build_first(self) -> tuple[AnyEdge, ...]:
        """The bracket that closes, and the comma before another item."""
        place = self.place
        level, closes = place.level, place.shape.can_close(self.state)
        if UNKNOWN not in self.state.seen:
            return level.after("]", closes=closes, goes_on=self._item() is not None)
        certain = place.emitter.liveness.another_is_certain(place.shape, self.state)
        comma = edge(level.comma.terminal, UNSURE) if certain else DEFER
        return (*level.after("]", closes=closes, goes_on=False), comma)

    def follow(self, number: int, text: bytes | None = None) -> Continuation | None:
        if number == NEXT:
            return self._item()
        if number == CLOSE:
            return follow(self.place.back, self._value())
        shape = self.place.shape
        return SOME_STRING if shape.goals.types(shape.goal(self.state.index)) == STRING else DEFERRED

    def split_inside(self) -> tuple[Continuation, Continuation] | None:
        """The rest of the array, and what follows it: unless that depends on the items."""
        back = self.place.back
        if isinstance(back, Recorder) or back is END:
            return None
        return self.place.emitter.array(self.place.shape, END, self.place.level).text(
            self.state, self.read
        ), back

    def _item(self) -> Continuation | None:
        return self.place.item(self.state, self.read)

    def _value(self) -> Value:
        if self.read is None or UNKNOWN in self.read:
            return UNKNOWN
        return Value(ARRAY, self.read)


class ItemRecorder(Recorder):
    """Takes the value of an item."""

    def __init__(self, place: ArrayPlace, state: ArrayState, read: Items | None) -> None:
        self.place, self.state, self.read = place, state, read
        self.refused = state.written

    def after(self, value: Value) -> Continuation:
        """The array, with the item in it."""
        read = None if self.read is None else (*self.read, value)
        return self.place.text(self.place.shape.saw(self.state, value), read)

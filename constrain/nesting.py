"""What holds of a part that may contain itself?

A value is an array, whose items are values: asked for the shortest of them, one asks for the shortest again.

    value ── "b", or ── "[" value "]"        inside itself a value has none, so `"b"` is the shortest

Inside itself a part has no answer (`none`).  An answer that was found leaning on that holds where it was
asked and nowhere else: it is not kept, but for one that `lasts` whatever the other parts turn out to be.

Source: Knuth, "A generalization of Dijkstra's algorithm" (1977), for why a shortest text needs no part twice.
Cost: a search for each part and key, and one more for each part inside of which it was met.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Nested(Generic[K, V]):
    """Answers about parts, `known` by a key; those being searched are open, outermost first."""

    def __init__(self, none: V, lasts: Callable[[V], bool] = lambda _: False) -> None:
        self.known: dict[K, V] = {}
        self._none, self._lasts = none, lasts
        self._open: dict[Hashable, int] = {}
        self._leaned_on = sys.maxsize
        """The outermost open part on which an answer since then depended."""

    @property
    def is_open(self) -> bool:
        """Is any part being searched?"""
        return bool(self._open)

    def of(self, part: Hashable, key: K, search: Callable[[], V]) -> V:
        """What is known, or what `search` finds; a search that raises leaves nothing behind."""
        if key in self.known:
            return self.known[key]
        if part in self._open:
            self._leaned_on = min(self._leaned_on, self._open[part])
            return self._none
        outside, self._leaned_on = self._leaned_on, sys.maxsize
        number = self._open[part] = len(self._open)
        try:
            found = search()
            if self._leaned_on >= number or self._lasts(found):
                self.known[key] = found
                self._leaned_on = sys.maxsize
        finally:
            del self._open[part]
            self._leaned_on = min(self._leaned_on, outside)
        return found

"""Python's garbage collector, and grammars, which live long and are many small objects.

CPython's collector looks into every container it tracks whenever the oldest generation has grown by a
quarter.  A few hundred grammars are millions of containers that are no garbage, and looking into all of them
stops a generation for seconds.  `gc.freeze()` moves what lives into a *permanent generation* that nobody
looks into, in no time; it is what servers call once when they have started.  Grammars come while a server
runs, so here it is called whenever the collector would soon look into more than the newest:

    settle()                     after work that makes objects: freezes them if a larger collection is near
    watch(grammar, dismantle)    calls `dismantle` when the grammar is dropped

A grammar is full of cycles (positions lead to positions, the rest of an array to itself), and a cycle that is
frozen stays for ever.  So a grammar that is dropped is taken apart, where its parts are nobody else's; then
counting references frees it at once, and there is nothing to find.  The others (grammars put together from
parts, which may be parts of several) are counted, and once as many were dropped as are alive, and at least
SPARED, the next compilation thaws everything and collects it.  That is the only full collection this package
causes, and it is never within a generation.

Freezing is for the whole process: what the program around us leaves behind in cycles is not found either
until then, or until MAX_FREEZES, whichever comes first.  A program with its own plan for the collector calls
`leave_alone()`; nothing is done either while the collector is off (`gc.disable()`).

Source: Python's documentation of `gc.freeze`; CPython's InternalDocs/garbage_collector.md says when a full
collection comes.  Cost: a look at the collector's counters after each new mask.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Final

NEAR: Final = 5
"""So many collections of one generation, out of the ten before one of the next, are near."""

SPARED: Final = 64
"""Fewer dropped grammars than this are not worth a full collection."""

MAX_FREEZES: Final = 5_000
"""After so many the whole is looked through once, whoever's garbage it is."""

Cut = Callable[[], None]
"""Cuts what leads in circles."""


class Collector:
    """What is done about the collector of this process."""

    def __init__(self) -> None:
        self.managed = True
        self.alive = 0
        self.dropped = 0
        self.freezes = 0
        self._watched: dict[weakref.ref[object], tuple[Cut | None, tuple[Cut, ...]]] = {}

    def watch(self, grammar: object, dismantle: Cut | None, *forget: Cut) -> None:
        """Count a grammar just compiled; when it is dropped, take it apart, and `forget` in any case."""
        self.settle()
        self.alive += 1
        self._watched[weakref.ref(grammar, self._drop)] = (dismantle, forget)
        if self._works() and (self.dropped >= max(SPARED, self.alive) or self.freezes >= MAX_FREEZES):
            self.dropped = self.freezes = 0
            gc.unfreeze()
            gc.collect()
            gc.freeze()

    def settle(self) -> None:
        """Freeze what lives, if the collector would look into more than the newest of it soon."""
        if max(gc.get_count()[1:]) >= NEAR and self._works():
            self.freezes += 1
            gc.freeze()

    def leave_alone(self) -> None:
        """From now on, do nothing about the collector; what was frozen is its own again."""
        self.managed = False
        gc.unfreeze()

    def _drop(self, grammar: weakref.ref[object]) -> None:
        dismantle, forget = self._watched.pop(grammar)
        self.alive -= 1
        for each in forget:
            each()
        if dismantle is None:
            self.dropped += 1
        else:
            dismantle()

    def _works(self) -> bool:
        return self.managed and gc.isenabled()


_collector: Final = Collector()
watch = _collector.watch
settle = _collector.settle
leave_alone = _collector.leave_alone

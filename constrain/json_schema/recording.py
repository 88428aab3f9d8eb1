"""Where a value returns to: what follows it, which may depend on the value.

    [3, 3]  under uniqueItems        what may follow the first 3 is not what may follow a 4

Usually a value returns to the continuation behind it.  Where the value counts, it returns to a `Recorder`,
which makes that continuation from it.
"""

from __future__ import annotations

from constrain.continuation import DEFERRED, Continuation, Terminal
from constrain.json_schema.strings import QUOTE
from constrain.json_schema.values import Value
from constrain.text_set import NO_TEXTS, TextSet

SOME_STRING = Terminal.of(QUOTE, DEFERRED)
"""A preview: a string of which nothing is certain but its first quote."""


class Recorder:
    """Where a value returns to when what follows depends on it."""

    refused: TextSet = NO_TEXTS
    """Texts that a scalar may not be, though its goal holds of them; wherever one begins, others are left."""

    def after(self, value: Value) -> Continuation:
        """What follows this value."""
        raise NotImplementedError


Back = Continuation | Recorder


def follow(back: Back, value: Value) -> Continuation:
    """What follows a finished value."""
    return back.after(value) if isinstance(back, Recorder) else back

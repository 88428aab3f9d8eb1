"""Where a value returns to: what follows it, which may depend on the value.

    [3, 3]  under uniqueItems        what may follow the first 3 is not what may follow a 4

Usually a value returns to the continuation behind it.  Where the value counts, it returns to a `Recorder`,
which makes that continuation from it.
"""

from __future__ import annotations

from constrain.continuation import Continuation
from constrain.json_schema.values import Value


class Recorder:
    """Where a value returns to when what follows depends on it."""

    def after(self, value: Value) -> Continuation:
        """What follows this value."""
        raise NotImplementedError


Back = Continuation | Recorder


def follow(back: Back, value: Value) -> Continuation:
    """What follows a finished value."""
    return back.after(value) if isinstance(back, Recorder) else back

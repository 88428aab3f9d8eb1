"""One way to drive each engine: compile a schema, then fill a mask, test a bit and advance, token by token.

engine.prepare(schema)  ->  the schema as the engine takes it, JSON text or Python data; not timed
engine.compile(prepared) -> a run, or Refused when the engine says it cannot honour the schema
run.fill(bitmask)           write the int32 mask of the next token into row 0
run.accept(token)           advance; the caller has tested the bit
run.is_completed()          may the text end here?
run.restart()               back to the start, keeping what was learnt
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Bitmask = npt.NDArray[np.int32]

NAMES = ("constrain", "llguidance", "xgrammar", "outlines-core")


class Unsatisfiable(Exception):
    """An engine says that no document satisfies the schema."""


class Refused(Exception):
    """The engine does not take this schema."""


class Run(Protocol):
    """One generation."""

    def fill(self, bitmask: Bitmask) -> None:
        """Write the next mask into row 0."""

    def accept(self, token: int) -> None:
        """Advance by one token."""

    def is_completed(self) -> bool:
        """May the text end here?"""

    def restart(self) -> None:
        """Go back to the start, keeping what was learnt."""


class Engine(Protocol):
    """Something that compiles schemas."""

    name: str
    settings: str
    limits: tuple[type[Exception], ...]
    """What the engine raises in the middle of a text when it gives up."""

    def prepare(self, schema: Any) -> Any:
        """The schema in the form that `compile` takes, as if it had just been read."""

    def compile(self, prepared: Any) -> Run:
        """Start a generation under a schema, or raise Refused."""


def make(name: str, tokenizer: Any) -> Engine:
    """The engine of that name, made for an mlx-lm tokenizer."""
    if name == "constrain":
        from benchmarks.engines.ours import Constrain

        return Constrain(tokenizer)
    if name == "llguidance":
        from benchmarks.engines.llguidance import LLGuidance

        return LLGuidance(tokenizer)
    if name == "xgrammar":
        from benchmarks.engines.xgrammar import XGrammar

        return XGrammar(tokenizer)
    if name == "outlines-core":
        from benchmarks.engines.outlines_core import OutlinesCore

        return OutlinesCore(tokenizer)
    raise SystemExit(f"there is no engine {name!r}; there are {', '.join(NAMES)}")

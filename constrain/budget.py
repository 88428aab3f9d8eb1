"""One budget for everything: how much work and memory a compilation, a mask or a token may take.

Some schemas and patterns multiply, however they are compiled: whether they can be satisfied at all is as
hard as any puzzle that can be written as one.  Others are simply long.  So whatever depends on the input
counts its steps against the budget of whoever started it, and when that is spent the answer is a
LimitExceeded that names the limit:

    with budget(1_000_000, "compiling this schema"):
        ...  spend()  ...  spend(len(parts) // 8)  ...

A step is about two microseconds of work on an ordinary core, and at most some 300 bytes that stay: a loop
spends in proportion to its rounds, and whoever makes terms, formulas or values spends for each.  So the
default is reached within about two seconds and 300 MB, whatever the input was.  Counting steps instead of
watching a clock makes the limit the same on every machine, and on every day.  An inner budget changes
nothing: the outermost one counts.  Without a budget there is no limit.

A server may also set a limit in seconds, `max_seconds`, off by default: then the clock is looked at every
LOOK steps, and the same input may end in either way.

Depth is work too: what exhausts Python's stack within a budget is a LimitExceeded as well.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from types import TracebackType

from constrain.arguments import as_whole
from constrain.errors import LimitExceeded

DEFAULT_MAX_STEPS = 1_000_000
LOOK = 2_000
"""Steps between two looks at the clock, where there is a limit in seconds: some milliseconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one answer may take: `max_steps` of work, and `max_seconds` by the clock (None: any time)."""

    max_steps: int = DEFAULT_MAX_STEPS
    max_seconds: float | None = None

    def budget(self, what: str) -> budget:
        """A budget with these limits."""
        return budget(self.max_steps, what, max_seconds=self.max_seconds)


DEFAULT_LIMITS = Limits()


class _Spending(threading.local):
    left: float = float("inf")
    """Steps until the limit, or until the next look at the clock."""
    later: float = 0
    """Steps between that look and the limit."""
    deadline: float = 0
    budget: budget | None = None


_spending = _Spending()


class budget:  # noqa: N801 - it is used as a context manager, like `suppress`
    """At most `max_steps` steps within this block; more raise LimitExceeded, which says `what` took them.

    So does a step after `max_seconds` have passed, where they are given.

    >>> with budget(2, "counting"):
    ...     spend(3)
    Traceback (most recent call last):
    constrain.errors.LimitExceeded: counting takes more than max_steps=2 steps
    hint: simplify it, or raise max_steps
    """

    __slots__ = ("_outermost", "max_seconds", "max_steps", "what")

    def __init__(self, max_steps: int, what: str, *, max_seconds: float | None = None) -> None:
        self.max_steps = checked_steps(max_steps)
        self.max_seconds = max_seconds
        self.what = what

    def __enter__(self) -> None:
        self._outermost = _spending.budget is None
        if self._outermost:
            _spending.budget = self
            _spending.left = self.max_steps
            if self.max_seconds is not None:
                _spending.left = min(LOOK, self.max_steps)
                _spending.later = self.max_steps - _spending.left
                _spending.deadline = time.monotonic() + self.max_seconds

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._outermost:
            return
        _spending.budget = None
        _spending.left = float("inf")
        _spending.later = 0
        if kind is not None and issubclass(kind, RecursionError):
            raise LimitExceeded(
                f"{self.what} goes deeper than Python's recursion limit of {sys.getrecursionlimit()}",
                hint="nest or repeat less, or raise sys.setrecursionlimit",
            ) from None


def checked_steps(max_steps: object) -> int:
    """A limit that some work can be done under; raises InvalidInputError for anything else."""
    return as_whole(max_steps, "max_steps", least=1, hint=f"the default is {DEFAULT_MAX_STEPS}")


def spend(steps: int = 1) -> None:
    """Count steps against the budget in force."""
    left = _spending.left = _spending.left - steps
    if left < 0:
        _look()


def _look() -> None:
    """The steps are spent, or it is time to look at the clock."""
    limit = _spending.budget
    if limit is None:
        return
    if limit.max_seconds is not None and time.monotonic() > _spending.deadline:
        raise LimitExceeded(
            f"{limit.what} takes longer than max_seconds={limit.max_seconds}",
            hint="simplify it, or raise max_seconds",
        )
    left = _spending.left + _spending.later
    if left < 0:
        raise LimitExceeded(
            f"{limit.what} takes more than max_steps={limit.max_steps} steps",
            hint="simplify it, or raise max_steps",
        )
    _spending.left = min(LOOK, left)
    _spending.later = left - _spending.left

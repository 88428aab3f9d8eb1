"""One budget for every search: how much work a compilation, or one mask, may take.

Some schemas and patterns multiply, however they are compiled: whether they can be satisfied at all is as
hard as any puzzle that can be written as one.  So every search counts its steps against the budget of
whoever started it, and when that is spent the answer is a LimitExceeded that names the limit:

    with budget(500_000, "compiling this schema"):
        ...  spend()  ...  spend()  ...

A step is about one derivative of a term, some 10 to 50 microseconds.  Counting steps instead of watching a
clock makes the limit the same on every machine.  An inner budget changes nothing: the outermost one counts.
Without a budget there is no limit.

Depth is work too: what exhausts Python's stack within a budget is a LimitExceeded as well.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from constrain.arguments import as_whole
from constrain.errors import LimitExceeded

DEFAULT_MAX_STEPS = 500_000


class _Spending(threading.local):
    left: float = float("inf")
    budget: budget | None = None


_spending = _Spending()


class budget:  # noqa: N801 - it is used as a context manager, like `suppress`
    """At most `max_steps` steps within this block; more raise LimitExceeded, which says `what` took them.

    >>> with budget(2, "counting"):
    ...     spend(3)
    Traceback (most recent call last):
    constrain.errors.LimitExceeded: counting takes more than max_steps=2 steps
    hint: simplify it, or raise max_steps
    """

    __slots__ = ("_outermost", "max_steps", "what")

    def __init__(self, max_steps: int, what: str) -> None:
        self.max_steps = checked_steps(max_steps)
        self.what = what

    def __enter__(self) -> None:
        self._outermost = _spending.budget is None
        if self._outermost:
            _spending.budget = self
            _spending.left = self.max_steps

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._outermost:
            return
        _spending.budget = None
        _spending.left = float("inf")
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
    _spending.left -= steps
    if _spending.left < 0 and _spending.budget is not None:
        limit = _spending.budget
        raise LimitExceeded(
            f"{limit.what} takes more than max_steps={limit.max_steps} steps",
            hint="simplify it, or raise max_steps",
        )

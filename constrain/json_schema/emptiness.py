"""Is there a value at all?  The least solution of recursive questions, remembered as it is found.

A continuation may be handed out only if some text completes it, so every goal and every state of an object
or array is asked: does some value satisfy you?  Schemas are recursive, so the question meets itself:

    node = {"required": ["next"], "properties": {"next": node}}       a node needs a node: empty
    node = {"properties": {"next": node}}                             {} is a node: not empty

A question that is met again while it is being answered counts as "no": the smallest witness of a goal holds
no other witness of the same goal.  So "yes" is always right and is kept for good.  "No" is right for good
only if it did not lean on a question still open; else it is kept provisionally, as long as that question
is open, and forgotten if the question turns out "yes".

Source: Attouche et al. (2022), section 7 (bottom-up witness generation), turned round: top-down, on
demand, and stopping at the first witness; the bookkeeping is that of tabled logic programming.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from constrain.budget import spend


class Fixpoint:
    """Yes/no questions that may ask each other, answered as the least solution."""

    def __init__(self) -> None:
        self._known: dict[Hashable, bool] = {}
        self._provisional: dict[Hashable, int] = {}
        self._trail: list[Hashable] = []
        self._open: dict[Hashable, int] = {}
        self._lowest = _NOTHING_OPEN

    def ask(self, question: Hashable, answer: Callable[[], bool]) -> bool:
        """The answer, computed by `answer` unless it is known."""
        known = self._known.get(question)
        if known is not None:
            return known
        leaned_on = self._open.get(question, self._provisional.get(question))
        if leaned_on is not None:
            self._lowest = min(self._lowest, leaned_on)
            return False
        depth = len(self._open)
        spend(4)
        outer, self._lowest = self._lowest, _NOTHING_OPEN
        mark = len(self._trail)
        self._open[question] = depth
        try:
            found = answer()
        except BaseException:
            self._forget(mark)
            raise
        finally:
            del self._open[question]
            leaned, self._lowest = self._lowest, outer
        if found:
            self._known[question] = True
            self._forget(mark)
        elif leaned >= depth:
            self._known[question] = False
            for other in self._trail[mark:]:
                del self._provisional[other]
                self._known[other] = False
            del self._trail[mark:]
        else:
            self._provisional[question] = leaned
            self._trail.append(question)
        if leaned < depth:
            self._lowest = min(self._lowest, leaned)
        return found

    def _forget(self, mark: int) -> None:
        for other in self._trail[mark:]:
            del self._provisional[other]
        del self._trail[mark:]


_NOTHING_OPEN = 1 << 60

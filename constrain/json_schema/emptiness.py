"""Is there a value at all?  The least solution of recursive questions, remembered as it is found.

A continuation may be handed out only if some text completes it, so every goal and every state of an object
or array is asked: does some value satisfy you?  Schemas are recursive, so the question meets itself:

    node = {"required": ["next"], "properties": {"next": node}}       a node needs a node: empty
    node = {"properties": {"next": node}}                             {} is a node: not empty

A question that is met again while it is being answered counts as "no": the smallest witness of a goal holds
no other witness of the same goal.  So "yes" is always right and is kept for good.  "No" is right for good
only if it did not lean on a question still open; else it is kept provisionally, as long as that question
is open, and forgotten if the question turns out "yes".

Questions within questions use up Python's stack, nine frames for each level of a schema.  So where MAX_OPEN
are open, the innermost is answered first, on its own, and then the outermost is asked again: it finds the
answer ready.  A question asked on its own leans on nothing, so its answer is for good.  Only a circle of more
questions than that meets itself again among those that wait; it goes as deep as the stack does.

Source: Attouche et al. (2022), section 7 (bottom-up witness generation), turned round: top-down, on
demand, and stopping at the first witness; the bookkeeping is that of tabled logic programming.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from constrain.budget import spend

MAX_OPEN = 40
"""Questions within questions before the innermost is asked on its own: 400 frames of the 1,000 there are.

Much fewer, and schemas that refer to each other in circles would ask much twice."""

Answer = Callable[[], bool]


class _AskFirst(BaseException):  # no error: nobody on the way may handle it
    """A question to be answered before those that are open."""

    def __init__(self, question: Hashable, answer: Answer) -> None:
        self.question, self.answer = question, answer


class Fixpoint:
    """Yes/no questions that may ask each other, answered as the least solution."""

    def __init__(self, max_open: int = MAX_OPEN) -> None:
        self.max_open = max_open
        self._known: dict[Hashable, bool] = {}
        self._provisional: dict[Hashable, int] = {}
        self._trail: list[Hashable] = []
        self._open: dict[Hashable, int] = {}
        self._lowest = _NOTHING_OPEN
        self._most = self.max_open

    def ask(self, question: Hashable, answer: Answer) -> bool:
        """The answer, computed by `answer` unless it is known."""
        known = self._known.get(question)
        if known is not None:
            return known
        leaned_on = self._open.get(question, self._provisional.get(question))
        if leaned_on is not None:
            self._lowest = min(self._lowest, leaned_on)
            return False
        depth = len(self._open)
        if not depth:
            return self._ask_in_turn(question, answer)
        if depth >= self._most:
            raise _AskFirst(question, answer)
        return self._find(question, answer)

    def _ask_in_turn(self, question: Hashable, answer: Answer) -> bool:
        """The answer to a question while none is open, those first that it would meet too deep inside."""
        waiting = {question: answer}
        try:
            while True:
                asked = next(reversed(waiting))
                try:
                    found = self._find(asked, waiting[asked])
                except _AskFirst as first:
                    if first.question in waiting:  # a circle: none of them can be answered on its own
                        self._most = _NOTHING_OPEN
                    waiting[first.question] = first.answer
                    continue
                del waiting[asked]
                self._most = self.max_open
                if not waiting:
                    return found
        finally:
            self._most = self.max_open

    def _find(self, question: Hashable, answer: Answer) -> bool:
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

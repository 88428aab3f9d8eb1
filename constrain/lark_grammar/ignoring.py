"""Text that `%ignore` leaves out: it is read whole, as far as its terminal goes.

Before any terminal, and after the last, Lark's Earley parser may skip one match of an ignored terminal, and
then another.  It takes the match that Python's `re` finds there, and no shorter one: after `%ignore / +/` two
spaces are skipped together or not at all, and a space that the rules ask for cannot come after
ignored ones:

    start: "a" " b"           "a b"  parses           %ignore / +/
                              "a  b" does not: the ignored text would have been both spaces

So ignoring leads to the same state, but with something to refuse: what follows may not begin with a text that
would have made the ignored one longer.  `after_each` finds these texts, one language for each state in
which the ignored terminal's automaton may stop; for `/ +/` it is `/ +/` again.

`split` takes a terminal apart by what it means for the texts to refuse: some of its own texts begin
with one of them, and go; some are on the way to one, and leave the remainder to refuse after them; most
have nothing to do with it, and nothing is left to refuse.  Nearly always that is all of them.
"""

from __future__ import annotations

from constrain.budget import spend
from constrain.regular.byte_sets import refine
from constrain.regular.keeping import remember
from constrain.regular.leaf import Leaf, intern_leaf
from constrain.regular.queries import is_empty
from constrain.regular.terms import (
    ANY_BYTES,
    EMPTY,
    Term,
    choice,
    concat,
    difference,
    intersect,
    without_epsilon,
)

Pieces = tuple[tuple[Term, Term], ...]
"""Parts of a terminal, each with what may not follow a text of that part."""


class Leading(Leaf):
    """The strings after which `at` has become `to`: those that lead from one state to another."""

    __slots__ = ("at", "to")

    def __init__(self, at: Term, to: Term) -> None:
        self.at = at
        self.to = to
        self._register(nullable=at is to, plain=False)

    def derivative(self, byte: int) -> Term:
        """From the next state on, if a way leads on from there."""
        return leading(_tidy(self.at.after(byte)), self.to)

    def classes(self) -> tuple[int, ...]:
        return self.at.classes()


def leading(at: Term, to: Term) -> Term:
    """`Leading`, or EMPTY if nothing leads from `at` to `to`."""
    return intern_leaf(Leading, at, to) if to in _reached(at) else EMPTY


@remember(4096)
def after_each(term: Term) -> Pieces:
    """The parts of `term` that end in one state, each with the texts that would make its own longer.

    >>> from constrain.regular.queries import accepts
    >>> from constrain.regular.terms import literal, repeat
    >>> ((part, longer),) = after_each(repeat(literal(b" "), 1))
    >>> [(accepts(part, text), accepts(longer, text)) for text in (b"", b" ", b"  ")]
    [(False, False), (True, True), (True, True)]
    """
    ends = [state for state in _reached(term) if state.nullable]
    if len(ends) == 1:
        return ((term, _tidy(without_epsilon(ends[0]))),)
    return tuple((leading(term, end), _tidy(without_epsilon(end))) for end in ends)


@remember(4096)
def split(term: Term, refused: Term) -> Pieces:
    """The parts of `term` that do not begin with a text of `refused`, each with what to refuse after it."""
    if refused is EMPTY:
        return ((term, EMPTY),)
    found: dict[Term, None] = {}
    cut = False
    seen = {(term, refused)}
    agenda = [(term, refused)]
    while agenda:
        here, against = agenda.pop()
        if here.nullable:
            found[against] = None
        if against is EMPTY:
            continue
        for mask in refine(here.classes(), against.classes()):
            spend()
            byte = (mask & -mask).bit_length() - 1
            after, left = _tidy(here.after(byte)), _tidy(against.after(byte))
            if after is EMPTY:
                continue
            if left.nullable:
                cut = True
            elif left is EMPTY:
                found[EMPTY] = None
            elif (after, left) not in seen:
                seen.add((after, left))
                agenda.append((after, left))
    if not cut and found.keys() <= {EMPTY}:
        return ((term, EMPTY),)
    allowed = difference(term, concat(refused, ANY_BYTES))
    parts = [(intersect(allowed, leading(refused, left)), left) for left in found if left is not EMPTY]
    if EMPTY in found:
        others = choice(*[leading(refused, left) for left in found if left is not EMPTY])
        parts.append((difference(allowed, others), EMPTY))
    return tuple((part, left) for part, left in parts if not is_empty(part))


@remember(4096)
def _reached(term: Term) -> frozenset[Term]:
    """Every state that reading leads to from `term`, itself included."""
    seen = {term}
    agenda = [term]
    while agenda:
        here = agenda.pop()
        for mask in here.classes():
            spend()
            after = _tidy(here.after((mask & -mask).bit_length() - 1))
            if after not in seen:
                seen.add(after)
                agenda.append(after)
    return frozenset(seen)


def _tidy(term: Term) -> Term:
    return EMPTY if is_empty(term) else term

"""A language as one factor of a product: its derivatives are computed once.

Deciding whether a boolean combination of patterns is empty walks their product, and there each state of a
factor is met again beside every state of the others.  A `Component` is a term that remembers its derivatives
by byte, so each step of the product costs a look-up per factor:

    component(p) ∩ ¬component(q)    the same language as p ∩ ¬q

Only questions use components (scalars.py).  Terminals do not: a mask's automaton remembers its states itself.
"""

from __future__ import annotations

from constrain.regular.byte_sets import bytes_of
from constrain.regular.leaf import Leaf, intern_leaf
from constrain.regular.queries import is_empty
from constrain.regular.terms import EMPTY, Term


class Component(Leaf):
    """A term that remembers its derivatives."""

    __slots__ = ("_after", "_classes", "term")

    def __init__(self, term: Term) -> None:
        self.term = term
        self._after: list[Term] | None = None
        self._classes: tuple[int, ...] | None = None
        self._register(nullable=term.nullable, plain=False)

    @property
    def nonempty(self) -> bool:
        """Is there a string in it?"""
        return not is_empty(self.term)

    def classes(self) -> tuple[int, ...]:
        """The byte sets of the term."""
        if self._classes is None:
            self._classes = self.term.classes()
        return self._classes

    def derivative(self, byte: int) -> Term:
        """What may follow `byte`, as a component again."""
        if self._after is None:
            after: list[Term] = [EMPTY] * 256
            for mask in self.classes():
                to = component(self.term.derivative((mask & -mask).bit_length() - 1))
                for member in bytes_of(mask):
                    after[member] = to
            self._after = after
        return self._after[byte]


def component(term: Term) -> Term:
    """The term as a factor; EMPTY stays what it is."""
    return EMPTY if term is EMPTY or is_empty(term) else intern_leaf(Component, term)

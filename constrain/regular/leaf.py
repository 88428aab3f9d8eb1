"""Terms whose states are computed: divisibility, numeric bounds, components of a finite language.

A leaf is a term like any other to the operators of `terms.py`, which ask it for derivatives.  Whether it is
empty it must know by itself: nothing about its states follows from a structure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from constrain.regular.interning import intern
from constrain.regular.keeping import remember
from constrain.regular.term import Way
from constrain.regular.terms import (
    Choice,
    Concat,
    Intersection,
    Repeat,
    Term,
    choice,
    concat,
    intersect,
    repeat,
)


class Leaf(Term):
    """A term whose states are computed, such as a residue.

    A subclass has a hashable `key`, and implements `derivative` and `classes`; it is made with `intern_leaf`.
    Its language must be nonempty unless `nonempty` says otherwise.
    """

    __slots__ = ()

    @property
    def nonempty(self) -> bool:
        """Is there a string in this language?  Decided by the leaf itself."""
        return True

    @property
    def outline(self) -> Term | None:
        """A term without leaves that holds all of this one, and is as short and as long; None: not known."""
        return None

    @property
    def counted(self) -> tuple[Term, ...]:
        """Terms each of which holds all of this one, and in which counters may run far (`clipping.py`)."""
        return ()

    def with_counts(self, changed: Callable[[Term], Term]) -> Term:
        """The same with something else for each term of `counted`."""
        return self


class WrittenLeaf(Leaf):
    """A leaf that is written as a term when it is first asked for its ways: there are too many of its kind.

    A subclass implements `_write`, and sets `_written_as` to None.
    """

    __slots__ = ("_written_as",)
    _written_as: Term | None

    def derivative(self, byte: int) -> Term:
        return self._written.derivative(byte)

    def _find_ways(self, within: int) -> Iterable[Way]:
        return self._written.ways_within(within)

    @property
    def _written(self) -> Term:
        if self._written_as is None:
            self._written_as = self._write()
        return self._written_as

    def _write(self) -> Term:
        """The same language, its next byte spelled out."""
        raise NotImplementedError


@remember(1 << 14)
def outlined(term: Term) -> Term:
    """A term that holds all of `term`: that with outlines for its leaves, where they have one."""
    if term.plain:
        return term
    if isinstance(term, Leaf):
        return term if term.outline is None else term.outline
    if type(term) is Concat:
        parts: list[Term] = []
        at: Term = term
        while type(at) is Concat:
            parts.append(outlined(at.head))
            at = at.tail
        return concat(*parts, outlined(at))
    if type(term) is Choice:
        return choice(*map(outlined, term.members))
    if type(term) is Intersection:
        return intersect(*map(outlined, term.members))
    if type(term) is Repeat:
        return repeat(outlined(term.body), term.low, term.high)
    return term  # a complement would hold less


def intern_leaf(make: type[Leaf], *key: object) -> Term:
    """The leaf `make(*key)`, made once."""
    return intern((make, *key), make, *key)

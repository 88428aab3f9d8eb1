"""Terms with assertions about the text so far; see `syntax.py` for where they come from.

An `Assertion` is a placeholder: "watch number i holds here".  A `Watched` term is a term with placeholders,
and the watches: the derivatives, by the text so far, of what each placeholder asks about.  `settle`
replaces the placeholders that stand at the front, where the next byte is about to be read; those
further back stay until the text gets there.  Terms share their parts, so each part is settled once.

    watch 0: anything·[a-z]      term: [a-z]*·(0)·"!"        "a `!` after a letter"
    after `x`   the watch is nullable:   settled  [a-z]+·(0)·"!" | "!"
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from constrain.budget import spend
from constrain.regular.interning import intern
from constrain.regular.looping import Loop
from constrain.regular.term import Piece, Way, cut, joined
from constrain.regular.terms import (
    EMPTY,
    EPSILON,
    Choice,
    Complement,
    Concat,
    Intersection,
    Repeat,
    Strings,
    Term,
    choice,
    complement,
    concat,
    intersect,
    repeat,
    without_epsilon,
)


class Assertion(Term):
    """Stands for the empty string where watch `number` holds, and for nothing elsewhere."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number
        self._register(nullable=False, plain=False, fixed=False)

    @staticmethod
    def make(number: int) -> Term:
        """The placeholder for watch `number`."""
        return intern((Assertion, number), Assertion, number)

    def derivative(self, byte: int) -> Term:
        """Settled before any byte is read, so nothing follows."""
        return EMPTY

    def _find_ways(self, within: int) -> Iterable[Way]:
        return ()


class Watched(Term):
    """A term with placeholders (`term`) and its watches, one for each number."""

    __slots__ = ("settled", "term", "watches")

    def __init__(self, term: Term, watches: tuple[Term, ...]) -> None:
        self.term = term
        self.watches = watches
        self.settled = settle(term, [watch.nullable for watch in watches])
        self._register(nullable=self.settled.nullable, plain=False, first=self.settled.first)

    def derivative(self, byte: int) -> Term:
        """The settled term's derivative, under the watches' derivatives."""
        after = self.settled.after(byte)
        return watched(after, tuple(watch.after(byte) for watch in self.watches))

    def _find_ways(self, within: int) -> Iterable[Way]:
        """The settled term's ways, each cut along the ways of every watch."""
        pieces: list[Piece] = [(mask, (after,)) for mask, after in self.settled.ways_within(within)]
        for watch in self.watches:
            ways = watch.ways()
            spend(len(pieces) * len(ways) >> 3)
            pieces = cut(pieces, ways)
        return joined((mask, watched(after, watches)) for mask, (after, *watches) in pieces)


def watched(term: Term, watches: Sequence[Term]) -> Term:
    """`term` under `watches`; those no longer asked about, or forever false, are dropped."""
    used = asked(term)
    dead = {number for number in used if watches[number] is EMPTY}
    if dead:
        term = _forget(term, dead, {})
        used = asked(term)
    if not used:
        return term
    kept = tuple(watch if number in used else EMPTY for number, watch in enumerate(watches))
    return intern((Watched, term.id, *[watch.id for watch in kept]), Watched, term, kept)


def asked(term: Term) -> frozenset[int]:
    """The numbers of the placeholders in `term`."""
    found: set[int] = set()
    seen: set[Term] = set()
    stack = [term]
    while stack:
        here = stack.pop()
        if here.plain or here in seen:
            continue
        seen.add(here)
        if isinstance(here, Assertion):
            found.add(here.number)
        else:
            stack.extend(parts(here))
    spend(len(seen))
    return frozenset(found)


def settle(term: Term, holds: list[bool]) -> Term:
    """Replace the placeholders at the front of `term` by what `holds` says of them."""
    return _settled(term, holds, {})


def _settled(term: Term, holds: list[bool], known: dict[Term, Term]) -> Term:
    if term.plain:
        return term
    found = known.get(term)
    if found is None:
        spend()
        found = known[term] = _settle(term, holds, known)
    return found


def _settle(term: Term, holds: list[bool], known: dict[Term, Term]) -> Term:
    if isinstance(term, Assertion):
        return EPSILON if holds[term.number] else EMPTY
    if isinstance(term, Concat):
        head = _settled(term.head, holds, known)
        if not head.nullable:
            return concat(head, term.tail)
        return choice(concat(without_epsilon(head), term.tail), _settled(term.tail, holds, known))
    if isinstance(term, Choice):
        return choice(*[_settled(member, holds, known) for member in term.members])
    if isinstance(term, Intersection):
        return intersect(*[_settled(member, holds, known) for member in term.members])
    if isinstance(term, Complement):
        return complement(_settled(term.body, holds, known))
    if isinstance(term, Repeat):
        return _settle_repeat(term, holds, known)
    if isinstance(term, Loop) and not term.fixed:
        return _settled(term.unfolded, holds, known)
    return term


def _settle_repeat(term: Repeat, holds: list[bool], known: dict[Term, Term]) -> Term:
    """One more round may be empty here although the body never is elsewhere."""
    body = _settled(term.body, holds, known)
    high = None if term.high is None else term.high - 1
    # A body that can be empty here fills up any rounds still owed.
    owed = 0 if body.nullable else max(term.low - 1, 0)
    once = concat(without_epsilon(body), repeat(term.body, owed, high))
    return choice(once, EPSILON) if term.low == 0 or body.nullable else once


def _forget(term: Term, dead: set[int], known: dict[Term, Term]) -> Term:
    """Replace the placeholders of `dead` by EMPTY, but for those in loops: there they just never hold."""
    if term.plain:
        return term
    found = known.get(term)
    if found is None:
        spend()
        found = known[term] = _forgotten(term, dead, known)
    return found


def _forgotten(term: Term, dead: set[int], known: dict[Term, Term]) -> Term:
    if isinstance(term, Assertion):
        return EMPTY if term.number in dead else term
    if isinstance(term, Concat):
        return concat(_forget(term.head, dead, known), _forget(term.tail, dead, known))
    if isinstance(term, Choice):
        return choice(*[_forget(member, dead, known) for member in term.members])
    if isinstance(term, Intersection):
        return intersect(*[_forget(member, dead, known) for member in term.members])
    if isinstance(term, Complement):
        return complement(_forget(term.body, dead, known))
    if isinstance(term, Repeat):
        return repeat(_forget(term.body, dead, known), term.low, term.high)
    return term


def parts(term: Term) -> tuple[Term, ...]:
    """The terms that a term is made of; a `Watched` stands for itself."""
    if isinstance(term, Concat):
        return (term.head, term.tail)
    if isinstance(term, Choice | Intersection):
        return term.members
    if isinstance(term, Complement | Repeat):
        return (term.body,)
    if isinstance(term, Strings):
        return tuple(term.children.values())
    if isinstance(term, Loop):
        return (term.rest, term.round)
    return ()

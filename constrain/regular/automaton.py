"""One lazily built automaton for every terminal of the process.

A state is the number of a term, and its row holds the 256 successors.  State 0 is dead, and exactly so:
a successor is 0 when its *language* is empty, not only when its term is `EMPTY`.  Without that a mask
would lead into `ab & ~(ab|cd)`, a term that is not EMPTY and has no string:

    start (ab|ac) & ~ab ──a──▶ (b|c) & ~b ──c──▶ EPSILON         by b: dead, found by looking ahead

Terms made without intersection, complement and leaves are empty only when they are EMPTY.  For the
others a depth-first search over derivatives looks for a nullable term; a string found makes every
term on its path nonempty, a search that ends without one makes every term it saw empty, and both are
remembered.  Counters that run far (`maxLength` beside a pattern that counts words) are clipped first: if
the clipped term, which all of them share, has a short text, so have they.

Source: Brzozowski, "Derivatives of regular expressions", JACM 11(4), 1964: finitely many derivatives up to
similarity.

Cost: a row is as many states as its term has ways (`terms.py`), usually under ten.  `max_states` bounds the
states of the automaton, the budget in force (`budget.py`) each search.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from constrain.budget import spend
from constrain.errors import LimitExceeded
from constrain.regular.byte_sets import bytes_of
from constrain.regular.clipping import clip, far_counts
from constrain.regular.interning import LOCK, interned
from constrain.regular.keeping import at_end, forget, free_some, retire_with
from constrain.regular.leaf import Leaf
from constrain.regular.lengths import distance
from constrain.regular.sizes import outnumbers
from constrain.regular.terms import EMPTY, EPSILON, Choice, Concat, Term

DEAD = 0
DEFAULT_MAX_STATES = 200_000
KEPT_STATES = 30_000
KEPT_TERMS = 120_000
HORIZON = 64
SHORT_SEARCH = 1_000
EASY_SEARCH = 50
Row = npt.NDArray[np.int32]


class AutomatonFull(LimitExceeded):
    """No further state fits; who can begin again in another automaton, may."""


class Automaton:
    """States are numbers of interned terms; rows and emptiness appear on demand."""

    def __init__(self, max_states: int | None = None) -> None:
        self.max_states = DEFAULT_MAX_STATES if max_states is None else max_states
        self.accepting: bytearray = bytearray(b"\0")
        self._terms: list[Term] = [EMPTY]
        self._numbers: dict[Term, int] = {EMPTY: DEAD}
        self._rows: list[Row | None] = [np.zeros(256, dtype=np.int32)]
        self._ways: list[tuple[tuple[int, int], ...] | None] = [()]
        self._empty: dict[Term, bool] = {}
        self._short: dict[Term, int] = {}
        self._steps: list[dict[int, int]] = [{}]
        retire_with(self, self)

    def __len__(self) -> int:
        return len(self._terms)

    def state(self, term: Term) -> int:
        """The number of `term`'s state, 0 if its language is empty.

        Raises AutomatonFull when `max_states` would be passed.
        """
        number = self._numbers.get(term)
        if number is not None:
            return number
        with LOCK:
            if self.is_empty(term):
                number = DEAD
            else:
                number = len(self._terms)
                if number >= self.max_states:
                    raise AutomatonFull(
                        f"the automaton needs more than max_states={self.max_states:_} states",
                        hint="nested repeats multiply; shorten one",
                    )
                spend()
                self._terms.append(term)
                self.accepting.append(term.nullable)
                self._rows.append(None)
                self._ways.append(None)
                self._steps.append({})
            self._numbers[term] = number
        return number

    def term(self, state: int) -> Term:
        """The language that is left to read in `state`."""
        return self._terms[state]

    def row(self, state: int) -> Row:
        """The successors of `state` by byte, int32, shape (256,); do not write to it."""
        row = self._rows[state]
        if row is None:
            spend(4)
            with LOCK:
                row = np.zeros(256, dtype=np.int32)
                for mask, to in self.ways(state):
                    row[_members(mask)] = to
                self._rows[state] = row
        return row

    def ways(self, state: int) -> tuple[tuple[int, int], ...]:
        """The sets of bytes that lead on from `state`, and where to."""
        ways = self._ways[state]
        if ways is None:
            found = []
            for mask, after in self._terms[state].ways():
                spend()
                to = self.state(after)
                if to:
                    found.append((mask, to))
            ways = self._ways[state] = tuple(found)
        return ways

    def has_ways(self, state: int) -> bool:
        """Have the ways on from `state` been found?"""
        return self._ways[state] is not None

    def step(self, state: int, byte: int) -> int:
        """The successor of `state` by one byte; makes no row, for most states are passed only once."""
        row = self._rows[state]
        if row is not None:
            return int(row[byte])
        steps = self._steps[state]
        to = steps.get(byte)
        if to is None:
            spend()
            to = steps[byte] = self.state(self._terms[state].derivative(byte))
        return to

    def extensible(self, state: int) -> bool:
        """Can a text go on from `state`?"""
        term = self._terms[state]
        if term.plain or not term.nullable:
            return term is not EPSILON
        return bool(self.row(state).any())

    def is_empty(self, term: Term) -> bool:
        """Does `term` hold no string?

        Raises LimitExceeded when the budget in force is spent.
        """
        if term.plain:
            return term is EMPTY
        chain: list[Term] = []
        known: bool | None = None
        while known is None and type(term) is Concat and (term.fixed or isinstance(term.head, Leaf)):
            known = self._empty.get(term)
            if known is None:
                chain.append(term)
                known = self.is_empty(term.head) or None
                term = term.tail
        if known is None:
            known = self._find_empty(term)
        self._empty.update(dict.fromkeys(chain, known))
        return known

    def _find_empty(self, term: Term) -> bool:
        if term.plain:
            return term is EMPTY
        if term.nullable:
            return False
        if isinstance(term, Leaf):
            return not term.nonempty
        known = self._empty.get(term)
        if known is None:
            if outnumbers(term):
                known = False
            elif type(term) is Choice:
                known = all(map(self.is_empty, term.members))
            else:
                known = self._is_empty_far_off(term)
            self._empty[term] = known
        return known

    def _is_empty_far_off(self, term: Term) -> bool:
        """Is `term` empty, as far as that can be seen without its counters that run far?"""
        found = self._search(term, EASY_SEARCH)
        if found is not None:
            return found
        horizon = min((HORIZON, *far_counts(term)))
        wide = clip(term, horizon)
        if wide is not term:
            if self.is_empty(wide):
                return True
            length = self.short_text(wide)
            if length is not None and length <= horizon:
                return False
        return bool(self._search(term, None))

    def _search(self, term: Term, most: int | None) -> bool | None:
        """Is `term` empty?  Depth first over at most so many terms; None if they were not enough.

        An easy search goes as the ways come, for most terms have a text down every way.  Without a limit the
        nearest way is taken first: what is not found easily may be behind a counter.
        """
        parent: dict[Term, Term | None] = {term: None}
        stack = [term]
        while stack:
            here = stack.pop()
            known = self._empty.get(here)
            if known is None and (here.plain or isinstance(here, Leaf)):
                known = self.is_empty(here)
            if known is False or here.nullable:
                at: Term | None = here
                while at is not None:
                    self._empty[at] = False
                    at = parent[at]
                return False
            if known is True:
                continue
            if most is not None and len(parent) > most:
                return None
            ways = [after for _, after in here.ways() if after not in parent]
            spend(len(ways))
            parent.update(dict.fromkeys(ways, here))
            stack += sorted(ways, key=distance if most is None else _is_complete, reverse=most is None)
        for seen in parent:
            self._empty[seen] = True
        return True

    def short_text(self, term: Term) -> int | None:
        """The length of a text of `term`; None if none is found of at most HORIZON bytes.

        It need not be a shortest one.  Breadth first over SHORT_SEARCH terms, then depth first over as many;
        none is sought where the term alone says that it is further to the end.
        """
        known = self._short.get(term)
        if known is None:
            known = self._find_short_text(term)
        return known if known <= HORIZON else None

    def _find_short_text(self, term: Term) -> int:
        for breadth_first in (True, False) if distance(term) <= HORIZON else ():
            parent: dict[Term, Term | None] = {term: None}
            pending = deque([(term, 0)])
            while pending and len(parent) <= SHORT_SEARCH:
                here, depth = pending.popleft() if breadth_first else pending.pop()
                rest = 0 if here.nullable else self._short.get(here, HORIZON + 1)
                if depth + rest <= HORIZON:
                    at: Term | None = here
                    while at is not None:
                        self._short[at] = rest
                        at, rest = parent[at], rest + 1
                    return self._short[term]
                if depth == HORIZON:
                    continue
                for _, after in here.ways():
                    spend()
                    if after not in parent:
                        parent[after] = here
                        pending.append((after, depth + 1))
        self._short[term] = HORIZON + 1
        return HORIZON + 1


def _is_complete(term: Term) -> bool:
    return term.nullable


@lru_cache(maxsize=4_096)
def _members(mask: int) -> npt.NDArray[np.intp]:
    """The bytes of a set, as indices into a row; the same few sets come again and again."""
    return np.fromiter(bytes_of(mask), dtype=np.intp)


_shared = Automaton()


def shared_automaton() -> Automaton:
    """The automaton of this generation (`keeping.py`)."""
    return _shared


def start_grammar() -> None:
    """A new grammar is about to be made: a generation that has gathered too much ends."""
    with LOCK:
        if len(_shared) > KEPT_STATES or interned() > KEPT_TERMS:
            forget()
        free_some()


@at_end
def _renew() -> None:
    global _shared  # noqa: PLW0603 - one for the process, until the generation ends
    _shared = Automaton()

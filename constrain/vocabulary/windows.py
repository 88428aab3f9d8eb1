"""Tables of strings whose length is in a window: the table of any length, and a filter.

A pattern beside `minLength: 8, maxLength: 64` has states that differ only in how many characters are owed and
left (`regular/bounded.py`), and each would be a walk over the vocabulary.  But how many characters a token
holds depends neither on the counts nor on the pattern, and so is counted once.  For the pattern
`^[a-z]*-[0-9]{3}$`:

    tokens             ab    -    -1    ab-    abcdef
    characters         2     1    2     3      6
    and to its end     4     3    2     3      4              at most 5 left: `-` and `-1` may come

Of each state of the pattern that a token ends in, the length of some text and of a round on the way is known,
which tells of nearly all tokens whether there is room for them and whether what is owed can still be had.
For the others `bounded.fits` is asked, once for each state and count.

Cost: a walk for each product, and then 0.1 ms for each window.  Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import proxy

import numpy as np
import numpy.typing as npt

from constrain.regular.bounded import Bounded, fits, round_length, some_length
from constrain.regular.products import Product, at_place
from constrain.regular.terms import EPSILON, Term
from constrain.vocabulary.reached import Reached
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.signatures import Signatures, count_above
from constrain.vocabulary.trie import Int32s, Places, Trie
from constrain.vocabulary.walks import SYMBOLS

if TYPE_CHECKING:
    from constrain.vocabulary.tables import Table, Tables

MAX_BASES = 64
NO_LIMIT = 1 << 30
"""More characters than a token has, and rounds of them still fit a machine word."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Characters:
    """How many characters are begun at the positions of a trie, and the place in the universe there.

    `place[i]` is an index into `places`; behind the positions there is one more, which is no place.
    """

    trie: Trie | Signatures
    begun: Places
    place: Places
    places: tuple[Term, ...]

    def at(self, place: Term) -> Flags:
        """At which positions does a text stand at this place?"""
        known = self.places.index(place) if place in self.places else len(self.places)
        found: Flags = self.place == known
        return found

    def over(self, trie: Trie | Signatures) -> Characters:
        """The same over a trie that tells apart whatever this one does."""
        if trie is self.trie or not isinstance(self.trie, Signatures):
            return self
        some = trie.nodes[1][trie.nodes[0][:-1]] if isinstance(trie, Signatures) else np.arange(len(trie))
        at = np.append(self.trie.of_node.take(some), len(self.trie))
        return Characters(trie, self.begun.take(at), self.place.take(at), self.places)


@dataclass(frozen=True, slots=True)
class Base:
    """What is known of a product of any length.

    At `positions[i]` of what was `reached`, inside the string, `begun[i]` characters are begun, and the
    product is `products[kind[i]]`, of which `some` are the characters of a text.  At the positions `closed`
    the string is complete and holds `closed_counts` characters; the exit has `exits`, with `exit_counts`.
    """

    reached: Reached
    table: Table
    positions: Places
    begun: Places
    kind: Places
    products: tuple[Product, ...]
    some: Places
    closed: Places
    closed_counts: Places
    exits: Int32s
    exit_counts: Places


class Windows:
    """The strings with a length of one vocabulary's tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables: Tables = proxy(tables)  # its own part, so no circle: they die together
        self._characters: dict[tuple[Term, Term], Characters] = {}
        self._bases: dict[int, Base] = {}
        self._rounds: dict[int, Places] = {}

    def table(self, remainder: int, state: int) -> Table | None:
        """The table of a bounded product over the whole vocabulary; None for other languages."""
        from constrain.vocabulary.tables import Table

        tables = self._tables
        term = tables.automaton.term(state)
        if remainder != EVERYTHING or not isinstance(term, Bounded):
            return None
        base = self._base(term.product, term.whole)
        low, high = term.window.low, NO_LIMIT if term.window.high is None else term.window.high
        fitting = self._fitting(term, base, low, high)
        closed = (base.closed_counts >= low) & (base.closed_counts <= high)
        kept = (base.exit_counts >= low) & (base.exit_counts <= high)
        exits = base.table.exit if kept.all() else tables.remainders.intern_array(base.exits[kept])
        if fitting.all() and closed.all():
            return Table(base.table.inside, exits)
        at = np.zeros(len(base.reached.trie) + 1, dtype=np.bool_)
        at[base.positions] = fitting
        at[base.closed] = closed
        return tables.flags_table(tables.walker.of_tokens(base.reached.trie, at), exits)

    def _fitting(self, term: Bounded, base: Base, low: int, high: int) -> Flags:
        """By position inside the string: may a text go on there, and end with a length in the window?"""
        length = base.begun + base.some.take(base.kind)
        if low:
            each = self._rounds_of(term, base).take(base.kind)
            owed = np.maximum(
                min(low, NO_LIMIT) - length, 0
            )  # more fits no machine word; then all is doubtful
            length = np.where(each > 0, length + -(-owed // np.maximum(each, 1)) * each, length)
        found = (length >= low) & (length <= high)
        doubtful = np.flatnonzero(~found & (base.begun <= high))
        if len(doubtful):
            most = int(base.begun.max()) + 1
            asked, same = np.unique(
                base.kind.take(doubtful) * most + base.begun.take(doubtful), return_inverse=True
            )
            answers = [
                fits(base.products[code // most], term.whole, term.window.after(code % most))
                for code in asked.tolist()
            ]
            found[doubtful] = np.array(answers, dtype=np.bool_).take(same)
        return found

    def _rounds_of(self, term: Bounded, base: Base) -> Places:
        found = self._rounds.get(term.product.id)
        if found is None:
            lengths = [round_length(product, term.whole) for product in base.products]
            found = self._rounds[term.product.id] = np.array(lengths, dtype=np.intp)
        return found

    def _base(self, product: Product, whole: Term) -> Base:
        found = self._bases.get(product.id)
        if found is None:
            if len(self._bases) >= MAX_BASES:
                self._bases.clear()
                self._rounds.clear()
            found = self._bases[product.id] = self._make_base(product, whole)
        return found

    def _make_base(self, product: Product, whole: Term) -> Base:
        tables = self._tables
        walker, automaton = tables.walker, tables.automaton
        characters = self._characters_from(product.place, whole)
        reached = walker.reached(automaton.state(product.term), characters.trie)
        trie, local = reached.trie, reached.local[:-1]
        characters = characters.over(trie)
        is_closed = characters.at(EPSILON)[:-1]
        inside = np.flatnonzero((local != 0) & ~is_closed)
        closed = np.flatnonzero((local != 0) & is_closed)
        some_places = len(characters.places)
        codes, kind = np.unique(
            local.take(inside) // SYMBOLS * some_places + characters.place.take(inside), return_inverse=True
        )
        products = tuple(
            at_place(
                automaton.term(reached.rows.states[code // some_places]),
                characters.places[code % some_places],
            )
            for code in codes.tolist()
        )
        exits = walker.exits(reached)
        return Base(
            reached=reached,
            table=tables.flags_table(walker.flags(reached), tables.remainders.intern_array(exits)),
            positions=inside,
            begun=characters.begun.take(inside),
            kind=kind,
            products=products,
            some=np.array([some_length(each, whole) for each in products], dtype=np.intp),
            closed=closed,
            closed_counts=characters.begun.take(closed),
            exits=exits,
            exit_counts=characters.begun.take(walker.positions(trie, exits)),
        )

    def _characters_from(self, start: Term, whole: Term) -> Characters:
        """The characters of all tokens where a text stands at `start`, which may be inside a character."""
        found = self._characters.get((start, whole))
        if found is None:
            if len(self._characters) >= MAX_BASES:
                self._characters.clear()
            found = self._characters[start, whole] = self._count(start, whole)
        return found

    def _count(self, start: Term, whole: Term) -> Characters:
        automaton = self._tables.automaton
        reached = self._tables.walker.reached(automaton.state(start))
        trie, numbers = reached.trie, reached.local // SYMBOLS
        states = np.flatnonzero(np.bincount(numbers, minlength=1))
        index = np.zeros(int(states[-1]) + 1, dtype=np.intp)
        index[states] = np.arange(len(states))
        place = index.take(numbers)
        places = tuple(automaton.term(reached.rows.states[number]) for number in states.tolist())
        found = Characters(trie, place, place, places)
        begins = np.append(False, found.at(whole).take(trie.above[1:]))
        begins &= ~found.at(EPSILON)[:-1] & (reached.local[:-1] != 0)
        begun = np.append(count_above(trie, begins), 0).astype(np.intp)
        return Characters(trie, begun, place, places)

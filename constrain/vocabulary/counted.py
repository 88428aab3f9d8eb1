"""Tables of strings with a length: the table without it, and a filter.

A JSON string with `maxLength: 40` has forty states that only differ in how many characters are still
free, and each would be a walk over the vocabulary.  But how many characters a token holds does not depend on
the state, so they are counted once:

    tokens          "   ab   ab"   é·   abcdef        (é· begins a character that the next token ends)
    characters      0   2    2     1    6             at most 4 left: all but `abcdef`

A *character* is whatever the repeat's body says, as long as no character is the beginning of another one
and none can be taken for the terminal's end; that is checked, not assumed.

A pattern beside the length is another thing (`windows.py`).

Cost: a walk for each kind of character and what follows the string, and then 0.03 ms a state.  Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import proxy

import numpy as np
import numpy.typing as npt

from constrain.regular.codes import is_prefix_code
from constrain.regular.terms import (
    EPSILON,
    Bytes,
    Concat,
    Repeat,
    Strings,
    Term,
    concat,
    star,
)
from constrain.vocabulary.bitmask import pack_flags
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.signatures import Signatures, count_above
from constrain.vocabulary.trie import Trie
from constrain.vocabulary.walks import SYMBOLS, cut

if TYPE_CHECKING:
    from constrain.vocabulary.reached import Reached
    from constrain.vocabulary.tables import Table, Tables

Flags = npt.NDArray[np.bool_]

Counts = npt.NDArray[np.int16]

NEVER = 0x3FFF
MAX_BASES = 64


@dataclass(frozen=True, slots=True)
class CountedString:
    """`body{low,high} end rest`, taken apart; `end` is one byte."""

    body: Term
    low: int
    high: int | None
    end: Term
    rest: Term

    @classmethod
    def find(cls, term: Term) -> CountedString | None:
        """The parts of a term of that form."""
        if type(term) is not Concat:
            return None
        end, rest = (term.tail.head, term.tail.tail) if type(term.tail) is Concat else (term.tail, EPSILON)
        if not is_one_byte(end):
            return None
        counted = term.head
        if type(counted) is Repeat and (counted.low or counted.high is not None):
            return cls(counted.body, counted.low, counted.high, end, rest)
        return None

    @property
    def base(self) -> Term:
        """The same without the count."""
        return concat(star(self.body), self.end, self.rest)


def is_one_byte(term: Term) -> bool:
    """Are all strings of the language one byte long?"""
    if type(term) is Strings:
        return not term.nullable and all(child is EPSILON for child in term.children.values())
    return type(term) is Bytes


@dataclass(frozen=True, slots=True)
class Base:
    """The table of a string without its count, and what its tokens need.

    `needed` is, by token id, how many characters a token holds, with the one begun last, or NEVER where it is
    not inside.  Tokens `closed` end the string, and hold `closed_counts` characters.  `exits` are the nodes
    of the exit, and `exit_counts` how many characters come before; `most` is the most that any token or exit
    needs.  `made` are the tables by bounds.
    """

    table: Table
    needed: Counts
    closed: npt.NDArray[np.int32]
    closed_counts: Counts
    exits: npt.NDArray[np.int32]
    exit_counts: Counts
    most: int
    made: dict[tuple[int, int], Table]


class Counted:
    """The counted strings of one vocabulary."""

    def __init__(self, tables: Tables) -> None:
        self._tables: Tables = proxy(tables)  # its own part, so no circle: they die together
        self._bases: dict[Term, Base | None] = {}

    def table(self, remainder: int, state: int) -> Table | None:
        """The table of a counted string over the whole vocabulary; None where another way is better."""
        counted = CountedString.find(self._tables.automaton.term(state)) if remainder == EVERYTHING else None
        base = self._base(counted) if counted is not None else None
        if counted is None or base is None:
            return None
        high = base.most if counted.high is None else min(counted.high, base.most)
        if not counted.low and high == base.most:
            return base.table
        low = min(counted.low, base.most + 1)
        found = base.made.get((low, high))
        if found is None:
            found = base.made[low, high] = self._within(low, high, base)
        return found

    def _within(self, low: int, high: int, base: Base) -> Table:
        """The table of the tokens that need at most `high`; of those closed, the ones that hold `low`."""
        from constrain.vocabulary.tables import Table

        flags = base.needed <= high
        if low:
            flags[base.closed[base.closed_counts < low]] = False
        keep = (base.exit_counts >= low) & (base.exit_counts <= high)
        exits = base.table.exit
        if not keep.all():
            exits = self._tables.remainders.intern_array(base.exits[keep])
        return Table(pack_flags(flags), exits)

    def _base(self, counted: CountedString) -> Base | None:
        term = counted.base
        if term not in self._bases:
            if len(self._bases) >= MAX_BASES:
                del self._bases[next(iter(self._bases))]
            self._bases[term] = self._make_base(counted)
        return self._bases[term]

    def _make_base(self, counted: CountedString) -> Base | None:
        """None if it is not clear what is a character."""
        if not is_prefix_code(counted.body) or counted.body.first & counted.end.first:
            return None
        tables = self._tables
        walker = tables.walker
        reached = walker.reached(tables.automaton.state(counted.base))
        trie = reached.trie
        done, begun, is_closed = self._count(reached, counted)
        by_token = walker.of_tokens(trie, begun)
        exits = walker.exits(reached)
        table = tables.flags_table(by_token < NEVER, tables.remainders.intern_array(exits))
        closed = walker.tokens_at(trie, np.flatnonzero(is_closed))
        counts = done[walker.positions(trie, exits)]
        most = max(by_token[by_token < NEVER].max(initial=0), counts.max(initial=0))
        return Base(table, by_token, closed, by_token[closed], exits, counts, int(most), {})

    def _count(self, reached: Reached, counted: CountedString) -> tuple[Counts, Counts, Flags]:
        """At each position: the characters that are whole, those begun, and is the string at its end?

        NEVER are begun where no string gets to.
        """
        automaton, trie, local = self._tables.automaton, reached.trie, reached.local
        whole = local == reached.rows.number(automaton.state(counted.base))
        closed = local == reached.rows.number(automaton.state(EPSILON))
        if counted.rest is not EPSILON:
            ends = np.zeros(SYMBOLS, dtype=np.bool_)
            ends[cut(counted.end.first)[0]] = True
            closed[:-1] = count_above(trie, whole.take(trie.above) & ends.take(trie.symbol)) > 0
        closed &= local != 0
        done = np.zeros(len(local), dtype=np.int16)
        done[:-1] = self._done(trie, (local != 0)[:-1], (whole & ~closed)[:-1])
        begun = done + ~(whole | closed)
        begun[local == 0] = NEVER
        return done, begun, closed

    def _done(self, trie: Trie | Signatures, reached: Flags, whole: Flags) -> Counts:
        """How many characters are whole on the way to each position reached."""
        if not isinstance(trie, Signatures):
            return count_above(trie, whole)
        spelled = trie.is_spelled
        if (reached & ~spelled & (whole != trie.is_between)).any():
            return count_above(trie, whole)
        done = trie.characters.copy()
        for position in np.flatnonzero(reached & spelled).tolist():
            done[position] = done[trie.above[position]] + whole[position]
        return done

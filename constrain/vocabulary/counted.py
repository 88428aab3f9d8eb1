"""Tables of strings with a length: the table without it, and a filter.

A JSON string with `maxLength: 40` has forty states that only differ in how many characters are still
free, and each would be a walk over the vocabulary.  But how many characters a token holds does not depend on
the state, so they are counted once:

    tokens          "   ab   ab"   é·   abcdef        (é· begins a character that the next token ends)
    characters      0   2    2     1    6             at most 4 left: all but `abcdef`

The same holds beside a pattern: `(Σ{0,40} & B)"` has the tokens of `B"` that are short enough.  Only that
what is left of B after the token may need more characters than are left, or have fewer than are owed; the
shortest ways to end are found on the automaton of B, tokens that owe nothing and leave room for them are in.
The others are tried, one of each kind: tokens with as many characters, after which B is in the same state,
and which end in the same place of a character, are followed by the same texts.

A *character* is whatever the repeat's body says, as long as no character is the beginning of another one
and none can be taken for the terminal's end; that is checked, not assumed.

Cost: a walk for each B, and then 0.03 ms a state.  Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import proxy

import numpy as np
import numpy.typing as npt

from constrain.regular.clipping import far_counts
from constrain.regular.codes import is_prefix_code
from constrain.regular.terms import (
    EPSILON,
    Bytes,
    Concat,
    Intersection,
    Repeat,
    Strings,
    Term,
    concat,
    intersect,
    star,
)
from constrain.vocabulary.bitmask import pack_flags
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.signatures import Signatures, count_above
from constrain.vocabulary.trie import Places, Trie
from constrain.vocabulary.walks import SYMBOLS, cut

if TYPE_CHECKING:
    from constrain.vocabulary.reached import Reached
    from constrain.vocabulary.tables import Table, Tables

Flags = npt.NDArray[np.bool_]

Counts = npt.NDArray[np.int32]

NEVER = 0x7FFF_FFFF
"""Stands for a count where no string gets to."""
UNKNOWN = NEVER - 1
"""Stands for how many characters suffice, where a string goes on and no short way to end it is known."""
MAX_TRIED = 512
MAX_BASES = 64


@dataclass(frozen=True, slots=True)
class CountedString:
    """`(body{low,high} & others) end rest`, taken apart; `end` is one byte."""

    body: Term
    low: int
    high: int | None
    others: tuple[Term, ...]
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
        members = term.head.members if type(term.head) is Intersection else (term.head,)
        for counted in members:
            if type(counted) is Repeat and (counted.low or counted.high is not None):
                others = tuple(member for member in members if member is not counted)
                return cls(counted.body, counted.low, counted.high, others, end, rest)
        return None

    @property
    def base(self) -> Term:
        """The same without the count."""
        return concat(self.bare, self.rest)

    @property
    def bare(self) -> Term:
        """The same without the count and the rest."""
        return concat(intersect(star(self.body), *self.others), self.end)


def is_one_byte(term: Term) -> bool:
    """Are all strings of the language one byte long?"""
    if type(term) is Strings:
        return not term.nullable and all(child is EPSILON for child in term.children.values())
    return type(term) is Bytes


@dataclass(frozen=True, slots=True)
class Characters:
    """How many characters the positions of a trie hold: with the one begun last (`begun`) or without
    (`done`).

    `closed`: the text ends with the end of the string, or behind it.  `place`: where inside a character it
    ends, as a number.  `begun` is NEVER where no string gets to.
    """

    trie: Trie | Signatures
    begun: Counts
    done: Counts
    closed: npt.NDArray[np.bool_]
    place: Places

    def over(self, trie: Trie | Signatures) -> Characters:
        """The same over a trie that tells apart whatever this one does."""
        if trie is self.trie or not isinstance(self.trie, Signatures):
            return self
        some = trie.nodes[1][trie.nodes[0][:-1]] if isinstance(trie, Signatures) else np.arange(len(trie))
        at = np.append(self.trie.of_node.take(some), len(self.trie))
        return Characters(
            trie, self.begun.take(at), self.done.take(at), self.closed.take(at), self.place.take(at)
        )


@dataclass(frozen=True, slots=True)
class Beside:
    """What else is asked of a string, at the positions inside it.

    These hold `begun` characters, and `needed` suffice for them and the rest of the string, or are UNKNOWN.
    What follows is the same for those of one `kind` that hold as many.
    """

    positions: Places
    begun: Counts
    needed: Counts
    kind: Places


@dataclass(frozen=True, slots=True)
class Base:
    """The table of a string without its count, and what its tokens need.

    `needed` is, by token id, how many characters suffice for a token and the rest of its string: UNKNOWN
    where that is not seen quickly, NEVER where the token is not inside.  Tokens `closed` end the string, and
    hold `closed_counts` characters.  `exits` are the nodes of the exit, and `exit_counts` how many characters
    come before; `most` is the most that any token or exit needs.  `made` are the tables by bounds, where
    nothing is `beside` the count.
    """

    table: Table
    needed: Counts
    closed: npt.NDArray[np.int32]
    closed_counts: Counts
    exits: npt.NDArray[np.int32]
    exit_counts: Counts
    most: int
    trie: Trie | Signatures
    beside: Beside | None
    made: dict[tuple[int, int], Table]


class Counted:
    """The counted strings of one vocabulary."""

    def __init__(self, tables: Tables) -> None:
        self._tables: Tables = proxy(tables)  # its own part, so no circle: they die together
        self._characters: dict[tuple[Term, Term], Characters] = {}
        self._bases: dict[CountedString, Base | None] = {}

    def plain_table(self, remainder: int, state: int) -> Table | None:
        """The same for a counted string with nothing beside it that counts far itself."""
        counted = CountedString.find(self._tables.automaton.term(state))
        if counted is None or any(map(far_counts, counted.others)):
            return None
        return self.table(remainder, state)

    def table(self, remainder: int, state: int) -> Table | None:
        """The table of a counted string over the whole vocabulary; None where another way is better."""
        counted = CountedString.find(self._tables.automaton.term(state)) if remainder == EVERYTHING else None
        base = self._base(counted) if counted is not None else None
        if counted is None or base is None:
            return None
        high = base.most if counted.high is None else min(counted.high, base.most, UNKNOWN - 1)
        if not counted.low and high == base.most:
            return base.table
        if base.beside is not None:
            return self._tried(state, counted.low, high, base, base.beside)
        low = min(counted.low, base.most + 1)
        found = base.made.get((low, high))
        if found is None:
            found = base.made[low, high] = self._within(low, high, base, base.needed <= high)
        return found

    def _within(self, low: int, high: int, base: Base, flags: npt.NDArray[np.bool_]) -> Table:
        """The table of the tokens with a flag, of those closed the ones within the bounds."""
        from constrain.vocabulary.tables import Table

        if low:
            flags[base.closed[base.closed_counts < low]] = False
        keep = (base.exit_counts >= low) & (base.exit_counts <= high)
        exits = base.table.exit
        if not keep.all():
            exits = self._tables.remainders.intern_array(base.exits[keep])
        return Table(pack_flags(flags), exits)

    def _tried(self, state: int, low: int, high: int, base: Base, beside: Beside) -> Table | None:
        """The same where something is beside the count: tokens that may not do are tried, by kind."""
        tables, trie = self._tables, base.trie
        fits = (beside.needed <= high) & (beside.begun >= low)
        tried = np.flatnonzero((beside.begun <= high) & ~fits)
        if not len(tried):
            return self._within(low, high, base, base.needed <= high)
        kinds = (beside.kind[tried] << 16) + beside.begun[tried]
        _, first, same = np.unique(kinds, return_index=True, return_inverse=True)
        if len(first) > MAX_TRIED:
            return None
        term = tables.automaton.term(state)
        some = beside.positions[tried[first]].tolist()
        goes_on = np.array([self._goes_on(term, trie, position) for position in some], dtype=np.bool_)
        fits[tried] = goes_on[same]
        at = np.zeros(len(trie) + 1, dtype=np.bool_)
        at[beside.positions[fits]] = True
        flags = tables.walker.of_tokens(trie, at)
        flags[base.closed[base.closed_counts <= high]] = True
        return self._within(low, high, base, flags)

    def _goes_on(self, term: Term, trie: Trie | Signatures, position: int) -> bool:
        """Can a text of `term` go on that begins as at a position?"""
        text = bytearray()
        while position:
            text.append(trie.lowest[position])
            position = int(trie.above[position])
        for byte in reversed(text):
            term = term.after(byte)
        return not self._tables.automaton.is_empty(term)

    def _base(self, counted: CountedString) -> Base | None:
        # Not by its term: `(x{0,9} & y*)"` and `(x* & y{0,9})"` are the same without their counts.
        key = replace(counted, low=0, high=None)
        if key not in self._bases:
            if len(self._bases) >= MAX_BASES:
                del self._bases[next(iter(self._bases))]
            self._bases[key] = self._make_base(counted)
        return self._bases[key]

    def _make_base(self, counted: CountedString) -> Base | None:
        """None if it is not clear what is a character, or tokens are refused."""
        if not is_prefix_code(counted.body) or counted.body.first & counted.end.first:
            return None
        tables, beside = self._tables, None
        walker, remainders = tables.walker, tables.remainders
        state = tables.automaton.state(counted.base)
        if counted.others:
            table = tables.table(EVERYTHING, state)
            if table.refused:
                return None
            characters, beside = self._beside(counted)
            needed = np.where(characters.closed, characters.begun, NEVER).astype(np.int32)
            needed[beside.positions] = beside.needed
            by_token = walker.of_tokens(characters.trie, needed)
            by_token[~table.flags(tables.vocabulary.size)] = NEVER
            exits = np.array(remainders.nodes[table.exit], dtype=np.int32)
        else:
            reached = walker.reached(state)
            characters = self._count(reached, counted)
            by_token = walker.of_tokens(characters.trie, characters.begun)
            exits = walker.exits(reached)
            table = tables.flags_table(by_token < NEVER, remainders.intern_array(exits))
        trie = characters.trie
        closed = walker.tokens_at(trie, np.flatnonzero(characters.closed))
        closed = closed[by_token[closed] < NEVER]
        counts = characters.done[walker.positions(trie, exits)]
        most = max(by_token[by_token < NEVER].max(initial=0), counts.max(initial=0))
        return Base(table, by_token, closed, by_token[closed], exits, counts, int(most), trie, beside, {})

    def _beside(self, counted: CountedString) -> tuple[Characters, Beside]:
        """What is beside the count, and the characters, over a trie where neither is odd."""
        walker, automaton = self._tables.walker, self._tables.automaton
        characters = self._characters_of(counted)
        reached = walker.reached(automaton.state(counted.bare), characters.trie)
        characters = characters.over(reached.trie)
        rows, numbers = reached.rows, reached.numbers()
        terms = [automaton.term(rows.states[number // SYMBOLS]) for number in numbers]
        # A byte of the rest is the end's, and each of the others at most one character.
        lengths = [UNKNOWN if (n := automaton.short_text(term)) is None else max(n - 1, 0) for term in terms]
        rest = rows.of_each(numbers, lengths, np.int64)
        positions = np.flatnonzero((reached.local[:-1] != 0) & ~characters.closed[:-1])[1:]
        at, begun = reached.local[positions], characters.begun[positions]
        needed = np.minimum(rest.take(at) + begun, UNKNOWN).astype(np.int32)
        kind = (at // SYMBOLS << 16) + characters.place[positions] // SYMBOLS
        return characters, Beside(positions, begun, needed, kind)

    def _characters_of(self, counted: CountedString) -> Characters:
        key = (counted.body, counted.end)
        found = self._characters.get(key)
        if found is None:
            if len(self._characters) >= MAX_BASES:
                self._characters.clear()
            alone = CountedString(counted.body, 0, None, (), counted.end, EPSILON)
            reached = self._tables.walker.reached(self._tables.automaton.state(alone.base))
            found = self._characters[key] = self._count(reached, alone, beyond=True)
        return found

    def _count(self, reached: Reached, counted: CountedString, *, beyond: bool = False) -> Characters:
        """The characters at all positions, of `body* end rest`, whose states there are given.

        `beyond`: at positions behind the end, too, where another rest may get to.
        """
        automaton, trie, local = self._tables.automaton, reached.trie, reached.local
        whole = local == reached.rows.number(automaton.state(counted.base))
        closed = local == reached.rows.number(automaton.state(EPSILON))
        if beyond or counted.rest is not EPSILON:
            ends = np.zeros(SYMBOLS, dtype=np.bool_)
            ends[cut(counted.end.first)[0]] = True
            closed[:-1] = count_above(trie, whole.take(trie.above) & ends.take(trie.symbol)) > 0
        closed &= (local != 0) | beyond
        done = np.zeros(len(local), dtype=np.int32)
        done[:-1] = self._done(trie, ((local != 0) | closed)[:-1], (whole & ~closed)[:-1])
        begun = done + ~(whole | closed)
        begun[(local == 0) & ~closed] = NEVER
        return Characters(trie, begun, done, closed, local)

    def _done(self, trie: Trie | Signatures, reached: Flags, whole: Flags) -> npt.NDArray[np.int16]:
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

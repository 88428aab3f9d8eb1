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

Cost: two wide walks for each B, and then about 0.1 ms a state.  Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import proxy

import numpy as np
import numpy.typing as npt

from constrain.regular.clipping import far_counts
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
from constrain.vocabulary.walks import walk_wide

if TYPE_CHECKING:
    from constrain.vocabulary.tables import Table, Tables

Counts = npt.NDArray[np.int16]
States = npt.NDArray[np.intp]

NEVER = 0x3FFF
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
    """How many characters tokens hold (`token`, by id) and nodes end (`node`, by preorder number).

    A token that ends inside a character counts it.  `closed`: the token ends with the end of the string, or
    behind it.  `place`: where inside a character it ends, as a number.
    """

    token: Counts
    node: Counts
    closed: npt.NDArray[np.bool_]
    place: States


@dataclass(frozen=True, slots=True)
class Base:
    """The table of a string without its count.

    `inside` are its tokens; `needed` is, by token id, how many characters suffice for a token and the rest of
    its string, or NEVER where no bound is known; `state` numbers the base's states after each token.
    `exits` and `exit_counts` are the nodes of the exit, and how many characters come before; `most` is the
    most that any token or exit needs.
    """

    table: Table
    inside: npt.NDArray[np.bool_]
    needed: Counts
    state: States
    exits: npt.NDArray[np.int32]
    exit_counts: Counts
    most: int


class Counted:
    """The counted strings of one vocabulary."""

    def __init__(self, tables: Tables) -> None:
        self._tables: Tables = proxy(tables)  # its own part, so no circle: they die together
        self._characters: dict[tuple[Term, Term], Characters | None] = {}
        self._bases: dict[Term, Base] = {}

    def plain_table(self, remainder: int, state: int) -> Table | None:
        """The same for a counted string with nothing beside it that counts far itself."""
        counted = CountedString.find(self._tables.automaton.term(state))
        if counted is None or any(map(far_counts, counted.others)):
            return None
        return self.table(remainder, state)

    def table(self, remainder: int, state: int) -> Table | None:
        """The table of a counted string over the whole vocabulary; None where another way is better."""
        from constrain.vocabulary.tables import Table

        tables = self._tables
        counted = CountedString.find(tables.automaton.term(state)) if remainder == EVERYTHING else None
        if counted is None:
            return None
        characters = self._count(counted)
        if characters is None:
            return None
        base = self._base(counted, characters)
        if base.table.refused:
            return None
        high = NEVER - 1 if counted.high is None else min(counted.high, NEVER - 1)
        if not counted.low and base.most <= high:
            return base.table
        enough = characters.token >= counted.low
        fits = base.needed <= high
        if counted.others:
            fits &= enough
            doubtful = base.inside & (characters.token <= high) & ~fits & ~characters.closed
            tried = np.flatnonzero(doubtful)
            like = (base.state[tried] << 32) + (characters.place[tried] << 16) + characters.token[tried]
            _, first, same = np.unique(like, return_index=True, return_inverse=True)
            if len(first) > MAX_TRIED:
                return None
            term = tables.automaton.term(state)
            goes_on = np.array(
                [self._goes_on(term, token) for token in tried[first].tolist()], dtype=np.bool_
            )
            fits[tried] |= goes_on[same] if len(tried) else False
        fits &= enough | ~characters.closed
        keep = (base.exit_counts >= counted.low) & (base.exit_counts <= high)
        exits = base.table.exit if keep.all() else tables.remainders.intern(base.exits[keep].tolist())
        return Table(pack_flags(base.inside & fits), exits)

    def _goes_on(self, term: Term, token: int) -> bool:
        for byte in self._tables.vocabulary.text(token) or b"":
            term = term.after(byte)
        return not self._tables.automaton.is_empty(term)

    def _count(self, counted: CountedString) -> Characters | None:
        key = (counted.body, counted.end)
        if key not in self._characters:
            if len(self._characters) >= MAX_BASES:
                self._characters.clear()
            self._characters[key] = self._count_characters(*key)
        return self._characters[key]

    def _count_characters(self, body: Term, end: Term) -> Characters | None:
        tables = self._tables
        trie, automaton = tables.vocabulary.trie, tables.automaton
        start, after = automaton.state(concat(star(body), end)), automaton.state(EPSILON)
        reached = walk_wide(automaton, trie, (0,), start)
        assert reached is not None
        inside = [state for state in reached.states if state not in {0, start, after}]
        if any(automaton.accepting[state] for state in (start, *inside)):
            return None
        if any((automaton.row(state) == after).any() for state in inside):
            return None
        local = reached.at_nodes(trie)
        numbers = {state: number for number, state in enumerate(reached.states)}
        whole = local == numbers[start]
        closed = trie.count_above(local == numbers.get(after, -1)) > 0
        done = trie.count_above(whole)
        begun = done + ~(whole | closed)
        begun[(local == 0) & ~closed] = NEVER
        token = np.full(tables.vocabulary.size, NEVER, dtype=np.int16)
        token[trie.order] = begun[trie.token_node]
        ended = np.zeros(tables.vocabulary.size, dtype=np.bool_)
        ended[trie.order] = closed[trie.token_node]
        place = np.zeros(tables.vocabulary.size, dtype=np.intp)
        place[trie.order] = local[trie.token_node]
        return Characters(token, done, ended, place)

    def _base(self, counted: CountedString, characters: Characters) -> Base:
        tables = self._tables
        term = counted.base
        base = self._bases.get(term)
        if base is None:
            if len(self._bases) >= MAX_BASES:
                del self._bases[next(iter(self._bases))]
            table = tables.table(EVERYTHING, tables.automaton.state(term))
            exits = np.array(tables.remainders.nodes[table.exit], dtype=np.int32)
            inside = table.flags(tables.vocabulary.size)
            needed, states = characters.token, characters.place
            if counted.others:
                needed, states = self._needed(counted, characters)
            counts = characters.node[exits]
            most = max(needed[inside].max(initial=0), counts.max(initial=0))
            base = self._bases[term] = Base(table, inside, needed, states, exits, counts, int(most))
        return base

    def _needed(self, counted: CountedString, characters: Characters) -> tuple[Counts, States]:
        tables = self._tables
        trie, automaton = tables.vocabulary.trie, tables.automaton
        reached = walk_wide(automaton, trie, (0,), automaton.state(counted.bare))
        assert reached is not None
        lengths = [automaton.short_text(automaton.term(state)) for state in reached.states]
        # A byte of the rest is the end's, and each of the others at most one character.
        rest = np.array([NEVER if n is None else max(n - 1, 0) for n in lengths], dtype=np.int16)
        needed = np.full(tables.vocabulary.size, NEVER, dtype=np.int16)
        at = reached.at_nodes(trie)[trie.token_node]
        needed[trie.order] = rest[at]
        needed[characters.closed] = 0
        total: Counts = np.minimum(needed + characters.token, NEVER).astype(np.int16)
        states = np.zeros(tables.vocabulary.size, dtype=np.intp)
        states[trie.order] = at
        return total, states

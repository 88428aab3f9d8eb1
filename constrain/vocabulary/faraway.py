"""Tables of states whose counters are far from their end: the table without those counts, and a few tokens.

A host name has labels of at most 63 characters and 253 in all.  It has a state for each pair of counts, and
a walk over the vocabulary meets hundreds of them.  Without the two counts it meets a dozen; and texts of at
most 61 bytes cannot tell the difference (`clipping.py`):

    after `l`, 62 and 252 to go      clipped at 62      `ocalhost` lives on in both, in 8 bytes and 0 to end
                                                        `-----...-` of 64 bytes lives on in one of the two

So a token is inside if its bytes, and some way to end after them, fit within the horizon; a node is an exit
if its own bytes do.  (Without intersections there is always a way to end, and a horizon nearer than any count
that is owed does as well.)  The others that the clipped language takes, long ones, are read byte by byte:
from the state clipped at the next count, 252 here, and so on to the state as it is.  Most are refused before
that, by one of the two counts alone, whose states are the same in every language.

The clipped state is the same one for every pair of counts that is far enough: then a table is a
comparison.

Cost: a wide walk for each clipped state, and about 0.2 ms for each state that clips to it.  Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import proxy

import numpy as np
import numpy.typing as npt

from constrain.regular.clipping import FAR, clip, far_counts, is_owed_far
from constrain.regular.terms import EMPTY, EPSILON, Concat, Intersection, Term, concat
from constrain.vocabulary.bitmask import pack_flags
from constrain.vocabulary.blocks import EXACT
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.signatures import Signatures
from constrain.vocabulary.trie import Places, Trie
from constrain.vocabulary.walks import SYMBOLS, TooManyStates

if TYPE_CHECKING:
    from constrain.vocabulary.tables import Table, Tables

MAX_STATES = 2_000
"""States of a clipped language that are walked.  A label beyond ASCII has half as many, and 3,000
with its counts.  Of a language with more, so many were walked in vain, some 0.1 s.
"""
MAX_STEPS = 2_000
MAX_TRIED = 1_000
MAX_BASES = 64
WIDE_BYTES = 40
NEVER = 0x3FFF


@dataclass(frozen=True, slots=True)
class Base:
    """A clipped state's table, and what its tokens need.

    At `positions[i]` of the trie walked, `needed[i]` is the length of the text and of some end after it.
    `exits` are the nodes of the exit, and `depth` their lengths.
    """

    table: Table
    trie: Trie | Signatures
    positions: Places
    needed: Places
    exits: npt.NDArray[np.int32]
    depth: Places


class Faraway:
    """The clipped states of one vocabulary's tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables: Tables = proxy(tables)  # its own part, so no circle: they die together
        self._bases: dict[int, Base | None] = {}
        self._needed: dict[tuple[int, int], int | None] = {}
        self._ends: dict[int, int] = {}

    def table(self, remainder: int, state: int) -> Table | None:
        """The table of a state with counters that run far; None where another way is better."""
        tables = self._tables
        term = tables.automaton.term(state)
        horizons = far_counts(term)
        if term.plain and is_owed_far(term):
            horizons = (FAR, *(count for count in horizons if count > FAR))
        if not horizons:
            return None
        horizon = horizons[0]
        wider = clip(term, horizon)
        if wider is term:
            return None
        clipped = tables.automaton.state(wider)
        key = (remainder, clipped)
        if key not in self._needed:
            self._needed[key] = self._most_needed(remainder, clipped)
        needed = self._needed[key]
        if needed is not None and needed <= horizon:
            return tables.table(remainder, clipped)
        if remainder != EVERYTHING:
            return None
        return self._filtered(clipped, term, horizons)

    def _most_needed(self, remainder: int, clipped: int) -> int | None:
        """The bytes that suffice for every token, its end and every exit; None if that takes long to see."""
        tables = self._tables
        if remainder == EVERYTHING and len(tables.live(clipped)) >= WIDE_BYTES:
            return None
        trie, accepting, ways_on = tables.vocabulary.trie, tables.automaton.accepting, tables.steps.ways_on
        starts, byte, own = trie.starts, trie.lowest, trie.own
        most = steps = 0
        stack = [(node, clipped, 1) for node in tables.remainders.node_list(remainder)]
        while stack:
            node, at, depth = stack.pop()
            ways = ways_on(EXACT, at, 0)
            for child in range(starts[node], starts[node + 1]):
                to = ways.get(byte[child])
                if to is None:
                    continue
                if own[child]:
                    most = max(most, depth + self._end(to))
                    if most >= NEVER:
                        return None
                elif accepting[to]:
                    most = max(most, depth)
                stack.append((child, to, depth + 1))
            steps += 1
            if steps > MAX_STEPS:
                return None
        return most

    def _end(self, state: int) -> int:
        """The length of some text of a state, NEVER if no short one is known; 0 where it does not matter."""
        found = self._ends.get(state)
        if found is None:
            automaton = self._tables.automaton
            term = automaton.term(state)
            length = 0 if term.plain else automaton.short_text(term)
            found = self._ends[state] = NEVER if length is None else length
        return found

    def _filtered(self, clipped: int, term: Term, horizons: tuple[int, ...]) -> Table | None:
        """The clipped state's table over the whole vocabulary, without what `term` does not take."""
        from constrain.vocabulary.tables import Table

        if clipped not in self._bases:
            if len(self._bases) >= MAX_BASES:
                self._bases.clear()
            self._bases[clipped] = self._base(clipped)
        base = self._bases[clipped]
        if base is None:
            return None
        far, far_exits = base.needed > horizons[0], base.depth > horizons[0]
        nodes = self._tables.walker.token_nodes(base.trie, base.positions[far]).tolist()
        exits = base.exits[far_exits].tolist()
        if len(nodes) + len(exits) > MAX_TRIED:
            return None
        readers = [
            *(_Reader(self._tables, clip(term, near), near) for near in horizons[1:]),
            *(_Reader(self._tables, wider, 0) for wider in _wider(term)),
            _Reader(self._tables, term, 0),
        ]
        alive = np.array([self._is_alive(readers, node) for node in nodes], dtype=np.bool_)
        complete = np.array([_is_complete(readers, node) for node in exits], dtype=np.bool_)
        inside, exit_remainder = base.table.inside, base.table.exit
        if not alive.all():
            flags = base.table.flags(self._tables.vocabulary.size)
            flags[self._tables.walker.own_tokens(np.array(nodes, dtype=np.intp)[~alive])] = False
            inside = pack_flags(flags)
        if not complete.all():
            far_exits[far_exits] = ~complete
            exit_remainder = self._tables.remainders.intern_array(base.exits[~far_exits])
        return Table(inside, exit_remainder)

    def _is_alive(self, readers: list[_Reader], node: int) -> bool:
        """Can a text go on from the node?  Any reader may say no; the first whose horizon holds it knows."""
        automaton = self._tables.automaton
        term = EMPTY
        for reader in readers:
            term = reader.at(node)
            if term is EMPTY:
                return False
            if reader.depth(node) < reader.horizon:
                end = 0 if term.plain else automaton.short_text(term)
                if end is not None and reader.depth(node) + end <= reader.horizon:
                    return True
        return not automaton.is_empty(term)

    def _base(self, clipped: int) -> Base | None:
        """None if there are too many states, or one of which no short text is known."""
        tables = self._tables
        walker = tables.walker
        try:
            reached = walker.reached(clipped, max_states=MAX_STATES)
        except TooManyStates:
            return None
        rows, numbers = reached.rows, reached.numbers()
        lengths = [self._end(rows.states[number // SYMBOLS]) for number in numbers]
        if max(lengths, default=0) >= NEVER:
            return None
        exits = walker.exits(reached)
        table = tables.flags_table(walker.flags(reached), tables.remainders.intern_array(exits))
        positions = np.flatnonzero(reached.local)
        depth = np.repeat(
            np.arange(len(reached.trie.spans)), [stop - first for first, stop in reached.trie.spans]
        )
        ends = rows.of_each(numbers, lengths, np.int16)
        needed = depth[positions] + ends.take(reached.local[positions])
        exit_positions = walker.positions(reached.trie, exits)
        return Base(table, reached.trie, positions, needed, exits, depth[exit_positions])


class _Reader:
    """What is left of a language at trie nodes; beginnings that nodes share are read once.

    No states are made, and so nobody asks of each term on the way whether it is empty.
    """

    def __init__(self, tables: Tables, term: Term, horizon: int) -> None:
        self.horizon = horizon
        trie = tables.vocabulary.trie
        self._parent, self._byte, self._depth = trie.parent.data, trie.byte.data, trie.depth.data
        self._terms = {0: term}

    def depth(self, node: int) -> int:
        """The length of a node's text."""
        return self._depth[node]

    def at(self, node: int) -> Term:
        """What is left at a node."""
        parent, byte, terms = self._parent, self._byte, self._terms
        path = []
        while node not in terms:
            path.append(node)
            node = parent[node]
        term = terms[node]
        for below in reversed(path):
            term = terms[below] = term.after(byte[below])
        return term


def _is_complete(readers: list[_Reader], node: int) -> bool:
    """Is the node's text one of the language?  As above."""
    for reader in readers:
        complete = reader.at(node).nullable
        if not complete or reader.depth(node) <= reader.horizon:
            return complete
    return True


def _wider(term: Term) -> list[Term]:
    """Languages that hold `term` and count less: `A rest` and `B rest` for `(A & B) rest`."""
    head, rest = (term.head, term.tail) if type(term) is Concat else (term, EPSILON)
    if type(head) is not Intersection:
        return []
    return [concat(member, rest) for member in head.members if member.largest >= FAR]

"""Tables of states whose counters are far from their end: the table without those counts, and a few tokens.

A host name has labels of at most 63 characters and 253 in all.  It has a state for each pair of counts, and
a walk over the vocabulary meets hundreds of them.  Without the two counts it meets a dozen; and texts of at
most 61 bytes cannot tell the difference (`clipping.py`):

    after `l`, 62 and 252 to go      clipped at 62      `ocalhost` lives on in both, in 8 bytes and 0 to end
                                                        `-----...-` of 64 bytes lives on in one of the two

So a token is inside if its bytes, and some way to end after them, fit within the horizon; a node is an exit
if its own bytes do.  The others that the clipped language takes, long ones, are read byte by byte.

The clipped state is the same one for every pair of counts that is far enough: then a table is a
comparison.

Cost: a dense walk for each clipped state, and about 0.2 ms for each state that clips to it.  Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from constrain.regular.clipping import clip, far_count
from constrain.vocabulary.bitmask import pack_flags
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.walks import try_walk_dense

if TYPE_CHECKING:
    from constrain.vocabulary.tables import Table, Tables

MAX_STATES = 1_000
MAX_STEPS = 2_000
MAX_TRIED = 1_000
MAX_BASES = 64
WIDE_BYTES = 40
NEVER = 0x3FFF

Lengths = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Base:
    """A clipped state's table, and what its tokens need.

    Token `ids[i]` ends at trie node `nodes[i]`, and `needed[i]` is its length, and that of some end after it;
    NEVER where no short end is known.  `exits` are the nodes of the exit, and `depth` their lengths.
    """

    table: Table
    ids: npt.NDArray[np.int32]
    nodes: npt.NDArray[np.int32]
    needed: Lengths
    exits: npt.NDArray[np.int32]
    depth: Lengths


class Faraway:
    """The clipped states of one vocabulary's tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._bases: dict[int, Base | None] = {}
        self._needed: dict[tuple[int, int], int | None] = {}
        self._ends: dict[int, int] = {0: NEVER}

    def table(self, remainder: int, state: int) -> Table | None:
        """The table of a state with counters that run far; None where another way is better."""
        tables = self._tables
        term = tables.automaton.term(state)
        horizon = far_count(term)
        if horizon is None:
            return None
        clipped = tables.automaton.state(clip(term, horizon))
        key = (remainder, clipped)
        if key not in self._needed:
            self._needed[key] = self._most_needed(remainder, clipped)
        needed = self._needed[key]
        if needed is not None and needed <= horizon:
            return tables.table(remainder, clipped)
        return self._filtered(clipped, state, horizon) if remainder == EVERYTHING else None

    def _most_needed(self, remainder: int, clipped: int) -> int | None:
        """The bytes that suffice for every token, its end and every exit; None if that takes long to see."""
        tables = self._tables
        remainders, accepting = tables.remainders, tables.automaton.accepting
        if remainder == EVERYTHING and len(tables.live(clipped)) >= WIDE_BYTES:
            return None
        most = steps = 0
        stack = [(remainder, clipped, 1)]
        while stack:
            here, at, depth = stack.pop()
            for byte, child in remainders.children(here).items():
                to = tables.step(at, byte)
                if to:
                    if remainders.tokens(child):
                        most = max(most, depth + self._end(to))
                    elif accepting[to]:
                        most = max(most, depth)
                    stack.append((child, to, depth + 1))
            steps += 1
            if steps > MAX_STEPS:
                return None
        return most

    def _end(self, state: int) -> int:
        """The length of some text of a state, NEVER if no short one is known."""
        found = self._ends.get(state)
        if found is None:
            automaton = self._tables.automaton
            length = automaton.short_text(automaton.term(state))
            found = self._ends[state] = NEVER if length is None else length
        return found

    def _filtered(self, clipped: int, state: int, horizon: int) -> Table | None:
        """The clipped state's table over the whole vocabulary, without what `state` does not take."""
        from constrain.vocabulary.tables import Table

        if clipped not in self._bases:
            if len(self._bases) >= MAX_BASES:
                self._bases.clear()
            self._bases[clipped] = self._base(clipped)
        base = self._bases[clipped]
        if base is None:
            return None
        far, far_exits = base.needed > horizon, base.depth > horizon
        tried = [*base.nodes[far].tolist(), *base.exits[far_exits].tolist()]
        if len(tried) > MAX_TRIED:
            return None
        if not tried:
            return base.table
        accepting = self._tables.automaton.accepting
        reader = _Reader(self._tables, state)
        refused = [
            token
            for token, node in zip(base.ids[far], base.nodes[far].tolist(), strict=True)
            if not reader.at(node)
        ]
        closed = [not accepting[reader.at(node)] for node in base.exits[far_exits].tolist()]
        inside, exit_remainder = base.table.inside, base.table.exit
        if refused:
            flags = base.table.flags(self._tables.vocabulary.size)
            flags[refused] = False
            inside = pack_flags(flags)
        if any(closed):
            far_exits[far_exits] = closed
            exit_remainder = self._tables.remainders.intern_sorted(base.exits[~far_exits].tolist())
        return Table(inside, exit_remainder)

    def _base(self, clipped: int) -> Base | None:
        tables = self._tables
        levels, trie = tables.levels, tables.vocabulary.trie
        reached = try_walk_dense(tables.automaton, levels, clipped, MAX_STATES)
        if reached is None:
            return None
        table = tables.dense_table(reached)
        ends = np.array([self._end(state) for state in reached.states], dtype=np.int16)
        inside = reached.local[levels.token_node] != 0
        places = levels.token_node[inside]
        nodes = levels.preorder[places]
        exits = np.array(tables.remainders.nodes[table.exit], dtype=np.int32)
        return Base(
            table=table,
            ids=levels.token[inside],
            nodes=nodes,
            needed=trie.depth[nodes] + ends[reached.local[places]],
            exits=exits,
            depth=trie.depth[exits],
        )


class _Reader:
    """The states at trie nodes, coming from one at the root; beginnings that nodes share are read once."""

    def __init__(self, tables: Tables, state: int) -> None:
        self._tables = tables
        self._states = {0: state}

    def at(self, node: int) -> int:
        """The state at a node; 0 is dead."""
        trie, states = self._tables.vocabulary.trie, self._states
        path = []
        while node not in states:
            path.append(node)
            node = int(trie.parent[node])
        state = states[node]
        for below in reversed(path):
            state = states[below] = self._tables.step(state, int(trie.byte[below])) if state else 0
        return state

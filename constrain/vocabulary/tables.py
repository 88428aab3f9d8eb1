"""Which tokens stay inside a terminal, and what is left of those that leave it.

For a terminal's state and a remainder (`remainders.py`; usually the whole vocabulary) there is one
*table*.  Take the terminal `[0-9]+` in its first state, and five tokens:

    tokens   7   42   4,   ,   a        inside = {7, 42}      exit = {the nodes 4· and 7· that go on}
                                        so `4,` is not inside, but its `,` is in the exit

`inside` are the tokens that end while the terminal is still being read (or just finished).  `exit` is
the remainder of all tokens that went past a point where the terminal was complete; what follows
the terminal decides about them.  A table knows nothing of what follows, so every grammar shares it.

A table is made by one of two walks over the vocabulary (`walks.py`): the sparse one starts, and past
`SPARSE_STEPS` steps over the whole vocabulary it gives way to the dense one, which hands back a state that
leads to more than `DENSE_STATES` others.  Three kinds of state need no
walk of their own, because a neighbour's table says nearly all:

1. `base & ~{excluded keys}` differs from `base` only along the excluded texts, so `_correct` copies the
   base's table and follows just the bytes where the two rows differ.
2. A string of at most n characters differs from one of any length only in tokens that are too long
   (`counted.py`).
3. Any other counter that is far from its end.  If `x{0,8}` and `x*` in its place have one and the same
   table, then so has every `x{0,n}` with n >= 8, for tables grow with their languages
   (`with_few_counts`).  No token is longer than the longest, so that many rounds are always enough.

Source: masks as a table per automaton state are due to Willard and Louf, "Efficient Guided Generation
for Large Language Models" (2023), section 3; splitting a token at the terminal's end is the idea of
Koo, Liu and He, "Automata-based constraints for language model decoding" (2024).  We depart in one way:
1. Tables are made lazily and for terminals only, never for the product of a whole grammar's states.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from constrain.regular.automaton import Automaton, shared_automaton
from constrain.regular.clipping import narrow, widen, without_exclusion
from constrain.vocabulary.bitmask import Words, pack_flags
from constrain.vocabulary.counted import Counted
from constrain.vocabulary.remainders import EVERYTHING, Remainders
from constrain.vocabulary.vocabulary import Vocabulary
from constrain.vocabulary.walks import Levels, Reached, try_walk_dense, walk_sparse

SPARSE_STEPS = 4_000
DENSE_STATES = 1_000
SHARED_COUNTS = (8, 32)
MAX_TABLES = 50_000
_IDS_AS_WORDS = 2_048
_NO_IDS = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Table:
    """The tokens inside a terminal (`words`, a packed mask, or the few `ids`), and the `exit` remainder."""

    words: Words | None
    ids: tuple[int, ...]
    exit: int

    def equals(self, other: Table) -> bool:
        """Are these the same tokens and the same exit, in the same form?"""
        if self.exit != other.exit or (self.words is None) != (other.words is None):
            return False
        if self.words is None or other.words is None:
            return set(self.ids) == set(other.ids)
        return bool(np.array_equal(self.words, other.words))


class Tables:
    """The tables of one vocabulary over one automaton, and the tries and rows they are made from."""

    def __init__(self, vocabulary: Vocabulary, automaton: Automaton) -> None:
        self.vocabulary = vocabulary
        self.automaton = automaton
        self.remainders = Remainders(vocabulary.trie)
        self._tables: dict[tuple[int, int], Table] = {}
        self._rows: list[list[int] | None] = []
        self._live: list[tuple[tuple[int, int], ...] | None] = []
        self._extensible: dict[int, bool] = {}
        self.counted = Counted(self)

    @cached_property
    def levels(self) -> Levels:
        """The trie by depth, for dense walks."""
        return Levels.build(self.vocabulary)

    @cached_property
    def longest(self) -> int:
        """The bytes of the longest token: a counter that far from its end cannot matter."""
        return int(np.diff(self.vocabulary.offsets).max())

    def row(self, state: int) -> list[int]:
        """The successors of `state` by byte, 256 of them; 0 is dead."""
        rows = self._rows
        if state >= len(rows):
            rows.extend([None] * (state + 256 - len(rows)))
        row = rows[state]
        if row is None:
            row = rows[state] = self.automaton.row(state).tolist()
        return row

    def step(self, state: int, byte: int) -> int:
        """The successor of `state` by one byte; 0 is dead."""
        row = self._rows[state] if state < len(self._rows) else None
        return self.automaton.step(state, byte) if row is None else row[byte]

    def extensible(self, state: int) -> bool:
        """Can a text go on from `state`?"""
        known = self._extensible.get(state)
        if known is None:
            known = self._extensible[state] = self.automaton.extensible(state)
        return known

    def live(self, state: int) -> tuple[tuple[int, int], ...]:
        """The (byte, successor) pairs of `state` that are not dead."""
        live = self._live
        if state >= len(live):
            live.extend([None] * (state + 256 - len(live)))
        pairs = live[state]
        if pairs is None:
            pairs = tuple((byte, to) for byte, to in enumerate(self.row(state)) if to)
            live[state] = pairs
        return pairs

    def table(self, remainder: int, state: int) -> Table:
        """The table of `state` for the tokens of `remainder`."""
        key = (remainder, state)
        found = self._tables.get(key)
        if found is None:
            if len(self._tables) >= MAX_TABLES:
                self._tables.clear()
            found = self._tables[key] = self._build(remainder, state)
        return found

    def _build(self, remainder: int, state: int) -> Table:
        term = self.automaton.term(state)
        base = without_exclusion(term)
        if base is not None and len(self.remainders.nodes[remainder]) == 1:
            corrected = self._correct(remainder, state, self.automaton.state(base))
            if corrected is not None:
                return corrected
        if remainder == EVERYTHING:
            counted = self.counted.table(state)
            if counted is not None:
                return counted
        few = self.with_few_counts(remainder, state)
        if few != state:
            return self.table(remainder, few)
        sparse = walk_sparse(self, remainder, state, SPARSE_STEPS if remainder == EVERYTHING else None)
        if sparse is None:
            reached = try_walk_dense(self.automaton, self.levels, state, DENSE_STATES)
            if reached is not None:
                return self.dense_table(reached)
            sparse = walk_sparse(self, remainder, state, None)
            assert sparse is not None
        ids, exits = sparse
        exit_remainder = self.remainders.intern(exits)
        if len(ids) <= _IDS_AS_WORDS:
            return Table(None, tuple(ids), exit_remainder)
        flags = np.zeros(self.vocabulary.size, dtype=np.bool_)
        flags[ids] = True
        return Table(pack_flags(flags), (), exit_remainder)

    def with_few_counts(self, remainder: int, state: int) -> int:
        """A state with the same table whose counters are short; `state` itself if none is known."""
        term = self.automaton.term(state)
        for count in (*SHARED_COUNTS, self.longest):
            if term.largest <= count:
                break
            few = self.automaton.state(narrow(term, count))
            many = self.automaton.state(widen(term, count))
            if few and few != state and self.table(remainder, few).equals(self.table(remainder, many)):
                return few
        return state

    def dense_table(self, reached: Reached) -> Table:
        """The table of a state whose walk over the whole vocabulary is done."""
        levels, automaton = self.levels, self.automaton
        flags = np.zeros(self.vocabulary.size, dtype=np.bool_)
        flags[levels.token] = reached.local[levels.token_node] != 0
        accepting = np.array([bool(automaton.accepting[number]) for number in reached.states])
        accepting[0] = False
        complete = accepting[reached.local] & levels.inner
        complete[0] = False  # nothing has been read at the root
        exits = levels.preorder[np.flatnonzero(complete)]
        return Table(pack_flags(flags), (), self.remainders.intern(exits.tolist()))

    def _correct(self, remainder: int, state: int, base: int) -> Table | None:
        """The table of `state`, made from that of `base`, whose language holds the state's.

        None where the two differ in too many places: their rows may have other numbers for equal languages.
        """
        table = self.table(remainder, base)
        remainders, accepting = self.remainders, self.automaton.accepting
        trie = self.vocabulary.trie
        refused: list[int] = []
        unfinished: list[int] = []
        stack = [(remainder, state, base)]
        places = 0
        while stack:
            places += 1
            if places > SPARSE_STEPS:
                return None
            here, at, base_at = stack.pop()
            children = remainders.children(here)
            row, base_row = self.automaton.row(at), self.automaton.row(base_at)
            for byte in np.flatnonzero(row != base_row).tolist():
                child = children.get(byte)
                if child is None:
                    continue
                to, base_to = int(row[byte]), int(base_row[byte])
                if not to:
                    refused.extend(remainders.nodes[child])
                    continue
                if accepting[base_to] and not accepting[to]:
                    unfinished.extend(remainders.nodes[child])
                stack.append((child, to, base_to))
        if not refused and not unfinished:
            return table
        spans = [(int(trie.first[node]), int(trie.first[trie.end[node]])) for node in refused]
        gone = np.concatenate([trie.order[start:stop] for start, stop in spans] or [_NO_IDS])
        words, ids = table.words, table.ids
        if words is not None:
            words = words.copy()
            np.bitwise_and.at(
                words.view(np.uint32), gone >> 5, ~(np.uint32(1) << (gone & 31).astype(np.uint32))
            )
        else:
            removed = set(gone.tolist())
            ids = tuple(token_id for token_id in ids if token_id not in removed)
        exits = np.asarray(remainders.nodes[table.exit], dtype=np.int32)
        keep = ~np.isin(exits, np.asarray(unfinished, dtype=np.int32))
        for node in refused:
            keep &= (exits < node) | (exits >= trie.end[node])
        return Table(words, ids, remainders.intern(exits[keep].tolist()))


_shared: weakref.WeakKeyDictionary[Vocabulary, Tables] = weakref.WeakKeyDictionary()
_shared_lock = threading.Lock()


def shared_tables(vocabulary: Vocabulary) -> Tables:
    """The tables of `vocabulary` that every grammar of this process shares."""
    automaton = shared_automaton()
    with _shared_lock:
        tables = _shared.get(vocabulary)
        if tables is None or tables.automaton is not automaton:
            tables = _shared[vocabulary] = Tables(vocabulary, automaton)
        return tables

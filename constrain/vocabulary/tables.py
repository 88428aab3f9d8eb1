"""Which tokens stay inside a terminal, and what is left of those that leave it.

For a terminal's state and a remainder (`remainders.py`; usually the whole vocabulary) there is one
*table*.  Take the terminal `[0-9]+` in its first state, and five tokens:

    tokens   7   42   4,   ,   a        inside = {7, 42}      exit = {the nodes 4· and 7· that go on}
                                        so `4,` is not inside, but its `,` is in the exit

`inside` are the tokens that end while the terminal is still being read (or just finished).  `exit` is
the remainder of all tokens that went past a point where the terminal was complete; what follows
the terminal decides about them.  A table knows nothing of what follows, so every grammar shares it.

A table is made by walking the vocabulary and the automaton together (`reached.py` says which walk is
right).  Four kinds of state need no walk of their own, because another state's table says nearly all:

1. `base & ~{excluded keys}` differs from `base` only in the tokens that complete one of these
   (`exclusions.py`).
2. A string of at most n characters differs from one of any length only in tokens that are too long
   (`counted.py`).
3. A pattern with a length beside it differs from the pattern in tokens too long, or too short (`windows.py`).
4. A counter that is far from its end, or several, differ from none in long tokens only (`faraway.py`).

Source: masks as a table per automaton state are due to Willard and Louf, "Efficient Guided Generation
for Large Language Models" (2023), section 3; splitting a token at the terminal's end is the idea of
Koo, Liu and He, "Automata-based constraints for language model decoding" (2024).  We depart in one way:
1. Tables are made lazily and for terminals only, never for the product of a whole grammar's states.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from constrain.continuation import AnyEdge
from constrain.regular.automaton import Automaton, shared_automaton
from constrain.regular.byte_sets import bytes_of
from constrain.regular.clipping import FAR
from constrain.regular.interning import LOCK
from constrain.regular.keeping import retire_with
from constrain.vocabulary.bitmask import Sparse, Words, pack_flags, set_tokens, unpack_words, word_count
from constrain.vocabulary.counted import Counted
from constrain.vocabulary.exclusions import Exclusions
from constrain.vocabulary.faraway import Faraway
from constrain.vocabulary.reached import Found, Walker
from constrain.vocabulary.remainders import EVERYTHING, Remainders
from constrain.vocabulary.spellings import Spellings
from constrain.vocabulary.sums import Sums
from constrain.vocabulary.vocabulary import Vocabulary
from constrain.vocabulary.walks import Steps
from constrain.vocabulary.windows import Windows

MAX_TABLES = 50_000
KEPT_WIDE = 4_000
FEW_IDS = 32
SPARSE_IDS = 1_024


@dataclass(frozen=True, slots=True)
class Table:
    """The tokens `inside` a terminal (a packed mask, a sparse one, or a few ids), and the `exit` remainder.

    `refused` are token ids that go nowhere, though they are inside or have a node of the exit on their way.
    """

    inside: Words | Sparse | tuple[int, ...]
    exit: int
    refused: frozenset[int] = frozenset()

    def flags(self, vocab_size: int) -> npt.NDArray[np.bool_]:
        """One bool per token: is it inside?"""
        words = np.zeros(word_count(vocab_size), dtype=np.int32)
        if isinstance(self.inside, tuple):
            set_tokens(words, self.inside)
        elif isinstance(self.inside, Sparse):
            self.inside.add_to(words)
        else:
            words |= self.inside
        return unpack_words(words, vocab_size)


class Tables:
    """The tables of one vocabulary over one automaton, and the tries and rows they are made from."""

    def __init__(self, vocabulary: Vocabulary, automaton: Automaton) -> None:
        self.vocabulary = vocabulary
        self.automaton = automaton
        self.remainders = Remainders(vocabulary.trie)
        self._tables: dict[tuple[int, int], Table] = {}
        self.wide = 0
        self._rows: list[list[int] | None] = []
        self._live: list[tuple[tuple[int, int], ...] | None] = []
        self._extensible: dict[int, bool] = {}
        self._leads: dict[int, int] = {}
        self._loops: dict[int, bytes] = {}
        self.begun: dict[tuple[tuple[AnyEdge, ...], int], list[tuple[int, Any, bool, bool]]] = {}
        self.steps = Steps(automaton)
        self.walker = Walker(vocabulary, self.steps)
        self.counted = Counted(self)
        self.windows = Windows(self)
        self.exclusions = Exclusions(self)
        self.faraway = Faraway(self)
        self.sums = Sums(self)
        self.spellings = Spellings(self)
        retire_with(self, self, self.remainders, self.steps, self.sums)

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

    def lead(self, state: int) -> int:
        """The bytes that lead on from `state`, as a bit set."""
        known = self._leads.get(state)
        if known is None:
            known = 0
            for mask, _ in self.automaton.ways(state):
                known |= mask
            self._leads[state] = known
        return known

    def loop(self, state: int) -> bytes:
        """Bytes that lead from a state to itself; none are known of states that are passed only once."""
        known = self._loops.get(state)
        if known is None:
            if not self.automaton.has_ways(state):
                return b""
            mask = next((mask for mask, to in self.automaton.ways(state) if to == state), 0)
            known = self._loops[state] = bytes(bytes_of(mask))
        return known

    def table(self, remainder: int, state: int) -> Table:
        """The table of `state` for the tokens of `remainder`."""
        key = (remainder, state)
        found = self._tables.get(key)
        if found is None:
            if len(self._tables) >= MAX_TABLES:
                self._tables.clear()
            found = self._tables[key] = self._build(remainder, state)
            self.wide += isinstance(found.inside, np.ndarray)
        return found

    def _build(self, remainder: int, state: int) -> Table:
        table = self.exclusions.table(remainder, state)
        if table is not None:
            return table
        nodes = self.remainders.nodes[remainder]
        counts = self.automaton.term(state).largest
        if remainder == EVERYTHING and counts < FAR:
            found = self.walker.few(state)
            if found is not None:
                return self._found(found)
        table = self.windows.table(remainder, state)
        if table is not None:
            return table
        if counts:
            for another_way in (self.counted.table, self.faraway.table):
                table = another_way(remainder, state)
                if table is not None:
                    return table
        if remainder == EVERYTHING:
            flags, exits = self.walker.all(state)
            return self.flags_table(flags, self.remainders.intern_array(exits))
        if isinstance(nodes, tuple):
            return self._found(self.walker.from_nodes(nodes, state))
        return self._found(self.walker.from_children(partial(self.remainders.child_nodes, remainder), state))

    def _found(self, found: Found) -> Table:
        exits = self.remainders.intern(found.exits)
        if len(found.tokens) <= FEW_IDS:
            return Table(tuple(sorted({int(token) for token in found.tokens})), exits)
        flags = np.zeros(self.vocabulary.size, dtype=np.bool_)
        flags[found.tokens] = True
        return self.flags_table(flags, exits)

    def flags_table(self, flags: npt.NDArray[np.bool_], exit_remainder: int) -> Table:
        """The table with the tokens that have a flag, of which there are many."""
        words = pack_flags(flags)
        few = int(np.count_nonzero(flags)) <= SPARSE_IDS
        return Table(Sparse(words) if few else words, exit_remainder)


_shared: weakref.WeakKeyDictionary[Vocabulary, Tables] = weakref.WeakKeyDictionary()


def shared_tables(vocabulary: Vocabulary) -> Tables:
    """The tables of `vocabulary` that all grammars of a generation share, until their masks fill 64 MB."""
    automaton = shared_automaton()
    with LOCK:
        tables = _shared.get(vocabulary)
        if tables is None or tables.automaton is not automaton or tables.wide > KEPT_WIDE:
            tables = _shared[vocabulary] = Tables(vocabulary, automaton)
            vocabulary.prepare()
        return tables

"""Which tokens stay inside a terminal, and what is left of those that leave it.

For a terminal's state and a remainder (`remainders.py`; usually the whole vocabulary) there is one
*table*.  Take the terminal `[0-9]+` in its first state, and five tokens:

    tokens   7   42   4,   ,   a        inside = {7, 42}      exit = {the nodes 4· and 7· that go on}
                                        so `4,` is not inside, but its `,` is in the exit

`inside` are the tokens that end while the terminal is still being read (or just finished).  `exit` is
the remainder of all tokens that went past a point where the terminal was complete; what follows
the terminal decides about them.  A table knows nothing of what follows, so every grammar shares it.

Two walks make a table, and must agree (a test checks it):

1. `_walk_sparse` follows trie and automaton together, child by child, from whichever of the two
   has fewer ways on.  Most states are narrow (a literal, a digit, a date) and take a few dozen steps.
2. `_walk_dense` takes the whole trie, one depth at a time, as numpy arrays: the state at a node is
   `row[state at its parent][its byte]`, for all the nodes of a depth at once.  Wide states (the inside
   of a string) visit most of the 274,521 nodes of the Llama-3 vocabulary, in about 2 ms.

A third way makes no walk: a state `base & ~{excluded keys}` differs from `base` only along the excluded
texts, so `_correct` copies the base's table and follows just the bytes where the two rows differ.

The sparse walk starts; past `SPARSE_STEPS` steps over the whole vocabulary it gives way to the dense one.

Source: masks as a table per automaton state are due to Willard and Louf, "Efficient Guided Generation
for Large Language Models" (2023), section 3; splitting a token at the terminal's end is the idea of
Koo, Liu and He, "Automata-based constraints for language model decoding" (2024).  We depart in one way:
1. Tables are made lazily and for terminals only, never for the product of a whole grammar's states.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from constrain.regular.automaton import Automaton, shared_automaton
from constrain.regular.terms import without_exclusion
from constrain.vocabulary.bitmask import Words, pack_flags
from constrain.vocabulary.remainders import EVERYTHING, Remainders
from constrain.vocabulary.vocabulary import Vocabulary

SPARSE_STEPS = 4_000
MAX_TABLES = 50_000
_IDS_AS_WORDS = 2_048
_NO_IDS = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Table:
    """The tokens inside a terminal (`words`, a packed mask, or the few `ids`), and the `exit` remainder."""

    words: Words | None
    ids: tuple[int, ...]
    exit: int


class Tables:
    """The tables of one vocabulary over one automaton, and the tries and rows they are made from."""

    def __init__(self, vocabulary: Vocabulary, automaton: Automaton) -> None:
        self.vocabulary = vocabulary
        self.automaton = automaton
        self.remainders = Remainders(vocabulary.trie)
        self._tables: dict[tuple[int, int], Table] = {}
        self._rows: list[list[int] | None] = []
        self._live: list[tuple[tuple[int, int], ...] | None] = []
        self._levels: _Levels | None = None

    def row(self, state: int) -> list[int]:
        """The successors of `state` by byte, 256 of them; 0 is dead."""
        rows = self._rows
        if state >= len(rows):
            rows.extend([None] * (state + 256 - len(rows)))
        row = rows[state]
        if row is None:
            row = rows[state] = self.automaton.row(state).tolist()
        return row

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
        base = without_exclusion(self.automaton.term(state))
        if base is not None and len(self.remainders.nodes[remainder]) == 1:
            return self._correct(remainder, state, self.automaton.state(base))
        sparse = self._walk_sparse(remainder, state, SPARSE_STEPS if remainder == EVERYTHING else None)
        if sparse is None:
            return self._walk_dense(state)
        ids, exits = sparse
        exit_remainder = self.remainders.intern(exits)
        if len(ids) <= _IDS_AS_WORDS:
            return Table(None, tuple(ids), exit_remainder)
        flags = np.zeros(self.vocabulary.size, dtype=np.bool_)
        flags[ids] = True
        return Table(pack_flags(flags), (), exit_remainder)

    def _correct(self, remainder: int, state: int, base: int) -> Table:
        """The table of `state`, made from that of `base`, whose language holds the state's."""
        table = self.table(remainder, base)
        remainders, accepting = self.remainders, self.automaton.accepting
        trie = self.vocabulary.trie
        refused: list[int] = []
        unfinished: list[int] = []
        stack = [(remainder, state, base)]
        while stack:
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

    def _walk_sparse(
        self, remainder: int, state: int, max_steps: int | None
    ) -> tuple[list[int], list[int]] | None:
        """Token ids inside and trie nodes after an exit, or None after too many steps."""
        remainders, accepting = self.remainders, self.automaton.accepting
        ids: list[int] = []
        exits: list[int] = []
        stack = [(remainder, state)]
        steps = 0
        while stack:
            here, at = stack.pop()
            children = remainders.children(here)
            steps += 1
            ways: Sequence[tuple[int, int]]
            live = self.live(at)
            if len(live) <= len(children):
                ways = [(child, to) for byte, to in live if (child := children.get(byte)) is not None]
            else:
                row = self.row(at)
                ways = [(child, to) for byte, child in children.items() if (to := row[byte])]
            steps += len(ways)
            if max_steps is not None and steps > max_steps:
                return None
            for child, to in ways:
                ids.extend(remainders.tokens(child))
                if accepting[to]:
                    exits.extend(remainders.nodes[child])
                stack.append((child, to))
        return ids, exits

    def _walk_dense(self, state: int) -> Table:
        """The table of `state` for the whole vocabulary, depth by depth."""
        if self._levels is None:
            self._levels = _Levels.build(self.vocabulary)
        levels = self._levels
        automaton = self.automaton
        matrix = np.zeros((64, 256), dtype=np.int32)
        numbers = {0: 0, state: 1}
        states = [0, state]
        filled = [True, False]
        at = np.zeros(len(levels.parent), dtype=np.int32)
        at[0] = 1
        for start, stop in levels.spans:
            before = at[levels.parent[start:stop]]
            present = np.zeros(len(states), dtype=np.bool_)
            present[before] = True
            if not present[1:].any():
                break
            for number in np.flatnonzero(present).tolist():
                if filled[number]:
                    continue
                filled[number] = True
                row = automaton.row(states[number])
                distinct, inverse = np.unique(row, return_inverse=True)
                for successor in distinct.tolist():
                    if successor not in numbers:
                        numbers[successor] = len(states)
                        states.append(successor)
                        filled.append(False)
                while number >= len(matrix):
                    matrix = np.concatenate([matrix, np.zeros_like(matrix)])
                local = np.fromiter((numbers[to] for to in distinct.tolist()), dtype=np.int32)
                matrix[number] = local[inverse]
            at[start:stop] = matrix.reshape(-1)[before * 256 + levels.byte[start:stop]]
        flags = np.zeros(self.vocabulary.size, dtype=np.bool_)
        flags[levels.token] = at[levels.token_node] != 0
        accepting = np.fromiter((bool(automaton.accepting[number]) for number in states), dtype=np.bool_)
        accepting[0] = False
        exits = levels.preorder[np.flatnonzero(accepting[at] & levels.inner)]
        return Table(pack_flags(flags), (), self.remainders.intern(exits.tolist()))


@dataclass(frozen=True, slots=True)
class _Levels:
    """The trie by depth: position p of every array is the p-th node of a breadth-first order.

    `parent` holds positions, `byte` the byte into the node, `preorder` its number in the trie, `inner`
    whether it has children; `spans` are the (start, stop) of depths 1, 2, ...; token `token[i]`
    ends at position `token_node[i]`.
    """

    parent: npt.NDArray[np.int32]
    byte: npt.NDArray[np.int32]
    preorder: npt.NDArray[np.int32]
    inner: npt.NDArray[np.bool_]
    spans: tuple[tuple[int, int], ...]
    token: npt.NDArray[np.int32]
    token_node: npt.NDArray[np.int32]

    @classmethod
    def build(cls, vocabulary: Vocabulary) -> _Levels:
        trie = vocabulary.trie
        count = len(trie.byte)
        preorder = np.argsort(trie.depth, kind="stable").astype(np.int32)
        position = np.empty(count, dtype=np.int32)
        position[preorder] = np.arange(count, dtype=np.int32)
        depth = trie.depth[preorder]
        bounds = np.searchsorted(depth, np.arange(1, int(depth[-1]) + 2)).tolist()
        parent = position[np.maximum(trie.parent[preorder], 0)]
        inner = trie.end[preorder] > preorder + 1
        owners = np.repeat(np.arange(count, dtype=np.int32), trie.own)
        return cls(
            parent=parent,
            byte=trie.byte[preorder].astype(np.int32),
            preorder=preorder,
            inner=inner,
            spans=tuple(itertools.pairwise(bounds)),
            token=trie.order,
            token_node=position[owners],
        )


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

"""Tables of states beside a state that nearly every byte leads to: that one's table, but for a few tokens.

Most states of a pattern forget soon where they were.  In `[^"]*rocket[^"]*"`, three letters into the word:

    after `roc`      by k: after `rock`     by r: after `r`      by all others: at the start
    at the start     by k: at the start     by r: after `r`      by all others: at the start

The two differ in what follows `k` only, and there they soon agree as well.  So both are walked side by side
over the vocabulary's trie, and only as long as they are in different states: a few hundred nodes in place of
tens of thousands.  What is below a node that the first cannot reach is one slice of the trie.

The state that is compared with is the one most bytes lead to, if most bytes also lead from it to itself.

Cost: 0.2 ms, and about 1 us a node in which the two differ.  Source: ours.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from weakref import proxy

import numpy as np

from constrain.regular.automaton import DEAD
from constrain.vocabulary.remainders import EVERYTHING

if TYPE_CHECKING:
    from constrain.vocabulary.tables import Table, Tables

MAX_STEPS = 2_000
WIDE_BYTES = 40
_NOWHERE = [DEAD] * 256


class Nearby:
    """The tables of one vocabulary that are made by comparing two states."""

    def __init__(self, tables: Tables) -> None:
        self._tables: Tables = proxy(tables)  # its own part, so no circle: they die together
        self._centres: dict[int, int] = {}

    def table(self, remainder: int, state: int) -> Table | None:
        """The table of a state that differs little from another one; None where another way is better."""
        if remainder != EVERYTHING or len(self._tables.live(state)) < WIDE_BYTES:
            return None
        centre = self._centre(state)
        if centre == state or self._centre(centre) != centre:
            return None
        base = self._tables.table(EVERYTHING, centre)
        return None if base.refused else self._changed(base, state, centre)

    def _centre(self, state: int) -> int:
        """The state that most bytes lead to."""
        found = self._centres.get(state)
        if found is None:
            counts = Counter(to for _, to in self._tables.live(state))
            found = self._centres[state] = max(counts, key=counts.__getitem__)
        return found

    def _changed(self, base: Table, state: int, centre: int) -> Table | None:
        tables = self._tables
        trie, accepting = tables.vocabulary.trie, tables.automaton.accepting
        end, byte = trie.end.data, trie.byte.data
        lost: list[int] = []
        found: list[int] = []
        ends: list[int] = []
        no_ends: list[int] = []
        stack = [(0, state, centre)]
        steps = 0
        while stack:
            node, at, beside = stack.pop()
            here = tables.row(at)
            there = tables.row(beside) if beside else _NOWHERE
            child, last = node + 1, end[node]
            while child < last:
                to, other = here[byte[child]], there[byte[child]]
                if to != other:
                    steps += 1
                    if not to:
                        lost.append(child)
                    else:
                        stack.append((child, to, other))
                        if not other:
                            found.append(child)
                        if accepting[to] != accepting[other]:
                            (ends if accepting[to] else no_ends).append(child)
                child = end[child]
            if steps > MAX_STEPS:
                return None
        flags = base.flags(tables.vocabulary.size)
        exits = np.zeros(len(trie), dtype=np.bool_)
        exits[np.array(tables.remainders.nodes[base.exit], dtype=np.int32)] = True
        for node in lost:
            flags[trie.tokens_below(node)] = False
            exits[node : end[node]] = False
        for node in found:
            flags[trie.tokens(node)] = True
        exits[no_ends] = False
        exits[[node for node in ends if end[node] > node + 1]] = True
        exit_remainder = tables.remainders.intern_array(np.flatnonzero(exits).astype(np.int32))
        return tables.flags_table(flags, exit_remainder)

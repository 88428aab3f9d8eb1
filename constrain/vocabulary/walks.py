"""Three walks of a terminal's automaton over the vocabulary's trie; they must agree (a test checks it).

1. `walk_sparse` follows trie and automaton together, child by child, from whichever of the two has
   fewer ways on.  Most states are narrow (a literal, a digit, a date) and take a few dozen steps.
2. `walk_dense` takes the whole trie, one depth at a time, as numpy arrays: the state at a node is
   `row[state at its parent][its byte]`, for all the nodes of a depth at once.  Wide states (the inside
   of a string) visit most of the 274,521 nodes of the Llama-3 vocabulary, in about 2 ms.
3. `walk_below` does that below any remainder, and visits only nodes that are alive: a name after a blank, of
   which 92,000 nodes are, or what may follow a name, of which few are.  Nodes of a remainder may lie below
   each other (`a` and `ab` are names both), so a node is reached in a *set* of states.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from constrain.regular.automaton import Automaton
from constrain.vocabulary.trie import Trie, distinct
from constrain.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from constrain.vocabulary.tables import Tables


FEW_CHILDREN = 4
FEW_BYTES = 4

Visited = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]
"""Token ids inside, and trie nodes after an exit."""


def walk_sparse(
    tables: Tables, remainder: int, state: int, max_steps: int | None
) -> tuple[list[int], list[int]] | None:
    """Token ids inside and trie nodes after an exit, or None after too many steps."""
    remainders, accepting = tables.remainders, tables.automaton.accepting
    ids: list[int] = []
    exits: list[int] = []
    stack = [(remainder, state)]
    steps = 0
    while stack:
        here, at = stack.pop()
        steps += 1
        ways: Sequence[tuple[int, int]]
        fan_out = remainders.fan_out(here)
        if fan_out <= FEW_CHILDREN:  # then most of a row would be made in vain
            children = remainders.children(here).items()
            ways = [(child, to) for byte, child in children if (to := tables.step(at, byte))]
        elif len(live := tables.live(at)) <= fan_out:
            ways = [(child, to) for byte, to in live if (child := remainders.child(here, byte))]
        else:
            row = tables.row(at)
            ways = [(child, to) for byte, child in remainders.children(here).items() if (to := row[byte])]
        steps += len(ways)
        if max_steps is not None and steps > max_steps:
            return None
        for child, to in ways:
            ids.extend(remainders.tokens(child))
            if accepting[to]:
                exits.extend(remainders.node_list(child))
            stack.append((child, to))
    return ids, exits


@dataclass(frozen=True, slots=True)
class Levels:
    """The trie by depth: position p of every array is the p-th node of a breadth-first order.

    `parent` holds positions, `byte` the byte into the node, `preorder` its number in the trie, `inner`
    whether it has children; `spans` are the (start, stop) of depths 1, 2, ...; token `token[i]`
    ends at position `token_node[i]`.
    """

    parent: npt.NDArray[np.intp]
    byte: npt.NDArray[np.intp]
    preorder: npt.NDArray[np.int32]
    inner: npt.NDArray[np.bool_]
    spans: tuple[tuple[int, int], ...]
    token: npt.NDArray[np.int32]
    token_node: npt.NDArray[np.intp]

    @classmethod
    def build(cls, vocabulary: Vocabulary) -> Levels:
        """The levels of a vocabulary's trie."""
        trie = vocabulary.trie
        count = len(trie.byte)
        preorder = np.concatenate(trie.levels)
        position = np.empty(count, dtype=np.intp)
        position[preorder] = np.arange(count)
        bounds = itertools.accumulate(map(len, trie.levels))
        owners = np.repeat(np.arange(count), trie.own)
        return cls(
            parent=position[np.maximum(trie.parent[preorder], 0)],
            byte=trie.byte[preorder].astype(np.intp),
            preorder=preorder,
            inner=trie.end[preorder] > preorder + 1,
            spans=tuple(itertools.pairwise(bounds)),
            token=trie.order,
            token_node=position[owners],
        )


_levels: weakref.WeakKeyDictionary[Vocabulary, Levels] = weakref.WeakKeyDictionary()


def levels_of(vocabulary: Vocabulary) -> Levels:
    """The levels of a vocabulary's trie, made once."""
    levels = _levels.get(vocabulary)
    if levels is None:
        levels = _levels[vocabulary] = Levels.build(vocabulary)
    return levels


@dataclass(frozen=True, slots=True)
class Reached:
    """The states at all nodes: `states[local[p]]` is the automaton's state at position p; local 0 is dead."""

    states: list[int]
    local: npt.NDArray[np.intp]


def walk_dense(automaton: Automaton, levels: Levels, state: int) -> Reached:
    """The state at every node of the trie, coming from `state` at its root."""
    reached = try_walk_dense(automaton, levels, state, None)
    assert reached is not None
    return reached


def try_walk_dense(
    automaton: Automaton, levels: Levels, state: int, max_states: int | None
) -> Reached | None:
    """The same, or None after too many states.

    States are numbered as they are met.  `places` holds 256 times the number of each of the automaton's
    states, and `local` that of the state at each node; `ways[256 * number + byte]` is where a byte leads.
    -1 is "not known yet": a row is made when nodes ask for more than FEW_BYTES of it, or single steps are.
    """
    states = [0, state]
    places = _unknown(len(automaton))
    places[[0, state]] = 0, 256
    ways = _unknown(64 * 256)
    ways[:256] = 0
    local = np.zeros(len(levels.parent), dtype=np.intp)
    local[0] = 256
    for start, stop in levels.spans:
        before, byte = local.take(levels.parent[start:stop], mode="clip"), levels.byte[start:stop]
        alive = np.flatnonzero(before)
        if not len(alive):
            break
        few = len(alive) < (stop - start) // 2
        if few:
            before, byte = before[alive], byte[alive]
        before += byte
        after = ways.take(before, mode="clip")
        if after.min() < 0:
            unknown = np.flatnonzero(after < 0)
            present = np.zeros(256 * len(states), dtype=np.bool_)
            present[before[unknown]] = True
            pairs = np.flatnonzero(present)
            numbers, first, count = np.unique(pairs >> 8, return_index=True, return_counts=True)
            for number, at, some in zip(numbers.tolist(), first.tolist(), count.tolist(), strict=True):
                asked: slice | npt.NDArray[np.intp] = slice(256 * number, 256 * number + 256)
                if some > FEW_BYTES or automaton.has_row(states[number]):
                    row = automaton.row(states[number])
                else:
                    asked = pairs[at : at + some]
                    steps = [automaton.step(states[number], way & 255) for way in asked.tolist()]
                    row = np.array(steps, dtype=np.int32)
                if len(automaton) > len(places):
                    places = np.concatenate([places, _unknown(len(automaton))])
                to = places.take(row, mode="clip")
                if to.min() < 0:
                    for successor in dict.fromkeys(row[to < 0].tolist()):
                        places[successor] = 256 * len(states)
                        states.append(successor)
                    to = places.take(row, mode="clip")
                if 256 * len(states) > len(ways):
                    ways = np.concatenate([ways, _unknown(256 * len(states))])
                ways[asked] = to
            if max_states is not None and len(states) > max_states:
                return None
            after[unknown] = ways[before[unknown]]
        if few:
            local[start + alive] = after
        else:
            local[start:stop] = after
    local >>= 8
    return Reached(states, local)


def _unknown(size: int) -> npt.NDArray[np.intp]:
    return np.full(size, -1, dtype=np.intp)


class _Sets:
    """Sets of states, by number, and where each byte leads from them; number 0 is no state."""

    def __init__(self, automaton: Automaton, start: int) -> None:
        self._automaton = automaton
        self._start = start
        self._numbers: dict[frozenset[int], int] = {frozenset(): 0}
        self.sets: list[frozenset[int]] = [frozenset()]
        self.matrix = np.zeros((64, 256), dtype=np.int32)
        self._filled = np.ones(64, dtype=np.bool_)
        self._with_start: list[int] = []

    def number(self, states: frozenset[int]) -> int:
        """The number of a set."""
        number = self._numbers.get(states)
        if number is None:
            number = self._numbers[states] = len(self.sets)
            self.sets.append(states)
            if number >= len(self.matrix):
                self.matrix = np.concatenate([self.matrix, np.zeros_like(self.matrix)])
                self._filled = np.concatenate([self._filled, np.ones_like(self._filled)])
            self._filled[number] = False
        return number

    def step(self, local: npt.NDArray[np.int32], byte: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
        """The numbers after one byte each."""
        present = np.zeros(len(self.sets), dtype=np.bool_)
        present[local] = True
        for number in np.flatnonzero(present & ~self._filled[: len(present)]).tolist():
            self._fill(number)
        after: npt.NDArray[np.int32] = self.matrix.reshape(-1)[local * np.int32(256) + byte]
        return after

    def _fill(self, number: int) -> None:
        rows = np.stack([self._automaton.row(state) for state in sorted(self.sets[number])])
        if len(rows) == 1:
            distinct, inverse = np.unique(rows[0], return_inverse=True)
            columns = [(to,) for to in distinct.tolist()]
        else:
            several, inverse = np.unique(rows, axis=1, return_inverse=True)
            columns = [tuple(column) for column in several.T.tolist()]
        numbers = [self.number(frozenset(column) - {0}) for column in columns]
        self.matrix[number] = np.array(numbers, dtype=np.int32)[inverse]
        self._filled[number] = True

    def with_start(self, local: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """The numbers with the start's state added to each set."""
        known = self._with_start
        while len(known) < len(self.sets):
            known.append(self.number(self.sets[len(known)] | {self._start}))
        return np.array(known, dtype=np.int32)[local]

    def accepting(self) -> npt.NDArray[np.bool_]:
        """Is there a state in each set in which the terminal is complete?"""
        accepting = self._automaton.accepting
        return np.array([any(accepting[state] for state in states) for states in self.sets])


def walk_below(
    automaton: Automaton, trie: Trie, nodes: Iterable[int], state: int, max_states: int | None
) -> Visited | None:
    """Token ids inside and trie nodes after an exit, from `state` at `nodes`; None after too many sets.

    Both come in the trie's order, each once.
    """
    roots = np.array(nodes, dtype=np.int32)
    by_depth = trie.depth[roots]
    sets = _Sets(automaton, state)
    here = np.empty(0, dtype=np.int32)
    local = np.empty(0, dtype=np.int32)
    depth, last = int(by_depth.min()), int(by_depth.max())
    seen: list[npt.NDArray[np.int32]] = []
    states: list[npt.NDArray[np.int32]] = []
    while len(here) or depth <= last:
        added = roots[by_depth == depth] if depth <= last else roots[:0]
        if len(added):
            merged = distinct(np.concatenate([here, added]))
            spread = np.zeros(len(merged), dtype=np.int32)
            spread[np.searchsorted(merged, here)] = local
            places = np.searchsorted(merged, added)
            spread[places] = sets.with_start(spread[places])
            here, local = merged, spread
        children, owner = trie.children(here)
        after = sets.step(local[owner], trie.byte[children])
        if max_states is not None and len(sets.sets) > max_states:
            return None
        alive = np.flatnonzero(after)
        here, local = children[alive], after[alive]
        seen.append(here)
        states.append(local)
        depth += 1
    visited, reached = np.concatenate(seen), np.concatenate(states)
    exits = visited[sets.accepting()[reached]]
    return trie.own_tokens(visited), distinct(exits[trie.end[exits] > exits + 1])

"""Two walks of a terminal's automaton over the vocabulary's trie; they must agree (a test checks it).

1. `walk_sparse` follows trie and automaton together, child by child, from whichever of the two has
   fewer ways on.  Most states are narrow (a literal, a digit, a date) and take a few dozen steps.
2. `walk_wide` takes all nodes of a depth at once, as numpy arrays, and goes on only where something changes.
   A state that leads to itself by every byte below a node holds for all that is below, so that
   `[a-z]+` looks at 7,000 of 274,521 nodes, not at the 30,000 that it reaches:

       a ─┬─ b ─── c        below `a` are b, c and d, and the state after `a` leads to itself by all of them:
          └─ d              `a`, `ab`, `abc` and `ad` are one run of nodes in the trie's order

   Where nearly every node goes on, depths are taken whole, with nothing settled.

A walk starts from any remainder, the whole vocabulary or what may follow a name.  Nodes of a remainder may
lie below each other (`a` and `ab` are names both), so a node is reached in a *set* of states.

Cost: about 0.02 ms a depth, and 0.1 us a node that is looked at, 0.02 us where a depth is taken whole.
Source: ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from constrain.regular.automaton import Automaton
from constrain.vocabulary.levels import CLASS_BITS, CLASS_STARTS, INVALID, LEADS, MULTIBYTE, PHASE_STEPS
from constrain.vocabulary.trie import Int32s, Trie, distinct, spread

if TYPE_CHECKING:
    from constrain.vocabulary.tables import Tables


FEW_CHILDREN = 4
FEW_BYTES = 4
DEEP = 6
FEW_NODES = 16
FEW_BELOW = 1_500
MANY_NODES = 5_000
MANY_SHARE = 8

Numbers = npt.NDArray[np.intp]
Runs = tuple[Int32s, Int32s, Numbers]


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
class Reached:
    """What a walk reached: runs of nodes in the trie's order, no two of which overlap, and whole depths.

    Node n of `begin[i]`, ..., `stop[i] - 1` is reached in the states `sets[phased[number[i], phase of n]]`
    and no others; for most i that is one set, the same in every phase.  At the positions (`levels.py`) of the
    depths `whole`, it is the states `sets[local[p]]`.  What `local` says of other positions, runs say too.
    """

    sets: list[frozenset[int]]
    phased: Numbers
    begin: Int32s
    stop: Int32s
    number: Numbers
    local: Numbers
    whole: list[tuple[int, int]]

    @property
    def states(self) -> list[int]:
        """The state of each set, 0 where it is empty; for walks from the root, whose sets are single."""
        return [next(iter(states), 0) for states in self.sets]

    def at_nodes(self, trie: Trie) -> Numbers:
        """The number of the set at each node, shape (nodes,); 0 at those not reached, and at the root."""
        at = self.local[trie.by_level.place]
        nodes = spread(self.begin, self.stop)
        at[nodes] = self.phased[np.repeat(self.number, self.stop - self.begin), trie.by_level.phase[nodes]]
        return at

    def tokens(self, trie: Trie) -> npt.NDArray[np.intp]:
        """The tokens that end at nodes reached, as indices of `trie.order`, each once."""
        first, last = trie.first[self.begin], trie.first[self.stop]
        some = np.flatnonzero(first < last)
        tokens = spread(first[some], last[some])
        if not self.whole:
            return tokens
        flags = self.local.take(trie.token_place) != 0
        flags[tokens] = True
        return np.flatnonzero(flags)

    def exits(self, trie: Trie, accepting: Sequence[int]) -> Int32s:
        """The nodes, not leaves, at which a state is accepting; in order."""
        complete = np.array([any(accepting[state] for state in states) for states in self.sets])
        ends = complete[self.phased]
        every, some = np.logical_and.reduce(ends, axis=1), np.logical_or.reduce(ends, axis=1)
        levels = trie.by_level
        groups = [
            levels.node[start + np.flatnonzero(complete.take(self.local[start:stop]))]
            for start, stop in self.whole
        ]
        for mixed, kind in ((False, every), (True, some & ~every)):
            runs = np.flatnonzero(kind[self.number])
            begin, stops = self.begin[runs], self.stop[runs]
            nodes = spread(begin, stops)
            if mixed:
                at = np.repeat(self.number[runs], stops - begin) * ends.shape[1] + levels.phase[nodes]
                kept: npt.NDArray[np.bool_] = ends.reshape(-1)[at]
                nodes = nodes[kept]
            groups.append(nodes.astype(np.int32))
        exits = np.concatenate(groups)
        return distinct(exits[trie.end[exits] > exits + 1])


class _Sets:
    """Sets of states, by number, and where each byte leads from them; number 0 is no state.

    `ways[256 * number + byte]` is where a byte leads, -1 if nobody has asked.  A row is made when
    nodes ask for more than FEW_BYTES of it, and `loops` has then the classes of bytes that change nothing,
    but for the phase; `phased` is the set in each phase.
    """

    def __init__(self, automaton: Automaton, start: int) -> None:
        self._automaton = automaton
        self._start = start
        self._numbers: dict[frozenset[int], int] = {frozenset(): 0}
        self._single = np.full(len(automaton), -1, dtype=np.intp)
        self._single[0] = 0
        self.sets: list[frozenset[int]] = [frozenset()]
        self.ways = np.full(64 * 256, -1, dtype=np.intp)
        self.ways[:256] = 0
        self.loops = np.zeros(64, dtype=np.uint64)
        self.phased = _same(0, 64)
        self._with_start: list[int] = []

    def number(self, states: frozenset[int]) -> int:
        """The number of a set."""
        number = self._numbers.get(states)
        if number is None:
            number = self._numbers[states] = len(self.sets)
            self.sets.append(states)
            if number >= len(self.loops):
                self.ways = np.concatenate([self.ways, np.full(len(self.ways), -1, dtype=np.intp)])
                self.loops = np.concatenate([self.loops, np.zeros_like(self.loops)])
                self.phased = np.concatenate([self.phased, _same(number, 2 * number)])
        return number

    def step(self, numbers: Numbers, byte: Numbers) -> Numbers:
        """The numbers after one byte each."""
        asked = numbers * 256 + byte
        after = self.ways.take(asked, mode="clip")
        if len(after) and after.min() < 0:
            self._learn(asked[after < 0])
            after = self.ways.take(asked, mode="clip")
        return after

    def _learn(self, asked: Numbers) -> None:
        present = np.zeros(256 * len(self.sets), dtype=np.bool_)
        present[asked] = True
        pairs = np.flatnonzero(present)
        numbers, first, count = np.unique(pairs >> 8, return_index=True, return_counts=True)
        for number, at, some in zip(numbers.tolist(), first.tolist(), count.tolist(), strict=True):
            states = self.sets[number]
            if some > FEW_BYTES or len(states) > 1 or self._automaton.has_row(*states):
                self._fill(number)
            else:
                (state,) = states
                some_ways = pairs[at : at + some]
                steps = [self._automaton.step(state, way & 255) for way in some_ways.tolist()]
                to = self._numbered(np.array(steps, dtype=np.int32))
                self.ways[some_ways] = to

    def _fill(self, number: int) -> None:
        to = self._row(number)
        stays = to == number
        if not stays.any():
            return
        classes = np.logical_and.reduceat(stays, CLASS_STARTS)
        self.loops[number] = np.bitwise_or.reduce(CLASS_BITS[classes], initial=INVALID)
        leads = to[LEADS].tolist()
        if number in leads or 0 in leads:
            return
        phased = np.array([number, *leads, 0])
        if (phased[PHASE_STEPS[0, 0x80:]] == to[0x80:]).all() and all(
            (self._row(at) == phased[steps]).all() for at, steps in zip(leads, PHASE_STEPS[1:-1], strict=True)
        ):
            self.phased[number] = phased
            self.loops[number] = (self.loops[number] | MULTIBYTE) & ~INVALID

    def _row(self, number: int) -> Numbers:
        """Where each byte leads, shape (256,)."""
        row = self.ways[256 * number : 256 * number + 256]
        if row.min() < 0:
            states = self.sets[number]
            to = self._joint(states) if len(states) > 1 else self._numbered(self._automaton.row(*states))
            row = self.ways[256 * number : 256 * number + 256]
            row[:] = to
        return row

    def _numbered(self, row: npt.NDArray[np.int32]) -> Numbers:
        if len(self._automaton) > len(self._single):
            more = np.full(len(self._automaton) - len(self._single), -1, dtype=np.intp)
            self._single = np.concatenate([self._single, more])
        to = self._single.take(row)
        if to.min() < 0:
            for state in dict.fromkeys(row[to < 0].tolist()):
                self._single[state] = self.number(frozenset((state,)))
            to = self._single.take(row)
        return to

    def _joint(self, states: frozenset[int]) -> Numbers:
        rows = np.stack([self._automaton.row(state) for state in sorted(states)])
        several, inverse = np.unique(rows, axis=1, return_inverse=True)
        numbers = [self.number(frozenset(column) - {0}) for column in several.T.tolist()]
        return np.array(numbers, dtype=np.intp)[inverse.reshape(-1)]

    def with_start(self, numbers: Numbers) -> Numbers:
        """The numbers with the start's state added to each set."""
        known = self._with_start
        while len(known) < len(self.sets):
            known.append(self.number(self.sets[len(known)] | {self._start}))
        return np.array(known, dtype=np.intp)[numbers]


def walk_wide(
    automaton: Automaton, trie: Trie, nodes: Sequence[int] | Int32s, state: int, max_sets: int | None = None
) -> Reached | None:
    """What is reached from `state` at `nodes`; None after too many sets.

    Where many nodes go on, the next depth is taken whole: a node costs an eighth, and nothing is settled.
    """
    levels, sets = trie.by_level, _Sets(automaton, state)
    roots, in_order = np.sort(levels.place[np.asarray(nodes)]), np.sort(np.asarray(nodes))
    local = np.zeros(len(trie), dtype=np.intp)
    runs: list[Runs] = [(trie.end[:0], trie.end[:0], roots[:0])]
    whole: list[tuple[int, int]] = []
    here = roots[:0]
    deep = levels.spans[min(DEEP, len(levels.spans) - 1)][0]
    for (start, stop), (next_start, next_stop) in pairwise(levels.spans):
        added = roots[slice(*np.searchsorted(roots, (start, stop)))]
        if len(added):
            local[added] = sets.with_start(local[added])
            here = distinct(np.concatenate([here, added]))
        more = bool(roots[-1] >= stop)
        size = next_stop - next_start
        if not more and len(here) <= FEW_NODES and start > deep:
            above = levels.node[here]
            if int((trie.end[above] - above).sum()) <= FEW_BELOW:
                runs.append(_walk_few(sets, trie, above, local[here]))
                break
        if not more and size > MANY_NODES and len(here) > size // MANY_SHARE:
            before = local.take(levels.parent[next_start:next_stop])
            local[next_start:next_stop] = after = sets.step(before, levels.byte[next_start:next_stop])
            whole.append((next_start, next_stop))
            here = next_start + np.flatnonzero(after)
        else:
            child, count = levels.child[here], levels.count[here]
            children = spread(child, child + count)
            after = sets.step(np.repeat(local[here], count), levels.byte[children])
            alive = np.flatnonzero(after)
            children, after = children[alive], after[alive]
            changes = (levels.below[children] & ~sets.loops[after]) != 0
            begin = levels.node[children]
            end = trie.end[begin]
            if more:  # a root below begins a run of its own
                changes |= np.searchsorted(in_order, begin) < np.searchsorted(in_order, end)
            runs.append((begin, np.where(changes, begin + np.int32(1), end), after))
            here = children[changes]
            local[here] = after[changes]
        if max_sets is not None and len(sets.sets) > max_sets:
            return None
    local[roots] = 0
    begins, stops, numbers = (np.concatenate(column) for column in zip(*runs, strict=True))
    return Reached(sets.sets, sets.phased[: len(sets.sets)], begins, stops, numbers, local, whole)


def _walk_few(sets: _Sets, trie: Trie, here: Int32s, number: Numbers) -> Runs:
    """The runs below a few nodes, one node after the other; deep down, a depth is but a few nodes."""
    begin: list[int] = []
    numbers: list[int] = []
    end, byte = trie.end.data, trie.byte.data
    stack = list(zip(here.tolist(), number.tolist(), strict=True))
    while stack:
        node, at = stack.pop()
        child, last = node + 1, end[node]
        while child < last:
            after = int(sets.ways[256 * at + byte[child]])
            if after < 0:
                after = int(sets.step(np.array([at]), np.array([byte[child]]))[0])
            if after:
                begin.append(child)
                numbers.append(after)
                stack.append((child, after))
            child = end[child]
    nodes = np.array(begin, dtype=np.int32)
    return nodes, nodes + np.int32(1), np.array(numbers, dtype=np.intp)


def _same(start: int, stop: int) -> Numbers:
    """Sets that are the same in every phase."""
    return np.repeat(np.arange(start, stop)[:, None], len(PHASE_STEPS), axis=1)

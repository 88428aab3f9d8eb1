"""Which of the walks is right for a state, and which tokens does it get to?

    [a-z]+, a date, a literal     `walk_few` over signatures, and in the trie itself below odd symbols
    the inside of a string        `walk_all` over signatures, and `correct` where a state is odd
    nearly everywhere odd         `walk_all` over the trie itself

The narrow walk is tried first where few blocks lead on, and gives way after FEW_STEPS.  Letters up to `f` are
a block for HEX only, so a state that is odd under COARSE may not be under HEX.

A `Found` is the tokens and the exits, which is all that a table needs.  `Reached` says the state at each
position too, for tables that others are made from (`counted.py`, `faraway.py`).

Source: ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from constrain.vocabulary.blocks import COARSE, EXACT, HEX
from constrain.vocabulary.signatures import Signatures
from constrain.vocabulary.trie import Int32s, Places, Trie, spread
from constrain.vocabulary.vocabulary import Vocabulary
from constrain.vocabulary.walks import (
    MANY,
    ODD,
    SYMBOLS,
    Pair,
    Rows,
    Steps,
    correct,
    walk_all,
    walk_few,
    walk_many,
)

MAX_KEPT = 1_000
FEW_WAYS = 8
FEW_STEPS = 120
FEW_NODES = 500
EXACT_STEPS = 80
MANY_ITEMS = 64

Ids = list[int] | npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Found:
    """Token ids inside, and the nodes of the exit, leaves among them; either may come more than once."""

    tokens: Ids
    exits: Ids


@dataclass(frozen=True, slots=True)
class Reached:
    """The number of a state (`Rows`) at each position of a trie, and a 0 behind them."""

    rows: Rows
    trie: Trie | Signatures
    local: Places

    def numbers(self) -> list[int]:
        """The numbers that occur, but for 0."""
        present = np.zeros(len(self.rows.complete), dtype=np.bool_)
        present[self.local] = True
        numbers: list[int] = np.flatnonzero(present)[1:].tolist()
        return numbers


class Walker:
    """Walks over one vocabulary."""

    def __init__(self, vocabulary: Vocabulary, steps: Steps) -> None:
        self.steps = steps
        self._kept = Rows(steps)
        self._size = vocabulary.size
        self._trie = vocabulary.trie
        self._coarse, self._hex = vocabulary.signatures
        self._first, self._own, self._order = (
            np.ascontiguousarray(array).data for array in (self._trie.first, self._trie.own, self._trie.order)
        )

    @property
    def _rows(self) -> Rows:
        """The rows that walks share, until there are many of them."""
        if len(self._kept.states) > MAX_KEPT:
            self._kept = Rows(self.steps)
        return self._kept

    def few(self, state: int) -> Found | None:
        """What a narrow state gets to; None if it is not narrow."""
        if len(self.steps.ways_on(COARSE, state, 0)) > FEW_WAYS:
            return None
        signatures = self._coarse
        few = walk_few(self.steps, signatures, ((0, state),), FEW_STEPS)
        if few.odd and not few.left and self._is_better_under_hex(few.odd):
            signatures = self._hex
            few = walk_few(self.steps, signatures, ((0, state),), FEW_STEPS)
        if few.left:
            return None
        odd = self._below_odd(signatures, few.odd)
        if odd is None:
            return None
        accepting = self.steps.automaton.accepting
        tokens = _slices(signatures.tokens, [position for position, _ in few.reached])
        exits = _slices(signatures.nodes, [position for position, to in few.reached if accepting[to]])
        if not odd:
            return Found(tokens, exits)
        found = self._go_on(odd, odd)
        return Found(_both(tokens, found.tokens), _both(exits, found.exits))

    def _is_better_under_hex(self, odd: list[Pair]) -> bool:
        coarse, ways_on = self._coarse, self.steps.ways_on
        return any(
            ODD not in ways_on(HEX, before, coarse.context[coarse.above[position]]).values()
            for position, before in odd
        )

    def _below_odd(self, signatures: Signatures, odd: list[Pair]) -> list[Pair] | None:
        """The nodes of odd positions that are reached, with their states; None if that is much work."""
        start, nodes = signatures.nodes
        byte = self._trie.lowest
        if sum(int(start[position + 1]) - int(start[position]) for position, _ in odd) > FEW_NODES:
            return None
        reached = []
        for position, before in odd:
            ways = self.steps.ways_on(EXACT, before, 0)
            for node in nodes[start[position] : start[position + 1]].tolist():
                to = ways.get(byte[node])
                if to is not None:
                    reached.append((node, to))
        return reached

    def from_nodes(self, nodes: tuple[int, ...], state: int) -> Found:
        """What a state gets to below some nodes of the trie."""
        return self._go_on([], [(node, state) for node in nodes])

    def from_children(self, children: Callable[[int], Int32s], state: int) -> Found:
        """The same below many nodes, whose children by a byte `children` knows."""
        rows = self._rows
        ways = self.steps.ways_on(EXACT, state, 0)
        by_way = [children(byte) for byte in ways]
        numbers = np.repeat([rows.number(to) for to in ways.values()], [len(some) for some in by_way])
        nodes = np.concatenate([*by_way, np.empty(0, dtype=np.intp)])
        if len(nodes) <= EXACT_STEPS:
            pairs = [
                (node, rows.states[at // SYMBOLS])
                for node, at in zip(nodes.tolist(), numbers.tolist(), strict=True)
            ]
            return self._go_on(pairs, pairs)
        more, more_numbers = walk_many(rows, self._trie, nodes, numbers)
        return self._found(rows, np.append(nodes, more), np.append(numbers, more_numbers))

    def _go_on(self, reached: list[Pair], left: list[Pair]) -> Found:
        """What is reached in the trie from nodes in a state each, beside nodes that are reached already."""
        trie, own, accepting = self._trie, self._own, self.steps.automaton.accepting
        few = walk_few(self.steps, trie, left, EXACT_STEPS)
        tokens: list[int] = []
        exits: list[int] = []
        for pairs in (reached, few.reached):
            for node, to in pairs:
                if own[node]:
                    first = self._first[node]
                    tokens.extend(self._order[first : first + own[node]])
                if accepting[to]:
                    exits.append(node)
        if not few.left:
            return Found(tokens, exits)
        rows = self._rows
        nodes = np.array([node for node, _ in few.left], dtype=np.intp)
        numbers = np.array([rows.number(to) for _, to in few.left], dtype=np.intp)
        more = self._found(rows, *walk_many(rows, trie, nodes, numbers))
        return Found(_both(tokens, more.tokens), _both(exits, more.exits))

    def _found(self, rows: Rows, nodes: Places, numbers: Places) -> Found:
        return Found(self.own_tokens(nodes), nodes[rows.complete.take(numbers)])

    def own_tokens(self, nodes: Places) -> Int32s:
        """The tokens that are one of some nodes."""
        first = self._trie.first.take(nodes)
        tokens: Int32s = self._trie.order.take(spread(first, first + self._trie.own.take(nodes)))
        return tokens

    def all(self, state: int) -> tuple[npt.NDArray[np.bool_], Int32s]:
        """A flag for each token, is it inside?, and the nodes of the exit, of a state that gets far."""
        rows = self._rows
        number = rows.number(state)
        for signatures in sorted((self._coarse, self._hex), key=lambda it: rows.is_odd(number, it.blocks)):
            local = walk_all(rows, signatures, state)
            corrected = correct(rows, self._trie, signatures, local)
            if corrected is None:
                continue
            flags = self.flags(Reached(rows, signatures, local))
            exits = self.exits(Reached(rows, signatures, local))
            nodes, numbers = corrected
            if len(nodes):
                alive = numbers != 0
                flags[self.own_tokens(nodes[~alive])] = False
                flags[self.own_tokens(nodes[alive])] = True
                present = np.zeros(len(self._trie), dtype=np.bool_)
                present[exits] = True
                present[nodes] = rows.complete.take(numbers)
                exits = self._inner(np.flatnonzero(present))
            return flags, exits
        reached = Reached(rows, self._trie, walk_all(rows, self._trie, state))
        return self.flags(reached), self.exits(reached)

    def reached(self, state: int, finer: Trie | Signatures | None = None, max_states: int = MANY) -> Reached:
        """The states at all positions, over a trie where no state is odd, `finer` or a finer one.

        Raises TooManyStates.
        """
        rows = self._rows if max_states == MANY else Rows(self.steps, max_states)
        divisions = (self._coarse, self._hex)
        for signatures in divisions if finer is None else divisions[(*divisions, self._trie).index(finer) :]:
            local = self._few_as_all(rows, signatures, state)
            if local is None:
                local = walk_all(rows, signatures, state)
            if not rows.odd_bytes(signatures, local):
                return Reached(rows, signatures, local)
        return Reached(rows, self._trie, walk_all(rows, self._trie, state))

    def _few_as_all(self, rows: Rows, signatures: Signatures, state: int) -> Places | None:
        if len(self.steps.ways_on(signatures.blocks, state, 0)) > FEW_WAYS:
            return None
        few = walk_few(self.steps, signatures, ((0, state),), FEW_STEPS)
        if few.left or few.odd:
            return None
        local = np.zeros(len(signatures) + 1, dtype=np.intp)
        local[0] = rows.number(state)
        local[[position for position, _ in few.reached]] = [rows.number(to) for _, to in few.reached]
        return local

    def tokens_at(self, trie: Trie | Signatures, positions: Places) -> Int32s:
        """The tokens at positions."""
        if isinstance(trie, Signatures):
            start, tokens = trie.tokens
            return tokens.take(spread(start[positions], start[positions + 1]))
        return self.own_tokens(positions)

    def positions(self, trie: Trie | Signatures, nodes: Int32s) -> Int32s:
        """The positions of nodes."""
        return trie.of_node[nodes] if isinstance(trie, Signatures) else nodes

    def token_nodes(self, trie: Trie | Signatures, positions: Places) -> Places:
        """The nodes at positions that are tokens."""
        nodes: Places = positions
        if isinstance(trie, Signatures):
            start, of_position = trie.nodes
            nodes = of_position.take(spread(start[positions], start[positions + 1])).astype(np.intp)
        return nodes[self._trie.own.take(nodes) > 0]

    def of_tokens(self, trie: Trie | Signatures, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """By token: what `values` says of its position; the last value if it is no text."""
        if isinstance(trie, Signatures):
            return values.take(trie.of_token)
        found = np.full(self._size, values[-1], dtype=values.dtype)
        found[trie.order] = values.take(trie.token_node)
        return found

    def flags(self, reached: Reached) -> npt.NDArray[np.bool_]:
        """By token: is it inside?"""
        return self.of_tokens(reached.trie, reached.local != 0)

    def exits(self, reached: Reached) -> Int32s:
        """The nodes that have children and at which the text is complete, in order."""
        complete = np.flatnonzero(reached.rows.complete.take(reached.local[1:])) + 1
        nodes = complete.astype(np.int32)
        if isinstance(reached.trie, Signatures):
            start, of_position = reached.trie.nodes
            nodes = np.sort(of_position.take(spread(start[complete], start[complete + 1])))
        return self._inner(nodes)

    def _inner(self, nodes: npt.NDArray[Any]) -> Int32s:
        """Those of some nodes that have children."""
        start = self._trie.start
        inner: Int32s = nodes[start[nodes] < start[nodes + 1]].astype(np.int32)
        return inner


def _slices(groups: tuple[Int32s, Int32s], chosen: list[int]) -> Ids:
    """The items of some groups (`trie.grouped`)."""
    start, items = groups[0].data, groups[1]
    if sum(start[group + 1] - start[group] for group in chosen) > MANY_ITEMS:
        return np.concatenate([items[start[group] : start[group + 1]] for group in chosen])
    some = items.data
    return [some[index] for group in chosen for index in range(start[group], start[group + 1])]


def _both(one: Ids, other: Ids) -> Ids:
    if isinstance(one, list) and isinstance(other, list):
        return one + other
    return np.append(np.array(one, dtype=np.intp), np.array(other, dtype=np.intp))

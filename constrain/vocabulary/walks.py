"""Where in a vocabulary's trie does a state get to, and in which state?

Trie and automaton are walked together, in one of three ways that must agree (a test checks it):

1. `walk_few` goes from position to position.  `[a-z]+` has one block to go on with, and gets to 26
   of 18,108 positions of the signatures (`signatures.py`); a date to a dozen.
2. `walk_all` takes all positions of a depth at once, as numpy arrays: the state at a position is
   `after[state above + symbol]`.  The inside of a string gets nearly everywhere.
3. `walk_many` does the same for those positions only that are reached, from wherever some walk stands.

Signatures take bytes for one symbol that are seldom told apart.  A state that does tell them apart is *odd*:

    [^"]*rocket[^"]*     after `r` in another state than after the other letters

`walk_few` stops at an odd symbol, and its caller goes on below it in the trie itself.  `walk_all` goes on as
if all the bytes were the most usual of them, and `correct` then looks at the others: nodes that an odd byte
leads to, and what is below them, for as long as the state there is another one than that of their signature.

Source: ours.
Cost: `walk_few` about 1 us a position; `walk_all` 0.2 ms, and 10 times that in the trie itself; `walk_many`
0.02 ms a depth, and 0.1 us a position; `correct` 0.2 us a node.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Any

import numpy as np
import numpy.typing as npt

from constrain.regular.automaton import Automaton
from constrain.regular.byte_sets import bytes_of
from constrain.vocabulary.blocks import BETWEEN, COARSE, EXACT, SETS, Blocks
from constrain.vocabulary.deep import CLASSES
from constrain.vocabulary.signatures import Signatures
from constrain.vocabulary.trie import Places, Trie, distinct, spread

ODD = -1
SYMBOLS = len(SETS)
MANY = 1 << 30
MAX_CORRECTED = 60_000
FEW_BYTES = 4
FEW_IN_DOUBT = 2_000

Pair = tuple[int, int]
"""A position and a state."""


class Steps:
    """Where bytes and blocks lead from the states of an automaton."""

    def __init__(self, automaton: Automaton) -> None:
        self.automaton = automaton
        self._ways_on: dict[tuple[int, int, int], dict[int, int]] = {}

    def ways_on(self, blocks: Blocks, state: int, context: int) -> dict[int, int]:
        """By the least byte of each symbol of a context that leads on: where to; ODD if that depends."""
        key = (blocks.number, state, context)
        ways = self._ways_on.get(key)
        if ways is None:
            ways = {}
            for mask, to in self.automaton.ways(state):
                whole, some = blocks.cut(mask, context)
                for byte in whole:
                    ways[byte] = to
                for byte in some:
                    ways[byte] = ODD
            self._ways_on[key] = ways
        return ways

    def few_bytes(self, state: int) -> bytes | None:
        """The only bytes that may lead on from a state, if they are few and not all ways are known yet."""
        if self.automaton.has_ways(state):
            return None
        first = self.automaton.term(state).first
        return bytes(bytes_of(first)) if first.bit_count() <= FEW_BYTES else None


@dataclass(frozen=True, slots=True)
class Few:
    """What `walk_few` got to: positions with their states, and odd positions with the state before them.

    If it gave up, `left` are the positions that it would have gone on from.
    """

    reached: list[Pair]
    odd: list[Pair]
    left: list[Pair]


def walk_few(steps: Steps, trie: Trie | Signatures, pairs: Iterable[Pair], max_steps: int) -> Few:
    """Walk on from positions in a state each."""
    starts, lowest, context, blocks = trie.starts, trie.lowest, trie.context, trie.blocks
    ways_on, find = steps.ways_on, trie.lowest.find
    reached: list[Pair] = []
    odd: list[Pair] = []
    stack = list(pairs)
    is_exact = blocks is EXACT
    while stack and max_steps:
        max_steps -= 1
        position, state = stack.pop()
        first, last = starts[position], starts[position + 1]
        if is_exact:  # many states are met at the end of a token only
            some = steps.few_bytes(state)
            if some is not None and all(find(byte, first, last) < 0 for byte in some):
                continue
        ways = ways_on(blocks, state, context[position])
        if last - first > len(ways):
            for byte, to in ways.items():
                child = find(byte, first, last)
                if child < 0:
                    continue
                if to == ODD:
                    odd.append((child, state))
                else:
                    reached.append((child, to))
                    if starts[child] != starts[child + 1]:
                        stack.append((child, to))
        else:
            for child in range(first, last):
                to = ways.get(lowest[child], 0)
                if to == ODD:
                    odd.append((child, state))
                elif to:
                    reached.append((child, to))
                    if starts[child] != starts[child + 1]:
                        stack.append((child, to))
    return Few(reached, odd, stack)


class TooManyStates(Exception):
    """A walk meets more states than its caller wants."""


class Rows:
    """States by number, and the number after each symbol.

    Numbers are multiples of SYMBOLS, so that `after[number + symbol]` takes no product; 0 is no state, and in
    `after` -1 is a row not made yet.  `complete[number]`: may a text end there?  `odd[number + symbol]` are
    the bytes of an odd symbol that lead elsewhere.
    """

    def __init__(self, steps: Steps, max_states: int = MANY) -> None:
        self._steps = steps
        self._max_states = max_states
        self._numbers = {0: 0}
        self.states: list[int] = [0]
        self.after = np.full(16 * SYMBOLS, -1, dtype=np.intp)
        self.after[:SYMBOLS] = 0
        self.complete = np.zeros(16 * SYMBOLS, dtype=np.bool_)
        self.odd: dict[int, int] = {}
        self._loops: list[int] = [0] * 16
        self._even_loops: list[int] = [0] * 16

    def number(self, state: int) -> int:
        """The number of a state."""
        number = self._numbers.get(state)
        if number is None:
            if len(self.states) == self._max_states:
                raise TooManyStates
            number = self._numbers[state] = len(self.states) * SYMBOLS
            self.states.append(state)
            if number == len(self.after):
                self.after = np.append(self.after, np.full(number, -1, dtype=np.intp))
                self.complete = np.append(self.complete, np.zeros(number, dtype=np.bool_))
                more = [0] * (number // SYMBOLS)  # no loop is known of a row not made yet
                self._loops += more
                self._even_loops += more
            self.complete[number] = self._steps.automaton.accepting[state]
        return number

    def step(self, at: Places) -> Places:
        """`after[at]`, with rows made as they are met."""
        after: Places = self.after.take(at)
        while len(after) and after.min() < 0:
            present = np.zeros(len(self.states), dtype=np.bool_)
            present[at[after < 0] // SYMBOLS] = True
            for number in np.flatnonzero(present).tolist():
                self.learn(number * SYMBOLS)
            after = self.after.take(at)
        return after

    def learn(self, number: int) -> None:
        """Make the row of a number."""
        state = self.states[number // SYMBOLS]
        ways = [(mask, self.number(to)) for mask, to in self._steps.automaton.ways(state)]
        row = self.after[number : number + SYMBOLS]
        row[:] = 0
        parts: dict[int, dict[int, int]] = {}
        for mask, to in ways:
            whole, some = cut(mask)
            row[whole] = to
            for symbol, members in some:
                there = parts.setdefault(symbol, {})
                there[to] = there.get(to, 0) | members
        loops = even = _bits(row[CLASSES] == number)
        for symbol, there in parts.items():
            there[0] = SETS[symbol] & ~reduce(or_, there.values())
            usual = max(there, key=lambda to, there=there: there[to].bit_count())  # type: ignore[misc]
            row[symbol] = usual
            self.odd[number + symbol] = SETS[symbol] & ~there[usual]
            if symbol in _CLASS_NUMBERS:
                bit = 1 << _CLASS_NUMBERS[symbol]
                loops, even = loops | bit if usual == number else loops & ~bit, even & ~bit
        self._loops[number // SYMBOLS], self._even_loops[number // SYMBOLS] = loops, even

    def loops(self, blocks: Blocks) -> npt.NDArray[np.uint64]:
        """By state, the CLASSES of symbols that lead to itself, one bit each."""
        return np.array(self._loops if blocks is COARSE else self._even_loops, dtype=np.uint64)

    def is_odd(self, number: int, blocks: Blocks) -> bool:
        """Is a state odd at the start of a token?"""
        if self.after[number] < 0:
            self.learn(number)
        return any(number + symbol in self.odd for symbol in blocks.by_context[BETWEEN])

    def odd_bytes(self, trie: Signatures, local: Places) -> int:
        """The bytes that lead elsewhere than their symbol, where that has been met."""
        marks = np.zeros(len(self.states) * SYMBOLS, dtype=np.bool_)
        marks[list(self.odd)] = True
        at = local.take(trie.above)
        at += trie.symbol
        return reduce(or_, [self.odd[pair] for pair in {*at[marks.take(at)].tolist()}], 0)

    def of_each(
        self, numbers: Iterable[int], values: Iterable[int], dtype: npt.DTypeLike
    ) -> npt.NDArray[Any]:
        """What is said of some numbers, to be looked up by number."""
        table = np.zeros(len(self.states) * SYMBOLS, dtype=dtype)
        table[list(numbers)] = list(values)
        return table


def _bits(flags: npt.NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


_SETS_OF_SEVERAL = [(symbol, members) for symbol, members in enumerate(SETS) if members & members - 1]
_CLASS_NUMBERS = {symbol: number for number, symbol in enumerate(CLASSES.tolist())}


@lru_cache(maxsize=8_192)
def cut(mask: int) -> tuple[Places, tuple[Pair, ...]]:
    """The symbols all of whose bytes are in a set; and those that have some in it, with the bytes in it."""
    whole = list(bytes_of(mask))
    some: list[Pair] = []
    for symbol, members in _SETS_OF_SEVERAL:
        held = members & mask
        if held == members:
            whole.append(symbol)
        elif held:
            some.append((symbol, held))
    return np.array(whole, dtype=np.intp), tuple(some)


def walk_all(rows: Rows, trie: Trie | Signatures, state: int) -> Places:
    """The number at each position, from `state` at the root, and a 0 behind them."""
    local = np.zeros(len(trie) + 1, dtype=np.intp)
    local[0] = rows.number(state)
    deep = trie.deep
    for start, stop in trie.spans[1 : deep.depth + 1]:
        at = local.take(trie.above[start:stop])
        at += trie.symbol[start:stop]
        local[start:stop] = after = rows.step(at)
        if not after.any():
            return local
    above = local.take(deep.anchor)
    settled = (deep.between & ~rows.loops(trie.blocks).take(above // SYMBOLS)) == 0
    settled |= deep.is_run & (above == local.take(deep.before))
    local[deep.first : -1][settled] = above[settled]
    others = np.flatnonzero(~settled) + deep.first
    numbers = rows.step(local.take(trie.above.take(others)) + trie.symbol.take(others))
    some = np.flatnonzero(numbers)
    local[others[some]] = numbers[some]
    _go_on(rows, trie, others[some].tolist(), numbers[some].tolist(), local)
    return local


def _go_on(
    rows: Rows, trie: Trie | Signatures, positions: list[int], numbers: list[int], local: Places
) -> None:
    """Walk on from some positions, one after the other."""
    starts, symbol, after = trie.starts, trie.symbol.data, rows.after.data
    reached: list[int] = []
    found: list[int] = []
    while positions:
        position, number = positions.pop(), numbers.pop()
        for child in range(starts[position], starts[position + 1]):
            to = after[number + symbol[child]]
            if to < 0:
                rows.learn(number)
                after = rows.after.data
                to = after[number + symbol[child]]
            if to:
                reached.append(child)
                found.append(to)
                positions.append(child)
                numbers.append(to)
    local[reached] = found


def walk_many(rows: Rows, trie: Trie, nodes: Places, numbers: Places) -> tuple[Places, Places]:
    """The nodes below some in a state each, by number, and the numbers there; nodes may come repeatedly."""
    order = np.argsort(nodes, kind="stable")
    roots, root_numbers = nodes[order], numbers[order]
    stops = np.searchsorted(roots, [stop for _, stop in trie.spans]).tolist()
    here, at = roots[:0], root_numbers[:0]
    reached, found = [here], [at]
    before = 0
    for stop in stops:
        if before < stop:
            here, at = np.append(here, roots[before:stop]), np.append(at, root_numbers[before:stop])
            if len(here) > stop - before:
                pairs = np.sort(here * len(rows.after) + at)
                once = pairs[np.append(True, pairs[1:] != pairs[:-1])]
                here, at = np.divmod(once, len(rows.after))
            before = stop
        if not len(here):
            if stop == len(roots):
                break
            continue
        first = trie.start.take(here)
        count = trie.start.take(here + 1) - first
        children = spread(first, first + count)
        after = rows.step(np.repeat(at, count) + trie.symbol.take(children))
        alive = np.flatnonzero(after)
        here, at = children[alive], after[alive]
        reached.append(here)
        found.append(at)
    return np.concatenate(reached), np.concatenate(found)


def correct(rows: Rows, trie: Trie, signatures: Signatures, local: Places) -> tuple[Places, Places] | None:
    """The nodes in another state than their signature, and their numbers; None if that is much work."""
    odd = rows.odd_bytes(signatures, local)
    if not odd:
        return local[:0], local[:0]
    start, by_byte = trie.by_byte
    slices = [slice(start[byte], start[byte + 1]) for byte in bytes_of(odd)]
    if sum(some.stop - some.start for some in slices) > MAX_CORRECTED:
        return None
    here = np.concatenate([by_byte[some] for some in slices])
    usual = local.take(signatures.of_node.take(here))
    before = local.take(signatures.of_node.take(trie.parent.take(here)))
    at = rows.step(before + trie.symbol.take(here))
    known = np.zeros(len(trie), dtype=np.int32)  # plus 1; 0 is that of the signature
    touched = []
    while True:
        differ = np.flatnonzero(at != usual)
        here, at, usual = here[differ], at[differ], usual[differ]
        if not len(here):
            break
        known[here] = at + 1
        touched.append(here)
        if sum(map(len, touched)) > MAX_CORRECTED:
            return None
        here, at, usual = _children_in_doubt(rows, trie, here, at, usual)
    corrected = distinct(np.concatenate([*touched, here]))
    return corrected.astype(np.intp), known.take(corrected).astype(np.intp) - 1


def _children_in_doubt(
    rows: Rows, trie: Trie, nodes: Places, numbers: Places, usual: Places
) -> tuple[Places, Places, Places]:
    """Children of nodes thought to be in a usual state: the numbers there, and those thought of."""
    if len(nodes) > FEW_IN_DOUBT:
        found = _children_by_byte(rows, trie, nodes, numbers, usual)
        if found is not None:
            return found
    first = trie.start.take(nodes)
    count = trie.start.take(nodes + 1) - first
    children = spread(first, first + count)
    symbol = trie.symbol.take(children)
    return (
        children,
        rows.step(np.repeat(numbers, count) + symbol),
        rows.step(np.repeat(usual, count) + symbol),
    )


def _children_by_byte(
    rows: Rows, trie: Trie, nodes: Places, numbers: Places, usual: Places
) -> tuple[Places, Places, Places] | None:
    """The same, found by the bytes after which two states differ; None where these are many."""
    (here, of_here), (there, of_there) = _distinct_numbers(numbers), _distinct_numbers(usual)
    kind = of_here * len(there) + of_there
    kinds = np.flatnonzero(np.bincount(kind))
    one, other = here[kinds // len(there)], there[kinds % len(there)]
    differs = rows.step((one[:, None] + _BYTES).reshape(-1)) != rows.step(
        (other[:, None] + _BYTES).reshape(-1)
    )
    some_bytes = np.flatnonzero(differs.reshape(-1, 256).any(axis=0)).tolist()
    start, by_byte = trie.by_byte
    slices = [slice(start[byte], start[byte + 1]) for byte in some_bytes]
    if not slices or sum(some.stop - some.start for some in slices) > 2 * len(nodes):
        return None
    kind_at = np.zeros(len(trie), dtype=np.int32)  # plus 1
    kind_at[nodes] = kind + 1
    below = np.concatenate([by_byte[some] for some in slices])
    above = kind_at.take(trie.parent.take(below))
    chosen = np.flatnonzero(above)
    children = below[chosen].astype(np.intp)
    of_one, of_other = np.divmod(above[chosen] - 1, len(there))
    symbol = trie.symbol.take(children)
    return children, rows.step(here.take(of_one) + symbol), rows.step(there.take(of_other) + symbol)


def _distinct_numbers(numbers: Places) -> tuple[Places, Places]:
    """The distinct numbers, and for each which of them it is."""
    small = numbers // SYMBOLS
    distinct_ones = np.flatnonzero(np.bincount(small))
    index = np.zeros(len(distinct_ones) and int(distinct_ones[-1]) + 1, dtype=np.intp)
    index[distinct_ones] = np.arange(len(distinct_ones))
    return distinct_ones * SYMBOLS, index.take(small)


_BYTES = np.arange(256)

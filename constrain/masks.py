"""From a position to the tokens allowed next.

The mask of a position is the union over its threads.  Each thread asks the vocabulary's tables which
tokens stay inside its terminal, and hands the remainder of the others to what follows:

    inside a string, before `]`     table(everything, string state):  inside = all plain text
                                    exit = { ·" }: `"`, `"]`, `"}`, `",`, ...
    reach(·", after-item)           of these, `]` and `,` go on: `"]`, `",`; and `"],` does where a
                                    parent follows that can read `,`

`reach(remainder, continuation)` is the one recursive question: which tokens of the remainder can be
written from that continuation?  It asks the tables about each edge, and asks itself about the exit
and what follows the edge, so one token may cross any number of terminals.  It is memoised on the
pair, and the position's mask is memoised too.

Tokens that cross a terminal whose successor depends on its text (`Edge.capture`) follow the
preview; those that get as far as DEFER are tried one by one with `Positions.advance`, which is the
definition.  So a mask is exact: it equals trying every token (the tests do just that).

Cost: a position seen before copies its row; a new one is a few dictionary look-ups, an OR for each
wide table and a scatter of single ids; a table never met costs what `tables.py` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt

from constrain.budget import budget
from constrain.continuation import Continuation, Edge, LiteralEdge, TokenEdge, bits
from constrain.position import Position, Positions
from constrain.vocabulary.bitmask import Words, clear_tokens, set_tokens, word_count
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.tables import Table, Tables

MAX_REACHES = 50_000
KEPT_MASKS = 1_024


@dataclass(slots=True)
class TokenSum:
    """A union of tokens being collected: packed masks, single ids, and ids still to be tried.

    `partial` are further unions, each with ids that are not to be counted from it.
    """

    words: dict[int, Words] = field(default_factory=dict)
    ids: set[int] = field(default_factory=set)
    deferred: set[int] = field(default_factory=set)
    partial: list[tuple[TokenSum, npt.NDArray[np.int64]]] = field(default_factory=list)

    def add(self, other: TokenSum) -> None:
        """Take the tokens of `other` in."""
        self.words.update(other.words)
        self.ids |= other.ids
        self.deferred |= other.deferred
        self.partial += other.partial

    def write(self, row: Words) -> None:
        """Allow the tokens in `row`, those still to be tried left out."""
        for words in self.words.values():
            np.bitwise_or(row, words, out=row)
        if self.ids:
            set_tokens(row, self.ids)
        for part, refused in self.partial:
            some = np.zeros_like(row)
            part.write(some)
            clear_tokens(some, refused)
            np.bitwise_or(row, some, out=row)


class Masks:
    """The masks of one grammar over one vocabulary."""

    def __init__(self, positions: Positions) -> None:
        self.positions = positions
        self.tables: Tables = positions.tables
        vocabulary = self.tables.vocabulary
        self._eos = tuple(vocabulary.eos_token_ids)
        self._word_count = word_count(vocabulary.size)
        self._reaches: dict[tuple[int, Continuation], TokenSum] = {}
        self._kept: list[Position] = []
        self._oldest = 0

    def mask(self, position: Position) -> Words:
        """The allowed tokens, shape (⌈V/32⌉,).  The row is shared: copy it before the next call."""
        row = position.mask
        if row is None:
            with budget(self.positions.max_steps, "finding the next tokens"):
                row = self._make(position)
        return row

    def _make(self, position: Position) -> Words:
        total = self._collect(position)
        ids = total.ids
        for token_id in total.deferred - ids:
            if self.positions.advance(position, token_id) is not None:
                ids.add(token_id)
        if position.can_end:
            ids.update(self._eos)
        row = self._row_for(position)
        row[:] = 0
        total.write(row)
        position.mask = row
        return row

    def _row_for(self, position: Position) -> Words:
        """A row to fill: a new one, or the oldest of the rows kept."""
        if len(self._kept) < KEPT_MASKS:
            self._kept.append(position)
            return np.zeros(self._word_count, dtype=np.int32)
        owner = self._kept[self._oldest]
        row = owner.mask
        owner.mask = None
        self._kept[self._oldest] = position
        self._oldest = (self._oldest + 1) % KEPT_MASKS
        return row if row is not None else np.zeros(self._word_count, dtype=np.int32)

    def _collect(self, position: Position) -> TokenSum:
        total = TokenSum()
        for number, where, _ in position.threads:
            if type(where) is Edge:
                self._add_terminal(EVERYTHING, number, where, total)
            elif type(where) is LiteralEdge:
                self._add_literal(EVERYTHING, number, where, total)
            else:
                total.add(self.reach(EVERYTHING, cast(Continuation, where)))
        return total

    def reach(self, remainder: int, continuation: Continuation) -> TokenSum:
        """The tokens of `remainder`, those that end at once left out, that can be written from here."""
        key = (remainder, continuation)
        known = self._reaches.get(key)
        if known is not None:
            return known
        total = TokenSum()
        for edge in continuation.edges:
            if type(edge) is Edge:
                self._add_terminal(remainder, self.tables.automaton.state(edge.terminal), edge, total)
            elif type(edge) is LiteralEdge:
                self._add_literal(remainder, 0, edge, total)
            elif type(edge) is TokenEdge:
                if remainder == EVERYTHING:
                    total.ids.add(edge.token_id)
            else:
                total.deferred.update(self.tables.remainders.tokens_below(remainder).tolist())
        if len(self._reaches) >= MAX_REACHES:
            self._reaches.clear()
        self._reaches[key] = total
        return total

    def _add_terminal(self, remainder: int, state: int, edge: Edge, total: TokenSum) -> None:
        table = self.tables.table(remainder, state)
        if table.refused is not None:
            part = TokenSum()
            self._add_table(table, edge, part)
            total.deferred |= part.deferred
            total.partial.append((part, table.refused))
        else:
            self._add_table(table, edge, total)

    def _add_table(self, table: Table, edge: Edge, total: TokenSum) -> None:
        if table.words is not None:
            total.words[id(table.words)] = table.words
        total.ids.update(table.ids)
        if not table.exit:
            return
        then = edge.preview if edge.capture is not None else edge.then
        if then is None:
            total.deferred.update(self.tables.remainders.tokens_below(table.exit).tolist())
        else:
            total.add(self.reach(table.exit, then))

    def _add_literal(self, remainder: int, node: int, edge: LiteralEdge, total: TokenSum) -> None:
        remainders, literals, allowed = self.tables.remainders, edge.literals, edge.allowed
        stack = [(remainder, node)]
        while stack:
            here, at = stack.pop()
            children = remainders.children(here)
            for byte, to in literals.children[at].items():
                if not literals.below[to] & allowed:
                    continue
                child = children.get(byte)
                if child is None:
                    continue
                total.ids.update(remainders.tokens(child))
                complete = literals.here[to] & allowed
                rest = remainders.intern(remainders.nodes[child]) if complete else 0
                if rest:
                    for index in bits(complete):
                        total.add(self.reach(rest, edge.then(index)))
                stack.append((child, to))

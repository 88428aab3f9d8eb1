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

A finished mask is kept in two pieces: a packed row that it shares with others (a wide table's, or none), and
the few words in which it differs from that (`Mask`).  So a grammar's masks take a few hundred bytes each, not
16 kB.

Cost: a position seen before copies a row and scatters some words; a new one is a few dictionary look-ups
for each edge; a table never met costs what `tables.py` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import cast

import numpy as np

from constrain.budget import budget
from constrain.continuation import Continuation, Edge, LiteralEdge, TokenEdge, bits
from constrain.position import Position, Positions
from constrain.vocabulary.bitmask import Mask, Sparse, Words, clear_tokens, set_tokens, word_count
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.tables import Tables

MAX_REACHES = 50_000
FEW_CHANGES = 40
"""With more of them, numpy is faster over the whole row."""
NONE: frozenset[int] = frozenset()

Ids = Iterable[int]


@dataclass(slots=True)
class TokenSum:
    """A union of tokens: packed masks, sparse ones, lists of ids, and lists of ids still to be tried.

    `partial` are further unions, each with ids that are not to be counted from it.  `ends` are the remainders
    left at END, with ids that are not to be counted of what follows there.
    """

    words: tuple[Words, ...] = ()
    sparse: tuple[Sparse, ...] = ()
    ids: tuple[Ids, ...] = ()
    deferred: tuple[Ids, ...] = ()
    partial: tuple[tuple[TokenSum, frozenset[int]], ...] = ()
    ends: tuple[tuple[int, frozenset[int]], ...] = ()

    def add(self, other: TokenSum) -> None:
        """Take the tokens of `other` in."""
        self.add_tokens(other)
        self.ends += other.ends

    def add_tokens(self, other: TokenSum) -> None:
        """Take the tokens of `other` in, but not what is left at its end."""
        self.words += other.words
        self.sparse += other.sparse
        self.ids += other.ids
        self.deferred += other.deferred
        self.partial += other.partial

    def add_without(self, other: TokenSum, refused: frozenset[int]) -> None:
        """Take the tokens of `other` in, but not those `refused`, nor where they are left at the end."""
        self.partial += ((other, refused),)
        self.ends += tuple((end, refused | others) for end, others in other.ends)

    def write(self, row: Words) -> None:
        """Allow the tokens in `row`, those still to be tried left out."""
        for words in {id(words): words for words in self.words}.values():
            np.bitwise_or(row, words, out=row)
        for sparse in {id(sparse): sparse for sparse in self.sparse}.values():
            sparse.add_to(row)
        set_tokens(row, set().union(*self.ids))
        for part, refused in self.partial:
            some = np.zeros_like(row)
            part.write(some)
            clear_tokens(some, refused)
            np.bitwise_or(row, some, out=row)

    def as_change(self) -> Mask | None:
        """This union as one row with a few tokens changed, as most are; None if it is not."""
        ids = set().union(*self.ids)
        words, refused = self.words, NONE
        if self.partial and not words:
            (part, refused), *others = self.partial
            if others or part.sparse or part.deferred or part.partial:
                return None
            words = part.words
            ids.update(token for some in part.ids for token in some if token not in refused)
        elif self.partial:
            return None
        row = words[0] if words else None
        if self.sparse or self.deferred or len(ids) + len(refused) > FEW_CHANGES:
            return None
        if any(other is not row for other in words):
            return None
        return Mask.changed(row, ids, refused - ids)

    def doubtful(self) -> set[int]:
        """The ids still to be tried."""
        return set().union(*self.deferred, *(part.doubtful() for part, _ in self.partial))

    def shared_row(self) -> Words | None:
        """A packed mask that this union begins with."""
        if self.words:
            return self.words[0]
        return next((row for part, _ in self.partial if (row := part.shared_row()) is not None), None)


class Masks:
    """The masks of one grammar over one vocabulary."""

    def __init__(self, positions: Positions) -> None:
        self.positions = positions
        self.tables: Tables = positions.tables
        self._eos = tuple(self.tables.vocabulary.eos_token_ids)
        self._reaches: dict[int, dict[Continuation, TokenSum]] = {}
        self._reached = 0
        self._row: Words = np.zeros(word_count(self.tables.vocabulary.size), dtype=np.int32)

    def forget(self) -> None:
        """Drop every memo."""
        self._reached = 0
        self._reaches.clear()

    def mask(self, position: Position) -> Mask:
        """The allowed tokens."""
        mask = position.mask
        if mask is None:
            with budget(self.positions.max_steps, "finding the next tokens"):
                mask = position.mask = self._make(position)
        return mask

    def _make(self, position: Position) -> Mask:
        total = self._collect(position)
        if position.can_end:
            total.ids += (self._eos,)
        mask = total.as_change()
        if mask is not None:
            return mask
        row = self._row
        row.fill(0)
        total.write(row)
        doubtful = total.doubtful()
        if doubtful:
            allowed = (i for i in doubtful if self.positions.advance(position, i) is not None)
            set_tokens(row, list(allowed))
        return Mask.between(total.shared_row(), row)

    def _collect(self, position: Position) -> TokenSum:
        total = TokenSum()
        alone = len(position.threads) == 1
        for number, where, _ in position.threads:
            if type(where) is Edge:
                self._add_terminal(EVERYTHING, number, where, total)
            elif type(where) is LiteralEdge:
                self._add_literal(EVERYTHING, number, where, total)
            elif alone:  # the position remembers
                return self._reach(EVERYTHING, cast(Continuation, where))
            else:
                total.add(self.reach(EVERYTHING, cast(Continuation, where)))
        return total

    def reach(self, remainder: int, continuation: Continuation) -> TokenSum:
        """The tokens of `remainder`, those that end at once left out, that can be written from here."""
        known = self._reaches.setdefault(remainder, {})
        total = known.get(continuation)
        if total is None:
            total = self._reach(remainder, continuation)
            self._reached += 1
            if self._reached > MAX_REACHES:
                self.forget()
            known[continuation] = total
        return total

    def _reach(self, remainder: int, continuation: Continuation) -> TokenSum:
        total = TokenSum()
        halves = continuation.split()
        if halves is not None:
            part = self.reach(remainder, halves[0])
            total.add_tokens(part)
            for end, refused in part.ends:
                self._add_rest(end, refused, halves[1], total)
            return total
        if continuation.can_end:
            total.ends = ((remainder, NONE),)
        for edge in continuation.edges:
            if type(edge) is Edge:
                self._add_terminal(remainder, self.tables.automaton.state(edge.terminal), edge, total)
            elif type(edge) is LiteralEdge:
                self._add_literal(remainder, 0, edge, total)
            elif type(edge) is TokenEdge:
                if remainder == EVERYTHING:
                    total.ids += ((edge.token_id,),)
            else:
                total.deferred += (tuple(self.tables.remainders.tokens_below(remainder).tolist()),)
        return total

    def _add_terminal(self, remainder: int, state: int, edge: Edge, total: TokenSum) -> None:
        tables = self.tables
        if remainder != EVERYTHING and not tables.remainders.lead(remainder) & tables.lead(state):
            return
        table = self.tables.table(remainder, state)
        part = TokenSum() if table.refused else total
        inside = table.inside
        if type(inside) is tuple:
            part.ids += (inside,)
        elif type(inside) is Sparse:
            part.sparse += (inside,)
        else:
            part.words += (cast(Words, inside),)
        if table.exit:
            then = edge.preview if edge.capture is not None else edge.then
            if then is None:
                part.deferred += (tuple(self.tables.remainders.tokens_below(table.exit).tolist()),)
            else:
                part.add(self.reach(table.exit, then))
        if table.refused:
            total.add_without(part, table.refused)

    def _add_rest(self, remainder: int, refused: frozenset[int], then: Continuation, total: TokenSum) -> None:
        rest = self.reach(remainder, then)
        if refused:
            total.add_without(rest, refused)
        else:
            total.add(rest)

    def _add_literal(self, remainder: int, node: int, edge: LiteralEdge, total: TokenSum) -> None:
        remainders, literals, allowed = self.tables.remainders, edge.literals, edge.allowed
        ids: list[Ids] = []
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
                tokens = remainders.tokens(child)
                if tokens:
                    ids.append(tokens)
                complete = literals.here[to] & allowed
                rest = remainders.intern(remainders.nodes[child]) if complete else 0
                if rest:
                    for index in bits(complete):
                        total.add(self.reach(rest, edge.then(index)))
                stack.append((child, to))
        total.ids += (tuple(chain.from_iterable(ids)),)

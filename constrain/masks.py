"""From a position to the tokens allowed next.

The mask of a position is the union over its threads.  Each thread asks the vocabulary's tables which
tokens stay inside its terminal, and hands the remainder of the others to what follows:

    inside a string, before `]`     inside:  all plain text
                                    exit:    { ·" }, left for edge 0: `"`, `"]`, `"}`, `",`, ...
    reach(·", after-item)           of these, `]` and `,` go on: `"]`, `",`; and `"],` does where a
                                    parent follows that can read `,`

`reach(remainder, continuation)` is the one recursive question: which tokens of the remainder can be
written from that continuation?  Its edges answer for themselves (`vocabulary/sums.py`), once for all
grammars; what they leave over is asked of the continuation behind each number, so one token may cross any
number of terminals.  It is memoised on the pair, and the position's mask is memoised too.

Tokens that cross a terminal whose successor depends on its text (an edge that captures) follow the
preview; those that get as far as DEFER are tried one by one with `Positions.advance`, which is the
definition.  So a mask is exact: it equals trying every token (the tests do just that).

A finished mask is kept in two pieces: a packed row that it shares with others (a wide table's, or none), and
the few words in which it differs from that (`Mask`).  So a grammar's masks take a few hundred bytes each, not
16 kB.  Positions of different grammars with the same sum share the mask.

Cost: a position seen before copies a row and scatters some words; a new one is a few dictionary look-ups
for each edge; a table never met costs what `tables.py` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from constrain.budget import budget
from constrain.continuation import AnyEdge, Continuation, Defer, Edge, LiteralEdge, OpenEdge, TokenEdge, bits
from constrain.literals import LiteralSet
from constrain.position import Position, Positions, Thread
from constrain.vocabulary.bitmask import Mask
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.spellings import Step
from constrain.vocabulary.sums import NONE, NOTHING, NOWHERE, Ahead, Exit, Sum
from constrain.vocabulary.tables import Tables

MAX_REACHES: Final = 50_000


class Masks:
    """The masks of one grammar over one vocabulary."""

    def __init__(self, positions: Positions) -> None:
        self.positions = positions
        self.tables: Tables = positions.tables
        self._sums = self.tables.sums
        self._spellings = self.tables.spellings
        self._eos = tuple(self.tables.vocabulary.eos_token_ids)
        self._reaches: dict[int, dict[Continuation, Sum]] = {}
        self._reached = 0
        self._steps: dict[tuple[bool, int, LiteralSet, int], list[Step]] = {}

    def forget(self) -> None:
        """Drop every memo."""
        self._reached = 0
        self._reaches.clear()
        self._steps.clear()

    def mask(self, position: Position) -> Mask:
        """The allowed tokens."""
        mask = position.mask
        if mask is None:
            with budget(self.positions.max_steps, "finding the next tokens"):
                mask = position.mask = self._make(position)
        return mask

    def _make(self, position: Position) -> Mask:
        total = self._sums.joined([self._thread(thread) for thread in position.threads])
        more = self._eos if position.can_end else ()
        if total.deferred:
            advance = self.positions.advance
            doubtful = dict.fromkeys(token for ids in total.deferred for token in ids)
            allowed = tuple(token for token in doubtful if advance(position, token) is not None)
            total = Sum(total.packed, (*total.ids, allowed))
        return self._sums.mask(total, more)

    def _thread(self, thread: Thread) -> Sum:
        number, edge, owner, captured = thread
        if edge is None:
            return self.reach(EVERYTHING, owner)
        if type(edge) is Edge:
            ahead = self._sums.terminal(EVERYTHING, number, edge.number)
        elif type(edge) is LiteralEdge:
            ahead = self._literals(EVERYTHING, edge, number)
        else:
            ahead = self._open(EVERYTHING, cast(OpenEdge, edge), owner, number, captured)
        return self._onwards(ahead, owner) if ahead.exits else ahead.own

    def reach(self, remainder: int, continuation: Continuation) -> Sum:
        """The tokens of `remainder`, those that end at once left out, that can be written from here."""
        known = self._reaches.get(remainder)
        if known is None:
            known = self._reaches[remainder] = {}
        total = known.get(continuation)
        if total is None:
            members = continuation.members
            if len(members) == 1:
                ahead = self._first(remainder, members[0])
                total = self._onwards(ahead, members[0]) if ahead.exits else ahead.own
            else:
                total = self._sums.joined([self.reach(remainder, member) for member in members])
            self._reached += 1
            if self._reached > MAX_REACHES:
                self.forget()
            known[continuation] = total
        return total

    def _onwards(self, ahead: Ahead, owner: Continuation) -> Sum:
        """What is ahead, and what can be written of its exits from the continuations that follow."""
        parts = [ahead.own]
        for number, rest, refused in ahead.exits:
            then = owner.follow(number)
            assert then is not None, "a preview is always there"
            part = self.reach(rest, then)
            if part is not NOTHING:
                parts.append(self._sums.without(part, refused) if refused else part)
        return self._sums.joined(parts)

    def _first(self, remainder: int, member: Continuation) -> Ahead:
        edges = member.first
        for edge in edges:
            if type(edge) is not Edge:
                return self._sums.together([self._edge(remainder, each, member) for each in edges])
        return self._sums.first(remainder, cast(tuple[Edge, ...], edges))

    def _edge(self, remainder: int, edge: AnyEdge, owner: Continuation) -> Ahead:
        if type(edge) is LiteralEdge:
            return self._literals(remainder, edge, 0)
        if type(edge) is TokenEdge:
            return Ahead(self._sums.listed((edge.token_id,)), ()) if remainder == EVERYTHING else NOWHERE
        if type(edge) is Defer:
            return self._doubtful(remainder)
        terminal = cast(Edge | OpenEdge, edge)
        state = self.tables.automaton.state(terminal.terminal)
        if type(edge) is OpenEdge:
            return self._open(remainder, edge, owner, state, b"")
        return self._sums.terminal(remainder, state, cast(Edge, edge).number)

    def _doubtful(self, remainder: int) -> Ahead:
        tokens = tuple(self.tables.remainders.tokens_below(remainder).tolist())
        return Ahead(Sum(deferred=(tokens,)), ())

    # Literals.

    def _literals(self, remainder: int, edge: LiteralEdge, node: int) -> Ahead:
        """The tokens along the literals that are allowed."""
        ids: list[int] = []
        exits: list[Exit] = []
        for step in self._spelled(False, remainder, edge.literals, node):
            if step.below & edge.allowed:
                ids += step.tokens
                if step.rest:
                    exits += [(number, step.rest, NONE) for number in bits(step.here & edge.allowed)]
        return Ahead(self._sums.listed(tuple(ids)), tuple(exits))

    def _open(
        self, remainder: int, edge: OpenEdge, owner: Continuation, state: int, captured: bytes
    ) -> Ahead:
        """The tokens along any text of a terminal, but that literals are literals and some are excluded."""
        ahead = self._sums.terminal(remainder, state, edge.others)
        if ahead is NOWHERE:
            return ahead
        node = edge.literals.find(captured)
        named = self._spelled(True, remainder, edge.literals, node) if node >= 0 else []
        ends = [*named, *self._excluded(remainder, edge, captured)] if edge.excluded else named
        if not ends:
            return ahead
        others = self._others(remainder, state, edge, ends)
        if self.tables.remainders.is_nested(remainder):  # then a node may be reached by several texts
            return self._sums.together([others, self._tried(ends)])
        ids: list[int] = []
        exits: list[Exit] = []
        for end in named:
            number = end.here.bit_length() - 1
            if owner.follow(number) is not None:
                ids += end.tokens
                exits += [(number, end.rest, NONE)] if end.rest else []
        return self._sums.together([others, Ahead(self._sums.listed(tuple(ids)), tuple(exits))])

    def _excluded(self, remainder: int, edge: OpenEdge, captured: bytes) -> Iterator[Step]:
        for text in edge.excluded:
            if len(text) > len(captured) and text.startswith(captured):
                end = self._spellings.end(remainder, text[len(captured) :])
                if end is not None:
                    yield end

    def _others(self, remainder: int, state: int, edge: OpenEdge, ends: list[Step]) -> Ahead:
        """What the terminal alone offers, without the texts that end where literals do."""
        table, remainders = self.tables.table(remainder, state), self.tables.remainders
        left = remainders.without(table.exit, frozenset(end.rest for end in ends))
        refused = table.refused.union(token for end in ends for token in end.tokens)
        exits = ((edge.others, left, table.refused),) if left else ()
        return Ahead(self._sums.inside(table, refused), exits)

    def _tried(self, ends: list[Step]) -> Ahead:
        below = self.tables.remainders.tokens_below
        tokens = [(*end.tokens, *below(end.rest).tolist()) for end in ends]
        return Ahead(Sum(deferred=tuple(tokens)), ())

    def _spelled(self, ends: bool, remainder: int, literals: LiteralSet, node: int) -> list[Step]:
        key = (ends, remainder, literals, node)
        steps = self._steps.get(key)
        if steps is None:
            walk = self._spellings.ends if ends else self._spellings.steps
            steps = self._steps[key] = walk(remainder, literals, node)
        return steps

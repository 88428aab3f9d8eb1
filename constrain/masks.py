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

from typing import Final

from constrain.continuation import (
    END,
    AnyEdge,
    Continuation,
    Defer,
    Edge,
    LiteralEdge,
    OpenEdge,
    TokenEdge,
    bits,
)
from constrain.literals import LiteralSet
from constrain.position import ByteEdge, Position, Positions, Thread
from constrain.text_set import TextSet
from constrain.vocabulary.bitmask import Mask
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.spellings import End, Step
from constrain.vocabulary.sums import NONE, NOTHING, NOWHERE, Ahead, Exit, Sum
from constrain.vocabulary.tables import Tables

MAX_REACHES: Final = 50_000

Way = tuple[int, Continuation, frozenset[int]]
"""A remainder, the continuation that it is left for, and ids of it that are not to be counted."""


class Masks:
    """The masks of one grammar over one vocabulary."""

    def __init__(self, positions: Positions) -> None:
        self.positions = positions
        self.tables: Tables = positions.tables
        self._sums = self.tables.sums
        self._eos = tuple(self.tables.vocabulary.eos_token_ids)
        self._budget = positions.limits.budget("finding the next tokens")
        self._reaches: dict[int, dict[Continuation, Ahead]] = {}
        self._reached = 0
        self._steps: dict[tuple[int, LiteralSet, int], list[Step]] = {}
        self._ended: dict[tuple[int, LiteralSet, bytes], dict[bytes, End]] = {}

    def forget(self) -> None:
        """Drop every memo."""
        self._reached = 0
        self._reaches.clear()
        self._steps.clear()
        self._ended.clear()

    def mask(self, position: Position) -> Mask:
        """The allowed tokens."""
        mask = position.mask
        if mask is None:
            with self._budget:
                mask = position.mask = self._make(position)
        return mask

    def _make(self, position: Position) -> Mask:
        total = self._of_threads(position.threads)
        if total.deferred:
            advance = self.positions.advance
            doubtful = dict.fromkeys(token for ids in total.deferred for token in ids)
            allowed = tuple(token for token in doubtful if advance(position, token) is not None)
            total = Sum(total.packed, (*total.ids, allowed))
        return self._sums.mask(total, self._eos if position.can_end else ())

    def _of_threads(self, threads: tuple[Thread, ...]) -> Sum:
        if len(threads) == 1:
            number, edge, owner, captured = threads[0]
            if edge is None:
                return self.reach(EVERYTHING, owner).own
            return self._and_behind(self._inside(number, edge, owner, captured), owner).own
        ways: list[Way] = []
        parts: list[Sum] = []
        for number, edge, owner, captured in threads:
            if edge is None:
                ways.append((EVERYTHING, owner, NONE))
                continue
            ahead = self._inside(number, edge, owner, captured)
            parts.append(ahead.own)
            ways += _onwards(ahead, owner)
        return self._behind(parts, _merged(ways, self.tables)).own

    def _inside(self, number: int, edge: ByteEdge, owner: Continuation, captured: bytes) -> Ahead:
        """What is ahead of a thread inside an edge."""
        if isinstance(edge, Edge):
            return self._sums.terminal(EVERYTHING, number, edge.number)
        if isinstance(edge, LiteralEdge):
            return self._literals(EVERYTHING, edge, number)
        return self._open(EVERYTHING, edge, owner, number, captured)

    def reach(self, remainder: int, continuation: Continuation) -> Ahead:
        """The tokens of `remainder`, those that end at once left out, that can be written from here.

        The exits are what is left at END: of a part of a text, for what follows it.
        """
        known = self._reaches.get(remainder)
        if known is None:
            known = self._reaches[remainder] = {}
        found = known.get(continuation)
        if found is None:
            found = known[continuation] = self._reach(remainder, continuation)
            self._reached += 1
            if self._reached > MAX_REACHES:
                self.forget()
        return found

    def _reach(self, remainder: int, continuation: Continuation) -> Ahead:
        if continuation.is_choice:
            return self._reach_any(remainder, continuation.members)
        if continuation is END:
            return Ahead(NOTHING, ((0, remainder, NONE),))
        halves = continuation.split()
        if halves is not None:
            ahead, then = self.reach(remainder, halves[0]), halves[1]
            return self._behind([ahead.own], [(rest, then, refused) for _, rest, refused in ahead.exits])
        return self._and_behind(self._first(remainder, continuation), continuation)

    def _and_behind(self, ahead: Ahead, owner: Continuation) -> Ahead:
        """What some edges of `owner` offer, and what they leave over to what follows them."""
        exits = ahead.exits
        if not exits:
            return ahead
        if len(exits) > 1 or exits[0][2]:
            return self._behind([ahead.own], _onwards(ahead, owner))
        number, rest, _ = exits[0]
        then = owner.follow(number)
        assert then is not None, "a preview is always there"
        behind = self.reach(rest, then)
        if ahead.own is NOTHING:
            return behind
        return Ahead(self._sums.joined((ahead.own, behind.own)), behind.exits)

    def _reach_any(self, remainder: int, members: tuple[Continuation, ...]) -> Ahead:
        """The same for a choice; what several of them leave to the same continuation is asked of it once."""
        parts: list[Sum] = []
        ways: list[Way] = []
        for member in members:
            if member is END or member.split() is not None:
                ways.append((remainder, member, NONE))
                continue
            ahead = self._first(remainder, member)
            parts.append(ahead.own)
            ways += _onwards(ahead, member)
        return self._behind(parts, _merged(ways, self.tables))

    def _behind(self, parts: list[Sum], ways: list[Way]) -> Ahead:
        """Some tokens, and those that can be written of each remainder from its continuation."""
        if len(ways) == 1 and not ways[0][2]:
            behind = self.reach(ways[0][0], ways[0][1])
            parts.append(behind.own)
            return Ahead(self._sums.joined(parts), behind.exits)
        exits: list[Exit] = []
        for rest, then, refused in ways:
            behind = self.reach(rest, then)
            if refused:
                parts.append(self._sums.without(behind.own, refused))
                exits += [(0, left, refused | others) for _, left, others in behind.exits]
            else:
                parts.append(behind.own)
                exits += behind.exits
        own = parts[0] if len(parts) == 1 else self._sums.joined(parts)
        return Ahead(own, self._sums.merged(exits) if len(exits) > 1 else tuple(exits))

    def _first(self, remainder: int, member: Continuation) -> Ahead:
        edges = member.first
        known = self._sums.known(remainder, edges)
        if known is not None:
            return known
        rest = self.tables.remainders.beside_root.get(remainder)
        if rest is not None:  # whole tables are shared
            ahead = self._sums.together([self._first(EVERYTHING, member), self._first(rest, member)])
        else:
            ahead = self._sums.together([self._edge(remainder, edge, member) for edge in edges])
        if all(isinstance(edge, Edge) for edge in edges):
            self._sums.remember(remainder, edges, ahead)
        return ahead

    def _edge(self, remainder: int, edge: AnyEdge, owner: Continuation) -> Ahead:
        if isinstance(edge, LiteralEdge):
            return self._literals(remainder, edge, 0)
        if isinstance(edge, TokenEdge):
            is_fresh = self.tables.remainders.has_root(remainder)
            return Ahead(self._sums.listed((edge.token_id,)), ()) if is_fresh else NOWHERE
        if isinstance(edge, Defer):
            return self._doubtful(remainder)
        state = self.tables.automaton.state(edge.terminal)
        if isinstance(edge, OpenEdge):
            return self._open(remainder, edge, owner, state, b"")
        return self._sums.terminal(remainder, state, edge.number)

    def _doubtful(self, remainder: int) -> Ahead:
        tokens = tuple(self.tables.remainders.tokens_below(remainder).tolist())
        return Ahead(Sum(deferred=(tokens,)), ())

    # Literals.

    def _literals(self, remainder: int, edge: LiteralEdge, node: int) -> Ahead:
        """The tokens along the literals that are allowed."""
        key = (remainder, edge.literals, node)
        steps = self._steps.get(key)
        if steps is None:
            steps = self._steps[key] = self.tables.spellings.steps(remainder, edge.literals, node)
        ids: list[int] = []
        exits: list[Exit] = []
        allowed = edge.allowed
        for step in steps:
            if step.below & allowed:
                ids += step.tokens
                if step.rest:
                    exits += [(number, step.rest, NONE) for number in bits(step.here & allowed)]
        return Ahead(self._sums.listed(tuple(ids)), tuple(exits))

    def _open(
        self, remainder: int, edge: OpenEdge, owner: Continuation, state: int, captured: bytes
    ) -> Ahead:
        """The tokens along any text of a terminal, but that literals are literals and some are excluded."""
        # With languages the exits are told apart below, and the number is not used.
        only = 0 if edge.classes.languages else edge.classes.number(0)
        ahead = self._sums.terminal(remainder, state, only)
        if ahead is NOWHERE:
            return ahead
        named = self._ends(remainder, edge.literals, captured)
        written = self._written(remainder, edge.excluded, captured)
        ends = [*named.values(), *(end for _, end in written)]
        if not ends and not edge.classes.languages:
            return ahead
        table, remainders = self.tables.table(remainder, state), self.tables.remainders
        left = remainders.without(table.exit, frozenset(end.rest for end in ends)) if ends else table.exit
        is_nested = remainders.is_nested(remainder)
        if not is_nested:  # a token that ends with a text written before may still begin another one
            ends = [*named.values(), *(end for rest, end in written if not self._goes_on(state, rest))]
        refused = table.refused.union(token for end in ends for token in end.tokens)
        inside = self._sums.inside(table, refused)
        told = self._by_class(remainder, left, edge, state, captured)
        exits: list[Exit] = [(number, rest, table.refused) for number, rest in told]
        if is_nested:  # then a node may be reached by several texts
            return self._sums.together([Ahead(inside, tuple(exits)), self._tried(ends)])
        ids: list[int] = []
        for rest, end in named.items():
            number = edge.literals.index[captured + rest]
            if owner.follow(number) is not None:
                ids += end.tokens
                exits += [(number, end.rest, NONE)] if end.rest else []
        return self._sums.together([Ahead(inside, tuple(exits)), Ahead(self._sums.listed(tuple(ids)), ())])

    def _by_class(
        self, remainder: int, left: int, edge: OpenEdge, state: int, captured: bytes
    ) -> list[tuple[int, int]]:
        """What is left behind texts of an open edge: the number of a class, and its remainder."""
        languages, number = edge.classes.languages, edge.classes.number
        if not left or not languages:
            return [(number(0), left)] if left else []
        step = self.tables.step
        states = tuple(map(self.tables.automaton.state, languages))
        for byte in captured:
            states = tuple([state and step(state, byte) for state in states])
        told = self.tables.spellings.told_apart(remainder, left, (state, *states))
        return [(number(held), rest) for held, rest in told if rest]

    def _goes_on(self, state: int, rest: bytes) -> bool:
        for byte in rest:
            state = self.tables.step(state, byte)
        return self.tables.extensible(state)

    def _written(self, remainder: int, excluded: TextSet, captured: bytes) -> list[tuple[bytes, End]]:
        """Where tokens end with a text that may not come again, each after its rest."""
        if not excluded.size:
            return []
        before_last = (-1, *bits(excluded.before_last))
        found: list[tuple[bytes, End]] = []
        for byte in bits(excluded.last):
            ending = self.tables.spellings.ending(remainder, byte)
            for before in before_last:
                for rest, end in ending.get(before, ()):
                    if captured + rest in excluded:
                        found.append((rest, end))
        return found

    def _ends(self, remainder: int, literals: LiteralSet, captured: bytes) -> dict[bytes, End]:
        """Where tokens end with a literal that begins so, by its rest."""
        key = (remainder, literals, captured)
        ends = self._ended.get(key)
        if ends is None:
            size = len(captured)
            rests = [text[size:] for text in literals.beginning(captured)]
            ends = self._ended[key] = self.tables.spellings.ends(remainder, rests) if rests else {}
        return ends

    def _tried(self, ends: list[End]) -> Ahead:
        below = self.tables.remainders.tokens_below
        tokens = [(*end.tokens, *below(end.rest).tolist()) for end in ends]
        return Ahead(Sum(deferred=tuple(tokens)), ())


def _onwards(ahead: Ahead, owner: Continuation) -> list[Way]:
    """The exits, with the continuations behind their numbers."""
    ways: list[Way] = []
    for number, rest, refused in ahead.exits:
        then = owner.follow(number)
        assert then is not None, "a preview is always there"
        ways.append((rest, then, refused))
    return ways


def _merged(ways: list[Way], tables: Tables) -> list[Way]:
    """The ways, with those that lead to the same continuation made one."""
    groups: dict[tuple[Continuation, frozenset[int]], set[int]] = {}
    for rest, then, refused in ways:
        groups.setdefault((then, refused), set()).add(rest)
    if len(groups) == len(ways):
        return ways
    union = tables.remainders.union
    return [(union(frozenset(rests)), then, refused) for (then, refused), rests in groups.items()]

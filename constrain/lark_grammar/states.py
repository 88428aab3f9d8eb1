"""Earley states as continuations: where a text stands in a context-free grammar.

An *item* is what is still to come in a rule, and the continuation to return to when the rule ends.  A state
is a set of items, and what may follow when the outermost rule ends (`outs`).  For the grammar

    start: start "+" NUMBER | NUMBER

with END to follow, reading makes two states, and goes round between them however long the sum:

    A    {(start, END)}                   NUMBER ─▶ B
    B    {("+" NUMBER, B)}  outs {END}    "+" ─▶ {(NUMBER, B)}, then NUMBER ─▶ B

The ways on from a state come from its closure.  An item whose next symbol is a nonterminal *predicts* that
one's alternatives; what is to follow the nonterminal, gathered over all the items that wait for it here, is a
state again, and it is what the predicted items return to.  So no text positions are kept: a state is its
items, equal states are one object, and everything downstream remembers its masks.  Three observations make
the same state come back as often as it can:

1. An item with nothing left is not kept: it *is* what its return state holds.  That is what Leo's
   right-recursive case needs, for the last symbol of a rule then returns to where the rule returns.
2. A nonterminal that can begin with itself returns to a state that mentions itself, as B above does.  Such
   states come in families that mention each other; a new family whose equations are those of a family made
   before, with the new names replaced by the old, *is* that family.  `s: s s | "a"` has one state for every
   number of `a`s.
3. What may be empty is also skipped when it is predicted (Aycock and Horspool 2002), and an item whose rest
   may be empty holds what its return state holds, too.

Ignored text leads back to the same state, or to it with something to refuse (`Unless`; see `ignoring.py`).

Several states reached at the same byte are one state, their union (`joined`): readings of an ambiguous text
do not multiply.

Sources: Earley, "An efficient context-free parsing algorithm" (1970); Aycock and Horspool, "Practical Earley
parsing" (2002); Leo, "A general context-free parsing algorithm running in linear time on every LR(k) grammar
without using lookahead" (1991).  We depart from them in one way:
1. Where they note the position at which an item began, and look up there what waits for it, we note what
   waits for it.  Items that began at different places and return to the same are then the same item.

Cost: a closure visits each item once, and is taken once for each state.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from constrain.budget import spend
from constrain.continuation import Continuation, Several, Terminal, lazy
from constrain.lark_grammar.ignoring import after_each, split
from constrain.lark_grammar.symbols import Nonterminal, Part, Rest, shortest
from constrain.regular.terms import EMPTY, Term, choice

Item = tuple[Rest, Continuation]
Back = Continuation | Nonterminal
"""Where an item returns; while a closure is made that may be "what waits for this nonterminal here"."""
OpenItem = tuple[Rest, Back]

MAX_STATES = 50_000


class State(Several):
    """A set of items; made by `States`."""

    def __init__(self, states: States) -> None:
        self.states = states
        self.joins = states
        self.items: frozenset[Item] = frozenset()
        self.outs: frozenset[Continuation] = frozenset()
        self.family: Family | None = None

    def fill(self, items: frozenset[Item], outs: frozenset[Continuation]) -> None:
        """Set what the state holds; called once."""
        self.items = items
        self.outs = outs
        self.can_end = any(out.can_end for out in outs)

    @lazy
    def ways(self) -> Ways:
        """The ways on, sorted."""
        return self.states.ways(self)

    def build_members(self) -> Iterable[Continuation]:
        return self.states.onwards(self, EMPTY)

    def shortcuts(self) -> list[tuple[bytes, Continuation]] | None:
        if not self.states.is_plain:
            return None
        return [(b"", out) for out in self.outs] + [(shortest(rest), back) for rest, back in self.items]

    def joined(self, others: Sequence[Continuation]) -> Continuation:
        return self.states.union([self, *(other for other in others if isinstance(other, State))])


class Unless(Several):
    """A state, unless what follows begins with a text of `refused`; made by `States.unless`."""

    def __init__(self, state: State, refused: Term) -> None:
        self.state = state
        self.refused = refused
        self.joins = (state.states, refused)
        self.can_end = state.can_end

    def build_members(self) -> Iterable[Continuation]:
        return self.state.states.onwards(self.state, self.refused)

    def joined(self, others: Sequence[Continuation]) -> Continuation:
        several = [self.state, *(other.state for other in others if isinstance(other, Unless))]
        return self.state.states.unless(self.state.states.union(several), self.refused)


class _Started(Several):
    """A text that is not empty; ignored text leads to `again`, where no more need come."""

    def __init__(self, state: State, again: State) -> None:
        self.state = state
        self.again = again
        self.can_end = False

    def build_members(self) -> Iterable[Continuation]:
        return self.state.states.onwards(self.state, EMPTY, self.again)


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways on from a state: terminals, and the continuations that are not this grammar's own."""

    terminals: dict[Term, State]
    others: tuple[Continuation, ...]


Family = dict[Nonterminal, State]
"""States that mention each other, by the nonterminals they follow."""

Equations = dict[Nonterminal, tuple[frozenset[OpenItem], frozenset[Continuation]]]
"""What each state of a family holds, where the family's states are still nonterminals."""


class Contents:
    """What a state will hold: items and outs, and the nonterminals whose return states it includes."""

    __slots__ = ("includes", "items", "outs", "owner")

    def __init__(self, owner: States) -> None:
        self.owner = owner
        self.items: dict[OpenItem, None] = {}
        self.outs: dict[Continuation, None] = {}
        self.includes: set[Nonterminal] = set()

    def add(self, waiting: tuple[Rest | None, Back]) -> None:
        """Take in an item, and what it returns to if nothing need come before that."""
        rest, back = waiting
        if rest is not None:
            self.items[rest, back] = None
        if rest is not None and not rest.nullable:
            return
        if isinstance(back, Nonterminal):
            self.includes.add(back)
        elif isinstance(back, State) and back.states is self.owner:
            self.items.update(dict.fromkeys(back.items))
            self.outs.update(dict.fromkeys(back.outs))
        else:
            self.outs[back] = None

    def mentions(self) -> Iterator[Nonterminal]:
        """The nonterminals of this closure that an item returns to."""
        spend(len(self.items) // 4)
        for _, back in self.items:
            if isinstance(back, Nonterminal):
                yield back


class States:
    """The states of one grammar; it `is_plain` if no parts are embedded in it."""

    def __init__(self, ignored: Iterable[Term] = (), *, is_plain: bool = True) -> None:
        self.is_plain = is_plain
        self.ignored = [piece for term in ignored for piece in after_each(term)]
        self._unless: dict[tuple[State, Term], Unless] = {}
        self._interned: dict[tuple[frozenset[Item], frozenset[Continuation]], State] = {}
        self._families: dict[object, Family] = {}
        self._terminals: dict[tuple[Term, Continuation], Continuation] = {}

    def filled(self, nonterminal: Nonterminal, then: Continuation) -> Continuation | None:
        """A text of `nonterminal` that is not empty, then `then`; None where there is none."""
        contents = Contents(self)
        contents.items[Rest(nonterminal, None), then] = None
        state = self._intern(contents, {})
        if not nonterminal.nullable:
            return state
        contents.outs[then] = None
        started = _Started(state, self._intern(contents, {}))
        return started if started.members else None

    def union(self, states: list[State]) -> State:
        """The texts of any of `states`."""
        items = frozenset(item for state in states for item in state.items)
        outs = frozenset(out for state in states for out in state.outs)
        return self._known(items, outs)

    def ways(self, state: State) -> Ways:
        """The ways on from `state`, ignored text left out."""
        closure = _Closure(state)
        returns = self._return_states(closure)
        others = list(state.outs)
        for part, waiting in closure.parts.items():
            written = part.filled(self._after(waiting, returns))
            others += [written] if written is not None else []
        members = dict.fromkeys(member for other in others for member in other.members if member.first)
        terminals = {term: self._after(waiting, returns) for term, waiting in closure.terminals.items()}
        return Ways(terminals, tuple(members))

    def onwards(self, state: State, refused: Term, again: State | None = None) -> tuple[Continuation, ...]:
        """The ways on from `state`, where nothing may begin with a text of `refused`.

        Ignored text leads back to `again`, if that is another state.
        """
        onwards = list(state.ways.others)
        for term, then in state.ways.terminals.items():
            onwards += [self._terminal(part, self.unless(then, left)) for part, left in split(term, refused)]
        for ignored, longer in self.ignored:
            for part, left in split(ignored, refused):
                after = self.unless(again or state, choice(longer, left))
                if self._is_live(after):
                    onwards.append(self._terminal(part, after))
        return tuple(onwards)

    def unless(self, state: State, refused: Term) -> State | Unless:
        """`state`, unless what follows begins with a text of `refused`."""
        if refused is EMPTY:
            return state
        known = self._unless.get((state, refused))
        if known is None:
            known = self._unless[state, refused] = Unless(state, refused)
        return known

    def _is_live(self, start: State | Unless) -> bool:
        """Is there a text from here?  From a state that refuses nothing there is.

        The nearest states come first: those further on may be without number.
        """
        seen: set[Continuation] = {start}
        agenda = deque([start])
        while agenda:
            here = agenda.popleft()
            if isinstance(here, State) or here.can_end or here.state.ways.others:
                return True
            spend()
            found: list[State | Unless] = []
            for term, then in here.state.ways.terminals.items():
                found += [self.unless(then, left) for _, left in split(term, here.refused)]
            for ignored, longer in self.ignored:
                found += [
                    self.unless(here.state, choice(longer, left)) for _, left in split(ignored, here.refused)
                ]
            if any(isinstance(state, State) for state in found):
                return True
            agenda += [state for state in dict.fromkeys(found) if state not in seen]
            seen.update(found)
        return False

    def _terminal(self, term: Term, then: Continuation) -> Continuation:
        """The one way from anywhere by `term` to `then`: threads inside it are then the same thread."""
        found = self._terminals.get((term, then))
        if found is None:
            found = self._terminals[term, then] = Terminal.of(term, then)
        return found

    def _after(self, waiting: list[tuple[Rest | None, Back]], returns: Family) -> State:
        contents = Contents(self)
        for rest, back in waiting:
            contents.add((rest, returns[back] if isinstance(back, Nonterminal) else back))
        return self._intern(contents, returns)

    def _intern(self, contents: Contents, returns: Family) -> State:
        return self._known(_closed(contents.items, returns), frozenset(contents.outs))

    def _known(self, items: frozenset[Item], outs: frozenset[Continuation]) -> State:
        state = self._interned.get((items, outs))
        if state is None:
            spend(1 + len(items) // 8)
            state = State(self)
            state.fill(items, outs)
            self._remember(state)
        return state

    def _remember(self, state: State) -> None:
        if len(self._interned) >= MAX_STATES:
            self._interned.clear()
            self._families.clear()
            self._unless.clear()
            self._terminals.clear()
        self._interned[state.items, state.outs] = state

    # What follows each predicted nonterminal

    def _return_states(self, closure: _Closure) -> Family:
        waiting = closure.waiting
        _include(waiting)
        returns: Family = {}
        for members in _components(waiting):
            contents = {member: waiting[member] for member in members}
            if len(members) == 1 and members[0] not in contents[members[0]].mentions():
                returns[members[0]] = self._intern(contents[members[0]], returns)
            else:
                returns.update(self._family(contents, returns))
        return returns

    def _family(self, contents: dict[Nonterminal, Contents], returns: Family) -> Family:
        """The states of nonterminals that return to each other: those made before, or new ones."""
        members = sorted(contents, key=lambda member: member.index)
        equations = {
            member: (_resolved(contents[member].items, returns), frozenset(contents[member].outs))
            for member in members
        }
        key = tuple((member, *equations[member]) for member in members)
        found = self._families.get(key)
        if found is None:
            found = _same(equations) or self._new_family(equations)
            self._families[key] = found
        return found

    def _new_family(self, equations: Equations) -> Family:
        family = {member: State(self) for member in equations}
        for member, (items, outs) in equations.items():
            family[member].fill(_closed(items, family), outs)
            spend(1 + len(items) // 8)
        for state in family.values():
            state.family = family
            self._remember(state)
        return family


class _Closure:
    """Everything that can be predicted from a state, sorted by what it waits for."""

    def __init__(self, state: State) -> None:
        self.waiting: dict[Nonterminal, Contents] = {}
        self.terminals: dict[Term, list[tuple[Rest | None, Back]]] = {}
        self.parts: dict[Part, list[tuple[Rest | None, Back]]] = {}
        agenda: list[OpenItem] = list(state.items)
        seen = set(agenda)
        while agenda:
            rest, back = agenda.pop()
            symbol, after = rest.symbol, (rest.rest, back)
            found: list[tuple[Rest | None, Back]] = []
            if isinstance(symbol, Nonterminal):
                if symbol not in self.waiting:
                    self.waiting[symbol] = Contents(state.states)
                    found += [(alternative, symbol) for alternative in symbol.alternatives]
                self.waiting[symbol].add(after)
                if symbol.nullable:
                    found.append(after)
            elif isinstance(symbol, Term):
                self.terminals.setdefault(symbol, []).append(after)
            else:
                self.parts.setdefault(symbol, []).append(after)
            for item in found:
                following, returning = item
                if following is not None and (following, returning) not in seen:
                    spend()
                    seen.add((following, returning))
                    agenda.append((following, returning))


def _resolved(items: Iterable[OpenItem], returns: Family) -> frozenset[OpenItem]:
    """The items, returning to the states that are known."""
    return frozenset(
        (rest, returns.get(back, back) if isinstance(back, Nonterminal) else back) for rest, back in items
    )


def _closed(items: Iterable[OpenItem], returns: Family) -> frozenset[Item]:
    """The items, all of whose return states are known."""
    closed = frozenset(
        (rest, returns[back] if isinstance(back, Nonterminal) else back) for rest, back in items
    )
    spend(len(closed) // 4)
    return closed


def _include(waiting: dict[Nonterminal, Contents]) -> None:
    """Give every contents those of the nonterminals it includes, and theirs."""
    for contents in waiting.values():
        agenda = list(contents.includes)
        while agenda:
            spend()
            for further in waiting[agenda.pop()].includes:
                if further not in contents.includes:
                    contents.includes.add(further)
                    agenda.append(further)
    for contents in waiting.values():
        for other in contents.includes:
            spend(1 + len(waiting[other].items) // 8)
            contents.items.update(waiting[other].items)
            contents.outs.update(waiting[other].outs)


def _same(equations: Equations) -> Family | None:
    """A family that an item returns to, if it solves these equations."""
    tried: set[int] = set()
    for items, _ in equations.values():
        for _, back in items:
            family = back.family if isinstance(back, State) else None
            if family is None or id(family) in tried or family.keys() != equations.keys():
                continue
            tried.add(id(family))
            if all(
                family[member].outs == outs and family[member].items == _closed(held, family)
                for member, (held, outs) in equations.items()
            ):
                return family
    return None


def _components(waiting: dict[Nonterminal, Contents]) -> Iterator[list[Nonterminal]]:
    """Nonterminals whose states mention each other, those that others mention first (Tarjan 1972)."""
    number: dict[Nonterminal, int] = {}
    low: dict[Nonterminal, int] = {}
    stack: list[Nonterminal] = []
    for root, contents in waiting.items():
        if root in number:
            continue
        path = [(root, contents.mentions())]
        number[root] = low[root] = len(number)
        stack.append(root)
        while path:
            here, mentions = path[-1]
            spend()
            for other in mentions:
                if other not in number:
                    number[other] = low[other] = len(number)
                    stack.append(other)
                    path.append((other, waiting[other].mentions()))
                    break
                if other in low:
                    low[here] = min(low[here], number[other])
            else:
                path.pop()
                if path:
                    parent = path[-1][0]
                    low[parent] = min(low[parent], low[here])
                if low[here] == number[here]:
                    members = stack[stack.index(here) :]
                    del stack[len(stack) - len(members) :]
                    yield members
                    for member in members:
                        del low[member]

"""Repeats whose body looks at what follows it: `(a(?=b)|b)*`, `(x($|/))+`.

`syntax.py` writes a pattern back to front, each node before the rest that follows it.  For such a repeat
the rest of a round is the repeat itself:

    X  =  rest  |  body, once, before X

A `Loop` is that X: a term that unfolds a round when its derivative is asked for.  A look-ahead in the body
is an intersection with X, as everywhere; what it still asks about goes along as another member of the
intersection until it is settled, and as there are finitely many of those up to similarity, the automaton
stays finite.

The round must read something, or unfolding would not end.  A round that reads nothing can only assert, and
leaving it out asserts less; so `consuming` takes those rounds out of the body, and no text is lost.

Source: Brzozowski 1964, for equations between languages solved by derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from constrain.regular.interning import intern
from constrain.regular.pattern_tree import Chars, Choice, Group, Node, Repeat, Sequence
from constrain.regular.term import Way
from constrain.regular.terms import Term, choice

Write = Callable[[Node, Term], Term]

NEVER = Choice(())
NOTHING = Sequence(())


class Loop(Term):
    """Any number of rounds of `body`, each written before what follows it, and then `rest`."""

    __slots__ = ("_round", "rest")

    def __init__(self, rest: Term, fixed: bool) -> None:
        self.rest = rest
        self._round: Term | None = None
        self._register(nullable=rest.nullable, plain=False, fixed=fixed)

    @staticmethod
    def make(body: Node, rest: Term, write: Write, *, fixed: bool) -> Term:
        """The loop over the rounds of `body` that read something."""
        body = consuming(body)
        loop = intern((Loop, body, rest.id, write), Loop, rest, fixed)
        if isinstance(loop, Loop) and loop._round is None:  # now, for what the body holds may be refused
            loop._round = write(body, loop)
        return loop

    @property
    def round(self) -> Term:
        """One round, and then the loop again."""
        if self._round is None:
            raise AssertionError("a loop is made by `make`, which writes its round")
        return self._round

    @property
    def unfolded(self) -> Term:
        """The same language: the rest, or a round first."""
        return choice(self.rest, self.round)

    def derivative(self, byte: int) -> Term:
        """That of the rest, or of a round."""
        return choice(self.rest.after(byte), self.round.after(byte))

    def _find_ways(self, within: int) -> Iterable[Way]:
        return self.unfolded.ways_within(within)


def consuming(node: Node) -> Node:
    """What matches where `node` does and reads at least one character."""
    if isinstance(node, Chars):
        return node
    if isinstance(node, Choice):
        return Choice(tuple(consuming(option) for option in node.options))
    if isinstance(node, Sequence):
        return Choice(
            tuple(
                Sequence((*map(idle, node.items[:place]), consuming(item), *node.items[place + 1 :]))
                for place, item in enumerate(node.items)
                if all(idle(before) != NEVER for before in node.items[:place])
            )
        )
    if isinstance(node, Group):
        return Group(consuming(node.body), node.at)
    if isinstance(node, Repeat):
        body, high = node.body, node.high
        if high == 0:
            return NEVER
        first = Sequence((consuming(body), _again(body, max(node.low - 1, 0), high, 1)))
        if idle(body) == NEVER or high == 1:
            return first
        # Rounds that read nothing may come first; they count towards the least number of rounds.
        return Choice((first, Sequence((idle(body), consuming(body), _again(body, 0, high, 2)))))
    return NEVER


def idle(node: Node) -> Node:
    """What matches where `node` does and reads nothing: assertions only."""
    if isinstance(node, Chars):
        return NEVER
    if isinstance(node, Choice):
        options = tuple(option for option in map(idle, node.options) if option != NEVER)
        return Choice(options)
    if isinstance(node, Sequence):
        items = tuple(map(idle, node.items))
        return NEVER if NEVER in items else Sequence(items)
    if isinstance(node, Repeat):
        return NOTHING if node.low == 0 else idle(node.body)
    if isinstance(node, Group):
        return idle(node.body)
    return node


def _again(body: Node, low: int, high: int | None, used: int) -> Node:
    return Repeat(body, low, None if high is None else high - used)

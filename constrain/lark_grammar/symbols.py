"""The rules of a context-free grammar, in the form that reading them needs.

A rule is read from left to right, and what matters at any point is what is *still to come* in it: the
symbols that follow.  So an alternative is a linked list of `Rest`s, and equal rests are the same object,
whichever rules they end:

    pair: key ":" value          rest 1: key ":" value     rest 2: ":" value     rest 3: value
    item: "-" value              its second rest is the same `value` as rest 3

A symbol is a `Nonterminal`, a `Term` (a terminal's byte language), or a `Part`: anything that can be written
before a continuation, such as a JSON Schema.

`reduce` makes a grammar fit to generate from: alternatives that no text completes go.  No terminal may hold
the empty text; `optional` makes a nonterminal of one that does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from constrain.budget import spend
from constrain.continuation import END, Continuation
from constrain.regular import queries
from constrain.regular.keeping import remember
from constrain.regular.queries import is_empty
from constrain.regular.terms import Term


class Part(Protocol):
    """A piece of structure that can stand before any continuation (`constrain.parts`)."""

    nullable: bool

    def filled(self, then: Continuation, /) -> Continuation | None:
        """A text of this piece that is not empty, then `then`; None where there is none."""
        ...


class Nonterminal:
    """A rule's name, and its alternatives once they are known; `None` among them is the empty one."""

    __slots__ = ("alternatives", "index", "name", "nullable", "shortest")

    def __init__(self, name: str, index: int) -> None:
        self.name = name
        self.index = index
        self.alternatives: tuple[Rest | None, ...] = ()
        self.nullable = False
        self.shortest: bytes | None = None

    def __repr__(self) -> str:
        return f"<{self.name}>"


Symbol = Nonterminal | Term | Part


class Rest:
    """What is still to come in a rule: a symbol, then `rest`, or the rule's end."""

    __slots__ = ("nullable", "rest", "symbol")

    def __init__(self, symbol: Symbol, rest: Rest | None) -> None:
        self.symbol = symbol
        self.rest = rest
        self.nullable: bool = (
            isinstance(symbol, Nonterminal) and symbol.nullable and (rest is None or rest.nullable)
        )


Rules = dict[Nonterminal, list[tuple[Symbol, ...]]]


def optional(part: Part, name: str, rules: Rules) -> Nonterminal:
    """A nonterminal, added to `rules`, for a text of `part` that is not empty, or nothing."""
    head = Nonterminal(name, len(rules))
    rules[head] = [(), (part,)] if part.filled(END) is not None else [()]
    return head


def reduce(rules: Rules) -> None:
    """Set the alternatives of every nonterminal in `rules` to those that some text completes."""
    rules = {
        head: [body for body in bodies if not any(isinstance(s, Term) and is_empty(s) for s in body)]
        for head, bodies in rules.items()
    }
    productive = _closed(rules)
    rests: dict[tuple[Symbol, Rest | None], Rest] = {}
    for head in _closed(rules, empty=True):
        head.nullable = True
    for head, bodies in rules.items():
        alternatives: dict[Rest | None, None] = {}
        for body in bodies:
            if all(symbol in productive for symbol in body if isinstance(symbol, Nonterminal)):
                alternatives[_linked(body, rests)] = None
        head.alternatives = tuple(alternatives)


def shortest(rest: Rest | None) -> bytes:
    """A shortest text of what is still to come in a rule, in a grammar without parts.

    A nonterminal's is found with those of all that it leads to, by going round until none gets shorter.
    """
    found = list(_symbols(rest))
    for symbol in found:
        if isinstance(symbol, Nonterminal) and symbol.shortest is None:
            _find_shortest(symbol)
    return b"".join(word for symbol in found if (word := _word(symbol)) is not None)


def _word(symbol: Symbol) -> bytes | None:
    if isinstance(symbol, Nonterminal):
        return symbol.shortest
    return _shortest_of_term(symbol) if isinstance(symbol, Term) else None


_shortest_of_term = remember(4096)(queries.shortest)


def _find_shortest(root: Nonterminal) -> None:
    reached = {root: None}
    agenda = [root]
    while agenda:
        for rest in agenda.pop().alternatives:
            for symbol in _symbols(rest):
                if isinstance(symbol, Nonterminal) and symbol not in reached:
                    reached[symbol] = None
                    agenda.append(symbol)
    changed = True
    while changed:
        changed = False
        for head in reached:
            for rest in head.alternatives:
                spend()
                words = [_word(symbol) for symbol in _symbols(rest)]
                if None in words:
                    continue
                text = b"".join(word for word in words if word is not None)
                if head.shortest is None or len(text) < len(head.shortest):
                    head.shortest, changed = text, True


def _symbols(rest: Rest | None) -> Iterator[Symbol]:
    while rest is not None:
        yield rest.symbol
        rest = rest.rest


def _closed(rules: Rules, *, empty: bool = False) -> set[Nonterminal]:
    """The nonterminals that derive some text; with `empty`, the empty text."""
    uses: dict[Nonterminal, list[int]] = {}
    heads: list[Nonterminal] = []
    missing: list[int] = []
    ready: list[Nonterminal] = []
    for head, bodies in rules.items():
        for body in bodies:
            needed = {symbol for symbol in body if isinstance(symbol, Nonterminal)}
            if empty and any(not isinstance(symbol, Nonterminal) for symbol in body):
                continue
            for symbol in needed:
                uses.setdefault(symbol, []).append(len(heads))
            heads.append(head)
            missing.append(len(needed))
            if not needed:
                ready.append(head)
    found: set[Nonterminal] = set()
    while ready:
        head = ready.pop()
        if head in found:
            continue
        found.add(head)
        for number in uses.get(head, ()):
            spend()
            missing[number] -= 1
            if not missing[number]:
                ready.append(heads[number])
    return found


def _linked(body: tuple[Symbol, ...], rests: dict[tuple[Symbol, Rest | None], Rest]) -> Rest | None:
    linked: Rest | None = None
    for symbol in reversed(body):
        known = rests.get((symbol, linked))
        if known is None:
            known = rests[symbol, linked] = Rest(symbol, linked)
        linked = known
    return linked

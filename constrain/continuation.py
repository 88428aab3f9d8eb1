"""What may come next: the one protocol that structure speaks.

A *continuation* stands for all the texts that may still be written.  It offers *edges*; an edge is a
terminal (a regular language over bytes) and the continuation that follows it.  `[1,2]` as a schema's
constant could be three continuations in a row:

    start ──"[1,"──▶ second ──"2]"──▶ END          END.can_end is true, and it has no edges

JSON Schema, regular expressions, choices and context-free grammars all are implementations of this
protocol, so they nest: whoever makes a continuation is given its parent, the continuation that
follows it, and a tool call is a literal, then a schema's continuation, then a literal, then END.

Four rules keep it simple and exact.

1. A continuation is immutable, and equal ones are the same object: whoever makes them interns them.
   Everything downstream memoises by identity.
2. A continuation is *live*: some text completes it.  Whoever makes one has checked.
3. Edges appear when they are asked for.  What a generation never reaches is never built.
4. An edge's terminal is neither empty nor nullable, so a continuation is followed by at least a byte.
   Two edges may share texts: they are then two threads of one position, and both go on.

Three kinds of edge exist beside the plain one.  A `LiteralEdge` stands for many literal edges at once (the
keys of an object), sharing one trie among all the continuations that differ only in which literals are
still allowed.  An edge with a `capture` has a successor that depends on the bytes its terminal matched
(an undeclared key may not be written twice).  A mask must look past such a terminal for thousands of
texts at once; it then follows `preview`, a continuation that is right whatever the text was, up to the
point where the text would matter.  There `preview` offers DEFER, and the few tokens that get that far
are tried one by one.  A `TokenEdge` is one special token, a mark that is never text (Mistral's
`[TOOL_CALLS]`): it stands between bytes, and no text that is spelled out can take its place.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from constrain.regular.terms import Term

C = TypeVar("C")
T = TypeVar("T")


class lazy(Generic[C, T]):  # noqa: N801 - it is used as a decorator, like `property`
    """An attribute made on first use, kept in the object's own place for it.

    `functools.cached_property` would make a dictionary for every object.
    """

    def __init__(self, make: Callable[[C], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type[C], name: str) -> None:
        self._name = name

    def __get__(self, instance: C, owner: type[C]) -> T:
        value = self._make(instance)
        setattr(instance, self._name, value)
        return value


class Continuation:
    """What may come next.  Subclasses set `can_end` and implement `build_edges`."""

    can_end: bool = False

    joins: object = None
    """Continuations with the same `joins`, not None, that a byte reaches together are `joined` into one."""

    @lazy
    def edges(self) -> tuple[AnyEdge, ...]:
        """The ways on, made on first use."""
        return self.build_edges()

    def forget(self) -> None:
        """Drop the edges; they would be made anew."""
        with suppress(AttributeError):
            del self.edges

    def build_edges(self) -> tuple[AnyEdge, ...]:
        """Make the edges; called once."""
        raise TypeError(f"{type(self).__name__} does not implement build_edges")

    def split(self) -> tuple[Continuation, Continuation] | None:
        """(`part`, `then`) where the texts of this one are those of `part`, each followed by one of `then`.

        None where it is not known to fall into two.
        """
        return None

    def shortcuts(self) -> list[tuple[bytes, Continuation]] | None:
        """Texts, and what remains after each, among which a shortest completion begins; None: not known."""
        return None

    def joined(self, others: Sequence[Continuation]) -> Continuation:
        """One continuation for this one and `others`, where they have the same `joins`."""
        raise TypeError(f"{type(self).__name__} does not implement joined")


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """One terminal, and what follows it: `then`, or `capture(matched bytes)` where that is set."""

    terminal: Term
    then: Continuation | None
    capture: Callable[[bytes], Continuation] | None = None
    preview: Continuation | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LiteralEdge:
    """Some of the literals of a shared set (`allowed`, one bit each), and what follows each of them."""

    literals: LiteralSet
    allowed: int
    then: Callable[[int], Continuation]


@dataclass(frozen=True, slots=True, eq=False)
class TokenEdge:
    """One special token of a vocabulary, which writes no bytes; `text` is how a tokenizer shows it."""

    token_id: int
    text: bytes
    then: Continuation


@dataclass(frozen=True, slots=True, eq=False)
class Defer:
    """Stands where the way on depends on text that a preview does not know."""


DEFER = Defer()

AnyEdge = Edge | LiteralEdge | TokenEdge | Defer


class _Deferred(Continuation):
    def build_edges(self) -> tuple[AnyEdge, ...]:
        return (DEFER,)


DEFERRED: Continuation = _Deferred()
"""Follows an edge of a preview that is right whatever the text was, where the next one may not be."""


class LiteralSet:
    """A trie of byte strings, shared by every continuation that offers some of them.

    Node 0 is the root.  `children[n]` maps a byte to a node, `below[n]` is the bitmask of the literals in
    the subtree of n, `here[n]` the bitmask of the literals that end at n.
    """

    __slots__ = ("below", "children", "here", "literals")

    def __init__(self, literals: Sequence[bytes]) -> None:
        self.literals = tuple(literals)
        self.children: list[dict[int, int]] = [{}]
        self.below: list[int] = [0]
        self.here: list[int] = [0]
        for index, text in enumerate(self.literals):
            if not text:
                raise ValueError("a literal edge cannot be empty")
            self._insert(text, 1 << index)

    def _insert(self, text: bytes, bit: int) -> None:
        node = 0
        self.below[0] |= bit
        for byte in text:
            child = self.children[node].get(byte)
            if child is None:
                child = len(self.children)
                self.children.append({})
                self.below.append(0)
                self.here.append(0)
                self.children[node][byte] = child
            node = child
            self.below[node] |= bit
        self.here[node] |= bit


class _End(Continuation):
    can_end = True

    def build_edges(self) -> tuple[AnyEdge, ...]:
        return ()


END: Continuation = _End()


class Terminal(Continuation):
    """One terminal, then `then`."""

    def __init__(self, terminal: Term, then: Continuation) -> None:
        self._edge = Edge(terminal, then)

    def build_edges(self) -> tuple[AnyEdge, ...]:
        return (self._edge,)


class Union(Continuation):
    """Any of several continuations.  A subclass may set `can_end` itself and make `members` on first use."""

    def __init__(self, members: tuple[Continuation, ...]) -> None:
        self._members = members
        self.can_end = any(member.can_end for member in members)

    @lazy
    def members(self) -> tuple[Continuation, ...]:
        """The continuations that this one is a choice of."""
        return self.build_members()

    def build_members(self) -> tuple[Continuation, ...]:
        """Make the members; called once."""
        return self._members

    def build_edges(self) -> tuple[AnyEdge, ...]:
        return tuple(edge for member in self.members for edge in member.edges)


def bits(mask: int) -> list[int]:
    """The numbers of the bits that are set.

    >>> bits(0b1010)
    [1, 3]
    """
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


class Mark(Continuation):
    """What `then` is; whoever reads a text notes that `label` begins here, or ends."""

    def __init__(self, label: Hashable, begins: bool, then: Continuation) -> None:
        self.label, self.begins, self.then = label, begins, then
        self.can_end = then.can_end

    def build_edges(self) -> tuple[AnyEdge, ...]:
        return self.then.edges

"""What may come next: the one protocol that structure speaks.

A *continuation* stands for all the texts that may still be written.  It says which terminals (regular
languages over bytes) may come `first`, each on a numbered *edge*, and what is to `follow` each number.
`[1,2]` as a schema's constant could be three continuations in a row:

    start ──"[1,"──▶ second ──"2]"──▶ END          END.can_end is true, and it has no edges

JSON Schema, regular expressions, choices and context-free grammars all are implementations of this
protocol, so they nest: whoever makes a continuation is given its parent, the continuation that
follows it, and a tool call is a literal, then a schema's continuation, then a literal, then END.

Edges know nothing of what follows them, so very different continuations have the same ones: behind an item
of any array, in any schema, come `,` on edge 1 and `]` on edge 0.  What is found out about such a row of
edges (`vocabulary/sums.py`) is found out once for all of them.

Four rules keep it simple and exact.

1. A continuation is immutable, and equal ones are the same object: whoever makes them interns them.
   Everything downstream memoises by identity.
2. A continuation is *live*: some text completes it.  Whoever makes one has checked.
3. Edges, and what follows them, appear when they are asked for.  What a generation never reaches is never
   built.
4. An edge's terminal is neither empty nor nullable, so a continuation is followed by at least a byte.
   Two edges may share texts: they are then two threads of one position, and both go on.

Kinds of edge beside the plain one:

- A `LiteralEdge` stands for many literals at once (a choice of titles), sharing one trie among all the
  continuations that differ only in which literals are still allowed.  Each has a number of its own.
- An `OpenEdge` stands for any text of a terminal, of which some are literals (an object's keys, declared
  and not).  What follows another text depends on which of some languages it is in, and that is known where
  it is complete; its *class* has a number, so a mask asks for it at the exits of a table and nowhere else.
- An edge that `captures` has a successor that depends on the bytes its terminal matched (an undeclared key
  may not be written twice).  A mask must look past it for thousands of texts at once; it then follows the
  *preview*, a continuation that is right whatever the text was, up to the point where the text would matter.
  There it offers DEFER, and the few tokens that get that far are tried one by one.
- A `TokenEdge` is one special token, a mark that is never text (Mistral's `[TOOL_CALLS]`): it stands between
  bytes, and no text that is spelled out can take its place.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from constrain.literals import LiteralSet
from constrain.regular.automaton import shared_automaton
from constrain.regular.keeping import remember
from constrain.regular.terms import Term
from constrain.text_set import NO_TEXTS, TextSet

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
    """What may come next.  Subclasses set `can_end`, and implement `build_first` and `follow`."""

    can_end: bool = False

    is_choice: bool = False
    """Does it stand for other `members`?"""

    joins: object = None
    """Continuations with the same `joins`, not None, that a byte reaches together are `joined` into one."""

    @lazy
    def first(self) -> tuple[AnyEdge, ...]:
        """The edges, made on first use; not those of other `members`."""
        return self.build_first()

    def build_first(self) -> tuple[AnyEdge, ...]:
        """Make the edges; called once."""
        raise TypeError(f"{type(self).__name__} does not implement build_first")

    def follow(self, number: int, text: bytes | None = None) -> Continuation | None:
        """What follows an edge.

        Behind an edge that captures it depends on the `text`: without one it is the preview, and None says
        that this text may not come.
        """
        raise TypeError(f"{type(self).__name__} does not implement follow")

    @property
    def members(self) -> tuple[Continuation, ...]:
        """The continuations, each with edges of its own, that this one is a choice of: most often itself."""
        return (self,)

    def is_form(self, number: int) -> bool:
        """Is what an edge captures a matter of form, so that its preview leads on wherever the text does?"""
        return False

    def split(self) -> tuple[Continuation, Continuation] | None:
        """(`part`, `then`) where the texts of this one are those of `part`, each followed by one of `then`.

        None where it is not known to fall into two.
        """
        return None

    def split_inside(self) -> tuple[Continuation, Continuation] | None:
        """The same where it is the rest of a part that has begun: what begins a part is split by `split`."""
        return None

    @property
    def plainest(self) -> Continuation:
        """One whose texts are some of this one's, a shortest among them: what a search for an end looks at.

        Where a text depends on how deep it stands, parts without end differ; their plainest do not.
        """
        return self

    def shortcuts(self) -> list[tuple[bytes, Continuation]] | None:
        """Texts, and what remains after each, among which a shortest completion begins; None: not known."""
        return None

    def joined(self, others: Sequence[Continuation]) -> Continuation:
        """One continuation for this one and `others`, where they have the same `joins`."""
        raise TypeError(f"{type(self).__name__} does not implement joined")


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """One terminal, and the number of what follows; made by `edge`, so equal ones are the same object."""

    terminal: Term
    number: int
    captures: bool = False


@remember(16_384)
def edge(terminal: Term, number: int, captures: bool = False) -> Edge:
    """The one edge with this terminal and this number."""
    return Edge(terminal, number, captures)


@dataclass(frozen=True, slots=True, eq=False)
class LiteralEdge:
    """Some of the literals of a shared set (`allowed`, one bit each); literal i is followed by number i."""

    literals: LiteralSet
    allowed: int


@dataclass(frozen=True, slots=True, eq=False)
class TextClasses:
    """Which number follows a text: `number` of the `languages` that hold it, one bit each."""

    languages: tuple[Term, ...]
    number: Callable[[int], int]

    def of(self, text: bytes) -> int:
        """The number of what follows `text`."""
        automaton = shared_automaton()
        held = 0
        for bit, language in enumerate(self.languages):
            state = automaton.state(language)
            for byte in text:
                state = automaton.step(state, byte)
            held |= automaton.accepting[state] << bit
        return self.number(held)


@dataclass(frozen=True, slots=True, eq=False)
class OpenEdge:
    """Any text of `terminal`, of which some are the literals of a shared set.

    Literal i is followed by number i; other texts are captured, and followed by the number of their class.
    Either may be refused: a literal where `follow` gives None, another text where it is `excluded`.  Each
    literal is a text of the terminal, and wherever that is not complete, it has more texts than can be
    refused.
    """

    literals: LiteralSet
    terminal: Term
    classes: TextClasses
    excluded: TextSet = NO_TEXTS

    captures = True


@dataclass(frozen=True, slots=True, eq=False)
class TokenEdge:
    """One special token of a vocabulary, which writes no bytes; `text` is how a tokenizer shows it."""

    token_id: int
    text: bytes
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Defer:
    """Stands where the way on depends on text that a preview does not know."""


DEFER = Defer()

AnyEdge = Edge | LiteralEdge | OpenEdge | TokenEdge | Defer


def follow_text(edge: Edge | OpenEdge, owner: Continuation, text: bytes) -> Continuation | None:
    """What follows an edge of `owner` whose terminal has matched; `text` is what it captured.

    None where the text may not come.
    """
    if isinstance(edge, Edge):
        return owner.follow(edge.number, text if edge.captures else None)
    number = edge.literals.index.get(text)
    if number is not None:
        return owner.follow(number)
    return None if text in edge.excluded else owner.follow(edge.classes.of(text), text)


class _Deferred(Continuation):
    def build_first(self) -> tuple[AnyEdge, ...]:
        return (DEFER,)


DEFERRED: Continuation = _Deferred()
"""Follows an edge of a preview that is right whatever the text was, where the next one may not be."""


class _End(Continuation):
    can_end = True

    def build_first(self) -> tuple[AnyEdge, ...]:
        return ()


END: Continuation = _End()


class Terminal(Continuation):
    """One terminal, then `then`."""

    def __init__(self, edge: AnyEdge, then: Continuation) -> None:
        self._edge, self._then = edge, then

    @classmethod
    def of(cls, terminal: Term, then: Continuation) -> Terminal:
        """`terminal`, then `then`."""
        return cls(edge(terminal, 0), then)

    def build_first(self) -> tuple[AnyEdge, ...]:
        return (self._edge,)

    def follow(self, number: int, text: bytes | None = None) -> Continuation:
        return self._then


class Several(Continuation):
    """A choice of continuations, made on first use; a subclass says whether the text may end."""

    is_choice = True

    @lazy
    def _members(self) -> tuple[Continuation, ...]:
        return tuple(dict.fromkeys(self.build_members()))

    def build_members(self) -> Iterable[Continuation]:
        """Make the members; called once."""
        raise TypeError(f"{type(self).__name__} does not implement build_members")

    @property
    def members(self) -> tuple[Continuation, ...]:
        return self._members


class Union(Several):
    """Any of several continuations.  A subclass may set `can_end` itself and make `choices` on first use."""

    def __init__(self, choices: tuple[Continuation, ...]) -> None:
        self._choices = choices
        self.can_end = any(choice.can_end for choice in choices)

    @lazy
    def choices(self) -> tuple[Continuation, ...]:
        """The continuations that this one is a choice of; they may be choices themselves, or marks."""
        return self.build_choices()

    def build_choices(self) -> tuple[Continuation, ...]:
        """Make the choices; called once."""
        return self._choices

    def build_members(self) -> Iterable[Continuation]:
        return (member for choice in self.choices for member in choice.members)


class Mark(Continuation):
    """What `then` is; whoever reads a text notes that `label` begins here, or ends."""

    is_choice = True

    def __init__(self, label: Hashable, begins: bool, then: Continuation) -> None:
        self.label, self.begins, self.then = label, begins, then
        self.can_end = then.can_end

    @property
    def members(self) -> tuple[Continuation, ...]:
        return self.then.members


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

"""Tables of "any key but these": the table of any key, without the tokens that complete one of these.

An object that declares `id` and `name` writes its other keys with `(Σ* & ~{id, name})"`.  Each such object
has a set of its own, but nearly all tokens do not care:

    tokens           ab   id   id"   id":   idx"
    any key          in   in   exit  exit   exit       the table of Σ*", made once
    any but `id`     in   in   --    --     exit       that table, and what begins with `id"` refused

So the table of the whole is shared, with its exit and all that follows from it, and beside it stand the few
token ids to refuse.  This is right if

1. no text of `base end` is the beginning of another one: then a token that gets as far as `id"` was nowhere
   complete before, and nothing else can become of it;
2. wherever such tokens stop on the way to `id"`, base has more texts than are excluded: then the way to
   them stays open.

Both are checked on the automaton of the base, once for each of its states; where they do not hold, or cannot
be seen quickly, the table is made by walking.

Cost: a walk along the excluded texts, as far as tokens go.  Source: ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import proxy

from constrain.regular.conditions import Condition, all_of, parts_of
from constrain.regular.products import Product, product
from constrain.regular.sizes import least_size
from constrain.regular.terms import (
    EPSILON,
    Complement,
    Concat,
    Intersection,
    Strings,
    Term,
    concat,
    intersect,
)

if TYPE_CHECKING:
    from constrain.vocabulary.tables import Table, Tables

MAX_STATES = 500
PLENTY = 1 << 20


@dataclass(frozen=True, slots=True)
class Excluding:
    """`start (base & ~texts) end`, taken apart; `base` is `start base end`.

    A product (`regular/products.py`) of which some factors are `~(texts end)` is of that form, too.
    """

    start: bytes
    texts: tuple[Term, ...]
    end: bytes
    base: Term
    size: int

    @classmethod
    def find(cls, term: Term) -> Excluding | None:
        """The parts of a term of that form."""
        start = b""
        head: tuple[Term, ...] = ()
        if type(term) is Concat and type(term.head) is Strings:
            start, head, term = term.head.only or b"", (term.head,), term.tail
        if bool(start) != bool(head):
            return None
        if isinstance(term, Product):
            return cls._of_product(start, head, term)
        if type(term) is not Concat or type(term.head) is not Intersection:
            return None
        end = term.tail.only if type(term.tail) is Strings else None
        finite = [m.body for m in term.head.members if type(m) is Complement and _is_finite(m.body)]
        others = [m for m in term.head.members if not (type(m) is Complement and _is_finite(m.body))]
        if end is None or not finite or not others:
            return None
        return cls(start, tuple(finite), end, concat(*head, intersect(*others), term.tail), _size(finite))

    @classmethod
    def _of_product(cls, start: bytes, head: tuple[Term, ...], term: Product) -> Excluding | None:
        finite: list[Term] = []
        others: list[Condition] = []
        ends: set[Term] = set()
        for part in parts_of(term.condition, "all"):
            body = part.body if type(part) is Complement else None
            if type(body) is Concat and type(body.head) is Strings and type(body.tail) is Strings:
                finite.append(body.head)
                ends.add(body.tail)
            elif type(body) is Strings:
                finite.append(EPSILON)
                ends.add(body)
            else:
                others.append(part)
        (end,) = (end.only for end in ends if type(end) is Strings) if len(ends) == 1 else (None,)
        if end is None:
            return None
        base = product(term.place, all_of(others)).term
        return cls(start, tuple(finite), end, concat(*head, base), _size(finite))


def _size(texts: Iterable[Term]) -> int:
    return sum(some.size if type(some) is Strings else 1 for some in texts)


def _is_finite(term: Term) -> bool:
    return type(term) is Strings or term is EPSILON


class Exclusions:
    """What is known of the bases of one vocabulary's tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables: Tables = proxy(tables)  # its own part, so no circle: they die together
        self._is_code: dict[int, bool] = {0: True}
        self._sizes: dict[int, int] = {0: 0}

    def table(self, remainder: int, state: int) -> Table | None:
        """The table of `(base & ~texts) end` for the tokens of `remainder`; None for other languages."""
        from constrain.vocabulary.tables import Table

        tables = self._tables
        excluding = Excluding.find(tables.automaton.term(state))
        if excluding is None:
            return None
        base = tables.automaton.state(excluding.base)
        if not self.is_code(base):
            return None
        refused = self._refused(remainder, base, excluding)
        if refused is None:
            return None
        found = tables.table(remainder, base)
        if not refused:
            return found
        return Table(found.inside, found.exit, found.refused.union(refused))

    def _refused(self, remainder: int, base: int, excluding: Excluding) -> list[int] | None:
        """The tokens that go through an excluded text and the end; None if tokens stop at a narrow place."""
        tables = self._tables
        remainders = tables.remainders
        refused: list[int] = []
        start = self._along(remainder, base, excluding.start)
        stack = [(*start, texts) for texts in excluding.texts] if start is not None else []
        while stack:
            here, at, left = stack.pop()
            if left.nullable:
                closed = self._along(here, at, excluding.end)
                if closed is not None:
                    refused.extend(remainders.tokens(closed[0]))
                    refused.extend(remainders.tokens_below(closed[0]).tolist())
            children = remainders.children(here)
            for byte, rest in left.children.items() if type(left) is Strings else ():
                child = children.get(byte)
                if child is None:
                    continue
                to = tables.step(at, byte)
                if to:
                    if self.size(to) <= excluding.size:
                        return None
                    stack.append((child, to, rest))
        return refused

    def _along(self, remainder: int, state: int, text: bytes) -> tuple[int, int] | None:
        """The remainder and the state after `text`, if tokens get there."""
        for byte in text:
            child, state = (
                self._tables.remainders.children(remainder).get(byte),
                self._tables.step(state, byte),
            )
            if child is None or not state:
                return None
            remainder = child
        return remainder, state

    def is_code(self, state: int) -> bool:
        """Is no text of `state` the beginning of another one?  False, too, where that takes long to see."""
        known = self._is_code.get(state)
        if known is None:
            known = self._is_code[state] = self._find_code(state)
        return known

    def _find_code(self, state: int) -> bool:
        tables = self._tables
        seen = {state}
        stack = [state]
        while stack:
            here = stack.pop()
            after = {to for _, to in tables.automaton.ways(here)} - seen
            if len(seen) > MAX_STATES or (tables.automaton.accepting[here] and tables.automaton.ways(here)):
                return False
            after = {to for to in after if not self._is_code.get(to, False)}
            seen |= after
            stack.extend(after)
        self._is_code.update(dict.fromkeys(seen, True))
        return True

    def size(self, state: int) -> int:
        """How many texts has `state`?  Fewer than there are where that takes long to see, PLENTY at most."""
        known = self._sizes.get(state)
        if known is None:
            known = self._sizes[state] = self._find_size(state)
        return known

    def _find_size(self, state: int) -> int:
        tables = self._tables
        term = tables.automaton.term(state)
        if term.plain and least_size(term) >= PLENTY:
            return PLENTY
        total = length = 0
        counts = {state: 1}
        seen = {state}
        while counts and total < PLENTY and len(counts) <= MAX_STATES:
            if length >= len(seen):  # a text this long passes some state twice, so there is no end of them
                return PLENTY
            length += 1
            after: dict[int, int] = {}
            for here, count in counts.items():
                if tables.automaton.accepting[here]:
                    total += count
                for some_bytes, to in tables.automaton.ways(here):
                    after[to] = min(after.get(to, 0) + some_bytes.bit_count() * count, PLENTY)
            counts = after
            seen.update(after)
        return min(total, PLENTY)

"""What may come next, for a vocabulary in which some bytes have no token?

A text can be written if it is a row of tokens.  Where each byte of UTF-8 is a token of its own, every text
is.  SmolLM2's vocabulary has none for eight of these bytes (04 06 13 14 16 1d f1 f2), and no longer token
holds one of them either.  A grammar that *allows* such a byte loses little, and one that *demands* it could
get stuck:

    "[^"]*"          any text in quotes, but for those eight bytes
    (a|b\\x04)c       after `b` nothing could come: so `b` may not come either, and `ac` is what is left
    x\\x04            nothing is left: refused when it is compiled

So bytes that are no token of their own are *missing*: they leave the alphabet of the grammar, and then no
mask is ever empty, for the reason that holds for other vocabularies.  A longer token that holds a missing
byte is never allowed.  (Where such tokens are, some text that could be written is lost: a vocabulary with
`b\\x04` and no `\\x04` could write the second example's `b\\x04c`.  No vocabulary we know has any.)

A grammar of other bytes is another grammar, and rule 2 of continuations asks for one that is live.
`Writable` stands for a continuation and shows what is left of it:

1. A terminal is what is left of its language (`some_bytes.py`); one of which nothing is left has no edge.
2. An edge after which nothing can be completed is no edge.  Whether something can is found by a search,
   nearest first, that ends at the first completion (`Completable`).
3. Of an open edge the classes of texts after which nothing can be completed are taken out of the terminal.
   If then only so many texts begin somehow, the texts that may not come are taken out of it as well.
4. Behind an edge that captures no preview is given, for it may promise what the text takes away: tokens that
   reach past it are tried one by one.

The search gives up after MAX_SEARCHED continuations and then takes it that there is no completion.  What is
shown is less than it could be then, but it is live all the same: what can be completed is known by a
completion.

Cost: nothing for a vocabulary with every byte; for others a search for each continuation that no completion
found before has passed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Final
from weakref import WeakValueDictionary

from constrain.budget import spend
from constrain.continuation import (
    DEFERRED,
    END,
    AnyEdge,
    Continuation,
    Defer,
    Edge,
    LiteralEdge,
    OpenEdge,
    TextClasses,
    TokenEdge,
    bits,
    edge,
    lazy,
)
from constrain.literals import LiteralSet
from constrain.nesting import Nested
from constrain.regular.byte_sets import ALL_BYTES
from constrain.regular.keeping import remember
from constrain.regular.queries import is_empty, shortest
from constrain.regular.short import short
from constrain.regular.some_bytes import made_of
from constrain.regular.terms import EMPTY, Term, choice, difference, intersect, literals

MAX_SEARCHED: Final = 2_000
"""Continuations looked at for one completion: some 0.4 s.  Most grammars need a few dozen."""

HURRIED: Final = 200
"""Continuations looked at straight on: keys in any order are 2^n ways to the nearest end, n to some end."""

MAX_COMPLETABLE: Final = 50_000
"""Continuations of which it is remembered whether they can be completed."""

MAX_STATES: Final = 256
"""States of a terminal in which it is looked for beginnings that few texts have."""

Way = tuple[bytes, Callable[[], Continuation | None], bool]
"""A text, what follows it, found when it is asked for, and whether the text was captured."""


class Alphabet:
    """The bytes that can be written (`mask`, a 256-bit set), and what is left of one grammar with them."""

    def __init__(self, missing: Sequence[int]) -> None:
        self.mask = ALL_BYTES
        for byte in missing:
            self.mask ^= 1 << byte
        self._missing = bytes(missing)
        self._shown: WeakValueDictionary[Continuation, Writable] = WeakValueDictionary()
        self.completable = Completable(self)

    def forget(self) -> None:
        """Drop every memo."""
        self._shown.clear()
        self.completable.forget()

    def of(self, whole: Continuation) -> Continuation:
        """What is left of a continuation that can be completed."""
        if whole is END or whole is DEFERRED:
            return whole
        found = self._shown.get(whole)
        if found is None:
            found = self._shown[whole] = Writable(self, whole)
        return found

    def left(self, whole: Continuation | None) -> Continuation | None:
        """The same, and None where it cannot be completed."""
        return self.of(whole) if whole is not None and self.completable.has(whole) else None

    def writes(self, text: bytes) -> bool:
        """Has `text` no missing byte?"""
        return not any(byte in text for byte in self._missing)

    def written(self, term: Term) -> Term:
        """What is left of a terminal; EMPTY where it holds nothing."""
        left = made_of(term, self.mask)
        return EMPTY if is_empty(left) else left

    def leads_on(self, each: OpenEdge, owner: Continuation, language: Term) -> bool:
        """Is there a text of a class of an open edge, after which something can be completed?"""
        text = _other_text(each, self.written(language))
        then = None if text is None else owner.follow(each.classes.of(text), text)
        return then is not None and self.completable.has(then)


class Writable(Continuation):
    """What is left of the continuation `whole`."""

    def __init__(self, alphabet: Alphabet, whole: Continuation) -> None:
        self._alphabet = alphabet
        self.whole = whole
        self.can_end = whole.can_end
        self.is_choice = whole.is_choice
        self.joins = whole.joins

    @lazy
    def _members(self) -> tuple[Continuation, ...]:
        left = map(self._alphabet.left, self.whole.members)
        return tuple(member for member in left if member is not None)

    @property
    def members(self) -> tuple[Continuation, ...]:
        return self._members if self.is_choice else (self,)

    def build_first(self) -> tuple[AnyEdge, ...]:
        found: list[AnyEdge] = []
        for each in self.whole.first:
            left = self._left(each)
            if left is not None:
                found.append(left)
        return tuple(found)

    def _left(self, each: AnyEdge) -> AnyEdge | None:
        """What is left of an edge."""
        alphabet = self._alphabet
        if isinstance(each, LiteralEdge):
            allowed = 0
            for number in bits(each.allowed):
                if alphabet.writes(each.literals.literals[number]) and self._goes_on(number):
                    allowed |= 1 << number
            return LiteralEdge(each.literals, allowed) if allowed else None
        if isinstance(each, TokenEdge):
            return each if self._goes_on(each.number) else None
        if isinstance(each, Defer):
            return each
        if isinstance(each, OpenEdge):
            return self._left_open(each)
        term = alphabet.written(each.terminal)
        if term is EMPTY or not (each.captures or self._goes_on(each.number)):
            return None
        return edge(term, each.number, each.captures)

    def _left_open(self, each: OpenEdge) -> OpenEdge | None:
        alphabet, named = self._alphabet, each.literals.literals
        term = alphabet.written(each.terminal)
        dead = [
            language for _, language in classes_of(each) if not alphabet.leads_on(each, self.whole, language)
        ]
        if term is each.terminal and not dead:  # then it holds what it held
            return each
        if dead or _has_few(term):
            kept = {
                text for number, text in enumerate(named) if alphabet.writes(text) and self._goes_on(number)
            }
            gone = [*(text for text in named if text not in kept), *each.excluded]
            spend(len(gone))
            term = choice(difference(term, choice(*dead, literals(gone))), literals(kept))
        if is_empty(term):
            return None
        return OpenEdge(each.literals, term, each.classes, each.excluded)

    def _goes_on(self, number: int) -> bool:
        then = self.whole.follow(number)
        return then is not None and self._alphabet.completable.has(then)

    @lazy
    def _captured(self) -> frozenset[int]:
        """The numbers of edges that capture what decides how the text may go on."""
        found: set[int] = set()
        for each in self.whole.first:
            if isinstance(each, Edge) and each.captures and not self.whole.is_form(each.number):
                found.add(each.number)
            elif isinstance(each, OpenEdge):
                found.update(number for number, _ in classes_of(each))
        return frozenset(found)

    @lazy
    def _unwritable(self) -> frozenset[int]:
        """The numbers of literals of open edges that cannot be written."""
        return frozenset(
            number
            for each in self.whole.first
            if isinstance(each, OpenEdge)
            for number, text in enumerate(each.literals.literals)
            if not self._alphabet.writes(text)
        )

    def follow(self, number: int, text: bytes | None = None) -> Continuation | None:
        if text is None:
            if number in self._captured:
                return DEFERRED
            if number in self._unwritable:
                return None
        return self._alphabet.left(self.whole.follow(number, text))

    @property
    def plainest(self) -> Continuation:
        return self._alphabet.of(self.whole.plainest)

    def split(self) -> tuple[Continuation, Continuation] | None:
        return self._both(self.whole.split())

    def split_inside(self) -> tuple[Continuation, Continuation] | None:
        return self._both(self.whole.split_inside())

    def _both(
        self, parts: tuple[Continuation, Continuation] | None
    ) -> tuple[Continuation, Continuation] | None:
        return parts and (self._alphabet.of(parts[0]), self._alphabet.of(parts[1]))

    def joined(self, others: Sequence[Continuation]) -> Continuation:
        return self._alphabet.of(
            self.whole.joined([other.whole for other in others if isinstance(other, Writable)])
        )


class Completable:
    """Which continuations have a completion without missing bytes."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._alphabet = alphabet
        self._parts: Nested[Continuation, bool] = Nested(none=False, lasts=bool)
        self.forget()
        self.gave_up = False
        """Was any search broken off?  What has no known completion may have one all the same, then."""

    def forget(self) -> None:
        """Drop every memo."""
        self._parts.known.clear()
        self._parts.known.update({END: True, DEFERRED: True})

    def has(self, start: Continuation) -> bool:
        """Is a completion of `start` known?  A part that is being searched counts as none, inside itself."""
        start = start.plainest
        if start.can_end:
            return True
        if len(self._parts.known) > MAX_COMPLETABLE and not self._parts.is_open:
            self.forget()
        return self._parts.of(start, start, lambda: self._search(start))

    def _search(self, start: Continuation) -> bool:
        """Look for a completion straight on, and where that leads nowhere, the nearest first."""
        return self._look(start, HURRIED, 1) or self._look(start, MAX_SEARCHED, 0)

    def _look(self, start: Continuation, most: int, hurry: int) -> bool:
        """Look at so many continuations, and remember every one on the way to the completion found.

        With `hurry` those come first that were reached by the fewest captured texts (free keys have no end),
        of these the most steps away, of these the nearest.
        """
        tie, known = count(), self._parts.known
        heap: list[tuple[int, int, int, int, Callable[[], Continuation | None], Continuation | None]]
        heap = [(0, 0, 0, next(tie), partial(_itself, start), None)]
        before: dict[Continuation, Continuation | None] = {}
        while heap and len(before) < most:
            free, steps, length, _, follow, last = heapq.heappop(heap)
            here = follow()
            here = here and here.plainest
            if here is None or here in before or (here is not start and known.get(here) is False):
                continue
            before[here] = last
            if here.can_end or known.get(here):
                at: Continuation | None = here
                while at is not None:
                    known[at] = True
                    at = before[at]
                return True
            spend()
            for text, then, is_free in self._ways(here):
                on = (free + hurry * is_free, steps - hurry, length + len(text))
                heapq.heappush(heap, (*on, next(tie), then, here))
        self.gave_up |= bool(heap) and not hurry
        return False

    def _ways(self, here: Continuation) -> Iterator[Way]:
        parts = here.split()
        if parts is not None:
            if self.has(parts[0]):
                yield b"", partial(_itself, parts[1]), False
            return
        shortcuts = here.shortcuts()
        if shortcuts is not None:
            written = [(text, then) for text, then in shortcuts if self._alphabet.writes(text)]
            yield from ((text, partial(_itself, then), False) for text, then in written)
            if len(written) == len(shortcuts):
                return
        for member in here.members:
            for each in member.first:
                yield from self._through(each, member)

    def _through(self, each: AnyEdge, owner: Continuation) -> Iterator[Way]:
        """Texts of an edge without missing bytes: one for each number, but where a literal is longer."""
        if isinstance(each, LiteralEdge):
            yield from self._named(each, each.allowed, owner)
        elif isinstance(each, OpenEdge):
            yield from self._named(each, (1 << len(each.literals.literals)) - 1, owner)
            for _, term in classes_of(each):
                text = _other_text(each, self._alphabet.written(term))
                if text is not None:
                    yield text, partial(owner.follow, each.classes.of(text), text), True
        elif isinstance(each, TokenEdge):
            yield each.text, partial(owner.follow, each.number), False
        elif isinstance(each, Defer):
            yield b"", partial(_itself, DEFERRED), False
        else:
            text = _shortest(self._alphabet.written(each.terminal))
            if text is not None:
                yield text, partial(owner.follow, each.number, text if each.captures else None), each.captures

    def _named(self, each: LiteralEdge | OpenEdge, allowed: int, owner: Continuation) -> Iterator[Way]:
        for number in bits(allowed):
            text = each.literals.literals[number]
            if self._alphabet.writes(text):
                yield text, partial(owner.follow, number), False


@remember(1 << 14)
def _shortest(term: Term) -> bytes | None:
    return shortest(term)


def _itself(whole: Continuation) -> Continuation:
    return whole


def classes_of(each: OpenEdge) -> tuple[tuple[int, Term], ...]:
    """The numbers of an open edge, each with the language it follows; literals are in these too."""
    return _classes(each.terminal, each.classes)


@remember(1 << 10)
def _classes(terminal: Term, classes: TextClasses) -> tuple[tuple[int, Term], ...]:
    cells = [(0, terminal)]
    for bit, language in enumerate(classes.languages):
        halves = [
            (held | number << bit, half)
            for held, term in cells
            for number, half in enumerate((difference(term, language), intersect(term, language)))
        ]
        cells = [(held, term) for held, term in halves if not is_empty(term)]
    found: dict[int, Term] = {}
    for held, term in cells:
        number = classes.number(held)
        found[number] = choice(found.get(number, EMPTY), term)
    return tuple(found.items())


@remember(1 << 12)
def _unnamed(named: LiteralSet, term: Term) -> bytes | None:
    return short(difference(term, literals(named.literals)))


def _other_text(each: OpenEdge, term: Term) -> bytes | None:
    """A short text of `term` that may come on an open edge and is no literal."""
    gone = list(each.literals.literals)
    text = _unnamed(each.literals, term)
    if text is not None and text in each.excluded:
        spend(each.excluded.size)
        text = short(difference(term, literals([*gone, *each.excluded])))
    return text


@remember(1 << 12)
def _has_few(term: Term) -> bool:
    """Is there a beginning, no text itself, that only so many texts have?  True where it is not known."""
    ways = {term: [after for _, after in term.ways() if not is_empty(after)]}
    pending = [term]
    while pending:
        for after in ways[pending.pop()]:
            if after not in ways:
                if len(ways) == MAX_STATES:
                    return True
                spend()
                ways[after] = [further for _, further in after.ways() if not is_empty(further)]
                pending.append(after)
    finite: set[Term] = set()
    while more := [here for here in ways if here not in finite and finite.issuperset(ways[here])]:
        finite.update(more)
    return any(not here.nullable for here in finite)

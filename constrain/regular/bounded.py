"""Texts of a product that are so many characters long.

    minLength 8, maxLength 64, and two patterns beside them

A length is not a factor: its states would be 64 times those of the patterns.  It is a window beside the
product, with what is still owed and what is left, and each character that is begun moves both bounds:

    (product, 8 to 64)  by `a`  (product after `a`, 7 to 63)

A character begins where a byte is read at the place `whole` (between two characters) and does not end the
text.

**Is there a text of that length?**  From the cheap to the dear:

1. The product has texts of `some` characters, as found by looking for the nearest end, and if on the way
   there a loop of `round` characters is met, also of `some + round`, `some + 2 round`, ...
2. No text is shorter than the shortest one of a single factor.  That is found over single places of the
   factor's pattern, as in (6) of `products.py`.
3. Depth first, over products with their windows; each product passed is asked (1) and (2) again.  What is
   searched in vain with no least length is known to need more characters than that.

Source: ours.
Cost: a search for each product whose lengths are asked for, and a comparison for each count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import count
from typing import Final, NamedTuple

from constrain.budget import spend
from constrain.regular.interning import intern, keep
from constrain.regular.keeping import at_end
from constrain.regular.leaf import Leaf
from constrain.regular.products import Product, alternatives, condition_distance
from constrain.regular.term import Way
from constrain.regular.terms import EMPTY, EPSILON, Term

NEAR: Final = 40
"""Products that are looked at for a loop, from each place between two characters."""


class Window(NamedTuple):
    """At least `low` characters, and at most `high` (None: any number)."""

    low: int
    high: int | None

    def after(self, characters: int) -> Window:
        """The window for what follows so many characters."""
        return Window(max(self.low - characters, 0), None if self.high is None else self.high - characters)

    def meet(self, other: Window) -> Window:
        """The lengths in both windows."""
        highs = [high for high in (self.high, other.high) if high is not None]
        return Window(max(self.low, other.low), min(highs, default=None))

    @property
    def is_closed(self) -> bool:
        """Is no length in it?"""
        return self.high is not None and self.high < self.low


EVERY_LENGTH: Final = Window(0, None)


class Bounded(Leaf):
    """The texts of a product whose length is in a window; make it with `bounded`."""

    __slots__ = ("product", "whole", "window")

    def __init__(self, product: Product, whole: Term, window: Window) -> None:
        self.product = product
        self.whole = whole
        self.window = window
        self._register(nullable=False, plain=False, first=product.first)

    def __repr__(self) -> str:
        return f"Bounded({self.product!r}, {self.window})"

    @property
    def nonempty(self) -> bool:
        """Has it a text?

        Raises LimitExceeded when the budget in force is spent.
        """
        return fits(self.product, self.whole, self.window)

    def derivative(self, byte: int) -> Term:
        for mask, after in self.product.steps():
            if mask >> byte & 1:
                return self._after(after)
        return EMPTY

    def _find_ways(self, within: int) -> Iterable[Way]:
        ways: dict[Term, int] = {}
        for mask, after in self.product.steps():
            if mask & within:
                term = self._after(after)
                if term is not EMPTY:
                    ways[term] = ways.get(term, 0) | mask & within
        return [(mask, term) for term, mask in ways.items()]

    def _after(self, after: Product) -> Term:
        return bounded(after, self.whole, self.window.after(characters(self.product, after, self.whole)))


def bounded(product: Product, whole: Term, window: Window) -> Term:
    """The texts of a product with a length in `window`; `whole` is the place between two characters."""
    if window.is_closed or product.condition is False:
        return EMPTY
    if product.place is EPSILON:
        return EMPTY if window.low else product.term
    if window == EVERY_LENGTH:
        return product.term
    key = (Bounded, product.id, whole.id, *window)
    return intern(key, Bounded, product, whole, window)


def keep_places(whole: Term) -> None:
    """Make a universe, and all places in it, constants of the process.

    A place is told by which term it is, and a grammar that outlives its generation (keeping.py) must come to
    the same ones.
    """
    seen = {whole}
    pending = [whole]
    while pending:
        new = {after for _, after in pending.pop().ways()} - seen
        seen |= new
        pending.extend(new)
    keep()


def characters(before: Product, after: Product, whole: Term) -> int:
    """How many characters a step begins: one or none."""
    return int(before.place is whole and after.place is not EPSILON)


# What is remembered, by the id of a product.  `whole` goes with its universe.

_some: Final[dict[int, int]] = {}
_next: Final[dict[int, Product]] = {}
"""The next product on the way to the end of a text of `_some` characters."""
_rounds: Final[dict[int, int]] = {}
_least: Final[dict[int, int]] = {}
_needs_more: Final[dict[int, int]] = {}
"""No text of the product is that short, or shorter."""
_searched: Final[dict[tuple[int, int, int | None], bool]] = {}
for _memo in (_some, _next, _rounds, _least, _needs_more, _searched):
    at_end(_memo.clear)


def fits(product: Product, whole: Term, window: Window) -> bool:
    """Has the product a text with a length in the window?

    Raises LimitExceeded when the budget in force is spent.
    """
    known = _at_once(product, whole, window)
    return _search(product, whole, window) if known is None else known


def _at_once(product: Product, whole: Term, window: Window) -> bool | None:
    if window.is_closed:
        return False
    if product.place is EPSILON:
        return window.low == 0
    if product.condition is True:
        return True
    low, high = window
    if high is not None and high <= _needs_more.get(product.id, -1):
        return False
    found = _searched.get((product.id, low, high))
    if found is not None:
        return found
    if not product.nonempty:
        return False
    length = some_length(product, whole)
    if high is not None and length > high:
        return False if least_length(product, whole) > high else None
    if length < low and (each := round_length(product, whole)):
        length += -(-(low - length) // each) * each
    return True if length >= low and (high is None or length <= high) else None


def _search(start: Product, whole: Term, window: Window) -> bool:
    parent: dict[tuple[Product, Window], tuple[Product, Window] | None] = {(start, window): None}
    stack = [(start, window)]
    while stack:
        here = before, left = stack.pop()
        spend()
        for _, after in before.steps():
            there = (after, left.after(characters(before, after, whole)))
            if there in parent:
                continue
            known = _at_once(after, whole, there[1])
            if known is False:
                continue
            parent[there] = here
            if known:
                at: tuple[Product, Window] | None = here
                while at is not None:
                    _searched[at[0].id, at[1].low, at[1].high] = True
                    at = parent[at]
                return True
            stack.append(there)
    for product, (low, high) in parent:
        _searched[product.id, low, high] = False
        if low == 0 and high is not None:
            _needs_more[product.id] = max(_needs_more.get(product.id, -1), high)
    return False


def some_length(product: Product, whole: Term) -> int:
    """The characters of some text of a product that has one: a short text, but maybe not a shortest one."""
    if product.id not in _some:
        _find_some_length(product, whole)
    return _some[product.id]


def _find_some_length(start: Product, whole: Term) -> None:
    number = count()
    parent: dict[Product, Product | None] = {start: None}
    heap = [(0, 0, 0, start)]
    while heap:
        _, begun, _, here = heappop(heap)
        if here.condition is True:
            _some.setdefault(here.id, 0)
        if here.id in _some:
            while (before := parent[here]) is not None:
                _some[before.id] = _some[here.id] + characters(before, here, whole)
                _next[before.id] = here
                here = before
            return
        spend()
        for _, after in here.steps():
            if after not in parent and after.is_alive is not False:
                parent[after] = here
                longer = begun + characters(here, after, whole)
                heappush(heap, (condition_distance(after.condition), longer, next(number), after))
    raise AssertionError("a product without a text was asked for its length")


def least_length(product: Product, whole: Term) -> int:
    """Characters that every text of a product has at least: those of the factor that needs most."""
    return max((_least_length(each, whole) for each in product.apart), default=0)


def _least_length(start: Product, whole: Term) -> int:
    if start.id not in _least:
        _find_least_length(start, whole)
    return _least[start.id]


def _find_least_length(start: Product, whole: Term) -> None:
    """Dijkstra's algorithm over single places; what is known of one is a last step, and waits its turn."""
    number = count()
    parent: dict[Product, Product | None] = {start: None}
    cost = {start: 0}
    heap = [(0, 0, start, False)]
    while True:
        total, _, here, is_known = heappop(heap)
        if is_known:
            at: Product | None = here
            while at is not None:
                _least[at.id] = total - cost[at]
                at = parent[at]
            return
        if total > cost[here]:
            continue
        spend()
        rest = 0 if here.condition is True else _least.get(here.id)
        if rest is not None:
            heappush(heap, (total + rest, next(number), here, True))
            continue
        onward = [(after, total) for after in alternatives(here)]  # nothing is read: no character begins
        onward = onward or [(after, total + characters(here, after, whole)) for _, after in here.steps()]
        for after, longer in onward:
            if longer < cost.get(after, longer + 1):
                cost[after] = longer
                parent[after] = here
                heappush(heap, (longer, next(number), after, False))


def round_length(product: Product, whole: Term) -> int:
    """The characters of a loop on the way to the end of the text of `some_length`; 0 if none is near."""
    some_length(product, whole)
    way = []
    here: Product | None = product
    while here is not None and here.id not in _rounds:
        way.append(here)
        here = _next.get(here.id)
    found = 0 if here is None else _rounds[here.id]
    for here in reversed(way):
        if found != 1:  # a loop of one character comes to every length
            found = _loop(here, whole) or found
        _rounds[here.id] = found
    return found


def _loop(start: Product, whole: Term) -> int:
    """The fewest characters that lead from a product between two characters to itself; 0 if that is far."""
    if start.place is not whole:
        return 0
    seen = {start}
    queue = deque([(start, 0)])
    while queue and len(seen) <= NEAR:
        here, begun = queue.popleft()
        spend()
        for _, after in here.steps():
            if after is start:
                return begun + characters(here, after, whole)
            if after not in seen and after.place is not EPSILON:
                seen.add(after)
                queue.append((after, begun + characters(here, after, whole)))
    return 0

"""Boolean combinations of languages, whose factors are never multiplied out.

    p and q and not r       the texts of a universe that match p and q, but not r

As a term that is an intersection; its derivatives are intersections of derivatives, and each is a new term
with states, emptiness and tables of its own.  A `Product` keeps the factors apart.  It is a *place* in the
universe, which is the derivative of the universe by the text so far, and a condition (`conditions.py`) over
the derivatives of the factors.  Let the universe be `[abc]*"` and the condition be "an `a`, and no `b`":

    [abc]*"  all([abc]*a[abc]*", ~[abc]*b[abc]*")
      by a     [abc]*"  ~[abc]*b[abc]*"         an `a` is there for good: that factor is the universe, so True
      by b     no text                          the other factor is the universe: its complement is False
      by c     the same product
      by "     no text                          only the second factor is complete

1. A factor in which nothing is left is False.  A factor that is the place, or a choice of the place and of
   something else, is True: an unanchored pattern becomes that when it has matched.
2. At the end of the universe each factor is complete or it is not, so the condition has a value.
3. A product of which a single factor is left is that factor, and one of which nothing is left is the place.
   So the states that a pattern has alone are also the ones that it has behind a product.

Where a universe ends with a byte that nothing else in it holds (a quote that is not escaped), and the factors
are languages within it, the product is the term `universe & condition`, with complements within the universe.

**Is there a text?**  That is asked of the products which occur, and remembered, from the cheap to the dear:

1. A single factor has a text: factors that have none are False.  So has any of several where one has.
2. So has one that holds all that another one holds, which has a text.  Where `foo` is sought, what is left
   after `f` is `oo` or the whole again, and so holds the whole.  From there on both read the same bytes, and
   the one within the other goes on to be within it: a few products answer for all.
3. Depth first, over FEW products.
4. The most promising first, over SOME products: where the shortest texts of all factors are least in sum.
5. There is none if there is none with the outlines of leaves in their place: each minute of a day has its own
   leap seconds, and what fits no time at all need not be tried in all of them.
6. A factor is often a choice, for it may be in several places of its pattern.  An intersection of choices is
   empty if and only if all combinations of their members are, so these are looked at instead: `a.{14}$`,
   `b.{14}$` and `c.{14}$` are in one of 16 places each, but in one of 2^15 sets of places.

Source: Antimirov, "Partial derivatives of regular expressions and finite automaton constructions", TCS
155(2), 1996, for (6); the others are ours.
Cost: a row of a product is cut together from the rows of its factors, a few microseconds for each.  With many
factors there may be exponentially many products, but only those that a text leads to are made.
Alternatives weighed: docs/decisions/0013-products.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Final

from constrain.budget import spend
from constrain.regular.conditions import (
    Condition,
    Connective,
    all_of,
    factors_of,
    is_positive,
    parts_of,
    replaced,
)
from constrain.regular.interning import intern
from constrain.regular.keeping import at_end
from constrain.regular.leaf import Leaf, outlined
from constrain.regular.lengths import distance
from constrain.regular.queries import is_empty
from constrain.regular.term import Piece, Way, cut
from constrain.regular.terms import (
    EMPTY,
    EPSILON,
    Choice,
    Complement,
    Term,
)

FEW: Final = 60
SOME: Final = 400

Step = tuple[int, "Product"]
"""A set of bytes, and the product behind each of them."""


class Product(Leaf):
    """The texts of `place` of which a condition holds; make it with `product`."""

    __slots__ = ("condition", "is_alive", "place")

    def __init__(self, place: Term, condition: Condition) -> None:
        self.place = place
        self.condition = condition
        self.is_alive: bool | None = None
        """Has it a text?  None: nobody has asked."""
        if isinstance(condition, bool) or is_positive(condition) or place is EPSILON:
            self.is_alive = condition is not False
        first = place.first
        for factor in self.counted:
            first &= factor.first
        largest = max([factor.largest for factor in self.counted], default=0)
        self._register(place.nullable and condition is True, plain=False, largest=largest, first=first)

    def __repr__(self) -> str:
        return f"Product({self.place!r}, {self.condition!r})"

    @property
    def term(self) -> Term:
        """The same language, as a factor alone or the place alone if it is one."""
        if self.condition is True:
            return self.place
        if self.condition is False:
            return EMPTY
        return self.condition if isinstance(self.condition, Term) and is_positive(self.condition) else self

    @property
    def nonempty(self) -> bool:
        """Has it a text?

        Raises LimitExceeded when the budget in force is spent.
        """
        if self.is_alive is None:
            if type(self.condition) is Connective and self.condition.kind == "any":
                self.is_alive = any(_product(self.place, part).nonempty for part in self.condition.parts)
            else:
                self.is_alive = _has_text(self)
        return self.is_alive

    def steps(self) -> tuple[Step, ...]:
        """The products behind each byte, those without a text among them unless that is plain."""
        found = _steps.get(self.id)
        if found is None:
            found = _steps[self.id] = tuple(_find_steps(self))
        return found

    def derivative(self, byte: int) -> Term:
        return next((after.term for mask, after in self.steps() if mask >> byte & 1), EMPTY)

    def _find_ways(self, within: int) -> Iterable[Way]:
        ways: dict[Term, int] = {}
        for mask, after in self.steps():
            if self.is_alive and after.id not in _within:
                _compare(self, mask, after)
            if mask & within:
                ways[after.term] = ways.get(after.term, 0) | mask & within
        return [(mask, after) for after, mask in ways.items()]

    def with_counts(self, changed: Callable[[Term], Term]) -> Term:
        """The same with something else for each of its `counted` factors."""
        parts = parts_of(self.condition, "all")
        return product(
            self.place,
            all_of(changed(part) if isinstance(part, Term) and is_positive(part) else part for part in parts),
        ).term

    @property
    def apart(self) -> list[Product]:
        """Products of each of the `counted` factors alone."""
        return [_product(self.place, factor) for factor in self.counted]

    @property
    def counted(self) -> tuple[Term, ...]:
        """The factors that all texts match: those in no complement, and in no connective but the first."""
        parts = parts_of(self.condition, "all")
        return tuple(part for part in parts if isinstance(part, Term) and is_positive(part))


_steps: Final[dict[int, tuple[Step, ...]]] = {}
"""By id.  Products do not hold their own, for many lead to themselves: that would be a circle."""
_within: Final[dict[int, Product]] = {}
"""By id: a product that has a text, and none that this one has not."""
at_end(_steps.clear)
at_end(_within.clear)


def product(universe: Term, condition: Condition) -> Product:
    """The texts of `universe` of which the condition holds; its factors are languages within the universe.

    >>> from constrain.regular.queries import accepts
    >>> from constrain.regular.syntax import regex_term
    >>> universe, some_a = regex_term('[abc]*"'), regex_term('[abc]*a[abc]*"')
    >>> both = product(universe, all_of([some_a, regex_term('[abc]*b[abc]*"')]))
    >>> accepts(both, b'cab"'), accepts(both, b'ca"'), product(universe, some_a).term is some_a
    (True, False, True)
    """
    here = {factor: _factor(factor, universe) for factor in factors_of(condition)}
    return _product(universe, replaced(condition, here))


def at_place(term: Term, place: Term) -> Product:
    """The product that `term`, the term of a product at a place, is of."""
    return term if isinstance(term, Product) else _product(place, term is place or term)


def _product(place: Term, condition: Condition) -> Product:
    key = (Product, place.id, int(condition) - 2 if isinstance(condition, bool) else condition.id)
    return intern(key, Product, place, condition)  # type: ignore[return-value]


def _factor(factor: Term, place: Term) -> Condition:
    """A factor, as it is known at a place."""
    if factor is EMPTY:
        return False
    if factor is place:
        return True
    if place is EPSILON:
        return factor.nullable
    if type(factor) is Choice and place in factor.members:
        return True
    return factor if factor.plain or not is_empty(factor) else False


def _find_steps(here: Product) -> Iterator[Step]:
    factors = factors_of(here.condition)
    spend(1 + len(factors))
    # Most bytes are refused by a factor that all texts match, and nothing need be known of the others there.
    pieces: list[Piece] = [(common, (to,)) for mask, to in here.place.ways() if (common := mask & here.first)]
    for factor in factors:
        pieces = cut(pieces, factor.ways())
    found: dict[Product, int] = {}
    for mask, (place, *left) in pieces:
        spend(3 * len(factors))  # to look up, to replace, and to ask how far each is from its end
        after = {factor: _factor(to, place) for factor, to in zip(factors, left, strict=True)}
        condition = replaced(here.condition, after)
        if condition is not False:
            to_product = _product(place, condition)
            found[to_product] = found.get(to_product, 0) | mask
    return ((mask, after) for after, mask in found.items())


def _compare(before: Product, mask: int, after: Product) -> None:
    """Note a product within `after`, which is behind the bytes of a set, if there plainly is one."""
    inner = _within.get(before.id, before)
    if before.place is after.place and before is not after and _contains(after.condition, before.condition):
        _within[after.id] = inner
        after.is_alive = True
    elif inner is not before:
        smaller = next((to for its_mask, to in inner.steps() if its_mask & mask & -mask), after)
        if smaller is not after and smaller.nonempty:
            _within[after.id] = smaller
            after.is_alive = True


def _contains(wide: Condition, narrow: Condition) -> bool:
    """Is it plain that one condition holds wherever another one does?"""
    spend()
    if type(wide) is Connective and wide.kind == "all":
        held = parts_of(narrow, "all")
        return all(part in held or any(_contains(part, other) for other in held) for part in wide.parts)
    if type(narrow) is Connective and narrow.kind == "any":
        allowed = parts_of(wide, "any")
        return all(
            part in allowed or any(_contains(other, part) for other in allowed) for part in narrow.parts
        )
    if type(wide) is Connective and wide.kind == "any":
        return narrow in wide.parts or any(_contains(part, narrow) for part in wide.parts)
    if isinstance(wide, Complement) and isinstance(narrow, Complement):
        return _contains(narrow.body, wide.body)
    if wide is narrow or wide is True:
        return True
    if type(wide) is not Choice or not isinstance(narrow, Term):
        return False
    return narrow in wide.members or (type(narrow) is Choice and set(narrow.members) <= set(wide.members))


# Is there a text?


def plainly_empty(start: Product) -> bool:
    """Is it seen among FEW products that there is none?"""
    return start.is_alive is False or (
        start.is_alive is None and _search(start, FEW, _newest_first, _steps_of) is False
    )


def _has_text(start: Product) -> bool:
    found = _search(start, FEW, _newest_first, _steps_of)
    if found is None:
        found = _search(start, SOME, _nearest_first, _steps_of)
    if found is None:
        wider = start.with_counts(outlined)
        found = False if wider is not start and is_empty(wider) else None
    return bool(_search(start, None, _nearest_first, _splits_or_steps_of)) if found is None else found


def _search(
    start: Product,
    most: int | None,
    order: Callable[[Product, int], int],
    successors: Callable[[Product], Iterable[Product]],
) -> bool | None:
    """Has `start` a text?  None if that is not known when so many products have been met."""
    number = count()
    parent: dict[Product, Product | None] = {start: None}
    heap = [(0, next(number), start)]
    while heap:
        _, _, here = heappop(heap)
        if most is not None and len(parent) > most:
            return None
        spend()
        for after in successors(here):
            if after in parent or after.is_alive is False:
                continue
            parent[after] = here
            if after.is_alive:
                at: Product | None = after
                while at is not None:
                    at.is_alive = True
                    at = parent[at]
                return True
            met = next(number)
            heappush(heap, (order(after, met), met, after))
    for seen in parent:
        seen.is_alive = False
    return False


def _newest_first(here: Product, met: int) -> int:
    return -met


def _nearest_first(here: Product, met: int) -> int:
    return condition_distance(here.condition)


def _steps_of(here: Product) -> Iterable[Product]:
    return [after for _, after in here.steps()]


def _splits_or_steps_of(here: Product) -> Iterable[Product]:
    return alternatives(here) or _steps_of(here)


def alternatives(here: Product) -> list[Product]:
    """Products that hold together what `here` holds: one for each alternative of the first part with any."""
    parts = parts_of(here.condition, "all")
    for number, part in enumerate(parts):
        each: tuple[Condition, ...] = ()
        if type(part) is Choice:
            each = tuple(_factor(member, here.place) for member in part.members)
        elif type(part) is Connective and part.kind == "any":
            each = part.parts
        if each:
            others = (*parts[:number], *parts[number + 1 :])
            return [
                _product(here.place, condition)
                for one in each
                if (condition := all_of([one, *others])) is not False
            ]
    return []


# How far is it to the end?


def condition_distance(condition: Condition) -> int:
    """A guess, and one that comes down on the way: the bytes to the end of each factor, in sum."""
    if isinstance(condition, bool) or type(condition) is Complement:
        return 0
    if isinstance(condition, Term):
        return distance(condition)
    each = map(condition_distance, condition.parts)
    if condition.kind == "all":
        return sum(each)
    return 0 if condition.kind == "not one" else min(each)

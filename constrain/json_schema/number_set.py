"""Which numbers does a conjunction of bounds and multiples leave, and does it leave any?

A set of numbers is a line cut into stretches; on each stretch stands what else is asked of the numbers
there, as alternatives of the form "a multiple of m, and of none of n1, n2, ...":

    minimum 0, exclusiveMaximum 10, multipleOf 2, not multipleOf 3

        ────────────[0───────────────────10)────────────
          nothing     2 | x, not 3 | x       nothing          = {2, 4, 8}

Union, intersection and complement walk two such lines together and combine what stands on each stretch.
All arithmetic is exact, in fractions: 0.3 is a multiple of 0.1 here.

Is anything left?  A clause's numbers are m·k for whole k.  m·k is a multiple of n exactly when k is one
of q = lcm(m, n) / m, and q > 1 (else the clause is empty as it stands).  So the question is whether a
range of whole numbers holds one that none of q1..qr divides, and it is soon answered: of 2^r whole numbers
in a row at least one is free (Kanold, "Über Primzahlen in arithmetischen Folgen", 1965, for primes;
every q has a prime factor, whose multiples cover those of q).  Searching upward from the lower end
therefore needs no limit of its own, and for a handful of multiples ends within a few steps.

Cost: operations are linear in the number of stretches; alternatives multiply under intersection and
are capped by MAX_CLAUSES.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from constrain.budget import spend
from constrain.errors import LimitExceeded

#: A place between numbers: (v, 0) is just before v, (v, 1) just after it.
Cut = tuple[Fraction | float, int]
BOTTOM: Cut = (-math.inf, 0)
TOP: Cut = (math.inf, 0)

MAX_CLAUSES = 1000


@dataclass(frozen=True, slots=True)
class Clause:
    """Multiples of `modulus` (None: all numbers) that are multiples of none of `excluded`."""

    modulus: Fraction | None = None
    excluded: frozenset[Fraction] = frozenset()

    @classmethod
    def build(cls, modulus: Fraction | None, excluded: Iterable[Fraction]) -> Clause | None:
        """The tidied clause, or None where it admits nothing."""
        tidy: list[Fraction] = []
        excluded = tuple(excluded)
        spend(1 + len(excluded) + (len(excluded) * len(excluded) >> 1))
        for n in sorted(n if modulus is None else lcm(modulus, n) for n in excluded):
            if n == modulus:
                return None
            if not any(is_multiple(n, smaller) for smaller in tidy):
                tidy.append(n)
        return cls(modulus, frozenset(tidy))

    def meet(self, other: Clause) -> Clause | None:
        """What both admit."""
        if self.modulus is None or other.modulus is None:
            modulus = self.modulus if other.modulus is None else other.modulus
        else:
            modulus = lcm(self.modulus, other.modulus)
        return Clause.build(modulus, self.excluded | other.excluded)

    def complement(self) -> Condition:
        """What the clause does not admit."""
        outside = set() if self.modulus is None else {Clause(None, frozenset({self.modulus}))}
        return frozenset(outside | {Clause(n) for n in self.excluded})

    def admits(self, value: Fraction) -> bool:
        """Whether a number satisfies the clause."""
        if self.modulus is not None and not is_multiple(value, self.modulus):
            return False
        return not any(is_multiple(value, n) for n in self.excluded)

    def numbers(self, start: Cut, end: Cut) -> Iterator[Fraction]:
        """The admitted numbers between two cuts, upward (downward, or outward, where a side is open).

        Only for a clause with a modulus; ends only where the stretch is bounded.
        """
        assert self.modulus is not None, "a clause without modulus has no first number"
        # k is a multiple of a fraction in lowest terms where it is one of the numerator.
        steps = [(n / self.modulus).numerator for n in self.excluded]
        for k in _whole_numbers(start, end, self.modulus):
            spend(1 + (len(steps) >> 3))
            if not any(k % q == 0 for q in steps):
                yield k * self.modulus


#: Alternatives: a number is admitted when one of the clauses admits it.
Condition = frozenset[Clause]
NOTHING: Condition = frozenset()
ANYTHING: Condition = frozenset({Clause()})


@dataclass(frozen=True, slots=True)
class NumberSet:
    """A set of numbers: `conditions[i]` holds between `cuts[i-1]` and `cuts[i]`."""

    cuts: tuple[Cut, ...]
    conditions: tuple[Condition, ...]

    @classmethod
    def all(cls) -> NumberSet:
        """Every number."""
        return cls((), (ANYTHING,))

    @classmethod
    def empty(cls) -> NumberSet:
        """No number."""
        return cls((), (NOTHING,))

    @classmethod
    def at_least(cls, value: Fraction) -> NumberSet:
        """`minimum`."""
        return cls(((value, 0),), (NOTHING, ANYTHING))

    @classmethod
    def above(cls, value: Fraction) -> NumberSet:
        """`exclusiveMinimum`."""
        return cls(((value, 1),), (NOTHING, ANYTHING))

    @classmethod
    def at_most(cls, value: Fraction) -> NumberSet:
        """`maximum`."""
        return cls(((value, 1),), (ANYTHING, NOTHING))

    @classmethod
    def below(cls, value: Fraction) -> NumberSet:
        """`exclusiveMaximum`."""
        return cls(((value, 0),), (ANYTHING, NOTHING))

    @classmethod
    def multiple_of(cls, modulus: Fraction) -> NumberSet:
        """`multipleOf`; the modulus is positive."""
        if modulus <= 0:
            raise ValueError(f"multipleOf must be above 0, not {modulus}")
        return cls((), (frozenset({Clause(modulus)}),))

    @classmethod
    def integers(cls) -> NumberSet:
        """The whole numbers."""
        return cls.multiple_of(Fraction(1))

    @classmethod
    def values(cls, numbers: Iterable[Fraction]) -> NumberSet:
        """Exactly these numbers."""
        cuts: list[Cut] = []
        conditions = [NOTHING]
        distinct = set(numbers)
        spend(2 * len(distinct))
        for number in sorted(distinct):
            cuts += [(number, 0), (number, 1)]
            conditions += [ANYTHING, NOTHING]
        return cls(tuple(cuts), tuple(conditions))

    def __and__(self, other: NumberSet) -> NumberSet:
        return self._combine(other, _meet)

    def __or__(self, other: NumberSet) -> NumberSet:
        return self._combine(other, _join)

    def __sub__(self, other: NumberSet) -> NumberSet:
        return self & other.complement()

    def complement(self) -> NumberSet:
        """Every other number."""
        spend(len(self.cuts))
        return NumberSet(self.cuts, tuple(_complement(c) for c in self.conditions))

    def negated(self) -> NumberSet:
        """The set of -x for every x in this one."""
        spend(len(self.cuts))
        cuts = tuple((-value, 1 - side) for value, side in reversed(self.cuts))
        return NumberSet(cuts, self.conditions[::-1])

    def stretches(self) -> Iterator[tuple[Cut, Cut, Condition]]:
        """The stretches on which something is admitted by its condition, from low to high."""
        spend(len(self.cuts) >> 3)
        edges = (BOTTOM, *self.cuts, TOP)
        for start, end, condition in zip(edges, edges[1:], self.conditions, strict=False):
            if condition:
                yield start, end, condition

    def contains(self, value: Fraction) -> bool:
        """Whether a number is in the set."""
        condition = self.conditions[bisect_right(self.cuts, (value, 0))]
        return any(clause.admits(value) for clause in condition)

    def is_empty(self) -> bool:
        """Whether no number is in the set.  Exact."""
        return not any(has_number(*stretch) for stretch in self.stretches())

    def witness(self) -> Fraction | None:
        """Some number of the set that can be written in decimals, or None when it is empty."""
        return next((found for s in self.stretches() if (found := _first_number(*s)) is not None), None)

    def finite_values(self, limit: int) -> list[Fraction] | None:
        """All numbers of the set, sorted, if there are at most `limit`; else None."""
        found: set[Fraction] = set()
        spend(len(self.cuts) >> 1)
        for start, end, condition in self.stretches():
            for clause in condition:
                numbers = _clause_numbers(clause, start, end)
                if numbers is None:
                    return None
                found.update(islice(numbers, limit + 1))
                if len(found) > limit:
                    return None
        return sorted(found)

    def cardinality(self, cap: int) -> int | None:
        """How many numbers the set has, if at most `cap`; else None."""
        found = self.finite_values(cap)
        return None if found is None else len(found)

    def _combine(self, other: NumberSet, join: Callable[[Condition, Condition], Condition]) -> NumberSet:
        spend(4 * (len(self.cuts) + len(other.cuts)))
        cuts: list[Cut] = []
        conditions = [join(self.conditions[0], other.conditions[0])]
        i = j = 0
        for cut in sorted({*self.cuts, *other.cuts}):
            i += i < len(self.cuts) and self.cuts[i] == cut
            j += j < len(other.cuts) and other.cuts[j] == cut
            condition = join(self.conditions[i], other.conditions[j])
            if condition != conditions[-1]:
                cuts.append(cut)
                conditions.append(condition)
        return NumberSet(tuple(cuts), tuple(conditions))


def lcm(a: Fraction, b: Fraction) -> Fraction:
    """The least positive number that is a whole multiple of both.

    >>> lcm(Fraction("0.4"), Fraction("0.6"))
    Fraction(6, 5)
    """
    left, right = a.numerator * b.denominator, b.numerator * a.denominator
    return Fraction(math.lcm(left, right), a.denominator * b.denominator)


def is_multiple(value: Fraction, modulus: Fraction) -> bool:
    """Whether a number is a whole multiple of another."""
    return (value.numerator * modulus.denominator) % (value.denominator * modulus.numerator) == 0


def has_number(start: Cut, end: Cut, condition: Condition) -> bool:
    """Whether a stretch holds a number that its condition admits."""
    if start >= end:
        return False
    point = start[0] == end[0]
    for clause in condition:
        if clause.modulus is not None:
            if next(clause.numbers(start, end), None) is not None:
                return True
        elif not point or clause.admits(Fraction(start[0])):
            return True
    return False


def _clause_numbers(clause: Clause, start: Cut, end: Cut) -> Iterator[Fraction] | None:
    """The numbers of a clause on a stretch, or None when there are infinitely many."""
    if start[0] == end[0]:
        value = Fraction(start[0])
        return iter([value] if clause.admits(value) else [])
    if clause.modulus is None or math.inf in (end[0], -start[0]):
        return None
    return clause.numbers(start, end)


def _first_number(start: Cut, end: Cut, condition: Condition) -> Fraction | None:
    for clause in condition:
        if start[0] == end[0]:
            value = Fraction(start[0])
            if clause.admits(value):
                return value
            continue
        grid = clause if clause.modulus is not None else None
        fineness = 0
        while grid is None:
            # Some grid of decimals is fine enough to have a number here that is no excluded multiple.
            candidate = clause.meet(Clause(Fraction(1, 10**fineness)))
            if candidate is not None and next(candidate.numbers(start, end), None) is not None:
                grid = candidate
            fineness += 1
        found = next(grid.numbers(start, end), None)
        if found is not None:
            return found
    return None


def _whole_numbers(start: Cut, end: Cut, unit: Fraction) -> Iterator[int]:
    """The whole k for which k * unit lies between two cuts."""
    low = None if start[0] == -math.inf else _ceiling(start, unit)
    high = None if end[0] == math.inf else _ceiling(end, unit) - 1
    if low is not None:
        k = low
        while high is None or k <= high:
            yield k
            k += 1
    elif high is not None:
        k = high
        while True:
            yield k
            k -= 1
    else:
        yield 0
        k = 1
        while True:
            yield from (k, -k)
            k += 1


def _ceiling(cut: Cut, unit: Fraction) -> int:
    """The least whole k for which k * unit lies after the cut."""
    quotient = Fraction(cut[0]) / unit
    return math.floor(quotient) + 1 if cut[1] else math.ceil(quotient)


def _meet(left: Condition, right: Condition) -> Condition:
    return _tidy(met for a in left for b in right if (met := a.meet(b)) is not None)


def _join(left: Condition, right: Condition) -> Condition:
    return _tidy((*left, *right))


def _complement(condition: Condition) -> Condition:
    result = ANYTHING
    for clause in condition:
        result = _meet(result, clause.complement())
    return result


def _tidy(clauses: Iterable[Clause]) -> Condition:
    """Drop each clause that another one covers; to make what two of them admit spends for the pair."""
    kept = set(clauses)
    if len(kept) > MAX_CLAUSES:
        raise LimitExceeded(
            f"the multipleOf conditions on one number make more than MAX_CLAUSES={MAX_CLAUSES} alternatives",
            hint="combine fewer of them under anyOf, oneOf or not",
        )
    if Clause() in kept:
        return ANYTHING
    return frozenset(c for c in kept if not any(c is not d and c != d and c.meet(d) == c for d in kept))

"""What does a set of numbers have in the window [M·10^x, (M+1)·10^x), seen from the window?

`numbers` asks this for every digit of every token, so it is answered here in whole numbers alone, without
a fraction being made.  Divided by 10^x and moved by M, the window is [0, 1), and a bound or a multiple
lies at v / 10^x - M.  With v = n/d, and 10^x = up/down (one of the two is 1):

    v / 10^x - M  =  (n·down - M·d·up) / (d·up)

    1000, from M = 12:   x = 1: 1000/10 - 12 = 88, beyond the window     x = 2: 1000/100 - 12 = -2, before it
          from M = 9:    x = 2: 1000/100 - 9 = 1, beyond                 x = 3: 1000/1000 - 9 = -8, before it

Of the multiples of p/q in a window that has two or more, only their residue counts, M mod P/Q for
P/Q = p·down / q·up, and it is (M·Q mod P) / Q.  Parts of windows are compared to tell states apart, so
fractions are kept as reduced pairs, and the tuples made of them are equal when the parts are.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from constrain.json_schema.number_set import ANYTHING, TOP, Clause, Condition, Cut, NumberSet
from constrain.regular.keeping import remember

#: The digits of a whole number that is written without a point: any of 64 bits, with a sign or without.
WHOLE_DIGITS = 20
#: A set described by numbers so near to that many digits may have more.
SPARE_WHOLE = 2
#: Digits beyond those of a description: enough for a thousand million numbers in its smallest gap.
SPARE = 9
#: A stretch is wide where its length is not less than 10^-11 of its end: a million numbers have 17 digits.
WIDE = 11
#: Larger than any shift: the end of a range that has none.
FOREVER = 10**9
_ZERO = Fraction(0)
_LOG_10_OF_2 = math.log10(2)

#: A place between numbers, in whole numbers: numerator, denominator, and 1 if after the number.
_Place = tuple[int, int, int]
#: A fraction above or at 0, reduced: numerator and denominator.
_Ratio = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Multiples:
    """A clause in whole numbers: multiples of `modulus`, and of none of `excluded`, its `steps`-fold."""

    modulus: _Ratio | None
    excluded: tuple[_Ratio, ...]
    steps: tuple[int, ...]

    @classmethod
    def build(cls, clause: Clause) -> _Multiples:
        excluded = sorted(clause.excluded)
        steps = () if clause.modulus is None else tuple((n / clause.modulus).numerator for n in excluded)
        modulus = None if clause.modulus is None else clause.modulus.as_integer_ratio()
        return cls(modulus, tuple(n.as_integer_ratio() for n in excluded), steps)

    def admits(self, numerator: int, denominator: int) -> bool:
        """Whether a number satisfies the clause."""
        if self.modulus is not None and numerator * self.modulus[1] % (denominator * self.modulus[0]):
            return False
        return all(numerator * q % (denominator * p) for p, q in self.excluded)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Numbers above 0 between two places (`end` is None where there is no bound), under a condition."""

    start: _Place
    end: _Place | None
    clauses: tuple[_Multiples, ...]
    plain: bool
    #: How many digits its numbers may have behind the point, where 17 significant ones are not enough.
    places: int | None
    #: From this x on, a window within the stretch holds two numbers of each clause, and of each it excludes.
    settled: int

    @classmethod
    def build(cls, start: Cut, end: Cut, condition: Condition) -> Stretch:
        return cls(
            _place(start),
            None if end == TOP else _place(end),
            tuple(map(_Multiples.build, condition)),
            condition == ANYTHING,
            _needed_places(start, end, condition),
            _settled(condition),
        )

    def shifts(self, digits: int, least: int, greatest: int) -> tuple[range, int, int]:
        """The x whose window may meet the stretch; and from which to which one it lies wholly inside."""
        low = max(least, first_shift(digits + 1, self.start, least))
        inner = max(low, first_shift(digits, self.start, low), self.settled)
        if self.end is None:
            return range(low, greatest + 1), inner, greatest
        high = min(greatest, first_shift(digits, self.end, low) - 1)
        return range(low, high + 1), inner, min(greatest, _last_full(digits + 1, self.end, low))

    def contains(self, digits: int, shift: int) -> bool:
        """Whether digits·10^shift is in."""
        up, down = _scale(shift)
        n, d, side = self.start
        if (distance := digits * up * d - n * down) < 0 or (side and distance == 0):
            return False
        if self.end is not None:
            n, d, side = self.end
            if (distance := digits * up * d - n * down) > 0 or (not side and distance == 0):
                return False
        return self.plain or any(clause.admits(digits * up, down) for clause in self.clauses)

    def spells(self, digits: int, shift: int, left: int | None) -> bool:
        """Whether digits·10^shift is in, and has no more digits than there is `room` for; multiples may."""
        if not self.contains(digits, shift):
            return False
        if left is None or self.room(shift, left) >= 0:
            return True
        up, down = _scale(shift)
        return any(clause.modulus is not None and clause.admits(digits * up, down) for clause in self.clauses)

    @property
    def is_wide(self) -> bool:
        """Is it plain, with millions of numbers of 17 significant digits?"""
        return self.plain and self.places is None

    def room(self, shift: int, left: int) -> int:
        """How many digits may follow digits·10^shift, where `left` significant ones are left; below 0: none.

        Where the stretch is narrow, or some of its numbers are excluded, all the digits of its description
        and a few more.
        """
        return left if self.places is None else max(left, self.places + shift)

    def within(self, digits: int, shift: int, *, idle: bool, left: int | None = None) -> Hashable:
        """The stretch's part in the window of digits·10^shift, seen from there; falsy if it is empty.

        `idle` leaves out the window's first number.  With `left`, numbers that take more digits than there
        is `room` for are left out, but not multiples.
        """
        room = None if left is None else self.room(shift, left)
        up, down = _scale(shift)
        n, d, side = self.start
        start = (n * down - digits * d * up, d * up, side)
        if start[0] < 0 or (start[0] == 0 and side < idle):
            start = (0, 1, int(idle))
        elif start[0] >= start[1]:
            return None
        end = (1, 1, 0)
        if self.end is not None:
            n, d, side = self.end
            if (numerator := n * down - digits * d * up) < d * up:
                end = (numerator, d * up, side)
        low, high = start[0] * end[1], end[0] * start[1]
        if low > high or (low == high and start[2] >= end[2]):
            return None
        if self.plain and room is not None and not _on_grid(start, end, room):
            return None
        edges = (*_reduced(*start[:2]), start[2], *_reduced(*end[:2]), end[2])
        if self.plain:
            return edges
        window = _Window(digits, up, down, start, end, edges)
        parts: set[Hashable] = set()
        for clause in self.clauses:
            wanted: Hashable
            if clause.modulus is not None:
                wanted = window.multiples(clause.modulus, clause.steps)
            elif low != high and (room is None or room > 0):
                wanted = edges
            elif low != high:  # no digit may follow: the window's first number, or nothing
                n, d, side = start
                is_first = room == 0 and n == side == 0
                wanted = (0, 1) if is_first and clause.admits(digits * up, down) else None
            else:  # a single point
                n, d, _ = start
                is_in = (room is None or room >= 0) and clause.admits((digits * d + n) * up, d * down)
                wanted = _reduced(n, d) if is_in else None
            if wanted:
                excluded = (window.multiples(modulus, ()) for modulus in clause.excluded)
                parts.add((wanted, frozenset(filter(None, excluded))))
        return frozenset(parts)


@dataclass(frozen=True, slots=True)
class _Window:
    """The window of digits·10^x (10^x is up/down), and which part of it is looked at."""

    digits: int
    up: int
    down: int
    start: _Place
    end: _Place
    edges: Hashable

    def multiples(self, modulus: _Ratio, steps: tuple[int, ...]) -> Hashable:
        """Those of the modulus, but no `steps`-fold: the only one, or the residue of many; falsy if none."""
        p, q = modulus[0] * self.down, modulus[1] * self.up
        ks = range(self._first_multiple(self.start, p, q), self._first_multiple(self.end, p, q))
        few = [*islice((k for k in ks if all(k % step for step in steps)), 2)] if steps else ks[:2]
        if not few:
            return None
        if len(few) == 1:
            return _reduced(few[0] * p - self.digits * q, q)
        return (*_reduced(p, q), *_reduced(self.digits * q % p, q), self.edges)

    def _first_multiple(self, place: _Place, p: int, q: int) -> int:
        """The least whole k for which k·p/q - digits lies after a place."""
        n, d, side = place
        numerator, denominator = (n + self.digits * d) * q, d * p
        return numerator // denominator + 1 if side else -(-numerator // denominator)


@dataclass(frozen=True, slots=True, eq=False)
class Magnitudes:
    """The absolute values wanted: as a set, and above 0 as stretches that are plain or periodic.

    Below its smallest modulus a periodic stretch is plain (all of it, or nothing), and cut off as such.
    """

    numbers: NumberSet
    stretches: tuple[Stretch, ...]
    #: How many digits one without a point may have.
    whole_digits: int

    @classmethod
    def build(cls, numbers: NumberSet) -> Magnitudes:
        stretches = tuple(_above_zero(numbers))
        largest = max((part for stretch in stretches for part in _described(*stretch)), default=_ZERO)
        needed = len(str(int(largest))) + SPARE_WHOLE
        whole_digits = WHOLE_DIGITS if needed <= WHOLE_DIGITS else needed + SPARE
        return cls(numbers, tuple(Stretch.build(*stretch) for stretch in stretches), whole_digits)

    def spells(self, digits: int, shift: int, left: int | None) -> bool:
        """Whether digits·10^shift is in, with no more digits than it may have (`Stretch.spells`)."""
        if digits == 0:
            return self.numbers.contains(_ZERO)
        return any(stretch.spells(digits, shift, left) for stretch in self.stretches)


@remember(1024)
def prepared(numbers: NumberSet) -> Magnitudes:
    """A set of magnitudes, made ready for its windows."""
    return Magnitudes.build(numbers)


def _above_zero(numbers: NumberSet) -> Iterator[tuple[Cut, Cut, Condition]]:
    for low, end, condition in numbers.stretches():
        start = max(low, (_ZERO, 1))
        moduli = [m for clause in condition for m in (clause.modulus, *clause.excluded) if m is not None]
        if moduli and start < (finest := min(moduli), 0):
            middle: Cut = min((finest, 0), end)
            if start < middle and any(clause.modulus is None for clause in condition):
                yield start, middle, ANYTHING
            start = middle
        if start < end:
            yield start, end, condition


def _described(start: Cut, end: Cut, condition: Condition) -> Iterator[Fraction]:
    """The numbers that a stretch is described by."""
    yield from (cut[0] for cut in (start, end) if isinstance(cut[0], Fraction))
    for clause in condition:
        yield from clause.excluded
        if clause.modulus is not None:
            yield clause.modulus


def _needed_places(start: Cut, end: Cut, condition: Condition) -> int | None:
    """How many digits behind the point are always enough; None where 17 significant digits are.

    They are in a stretch that is plain and wide: it has millions of numbers with so few digits.
    """
    (low, _), (high, _) = start, end
    is_wide = not isinstance(high, Fraction) or (high - low) * 10**WIDE >= high
    if condition == ANYTHING and is_wide:
        return None
    places = (decimal_places(number) for number in _described(start, end, condition))
    return SPARE + max((found for found in places if found is not None), default=0)


def decimal_places(number: Fraction) -> int | None:
    """How many digits a number has behind the point; None if they never end."""
    twos, rest = 0, number.denominator
    while rest % 2 == 0:
        twos, rest = twos + 1, rest // 2
    fives = 0
    while rest % 5 == 0:
        fives, rest = fives + 1, rest // 5
    return max(twos, fives) if rest == 1 else None


def _on_grid(start: _Place, end: _Place, room: int) -> bool:
    """Is there a number of so many digits behind the point between two places of a window?"""
    if room < 0:
        return False
    scale = 10**room
    n, d, side = start
    first = n * scale // d + 1 if side else -(-n * scale // d)
    n, d, side = end
    return first * d < n * scale or (side == 1 and first * d == n * scale)


def _place(cut: Cut) -> _Place:
    assert isinstance(cut[0], Fraction), "only the last stretch has no bound"
    return (*cut[0].as_integer_ratio(), cut[1])


def _settled(condition: Condition) -> int:
    if condition == ANYTHING:
        return -FOREVER
    widths = [Fraction(1)]
    for clause in condition:
        widths += [2 * n for n in clause.excluded]
        if clause.modulus is not None:
            widths.append(clause.modulus * 2 ** (len(clause.excluded) + 1))
    return first_shift(1, _place((max(widths), 0)), 0)


def _reduced(numerator: int, denominator: int) -> _Ratio:
    common = math.gcd(numerator, denominator)
    return numerator // common, denominator // common


def first_shift(digits: int, place: _Place, least: int) -> int:
    """The smallest x, from `least` on, for which digits·10^x is not before the place."""
    numerator, denominator, side = place
    if numerator <= 0:
        return least
    bits = numerator.bit_length() - denominator.bit_length() - digits.bit_length()
    shift = max(least, math.floor(bits * _LOG_10_OF_2) - 2)
    left, right = digits * denominator, numerator + side  # whole numbers: "after v" is "from v + 1 on"
    if shift >= 0:
        left *= 10**shift
        while left < right:
            left, shift = 10 * left, shift + 1
        return shift
    right = 10**-shift * numerator + side
    while left < right:
        if shift < 0:
            right = 10 ** -(shift + 1) * numerator + side
        else:
            left *= 10
        shift += 1
    return shift


def _last_full(digits: int, place: _Place, least: int) -> int:
    """The greatest x for which digits·10^x is not after the place."""
    return first_shift(digits, (place[0], place[1], 1), least - 1) - 1


def _scale(shift: int) -> _Ratio:
    """10^shift as a ratio of whole numbers."""
    return (10**shift, 1) if shift >= 0 else (1, 10**-shift)

"""Which texts spell a number of a given set?

Digits arrive one at a time, and after each the question is what may follow.  After `12` of a number
between 0 and 1000, one more digit may come, or a decimal point; of a multiple of 5, only `0` or `5` may
end it.  A state here is not the text so far but what the text leaves open: after M = 12, x more digits
before the point make the number one of the *window* [M·10^x, (M+1)·10^x), and what matters of the set is
its part in each window, moved and scaled to [0, 1):

    0..1000, after 12:    x = 0: all of [12, 13)     x = 1: all of [120, 130)     x = 2: nothing
             after 57:    x = 0: all                 x = 1: all                   x = 2: nothing    the same
             after 100:   x = 0: all                 x = 1: only 1000, t = 0                        another

Two texts that leave the same open are one state, which is how 0..1000000 comes to a few tens of states
instead of a million.  Multiples fit in: of the multiples of m in a window only the residue of M·10^x
counts, again scaled.  A window wholly beyond the last bound tells all about the larger ones, so finitely
many windows are looked at.  A state from which no window holds a number is dead, at once and exactly.

Four forms of writing share this one mechanism and differ in which windows a text may still reach:

    INTEGER      12, -7, 0                               x = 0, 1, 2, ...
    DECIMAL      12.0, 3.50, 0.00001     as people do    up to 16 digits before the point
    SCIENTIFIC   1e-07, 1.5e+22          json.dumps      one window for each exponent
    ANY          1, 1.0, 10e-1, 0.1E+1   RFC 8259        one window for each exponent

Canonical numbers are the first three together: what Python's json.dumps writes for ints and floats, and
what people write for prices and measures, `3.50` and `10.00`.  A model that means 3.50 and may write `3.5` or
`3.501` but not `3.50` ends up at `3.5000000000000005`.

*Digits do not run on.*  A canonical text has at most 17 significant digits with a point, which is as many as
a double tells apart, and 20 without one, which is any whole number of 64 bits; but a set whose numbers need
more has more (`Stretch.room`, `Magnitudes.whole_digits`).  Idle zeros count: they are written within the 17.

Source: RFC 8259, section 6 (grammar); CPython's float.__repr__ (format code 'r': exponents below -4 and
from 16 on); Nerode, "Linear automaton transformations" (1958), for states as what remains open.
We depart from it in three ways:
1. In "any", written exponents run from -400 to 400.  Without a bound, "equal values are in or out
   together" is not a regular language; beyond it lies no double (10^308), and a larger number can
   still be spelled with its digits.  An exponent may carry leading zeros, 1e007.
2. In "canonical", exponents run from -324 to 308, those of the doubles; 0 < |x| < 1e-324 has no spelling.
3. `-0` is no canonical text, `-0.0` is one: json.dumps writes the latter only.
Cost: tens of states for bounds and for small multiples; in "any" and SCIENTIFIC, multiples make one
state for most texts, found lazily.  Value-level questions are `number_set`'s.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from functools import cache, lru_cache
from itertools import chain
from typing import Literal

from constrain.budget import spend
from constrain.json_schema.number_set import NumberSet
from constrain.json_schema.number_windows import FOREVER, Magnitudes, decimal_places, prepared
from constrain.regular.byte_sets import ALL_BYTES
from constrain.regular.keeping import remember
from constrain.regular.leaf import Leaf, intern_leaf
from constrain.regular.terms import (
    EMPTY,
    Term,
    choice,
    concat,
    literal,
    literals,
    optional,
    repeat,
    star,
)

__all__ = ["NumberSet", "NumberSpace", "number_space"]

Spelling = Literal["canonical", "any"]
ANY_EXPONENT = 400
_ZERO = Fraction(0)
_STEPS = 10
"""What a derivative here counts against the budget: it is exact arithmetic, and slower than most."""


class Form(Enum):
    """One way of writing numbers."""

    INTEGER = "plain digits, and no -0"
    LEXICAL = "plain digits"
    DECIMAL = "with a point, and perhaps idle zeros, 1e-6 <= |x| < 1e16"
    SCIENTIFIC = "with an exponent, as json.dumps writes the rest"
    ANY = "the number grammar of RFC 8259"


#: The exponents a form may write.
_EXPONENTS = {
    Form.SCIENTIFIC: ((-324, -5), (16, 308)),
    Form.ANY: ((-ANY_EXPONENT, ANY_EXPONENT),),
}
#: The smallest number above 0 that every way of spelling has.
SMALLEST_SPELLED = Fraction(1, 10**324)
#: How many digits DECIMAL has before its point (float.__repr__), and zeros behind `0.` (Number::toString of
#: ECMA-262), at most.
_DECIMAL_DIGITS = 16
_DECIMAL_ZEROS = 6
_SMALLEST_DECIMAL = Fraction(1, 10**_DECIMAL_ZEROS)
#: The significant digits of a text with a point: 17 tell every double apart (IEEE 754-2019, 5.12.2).
_SIGNIFICANT = 17


MAX_REMEMBERED = 4_096
MAX_LISTED = 256
"""A set of no more numbers than that is the set of their texts."""


class NumberSpace:
    """Number texts under one way of spelling; every set of numbers is a term within `universe`."""

    def __init__(self, spelling: Spelling = "canonical") -> None:
        self.spelling: Spelling = spelling
        canonical = spelling == "canonical"
        self._forms = (Form.INTEGER, Form.DECIMAL, Form.SCIENTIFIC) if canonical else (Form.ANY,)
        self._integer_form = Form.INTEGER if canonical else Form.LEXICAL
        self._terms: dict[tuple[NumberSet, bool], Term] = {}
        self.universe: Term = self.term(NumberSet.all())
        #: Spellings of numbers whose value is whole: 12, and also 12.0.
        self.integers: Term = self.term(NumberSet.integers())
        #: Whole numbers written as such, without point or exponent: draft 4's `integer`.
        self.integers_lexical: Term = self.term(NumberSet.integers(), integer_spellings=True)
        self.integer_spellings: Term = self.integers_lexical

    def term(self, numbers: NumberSet, *, integer_spellings: bool = False) -> Term:
        """The spellings of the numbers in a set; EMPTY when it has none.

        `integer_spellings` leaves out those with a point or an exponent.
        """
        key = (numbers, integer_spellings)
        if key not in self._terms:
            if len(self._terms) >= MAX_REMEMBERED:
                self._terms.clear()
            forms = (self._integer_form,) if integer_spellings else self._forms
            self._terms[key] = choice(*(_start(form, numbers) for form in forms))
        return self._terms[key]

    def is_empty(self, numbers: NumberSet, *, integer_spellings: bool = False) -> bool:
        """Whether no number of the set has a spelling here.  Exact."""
        return self.term(numbers, integer_spellings=integer_spellings) is EMPTY

    def at_least(self, value: Fraction) -> Term:
        """`minimum`."""
        return self.term(NumberSet.at_least(value))

    def above(self, value: Fraction) -> Term:
        """`exclusiveMinimum`."""
        return self.term(NumberSet.above(value))

    def at_most(self, value: Fraction) -> Term:
        """`maximum`."""
        return self.term(NumberSet.at_most(value))

    def below(self, value: Fraction) -> Term:
        """`exclusiveMaximum`."""
        return self.term(NumberSet.below(value))

    def multiple_of(self, value: Fraction) -> Term:
        """`multipleOf`."""
        return self.term(NumberSet.multiple_of(value))

    def values(self, numbers: Iterable[Fraction], *, integer_spellings: bool = False) -> Term:
        """Exactly these numbers, in every spelling that the space allows, or in plain digits alone."""
        if self.spelling == "any" and not integer_spellings:
            return self.term(NumberSet.values(numbers))
        forms = (self._integer_form,) if integer_spellings else self._forms
        numbers = list(numbers)
        spend(len(numbers) * len(forms))
        return choice(*(_listed(form, numbers) for form in forms))

    def can_write(self, number: Fraction) -> bool:
        """Is there a text for it?  The canonical spelling has none for exponents that no double has."""
        if self.spelling == "any" or number.denominator == 1:
            return True
        return any(_written(form, number) for form in self._forms)


def spellings(number: Fraction) -> list[bytes]:
    """All texts of a number in the canonical spelling.

    >>> spellings(Fraction(10**16)), spellings(Fraction(12))[:4]
    ([b'10000000000000000', b'1e+16'], [b'12', b'12.0', b'12.00', b'12.000'])
    >>> spellings(Fraction(123456789012345, 10)), spellings(Fraction(1, 10**5))[0]
    ([b'12345678901234.5', b'12345678901234.50', b'12345678901234.500'], b'0.00001')
    """
    return [
        text + b"0" * zeros
        for form in (Form.INTEGER, Form.DECIMAL, Form.SCIENTIFIC)
        for text in _written(form, number)
        for zeros in range(_idle_zeros(form, text) + 1)
    ]


@remember()
def number_space(spelling: Spelling) -> NumberSpace:
    """The space that every schema of this process shares."""
    return NumberSpace(spelling)


class _Start(Leaf):
    """All texts of one form that spell one of `numbers`."""

    __slots__ = ("form", "numbers")

    def __init__(self, form: Form, numbers: NumberSet) -> None:
        self.form, self.numbers = form, numbers
        self._register(nullable=False, plain=False)

    def derivative(self, byte: int) -> Term:
        if byte == _MINUS:
            return _unsigned(self.form, self.numbers.negated(), negative=True)
        return _unsigned(self.form, self.numbers, negative=False).derivative(byte)

    def classes(self) -> tuple[int, ...]:
        return (*_DIGIT_MASKS, 1 << _MINUS, ALL_BYTES ^ _DIGITS_MASK ^ 1 << _MINUS)


class _Unsigned(Leaf):
    """What may follow the sign, or its absence."""

    __slots__ = ("form", "magnitudes")

    def __init__(self, form: Form, magnitudes: Magnitudes) -> None:
        self.form, self.magnitudes = form, magnitudes
        self._register(nullable=False, plain=False)

    def derivative(self, byte: int) -> Term:
        if not _is_digit(byte):
            return EMPTY
        return _open(self.form, _Phase.WHOLE, self.magnitudes, byte - _ZERO_DIGIT, 0)

    def classes(self) -> tuple[int, ...]:
        return (*_DIGIT_MASKS, ALL_BYTES ^ _DIGITS_MASK)


class _Phase(Enum):
    WHOLE = "before the point"
    POINT = "just after the point"
    FRACTION = "after a digit behind the point"


@dataclass(frozen=True, slots=True)
class _Residual:
    """What an unsigned text leaves open.  Its digits are one text of many, and do not count."""

    form: Form
    phase: _Phase
    ends: bool
    key: Hashable
    magnitudes: Magnitudes = field(compare=False)
    digits: int = field(compare=False)
    places: int = field(compare=False)


class _Number(Leaf):
    """What may follow an unsigned text, digits · 10^-places."""

    __slots__ = ("residual",)

    def __init__(self, residual: _Residual) -> None:
        self.residual = residual
        self._register(nullable=residual.ends, plain=False)

    def derivative(self, byte: int) -> Term:
        spend(_STEPS)
        here = self.residual
        form, phase, digits, places = here.form, here.phase, here.digits, here.places
        if _is_digit(byte):
            if phase is _Phase.WHOLE and (digits == 0 or form is Form.SCIENTIFIC):
                return EMPTY
            fraction = phase is not _Phase.WHOLE
            phase = _Phase.FRACTION if fraction else _Phase.WHOLE
            return _open(form, phase, here.magnitudes, 10 * digits + byte - _ZERO_DIGIT, places + fraction)
        if byte == _POINT:
            if phase is not _Phase.WHOLE or form in (Form.INTEGER, Form.LEXICAL):
                return EMPTY
            return _open(form, _Phase.POINT, here.magnitudes, digits, places)
        if byte == _SMALL_E or (byte == _LARGE_E and form is Form.ANY):
            if phase is _Phase.POINT or (phase is _Phase.FRACTION and _is_idle(form, digits, places)):
                return EMPTY
            return _exponents(form, _valid_exponents(form, here.magnitudes, digits, places))
        return EMPTY

    def classes(self) -> tuple[int, ...]:
        return _NUMBER_CLASSES


@remember(1024)
def _start(form: Form, numbers: NumberSet) -> Term:
    if form in (Form.INTEGER, Form.LEXICAL):
        numbers &= NumberSet.integers()
    few = None if form is Form.ANY else numbers.finite_values(MAX_LISTED)
    if few is not None:
        return _listed(form, few)
    positive, negative = (
        _unsigned(form, numbers, negative=False),
        _unsigned(form, numbers.negated(), negative=True),
    )
    return EMPTY if positive is negative is EMPTY else intern_leaf(_Start, form, numbers)


def _listed(form: Form, numbers: Iterable[Fraction]) -> Term:
    """The texts of these numbers, in a form other than ANY."""
    texts: dict[int, list[bytes]] = {}
    for number in numbers:
        for text in _written(form, number):
            texts.setdefault(_idle_zeros(form, text), []).append(text)
    zero = literal(b"0")
    return choice(*(concat(literals(alike), repeat(zero, 0, zeros)) for zeros, alike in texts.items()))


def _idle_zeros(form: Form, text: bytes) -> int:
    """How many zeros may be added to the shortest text of a number."""
    if form is not Form.DECIMAL:
        return 0
    digits = text.lstrip(b"-0.")
    if not digits:
        return _DECIMAL_ZEROS - 1
    return max(0, _SIGNIFICANT - len(digits) + digits.count(b"."))


def _written(form: Form, number: Fraction) -> list[bytes]:
    """How a number is written in a form other than ANY, without idle zeros; nothing if it is not."""
    sign, size = "-" if number < 0 else "", abs(number)
    if form in (Form.INTEGER, Form.LEXICAL):
        if size.denominator > 1:
            return []
        signs = ["", "-"] if form is Form.LEXICAL and not number else [sign]
        return [f"{one}{size.numerator}".encode() for one in signs]
    places = decimal_places(size)
    if places is None:
        return []
    digits = str((size * 10**places).numerator).zfill(places + 1)
    if form is Form.DECIMAL:
        if size and not _SMALLEST_DECIMAL <= size < 10**_DECIMAL_DIGITS:
            return []
        text = f"{digits[: len(digits) - places]}.{digits[len(digits) - places :] or '0'}"
        return [f"{one}{text}".encode() for one in ([sign] if size else ["", "-"])]
    digits = digits.lstrip("0")
    exponent = len(digits) - 1 - places
    if not size or not any(low <= exponent <= high for low, high in _EXPONENTS[form]):
        return []
    others = digits[1:].rstrip("0")
    return [f"{sign}{digits[0]}{'.' + others if others else ''}e{exponent:+03d}".encode()]


@remember(1024)
def _unsigned(form: Form, numbers: NumberSet, *, negative: bool) -> Term:
    if negative and form is Form.INTEGER:
        numbers &= NumberSet.above(_ZERO)
    if (numbers & _reach(form)).is_empty():
        return EMPTY
    return intern_leaf(_Unsigned, form, prepared(numbers))


def _open(form: Form, phase: _Phase, magnitudes: Magnitudes, digits: int, places: int) -> Term:
    """The state after an unsigned text, EMPTY where nothing completes it."""
    key: Hashable
    if digits == 0:
        if (magnitudes.numbers & _reach_of_zeros(form, places)).is_empty():
            return EMPTY
        key = (places, magnitudes)
    elif form is Form.DECIMAL and places > _DECIMAL_ZEROS and 10 ** (places - _DECIMAL_ZEROS) > digits:
        return EMPTY
    else:
        key = _what_is_open(form, phase, magnitudes, digits, places)
        if key is None:
            return EMPTY
    ends = _may_end(form, phase, digits, places) and magnitudes.spells(digits, -places, _left(form, digits))
    return intern_leaf(_Number, _Residual(form, phase, ends, key, magnitudes, digits, places))


@cache
def _reach(form: Form) -> NumberSet:
    """The magnitudes that a form can spell."""
    if form is Form.DECIMAL:
        return _between(_SMALLEST_DECIMAL, _DECIMAL_DIGITS) | NumberSet.values([_ZERO])
    if form is Form.SCIENTIFIC:
        small, large = (_between(_shift(1, low), high + 1) for low, high in _EXPONENTS[Form.SCIENTIFIC])
        return small | large
    return NumberSet.at_least(_ZERO)


def _reach_of_zeros(form: Form, places: int) -> NumberSet:
    """The magnitudes whose text may begin with `0`, or `0.` and so many zeros."""
    if form is Form.ANY:
        return NumberSet.at_least(_ZERO) & NumberSet.below(_shift(1, ANY_EXPONENT - places))
    zero = NumberSet.values([_ZERO])
    if form is Form.DECIMAL:
        if places < _DECIMAL_ZEROS:
            return zero | _between(_SMALLEST_DECIMAL, -places)
        return zero if places == _DECIMAL_ZEROS else NumberSet.empty()
    return zero if form is not Form.SCIENTIFIC else NumberSet.empty()


def _between(low: Fraction, exponent: int) -> NumberSet:
    return NumberSet.at_least(low) & NumberSet.below(_shift(1, exponent))


def _left(form: Form, digits: int) -> int | None:
    """How many significant digits may follow; None where any number may."""
    return _SIGNIFICANT - len(str(digits)) if form in (Form.DECIMAL, Form.SCIENTIFIC) else None


def _is_idle(form: Form, digits: int, places: int) -> bool:
    """Whether the last digit behind the point is a zero that may not end the text."""
    if form is Form.ANY or digits % 10 or places == 0:
        return False
    return form is Form.SCIENTIFIC or (places > 1 and digits >= _LONGEST)


def _may_end(form: Form, phase: _Phase, digits: int, places: int) -> bool:
    if form is Form.SCIENTIFIC or phase is _Phase.POINT:
        return False
    if phase is _Phase.WHOLE:
        return form is not Form.DECIMAL
    return not _is_idle(form, digits, places)


def _windows(
    form: Form, phase: _Phase, magnitudes: Magnitudes, digits: int, places: int
) -> tuple[tuple[int, int | None], ...]:
    """The ranges of x for which a text can still become a number of [digits·10^x, (digits+1)·10^x)."""
    if phase is _Phase.WHOLE:
        if form is Form.LEXICAL:
            return ((0, None),)
        if form is Form.INTEGER:
            room = magnitudes.whole_digits - len(str(digits))
            return ((0, room),) if room >= 0 else ()
        if form is Form.ANY:
            return ((-ANY_EXPONENT, None),)
        if form is Form.DECIMAL:
            room = _DECIMAL_DIGITS - len(str(digits))
            return ((0, room),) if room >= 0 else ()
    if form is Form.DECIMAL:
        return ((-places, -places),)
    return tuple((low - places, high - places) for low, high in _EXPONENTS[form])


def _what_is_open(
    form: Form, phase: _Phase, magnitudes: Magnitudes, digits: int, places: int
) -> Hashable | None:
    """The parts of the set in each window, relative to the window; None where there is nothing."""
    idle = _is_idle(form, digits, places)
    if phase is _Phase.POINT and form is Form.SCIENTIFIC:
        idle = True
    seen: list[Hashable] = []
    ranges = _windows(form, phase, magnitudes, digits, places)
    left = _left(form, digits)
    for first, last in ranges:
        for stretch in magnitudes.stretches:
            if left is not None and left <= 0 and (left < 0 or idle) and stretch.is_wide:
                continue  # no digit is left for any of its numbers
            shifts, inner, outer = stretch.shifts(digits, first, FOREVER if last is None else last)
            apart: Iterable[int] = shifts
            # Windows that lie wholly inside, `inner` to `outer`, are alike: one tells all.
            if inner <= outer and (left is None or left > 0 or (left == 0 and stretch.plain and not idle)):
                seen.append((inner + places, FOREVER if outer == FOREVER else outer + places))
                known = inner if stretch.plain else inner + 1
                apart = chain(range(shifts.start, known), range(outer + 1, shifts.stop))
            for shift in apart:
                spend(2 + abs(shift) // 64)
                if part := stretch.within(digits, shift, idle=idle, left=left):
                    seen.append((shift + places, part))
    if not seen:
        return None
    return (idle, left, tuple(last is None or last + places for _, last in ranges), *seen)


def _valid_exponents(form: Form, magnitudes: Magnitudes, digits: int, places: int) -> frozenset[int]:
    """The exponents that may follow digits · 10^-places."""
    valid: set[int] = set()
    left = _left(form, digits)
    for least, greatest in _EXPONENTS.get(form, ()):
        low, high = least - places, greatest - places
        if digits == 0:
            if magnitudes.numbers.contains(_ZERO):
                valid.update(range(least, greatest + 1))
            continue
        for stretch in magnitudes.stretches:
            shifts, _, _ = stretch.shifts(digits, low, high)
            valid.update(shift + places for shift in shifts if stretch.spells(digits, shift, left))
    return frozenset(valid)


@remember(4096)
def _exponents(form: Form, valid: frozenset[int]) -> Term:
    """The texts of these exponents, from after the `e`."""
    if form is Form.SCIENTIFIC:
        return literals(f"{exponent:+03d}".encode() for exponent in valid)
    upward = literals(str(exponent).encode() for exponent in valid if exponent >= 0)
    downward = literals(str(-exponent).encode() for exponent in valid if exponent <= 0)
    zeros = star(literal(b"0"))
    return choice(
        concat(optional(literal(b"+")), zeros, upward),
        concat(literal(b"-"), zeros, downward),
    )


@lru_cache(maxsize=4096)
def _power(shift: int) -> Fraction:
    return Fraction(10**shift) if shift >= 0 else Fraction(1, 10**-shift)


def _shift(digits: int, shift: int) -> Fraction:
    return digits * _power(shift)


_LONGEST = 10**_SIGNIFICANT
_ZERO_DIGIT, _MINUS, _POINT, _SMALL_E, _LARGE_E = b"0-.eE"
_DIGIT_MASKS = tuple(1 << byte for byte in b"0123456789")
_DIGITS_MASK = sum(_DIGIT_MASKS)
_NUMBER_CLASSES = (
    *_DIGIT_MASKS,
    1 << _POINT,
    1 << _SMALL_E,
    1 << _LARGE_E,
    ALL_BYTES ^ _DIGITS_MASK ^ 1 << _POINT ^ 1 << _SMALL_E ^ 1 << _LARGE_E,
)


def _is_digit(byte: int) -> bool:
    return _ZERO_DIGIT <= byte <= _ZERO_DIGIT + 9

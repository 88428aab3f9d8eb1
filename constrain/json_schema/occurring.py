"""Which numbers are written in a document?

A number in JSON is a value, not a text: `1234.5` stands for what an Italian invoice writes as `1.234,50`.  So
a document is read once, and every number that it can be said to write down is noted:

    "1.234,50 EUR, 3 pezzi, -2 °C"     1234.5, 1, 234, 50, 3, 2, -2

1. A run of digits is a number.  Never a part of one: `1931` does not mention 31.
2. Runs joined by one point or comma are a number with a fraction: `12.5`, `12,5`.
3. Runs joined by points, commas, apostrophes or blanks, with three digits in every run after the first, are a
   number with thousands separators; another mark and another run may follow as its fraction: `1,234.50`.
4. After a sign that does not itself follow a letter or a digit, the negative number is one too.

Where a document can be read in two ways (`1.234`), both numbers are in it.  Number words, fractions such as
`½`, percentages as fractions of one, and exponents are not read, nor numbers of more than MAX_DIGITS digits
or MAX_GROUPS groups of three: a table of figures is a long row of groups, and not one number.

`spell_number` writes a number as json.dumps would, were it a float or an int: exactly, whatever its length.

Cost: linear in the document, for a row of groups MAX_GROUPS times as much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

MAX_DIGITS = 1_000
"""The most digits of a number, before and after its point together."""

MAX_GROUPS = 12
"""The most groups of three digits that are one number."""

_RUN = r"[0-9]+"
_ROW = re.compile(rf"(?P<sign>(?<![^\W_])[-\u2212+])?{_RUN}(?:[.,'\u2019\u00a0\u202f ]{_RUN})*")
_GROUPED = re.compile(
    rf"[0-9]{{1,3}}(?P<mark>[.,'\u2019\u00a0\u202f ])[0-9]{{3}}"
    rf"(?:(?P=mark)[0-9]{{3}}){{,{MAX_GROUPS - 1}}}(?![0-9])"
    rf"(?:(?!(?P=mark))[.,](?P<fraction>{_RUN}))?"
)
_PIECE = re.compile(rf"{_RUN}(?=[.,](?P<fraction>{_RUN}))?")


def numbers_in(document: str) -> frozenset[Fraction]:
    """The numbers that a document writes down in digits.

    >>> sorted(map(float, numbers_in("EUR 1.234,50 - art. 7")))
    [1.0, 1.234, 7.0, 50.0, 234.0, 234.5, 1234.0, 1234.5]
    """
    found: set[Fraction] = set()
    for row in _ROW.finditer(document):
        start = row.end("sign") if row["sign"] else row.start()
        for number, at in _read(document[start : row.end()]):
            found.add(number)
            if at == 0 and row["sign"] not in {None, "+"}:
                found.add(-number)
    return frozenset(found)


def _read(row: str) -> Iterator[tuple[Fraction, int]]:
    """The numbers of one row of digits and separators, and where each begins."""
    for piece in _PIECE.finditer(row):
        at = piece.start()
        digits = len(piece[0])
        if digits <= MAX_DIGITS:
            yield Fraction(piece[0]), at
        if piece["fraction"] and digits + len(piece["fraction"]) <= MAX_DIGITS:
            yield Fraction(f"{piece[0]}.{piece['fraction']}"), at
        grouped = _GROUPED.match(row, at)
        while grouped:
            end = grouped.start("fraction") - 1 if grouped["fraction"] else grouped.end()
            whole = re.sub(r"[^0-9]", "", row[at:end])
            yield Fraction(whole), at
            if grouped["fraction"] and len(whole) + len(grouped["fraction"]) <= MAX_DIGITS:
                yield Fraction(f"{whole}.{grouped['fraction']}"), at
            # The same groups without the last one: `10 000 000` may be two numbers.
            shorter = end - 4
            grouped = _GROUPED.fullmatch(row, at, shorter) if shorter > at + 3 else None


def spell_number(number: Fraction) -> bytes:
    """The canonical JSON text of a decimal number.

    >>> spell_number(Fraction("1234.50")), spell_number(Fraction("0.00005")), spell_number(Fraction(-7))
    (b'1234.5', b'5e-05', b'-7')
    """
    if number.denominator == 1:
        return str(number.numerator).encode()
    places = 0
    while (number * 10**places).denominator > 1:
        places += 1
    digits = str(abs(number * 10**places).numerator)
    sign = "-" if number < 0 else ""
    exponent = len(digits) - places - 1
    if -4 <= exponent < 16:
        digits = digits.rjust(places + 1, "0")
        return f"{sign}{digits[:-places]}.{digits[-places:]}".encode()
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{exponent:+03d}".encode()

"""Sets of code points: ranges, the classes of the two dialects, and case.

A charset is a sorted tuple of disjoint inclusive ranges, `[a-cx]` is ((97, 99), (120, 120)).

Sources: Python's `re` documentation for `\\d \\w \\s`, in the version of Unicode that Python carries;
ECMA-262, 22.2.2.9, for CharacterClassEscape.  Its `\\p{...}` is in `properties.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Literal

import numpy as np

CharSet = tuple[tuple[int, int], ...]
Dialect = Literal["python", "ecma", "rust"]

MAX_CODEPOINT = 0x10FFFF
EVERY: CharSet = ((0, MAX_CODEPOINT),)
ASCII_DIGITS: CharSet = ((0x30, 0x39),)
ASCII_WORD: CharSet = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
ASCII_SPACE: CharSet = ((0x09, 0x0D), (0x20, 0x20))
ECMA_SPACE_EXTRA = ((0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
                    (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF))  # fmt: skip
ECMA_NEWLINES: CharSet = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
NEWLINE: CharSet = ((0x0A, 0x0A),)
_CASED_END = 0x1E944


def normal(ranges: Iterable[tuple[int, int]]) -> CharSet:
    """Sort and join ranges.

    >>> normal([(5, 9), (1, 2), (3, 4)])
    ((1, 9),)
    """
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return tuple(joined)


def inverse(charset: CharSet) -> CharSet:
    """Every other code point."""
    result = []
    at = 0
    for low, high in charset:
        if low > at:
            result.append((at, low - 1))
        at = high + 1
    if at <= MAX_CODEPOINT:
        result.append((at, MAX_CODEPOINT))
    return tuple(result)


def union(*charsets: CharSet) -> CharSet:
    """The code points of any of them."""
    return normal(pair for charset in charsets for pair in charset)


def meet(one: CharSet, other: CharSet) -> CharSet:
    """The code points of both."""
    return inverse(union(inverse(one), inverse(other)))


def holds(charset: CharSet, code: int) -> bool:
    """Is the code point in the set?"""
    return any(low <= code <= high for low, high in charset)


@cache
def unicode_digits() -> CharSet:
    """`\\d` of Python's `str` patterns: category Nd."""
    return _found(r"\d+")


@cache
def unicode_word() -> CharSet:
    """`\\w` of Python's `str` patterns: alphanumeric, or the underscore."""
    return _found(r"\w+")


@cache
def unicode_space() -> CharSet:
    """`\\s` of Python's `str` patterns."""
    return _found(r"\s+")


@cache
def ecma_space() -> CharSet:
    """`\\s` of ECMA-262: WhiteSpace and LineTerminator."""
    return union(ASCII_SPACE, ECMA_SPACE_EXTRA)


_EXTRA_PAIRS = ((0x390, 0x1FD3), (0x3B0, 0x1FE3), (0xFB05, 0xFB06))
"""Characters that differ only in case to both dialects, though neither is the other's upper or lower case."""

_DOTTED_AND_DOTLESS = (0x49, 0x69, 0x130, 0x131)
"""The four letters i, which `re` takes for one another; ECMA-262 folds only `I` and `i`."""


@cache
def _case_variants(dialect: Dialect) -> dict[int, tuple[int, ...]]:
    groups: dict[str, set[int]] = {}
    for code in range(_CASED_END):
        character = chr(code)
        lower = character.lower()
        if lower != character or character.upper() != character:
            simple = lower if len(lower) == 1 else character
            groups.setdefault(simple, set()).update((code, ord(simple)))
            upper = character.upper()
            if len(upper) == 1 and len(upper.lower()) == 1:
                groups.setdefault(upper.lower(), set()).update((code, ord(upper)))
    table: dict[int, set[int]] = {}
    for members in [*groups.values(), *map(set, _EXTRA_PAIRS)]:
        for code in members:
            table.setdefault(code, set()).update(members)
    same_letter = set(_DOTTED_AND_DOTLESS) if dialect == "python" else set(_DOTTED_AND_DOTLESS[:2])
    for code in _DOTTED_AND_DOTLESS:
        table[code] = same_letter if code in same_letter else {code}
    return {code: tuple(sorted(members)) for code, members in table.items() if len(members) > 1}


def ignoring_case(charset: CharSet, *, dialect: Dialect = "python", ascii_only: bool = False) -> CharSet:
    """The set, closed under the dialect's simple case mapping.

    >>> ignoring_case(((97, 98),), ascii_only=True)
    ((65, 66), (97, 98))
    >>> [chr(low) for low, _ in ignoring_case(((0x73, 0x73),))]
    ['S', 's', 'ſ']
    """
    extra: list[tuple[int, int]] = []
    if ascii_only:
        for low, high in charset:
            for code in range(max(low, 0x41), min(high, 0x7A) + 1):
                if chr(code).isalpha():
                    extra.append((code ^ 0x20, code ^ 0x20))
    else:
        for code, variants in _case_variants(dialect).items():
            if holds(charset, code):
                extra.extend((other, other) for other in variants)
    return normal([*charset, *extra])


def _found(pattern: str) -> CharSet:
    """The ranges that `re` finds in the text of all code points, which has each at its own place."""
    codes = np.arange(MAX_CODEPOINT + 1, dtype="<u4")
    every = codes.tobytes().decode("utf-32-le", "surrogatepass")
    return tuple((match.start(), match.end() - 1) for match in re.finditer(pattern, every))

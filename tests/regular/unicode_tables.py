"""Write the tables of Unicode properties anew: `python -m tests.regular.unicode_tables`.

Their source is the `regex` package.
"""

from __future__ import annotations

from pathlib import Path

import regex
from fontTools.unicodedata import Scripts

from constrain.regular import properties
from constrain.regular.properties import BINARY, CATEGORIES, CharSet

BIDI_CLASSES = ("AL", "AN", "BN", "CS", "EN", "ES", "ET", "L", "NSM", "ON", "R")
"""The classes that RFC 5893 speaks of."""

_ALL = "".join(map(chr, range(0x110000)))


def found(name: str) -> CharSet:
    """The ranges of a property, by its name in `regex`."""
    if name == "Any":
        return ((0, 0x10FFFF),)
    return tuple((match.start(), match.end() - 1) for match in regex.finditer(rf"\p{{{name}}}+", _ALL))


def names() -> list[str]:
    scripts = sorted(Scripts.NAMES)
    return [
        *(f"gc={short}" for short in CATEGORIES),
        *(f"sc={short}" for short in scripts),
        *(f"scx={short}" for short in scripts),
        *BINARY,
        *(f"bc={name}" for name in BIDI_CLASSES),
        "ccc=9",
    ]


def written(ranges: CharSet) -> str:
    words, at = [], 0
    for low, high in ranges:
        words.append(f"{low - at}.{high - low}" if high > low else str(low - at))
        at = high + 1
    return " ".join(words)


def tables() -> str:
    scripts = " ".join(f"{short}={long}" for short, long in sorted(Scripts.NAMES.items()))
    return "\n".join([f"scripts {scripts}", *(f"{name} {written(found(name))}" for name in names()), ""])


if __name__ == "__main__":
    Path(properties.__file__).with_name("properties.txt").write_text(tables(), encoding="ascii")

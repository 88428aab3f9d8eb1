"""Which byte strings may stand between the quotes of a JSON string?

JSON lets one character be spelled in several ways.  The letter `a` is `a`, `\\u0061`; a newline only
ever `\\n` or `\\u000a`, `\\u000A`.  A schema speaks of the characters, a mask of the bytes.  So every
language of characters is turned into a language of bytes by saying, once, how ONE character is spelled:

    pattern ^é$    canonical: C3 A9                        (as json.dumps(..., ensure_ascii=False) writes)
                   any:       C3 A9 | \\u00e9 | \\u00E9      (whatever a JSON reader takes)

`character(charset)` is that map.  It is handed to the compiler of regular expressions as its alphabet,
and it turns lengths in code points into counted repeats.  No character's spelling begins another's, so
a text of bytes has one reading only, and intersection, union and complement of the byte languages mean
exactly intersection, union and complement of the character languages, as long as complements are taken
within `universe`.

Source: RFC 8259, section 7 (escapes) and section 8.1 (UTF-8); Python's json.encoder for the canonical
form.  ECMA-262 for patterns, as JSON Schema asks: a search, not a whole match.
We depart from it in one way:
1. Lone surrogates (`\\ud800` without its partner) are no text, and no spelling of them is in any language
   here; section 8.2 calls the behaviour of readers that meet one unpredictable.
Cost: a pattern is compiled once per space and then shared, as the same term.  In "any", a character
beyond the BMP costs the automaton the states of its surrogate pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from constrain.arguments import check_text
from constrain.errors import SchemaError
from constrain.json_schema import formats
from constrain.regular.bounded import keep_places
from constrain.regular.keeping import remember
from constrain.regular.queries import accepts
from constrain.regular.syntax import regex_term
from constrain.regular.terms import (
    Term,
    byte_set,
    choice,
    concat,
    literal,
    literals,
    repeat,
    star,
)
from constrain.regular.utf8 import utf8

Spelling = Literal["canonical", "any"]
CharSet = Sequence[tuple[int, int]]

MAX_CODE_POINT = 0x10FFFF
MAX_REMEMBERED = 4_096
#: Every code point that can stand in a text: all but the surrogates.
TEXT: tuple[tuple[int, int], ...] = ((0, 0xD7FF), (0xE000, MAX_CODE_POINT))

#: The letter after the backslash, for characters that have a short escape.
SHORT_ESCAPES = {0x22: '"', 0x5C: "\\", 0x08: "b", 0x0C: "f", 0x0A: "n", 0x0D: "r", 0x09: "t"}
#: Escapes that a reader takes and json.dumps never writes.
READER_ESCAPES = {0x2F: "/"}
#: What may stand unescaped: RFC 8259's `unescaped`.
_RAW = ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0xD7FF), (0xE000, MAX_CODE_POINT))
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')

QUOTE = literal(b'"')


class StringSpace:
    """JSON string contents under one way of spelling; every language is a term within `universe`."""

    def __init__(self, spelling: Spelling = "canonical") -> None:
        self.spelling: Spelling = spelling
        self._characters: dict[tuple[tuple[int, int], ...], Term] = {}
        self._patterns: dict[str, Term] = {}
        self._values: dict[frozenset[str], Term] = {}
        self._formats: dict[formats.Format, Term] = {}
        self.universe: Term = star(self.character(TEXT))
        self.closed: Term = concat(self.universe, QUOTE)
        """All contents, each with the quote that closes it."""
        self.any_string: Term = self.quoted(self.universe)
        """Every string, with its quotes."""

    def character(self, charset: CharSet) -> Term:
        """The spellings of one character out of `charset`: sorted, inclusive ranges of code points."""
        key = tuple(charset)
        if key not in self._characters:
            if len(self._characters) >= MAX_REMEMBERED:
                self._characters.clear()
            spell = _canonical_character if self.spelling == "canonical" else _any_character
            self._characters[key] = spell(key)
        return self._characters[key]

    def pattern(self, regex: str) -> Term:
        """The contents in which an ECMA regular expression finds a match."""
        if regex not in self._patterns:
            check_text(regex, error=SchemaError)
            if len(self._patterns) >= MAX_REMEMBERED:
                self._patterns.clear()
            self._patterns[regex] = regex_term(regex, dialect="ecma", search=True, alphabet=self.character)
        return self._patterns[regex]

    def length(self, minimum: int, maximum: int | None) -> Term:
        """The contents of `minimum` to `maximum` code points; None for no upper bound."""
        return repeat(self.character(TEXT), minimum, maximum)

    def values(self, texts: Iterable[str]) -> Term:
        """Exactly these strings, each in every spelling that the space allows."""
        key = frozenset(texts)
        if key not in self._values:
            for text in key:
                check_text(text, error=SchemaError)
            if len(self._values) >= MAX_REMEMBERED:
                self._values.clear()
            self._values[key] = self._spell(key)
        return self._values[key]

    def _spell(self, texts: Iterable[str]) -> Term:
        if self.spelling == "canonical":
            return literals([spell_canonical(text) for text in texts])
        return choice(*(concat(*(self.character(((ord(c), ord(c)),)) for c in text)) for text in texts))

    def quoted(self, term: Term) -> Term:
        """The same contents with the quotes around them."""
        return concat(QUOTE, term, QUOTE)

    def format(self, name: str) -> Term | None:
        """The contents that a format admits; None where the format is an annotation only."""
        found = formats.find(name)
        if found is None:
            return None
        if found not in self._formats:
            self._formats[found] = found.term(self.character)
        return self._formats[found]


@remember()
def string_space(spelling: Spelling) -> StringSpace:
    """The space that every schema of this process shares: what one of them asked for, the next one has."""
    return StringSpace(spelling)


@remember(65_536)
def matches(regex: str, text: str) -> bool:
    """Does an ECMA regular expression find a match in a text?"""
    return accepts(string_space("canonical").pattern(regex), spell_canonical(text))


def spell_canonical(text: str) -> bytes:
    """The contents that json.dumps(text, ensure_ascii=False) writes between the quotes.

    >>> spell_canonical('é"')
    b'\\xc3\\xa9\\\\"'
    """
    return _ESCAPED.sub(lambda match: _spell_canonical_character(match[0]), text).encode()


def _spell_canonical_character(character: str) -> str:
    code = ord(character)
    if code in SHORT_ESCAPES:
        return "\\" + SHORT_ESCAPES[code]
    return f"\\u{code:04x}" if code < 0x20 else character


@remember(1024)
def _canonical_character(charset: CharSet) -> Term:
    escaped = [
        _spell_canonical_character(chr(code)).encode()
        for code in (*range(0x20), 0x22, 0x5C)
        if _holds(charset, code)
    ]
    return choice(utf8(_meet(charset, _RAW)), literals(escaped))


@remember(1024)
def _any_character(charset: CharSet) -> Term:
    short = [
        b"\\" + letter.encode()
        for code, letter in {**SHORT_ESCAPES, **READER_ESCAPES}.items()
        if _holds(charset, code)
    ]
    basic = _meet(charset, ((0, 0xD7FF), (0xE000, 0xFFFF)))
    units = [_hex_unit(low, high) for low, high in basic]
    pairs = [_surrogate_pairs(low, high) for low, high in _meet(charset, ((0x10000, MAX_CODE_POINT),))]
    return choice(
        utf8(_meet(charset, _RAW)), literals(short), concat(literal(b"\\u"), choice(*units, *pairs))
    )


def _surrogate_pairs(low: int, high: int) -> Term:
    """The spellings of an astral range, from after the first backslash-u."""
    parts = _split_range(low - 0x10000, high - 0x10000, 0x400)
    return choice(
        *(
            concat(
                _hex_unit(0xD800 + first, 0xD800 + last),
                literal(b"\\u"),
                _hex_unit(0xDC00 + least, 0xDC00 + greatest),
            )
            for first, last, least, greatest in parts
        )
    )


@remember(4096)
def _hex_unit(low: int, high: int, digits: int = 4) -> Term:
    """`low` to `high` as so many hexadecimal digits, in either case."""
    if digits == 1:
        return _hex_digit(low, high)
    size = 16 ** (digits - 1)
    return choice(
        *(
            concat(_hex_digit(first, last), _hex_unit(least, greatest, digits - 1))
            for first, last, least, greatest in _split_range(low, high, size)
        )
    )


def _hex_digit(low: int, high: int) -> Term:
    return byte_set(sum(1 << ord(c) for c in "0123456789abcdefABCDEF" if low <= int(c, 16) <= high))


def _split_range(low: int, high: int, size: int) -> list[tuple[int, int, int, int]]:
    """A range as rectangles of (first..last) * size + (least..greatest).

    >>> _split_range(5, 38, 10)
    [(0, 0, 5, 9), (1, 2, 0, 9), (3, 3, 0, 8)]
    """
    first, least = divmod(low, size)
    last, greatest = divmod(high, size)
    if first == last:
        return [(first, last, least, greatest)]
    parts = []
    if least > 0:
        parts.append((first, first, least, size - 1))
        first += 1
    tail = []
    if greatest < size - 1:
        tail.append((last, last, 0, greatest))
        last -= 1
    if first <= last:
        parts.append((first, last, 0, size - 1))
    return parts + tail


def _holds(charset: CharSet, code: int) -> bool:
    return any(low <= code <= high for low, high in charset)


def _meet(left: CharSet, right: CharSet) -> tuple[tuple[int, int], ...]:
    return tuple((max(a, c), min(b, d)) for a, b in left for c, d in right if max(a, c) <= min(b, d))


for _spelling in get_args(Spelling):
    keep_places(StringSpace(_spelling).closed)

"""Which texts does a type of Python take?

    {"type": "string", "format": "Python date, from 2024-01-01, before 2025-01-01"}
    {"type": "string", "format": "Python URL, scheme http, scheme https"}
    {"type": "string", "format": "Python UUID, version 4"}

A type says more than JSON Schema has words for: bounds of a date, the version of a UUID, the bits of a
network.  `type_schema.py` says it by formats of its own.  Their names are phrases that begin with `Python`,
so that no standard's format is meant and a reader, human or model, knows what to write; behind commas are the
parameters, a word and a value each, or words alone (`FAMILIES`).  A name says all, so that a schema stays
plain JSON which can be kept, sent and compiled elsewhere.

Two kinds of name end in a text of their own instead of parameters: `Rust pattern ^\\w+$` (and `Python
pattern`), a regular expression searched for in the dialect of that name, and `Python JSON {"type": ...}`,
the compact JSON text of a value of that schema (`json_in_text.py`).

Every language here holds only texts that the type takes, and those that people write for it;
`docs/types.md` lists what is left out.
Sources: Pydantic 2's validators in JSON mode, type by type; the standard library's constructors.
Cost: built on first use, a few milliseconds; byte lengths take a state for each byte.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from constrain.errors import ConstrainError
from constrain.json_schema import formats_clock as clock
from constrain.json_schema import formats_network as network
from constrain.json_schema.formats_hosts import Alphabet
from constrain.json_schema.number_set import NumberSet
from constrain.json_schema.numbers import number_space
from constrain.regular.charset import Dialect, normal
from constrain.regular.leaf import WrittenLeaf, intern_leaf
from constrain.regular.syntax import regex_term
from constrain.regular.terms import EMPTY, EPSILON, Term, choice, concat, intersect, literals, star
from constrain.regular.utf8 import ALL_CODEPOINTS, CharSet

Parameters = Mapping[str, tuple[str, ...]]
"""The values of each word of a name, in order; of a word that stands alone, the empty text."""
Writer = Callable[[Alphabet, Parameters], Term]
Read = Callable[[str], object] | None
_BOUNDS = ("from", "after", "to", "before")


@lru_cache(maxsize=1_024)
def python_format(name: str) -> tuple[str, Parameters] | None:
    """The family that a format's name is of, and its parameters; None for a name that is none of these.

    >>> python_format("Python date, from 2024-01-01"), python_format("Python date, from tomorrow")
    (('Python date', {'from': ('2024-01-01',)}), None)
    """
    for family, check in _TEXTS.items():
        if name.startswith(f"{family} "):
            text = name[len(family) + 1 :]
            return (family, {"text": (text,)}) if _is_read(check, text) else None
    family, *said = name.split(", ")
    if family not in FAMILIES:
        return None
    parameters: dict[str, tuple[str, ...]] = {}
    for part in said:
        for word, read in FAMILIES[family].words.items():
            value = part[len(word) + 1 :]
            if (part == word and read is None) or (
                read and part.startswith(f"{word} ") and _is_read(read, value)
            ):
                parameters[word] = (*parameters.get(word, ()), value)
                break
        else:
            return None
    return family, parameters


def _is_read(read: Callable[[str], object], value: str) -> bool:
    try:
        read(value)
    except (ValueError, ConstrainError):
        return False
    return True


def standard_name(name: str) -> str:
    """The format of the standard that is nearest, for those who only want to know what to look for.

    >>> standard_name("Python date, from 2024-01-01"), standard_name("date")
    ('date', 'date')
    """
    found = python_format(name) if name.startswith(PREFIXES) else None
    return name if found is None or found[0] in _TEXTS else FAMILIES[found[0]].standard


def shown_name(name: str) -> str:
    """A format's name for a prompt: `date, from 2024-01-01`."""
    return name.removeprefix("Python ") if name.startswith(PREFIXES) else name


def texts_of(family: str, parameters: Parameters, alphabet: Alphabet) -> Term:
    """The texts of a format that `python_format` found, but for JSON_TEXT, spelled by an alphabet."""
    if family in _DIALECTS:
        pattern = parameters["text"][0]
        return regex_term(pattern, dialect=_DIALECTS[family], search=True, alphabet=alphabet)
    return FAMILIES[family].term(alphabet, parameters)


def _matching(pattern: str | Callable[[], str]) -> Writer:
    def term(alphabet: Alphabet, parameters: Parameters) -> Term:
        return _term(pattern if isinstance(pattern, str) else pattern(), alphabet)

    return term


def _term(pattern: str, alphabet: Alphabet) -> Term:
    return regex_term(pattern, dialect="ecma", alphabet=alphabet)


def _bounds(parameters: Parameters) -> list[tuple[str, str]]:
    return [(word, value) for word in _BOUNDS for value in parameters.get(word, ())]


def _only(parameters: Parameters, word: str, default: str = "") -> str:
    return parameters.get(word, (default,))[-1]


# Dates, times, networks.


def _dates(alphabet: Alphabet, parameters: Parameters) -> Term:
    return clock.dates(alphabet, _bounds(parameters))


def _offset(parameters: Parameters) -> str:
    return next((word for word in clock.OFFSETS if word in parameters), _only(parameters, "offset"))


def _times(alphabet: Alphabet, parameters: Parameters) -> Term:
    return clock.times(alphabet, _offset(parameters), _bounds(parameters))


def _date_times(alphabet: Alphabet, parameters: Parameters) -> Term:
    return clock.date_times(alphabet, _offset(parameters), _bounds(parameters))


def _durations(alphabet: Alphabet, parameters: Parameters) -> Term:
    return clock.durations(alphabet, _bounds(parameters))


def _uuids(alphabet: Alphabet, parameters: Parameters) -> Term:
    version, digit = _only(parameters, "version"), "[0-9A-Fa-f]"
    middle = f"{version}{digit}{{3}}-[89abAB]{digit}{{3}}" if version else f"{digit}{{4}}-{digit}{{4}}"
    return _term(f"{digit}{{8}}-{digit}{{4}}-{middle}-{digit}{{12}}", alphabet)


def _addresses(pattern: Callable[[str], str]) -> Writer:
    return lambda alphabet, parameters: _term(pattern(_only(parameters, "version")), alphabet)


def _urls(alphabet: Alphabet, parameters: Parameters) -> Term:
    host = "many" if "with hosts" in parameters else "one" if "with a host" in parameters else ""
    pattern = network.urls(parameters.get("scheme", ()), host, is_ascii="ASCII" in parameters)
    return _term(pattern, alphabet)


# Numbers in strings.


def numbers_between(parameters: Parameters) -> NumberSet:
    """The numbers of `from`, `after`, `to`, `before` and `multiple of`."""
    numbers = NumberSet.all()
    makers = (NumberSet.at_least, NumberSet.above, NumberSet.at_most, NumberSet.below, NumberSet.multiple_of)
    for word, make in zip((*_BOUNDS, "multiple of"), makers, strict=True):
        for value in parameters.get(word, ()):
            numbers = numbers & make(Fraction(value))
    return numbers


def _integers(alphabet: Alphabet, parameters: Parameters) -> Term:
    return number_space("canonical").term(numbers_between(parameters), integer_spellings=True)


def _numbers(alphabet: Alphabet, parameters: Parameters) -> Term:
    return number_space("canonical").term(numbers_between(parameters))


_MOST_DIGITS = 40
"""Of a decimal that says nothing of its digits, before the point and behind it."""


def _decimals_of(digits: int, places: int | None) -> str:
    """A pattern for decimals of at most so many digits (0: any), so many behind the point (None: any)."""
    if not digits and places is None:
        whole, exponent = rf"(?:0|[1-9]\d{{0,{_MOST_DIGITS - 1}}})", r"(?:[eE][+-]?[1-9]\d{0,3})?"
        return rf"-?{whole}(?:\.\d{{1,{_MOST_DIGITS}}})?{exponent}"
    if places is not None and digits and places >= digits:
        return rf"-?0\.(?=\d*[1-9])\d{{1,{digits}}}0{{0,9}}"
    if places is not None:
        ways = [(rf"(?:0|[1-9]\d{{0,{(digits - places if digits else _MOST_DIGITS) - 1}}})", places)]
    else:
        ways = [
            ("0", digits),
            *((rf"[1-9]\d{{{count - 1}}}", digits - count) for count in range(1, digits + 1)),
        ]
    return "-?(?:" + "|".join(rf"{whole}(?:\.(?=\d)\d{{0,{after}}}0{{0,9}})?" for whole, after in ways) + ")"


def _decimals(alphabet: Alphabet, parameters: Parameters) -> Term:
    digits, places = _only(parameters, "digits"), _only(parameters, "places")
    if parameters.keys() <= {"digits", "places"}:  # then they may be many, and no number limits them
        return _term(_decimals_of(int(digits or 0), int(places or 0) if places else None), alphabet)
    numbers = numbers_between(parameters)
    if digits:
        some = [min(int(places), int(digits))] if places else range(int(digits) + 1)
        numbers = numbers & _any_of(digits_within(int(digits), number) for number in some)
        if places and _counts_zero(parameters):
            numbers = numbers - NumberSet.values([Fraction(0)])
    elif places:
        numbers = numbers & NumberSet.multiple_of(Fraction(1, 10 ** int(places)))
    return number_space("canonical").term(numbers)


def digits_within(digits: int, places: int) -> NumberSet:
    """The numbers of so many digits, of which so many are behind the point."""
    limit = Fraction(10) ** (digits - places)
    return NumberSet.above(-limit) & NumberSet.below(limit) & NumberSet.multiple_of(Fraction(1, 10**places))


def _any_of(sets: Iterable[NumberSet]) -> NumberSet:
    found = NumberSet.empty()
    for numbers in sets:
        found = found | numbers
    return found


_REAL = r"(?:\d{1,17}(?:\.\d{0,17})?|\.\d{1,17})(?:[eE][+-]?\d{1,2})?"


# Bytes and their encodings.


def _byte_counts(alphabet: Alphabet, parameters: Parameters) -> Term:
    low, high = int(_only(parameters, "from", "0")), _only(parameters, "to")
    return texts_of_bytes(alphabet, low, int(high) if high else None)


_BY_BYTES: tuple[CharSet, ...] = (
    ((0, 0x7F),), ((0x80, 0x7FF),), ((0x800, 0xD7FF), (0xE000, 0xFFFF)), ((0x10000, 0x10FFFF),),
)  # fmt: skip
"""The characters of one, two, three and four bytes in UTF-8."""


def texts_of_bytes(alphabet: Alphabet, low: int, high: int | None) -> Term:
    """The texts that have from `low` to `high` bytes in UTF-8."""
    anything = star(alphabet(ALL_CODEPOINTS))
    known: list[Term] = []  # by how many bytes are left, from the last one back
    count = low if high is None else high
    for left in range(count + 1):
        if high is None:
            if left == 0:
                known.append(anything)
                continue
            ways = [
                concat(alphabet(chars), known[max(left - size, 0)]) for size, chars in enumerate(_BY_BYTES, 1)
            ]
        else:
            ways = [
                concat(alphabet(chars), known[left - size])
                for size, chars in enumerate(_BY_BYTES, 1)
                if size <= left
            ]
            if left <= high - low:
                ways.append(EPSILON)
        known.append(choice(*ways))
    return known[count]


_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _base64(last: str) -> Writer:
    digits = _BASE64 + last

    def term(alphabet: Alphabet, parameters: Parameters) -> Term:
        if "of text" in parameters:
            return intern_leaf(_Base64Text, alphabet, digits, 0, 0, _BETWEEN)
        low, high = int(_only(parameters, "from", "0")), _only(parameters, "to")
        any_of = f"[{re.escape(digits)}]"
        # Whole groups of three bytes, then one or two: the bits that are left over are zero.
        ways = []
        for over, end in ((0, ""), (1, f"{any_of}[AQgw]=="), (2, f"{any_of}{{2}}[AEIMQUYcgkosw048]=")):
            least, most = max(-(-(low - over) // 3), 0), (int(high) - over) // 3 if high else None
            if most is None or least <= most:
                ways.append(f"(?:{any_of}{{4}}){{{least},{'' if most is None else most}}}{end}")
        return _term("|".join(ways), alphabet)

    return term


_BETWEEN = (0, 0, 0)
_FIRST_BYTES = (
    ((0x00, 0x7F), _BETWEEN), ((0xC2, 0xDF), (1, 0x80, 0xBF)), ((0xE0, 0xE0), (2, 0xA0, 0xBF)),
    ((0xE1, 0xEC), (2, 0x80, 0xBF)), ((0xED, 0xED), (2, 0x80, 0x9F)), ((0xEE, 0xEF), (2, 0x80, 0xBF)),
    ((0xF0, 0xF0), (3, 0x90, 0xBF)), ((0xF1, 0xF3), (3, 0x80, 0xBF)), ((0xF4, 0xF4), (3, 0x80, 0x8F)),
)  # fmt: skip
"""The first bytes of UTF-8, each with what follows it: how many bytes, and the range of the next."""


def _next_byte(place: tuple[int, int, int], byte: int) -> tuple[int, int, int] | None:
    """Where a byte leads in UTF-8; None where it may not stand."""
    left, low, high = place
    if left:
        return ((left - 1, 0x80, 0xBF) if left > 1 else _BETWEEN) if low <= byte <= high else None
    return next((then for (first, last), then in _FIRST_BYTES if first <= byte <= last), None)


class _Base64Text(WrittenLeaf):
    """The Base64 of texts in UTF-8, from a place on: `bits` of the byte that is being written, `count` of
    them."""

    __slots__ = ("_alphabet", "_bits", "_count", "_digits", "_place")

    def __init__(
        self, alphabet: Alphabet, digits: str, bits: int, count: int, place: tuple[int, int, int]
    ) -> None:
        self._alphabet, self._digits = alphabet, digits
        self._bits, self._count, self._place = bits, count, place
        self._written_as = None
        self._register(nullable=count == 0 and place == _BETWEEN, plain=False)

    def _write(self) -> Term:
        after: dict[Term, list[int]] = {}
        for value, digit in enumerate(self._digits):
            bits, count, place = self._bits << 6 | value, self._count + 6, self._place
            if count >= 8:
                count -= 8
                found = _next_byte(place, bits >> count)
                if found is None:
                    continue
                bits, place = bits & ((1 << count) - 1), found
            if not count or _may_begin(bits, count, place):
                then = intern_leaf(_Base64Text, self._alphabet, self._digits, bits, count, place)
                after.setdefault(then, []).append(ord(digit))
        ways = [
            concat(self._alphabet(normal((code, code) for code in codes)), then)
            for then, codes in after.items()
        ]
        if self._place == _BETWEEN and self._bits == 0 and self._count in _PADDING:
            ways.append(_term(_PADDING[self._count], self._alphabet))
        return choice(*ways)


_PADDING = {0: "", 4: "==", 2: "="}
"""What closes the last group, by the bits that are left over: they are 0."""


def _may_begin(bits: int, count: int, place: tuple[int, int, int]) -> bool:
    """May a byte that begins with so many bits stand here?"""
    rest = 8 - count
    return any(_next_byte(place, byte) is not None for byte in range(bits << rest, (bits + 1) << rest))


# Texts.


def _texts(alphabet: Alphabet, parameters: Parameters) -> Term:
    characters = r"[\x00-\x7f]" if "ASCII" in parameters else "[^]"
    term = _term(f"{characters}*", alphabet)
    if "trimmed" not in parameters:
        return term
    return intersect(term, _term(r"(?:\P{White_Space}(?:[^]*\P{White_Space})?)?", alphabet))


def _byte_sizes() -> str:
    """Pydantic's units, in any case: `b`, `kb`, `kib`, ..., and `bit`, `kbit`, `kibit`, ..."""
    unit = "(?:[kmgtpeKMGTPE][iI]?)?(?:[bB]|[bB][iI][tT])"
    return rf"\d{{1,12}}(?:\.\d{{1,6}})? ?(?:{unit})?"


def _regular_expressions() -> str:
    """Expressions of `re`, with groups three deep: the constructs that every dialect has."""
    escape = r"\\(?:[dDsSwWtnvfr^$\\.*+?()\[\]{}|/-]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})"
    member = r"[^\\\[\]^&~|-]"
    char_class = rf"\[\^?(?:{member}|a-z|A-Z|0-9|a-f|A-F|{escape})+\]"
    atom = rf"(?:[^\\^$.*+?()\[\]{{}}|]|\.|{escape}|{char_class})"
    quantifier = r"(?:(?:[*+?]|\{\d{1,3}\})\??)?"
    term = rf"(?:[\^$]|\\[bB]|{atom}{quantifier})"
    pattern = rf"(?:{term}|\|)*"
    for _ in range(3):
        pattern = rf"(?:{term}|\||\((?:\?:)?{pattern}\){quantifier})*"
    return pattern


def _zones(alphabet: Alphabet, parameters: Parameters) -> Term:
    from zoneinfo import available_timezones

    return literals([name.encode() for name in available_timezones()])


_CARDS = r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|3[47]\d{13}|(?!4|5[1-5]|3[47])\d{12,19}"
"""The lengths that Pydantic wants of the brands it knows."""


def _card_numbers(alphabet: Alphabet, parameters: Parameters) -> Term:
    """Luhn's sum: every second digit from the end is doubled, and the sum of all digits is a multiple of
    ten."""
    of_rest: dict[int, Term] = {0: EPSILON}  # by what the digits so far leave over, with none to come
    by_length = []
    for left in range(1, 20):
        doubled = left % 2 == 0
        made = {}
        for residue in range(10):
            ways = []
            for digit in range(10):
                then = (residue + (digit * 2 // 10 + digit * 2 % 10 if doubled else digit)) % 10
                if then in of_rest:
                    ways.append(concat(alphabet(((0x30 + digit, 0x30 + digit),)), of_rest[then]))
            if ways:
                made[residue] = choice(*ways)
        of_rest = made
        by_length.append(of_rest.get(0, EMPTY))
    return intersect(choice(*by_length), _term(_CARDS, alphabet))


# The table.

JSON_TEXT = "Python JSON"
_DIALECTS: dict[str, Dialect] = {"Python pattern": "python", "Rust pattern": "rust"}
_TEXTS: dict[str, Callable[[str], object]] = {
    JSON_TEXT: json.loads,
    "Python pattern": lambda text: regex_term(text, dialect="python", search=True),
    "Rust pattern": lambda text: regex_term(text, dialect="rust", search=True),
}
"""Families whose names end in a text of any kind, and what reads that."""
PREFIXES = ("Python ", "Rust ")


def _bounded_by(read: Callable[[str], object]) -> dict[str, Read]:
    return dict.fromkeys(_BOUNDS, read)


_NUMERIC: dict[str, Read] = {**_bounded_by(Fraction), "multiple of": Fraction}
_VERSION: dict[str, Read] = {"version": int}
_ZONED: dict[str, Read] = dict.fromkeys(("with an offset", "without an offset"))
_LENGTHS: dict[str, Read] = {"from": int, "to": int}


@dataclass(frozen=True, slots=True)
class Family:
    """Formats that differ in their parameters: the texts, the words with what reads their values (None:
    they have none), and the format of the standard that is nearest.
    """

    term: Writer
    words: Mapping[str, Read] = field(default_factory=dict)
    standard: str = ""


FAMILIES: dict[str, Family] = {
    "Python date": Family(_dates, _bounded_by(dt.date.fromisoformat), "date"),
    "Python time": Family(_times, {**_ZONED, **_bounded_by(dt.time.fromisoformat)}, "time"),
    "Python date-time": Family(
        _date_times, {**_ZONED, "offset": str, **_bounded_by(dt.datetime.fromisoformat)}, "date-time"
    ),
    "Python duration": Family(_durations, _bounded_by(clock.parse_duration), "duration"),
    "Python UUID": Family(_uuids, _VERSION, "uuid"),
    "Python IP address": Family(_addresses(network.ip_addresses), _VERSION, "ipv4"),
    "Python IP interface": Family(_addresses(network.ip_interfaces), _VERSION, "ipv4"),
    "Python IP network": Family(_addresses(network.ip_networks), _VERSION, "ipv4"),
    "Python URL": Family(
        _urls, {"ASCII": None, "with a host": None, "with hosts": None, "scheme": str}, "uri"
    ),
    "Python e-mail address": Family(_matching(network.mailboxes), standard="email"),
    "Python name and e-mail address": Family(_matching(network.named_mailboxes), standard="email"),
    "Python integer": Family(_integers, _NUMERIC),
    "Python number": Family(_numbers, _NUMERIC),
    "Python decimal": Family(_decimals, {**_NUMERIC, "digits": int, "places": int}),
    "Python fraction": Family(_matching(r"-?\d{1,40}(?:/0{0,3}[1-9]\d{0,39})?")),
    "Python complex number": Family(_matching(rf"-?{_REAL}(?:[+-](?:{_REAL})?j)?|-?(?:{_REAL})?j")),
    "Python bytes": Family(_byte_counts, _LENGTHS),
    "Python Base64": Family(_base64("+/"), {"of text": None, **_LENGTHS}),
    "Python Base64url": Family(_base64("-_"), {"of text": None, **_LENGTHS}),
    "Python text": Family(_texts, {"ASCII": None, "trimmed": None}),
    "Python size in bytes": Family(_matching(_byte_sizes)),
    "Python card number": Family(_card_numbers),
    "Python time zone": Family(_zones),
    "Python regular expression": Family(_matching(_regular_expressions), standard="regex"),
}
"""Each family by its name."""

_PLAIN_LENGTHS: dict[str, tuple[int, float]] = {
    "Python time": (5, 5), "Python duration": (3, 3), "Python UUID": (36, 36),
    "Python decimal": (1, 1), "Python e-mail address": (5, 64), "Python fraction": (1, 40),
    "Python complex number": (1, 17), "Python integer": (1, 1), "Python number": (1, 1),
}  # fmt: skip
_HARMLESS = frozenset({"digits", "places", "version"})


def plain_lengths(name: str) -> tuple[int, float] | None:
    """Lengths that texts of a format of Python's have, all of them from the first to the second.

    None where it takes a search to know of one; a date with a whole year between its bounds needs none.

    >>> plain_lengths("Python URL, scheme ftp"), plain_lengths("Python duration, from PT1S")
    ((8, inf), None)
    """
    found = python_format(name)
    if found is None:
        return None
    family, parameters = found
    if family == "Python URL":
        return min(map(len, parameters.get("scheme", ("http",)))) + len("://a/"), math.inf
    if family in {"Python date", "Python date-time"}:
        low = max(int(value[:4]) for word in _BOUNDS[:2] for value in parameters.get(word, ("0000",)))
        high = min(int(value[:4]) for word in _BOUNDS[2:] for value in parameters.get(word, ("9999",)))
        if high - low < 2:
            return None
        offset = len(_only(parameters, "offset")) or ("with an offset" in parameters)
        length = len("2000-01-01") if family == "Python date" else len("2000-01-01T00:00") + offset
        return length, length
    if {"digits", "places"} <= parameters.keys() and _counts_zero(parameters):
        return None
    return _PLAIN_LENGTHS.get(family) if parameters.keys() <= _HARMLESS else None


def _counts_zero(parameters: Parameters) -> bool:
    """Is a zero before the point one digit too many?"""
    return int(_only(parameters, "places")) >= int(_only(parameters, "digits"))

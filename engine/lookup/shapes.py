"""What stands in a text that could be a value?

`mentions(text)` reads a text once and lists the spans that look like something: an e-mail address, a date,
an amount of money, a number, a quotation, a name.  Shapes are tried from the most telling to the least,
and a span taken by one is not offered to the next, so "12/03/2024" is a date and not three numbers:

    "Mario Rossi, 42 anni, €12,50"  →  money €12,50 · number 42 · name Mario Rossi

Each mention keeps the text as written and, where it has one, the value it stands for: 12.5 for `€12,50`,
42 for `forty-two`'s friends `42` and `quarantadue`'s friend `due` (small number words only), "2024-03-12" for
`12 marzo 2024`.  In numbers, `.` and `,` are read by their position: `1.234,56` and `1,234.56` are the same
number, a lone group of three digits is thousands, anything else decimals.
"""
# ruff: noqa: E501 - a row of a table is a line

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from constrain.engine.lookup.lexicon import (
    COLORS,
    COMMON,
    COUNTRIES,
    CURRENCIES,
    DAYS,
    LANGUAGES,
    MONTHS,
    NUMBER_WORDS,
    fold,
)

Number = int | float


@dataclass(frozen=True, slots=True)
class Mention:
    """A span of the text that looks like a value."""

    shape: str
    start: int
    end: int
    text: str
    value: str | Number

    @property
    def is_numeric(self) -> bool:
        """Whether it stands for a number."""
        return not isinstance(self.value, str)


_NUMBER = r"(?:\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?)(?![\d])"
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_SIGN = r"€|\$|£"
_UNIT = r"€|\$|£|euros?|eur|dollars?|dollari|usd|pounds|sterline|gbp"

_PATTERNS: tuple[tuple[str, str], ...] = (
    ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("url", r"(?:https?://|www\.)[^\s,;\"'<>]*[^\s,;\"'<>.?!)]"),
    ("quoted", r"\"[^\"\n]+\"|“[^”\n]+”|«[^»\n]+»|(?<!\w)'[^'\n]{2,}'(?!\w)"),
    ("address", r"\b(?:via|viale|piazza|piazzale|corso|largo|vicolo|strada) [\w' .]{2,40}?,? ?\d+(?:/?[a-z])?\b"),
    ("address", r"\b\d+[a-z]? (?:[\w']+ ){1,3}(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|square|way)\b\.?"),
    ("uuid", r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    ("ip", r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
    ("date", r"\b\d{4}-\d{2}-\d{2}(?:t\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:z|[+-]\d{2}:\d{2})?)?\b"),
    ("date", r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{4}\b"),
    ("date", rf"\b\d{{1,2}}(?:st|nd|rd|th|°|o)?(?: of| di)? (?:{_MONTH})\b\.?,?(?: (?:del )?\d{{4}})?"),
    ("date", rf"\b(?:{_MONTH})\.? \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?"),
    ("time", r"\b\d{1,2}[:.]\d{2}\s?(?:am|pm|a\.m\.|p\.m\.)|\b\d{1,2}:\d{2}(?::\d{2})?\b"),
    ("time", r"\b\d{1,2}\s?(?:am|pm|a\.m\.|p\.m\.)(?!\w)|(?<=alle )\d{1,2}\b(?!\d|/)|(?<=alle ore )\d{1,2}\b"),
    ("time", r"\b(?:noon|midnight|mezzogiorno|mezzanotte)\b"),
    ("money", rf"(?:{_SIGN}|\b(?:eur|usd|gbp)\b)\s?{_NUMBER}(?:\s?k\b)?|\b{_NUMBER}\s?k?\s?(?:{_UNIT})(?!\w)"),
    ("percent", rf"\b{_NUMBER}\s?(?:%|percent\b|per cento\b)"),
    ("phone", r"(?:(?:\+|\b00)\d{1,3}[\s.-]?)?(?<!\w)\(?\d{2,4}\)?[\s./-]?\d{3,4}[\s.-]?\d{3,4}(?:[\s.-]?\d{2,4})?\b|\b\d{3}-\d{4}\b"),
    ("code", r"(?<=#)[a-z0-9][\w-]*|\b[a-z]{1,5}-?\d[\w-]*\b|\b\d+-[a-z0-9-]*\d\b|\b[a-z]{2,4}-[a-z0-9]{2,}\b"),
    ("number", rf"(?<![\w.,])-?{_NUMBER}"),
    ("day", rf"\b(?:(?:next|last|this|prossim[oa]|scors[oa]) )?(?:{DAYS})\b(?: (?:prossim[oa]|mattina|sera|morning|evening|afternoon|pomeriggio))?"),
)  # fmt: skip
_COMPILED = tuple((shape, re.compile(pattern)) for shape, pattern in _PATTERNS)
_WORD_LISTS = tuple(
    (shape, re.compile(rf"\b(?:{words})\b"))
    for shape, words in (
        ("color", COLORS),
        ("language", LANGUAGES),
        ("country", COUNTRIES),
        ("number", "|".join(NUMBER_WORDS)),
    )
)
_NAME = re.compile(
    r"[A-ZÀ-Þ][\w&À-ÿ]*(?:['’.-](?=\w)[\wÀ-ÿ]+)*"
    r"(?: (?:(?:di|de|del|della|dei|van|von|der|da|la|le|of|the|&|e) (?=[A-ZÀ-Þ]))?[A-ZÀ-Þ][\w&À-ÿ]*(?:['’-]\w+)*)*"
)

_ELIDED = re.compile(r"(?:l|d|un|all|dall|dell|nell|sull|i)'")


def mentions(text: str) -> list[Mention]:
    """Everything in `text` that looks like a value, in order of appearance."""
    folded = fold(text)
    taken = bytearray(len(text))
    found: list[Mention] = []
    for shape, pattern in _COMPILED:
        for match in pattern.finditer(folded):
            start, end = match.span()
            if shape == "code" and not _is_code(text[start:end]):
                continue
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                written = text[start:end]
                found.append(Mention(shape, start, end, written, _value(shape, written, folded[start:end])))
    for shape, pattern in _WORD_LISTS:
        for match in pattern.finditer(folded):
            start, end = match.span()
            written = text[start:end]
            if not taken[start] and (shape != "color" or written.islower() or not text[:start].strip()):
                value = NUMBER_WORDS[folded[start:end]] if shape == "number" else written
                found.append(Mention(shape, start, end, written, value))
    found.extend(_names(text, taken))
    found.sort(key=lambda mention: (mention.start, mention.shape == "name"))
    return found


def _names(text: str, taken: bytearray) -> Iterator[Mention]:
    for match in _NAME.finditer(text):
        start, end = match.span()
        while start < end:
            word = text[start:end].split(" ", 1)[0]
            elided = _ELIDED.match(fold(word))
            if elided is None and text[start].isupper() and fold(word).strip("'.") not in COMMON:
                break
            start = min(start + (elided.end() if elided else len(word) + 1), end)
        if start < end and not any(taken[start:end]) and text[end : end + 1] != ":":
            name = text[start:end].rstrip(".")
            yield Mention("name", start, start + len(name), name, name)


def _is_code(written: str) -> bool:
    """Codes have a digit, or are all capitals around a hyphen."""
    return any(c.isdigit() for c in written) or written.isupper()


def _value(shape: str, written: str, folded: str) -> str | Number:
    if shape in ("number", "percent", "money"):
        digits = re.search(_NUMBER, folded)
        if digits is None:
            return written
        number = parse_number(digits.group())
        if shape == "number" and folded.startswith("-"):
            return -number
        return number * 1000 if shape == "money" and re.search(r"\dk\b|\d k\b", folded) else number
    if shape == "date":
        return iso_date(folded) or written
    if shape == "time":
        return clock(folded)
    if shape == "quoted":
        return written[1:-1]
    return written


def parse_number(digits: str) -> Number:
    """Read a number as English or Italian writes it.

    >>> [parse_number(n) for n in ("1.234,56", "1,234.56", "12,50", "3.5", "1.500", "42")]
    [1234.56, 1234.56, 12.5, 3.5, 1500, 42]
    """
    plain = re.sub(r"[' ]", "", digits)
    point, comma = plain.rfind("."), plain.rfind(",")
    if point >= 0 and comma >= 0:
        thousands = "," if point > comma else "."
        plain = plain.replace(thousands, "").replace(",", ".")
    elif re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", plain):
        plain = re.sub(r"[.,]", "", plain)
    else:
        plain = plain.replace(",", ".")
    value = float(plain)
    return int(value) if value.is_integer() and len(plain) < 16 else value


def iso_date(folded: str) -> str | None:
    """The calendar date that a folded text writes out, day before month where it is ambiguous.

    >>> iso_date("12/03/2024"), iso_date("march 5th, 2024"), iso_date("5 marzo")
    ('2024-03-12', '2024-03-05', None)
    """
    if re.match(r"\d{4}-\d{2}-\d{2}", folded):
        return folded[:10]
    numbers = [int(n) for n in re.findall(r"\d+", folded)]
    named = re.search(_MONTH, folded)
    if named and len(numbers) == 2:
        return _date(numbers[1], MONTHS[named.group()], numbers[0])
    if named is None and len(numbers) == 3:
        day, month, year = numbers
        return _date(year, month, day) or _date(year, day, month)
    return None


def _date(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def clock(folded: str) -> str:
    """A time of day as HH:MM.

    >>> clock("3:30 pm"), clock("9"), clock("mezzogiorno")
    ('15:30', '09:00', '12:00')
    """
    if folded in ("noon", "mezzogiorno"):
        return "12:00"
    if folded in ("midnight", "mezzanotte"):
        return "00:00"
    numbers = [int(n) for n in re.findall(r"\d+", folded)]
    hour, minute = numbers[0], numbers[1] if len(numbers) > 1 else 0
    if "p" in folded and hour < 12:
        hour += 12
    if "a" in folded and hour == 12:
        hour = 0
    return f"{hour:02d}:{minute:02d}"


def currency_of(folded: str) -> str | None:
    """The ISO code of the first currency a folded text names."""
    best: tuple[int, str] | None = None
    for word, code in CURRENCIES.items():
        at = folded.find(word)
        if at >= 0 and (best is None or at < best[0]):
            best = (at, code)
    return best[1] if best else None

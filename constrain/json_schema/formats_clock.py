"""Which dates, times and durations does Python hold, from one bound to another?

    date from 2024-02-10          2024-02-10 yes    2024-02-09 no    2025-01-01 yes
    time before 10:30             10:29:59.9 yes    10:30 no
    duration to PT1H              PT60M yes         PT59M59.5S yes   PT1H1S no

A date in ISO 8601 is as large as its text: what comes later is greater in the first digit that differs.  So
a bound is a pattern, one alternative for each digit of the bound, and both bounds are an intersection with
the calendar:

    2024-02-10 or later     [3-9]... | 2[1-9]... | 20[3-9]... | 202[5-9]... | ... | 2024-02-[2-3]... |
    2024-02-10

An offset moves a time.  Python compares two aware times in UTC, and in all other cases the digits that are
written; so there is a bound for each offset, and the digits are compared with that (`REAL_OFFSETS`).

A duration has no such order, for it is a sum: PT90M is PT1H30M.  Between bounds are written those whose parts
do not overflow (`P1DT23H59M59.5S`), which have an order, and those of one part alone (`PT90M`, `P2W`).

Sources: RFC 3339 and ISO 8601 for the texts; `datetime.MINYEAR`, `MAXYEAR` and `timedelta.max`.
We depart from what Pydantic reads in these ways:
1. Its other spellings are not written: a date as a number of seconds, a decimal comma, `1 day, 2:00:00`.
2. Durations keep their numbers small enough for its reader: hours of up to five digits, days of eight, ...
3. Next to a bound with an offset, the offsets are those that some place on Earth has.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from constrain.json_schema.formats_hosts import Alphabet
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, choice, concat, intersect

Bounds = Iterable[tuple[str, str]]
"""Pairs of `from`, `after`, `to` or `before` with what is compared."""

LEAP_YEAR = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_MONTH_DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
)
DATE = rf"(?:\d{{4}}-{_MONTH_DAY}|{LEAP_YEAR}-02-29)"
"""Every date of RFC 3339, which has a year 0000."""
HOUR, MINUTE = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
_DATE = rf"(?!0000){DATE}"
_TIME = rf"{HOUR}:{MINUTE}(?::{MINUTE}(?:\.\d{{1,9}})?)?"
_EXACT_TIME = rf"{HOUR}:{MINUTE}(?::{MINUTE}(?:\.\d{{1,6}})?)?"
"""To microseconds, all that Python keeps: where a bound is, what it would cut off may not be written."""
_SEPARATOR = "[Tt ]"
_OFFSET = rf"(?:[Zz]|[+-]{HOUR}:{MINUTE})"
OFFSETS = {"with an offset": _OFFSET, "without an offset": "", "": f"(?:{_OFFSET})?"}

REAL_OFFSETS = (
    -720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -150, -120, -60, 0, 60, 120,
    180, 210, 240, 270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 825,
    840,
)  # fmt: skip
"""The offsets from UTC in use, in minutes (IANA time zone database, summer time included)."""
_FARTHEST = dt.timedelta(hours=24)


def _term(pattern: str, alphabet: Alphabet) -> Term:
    return regex_term(pattern, dialect="ecma", alphabet=alphabet)


# Dates and times.


def dates(alphabet: Alphabet, bounds: Bounds = ()) -> Term:
    """The dates of Python."""
    return _within(_DATE, bounds, alphabet)


def times(alphabet: Alphabet, offset: str = "", bounds: Bounds = ()) -> Term:
    """The times of day of Python; `offset` is a key of `OFFSETS`."""
    bounds = list(bounds)
    if not bounds:
        return _term(_TIME + OFFSETS[offset], alphabet)
    terms = [_term(_EXACT_TIME + OFFSETS[offset], alphabet)]
    for word, value in bounds:
        bound = dt.time.fromisoformat(value)
        naive = concat(
            _within(_EXACT_TIME, [(word, _local(bound))], alphabet),
            _term("" if bound.tzinfo else OFFSETS[""], alphabet),
        )
        if bound.tzinfo is None:
            terms.append(naive)
        else:  # both in UTC, and it is not clear what wraps around midnight: only those that do not
            moved = dt.datetime.combine(dt.date(2000, 1, 2), bound).astimezone(dt.UTC)
            in_utc = _within(_EXACT_TIME, [(word, _local(moved.time()))], alphabet)
            same_day = moved.date() == dt.date(2000, 1, 2)
            aware = [concat(in_utc, _term("[Zz]", alphabet))] if same_day else []
            terms.append(choice(naive, *aware))
    return intersect(*terms)


def date_times(alphabet: Alphabet, offset: str = "", bounds: Bounds = ()) -> Term:
    """The date-times of Python; `offset` is a key of `OFFSETS`, or an offset like `+02:00`."""
    bounds = list(bounds)
    allowed = OFFSETS.get(offset, _offset_pattern(offset))
    if not bounds:
        return _term(f"{_DATE}{_SEPARATOR}{_TIME}{allowed}", alphabet)
    terms = [_term(f"{_DATE}{_SEPARATOR}{_EXACT_TIME}{allowed}", alphabet)]
    terms += [_date_times_beyond(word, dt.datetime.fromisoformat(value), alphabet) for word, value in bounds]
    return intersect(*terms)


def _date_times_beyond(word: str, bound: dt.datetime, alphabet: Alphabet) -> Term:
    written = f"{_DATE}{_SEPARATOR}{_EXACT_TIME}"
    naive = _within(written, [(word, _local(bound))], alphabet)
    if bound.tzinfo is None:
        return concat(naive, _term(OFFSETS[""], alphabet))
    ways = [naive]
    in_utc = bound.astimezone(dt.UTC).replace(tzinfo=None)
    for minutes in REAL_OFFSETS:
        moved = _moved(in_utc, dt.timedelta(minutes=minutes))
        sign = "+" if minutes >= 0 else "-"
        said = _offset_pattern(f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}")
        ways.append(concat(_within(written, [(word, _local(moved))], alphabet), _term(said, alphabet)))
    away = _FARTHEST if word in {"from", "after"} else -_FARTHEST
    far = _within(written, [(word, _local(_moved(in_utc, away)))], alphabet)
    return choice(*ways, concat(far, _term(_OFFSET, alphabet)))


def _moved(time: dt.datetime, by: dt.timedelta) -> dt.datetime:
    try:
        return time + by
    except OverflowError:
        return dt.datetime.max if by > dt.timedelta(0) else dt.datetime.min


def _offset_pattern(offset: str) -> str:
    return "(?:[Zz]|[+-]00:00)" if offset in {"+00:00", "-00:00"} else re.escape(offset)


def _local(value: dt.time | dt.datetime) -> str:
    """The digits of a time, without an offset and without idle zeros."""
    text = value.replace(tzinfo=None).isoformat(timespec="microseconds")
    return text.rstrip("0").rstrip(".").removesuffix(":00") if "." in text else text


def _within(pattern: str, bounds: Bounds, alphabet: Alphabet) -> Term:
    """The texts of a pattern beyond each bound, in the order of their digits.

    Zeros behind a bound are equal to it, and a beginning of it is less: `10:30` is `10:30:00.0`.
    """
    terms = [_term(pattern, alphabet)]
    terms += [_term(_beyond(word, value), alphabet) for word, value in bounds]
    return intersect(*terms)


def _beyond(word: str, bound: str) -> str:
    is_least = word in {"from", "after"}
    ways: list[str] = []
    for at, char in enumerate(bound):
        if char.isdigit():
            others = f"[{int(char) + 1}-9]" if is_least else f"[0-{int(char) - 1}]"
            if char != ("9" if is_least else "0"):
                ways.append(f"{_escaped(bound[:at])}{others}[^]*")
        if not is_least:
            ways.append(_escaped(bound[:at]))
    whole = _escaped(bound)
    if word == "after":
        ways.append(rf"{whole}[0:.]*[1-9][^]*")
    elif word != "before":
        ways.append(rf"{whole}[0:.]*" if is_least is False else rf"{whole}[0-9:.]*")
    return "(?:" + "|".join(ways) + ")"


def _escaped(digits: str) -> str:
    return re.escape(digits).replace("T", _SEPARATOR)


# Durations.

_UNITS = (("D", 86_400), ("H", 3_600), ("M", 60), ("S", 1))
_YEAR = 365
"""The days that Pydantic reads as a year, and writes as one."""
_FRACTION = r"(?:\.\d{1,9})?"
_SECONDS = rf"\d{{1,9}}{_FRACTION}S"
_DURATION_TIME = rf"T(?:\d{{1,5}}H(?:\d{{1,7}}M)?(?:{_SECONDS})?|\d{{1,7}}M(?:{_SECONDS})?|{_SECONDS})"
_YEARS = r"(?:1?\d{1,6}|2[0-6]\d{5})Y"
_DURATION_DATE = rf"(?:{_YEARS}(?:\d{{1,4}}M)?(?:\d{{1,4}}D)?|\d{{1,4}}M(?:\d{{1,8}}D)?|\d{{1,8}}D)"
_DURATION = (
    rf"-?(?:P(?:{_DURATION_DATE}(?:{_DURATION_TIME})?|{_DURATION_TIME}|\d{{1,8}}W)"
    rf"|\d{{2}}:{MINUTE}(?::{MINUTE}{_FRACTION})?)"
)
_MICROSECONDS = 1_000_000
_LARGEST = 999_999_999 * 86_400 * _MICROSECONDS
"""Of durations of one sign: the most that `timedelta.min` holds."""
_SINGLE = (
    ("P{}W", 604_800, 99_999_999),
    ("PT{}H", 3_600, 999_999),
    ("PT{}M", 60, 9_999_999),
    ("PT{}S", 1, 999_999_999),
)
_ISO = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?")


def durations(alphabet: Alphabet, bounds: Bounds = ()) -> Term:
    """The durations of Python."""
    bounds = list(bounds)
    if not bounds:
        return _term(_DURATION, alphabet)
    low, high = -_LARGEST, _LARGEST
    for word, value in bounds:
        bound = parse_duration(value)
        if word in {"from", "after"}:
            low = max(low, bound + (word == "after"))
        else:
            high = min(high, bound - (word == "before"))
    ways = list(_positive(max(low, 0), high))
    ways += [f"-{way}" for way in _positive(max(-high, 1), -low)]
    return choice(*(_term(way, alphabet) for way in ways))


def parse_duration(text: str) -> int:
    """The microseconds of what `write_duration` wrote; raises ValueError for other texts.

    >>> parse_duration("-PT1M0.5S")
    -60500000
    """
    found = _ISO.fullmatch(text)
    if not found:
        raise ValueError(f"`{text}` is no duration")
    days, hours, minutes, seconds = (int(found[index] or 0) for index in (2, 3, 4, 5))
    whole = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    total = whole * _MICROSECONDS + int((found[6] or "0").ljust(6, "0"))
    return -total if found[1] else total


def write_duration(duration: dt.timedelta) -> str:
    """A duration in ISO 8601.

    >>> write_duration(dt.timedelta(minutes=-90))
    '-PT1H30M'
    """
    total = abs(duration) // dt.timedelta(microseconds=1)
    seconds, fraction = divmod(total, _MICROSECONDS)
    parts = []
    for letter, size in _UNITS:
        count, seconds = divmod(seconds, size)
        point = f".{fraction:06}".rstrip("0") if letter == "S" and fraction else ""
        parts.append(f"{count}{point}{letter}" if count or point else "")
    time = "".join(parts[1:])
    written = "P" + parts[0] + (f"T{time}" if time else "")
    return ("-" if duration < dt.timedelta(0) else "") + (written if written != "P" else "PT0S")


def _positive(low: int, high: int) -> Iterator[str]:
    """Patterns for the durations from `low` to `high` microseconds, both 0 or more."""
    if low > high:
        return
    if low == 0:
        yield "(?:PT0S|P0D)"
    for form, size, most in _SINGLE:
        first = max(-(-low // (size * _MICROSECONDS)), 1)
        last = min(high // (size * _MICROSECONDS), most)
        if first <= last:
            yield form.format(number_between(first, last))
    sizes = [size * _MICROSECONDS for _, size in _UNITS] + [1]
    for days, *time in _boxes(low, high, sizes):
        yield from _assembled([f"{number_between(*days)}D"], can_lack=[days[0] == 0], time=time)
    if high >= _YEAR * sizes[0]:
        for years, days, *time in _boxes(max(low, _YEAR * sizes[0]), high, [_YEAR * sizes[0], *sizes]):
            parts = [f"{number_between(*years)}Y", f"{number_between(*days)}D"]
            yield from _assembled(parts, can_lack=[False, days[0] == 0], time=time)


def _assembled(dates: list[str], can_lack: list[bool], time: list[tuple[int, int]]) -> Iterator[str]:
    """Patterns for durations of days and perhaps years, that may lack, and ranges of a time."""
    *ranges, (least, most) = time
    hours, minutes, seconds = (
        (f"{number_between(*counts)}{letter}", counts[0] == 0)
        for counts, (letter, _) in zip(ranges, _UNITS[1:], strict=True)
    )
    decimals = rf"\.{_decimals(least, most)}"
    if least == 0:
        decimals = f"(?:{decimals})?" if most else ""
    exact = (seconds[0].replace("S", f"{decimals}S"), seconds[1] and least == 0)
    clock, no_time = _some_of([hours, minutes, exact])
    date, no_date = _some_of(list(zip(dates, can_lack, strict=True)))
    yield f"P{date}(?:T{clock})?" if no_time else f"P{date}T{clock}"
    if no_date:
        yield f"PT{clock}"


def _some_of(parts: list[tuple[str, bool]]) -> tuple[str, bool]:
    """Patterns in a row, each with whether it may be left out: at least one of them; and whether all may
    be."""
    ways: list[str] = []
    for at, (part, may_lack) in enumerate(parts):
        rest = "".join(f"(?:{later})?" if optional else later for later, optional in parts[at + 1 :])
        ways.append(part + rest)
        if not may_lack:
            break
    return "(?:" + "|".join(ways) + ")", all(may_lack for _, may_lack in parts)


def _decimals(low: int, high: int) -> str:
    """A pattern for the decimals of `low` to `high` microseconds, up to six of them.

    >>> _decimals(250_000, 300_000).startswith("(?:3|2[5-9]|30|")
    True
    """
    ways: list[str] = []
    for digits in range(1, 7):
        size = 10 ** (6 - digits)
        ways += _digits_between(-(-low // size), high // size, digits)
    return "(?:" + "|".join(ways) + ")"


def _boxes(low: int, high: int, sizes: list[int]) -> Iterator[list[tuple[int, int]]]:
    """`low` to `high` as products of ranges, one for each size of a mixed radix.

    >>> list(_boxes(50, 130, [60, 1]))
    [[(0, 0), (50, 59)], [(1, 1), (0, 59)], [(2, 2), (0, 10)]]
    """
    if not sizes:
        yield []
        return
    size, rest = sizes[0], sizes[1:]
    (first, least), (last, most) = divmod(low, size), divmod(high, size)
    if first == last:
        yield from ([(first, first), *inner] for inner in _boxes(least, most, rest))
        return
    if least > 0:
        yield from ([(first, first), *inner] for inner in _boxes(least, size - 1, rest))
        first += 1
    tail = list(_boxes(0, most, rest)) if most < size - 1 else []
    if tail:
        last -= 1
    if first <= last:
        yield from ([(first, last), *inner] for inner in _boxes(0, size - 1, rest))
    yield from ([(last + 1, last + 1), *inner] for inner in tail)


def number_between(low: int, high: int) -> str:
    """A pattern for the whole numbers from `low` to `high`, 0 or more.

    >>> number_between(8, 123)
    '(?:[8-9]|[1-9][0-9]|1[0-1][0-9]|12[0-3])'
    """
    ways: list[str] = []
    for length in range(len(str(low)), len(str(high)) + 1):
        least = max(low, 10 ** (length - 1) if length > 1 else 0)
        ways += _digits_between(least, min(high, 10**length - 1), length)
    return "(?:" + "|".join(ways) + ")"


def _digits_between(low: int, high: int, length: int) -> Iterator[str]:
    """Patterns for the numbers from `low` to `high` in so many digits."""
    if low <= high:
        for box in _boxes(low, high, [10**power for power in reversed(range(length))]):
            yield "".join(str(a) if a == b else f"[{a}-{b}]" for a, b in box)

"""Which texts does a format admit?

Each format is a regular language of code points, and is written here as one: a pattern for what its
standard's grammar says, made on first use and spelled by the alphabet of whoever asks.  The calendar
is a pattern too: 02-29 follows a year whose last two digits are a multiple of four, or, when
they are 00, whose first two are.

    2024-02-29 yes     2023-02-29 no     1900-02-29 no     2000-02-29 yes

A leap second is written :60, and only in the last minute of a UTC day: 23:59:60Z, and 15:59:60-08:00.
So each hour and minute has a second 60 with one offset ahead of UTC, and with one behind it.

Sources are in the table `FORMATS`, entry by entry.  We depart from the standards in one way:
1. A leap second is admitted on any date, for the table of leap seconds is not finished.
Hosts and mailboxes are in `formats_hosts.py`, names beyond ASCII in `formats_idn.py`, regular expressions in
`formats_regex.py`; each has its own list.
Cost: a format is built on first use.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from constrain.errors import InvalidInputError
from constrain.json_schema import formats_hosts, formats_idn
from constrain.json_schema.formats_clock import DATE, HOUR, MINUTE
from constrain.json_schema.formats_hosts import IPV4, Alphabet, ipv6
from constrain.json_schema.formats_python import JSON_TEXT, PREFIXES, python_format, texts_of
from constrain.json_schema.formats_regex import regular_expressions
from constrain.json_schema.json_in_text import json_texts
from constrain.regular.keeping import remember
from constrain.regular.leaf import WrittenLeaf, intern_leaf
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, choice, concat


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its standard, and its texts as a term, each character spelled as an alphabet says."""

    source: str
    term: Callable[[Alphabet], Term]


REGISTERED = "registered"
"""The source of a format that `register_format` made."""
PYTHON = "the type of Python that it names"
"""The source of those in `formats_python.py`."""


def _matching(pattern: Callable[[], str]) -> Callable[[Alphabet], Term]:
    """The texts that a pattern matches from end to end; it is written when it is first asked for."""
    return lambda alphabet: regex_term(pattern(), dialect="ecma", alphabet=alphabet)


def name_in(draft: int, name: str) -> str:
    """What `find` calls the format that a draft (4, 6, 7, 2019 or 2020) names so."""
    return BEFORE_DRAFT_7.get(name, name) if draft < 7 else name


def find(name: str) -> Format | None:
    """The format of that name; None for one that is an annotation only."""
    known = FORMATS.get(name) or _OLDER.get(name)
    return _of_python(name) if known is None and name.startswith(PREFIXES) else known


@remember(4_096)
def _of_python(name: str) -> Format | None:
    """A format that a type of Python asks for (`formats_python.py`)."""
    found = python_format(name)
    if found is None:
        return None
    family, parameters = found
    if family == JSON_TEXT:
        schema = json.loads(parameters["text"][0])
        return Format(PYTHON, lambda alphabet: json_texts(schema, alphabet, find))
    return Format(PYTHON, lambda alphabet: texts_of(family, parameters, alphabet))


def register_format(name: str, pattern: str) -> None:
    """Give `format: name` a meaning, in every draft: an ECMA regular expression for the whole text.

        register_format("semver", r"\\d+\\.\\d+\\.\\d+")
        compile_json_schema({"type": "string", "format": "semver"}, vocabulary)

    Schemas compiled from now on have it; it may replace a format of the standard.  Raises RegexError or
    UnsupportedRegexError for such a pattern, and InvalidInputError for anything but strings.
    """
    for what, value in (("name", name), ("pattern", pattern)):
        if not isinstance(value, str):
            raise InvalidInputError(f"the {what} of a format is a string, not {type(value).__name__}")
    regex_term(pattern, dialect="ecma")
    FORMATS[name] = Format(REGISTERED, _matching(lambda: pattern))
    BEFORE_DRAFT_7.pop(name, None)


# Dates and times: RFC 3339, section 5.6, and its appendix A for durations.

_SECOND_FRACTION = r"(?:\.\d+)?"
DAY = 24 * 60
_TIME = rf"{HOUR}:{MINUTE}:{MINUTE}{_SECOND_FRACTION}(?:[Zz]|[+-]{HOUR}:{MINUTE})"
_LEAP_SECOND = rf"\d\d:\d\d:60{_SECOND_FRACTION}(?:[Zz]|[+-]\d\d:\d\d)"
_DURATION_TIME = r"T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)"
_DURATION_DATE = r"(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)"
_DURATION = rf"P(?:{_DURATION_DATE}(?:{_DURATION_TIME})?|{_DURATION_TIME}|\d+W)"


class _LeapSecond(WrittenLeaf):
    """The times with second 60, those that are 23:59:60 in UTC, behind some `digits` of hour and minute.

    Each hour and minute has its own two offsets, so this is 1,440 ways on: written as they are asked for.
    """

    __slots__ = ("_alphabet", "_digits")

    def __init__(self, alphabet: Alphabet, digits: str) -> None:
        self._alphabet, self._digits = alphabet, digits
        self._written_as = None
        self._register(nullable=False, plain=False)

    @property
    def outline(self) -> Term | None:
        """Any hour, minute and offset; known of the whole time only."""
        return None if self._digits else regex_term(_LEAP_SECOND, dialect="ecma", alphabet=self._alphabet)

    def _write(self) -> Term:
        digits = self._digits
        if len(digits) == len("hhmm"):
            return self._offsets()
        last = {0: "2", 1: "3" if digits == "2" else "9", 2: "5", 3: "9"}[len(digits)]
        behind = {1: ":", 3: ":60"}.get(len(digits), "")
        ways = []
        for digit in "0123456789"[: int(last) + 1]:
            then = intern_leaf(_LeapSecond, self._alphabet, digits + digit)
            ways.append(concat(self._text(f"{digit}{behind}"), then))
        return choice(*ways)

    def _offsets(self) -> Term:
        minute = int(self._digits[:2]) * 60 + int(self._digits[2:])
        ahead, behind = (minute + 1) % DAY, DAY - 1 - minute
        offsets = [f"+{ahead // 60:02}:{ahead % 60:02}", f"-{behind // 60:02}:{behind % 60:02}"]
        offsets += [] if behind else ["Z", "z"]
        fraction = regex_term(_SECOND_FRACTION, dialect="ecma", alphabet=self._alphabet)
        return concat(fraction, choice(*map(self._text, offsets)))

    def _text(self, characters: str) -> Term:
        return concat(*(self._alphabet(((ord(c), ord(c)),)) for c in characters))


def _times(alphabet: Alphabet) -> Term:
    time = regex_term(_TIME, dialect="ecma", alphabet=alphabet)
    return choice(time, intern_leaf(_LeapSecond, alphabet, ""))


def _date_times(alphabet: Alphabet) -> Term:
    return concat(regex_term(rf"{DATE}[Tt]", dialect="ecma", alphabet=alphabet), _times(alphabet))


# Resource identifiers: RFC 3986 appendix A, RFC 3987 section 2.2, RFC 6570 section 2.

_UCS = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef" + "".join(
    f"{chr(plane * 0x10000 + (0x1000 if plane == 14 else 0))}-{chr(plane * 0x10000 + 0xFFFD)}"
    for plane in range(1, 15)
)
_PRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
_PERCENT = "%[0-9A-Fa-f]{2}"
_UNRESERVED = "A-Za-z0-9._~-"
_SUB_DELIMS = "!$&'()*+,;="


def _identifier(beyond: str, private: str, *, relative: bool) -> str:
    """`URI` or, where `relative`, `URI-reference`; with more characters, the same for IRIs."""

    def characters(extra: str) -> str:
        return rf"(?:[{extra}{beyond}{_SUB_DELIMS}{_UNRESERVED}]|{_PERCENT})"

    segment, any_segment = f"{characters(':@')}+", f"{characters(':@')}*"
    address = rf"\[(?:{ipv6()}|[vV][0-9A-Fa-f]+\.[:{_SUB_DELIMS}{_UNRESERVED}]+)\]"
    authority = rf"(?:{characters(':')}*@)?(?:{address}|{characters('')}*)(?::\d*)?"
    path = rf"//{authority}(?:/{any_segment})*|/(?:{segment}(?:/{any_segment})*)?"
    query = rf"(?:\?(?:[{private}/?]|{characters(':@')})*)?(?:#(?:[/?]|{characters(':@')})*)?"
    absolute = rf"[A-Za-z][A-Za-z0-9+.-]*:(?:{path}|{segment}(?:/{any_segment})*)?{query}"
    if not relative:
        return absolute
    return rf"(?:{absolute}|(?:{path}|{characters('@')}+(?:/{any_segment})*)?{query})"


def _uri_template() -> str:
    literals = rf"(?:[!#$&'(-;=?-\[\]_a-z~{_UCS}{_PRIVATE}]|{_PERCENT})"
    character = rf"(?:[A-Za-z0-9_]|{_PERCENT})"
    variable = rf"{character}(?:\.?{character})*(?::[1-9]\d{{0,3}}|\*)?"
    return rf"(?:{literals}|\{{[+#./;?&=,!@|]?{variable}(?:,{variable})*\}})*"


_POINTER = r"(?:/(?:[^~/]|~[01])*)*"


#: Every format that constrains; others are annotations, as every dialect allows.
FORMATS: dict[str, Format] = {
    "date": Format("RFC 3339 section 5.6, full-date", _matching(lambda: DATE)),
    "time": Format("RFC 3339 section 5.6, full-time", _times),
    "date-time": Format("RFC 3339 section 5.6", _date_times),
    "duration": Format("RFC 3339 appendix A", _matching(lambda: _DURATION)),
    "email": Format("RFC 5321 section 4.1.2, Mailbox", formats_hosts.email),
    "idn-email": Format("RFC 6531 section 3.3", formats_idn.idn_email),
    "hostname": Format("RFC 1123 section 2.1, RFC 5891 section 4.2.3.1", formats_hosts.hostname),
    "idn-hostname": Format("RFC 5890 section 2.3.2.3", formats_idn.idn_hostname),
    "ipv4": Format("RFC 2673 section 3.2", _matching(lambda: IPV4)),
    "ipv6": Format("RFC 4291 section 2.2", _matching(ipv6)),
    "uri": Format("RFC 3986", _matching(lambda: _identifier("", "", relative=False))),
    "uri-reference": Format("RFC 3986 section 4.1", _matching(lambda: _identifier("", "", relative=True))),
    "iri": Format("RFC 3987", _matching(lambda: _identifier(_UCS, _PRIVATE, relative=False))),
    "iri-reference": Format("RFC 3987", _matching(lambda: _identifier(_UCS, _PRIVATE, relative=True))),
    "uri-template": Format("RFC 6570 section 2", _matching(_uri_template)),
    "uuid": Format(
        "RFC 4122 section 3", _matching(lambda: "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
    ),
    "json-pointer": Format("RFC 6901 section 3", _matching(lambda: _POINTER)),
    "relative-json-pointer": Format(
        "draft-handrews-relative-json-pointer-01", _matching(lambda: rf"(?:0|[1-9]\d*)(?:#|{_POINTER})")
    ),
    "regex": Format("ECMA-262 section 22.2.1, a subset", regular_expressions),
}

#: A name that meant something else in drafts 4 and 6, and our name for that.
BEFORE_DRAFT_7: dict[str, str] = {"hostname": "hostname before draft 7"}
_OLDER = {BEFORE_DRAFT_7["hostname"]: Format("RFC 1034 section 3.1, RFC 1123", formats_hosts.plain_hostname)}

_DRAFT_4 = frozenset({"date-time", "email", "hostname", "ipv4", "ipv6", "uri"})
_DRAFT_6 = _DRAFT_4 | {"uri-reference", "uri-template", "json-pointer"}
_DRAFT_7 = _DRAFT_6 | {
    "date", "time", "idn-email", "idn-hostname", "iri", "iri-reference", "relative-json-pointer", "regex"
}  # fmt: skip
_DRAFT_2019 = _DRAFT_7 | {"duration", "uuid"}

#: Which dialect defines which formats.  A schema may use any format; this is what its draft promises.
DEFINED_BY: dict[str, frozenset[str]] = {
    "draft-04": _DRAFT_4,
    "draft-06": _DRAFT_6,
    "draft-07": _DRAFT_7,
    "2019-09": _DRAFT_2019,
    "2020-12": _DRAFT_2019,
}

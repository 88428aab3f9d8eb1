"""Which texts does a format admit?

Each format is a regular language of code points, and is written here as one: a pattern for what its
standard's grammar says, made on first use and spelled by the alphabet of whoever asks.  The calendar
is a pattern too: 02-29 follows a year whose last two digits are a multiple of four, or, when
they are 00, whose first two are.

    2024-02-29 yes     2023-02-29 no     1900-02-29 no     2000-02-29 yes

A leap second is written :60, and only in the last minute of a UTC day: 23:59:60Z, and 15:59:60-08:00.
One alternative for each of the day's 1,440 minutes says which offsets make it that minute.

Sources are in the table `FORMATS`, entry by entry.  We depart from the standards as follows, each time
because the rule is not regular or needs tables that Python lacks:
1. `regex` is a subset of ECMA-262's grammar, for matching parentheses are not regular: groups are nested
   at most three deep, and have no names or back-references.  What is admitted is a regular expression.
2. A-labels (`xn--...`) in `hostname` and `idn-hostname` have their alphabet checked, not their Punycode.
3. `idn-hostname` has the contextual rules of RFC 5892, a little narrower: a zero-width non-joiner needs a
   virama before it (not the rule by joining types), a Katakana middle dot a Japanese neighbour.  The Bidi
   rule of RFC 5893 and the length of the whole name are left out, and labels are measured in code
   points, not in octets of Punycode.
4. A leap second is admitted on any date, for the table of leap seconds is not finished.
Cost: a format is built on first use.  `idn-hostname` and `idn-email` first scan the Unicode database.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, choice, concat, intersect, repeat
from constrain.regular.utf8 import ALL_CODEPOINTS, CharSet

Alphabet = Callable[[CharSet], Term]


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its standard, a pattern for the whole text, and what a pattern cannot say.

    `longest` bounds the length in code points; `special` makes further texts that are admitted.
    """

    source: str
    pattern: Callable[[], str]
    longest: int | None = None
    special: Callable[[Alphabet], Term] | None = None

    def term(self, alphabet: Alphabet) -> Term:
        """The format's texts, each character spelled as `alphabet` says."""
        admitted = regex_term(self.pattern(), dialect="ecma", alphabet=alphabet)
        if self.special is not None:
            admitted = choice(admitted, self.special(alphabet))
        if self.longest is not None:
            admitted = intersect(admitted, repeat(alphabet(ALL_CODEPOINTS), 0, self.longest))
        return admitted


def find(name: str) -> Format | None:
    """The format of that name; None for one that is an annotation only."""
    return FORMATS.get(name)


def register_format(name: str, pattern: str) -> None:
    """Give a format a meaning: an ECMA regular expression for the whole text.

    Spaces that have looked the format up keep what they found.
    """
    FORMATS[name] = Format("registered", lambda: pattern)


# Dates and times: RFC 3339, section 5.6, and its appendix A for durations.

_LEAP_YEAR = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_MONTH_DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
)
_DATE = rf"(?:\d{{4}}-{_MONTH_DAY}|{_LEAP_YEAR}-02-29)"
_HOUR, _MINUTE = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
_SECOND_FRACTION = r"(?:\.\d+)?"
_TIME = rf"{_HOUR}:{_MINUTE}:{_MINUTE}{_SECOND_FRACTION}(?:[Zz]|[+-]{_HOUR}:{_MINUTE})"
_DURATION_TIME = r"T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)"
_DURATION_DATE = r"(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)"
_DURATION = rf"P(?:{_DURATION_DATE}(?:{_DURATION_TIME})?|{_DURATION_TIME}|\d+W)"


def _leap_second(alphabet: Alphabet) -> Term:
    """The times with second 60: those that are 23:59:60 in UTC."""

    def text(characters: str) -> Term:
        return concat(*(alphabet(((ord(c), ord(c)),)) for c in characters))

    def clock(minutes: int) -> str:
        return f"{minutes // 60 % 24:02}:{minutes % 60:02}"

    seconds = concat(text(":60"), regex_term(_SECOND_FRACTION, dialect="ecma", alphabet=alphabet))
    last = 23 * 60 + 59
    hours = []
    for hour in range(24):
        minutes = []
        for minute in range(60):
            local = hour * 60 + minute
            ahead, behind = (local - last) % 1440, (last - local) % 1440
            zones = [text("+" + clock(ahead)), text("-" + clock(behind))]
            if local == last:
                zones += [text("Z"), text("z")]
            minutes.append(concat(text(f"{minute:02}"), seconds, choice(*zones)))
        hours.append(concat(text(f"{hour:02}:"), choice(*minutes)))
    return choice(*hours)


def _leap_second_with_date(alphabet: Alphabet) -> Term:
    return concat(regex_term(rf"{_DATE}[Tt]", dialect="ecma", alphabet=alphabet), _leap_second(alphabet))


# Addresses: RFC 2673 section 3.2, RFC 4291 section 2.2, RFC 1123 section 2.1, RFC 5321 section 4.1.2.

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"


def _ipv6() -> str:
    group = "[0-9A-Fa-f]{1,4}"
    tail = f"(?:{group}:{group}|{_IPV4})"
    forms = [f"(?:{group}:){{6}}{tail}"]
    for after in range(6):
        # `::` stands for at least one group: at most 5 - after groups and the tail's two go with it.
        before = f"(?:(?:{group}:){{0,{4 - after}}}{group})?" if after < 5 else f"(?:{group})?"
        forms.append(f"{before}::(?:{group}:){{{after}}}{tail}")
    forms.append(f"(?:(?:{group}:){{0,5}}{group})?::{group}")
    forms.append(f"(?:(?:{group}:){{0,6}}{group})?::")
    return "(?:" + "|".join(forms) + ")"


def _labels(first: str, end: str, inner: str) -> str:
    """One label of at most 63 characters, with hyphens inside, and in places 3 and 4 in A-labels only.

    The hyphen rule is RFC 5891's, section 4.2.3.1.
    """
    return (
        f"(?:{first}(?:{inner}?{end})?|{first}{inner}{end}{inner}{{0,59}}{end}"
        f"|{first}{inner}-{end}(?:{inner}{{0,58}}{end})?|[xX][nN]--{_LDH}{{0,58}}{_LET_DIG})"
    )


_LET_DIG, _LDH = "[A-Za-z0-9]", "[A-Za-z0-9-]"
_LABEL = _labels(_LET_DIG, _LET_DIG, _LDH)
_HOSTNAME = rf"{_LABEL}(?:\.{_LABEL})*"
#: RFC 1123, section 2.1: a name has at most 253 characters (255 octets on the wire).
_HOSTNAME_LENGTH = 253
_ATEXT = "A-Za-z0-9!#$%&'*+/=?^_`{|}~-"


def _email(beyond_ascii: str, domain: str) -> str:
    dot_string = rf"[{beyond_ascii}{_ATEXT}]+(?:\.[{beyond_ascii}{_ATEXT}]+)*"
    quoted = rf'"(?:[ !#-\[\]-~{beyond_ascii}]|\\[ -~])*"'
    literal = rf"\[(?:{_IPV4}|[Ii][Pp][Vv]6:{_ipv6()}|(?![Ii][Pp][Vv]6:)[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+)\]"
    return rf"(?:{dot_string}|{quoted})@(?:{domain}|{literal})"


# Internationalised names: RFC 5890 to 5892, RFC 6531.

_BEYOND_ASCII = "\u0080-\ud7ff\ue000-\U0010ffff"
_DOTS = ".\u3002\uff0e\uff61"


@cache
def _permitted() -> str:
    """The code points that RFC 5892 calls PVALID, beyond ASCII, as the inside of a character class."""
    return _class_of(_permitted_codes())


@cache
def _starters() -> str:
    """Those of them that may begin a label: no combining marks (RFC 5891, section 4.2.3.2)."""
    return _class_of(code for code in _permitted_codes() if unicodedata.category(chr(code))[0] != "M")


@cache
def _permitted_codes() -> tuple[int, ...]:
    context_o = re.compile("[\u00b7\u0375\u05f3\u05f4\u30fb\u0660-\u0669\u06f0-\u06f9]")
    exceptions = {*"\u00df\u03c2\u06fd\u06fe\u0f0b\u3007"}
    disallowed = {*"\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b"}
    ignorable = re.compile(
        "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
    )
    jamo = re.compile("[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]")

    def is_permitted(character: str) -> bool:
        if character in exceptions:
            return True
        if unicodedata.category(character) not in {"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"}:
            return False
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
        if folded != character or character in disallowed or context_o.match(character):
            return False
        return ignorable.match(character) is None and jamo.match(character) is None

    return tuple(code for code in range(0x80, 0x110000) if is_permitted(chr(code)))


@cache
def _viramas() -> str:
    return _class_of(code for code in range(0x900, 0x12000) if unicodedata.combining(chr(code)) == 9)


def _class_of(codes: Iterable[int]) -> str:
    """Ascending code points as the inside of a character class."""
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges)


_GREEK = "\u0370-\u0373\u0375-\u0377\u037a-\u037d\u037f\u0384\u0386\u0388-\u03e1\u03f0-\u03ff\u1f00-\u1ffe"
_HEBREW = "\u0591-\u05f4\ufb1d-\ufb4f"
_JAPANESE = (
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff"
    "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)


def _idn_label(digits: str) -> str:
    """One U-label; `digits` are the Arabic ones it may hold, for the two kinds may not be mixed.

    Each contextual rule of RFC 5892, appendix A, is a character together with the one that it needs.
    """
    permitted = f"A-Za-z0-9{_permitted()}{digits}"
    in_context = (
        "l(?:\u00b7l)+",
        f"\u0375[{_GREEK}]",
        f"[{_HEBREW}][\u05f3\u05f4]",
        f"[{_viramas()}][\u200c\u200d]",
        f"[{_JAPANESE}]\u30fb+",
        f"\u30fb+[{_JAPANESE}]",
    )
    end = f"(?:[{permitted}]|{'|'.join(in_context)})"
    first = f"(?:[{permitted.replace(_permitted(), _starters())}]|{'|'.join(in_context)})"
    return _labels(first, end, f"(?:{end}|-)")


def _idn_hostname() -> str:
    label = "(?:" + "|".join(_idn_label(digits) for digits in ("\u0660-\u0669", "\u06f0-\u06f9")) + ")"
    return rf"{label}(?:[{_DOTS}]{label})*"


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
    address = rf"\[(?:{_ipv6()}|[vV][0-9A-Fa-f]+\.[:{_SUB_DELIMS}{_UNRESERVED}]+)\]"
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


def _regular_expression(depth: int = 3) -> str:
    escape = (
        r"\\(?:[dDsSwWtnvfr0^$\\.*+?()\[\]{}|/-]|[pP]\{[A-Za-z_]+(?:=[A-Za-z_]+)?\}"
        r"|c[A-Za-z]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})"
    )
    char_class = rf"\[\^?(?:[^\\\]-]|{escape})*(?:(?:[^\\\]-]|{escape})-?)*\]"
    atom = rf"(?:[^\\^$.*+?()\[\]{{}}|/]|[./]|{escape}|{char_class})"
    quantifier = r"(?:(?:[*+?]|\{\d+(?:,\d*)?\})\??)?"
    term = rf"(?:[\^$]|\\[bB]|{atom}{quantifier})"
    pattern = rf"(?:{term}|\|)*"
    for _ in range(depth):
        group = rf"\((?:\?:)?{pattern}\){quantifier}|\((?:\?<?[=!]){pattern}\)"
        pattern = rf"(?:{term}|\||{group})*"
    return pattern


#: Every format that constrains; others are annotations, as every dialect allows.
FORMATS: dict[str, Format] = {
    "date": Format("RFC 3339 section 5.6, full-date", lambda: _DATE),
    "time": Format("RFC 3339 section 5.6, full-time", lambda: _TIME, special=_leap_second),
    "date-time": Format(
        "RFC 3339 section 5.6", lambda: rf"{_DATE}[Tt]{_TIME}", special=_leap_second_with_date
    ),
    "duration": Format("RFC 3339 appendix A", lambda: _DURATION),
    "email": Format("RFC 5321 section 4.1.2, Mailbox", lambda: _email("", _HOSTNAME)),
    "idn-email": Format("RFC 6531 section 3.3", lambda: _email(_BEYOND_ASCII, _idn_hostname())),
    "hostname": Format("RFC 1123 section 2.1", lambda: _HOSTNAME, longest=_HOSTNAME_LENGTH),
    "idn-hostname": Format("RFC 5890 section 2.3.2.3, RFC 5892", _idn_hostname),
    "ipv4": Format("RFC 2673 section 3.2", lambda: _IPV4),
    "ipv6": Format("RFC 4291 section 2.2", _ipv6),
    "uri": Format("RFC 3986", lambda: _identifier("", "", relative=False)),
    "uri-reference": Format("RFC 3986 section 4.1", lambda: _identifier("", "", relative=True)),
    "iri": Format("RFC 3987", lambda: _identifier(_UCS, _PRIVATE, relative=False)),
    "iri-reference": Format("RFC 3987", lambda: _identifier(_UCS, _PRIVATE, relative=True)),
    "uri-template": Format("RFC 6570 section 2", _uri_template),
    "uuid": Format("RFC 4122 section 3", lambda: "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "json-pointer": Format("RFC 6901 section 3", lambda: _POINTER),
    "relative-json-pointer": Format(
        "draft-handrews-relative-json-pointer-01", lambda: rf"(?:0|[1-9]\d*)(?:#|{_POINTER})"
    ),
    "regex": Format("ECMA-262 section 22.2.1, a subset", _regular_expression),
}

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

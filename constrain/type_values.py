"""What does the core schema of a single value check, as JSON Schema?

    {"type": "date", "ge": date(1900, 1, 1)}      {"type": "string", "format": "Python date, from 1900-01-01"}
    {"type": "float", "lt": 1.0}                  {"type": "number", "exclusiveMaximum": 1.0, "maximum": ...}
    {"type": "url", "allowed_schemes": ["ftp"]}   {"type": "string", "format": "Python URL, scheme ftp"}

Each function takes a core schema of Pydantic's, of the kind that it is named for, and returns the JSON Schema
of the values to write.  Where JSON Schema has no word there is a format (`json_schema/formats_python.py`).

A JSON number becomes a float on its way into a `float`, a `Decimal` or a `Fraction`, so what counts is what
it is rounded to: exclusive bounds are drawn in by one float, and a `Decimal` whose digits are counted is
written as a number only as far as a float keeps its digits.  As a string it may have them all.

Sources: `pydantic_core.core_schema`, whose keys these are; for what Pydantic's own functions check, the
formats that its JSON Schemas name (`_FORMATS`), and the types that the functions belong to.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

from constrain.errors import ConstrainError
from constrain.json_schema.formats_clock import write_duration
from constrain.json_schema.formats_network import MOST_BYTES_OF_A_CHARACTER
from constrain.json_schema.number_set import lcm
from constrain.regular.charset import Dialect
from constrain.regular.syntax import regex_term

Schema = dict[str, Any]
Core = Mapping[str, Any]

_WORDS = {"ge": "from", "gt": "after", "le": "to", "lt": "before"}
_KEYWORDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_EXACT_DIGITS = 15
"""The decimal digits that a JSON number keeps on its way through a float (`sys.float_info.dig`)."""
_LARGEST = 1e308
"""Numbers beyond are no finite floats, or nearly none."""
_LARGEST_WHOLE = 2**63 - 1
"""Pydantic reads no larger integer as a complex number."""
_LONG_URL = 500
"""Hardly a URL has more characters; where there is room for less, all of it is for ASCII."""
_LONGEST_ASCII = _LONG_URL * MOST_BYTES_OF_A_CHARACTER - 1
"""The length in bytes up to which a URL is in ASCII."""
_LATER = dt.timedelta(hours=1)
"""How long what was in the future when the schema was made has to stay there: the answer is read later."""


# Numbers.


def decimal_schema(core: Core) -> Schema:
    """A `Decimal`, as a number or as a string."""
    named = [f"{word} {_decimal(core[key])}" for key, word in _WORDS.items() if _is_number(core.get(key))]
    counts = (("multiple_of", "multiple of"), ("max_digits", "digits"), ("decimal_places", "places"))
    named += [f"{word} {_decimal(core[key])}" for key, word in counts if core.get(key) is not None]
    return {"anyOf": [*_decimal_numbers(core), formatted("Python decimal", named)]}


def fraction_schema(core: Core) -> Schema:
    """A `Fraction`, as a number or as a string; between bounds, a string with a point."""
    bounds = {key: core[key] for key in _WORDS if _is_number(core.get(key))}
    number = rounded_inwards({"type": "number", **{_KEYWORDS[key]: float(bounds[key]) for key in bounds}})
    named = [f"{_WORDS[key]} {Fraction(bound)}" for key, bound in bounds.items()]
    text = formatted("Python decimal", named) if named else formatted("Python fraction")
    return {"anyOf": [_finite(number), text]}


def complex_schema() -> Schema:
    """A complex number, or a real one as a number."""
    number = {"type": "number", "minimum": -_LARGEST_WHOLE, "maximum": _LARGEST_WHOLE}
    return {"anyOf": [number, formatted("Python complex number")]}


def number_key(made: Schema) -> Schema:
    """The keys that are read as a number of a schema."""
    named = [
        f"{word} {_decimal(made[_KEYWORDS[key]])}" for key, word in _WORDS.items() if _KEYWORDS[key] in made
    ]
    named += [f"multiple of {_decimal(made['multipleOf'])}"] if "multipleOf" in made else []
    return formatted(f"Python {made['type']}", named)


# Texts and bytes.


def pattern_format(core: Core, config: Core) -> str | None:
    """The format that says what a pattern means in the type's dialect; None where it means so in ECMA's.

    Raises UnsupportedRegexError for one that no automaton can follow.
    """
    pattern: str | re.Pattern[str] = core["pattern"]
    engine = core.get("regex_engine") or config.get("regex_engine", "rust-regex")
    if isinstance(pattern, re.Pattern):
        engine, pattern = "python-re", _with_flags(pattern)
    if engine == "rust-regex":
        return None if _ONE_THING.fullmatch(pattern) else _foreign_pattern(pattern, "rust")
    return _foreign_pattern(pattern, "python")


@lru_cache(maxsize=1_024)
def _foreign_pattern(pattern: str, dialect: Dialect) -> str | None:
    meant = regex_term(pattern, dialect=dialect, search=True)
    try:
        if regex_term(pattern, dialect="ecma", search=True) is meant:
            return None
    except ConstrainError:
        pass  # it is no pattern of ECMA's at all
    return f"{dialect.capitalize()} pattern {pattern}"


def text_schema(made: Schema, core: Core, config: Core) -> Schema:
    """A text whose schema Pydantic made, and what that does not say: dialect, ASCII, blanks at the ends."""
    formats: list[str] = []
    if "pattern" in made and (foreign := pattern_format(core, config)) is not None:
        del made["pattern"]
        formats.append(foreign)
    words = ["ASCII"] if core.get("ascii_only") else []
    strips = core.get("strip_whitespace", config.get("str_strip_whitespace"))
    if strips and ("minLength" in made or "pattern" in made or formats):
        words.append("trimmed")  # what is stripped would not count
    formats += [", ".join(["Python text", *words])] if words else []
    if formats:
        made["format"] = formats[0]
    if len(formats) > 1:
        made["allOf"] = [{"format": name} for name in formats[1:]]
    return made


def bytes_schema(core: Core, config: Core) -> Schema:
    """Bytes, as the text that they are in UTF-8, or as the configuration has them."""
    low, high = core.get("min_length"), core.get("max_length")
    named = [f"{word} {value}" for word, value in (("from", low), ("to", high)) if value is not None]
    mode = config.get("val_json_bytes", "utf8")
    if mode == "base64":
        return formatted("Python Base64url", named)
    if mode == "hex":
        count = f"{{{low or 0},{'' if high is None else high}}}"
        return {"type": "string", "pattern": f"^(?:[0-9a-fA-F]{{2}}){count}$"}
    return formatted("Python bytes", named) if named else {"type": "string", "format": "binary"}


# Dates and times.


def date_schema(core: Core, now: dt.datetime) -> Schema:
    """A date; the past ends with yesterday, on this machine's clock and on that of UTC."""
    named = _bounds(core, dt.date.isoformat)
    if now_op := core.get("now_op"):
        dates = [time.date() for time in _instants(now_op, now)]
        named.append(f"{_SIDES[now_op]} {min(dates) if now_op == 'past' else max(dates)}")
    return formatted("Python date", named)


def time_schema(core: Core) -> Schema:
    """A time of day."""
    return formatted("Python time", [*_zone(core), *_bounds(core, dt.time.isoformat)])


def datetime_schema(core: Core, now: dt.datetime) -> Schema:
    """A date and a time."""
    named = [*_zone(core), *_bounds(core, dt.datetime.isoformat)]
    if now_op := core.get("now_op"):
        named += [f"{_SIDES[now_op]} {time.isoformat()}" for time in _instants(now_op, now)]
    return formatted("Python date-time", named)


def timedelta_schema(core: Core) -> Schema:
    """A duration."""
    return formatted("Python duration", _bounds(core, write_duration))


def _instants(now_op: str, now: dt.datetime) -> list[dt.datetime]:
    """Now, on this machine's clock and on that of UTC: what has no offset is compared with either."""
    now = now.replace(microsecond=0) + (_LATER if now_op == "future" else dt.timedelta(0))
    return [now, now.astimezone(dt.UTC)] if now.utcoffset() else [now]


# Identifiers.


def uuid_schema(core: Core) -> Schema:
    """A UUID of some version."""
    version = core.get("version")
    return formatted("Python UUID", [f"version {version}"] if version else [])


def url_schema(core: Core) -> Schema:
    """A URL of one host; a scheme with a port by default needs one."""
    needs_host = core.get("host_required") or core.get("default_port") is not None
    return _url(core, ["with a host"] if needs_host and not core.get("default_host") else [])


def multi_host_url_schema(core: Core) -> Schema:
    """A URL of one host or several."""
    return _url(core, ["with hosts"])


# What functions of Pydantic's own check, which its schemas name by a format.

OF_FUNCTIONS = frozenset({"function-plain", "function-after", "function-wrap", "lax-or-strict", "uuid"})
_FORMATS: dict[str, str] = {
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "ipvanyaddress": "Python IP address",
    "zoneinfo": "Python time zone",
    "regex": "Python regular expression",
    **{f"ipv{version}network": f"Python IP network, version {version}" for version in "46"},
    **{f"ipv{version}interface": f"Python IP interface, version {version}" for version in "46"},
    "ipvanynetwork": "Python IP network",
    "ipvanyinterface": "Python IP interface",
    **{f"uuid{version}": f"Python UUID, version {version}" for version in range(1, 9)},
    "name-email": "Python name and e-mail address",
    "email": "Python e-mail address",
}


def checked_by_function(core: Core, made: Schema) -> Schema:
    """What a schema says whose format, or whose core schema, names a function of Pydantic's."""
    owner = getattr(core.get("function", {}).get("function"), "__self__", None)
    if getattr(owner, "__name__", "") == "PaymentCardNumber":
        return formatted("Python card number")
    if core.get("schema", {}).get("custom_error_type") == "byte_size":
        return {"anyOf": [{"type": "integer", "minimum": 0}, formatted("Python size in bytes")]}
    name = made.get("format")
    if name in {"base64", "base64url"}:
        return _encoded(core, made)
    if name not in _FORMATS or made.get("type") != "string":
        return made
    return {**made, "format": _FORMATS[name]}


# Constraints that are put on a function: Pydantic checks them behind it.


def with_bounds_inside(core: Core) -> Core:
    """A schema whose bounds stand where its value is read, not behind a function.

    In `Annotated[date, AfterValidator(f), Field(ge=...)]` Pydantic compares what `f` returns, of which
    nothing is known; what `f` is given is compared here.
    """
    bounds = _bounds_of_function(core)
    inner = bounds and _bounded(core["schema"], bounds)
    if not inner:
        return core
    metadata = dict(core.get("metadata", {}))
    said = {*bounds, "maxLength"}  # by the inner schema
    updates = metadata.get("pydantic_js_updates", {})
    metadata["pydantic_js_updates"] = {name: value for name, value in updates.items() if name not in said}
    return {**core, "schema": inner, "metadata": metadata}


def _bounds_of_function(core: Core) -> Mapping[str, Any]:
    """The bounds that one of Pydantic's own functions checks; none where it is another one."""
    function = core["function"]["function"] if core["type"] == "function-after" else None
    if not isinstance(function, partial) or not function.func.__module__.startswith("pydantic."):
        return {}
    return {name: value for name, value in function.keywords.items() if name in _BEHIND_FUNCTIONS}


_BEHIND_FUNCTIONS = {*_WORDS, "multiple_of", "max_length"}
_BOUNDED = {"int", "float", "decimal", "date", "time", "datetime", "timedelta"}


def _bounded(core: Core, bounds: Mapping[str, Any]) -> Core | None:
    """A schema with bounds where its value is read; None where nothing is there that knows them."""
    if core["type"] in {"function-after", "function-before", "function-wrap"}:
        inner = _bounded(core["schema"], bounds)
        return inner and {**core, "schema": inner}
    if (
        core["type"] == "url" and "max_length" in bounds
    ):  # of what it becomes, which may end in one slash more
        longest = min(bounds["max_length"] - 1, core.get("max_length", math.inf))
        return {**core, "max_length": longest}
    if core["type"] not in _BOUNDED or "max_length" in bounds:
        return None
    stricter = {"ge": max, "gt": max, "le": min, "lt": min, "multiple_of": max}
    both = {name: stricter[name](value, core.get(name, value)) for name, value in bounds.items()}
    return {**core, **both}


def is_constraint(core: Core) -> bool:
    """Whether a step behind a function is a constraint put on what it returns, such as a pattern."""
    function = core["function"]["function"] if core["type"] == "function-wrap" else None
    return getattr(function, "__module__", "") == "pydantic._internal._known_annotated_metadata"


def _encoded(core: Core, made: Schema) -> Schema:
    """Base64 of bytes, whose lengths are those of the bytes; or of a text, whose lengths are left to the
    type."""
    while "schema" in core and type(_owner(core)).__name__ not in {"EncodedStr", "EncodedBytes"}:
        core = core["schema"]
    kept: Schema = {
        keyword: made[keyword]
        for keyword in ("title", "description", "default", "examples")
        if keyword in made
    }
    if type(_owner(core)).__name__ == "EncodedStr":
        named = ["of text"]
    else:
        lengths = (("minLength", "from"), ("maxLength", "to"))
        named = [f"{word} {made[keyword]}" for keyword, word in lengths if keyword in made]
    family = {"base64": "Python Base64", "base64url": "Python Base64url"}[made["format"]]
    return {**formatted(family, named), **kept}


def _owner(core: Core) -> object:
    return getattr(core.get("function", {}).get("function"), "__self__", None)


# Parts of schemas.


def formatted(family: str, named: Iterable[str] = ()) -> Schema:
    """A string of a format of Python's, by the name of its family and its parameters."""
    return {"type": "string", "format": ", ".join([family, *named])}


def _bounds(core: Core, written: Callable[[Any], str]) -> list[str]:
    return [f"{word} {written(core[key])}" for key, word in _WORDS.items() if core.get(key) is not None]


_SIDES = {"past": "before", "future": "after"}


def _zone(core: Core) -> list[str]:
    zone = core.get("tz_constraint")
    if zone is None:
        return []
    if isinstance(zone, int):
        sign, minutes = "-" if zone < 0 else "+", abs(zone) // 60
        return [f"offset {sign}{minutes // 60:02}:{minutes % 60:02}"]
    return ["with an offset" if zone == "aware" else "without an offset"]


def _url(core: Core, named: list[str]) -> Schema:
    """A URL; its length is one of bytes, of which a character beyond ASCII may have three."""
    named += [f"scheme {scheme}" for scheme in core.get("allowed_schemes") or ()]
    longest = core.get("max_length")
    if longest is None:
        return formatted("Python URL", named)
    if longest // MOST_BYTES_OF_A_CHARACTER >= _LONG_URL:
        return {**formatted("Python URL", named), "maxLength": longest // MOST_BYTES_OF_A_CHARACTER}
    return {**formatted("Python URL", ["ASCII", *named]), "maxLength": longest}


def _is_number(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _decimal(value: Any) -> str:
    """A number in decimal notation, without an exponent."""
    return format(Decimal(str(value)), "f")


def rounded_inwards(made: Schema) -> Schema:
    """A number that is still beyond its bounds when it has been rounded to a float."""
    for keyword, other, towards in (
        ("exclusiveMinimum", "minimum", math.inf),
        ("exclusiveMaximum", "maximum", -math.inf),
    ):
        bound = made.get(keyword)
        if bound is not None:
            made[other] = math.nextafter(float(bound), towards)
    return made


def _finite(made: Schema) -> Schema:
    return {"minimum": -_LARGEST, "maximum": _LARGEST, **made}


def _decimal_numbers(core: Core) -> list[Schema]:
    """A `Decimal` as a JSON number, which goes through a float: where its digits count it has few of them."""
    bounds = {_KEYWORDS[key]: core[key] for key in _WORDS if _is_number(core.get(key))}
    bounds = {keyword: _number(value) for keyword, value in bounds.items()}
    digits, places, step = core.get("max_digits"), core.get("decimal_places"), core.get("multiple_of")
    if digits is None and places is None and step is None:
        return [_finite(rounded_inwards({"type": "number", **bounds}))]
    most = min(digits or _EXACT_DIGITS, _EXACT_DIGITS)
    needed = 0 if step is None else max(-Decimal(str(step)).as_tuple().exponent, 0)  # type: ignore[operator]
    if places is not None or step is not None:
        some: Iterable[int] = [min(places, digits or places) if places is not None else needed]
    else:
        some = range(most + 1)
    made = []
    for count in some:
        if count > most:
            continue
        limit = 10 ** (most - count)
        unit = Fraction(1, 10**count)
        whole = lcm(unit, Fraction(str(step))) if step is not None else unit
        number = {"type": "number", **_tightened(bounds, limit), "multipleOf": _number(whole)}
        if whole == 1:
            del number["multipleOf"]
            number["type"] = "integer"
        if digits is not None and places is not None and places >= digits:
            number["not"] = {"const": 0}  # whose one digit is too many
        made.append(number)
    return made


def _tightened(bounds: Schema, limit: int) -> Schema:
    """Bounds, and below a limit in either direction."""
    made = dict(bounds)
    if (
        max((made[keyword] for keyword in ("minimum", "exclusiveMinimum") if keyword in made), default=-limit)
        <= -limit
    ):
        made["exclusiveMinimum"] = -limit
        made.pop("minimum", None)
    if (
        min((made[keyword] for keyword in ("maximum", "exclusiveMaximum") if keyword in made), default=limit)
        >= limit
    ):
        made["exclusiveMaximum"] = limit
        made.pop("maximum", None)
    return made


def _number(value: Any) -> int | float:
    """A bound as JSON data: a whole number as an integer."""
    exact = Fraction(value) if not isinstance(value, float) else Fraction(str(value))
    return int(exact) if exact.denominator == 1 else float(exact)


_ONE_THING = re.compile(
    r"(?:[^\\.\[\](){}*+?$|]|\\[.^$*+?()\[\]{}|/-]|\[\^?(?:[A-Za-z0-9_ .,:;@#%!/](?:-[A-Za-z0-9])?)+-?\]"
    r"|(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??(?![*+?{])|\((?:\?:)?(?![?*+{])|\)|\||\$)*"
)
"""Patterns of which it is plain that they mean in Rust's dialect what they mean in ECMA's."""


def _with_flags(pattern: re.Pattern[str]) -> str:
    """The text of a compiled pattern, with its flags at the start.

    >>> _with_flags(re.compile("(?i)a", re.DOTALL)), _with_flags(re.compile("a"))
    ('(?is)a', 'a')
    """
    letters = "".join(letter for letter in "aimsx" if pattern.flags & getattr(re, letter.upper()))
    text = re.sub(r"^(?:\(\?[aimsux]+\))+", "", pattern.pattern)
    return f"(?{letters}){text}" if letters else text

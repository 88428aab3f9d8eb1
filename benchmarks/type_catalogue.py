"""Is what is written for a type always accepted by it, and can what people write for it be written?

    python -m benchmarks.type_catalogue --seeds 25 --texts 20

The catalogue has every type of Pydantic's own, what `annotated-types` bounds, the standard library's types that
Pydantic knows, classes and containers, and some of each inside another.  For each type two questions are asked.

1. *Soundness.*  A chooser takes any allowed token of the embedded tokenizer, each as likely as another, up to
   `--tokens`; then the text is brought to its end in as few tokens as may be.  Pydantic reads each text.  None may
   be refused.
2. *Completeness.*  Hypothesis draws values of the type, or texts that were written down here by hand;
   those that Pydantic takes must be allowed by the grammar, byte by byte.

Printed: for each type its refusals, the texts that it misses and CPU milliseconds of the first mask, and the sums.
What the grammar leaves out on purpose is in docs/types.md, and so are the few types whose values no schema
can know: files that must exist, modules to import.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime as dt
import enum
import ipaddress
import json
import pathlib
import re
import time
import uuid
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import annotated_types as at
import numpy as np
import pydantic as p
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints, TypeAdapter
from pydantic.alias_generators import to_camel
from pydantic.types import PaymentCardNumber
from typing_extensions import TypedDict

from constrain.compiler import compile_json_schema
from constrain.finishing import Finishing
from constrain.matcher import CompiledGrammar
from constrain.report import check_text
from constrain.vocabulary.bitmask import allocate_token_bitmask, unpack_words

Texts = Sequence[str] | st.SearchStrategy[Any] | None
CET = dt.timezone(dt.timedelta(hours=2))
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A type, its name, and what people write for it: JSON texts, values, or None: what Hypothesis makes of it."""

    name: str
    kind: Any
    texts: Texts = None


class Colour(enum.Enum):
    """Values of one kind."""

    red = "red"
    blue = "blue"


class Level(enum.IntEnum):
    """Numbers that have names."""

    low = 1
    high = 2


class Mixed(enum.Enum):
    """Values of several kinds."""

    one = 1
    word = "word"
    half = 0.5


class Flat(BaseModel):
    """A plain model."""

    name: str
    age: int = Field(ge=0, le=150)
    score: float = 0.0
    tags: list[str] = []


class Tree(BaseModel):
    """A model that contains itself."""

    value: dt.date
    children: list[Tree] = []


class Loose(BaseModel):
    """A model with keys of its own."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]
    name: str


class Camel(BaseModel):
    """A model whose keys are made of its names."""

    model_config = ConfigDict(alias_generator=to_camel)
    first_name: str
    birth_date: dt.date


class FromPath(BaseModel):
    """Fields that are read from within others."""

    first: str = Field(validation_alias=p.AliasPath("names", 0))
    deep: int = Field(3, validation_alias=p.AliasPath("a", "b"))
    either: int = Field(validation_alias=p.AliasChoices("x", p.AliasPath("a", "c")))


class ByPython(BaseModel):
    """A pattern in Python's dialect."""

    model_config = ConfigDict(regex_engine="python-re")
    code: str = Field(pattern=r"^(?=.*\d)\w{2,5}$")


class Stripping(BaseModel):
    """Texts that lose their blanks."""

    model_config = ConfigDict(str_strip_whitespace=True)
    name: str = Field(min_length=2, max_length=10)


class Encoded(BaseModel):
    """Bytes that are written in Base64."""

    model_config = ConfigDict(val_json_bytes="base64")
    data: bytes = Field(max_length=7)


class Hexed(BaseModel):
    """Bytes that are written in digits."""

    model_config = ConfigDict(val_json_bytes="hex")
    data: bytes


class Strict(BaseModel):
    """Values that are not converted."""

    model_config = ConfigDict(strict=True)
    when: dt.datetime
    amount: Decimal
    who: uuid.UUID


class Cat(BaseModel):
    """One of two."""

    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    """The other."""

    kind: Literal["dog"]
    born: p.PastDate


class Circle(BaseModel):
    """One of two whose key has a default."""

    kind: Literal["circle"] = "circle"
    radius: float = 1.0


class Square(BaseModel):
    """The other, with shapes inside it."""

    kind: Literal["square"] = "square"
    inside: list[Annotated[Circle | Square, Field(discriminator="kind")]] = []


class Rights(enum.Flag):
    """Numbers that are combined."""

    read = 1
    write = 2


class Stated(enum.Enum):
    """Values that JSON has, and others."""

    word = "word"
    day = dt.date(2024, 1, 1)


class Prefixed(BaseModel):
    """A model whose extra keys are of a type."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[Annotated[str, Field(pattern="^x_")], int]
    name: str


class Box(BaseModel, Generic[T]):
    """Anything in a box."""

    content: T


@dataclasses.dataclass
class Point:
    """A dataclass of the standard library."""

    x: Decimal
    label: str = ""


@p.dataclasses.dataclass
class Span:
    """One of Pydantic's."""

    start: p.AwareDatetime
    length: dt.timedelta


class Pair(NamedTuple):
    """A tuple with names."""

    left: dt.time
    right: bool | None = None


class Link(TypedDict, total=False):
    """A dictionary with given keys."""

    id: p.UUID4
    site: p.HttpUrl


class Dates(RootModel[dict[dt.date, list[Decimal]]]):
    """A model that is its contents."""


class Invoice(BaseModel):
    """An ordinary document."""

    number: str = Field(pattern=r"^[A-Z]{2}-\d{4}$")
    issued: dt.date
    due: dt.date | None = None
    total: Decimal = Field(max_digits=10, decimal_places=2, ge=0)
    contact: p.EmailStr
    site: p.HttpUrl | None = None
    lines: dict[str, Annotated[int, Field(gt=0)]]


def _bounded(base: Any, **bounds: Any) -> Any:
    return Annotated[base, Field(**bounds)]


def _urls(*texts: str) -> list[str]:
    return [json.dumps(text, ensure_ascii=False) for text in texts]


NAMES = [
    "example.com",
    "www.comune.torino.it",
    "10.0.0.1",
    "[2001:db8::1]",
    "localhost",
    "my_host.example.org",
]
WEB = _urls(
    *(f"http://{name}" for name in NAMES), "https://example.com/a/b?c=d&e=f#g", "https://user:secret@example.com:8443/",
    "https://it.wikipedia.org/wiki/Città", "http://example.com/%C3%A9", "https://example.com?q=1", "https://a.b-c.it/~x/",
    "https://example.com/" + "a" * 600,
)  # fmt: skip


def _dsns(*schemes: str) -> list[str]:
    return _urls(
        *(f"{scheme}://user:secret@db.example.com:5432/name?option=1" for scheme in schemes),
        *(f"{scheme}://localhost" for scheme in schemes),
    )


NUMBERS: list[Entry] = [
    Entry("int", int, st.integers(-(10**19), 10**19)),
    Entry("PositiveInt", p.PositiveInt, st.integers(1, 10**19)),
    Entry("NegativeInt", p.NegativeInt, st.integers(-(10**19), -1)),
    Entry("NonNegativeInt", p.NonNegativeInt, st.integers(0, 10**19)),
    Entry("NonPositiveInt", p.NonPositiveInt, st.integers(-(10**19), 0)),
    Entry("StrictInt", p.StrictInt, st.integers(-(10**19), 10**19)),
    Entry("conint", p.conint(gt=3, le=99, multiple_of=3), st.integers(4, 99)),
    Entry("Interval", Annotated[int, at.Interval(gt=1, lt=50)], st.integers(2, 49)),
    Entry("MultipleOf", Annotated[int, at.MultipleOf(7)], st.integers(-1000, 1000).map(lambda n: n * 7)),
    Entry("float", float, st.floats(-1e300, 1e300)),
    Entry("FiniteFloat", p.FiniteFloat, st.floats(-1e300, 1e300)),
    Entry("PositiveFloat", p.PositiveFloat, st.floats(1e-300, 1e300)),
    Entry("NegativeFloat", p.NegativeFloat, st.floats(-1e300, -1e-300)),
    Entry("NonNegativeFloat", p.NonNegativeFloat, st.floats(0, 1e300)),
    Entry("NonPositiveFloat", p.NonPositiveFloat, st.floats(-1e300, 0)),
    Entry("StrictFloat", p.StrictFloat, st.floats(-1e300, 1e300)),
    Entry("float below 0.1", _bounded(float, lt=0.1, gt=-0.1), st.floats(-0.09, 0.09)),
    Entry("float by 0.5", _bounded(float, multiple_of=0.5), st.integers(-99, 99).map(lambda n: n / 2)),
    Entry("bool", bool), Entry("StrictBool", p.StrictBool, ["true"]), Entry("None", type(None), ["null"]),
    Entry("Decimal", Decimal, st.decimals(-(10**9), 10**9, places=6)),
    Entry("Decimal, large", Decimal, ['"123456789012345678901234567890.12"', '"1E+30"', "12.50", "0", '"-0.1"']),
    Entry("Decimal, bounds", _bounded(Decimal, gt=0, le=100), st.decimals("0.01", 100, places=2)),
    Entry("Decimal, fine bounds", _bounded(Decimal, ge=Decimal("0.1"), lt=Decimal("0.3")), ["0.1", '"0.29"', '"0.2999999"']),
    Entry("Decimal, digits and places", _bounded(Decimal, max_digits=5, decimal_places=2), st.decimals("-999.99", "999.99", places=2)),
    Entry("Decimal, digits", _bounded(Decimal, max_digits=5), ["12345", "1.2345", '"0.12345"', '"99999"', '"-1.5"', "0"]),
    Entry("Decimal, places", _bounded(Decimal, decimal_places=2), st.decimals(-(10**9), 10**9, places=2)),
    Entry("Decimal, many digits", _bounded(Decimal, max_digits=20, decimal_places=2), ['"123456789012345678.12"', "12.5"]),
    Entry("Decimal, multiples", _bounded(Decimal, multiple_of=Decimal("0.05")), ["1.05", '"2.10"', "3", '"-0.05"']),
    Entry("condecimal", p.condecimal(max_digits=8, decimal_places=3, ge=0), st.decimals(0, 99999, places=3)),
    Entry("Fraction", Fraction, ['"1/3"', '"-22/7"', "0.5", "3", '"10"']),
    Entry("Fraction, bounds", _bounded(Fraction, gt=0, le=1), ["0.25", "1", '"0.5"']),
    Entry("complex", complex, ['"1+2j"', '"-1.5e3-2j"', "1.5", '"3j"', '"1+j"', '"-j"']),
    Entry("ByteSize", p.ByteSize, ['"1.5 GB"', '"10MiB"', "1024", '"3 kb"', '"7"', '"2 Mbit"']),
]  # fmt: skip

TEXTS: list[Entry] = [
    Entry("str", str, st.text(max_size=20)), Entry("StrictStr", p.StrictStr, st.text(max_size=20)),
    Entry("constr", p.constr(min_length=2, max_length=5), st.text(min_size=2, max_size=5)),
    Entry("MinLen", Annotated[str, at.MinLen(2)], st.text(min_size=2, max_size=9)),
    Entry("stripped", Annotated[str, StringConstraints(strip_whitespace=True, min_length=2)], st.text(max_size=9).map(str.strip)),
    Entry("stripped, pattern", Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\w+ \d$")], _urls("città 1", "a 2")),
    Entry("stripped, open", Annotated[str, StringConstraints(strip_whitespace=True)], st.text(max_size=9)),
    Entry("lower", Annotated[str, StringConstraints(to_lower=True, max_length=5)], st.text(max_size=5)),
    Entry("upper, pattern", Annotated[str, StringConstraints(to_upper=True, pattern="^[a-z]+$")], _urls("abc", "z")),
    Entry("ASCII", Annotated[str, StringConstraints(ascii_only=True)], st.text("abc ~\n\x00", max_size=9)),
    Entry("ASCII, stripped", Annotated[str, StringConstraints(ascii_only=True, strip_whitespace=True, min_length=1, pattern="^.+$")], _urls("a b")),
    Entry("pattern, digits", _bounded(str, pattern=r"^\d{5}$"), _urls("10121", "٠١٢٣٤")),
    Entry("pattern, words", _bounded(str, pattern=r"^\w+(?: \w+)*$"), _urls("città eterna", "abc", "東京 1")),
    Entry("pattern, no words", _bounded(str, pattern=r"^\W+$"), _urls("!?", "... ")),
    Entry("pattern, sets", _bounded(str, pattern=r"^[\w--\d]+$"), _urls("abc", "é_")),
    Entry("pattern, blanks", _bounded(str, pattern=r"^a\s+b$"), _urls("a b", "a \n b")),
    Entry("pattern, any character", _bounded(str, pattern=r"^a.c$"), _urls("abc", "a\rc")),
    Entry("pattern, plain", _bounded(str, pattern=r"^[A-Z]{2}-[0-9]{4}$"), _urls("IT-2024", "AB-0000")),
    Entry("pattern, searched", _bounded(str, pattern=r"\bvia\b"), _urls("in via Roma", "via")),
    Entry("pattern, compiled", _bounded(str, pattern=re.compile("(?i)^rossi$")), _urls("Rossi", "ROSSI\n")),
    Entry("pattern, by Python", ByPython, ['{"code": "a1"}', '{"code": "è9_"}']),
    Entry("stripping model", Stripping, ['{"name": "Anna"}', '{"name": "a b"}']),
    Entry("SecretStr", p.SecretStr, st.text(max_size=9)), Entry("Secret", p.Secret[dt.date], ['"2024-01-01"']),
    Entry("EmailStr", p.EmailStr, _urls(
        "anna@example.com", "a.b+c@mail.example.co.uk", "x_y-z@a.it", "o'neil@example.ie", "1@2.it", "A@B.IT",
        "!#$%&*@example.com",
    )),
    Entry("EmailStr, short", _bounded(p.EmailStr, max_length=20), _urls("anna@example.com")),
    Entry("NameEmail", p.NameEmail, _urls(
        "Anna Rossi <anna@example.com>", "anna@example.com", "J. Doe <j@a.it>", "Città <c@a.it>", "O'Neil <o@a.ie>",
    )),
    Entry("Path", pathlib.Path, _urls("/etc/hosts", "a b/c", ".")), Entry("PurePosixPath", pathlib.PurePosixPath, _urls("/a")),
    Entry("Pattern", re.Pattern, _urls(r"^\d+$", "a|b", r"(?:x+)?[a-z]{2}", r"\.")),
    Entry("ZoneInfo", zoneinfo.ZoneInfo, _urls("Europe/Rome", "UTC", "America/New_York")),
    Entry("PaymentCardNumber", PaymentCardNumber, _urls("4242424242424242", "371449635398431", "5555555555554444")),
    Entry("bytes", bytes, ['"abc"', '"città"', '""']), Entry("StrictBytes", p.StrictBytes, ['"abc"']),
    Entry("SecretBytes", p.SecretBytes, ['"abc"']),
    Entry("bytes, short", _bounded(bytes, max_length=4), ['"abcd"', '"èè"', '"😀"', '""']),
    Entry("bytes, long", _bounded(bytes, min_length=3), ['"abc"', '"èè"', '"a long text"']),
    Entry("bytes, between", p.conbytes(min_length=3, max_length=6), ['"abc"', '"èèè"']),
    Entry("bytes in Base64", Encoded, ['{"data": "YWI="}', '{"data": ""}']), Entry("bytes in digits", Hexed, ['{"data": "00fF"}']),
    Entry("Base64Bytes", p.Base64Bytes, _urls("", "YQ==", "YWI=", "YWJj", "/+8=")),
    Entry("Base64Bytes, short", _bounded(p.Base64Bytes, max_length=3), _urls("YQ==", "YWJj")),
    Entry("Base64Str", p.Base64Str, _urls("", "YQ==", "w6k=", "8J+YgA==")),
    Entry("Base64UrlBytes", p.Base64UrlBytes, _urls("_-8=", "YWJj")), Entry("Base64UrlStr", p.Base64UrlStr, _urls("8J-YgA==", "YQ==")),
]  # fmt: skip

TIMES: list[Entry] = [
    Entry("date", dt.date), Entry("date, from", _bounded(dt.date, ge=dt.date(2024, 2, 10)), st.dates(dt.date(2024, 2, 10))),
    Entry("date, before", _bounded(dt.date, lt=dt.date(2000, 1, 1)), st.dates(max_value=dt.date(1999, 12, 31))),
    Entry("condate", p.condate(gt=dt.date(2023, 12, 30), le=dt.date(2024, 3, 1)), st.dates(dt.date(2023, 12, 31), dt.date(2024, 3, 1))),
    Entry("PastDate", p.PastDate, st.dates(max_value=dt.date(2024, 1, 1))),
    Entry("FutureDate", p.FutureDate, st.dates(dt.date(2100, 1, 1))),
    Entry("PastDate, from", _bounded(p.PastDate, ge=dt.date(1900, 1, 1)), st.dates(dt.date(1900, 1, 1), dt.date(2020, 1, 1))),
    Entry("time", dt.time), Entry("time, short", dt.time, ['"10:30"', '"10:30Z"', '"23:59:59.5+02:00"']),
    Entry("time, from", _bounded(dt.time, ge=dt.time(10, 30)), st.times(dt.time(10, 30))),
    Entry("time, to, with an offset", _bounded(dt.time, le=dt.time(10, 30, tzinfo=CET)), ['"09:00"', '"08:30Z"']),
    Entry("datetime", dt.datetime), Entry("datetime, aware", dt.datetime, st.datetimes(timezones=st.just(CET))),
    Entry("datetime, short", dt.datetime, ['"2024-01-01 10:30"', '"2024-01-01T10:30Z"', '"2024-02-29T10:30:00.123456789Z"']),
    Entry("AwareDatetime", p.AwareDatetime, st.datetimes(timezones=st.sampled_from([CET, dt.UTC]))),
    Entry("NaiveDatetime", p.NaiveDatetime, st.datetimes()),
    Entry("PastDatetime", p.PastDatetime, st.datetimes(max_value=dt.datetime(2020, 1, 1), timezones=st.sampled_from([CET, None]))),
    Entry("FutureDatetime", p.FutureDatetime, st.datetimes(dt.datetime(2100, 1, 1))),
    Entry("datetime, from", _bounded(dt.datetime, ge=dt.datetime(2024, 1, 1)), st.datetimes(dt.datetime(2024, 1, 1))),
    Entry("datetime, between", _bounded(dt.datetime, gt=dt.datetime(2024, 1, 1, 10, 30, 15, 500), lt=dt.datetime(2024, 6, 1, tzinfo=CET)),
          st.datetimes(dt.datetime(2024, 1, 2), dt.datetime(2024, 5, 30), timezones=st.sampled_from([CET, None]))),
    Entry("timedelta", dt.timedelta), Entry("timedelta, by hand", dt.timedelta, ['"PT90M"', '"P1W"', '"01:30:00"', '"-P1DT2H"', '"P1Y2M"']),
    Entry("timedelta, positive", _bounded(dt.timedelta, gt=dt.timedelta(0)), st.timedeltas(dt.timedelta(microseconds=1))),
    Entry("timedelta, short", _bounded(dt.timedelta, ge=dt.timedelta(0), le=dt.timedelta(hours=1, milliseconds=3)),
          st.timedeltas(dt.timedelta(0), dt.timedelta(hours=1))),
    Entry("timedelta, both signs", _bounded(dt.timedelta, ge=dt.timedelta(days=-1), lt=dt.timedelta(days=3)),
          st.timedeltas(dt.timedelta(days=-1), dt.timedelta(days=2))),
]  # fmt: skip

IDENTIFIERS: list[Entry] = [
    Entry("UUID", uuid.UUID),
    *(Entry(f"UUID{version}", getattr(p, f"UUID{version}"), _urls(f"12345678-1234-{version}234-8234-123456789abc"))
      for version in (1, 3, 4, 5, 6, 7, 8)),
    Entry("IPv4Address", ipaddress.IPv4Address), Entry("IPv6Address", ipaddress.IPv6Address),
    Entry("IPv4Network", ipaddress.IPv4Network), Entry("IPv6Network", ipaddress.IPv6Network),
    Entry("IPv4Interface", ipaddress.IPv4Interface), Entry("IPv6Interface", ipaddress.IPv6Interface),
    Entry("IPv6Network, by hand", ipaddress.IPv6Network, _urls("2001:db8::/32", "::/0", "fe80::/10", "1::2:0/112")),
    Entry("IPvAnyAddress", p.IPvAnyAddress, _urls("10.0.0.1", "::1")),
    Entry("IPvAnyNetwork", p.IPvAnyNetwork, _urls("10.0.0.0/8", "2001:db8::/32")),
    Entry("IPvAnyInterface", p.IPvAnyInterface, _urls("10.0.0.1/8", "::1/128")),
    Entry("AnyUrl", p.AnyUrl, [*WEB, *_urls("mailto:anna@example.com", "urn:isbn:9780", "ftp://example.com/x", "file:///etc/hosts", "data:text/plain,x")]),
    Entry("AnyHttpUrl", p.AnyHttpUrl, WEB), Entry("HttpUrl", p.HttpUrl, WEB),
    Entry("AnyWebsocketUrl", p.AnyWebsocketUrl, _urls("ws://example.com", "wss://a.it/x")),
    Entry("WebsocketUrl", p.WebsocketUrl, _urls("ws://example.com")), Entry("FtpUrl", p.FtpUrl, _urls("ftp://example.com/a")),
    Entry("FileUrl", p.FileUrl, _urls("file:///etc/hosts", "file://server/share/x")),
    Entry("PostgresDsn", p.PostgresDsn, [*_dsns("postgres", "postgresql+asyncpg"), *_urls("postgres://a:1@h1:5432,h2:5432/db")]),
    Entry("CockroachDsn", p.CockroachDsn, _dsns("cockroachdb")), Entry("AmqpDsn", p.AmqpDsn, _dsns("amqp", "amqps")),
    Entry("RedisDsn", p.RedisDsn, [*_dsns("redis"), *_urls("redis://", "rediss://h/1")]), Entry("MongoDsn", p.MongoDsn, _dsns("mongodb")),
    Entry("KafkaDsn", p.KafkaDsn, _dsns("kafka")), Entry("NatsDsn", p.NatsDsn, _dsns("nats")), Entry("MySQLDsn", p.MySQLDsn, _dsns("mysql")),
    Entry("MariaDBDsn", p.MariaDBDsn, _dsns("mariadb")), Entry("ClickHouseDsn", p.ClickHouseDsn, _dsns("clickhouse")),
    Entry("SnowflakeDsn", p.SnowflakeDsn, _dsns("snowflake")),
    Entry("URL with a host", Annotated[p.AnyUrl, p.UrlConstraints(host_required=True)], _urls("foo://example.com", "https://a.it")),
    Entry("short URL", Annotated[p.AnyUrl, p.UrlConstraints(max_length=30, allowed_schemes=["https"])], _urls("https://example.com/a")),
]  # fmt: skip

CONTAINERS: list[Entry] = [
    Entry("list", list[int], st.lists(st.integers(-99, 99), max_size=5)), Entry("conlist", p.conlist(int, min_length=1, max_length=3), ["[1]", "[1, 2, 3]"]),
    Entry("set", set[int], ["[]", "[1, 2]"]), Entry("frozenset", frozenset[str], ['["a", "b"]']), Entry("conset", p.conset(int, max_length=2), ["[1, 2]"]),
    Entry("deque", collections.deque[bool], ["[true, false]"]), Entry("Sequence", Sequence[dt.date], ['["2024-01-01"]']),
    Entry("Iterable", Iterable[int], ["[1]"]), Entry("Mapping", Mapping[str, int], ['{"a": 1}']),
    Entry("tuple", tuple[int, str, dt.date], ['[1, "a", "2024-01-01"]']), Entry("tuple, open", tuple[Decimal, ...], ['[1.5, "2"]']),
    Entry("dict", dict[str, float], ['{"a": 1.5}', "{}"]), Entry("dict by int", dict[int, str], ['{"1": "a", "-2": ""}']),
    Entry("dict by float", dict[float, str], ['{"1.5": "a"}']), Entry("dict by bool", dict[bool, int], ['{"true": 1, "false": 0}']),
    Entry("dict by date", dict[dt.date, int], ['{"2024-01-01": 1}']), Entry("dict by UUID", dict[p.UUID4, int], ["{}"]),
    Entry("dict by Decimal", dict[Decimal, int], ['{"1.5": 1}']), Entry("dict by Literal", dict[Literal["a", "b"], int], ['{"a": 1}']),
    Entry("dict by Enum", dict[Colour, int], ['{"red": 1}']), Entry("dict by IntEnum", dict[Level, int], ['{"1": 1}']),
    Entry("dict by mixed Enum", dict[Mixed, int], ['{"word": 1}']), Entry("dict by bounded int", dict[_bounded(int, gt=5, lt=100), int], ['{"6": 1}']),
    Entry("dict by pattern", dict[_bounded(str, pattern="^[a-z]{2}$"), int], ['{"it": 1}']),
    Entry("dict by foreign pattern", dict[_bounded(str, pattern=r"^\w+$"), int], ['{"città": 1}']),
    Entry("dict by length", dict[_bounded(str, max_length=2), dt.date], ['{"it": "2024-01-01"}']),
    Entry("dict by e-mail", dict[p.EmailStr, int], ['{"a@b.it": 1}']), Entry("dict by union", dict[int | dt.date, int], ['{"2024-01-01": 1, "3": 2}']),
    Entry("dict by optional", dict[int | None, int], ['{"3": 1}']), Entry("dict by None", dict[None, int], ["{}"]),
    Entry("dict by tuple", dict[tuple[int, int], int], ["{}"]), Entry("dict, sizes", _bounded(dict[str, int], min_length=1, max_length=2), ['{"a": 1}']),
    Entry("defaultdict", collections.defaultdict[str, int], ['{"a": 1}']), Entry("OrderedDict", collections.OrderedDict[int, int], ['{"1": 1}']),
    Entry("Counter", collections.Counter[str], ['{"a": 1}']),
    Entry("Literal", Literal["a", 1, True, None], ['"a"', "1", "true", "null"]), Entry("Literal with bytes", Literal["a", b"x"], ['"a"']),
    Entry("Enum", Colour), Entry("IntEnum", Level), Entry("Enum, mixed", Mixed, ["1", '"word"', "0.5"]),
    Entry("Optional", dt.date | None, ["null", '"2024-01-01"']), Entry("Union", int | dt.date | list[p.UUID4], ["1", '"2024-01-01"']),
    Entry("Any", Any, ["1", '{"a": [null]}']), Entry("JsonValue", p.JsonValue, ["1", '{"a": [null]}']), Entry("object", object, ["1"]),
    Entry("Json", p.Json, _urls("1", '{"a":[1]}', "[]", '"x"')), Entry("Json of a list", p.Json[list[int]], _urls("[]", "[1,-2]")),
    Entry("Json of a model", p.Json[Flat], _urls('{"name":"Anna","age":3}', '{"name":"b","age":3,"tags":["x"]}')),
    Entry("Json of a tree", p.Json[Tree], _urls('{"value":"2024-01-01","children":[{"value":"2024-01-02"}]}')),
    Entry("Json of dates", p.Json[dict[str, dt.date]], _urls('{"a":"2024-01-01"}', "{}")),
    Entry("OnErrorOmit", list[p.OnErrorOmit[int]], ["[1]"]),
    Entry("SkipValidation", Annotated[int, p.SkipValidation], ["1"]), Entry("WithJsonSchema", Annotated[Any, p.WithJsonSchema({"type": "integer"})], ["1"]),
]  # fmt: skip

CLASSES: list[Entry] = [
    Entry("model", Flat), Entry("recursive model", Tree, ['{"value": "2024-01-01", "children": [{"value": "2024-01-02"}]}']),
    Entry("model with extras", Loose, ['{"name": "a", "more": 1}']), Entry("model with made keys", Camel, ['{"firstName": "a", "birthDate": "2024-01-01"}']),
    Entry("model by paths", FromPath, ['{"names": ["a"], "x": 1}', '{"x": 1, "names": ["a"]}'][:1]), Entry("strict model", Strict, [
        '{"when": "2024-01-01T10:00:00Z", "amount": "1.5", "who": "12345678-1234-4234-8234-123456789abc"}']),
    Entry("discriminated union", Annotated[Cat | Dog, Field(discriminator="kind")], ['{"kind": "cat"}', '{"kind": "dog", "born": "2020-01-01"}']),
    Entry("generic model", Box[p.HttpUrl], ['{"content": "https://a.it/"}']), Entry("dataclass", Point, ['{"x": "1.5"}', '{"x": 2, "label": "a"}']),
    Entry("Pydantic's dataclass", Span, ['{"start": "2024-01-01T10:00:00Z", "length": "PT1H"}']), Entry("NamedTuple", Pair, ['["10:30", null]']),
    Entry("TypedDict", Link, ['{"site": "https://a.it"}', "{}"]), Entry("RootModel", Dates, ['{"2024-01-01": [1.5, "2"]}']),
    Entry("document", Invoice, ['{"number": "IT-0001", "issued": "2024-01-01", "total": 12.50, "contact": "a@b.it", "lines": {"x": 1}}']),
    Entry("union by a default", Annotated[Circle | Square, Field(discriminator="kind")], [
        '{"kind": "circle"}', '{"kind": "square", "inside": [{"kind": "circle", "radius": 2.5}]}']),
    Entry("union by a function", Annotated[
        Annotated[int, p.Tag("int")] | Annotated[str, p.Tag("str")], p.Discriminator(lambda value: type(value).__name__)], ["1", '"a"']),
    Entry("flags", Rights, ["0", "3"]), Entry("enumeration with a date", Stated, ['"word"']),
    Entry("typed keys of extras", Prefixed, ['{"name": "a", "x_1": 1}']),
    Entry("date behind a function", Annotated[dt.date, p.AfterValidator(lambda day: day), Field(ge=dt.date(2024, 1, 1))], ['"2024-05-01"']),
    Entry("e-mail by a pattern", _bounded(p.EmailStr, pattern=r"@example\.com$"), _urls("anna@example.com")),
    Entry("URL, short", _bounded(p.HttpUrl, max_length=30), _urls("https://example.com/a?b=c", "http://a.it")),
    Entry("list of documents", list[Invoice], ["[]"]), Entry("nested", dict[str, list[Box[Tree] | None]], ['{"a": [null]}']),
]  # fmt: skip

CATALOGUE: list[Entry] = [*NUMBERS, *TEXTS, *TIMES, *IDENTIFIERS, *CONTAINERS, *CLASSES]


def compiled(entry: Entry) -> CompiledGrammar:
    """The grammar of a type, over the embedded vocabulary."""
    from constrain.engine.lookup import default_vocabulary

    return compile_json_schema(entry.kind, default_vocabulary())


def refusals(entry: Entry, seeds: Iterable[int], tokens: int) -> list[str]:
    """Texts that any allowed tokens may come to, and that Pydantic refuses, each with the reason."""
    adapter: TypeAdapter[Any] = TypeAdapter(entry.kind)
    grammar, found = compiled(entry), []
    for seed in seeds:
        text = random_text(grammar, seed, tokens)
        try:
            adapter.validate_json(text)
        except Exception as problem:
            found.append(f"{text[:200]!r}: {' '.join(str(problem).split())[:200]}")
    return found


def random_text(grammar: CompiledGrammar, seed: int, tokens: int) -> bytes:
    """A text whose tokens are any that are allowed, until so many are left as its end needs."""
    rng = np.random.default_rng(seed)
    completion = grammar.matcher().completion()
    assert completion is not None
    least = completion.cost
    finishing = Finishing(grammar, least + int(rng.integers(tokens)))
    bitmask = allocate_token_bitmask(1, grammar.vocabulary.size)
    while not finishing.is_terminated() and (finishing.left or not finishing.is_completed()):
        finishing.fill_next_token_bitmask(bitmask, 0)
        allowed = np.flatnonzero(unpack_words(bitmask[0], grammar.vocabulary.size))
        finishing.accept_token(int(rng.choice(allowed)))
    return finishing.matcher.text


def missing(entry: Entry, count: int) -> list[str]:
    """Texts that people may write and Pydantic takes, and that the grammar does not allow."""
    adapter: TypeAdapter[Any] = TypeAdapter(entry.kind)
    grammar, found = compiled(entry), []
    for text in texts_of(entry, count):
        try:
            adapter.validate_json(text)
        except ValueError:
            continue
        written = json.dumps(json.loads(text), ensure_ascii=False)
        if not check_text(grammar, written.encode()).conforms:
            found.append(written)
    return found


def texts_of(entry: Entry, count: int) -> list[str]:
    """JSON texts of a type: those given, or `count` of them that Hypothesis draws."""
    if isinstance(entry.texts, Sequence):
        return list(entry.texts)
    adapter: TypeAdapter[Any] = TypeAdapter(entry.kind)
    values: list[Any] = []

    @settings(
        max_examples=count, phases=[Phase.generate], database=None, derandomize=True, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.from_type(entry.kind) if entry.texts is None else entry.texts)
    def draw(value: Any) -> None:
        values.append(value)

    draw()
    return [
        json.dumps(value) if isinstance(value, str | int | float) else adapter.dump_json(value).decode()
        for value in values
    ]


def main() -> None:
    """Judge the whole catalogue."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=25, help="random texts of each type")
    parser.add_argument("--texts", type=int, default=20, help="texts of each type that Hypothesis draws")
    parser.add_argument("--tokens", type=int, default=60, help="tokens beyond the fewest")
    parser.add_argument("--only", default="", help="types whose names begin so")
    arguments = parser.parse_args()
    entries = [entry for entry in CATALOGUE if entry.name.startswith(arguments.only)]
    refused = missed = 0
    for entry in entries:
        start = time.process_time()
        wrong, narrow = (
            refusals(entry, range(arguments.seeds), arguments.tokens),
            missing(entry, arguments.texts),
        )
        refused, missed = refused + len(wrong), missed + len(narrow)
        print(
            f"{entry.name:32} {len(wrong):3} refused {len(narrow):3} missing {time.process_time() - start:6.2f} s"
        )
        for text in [*wrong[:3], *narrow[:3]]:
            print("    ", text)
    print(
        f"{len(entries)} types: {refused} of {len(entries) * arguments.seeds} texts refused, {missed} missing"
    )


if __name__ == "__main__":
    main()

"""Formats: a table of what each takes and refuses, and the calendar against Python's."""

from __future__ import annotations

import calendar
import ipaddress
import json
from itertools import product
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain import register_format
from constrain.errors import ConstrainError, InvalidInputError, RegexError, UnsupportedRegexError
from constrain.json_schema import formats
from constrain.json_schema.formats import DEFINED_BY, FORMATS
from constrain.json_schema.strings import StringSpace
from constrain.regular.automaton import Automaton
from constrain.regular.codes import meet
from constrain.regular.terms import EMPTY

SPACE = StringSpace("canonical")
_AUTOMATON = Automaton()

ACCEPTS = {
    "date": ["2024-02-29", "2000-02-29", "1963-06-19", "0000-12-31"],
    "time": [
        "08:30:06Z",
        "23:59:60Z",
        "15:59:60-08:00",
        "00:29:60-23:30",
        "01:29:60.5+01:30",
        "12:00:00.123+14:00",
    ],
    "date-time": ["1963-06-19T08:30:06.283185Z", "1998-12-31T23:59:60Z", "1990-12-31t15:59:59z"],
    "duration": ["P4DT12H30M5S", "P1Y", "PT36H", "P1DT12H", "P4W", "PT1M"],
    "email": [
        "joe.bloggs@example.com",
        '"joe bloggs"@example.com',
        "joe@[127.0.0.1]",
        "joe@[IPv6:::1]",
        "joe@ab--cd",
        "a" * 64 + "@b",
    ],
    "idn-email": ["실례@실례.테스트", "joe@example.com", "é" * 32 + "@b"],
    "hostname": ["www.example.com", "a", "ab-cd", "a" * 63 + ".com", "1host"],
    "idn-hostname": [
        "실례.테스트",
        "l·l",
        "א׳ב",
        "example。com",
        "α͵β",
        "אב.דה",
        "def・ア",
        "ผู้ใช้",
    ],
    "ipv4": ["192.168.0.1", "0.0.0.0", "255.255.255.255"],
    "ipv6": [
        "::",
        "::1",
        "12:34:56:78:9a:bc:de:f0",
        "::ffff:192.168.0.1",
        "1::d6:192.168.0.1",
        "1:2:3:4:5:6:7::",
    ],
    "uri": ["http://a.b/?q=%41#f", "urn:oasis:x", "http://[::1]:80/", "tel:+1-816", "a:"],
    "uri-reference": ["", "/a/b", "../x?y", "#f", "http://a.b"],
    "iri": ["http://ƒøø.ßår/?∂éœ=πîx#πîüx", "http://a"],
    "iri-reference": ["/âππ", "#ƒräg", "http://ƒøø"],
    "uri-template": ["http://x/{term:1}/{term}", "{?a,b*}", "dictionary/{+x}", ""],
    "uuid": ["2EB8AA08-AA98-11EA-B4AA-73B441D16380", "2eb8aa08-aa98-11ea-b4aa-73b441d16380"],
    "json-pointer": ["", "/foo/bar~0/baz~1/%a", "/", "//"],
    "relative-json-pointer": ["1", "0/foo/bar", "120/foo", "0#"],
    "regex": [
        "^a+(b|c)?$",
        "([abc])+\\s+$",
        "(?:x(?=y))",
        "\\p{Lu}{2,}",
        "[ -~\\x00-\\x1f-]",
        "[^-a-z]{2,30}?",
        "[\\u4e00-\\u9fa5\\u0000-\\ud7ff]",
        "[!-é]{10,15}",
        "\\p{gc=Lu}\\P{ID_Start}",
        "[]|[^]",
    ],
}
REFUSES = {
    "date": [
        "2023-02-29",
        "1900-02-29",
        "2024-04-31",
        "2024-13-01",
        "2024-1-1",
        "2024-01-01\n",
        "२०२४-01-01",
    ],
    "time": ["24:00:00Z", "22:59:60Z", "23:59:60+01:00", "23:58:60Z", "12:00:00", "12:00Z", "12:00:00+24:00"],
    "date-time": [
        "1998-12-31T23:58:60Z",
        "1963-06-19 08:30:06Z",
        "2021-02-29T00:00:00Z",
        "2024-01-01T00:00:00",
    ],
    "duration": ["P", "PT", "P1Y2W", "P1D2H", "1Y", "P2D1Y", "PT1D", "P1Y2D"],
    "email": [
        ".joe@example.com",
        "joe..b@example.com",
        "joe@",
        "2962",
        "joe@[127.0.0.300]",
        "joe@ex ample",
        "a" * 65 + "@b",
        '"' + "a" * 63 + '"@b',
        "joe@[tag:x]",
    ],
    "idn-email": ["2962", "@실례"],
    "hostname": [
        "-a",
        "a-",
        "a_b",
        "a..b",
        ".",
        "",
        "a" * 64,
        ".".join(["a" * 50] * 6),
        "ab--cd",
        "a.ab--cd",
        "xn--X",
        "xn--4gbwdl.xn--wgbh1c",
    ],
    "idn-hostname": [
        "a·b",
        "〮실례",
        "׳א",
        "・",
        "-实例",
        "٠۰",
        "a‍b",
        "α͵x",
        "α͵Β",
        "xn--X",
    ],
    "ipv4": ["256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "1.2.3.4 "],
    "ipv6": [
        "1::2::3",
        "12345::",
        ":2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:9",
        "::1%eth0",
        "::192.168.0.256",
        "1:2:3:4:5:6:7:8::",
    ],
    "uri": ["/abc", "http:// a", "http://a/%4", "http://[::1", "bar,\\baz:x", "1a:b"],
    "uri-reference": ["\\\\WIN\\x", "a b", "#f\\g", ":a"],
    "iri": ["/abc", "http://2001:0db8:x::1", "http:// a"],
    "iri-reference": ["\\\\WIN\\x", "#ƒräg\\mênt"],
    "uri-template": ["http://x/{term:1}/{term", "{a:0}", "{a b}", "}"],
    "uuid": [
        "2eb8aa08-aa98-11ea-b4aa-73b441d1638",
        "2eb8aa08aa9811eab4aa73b441d16380",
        "2eb8-aa08-aa98-11ea-b4aa73b44-1d16380",
    ],
    "json-pointer": ["a", "/~", "/~2", "#/a"],
    "relative-json-pointer": ["/foo", "-1/a", "01/a", "0##", "+1"],
    "regex": [
        "^(abc]",
        "a**",
        "[",
        "(",
        "x{",
        "\\a",
        "[z-a]",
        "[{-[]",
        "[[->]",
        "[\\d-x]",
        "a{3,2}",
        "a{20,3}",
        "\\01",
        "\\-",
        "\\p{Nope}",
        "\\uD83D",
        "[\\uD83D\\uDE00-\\uFFFF]",
        "[\\x2f-\\x20]",
        "(?=a)*",
        "(?<=a)+",
    ],
}


def accepts(name: str, text: str) -> bool:
    term = SPACE.format(name)
    assert term is not None
    state = _AUTOMATON.state(term)
    for byte in json.dumps(text, ensure_ascii=False)[1:-1].encode():
        state = _AUTOMATON.step(state, byte)
    return bool(_AUTOMATON.accepting[state])


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in ACCEPTS.items() for text in texts]
)
def test_what_the_standard_admits_is_admitted(name: str, text: str) -> None:
    """Refusing one of these would keep a model from a right answer."""
    assert accepts(name, text)


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in REFUSES.items() for text in texts]
)
def test_what_the_standard_forbids_is_refused(name: str, text: str) -> None:
    """Admitting one of these would let a model write what a validator then rejects."""
    assert not accepts(name, text)


def test_both_tables_cover_every_format() -> None:
    """A new format comes with its cases."""
    assert ACCEPTS.keys() == REFUSES.keys() == FORMATS.keys()


@pytest.mark.parametrize("year", [1600, 1700, 1996, 1999, 2000, 2023, 2024, 2100, 9999])
def test_dates_are_those_of_the_calendar(year: int) -> None:
    """All of a year's possible days, the impossible ones included."""
    for month in range(14):
        for day in range(33):
            exists = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
            assert accepts("date", f"{year}-{month:02}-{day:02}") == exists


@pytest.mark.parametrize("offset", [-1439, -480, -1, 0, 1, 90, 1439])
def test_a_leap_second_ends_a_day_of_utc(offset: int) -> None:
    """One local minute of the day is right for each offset, and 1,439 are not."""
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    for minute in range(1440):
        is_last = (minute - offset) % 1440 == 1439
        assert accepts("time", f"{minute // 60:02}:{minute % 60:02}:60{zone}") == is_last


@pytest.mark.parametrize("name", ["time", "date-time"])
def test_a_bound_that_every_time_keeps_is_not_asked_again(name: str) -> None:
    """Not of leap seconds either, though they are computed: `minLength: 1` changes nothing."""
    space = StringSpace()
    times = space.format(name)
    assert times is not None

    assert meet(times, space.length(1, None)) is times
    assert meet(times, space.length(0, 8)) is EMPTY


def test_a_hostname_may_have_hyphens_anywhere_before_draft_7() -> None:
    """RFC 1034 knows no Punycode: `xn--X` is a label like any other."""
    older = formats.name_in(6, "hostname")

    assert older == formats.name_in(4, "hostname") != formats.name_in(7, "hostname") == "hostname"
    assert accepts(older, "ab--cd.xn--X")
    assert not accepts(older, "a_b")


def test_a_local_part_has_at_most_64_characters() -> None:
    """RFC 5321, section 4.5.3.1.1; the quotes count."""
    assert accepts("email", "a" * 64 + "@b")
    assert not accepts("email", "a" * 65 + "@b")
    assert accepts("email", '"' + "a" * 62 + '"@b')
    assert not accepts("email", '"' + "a" * 63 + '"@b')


MEMBERS = st.sampled_from(
    [*"az09{[>A é---", *(f"\\{end}" for end in ("x1f", "xf1", "u00e9", "uD83D", "d", "-", "]"))]
)
ESCAPES = st.sampled_from(["0", "1", "-", "p{Lu}", "p{Nope}", "p{Script=Latin}", "u{61}", "k", "cA", "x4"])
BOUND = st.integers(0, 12) | st.integers(0, 120)


@pytest.mark.parametrize("between", ["::", ":", ""])
@pytest.mark.parametrize("end", ["", ":1.2.3.4", "1.2.3.4"])
def test_an_address_is_one_to_python(between: str, end: str) -> None:
    """`::` in each place, and as many groups beside it as there may be, and more."""
    for before, after in product(range(10), repeat=2):
        text = ":".join(["aB"] * before) + between + ":".join(["00f0"] * after) + end
        try:
            ipaddress.IPv6Address(text)
            is_address = True
        except ValueError:
            is_address = False

        assert accepts("ipv6", text) == is_address
        assert accepts("uri", f"a://[{text}]") == is_address
        assert accepts("email", f"a@[IPv6:{text}]") == (is_address and _leaves_out_two(text))


def _leaves_out_two(text: str) -> bool:
    """RFC 5321, section 4.1.3: `::` stands for at least two groups in a mailbox."""
    return "::" not in text or len([group for group in text.split(":") if group]) + text.count(".") // 3 <= 6


EXPRESSIONS = st.recursive(
    st.one_of(
        st.lists(MEMBERS, min_size=1, max_size=4).map(lambda some: f"[{''.join(some)}]"),
        st.builds("[{}-{}]".format, MEMBERS, MEMBERS),
        st.builds("a{{{},{}}}".format, BOUND, BOUND),
        st.builds("\\{}{}".format, ESCAPES, st.sampled_from("0a-")),
        st.sampled_from("^$|.*+?/"),
    ),
    lambda inner: (
        st.builds("".join, st.lists(inner, max_size=3))
        | st.builds("({}{})".format, st.sampled_from(["", "?=", "?<!"]), inner)
    ),
)
"""Regular expressions, and what is nearly one."""


@given(EXPRESSIONS)
@settings(max_examples=500)
def test_a_regular_expression_is_one_to_another_reader(text: str) -> None:
    """What is taken has no early error of ECMA-262 (22.2.1.1)."""
    validator = jsonschema_rs.validator_for({"format": "regex"}, validate_formats=True)

    assert validator.is_valid(text) or not accepts("regex", text)


@given(st.integers(1, 64), st.lists(st.integers(1, 63), min_size=1, max_size=9))
def test_a_mailbox_has_at_most_254_characters(local: int, labels: list[int]) -> None:
    """RFC 5321, section 4.5.3.1.3: a path has 256 octets, with its angle brackets."""
    text = f"{'a' * local}@{'.'.join('b' * length for length in labels)}"
    taken = next(text[:end] for end in range(len(text), 0, -1) if accepts("email", text[:end]))

    assert len(taken) <= 254


def test_a_domain_of_a_mailbox_has_what_the_longest_local_part_leaves() -> None:
    """254 characters in all are there for those who want them."""
    domain = ".".join(["a" * 63] * 2 + ["a" * 61])

    assert accepts("email", f"{'a' * 64}@{domain}")
    assert not accepts("email", f"a@{domain}a")


def test_an_unknown_format_is_an_annotation() -> None:
    """Every dialect says so; whoever asks may refuse it by name."""
    assert SPACE.format("no-such-format") is None


def test_a_registered_format_constrains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Applications bring their own."""
    monkeypatch.setattr(formats, "FORMATS", dict(FORMATS))
    register_format("semver", r"\d+\.\d+\.\d+")
    found = formats.find("semver")
    assert found is not None

    term = found.term(SPACE.character)
    for byte in b"1.20.3":
        term = term.derivative(byte)
    assert term.nullable


def test_a_registered_format_replaces_the_standard_one_in_every_draft(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where older drafts had a format of that name with another meaning."""
    monkeypatch.setattr(formats, "FORMATS", dict(FORMATS))
    monkeypatch.setattr(formats, "BEFORE_DRAFT_7", dict(formats.BEFORE_DRAFT_7))
    register_format("hostname", "local")

    assert formats.name_in(4, "hostname") == "hostname"


@pytest.mark.parametrize(
    ("name", "pattern", "problem", "message"),
    [
        (7, "a", InvalidInputError, "the name of a format is a string, not int"),
        ("semver", None, InvalidInputError, "the pattern of a format is a string, not NoneType"),
        ("semver", "(a", RegexError, None),
        ("semver", r"(a)\1", UnsupportedRegexError, None),
    ],
)
def test_a_format_that_cannot_be_is_refused_when_registered(
    name: Any, pattern: Any, problem: type[ConstrainError], message: str | None
) -> None:
    """Not when a schema first uses it, which may be far from the mistake."""
    with pytest.raises(problem) as caught:
        register_format(name, pattern)

    assert message is None or str(caught.value) == message
    assert name not in FORMATS


def test_every_dialect_promises_only_formats_that_exist() -> None:
    """The table of dialects and the table of formats are read side by side."""
    for names in DEFINED_BY.values():
        assert names <= FORMATS.keys()
    assert DEFINED_BY["draft-04"] < DEFINED_BY["draft-07"] < DEFINED_BY["2020-12"]

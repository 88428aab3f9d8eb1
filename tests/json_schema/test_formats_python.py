"""The formats of Python's types: what is written is read by the type, and the names say all."""

from __future__ import annotations

import base64
import ipaddress
import json
import random
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import Base64Str, Field, TypeAdapter, ValidationError
from pydantic.types import PaymentCardNumber

from constrain.continuation import END, Terminal
from constrain.json_schema.formats import DEFINED_BY, FORMATS, PYTHON, find
from constrain.json_schema.formats_python import (
    FAMILIES,
    plain_lengths,
    python_format,
    shown_name,
    standard_name,
)
from constrain.json_schema.strings import spell_canonical, string_space
from constrain.regular.queries import accepts, is_empty
from constrain.regular.terms import Term, intersect
from constrain.regular.utf8 import utf8
from tests.json_schema.walk import random_text

EXAMPLES = {
    "Python date, from 2024-02-10, before 2025-01-01": ["2024-02-10", "2024-12-31"],
    "Python time, without an offset": ["10:30", "10:30:00.5"],
    "Python date-time, with an offset": ["2024-01-01T10:30Z", "2024-01-01 10:30:00+02:00"],
    "Python date-time, offset +02:00": ["2024-01-01T10:30:00+02:00"],
    "Python duration, after PT0S": ["PT1S", "P1D"],
    "Python UUID, version 4": ["12345678-1234-4234-8234-123456789ABC"],
    "Python IP address, version 6": ["::1"],
    "Python IP interface": ["10.0.0.1/8", "::1/128", "10.0.0.1"],
    "Python IP network, version 4": ["10.0.0.0/8", "10.0.0.1"],
    "Python URL, scheme http, scheme https": ["http://a.it", "https://a.it/è"],
    "Python URL, ASCII, with a host": ["foo://a/x"],
    "Python URL, with hosts, scheme postgres": ["postgres://a,b:5432/x"],
    "Python e-mail address": ["anna@example.com"],
    "Python name and e-mail address": ["Anna <anna@example.com>"],
    "Python integer, from 1, multiple of 2": ["2", "40"],
    "Python number, below 1": [],
    "Python number, before 1": ["0.5", "-3"],
    "Python decimal, digits 5, places 2": ["123.45", "0.1", "12.500"],
    "Python decimal, to 0.5, multiple of 0.05": ["0.35"],
    "Python fraction": ["-1/3"],
    "Python complex number": ["1+2j"],
    "Python bytes, from 2, to 3": ["ab", "è"],
    "Python Base64, from 1, to 2": ["YQ==", "YWI="],
    "Python Base64url, of text": ["YQ==", ""],
    "Python text, ASCII, trimmed": ["a b", ""],
    "Python size in bytes": ["1.5 GB", "10"],
    "Python card number": ["4242424242424242"],
    "Python time zone": ["Europe/Rome"],
    "Python regular expression": [r"^\d+$"],
    "Python pattern ^a, b$": ["a, b", "a, b\n"],
    "Rust pattern ^\\w$": ["è"],
    'Python JSON {"type": "array", "items": {"type": "integer"}}': ["[1,2]"],
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_name_says_which_texts_there_are(name: str) -> None:
    found = find(name)

    assert (found is not None and found.source == PYTHON) is bool(EXAMPLES[name])
    for text in EXAMPLES[name]:
        assert found is not None
        assert accepts(found.term(string_space("canonical").character), spell_canonical(text)), text


@pytest.mark.parametrize(
    "name",
    ["Python", "Python date,from 2024-01-01", "Python date, from tomorrow", "Python date, about 2024-01-01",
     "Python UUID, version", "Python bytes, to many", "Python pattern (", "Rust pattern (", "Python JSON {",
     "Python duration, from 1h", "Rust date", "python date", "Python date, "],
)  # fmt: skip
def test_what_is_nearly_a_name_is_an_annotation(name: str) -> None:
    """Like any other format that nobody knows."""
    assert find(name) is None


def test_no_name_is_one_of_a_standard() -> None:
    standard = {name for names in DEFINED_BY.values() for name in names} | set(FORMATS)

    assert not standard & FAMILIES.keys()
    assert all(" " in name for name in FAMILIES)
    assert {family.standard for family in FAMILIES.values()} - {""} <= standard


def test_names_for_those_who_search_and_those_who_read() -> None:
    name = "Python date-time, from 2024-01-01T00:00:00"

    assert (standard_name(name), shown_name(name)) == ("date-time", "date-time, from 2024-01-01T00:00:00")
    assert (standard_name("date"), shown_name("date"), shown_name("Rust pattern a")) == (
        "date",
        "date",
        "Rust pattern a",
    )
    assert standard_name("Rust pattern a") == "Rust pattern a"


@pytest.mark.parametrize(
    "name",
    ["Python date", "Python date, from 2024-01-01", "Python date, after 2023-01-01, before 2026-01-01",
    "Python time",
     "Python date-time", "Python date-time, with an offset", "Python date-time, offset +02:00",
     "Python duration",
     "Python UUID, version 7", "Python URL", "Python URL, scheme postgresql+asyncpg, with hosts",
     "Python URL, scheme file", "Python decimal", "Python decimal, digits 2, places 1",
     "Python e-mail address",
     "Python fraction", "Python complex number", "Python integer", "Python number"],
)  # fmt: skip
def test_lengths_that_are_claimed_have_texts(name: str) -> None:
    lengths, found = plain_lengths(name), find(name)
    space = string_space("canonical")

    assert lengths is not None
    assert found is not None
    least, most = lengths
    for length in {least, int(min(most, least + 30))}:
        assert not is_empty(intersect(found.term(space.character), space.length(length, length))), length


@pytest.mark.parametrize(
    "name",
    ["Python date, from 2025-01-01, before 2025-01-01", "Python bytes, to 1", "Rust pattern a", "date"],
)
def test_lengths_are_not_claimed_where_it_takes_a_search(name: str) -> None:
    assert plain_lengths(name) is None


def term(name: str) -> Term:
    found = python_format(name)
    assert found is not None
    made = find(name)
    assert made is not None
    return made.term(utf8)


def is_read(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


def some_text(language: Term, seed: int) -> str | None:
    text = random_text(Terminal.of(language, END), random.Random(seed))
    return None if text is None else text.decode()


@given(st.integers(0, 9), st.none() | st.integers(0, 9), st.text("aè能😀", max_size=6))
def test_bytes_are_counted_in_utf_8(low: int, more: int | None, text: str) -> None:
    high = "" if more is None else f", to {low + more}"
    counted = len(text.encode())

    assert accepts(term(f"Python bytes, from {low}{high}"), text.encode()) == (
        low <= counted and (more is None or counted <= low + more)
    )


@given(st.text(max_size=8) | st.binary(max_size=8), st.booleans())
@example(b"\xed\xa0\x80", False)
@example(b"\xf4\x90\x80\x80", False)
@example(b"\xc0\x80", True)
def test_base64_of_text_is_that_of_utf_8(given_: str | bytes, is_url: bool) -> None:
    data = given_.encode() if isinstance(given_, str) else given_
    written = (base64.urlsafe_b64encode if is_url else base64.b64encode)(data)
    try:
        data.decode()
        is_text = True
    except UnicodeDecodeError:
        is_text = False

    assert accepts(term(f"Python Base64{'url' if is_url else ''}, of text"), written) == is_text


@given(st.integers())
def test_every_base64_of_text_that_is_written_is_read(seed: int) -> None:
    text = some_text(term("Python Base64, of text"), seed)

    assert text is None or is_read(Base64Str, text)


digits = st.none() | st.integers(1, 25)
places = st.none() | st.integers(0, 12)


@given(digits, places, st.decimals(allow_nan=False, allow_infinity=False, places=None), st.integers(0, 8))
@example(5, 2, Decimal("12.3450"), 0)
@example(3, 5, Decimal("0.00123"), 0)
def test_decimals_have_the_digits_that_pydantic_counts(
    most: int | None, behind: int | None, number: Decimal, cut: int
) -> None:
    """In plain notation; zeros that say nothing are written behind the point alone."""
    text = format(round(number, cut) if abs(number) < 10**18 else number, "f")
    if len(text) > 30:
        return
    named = [f"digits {most}"] if most else []
    named += [f"places {behind}"] if behind is not None else []
    kind = Annotated[Decimal, Field(max_digits=most, decimal_places=behind)]
    text = "0" + text[2:] if text.startswith("-0") and not text.strip("-0.") else text

    if accepts(term(", ".join(["Python decimal", *named])), text.encode()):
        assert is_read(kind, text)
    else:
        assert not is_read(kind, text) or text.endswith("0")


@given(
    digits,
    places,
    st.lists(st.tuples(st.sampled_from(["from", "before"]), st.decimals("-9", 9, places=1)), max_size=2),
    st.integers(),
)
def test_every_decimal_that_is_written_is_read(
    most: int | None, behind: int | None, bounds: list[tuple[str, Decimal]], seed: int
) -> None:
    named = [f"digits {most}"] if most else []
    named += [f"places {behind}"] if behind is not None else []
    named += [f"{word} {bound}" for word, bound in bounds]
    language = term(", ".join(["Python decimal", *named]))
    kind: Any = Annotated[Decimal, Field(max_digits=most, decimal_places=behind)]
    for word, bound in bounds:
        kind = Annotated[kind, Field(ge=bound)] if word == "from" else Annotated[kind, Field(lt=bound)]
    text = None if is_empty(language) else some_text(language, seed)

    assert text is None or is_read(kind, text)


@settings(max_examples=30)
@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1), st.integers(0, 128), st.booleans())
def test_networks_have_no_bits_of_a_host(address: int, mask: int, prefix: int, is_whole: bool) -> None:
    """Many addresses whose bits are mostly zero, so that all ways to leave zeros out come up."""
    bits = address & mask
    bits = bits >> (128 - prefix) << (128 - prefix) if is_whole and prefix else bits
    text = f"{ipaddress.IPv6Address(bits)}/{prefix}"

    assert accepts(term("Python IP network, version 6"), text.encode()) == is_read(
        ipaddress.IPv6Network, text
    )


@given(st.integers(0, 2**32 - 1), st.integers(0, 32), st.booleans())
def test_networks_of_version_4_have_none_either(address: int, prefix: int, is_whole: bool) -> None:
    bits = address >> (32 - prefix) << (32 - prefix) if is_whole else address
    text = f"{ipaddress.IPv4Address(bits)}/{prefix}"

    assert accepts(term("Python IP network, version 4"), text.encode()) == is_read(
        ipaddress.IPv4Network, text
    )


@pytest.mark.filterwarnings("ignore:The `PaymentCardNumber` class is deprecated")
@given(st.text("0123456789", min_size=11, max_size=20))
@example("4242424242424242")
@example("4242424242424241")
def test_card_numbers_are_those_that_pydantic_takes(text: str) -> None:
    assert accepts(term("Python card number"), text.encode()) == is_read(PaymentCardNumber, text)


@given(st.integers())
def test_every_regular_expression_that_is_written_is_one(seed: int) -> None:
    import re

    text = some_text(term("Python regular expression"), seed)

    assert text is None or re.compile(text)


def test_json_in_a_name_is_json() -> None:
    name = 'Python JSON {"const": "a, b"}'

    assert accepts(term(name), json.dumps("a, b").encode())

"""URLs and mailboxes: what is written is taken by Pydantic, and what people write can be written."""

from __future__ import annotations

import random
from typing import Annotated, Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, TypeAdapter, UrlConstraints, ValidationError

from constrain.continuation import END, Terminal
from constrain.json_schema.formats_network import mailboxes, named_mailboxes, urls
from constrain.regular.queries import accepts
from constrain.regular.syntax import regex_term
from tests.json_schema.walk import random_text

SCHEMES = ["http", "wss", "ftp", "file", "postgres", "a+b", "urn"]


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from(SCHEMES), max_size=2), st.sampled_from(["", "one"]), st.booleans(), st.integers()
)
def test_every_url_that_is_written_is_taken(schemes: list[str], host: str, is_ascii: bool, seed: int) -> None:
    term = regex_term(urls(schemes, host, is_ascii=is_ascii), dialect="ecma")
    text = random_text(Terminal.of(term, END), random.Random(seed))
    kind = Annotated[
        AnyUrl, UrlConstraints(allowed_schemes=schemes or None, host_required=True if host else None)
    ]

    assert text is None or TypeAdapter(kind).validate_python(text.decode())
    assert text is None or text.isascii() or not is_ascii


@settings(max_examples=50)
@given(st.sampled_from([pydantic.PostgresDsn, pydantic.MongoDsn]), st.integers())
def test_every_url_of_several_hosts_is_taken(kind: Any, seed: int) -> None:
    scheme = "postgres" if kind is pydantic.PostgresDsn else "mongodb"
    term = regex_term(urls([scheme], "many"), dialect="ecma")
    text = random_text(Terminal.of(term, END), random.Random(seed))

    assert text is None or TypeAdapter(kind).validate_python(text.decode())


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("http://example.com", True), ("http://user:a%20b@my_host.it:65535/a;b?c=[d]", False),
        ("http://user:a%20b@my_host.it:65535/a;b?c=d&e#f", True), ("http://10.0.0.1", True),
        ("http://[::1]:80/", True),
        ("http://a:65536", False), ("http://a.1", False), ("http://256.1.1.1", False), ("http:///x", False),
        ("http://xn--a.it", False), ("http:a", False), ("mailto:a@b.it", True), ("urn:isbn:1", True),
        ("file:///etc/hosts", True), ("file:x", False), ("foo://", True), ("foo:///x", True), ("//a", False),
        ("https://it.wikipedia.org/wiki/Città", True), ("a b:c", False), ("http://a b", False),
    ],
)  # fmt: skip
def test_urls_as_people_write_them(text: str, allowed: bool) -> None:
    assert accepts(regex_term(urls(), dialect="ecma"), text.encode()) is allowed
    assert not allowed or TypeAdapter(AnyUrl).validate_python(text)


@settings(max_examples=40)
@given(st.integers())
def test_every_mailbox_that_is_written_is_taken(seed: int) -> None:
    term = regex_term(mailboxes(), dialect="ecma")
    text = random_text(Terminal.of(term, END), random.Random(seed))

    assert text is None or TypeAdapter(pydantic.EmailStr).validate_python(text.decode())


@settings(max_examples=20)
@given(st.integers())
def test_every_named_mailbox_that_is_written_is_taken(seed: int) -> None:
    text = random_text(Terminal.of(regex_term(named_mailboxes(), dialect="ecma"), END), random.Random(seed))

    assert text is None or TypeAdapter(pydantic.NameEmail).validate_python(text.decode())


@given(st.emails())
def test_mailboxes_that_are_taken_can_be_written(text: str) -> None:
    """All in ASCII but those in a domain with an A-label, or in one that is both deep and long."""
    try:
        TypeAdapter(pydantic.EmailStr).validate_python(text)
        taken = True
    except ValidationError:
        taken = False
    labels = text.rpartition("@")[2].split(".")
    has_a_label = any(label.lower().startswith("xn--") for label in labels)
    is_long = max(map(len, labels)) > (61 if len(labels) <= 3 else 22) or len(labels) > 8
    ends_in_a_word = labels[-1][:1].isalpha()

    allowed = accepts(regex_term(mailboxes(), dialect="ecma"), text.encode())
    assert allowed == (taken and not has_a_label and not is_long and ends_in_a_word)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("anna@example.com", True), ("a.b+c@mail.example.co.uk", True), ("o'neil@a.ie", True),
        ("a@localhost", False),
        ("a..b@c.it", False), (".a@b.it", False), ("a@b.test", False), ("a@B.LOCAL", False), ("a@test.it",
        True),
        ("a@-b.it", False), ("a@ab--c.it", False), ("a" * 64 + "@b.it", True), ("a" * 65 + "@b.it", False),
    ],
)  # fmt: skip
def test_mailboxes_as_people_write_them(text: str, allowed: bool) -> None:
    assert accepts(regex_term(mailboxes(), dialect="ecma"), text.encode()) is allowed


@pytest.mark.parametrize(
    "text", ["Anna Rossi <a@b.it>", "a@b.it", "J. Doe <a@b.it>", "Città <a@b.it>", "O'Neil <a@b.it>"]
)
def test_names_before_mailboxes(text: str) -> None:
    assert accepts(regex_term(named_mailboxes(), dialect="ecma"), text.encode())
    assert TypeAdapter(pydantic.NameEmail).validate_python(text)

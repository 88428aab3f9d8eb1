"""Internationalised labels are those of the `idna` package, but for what the module says it leaves out."""

from __future__ import annotations

import re
import unicodedata
from random import Random

import idna
import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.json_schema.formats_idn import U_LABEL_BYTES, from_right, idn_email, idn_hostname, permitted
from constrain.regular.charset import ASCII_DIGITS, inverse, meet, union
from constrain.regular.properties import members
from constrain.regular.queries import accepts, is_subset
from constrain.regular.terms import Term, intersect
from constrain.regular.utf8 import utf8

NAMES, MAILBOXES = idn_hostname(utf8), idn_email(utf8)

CHARACTERS = (
    "al1-\u00b7\u0375\u03b1\u05d0\u05f3\u05f4\u0627\u0628\u06d0\u0660\u06f1"
    "\u094d\u0915\u200c\u200d\u30fb\u30a2\u4e2d\u00df\u0301\u064b\u0640\u00e9\u1100\u20d0\u200b\u180b\u1820\ua840E_"
)
"""Of each rule its characters, and some of those around them."""


def is_label(text: str) -> bool:
    """What `idna` says of a label; of one in ASCII, what it says of it in small letters."""
    try:
        idna.check_label(text.lower() if text.isascii() else text)
    except idna.IDNAError:
        return False
    return True


FEW = st.lists(st.sampled_from(CHARACTERS), min_size=2, max_size=4, unique=True)
"""A rule speaks of few characters, which meet more often when there are no others."""

RULES: list[list[str]] = [
    ["l", "\u00b7l", "\u00b7"],
    [*"\u0375\u03b1a"],
    [*"\u05d0\u05f3\u05f4a"],
    [*"\u30fb\u30a2a"],
    [*"\u05d0\u06271\u0660\u06f1-\u064b"],
    [*"a-1"],
]
"""The characters of one rule and little else."""

JOINING = [
    "\u0627\u0628\u0640",
    "\ua840\ua872\u1820",
    "\u0915\u094d",
    "\u0627\u0628\ua840\ua872\u0915\u094da",
]
"""Letters that join to the right, to both sides, or to the left, viramas, and others; then all of them."""


def joined(letters: str) -> st.SearchStrategy[str]:
    """Letters with joiners between them, one or two or none, and with marks that joining looks through."""
    joiners = st.sampled_from(
        ["\u200c", "\u200c", "\u200d", "", "\u200c\u200d", "\u200d\u200c", "\u200c\u200c"]
    )
    marks = st.sampled_from(["", "", "\u064b", "\u0301"])
    pieces = st.tuples(marks, joiners, marks, st.text(letters, min_size=1, max_size=2)).map("".join)
    return st.builds(
        lambda first, rest: first + "".join(rest), st.text(letters, max_size=2), st.lists(pieces, max_size=3)
    )


LABELS = st.one_of(
    FEW.flatmap(lambda few: st.text(few, min_size=1, max_size=6)),
    st.sampled_from(RULES).flatmap(
        lambda few: st.lists(st.sampled_from(few), min_size=1, max_size=6).map("".join)
    ),
    st.sampled_from(JOINING).flatmap(joined),
    st.sampled_from(JOINING).flatmap(joined),
    st.text(min_size=1, max_size=3),
)


@given(LABELS)
@settings(max_examples=3_000)
def test_a_label_is_one_of_idna(text: str) -> None:
    """Each rule meets each other one here; Normalization Form C and long labels are left out."""
    assume(len(text.encode()) <= U_LABEL_BYTES)
    assume(unicodedata.is_normalized("NFC", text) and not any(dot in text for dot in ".\u3002\uff0e\uff61"))
    assume(all(unicodedata.category(character) not in {"Cn", "Cs"} for character in text))

    assert accepts(NAMES, text.encode()) == is_label(text)


def test_the_characters_that_make_a_name_alone_are_those_of_idna() -> None:
    """Every code point, also those that Python's own tables do not have yet."""
    marks, directed = members("gc=M"), meet(from_right(), inverse(union(members("bc=R"), members("bc=AL"))))
    capitals = ((ord("A"), ord("Z")),)
    alone = meet(
        union(permitted(), capitals, ((0x6F0, 0x6F9),)), inverse(union(marks, directed, ((0x2D, 0x2D),)))
    )
    single = intersect(NAMES, utf8(((0, 0x10FFFF),)))

    assert is_subset(single, utf8(alone))
    assert is_subset(utf8(alone), single)
    assert len([code for low, high in alone for code in range(low, high + 1)]) > 150_000
    assert meet(alone, ASCII_DIGITS) == ASCII_DIGITS


def test_every_character_alone_is_as_idna_checks_it() -> None:
    """Those that Python knows, and `idna` needs Python for."""
    wrong = [
        hex(code)
        for code in (
            *range(0x2FF0),
            *range(0xA000, 0xAC10),
            *range(0xF000, 0x11000),
            *range(0x1E000, 0x1F000),
        )
        if unicodedata.category(chr(code)) not in {"Cn", "Cs"}
        and unicodedata.is_normalized("NFC", chr(code))
        and accepts(NAMES, chr(code).encode()) != is_label(chr(code))
    ]

    assert wrong == []


@pytest.mark.parametrize(
    "text", ["a\u20d0", "a" * 64, "\u00e9" * 64, "a.", "\u00e9..a", "xn--ls8h", "\u00c9", "a\U000e0100"]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    """Symbols' marks, labels too long or empty, A-labels, capital letters, ignorable characters."""
    assert not accepts(NAMES, text.encode())


@pytest.mark.parametrize(
    "text", ["\U00031350", "\U0001e4d0", "WWW.Example\u3002\u00e9\u00e9", "\u00e9" * 18 + "a"]
)
def test_what_is_a_name_is_taken(text: str) -> None:
    """Characters newer than Python's tables, the other dots, a label as long as it may be."""
    assert accepts(NAMES, text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "\u0628\u200c\u0628",
        "\u0627\u200c\u0628",
        "\u05d01",
        "\u05d0\u0660",
        "\u05d01\u0660",
        "\u05d0l",
        "1\u05d0",
        "\u05d0-",
    ],
)
def test_letters_that_join_and_digits_from_the_right(text: str) -> None:
    """Rules of three characters, which random texts seldom bring together."""
    assert accepts(NAMES, text.encode()) == is_label(text)


LETTERS = "a\u00e9\u0e01\u4e00\U00031350"
"""Letters of one to four bytes and far from each other, which Punycode makes long."""


def labels_of(rng: Random, most: int) -> str:
    """As many labels, each as long as the language takes it; the letters of a label are few or many."""
    labels = []
    for _ in range(most):
        few = rng.choices(LETTERS, k=rng.randint(1, 5))
        letters = "".join(rng.choices(few, k=64))
        labels.append(longest(NAMES, letters))
    return ".".join(labels)


def longest(term: Term, text: str) -> str:
    """As much of a text as a language takes, empty if none of it."""
    taken = ""
    for end, character in enumerate(text, 1):
        for byte in character.encode():
            term = term.after(byte)
        taken = text[:end] if term.nullable else taken
    return taken


def a_labels(name: str) -> list[str]:
    """The labels in Punycode."""
    labels = re.split("[.\u3002\uff0e\uff61]", name)
    return [text if text.isascii() else f"xn--{text.encode('punycode').decode()}" for text in labels]


@given(st.integers().map(Random))
@settings(max_examples=100)
def test_a_name_is_as_short_in_punycode_as_names_have_to_be(rng: Random) -> None:
    """A label 63 octets, a name 253, the domain of a mailbox 189: nobody counts them, and all the same."""
    text = labels_of(rng, 12)
    labels = a_labels(longest(NAMES, text))
    domain = a_labels(longest(MAILBOXES, f"a@{text}").partition("@")[2])

    assert max(map(len, [*labels, *domain])) <= 63
    assert len(".".join(labels)) <= 253
    assert len(".".join(domain)) <= 189


BESIDE = ["a", "1a", "0", "a-1", "\u00e9", "\u5b9f", "\u05d0\u05d1", "\u06281", "\u0797\u032d"]
"""Labels of each direction, or of none."""


@given(st.lists(st.sampled_from(BESIDE), min_size=1, max_size=4))
def test_the_labels_of_a_name_agree_on_their_direction(labels: list[str]) -> None:
    """RFC 5893, section 2: beside a label from the right each one keeps the Bidi rule; `idna` asks of one."""
    validator = jsonschema_rs.validator_for({"format": "idn-hostname"}, validate_formats=True)
    name = ".".join(labels)
    has_both = any(BESIDE.index(label) > 5 for label in labels) and not {"\u00e9", "\u5b9f"}.isdisjoint(
        labels
    )

    assert accepts(NAMES, name.encode()) == (validator.is_valid(name) and not has_both)


@given(st.text("a.\u00e9\u4e00\U0001f600", min_size=1, max_size=70))
def test_a_local_part_is_measured_in_octets(text: str) -> None:
    """RFC 5321, section 4.5.3.1.1, whose octets are those of UTF-8 in RFC 6531."""
    taken = accepts(MAILBOXES, f"{text}@b".encode())

    assert taken == (len(text.encode()) <= 64 and all(text.split(".")))


def test_a_mailbox_has_no_dots_but_full_stops() -> None:
    """RFC 6531, section 3.3: the other dots are for names that somebody types."""
    assert accepts(NAMES, "\u00e9\u3002\u00e9".encode())
    assert not accepts(MAILBOXES, "a@\u00e9\u3002\u00e9".encode())

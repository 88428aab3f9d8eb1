"""A pattern written for another engine means what it means there, or is refused by name."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.errors import ConstrainError, UnsupportedRegexError
from constrain.regular.dialects import AMBIGUOUS, FOREIGN
from constrain.regular.pattern import foreign_constructs, parse_regex
from constrain.regular.plain_pattern import is_plain
from constrain.regular.queries import accepts
from constrain.regular.syntax import regex_term

COMMON = [
    "a",
    "b",
    "[ab]",
    "[^a]",
    "(a|b)",
    "a*",
    "b?",
    "(?:ab){1,2}",
    r"\d",
    "^",
    "$",
    "x{",
    "-",
    r"\-",
    "(?=a)",
]
"""What ECMA-262 and Python read alike."""

HONOURED = {
    r"\A": (r"\A", r"\A"),
    r"\z": (r"\z", r"\Z"),
    r"\a": (r"\a", r"\x07"),
    r"\e": (r"\e", r"\x1b"),
    r"\x{...}": (r"\x{61}", "a"),
    "(?P<...>": ("(?P<year>a)", "(?P<year>a)"),
    "(?#...)": ("(?#a*)", "(?#a*)"),
    "(?i)": ("(?i:A)", "(?i:A)"),
}
"""For each foreign construct an example, and what that says in Python's `re`."""

REFUSED = [
    *(rf"\{letter}" for letter in "hHRQEgkKGXpPZijlmoqyCFIJLMNOTUVY"),
    r"\x4(?:)", r"\x{110000}", r"\u12(?:)", r"\u{110000}", r"\p{^Lu}", r"\pL", r"\N{BULLET}", r"\o{41}",
    r"\g{1}", r"[\A]", r"[\k]", r"[\8]", r"[\w--\d]", "[a-z--b]", "[a-z&&[^b]]", "[a-z&&b]",
    "[a~~b]", "[a[bc]]",
    "[]a]", "[^]a]", "[[:alpha:]]", "[^[:space:]_]", "[[=a=]]", "[[:<:]]", "a{,3}", "a++", "a*+", "a?+",
    "a{2}+", "(?>a)", "(?u)a", "(?a:a)",
]  # fmt: skip
TEXTS = st.text(alphabet="abA1-x{\x07\x1b\u00e9\n", max_size=5)


@given(
    st.lists(
        st.sampled_from([*((piece, piece) for piece in COMMON), *HONOURED.values()]), min_size=1, max_size=5
    ),
    st.lists(TEXTS, min_size=8, max_size=8),
)
@settings(max_examples=400)
def test_what_other_dialects_agree_on_is_read_as_they_read_it(
    pieces: list[tuple[str, str]], texts: list[str]
) -> None:
    """Each construct has an equal in `re`; they are mixed with what both read alike."""
    ours, theirs = ("".join(side) for side in zip(*pieces, strict=True))
    try:
        compiled = re.compile(theirs.replace("$", r"\Z"), re.ASCII)
    except re.error:
        return
    term = regex_term(ours, dialect="ecma", search=True)

    for text in texts:
        assert accepts(term, text.encode()) == bool(compiled.search(text)), (ours, text)


@given(st.sampled_from(REFUSED), st.lists(st.sampled_from(COMMON), max_size=3), st.data())
@settings(max_examples=400)
def test_what_dialects_read_differently_is_refused_by_name(
    foreign: str, around: list[str], data: st.DataObject
) -> None:
    """Wherever it stands; the caret is under it, and there is something to write instead."""
    at = data.draw(st.integers(0, len(around)))
    pattern = "".join([*around[:at], foreign, *around[at:]])

    assert not is_plain(pattern)
    with pytest.raises(UnsupportedRegexError) as caught:
        parse_regex(pattern, "ecma")
    assert caught.value.hint
    assert "^" in caught.value.where


STRICT = {*"dDsSwWbBtnvfrcxu0pPk"}
"""What ECMA-262 lets follow a backslash, with the flag `u`, of letters and digits."""


@pytest.mark.parametrize("letter", string.ascii_letters + "0123456789")
@pytest.mark.parametrize("form", ["^{}$", "[{}]"])
def test_no_escaped_letter_is_taken_for_the_letter(letter: str, form: str) -> None:
    """Every one of them is ECMA-262's, or everybody's, or refused."""
    pattern = form.format(f"\\{letter}")
    try:
        term = regex_term(pattern, dialect="ecma", search=True)
    except UnsupportedRegexError:
        return

    assert letter in STRICT or f"\\{letter}" in FOREIGN or letter in "1234567"
    assert not accepts(term, letter.encode()) or letter in "wDS" or (letter == "c" and form == "[{}]")


def test_the_tables_cover_one_another() -> None:
    """A construct that is honoured is not refused, and each has an example here."""
    assert HONOURED.keys() == FOREIGN.keys()
    assert not {name[1] for name in FOREIGN if name[0] == "\\" and len(name) == 2} & AMBIGUOUS.keys()
    for name, (example, _) in HONOURED.items():
        assert foreign_constructs(example) == (name,)
        assert not is_plain(example)


@pytest.mark.parametrize(
    "pattern", [r"^[\w.-]+$", r"^[^]$", r"^\c$", r"^]{$", r"^[+--]$", r"^\_\@$", r"^[&]$", r"\u{41}"]
)
def test_what_ecma_262_reads_is_not_foreign(pattern: str) -> None:
    """Annex B included, where it is what authors rely on."""
    assert foreign_constructs(pattern) == ()


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            r"^a\Z",
            "`\\Z` is the end of the text in some dialects, and in others may stand before a newline\n"
            '    "^a\\Z"\n'
            "       ^^\n"
            "hint: write `$`",
        ),
        (
            "x[[:alpha:]]+",
            "this class is that of another dialect: a bracket in it is not escaped\n"
            '    "x[[:alpha:]]+"\n'
            "      ^^^^^^^^^^\n"
            "hint: write `\\[` and `\\]` for brackets, and `[A-Za-z]` for `[[:alpha:]]`",
        ),
        (
            "a{,3}",
            "`{,3}` is a count in some dialects and plain text in others\n"
            '    "a{,3}"\n'
            "      ^^^^\n"
            "hint: write `{0,3}` or `\\{,3}`",
        ),
        (
            r"[\w--\d]",
            "`--` in a class is an operation on sets in other dialects\n"
            '    "[\\w--\\d]"\n'
            "        ^^\n"
            "hint: for the character write `\\-`, for a set its members",
        ),
        (
            r"a\j",
            '`\\j` is not an escape of ECMA-262\n    "a\\j"\n      ^^\nhint: for the character write `j`',
        ),
    ],
)
def test_a_refusal_says_what_where_and_what_to_write(pattern: str, message: str) -> None:
    """The author wrote something that works elsewhere."""
    with pytest.raises(ConstrainError) as caught:
        regex_term(pattern, dialect="ecma")

    assert str(caught.value) == message


def test_the_page_on_patterns_says_all_of_both_tables() -> None:
    """A construct that is read, or refused, has a row there in the words of the table here."""
    page = Path("docs/regex.md").read_text(encoding="utf-8")

    for construct, meaning in FOREIGN.items():
        assert f"| `{construct}` | {meaning} |" in page
    for letter, (why, _) in AMBIGUOUS.items():
        assert f"| `\\{letter}` | {why} |" in page

"""A pattern in Rust's dialect means here what Pydantic takes it for, whose patterns are Rust's."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from constrain.errors import RegexError, UnsupportedRegexError
from constrain.regular.queries import accepts
from constrain.regular.syntax import regex_term

CHARACTERS = "abzAZ019_-&~]^.<> \n\t\x0b\x1c\x85é能ſKю٣ǅ\ufeff\u200d\u0301"

MEMBERS = st.sampled_from(
    ["a", "z", "a-c", "A-Z", r"\d", r"\w", r"\s", r"\S", r"\pL", r"\P{Lu}", r"\-", r"\]", "_", "é", ".", "^",
     "[:alpha:]", "[:^space:]", "[:word:]"]
)  # fmt: skip


def _bracketed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operand = st.lists(inner, min_size=1, max_size=3).map("".join)
    operands = st.tuples(
        operand, st.lists(st.tuples(st.sampled_from(["&&", "--", "~~"]), operand), max_size=2)
    )
    return st.builds(
        lambda sign, first, rest: f"[{sign}{first}{''.join(map(''.join, rest))}]",
        st.sampled_from(["", "^"]),
        operands.map(lambda pair: pair[0]),
        operands.map(lambda pair: pair[1]),
    )


classes = _bracketed(
    st.recursive(MEMBERS.map(lambda m: f"[{m}]" if m.startswith("[:") else m), _bracketed, max_leaves=3)
)
atoms = st.one_of(
    st.sampled_from(
        ["a", "é", "-", "_", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\pL", r"\p{Greek}", r"\x41", r"\u{e9}",
         r"\.", r"\A", r"\z", r"\b", r"\B", r"\<", r"\>", r"\b{start}", r"\b{end-half}", "^", "$", "(?i)k",
         "(?i:s)", "(?m)^", "(?s).", "(?-i)"]
    ),
    classes,
)  # fmt: skip
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+?", "?", "{2}", "{1,2}", "{1,}", "{2}?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        inner.map(lambda part: f"(?P<name>{part})" if "name" not in part else part),
    ),
    max_leaves=5,
)


def means_the_same(pattern: str, texts: list[str]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[str, Field(pattern=pattern)])
    term = regex_term(pattern, dialect="rust", search=True)
    for text in texts:
        try:
            adapter.validate_python(text)
            matches = True
        except ValidationError:
            matches = False
        assert accepts(term, text.encode()) == matches, (pattern, text)


@given(patterns, st.lists(st.text(CHARACTERS, max_size=4), max_size=8))
def test_a_pattern_matches_as_it_does_in_pydantic(pattern: str, texts: list[str]) -> None:
    try:
        TypeAdapter(Annotated[str, Field(pattern=pattern)])
    except SchemaError:
        return  # it is no pattern of Rust's, and no type can have it
    try:
        means_the_same(pattern, [*texts, *CHARACTERS])
    except UnsupportedRegexError:
        return


@pytest.mark.parametrize(
    "pattern",
    [r"^\W$", r"^[^\w]$", r"^\s$", r"^[\w--\d]$", r"^[a-z&&[^b]]$", r"^\A", r"\<a\>", r"^\pL$", r"^a{2}{2}$",
     r"^a$", r"a++", r"^[[:alpha:]-]$", r"^[]a]$", r"^[a&&a~~b]$", r"(?x) a b # c", r"(?U)a+", r"^\u{1F600}$",
     r"^[&~-]$"],
)  # fmt: skip
def test_what_rust_reads_in_its_own_way(pattern: str) -> None:
    means_the_same(pattern, ["", "ab", "aaaa", "a\n", "A", "<a", "pL", "x]", "a-", "\U0001f600", *CHARACTERS])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            r"(?-u)a",
            "the flags `-u` and `R` are not supported\n"
            "    \"(?-u)a\"\n     ^^^^^\nhint: leave them out: text is Unicode",
        ),
        (
            r"\p{Nothing}",
            "`Nothing` is no Unicode property by its full name\n    \"\\p{Nothing}\"\n     ^^^^^^^^^^^\n"
            r"hint: names are spelled as in Unicode: `\p{Lu}`, `\p{Script=Greek}`, `\p{Alphabetic}`",
        ),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_by_name(pattern: str, message: str) -> None:
    with pytest.raises(UnsupportedRegexError) as caught:
        regex_term(pattern, dialect="rust")

    assert str(caught.value) == message


@pytest.mark.parametrize("pattern", [r"\Z", r"\1", r"\b{nothing}", "[a", "(?k)a"])
def test_what_is_no_pattern_of_rust_is_refused(pattern: str) -> None:
    with pytest.raises(RegexError):
        regex_term(pattern, dialect="rust")

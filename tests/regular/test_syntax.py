"""Regular expressions mean what Python's `re` says they mean, look-around and boundaries included."""

from __future__ import annotations

import re
import unicodedata
import warnings

import interegular
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.errors import ConstrainError, RegexError, UnsupportedError, UnsupportedRegexError
from constrain.regular.queries import accepts
from constrain.regular.syntax import regex_term

ATOMS = [
    "a",
    "b",
    "c",
    ".",
    "[ab]",
    "[^a]",
    " ",
    r"\w",
    r"\s",
    r"\d",
    r"\W",
    "1",
    "_",
    "é",
    r"\n",
    r"[\w-]",
    r"\x61",
]
ASSERTIONS = [r"\b", r"\B", "^", "$", r"\A", r"\Z"]
TEXTS = st.text(alphabet="abc1 _é\nAB-", max_size=7)


def patterns(assertions: list[str]) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(ATOMS + assertions)

    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        count = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?", "{0,2}", "{2,}", "{,2}"])
        ways = [
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
            st.tuples(inner, count).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
            inner.map(lambda text: f"({text})"),
        ]
        if assertions:
            looks = st.sampled_from(["(?=", "(?!", "(?<=", "(?<!"])
            ways.append(st.tuples(looks, inner).map(lambda pair: f"{pair[0]}{pair[1]})"))
        return st.one_of(ways)

    return st.recursive(leaves, extend, max_leaves=7)


def python_pattern(pattern: str, flags: int) -> re.Pattern[str]:
    """Compile with `re`; what it refuses (a look-behind of varying width) is not compared."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(pattern, flags)
        except re.error:
            assume(False)
            raise


@given(
    patterns(ASSERTIONS),
    st.lists(TEXTS, min_size=12, max_size=12),
    st.sampled_from([0, re.I, re.M, re.S, re.A, re.I | re.S]),
)
@settings(max_examples=500)
def test_matches_and_searches_as_python_does(pattern: str, texts: list[str], flags: int) -> None:
    """The definition of a pattern in this dialect is `re` itself."""
    compiled = python_pattern(pattern, flags)
    try:
        whole = regex_term(pattern, flags=flags)
        found = regex_term(pattern, flags=flags, search=True)
    except UnsupportedError:
        assume(False)
        raise

    for text in texts:
        assert accepts(whole, text.encode()) == bool(compiled.fullmatch(text)), text
        assert accepts(found, text.encode()) == bool(compiled.search(text)), text


@given(patterns([]), st.lists(st.text(alphabet="abc1_", max_size=6), min_size=10, max_size=10))
@settings(max_examples=200)
def test_agrees_with_an_independent_automaton(pattern: str, texts: list[str]) -> None:
    """interegular builds its automata another way altogether."""
    assume(not re.search(r"[*+?}]\?|\{,|\\W", pattern))
    try:
        fsm = interegular.parse_pattern(pattern).to_fsm()
    except Exception:
        assume(False)
        raise
    term = regex_term(pattern, flags=re.ASCII)

    for text in texts:
        assert accepts(term, text.encode()) == fsm.accepts(text), text


@pytest.mark.parametrize(
    ("pattern", "takes", "refuses"),
    [
        (r"^\p{L}+$", ["é", "Ωmega"], ["1", "a1", ""]),
        (r"^\P{Lu}$", ["a", "1"], ["A"]),
        (r"^\p{Script=Greek}+$", ["αβγ"], ["abc"]),
        (r"^\u00e9\u{1F600}$", ["é😀"], ["é"]),
        (r"^\ud83d\ude00$", ["😀"], ["?"]),
        (r"^\cJ$", ["\n"], ["J"]),
        (r"^a$", ["a"], ["a\n"]),
        (r"^.$", ["a", "\x85"], ["\u2028", "\r", "\n"]),
        (r"^\d$", ["1"], ["\u0661"]),
        (r"^\s$", ["\ufeff", "\u00a0"], ["a"]),
        (r"^[^]$", ["a", "\n"], [""]),
        (r"^]{$", ["]{"], ["]"]),
        (r"^(?<year>\d{4})$", ["2024"], ["24"]),
        (r"^\-\_\@$", ["-_@"], ["-_"]),
        ("b", ["abc", "b"], ["ac"]),
        (r"^(?!.*(foo|bar)).+$", ["fob"], ["a foo", "bar", ""]),
        (r"^(?=.*[A-Z])(?=.*\d).{3,5}$", ["aB1", "1AAAA"], ["ab1", "aB", "1AAAAA"]),
    ],
)
def test_reads_patterns_as_ecma_262_does(pattern: str, takes: list[str], refuses: list[str]) -> None:
    """JSON Schema patterns are ECMA-262 searches."""
    term = regex_term(pattern, dialect="ecma", search=True)

    assert [text for text in takes if not accepts(term, text.encode())] == []
    assert [text for text in refuses if accepts(term, text.encode())] == []


@pytest.mark.parametrize(
    ("pattern", "kind", "message"),
    [
        (
            r"(a|b)\1",
            UnsupportedRegexError,
            "`\\1` refers back to a group, which no finite automaton can do\n"
            '    "(a|b)\\1"\n'
            "          ^^\n"
            "hint: spell the alternatives out",
        ),
        (
            r"(?P<x>a)(?(x)b|c)",
            UnsupportedRegexError,
            "`(?(` refers back to a group, which no finite automaton can do\n"
            '    "(?P<x>a)(?(x)b|c)"\n'
            "             ^^^\n"
            "hint: spell the alternatives out",
        ),
        (
            r"a*+b",
            UnsupportedRegexError,
            "a possessive quantifier forgets how it matched\n"
            '    "a*+b"\n'
            "      ^^\n"
            "hint: drop the `+`, or spell the exception out with a look-ahead",
        ),
        (
            r"(?:a(?=b)){0,65}",
            UnsupportedRegexError,
            "this pattern looks ahead inside a repeat of more than 64 rounds\n"
            '    "(?:a(?=b)){0,65}"\n'
            "         ^^\n"
            "hint: move the assertion out of the repeat, or give the repeat no upper bound",
        ),
        ("(ab", RegexError, 'a `(` that is not closed\n    "(ab"\n     ^'),
        ("ab)", RegexError, 'a `)` that closes nothing\n    "ab)"\n       ^'),
        ("[b-a]", RegexError, 'a range that runs backwards\n    "[b-a]"\n      ^^^'),
        ("a{3,2}", RegexError, 'the bounds 3 and 2 are the wrong way round\n    "a{3,2}"\n      ^^^^^'),
        ("*a", RegexError, 'nothing to repeat\n    "*a"\n     ^'),
        (
            r"\N{NO SUCH NAME}",
            RegexError,
            'the name of a character is unknown\n    "\\N{NO SUCH NAME}"\n     ^^^^^^^^^^^^^^^^',
        ),
        ("[a", RegexError, 'a `[` that is not closed\n    "[a"\n     ^'),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name_and_place(
    pattern: str, kind: type[ConstrainError], message: str
) -> None:
    """What, where, hint: promise 6."""
    with pytest.raises(kind) as caught:
        regex_term(pattern)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "pattern", ["(a|a)*b", "(.*.*)*x", "(a*)*", "((a{0,50}){0,50}){0,50}b", "(?:a?){200}a{200}"]
)
def test_hostile_patterns_are_only_patterns(pattern: str) -> None:
    """Backtracking explodes on these; derivatives do not."""
    term = regex_term(pattern)

    assert not accepts(term, b"a" * 300 + b"y")


@given(st.lists(st.characters(), min_size=1, max_size=3), st.characters())
def test_a_named_character_is_the_one_that_re_names(characters: list[str], other: str) -> None:
    """Alone, and in a class."""
    names = [unicodedata.name(character, "") for character in characters]
    assume(all(names))
    pattern = "".join(f"\\N{{{name}}}" for name in names)
    text = "".join(characters)

    for one in (pattern, f"[{pattern}]{{{len(names)}}}"):
        assert accepts(regex_term(one), text.encode())
        for wrong in (other, text + other):
            assert accepts(regex_term(one), wrong.encode()) == bool(re.fullmatch(one, wrong))

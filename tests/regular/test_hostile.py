"""Patterns made to hurt cost a clear error or little time; never a crash, a hang or a leak."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.budget import DEFAULT_MAX_STEPS, budget
from constrain.continuation import END
from constrain.errors import LimitExceeded, RegexError, UnsatisfiableError, UnsupportedError
from constrain.parts import regex
from constrain.regular import automaton
from constrain.regular.charset import CharSet
from constrain.regular.queries import accepts, is_empty
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, byte_set, choice, concat, difference, literal, literals
from constrain.regular.utf8 import utf8
from tests.regular.test_syntax import ASSERTIONS, patterns, python_pattern


@pytest.mark.parametrize("count", [2_000, 3_000])
@pytest.mark.parametrize("unit", ["a?", "(?:a?b?)", "[ab]", "a*"])
def test_a_long_run_of_optional_parts_is_neither_deep_nor_quadratic(unit: str, count: int) -> None:
    """Its state is the choice of its suffixes; each is walked once for all of them."""
    term = regex_term(unit * count)

    assert accepts(term, b"a" * 10) == (unit != "[ab]")


def test_literals_that_share_thousands_of_bytes_merge() -> None:
    """Two long `enum` values that differ at the end."""
    text = b"x" * 2_000
    merged = choice(literal(text + b"y"), literal(text + b"z"))

    assert merged is literals([text + b"y", text + b"z"])


@pytest.mark.parametrize("pattern", ["(" * 300 + "a" + ")" * 300, "(?=" * 101 + "a" + ")" * 101])
def test_groups_nested_too_deep_are_too_large_not_wrong(pattern: str) -> None:
    """The stack has an end, and a pattern may not find it."""
    with pytest.raises(LimitExceeded) as caught:
        regex_term(pattern)
    assert caught.value.what == "this pattern nests groups deeper than max_nesting=100"
    assert caught.value.hint == "parentheses around a single group or character can go"


@pytest.mark.parametrize(
    ("pattern", "takes", "refuses"),
    [
        ("(a|a)*b", ["b", "aaab"], ["a"]),
        ("(.*.*)*", ["", "abc"], ["a\n"]),
        ("(?:a{100}){100}", ["a" * 10_000], ["a" * 9_999]),
        ("(?:(?:a{1000}){1000}){2,1000}", [], ["a" * 5_000]),
        ("(ab?){1,1000}", ["a", "ab" * 1_000], ["b", "a" * 1_001]),
        ("".join(f"(?=.*{c})" for c in "abcdef") + ".{6}", ["fedcba"], ["fedcbb"]),
        ("".join(f"(?!.*{c})" for c in "abcdefghijklmnopqrst") + ".*", ["xyz"], ["xyzt"]),
        ("((a*)*)*b", ["aab"], ["aa"]),
        ("(?:x+x+)+y", ["xxxxy"], ["xy", "x" * 30]),
        ("|".join(f"w{number}x" for number in range(20_000)), ["w19999x"], ["w20000x"]),
        ("|".join("x" * number for number in range(600)), ["x" * 599], ["x" * 600]),
        ("(" * 90 + "a*" + ")*" * 90, ["aaa"], ["b"]),
        ("a{0,4294967294}", ["", "a" * 9_999], ["b"]),
        ("(?:a{97}|a{101}|a{103})*b", ["a" * 198 + "b"], ["a" * 99 + "b"]),
        ("(?!(?!(?!(?!a*b))))a*b", ["aab"], ["aa"]),
        ("(?:^|a$|b){1,40}", ["", "bba"], ["aa"]),
        (r"(?:\b|a){1,40}", ["aaa"], ["", "b"]),
        ("(?:.*a.*b|.*c.*d){9}", ["ab" * 9, "abcd" * 5], ["ab" * 4 + "c"]),
        ("(?=(?:a{7})*$)(?=(?:a{11})*$)a+", ["a" * 77], ["a" * 76]),
    ],
)
def test_patterns_that_multiply_are_read(pattern: str, takes: list[str], refuses: list[str]) -> None:
    """Each is exponential for somebody who tries one way after the other, or writes every state down."""
    with budget(DEFAULT_MAX_STEPS, "reading this pattern"):
        term = regex_term(pattern)

        assert [text[:9] for text in takes if not accepts(term, text.encode())] == []
        assert [text[:9] for text in refuses if accepts(term, text.encode())] == []


@pytest.mark.parametrize(
    "pattern", ["(?!)", "(?!.*)", r"[^\s\S]", "a(?<!a)", "(?=a*b*c*)(?!a*b*c*)x", r"a\bb"]
)
def test_the_empty_language_is_told(pattern: str) -> None:
    """Before anything is generated."""
    with pytest.raises(UnsatisfiableError, match="no text matches"):
        regex(pattern).filled(END)


def test_counts_that_follow_each_other_are_wrong_as_in_python() -> None:
    """`re` refuses them too; in a group they multiply."""
    with pytest.raises(RegexError, match="multiple repeat"):
        regex_term("a{1000}{1000}")


@pytest.mark.parametrize("pattern", [r"\b" * 500 + "a", "(?:^|a$|b)" * 300])
def test_what_goes_deeper_than_python_is_too_large(pattern: str) -> None:
    """Not a RecursionError: the stack is a limit like others."""
    with pytest.raises(
        LimitExceeded, match="compiling this pattern goes deeper than Python's recursion limit of"
    ):
        regex(pattern)


def test_what_has_too_many_states_spends_its_budget() -> None:
    """Steps are counted, whatever the clock says: only a million `a`s please these three."""
    term = regex_term("(?=(?:a{97})*$)(?=(?:a{101})*$)(?=(?:a{103})*$)a+")

    with (
        budget(3_000, "reading this pattern"),
        pytest.raises(LimitExceeded, match="than max_steps=3000 steps"),
    ):
        is_empty(term)


def test_what_is_remembered_of_emptiness_is_thrown_away_with_the_automaton(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Emptiness searches make no states; without counting them a long-lived process would only grow."""
    monkeypatch.setattr(automaton, "KEPT_TERMS", 400)
    first = automaton.shared_automaton()
    for digits in range(40):
        is_empty(difference(regex_term(rf"[0-9]{{{digits}}}x"), regex_term(rf"[0-9]*y{{{digits + 1}}}x")))
    automaton.start_grammar()

    assert automaton.shared_automaton() is not first


def spelled(members: CharSet) -> Term:
    """A second alphabet: `<` before every character, or `=` and `~` for a hyphen alone."""
    plain = concat(literal(b"<"), utf8(members))
    return (
        choice(plain, byte_set(1 << ord("~"))) if any(low <= 0x2D <= high for low, high in members) else plain
    )


@given(
    patterns(ASSERTIONS), st.lists(st.text(alphabet="ab1 -\n", max_size=5), min_size=8, max_size=8), st.data()
)
@settings(max_examples=150)
def test_any_alphabet_that_reads_back_will_do(pattern: str, texts: list[str], data: st.DataObject) -> None:
    """JSON spells a character in several ways; complements must stay within the spellings."""
    compiled = python_pattern(pattern, 0)
    try:
        term = regex_term(pattern, search=True, alphabet=spelled)
    except UnsupportedError:
        assume(False)
        raise
    for text in texts:
        ways = [("~" if c == "-" and data.draw(st.booleans()) else f"<{c}") for c in text]

        assert accepts(term, "".join(ways).encode()) == bool(compiled.search(text)), ways
        assert not accepts(term, "".join(ways).encode() + b"<")


@pytest.mark.parametrize(
    ("pattern", "takes", "refuses"),
    [
        (r"(?u:\w)", ["é"], ["-"]),
        (r"(?i)İ", ["i", "I", "ı", "İ"], ["j"]),
        (r"a{,}", ["", "aaa"], ["a{,}"]),
        (r"a{}", ["a{}"], ["a"]),
        (r"xa(?#c)*", ["x", "xaa"], ["xaxa"]),
        ("(?x)xa #c\n*", ["x", "xaa"], ["xaxa"]),
        (r"(?<=^|,)a", ["a"], [",a"]),
    ],
)
def test_corners_of_the_python_dialect(pattern: str, takes: list[str], refuses: list[str]) -> None:
    """Found by comparing with `re`; the last one `re` refuses, and ECMA-262 takes."""
    term = regex_term(pattern, flags=re.ASCII if "u:" in pattern else 0)

    assert [text for text in takes if not accepts(term, text.encode())] == []
    assert [text for text in refuses if accepts(term, text.encode())] == []


@pytest.mark.parametrize(
    ("pattern", "flags", "takes", "refuses"),
    [
        (r"^\c$", 0, [r"\c"], ["c", "\x03"]),
        (r"^[\c1]$", 0, ["\x11"], ["c", "1"]),
        (r"^\cé$", 0, [r"\cé"], ["\x09"]),
        (r"^a$", re.MULTILINE, ["b\u2028a", "a\rb"], ["ab"]),
        (r"^\p{Lu}$", re.IGNORECASE, ["a", "A"], ["1"]),
        (r"(?<=^|,)b", 0, ["b", "a,b"], ["ab"]),
        (r"(?<!\bno )more", 0, ["more", "any more", "casino more"], ["no more", "say no more"]),
        (r"(?<=(?<!a)b)c", 0, ["bc", "xbc"], ["abc", "c"]),
    ],
)
def test_corners_of_the_ecma_dialect(pattern: str, flags: int, takes: list[str], refuses: list[str]) -> None:
    """As Node 20 answers, in Unicode mode where the pattern has one."""
    term = regex_term(pattern, dialect="ecma", flags=flags, search=True)

    assert [text for text in takes if not accepts(term, text.encode())] == []
    assert [text for text in refuses if accepts(term, text.encode())] == []

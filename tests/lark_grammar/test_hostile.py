"""Grammars made to hurt: a result or a clear error, and no more states than there are ways to stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from constrain.compiler import compile_lark
from constrain.errors import (
    ConstrainError,
    GrammarError,
    LimitExceeded,
    UnsatisfiableError,
    UnsupportedError,
)
from constrain.lark_grammar.states import State
from constrain.matcher import CompiledGrammar, Matcher
from tests.lark_grammar.grammars import VOCABULARY, accepts
from tests.oracle import by_trying, ids


def compiled(grammar: str) -> CompiledGrammar:
    return compile_lark(grammar, VOCABULARY)


def written(grammar: str, text: str) -> Matcher:
    """The matcher after `text`, its mask taken at every byte."""
    matcher = compiled(grammar).matcher()
    for byte in text.encode():
        matcher.allowed_token_ids()
        assert matcher.accept_token(byte), matcher.text
    return matcher


def states_of(matcher: Matcher) -> int:
    """How many states its grammar has made."""
    start = matcher.compiled.start
    assert isinstance(start, State)
    return len(start.states._interned)


@pytest.mark.parametrize(
    ("grammar", "kind", "message"),
    [
        ("start: start", UnsatisfiableError, "no text satisfies this grammar\n    at rule `start`"),
        ('start: "a" start', UnsatisfiableError, "no text satisfies this grammar\n    at rule `start`"),
        (
            'start: x\nx: y "a"\ny: x "b"',
            UnsatisfiableError,
            "no text satisfies this grammar\n    at rule `start`",
        ),
        ("start: /a(?!a)(?=a)/", UnsatisfiableError, "no text satisfies this grammar\n    at rule `start`"),
        (
            'start: "a"\n%ignore B\n%declare B',
            UnsupportedError,
            "`B` is to be ignored, but is only declared\n    at %ignore B\n"
            "hint: define the terminal in the grammar",
        ),
        (
            "start: A\n%declare A",
            UnsupportedError,
            "`A` is declared, but nothing says what it stands for\n"
            "    at %declare A\n"
            "hint: say it with embed={'A': ...}; what a postlexer such as Indenter writes is not "
            "context-free and cannot be generated",
        ),
        (
            "start: /a*/",
            GrammarError,
            "a terminal may not match the empty text\n"
            "    at terminal __ANON_0\n"
            "hint: let it match at least one character, and make it optional in the rules",
        ),
        (
            'begin: "a"',
            GrammarError,
            "there is no rule `start` to start from\nhint: name a rule with `start`",
        ),
    ],
)
def test_what_cannot_be_generated_is_refused_by_name(
    grammar: str, kind: type[ConstrainError], message: str
) -> None:
    """Wrong, unsupported and unsatisfiable are different errors."""
    with pytest.raises(kind) as caught:
        compiled(grammar)
    assert str(caught.value) == message


def test_a_back_reference_in_a_terminal_is_shown_with_its_caret() -> None:
    """With the terminal's name before it."""
    with pytest.raises(ConstrainError) as caught:
        compiled("start: AGAIN\nAGAIN: /(a|b)\\1/")
    assert "AGAIN" in str(caught.value)
    assert "^^" in str(caught.value)


def test_half_a_surrogate_pair_in_a_grammar_is_told() -> None:
    """Lark reads the escape; no text holds it."""
    with pytest.raises(GrammarError) as caught:
        compiled('start: "\\ud800"')
    assert caught.value.what == "half a surrogate pair is not text"


@pytest.mark.parametrize("pattern", ["(a|a)+b", "(?:.*.*)*x", "(?:a{40}){40}", "(ab?){1,1000}"])
def test_a_terminal_made_to_hurt_is_written(pattern: str) -> None:
    """As a pattern is."""
    grammar = compiled(f"start: T\nT: /{pattern}/")

    assert ids(grammar.matcher().allowed_token_ids()) == by_trying(grammar, grammar.positions.start)


def test_many_look_aheads_in_a_terminal_are_read_together() -> None:
    """One text must please them all."""
    grammar = compiled("start: T\nT: /" + "".join(f"(?=[abcd]*{c})" for c in "abcd") + "[abcd]{4}/")

    assert accepts(grammar, "dbca")
    assert not accepts(grammar, "dbcb")


def test_a_terminal_that_prefers_among_thousands_is_too_large_and_not_endless() -> None:
    """`w1` before `w10` hides it; each alternative looks at all before it."""
    few = compiled("start: /" + "|".join(f"w{number}" for number in range(40)) + "/")

    assert [accepts(few, text) for text in ("w1", "w9", "w10", "w39")] == [True, True, False, False]
    many = "|".join(f"w{number}" for number in range(400))
    for pattern in (many, "(?:a{1000}){1000}"):
        with pytest.raises(
            LimitExceeded, match="compiling this grammar takes more than max_steps=20000 steps"
        ):
            compile_lark(f"start: /{pattern}/", VOCABULARY, max_steps=20_000)


def chain(rule: str, count: int, last: str) -> str:
    """`count` rules from `start` on, each written from its number and the next one's, and a last one."""
    rules = [rule.format(here=number, next=number + 1) for number in range(count)]
    return "\n".join(["start: r0", *rules, f"r{count}: {last}"])


LARGE = {
    "alternatives": ("start: " + " | ".join(f'"w{n}x"' for n in range(5_000)), "w4999x", "w5000x"),
    "brackets in brackets": ("start: " + "(" * 300 + '"a"' + ")" * 300, "a", "b"),
    "a long text": ('start: "' + "a" * 20_000 + '"', "a" * 20_000, "a"),
    "rules in rules": (chain('r{here}: r{next} "a"?', 150, '"b"'), "baa", "a"),
    "doubling": (chain("r{here}: r{next} r{next}", 30, '"a"?'), "aaaa", "b"),
    "a ring of rules": (chain('r{here}: r{next} | "{here}"', 99, "r0"), "98", "99"),
    "hidden left recursion": ('start: e e start "a" | "b"\ne: f?\nf: e | "x"?', "xxbaa", "a"),
    "repeats of repeats": ('start: ((("a"*)*)+)* "b"', "aab", "a"),
    "counts of counts": ('start: ("a"~1..50)~1..50', "a" * 2_500, "a" * 2_501),
    "ignoring all": ('start: "a" "b"\n%ignore /[^b]+/', "a--b", "ab-b"),
}


@pytest.mark.parametrize("name", LARGE)
def test_grammars_large_or_tangled_are_read(name: str) -> None:
    """Whatever the size, in work that grows with it."""
    grammar, takes, refuses = LARGE[name]
    found = compiled(grammar)

    assert accepts(found, takes)
    assert not accepts(found, refuses)


LISTS = {
    "right recursion": ('start: "a" start | "a"', "a"),
    "left recursion": ('start: start "a" | "a"', "a"),
    "hidden left recursion": ('start: x start "a" | "a"\nx: "b"?', "a"),
    "as ambiguous as can be": ('start: start start | "a"', "a"),
    "three at a time": ('start: start start start | start start | "a"', "a"),
    "a repeat": ('start: ("a" | "b")+', "ab"),
    "a cycle": ('start: x | "a" start\nx: start | "a"', "a"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_long_list_has_as_many_states_as_a_short_one(name: str) -> None:
    """The hundredth item stands where the tenth stood."""
    grammar, unit = LISTS[name]
    short = states_of(written(grammar, unit * 10))

    assert states_of(written(grammar, unit * 1_000)) == short


def test_ten_thousand_items_of_right_recursion_are_read() -> None:
    """Nothing is kept for each of them."""
    matcher = written('start: "a" start | "b"', "a" * 10_000)

    assert ids(matcher.allowed_token_ids()) == by_trying(matcher.compiled, matcher.position)
    assert states_of(matcher) < 10


def test_nesting_keeps_one_state_for_each_level() -> None:
    """A thousand open brackets are a thousand promises; each is kept."""
    matcher = written('start: "a" start "b" | "c"', "a" * 1_000)

    assert states_of(matcher) < 5_000
    assert all(matcher.accept_token(byte) for byte in b"c" + b"b" * 1_000)
    assert ids(matcher.allowed_token_ids()) == [*VOCABULARY.eos_token_ids]


def test_three_hundred_rules_and_terminals_that_share_prefixes() -> None:
    """Of which one branch is taken."""
    rules = "\n".join(
        f'r{number}: "{"a" * number}b" r{number + 1} | "{"a" * number}a"' for number in range(300)
    )
    grammar = compiled(f'start: r0\n{rules}\nr300: "b"')

    assert accepts(grammar, "b" + "ab" + "aab" + "aaaa")
    assert not accepts(grammar, "bb")


def test_ignored_text_that_overlaps_with_terminals_makes_no_endless_search() -> None:
    """`ab` may be ignored, and `a` begins every terminal; each `a` opens another level."""
    grammar = compiled(
        'start: T1 x start | T0\nx: T1 x start | x?\nT0: "a"\nT1: /a+?/\n'
        "I0: /ab/\n%ignore I0\nI1: /(ab)+/\n%ignore I1\n"
    )

    assert accepts(grammar, "aaa")
    assert accepts(grammar, "ababa" + "aa")


def test_a_rule_that_derives_itself_is_only_a_longer_way() -> None:
    """Cycles of unit rules and of empty rules."""
    grammar = compiled('start: start | x | "a"\nx: start | y\ny: x | "b" |')

    assert [text for text in ("", "a", "b", "ab") if accepts(grammar, text)] == ["", "a", "b"]


def test_a_file_that_is_not_there_is_told_apart_from_a_wrong_grammar(tmp_path: Path) -> None:
    """The message is the system's."""
    with pytest.raises(GrammarError) as caught:
        compile_lark(tmp_path / "no.lark", VOCABULARY)
    assert caught.value.what.startswith("the grammar cannot be read: [Errno 2]")

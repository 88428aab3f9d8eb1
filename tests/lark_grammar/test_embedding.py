"""Parts inside grammars, grammars inside parts: the texts are those of the pieces put together."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_lark, compile_part
from constrain.errors import InvalidInputError
from constrain.parts import (
    Part,
    choice,
    either,
    json_value,
    lark,
    literal,
    optional,
    regex,
    repeated,
    sequence,
)
from tests.lark_grammar.grammars import VOCABULARY, accepts
from tests.oracle import by_trying, ids, strings_over
from tests.walks import CHOOSERS, walk

STRINGS = strings_over("ab", 5)

Written = tuple[Part, str]
"""A part, and the regular expression that says the same."""

BODIES = {
    "X": "(?:{X})",
    "X X": "(?:{X})(?:{X})",
    'X "a"': "(?:{X})a",
    '"b" X | "a"': "b(?:{X})|a",
    "X Y": "(?:{X})(?:{Y})",
    "X? Y": "(?:{X})?(?:{Y})",
    "X*": "(?:{X})*",
    "X | Y": "(?:{X})|(?:{Y})",
    '(X "b")* Y': "(?:(?:{X})b)*(?:{Y})",
    '"a" "b"? X*': "ab?(?:{X})*",
    "[X] [Y]": "(?:{X})?(?:{Y})?",
    '(X | "b")~1..2': "(?:(?:{X})|b){{1,2}}",
}


def _embedding(inner: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    def make(way: tuple[str, Written, Written]) -> Written:
        body, (x, x_pattern), (y, y_pattern) = way
        used = {name: part for name, part in (("X", x), ("Y", y)) if name in body}
        grammar = f"start: {body}\n%declare {' '.join(used)}"
        return lark(grammar, embed=used), BODIES[body].format(X=x_pattern, Y=y_pattern)

    return st.tuples(st.sampled_from(sorted(BODIES)), inner, inner).map(make)


def _composed(inner: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        _embedding(inner),
        _embedding(inner),
        pairs.map(lambda way: (sequence(way[0][0], way[1][0]), f"(?:{way[0][1]})(?:{way[1][1]})")),
        pairs.map(lambda way: (either(way[0][0], way[1][0]), f"(?:{way[0][1]})|(?:{way[1][1]})")),
        inner.map(lambda way: (repeated(way[0]), f"(?:{way[1]})*")),
        inner.map(lambda way: (optional(way[0]), f"(?:{way[1]})?")),
    )


WRITTEN: st.SearchStrategy[Written] = st.recursive(
    st.one_of(
        st.text("ab", max_size=2).map(lambda text: (literal(text), text)),
        st.sampled_from(["a*", "[ab]", "a|ba", "b{2}", "(?:ab)?"]).map(lambda p: (regex(p), p)),
        st.just((choice(["a", "bb", ""]), "a|bb|")),
    ),
    _composed,
    max_leaves=5,
)


@given(WRITTEN)
@settings(max_examples=120)
def test_a_composition_holds_exactly_what_the_same_regular_expression_holds(written: Written) -> None:
    """Grammars in grammars in sequences; empty pieces everywhere."""
    part, pattern = written
    compiled = compile_part(part, VOCABULARY)

    assert [t for t in STRINGS if accepts(compiled, t) != bool(re.fullmatch(pattern, t))] == []


@given(WRITTEN, st.sampled_from(sorted(CHOOSERS)), st.integers(0, 2**32))
@settings(max_examples=50)
def test_every_walk_ends_in_a_text_of_the_composition(written: Written, chooser: str, seed: int) -> None:
    """And the masks on the way are those of trying every token."""
    part, pattern = written
    compiled = compile_part(part, VOCABULARY)
    text, matcher = walk(compiled, random.Random(seed), CHOOSERS[chooser], max_tokens=8)

    assert re.fullmatch(pattern, text.decode())
    replay = compiled.matcher()
    for token in matcher.tokens:
        assert ids(replay.allowed_token_ids()) == by_trying(compiled, replay.position)
        assert replay.accept_token(token)


def test_one_grammar_at_two_places_returns_to_each() -> None:
    """States of the inner grammar are told apart by what follows it."""
    inner = lark('start: "a" start "b" |')
    part = lark('start: X "1" X "2"\n%declare X', embed={"X": inner})
    compiled = compile_part(part, VOCABULARY)

    assert [t for t in ("12", "ab1aabb2", "1ab2", "a1b2", "ab2ab1", "aab1b2") if accepts(compiled, t)] == [
        "12",
        "ab1aabb2",
        "1ab2",
    ]


def test_two_grammars_with_the_same_rules_do_not_mix() -> None:
    """Both may go on; their states hold the same items, of different grammars with different rests."""
    one, two = lark('start: "a" start | "b"'), lark('start: "a" start | "b"')
    compiled = compile_part(either(sequence(one, "1"), sequence(two, "2")), VOCABULARY)

    assert [t for t in ("aab1", "aab2", "b1", "ab12", "aab") if accepts(compiled, t)] == [
        "aab1",
        "aab2",
        "b1",
    ]


def test_what_is_ignored_outside_is_not_ignored_inside() -> None:
    """And the other way round: `%ignore` is a grammar's own."""
    inner = lark('start: "a" "b"')
    outer = lark('start: X X\n%declare X\n%ignore " "', embed={"X": inner})
    compiled = compile_part(outer, VOCABULARY)

    assert [t for t in ("abab", " ab ab ", "a bab", "ab  ab") if accepts(compiled, t)] == [
        "abab",
        " ab ab ",
        "ab  ab",
    ]


@pytest.mark.parametrize("ignored", ['" "', "/ +/", "/ b?/"])
def test_a_grammar_that_may_be_empty_stands_before_text(ignored: str) -> None:
    """Ignored text alone makes an optional grammar one that is written: what follows may still come."""
    inner = lark(f'start: "a"?\n%ignore I\nI: {ignored}')
    compiled = compile_part(sequence(inner, "b"), VOCABULARY)
    texts = strings_over("ab ", 4)
    space = {'" "': " ", "/ +/": " ", "/ b?/": "(?: b?)"}[ignored]
    expected = [t for t in texts if re.fullmatch(f"{space}*(?:a{space}*)?b", t)]

    assert [t for t in texts if accepts(compiled, t)] == expected


def test_a_schema_inside_a_grammar_writes_json_there() -> None:
    """A line of a log whose last field is an object."""
    grammar = 'start: LEVEL " " PAYLOAD ("\\n" LEVEL " " PAYLOAD)*\nLEVEL: "INFO" | "WARN"\n%declare PAYLOAD'
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    payload = json_value(schema, whitespace="compact")
    compiled = compile_lark(grammar, VOCABULARY, embed={"PAYLOAD": payload})

    assert accepts(compiled, 'INFO {"n":1}\nWARN {"n":2}')
    assert not accepts(compiled, 'INFO {"n":"1"}')


def test_a_hook_that_is_not_declared_is_refused() -> None:
    """By name; also one that is declared and never used."""
    for grammar in ('start: "a"', 'start: "a"\n%declare X', 'start: X\nX: "a"'):
        with pytest.raises(InvalidInputError) as caught:
            lark(grammar, embed={"X": "b"})
        assert str(caught.value) == (
            "`embed` gives a meaning to `X`, which the grammar does not declare and use\n"
            "hint: write `%declare X` in the grammar"
        )

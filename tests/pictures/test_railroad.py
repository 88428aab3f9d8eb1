"""Every rule and every terminal of a grammar has its rails, and all that they say is written there."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from constrain import GrammarError, LimitExceeded, draw_lark, grammars
from constrain.lark_grammar.grammar import read_grammar
from constrain.pictures.railroad import rails
from tests.pictures.svg import read, texts

CATALOGUE = grammars.names()


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_rule_and_terminal_of_a_grammar_has_its_rails(name: str) -> None:
    source = grammars.path(name).read_text(encoding="utf-8")
    written = set(re.findall(r"^[?!]*(\w+)(?:\{|\.|:)", source, flags=re.MULTILINE))
    drawn = texts(read(draw_lark(grammars.path(name)).svg), "name")

    assert {re.sub(r"\{.*| \(ignored\)", "", heading) for heading in drawn} >= written  # and what it imports


ITEMS = st.recursive(
    st.sampled_from(["a", "b", "A", "B", '"x"', '"<&"', "/[0-9]+/", '"é"i', '"a".."f"']),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({' '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' | '.join(parts)})"),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "~2", "~0..3"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
        inner.map(lambda part: f"[{part}]"),
    ),
    max_leaves=6,
)


@given(st.lists(ITEMS, min_size=3, max_size=3))
def test_the_rails_say_what_the_rules_say_in_their_order(bodies: list[str]) -> None:
    """From the left and the top, all names and literals of a rule come as they are written."""
    rules = dict(zip(["start", "a", "b"], bodies, strict=True))
    grammar = "".join(f"{name}: {body}\n" for name, body in rules.items()) + 'A: "q"\nB: "r"\n'
    try:
        drawn = texts(read(draw_lark(grammar).svg))
    except GrammarError as problem:  # two ways to read the same, which Lark refuses
        assume("Rules defined twice" not in problem.what)
        raise
    expected = []
    for name, body in [*rules.items(), ("A", '"q"'), ("B", '"r"')]:
        expected += [name, *re.findall(r'"[^"]*"\.\."[^"]*"|"[^"]*"i?|/[^/]*/|[abAB]\b', body)]

    assert [text for text in drawn if "times" not in text] == expected


def language(item: Any) -> str:
    """The pattern of what a train reads that takes any way along the rails."""
    match type(item).__name__:
        case "Terminal":
            return re.escape(item.text.strip('"'))
        case "Skip":
            return ""
        case "Sequence":
            return "".join(map(language, item.items))
        case "Choice":
            return f"(?:{'|'.join(map(language, item.items))})"
        case "OneOrMore":
            assert type(item.rep).__name__ == "Skip"
            return f"(?:{language(item.item)})+"
    counts = item.label.text.removesuffix(" times").split(" to ")
    return f"(?:{language(item.item)}){{{','.join(counts)}}}"


DEFINITIONS = st.recursive(
    st.sampled_from([('"x"', "x"), ('"y"', "y")]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: (f"({' '.join(p for p, _ in parts)})", "".join(q for _, q in parts))
        ),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda parts: (f"({' | '.join(p for p, _ in parts)})", f"(?:{'|'.join(q for _, q in parts)})")
        ),
        inner.map(lambda part: (f"[{part[0]}]", f"(?:{part[1]})?")),
        st.tuples(
            inner, st.sampled_from([("?", "?"), ("*", "*"), ("+", "+"), ("~2", "{2}"), ("~1..3", "{1,3}")])
        ).map(lambda pair: (f"({pair[0][0]}){pair[1][0]}", f"(?:{pair[0][1]}){pair[1][1]}")),
    ),
    max_leaves=5,
)
"""A definition in Lark's words, and the same as a pattern."""

TEXTS = ["".join(letters) for length in range(6) for letters in itertools.product("xy", repeat=length)]


@given(DEFINITIONS)
def test_the_rails_lead_along_every_text_of_a_rule_and_no_other(definition: tuple[str, str]) -> None:
    source, pattern = definition
    try:
        ((_, _, tree, _),) = read_grammar(f"start: {source}", "start").grammar.rule_defs
    except GrammarError as problem:
        assume("Rules defined twice" not in problem.what)
        raise
    driven = language(rails(tree))

    assert [text for text in TEXTS if re.fullmatch(driven, text)] == [
        text for text in TEXTS if re.fullmatch(pattern, text)
    ]


def test_templates_counts_declared_and_ignored_terminals_are_said() -> None:
    grammar = (
        "start: _list{A} B~2..3 (B | C)~4 |\n_list{x}: x (x)*\n%declare C\n"
        'A: "0".."9"\nB: /b/\nWS: " "\n%ignore WS\n'
    )
    svg = draw_lark(grammar).svg

    assert texts(read(svg), "name") == ["start", "_list{x}", "C", "A", "B", "WS (ignored)"]
    assert texts(read(svg), "comment") == ["2 to 3 times", "4 times", "declared: a part stands here"]
    assert "_list{A}" in texts(read(svg))


def test_a_long_pattern_is_cut_and_whole_where_a_reader_points() -> None:
    long = "/" + "ab|" * 30 + "c/"
    svg = draw_lark(f"start: {long}").svg

    assert long[:59] + "…" in texts(read(svg))
    assert f"<title>{long}</title>" in svg


def test_what_is_wrong_with_a_grammar_is_said_in_the_usual_words() -> None:
    with pytest.raises(GrammarError, match="Lark refuses this grammar"):
        draw_lark("start: (")
    with pytest.raises(GrammarError, match="there is no rule `item` to start from"):
        draw_lark('start: "a"', start="item")
    with pytest.raises(LimitExceeded) as caught:
        draw_lark('start: "a" B\nB: "b"', max_nodes=1)
    assert caught.value.what == "a picture of this grammar needs more than max_nodes=1 nodes or arrows"

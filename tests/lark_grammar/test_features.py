"""What Lark's grammar language offers is Lark's own: each feature, against Lark on the same texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from lark import Lark

from constrain.compiler import compile_lark
from tests.lark_grammar.grammars import VOCABULARY, accepts, parses
from tests.oracle import strings_over

FEATURES = {
    "template": ('start: list{"a"} | list{pair{"b"}}\nlist{x}: x (" " x)*\npair{x}: x x', "ab "),
    "extend": ('start: x "b"\nx: "a"\n%extend x: "b"', "ab"),
    "flag": ('start: "ab"i /b/i', "abAB"),
    "verbose and dotall": ("start: /a . b/xs", "ab\n"),
    "priority of rules": ('start: x | y\nx.2: "a"+\ny.1: "a" "b"?', "ab"),
    "priority of terminals": ("start: A B\nA.2: /a+/\nB.1: /[ab]+/", "ab"),
    "counted": ('start: "a"~2..3 "b"~2', "ab"),
    "range": ('start: "a".."b"+ "c".."d"?', "abcd"),
    "maybe and alias": ('start: ["a"] "b" -> one\n     | "a" -> two', "ab"),
    "negative character set": ("start: /[^a]/+", "ab "),
    "nested groups": ('start: ("a" ("b" | "a" "b")*)~1..2', "ab"),
    "empty alternative": ('start: "a" | ', "ab"),
    "terminals made of terminals": ('start: WORD\nWORD: LETTER+ ("-" LETTER)?\nLETTER: "a" | "b"', "ab-"),
    "common": ("start: INT (WS INT)*\n%import common.INT\n%import common.WS", "1 \n"),
    "common, renamed": ("start: N+\n%import common.SIGNED_INT -> N", "1+-"),
    "ignored": ('start: "a" "b"+\n%import common.WS\n%ignore WS', "ab "),
    "escaped strings": ("start: ESCAPED_STRING\n%import common.ESCAPED_STRING", '"\\a'),
}


@pytest.mark.parametrize("name", FEATURES)
def test_each_feature_means_what_lark_says(name: str) -> None:
    """On every text of up to five characters."""
    grammar, alphabet = FEATURES[name]
    parser = Lark(grammar, parser="earley", lexer="dynamic_complete", ambiguity="forest")
    ours = compile_lark(grammar, VOCABULARY)
    texts = strings_over(alphabet, 5 if len(alphabet) < 4 else 4)

    assert [text for text in texts if accepts(ours, text) != parses(parser, text)] == []
    assert any(accepts(ours, text) for text in texts)


def test_imports_from_a_file_beside_it_and_overrides(tmp_path: Path) -> None:
    """Relative to the file that imports."""
    (tmp_path / "base.lark").write_text('pair: item item\nitem: "a"\n', encoding="utf-8")
    main = tmp_path / "main.lark"
    main.write_text('%import .base (pair, item)\n%override item: "b"\nstart: pair+\n', encoding="utf-8")
    parser = Lark.open(str(main), parser="earley", lexer="dynamic_complete")
    ours = compile_lark(main, VOCABULARY)

    for text in strings_over("ab", 4):
        assert accepts(ours, text) == parses(parser, text), text
    assert accepts(ours, "bbbb")


def test_a_count_of_a_thousand_is_exact() -> None:
    """Lark writes `~0..1000` with a logarithmic number of rules."""
    ours = compile_lark('start: "a"~1..1000', VOCABULARY)

    assert [n for n in (0, 1, 500, 999, 1000, 1001) if accepts(ours, "a" * n)] == [1, 500, 999, 1000]


def test_unicode_is_read_character_by_character() -> None:
    """In strings, ranges and patterns."""
    ours = compile_lark('start: "è" "α".."ω" /[😀-😂]|\\w/', VOCABULARY)

    assert [t for t in ("èα😁", "èωß", "eα😁", "èA😁", "èα😃") if accepts(ours, t)] == ["èα😁", "èωß"]


def test_another_rule_can_be_the_start() -> None:
    """Rules that it does not reach may be unproductive."""
    ours = compile_lark('start: "a" start\nother: "b"', VOCABULARY, start="other")

    assert accepts(ours, "b")

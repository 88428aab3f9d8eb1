"""Random grammars, Lark's judgement of texts, and ours byte by byte."""

from __future__ import annotations

from hypothesis import strategies as st
from lark import Lark
from lark.exceptions import LarkError

from constrain.compiler import compile_lark
from constrain.errors import ConstrainError
from constrain.matcher import CompiledGrammar
from constrain.proof.judges import refused_by_lark
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary([b"aa", b"ab", b"ba", b"bb", b"a b", b"  ", b"aab", b" a", b"b b"])

TERMINALS = [
    '"a"',
    '"b"',
    '"ab"',
    '" "',
    "/a+/",
    "/b+/",
    "/[ab]/",
    "/[ab]+/",
    "/ +/",
    "/b?a/",
    "/a{1,2}b/",
    "/a|ab/",
    "/a+?/",
    "/(a|b)+?b/",
]
IGNORED = ['" "', "/ +/", "/b/", "/b+/", "/( |b)+/", "/ab/", "/(ab)+/", "/ b?/", "/ |  /", "/b+? /"]


@st.composite
def grammars(draw: st.DrawFn, terminals: list[str] | None = None, ignored: list[str] | None = None) -> str:
    """A grammar of up to three rules, with named terminals, and sometimes ignored ones."""
    pool = draw(st.lists(st.sampled_from(terminals or TERMINALS), min_size=1, max_size=3, unique=True))
    rules = ["start", "x", "y"][: draw(st.integers(1, 3))]
    symbols = st.sampled_from(
        [*rules, *[f"T{number}" for number in range(len(pool))]] * 2 + ["x?", "start*"][: len(rules)]
    )
    lines = []
    for rule in rules:
        bodies = draw(st.lists(st.lists(symbols, max_size=3), min_size=1, max_size=3))
        distinct = dict.fromkeys(" ".join(body) for body in bodies)
        lines.append(f"{rule}: " + " | ".join(distinct))
    lines += [f"T{number}: {text}" for number, text in enumerate(pool)]
    for number, text in enumerate(
        draw(st.lists(st.sampled_from(ignored or IGNORED), max_size=2, unique=True))
    ):
        lines += [f"I{number}: {text}", f"%ignore I{number}"]
    return "\n".join(lines) + "\n"


def lark_parser(grammar: str) -> Lark | None:
    """Lark's own parser, or None where Lark refuses the grammar."""
    try:
        return Lark(grammar, parser="earley", lexer="dynamic_complete", ambiguity="forest")
    except LarkError:
        return None


def parses(parser: Lark, text: str) -> bool:
    """Does Lark accept `text`?"""
    return refused_by_lark(parser, text) is None


def compiled(grammar: str) -> CompiledGrammar | None:
    """Our reading, or None where there is none."""
    try:
        return compile_lark(grammar, VOCABULARY)
    except ConstrainError:
        return None


def accepts(grammar: CompiledGrammar | None, text: str) -> bool:
    """Does the matcher take `text`, byte by byte, and may it end there?"""
    if grammar is None:
        return False
    matcher = grammar.matcher()
    return all(matcher.accept_token(byte) for byte in text.encode()) and matcher.is_completed()

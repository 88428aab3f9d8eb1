"""Every grammar of the catalogue, against its examples, Lark itself, and the parser the world uses."""

from __future__ import annotations

import random
import tomllib
from functools import cache
from pathlib import Path

import pytest
from lark import Lark

from constrain import grammars
from constrain.compiler import compile_lark
from constrain.errors import GrammarError
from constrain.matcher import CompiledGrammar
from tests.grammars.readers import READERS, reads
from tests.grammars.walking import walk_and_finish
from tests.lark_grammar.grammars import accepts, parses
from tests.oracle import by_trying, ids, toy_vocabulary
from tests.walks import CHOOSERS

EXAMPLES = Path(__file__).parent / "examples"
NAMES = grammars.names()


@cache
def examples(name: str) -> dict[str, list[str]]:
    """`accepts`; `refuses`, as the real parser does; `left_out`, which the real parser takes."""
    return {"left_out": [], **tomllib.loads((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8"))}


@cache
def parser(name: str) -> Lark:
    return Lark.open(str(grammars.path(name)), parser="earley", lexer="dynamic_complete", ambiguity="forest")


@cache
def compiled(name: str) -> CompiledGrammar:
    """Over bytes, and every piece of the accepted examples of two to six bytes."""
    texts = [text.encode() for text in examples(name)["accepts"]]
    pieces = [t[at : at + size] for t in texts for size in range(2, 7) for at in range(0, len(t), 3)]
    return compile_lark(grammars.path(name), toy_vocabulary(pieces))


def test_every_grammar_has_examples_and_a_reader() -> None:
    """And no examples are left without a grammar."""
    assert [file.stem for file in sorted(EXAMPLES.glob("*.toml"))] == NAMES
    assert sorted(READERS) == NAMES
    assert all(len(grammars.about(name)) > 30 for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_masks_accept_what_the_examples_accept(name: str) -> None:
    """Byte by byte; Lark and the real parser agree."""
    for text in examples(name)["accepts"]:
        assert parses(parser(name), text), text
        assert accepts(compiled(name), text), text
        assert reads(name, text), text


@pytest.mark.parametrize("name", NAMES)
def test_masks_refuse_what_the_examples_refuse(name: str) -> None:
    """So does the real parser; what it takes beyond the grammar is written down as left out."""
    found = examples(name)
    for text in found["refuses"] + found["left_out"]:
        assert not parses(parser(name), text), text
        assert not accepts(compiled(name), text), text
        assert reads(name, text) == (text in found["left_out"]), text


@pytest.mark.parametrize("chooser", sorted(CHOOSERS))
@pytest.mark.parametrize("name", NAMES)
def test_every_walk_is_read_by_lark_and_by_the_real_parser(name: str, chooser: str) -> None:
    """Along the masks, then home by a shortest way."""
    for seed in range(6):
        text = walk_and_finish(
            compiled(name), random.Random(f"{name} {seed}"), CHOOSERS[chooser], 25
        ).decode()

        assert reads(name, text), text
        assert seed > 1 or parses(parser(name), text), text


@pytest.mark.parametrize("name", NAMES)
def test_masks_are_what_trying_every_token_gives(name: str) -> None:
    """At every position of the first examples."""
    for text in examples(name)["accepts"][:3]:
        matcher = compiled(name).matcher()
        for byte in text.encode():
            assert ids(matcher.allowed_token_ids()) == by_trying(compiled(name), matcher.position)
            assert matcher.accept_token(byte)


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    """The message lists the catalogue."""
    with pytest.raises(GrammarError) as caught:
        grammars.path("cobol")
    assert str(caught.value) == (
        "there is no grammar `cobol` in the catalogue\nhint: it has " + ", ".join(NAMES)
    )

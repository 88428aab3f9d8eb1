"""Mistakes that people make, and the sentence that each of them gets."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from constrain.compiler import compile_json_schema, compile_lark, compile_part, compile_regex
from constrain.errors import ConstrainError, caret
from constrain.parts import choice
from constrain.structural import free_text
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary()


class Person:
    """A type, given where a schema is due."""


class Tokenizer:
    """What a tokenizer has, as far as it is looked at."""

    def encode(self) -> None: ...


def regex(pattern: Any = "a", vocabulary: Any = VOCABULARY, **options: Any) -> Any:
    return compile_regex(pattern, vocabulary, **options)


def schema(schema: Any, **options: Any) -> Any:
    return compile_json_schema(schema, VOCABULARY, **options)


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "bytes as a pattern": (
        lambda: regex(b"a"),
        "a pattern is text, not bytes\nhint: decode it first: value.decode()",
    ),
    "a compiled pattern of bytes": (
        lambda: regex(re.compile(b"a")),
        "a pattern is text, not bytes\nhint: decode it first: value.decode()",
    ),
    "flags twice": (
        lambda: regex(re.compile("a"), flags=re.I),
        "a compiled pattern has its own flags\nhint: leave out `flags`",
    ),
    "LOCALE": (
        lambda: regex(flags=re.LOCALE),
        "re.LOCALE is for patterns of bytes\nhint: leave it out: text is Unicode",
    ),
    "an unknown flag": (
        lambda: regex(flags=1 << 20),
        "flags=0x100000 has a flag that changes no pattern\n"
        "hint: those that do are re.A, re.I, re.M, re.S, re.U and re.X",
    ),
    "half a pair in a pattern": (
        lambda: regex("a\ud800"),
        "half a surrogate pair, \\ud800, is character 1 of 'a\\ud800'\n"
        "hint: no UTF-8 text holds one: write the whole pair, or the character itself",
    ),
    "no steps": (
        lambda: regex(max_steps=0),
        "max_steps is at least 1, not 0\nhint: the default is 1000000",
    ),
    "half a step": (
        lambda: schema({}, max_steps=1.5),
        "max_steps is a whole number, not 1.5\nhint: the default is 1000000",
    ),
    "a tokenizer": (
        lambda: regex(vocabulary=Tokenizer()),
        f"a Vocabulary is needed here, not a {__name__}.Tokenizer\n"
        "hint: of a tokenizer: Vocabulary.from_tokenizer(tokenizer)",
    ),
    "a model": (
        lambda: compile_part("a", types.SimpleNamespace(vocabulary=VOCABULARY)),  # type: ignore[arg-type]
        "a Vocabulary is needed here, not a types.SimpleNamespace\n"
        "hint: give its vocabulary: model.vocabulary",
    ),
    "no grammar": (
        lambda: compile_lark(None, VOCABULARY),  # type: ignore[arg-type]
        "a grammar is text, not None",
    ),
    "a type within a schema": (
        lambda: schema({"items": Person}),
        "`items` must be a schema, not the type Person\n"
        "    at #/items\n"
        "hint: the schema of a Pydantic model is Person.model_json_schema()",
    ),
    "bytes as a schema": (
        lambda: schema(b"{}"),
        "a schema must be an object or a boolean, not bytes\n"
        "    at #\n"
        "hint: decode it first: value.decode()",
    ),
    "0 for False": (
        lambda: schema({}, additional_properties=0),
        "additional_properties=0 is not a choice\nhint: use one of None, False",
    ),
    "a document of bytes": (
        lambda: schema({}, verbatim=b"a"),
        "the document `verbatim` is text, not bytes\nhint: decode it first: value.decode()",
    ),
    "one text for many": (
        lambda: choice("abc"),
        "choices are given as a list, not as a str\nhint: for one: choice([...])",
    ),
    "one trigger for many": (
        lambda: free_text(until="<a>"),
        "the triggers `until` are given as a list, not as a str",
    ),
    "a float as a token": (
        lambda: regex().matcher().accept_token(97.0),
        "a token id is a whole number, not 97.0",
    ),
    "a truth value as a token": (
        lambda: regex().matcher().accept_token(True),
        "a token id is a whole number, not True",
    ),
    "text as a number of tokens": (
        lambda: regex().matcher().rollback("1"),
        "a number of tokens is a whole number, not '1'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(mistake: str) -> None:
    """What was given, what is asked for, and what to do."""
    make, message = MISTAKES[mistake]
    with pytest.raises(ConstrainError) as caught:
        make()
    assert str(caught.value) == message


def test_a_compiled_pattern_is_taken_with_its_flags() -> None:
    """`re` takes them too."""
    matcher = compile_regex(re.compile("a.", re.I | re.S), VOCABULARY).matcher()

    assert all(matcher.accept_token(byte) for byte in b"A\n")
    assert matcher.is_completed()


def test_numbers_of_numpy_become_python_s() -> None:
    """`json.dumps` takes no other, and equal ids must be one."""
    matcher = compile_regex("ab", VOCABULARY, max_steps=np.int64(1_000)).matcher()
    matcher.accept_token(np.int32(97))

    assert matcher.validate_tokens(np.array([98])) == 1
    assert [type(token) for token in matcher.tokens] == [int]


def test_a_caret_stands_under_its_place_in_a_long_text() -> None:
    """What is around the place is shown, and nothing else."""
    shown, carets = caret("x" * 500 + "(" + "y" * 500, 500).splitlines()

    assert shown[carets.index("^")] == "("
    assert (len(shown), shown[:6], shown[-6:]) == (170, '"... x', 'y ..."')

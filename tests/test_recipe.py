"""What goes to another process arrives: grammars as the call that made them, vocabularies as their tokens."""

from __future__ import annotations

import copy
import multiprocessing
import operator
import pickle
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain import errors
from constrain.compiler import compile_json_schema, compile_lark, compile_part, compile_regex
from constrain.continuation import END
from constrain.matcher import CompiledGrammar, Matcher
from constrain.parts import (
    Part,
    branches,
    choice,
    either,
    json_value,
    lark,
    literal,
    marked,
    optional,
    regex,
    repeated,
    sequence,
    special_token,
)
from constrain.structural import Tag, free_text, reasoning, structural_tags
from constrain.tool_calls.grammar import tool_call_grammar
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import toy_vocabulary

BYTES = [bytes((byte,)) for byte in range(256)]
VOCABULARY = Vocabulary.from_tokens(
    [*BYTES, b'{"', b'":', b"ab", None, None], eos_token_ids=[259], special_token_ids=[260]
)
CALL = special_token(VOCABULARY, 260, "[CALL]")
WEATHER = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}

GRAMMARS: dict[str, Callable[[], CompiledGrammar]] = {
    "schema": lambda: compile_json_schema({"type": "array", "items": {"enum": [1, "a"]}}, VOCABULARY),
    "schema as text": lambda: compile_json_schema('{"minimum": 0.1}', VOCABULARY, whitespace="any"),
    "registry": lambda: compile_json_schema({"$ref": "x:y"}, VOCABULARY, registry={"x:y": {"const": 1}}),
    "verbatim": lambda: compile_json_schema({"type": "string"}, VOCABULARY, verbatim="abc"),
    "pattern": lambda: compile_regex("[ab]{3}|c", VOCABULARY, flags=re.IGNORECASE),
    "compiled pattern": lambda: compile_regex(re.compile("a.c", re.S), VOCABULARY),
    "Lark": lambda: compile_lark('start: "a" X\n%declare X', VOCABULARY, embed={"X": choice(["b", "c"])}),
}
PARTS: dict[str, Callable[[], Part]] = {
    "text": lambda: literal("abc"),
    "choice": lambda: choice(text for text in ("a", "ab", "")),
    "branches": lambda: branches({"a": literal("b"), "c": None}),
    "everything": lambda: sequence(
        "x", either("a", regex("b+")), repeated(literal("c"), 1, 3), optional("d"), json_value({"const": [1]})
    ),
    "marked": lambda: marked(lark('start: "a"+'), "label"),
    "special token": lambda: either(sequence(CALL, "a"), "b"),
    "free text": lambda: sequence(free_text(until=iter(["<a>"]), max_characters=9), "<a>"),
    "reasoning": lambda: reasoning(max_characters=3),
    "tags": lambda: structural_tags([Tag("<a>", json_value(True), "</a>"), Tag(CALL, "b")]),
    "tool calls": lambda: tool_call_grammar([WEATHER], "mistral", special={"[TOOL_CALLS]": CALL}).written,
}


CASES = {
    **GRAMMARS,
    **{f"part: {name}": lambda part=part: compile_part(part(), VOCABULARY) for name, part in PARTS.items()},
}


def walked(compiled: CompiledGrammar, seed: int, tokens: int = 12) -> Matcher:
    """A matcher some way into a text."""
    rng, matcher = random.Random(seed), compiled.matcher()
    for _ in range(tokens):
        allowed = matcher.allowed_token_ids()
        if len(allowed) == 0:
            break
        assert matcher.accept_token(int(rng.choice(list(allowed))))
    return matcher


@pytest.mark.parametrize("name", CASES)
def test_a_pickled_grammar_has_the_same_masks(name: str) -> None:
    """At every step of a random walk; a matcher is pickled with what it has accepted."""
    compiled = CASES[name]()
    again = pickle.loads(pickle.dumps(compiled))
    matcher, other = compiled.matcher(), again.matcher()
    rng = random.Random(name)

    for _ in range(12):
        allowed = matcher.allowed_token_ids().tolist()
        assert other.allowed_token_ids().tolist() == allowed
        if not allowed:
            break
        token = rng.choice(allowed)
        assert matcher.accept_token(token)
        assert other.accept_token(token)
    resumed = pickle.loads(pickle.dumps(matcher))
    assert (resumed.tokens, resumed.text) == (matcher.tokens, matcher.text)
    assert resumed.allowed_token_ids().tolist() == matcher.allowed_token_ids().tolist()


def test_a_spawned_process_makes_the_same_masks() -> None:
    """As a server with workers does: nothing is shared but what was pickled."""
    matchers = [walked(make(), seed, 4) for seed, make in enumerate(CASES.values())]

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map(operator.methodcaller("allowed_token_ids"), matchers)
    assert [ids.tolist() for ids in found] == [each.allowed_token_ids().tolist() for each in matchers]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, Matcher.fork])
def test_a_copied_matcher_is_a_fork(duplicate: Callable[[Matcher], Matcher]) -> None:
    """It stands where the original does, and neither moves the other."""
    matcher = compile_regex("[ab]*", VOCABULARY).matcher()
    matcher.accept_token(97)
    twin = duplicate(matcher)
    matcher.accept_token(98)
    matcher.accept_token(259)
    twin.accept_token(97)

    assert (matcher.text, matcher.is_terminated()) == (b"ab", True)
    assert (twin.text, twin.is_terminated()) == (b"aa", False)
    assert twin.compiled is matcher.compiled


@given(
    st.lists(st.binary(max_size=3) | st.none(), min_size=1, max_size=12),
    st.data(),
)
def test_a_pickled_vocabulary_is_the_same_one(tokens: list[bytes | None], data: st.DataObject) -> None:
    """Its fingerprint says that masks are interchangeable; the special ids are kept beside it."""
    size = len(tokens) + data.draw(st.integers(0, 3))
    ids = st.integers(0, size - 1)
    vocabulary = Vocabulary.from_tokens(
        tokens,
        eos_token_ids=data.draw(st.sets(ids, min_size=1)),
        special_token_ids=data.draw(st.none() | st.sets(ids)),
        size=size,
    )
    again = pickle.loads(pickle.dumps(vocabulary))

    assert again.fingerprint == vocabulary.fingerprint
    assert again.special_token_ids == vocabulary.special_token_ids
    assert again.tokens == vocabulary.tokens
    assert copy.deepcopy(vocabulary) is vocabulary


def test_a_vocabulary_in_use_is_pickled_without_what_was_made_of_it() -> None:
    """Tables, tries and views of memory stay at home."""
    vocabulary = toy_vocabulary([b"ab"])
    size = len(pickle.dumps(vocabulary))
    walked(compile_json_schema(True, vocabulary), 1)

    assert len(pickle.dumps(vocabulary)) == size


def error_classes(
    kind: type[errors.ConstrainError] = errors.ConstrainError,
) -> list[type[errors.ConstrainError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in error_classes(below))]


@pytest.mark.parametrize("kind", [each for each in error_classes() if each.__module__ == errors.__name__])
def test_an_error_pickles_with_its_fields(kind: type[errors.ConstrainError]) -> None:
    """A pool of workers hands its errors to the caller so."""
    more: dict[str, Any] = {"text": "abc"} if issubclass(kind, errors.IncompleteOutputError) else {}
    if issubclass(kind, errors.RefusedOutputError):
        more = {"text": "3", "value": 3, "errors": [{"loc": ("a", 0), "msg": "too many"}]}
    error = kind("what", where="#/a", hint="do that", **more)  # type: ignore[arg-type]
    error.add_note("a note")
    again = pickle.loads(pickle.dumps(error))

    assert type(again) is kind
    assert vars(again) == vars(error)
    assert (str(again), again.args) == ("what\n    at #/a\nhint: do that", ("what",))


def test_a_grammar_of_no_known_call_is_not_pickled() -> None:
    """Its continuations could be anything; the error says what can be."""
    with pytest.raises(errors.UnsupportedError) as caught:
        pickle.dumps(CompiledGrammar(END, VOCABULARY))
    assert str(caught.value) == (
        "this CompiledGrammar cannot be pickled: no function of this package made it\n"
        "hint: make it with compile_json_schema, compile_regex, compile_lark, or parts of `constrain`"
    )

"""A token or a text is explained where a generation stands, whatever its grammar was made from."""

from __future__ import annotations

import json
import random
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import constrain
from benchmarks.explain import gather, measure
from constrain.compiler import compile_json_schema, compile_lark, compile_part, compile_regex
from constrain.continuation import END, Terminal
from constrain.errors import InvalidInputError, TokenError
from constrain.matcher import CompiledGrammar
from constrain.parts import sequence, special_token
from constrain.regular.terms import literal
from constrain.tool_calls.grammar import tool_call_grammar
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary([b'{"', b'":', b"150", b"15}"])
EOS = VOCABULARY.eos_token_ids[0]
SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "maximum": 120}},
    "required": ["age"],
    "additionalProperties": False,
}
GRAMMARS = [
    compile_json_schema(SCHEMA, VOCABULARY),
    compile_regex("(?!15)[0-9]{2,3}}?", VOCABULARY),
    compile_lark('start: "{" N "}"\nN: /[0-9]+/\n', VOCABULARY),
    compile_part(sequence('{"', "1", "5}"), VOCABULARY),
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(GRAMMARS), st.integers(0, 2**32), st.integers(0, VOCABULARY.size - 1))
def test_a_token_is_allowed_exactly_where_the_mask_says_so(
    compiled: CompiledGrammar, seed: int, token_id: int
) -> None:
    """And explaining changes nothing, wherever a random generation stands."""
    matcher, chance = compiled.matcher(), random.Random(seed)
    for _ in range(chance.randrange(6)):
        allowed = matcher.allowed_token_ids()
        if len(allowed) == 0 or matcher.is_terminated():
            break
        matcher.accept_token(int(chance.choice(allowed)))
    before, allowed = matcher.tokens, set(matcher.allowed_token_ids().tolist())

    found = matcher.explain(token_id)

    assert found.allowed == (token_id in allowed)
    assert matcher.tokens == before
    assert set(matcher.allowed_token_ids().tolist()) == allowed
    if not found.allowed:
        assert found.cause
        assert str(found).startswith(f"refused at byte {found.offset}: ")
        json.dumps(found.as_json())
    if not found.allowed and not matcher.is_terminated():
        token = VOCABULARY.text(token_id) or b""
        good = token[: found.offset - len(matcher.text)]
        assert matcher.explain(good).allowed
        assert found.nearest is not None
        assert matcher.explain(good + found.nearest).allowed


def test_a_token_shares_a_prefix_with_what_is_allowed() -> None:
    """The offset lies within the token, and the nearest way on begins there."""
    matcher = GRAMMARS[0].matcher()
    for char in b'{"age":':
        assert matcher.accept_token(char)

    found = matcher.explain(VOCABULARY.tokens.index(b"150"))

    assert str(found) == (
        "refused at byte 9: `0`\n"
        "expected: at most 120\n"
        "at: /age\n"
        "because of: #/properties/age/maximum\n"
        "nearest that leads on: }"
    )
    assert repr(matcher.explain(VOCABULARY.tokens.index(b"15}"))).startswith("Explanation(allowed=True")


def test_an_end_is_explained_as_the_end_of_the_text() -> None:
    """A token that ends a generation writes nothing: where it is refused, more must come."""
    matcher = GRAMMARS[1].matcher()
    matcher.accept_token(ord("2"))

    found = matcher.explain(EOS)

    assert (found.offset, found.refused, found.parts) == (1, b"", ("`[0-9]` at 6",))
    matcher.accept_token(ord("2"))
    assert matcher.explain(EOS).allowed
    matcher.accept_token(EOS)
    assert matcher.explain("2").cause == matcher.explain(50).cause == "ended"
    assert str(matcher.explain("2")) == (
        "refused at byte 2: `2`\nbecause of: an end-of-sequence token was accepted, so nothing may follow"
    )


def test_a_special_token_is_no_text() -> None:
    """It is allowed where the grammar names it, and what it is shown as counts in offsets."""
    vocabulary = Vocabulary.from_tokens(
        [*(bytes([byte]) for byte in range(256)), None, None, None], eos_token_ids=[258]
    )
    compiled = compile_part(sequence("a", special_token(vocabulary, 256, "[CALL]"), "bc"), vocabulary)
    matcher = compiled.matcher()

    assert matcher.explain(256).note == (
        "token 256 is a special token: it writes no text, and the grammar does not name it here"
    )
    matcher.accept_token(ord("a"))
    assert matcher.explain(256).allowed
    assert matcher.explain("[CALL]").expected == "the special token `[CALL]`"
    matcher.accept_token(256)
    found = matcher.explain("bx")
    assert (found.offset, found.expected, found.within) == (8, "`bc`", ("part 3 of 3",))


def test_a_type_is_explained_by_its_fields() -> None:
    """The place is that of the instance, the keyword that of the schema that the type has."""

    class Pet(BaseModel):
        name: str
        age: int

    class Person(BaseModel):
        pets: list[Pet]

    found = compile_json_schema(Person, VOCABULARY).matcher().explain('{"pets":[{"name":"Rex","age":"')

    assert (found.path, found.field) == ("/pets/0/age", "Person.pets[0].age")
    assert found.keywords == ("#/$defs/Pet/properties/age/type",)
    assert "at: /pets/0/age (Person.pets[0].age)" in str(found)


def test_a_byte_that_no_token_writes_is_the_vocabulary_s_fault() -> None:
    """The schema would read it, so no keyword is blamed."""
    some = [bytes([byte]) for byte in range(256) if byte not in "é".encode()]
    vocabulary = Vocabulary.from_tokens([*some, None], eos_token_ids=[len(some)])

    found = compile_json_schema({"enum": ["é", "e"]}, vocabulary).matcher().explain('"é')

    assert (found.cause, found.keywords, found.nearest) == ("vocabulary", (), b'e"')


def test_a_grammar_without_a_source_says_so() -> None:
    """What was not made by a function of the package has none, and nothing is guessed."""
    found = CompiledGrammar(Terminal.of(literal(b"ab"), END), VOCABULARY).matcher().explain("ac")

    assert (found.cause, found.expected, found.nearest) == ("unknown", "`b`", b"b")
    assert found.note == "the grammar does not know what it was made from"


def test_arguments_of_a_tool_call_are_explained_by_its_schema() -> None:
    """The path is that within the arguments."""
    tool = {"name": "grow", "parameters": SCHEMA}
    compiled = compile_part(tool_call_grammar([tool], "hermes", tool_choice="required").written, VOCABULARY)
    matcher = compiled.matcher()
    text = matcher.forced_bytes().decode()

    found = matcher.explain(text + '"age":999')

    assert (found.path, found.keywords) == ("/age", ("#/properties/age/maximum",))
    assert found.offset == len(text) + 8
    assert found.within[-1] == "the arguments"


@pytest.mark.parametrize("given", [-1, VOCABULARY.size])
def test_an_id_outside_the_vocabulary_is_refused(given: int) -> None:
    """As by `accept_token`."""
    with pytest.raises(TokenError, match=f"token {given} is outside the vocabulary"):
        GRAMMARS[0].matcher().explain(given)


def test_what_is_neither_id_nor_text_is_refused() -> None:
    """A list of ids is not a token."""
    wrong: Any = [1]
    with pytest.raises(TokenError, match="a token id"):
        GRAMMARS[0].matcher().explain(wrong)
    with pytest.raises(InvalidInputError, match="half a surrogate pair"):
        GRAMMARS[0].matcher().explain("\udc00")


def test_an_explanation_does_not_change_and_is_exported() -> None:
    """Frozen, with data for programs."""
    found: Any = constrain.explain_text(GRAMMARS[0], '{"age":130}')

    assert isinstance(found, constrain.Explanation)
    with pytest.raises(FrozenInstanceError):
        found.offset = 1
    assert found.as_json() == {
        "allowed": False, "offset": 9, "refused": "0", "cause": "schema", "path": "/age", "field": "",
        "keywords": ["#/properties/age/maximum"], "options": [], "together": False, "parts": [],
        "within": [], "expected": "at most 120", "nearest": "}", "note": "",
    }  # fmt: skip


SCHEMAS = [
    ({
        "type": "object", "required": ["id", "tags"], "additionalProperties": False,
        "properties": {
            "id": {"type": "string", "pattern": "^[a-z]{2}[0-9]+$"},
            "tags": {"type": "array", "items": {"enum": ["new", "old"]}, "maxItems": 3, "minItems": 1},
            "size": {"$ref": "#/$defs/size"},
        },
        "$defs": {"size": {"type": "integer", "minimum": 1, "maximum": 9}},
    }, {"id": "ab1", "tags": ["new", "old"], "size": 4}),
    ({
        "type": "array", "uniqueItems": True,
        "items": {"anyOf": [{"type": "string", "maxLength": 4}, {"type": "object", "required": ["x"]}]},
    }, ["ab", {"x": 1}]),
]  # fmt: skip


def test_mistakes_made_in_valid_instances_are_recognised(capsys: pytest.CaptureFixture[str]) -> None:
    """The benchmark in small: `jsonschema` finds one error in each, and so does an explanation."""
    cases = [
        {"name": str(number), "schema": schema, "tests": [{"valid": True, "data": instance}]}
        for number, (schema, instance) in enumerate(SCHEMAS)
        for _ in range(16)
    ]

    tally = measure(gather(cases, 40, suite=False, seed=1), VOCABULARY, lambda text: list(text.encode()))

    assert sum(row["cases"] for row in tally.values()) >= 30
    assert len(tally) >= 6
    for keyword, row in tally.items():
        assert row["token place"] == row["text place"] == row["cases"], keyword
        assert row["token keyword"] == row["text keyword"] == row["cases"], keyword
    assert "milliseconds of an explanation" in capsys.readouterr().out

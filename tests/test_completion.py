"""The fewest tokens that complete a text, against trying every token everywhere."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.compiler import compile_json_schema
from constrain.errors import UnsatisfiableError
from constrain.matcher import CompiledGrammar
from constrain.position import Position
from constrain.shortest import shortest_text
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import toy_vocabulary
from tests.walks import shortest_way_on

MOST_POSITIONS = 5_000

texts = st.text("abx", max_size=6)
patterns = st.sampled_from(["^(a|bb)*$", "^a{3,5}b?$", "^(abab|x)(b|aa)$"])
scalars = st.one_of(
    st.lists(st.one_of(texts, st.integers(-120, 120), st.booleans(), st.none()), min_size=1, max_size=4).map(
        lambda values: {"enum": values}
    ),
    st.just({"type": "boolean"}),
    st.tuples(st.integers(-5, 150), st.integers(0, 120)).map(
        lambda pair: {"type": "integer", "minimum": pair[0], "maximum": pair[0] + pair[1]}
    ),
    patterns.map(lambda pattern: {"type": "string", "pattern": pattern, "maxLength": 8}),
)


def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Arrays, closed objects and choices of some schemas."""
    objects = st.tuples(st.dictionaries(texts.filter(len), inner, max_size=3), st.integers(0, 7)).map(
        lambda made: {
            "type": "object",
            "properties": made[0],
            "required": [key for index, key in enumerate(made[0]) if made[1] >> index & 1],
            "additionalProperties": False,
        }
    )
    arrays = st.tuples(inner, st.integers(0, 3), st.booleans()).map(
        lambda made: {
            "type": "array",
            "items": made[0],
            "minItems": made[1],
            "maxItems": made[1] + 1,
            "uniqueItems": made[2],
        }
    )
    choices = st.lists(inner, min_size=1, max_size=3).map(lambda several: {"anyOf": several})
    return st.one_of(objects, arrays, choices)


finite_schemas = st.recursive(scalars, larger, max_leaves=6)
vocabularies = st.lists(st.text('abx"{}[],:', min_size=2, max_size=5), max_size=14).map(
    lambda pieces: toy_vocabulary([piece.encode() for piece in pieces] + [b"00", b"12", b"true"])
)


def fewest(compiled: CompiledGrammar) -> int | None:
    """By trying every token everywhere, once for each position; None where there are too many."""
    frontier: set[Position] = {compiled.positions.start}
    seen, size = set(frontier), 0
    while not any(position.can_end for position in frontier):
        found = {
            after
            for position in frontier
            for token in range(compiled.vocabulary.size - 1)
            if (after := compiled.positions.advance(position, token)) is not None
        }
        frontier, size = found - seen, size + 1
        seen |= found
        if len(seen) > MOST_POSITIONS:
            return None
    return size


@given(finite_schemas, vocabularies)
@settings(max_examples=200)
def test_no_completion_has_fewer_tokens(schema: Any, vocabulary: Vocabulary) -> None:
    """Finite schemas without free strings (departure 1), and tokens that cross any number of terminals."""
    try:
        compiled = compile_json_schema(schema, vocabulary, whitespace="compact")
    except UnsatisfiableError:
        assume(False)
        raise
    least = fewest(compiled)
    assume(least is not None)
    tokens = shortest_way_on(compiled.matcher())
    matcher = compiled.matcher()

    assert all(matcher.accept_token(token) for token in tokens)
    assert matcher.is_completed()
    assert len(tokens) == least


def test_the_longer_of_two_texts_may_have_fewer_tokens() -> None:
    vocabulary = toy_vocabulary([b'"hippo', b"potamus", b'"'])
    compiled = compile_json_schema({"enum": ["ox", "hippopotamus"]}, vocabulary)

    assert vocabulary.decode(shortest_way_on(compiled.matcher())) == b'"hippopotamus"'


def test_keys_in_any_order_are_completed_in_one_of_them() -> None:
    """Thirty keys that are missing have 2^30 sets that may be written first; each is as short."""
    names = [f"key{number}" for number in range(30)]
    schema = {"type": "object", "properties": {key: {"type": "null"} for key in names}, "required": names}
    compiled = compile_json_schema(schema, toy_vocabulary(), property_order="any", whitespace="compact")
    matcher = compiled.matcher()

    assert shortest_text(compiled.start) == json.dumps(dict.fromkeys(names), separators=(",", ":")).encode()
    assert matcher.accept_token(ord("{"))
    with budget(100_000, "finding the shortest completion"):
        found = compiled.completions.of(matcher.position)
    assert found is not None
    assert found.cost == len(shortest_text(compiled.start)) - 1


open_schemas: list[Any] = [
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    {"type": "array", "uniqueItems": True, "items": {"type": "string", "maxLength": 3}, "minItems": 2},
    {},
]


@given(st.one_of(finite_schemas, st.sampled_from(open_schemas)), vocabularies, st.randoms())
@settings(max_examples=200)
def test_what_is_carried_over_a_token_completes_the_text(
    schema: Any, vocabulary: Vocabulary, rng: random.Random
) -> None:
    """From token to token without a search: all of its tokens are allowed, and as many as it says."""
    try:
        compiled = compile_json_schema(schema, vocabulary)
    except UnsatisfiableError:
        assume(False)
        raise
    completions, matcher = compiled.completions, compiled.matcher()
    found = completions.of(matcher.position)
    for _ in range(20):
        allowed = [t for t in matcher.allowed_token_ids().tolist() if t not in vocabulary.eos_token_ids]
        if not allowed:
            break
        token = rng.choice(allowed)
        matcher.accept_token(token)
        assert found is not None
        carried = completions.carried(found, token, matcher.position)
        if carried is not None:
            tokens, ahead = carried.tokens, matcher.fork()

            assert all(map(ahead.accept_token, tokens))
            assert ahead.is_completed()
            assert len(tokens) == carried.cost
        found = carried or completions.of(matcher.position)


def test_a_long_end_is_carried_where_the_text_comes_back_to_it() -> None:
    """Behind what it begins with, and where a longer string ends as it does: not all of it is read."""
    names = [f"a name of some length {number}" for number in range(40)]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    compiled = compile_json_schema(schema, toy_vocabulary(), whitespace="compact")
    completions, matcher = compiled.completions, compiled.matcher()
    before = completions.of(matcher.position)
    for byte in b'{"a name of some length 0":"':
        assert matcher.accept_token(byte)
        assert before is not None
        before = completions.carried(before, byte, matcher.position)
    assert before is not None
    assert matcher.accept_token(ord("x"))

    assert before.text.startswith(b'","a name of some length 1":"",')
    assert completions.carried(before, ord("x"), matcher.position) is before
    assert matcher.accept_token(ord("\\"))
    assert completions.carried(before, ord("\\"), matcher.position) is None


def test_a_key_that_is_left_is_found_without_a_look_at_all_that_were_written() -> None:
    """The shortest keys are gone, and a thousand others."""
    keys = ["", *" !#$%&'()*+,-./", *map(str, range(10, 1_000))]
    schema = {"type": "object", "additionalProperties": {"type": "null"}, "minProperties": len(keys) + 1}
    matcher = compile_json_schema(schema, toy_vocabulary(), whitespace="compact").matcher()
    for byte in ("{" + "".join(f'"{key}":null,' for key in keys)).encode():
        assert matcher.accept_token(byte)

    with budget(2_000, "finding the shortest completion"):
        found = matcher.compiled.completions.of(matcher.position)
    assert found is not None
    assert b"".join(bytes([token]) for token in found.tokens) == b'"0":null}'


def test_optional_keys_are_not_all_tried_before_an_end_is_known() -> None:
    """Each of forty is cheap to begin, in any order, and none is needed."""
    values = [{"type": "object", "properties": {f"x{place}": {} for place in range(20)}} for _ in range(40)]
    needed = {"identification": {"type": "string"}, "organization": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {f"k{number:02}": value for number, value in enumerate(values)} | needed,
        "required": list(needed),
    }
    vocabulary = toy_vocabulary([b'":"', b'{"', b'"}', b'","', b'":', b',"'])
    compiled = compile_json_schema(schema, vocabulary, property_order="any", whitespace="compact")

    with budget(300_000, "finding the shortest completion"):
        found = compiled.matcher().completion()
    assert found is not None
    assert found.text == b'{"identification":"","organization":""}'

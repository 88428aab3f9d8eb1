"""`uniqueItems`: the texts that are refused, the values that are excluded, and what is left of both.

An item that can begin like few others is excluded as a value, so that nothing is begun that cannot be ended;
any other is refused as a text, where it comes again.  The universes here are small enough to run out, or just
not, and the vocabulary has tokens that write several items, or end in the midst of one.
"""

from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.compiler import CompiledGrammar, compile_json_schema
from constrain.errors import UnsatisfiableError
from constrain.json_schema.finite import VAST, few_strings, is_vast
from constrain.json_schema.numbers import number_space, spellings
from constrain.regular.terms import byte_range, concat, repeat
from tests.oracle import by_trying, ids, toy_vocabulary
from tests.test_promises import valid

TEXTS = [
    "1",
    "12",
    "2",
    "0",
    "1.0",
    "-",
    "-1",
    "true",
    '"',
    '"a',
    '"a"',
    'a"',
    '"b"',
    "null",
    "{}",
    "[",
    "[]",
    "]",
]
PIECES = [
    *TEXTS,
    *(f"{before}{text}" for before in (",", ", ", "1,", '",', "2, ") for text in TEXTS),
    *(f"{text}{after}" for text in TEXTS for after in (",", "]", ", ")),
]
VOCABULARY = toy_vocabulary([piece.encode() for piece in dict.fromkeys(PIECES)])

ITEMS = st.sampled_from(
    [
        {"type": "integer"},
        {"type": "integer", "minimum": 0, "maximum": 3},
        {"type": "integer", "minimum": 0},
        {"type": "integer", "maximum": 12},
        {"type": "number"},
        {"type": "number", "minimum": 0, "maximum": 1},
        {"enum": [1, 1.0, 2, "a"]},
        {"enum": [1.0, 2.5, True, None]},
        {"anyOf": [{"type": "integer"}, {"const": 1.0}]},
        {"type": "boolean"},
        {"type": ["boolean", "integer", "null"]},
        {"type": "string"},
        {"type": "string", "maxLength": 1, "pattern": "^[ab]*$"},
        {"type": "string", "pattern": "^a*$"},
        {"type": "string", "pattern": "^(a|b.*)$"},
        {"type": "string", "maxLength": 40},
        {"type": ["string", "array"], "items": False},
        {"type": ["integer", "object"], "additionalProperties": False},
        {},
        {"not": {"const": 1}},
    ]
)
SCHEMAS = st.fixed_dictionaries(
    {"type": st.just("array"), "uniqueItems": st.just(True)},
    optional={
        "items": ITEMS,
        "prefixItems": st.lists(ITEMS, min_size=1, max_size=3),
        "contains": ITEMS,
        "maxContains": st.integers(1, 2),
        "minItems": st.integers(0, 3),
        "maxItems": st.integers(1, 4),
    },
)
OPTIONS = st.fixed_dictionaries(
    {
        "whitespace": st.sampled_from(["default", "compact", "any"]),
        "spelling": st.sampled_from(["canonical", "canonical", "canonical", "any"]),
    }
)
VALUES = st.lists(
    st.sampled_from([0, 1, 2, 3, 12, -1, 1.0, 2.0, 0.5, True, False, None, "", "a", "b", "aa", [], {}]),
    max_size=4,
)


def compiled_or_none(schema: dict[str, Any], **options: Any) -> CompiledGrammar | None:
    try:
        return compile_json_schema(schema, VOCABULARY, **options)
    except UnsatisfiableError:
        return None


@given(SCHEMAS, OPTIONS, st.integers(0, 2**32))
@settings(max_examples=300)
def test_masks_of_unique_items_equal_trying_every_token(
    schema: dict[str, Any], options: dict[str, Any], seed: int
) -> None:
    """Along a random text, on a matcher that goes back now and then; and the text can always be completed."""
    compiled = compiled_or_none(schema, **options)
    assume(compiled is not None)
    rng = random.Random(seed)
    matcher = compiled.matcher()
    for _ in range(14):
        allowed = ids(matcher.allowed_token_ids())

        assert allowed == by_trying(compiled, matcher.position), matcher.text
        assert allowed
        longest = sorted(allowed, key=lambda token: len(VOCABULARY.tokens[token] or b""))
        assert matcher.accept_token(rng.choice(longest[-8:] if rng.random() < 0.7 else allowed))
        if matcher.is_terminated():
            break
        if rng.random() < 0.2:
            matcher.rollback(1)


@given(SCHEMAS, VALUES)
@settings(max_examples=400)
def test_an_array_is_taken_item_by_item_exactly_when_validators_take_it(
    schema: dict[str, Any], value: list[Any]
) -> None:
    """In the spelling that takes any; in the canonical one, no array is taken that they do not take."""
    text = json.dumps(value, separators=(",", ":")).encode()
    for spelling in ("canonical", "any"):
        compiled = compiled_or_none(schema, spelling=spelling)
        matcher = compiled.matcher() if compiled else None
        taken = matcher is not None and all(map(matcher.accept_token, text)) and matcher.is_completed()

        assert taken <= valid(schema, value)
        assert taken or spelling == "canonical" or not valid(schema, value)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True), st.data())
def test_what_is_offered_of_a_range_of_integers_is_what_is_left_of_it(lows: list[int], data: Any) -> None:
    """Whatever was written, the next item is any other one, and behind the last comes no comma."""
    low, high = min(lows), max(lows)
    items = {"type": "integer", "minimum": low, "maximum": high}
    compiled = compile_json_schema({"type": "array", "uniqueItems": True, "items": items}, VOCABULARY)
    order = data.draw(st.permutations(range(low, high + 1)))
    matcher = compiled.matcher()
    assert matcher.accept_token(ord("["))
    for written, number in enumerate(order, start=1):
        for other in range(low, high + 1):
            fork = matcher.fork()
            goes = all(map(fork.accept_token, f"{other}]".encode()))
            assert goes == (other not in order[: written - 1])
        assert all(map(matcher.accept_token, str(number).encode()))
        fork = matcher.fork()
        assert fork.accept_token(ord(",")) == (written < len(order))
        assert written == len(order) or all(map(matcher.accept_token, b","))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), st.integers(-20, 20))
def test_the_spellings_of_a_number_are_all_canonical_texts_of_it(digits: Any, power: int) -> None:
    number = Fraction(digits) * Fraction(10) ** power

    assert sorted(spellings(number)) == sorted(
        few_strings(number_space("canonical").values([number]), 99) or ()
    )


@given(st.integers(1, 26), st.integers(0, 4), st.integers(0, 12))
def test_a_language_is_vast_from_so_many_strings_on(letters: int, low: int, more: int) -> None:
    """Never from fewer; and from so many of the greatest length on."""
    size = sum(letters**length for length in range(low, low + more + 1))
    term = repeat(byte_range(97, 96 + letters), low, low + more)

    assert is_vast(concat(byte_range(48, 48), term)) <= (size >= VAST)
    assert is_vast(term) or letters ** (low + more) < VAST


def test_a_refused_item_may_begin_another_one() -> None:
    schema = {"type": "array", "uniqueItems": True, "items": {"type": "integer"}, "maxItems": 2}
    matcher = compile_json_schema(schema, VOCABULARY).matcher()
    for byte in b"[1,":
        assert matcher.accept_token(byte)
    offered = {VOCABULARY.tokens[token] for token in ids(matcher.allowed_token_ids())}

    assert {b"1", b"12", b"12]", b"2]"} <= offered
    assert b"1]" not in offered


@pytest.mark.parametrize("first", ["1", "1.0"])
def test_a_number_comes_once_however_it_is_written(first: str) -> None:
    schema = {"type": "array", "uniqueItems": True, "items": {"type": "number"}}
    matcher = compile_json_schema(schema, VOCABULARY).matcher()
    assert all(map(matcher.accept_token, f"[{first},".encode()))
    for again in ("1", "1.0"):
        fork = matcher.fork()
        assert not all(map(fork.accept_token, f"{again}]".encode()))

"""Keys of objects where tokens write several of them, or end in the midst of one.

Names and undeclared keys are one edge of a continuation, and a token may complete a name, go past it, or
complete a key that has been written before.  The vocabulary here is made of such tokens, which real ones
hardly have.
"""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.errors import UnsatisfiableError
from tests.oracle import by_trying, ids, toy_vocabulary
from tests.test_promises import valid

NAMES = ["a", "b", "ab", "abb", ""]
PIECES = [
    f"{before}{piece}"
    for before in ("", ",", ", ", "  ", "{", ',"a":1,', '1,"', 'b",')
    for piece in (
        '"',
        '"a',
        '"a"',
        '"a":',
        '"ab":',
        '"ab":1',
        '"b":1,"',
        'b"',
        'b":1',
        '":',
        'a":1,"a',
        '":1}',
    )
]
VOCABULARY = toy_vocabulary([piece.encode() for piece in PIECES])

SCHEMAS = st.fixed_dictionaries(
    {
        "type": st.just("object"),
        "properties": st.dictionaries(
            st.sampled_from(NAMES),
            st.sampled_from([{"const": 1}, {"type": "string"}, False, True]),
            max_size=4,
        ),
    },
    optional={
        "required": st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
        "additionalProperties": st.sampled_from([False, True, {"const": 1}, {"type": "boolean"}]),
        "patternProperties": st.dictionaries(
            st.sampled_from(["^a", "b$", "^.*a", "^[ab]*$", "^.?b", "^a(b|$)"]),
            st.sampled_from([{"const": 1}, {"enum": [1, 2]}, {"type": "string"}, {}, True, False]),
            max_size=4,
        ),
        "propertyNames": st.sampled_from([{"maxLength": 2}, {"pattern": "^a*b*$"}, {"pattern": "^[^b]"}]),
        "maxProperties": st.integers(1, 3),
        "minProperties": st.integers(0, 2),
    },
)
OPTIONS = st.fixed_dictionaries(
    {
        "property_order": st.sampled_from(["schema", "any"]),
        "whitespace": st.sampled_from(["default", "compact", "any"]),
        "spelling": st.sampled_from(["canonical", "canonical", "any"]),
    }
)


@given(SCHEMAS, OPTIONS, st.integers(0, 2**32))
@settings(max_examples=200)
def test_masks_of_keys_equal_trying_every_token(
    schema: dict[str, Any], options: dict[str, Any], seed: int
) -> None:
    try:
        compiled = compile_json_schema(schema, VOCABULARY, **options)
    except UnsatisfiableError:
        return
    rng = random.Random(seed)
    matcher = compiled.matcher()
    for _ in range(12):
        allowed = ids(matcher.allowed_token_ids())

        assert allowed == by_trying(compiled, matcher.position), matcher.text
        assert allowed
        longest = sorted(allowed, key=lambda token: len(VOCABULARY.tokens[token] or b""))
        assert matcher.accept_token(rng.choice(longest[-6:] if rng.random() < 0.7 else allowed))
        if matcher.is_terminated():
            break


@given(
    SCHEMAS,
    OPTIONS,
    st.dictionaries(st.sampled_from([*NAMES, "c", "aa", "ba"]), st.sampled_from([1, 2, "s"]), max_size=4),
)
@settings(max_examples=200)
def test_an_object_is_taken_key_by_key_exactly_when_validators_take_it(
    schema: dict[str, Any], options: dict[str, Any], value: dict[str, Any]
) -> None:
    """In any order of keys; in the schema's, where they come in it."""
    import json

    try:
        compiled = compile_json_schema(schema, VOCABULARY, **{**options, "property_order": "any"})
    except UnsatisfiableError:
        assert not valid(schema, value)
        return
    text = json.dumps(value, separators=(",", ":")).encode()
    matcher = compiled.matcher()
    taken = all(matcher.accept_token(byte) for byte in text) and matcher.is_completed()

    assert taken == valid(schema, value)

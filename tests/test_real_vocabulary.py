"""The same promises over the 128,256 tokens of Llama-3.2, whose tokens cross any number of terminals."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from constrain.compiler import compile_json_schema
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import by_trying, ids
from tests.walks import CHOOSERS, walk

SCHEMAS: dict[str, Any] = {
    "person": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 30},
            "age": {"type": "integer", "minimum": 0, "maximum": 130},
            "tags": {"type": "array", "items": {"enum": ["red", "green", "reddish"]}, "maxItems": 3},
        },
        "required": ["name", "age"],
    },
    "tree": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"value": {"type": ["string", "null"]}, "children": {"$ref": "#/$defs/list"}},
                "required": ["value"],
                "additionalProperties": False,
            },
            "list": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2},
        },
        "$ref": "#/$defs/node",
    },
    "call": {
        "anyOf": [
            {
                "type": "object",
                "properties": {"name": {"const": name}, "arguments": arguments},
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
            for name, arguments in [
                (
                    "get_weather",
                    {"type": "object", "properties": {"city": {"type": "string", "pattern": "^[A-Z]"}}},
                ),
                (
                    "get_time",
                    {"type": "object", "additionalProperties": {"type": "number"}, "required": ["tz"]},
                ),
            ]
        ]
    },
}


@pytest.fixture(scope="module")
def vocabulary(llama3_tokenizer: Any) -> Vocabulary:
    return Vocabulary.from_tokenizer(llama3_tokenizer, cache=False)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_mask_equals_trying_all_128_256_tokens(name: str, vocabulary: Vocabulary) -> None:
    """Promise 3 where it is hardest: at random places of a walk."""
    rng = random.Random(name)
    compiled = compile_json_schema(SCHEMAS[name], vocabulary)
    for _ in range(4):
        _, matcher = walk(compiled, rng, CHOOSERS["longest"], max_tokens=12)
        matcher.rollback(rng.randrange(1, len(matcher.tokens) + 1))

        assert ids(matcher.allowed_token_ids()) == by_trying(compiled, matcher.position), matcher.text


@pytest.mark.parametrize("chooser", CHOOSERS)
@pytest.mark.parametrize("name", SCHEMAS)
def test_walks_end_in_valid_documents(name: str, chooser: str, vocabulary: Vocabulary) -> None:
    """Promises 1 and 2, token by token over the real vocabulary."""
    compiled = compile_json_schema(SCHEMAS[name], vocabulary)
    rng = random.Random(f"{name} {chooser}")
    for _ in range(4):
        text, _ = walk(compiled, rng, CHOOSERS[chooser], max_tokens=25)
        value = json.loads(text)

        assert jsonschema.Draft202012Validator(SCHEMAS[name]).is_valid(value), text
        assert jsonschema_rs.validator_for(SCHEMAS[name]).is_valid(value), text

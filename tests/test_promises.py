"""The promises, as properties: sound, live, exact, one function, on random schemas and hostile walks.

Every walk follows allowed tokens only.  What it writes must parse, and two validators that share no
code with us or with each other must call it valid.
"""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.errors import LimitExceeded, UnsatisfiableError, UnsupportedError
from constrain.matcher import CompiledGrammar
from constrain.testing.random_schemas import schemas as all_keyword_schemas
from tests.oracle import by_trying, ids, toy_vocabulary
from tests.strategies import first_part_schemas
from tests.walks import CHOOSERS, walk

PIECES = [
    '":', '": ', '","', '", "', '"}', '"]', '{"', '["', '[{"', '"},', "},{", "]]", "}}", '{"a":', '"ab', 'b"', 'a","a',
    "null", "true", "false", "nul", "12", "-1", "00", "1,", "1]", ",2", ".5", "é", "aé", "\\n", '\\"', "\\u00", "  ",
    ": ", ", ", "[]", "{}", '""', '"":', "ba", "aa", '"a":', ',"b":', '{"a":1,"b', 'e","',
]  # fmt: skip
VOCABULARY = toy_vocabulary([piece.encode() for piece in PIECES] + [b"\xc3", b"a\xc3", b'\xa9"'])


def compiled_or_skipped(schema: Any, **options: Any) -> CompiledGrammar:
    """Compile; a schema refused by name or with no valid document is not what these tests are about."""
    try:
        return compile_json_schema(schema, VOCABULARY, **options)
    except (UnsatisfiableError, UnsupportedError, LimitExceeded):
        assume(False)
        raise


def valid(schema: Any, value: Any) -> bool:
    """Do both validators take `value`?  They must agree, or one of them is wrong."""
    one = jsonschema.Draft202012Validator(schema).is_valid(value)
    other = jsonschema_rs.validator_for(schema).is_valid(value)
    assert one == other, (schema, value)
    return one


def assert_masks_equal_trying(compiled: CompiledGrammar, rng: random.Random, steps: int) -> None:
    """Walk at random; at every step the mask must be what trying every token gives."""
    matcher = compiled.matcher()
    for _ in range(steps):
        allowed = ids(matcher.allowed_token_ids())

        assert allowed == by_trying(compiled, matcher.position), matcher.text
        assert matcher.accept_token(rng.choice(allowed))
        if matcher.is_terminated():
            break


OPTIONS = st.fixed_dictionaries(
    {
        "property_order": st.sampled_from(["schema", "any"]),
        "spelling": st.sampled_from(["canonical", "any"]),
        "whitespace": st.sampled_from(["default", "compact", "any", 1]),
    }
)


@pytest.mark.parametrize("chooser", CHOOSERS)
@given(schema=first_part_schemas(), seed=st.integers(0, 2**32), options=OPTIONS)
@settings(max_examples=120)
def test_every_walk_ends_in_text_that_both_validators_take(
    chooser: str, schema: Any, seed: int, options: dict[str, Any]
) -> None:
    """Promises 1, 2 and 4: sound, live, and the mask is what is accepted."""
    compiled = compiled_or_skipped(schema, **options)
    text, _ = walk(compiled, random.Random(seed), CHOOSERS[chooser], max_tokens=40)

    value = json.loads(text)
    assert valid(schema, value), text


@given(schema=first_part_schemas(), seed=st.integers(0, 2**32), options=OPTIONS)
@settings(max_examples=80)
def test_the_mask_equals_trying_every_token(schema: Any, seed: int, options: dict[str, Any]) -> None:
    """Promise 3, from inside: the fast way and the definition agree at every step of a walk."""
    compiled = compiled_or_skipped(schema, **options)
    assert_masks_equal_trying(compiled, random.Random(seed), steps=12)


@given(
    schema=all_keyword_schemas(),
    seed=st.integers(0, 2**32),
    options=OPTIONS,
    chooser=st.sampled_from(sorted(CHOOSERS)),
)
@settings(max_examples=250)
def test_every_keyword_keeps_the_promises(
    schema: Any, seed: int, options: dict[str, Any], chooser: str
) -> None:
    """Negation, counts, dependencies, unevaluated and unique items: nothing is special to the mask."""
    compiled = compiled_or_skipped(schema, **options)
    rng = random.Random(seed)
    assert_masks_equal_trying(compiled, rng, steps=6)

    text, _ = walk(compiled, rng, CHOOSERS[chooser], max_tokens=30)
    assert valid(schema, json.loads(text)), text


@given(schema=first_part_schemas(), data=st.data())
@settings(max_examples=200)
def test_accepts_a_document_exactly_when_the_validators_do(schema: Any, data: st.DataObject) -> None:
    """Promise 3, from outside: nothing valid is refused, nothing invalid is accepted."""
    compiled = compiled_or_skipped(schema, property_order="any")
    documents = st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-400, 400)
        | st.sampled_from(["", "a", "ab", "é", 'q"', "aé\n"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["a", "b", "ab", "é", 'q"', "", "z"]), inner, max_size=3)
        ),
        max_leaves=5,
    )
    value = data.draw(documents | _near(schema))
    text = json.dumps(value, ensure_ascii=False).encode()
    matcher = compiled.matcher()
    accepted = matcher.validate_tokens(text) == len(text) and all(map(matcher.accept_token, text))

    assert (accepted and matcher.is_completed()) == valid(schema, value), (text, matcher.text)


def _near(schema: Any) -> st.SearchStrategy[Any]:
    """Values the schema itself names, which random documents would seldom hit."""
    found: list[Any] = [0]

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            found.extend([node["const"]] if "const" in node else [])
            found.extend(node.get("enum", []))
            for child in node.values():
                visit(child)
            if isinstance(node.get("properties"), dict):
                found.append(dict.fromkeys(node["properties"], "a"))
                found.append({key: _example(sub) for key, sub in node["properties"].items()})
        elif isinstance(node, list):
            for child in node:
                visit(child)

    visit(schema)
    return st.sampled_from(found)


def _example(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return 1
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    return {"string": "ab", "integer": 3, "boolean": True, "object": {}, "array": []}.get(str(kind))

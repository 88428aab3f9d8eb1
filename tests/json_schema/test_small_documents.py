"""Every small array and object, against an independent validator, under many keywords at once.

In any order, each is accepted exactly where the validator accepts it; in one order, in one of its orders.
Random documents are seldom at the edge of a random schema.  All documents of a small world are: arrays of at
most three items and objects of at most three keys, of a few values each.
"""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import jsonschema_rs
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.errors import LimitExceeded, UnsatisfiableError
from constrain.matcher import CompiledGrammar
from tests.json_schema.test_schemas import is_valid
from tests.oracle import by_trying, ids, toy_vocabulary
from tests.walks import CHOOSERS, walk

VOCABULARY = toy_vocabulary([b'":', b'","', b"1,", b'"a', b"[1", b"]]", b"null"])
VALUES: list[Any] = [0, 1, "a", None, [1]]
ARRAYS = [
    list(items) for size in range(4) for items in itertools.product(VALUES[: 9 - 2 * size], repeat=size)
]
KEYS = ("a", "b", "ab", "c1")
OBJECTS = [
    dict(zip(keys, values, strict=True))
    for size in range(4)
    for keys in itertools.permutations(KEYS, size)
    for values in itertools.product((1, "a"), repeat=size)
]

TWICE = [
    f'{{"{key}":1,{between}"{key}":{value}}}'.encode()
    for key in (*KEYS, "z")
    for between in ("", '"b1":1,')
    for value in (1, '"a"')
]
"""Objects with a key twice, which no schema allows."""

SUBSCHEMAS = st.sampled_from(
    [
        *({"type": name} for name in ("integer", "string", "null", "array")),
        *(True, False, {"const": 1}, {"enum": [0, 1, "a"]}, {"not": {"const": 1}}, {"minimum": 1}),
        {"type": ["integer", "string"]},
    ]
)
COUNTS = st.integers(0, 3)
NAMES = st.lists(st.sampled_from(KEYS), max_size=2, unique=True)
NAMED = st.dictionaries(st.sampled_from(KEYS), SUBSCHEMAS, max_size=3)
ARRAY_KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "items": SUBSCHEMAS,
    "prefixItems": st.lists(SUBSCHEMAS, min_size=1, max_size=3),
    "minItems": COUNTS,
    "maxItems": COUNTS,
    "uniqueItems": st.booleans(),
    "contains": SUBSCHEMAS,
    "minContains": COUNTS,
    "maxContains": COUNTS,
    "unevaluatedItems": SUBSCHEMAS,
    "enum": st.lists(st.sampled_from(ARRAYS[:40]), min_size=1, max_size=4),
}
OBJECT_KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "properties": NAMED,
    "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$", "[0-9]"]), SUBSCHEMAS, max_size=2),
    "additionalProperties": SUBSCHEMAS,
    "propertyNames": st.sampled_from([True, {"maxLength": 1}, {"pattern": "^[ab]"}, {"enum": ["a", "c1"]}]),
    "required": NAMES,
    "minProperties": COUNTS,
    "maxProperties": COUNTS,
    "dependentRequired": st.dictionaries(st.sampled_from(KEYS), NAMES, max_size=2),
    "dependentSchemas": st.dictionaries(st.sampled_from(KEYS), st.just({"required": ["b"]}), max_size=1),
    "unevaluatedProperties": SUBSCHEMAS,
    "enum": st.lists(st.sampled_from(OBJECTS[:40]), min_size=1, max_size=4),
}


def conjunctions(kind: str, keywords: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Several keywords about one type, alone, negated, or beside one or two others of the same."""
    one = st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=4, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: keywords[name] for name in chosen})
    )
    return st.one_of(
        one.map(lambda plain: {"type": kind, **plain}),
        one.map(lambda plain: {"type": kind, **plain}),
        one.map(lambda plain: {"type": kind, "not": plain}),
        st.tuples(one, keywords["enum"]).map(
            lambda both: {"type": kind, **both[0], "not": {"enum": both[1]}}
        ),
        st.tuples(one, one).map(lambda both: {"type": kind, "allOf": list(both)}),
        st.tuples(one, one).map(lambda both: {"type": kind, "oneOf": list(both)}),
        st.tuples(one, one).map(lambda both: {"type": kind, **both[0], "not": both[1]}),
    )


def compiled(schema: Any, **options: Any) -> CompiledGrammar | None:
    try:
        return compile_json_schema(schema, VOCABULARY, whitespace="compact", **options)
    except UnsatisfiableError:
        return None
    except LimitExceeded:
        assume(False)
        raise


def accepts(grammar: CompiledGrammar, text: bytes) -> bool:
    threads = grammar.positions.read(grammar.positions.start.threads, text)
    return bool(threads) and grammar.positions.intern(threads).can_end


def written(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def in_any_order(document: Any) -> Any:
    """Data that is the same for objects whose keys come in another order."""
    return json.dumps(document, sort_keys=True)


def check(schema: dict[str, Any], documents: list[Any], seed: int) -> None:
    valid = jsonschema_rs.validator_for(schema).is_valid
    exact = compiled(schema, property_order="any", spelling="any")
    usual = compiled(schema)
    wanted, given = set[Any](), set[Any]()
    for document in documents:
        verdict = valid(document)
        assert (exact is not None and accepts(exact, written(document))) == verdict, document
        if verdict:
            wanted.add(in_any_order(document))
        if usual is not None and accepts(usual, written(document)):
            given.add(in_any_order(document))
    assert given == wanted

    for grammar in filter(None, (exact, usual)):
        for text in TWICE:
            assert not accepts(grammar, text), text

    rng = random.Random(seed)
    for grammar in (exact, usual) if exact and usual else ():
        matcher = grammar.matcher()
        for _ in range(5):
            allowed = ids(matcher.allowed_token_ids())
            assert allowed == by_trying(grammar, matcher.position), matcher.text
            if not matcher.accept_token(rng.choice(allowed)) or matcher.is_terminated():
                break
        text, _ = walk(grammar, rng, CHOOSERS["uniform"], max_tokens=30)
        assert is_valid(schema, text), text  # which reads long numbers exactly


@given(conjunctions("array", ARRAY_KEYWORDS), st.integers(0, 2**32))
@settings(max_examples=40)
def test_small_arrays_are_accepted_exactly_where_a_validator_accepts_them(schema: Any, seed: int) -> None:
    check(schema, ARRAYS, seed)


@given(conjunctions("object", OBJECT_KEYWORDS), st.integers(0, 2**32))
@settings(max_examples=40)
def test_small_objects_are_accepted_exactly_where_a_validator_accepts_them(schema: Any, seed: int) -> None:
    check(schema, OBJECTS, seed)

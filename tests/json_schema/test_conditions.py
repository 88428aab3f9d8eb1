"""Rules that speak of the values and of the presence of keys: what they accept, and what they cost."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from benchmarks.conditions import FORMS
from constrain.budget import _spending, budget
from constrain.errors import LimitExceeded, UnsatisfiableError
from constrain.json_schema import goals
from constrain.json_schema.grammar import SchemaGrammar, compile_schema
from constrain.json_schema.options import JsonOptions
from tests.json_schema.test_schemas import written
from tests.json_schema.walk import accepts, random_text

KEYS = ["t", "u", "a", "b"]
VALUES: list[Any] = ["x", "y", "z", 1, None, True, {}, {"t": "x"}]
HOLDS: st.SearchStrategy[Any] = st.sampled_from(
    [
        *({"const": value} for value in ("x", "y", 1, None, True)),
        *({"enum": values} for values in (["x", "y"], ["y", "z"], ["x", 1, None], [True, "z"])),
        {"type": "string"}, {"pattern": "[xy]"}, {"required": ["t"]}, {"minimum": 1}, {}, False,
    ]
)  # fmt: skip
NAMES = st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True)
CONDITION = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from(KEYS), HOLDS, min_size=1, max_size=2)},
    optional={"required": NAMES},
)
COUNTED = [{"minProperties": 2}, {"maxProperties": 2}, {"additionalProperties": False}]
CONSEQUENCE = st.one_of(
    CONDITION,
    CONDITION,
    st.tuples(CONDITION, st.sampled_from(COUNTED)).map(lambda two: {**two[0], **two[1]}),
    NAMES.map(lambda names: {"required": names}),
    NAMES.map(lambda names: {"not": {"required": names}}),
)


def _rules(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The ways to write a condition."""
    return st.one_of(
        st.fixed_dictionaries({"if": CONDITION, "then": inner}, optional={"else": inner}),
        st.tuples(CONDITION, inner).map(lambda two: {"anyOf": [{"not": two[0]}, two[1]]}),
        st.tuples(CONDITION, inner).map(lambda two: {"not": {"allOf": [two[0], {"not": two[1]}]}}),
        st.dictionaries(st.sampled_from(KEYS), inner, min_size=1, max_size=2).map(
            lambda rules: {"dependentSchemas": rules}
        ),
        st.tuples(st.sampled_from(["oneOf", "anyOf"]), st.lists(inner, min_size=2, max_size=3)).map(
            lambda two: {two[0]: two[1]}
        ),
    )


RULES = _rules(st.one_of(CONSEQUENCE, CONSEQUENCE, _rules(CONSEQUENCE)))
SYSTEMS = st.fixed_dictionaries(
    {"allOf": st.lists(RULES, min_size=1, max_size=3)},
    optional={
        "properties": st.dictionaries(st.sampled_from(KEYS), HOLDS, max_size=3),
        "required": NAMES,
        "unevaluatedProperties": st.just(False),
    },
)
DOCUMENTS = st.dictionaries(st.sampled_from([*KEYS, "c"]), st.sampled_from(VALUES), max_size=4)


def compiled(schema: Any, options: JsonOptions) -> SchemaGrammar | None:
    try:
        return compile_schema(schema, options=options)
    except UnsatisfiableError:
        return None
    except LimitExceeded:
        assume(False)
        raise


X = {"const": "x"}
FORBIDDEN_TOGETHER = {
    "allOf": [
        {
            "if": {"properties": {"t": X, "u": X}},
            "then": {"properties": {"t": {"const": "y"}, "b": X}},
            "else": {"properties": {"t": X}},
        },
        {"anyOf": [{"not": {"properties": {"t": X}, "required": ["t"]}}, {"properties": {"t": X}}]},
    ]
}
"""The value of `t` leaves one clause that `u` may not be "x", beside another that it may if `b` is there."""


@settings(max_examples=250)
@example(FORBIDDEN_TOGETHER, [{"t": "x", "u": "x"}], 1)
@given(SYSTEMS, st.lists(DOCUMENTS, min_size=1, max_size=20), st.sampled_from([1, goals.MANY_CASES]))
def test_rules_accept_exactly_what_a_validator_accepts(schema: Any, some: list[Any], many: int) -> None:
    """Whether their cases are multiplied out, or deferred to the keys that they speak of."""
    validator = jsonschema_rs.Draft202012Validator(schema)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(goals, "MANY_CASES", many)
        grammar = compiled(schema, JsonOptions(property_order="any", whitespace="compact"))

        for document in some:
            verdict = grammar is not None and accepts(grammar.start, written(document))
            assert verdict == validator.is_valid(document), document


@settings(max_examples=100)
@given(
    SYSTEMS,
    st.sampled_from(["schema", "any"]),
    st.sampled_from([1, goals.MANY_CASES]),
    st.integers(0, 2**32),
)
def test_whatever_rules_write_is_valid(schema: Any, property_order: Any, many: int, seed: int) -> None:
    """No walk ends in the midst of a document, in either order of keys."""
    validator = jsonschema_rs.Draft202012Validator(schema)
    rng = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(goals, "MANY_CASES", many)
        grammar = compiled({"type": "object", **schema}, JsonOptions(property_order=property_order))
        assume(grammar is not None)
        assert grammar is not None

        for _ in range(3):
            text = random_text(grammar.start, rng, longest=80)
            if text is not None:
                assert validator.is_valid(json.loads(text)), text


def steps(schema: Any) -> float:
    """How much of a budget it takes to compile a schema and to find the keys that may come first."""
    allowed = 10**9
    with budget(allowed, "counting"):
        grammar = compile_schema(schema)
        body = grammar.start.follow(1)
        assert body is not None
        assert all(member.first for member in body.members)
        return allowed - _spending.left


EXPONENT = {"two_tags": 2.0, "unevaluated": 2.0, "forbidding": 2.0}
"""By what power of the number of rules the work may grow, where it is not 1: each of n alternatives forbids
n - 1 keys, or of two discriminators one must wait for its key."""


@pytest.mark.parametrize("name", FORMS)
def test_what_rules_cost_grows_with_their_number(name: str) -> None:
    """Counted in steps.  Twice the rules: at most two and a half times the work."""
    few, many = (steps(FORMS[name](n)[0]) for n in (40, 80))

    assert many <= 2.5 ** EXPONENT.get(name, 1.0) * few


@pytest.mark.parametrize("name", FORMS)
def test_rules_take_a_document_that_follows_them_and_no_other(name: str) -> None:
    schema, accepted = FORMS[name](30)
    validator = jsonschema_rs.Draft202012Validator(schema)
    grammar = compile_schema(schema, options=JsonOptions(whitespace="compact", property_order="any"))
    others = [
        {**accepted, key: value} for key in ("t", "u", "r1", "a1", "b1", "x", "z") for value in ("t1", 1)
    ]
    others += [{key: accepted[key] for key in accepted if key != left} for left in accepted]

    assert accepts(grammar.start, written(accepted))
    for document in others:
        assert accepts(grammar.start, written(document)) == validator.is_valid(document), document


def test_keys_that_forbid_each_other_are_answered() -> None:
    """Forty keys, each of which forbids all others: as names, and by requiring them not to be there."""
    names = [f"k{number}" for number in range(40)]
    for forbid in (
        lambda other: {"properties": {other: False}},
        lambda other: {"not": {"required": [other]}},
    ):
        rules = {name: {"allOf": [forbid(other) for other in names if other != name]} for name in names}
        grammar = compile_schema({"type": "object", "dependentSchemas": rules}, options=JsonOptions(
            whitespace="compact", property_order="any", max_steps=100_000
        ))  # fmt: skip

        assert accepts(grammar.start, b'{"k3":1}')
        assert accepts(grammar.start, b'{"other":1,"k3":1}')
        assert not accepts(grammar.start, b'{"k3":1,"k7":1}')


def test_one_way_is_found_without_multiplying_out_what_a_key_may_settle():
    """A value of `a` may settle any of sixteen rules about `a` and `b`: 65,536 sets of them."""
    rules = [
        {
            "not": {
                "required": ["a", "b"],
                "properties": {"a": {"required": [f"a{i}"]}, "b": {"required": [f"b{i}"]}},
            }
        }
        for i in range(16)
    ]
    inner = {"a": {"type": "object"}, "b": {"type": "object"}}
    schema = {"type": "object", "required": ["a", "b"], "properties": inner, "allOf": rules}
    with budget(30_000, "compiling"):
        grammar = compile_schema(schema)

    assert grammar.start.first

"""An alternative that is read off the keywords is the one that the algebra finds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.errors import ConstrainError
from constrain.json_schema.arrays import ArrayShape
from constrain.json_schema.objects import ObjectShape
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.single import single_alternative
from constrain.json_schema.units import Alternative, ArrayAlternative
from constrain.json_schema.values import ARRAY, OBJECT
from constrain.testing.random_schemas import KEYS, schemas
from tests.json_schema.parts import Parts, parts_of

OPTIONS = [JsonOptions(), JsonOptions.exact(additional_properties=False), JsonOptions(verbatim="a 1")]
plain_objects = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["object", ["object", "null"], "array", ["array", "object"]]),
        "properties": st.dictionaries(st.sampled_from(KEYS), schemas(), max_size=3),
        "required": st.lists(st.sampled_from(KEYS), max_size=3),
        "additionalProperties": schemas(),
        "items": schemas(),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "minLength": st.just(1),
    },
)


def lives(parts: Parts, alternative: Alternative) -> bool:
    if isinstance(alternative, ArrayAlternative):
        array = ArrayShape(parts.goals, alternative)
        return parts.algebra.can_complete_array(array, array.start)
    shape = ObjectShape(parts.goals, alternative, ordered=True)
    return parts.algebra.can_complete_object(shape, shape.start)


def check(schema: Any, kind: int, options: JsonOptions) -> bool:
    parts = parts_of(schema, options)
    single = single_alternative(parts.goals, parts.root, kind)
    if single is None:
        return False
    found = parts.goals._multiply_out(parts.goals.view.at(parts.goal, kind), kind)

    assert found == single or (found == () and not any(lives(parts, each) for each in single))
    return True


@given(st.one_of(schemas(), plain_objects), st.sampled_from([OBJECT, ARRAY]), st.sampled_from(OPTIONS))
def test_a_single_alternative_is_that_of_the_algebra(schema: Any, kind: int, options: JsonOptions) -> None:
    """But where the algebra sees at once that there is none."""
    try:
        check(schema, kind, options)
    except ConstrainError:
        return


SINGLE = [
    ({}, OBJECT),
    ({"type": "string"}, OBJECT),
    ({"type": ["object", "null"], "properties": {"a": True, "b": {"type": "null"}}}, OBJECT),
    ({"properties": {"a": {"type": "null"}, "b": True}, "required": ["b", "a", "b"]}, OBJECT),
    ({"properties": {"a": False}, "required": ["a"], "minItems": 2}, OBJECT),
    ({"additionalProperties": False}, OBJECT),
    ({"properties": {"a": {"$ref": "#"}}, "additionalProperties": {"type": "null"}}, OBJECT),
    ({"items": False, "minItems": 1}, ARRAY),
    ({"items": {"not": {}}, "maxItems": 3}, ARRAY),
    ({"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 3}, ARRAY),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "kind"), SINGLE, ids=str)
def test_is_read_off_the_keywords(schema: Any, kind: int) -> None:
    assert check(schema, kind, JsonOptions())


@pytest.mark.parametrize(
    "schema", [{"anyOf": [{}]}, {"patternProperties": {}}, {"minProperties": 1}, {"enum": [{}]}]
)
def test_is_left_to_the_algebra(schema: Any) -> None:
    assert not check(schema, OBJECT, JsonOptions())

"""A type stands for its schema wherever a schema is taken."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, NewType

import pytest
from pydantic import BaseModel, Field

import constrain
from constrain.errors import SchemaError
from constrain.target import as_schema
from constrain.vocabulary.vocabulary import Vocabulary

BYTES = Vocabulary.from_tokens([*(bytes([byte]) for byte in range(256)), None], eos_token_ids=(256,))
Age = NewType("Age", int)


class Person(BaseModel):
    born: date = Field(ge=date(1900, 1, 1))


@pytest.mark.parametrize(
    ("kind", "is_one"),
    [
        (Person, True), (int, True), (list[int], True), (int | None, True), (Literal["a"], True), (Age, True),
        (Annotated[int, Field(gt=1)], True), ({}, False), (True, False), ("{}", False), (3, False), (None,
        False),
    ],
)  # fmt: skip
def test_types_are_told_from_schemas(kind: object, is_one: bool) -> None:
    assert (as_schema(kind) is not kind) is is_one


@pytest.mark.parametrize(
    "compiled",
    [
        lambda: constrain.compile_json_schema(Person, BYTES),
        lambda: constrain.compile_part(constrain.json_value(Person), BYTES),
        lambda: pickle.loads(pickle.dumps(constrain.compile_json_schema(Person, BYTES))),
    ],
)
def test_a_type_is_compiled_as_the_schema_of_what_to_write(compiled: Callable[[], Any]) -> None:
    grammar = compiled()

    assert constrain.check_text(grammar, b'{"born":"1900-01-01"}').conforms
    assert not constrain.check_text(grammar, b'{"born":"1899-12-31"}').conforms


def test_a_type_has_a_report() -> None:
    assert str(constrain.check_schema(Person)) == str(constrain.check_schema(as_schema(Person)))


def test_a_type_without_a_schema_is_refused_by_name() -> None:
    with pytest.raises(SchemaError) as caught:
        as_schema(Callable[[int], int])

    assert str(caught.value) == (
        "collections.abc.Callable[[int], int] has no JSON Schema: "
        "Cannot generate a JsonSchema for core_schema.CallableSchema\n"
        "hint: give a Pydantic model, a dataclass, a type, or a JSON Schema as a dict or as text"
    )

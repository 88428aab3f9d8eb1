"""What is written for a type is all read by it: no key that the type would throw away."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum, Flag, StrEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar, Union

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter, create_model
from typing_extensions import TypedDict

from constrain.errors import SchemaError
from constrain.json_schema.grammar import compile_schema
from constrain.json_schema.options import JsonOptions
from constrain.type_schema import describe_type, type_schema
from tests.json_schema.walk import accepts, random_text

NAMES = ["a", "b", "class_name", "n"]
EXTRAS = [None, "ignore", "forbid", "allow"]
T = TypeVar("T")


class Colour(Enum):
    red = "r"
    blue = "b"


class Box(BaseModel, Generic[T]):
    content: T


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


class Pair(NamedTuple):
    left: bool
    right: Tree | None = None


def a_model(extra: Any, fields: Mapping[str, Any], optional: set[str]) -> Any:
    made = {name: (kind, None if name in optional else ...) for name, kind in fields.items()}
    return create_model("Model", __config__=ConfigDict(extra=extra) if extra else None, **made)  # type: ignore[call-overload]


def a_dataclass(extra: Any, fields: Mapping[str, Any], optional: set[str]) -> Any:
    names = sorted(fields, key=lambda name: name in optional)
    made: list[Any] = [
        (name, fields[name], dataclasses.field(default=None)) if name in optional else (name, fields[name])
        for name in names
    ]
    plain = dataclasses.make_dataclass("Record", made)
    return pydantic.dataclasses.dataclass(plain, config=ConfigDict(extra=extra)) if extra else plain


def a_typed_dict(extra: Any, fields: Mapping[str, Any], optional: set[str]) -> Any:
    make: Any = TypedDict
    made = make("Entry", dict(fields), total=not optional)
    if extra:
        made.__pydantic_config__ = ConfigDict(extra=extra)
    return made


VALUES = [1, True, 1.5, None, "x", "y", b"x", date(2024, 1, 1), (1, 2), Decimal("1.5")]
"""Of an enumeration; some are no JSON, and Pydantic reads no text as one of them."""


def _enumeration(values: list[Any]) -> Any:
    make: Any = Enum
    return make("Some", {"plain": "plain"} | {f"m{i}": value for i, value in enumerate(values)})


enumerations = st.lists(st.sampled_from(VALUES), max_size=4, unique_by=repr).map(_enumeration)
literals = enumerations.flatmap(lambda some: st.sampled_from([*some, "x"])).map(
    lambda value: Literal[value, "y"]
)

BOUNDS: list[tuple[Any, dict[str, Any]]] = [
    (int, {"ge": 3, "lt": 9}),
    (int, {"multiple_of": 7}),
    (float, {"gt": 0.1}),
    (Decimal, {"le": Decimal(5)}),
    (date, {"ge": date(2024, 1, 1)}),
    (timedelta, {"lt": timedelta(0)}),
    (str, {"pattern": "^[a-c]+$", "max_length": 4}),
    (list[int], {"min_length": 2}),
    (pydantic.EmailStr, {"pattern": "^a"}),
    (pydantic.HttpUrl, {"max_length": 15}),
]


def _same(value: Any) -> Any:
    return value


behind_functions = st.sampled_from(BOUNDS).map(
    lambda bound: Annotated[bound[0], pydantic.AfterValidator(_same), Field(**bound[1])]
)

leaves = st.one_of(
    st.sampled_from(
        [int, bool, None, Literal["x", "y"], Colour, Tree, Pair, Annotated[str, Field(max_length=2)]]
    ),
    enumerations,
    literals,
    behind_functions,
)


class Tag(StrEnum):
    a = "a"
    b = "b"


def _told_apart(tags: tuple[Any, ...], alias: str | None, defaults: list[bool], inner: Any) -> Any:
    """A union whose members a key tells apart, which some of them have a default for."""
    config = ConfigDict(serialize_by_alias=True)
    members = []
    for tag, default in zip(tags, defaults, strict=True):
        kind: Any = Literal[tag]
        field = Field(tag if default else ..., alias=alias)
        members.append(create_model(f"Of{tag}", __config__=config, tag=(kind, field), more=(inner, ...)))
    return Annotated[Union[tuple(members)], Field(discriminator="tag")]  # noqa: UP007 - of a tuple


def _unions(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        _told_apart,
        st.sampled_from([("a", "b"), (1, 2), (True, None), (Tag.a, Tag.b)]),
        st.sampled_from([None, "kind"]),
        st.lists(st.booleans(), min_size=2, max_size=2),
        inner,
    )


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    classes = st.builds(
        lambda make, extra, fields, optional: make(extra, fields, optional),
        st.sampled_from([a_model, a_dataclass, a_typed_dict]),
        st.sampled_from(EXTRAS),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
        st.sets(st.sampled_from(NAMES), max_size=2),
    )
    return st.one_of(
        classes,
        classes,
        _unions(inner),
        inner.map(lambda kind: list[kind]),  # type: ignore[valid-type]
        inner.map(lambda kind: dict[str, kind]),  # type: ignore[valid-type]
        inner.map(lambda kind: kind | None if kind is not None else None),
        inner.map(lambda kind: Box[kind]),  # type: ignore[valid-type]
        inner.map(lambda kind: RootModel[kind]),  # type: ignore[valid-type]
        st.tuples(inner, inner).map(lambda kinds: tuple[kinds]),  # type: ignore[valid-type]
    )


types = st.recursive(leaves, _containers, max_leaves=6)


def dropped(written: Any, kept: Any) -> list[str]:
    """The keys of an answer that the value made of it has not."""
    if isinstance(written, dict):
        lost = [key for key in written if key not in kept]
        return lost + [key for name in written if name in kept for key in dropped(written[name], kept[name])]
    if isinstance(written, list):
        return [key for pair in zip(written, kept, strict=False) for key in dropped(*pair)]
    return []


@given(types, st.randoms(use_true_random=False))
def test_a_type_keeps_every_key_that_is_written_for_it(kind: Any, rng: random.Random) -> None:
    """Whatever is nested in what, each class by its own configuration; and every answer is valid."""
    adapter = TypeAdapter(kind)
    text = random_text(compile_schema(type_schema(adapter)).start, rng)
    if text is None:
        return
    value = adapter.validate_json(text)

    assert dropped(json.loads(text), adapter.dump_python(value, mode="json")) == []


@given(types, st.randoms(use_true_random=False))
def test_closing_forbids_only_keys_that_are_thrown_away(kind: Any, rng: random.Random) -> None:
    """Every document that a type accepts, without the keys that it drops, can still be written."""
    adapter = TypeAdapter(kind)
    text = random_text(compile_schema(adapter.json_schema()).start, rng)
    if text is None:
        return
    try:
        value = adapter.validate_json(text)
    except pydantic.ValidationError:
        return
    kept = _without(json.loads(text), adapter.dump_python(value, mode="json"))

    assert accepts(compile_schema(type_schema(adapter)).start, json.dumps(kept, ensure_ascii=False).encode())


def _without(written: Any, kept: Any) -> Any:
    if isinstance(written, dict):
        return {name: _without(part, kept[name]) for name, part in written.items() if name in kept}
    if isinstance(written, list):
        return [_without(*pair) for pair in zip(written, kept, strict=False)]
    return written


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]
    inner: Box[bool]


class Entry(TypedDict, total=False, extra_items=bool):  # type: ignore[call-arg]
    name: str


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]


class Zoo(RootModel[list[Annotated[Cat | Dog, Field(discriminator="kind")]]]):
    pass


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (
            Loose,
            {
                '{"inner":{"content":true},"more":1}': True,
                '{"inner":{"content":true},"more":"x"}': False,
                '{"inner":{"content":true,"more":1}}': False,
            },
        ),
        (Entry, {'{"more":true}': True, '{"more":1}': False, '{"name":"x"}': True}),
        (
            Zoo,
            {
                '[{"kind":"cat","lives":1}]': True,
                '[{"kind":"dog","lives":1}]': False,
                '[{"kind":"dog"},{"kind":"cat"}]': True,
            },
        ),
        (Tree, {'{"value":1,"children":[{"value":2}]}': True, '{"value":1,"children":[{"x":3}]}': False}),
        (dict[str, Tree], {'{"x":{"value":1},"y":{"value":2}}': True, '{"x":{"value":1,"y":2}}': False}),
        (BaseModel, {"{}": True, '{"x":1}': False}),
    ],
    ids=lambda part: getattr(part, "__name__", None),
)  # fmt: skip
def test_each_class_is_closed_by_its_own_configuration(kind: Any, texts: dict[str, bool]) -> None:
    """Extras that have a type, PEP 728's extra items, variants told apart, classes within classes."""
    start = compile_schema(type_schema(TypeAdapter(kind))).start

    assert {text: accepts(start, text.encode()) for text in texts} == texts


def saying(**extra: Any) -> Any:
    """A model with one field whose author adds to its schema."""
    return create_model("Said", __config__=ConfigDict(json_schema_extra=extra), a=(int, ...))


class Own(BaseModel):
    a: int

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> Any:
        return {"type": "object", "required": ["a", "b"]}


@pytest.mark.parametrize(
    "kind",
    [
        saying(additionalProperties=True),
        saying(additionalProperties={"type": "null"}),
        saying(patternProperties={"^x": {"type": "null"}}),
        saying(required=["a", "b"]),
        saying(minProperties=2),
        saying(allOf=[{"properties": {"b": {"type": "null"}}, "required": ["b"]}]),
        Own,
    ],
)
def test_a_schema_that_its_author_has_a_hand_in_keeps_what_it_says(kind: Any) -> None:
    """A model that says more of its keys than its fields do is not closed, and so never left empty."""
    schema = type_schema(TypeAdapter(kind))
    grammar = compile_schema(schema, options=JsonOptions(property_order="any"))

    assert accepts(grammar.start, b'{"a":1,"b":null}')
    assert schema.get("additionalProperties") is not False


class Titled(BaseModel):
    model_config = ConfigDict(title="A titled thing")
    plain: int
    told: int = Field(title="What was told")
    box: Box[int]


def test_only_titles_that_somebody_wrote_are_in_a_schema() -> None:
    assert type_schema(TypeAdapter(Titled)) == {
        "$defs": {
            "Box_int_": {
                "type": "object",
                "properties": {"content": {"type": "integer"}},
                "required": ["content"],
                "additionalProperties": False,
            }
        },
        "type": "object",
        "title": "A titled thing",
        "properties": {
            "plain": {"type": "integer"},
            "told": {"type": "integer", "title": "What was told"},
            "box": {"$ref": "#/$defs/Box_int_"},
        },
        "required": ["plain", "told", "box"],
        "additionalProperties": False,
    }


@given(st.floats() | st.text(max_size=2) | st.none())
def test_a_default_is_in_a_schema_where_json_can_write_it(default: Any) -> None:
    """Not-a-number and infinity are usual defaults of Python, and no JSON."""
    made = create_model("Made", a=(float | str | None, default), b=(Tree | None, Field(default=None)))
    properties = type_schema(TypeAdapter(made))["properties"]
    is_written = not isinstance(default, float) or default - default == 0

    assert ("default" in properties["a"]) is is_written
    assert properties["b"]["default"] is None
    assert json.dumps(properties, allow_nan=False)


class Rights(Flag):
    read = 1
    write = 2


class Keyed(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[Annotated[str, Field(pattern="^x_")], int]
    name: str


def _length(value: Any) -> str:
    return "short" if isinstance(value, str) and len(value) < 3 else "long"


Chosen = Annotated[
    Annotated[str, pydantic.Tag("short")] | Annotated[str, Field(min_length=3), pydantic.Tag("long")],
    pydantic.Discriminator(_length),
]


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (Rights, {"0": True, "3": True, "4": False}),
        (
            Keyed,
            {
                '{"name":"a","x_1":2}': True,
                '{"name":"a","y":2}': False,
                '{"name":"a"}': True,
            },
        ),
        (Chosen, {'"ab"': True, '"abc"': True}),
        (Enum("Mixed", {"day": date(2024, 1, 1), "word": "w"}), {'"w"': True, '"2024-01-01"': False}),
    ],
    ids=["flags", "keys of extras", "a function that chooses", "values that are no JSON"],
)
def test_what_pydantic_takes_is_what_is_written(kind: Any, texts: dict[str, bool]) -> None:
    """Flags are combined; extras have keys of a type; a text of both members of a union is right."""
    adapter = TypeAdapter(kind)
    start = compile_schema(type_schema(adapter)).start

    assert {text: accepts(start, text.encode()) for text in texts} == texts
    assert {text: _is_taken(adapter, text) for text in texts} == texts


def _is_taken(adapter: TypeAdapter[Any], text: str) -> bool:
    try:
        adapter.validate_json(text)
    except pydantic.ValidationError:
        return False
    return True


class Days(Enum):
    first = date(2024, 1, 1)


class OfDay(BaseModel):
    tag: Literal[Days.first] = Days.first


class OfWord(BaseModel):
    tag: Literal["word"] = "word"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Days, "none of its values can be read from JSON"),
        (Literal[b"x"], "none of its values can be read from JSON"),
        (type[int], "Cannot generate a JsonSchema for a class, which no JSON text is"),
    ],
    ids=["enumeration", "literal", "class"],
)
def test_a_type_that_no_text_is_read_as_is_refused_by_name(kind: Any, reason: str) -> None:
    with pytest.raises(SchemaError) as caught:
        describe_type(kind)

    assert str(caught.value) == (
        f"{kind!r} has no JSON Schema: {reason}\n"
        "hint: give a Pydantic model, a dataclass, a type, or a JSON Schema as a dict or as text"
    )


def test_a_member_of_a_union_that_json_cannot_name_is_never_written() -> None:
    both = Annotated[OfDay | OfWord, Field(discriminator="tag")]

    assert type_schema(TypeAdapter(both))["oneOf"] == [{"$ref": "#/$defs/OfWord", "required": ["tag"]}]

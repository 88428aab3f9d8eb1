"""Whatever a program may have at hand where this package asks for something else."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from pydantic import BaseModel, Field, RootModel

from constrain.json_schema.keywords import KEYWORDS
from constrain.tool_calls.tools import Tool

DIALECTS = [
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
]
HUGE = 10**400
"""More digits than a float has, fewer than Python refuses to write."""


@dataclass
class Custom:
    """Nothing that anybody expects."""

    value: int = 0


def _itself_in_a_list() -> list[Any]:
    holder: list[Any] = [1]
    holder.append(holder)
    return holder


def _itself_in_an_object() -> dict[str, Any]:
    holder: dict[str, Any] = {"type": "object"}
    holder["properties"] = {"a": {"items": [holder]}}
    return holder


def nested(depth: int, make: Callable[[Any], Any], inner: Any = None) -> Any:
    for _ in range(depth):
        inner = make(inner)
    return inner


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.sampled_from([HUGE, -HUGE, 1 << 31, 1 << 63]),
    st.sampled_from([0.5, -0.0, 1e-9, float("nan"), float("inf"), float("-inf")]),
    st.sampled_from([Decimal("0.1"), Decimal("NaN"), Decimal("Infinity"), Fraction(1, 3), 1j]),
    st.text(max_size=3),
    st.sampled_from(
        ["\ud800", "a\udfff", "\ud83d\ude00", "\0", "http://[", "#", "#/", "#/a/0", "#a", "../x"]
    ),
    st.sampled_from(["string", "object", "^a(", "a{9}{9}", r"\1", "(?<=a)b", "date-time", "$", "[]"]),
    st.binary(max_size=2),
    st.sampled_from([np.int64(3), np.float64(0.5), np.bool_(True), np.str_("a"), np.nan]),
)
_OBJECTS = st.sampled_from(
    [
        object(), Custom, Custom(), print, Ellipsis, Path("x"), re.compile("a"), re.compile(b"a"), range(2),
        bytearray(b"a"), memoryview(b"ab"), np.arange(2), np.zeros((1, 1)), {1, "a"}, frozenset({1}),
        list[int], slice(1), NotImplemented,
    ]
)  # fmt: skip
_MADE: st.SearchStrategy[Any] = st.sampled_from(
    [
        _itself_in_a_list,
        _itself_in_an_object,
        lambda: iter([1, "a"]),
        lambda: 10**5_000,  # Python refuses to write it, so Hypothesis must not be asked for its list
        lambda: nested(1_500, lambda inner: [inner]),
        lambda: nested(1_500, lambda inner: {"items": inner}),
        lambda: nested(1_500, lambda inner: {"a": inner}),
    ]
).flatmap(st.builds)
_KEYS = st.one_of(
    st.text(max_size=2),
    st.sampled_from(["a", "\ud800", "$ref", "type", "id", "properties", "~/"]),
    st.sampled_from([1, None, True, 0.5, b"a", (1,), Custom]),
)


def objects() -> st.SearchStrategy[Any]:
    """Any Python object: scalars of several families, containers of them, and what no container may hold."""
    return st.recursive(
        st.one_of(_SCALARS, _SCALARS, _OBJECTS, _MADE),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(_KEYS, inner, max_size=3),
            st.lists(inner, max_size=2).map(tuple),
        ),
        max_leaves=4,
    )


_NAMES = st.sampled_from(["a", "b", "ab", "id"])
_OF_FORM: dict[str, st.SearchStrategy[Any]] = {
    "any": st.sampled_from([1, "a", None, [1, {"a": True}], {"a": "b"}]),
    "natural": st.integers(0, 3),
    "number": st.sampled_from([0, 1, 1.5, -3]),
    "positive": st.sampled_from([1, 2, 0.5]),
    "boolean": st.booleans(),
    "number or boolean": st.booleans(),
    "pattern": st.sampled_from(["^a", "b$", "[a-c]+"]),
    "names": st.lists(_NAMES, max_size=2, unique=True),
    "names map": st.dictionaries(_NAMES, st.lists(_NAMES, max_size=2, unique=True), max_size=2),
    "type": st.sampled_from(["string", "object", "array", "number", ["integer", "null"]]),
    "array": st.lists(st.sampled_from(["a", 1, None, {"a": 1}, [True]]), min_size=1, max_size=3),
}
_STRINGS: dict[str, list[str]] = {
    "$schema": DIALECTS,
    "$ref": ["#", "#/definitions/a", "#/$defs/a/items", "#/properties/a", "#b", "x:y", "#/allOf/0"],
    "$dynamicRef": ["#b", "#"],
    "$recursiveRef": ["#"],
    "format": ["date", "ipv4", "nonsense"],
}
_REFERRED = ["#a", "b", "http://x/y"]


def _right(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Schemas in which each keyword has a value of the form that it needs."""
    of_form = _OF_FORM | {
        "schema": inner,
        "schemas": st.lists(inner, min_size=1, max_size=2),
        "schema map": st.dictionaries(_NAMES, inner, max_size=2),
        "schema or schemas": inner,
        "schema or names map": st.dictionaries(_NAMES, inner | _OF_FORM["names"], max_size=2),
        "boolean or schema": inner,
    }
    keyed = [
        st.tuples(
            st.just(row.name),
            st.sampled_from(_STRINGS.get(row.name, _REFERRED)) if row.form == "string" else of_form[row.form],
        )
        for row in KEYWORDS
    ]
    return st.lists(st.one_of(keyed), min_size=1, max_size=4).map(dict)


_TROUBLE = st.one_of(
    st.sampled_from([float("nan"), float("inf"), "\ud800", "a\udfff", [float("nan")], {"\ud800": 1}]),
    st.builds(pow, st.just(10), st.just(5_000)),
)
"""What Python's JSON reader lets pass, and nobody can write again."""
_HALVES = st.sampled_from(["\ud800", "a\udfff"])


@st.composite
def schemas(draw: st.DrawFn) -> Any:
    """Schemas of all keywords, right but for one or two places, which hold any object."""
    schema = draw(st.recursive(st.booleans() | _right(st.just(True)), _right, max_leaves=5))
    holder = {"": copy.deepcopy(schema)}  # what was sampled is shared
    for _ in range(draw(st.integers(0, 2))):
        inside, key = draw(st.sampled_from(_places(holder)))
        how = draw(st.sampled_from(["value", "value", "key", "more"]))
        if how == "value" or inside is holder or isinstance(inside, list):
            inside[key] = draw(objects() | _TROUBLE)
        elif how == "key":
            inside[draw(_KEYS | _HALVES)] = inside.pop(key)
        else:
            inside[draw(_KEYS | _HALVES)] = draw(objects() | _TROUBLE)
    return holder[""]


# Lists of tools


class Place(BaseModel):
    """A place on a map."""

    x: int
    y: float = float("inf")


class Names(RootModel[list[str]]):
    """Arguments that have no names."""


class Names2(RootModel[list["Names2"]]):
    """No arguments, as is seen where its reference leads."""


class Half(BaseModel):
    a: int = Field(description="\ud800")


class Opaque(BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    a: memoryview


class Raising(BaseModel):
    @classmethod
    def __get_pydantic_json_schema__(cls, *_: object) -> Any:
        raise KeyError


def look(where: Place, unit: Literal["m", "km"] = "m") -> None:
    """Look at a place."""


def wait(*, seconds: float = float("inf"), why=None) -> None:  # type: ignore[no-untyped-def]
    """Wait.

    Args:
        seconds: How long.
    """


def _misspelt(a: Nope) -> None: ...  # type: ignore[name-defined]  # noqa: F821


def _no_hint(a: "(") -> None: ...  # type: ignore[syntax]  # noqa: F722


def _no_attribute(a: re.Nope) -> None: ...  # type: ignore[name-defined]


def _divided(a: "1 / 0") -> None: ...  # type: ignore[valid-type]  # noqa: UP037


def _positional(a: int, /) -> None: ...


def _any_number(*a: int, **b: int) -> None: ...


def _half(a: int) -> None:
    a.__doc__ = ""


_half.__doc__ = "\ud800"


def _renamed(name: str) -> Any:
    def function(a: int) -> None: ...

    function.__name__ = name
    return function


_PARAMETERS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"items": {"enum": [1, "a"]}}}}
_RIGHT_TOOLS: list[Callable[[str], Any]] = [
    lambda name: {"type": "function", "function": {"name": name, "parameters": _PARAMETERS, "strict": True}},
    lambda name: {"name": name, "description": "What it does.", "parameters": _PARAMETERS},
    lambda name: {"type": "function", "name": name, "parameters": {"properties": {}}},
    lambda name: {"type": "function", "function": {"name": name, "description": None, "parameters": None}},
    lambda name: {"name": name, "parameters": {"$ref": "#/$defs/a", "$defs": {"a": _PARAMETERS}}},
    _renamed,
    lambda name: Tool(name, "", _PARAMETERS, str),
]
"""Each by the name it is to have."""
_NOT_TOOLS = [
    Names, Names2, Half, Opaque, Raising, Custom, Custom(), _misspelt, _no_hint, _no_attribute, _divided,
    _positional, _any_number, _half, _renamed(""), _renamed(" "), _renamed("\ud800"), lambda a: a, max, "f",
    3, None, b"f", [], [look], {}, {"tools": [look]}, Place(x=1),
]  # fmt: skip
_NOT_AN_OBJECT = [
    [], False, "object", 3, {"type": "string"}, {"type": ["object", "null"]}, {"type": None},
    {"type": "objekt"}, {"properties": []}, {"properties": {"a": 3}}, {"properties": {"a": {"type": "text"}}},
    {"required": "a"}, {"allOf": [{"type": "array"}]}, {"required": ["a"], "properties": {"a": False}},
    {"$ref": "#/$defs/a"}, {"default": {1}}, {"title": "\ud800"}, {"default": float("nan")}, {1: 2},
    {"default": Fraction(1, 3)}, {"properties": {"a": {"pattern": "("}}}, {"properties": {"\udfff": True}},
    {"enum": [b"a"]},
]  # fmt: skip
_MADE_NO_OBJECT: list[Callable[[], Any]] = [
    _itself_in_an_object,
    lambda: {"default": _itself_in_a_list()},
    lambda: {"properties": {"a": {"maximum": 10**5_000}}},
    lambda: nested(1_500, lambda inner: {"properties": {"a": inner}}, {}),
]


def _breaks(inner: dict[str, Any], outer: dict[str, Any]) -> list[Callable[[st.DataObject], object]]:
    """Ways to break a definition, so that it is wrong whatever else it says."""

    def renamed(old: str, *new: str) -> Callable[[st.DataObject], object]:
        return lambda data: inner.update({data.draw(st.sampled_from(new)): inner.pop(old)})

    def exchanged(key: str, values: list[Any]) -> Callable[[st.DataObject], object]:
        return lambda data: inner.update({key: data.draw(st.sampled_from(values))})

    ways = [
        renamed("name", "nome", "names", "id"),
        exchanged("name", [None, "", " ", 3, b"f", ["f"], {"f": 1}, "\ud800"]),
        exchanged("description", [3, b"a", ["a"], {"a": 1}, True, "\udfff"]),
        exchanged("parameters", _NOT_AN_OBJECT),
        lambda data: inner.update(parameters=data.draw(st.sampled_from(_MADE_NO_OBJECT))()),
        lambda data: outer.update(
            type=data.draw(st.sampled_from(["web_search", "object", None, 3, ["function"]]))
        ),
        lambda data: outer.update(
            function=data.draw(st.sampled_from([None, [outer], "f", 3, {"function": {}}]))
        ),
    ]
    if inner.get("parameters") is not None:
        ways.append(renamed("parameters", "paramters", "Parameters", "input_schema", "inputSchema", "args"))
        if outer is not inner:
            ways.append(lambda data: outer.update(parameters=inner.pop("parameters")))
    return ways


@st.composite
def nearly_tools(draw: st.DrawFn) -> tuple[list[Any], int | None, str]:
    """A list of tools, the index of the wrong one, and its name, if it has one; None: two have one name."""
    names = [f"tool{number}" for number in range(draw(st.integers(1, 3)))]
    tools = [copy.deepcopy(draw(st.sampled_from(_RIGHT_TOOLS))(name)) for name in names]
    at = draw(st.integers(0, len(tools) - 1))
    if draw(st.integers(0, 9)) == 0:
        return [*tools, draw(st.sampled_from(_RIGHT_TOOLS))(names[at])], None, names[at]
    broken = tools[at]
    if not isinstance(broken, dict) or draw(st.integers(0, 3)) == 0:
        tools[at] = draw(st.sampled_from(_NOT_TOOLS))
        return tools, at, getattr(tools[at], "__name__", "")
    data = draw(st.data())
    data.draw(st.sampled_from(_breaks(broken.get("function", broken), broken)))(data)
    return tools, at, names[at]


@st.composite
def tool_lists(draw: st.DrawFn) -> list[Any]:
    """Lists of tools, right but for one or two places, which hold any object."""
    made = [
        draw(st.sampled_from([*_RIGHT_TOOLS, *[lambda _, it=it: it for it in (Place, look, wait)]]))
        for _ in range(2)
    ]
    holder: dict[str, Any] = {"": [copy.deepcopy(make(f"tool{number}")) for number, make in enumerate(made)]}
    for _ in range(draw(st.integers(0, 2))):
        inside, key = draw(st.sampled_from(_places(holder)))
        if draw(st.booleans()) or isinstance(inside, list) or inside is holder:
            inside[key] = draw(objects() | _TROUBLE)
        else:
            inside[draw(_KEYS | _HALVES)] = inside.pop(key)
    return holder[""]  # type: ignore[no-any-return]


def _places(holder: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Every value inside, as what holds it and its key or index; what holds itself is entered once."""
    found: list[tuple[Any, Any]] = []
    pending: list[Any] = [holder]
    seen: set[int] = set()
    while pending and len(found) < 200:
        inside = pending.pop()
        if isinstance(inside, dict | list) and id(inside) not in seen:
            seen.add(id(inside))
            items = list(inside.items() if isinstance(inside, dict) else enumerate(inside))
            found += [(inside, key) for key, _ in items]
            pending += [value for _, value in items]
    return found

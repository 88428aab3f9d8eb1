"""Whatever a program may have at hand where this package asks for something else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from constrain.json_schema.keywords import KEYWORDS
from tests.strategies import first_part_schemas

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


def schemas() -> st.SearchStrategy[Any]:
    """Schemas of any keywords, most of them with something wrong at some place."""
    names = sorted({row.name for row in KEYWORDS})
    anything = st.recursive(
        st.one_of(first_part_schemas(), objects()),
        lambda inner: st.one_of(
            st.dictionaries(st.sampled_from(names), inner, max_size=4),
            st.dictionaries(_KEYS, inner, max_size=2),
            st.lists(inner, max_size=2),
        ),
        max_leaves=6,
    )
    keyed = st.dictionaries(st.sampled_from(names), anything, max_size=4)
    declared = st.sampled_from([{}, {}, *({"$schema": uri} for uri in DIALECTS)])
    return st.one_of(st.builds(lambda head, body: {**head, **body}, declared, keyed), anything)

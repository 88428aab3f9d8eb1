"""Random patterns and random schemas."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st


def small_patterns(alphabet: str) -> st.SearchStrategy[str]:
    """Regular expressions over a few letters, a handful of operators deep."""
    leaves = st.sampled_from([*alphabet, ".", f"[{alphabet}]", f"[^{alphabet[0]}]", ""]).map(
        lambda text: text.replace(".", f"[{alphabet}]").replace(f"[^{alphabet[0]}]", f"[{alphabet[1:]}]")
    )

    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        grouped = inner.map(lambda text: f"(?:{text})")
        return st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(grouped, grouped).map("|".join).map(lambda text: f"(?:{text})"),
            st.tuples(grouped, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}"])).map(
                "".join
            ),
        )

    return st.recursive(leaves, extend, max_leaves=6)


_KEYS = st.sampled_from(["a", "b", "ab", "é", 'q"', ""])
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-20, 20),
    st.sampled_from(["", "a", "ab", "é", '"', "\n", "b\\"]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=2),
    max_leaves=3,
)


def first_part_schemas() -> st.SearchStrategy[Any]:
    """JSON Schemas over the keywords every engine should have, nested and combined."""
    return st.recursive(_leaf_schemas(), _composed_schemas, max_leaves=6)


def _bounds(low: str, high: str, top: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(st.integers(0, top), st.integers(0, top)).flatmap(
        lambda pair: st.sampled_from(
            [{}, {low: min(pair)}, {high: max(pair)}, {low: min(pair), high: max(pair)}]
        )
    )


def _leaf_schemas() -> st.SearchStrategy[Any]:
    strings = st.tuples(
        _bounds("minLength", "maxLength", 4),
        st.sampled_from(
            [{}, {}, {"pattern": "^a"}, {"pattern": "b$"}, {"pattern": "[a-c]é?"}, {"pattern": "^[ab]*$"}]
        ),
    ).map(lambda parts: {"type": "string", **parts[0], **parts[1]})
    integers = st.tuples(st.integers(-300, 300), st.integers(0, 500)).flatmap(
        lambda pair: st.sampled_from(
            [
                {"type": "integer"},
                {"type": "integer", "minimum": pair[0]},
                {"type": "integer", "maximum": pair[0]},
                {"type": "integer", "minimum": pair[0], "maximum": pair[0] + pair[1]},
                {"type": "integer", "exclusiveMinimum": pair[0], "exclusiveMaximum": pair[0] + pair[1] + 2},
            ]
        )
    )
    types = ["string", "integer", "number", "boolean", "null", "object", "array"]
    return st.one_of(
        strings,
        integers,
        st.sampled_from([True, {}, *({"type": name} for name in types)]),
        st.lists(st.sampled_from(types), min_size=1, max_size=3, unique=True).map(
            lambda names: {"type": names}
        ),
        _VALUES.map(lambda value: {"const": value}),
        st.lists(_VALUES, min_size=1, max_size=4).map(lambda values: {"enum": values}),
    )


def _composed_schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    additional = st.one_of(
        st.just({}),
        st.booleans().map(lambda b: {"additionalProperties": b}),
        inner.map(lambda s: {"additionalProperties": s}),
    )
    objects = st.tuples(
        st.dictionaries(_KEYS, inner, max_size=3), st.lists(_KEYS, max_size=2, unique=True), additional
    ).map(lambda parts: {"type": "object", "properties": parts[0], "required": parts[1], **parts[2]})
    arrays = st.tuples(
        st.one_of(st.just({}), inner.map(lambda s: {"items": s})),
        st.one_of(st.just({}), st.lists(inner, min_size=1, max_size=2).map(lambda s: {"prefixItems": s})),
        _bounds("minItems", "maxItems", 3),
    ).map(lambda parts: {"type": "array", **parts[0], **parts[1], **parts[2]})
    return st.one_of(objects, arrays, st.lists(inner, min_size=1, max_size=3).map(lambda s: {"anyOf": s}))

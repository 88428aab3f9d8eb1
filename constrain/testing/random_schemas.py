"""Random schemas over a small world, and random documents of that world.

The world is small on purpose: three keys, a handful of strings and numbers.  Keywords then meet each other,
and a random document has a fair chance to be on the edge of a random schema.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KEYS = ["a", "b", "ab", "c1"]
STRINGS = ["", "a", "ab", "b1", "é"]
NUMBERS = [0, 1, 2, 3, -1, 6, 1.5, 2.0]
PATTERNS = ["a", "^a", "b$", "^[a-c]+$", "[0-9]"]

scalars = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(STRINGS))
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    ),
    max_leaves=5,
)
small = st.integers(0, 3)
types = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def _keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(st.sampled_from(KEYS), inner, max_size=2)
    names = st.lists(st.sampled_from(KEYS), max_size=2, unique=True)
    choices: dict[str, st.SearchStrategy[Any]] = {
        "type": st.one_of(types, st.lists(types, min_size=1, max_size=3, unique=True)),
        "enum": st.lists(documents, min_size=1, max_size=3),
        "const": documents,
        "minimum": st.sampled_from(NUMBERS),
        "exclusiveMaximum": st.sampled_from(NUMBERS),
        "multipleOf": st.sampled_from([1, 2, 3, 0.5]),
        "minLength": small,
        "maxLength": small,
        "pattern": st.sampled_from(PATTERNS),
        "properties": named,
        "patternProperties": st.dictionaries(st.sampled_from(PATTERNS), inner, max_size=2),
        "additionalProperties": inner,
        "propertyNames": inner,
        "required": names,
        "minProperties": small,
        "maxProperties": small,
        "dependentRequired": st.dictionaries(st.sampled_from(KEYS), names, max_size=2),
        "dependentSchemas": named,
        "unevaluatedProperties": inner,
        "prefixItems": several,
        "items": inner,
        "minItems": small,
        "maxItems": small,
        "uniqueItems": st.booleans(),
        "contains": inner,
        "minContains": small,
        "maxContains": small,
        "unevaluatedItems": inner,
        "allOf": several,
        "anyOf": several,
        "oneOf": several,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
    }
    return st.lists(st.sampled_from(sorted(choices)), max_size=4, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: choices[name] for name in chosen})
    )


_SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.booleans(), _keywords(st.booleans())), _keywords, max_leaves=5
)


def schemas() -> st.SearchStrategy[Any]:
    """JSON Schemas of every keyword, a few levels deep, that meet each other and the data of `documents`."""
    return _SCHEMAS

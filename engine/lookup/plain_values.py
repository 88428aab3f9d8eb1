"""What is written where the text says nothing of a field that must be there?

    {"type": "string"}                         ""
    {"type": "string", "format": "date"}       "2000-01-01"
    {"type": "string", "pattern": "^x-[0-9]$"} "x-0"
    {"type": "integer", "minimum": 18}         18

A plain value: one that is empty, or the usual one for its format, or, where the field does not take that, the
shortest that it takes.  Whether it is taken is asked of the compiler, so that nothing here is overruled by a
mask and then goes on with whatever token comes first.

Cost: a leaf is compiled once and its value remembered, a few milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from constrain.errors import ConstrainError, UnsatisfiableError
from constrain.json_schema.formats_python import standard_name
from constrain.json_schema.grammar import compile_schema
from constrain.json_schema.options import JsonOptions
from constrain.shortest import shortest_text

_EMPTY: dict[str, Any] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "array": [],
    "object": {},
}
_BY_FORMAT = {
    "date": ("2000-01-01",), "time": ("00:00:00Z", "00:00:00"), "duration": ("PT0S",),
    "date-time": ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00"), "email": ("name@example.com",),
    "idn-email": ("name@example.com",), "hostname": ("example.com",), "idn-hostname": ("example.com",),
    "uri": ("https://example.com",), "iri": ("https://example.com",), "ipv4": ("0.0.0.0",), "ipv6": ("::",),
    "uuid": ("00000000-0000-4000-8000-000000000000",),
}  # fmt: skip
_OF_SCALARS = frozenset({
    "type", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "enum", "const", "not",
})  # fmt: skip
_MAX_STEPS = 1_000_000


def plain_value(kind: str, leaf: Mapping[str, Any]) -> Any:
    """A value of a scalar schema of that type; None for another kind of schema.

    >>> plain_value("string", {"type": "string", "pattern": "^[A-Z]+-[0-9]+$"})
    'A-0'
    """
    if kind not in _EMPTY or kind in {"boolean", "array", "object"}:
        return _EMPTY.get(kind)
    said = {
        "type": kind,
        **{keyword: leaf[keyword] for keyword in _OF_SCALARS & leaf.keys() if keyword != "type"},
    }
    parts = [part for part in leaf.get("allOf", ()) if isinstance(part, dict) and part.keys() <= _OF_SCALARS]
    try:
        return _plain_value(kind, json.dumps({**said, "allOf": parts} if parts else said))
    except (ConstrainError, TypeError, ValueError):  # what is wrong with a schema is for its compiler to say
        return _EMPTY[kind]


@lru_cache(maxsize=1_024)
def _plain_value(kind: str, text: str) -> Any:
    leaf = json.loads(text)
    if leaf == {"type": kind}:
        return _EMPTY[kind]
    options = JsonOptions(max_steps=_MAX_STEPS)
    for value in _candidates(kind, leaf):
        try:
            compile_schema({"allOf": [leaf, {"const": value}]}, options=options)
        except UnsatisfiableError:
            continue
        return value
    return json.loads(shortest_text(compile_schema(leaf, options=options).start))


def _candidates(kind: str, leaf: Mapping[str, Any]) -> Iterator[Any]:
    name = leaf.get("format")
    yield from _BY_FORMAT.get(standard_name(name), ()) if isinstance(name, str) else ()
    yield _EMPTY[kind]

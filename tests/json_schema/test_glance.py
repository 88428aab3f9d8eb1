"""What is plain at a glance, the scan admits, and reads alike."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.errors import ConstrainError
from constrain.json_schema.admission import admit
from constrain.json_schema.glance import Glance, glance
from constrain.json_schema.grammar import scan_schema
from constrain.json_schema.keywords import KEYWORDS
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.references import MAX_DEPTH, Documents, standard_dialect
from constrain.json_schema.scalars import Scalars
from constrain.testing.random_schemas import schemas

URIS = [
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "https://json-schema.org/draft-07/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
    "http://json-schema.org/schema#",
    "https://example.org/dialect",
    7,
]
POINTERS = ["#", "#/$defs/a", "#/definitions/a", "#/a", "#/items", "#/items/0", "#/properties/a",
    "#/allOf/1", "#/a/b", "#a", "a.json", "#/definitions/a%20b", "#/definitions/a~1b", "#/items/x",
    "#/type/0", ""]  # fmt: skip
VALUES = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2.0,
        1.5,
        Decimal("2.50"),
        (),
        [],
        {},
        [{}],
        [1],
        ["a"],
        ["string", "null"],
    ),
    *(
        "",
        "a",
        "string",
        "any",
        "strnig",
        "[a-z]+",
        r"(a)\1",
        "(",
        "^(?!a)",
        "\ud800",
        "#a",
        "http://a.org/x",
    ),
    *({"a": True}, {"a": ["b"]}, {"(": True}, {"a": 1}, {1: True}, {"type": ["string"]}, [True, {"type": 1}]),
]
NAMES = [*sorted({row.name for row in KEYWORDS}), "a", "a b", "a/b", "x-note"]
LIKELY = ["$ref", "$id", "id", "$schema", "definitions", "$defs", "items", "properties", "type", "allOf", "a"]


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    values = {
        "$ref": st.sampled_from(POINTERS),
        "$schema": st.sampled_from(URIS),
        "pattern": st.sampled_from(["[a-z]+", "(a)\\1", "(", "^(?!a)", "\ud800"]),
        "type": st.sampled_from(["string", "any", "strnig", ["string", "null"], [], ["any"]]),
    }
    names = st.one_of(st.sampled_from(NAMES), st.sampled_from(LIKELY), st.sampled_from(LIKELY))
    maps = st.dictionaries(st.sampled_from(["a", "b", "a b", "a/b", "id", "$id"]), inner, max_size=2)
    several = st.lists(inner, max_size=2)

    def of(chosen: list[str]) -> st.SearchStrategy[Any]:
        return st.fixed_dictionaries({
            name: st.one_of(values.get(name, inner), inner, maps, several, st.sampled_from(VALUES))
            for name in chosen
        })  # fmt: skip

    return st.lists(names, max_size=4, unique=True).flatmap(of)


broken = st.recursive(st.sampled_from(VALUES), _objects, max_leaves=8)
"""Mostly wrong: keywords of all drafts with whatever is at hand, references that lead anywhere."""


def _damaged(schema: Any, value: Any, where: int) -> Any:
    """The schema with a value put in one of its places."""
    copy = json.loads(json.dumps(schema))
    spots: list[tuple[Any, Any]] = []
    pending = [copy]
    while pending:
        here = pending.pop()
        for key in (
            list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        ):
            spots.append((here, key))
            pending.append(here[key])
    if spots:
        holder, key = spots[where % len(spots)]
        holder[key] = value
    return copy


damaged = st.builds(_damaged, schemas(), st.sampled_from(VALUES), st.integers(0, 50))


def seen(schema: Any) -> Glance | None:
    dialect = standard_dialect(schema)
    return dialect and glance(schema, dialect, Scalars("canonical").strings)


def check(schema: Any) -> bool:
    """Is it plain?  Then the scan finds nothing wrong, and each reference means the same to it."""
    plain = seen(schema)
    if plain is None:
        return False
    scalars = Scalars("canonical")
    root = Documents.load(schema)[1]
    admission = admit(root, JsonOptions(), scalars)

    assert admission.problems == ()
    links = [link for out in admission.links.values() for link in out if link.keyword == "$ref"]
    for link in links:
        node = next(node for node in admission.links if link in admission.links[node])
        assert _bare(plain.targets[node.contents["$ref"]]) == _bare(link.to.contents)
        assert link.to.dialect == root.dialect
    found = Scalars("canonical")
    found.note_points(plain.named)
    assert found.written_with_point == scalars.written_with_point
    return True


def _bare(schema: Any) -> Any:
    """Without `$schema`, which the scan's documents leave out where it has no meaning."""
    if isinstance(schema, dict):
        return {name: _bare(value) for name, value in schema.items() if name != "$schema"}
    return list(map(_bare, schema)) if isinstance(schema, list) else schema


@given(broken)
def test_what_is_plain_the_scan_admits(schema: Any) -> None:
    check(schema)


@given(broken, broken, st.sampled_from(URIS[:-2]), st.sampled_from(POINTERS))
def test_whatever_a_reference_leads_to(inner: Any, other: Any, uri: str, pointer: str) -> None:
    """In every draft, with something at the places that pointers name."""
    schema = {"$schema": uri, "definitions": {"a": inner, "a b": other}, "$defs": {"a": other}, "a": inner}
    check(schema | {"items": {"$ref": pointer}})
    check(schema | {"$ref": pointer, "properties": {"a": inner}})


@given(damaged)
def test_a_damaged_schema_is_not_plain_unless_the_scan_admits_it(schema: Any) -> None:
    check(schema)


@given(schemas())
def test_schemas_in_order_are_plain(schema: Any) -> None:
    """Else all this would be for nothing."""
    assert seen(schema) is not None or "2.0" in repr(schema)


PLAIN = [
    {"$id": "http://example.org/a", "type": "object", "properties": {"id": {"type": "string"}}},
    {"items": [{"type": "any"}], "exclusiveMinimum": True},
    {"$schema": URIS[0], "id": "#root", "properties": {"a": {"id": "#a", "$ref": "#/properties/b"}, "b": {}}},
    {"$schema": URIS[0], "properties": {"a": {"id": "http://example.org/a", "type": "null"}}},
    {"$schema": URIS[2], "properties": {"a": {"$schema": URIS[0], "type": "null"}}},
    {"$ref": "#/definitions/a", "definitions": {"a": {"type": "null"}}, "$schema": URIS[2], "type": 7},
    {"$ref": "#/components/a%20b/0", "components": {"a b": [{"type": "null"}]}},
    {"pattern": "^(?=a)b"},
    {"title": 7, "unknown": {"type": 7}},
]
NOT_PLAIN = [
    {"type": "strnig"},
    {"minLength": 2.0},
    {"pattern": "(a)\\1"},
    {"patternProperties": {"(": True}},
    {"$ref": "#/definitions/a"},
    {"$ref": "other.json"},
    {"$ref": "#/unknown/a", "unknown": {"a": {"type": 7}}},
    {"$ref": "#a", "$defs": {"b": {"$anchor": "a"}}},
    {"$dynamicRef": "#"},
    {
        "$schema": URIS[0],
        "properties": {"a": {"id": "http://example.org/a"}, "b": {"$ref": "#/properties/a"}},
    },
    {"$schema": URIS[2], "properties": {"a": {"$schema": URIS[0], "$id": "http://example.org/a"}}},
    {1: {}},
]


@pytest.mark.parametrize("schema", PLAIN, ids=str)
def test_is_plain(schema: Any) -> None:
    assert check(schema)


@pytest.mark.parametrize("schema", NOT_PLAIN, ids=str)
def test_is_left_to_the_scan(schema: Any) -> None:
    assert not check(schema)


def test_schemas_nested_too_deeply_are_left_to_the_scan() -> None:
    schema: Any = True
    for _ in range(MAX_DEPTH + 1):
        schema = {"not": schema}
    assert seen(schema) is None


def test_a_schema_that_is_written_in_many_places_is_looked_at_once() -> None:
    """As Python data it may be one object; by its paths there are more of it than could be visited."""
    schema: Any = {"type": "null"}
    for _ in range(64):
        schema = {"anyOf": [schema, schema]}
    assert seen(schema) is not None


def test_a_report_of_a_plain_schema_is_the_scan_s() -> None:
    """It is made when it is asked for."""
    scanned = scan_schema({"properties": {"a": {"format": "colour"}}})

    assert scanned.plain is not None
    assert [(note.pointer, note.status) for note in scanned.admission.notes] == [
        ("#/properties", "exact"),
        ("#/properties/a/format", "annotation"),
    ]


def test_what_is_not_plain_is_refused_by_name_and_place() -> None:
    with pytest.raises(ConstrainError) as caught:
        scan_schema({"items": {"type": "strnig"}}).compile()

    assert str(caught.value) == "`strnig` is not a type\n    at #/items/type\nhint: did you mean `string`?"

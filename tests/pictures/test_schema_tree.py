"""Every keyword of a schema stands in the tree, with what the report says of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from constrain import LimitExceeded, SchemaError, check_schema, draw_json_schema
from tests.pictures.svg import SPACE, groups, read, texts
from tests.strategies import first_part_schemas

EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.just("T"),
        "x-note": st.just(1),
        "dependencies": st.just({}),
        "then": st.just({"type": "null"}),
        "type": st.sampled_from(["strnig", 5]),
        "pattern": st.sampled_from([r"(a)\1", "^a", r"\Aa"]),
        "$ref": st.sampled_from(["#", "#/$defs/d", "#/nowhere"]),
        "$defs": st.just({"d": {"minimum": 1}, "yes": True}),
        "format": st.sampled_from(["date", "unheard-of"]),
        "prefixItems": st.just([True, {"exclusiveMinimum": True}]),
    },
)
"""Keywords of every fate, good and bad."""


def schemas() -> st.SearchStrategy[Any]:
    """Schemas with keywords of every fate, at the top and inside."""
    salted = st.tuples(EXTRAS, first_part_schemas()).map(
        lambda pair: {**pair[1], **pair[0]} if isinstance(pair[1], dict) else pair[1]
    )
    return salted | st.tuples(salted, salted).map(lambda pair: {"anyOf": list(pair), "title": "two"})


def fates(svg: str) -> dict[str, list[tuple[str, str]]]:
    """By the pointer of each schema's box, its lines: what is written at the left, and at the right."""
    boxes = {title: group for title, group in groups(svg).items() if group.find(f"{SPACE}rect") is not None}
    lines = {title: texts(group)[1:] for title, group in boxes.items()}
    return {title: list(zip(rows[::2], rows[1::2], strict=True)) for title, rows in lines.items()}


@given(schemas())
def test_every_keyword_stands_in_the_tree_with_its_fate(schema: Any) -> None:
    report = check_schema(schema)
    svg = draw_json_schema(schema).svg
    boxes = fates(svg)

    for note in report.keywords:
        place, _, _ = note.pointer.rpartition("/")
        row = (note.keyword, note.status)
        assert row in [(text.partition(": ")[0], fate) for text, fate in boxes[place]]
        assert not note.detail or f"{note.pointer} ({note.status}): {note.detail}" in described(svg)
    for problem in report.problems:
        assert problem.what in described(svg)


def described(svg: str) -> str:
    """What a screen reader says of the whole."""
    return read(svg).findtext(f"{SPACE}desc") or ""


def test_a_schema_of_every_kind_of_link_is_drawn_as_it_leads() -> None:
    schema = {
        "properties": {"a": {"items": {"$ref": "#"}}, "b": True, "c/d": {"type": "null"}},
        "additionalProperties": False,
        "$defs": {"t": {}},
    }
    svg = draw_json_schema(schema).svg

    assert fates(svg) == {
        "#": [
            ("properties", "exact"),
            ("properties/b: true", "exact"),
            ("additionalProperties: false", "exact"),
            ("$defs", "exact"),
        ],
        "#/properties/a": [("items", "exact")],
        "#/properties/a/items": [('$ref: "#"', "exact")],
        "#/properties/c~1d": [('type: "null"', "exact")],
        "#/$defs/t": [("anything", "exact")],
    }
    assert [title for title in groups(svg) if "leads to" in title] == [
        "#/properties/a leads to #/properties/a",
        "#/properties/c~1d leads to #/properties/c~1d",
        "#/$defs/t leads to #/$defs/t",
        "#/properties/a/items leads to #/properties/a/items",
        "#/properties/a/items/$ref leads to #",
    ]


def test_an_arrow_begins_at_the_row_of_its_keyword() -> None:
    schema = {"title": "T", "items": {"type": "null"}, "minItems": 1, "contains": {"type": "null"}}
    found = groups(draw_json_schema(schema).svg)
    row = {text.text: float(text.get("y", 0)) for text in found["#"].iter(f"{SPACE}text")}

    for keyword in ("items", "contains"):
        path = found[f"#/{keyword} leads to #/{keyword}"].find(f"{SPACE}path")
        assert path is not None
        start = float(path.get("d", "").removeprefix("M").split("C")[0].split(",")[1])
        assert row[keyword] - 13 < start < row[keyword] + 5


def test_what_the_report_finds_wrong_with_the_whole_is_said_below() -> None:
    svg = draw_json_schema({"type": "integer", "properties": {}, "const": "a"}).svg

    assert texts(read(svg), "soft") == ["#: no JSON document satisfies this schema"]


@pytest.mark.parametrize(
    ("schema", "line"),
    [(True, ("true: anything", "exact")), (False, ("false: nothing", "exact")), ({}, ("anything", "exact"))],
)
def test_a_schema_without_keywords_says_what_it_means(schema: Any, line: tuple[str, str]) -> None:
    assert fates(draw_json_schema(schema).svg) == {"#": [line]}


def test_what_is_no_schema_is_drawn_as_refused() -> None:
    svg = draw_json_schema({"items": 5}).svg

    assert fates(svg)["#"] == [("items: 5", "refused")]
    assert "#/items (refused): `items` must be a schema, not a number" in texts(read(svg), "soft")


def test_a_type_is_drawn_as_its_schema() -> None:
    class Person(BaseModel):
        name: str

    svg = draw_json_schema(Person).svg

    assert ("additionalProperties: false", "exact") in fates(svg)["#"]
    assert fates(svg)["#/properties/name"] == [('type: "string"', "exact")]


def test_what_xml_cannot_hold_is_escaped() -> None:
    svg = draw_json_schema({"\x00<&\ud800": "\ufffe", "title": "日本" * 30}).svg

    assert fates(svg)["#"] == [
        (r'\x00<&\ud800: "\ufffe"', "annotation"),
        ('title: "日本日本日本日本日本日本日本日…', "annotation"),
    ]


def test_what_is_too_large_to_read_is_refused_by_name() -> None:
    with pytest.raises(LimitExceeded) as caught:
        draw_json_schema({"properties": {str(number): {"type": "null"} for number in range(200)}})

    assert caught.value.what == "a picture of this schema needs more than max_nodes=200 nodes or arrows"
    with pytest.raises(SchemaError, match="the schema is not JSON"):
        draw_json_schema("{")

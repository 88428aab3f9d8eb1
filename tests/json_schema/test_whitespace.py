"""Blanks and line breaks: what a printer writes is a text, and a text is what some printer could write."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain import compile_json_schema
from constrain.completion import Completions
from constrain.json_schema.grammar import compile_schema
from tests.json_schema.walk import accepts, random_text
from tests.oracle import toy_vocabulary
from tests.walks import exact_walk

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text('a{}[],: "', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)
UNITS = [*(" " * width for width in range(9)), "\t"]
ANYTHING = compile_schema(True)
NESTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "list": {"type": "array", "items": {"$ref": "#"}, "uniqueItems": True},
        "empty": {"type": "object", "maxProperties": 0},
        "none": {"type": "array", "maxItems": 0},
    },
}


def broken_as(text: str) -> set[str] | None:
    """The units by which every line is indented by its depth; None where a printer could not have broken it.

    Strings are taken out first, so every bracket, comma and colon counts.
    """
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "0", text)
    fits = set(UNITS)
    depth = 0
    for line in bare.split("\n")[1:] if "\n" in bare else []:
        indentation = line[: len(line) - len(line.lstrip(" \t"))]
        before = bare[: bare.index("\n" + line)]
        depth = sum(before.count(c) for c in "{[") - sum(before.count(c) for c in "}]")
        depth -= line.lstrip(" \t")[:1] in ("}", "]")
        fits &= {unit for unit in UNITS if unit * depth == indentation}
        bare = bare.replace("\n" + line, line.lstrip(" \t"), 1)
    return fits if fits and not re.search(r"\s\s|\s[\]},:]|[\[{]\s|^\s|\s$", bare) else None


TOKENS = (
    b'{\n  "', b"{\n", b"\n", b"\n  ", b"\n    ", b"  ", b",\n", b'\n  "list', b": [",
    b"}\n", b"[\n    ", b"\n}",
    b'{\n "empty": {', b"[\n  1,\n  2", b"[\n  1,\n", b"}}", b"[[", b"],\n", b"\t1", b"[\n\t1",
)  # fmt: skip


@given(VALUES, st.sampled_from([None, *UNITS]), st.booleans())
def test_what_json_dumps_prints_is_a_text(value: Any, unit: str | None, is_tight: bool) -> None:
    """In one line or in many, with every unit of indentation, and with a blank behind commas or none."""
    separators = (",", ":") if is_tight else None
    text = json.dumps(value, ensure_ascii=False, indent=unit, separators=separators)

    assert accepts(ANYTHING.start, text.encode())


@given(st.integers(0, 10**9), st.booleans())
@settings(max_examples=60)
def test_a_text_is_what_a_printer_could_have_written(seed: int, is_nested: bool) -> None:
    """Every line is indented by its depth, in the unit of the first."""
    grammar = compile_schema(NESTED) if is_nested else ANYTHING
    text = random_text(grammar.start, random.Random(seed)).decode()

    assert broken_as(text) is not None, text


@pytest.mark.parametrize(
    ("text", "is_written"),
    [
        ('{\n  "a": [1, 2],\n  "b": {"c": []}\n}', True),
        ('{\n  "a": [\n    1, 2\n  ]\n}', True),
        ('{"a": 1,\n  "b": 2}', False),
        ('{\n  "a": [\n  1\n  ]\n}', False),
        ('{\n  "a": 1,\n    "b": 2\n}', False),
        ('{\n  "a": 1,\n\t"b": 2\n}', False),
        ('{\n  "a": 1\n  }', False),
        ("{\n  }", False),
        ("{\n}", False),
        ('{\n \t"a": 1\n}', False),
        ('{ "a": 1 }', False),
        ('{"a" : 1}', False),
        ('{"a":  1}', False),
        ('{\n\n  "a": 1\n}', False),
        ('{\r\n  "a": 1\r\n}', False),
        ('{\n         "a": 1\n}', False),
    ],
)
def test_lines_are_broken_all_alike_or_not_at_all(text: str, is_written: bool) -> None:
    """The first bracket decides; the widest unit has eight blanks."""
    assert accepts(ANYTHING.start, text.encode()) == is_written


def test_what_has_no_parts_is_not_broken() -> None:
    """Behind the line break nothing could follow but the bracket that closes."""
    for schema in ({"maxProperties": 0, "type": "object"}, {"maxItems": 0, "type": "array"}):
        grammar = compile_schema(schema)
        both = ("{}", "{\n") if "maxProperties" in schema else ("[]", "[\n")

        assert accepts(grammar.start, both[0].encode())
        assert not any(
            edge.terminal.derivative(ord(both[0][0])).derivative(10).nullable for edge in grammar.start.first
        )


@given(
    st.integers(0, 10**9),
    st.sampled_from([NESTED, True, {"items": {"type": "number"}, "minItems": 2, "uniqueItems": True}]),
)
@settings(max_examples=40)
def test_masks_are_what_trying_every_token_gives(seed: int, schema: Any) -> None:
    """Tokens that hold a line break with its indentation, and what follows it, among them."""
    vocabulary = toy_vocabulary(TOKENS)
    exact_walk(compile_json_schema(schema, vocabulary), random.Random(seed), 12)


def test_a_value_that_holds_itself_is_completed_however_deep_its_lines() -> None:
    """At every depth the lines are others; what a search for an end looks at is in one line."""
    schema = {"anyOf": [{"const": "b"}, {"type": "array", "items": {"$ref": "#"}, "minItems": 1}]}
    compiled = compile_json_schema(schema, toy_vocabulary(TOKENS))
    matcher = compiled.matcher()
    for byte in b"[\n [\n  [":
        assert matcher.accept_token(byte)

    assert bytes(Completions(compiled).of(matcher)) == b'"b"]]]'

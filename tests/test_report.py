"""The report on a schema says what the compiler does, and the verdict on a text what the matcher does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.errors import ConstrainError, InvalidInputError, LimitExceeded, UnsatisfiableError
from constrain.report import check_schema, check_text
from constrain.testing.random_schemas import documents, schemas
from constrain.vocabulary.vocabulary import Vocabulary
from tests.json_schema.test_schemas import is_valid, written

VOCABULARY = Vocabulary.from_tokens(
    [*(bytes([byte]) for byte in range(256)), b'{"', b'":', None], eos_token_ids=[258]
)


_A = "#/properties/a"


def statuses(schema: Any, **options: Any) -> dict[str, str]:
    return {note.pointer: note.status for note in check_schema(schema, **options).keywords}


def test_says_what_becomes_of_every_keyword() -> None:
    """Exact, an annotation, ignored in this draft or place, an older form, or refused."""
    schema = {
        "title": "t",
        "type": "any",
        "items": [{"minimum": 1, "exclusiveMinimum": True}],
        "then": {},
        "x-mine": 1,
        "format": "unheard-of",
        "dependencies": {},
        "multipleOf": 0,
    }

    assert statuses(schema) == {
        "#/title": "annotation",
        "#/type": "older form",
        "#/items": "older form",
        "#/items/0/minimum": "exact",
        "#/items/0/exclusiveMinimum": "older form",
        "#/then": "ignored",
        "#/x-mine": "annotation",
        "#/format": "annotation",
        "#/dependencies": "ignored",
        "#/multipleOf": "refused",
    }


def test_a_reference_is_followed_and_hides_its_neighbours_before_2019() -> None:
    """Keywords beside `$ref` are not dropped in silence."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"a": {"type": "integer"}},
        "$ref": "#/definitions/a",
        "minimum": 3,
        "description": "d",
    }

    assert statuses(schema) == {
        "#/$schema": "exact",
        "#/definitions": "exact",
        "#/$ref": "exact",
        "#/minimum": "ignored",
        "#/description": "annotation",
        "#/definitions/a/type": "exact",
    }


def test_names_the_references_that_close_a_cycle() -> None:
    """A list of trees is recursive in two places; what leads into the cycle is not."""
    schema = {
        "$ref": "#/$defs/start",
        "$defs": {
            "start": {"properties": {"tree": {"$ref": "#/$defs/tree"}}},
            "tree": {"anyOf": [{"$ref": "#/$defs/forest"}, {"type": "null"}]},
            "forest": {"items": {"$ref": "#/$defs/tree"}},
        },
    }

    assert check_schema(schema).recursion == ("#/$defs/tree/anyOf/0/$ref", "#/$defs/forest/items/$ref")


@pytest.mark.parametrize(
    ("schema", "kind", "where"),
    [
        ({"type": "array", "minItems": 2, "maxItems": 1}, "UnsatisfiableError", "#"),
        (
            {"required": ["a"], "properties": {"a": False}, "type": "object"},
            "UnsatisfiableError",
            "#/properties/a",
        ),
        ("{", "SchemaError", ""),
        ({"$ref": "#/nowhere"}, "SchemaError", "#/$ref"),
        ({"pattern": "("}, "RegexError", '#/pattern\n"("\n ^'),
    ],
)
def test_a_problem_has_a_kind_and_a_place(schema: Any, kind: str, where: str) -> None:
    """Nothing is raised: the report has it."""
    report = check_schema(schema)

    assert report.satisfiable is (False if kind == "UnsatisfiableError" else None)
    assert [(type(problem).__name__, problem.where) for problem in report.problems] == [(kind, where)]
    assert report.shortest is None
    assert report.as_json()["problems"][0]["kind"] == kind


def test_a_schema_too_large_is_not_decided() -> None:
    """A limit is a finding too."""
    report = check_schema({"items": {"type": "string"}, "required": ["a", "b"]}, max_steps=1)

    assert report.satisfiable is not False
    assert [type(problem) for problem in report.problems] == [LimitExceeded]


def test_an_option_that_does_not_exist_is_an_error_of_the_caller() -> None:
    """It is not about the schema."""
    with pytest.raises(InvalidInputError, match="there is no option `whitespce`"):
        check_schema({}, whitespce="any")


@settings(max_examples=150, deadline=None)
@given(schemas())
def test_agrees_with_compiling(schema: Any) -> None:
    """What compiles is satisfiable, and what does not has the same problem in the report."""
    report = check_schema(schema, VOCABULARY)
    problem: ConstrainError | None = None
    try:
        compile_json_schema(schema, VOCABULARY)
    except ConstrainError as raised:
        problem = raised
    assume(not isinstance(problem, LimitExceeded))

    assert report.satisfiable is (problem is None)
    assert list(map(str, report.problems[:1])) == ([] if problem is None else [str(problem)])
    if report.shortest is not None:
        assert is_valid(schema, report.shortest)
        assert report.shortest_tokens is not None
        assert report.shortest_tokens <= len(report.shortest)


@settings(max_examples=150, deadline=None)
@given(schemas(), documents, st.integers(0, 40))
def test_a_text_conforms_exactly_when_it_is_valid(schema: Any, document: Any, cut: int) -> None:
    """And where it stops conforming, a matcher refuses the next byte and takes all those before it."""
    try:
        compiled = compile_json_schema(schema, VOCABULARY, spelling="any", property_order="any")
    except (UnsatisfiableError, LimitExceeded):
        assume(False)
        raise
    text = written(document)
    verdict = check_text(compiled, text)

    assert verdict.conforms == is_valid(schema, text)
    matcher = compiled.matcher()
    assert matcher.validate_tokens(text) == verdict.offset
    assert (verdict.expected == "") == verdict.conforms
    assert check_text(compiled, text[:cut]).offset <= len(text[:cut])


def test_a_report_names_what_a_pattern_has_from_another_dialect() -> None:
    """It is honoured, but the author may want to know that ECMA-262 reads it otherwise."""
    report = check_schema({"pattern": r"\A[a-z]+\z", "patternProperties": {"^(?i)x": True}})

    assert [note.detail for note in report.keywords] == [
        "not ECMA-262, read as other dialects do: `\\A` is the start of the text, "
        "`\\z` is the end of the text",
        "not ECMA-262, read as other dialects do: `(?i)` is flags for what follows in the group",
    ]

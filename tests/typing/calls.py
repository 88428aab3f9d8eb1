"""Typical calls, and what a type checker says of them.

Nothing here is run: `test_calls.py` gives the file to mypy and to pyright.  Both check each `assert_type`,
that each `type: ignore` hides an error, and that there is no other one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, assert_type

import mlx_lm
from pydantic import BaseModel
from typing_extensions import TypedDict

from constrain import (
    Chosen,
    CompiledGrammar,
    ConstrainError,
    Extraction,
    Generation,
    LoadedModel,
    Partial,
    PartialStream,
    TextStream,
    ToolCallAnswer,
    Vocabulary,
    agenerate_choice,
    agenerate_json,
    agenerate_regex,
    check_schema,
    compile_json_schema,
    extract,
    generate_choice,
    generate_json,
    generate_lark,
    generate_regex,
    generate_tool_calls,
    load,
    run_tools,
    stream_json,
    stream_tool_calls,
)


class Person(BaseModel):
    name: str


@dataclass
class Point:
    x: int


class Box(TypedDict):
    size: int


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


def values(model: LoadedModel, schema: dict[str, Any], unknown: object) -> None:
    """A type in, an instance of it out, whatever kind of type; of a schema nothing is known."""
    assert_type(generate_json(model, "x", Person), Person)
    assert_type(generate_json(model, "x", schema=Person), Person)
    assert_type(generate_json(model, "x", Point), Point)
    assert_type(generate_json(model, "x", Box), Box)
    assert_type(generate_json(model, "x", list[Person]), list[Person])
    assert_type(generate_json(model, "x", Literal["a", "b"]), Literal["a", "b"])
    assert_type(generate_json(model, "x", Person | None), Person | None)
    assert_type(generate_json(model, "x", int | str), int | str)
    assert_type(generate_json(model, "x", dict[str, list[int]]), dict[str, list[int]])
    assert_type(generate_json(model, "x", schema), Any)
    assert_type(generate_json(model, "x", '{"type": "string"}'), Any)
    assert_type(generate_json(model, "x", unknown), Any)


def batches(model: LoadedModel, prompts: list[str], schema: dict[str, Any]) -> None:
    """A list of prompts is answered by a list, which holds the errors of its rows."""
    assert_type(generate_json(model, prompts, Person), list[Person | ConstrainError])
    assert_type(generate_json(model, ["a", "b"], int | None), list[int | ConstrainError | None])
    assert_type(generate_json(model, prompts, schema), Any)
    assert_type(
        generate_json(model, prompts, Person, return_result=True), list[Generation[Person] | ConstrainError]
    )


def results(model: LoadedModel, schema: dict[str, Any]) -> None:
    """A result, a stream and its parts know the type as well."""
    made = generate_json(model, "x", Person | None, return_result=True, retries=2)
    assert_type(made, Generation[Person | None])
    assert_type(made.value, Person | None)
    assert_type(made.text, str)
    assert_type(generate_json(model, "x", schema, return_result=True), Generation[Any])
    assert_type(stream_json(model, "x", Person), TextStream[Person])
    assert_type(stream_json(model, "x", Person).result().value, Person)
    assert_type(stream_json(model, "x", Person, partial=True), PartialStream[Person])
    for piece in stream_json(model, "x", Person):
        assert_type(piece, str)
    for partial in stream_json(model, "x", list[int], partial=True):
        assert_type(partial, Partial[list[int]])
        assert_type(partial.value, list[int])


def models(pair: tuple[Any, Any]) -> None:
    """What stands for a model."""
    generate_json(None, "x", Person)
    generate_json("owner/name", "x", Person)
    generate_json(Path("folder"), "x", Person)
    generate_json(load(), [{"role": "user", "content": "x"}], Person)
    generate_json(mlx_lm.load("owner/name"), "x", Person)
    generate_json(pair, "x", Person)
    generate_json(3, "x", Person)  # type: ignore


def options(model: LoadedModel, vocabulary: Vocabulary) -> None:
    """A misspelt option, or one of the wrong type, is seen while it is typed."""
    generate_json(model, "x", Person, temp=0.3, whitespace="compact", schema_in_prompt="skeleton")
    generate_json(model, "x", Person, temperature=0.3, max_tokens=100, reasoning=True)
    generate_json(model, "x", Person, tmp=0.3)  # type: ignore
    generate_json(model, "x", Person, whitespace="none")  # type: ignore
    generate_json(model, "x", Person, retries="2")  # type: ignore
    generate_json(model, 3, Person)  # type: ignore
    generate_regex(model, "x", r"\d", max_token=3)  # type: ignore
    compile_json_schema({}, vocabulary, spelling="any")
    compile_json_schema(Person, model)
    compile_json_schema(Person, model.tokenizer)
    compile_json_schema(Person, 3)  # type: ignore
    compile_json_schema({}, vocabulary, speling="any")  # type: ignore
    check_schema({}, whitespace="none")  # type: ignore
    generate_tool_calls(model, "x", [], tool_choice="required", whitespace="compact")
    generate_tool_calls(model, "x", [], tool_choise="required")  # type: ignore
    stream_tool_calls(model, "x", [], temperature=0.1, paralel_tool_calls=True)  # type: ignore
    run_tools(model, "x", [], max_steps=3, temp=0.2)
    run_tools(model, "x", [], max_stops=3)  # type: ignore
    extract(model, ["x"], schema=Person, verbatm=True)  # type: ignore


def others(model: LoadedModel, vocabulary: Vocabulary) -> None:
    """Texts, choices, extractions, calls."""
    assert_type(generate_regex(model, "x", r"\d+"), str)
    assert_type(generate_regex(model, "x", re.compile(r"\d+")), str)
    assert_type(generate_lark(model, "x", Path("sql.lark"), start="query"), str)
    assert_type(generate_choice(model, "x", ["a", "b"]), str)
    assert_type(generate_choice(model, "x", ["a", "b"], with_logprobs=True), Chosen)
    assert_type(generate_choice(model, "x", Literal["a", 1]), Literal["a", 1])
    assert_type(generate_choice(model, "x", Mood), Mood)
    assert_type(generate_regex(model, "x", r"\d+", return_result=True), Generation[str])
    assert_type(generate_regex(model, ["x"], r"\d+"), list[str | ConstrainError])
    assert_type(generate_choice(model, ["x"], Mood), list[Mood | ConstrainError])
    assert_type(generate_choice(model, ["x"], ["a"], with_logprobs=True), list[Chosen | ConstrainError])
    assert_type(extract(model, ["x"], schema=Person, retries=1), Iterator[Extraction[Person]])
    assert_type(extract(model, ["x"], pattern=r"\d+", verbatim=True), Iterator[Extraction[Any]])
    for found in extract(model, ["x"], schema=list[Point], nullable=True):
        assert_type(found.value, list[Point] | None)
    assert_type(compile_json_schema({}, vocabulary, whitespace=3), CompiledGrammar)
    assert_type(generate_tool_calls(model, "x", [len]), ToolCallAnswer)


async def awaited(model: LoadedModel) -> None:
    """Servers wait for the same."""
    assert_type(await agenerate_json(model, "x", Person), Person)
    assert_type(await agenerate_regex(model, "x", r"\d+", verbatim="31"), str)
    assert_type(await agenerate_choice(model, "x", Mood), Mood)
    await agenerate_regex(model, ["x"], r"\d+", return_result=True)
    await agenerate_regex(model, "x", r"\d+", max_token=3)  # type: ignore

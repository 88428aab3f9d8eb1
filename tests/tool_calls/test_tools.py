"""Dictionaries, functions and Pydantic models are tools; what cannot be one is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from constrain.compiler import compile_part
from constrain.errors import ConstrainError
from constrain.tool_calls.forms import Form
from constrain.tool_calls.grammar import tool_call_grammar
from constrain.tool_calls.reader import CallEnd, read_tool_calls
from constrain.tool_calls.tools import as_tool
from tests.oracle import toy_vocabulary
from tests.test_parts import accepts

VOCABULARY = toy_vocabulary()


@dataclass
class Point:
    x: int
    y: int


class Booking(BaseModel):
    """A table at a restaurant."""

    people: int = Field(ge=1, le=9)
    model_config = {"extra": "forbid"}

    @field_validator("people")
    @classmethod
    def even(cls, people: int) -> int:
        if people % 2:
            raise ValueError("an odd number of people")
        return people


def distance(
    a: Point, b: Annotated[Point, Field(description="where to")], unit: Literal["m", "km"] = "m"
) -> float:
    """How far apart two points are."""
    raise AssertionError("nothing calls a tool here")


def test_a_function_is_a_tool_with_typed_arguments_and_is_never_called() -> None:
    """Signature, hints and docstring say everything; what has a default may be left out."""
    tool = as_tool(distance)
    arguments = tool.read('{"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 4}}')

    assert (tool.name, tool.description) == ("distance", "How far apart two points are.")
    assert tool.parameters["required"] == ["a", "b"]
    assert tool.parameters["properties"]["b"]["description"] == "where to"
    assert tool.parameters["additionalProperties"] is False
    assert arguments == {"a": Point(1, 2), "b": Point(3, 4)}
    assert tool.function is distance


def test_a_model_is_a_tool_whose_arguments_are_an_instance() -> None:
    """And a validator that checks more than the schema can say is an error of that call."""
    grammar = tool_call_grammar([Booking])
    called = '<tool_call>\n{{"name": "Booking", "arguments": {{"people": {}}}}}\n</tool_call>'
    even, odd = (read_tool_calls(called.format(n), grammar)[-1] for n in (4, 3))

    assert as_tool(Booking).description == "A table at a restaurant."
    assert even == CallEnd(0, "Booking", Booking(people=4), '{"people": 4}')
    assert isinstance(odd, CallEnd)
    assert odd.arguments == {"people": 3}
    assert str(odd.error) == (
        "the answer follows the schema, but a validator of Booking refuses its `people`: "
        "Value error, an odd number of people\n"
        '    at {"people": 3}\n'
        "hint: say in the type what is checked, as with Field(ge=..., pattern=...); run_tools tells the model"
    )


def test_tools_of_anthropic_and_of_mcp_servers_are_taken() -> None:
    """Dictionaries, and what the client of a server returns."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    listed = SimpleNamespace(name="f", description="what", inputSchema=schema, annotations=None)
    expected = as_tool({"name": "f", "description": "what", "parameters": schema}).definition

    assert as_tool({"name": "f", "description": "what", "input_schema": schema}).definition == expected
    assert as_tool(
        {"type": "custom", "name": "f", "description": "what", "input_schema": schema}
    ).definition == (expected)
    assert as_tool({"name": "f", "description": "what", "inputSchema": schema}).definition == expected
    assert as_tool(listed).definition == expected


def test_any_is_what_others_call_required() -> None:
    """LangChain, Mistral and Anthropic."""
    tools = [{"name": "f"}]

    assert tool_call_grammar(tools, tool_choice="any") == tool_call_grammar(tools, tool_choice="required")
    for word in ("auto", "any", "none"):
        assert tool_call_grammar(tools, tool_choice={"type": word}) == tool_call_grammar(
            tools, tool_choice=word
        )


def test_a_definition_is_a_tool_with_or_without_its_wrapping() -> None:
    """OpenAI's form, and the function alone; without parameters there are no arguments to check."""
    inner = {"name": "now", "description": "The time."}
    tool = as_tool({"type": "function", "function": inner})

    assert tool.definition == as_tool(inner).definition == as_tool(tool).definition
    assert tool.parameters == {"type": "object", "properties": {}, "additionalProperties": False}


def google(city: str, days: int = 3, unit: Literal["C", "F"] = "C", tag: str | None = None) -> None:
    """Forecast for a city.

    Note: only in Europe.

    Args:
        city (str): Where to look:
            a name, or a place.
        days: How many.

    Returns:
        Nothing.
    """


def numpy(city: str, days: int = 3) -> None:
    """Forecast for a city.

    Parameters
    ----------
    city : str
        Where to look.
    days : int, optional
        How many.

    Returns
    -------
    Nothing.
    """


def sphinx(city: str, days: int = 3) -> None:
    """Forecast for a city.

    :param city: Where
        to look.
    :type city: str
    :param int days: How many.
    :returns: nothing
    """


def prose(city: str) -> None:
    """Forecast for a city.

    Args:
        town: There is no such parameter.
    """


def test_docstrings_describe_parameters_in_three_styles() -> None:
    """What is said of them goes to the schema; everything else stays where it was."""
    found = []
    for function in (google, numpy, sphinx, prose):
        tool = as_tool(function)
        places = tool.parameters["properties"]
        found.append((tool.description, {name: place.get("description") for name, place in places.items()}))

    assert found == [
        (
            "Forecast for a city.\n\nNote: only in Europe.\n\nReturns:\n    Nothing.",
            {"city": "Where to look: a name, or a place.", "days": "How many.", "unit": None, "tag": None},
        ),
        (
            "Forecast for a city.\n\nReturns\n-------\nNothing.",
            {"city": "Where to look.", "days": "How many."},
        ),
        ("Forecast for a city.\n\n:returns: nothing", {"city": "Where to look.", "days": "How many."}),
        ("Forecast for a city.\n\nArgs:\n    town: There is no such parameter.", {"city": None}),
    ]


def test_a_model_reads_of_defaults_and_of_no_titles() -> None:
    """Pydantic would call the place of `city` "City", which says nothing more."""
    assert as_tool(google).parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where to look: a name, or a place."},
            "days": {"type": "integer", "description": "How many.", "default": 3},
            "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
            "tag": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["city"],
        "additionalProperties": False,
    }


def test_what_is_not_hinted_may_be_anything() -> None:
    def add(a, b=2): ...  # type: ignore[no-untyped-def]

    assert as_tool(add).parameters["properties"] == {"a": {}, "b": {"default": 2}}


def test_a_choice_of_tools_leaves_only_those() -> None:
    """By name, by OpenAI's object, or as a list."""
    tools = [{"name": name} for name in ("f", "g", "h")]
    call = '<tool_call>\n{{"name": "{}", "arguments": {{}}}}\n</tool_call>'
    texts = [call.format(name) for name in "fgh"]
    found = {}
    for choice in ("auto", "required", {"name": "g"}, {"function": {"name": "g"}}, ["f", "h"], "none"):
        compiled = compile_part(tool_call_grammar(tools, tool_choice=choice).written, VOCABULARY)
        several = "\n".join(texts[:1] * 2)
        found[str(choice)] = [accepts(compiled, text) for text in [*texts, several, "hello"]]

    assert list(found.values()) == [
        [True, True, True, True, True],
        [True, True, True, True, False],
        [False, True, False, False, False],
        [False, True, False, False, False],
        [True, False, True, True, False],
        [False, False, False, False, True],
    ]


def positional(a: int, /) -> None: ...


def variadic(*words: str) -> None: ...


def misspelt(a: Nope) -> None: ...  # type: ignore[name-defined]  # noqa: F821


def opaque(a: type) -> None: ...


def test_what_is_no_tool_is_refused_by_name() -> None:
    """Before anything is generated."""
    makers: list[Callable[[], Any]] = [
        lambda: as_tool(3),
        lambda: as_tool({"function": {"description": "nameless"}}),
        lambda: as_tool({"name": "f", "parameters": {"type": "string"}}),
        lambda: as_tool({"name": "f", "parameters": {"default": {1}}}),
        lambda: as_tool(positional),
        lambda: as_tool(variadic),
        lambda: as_tool(lambda word: None),
        lambda: as_tool(Point),
        lambda: as_tool(misspelt),
        lambda: as_tool(opaque),
        lambda: as_tool(max),
        lambda: as_tool({"name": "f", "schema": {}}),
        lambda: as_tool({"name": "f", "paramters": {}}),
        lambda: as_tool({"function": {"name": "f"}, "parameters": {}}),
        lambda: as_tool({"type": "web_search", "name": "f"}),
        lambda: as_tool({"name": "f", "description": ["what"]}),
        lambda: tool_call_grammar({"name": "f"}),
        lambda: tool_call_grammar(positional),  # type: ignore[arg-type]
        lambda: tool_call_grammar([{"name": "f"}, {"name": "f"}]),
        lambda: tool_call_grammar([{"name": "f"}], "klingon"),
        lambda: tool_call_grammar([{"name": "f"}], tool_choice="maybe"),
        lambda: tool_call_grammar([{"name": "f"}], tool_choice=["g"]),
        lambda: tool_call_grammar([{"name": "f"}], tool_choice=[]),
        lambda: tool_call_grammar([{"name": "f"}], tool_choice=None),  # type: ignore[arg-type]
        lambda: tool_call_grammar([{"name": "f"}], tool_choice={"nome": "f"}),
        lambda: tool_call_grammar([], tool_choice="required"),
        lambda: tool_call_grammar([{"name": "f"}], Form("bare", separator="(")),
        lambda: tool_call_grammar([{"name": "f", "parameters": False}]),
    ]
    messages = []
    for make in makers:
        with pytest.raises(ConstrainError) as caught:
            make()
        messages.append(caught.value.what)

    assert messages == [
        "int is not a tool",
        "a tool needs a name",
        "the parameters of the tool `f` are not the schema of an object",
        "the parameters of the tool `f` are not JSON: a set is not JSON data",
        "the parameter `a: 'int'` of `positional` has no name to pass it by",
        "the parameter `*words: 'str'` of `variadic` has no name to pass it by",
        "a lambda has no name to call it by",
        "Point is not a tool",
        "the tool `misspelt` has no schema: name 'Nope' is not defined",
        "the tool `opaque` has no schema: "
        "Cannot generate a JsonSchema for core_schema.IsInstanceSchema (<class 'type'>)",
        "the tool `max` has no schema: no signature found for builtin <built-in function max>",
        "the tool `f` has `schema`, and no `parameters`",
        "the tool `f` has `paramters`, and no `parameters`",
        "the tool `f` has its `parameters` beside `function`, not in it",
        "the tool `f` is of the type 'web_search', not a function",
        "the description of the tool `f` is text, not a list",
        "tools are given as a list",
        "tools are given as a list",
        "two tools are called `f`",
        "there is no form `klingon`",
        "tool_choice='maybe' is not a choice",
        "tool_choice names `g`, which is not a tool",
        "tool_choice names no tool",
        "tool_choice=None is not a choice",
        "tool_choice={'nome': 'f'} is not a choice",
        "a call is required, but there are no tools",
        "nothing tells a call of the form `bare` from text",
        "the parameters of the tool `f` are not the schema of an object",
    ]


def test_a_message_says_which_tool_of_a_list_it_is_about() -> None:
    """By its place, for it may have no name; and where in it, by a JSON pointer."""
    messages = []
    for wrong in ({"names": "f"}, {"name": "f", "parameters": {"default": [0.5, {1}]}}):
        with pytest.raises(ConstrainError) as caught:
            tool_call_grammar([distance, wrong])
        messages.append(str(caught.value).splitlines()[:2])

    assert messages == [
        ["a tool needs a name", '    at tools[1], {"names": "f"}'],
        [
            "the parameters of the tool `f` are not JSON: a set is not JSON data",
            "    at tools[1], #/default/1",
        ],
    ]

"""Answers call offered tools with valid arguments, whatever the model, the form, the choice or the budget."""

from __future__ import annotations

import json
import warnings
from typing import Any

import jsonschema
import pytest

from constrain.engine.model import LoadedModel
from constrain.engine.tool_calling import (
    PenaltyWarning,
    ToolCall,
    ToolCallAnswer,
    generate_tool_calls,
    stream_tool_calls,
)
from constrain.errors import ConstrainError, InvalidInputError, LimitExceeded
from constrain.tool_calls.forms import FORMS, Form
from constrain.tool_calls.grammar import tool_call_grammar
from constrain.tool_calls.reader import ArgumentsDelta, CallEnd, CallStart, TextDelta, read_tool_calls
from constrain.tool_calls.tools import as_tools


def get_weather(city: str, days: int = 1) -> str:
    """Weather forecast for a city, for some days."""
    raise AssertionError("generating a call calls nothing")


SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search documents.",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "maxLength": 20},
                "where": {"anyOf": [{"enum": ["web", "</tool_call>"]}, {"type": "integer"}]},
            },
            "required": ["query"],
            "additionalProperties": False,
        },
    },
}
NOW = {
    "name": "now",
    "description": "The time.",
    "parameters": {"type": "object", "additionalProperties": False},
}
TOOLS: list[Any] = [get_weather, SEARCH, NOW]
SCHEMAS = {tool.name: tool.parameters for tool in as_tools(TOOLS)}


@pytest.mark.parametrize(
    ("question", "city"),
    [
        ("What's the weather in Boston?", "Boston"),
        ("Is it going to rain in Reykjavik?", "Reykjavik"),
        ("Che tempo fa a Torino?", "Torino"),
        ("Dimmi le previsioni per Reggio Emilia, grazie.", "Reggio Emilia"),
    ],
)
def test_a_question_about_the_weather_calls_for_its_city(
    lookup_model: LoadedModel, question: str, city: str
) -> None:
    """In English and in Italian, among other tools."""
    answer = generate_tool_calls(lookup_model, question, TOOLS)

    assert (answer.text, answer.finish_reason) == ("", "tool_calls")
    assert answer.calls == (ToolCall("get_weather", {"city": city}, json.dumps({"city": city})),)


def test_cities_side_by_side_are_asked_for_in_parallel(lookup_model: LoadedModel) -> None:
    """And one by one only where no parallel calls are wanted."""
    question = "Weather in Paris and Berlin?"
    both = generate_tool_calls(lookup_model, question, TOOLS)
    one = generate_tool_calls(lookup_model, question, TOOLS, parallel_tool_calls=False)

    assert [call.arguments for call in both.calls] == [{"city": "Paris"}, {"city": "Berlin"}]
    assert [call.arguments for call in one.calls] == [{"city": "Paris"}]


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_form_may_be_forced(lookup_model: LoadedModel, form: str) -> None:
    """Though the template of the embedded model shows another: the same calls come out."""
    answer = generate_tool_calls(
        lookup_model, "Weather in Paris and Berlin?", TOOLS, tool_choice="required", form=form
    )

    assert [call.arguments for call in answer.calls] == [{"city": "Paris"}, {"city": "Berlin"}]


def test_the_events_of_a_stream_join_to_the_answer(lookup_model: LoadedModel) -> None:
    """A call starts, its arguments grow, and it ends; the answer is there when all of it is."""
    stream = stream_tool_calls(lookup_model, "Che tempo fa a Torino?", TOOLS)
    with pytest.raises(InvalidInputError, match="still being written"):
        _ = stream.answer
    events = list(stream)
    start, *pieces, end = events

    assert start == CallStart(0, "get_weather")
    assert all(isinstance(piece, ArgumentsDelta) for piece in pieces)
    assert (
        "".join(piece.text for piece in pieces if isinstance(piece, ArgumentsDelta)) == '{"city": "Torino"}'
    )
    assert end == CallEnd(0, "get_weather", {"city": "Torino"}, '{"city": "Torino"}')
    assert stream.answer.calls == (ToolCall("get_weather", {"city": "Torino"}, '{"city": "Torino"}'),)


def as_text(form: Form, text: str, calls: tuple[ToolCall, ...]) -> str:
    return text + form.write((call.name, call.text) for call in calls)


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("choice", ["auto", "none", "required", {"name": "now"}, ["search", "now"]], ids=str)
def test_random_weights_call_nothing_malformed(random_model: LoadedModel, form: str, choice: Any) -> None:
    """Noise is harder to hold than a model; it writes what the choice lets it, in any form."""
    refused = []
    for seed, limit, parallel in ((0, 24, True), (1, 70, False)):
        try:
            answer = generate_tool_calls(
                random_model,
                "Rain?",
                TOOLS,
                tool_choice=choice,
                form=form,
                parallel_tool_calls=parallel,
                max_tokens=limit,
                temp=1.0,
                seed=seed,
            )
        except LimitExceeded:
            refused.append((limit, choice))
            continue
        names = [call.name for call in answer.calls]
        for call in answer.calls:
            jsonschema.validate(json.loads(call.text), SCHEMAS[call.name])

        if choice == "none":
            assert not names
            assert FORMS[form].trigger not in answer.text
        if choice not in ("auto", "none"):
            assert names
            assert not answer.text
        if isinstance(choice, dict):
            assert names == ["now"]
        if isinstance(choice, list):
            assert set(names) <= set(choice)
        if not parallel:
            assert len(names) <= 1
        loose = read_tool_calls(
            as_text(FORMS[form], answer.text, answer.calls), tool_call_grammar(TOOLS, form)
        )
        read = [ToolCall(e.name, e.arguments, e.text) for e in loose if isinstance(e, CallEnd)]
        assert read == list(answer.calls)
    assert refused in ([], [(24, choice)])
    assert not refused or choice not in ("auto", "none")


def test_a_budget_that_runs_out_ends_the_call_and_says_so(random_model: LoadedModel) -> None:
    """Exactly the tokens it must have are enough; one fewer is refused before the first."""
    tools = [
        {
            "name": "f",
            "parameters": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        }
    ]
    with pytest.raises(LimitExceeded) as error:
        generate_tool_calls(random_model, "?", tools, tool_choice="required", max_tokens=3)
    least = int(error.value.what.split()[4])
    shortest = generate_tool_calls(random_model, "?", tools, tool_choice="required", max_tokens=least)
    longer = generate_tool_calls(random_model, "?", tools, tool_choice="required", max_tokens=least + 20)

    assert shortest.calls[0].arguments == {"a": ""}
    assert (shortest.finish_reason, longer.finish_reason) == ("length", "length")
    assert len(longer.calls[0].text) > len(shortest.calls[0].text)


def test_a_literal_end_inside_an_argument_is_just_text(lookup_model: LoadedModel) -> None:
    """No text is searched for the end of a call."""
    tools = [
        {
            "name": "say",
            "parameters": {
                "type": "object",
                "properties": {"text": {"const": "</tool_call>"}},
                "required": ["text"],
            },
        }
    ]
    answer = generate_tool_calls(
        lookup_model, "Say it.", tools, tool_choice="required", parallel_tool_calls=False
    )

    assert [call.arguments for call in answer.calls] == [{"text": "</tool_call>"}]


def test_without_tools_there_is_text(lookup_model: LoadedModel) -> None:
    assert generate_tool_calls(lookup_model, "Hello", []).finish_reason == "stop"


def test_an_answer_is_a_message_for_the_next_turn() -> None:
    """In the form of chat templates: ids of nine letters and digits, arguments as data."""
    answer = ToolCallAnswer("Well.", (ToolCall("now", {}, "{}"), ToolCall("now", {}, "{}")), "tool_calls")

    assert answer.message(7)["tool_calls"] == [
        {"id": "call00007", "type": "function", "function": {"name": "now", "arguments": {}}},
        {"id": "call00008", "type": "function", "function": {"name": "now", "arguments": {}}},
    ]
    assert ToolCallAnswer("Hi.", (), "stop").message() == {"role": "assistant", "content": "Hi."}


def test_a_penalty_is_kept_away_from_calls_and_warned_of(random_model: LoadedModel) -> None:
    """JSON repeats its quotes: the same calls come out, with a penalty and without."""
    found = []
    for penalty in (1.0, 1.5):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            answer = generate_tool_calls(
                random_model, "?", TOOLS, tool_choice="required", max_tokens=60, repetition_penalty=penalty
            )
        found.append(answer)
        warned = [w for w in told if issubclass(w.category, PenaltyWarning)]
        assert [w.filename for w in warned] == [__file__] * (penalty != 1.0)

    assert found[0] == found[1]


def test_a_penalty_changes_free_text(random_model: LoadedModel) -> None:
    """A random model repeats itself; with a penalty it does so less."""
    with pytest.warns(PenaltyWarning):
        varied = generate_tool_calls(
            random_model, "?", TOOLS, tool_choice="none", max_tokens=40, repetition_penalty=5.0
        )
    plain = generate_tool_calls(random_model, "?", TOOLS, tool_choice="none", max_tokens=40)

    assert varied.text != plain.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 0}, "max_tokens=0 leaves no room for an answer"),
        ({"form": "klingon"}, "there is no form `klingon`"),
        ({"tool_choice": "some"}, "tool_choice='some' is not a choice"),
        ({"repetition_penalty": 0}, "repetition_penalty=0.0 is not a penalty"),
        ({"spellin": "any"}, "there is no option `spellin`"),
        ({"messages": []}, "the list of messages is empty"),
    ],
)
def test_what_is_wrong_is_told_before_the_first_event(
    lookup_model: LoadedModel, options: dict[str, Any], message: str
) -> None:
    """By the call itself, though nobody takes an event."""
    with pytest.raises(ConstrainError) as error:
        stream_tool_calls(lookup_model, **{"messages": "Rain?", "tools": TOOLS, **options})

    assert error.value.what == message


def test_free_text_is_told_as_it_comes(random_model: LoadedModel) -> None:
    """Text deltas join to the text of the answer."""
    stream = stream_tool_calls(random_model, "?", TOOLS, tool_choice="none", max_tokens=30)
    texts = [event.text for event in stream if isinstance(event, TextDelta)]

    assert len(texts) > 3
    assert "".join(texts) == stream.answer.text

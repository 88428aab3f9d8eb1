"""The loop runs what was passed in, tells the model what came of it, and ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, field_validator

from constrain.engine import agent
from constrain.engine.agent import MAX_RESULT_CHARACTERS, AgentRun, arun_tools, run_tools
from constrain.engine.awaiting import agenerate_json, agenerate_regex
from constrain.engine.model import LoadedModel
from constrain.engine.prompting import messages_of
from constrain.engine.tool_calling import ToolCall, ToolCallAnswer
from constrain.errors import InvalidInputError, UnsupportedError


class Even(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def even(cls, number: int) -> int:
        if number % 2:
            raise ValueError("odd")
        return number


def get_weather(city: str) -> dict[str, Any]:
    """Weather forecast for a city."""
    return {"city": city, "forecast": "sunny"}


def halve(number: Even) -> int:
    """Half of an even number."""
    return number.number // 2


def fail(reason: str) -> None:
    """Fail, for a reason."""
    raise LookupError(reason)


def script(monkeypatch: pytest.MonkeyPatch, *answers: ToolCallAnswer) -> list[dict[str, Any]]:
    """Let these be the answers, one after the other; the list fills with what was asked."""
    asked: list[dict[str, Any]] = []

    def generate(_model: object, messages: list[Any], tools: object, **options: Any) -> ToolCallAnswer:
        asked.append({"messages": list(messages), **options})
        return answers[len(asked) - 1]

    monkeypatch.setattr(agent, "generate_tool_calls", generate)
    return asked


def calling(name: str, **arguments: Any) -> ToolCallAnswer:
    return ToolCallAnswer("", (ToolCall(name, arguments, json.dumps(arguments)),), "tool_calls")


DONE = ToolCallAnswer("Done.", (), "stop")


@pytest.mark.parametrize(
    ("question", "city"), [("What's the weather in Boston?", "Boston"), ("Che tempo fa a Torino?", "Torino")]
)
def test_a_tool_is_run_and_its_result_is_answered(
    lookup_model: LoadedModel, question: str, city: str
) -> None:
    """With the embedded model, whose answer is what the tool told it."""
    ran = run_tools(lookup_model, question, [get_weather])

    assert ran.finished
    assert [result.value for step in ran.steps for result in step.results] == [get_weather(city)]
    assert json.loads(ran.text) == get_weather(city)
    assert [message["role"] for message in ran.messages] == ["user", "assistant", "tool", "assistant"]
    assert ran.messages[1]["tool_calls"][0]["id"] == ran.messages[2]["tool_call_id"]


def test_what_a_tool_raises_goes_back_to_the_model(
    lookup_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it can try something else."""
    asked = script(monkeypatch, calling("fail", reason="no such place"), DONE)
    ran = run_tools(lookup_model, "?", [fail])

    assert (ran.text, ran.finished) == ("Done.", True)
    assert ran.steps[0].results[0].error == "LookupError: no such place"
    assert asked[1]["messages"][-1]["content"] == '{"error": "LookupError: no such place"}'


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Unwritable:
    def __repr__(self) -> str:
        raise RuntimeError("no form")


def cycle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


RESULTS = st.recursive(
    st.none()
    | st.integers()
    | st.floats()
    | st.binary()
    | st.text(st.characters(min_codepoint=0xD7FF, max_codepoint=0xE000))
    | st.text()
    | st.builds(Unwritable)
    | st.builds(cycle)
    | st.builds(object)
    | st.complex_numbers()
    | st.just("x" * 100_000)
    | st.builds(Unspeakable)
    | st.builds(LookupError, st.text(st.characters(min_codepoint=0xD7FF, max_codepoint=0xE000))),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(max_size=2), inner, max_size=2)
        | st.frozensets(st.integers())
    ),
    max_leaves=5,
)


@given(result=RESULTS)
@example(result="\ud800")
@example(result=LookupError("\ud800"))
@example(result=Unspeakable())
def test_whatever_a_tool_returns_or_raises_is_told_to_the_model(result: Any) -> None:
    """Nothing of it ends the run, and what is told can be written in the next prompt."""

    def tool() -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    with pytest.MonkeyPatch.context() as patch:
        script(patch, calling("tool"), DONE)
        ran = run_tools(LoadedModel(None, None), "x", [tool])  # type: ignore[arg-type]

    assert ran.finished
    messages_of(ran.messages[2:3])
    assert len(ran.messages[2]["content"]) <= MAX_RESULT_CHARACTERS + 40


def test_half_a_character_is_told_as_its_escape() -> None:
    def half() -> str:
        return "a\ud800"

    with pytest.MonkeyPatch.context() as patch:
        script(patch, calling("half"), DONE)
        ran = run_tools(LoadedModel(None, None), "x", [half])  # type: ignore[arg-type]

    assert ran.messages[2]["content"] == "a\\ud800"


def test_arguments_that_a_tool_refuses_are_not_passed_to_it(lookup_model: LoadedModel) -> None:
    """They follow its schema; its validator asks for more, and the model is told why."""
    ran = run_tools(lookup_model, "Halve number 7", [halve], tool_choice="required", max_steps=1)
    (result,) = ran.steps[0].results

    assert result.call.text == '{"number": {"number": 7}}'
    assert result.error == "these arguments are refused:\n- number.number: Value error, odd"


def test_only_functions_that_were_passed_in_are_run(lookup_model: LoadedModel) -> None:
    """A call of a tool that is none ends the loop, unfinished, and the caller goes on from the answer."""
    weather = {
        "name": "get_weather",
        "description": "Weather forecast for a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    ran = run_tools(lookup_model, "Weather in Rome?", [weather, halve])

    assert not ran.finished
    assert ran.steps[0].answer.calls[0].arguments == {"city": "Rome"}
    assert ran.steps[0].results == ()


def test_the_loop_ends_after_max_steps(lookup_model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call has an id of its own in the whole conversation."""
    script(monkeypatch, *[calling("get_weather", city="Rome")] * 3)
    ran = run_tools(lookup_model, "?", [get_weather], max_steps=3)

    assert (len(ran.steps), ran.finished) == (3, False)
    ids = [message["tool_call_id"] for message in ran.messages if message["role"] == "tool"]
    assert ids == ["call00000", "call00001", "call00002"]


def test_a_choice_holds_for_the_first_answer(
    lookup_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that must call would never come to an end; one that must not call never may."""
    asked = script(monkeypatch, calling("get_weather", city="Rome"), DONE)
    run_tools(lookup_model, "?", [get_weather], tool_choice="required")
    assert [one["tool_choice"] for one in asked] == ["required", "auto"]

    asked = script(monkeypatch, DONE)
    run_tools(lookup_model, "?", [get_weather], tool_choice="none")
    assert [one["tool_choice"] for one in asked] == ["none"]


def test_a_long_result_is_cut(lookup_model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would fill the context; the value itself stays whole."""

    def dump() -> str:
        """Everything."""
        return "x" * 10_000

    script(monkeypatch, calling("dump"), DONE)
    (result,) = run_tools(lookup_model, "?", [dump]).steps[0].results

    assert result.shown == f"{'x' * MAX_RESULT_CHARACTERS}... (10,000 characters in all)"
    assert len(result.value) == 10_000


def test_an_interrupt_goes_through(lookup_model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no exception of the tool's, and no business of the model's."""

    def stop() -> None:
        raise KeyboardInterrupt

    script(monkeypatch, calling("stop"))
    with pytest.raises(KeyboardInterrupt):
        run_tools(lookup_model, "?", [stop])


async def later(city: str) -> str:
    """Weather forecast for a city."""
    await asyncio.sleep(0)
    if city == "Atlantis":
        raise LookupError("no such place")
    return f"fog in {city}"


@pytest.mark.parametrize("city", ["Rome", "Atlantis"])
def test_what_a_coroutine_function_returns_is_awaited(lookup_model: LoadedModel, city: str) -> None:
    """By a function in a loop of its own, by a coroutine in the loop that it runs in."""
    question = f"What's the weather in {city}?"
    ran = run_tools(lookup_model, question, [later])

    async def ask() -> AgentRun:
        return await arun_tools(lookup_model, question, [later])

    assert ran.steps[0].results[0].value == (None if city == "Atlantis" else "fog in Rome")
    assert ran.steps[0].results[0].error == ("LookupError: no such place" if city == "Atlantis" else "")
    assert asyncio.run(ask()).messages == ran.messages
    assert (
        run_tools(lookup_model, question, [get_weather]).messages
        == asyncio.run(arun_tools(lookup_model, question, [get_weather])).messages
    )


def test_a_tool_may_generate_while_its_model_waits_for_it(lookup_model: LoadedModel) -> None:
    """There is one thread to generate in, and the loop does not hold it."""

    async def describe(city: str) -> str:
        """Weather forecast for a city."""
        return await agenerate_regex(lookup_model, city, "sun|fog")

    ran = asyncio.run(arun_tools(lookup_model, "What's the weather in Rome?", [describe]))

    assert ran.steps[0].results[0].value in ("sun", "fog")


def test_other_coroutines_go_on_while_an_answer_is_written(lookup_model: LoadedModel) -> None:
    """And answers come as they were asked for."""

    async def ask() -> tuple[list[int], int]:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        turning = asyncio.create_task(turn())
        found = await asyncio.gather(
            *(agenerate_json(lookup_model, f"n: {number}", int) for number in range(3))
        )
        turning.cancel()
        return found, turns

    found, turns = asyncio.run(ask())

    assert found == [0, 1, 2]
    assert turns > 10


def test_what_cannot_be_run_is_refused_before_the_first_step(lookup_model: LoadedModel) -> None:
    async def ask() -> None:
        run_tools(lookup_model, "?", [later])

    with pytest.raises(UnsupportedError) as refused:
        asyncio.run(ask())
    assert str(refused.value) == (
        "the tool `later` is to be awaited, and this is called inside of an event loop\n"
        "hint: await arun_tools(...)"
    )
    with pytest.raises(InvalidInputError, match="max_steps=0 leaves no step to take"):
        run_tools(lookup_model, "?", [get_weather], max_steps=0)

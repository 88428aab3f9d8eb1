"""How does a model use the tools it calls?

It is asked, what it calls is run, the results are added to the conversation, and it is asked again, until it
answers with text:

    user        What is 37 degrees Celsius in Fahrenheit?
    assistant   convert({"value": 37, "to": "F"})
    tool        98.6
    assistant   37 °C are 98.6 °F.

Rule 1: nothing is run but the functions that were passed in, with arguments that their own type hints have
accepted.  A tool that is no function (a dictionary, a Pydantic model) is described to the model and cannot be
run: a call of one ends the loop, and the answer that holds the call is the caller's to go on from.

Rule 2: what a function raises is told to the model as the result of its call, so that it can try something
else.  So are arguments that a tool refuses though they follow its schema.  Only what is not an `Exception`
(an interrupt from the keyboard) goes through.

Rule 3: the loop ends.  After `max_steps` answers it is over, whether the last was text or not, and `finished`
says which.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Unpack

from constrain.engine.asking import in_thread
from constrain.engine.model import ModelLike, as_model
from constrain.engine.options import whole
from constrain.engine.prompting import Message, reasons
from constrain.engine.tool_calling import Offering, ToolCall, ToolCallAnswer, generate_tool_calls
from constrain.engine.tool_prompting import conversation
from constrain.errors import InvalidInputError, RefusedOutputError, UnsupportedError
from constrain.tool_calls.tools import Tool, as_tools

DEFAULT_MAX_STEPS = 8
MAX_RESULT_CHARACTERS = 8_192
"""A longer result is cut before the model sees it: it would fill the context."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of one call: the value returned, or what went wrong; `shown` is what the model is told."""

    call: ToolCall
    value: Any
    error: str
    shown: str


@dataclass(frozen=True, slots=True)
class AgentStep:
    """One answer, and the results of its calls."""

    answer: ToolCallAnswer
    results: tuple[ToolResult, ...]


@dataclass(frozen=True, slots=True)
class AgentRun:
    """A finished loop: the last text, every step, and the whole conversation as messages.

    `finished` is False where the loop ended before the model answered with text: `max_steps` ran out, or a
    tool was called that cannot be run.
    """

    text: str
    steps: tuple[AgentStep, ...]
    messages: list[Message]
    finished: bool


def run_tools(
    model: ModelLike,
    messages: str | Sequence[Message],
    tools: Iterable[object],
    *,
    max_steps: int = DEFAULT_MAX_STEPS,
    **options: Unpack[Offering],
) -> AgentRun:
    """Let a model call functions until it answers with text, or has answered `max_steps` times.

    `options` are those of `Offering`; a `tool_choice` other than "none" holds for the first answer
    only, because a model that must call would never come to an end.  What a coroutine function returns is
    awaited; in a coroutine call `arun_tools`.
    Raises what `generate_tool_calls` raises; what a function raises is told to the model.
    """
    made = as_tools(tools)
    for tool in made:
        if inspect.iscoroutinefunction(tool.function) and _is_in_a_loop():
            raise UnsupportedError(
                f"the tool `{tool.name}` is to be awaited, and this is called inside of an event loop",
                hint="await arun_tools(...)",
            )
    loop = _loop(model, messages, made, max_steps, options)
    work = _next(loop, None)
    while isinstance(work, _Work):
        if work.awaits:
            outcome = asyncio.run(_outcome(work))
        else:
            outcome = _called(work) if work.is_tool else work.function()
        work = _next(loop, outcome)
    return work


async def arun_tools(
    model: ModelLike,
    messages: str | Sequence[Message],
    tools: Iterable[object],
    *,
    max_steps: int = DEFAULT_MAX_STEPS,
    **options: Unpack[Offering],
) -> AgentRun:
    """`run_tools` in a coroutine: coroutine functions are awaited, the model and functions have threads."""
    loop = _loop(model, messages, as_tools(tools), max_steps, options)
    work = _next(loop, None)
    while isinstance(work, _Work):
        if not work.is_tool:
            outcome = await in_thread(work.function)
        elif work.awaits:
            outcome = await _outcome(work)
        else:
            outcome = await asyncio.to_thread(_called, work)
        work = _next(loop, outcome)
    return work


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _Work(NamedTuple):
    """What is to be done next: the model asked, or a function of the caller's called."""

    function: Callable[[], Any]
    is_tool: bool = False
    awaits: bool = False


def _called(work: _Work) -> tuple[Any, Exception | None]:
    """What a function of the caller's returns, or raises: whatever that is, it is for the model to read."""
    try:
        return work.function(), None
    except Exception as problem:
        return None, problem


async def _outcome(work: _Work) -> tuple[Any, Exception | None]:
    """The same of a coroutine function."""
    try:
        return await work.function(), None
    except Exception as problem:
        return None, problem


def _next(loop: Generator[_Work, Any, AgentRun], outcome: Any) -> _Work | AgentRun:
    """What is to be done behind an `outcome`; the run, when all is done."""
    try:
        return loop.send(outcome)
    except StopIteration as end:
        run: AgentRun = end.value
        return run


def _loop(
    model: ModelLike,
    messages: str | Sequence[Message],
    made: list[Tool],
    max_steps: int,
    options: Offering,
) -> Generator[_Work, Any, AgentRun]:
    """The loop itself; whoever drives it does the work, and sends in what came of it."""
    max_steps = whole("max_steps", max_steps, least=-(2**63))
    if max_steps < 1:
        raise InvalidInputError(f"max_steps={max_steps} leaves no step to take", hint="give at least 1")
    loaded = as_model(model)
    functions = {tool.name: tool.function for tool in made if tool.function is not None}
    talk, steps, calls = conversation(messages), list[AgentStep](), 0
    while len(steps) < max_steps:
        answer: ToolCallAnswer = yield _Work(partial(generate_tool_calls, loaded, talk, made, **options))
        if options.get("tool_choice") not in (None, "none"):
            options = {**options, "tool_choice": "auto"}
        talk.append(answer.message(calls))
        runnable = all(call.name in functions for call in answer.calls)
        results: list[ToolResult] = []
        for call in answer.calls if runnable else ():
            if call.error is not None:
                why = reasons(call.error) if isinstance(call.error, RefusedOutputError) else call.error.what
                results.append(_failed(call, f"these arguments are refused:\n{why}"))
                continue
            function = functions[call.name]
            awaits = inspect.iscoroutinefunction(function)
            value, problem = yield _Work(partial(function, **call.arguments), is_tool=True, awaits=awaits)
            results.append(_result(call, value, problem))
        talk += [_told(calls + number, result) for number, result in enumerate(results)]
        calls += len(results)
        steps.append(AgentStep(answer, tuple(results)))
        if not results:
            return AgentRun(answer.text, tuple(steps), talk, finished=not answer.calls)
    return AgentRun(steps[-1].answer.text, tuple(steps), talk, finished=False)


def _result(call: ToolCall, value: Any, problem: Exception | None) -> ToolResult:
    """What came of a call, written down for the model."""
    try:
        if problem is None:
            return ToolResult(call, value, "", _cut(_shown(value)))
    except Exception as another:  # a value of the caller's, which may not want to be shown
        problem = another
    return _failed(call, f"{type(problem).__name__}: {_said(problem)}")


def _failed(call: ToolCall, error: str) -> ToolResult:
    return ToolResult(call, None, error, _cut(json.dumps({"error": error}, ensure_ascii=False)))


def _shown(value: Any) -> str:
    """A result as the model reads it: text as it is, anything else as JSON."""
    from pydantic_core import to_json

    return value if isinstance(value, str) else to_json(value, fallback=repr).decode()


def _said(problem: Exception) -> str:
    """The words of an exception, whose own `__str__` may fail as well."""
    try:
        return str(problem)
    except Exception as another:
        return f"(its text cannot be had: {type(another).__name__})"


def _cut(shown: str) -> str:
    """What the model is told of a result: cut where it is long, and halves of surrogate pairs escaped."""
    shown = shown.encode(errors="backslashreplace").decode()
    if len(shown) <= MAX_RESULT_CHARACTERS:
        return shown
    return f"{shown[:MAX_RESULT_CHARACTERS]}... ({len(shown):,} characters in all)"


def _told(number: int, result: ToolResult) -> Message:
    """A result as a message; `tool_call_id` is the one in the answer's own message."""
    return {
        "role": "tool",
        "tool_call_id": f"call{number:05}",
        "name": result.call.name,
        "content": result.shown,
    }

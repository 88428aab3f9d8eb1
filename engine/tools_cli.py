"""`constrain tools`: one answer that may call tools, from the command line.

    constrain tools --tools tools.json --prompt "Che tempo fa a Roma?"
    constrain tools --tools weather.py:get_weather --choice required --prompt - < mail.txt
    constrain tools --tools weather.py:get_weather --run --prompt "Is it warmer in Rome or in Oslo?"

Tools come from a JSON file (a list in OpenAI's form, or an object with such a list under "tools"), or are
functions and Pydantic models as module:name or file.py:name.  The answer is printed as one line of JSON:

    {"text": "", "calls": [{"name": "f", "arguments": {"city": "Roma"}}], "finish_reason": "tool_calls"}

With `--run` the functions are run, and what they return goes back to the model, until it answers with text;
that text is printed, and each call with its result goes to stderr.  Exit code 1: it came to no text.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from constrain.engine.command_options import (
    ClosedOption,
    ReasoningOption,
    TemplateOption,
    closed,
    tell_reasoning,
    template_kwargs,
)
from constrain.engine.files import is_file, read_json, read_prompt, shown
from constrain.engine.schema_files import read_named
from constrain.errors import InvalidInputError

UNFINISHED = 1


def tools_command(
    *,
    tools: Annotated[
        list[str],
        typer.Option("--tools", "-t", help="A JSON file, or file.py:function; may be repeated."),
    ],
    prompt: Annotated[
        str | None, typer.Option("--prompt", "-p", help="What to answer; - reads standard input.")
    ] = None,
    messages: Annotated[
        Path | None, typer.Option("--messages", help="A JSON file of chat messages, in place of --prompt.")
    ] = None,
    choice: Annotated[
        str, typer.Option("--choice", help="auto, none, required, any, or the names allowed, with commas.")
    ] = "auto",
    single: Annotated[bool, typer.Option("--single", help="At most one call in an answer.")] = False,
    form: Annotated[
        str | None, typer.Option("--form", help="How calls are written; default: as the chat template shows.")
    ] = None,
    no_additional_properties: ClosedOption = False,
    run: Annotated[
        bool, typer.Option("--run", help="Run the functions called, and go on until an answer is text.")
    ] = False,
    max_steps: Annotated[int, typer.Option(help="With --run: the most answers.")] = 8,
    model: Annotated[
        str | None,
        typer.Option("--model", help="A folder, a hub id or smollm2; default: the embedded lookup model."),
    ] = None,
    max_tokens: Annotated[int, typer.Option("--max-tokens", "-m", help="The most tokens to write.")] = 1024,
    temp: Annotated[float, typer.Option("--temp", "--temperature", help="Temperature; 0 is greedy.")] = 0.0,
    seed: Annotated[int | None, typer.Option("--seed", help="Makes sampling repeatable.")] = None,
    repetition_penalty: Annotated[
        float, typer.Option(help="Makes what was written less likely, in free text only; 1 is none.")
    ] = 1.0,
    chat_template_kwargs: TemplateOption = None,
    reasoning: ReasoningOption = 0,
) -> None:
    """Answer with text, or with calls of tools that cannot be malformed."""
    if (prompt is None) == (messages is None):
        raise InvalidInputError("give one of --prompt and --messages")
    given = [tool for source in tools for tool in read_tools(source)]
    asked = _read_messages(messages) if messages is not None else read_prompt(str(prompt))
    options = {
        "tool_choice": choice if choice in ("auto", "none", "required", "any") else choice.split(","),
        "parallel_tool_calls": not single,
        "form": form,
        "max_tokens": max_tokens,
        "temp": temp,
        "seed": seed,
        "repetition_penalty": repetition_penalty,
        "chat_template_kwargs": template_kwargs(chat_template_kwargs),
        "reasoning": reasoning,
        **closed(no_additional_properties),
    }
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        failed = (_run if run else _answer)(model, asked, given, max_steps, options)
    for message in dict.fromkeys(str(w.message) for w in told if issubclass(w.category, UserWarning)):
        typer.echo(f"warning: {message}", err=True)
    if failed:
        raise typer.Exit(UNFINISHED)


def _answer(model: str | None, asked: Any, tools: list[object], _: int, options: dict[str, Any]) -> bool:
    from constrain.engine.tool_calling import generate_tool_calls

    answer = generate_tool_calls(model, asked, tools, **options)
    tell_reasoning(answer.reasoning)
    calls = [{"name": call.name, "arguments": json.loads(call.text)} for call in answer.calls]
    record = {"text": answer.text, "calls": calls, "finish_reason": answer.finish_reason}
    typer.echo(json.dumps(record, ensure_ascii=False))
    return False


def _run(model: str | None, asked: Any, tools: list[object], steps: int, options: dict[str, Any]) -> bool:
    from constrain.engine.agent import run_tools

    ran = run_tools(model, asked, tools, max_steps=steps, **options)
    for step in ran.steps:
        tell_reasoning(step.answer.reasoning)
        for result in step.results:
            typer.echo(f"{result.call.name}({result.call.text}) -> {result.shown}", err=True)
    typer.echo(ran.text)
    if not ran.finished:
        typer.echo(f"error: no text after {len(ran.steps)} answers", err=True)
    return not ran.finished


def read_tools(source: str) -> list[object]:
    """The tools of a JSON file, or the one that `module:name` or `file.py:name` names.

    Raises InvalidInputError, with the file and place, for anything that is not there or no tool.
    """
    path = Path(source)
    if is_file(path) and path.suffix != ".py":
        found = read_json(path)
        listed = found.get("tools", found) if isinstance(found, dict) else found
        return list(listed) if isinstance(listed, list) else [listed]
    module, colon, name = source.rpartition(":")
    if not colon or not name.isidentifier():
        raise InvalidInputError(
            "there is no such file of tools",
            where=shown(source),
            hint="give a JSON file, or a function as module:name or file.py:name",
        )
    return [read_named(module, name)]


def _read_messages(path: Path) -> list[Any]:
    found = read_json(path)
    if not isinstance(found, list):
        raise InvalidInputError(f"chat messages are a JSON list, not {type(found).__name__}", where=str(path))
    return found

"""What several commands share, so that each is named and explained once: options, and the progress bar."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from constrain.arguments import parse_json
from constrain.errors import InvalidInputError

ClosedOption = Annotated[
    bool,
    typer.Option(
        "--no-additional-properties",
        help="Close every object that names properties and says nothing about others.",
    ),
]
ShownOption = Annotated[
    str | None,
    typer.Option(
        "--schema-in-prompt", help="How the model is shown the schema: schema, skeleton or typescript."
    ),
]
HiddenOption = Annotated[
    bool,
    typer.Option("--no-schema-in-prompt", help="Constrain by the schema without showing it to the model."),
]
TemplateOption = Annotated[
    str | None,
    typer.Option(
        "--chat-template-kwargs",
        help='What else the chat template is told, as JSON: {"enable_thinking": false}.',
    ),
]
ReasoningOption = Annotated[
    int, typer.Option("--reasoning", help="Let the model think first, in at most so many tokens.")
]
RetriesOption = Annotated[
    int,
    typer.Option("--retries", help="Ask again, up to so often, where a validator of the type refuses."),
]
SCHEMA_HELP = "A JSON Schema file, the schema itself, or module:Class (file.py:Class)."


def one_of(argument: str | None, option: str | None, name: str) -> str:
    """What is given as an argument or by an option.  Raises InvalidInputError unless it is once."""
    given = [text for text in (argument, option) if text is not None]
    if len(given) != 1:
        what = f"the {name} is given twice" if given else f"no {name} is given"
        raise InvalidInputError(what, hint=f"give it once, as an argument or with --{name}")
    return given[0]


def template_kwargs(text: str | None) -> dict[str, Any] | None:
    """The object that `--chat-template-kwargs` stands for.  Raises InvalidInputError where it is none."""
    if text is None:
        return None
    try:
        found = parse_json(text, "--chat-template-kwargs")
    except json.JSONDecodeError as problem:
        raise InvalidInputError(f"--chat-template-kwargs is not JSON: {problem}", where=text) from problem
    if not isinstance(found, dict):
        raise InvalidInputError("--chat-template-kwargs is a JSON object", where=text)
    return found


def tell_reasoning(reasoning: str) -> None:
    """What was thought goes to stderr, as only the answer goes to stdout."""
    if reasoning:
        typer.echo(f"reasoning: {reasoning}", err=True)


def in_prompt(shown: str | None, hidden: bool) -> dict[str, Any]:
    """The option that `--schema-in-prompt` and `--no-schema-in-prompt` stand for.

    Raises InvalidInputError where both are given.
    """
    if hidden and shown is not None:
        raise InvalidInputError("give one of --schema-in-prompt and --no-schema-in-prompt")
    return {} if shown is None and not hidden else {"schema_in_prompt": shown or False}


def closed(no_additional_properties: bool) -> dict[str, Any]:
    """The option of the compiler that `--no-additional-properties` stands for."""
    return {"additional_properties": False} if no_additional_properties else {}


def progress(stack: ExitStack, what: str, total: Callable[[], int | None]) -> Callable[[], None] | None:
    """Advances a bar on stderr that is there until the stack is left; None where that is no terminal.

    `total` is only asked for a bar: how many steps there will be, None where that is not known.
    """
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = stack.enter_context(Progress(*columns, console=Console(stderr=True)))
    task = bar.add_task(what, total=total())
    return lambda: bar.advance(task)

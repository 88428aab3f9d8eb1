"""What is a tool: a name, a schema for its arguments, and a way to read them?

Three kinds of thing become one `Tool`:

    {"type": "function", "function": {"name": ..., "parameters": {...}}}     arguments are plain data
    def weather(city: str, days: int = 3): ...                               arguments have the types hinted
    class Weather(BaseModel): ...                                            the arguments are an instance

For a function the signature says which arguments there are and which may be left out, the type hints say what
they hold, and the docstring says what the tool and its parameters are for (`docstrings.py`).  Pydantic turns
hints into a schema, and texts into typed values.  Nothing here calls a function.

A definition without `parameters` is a tool without arguments, as OpenAI has it.
"""

from __future__ import annotations

import inspect
import json
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Any, NotRequired, cast, get_type_hints

from constrain.answers import read_json, reader
from constrain.arguments import as_text, check_text
from constrain.errors import InvalidInputError, LimitExceeded, SchemaError, UnsupportedError
from constrain.json_schema.data import check_data
from constrain.tool_calls.docstrings import read_docstring

HINT = "say in the type what is checked, as with Field(ge=..., pattern=...); run_tools tells the model"
OTHER_KEYS = ("input_schema", "inputSchema")
"""What others than OpenAI call `parameters`: Anthropic, and the Model Context Protocol."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: `read` turns the JSON text of its arguments into values, `function` is what may be called.

    `read` raises RefusedOutputError where the tool checks more than its schema, LimitExceeded for numbers
    that Python cannot hold.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    read: Callable[[str], Any]
    function: Callable[..., Any] | None = None

    @property
    def definition(self) -> dict[str, Any]:
        """The tool as chat templates take it, in OpenAI's form."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


def as_tools(tools: Iterable[object]) -> list[Tool]:
    """Each of `tools` as a Tool; raises InvalidInputError where two have one name."""
    if isinstance(tools, str | Mapping | Tool) or not isinstance(tools, Iterable):
        raise InvalidInputError("tools are given as a list", hint="for a single one: tools=[tool]")
    made = [as_tool(tool) for tool in tools]
    seen: set[str] = set()
    for tool in made:
        if tool.name in seen:
            raise InvalidInputError(f"two tools are called `{tool.name}`")
        seen.add(tool.name)
    return made


def as_tool(tool: object) -> Tool:
    """A dictionary, a function, a Pydantic model or a Tool, as a Tool."""
    from pydantic import BaseModel, TypeAdapter

    from constrain.type_schema import type_schema

    if isinstance(tool, Tool):
        return tool
    if isinstance(tool, Mapping):
        return _of_definition(tool)
    if isinstance(tool, type) and issubclass(tool, BaseModel):
        with _explained(tool.__name__):
            model: TypeAdapter[Any] = TypeAdapter(tool)
            schema = type_schema(model)
        return Tool(tool.__name__, inspect.cleandoc(tool.__doc__ or ""), schema, reader(model, HINT))
    if inspect.isroutine(tool):
        return _of_function(tool)
    raise InvalidInputError(
        f"{tool.__name__ if isinstance(tool, type) else type(tool).__name__} is not a tool",
        hint="give a function, a Pydantic model, or a dictionary in OpenAI's form",
    )


def _of_definition(definition: Mapping[str, Any]) -> Tool:
    function = definition.get("function", definition)
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str) or not name:
        raise InvalidInputError(
            "a tool needs a name",
            where=_excerpt(definition),
            hint='{"type": "function", "function": {"name": ..., "parameters": {...}}}',
        )
    parameters = function.get("parameters")
    if parameters is None:
        other = next((key for key in OTHER_KEYS if key in function), None)
        if other is not None:
            raise InvalidInputError(
                f"the tool `{name}` has `{other}`, and no `parameters`",
                hint="tools are given in OpenAI's form: call it `parameters`",
            )
        parameters = {"type": "object", "properties": {}, "additionalProperties": False}
    name = as_text(name, "the name of a tool")
    kind = parameters.get("type", "object") if isinstance(parameters, Mapping) else None
    if not isinstance(parameters, Mapping) or not isinstance(kind, str) or kind != "object":
        raise InvalidInputError(f"the parameters of the tool `{name}` are not the schema of an object")
    _check_parameters(name, parameters)
    description = str(function.get("description") or "")
    check_text(description, where=f"the description of the tool `{name}`")
    return Tool(name, description, {"type": "object", **parameters}, read_json)


def _check_parameters(name: str, parameters: Mapping[str, Any]) -> None:
    """Refuse what cannot be written as JSON text, as prompts show it, or would be read as something else."""
    what = f"the parameters of the tool `{name}` are not JSON: "
    try:
        check_data(dict(parameters))
        json.dumps(parameters)
    except SchemaError as problem:
        raise InvalidInputError(what + problem.what, where=problem.where, hint=problem.hint) from problem
    except (TypeError, ValueError) as problem:
        raise InvalidInputError(what + str(problem)) from problem
    except RecursionError as problem:
        raise LimitExceeded(f"the parameters of the tool `{name}` are nested too deeply") from problem


def _excerpt(definition: Mapping[str, Any]) -> str:
    """The beginning of a definition, as JSON where it is."""
    try:
        return json.dumps(definition, default=repr)[:200]
    except (TypeError, ValueError, RecursionError):
        return reprlib.repr(dict(definition))[:200]


def _of_function(function: Callable[..., Any]) -> Tool:
    from pydantic import ConfigDict, TypeAdapter
    from typing_extensions import TypedDict

    from constrain.type_schema import type_schema

    fields, defaults = {}, {}
    with _explained(function.__name__):
        hints = get_type_hints(function, include_extras=True)
        signature = inspect.signature(function)
    for name, parameter in signature.parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise UnsupportedError(
                f"the parameter `{parameter}` of `{function.__name__}` has no name to pass it by",
                hint="a tool's arguments are a JSON object: name each parameter",
            )
        hint = hints.get(name, Any)
        fields[name] = hint if parameter.default is parameter.empty else NotRequired[hint]
        defaults[name] = parameter.default
    arguments = cast(Any, TypedDict)(function.__name__, fields)
    arguments.__pydantic_config__ = ConfigDict(extra="forbid")
    with _explained(function.__name__):
        adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(arguments)
        schema = type_schema(adapter)
    description, said = read_docstring(function.__doc__ or "", fields)
    for name, place in schema.get("properties", {}).items():
        if name in said:
            place.setdefault("description", said[name])
        default = defaults.get(name)
        if isinstance(default, str | int) or (isinstance(default, float) and isfinite(default)):
            place.setdefault("default", default)
    return Tool(function.__name__, description, schema, reader(adapter, HINT), function)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What Python and Pydantic say of hints they can make nothing of, as an error about the tool."""
    from pydantic import PydanticUserError

    try:
        yield
    except (NameError, PydanticUserError, ValueError, TypeError) as problem:
        raise UnsupportedError(
            f"the tool `{name}` has no schema: {str(problem).splitlines()[0]}",
            hint="hint each parameter with a type that Pydantic can describe as JSON",
        ) from problem

"""What is a tool: a name, a schema for its arguments, and a way to read them?

Three kinds of thing become one `Tool`:

    {"type": "function", "function": {"name": ..., "parameters": {...}}}     arguments are plain data
    {"name": ..., "input_schema": {...}}                                     likewise, as Anthropic has it
    {"name": ..., "inputSchema": {...}}, or such an object                   likewise, from an MCP server
    def weather(city: str, days: int = 3): ...                               arguments have the types hinted
    class Weather(BaseModel): ...                                            the arguments are an instance

For a function the signature says which arguments there are and which may be left out, the type hints say what
they hold, and the docstring says what the tool and its parameters are for (`docstrings.py`).  Pydantic turns
hints into a schema, and texts into typed values.  Nothing here calls a function.

A definition without `parameters` is a tool without arguments, as OpenAI has it; one that has them by another
name or in another place is refused, and so is whatever a prompt could not show: each message says which tool
it speaks of.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, NotRequired, cast, get_type_hints

from constrain.answers import read_json, reader
from constrain.arguments import as_text, kind_of, nearest, shown
from constrain.errors import (
    ConstrainError,
    InvalidInputError,
    LimitExceeded,
    SchemaError,
    UnsupportedError,
)
from constrain.json_schema.data import check_data, each_value, pointer_to
from constrain.tool_calls.docstrings import read_docstring

if TYPE_CHECKING:
    from pydantic import BaseModel

PARAMETERS = ("parameters", "input_schema", "inputSchema")
"""What the schema of the arguments is called: by OpenAI, by Anthropic, and in the Model Context Protocol."""
OTHER_KEYS = ("arguments", "args", "properties", "schema")
"""What it is called by mistake."""

_DEFINITION = '{"type": "function", "function": {"name": ..., "parameters": {...}}}'
HINT = "say in the type what is checked, as with Field(ge=..., pattern=...); run_tools tells the model"


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
    made: list[Tool] = []
    for number, tool in enumerate(tools):
        try:
            made.append(as_tool(tool))
        except ConstrainError as problem:
            problem.where = f"tools[{number}]" + (f", {problem.where}" if problem.where else "")
            raise
    seen: set[str] = set()
    for tool in made:
        if tool.name in seen:
            raise InvalidInputError(f"two tools are called `{tool.name}`")
        seen.add(tool.name)
    return made


def as_tool(tool: object) -> Tool:
    """A dictionary, a function, a Pydantic model or a Tool, as a Tool."""
    from pydantic import BaseModel

    if isinstance(tool, Tool):
        return _checked(tool)
    if hasattr(tool, "inputSchema") and hasattr(tool, "name"):  # what the MCP client's list_tools returns
        tool = {key: getattr(tool, key, None) for key in ("name", "description", "inputSchema")}
    if isinstance(tool, Mapping):
        return _checked(_of_definition(tool))
    if isinstance(tool, type) and issubclass(tool, BaseModel):
        return _checked(_of_model(tool))
    if inspect.isroutine(tool):
        return _checked(_of_function(tool))
    raise InvalidInputError(
        f"{tool.__name__ if isinstance(tool, type) else type(tool).__name__} is not a tool",
        hint="give a function, a Pydantic model, or a dictionary in OpenAI's form",
    )


def _checked(tool: Tool) -> Tool:
    """The tool, if prompts can show it and its arguments are an object, whatever it was made of."""
    name = as_text(tool.name, "the name of a tool")
    if not name.strip():
        raise InvalidInputError("a tool needs a name", hint=_DEFINITION)
    description = f"the description of the tool `{name}`"
    as_text(tool.description, description, where=description)
    parameters = tool.parameters
    kind = parameters.get("type", "object") if isinstance(parameters, Mapping) else None
    if not isinstance(kind, str) or kind != "object":
        raise InvalidInputError(
            f"the parameters of the tool `{name}` are not the schema of an object",
            hint='arguments have names: {"type": "object", "properties": {...}}',
        )
    _check_parameters(name, parameters)
    return tool if "type" in parameters else replace(tool, parameters={"type": "object", **parameters})


def _check_parameters(name: str, parameters: Mapping[str, Any]) -> None:
    """Refuse what cannot be written as JSON text, as prompts show it, or would be read as something else."""
    what = f"the parameters of the tool `{name}` are not JSON: "
    data = dict(parameters)
    try:
        check_data(data)
        json.dumps(data)
    except SchemaError as problem:
        raise InvalidInputError(what + problem.what, where=problem.where, hint=problem.hint) from problem
    except (TypeError, ValueError) as problem:
        raise InvalidInputError(what + str(problem), where=_unwritable(data)) from problem
    except RecursionError as problem:
        raise LimitExceeded(f"the parameters of the tool `{name}` are nested too deeply") from problem


def _unwritable(data: object) -> str:
    """The pointer of the first scalar that Python does not write as JSON."""
    for path, value in each_value(data):
        try:
            if not isinstance(value, dict | list | tuple):
                json.dumps(value)
        except (TypeError, ValueError):
            return pointer_to("#", path)
    return "#"


def _of_definition(definition: Mapping[str, Any]) -> Tool:
    function = definition.get("function", definition)
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str) or not name.strip():
        raise InvalidInputError("a tool needs a name", where=_excerpt(definition), hint=_DEFINITION)
    kind = definition.get("type", "function")
    if not isinstance(kind, str) or kind not in ("function", "custom"):
        raise UnsupportedError(
            f"the tool `{name}` is of the type {shown(kind)}, not a function",
            hint=f"tools that a service runs by itself cannot be called here; a function is {_DEFINITION}",
        )
    parameters = next((function[key] for key in PARAMETERS if function.get(key) is not None), None)
    if parameters is None:
        _check_nothing_else(name, function, definition)
        parameters = {"type": "object", "properties": {}, "additionalProperties": False}
    elif isinstance(parameters, Mapping):
        parameters = {"type": "object", **parameters}
    description = function.get("description")
    return Tool(name, "" if description is None else description, parameters, read_json)


def _check_nothing_else(name: str, function: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    """Refuse parameters that have another name or place, and would be left out in silence."""
    if function is not definition and definition.get("parameters") is not None:
        raise InvalidInputError(
            f"the tool `{name}` has its `parameters` beside `function`, not in it", hint=_DEFINITION
        )
    for key in (*function, *definition):
        if key not in PARAMETERS and (key in OTHER_KEYS or nearest(key, PARAMETERS)):
            raise InvalidInputError(
                f"the tool `{name}` has `{key}`, and no `parameters`",
                hint="call it `parameters`, or `input_schema`",
            )


def _excerpt(definition: Mapping[str, Any]) -> str:
    """The beginning of a definition as JSON, or its keys where it is none."""
    try:
        return json.dumps(definition, default=kind_of)[:200]
    except (TypeError, ValueError, RecursionError):
        return f"a dictionary with the keys {', '.join(map(shown, definition))}"[:200]


def _of_model(model: type[BaseModel]) -> Tool:
    from pydantic import TypeAdapter

    from constrain.type_schema import type_schema

    with _explained(model.__name__):
        adapter: TypeAdapter[Any] = TypeAdapter(model)
        schema = type_schema(adapter)
        description = inspect.cleandoc(model.__doc__ or "")
    return Tool(model.__name__, description, schema, reader(adapter, HINT))


def _of_function(function: Callable[..., Any]) -> Tool:
    from pydantic import ConfigDict, TypeAdapter
    from typing_extensions import TypedDict

    from constrain.type_schema import type_schema

    if function.__name__ == "<lambda>":
        raise InvalidInputError("a lambda has no name to call it by", hint="write it as a function: def ...")
    fields, defaults = {}, {}
    with _explained(as_text(function.__name__, "the name of a tool")):
        hints = get_type_hints(function, include_extras=True)
        signature = inspect.signature(function)
        doc = inspect.cleandoc(function.__doc__ or "")
    for name, parameter in signature.parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise UnsupportedError(
                f"the parameter `{parameter}` of `{function.__name__}` has no name to pass it by",
                hint="a tool's arguments are a JSON object: name each parameter",
            )
        hint = hints.get(name, Any)
        fields[name] = hint if parameter.default is parameter.empty else NotRequired[hint]
        defaults[name] = parameter.default
    with _explained(function.__name__):
        arguments = cast(Any, TypedDict)(function.__name__, fields)
        arguments.__pydantic_config__ = ConfigDict(extra="forbid")
        adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(arguments)
        schema = type_schema(adapter)
    description, said = read_docstring(doc, fields)
    for name, place in schema.get("properties", {}).items():
        if name in said:
            place.setdefault("description", said[name])
        default = defaults.get(name)
        if isinstance(default, str | int) or (isinstance(default, float) and isfinite(default)):
            place.setdefault("default", default)
    return Tool(function.__name__, description, schema, reader(adapter, HINT), function)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What Python and Pydantic say of hints they can make nothing of, as an error about the tool.

    Hints are code, of whoever wrote the tool, and so are the hooks of types: they may raise anything.
    """
    try:
        yield
    except Exception as problem:
        said = next(iter(str(problem).splitlines()), type(problem).__name__)
        raise UnsupportedError(
            f"the tool `{name}` has no schema: {said}",
            hint="hint each parameter with a type that Pydantic can describe as JSON",
        ) from problem

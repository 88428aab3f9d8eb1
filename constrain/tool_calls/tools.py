"""What is a tool: a name, a schema for its arguments, and a way to read them?

Three kinds of thing become one `Tool`:

    {"type": "function", "function": {"name": ..., "parameters": {...}}}     arguments are plain data
    def weather(city: str, days: int = 3): ...                               arguments have the types hinted
    class Weather(BaseModel): ...                                            the arguments are an instance

For a function the signature says which arguments there are and which may be left out, the type hints say what
they hold, and the docstring says what the tool is for.  Pydantic turns hints into a schema, and texts into
typed values.  Nothing here calls a function.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, cast, get_type_hints

from constrain.errors import InvalidInputError, UnsupportedError


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: `read` turns the JSON text of its arguments into values, `function` is what may be called."""

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
    made = [as_tool(tool) for tool in tools]
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
        return tool
    if isinstance(tool, Mapping):
        return _of_definition(tool)
    if isinstance(tool, type) and issubclass(tool, BaseModel):
        description = inspect.cleandoc(tool.__doc__ or "")
        return Tool(tool.__name__, description, tool.model_json_schema(), tool.model_validate_json)
    if inspect.isroutine(tool):
        return _of_function(tool)
    raise InvalidInputError(
        f"{type(tool).__name__} is not a tool",
        hint="give a function, a Pydantic model, or a dictionary in OpenAI's form",
    )


def _of_definition(definition: Mapping[str, Any]) -> Tool:
    function = definition.get("function", definition)
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str) or not name:
        raise InvalidInputError(
            "a tool needs a name",
            where=json.dumps(definition, default=repr)[:200],
            hint='{"type": "function", "function": {"name": ..., "parameters": {...}}}',
        )
    parameters = function.get("parameters", {"type": "object", "properties": {}})
    if not isinstance(parameters, Mapping) or parameters.get("type", "object") != "object":
        raise InvalidInputError(f"the parameters of the tool `{name}` are not the schema of an object")
    try:
        json.dumps(parameters)
    except (TypeError, ValueError) as problem:
        raise InvalidInputError(f"the parameters of the tool `{name}` are not JSON: {problem}") from problem
    return Tool(name, str(function.get("description", "")), {"type": "object", **parameters}, json.loads)


def _of_function(function: Callable[..., Any]) -> Tool:
    from pydantic import ConfigDict, TypeAdapter
    from typing_extensions import TypedDict

    hints, fields = get_type_hints(function, include_extras=True), {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise UnsupportedError(
                f"the parameter `{parameter}` of `{function.__name__}` has no name to pass it by",
                hint="a tool's arguments are a JSON object: name each parameter",
            )
        hint = hints.get(name, Any)
        fields[name] = hint if parameter.default is parameter.empty else NotRequired[hint]
    arguments = cast(Any, TypedDict)(function.__name__, fields)
    arguments.__pydantic_config__ = ConfigDict(extra="forbid")
    adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(arguments)
    description = inspect.getdoc(function) or ""
    return Tool(function.__name__, description, adapter.json_schema(), adapter.validate_json, function)

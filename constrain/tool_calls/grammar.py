"""Which texts are answers with tool calls in them?

    "auto"            free text, then perhaps calls     the text is free until the form's trigger
    "required"        calls
    ["f", "g"]        calls of these tools only
    {"name": "f"}     one call of this tool
    "none"            free text                         in which the trigger does not occur

From the trigger on, only the name of an offered tool can be written, and behind a name only arguments that
this tool's own schema allows.  With `parallel` more calls may follow the first.

The grammar has two strictnesses.  The *written* one spells everything as the form's model was trained to: one
way to write what stands around names and arguments.  The *read* one takes what models write without a
constraint: any blanks, any spelling of a string, the two keys in either order, text after calls and between.

Each call is marked with CALL, and its arguments with `Arguments(tool's number)`; that is all a reader needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from constrain.errors import InvalidInputError
from constrain.json_schema.options import JsonOptions
from constrain.parts import (
    Part,
    SpecialToken,
    branches,
    either,
    json_value,
    literal,
    marked,
    regex,
    repeated,
    sequence,
)
from constrain.structural import TEXT, Tag, free_text, structural_tags
from constrain.tool_calls.forms import Form, as_form
from constrain.tool_calls.tools import Tool, as_tools

ToolChoice = Literal["auto", "none", "required"] | Mapping[str, str] | Sequence[str]

CALL = "call"


@dataclass(frozen=True, slots=True)
class Arguments:
    """The label of a call's arguments: which tool they are for."""

    tool: int


@dataclass(frozen=True, slots=True)
class ToolCallGrammar:
    """The answers that may call some tools: `written` to generate under, `read` for any model's text."""

    tools: tuple[Tool, ...]
    form: Form
    written: Part
    read: Part


def tool_call_grammar(
    tools: Iterable[object],
    form: Form | str = "hermes",
    *,
    tool_choice: ToolChoice = "auto",
    parallel: bool = True,
    special: Mapping[str, SpecialToken] | None = None,
    **options: Any,
) -> ToolCallGrammar:
    """The grammar of answers that may call `tools` in a form.

    `special` says which texts of the form are special tokens of the vocabulary, made by `special_token`;
    `options` are those of `JsonOptions`, for the arguments.
    """
    made, form = as_tools(tools), as_form(form)
    chosen, single = _chosen(made, tool_choice)
    parallel = parallel and not single
    strict = _Writer(form, made, dict(special or {}), options)
    loose = _Writer(form, made, {}, {**options, **_LOOSE}, loose=True)
    read = structural_tags([loose.tag(made, parallel=True)]) if made else marked(free_text(), TEXT)
    if tool_choice == "none" or not made:
        without = free_text(until=[strict.trigger])
        return ToolCallGrammar(tuple(made), form, marked(without, TEXT), read)
    if tool_choice == "auto":
        written = structural_tags([strict.tag(chosen, parallel=parallel)], stop_after_first=True)
    else:
        written = strict.calls(chosen, parallel=parallel)
    return ToolCallGrammar(tuple(made), form, written, read)


_LOOSE = {"whitespace": "any", "spelling": "any", "property_order": "any"}


def _chosen(tools: list[Tool], choice: ToolChoice) -> tuple[list[Tool], bool]:
    """The tools a choice leaves, and whether it asks for a single call."""
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise InvalidInputError(
                f"tool_choice={choice!r} is not a choice",
                hint='use "auto", "none", "required", {"name": ...}, or a list of names',
            )
        if choice == "required" and not tools:
            raise InvalidInputError("a call is required, but there are no tools")
        return tools, False
    names = [_named(choice)] if isinstance(choice, Mapping) else list(choice)
    if not names:
        raise InvalidInputError("tool_choice names no tool")
    by_name = {tool.name: tool for tool in tools}
    for name in names:
        if name not in by_name:
            raise InvalidInputError(
                f"tool_choice names `{name}`, which is not a tool", hint=f"the tools are {', '.join(by_name)}"
            )
    return [by_name[name] for name in dict.fromkeys(names)], isinstance(choice, Mapping)


def _named(choice: Mapping[str, Any]) -> str:
    """The name in {"name": ...}, or in OpenAI's {"type": "function", "function": {"name": ...}}."""
    return str(choice.get("function", choice).get("name"))


class _Writer:
    """Makes the parts of one form."""

    def __init__(
        self,
        form: Form,
        tools: Sequence[Tool],
        special: dict[str, SpecialToken],
        options: dict[str, Any],
        *,
        loose: bool = False,
    ) -> None:
        JsonOptions.of(options)
        self.form, self.loose, self.special = form, loose, special
        self.arguments = {
            tool.name: marked(json_value(tool.parameters, **options), Arguments(number))
            for number, tool in enumerate(tools)
        }
        opening = form.trigger
        self.trigger = next((t for text, t in special.items() if opening.startswith(text)), opening)

    def tag(self, tools: Sequence[Tool], *, parallel: bool) -> Tag:
        """Calls behind their trigger.  Calls that nothing holds together are tags of their own when read."""
        form, trigger = self.form, self.trigger
        shown = trigger if isinstance(trigger, str) else trigger.text
        parallel = parallel and not (self.loose and not form.end)
        return Tag(trigger, self.calls(tools, parallel=parallel, behind=shown))

    def calls(self, tools: Sequence[Tool], *, parallel: bool, behind: str = "") -> Part:
        """One call or several; `behind` is the part of the opening that has been written already."""
        form = self.form
        first = self.call(tools, form.begin + form.before_call, behind)
        more = sequence(self.text(form.between), self.call(tools, form.before_call, ""))
        return sequence(first, repeated(more) if parallel else "", self.text(form.end))

    def call(self, tools: Sequence[Tool], opening: str, behind: str) -> Part:
        """A call of one of `tools`."""
        form = self.form
        closing = form.after_call
        if form.keys is None:
            ways = {tool.name: self.behind_name(tool, form.separator) for tool in tools}
        elif self.loose:
            return self.loose_object(tools, opening, behind)
        else:
            name, arguments = (json.dumps(key, ensure_ascii=False) for key in form.keys)
            opening += f'{{{name}: "'
            closing = "}" + closing
            ways = {_quoted(tool.name): self.behind_name(tool, f'", {arguments}: ') for tool in tools}
        body = sequence(self.text(opening[len(behind) :]), branches(ways), self.text(closing))
        return marked(body, CALL)

    def behind_name(self, tool: Tool, separator: str) -> Part:
        """The separator and the arguments."""
        return sequence(self.text(separator), self.arguments[tool.name])

    def loose_object(self, tools: Sequence[Tool], opening: str, behind: str) -> Part:
        """The JSON object of a call, in any spelling; `behind` may reach into it, past the first colon."""
        assert self.form.keys is not None
        name, arguments = self.form.keys
        ways: list[Part] = []
        for tool in tools:
            named = json_value({"const": tool.name}, spelling="any")
            ending = sequence(_PUNCTUATION[","], _key(arguments), self.arguments[tool.name])
            if behind and not opening:
                ways.append(sequence(_BLANK, named, ending))
                continue
            name_last = sequence(
                _key(arguments), self.arguments[tool.name], _PUNCTUATION[","], _key(name), named
            )
            ways.append(either(sequence(_key(name), named, ending), name_last))
        start = (
            "" if behind and not opening else sequence(self.text(opening[len(behind) :]), _PUNCTUATION["{"])
        )
        return marked(
            sequence(start, either(*ways), _PUNCTUATION["}"], self.text(self.form.after_call)), CALL
        )

    def text(self, text: str) -> Part:
        """A piece of the form: special tokens as such, and in the loose grammar any blanks for blanks."""
        pattern = "|".join([re.escape(token) for token in self.special] + [r"\s+"] * self.loose)
        if not pattern:
            return literal(text)
        pieces: list[Part] = []
        for piece in re.split(f"({pattern})", text):
            pieces.append(self.special.get(piece) or (_BLANK if piece.isspace() else literal(piece)))
        return sequence(*pieces)


_BLANK = regex(r"[ \t\r\n]*")
_PUNCTUATION = {
    mark: regex(rf"[ \t\r\n]*{re.escape(mark)}[ \t\r\n]*" if mark != "}" else r"[ \t\r\n]*\}")
    for mark in "{}:,"
}


def _key(key: str) -> Part:
    """A key of a JSON object in any spelling, with its colon."""
    return sequence(json_value({"const": key}, spelling="any"), _PUNCTUATION[":"])


def _quoted(name: str) -> str:
    """A name inside a JSON string."""
    return json.dumps(name, ensure_ascii=False)[1:-1]

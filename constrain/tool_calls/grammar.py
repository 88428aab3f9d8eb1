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
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Unpack, cast

from constrain.arguments import as_flag, as_mapping, kind_of
from constrain.continuation import Continuation
from constrain.errors import ConstrainError, InvalidInputError
from constrain.json_schema.options import Compiling, JsonOptions
from constrain.json_schema.strings import StringSpace
from constrain.parts import (
    Part,
    SpecialToken,
    TermPart,
    branches,
    either,
    json_value,
    literal,
    marked,
    regex,
    repeated,
    sequence,
)
from constrain.recipe import remembered
from constrain.regular.keeping import remember
from constrain.structural import TEXT, Tag, free_text, structural_tags
from constrain.tool_calls.forms import Form, as_form
from constrain.tool_calls.plain import is_plain
from constrain.tool_calls.tools import Tool, as_tools

ToolChoice = Literal["auto", "none", "required", "any"] | Mapping[str, Any] | Sequence[str]
"""How it is chosen whether tools are called; "any" is what others call "required"."""
_WORDS = ("auto", "none", "required", "any")

CALL = "call"
CHOICES_HINT = 'use "auto", "none", "required", {"name": ...}, or a list of names'
KEPT_GRAMMARS = 32
_BLANKS = r"[ \t\r\n]*"


@dataclass(frozen=True, slots=True)
class Arguments:
    """The label of a call's arguments: which tool they are for."""

    tool: int


@dataclass(frozen=True, slots=True)
class ToolCallGrammar:
    """The answers that may call some tools: `written` to generate under, `read` for any model's text."""

    tools: tuple[Tool, ...]
    form: Form
    _request: _Request

    @property
    def written(self) -> Part:
        """The grammar to generate under."""
        return _part(self._request)

    @property
    def read(self) -> Part:
        """The loose grammar, to read what any model wrote."""
        request = self._request
        loose = replace(request.options, whitespace="any", spelling="any", property_order="any")
        return _part(_Request(self.form, request.offered, run="read", options=loose))


@dataclass(frozen=True, slots=True)
class _Offered:
    """A tool as far as it decides a grammar: its name, and its schema as text."""

    name: str
    schema: str
    parameters: dict[str, Any] = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Request:
    """Everything that decides a grammar.  The tools are names and schemas, so equal requests share one."""

    form: Form
    offered: tuple[_Offered, ...]
    run: Literal["auto", "none", "required", "read"]
    options: JsonOptions
    chosen: tuple[str, ...] = ()
    parallel: bool = True
    special: tuple[tuple[str, SpecialToken], ...] = ()


def tool_call_grammar(
    tools: Iterable[object],
    form: Form | str = "hermes",
    *,
    tool_choice: ToolChoice = "auto",
    parallel: bool = True,
    special: Mapping[str, SpecialToken] | None = None,
    **options: Unpack[Compiling],
) -> ToolCallGrammar:
    """The grammar of answers that may call `tools` in a form.

    `special` says which texts of the form are special tokens of the vocabulary, made by `special_token`;
    `options` are those of `JsonOptions`, for the arguments.  Asked again for the same tools, it is ready.

    Raises what `compile_json_schema` raises about a tool's parameters.
    """
    made, form = as_tools(tools), as_form(form)
    tokens = as_mapping(special, "special")
    for text, token in tokens.items():
        if not isinstance(token, SpecialToken):
            what = f"`{text}` stands for {kind_of(token)}, not for a special token"
            raise InvalidInputError(what, hint="make one with special_token(vocabulary, token_id, text)")
    chosen, run, single = _chosen([tool.name for tool in made], tool_choice)
    request = _Request(
        form,
        tuple(_Offered(tool.name, json.dumps(tool.parameters), tool.parameters) for tool in made),
        run,
        JsonOptions.of(options),
        tuple(chosen),
        as_flag(parallel, "parallel") and not single,
        tuple(tokens.items()),
    )
    _part(request)
    return ToolCallGrammar(tuple(made), form, request)


@remembered
def _part(request: _Request) -> Part:
    """The answers that a request stands for."""
    return _kept_part(request)


@remember(KEPT_GRAMMARS)
def _kept_part(request: _Request) -> Part:
    writer = _Writer(request)
    if request.run == "none" or not request.offered:
        until = [writer.trigger] if request.run != "read" else []
        return marked(free_text(until=until), TEXT)
    if request.run == "read":
        return structural_tags([writer.tag([tool.name for tool in request.offered])])
    if request.run == "auto":
        return structural_tags([writer.tag(request.chosen)], stop_after_first=True)
    return writer.calls(request.chosen, parallel=request.parallel)


def _chosen(
    names: list[str], choice: ToolChoice
) -> tuple[list[str], Literal["auto", "none", "required"], bool]:
    """The tools a choice leaves, what may be written, and whether that is a single call."""
    if isinstance(choice, Mapping) and choice.keys() == {"type"} and choice["type"] in _WORDS:
        choice = cast(ToolChoice, choice["type"])  # Anthropic's form
    if isinstance(choice, str) and choice == "any":
        choice = "required"
    if isinstance(choice, str) and choice in ("auto", "none", "required"):
        if choice == "required" and not names:
            raise InvalidInputError("a call is required, but there are no tools")
        return names, cast(Literal["auto", "none", "required"], choice), False
    wanted = _wanted(choice)
    if not wanted:
        raise InvalidInputError("tool_choice names no tool", hint=CHOICES_HINT)
    for name in wanted:
        if name not in names:
            raise InvalidInputError(
                f"tool_choice names `{name}`, which is not a tool", hint=f"the tools are {', '.join(names)}"
            )
    return wanted, "required", isinstance(choice, Mapping)


def _wanted(choice: object) -> list[str]:
    """The names in a list, in {"name": ...}, or in OpenAI's {"function": {"name": ...}}."""
    named: object = choice
    if isinstance(choice, Mapping):
        function = choice.get("function", choice)
        named = [function["name"]] if isinstance(function, Mapping) and "name" in function else None
    if isinstance(named, str) or not isinstance(named, Iterable):
        raise InvalidInputError(f"tool_choice={choice!r} is not a choice", hint=CHOICES_HINT)
    return list(dict.fromkeys(map(str, named)))


class _Plain(Part):
    """Values of a schema that has nothing wrong with it: compiled when a text has come as far as this."""

    def __init__(self, schema: str, options: dict[str, Any]) -> None:
        super().__init__()
        self.schema, self.options = schema, options

    @cached_property
    def value(self) -> Part:
        """The part, once it is needed."""
        return json_value(self.schema, **self.options)

    def make_filled(self, then: Continuation) -> Continuation | None:
        return self.value.filled(then)

    def inner(self) -> list[tuple[str, Part]]:
        return [("the arguments", self.value)] if self.fillings else []


def _checked(tool: _Offered, options: dict[str, Any]) -> Part:
    """Values of a schema that is compiled now; what is wrong with it is said with the tool's name."""
    try:
        return json_value(tool.schema, **options)
    except ConstrainError as problem:
        between = "\n" if "\n" in problem.where else ", " if problem.where else ""
        problem.where = f"the tool `{tool.name}`{between}{problem.where}"
        raise


class _Writer:
    """Makes the parts of one form.  What `behind` holds has been written already, as a trigger."""

    def __init__(self, request: _Request) -> None:
        self.form, self.parallel, self.special = request.form, request.parallel, dict(request.special)
        self.loose = request.run == "read"
        options = asdict(request.options)
        self.arguments: dict[str, Part] = {}
        self._named: Part | None = None
        for number, tool in enumerate(request.offered):
            plain = is_plain(tool.parameters)
            value = _Plain(tool.schema, options) if plain else _checked(tool, options)
            self.arguments[tool.name] = marked(value, Arguments(number))
        opening = self.form.trigger
        self.trigger = next((t for text, t in self.special.items() if opening.startswith(text)), opening)
        if self.loose:
            self.blanks = regex(_BLANKS)
            self.marks = {mark: regex(_BLANKS + re.escape(mark) + _BLANKS) for mark in "{:,"}
            self.marks["}"] = regex(_BLANKS + r"\}")

    def tag(self, names: Sequence[str]) -> Tag:
        """Calls behind their trigger.  Calls that nothing holds together are tags of their own when read."""
        trigger = self.trigger
        parallel = self.parallel and not (self.loose and not self.form.end)
        behind = trigger if isinstance(trigger, str) else trigger.text
        return Tag(trigger, self.calls(names, parallel=parallel, behind=behind))

    def calls(self, names: Sequence[str], *, parallel: bool, behind: str = "") -> Part:
        """One call or several, in what holds them together."""
        form = self.form
        first = self.call(names, form.begin + form.before_call, behind)
        if not parallel:
            return sequence(first, self.text(form.end))
        more = sequence(self.text(form.between), self.call(names, form.before_call))
        return sequence(first, repeated(more), self.text(form.end))

    def call(self, names: Sequence[str], opening: str, behind: str = "") -> Part:
        """A call of one of these tools."""
        form = self.form
        if form.keys is None:
            named = self.named({name: name for name in names}, form.separator)
            pieces = [self.text(opening[len(behind) :]), named, self.text(form.after_call)]
        elif self.loose:
            pieces = [*self.loose_object(names, opening, behind), self.text(form.after_call)]
        else:
            name_key, arguments_key = (_quoted(key) for key in form.keys)
            opening += f'{{"{name_key}": "'
            named = self.named({_quoted(name): name for name in names}, f'", "{arguments_key}": ')
            pieces = [self.text(opening[len(behind) :]), named, self.text("}" + form.after_call)]
        return marked(sequence(*pieces), CALL)

    def named(self, names: Mapping[str, str], separator: str) -> Part:
        """One of the names as the form spells it, then its arguments; every call shares it."""
        if self._named is None:
            between = self.text(separator)
            ways = {spelled: sequence(between, self.arguments[name]) for spelled, name in names.items()}
            self._named = branches(ways)
        return self._named

    def loose_object(self, names: Sequence[str], opening: str, behind: str) -> list[Part]:
        """The JSON object of a call, in any spelling; a trigger may reach into it, past the first colon."""
        assert self.form.keys is not None
        name_key, arguments_key = self.form.keys
        comma, after_name_key = self.marks[","], bool(behind) and not opening
        ways: list[Part] = []
        for name in names:
            called, arguments = _spelled(name), sequence(self.key(arguments_key), self.arguments[name])
            if after_name_key:
                ways.append(sequence(self.blanks, called, comma, arguments))
            else:
                named = sequence(self.key(name_key), called)
                ways += [sequence(named, comma, arguments), sequence(arguments, comma, named)]
        start = [] if after_name_key else [self.text(opening[len(behind) :]), self.marks["{"]]
        return [*start, either(*ways), self.marks["}"]]

    def key(self, key: str) -> Part:
        """A key of a JSON object in any spelling, with its colon."""
        return sequence(_spelled(key), self.marks[":"])

    def text(self, text: str) -> Part:
        """A piece of the form: special tokens as such, and in the loose grammar any blanks for blanks."""
        pattern = "|".join([re.escape(token) for token in self.special] + [r"\s+"] * self.loose)
        if not pattern:
            return literal(text)
        pieces: list[Part] = []
        for piece in re.split(f"({pattern})", text):
            pieces.append(self.special.get(piece) or (self.blanks if piece.isspace() else literal(piece)))
        return sequence(*pieces)


def _quoted(text: str) -> str:
    """A text inside a JSON string, without the quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _spelled(text: str) -> Part:
    """A JSON string, in every spelling that reads as `text`."""
    space = StringSpace("any")
    return TermPart(space.quoted(space.values([text])), f"`{text}`")

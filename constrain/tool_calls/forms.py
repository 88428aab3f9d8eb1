"""How does a family of models write a tool call?

    hermes      <tool_call>\\n{"name": "f", "arguments": {...}}\\n</tool_call>
    llama3      {"name": "f", "parameters": {...}}
    mistral     [TOOL_CALLS] [{"name": "f", "arguments": {...}}]
    deepseek    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\\n```json\\n{...}\\n```...

A form is a row of data, and another one takes a few lines:

    begin                       once before the first call
        before_call             before each call
            either keys         a JSON object with these two keys, the name and the arguments
            or separator        the bare name, this text, the arguments
        after_call
        between                 between two calls
    end                         once behind the last call

The *trigger* is where free text ends and a call begins: the form's opening text up to its first blank, or the
beginning of the JSON object where nothing stands before it.  Whether a piece such as `[TOOL_CALLS]` is one
special token or plain text depends on the tokenizer, not on the form.

A model's chat template shows which form it was trained on: `signs` are texts that all stand in the template.
Rows are tried in their order, the more telling first.

Sources: the models' chat templates; for Gemma, the JSON variant of Google's function-calling guide.  Gemma 4
and FunctionGemma write arguments that are not JSON, and have no row here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from constrain.arguments import as_text, nearest
from constrain.errors import InvalidInputError, UnsupportedError


@dataclass(frozen=True, slots=True)
class Form:
    """How tool calls are written down."""

    name: str
    keys: tuple[str, str] | None = None
    separator: str = ""
    begin: str = ""
    before_call: str = ""
    after_call: str = ""
    between: str = ""
    end: str = ""
    signs: tuple[str, ...] = ()

    @property
    def trigger(self) -> str:
        """The text that begins a run of calls, and cannot occur in the text before it."""
        opening = (self.begin or self.before_call).split()
        if opening:
            return opening[0]
        if self.keys is None:
            raise InvalidInputError(f"nothing tells a call of the form `{self.name}` from text")
        return "{" + json.dumps(self.keys[0], ensure_ascii=False) + ":"

    def write(self, calls: Iterable[tuple[str, str]]) -> str:
        """Calls as this form spells them; each is a name and the JSON text of its arguments.

        >>> FORMS["mistral"].write([("f", "{}"), ("g", '{"n": 1}')])
        '[TOOL_CALLS] [{"name": "f", "arguments": {}}, {"name": "g", "arguments": {"n": 1}}]'
        """
        written = [f"{self.before_call}{self._call(*call)}{self.after_call}" for call in calls]
        return f"{self.begin}{self.between.join(written)}{self.end}" if written else ""

    def _call(self, name: str, arguments: str) -> str:
        if self.keys is None:
            return f"{name}{self.separator}{arguments}"
        name_key, arguments_key = (json.dumps(key, ensure_ascii=False) for key in self.keys)
        return f"{{{name_key}: {json.dumps(name, ensure_ascii=False)}, {arguments_key}: {arguments}}}"


FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form(
            "hermes",
            keys=("name", "arguments"),
            before_call="<tool_call>\n",
            after_call="\n</tool_call>",
            between="\n",
            signs=("<tool_call>",),
        ),
        Form(
            "llama3-tags",
            separator=">",
            before_call="<function=",
            after_call="</function>",
            signs=("<function=",),
        ),
        Form("llama3", keys=("name", "parameters"), between="; ", signs=('"parameters": ',)),
        Form(
            "mistral-args", separator="[ARGS]", before_call="[TOOL_CALLS]", signs=("[TOOL_CALLS]", "[ARGS]")
        ),
        Form(
            "mistral",
            keys=("name", "arguments"),
            begin="[TOOL_CALLS] [",
            between=", ",
            end="]",
            signs=("[TOOL_CALLS]",),
        ),
        Form("gemma", keys=("name", "parameters"), between="\n", signs=("<start_of_turn>",)),
        Form(
            "deepseek",
            separator="\n```json\n",
            begin="<｜tool▁calls▁begin｜>",
            before_call="<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
            after_call="\n```<｜tool▁call▁end｜>",
            between="\n",
            end="<｜tool▁calls▁end｜>",
            signs=("<｜tool▁calls▁begin｜>", "```json"),
        ),
        Form(
            "deepseek-v3.1",
            separator="<｜tool▁sep｜>",
            begin="<｜tool▁calls▁begin｜>",
            before_call="<｜tool▁call▁begin｜>",
            after_call="<｜tool▁call▁end｜>",
            end="<｜tool▁calls▁end｜>",
            signs=("<｜tool▁calls▁begin｜>",),
        ),
    )
}
DEFAULT_FORM = FORMS["hermes"]

UNKNOWN_SIGNS = (
    "<parameter=", "<param name=", "<arg_key>", "<start_function_call>", "<|tool_call>",
    "<|tool_calls_section_begin|>", "<|tool_call_start|>", "<minimax:tool_call>", "[CALL_ID]", "<｜DSML｜",
)  # fmt: skip
"""Texts of templates that write calls in forms with no row in the table, XML and Python mostly."""


def form_of_template(template: str) -> Form | None:
    """The form that a chat template writes calls in; None where it shows none.

    Raises UnsupportedError where it shows one that is not in the table.
    """
    unknown = next((sign for sign in UNKNOWN_SIGNS if sign in template), None)
    if unknown is not None:
        raise UnsupportedError(
            f"the model's chat template writes tool calls with `{unknown}`, a form that is not in the table",
            hint=f"pass form=, one of {', '.join(FORMS)}, or a Form of your own",
        )
    return next((form for form in FORMS.values() if all(sign in template for sign in form.signs)), None)


def as_form(form: Form | str) -> Form:
    """A form, or the one in the table with this name."""
    if isinstance(form, Form):
        return form
    name = as_text(form, "the name of a form")
    if name not in FORMS:
        hint = nearest(name, FORMS, f"the forms are {', '.join(FORMS)}")
        raise InvalidInputError(f"there is no form `{name}`", hint=hint)
    return FORMS[name]

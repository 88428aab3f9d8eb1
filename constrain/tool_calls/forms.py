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

Sources: the models' chat templates; for Gemma, the JSON variant of Google's function-calling guide.  Gemma 4
and FunctionGemma write arguments that are not JSON, and have no row here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from constrain.errors import InvalidInputError


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

    @property
    def trigger(self) -> str:
        """The text that begins a run of calls, and cannot occur in the text before it."""
        opening = (self.begin or self.before_call).split()
        if opening:
            return opening[0]
        if self.keys is None:
            raise InvalidInputError(f"nothing tells a call of the form `{self.name}` from text")
        return "{" + json.dumps(self.keys[0], ensure_ascii=False) + ":"


FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form(
            "hermes",
            keys=("name", "arguments"),
            before_call="<tool_call>\n",
            after_call="\n</tool_call>",
            between="\n",
        ),
        Form("llama3", keys=("name", "parameters"), between="; "),
        Form("llama3-tags", separator=">", before_call="<function=", after_call="</function>"),
        Form("mistral", keys=("name", "arguments"), begin="[TOOL_CALLS] [", between=", ", end="]"),
        Form("mistral-args", separator="[ARGS]", before_call="[TOOL_CALLS]"),
        Form("gemma", keys=("name", "parameters"), between="\n"),
        Form(
            "deepseek",
            separator="\n```json\n",
            begin="<｜tool▁calls▁begin｜>",
            before_call="<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
            after_call="\n```<｜tool▁call▁end｜>",
            between="\n",
            end="<｜tool▁calls▁end｜>",
        ),
        Form(
            "deepseek-v3.1",
            separator="<｜tool▁sep｜>",
            begin="<｜tool▁calls▁begin｜>",
            before_call="<｜tool▁call▁begin｜>",
            after_call="<｜tool▁call▁end｜>",
            end="<｜tool▁calls▁end｜>",
        ),
    )
}


def as_form(form: Form | str) -> Form:
    """A form, or the one in the table with this name."""
    if isinstance(form, Form):
        return form
    if form not in FORMS:
        raise InvalidInputError(f"there is no form `{form}`", hint=f"the forms are {', '.join(FORMS)}")
    return FORMS[form]

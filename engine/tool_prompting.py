"""How is a model told which tools there are, and in which form it calls them?

Through its chat template, where that has a place for tools: then the prompt looks as it did in training.
Whether it has one is asked of the template itself: does the prompt change when tools are given?  Where it
does not, a system message says the same in plain words, with an example that the form itself writes:

    You can call these tools, each given as JSON with its parameters as a JSON Schema: ...
    To call a tool, answer with its name and arguments in this form:
    <tool_call>
    {"name": "get_weather", "arguments": {...}}
    </tool_call>

Earlier calls and their results are messages too, in OpenAI's form.  A template that knows no tools could not
write them, so they become text: a call as the form writes it, a result as a message of the user's.

The form is the one whose signs stand in the template (`tool_calls/forms.py`).  Which of the form's pieces are
special tokens is asked of the vocabulary: Qwen's `<tool_call>` may be one, Llama's is four ordinary tokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from constrain.engine.prompting import (
    ANSWER_LINE,
    RESULT_LINE,
    Message,
    TemplateKwargs,
    as_json,
    check_template_kwargs,
    check_text,
    messages_of,
    templated,
)
from constrain.errors import InvalidInputError
from constrain.parts import SpecialToken, special_token
from constrain.tool_calls.forms import DEFAULT_FORM, Form, form_of_template
from constrain.tool_calls.tools import Tool
from constrain.vocabulary.vocabulary import Vocabulary

TOOLS_LINE = "You can call these tools, each given as JSON with its parameters as a JSON Schema:"
FORM_LINE = "To call a tool, answer with its name and arguments in this form:"


def form_of(tokenizer: Any) -> Form:
    """The form that a tokenizer's chat template writes calls in; Hermes where it shows none.

    Raises UnsupportedError where the template shows a form that is not in the table.
    """
    return form_of_template(_template(tokenizer)) or DEFAULT_FORM


def _template(tokenizer: Any) -> str:
    """The text of a chat template; of several by name, the one for tools."""
    template = getattr(tokenizer, "chat_template", None)
    if isinstance(template, Mapping):
        template = template.get("tool_use", template.get("default"))
    return template if isinstance(template, str) else ""


def special_pieces(form: Form, vocabulary: Vocabulary, tokenizer: Any) -> dict[str, SpecialToken]:
    """The pieces of a form that are special tokens of the vocabulary, by their text."""
    text = "\0".join((form.begin, form.before_call, form.separator, form.after_call, form.between, form.end))
    return special_in(text, vocabulary, tokenizer)


def special_in(text: str, vocabulary: Vocabulary, tokenizer: Any) -> dict[str, SpecialToken]:
    """The special tokens of the vocabulary that are shown in a text, by how they are shown."""
    found: dict[str, SpecialToken] = {}
    for token_id in sorted(set(vocabulary.special_token_ids) - set(vocabulary.eos_token_ids)):
        shown = tokenizer.convert_ids_to_tokens(int(token_id))
        if isinstance(shown, str) and shown and shown in text:
            found[shown] = special_token(vocabulary, int(token_id), shown)
    return found


def tool_prompt_tokens(
    tokenizer: Any,
    prompt: str | Sequence[Message],
    tools: Sequence[Tool],
    form: Form,
    *,
    use_chat_template: bool = True,
    chat_template_kwargs: TemplateKwargs = None,
    reasoning: bool = False,
) -> list[int]:
    """Write messages, and what the model must know of the tools, as tokens.

    `chat_template_kwargs` and `reasoning` are those of `prompting.templated`.
    """
    check_template_kwargs(chat_template_kwargs)

    def written(messages: Sequence[Message], **options: Any) -> list[int]:
        given = {**(chat_template_kwargs or {}), **options}
        return templated(tokenizer, messages, given, reasoning=reasoning)

    messages = [_with_arguments(message, _as_data) for message in conversation(prompt)]
    for tool in tools:
        for text in (tool.name, tool.description, json.dumps(tool.parameters, ensure_ascii=False)):
            check_text(text)
    if not (use_chat_template and getattr(tokenizer, "has_chat_template", False)):
        text = "\n\n".join(str(message["content"]) for message in described(messages, tools, form))
        return _ids(tokenizer.encode(f"{text}\n\n{ANSWER_LINE}\n"))
    if not tools and not any(message["role"] == "tool" or "tool_calls" in message for message in messages):
        return written(messages)
    definitions = [tool.definition for tool in tools] or None
    if _knows_tools(tokenizer):
        return written(messages, tools=definitions)
    messages = described(messages, tools, form)
    if messages[0]["role"] == "system" and not _knows_system(tokenizer):
        messages = _without_system(messages)
    return written(messages)


def conversation(prompt: str | Sequence[Message]) -> list[Message]:
    """Check a prompt as messages; calls and results are checked too."""
    if isinstance(prompt, list | tuple):
        prompt = [
            {**m, "content": ""}
            if isinstance(m, Mapping) and m.get("tool_calls") and m.get("content") is None
            else m
            for m in prompt
        ]
    messages = messages_of(prompt)
    for index, message in enumerate(messages):
        calls = message.get("tool_calls") or ()
        if not isinstance(calls, list | tuple):
            raise InvalidInputError("the calls of a message are a list", where=f"message {index}")
        for call in calls:
            function = call.get("function", call) if isinstance(call, Mapping) else None
            if not isinstance(function, Mapping) or not {"name", "arguments"} <= function.keys():
                raise InvalidInputError(
                    "a call in a message needs a name and arguments",
                    where=f"message {index}: {ascii(call)[:200]}",
                    hint='{"type": "function", "function": {"name": "f", "arguments": {...}}}',
                )
    return messages


def described(messages: Sequence[Message], tools: Sequence[Tool], form: Form) -> list[Message]:
    """The same conversation for a template without tools: all of it is text."""
    plain = [_as_text(message, form) for message in messages]
    if not tools:
        return plain
    explained = explanation(tools, form)
    if plain[0]["role"] == "system":
        return [{**plain[0], "content": f"{plain[0]['content']}\n\n{explained}"}, *plain[1:]]
    return [{"role": "system", "content": explained}, *plain]


def explanation(tools: Sequence[Tool], form: Form) -> str:
    """What a model must know of the tools, in plain words."""
    lines = [as_json(tool.definition["function"]) for tool in tools]
    return "\n".join([TOOLS_LINE, *lines, "", FORM_LINE, form.write([(tools[0].name, "{...}")])])


def _as_text(message: Message, form: Form) -> Message:
    """A message without calls and results: they are written out."""
    if message["role"] == "tool":
        return {"role": "user", "content": f"{RESULT_LINE}\n{message['content']}"}
    if not message.get("tool_calls"):
        return {"role": message["role"], "content": message["content"]}
    functions = [call.get("function", call) for call in message["tool_calls"]]
    calls = form.write((f["name"], json.dumps(f["arguments"], ensure_ascii=False)) for f in functions)
    return {"role": message["role"], "content": f"{message['content'] or ''}{calls}"}


def _with_arguments(message: Message, change: Any) -> Message:
    """The message with the arguments of its calls changed."""
    if not message.get("tool_calls"):
        return message
    calls = []
    for call in message["tool_calls"]:
        function = call.get("function", call)
        changed = {**function, "arguments": change(function["arguments"])}
        calls.append({**call, "function": changed} if "function" in call else changed)
    return {**message, "tool_calls": calls}


def _as_data(arguments: Any) -> Any:
    """Arguments as data: templates write them as JSON, and would write text as a string."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError) as problem:
        raise InvalidInputError(
            f"the arguments of a call in a message are not JSON: {problem}", where=arguments
        ) from problem


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The system message put at the head of the first message of the user's."""
    system, rest = messages[0], [dict(message) for message in messages[1:]]
    for message in rest:
        if message["role"] == "user":
            message["content"] = f"{system['content']}\n\n{message['content']}"
            return rest
    return [{"role": "user", "content": system["content"]}, *rest]


def _knows_tools(tokenizer: Any) -> bool:
    """Whether the template writes the tools it is given."""
    function = {
        "name": "probe_of_tools",
        "description": "",
        "parameters": {"type": "object", "properties": {}},
    }
    asked = [{"role": "user", "content": "?"}]
    try:
        tools = [{"type": "function", "function": function}]
        text = tokenizer.apply_chat_template(asked, tools=tools, tokenize=False, add_generation_prompt=True)
    except Exception:  # a template may raise what it likes; then it is none for tools
        return False
    return "probe_of_tools" in text


def _knows_system(tokenizer: Any) -> bool:
    """Whether the template writes a system message (Gemma's raises an error)."""
    asked = [{"role": "system", "content": "probe of system"}, {"role": "user", "content": "?"}]
    try:
        text = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    except Exception:  # a template may raise what it likes; then it knows none
        return False
    return "probe of system" in text


def _ids(tokens: Sequence[Any]) -> list[int]:
    return [int(token) for token in tokens]

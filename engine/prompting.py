"""How is a request written down for a model?

A small model follows a schema better when it has read it, so the schema goes into the prompt, after what
the user asked:

    What's the weather in Rome?

    Answer with JSON that follows this JSON Schema:
    {"properties": {"city": {"type": "string"}}, "required": ["city"], "type": "object"}

With a chat template this is the last user message, and the template says where the answer begins.  Without
one, a line `Answer:` does.  The lookup model (`lookup/reading.py`) reads the same forms back, so they are
written here once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from constrain.arguments import kind_of
from constrain.errors import InvalidInputError, LimitExceeded, RefusedOutputError, SchemaError

SCHEMA_LINE = "Answer with JSON that follows this JSON Schema:"
REGEX_LINE = "Answer with text that matches this regular expression:"
GRAMMAR_LINE = "Answer with text that this Lark grammar accepts:"
CHOICE_LINE = "Answer with exactly one of these texts:"
ANSWER_LINE = "Answer:"
RESULT_LINE = "Result of the call:"
REFUSED_LINE = "This answer is refused, for these reasons:"
AGAIN_LINE = "Answer once more, so that none of them holds."
THINKING_MARKS = (
    ("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<seed:think>", "</seed:think>"),
    ("<reasoning>", "</reasoning>"), ("<thinking>", "</thinking>"),
)  # fmt: skip
"""What models that think first write around it; the first pair is what most have."""
AFTER_THOUGHT = "\n\n"
"""What stands between the end of a section of reasoning and the answer."""
MAX_DEPTH = 100
"""Messages nest a few levels; one that holds itself has no end."""

Message = dict[str, Any]
TemplateKwargs = Mapping[str, Any] | None
"""What a chat template is told beside the messages, such as {"enable_thinking": False}."""
OURS = ("conversation", "messages", "tools", "add_generation_prompt", "tokenize", "return_dict")
"""What templates are told by whoever calls them here, and by nobody else."""


def schema_request(schema: object) -> str:
    """The lines that ask for JSON under `schema`.  Raises SchemaError where it is not JSON itself."""
    return f"{SCHEMA_LINE}\n{as_json(schema)}"


def regex_request(pattern: str) -> str:
    """The lines that ask for text under `pattern`."""
    return f"{REGEX_LINE}\n{pattern}"


def choice_request(choices: Sequence[str]) -> str:
    """The lines that ask for one of some texts, written as a JSON list."""
    return f"{CHOICE_LINE}\n{json.dumps(list(choices), ensure_ascii=False)}"


def grammar_request(grammar: str, start: str) -> str:
    """The lines that ask for text under a Lark grammar."""
    from_rule = "" if start == "start" else f"// from the rule {start}\n"
    return f"{GRAMMAR_LINE}\n{from_rule}{grammar}"


def with_refusal(messages: Sequence[Message], refusal: RefusedOutputError) -> list[Message]:
    """The conversation with an answer that was refused, and with the reasons, as its last two turns."""
    told = f"{REFUSED_LINE}\n{reasons(refusal)}\n{AGAIN_LINE}"
    answer = {"role": "assistant", "content": refusal.text}
    return [*messages, answer, {"role": "user", "content": told}]


def reasons(refusal: RefusedOutputError) -> str:
    """Why an answer was refused, in a line for each reason, as a model is told.

    >>> errors = [{"loc": ("days", 0), "msg": "Value error, no day has 25 hours"}]
    >>> reasons(RefusedOutputError("", text="", value=None, errors=errors))
    '- days.0: Value error, no day has 25 hours'
    """
    places = [".".join(map(str, error["loc"])) for error in refusal.errors]
    found = zip(places, refusal.errors, strict=True)
    return "\n".join(f"- {place}: {error['msg']}" if place else f"- {error['msg']}" for place, error in found)


def messages_of(prompt: str | Sequence[Message]) -> list[Message]:
    """Check a prompt, and return it as chat messages."""
    if isinstance(prompt, str):
        if not prompt.strip():
            raise InvalidInputError("the prompt is empty", hint="say what the answer should be about")
        check_text(prompt)
        return [{"role": "user", "content": prompt}]
    if not isinstance(prompt, Sequence) or isinstance(prompt, bytes | bytearray | memoryview):
        given: object = prompt
        hint = '[{"role": "user", "content": "..."}]'
        if isinstance(given, bytes | bytearray):
            hint = "decode it first: prompt.decode()"
        elif isinstance(given, Mapping):
            hint = "put the message into a list: [message]"
        elif isinstance(given, type):
            hint = "the prompt comes before the schema"
        raise InvalidInputError(f"a prompt is text or a list of messages, not {kind_of(given)}", hint=hint)
    for index, message in enumerate(prompt):
        if not isinstance(message, Mapping):
            hint = 'for example {"role": "user", "content": "..."}'
            if isinstance(message, str) and not any(isinstance(other, Mapping) for other in prompt):
                hint = "one prompt is asked for here: streams and tool calls take no list of them"
            raise InvalidInputError(
                f"a chat message is a dictionary, not {kind_of(message)}",
                where=f"message {index}",
                hint=hint,
            )
    messages = [dict(message) for message in prompt if isinstance(message, Mapping)]
    if not messages:
        raise InvalidInputError("the list of messages is empty", hint='[{"role": "user", "content": "..."}]')
    for index, message in enumerate(messages):
        if not isinstance(message.get("role"), str) or message.get("content") is None:
            raise InvalidInputError(
                "a chat message needs a role and a content",
                where=f"message {index}: {ascii(message)[:200]}",
                hint='for example {"role": "user", "content": "..."}',
            )
        message["content"] = _content(message["content"], f"message {index}")
        _check_texts(message, f"message {index}")
    return messages


def _content(content: Any, where: str) -> str:
    """The text of a message, which OpenAI's clients may send in parts.

    Raises InvalidInputError for a part that is no text, such as an image: no model here sees it.
    """
    if isinstance(content, str):
        return content
    hint = 'content is text, or parts of the form {"type": "text", "text": "..."}'
    if not isinstance(content, list | tuple):
        raise InvalidInputError(
            f"a message's content is text, not {kind_of(content)}", where=where, hint=hint
        )
    for index, part in enumerate(content):
        if not isinstance(part, Mapping) or not isinstance(part.get("text"), str):
            kind = part.get("type") if isinstance(part, Mapping) else None
            what = f"a part of the type {kind!r}" if isinstance(kind, str) else "a part that is no text"
            raise InvalidInputError(f"{what} cannot be read", where=f"{where}, part {index}", hint=hint)
    return "".join(part["text"] for part in content)


def as_json(schema: object) -> str:
    """A schema as JSON text, for a prompt; halves of surrogate pairs stay the escapes that they are there.

    Raises SchemaError for what JSON has no form for, LimitExceeded for what is nested too deeply.
    """
    try:
        text = json.dumps(schema, ensure_ascii=False)
    except (TypeError, ValueError) as problem:
        raise SchemaError(
            f"the schema is not JSON: {problem}", hint="with schema_in_prompt=False it is not written down"
        ) from problem
    except RecursionError:
        raise LimitExceeded(
            "the schema is nested too deeply to be written into the prompt",
            hint="with schema_in_prompt=False it is not",
        ) from None
    return text.encode(errors="backslashreplace").decode()


def _check_texts(value: object, where: str, depth: int = 0) -> None:
    """Refuse half a surrogate pair anywhere in a message."""
    if isinstance(value, str):
        check_text(value)
    elif depth > MAX_DEPTH:
        raise LimitExceeded(f"a message is nested deeper than {MAX_DEPTH}", where=where)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_texts(key, where, depth + 1)
            _check_texts(item, where, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_texts(item, where, depth + 1)


def check_text(text: str) -> None:
    """Refuse what only Python calls text: half a surrogate pair, which no UTF-8 and so no token can write."""
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        place = problem.start
        raise InvalidInputError(
            f"half a surrogate pair, \\u{ord(text[place]):04x}, is character {place} of the text",
            where=ascii(text[max(place - 20, 0) : place + 20]),
            hint="write the whole pair; on a command line, halves come from bytes that are not UTF-8",
        ) from None


def with_request(messages: Sequence[Message], request: str) -> list[Message]:
    """Add a request to the end of the last user message (or as one, where there is none)."""
    result = [dict(message) for message in messages]
    for message in reversed(result):
        if message["role"] == "user" and isinstance(message["content"], str):
            message["content"] = f"{message['content']}\n\n{request}"
            return result
    return [*result, {"role": "user", "content": request}]


def prompt_tokens(
    tokenizer: Any,
    prompt: str | Sequence[Message],
    request: str | None,
    *,
    use_chat_template: bool,
    chat_template_kwargs: TemplateKwargs = None,
    reasoning: bool = False,
) -> list[int]:
    """Write a prompt and its request as tokens, through the chat template where there is one.

    `chat_template_kwargs` and `reasoning` are those of `templated`.
    """
    messages = messages_of(prompt)
    check_template_kwargs(chat_template_kwargs)
    if request is not None:
        check_text(request)
        messages = with_request(messages, request)
    if use_chat_template and getattr(tokenizer, "has_chat_template", False):
        return templated(tokenizer, messages, chat_template_kwargs, reasoning=reasoning)
    text = "\n\n".join(str(message["content"]) for message in messages)
    if request is not None:
        text = f"{text}\n\n{ANSWER_LINE}\n"
    return [int(t) for t in tokenizer.encode(text)]


def templated(
    tokenizer: Any, messages: Sequence[Message], given: TemplateKwargs = None, *, reasoning: bool
) -> list[int]:
    """Messages as tokens, by the chat template, which is told what is `given` and whether to let it think.

    `enable_thinking`, the name that most templates have for it, is true with `reasoning`, unless it is given.
    A section of reasoning that the template opens though none is wanted is closed at once.
    """
    told = {"enable_thinking": reasoning, **(given or {})}
    made = tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, **told)
    tokens = [int(token) for token in made]
    if not reasoning and thinks_at_the_end(tokenizer, tokens):
        closed = f"\n{thinking_marks(tokenizer)[1]}{AFTER_THOUGHT}"
        tokens += [int(token) for token in tokenizer.encode(closed, add_special_tokens=False)]
    return tokens


def check_template_kwargs(given: Any) -> None:
    """Refuse what no template can be told.  Raises InvalidInputError."""
    if given is None:
        return
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise InvalidInputError(
            f"chat_template_kwargs are a dictionary by name, not {type(given).__name__}",
            hint='for example {"enable_thinking": False}',
        )
    ours = next((name for name in OURS if name in given), None)
    if ours is not None:
        raise InvalidInputError(f"`{ours}` is no option of a chat template: it is decided here")


def thinking_marks(tokenizer: Any) -> tuple[str, str]:
    """What a model writes around its reasoning: as its tokenizer, or its chat template, shows it."""
    begin, end = getattr(tokenizer, "think_start", None), getattr(tokenizer, "think_end", None)
    if begin and end:
        return str(begin), str(end)
    template = getattr(tokenizer, "chat_template", None)
    shown = str(template) if template is not None else ""
    return next((marks for marks in THINKING_MARKS if marks[1] in shown), THINKING_MARKS[0])


def thinks_at_the_end(tokenizer: Any, tokens: Sequence[int]) -> bool:
    """Whether a prompt ends inside a section of reasoning that it has just opened."""
    begin = thinking_marks(tokenizer)[0]
    return str(tokenizer.decode(list(tokens[-16:]))).rstrip().endswith(begin)

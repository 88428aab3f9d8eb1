"""How is a request written down for a model?

A small model follows a schema better when it has read it, so the schema goes into the prompt, after what
the user asked:

    What's the weather in Rome?

    Answer with JSON that follows this JSON Schema:
    {"properties": {"city": {"type": "string"}}, "required": ["city"], "type": "object"}

With a chat template this is the last user message, and the template says where the answer begins.  Without
one, a line `Answer:` does.  The lookup model reads the same forms back (`engine.lookup.reading`), so they
are written here once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from constrain.errors import InvalidInputError, LimitExceeded, SchemaError

SCHEMA_LINE = "Answer with JSON that follows this JSON Schema:"
REGEX_LINE = "Answer with text that matches this regular expression:"
GRAMMAR_LINE = "Answer with text that this Lark grammar accepts:"
CHOICE_LINE = "Answer with exactly one of these texts:"
ANSWER_LINE = "Answer:"
RESULT_LINE = "Result of the call:"
MAX_DEPTH = 100
"""Messages nest a few levels; one that holds itself has no end."""

Message = dict[str, Any]


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


def messages_of(prompt: str | Sequence[Message]) -> list[Message]:
    """Check a prompt, and return it as chat messages."""
    if isinstance(prompt, str):
        if not prompt.strip():
            raise InvalidInputError("the prompt is empty", hint="say what the answer should be about")
        check_text(prompt)
        return [{"role": "user", "content": prompt}]
    if not isinstance(prompt, Sequence) or isinstance(prompt, bytes | bytearray | memoryview):
        raise InvalidInputError(
            f"a prompt is text or a list of messages, not {type(prompt).__name__}",
            hint='[{"role": "user", "content": "..."}]',
        )
    for index, message in enumerate(prompt):
        if not isinstance(message, Mapping):
            raise InvalidInputError(
                f"a chat message is a dictionary, not {type(message).__name__}",
                where=f"message {index}",
                hint='for example {"role": "user", "content": "..."}',
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
        _check_texts(message, f"message {index}")
    return messages


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
    tokenizer: Any, prompt: str | Sequence[Message], request: str | None, *, use_chat_template: bool
) -> list[int]:
    """Write a prompt and its request as tokens, through the chat template where there is one."""
    messages = messages_of(prompt)
    if request is not None:
        check_text(request)
        messages = with_request(messages, request)
    if use_chat_template and getattr(tokenizer, "has_chat_template", False):
        return [int(t) for t in tokenizer.apply_chat_template(messages, add_generation_prompt=True)]
    text = "\n\n".join(str(message["content"]) for message in messages)
    if request is not None:
        text = f"{text}\n\n{ANSWER_LINE}\n"
    return [int(t) for t in tokenizer.encode(text)]

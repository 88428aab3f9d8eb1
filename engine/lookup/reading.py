"""What was asked?  A context, as text, taken apart: request and schema, and the answer so far.

The lookup model sees tokens and decodes them to one text, in which every special token is a NUL.  Somewhere
in it the prompt ends and the answer begins.  Three signs are looked for, the surest first: the assistant
header of a chat template (`<|im_start|>assistant`, or Llama 3's header), the line `Answer:`, and, in a bare
prompt, the first brace that opens a JSON text reaching to the end.

    \\0user\\nNome: Anna\\n\\nAnswer with JSON ...:\\n{"properties": ...}\\0\\n\\0assistant\\n{"nome": "A
            └─ text ─┘                            └── schema ───┘                  └ answer ┘

Of the prompt, what users said is where values are looked for; the system prompt is not (its date is nobody's
birthday).  A JSON object that looks like a schema is the schema, wherever it stands.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from constrain.engine.prompting import (
    ANSWER_LINE,
    CHOICE_LINE,
    GRAMMAR_LINE,
    REFUSED_LINE,
    REGEX_LINE,
    RESULT_LINE,
    SCHEMA_LINE,
    THINKING_MARKS,
)
from constrain.tool_calls.forms import FORMS

SPECIAL = "\0"

_HEADER = re.compile(r"\0+assistant(?:\n|\0\n\n)")
_TURN = re.compile(r"\0+(system|user|assistant|tool|ipython|developer)(?:\n|\0\n\n)")
_RESULT_TAGS = ("<tool_response>", "</tool_response>")
_ANSWER = re.compile(rf"\n{re.escape(ANSWER_LINE)}\n")
_SCHEMA_KEYS = frozenset(
    {
        "type", "properties", "anyOf", "oneOf", "allOf", "enum", "const", "$ref", "items", "prefixItems",
        "$defs", "$schema",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """What a prompt asks for: the text with the facts in it, and the form the answer should take.

    With `tools` (each a name, a description and parameters) `form` says how they are called, `called` which
    have been, and `result` what has come of that.
    """

    text: str
    schema: Any = None
    has_schema: bool = False
    pattern: str | None = None
    tools: tuple[dict[str, Any], ...] = ()
    form: str = ""
    called: frozenset[str] = frozenset()
    result: str = ""


def split(context: str) -> tuple[str, str]:
    """Cut a context into prompt and answer so far."""
    headers = list(_HEADER.finditer(context)) or list(_ANSWER.finditer(context))
    if headers:
        return context[: headers[-1].end()], context[headers[-1].end() :]
    start = _unfinished(context)
    return context[:start], context[start:]


def after_thought(answer: str) -> tuple[str, str]:
    """What closes a section of reasoning that stands open, and the answer behind one that does not."""
    for begin, end in THINKING_MARKS:
        if answer.startswith(begin):
            _, closed, rest = answer.partition(end)
            begun = next(size for size in range(len(end), -1, -1) if answer.endswith(end[:size]))
            return ("", rest.lstrip("\n")) if closed else (end[begun:], "")
    return "", answer


def read(prompt: str) -> Request:
    """Find the text, the schema and the pattern in a prompt."""
    schema, pattern, has_schema = None, None, False
    if SCHEMA_LINE in prompt:
        before, after = prompt.rsplit(SCHEMA_LINE, 1)
        try:
            schema, end = json.JSONDecoder().raw_decode(after.lstrip("\n"))
            has_schema, prompt = True, before + after.lstrip("\n")[end:]
        except ValueError:
            pass
    elif REGEX_LINE in prompt:
        before, after = prompt.rsplit(REGEX_LINE + "\n", 1)
        pattern, _, rest = after.partition(SPECIAL if SPECIAL in after else f"\n\n{ANSWER_LINE}")
        prompt = before + SPECIAL + rest
    elif GRAMMAR_LINE in prompt:
        before, after = prompt.rsplit(GRAMMAR_LINE + "\n", 1)
        prompt = before + SPECIAL + after.partition(SPECIAL if SPECIAL in after else f"\n\n{ANSWER_LINE}")[2]
    elif CHOICE_LINE in prompt:
        before, after = prompt.rsplit(CHOICE_LINE + "\n", 1)
        try:
            choices, end = json.JSONDecoder().raw_decode(after)
            pattern, prompt = "|".join(re.escape(str(text)) for text in choices), before + after[end:]
        except ValueError:
            pass
    elif tools := _offered(prompt):
        return _with_tools(prompt, tools)
    if not has_schema:
        schema, prompt = _embedded_schema(prompt)
        has_schema = schema is not None
    return Request(_said(prompt), schema, has_schema, pattern)


def _said(prompt: str) -> str:
    """What users (and tools) said, without headers; all of a prompt that has no headers."""
    turns = _turns(prompt)
    if not turns:
        return _ANSWER.sub("\n", prompt).replace(SPECIAL, "\n").strip()
    said = [body for role, body in turns if role in ("user", "tool", "ipython")]
    return "\n".join(part for part in said if part and not part.startswith(REFUSED_LINE))


def _turns(prompt: str) -> list[tuple[str, str]]:
    """The roles of a chat, and what each said."""
    turns = list(_TURN.finditer(prompt))
    ends = [turn.start() for turn in turns[1:]] + [len(prompt)]
    bodies = [prompt[turn.end() : end].split(SPECIAL, 1)[0] for turn, end in zip(turns, ends, strict=False)]
    return [(turn.group(1), body.strip()) for turn, body in zip(turns, bodies, strict=True)]


def _offered(prompt: str) -> tuple[dict[str, Any], ...]:
    """The tools that the system prompt offers: JSON objects with a name and parameters."""
    turns = _turns(prompt)
    if not turns or turns[0][0] not in ("system", "developer"):
        return ()
    decoder, at, found, system = json.JSONDecoder(), 0, [], turns[0][1]
    while (at := system.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(system, at)
        except ValueError:
            at += 1
            continue
        tool = value.get("function", value)
        if isinstance(tool, dict) and isinstance(tool.get("name"), str) and "parameters" in tool:
            found.append(tool)
    return tuple(found)


def _with_tools(prompt: str, tools: tuple[dict[str, Any], ...]) -> Request:
    """A request that offers tools: the last thing the user said, and what has been called since."""
    turns = _turns(prompt)
    said = [number for number, (role, body) in enumerate(turns) if role == "user" and not _is_result(body)]
    last = said[-1] if said else 0
    asked = turns[last][1] if said else ""
    answers = "\n".join(body for role, body in turns[last + 1 :] if role == "assistant")
    results = [_result(body) for role, body in turns[last + 1 :] if role != "assistant"]
    called = frozenset(tool["name"] for tool in tools if tool["name"] in answers)
    signs = {form.name: form.begin or form.before_call for form in FORMS.values()}
    form = next((name for name, sign in signs.items() if sign and sign.strip() in turns[0][1]), "llama3")
    return Request(asked, tools=tools, form=form, called=called, result="\n".join(results))


def _is_result(body: str) -> bool:
    return body.startswith((_RESULT_TAGS[0], RESULT_LINE))


def _result(body: str) -> str:
    for mark in (*_RESULT_TAGS, RESULT_LINE):
        body = body.replace(mark, "")
    return body.strip()


def _embedded_schema(prompt: str) -> tuple[Any, str]:
    """The last JSON object in a prompt that looks like a schema, and the prompt without it."""
    decoder, at, found = json.JSONDecoder(), 0, None
    while (at := prompt.find("{", at)) >= 0:
        try:
            value, end = decoder.raw_decode(prompt, at)
        except ValueError:
            at += 1
            continue
        if isinstance(value, dict) and value.keys() & _SCHEMA_KEYS:
            found = (value, at, end)
        at = end
    if found is None:
        return None, prompt
    value, start, end = found
    return value, prompt[:start] + prompt[end:]


_PIECE = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*(?:"|$|\\$)|[{}\[\],:]|[-+.\w]+|\s+')


def _unfinished(text: str) -> int:
    """Where the first JSON object or array that reaches the end of `text` begins, or the length of `text`."""
    for opening in re.finditer(r"[{\[]", text):
        depth, at = 0, opening.start()
        while at < len(text) and (piece := _PIECE.match(text, at)):
            depth += (piece.group() in "{[") - (piece.group() in "}]")
            at = piece.end()
            if depth <= 0:
                break
        if at == len(text) and _opens_json(text[opening.start() :]):
            if depth == 0 and _embedded_schema(text[opening.start() :])[0] is not None:
                break
            return opening.start()
    return len(text)


def _opens_json(text: str) -> bool:
    return re.match(r'\{\s*("|$|\})|\[', text) is not None

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

from engine.prompting import ANSWER_LINE, CHOICE_LINE, GRAMMAR_LINE, REGEX_LINE, SCHEMA_LINE

SPECIAL = "\0"

_HEADER = re.compile(r"\0+assistant(?:\n|\0\n\n)")
_TURN = re.compile(r"\0+(system|user|assistant|tool|ipython|developer)(?:\n|\0\n\n)")
_ANSWER = re.compile(rf"\n{re.escape(ANSWER_LINE)}\n")
_SCHEMA_KEYS = frozenset(
    {
        "type", "properties", "anyOf", "oneOf", "allOf", "enum", "const", "$ref", "items", "prefixItems",
        "$defs", "$schema",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """What a prompt asks for: the text with the facts in it, and the form the answer should take."""

    text: str
    schema: Any = None
    has_schema: bool = False
    pattern: str | None = None


def split(context: str) -> tuple[str, str]:
    """Cut a context into prompt and answer so far."""
    headers = list(_HEADER.finditer(context)) or list(_ANSWER.finditer(context))
    if headers:
        return context[: headers[-1].end()], context[headers[-1].end() :]
    start = _unfinished(context)
    return context[:start], context[start:]


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
    if not has_schema:
        schema, prompt = _embedded_schema(prompt)
        has_schema = schema is not None
    return Request(_said(prompt), schema, has_schema, pattern)


def _said(prompt: str) -> str:
    """What users (and tools) said, without headers; all of a prompt that has no headers."""
    turns = list(_TURN.finditer(prompt))
    if not turns:
        return _ANSWER.sub("\n", prompt).replace(SPECIAL, "\n").strip()
    said = []
    for turn, following in zip(turns, [*turns[1:], None], strict=True):
        body = prompt[turn.end() : following.start() if following else len(prompt)].split(
            SPECIAL, maxsplit=1
        )[0]
        if turn.group(1) in ("user", "tool", "ipython"):
            said.append(body.strip())
    return "\n".join(part for part in said if part)


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

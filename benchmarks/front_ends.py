"""Every door that text comes in by, and what must come of any text: an answer, or a documented error.

    patterns         a regular expression in Python's syntax
    schemas          a JSON Schema as text, with options
    grammars         a Lark grammar
    type patterns    the pattern of a type's field, as Pydantic reads it
    tools            a list of tools, as JSON
    structures       parts put together, free text and tags, as JSON (`part_of` has the words)
    answers          what a model wrote: the name of a form of tool calls, a line break, any text
    cases            what a proof prints, and `--replay` reads
    vocabularies     tokens, ends and a size, as JSON

A `FrontEnd` makes of a source a subject of the proof kit, with its judges, or does all that is to be done
with it.  What it chooses (options, cuts) it draws from `chance`, which depends on the source alone: a source
is all that it takes to see something again.  `changed` makes another source, not far from the first.
"""

from __future__ import annotations

import copy
import json
import random
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import Field

from constrain.compiler import compile_json_schema, compile_part
from constrain.parts import PartLike, either, regex, repeated, sequence
from constrain.proof.judges import Judge, pattern_judges, type_judges
from constrain.proof.laws import Case, broken
from constrain.proof.subject import (
    Subject,
    lark_subject,
    pattern_subject,
    schema_subject,
    tools_subject,
)
from constrain.report import check_schema
from constrain.structural import Tag, free_text, reasoning, structural_tags
from constrain.target import as_schema
from constrain.tool_calls.forms import FORMS
from constrain.tool_calls.grammar import ToolCallGrammar, tool_call_grammar
from constrain.tool_calls.reader import Departure, ToolCallReader, joined, read_tool_calls
from constrain.vocabulary.vocabulary import Vocabulary
from tests import hostile_inputs
from tests.hostile_inputs import VOCABULARY

Rng = random.Random
MAX_STEPS = 20_000
"""A fiftieth of the default: what is too large is told sooner, and other sources have their turn."""


class NoSource(Exception):
    """A text that is no source of a front end: not JSON where JSON holds the tokens or the parts."""


@dataclass(frozen=True)
class FrontEnd:
    """`opened` makes a subject, or None where nothing is left to walk; `changed` another source."""

    opened: Callable[[str, Rng], Subject | None]
    changed: Callable[[Rng, str], str]


def chance(source: str) -> Rng:
    """The choices that belong to a source."""
    return Rng(zlib.crc32(source.encode("utf-8", "surrogatepass")))


# What is opened


def _pattern(source: str, rng: Rng) -> Subject:
    return pattern_subject(source, VOCABULARY, max_steps=MAX_STEPS)


def _schema(source: str, rng: Rng) -> Subject:
    if rng.randrange(4) == 0:
        assert str(check_schema(source, VOCABULARY, max_steps=MAX_STEPS)).encode()
    return schema_subject(source, VOCABULARY, max_steps=MAX_STEPS, **hostile_inputs.options(rng))


def _grammar(source: str, rng: Rng) -> Subject:
    return lark_subject(source, VOCABULARY, max_steps=MAX_STEPS)


def _type_pattern(source: str, rng: Rng) -> Subject:
    kind = Annotated[str, Field(pattern=source)]
    compiled = compile_json_schema(kind, VOCABULARY, max_steps=MAX_STEPS)
    return Subject("a field", compiled, type_judges(kind, as_schema(kind))[-1:])


def _tools(source: str, rng: Rng) -> Subject:
    form, choice = rng.choice(sorted(FORMS)), rng.choice(["auto", "required", "required"])
    return tools_subject(_data(source), VOCABULARY, form=form, choice=choice, max_steps=MAX_STEPS)


def _structure(source: str, rng: Rng) -> Subject:
    tree = _data(source)
    compiled = compile_part(part_of(tree), VOCABULARY, max_steps=MAX_STEPS)
    pattern = pattern_of(tree)
    return Subject("parts", compiled, [] if pattern is None else pattern_judges(pattern))


def _answer(source: str, rng: Rng) -> None:
    form, separator, text = source.partition("\n")
    if form not in _CALLS or not separator:
        raise NoSource
    grammar = _CALLS[form]
    for loose in (True, False):
        events = read_tool_calls(text, grammar, loose=loose)
        reader = ToolCallReader(grammar, loose=loose)
        raw, found = text.encode(), []
        cuts = sorted(rng.choices(range(len(raw) + 1), k=4))
        for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
            found += list(reader.feed(raw[start:end]))
        found += list(reader.finish())

        assert joined(found) == events, f"cut at {cuts} it reads otherwise"
    if not any(isinstance(event, Departure) for event in events):
        said = _judge_of_calls(form).refuses(text)
        assert said is None, f"unsound: {said}"


@cache
def _judge_of_calls(form: str) -> Judge:
    (judge,) = tools_subject(_TOOLS, VOCABULARY, form=form, choice="auto").judges
    return judge


def _case(source: str, rng: Rng) -> None:
    case = Case.read(source)
    again = Case.read(str(case))

    assert again == case, f"read as {case}, written, and read as {again}"
    for subject in _PROVED:
        problem = broken(subject, case)
        assert problem is None, f"unsound: {problem}"


def _vocabulary(source: str, rng: Rng) -> Subject:
    data = _data(source)
    if not isinstance(data, dict) or not isinstance(data.get("tokens"), list):
        raise NoSource
    tokens = [
        token.encode("utf-8", "surrogatepass") if isinstance(token, str) else token
        for token in data["tokens"]
    ]
    if data.get("bytes"):
        tokens = [bytes((byte,)) for byte in range(256)] + tokens
    vocabulary = Vocabulary.from_tokens(
        tokens,
        eos_token_ids=data.get("ends", [len(tokens) - 1]),
        special_token_ids=data.get("special"),
        size=data.get("size"),
    )
    pattern = rng.choice(['"[^"\\\\]*"|-?[0-9]+', "[a-c]{0,30}", "(ab|é)*|\0.", r"(a|bab){2,9}!?", r"[^a]*"])
    return pattern_subject(pattern, vocabulary, max_steps=MAX_STEPS)


def _data(source: str) -> Any:
    try:
        return json.loads(source)
    except (ValueError, RecursionError) as problem:
        raise NoSource from problem


_TOOLS = [
    {"name": "get", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}},
    {
        "name": 'odd "name"',
        "parameters": {
            "type": "object",
            "properties": {"n": {"type": "integer", "maximum": 9}, "on": {"enum": ["</tool_call>", True]}},
            "required": ["n"],
            "additionalProperties": False,
        },
    },
]
_CALLS: Mapping[str, ToolCallGrammar] = {
    name: tool_call_grammar(_TOOLS, name, tool_choice="auto") for name in FORMS
}
_PROVED = [
    pattern_subject("[ab]{1,9}", VOCABULARY),
    schema_subject({"type": "array", "items": {"type": "integer"}, "maxItems": 2}, VOCABULARY),
]


# Structures


def part_of(tree: Any) -> PartLike:
    """The part that a tree of JSON stands for.

    "text"                                          the text itself
    {"regex": "a+"}
    {"sequence": [...]}, {"either": [...]}
    {"repeated": part, "low": 0, "high": null}
    {"free": ["until"], "most": 9}                  free text
    {"reasoning": ["<think>", "</think>"], "most": 9}
    {"tags": [["begin", part, "end"]], "once": false, "first": false, "triggers": null}
    """
    if isinstance(tree, str):
        return tree
    if not isinstance(tree, dict):
        raise NoSource
    if "regex" in tree:
        return regex(tree["regex"])
    if "repeated" in tree:
        return repeated(part_of(tree["repeated"]), tree.get("low", 0), tree.get("high"))
    if "free" in tree:
        return free_text(until=tree["free"], max_characters=tree.get("most"))
    for name, together in (("sequence", sequence), ("either", either)):
        if name in tree:
            return together(*map(part_of, _listed(tree[name])))
    if "reasoning" in tree:
        begin, end = _listed(tree["reasoning"], 2)
        return reasoning(begin=begin, end=end, max_characters=tree.get("most"))
    tags = [Tag(begin, part_of(inner), end) for begin, inner, end in _tags(tree)]
    return structural_tags(
        tags,
        triggers=tree.get("triggers"),
        at_least_one=tree.get("once", False),
        stop_after_first=tree.get("first", False),
    )


def pattern_of(tree: Any) -> str | None:
    """What `re` has to say of the same texts; None where a part's own borders matter: `re` sees none."""
    if isinstance(tree, dict) and "tags" in tree:
        return _pattern_of_tags(tree)
    if isinstance(tree, str):
        return re.escape(tree)
    if "regex" in tree:
        return None if re.search(r"[\\^$]|\(\?", tree["regex"]) else f"(?:{tree['regex']})"
    if "repeated" in tree:
        inner, high = pattern_of(tree["repeated"]), tree.get("high")
        return (
            None if inner is None else f"(?:{inner}){{{tree.get('low', 0)},{'' if high is None else high}}}"
        )
    for name, between in (("sequence", ""), ("either", "|")):
        if name in tree:
            inners = [pattern_of(inner) for inner in tree[name]]
            return None if None in inners else f"(?:{between.join(map(str, inners))})"
    return None


def _pattern_of_tags(tree: Any) -> str | None:
    """The first trigger of what is left of a text is where a tag begins."""
    tags = _tags(tree)
    inners = [pattern_of(inner) for _, inner, _ in tags]
    if None in inners:
        return None
    triggers = tree.get("triggers") or [begin for begin, _, _ in tags]
    free = f"(?:(?!{'|'.join(map(re.escape, triggers))})[\\s\\S])*"
    ways = [f"{re.escape(tag[0])}{inner}{re.escape(tag[2])}" for tag, inner in zip(tags, inners, strict=True)]
    tag = f"{free}(?:{'|'.join(ways)})"
    if tree.get("first"):
        return tag if tree.get("once") else f"(?:{tag}|{free})"
    return f"(?:{tag}){'+' if tree.get('once') else '*'}{free}"


def _listed(data: Any, size: int | None = None) -> list[Any]:
    if not isinstance(data, list) or size not in {None, len(data)}:
        raise NoSource
    return data


def _tags(tree: Any) -> list[list[Any]]:
    return [_listed(tag, 3) for tag in _listed(tree.get("tags"))]


# What is changed

_MARKS = [
    text for form in FORMS.values() for text in (form.before_call, form.after_call, form.begin, form.end)
]
_PIECES = [*filter(None, _MARKS), '{"name": "get", "arguments": {"a": "b"}}', "\ud800", "日本"]
_CASES = ["exact:", "one-rule:", "fork:", "rollback:", "finished:", "sound:", "live:", "complete:"]
_TREES: list[Any] = [
    "a", "<a>", "</a>", "aba", {"regex": "[ab]*"}, {"free": ["<a>"]}, {"tags": [["<a>", "b", "</a>"]]},
    {"sequence": ["a", {"regex": "b?"}]}, {"either": ["a", "ab"]}, {"repeated": "ab", "low": 1, "high": 3},
    {"reasoning": ["<t>", "</t>"], "most": 3},
]  # fmt: skip


def _changed_pattern(rng: Rng, source: str) -> str:
    if rng.randrange(3) == 0:
        at = rng.randrange(len(source) + 1)
        return source[:at] + hostile_inputs.pattern(rng, 1) + source[at:]
    return hostile_inputs.changed_text(rng, source, 1)


def _changed_schema(rng: Rng, source: str) -> str:
    return _changed_data(rng, source, lambda: hostile_inputs.schema(rng))


def _changed_grammar(rng: Rng, source: str) -> str:
    return (
        hostile_inputs.grammar(rng) if rng.randrange(8) == 0 else hostile_inputs.changed_lines(rng, source, 1)
    )


def _changed_data(rng: Rng, source: str, other: Callable[[], Any]) -> str:
    """JSON changed as data, most often, or as text."""
    try:
        data = json.loads(source)
    except (ValueError, RecursionError):
        data = other()
    if rng.randrange(4) == 0:
        return hostile_inputs.changed_text(rng, source, 1)
    try:
        if rng.randrange(4) == 0:
            holder = [data]
            container, key = rng.choice(list(hostile_inputs.places(holder)))
            container[key] = other()
            return json.dumps(holder[0])
        return json.dumps(hostile_inputs.changed_schema(rng, data, 1))
    except RecursionError:
        return source


def _changed_tools(rng: Rng, source: str) -> str:
    """The parameters of one tool, most often."""
    try:
        tools = json.loads(source)
        tool = tools[rng.randrange(4) % len(tools)]
        tool = tool.get("function", tool)
        if rng.randrange(4):
            changes = rng.randrange(2)
            tool["parameters"] = hostile_inputs.changed_schema(rng, tool["parameters"], changes)
            tool["parameters"]["properties"][rng.choice(hostile_inputs.KEYS)] = hostile_inputs.schema(rng, 2)
            return json.dumps(tools)
    except (ValueError, TypeError, LookupError, AttributeError, ZeroDivisionError, RecursionError):
        pass  # no list of tools with properties: as other data
    return _changed_data(rng, source, lambda: hostile_inputs.schema(rng, 1))


def _changed_structure(rng: Rng, source: str) -> str:
    return _changed_data(rng, source, lambda: copy.deepcopy(rng.choice(_TREES)))


def _changed_vocabulary(rng: Rng, source: str) -> str:
    return _changed_data(rng, source, lambda: rng.choice(["", "a", "ab", "é", '",', "\0", None, 0, 3, -1]))


def _changed_among(pieces: Sequence[str]) -> Callable[[Rng, str], str]:
    """Characters changed, or a piece put in."""

    def changed(rng: Rng, source: str) -> str:
        if rng.randrange(2):
            return hostile_inputs.changed_text(rng, source, 1)
        at = rng.randrange(len(source) + 1)
        return source[:at] + rng.choice(pieces) + source[at + rng.choice([0, 0, 1, 4]) :]

    return changed


FRONT_ENDS: Mapping[str, FrontEnd] = {
    "patterns": FrontEnd(_pattern, _changed_pattern),
    "schemas": FrontEnd(_schema, _changed_schema),
    "grammars": FrontEnd(_grammar, _changed_grammar),
    "type patterns": FrontEnd(_type_pattern, _changed_pattern),
    "tools": FrontEnd(_tools, _changed_tools),
    "structures": FrontEnd(_structure, _changed_structure),
    "answers": FrontEnd(_answer, _changed_among(_PIECES)),
    "cases": FrontEnd(_case, _changed_among([*_CASES, "9" * 30, "97,98", ">97", "@1", "@300", ","])),
    "vocabularies": FrontEnd(_vocabulary, _changed_vocabulary),
}

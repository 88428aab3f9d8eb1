"""What is to be proved: a grammar over a vocabulary, and who judges its texts.

There is a function for each kind of grammar: a type or a schema, a pattern, a Lark grammar, tools.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from constrain.budget import DEFAULT_MAX_STEPS
from constrain.compiler import compile_json_schema, compile_lark, compile_part, compile_regex
from constrain.json_schema.options import Compiling
from constrain.json_schema.values import parse_json
from constrain.matcher import CompiledGrammar
from constrain.proof.judges import (
    Judge,
    formats_of,
    lark_judges,
    pattern_judges,
    schema_judges,
    type_judges,
    verdicts,
)
from constrain.regular.syntax import as_pattern
from constrain.target import as_schema, is_type
from constrain.tool_calls.grammar import ToolCallGrammar, tool_call_grammar
from constrain.tool_calls.reader import CallEnd, Departure, TextDelta, read_tool_calls
from constrain.vocabulary.vocabulary import VocabularyLike

NARROWED = frozenset({"email", "idn-email", "hostname", "idn-hostname", "regex"})
"""Formats of which the grammar has fewer texts than the standard, and says so."""


@dataclass(frozen=True)
class Subject:
    """A compiled grammar, its judges, and its schema where it has one.

    `widest` takes each text of JSON data that the schema allows, in any spelling and order; None where the
    grammar knows more than the judges do.
    """

    name: str
    compiled: CompiledGrammar
    judges: Sequence[Judge]
    schema: Any = None
    widest: CompiledGrammar | None = None


def schema_subject(
    target: object,
    vocabulary: VocabularyLike,
    *,
    name: str = "",
    registry: Mapping[str, Any] | None = None,
    **options: Unpack[Compiling],
) -> Subject:
    """A JSON Schema, or a type; raises what `compile_json_schema` raises."""
    compiled = compile_json_schema(target, vocabulary, registry=registry, **options)
    schema = parse_json(target) if isinstance(target, str) else as_schema(target)
    formats = options.get("formats", "assert") == "assert"
    if is_type(target):
        judges = type_judges(target, schema, formats=formats)
    else:
        judges = schema_judges(schema, formats=formats, registry=registry)
    is_narrowed = options.get("additional_properties") is False or options.get("verbatim")
    if is_type(target) or is_narrowed or (formats and formats_of(schema) & NARROWED):
        widest = None  # what an option or a format leaves out on purpose, no judge of a schema knows
    else:
        wide: Compiling = {**options, "whitespace": "any", "spelling": "any", "property_order": "any"}
        widest = compile_json_schema(target, vocabulary, registry=registry, **wide)
    return Subject(name or getattr(target, "__name__", "schema"), compiled, judges, schema, widest)


def pattern_subject(
    pattern: str | re.Pattern[str], vocabulary: VocabularyLike, *, max_steps: int = DEFAULT_MAX_STEPS
) -> Subject:
    """A regular expression; raises what `compile_regex` raises."""
    compiled = compile_regex(pattern, vocabulary, max_steps=max_steps)
    text, flags = as_pattern(pattern)
    return Subject(text, compiled, pattern_judges(text, flags))


def lark_subject(
    grammar: str | os.PathLike[str],
    vocabulary: VocabularyLike,
    *,
    start: str = "start",
    max_steps: int = DEFAULT_MAX_STEPS,
) -> Subject:
    """A Lark grammar; raises what `compile_lark` raises."""
    compiled = compile_lark(grammar, vocabulary, start=start, max_steps=max_steps)
    name = os.fspath(grammar) if isinstance(grammar, os.PathLike) else "grammar"
    return Subject(name, compiled, lark_judges(grammar, start))


def tools_subject(
    tools: Iterable[object],
    vocabulary: VocabularyLike,
    *,
    form: str = "hermes",
    choice: Any = "required",
    max_steps: int = DEFAULT_MAX_STEPS,
) -> Subject:
    """Tools, whose calls are read back; raises what `tool_call_grammar` raises."""
    grammar = tool_call_grammar(tools, form, tool_choice=choice, max_steps=max_steps)
    compiled = compile_part(grammar.written, vocabulary, max_steps=max_steps)
    judges = {tool.name: schema_judges(tool.parameters) for tool in grammar.tools}
    reader = Judge("reader", lambda text: _not_read_back(grammar, judges, text))
    return Subject(", ".join(judges), compiled, [reader])


def _not_read_back(grammar: ToolCallGrammar, judges: Mapping[str, Sequence[Judge]], text: str) -> str | None:
    """What is wrong with an answer as the reader reads it; `judges` are those of each tool's arguments."""
    events = read_tool_calls(text, grammar, loose=False)
    calls = [event for event in events if isinstance(event, CallEnd)]
    for event in events:
        if isinstance(event, Departure):
            return f"the reader stops at {event.text[:40]!r}"
    for call in calls:
        said = verdicts(judges[call.name], call.text)
        for name, problem in said.items():
            if problem is not None:
                return f"arguments of {call.name}: {name}: {problem}"
    free = "".join(event.text for event in events if isinstance(event, TextDelta))
    again = free + grammar.form.write((call.name, call.text) for call in calls)
    return None if again == text else f"read back and written again it is {again!r}"

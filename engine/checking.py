"""What `constrain check` says: the report on a schema, a pattern or a grammar, and whether a text conforms.

check_type      a schema or a type → SchemaReport (`constrain/report.py`), with a vocabulary's token counts
check_pattern   a pattern → its shortest text, or what is wrong with it
check_grammar   a Lark grammar → its shortest text, or what is wrong with it

The text is bytes, so that whatever it holds can be told from what was expected.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from constrain.budget import DEFAULT_MAX_STEPS, budget
from constrain.compiler import compile_json_schema, compile_lark, compile_regex
from constrain.engine.model import as_model
from constrain.errors import ConstrainError, UnsatisfiableError
from constrain.json_schema.options import Compiling
from constrain.lark_grammar.grammar import grammar_text
from constrain.report import TextVerdict, check_schema, check_text, explain_text
from constrain.shortest import shortest_text
from constrain.spelling import fewest_tokens
from constrain.target import is_type, schema_of

if TYPE_CHECKING:
    from constrain.engine.model import ModelLike
    from constrain.matcher import CompiledGrammar


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found: lines for people, data for programs, and whether all is well."""

    lines: str
    data: dict[str, Any]
    good: bool

    def as_json(self) -> dict[str, Any]:
        """The findings as JSON data."""
        return self.data

    def __str__(self) -> str:
        return self.lines


def check_type(
    schema: object, text: bytes | None, model: ModelLike, **options: Unpack[Compiling]
) -> Findings:
    """Report on a JSON Schema, or on a type's, and follow `text` if there is one.

    `options` are those of the compiler (`JsonOptions`).
    """
    vocabulary = as_model(model).vocabulary
    target = schema_of(schema)
    report = check_schema(target.schema, vocabulary, **options)
    good = report.satisfiable is True and not report.problems
    if text is None or not good:
        return Findings(str(report), report.as_json(), good)
    compiled = compile_json_schema(schema if is_type(schema) else target.schema, vocabulary, **options)
    return _with_verdict(Findings(str(report), report.as_json(), good), compiled, text)


def check_pattern(pattern: str, text: bytes | None, model: ModelLike) -> Findings:
    """The shortest text of a pattern, and whether `text` conforms."""
    vocabulary = as_model(model).vocabulary
    return _with_shortest(lambda: compile_regex(pattern, vocabulary), text)


def check_grammar(
    grammar: str | os.PathLike[str], start: str, text: bytes | None, model: ModelLike
) -> Findings:
    """The shortest text of a Lark grammar from the rule `start`, and whether `text` conforms.

    Raises GrammarError for a file that cannot be read.
    """
    grammar_text(grammar)
    vocabulary = as_model(model).vocabulary
    return _with_shortest(lambda: compile_lark(grammar, vocabulary, start=start), text)


def _with_shortest(make: Callable[[], CompiledGrammar], text: bytes | None) -> Findings:
    try:
        compiled = make()
        with budget(DEFAULT_MAX_STEPS, "looking for the shortest text"):
            shortest = shortest_text(compiled.start)
    except ConstrainError as problem:
        return _refused(problem)
    tokens = fewest_tokens(shortest, compiled.vocabulary)
    data = {"satisfiable": True, "problems": [], "shortest": shortest.decode(), "shortest_tokens": tokens}
    lines = (
        f"satisfiable: yes\nshortest completion: {len(shortest)} bytes, {tokens} tokens: {shortest.decode()}"
    )
    findings = Findings(lines, data, good=True)
    return findings if text is None else _with_verdict(findings, compiled, text)


def _refused(problem: ConstrainError) -> Findings:
    """What a report on a schema says of a problem, for a pattern or a grammar."""
    satisfiable = False if isinstance(problem, UnsatisfiableError) else None
    lines = [
        f"satisfiable: {'not decided' if satisfiable is None else 'no'}",
        f"{type(problem).__name__}:",
        *(f"  {line}" for line in str(problem).splitlines()),
    ]
    data = {"satisfiable": satisfiable, "problems": [problem.as_json()]}
    return Findings("\n".join(lines), data, good=False)


def _with_verdict(findings: Findings, compiled: CompiledGrammar, text: bytes) -> Findings:
    verdict: TextVerdict = check_text(compiled, text)
    data = {"conforms": verdict.conforms, "offset": verdict.offset, "expected": verdict.expected}
    lines = [findings.lines, str(verdict)]
    if not verdict.conforms:
        why = explain_text(compiled, text)
        data |= {"explanation": why.as_json()}
        meant = [f"expected: {why.expected}"] if why.expected != verdict.expected else []
        lines += [f"  {line}" for line in [*meant, *why.reasons]]
    return Findings("\n".join(lines), findings.data | {"text": data}, verdict.conforms)

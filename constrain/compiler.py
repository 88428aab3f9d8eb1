"""The whole pipeline, top to bottom: an input becomes a continuation, a continuation becomes masks.

    grammar ─▶ lark_grammar.load_grammar ─┐
    schema ─▶ json_schema.compile_schema ─┤
                                          ├─▶ Continuation ─▶ Positions ─▶ Masks ─▶ Matcher
    pattern ─▶ regular.regex_term ────────┤                     ▲            ▲
    parts, tags ─▶ Part.before(END) ──────┘                     └─ Tables ───┘   one for each vocabulary

This is the only module that knows every stage.  Compiling makes the first continuation and nothing
more: states, tables and positions appear when a generation reaches them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from constrain.budget import DEFAULT_MAX_STEPS, Limits
from constrain.continuation import END, Continuation, Terminal, Union
from constrain.errors import UnsatisfiableError
from constrain.json_schema.grammar import compile_schema
from constrain.json_schema.options import JsonOptions
from constrain.matcher import CompiledGrammar
from constrain.parts import PartLike, as_part, lark, verbatim_text
from constrain.recipe import remembered
from constrain.regular.queries import is_empty
from constrain.regular.syntax import PatternLike, as_pattern, regex_term
from constrain.regular.terms import EPSILON, Term, difference
from constrain.schema_like import SchemaLike, as_schema
from constrain.vocabulary.vocabulary import Vocabulary


@remembered
def compile_json_schema(
    schema: SchemaLike,
    vocabulary: Vocabulary,
    *,
    registry: Mapping[str, Any] | None = None,
    **options: Any,
) -> CompiledGrammar:
    """Compile a JSON Schema (Python data, JSON text, or a type); `options` are those of `JsonOptions`.

    `registry` supplies the documents that remote references name, by URI; nothing is fetched.

    Raises SchemaError, UnsupportedKeywordError, UnsatisfiableError or LimitExceeded.
    """
    grammar = compile_schema(as_schema(schema), options=JsonOptions.of(options), registry=registry)
    return CompiledGrammar(
        grammar.start,
        vocabulary,
        limits=grammar.options.limits,
        dismantle=grammar.dismantle,
    )


@remembered
def compile_regex(
    pattern: PatternLike,
    vocabulary: Vocabulary,
    *,
    flags: int = 0,
    verbatim: str | None = None,
    max_steps: int = DEFAULT_MAX_STEPS,
    max_seconds: float | None = None,
) -> CompiledGrammar:
    """Compile a regular expression in Python's syntax; every text `re.fullmatch` takes, and no other.

    The pattern is text, or what `re.compile` made of it, flags and all.
    With `verbatim`, a document, the named groups (without any, the whole) hold only what occurs in it.
    `max_steps` bounds the work of compiling, and of each mask afterwards (`budget.py`); `max_seconds` does
    so by the clock, where it is given.

    Raises RegexError, UnsupportedRegexError, UnsatisfiableError or LimitExceeded.
    """
    text, flags = as_pattern(pattern, flags)
    limits = Limits(max_steps, max_seconds)
    with limits.budget("compiling this pattern"):
        term = regex_term(text, flags=flags, verbatim=verbatim_text(verbatim))
        start = term_continuation(term, what=text)
    return CompiledGrammar(start, vocabulary, limits=limits)


@remembered
def compile_lark(
    grammar: str | os.PathLike[str],
    vocabulary: Vocabulary,
    *,
    start: str = "start",
    embed: Mapping[str, PartLike] | None = None,
    max_steps: int = DEFAULT_MAX_STEPS,
    max_seconds: float | None = None,
) -> CompiledGrammar:
    """Compile a Lark grammar, given as text or as the path of a `.lark` file.

    The language is what Lark's Earley parser accepts with its complete dynamic lexer.  `embed` says which
    parts (`constrain.parts`) stand for the terminals that the grammar only declares (`%declare`).

    Raises GrammarError, UnsupportedError, UnsupportedRegexError, UnsatisfiableError or LimitExceeded.
    """
    part = lark(grammar, start=start, embed=embed, max_steps=max_steps, max_seconds=max_seconds)
    return compile_part(part, vocabulary, max_steps=max_steps, max_seconds=max_seconds)


@remembered
def compile_part(
    part: PartLike,
    vocabulary: Vocabulary,
    *,
    max_steps: int = DEFAULT_MAX_STEPS,
    max_seconds: float | None = None,
) -> CompiledGrammar:
    """Compile what `constrain.parts` and `constrain.structural` put together.

    `max_steps` bounds the work of each mask (`budget.py`); `max_seconds` does so by the clock, where it is
    given.
    """
    made = as_part(part)
    limits = Limits(max_steps, max_seconds)
    with limits.budget("compiling this grammar"):
        start = made.before(END)
    return CompiledGrammar(start, vocabulary, limits=limits)


def term_continuation(term: Term, *, what: str) -> Continuation:
    """A continuation that writes one text of `term`."""
    if is_empty(term):
        raise UnsatisfiableError(f"no text matches `{what}`")
    written = difference(term, EPSILON)
    if not term.nullable:
        return Terminal.of(written, END)
    return END if is_empty(written) else Union((END, Terminal.of(written, END)))

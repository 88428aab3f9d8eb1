"""The whole pipeline, top to bottom: an input becomes a continuation, a continuation becomes masks.

    grammar ─▶ lark_grammar.load_grammar ─┐
    schema ─▶ json_schema.compile_schema ─┤
                                          ├─▶ Continuation ─▶ Positions ─▶ Masks ─▶ Matcher
    pattern ─▶ regular.regex_term ────────┘                     ▲            ▲
                                                                └─ Tables ───┘   one for each vocabulary

This is the only module that knows every stage.  Compiling makes the first continuation and nothing
more: states, tables and positions appear when a generation reaches them.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from typing import Any

from constrain.budget import DEFAULT_MAX_STEPS, budget
from constrain.continuation import END, Continuation, Terminal, Union
from constrain.errors import InvalidInputError, LimitExceeded, UnsatisfiableError
from constrain.json_schema.grammar import compile_schema
from constrain.json_schema.options import JsonOptions
from constrain.lark_grammar.grammar import load_grammar
from constrain.lark_grammar.symbols import Part
from constrain.matcher import CompiledGrammar
from constrain.regular.queries import is_empty
from constrain.regular.syntax import regex_term
from constrain.regular.terms import EPSILON, Term, difference, literals
from constrain.vocabulary.vocabulary import Vocabulary

_OPTION_NAMES = tuple(option.name for option in dataclasses.fields(JsonOptions))


def compile_json_schema(
    schema: dict[str, Any] | bool | str,
    vocabulary: Vocabulary,
    *,
    registry: Mapping[str, Any] | None = None,
    **options: Any,
) -> CompiledGrammar:
    """Compile a JSON Schema (Python data or JSON text); `options` are those of `JsonOptions`.

    `registry` supplies the documents that remote references name, by URI; nothing is fetched.

    Raises SchemaError, UnsupportedKeywordError, UnsatisfiableError or LimitExceeded.
    """
    unknown = [name for name in options if name not in _OPTION_NAMES]
    if unknown:
        raise InvalidInputError(
            f"there is no option `{unknown[0]}`", hint=f"the options are {', '.join(_OPTION_NAMES)}"
        )
    grammar = compile_schema(schema, options=JsonOptions(**options), registry=registry)
    return CompiledGrammar(grammar.start, vocabulary, max_steps=grammar.options.max_steps)


def compile_regex(
    pattern: str, vocabulary: Vocabulary, *, flags: int = 0, max_steps: int = DEFAULT_MAX_STEPS
) -> CompiledGrammar:
    """Compile a regular expression in Python's syntax; every text `re.fullmatch` takes, and no other.

    `max_steps` bounds the work of compiling, and of each mask afterwards (`budget.py`).

    Raises RegexError, UnsupportedRegexError, UnsatisfiableError or LimitExceeded.
    """
    with budget(max_steps, "compiling this pattern"):
        start = term_continuation(regex_term(pattern, flags=flags), what=pattern)
    return CompiledGrammar(start, vocabulary, max_steps=max_steps)


def compile_lark(
    grammar: str | os.PathLike[str],
    vocabulary: Vocabulary,
    *,
    start: str = "start",
    embed: Mapping[str, Any] | None = None,
    max_steps: int = DEFAULT_MAX_STEPS,
) -> CompiledGrammar:
    """Compile a Lark grammar, given as text or as the path of a `.lark` file.

    The language is what Lark's Earley parser accepts with its complete dynamic lexer.  `embed` says what the
    terminals stand for that the grammar only declares (`%declare`): a JSON Schema (a dict or a bool), a
    pattern (`re.compile(...)`), a choice (a list of texts), another grammar (`load_grammar`), or
    any object with a method `before(continuation)`.

    Raises GrammarError, UnsupportedError, UnsupportedRegexError, UnsatisfiableError or LimitExceeded.
    """
    parts = {name: embedded_part(name, part) for name, part in (embed or {}).items()}
    try:
        with budget(max_steps, "compiling this grammar"):
            loaded = load_grammar(grammar, start=start, embed=parts)
            return CompiledGrammar(loaded.start, vocabulary, max_steps=max_steps)
    except RecursionError:
        raise LimitExceeded(
            "the grammar is nested too deeply for Python's recursion limit",
            hint="raise sys.setrecursionlimit, or flatten the grammar",
        ) from None


def embedded_part(name: str, part: Any) -> Part | Term:
    """What a declared terminal stands for, from the ways to say it."""
    if isinstance(part, dict | bool):
        return compile_schema(part)
    if isinstance(part, re.Pattern) and isinstance(part.pattern, str):
        return _possible(regex_term(part.pattern, flags=part.flags & ~re.UNICODE), what=part.pattern)
    if isinstance(part, list | tuple) and part and all(isinstance(text, str) for text in part):
        return literals(text.encode() for text in part)
    if isinstance(part, Term):
        return _possible(part, what=name)
    if callable(getattr(part, "before", None)):
        found: Part = part
        return found
    raise InvalidInputError(
        f"`embed` cannot make sense of what it gives `{name}`: {part!r}",
        hint="give a JSON Schema (a dict), a compiled pattern, a list of texts, or another grammar",
    )


def _possible(term: Term, *, what: str) -> Term:
    if is_empty(term):
        raise UnsatisfiableError(f"no text matches `{what}`")
    return term


def term_continuation(term: Term, *, what: str) -> Continuation:
    """A continuation that writes one text of `term`."""
    written = difference(_possible(term, what=what), EPSILON)
    if not term.nullable:
        return Terminal(written, END)
    return END if is_empty(written) else Union((END, Terminal(written, END)))

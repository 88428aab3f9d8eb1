"""The whole pipeline, top to bottom: an input becomes a continuation, a continuation becomes masks.

    schema ─▶ json_schema.compile_schema ─┐
                                          ├─▶ Continuation ─▶ Positions ─▶ Masks ─▶ Matcher
    pattern ─▶ regular.regex_term ────────┘                     ▲            ▲
                                                                └─ Tables ───┘   one for each vocabulary

This is the only module that knows every stage.  Compiling makes the first continuation and nothing
more: states, tables and positions appear when a generation reaches them.
"""

from __future__ import annotations

from typing import Any

from constrain.continuation import END, Continuation, Terminal, Union
from constrain.errors import UnsatisfiableError, UnsupportedError
from constrain.json_schema.grammar import SchemaGrammar, compile_schema
from constrain.json_schema.options import JsonOptions
from constrain.masks import Masks
from constrain.matcher import Matcher
from constrain.position import Positions
from constrain.regular.queries import is_empty
from constrain.regular.syntax import regex_term
from constrain.regular.terms import EPSILON, LOCK, Term, difference
from constrain.vocabulary.tables import shared_tables
from constrain.vocabulary.vocabulary import Vocabulary


class CompiledGrammar:
    """A grammar ready to make matchers for one vocabulary."""

    def __init__(
        self, start: Continuation, vocabulary: Vocabulary, *, schema: SchemaGrammar | None = None
    ) -> None:
        _require_every_byte(vocabulary)
        self.vocabulary = vocabulary
        self.start = start
        self.schema = schema
        self.lock = LOCK  # tables and automaton are shared by every grammar of the process
        self.positions = Positions(start, shared_tables(vocabulary))
        self.masks = Masks(self.positions)

    def matcher(self) -> Matcher:
        """A matcher at the start of a new generation."""
        return Matcher(self)


def compile_json_schema(
    schema: dict[str, Any] | bool | str, vocabulary: Vocabulary, **options: Any
) -> CompiledGrammar:
    """Compile a JSON Schema (Python data or JSON text); `options` are those of `JsonOptions`.

    Raises SchemaError, UnsupportedKeywordError, UnsatisfiableError or LimitExceeded.
    """
    grammar = compile_schema(schema, options=JsonOptions(**options))
    return CompiledGrammar(grammar.start, vocabulary, schema=grammar)


def compile_regex(pattern: str, vocabulary: Vocabulary, *, flags: int = 0) -> CompiledGrammar:
    """Compile a regular expression in Python's syntax; every text `re.fullmatch` takes, and no other.

    Raises RegexError, UnsupportedRegexError, UnsatisfiableError or LimitExceeded.
    """
    return CompiledGrammar(term_continuation(regex_term(pattern, flags=flags), what=pattern), vocabulary)


def term_continuation(term: Term, *, what: str) -> Continuation:
    """A continuation that writes one text of `term`."""
    if is_empty(term):
        raise UnsatisfiableError(f"no text matches `{what}`")
    written = difference(term, EPSILON)
    if not term.nullable:
        return Terminal(written, END)
    return END if is_empty(written) else Union((END, Terminal(written, END)))


def _require_every_byte(vocabulary: Vocabulary) -> None:
    """Refuse a vocabulary in which some byte of UTF-8 text is not a token of its own.

    With them all, whatever bytes can complete a text, tokens can: no mask is ever empty.
    """
    missing = vocabulary.missing_bytes
    if missing:
        shown = " ".join(f"{byte:02x}" for byte in missing[:8]) + (" ..." if len(missing) > 8 else "")
        raise UnsupportedError(
            f"this vocabulary has no token for {len(missing)} of the bytes UTF-8 text is made of: {shown}",
            hint="byte-level and byte-fallback tokenizers have them all; this one could get stuck mid-text",
        )

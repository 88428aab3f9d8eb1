"""A Lark grammar, loaded by Lark itself, as a continuation.

    text ─ Lark ─▶ rules, terminals, ignored ─ symbols.reduce ─▶ alternatives ─ states ─▶ continuations

Lark reads the grammar: imports, templates, EBNF, `%ignore`, `%override`, aliases all are its own, and so are
the errors.  What is left after that are plain rules over terminals, and a terminal is a string or a pattern
in Python's syntax (`preferring.py` says which texts it finds).  The language is what Lark's Earley parser
accepts with `lexer="dynamic_complete"`.

A terminal that the grammar only declares (`%declare PERSON`) is a hook: `embed` says which part stands
there, a JSON Schema, a pattern, a choice, or another grammar (`constrain.parts`).

Priorities choose among the trees of one text.  They never change which texts have a tree, so nothing
here looks at them.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from constrain.arguments import as_text
from constrain.budget import spend
from constrain.continuation import Continuation
from constrain.errors import (
    GrammarError,
    InvalidInputError,
    RegexError,
    UnsatisfiableError,
    UnsupportedError,
    UnsupportedRegexError,
)
from constrain.lark_grammar.preferring import preferred_term
from constrain.lark_grammar.states import States
from constrain.lark_grammar.symbols import Nonterminal, Part, Rules, Symbol, optional, reduce
from constrain.regular.queries import is_empty
from constrain.regular.terms import Term, literal

if TYPE_CHECKING:
    from lark import Lark
    from lark.lexer import TerminalDef


class LarkGrammar:
    """A loaded grammar; it can stand before any continuation, so grammars nest."""

    def __init__(
        self, root: Nonterminal, states: States, terminals: dict[str, Term], ignored: frozenset[str]
    ) -> None:
        """`terminals` are the languages of the terminals by name, or as they are written; `ignored` some."""
        self._root = root
        self._states = states
        self.terminals = terminals
        self.ignored = ignored

    @property
    def nullable(self) -> bool:
        """Is the empty text one of its texts?"""
        return self._root.nullable

    def filled(self, then: Continuation) -> Continuation | None:
        """A text of this grammar that is not empty, then `then`; None where there is none."""
        return self._states.filled(self._root, then)


def load_grammar(
    grammar: str | os.PathLike[str], *, start: str = "start", embed: Mapping[str, Part] | None = None
) -> LarkGrammar:
    """Load a grammar: its text, or the path of a file (a `Path`, or a name that ends in `.lark`).

    `embed` says which parts stand for the terminals that the grammar declares.

    Raises GrammarError (Lark refuses it), UnsupportedError and UnsupportedRegexError (not context-free over
    regular terminals), UnsatisfiableError (no text), LimitExceeded.
    """
    lark = read_grammar(grammar, start)
    rules: Rules = {}
    heads: dict[str, Nonterminal] = {}
    for rule in lark.rules:
        name = str(rule.origin.name)
        if name not in heads:
            heads[name] = Nonterminal(name, len(heads))
            rules[heads[name]] = []
    symbols = _terminals(lark, dict(embed or {}), rules)
    for rule in lark.rules:
        spend(1 + len(rule.expansion))
        body = (symbols[s.name] if s.is_term else heads[str(s.name)] for s in rule.expansion)
        rules[heads[str(rule.origin.name)]].append(tuple(body))
    reduce(rules)
    root = heads[start]
    if not root.alternatives:
        raise UnsatisfiableError("no text satisfies this grammar", where=f"rule `{start}`")
    ignored = _ignored(lark)
    states = States((term for term in ignored.values() if not is_empty(term)), is_plain=not embed)
    shown = {terminal.name: _shown(terminal) for terminal in lark.terminals}
    terms = {shown[name]: term for name, term in symbols.items() if isinstance(term, Term)}
    terms |= {shown[name]: term for name, term in ignored.items()}
    return LarkGrammar(root, states, terms, frozenset(shown[name] for name in ignored))


def grammar_text(grammar: str | os.PathLike[str]) -> tuple[str, str]:
    """The text of a grammar, and the path of its file, `<string>` where it has none.

    Raises GrammarError for a file that cannot be read.
    """
    if not isinstance(grammar, os.PathLike):
        grammar = as_text(grammar, "a grammar", error=GrammarError)
        if "\n" in grammar or not grammar.endswith(".lark"):
            return grammar, "<string>"
    try:
        return Path(grammar).read_text(encoding="utf-8"), str(grammar)
    except (OSError, ValueError) as problem:  # ValueError: not UTF-8, or a name with a NUL
        raise GrammarError(f"the grammar cannot be read: {problem}") from problem


def read_grammar(grammar: str | os.PathLike[str], start: str) -> Lark:
    """What Lark makes of a grammar: its rules, terminals and trees; and no parser.

    Raises GrammarError where Lark refuses it, or there is no rule `start`.
    """
    from lark import Lark
    from lark.parser_frontends import EarleyRegexpMatcher

    class Reader(Lark):
        """Lark without its parser, whose tables grow with the square of the terminals."""

        def _build_parser(self) -> None:  # type: ignore[override]
            EarleyRegexpMatcher(self.lexer_conf)  # type: ignore[no-untyped-call]  # refuses what the parser would

    text, source = grammar_text(grammar)
    start = as_text(start, "the name of the rule to start from")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of `re`, about what Lark hands to it
            lark = Reader(text, source_path=source, parser="earley", lexer="dynamic_complete", start=start)
    except (RecursionError, MemoryError):  # right perhaps, but too large
        raise
    except Exception as problem:  # Lark lets assertions and errors of `re` and of files through
        raise _as_ours(problem) from problem
    if all(rule.origin.name != start for rule in lark.rules):
        raise GrammarError(f"there is no rule `{start}` to start from", hint="name a rule with `start`")
    return lark


def _as_ours(problem: Exception) -> GrammarError:
    """Lark's own words: the first line says what, the display of the place comes after it."""
    if str(problem).startswith('("Dynamic Earley doesn'):
        name = re.search(r"TerminalDef\('(\w+)'", str(problem))
        return GrammarError(
            "a terminal may not match the empty text",
            where=f"terminal {name[1]}" if name else "",
            hint="let it match at least one character, and make it optional in the rules",
        )
    what, _, where = str(problem).strip().partition("\n")
    return GrammarError(
        f"Lark refuses this grammar: {what or type(problem).__name__}", where=where.strip("\n")
    )


def _terminals(lark: Lark, embed: dict[str, Part], rules: Rules) -> dict[str, Symbol]:
    defined = {terminal.name: terminal for terminal in lark.terminals}
    used = {s.name for rule in lark.rules for s in rule.expansion if s.is_term}
    for name in embed:
        if name in defined or name not in used:
            raise InvalidInputError(
                f"`embed` gives a meaning to `{name}`, which the grammar does not declare and use",
                hint=f"write `%declare {name}` in the grammar",
            )
    symbols: dict[str, Symbol] = {}
    for name in sorted(used):
        if name in defined:
            symbols[name] = _term(defined[name])
        elif name in embed:
            part = embed[name]
            symbols[name] = optional(part, name, rules) if part.nullable else part
        else:
            raise UnsupportedError(
                f"`{name}` is declared, but nothing says what it stands for",
                where=f"%declare {name}",
                hint=f"say it with embed={{'{name}': ...}}; what a postlexer such as Indenter writes is not "
                "context-free and cannot be generated",
            )
    return symbols


def _ignored(lark: Lark) -> dict[str, Term]:
    """The languages of the terminals that are ignored, by name."""
    defined = {terminal.name: terminal for terminal in lark.terminals}
    for name in lark.ignore_tokens:
        if name not in defined:
            raise UnsupportedError(
                f"`{name}` is to be ignored, but is only declared",
                where=f"%ignore {name}",
                hint="define the terminal in the grammar",
            )
    return {name: _term(defined[name]) for name in lark.ignore_tokens}


def _shown(terminal: TerminalDef) -> str:
    """A terminal's name; one without a name of its own as it is written."""
    from lark.lexer import PatternStr

    is_literal = isinstance(terminal.pattern, PatternStr) and not terminal.pattern.flags
    return f'"{terminal.pattern.value}"' if is_literal else str(terminal.user_repr())


def _term(terminal: TerminalDef) -> Term:
    from lark.lexer import PatternStr

    pattern = terminal.pattern
    shown = f"terminal {terminal.user_repr()}"
    if isinstance(pattern, PatternStr) and not pattern.flags:
        try:
            return literal(pattern.value.encode())
        except UnicodeEncodeError:
            raise GrammarError("half a surrogate pair is not text", where=ascii(shown)) from None
    try:
        return preferred_term(pattern.to_regexp())
    except (RegexError, UnsupportedRegexError) as problem:
        raise type(problem)(problem.what, where=f"{shown}\n{problem.where}", hint=problem.hint) from problem

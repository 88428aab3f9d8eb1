"""How are grammars put together in Python?

A *part* is a piece of text still without a place: it becomes a continuation when it is told what follows.

    sequence("Answer: ", either(json_value(S), "unknown"), ".")

    "Answer: " ──▶ ┬─ S ──────────┬──▶ "." ──▶ END
                   └─ "unknown" ──┘

Whoever composes parts does it from the end: `part.before(then)` is the continuation "a text of this part,
then `then`", so a sequence asks its last part first.  One question decides everything else: can a part be
empty?  A continuation's edges may not be (continuation.py, rule 4), so each part answers in two halves:

    nullable          whether the empty text is one of its texts
    filled(then)      its other texts, then `then`; None where there are none

    sequence(a, b)    filled: a.filled(b.before(then)), and b.filled(then) where a is nullable
    repeated(a)       one round is always a filled one, so that no loop turns on the spot

Rule 1: a part is made only if it has a text.  Whatever is wrong or empty is refused when the part is made.
Rule 2: `before` gives the same continuation for the same part and the same `then`, so that everything behind
it can memoise by identity.  Repeats and lists of literals make their continuations as they are reached.

A `marked` part leaves a note where it begins and ends.  Notes change nothing about what is allowed; a reader
(reading.py) finds in them which bytes of a text were which part.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Unpack

from constrain.arguments import as_list, as_mapping, as_text, as_whole, kind_of
from constrain.budget import DEFAULT_MAX_STEPS, budget
from constrain.continuation import (
    AnyEdge,
    Continuation,
    LiteralEdge,
    Mark,
    Terminal,
    TokenEdge,
    Union,
)
from constrain.errors import InvalidInputError, TokenError, UnsatisfiableError
from constrain.json_schema.grammar import compile_schema
from constrain.json_schema.options import Compiling, JsonOptions
from constrain.lark_grammar.grammar import LarkGrammar, load_grammar
from constrain.literals import LiteralSet
from constrain.recipe import MadeByCall, remembered
from constrain.regular import terms
from constrain.regular.queries import cardinality, enumerate_strings, is_empty
from constrain.regular.syntax import PatternLike, as_pattern, regex_term
from constrain.regular.terms import EMPTY, EPSILON, Term, difference
from constrain.target import as_schema
from constrain.vocabulary.vocabulary import Vocabulary, as_vocabulary


class Part(MadeByCall):
    """A piece of a grammar.  Subclasses set `nullable` and implement `make_filled`."""

    nullable: bool = False

    def __init__(self) -> None:
        self._filled: dict[Continuation, Continuation | None] = {}
        self._before: dict[Continuation, Continuation] = {}

    def before(self, then: Continuation) -> Continuation:
        """A text of this part, then `then`."""
        found = self._before.get(then)
        if found is None:
            filled = self.filled(then)
            ways = ([filled] if filled is not None else []) + ([then] if self.nullable else [])
            found = self._before[then] = union(ways)
        return found

    def filled(self, then: Continuation) -> Continuation | None:
        """A text of this part that is not empty, then `then`; None where there is no such text."""
        if then not in self._filled:
            self._filled[then] = self.make_filled(then)
        return self._filled[then]

    def make_filled(self, then: Continuation) -> Continuation | None:
        """Make what `filled` returns; called once for each `then`."""
        raise TypeError(f"{type(self).__name__} does not implement make_filled")

    @property
    def fillings(self) -> Mapping[Continuation, Continuation | None]:
        """What `filled` has returned so far, by what was to follow."""
        return self._filled

    def inner(self) -> list[tuple[str, Part]]:
        """The parts that this one is put together of, each with its place in words."""
        return []

    def texts(self) -> list[bytes]:
        """The texts of a part that has fixed ones; none where it has others."""
        return []


PartLike = Part | str
"""A part, or text that stands for itself."""


def union(ways: Iterable[Continuation]) -> Continuation:
    """Any of some continuations, of which there is at least one."""
    distinct = tuple(dict.fromkeys(ways))
    return distinct[0] if len(distinct) == 1 else Union(distinct)


def as_part(part: PartLike) -> Part:
    """A part as it is; text as a literal."""
    if isinstance(part, str):
        return literal(part)
    if isinstance(part, Part):
        return part
    raise InvalidInputError(
        f"{kind_of(part)} is not a part of a grammar",
        hint="give text, or what literal, regex, json_value, choice, sequence, either, ... return",
    )


class TermPart(Part):
    """The texts of one regular language."""

    def __init__(self, term: Term, what: str) -> None:
        super().__init__()
        if is_empty(term):
            raise UnsatisfiableError(f"no text matches {what}")
        self.nullable = term.nullable
        written = difference(term, EPSILON) if term.nullable else term
        self.term = EMPTY if is_empty(written) else written

    def make_filled(self, then: Continuation) -> Continuation | None:
        return None if self.term is EMPTY else Terminal.of(self.term, then)

    def texts(self) -> list[bytes]:
        return list(enumerate_strings(self.term, 1)) if cardinality(self.term, 2) == 1 else []


class SchemaPart(Part):
    """The JSON texts of a schema's values."""

    def __init__(self, schema: Any, options: JsonOptions, registry: Any) -> None:
        super().__init__()
        self.grammar = compile_schema(schema, options=options, registry=registry)

    def make_filled(self, then: Continuation) -> Continuation:
        return self.grammar.before(then)


class LarkPart(Part):
    """The texts of a Lark grammar."""

    def __init__(self, grammar: LarkGrammar, embedded: Mapping[str, Part]) -> None:
        super().__init__()
        self.grammar, self.embedded = grammar, embedded
        self.nullable = grammar.nullable

    def make_filled(self, then: Continuation) -> Continuation | None:
        return self.grammar.filled(then)

    def inner(self) -> list[tuple[str, Part]]:
        return [(f"terminal {name}", part) for name, part in self.embedded.items()]


class BranchesPart(Part):
    """One of several literals, each followed by a part of its own."""

    def __init__(self, branches: Mapping[bytes, Part | None]) -> None:
        super().__init__()
        self.nullable = any(not text and (part is None or part.nullable) for text, part in branches.items())
        self.empty = branches.get(b"")
        self.parts = [part for text, part in branches.items() if text]
        texts = [text for text in branches if text]
        self.edge = LiteralEdge(LiteralSet(texts), (1 << len(texts)) - 1)

    def make_filled(self, then: Continuation) -> Continuation | None:
        ways = [_BranchText(self, then)] if self.parts else []
        rest = self.empty.filled(then) if self.empty is not None else None
        return union([*ways, *([rest] if rest is not None else [])]) if ways or rest is not None else None

    def inner(self) -> list[tuple[str, Part]]:
        named = [
            (f"behind `{text.decode()}`", part) for text, part in zip(self.texts(), self.parts, strict=True)
        ]
        return [(name, part) for name, part in [*named, ("", self.empty)] if part is not None]

    def texts(self) -> list[bytes]:
        return list(self.edge.literals.literals)


class _BranchText(Continuation):
    def __init__(self, branches: BranchesPart, then: Continuation) -> None:
        self.branches, self.then = branches, then

    def build_first(self) -> tuple[AnyEdge, ...]:
        return (self.branches.edge,)

    def follow(self, number: int, text: bytes | None = None) -> Continuation:
        part = self.branches.parts[number]
        return self.then if part is None else part.before(self.then)


class _Sequence(Part):
    def __init__(self, parts: tuple[Part, ...]) -> None:
        super().__init__()
        self.parts = parts
        self.nullable = all(part.nullable for part in parts)

    def make_filled(self, then: Continuation) -> Continuation | None:
        filled: Continuation | None = None
        for part in reversed(self.parts):
            ways = [part.filled(then), filled if part.nullable else None]
            found = [way for way in ways if way is not None]
            filled = union(found) if found else None
            then = part.before(then)
        return filled

    def inner(self) -> list[tuple[str, Part]]:
        return [(f"part {number} of {len(self.parts)}", part) for number, part in enumerate(self.parts, 1)]


class _Either(Part):
    def __init__(self, parts: tuple[Part, ...]) -> None:
        super().__init__()
        self.parts = parts
        self.nullable = any(part.nullable for part in parts)

    def make_filled(self, then: Continuation) -> Continuation | None:
        found = [way for part in self.parts if (way := part.filled(then)) is not None]
        return union(found) if found else None

    def inner(self) -> list[tuple[str, Part]]:
        if len(self.parts) == 1:
            return [("", self.parts[0])]
        return [(f"choice {number} of {len(self.parts)}", part) for number, part in enumerate(self.parts, 1)]


class _Repeated(Part):
    def __init__(self, part: Part, low: int, high: int | None) -> None:
        super().__init__()
        self.part = part
        self.low = 0 if part.nullable else low
        self.high = high
        self.nullable = self.low == 0
        self._after: dict[tuple[int, Continuation], Continuation] = {}

    def make_filled(self, then: Continuation) -> Continuation | None:
        return None if self.high == 0 else self.part.filled(self.after(1, then))

    def after(self, rounds: int, then: Continuation) -> Continuation:
        """What follows `rounds` rounds; without an upper bound, more than `low` of them are alike."""
        if self.high is None:
            rounds = min(rounds, max(self.low, 1))
        elif rounds == self.high:
            return then
        key = (rounds, then)
        if key not in self._after:
            self._after[key] = _Rounds(self, rounds, then)
        return self._after[key]

    def inner(self) -> list[tuple[str, Part]]:
        return [("a repeat", self.part)]


class _Rounds(Union):
    """Between two rounds of a repeat."""

    def __init__(self, repeat: _Repeated, rounds: int, then: Continuation) -> None:
        self.repeat, self.rounds, self.then = repeat, rounds, then
        self.can_end = rounds >= repeat.low and then.can_end

    def build_choices(self) -> tuple[Continuation, ...]:
        more = self.repeat.part.filled(self.repeat.after(self.rounds + 1, self.then))
        end = (self.then,) if self.rounds >= self.repeat.low else ()
        return end if more is None else (more, *end)


class SpecialToken(Part):
    """One special token of a vocabulary, which text cannot spell; `text` is how its tokenizer shows it."""

    def __init__(self, token_id: int, text: str) -> None:
        super().__init__()
        self.token_id, self.text = token_id, text

    def make_filled(self, then: Continuation) -> Continuation:
        return Terminal(TokenEdge(self.token_id, self.text.encode(), 0), then)

    def __reduce__(self) -> tuple[Any, ...]:
        return SpecialToken, (self.token_id, self.text)


class _Marked(Part):
    def __init__(self, part: Part, label: Hashable) -> None:
        super().__init__()
        self.part, self.label = part, label
        self.nullable = part.nullable

    def make_filled(self, then: Continuation) -> Continuation | None:
        filled = self.part.filled(Mark(self.label, False, then))
        return None if filled is None else Mark(self.label, True, filled)

    def inner(self) -> list[tuple[str, Part]]:
        return [(f"`{self.label}`" if isinstance(self.label, str) else "", self.part)]


@remembered
def literal(text: str) -> Part:
    """Exactly this text."""
    return TermPart(terms.literal(as_text(text, "a literal").encode()), f"`{text}`")


@remembered
def regex(
    pattern: PatternLike,
    *,
    flags: int = 0,
    verbatim: str | None = None,
    max_steps: int = DEFAULT_MAX_STEPS,
    max_seconds: float | None = None,
) -> Part:
    """A text that `re.fullmatch(pattern, text, flags)` accepts.

    With `verbatim`, a document, the named groups (without any, the whole) hold only what occurs in it.
    Raises RegexError, UnsupportedRegexError, UnsatisfiableError or LimitExceeded.
    """
    source, flags = as_pattern(pattern, flags)
    with budget(max_steps, "compiling this pattern", max_seconds=max_seconds):
        return TermPart(regex_term(source, flags=flags, verbatim=verbatim_text(verbatim)), f"`{source}`")


@remembered
def json_value(
    schema: object,
    *,
    registry: Mapping[str, Any] | None = None,
    **options: Unpack[Compiling],
) -> Part:
    """The JSON text of a value that a schema, or a type, allows; `options` are those of `JsonOptions`.

    Whatever the option `whitespace` says, no blanks stand before the value or after it: those would belong to
    the parts around it.  Raises what `compile_json_schema` raises.
    """
    return SchemaPart(as_schema(schema), JsonOptions.of(options), registry)


@remembered
def lark(
    grammar: str | os.PathLike[str],
    *,
    start: str = "start",
    embed: Mapping[str, PartLike] | None = None,
    max_steps: int = DEFAULT_MAX_STEPS,
    max_seconds: float | None = None,
) -> Part:
    """A text that Lark's Earley parser accepts with its complete dynamic lexer.

    `grammar` is its text, or the path of a file (a `Path`, or a name that ends in `.lark`).  `embed` says
    which parts stand for the terminals that it only declares (`%declare`).
    Raises GrammarError, UnsupportedError, UnsupportedRegexError, UnsatisfiableError or LimitExceeded.
    """
    embedded = {name: as_part(part) for name, part in as_mapping(embed, "embed").items()}
    with budget(max_steps, "compiling this grammar", max_seconds=max_seconds):
        return LarkPart(load_grammar(grammar, start=start, embed=embedded), embedded)


def verbatim_text(document: str | None) -> str | None:
    """The document `verbatim`; None where there is none."""
    return None if document is None else as_text(document, "the document `verbatim`")


def choice(texts: Iterable[str]) -> Part:
    """One of these texts."""
    given = list(texts) if isinstance(texts, Mapping) else as_list(texts, "choices", "for one: choice([...])")
    return branches({as_text(text, "a choice"): None for text in given})


@remembered
def branches(parts: Mapping[str, PartLike | None]) -> Part:
    """One of the texts that are the keys, followed by the part that is its value.

    Ten thousand keys cost one step per byte: they share a trie.
    """
    named = as_mapping(parts, "branches")
    if not named:
        raise InvalidInputError("there is nothing to choose from", hint="give at least one text")
    return BranchesPart(
        {text.encode(): None if part is None else as_part(part) for text, part in named.items()}
    )


@remembered
def sequence(*parts: PartLike) -> Part:
    """One part after the other."""
    return _Sequence(tuple(as_part(part) for part in parts))


@remembered
def either(*parts: PartLike) -> Part:
    """Any of the parts."""
    if not parts:
        raise InvalidInputError("there is nothing to choose from", hint="give at least one part")
    return _Either(tuple(as_part(part) for part in parts))


@remembered
def repeated(part: PartLike, low: int = 0, high: int | None = None) -> Part:
    """`low` to `high` texts of the part in a row; `high` None means any number."""
    low = as_whole(low, "the least number of times")
    high = None if high is None else as_whole(high, "the greatest number of times")
    if high is not None and high < low:
        raise InvalidInputError(f"a part cannot be repeated {low} to {high} times")
    return _Repeated(as_part(part), low, high)


def optional(part: PartLike) -> Part:
    """The part, or nothing."""
    return repeated(part, 0, 1)


def special_token(vocabulary: Vocabulary, token_id: int, text: str) -> SpecialToken:
    """One special token of `vocabulary`, such as Mistral's `[TOOL_CALLS]`; `text` is how it is shown.

    A token that is ordinary text (Qwen's `<tool_call>` is one) needs no part of its own: write it as text.
    Raises TokenError for a token that is not special, or that ends a generation.
    """
    token_id = as_whole(token_id, "a token id", error=TokenError)
    text = as_text(text, "the text of a special token")
    if token_id not in as_vocabulary(vocabulary).special_token_ids:
        raise TokenError(
            f"token {token_id} is not a special token of this vocabulary",
            where=f"`{text}`",
            hint="a token that writes text is written as text",
        )
    if token_id in vocabulary.eos_token_ids:
        raise TokenError(f"token {token_id} ends a generation, so nothing can follow it", where=f"`{text}`")
    if not text:
        raise InvalidInputError(f"special token {token_id} needs a text to be shown as")
    return SpecialToken(token_id, text)


@remembered
def marked(part: PartLike, label: Hashable) -> Part:
    """The same texts, noted under `label` where the part is not empty."""
    return _Marked(as_part(part), label)

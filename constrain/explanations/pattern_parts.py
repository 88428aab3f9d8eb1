"""Which parts of a regular expression refuse a character?  Found by experiment, as in a schema.

    [0-9]{4}-(0[1-9]|1[0-2])      text 2024-13
                      ^^^^^

Three kinds of parts can be responsible, and each is lifted in the pattern's own text:

    a set of characters     it reads a mark beside its own: `(?:[0-2]|MARK)`.  If the text before the refused
                            character, and then the mark, is read, the set stands there
    an upper bound          `[a-z]{1,5}` without it: `[a-z]{1,}`
    an assertion            `(?!admin)`, `\\b`, `$`: left out

The pattern's parser tells where the parts are.  Cost: compiling once for each part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from constrain.continuation import END, Continuation
from constrain.errors import ConstrainError, LimitExceeded
from constrain.explanations.explanation import Explanation
from constrain.explanations.reading_on import Refusal
from constrain.explanations.wording import joined
from constrain.parts import TermPart
from constrain.regular.pattern import Parser
from constrain.regular.pattern_tree import Begin, Boundary, Chars, End, Look, Node, Repeat
from constrain.regular.syntax import as_pattern, regex_term

MARK: Final = "\ue000"
"""A character that hardly any pattern or text has."""
NAMED: Final = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a pattern's text, and what it is; what is repeated ends at `body`, before the bounds."""

    start: int
    body: int
    end: int
    node: Node


class _Spans(Parser):
    """A parser that notes where the parts of its pattern are."""

    def __init__(self, pattern: str, flags: int) -> None:
        super().__init__(pattern, "python", flags, groups=False)
        self.pieces: list[Piece] = []

    def _atom(self) -> Node:
        start = self.at
        node = super()._atom()
        self.pieces.append(Piece(start, self.at, self.at, node))
        return node

    def _repeated(self, atom: Node, start: int) -> Node:
        body = self.at
        node = super()._repeated(atom, start)
        if node is not atom:
            self.pieces.append(Piece(start, body, self.at, node))
        return node


@dataclass(frozen=True, slots=True)
class PatternSource:
    """A pattern as it was given, and which continuations it stands before."""

    pattern: Any
    flags: int = 0
    verbatim: str | None = None
    before: tuple[Continuation, ...] = (END,)

    def starts(self, pattern: str, flags: int) -> list[Continuation]:
        """The continuations of another pattern in the same place; none where it has no text."""
        try:
            part = TermPart(regex_term(pattern, flags=flags, verbatim=self.verbatim), "this pattern")
        except LimitExceeded:
            raise
        except ConstrainError:
            return []
        return [part.before(then) for then in self.before]


def explain_pattern(source: PatternSource, refusal: Refusal) -> Explanation:
    """Why a text is refused that a pattern has read as far as `refusal.offset`."""
    basis = Explanation(False, refusal.offset, cause="pattern")
    pattern, flags = as_pattern(source.pattern, source.flags)
    try:
        with refusal.limits.budget("finding what is responsible"):
            guilty = list(_guilty(source, pattern, flags, refusal))
    except LimitExceeded as problem:
        return replace(basis, note=f"no part was found to be responsible: {problem.what}")
    if not guilty:
        return replace(basis, note="no part was found to be responsible alone")
    parts = [f"`{pattern[piece.start : piece.end]}` at {piece.start}" for piece in guilty]
    words = [word for piece in guilty if (word := _expectation(piece, pattern))]
    named = list(dict.fromkeys(words))[:NAMED]
    return replace(basis, parts=tuple(parts[:NAMED]), expected=joined(named, "or") if named else "")


def _guilty(source: PatternSource, pattern: str, flags: int, refusal: Refusal) -> Iterator[Piece]:
    parser = _Spans(pattern, flags)
    parser.parse()
    text = refusal.text
    at = refusal.offset
    while at and at < len(text) and text[at] & 0xC0 == 0x80:  # in the middle of a character
        at -= 1
    refused = text[at:].decode("utf-8", "ignore")[:1]
    marked = replace(refusal, text=text[:at] + MARK.encode(), offset=at, is_whole=False)
    for piece in sorted(parser.pieces, key=lambda piece: (piece.start, piece.end)):
        lifted = _lifted(piece, pattern)
        if lifted is None or (isinstance(piece.node, Chars) and _holds(piece.node, refused)):
            continue
        asked = marked if isinstance(piece.node, Chars) else refusal
        if any(asked.is_read(start) for start in source.starts(lifted, flags)):
            yield piece


def _lifted(piece: Piece, pattern: str) -> str | None:
    """The pattern with a part lifted; None for a part that restricts nothing itself."""
    node, inside = piece.node, pattern[piece.start : piece.end]
    if isinstance(node, Chars):
        inside = rf"(?:{inside}|\ue000)"
    elif isinstance(node, Begin | End | Boundary | Look):
        inside = "(?:)"
    elif isinstance(node, Repeat) and node.high is not None:
        inside = f"{pattern[piece.start : piece.body]}{{{node.low},}}"
    else:
        return None
    return pattern[: piece.start] + inside + pattern[piece.end :]


def _holds(node: Chars, char: str) -> bool:
    return bool(char) and any(low <= ord(char) <= high for low, high in node.charset)


def _expectation(piece: Piece, pattern: str) -> str:
    inside = pattern[piece.start : piece.end]
    if isinstance(piece.node, Chars):
        return f"`{inside}`"
    if isinstance(piece.node, Repeat):
        return f"at most {piece.node.high} of `{inside}`"
    return f"what `{inside}` asks for"

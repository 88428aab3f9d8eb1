"""The punctuation of JSON, with the blanks around it.

Blanks are never terminals of their own: they belong to the comma, colon or bracket beside them, so one
terminal is read where there would be two or three, and a mask never ends between them.

    default   ","  (nothing, one blank, or a line break and an indentation)        {"a": [1, 2]}
    compact   ","                                                                  {"a":[1,2]}
    any       blanks "," blanks                                                    { "a" :[ 1 ,2 ] }
    7         as "any", each run of at most seven blanks

No terminal begins where another one ends in blanks: what follows `{`, `[`, `,` and `:` starts at once.

Edges are made here too, and shared by every schema with the same choice: behind a member or an item come
the same two, whatever the schema says.
"""

from __future__ import annotations

from constrain.continuation import Edge, edge
from constrain.json_schema.options import DEFAULT_INDENT, JsonOptions
from constrain.regular.keeping import remember
from constrain.regular.terms import EPSILON, Term, byte_set, choice, concat, literal, repeat, star

CLOSE, NEXT = 0, 1
"""The numbers of what follows the bracket, and of what follows the comma."""


class Punctuation:
    """The terminals of arrays and objects under one choice of whitespace; made by `punctuation`."""

    def __init__(self, whitespace: str | int) -> None:
        blank = byte_set(sum(1 << byte for byte in b" \t\n\r"))
        before: Term = EPSILON
        around: Term | None = None
        if whitespace == "any":
            before = inner = after_comma = after_colon = star(blank)
            around = concat(blank, star(blank))
        elif whitespace == "default":
            indent = byte_set(1 << 0x20 | 1 << 0x09)
            inner = choice(EPSILON, concat(literal(b"\n"), repeat(indent, 0, DEFAULT_INDENT)))
            after_colon = choice(EPSILON, literal(b" "))
            after_comma = choice(inner, literal(b" "))
        else:
            longest = 0 if whitespace == "compact" else int(whitespace)
            inner = after_comma = after_colon = repeat(blank, 0, longest) if longest else EPSILON
            before = inner
        self.around = around
        self.colon = edge(concat(before, literal(b":"), after_colon), 0)
        self.comma = edge(concat(before, literal(b","), after_comma), NEXT)
        self.open = {"{": concat(literal(b"{"), inner), "[": concat(literal(b"["), inner)}
        self.close = {end: edge(concat(inner, literal(end.encode())), CLOSE) for end in "}]"}
        self.close_empty = {end: edge(literal(end.encode()), CLOSE) for end in "}]"}
        self._after = {
            (end, closes, goes_on): ((self.close[end],) if closes else ())
            + ((self.comma,) if goes_on else ())
            for end in "}]"
            for closes in (False, True)
            for goes_on in (False, True)
        }

    def after(self, end: str, *, closes: bool, goes_on: bool) -> tuple[Edge, ...]:
        """The edges behind a member or an item."""
        return self._after[end, closes, goes_on]


@remember()
def _punctuation(whitespace: str | int) -> Punctuation:
    return Punctuation(whitespace)


def punctuation(options: JsonOptions) -> Punctuation:
    """The punctuation of these options, made once for every schema."""
    return _punctuation(options.whitespace)

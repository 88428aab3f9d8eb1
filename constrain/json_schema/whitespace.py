"""The punctuation of JSON, with the blanks around it.

Blanks are never terminals of their own: they belong to the comma, colon or bracket beside them, so one
terminal is read where there would be two or three, and a mask never ends between them.

    default   ","  (nothing, one blank, or a line break and an indentation)        {"a": [1, 2]}
    compact   ","                                                                  {"a":[1,2]}
    any       blanks "," blanks                                                    { "a" :[ 1 ,2 ] }
    7         as "any", each run of at most seven blanks

No terminal begins where another one ends in blanks: what follows `{`, `[`, `,` and `:` starts at once.
"""

from __future__ import annotations

from constrain.json_schema.options import DEFAULT_INDENT, JsonOptions
from constrain.regular.terms import EPSILON, Term, byte_set, choice, concat, literal, repeat, star


class Punctuation:
    """The terminals of arrays and objects under one choice of whitespace."""

    def __init__(self, options: JsonOptions) -> None:
        blank = byte_set(sum(1 << byte for byte in b" \t\n\r"))
        before: Term = EPSILON
        around: Term | None = None
        if options.whitespace == "any":
            before = inner = after_comma = after_colon = star(blank)
            around = concat(blank, star(blank))
        elif options.whitespace == "default":
            indent = byte_set(1 << 0x20 | 1 << 0x09)
            inner = choice(EPSILON, concat(literal(b"\n"), repeat(indent, 0, DEFAULT_INDENT)))
            after_colon = choice(EPSILON, literal(b" "))
            after_comma = choice(inner, literal(b" "))
        else:
            longest = 0 if options.whitespace == "compact" else int(options.whitespace)
            inner = after_comma = after_colon = repeat(blank, 0, longest) if longest else EPSILON
            before = inner
        self.around = around
        self.comma = concat(before, literal(b","), after_comma)
        self.colon = concat(before, literal(b":"), after_colon)
        self.open = {"{": concat(literal(b"{"), inner), "[": concat(literal(b"["), inner)}
        self.close = {"}": concat(inner, literal(b"}")), "]": concat(inner, literal(b"]"))}
        self.close_empty = {"}": literal(b"}"), "]": literal(b"]")}

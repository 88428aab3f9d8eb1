"""What does a pattern that claims to be ECMA-262's have from another engine, and what becomes of it?

What ECMA-262 reads in its strict form (flag `u`) means what it says there.  Annex B gives the rest some
meaning as well, mostly that of plain text: there `\\A[a-z]+\\Z` asks for the letters A and Z.  Nobody means
that, so beyond the strict form

1. punctuation stands for itself, escaped or not (`\\_`, `\\@`, a lone `{` or `]`), as in every dialect;
2. what the dialects that have it agree on is read as they read it (`FOREIGN`), and noted for the report;
3. all else that another dialect reads in its own way is refused by name (`AMBIGUOUS`, and classes).

The parser (pattern.py) reads by these tables, and the page on regular expressions shows them.

Sources: ECMA-262 22.2.1 and Annex B.1.2; the documentation of PCRE2, Perl, Java, .NET, Ruby, Go (RE2), Rust
and Python's `re`.
"""

from __future__ import annotations

import re

FOREIGN = {
    r"\A": "the start of the text",
    r"\z": "the end of the text",
    r"\a": "the character U+0007",
    r"\e": "the character U+001B",
    r"\x{...}": "the character of that number",
    "(?P<...>": "a named group",
    "(?#...)": "a comment",
    "(?i)": "flags for what follows in the group",
}
"""Constructs that strict ECMA-262 has not, and that mean one thing in every dialect which has them."""

AMBIGUOUS = {
    "Z": ("is the end of the text in some dialects, and in others may stand before a newline", "write `$`"),
    "h": ("is a blank in some dialects and a hexadecimal digit in others", "write `[ \\t]` or `[0-9A-Fa-f]`"),
    "H": ("is no blank in some dialects and no hexadecimal digit in others", "write the class out"),
    "R": ("is a line break of one or two characters, in other dialects", r"write `(?:\r\n|\n|\r)`"),
    "Q": ("begins a quotation in other dialects", "escape each character instead"),
    "E": ("ends a quotation in other dialects", "escape each character instead"),
    "g": ("refers back to a group, in other dialects", "spell the alternatives out"),
    "k": ("refers back to a group, in other dialects", "spell the alternatives out"),
    "K": ("forgets how a match began, in other dialects", "use a look-behind, `(?<=...)`"),
    "G": ("is the end of the last match, in other dialects", "leave it out: a text is matched once"),
    "X": ("is a grapheme cluster, in other dialects", "write the characters out"),
    "x": ("lacks two hexadecimal digits", r"write `\x41` or `\u{41}`"),
    "u": ("lacks four hexadecimal digits", r"write `\u0041` or `\u{41}`"),
    "p": ("lacks the braces of a property", r"write `\p{L}`"),
    "P": ("lacks the braces of a property", r"write `\P{L}`"),
    "N": ("is no newline in some dialects, and begins a name in others", r"write `[^\n]`, or `\u{2022}`"),
}
"""Escaped letters that ECMA-262 does not define: what each is elsewhere, and what to write."""

ODD_CLASS = re.compile(r"\[\^?(?:\]|(?:[^\]\\\[]|\\.)*\[)", re.DOTALL)
"""A class that holds a bracket unescaped: other dialects close it at a later `]` than ECMA-262."""

BRACKET_IN_CLASS = (
    "this class is that of another dialect: a bracket in it is not escaped",
    r"write `\[` and `\]` for brackets, and `[A-Za-z]` for `[[:alpha:]]`",
)

UPPER_BOUND = re.compile(r"\{,\d+\}")


def upper_bound(written: str) -> tuple[str, str]:
    """What a count like `{,3}` is, and what to write."""
    what = f"`{written}` is a count in some dialects and plain text in others"
    return what, f"write `{{0{written[1:]}` or `\\{written}`"


def set_operation(written: str) -> tuple[str, str]:
    """What `&&`, `--` or `~~` in a class is, and what to write."""
    what = f"`{written}` in a class is an operation on sets in other dialects"
    return what, f"for the character write `\\{written[0]}`, for a set its members"

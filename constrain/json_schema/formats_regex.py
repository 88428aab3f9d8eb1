"""Which texts are regular expressions?

A subset of the patterns of ECMA-262, each of them one with the flag `u` and without it, so that nobody finds
an early error (22.2.1.1) in what is written:

    [a-z]{2,3} yes   [z-a] no   a{3,2} no   \\p{Lu} yes   \\p{Nope} no   \\01 no   (a*)* yes   a** no

An order is kept by what stands behind a beginning: for a range, one alternative for each character of ASCII
that may begin it; for the bounds of a quantifier, one for each first digit.

Source: ECMA-262, section 22.2.1.  We depart from it in these ways, each time towards fewer texts:
1. Matching parentheses are not regular: groups are nested at most three deep.  They have no names, and there
   are no back-references, for both take knowing the other groups.
2. A range of a class goes from a character of ASCII to a later one, or to any beyond ASCII; or from `\\xHH`
   to `\\xHH`, or `\\uHHHH` to `\\uHHHH`, where the first digit of the second is greater.
3. The bounds of a quantifier have at most three digits.  The second has more of them, or a greater first one;
   or both have the same first one, and the first bound zeros behind it.
4. There are no surrogates, no `\\0`, no code points in braces.  A property is a general category or a binary
   one: which scripts there are depends on a reader's version of Unicode.
Cost: some milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable

from constrain.json_schema.formats_hosts import Alphabet
from constrain.regular.charset import MAX_CODEPOINT, inverse, meet
from constrain.regular.properties import BINARY, CATEGORIES
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, choice, concat, optional, star
from constrain.regular.utf8 import CharSet

Matching = Callable[[str], Term]
"""Makes a term of a pattern, spelled as an alphabet says."""

DEPTH = 3
_HEX_DIGITS = "0123456789abcdef"
_HEX = "[0-9A-Fa-f]"
_LAST_ASCII = 0x7F
_ESCAPE = (
    rf"\\(?:[dDsSwWtnvfr^$\\.*+?()\[\]{{}}|/]|c[A-Za-z]|x{_HEX}{{2}}"
    rf"|u(?:[0-9A-CEFa-cef]{_HEX}|[Dd][0-7]){_HEX}{{2}}|[pP]\{{(?:%s)\}})"
)


def regular_expressions(alphabet: Alphabet) -> Term:
    """Patterns of ECMA-262, with groups nested three deep."""

    def matching(pattern: str) -> Term:
        return regex_term(pattern, dialect="ecma", alphabet=alphabet)

    escape = matching(_ESCAPE % "|".join(_properties()))
    quantifier = optional(concat(choice(matching("[*+?]"), _bounds(matching)), matching(r"\??")))
    atom = choice(matching(r"[^\\^$*+?()\[\]{}|]"), escape, _classes(alphabet, matching, escape))
    piece = choice(matching(r"[\^$|]|\\[bB]"), concat(atom, quantifier))
    pattern = star(piece)
    for _ in range(DEPTH):
        close = matching(r"\)")
        group = concat(matching(r"\((?:\?:)?"), pattern, close, quantifier)
        assertion = concat(matching(r"\(\?<?[=!]"), pattern, close)
        pattern = star(choice(piece, group, assertion))
    return pattern


def _properties() -> list[str]:
    """What may stand between the braces of `\\p{...}`."""
    categories = [name for short, names in CATEGORIES.items() for name in (short, *names.split())]
    binary = [name for long, short in BINARY.items() for name in (long, *short.split())]
    keyed = [f"{key}={name}" for key in ("gc", "General_Category") for name in categories]
    return [*categories, *keyed, *binary]


def _bounds(matching: Matching) -> Term:
    """`{2}`, `{2,}`, `{2,30}`."""
    ways = [r"\d{1,3},?", r"\d,[1-9]\d{1,2}", r"[1-9]\d,[1-9]\d{2}"]
    for digit in range(10):
        ways.append(f"{digit},[{digit}-9]")
        ways += [rf"{digit}0{{{more}}},{digit}\d{{{more}}}" for more in (1, 2)]
        ways += [rf"{digit}\d{{{more}}},[{digit + 1}-9]\d{{{more}}}" for more in (1, 2) if digit < 9]
    return matching(rf"\{{(?:{'|'.join(ways)})\}}")


def _classes(alphabet: Alphabet, matching: Matching, escape: Term) -> Term:
    """`[a-z\\d_-]`: a hyphen by itself stands first or last."""
    plain = inverse(_of("-\\]"))
    members = [alphabet(plain), escape, matching(r"\\-")]
    for code in range(_LAST_ASCII):
        low = meet(plain, ((code, code),))
        if low:
            high = meet(plain, ((code, MAX_CODEPOINT),))
            members.append(concat(alphabet(low), alphabet(_of("-")), alphabet(high)))
    for at, digit in enumerate(_HEX_DIGITS[:-1]):
        greater = "".join(f"{more}{more.upper()}" for more in _HEX_DIGITS[at + 1 :])
        one = f"[{digit}{digit.upper()}]"
        members.append(matching(rf"\\x{one}{_HEX}-\\x[{greater}]{_HEX}"))
        # No surrogates: U+D000 to U+D7FF are all that begins with a D.
        low_unit = f"{one}{'[0-7]' if digit == 'd' else _HEX}{_HEX}{{2}}"
        high_unit = rf"(?:(?![Dd])[{greater}]{_HEX}|{'[Dd][0-7]' if digit < 'd' else '(?!)'}){_HEX}{{2}}"
        members.append(matching(rf"\\u{low_unit}-\\u{high_unit}"))
    return concat(matching(r"\[\^?-?"), star(choice(*members)), matching(r"-?\]"))


def _of(characters: str) -> CharSet:
    return tuple((ord(character), ord(character)) for character in sorted(characters))

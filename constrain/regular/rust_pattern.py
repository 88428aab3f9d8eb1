"""Read a regular expression of Rust's `regex`, the dialect of a Pydantic field's `pattern`, into a tree.

    ^[\\w--\\d]+$       letters and `_`, of all alphabets; the whole text, which may not end in a newline

It is nearest to Python's dialect, whose parser (`pattern.py`) reads all that is not said here:

1. `\\d`, `\\w`, `\\s` and `\\b` are Unicode's own (UTS 18, annex C), `\\p{...}` a property, `\\pL` one of a
   letter.
2. `$` is the end of the text alone; `\\z` too, and `\\Z` is nothing.  `\\<` and `\\>` are the ends of a word.
3. A class may hold classes, `[[:alpha:]]` among them, and `&&`, `--`, `~~` between sets, from left to right.
4. A repeat may be repeated, `a{2}{3}`.  Flags may stand anywhere, and hold until their group ends.
5. There is no looking around, and no reference back: Pydantic refuses them by itself.

Source: the documentation of the crate `regex`, version 1, "Syntax".
Refused by name: `(?-u)`, for bytes that are no text, and `(?R)`, for lines that end in CRLF.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NoReturn

from constrain.regular import charset
from constrain.regular.charset import CharSet
from constrain.regular.pattern import IGNORECASE, KNOWN_FLAGS, VERBOSE, Parser
from constrain.regular.pattern_tree import NOTHING, Begin, Boundary, Chars, End, Look, Node, Repeat, Sequence
from constrain.regular.properties import property_members


def parse_rust(pattern: str) -> Node:
    """Parse a pattern of Rust's.

    Raises RegexError where it breaks the syntax, UnsupportedRegexError for what is refused.
    """
    return _RustParser(pattern, "python", 0, groups=False).parse()


class _RustParser(Parser):
    def _atom(self) -> Node:
        if self.text[self.at] == "$":
            self.at += 1
            return End(lines=self._lines())
        return super()._atom()

    def _repeated(self, atom: Node, start: int) -> Node:
        while self.at < len(self.text):
            if self._skip_ignored():
                continue
            bounds = self._bounds()
            if bounds is None:
                return atom
            atom = Repeat(atom, bounds[0], bounds[1], self._take("?"))
        return atom

    def _bounds_ahead(self, at: int) -> bool:
        return self.text[at : at + 1] in {"*", "+", "?"}

    def _flagged(self, start: int) -> Node:
        end = self.at
        while end < len(self.text) and self.text[end] not in ":)":
            end += 1
        on, _, off = self.text[self.at : end].partition("-")
        if end == len(self.text) or not set(on + off) <= set("imsxuUR"):
            self._wrong("an unknown kind of group", start, min(self.at + 1, len(self.text)))
        if "u" in off or "R" in on:
            self._unsupported(
                "the flags `-u` and `R` are not supported", start, end + 1, "leave them out: text is Unicode"
            )
        before = self.flags
        for letter in on:
            self.flags |= KNOWN_FLAGS.get(letter, 0) if letter != "u" else 0
        for letter in off:
            self.flags &= ~KNOWN_FLAGS.get(letter, 0)
        self.at = end + 1
        if self.text[end] == ")":
            return NOTHING
        node = self._closed(start)
        self.flags = before
        return node

    # Escapes.

    def _escape(self, start: int) -> Node:
        if self._take("b{"):
            end = self.text.find("}", self.at)
            name, self.at = self.text[self.at : end], end + 1
            if name not in _HALVES:
                self._wrong("an unknown kind of word boundary", start, end + 1)
            return self._word_end(*_HALVES[name])
        for mark, name in (("<", "start"), (">", "end")):
            if self._take(mark):
                return self._word_end(*_HALVES[name])
        if self._take("b"):
            return Boundary(self._word(), False, True)
        if self._take("B"):
            return Boundary(self._word(), True, True)
        if self._take("A"):
            return Begin()
        if self._take("z"):
            return End()
        return Chars(self._cased_escape(start, in_class=False))

    def _word_end(self, behind: bool | None, ahead: bool | None) -> Node:
        """Where there is, or is not, a character of a word behind and ahead; None: that does not matter."""
        word = Chars(self._word())
        looks = [
            Look(word, side, not wanted, self.at)
            for side, wanted in ((False, behind), (True, ahead))
            if wanted is not None
        ]
        return Sequence(tuple(looks))

    def _cased_escape(self, start: int, *, in_class: bool) -> CharSet:
        return self._cased(self._escaped(start, in_class=in_class))

    def _escaped(self, start: int, *, in_class: bool) -> CharSet:
        char = self.text[self.at : self.at + 1]
        if char in {"p", "P"}:
            self.at += 1
            found = self._property(start)
            return charset.inverse(found) if char == "P" else found
        if char in {"x", "u", "U"} and self.text.startswith("{", self.at + 1):
            end = self.text.find("}", self.at)
            code = int(self.text[self.at + 2 : end], 16)
            self.at = end + 1
            return ((code, code),)
        if char in set("Zb0123456789<>"):
            self._wrong(f"an unknown escape `\\{char}`", start, self.at + 1)
        return super()._escaped(start, in_class=in_class)

    def _property(self, start: int) -> CharSet:
        if self._take("{"):
            end = self.text.find("}", self.at)
            name, self.at = self.text[self.at : end], end + 1
        else:
            name = self.text[self.at : self.at + 1]
            self.at += 1
        found = property_members(name.replace(":", "=")) or property_members(f"Script={name}")
        if found is None:
            self._refuse_property(name, start)
        return found

    def _refuse_property(self, name: str, start: int) -> NoReturn:
        self._unsupported(
            f"`{name}` is no Unicode property by its full name",
            start,
            self.at,
            r"names are spelled as in Unicode: `\p{Lu}`, `\p{Script=Greek}`, `\p{Alphabetic}`",
        )

    def _digits(self) -> CharSet:
        return _with_any("Nd")

    def _word(self) -> CharSet:
        return _with_any("Alphabetic", "M", "Nd", "Pc", "Join_Control")

    def _space(self) -> CharSet:
        return _with_any("White_Space")

    # Brackets.

    def _members(self, start: int) -> CharSet:
        """What stands between the brackets: unions, and from left to right the operations between them."""
        negative = self._take("^")
        whole: CharSet | None = None
        operation = ""
        part: list[CharSet] = []
        while self._take("-"):  # at the beginning it is a character, and so is a bracket
            part.append(((0x2D, 0x2D),))
        if not part and self._take("]"):
            part.append(((0x5D, 0x5D),))
        while True:
            if self.at >= len(self.text):
                self._wrong("a `[` that is not closed", start)
            if self.flags & VERBOSE and self.text[self.at].isspace():
                self.at += 1
                continue
            found = next((sign for sign in _OPERATIONS if self.text.startswith(sign, self.at)), "")
            closes = self.text[self.at] == "]"
            if closes or found:
                union = charset.union(*part)
                whole = union if whole is None else _OPERATIONS[operation](whole, union)
                operation, part = found, []
                if closes:
                    self.at += 1
                    return charset.inverse(whole) if negative else whole
                self.at += 2
                continue
            part.append(self._class_item(start))

    def _class_item(self, start: int) -> CharSet:
        named = next(
            (
                name
                for name in _POSIX
                for sign in ("", "^")
                if self.text.startswith(f"[:{sign}{name}:]", self.at)
            ),
            None,
        )
        if named is not None:
            is_negative = self.text[self.at + 2] == "^"
            self.at = self.text.index(":]", self.at) + 2
            found = self._cased(charset.normal(_POSIX[named]))
            return charset.inverse(found) if is_negative else found
        if self._take("["):
            return self._members(self.at - 1)
        if self._ends_alone():
            return self._cased(self._member())
        return self._cased(self._range(start))

    def _ends_alone(self) -> bool:
        """Is what stands here followed by `--`, and so no beginning of a range?"""
        before = self.at
        self._member()
        alone = self.text.startswith("--", self.at)
        self.at = before
        return alone

    def _cased(self, members: CharSet) -> CharSet:
        return charset.ignoring_case(members, dialect="ecma") if self.flags & IGNORECASE else members


@cache
def _with_any(*names: str) -> CharSet:
    """The characters that have one of these properties."""
    return charset.union(*(property_members(name) or () for name in names))


_HALVES = {
    "start": (False, True), "end": (True, False), "start-half": (False, None), "end-half": (None, False),
}  # fmt: skip
_OPERATIONS: dict[str, Callable[[CharSet, CharSet], CharSet]] = {
    "&&": charset.meet,
    "--": lambda one, other: charset.meet(one, charset.inverse(other)),
    "~~": lambda one, other: charset.meet(
        charset.union(one, other), charset.inverse(charset.meet(one, other))
    ),
}
_LOWER, _UPPER, _DIGIT = (0x61, 0x7A), (0x41, 0x5A), (0x30, 0x39)
_POSIX: dict[str, list[tuple[int, int]]] = {
    "alnum": [_DIGIT, _UPPER, _LOWER], "alpha": [_UPPER, _LOWER], "ascii": [(0, 0x7F)],
    "blank": [(0x09, 0x09), (0x20, 0x20)], "cntrl": [(0, 0x1F), (0x7F, 0x7F)], "digit": [_DIGIT],
    "graph": [(0x21, 0x7E)], "lower": [_LOWER], "print": [(0x20, 0x7E)],
    "punct": [(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)],
    "space": [(0x09, 0x0D), (0x20, 0x20)], "upper": [_UPPER], "word": [_DIGIT, _UPPER, (0x5F, 0x5F), _LOWER],
    "xdigit": [_DIGIT, (0x41, 0x46), (0x61, 0x66)],
}  # fmt: skip

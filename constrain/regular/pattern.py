"""Read a regular expression: text to a tree (pattern_tree.py), in Python's or ECMA-262's dialect.

    a(?=b)|[^c]\\b      Choice((Sequence((Chars a, Look(ahead, Chars b))), Sequence((Chars ~c, Boundary))))

What the two dialects mean differently is decided here: `\\d`, `\\w`, `\\s`, `.`, `$`, escapes of letters,
and what a lone `{` or `]` is.  What no finite automaton can do is refused here, with a caret:
back-references, conditionals, recursion.

What an ECMA pattern has from other dialects is honoured or refused by the tables of `dialects.py`.

Sources: Python's `re` documentation; ECMA-262 22.2.1 (Patterns) with Annex B.1.2, of which holds here that
punctuation stands for itself, escaped or not.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NoReturn

from constrain.budget import spend
from constrain.errors import ConstrainError, LimitExceeded, RegexError, UnsupportedRegexError, caret
from constrain.regular import charset, dialects
from constrain.regular.charset import CharSet, Dialect
from constrain.regular.pattern_tree import (
    NOTHING,
    Begin,
    Boundary,
    Chars,
    Choice,
    End,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
)
from constrain.regular.properties import property_members

MAX_NESTING = 100
"""Groups within groups; each costs five frames of Python's stack, which has a thousand."""

IGNORECASE, DOTALL, MULTILINE, VERBOSE, ASCII, UNICODE = map(int, (re.I, re.S, re.M, re.X, re.A, re.U))
"""As plain numbers, which are a tenth of the work of Python's flags."""
KNOWN_FLAGS = {"i": IGNORECASE, "s": DOTALL, "m": MULTILINE, "x": VERBOSE, "a": ASCII, "u": UNICODE}


def parse_regex(pattern: str, dialect: Dialect = "python", flags: int = 0, *, groups: bool = False) -> Node:
    """Parse `pattern`; with `groups`, what stands in a named group is a node of its own.

    Raises RegexError where it breaks the dialect's syntax, UnsupportedRegexError where no automaton
    can follow.
    """
    return Parser(pattern, dialect, flags, groups).parse()


def foreign_constructs(pattern: str) -> tuple[str, ...]:
    """The keys of `FOREIGN` that an ECMA pattern in order makes use of.

    >>> foreign_constructs(r"\\A[0-9]+\\z")
    ('\\\\A', '\\\\z')
    """
    parser = Parser(pattern, "ecma", 0, groups=False)
    parser.foreign = {}
    parser.parse()
    return tuple(parser.foreign)


class Parser:
    """Reads one pattern in Python's or ECMA-262's dialect; `rust_pattern.py` derives a third from it."""

    foreign: dict[str, None] | None = None
    """The foreign constructs met, where they are asked for."""

    def __init__(self, pattern: str, dialect: Dialect, flags: int, groups: bool) -> None:
        self.groups = groups
        self.text = pattern
        self.ecma = dialect == "ecma"
        self.flags = int(flags)
        self.comments = "(?#" in pattern
        self.odd_class: tuple[int, int] | None = None  # where a class holds a bracket that is not escaped
        self.at = 0
        self.depth = 0

    def parse(self) -> Node:
        node = self._choice()
        if self.at < len(self.text):
            self._wrong("a `)` that closes nothing", self.at)
        return node

    # Structure

    def _choice(self) -> Node:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise LimitExceeded(
                f"this pattern nests groups deeper than max_nesting={MAX_NESTING}",
                where=caret(self.text, self.at - 1),
                hint="parentheses around a single group or character can go",
            )
        flags = self.flags
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        if self.depth > 1:
            self.flags = flags
        self.depth -= 1
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Node:
        items: list[Node] = []
        text, end = self.text, len(self.text)
        while self.at < end and text[self.at] not in "|)":
            if self._skip_ignored():
                continue
            start = self.at
            atom = self._atom()
            if self.at < end and (text[self.at] in "*+?{" or self._may_ignore()):
                atom = self._repeated(atom, start)
            items.append(atom)
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _may_ignore(self) -> bool:
        return not self.ecma or self.comments or bool(self.flags & VERBOSE)

    def _skip_ignored(self) -> bool:
        """Skip a comment, or with `x` a blank: what follows counts the atom before it, not the comment."""
        if not self._may_ignore():
            return False
        if self.text.startswith("(?#", self.at):
            end = self.text.find(")", self.at)
            if end < 0:
                self._wrong("a comment that is not closed", self.at)
            self._note("(?#...)")
            self.at = end + 1
            return True
        char = self.text[self.at : self.at + 1] if self.flags & VERBOSE else ""
        if char == "#":
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
            return True
        self.at += char.isspace()
        return char.isspace()

    def _repeated(self, atom: Node, start: int) -> Node:
        while self.at < len(self.text):
            if self._skip_ignored():
                continue
            begin = self.at
            bounds = self._bounds()
            if bounds is None:
                return atom
            low, high = bounds
            if not self.ecma and self.text[start] != "(" and isinstance(atom, Begin | End | Boundary):
                self._wrong("nothing to repeat", begin)
            if high is not None and high < low:
                self._wrong(f"the bounds {low} and {high} are the wrong way round", begin, self.at)
            lazy = self._take("?")
            if not lazy and self._take("+"):
                self._unsupported(
                    "a possessive quantifier forgets how it matched",
                    begin,
                    self.at,
                    "drop the `+`, or spell the exception out with a look-ahead",
                )
            atom = Repeat(atom, low, high, lazy)
            while self._skip_ignored():
                pass
            if self._bounds_ahead(self.at):
                self._wrong("multiple repeat", self.at)
        return atom

    def _bounds(self) -> tuple[int, int | None] | None:
        simple = _SIMPLE_BOUNDS.get(self.text[self.at])
        if simple is not None:
            self.at += 1
            return simple
        found = self._braces(self.at)
        if found is None:
            if self.ecma and (upper := dialects.UPPER_BOUND.match(self.text, self.at)):
                what, hint = dialects.upper_bound(upper[0])
                self._unsupported(what, self.at, upper.end(), hint)
            return None
        self.at = found.end()
        low = int(found[1] or 0)
        if found[2] is None:
            return low, low
        return low, int(found[3]) if found[3] else None

    def _braces(self, at: int) -> re.Match[str] | None:
        """The counts at `at`; a brace that is not one is a character, and the dialects differ on `{,3}`."""
        found = _BRACES.match(self.text, at)
        return found if found and (found[1] or (not self.ecma and found[2])) else None

    def _bounds_ahead(self, at: int) -> bool:
        char = self.text[at : at + 1]
        return char in _SIMPLE_BOUNDS or (char == "{" and self._braces(at) is not None)

    # Atoms

    def _atom(self) -> Node:
        spend()
        start = self.at
        char = self.text[self.at]
        self.at += 1
        if char == "(":
            return self._group(start)
        if char == "[":
            return Chars(self._bracket(start))
        if char == "\\":
            return self._escape(start)
        if char == ".":
            if self.flags & DOTALL:
                return Chars(charset.EVERY)
            return Chars(charset.inverse(self._newlines()))
        if char == "^":
            return Begin(lines=self._lines())
        if char == "$":
            return End(newline=not self.ecma, lines=self._lines())
        if self._bounds_ahead(start):
            self._wrong("nothing to repeat", start)
        if char == "]" and self.ecma and self.odd_class is not None:
            what, hint = dialects.BRACKET_IN_CLASS
            self._unsupported(what, *self.odd_class, hint)
        return self._char(ord(char))

    def _char(self, code: int) -> Chars:
        if self.flags & IGNORECASE:
            return Chars(self._cased(((code, code),)))
        return _one_character(code)

    def _cased(self, members: CharSet) -> CharSet:
        if self.flags & IGNORECASE:
            ascii_only = bool(self.flags & ASCII)
            return charset.ignoring_case(
                members, dialect="ecma" if self.ecma else "python", ascii_only=ascii_only
            )
        return members

    def _group(self, start: int) -> Node:
        if not self._take("?"):
            return self._closed(start)
        if self._take(":"):
            return self._closed(start)
        for mark, ahead, negative in _LOOKS:
            if self._take(mark):
                return Look(self._closed(start), ahead, negative, start)
        named = _NAME.match(self.text, self.at)
        if named:
            if named[0][0] == "P":
                self._note("(?P<...>")
            self.at = named.end()
            body = self._closed(start)
            return Group(body, start) if self.groups else body
        if self._take("P=") or self._take("("):
            self._refer_back(start)
        if self._take(">"):
            self._unsupported("an atomic group forgets how it matched", start, self.at, "use `(?:...)`")
        if self._take("R") or self._take("&") or self._take("P>"):
            self._unsupported(
                "recursion needs a stack, which no finite automaton has",
                start,
                self.at,
                "write a grammar instead",
            )
        return self._flagged(start)

    def _flagged(self, start: int) -> Node:
        found = _FLAGS.match(self.text, self.at)
        if not found:
            self._wrong("an unknown kind of group", start, min(self.at + 1, len(self.text)))
        self.at = found.end()
        if self.ecma:
            if not {*"au"}.isdisjoint(found[1]):
                self._unsupported(
                    "the flags `a` and `u` are those of other dialects",
                    start,
                    self.at,
                    "write the classes out",
                )
            self._note("(?i)")
        before = self.flags
        on = off = 0
        for letter in found[1]:
            on |= KNOWN_FLAGS[letter]
        for letter in found[2] or "":
            off |= KNOWN_FLAGS[letter]
        if on & (ASCII | UNICODE):
            # The two exclude one another, and the inner group's choice holds.
            off |= UNICODE if on & ASCII else ASCII
        self.flags = (self.flags | on) & ~off
        if found[3] == ")":
            if start and not self.ecma and self.text[:start].strip():
                self._wrong("global flags stand at the start", start, self.at)
            return NOTHING
        node = self._closed(start)
        self.flags = before
        return node

    def _closed(self, start: int) -> Node:
        node = self._choice()
        if not self._take(")"):
            self._wrong("a `(` that is not closed", start)
        return node

    # Escapes

    def _escape(self, start: int) -> Node:
        if self.at >= len(self.text):
            self._wrong("a backslash at the end", start)
        char = self.text[self.at]
        if char in "bB":
            self.at += 1
            return Boundary(self._word(), char == "B", self.ecma)
        if char in "Az" or (char == "Z" and not self.ecma):
            self.at += 1
            self._note(f"\\{char}")
            return Begin() if char == "A" else End()
        if char in "123456789" or (char == "k" and self.text.startswith("k<", self.at)):
            octal = None if self.ecma else _LONG_OCTAL.match(self.text, self.at)
            if octal is None:
                digits = _REFERENCE.match(self.text, self.at)
                self.at = digits.end() if digits else self.at + 1
                self._refer_back(start)
        return Chars(self._cased_escape(start, in_class=False))

    def _cased_escape(self, start: int, *, in_class: bool) -> CharSet:
        members = self._escaped(start, in_class=in_class)
        single = len(members) == 1 and members[0][0] == members[0][1]
        folded = single or (self.ecma and self.text[start + 1] in "pP")
        return self._cased(members) if folded else members

    def _escaped(self, start: int, *, in_class: bool) -> CharSet:
        """The set an escape stands for; `at` is behind the backslash."""
        char = self.text[self.at]
        self.at += 1
        if char in "dwsDWS":
            kind = char.lower()
            members = self._digits() if kind == "d" else self._word() if kind == "w" else self._space()
            return charset.inverse(members) if char.isupper() else members
        if char in "pP" and self.ecma:
            members = self._property(start)
            return charset.inverse(members) if char == "P" else members
        code = self._escaped_code(char, start, in_class=in_class)
        return ((code, code),)

    def _escaped_code(self, char: str, start: int, *, in_class: bool) -> int:
        simple = _SIMPLE_ESCAPES.get(char)
        if simple is not None:
            return simple
        if char == "a":
            self._note(r"\a")
            return 7
        if char == "b" and in_class:
            return 8
        if char == "e" and self.ecma:
            self._note(r"\e")
            return 0x1B
        if char == "N" and not self.ecma and self.text.startswith("{", self.at):
            return self._named_character(start)
        if char == "x":
            braced = _BRACED.match(self.text, self.at) if self.ecma else None
            if braced and int(braced[1], 16) <= charset.MAX_CODEPOINT:
                self._note(r"\x{...}")
                self.at = braced.end()
                return int(braced[1], 16)
            return self._hex(2, start)
        if char == "u":
            return self._unicode(start)
        if char == "U" and not self.ecma:
            return self._hex(8, start)
        if char == "c" and self.ecma:
            return self._control(in_class=in_class)
        if char in "01234567":
            octal = _OCTAL.match(self.text, self.at - 1)
            if octal and (char == "0" or in_class or len(octal[0]) == 3):
                self.at = octal.end()
                return int(octal[0], 8)
        if char.isascii() and char.isalnum():
            if not self.ecma:
                self._wrong(f"an unknown escape `\\{char}`", start, self.at)
            self._ambiguous(start)
        return ord(char)

    def _named_character(self, start: int) -> int:
        end = self.text.find("}", self.at) + 1
        name, self.at = self.text[self.at + 1 : end - 1], end
        try:
            return ord(unicodedata.lookup(name))
        except (KeyError, TypeError):  # unknown, or the name of a sequence of characters
            self._wrong("the name of a character is unknown", start, end or None)

    def _ambiguous(self, start: int) -> NoReturn:
        """Refuse the escape at `start`, which strict ECMA-262 has not."""
        char = self.text[start + 1]
        what, hint = dialects.AMBIGUOUS.get(
            char, ("is not an escape of ECMA-262", f"for the character write `{char}`")
        )
        self._unsupported(f"`\\{char}` {what}", start, start + 2, hint)

    def _control(self, *, in_class: bool) -> int:
        following = self.text[self.at : self.at + 1]
        if following.isascii() and (
            following.isalpha() or (in_class and (following.isdigit() or following == "_"))
        ):
            self.at += 1
            return ord(following) % 32
        # Annex B: the backslash stands for itself, and `c` is read again.
        self.at -= 1
        return ord("\\")

    def _hex(self, count: int, start: int) -> int:
        digits = self.text[self.at : self.at + count]
        if len(digits) == count and all(d in "0123456789abcdefABCDEF" for d in digits):
            code = int(digits, 16)
            if code <= charset.MAX_CODEPOINT:
                self.at += count
                return code
        if self.ecma:
            self._ambiguous(start)
        return self._wrong("an escape that lacks hexadecimal digits", start, self.at)

    def _unicode(self, start: int) -> int:
        braced = _BRACED.match(self.text, self.at) if self.ecma else None
        if braced and int(braced[1], 16) <= charset.MAX_CODEPOINT:
            self.at = braced.end()
            return int(braced[1], 16)
        code = self._hex(4, start)
        if self.ecma and 0xD800 <= code < 0xDC00:
            low = _LOW_HALF.match(self.text, self.at)
            if low:
                self.at = low.end()
                return 0x10000 + (code - 0xD800) * 0x400 + int(low[1], 16) - 0xDC00
        return code

    def _property(self, start: int) -> CharSet:
        if not self.text.startswith("{", self.at):
            self._ambiguous(start)
        end = self.text.find("}", self.at)
        if end < 0:
            self._wrong("a property that is not closed", start)
        name = self.text[self.at + 1 : end]
        self.at = end + 1
        found = property_members(name)
        if found is None:
            self._unsupported(
                f"`{name}` is no Unicode property that ECMA-262 names",
                start,
                self.at,
                r"names are spelled as there: `\p{Lu}`, `\p{Script=Greek}`, `\p{Alphabetic}`",
            )
        return found

    def _newlines(self) -> CharSet:
        return charset.ECMA_NEWLINES if self.ecma else charset.NEWLINE

    def _lines(self) -> CharSet:
        return self._newlines() if self.flags & MULTILINE else ()

    def _digits(self) -> CharSet:
        return charset.ASCII_DIGITS if self.ecma or self.flags & ASCII else charset.unicode_digits()

    def _word(self) -> CharSet:
        return charset.ASCII_WORD if self.ecma or self.flags & ASCII else charset.unicode_word()

    def _space(self) -> CharSet:
        if self.ecma:
            return charset.ecma_space()
        return charset.ASCII_SPACE if self.flags & ASCII else charset.unicode_space()

    # Brackets

    def _bracket(self, start: int) -> CharSet:
        """A class; those of ECMA-262 are remembered by their text, for real patterns have few."""
        found = _ECMA_CLASS.match(self.text, start) if self.ecma else None
        if found and dialects.ODD_CLASS.match(found[0]):
            self.odd_class = start, found.end()
        known = found and self.foreign is None and _class_of(found[0], self.flags)
        if found and known:
            self.at = found.end()
            return known
        return self._members(start)

    def _members(self, start: int) -> CharSet:
        negative = self._take("^")
        members: list[CharSet] = []
        first = True
        while True:
            if self.at >= len(self.text):
                self._wrong("a `[` that is not closed", start)
            if self.text[self.at] == "]" and (self.ecma or not first):
                self.at += 1
                break
            first = False
            if self.ecma and self.text.startswith(("&&", "~~"), self.at):
                self._set_operation()
            members.append(self._range(start))
        whole = charset.union(*[self._cased(part) for part in members])
        return charset.inverse(whole) if negative else whole

    def _range(self, start: int) -> CharSet:
        begin = self.at
        low = self._member()
        if self.ecma and _single(low) is None and self.text.startswith("--", self.at):
            self._set_operation()
        ahead = self.text[self.at : self.at + 2]
        if not ahead.startswith("-") or ahead in ("-", "-]"):
            return low
        self.at += 1
        high = self._member()
        one, other = _single(low), _single(high)
        if one is None or other is None:
            if self.ecma:
                return charset.union(low, high, ((0x2D, 0x2D),))
            self._wrong("a range needs a character at each end", begin, self.at)
        if other < one:
            self._wrong("a range that runs backwards", begin, self.at)
        if self.ecma and self.text.startswith("--", self.at) and not self.text.startswith("--]", self.at):
            self._set_operation()
        return ((one, other),)

    def _set_operation(self) -> NoReturn:
        what, hint = dialects.set_operation(self.text[self.at : self.at + 2])
        self._unsupported(what, self.at, self.at + 2, hint)

    def _member(self) -> CharSet:
        if self.at >= len(self.text):
            self._wrong("a `[` that is not closed", len(self.text) - 1)
        start = self.at
        char = self.text[self.at]
        self.at += 1
        if char == "\\":
            if self.at >= len(self.text):
                self._wrong("a backslash at the end", start)
            return self._escaped(start, in_class=True)
        return ((ord(char), ord(char)),)

    # Errors

    def _note(self, construct: str) -> None:
        """Note a construct that is not ECMA-262's."""
        if self.foreign is not None:
            self.foreign[construct] = None

    def _take(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def _refer_back(self, start: int) -> NoReturn:
        what = self.text[start : self.at]
        self._unsupported(
            f"`{what}` refers back to a group, which no finite automaton can do",
            start,
            self.at,
            "spell the alternatives out",
        )

    def _wrong(self, what: str, start: int, end: int | None = None) -> NoReturn:
        raise RegexError(what, where=caret(self.text, start, end))

    def _unsupported(self, what: str, start: int, end: int, hint: str) -> NoReturn:
        raise UnsupportedRegexError(what, where=caret(self.text, start, end), hint=hint)


def _single(members: CharSet) -> int | None:
    return members[0][0] if len(members) == 1 and members[0][0] == members[0][1] else None


@lru_cache(maxsize=1_024)
def _one_character(code: int) -> Chars:
    return Chars(((code, code),))


@lru_cache(maxsize=1_024)
def _class_of(text: str, flags: int) -> CharSet | None:
    """The set that a whole class stands for; None where it is not one."""
    parser = Parser(text, "ecma", flags, groups=False)
    parser.at = 1
    try:
        members = parser._members(0)
    except ConstrainError:
        return None  # to be said of the pattern it stands in
    return members if parser.at == len(text) else None


_LOOKS = (("=", True, False), ("!", True, True), ("<=", False, False), ("<!", False, True))
_SIMPLE_BOUNDS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_SIMPLE_ESCAPES = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_ECMA_CLASS = re.compile(r"\[(?:[^\]\\]|\\.)*\]", re.DOTALL)
_LONG_OCTAL = re.compile(r"[0-3][0-7][0-7]")
_OCTAL = re.compile(r"[0-7]{1,3}")
_REFERENCE = re.compile(r"[0-9]+|k<[^>]*>")
_BRACED = re.compile(r"\{([0-9a-fA-F]+)\}")
_LOW_HALF = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_BRACES = re.compile(r"\{(\d*)(,(\d*))?\}")
_NAME = re.compile(r"P?<([^\W\d]\w*)>")
_FLAGS = re.compile(r"(?!\))([aimsux]*)(?:-([imsx]+))?([:)])")

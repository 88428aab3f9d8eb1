"""From a regular expression's tree to a term, look-around and word boundaries included.

The tree is translated back to front: `_write(node, rest)` is "what node matches, then `rest`".  With the rest
in hand, looking ahead is an intersection, and so is the end of the text:

    (?=x)rest   =   rest & x·anything         (?!x)rest  =  rest & ~(x·anything)        $rest  =  rest & ε

Looking behind is about the text so far, which a derivative has forgotten.  A `_Watched` term remembers
just enough: for each look-behind, the derivative of `anything·x` by the text so far, a *watch*.  It
holds where its watch is nullable.  An assertion is a placeholder in the term, and before each byte
the placeholders that the byte could stand behind are replaced by ε or by EMPTY, as their watches say:

    \\bfoo  after `a`:   the watch "a word character was last" holds, so \\b needs a non-word byte, and
                        `foo` cannot start here; after ` ` it can

When no placeholder is left, what remains is an ordinary term, shared with everyone else's.

A search is a match with anything before and after.  `alphabet` maps a set of code points to the byte
language that spells one of them: UTF-8, or the spellings of a character inside a JSON string.  Complements
taken within texts of that alphabet, so the boolean algebra is right for any spelling that can be
read back.

Sources: Brzozowski 1964 for derivatives with boolean operators; Miyazaki and Minamide, "Derivatives of
regular expressions with lookahead" (2019), for assertions as intersections.  We depart in three ways:
1. The rest of the pattern is passed along instead of kept as a second component of the term.
2. A look-ahead inside an unbounded repeat is a fixed point over rests: a term of its own (`looping.py`).
3. A look-ahead inside a look-behind, where the rest is not yet written, is refused by place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from constrain.arguments import as_text, as_whole
from constrain.errors import InvalidInputError, RegexError, UnsupportedRegexError, caret
from constrain.regular import charset
from constrain.regular.charset import CharSet, Dialect
from constrain.regular.looping import Loop
from constrain.regular.pattern import parse_regex
from constrain.regular.pattern_tree import (
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
from constrain.regular.rust_pattern import parse_rust
from constrain.regular.substrings import substrings
from constrain.regular.terms import (
    ANY_BYTES,
    EMPTY,
    EPSILON,
    Term,
    choice,
    concat,
    difference,
    intersect,
    repeat,
    star,
)
from constrain.regular.utf8 import utf8
from constrain.regular.watched import Assertion, watched

Alphabet = Callable[[CharSet], Term]
PatternLike = str | re.Pattern[str]
_MAX_UNROLLED: Final = 64
_FLAGS: Final = int(re.ASCII | re.IGNORECASE | re.MULTILINE | re.DOTALL | re.UNICODE | re.VERBOSE)


def as_pattern(pattern: PatternLike, flags: int = 0) -> tuple[str, int]:
    """The text and the flags of a pattern that may be compiled already, as `re` would take them.

    Raises RegexError for anything that is no pattern of text, and InvalidInputError for flags that change
    what no pattern of text means.
    """
    flags = as_whole(flags, "flags", hint="give those of `re`, such as re.IGNORECASE | re.DOTALL")
    if isinstance(pattern, re.Pattern):
        if flags:
            raise InvalidInputError("a compiled pattern has its own flags", hint="leave out `flags`")
        flags, pattern = pattern.flags, pattern.pattern
    text = as_text(pattern, "a pattern", error=RegexError)
    if flags & re.LOCALE:
        raise InvalidInputError("re.LOCALE is for patterns of bytes", hint="leave it out: text is Unicode")
    if flags & ~_FLAGS:
        raise InvalidInputError(
            f"flags={flags:#x} has a flag that changes no pattern",
            hint="those that do are re.A, re.I, re.M, re.S, re.U and re.X",
        )
    if flags & re.ASCII and flags & re.UNICODE:
        raise InvalidInputError("re.ASCII and re.UNICODE exclude each other")
    return text, int(flags)


def regex_term(
    pattern: str,
    *,
    dialect: Dialect = "python",
    search: bool = False,
    flags: int = 0,
    alphabet: Alphabet = utf8,
    verbatim: str | None = None,
) -> Term:
    """The byte language of the texts that `pattern` matches, or with `search` in which it matches somewhere.

    `flags` are those of Python's `re`.  With `verbatim`, a document, each named group matches only what
    occurs in it; a pattern without named groups is such a group as a whole.  Raises RegexError,
    UnsupportedRegexError or LimitExceeded.

    >>> from constrain.regular.queries import accepts
    >>> term = regex_term(r"(?=.*[0-9])\\w{3,}")
    >>> accepts(term, b"ab1"), accepts(term, b"abc"), accepts(term, b"1")
    (True, False, False)
    """
    if dialect == "rust":
        tree = parse_rust(pattern)
    else:
        tree = parse_regex(pattern, dialect, flags, groups=verbatim is not None)
    if verbatim is None:
        return _Translation(pattern, alphabet).whole(tree, search=search)
    source = substrings(verbatim, alphabet)
    term = _Translation(pattern, alphabet, source=source).whole(tree, search=search)
    return term if _has_group(tree) else intersect(term, source)


def tree_term(tree: Node, pattern: str) -> Term:
    """The byte language of the texts that a parsed pattern matches; `pattern` is what errors show."""
    return _Translation(pattern, utf8).whole(tree, search=False)


class _Translation:
    """One pattern, or, `within` a look-behind, what that holds: then nothing is known of what follows.

    Named groups match within `source`.
    """

    def __init__(
        self, pattern: str, alphabet: Alphabet, within: Look | None = None, source: Term = ANY_BYTES
    ) -> None:
        self.within = within
        self.source = source
        self.pattern = pattern
        self.alphabet = alphabet
        self.anything = star(alphabet(charset.EVERY))
        self.watches: list[Term] = []
        self._chars: dict[CharSet, Term] = {}
        self._ahead: dict[int, tuple[Node, bool]] = {}  # by id; holding the node keeps its id its own

    def whole(self, tree: Node, *, search: bool) -> Term:
        """The whole pattern as a term."""
        anchored, tree = _strip_begin(tree)
        term = self._write(tree, self.anything if search else EPSILON)
        if search and not anchored:
            term = concat(self.anything, term)
        return watched(term, tuple(self.watches)) if self.watches else term

    def _char(self, members: CharSet) -> Term:
        term = self._chars.get(members)
        if term is None:
            term = self._chars[members] = self.alphabet(members)
        return term

    def _write(self, node: Node, rest: Term) -> Term:
        """What `node` matches where `rest` follows."""
        if rest is EMPTY:
            return EMPTY
        if isinstance(node, Chars):
            return concat(self._char(node.charset), rest)
        if isinstance(node, Sequence):
            for item in reversed(node.items):
                rest = self._write(item, rest)
            return rest
        if isinstance(node, Choice):
            if self._looks_ahead(node):
                return choice(*[self._write(option, rest) for option in node.options])
            return concat(choice(*[self._write(option, EPSILON) for option in node.options]), rest)
        if isinstance(node, Repeat):
            return self._repeat(node, rest)
        if isinstance(node, Group):
            return self._group(node, rest)
        if isinstance(node, Begin):
            return concat(self._begin(node), rest)
        if isinstance(node, End):
            return intersect(rest, self._end(node))
        if isinstance(node, Boundary):
            return self._boundary(node, rest)
        return self._look(node, rest)

    def _repeat(self, node: Repeat, rest: Term) -> Term:
        if not self._looks_ahead(node.body):
            return concat(repeat(self._write(node.body, EPSILON), node.low, node.high), rest)
        rounds = node.low if node.high is None else node.high
        if rounds > _MAX_UNROLLED:
            raise self._refusal(
                f"looks ahead inside a repeat of more than {_MAX_UNROLLED} rounds",
                node,
                "move the assertion out of the repeat, or give the repeat no upper bound",
            )
        if node.high is None:
            rest = Loop.make(node.body, rest, self._write, fixed=rest.fixed and not _looks_behind(node.body))
        for count in range(rounds, 0, -1):
            once = self._write(node.body, rest)
            rest = once if count <= node.low else choice(once, rest)
        return rest

    def _looks_ahead(self, node: Node) -> bool:
        """Does the node's match depend on what follows it?"""
        if type(node) is Chars:
            return False
        known = self._ahead.get(id(node))
        if known is not None:
            return known[1]
        if isinstance(node, End | Boundary):
            found = True
        else:
            found = node.ahead if isinstance(node, Look) else any(map(self._looks_ahead, _children(node)))
        self._ahead[id(node)] = node, found
        return found

    def _group(self, node: Group, rest: Term) -> Term:
        if self.within is not None:
            return self._write(node.body, rest)
        if self._looks_ahead(node.body):
            raise UnsupportedRegexError(
                "this pattern looks ahead, or for a word boundary, inside a group that is to be verbatim",
                where=caret(self.pattern, node.at, node.at + 1),
                hint=r"put the assertion outside: `\b(?P<year>\d{4})\b` instead of `(?P<year>\b\d{4}\b)`",
            )
        return concat(intersect(self._write(node.body, EPSILON), self.source), rest)

    def _begin(self, node: Begin) -> Term:
        if node.lines:
            return self._assertion(choice(EPSILON, concat(self.anything, self._char(node.lines))))
        return self._assertion(EPSILON)

    def _end(self, node: End) -> Term:
        if node.lines:
            return choice(EPSILON, concat(self._char(node.lines), self.anything))
        return choice(EPSILON, self._char(charset.NEWLINE)) if node.newline else EPSILON

    def _boundary(self, node: Boundary, rest: Term) -> Term:
        if self.within is not None and (rest.nullable or not rest.fixed):
            raise self._refusal(
                "ends a look-behind with a word boundary",
                self.within,
                "put the boundary after the look-behind",
            )
        word = self._char(node.word)
        behind = concat(self.anything, word)
        after_word = self._assertion(behind)
        after_other = self._assertion(difference(self.anything, behind))
        before_word = intersect(rest, concat(word, self.anything))
        before_other = difference(rest, concat(word, self.anything))
        if node.negative:
            before_word, before_other = before_other, before_word
            if not node.empty:
                started = self._assertion(difference(difference(self.anything, behind), EPSILON))
                return choice(
                    concat(after_word, before_other),
                    concat(started, before_word),
                    concat(after_other, difference(before_word, EPSILON)),
                )
        return choice(concat(after_word, before_other), concat(after_other, before_word))

    def _look(self, node: Look, rest: Term) -> Term:
        if node.ahead:
            seen = self._write(node.body, self.anything)
            return difference(rest, seen) if node.negative else intersect(rest, seen)
        if _has_look_ahead(node.body):
            raise self._refusal(
                "looks ahead inside a look-behind", node, "look ahead after the look-behind instead"
            )
        # What is behind may itself ask about the text so far: a translation, and watches, of its own.
        inner = _Translation(self.pattern, self.alphabet, within=node)
        behind = watched(concat(inner.anything, inner._write(node.body, EPSILON)), tuple(inner.watches))
        watch = difference(self.anything, behind) if node.negative else behind
        return concat(self._assertion(watch), rest)

    def _assertion(self, watch: Term) -> Term:
        """A placeholder for "the text so far is in `watch`"."""
        if watch not in self.watches:
            self.watches.append(watch)
        return Assertion.make(self.watches.index(watch))

    def _refusal(self, what: str, node: Node, hint: str) -> UnsupportedRegexError:
        at = _first_look(node)
        return UnsupportedRegexError(
            f"this pattern {what}",
            where=caret(self.pattern, 0 if at is None else at, len(self.pattern) if at is None else at + 2),
            hint=hint,
        )


def _strip_begin(node: Node) -> tuple[bool, Node]:
    """Split a leading `^` off: (was there one on every way in, the rest)."""
    if isinstance(node, Begin) and not node.lines:
        return True, Sequence(())
    if isinstance(node, Sequence) and node.items:
        anchored, first = _strip_begin(node.items[0])
        if anchored:
            return True, Sequence((first, *node.items[1:]))
    if isinstance(node, Choice):
        parts = [_strip_begin(option) for option in node.options]
        if all(anchored for anchored, _ in parts):
            return True, Choice(tuple(rest for _, rest in parts))
    return False, node


def _has_look_ahead(node: Node) -> bool:
    """Is there a `$` or a look-ahead in the node, not counting what look-behinds hold?"""
    if isinstance(node, End):
        return True
    if isinstance(node, Look):
        return node.ahead
    return any(_has_look_ahead(child) for child in _children(node))


def _looks_behind(node: Node) -> bool:
    """Does the node's match depend on the text before it?"""
    if isinstance(node, Begin | Boundary):
        return True
    if isinstance(node, Look) and not node.ahead:
        return True
    return any(_looks_behind(child) for child in _children(node))


def _has_group(node: Node) -> bool:
    return isinstance(node, Group) or any(_has_group(child) for child in _children(node))


def _first_look(node: Node) -> int | None:
    if isinstance(node, Look):
        return node.at
    for child in _children(node):
        found = _first_look(child)
        if found is not None:
            return found
    return None


def _children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Choice):
        return node.options
    if isinstance(node, Repeat | Look | Group):
        return (node.body,)
    return ()

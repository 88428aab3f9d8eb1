"""Which texts does a terminal match, where a pattern prefers one match to another?

Lark asks Python's `re` for a match, and `re` gives one, the first it finds: of alternatives the earlier, of
repeats the longer, or with `?` behind them the shorter.  The complete dynamic lexer also takes what `re`
finds in the beginnings of that match.  So a text is one of the terminal's if `re` likes all of it best:

    /a|ab/       "a"      in "ab" the match is "a", and "ab" is never found
    /".*?"/      `"x"`    in `"x"y"` the match ends at the second quote

`prefer` writes these wishes into the pattern, as look-aheads, over what is to come (`rest`):

    a|b, rest         a | (?!a rest)b         b only where a leads nowhere
    x*, rest          x*(?!x x* rest)         an end only where one more round leads nowhere
    x*?, rest         ((?!rest)x)*            a round only where ending leads nowhere

Most patterns need none of this: `re` finds whole whatever `re.fullmatch` takes.  So a text through every two
transitions in a row of the pattern's automaton is tried first (as Chow 1978 tests programs), with what `re`
finds computed without its backtracking (`first_match.py`), and where all of them are found the pattern stays
as it is.  Else each choice and repeat is looked at, and left alone if none of the texts by the later way
begins with a shorter text by the earlier way.

Look-arounds see the terminal and nothing around it: `/if\\b/` cannot see which terminal comes next.
Cost: some hundred short texts matched; where they show a conflict, one emptiness question for each choice and
each repeat.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from constrain.budget import spend
from constrain.errors import UnsupportedRegexError
from constrain.lark_grammar.first_match import FirstMatch
from constrain.regular.byte_sets import ALL_BYTES, bytes_of, refine
from constrain.regular.keeping import remember
from constrain.regular.pattern import parse_regex
from constrain.regular.pattern_tree import (
    NOTHING,
    Begin,
    Boundary,
    Choice,
    Look,
    Node,
    Repeat,
    Sequence,
)
from constrain.regular.queries import is_empty, shortest
from constrain.regular.syntax import regex_term, tree_term
from constrain.regular.terms import (
    ANY_BYTES,
    EMPTY,
    EPSILON,
    Bytes,
    Strings,
    Term,
    concat,
    intersect,
    without_epsilon,
)
from constrain.regular.watched import Watched, parts

MAX_TEXTS = 4_000
"""The most texts that a pattern is tried on."""

MAX_ROUNDS = 64
"""The most rounds of a repeat that are written out, one look-ahead each."""


@remember(1024)
def preferred_term(pattern: str) -> Term:
    """The byte language of the texts that `re.match(pattern, text)` finds whole.

    Raises RegexError, UnsupportedRegexError or LimitExceeded.

    >>> from constrain.regular.queries import accepts
    >>> accepts(preferred_term("a|ab"), b"ab"), accepts(preferred_term("ab|a"), b"ab")
    (False, True)
    """
    term = regex_term(pattern)
    tree = parse_regex(pattern)
    first = FirstMatch(tree)
    for text in _through_transitions(term):
        if not first.is_whole(text):
            return tree_term(_Preferring(pattern).prefer(tree, NOTHING), pattern)
    return term


def _through_transitions(term: Term) -> Iterator[str]:
    """For every two transitions in a row, and every state before them, a shortest text that takes them."""
    letters = _letters(term)
    reached = {term: b""}
    ends: dict[Term, tuple[bytes, int]] = {}
    agenda = deque([term])
    count = 0
    while agenda and count < MAX_TEXTS:
        state = agenda.popleft()
        for byte, after in _transitions(state, letters):
            if after not in reached:
                reached[after] = reached[state] + byte
                agenda.append(after)
            for further, end in [(b"", after), *_transitions(after, letters)]:
                count += 1
                yield (reached[state] + byte + further + _shortest_end(end, ends)).decode()


def _shortest_end(state: Term, known: dict[Term, tuple[bytes, int]]) -> bytes:
    """A shortest text of `state`; `known` holds texts, and the states along them with their places."""
    if state not in known:
        text = shortest(state) or b""
        at = state
        for place, byte in enumerate(text):
            known.setdefault(at, (text, place))
            at = at.after(byte)
        known.setdefault(at, (text, len(text)))
    text, place = known[state]
    return text[place:]


def _transitions(state: Term, letters: tuple[int, ...]) -> Iterator[tuple[bytes, Term]]:
    for mask, after in state.ways():
        spend()
        if not is_empty(after):
            for letter in letters:
                if common := mask & letter:
                    yield bytes((next(bytes_of(common)),)), after


def _letters(term: Term) -> tuple[int, ...]:
    """Sets of bytes that the pattern tells apart somewhere: of `aa|a|ab`, also `a` and `b` at the end."""
    masks: set[int] = set()
    seen = {term}
    agenda = [term]
    while agenda:
        here = agenda.pop()
        if isinstance(here, Bytes):
            masks.add(here.mask)
        elif isinstance(here, Strings):
            masks.update(1 << byte for byte in here.children)
        for part in (here.term, *here.watches) if isinstance(here, Watched) else parts(here):
            if part not in seen:
                seen.add(part)
                agenda.append(part)
    return refine(*((mask, ALL_BYTES ^ mask) for mask in masks if mask != ALL_BYTES))


class _Preferring:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def prefer(self, node: Node, rest: Node) -> Node:
        """`node`, where `rest` follows, without the matches that give way to others."""
        if isinstance(node, Sequence):
            return self._sequence(node, rest)
        if isinstance(node, Choice):
            return self._choice(node, rest)
        return self._repeat(node, rest) if isinstance(node, Repeat) else node

    def _sequence(self, node: Sequence, rest: Node) -> Node:
        items: list[Node] = []
        for item in reversed(node.items):
            items.insert(0, self.prefer(item, rest))
            rest = Sequence((item, rest))
        same = all(new is old for new, old in zip(items, node.items, strict=True))
        return node if same else Sequence(tuple(items))

    def _choice(self, node: Choice, rest: Node) -> Node:
        options: list[Node] = []
        for number, option in enumerate(node.options):
            spend(1 + number)  # `earlier` is as long, and written out wherever it counts
            earlier = Sequence((Choice(node.options[:number]), rest))
            written = self.prefer(option, rest)
            if number and self._gives_way(Sequence((option, rest)), earlier):
                written = Sequence((_unless(earlier), written))
            options.append(written)
        same = all(new is old for new, old in zip(options, node.options, strict=True))
        return node if same else Choice(tuple(options))

    def _repeat(self, node: Repeat, rest: Node) -> Node:
        if node.high == 0:
            return node
        if node.low == node.high == 1:
            body = self.prefer(node.body, rest)
            return node if body is node.body else body
        more = None if node.high is None else node.high - 1
        again = Repeat(node.body, max(node.low - 1, 0), more, node.lazy)
        going_on = Sequence((node.body, Repeat(node.body, 0, more, node.lazy), rest))
        first, second = (rest, going_on) if node.lazy else (going_on, rest)
        body = self.prefer(node.body, Sequence((again, rest)))
        conflict = node.low != node.high and self._gives_way(second, first)
        if body is node.body and not conflict:
            return node
        if max(node.low, node.high or 0) > MAX_ROUNDS or (node.high is None and body is not node.body):
            raise self._refusal()  # look-aheads in every round would pile up
        if node.low:
            return self.prefer(Sequence((node.body, again)), rest)
        if node.high is not None:
            once = Sequence((node.body, again)) if more else node.body
            return self.prefer(Choice((NOTHING, once) if node.lazy else (once, NOTHING)), rest)
        if node.lazy:
            return Repeat(Sequence((_unless(rest), body)), 0, None)
        if self._term(node.body).nullable:  # a round that is empty would always lead on
            raise self._refusal()
        return Sequence((Repeat(body, 0, None), _unless(going_on)))

    def _gives_way(self, later: Node, earlier: Node) -> bool:
        """Does a text of `later` begin with a shorter one of `earlier`?  Where the context decides, yes."""
        if _looks_behind(later) or _looks_behind(earlier):
            return True
        written = self._term(later)
        if written is EPSILON:
            return False
        both = intersect(written, concat(self._term(earlier), without_epsilon(ANY_BYTES)))
        return both is not EMPTY and not is_empty(both)

    def _term(self, node: Node) -> Term:
        return tree_term(node, self.pattern)

    def _refusal(self) -> UnsupportedRegexError:
        return UnsupportedRegexError(
            "in this pattern the ways to match a text compete, over and over",
            where=f'"{self.pattern}"',
            hint="`re` takes the first way that fits, so a text by another may never be found; let "
            "alternatives, and a repeat and what follows it, begin differently",
        )


def _unless(node: Node) -> Node:
    return Look(node, ahead=True, negative=True, at=0)


def _looks_behind(node: Node) -> bool:
    if isinstance(node, Begin | Boundary):
        return True
    if isinstance(node, Look):
        return not node.ahead or _looks_behind(node.body)
    if isinstance(node, Sequence):
        return any(map(_looks_behind, node.items))
    if isinstance(node, Choice):
        return any(map(_looks_behind, node.options))
    return isinstance(node, Repeat) and _looks_behind(node.body)

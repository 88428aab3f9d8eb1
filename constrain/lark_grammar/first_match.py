"""Does the first match that Python's `re` finds in a text take the whole of it?

`re` tries one way after the other and backtracks, which takes exponential time for some patterns: `(a|a)*b`
takes twice as long with every `a`.  Here all ways are followed at once, in the order in which `re` tries
them:

    (a|ab)(c|bcd)    over `abcd`

    before `a`       a, ab           the two options, the preferred one first
    before `b`       c, bcd, b       what may follow the first option, and the rest of the second
    before `c`       cd, c, bcd      the rest of `bcd`, and what may follow the second option
    before `d`       d, the end      the second way ends here; the first may still win
    after `d`        the end         it does, so the text is found whole

A way that ends drops all ways behind it, for `re` would not try them.  Two ways that stand at the same place
go on alike, so the better one is kept: the list is no longer than the pattern has places, each with the
rounds of the repeats around it.

A list and a character give the next list, so that is remembered from one text to the next, unless an
assertion was met on the way: those look at the rest of the text.

Source: Cox, "Regular Expression Matching: the Virtual Machine Approach" (2009), for the ordered list.  A
round that reads nothing ends a repeat as in Python 3.11 (`MAX_UNTIL` and `MIN_UNTIL` of `sre_lib.h`).
Cost: a step for each way that is followed, and one for every few characters of a text.
"""

from __future__ import annotations

from constrain.budget import spend
from constrain.regular.charset import CharSet, holds
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

_THE_END = 0
"""The place where the pattern is read."""
_CHARACTERS_A_STEP = 16


class FirstMatch:
    """One pattern, with what is remembered of it.

    A place is a number, and says what is still to be read: a node, the rounds it has had if it is a repeat,
    whether the round before read nothing, and the place behind the node.

    >>> from constrain.regular.pattern import parse_regex
    >>> FirstMatch(parse_regex("a|ab")).is_whole("ab"), FirstMatch(parse_regex("ab|a")).is_whole("ab")
    (False, True)
    """

    def __init__(self, tree: Node) -> None:
        self._places: list[tuple[Node, int, bool, int]] = [(Sequence(()), 0, False, _THE_END)]
        self._numbers: dict[tuple[int, int, bool, int], int] = {}
        self._nodes: dict[int, Node] = {}  # by id; holding the node keeps its id its own
        self._lists: dict[tuple[tuple[int, ...], str], tuple[int, ...]] = {}
        self._reached: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._known: dict[tuple[int, str], bool] = {}
        self._moved: dict[int, int] = {_THE_END: _THE_END}
        self._start = self._place(tree, _THE_END)

    def is_whole(self, text: str) -> bool:
        """Is the first match of `text` the whole of it?"""
        spend(1 + len(text) // _CHARACTERS_A_STEP)
        ways, _ = self._expanded([self._start], text, 0)
        for at, character in enumerate(text):
            known = self._lists.get((ways, character))
            ways = self._read(ways, text, at) if known is None else known
            if not ways:
                return False
        return _THE_END in ways

    def _read(self, ways: tuple[int, ...], text: str, at: int) -> tuple[int, ...]:
        character = text[at]
        spend(1 + len(ways) // 2)
        going_on = [self._after(place) for place in ways if place and self._takes(place, character)]
        after, asked = self._expanded(going_on, text, at + 1)
        if not asked:
            self._lists[ways, character] = after
        return after

    def _takes(self, place: int, character: str) -> bool:
        node = self._places[place][0]
        assert isinstance(node, Chars)
        return self._holds(node.charset, character)

    def _holds(self, charset: CharSet, character: str) -> bool:
        known = self._known.get((id(charset), character))
        if known is None:
            spend(1 + len(charset) // 32)
            known = self._known[id(charset), character] = holds(charset, ord(character))
        return known

    def _expanded(self, places: list[int], text: str, at: int) -> tuple[tuple[int, ...], bool]:
        """The places that read a character, or end, in their order; and whether an assertion was asked."""
        known = self._reached.get(tuple(places))
        if known is not None:
            return known, False
        agenda = places[::-1]
        seen: set[int] = set()
        found: list[int] = []
        asked = False
        while agenda:
            place = agenda.pop()
            if place in seen:
                continue
            spend()
            seen.add(place)
            if place == _THE_END:
                found.append(place)
                break
            node, rounds, is_empty, then = self._places[place]
            if isinstance(node, Chars):
                found.append(place)
            elif isinstance(node, Sequence):
                for item in reversed(node.items):
                    then = self._place(item, then)
                agenda.append(then)
            elif isinstance(node, Choice):
                spend(len(node.options) // 2)
                agenda.extend(self._place(option, then) for option in reversed(node.options))
            elif isinstance(node, Repeat):
                agenda.extend(self._rounds(node, rounds, is_empty, then)[::-1])
            elif isinstance(node, Group):
                agenda.append(self._place(node.body, then))
            else:
                asked = True
                if self._is_true(node, text, at):
                    agenda.append(then)
        ways = tuple(found)
        if not asked:
            self._reached[tuple(places)] = ways
        return ways, asked

    def _rounds(self, node: Repeat, rounds: int, is_empty: bool, then: int) -> list[int]:
        """A repeat's ways on: the body once more, or what is behind the repeat."""
        if rounds < node.low:
            return [self._place(node.body, self._place(node, then, rounds + 1, is_empty))]
        if is_empty or rounds == node.high:
            return [then]
        more = rounds + 1 if node.high is not None else rounds
        again = self._place(node.body, self._place(node, then, more, True))
        return [then, again] if node.lazy else [again, then]

    def _is_true(self, node: Begin | End | Boundary | Look, text: str, at: int) -> bool:
        if isinstance(node, Begin):
            return at == 0 or self._holds(node.lines, text[at - 1])
        if isinstance(node, End):
            if at == len(text) or (node.newline and at == len(text) - 1 and text[at] == "\n"):
                return True
            return self._holds(node.lines, text[at])
        if isinstance(node, Boundary):
            if not text:
                return node.negative and node.empty
            before = at > 0 and self._holds(node.word, text[at - 1])
            after = at < len(text) and self._holds(node.word, text[at])
            return (before != after) != node.negative
        start = at if node.ahead else at - _width(node.body)
        return (start >= 0 and self._matches(node.body, text, start)) != node.negative

    def _matches(self, body: Node, text: str, at: int) -> bool:
        """Does `body` match somewhere from `at` on?"""
        ways, _ = self._expanded([self._place(body, _THE_END)], text, at)
        while ways and _THE_END not in ways and at < len(text):
            spend()
            known = self._lists.get((ways, text[at]))
            ways = self._read(ways, text, at) if known is None else known
            at += 1
        return _THE_END in ways

    def _place(self, node: Node, then: int, rounds: int = 0, is_empty: bool = False) -> int:
        key = id(node), rounds, is_empty, then
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._places)
            self._nodes[id(node)] = node
            self._places.append((node, rounds, is_empty, then))
        return number

    def _after(self, place: int) -> int:
        """The place behind a character, which the rounds around it have now read."""
        return self._with_rounds_filled(self._places[place][3])

    def _with_rounds_filled(self, place: int) -> int:
        chain = []
        while place not in self._moved:
            chain.append(place)
            place = self._places[place][3]
        filled = self._moved[place]
        for place in reversed(chain):
            node, rounds, _, _ = self._places[place]
            filled = self._moved[place] = self._place(node, filled, rounds)
        return filled


def _width(node: Node) -> int:
    """How many characters the body of a look-behind reads, which is always the same number in Python."""
    if isinstance(node, Sequence):
        return sum(map(_width, node.items))
    if isinstance(node, Choice):
        return _width(node.options[0])
    if isinstance(node, Repeat):
        return node.low * _width(node.body)
    if isinstance(node, Group):
        return _width(node.body)
    return 1 if isinstance(node, Chars) else 0

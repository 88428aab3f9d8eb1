"""Which texts occur in a document?  The language of its substrings, as a term.

What is copied from a document can be checked against it; what is written about it cannot.  Intersected with
what a value may be, this language leaves exactly the values that stand in the document:

    document "banana"      substrings "", a, b, n, an, ba, na, ana, ban, nan, anan, bana, nana, ...

There are quadratically many, but few ways for one to go on.  After `an` and after `n` (where an `a` stood
before it) the same texts may follow, since both end in the same places of the document.  So a state is a set
of end places, and there are fewer than 2n of them: the *suffix automaton*.

    ends of  a {2,4,6}    an {3,5}    n {3,5}    na {4,6}   ana {4,6}

Every state accepts, for the beginning of a substring is one.  The automaton reads characters; `alphabet` says
how one is spelled in bytes, as it does for patterns (`syntax.py`).  So a substring begins and ends between
characters, in UTF-8 and also inside a JSON string, where a line break is the two bytes `\\n` and the document
does not contain an `n` on that account.

Source: Blumer et al., "The smallest automaton recognizing the subwords of a text" (1985); the construction,
one character at a time, follows Crochemore and Hancart, "Automata for matching patterns" (1997), section 6.
We depart in one way:
1. A state becomes a term when a generation gets there, so that the bytes of a character, and intersections
   with other languages, are left to derivatives.

Cost: linear in the document; about 0.3 s and 40 MB for 100,000 characters, once per document.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable

from constrain.regular.byte_sets import bytes_of
from constrain.regular.interning import LOCK
from constrain.regular.leaf import Leaf, intern_leaf
from constrain.regular.term import Way
from constrain.regular.terms import EMPTY, Term, choice, concat
from constrain.regular.utf8 import CharSet, utf8

Alphabet = Callable[[CharSet], Term]


class SuffixAutomaton:
    """The states of a document: `ways[state]` maps a character to the state after it; 0 is the start."""

    def __init__(self, document: str) -> None:
        self.document = document
        self.ways: list[dict[str, int]] = [{}]
        self._spelled: dict[tuple[Alphabet, str], tuple[tuple[int, Term], ...]] = {}
        link, length, last = [-1], [0], 0
        for character in document:
            last = self._extend(link, length, last, character)

    def _extend(self, link: list[int], length: list[int], last: int, character: str) -> int:
        """Append a character.  `link`: where the longest other suffix leads; `length`: its longest text."""
        ways = self.ways
        new = len(ways)
        ways.append({})
        link.append(0)
        length.append(length[last] + 1)
        at = last
        while at >= 0 and character not in ways[at]:
            ways[at][character] = new
            at = link[at]
        if at < 0:
            return new
        to = ways[at][character]
        if length[to] == length[at] + 1:
            link[new] = to
            return new
        split = len(ways)
        ways.append(dict(ways[to]))
        link.append(link[to])
        length.append(length[at] + 1)
        link[new] = link[to] = split
        while at >= 0 and ways[at].get(character) == to:
            ways[at][character] = split
            at = link[at]
        return new

    def spelled(self, alphabet: Alphabet, character: str) -> tuple[tuple[int, Term], ...]:
        """How the spellings of a character begin: each first byte, and what follows it."""
        key = (alphabet, character)
        found = self._spelled.get(key)
        if found is None:
            term = alphabet(((ord(character), ord(character)),))
            found = self._spelled[key] = tuple(
                (byte, rest) for mask, rest in term.ways() for byte in bytes_of(mask)
            )
        return found


class Substrings(Leaf):
    """What may follow a substring of a document, so that the whole is a substring again."""

    __slots__ = ("_after", "alphabet", "automaton", "state")

    def __init__(self, automaton: SuffixAutomaton, state: int, alphabet: Alphabet) -> None:
        self.automaton = automaton
        self.state = state
        self.alphabet = alphabet
        self._after: dict[int, Term] | None = None
        self._register(nullable=True, plain=False)

    def _found(self) -> dict[int, Term]:
        """The ways on, by byte."""
        if self._after is None:
            ways: dict[int, list[Term]] = {}
            for character, state in self.automaton.ways[self.state].items():
                after = intern_leaf(Substrings, self.automaton, state, self.alphabet)
                for byte, rest in self.automaton.spelled(self.alphabet, character):
                    ways.setdefault(byte, []).append(concat(rest, after))
            self._after = {byte: choice(*terms) for byte, terms in ways.items()}
        return self._after

    def after(self, byte: int) -> Term:
        """The derivative, which is remembered anyway."""
        return self._found().get(byte, EMPTY)

    def derivative(self, byte: int) -> Term:
        """The characters that begin with `byte`, and the document after each."""
        return self._found().get(byte, EMPTY)

    def _find_ways(self, within: int) -> Iterable[Way]:
        return [(1 << byte, after) for byte, after in self._found().items() if within >> byte & 1]


_automata: weakref.WeakValueDictionary[str, SuffixAutomaton] = weakref.WeakValueDictionary()


def substrings(document: str, alphabet: Alphabet = utf8) -> Term:
    """The texts that occur in `document`, the empty one too; each character spelled as `alphabet` says.

    Half a surrogate pair has no spelling, and nothing that holds one is in the language.

    >>> from constrain.regular.queries import accepts
    >>> term = substrings("città")
    >>> [accepts(term, text) for text in ("itt".encode(), "ttà".encode(), "ita".encode(), "à".encode()[1:])]
    [True, True, False, False]
    """
    with LOCK:
        automaton = _automata.get(document)
        if automaton is None:
            automaton = _automata[document] = SuffixAutomaton(document)
        return intern_leaf(Substrings, automaton, 0, alphabet)

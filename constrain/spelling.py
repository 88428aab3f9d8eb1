"""Which are the fewest tokens that spell a text?

Two questions for the vocabulary's trie.  *Forwards* (`ends`), from a node on: where can a text stop, perhaps
inside a token that goes on with what follows, and how many tokens are whole by then?  *Backwards* (`before`):
how many tokens does it take from each byte to the end, and which is the first of them?

    with the tokens a, b, ab, bab       the text           b   a   b   a   b
                                        tokens to the end  2   2   1   1   1
                                        the first of them  bab ab  bab ab  b

Read backwards, a text is a linked list of bytes (`Spelled`), and each knows what was found there.  A longer
text is the same list with bytes put before it: what many texts end with is spelled once.

Source: dynamic programming over the beginnings and over the ends of a text, as for the cheapest path through
an acyclic graph.
Cost: for each byte the tokens that begin there are tried, about a microsecond.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from constrain.continuation import Continuation
from constrain.vocabulary.trie import Trie
from constrain.vocabulary.vocabulary import Vocabulary

Pieces = tuple[bytes | int, ...]
"""Text, and the ids of special tokens, which are no text."""


class Spelled(NamedTuple):
    """What is left of a text: a first byte and what is `after` it, a first token and what is `then` left.

    `cost` is the number of tokens.  The byte of a special token is -1, and so is that of the end (END).
    """

    cost: int
    token: int
    then: Spelled | None
    byte: int
    after: Spelled | None
    start: Continuation | None = None
    """Whose text it is, where that was said."""

    @property
    def tokens(self) -> tuple[int, ...]:
        """All of the tokens."""
        found, left = list[int](), self
        while left.then is not None:
            found.append(left.token)
            left = left.then
        return tuple(found)

    @property
    def text(self) -> bytes:
        """All of the bytes, special tokens left out."""
        found, left = bytearray(), self
        while left.after is not None:
            if left.byte >= 0:
                found.append(left.byte)
            left = left.after
        return bytes(found)


END = Spelled(0, -1, None, -1, None)


class Speller:
    """Spells with the tokens of a trie."""

    def __init__(self, trie: Trie) -> None:
        self._starts, self._child, self._own = trie.starts, trie.lowest.find, trie.own.data
        self._trie = trie

    def ends(self, text: bytes, node: int = 0) -> dict[int, int]:
        """The nodes where `text` can stop, going on from `node`, and the fewest tokens that are whole."""
        starts, child_of, own = self._starts, self._child, self._own
        here = {node: 0}
        for byte in text:
            after: dict[int, int] = {}
            for at, cost in here.items():
                child = child_of(byte, starts[at], starts[at + 1])
                if child < 0:
                    continue
                if starts[child] < starts[child + 1]:
                    after[child] = cost
                if own[child] and cost + 1 < after.get(0, sys.maxsize):
                    after[0] = cost + 1
            here = after
        return here

    def before(self, pieces: Pieces, rest: Spelled, start: Continuation | None = None) -> Spelled:
        """The pieces, and `rest` behind them: the text of `start`."""
        for piece in reversed(pieces):
            if isinstance(piece, int):
                rest = Spelled(rest.cost + 1, piece, rest, -1, rest)
            else:
                rest = self._text_before(piece, rest)
        return rest if start is None else rest._replace(start=start)

    def _text_before(self, text: bytes, rest: Spelled) -> Spelled:
        starts, child_of, own = self._starts, self._child, self._own
        token = self._trie.lowest_below.data
        for byte in reversed(text):
            fewest, best, then = sys.maxsize, 0, rest
            node, here = child_of(byte, starts[0], starts[1]), rest
            while node >= 0:
                if own[node] and here.cost <= fewest:  # of as few, those with the longest first
                    fewest, best, then = here.cost, node, here
                if here.after is None or here.byte < 0:
                    break
                node, here = child_of(here.byte, starts[node], starts[node + 1]), here.after
            rest = Spelled(fewest + 1, token[best], then, byte, rest)
        return rest


def fewest_tokens(text: bytes, vocabulary: Vocabulary) -> int:
    """The least number of tokens that spell `text`, the end-of-sequence token not counted.

    One more than its bytes where some byte is in no token.

    >>> tokens = [*(bytes([byte]) for byte in range(256)), b"ab", None]
    >>> vocabulary = Vocabulary.from_tokens(tokens, eos_token_ids=[257])
    >>> fewest_tokens(b"abc", vocabulary)
    2
    """
    return min(Speller(vocabulary.trie).before((text,), END).cost, len(text) + 1)

"""How few tokens complete a text from where it stands, and which ones?

A generation that may write so many tokens and no more has to know what it still owes.  Few bytes are not
always few tokens: of the choice `"ox"` or `"hippopotamus"` the longer one may be the cheaper.  So the search
is over pairs of a continuation and a node of the vocabulary's trie, the token that is half written there:

    owed after `["Ro`, with the tokens  "  ]  "]         (inside the string, ·)
      byte `"`   the token `"` is whole: 1, and at ·     or goes on: 0, and at node `"`
      byte `]`   ... another token: 2, and the end       ... `"]` is whole: 1, and the end

To begin a token is free and to complete it costs 1; a text ends at the trie's root, where no token is half
written.  This is Dijkstra's algorithm with ties broken by bytes.  It is cut into pieces that are remembered:

    a terminal     from (state, node): where its texts end, (node, cost) each                       `_through`
    a part         the same for an array or an object (`Continuation.split`), wherever it stands    `_exits`
    what follows   from (continuation, node) to the end of the text                                 `_least`

A position is a set of threads, and the thread that owes the fewest tokens wins.  Everything on the way that
wins is remembered with what is left from there.  So after a token there is mostly nothing to search.

The answer is always a way on.  It is the one with the fewest tokens but for these departures:

1. Where a terminal goes on with more than NARROW bytes, and so does the trie, one of them is followed: one
   that completes it, or else the next of a short text (`short.py`).
   A text that is whole is not read on: a longer number is not cheaper.
2. A walk through a terminal, or through many literals, ends after PAIRS pairs; then short texts are spelled.
3. A part is left where that costs no more than the cheapest way to leave it between two tokens.
4. When a way to the end is known, the search for a better one goes on for PATIENCE steps.  A key without a
   name, where the shortest is written already, is looked for only where no other key leads on.
5. Of a part that contains itself, and of a grammar's rules (`shortcuts`), the shortest texts are spelled; so
   is the shortest of all where LOST ways on led to no end, for optional keys are many and cheap to begin.
6. Values are completed in one line (`Continuation.plainest`).

Source: Dijkstra, "A note on two problems in connexion with graphs" (1959); the parts as in Knuth, "A
generalization of Dijkstra's algorithm" (1977); the product with the trie is the tokenising transducer of
Koo, Liu and He, "Automata-based constraints for language model decoding" (2024).
Cost: a look-up for a position that was seen, or whose rest was; 0.1 to 1 ms where all is new, more before
many ways, such as the names of tools.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import count, groupby, islice
from typing import Any, NamedTuple

from constrain.budget import spend
from constrain.continuation import Continuation, Edge, LiteralEdge, OpenEdge, TokenEdge, bits, follow_text
from constrain.literals import LiteralSet
from constrain.nesting import Nested
from constrain.position import Position, Positions, Thread
from constrain.regular.byte_sets import bytes_of
from constrain.regular.short import short
from constrain.shortest import WAY, ShortestTexts
from constrain.spelling import END, Pieces, Spelled, Speller

NARROW = 16
"""The hexadecimal digits: a state with more is most likely inside a string, and met at each character."""
FEW = 2
"""Of bytes that lead to the same state so many are followed."""
PAIRS = 400
"""Half a millisecond.  An enumeration of thirty words has fewer."""
LATE_PAIRS = 100
"""So many when a text has ended between two tokens."""
LOST = 500
"""Ways on.  Without it two of 600 schemas, with forty optional keys, had no end in a million steps."""
PATIENCE = 24
"""With 200 a new position takes ten times as long, and no completion of the tests' schemas is shorter."""
MANY_LITERALS = 8
"""So many of the shortest literals are spelled, where there are too many to walk through."""
SHORT = 64
"""Bytes of an end that are read on, in some 40 us; a search takes ten times as long."""
MAX_KNOWN = 20_000

Path = tuple["Path", Continuation, int, int, Pieces] | None
"""The way here: the way before, the continuation, the node and the cost there, and what was written then."""

Exit = tuple[int, int, int, bytes]
"""Behind a terminal: the number of what follows, the node, the cost, and the text."""

Onward = tuple[int, Pieces, Continuation, int]
"""What a step costs, what it writes, and where it leads: a continuation and a node."""


class _Ending(NamedTuple):
    """How few tokens complete a text, the one that is half written among them, and what is left to write."""

    size: int
    text: Spelled


class Completions:
    """The completions of one grammar's positions, kept as they are found; whoever asks holds the lock."""

    def __init__(self, positions: Positions) -> None:
        self._positions = positions
        self._automaton = positions.tables.automaton
        self._trie = positions.tables.vocabulary.trie
        self._starts, self._bytes = self._trie.starts, self._trie.lowest
        self._own = self._trie.own.data
        self._speller = Speller(self._trie)
        self._at: dict[Position, Spelled | None] = {}
        self._known: dict[tuple[Continuation, int], _Ending | None] = {}
        self._texts = ShortestTexts(short, only_bytes=True)
        self._parts: Nested[tuple[Continuation, int], dict[int, tuple[int, Pieces]]] = Nested({})
        self._terminals: dict[tuple[int, int], list[Exit]] = {}
        self._named: dict[tuple[LiteralSet, int, int, int], list[Exit]] = {}
        self._others: dict[tuple[Continuation, int, bytes], tuple[bytes, Continuation | None]] = {}
        self._moves: dict[int, list[tuple[int, int]]] = {}
        self._words: dict[int, bytes] = {}

    def forget(self) -> None:
        """Drop every memo."""
        memos = self._at, self._known, self._parts.known, self._terminals, self._named, self._others
        self._texts.forget()
        for memo in (*memos, self._moves, self._words):
            memo.clear()

    def known(self, position: Position) -> Spelled | None:
        """The completion of a position that was asked for before; None: it is not known."""
        return self._at.get(position)

    def of(self, position: Position) -> Spelled | None:
        """A completion with the fewest tokens, as far as the search goes; None where it finds none.

        Raises LimitExceeded when the budget in force is spent, or else the grammar's.
        """
        try:
            return self._at[position]
        except KeyError:
            pass
        if len(self._at) + len(self._known) + len(self._terminals) > MAX_KNOWN:
            self.forget()
        with self._positions.limits.budget("finding the shortest completion"):
            found = self._at[position] = self._of(position)
        return found

    def carried(self, before: Spelled, token_id: int, position: Position) -> Spelled | None:
        """What is left of the completion known before a token, where it still completes the text after it.

        No search, and so an upper bound of what is owed: most tokens go on with a text that ends as it would
        have ended before.  None where that cannot be told by reading SHORT bytes.
        """
        token = self._positions.tables.vocabulary.text(token_id)
        if not token:
            return before.then if before.token == token_id else None
        left: Spelled | None = before
        for byte in token:
            if left is None or left.byte != byte:
                return before if self._completes(before, position) else None
            left = left.after
        return left

    def _completes(self, text: Spelled, position: Position) -> bool:
        """Does a text bring a position to an end, or else to a continuation that it is known to complete?"""
        threads, left, is_read = dict.fromkeys(position.threads), text, 0
        with self._positions.limits.budget("reading a completion"):
            while left.start is None or (0, None, left.start, b"") not in threads:
                if left.after is None:
                    return any(edge is None and owner.can_end for _, edge, owner, _ in threads)
                read = bytearray()
                while left.byte >= 0 and len(read) <= SHORT and not (read and left.start):
                    read.append(left.byte)
                    left = left.after
                is_read += len(read)
                if not read or is_read > SHORT:
                    return False
                threads = self._positions.read(threads, bytes(read))
        return True

    def _of(self, position: Position) -> Spelled | None:
        if position.can_end:
            return END
        best: _Ending | None = None
        for thread in position.threads:
            for cost, pieces, then, at in self._inside(thread):
                if best is None or cost < best.size:
                    rest = self._least(then, at)
                    if rest is not None and (best is None or cost + rest.size < best.size):
                        best = _Ending(cost + rest.size, self._speller.before(pieces, rest.text))
        return None if best is None else best.text

    def _inside(self, thread: Thread) -> Iterator[Onward]:
        """The ways out of a terminal that is half read."""
        number, edge, owner, captured = thread
        if edge is None:
            yield 0, (), owner, 0
        elif isinstance(edge, LiteralEdge):
            yield from _following(self._literals(edge.literals, edge.allowed, number, 0), owner)
        elif isinstance(edge, OpenEdge):
            yield from self._open_ways(edge, owner, number, captured, 0, is_over=False)
        else:
            yield from self._behind(edge, owner, self._through(number, 0), captured)

    # From a continuation to the end of the text, and through a part of it.

    def _least(self, start: Continuation, node: int) -> _Ending | None:
        """The completion of a continuation, with a token half written; None if there is none."""
        if (start, node) in self._known:
            return self._known[start, node]
        tie = count()
        heap: list[tuple[int, int, int, Continuation, int, Path]] = [(0, 0, next(tie), start, node, None)]
        settled: set[tuple[Continuation, int]] = set()
        best: tuple[int, Path, Spelled] | None = None
        patience, lost = PATIENCE, LOST
        while heap:
            if lost < 0 and best is None:
                lost, found = sys.maxsize, self._shortest(start, node).get(0)
                best = None if found is None else (found[0], None, self._speller.before(found[1], END))
            cost, length, _, here, at, path = heapq.heappop(heap)
            if best is not None and (cost >= best[0] or patience == 0):
                break
            if (here, at) in settled:
                continue
            settled.add((here, at))
            if here.can_end and not at:
                best = cost, path, END
                continue
            if best is not None and cost + 1 >= best[0]:  # a token at the least is owed
                continue
            if (here, at) in self._known:
                known = self._known[here, at]
                if known is not None and (best is None or cost + known.size < best[0]):
                    best = cost + known.size, path, known.text
                continue
            if best is not None:
                patience -= 1
            spend()
            for more, pieces, then, to in self._onward(here, at, best is not None):
                spend(WAY)
                lost -= 1
                if best is None or cost + more + (to > 0 or not then.can_end) < best[0]:
                    longer = length + _length(pieces)
                    heapq.heappush(
                        heap, (cost + more, longer, next(tie), then, to, (path, here, at, cost, pieces))
                    )
        if best is None:
            self._known[start, node] = None
            return None
        total, path, text = best
        while path is not None:  # from the end: what is left from each place on the way
            path, here, at, cost, pieces = path
            text = self._speller.before(pieces, text, here)
            self._known[here, at] = _Ending(total - cost, text)
        return self._known.setdefault((start, node), _Ending(total, text))

    def _exits(self, start: Continuation, node: int) -> dict[int, tuple[int, Pieces]]:
        """The nodes at which a part can be left, with the cost and the text of each; none inside itself."""
        return self._parts.of(start, (start, node), lambda: self._find_exits(start, node))

    def _find_exits(self, start: Continuation, node: int) -> dict[int, tuple[int, Pieces]]:
        tie = count()
        heap: list[tuple[int, int, int, Continuation, int, Path]] = [(0, 0, next(tie), start, node, None)]
        settled: set[tuple[Continuation, int]] = set()
        exits: dict[int, tuple[int, Pieces]] = {}
        most, patience, lost = sys.maxsize, PATIENCE, LOST
        while heap:
            if lost < 0 and not exits:
                lost, exits = sys.maxsize, self._shortest(start, node)
                most = exits[0][0] if 0 in exits else most
            cost, length, _, here, at, path = heapq.heappop(heap)
            if cost > most or patience == 0:
                break
            if (here, at) in settled:
                continue
            settled.add((here, at))
            if here.can_end and at not in exits:
                exits[at] = cost, _written(path)
                if not at:
                    most = cost
            if 0 in exits:
                patience -= 1
            spend()
            for more, pieces, then, to in self._onward(here, at, 0 in exits):
                spend(WAY)
                lost -= 1
                if cost + more <= most:
                    longer = length + _length(pieces)
                    heapq.heappush(
                        heap, (cost + more, longer, next(tie), then, to, (path, here, at, cost, pieces))
                    )
        return exits

    def _shortest(self, start: Continuation, node: int) -> dict[int, tuple[int, Pieces]]:
        """The nodes where the shortest text of a continuation ends, and its cost; none if there is none."""
        text = self._texts.text(start)
        if text is None:
            return {}
        return {to: (cost, (text,)) for to, cost in self._speller.ends(text, node).items()}

    def _onward(self, here: Continuation, at: int, is_over: bool) -> Iterator[Onward]:
        """The ways on; where a way to the end is known already, only those that are quickly found."""
        here = here.plainest
        parts = here.split()
        if parts is not None:
            for to, (cost, pieces) in self._exits(parts[0], at).items():
                yield cost, pieces, parts[1], to
            return
        shortcuts = here.shortcuts()
        if shortcuts is not None:
            for text, after in shortcuts:
                for to, cost in self._speller.ends(text, at).items():
                    yield cost, (text,), after, to
            return
        for member in here.members:
            for edge in member.first:
                if isinstance(edge, LiteralEdge):
                    yield from _following(self._literals(edge.literals, edge.allowed, 0, at), member)
                elif isinstance(edge, OpenEdge):
                    state = self._automaton.state(edge.terminal)
                    yield from self._open_ways(edge, member, state, b"", at, is_over)
                elif isinstance(edge, TokenEdge):
                    then = member.follow(edge.number)
                    if not at and then is not None:
                        yield 1, (edge.token_id,), then, 0
                else:
                    assert isinstance(edge, Edge), "a preview is never searched"
                    state = self._automaton.state(edge.terminal)
                    yield from self._behind(edge, member, self._through(state, at), b"")

    # Through a terminal.

    def _behind(
        self, edge: Edge, owner: Continuation, exits: list[Exit], captured: bytes
    ) -> Iterator[Onward]:
        for _, to, cost, text in exits:
            then = follow_text(edge, owner, captured + text if edge.captures else b"")
            if then is not None:
                yield cost, (text,), then, to

    def _open_ways(  # noqa: PLR0917 - a place in a grammar, and in the trie
        self, edge: OpenEdge, owner: Continuation, state: int, captured: bytes, at: int, is_over: bool
    ) -> Iterator[Onward]:
        """The named texts of an open edge, after what was read of it, and a short other one."""
        literals, node = edge.literals, 0
        for byte in captured:
            node = literals.children(node).get(byte, -1)
            if node < 0:
                break
        if node >= 0:
            for way in _following(self._literals(literals, -1, node, at), owner):
                is_over = True
                yield way
        word, then = self._other_way(edge, owner, state, captured, is_over)
        if then is not None:
            for to, cost in self._speller.ends(word, at).items():
                yield cost, (word,), then, to

    def _other_way(
        self, edge: OpenEdge, owner: Continuation, state: int, captured: bytes, is_over: bool
    ) -> tuple[bytes, Continuation | None]:
        """A short rest of a text of an open edge that is no literal, and what follows it."""
        found = self._others.get((owner, state, captured))
        if found is None:
            word = self._word(state)
            whole = captured + word
            if not word or whole in edge.literals.index or whole in edge.excluded:
                if is_over:
                    return b"", None
                word, then = self._texts.others.of(edge, owner, captured, self._automaton.term(state))
            else:
                then = follow_text(edge, owner, whole)
            found = self._others[owner, state, captured] = word, then
        return found

    def _through(self, state: int, at: int) -> list[Exit]:
        """Where the texts of a terminal end, from one of its states."""
        found = self._terminals.get((state, at))
        if found is None:
            accepting, extensible = self._automaton.accepting, self._positions.tables.extensible
            exits, is_whole = self._walk(
                state, at, self._move, lambda to: (0,) if accepting[to] else (), extensible, ends_at_once=True
            )
            if not is_whole:
                word = self._word(state)
                for to, cost in self._speller.ends(word, at).items():
                    exits.setdefault((0, to), (cost, word))
            found = self._terminals[state, at] = _listed(exits)
        return found

    def _move(self, state: int, at: int, is_over: bool) -> list[tuple[int, int]]:
        """The bytes to follow from a state and a node, and where they lead (departure 1).

        No short text is asked for where the terminal `is_over` already, on another way.
        """
        start, stop = self._starts[at], self._starts[at + 1]
        if stop - start <= NARROW:
            step = self._automaton.step
            return [(byte, to) for byte in self._bytes[start:stop] if (to := step(state, byte))]
        found = self._moves.get(state)
        if found is None:
            ways = self._automaton.ways(state)
            if sum(mask.bit_count() for mask, _ in ways) <= NARROW:
                found = [(byte, to) for mask, to in ways for byte in islice(bytes_of(mask), FEW)]
            else:
                accepting = self._automaton.accepting
                found = [(next(bytes_of(mask)), to) for mask, to in ways if accepting[to]]
                if not found:
                    if is_over:
                        return []
                    found = [(byte, self._automaton.step(state, byte)) for byte in self._word(state)[:1]]
            self._moves[state] = found
        return found

    def _word(self, state: int) -> bytes:
        """A short text of a terminal from a state on."""
        word = self._words.get(state)
        if word is None:
            word = short(self._automaton.term(state))
            assert word is not None, "a state of a thread is live"
            for start in range(len(word) + 1):  # so that it is not looked for again on its way
                self._words.setdefault(state, word[start:])
                if start < len(word):
                    state = self._automaton.step(state, word[start])
        return word

    def _literals(self, literals: LiteralSet, allowed: int, node: int, at: int) -> list[Exit]:
        """Where the allowed literals end, from a node of their trie."""
        key = literals, allowed, node, at
        found = self._named.get(key)
        if found is not None:
            return found
        below, here = literals.below, literals.here

        def move(place: int, _: int, __: bool) -> list[tuple[int, int]]:
            return [way for way in literals.children(place).items() if below[way[1]] & allowed]

        exits, is_whole = self._walk(
            node,
            at,
            move,
            lambda place: bits(here[place] & allowed & below[0]),
            lambda place: bool(below[place] & ~here[place] & allowed),
            ends_at_once=False,
        )
        if not is_whole:
            rests = sorted(_rests(node, literals, allowed), key=lambda rest: len(rest[0]))
            for text, number in rests[:MANY_LITERALS]:
                for to, cost in self._speller.ends(text, at).items():
                    exits.setdefault((number, to), (cost, text))
        found = self._named[key] = _listed(exits)
        return found

    def _walk(
        self,
        start: int,
        node: int,
        move: Callable[[int, int, bool], Iterable[tuple[int, int]]],
        ends: Callable[[int], Iterable[int]],
        goes_on: Callable[[int], bool],
        *,
        ends_at_once: bool,
    ) -> tuple[dict[tuple[int, int], tuple[int, bytes]], bool]:
        """Walk an automaton and the trie together, token after token, PAIRS steps at the most.

        The cost and the text by number and node, and whether nothing is left.  With `ends_at_once` what costs
        more than the first end between two tokens is left out.
        """
        starts, children, own = self._starts, self._bytes.find, self._own
        exits: dict[tuple[int, int], tuple[int, bytes]] = {}
        level, following = [(start, node, b"")], list[tuple[int, int, bytes]]()
        seen, cost, steps, most, last = {(start, node)}, 0, 0, sys.maxsize, PAIRS
        while level and cost <= most:
            for state, at, text in level:  # it grows
                for byte, to in move(state, at, most < sys.maxsize):
                    child = children(byte, starts[at], starts[at + 1])
                    if child < 0:
                        continue
                    steps += 1
                    longer, is_open = text + _BYTES[byte], starts[child] < starts[child + 1]
                    numbers = ends(to)
                    for number in numbers:
                        if is_open:
                            exits.setdefault((number, child), (cost, longer))
                        if own[child]:
                            exits.setdefault((number, 0), (cost + 1, longer))
                            if ends_at_once and most > cost + 1:
                                most, last = cost + 1, min(last, steps + LATE_PAIRS)
                    if not goes_on(to) or (ends_at_once and numbers):
                        continue
                    if is_open and (to, child) not in seen:
                        seen.add((to, child))
                        level.append((to, child, longer))
                    if own[child] and (to, 0) not in seen:
                        seen.add((to, 0))
                        following.append((to, 0, longer))
                if steps > last:
                    spend(steps >> 2)
                    return exits, most <= cost + 1
            level, following, cost = following, [], cost + 1
        spend(steps >> 2)
        return exits, True


_BYTES = [bytes((byte,)) for byte in range(256)]


def _following(exits: list[Exit], owner: Continuation) -> Iterator[Onward]:
    """Literals, and what follows each; those that may not come are left out."""
    for number, to, cost, text in exits:
        then = owner.follow(number)
        if then is not None:
            yield cost, (text,), then, to


def _listed(exits: dict[tuple[int, int], tuple[int, bytes]]) -> list[Exit]:
    return [(number, to, cost, text) for (number, to), (cost, text) in exits.items()]


def _length(pieces: Pieces) -> int:
    return sum(1 if isinstance(piece, int) else len(piece) for piece in pieces)


def _written(path: Path) -> Pieces:
    """What was written on a way."""
    found: list[Pieces] = []
    while path is not None:
        found.append(path[-1])
        path = path[0]
    return _joined(piece for pieces in reversed(found) for piece in pieces)


def _joined(pieces: Iterable[bytes | int]) -> Pieces:
    """The pieces, texts side by side made one."""
    found: list[Any] = []
    for is_token, several in groupby(pieces, lambda piece: isinstance(piece, int)):
        group: list[Any] = list(several)
        found += group if is_token else [b"".join(group)]
    return tuple(found)


def _rests(node: int, literals: LiteralSet, allowed: int) -> Iterator[tuple[bytes, int]]:
    """What is left of each allowed literal below a node of the trie, and its number."""
    below = [(b"", node)]
    for text, at in below:
        if text:
            yield from ((text, index) for index in bits(literals.here[at] & allowed))
        for byte, child in literals.children(at).items():
            if literals.below[child] & allowed:
                below.append((text + _BYTES[byte], child))

"""Byte languages as interned terms, closed under every boolean operation.

A *term* denotes a set of byte strings.  The derivative of a term by a byte is what may follow that byte:

    (ab|ac)*  by a  =  (b|c)(ab|ac)*        by b  =  EMPTY
    ab & ~ac  by a  =  b & ~c               which is b: the smart constructors see it

so a term is also an automaton state, and derivatives make an automaton appear lazily, one state at a
time.  Two things make that small.  Smart constructors keep terms in a normal form (a choice is a flat,
sorted, duplicate-free tuple; `EMPTY` and `EPSILON` vanish), so that terms that are alike are equal; and
terms are interned, so that equal terms are the same object, and comparing them is comparing pointers.

Boolean operators cost nothing extra here: the derivative of an intersection is the intersection of
the derivatives, and likewise for the complement.  `not`, `pattern` with `maxLength`, excluded keys and
look-around all are these two.

Source: Owens, Reppy and Turón, "Regular-expression derivatives re-examined", JFP 19(2), 2009; sections
3.3 and 4.1 for the smart constructors.  We depart in four ways:
1. A bounded repeat `x{m,n}` is a term of its own that counts down, instead of n copies of x.
2. A finite set of strings is a term of its own, a trie node: its derivative is a dictionary look-up,
   so an enumeration of thousands of strings costs what one string costs.
3. A `Leaf` (`leaf.py`) is a term whose derivative is arithmetic; divisibility and numeric bounds are leaves.
4. Inside a character `x·a | x·b` is `x·(a|b)`, and `x·a & x·b` is `x·(a&b)`, for x the bytes that go on with
   it: else every term would have a dozen more states, each with all the alternatives written out again.

Cost: a derivative visits the part of the term that the byte can reach, ways all parts that can stand first;
interning is one dictionary look-up for each node made.  `automaton.py` takes over from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import and_, or_
from typing import Final

from constrain.budget import spend
from constrain.errors import LimitExceeded
from constrain.regular import tries
from constrain.regular.byte_sets import ALL_BYTES, CONTINUING, join_counts
from constrain.regular.interning import LOCK, intern, keep
from constrain.regular.term import Term as Term  # noqa: PLC0414 - with the terms it is taken from here
from constrain.regular.term import Way, add_way, joined
from constrain.regular.tries import Slice, SortedTexts, build, subtract, union

MAX_MEMBERS: Final = 20_000
FEW: Final = 8
"""Joining no more terms than that is part of the step that makes the result."""

_BYTES, _CHOICE, _CONCAT, _REPEAT, _INTERSECTION, _COMPLEMENT, _STRINGS, _SLICE = range(8)


class Bytes(Term):
    """One byte out of `mask`, a 256-bit set."""

    __slots__ = ("mask",)

    def __init__(self, mask: int) -> None:
        self.mask = mask
        self._register(nullable=False, plain=True, first=mask)

    def derivative(self, byte: int) -> Term:
        return EPSILON if self.mask >> byte & 1 else EMPTY

    def _find_ways(self, within: int) -> Iterable[Way]:
        common = self.mask & within
        return ((common, EPSILON),) if common else ()


class Epsilon(Term):
    """The empty string alone."""

    __slots__ = ()

    def __init__(self) -> None:
        self._register(nullable=True, plain=True, first=0)

    def derivative(self, byte: int) -> Term:
        return EMPTY

    def _find_ways(self, within: int) -> Iterable[Way]:
        return ()


class Choice(Term):
    """A string of any member; no member is EMPTY, a choice, or there twice; with none it is EMPTY."""

    __slots__ = ("members",)

    def __init__(self, members: tuple[Term, ...]) -> None:
        self.members = members
        self._register(
            nullable=any(m.nullable for m in members),
            plain=all(m.plain for m in members),
            fixed=all(m.fixed for m in members),
            largest=max([m.largest for m in members], default=0),
            first=reduce(or_, [m.first for m in members], 0),
        )

    def derivative(self, byte: int) -> Term:
        if len(self.members) < 16:  # then a few suffixes walked twice cost less than noting them
            return choice(*[member.after(byte) for member in self.members])
        return choice(*[_then(head.after(byte), tail) for head, tail in _fronts(self.members)])

    def _find_ways(self, within: int) -> Iterable[Way]:
        return _front_ways(_fronts(self.members), within)


class Concat(Term):
    """A string of `head`, then one of `tail`.  Concatenations lean right."""

    __slots__ = ("head", "tail")

    def __init__(self, head: Term, tail: Term) -> None:
        self.head = head
        self.tail = tail
        self._register(
            head.nullable and tail.nullable,
            head.plain and tail.plain,
            head.fixed and tail.fixed,
            head.largest if head.largest > tail.largest else tail.largest,
            head.first | tail.first if head.nullable else head.first,
        )

    def derivative(self, byte: int) -> Term:
        first = _then(self.head.after(byte), self.tail)
        if not self.head.nullable:
            return first
        tail = self.tail
        if type(tail) is not Concat or not tail.head.nullable:
            return choice(first, tail.derivative(byte))
        return choice(*[_then(head.after(byte), rest) for head, rest in _fronts((self,))])

    def _find_ways(self, within: int) -> Iterable[Way]:
        if not self.head.nullable:
            tail = self.tail
            return [(mask, _then(after, tail)) for mask, after in self.head.ways_within(within)]
        return _front_ways(_fronts((self,)), within)


def _fronts(terms: Iterable[Term]) -> list[tuple[Term, Term]]:
    """Every (head, tail) whose head may read the next byte, each once.

    Walking every suffix of `a?a?a?...` to its end anew would be quadratic, and recursing too deep.
    """
    fronts: dict[Term, tuple[Term, Term]] = {}
    for term in terms:
        at = term
        while at not in fronts:
            fronts[at] = head, tail = (at.head, at.tail) if type(at) is Concat else (at, EPSILON)
            if not head.nullable:
                break
            at = tail
    if len(fronts) > FEW:
        spend(len(fronts) >> 1)
    return list(fronts.values())


class Repeat(Term):
    """`low` to `high` strings of `body` in a row (`high` None: any number).  `body` is not nullable."""

    __slots__ = ("body", "high", "low")

    def __init__(self, body: Term, low: int, high: int | None) -> None:
        self.body = body
        self.low = low
        self.high = high
        self._register(low == 0, body.plain, body.fixed, max(low, high or 0, body.largest), body.first)

    def derivative(self, byte: int) -> Term:
        rest = repeat(self.body, max(self.low - 1, 0), None if self.high is None else self.high - 1)
        return _then(self.body.after(byte), rest)

    def _find_ways(self, within: int) -> Iterable[Way]:
        rest = repeat(self.body, max(self.low - 1, 0), None if self.high is None else self.high - 1)
        ways = self.body.ways()  # remembered, for every round
        return [(common, _then(after, rest)) for mask, after in ways if (common := mask & within)]


class Intersection(Term):
    """The strings that all members hold."""

    __slots__ = ("members",)

    def __init__(self, members: tuple[Term, ...]) -> None:
        self.members = members
        self._register(
            nullable=all(m.nullable for m in members),
            plain=False,
            fixed=all(m.fixed for m in members),
            largest=max(m.largest for m in members),
            first=reduce(and_, [m.first for m in members]),
        )

    def derivative(self, byte: int) -> Term:
        derived = []
        for member in self.members:
            after = member.after(byte)
            if after is EMPTY:
                return EMPTY
            derived.append(after)
        return intersect(*derived)

    def _find_ways(self, within: int) -> Iterable[Way]:
        within &= self.first
        pieces: list[tuple[int, tuple[Term, ...]]] = [(within, ())] if within else []
        for member in self.members:
            ways = tuple(member.ways_within(within))
            spend(len(pieces) * len(ways) >> 3)
            pieces = [
                (common, (*afters, after))
                for mask, afters in pieces
                for others_mask, after in ways
                if (common := mask & others_mask)
            ]
            within = reduce(or_, [mask for mask, _ in pieces], 0)
        spend(len(pieces))
        return joined((mask, intersect(*afters)) for mask, afters in pieces)


class Complement(Term):
    """The byte strings that `body` does not hold."""

    __slots__ = ("body",)

    def __init__(self, body: Term) -> None:
        self.body = body
        self._register(nullable=not body.nullable, plain=False, fixed=body.fixed)

    def derivative(self, byte: int) -> Term:
        return complement(self.body.after(byte))

    def _find_ways(self, within: int) -> Iterable[Way]:
        found = [(mask, complement(after)) for mask, after in self.body.ways_within(within)]
        rest = within & ~reduce(or_, [mask for mask, _ in found], 0)
        return joined([*found, (rest, ANY_BYTES)] if rest else found)


class Strings(Term):
    """A finite set of strings: a trie node, with its children by byte or, of many, a slice to make them."""

    __slots__ = ("_children", "_slice", "size")

    def __init__(self, here: bool, children: dict[int, Term] | None, source: Slice | None = None) -> None:
        self._children = children
        self._slice = source
        if source is not None:
            self.size, first = source.size, source.first_bytes
        else:
            known = children or {}
            self.size = here + sum(c.size if isinstance(c, Strings) else 1 for c in known.values())
            first = sum(1 << byte for byte in known)
        self._register(nullable=here, plain=True, first=first)

    @property
    def children(self) -> dict[int, Term]:
        """By byte, the node after it."""
        if self._children is None:
            assert self._slice is not None
            self._children = {byte: _of_slice(after) for byte, after in self._slice.children().items()}
        return self._children

    def derivative(self, byte: int) -> Term:
        return self.children.get(byte, EMPTY)

    @property
    def only(self) -> bytes | None:
        """The text, if there is no other."""
        text = bytearray()
        at: Term = self
        while isinstance(at, Strings):
            if at.size > 1:
                return None
            if at._slice is not None:
                return bytes(text) + at._slice.texts()[0]
            ((byte, at),) = at.children.items()
            text.append(byte)
        return bytes(text)

    def _find_ways(self, within: int) -> Iterable[Way]:
        return joined((1 << byte, child) for byte, child in self.children.items() if within >> byte & 1)


def _front_ways(fronts: list[tuple[Term, Term]], within: int) -> Iterable[Way]:
    """The ways of a choice of (head, tail), each head followed by its tail."""
    pieces: dict[int, list[Term]] = {}
    for head, tail in fronts:
        for mask, after in head.ways_within(within):
            add_way(pieces, mask, _then(after, tail))
    return joined(
        (mask, afters[0] if len(afters) == 1 else choice(*afters)) for mask, afters in pieces.items()
    )


EMPTY: Final[Term] = Choice(())
EPSILON: Final[Term] = Epsilon()
Term.empty = EMPTY


def byte_set(mask: int) -> Term:
    """One byte out of a 256-bit set.

    >>> byte_set(0) is EMPTY
    True
    """
    return intern((_BYTES, mask), Bytes, mask) if mask else EMPTY


def byte_range(low: int, high: int) -> Term:
    """One byte from `low` to `high`, both included."""
    return byte_set((1 << high + 1) - (1 << low))


def literal(text: bytes) -> Term:
    """Exactly `text`."""
    return literals((text,))


def literals(texts: Iterable[bytes]) -> Term:
    """Any of `texts`, as one trie.

    >>> literals([b"ab", b"ac"]).derivative(ord("a")) is literals([b"b", b"c"])
    True
    """
    with LOCK:
        source = SortedTexts(texts).all()
        return build(source.texts(), _strings) if source.bytes_left <= tries.FEW_BYTES else _of_slice(source)


def _of_slice(source: Slice) -> Term:
    if not source.bytes_left:
        return EPSILON
    key = (_SLICE, id(source.source), source.first, source.last, source.depth)  # which the term keeps alive
    return intern(key, Strings, source.here, None, source)


def _strings(here: bool, children: dict[int, Term]) -> Term:
    if not children:
        return EPSILON if here else EMPTY
    key = (_STRINGS, here, *[(byte, child.id) for byte, child in sorted(children.items())])
    return intern(key, Strings, here, children)


def concat(*terms: Term) -> Term:
    """The terms one after the other; of nothing, the empty string."""
    result = EPSILON
    for term in reversed(terms):
        result = _then(term, result)
    return result


def _then(first: Term, second: Term) -> Term:
    if first is EMPTY or second is EMPTY:
        return EMPTY
    if second is EPSILON:
        return first
    if first is EPSILON:
        return second
    if type(first) is not Concat:
        return intern((_CONCAT, first.id, second.id), Concat, first, second)
    heads: list[Term] = []
    while type(first) is Concat:
        heads.append(first.head)
        first = first.tail
    heads.append(first)
    if len(heads) > FEW:
        spend(len(heads) >> 1)
    for head in reversed(heads):
        second = intern((_CONCAT, head.id, second.id), Concat, head, second)
    return second


def choice(*terms: Term) -> Term:
    """Any of the terms; of nothing, EMPTY."""
    members: dict[int, Term] = {}
    mask = 0
    tries: list[Term] = []
    for term in terms:
        if type(term) is Bytes:
            mask |= term.mask
        elif type(term) is Strings:
            tries.append(term)
        elif type(term) is Choice:
            for member in term.members:
                if type(member) is Bytes:
                    mask |= member.mask
                elif type(member) is Strings:
                    tries.append(member)
                else:
                    members[member.id] = member
        else:
            members[term.id] = term
    if mask:
        bytes_term = byte_set(mask)
        members[bytes_term.id] = bytes_term
    if tries:
        merged = union(tries, _children, _strings)
        members[merged.id] = merged
    if len(members) > FEW:
        spend(len(members))
    if len(members) > 1:
        _merge_counts(members)
        _factor(members, choice)
    if len(members) > MAX_MEMBERS:
        raise LimitExceeded(
            f"a pattern can be in more than max_members={MAX_MEMBERS:_} places at once",
            hint="nested repeats with overlapping counts multiply; shorten one",
        )
    if ANY_BYTES.id in members:
        return ANY_BYTES
    if EPSILON.id in members and any(m.nullable and m.fixed for m in members.values() if m is not EPSILON):
        del members[EPSILON.id]
    for member in members.values():
        if type(member) is Complement and member.body.id in members:
            return ANY_BYTES
    if len(members) == 1:
        return next(iter(members.values()))
    if not members:
        return EMPTY
    ordered = tuple(member for _, member in sorted(members.items()))
    return intern((_CHOICE, *[member.id for member in ordered]), Choice, ordered)


def _factor(members: dict[int, Term], join: Callable[..., Term]) -> None:
    """Join members `x·one` and `x·other` to `x·(one, other)`, in place, where x is inside a character."""
    tails: dict[int, list[Concat]] = {}
    for member in members.values():
        if type(member) is Concat and type(member.head) is Bytes and member.head.mask in CONTINUING:
            tails.setdefault(member.head.id, []).append(member)
    for group in tails.values():
        if len(group) > 1:
            for member in group:
                del members[member.id]
            joined = _then(group[0].head, join(*[member.tail for member in group]))
            members[joined.id] = joined


def _merge_counts(members: dict[int, Term]) -> None:
    """Join members `x{a,b}·rest` and `x{c,d}·rest` whose counts overlap or touch, in place.

    Nested bounded repeats are ambiguous about how far each has counted; without this their states
    would be sets of counts, and there are exponentially many of those.
    """
    groups: dict[tuple[int, int], list[tuple[Term, Repeat, Term]]] = {}
    for member in members.values():
        head, tail = (member.head, member.tail) if type(member) is Concat else (member, EPSILON)
        if type(head) is Repeat:
            groups.setdefault((head.body.id, tail.id), []).append((member, head, tail))
    for group in groups.values():
        if len(group) < 2:
            continue
        joined = join_counts([(head.low, head.high) for _, head, _ in group])
        if len(joined) == len(group):
            continue
        for member, _, _ in group:
            del members[member.id]
        _, counted, tail = group[0]
        for low, high in joined:
            merged = _then(repeat(counted.body, low, high), tail)
            members[merged.id] = merged


def _children(term: Term) -> Mapping[int, Term]:
    return term.children if type(term) is Strings else {}


def repeat(term: Term, low: int = 0, high: int | None = None) -> Term:
    """`low` to `high` strings of `term` in a row; `high` None means any number.

    >>> repeat(EPSILON, 3, 5) is EPSILON
    True
    """
    if high is not None and (high < low or high == 0):
        return EPSILON if low == 0 else EMPTY
    if term is EMPTY or term is EPSILON:
        return EPSILON if low == 0 or term is EPSILON else EMPTY
    if term.nullable:
        return choice(EPSILON, repeat(without_epsilon(term), 0, high))
    if (low, high) == (1, 1):
        return term
    if type(term) is Repeat and term.low <= 1:
        # Rounds of one or more make every count: (x{1,q}){m,n} is x{m,qn}.
        return repeat(term.body, low, None if high is None or term.high is None else term.high * high)
    return intern((_REPEAT, term.id, low, high), Repeat, term, low, high)


def without_epsilon(term: Term) -> Term:
    """The nonempty strings of `term`."""
    if not term.nullable:
        return term
    if type(term) is Choice:
        return choice(*[without_epsilon(member) for member in term.members])
    if type(term) is Concat:
        return choice(_then(without_epsilon(term.head), term.tail), without_epsilon(term.tail))
    if type(term) is Repeat:
        return repeat(term.body, 1, term.high)
    if type(term) is Strings:
        return _strings(False, term.children)
    if term is EPSILON:
        return EMPTY
    return intersect(term, _SOME_BYTES)


def star(term: Term) -> Term:
    """Any number of strings of `term` in a row."""
    return repeat(term, 0, None)


def optional(term: Term) -> Term:
    """One string of `term`, or nothing."""
    return choice(EPSILON, term)


def intersect(*terms: Term) -> Term:
    """The strings that all the terms hold; of nothing, all byte strings."""
    members: dict[int, Term] = {}
    tries: list[Term] = []
    excluded: list[Term] = []
    mask = ALL_BYTES
    masked = False
    pending = list(terms)
    while pending:
        term = pending.pop()
        if type(term) is Intersection:
            pending.extend(term.members)
        elif term is EMPTY:
            return EMPTY
        elif type(term) is Bytes:
            masked, mask = True, mask & term.mask
        elif type(term) is Strings:
            tries.append(term)
        elif type(term) is Complement and type(term.body) is Strings:
            excluded.append(term.body)
        elif term is not ANY_BYTES:
            members[term.id] = term
    if len(members) > FEW:
        spend(len(members) >> 1)
    if masked:
        bytes_term = byte_set(mask)
        if bytes_term is EMPTY:
            return EMPTY
        members[bytes_term.id] = bytes_term
    if len(members) > 1:
        _factor(members, intersect)
        if EMPTY.id in members:
            return EMPTY
    if tries:
        left = tries[0]
        for trie in tries[1:]:
            left = subtract(left, subtract(left, trie, _children, _strings), _children, _strings)
        for trie in excluded:
            left = subtract(left, trie, _children, _strings)
        if left is EMPTY:
            return EMPTY
        members[left.id] = left
    elif excluded:
        without = complement(union(excluded, _children, _strings))
        members[without.id] = without
    for member in members.values():
        if type(member) is Complement and member.body.id in members:
            return EMPTY
    if EPSILON.id in members and all(member.fixed for member in members.values()):
        return EPSILON if all(member.nullable for member in members.values()) else EMPTY
    if len(members) == 1:
        return next(iter(members.values()))
    if not members:
        return ANY_BYTES
    ordered = tuple(member for _, member in sorted(members.items()))
    return intern((_INTERSECTION, *[member.id for member in ordered]), Intersection, ordered)


def complement(term: Term) -> Term:
    """The byte strings that `term` does not hold.

    >>> complement(complement(literal(b"a"))) is literal(b"a")
    True
    """
    if type(term) is Complement:
        return term.body
    if term is EMPTY:
        return ANY_BYTES
    if term is ANY_BYTES:
        return EMPTY
    return intern((_COMPLEMENT, term.id), Complement, term)


def difference(term: Term, without: Term) -> Term:
    """The strings of `term` that `without` does not hold."""
    return intersect(term, complement(without))


ANY_BYTES: Final[Term] = intern(
    (_REPEAT, byte_set(ALL_BYTES).id, 0, None), Repeat, byte_set(ALL_BYTES), 0, None
)
_SOME_BYTES: Final[Term] = intern(
    (_REPEAT, byte_set(ALL_BYTES).id, 1, None), Repeat, byte_set(ALL_BYTES), 1, None
)
keep()

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
3.3 and 4.1 for the smart constructors, 4.2 for byte classes.  We depart from it in three ways:
1. A bounded repeat `x{m,n}` is a term of its own that counts down, instead of n copies of x.
2. A finite set of strings is a term of its own, a trie node: its derivative is a dictionary look-up,
   so an enumeration of thousands of strings costs what one string costs.
3. A `Leaf` (`leaf.py`) is a term whose derivative is arithmetic; divisibility and numeric bounds are leaves.

Cost: a derivative visits the part of the term that the byte can reach; interning is one dictionary
look-up for each node made.  `automaton.py` takes over from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import ClassVar, Final

from constrain.errors import LimitExceeded
from constrain.regular.byte_sets import ALL_BYTES, join_counts, refine
from constrain.regular.interning import LOCK, derivatives, intern, keep
from constrain.regular.tries import subtract, union

MAX_MEMBERS: Final = 20_000

_BYTES, _CHOICE, _CONCAT, _REPEAT, _INTERSECTION, _COMPLEMENT, _STRINGS = range(7)


class Term:
    """An interned byte language.  Compare with `is`; make with the functions of this module."""

    __slots__ = ("_partition", "fixed", "id", "largest", "nullable", "plain")

    _next_id: ClassVar[int] = 0

    id: int
    nullable: bool
    """Does the language hold the empty string?"""
    plain: bool
    """Made without intersection, complement or leaf: then only EMPTY is empty."""
    fixed: bool
    """Free of assertions about the text so far (`watched.py`): then `nullable` holds anywhere."""
    largest: int
    """The largest count of a repeat outside complements."""

    def _register(self, *, nullable: bool, plain: bool, fixed: bool = True, largest: int = 0) -> None:
        self.id = Term._next_id
        Term._next_id += 1
        self.nullable = nullable
        self.plain = plain
        self.fixed = fixed
        self.largest = largest
        self._partition: tuple[int, ...] | None = None

    def after(self, byte: int) -> Term:
        """`derivative`, remembered: for terms that are parts of many others."""
        key = self.id << 8 | byte
        found = derivatives.get(key)
        if found is None:
            found = derivatives[key] = self.derivative(byte)
        return found

    def once_after(self, byte: int) -> Term:
        """`derivative`, not remembered: for terms that nobody asks twice; what others remember is taken."""
        found = derivatives.get(self.id << 8 | byte)
        return self.derivative(byte) if found is None else found

    def derivative(self, byte: int) -> Term:
        """What may follow `byte`."""
        raise TypeError(f"{type(self).__name__} does not implement derivative")

    def classes(self) -> tuple[int, ...]:
        """Disjoint byte sets (256-bit masks) covering all bytes; the derivative is constant on each."""
        partition = self._partition
        if partition is None:
            partition = self._partition = self._find_classes()
        return partition

    def dead_bytes(self) -> int:
        """Bytes (a 256-bit set) that plainly lead nowhere; there may be more of them."""
        return 0

    def _find_classes(self) -> tuple[int, ...]:
        raise TypeError(f"{type(self).__name__} does not implement classes")


class Bytes(Term):
    """One byte out of `mask`, a 256-bit set."""

    __slots__ = ("mask",)

    def __init__(self, mask: int) -> None:
        self.mask = mask
        self._register(nullable=False, plain=True)

    def derivative(self, byte: int) -> Term:
        return EPSILON if self.mask >> byte & 1 else EMPTY

    def _find_classes(self) -> tuple[int, ...]:
        rest = ALL_BYTES & ~self.mask
        return (self.mask, rest) if rest else (self.mask,)


class Epsilon(Term):
    """The empty string alone."""

    __slots__ = ()

    def __init__(self) -> None:
        self._register(nullable=True, plain=True)

    def derivative(self, byte: int) -> Term:
        return EMPTY

    def _find_classes(self) -> tuple[int, ...]:
        return (ALL_BYTES,)


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
        )

    def derivative(self, byte: int) -> Term:
        if len(self.members) < 16:  # then a few suffixes walked twice cost less than noting them
            return choice(*[member.after(byte) for member in self.members])
        return choice(*[_then(head.after(byte), tail) for head, tail in _fronts(self.members)])

    def _find_classes(self) -> tuple[int, ...]:
        return refine(*{head: head.classes() for head, _ in _fronts(self.members)}.values())


class Concat(Term):
    """A string of `head`, then one of `tail`.  Concatenations lean right."""

    __slots__ = ("head", "tail")

    def __init__(self, head: Term, tail: Term) -> None:
        self.head = head
        self.tail = tail
        self._register(
            nullable=head.nullable and tail.nullable,
            plain=head.plain and tail.plain,
            fixed=head.fixed and tail.fixed,
            largest=max(head.largest, tail.largest),
        )

    def derivative(self, byte: int) -> Term:
        first = _then(self.head.after(byte), self.tail)
        if not self.head.nullable:
            return first
        tail = self.tail
        if type(tail) is not Concat or not tail.head.nullable:
            return choice(first, tail.derivative(byte))
        return choice(*[_then(head.after(byte), rest) for head, rest in _fronts((self,))])

    def _find_classes(self) -> tuple[int, ...]:
        if not self.head.nullable:
            return self.head.classes()
        return refine(*{head: head.classes() for head, _ in _fronts((self,))}.values())


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
    return list(fronts.values())


class Repeat(Term):
    """`low` to `high` strings of `body` in a row (`high` None: any number).  `body` is not nullable."""

    __slots__ = ("body", "high", "low")

    def __init__(self, body: Term, low: int, high: int | None) -> None:
        self.body = body
        self.low = low
        self.high = high
        self._register(
            nullable=low == 0, plain=body.plain, fixed=body.fixed, largest=max(low, high or 0, body.largest)
        )

    def derivative(self, byte: int) -> Term:
        rest = repeat(self.body, max(self.low - 1, 0), None if self.high is None else self.high - 1)
        return _then(self.body.after(byte), rest)

    def _find_classes(self) -> tuple[int, ...]:
        return self.body.classes()


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
        )

    def derivative(self, byte: int) -> Term:
        derived = []
        for member in self.members:
            after = member.after(byte)
            if after is EMPTY:
                return EMPTY
            derived.append(after)
        return intersect(*derived)

    def _find_classes(self) -> tuple[int, ...]:
        dead = self.dead_bytes()
        if not dead:
            return refine(*[member.classes() for member in self.members])
        live = [tuple(piece for mask in m.classes() if (piece := mask & ~dead)) for m in self.members]
        pieces = live[0]
        for partition in live[1:]:
            pieces = tuple(piece for old in pieces for new in partition if (piece := old & new))
        return (*pieces, dead)

    def dead_bytes(self) -> int:
        return reduce(or_, (member.dead_bytes() for member in self.members))


class Complement(Term):
    """The byte strings that `body` does not hold."""

    __slots__ = ("body",)

    def __init__(self, body: Term) -> None:
        self.body = body
        self._register(nullable=not body.nullable, plain=False, fixed=body.fixed)

    def derivative(self, byte: int) -> Term:
        return complement(self.body.after(byte))

    def _find_classes(self) -> tuple[int, ...]:
        return self.body.classes()


class Strings(Term):
    """A finite set of strings: a trie node, `here` when one ends at it, and its children by byte."""

    __slots__ = ("children", "size")

    def __init__(self, here: bool, children: dict[int, Term]) -> None:
        self.children = children
        self.size: int = here + sum(c.size if isinstance(c, Strings) else 1 for c in children.values())
        self._register(nullable=here, plain=True)

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
            ((byte, at),) = at.children.items()
            text.append(byte)
        return bytes(text)

    def _find_classes(self) -> tuple[int, ...]:
        by_child: dict[int, int] = {}
        rest = ALL_BYTES
        for byte, child in self.children.items():
            by_child[child.id] = by_child.get(child.id, 0) | 1 << byte
            rest &= ~(1 << byte)
        return (*by_child.values(), rest) if rest else tuple(by_child.values())


EMPTY: Final[Term] = Choice(())
EPSILON: Final[Term] = Epsilon()


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
    distinct = sorted(set(texts), reverse=True)
    with LOCK:
        open_nodes: list[tuple[int, dict[int, Term], bool]] = [(-1, {}, False)]
        path: list[int] = []
        for text in distinct:
            shared = 0
            while shared < len(path) and shared < len(text) and path[shared] == text[shared]:
                shared += 1
            _close(open_nodes, path, shared)
            for byte in text[shared:]:
                path.append(byte)
                open_nodes.append((byte, {}, False))
            byte, children, _ = open_nodes[-1]
            open_nodes[-1] = (byte, children, True)
        _close(open_nodes, path, 0)
        _, children, here = open_nodes[0]
        return _strings(here, children)


def _close(open_nodes: list[tuple[int, dict[int, Term], bool]], path: list[int], depth: int) -> None:
    while len(path) > depth:
        byte, children, here = open_nodes.pop()
        path.pop()
        open_nodes[-1][1][byte] = _strings(here, children)


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
    heads: list[Term] = []
    while type(first) is Concat:
        heads.append(first.head)
        first = first.tail
    if first is not EPSILON:
        heads.append(first)
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
    if len(members) > 1:
        _merge_counts(members)
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
    if masked:
        bytes_term = byte_set(mask)
        if bytes_term is EMPTY:
            return EMPTY
        members[bytes_term.id] = bytes_term
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

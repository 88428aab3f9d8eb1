"""What do the edges of a continuation offer to the tokens of a remainder?

Most continuations of most grammars have the same few rows of edges: a string, a comma or a bracket, a colon.
What follows an edge differs, and an edge knows of it nothing but a number.  So the answer is in two pieces,
and both are found out once for all grammars:

    edges       1 `,`   0 `]`        tokens of the remainder  ,   ],   ,"   ]}   x
    own         { `,` }              tokens that end inside an edge, or with it
    exits       1: { `,"` }  0: { `],`, `]}` }      what is left of those that go on behind each number

`Masks` asks on where the numbers lead, and adds the sums it gets.  A *sum* is a union of tokens that is not
carried out: packed rows of tables, lists of ids.  Sums are interned by how they were made, so that two
positions whose tokens are the same for the same reasons have one sum, and one finished mask.

Cost: a look-up for each row of edges met before; for others the tables of each edge (`tables.py`), and a new
sum.  MAX_SUMS of each kind are remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Final
from weakref import proxy

import numpy as np

from constrain.continuation import AnyEdge
from constrain.vocabulary.bitmask import Mask, Sparse, Words, clear_tokens, set_tokens, word_count
from constrain.vocabulary.remainders import EVERYTHING

if TYPE_CHECKING:
    from constrain.vocabulary.tables import Table, Tables

MAX_SUMS: Final = 50_000
FEW_CHANGES: Final = 40
"""With more of them, numpy is faster over the whole row."""
NONE: Final[frozenset[int]] = frozenset()

Ids = tuple[int, ...]
Packed = tuple["Words | Sparse", frozenset[int]]
"""A packed mask, and the ids in it that are not to be counted."""
Exit = tuple[int, int, frozenset[int]]
"""The number of what follows, the remainder left for it, and ids of it that are not to be counted."""

_numbers = count(1)


class Sum:
    """A union of tokens: packed masks, lists of ids, and lists of ids still to be tried."""

    __slots__ = ("deferred", "ids", "masks", "number", "packed")

    def __init__(
        self, packed: tuple[Packed, ...] = (), ids: tuple[Ids, ...] = (), deferred: tuple[Ids, ...] = ()
    ) -> None:
        self.packed = packed
        self.ids = ids
        self.deferred = deferred
        self.number = next(_numbers)
        self.masks: dict[Ids, Mask] = {}


NOTHING: Final = Sum()


class Ahead:
    """The tokens that end inside some edges, or with one of them, and what is left of the others."""

    __slots__ = ("exits", "own")

    def __init__(self, own: Sum, exits: tuple[Exit, ...]) -> None:
        self.own = own
        self.exits = exits


NOWHERE: Final = Ahead(NOTHING, ())


class Sums:
    """The sums of one vocabulary's tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables: Tables = proxy(tables)  # its own part, so no circle: they die together
        self._terminals: dict[tuple[int, int, int], Ahead] = {}
        self._firsts: dict[tuple[int, tuple[AnyEdge, ...]], Ahead] = {}
        self._joined: dict[tuple[int, ...], Sum] = {}
        self._insides: dict[tuple[int, frozenset[int]], Sum] = {}
        self._listed: dict[Ids, Sum] = {(): NOTHING}
        self._row: Words = np.zeros(word_count(tables.vocabulary.size), dtype=np.int32)

    def terminal(self, remainder: int, state: int, number: int) -> Ahead:
        """What a state of a terminal, followed by `number`, offers to the tokens of `remainder`."""
        key = (remainder, state, number)
        found = self._terminals.get(key)
        if found is None:
            tables = self._tables
            if remainder != EVERYTHING and not tables.remainders.lead(remainder) & tables.lead(state):
                found = NOWHERE
            else:
                table = tables.table(remainder, state)
                exits = ((number, table.exit, table.refused),) if table.exit else ()
                found = Ahead(self.inside(table, table.refused), exits)
            if len(self._terminals) >= MAX_SUMS:
                self._terminals.clear()
            self._terminals[key] = found
        return found

    def inside(self, table: Table, refused: frozenset[int]) -> Sum:
        """The tokens inside a terminal, but those refused."""
        inside = table.inside
        if isinstance(inside, tuple):
            return self.listed(tuple(token for token in inside if token not in refused))
        key = (id(inside), refused)  # the sum holds `inside`, so nothing else can be at its place
        found = self._insides.get(key)
        if found is None:
            if len(self._insides) >= MAX_SUMS:
                self._insides.clear()
            found = self._insides[key] = Sum(packed=((inside, refused),))
        return found

    def listed(self, ids: Ids) -> Sum:
        """A few tokens."""
        found = self._listed.get(ids)
        if found is None:
            if len(self._listed) >= MAX_SUMS:
                self._listed.clear()
                self._listed[()] = NOTHING
            found = self._listed[ids] = Sum(ids=(ids,))
        return found

    def known(self, remainder: int, edges: tuple[AnyEdge, ...]) -> Ahead | None:
        """What these edges offer, if they are plain and have been asked before."""
        return self._firsts.get((remainder, edges))

    def remember(self, remainder: int, edges: tuple[AnyEdge, ...], ahead: Ahead) -> None:
        """Keep what plain edges offer."""
        if len(self._firsts) >= MAX_SUMS:
            self._firsts.clear()
        self._firsts[remainder, edges] = ahead

    def together(self, each: Sequence[Ahead]) -> Ahead:
        """What several edges offer."""
        some = [ahead for ahead in each if ahead is not NOWHERE]
        if len(some) < 2:
            return some[0] if some else NOWHERE
        exits = self.merged(exit_ for ahead in some for exit_ in ahead.exits)
        return Ahead(self.joined([ahead.own for ahead in some]), exits)

    def merged(self, exits: Iterable[Exit]) -> tuple[Exit, ...]:
        """The exits, with those that lead to the same number made one."""
        groups: dict[tuple[int, frozenset[int]], set[int]] = {}
        for number, remainder, refused in exits:
            groups.setdefault((number, refused), set()).add(remainder)
        union = self._tables.remainders.union
        return tuple(
            (number, union(frozenset(rests)), refused) for (number, refused), rests in groups.items()
        )

    def joined(self, sums: Sequence[Sum]) -> Sum:
        """The tokens of all of these; the same sums give the same one."""
        if len(sums) == 1:
            return sums[0]
        if len(sums) == 2:
            one, other = sums
            if other is NOTHING or one is other:
                return one
            if one is NOTHING:
                return other
        several = {part.number: part for part in sums if part is not NOTHING}
        if len(several) < 2:
            return next(iter(several.values()), NOTHING)
        key = tuple(several)
        found = self._joined.get(key)
        if found is None:
            if len(self._joined) >= MAX_SUMS:
                self._joined.clear()
            parts = several.values()
            packed = {(id(row), refused): (row, refused) for part in parts for row, refused in part.packed}
            found = self._joined[key] = Sum(
                tuple(packed.values()),
                tuple({id(ids): ids for part in parts for ids in part.ids}.values()),
                tuple(ids for part in parts for ids in part.deferred),
            )
        return found

    def without(self, total: Sum, refused: frozenset[int]) -> Sum:
        """A sum without some tokens."""

        def kept(ids: Ids) -> Ids:
            return tuple(token for token in ids if token not in refused)

        return Sum(
            tuple((packed, others | refused) for packed, others in total.packed),
            tuple(map(kept, total.ids)),
            tuple(map(kept, total.deferred)),
        )

    def mask(self, total: Sum, more: Ids) -> Mask:
        """The finished mask of a sum, with `more` tokens; those still to be tried are left out."""
        found = total.masks.get(more)
        if found is None:
            found = total.masks[more] = self._changed(total, more) or self._written(total, more)
        return found

    def _changed(self, total: Sum, more: Ids) -> Mask | None:
        """A sum of at most one row and few ids; None for others."""
        row: Words | None = None
        refused = NONE
        if total.packed:
            (packed, refused), *others = total.packed
            if others or isinstance(packed, Sparse):
                return None
            row = packed
        if sum(map(len, total.ids)) + len(refused) > FEW_CHANGES:
            return None
        ids = {*more, *(token for some in total.ids for token in some)}
        return Mask.changed(row, ids, refused - ids)

    def _written(self, total: Sum, more: Ids) -> Mask:
        row = self._row
        row.fill(0)
        base: Words | None = None
        for packed, refused in total.packed:
            if refused:
                some = np.zeros_like(row)
                _add(packed, some)
                clear_tokens(some, refused)
                np.bitwise_or(row, some, out=row)
            else:
                _add(packed, row)
            if base is None and not isinstance(packed, Sparse):
                base = packed
        set_tokens(row, {*more, *(token for some in total.ids for token in some)})
        return Mask.between(base, row)


def _add(packed: Words | Sparse, row: Words) -> None:
    if isinstance(packed, Sparse):
        packed.add_to(row)
    else:
        np.bitwise_or(row, packed, out=row)

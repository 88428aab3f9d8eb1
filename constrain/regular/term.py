"""What is a byte language to whoever walks it: which bytes lead on, and to what?

A term answers in three ways, from the narrow to the wide:

    first           the bytes that a string may begin with
    after(byte)     the derivative by one byte: what may follow it
    ways()          all derivatives at once: sets of bytes, each with what follows any of them

`[a-f]x|cd` has the first bytes a to f; after `c` comes `x|d`; its ways are {a, b, d, e, f} x and {c} (x|d).
What kinds of terms there are, and how they are made, is in `terms.py`.

Ways of a choice are put together one by one: those that have bytes in common are cut there (`add_way`), and
those that lead to the same term are one (`joined`).

Source: ways are the linear forms of Antimirov, "Partial derivatives of regular expressions and finite
automaton constructions", TCS 155(2), 1996, with sets of bytes for letters.
Cost: derivatives and ways are remembered for a generation (`interning.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_
from typing import ClassVar

from constrain.budget import spend
from constrain.regular.byte_sets import ALL_BYTES
from constrain.regular.interning import derivatives, known_ways

Way = tuple[int, "Term"]
"""A set of bytes, and the derivative by each of them."""
Ways = tuple[Way, ...]
"""Ways whose sets are disjoint."""


FEW_PIECES = 16
"""The cuts of a way that meets no more pieces than that are part of the step that makes it."""


class Term:
    """An interned byte language.  Compare with `is`; make with the functions of this module."""

    __slots__ = ("first", "fixed", "id", "largest", "nullable", "plain")

    _ids: ClassVar[Iterator[int]] = itertools.count()
    empty: ClassVar[Term]
    """The term of the empty language, EMPTY in `terms.py`."""

    id: int
    nullable: bool
    """Does the language hold the empty string?"""
    plain: bool
    """Made without intersection, complement or leaf: then only EMPTY is empty."""
    fixed: bool
    """Free of assertions about the text so far (`watched.py`): then `nullable` holds anywhere."""
    largest: int
    """The largest count of a repeat outside complements."""
    first: int
    """The bytes (a 256-bit set) that a string begins with, and maybe more of them."""

    def _register(
        self, nullable: bool, plain: bool, fixed: bool = True, largest: int = 0, first: int = ALL_BYTES
    ) -> None:
        self.id = next(Term._ids)
        self.nullable = nullable
        self.plain = plain
        self.fixed = fixed
        self.largest = largest
        self.first = first

    def after(self, byte: int) -> Term:
        """`derivative`, remembered: for terms that are parts of many others."""
        if not self.first >> byte & 1:
            return Term.empty
        key = self.id << 8 | byte
        found = derivatives.get(key)
        if found is None:
            spend()
            found = derivatives[key] = self.derivative(byte)
        return found

    def derivative(self, byte: int) -> Term:
        """What may follow `byte`."""
        raise TypeError(f"{type(self).__name__} does not implement derivative")

    def ways(self) -> Ways:
        """Every derivative that is not Term.empty, and the set of bytes (a 256-bit mask) that lead to it."""
        ways = known_ways.get(self.id)
        if ways is None:
            ways = known_ways[self.id] = tuple(self._find_ways(ALL_BYTES))
            spend(2 + (len(ways) >> 1))
        return ways

    def ways_within(self, within: int) -> Iterable[Way]:
        """The ways by bytes of a set."""
        if not self.first & ~within:
            return self.ways()
        ways = known_ways.get(self.id)
        if ways is None:
            found = tuple(self._find_ways(within))
            spend(2 + (len(found) >> 1))  # like those of all bytes, but not remembered
            return found
        return [(common, after) for mask, after in ways if (common := mask & within)]

    def classes(self) -> tuple[int, ...]:
        """Disjoint byte sets covering all bytes; the derivative is constant on each."""
        masks = [mask for mask, _ in self.ways()]
        rest = ALL_BYTES ^ reduce(or_, masks, 0)
        return (*masks, rest) if rest else tuple(masks)

    def _find_ways(self, within: int) -> Iterable[Way]:
        """Of a term that says its `classes` instead."""
        found = [
            (common, self.derivative((common & -common).bit_length() - 1))
            for mask in self.classes()
            if (common := mask & within)
        ]
        return [(mask, after) for mask, after in found if after is not Term.empty]


def joined(ways: Iterable[Way]) -> Iterable[Way]:
    """Disjoint ways, with those to the same term made one, and those to nothing left out."""
    masks: dict[Term, int] = {}
    for mask, after in ways:
        if after is not Term.empty:
            masks[after] = masks.get(after, 0) | mask
    return [(mask, after) for after, mask in masks.items()]


Piece = tuple[int, tuple["Term", ...]]
"""A set of bytes, and the derivatives of several terms by each of them."""


def cut(pieces: list[Piece], ways: Iterable[Way]) -> list[Piece]:
    """Disjoint pieces, cut along the ways of one more term, which has nothing behind other bytes."""
    found: list[Piece] = []
    for mask, afters in pieces:
        rest = mask
        for others_mask, after in ways:
            common = rest & others_mask
            if common:
                found.append((common, (*afters, after)))
                rest ^= common
                if not rest:
                    break
        if rest:
            found.append((rest, (*afters, Term.empty)))
    return found


def add_way(pieces: dict[int, list[Term]], mask: int, after: Term) -> None:
    """One more way; `pieces` are disjoint, with where each leads, and split where the new one ends inside."""
    found = pieces.get(mask)
    if found is not None:
        found.append(after)
        return
    if len(pieces) > FEW_PIECES:
        spend(len(pieces) >> 3)
    for piece in list(pieces):
        common = piece & mask
        if not common:
            continue
        if common == piece:
            pieces[piece].append(after)
        else:
            before = pieces.pop(piece)
            pieces[piece ^ common] = before
            pieces[common] = [*before, after]
        mask ^= common
        if not mask:
            return
    pieces[mask] = [after]

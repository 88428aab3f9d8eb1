"""Null, booleans, numbers and strings: one formula, one exact set, one terminal.

A scalar's formula is never multiplied out.  `not`, `anyOf` and `oneOf` of patterns are boolean operations on
regular languages, those of bounds and multiples boolean operations on number sets, so a formula is folded
from its leaves upwards, and its size is what it costs:

    and(minl 2, npat "x")   →   length(2, ∞) ∩ (universe − pattern("x"))

Two readings of the same formula live here.  The *values* (is it empty? which are they, if they are few? does
it hold of "abc"?) use the canonical spelling, where one text is one value.  The *terminals*, which are what a
mask reads, use the spelling the caller asked for.

1. Draft 4's `integer` speaks of how a number is written.  So a number formula denotes two sets: the numbers
   that may be written as plain integers, and those that may be written with a fraction or an exponent.
2. In the canonical spelling a set of whole numbers is written without a fraction: `1`, not `1.0`; except
   those that the schema's own `enum` or `const` writes with one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from heapq import nsmallest
from typing import Generic, TypeVar

from constrain.budget import spend
from constrain.json_schema.finite import few_strings
from constrain.json_schema.formula import Formula
from constrain.json_schema.number_set import NumberSet
from constrain.json_schema.numbers import number_space
from constrain.json_schema.occurring import numbers_in, spell_number
from constrain.json_schema.plain_scalars import plainly_some
from constrain.json_schema.string_sets import StringSets
from constrain.json_schema.strings import QUOTE, matches, spell_canonical, string_space
from constrain.json_schema.values import BOOLEAN, NULL, NUMBER, STRING, Value, fraction_of, is_small
from constrain.json_schema.witnesses import has_a_contradiction, has_witnesses, listed
from constrain.regular.queries import accepts, enumerate_strings, is_empty
from constrain.regular.terms import Term, choice, concat, difference, literal, literals

Set = TypeVar("Set")


@dataclass(frozen=True, slots=True)
class Algebra(Generic[Set]):
    """The operations of one kind of set."""

    everything: Set
    nothing: Set
    atom: Callable[[Formula], Set]
    meet: Callable[[Set, Set], Set]
    join: Callable[[Set, Set], Set]
    minus: Callable[[Set, Set], Set]


def fold(formula: Formula, algebra: Algebra[Set], memo: dict[Formula, Set]) -> Set:
    """The set that a formula of one type denotes."""
    found = memo.get(formula)
    if found is not None:
        return found
    kind = formula.kind
    if kind in {"true", "order"}:
        result = algebra.everything
    elif kind == "false":
        result = algebra.nothing
    elif kind == "and":
        result = algebra.everything
        for part in formula.parts:
            result = algebra.meet(result, fold(part, algebra, memo))
    elif kind == "or":
        result = algebra.nothing
        for part in formula.parts:
            result = algebra.join(result, fold(part, algebra, memo))
    elif kind in {"one", "notone"}:
        once, twice = algebra.nothing, algebra.nothing
        for part in formula.parts:
            this = fold(part, algebra, memo)
            twice = algebra.join(twice, algebra.meet(once, this))
            once = algebra.join(once, this)
        result = algebra.minus(once, twice)
        if kind == "notone":
            result = algebra.minus(algebra.everything, result)
    else:
        result = algebra.atom(formula)
    memo[formula] = result
    return result


@dataclass(frozen=True, slots=True)
class Numbers:
    """A set of numbers: as plain integers, and as anything else."""

    plain: NumberSet
    other: NumberSet

    @classmethod
    def same(cls, numbers: NumberSet) -> Numbers:
        """The same numbers in every spelling."""
        return cls(numbers, numbers)


_ABOUT_SPELLING = frozenset({"integer", "ninteger", "occurs"})
"""Atoms that tell apart how one value is written, or where."""

MANY = 32
"""More strings than that are not sought one by one."""

_ALL, _NO = NumberSet.all(), NumberSet.empty()
_NUMBER_ATOMS: dict[str, Callable[[Fraction], NumberSet]] = {
    "ge": NumberSet.at_least,
    "gt": NumberSet.above,
    "le": NumberSet.at_most,
    "lt": NumberSet.below,
    "mul": NumberSet.multiple_of,
    "nmul": lambda value: _ALL - NumberSet.multiple_of(value),
}


def _number_atom(atom: Formula) -> Numbers:
    if atom.kind == "integer":
        return Numbers(NumberSet.integers(), _NO)
    if atom.kind == "ninteger":
        return Numbers(_NO, _ALL)
    if atom.kind in {"in", "nin"}:
        named = NumberSet.values(value.data for value in atom.args[0] if value.type == NUMBER)
        return Numbers.same(named if atom.kind == "in" else _ALL - named)
    return Numbers.same(_NUMBER_ATOMS[atom.kind](atom.args[0]))


NUMBER_ALGEBRA: Algebra[Numbers] = Algebra(
    Numbers.same(_ALL),
    Numbers.same(_NO),
    _number_atom,
    lambda a, b: Numbers(a.plain & b.plain, a.other & b.other),
    lambda a, b: Numbers(a.plain | b.plain, a.other | b.other),
    lambda a, b: Numbers(a.plain - b.plain, a.other - b.other),
)


def _constant_algebra(universe: frozenset[Value]) -> Algebra[frozenset[Value]]:
    def atom(formula: Formula) -> frozenset[Value]:
        named: frozenset[Value] = formula.args[0] & universe
        return named if formula.kind == "in" else universe - named

    return Algebra(universe, frozenset(), atom, frozenset.intersection, frozenset.union, frozenset.difference)


_CONSTANTS = {
    NULL: _constant_algebra(frozenset((Value(NULL, None),))),
    BOOLEAN: _constant_algebra(frozenset((Value(BOOLEAN, True), Value(BOOLEAN, False)))),
}
_CONSTANT_TEXTS = {None: b"null", True: b"true", False: b"false"}


class Scalars:
    """The scalar sets of one grammar; `verbatim` is the document that the atom `occurs` speaks of."""

    def __init__(self, spelling: str, verbatim: str | None = None) -> None:
        self.written_with_point: set[Fraction] = set()
        self.strings = string_space("canonical")
        self.spelled = self.strings if spelling == "canonical" else string_space("any")
        self.numbers = number_space("canonical" if spelling == "canonical" else "any")
        self._written = frozenset() if verbatim is None else numbers_in(verbatim)
        self._values = StringSets(self.strings, verbatim or "")
        self._texts = self._values
        if self.spelled is not self.strings:
            self._texts = StringSets(self.spelled, verbatim or "")
        self._strings: dict[Formula, Term] = {}
        self._numbers: dict[Formula, Numbers] = {}
        self._constants: dict[Formula, frozenset[Value]] = {}
        self._terminals: dict[int, Term] = {}
        self._empty: dict[int, bool] = {}
        self._named: dict[int, list[Value]] = {}

    @property
    def any_string(self) -> Term:
        """Every string with its quotes, in the caller's spelling."""
        return self.spelled.any_string

    def note_points(self, named: Iterable[object], where: str = "") -> None:
        """Remember the whole numbers that an `enum` or a `const` writes as `1.0`: so they may be written.

        Raises SchemaError or LimitExceeded for a number that no schema may hold (values.py).
        """
        pending = list(named)
        spend(len(pending) >> 4)
        while pending:
            here = pending.pop()
            if isinstance(here, (float, Decimal)):
                number = fraction_of(here, where)
                if number.denominator == 1:
                    self.written_with_point.add(number)
            elif isinstance(here, int):
                if not is_small(here):
                    fraction_of(here, where)
            elif isinstance(here, dict):
                spend(len(here) >> 4)
                pending.extend(here.values())
            elif isinstance(here, list):
                spend(len(here) >> 4)
                pending.extend(here)

    # Values.  Formulas here speak of one scalar type only.

    def string_language(self, formula: Formula) -> Term:
        """The strings, canonically spelled, each with its closing quote but without the one that opens it."""
        found = self._strings.get(formula)
        if found is None:
            found = self._strings[formula] = self._values.term(formula, self.holds)
        return found

    def _number_sets(self, formula: Formula) -> Numbers:
        return fold(formula, NUMBER_ALGEBRA, self._numbers)

    def _occurring(self, formula: Formula) -> list[Fraction] | None:
        """The numbers of a formula that says `occurs`, ascending; None for other formulas.

        They are few, and not near one another: as a set with bounds they would be thousands of bounds.
        """
        parts = formula.parts if formula.kind == "and" else (formula,)
        spoken = next((part for part in parts if part.kind == "occurs"), None)
        if spoken is None:
            return None
        named = {value.data for value in spoken.args[0] if value.type == NUMBER}
        rest = [part for part in parts if part is not spoken]
        return sorted(
            number
            for number in named | self._written
            if all(self.holds(part, Value(NUMBER, number)) for part in rest)
        )

    def named(self, formula: Formula, kind: int) -> list[Value] | None:
        """The strings or numbers of a formula that names them, but for a few words of its own; else None.

        Each that an `in` names is asked of the rest, which takes as long as there are names; a product of
        automata would take as long as they have letters, and more.
        """
        parts = formula.parts if formula.kind == "and" else (formula,)
        spoken = next((part for part in parts if part.kind == "in"), None)
        if spoken is None or any(part.kind in _ABOUT_SPELLING for part in parts):
            return None
        key = formula.key(kind)
        found = self._named.get(key)
        if found is None:
            rest = [part for part in parts if part is not spoken]
            spend(len(spoken.args[0]) * (1 + 2 * len(rest)) >> 2)
            found = [value for value in spoken.args[0] if all(self.holds(part, value) for part in rest)]
            if kind == NUMBER:
                found = [value for value in found if self.numbers.can_write(value.data)]
            self._named[key] = found
        return found

    def _constant_set(self, formula: Formula, kind: int) -> frozenset[Value]:
        return fold(formula, _CONSTANTS[kind], {})

    def is_empty(self, formula: Formula, kind: int) -> bool:
        """Is there no text of this type?"""
        if formula.kind in {"true", "false"}:
            return formula.kind == "false"
        key = formula.key(kind)
        found = self._empty.get(key)
        if found is None:
            found = self._empty[key] = self._is_empty(formula, kind)
        return found

    def _is_empty(self, formula: Formula, kind: int) -> bool:
        if plainly_some(formula, kind) or (kind == STRING and self._has_witnesses(formula, 1)):
            return False
        if kind in {STRING, NUMBER} and (named := self.named(formula, kind)) is not None:
            return not named
        if kind == STRING:
            return has_a_contradiction(formula) or is_empty(self.string_language(formula))
        if kind == NUMBER:
            return is_empty(self.terminal(formula, NUMBER))
        return not self._constant_set(formula, kind)

    def _has_witnesses(self, formula: Formula, wanted: int) -> bool:
        return has_witnesses(formula, wanted, lambda text: self.holds(formula, Value(STRING, text)))

    def finite_values(self, formula: Formula, kind: int, limit: int) -> list[Value] | None:
        """All values, if there are at most `limit` of them."""
        if formula.kind in {"true", "nin", "minl"} and kind in {STRING, NUMBER}:
            return None
        if kind in {STRING, NUMBER} and (named := self.named(formula, kind)) is not None:
            return sorted(named) if len(named) <= limit else None
        if kind == STRING:
            texts = listed(formula, limit)
            if texts is not None:
                return [value for text in texts if self.holds(formula, value := Value(STRING, text))]
            if limit < MANY and self._has_witnesses(formula, limit + 1):
                return None
            few = few_strings(self.string_language(formula), limit)
            return None if few is None else [Value(STRING, _text(text)) for text in few]
        if kind == NUMBER:
            found = self._occurring(formula)
            if found is None:
                sets = self._number_sets(formula)
                found = (sets.plain & NumberSet.integers() | sets.other).finite_values(limit)
            if found is None or len(found) > limit:
                return None
            return [Value(NUMBER, number) for number in found]
        values = self._constant_set(formula, kind)
        return list(values) if len(values) <= limit else None

    def finite_size(self, formula: Formula, limit: int) -> int | None:
        """How many strings there are, if at most `limit`."""
        few = few_strings(self.string_language(formula), limit)
        return None if few is None else len(few)

    def some_values(self, formula: Formula, kind: int, limit: int) -> list[Value]:
        """`limit` different values, or all if there are fewer."""
        finite = self.finite_values(formula, kind, limit)
        if finite is not None:
            return finite
        if kind in {STRING, NUMBER} and (named := self.named(formula, kind)) is not None:
            return nsmallest(limit, named)
        if kind == STRING:
            language = self.string_language(formula)
            return [Value(STRING, _text(text)) for text in enumerate_strings(language, limit)]
        if kind == NUMBER:
            occurring = self._occurring(formula)
            if occurring is not None:
                return [Value(NUMBER, number) for number in occurring[:limit]]
            sets = self._number_sets(formula)
            left = sets.plain & NumberSet.integers() | sets.other
            found: list[Value] = []
            while len(found) < limit and (number := left.witness()) is not None:
                found.append(Value(NUMBER, number))
                left = left - NumberSet.values([number])
            return found
        return list(self._constant_set(formula, kind))[:limit]

    def holds(self, formula: Formula, value: Value) -> bool:
        """Is this value one of them?"""
        kind = formula.kind
        if kind == "in":
            return value in formula.args[0]
        if kind == "nin":
            return value not in formula.args[0]
        if kind in {"true", "order"}:
            return True
        if kind == "false":
            return False
        if kind == "and":
            return all(self.holds(part, value) for part in formula.parts)
        if kind == "or":
            return any(self.holds(part, value) for part in formula.parts)
        if kind in {"one", "notone"}:
            return (sum(self.holds(part, value) for part in formula.parts) == 1) == (kind == "one")
        if kind == "minl":
            return len(value.data) >= int(formula.args[0])
        if kind == "maxl":
            return len(value.data) <= int(formula.args[0])
        if kind == "occurs" and value.type == NUMBER:
            return value in formula.args[0] or value.data in self._written
        if value.type == STRING:
            if kind in {"pat", "npat"}:
                return matches(formula.args[0], value.data) == (kind == "pat")
            return accepts(self.string_language(formula), spell_canonical(value.data) + b'"')
        sets = self._number_sets(formula)
        whole = value.data.denominator == 1
        return sets.other.contains(value.data) or (whole and sets.plain.contains(value.data))

    # Terminals.

    def terminal(self, formula: Formula, kind: int) -> Term:
        """The texts of this type, in the caller's spelling; EMPTY where there are none."""
        key = formula.key(kind)
        found = self._terminals.get(key)
        if found is None:
            found = self._terminals[key] = self._terminal(formula, kind)
        return found

    def _terminal(self, formula: Formula, kind: int) -> Term:
        named = self.named(formula, kind) if kind in {STRING, NUMBER} else None
        if named is not None and kind == STRING:
            return self.spelled.quoted(self.spelled.values(value.data for value in named))
        if named is not None:
            return self._named_numbers([value.data for value in named])
        if kind == STRING:
            if self._texts is self._values:
                return concat(QUOTE, self.string_language(formula))
            return concat(QUOTE, self._texts.term(formula, self.holds))
        if kind == NUMBER:
            occurring = self._occurring(formula)
            if occurring is None:
                return self._number_terminal(self._number_sets(formula))
            if self.numbers.spelling == "any":
                return self.numbers.values(occurring)
            return literals([text for number in occurring for text in self._spellings(formula, number)])
        return choice(*(literal(_CONSTANT_TEXTS[value.data]) for value in self._constant_set(formula, kind)))

    def _spellings(self, formula: Formula, number: Fraction) -> Iterator[bytes]:
        """The canonical spellings of one number that occurs."""
        spelled = spell_number(number)
        if number.denominator > 1:
            yield spelled
            return
        parts = [part for part in (formula.parts if formula.kind == "and" else ()) if part.kind != "occurs"]
        sets = [self._number_sets(part) for part in parts]
        if all(found.plain.contains(number) for found in sets):
            yield spelled
            if number not in self.written_with_point:
                return
        if all(found.other.contains(number) for found in sets):
            yield spelled + b".0"

    def _named_numbers(self, numbers: list[Fraction]) -> Term:
        """The spellings of these numbers."""
        space = self.numbers
        if space.spelling == "any" or any(number.denominator > 1 for number in numbers):
            return space.values(numbers)
        pointed = self.written_with_point.intersection(numbers)
        return choice(space.values(numbers, integer_spellings=True), space.values(pointed))

    def _number_terminal(self, sets: Numbers) -> Term:
        space = self.numbers
        if sets.plain == sets.other:
            if space.spelling == "any" or not (sets.plain - NumberSet.integers()).is_empty():
                return space.term(sets.plain)
            pointed = sets.plain & NumberSet.values(self.written_with_point)
            return choice(space.term(sets.plain, integer_spellings=True), space.term(pointed))
        plain = space.term(sets.plain, integer_spellings=True)
        if sets.other.is_empty():
            return plain
        return choice(plain, difference(space.term(sets.other), space.integer_spellings))

    def keys(self, language: Formula, without: Iterable[str] = ()) -> Term:
        """The quoted keys of a language, without some names, in the caller's spelling."""
        return concat(QUOTE, self._texts.term(language, self.holds, without))


def _text(closed: bytes) -> str:
    text: str = json.loads(b'"' + closed)
    return text

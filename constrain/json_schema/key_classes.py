"""Which keys without names may come, and what does each of them bring?

`patternProperties` says something of all keys that match a pattern, and a key may match several:

    {"patternProperties": {"^a": A, "z$": Z}, "additionalProperties": false}

    key       in ^a   in z$    its value
    ab        yes     no       A
    az        yes     yes      A and Z
    b         no      no       none: FALSE is said of it

A *class* of keys is which of the languages hold them, and there may be 2^n of them.  They are not listed.  A
mask follows any key that may come, as one language, and asks for its class where it closes (`TextClasses`); a
class gets its *kind*, the goal of its value and the debts it may settle, when it is met.

Which keys may come is a language as well: those of which no FALSE is said, unless some of what is said cannot
hold together.  Then that is found out from the goals: all of them at once first, which is nearly always the
answer, else by a smallest conflict, at one of whose languages the keys are split.

Source: ours.  A smallest conflict is found by deletion, as minimal unsatisfiable subsets of clauses are.
Cost: one question about a goal where nothing conflicts; for each conflict as many as there are languages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from constrain.budget import spend
from constrain.continuation import TextClasses
from constrain.json_schema.formula import CONNECTIVES, Formula
from constrain.json_schema.values import STRING, Value

if TYPE_CHECKING:
    from constrain.json_schema.goals import Goals

Kind = tuple[Formula, int]
"""The goal of a key's value, and the debts that it may settle, one bit each."""
Lives = Callable[[Formula], bool]


class KeyClasses:
    """What is said of keys without names: `alls` of every one in a language, `somes` of some one in one."""

    def __init__(
        self,
        goals: Goals,
        alls: Sequence[tuple[Formula, Formula]],
        somes: Sequence[Formula],
    ) -> None:
        self._goals, self._formulas = goals, goals.formulas
        said = [(self._rest(language), formula) for language, formula in alls]
        false = self._formulas.false
        refused = [rest for rest, formula in said if formula is false]
        any_key = goals.view.of_value(self._formulas.true, STRING)  # of a document, if one is given
        self.possible = self._formulas.conj([any_key, *map(self._formulas.negate, refused)])
        """The keys of which FALSE is not said."""
        self._alls = [(rest, formula) for rest, formula in said if formula is not false and rest is not false]
        self._somes = [self._rest(language) for language in somes]
        told = [*(rest for rest, _ in self._alls), *self._somes]
        self._cuts = [rest for rest in dict.fromkeys(told) if rest.kind not in {"true", "false"}]
        self.kinds: list[Kind] = []
        """The kinds of the classes met so far, by number."""
        self._numbers: dict[Kind, int] = {}

    @cached_property
    def together(self) -> Formula:
        """The goal of a key in all languages."""
        return self._formulas.conj(formula for _, formula in self._alls)

    def _rest(self, language: Formula) -> Formula:
        """What a key language says of the keys that have no name here."""
        formulas = self._formulas
        kind = language.kind
        if kind in {"in", "nin"}:
            return formulas.false if kind == "in" else formulas.true
        if kind in CONNECTIVES:
            parts = [self._rest(part) for part in language.parts]
            join = {"and": formulas.conj, "or": formulas.disj, "one": formulas.one, "notone": formulas.notone}
            return join[kind](parts)
        return language

    # Kinds.

    def _kind(self, holds: Callable[[Formula], bool]) -> Kind:
        goal = self._formulas.conj(formula for rest, formula in self._alls if holds(rest))
        return goal, sum(1 << number for number, rest in enumerate(self._somes) if holds(rest))

    def number(self, kind: Kind) -> int:
        """The number of a kind."""
        found = self._numbers.get(kind)
        if found is None:
            found = self._numbers[kind] = len(self.kinds)
            self.kinds.append(kind)
        return found

    @cached_property
    def _atoms(self) -> tuple[Formula, ...]:
        """What tells keys apart: the positive atoms of all languages."""
        found: dict[Formula, None] = {}
        pending = [rest for rest, _ in self._alls] + self._somes
        while pending:
            part = pending.pop()
            if part.kind in CONNECTIVES:
                pending.extend(part.parts)
            elif part.kind not in {"true", "false"}:
                found[self._positive(part)] = None
        return tuple(found)

    def _positive(self, atom: Formula) -> Formula:
        return self._formulas.negate(atom) if atom.kind in {"npat", "nfmt"} else atom

    def texts(self, offset: int) -> TextClasses:
        """The classes of keys as they are written; a kind is followed by its number and `offset`."""
        known: dict[int, int] = {}

        def number(held: int) -> int:
            found = known.get(held)
            if found is None:
                atoms = {atom for bit, atom in enumerate(self._atoms) if held >> bit & 1}
                found = known[held] = offset + self.number(self._kind(lambda rest: self._holds(rest, atoms)))
            return found

        if not self._cuts:
            only = offset + self.number(self._kind_of(frozenset()))
            return TextClasses((), lambda held: only)
        terminal = self._goals.scalars.terminal
        return TextClasses(tuple(terminal(atom, STRING) for atom in self._atoms), number)

    def _holds(self, language: Formula, atoms: set[Formula]) -> bool:
        """Does a language hold a key, of which these atoms hold and no others?"""
        kind = language.kind
        if kind in CONNECTIVES:
            holding = [self._holds(part, atoms) for part in language.parts]
            if kind in {"and", "or"}:
                return all(holding) if kind == "and" else any(holding)
            return (sum(holding) == 1) == (kind == "one")
        if kind in {"true", "false"}:
            return kind == "true"
        positive = self._positive(language)
        return (positive in atoms) == (positive is language)

    # Which keys may come.

    def language(self, lives: Lives) -> Formula:
        """The keys whose goal `lives`."""
        certain = [formula for rest, formula in self._alls if rest.kind == "true"]
        told = [(rest, formula) for rest, formula in self._alls if rest.kind != "true"]
        if self.possible is self._formulas.false:
            return self.possible
        return self._formulas.conj([self.possible, self._split(self.possible, certain, told, lives)])

    def _split(
        self,
        keys: Formula,
        certain: list[Formula],
        told: list[tuple[Formula, Formula]],
        lives: Lives,
    ) -> Formula:
        """The keys among `keys` whose goal lives; `certain` is said of all, `told` of those in a language."""
        formulas = self._formulas
        spend()

        def together(some: Sequence[tuple[Formula, Formula]]) -> bool:
            return lives(formulas.conj([*certain, *(formula for _, formula in some)]))

        if together(told):
            return formulas.true
        if not together(()):
            return formulas.false
        conflict = told
        for pair in told:
            fewer = [other for other in conflict if other is not pair]
            if not together(fewer):
                conflict = fewer
        rest = conflict[0][0]
        others = [pair for pair in told if pair[0] is not rest]
        also = [formula for other, formula in told if other is rest]
        inside, outside = formulas.conj([keys, rest]), formulas.conj([keys, formulas.negate(rest)])
        met = [pair for pair in others if not self._is_empty(formulas.conj([inside, pair[0]]))]
        held, left = formulas.false, formulas.false
        if not self._is_empty(inside):
            held = self._split(inside, [*certain, *also], met, lives)
        if not self._is_empty(outside):
            left = self._split(outside, certain, others, lives)
        return formulas.disj(
            [formulas.conj([rest, held]), formulas.conj([formulas.negate(rest), left])]
            if held is not left
            else [held]
        )

    def _is_empty(self, language: Formula) -> bool:
        return self._goals.scalars.is_empty(language, STRING)

    def occurring(self, names: Sequence[str], lives: Lives) -> Iterator[tuple[Formula, Kind]]:
        """The classes that hold a key that is none of `names`, and whose goal lives, one after the other.

        Their languages hold some of `names` too.  Each takes at most two questions for each language.
        """
        formulas = self._formulas
        named = formulas.not_values(Value(STRING, name) for name in names)
        stack: list[tuple[Formula, frozenset[Formula], int]] = [(self.possible, frozenset(), 0)]
        while stack:
            keys, held, depth = stack.pop()
            spend()
            if self._is_empty(formulas.conj([keys, named])):
                continue
            kind = self._kind_of(held)
            if not lives(kind[0]):
                continue
            if depth == len(self._cuts):
                yield keys, kind
                continue
            cut = self._cuts[depth]
            stack.append((formulas.conj([keys, cut]), held | {cut}, depth + 1))
            stack.append((formulas.conj([keys, formulas.negate(cut)]), held, depth + 1))

    def _kind_of(self, held: frozenset[Formula]) -> Kind:
        return self._kind(lambda rest: rest.kind == "true" or rest in held)

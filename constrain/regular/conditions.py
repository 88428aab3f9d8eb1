"""Boolean formulas over languages that are kept apart: the conditions of a product (`products.py`).

    pattern p, not pattern q          all(p, ~q)
    exactly one of three patterns     one(p, q, r)

A condition is True, False, a term, the complement of a term, or a `Connective` of conditions.  The terms in
it are its *factors*.  It is kept in a normal form, so that conditions which are plainly alike are the same
object:

1. Complements stand at the factors only: the negation of `all` is `any` of the negations.
2. `all` and `any` are flat, sorted, and without repetitions, and a part beside its negation settles them.
3. `one` of parts, of which one holds, is `all` of the negations of the others.  It is not written as so many
   conjunctions: its size, and the work that is done for it, would be quadratic.

`replaced` puts something else in place of each factor.  A text is read by a condition by replacing its
factors by their derivatives, again and again.

Source: folklore; `one` is kept as the keyword `oneOf` says it.
Cost: linear in the parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from constrain.regular.keeping import at_end
from constrain.regular.terms import Complement, Term, complement

Kind = Literal["all", "any", "one", "not one"]


class Connective:
    """An interned connective of at least two conditions; make it with the functions of this module."""

    __slots__ = ("factors", "id", "kind", "parts")

    def __init__(self, kind: Kind, parts: tuple[Part, ...]) -> None:
        self.kind = kind
        self.parts = parts
        self.id = next(Term._ids)
        self.factors = tuple(dict.fromkeys(factor for part in parts for factor in factors_of(part)))

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(map(repr, self.parts))})"


Part = Term | Connective
Condition = bool | Part

_interned: Final[dict[tuple[object, ...], Connective]] = {}
at_end(_interned.clear)

_NEGATED: Final[dict[Kind, Kind]] = {"all": "any", "any": "all", "one": "not one", "not one": "one"}


def factors_of(condition: Condition) -> tuple[Term, ...]:
    """The terms that a condition is made of, each once, without the complements around them."""
    if isinstance(condition, bool):
        return ()
    if type(condition) is Connective:
        return condition.factors
    return (condition.body,) if type(condition) is Complement else (condition,)  # type: ignore[return-value]


def is_positive(condition: Condition) -> bool:
    """Is it a factor, without a complement?"""
    return not isinstance(condition, bool | Connective | Complement)


def parts_of(condition: Condition, kind: Kind) -> tuple[Condition, ...]:
    """The parts of a connective of this kind; any other condition is its own only part."""
    return condition.parts if type(condition) is Connective and condition.kind == kind else (condition,)


def negation(condition: Condition) -> Condition:
    """What holds exactly where `condition` does not."""
    if isinstance(condition, bool):
        return not condition
    if isinstance(condition, Term):
        return complement(condition)
    if condition.kind == "all":
        return any_of(map(negation, condition.parts))
    if condition.kind == "any":
        return all_of(map(negation, condition.parts))
    return _connective(_NEGATED[condition.kind], condition.parts)


def all_of(conditions: Iterable[Condition]) -> Condition:
    """All of them; of nothing, True.

    >>> from constrain.regular.terms import literal
    >>> a, b = literal(b"a"), literal(b"b")
    >>> all_of([a, all_of([b, a])]) is all_of([b, a, True]), all_of([a, negation(a)])
    (True, False)
    """
    return _joined("all", conditions, neutral=True)


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Any of them; of nothing, False."""
    return _joined("any", conditions, neutral=False)


def _joined(kind: Kind, conditions: Iterable[Condition], *, neutral: bool) -> Condition:
    kept: dict[int, Part] = {}
    negated: set[int] = set()
    for condition in conditions:
        for part in parts_of(condition, kind):
            if isinstance(part, bool):
                if part != neutral:
                    return part
                continue
            kept[part.id] = part
            if type(part) is Complement:
                negated.add(part.body.id)
    if not kept:
        return neutral
    if not negated.isdisjoint(kept):
        return not neutral
    return next(iter(kept.values())) if len(kept) == 1 else _connective(kind, tuple(kept.values()))


def exactly_one(conditions: Iterable[Condition]) -> Condition:
    """Exactly one of them; of nothing, False."""
    once: dict[int, Part] = {}
    twice: dict[int, Part] = {}
    certain = 0
    for condition in conditions:
        if isinstance(condition, bool):
            certain += condition
        elif condition.id in once:
            twice[condition.id] = condition
        else:
            once[condition.id] = condition
    if certain > 1:
        return False
    others = [part for number, part in once.items() if number not in twice]
    refused = [negation(part) for part in (*twice.values(), *(others if certain else ()))]
    if not certain:
        if not others:
            return False
        refused.append(others[0] if len(others) == 1 else _connective("one", tuple(others)))
    return all_of(refused)


def _connective(kind: Kind, parts: tuple[Part, ...]) -> Connective:
    parts = tuple(sorted(parts, key=_id))
    key = (kind, *map(_id, parts))
    found = _interned.get(key)
    if found is None:
        found = _interned[key] = Connective(kind, parts)
    return found


def _id(part: Part) -> int:
    return part.id


def replaced(condition: Condition, by: Mapping[Term, Condition]) -> Condition:
    """The condition with something else for each of its factors."""
    if isinstance(condition, bool):
        return condition
    if isinstance(condition, Term):
        return negation(by[condition.body]) if type(condition) is Complement else by[condition]
    parts = [replaced(part, by) for part in condition.parts]
    if condition.kind == "all":
        return all_of(parts)
    if condition.kind == "any":
        return any_of(parts)
    found = exactly_one(parts)
    return found if condition.kind == "one" else negation(found)

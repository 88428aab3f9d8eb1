"""A clause as clauses about single keys, which an object settles when the keys arrive.

"Absent, or these things hold" is no single clause where several keys are spoken of, and n of those multiply
to 2^n combinations.  As a conjunction of disjunctions it is several clauses, each about one value of one key,
and none has to be decided before its keys are written:

    or(all({a}, F), and(all({b}, X), some({c}, T)))
        or(all({a}, F), all({b}, X))
        or(all({a}, F), some({c}, T))

What a formula says of one key, "absent or in f" or "there and in f", is closed under both connectives, so a
clause needs each key once, and "`t` is a, or absent, or not a" is seen to say nothing.

Source: conjunctive normal form, with the literals about one key joined.
Cost: the product of the sizes of the operands of an `or`, of which one at most is large in a rule;
`MAX_CLAUSES` bounds it.
"""

from __future__ import annotations

from collections.abc import Iterator

from constrain.budget import spend
from constrain.json_schema.formula import CONNECTIVES, Formula, Formulas
from constrain.json_schema.units import is_single_key

MAX_CLAUSES = 64
"""More clauses than that are no gain over splitting one."""

Literals = dict[Formula, Formula]
"""What a clause says of each key, by the language of the key."""


def distributed(formulas: Formulas, clause: Formula) -> list[Formula] | None:
    """The clauses that together say what one does; None if it speaks of more than single keys."""
    found = _distributed(formulas, clause)
    if found is None:
        return None
    return [*orders_in(clause), *(formulas.disj(literals.values()) for literals in found)]


def orders_in(formula: Formula) -> Iterator[Formula]:
    """In which order a formula lists properties, wherever it does."""
    if formula.kind == "order":
        yield formula
    elif formula.kind in CONNECTIVES:
        for part in formula.parts:
            yield from orders_in(part)


def _distributed(formulas: Formulas, formula: Formula) -> list[Literals] | None:
    if formula.kind in {"true", "order"}:
        return []
    if is_single_key(formula):
        return [{formula.args[0]: formula}]
    if formula.kind not in {"and", "or"}:
        return None
    parts = [_distributed(formulas, part) for part in formula.parts]
    made: list[Literals] = [] if formula.kind == "and" else [{}]
    for part in parts:
        if part is None:
            return None
        if formula.kind == "and":
            made = _without_repetitions(formulas, [*made, *part])
        else:
            joined = (_either(formulas, left, right) for left in made for right in part)
            made = [literals for literals in joined if literals is not None]
        spend(len(made))
        if len(made) > MAX_CLAUSES:
            return None
    return made


def _either(formulas: Formulas, left: Literals, right: Literals) -> Literals | None:
    """The disjunction of two clauses; None where it says nothing."""
    made = dict(left)
    for language, literal in right.items():
        other = made.get(language)
        if other is not None:
            holds = formulas.disj([other.args[1], literal.args[1]])
            needed = other.kind == literal.kind == "some"
            literal = (formulas.some_key if needed else formulas.all_keys)(language, holds)  # noqa: PLW2901
            if literal is formulas.true:
                return None
        made[language] = literal
    return made


def _without_repetitions(formulas: Formulas, clauses: list[Literals]) -> list[Literals]:
    """What clauses of one literal say of the same key is one clause."""
    single: Literals = {}
    others = []
    for clause in clauses:
        if len(clause) != 1:
            others.append(clause)
            continue
        ((language, literal),) = clause.items()
        other = single.get(language)
        if other is not None:
            holds = formulas.conj([other.args[1], literal.args[1]])
            needed = "some" in {other.kind, literal.kind}
            literal = (formulas.some_key if needed else formulas.all_keys)(language, holds)
            if literal is formulas.false:
                return [{}]
        single[language] = literal
    return [*({language: literal} for language, literal in single.items()), *others]

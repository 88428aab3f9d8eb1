"""Random conditions over a few letters, and the terms that they are when they are multiplied out."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from constrain.regular.conditions import Condition, Connective, all_of, any_of, exactly_one, negation
from constrain.regular.terms import EMPTY, Term, choice, complement, intersect


def conditions(factors: st.SearchStrategy[Term], most: int = 8) -> st.SearchStrategy[Condition]:
    """A few factors, a few connectives deep."""
    leaves = factors.map(lambda term: False if term is EMPTY else term)

    def extend(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(inner, min_size=1, max_size=4)
        joins: list[Callable[[list[Condition]], Condition]] = [all_of, any_of, exactly_one]
        return inner.map(negation) | st.tuples(st.sampled_from(joins), several).map(lambda it: it[0](it[1]))

    return st.recursive(leaves, extend, max_leaves=most)


def multiplied_out(universe: Term, condition: Condition) -> Term:
    """The condition as a term, within the universe."""
    if isinstance(condition, bool):
        return universe if condition else EMPTY
    if not isinstance(condition, Connective):
        return intersect(universe, condition)
    each = [multiplied_out(universe, part) for part in condition.parts]
    if condition.kind == "all":
        return intersect(*each)
    if condition.kind == "any":
        return choice(*each)
    one = choice(
        *(
            intersect(here, *(complement(other) for other in (*each[:place], *each[place + 1 :])))
            for place, here in enumerate(each)
        )
    )
    return one if condition.kind == "one" else intersect(universe, complement(one))

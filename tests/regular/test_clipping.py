"""Counts changed within bounds: the same short texts, and languages around the given one."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.regular.clipping import clip, far_counts
from constrain.regular.queries import accepts, is_empty
from constrain.regular.terms import (
    EMPTY,
    Term,
    byte_range,
    choice,
    complement,
    concat,
    intersect,
    literal,
    repeat,
)

SHORT = [bytes(text) for length in range(6) for text in itertools.product(b"ab", repeat=length)]


def after(term: Term, text: bytes) -> Term:
    for byte in text:
        term = term.derivative(byte)
    return term


def counting_terms() -> st.SearchStrategy[Term]:
    leaves = st.sampled_from(
        [literal(b"a"), literal(b"b"), choice(literal(b"a"), literal(b"b")), literal(b"ab")]
    )
    counts = st.tuples(st.sampled_from([0, 1, 2, 5, 9]), st.sampled_from([None, 0, 1, 4, 7, 30]))

    def extend(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        return st.one_of(
            st.tuples(inner, inner).map(lambda pair: concat(*pair)),
            st.tuples(inner, inner).map(lambda pair: choice(*pair)),
            st.tuples(inner, inner).map(lambda pair: intersect(*pair)),
            inner.map(complement),
            st.tuples(inner, counts).map(
                lambda pair: repeat(pair[0], pair[1][0], None if pair[1][1] is None else sum(pair[1]))
            ),
        )

    return st.recursive(leaves, extend, max_leaves=5)


@given(counting_terms(), st.integers(1, 5))
def test_clipping_keeps_the_texts_within_the_horizon(term: Term, horizon: int) -> None:
    """Fact 1 of the module, by listing them."""
    clipped = clip(term, horizon)

    for text in SHORT:
        if len(text) <= horizon:
            assert accepts(clipped, text) == accepts(term, text), text
        elif accepts(term, text):
            assert accepts(clipped, text), text


@given(counting_terms(), st.integers(1, 5))
def test_without_intersections_clipping_keeps_the_beginnings_within_the_horizon(
    term: Term, horizon: int
) -> None:
    """However far their ends are: so a token is judged without looking for one."""
    clipped = clip(term, horizon)

    for text in SHORT if term.plain else ():
        if len(text) <= horizon:
            assert (after(clipped, text) is EMPTY) == (after(term, text) is EMPTY), text


@given(counting_terms())
def test_emptiness_does_not_depend_on_clipping(term: Term) -> None:
    """The quick answer through a clipped term is that of a list of texts, where the list has one."""
    if any(accepts(term, text) for text in SHORT):
        assert not is_empty(term)


def test_what_a_term_shares_is_clipped_once() -> None:
    """Each round holds the one before it twice: there are 2^30 ways down, and 30 parts."""
    term = repeat(byte_range(0, 9), 2, 500)
    for number in range(30):
        term = choice(concat(term, literal(b"a%d" % number)), concat(literal(b"b%d" % number), term))

    with budget(1_000, "clipping"):
        clipped = clip(term, 64)

    assert not far_counts(clipped)

"""A sum is the union of its tokens, and sums made of the same parts are one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from constrain.regular.automaton import shared_automaton
from constrain.vocabulary.bitmask import Sparse, pack_flags, unpack_words, word_count
from constrain.vocabulary.sums import NOTHING, Sum
from constrain.vocabulary.tables import Table, Tables
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary([b"%d" % number for number in range(10, 200)])
SUMS = Tables(VOCABULARY, shared_automaton()).sums
IDS = st.sets(st.integers(0, VOCABULARY.size - 1), max_size=60)


def flags(ids: set[int]) -> np.ndarray:
    found = np.zeros(VOCABULARY.size, dtype=np.bool_)
    found[sorted(ids)] = True
    return found


def allowed(total: Sum, more: tuple[int, ...] = ()) -> set[int]:
    words = np.zeros(word_count(VOCABULARY.size), dtype=np.int32)
    SUMS.mask(total, more).write(words)
    return set(np.flatnonzero(unpack_words(words, VOCABULARY.size)).tolist())


@st.composite
def parts(draw: st.DrawFn) -> tuple[Sum, set[int]]:
    """A sum out of a table of each kind, and its tokens."""
    inside, refused = draw(IDS), frozenset(draw(IDS))
    row = pack_flags(flags(inside))
    table = Table(draw(st.sampled_from([row, Sparse(row), tuple(sorted(inside))])), 0)
    return SUMS.inside(table, refused), inside - refused


@given(st.lists(parts(), max_size=5), st.tuples(st.integers(0, VOCABULARY.size - 1)) | st.just(()), IDS)
def test_the_mask_of_a_sum_is_the_union_of_its_parts(
    several: list[tuple[Sum, set[int]]], more: tuple[int, ...], gone: set[int]
) -> None:
    total = SUMS.joined([part for part, _ in several])
    expected = set().union(*(tokens for _, tokens in several))

    assert allowed(total, more) == expected | set(more)
    assert allowed(SUMS.without(total, frozenset(gone))) == expected - gone


@given(parts(), parts())
def test_the_same_parts_make_the_same_sum(one: tuple[Sum, set[int]], other: tuple[Sum, set[int]]) -> None:
    """So that positions of different grammars share one finished mask."""
    assert SUMS.joined([one[0], other[0]]) is SUMS.joined([one[0], NOTHING, other[0]])
    assert SUMS.joined([one[0], one[0]]) is one[0]
    assert SUMS.mask(one[0], ()) is SUMS.mask(one[0], ())

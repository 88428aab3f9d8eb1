"""Terms are sets of byte strings: every operator agrees with Python's own sets."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.errors import LimitExceeded
from constrain.regular.automaton import DEAD, Automaton
from constrain.regular.queries import accepts, cardinality, enumerate_strings, is_empty, is_subset, shortest
from constrain.regular.terms import (
    ANY_BYTES,
    EMPTY,
    EPSILON,
    Term,
    byte_range,
    byte_set,
    choice,
    complement,
    concat,
    difference,
    intersect,
    literal,
    literals,
    repeat,
    star,
    without_epsilon,
)

SHORT = [bytes(text) for length in range(5) for text in itertools.product(b"ab", repeat=length)]
LANGUAGE = frozenset(SHORT)


def language(term: Term) -> frozenset[bytes]:
    """The strings over a, b of at most four bytes that a term holds."""
    return frozenset(text for text in SHORT if accepts(term, text))


def terms() -> st.SearchStrategy[Term]:
    leaves = st.sampled_from(
        [
            EMPTY,
            EPSILON,
            ANY_BYTES,
            literal(b"a"),
            literal(b"b"),
            byte_set(0b11 << 97),
            literals([b"ab", b"a", b"bba"]),
        ]
    )

    def extend(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        counts = st.sampled_from([(0, None), (1, None), (0, 1), (2, 2), (1, 3), (0, 2)])
        return st.one_of(
            st.tuples(inner, inner).map(lambda pair: concat(*pair)),
            st.tuples(inner, inner).map(lambda pair: choice(*pair)),
            st.tuples(inner, inner).map(lambda pair: intersect(*pair)),
            inner.map(complement),
            st.tuples(inner, counts).map(lambda pair: repeat(pair[0], *pair[1])),
        )

    return st.recursive(leaves, extend, max_leaves=8)


def concatenated(one: frozenset[bytes], other: frozenset[bytes]) -> frozenset[bytes]:
    return frozenset(x + y for x in one for y in other) & LANGUAGE


@given(terms(), terms())
@settings(max_examples=300)
def test_boolean_operators_are_those_of_sets(one: Term, other: Term) -> None:
    """The smart constructors rewrite a lot; none of it may change the language."""
    a, b = language(one), language(other)

    assert language(choice(one, other)) == a | b
    assert language(intersect(one, other)) == a & b
    assert language(complement(one)) == LANGUAGE - a
    assert language(difference(one, other)) == a - b
    assert language(concat(one, other)) == concatenated(a, b)
    assert language(without_epsilon(one)) == a - {b""}


@given(terms(), st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3)))
@settings(max_examples=200)
def test_repeat_is_iterated_concatenation(term: Term, low: int, high: int | None) -> None:
    """A repeat counts down instead of copying, which must not show."""
    powers = [frozenset([b""])]
    for _ in range(6):
        powers.append(concatenated(powers[-1], language(term)))
    expected: frozenset[bytes] = frozenset()
    for count, power in enumerate(powers):
        if count >= low and (high is None or count <= high):
            expected |= power

    assert language(repeat(term, low, high)) == expected


@given(terms())
@settings(max_examples=300)
def test_classes_are_a_partition_on_which_the_derivative_is_constant(term: Term) -> None:
    """Rows are filled one derivative per class."""
    classes = term.classes()

    assert sum(mask.bit_count() for mask in classes) == 256
    for mask in classes:
        members = [byte for byte in range(256) if mask >> byte & 1]
        assert {term.derivative(byte) for byte in members[:3] + members[-2:]} == {term.derivative(members[0])}


@given(terms(), st.integers(0, 2**256 - 1))
@settings(max_examples=300)
def test_ways_are_the_derivatives_by_each_byte(term: Term, within: int) -> None:
    """Whole rows are read off the structure; a derivative by one byte says the same."""
    for ways, mask in ((term.ways(), 2**256 - 1), (term.ways_within(within), within)):
        found = {byte: after for members, after in ways for byte in range(256) if members >> byte & 1}

        for byte in (*b"abcz", 0x80, 0xFF):
            after = found.get(byte, EMPTY)
            assert language(after) == (language(term.derivative(byte)) if mask >> byte & 1 else frozenset())
            assert after is EMPTY or term.first >> byte & 1


@given(terms())
@settings(max_examples=300)
def test_a_state_is_dead_exactly_when_no_text_is_left(term: Term) -> None:
    """Otherwise a mask would lead into a dead end."""
    automaton = Automaton()
    state = automaton.state(term)
    for byte in b"ab":
        to = automaton.step(state, byte)
        after = term.derivative(byte)

        assert (to == DEAD) == is_empty(after)
        assert bool(automaton.accepting[to]) == after.nullable
        if to == DEAD:
            assert not language(after)


@given(terms())
@settings(max_examples=200)
def test_enumeration_is_shortest_first_and_complete(term: Term) -> None:
    """Over two letters, where the whole language can be listed."""
    small = intersect(term, repeat(byte_range(97, 98), 0, 4))
    listed = list(enumerate_strings(small, 100))

    assert listed == sorted(language(term), key=lambda text: (len(text), text))
    assert cardinality(small, 100) == len(listed)
    assert shortest(small) == (listed[0] if listed else None)
    assert is_subset(small, term)


FINITE = st.frozensets(st.sampled_from(SHORT), max_size=12)


@given(st.lists(FINITE, min_size=1, max_size=3), st.lists(FINITE, max_size=2), terms())
def test_finite_sets_meet_as_pythons_do_and_stay_finite(
    sets: list[frozenset[bytes]], without: list[frozenset[bytes]], term: Term
) -> None:
    """Whatever they meet at once, so that no search is needed for what is left of them."""
    both = frozenset.intersection(*sets).difference(*without)
    met = intersect(*map(literals, sets), *(complement(literals(texts)) for texts in without))

    assert met is literals(both)
    assert language(intersect(met, term)) == both & language(term)


def test_strings_far_from_the_first_ones_are_listed() -> None:
    """Of the 95^6 texts as long, no more are written than there are texts to list."""
    anywhere = concat(star(byte_range(32, 126)), literal(b"github"), star(byte_range(32, 126)))

    with budget(20_000, "listing"):
        assert list(enumerate_strings(anywhere, 3)) == [b"github", b" github", b"!github"]


def test_equal_terms_are_one_object() -> None:
    """Everything downstream compares terms by identity."""
    one = concat(literal(b"a"), star(choice(literal(b"x"), literal(b"y"))))

    assert one is concat(literal(b"a"), star(choice(literal(b"y"), literal(b"x"), EMPTY)))
    assert intersect(one, complement(one)) is EMPTY
    assert choice(one, complement(one)) is ANY_BYTES


def test_thousands_of_strings_are_one_term() -> None:
    """An enumeration costs a dictionary look-up per byte, not a choice of thousands."""
    texts = [f"value-{number}".encode() for number in range(5_000)]
    term = literals(texts)

    assert all(accepts(term, text) for text in texts[::97])
    assert not accepts(term, b"value-5000")
    assert cardinality(term, 10_000) == 5_000


def test_a_long_text_does_not_exhaust_the_stack() -> None:
    """A pattern of ten thousand characters is long, not deep."""
    text = b"ab" * 5_000
    term = concat(*[literal(bytes((byte,))) for byte in text])

    assert accepts(term, text)
    assert accepts(concat(literal(text), literal(text)), text + text)


def test_an_emptiness_search_past_its_limit_names_the_setting() -> None:
    """A hostile pattern costs a clear error, not a hang."""
    lengths = [repeat(byte_range(97, 98), 0, None)]
    residues = [star(repeat(byte_range(97, 98), n, n)) for n in (7, 11, 13, 17)]
    term = intersect(*lengths, *residues, complement(star(repeat(byte_range(97, 98), 17_017, 17_017))))

    with pytest.raises(LimitExceeded) as caught, budget(500, "this search"):
        Automaton().is_empty(term)
    assert str(caught.value) == (
        "this search takes more than max_steps=500 steps\nhint: simplify it, or raise max_steps"
    )

"""Equal terms are one object: what the smart constructors promise, law by law.

`test_terms.py` says that no operator changes the language.  Here is the other half: laws of the algebra hold
as identities, so that a state is not made twice, and what a term says of itself is what its derivatives say.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.regular.byte_sets import ALL_BYTES
from constrain.regular.leaf import Leaf, intern_leaf
from constrain.regular.queries import accepts
from constrain.regular.terms import (
    ANY_BYTES,
    EMPTY,
    EPSILON,
    Choice,
    Intersection,
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
    optional,
    repeat,
    star,
    without_epsilon,
)
from tests.regular.test_terms import terms

A, B = literal(b"a"), literal(b"b")


@given(terms(), terms(), terms())
@settings(max_examples=200)
def test_laws_of_the_algebra_are_identities(one: Term, other: Term, third: Term) -> None:
    assert choice(one, EMPTY) is choice(EMPTY, one) is choice(one, one) is choice(one) is one
    assert choice(one, other) is choice(other, one)
    kinds = {type(one), type(complement(one))}  # of these some are taken apart into their members
    assert choice(one, complement(one)) is ANY_BYTES or Choice in kinds
    assert choice(ANY_BYTES, one) is ANY_BYTES
    assert concat(EPSILON, one) is concat(one, EPSILON) is concat(one) is one
    assert concat(EMPTY, one) is concat(one, EMPTY) is EMPTY
    assert concat(concat(one, other), third) is concat(one, concat(other, third)) is concat(one, other, third)
    assert intersect(one, ANY_BYTES) is intersect(one, one) is intersect(one) is one
    assert intersect(one, other) is intersect(other, one)
    assert intersect(one, complement(one)) is EMPTY or Intersection in kinds
    assert intersect(one, EMPTY) is EMPTY
    assert complement(complement(one)) is one
    assert difference(one, EMPTY) is one
    assert difference(one, one) is EMPTY or Intersection in kinds
    assert difference(EMPTY, one) is EMPTY
    assert without_epsilon(one) is one or one.nullable
    assert repeat(one, 1, 1) is one or one.nullable
    assert repeat(one, 0, 0) is EPSILON
    assert repeat(one, 3, 2) is EMPTY
    assert star(star(one)) is star(one)
    assert optional(optional(one)) is optional(one)


def test_of_nothing_each_operator_is_its_neutral_element() -> None:
    assert choice() is EMPTY
    assert concat() is EPSILON
    assert intersect() is ANY_BYTES
    assert byte_set(0) is literals([]) is complement(ANY_BYTES) is EMPTY
    assert literal(b"") is literals([b""]) is EPSILON
    assert byte_range(97, 97) is byte_set(1 << 97)


@given(terms())
@settings(max_examples=200)
def test_a_term_knows_its_first_bytes_and_whether_it_is_plain(term: Term) -> None:
    ways = reduce(or_, [mask for mask, _ in term.ways()], 0)

    assert ways & ~term.first == 0
    assert term.first == ways or not term.plain
    assert term.plain or term.first != 0
    for byte in b"abz":
        assert term.after(byte) is term.derivative(byte)
        assert (term.after(byte) is not EMPTY) == bool(ways >> byte & 1)


@given(terms(), st.integers(2, 4), st.integers(0, 3))
@settings(max_examples=100)
def test_the_largest_count_outside_complements_is_known(term: Term, low: int, more: int) -> None:
    counted = repeat(concat(byte_set(1 << 120), term), low, low + more)

    assert counted.largest == max(low + more, term.largest) or term is EMPTY
    assert concat(counted, byte_set(1 << 121)).largest == counted.largest
    assert concat(byte_set(1 << 121), counted).largest == counted.largest
    assert choice(counted, byte_set(1 << 121)).largest == counted.largest
    assert intersect(counted, concat(byte_set(1 << 120), ANY_BYTES)).largest == counted.largest
    assert complement(counted).largest == 0


COUNTS = [
    ((1, 2), (2, 4), (1, 4)),
    ((1, 2), (3, 4), (1, 4)),
    ((0, 1), (1, None), (0, None)),
    ((2, None), (0, 2), (0, None)),
    ((1, 5), (2, 3), (1, 5)),
]


@pytest.mark.parametrize(("one", "other", "both"), COUNTS)
def test_counts_that_touch_are_one_count(
    one: tuple[int, int | None], other: tuple[int, int | None], both: tuple[int, int | None]
) -> None:
    for tail in (EPSILON, B, concat(B, A)):
        assert choice(concat(repeat(A, *one), tail), concat(repeat(A, *other), tail)) is concat(
            repeat(A, *both), tail
        )


def test_counts_that_do_not_touch_stay_two() -> None:
    apart = choice(repeat(A, 2, 3), repeat(A, 5, 6))
    of_another = choice(repeat(A, 1, 2), repeat(B, 2, 3))
    before_another = choice(concat(repeat(A, 1, 2), B), concat(repeat(A, 2, 3), A))

    assert len(getattr(apart, "members", ())) == 2
    assert len(getattr(of_another, "members", ())) == 2
    assert len(getattr(before_another, "members", ())) == 2


@pytest.mark.parametrize(
    ("inner", "outer", "both"),
    [
        ((1, 2), (2, 3), (2, 6)),
        ((0, 2), (2, 3), (0, 6)),
        ((1, None), (2, 3), (2, None)),
        ((1, 3), (2, None), (2, None)),
        ((0, None), (1, 4), (0, None)),
    ],
)
def test_rounds_of_one_or_more_multiply(
    inner: tuple[int, int | None], outer: tuple[int, int | None], both: tuple[int, int | None]
) -> None:
    assert repeat(repeat(A, *inner), *outer) is repeat(A, *both)


def test_rounds_of_two_or_more_do_not() -> None:
    twice = repeat(repeat(A, 2, 2), 1, 2)

    assert twice is not repeat(A, 2, 4)
    assert twice.after(97).after(97) is repeat(repeat(A, 2, 2), 0, 1)


def test_inside_a_character_what_follows_is_put_together() -> None:
    """`é` and `è` begin alike: behind the first byte of both there is one state for either."""
    going_on = byte_range(0x80, 0xBF)
    one, other = concat(going_on, A, star(A)), concat(going_on, B, star(B))

    assert choice(one, other) is concat(going_on, choice(concat(A, star(A)), concat(B, star(B))))
    assert intersect(one, other) is concat(going_on, intersect(concat(A, star(A)), concat(B, star(B))))
    assert intersect(one, concat(going_on, ANY_BYTES)) is one


@given(terms())
@settings(max_examples=100)
def test_a_derivative_is_found_once(term: Term) -> None:
    """Also by a set of bytes; and the quick ways to it are the slow one."""
    ways, derived = term.ways(), [term.after(byte) for byte in b"abz"]
    with pytest.MonkeyPatch.context() as patched:
        for name in ("derivative", "_find_ways"):
            patched.setattr(type(term), name, None)

        assert term.ways() is ways
        assert [term.after(byte) for byte in b"abz"] == derived
        assert list(term.ways_within(0b111 << 97)) == [
            (mask & 0b111 << 97, after) for mask, after in ways if mask & 0b111 << 97
        ] or not (term.first & ~(0b111 << 97))


class Divisible(Leaf):
    """Texts of `a` and signs; the number of `a`s, and `more`, is divisible by three; it says its classes."""

    __slots__ = ("more",)

    def __init__(self, more: int) -> None:
        self.more = more
        self._register(nullable=more == 0, plain=False)

    def derivative(self, byte: int) -> Term:
        if byte in b"-+":
            return self
        return intern_leaf(Divisible, (self.more + 1) % 3) if byte == 97 else EMPTY

    def classes(self) -> tuple[int, ...]:
        signs = 1 << ord("-") | 1 << ord("+")
        return (1 << 97, signs, ALL_BYTES ^ signs ^ 1 << 97)


@given(st.integers(0, 2), terms(), st.integers(0, 2**256 - 1))
@settings(max_examples=60)
def test_a_leaf_is_what_its_derivatives_say_alone_and_beside_others(
    more: int, term: Term, within: int
) -> None:
    leaf = intern_leaf(Divisible, more)
    for each in (leaf, intersect(leaf, term), choice(leaf, term), concat(leaf, term), complement(leaf)):
        for ways, mask in ((each.ways_within(within), within), (each.ways(), ALL_BYTES)):
            found = {byte: after for members, after in ways for byte in range(256) if members >> byte & 1}
            for byte in b"a-+b\x00\xff":
                expected = each.derivative(byte) if mask >> byte & 1 else EMPTY
                assert found.get(byte, EMPTY) is expected
    for text in (b"", b"a", b"-a+a", b"aa-a", b"aaab", b"aaaaa"):
        holds = set(text) <= set(b"a-+") and (text.count(b"a") + more) % 3 == 0
        assert accepts(leaf, text) == holds


@given(st.lists(st.sampled_from([b"", b"a", b"ab", b"ba", b"bb"]), min_size=1, unique=True))
def test_a_finite_set_is_plain_and_knows_its_size(texts: list[bytes]) -> None:
    found = literals(texts)

    assert found.plain
    assert found.fixed
    assert found is EPSILON or getattr(found, "size", None) == len(texts)
    assert without_epsilon(found) is literals(set(texts) - {b""})


@given(terms(), terms())
@settings(max_examples=100)
def test_what_is_made_of_plain_terms_is_plain_and_only_that(one: Term, other: Term) -> None:
    for made in (concat(one, byte_set(1 << 120), other), concat(byte_set(1 << 120), choice(one, other))):
        assert made is EMPTY or made.plain == (one.plain and other.plain) or choice(one, other).plain
    assert all(mask for term in (one, complement(one), choice(one, other)) for mask, _ in term.ways())


def test_without_the_empty_string_either_part_may_be_first() -> None:
    both = without_epsilon(concat(star(A), star(B)))

    assert [accepts(both, text) for text in (b"", b"a", b"b", b"ab", b"aabb", b"ba")] == [
        *(False, True, True, True, True, False)
    ]


def test_several_finite_sets_are_excluded_as_one() -> None:
    sets = [literals(texts) for texts in ([b"a", b"ab"], [b"b", b"ab"], [b"ba"])]

    for beside in (ANY_BYTES, star(choice(A, B))):
        left = intersect(beside, *map(complement, sets))
        assert left is intersect(beside, complement(literals([b"a", b"ab", b"b", b"ba"])))
        assert [accepts(left, text) for text in (b"a", b"b", b"ba", b"bb", b"")] == [
            *(False, False, False, True, True)
        ]

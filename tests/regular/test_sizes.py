"""A least size is never more than the number of strings there are."""

from hypothesis import assume, given

from constrain.regular.queries import cardinality
from constrain.regular.sizes import least_size, outnumbers
from constrain.regular.terms import EMPTY, Strings, Term, difference, literals
from tests.regular.test_terms import terms

MANY = 200


@given(terms())
def test_no_language_is_smaller_than_its_least_size(term: Term) -> None:
    assume(term.plain and term is not EMPTY)
    size = cardinality(term, MANY)
    assert size is None or least_size(term) <= size


@given(terms(), terms())
def test_a_language_that_outnumbers_what_is_taken_is_not_empty(term: Term, other: Term) -> None:
    few = other if type(other) is Strings else literals([b"a", b"", b"ab"])
    rest = difference(term, few)
    if outnumbers(rest):
        assert cardinality(rest, 0) is None

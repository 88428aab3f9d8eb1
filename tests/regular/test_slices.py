"""Many strings, cut where they are read, are the language that their nodes are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from constrain.regular import tries
from constrain.regular.queries import enumerate_strings
from constrain.regular.terms import Strings, Term, choice, difference, intersect, literals

texts = st.sets(st.text("ab\x00\xff", max_size=6).map(lambda text: text.encode("latin-1")), max_size=20)


def cut(strings: set[bytes]) -> Term:
    """The term of these strings as slices, however few."""
    few, tries.FEW_BYTES = tries.FEW_BYTES, 0
    try:
        return literals(strings)
    finally:
        tries.FEW_BYTES = few


def held(term: Term) -> set[bytes]:
    """All its strings."""
    return set(enumerate_strings(term, 100))


@given(texts, texts)
def test_slices_are_the_same_language_as_nodes(some: set[bytes], others: set[bytes]) -> None:
    """Alone, and joined with others of either kind."""
    sliced = cut(some)

    assert held(sliced) == some
    assert not isinstance(sliced, Strings) or sliced.size == len(some)
    for other in (cut(others), literals(others)):
        assert held(choice(sliced, other)) == some | others
        assert held(intersect(sliced, other)) == some & others
        assert held(difference(sliced, other)) == some - others
        assert held(difference(other, sliced)) == others - some

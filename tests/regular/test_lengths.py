"""The guess how far it is to the end of a text, and the searches that go by it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.regular.lengths import distance
from constrain.regular.queries import is_empty, shortest
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, byte_range, choice, concat, literal, repeat

LETTERS = st.sampled_from([byte_range(97, 99), literal(b"a"), literal(b"bc")])
PLAIN: st.SearchStrategy[Term] = st.recursive(
    LETTERS,
    lambda inner: st.one_of(
        st.builds(concat, inner, inner),
        st.builds(choice, inner, inner),
        st.builds(repeat, inner, st.integers(0, 3), st.integers(3, 5)),
    ),
    max_leaves=6,
)


@given(PLAIN)
def test_the_distance_of_a_plain_term_is_never_above_the_length_of_a_shortest_text(term):
    text = shortest(term)

    assert text is not None
    assert distance(term) <= len(text)


def test_a_text_behind_a_counter_is_found_without_counting_to_its_end():
    """The boundary makes each place of the counter a term of its own."""
    with budget(150_000, "looking for a text"):
        found = is_empty(regex_term(r"[a-z]{1,256}\.[a-z]{1,6}\b[a-z.]*"))

    assert not found


WATCHED = st.sampled_from(["(?!a)", r"\b", r"\B", "(?<=b)", "(?<!a)", "$", "(?<=ab)", "(?!(?:a|bb)c)"])


@given(
    st.lists(st.one_of(WATCHED, st.sampled_from(["a", "[ab]", "b{2,5}", "(?:a|bc)", "c*"])), max_size=5),
    st.lists(st.one_of(WATCHED, st.sampled_from(["a", "b"])), min_size=1, max_size=3),
    st.integers(0, 3),
)
def test_a_term_of_assertions_has_a_distance_even_where_nothing_is_left(
    before: list[str], inner: list[str], times: int
) -> None:
    """Assertions can contradict what stands around them: then parts of the term are empty."""
    term = regex_term(f"{''.join(before)}(?:{''.join(inner)}|c){{0,{times}}}{''.join(inner)}")

    assert distance(term) >= 0
    for byte in b"abc":
        assert distance(term.derivative(byte)) >= 0

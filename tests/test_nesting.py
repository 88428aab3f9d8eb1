"""Parts that contain themselves: what is found of them is the least that holds, however it was asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from constrain.nesting import Nested

PARTS = range(6)
#: Of each part the alternatives, each a list of parts that must all have an end.
GRAPHS = st.lists(
    st.lists(st.lists(st.sampled_from(PARTS), max_size=3), max_size=3),
    min_size=len(PARTS),
    max_size=len(PARTS),
)


class Broken(Exception):
    """A search was broken off."""


def with_an_end(graph: list[list[list[int]]]) -> set[int]:
    """The parts that have one, by trying until nothing is added."""
    found: set[int] = set()
    while more := {
        part for part in PARTS if part not in found and any(found.issuperset(way) for way in graph[part])
    }:
        found |= more
    return found


def ask(graph: list[list[list[int]]], nested: Nested[int, bool], part: int, left: list[int]) -> bool:
    """Has a part an end?  After so many searches (`left`) the next one is broken off."""

    def search() -> bool:
        left[0] -= 1
        if left[0] < 0:
            raise Broken
        return any(all(ask(graph, nested, inner, left) for inner in way) for way in graph[part])

    return nested.of(part, part, search)


@given(GRAPHS, st.booleans(), st.lists(st.tuples(st.sampled_from(PARTS), st.integers(0, 8)), max_size=4))
def test_answers_are_right_whatever_was_asked_and_broken_off_before(
    graph: list[list[list[int]]], lasts: bool, before: list[tuple[int, int]]
) -> None:
    nested: Nested[int, bool] = Nested(none=False, lasts=bool if lasts else lambda _: False)
    for part, searches in before:
        try:
            ask(graph, nested, part, [searches])
        except Broken:
            assert not nested.is_open

    found = {part for part in PARTS if ask(graph, nested, part, [10_000])}

    assert found == with_an_end(graph)
    assert all(nested.known[part] == (part in found) for part in nested.known)

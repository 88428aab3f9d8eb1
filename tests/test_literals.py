"""A set of literals says which of them begin so, as does looking at each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.literals import LiteralSet

TEXTS = st.binary(min_size=1, max_size=5).map(lambda text: bytes(b"abc"[byte % 3] for byte in text))
SETS = st.lists(TEXTS, max_size=12, unique=True)


@given(SETS, TEXTS | st.just(b""))
def test_the_literals_that_go_on_behind_a_prefix_are_those_that_begin_with_it(
    texts: list[bytes], prefix: bytes
) -> None:
    found = LiteralSet(texts).beginning(prefix)

    assert sorted(found) == sorted(text for text in texts if text.startswith(prefix) and text != prefix)


@given(SETS)
def test_a_node_of_the_trie_knows_the_literals_below_it_and_those_that_end_there(texts: list[bytes]) -> None:
    literals = LiteralSet(texts)
    nodes = {b"": 0}
    for prefix in sorted({text[:size] for text in texts for size in range(1, len(text) + 1)}):
        nodes[prefix] = literals.children(nodes[prefix[:-1]])[prefix[-1]]

    for prefix, node in nodes.items():
        assert literals.below[node] == sum(1 << i for i, text in enumerate(texts) if text.startswith(prefix))
        assert literals.here[node] == sum(1 << i for i, text in enumerate(texts) if text == prefix)
        following = {text[len(prefix)] for text in texts if text.startswith(prefix) and text != prefix}
        assert set(literals.children(node)) == following


def test_an_empty_literal_is_refused() -> None:
    """A continuation's edges are never empty."""
    with pytest.raises(ValueError, match="a literal edge cannot be empty"):
        LiteralSet([b"a", b""])

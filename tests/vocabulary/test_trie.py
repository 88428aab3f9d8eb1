"""The trie in flat arrays is the trie of the definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.errors import LimitExceeded
from constrain.vocabulary.trie import MAX_TOKEN_BYTES, Trie

NESTED = st.lists(st.sampled_from([0, 97, 98, 255]), max_size=6).map(bytes)
TOKEN = st.none() | NESTED | st.binary(max_size=40)
TOKENS = st.lists(TOKEN, max_size=40)


def prefixes(tokens: list[bytes | None]) -> list[bytes]:
    """The nodes by definition: by length, then by bytes."""
    found = {token[:stop] for token in tokens if token for stop in range(len(token) + 1)} | {b""}
    return sorted(found, key=lambda text: (len(text), text))


@given(TOKENS)
def test_nodes_are_the_distinct_prefixes_depth_by_depth(tokens: list[bytes | None]) -> None:
    """Numbering, parents, children and depths all follow from this one list."""
    trie, nodes = Trie.build(tokens), prefixes(tokens)

    assert len(trie) == len(nodes)
    for index, node in enumerate(nodes):
        children = [i for i, other in enumerate(nodes) if other and other[:-1] == node]
        assert list(range(trie.start[index], trie.start[index + 1])) == children
        assert trie.depth[index] == len(node)
        assert trie.byte[index] == (node[-1] if node else 0)
        assert trie.parent[index] == (nodes.index(node[:-1]) if node else -1)


@given(TOKENS)
def test_tokens_of_a_subtree_are_one_slice(tokens: list[bytes | None]) -> None:
    """Duplicates are all there, side by side and in order of their ids; None and b"" are nowhere."""
    trie = Trie.build(tokens)

    for index, node in enumerate(prefixes(tokens)):
        below = [i for i, token in enumerate(tokens) if token and token.startswith(node)]
        assert sorted(trie.tokens_below(index).tolist()) == below
        assert trie.tokens(index).tolist() == [i for i in below if tokens[i] == node]
        assert trie.tokens_below(index).tolist() == sorted(below, key=lambda i: (tokens[i] or b"", i))
    assert [prefixes(tokens)[node] for node in trie.token_node.tolist()] == [
        tokens[i] for i in trie.order.tolist()
    ]


@given(TOKENS, st.integers(0, 255))
def test_child_is_the_node_one_byte_longer(tokens: list[bytes | None], byte: int) -> None:
    trie, nodes = Trie.build(tokens), prefixes(tokens)

    for index, node in enumerate(nodes):
        for by in (byte, 0, 97, 255):
            longer = node + bytes((by,))
            assert trie.child(index, by) == (nodes.index(longer) if longer in nodes else -1)


@given(TOKENS)
def test_spans_hold_every_node_once_by_depth(tokens: list[bytes | None]) -> None:
    trie = Trie.build(tokens)

    for depth, (start, stop) in enumerate(trie.spans):
        assert trie.depth[start:stop].tolist() == [depth] * (stop - start)
    assert trie.spans[-1][1] == len(trie)


def test_the_docstring_s_picture_is_right() -> None:
    trie = Trie.build([b"b", b"ab", b"a", b"a"])

    assert trie.parent.tolist() == [-1, 0, 0, 1]
    assert trie.start.tolist() == [1, 3, 4, 4, 4]
    assert trie.first.tolist() == [0, 0, 3, 2]
    assert trie.last.tolist() == [4, 3, 4, 3]
    assert trie.own.tolist() == [0, 2, 1, 1]
    assert trie.order.tolist() == [2, 3, 1, 0]


def test_long_tokens_go_as_far_as_the_depth_array() -> None:
    """One token of the greatest length is a chain of nodes; one byte more is refused, not wrapped."""
    assert Trie.build([b"x" * MAX_TOKEN_BYTES]).depth[-1] == MAX_TOKEN_BYTES

    with pytest.raises(LimitExceeded) as caught:
        Trie.build([b"x" * (MAX_TOKEN_BYTES + 1)])

    assert str(caught.value) == "a token of 32,768 bytes is longer than MAX_TOKEN_BYTES=32,767"

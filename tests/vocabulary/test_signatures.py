"""Tokens that agree block by block are one, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.vocabulary.blocks import BETWEEN, COARSE, EXACT, HEX, SETS, SPELLED_OUT, Blocks
from constrain.vocabulary.signatures import Signatures
from constrain.vocabulary.trie import Trie

PIECE = st.sampled_from([*'aAfz09 _"\\\n', "é", "\u00a0", "\u2028", "日", "\u3000", "𐍈"]).map(str.encode)
TOKEN = st.lists(PIECE | st.binary(min_size=1, max_size=1), min_size=1, max_size=5).map(b"".join)
TOKENS = st.lists(TOKEN, max_size=25)
DIVISIONS = pytest.mark.parametrize("blocks", [COARSE, HEX, EXACT])


@DIVISIONS
def test_the_blocks_of_a_context_are_a_partition(blocks: Blocks) -> None:
    """Each byte is in one block, whatever came before."""
    for context, symbols in enumerate(blocks.by_context):
        assert sum(SETS[symbol] for symbol in symbols) == (1 << 256) - 1
        for byte in range(256):
            assert SETS[blocks.symbol[context, byte]] >> byte & 1


def symbols(blocks: Blocks, text: bytes) -> tuple[int, ...]:
    """How a walk sees a text."""
    context, found = 0, []
    for byte in text:
        found.append(int(blocks.symbol[context, byte]))
        context = int(blocks.after[context, byte])
    return tuple(found)


@DIVISIONS
@given(tokens=TOKENS)
def test_a_position_is_what_a_walk_sees(blocks: Blocks, tokens: list[bytes]) -> None:
    """Nodes that look alike share one, and its way from the root is how they look."""
    trie = Trie.build(tokens)
    signatures = Signatures.build(trie, len(tokens) + 1, blocks)
    seen: list[tuple[int, ...]] = [()]
    for position in range(1, len(signatures)):
        seen.append((*seen[signatures.above[position]], int(signatures.symbol[position])))
    nodes = sorted(
        {token[:stop] for token in tokens for stop in range(len(token) + 1)} | {b""},
        key=lambda t: (len(t), t),
    )

    assert len(set(seen)) == len(seen)
    for node, text in enumerate(nodes):
        assert seen[signatures.of_node[node]] == symbols(blocks, text)
    for index, token in enumerate(tokens):
        assert seen[signatures.of_token[index]] == symbols(blocks, token)
    assert signatures.of_token[len(tokens)] == len(signatures)
    start, grouped = signatures.nodes
    assert [signatures.of_node[node] for node in grouped] == sorted(signatures.of_node.tolist())
    assert start.tolist() == [
        sum(at < position for at in signatures.of_node) for position in range(len(signatures) + 1)
    ]


@DIVISIONS
@given(tokens=TOKENS)
def test_children_are_a_slice_and_differ_in_their_least_byte(blocks: Blocks, tokens: list[bytes]) -> None:
    """So that one is found without looking at the others."""
    signatures = Signatures.build(Trie.build(tokens), len(tokens), blocks)
    for position in range(len(signatures)):
        children = range(signatures.starts[position], signatures.starts[position + 1])
        least = [signatures.lowest[child] for child in children]

        assert [child for child, above in enumerate(signatures.above) if child and above == position] == list(
            children
        )
        assert len(set(least)) == len(least)


@given(st.text(alphabet="aé日\u3000𐍈 \u2028\u00a0", min_size=1, max_size=6))
def test_characters_are_counted_where_they_are_whole(text: str) -> None:
    """Between two characters a text may be cut; behind a quote nobody counts."""
    token, spelled = text.encode(), f'{text}"{text}'.encode()
    signatures = Signatures.build(Trie.build([token, spelled]), 2, COARSE)

    assert signatures.characters[signatures.of_token[0]] == len(text)
    assert signatures.is_between[signatures.of_token[0]]
    assert signatures.is_spelled[signatures.of_token[1]]
    assert (signatures.context[0], signatures.context[signatures.of_token[1]]) == (BETWEEN, SPELLED_OUT)

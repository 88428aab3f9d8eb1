"""The fewest tokens of a text against trying all cuts, backwards and forwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from constrain.spelling import END, Spelled, Speller
from tests.oracle import toy_vocabulary

SPECIAL = 1_000
VOCABULARY = toy_vocabulary([b"ab", b"bab", b"abc", b"ca", b"cabca", b"aa"])
TOKENS = [token for token in VOCABULARY.tokens if token]
TRIE = VOCABULARY.trie
SPELLER = Speller(TRIE)

texts = st.text("abc", max_size=9).map(str.encode)
pieces = st.one_of(texts, st.just(SPECIAL))


@cache
def fewest(text: bytes) -> int:
    cuts = [token for token in TOKENS if text.startswith(token)]
    return min((1 + fewest(text[len(token) :]) for token in cuts), default=0)


def suffixes(spelled: Spelled) -> Iterator[Spelled]:
    """What is left of a text, byte by byte."""
    left: Spelled | None = spelled
    while left is not None:
        yield left
        left = left.after


def fewest_of(text: list[int]) -> int:
    """A special token is a token, and what stands between two of them is spelled by itself."""
    runs: list[list[int]] = [[]]
    for byte in text:
        runs = [*runs, []] if byte < 0 else [*runs[:-1], [*runs[-1], byte]]
    return len(runs) - 1 + sum(fewest(bytes(run)) for run in runs)


def written(parts: Sequence[bytes | int]) -> list[int]:
    """Bytes as they are, and a special token as -1."""
    return [byte for piece in parts for byte in ([-1] if isinstance(piece, int) else piece)]


@given(st.lists(pieces, max_size=5), st.integers(0, 5))
def test_each_end_of_a_text_is_spelled_in_the_fewest_tokens(parts: list[bytes | int], cut: int) -> None:
    """However it was put together, and no token reaches over a special one."""
    spelled, text = (
        SPELLER.before(tuple(parts[:cut]), SPELLER.before(tuple(parts[cut:]), END)),
        written(parts),
    )

    for place, left in enumerate(suffixes(spelled)):
        rest = text[place:]
        tokens = left.tokens
        assert written([SPECIAL if token == SPECIAL else TOKENS[token] for token in tokens]) == rest
        assert left.cost == len(tokens) == fewest_of(rest)


def test_the_longest_of_the_first_tokens_is_taken() -> None:
    """The text of the module's docstring, from each of its bytes on."""
    left = list(suffixes(SPELLER.before((b"babab",), END)))[:-1]

    assert [each.cost for each in left] == [2, 2, 1, 1, 1]
    assert [TOKENS[each.token] for each in left] == [b"bab", b"ab", b"bab", b"ab", b"b"]


BEGINNINGS = sorted({token[:size] for token in TOKENS for size in range(len(token))})


@given(texts.filter(len), st.sampled_from(BEGINNINGS))
def test_a_text_stops_where_a_token_is_whole_or_one_has_begun(text: bytes, begun: bytes) -> None:
    """All cuts; the first token is longer than what had begun of it."""
    found: dict[bytes, int] = {}
    cuts = [(begun + text, 0)]
    for rest, cost in cuts:  # it grows
        if rest in BEGINNINGS and (cost or len(rest) > len(begun)):
            found[rest] = min(cost, found.get(rest, cost))
        cuts += [
            (rest[len(token) :], cost + 1)
            for token in TOKENS
            if rest.startswith(token) and (cost or len(token) > len(begun))
        ]

    assert SPELLER.ends(text, node_of(begun)) == {node_of(rest): cost for rest, cost in found.items()}


def node_of(text: bytes) -> int:
    node = 0
    for byte in text:
        node = TRIE.child(node, byte)
    return node

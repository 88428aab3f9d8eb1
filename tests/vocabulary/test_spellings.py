"""Walking along literals finds the tokens, and what is left behind each, that trying every token finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from constrain.literals import LiteralSet
from constrain.regular.automaton import shared_automaton
from constrain.vocabulary.remainders import EVERYTHING, NOTHING
from constrain.vocabulary.tables import Tables
from tests.oracle import toy_vocabulary

PIECES = [
    "a",
    "ab",
    "abc",
    "b",
    "bc",
    'a"',
    'ab"',
    '"',
    '":',
    '"a',
    '"ab":',
    " ",
    ' "',
    ' "a"',
    ' "a":',
    '  "b',
    "c,",
]
VOCABULARY = toy_vocabulary([piece.encode() for piece in PIECES])
TABLES = Tables(VOCABULARY, shared_automaton())
TRIE = VOCABULARY.trie

LITERALS = st.lists(
    st.text("abc", max_size=3).map(lambda name: f'"{name}"'.encode())
    | st.sampled_from([b"a", b"ab", b"abc", b"b"]),
    min_size=1,
    max_size=6,
    unique=True,
)
STARTS = st.sets(st.sampled_from([b"", b" ", b"  ", b'"', b"a", b' "']), min_size=1)


def remainder_after(starts: set[bytes]) -> int:
    nodes = []
    for start in starts:
        node = 0
        for byte in start:
            node = TRIE.child(node, byte)
        nodes.append(node)
    return EVERYTHING if starts == {b""} else TABLES.remainders.intern(nodes)


def rests(starts: set[bytes]) -> list[tuple[int, bytes]]:
    """Each token of a remainder, with what is left of it behind each start."""
    return [
        (token, text[len(start) :])
        for token, text in enumerate(VOCABULARY.tokens)
        for start in starts
        if text and text.startswith(start) and text != start
    ]


@given(LITERALS, STARTS)
def test_steps_are_the_tokens_that_begin_a_literal_and_what_is_left_behind_those_that_end(
    texts: list[bytes], starts: set[bytes]
) -> None:
    steps = TABLES.spellings.steps(remainder_after(starts), LiteralSet(texts), 0)

    for index, literal in enumerate(texts):
        found = {token for step in steps if step.below >> index & 1 for token in step.tokens}
        assert found == {token for token, rest in rests(starts) if literal.startswith(rest)}
        below = {
            int(token)
            for step in steps
            if step.here >> index & 1
            for token in TABLES.remainders.tokens_below(step.rest)
        }
        assert below == {
            token for token, rest in rests(starts) if rest.startswith(literal) and rest != literal
        }


@given(LITERALS, STARTS)
def test_ends_are_the_tokens_that_end_with_a_literal_or_go_on_behind_it(
    texts: list[bytes], starts: set[bytes]
) -> None:
    ends = TABLES.spellings.ends(remainder_after(starts), texts)

    for literal in texts:
        whole = {token for token, rest in rests(starts) if rest == literal}
        longer = {token for token, rest in rests(starts) if rest.startswith(literal) and rest != literal}
        end = ends.get(literal)
        assert set(end.tokens if end else ()) == whole
        assert set(map(int, TABLES.remainders.tokens_below(end.rest if end else NOTHING))) == longer

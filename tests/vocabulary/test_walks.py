"""Short cuts of the walks: long tokens are not walked, and many nodes are corrected by their bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.json_schema.strings import StringSpace
from constrain.regular.automaton import shared_automaton
from constrain.regular.terms import Term, byte_range, byte_set, choice, concat, literal, repeat, star
from constrain.vocabulary import walks
from constrain.vocabulary.blocks import COARSE
from constrain.vocabulary.deep import Deep
from constrain.vocabulary.signatures import Signatures
from constrain.vocabulary.trie import Trie
from constrain.vocabulary.walks import SYMBOLS, Rows, Steps, correct, walk_all
from tests.oracle import toy_vocabulary

SPACE = StringSpace()
LONG = [
    piece * size
    for piece in ("a", " ", "ab", "aA", "1", "é", "─", "日a", "\u3000")
    for size in (1, 2, 4, 7, 9)
]
LONG += [
    "a" * 5 + "b" * 5,
    "─" * 4 + "日" * 4,
    "─" * 5 + "a" * 3,
    " " * 6 + '"',
    "─" * 3 + '",',
    "日" * 2 + "─" * 6,
    "\0" * 2,
    "\0a",
    "a\0" * 4,
    "\x01\0\x02",
]
VOCABULARY = toy_vocabulary([text.encode() for text in LONG] + ["─".encode()[:2], ("日" * 5).encode()[:-1]])
TRIES: tuple[Trie | Signatures, ...] = (VOCABULARY.trie, *VOCABULARY.signatures)


def terms() -> st.SearchStrategy[Term]:
    """Languages that loop, count or look for something."""
    letters = [byte_range(97, 122), literal(b"a"), byte_set(1 << 32 | 1 << 97), byte_range(65, 102)]
    letters += [byte_range(0, 31), literal(b"\0"), byte_set(1 | 1 << 97)]
    pieces = [*letters, *map(SPACE.character, (((0x2500, 0x2500),), ((0x20, 0x10FFFF),), ((0xE9, 0x65E5),)))]
    some = st.sampled_from([SPACE.universe, *pieces])
    counted = st.builds(
        repeat, st.sampled_from(pieces), st.sampled_from([0, 1, 4]), st.sampled_from([None, 4, 6])
    )
    anywhere = st.builds(lambda word: concat(SPACE.universe, word, SPACE.universe), some)
    either = st.builds(choice, some, counted)
    return st.lists(some | counted | anywhere | either.map(star), min_size=1, max_size=3).map(
        lambda parts: concat(*parts)
    )


def states(trie: Trie | Signatures, term: Term, rows: Rows | None = None) -> list[int]:
    """The states at all positions."""
    rows = rows or Rows(Steps(shared_automaton()))
    local = walk_all(rows, trie, shared_automaton().state(term))
    return [rows.states[number // SYMBOLS] for number in local.tolist()]


@given(terms(), st.integers(3, 6))
@settings(max_examples=150)
def test_deep_positions_are_where_walking_leads(term: Term, depth: int) -> None:
    """A state that leads to itself is the state far down, and one that a character leads to itself by."""
    for trie in TRIES:
        walked = states(trie, term)
        trie.__dict__["deep"] = Deep.build(trie.above, trie.symbol, trie.spans, depth)
        try:
            assert states(trie, term) == walked
        finally:
            del trie.__dict__["deep"]


@given(st.lists(terms(), min_size=2, max_size=5), st.integers(3, 6))
@settings(max_examples=100)
def test_what_was_walked_before_changes_nothing(several: list[Term], depth: int) -> None:
    """Rows are shared by walks, and grow; what is known of one state is nobody else's."""
    for trie in TRIES:
        trie.__dict__["deep"] = Deep.build(trie.above, trie.symbol, trie.spans, depth)
        shared = Rows(Steps(shared_automaton()))
        try:
            for term in several:
                assert states(trie, term, shared) == states(trie, term)
        finally:
            del trie.__dict__["deep"]


def test_no_loop_is_known_of_a_row_not_made_yet() -> None:
    """When there is room for sixteen more, they have not the loops of the first sixteen."""
    automaton = shared_automaton()
    rows = Rows(Steps(automaton))
    for size in range(8):
        rows.learn(
            rows.number(automaton.state(concat(star(byte_range(97, 122)), literal(b"1" * (size + 1)))))
        )
    loops = rows.loops(COARSE)
    while len(rows.loops(COARSE)) == len(loops):
        number = rows.number(automaton.state(repeat(literal(b"ab"), 0, len(rows.states) + 1)))

    assert loops.any()
    assert not rows.loops(COARSE)[number // SYMBOLS :].any()


@pytest.mark.parametrize("few", [-1, 2_000])
@given(term=terms())
@settings(max_examples=100)
def test_corrected_nodes_are_those_in_another_state(few: int, term: Term) -> None:
    """Found from node to node, or by the bytes after which two states differ."""
    before, walks.FEW_IN_DOUBT = walks.FEW_IN_DOUBT, few
    try:
        for signatures in VOCABULARY.signatures:
            rows = Rows(Steps(shared_automaton()))
            local = walk_all(rows, signatures, shared_automaton().state(term))
            corrected = correct(rows, VOCABULARY.trie, signatures, local)
            assert corrected is not None
            numbers = local[signatures.of_node]
            numbers[corrected[0]] = corrected[1]

            exact = walk_all(rows, VOCABULARY.trie, shared_automaton().state(term))
            assert np.array_equal(numbers, exact[:-1])
    finally:
        walks.FEW_IN_DOUBT = before

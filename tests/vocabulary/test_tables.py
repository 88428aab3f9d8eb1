"""A table, whichever way it was made, says what reading every token byte by byte says."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.json_schema.strings import StringSpace
from constrain.regular.automaton import shared_automaton
from constrain.regular.terms import (
    EPSILON,
    Term,
    byte_range,
    choice,
    complement,
    concat,
    intersect,
    literal,
    repeat,
)
from constrain.vocabulary.reached import Found
from constrain.vocabulary.remainders import EVERYTHING, NOTHING, Remainders
from constrain.vocabulary.tables import Table, Tables
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import toy_vocabulary

SPACE = StringSpace()
PIECES = (
    ["a" * n for n in range(2, 40)] + ["ab" * n for n in (1, 2, 9, 20)] + ['a"', 'ab",', '"a', "b" * 9, "a b"]
)
PIECES += [" " * n for n in (2, 3, 12, 33)] + [
    "a a a ",
    "é",
    "éa",
    'é"]',
    "\\n",
    '\\"',
    "a\\",
    '\\""',
    'a"a',
    'ab"aab',
    '""',
    '""a',
    "1",
    "12",
    "1a",
    "a1" * 9,
    "aabb" * 4,
]
VOCABULARY = toy_vocabulary(
    [piece.encode() for piece in PIECES] + [b"\xc3", b"a\xc3", b'\xa9"', b"\xa9a", b"\xa9"]
)
TABLES = Tables(VOCABULARY, shared_automaton())
LABELS = Tables(
    toy_vocabulary(
        [b"a" * size for size in (2, 9, 23, 24, 25, 26, 31, 40, 62, 63, 64, 70)]
        + [b"a" * size + b".a" for size in (8, 26, 27, 32, 64)]
        + [b"a-" * size + b"a" for size in (3, 12, 13, 31, 32, 35)]
        + [
            b'aa."',
            b'aa"',
            b'a" ',
            b"a" * 26 + b'"',
            b"a" * 60 + b'" ',
            b"a.a.",
            b"bb",
            b"aab" * 11,
            b"aab" * 11 + b" ",
        ]
        + [b"aa." * size + b"aa" for size in (5, 20, 40)]
    ),
    shared_automaton(),
)


def by_reading(vocabulary: Vocabulary, tables: Tables, state: int) -> tuple[set[int], set[int]]:
    """The tokens that stay alive, and the trie nodes with children at which the terminal is complete."""
    automaton, trie = tables.automaton, vocabulary.trie
    alive: set[int] = set()
    exits: set[int] = set()
    at = {0: state}
    for node in range(1, len(trie.byte)):
        before = at[int(trie.parent[node])]
        at[node] = automaton.step(before, int(trie.byte[node])) if before else 0
        if at[node]:
            start = int(trie.first[node])
            alive.update(trie.order[start : start + int(trie.own[node])].tolist())
            if automaton.accepting[at[node]] and int(trie.start[node]) < int(trie.start[node + 1]):
                exits.add(node)
    return alive, exits


def contents(table: Table, tables: Tables = TABLES) -> tuple[set[int], set[int]]:
    inside = {token for token, flag in enumerate(table.flags(VOCABULARY.size).tolist()) if flag}
    return inside - table.refused, set(tables.remainders.nodes[table.exit])


PATTERNS = [
    "a",
    "^a*$",
    "b$",
    "^(a+ )*a+$",
    "^(a+ ){0,40}a+$",
    "^[ab]{3,20}$",
    "é",
    "^(ab|a){2,9}$",
    "^.{12}$",
    "a{30}",
    "^[ab]{90}$",
]
RESTS = [literal(b"aa"), repeat(byte_range(97, 98), 1), literal(b'"a')]
COUNTS = st.tuples(
    st.sampled_from([0, 0, 0, 1, 2, 7, 12, 50]), st.sampled_from([None, 0, 1, 3, 9, 17, 40, 300])
)


@st.composite
def counted_strings(draw: st.DrawFn) -> Term:
    """JSON strings with lengths, patterns beside them, and patterns alone."""
    low, high = draw(COUNTS)
    parts = [SPACE.pattern(pattern) for pattern in draw(st.lists(st.sampled_from(PATTERNS), max_size=2))]
    if draw(st.booleans()) or not parts:
        parts.append(SPACE.length(low, None if high is None else max(low, high)))
    return concat(SPACE.quoted(intersect(*parts)), draw(st.sampled_from([EPSILON, EPSILON, *RESTS])))


def other_counters() -> st.SearchStrategy[Term]:
    """Counters that are not of characters."""
    letter = st.sampled_from(
        [byte_range(97, 98), literal(b"ab"), choice(literal(b"a"), literal(b"aa")), byte_range(32, 99)]
    )
    repeats = st.builds(
        lambda body, low, more: repeat(body, low, None if more is None else low + more),
        letter,
        st.sampled_from([0, 1, 5, 33]),
        st.sampled_from([None, 0, 2, 9, 31, 33, 200]),
    )
    return st.lists(repeats, min_size=1, max_size=3).map(lambda parts: concat(*parts))


@given(counted_strings() | other_counters(), st.integers(0, 2**32))
@settings(max_examples=300)
def test_tables_are_what_reading_every_token_says(term: Term, seed: int) -> None:
    """At the start and along a random text, so that counters stand anywhere."""
    rng = random.Random(seed)
    state = TABLES.automaton.state(term)
    for _ in range(6):
        if not state:
            break
        assert contents(TABLES.table(EVERYTHING, state)) == by_reading(VOCABULARY, TABLES, state)
        for _ in range(rng.choice([1, 1, 4, 20])):
            ways = [byte for byte, _ in TABLES.live(state)]
            if ways:
                state = TABLES.automaton.step(state, rng.choice(ways))


FAR_PATTERNS = ["^([a-z][0-9])+$", "^(ab|bb)*$", "^(a|bab){40,}$", "^[ab]{70,900}$", "^(?=.*1)[a-c]+b$"]


@given(
    st.sampled_from(FAR_PATTERNS),
    st.sampled_from([0, 1, 30, 64, 65, 300, 1_000]),
    st.sampled_from([None, 0, 3, 40, 900, 10**12]),
    st.sampled_from([b"", b"a", b"a1a1", b"abab"]),
)
@settings(max_examples=60)
def test_lengths_beside_patterns_may_be_of_any_size(
    pattern: str, low: int, more: int | None, begun: bytes
) -> None:
    """Where no end is near, nothing is known of how many characters suffice."""
    length = SPACE.length(low, None if more is None else low + more)
    state = TABLES.automaton.state(concat(intersect(length, SPACE.pattern(pattern)), literal(b'"')))
    for byte in begun:
        state = TABLES.automaton.step(state, byte)
    if state:
        assert contents(TABLES.table(EVERYTHING, state)) == by_reading(VOCABULARY, TABLES, state)


BODIES = [
    byte_range(97, 99),
    byte_range(97, 98),
    choice(literal(b"ab"), literal(b"bb")),
    choice(literal(b"a"), literal(b"bab")),
    choice(literal(b"a"), literal(b"ba")),
]


@given(st.permutations(BODIES), st.integers(24, 36), st.integers(24, 36), st.booleans())
@settings(max_examples=60)
def test_what_is_counted_beside_something_may_be_uncounted_beside_it_elsewhere(
    bodies: list[Term], one: int, other: int, first: bool
) -> None:
    """Without their counts, `x` beside a count of `y` and a count of `x` beside `y` are the same string."""
    tables = Tables(VOCABULARY, shared_automaton())
    x, y = bodies[:2]
    strings = [intersect(repeat(x, 0, one), repeat(y)), intersect(repeat(x), repeat(y, 0, other))]
    for content in strings if first else strings[::-1]:
        state = tables.automaton.state(concat(content, literal(b'"')))
        assert contents(tables.table(EVERYTHING, state), tables) == by_reading(VOCABULARY, tables, state)


@pytest.mark.parametrize("rest", [EPSILON, *RESTS])
@pytest.mark.parametrize("bounds", [(0, 38), (3, 31), (20, None)])
def test_tokens_go_on_behind_a_counted_string(rest: Term, bounds: tuple[int, int | None]) -> None:
    """However many characters may still come, and whatever follows the quote."""
    state = TABLES.automaton.state(concat(SPACE.length(*bounds), literal(b'"'), rest))
    for byte in b"abaaaabaab":
        table = TABLES.counted.table(EVERYTHING, state)

        assert table is not None
        assert contents(table) == by_reading(VOCABULARY, TABLES, state)
        state = TABLES.automaton.step(state, byte)


@st.composite
def labels(draw: st.DrawFn) -> Term:
    """Like host names: parts with a count each, and a count of all."""
    most, few, total = (draw(st.sampled_from(counts)) for counts in ((24, 30, 61), (0, 2, 26), (40, 65, 253)))
    letter, end = (
        byte_range(97, 98),
        draw(st.sampled_from([literal(b'"'), literal(b"b"), repeat(literal(b"a"), 3)])),
    )
    part = concat(letter, repeat(choice(letter, literal(b"-")), 0, most), letter)
    name = concat(part, repeat(concat(literal(b"."), part), 0, draw(st.sampled_from([None, 2, 30]))))
    return concat(intersect(name, repeat(choice(byte_range(32, 33), byte_range(35, 126)), few, total)), end)


@given(labels(), st.integers(0, 2**32))
@settings(max_examples=150)
def test_counters_that_run_far_are_seen_where_tokens_get_to_their_end(term: Term, seed: int) -> None:
    """The walk leaves them out; a token of forty bytes may get past one of them all the same."""
    rng = random.Random(seed)
    state = LABELS.automaton.state(term)
    for _ in range(8):
        if not state:
            break
        table = LABELS.table(EVERYTHING, state)
        inside = {token for token, flag in enumerate(table.flags(LABELS.vocabulary.size).tolist()) if flag}

        assert (inside, set(LABELS.remainders.nodes[table.exit])) == by_reading(
            LABELS.vocabulary, LABELS, state
        )
        for byte in rng.choice([b"", b"-", b"a."]) + b"a" * rng.choice([1, 5, 20]):
            state = LABELS.automaton.step(state, byte) or state


@given(labels(), st.binary(max_size=1))
@settings(max_examples=100)
def test_tokens_whose_beginning_is_read_are_judged_by_what_is_left(term: Term, read: bytes) -> None:
    """What is left of tokens that begin with `a`, say, after whatever may have taken that letter."""
    state, remainders = LABELS.automaton.state(term), LABELS.remainders
    remainder = remainders.children(EVERYTHING)[read[0] if read else 97]
    table = LABELS.table(remainder, state)
    inside = {token for token, flag in enumerate(table.flags(LABELS.vocabulary.size).tolist()) if flag}

    expected = set()
    for token in remainders.tokens_below(remainder).tolist():
        at = state
        for byte in (LABELS.vocabulary.text(token) or b"")[1:]:
            at = LABELS.automaton.step(at, byte)
        if at:
            expected.add(token)
    assert inside == expected


@st.composite
def words_anywhere(draw: st.DrawFn) -> Term:
    """A JSON string with a word anywhere in it, or nowhere, after some of the word: odd nearly everywhere."""
    word = draw(st.sampled_from([b"aab", b"1a", b"a a", b"abab", "aé".encode(), b"aaaaaaaaab"]))
    term = concat(SPACE.universe, literal(word), SPACE.universe)
    if draw(st.booleans()):
        term = intersect(SPACE.universe, complement(term))
    term = concat(term, literal(b'"'))
    for byte in word[: draw(st.integers(0, len(word) - 1))]:
        term = term.derivative(byte)
    return term


@given(counted_strings() | other_counters() | words_anywhere(), st.integers(0, 2**32))
@settings(max_examples=150)
def test_all_walks_say_the_same(term: Term, seed: int) -> None:
    """From position to position, all at once with corrections, and all at once in the trie itself."""
    state = TABLES.automaton.state(term)
    if not state:
        return
    walker = TABLES.walker
    rng = random.Random(seed)
    for _ in range(rng.choice([0, 1, 4])):
        ways = [to for _, to in TABLES.live(state)]
        state = rng.choice(ways) if ways else state
    expected = by_reading(VOCABULARY, TABLES, state)
    reached = [walker.reached(state), walker.reached(state, VOCABULARY.trie)]

    assert found(walker.few(state)) in (None, expected)
    assert found(walker.from_nodes((0,), state)) == expected
    for flags, exits in [walker.all(state), *((walker.flags(it), walker.exits(it)) for it in reached if it)]:
        assert (set(np.flatnonzero(flags).tolist()), set(exits.tolist())) == expected


def found(it: Found | None) -> tuple[set[int], set[int]] | None:
    """The tokens, and the nodes that are left, as sets."""
    if it is None:
        return None
    return {int(token) for token in it.tokens}, set(
        map(int, TABLES.remainders.nodes[TABLES.remainders.intern(it.exits)])
    )


def test_a_narrow_state_is_walked_from_position_to_position() -> None:
    """Else the test above would say little about it."""
    states = map(
        TABLES.automaton.state, (literal(b"ab"), repeat(byte_range(97, 122), 1), SPACE.pattern("^a+b$"))
    )

    assert None not in [TABLES.walker.few(state) for state in states]


NODES = list(range(len(VOCABULARY.trie)))
SETS = st.sampled_from([[0], *([node] for node in NODES)]) | st.lists(st.sampled_from(NODES), max_size=40)
SETS |= st.just(NODES)


@given(counted_strings() | other_counters(), SETS)
@settings(max_examples=200)
def test_the_walk_below_some_nodes_is_that_of_each(term: Term, nodes: list[int]) -> None:
    """Nodes of a remainder may lie below each other, and are then reached in several states."""
    state = TABLES.automaton.state(term)
    remainder = TABLES.remainders.intern(nodes)
    if not state or not remainder:
        return
    nodes = [int(node) for node in TABLES.remainders.nodes[remainder]]
    trie, automaton = VOCABULARY.trie, TABLES.automaton
    tokens: set[int] = set()
    exits: set[int] = set()
    agenda = [(node, state) for node in nodes]
    for node, at in agenda:
        for child in range(trie.start[node], trie.start[node + 1]):
            to = automaton.step(at, int(trie.byte[child]))
            if to:
                agenda.append((child, to))
                tokens.update(trie.tokens(child).tolist())
                if automaton.accepting[to] and trie.start[child] < trie.start[child + 1]:
                    exits.add(child)

    large = Remainders(trie, 0)
    below = partial(large.child_nodes, large.intern(nodes))

    assert found(TABLES.walker.from_nodes(tuple(nodes), state)) == (tokens, exits)
    assert found(TABLES.walker.from_children(below, state)) == (tokens, exits)


@given(SETS)
@settings(max_examples=200)
def test_a_large_remainder_has_the_children_of_a_small_one(nodes: list[int]) -> None:
    """It is kept as an array, and each of its children is made when it is asked for."""
    small, large = (Remainders(VOCABULARY.trie, size) for size in (1_000, 0))
    found = [remainders.intern(nodes) for remainders in (small, large)]
    children = small.children(found[0])

    assert large.lead(found[1]) == small.lead(found[0])
    for byte in range(256):
        child = large.child(found[1], byte)
        assert list(large.node_list(child)) == list(small.nodes[children.get(byte, NOTHING)])
        assert list(large.tokens(child)) == list(small.tokens(children.get(byte, NOTHING)))
    assert {byte: list(large.node_list(child)) for byte, child in large.children(found[1]).items()} == {
        byte: list(small.nodes[child]) for byte, child in children.items()
    }


def test_a_counter_farther_from_its_end_than_any_token_reaches_shares_its_table() -> None:
    """A reasoning section of two thousand characters must not walk the vocabulary for each of them."""
    vocabulary = toy_vocabulary([b" " * size for size in (2, 40, 60)])
    tables = Tables(vocabulary, shared_automaton())
    space = literal(b" ")
    found = {
        id(tables.table(EVERYTHING, tables.automaton.state(repeat(space, 0, high))))
        for high in range(100, 200)
    }

    assert len(found) == 1

"""Tables of products, with a length or without, say what reading in the term that they stand for says."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema
from constrain.json_schema.strings import QUOTE, string_space
from constrain.regular.automaton import shared_automaton
from constrain.regular.bounded import Window, bounded
from constrain.regular.conditions import Condition
from constrain.regular.keeping import forget
from constrain.regular.products import product
from constrain.regular.terms import concat, intersect
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.tables import Tables
from tests import hostile_inputs
from tests.oracle import by_trying, ids, toy_vocabulary
from tests.regular.conditions import conditions, multiplied_out
from tests.vocabulary.test_tables import by_reading

SPACE = string_space("canonical")
VOCABULARY = toy_vocabulary(
    [b"a" * n for n in (2, 3, 9, 24, 63, 64, 65, 66, 70, 130)]
    + [b"ab" * n for n in (1, 2, 8, 31, 33, 50)]
    + ["é".encode() * n for n in (1, 2, 33)]
    + [
        b'a"',
        b'b",',
        b'"',
        b'":',
        b'\\"',
        b"\\n",
        b"a\\",
        b"\xc3",
        b"\xa9",
        b"\xa9a",
        b'\xa9"',
        b"a b",
        b" ",
        b"c",
        b"ca",
    ]
    + [begin + b"ab" * n + end for begin in (b"n", b"\xa9", b'"') for n in range(66) for end in (b"", b"a")]
    + [b"a" * 64 + b'"', b"a" * 65 + b'",', b"red", b"ed", b"gre", b"en", b"re", b"b" * 66]
)
TABLES = Tables(VOCABULARY, shared_automaton())
PATTERNS = [
    "a", "^a*$", "b$", "^(a+ )*a+$", "é", "^(ab|a){2,9}$", "^[ab]{90}$", "red", "green", "^.*a", "^.*b",
    "a.{2}$", "b.{2}$", "^(ab){20,40}$", "[^a]", "\\\\", '"', "a.*b.*é", "^(aa)*$",
]  # fmt: skip
FACTORS = st.sampled_from(PATTERNS).map(lambda pattern: concat(SPACE.pattern(pattern), QUOTE))
BYTES = ["abred\xc3\xa9", "abred", "\\n", "\xc3\xa9"]
"""Which bytes a text goes on with, if it may."""
LENGTHS = st.sampled_from([0, 0, 0, 1, 2, 7, 12, 63, 64, 65, 66, 67, 130, 400])


@given(
    conditions(FACTORS, most=3),
    LENGTHS,
    st.none() | LENGTHS,
    st.sampled_from([0, 1, 5, 61, 66, 128]),
    st.integers(0, 2**32),
)
@settings(max_examples=150)
def test_tables_of_products_are_those_of_the_terms_they_stand_for(
    condition: Condition, low: int, more: int | None, skipped: int, seed: int
) -> None:
    """At the start, along a random text, and far from the start: counts of more than a token's characters.

    And whatever is forgotten on the way: a grammar outlives the generation that it was compiled in.
    """
    rng = random.Random(seed)
    is_outlived = rng.random() < 0.5
    if is_outlived:
        forget()
    window = Window(low, None if more is None else low + more)
    term = bounded(product(SPACE.closed, condition), SPACE.closed, window)
    oracle = intersect(multiplied_out(SPACE.closed, condition), concat(SPACE.length(*window), QUOTE))
    automaton = TABLES.automaton
    state, other = automaton.state(term), automaton.state(oracle)
    for size in (skipped, 1, 1, 4, 1):
        assert bool(state) == bool(other)
        for _ in range(size):
            ways = [to for to in TABLES.live(state) if not automaton.accepting[to[1]]] if state else []
            if ways:
                byte, state = rng.choice([way for way in ways if chr(way[0]) in rng.choice(BYTES)] or ways)
                other = automaton.step(other, byte)
        if not state:
            break
        if is_outlived:
            forget()
        table = TABLES.table(EVERYTHING, state)
        inside = {token for token, flag in enumerate(table.flags(VOCABULARY.size).tolist()) if flag}

        assert (inside - table.refused, set(TABLES.remainders.nodes[table.exit])) == by_reading(
            VOCABULARY, TABLES, other
        )


def test_inside_a_character_what_follows_is_counted_from_there() -> None:
    """Behind a backslash a quote is the rest of a character, and what follows it is inside the string."""
    schema = {"type": "string", "pattern": "]\\t", "maxLength": 65}
    compiled = compile_json_schema(schema, hostile_inputs.VOCABULARY)
    matcher = compiled.matcher()
    for byte in b'"\\':
        assert matcher.accept_token(byte)
        assert ids(matcher.allowed_token_ids()) == by_trying(compiled, matcher.position)

"""Where a text stands: the quick ways to read are the slow one, and what is forced is all there is."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain import position as positions_module
from constrain.compiler import compile_json_schema, compile_lark, compile_part, compile_regex
from constrain.errors import ConstrainError
from constrain.matcher import CompiledGrammar
from constrain.parts import choice, either, literal, regex, sequence, special_token
from constrain.position import Position, Threads
from constrain.testing.random_schemas import schemas
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import ids, strings_over, toy_vocabulary
from tests.strategies import small_patterns

VOCABULARY = toy_vocabulary(
    [*(text.encode() for text in strings_over("ab", 3)), b'":', b'","', b'"}', b'{"', b"},", b"12", b"true"]
)
OPTIONS = st.fixed_dictionaries(
    {"property_order": st.sampled_from(["schema", "any"]), "whitespace": st.sampled_from(["compact", "any"])}
)


def compiled_schema(schema: Any, options: dict[str, Any]) -> CompiledGrammar:
    try:
        return compile_json_schema(schema, VOCABULARY, **options)
    except ConstrainError:
        assume(False)
        raise


def stepped(compiled: CompiledGrammar, position: Position, text: bytes) -> Threads:
    """The threads after `text`, all of them moved byte by byte."""
    threads: Threads = dict.fromkeys(position.threads)
    for byte in text:
        threads = compiled.positions.step(threads, byte)
    return threads


def bytes_on(compiled: CompiledGrammar, position: Position) -> list[int]:
    """The bytes that may come, each tried."""
    return [byte for byte in range(256) if stepped(compiled, position, bytes((byte,)))]


def forced_by_trying(compiled: CompiledGrammar, position: Position) -> bytes:
    """While there is one way on, and no end, that one; the first 40 bytes of it."""
    forced = b""
    while not position.can_end and len(forced) < 40:
        ways = bytes_on(compiled, position)
        if len(ways) != 1:
            break
        forced += bytes(ways)
        position = compiled.positions.intern(stepped(compiled, position, bytes(ways)))
    return forced


def assert_threads_are_in_order(position: Position) -> None:
    """A thread at a continuation has no number, and nothing captured."""
    for number, edge, _, captured in position.threads:
        assert edge is not None or (number, captured) == (0, b"")


def assert_read_as_stepped(compiled: CompiledGrammar, rng: random.Random) -> None:
    """At each position of a walk: reading, what may come next, and what is forced."""
    matcher = compiled.matcher()
    for _ in range(6):
        position, positions = matcher.position, compiled.positions
        for token in VOCABULARY.tokens[256:-1]:
            assert token is not None
            assert positions.read(position.threads, token) == stepped(compiled, position, token)
        assert sorted(positions.next_bytes(dict.fromkeys(position.threads))) == bytes_on(compiled, position)
        assert matcher.forced_bytes()[:40] == forced_by_trying(compiled, position)
        assert position.can_end == matcher.is_completed()
        assert_threads_are_in_order(position)
        readers = dict.fromkeys(positions.readers(position.threads))
        for byte in b'a"{1,':
            assert set(positions.step(readers, byte)) == set(stepped(compiled, position, bytes((byte,))))
        assert matcher.accept_token(rng.choice(ids(matcher.allowed_token_ids())))
        if matcher.is_terminated():
            break


@given(schemas(), OPTIONS, st.integers(0, 2**32))
@settings(max_examples=60)
def test_a_token_is_read_as_its_bytes_are_stepped(schema: Any, options: dict[str, Any], seed: int) -> None:
    assert_read_as_stepped(compiled_schema(schema, options), random.Random(seed))


@given(small_patterns("ab"), st.integers(0, 2**32))
@settings(max_examples=40)
def test_so_is_one_of_a_pattern(pattern: str, seed: int) -> None:
    try:
        compiled = compile_regex(pattern, VOCABULARY)
    except ConstrainError:
        return
    assert_read_as_stepped(compiled, random.Random(seed))


JOINING = 'start: A start "b" | B start "bb" | "1"\nA: /[ab]/\nB: /a|"/'


@pytest.mark.parametrize(
    "grammar",
    [
        'start: "a" start "b" | "ab"',
        'start: (x | y)+\nx: "a" x "b" | "c"\ny: "a" y "b" | "c" "d"?',
        'start: start "," start | "1" | "{" start "}"',
        "start: /a+/ start | /a*b/",
        JOINING,
    ],
)
def test_so_is_one_of_a_grammar_in_which_places_are_joined(grammar: str) -> None:
    compiled = compile_lark(grammar, VOCABULARY)
    for seed in range(5):
        assert_read_as_stepped(compiled, random.Random(seed))


def test_places_of_a_grammar_that_a_byte_reaches_together_are_one() -> None:
    """Else a text of n bytes would have 2^n of them."""
    compiled = compile_lark(JOINING, VOCABULARY)
    positions = compiled.positions
    for length in range(1, 12):
        threads = positions.read(positions.start.threads, b"a" * length)

        assert len(threads) == 1
        assert threads == stepped(compiled, positions.start, b"a" * length)
        assert_threads_are_in_order(positions.intern(threads))


@given(schemas(), OPTIONS, st.integers(0, 2**32))
@settings(max_examples=40)
def test_a_text_completes_where_it_may_end_behind_it(schema: Any, options: dict[str, Any], seed: int) -> None:
    compiled, rng = compiled_schema(schema, options), random.Random(seed)
    matcher = compiled.matcher()
    for _ in range(12):
        matcher.accept_token(rng.choice(ids(matcher.allowed_token_ids())))
        behind = compiled.positions.read(compiled.positions.start.threads, matcher.text)
        assert compiled.positions.intern(behind).can_end == matcher.is_completed()
        if matcher.is_terminated():
            break


def test_equal_threads_are_one_position_and_a_token_leads_to_the_same_one_twice() -> None:
    compiled = compile_regex("a*b|a*c|a+d|[ab]*e", VOCABULARY)
    positions = compiled.positions
    start = positions.start
    threads = tuple(start.threads)

    assert positions.intern(dict.fromkeys(threads)) is start
    assert positions.advance(start, ord("a")) is positions.advance(start, ord("a"))
    assert positions.advance(start, ord("z")) is None
    assert start.after_token[ord("z")] is None
    assert positions.advance(positions.start, VOCABULARY.tokens.index(b"aab")) is positions.intern(
        positions.read(start.threads, b"aab")
    )


def test_what_a_byte_begins_is_kept_for_plain_edges_alone() -> None:
    """Literals that are allowed differ from place to place."""
    plain = compile_regex("qa|qb", VOCABULARY)
    words = compile_part(choice(["xa", "xb"]), VOCABULARY)
    for compiled, byte in ((plain, ord("q")), (words, ord("x"))):
        assert compiled.matcher().accept_token(byte)
    begun = plain.positions.tables.begun

    assert begun is words.positions.tables.begun
    assert (plain.start.first, ord("q")) in begun
    assert (words.start.first, ord("x")) not in begun


def many_threads() -> CompiledGrammar:
    words = either(*(sequence(regex(pattern), literal("!")) for pattern in ("[ab]+", "a+", "[ac]+", "[ad]+")))
    return compile_part(words, VOCABULARY)


def test_many_threads_are_one_position_in_any_order() -> None:
    compiled = many_threads()
    position = compiled.positions.intern(compiled.positions.read(compiled.positions.start.threads, b"a"))

    assert len(position.threads) > positions_module.MANY_THREADS
    assert compiled.positions.intern(dict.fromkeys(reversed(position.threads))) is position


def test_a_grammar_forgets_its_positions_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a matcher that holds one goes on."""
    monkeypatch.setattr(positions_module, "MAX_POSITIONS", 5)
    compiled = compile_regex("[a-z]{30}", VOCABULARY)
    matcher = compiled.matcher()
    for _ in range(30):
        assert matcher.accept_token(ord("q"))

    assert matcher.is_completed()
    assert len(compiled.positions._interned) <= 5


MARKED = Vocabulary.from_tokens(
    [*(bytes((byte,)) for byte in range(256)), None, None, None],
    eos_token_ids=[258],
    special_token_ids=[256, 257],
)


def test_a_special_token_stands_where_its_mark_does_and_nothing_is_forced_before_it() -> None:
    one, other = special_token(MARKED, 256, "[ONE]"), special_token(MARKED, 257, "[OTHER]")
    part = sequence(literal("x"), either(sequence(one, literal("one")), sequence(other, literal("two"))))
    compiled = compile_part(part, MARKED)
    matcher = compiled.matcher()

    assert matcher.forced_bytes() == b"x"
    assert not matcher.accept_token(256)
    assert matcher.accept_token(ord("x"))
    assert ids(matcher.allowed_token_ids()) == [256, 257]
    assert matcher.forced_bytes() == b""
    for mark, text in ((256, b"one"), (257, b"two")):
        twin = matcher.fork()
        assert twin.accept_token(mark)
        assert twin.forced_bytes() == text
        assert_threads_are_in_order(twin.position)


def test_a_special_token_beside_text_takes_nothing_away_from_it() -> None:
    mark = special_token(MARKED, 256, "[ONE]")
    compiled = compile_part(sequence(either(mark, literal("ab"), regex("a*c")), literal(".")), MARKED)
    matcher = compiled.matcher()

    assert ids(matcher.allowed_token_ids()) == [ord("a"), ord("c"), 256]
    assert matcher.forced_bytes() == b""
    assert not matcher.accept_token(257)
    assert matcher.accept_token(256)
    assert ids(matcher.allowed_token_ids()) == [ord(".")]
    assert matcher.forced_bytes() == b"."


def test_special_tokens_are_read_by_no_byte() -> None:
    mark = special_token(MARKED, 256, "[ONE]")
    positions = compile_part(sequence(either(mark, literal("a")), literal(".")), MARKED).positions

    assert len(positions.readers(positions.start.threads)) == 1
    assert positions.next_bytes(dict.fromkeys(positions.start.threads)) == {ord("a")}


def test_a_literal_that_may_not_come_again_is_no_way_on() -> None:
    schema = {"type": "object", "properties": {"aa": {}, "ab": {}}, "additionalProperties": False}
    compiled = compile_json_schema(schema, VOCABULARY, whitespace="compact", property_order="any")
    matcher = compiled.matcher()
    for byte in b'{"ab":1,"':
        assert matcher.accept_token(byte)

    assert matcher.forced_bytes() == b'aa":'


def test_forced_bytes_are_no_more_than_their_limit() -> None:
    matcher = compile_regex("a{5000}", VOCABULARY).matcher()

    assert matcher.forced_bytes() == b"a" * positions_module.MAX_FORCED_BYTES

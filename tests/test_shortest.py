"""Shortest completions against the oracle of trying all texts, and fewest tokens against trying all cuts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.continuation import Continuation
from constrain.errors import LimitExceeded, UnsatisfiableError
from constrain.json_schema.grammar import compile_schema
from constrain.json_schema.options import JsonOptions
from constrain.shortest import ShortestTexts, shortest_text
from constrain.spelling import fewest_tokens
from constrain.testing.random_schemas import schemas
from constrain.vocabulary.vocabulary import Vocabulary
from tests.json_schema.walk import Thread, accepts, can_end, next_bytes, start_threads, step

TOKENS = [*(bytes([byte]) for byte in range(256)), b"ab", b"abc", b"bc", b"ca", None]
VOCABULARY = Vocabulary.from_tokens(TOKENS, eos_token_ids=[len(TOKENS) - 1])


def shortest_length(start: Continuation, *, at_most: int) -> int | None:
    """By trying every byte everywhere, once for each set of threads."""
    frontier: set[frozenset[Thread]] = {frozenset(start_threads(start))}
    for length in range(at_most + 1):
        if any(can_end(threads) for threads in frontier):
            return length
        frontier = {frozenset(step(threads, byte)) for threads in frontier for byte in next_bytes(threads)}
    return None


def start_and_text(schema: Any) -> tuple[Continuation, bytes]:
    """What a schema begins with, and its shortest text; schemas without one are passed over."""
    try:
        start = compile_schema(schema).start
        with budget(20_000, "searching"):
            return start, shortest_text(start)
    except (UnsatisfiableError, LimitExceeded):
        assume(False)
        raise


@settings(max_examples=150, deadline=None)
@given(schemas())
def test_the_text_conforms_and_none_is_shorter(schema: Any) -> None:
    """Shorter texts are looked for one by one, by length."""
    start, text = start_and_text(schema)

    assert accepts(start, text)
    assert shortest_length(start, at_most=4) == (len(text) if len(text) <= 4 else None)


@settings(max_examples=150, deadline=None)
@given(schemas())
def test_no_way_on_from_within_a_shortest_text_is_shorter(schema: Any) -> None:
    """Wherever it comes to a continuation, in the middle of arrays and objects; one of them is as short."""
    start, text = start_and_text(schema)
    threads = start_threads(start)
    for left in reversed(range(len(text))):
        threads = step(threads, text[-left - 1])
        here = [thread for thread in threads if isinstance(thread, Continuation)]
        with budget(60_000, "searching"):
            rests = [shortest_text(continuation) for continuation in here]

        assert all(map(accepts, here, rests))
        assert all(len(rest) >= left for rest in rests)
        assert len(here) < len(threads) or min(map(len, rests)) == left


NAMES = [f"name{number}" for number in range(60)]
LONG = {
    "type": "object",
    "properties": {"first": {"type": "object"}} | {name: {} for name in NAMES},
    "required": ["first", *NAMES],
}
NESTED = {"type": "array", "items": {"$ref": "#"}}


@pytest.mark.parametrize(
    ("schema", "begun", "expected"),
    [
        (LONG, b'{"first":{"a":0', b"}" + b"".join(b',"%s":0' % name.encode() for name in NAMES) + b"}"),
        (NESTED, b"[" * 200 + b"[]", b"]" * 200),
    ],
)
def test_what_may_be_closed_is_not_gone_on_with(schema: Any, begun: bytes, expected: bytes) -> None:
    """Many more members and items would be shorter than what is due behind the bracket."""
    threads = start_threads(compile_schema(schema).start)
    for byte in begun:
        threads = step(threads, byte)
    inside = next(thread for thread in threads if isinstance(thread, Continuation))
    with budget(3_000, "searching"):
        rest = shortest_text(inside)

    assert rest == expected


def test_detours_inside_a_value_are_not_tried_at_every_place() -> None:
    """Ten objects of ten free values each: the search looks at each part once."""
    free = {f"k{number}": {} for number in range(10)}
    inner = {"type": "object", "properties": free, "required": sorted(free)}
    names = {f"n{number}": inner for number in range(10)}
    start = compile_schema({"type": "object", "properties": names, "required": sorted(names)}).start
    with budget(5_000, "searching"):
        text = shortest_text(start)

    assert len(text) == len('{"n0":{"k0":0}}') + 9 * len(',"n0":{"k0":0}') + 90 * len(',"k0":0')


def test_a_schema_that_contains_itself_has_a_shortest_text() -> None:
    """The way out, and not the way round."""
    tree = {
        "required": ["l"],
        "properties": {"l": {"anyOf": [{"$ref": "#"}, {"const": 123}]}},
        "type": "object",
    }

    assert shortest_text(compile_schema(tree).start) == b'{"l":123}'


@given(st.text("abc", max_size=8).map(str.encode))
def test_no_cut_of_the_text_has_fewer_tokens(text: bytes) -> None:
    """Every way to cut it is tried."""

    def fewest(rest: bytes) -> int:
        cuts = [token for token in TOKENS if token and rest.startswith(token)]
        return min((1 + fewest(rest[len(token) :]) for token in cuts), default=0)

    assert fewest_tokens(text, VOCABULARY) == fewest(text)


def test_every_continuation_can_be_completed() -> None:
    """The end needs nothing."""
    start: Continuation = compile_schema({"const": "x"}).start

    assert shortest_text(start) == b'"x"'


def test_each_way_on_is_work() -> None:
    """Counted keys in any order have as many subsets as a search can meet, and each has many ways on."""
    names = [f"key{number}" for number in range(22)]
    schema = {"type": "object", "required": names, "minProperties": 1}
    start = compile_schema(schema, options=JsonOptions(property_order="any")).start
    found = 0

    class Counting(ShortestTexts):
        def _ways(self, here: Continuation) -> Iterator[tuple[bytes, Continuation]]:
            nonlocal found
            for way in super()._ways(here):
                found += 1
                yield way

    with budget(60_000, "finding it"), pytest.raises(LimitExceeded, match="finding it takes more"):
        Counting().text(start)

    assert found <= 10_000

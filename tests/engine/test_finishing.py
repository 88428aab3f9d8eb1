"""An answer fits into its tokens, and is well-formed however few there are."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import jsonschema
import mlx.core as mx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema, compile_part, compile_regex
from constrain.engine.decode import decode
from constrain.engine.model import LoadedModel
from constrain.errors import LimitExceeded, UnsatisfiableError
from constrain.finishing import MAX_REFUSALS, NEAR, Finishing
from constrain.matcher import CompiledGrammar
from constrain.parts import choice, either, sequence, special_token
from constrain.testing.random_schemas import schemas
from constrain.vocabulary.bitmask import allocate_token_bitmask, unpack_words
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import toy_vocabulary
from tests.walks import shortest_way_on

VOCABULARY = toy_vocabulary([b'"}', b'", "', b'{"', b"aa", b'":', b"true", b"00"])
PATTERNS = ["a*b", "(a{5}|b)*", "a{3,9}|b", "(ab?)+c", "x", "|a+", "(aa|a)*b{4}", "a*b{5}|a{9}c|a*x{30}"]
SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["b"]},
    {"type": "array", "items": {"type": "object", "properties": {"a": {}}, "required": ["a"]}},
    {"enum": ["a", "aaaaaaaaaaaaaaaaaaaa", 12345678]},
    {"type": "array", "uniqueItems": True, "items": {"type": "boolean"}, "minItems": 1},
    {"$ref": "#/$defs/t", "$defs": {"t": {"type": "object", "properties": {"l": {"$ref": "#/$defs/t"}}}}},
]


def compiled(source: int) -> CompiledGrammar:
    if source < len(PATTERNS):
        return compile_regex(PATTERNS[source], VOCABULARY)
    return compile_json_schema(SCHEMAS[source - len(PATTERNS)], VOCABULARY, whitespace="compact")


SOURCES = st.integers(0, len(PATTERNS) + len(SCHEMAS) - 1)


@given(SOURCES, st.integers(0, 12), st.integers(0, 2**32))
@settings(max_examples=200)
def test_a_completion_completes(source: int, steps: int, seed: int) -> None:
    """From anywhere: its tokens are accepted one after the other, and then the text may end."""
    grammar, rng = compiled(source), random.Random(seed)
    matcher = grammar.matcher()
    for _ in range(steps):
        allowed = [t for t in matcher.allowed_token_ids().tolist() if t not in VOCABULARY.eos_token_ids]
        if not allowed:
            break
        matcher.accept_token(rng.choice(allowed))
    tokens = shortest_way_on(matcher)

    assert matcher.validate_tokens(tokens) == len(tokens)
    assert all(matcher.accept_token(token) for token in tokens)
    assert matcher.is_completed()


def test_no_completion_of_a_pattern_is_shorter() -> None:
    """After `a`, eight more of `a{9}` are owed, or one `b`."""
    grammar = compile_regex("a{9}|a?b", VOCABULARY)
    matcher = grammar.matcher()

    assert matcher.accept_token(ord("a"))
    assert shortest_way_on(matcher) == (ord("b"),)


def test_a_completion_takes_special_tokens_where_they_are_due() -> None:
    """The text that a special token is shown as would be refused."""
    tokens = [bytes([byte]) for byte in range(256)] + [None, None]
    vocabulary = Vocabulary.from_tokens(tokens, eos_token_ids=[257])
    call = special_token(vocabulary, 256, "[CALL]")
    grammar = compile_part(sequence("a", call, either("bb", "c")), vocabulary)

    assert shortest_way_on(grammar.matcher()) == (ord("a"), 256, ord("c"))


def walk(constraint: Finishing, rng: random.Random, size: int) -> list[int]:
    """Decode by definition: any token of the mask, again where it is refused."""
    bitmask, tokens = allocate_token_bitmask(1, VOCABULARY.size), list[int]()
    while True:
        constraint.fill_next_token_bitmask(bitmask, 0)
        allowed = np.flatnonzero(unpack_words(bitmask[0], VOCABULARY.size)).tolist()
        token = rng.choice([t for t in allowed if t not in VOCABULARY.eos_token_ids] or allowed)
        if not constraint.accept_token(token):
            continue
        if constraint.is_terminated():
            return tokens
        tokens.append(token)
        assert len(tokens) <= size


@given(SOURCES, st.integers(1, 40), st.integers(0, 2**32))
@settings(max_examples=300)
def test_no_walk_runs_out_of_tokens(source: int, size: int, seed: int) -> None:
    """Even one that ends only where it must: each ends complete, after `size` tokens at the most."""
    grammar = compiled(source)
    owed = len(shortest_way_on(grammar.matcher()))
    if owed > size:
        with pytest.raises(LimitExceeded):
            Finishing(grammar, size)
        return
    tokens = walk(Finishing(grammar, size), random.Random(seed), size)
    text = VOCABULARY.decode(tokens).decode()

    if source < len(PATTERNS):
        assert re.fullmatch(PATTERNS[source], text)
    else:
        jsonschema.validate(json.loads(text), SCHEMAS[source - len(PATTERNS)])


class Forgetful(Finishing):
    """Often finds no completion, as where a search is given up."""

    def __init__(
        self, grammar: CompiledGrammar, size: int, rng: random.Random, *, share: float, near: int = NEAR
    ) -> None:
        self._rng, self._share = rng, share
        super().__init__(grammar, size, near=near)

    def _look(self, left: int) -> Any:
        return None if self._rng.random() < self._share else super()._look(left)


@given(SOURCES, st.integers(1, 40), st.sampled_from([0.1, 0.5, 0.9, 1.0]), st.integers(0, 2**32))
@settings(max_examples=300)
def test_where_no_completion_is_found_a_text_goes_on(source: int, size: int, share: float, seed: int) -> None:
    """It may be incomplete in the end, but there is always a token, and few are refused in a row."""
    grammar, rng = compiled(source), random.Random(seed)
    assume(len(shortest_way_on(grammar.matcher())) <= size)
    finishing, bitmask = (
        Forgetful(grammar, size, rng, share=share),
        allocate_token_bitmask(1, VOCABULARY.size),
    )
    refused = 0
    while finishing.left and not finishing.is_terminated():
        finishing.fill_next_token_bitmask(bitmask, 0)
        allowed = np.flatnonzero(unpack_words(bitmask[0], VOCABULARY.size)).tolist()
        assert allowed
        refused = 0 if finishing.accept_token(rng.choice(allowed)) else refused + 1
        assert refused <= MAX_REFUSALS

    assert len(finishing.tokens) - finishing.is_terminated() <= size


@given(SOURCES, st.integers(1, 60), st.sampled_from([0.0, 0.1, 0.5]), st.integers(0, 2**32))
@settings(max_examples=200)
def test_how_early_choices_are_waited_for_changes_none(
    source: int, size: int, share: float, seed: int
) -> None:
    """The processor waits far from the end, the native loop near it: nothing else differs."""
    grammar, rng = compiled(source), random.Random(seed)
    assume(len(shortest_way_on(grammar.matcher())) <= size)
    late, early = (  # each remembers what it found itself
        Forgetful(compiled(source), size, random.Random(seed), share=share, near=near)
        for near in (NEAR, 1_024)
    )
    ours, theirs = (allocate_token_bitmask(1, VOCABULARY.size) for _ in range(2))
    while late.left and not late.is_terminated():
        late.fill_next_token_bitmask(ours, 0)
        early.fill_next_token_bitmask(theirs, 0)
        assert np.array_equal(ours, theirs)
        token = rng.choice(np.flatnonzero(unpack_words(ours[0], VOCABULARY.size)).tolist())
        assert late.accept_token(token) == early.accept_token(token)


@given(SOURCES, st.integers(0, 2**32))
@settings(max_examples=60)
def test_with_tokens_to_spare_nothing_is_changed(source: int, seed: int) -> None:
    """Far from the end its masks are the matcher's own."""
    grammar, rng = compiled(source), random.Random(seed)
    finishing, plain = Finishing(grammar, 250), grammar.matcher()
    ours, theirs = (allocate_token_bitmask(1, VOCABULARY.size) for _ in range(2))
    for _ in range(60):
        finishing.fill_next_token_bitmask(ours, 0)
        plain.fill_next_token_bitmask(theirs, 0)

        assert np.array_equal(ours, theirs)
        assert finishing.forced_bytes() == plain.forced_bytes()
        token = rng.choice(plain.allowed_token_ids().tolist())
        assert finishing.accept_token(token)
        assert plain.accept_token(token)
        if plain.is_terminated():
            break


@given(SOURCES, st.integers(0, 12), st.integers(0, 2**32))
@settings(max_examples=200)
def test_reading_a_known_end_on_changes_no_mask(source: int, more: int, seed: int) -> None:
    """Whether each position is searched, or only those that the end known before does not complete."""
    grammar = compiled(source)
    size = len(shortest_way_on(grammar.matcher())) + more
    carrying, searching = Finishing(grammar, size), Finishing(grammar, size)
    searching._carry = lambda token_id, left: None  # type: ignore[method-assign]
    ours, theirs = (allocate_token_bitmask(1, VOCABULARY.size) for _ in range(2))
    rng = random.Random(seed)
    while not carrying.is_terminated():
        carrying.fill_next_token_bitmask(ours, 0)
        searching.fill_next_token_bitmask(theirs, 0)

        assert np.array_equal(ours, theirs)
        allowed = np.flatnonzero(unpack_words(ours[0], VOCABULARY.size)).tolist()
        token = rng.choice([t for t in allowed if t not in VOCABULARY.eos_token_ids] or allowed)
        assert carrying.accept_token(token) == searching.accept_token(token)


def test_a_shorter_end_is_sought_where_the_known_one_does_not_fit() -> None:
    """`yyyyy` ends the text after each `x`; from the sixth on only `xxxxxxxxxz` fits into ten tokens."""
    constraint = Finishing(compile_regex("x*y{5}|x{9}z", VOCABULARY), 10)

    assert [constraint.accept_token(ord(letter)) for letter in "xxxxxxxxxz"] == [True] * 10
    assert constraint.is_completed()


def test_what_was_taken_back_can_be_written_again() -> None:
    """`rollback` restores what is left and what is owed."""
    finishing = Finishing(compile_regex("(aaaa)*b", VOCABULARY), 6)

    assert finishing.accept_token(ord("a"))
    assert finishing.left == 5
    finishing.rollback(1)
    assert finishing.left == 6
    assert walk(finishing, random.Random(1), 6)


def test_the_shortest_answer_must_fit() -> None:
    with pytest.raises(LimitExceeded) as error:
        Finishing(compile_part(choice(["abcdef", "ghijkl"]), VOCABULARY), 3)

    assert str(error.value) == "the shortest answer takes 6 tokens, and max_tokens=3\nhint: raise max_tokens"


@pytest.mark.parametrize("size", [5, 12, 40, 84])
def test_the_decode_loop_chooses_again_what_is_refused(random_model: LoadedModel, size: int) -> None:
    """With random weights, which have no wish to end, and from the cache that refusals must not touch."""
    schema = {"type": "array", "items": {"type": "string", "minLength": 2}, "maxItems": 500}
    vocabulary = random_model.vocabulary
    finishing = Finishing(compile_json_schema(schema, vocabulary, whitespace="compact"), size)
    mx.random.seed(size)
    steps = decode(
        random_model.network,
        [1, 2, 3],
        finishing,
        vocabulary_size=vocabulary.size,
        end_tokens=vocabulary.eos_token_ids,
        max_tokens=size,
        sampler=mx.random.categorical,
        forcing=random_model.forcing,
    )
    tokens = list(steps)
    value = json.loads(vocabulary.decode(tokens))

    assert len(tokens) <= size
    assert all(len(item) >= 2 for item in value)


def test_waiting_for_each_choice_changes_none(random_model: LoadedModel) -> None:
    """Near the end forward passes are made later; the tokens are those of a matcher without a budget."""
    schema = {"type": "object", "properties": {"n": {"enum": list(range(1000, 1100))}}, "required": ["n"]}
    vocabulary = random_model.vocabulary
    grammar = compile_json_schema(schema, vocabulary, whitespace="compact", additional_properties=False)
    runs = [
        decode(
            random_model.network,
            [5, 6, 7],
            constraint,
            vocabulary_size=vocabulary.size,
            end_tokens=vocabulary.eos_token_ids,
            max_tokens=40,
        )
        for constraint in (Finishing(grammar, 40), grammar.matcher())
    ]

    assert list(runs[0]) == list(runs[1])


OPENING = [token for token, text in enumerate(VOCABULARY.tokens) if text and text[-1:] in b'{["']
DIGITS = [token for token, text in enumerate(VOCABULARY.tokens) if text and text.isdigit()]
BLANKS = [token for token, text in enumerate(VOCABULARY.tokens) if text and text.isspace()]
LONGEST = sorted(range(VOCABULARY.size), key=lambda token: -len(VOCABULARY.tokens[token] or b""))[:20]


@given(
    schemas(),
    st.sampled_from([OPENING, DIGITS, BLANKS, LONGEST, []]),
    st.sampled_from([0, 1, 2, 5, 20, 60, 400, 600]),
    st.integers(0, 2**32),
)
@settings(max_examples=100, deadline=None)
def test_every_adversary_is_brought_to_an_end(schema: Any, wanted: list[int], more: int, seed: int) -> None:
    """Whatever it likes best, and from the fewest tokens to more than it can ever owe."""
    try:
        grammar = compile_json_schema(schema, VOCABULARY)
    except UnsatisfiableError:
        assume(False)
        raise
    size = len(shortest_way_on(grammar.matcher())) + more
    likes, rng = set(wanted), random.Random(seed)
    constraint = Finishing(grammar, size)
    bitmask = allocate_token_bitmask(1, VOCABULARY.size)
    while not constraint.is_terminated():
        constraint.fill_next_token_bitmask(bitmask, 0)
        allowed = np.flatnonzero(unpack_words(bitmask[0], VOCABULARY.size)).tolist()
        others = [t for t in allowed if t not in VOCABULARY.eos_token_ids] or allowed
        constraint.accept_token(rng.choice([t for t in others if t in likes] or others))

    assert len(constraint.tokens) - 1 <= size


@pytest.mark.parametrize("size", [1, 30, 400, 600])
def test_a_tree_that_always_opens_is_complete(size: int) -> None:
    """Each level owes two brackets more; all are owed long before the end is near."""
    grammar = compile_json_schema(SCHEMAS[-1], VOCABULARY, whitespace="compact")
    least = len(shortest_way_on(grammar.matcher()))
    constraint, likes = Finishing(grammar, least + size), set(OPENING)
    bitmask = allocate_token_bitmask(1, VOCABULARY.size)
    while not constraint.is_terminated():
        constraint.fill_next_token_bitmask(bitmask, 0)
        allowed = np.flatnonzero(unpack_words(bitmask[0], VOCABULARY.size)).tolist()
        constraint.accept_token(max(allowed, key=lambda token: (token in likes, token == ord("l"))))

    assert json.loads(VOCABULARY.decode(constraint.tokens[:-1])) is not None
    assert len(constraint.tokens) - 1 <= least + size


@pytest.mark.parametrize("star", "12345")
def test_of_texts_that_cost_the_same_the_model_s_is_written(star: str) -> None:
    """With nothing to spare, it is asked, and not given the first that was found."""
    schema = {"type": "object", "properties": {"stars": {"enum": [1, 2, 3, 4, 5]}}, "required": ["stars"]}
    grammar = compile_json_schema(schema, VOCABULARY, whitespace="compact", additional_properties=False)
    constraint = Finishing(grammar, len(shortest_way_on(grammar.matcher())))
    bitmask = allocate_token_bitmask(1, VOCABULARY.size)
    while not constraint.is_terminated():
        constraint.fill_next_token_bitmask(bitmask, 0)
        allowed = np.flatnonzero(unpack_words(bitmask[0], VOCABULARY.size)).tolist()
        constraint.accept_token(ord(star) if ord(star) in allowed else max(allowed))

    assert json.loads(VOCABULARY.decode(constraint.tokens[:-1])) == {"stars": int(star)}
    assert not constraint.was_cut


def test_tokens_that_were_refused_ahead_leave_no_trace(random_model: LoadedModel) -> None:
    """Far from the end a pass is made before the token is accepted: it is taken back out of the cache."""
    schema = {"anyOf": [{"type": "array", "minItems": 60, "items": {"const": "xyz"}}, {"type": "integer"}]}
    vocabulary = random_model.vocabulary
    grammar = compile_json_schema(schema, vocabulary, whitespace="compact")
    cache = random_model.network.make_cache()
    prompt, written = [5, 6, 7], list[int]()

    def opens(logprobs: mx.array) -> mx.array:
        opening = vocabulary.tokens.index(b"[")
        row = logprobs[0]
        return mx.array([opening]) if row[opening].item() > -1e30 else mx.argmax(logprobs, axis=-1)

    steps = decode(
        random_model.network,
        prompt,
        Finishing(grammar, 80),
        vocabulary_size=vocabulary.size,
        end_tokens=vocabulary.eos_token_ids,
        max_tokens=80,
        sampler=opens,
        cache=cache,
    )
    for token in steps:
        written.append(token)
        assert cache[0].offset <= len(prompt) + len(written) + 1

    assert isinstance(json.loads(vocabulary.decode(written)), int)

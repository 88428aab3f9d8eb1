"""The logits processor, called as each of mlx-lm's loops calls it."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Sequence

import mlx.core as mx
import mlx_lm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx_lm.generate import BatchGenerator, generate_step

from constrain.compiler import compile_json_schema
from constrain.engine.model import LoadedModel
from constrain.engine.processor import GrammarLogitsProcessor
from constrain.engine.sampling import NOT_FINITE
from tests.engine.fakes import Script, decode_by_definition

SIZE = 64
STEPS = [frozenset({5, 6}), frozenset({7}), frozenset({8, 9, 10}), frozenset({11, 12})]
WIDE = [frozenset(range(3, 3_000)), frozenset(range(500, 90_000)), frozenset({77, 78}), frozenset({5})]


def allowed_after(processor: GrammarLogitsProcessor, tokens: mx.array | Sequence[int]) -> set[int]:
    """Which tokens the processor leaves for what follows `tokens`."""
    logits = np.array(processor(tokens, mx.zeros((1, SIZE))))
    return set(np.flatnonzero(logits[0] == 0).tolist())


def small() -> GrammarLogitsProcessor:
    return GrammarLogitsProcessor(Script(STEPS, size=SIZE))


@pytest.mark.parametrize("dtype", [mx.int32, mx.uint32, mx.int64])
@pytest.mark.parametrize("prompt", [[1], [40, 41, 42]])
def test_masks_what_follows_the_generated_tokens(dtype: mx.Dtype, prompt: list[int]) -> None:
    """The first call's length is the mark, whatever of the prompt the caller shows, in any int type."""
    processor = small()

    seen = [
        allowed_after(processor, mx.array([*prompt, *new], dtype)) for new in ([], [5], [5, 7], [5, 7, 9])
    ]

    assert seen == [set(step) for step in STEPS]


def test_takes_a_list_of_tokens_and_a_single_row() -> None:
    """Not every caller has arrays, and some squeeze the batch away."""
    processor = small()

    assert allowed_after(processor, [1, 2]) == set(STEPS[0])
    row = np.array(processor([1, 2, 6], mx.zeros(SIZE)))
    assert set(np.flatnonzero(row == 0).tolist()) == set(STEPS[1])


def test_goes_back_where_the_tokens_shrink_or_differ() -> None:
    """Speculative decoding takes refused drafts back, and may put others in their place."""
    processor = small()
    calls = [[1], [1, 5], [1, 5, 7], [1, 6], [1, 6, 7], [1, 6, 7, 9], [1, 6, 7], [1, 6, 7, 10], [1]]
    expected = [STEPS[len(call) - 1] for call in calls]

    assert [allowed_after(processor, mx.array(call)) for call in calls] == [set(step) for step in expected]


def test_catches_up_over_several_tokens_at_once() -> None:
    """After a verified draft more than one token is new."""
    processor = small()
    allowed_after(processor, mx.array([1]))

    assert allowed_after(processor, mx.array([1, 5, 7, 8])) == set(STEPS[3])


def test_is_harmless_after_the_end() -> None:
    """mlx-lm runs one step ahead and asks once more after the end token."""
    processor = small()
    for tokens in ([1], [1, 5], [1, 5, 7], [1, 5, 7, 8], [1, 5, 7, 8, 11]):
        allowed_after(processor, mx.array(tokens))

    assert allowed_after(processor, mx.array([1, 5, 7, 8, 11, 2])) == {2}
    assert allowed_after(processor, mx.array([1, 5, 7, 8, 11, 2, 2])) == {2}
    assert processor.error is None


def test_a_forbidden_token_ends_the_text_and_is_reported_not_raised() -> None:
    """Raising would end the server's generation thread."""
    processor = small()
    allowed_after(processor, mx.array([1]))

    assert allowed_after(processor, mx.array([1, 33])) == {2}
    assert str(processor.error) == (
        "token 33 is not allowed after 0 generated tokens\n"
        "hint: from here only the end is allowed; is the processor the last of the list, and new?"
    )


def test_recovers_when_a_forbidden_token_is_taken_back() -> None:
    """A draft model may have proposed it; the text itself is fine."""
    processor = small()
    for tokens in ([1], [1, 5], [1, 5, 33], [1, 5, 33, 34]):
        allowed_after(processor, mx.array(tokens))

    assert allowed_after(processor, mx.array([1, 5])) == set(STEPS[1])
    assert processor.error is None


def test_a_constraint_that_raises_ends_the_text() -> None:
    """Even our own bugs must not take the server down."""
    script = Script(STEPS, size=SIZE)

    def broken(*arguments: object) -> bool:
        raise RuntimeError("a bug")

    script.fill_next_token_bitmask = broken  # type: ignore[method-assign]
    processor = GrammarLogitsProcessor(script)

    assert allowed_after(processor, mx.array([1])) == {2}
    assert processor.error is not None
    assert processor.error.what == "the constraint failed: RuntimeError: a bug"


def test_reset_serves_another_sequence() -> None:
    """One sequence at a time, but not one in a lifetime."""
    processor = small()
    for tokens in ([1], [1, 5], [1, 5, 33]):
        allowed_after(processor, mx.array(tokens))

    processor.reset()

    assert allowed_after(processor, mx.array([9, 9, 9, 9])) == set(STEPS[0])


def test_serves_mlx_lm_s_generate_step(random_model: LoadedModel) -> None:
    """The same tokens as decoding by definition."""
    model, tokenizer = random_model
    prompt = [9906, 11, 1917]
    end = next(iter(tokenizer.eos_token_ids))
    expected = decode_by_definition(model, prompt, Script(WIDE, ends=(end,)), 20)
    processor = GrammarLogitsProcessor(Script(WIDE, ends=(end,)))

    written = []
    for token, _ in generate_step(mx.array(prompt), model, max_tokens=20, logits_processors=[processor]):
        if token == end:
            break
        written.append(token)

    assert (written, processor.error) == (expected, None)


@pytest.mark.parametrize("drafts", [1, 2, 3])
def test_serves_speculative_decoding(
    random_model: LoadedModel, lookup_model: LoadedModel, drafts: int
) -> None:
    """One processor for both models: drafts that the main model refuses are rolled back."""
    model, tokenizer = random_model
    prompt = [9906, 11, 1917]
    end = next(iter(tokenizer.eos_token_ids))
    steps = [*WIDE, *WIDE[:3]]
    expected = decode_by_definition(model, prompt, Script(steps, ends=(end,)), 20)
    processor = GrammarLogitsProcessor(Script(steps, ends=(end,)))

    written = [
        response.token
        for response in mlx_lm.stream_generate(
            model,
            tokenizer,
            prompt,
            max_tokens=20,
            draft_model=lookup_model.model,
            num_draft_tokens=drafts,
            logits_processors=[processor],
        )
        if response.token != end
    ]

    assert (written, processor.error) == (expected, None)


def test_serves_each_sequence_of_a_batch_by_its_own_constraint(random_model: LoadedModel) -> None:
    """Sequences of different lengths and different constraints, in one batch."""
    model, tokenizer = random_model
    end = next(iter(tokenizer.eos_token_ids))
    prompts = [[9906, 11, 1917], [40, 41, 42, 43, 44, 45]]
    scripts: list[Callable[[], Script]] = [
        lambda: Script(WIDE, ends=(end,)),
        lambda: Script(WIDE[::-1], ends=(end,)),
    ]
    expected = [decode_by_definition(model, p, make(), 20) for p, make in zip(prompts, scripts, strict=True)]
    batch = BatchGenerator(model, stop_tokens=[[end]], max_tokens=20)
    processors = [[GrammarLogitsProcessor(make())] for make in scripts]
    uids = batch.insert(prompts, logits_processors=processors)

    written: dict[int, list[int]] = {uid: [] for uid in uids}
    while responses := batch.next_generated():
        for response in responses:
            if response.token != end:
                written[response.uid].append(response.token)
    batch.close()

    assert [written[uid] for uid in uids] == expected
    assert [p[0].error for p in processors] == [None, None]


@given(
    steps=st.lists(st.frozensets(st.integers(3, 9), min_size=1), min_size=1, max_size=3),
    walks=st.lists(st.lists(st.integers(0, 8), max_size=6), min_size=1, max_size=8),
)
def test_follows_tokens_that_grow_and_shrink_in_any_way(
    steps: list[frozenset[int]], walks: list[list[int]]
) -> None:
    """Drafts come and go, before the end and after it: what is allowed depends on the tokens alone."""
    processor = GrammarLogitsProcessor(Script(steps, size=SIZE))
    allowed_after(processor, [1])
    for walk in walks:
        # What a caller that keeps to the mask may hold: allowed tokens, then ends.
        script, tokens = Script(steps, size=SIZE), []
        for number in walk:
            options = sorted(script.allowed) or [2]
            tokens.append(options[number % len(options)])
            script.accept_token(tokens[-1])

        assert allowed_after(processor, [1, *tokens]) == (script.allowed or {2})
        assert processor.error is None


def test_another_prompt_begins_anew() -> None:
    """The same processor for a second prompt of any length: tokens that begin otherwise, or the same ones."""
    processor = small()
    for tokens in ([1], [1, 5], [1, 5, 7], [1, 5, 7, 8]):
        allowed_after(processor, tokens)
    for prompt in (
        [3],
        [4, 4],
        [1, 4, 4, 4],
        [5, 4, 4, 4, 4, 4],
        [6, 4, 4, 4, 4, 4],
        [6, 4, 4, 4, 4, 4],
        [1],
    ):
        assert allowed_after(processor, prompt) == set(STEPS[0])
        assert allowed_after(processor, [*prompt, 6]) == set(STEPS[1])
        assert processor.error is None


def test_a_text_that_goes_on_behind_its_end_is_reported() -> None:
    """A chat whose next turn begins with this one, given to the same processor."""
    processor = small()
    for tokens in ([1], [1, 5], [1, 5, 7], [1, 5, 7, 8], [1, 5, 7, 8, 11], [1, 5, 7, 8, 11, 2]):
        allowed_after(processor, tokens)

    assert allowed_after(processor, [1, 5, 7, 8, 11, 2, 40, 41]) == {2}
    assert str(processor.error) == (
        "token 40 follows the end of the text\n"
        "hint: from here only the end is allowed; is the processor the last of the list, and new?"
    )


BAD = [math.nan, math.inf, -math.inf]


@given(
    allowed=st.frozensets(st.integers(3, SIZE - 1), min_size=1),
    bad=st.sampled_from(BAD),
    share=st.integers(0, SIZE),
    data=st.data(),
)
def test_logits_that_are_nan_or_infinite_are_reported(
    allowed: frozenset[int], bad: float, share: int, data: st.DataObject
) -> None:
    """Where they are what a token is chosen by: NaN and infinity anywhere in the mask, -inf all over it."""
    row = [0.0] * SIZE
    hit = (
        allowed
        if bad == -math.inf
        else data.draw(st.frozensets(st.sampled_from(sorted(allowed)), min_size=1))
    )
    for token in hit:
        row[token] = bad
    processor = GrammarLogitsProcessor(Script([allowed, frozenset({5})], size=SIZE))

    masked = processor([1], mx.array([row]))
    chosen = int(mx.argmax(masked - mx.logsumexp(masked), axis=-1).item())
    after = np.array(processor([1, chosen], mx.array([row])))

    assert set(np.flatnonzero(after[0] == 0)) == {2}
    assert processor.error is not None
    assert processor.error.what == NOT_FINITE


@pytest.mark.parametrize("bad", BAD)
def test_logits_that_are_nan_under_a_forbidden_token_do_not_matter(bad: float) -> None:
    processor = small()
    logits = mx.array([[bad if token not in STEPS[0] else 0.0 for token in range(SIZE)]])

    processor([1], logits)

    assert allowed_after(processor, [1, 5]) == set(STEPS[1])
    assert processor.error is None


SCHEMAS: list[dict[str, object]] = [
    {"const": 1},
    {"enum": ["a", "ab", True, None]},
    {"type": "string", "maxLength": 2},
    {"type": "array", "items": {"type": "boolean"}, "maxItems": 2},
    {"type": "object", "properties": {"a": {"enum": [1, 22, 333]}}, "required": ["a"], "maxProperties": 1},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_is_without_error_after_each_of_mlx_lm_s_loops(
    random_model: LoadedModel, lookup_model: LoadedModel, schema: dict[str, object]
) -> None:
    """Whoever checks `error` must not reject a good answer; and all five write the same one."""
    model, tokenizer = random_model
    compiled = compile_json_schema(schema, random_model.vocabulary, whitespace="compact")
    prompt, limit, ends = [9906, 11, 1917], 24, random_model.vocabulary.eos_token_ids
    processors: list[GrammarLogitsProcessor] = []

    def options() -> dict[str, object]:
        processors.append(GrammarLogitsProcessor(compiled.matcher()))
        return {"max_tokens": limit, "logits_processors": [processors[-1]]}

    def cut(tokens: Iterable[int]) -> bytes:
        return compiled.vocabulary.decode(itertools.takewhile(lambda token: token not in ends, tokens))

    batch = BatchGenerator(model, stop_tokens=[[end] for end in ends], max_tokens=limit)
    batch.insert([prompt], logits_processors=[options()["logits_processors"]])  # type: ignore[list-item]
    in_batch = [r.token for found in iter(batch.next_generated, []) for r in found]
    batch.close()
    drafting = {"draft_model": lookup_model.model, "num_draft_tokens": 3}
    written = [
        cut(token for token, _ in generate_step(mx.array(prompt), model, **options())),
        cut(r.token for r in mlx_lm.stream_generate(model, tokenizer, prompt, **options())),
        mlx_lm.generate(model, tokenizer, prompt, **options()).encode(),
        cut(in_batch),
        cut(r.token for r in mlx_lm.stream_generate(model, tokenizer, prompt, **drafting, **options())),
    ]

    assert len(set(written)) == 1
    json.loads(written[0])
    assert [processor.error for processor in processors] == [None] * 5

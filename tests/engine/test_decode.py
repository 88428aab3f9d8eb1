"""The queue, the cut, the cache and the forced tokens change when things happen, never what is written."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from itertools import pairwise

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from constrain.engine import decode as decode_module
from constrain.engine.decode import decode
from constrain.engine.masking import Constraint, Mask
from constrain.engine.model import LoadedModel
from constrain.engine.network import Network
from constrain.engine.sampling import make_sampler
from constrain.errors import ConstrainError, InvalidInputError, LimitExceeded, ModelError
from tests.engine.fakes import Script, decode_by_definition

PROMPT = [9906, 11, 1917, 0, 3092, 836, 374]
STEP = st.frozensets(st.integers(3, 127_000), min_size=1, max_size=6)


def run(
    model: LoadedModel, script: Script, prompt: Sequence[int] = PROMPT, **options: object
) -> tuple[list[int], str]:
    """Decode greedily, and return the tokens and why it ended."""
    tokens: list[int] = []

    def collect() -> Generator[int, None, str]:
        settings: dict[str, object] = {"max_tokens": 50, **options}
        return (
            yield from decode(
                model.network,
                prompt,
                script,
                vocabulary_size=script.size,
                end_tokens=script.ends,
                **settings,  # type: ignore[arg-type]
            )
        )

    steps = collect()
    while True:
        try:
            tokens.append(next(steps))
        except StopIteration as end:
            return tokens, end.value


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=8), may_end_from=st.none() | st.integers(0, 3))
def test_writes_what_decoding_by_definition_writes(
    random_model: LoadedModel, steps: list[frozenset[int]], may_end_from: int | None
) -> None:
    """Single-token steps are appended unsampled, the others go through rows of the head: all must agree."""
    expected = decode_by_definition(
        random_model.model, PROMPT, Script(steps, may_end_from=may_end_from), max_tokens=50
    )

    assert run(random_model, Script(steps, may_end_from=may_end_from)) == (expected, "stop")


def test_writes_the_same_when_many_tokens_are_allowed(random_model: LoadedModel) -> None:
    """Above FEW the full head and the unpacked mask are used."""
    wide = [frozenset(range(3, 60_000)), frozenset(range(50_000, 128_000)), frozenset(range(3, 5_000))]
    expected = decode_by_definition(random_model.model, PROMPT, Script(wide), max_tokens=50)

    assert run(random_model, Script(wide)) == (expected, "stop")


def test_a_prompt_read_in_chunks_is_the_prompt(
    random_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefill splits anywhere; the last chunk holds the last token."""
    wide = [frozenset(range(3, 2_000))] * 3
    whole = run(random_model, Script(wide))

    for size in (1, 2, 3, 6, 7):
        monkeypatch.setattr(decode_module, "PREFILL_STEP", size)
        assert run(random_model, Script(wide)) == whole


def test_forces_what_the_forcing_says_and_counts_it(random_model: LoadedModel) -> None:
    """Forced tokens are yielded, accepted and limited by max_tokens like chosen ones."""
    steps = [frozenset(range(10, 20))] * 6

    def forcing(constraint: Constraint, mask: Mask) -> Sequence[int]:
        return (11, 12, 13) if isinstance(constraint, Script) and len(constraint.tokens) == 1 else ()

    tokens, finish = run(random_model, Script(steps), forcing=forcing)
    short, cut = run(random_model, Script(steps), forcing=forcing, max_tokens=3)

    assert (tokens[1:4], len(tokens), finish) == ([11, 12, 13], 6, "stop")
    assert (short, cut) == (tokens[:3], "length")


def test_makes_no_forward_pass_for_an_end_that_is_certain(random_model: LoadedModel) -> None:
    """Where only end tokens are allowed nothing is left to choose: no pass beyond the last token's."""
    calls: list[int] = []
    network = random_model.network

    def counting(tokens: mx.array, cache: list[object]) -> mx.array:
        calls.append(tokens.shape[1])
        return network.body(tokens, cache)

    counted = Network(network.model, counting, network.head, network.rows)
    script = Script([frozenset({5, 6}), frozenset({7}), frozenset({8})])

    tokens = list(
        decode(counted, PROMPT, script, vocabulary_size=script.size, end_tokens=script.ends, max_tokens=9)
    )

    assert tokens[1:] == [7, 8]
    assert calls == [len(PROMPT), 1]


def test_after_a_chosen_end_nothing_is_yielded(random_model: LoadedModel) -> None:
    """An end token is a sign for the loop, not text."""
    script = Script([frozenset({5})] * 20, may_end_from=0)

    def end_at_once(logprobs: mx.array) -> mx.array:
        return mx.array([2])

    assert run(random_model, script, sampler=end_at_once) == ([], "stop")


def test_stops_at_max_tokens_and_says_length(random_model: LoadedModel) -> None:
    """The caller must be able to tell a cut text from a complete one."""
    tokens, finish = run(random_model, Script([frozenset({5, 6})] * 9), max_tokens=4)

    assert (len(tokens), finish) == (4, "length")


def test_the_model_s_context_bounds_what_is_written(random_model: LoadedModel) -> None:
    """mlx-lm does not enforce it for Llama; past it, positions mean nothing to the model."""
    limit = random_model.network.context
    assert limit == 4096

    tokens, finish = run(random_model, Script([frozenset({5, 6})] * 20), prompt=[7] * (limit - 3))

    assert (len(tokens), finish) == (3, "length")


def test_refuses_a_prompt_that_fills_the_context(random_model: LoadedModel) -> None:
    """It would be cut in silence otherwise."""
    with pytest.raises(LimitExceeded) as error:
        run(random_model, Script([]), prompt=[7] * 5000)

    assert str(error.value) == (
        "the prompt has 5,000 tokens, and the model's context is 4,096\n"
        "hint: shorten the prompt; if the schema takes the room, pass schema_in_prompt=False"
    )


def test_refuses_an_empty_prompt(random_model: LoadedModel) -> None:
    """There is no position to predict from."""
    with pytest.raises(InvalidInputError) as error:
        run(random_model, Script([]), prompt=[])

    assert str(error.value) == ("the prompt is empty\nhint: a model needs at least one token to start from")


def test_a_sampler_that_ignores_the_mask_is_told(random_model: LoadedModel) -> None:
    """Better an error than a text that is not valid."""
    with pytest.raises(ConstrainError, match=r"^token 9 was chosen under the mask, and then refused$"):
        run(random_model, Script([frozenset({5, 6})] * 2), sampler=lambda logprobs: mx.array([9]))


def test_a_seed_makes_sampling_repeatable(random_model: LoadedModel) -> None:
    """And without one, two runs differ."""
    steps = [frozenset(range(3, 120_000))] * 4

    def sampled(seed: int) -> list[int]:
        mx.random.seed(seed)
        return run(random_model, Script(steps), sampler=make_sampler(1.5))[0]

    assert sampled(1) == sampled(1)
    assert sampled(1) != sampled(2)


def test_continues_a_cache(random_model: LoadedModel) -> None:
    """The prompt may be the part that is not cached yet."""
    script = [frozenset(range(3, 2_000))] * 4
    whole = run(random_model, Script(script))
    cache = random_model.network.make_cache()
    random_model.network.body(mx.array([PROMPT[:4]]), cache)

    assert run(random_model, Script(script), prompt=PROMPT[4:], cache=cache) == whole


def test_yields_a_token_before_the_next_is_read(random_model: LoadedModel) -> None:
    """A stream shows text as it grows; nothing is held back to the end."""
    script = Script([frozenset({5, 6})] * 3)
    seen = [
        len(script.tokens)
        for _ in decode(
            random_model.network, PROMPT, script, vocabulary_size=script.size, end_tokens=(2,), max_tokens=9
        )
    ]

    assert seen == [1, 2, 3]
    assert all(a < b for a, b in pairwise(seen))


def test_rows_of_the_head_are_rows_of_the_logits(random_model: LoadedModel) -> None:
    """Multiplying by k rows gives the k logits."""
    network = random_model.network
    assert network.rows is not None
    hidden = network.body(mx.array([PROMPT]), network.make_cache())[:, -1:]
    ids = [5, 77, 128_003, 128_255]

    rows, full = np.array(network.rows(hidden, mx.array(ids))), np.array(network.head(hidden))

    np.testing.assert_allclose(rows[0], full[0, ids], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("temp", [0.0, 1.0])
def test_logits_that_are_nan_or_infinite_end_in_an_error(
    random_model: LoadedModel, bad: float, wide: bool, temp: float
) -> None:
    """An answer that came out of them would be token 0 of each mask, as if nothing had happened."""
    network = random_model.network
    broken = Network(network.model, network.body, lambda hidden: network.head(hidden) + bad)
    model = LoadedModel(random_model.model, random_model.tokenizer)
    model.__dict__["network"] = broken
    steps = [frozenset(range(3, 90_000 if wide else 9))]

    with pytest.raises(ModelError) as refused:
        run(model, Script(steps), sampler=make_sampler(temp))

    assert str(refused.value) == (
        "the model's logits are NaN or infinite, and say nothing about the next token\n"
        "hint: weights that are damaged do this, and a precision that they overflow (float16 ends at 65,504)"
    )

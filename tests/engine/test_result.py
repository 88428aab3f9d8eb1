"""`return_result` says all that is known of an answer."""

from __future__ import annotations

import pickle
import time
import warnings
from dataclasses import replace
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain import (
    EndedEarlyWarning,
    InvalidInputError,
    allocate_token_bitmask,
    compile_json_schema,
    generate_json,
    stream_json,
)
from constrain.engine.model import LoadedModel
from constrain.engine.scoring import removed
from constrain.engine.streaming import Generation
from tests.engine.fakes import wishful_model

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 6}, "size": {"enum": ["small", "large"]}},
    "required": ["name", "size"],
    "additionalProperties": False,
}


def removed_by_definition(model: LoadedModel, prompt: list[int], tokens: tuple[int, ...]) -> float:
    """One pass over everything, softmax in float64, and each mask unpacked to all its bits."""
    logits = np.array(model.model(mx.array([[*prompt, *tokens]]))[0].astype(mx.float32)).astype(np.float64)
    matcher = compile_json_schema(SCHEMA, model.vocabulary).matcher()
    row, lost = allocate_token_bitmask(1, model.vocabulary.size), []
    for place, token in enumerate(tokens, len(prompt) - 1):
        matcher.fill_next_token_bitmask(row, 0)
        allowed = np.unpackbits(row[0].view(np.uint8), bitorder="little")[: logits.shape[1]].astype(bool)
        share = np.exp(logits[place] - logits[place].max())
        lost.append(float(share[~allowed].sum() / share.sum()))
        assert matcher.accept_token(token)
    return float(np.mean(lost))


@settings(max_examples=8)
@given(seed=st.integers(0, 1000), temp=st.sampled_from([0.0, 1.0]))
def test_what_the_masks_took_away_is_measured_as_it_is_defined(
    random_model: LoadedModel, seed: int, temp: float
) -> None:
    """Mean over the answer's tokens, forced ones as well; another answer has another share."""
    stream = stream_json(random_model, "x", SCHEMA, seed=seed, temp=temp)
    made = stream.result()

    expected = removed_by_definition(random_model, list(stream.prompt), made.tokens)
    assert made.removed_probability() == pytest.approx(expected, abs=1e-4)
    assert 0.0 < expected < 1.0


def test_nothing_is_removed_from_an_answer_without_tokens(random_model: LoadedModel) -> None:
    assert (
        removed(random_model.network, [1], [], compile_json_schema({}, random_model.vocabulary).matcher())
        == 0
    )


def test_a_result_has_the_value_and_how_it_came_about(lookup_model: LoadedModel) -> None:
    """The value alone stays the default."""
    before = time.perf_counter()
    made = generate_json(lookup_model, "name: Rome, large", SCHEMA, return_result=True)
    seconds = time.perf_counter() - before

    assert made.value == generate_json(lookup_model, "name: Rome, large", SCHEMA)
    assert made.text == '{"name": "Rome", "size": "large"}'
    assert lookup_model.vocabulary.decode(made.tokens).decode() == made.text
    assert made.prompt_tokens == len(stream_json(lookup_model, "name: Rome, large", SCHEMA).prompt)
    assert (made.finish_reason, made.was_cut, made.reasoning, made.retries) == ("stop", False, "", 0)
    assert 0.0 < made.prompt_seconds <= made.prompt_seconds + made.generation_seconds <= seconds


def test_forward_passes_are_counted_where_they_are_made(random_model: LoadedModel) -> None:
    """Forced text costs none of its own."""
    passes = 0

    def body(*arguments: Any) -> mx.array:
        nonlocal passes
        passes += 1
        return random_model.network.body(*arguments)

    model = LoadedModel(random_model.model, random_model.tokenizer)
    model.__dict__["network"] = replace(random_model.network, body=body)
    made = generate_json(model, "x", {"const": "a long constant text, all of it"}, return_result=True)
    free = generate_json(model, "x", SCHEMA, return_result=True)

    assert made.forward_passes < len(made.tokens)
    assert made.forward_passes + free.forward_passes == passes


def test_an_answer_brought_to_its_end_says_so() -> None:
    model = wishful_model('["one", "two", "three", "four", "five"]')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EndedEarlyWarning)
        made = generate_json(model, "x", list[str], max_tokens=6, return_result=True)

    assert (made.was_cut, made.finish_reason) == (True, "length")
    assert len(made.tokens) <= 6


def test_a_result_goes_into_another_process_without_its_model(lookup_model: LoadedModel) -> None:
    """All of it but what only the model can measure."""
    made = generate_json(lookup_model, "name: Rome, large", SCHEMA, return_result=True)
    copy: Generation[Any] = pickle.loads(pickle.dumps(made))

    assert copy == made
    with pytest.raises(InvalidInputError) as refused:
        copy.removed_probability()
    assert str(refused.value) == (
        "what the masks took away can only be measured beside the model that wrote the answer\n"
        "hint: call removed_probability() before the answer goes into another process"
    )

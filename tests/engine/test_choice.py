"""Choices, and texts of parts: what comes out is one of them, and the shares are the model's own."""

from __future__ import annotations

import math

import mlx.core as mx
import pytest

from constrain import (
    InvalidInputError,
    Tag,
    generate_choice,
    generate_text,
    json_value,
    read_tool_calls,
    sequence,
    structural_tags,
    tool_call_grammar,
)
from constrain.engine.model import LoadedModel
from constrain.engine.prompting import choice_request, prompt_tokens
from constrain.tool_calls.reader import CallEnd, CallStart

CITIES = ["Roma", "Milano", "Reggio nell'Emilia, provincia omonima, Italia settentrionale"]


def test_the_embedded_model_chooses_what_the_prompt_names(lookup_model: LoadedModel) -> None:
    """The request lists the choices, and the text around it decides."""
    assert generate_choice(lookup_model, "Anna abita a Milano.", CITIES) == "Milano"
    assert generate_choice(lookup_model, "Anna abita a Roma.", CITIES) == "Roma"


@pytest.mark.parametrize("temp", [0.0, 3.0])
def test_random_weights_choose_one_of_the_texts_too(random_model: LoadedModel, temp: float) -> None:
    """The longest needs the most tokens, and is never cut off."""
    for seed in range(5):
        assert generate_choice(random_model, "?", CITIES, temp=temp, seed=seed) in CITIES


def test_logprobs_are_those_of_reading_each_choice_from_the_start(random_model: LoadedModel) -> None:
    """By the definition: no cache, no chunks, one forward pass over prompt and choice."""
    chosen = generate_choice(random_model, "Dove?", CITIES, with_logprobs=True)
    request = choice_request(CITIES)
    prompt = prompt_tokens(random_model.tokenizer, "Dove?", request, use_chat_template=True)
    scores = []
    for text in CITIES:
        tokens = random_model.tokenizer.encode(text, add_special_tokens=False)
        logits = random_model.model(mx.array([[*prompt, *tokens]]))[0, len(prompt) - 1 :]
        logprobs = (logits - mx.logsumexp(logits, axis=-1, keepdims=True)).tolist()
        ends = [math.exp(logprobs[-1][end]) for end in random_model.vocabulary.eos_token_ids]
        scores.append(sum(row[t] for row, t in zip(logprobs, tokens, strict=False)) + math.log(sum(ends)))
    total = math.log(sum(math.exp(score) for score in scores))

    assert chosen.text == generate_choice(random_model, "Dove?", CITIES)
    assert sum(math.exp(share) for share in chosen.logprobs.values()) == pytest.approx(1)
    for text, score in zip(CITIES, scores, strict=True):
        assert chosen.logprobs[text] == pytest.approx(score - total, abs=1e-3)


def test_a_repeated_choice_counts_once_and_none_is_an_error(random_model: LoadedModel) -> None:
    """A dictionary of shares has one entry for each text."""
    assert generate_choice(random_model, "?", ["a", "a"], with_logprobs=True).logprobs == {"a": 0.0}
    with pytest.raises(InvalidInputError) as caught:
        generate_choice(random_model, "?", [])
    assert caught.value.what == "there is nothing to choose from"


def test_text_of_a_part_is_generated(random_model: LoadedModel) -> None:
    """Whatever the weights say."""
    part = sequence("x = ", json_value({"type": "integer", "minimum": 10, "maximum": 99}), ";")
    text = generate_text(random_model, "?", part)

    assert text.startswith("x = ")
    assert 10 <= int(text[4:-1]) <= 99
    tags = structural_tags([Tag("a", "b")], at_least_one=True, stop_after_first=True)
    assert generate_text(random_model, "?", sequence("a", tags), max_tokens=3000, temp=1.0, seed=0).endswith(
        "ab"
    )


def test_calls_are_well_formed_with_random_weights_and_read_back(random_model: LoadedModel) -> None:
    """The whole way: a grammar of calls, a model that knows nothing, and the reader."""
    weather = {
        "name": "weather",
        "parameters": {"properties": {"city": {"enum": CITIES}}, "required": ["city"]},
    }
    grammar = tool_call_grammar([weather], tool_choice={"name": "weather"}, additional_properties=False)
    for seed in range(3):
        text = generate_text(random_model, "?", grammar.written, temp=2.0, seed=seed)
        start, *_, end = read_tool_calls(text, grammar, loose=False)

        assert start == CallStart(0, "weather")
        assert isinstance(end, CallEnd)
        assert end.arguments["city"] in CITIES

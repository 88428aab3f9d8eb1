"""The embedded model finds what texts say, and speaks the protocol of a language model."""

from __future__ import annotations

import math
from typing import Any

import mlx.core as mx
import mlx_lm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx_lm.generate import BatchGenerator
from mlx_lm.models.cache import load_prompt_cache, save_prompt_cache, trim_prompt_cache

from constrain.engine.lookup.filling import fill
from constrain.engine.lookup.lexicon import fold
from constrain.engine.lookup.model import WINDOW, Model, ModelArgs, Speller
from constrain.engine.lookup.reading import SPECIAL, Request, read, split
from constrain.engine.lookup.shapes import mentions
from constrain.engine.lookup.writing import Planner, place_of
from constrain.engine.model import LoadedModel
from constrain.engine.prompting import prompt_tokens, schema_request
from tests.engine.extraction_cases import FIRST_UNSEEN, SECOND_UNSEEN, THIRD_UNSEEN, WHILE_WRITING, Case, S

PERSON = S(name="string", age="integer")


def right_fields(cases: list[Case]) -> tuple[int, int]:
    """How many of the expected fields are filled as expected."""
    right = total = 0
    for text, schema, expected in cases:
        got = fill(schema, text)
        right += sum(got.get(key) == value for key, value in expected.items())
        total += len(expected)
    return right, total


@pytest.mark.parametrize(
    ("cases", "least"),
    [(WHILE_WRITING, 1.0), (FIRST_UNSEEN, 0.97), (SECOND_UNSEEN, 0.97), (THIRD_UNSEEN, 0.94)],
)
def test_fills_the_fields_a_careful_reader_would(cases: list[Case], least: float) -> None:
    """English and Italian, labels and sentences; see extraction_cases for what new texts get."""
    right, total = right_fields(cases)

    assert right >= math.ceil(least * total)


@pytest.mark.parametrize("key", ["età", "age", "eta", "userAge", "age_in_years"])
def test_knows_a_field_by_many_names(key: str) -> None:
    """Keys are written in two languages and three cases."""
    assert fill(S(**{key: "integer"}), "Sono Ugo e ho 58 anni") == {key: 58}


def test_a_title_or_a_description_names_a_field_too() -> None:
    """Generated schemas have opaque keys."""
    titled: dict[str, Any] = {"type": "integer", "title": "Età"}
    described: dict[str, Any] = {"type": "string", "description": "city where the user lives"}

    assert fill(S(f1=titled, f2=described), "Ho 58 anni e vivo a Bari") == {"f1": 58, "f2": "Bari"}


def test_leaves_out_what_is_optional_and_not_said() -> None:
    """An invented phone number is worse than none."""
    schema = {**S(name="string", phone="string"), "required": ["name"]}

    assert fill(schema, "Nome: Anna") == {"name": "Anna"}


def test_fills_nested_references_and_recursion_to_an_end() -> None:
    """A recursive schema has no last level; the plan must."""
    node: dict[str, Any] = {
        "$ref": "#/$defs/node",
        "$defs": {"node": {**S(name="string", next={"$ref": "#/$defs/node"})}},
    }

    assert fill(node, "Nome: Anna")["name"] == "Anna"


KEYWORDS = ["type", "properties", "items", "enum", "anyOf", "required", "$ref", "title", "minItems", "x"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYWORDS), inner),
    max_leaves=12,
)


@given(schema=ANYTHING, text=st.text(max_size=40))
def test_no_schema_and_no_text_breaks_the_filling(schema: Any, text: str) -> None:
    """What is in a prompt is anything; the model must give logits for it."""
    fill(schema, text)


@given(st.text(max_size=60))
def test_folding_keeps_positions(text: str) -> None:
    """Spans found in folded text are cut from the text itself."""
    assert len(fold(text)) == len(text)
    assert all(text[m.start : m.end] == m.text for m in mentions(text) if m.shape != "name")


def test_takes_each_span_for_one_thing() -> None:
    """A date is not three numbers, nor an address a name."""
    text = (
        "Il 12/03/2024 Mario Rossi ha pagato €12,50 a mario@rossi.it, tel. 011 5551234, via Po 3, sconto 5%"
    )

    assert [(m.shape, m.value) for m in mentions(text)] == [
        ("date", "2024-03-12"),
        ("name", "Mario Rossi"),
        ("money", 12.5),
        ("email", "mario@rossi.it"),
        ("phone", "011 5551234"),
        ("address", "via Po 3"),
        ("percent", 5),
    ]


ASKED = f"Ask\n\n{schema_request(PERSON)}"
CHATML = (
    f"{SPECIAL}system\nToday is 2024-05-01{SPECIAL}\n{SPECIAL}user\n{ASKED}{SPECIAL}\n{SPECIAL}assistant\n"
)
LLAMA = f"{SPECIAL}{SPECIAL}user{SPECIAL}\n\n{ASKED}{SPECIAL}{SPECIAL}assistant{SPECIAL}\n\n"
PLAIN = f"Ask\n\n{schema_request(PERSON)}\n\nAnswer:\n"
OTHER = f"Ask\nFollow {{'type'}} this: {schema_request(PERSON).splitlines()[1]}\n"


@pytest.mark.parametrize("prompt", [CHATML, LLAMA, PLAIN])
@pytest.mark.parametrize("answer", ["", '{"name": "A', '{"name": "Anna", "age": 31}'])
def test_reads_a_request_back_from_its_prompt(prompt: str, answer: str) -> None:
    """ChatML, Llama 3's template, and no template."""
    assert split(prompt + answer) == (prompt, answer)
    request = read(prompt)
    assert (request.text, request.schema) == ("Ask", PERSON)


def test_finds_a_schema_that_somebody_else_put_in_the_prompt() -> None:
    """The form is ours only where the prompt is."""
    assert read(OTHER).schema == PERSON
    assert split(OTHER + '{"name": "A') == (OTHER, '{"name": "A')


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        ("", '{"name": "Anna", "age": 31}'),
        ("{", '"name": "Anna", "age": 31}'),
        ('{"na', 'me": "Anna", "age": 31}'),
        ('{"name"', ': "Anna", "age": 31}'),
        ('{"name":', ' "Anna", "age": 31}'),
        ('{"name": ', '"Anna", "age": 31}'),
        ('{"name": "An', 'na", "age": 31}'),
        ('{"name": "Bob', '", "age": 31}'),
        ('{"name": "Anna"', ', "age": 31}'),
        ('{"name": "Anna",', ' "age": 31}'),
        ('{"name": "Anna", "age": 3', "1}"),
        ('{"name": "Anna", "age": 31', "}"),
        ('{"name": "Anna", "age": 31}', ""),
        ('{"age": 31', ', "name": "Anna"}'),
    ],
)
def test_goes_on_from_any_beginning(answer: str, rest: str) -> None:
    """From every place in a text, and from a text that has left the plan."""
    planner = Planner(Request("Mi chiamo Anna e ho 31 anni", PERSON, has_schema=True))

    assert planner.continuations(answer)[0] == rest


def test_offers_compact_json_second() -> None:
    """The mask may allow no blanks."""
    planner = Planner(Request("Mi chiamo Anna e ho 31 anni", PERSON, has_schema=True))

    assert planner.continuations('{"name"')[1] == ':"Anna","age":31}'


@given(st.text('{}[]",: ab1\\\n', max_size=20))
def test_any_answer_has_a_place_or_none(answer: str) -> None:
    """Other grammars than JSON pass through here too."""
    place = place_of(answer)
    if place is not None:
        assert len(place.path) == len(place.frames)

    Planner(Request("Nome: Anna", PERSON, has_schema=True)).continuations(answer)


def prompt(model: LoadedModel, text: str) -> list[int]:
    return prompt_tokens(model.tokenizer, text, schema_request(PERSON), use_chat_template=True)


TEXTS = ["Mi chiamo Anna e ho 31 anni", "I'm Bob Lee, 44 years old, and this is a longer text about me."]
ANSWERS = ['{"name": "Anna", "age": 31}', '{"name": "Bob Lee", "age": 44}']


def test_mlx_lm_generates_with_it(lookup_model: LoadedModel) -> None:
    """No constraint at all: the plan ends by itself."""
    model, tokenizer = lookup_model

    assert [mlx_lm.generate(model, tokenizer, prompt(lookup_model, t)) for t in TEXTS] == ANSWERS


def test_prompts_of_different_lengths_make_a_batch(lookup_model: LoadedModel) -> None:
    """Padding is not text."""
    model, tokenizer = lookup_model
    batch = BatchGenerator(model, stop_tokens=[[t] for t in tokenizer.eos_token_ids])
    uids = batch.insert([prompt(lookup_model, t) for t in TEXTS])
    written: dict[int, list[int]] = {uid: [] for uid in uids}
    while responses := batch.next_generated():
        for response in responses:
            if response.finish_reason is None:
                written[response.uid].append(response.token)
    batch.close()

    assert [tokenizer.decode(written[uid]) for uid in uids] == ANSWERS


def test_its_cache_is_trimmed_and_saved_like_any_other(lookup_model: LoadedModel, tmp_path: Any) -> None:
    """The cache holds the tokens, so what is trimmed is forgotten."""
    model = lookup_model.model
    tokens = prompt(lookup_model, TEXTS[0])
    cache = model.make_cache()
    expected = np.array(model(mx.array([tokens]), cache)[0, -1])
    model(mx.array([[5, 6, 7]]), cache)

    assert trim_prompt_cache(cache, 4) == 4
    save_prompt_cache(str(tmp_path / "cache.safetensors"), cache)
    restored = load_prompt_cache(str(tmp_path / "cache.safetensors"))

    for one in (cache, restored):
        np.testing.assert_array_equal(np.array(model(mx.array([tokens[-1:]]), one)[0, -1]), expected)


def test_scores_the_last_positions_of_a_call_and_zeros_before(lookup_model: LoadedModel) -> None:
    """Up to WINDOW positions all are scored, as speculative decoding needs; a prompt's are not."""
    model = lookup_model.model
    tokens = mx.array([prompt(lookup_model, TEXTS[0])])
    cache = model.make_cache()
    long = np.array(model(tokens, cache))
    short = np.array(model(tokens[:, -WINDOW:], cache))

    assert not long[0, :-1].any()
    assert long[0, -1].any()
    assert short.any(axis=-1).all()


def test_is_deterministic_and_has_no_weights(lookup_model: LoadedModel) -> None:
    """The same context, the same logits."""
    model, tokens = lookup_model.model, mx.array([prompt(lookup_model, TEXTS[0])])

    assert not model.parameters().get("weight")
    assert mx.array_equal(model(tokens), model(tokens)).item()


def test_a_longer_token_beats_a_shorter_one_and_the_first_text_the_second() -> None:
    """Scores follow the plan."""
    tokens: list[bytes | None] = [
        None,
        *(bytes([i]) for i in range(1, 256)),
        b'{"',
        b'{"name',
        b'": "',
        b'":"',
    ]
    speller = Speller(tokens, [0], len(tokens))
    ids = [*f"\n{PLAIN}Ask".encode()][:0] + list(PLAIN.replace("Ask", "Nome: Anna").encode())

    scores = speller.score(ids)
    assert scores[257] > scores[256] > scores[ord("{")] > scores[ord("}")]
    scores = speller.score([*ids, *b'{"name'])
    assert scores[258] > scores[259] > scores[ord("a")]


def test_a_character_cut_in_two_is_finished(lookup_model: LoadedModel) -> None:
    """Tokens may end inside a character; what follows are its other bytes."""
    tokens: list[bytes | None] = [None, *(bytes([i]) for i in range(1, 256))]
    speller = Speller(tokens, [0], 256)
    context = f'Nome: Noè\n\n{schema_request(S(nome="string"))}\n\nAnswer:\n{{"nome": "No'.encode() + b"\xc3"

    assert int(np.argmax(speller.score(list(context)))) == 0xA8


def test_stands_alone_for_any_tokenizer() -> None:
    """A model that nobody attached a tokenizer to takes Llama 3's."""
    model = Model(ModelArgs())

    assert model(mx.array([[9906]])).shape == (1, 1, 128_256)

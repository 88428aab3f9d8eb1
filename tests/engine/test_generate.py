"""From a prompt and a schema to a value: types in, instances out; errors before the first token."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import jsonschema
import mlx.core as mx
import mlx_lm
import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

import constrain
from constrain import generate_json, generate_regex, stream_json
from constrain.engine.generate import generate_compiled, schema_of
from constrain.engine.model import LoadedModel
from constrain.engine.processor import GrammarLogitsProcessor
from constrain.engine.prompting import prompt_tokens, schema_request
from constrain.engine.sampling import make_sampler
from constrain.errors import (
    EndedEarlyWarning,
    IncompleteOutputError,
    InvalidInputError,
    LimitExceeded,
    RegexError,
    SchemaError,
)
from tests.walks import shortest_way_on

TEXT = "Mi chiamo Anna e ho 31 anni"


class Person(BaseModel):
    name: str
    age: int


@dataclass
class Plain:
    name: str
    age: int


class Typed(TypedDict):
    name: str
    age: int


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (Person, Person(name="Anna", age=31)),
        (Plain, Plain("Anna", 31)),
        (Typed, {"name": "Anna", "age": 31}),
        (Person.model_json_schema(), {"name": "Anna", "age": 31}),
        (json.dumps(Person.model_json_schema()), {"name": "Anna", "age": 31}),
    ],
)
def test_a_type_comes_back_as_an_instance_and_a_schema_as_data(
    lookup_model: LoadedModel, schema: object, expected: object
) -> None:
    """Pydantic models, dataclasses and TypedDicts; dicts and JSON text."""
    assert generate_json(lookup_model, TEXT, schema) == expected


@pytest.mark.parametrize(
    ("text", "schema", "expected"),
    [
        ("I love it!", Literal["positive", "negative"], "positive"),
        ("Tre colori: rosso, blu e verde", list[str], ["rosso", "blu", "verde"]),
        ("età: 31", dict[str, int], {"età": 31}),
        ("nothing", bool, False),
    ],
)
def test_takes_whatever_has_a_schema(
    lookup_model: LoadedModel, text: str, schema: Any, expected: object
) -> None:
    """Everything TypeAdapter takes."""
    assert generate_json(lookup_model, text, schema) == expected


def test_the_pair_of_mlx_lm_is_a_model_too(lookup_model: LoadedModel) -> None:
    """`generate_json(model, tokenizer)` users pass `(model, tokenizer)`."""
    assert generate_json(tuple(lookup_model), TEXT, Person) == Person(name="Anna", age=31)


def test_messages_are_a_prompt(lookup_model: LoadedModel) -> None:
    """With a system prompt, whose date is nobody's birthday."""
    messages = [
        {"role": "system", "content": "You extract data. Today is 2024-05-01."},
        {"role": "user", "content": TEXT},
    ]

    assert generate_json(lookup_model, messages, Person) == Person(name="Anna", age=31)


@pytest.mark.parametrize("use_chat_template", [True, False])
@pytest.mark.parametrize("schema_in_prompt", [True, False])
@pytest.mark.parametrize("whitespace", ["default", "compact"])
def test_every_way_of_asking_gives_valid_json(
    lookup_model: LoadedModel, use_chat_template: bool, schema_in_prompt: bool, whitespace: str
) -> None:
    """Without the schema in its prompt a model only has the mask; it still must be valid."""
    pieces = stream_json(
        lookup_model,
        TEXT,
        Person,
        use_chat_template=use_chat_template,
        schema_in_prompt=schema_in_prompt,
        whitespace=whitespace,
    )

    text = "".join(pieces)
    assert Person.model_validate_json(text)
    assert (" " in text) == (whitespace == "default")


SCHEMAS: list[dict[str, Any]] = [
    {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 99}},
        "required": ["a"],
        "additionalProperties": False,
    },
    {"type": "array", "items": {"enum": ["x", "yy", "z z"]}, "minItems": 1, "maxItems": 3},
    {"type": "string", "pattern": "^[a-f]{2,4}$"},
    {"anyOf": [{"type": "null"}, {"type": "boolean"}, {"const": {"k": [1, 2]}}]},
    {
        "type": "object",
        "properties": {"n": {"type": "string", "maxLength": 5}, "d": {"type": "string", "format": "date"}},
        "required": ["n", "d"],
        "additionalProperties": False,
    },
]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize(("seed", "temp"), [(0, 0.0), (1, 0.7), (2, 2.0)])
def test_random_weights_write_valid_json(
    random_model: LoadedModel, schema: dict[str, Any], seed: int, temp: float
) -> None:
    """The hardest model there is: it goes everywhere the mask lets it."""
    value = generate_json(random_model, "anything", schema, seed=seed, temp=temp, top_p=0.9)

    jsonschema.validate(value, schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("pattern", ["[a-z]{3}-[0-9]{2}", "(yes|no){1,9}", " leading", "è{2}|ü"])
@pytest.mark.parametrize("seed", [0, 1])
def test_random_weights_write_what_the_pattern_matches(
    random_model: LoadedModel, pattern: str, seed: int
) -> None:
    """A leading blank too, which mlx-lm's detokenizer would drop."""
    text = generate_regex(random_model, "anything", pattern, seed=seed, temp=1.0, max_tokens=200)

    assert re.fullmatch(pattern, text)


def test_a_stream_is_the_text_in_pieces(lookup_model: LoadedModel) -> None:
    """Characters are never cut, though tokens cut them."""
    schema = {"type": "object", "properties": {"nome": {"type": "string"}}, "required": ["nome"]}
    pieces = list(stream_json(lookup_model, "Nome: Zoë 🙂 Ünal", schema))

    assert len(pieces) > 1
    assert json.loads("".join(pieces)) == {"nome": "Zoë 🙂 Ünal"}


def test_the_processor_gives_what_the_own_loop_gives(lookup_model: LoadedModel) -> None:
    """Two ways through the same constraint."""
    model, tokenizer = lookup_model
    compiled = constrain.compile_json_schema(Person.model_json_schema(), lookup_model.vocabulary)
    tokens = prompt_tokens(
        tokenizer, TEXT, schema_request(Person.model_json_schema()), use_chat_template=True
    )

    text = mlx_lm.generate(
        model, tokenizer, tokens, logits_processors=[GrammarLogitsProcessor(compiled.matcher())]
    )

    assert text == "".join(stream_json(lookup_model, TEXT, Person))


def test_forced_text_is_written_as_the_tokenizer_writes_it(random_model: LoadedModel) -> None:
    """Random weights choose odd spellings; the certain parts are canonical, and cost no choice."""
    schema = {"const": {"temperature": "unchanged", "humidity": [1, 2, 3]}}
    compiled = constrain.compile_json_schema(schema, random_model.vocabulary, whitespace="compact")
    from constrain.engine.masking import MaskRow

    matcher = compiled.matcher()
    tokens = random_model.forcing(matcher, MaskRow(random_model.vocabulary.size).fill(matcher))

    text = '{"temperature":"unchanged","humidity":[1,2,3]}'
    canonical = random_model.tokenizer.encode(text, add_special_tokens=False)
    assert list(tokens) == canonical[: len(tokens)]
    assert len(tokens) >= len(canonical) - 2


def test_an_answer_with_too_few_tokens_is_refused_before_it_begins(lookup_model: LoadedModel) -> None:
    """Half a JSON text is never returned as if it were one."""
    with pytest.raises(LimitExceeded) as error:
        generate_json(lookup_model, TEXT, Person, max_tokens=4)

    assert str(error.value) == "the shortest answer takes 7 tokens, and max_tokens=4\nhint: raise max_tokens"


@pytest.mark.parametrize("schema", [Person, list[str], dict[str, int], list[Person], str])
def test_an_answer_is_complete_however_few_tokens_it_has(random_model: LoadedModel, schema: type) -> None:
    """From the fewest that suffice; random weights have no wish to end."""
    compiled = constrain.compile_json_schema(schema_of(schema).schema, random_model.vocabulary)
    least = len(shortest_way_on(compiled.matcher()))
    for max_tokens in (least, least + 1, least + 4, least + 20):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", EndedEarlyWarning)
            generate_json(random_model, "?", schema, max_tokens=max_tokens, temp=1.0, seed=max_tokens)

        message = (
            f"the answer was brought to its end within max_tokens={max_tokens}; with more it may be longer"
        )
        assert {str(warning.message) for warning in told} <= {message}
    with pytest.raises(LimitExceeded if least > 1 else InvalidInputError):
        generate_json(random_model, "?", schema, max_tokens=least - 1)


def test_an_answer_whose_shortest_is_long_is_complete_too(random_model: LoadedModel) -> None:
    """It is watched from its first token on."""
    pattern = r"(?:[^\n]\n){300}z|[a-f]{900}"
    compiled = constrain.compile_regex(pattern, random_model.vocabulary)
    least = len(shortest_way_on(compiled.matcher()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EndedEarlyWarning)
        text = generate_regex(random_model, "?", pattern, max_tokens=least, temp=1.0, seed=2)

    assert re.fullmatch(pattern, text)


def test_a_way_that_owes_more_than_is_left_is_not_taken(random_model: LoadedModel) -> None:
    """A branch of 600 lines where there are tokens for 400: its first token is refused, far from the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EndedEarlyWarning)
        text = generate_regex(
            random_model,
            "?",
            r"(?:[^\n]\n){600}z|\t",
            max_tokens=400,
            temp=1.0,
            seed=1,
            pattern_in_prompt=False,
        )

    assert text == "\t"


def test_an_answer_whose_values_must_not_be_cut_is_an_error_with_the_text(random_model: LoadedModel) -> None:
    """`generate_compiled` never hurries, nor does extraction, which is made of it."""
    compiled = constrain.compile_regex("x{60}|y{90}", random_model.vocabulary)
    with pytest.raises(IncompleteOutputError) as error:
        generate_compiled(random_model, [1, 2, 3], compiled, max_tokens=1, sampler=make_sampler())

    assert str(error.value) == (
        "the answer was not complete after 1 tokens\n"
        f"    at ...{error.value.text}\n"
        "hint: pass a larger max_tokens (it is 1), or bound the schema with maxLength and maxItems"
    )


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (("", Person), InvalidInputError, "the prompt is empty\nhint: say what the answer should be about"),
        (
            ([], Person),
            InvalidInputError,
            'the list of messages is empty\nhint: [{"role": "user", "content": "..."}]',
        ),
        (
            ([{"content": "x"}], Person),
            InvalidInputError,
            "a chat message needs a role and a content\n"
            "    at message 0: {'content': 'x'}\n"
            'hint: for example {"role": "user", "content": "..."}',
        ),
        (
            ("x", "{'type': 'string'}"),
            SchemaError,
            "the schema \"{'type': 'string'}\" is text, but not JSON: "
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
            "hint: give a schema as a dict, as JSON text, or as a type",
        ),
        (("x", "[1]"), SchemaError, "a JSON Schema is an object or a boolean, not a list"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_token(
    lookup_model: LoadedModel, arguments: tuple[Any, Any], kind: type[Exception], message: str
) -> None:
    """By the call that makes the stream, not by its first piece."""
    with pytest.raises(kind) as error:
        stream_json(lookup_model, *arguments)

    assert str(error.value) == message


def test_a_type_without_a_schema_is_named(lookup_model: LoadedModel) -> None:
    """Any class is not a schema."""

    class Opaque:
        pass

    with pytest.raises(SchemaError, match=r"Opaque.* has no JSON Schema: "):
        generate_json(lookup_model, TEXT, Opaque)


def test_a_bad_pattern_and_a_long_prompt_are_ours_to_tell(random_model: LoadedModel) -> None:
    """Errors of lower layers come through as they are."""
    with pytest.raises(RegexError):
        generate_regex(random_model, "x", "(")
    with pytest.raises(LimitExceeded, match="tokens, and the model's context is 4,096"):
        generate_json(random_model, "x " * 5000, Person)


def test_a_validator_of_the_type_has_the_last_word(lookup_model: LoadedModel) -> None:
    """Constraints that the schema says are kept by the mask, so that Pydantic finds nothing to refuse."""

    class Bounded(BaseModel):
        name: str = Field(max_length=2)
        age: int = Field(ge=40)

    answer = generate_json(lookup_model, TEXT, Bounded)

    assert len(answer.name) <= 2
    assert answer.age >= 40


def test_seeded_sampling_repeats(random_model: LoadedModel) -> None:
    """A seed is per call."""
    schema = {
        "type": "array",
        "items": {"type": "integer", "minimum": 0, "maximum": 9},
        "minItems": 8,
        "maxItems": 8,
    }

    first = generate_json(random_model, "x", schema, temp=1.0, seed=3)
    mx.random.uniform()

    assert generate_json(random_model, "x", schema, temp=1.0, seed=3) == first


def test_verbose_prints_the_text_as_it_grows(
    lookup_model: LoadedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    """Between two lines, as mlx-lm does."""
    generate_json(lookup_model, TEXT, Person, verbose=True)

    assert '==========\n{"name": "Anna", "age": 31}\n==========\n27 characters in ' in capsys.readouterr().out

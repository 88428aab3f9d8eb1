"""What people type first is taken where its meaning is plain, and else refused in a sentence that helps."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from constrain import (
    GrammarLogitsProcessor,
    LimitExceeded,
    Vocabulary,
    agenerate_choice,
    agenerate_regex,
    check_schema,
    compile_json_schema,
    extract,
    generate_choice,
    generate_json,
    generate_lark,
    generate_regex,
    generate_text,
    generate_tool_calls,
    load,
    stream_json,
)
from constrain.engine.asking import is_batch
from constrain.engine.model import LoadedModel
from constrain.engine.prompting import messages_of
from constrain.errors import ConstrainError
from constrain.parts import json_value, sequence
from constrain.target import schema_of

TEXT = "Mi chiamo Anna e ho 31 anni"


class Person(BaseModel):
    name: str
    age: int


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


ANNA = Person(name="Anna", age=31)
SCHEMA = schema_of(Person).schema


@pytest.mark.parametrize(
    "wrapped",
    [
        {"name": "person", "schema": SCHEMA},
        {"name": "person", "schema": SCHEMA, "strict": True, "description": "somebody"},
        {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA, "strict": True}},
        {"type": "json_schema", "name": "person", "schema": SCHEMA},
        '{"name": "person", "schema": {"$ref": "#/$defs/p", "$defs": {"p": {"const": 1}}}}',
    ],
)
def test_what_clients_wrap_around_a_schema_is_taken_off(lookup_model: LoadedModel, wrapped: Any) -> None:
    """OpenAI's wrappers hold no keyword of JSON Schema: as schemas they would allow everything."""
    expected = ANNA.model_dump() if isinstance(wrapped, dict) else 1

    assert generate_json(lookup_model, TEXT, wrapped) == expected
    if isinstance(wrapped, dict):
        assert check_schema(wrapped) == check_schema(SCHEMA)
        assert next(extract(lookup_model, [TEXT], schema=wrapped)).value == expected


def test_any_object_is_what_a_json_object_is(lookup_model: LoadedModel) -> None:
    assert isinstance(generate_json(lookup_model, TEXT, {"type": "json_object"}), dict)


@pytest.mark.parametrize(
    "schema",
    [{"name": "x", "schema": {}, "type": "object"}, {"title": "x", "$comment": {}}, {"type": ["null"]}],
)
def test_a_schema_that_only_looks_like_a_wrapper_stays(schema: dict[str, Any]) -> None:
    """It has a keyword besides, or not the parts of a wrapper."""
    assert schema_of(schema).schema is schema


def test_a_type_is_taken_wherever_a_schema_is(lookup_model: LoadedModel) -> None:
    """And a model, or its tokenizer, wherever a vocabulary is."""
    vocabularies: list[Any] = [lookup_model, lookup_model.tokenizer, lookup_model.tokenizer._tokenizer]
    allowed = compile_json_schema(SCHEMA, lookup_model.vocabulary).matcher().allowed_token_ids().tolist()
    for vocabulary in vocabularies:
        compiled = compile_json_schema(Person, vocabulary)

        assert compiled.matcher().allowed_token_ids().tolist() == allowed
        assert compiled.vocabulary.tokens[:1000] == lookup_model.vocabulary.tokens[:1000]
        assert compile_json_schema(Person, vocabulary).vocabulary is compiled.vocabulary
    assert check_schema(Person, lookup_model) == check_schema(SCHEMA, lookup_model.vocabulary)
    assert generate_text(lookup_model, TEXT, sequence("<", json_value(Literal[7]), ">")) == "<7>"


def test_a_compiled_pattern_is_taken_with_its_flags(lookup_model: LoadedModel) -> None:
    """In Python and for documents alike."""
    pattern = re.compile("(?P<who>ANNA|BOB)", re.IGNORECASE)

    assert generate_regex(lookup_model, TEXT, pattern) == "Anna"
    assert next(extract(lookup_model, [TEXT], pattern=pattern, verbatim=True)).value == {"who": "Anna"}


def test_a_choice_may_be_a_literal_or_an_enum(lookup_model: LoadedModel) -> None:
    """What comes back is the value, or the member."""
    assert generate_choice(lookup_model, "What a good day", Mood) is Mood.GOOD
    assert generate_choice(lookup_model, "It is 2", Literal[1, 2, "three"]) == 2
    assert generate_choice(lookup_model, "What a bad day", Mood, with_logprobs=True).text == "bad"


def test_a_grammar_of_the_catalogue_is_taken_by_its_name(lookup_model: LoadedModel) -> None:
    """As on the command line."""
    assert generate_lark(lookup_model, "version 1.2.3", "semver", max_tokens=40)


def test_temperature_is_another_name_of_temp(random_model: LoadedModel) -> None:
    one, other = (
        generate_json(random_model, "x", list[int], seed=1, max_tokens=30, **{name: 1.0})  # type: ignore[call-overload]
        for name in ("temp", "temperature")
    )

    assert one == other
    assert generate_choice(random_model, "x", ["a", "b"], temperature=0.5) in ("a", "b")


def test_a_list_of_prompts_is_a_batch(lookup_model: LoadedModel) -> None:
    """In order; what goes wrong with one of them is its own."""
    prompts = [TEXT, "", [{"role": "user", "content": "I'm Bob, 44 years old"}]]
    values = generate_json(lookup_model, prompts, Person)
    made = generate_json(lookup_model, [TEXT], Person, return_result=True)
    tight = generate_json(lookup_model, [TEXT], Person, max_tokens=4)

    assert values[0] == ANNA
    assert str(values[1]) == "the prompt is empty\nhint: say what the answer should be about"
    assert values[2] == Person(name="Bob", age=44)
    assert [one.value for one in made] == [ANNA]  # type: ignore[union-attr]
    assert isinstance(tight[0], LimitExceeded)


def test_what_is_no_prompt_of_a_batch_is_an_error_in_its_place(lookup_model: LoadedModel) -> None:
    values = generate_json(lookup_model, [TEXT, None], Person)  # type: ignore[list-item]

    assert values[0] == ANNA
    assert str(values[1]) == (
        'a prompt is text or a list of messages, not None\nhint: [{"role": "user", "content": "..."}]'
    )


def test_what_pydantic_reads_a_type_with_is_taken_for_the_type(lookup_model: LoadedModel) -> None:
    assert generate_json(lookup_model, TEXT, TypeAdapter(Person)) == ANNA
    assert compile_json_schema(TypeAdapter(Person), lookup_model).vocabulary is lookup_model.vocabulary


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=3))
def test_a_message_in_parts_is_their_text(texts: list[str]) -> None:
    """OpenAI's clients send content so."""
    parts = [{"type": "text", "text": text} for text in texts]

    assert messages_of([{"role": "user", "content": parts}]) == [{"role": "user", "content": "".join(texts)}]


prompts = st.lists(
    st.sampled_from([TEXT, "the year 1861", "", None, [{"role": "user", "content": "no"}], ["a"]])
)
ASKED: list[Callable[..., Any]] = [
    lambda model, prompt, **more: generate_json(model, prompt, list[int], **more),
    lambda model, prompt, **more: generate_regex(model, prompt, "[0-9]+", **more),
    lambda model, prompt, **more: generate_lark(model, prompt, 'start: "one" | "two"', **more),
    lambda model, prompt, **more: generate_text(model, prompt, sequence("<", json_value(int), ">"), **more),
    lambda model, prompt, **more: generate_choice(model, prompt, Mood, **more),
]


@pytest.mark.parametrize("ask", ASKED, ids=["json", "regex", "lark", "text", "choice"])
@settings(max_examples=15)
@given(batch=prompts)
def test_a_batch_is_answered_as_each_of_its_prompts_is(
    lookup_model: LoadedModel, ask: Callable[..., Any], batch: list[Any]
) -> None:
    """Or refused as it is, by every function that takes one."""
    if not is_batch(batch):
        return

    def alone(prompt: object) -> str:
        try:
            return str(ask(lookup_model, prompt)) if not is_batch(prompt) else "several"
        except ConstrainError as problem:
            return str(problem)

    made = [str(answer) for answer in ask(lookup_model, batch)]

    assert len(made) == len(batch)
    for prompt, answer in zip(batch, made, strict=True):
        assert answer == alone(prompt) or is_batch(prompt)


@pytest.mark.parametrize("ask", ASKED[:4], ids=["json", "regex", "lark", "text"])
def test_a_result_is_had_from_everything_that_writes_text(
    lookup_model: LoadedModel, ask: Callable[..., Any]
) -> None:
    made = ask(lookup_model, TEXT, return_result=True)
    (same,) = ask(lookup_model, [TEXT], return_result=True)

    assert made.value == same.value == ask(lookup_model, TEXT)
    assert made.tokens == same.tokens


def test_a_batch_is_awaited_too(lookup_model: LoadedModel) -> None:
    assert asyncio.run(agenerate_regex(lookup_model, ["31", ""], "[0-9]+"))[0] == "31"
    assert asyncio.run(agenerate_choice(lookup_model, ["What a good day"], Mood)) == [Mood.GOOD]


def test_a_compiled_grammar_is_a_processor(lookup_model: LoadedModel) -> None:
    """Its matcher is made for it."""
    compiled = compile_json_schema(Person, lookup_model.vocabulary)

    assert GrammarLogitsProcessor(compiled).matcher.compiled is compiled  # type: ignore[attr-defined]


MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "a misspelt option of JSON": (
        lambda: generate_json(None, TEXT, Person, whitespce="any"),  # type: ignore[call-overload]
        "there is no option `whitespce`\nhint: did you mean `whitespace`?",
    ),
    "a misspelt option of a pattern": (
        lambda: generate_regex(None, TEXT, "a", max_token=3),  # type: ignore[call-arg]
        "there is no option `max_token`\nhint: did you mean `max_tokens`?",
    ),
    "a misspelt option of its own": (
        lambda: stream_json(None, TEXT, Person, partail=True),  # type: ignore[call-overload]
        "there is no option `partail`\nhint: did you mean `partial`?",
    ),
    "a misspelt option of tools": (
        lambda: generate_tool_calls(None, TEXT, [len], tool_choise="auto"),  # type: ignore[call-arg]
        "there is no option `tool_choise`\nhint: did you mean `tool_choice`?",
    ),
    "both names of one option": (
        lambda: generate_json(None, TEXT, Person, temp=0.1, temperature=0.2),
        "`temp` and `temperature` are one option\nhint: give one of them",
    ),
    "prompt and schema in the wrong order": (
        lambda: generate_json(None, Person, "hi"),  # type: ignore[call-overload]
        "a prompt is text or a list of messages, not the type Person\n"
        "hint: the prompt comes before the schema",
    ),
    "the name of a type": (
        lambda: generate_json(None, TEXT, "Person"),
        "the schema 'Person' is text, but not JSON: Expecting value: line 1 column 1 (char 0)\n"
        "hint: for a type give the type itself, Person without quotes",
    ),
    "a prompt in place of a schema": (
        lambda: generate_json(None, TEXT, "Who is it?"),
        "the schema 'Who is it?' is text, but not JSON: Expecting value: line 1 column 1 (char 0)\n"
        "hint: give a schema as a dict, as JSON text, or as a type",
    ),
    "no prompt": (
        lambda: generate_json(None, None, Person),  # type: ignore[call-overload]
        'a prompt is text or a list of messages, not None\nhint: [{"role": "user", "content": "..."}]',
    ),
    "a prompt of bytes": (
        lambda: generate_json(None, b"hi", Person),  # type: ignore[call-overload]
        "a prompt is text or a list of messages, not bytes\nhint: decode it first: prompt.decode()",
    ),
    "a message without its list": (
        lambda: generate_json(None, {"role": "user", "content": "x"}, Person),  # type: ignore[call-overload]
        "a prompt is text or a list of messages, not a dict\nhint: put the message into a list: [message]",
    ),
    "several prompts for one": (
        lambda: stream_json(None, [TEXT, TEXT], Person),  # type: ignore[list-item]
        "a chat message is a dictionary, not a str\n"
        "    at message 0\n"
        "hint: one prompt is asked for here: streams and tool calls take no list of them",
    ),
    "a prompt among messages": (
        lambda: generate_json(None, [{"role": "user", "content": "x"}, "y"], Person),  # type: ignore[list-item]
        "a chat message is a dictionary, not a str\n"
        "    at message 1\n"
        'hint: for example {"role": "user", "content": "..."}',
    ),
    "an image": (
        lambda: generate_json(
            None, [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], Person
        ),
        "a part of the type 'image_url' cannot be read\n"
        "    at message 0, part 0\n"
        'hint: content is text, or parts of the form {"type": "text", "text": "..."}',
    ),
    "content that is no text": (
        lambda: generate_json(None, [{"role": "user", "content": 5}], Person),
        "a message's content is text, not an int\n"
        "    at message 0\n"
        'hint: content is text, or parts of the form {"type": "text", "text": "..."}',
    ),
    "no schema": (
        lambda: generate_json(None, TEXT, None),
        "there is no schema\nhint: {} allows every answer, type(None) only null",
    ),
    "a function for a schema": (
        lambda: generate_json(None, TEXT, load),
        "a function is no type: an answer would call it\n"
        "hint: give functions as tools: generate_tool_calls(model, prompt, [function])",
    ),
    "an example for a schema": (
        lambda: generate_json(None, TEXT, {"name": "Anna", "age": 31}),
        "this schema would allow every answer: JSON Schema has no keyword `name`\n"
        "hint: an object with keys of its own is a Pydantic model, a TypedDict, or "
        '{"type": "object", "properties": {"name": ...}}',
    ),
    "what another library calls so": (
        lambda: generate_json(None, TEXT, Person, stop=["x"]),  # type: ignore[call-overload]
        "there is no option `stop`\n"
        "hint: an answer ends where its schema or grammar says; max_tokens is the most that it may have",
    ),
    "a name for a sampler": (
        lambda: generate_json(None, TEXT, Person, sampler="greedy"),  # type: ignore[call-overload]
        "a sampler is a function from logits to a token, not a str\n"
        "hint: temp=0 takes the most probable token; make_sampler(0.7) is a sampler",
    ),
    "a text for several choices": (
        lambda: generate_choice(None, TEXT, "abc"),
        'choices are given as a list, not as a str\nhint: for a single one: ["..."]',
    ),
    "two choices of one text": (
        lambda: generate_choice(None, TEXT, Literal[1, "1"]),
        "two of the choices are written `1`",
    ),
    "a name that is not in the catalogue": (
        lambda: generate_lark(None, TEXT, "sqll"),
        "there is no grammar `sqll` in the catalogue\nhint: did you mean `sql`?",
    ),
    "a type for a processor": (
        lambda: GrammarLogitsProcessor(Person),  # type: ignore[arg-type]
        "a matcher is needed here, not the type Person\n"
        "hint: GrammarLogitsProcessor.of(model, ...) takes a type, a schema or a pattern",
    ),
    "a number for a vocabulary": (
        lambda: compile_json_schema(Person, 128_256),  # type: ignore[arg-type]
        "a Vocabulary is needed here, not an int\nhint: give one, or the tokenizer or the model that has it",
    ),
}


MEANT: dict[str, tuple[object, str]] = {
    "an instance": (ANNA, "this is an instance; give its class, Person"),
    "a list of a type": ([Person], "for a list of these give list[Person]"),
    "bytes": (b"{}", "decode it first: schema.decode()"),
    "a path": (Path("person.json"), "read the file first: path.read_text()"),
    "a number": (5, "give a Pydantic model, a dataclass, a type, or a JSON Schema as a dict or as text"),
}


@pytest.mark.parametrize("given_schema", MEANT)
def test_what_is_no_type_says_what_was_meant(given_schema: str) -> None:
    schema, hint = MEANT[given_schema]
    with pytest.raises(ConstrainError) as refused:
        generate_json(None, TEXT, schema)

    assert refused.value.what.startswith(f"{schema!r} has no JSON Schema: ")
    assert refused.value.hint == hint


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_in_a_sentence(mistake: str) -> None:
    """Asserted whole, as it is seen."""
    ask, message = MISTAKES[mistake]
    with pytest.raises(ConstrainError) as refused:
        ask()

    assert str(refused.value) == message


def test_the_log_says_what_took_how_long(
    lookup_model: LoadedModel, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """At the level DEBUG of the logger `constrain`: caches, compiling, passes."""
    with caplog.at_level("DEBUG", logger="constrain"):
        for _ in range(2):
            Vocabulary.from_tokenizer(lookup_model.tokenizer, cache=tmp_path)
        generate_json(lookup_model, TEXT, Person)

    said = [re.sub(r"[0-9.]+", "N", record.message.split(" in /")[0]) for record in caplog.records]
    assert said == [
        "vocabulary of N tokens made, kept",
        "vocabulary of N tokens found",
        "compile_json_schema took N ms",
        "N tokens in N forward passes, N ms for a prompt of N tokens and N ms for the rest",
    ]


def test_what_is_shown_of_an_object_is_one_short_line(lookup_model: LoadedModel) -> None:
    """A vocabulary's was 1.3 million characters long."""
    vocabulary: Vocabulary = load().vocabulary
    compiled = compile_json_schema(Person, vocabulary)
    matcher = compiled.matcher()
    assert matcher.accept_token(vocabulary.tokens.index(b'{"'))

    assert repr(vocabulary) == f"<Vocabulary of 128,256 tokens, ends {vocabulary.eos_token_ids}>"
    assert repr(compiled) == "<CompiledGrammar for 128,256 tokens>"
    assert repr(matcher) == "<Matcher behind 1 token: b'{\"'>"
    assert repr(compiled.matcher()) == "<Matcher at the start>"
    assert (
        repr(GrammarLogitsProcessor(matcher))
        == "<GrammarLogitsProcessor of <Matcher behind 1 token: b'{\"'>>"
    )
    assert repr(check_schema(Person)) == "<SchemaReport: satisfiable, draft 2020-12>"
    assert repr(check_schema({"type": "strng"})) == "<SchemaReport: not decided, 1 problem>"
    assert check_schema({"const": "<b>"})._repr_html_().startswith("<pre>")
    assert "<b>" not in check_schema({"const": "<b>"})._repr_html_()

"""A model that thinks first closes its section in time, and its answer is the same kind of answer as ever."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlx_lm.tokenizer_utils import TokenizerWrapper
from pydantic import BaseModel
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from constrain import (
    extract,
    generate_choice,
    generate_json,
    generate_regex,
    generate_tool_calls,
    stream_json,
    stream_tool_calls,
)
from constrain.compiler import compile_json_schema
from constrain.engine.model import LoadedModel
from constrain.engine.prompting import prompt_tokens, thinking_marks
from constrain.engine.thinking import Thinking, reasoning_budget
from constrain.errors import ConstrainError, InvalidInputError, LimitExceeded
from constrain.finishing import Finishing
from constrain.tool_calls.reader import ArgumentsDelta, TextDelta
from constrain.vocabulary.bitmask import allocate_token_bitmask, unpack_words
from constrain.vocabulary.llama3 import llama3_tokenizer_folder
from tests.engine.fakes import wishful_model

THOUGHT = "Her name is Anna; it says so."
ANSWER = '{"name": "Anna"}'
BEGUN = f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}"


class Person(BaseModel):
    name: str


def with_template(template: str) -> Any:
    """The embedded model's tokenizer under another chat template."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(str(llama3_tokenizer_folder()))
    tokenizer.chat_template = template
    return TokenizerWrapper(tokenizer)


ROLES = (
    "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content }}<|eot_id|>{% endfor %}"
)
ASSISTANT = ROLES + "<|start_header_id|>assistant<|end_header_id|>\n\n"
SWITCHED = (
    ASSISTANT
    + "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
)
OPENED = ASSISTANT + "<think>\n"
HYBRID = """\
{%- if tools %}
    {{- '<|start_header_id|>system<|end_header_id|>\\n\\n<tools>' }}
    {%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}
    {{- '\\n</tools>\\n<tool_call>\\n{"name": ..., "arguments": ...}\\n</tool_call><|eot_id|>' }}
{%- endif %}
{%- for message in messages %}
    {%- set said = message.content %}
    {%- if message.role == 'assistant' and '</think>' in said %}
        {%- set said = said.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' + said + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""
"""In the style of Qwen 3: thinks unless it is told not to, and forgets what it thought in earlier turns."""
MISTRAL = ASSISTANT + "{# [THINK] and [/THINK] #}"


def with_thinking_tokens(template: str, *, special: bool) -> Any:
    """The same, with a token of its own for each mark; ordinary (Qwen 3) or special."""
    tokenizer = json.loads((llama3_tokenizer_folder() / "tokenizer.json").read_text(encoding="utf-8"))
    reserved = [added for added in tokenizer["added_tokens"] if "reserved" in added["content"]][-2:]
    for added, mark in zip(reserved, ("<think>", "</think>"), strict=True):
        added |= {"content": mark, "special": special}
    made = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(tokenizer)), eos_token="<|im_end|>"
    )
    made.chat_template = template
    return TokenizerWrapper(made)


@cache
def any_model() -> LoadedModel:
    """One whose wishes do not matter."""
    return wishful_model("")


def test_the_value_is_returned_alone_and_the_result_has_what_was_thought() -> None:
    model = wishful_model(BEGUN)
    stream = stream_json(model, "Who?", Person, reasoning=64)
    pieces = list(stream)
    made = stream.result()

    assert generate_json(model, "Who?", Person, reasoning=64) == Person(name="Anna")
    assert "".join(pieces) == ANSWER
    assert (made.value, made.text, made.reasoning, made.finish_reason) == (
        Person(name="Anna"), ANSWER, THOUGHT, "stop",
    )  # fmt: skip
    assert model.tokenizer.decode(made.tokens) == ANSWER
    assert model.tokenizer.decode(made.reasoning_tokens) == BEGUN.removesuffix(ANSWER)
    assert made.prompt_tokens == len(stream.prompt)


def test_everything_that_takes_a_prompt_takes_reasoning() -> None:
    def thinking(answer: str) -> LoadedModel:
        return wishful_model(BEGUN.replace(ANSWER, answer))

    call = '<tool_call>\n{"name": "Person", "arguments": {"name": "Anna"}}\n</tool_call>'
    called = generate_tool_calls(thinking(call), "Who?", [Person], form="hermes", reasoning=64)
    found = next(extract(thinking(ANSWER), ["Anna."], schema=Person, reasoning=64))
    chosen = generate_choice(thinking("Anna"), "Who?", ["Bert", "Anna"], with_logprobs=True, reasoning=64)

    assert generate_regex(thinking("Anna"), "Who?", "[A-Z][a-z]+", reasoning=64) == "Anna"
    assert (called.reasoning, [one.arguments for one in called.calls]) == (THOUGHT, [Person(name="Anna")])
    assert (found.reasoning, found.value) == (THOUGHT, Person(name="Anna"))
    assert found.as_json()["reasoning"] == THOUGHT
    assert (chosen.reasoning, chosen.text) == (THOUGHT, "Anna")


def test_the_embedded_model_has_nothing_to_think(lookup_model: LoadedModel) -> None:
    made = stream_json(lookup_model, "Mi chiamo Anna.", Person, reasoning=True).result()

    assert (made.value, made.reasoning) == (Person(name="Anna"), "")


@pytest.mark.parametrize(
    ("template", "wish", "written"),
    [
        (SWITCHED, BEGUN, "<think>"),
        (OPENED, BEGUN, ""),
        (MISTRAL, BEGUN.replace("<think>", "[THINK]").replace("</think>", "[/THINK]"), "[THINK]"),
    ],
    ids=["a switch", "opened by the template", "other marks"],
)
def test_the_marks_are_those_of_the_chat_template(template: str, wish: str, written: str) -> None:
    """A mark that the template has written at the end of the prompt is not written again."""
    tokenizer = with_template(template)
    made = stream_json(wishful_model(wish, tokenizer), "Who?", Person, reasoning=64).result()
    section = tokenizer.decode(made.reasoning_tokens)

    assert (made.value, made.reasoning) == (Person(name="Anna"), THOUGHT)
    assert section.startswith(f"{written}\n{THOUGHT}")
    assert section.endswith(f"{thinking_marks(tokenizer)[1]}\n\n")


TURNS = [
    {"role": "user", "content": "Who?"},
    {"role": "assistant", "content": "<think>\nIs it Bert?\n</think>\n\nBert."},
    {"role": "user", "content": "Are you sure?"},
]


@pytest.mark.parametrize(("reasoning", "ending"), [(True, ""), (False, "<think>\n\n</think>\n\n")])
def test_a_hybrid_model_is_told_in_its_own_way_whether_to_think(reasoning: bool, ending: str) -> None:
    """Nothing is opened or closed twice, and what was thought in an earlier turn is not shown again."""
    tokenizer = with_template(HYBRID)
    tokens = prompt_tokens(tokenizer, TURNS, "Say a name.", use_chat_template=True, reasoning=reasoning)

    assert tokenizer.decode(tokens) == (
        "<|start_header_id|>user<|end_header_id|>\n\nWho?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nBert.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nAre you sure?\n\nSay a name.<|eot_id|>"
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{ending}"
    )


@pytest.mark.parametrize("special", [False, True], ids=["ordinary tokens", "special tokens"])
def test_marks_that_are_tokens_are_written_as_these(special: bool) -> None:
    """What is special the model of this test cannot wish for, and the budget brings it."""
    tokenizer = with_thinking_tokens(HYBRID, special=special)
    marks = [tokenizer.convert_tokens_to_ids(mark) for mark in ("<think>", "</think>")]
    made = stream_json(wishful_model(BEGUN, tokenizer), "Who?", Person, reasoning=24).result()

    assert (made.value, made.finish_reason) == (Person(name="Anna"), "stop")
    assert special or made.reasoning == THOUGHT
    assert made.reasoning_tokens[0] == marks[0]
    assert [token for token in made.reasoning_tokens if token in marks] == marks
    assert len(made.reasoning_tokens) <= 24


def test_no_stream_has_a_piece_of_what_was_thought() -> None:
    """Neither text nor calls; the thought is whole when the first piece comes."""
    tokenizer = with_template(HYBRID)
    text = stream_json(wishful_model(BEGUN, tokenizer), "Who?", Person, reasoning=64)
    seen = [(text.reasoning, piece) for piece in text]
    call = '<tool_call>\n{"name": "Person", "arguments": {"name": "Anna"}}\n</tool_call>'
    model = wishful_model(BEGUN.replace(ANSWER, call), tokenizer)
    calls = stream_tool_calls(model, TURNS, [Person], reasoning=64)
    events = list(calls)

    assert {thought for thought, _ in seen} == {THOUGHT}
    assert "".join(piece for _, piece in seen) == ANSWER
    assert "".join(event.text for event in events if isinstance(event, ArgumentsDelta)) == '{"name": "Anna"}'
    assert not any(isinstance(event, TextDelta) for event in events)
    assert calls.answer.reasoning == THOUGHT
    assert calls.answer.message()["content"] == ""


@pytest.mark.parametrize("template", [SWITCHED, OPENED], ids=["a switch", "opened by the template"])
def test_a_prompt_leaves_no_section_open_where_nothing_is_to_be_thought(template: str) -> None:
    """The first is told so; the second cannot be, and is closed."""
    tokenizer = with_template(template)
    tokens = prompt_tokens(tokenizer, "Who?", None, use_chat_template=True)

    assert re.search(r"<think>\n+</think>\n\n\Z", tokenizer.decode(tokens))


def test_a_chat_template_is_told_what_is_given() -> None:
    """And what is given is told even against `reasoning`."""
    tokenizer = with_template(ASSISTANT + "{{ mood }}{{ enable_thinking }}")
    told = [
        prompt_tokens(
            tokenizer, "Who?", None, use_chat_template=True, chat_template_kwargs=given, reasoning=True
        )
        for given in ({"mood": "calm "}, {"enable_thinking": False})
    ]

    assert [tokenizer.decode(tokens).rpartition("\n\n")[2] for tokens in told] == ["calm True", "False"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["enable_thinking"],
            "chat_template_kwargs are a dictionary by name, not list\n"
            'hint: for example {"enable_thinking": False}',
        ),
        ({"tools": []}, "`tools` is no option of a chat template: it is decided here"),
    ],
)
def test_what_no_template_can_be_told_is_refused(given: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        generate_json(None, "Who?", Person, chat_template_kwargs=given)

    assert str(caught.value) == message


@given(st.integers(8, 40), st.integers(12, 40), st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_both_budgets_hold_whatever_is_chosen(budget: int, limit: int, seed: int) -> None:
    """A chooser that draws any allowed token: the section is closed in time, and so is the answer."""
    rng, model = random.Random(seed), any_model()
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    answer = Finishing(compile_json_schema(schema, model.vocabulary), limit)
    thinking = Thinking(model, [0], budget, answer)
    bitmask, text, count = allocate_token_bitmask(1, model.vocabulary.size), [b"", b""], 0
    while not thinking.is_terminated():
        thinking.fill_next_token_bitmask(bitmask)
        allowed = unpack_words(bitmask[0], model.vocabulary.size).nonzero()[0]
        token = int(allowed[rng.randrange(len(allowed))])
        answering = thinking.is_answering
        if thinking.accept_token(token):
            text[answering] += model.vocabulary.tokens[token] or b""
            count += answering

    assert len(thinking.tokens) <= budget
    assert count - 1 <= limit
    assert text[0].startswith(b"<think>")
    assert text[0].endswith(b"</think>\n\n")
    assert text[0].count(b"</think>") == 1
    assert json.loads(text[1]).keys() >= {"a"}


@given(st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=8, deadline=None)
def test_tokens_are_taken_back_across_the_border(taken: int, back: int) -> None:
    """The masks are those of a constraint that never went so far."""
    model = any_model()
    tokens: Sequence[int] = model.tokenizer.encode(BEGUN, add_special_tokens=False)
    head = len(model.tokenizer.encode(BEGUN.removesuffix(ANSWER), add_special_tokens=False))
    tokens = [*tokens[:head], *model.tokenizer.encode(ANSWER, add_special_tokens=False)]
    taken = min(taken, len(tokens))
    back = min(back, taken)

    def after(*, accepted: int, rolled_back: int) -> Any:
        answer = compile_json_schema(Person.model_json_schema(), model.vocabulary).matcher()
        thinking, row = Thinking(model, [0], 64, answer), allocate_token_bitmask(1, model.vocabulary.size)
        assert all(thinking.accept_token(token) for token in tokens[:accepted])
        thinking.rollback(rolled_back)
        thinking.fill_next_token_bitmask(row)
        return thinking.is_answering, thinking.tokens, row.tobytes()

    assert after(accepted=taken, rolled_back=back) == after(accepted=taken - back, rolled_back=0)


def test_a_budget_that_holds_no_section_is_refused() -> None:
    with pytest.raises(LimitExceeded) as caught:
        generate_json(wishful_model(BEGUN), "Who?", Person, reasoning=2)

    assert str(caught.value).startswith(
        "not even an empty section of reasoning fits: the shortest answer takes "
    )
    assert str(caught.value).endswith("and reasoning=2\nhint: raise reasoning, or leave it out")


@pytest.mark.parametrize(("reasoning", "budget"), [(False, 0), (0, 0), (True, 512), (7, 7)])
def test_a_budget_is_a_number_of_tokens_or_the_usual_one(reasoning: bool | int, budget: int) -> None:
    assert reasoning_budget(reasoning) == budget


@pytest.mark.parametrize("reasoning", [-1, "yes", 1.5, None])
def test_what_is_no_budget_is_refused(reasoning: Any) -> None:
    with pytest.raises(ConstrainError):
        generate_json(None, "Who?", Person, reasoning=reasoning)

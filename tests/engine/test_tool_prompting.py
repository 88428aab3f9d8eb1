"""The model reads of its tools in its own form, through its chat template or in plain words."""

from __future__ import annotations

from typing import Any

import pytest
from mlx_lm.tokenizer_utils import TokenizerWrapper
from transformers import PreTrainedTokenizerFast

from constrain.engine.tool_prompting import (
    described,
    explanation,
    form_of,
    special_pieces,
    tool_prompt_tokens,
)
from constrain.errors import InvalidInputError, UnsupportedError
from constrain.tool_calls.forms import FORMS
from constrain.tool_calls.tools import as_tools
from constrain.vocabulary.llama3 import llama3_tokenizer_folder
from constrain.vocabulary.vocabulary import Vocabulary

TOOLS = as_tools([{"name": "get_weather", "parameters": {"type": "object"}}])
TEMPLATES = {
    "hermes": "{{ '<tool_call>\\n' }}{{ tool_call | tojson }}",
    "llama3": '<|start_header_id|>ipython {"name": function name, "parameters": dictionary}',
    "llama3-tags": "<function=example>{...}</function>",
    "mistral": "{{ '[TOOL_CALLS] [' }}",
    "mistral-args": "{{ '[TOOL_CALLS]' }}{{ name }}{{ '[ARGS]' }}",
    "gemma": "<start_of_turn>user",
    "deepseek": "<｜tool▁calls▁begin｜>function<｜tool▁sep｜>\\n```json",
    "deepseek-v3.1": "<｜tool▁calls▁begin｜>{{ name }}<｜tool▁sep｜>",
}
SIMPLE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WITHOUT_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + SIMPLE


@pytest.fixture
def tokenizer() -> Any:
    """Llama 3's tokenizer, whose template a test may change."""
    return TokenizerWrapper(PreTrainedTokenizerFast.from_pretrained(str(llama3_tokenizer_folder())))


def shown(tokenizer: Any, messages: Any, **options: Any) -> str:
    return str(tokenizer.decode(tool_prompt_tokens(tokenizer, messages, TOOLS, FORMS["hermes"], **options)))


@pytest.mark.parametrize("name", sorted(FORMS))
def test_the_form_is_that_of_the_template(name: str, tokenizer: Any) -> None:
    """Each row of the table is found by its own signs, whatever rows stand beside it."""
    tokenizer.chat_template = TEMPLATES[name]

    assert form_of(tokenizer) is FORMS[name]


def test_of_several_templates_the_one_for_tools_counts(tokenizer: Any) -> None:
    tokenizer.chat_template = {"default": TEMPLATES["gemma"], "tool_use": TEMPLATES["mistral"]}

    assert form_of(tokenizer) is FORMS["mistral"]


def test_a_template_that_shows_no_form_gets_the_commonest(tokenizer: Any) -> None:
    tokenizer.chat_template = SIMPLE

    assert form_of(tokenizer) is FORMS["hermes"]


def test_a_form_without_a_row_is_refused_by_name(tokenizer: Any) -> None:
    """It would be answered in another form than the template teaches."""
    tokenizer.chat_template = "<tool_call>\n<function={{ name }}>\n<parameter={{ key }}>"
    with pytest.raises(UnsupportedError) as error:
        form_of(tokenizer)

    assert str(error.value) == (
        "the model's chat template writes tool calls with `<parameter=`, a form that is not in the table\n"
        f"hint: pass form=, one of {', '.join(FORMS)}, or a Form of your own"
    )


def test_special_pieces_are_asked_of_the_vocabulary(tokenizer: Any) -> None:
    """The same text is one special token in one vocabulary, and four ordinary ones in another."""
    plain = Vocabulary.from_tokenizer(tokenizer)
    assert special_pieces(FORMS["hermes"], plain, tokenizer) == {}
    tokenizer.add_special_tokens({"additional_special_tokens": ["[TOOL_CALLS]", "[ARGS]", "[OTHER]"]})
    vocabulary = Vocabulary.from_tokenizer(tokenizer)
    found = special_pieces(FORMS["mistral-args"], vocabulary, tokenizer)

    assert {text: part.token_id for text, part in found.items()} == {
        text: tokenizer.convert_tokens_to_ids(text) for text in ("[TOOL_CALLS]", "[ARGS]")
    }


def test_a_template_for_tools_is_given_the_tools(tokenizer: Any) -> None:
    prompt = shown(tokenizer, "Is it raining?")

    assert prompt.count('"name": "get_weather"') == 1
    assert "You may call these functions" in prompt
    assert prompt.endswith("<|im_start|>user\nIs it raining?<|im_end|>\n<|im_start|>assistant\n")


def test_any_other_template_gets_a_system_message(tokenizer: Any) -> None:
    """With an example that the form itself wrote."""
    tokenizer.chat_template = SIMPLE
    prompt = shown(
        tokenizer, [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Rain?"}]
    )

    assert prompt == (
        "<|im_start|>system\nBe brief.\n\n"
        "You can call these tools, each given as JSON with its parameters as a JSON Schema:\n"
        '{"name": "get_weather", "description": "", "parameters": {"type": "object"}}\n\n'
        "To call a tool, answer with its name and arguments in this form:\n"
        '<tool_call>\n{"name": "get_weather", "arguments": {...}}\n</tool_call><|im_end|>\n'
        "<|im_start|>user\nRain?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_template_without_system_messages_gets_it_from_the_user(tokenizer: Any) -> None:
    tokenizer.chat_template = WITHOUT_SYSTEM
    prompt = shown(tokenizer, "Rain?")

    assert prompt.startswith("<|im_start|>user\nYou can call these tools")
    assert prompt.endswith("</tool_call>\n\nRain?<|im_end|>\n<|im_start|>assistant\n")


def test_without_a_template_all_is_text(tokenizer: Any) -> None:
    prompt = shown(tokenizer, "Rain?", use_chat_template=False)

    assert prompt.endswith(f"{explanation(TOOLS, FORMS['hermes'])}\n\nRain?\n\nAnswer:\n")


@pytest.mark.parametrize("arguments", [{"città": "Roma"}, '{"città": "Roma"}'])
@pytest.mark.parametrize("wrapped", [True, False])
def test_calls_in_the_conversation_are_written_in_either_way(
    tokenizer: Any, arguments: Any, wrapped: bool
) -> None:
    """OpenAI has arguments as JSON text, Hugging Face as data; templates would write text as a string."""
    function = {"name": "get_weather", "arguments": arguments}
    call = {"type": "function", "function": function} if wrapped else function
    talk = [
        {"role": "user", "content": "Rain?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "sunny"},
    ]
    written = '<tool_call>\n{"name": "get_weather", "arguments": {"città": "Roma"}}\n</tool_call>'
    assert written in shown(tokenizer, talk)
    tokenizer.chat_template = SIMPLE
    prompt = shown(tokenizer, talk)

    assert f"<|im_start|>assistant\n{written}<|im_end|>" in prompt
    assert "<|im_start|>user\nResult of the call:\nsunny<|im_end|>" in prompt


def test_messages_without_tools_stay_as_they_are() -> None:
    messages = [{"role": "user", "content": "Hello"}]

    assert described(messages, [], FORMS["hermes"]) == messages


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"name": "f"}, "a call in a message needs a name and arguments\n    at message 0: {'name': 'f'}"),
        ({"name": "f", "arguments": "{"}, "the arguments of a call in a message are not JSON: "),
    ],
)
def test_a_call_that_is_none_is_refused(tokenizer: Any, call: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        shown(tokenizer, [{"role": "assistant", "content": "", "tool_calls": [call]}])

    assert str(error.value).startswith(message)

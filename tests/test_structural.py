"""Free text with tags in it: the first trigger of a text is where its writer put it."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_part
from constrain.errors import InvalidInputError
from constrain.parts import json_value, regex, sequence, special_token
from constrain.structural import Tag, free_text, reasoning, structural_tags
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import by_trying, ids, strings_over, toy_vocabulary
from tests.test_parts import accepts
from tests.walks import CHOOSERS, walk

VOCABULARY = toy_vocabulary(
    [*(t.encode() for t in strings_over("abc", 3)), b"<c", b">{", b"}<", "è".encode()]
)
STRINGS = strings_over("abc", 6)


def by_reading(text: str, triggers: list[str], *, at_least_one: bool, stop_after_first: bool) -> bool:
    """The definition: find the first trigger, expect `c` behind it, and start again after that."""
    tagged = False
    while True:
        found = [(at, trigger) for trigger in triggers if (at := text.find(trigger)) >= 0]
        if tagged and stop_after_first:
            return not text
        if not found:
            return tagged or not at_least_one
        at, trigger = min(found, key=lambda hit: hit[0] + len(hit[1]))
        text = text[at + len(trigger) :]
        if not text.startswith("c"):
            return False
        text, tagged = text[1:], True


@given(
    st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=2, unique=True),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60)
def test_texts_are_those_in_which_the_first_trigger_begins_a_tag(
    triggers: list[str], at_least_one: bool, stop_after_first: bool
) -> None:
    """`aba` after `ab` would come two bytes early; no trigger comes by accident, and none is out of reach."""
    options = {"at_least_one": at_least_one, "stop_after_first": stop_after_first}
    if any(one in other for one in triggers for other in triggers if one != other):
        with pytest.raises(InvalidInputError):
            structural_tags([Tag(trigger, "c") for trigger in triggers], **options)
        return
    compiled = compile_part(
        structural_tags([Tag(trigger, "c") for trigger in triggers], **options), VOCABULARY
    )
    wrong = [text for text in STRINGS if accepts(compiled, text) != by_reading(text, triggers, **options)]

    assert not wrong


@given(st.sampled_from(sorted(CHOOSERS)), st.integers(0, 2**32))
@settings(max_examples=30)
def test_masks_around_a_trigger_are_those_of_trying_every_token(chooser: str, seed: int) -> None:
    """Tokens that cross a trigger's beginning or end included."""
    tags = [Tag("<c>", json_value({"const": {"a": 1}}), "</c>"), Tag("<c:b>", regex("b{2}"))]
    compiled = compile_part(structural_tags(tags, triggers=["<c"]), VOCABULARY)
    text, matcher = walk(compiled, random.Random(seed), CHOOSERS[chooser], max_tokens=15)
    replay = compiled.matcher()

    for token in matcher.tokens:
        assert ids(replay.allowed_token_ids()) == by_trying(compiled, replay.position)
        assert replay.accept_token(token)
    assert "<c" not in re.sub(r"<c>\{\"a\": ?1\}</c>|<c:b>bb", "", text.decode())


def test_the_end_of_a_tag_inside_its_content_is_just_text() -> None:
    """vllm#45167: a parser that searches for `</c>` drops such a call."""
    tag = Tag("<c>", json_value({"type": "string"}, whitespace="compact"), "</c>")
    compiled = compile_part(structural_tags([tag], at_least_one=True), VOCABULARY)

    assert accepts(compiled, 'see <c>"a</c>b<c>"</c> done')
    assert not accepts(compiled, 'see <c>"a</c> done')
    assert not accepts(compiled, "no tag")


def test_a_special_token_triggers_and_its_spelling_is_kept_out_of_the_text() -> None:
    """So that a transcript can be read without its tokens."""
    vocabulary = Vocabulary.from_tokens(
        [*(bytes((byte,)) for byte in range(256)), None, None], eos_token_ids=[257], special_token_ids=[256]
    )
    call = special_token(vocabulary, 256, "[C]")
    matcher = compile_part(structural_tags([Tag(call, "x")]), vocabulary).matcher()

    assert all(matcher.accept_token(byte) for byte in b"hi [C")
    assert not matcher.accept_token(ord("]"))
    assert matcher.accept_token(256)
    assert ids(matcher.allowed_token_ids()) == [ord("x")]


def test_a_reasoning_section_has_its_own_budget_in_characters() -> None:
    """Bytes do not count, and the schema behind it does not."""
    part = sequence(reasoning(max_characters=4), json_value({"type": "integer"}))
    compiled = compile_part(part, VOCABULARY)

    assert accepts(compiled, "<think>èèèè</think>12345")
    assert accepts(compiled, "<think></think>1")
    assert not accepts(compiled, "<think>abcab</think>1")
    assert not accepts(compiled, "<think></think></think>1")


def test_free_text_may_not_end_in_what_would_complete_a_trigger_early() -> None:
    """`ab` + `aba` holds the trigger `aba` at once."""
    compiled = compile_part(sequence(free_text(until=["aba"]), "aba"), VOCABULARY)

    assert accepts(compiled, "bbaba")
    assert accepts(compiled, "aaba")
    assert not accepts(compiled, "ababa")


def test_triggers_and_tags_that_never_meet_are_refused() -> None:
    """Each message names the one to blame."""
    messages = []
    for make in (
        lambda: structural_tags([]),
        lambda: structural_tags([Tag("<a>", "x")], triggers=["<a>", "<b>"]),
        lambda: structural_tags([Tag("<a>", "x"), Tag("<b>", "x")], triggers=["<a>"]),
        lambda: structural_tags([Tag("<a", "x"), Tag("<ab>", "x")]),
        lambda: free_text(until=[""]),
    ):
        with pytest.raises(InvalidInputError) as caught:
            make()
        messages.append(caught.value.what)

    assert messages == [
        "there are no tags",
        "no tag begins with the trigger `<b>`",
        "no trigger begins the tag `<b>`",
        "the trigger `<a` occurs inside the trigger `<ab>`, which could never be reached",
        "a trigger cannot be empty: it would occur everywhere",
    ]

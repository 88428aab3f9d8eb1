"""The questions to a real model ask for what they call right, and what is right is counted by fields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.real_model import QUESTIONS, Question, invented, is_valid, read_free, rightness


def test_half_of_the_questions_are_held() -> None:
    assert (len(QUESTIONS), sum(question.held for question in QUESTIONS)) == (30, 15)
    assert len({question.name for question in QUESTIONS}) == 30


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_what_is_right_is_valid_and_says_itself(question: Question) -> None:
    """A free answer that is right and nothing else would count as both."""
    right = question.right
    fields = rightness(right, right)
    if question.kind == "tools":
        text = "<tool_call>\n" + json.dumps({"name": right[0], "arguments": right[1]}) + "\n</tool_call>"
    elif question.kind == "extract" and isinstance(question.form, str):
        text = question.prompt.rstrip(".")
    else:
        text = right if isinstance(right, str) else json.dumps(right)

    assert is_valid(question, right)
    assert fields[0] == fields[1] > 0
    assert invented(right, right) == 0
    assert read_free(question, text) == (right, True)


@pytest.mark.parametrize(
    ("right", "value", "counted"),
    [
        ({"a": 1, "b": {"c": True}}, {"a": 1, "b": {"c": True}}, (2, 2)),
        ({"a": 1, "b": {"c": True}}, {"a": 2}, (0, 2)),
        ({"a": 1}, {"a": True}, (0, 1)),
        ({"a": True}, {"a": 1}, (0, 1)),
        ({"a": 3.5}, {"a": 3.50}, (1, 1)),
        (["f", {"x": 1, "y": 2}], ["f", {"x": 1}], (2, 3)),
        (["f", {"x": 1}], None, (0, 2)),
        (["a", "b"], ["a", "b"], (1, 1)),
    ],
)
def test_fields_are_counted_one_by_one(right: Any, value: Any, counted: tuple[int, int]) -> None:
    assert rightness(right, value) == counted


def test_keys_that_nobody_asked_for_are_counted_at_any_depth() -> None:
    assert invented({"a": {"b": 1}}, {"a": {"b": 1, "x": 2}, "y": {"z": 3}}) == 2

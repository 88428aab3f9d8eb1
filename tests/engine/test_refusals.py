"""What only a type's own validators say ends in one error that keeps the text, or is asked again."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, TypeAdapter, ValidationError, model_validator
from typing_extensions import TypeAliasType

from constrain import (
    ConstrainError,
    LimitExceeded,
    RefusedOutputError,
    extract,
    generate_json,
    generate_tool_calls,
    stream_json,
)
from constrain.engine.prompting import with_refusal
from tests.engine.fakes import wishful_model

Nested = TypeAliasType("Nested", "list[Nested]")


class Span(BaseModel):
    """From a first to a last day."""

    first: int
    last: int

    @model_validator(mode="after")
    def ordered(self) -> Span:
        if self.first > self.last:
            raise ValueError("first is after last")
        return self


@dataclass
class Share:
    part: int
    whole: int

    def __post_init__(self) -> None:
        if self.part > self.whole:
            raise ValueError("more than all")


REFUSED = '{"first": 31, "last": 4}'
ERRORS = [
    {
        "type": "value_error",
        "loc": (),
        "msg": "Value error, first is after last",
        "input": {"first": 31, "last": 4},
        "ctx": {"error": "first is after last"},
    }
]


def error_of_tool_calls(schema: Any, text: str) -> ConstrainError | None:
    called = f'<tool_call>\n{{"name": "{schema.__name__}", "arguments": {text}}}\n</tool_call>'
    (call,) = generate_tool_calls(
        wishful_model(called), "x", [schema], form="hermes", tool_choice="required"
    ).calls
    assert call.arguments == json.loads(text)
    return call.error


def test_every_way_of_asking_refuses_with_the_same_error() -> None:
    """A value, a stream's result, extraction, tool calls: one class, with text, data and reasons."""
    model = wishful_model(REFUSED)
    refusals: list[Any] = [next(extract(model, ["x"], schema=Span)).error, error_of_tool_calls(Span, REFUSED)]
    for ask in (generate_json, lambda *asked: stream_json(*asked).result()):
        with pytest.raises(RefusedOutputError) as refused:
            ask(model, "x", Span)
        refusals.append(refused.value)

    for refusal in refusals:
        assert isinstance(refusal, RefusedOutputError)
        assert isinstance(refusal, ValueError)
        assert (refusal.text, refusal.value, refusal.errors) == (REFUSED, json.loads(REFUSED), ERRORS)
        assert vars(pickle.loads(pickle.dumps(refusal))) == vars(refusal)
    assert str(refusals[-1]) == (
        "the answer follows the schema, but a validator of Span refuses it: "
        "Value error, first is after last\n"
        '    at {"first": 31, "last": 4}\n'
        "hint: let the model try again with retries=2, or say in the type what is checked: Field(ge=...)"
    )


def test_all_reasons_are_listed_as_pydantic_lists_them() -> None:
    """The message shows the first one with its place, and how many more there are."""
    text = '[{"part": 3, "whole": 1}, {"part": 1, "whole": 1}, {"part": 2, "whole": 1}]'
    with pytest.raises(RefusedOutputError) as refused:
        generate_json(wishful_model(text), "x", list[Share])
    with pytest.raises(ValidationError) as expected:
        TypeAdapter(list[Share]).validate_json(text)

    listed = expected.value.errors(include_url=False, include_context=False)
    assert [{**error, "ctx": None} for error in refused.value.errors] == [
        {**error, "ctx": None} for error in listed
    ]
    assert refused.value.what == (
        "the answer follows the schema, but a validator of list[Share] refuses its `0`: "
        "Value error, more than all, and 1 more"
    )


@given(st.sampled_from([KeyError("b"), TypeError(), ZeroDivisionError("1/0"), RuntimeError("x"), OSError(2)]))
def test_whatever_a_validator_raises_keeps_the_text(problem: Exception) -> None:
    """Pydantic lets everything through but ValueError and AssertionError."""

    def fail(number: int) -> int:
        raise problem

    with pytest.raises(RefusedOutputError) as refused:
        generate_json(wishful_model("12"), "x", Annotated[int, AfterValidator(fail)])

    said = f"{type(problem).__name__}: {problem}"
    assert refused.value.what == f"the answer follows the schema, but a validator of its type fails: {said}"
    assert (refused.value.text, refused.value.value) == ("12", 12)
    assert refused.value.errors == [{"type": "exception", "loc": (), "msg": said, "input": 12}]
    assert refused.value.__cause__ is problem


@settings(max_examples=12)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=4), st.sets(st.integers(0, 99)), st.integers(0, 4))
def test_retries_give_the_first_answer_that_is_not_refused(
    answers: list[int], wrong: set[int], retries: int
) -> None:
    """Each refused answer costs one; where they are used up, the last one's refusal is raised."""

    def right(number: int) -> int:
        if number in wrong or number == answers[0]:
            raise ValueError(f"{number} is wrong")
        return number

    schema = Annotated[int, AfterValidator(right)]
    tried = [answers[min(index, len(answers) - 1)] for index in range(retries + 1)]
    good = [index for index, number in enumerate(tried) if number not in wrong and number != answers[0]]
    model = wishful_model([*map(str, answers)])
    found = next(extract(model, ["x"], schema=schema, retries=retries))
    if good:
        made = generate_json(model, "x", schema, retries=retries, return_result=True)

        assert (made.value, made.retries) == (tried[good[0]], good[0])
        assert found.value == made.value
    else:
        with pytest.raises(RefusedOutputError) as refused:
            generate_json(model, "x", schema, retries=retries)

        assert refused.value.text == str(tried[-1])
        assert isinstance(found.error, RefusedOutputError)
        assert found.error.text == str(tried[-1])


def test_a_refused_answer_and_the_reasons_are_turns_of_the_conversation() -> None:
    """What the model reads when it is asked again."""
    with pytest.raises(RefusedOutputError) as refused:
        generate_json(wishful_model('[{"first": 2, "last": 1}]'), "x", list[Span])

    assert with_refusal([{"role": "user", "content": "x"}], refused.value) == [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": '[{"first": 2, "last": 1}]'},
        {
            "role": "user",
            "content": "This answer is refused, for these reasons:\n"
            "- 0: Value error, first is after last\n"
            "Answer once more, so that none of them holds.",
        },
    ]


def test_what_is_nested_deeper_than_pydantic_reads_is_too_large() -> None:
    """No validator refuses it, and no other answer would be better."""
    text = "[" * 210 + "]" * 210

    with pytest.raises(LimitExceeded) as refused:
        generate_json(wishful_model(text), "x", Nested)

    assert str(refused.value) == (
        "the answer is nested deeper than can be read: 210 brackets\n"
        f"    at {'[' * 60}...\n"
        "hint: bound it in the schema: let a part not contain itself"
    )

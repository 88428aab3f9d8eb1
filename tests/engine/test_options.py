"""What every generation is asked with is checked once, whatever it is."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.engine.options import check_max_tokens, check_seed, real, whole
from constrain.engine.prompting import as_json, messages_of
from constrain.engine.sampling import make_sampler
from constrain.errors import ConstrainError, InvalidInputError

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF), max_size=2)
    | st.binary()
    | st.sampled_from(
        [1 << 70, Decimal("0.5"), np.float32(0.5), np.int64(3), object(), 1j, {1, 2}, int, b"", "1"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.sampled_from(["role", "content", "tool_calls", 1]), inner)
        | st.fixed_dictionaries({"role": st.just("user"), "content": inner})
    ),
    max_leaves=6,
)


def outcome(function: Callable[[Any], Any], value: Any) -> Any:
    """What a function returns, or the error of this package that it raises."""
    try:
        return function(value)
    except ConstrainError as problem:
        return problem


@given(value=ANYTHING)
def test_an_option_is_a_number_in_its_range_or_refused_by_name(value: Any) -> None:
    """Never an error of MLX, and nothing is rounded in silence."""
    for name, check in {
        "max_tokens": check_max_tokens,
        "seed": check_seed,
        "top_k": lambda value: make_sampler(top_k=value).top_k,
        "n": lambda value: whole("n", value, least=-5, most=5),
    }.items():
        found = outcome(check, value)
        if isinstance(found, InvalidInputError):
            assert found.what.startswith(name)
        else:
            assert (found is None and value is None) or found == operator.index(value)
    for name, check in {
        "temp": lambda value: make_sampler(value).temp,
        "top_p": lambda value: make_sampler(top_p=value).top_p,
        "min_p": lambda value: make_sampler(min_p=value).min_p,
    }.items():
        found = outcome(check, value)
        if isinstance(found, InvalidInputError):
            assert found.what.startswith(name)
        else:
            assert found == float(value)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: check_seed(-1), "seed=-1 must be at least 0"),
        (lambda: check_seed(1 << 70), "seed=1180591620717411303424 must be at most 18446744073709551615"),
        (lambda: check_max_tokens(1.5), "max_tokens must be an integer, not float"),
        (lambda: check_max_tokens(True), "max_tokens must be an integer, not bool"),
        (lambda: real("temp", "1"), "temp must be a number, not str"),
        (lambda: make_sampler(None), "temp must be a number, not None"),  # type: ignore[arg-type]
    ],
)
def test_says_what_an_option_must_be(check: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check()

    assert str(refused.value) == message


@given(prompt=ANYTHING)
def test_a_prompt_is_messages_that_can_be_written_or_refused(prompt: Any) -> None:
    """Bytes, one message without its list, a list of nothing, half a character: all have an error's name."""
    try:
        messages = messages_of(prompt)
    except ConstrainError:
        return

    assert messages
    for message in messages:
        assert isinstance(message["role"], str)
        assert message["content"] is not None
        as_json([part for part in message.values() if isinstance(part, str)]).encode()


def test_a_message_that_holds_itself_is_refused() -> None:
    parts: list[Any] = []
    parts.append(parts)

    with pytest.raises(ConstrainError) as refused:
        messages_of([{"role": "user", "content": "x", "more": parts}])

    assert str(refused.value) == "a message is nested deeper than 100\n    at message 0"


@given(schema=ANYTHING)
def test_a_schema_is_written_into_a_prompt_or_refused(schema: Any) -> None:
    """A set in a description, a key that is no string, half a surrogate pair."""
    found = outcome(as_json, {"description": schema})

    if isinstance(found, ConstrainError):
        assert found.what.startswith("the schema is not JSON: ")
    else:
        found.encode()


def test_a_schema_that_holds_itself_is_not_written_into_a_prompt() -> None:
    schema: dict[str, Any] = {}
    schema["items"] = schema

    with pytest.raises(ConstrainError) as refused:
        as_json(schema)

    assert str(refused.value) == (
        "the schema is not JSON: Circular reference detected\n"
        "hint: with schema_in_prompt=False it is not written down"
    )

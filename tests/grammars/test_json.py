"""The JSON grammar against Python's own parser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark
from lark.exceptions import LarkError

PARSER = Lark.open(
    str(Path(__file__).parents[2] / "grammars" / "json.lark"), parser="earley", lexer="dynamic_complete"
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


def parses(text: str) -> bool:
    try:
        PARSER.parse(text)
    except LarkError:
        return False
    return True


@given(VALUES, st.sampled_from([None, 1]))
@settings(max_examples=60)
def test_accepts_what_json_dumps_writes(value: object, indent: int | None) -> None:
    """Every JSON value, compact or pretty."""
    assert parses(json.dumps(value, indent=indent))


@pytest.mark.parametrize(
    "text",
    ["", "01", "1.", ".5", "+1", "[1,]", "{,}", '{"a" 1}', "'a'", '"\n"', '"\\x"', "nul", "[1] 2", "NaN"],
)
def test_refuses_what_rfc_8259_refuses(text: str) -> None:
    """Python's own parser agrees, but for NaN, which it adds."""
    assert not parses(text)

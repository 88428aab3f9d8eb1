"""Rule: whatever is given, an answer or one of the documented errors comes back.

Random objects are thrown at every public function of `constrain`: at each of its arguments in turn, and as
schemas whose keywords hold them.  An error must say what is wrong, name the place within a schema, fit on a
screen, and survive printing and pickling.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema, compile_lark, compile_part, compile_regex
from constrain.errors import ConstrainError, LimitExceeded, SchemaError
from constrain.json_schema.formats import register_format
from constrain.json_schema.options import JsonOptions
from constrain.parts import (
    branches,
    choice,
    either,
    json_value,
    lark,
    literal,
    optional,
    regex,
    repeated,
    sequence,
    special_token,
)
from constrain.report import check_schema, check_text
from constrain.structural import Tag, free_text, reasoning, structural_tags
from constrain.tool_calls.grammar import tool_call_grammar
from constrain.tool_calls.reader import ToolCallReader, read_tool_calls
from constrain.tool_calls.tools import as_tool
from constrain.vocabulary.bitmask import allocate_token_bitmask
from constrain.vocabulary.vocabulary import Vocabulary
from tests.foreign import nearly_tools, objects, schemas, tool_lists
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary([b'{"', b'":', b'",', b'"}'])
STEPS = 20_000
LONGEST = 2_000
SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck))

TOOL = {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
CALLS = tool_call_grammar([TOOL])
WRITTEN = '<tool_call>\n{"name": "f", "arguments": {"a": "b"}}\n</tool_call>'
COMPILED = compile_regex("[ab]*", VOCABULARY)
LARK = 'start: "a" X\n%declare X'

ENTRIES: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "compile_json_schema": (
        compile_json_schema,
        {
            "schema": {"type": "string"}, "vocabulary": VOCABULARY, "registry": None, "whitespace": "any",
            "spelling": "any", "property_order": "any", "formats": "assert", "additional_properties": False,
            "verbatim": "a", "max_alternatives": 9, "max_steps": STEPS,
        },
    ),
    "compile_regex": (
        compile_regex,
        {"pattern": "a", "vocabulary": VOCABULARY, "flags": 0, "verbatim": "a", "max_steps": STEPS},
    ),
    "compile_lark": (
        compile_lark,
        {
            "grammar": LARK, "vocabulary": VOCABULARY, "start": "start", "embed": {"X": "b"},
            "max_steps": STEPS,
        },
    ),
    "compile_part": (compile_part, {"part": "a", "vocabulary": VOCABULARY, "max_steps": STEPS}),
    "check_schema": (check_schema, {"schema": True, "vocabulary": VOCABULARY, "registry": {}}),
    "check_text": (check_text, {"compiled": COMPILED, "text": b"ab"}),
    "literal": (literal, {"text": "a"}),
    "regex": (regex, {"pattern": "a", "flags": 0, "verbatim": "a", "max_steps": STEPS}),
    "json_value": (json_value, {"schema": True, "registry": {}, "whitespace": "any"}),
    "lark": (lark, {"grammar": LARK, "start": "start", "embed": {"X": "b"}, "max_steps": STEPS}),
    "choice": (choice, {"texts": ["a"]}),
    "branches": (branches, {"parts": {"a": "b"}}),
    "sequence": (lambda parts: sequence("a", parts), {"parts": "b"}),
    "either": (lambda parts: either("a", parts), {"parts": "b"}),
    "repeated": (repeated, {"part": "a", "low": 1, "high": 2}),
    "optional": (optional, {"part": "a"}),
    "special_token": (special_token, {"vocabulary": VOCABULARY, "token_id": 1, "text": "a"}),
    "free_text": (free_text, {"until": ["<a>"], "max_characters": 3}),
    "reasoning": (reasoning, {"begin": "<a>", "end": "</a>", "max_characters": 3}),
    "structural_tags": (
        structural_tags,
        {"tags": [Tag("<a>", "b")], "triggers": None, "at_least_one": False, "stop_after_first": False},
    ),
    "Tag": (
        lambda begin, content, end, triggers: structural_tags([Tag(begin, content, end)], triggers=triggers),
        {"begin": "<a>", "content": "b", "end": "c", "triggers": ["<"]},
    ),
    "tool_call_grammar": (
        tool_call_grammar,
        {
            "tools": [TOOL], "form": "hermes", "tool_choice": "auto", "parallel": True, "special": None,
            "whitespace": "any",
        },
    ),
    "as_tool": (as_tool, {"tool": TOOL}),
    "read_tool_calls": (
        read_tool_calls, {"text": WRITTEN, "grammar": CALLS, "loose": True, "max_steps": STEPS},
    ),
    "ToolCallReader.feed": (lambda piece: list(ToolCallReader(CALLS).feed(piece)), {"piece": WRITTEN}),
    "register_format": (register_format, {"name": "of-a-test", "pattern": "a"}),
    "JsonOptions.exact": (JsonOptions.exact, {"whitespace": "any", "max_steps": STEPS}),
    "Vocabulary.from_tokens": (
        Vocabulary.from_tokens,
        {"tokens": [b"a", None], "eos_token_ids": [1], "special_token_ids": None, "size": 3},
    ),
    "Vocabulary.from_tokenizer": (Vocabulary.from_tokenizer, {"tokenizer": None, "cache": False}),
    "Vocabulary.decode": (VOCABULARY.decode, {"token_ids": [1, 2]}),
    "allocate_token_bitmask": (allocate_token_bitmask, {"batch_size": 1, "vocab_size": 40}),
    "accept_token": (lambda token_id: COMPILED.matcher().accept_token(token_id), {"token_id": 97}),
    "validate_tokens": (lambda ids: COMPILED.matcher().validate_tokens(ids), {"ids": [97, 98]}),
    "rollback": (lambda count: COMPILED.matcher().rollback(count), {"count": 0}),
    "fill_next_token_bitmask": (
        lambda bitmask, index: COMPILED.matcher().fill_next_token_bitmask(bitmask, index),
        {"bitmask": allocate_token_bitmask(1, VOCABULARY.size), "index": 0},
    ),
}  # fmt: skip


@contextmanager
def documented() -> Iterator[list[ConstrainError]]:
    """Let documented errors pass, once they are found to be well said; they are in the list."""
    found: list[ConstrainError] = []
    try:
        yield found
    except ConstrainError as problem:
        found.append(problem)
        check_message(problem)


def check_message(problem: ConstrainError) -> None:
    message = str(problem)

    assert problem.what
    assert len(message) < LONGEST
    assert message.encode()
    assert str(pickle.loads(pickle.dumps(problem))) == message


@pytest.mark.parametrize("name", ENTRIES)
@given(data=st.data())
@settings(SLOW, max_examples=25)
def test_whatever_is_given_the_error_is_a_documented_one(name: str, data: st.DataObject) -> None:
    """One argument is any object; the others are right, or one more is any object too."""
    function, right = ENTRIES[name]
    wrong = data.draw(st.lists(st.sampled_from(sorted(right)), min_size=1, max_size=2))
    given_ = right | {each: data.draw(objects(), label=each) for each in wrong}

    with documented():
        function(**given_)


@pytest.mark.parametrize("name", ENTRIES)
def test_what_is_right_is_taken(name: str) -> None:
    """Else the test above would be empty: the arguments that are replaced there are right ones."""
    function, right = ENTRIES[name]
    if name in {"special_token", "Vocabulary.from_tokenizer"}:
        pytest.skip("needs a vocabulary with special tokens, or a tokenizer")
    function(**right)


@given(schemas(), st.sampled_from(["canonical", "any"]), st.randoms(use_true_random=False))
@settings(SLOW, max_examples=200)
def test_any_schema_is_followed_or_refused_by_name(schema: Any, spelling: str, rng: Any) -> None:
    """Compiled, and walked for some tokens: a mistake may not wait until a generation has come to it."""
    with documented() as problems:
        compiled = compile_json_schema(schema, VOCABULARY, spelling=spelling, max_steps=STEPS)
    for problem in problems:
        assert problem.where or not isinstance(problem, SchemaError) or isinstance(schema, str)
    if problems:
        return
    matcher = compiled.matcher()
    for _ in range(25):
        with documented() as limits:
            allowed = matcher.allowed_token_ids()
        if limits:
            assert isinstance(limits[0], LimitExceeded)
            return
        assert len(allowed)
        assert matcher.accept_token(int(rng.choice(list(allowed))))
        if matcher.is_terminated():
            break


@given(schemas())
@settings(SLOW, max_examples=80)
def test_a_report_never_ends_in_an_error(schema: Any) -> None:
    """Every finding is in the report, which can be printed and is JSON."""
    report = check_schema(schema, max_steps=STEPS)

    assert str(report).encode()
    assert json.dumps(report.as_json()).encode()
    for problem in report.problems:
        check_message(problem)


@given(nearly_tools())
@settings(SLOW, max_examples=300)
def test_what_is_wrong_with_a_tool_is_said_of_that_tool(made: tuple[list[Any], int | None, str]) -> None:
    """By its name or its place in the list, before anything is generated; nothing of it is made up."""
    tools, wrong, name = made
    with documented() as problems:
        compile_part(tool_call_grammar(tools, tool_choice="required").written, VOCABULARY)

    (problem,) = problems
    told = f"{problem.what} {problem.where}"

    assert f"tools[{wrong}]" in told or (name.strip() and f"`{name}`" in told)


@given(tool_lists(), st.sampled_from(["hermes", "llama3-tags", "mistral"]))
@settings(SLOW, max_examples=150)
def test_any_tools_are_offered_as_they_are_or_refused(tools: Any, form: str) -> None:
    """Those taken have names, descriptions and schemas that a prompt can show, and can be called."""
    with documented() as problems:
        grammar = tool_call_grammar(tools, form, tool_choice="required", max_steps=STEPS)
        compiled = compile_part(grammar.written, VOCABULARY, max_steps=STEPS)
    if problems:
        return
    names = [tool.name for tool in grammar.tools]

    assert names
    assert len(set(names)) == len(names) == len(tools)
    for tool in grammar.tools:
        assert tool.name.strip()
        assert tool.parameters["type"] == "object"
        assert json.dumps(tool.definition, ensure_ascii=False, allow_nan=False).encode()
    with documented() as problems:
        assert len(compiled.matcher().allowed_token_ids())


def test_a_bitmask_of_another_type_is_refused_and_not_filled_with_other_bits() -> None:
    """numpy would convert the words; of uint32 every bit is there."""
    words = (VOCABULARY.size + 31) // 32
    right, unsigned = np.zeros((1, words), np.int32), np.zeros((1, words), np.uint32)
    COMPILED.matcher().fill_next_token_bitmask(right)
    COMPILED.matcher().fill_next_token_bitmask(unsigned)
    messages = []
    for bitmask, row in (
        (np.zeros((1, words), np.int8), 0),
        (np.zeros((1, words), np.float16), 0),
        (np.zeros(words, np.int32), 0),
        (np.broadcast_to(np.int32(0), (1, words)), 0),
        ([[0] * words], 0),
        (right, 1),
        (right, 0.0),
    ):
        with pytest.raises(ConstrainError) as caught:
            COMPILED.matcher().fill_next_token_bitmask(bitmask, row)  # type: ignore[arg-type]
        messages.append(caught.value.what)

    assert (unsigned == right.view(np.uint32)).all()
    assert right.any()
    assert messages == [
        "a bitmask is an array of int32, not of int8",
        "a bitmask is an array of int32, not of float16",
        f"a bitmask has two dimensions, not the shape ({words},)",
        "this bitmask cannot be written: it is read-only",
        "a bitmask is a numpy array, not a list",
        "there is no row 1 in a bitmask of 1",
        "the row of a bitmask is a whole number, not 0.0",
    ]

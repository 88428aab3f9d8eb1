"""One grammar writes and reads: what comes back is what was written, however the stream is cut."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_part
from constrain.parts import special_token
from constrain.tool_calls.forms import FORMS, Form
from constrain.tool_calls.grammar import ToolCallGrammar, tool_call_grammar
from constrain.tool_calls.reader import (
    ArgumentsDelta,
    CallEnd,
    CallStart,
    Departure,
    Event,
    TextDelta,
    ToolCallReader,
    joined,
    read_tool_calls,
)
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import toy_vocabulary
from tests.walks import CHOOSERS, walk

PIECES = ["<tool_call>", "</tool_call>", '{"name": "', "}\n</tool_call>", '"}', "[ARGS]", "```", "; ", "à"]
VOCABULARY = toy_vocabulary([piece.encode() for piece in PIECES])

NAMES = st.sampled_from(["get", "get_weather", 'odd "name"', "città", "</tool_call>", "a>b", "[ARGS]"])
VALUES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"type": "string", "maxLength": 12},
        {"enum": ["</tool_call>", "<tool_call>", "Roma", '{"name": "get"}']},
        {"type": "integer"},
        {"type": "array", "items": {"type": "boolean"}, "maxItems": 2},
        {"type": "object", "additionalProperties": {"type": "null"}},
        {"type": "array", "uniqueItems": True, "items": {"enum": [1, "a", None]}},
    ]
)


@st.composite
def tool_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Tools with one to three arguments each, some of them required."""
    tools = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
        properties = draw(st.dictionaries(st.sampled_from(["city", "n", "è"]), VALUES, max_size=3))
        required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
        schema = {"type": "object", "properties": properties, "required": required}
        closed = draw(st.booleans())
        schema |= {"additionalProperties": False} if closed else {}
        tools.append({"type": "function", "function": {"name": name, "parameters": schema}})
    return tools


def rendered(form: Form, events: list[Event]) -> str:
    """The text that these events stand for, written by hand from the form's row."""
    text, calls = "", []
    for event in events:
        if isinstance(event, TextDelta):
            text += event.text
        elif isinstance(event, CallEnd) and form.keys is not None:
            name, arguments = form.keys
            called = json.dumps(event.name, ensure_ascii=False)
            calls.append(f'{{"{name}": {called}, "{arguments}": {event.text}}}')
        elif isinstance(event, CallEnd):
            calls.append(f"{event.name}{form.separator}{event.text}")
    calls = [f"{form.before_call}{call}{form.after_call}" for call in calls]
    return text + (f"{form.begin}{form.between.join(calls)}{form.end}" if calls else "")


def written(grammar: ToolCallGrammar, chooser: str, seed: int) -> str:
    """A random walk under the grammar."""
    compiled = compile_part(grammar.written, VOCABULARY)
    return walk(compiled, random.Random(seed), CHOOSERS[chooser], max_tokens=60)[0].decode()


@given(
    tool_lists(),
    st.sampled_from(sorted(FORMS)),
    st.sampled_from(["auto", "required", "none", "named"]),
    st.sampled_from(sorted(CHOOSERS)),
    st.integers(0, 2**32),
)
@settings(max_examples=200)
def test_the_reader_returns_exactly_what_was_written(
    tools: list[dict[str, Any]], form: str, choice: str, chooser: str, seed: int
) -> None:
    """And every call names an offered tool, with arguments that an independent validator accepts."""
    parallel = bool(seed % 3)
    schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tools}
    tool_choice: Any = {"name": tools[0]["function"]["name"]} if choice == "named" else choice
    grammar = tool_call_grammar(tools, form, tool_choice=tool_choice, parallel=parallel)
    text = written(grammar, chooser, seed)
    events = read_tool_calls(text, grammar, loose=False)
    calls = [event for event in events if isinstance(event, CallEnd)]

    assert not any(isinstance(event, Departure) for event in events)
    assert rendered(FORMS[form], events) == text
    for call in calls:
        assert call.arguments == json.loads(call.text)
        jsonschema.validate(call.arguments, schemas[call.name])
    if choice == "required":
        assert calls
    if choice == "none":
        assert not calls
    if choice == "named":
        assert [call.name for call in calls] == [tools[0]["function"]["name"]]
    if not parallel:
        assert len(calls) <= 1


@given(
    tool_lists(),
    st.sampled_from(sorted(FORMS)),
    st.booleans(),
    st.integers(0, 2**32),
    st.lists(st.integers(0, 400), max_size=12),
)
@settings(max_examples=150)
def test_any_cuts_of_the_stream_give_the_same_events(
    tools: list[dict[str, Any]], form: str, loose: bool, seed: int, cuts: list[int]
) -> None:
    """Cuts inside characters and inside triggers included, and of texts that depart from the form too."""
    rng = random.Random(seed)
    broken = rng.random() < 0.5
    grammar = tool_call_grammar(tools, form, tool_choice=rng.choice(["auto", "required"]))
    raw = written(grammar, "uniform", seed).encode()
    if broken:
        at = rng.randrange(len(raw) + 1)
        raw = raw[:at] + rng.choice(PIECES).encode() + raw[at + rng.randrange(3) :]
    reader = ToolCallReader(grammar, loose=loose)
    events: list[Event] = []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(raw)], strict=True):
        events += reader.feed(raw[start:stop])
    events += reader.finish()

    assert joined(events) == read_tool_calls(raw, grammar, loose=loose)


@given(tool_lists(), st.sampled_from(sorted(FORMS)), st.integers(0, 2**32))
@settings(max_examples=60)
def test_the_loose_reader_finds_the_same_calls(tools: list[dict[str, Any]], form: str, seed: int) -> None:
    """What may be written may be read; only blanks between calls count as text."""
    grammar = tool_call_grammar(tools, form)
    text = written(grammar, "uniform", seed)

    assert _calls(read_tool_calls(text, grammar)) == _calls(read_tool_calls(text, grammar, loose=False))


def _calls(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, CallEnd | Departure)]


WEATHER = {
    "name": "weather",
    "parameters": {"properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def test_a_stream_tells_text_starts_arguments_and_ends_as_they_become_certain() -> None:
    """The `<` may begin a trigger, so it waits; the arguments do not wait for the call's end."""
    reader = ToolCallReader(tool_call_grammar([WEATHER]), loose=False)
    pieces = ["Hi <", "b> <tool", '_call>\n{"name": "weather", "arg', "uments"]
    told = [list(reader.feed(piece)) for piece in pieces]

    assert told[0] == [TextDelta("Hi ")]
    assert told[1] == [TextDelta("<b> ")]
    assert told[2:] == [[], []]
    assert list(reader.feed('": {"city": "Ro')) == [
        CallStart(0, "weather"),
        ArgumentsDelta(0, '{"city": "Ro'),
    ]
    assert list(reader.feed('ma"}')) == [ArgumentsDelta(0, 'ma"}')]
    assert list(reader.feed("}\n</tool_call>")) == [
        CallEnd(0, "weather", {"city": "Roma"}, '{"city": "Roma"}')
    ]
    assert list(reader.finish()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'a <tool_call>{"arguments":{"city":"X"},"name":"weath\\u0065r"}</tool_call> b',
            [
                TextDelta("a "),
                CallStart(0, "weather"),
                ArgumentsDelta(0, '{"city":"X"}'),
                CallEnd(0, "weather", {"city": "X"}, '{"city":"X"}'),
                TextDelta(" b"),
            ],
        ),
        (
            'a <tool_call>{"name": "wetter"} b',
            [TextDelta("a "), Departure(25, ('ather"',), '<tool_call>{"name": "we'), TextDelta('tter"} b')],
        ),
        (
            '<tool_call>{"name": "weather", "arguments": {"city": 3',
            [
                CallStart(0, "weather"),
                ArgumentsDelta(0, '{"city": '),
                Departure(53, ('""',), '<tool_call>{"name": "weather", "arguments": {"city": '),
                TextDelta("3"),
            ],
        ),
        ("no <tool_cal", [TextDelta("no <tool_cal")]),
        ("no <tool_call>", [TextDelta("no "), Departure(14, ("{",), "<tool_call>")]),
    ],
)
def test_text_of_any_model_is_read_and_departures_are_placed(text: str, expected: list[Event]) -> None:
    """Blanks, spelling and order are the model's own; a wrong name, a wrong type and a cut are not."""
    assert read_tool_calls(text, tool_call_grammar([WEATHER])) == expected


def test_special_tokens_write_the_form_where_the_vocabulary_has_them() -> None:
    """Mistral's trigger is one token; its spelling is neither trigger nor text."""
    tokens: list[bytes | None] = [*(bytes((byte,)) for byte in range(256)), None, None]
    vocabulary = Vocabulary.from_tokens(tokens, eos_token_ids=[257], special_token_ids=[256])
    special = {"[TOOL_CALLS]": special_token(vocabulary, 256, "[TOOL_CALLS]")}
    grammar = tool_call_grammar([WEATHER], "mistral", special=special)
    matcher = compile_part(grammar.written, vocabulary).matcher()
    behind = b' [{"name": "weather", "arguments": {"city":"x"}}]'

    assert all(matcher.accept_token(byte) for byte in b"ok [TOOL_CALLS")
    assert not matcher.accept_token(ord("]"))
    matcher.rollback(len(b"[TOOL_CALLS"))
    assert matcher.accept_token(256)
    assert all(matcher.accept_token(byte) for byte in behind)
    assert matcher.accept_token(257)
    assert _calls(read_tool_calls(b"ok [TOOL_CALLS]" + behind, grammar, loose=False)) == [
        CallEnd(0, "weather", {"city": "x"}, '{"city":"x"}')
    ]

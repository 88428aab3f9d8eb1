"""Objects are closed where a model would go on inventing: for types, and for schemas on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from constrain import extract, generate_json, generate_tool_calls
from constrain.engine import cli
from constrain.engine import model as models
from constrain.engine.checking import check_type
from tests.engine.fakes import wishful_model

INVENTED = '{"name": "Anna", "title": "Person"}'
CALL = f'<tool_call>\n{{"name": "Person", "arguments": {INVENTED}}}\n</tool_call>'


class Person(BaseModel):
    name: str


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
TOOL = {"name": "Person", "parameters": SCHEMA}


@pytest.mark.parametrize(
    ("schema", "options", "expected"),
    [
        (Person, {}, Person(name="Anna")),
        (Open, {}, Open(name="Anna", title="Person")),  # type: ignore[call-arg]
        (SCHEMA, {}, {"name": "Anna", "title": "Person"}),
        (SCHEMA, {"additional_properties": False}, {"name": "Anna"}),
    ],
    ids=["type", "type that takes extras", "schema", "closed schema"],
)
def test_a_key_that_is_thrown_away_is_not_written(
    schema: Any, options: dict[str, Any], expected: Any
) -> None:
    """In an answer, and in what is extracted; the model itself would write it."""
    model = wishful_model(INVENTED)

    assert generate_json(model, "Who?", schema, **options) == expected
    assert [found.value for found in extract(model, ["Anna"], schema=schema, **options)] == [expected]


@pytest.mark.parametrize(
    ("tool", "options", "expected"),
    [
        (Person, {}, Person(name="Anna")),
        (TOOL, {}, {"name": "Anna", "title": "Person"}),
        (TOOL, {"additional_properties": False}, {"name": "Anna"}),
    ],
    ids=["type", "schema", "closed schema"],
)
def test_an_argument_that_is_thrown_away_is_not_written(
    tool: Any, options: dict[str, Any], expected: Any
) -> None:
    answer = generate_tool_calls(wishful_model(CALL), "Who?", [tool], form="hermes", **options)

    assert [call.arguments for call in answer.calls] == [expected]


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What a command prints where the model wishes for a text."""
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "s.json": json.dumps(SCHEMA),
        "t.json": json.dumps([TOOL]),
        "a.txt": "Anna",
    }.items():
        Path(name).write_text(content, encoding="utf-8")

    def call(wish: str, *arguments: str) -> Any:
        model = wishful_model(wish)
        monkeypatch.setattr(models, "_default_model", lambda: model)
        monkeypatch.setattr("sys.argv", ["constrain", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert not stop.value.code
        return json.loads(capsys.readouterr().out)

    return call


@pytest.mark.parametrize(
    ("command", "wish", "read"),
    [
        (("json", "--schema", "s.json", "--prompt", "Who?"), INVENTED, lambda found: found),
        (("extract", "--schema", "s.json", "a.txt"), INVENTED, lambda found: found["value"]),
        (
            ("tools", "--tools", "t.json", "--form", "hermes", "--prompt", "Who?"),
            CALL,
            lambda found: found["calls"][0]["arguments"],
        ),
    ],
    ids=["json", "extract", "tools"],
)
def test_the_commands_take_the_option(printed: Any, command: tuple[str, ...], wish: str, read: Any) -> None:
    assert read(printed(wish, *command)) == {"name": "Anna", "title": "Person"}
    assert read(printed(wish, *command, "--no-additional-properties")) == {"name": "Anna"}


def test_a_report_on_a_closed_schema_is_of_the_closed_one() -> None:
    texts = [
        check_type(SCHEMA, b'{"name":"","x":1}', None, **options).good
        for options in ({}, {"additional_properties": False})
    ]

    assert texts == [True, False]


def test_a_pattern_has_no_objects_to_close() -> None:
    with pytest.raises(cli.InvalidInputError) as caught:
        extract(None, [], pattern="a", additional_properties=False)

    assert str(caught.value) == "`additional_properties` is about JSON, and a pattern is sought"

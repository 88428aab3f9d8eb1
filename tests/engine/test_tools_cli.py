"""`constrain tools` prints calls, or one message; never a traceback."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from constrain.engine import cli

ROOT = Path(__file__).parents[2]
FUNCTION = f"{ROOT / 'examples' / 'weather.py'}:get_weather"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather forecast for a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@dataclass
class Result:
    """What a run of the command line left."""

    code: object
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `constrain tools ...` in this process."""

    def call(*arguments: object, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "argv", ["constrain", "tools", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return Result(stop.value.code or 0, captured.out, captured.err)

    return call


def file_of(folder: Path, content: Any) -> Path:
    path = folder / "tools.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("wrap", [lambda t: [t], lambda t: {"tools": [t]}, lambda t: t])
def test_tools_come_from_a_file(run: Run, tmp_path: Path, wrap: Callable[[Any], Any]) -> None:
    """A list, an object with a list, or one tool alone."""
    tools = file_of(tmp_path, wrap(WEATHER))
    result = run("--tools", tools, "--prompt", "Che tempo fa a Torino?")

    assert (result.code, result.err) == (0, "")
    assert result.out == (
        '{"text": "", "calls": [{"name": "get_weather", "arguments": {"city": "Torino"}}], '
        '"finish_reason": "tool_calls"}\n'
    )


def test_the_prompt_may_come_from_standard_input(run: Run) -> None:
    result = run("--tools", FUNCTION, "--prompt", "-", stdin="Weather in Boston?")

    assert json.loads(result.out)["calls"] == [{"name": "get_weather", "arguments": {"city": "Boston"}}]


def test_messages_may_come_from_a_file(run: Run, tmp_path: Path) -> None:
    messages = tmp_path / "messages.json"
    messages.write_text('[{"role": "user", "content": "Weather in Boston?"}]', encoding="utf-8")
    result = run("--tools", FUNCTION, "--messages", messages)

    assert json.loads(result.out)["calls"] == [{"name": "get_weather", "arguments": {"city": "Boston"}}]


def test_functions_are_run_where_asked_for(run: Run) -> None:
    """The text goes to standard output; calls and results to stderr."""
    result = run("--tools", FUNCTION, "--run", "--prompt", "Weather in Boston?")

    assert result.code == 0
    assert json.loads(result.out)["city"] == "Boston"
    assert result.err.startswith('get_weather({"city": "Boston"}) -> {"city":"Boston",')


def test_a_run_that_comes_to_no_text_fails(run: Run) -> None:
    result = run("--tools", FUNCTION, "--run", "--max-steps", 1, "--prompt", "Weather in Boston?")

    assert result.code == 1
    assert result.err.endswith("error: no text after 1 answers\n")


def test_choices_and_forms_are_those_of_python(run: Run) -> None:
    """And a penalty is warned of in one line."""
    options = ("--choice", "get_weather", "--single", "--form", "mistral", "--repetition-penalty", 1.2)
    result = run("--tools", FUNCTION, *options, "--prompt", "Hello")

    assert len(json.loads(result.out)["calls"]) == 1
    assert result.err.startswith("warning: repetition_penalty=1.2 would hit the quotes")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("{]", [], "error: the file is not JSON: Expecting property name enclosed in double quotes\n    /"),
        ([WEATHER, WEATHER], [], "error: two tools are called `get_weather`\n"),
        ([3], [], "error: int is not a tool\n"),
        (
            [{"name": "f", "parameters": {"properties": {"a": {"type": "strin"}}}}],
            [],
            "error: `strin` is not a type\n    at the tool `f`, #/properties/a/type\nhint: did you mean",
        ),
        ([WEATHER], ["--choice", "search"], "error: tool_choice names `search`, which is not a tool\n"),
        ([WEATHER], ["--form", "klingon"], "error: there is no form `klingon`\n"),
        ([WEATHER], ["--max-tokens", "0"], "error: max_tokens=0 leaves no room for an answer\n"),
        ([WEATHER], ["--messages", "m.json"], "error: give one of --prompt and --messages\n"),
        ([], ["--choice", "required"], "error: a call is required, but there are no tools\n"),
    ],
)
def test_what_is_wrong_is_one_message(
    run: Run, tmp_path: Path, content: Any, options: list[str], message: str
) -> None:
    result = run("--tools", file_of(tmp_path, content), "--prompt", "Weather in Rome?", *options)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)


@pytest.mark.parametrize("source", ["nothing.json", f"{FUNCTION}s", "no_such_module:f", "weather.py"])
def test_a_source_of_tools_that_is_not_there_is_one_message(run: Run, source: str) -> None:
    result = run("--tools", source, "--prompt", "Weather in Rome?")

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")

"""`constrain prove` reports, exits by what it found, and tells how to see a failure again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from constrain.engine import cli, prove_cli
from constrain.proof.judges import Judge
from constrain.proof.proving import BUDGETS
from constrain.proof.small import small_vocabulary
from constrain.proof.subject import Subject, pattern_subject
from constrain.proof.walkers import WALKERS

SCHEMA = '{"type": "array", "items": {"type": "boolean"}}'


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["constrain", "prove", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.mark.parametrize(
    "what",
    [
        [SCHEMA],
        ["--pattern", "[ab]{2}"],
        ["--grammar", "semver"],
        ["--tools", "examples/weather.py:get_weather"],
    ],
)
def test_each_kind_of_grammar_is_proved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: list[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, *what, "--model", "small", "-n", "18", "--json")
    found = json.loads(out)

    assert (code, err) == (0, "")
    assert found["outputs"] == 18
    assert found["by_walker"] == dict.fromkeys(WALKERS, 2)
    assert found["failures"] == []


def test_the_embedded_vocabulary_is_the_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(monkeypatch, capsys, SCHEMA, "-n", "9")

    assert code == 0
    assert out.splitlines()[0].startswith("9 outputs of ")
    assert out.splitlines()[-1] == "failures: none"


def test_a_failure_comes_with_the_command_that_shows_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plain = pattern_subject("[ab]{1,9}", small_vocabulary())
    faulty = Subject("letters", plain.compiled, [Judge("no b", lambda text: "a b" if "b" in text else None)])
    monkeypatch.setattr(prove_cli, "_subject", lambda *given, **options: faulty)
    page = tmp_path / "proof.html"
    asked = ["--pattern", "[ab]{1,9}", "--model", "small"]
    code, out, _ = run(monkeypatch, capsys, *asked, "-n", "50", "--seed", "3", "--html", str(page))

    assert code == 1
    assert "letters: sound: no b: a b\n  1 tokens, written by " in out
    assert "  again: constrain prove --pattern '[ab]{1,9}' --model small --replay 'sound:98'" in out
    assert "constrain prove: letters: is broken" in page.read_text("utf-8")
    assert run(monkeypatch, capsys, *asked, "--replay", "sound:98") == (1, "no b: a b\n", "")
    assert run(monkeypatch, capsys, *asked, "--replay", "sound:97") == (0, "the law holds\n", "")


def test_seconds_bound_what_is_written_and_outputs_do_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With no time at all one output is written, and not the thousand of the default."""
    _, out, _ = run(monkeypatch, capsys, SCHEMA, "--model", "small", "--seconds", "0", "--json")

    assert json.loads(out)["outputs"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "error: give one of --schema, --pattern, --grammar and --tools\n"),
        ([SCHEMA, "--pattern", "a"], "error: give one of --schema, --pattern, --grammar and --tools\n"),
        (
            [SCHEMA, "--walker", "longst"],
            "error: there is no walker `longst`\nhint: did you mean `longest`?\n",
        ),
        (
            [SCHEMA, "--model", "small", "--replay", "x"],
            "error: this is no case of a proof\n    at x\nhint: paste what a failure says: exact:12,5>77\n",
        ),
    ],
)
def test_what_is_wrong_with_the_command_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(monkeypatch, capsys, *arguments) == (2, "", message)


def test_budgets_begin_with_none_to_spare() -> None:
    assert BUDGETS[0] == 0

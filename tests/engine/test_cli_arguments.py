"""Whatever a command is given, it answers or says one message: never a traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from constrain.engine import cli

FILES = {
    "good.json": b'{"type": "null"}',
    "deep.json": b'{"items":' * 100_000 + b"true" + b"}" * 100_000,
    "digits.json": b'{"const":' + b"1" * 10_000 + b"}",
    "half.json": b'{"const": "\\ud800"}',
    "key.json": b'{"\\ud800": 1, "type": "strnig", "description": "\\udfff"}',
    "mark.json": b'\xef\xbb\xbf{"type": "boolean"}',
    "latin.json": b'{"const": "\xe8"}',
    "nan.json": b'{"maximum": NaN}',
    "null.json": b"[null]",
    "numbers.json": b'[{"role": "user", "content": 1}]',
    "tool.json": b'[{"name": "f", "parameters": {"type": "object", "properties": {}}}]',
    "half-tool.json": b'[{"name": "f", "description": "\\ud800", "parameters": {"type": "object"}}]',
    "lines.jsonl": b'{"a": "x"}\r\n{"a": "\\ud800"}\n{"a": 1'
    + b"0" * 5_000
    + b'}\n\xff\n[[\n{"a": "x\\u0000"}\n',
    "empty": b"",
    "wrong.lark": b'start: "a\xff',
    "loop.lark": b'start: "a" start',
    "exits.py": b"raise SystemExit(7)",
    "wrong.py": b"def f(: pass",
}
NAMES = [
    *FILES,
    "folder",
    "locked.json",
    "missing",
    "x" * 5_000,
    "/dev/full",
    "a\0b",
    "\udcff.json",
    "~nobody/x",
]
WORDS = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from([f"{name}:f" for name in NAMES]),
    st.sampled_from(
        ["²", "-1", "1" * 5_000, "1e400", "nan", "inf", "0", "1", "", "-", "\ud800", "\udcff", "(?P<a>x)"]
    ),
    st.text(max_size=4),
)
OPTIONS = [
    "--schema", "--prompt", "--max-tokens", "--temp", "--top-p", "--min-p", "--top-k", "--seed", "--indent",
    "--whitespace", "--property-order", "--pattern", "--grammar", "--start", "--text", "--json", "--tools",
    "--messages", "--choice", "--form", "--max-steps", "--field", "--id", "--verbatim", "--nullable", "--run",
    "--output", "--resume", "--instruction", "--context", "--overlap", "--show", "--groups", "--logprobs",
]  # fmt: skip
USUAL = {
    "json": ["--schema", "good.json", "--prompt", "x"],
    "regex": ["x", "--prompt", "x"],
    "choice": ["a", "b", "--prompt", "x"],
    "grammar": ["semver", "--prompt", "x"],
    "grammars": [],
    "check": ["--schema", "good.json"],
    "tools": ["--tools", "tool.json", "--prompt", "x"],
    "extract": ["--pattern", "(?P<a>x)", "--field", "a", "lines.jsonl"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    (folder / "locked.json").write_text("{}")
    (folder / "locked.json").chmod(0)
    return folder


def outcome(folder: Path, arguments: list[str]) -> tuple[object, str]:
    """The exit code of `constrain ...` in this process, and what it writes."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    err.reconfigure(errors="backslashreplace")  # as that of every process
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["constrain", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x"), encoding="utf-8"))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as stop:
            cli.main()
    for made in folder.glob("*.options.json"):
        made.unlink()
    return stop.value.code or 0, err.buffer.getvalue().decode() + out.buffer.getvalue().decode()  # type: ignore[attr-defined]


COMMANDS = st.sampled_from(list(USUAL)).flatmap(
    lambda command: st.tuples(
        st.just(command),
        st.lists(st.tuples(st.sampled_from(OPTIONS), WORDS), max_size=2),
        st.lists(WORDS, max_size=1),
    )
)


@settings(max_examples=150)
@given(command=COMMANDS)
@example(command=("json", [("--schema", "deep.json")], []))
@example(command=("json", [("--schema", "digits.json")], []))
@example(command=("json", [("--schema", "half.json")], []))
@example(command=("json", [("--schema", "key.json")], []))
@example(command=("json", [("--schema", "x" * 5_000)], []))
@example(command=("json", [("--whitespace", "²")], []))
@example(command=("json", [("--whitespace", "9" * 5_000)], []))
@example(command=("json", [("--seed", "-1"), ("--temp", "1")], []))
@example(command=("check", [("--schema", "key.json")], []))
@example(command=("check", [("--schema", "key.json"), ("--json", "x")], []))
@example(command=("tools", [("--tools", "deep.json")], []))
@example(command=("tools", [("--tools", "half-tool.json")], []))
@example(command=("extract", [("--output", "/dev/full"), ("--resume", "x")], []))
@example(command=("json", [("--schema", "exits.py:f")], []))
@example(command=("json", [("--model", "x" * 5_000)], []))
@example(command=("extract", [], ["\udcff.json"]))
def test_a_command_ends_with_an_answer_or_a_message(
    folder: Path, command: tuple[str, list[tuple[str, str]], list[str]]
) -> None:
    """Exit code 0, 1 or 2, whatever the options say and whatever the files hold."""
    name, options, arguments = command
    changed = {option for option, _ in options}
    usual = USUAL[name]
    kept = [
        part for i, part in enumerate(usual) if part not in changed and usual[max(i - 1, 0)] not in changed
    ]
    given = [part for option in options for part in (option if option[0] not in FLAGS else option[:1])]

    code, _ = outcome(folder, [name, *kept, *given, *arguments])

    assert code in (0, 1, 2)


FLAGS = {"--json", "--verbatim", "--nullable", "--resume", "--groups", "--logprobs", "--run"}


def test_a_message_names_what_is_wrong(folder: Path) -> None:
    said = {
        "deep.json": "the schema file is nested too deeply for Python's recursion limit",
        "digits.json": "the schema file holds a number of 10000 digits, and Python reads 4300",
        "folder": "there is no such schema file",
        "latin.json": "the schema file cannot be read: byte 11 (0xe8) is not UTF-8",
        "exits.py:f": "`exits.py` cannot be imported: SystemExit: 7",
    }
    for name, message in said.items():
        code, written = outcome(folder, ["json", "--schema", name, "--prompt", "x"])
        assert (code, written.splitlines()[0]) == (2, f"error: {message}")


def test_messages_that_are_none_are_named(folder: Path) -> None:
    assert outcome(folder, ["tools", "--tools", "tool.json", "--messages", "null.json"]) == (
        2,
        "error: a chat message is a dictionary, not None\n"
        "    at message 0\n"
        'hint: for example {"role": "user", "content": "..."}\n',
    )


def test_half_a_character_is_printed_as_json_writes_it(folder: Path) -> None:
    code, written = outcome(folder, ["check", "--schema", "key.json", "--json"])

    assert code == 1
    assert "\\ud800" in json.dumps(json.loads(written))


@pytest.mark.parametrize("stdout", ["closed", "/dev/full"])
def test_an_output_that_nobody_reads_is_no_traceback(stdout: str) -> None:
    """As in `constrain grammars | head -1`, and on a full disk."""
    if stdout == "closed":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(stdout, os.O_WRONLY)
    command = [sys.executable, "-m", "constrain", "grammars", "--show", "sql"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)

    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr

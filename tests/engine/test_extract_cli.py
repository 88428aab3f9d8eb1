"""`constrain extract`: a line for each document, whatever it is; and a run goes on where it stopped."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from constrain.engine import cli

DATE = r"(?P<date>\d{4}-\d{2}-\d{2})"
BASE = ("extract", "--pattern", DATE, "--verbatim", "--nullable")


class Result(NamedTuple):
    """What a run of the command line left."""

    code: object
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):  # type: ignore[no-untyped-def]
    """Run `constrain ...` in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "argv", ["constrain", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return Result(stop.value.code or 0, captured.out, captured.err)

    return call


def lines(*records: object) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


# Documents in, records out.


def test_a_file_is_a_document(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a.txt").write_text("Scade il 2024-03-12.", encoding="utf-8")

    result = run(*BASE, "a.txt")

    assert result == (0, '{"source": "a.txt", "value": {"date": "2024-03-12"}}\n', "")


def test_a_glob_is_its_files_in_order(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name in ("b.txt", "a.txt", "deep/c.txt", "d.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("2024-03-12", encoding="utf-8")

    result = run(*BASE, "**/*.txt")

    assert [record["source"] for record in result.records] == ["a.txt", "b.txt", "deep/c.txt"]


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input_is_a_document(run, arguments) -> None:  # type: ignore[no-untyped-def]
    result = run(*BASE, *arguments, stdin="\ufeffperché 2024-03-12".encode())

    assert result == (0, '{"source": "-", "value": {"date": "2024-03-12"}}\n', "")


def test_lines_are_documents_with_a_field(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Blank lines are none; the identity is whatever it is."""
    content = (
        lines({"id": 7, "mail": {"body": "2024-03-12"}}) + b"\n" + lines({"id": "x", "mail": {"body": "-"}})
    )
    (tmp_path / "mails.jsonl").write_bytes(content)

    result = run(*BASE, "--field", "mail.body", "--id", "id", "mails.jsonl")

    assert result.records == [
        {"source": "mails.jsonl", "line": 1, "id": 7, "value": {"date": "2024-03-12"}},
        {"source": "mails.jsonl", "line": 3, "id": "x", "value": None},
    ]


def test_a_schema_may_be_a_file_or_a_type(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "person.py").write_text(
        "from pydantic import BaseModel\nclass Person(BaseModel):\n    name: str\n    age: int\n",
        encoding="utf-8",
    )
    (tmp_path / "person.json").write_text(
        '{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},'
        ' "required": ["name", "age"]}',
        encoding="utf-8",
    )
    text = b"Mi chiamo Anna e ho 31 anni."

    for schema in ("person.py:Person", "person.json"):
        result = run("extract", "--schema", schema, "--verbatim", stdin=text)

        assert result == (0, '{"source": "-", "value": {"name": "Anna", "age": 31}}\n', "")


# Bad documents.


def test_a_bad_document_is_a_record_and_a_message_and_the_rest_goes_on(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "bad.txt").write_bytes(b"caff\xe8 2024-03-12")
    (tmp_path / "good.txt").write_text("2024-03-12", encoding="utf-8")

    result = run(*BASE, "bad.txt", "gone.txt", "*.pdf", ".", "good.txt")

    assert result.code == 1
    assert result.out == (
        '{"source": "bad.txt", "error": "byte 4 (0xe8) is not UTF-8\\n'
        'hint: convert it first, for example with iconv -f latin1 -t utf-8"}\n'
        '{"source": "gone.txt", "error": "there is no such file"}\n'
        '{"source": "*.pdf", "error": "no file matches this pattern"}\n'
        '{"source": ".", "error": "this is a folder\\nhint: give its files: \'./*\'"}\n'
        '{"source": "good.txt", "value": {"date": "2024-03-12"}}\n'
    )
    assert result.err == (
        "bad.txt: byte 4 (0xe8) is not UTF-8\n"
        "hint: convert it first, for example with iconv -f latin1 -t utf-8\n"
        "gone.txt: there is no such file\n"
        "*.pdf: no file matches this pattern\n"
        ".: this is a folder\n"
        "hint: give its files: './*'\n"
    )


def test_bad_lines_are_told_one_by_one(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    content = (
        lines({"text": "2024-03-12"}, {"body": "2024-03-12", "n": 1}, {"text": 5}, ["text"])
        + b'{"text": "2024\n'
        + b'{"text": "\xff"}\n'
        + lines({"text": ""})
    )
    (tmp_path / "in.jsonl").write_bytes(content)

    result = run("extract", "--pattern", DATE, "--field", "text", "in.jsonl")

    assert result.code == 1
    assert result.err == (
        "in.jsonl, line 2: there is no field `text`\n"
        "hint: the fields are body, n\n"
        "in.jsonl, line 3: the field `text` is a number, not text\n"
        "in.jsonl, line 4: the line is an array, not an object\n"
        "in.jsonl, line 5: the line is not JSON: Unterminated string starting at column 10\n"
        "in.jsonl, line 6: byte 10 (0xff) is not UTF-8\n"
        "hint: convert it first, for example with iconv -f latin1 -t utf-8\n"
        "in.jsonl, line 7: the document is empty\n"
        "hint: with nullable, the answer for an empty document is null\n"
    )
    assert [record["line"] for record in result.records] == [1, 2, 3, 4, 5, 6, 7]
    assert [record["line"] for record in result.records if "value" in record] == [1]


def test_what_only_python_takes_for_json_is_told_and_the_rest_goes_on(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Every line out is JSON, and UTF-8."""
    (tmp_path / "in.jsonl").write_bytes(
        b'{"n": 1, "t": "2024-03-12 \\ud800"}\n{"n": NaN, "t": "x"}\n{"n": 1e999, "t": "x"}\n'
        b'{"n": "\\ud800", "t": "2024-03-12"}\n'
    )

    result = run(*BASE, "--field", "t", "--id", "n", "in.jsonl", "-o", "out.jsonl")

    assert result.code == 1
    first, *others = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(first)["error"].startswith(
        "half a surrogate pair, \\ud800, is character 11 of the text"
    )
    assert others == [
        '{"source": "in.jsonl", "line": 2, "error": "the field `n` holds a number that JSON cannot write"}',
        '{"source": "in.jsonl", "line": 3, "error": "the field `n` holds a number that JSON cannot write"}',
        '{"source": "in.jsonl", "line": 4, "id": "\\ud800", "value": {"date": "2024-03-12"}}',
    ]


def test_a_huge_line_is_a_document_like_any_other(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Split, and said so."""
    (tmp_path / "in.jsonl").write_bytes(
        lines({"text": "lorem ipsum " * 20_000 + "2024-03-12"}, {"text": "-"})
    )

    result = run(*BASE, "--field", "text", "--context", "16384", "in.jsonl")

    first, second = result.records
    assert first["value"] == {"date": "2024-03-12"}
    assert first["parts"]["read"] == first["parts"]["found"] == first["parts"]["of"] > 1  # type: ignore[index]
    assert second == {"source": "in.jsonl", "line": 2, "value": None}


# Wrong commands.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error: give one of --pattern and --schema\n"),
        (("--pattern", "a", "--schema", "b"), "error: give one of --pattern and --schema\n"),
        (("--pattern", "a", "--resume"), "error: --resume needs the --output that it is to go on with\n"),
        (
            ("--pattern", "a", "--id", "x"),
            "error: --id needs --field: only the lines of JSON Lines have fields\n",
        ),
        (
            ("--pattern", "a", "--schema-in-prompt", "schema"),
            "error: how a schema is shown in the prompt needs a --schema\n",
        ),
        (
            ("--schema", "person.json:", "--schema-in-prompt", "yaml", "--no-schema-in-prompt"),
            "error: give one of --schema-in-prompt and --no-schema-in-prompt\n",
        ),
        (("--pattern", "(a"), 'error: a `(` that is not closed\n    "(a"\n     ^\n'),
        (
            ("--pattern", "a", "--output", "no/such/folder.jsonl"),
            "error: the output file cannot be written: No such file or directory\n"
            "    at no/such/folder.jsonl\n",
        ),
        (
            ("--schema", "nope.json"),
            "error: there is no such schema file\n    at nope.json\n"
            "hint: give a JSON file, or a type as module:Class or file.py:Class\n",
        ),
    ],
)
def test_a_wrong_command_is_one_message_and_exit_code_2(run, arguments, message) -> None:  # type: ignore[no-untyped-def]
    assert run("extract", *arguments, stdin=b"a") == (2, "", message)


def test_help_tells_the_exit_codes(run) -> None:  # type: ignore[no-untyped-def]
    result = run("extract", "--help")

    assert result.code == 0
    for code in (
        "0 all is well",
        "1 some document failed",
        "2 the command is wrong",
        "130 interrupted",
    ):
        assert code in " ".join(result.out.split())


# Interrupted runs.


def documents(count: int) -> bytes:
    """Lines that all have different answers; every seventh fails."""
    days = [f"2024-{n // 28 % 12 + 1:02d}-{n % 28 + 1:02d}" for n in range(count)]
    return lines(*[{"t": 5} if n % 7 == 6 else {"t": f"giorno {day}"} for n, day in enumerate(days)])


def test_an_interrupted_run_goes_on_where_it_was_cut(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Wherever: the file is the same in the end, and failures count."""
    (tmp_path / "in.jsonl").write_bytes(documents(9))
    command = (*BASE, "--field", "t", "in.jsonl", "--output", "out.jsonl", "--resume")
    assert run(*command).code == 1
    whole = (tmp_path / "out.jsonl").read_bytes()

    for cut in range(0, len(whole), 11):
        (tmp_path / "out.jsonl").write_bytes(whole[:cut])
        result = run(*command)

        assert (result.code, result.out) == (1, "")
        assert (tmp_path / "out.jsonl").read_bytes() == whole


def test_a_killed_run_loses_no_finished_line(tmp_path: Path) -> None:
    """Killed between two documents, without a chance to tidy up."""
    content = documents(12)
    fed = b"".join(content.splitlines(keepends=True)[:5])
    command = [
        sys.executable,
        "-m",
        "constrain.engine.cli",
        *BASE,
        "--field",
        "t",
        "-o",
        str(tmp_path / "out.jsonl"),
    ]
    output = tmp_path / "out.jsonl"
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(fed)
    process.stdin.flush()
    while process.poll() is None and not (output.exists() and output.read_bytes().count(b"\n") == 5):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.stdin.close()

    assert process.wait() == -signal.SIGKILL
    finished = output.read_bytes()
    resumed = subprocess.run([*command, "--resume"], input=content, capture_output=True, check=False)

    assert resumed.returncode == 1
    assert output.read_bytes().startswith(finished)
    found = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [record["line"] for record in found] == list(range(1, 13))
    assert [record["line"] for record in found if "error" in record] == [7]


def test_documents_that_came_since_are_done_and_the_others_are_not(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The same source twice needs two records."""
    (tmp_path / "a.txt").write_text("2024-03-12", encoding="utf-8")
    run(*BASE, "a.txt", "-o", "out.jsonl")
    (tmp_path / "a.txt").write_text("2025-05-05", encoding="utf-8")

    run(*BASE, "a.txt", "a.txt", "-o", "out.jsonl", "--resume")

    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [record["value"]["date"] for record in records] == ["2024-03-12", "2025-05-05"]


def test_finished_work_is_not_overwritten(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "out.jsonl").write_text("{}\n", encoding="utf-8")

    assert run(*BASE, "-o", "out.jsonl", stdin=b"x") == (
        2,
        "",
        "error: the output file exists already\n    at out.jsonl\n"
        "hint: go on with it (--resume), or delete it first\n",
    )


def test_other_options_are_refused_by_name(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Records of two questions do not belong in one file."""
    run(*BASE, "-o", "out.jsonl", stdin=b"2024-03-12")

    result = run("extract", "--pattern", "x", "--nullable", "-o", "out.jsonl", "--resume", stdin=b"x")

    assert result == (
        2,
        "",
        "error: the output file was begun with other options\n"
        "    out.jsonl\n"
        '    pattern: "(?P<date>\\\\d{4}-\\\\d{2}-\\\\d{2})", now "x"\n'
        "    verbatim: true, now false\n"
        "hint: resume with the same options, or write to another file\n",
    )


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "out.jsonl",
            b'{"source": "-", "value": null}\nhello\n',
            "error: the output file holds a line that is no record of this command\n"
            "    at out.jsonl, line 2\n"
            "hint: write to another file\n",
        ),
        (
            "out.jsonl.options.json",
            b"?",
            "error: it is not known which options the output file was begun with\n"
            "    at out.jsonl.options.json\n"
            "hint: this file is written beside the output; without it, start anew\n",
        ),
    ],
)
def test_a_file_that_something_else_wrote_is_refused(run, tmp_path: Path, file, content, message) -> None:  # type: ignore[no-untyped-def]
    run(*BASE, "-o", "out.jsonl", stdin=b"2024-03-12")
    (tmp_path / file).write_bytes(content)

    assert run(*BASE, "-o", "out.jsonl", "--resume", stdin=b"x") == (2, "", message)


# Progress.


def test_a_terminal_sees_a_bar_and_a_pipe_does_not(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("2024-03-12", encoding="utf-8")
    command = [sys.executable, "-m", "constrain", *BASE, str(tmp_path / "a.txt")]
    master, terminal = pty.openpty()

    shown = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, check=True)
    piped = subprocess.run(command, capture_output=True, check=True)
    os.close(terminal)

    assert b"1/1" in os.read(master, 100_000)
    assert (piped.stdout, piped.stderr) == (shown.stdout, b"")
    os.close(master)

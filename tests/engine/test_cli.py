"""The command line prints an answer, or one message; never a traceback."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

import constrain
from constrain import grammars
from constrain.engine import cli
from tests.engine.fakes import wishful_model
from tests.grammars.readers import reads

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}

GREETING = '<tool_call>\n{"name": "greet", "arguments": {"name": "Anna"}}\n</tool_call>'
GREETED = (
    '{"text": "", "calls": [{"name": "greet", "arguments": {"name": "Anna"}}], "finish_reason": "tool_calls"}'
)


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    file = tmp_path / "person.json"
    file.write_text(json.dumps(PERSON), encoding="utf-8")
    return file


class Result:
    """What a run of the command line left."""

    def __init__(self, code: object, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Run `constrain ...` in this process."""

    def call(*arguments: object, stdin: str = "") -> Result:
        import io

        monkeypatch.setattr(sys, "argv", ["constrain", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return Result(stop.value.code or 0, captured.out, captured.err)

    return call


def test_prints_the_answer_and_nothing_else(run, schema: Path) -> None:  # type: ignore[no-untyped-def]
    """So that it can be piped."""
    result = run("json", "--schema", schema, "--prompt", "Mi chiamo Anna e ho 31 anni")

    assert (result.code, result.out, result.err) == (0, '{"name": "Anna", "age": 31}\n', "")


INLINE = '{"type": "array", "items": {"type": "integer"}}'


@pytest.mark.parametrize(
    "arguments",
    [
        ("json", INLINE),
        ("json", "--schema", INLINE),
        ("json", "-s", json.dumps({"name": "numbers", "schema": json.loads(INLINE)})),
        ("regex", r"\[1, 2\]|x"),
        ("regex", "--pattern", r"\[1, 2\]|x"),
    ],
)
def test_schemas_and_patterns_are_given_as_arguments_or_options(run, arguments: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    """Inline, too: what begins with a brace is no file."""
    result = run(*arguments, "--prompt", "numbers: [1, 2]")

    assert (result.code, result.out, result.err) == (0, "[1, 2]\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("json",), "no schema is given\nhint: give it once, as an argument or with --schema"),
        (
            ("json", INLINE, "--schema", INLINE),
            "the schema is given twice\nhint: give it once, as an argument or with --schema",
        ),
        (("regex",), "no pattern is given\nhint: give it once, as an argument or with --pattern"),
        (
            ("json", "{type: string}"),
            "the schema is not JSON: Expecting property name enclosed in double quotes\n"
            '    "{type: string}"\n      ^\n'
            'hint: a shell takes quotes away: write it in single ones, \'{"type": "string"}\'',
        ),
    ],
)
def test_what_is_given_twice_or_wrongly_is_said(run, arguments: tuple[str, ...], message: str) -> None:  # type: ignore[no-untyped-def]
    result = run(*arguments, "-p", "x")

    assert (result.code, result.out, result.err) == (2, "", f"error: {message}\n")


def test_help_and_version_have_the_short_names_that_people_try(run) -> None:  # type: ignore[no-untyped-def]
    """And completion can be installed."""
    shown = run("--help").out

    assert "--install-completion" in shown
    assert run("-h").out == run("help").out == shown
    assert run("json", "-h").out == run("json", "--help").out
    assert run("-V").out == run("--version").out == f"constrain {constrain.__version__}\n"
    assert run("grammars", "semver").out == run("grammars", "--show", "semver").out
    assert run("check", INLINE).out == run("check", "-s", INLINE).out
    assert run("json", INLINE, "-p", "1", "--temperature", "-1").err.startswith("error: temp=-1.0 is not")


def test_reads_the_prompt_from_standard_input(run, schema: Path) -> None:  # type: ignore[no-untyped-def]
    """`-` is what mlx-lm's own commands take."""
    result = run("json", "-s", schema, "-p", "-", stdin="I'm Bob, 44 years old")

    assert json.loads(result.out) == {"name": "Bob", "age": 44}


def test_takes_a_type_from_a_file_or_a_module(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Pydantic model is a schema."""
    (tmp_path / "shapes_of_mine.py").write_text(
        "from pydantic import BaseModel\nclass City(BaseModel):\n    city: str\n"
    )
    monkeypatch.chdir(tmp_path)

    for source in ("shapes_of_mine.py:City", "shapes_of_mine:City"):
        result = run("json", "-s", source, "-p", "Che tempo fa a Roma?", "--indent", "2")
        assert (result.code, result.out) == (0, '{\n  "city": "Roma"\n}\n')


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the embedded model was given to read, answer by answer."""
    import constrain.engine.decode
    from constrain import load

    seen: list[str] = []
    decode = constrain.engine.decode.decode

    def watched(network, prompt, constraint, **options):  # type: ignore[no-untyped-def]
        seen.append(load().tokenizer.decode(list(prompt)))
        return decode(network, prompt, constraint, **options)

    monkeypatch.setattr(constrain.engine.decode, "decode", watched)
    return seen


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), json.dumps(PERSON)),
        (("--schema-in-prompt", "schema"), json.dumps(PERSON)),
        (("--schema-in-prompt", "skeleton"), '{"name": string, "age": integer}'),
        (("--schema-in-prompt", "typescript"), "type Answer = {name: string; age: integer}"),
        (("--no-schema-in-prompt",), None),
    ],
)
@pytest.mark.parametrize("command", ["json", "extract"])
def test_the_schema_is_shown_to_the_model_as_the_command_says(  # type: ignore[no-untyped-def]
    run, prompts: list[str], schema: Path, *, command: str, arguments: tuple[str, ...], shown: str | None
) -> None:
    """By default the embedded model, which reads JSON Schema, is shown one."""
    text = "Mi chiamo Anna e ho 31 anni"
    mail = schema.with_name("mail.txt")
    mail.write_text(text, encoding="utf-8")
    given = ("-p", text) if command == "json" else (mail,)

    result = run(command, "-s", schema, *arguments, *given)

    assert (result.code, result.err) == (0, "")
    (prompt,) = prompts
    assert text in prompt
    assert prompt.count("name") == 0 if shown is None else shown in prompt


@pytest.mark.parametrize(
    ("arguments", "answer", "printed"),
    [
        (("json",), '{"name": "Anna", "age": 31}', '{"name": "Anna", "age": 31}'),
        (("regex", "[A-Z][a-z]+"), "Anna", "Anna"),
        (("choice", "Bert", "Anna"), "Anna", "Anna"),
        (("grammar", "names.lark"), "Anna", "Anna"),
        (("tools", "--tools", "shown.py:greet", "--choice", "required"), GREETING, GREETED),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_was_thought_is_told_beside_the_answer(  # type: ignore[no-untyped-def]
    run,
    monkeypatch: pytest.MonkeyPatch,
    schema: Path,
    *,
    arguments: tuple[str, ...],
    answer: str,
    printed: str,
) -> None:
    """On stderr, for the answer is piped."""
    thinking = wishful_model(f"<think>\nShe says so.\n</think>\n\n{answer}")
    for module in ("generate", "text", "tool_calling"):
        monkeypatch.setattr(f"constrain.engine.{module}.as_model", lambda _: thinking)
    monkeypatch.chdir(schema.parent)
    Path("names.lark").write_text('start: "Anna" | "Bert"\n', encoding="utf-8")
    Path("shown.py").write_text("def greet(name: str) -> None:\n    ...\n", encoding="utf-8")
    asked = ("-s", schema) if arguments == ("json",) else ()

    result = run(*arguments, *asked, "-p", "Who?", "--reasoning", "64")

    assert (result.code, result.out, result.err) == (0, f"{printed}\n", "reasoning: She says so.\n")


def test_writes_text_for_a_pattern(run) -> None:  # type: ignore[no-untyped-def]
    """`constrain regex`."""
    assert run("regex", "[0-9]{4}", "-p", "The moon landing was in 1969").out == "1969\n"


def test_reports_on_a_schema(run, schema: Path) -> None:  # type: ignore[no-untyped-def]
    """For continuous integration: exit code 0, and what becomes of each keyword."""
    result = run("check", "-s", schema)

    assert (result.code, result.out) == (
        0,
        "satisfiable: yes\n"
        "dialect: draft 2020-12\n"
        'shortest completion: 19 bytes, 7 tokens: {"name":"","age":0}\n'
        "recursion: none\n"
        "keywords:\n"
        "  exact       5  type, properties, required\n",
    )


def test_says_where_a_text_stops_conforming(run, schema: Path) -> None:  # type: ignore[no-untyped-def]
    """At which byte, and what was expected there; for schemas and for patterns."""
    good = run("check", "-s", schema, "--text", '{"name": "Anna", "age": 31}')
    bad = run("check", "-s", schema, "--text", "-", "--json", stdin='{"name": "Anna", "age": "31"}')

    assert (good.code, good.out.splitlines()[-1]) == (0, "the text conforms")
    assert bad.code == 1
    text = json.loads(bad.out)["text"]
    why = text.pop("explanation")
    assert text == {"conforms": False, "offset": 24, "expected": "`-` or `0` to `9`"}
    assert (why["path"], why["keywords"]) == ("/age", ["#/properties/age/type"])
    assert why["expected"] == "an integer"
    assert run("check", "--pattern", "a+b", "--text", "aa").out == (
        "satisfiable: yes\n"
        "shortest completion: 2 bytes, 1 tokens: ab\n"
        "the text stops conforming at byte 2: expected `a` to `b`\n"
        "  expected: `a` or `b`\n"
        "  because of: `a` at 0 or `b` at 2\n"
        "  nearest that leads on: b\n"
    )


def test_says_where_a_text_leaves_a_grammar(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A file, or a name of the catalogue; any rule may be the start."""
    file = tmp_path / "sum.lark"
    file.write_text('start: N ("+" N)*\nother: "x"\nN: /[0-9]/\n', encoding="utf-8")

    assert run("check", "--grammar", file, "--text", "1+a").out == (
        "satisfiable: yes\n"
        "shortest completion: 1 bytes, 1 tokens: 0\n"
        "the text stops conforming at byte 2: expected `0` to `9`\n"
        "  expected: N\n"
        "  because of: N\n"
        "  nearest that leads on: 0\n"
    )
    assert run("check", "-g", file, "--start", "other", "--text", "x").out.endswith("the text conforms\n")
    assert run("check", "-g", "semver", "--text", "1.0.0-rc.1").code == 0
    assert run("check", "-g", "semver", "--text", "1.0").code == 1


def test_reports_what_is_wrong_with_a_pattern_or_a_grammar(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """As for a schema, with exit code 1; a file that is not there is a wrong command."""
    file = tmp_path / "loop.lark"
    file.write_text('start: "a" start\n', encoding="utf-8")
    none = run("check", "--pattern", "(?=a)b")
    refused = run("check", "--pattern", "(a)\\1", "--json")

    assert (none.code, none.out) == (
        1,
        "satisfiable: no\nUnsatisfiableError:\n  no text matches `(?=a)b`\n",
    )
    assert refused.code == 1
    assert json.loads(refused.out)["satisfiable"] is None
    assert [problem["kind"] for problem in json.loads(refused.out)["problems"]] == ["UnsupportedRegexError"]
    assert run("check", "--grammar", file).out == (
        "satisfiable: no\nUnsatisfiableError:\n  no text satisfies this grammar\n      at rule `start`\n"
    )
    assert run("check", "--grammar", "no.lark").code == 2


def test_a_text_that_is_not_utf_8_is_read_as_the_bytes_it_is(run) -> None:  # type: ignore[no-untyped-def]
    """A command line hands them over as halves of surrogate pairs; a prompt must be text."""
    assert run("check", "--pattern", "é+", "--text", "é\udcff").out.splitlines()[2] == (
        "the text stops conforming at byte 2: expected byte 0xc3 or the end"
    )
    assert run("regex", "a+", "--prompt", "a\udcff").err.startswith(
        "error: half a surrogate pair, \\udcff, is character 1 of the text\n"
    )


def test_asks_for_one_thing_to_check(run) -> None:  # type: ignore[no-untyped-def]
    """Neither none nor two."""
    message = "error: give one of --schema, --pattern and --grammar\n"

    assert (run("check").code, run("check").err) == (2, message)
    assert run("check", "--pattern", "a", "--grammar", "json").err == message


def test_answers_under_a_grammar_of_the_catalogue(run) -> None:  # type: ignore[no-untyped-def]
    """And under a file's."""
    result = run("grammar", "iso8601_date", "--prompt", "Anna was born on 2001-02-03.")

    assert (result.code, result.err) == (0, "")
    assert reads("iso8601_date", result.out.strip())


def test_lists_and_prints_the_catalogue(run) -> None:  # type: ignore[no-untyped-def]
    """One line for each, from the file's own comment; `--show` prints a file as it is."""
    lines = run("grammars").out.splitlines()

    assert [line.split()[0] for line in lines] == grammars.names()
    assert lines[1].split(maxsplit=1)[1] == grammars.about("chess")
    assert run("grammars", "--show", "semver").out == grammars.path("semver").read_text(encoding="utf-8")


def test_a_grammar_that_is_not_there_is_answered_with_the_catalogue(run) -> None:  # type: ignore[no-untyped-def]
    """For a name; for a file the system's own words."""
    named = run("grammar", "cobol", "--prompt", "x")

    assert (named.code, named.out) == (2, "")
    assert named.err == (
        f"error: there is no grammar `cobol` in the catalogue\nhint: it has {', '.join(grammars.names())}\n"
    )
    assert run("grammar", "no.lark", "--prompt", "x").err == (
        "error: the grammar cannot be read: [Errno 2] No such file or directory: 'no.lark'\n"
    )


def test_chooses_one_of_some_texts(run) -> None:  # type: ignore[no-untyped-def]
    """With the probability of each on request."""
    assert run("choice", "Roma", "Milano", "--prompt", "Anna abita a Milano.").out == "Milano\n"
    found = json.loads(run("choice", "Roma", "Milano", "--logprobs", "--prompt", "Anna abita a Roma.").out)

    assert found["text"] == "Roma"
    assert sum(math.exp(logprob) for logprob in found["logprobs"].values()) == pytest.approx(1)


def test_reports_every_refusal_of_a_schema(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """All of them at once, each by name and place, with exit code 1."""
    file = tmp_path / "bad.json"
    file.write_text(json.dumps({"type": "strnig", "pattern": "(a)\\1", "title": "t"}), encoding="utf-8")
    result = run("check", "-s", file)

    assert (result.code, result.out) == (
        1,
        "satisfiable: not decided\n"
        "dialect: draft 2020-12\n"
        "recursion: none\n"
        "keywords:\n"
        "  annotation  1  title\n"
        "  refused     2\n"
        "    #/type: `strnig` is not a type\n"
        "    #/pattern: `\\1` refers back to a group, which no finite automaton can do\n"
        "SchemaError:\n"
        "  `strnig` is not a type\n"
        "      at #/type\n"
        "  hint: did you mean `string`?\n"
        "UnsupportedRegexError:\n"
        "  `\\1` refers back to a group, which no finite automaton can do\n"
        "      #/pattern\n"
        '      "(a)\\1"\n'
        "          ^^\n"
        "  hint: spell the alternatives out\n",
    )


def test_says_its_version(run) -> None:  # type: ignore[no-untyped-def]
    """The first thing a bug report needs."""
    assert run("--version").out == "constrain 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("json", "-s", "missing.json", "-p", "x"),
            "error: there is no such schema file\n"
            "    at missing.json\n"
            "hint: give a JSON file, or a type as module:Class or file.py:Class\n",
        ),
        (
            ("json", "-s", "missing.py", "-p", "x"),
            "error: a Python file may hold several types\n"
            "    at missing.py\n"
            "hint: say which one: missing.py:Name\n",
        ),
        (
            ("json", "-s", "bad.json", "-p", "x"),
            "error: the schema file is not JSON: Expecting ',' delimiter\n"
            "    bad.json, line 2, column 3\n"
            '      "b": 2}\n'
            "      ^\n",
        ),
        (
            ("json", "-s", "list.json", "-p", "x"),
            "error: a JSON Schema is an object or a boolean, not list\n    at list.json\n",
        ),
        (
            ("json", "-s", "no_such_module:Thing", "-p", "x"),
            "error: `no_such_module` cannot be imported: "
            "ModuleNotFoundError: No module named 'no_such_module'\n",
        ),
        (
            ("json", "-s", "types_here.py:Persona", "-p", "x"),
            "error: `types_here.py` has no `Persona`\nhint: it defines Person\n",
        ),
        (
            ("json", "-s", "nothing.py:Person", "-p", "x"),
            "error: there is no such Python file\n    at nothing.py\n",
        ),
        (
            ("json", "-s", "good.json", "-p", "  "),
            "error: the prompt is empty\n    at --prompt\nhint: say what the answer should be about\n",
        ),
        (
            ("json", "-s", "good.json", "-p", "-"),
            "error: the prompt is empty\n    at standard input\nhint: say what the answer should be about\n",
        ),
        (
            ("json", "-s", "good.json", "-p", "x", "--model", "nowhere"),
            "error: there is no folder `nowhere`, and it is not a model id of the form owner/name\n"
            "hint: give a folder with config.json, or an id such as mlx-community/nesso-0.4B-agentic-mlx\n",
        ),
        (
            ("json", "-s", "good.json", "-p", "x", "--schema-in-prompt", "yaml"),
            "error: schema_in_prompt='yaml' is no way to show a schema\n"
            "hint: use one of 'schema', 'skeleton', 'typescript', True or False\n",
        ),
        (
            ("json", "-s", "good.json", "-p", "x", "--schema-in-prompt", "schema", "--no-schema-in-prompt"),
            "error: give one of --schema-in-prompt and --no-schema-in-prompt\n",
        ),
        (
            ("json", "-s", "good.json", "-p", "x", "--temp", "-1"),
            "error: temp=-1.0 is not a temperature\nhint: 0 is greedy; 0.1 to 0.3 suits structured output\n",
        ),
    ],
)
def test_what_is_wrong_is_one_message(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    """On stderr, with exit code 2, and nothing on stdout."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.json").write_text('{"type": "object"}')
    (tmp_path / "bad.json").write_text('{"a": 1\n  "b": 2}')
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "types_here.py").write_text("class Person: ...\n")

    result = run(*arguments)

    assert (result.code, result.out, result.err) == (2, "", message)


def test_an_answer_that_cannot_be_complete_is_refused(run, schema: Path) -> None:  # type: ignore[no-untyped-def]
    """Half a JSON text on stdout would be taken for a whole one."""
    result = run("json", "-s", schema, "-p", "Nome: Anna", "-m", "3")

    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error: the shortest answer takes 7 tokens, and max_tokens=3\nhint: raise max_tokens\n"
    )


def test_an_answer_that_was_brought_to_its_end_is_told(run, schema: Path) -> None:  # type: ignore[no-untyped-def]
    """Complete on stdout, and on stderr what it is."""
    result = run("json", "-s", schema, "-p", "Mi chiamo Massimiliano Giangiacomo, ho 31 anni", "-m", "9")

    assert result.code == 0
    assert set(json.loads(result.out)) == {"name", "age"}
    assert result.err == (
        "warning: the answer was brought to its end within max_tokens=9; with more it may be longer\n"
    )


def test_a_validator_that_asks_for_more_than_the_schema_is_explained(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Pydantic's own report is a page."""
    file = tmp_path / "strict_types.py"
    file.write_text(
        "from pydantic import BaseModel, field_validator\n"
        "class Even(BaseModel):\n"
        "    n: int\n"
        "    @field_validator('n')\n"
        "    def even(cls, n):\n"
        "        assert n % 2 == 0, 'n must be even'\n"
        "        return n\n"
    )

    result = run("json", "-s", f"{file}:Even", "-p", "n: 3")

    assert (result.code, result.err) == (
        1,
        "error: the answer follows the schema, but a validator of Even refuses its `n`: "
        "Assertion failed, n must be even\n"
        '    at {"n": 3}\n'
        "hint: let the model try again with retries=2, or say in the type what is checked: Field(ge=...)\n"
        'the answer:\n{"n": 3}\n',
    )
    assert not result.out
    again = run("json", "-s", f"{file}:Even", "-p", "n: 3", "--retries", "1")
    assert (again.code, again.out, again.err) == (1, "", result.err)
    assert run("json", "-s", f"{file}:Even", "-p", "n: 4").out == '{"n": 4}\n'


def test_starts_without_loading_a_model_library() -> None:
    """A wrong argument is told at once; mlx-lm takes a second to import."""
    script = (
        "import sys, constrain.engine.cli, constrain; "
        "sys.exit(any(m in sys.modules for m in ('mlx', 'mlx_lm', 'transformers', 'pydantic')))"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_runs_as_a_program(schema: Path) -> None:
    """The whole of it, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "constrain", "json", "-s", str(schema), "-p", "Nome: Anna. Età: 31"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, '{"name": "Anna", "age": 31}\n')


def test_named_groups_are_printed_as_json(run) -> None:  # type: ignore[no-untyped-def]
    """What most patterns are written for."""
    pattern = r"(?P<year>\d{4})-(?P<month>\d{2})"

    result = run("regex", pattern, "--groups", "--verbatim", "--prompt", "released in 2024-03")

    assert (result.code, result.out, result.err) == (0, '{"year": "2024", "month": "03"}\n', "")


def test_groups_need_names(run) -> None:  # type: ignore[no-untyped-def]
    """Numbers would change with every parenthesis."""
    result = run("regex", r"(a)", "--groups", "--prompt", "a")

    assert (result.code, result.out, result.err) == (
        2,
        "",
        "error: --groups needs named groups\n    at (a)\nhint: name them: (?P<name>...)\n",
    )


def test_a_verbatim_answer_is_text_of_the_prompt_or_an_error(run) -> None:  # type: ignore[no-untyped-def]
    """Nothing of the sort in the prompt, and nothing is made up."""
    assert run("regex", r"[A-Z]{2}\d+", "--verbatim", "--prompt", "ref IT77").out == "IT77\n"

    result = run("regex", r"[A-Z]{2}\d+", "--verbatim", "--prompt", "no reference")

    assert (result.code, result.out, result.err) == (2, "", "error: no text matches `[A-Z]{2}\\d+`\n")


def test_a_pattern_can_be_kept_from_the_model(run) -> None:  # type: ignore[no-untyped-def]
    """Constrained all the same."""
    result = run("regex", r"\d{4}", "--no-pattern-in-prompt", "--prompt", "the year 1969")

    assert (result.code, result.out) == (0, "1969\n")


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (("--pattern", "a|b"), "The automaton of the pattern a|b"),
        (("--grammar", "semver"), "The railroad diagrams of semver.lark"),
        (("--schema", '{"type": "object"}'), "The tree of a JSON Schema of 1 schema"),
        (('{"type": "object"}',), "The tree of a JSON Schema of 1 schema"),
    ],
)
def test_show_writes_a_picture_to_stdout_or_to_a_file(run, arguments, title: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    printed = run("show", *arguments)
    written = run("show", *arguments, "-o", tmp_path / "picture.svg")

    assert (printed.code, printed.err) == (0, "")
    assert f"<title>{title}</title>" in printed.out
    assert (written.code, written.out, written.err) == (0, "", "")
    assert (tmp_path / "picture.svg").read_text("utf-8") == printed.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--pattern", "a{9}", "--max-nodes", "9"),
            "a picture of this pattern's automaton needs more than max_nodes=9 nodes or arrows\n"
            "hint: draw a part of it, or pass a larger max_nodes",
        ),
        (("--pattern", "a", "--max-nodes", "-1"), "max_nodes is at least 0, not -1"),
        (("--pattern", "a", "--schema", "true"), "give one of --schema, --pattern and --grammar"),
    ],
)
def test_show_says_what_it_cannot_draw(run, arguments, said: str) -> None:  # type: ignore[no-untyped-def]
    result = run("show", *arguments)

    assert (result.code, result.out, result.err) == (2, "", f"error: {said}\n")

"""What is installed, under which name, and what is said of what is not."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXTRAS = ["mlx", "mlx_lm", "transformers", "llama_models", "jsonschema", "rich", "typer"]
PLAIN = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS}))\n"
"""A process in which the packages of the extras are not installed."""

SEEN = {
    "idna": "3.20",
    "jsonschema": "4.26.0",
    "lark": "1.3.1",
    "mlx": "0.32.4",
    "mlx-lm": "0.32.2",
    "numpy": "2.5.5",
    "pydantic": "2.14.4",
    "pygraphviz": "2.0.4",
    "railroad-diagrams": "3.0.1",
    "referencing": "0.37.0",
    "transformers": "5.24.0",
    "typer": "0.29.2",
}
"""The newest versions that all of these tests were seen to pass with."""


def run(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder / "app.py"
    script.write_text(source, encoding="utf-8")
    return subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)


def test_masks_need_no_extra(tmp_path: Path) -> None:
    done = run(
        PLAIN
        + """
from constrain import Vocabulary, check_schema, compile_json_schema, compile_lark, compile_regex
vocabulary = Vocabulary.from_tokens([*(bytes([byte]) for byte in range(256)), None], eos_token_ids=[256])
for compiled in (
    compile_json_schema({"type": "string", "format": "idn-email"}, vocabulary),
    compile_regex("[a-z]+", vocabulary),
    compile_lark("start: WORD\\nWORD: /a+/", vocabulary),
):
    print(len(compiled.matcher().allowed_token_ids()))
print(check_schema({"type": "integer"}).satisfiable)
""",
        tmp_path,
    )

    assert (done.stdout, done.stderr) == ("1\n26\n1\nTrue\n", "")


def test_what_needs_an_extra_says_how_to_install_it(tmp_path: Path) -> None:
    done = run(
        PLAIN
        + """
try:
    from constrain import generate_json
except ImportError as problem:
    print(type(problem).__name__, problem, sep="\\n")
""",
        tmp_path,
    )

    assert done.stdout == (
        "MissingPackageError\n"
        "`constrain.engine` needs mlx and mlx-lm and jsonschema and rich and typer, "
        "which a plain installation leaves out\n"
        "hint: pip install 'constrain[mlx]'\n"
    )


def test_the_embedded_model_names_its_own_extra(tmp_path: Path) -> None:
    done = run(
        """
import sys
sys.modules["llama_models"] = None
from constrain.vocabulary.llama3 import llama3_tokenizer_folder
try:
    llama3_tokenizer_folder()
except ImportError as problem:
    print(problem)
""",
        tmp_path,
    )

    assert done.stdout in {
        "",  # made before, and in the user's cache
        "the Llama-3 tokenizer of the embedded model needs llama-models, "
        "which a plain installation leaves out\n"
        "hint: pip install 'constrain[embedded]'\n",
    }


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    done = run(PLAIN + "import runpy; runpy.run_module('constrain', run_name='__main__')", tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("error: `constrain.engine` needs mlx and ")


@pytest.mark.parametrize("name", ["engine", "grammars", "models", "types_", "benchmarks", "tests"])
def test_a_user_s_module_beside_the_script_breaks_nothing(name: str, tmp_path: Path) -> None:
    """All that is installed has one import name."""
    (tmp_path / f"{name}.py").write_text("raise SystemExit('the user\\'s own module was imported')")
    done = run(
        """
from pydantic import BaseModel
from constrain import generate_json, generate_regex, generate_tool_calls, grammars, load
class Person(BaseModel):
    name: str
def weather(city: str) -> str:
    return city
model = load()
print(generate_json(model, "My name is Anna", Person))
print(generate_regex(model, "Which year? 1984", "[0-9]{4}"))
print(generate_tool_calls(model, "Weather in Turin?", [weather]).calls[0].name)
print(grammars.path("json").name)
""",
        tmp_path,
    )

    assert (done.stdout, done.stderr) == ("name='Anna'\n1984\nweather\njson.lark\n", "")


def test_only_one_name_is_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["constrain"]}
    assert {link.name: link.resolve() for link in (ROOT / "constrain").iterdir() if link.is_symlink()} == {
        "engine": ROOT / "engine",
        "grammars": ROOT / "grammars",
    }


def test_no_release_of_another_package_breaks_an_installation() -> None:
    """No upper bound, but for what only developers install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["mlx"], *extras["embedded"], *extras["pictures"]]

    assert [line for line in needed if re.search(r"<|==|~=", line.split(";")[0])] == []


@pytest.mark.parametrize("name", SEEN)
def test_the_version_installed_was_seen_to_work(name: str) -> None:
    def parts(text: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", text)[:3]]

    if parts(version(name)) > parts(SEEN[name]):
        pytest.skip(f"{name} {version(name)} is newer than {SEEN[name]}, the newest that is written down")

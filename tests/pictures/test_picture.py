"""A picture is one SVG file that everybody can read; the documentation's are what the command writes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from constrain import Picture, draw_json_schema, draw_lark, draw_regex
from constrain.engine.cli import app
from constrain.pictures.picture import _COLOURS
from tests.pictures.svg import SPACE, read

DOCS = Path(__file__).parent.parent.parent / "docs"
PICTURES = [draw_regex("<é>?"), draw_lark('start: "<é>"?'), draw_json_schema({"title": "<é>"})]


@pytest.mark.parametrize("picture", PICTURES, ids=["pattern", "grammar", "schema"])
def test_a_picture_says_what_it_shows_to_who_cannot_see_it(picture: Picture) -> None:
    root = read(picture.svg)

    assert root.tag == f"{SPACE}svg"
    assert root.get("role") == "img"
    assert [child.tag for child in root][:2] == [f"{SPACE}title", f"{SPACE}desc"]
    assert root.get("aria-label") == root.findtext(f"{SPACE}title")
    assert root.findtext(f"{SPACE}desc")
    assert "@media (prefers-color-scheme: dark)" in (root.findtext(f"{SPACE}style") or "")
    assert picture._repr_svg_() == picture.svg
    assert repr(picture) == f"<Picture: {len(picture.svg)} characters of SVG>"


@pytest.mark.parametrize("ground", [2, 3], ids=["light", "dark"])
def test_every_text_stands_out_from_its_ground(ground: int) -> None:
    """WCAG 2.2, success criterion 1.4.3: a contrast of at least 4.5."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    colours = {row[0]: luminance(row[ground]) for row in _COLOURS if row[1] == "fill"}
    grounds = {".box, .non-terminal rect", ".paper"}
    for text in colours.keys() - grounds - {".terminal rect"}:
        for behind in grounds | ({".terminal rect"} if text == "text" else set()):
            dark, light = sorted([colours[text], colours[behind]])
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, behind)


def commands() -> dict[str, list[str]]:
    """By the name of its picture, each command that the documentation shows."""
    pages = "".join(page.read_text("utf-8") for page in sorted(DOCS.glob("*.md")))
    blocks = re.findall(r"```sh\n(constrain show .*?)\n```", pages, flags=re.DOTALL)
    found = [shlex.split(block) for block in blocks]
    return {Path(arguments[-1]).name: arguments for arguments in found}


def test_every_picture_of_the_documentation_has_its_command() -> None:
    assert commands().keys() == {path.name for path in (DOCS / "pictures").iterdir()}


@pytest.mark.parametrize("name", commands())
def test_a_picture_of_the_documentation_is_what_its_command_writes(name: str, tmp_path: Path) -> None:
    """All but the places, which are Graphviz's and may move with its releases."""
    *arguments, last = commands()[name][1:]
    done = CliRunner().invoke(app, [*arguments, str(tmp_path / name)])
    written = (tmp_path / name).read_text("utf-8")
    committed = (DOCS / "pictures" / name).read_text("utf-8")

    assert done.exit_code == 0, done.output
    assert _without_places(written) == _without_places(committed), f"run: {shlex.join([*arguments, last])}"


def _without_places(svg: str) -> str:
    return re.sub(r'(?<= )(d|points|width|height|viewBox|x|y|cx|cy)="[^"]*"', "", svg)


def test_who_lacks_the_packages_is_told_how_to_install_them(tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text(
        """
import sys
sys.modules.update(pygraphviz=None, railroad=None)
from constrain import draw_json_schema, draw_lark, draw_regex
for draw, what in ((draw_regex, "a"), (draw_json_schema, {}), (draw_lark, 'start: "a"')):
    try:
        draw(what)
    except ImportError as problem:
        print(type(problem).__name__, problem, sep="\\n")
"""
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.stdout == 3 * (
        "MissingPackageError\n"
        "drawing a picture needs pygraphviz and railroad-diagrams, which a plain installation leaves out\n"
        "hint: pip install 'constrain[pictures]'\n"
    )

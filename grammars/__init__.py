"""A catalogue of Lark grammars, by name: to generate from, to import rules from, or to read as examples.

    generate_lark(model, "List the red cars.", grammars.path("sql"))

Each file opens with a comment whose first line says what it describes; the lines behind it say what it leaves
out on purpose.  `tests/grammars` holds, for each, strings that it accepts and refuses, and compares it with
the parser that the world uses for that language.  `constrain grammars` lists them.
"""

from __future__ import annotations

from pathlib import Path

from constrain.arguments import nearest
from constrain.errors import GrammarError

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The grammars of the catalogue, in the order of the alphabet.

    >>> names()[:4]
    ['arithmetic', 'chess', 'csv', 'graphql']
    """
    return sorted(file.stem for file in _FOLDER.glob("*.lark"))


def path(name: str) -> Path:
    """The file of one grammar, as `compile_lark`, `generate_lark` and `lark` take it.

    Raises GrammarError for a name that is not in the catalogue.
    """
    if name not in names():
        raise GrammarError(
            f"there is no grammar `{name}` in the catalogue",
            hint=nearest(name, names(), f"it has {', '.join(names())}"),
        )
    return _FOLDER / f"{name}.lark"


def about(name: str) -> str:
    """What a grammar describes: the first line of its opening comment.

    >>> about("semver")
    'Semantic versions, semver.org 2.0.0: 1.0.0-rc.1+build.5'
    """
    with path(name).open(encoding="utf-8") as file:
        return file.readline().removeprefix("//").strip()

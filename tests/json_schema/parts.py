"""The parts that compiling a schema makes, for tests that look inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from constrain.json_schema.formats import find
from constrain.json_schema.formula import Formula, Formulas
from constrain.json_schema.goals import Goals
from constrain.json_schema.grammar import scan_schema
from constrain.json_schema.liveness import Liveness
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.references import Node
from constrain.json_schema.translate import Translator
from constrain.json_schema.typed import TypedView
from constrain.json_schema.unevaluated import Unevaluated


class ByTheAlgebra(Liveness):
    """Liveness that reads nothing off the keywords."""

    def _lives_plainly(self, goal: Formula) -> bool:
        return False


@dataclass(frozen=True)
class Parts:
    """A schema, and what answers for it."""

    root: Node
    goal: Formula
    goals: Goals
    algebra: Liveness

    def lives(self, node: Node) -> bool:
        """Has a schema a value, by the algebra?"""
        return self.algebra.is_live(self.goals.view.translator.reference(node))


def parts_of(schema: Any, options: JsonOptions | None = None) -> Parts:
    """The parts for a schema.  Raises what is wrong with it."""
    options = options or JsonOptions()
    scanned = scan_schema(schema, options=options)
    if scanned.admission.problems:
        raise scanned.admission.problems[0]
    formulas = Formulas()
    translator = Translator(formulas, options, lambda name: find(name) is not None)
    view = TypedView(formulas, translator, verbatim=options.verbatim is not None)
    view.unevaluated = Unevaluated(formulas, translator).expand
    goals = Goals(formulas, view, scanned.scalars, options)
    return Parts(scanned.root, translator.reference(scanned.root), goals, ByTheAlgebra(goals, options))

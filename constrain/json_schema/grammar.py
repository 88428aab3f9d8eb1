"""A JSON Schema as a grammar: the entry point of this package, and the order of its stages.

    schema ─ references ─▶ nodes ─ translate ─▶ formulas ─ goals ─▶ alternatives ─ emit ─▶ continuations
              glance: one look at every keyword: is all of it plainly in order?
              admission: if not, or for a report: what is malformed or unsupported, by name and place

`compile_schema` visits the whole schema once, at a glance; everything behind it happens on demand, when a
generation gets there.  The start is checked to have a value at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from referencing import Registry

from constrain.arguments import kind_of
from constrain.budget import budget
from constrain.continuation import END, Continuation, Terminal, Union
from constrain.errors import ConstrainError, InvalidInputError, SchemaError, UnsatisfiableError
from constrain.json_schema.admission import Admission, Note, admit
from constrain.json_schema.data import each_value
from constrain.json_schema.emit import Emitter
from constrain.json_schema.formats import find
from constrain.json_schema.formula import Formula, Formulas
from constrain.json_schema.glance import glance
from constrain.json_schema.goals import Goals
from constrain.json_schema.liveness import Liveness
from constrain.json_schema.options import JsonOptions
from constrain.json_schema.references import Documents, Node, Schema, standard_dialect
from constrain.json_schema.scalars import Scalars
from constrain.json_schema.translate import Translator
from constrain.json_schema.typed import TypedView
from constrain.json_schema.unevaluated import Unevaluated
from constrain.json_schema.values import parse_json
from constrain.regular.keeping import remember
from constrain.regular.terms import Term


@dataclass(frozen=True)
class Scanned:
    """A schema that has been read and found in order, or scanned, but not compiled."""

    schema: Schema
    registry: Registry[Any] | Mapping[str, Any] | None
    options: JsonOptions
    scalars: Scalars
    plain: Node | None

    @property
    def root(self) -> Node:
        """The schema."""
        return self._loaded if self.plain is None else self.plain

    @cached_property
    def _loaded(self) -> Node:
        return Documents.load(self.schema, self.registry)[1]

    @cached_property
    def admission(self) -> Admission:
        """What became of each keyword."""
        with _limits(self.options):
            return admit(self._loaded, self.options, self.scalars)

    def forget(self) -> None:
        """Cut the circles of the documents, those that a report has read as well."""
        self.root.scope.documents.forget()
        if "_loaded" in vars(self):
            self._loaded.scope.documents.forget()

    def compile(self) -> SchemaGrammar:
        """The grammar.  Raises the first problem of the scan, UnsatisfiableError or LimitExceeded."""
        if self.plain is None and self.admission.problems:
            raise self.admission.problems[0]
        with _limits(self.options):
            return _compile(self)


@dataclass(frozen=True, slots=True)
class SchemaGrammar:
    """A compiled schema."""

    start: Continuation
    emitter: Emitter
    goal: Formula
    scanned: Scanned

    @property
    def options(self) -> JsonOptions:
        """The options that it was compiled with."""
        return self.scanned.options

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was noted about its keywords, but for those that are simply honoured."""
        return tuple(note for note in self.scanned.admission.notes if note.status != "exact")

    def before(self, then: Continuation) -> Continuation:
        """A value of this schema, then `then`: how a schema stands inside another grammar."""
        return self.emitter.value(self.goal, then, self.emitter.outermost)

    def dismantle(self) -> None:
        """Cut all that leads in circles, when nobody will use the grammar any more (`collector.py`)."""
        self.emitter.dismantle()
        self.emitter.goals.formulas.forget()
        self.scanned.forget()


def compile_schema(
    schema: dict[str, Any] | bool | str,
    *,
    options: JsonOptions | None = None,
    registry: Registry[Any] | Mapping[str, Any] | None = None,
) -> SchemaGrammar:
    """The grammar of the documents that a schema accepts.

    A schema given as text is read without rounding its decimals.

    Raises SchemaError (malformed), UnsupportedKeywordError and UnsupportedRegexError (cannot be honoured),
    UnsatisfiableError (no document satisfies it), LimitExceeded (too large).

    >>> grammar = compile_schema({"const": 1})
    >>> [grammar.start.follow(edge.number) is END for edge in grammar.start.first]
    [True]
    """
    return scan_schema(schema, options=options, registry=registry).compile()


def scan_schema(
    schema: dict[str, Any] | bool | str,
    *,
    options: JsonOptions | None = None,
    registry: Registry[Any] | Mapping[str, Any] | None = None,
) -> Scanned:
    """Read a schema and what it refers to; what is wrong with it is in the result.

    Raises SchemaError for text that is not JSON, a value that holds itself, a dialect that does not exist,
    and a registry that cannot be read; LimitExceeded for a schema nested too deeply to be read.
    """
    options = options or JsonOptions()
    given: object = registry
    if not isinstance(given, Registry | Mapping | None):
        what = f"a registry is a mapping from URIs to schemas, not {kind_of(given)}"
        raise InvalidInputError(what, hint='give {"https://...": schema}')
    with _limits(options):
        if isinstance(schema, str):
            try:
                schema = parse_json(schema)
            except ValueError as error:
                raise SchemaError(f"the schema is not JSON: {error}") from error
        scalars = Scalars(options.spelling, options.verbatim)
        scanned = Scanned(schema, registry, options, scalars, _plain(schema, scalars))
        if scanned.plain is None:
            for _place in each_value(schema):  # one that holds itself would never be read to its end
                pass
            _ = scanned.admission
        return scanned


def _plain(schema: Schema, scalars: Scalars) -> Node | None:
    """The schema, if all in it is plainly in order."""
    dialect = standard_dialect(schema)
    seen = dialect and glance(schema, dialect, scalars.strings)
    if not dialect or not seen:
        return None
    try:
        scalars.note_points(seen.named)
    except ConstrainError:
        return None  # the scan says where it stands
    return Documents.plain(schema, dialect, seen.targets)


def _limits(options: JsonOptions) -> budget:
    return options.limits.budget("compiling this schema")


def _compile(scanned: Scanned) -> SchemaGrammar:
    root, scalars, options = scanned.root, scanned.scalars, scanned.options
    formulas = Formulas()
    translator = Translator(formulas, options, lambda name: find(name) is not None)
    view = TypedView(formulas, translator, verbatim=options.verbatim is not None)
    view.unevaluated = Unevaluated(formulas, translator).expand
    goals = Goals(formulas, view, scalars, options)
    liveness = Liveness(goals, options)
    goal = translator.reference(root)
    if not liveness.is_live(goal):
        raise UnsatisfiableError(
            "no JSON document satisfies this schema",
            where=_narrowest_empty(root, liveness, translator),
        )
    emitter = Emitter(liveness, options)
    return SchemaGrammar(_document(emitter, goal), emitter, goal, scanned)


def _document(emitter: Emitter, goal: Formula) -> Continuation:
    """A whole text: a value, with blanks around it where the options say "any"."""
    level = emitter.outermost
    blanks = level.around
    if blanks is None:
        return emitter.value(goal, END, level)
    value = emitter.value(goal, _or_end(blanks), level)
    return Union((value, Terminal.of(blanks, value)))


@remember()
def _or_end(blanks: Term) -> Continuation:
    """Blanks, or nothing: what ends every text with blanks around it."""
    return Union((END, Terminal.of(blanks, END)))


def _narrowest_empty(root: Node, liveness: Liveness, translator: Translator) -> str:
    """The pointer of the innermost required property or item that is to blame, as far as that is plain."""
    node = root
    while isinstance(node.contents, dict):
        properties = node.contents.get("properties")
        required = node.contents.get("required", ())
        if not isinstance(properties, dict):
            break
        for name in required:
            if name in properties:
                inner = node.child("properties", name)
                if not liveness.is_live(translator.reference(inner)):
                    node = inner
                    break
        else:
            break
    return node.pointer

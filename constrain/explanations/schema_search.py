"""What in a schema is responsible for a refused byte?  It is found by experiment.

A keyword is responsible if the byte is read as soon as the schema does without it.  So the schema is compiled
again without each keyword that speaks of the place (`schema_walk.py`), and the text is read again:

    {"properties": {"age": {"type": "integer", "maximum": 120}}}      text {"age": 150
        without `maximum`    {"age": 150 is read                      guilty
        without `type`       {"age": 15  and no further               not guilty

This is exact whatever the schema means, for it asks the engine itself.  What is asked in which order:

1. Does JSON itself refuse the byte?  Then it is the syntax.
2. Does `true`, with the options of this grammar, refuse it?  Then it is an option: whitespace or spelling.
3. The keywords at the innermost place, and those around it that weigh a whole value (`enum`, `uniqueItems`),
   each alone, and the options that depend on the schema, such as the order of keys.  Those that are guilty
   compete: what lets the most of the text be read explains it best, for the text goes on as its writer meant
   it.  Keywords in a branch of `anyOf` that the text has left do not count.  Keywords that lead to other
   schemas are asked about when no assertion is guilty.
4. Two at once, where none alone is enough: a wrong type beside an `enum`, another key where one is due.
5. All other keywords of the values around.

Cost: compiling and reading once for each suspect, some milliseconds; all within the steps of one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, islice, product
from typing import Any, Final

from referencing import Registry

from constrain.continuation import Continuation
from constrain.errors import ConstrainError, LimitExceeded
from constrain.explanations.explanation import Explanation
from constrain.explanations.instance_place import Place, place_of
from constrain.explanations.reading_on import Refusal
from constrain.explanations.schema_walk import (
    OF_WHOLE,
    Candidate,
    Edits,
    candidates,
    edited,
    lifting,
    placed,
    taking,
)
from constrain.explanations.wording import OPTIONS, expectation, joined
from constrain.json_schema.data import pointer_to
from constrain.json_schema.grammar import SchemaGrammar, compile_schema, scan_schema
from constrain.json_schema.options import JsonOptions

MAX_TRIED: Final = 400
"""Experiments, a few milliseconds each; a union of forty objects asks for a hundred."""
MAX_PAIRS: Final = 150
NOT_FOUND: Final = "no keyword was found to be responsible"
INSIDE: Final = -1
"""The level of the value of a key that is still being written."""
NAMED: Final = 4
"""So many keywords are named that would each do; of more, what they are branches of."""

_FREE: Final[dict[str, Any]] = {
    "property_order": "any",
    "spelling": "any",
    "whitespace": "any",
    "additional_properties": None,
    "verbatim": None,
}
_OF_TEXT: Final = ("whitespace", "spelling", "verbatim")
_OF_OBJECTS: Final = ("property_order", "additional_properties")

Suspect = Candidate | str
"""A keyword, or the name of an option."""


@dataclass(frozen=True, slots=True)
class SchemaSource:
    """A schema as it was given, and how its grammar stands among others: `before` which continuations."""

    schema: Any
    options: JsonOptions
    registry: Any = None
    before: tuple[Continuation, ...] = ()

    def starts(
        self, schema: Any, options: JsonOptions, registry: Any
    ) -> tuple[SchemaGrammar, list[Continuation]]:
        """The grammar of another schema in the same place."""
        grammar = compile_schema(schema, options=options, registry=registry)
        if not self.before:
            return grammar, [grammar.start]
        return grammar, [grammar.before(then) for then in self.before]


@dataclass(frozen=True, slots=True)
class Guilty:
    """Suspects without which the refused byte is read."""

    suspects: tuple[Suspect, ...]

    @property
    def keywords(self) -> list[Candidate]:
        """Those that are keywords."""
        return [each for each in self.suspects if isinstance(each, Candidate)]


def explain_schema(source: SchemaSource, refusal: Refusal) -> Explanation:
    """Why a text is refused that a schema's grammar has read as far as `refusal.offset`."""
    place = place_of(refusal.text[: refusal.offset])
    path = pointer_to("", place.levels[_own_level(place, refusal)])
    basis = Explanation(False, refusal.offset, path=path, cause="unknown")
    search = _Search(source, refusal, place)
    try:
        with refusal.limits.budget("finding what is responsible"):
            return search.explanation(basis)
    except LimitExceeded as problem:
        return replace(basis, note=f"{NOT_FOUND}: {problem.what}")


class _Search:
    def __init__(self, source: SchemaSource, refusal: Refusal, place: Place) -> None:
        self.source, self.refusal, self.place = source, refusal, place
        scanned = scan_schema(source.schema, options=source.options, registry=source.registry)
        self.root = scanned.root
        self.tried = 0
        self.cut_short = ""

    def explanation(self, basis: Explanation) -> Explanation:
        options, is_read = self.source.options, self.refusal.is_read
        key = self.place.key_of(self.refusal.text)
        if key is not None and key in self.place.keys[self.place.levels[0]]:
            return replace(basis, cause="syntax", expected="a key that has not been written yet")
        if not self._ask(is_read, schema=True, options=_freed(options, _FREE)):
            return replace(basis, cause="syntax")
        if not self._ask(is_read, schema=True, options=options):
            freed = [
                name for name in _OF_TEXT if self._ask(is_read, schema=True, options=_freed(options, [name]))
            ]
            names = tuple(freed or _changed(options, _OF_TEXT))
            expected = joined([OPTIONS[name] for name in names], "or")
            return replace(basis, cause="options", options=names, expected=expected, together=not freed)
        found = self._guilty(key)
        if not found:
            why = self.cut_short or "none is alone, nor are any two together"
            return replace(basis, note=f"{NOT_FOUND}: {why}")
        return self._told(basis, found)

    # Experiments.

    def _ask(
        self,
        question: Callable[[Continuation], int],
        edits: Edits | None = None,
        *,
        schema: Any = None,
        options: JsonOptions | None = None,
    ) -> int:
        """The answer of another schema, or of this one with edits, and with other options."""
        registry = self.source.registry
        if schema is None:
            schema = edited(self.root.contents, edits) if edits else self.root.contents
            if edits and isinstance(registry, Mapping) and not isinstance(registry, Registry):
                registry = edited(dict(registry), edits)
        try:
            grammar, starts = self.source.starts(schema, options or self.source.options, registry)
        except LimitExceeded:
            raise
        except ConstrainError:  # without it nothing satisfies the schema, or it is none
            return 0
        answer = max(question(start) for start in starts)
        grammar.dismantle()
        return answer

    def _is_free(self, option: str) -> bool:
        """Is the byte read by `true` if only this option is freed?"""
        options = _freed(self.source.options, [option])
        return bool(self._ask(self.refusal.is_read, schema=True, options=options))

    def _without(self, suspects: Iterable[Suspect], question: Callable[[Continuation], int]) -> int:
        """The answer without some keywords, and with some options freed."""
        keywords = [each for each in suspects if isinstance(each, Candidate)]
        names = [each for each in suspects if isinstance(each, str)]
        options = _freed(self.source.options, names) if names else None
        return self._ask(question, lifting(keywords), options=options)

    # The search.

    def _guilty(self, key: str | None) -> list[Guilty]:
        """The sets of suspects that explain the refusal best: one, or several that do as well."""
        own, path = self.place.own, self.place.levels[0]
        schemas = placed(self.root, path)[::-1]
        levels = [
            list(candidates(here, level, self.place.kind(level, self.refusal.byte)))
            for level, here in enumerate(schemas)
        ]
        near = list(chain.from_iterable(levels[:own]))
        outer = list(chain.from_iterable(levels[own:]))
        weighing: list[Suspect] = [each for each in near if each.is_weighing]
        options: list[Suspect] = [name for name in _OF_OBJECTS if _changed(self.source.options, [name])]
        assertions: list[Suspect] = [each for each in near if not each.is_weighing]
        assertions += [each for each in outer if each.keyword in OF_WHOLE]
        inside: list[Candidate] = []
        if key is not None:  # perhaps no value may follow this key
            inside = list(candidates(placed(self.root, (*path, key))[-1], INSIDE, "any"))
        known = [*options, *assertions]
        pairs: Iterable[tuple[Suspect, ...]] = chain(combinations(known, 2), product(weighing, known))
        around = [each for each in outer if each.keyword not in OF_WHOLE]
        alone: list[Sequence[Suspect]] = [[*assertions, *options], weighing, inside]
        rows: list[Iterable[tuple[Suspect, ...]]] = [
            *(zip(row) for row in alone),
            islice(pairs, MAX_PAIRS),
            zip(around),
        ]
        for row in rows:
            found = self._first(row)
            if found or self.cut_short:
                return found
        return []

    def _first(self, sets: Iterable[tuple[Suspect, ...]]) -> list[Guilty]:
        """Those sets without which the byte is read; where there are several, those that explain it best."""
        found: list[Guilty] = []
        try:
            for suspects in sets:
                self.tried += 1
                if self.tried > MAX_TRIED:
                    self.cut_short = f"MAX_TRIED={MAX_TRIED} experiments were made"
                    break
                if self._without(suspects, self.refusal.is_read):
                    found.append(Guilty(suspects))
            return self._best(found) if len(found) > 1 else found
        except LimitExceeded as problem:
            self.cut_short = problem.what
            return found

    def _best(self, found: list[Guilty]) -> list[Guilty]:
        """Those that let the most of the text be read, in branches that the text has not left before."""
        alive = [each for each in found if self._is_alive(each)] or found
        reach = [self._without(each.suspects, self.refusal.reach) for each in alive]
        return [each for each, length in zip(alive, reach, strict=True) if length == max(reach)]

    def _is_alive(self, guilty: Guilty) -> bool:
        """Can the text before the refused byte be read by the branches that the keywords are in?"""
        route = [branch for each in guilty.keywords for branch in each.route]
        return not route or bool(self._ask(self.refusal.is_begun, taking(route)))

    # The answer.

    def _told(self, basis: Explanation, found: list[Guilty]) -> Explanation:
        together = len(found[0].suspects) > 1
        if together:
            found = found[:1]
        suspects = list(dict.fromkeys(chain.from_iterable(each.suspects for each in found)))
        keywords = [each for each in suspects if isinstance(each, Candidate)]
        options = tuple(each for each in suspects if isinstance(each, str))
        levels = self.place.levels
        level = min((each.level for each in keywords), default=self.place.own - 1)
        key = self.place.key_of(self.refusal.text)
        path = (*levels[0], key or "") if level == INSIDE else levels[level]
        words = [expectation(each, self.place.keys.get(levels[each.level], ())) for each in keywords]
        words += [OPTIONS[name] for name in options]
        pointers = list(dict.fromkeys(each.pointer for each in keywords))
        if len(pointers) > NAMED and not together:
            pointers = _branchings(keywords) or pointers[:NAMED]
        return replace(
            basis,
            cause="schema" if keywords else "options",
            path=pointer_to("", path),
            keywords=tuple(pointers),
            options=options,
            together=together,
            expected=joined(list(dict.fromkeys(words))[: 2 * NAMED], "and" if together else "or"),
        )


def _own_level(place: Place, refusal: Refusal) -> int:
    """The level that the refused byte stands at: a comma or a bracket belongs to what is around a value."""
    byte = refusal.byte
    return place.own - 1 if byte is not None and chr(byte) in ",]}" else 0


def _branchings(keywords: Sequence[Candidate]) -> list[str]:
    """The innermost `anyOf` or `oneOf` that all of the keywords are branches of."""
    routes = [tuple((node.at(keyword)) for node, keyword, _ in each.route) for each in keywords]
    common = [step for step in routes[0] if all(step in route for route in routes)]
    return common[-1:]


def _freed(options: JsonOptions, names: Iterable[str]) -> JsonOptions:
    return replace(options, **{name: _FREE[name] for name in names})


def _changed(options: JsonOptions, names: Iterable[str]) -> list[str]:
    """Those options that are not as free as can be."""
    return [name for name in names if getattr(options, name) != _FREE[name]]

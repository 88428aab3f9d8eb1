"""What is sought in a document, how a model is asked for it, and how its answer is judged?

    PatternForm   '(?P<day>\\d{2})/(?P<month>\\d{2})'    {"day": "12", "month": "03"}
    SchemaForm    a JSON Schema, or a type                the object

Both know four things: the request that a prompt ends with, the grammar an answer is written under, how a
finished answer is read and *checked again*, by other means than those that wrote it (`re.fullmatch`; Pydantic
or jsonschema; a plain search of the document for every value), and how the answers for the parts of one
document are put together.

*Nullable* is how an answer says "not found".  For a pattern it is the text `null`, which then means nothing
else; for an object each property may be null; for any other schema the whole value may.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from constrain.answers import read_json
from constrain.budget import DEFAULT_MAX_STEPS
from constrain.compiler import compile_json_schema, compile_part
from constrain.engine.prompting import regex_request
from constrain.engine.showing import Way, check_way, shown_schema
from constrain.errors import InvalidInputError, RefusedOutputError, RegexError, UnsatisfiableError
from constrain.json_schema.occurring import numbers_in
from constrain.parts import either, regex
from constrain.regular.syntax import PatternLike, as_pattern
from constrain.target import is_type, schema_of

if TYPE_CHECKING:
    from constrain.matcher import CompiledGrammar
    from constrain.vocabulary.vocabulary import Vocabulary

NULL = "null"
STEPS_PER_CHARACTER = 50
Found = int | dict[str, int] | None
"""The part that gave a value, or for each property the part that gave it; counted from 1."""


class Form:
    """What is sought.  `verbatim` is a document that values must occur in, or None."""

    def request(self, way: Way, *, nullable: bool) -> str | None:
        """The lines that ask a model for it; a schema is shown in this `way`, if nobody said how.

        None where nothing is to be shown.
        """
        raise NotImplementedError

    def compile(self, vocabulary: Vocabulary, verbatim: str | None, *, nullable: bool) -> CompiledGrammar:
        """The grammar of the answers."""
        raise NotImplementedError

    def read(self, answer: str, verbatim: str | None, *, nullable: bool) -> Any:
        """The plain data of an answer, checked again.

        Raises InvalidInputError where it does not hold, RefusedOutputError where a validator of the type
        refuses it, LimitExceeded for a number that Python cannot hold.
        """
        raise NotImplementedError

    def nothing(self) -> Any:
        """The data of "nothing was found"."""
        raise NotImplementedError

    def combine(self, values: list[Any]) -> tuple[Any, Found]:
        """The nullable answers for the parts of a document as one, each thing from the first part with it."""
        first = next((number for number, value in enumerate(values) if value is not None), None)
        return (None, None) if first is None else (values[first], first + 1)

    def is_complete(self, value: Any) -> bool:
        """Is there nothing left to be found?"""
        return value is not None

    def accepts(self, value: Any, *, nullable: bool) -> bool:
        """Is this combined value an answer?"""
        return nullable or value is not None

    def instance(self, value: Any) -> Any:
        """The value as what the caller gave a type for; plain data otherwise."""
        return value


class PatternForm(Form):
    """A regular expression; its named groups are the data, or the whole text where it has none."""

    def __init__(self, pattern: PatternLike, flags: int = 0) -> None:
        text, flags = self.pattern, self.flags = as_pattern(pattern, flags)
        try:
            self._compiled = re.compile(text, flags)
        except (re.error, OverflowError, RecursionError) as problem:
            regex(text, flags=flags)  # says where, if it is wrong for us too
            raise RegexError(f"Python's `re` cannot read this pattern: {problem}", where=text) from problem

    @property
    def groups(self) -> list[str]:
        """The names of its groups."""
        return list(self._compiled.groupindex)

    def request(self, way: Way, *, nullable: bool) -> str:
        if not nullable:
            return regex_request(self.pattern)
        flags = re.match(r"\(\?[aimsuxL]+\)", self.pattern)
        start = flags.end() if flags else 0
        end = "\n" if self._compiled.flags & re.VERBOSE else ""
        return regex_request(f"{self.pattern[:start]}(?:{self.pattern[start:]}{end})|{NULL}")

    def compile(self, vocabulary: Vocabulary, verbatim: str | None, *, nullable: bool) -> CompiledGrammar:
        steps = _steps(verbatim)
        try:
            part = regex(self.pattern, flags=self.flags, verbatim=verbatim, max_steps=steps)
        except UnsatisfiableError as problem:
            if verbatim is None:
                raise
            if nullable:
                return compile_part(NULL, vocabulary, max_steps=steps)
            raise UnsatisfiableError(
                "nothing in the document matches",
                where=self.pattern,
                hint="with nullable, the answer for such a document is null",
            ) from problem
        return compile_part(either(part, NULL) if nullable else part, vocabulary, max_steps=steps)

    def read(self, answer: str, verbatim: str | None, *, nullable: bool) -> Any:
        if nullable and answer == NULL:
            return None
        match = self._compiled.fullmatch(answer)
        if match is None:
            raise InvalidInputError("the answer does not match the pattern", where=answer)
        groups: dict[str, str | None] = match.groupdict()
        values = groups if self.groups else {"the answer": answer}
        for name, text in values.items():
            if verbatim is not None and text is not None and text not in verbatim:
                raise InvalidInputError(
                    "the answer can be cut into groups in several ways, and in Python's way "
                    f"`{name}` does not occur in the document",
                    where=answer,
                    hint="let groups that touch hold different characters, such as `[^ ]+` before a blank",
                )
        return groups if self.groups else answer

    def nothing(self) -> Any:
        return None


class SchemaForm(Form):
    """A JSON Schema or a type; `options` are those of the compiler (`JsonOptions`).

    `schema_in_prompt` is that of `generate_json`; True leaves the way to the model.
    """

    def __init__(self, schema: object, *, schema_in_prompt: bool | Way = True, **options: Any) -> None:
        check_way(schema_in_prompt)
        self._in_prompt: bool | Way = schema_in_prompt
        self._target = schema_of(schema)
        self._options = options
        self._is_type = is_type(schema)
        self.schema = self._target.schema

    @cached_property
    def properties(self) -> list[str]:
        """The names of the properties that nullable is about; none where the schema is no plain object's."""
        known = self.schema.get("properties") if isinstance(self.schema, dict) else None
        return list(known) if isinstance(known, dict) else []

    @cached_property
    def nullable_schema(self) -> dict[str, Any] | bool:
        """The schema with null allowed, for each property or as a whole."""
        if not isinstance(self.schema, dict):
            return {"anyOf": [self.schema, {"type": "null"}]}
        if self.properties:
            known = self.schema["properties"]
            members = {name: {"anyOf": [part, {"type": "null"}]} for name, part in known.items()}
            return {**self.schema, "properties": members}
        shared = ("$schema", "$id", "$defs", "definitions")
        lifted = {key: self.schema[key] for key in shared if key in self.schema}
        inner = {key: value for key, value in self.schema.items() if key not in shared}
        return {**lifted, "anyOf": [inner, {"type": "null"}]}

    def request(self, way: Way, *, nullable: bool) -> str | None:
        return shown_schema(self.nullable_schema if nullable else self.schema, self._in_prompt, default=way)

    def compile(self, vocabulary: Vocabulary, verbatim: str | None, *, nullable: bool) -> CompiledGrammar:
        schema = self.nullable_schema if nullable else self.schema
        try:
            return compile_json_schema(
                schema, vocabulary, verbatim=verbatim, max_steps=_steps(verbatim), **self._options
            )
        except UnsatisfiableError as problem:
            if verbatim is None:
                raise
            raise UnsatisfiableError(
                "nothing in the document can be a value of this schema",
                where=problem.where,
                hint="with nullable, what is not found is null",
            ) from problem

    def read(self, answer: str, verbatim: str | None, *, nullable: bool) -> Any:
        value = read_json(answer)
        self._check(value, answer, nullable=nullable)
        if verbatim is not None:
            self._check_occurs(json.loads(answer, parse_int=Fraction, parse_float=Fraction), verbatim)
        return value

    def nothing(self) -> Any:
        return dict.fromkeys(self.properties) if self.properties else None

    def combine(self, values: list[Any]) -> tuple[Any, Found]:
        if not self.properties:
            return super().combine(values)
        merged: dict[str, Any] = {}
        found: dict[str, int] = {}
        for number, value in enumerate(values, 1):
            for name, member in value.items():
                if merged.get(name) is None:
                    merged[name] = member
                    if member is not None:
                        found[name] = number
        order = {name: place for place, name in enumerate(self.properties)}
        return dict(sorted(merged.items(), key=lambda pair: order.get(pair[0], len(order)))), found

    def is_complete(self, value: Any) -> bool:
        if not self.properties:
            return super().is_complete(value)
        return all(value.get(name) is not None for name in self.properties)

    def accepts(self, value: Any, *, nullable: bool) -> bool:
        try:
            self._check(value, json.dumps(value), nullable=nullable)
        except (InvalidInputError, RefusedOutputError):
            return False
        return True

    def instance(self, value: Any) -> Any:
        """An instance of the type; plain data where null stands for what was not found."""
        if not self._is_type:
            return value
        try:
            return self._target.read(json.dumps(value))
        except ValueError:
            return value

    def _check(self, value: Any, text: str, *, nullable: bool) -> None:
        """Validate with jsonschema, and with the type's own validators unless null replaces a value of it."""
        problem = _problem(self.nullable_schema if nullable else self.schema, value)
        if problem is not None:
            raise InvalidInputError(f"the answer does not follow the schema: {problem}", where=_shown(value))
        if self._is_type and not (nullable and _problem(self.schema, value) is not None):
            self._target.read(text)

    @cached_property
    def _named(self) -> tuple[set[str], set[Fraction]]:
        """The strings and numbers that the schema itself names: values of enum and const, and keys."""
        named = list(_named_in(self.schema))
        texts = {name for name in named if isinstance(name, str)}
        numbers = {Fraction(str(n)) for n in named if isinstance(n, int | float) and not isinstance(n, bool)}
        return texts, numbers

    def _check_occurs(self, value: Any, document: str) -> None:
        texts, numbers = self._named
        if isinstance(value, str) and value not in document and value not in texts:
            raise InvalidInputError("the answer holds a text that the document does not", where=_shown(value))
        if isinstance(value, Fraction) and value not in numbers and value not in numbers_in(document):
            raise InvalidInputError("the answer holds a number that the document does not", where=str(value))
        for part in (*value, *value.values()) if isinstance(value, dict) else ():
            self._check_occurs(part, document)
        for item in value if isinstance(value, list) else ():
            self._check_occurs(item, document)


def _steps(verbatim: str | None) -> int:
    """A long document makes for a large automaton, and may take the work in proportion."""
    return DEFAULT_MAX_STEPS + STEPS_PER_CHARACTER * len(verbatim or "")


def _problem(schema: dict[str, Any] | bool, value: Any) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for

    kind = validator_for(schema, default=Draft202012Validator)
    error = best_match(kind(_without_foreign_patterns(schema)).iter_errors(value))
    return None if error is None else str(error.message)


def _without_foreign_patterns(schema: Any) -> Any:
    """The schema without patterns that Python's `re`, which jsonschema uses, cannot read (`\\p{L}`).

    Those are ECMA-262's own; the grammar has honoured them, but they cannot be checked again.
    """
    if isinstance(schema, list):
        return [_without_foreign_patterns(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: part if key in {"enum", "const"} else _without_foreign_patterns(part)
        for key, part in schema.items()
    }
    if isinstance(schema.get("pattern"), str) and not _is_readable(schema["pattern"]):
        del kept["pattern"]
    keys = schema.get("patternProperties")
    if isinstance(keys, dict) and not all(map(_is_readable, keys)):
        for keyword in ("patternProperties", "additionalProperties", "unevaluatedProperties"):
            kept.pop(keyword, None)
    return kept


def _is_readable(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _named_in(schema: Any) -> Iterator[Any]:
    """Every scalar within an enum or const, and every key and required name, anywhere in a schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from _named_in(item)
    elif isinstance(schema, dict):
        for key, part in schema.items():
            yield key
            if key in {"enum", "const", "required"}:
                yield from _scalars_of(part)
            else:
                yield from _named_in(part)


def _scalars_of(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _scalars_of(item)
    else:
        yield value


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}..."

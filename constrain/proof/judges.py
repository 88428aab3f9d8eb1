"""Who says whether a text is right?  Judges that share no code with what wrote it.

    JSON Schema    `json`, strictly (no key twice, no NaN), then `jsonschema` and `jsonschema-rs`
    a type         the same, and Pydantic
    a pattern      `re`
    a grammar      `lark`, its Earley parser
    tool calls     the reader that takes calls apart, then the two validators for each call's arguments

The two validators are made exact where their defaults are not: `jsonschema` gets the numbers of a text as
`Decimal`, for floats make 0.07 no multiple of 0.01, and its patterns mean what ECMA-262 says as far as
`re` can say it.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import cache
from typing import TYPE_CHECKING, Any

from constrain.extras import need
from constrain.lark_grammar.grammar import grammar_text

if TYPE_CHECKING:
    from lark import Lark

DIGITS = 2_000
"""Digits that a remainder may have: more than the longest number of a text."""


@dataclass(frozen=True)
class Judge:
    """`refuses` returns what is wrong with a text, or None where nothing is.

    Raises CannotJudge for a text that it cannot read though it may be right.
    """

    name: str
    refuses: Callable[[str], str | None]


class CannotJudge(Exception):
    """A judge has no opinion: a pattern that its library does not know, a text nested too deeply for it."""


def schema_judges(
    schema: Any, *, formats: bool = True, registry: Mapping[str, Any] | None = None
) -> list[Judge]:
    """The judges of the texts of a JSON Schema; `registry` has the documents it refers to, by URI."""
    need("testing", "judging what was written")
    documents = registry or {}
    return [
        Judge("json", _read),
        _python_judge(schema, formats, documents),
        _rust_judge(schema, formats, documents),
    ]


def type_judges(kind: Any, schema: Any, *, formats: bool = True) -> list[Judge]:
    """The judges of the texts of a type with this JSON Schema."""
    from pydantic import TypeAdapter

    adapter = TypeAdapter(kind)

    def refuses(text: str) -> str | None:
        try:
            adapter.validate_json(text)
        except ValueError as problem:
            return " ".join(str(problem).split())
        return None

    return [*schema_judges(schema, formats=formats), Judge("pydantic", refuses)]


def pattern_judges(pattern: str, flags: int = 0) -> list[Judge]:
    """`re`, which must match the whole text; it has no opinion on a pattern that only we can read."""
    try:
        compiled = re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as problem:
        return [_silent("re", f"re cannot read the pattern: {problem}")]
    return [Judge("re", lambda text: None if compiled.fullmatch(text) else f"does not match {pattern}")]


def lark_judges(grammar: str | os.PathLike[str], start: str = "start") -> list[Judge]:
    """Lark's Earley parser with its complete lexer, which finds every way to read a text.

    In Lark a terminal's look-around sees the text around the terminal, and in our grammars the terminal alone
    (docs/grammars.md): what Lark refuses under such a grammar it has no opinion on.
    """
    from lark import Lark
    from lark.exceptions import LarkError

    text, source = grammar_text(grammar)
    parser = Lark(
        text,
        start=start,
        parser="earley",
        lexer="dynamic_complete",
        ambiguity="forest",
        source_path=None if source == "<string>" else source,
    )

    looks = any(_looks_around(terminal.pattern.to_regexp()) for terminal in parser.terminals)

    def refuses(text: str) -> str | None:
        try:
            problem = refused_by_lark(parser, text)
        except (LarkError, RecursionError) as fault:
            raise CannotJudge(str(fault)) from fault
        if problem is not None and looks:
            raise CannotJudge("a terminal looks around itself")
        return problem

    return [Judge("lark", refuses)]


def refused_by_lark(parser: Lark, text: str) -> str | None:
    """Why an Earley parser of Lark's refuses a text; None where it takes it.

    Where text may be ignored at the end and also read, Lark finds the start rule complete twice over, and
    says that this is a bug of its own; complete it is.
    """
    from lark.exceptions import UnexpectedInput

    try:
        parser.parse(text)
    except UnexpectedInput as problem:
        return str(problem).splitlines()[0]
    except RuntimeError as problem:
        if "multiple start symbol items" not in str(problem):
            raise
    return None


_LOOKS = re.compile(r"(\\[bBAZ]|[\^$]|\(\?<?[=!])|\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|.", re.DOTALL)
"""What looks around itself in a pattern; or a class of characters, or one character."""


def _looks_around(pattern: str) -> bool:
    """Whether a pattern has an anchor, a boundary of a word or a look-around.

    >>> [_looks_around(pattern) for pattern in ("[^$]", r"\\^", "^a", r"a\\b", "a(?!b)", "(?:a)")]
    [False, False, True, True, True, False]
    """
    return any(piece[1] for piece in _LOOKS.finditer(pattern))


def _strictly(text: str) -> Any:
    """The data of a JSON text, its numbers exact.  Raises ValueError for a key twice, and for NaN."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} is there twice")
        return made

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, object_pairs_hook=once, parse_float=Decimal, parse_constant=refuse)


def _read(text: str) -> str | None:
    try:
        _strictly(text)
    except ValueError as problem:
        return str(problem)
    except RecursionError as problem:
        raise CannotJudge("nested too deeply for Python's parser") from problem
    return None


def _silent(name: str, why: str) -> Judge:
    """A judge without an opinion."""

    def refuses(text: str) -> str | None:
        raise CannotJudge(why)

    return Judge(name, refuses)


def _judging(name: str, judge: Callable[[Any], str | None]) -> Judge:
    """A judge of the data of a text that parses."""
    from referencing.exceptions import Unresolvable

    def refuses(text: str) -> str | None:
        try:
            with localcontext(Context(prec=DIGITS)):
                return judge(_strictly(text))
        except (re.error, RecursionError, Unresolvable, UnicodeEncodeError) as problem:
            raise CannotJudge(f"{name}: {problem}") from problem

    return Judge(name, refuses)


def _python_judge(schema: Any, formats: bool, documents: Mapping[str, Any]) -> Judge:
    from jsonschema import Draft4Validator, Draft202012Validator, FormatChecker
    from jsonschema.validators import extend, validator_for
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    exact = _exact(schema)
    registry = Registry().with_contents(documents.items(), default_specification=DRAFT202012)
    kind = validator_for(exact, default=Draft202012Validator)
    if kind is not Draft4Validator:
        whole = kind.TYPE_CHECKER.redefine("integer", _is_integer)
        kind = extend(kind, type_checker=whole)  # type: ignore[no-untyped-call]
        exact = _rewritten(exact, _with_exclusive_numbers)
    checker = FormatChecker(FormatChecker.checkers.keys() - _OTHER_FORMATS) if formats else None
    validator = kind(_rewritten(exact, _with_patterns_of_python), format_checker=checker, registry=registry)
    is_lenient = formats and not formats_of(exact) <= FormatChecker.checkers.keys() - _OTHER_FORMATS

    def judge(value: Any) -> str | None:
        first = next(iter(validator.iter_errors(value)), None)
        if first is None:
            return None
        if first.validator == "format":
            _check_opinion(first.validator_value, first.instance)
        if is_lenient and any(
            error.validator in {None, *_TURNING} or {"then", "else"} & {*error.absolute_schema_path}
            for error in _all_of(first)
        ):
            raise CannotJudge(f"{first.validator} may turn on a format that jsonschema does not know")
        return f"{first.json_path}: {first.message[:200]}"

    return _judging("jsonschema", judge)


def _rust_judge(schema: Any, formats: bool, documents: Mapping[str, Any]) -> Judge:
    import jsonschema_rs

    spoken = _rewritten(_exact(schema), _without_contents)
    try:
        known = jsonschema_rs.Registry(list(documents.items())) if documents else None
        validator = jsonschema_rs.validator_for(spoken, validate_formats=formats, registry=known)
    except (ValueError, jsonschema_rs.ValidationError) as problem:
        return _silent(
            "jsonschema-rs", f"jsonschema-rs cannot read the schema: {str(problem).splitlines()[0]}"
        )

    is_draft_4 = isinstance(validator, jsonschema_rs.Draft4Validator)

    def judge(value: Any) -> str | None:
        if is_draft_4 and _has_whole_fraction(value):
            raise CannotJudge("12.0 is an integer to jsonschema-rs, and no integer of draft 4 (3.5)")
        first = next(iter(validator.iter_errors(value)), None)
        if first is None:
            return None
        if isinstance(first.kind, jsonschema_rs.ValidationErrorKind.Format):
            _check_opinion(first.kind.format, first.instance)
        return f"{list(first.instance_path)}: {first.message[:200]}"

    return _judging("jsonschema-rs", judge)


def formats_of(schema: Any) -> set[str]:
    """The formats that a schema names, wherever."""
    if isinstance(schema, dict):
        named = schema.get("format")
        return set().union([named] if isinstance(named, str) else [], *map(formats_of, schema.values()))
    return set().union(*map(formats_of, schema)) if isinstance(schema, list) else set()


def _all_of(error: Any) -> Iterator[Any]:
    """An error and those it is made of."""
    yield error
    for inner in error.context:
        yield from _all_of(inner)


def _check_opinion(name: str, text: object) -> None:
    """Raises CannotJudge where the refusal of a format is the validator's alone."""
    disputed = _NO_OPINION.get(name)
    if disputed is not None and isinstance(text, str) and disputed(text):
        raise CannotJudge(f"{text!r} as `{name}`")


def _has_whole_fraction(value: Any) -> bool:
    """Is there a whole number in data that is written with a point or an exponent?"""
    if isinstance(value, dict):
        return any(map(_has_whole_fraction, value.values()))
    if isinstance(value, list):
        return any(map(_has_whole_fraction, value))
    return isinstance(value, Decimal) and value == value.to_integral_value()


def _exact(schema: Any) -> Any:
    """A copy whose fractions are decimal, as its author wrote them."""
    if isinstance(schema, dict):
        return {key: _exact(inner) for key, inner in schema.items()}
    if isinstance(schema, list | tuple):
        return [_exact(inner) for inner in schema]
    return Decimal(repr(schema)) if isinstance(schema, float) else schema


def _is_integer(checker: Any, value: Any) -> bool:
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def _rewritten(schema: Any, change: Callable[[dict[str, Any]], None]) -> Any:
    """The schema with a change made to each of its schemas, in place."""
    from referencing import Resource
    from referencing.jsonschema import DRAFT202012

    pending = [Resource.from_contents(schema, default_specification=DRAFT202012)]
    while pending:
        resource = pending.pop()
        if isinstance(resource.contents, dict):
            change(resource.contents)
        try:
            pending.extend(resource.subresources())
        except (AttributeError, TypeError):  # `items` of another draft than the schema says it follows
            continue
    return schema


def _with_patterns_of_python(schema: dict[str, Any]) -> None:
    """Each pattern as `re` has to read it."""
    if isinstance(schema.get("pattern"), str):
        schema["pattern"] = python_pattern(schema["pattern"])
    named = schema.get("patternProperties")
    if isinstance(named, dict):
        schema["patternProperties"] = {python_pattern(name): inner for name, inner in named.items()}


def _with_exclusive_numbers(schema: dict[str, Any]) -> None:
    """`exclusiveMaximum: true`, as people go on writing since draft 4, is no number to compare with."""
    for bound in ("maximum", "minimum"):
        exclusive = f"exclusive{bound.capitalize()}"
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and bound in schema:
            schema[exclusive] = schema.pop(bound)


def _without_contents(schema: dict[str, Any]) -> None:
    """What a string holds is an annotation since 2019-09; in draft 7 nobody has to assert it."""
    for keyword in ("contentEncoding", "contentMediaType", "contentSchema"):
        schema.pop(keyword, None)


_TURNING = frozenset(
    {"oneOf", "not", "maxContains", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties"}
)
"""Keywords by which a text may be refused because a part of the schema takes it; so may `false` (None)."""
_OTHER_FORMATS = frozenset({"time", "color", "regex"})
"""Those whose meaning in `jsonschema` is that of draft 3, or of Python's `re`."""


def _is_new(text: str) -> bool:
    return any(unicodedata.category(character) == "Cn" for character in text)


_NO_OPINION: Mapping[str, Callable[[str], object]] = {
    "date": re.compile("0000-").match,
    "email": re.compile(r"@(?:.*\.)?..--", re.DOTALL).search,
    "idn-email": lambda text: _is_new(text) or re.search(r"@(?:.*\.)?..--", text, re.DOTALL),
    "idn-hostname": _is_new,
}
"""Texts that a validator refuses, though the format's standard has them.

A year 0000 is one of RFC 3339 (5.6), and none of `datetime`.  A domain of a mailbox may have hyphens in
places 3 and 4 of a label (RFC 5321, 4.1.2), which those of RFC 5891 may not.  A character newer than a
validator's Unicode is to it no letter: Python's is older than `idna`'s.
"""
_IN_PYTHON: Mapping[str, tuple[str, str]] = {
    r"\d": ("[0-9]", "0-9"),
    r"\D": ("[^0-9]", r"\D"),
    r"\w": ("[A-Za-z0-9_]", "A-Za-z0-9_"),
    r"\W": ("[^A-Za-z0-9_]", r"\W"),
    r"\s": ("[\\s\ufeff]", "\\s\ufeff"),
    "$": (r"\Z", "$"),
    "(?<": ("(?P<", "(?<"),
    "[": ("[", r"\["),
}
"""What ECMA-262 writes, as Python does: outside a class, and inside one."""
_PIECES = re.compile(r"\\.|\(\?<(?=[A-Za-z_])|\$|\[|\]|[^\\$\[\](]+|\(", re.DOTALL)


@cache
def python_pattern(pattern: str) -> str:
    """A pattern of ECMA-262 (21.2.2) in Python's words, where these differ.

    >>> python_pattern(r"^\\d[\\w$]$")
    '^[0-9][A-Za-z0-9_$]\\\\Z'
    """
    inside, written = False, []
    for piece in _PIECES.findall(pattern):
        written.append(_IN_PYTHON.get(piece, (piece, piece))[inside])
        if piece == "[":
            inside = True
        elif piece == "]":
            inside = False
    return "".join(written)


def verdicts(judges: Sequence[Judge], text: str) -> dict[str, str | None]:
    """What each judge that has an opinion says of a text: None, or what is wrong with it."""
    found: dict[str, str | None] = {}
    for judge in judges:
        try:
            found[judge.name] = judge.refuses(text)
        except CannotJudge:
            continue
        if judge.name == "json" and found["json"] is not None:
            break  # nobody else can read it
    return found

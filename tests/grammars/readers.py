"""For each language of the catalogue, the parser that the world reads it with."""

from __future__ import annotations

import ast
import csv
import datetime
import io
import json
import re
import warnings
from collections.abc import Callable

import chess
import graphql
import isodate
import sqlglot
from markdown_it import MarkdownIt
from rfc3986 import exceptions, uri_reference, validators

SEMVER = re.compile(
    r"^(?P<major>0|[1-9]\d*)\.(?P<minor>0|[1-9]\d*)\.(?P<patch>0|[1-9]\d*)"
    r"(?:-(?P<prerelease>(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
    r"(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+(?P<buildmetadata>[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$",
    re.ASCII,
)
"""The expression that semver.org publishes."""


def is_arithmetic(text: str) -> bool:
    """Python's own expressions, of numbers alone."""
    tree = ast.parse(text.lstrip(" "), mode="eval")
    return all(
        isinstance(node, ast.Expression | ast.BinOp | ast.UnaryOp | ast.Constant | ast.operator | ast.unaryop)
        for node in ast.walk(tree)
    )


def is_chess(text: str) -> bool:
    """python-chess's pattern; what it leaves open is settled by looking for a position (`test_chess.py`)."""
    return bool(chess.SAN_REGEX.fullmatch(text)) or text in (
        "O-O",
        "O-O-O",
        "O-O-O+",
        "O-O+",
        "O-O#",
        "O-O-O#",
    )


def is_csv(text: str) -> bool:
    """The csv module, strict about quotes."""
    list(csv.reader(io.StringIO(text, newline=""), strict=True))
    return True


def is_graphql(text: str) -> bool:
    """graphql-core, the port of the reference implementation; only documents that can be executed."""
    document = graphql.parse(text)
    return all(
        isinstance(part, graphql.OperationDefinitionNode | graphql.FragmentDefinitionNode)
        for part in document.definitions
    )


def is_date(text: str) -> bool:
    """datetime; for ordinal dates its `%j`, which does not mind a 366th day where there is none."""
    ordinal = re.match(r"(\d{4})-(\d{3})(?=T|$)", text)
    if ordinal is None:
        datetime.datetime.fromisoformat(text)
        return True
    day = datetime.datetime.strptime(ordinal[0], "%Y-%j")
    rest = text[ordinal.end() :]
    if rest:
        datetime.datetime.fromisoformat("2024-01-01" + rest)
    return day.year == int(ordinal[1])


def is_duration(text: str) -> bool:
    """isodate takes a bare `P`, and a `T` with nothing behind it; neither is a duration."""
    isodate.parse_duration(text)
    return text[-1] not in "PT"


def is_json(text: str) -> bool:
    """The json module."""
    json.loads(text)
    return True


def is_json_lines(text: str) -> bool:
    """The json module, line by line."""
    lines = text.split("\n")
    for line in lines[: -1 if lines[-1] == "" else None]:
        json.loads(line)
    return True


def is_table(text: str) -> bool:
    """markdown-it: the text is one table, and every row has a cell for every column."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return bool(tokens) and tokens[0].type == "table_open" and [t.level for t in tokens].count(0) == 2


def is_expression(text: str) -> bool:
    """CPython's own parser."""
    ast.parse(text, mode="eval")
    return True


def is_literal(text: str) -> bool:
    """ast.literal_eval."""
    ast.literal_eval(text)
    return True


def is_select(text: str) -> bool:
    """sqlglot, in no dialect in particular; one statement."""
    return all(isinstance(one, sqlglot.exp.Query) for one in sqlglot.parse(text)) and bool(text)


def is_url(text: str) -> bool:
    """The rfc3986 package, which looks at each component."""
    validator = (
        validators.Validator()
        .require_presence_of("scheme")
        .check_validity_of("scheme", "userinfo", "host", "port", "path", "query", "fragment")
    )
    try:
        validator.validate(uri_reference(text))
    except exceptions.RFC3986Exception:
        return False
    return uri_reference(text).authority is not None or not text.startswith("//")


READERS: dict[str, Callable[[str], bool]] = {
    "arithmetic": is_arithmetic,
    "chess": is_chess,
    "csv": is_csv,
    "graphql": is_graphql,
    "iso8601_date": is_date,
    "iso8601_duration": is_duration,
    "json": is_json,
    "json_lines": is_json_lines,
    "markdown_table": is_table,
    "python_expression": is_expression,
    "python_literal": is_literal,
    "semver": lambda text: bool(SEMVER.match(text)),
    "sql": is_select,
    "url": is_url,
}


def reads(name: str, text: str) -> bool:
    """Does the real parser take this text?  Warnings are errors, so that doubtful texts do not pass."""
    errors = (
        ValueError,
        SyntaxError,
        TypeError,
        csv.Error,
        graphql.GraphQLError,
        sqlglot.errors.SqlglotError,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return READERS[name](text)
        except (*errors, isodate.ISO8601Error, MemoryError, RecursionError, Warning):
            return False

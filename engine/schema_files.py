"""What does `--schema` name?  A JSON Schema file, a schema itself, or a type in a module or a Python file.

    person.json          a JSON Schema: an object or a boolean
    {"type": "string"}   the schema itself: what begins with a brace names no file
    shop.models:Order    the class `Order` of the module `shop.models`, found from the working folder
    models.py:Person     the class `Person` of this file, which is run

A file of that very name comes first.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

from constrain.arguments import parse_json
from constrain.engine.files import is_file, read_json, shown
from constrain.errors import SchemaError, caret


def read_schema(source: str) -> object:
    """A schema file's content, the schema that is written there, or the type that `module:Class` names.

    Raises SchemaError, with the file and place, for anything that is not there or not a schema.
    """
    if source.lstrip().startswith("{"):
        return _inline(source)
    path = Path(source)
    if path.suffix == ".py":
        raise SchemaError(
            "a Python file may hold several types", where=shown(source), hint=f"say which one: {source}:Name"
        )
    if is_file(path):
        return _read_schema(path)
    module, colon, name = source.rpartition(":")
    if not colon or not name.isidentifier():
        raise SchemaError(
            "there is no such schema file",
            where=shown(source),
            hint="give a JSON file, or a type as module:Class or file.py:Class",
        )
    return read_named(module, name)


def find_grammar(source: str) -> Path:
    """A grammar's file, or the one of the catalogue that has this name.

    Raises InvalidInputError for neither.
    """
    from constrain import grammars

    path = Path(source)
    if is_file(path) or source.endswith(".lark"):
        return path
    return grammars.path(source)


def _inline(text: str) -> object:
    try:
        return parse_json(text, "the schema")
    except json.JSONDecodeError as problem:
        raise SchemaError(
            f"the schema is not JSON: {problem.msg}",
            where=caret(text, problem.pos),
            hint='a shell takes quotes away: write it in single ones, \'{"type": "string"}\'',
        ) from problem


def _read_schema(path: Path) -> object:
    schema = read_json(path, "the schema file", SchemaError)
    if not isinstance(schema, dict | bool):
        raise SchemaError(
            f"a JSON Schema is an object or a boolean, not {type(schema).__name__}", where=str(path)
        )
    return schema


def read_named(module_name: str, name: str) -> object:
    """What a name stands for in a module, or in a Python file, which is run.

    Raises SchemaError where there is no such module or name.
    """
    try:
        module = _import(module_name)
    except SchemaError:
        raise
    except (Exception, SystemExit) as problem:  # the user's module may do anything while it is imported
        raise SchemaError(
            f"`{shown(module_name)}` cannot be imported: {type(problem).__name__}: {problem}"
        ) from problem
    if not hasattr(module, name):
        known = sorted(
            n
            for n, value in vars(module).items()
            if isinstance(value, type | FunctionType) and value.__module__ == module.__name__
        )
        raise SchemaError(
            f"`{module_name}` has no `{name}`",
            hint=f"it defines {', '.join(known)}" if known else "it defines no types and no functions",
        )
    return getattr(module, name)


def _import(name: str) -> Any:
    if not name.endswith(".py"):
        sys.path.insert(0, str(Path.cwd()))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.pop(0)
    path = Path(name)
    if not is_file(path):
        raise SchemaError("there is no such Python file", where=shown(name))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SchemaError("this file cannot be imported", where=name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module

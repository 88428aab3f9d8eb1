"""Structured output for MLX, valid by construction.

    from constrain import generate_json, load

    model = load()                                              # or load("mlx-community/...")
    person = generate_json(model, "Mi chiamo Anna e ho 31 anni", Person)

This is the front door: every public name is here.  `constrain` itself is plain Python and numpy; the names
that need MLX live in the package `engine` and are loaded when they are first used, so that masks can be
built, tested and timed on any machine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from constrain.compiler import compile_json_schema, compile_lark, compile_regex
    from constrain.errors import (
        ConstrainError,
        GrammarError,
        IncompleteOutputError,
        InvalidInputError,
        LimitExceeded,
        ModelError,
        RegexError,
        SchemaError,
        TokenError,
        UnsatisfiableError,
        UnsupportedError,
        UnsupportedKeywordError,
        UnsupportedRegexError,
    )
    from constrain.json_schema.options import JsonOptions
    from constrain.matcher import CompiledGrammar, Matcher
    from constrain.vocabulary.bitmask import allocate_token_bitmask
    from constrain.vocabulary.vocabulary import Vocabulary
    from engine.generate import generate_json, generate_regex, stream_json
    from engine.model import LoadedModel, load
    from engine.processor import GrammarLogitsProcessor
    from engine.sampling import make_sampler

_HOME: dict[str, tuple[str, ...]] = {
    "constrain.compiler": ("compile_json_schema", "compile_lark", "compile_regex"),
    "constrain.errors": (
        "ConstrainError", "GrammarError", "IncompleteOutputError", "InvalidInputError", "LimitExceeded",
        "ModelError",
        "RegexError", "SchemaError", "TokenError", "UnsatisfiableError", "UnsupportedError",
        "UnsupportedKeywordError", "UnsupportedRegexError",
    ),
    "constrain.json_schema.options": ("JsonOptions",),
    "constrain.matcher": ("CompiledGrammar", "Matcher"),
    "constrain.vocabulary.bitmask": ("allocate_token_bitmask",),
    "constrain.vocabulary.vocabulary": ("Vocabulary",),
    "engine.generate": ("generate_json", "generate_regex", "stream_json"),
    "engine.model": ("LoadedModel", "load"),
    "engine.processor": ("GrammarLogitsProcessor",),
    "engine.sampling": ("make_sampler",),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "CompiledGrammar",
    "ConstrainError",
    "GrammarError",
    "GrammarLogitsProcessor",
    "IncompleteOutputError",
    "InvalidInputError",
    "JsonOptions",
    "LimitExceeded",
    "LoadedModel",
    "Matcher",
    "ModelError",
    "RegexError",
    "SchemaError",
    "TokenError",
    "UnsatisfiableError",
    "UnsupportedError",
    "UnsupportedKeywordError",
    "UnsupportedRegexError",
    "Vocabulary",
    "__version__",
    "allocate_token_bitmask",
    "compile_json_schema",
    "compile_lark",
    "compile_regex",
    "generate_json",
    "generate_regex",
    "load",
    "make_sampler",
    "stream_json",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'constrain' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

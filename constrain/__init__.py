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
    from constrain.compiler import compile_json_schema, compile_lark, compile_part, compile_regex
    from constrain.engine.agent import AgentRun, AgentStep, arun_tools, run_tools
    from constrain.engine.awaiting import (
        agenerate_choice,
        agenerate_json,
        agenerate_lark,
        agenerate_regex,
        agenerate_text,
        agenerate_tool_calls,
    )
    from constrain.engine.extraction import Extraction, extract
    from constrain.engine.generate import Chosen, generate_choice, generate_json, stream_json
    from constrain.engine.model import LoadedModel, load
    from constrain.engine.partials import Partial, PartialStream
    from constrain.engine.processor import GrammarLogitsProcessor
    from constrain.engine.sampling import make_sampler
    from constrain.engine.streaming import Generation, TextStream
    from constrain.engine.text import (
        generate_lark,
        generate_regex,
        generate_text,
        stream_lark,
        stream_regex,
        stream_text,
    )
    from constrain.engine.tool_calling import (
        PenaltyWarning,
        ToolCall,
        ToolCallAnswer,
        ToolCallStream,
        generate_tool_calls,
        stream_tool_calls,
    )
    from constrain.errors import (
        ConstrainError,
        EndedEarlyWarning,
        Float32Warning,
        GrammarError,
        IncompleteOutputError,
        InvalidInputError,
        LimitExceeded,
        MissingPackageError,
        ModelError,
        RefusedOutputError,
        RegexError,
        SchemaError,
        TokenError,
        UnsatisfiableError,
        UnsupportedError,
        UnsupportedKeywordError,
        UnsupportedRegexError,
    )
    from constrain.explanations.explanation import Explanation
    from constrain.json_schema.formats import register_format
    from constrain.json_schema.options import JsonOptions
    from constrain.matcher import CompiledGrammar, Matcher
    from constrain.parts import (
        Part,
        branches,
        choice,
        either,
        json_value,
        lark,
        literal,
        optional,
        regex,
        repeated,
        sequence,
        special_token,
    )
    from constrain.pictures.automaton import draw_regex
    from constrain.pictures.picture import Picture
    from constrain.pictures.railroad import draw_lark
    from constrain.pictures.schema_tree import draw_json_schema
    from constrain.report import SchemaReport, TextVerdict, check_schema, check_text, explain_text
    from constrain.structural import Tag, free_text, reasoning, structural_tags
    from constrain.tool_calls.forms import Form
    from constrain.tool_calls.grammar import tool_call_grammar
    from constrain.tool_calls.reader import ToolCallReader, read_tool_calls
    from constrain.tool_calls.tools import Tool, as_tool
    from constrain.vocabulary.bitmask import allocate_token_bitmask
    from constrain.vocabulary.vocabulary import Vocabulary

_HOME: dict[str, tuple[str, ...]] = {
    "constrain.compiler": ("compile_json_schema", "compile_lark", "compile_part", "compile_regex"),
    "constrain.errors": (
        "ConstrainError", "EndedEarlyWarning", "Float32Warning", "GrammarError", "IncompleteOutputError",
        "InvalidInputError", "LimitExceeded", "MissingPackageError", "ModelError",
        "RefusedOutputError", "RegexError", "SchemaError", "TokenError", "UnsatisfiableError",
        "UnsupportedError", "UnsupportedKeywordError", "UnsupportedRegexError",
    ),
    "constrain.explanations.explanation": ("Explanation",),
    "constrain.json_schema.formats": ("register_format",),
    "constrain.json_schema.options": ("JsonOptions",),
    "constrain.matcher": ("CompiledGrammar", "Matcher"),
    "constrain.report": ("SchemaReport", "TextVerdict", "check_schema", "check_text", "explain_text"),
    "constrain.parts": (
        "Part", "branches", "choice", "either", "json_value", "lark", "literal", "optional", "regex",
        "repeated", "sequence", "special_token",
    ),
    "constrain.pictures.automaton": ("draw_regex",),
    "constrain.pictures.picture": ("Picture",),
    "constrain.pictures.railroad": ("draw_lark",),
    "constrain.pictures.schema_tree": ("draw_json_schema",),
    "constrain.structural": ("Tag", "free_text", "reasoning", "structural_tags"),
    "constrain.tool_calls.forms": ("Form",),
    "constrain.tool_calls.grammar": ("tool_call_grammar",),
    "constrain.tool_calls.reader": ("ToolCallReader", "read_tool_calls"),
    "constrain.tool_calls.tools": ("Tool", "as_tool"),
    "constrain.vocabulary.bitmask": ("allocate_token_bitmask",),
    "constrain.vocabulary.vocabulary": ("Vocabulary",),
    "constrain.engine.agent": ("AgentRun", "AgentStep", "arun_tools", "run_tools"),
    "constrain.engine.awaiting": (
        "agenerate_choice", "agenerate_json", "agenerate_lark", "agenerate_regex", "agenerate_text",
        "agenerate_tool_calls",
    ),
    "constrain.engine.extraction": ("Extraction", "extract"),
    "constrain.engine.generate": ("Chosen", "generate_choice", "generate_json", "stream_json"),
    "constrain.engine.streaming": ("Generation", "TextStream"),
    "constrain.engine.text": (
        "generate_lark", "generate_regex", "generate_text", "stream_lark", "stream_regex", "stream_text",
    ),
    "constrain.engine.model": ("LoadedModel", "load"),
    "constrain.engine.partials": ("Partial", "PartialStream"),
    "constrain.engine.processor": ("GrammarLogitsProcessor",),
    "constrain.engine.sampling": ("make_sampler",),
    "constrain.engine.tool_calling": (
        "PenaltyWarning", "ToolCall", "ToolCallAnswer", "ToolCallStream", "generate_tool_calls",
        "stream_tool_calls",
    ),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AgentRun",
    "AgentStep",
    "Chosen",
    "CompiledGrammar",
    "ConstrainError",
    "EndedEarlyWarning",
    "Explanation",
    "Extraction",
    "Float32Warning",
    "Form",
    "Generation",
    "GrammarError",
    "GrammarLogitsProcessor",
    "IncompleteOutputError",
    "InvalidInputError",
    "JsonOptions",
    "LimitExceeded",
    "LoadedModel",
    "Matcher",
    "MissingPackageError",
    "ModelError",
    "Part",
    "Partial",
    "PartialStream",
    "PenaltyWarning",
    "Picture",
    "RefusedOutputError",
    "RegexError",
    "SchemaError",
    "SchemaReport",
    "Tag",
    "TextStream",
    "TextVerdict",
    "TokenError",
    "Tool",
    "ToolCall",
    "ToolCallAnswer",
    "ToolCallReader",
    "ToolCallStream",
    "UnsatisfiableError",
    "UnsupportedError",
    "UnsupportedKeywordError",
    "UnsupportedRegexError",
    "Vocabulary",
    "__version__",
    "agenerate_choice",
    "agenerate_json",
    "agenerate_lark",
    "agenerate_regex",
    "agenerate_text",
    "agenerate_tool_calls",
    "allocate_token_bitmask",
    "arun_tools",
    "as_tool",
    "branches",
    "check_schema",
    "check_text",
    "choice",
    "compile_json_schema",
    "compile_lark",
    "compile_part",
    "compile_regex",
    "draw_json_schema",
    "draw_lark",
    "draw_regex",
    "either",
    "explain_text",
    "extract",
    "free_text",
    "generate_choice",
    "generate_json",
    "generate_lark",
    "generate_regex",
    "generate_text",
    "generate_tool_calls",
    "json_value",
    "lark",
    "literal",
    "load",
    "make_sampler",
    "optional",
    "read_tool_calls",
    "reasoning",
    "regex",
    "register_format",
    "repeated",
    "run_tools",
    "sequence",
    "special_token",
    "stream_json",
    "stream_lark",
    "stream_regex",
    "stream_text",
    "stream_tool_calls",
    "structural_tags",
    "tool_call_grammar",
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

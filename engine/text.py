"""Text that a pattern, a Lark grammar or a part accepts: one call from a prompt to it.

    generate_regex(model, "When was it?", "[0-9]{4}")    →  "1861"
    generate_lark(model, "All the cats", "sql")           →  "SELECT * FROM cats"
    generate_text(model, prompt, sequence("<", json_value(Person), ">"))

Prompts, batches, results and options are those of `generate_json` (`generate.py`), but for what only types
have: nothing refuses a text that follows its grammar, so there are no retries.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from constrain.engine.asking import Asking, Matching, Parsing, Prompt, Prompts, Writer, check_options
from constrain.engine.model import ModelLike, as_model
from constrain.engine.prompting import grammar_request, regex_request
from constrain.engine.streaming import Generation, TextStream
from constrain.errors import ConstrainError
from constrain.lark_grammar.grammar import grammar_text
from constrain.regular.syntax import PatternLike, as_pattern

if TYPE_CHECKING:
    from constrain.parts import PartLike


@overload
def generate_regex(
    model: ModelLike,
    prompt: Prompt,
    pattern: PatternLike,
    *,
    return_result: Literal[False] = ...,
    verbose: bool = ...,
    **options: Unpack[Matching],
) -> str: ...


@overload
def generate_regex(
    model: ModelLike,
    prompt: Prompt,
    pattern: PatternLike,
    *,
    return_result: Literal[True],
    verbose: bool = ...,
    **options: Unpack[Matching],
) -> Generation[str]: ...


@overload
def generate_regex(
    model: ModelLike,
    prompt: Prompts,
    pattern: PatternLike,
    *,
    return_result: Literal[False] = ...,
    verbose: bool = ...,
    **options: Unpack[Matching],
) -> list[str | ConstrainError]: ...


@overload
def generate_regex(
    model: ModelLike,
    prompt: Prompts,
    pattern: PatternLike,
    *,
    return_result: Literal[True],
    verbose: bool = ...,
    **options: Unpack[Matching],
) -> list[Generation[str] | ConstrainError]: ...


def generate_regex(
    model: ModelLike,
    prompt: Prompt | Prompts,
    pattern: PatternLike,
    *,
    return_result: bool = False,
    verbose: bool = False,
    **options: Unpack[Matching],
) -> Any:
    """Generate text that `re.fullmatch(pattern, text)` accepts; `options` are those of `Matching`.

    The pattern is text, or what `re.compile` made of it, flags and all.
    Raises LimitExceeded and IncompleteOutputError as `generate_json` does.
    """
    writer = _regex_writer(model, pattern, options, "return_result", "verbose")
    return writer.answer(prompt, return_result=return_result, verbose=verbose)


def stream_regex(
    model: ModelLike,
    prompt: Prompt,
    pattern: PatternLike,
    **options: Unpack[Matching],
) -> TextStream[str]:
    """Yield the text of `generate_regex` piece by piece, as it is written."""
    return _regex_writer(model, pattern, options).stream(prompt)


def _regex_writer(
    model: ModelLike, pattern: PatternLike, options: Mapping[str, Any], *more: str
) -> Writer[str]:
    from constrain.compiler import compile_regex

    asking = check_options(options, Matching, *more)
    text, flags = as_pattern(pattern, asking.pop("flags", 0))
    verbatim, is_shown = asking.pop("verbatim", None), asking.pop("pattern_in_prompt", True)
    loaded = as_model(model)
    compiled = compile_regex(text, loaded.vocabulary, flags=flags, verbatim=verbatim)
    return Writer(loaded, regex_request(text) if is_shown else None, compiled, str, asking)


@overload
def generate_lark(
    model: ModelLike,
    prompt: Prompt,
    grammar: str | os.PathLike[str],
    *,
    return_result: Literal[False] = ...,
    verbose: bool = ...,
    **options: Unpack[Parsing],
) -> str: ...


@overload
def generate_lark(
    model: ModelLike,
    prompt: Prompt,
    grammar: str | os.PathLike[str],
    *,
    return_result: Literal[True],
    verbose: bool = ...,
    **options: Unpack[Parsing],
) -> Generation[str]: ...


@overload
def generate_lark(
    model: ModelLike,
    prompt: Prompts,
    grammar: str | os.PathLike[str],
    *,
    return_result: Literal[False] = ...,
    verbose: bool = ...,
    **options: Unpack[Parsing],
) -> list[str | ConstrainError]: ...


@overload
def generate_lark(
    model: ModelLike,
    prompt: Prompts,
    grammar: str | os.PathLike[str],
    *,
    return_result: Literal[True],
    verbose: bool = ...,
    **options: Unpack[Parsing],
) -> list[Generation[str] | ConstrainError]: ...


def generate_lark(
    model: ModelLike,
    prompt: Prompt | Prompts,
    grammar: str | os.PathLike[str],
    *,
    return_result: bool = False,
    verbose: bool = False,
    **options: Unpack[Parsing],
) -> Any:
    """Generate text that a Lark grammar accepts; `options` are those of `Parsing`.

    `grammar` is its text, the path of a file, or a name of the catalogue, such as "sql".

    Raises what `compile_lark` raises, and LimitExceeded and IncompleteOutputError as `generate_json` does.
    """
    writer = _lark_writer(model, grammar, options, "return_result", "verbose")
    return writer.answer(prompt, return_result=return_result, verbose=verbose)


def stream_lark(
    model: ModelLike,
    prompt: Prompt,
    grammar: str | os.PathLike[str],
    **options: Unpack[Parsing],
) -> TextStream[str]:
    """Yield the text of `generate_lark` piece by piece, as it is written."""
    return _lark_writer(model, grammar, options).stream(prompt)


def _lark_writer(
    model: ModelLike, grammar: str | os.PathLike[str], options: Mapping[str, Any], *more: str
) -> Writer[str]:
    from constrain.compiler import compile_lark

    asking = check_options(options, Parsing, *more)
    start, embed = asking.pop("start", "start"), asking.pop("embed", None)
    is_shown = asking.pop("grammar_in_prompt", True)
    if isinstance(grammar, str) and grammar.isidentifier():  # no text of a grammar is one word
        from constrain import grammars

        grammar = grammars.path(grammar)
    loaded = as_model(model)
    compiled = compile_lark(grammar, loaded.vocabulary, start=start, embed=embed)
    request = grammar_request(grammar_text(grammar)[0], start) if is_shown else None
    return Writer(loaded, request, compiled, str, asking)


@overload
def generate_text(
    model: ModelLike,
    prompt: Prompt,
    part: PartLike,
    *,
    return_result: Literal[False] = ...,
    verbose: bool = ...,
    **options: Unpack[Asking],
) -> str: ...


@overload
def generate_text(
    model: ModelLike,
    prompt: Prompt,
    part: PartLike,
    *,
    return_result: Literal[True],
    verbose: bool = ...,
    **options: Unpack[Asking],
) -> Generation[str]: ...


@overload
def generate_text(
    model: ModelLike,
    prompt: Prompts,
    part: PartLike,
    *,
    return_result: Literal[False] = ...,
    verbose: bool = ...,
    **options: Unpack[Asking],
) -> list[str | ConstrainError]: ...


@overload
def generate_text(
    model: ModelLike,
    prompt: Prompts,
    part: PartLike,
    *,
    return_result: Literal[True],
    verbose: bool = ...,
    **options: Unpack[Asking],
) -> list[Generation[str] | ConstrainError]: ...


def generate_text(
    model: ModelLike,
    prompt: Prompt | Prompts,
    part: PartLike,
    *,
    return_result: bool = False,
    verbose: bool = False,
    **options: Unpack[Asking],
) -> Any:
    """Generate a text of a part (`constrain.parts`): sequences, alternatives, free text with tags in it.

    Nothing is added to the prompt.  Special tokens that the part asks for appear as their tokenizer shows
    them.  `options` are those of `Asking`.  Raises LimitExceeded and IncompleteOutputError as
    `generate_json` does.
    """
    return _text_writer(model, part, options, "return_result", "verbose").answer(
        prompt, return_result=return_result, verbose=verbose
    )


def stream_text(
    model: ModelLike, prompt: Prompt, part: PartLike, **options: Unpack[Asking]
) -> TextStream[str]:
    """Yield the text of `generate_text` piece by piece, as it is written."""
    return _text_writer(model, part, options).stream(prompt)


def _text_writer(model: ModelLike, part: PartLike, options: Mapping[str, Any], *more: str) -> Writer[str]:
    from constrain.compiler import compile_part

    asking, loaded = check_options(options, Asking, *more), as_model(model)
    return Writer(loaded, None, compile_part(part, loaded.vocabulary), str, asking)

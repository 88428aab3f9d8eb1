"""One call from a prompt and a schema to a value.

    generate_json(model, "Mi chiamo Anna e ho 31 anni", Person)     →  Person(name="Anna", age=31)

What goes in decides what comes out.  A type (a Pydantic model, a dataclass, a TypedDict, `list[int]`, a
`Literal`, a union) comes back as an instance of it, built and validated by Pydantic's `TypeAdapter`; a JSON
Schema (a dict, a bool, or JSON text) comes back as plain Python data.

    schema_of      type or schema → JSON Schema, and how to read the answer
    compiler       JSON Schema + vocabulary → matcher
    prompting      prompt + schema → tokens
    streaming      tokens, one by one, under the matcher, to text
    here           text → value

An answer is complete within `max_tokens`; where only they ended it an `EndedEarlyWarning` says so.  A text
that is not complete is never returned as if it were: `IncompleteOutputError` carries it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from constrain.errors import SchemaError
from constrain.lark_grammar.grammar import grammar_text
from engine.answers import read_json, reader
from engine.files import parse_json
from engine.model import ModelLike, as_model
from engine.prompting import (
    Message,
    choice_request,
    grammar_request,
    prompt_tokens,
    regex_request,
    schema_request,
)
from engine.streaming import collected, stream

if TYPE_CHECKING:
    from constrain.matcher import CompiledGrammar
    from constrain.parts import PartLike
    from engine.sampling import SamplerFunction

T = TypeVar("T")
Prompt = str | Sequence[Message]

DEFAULT_MAX_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Target:
    """What an answer must look like, and how to read it."""

    schema: dict[str, Any] | bool
    read: Callable[[str], Any]


def schema_of(schema: object) -> Target:
    """The JSON Schema of a type, of a schema, or of a schema's text; and the reader of its answers."""
    if isinstance(schema, dict | bool):
        return Target(schema, read_json)
    if isinstance(schema, str):
        try:
            parsed = parse_json(schema, "the schema")
        except json.JSONDecodeError as problem:
            raise SchemaError(
                f"the schema is text, but not JSON: {problem}",
                hint="give a schema as a dict, as JSON text, or as a type",
            ) from problem
        if not isinstance(parsed, dict | bool):
            raise SchemaError(f"a JSON Schema is an object or a boolean, not {type(parsed).__name__}")
        return Target(parsed, read_json)
    return _target_of_type(schema)


def _target_of_type(schema: object) -> Target:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

    from constrain.type_schema import type_schema

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(cast(Any, schema))
        return Target(type_schema(adapter), reader(adapter))
    except (PydanticUserError, PydanticSchemaGenerationError) as problem:
        raise SchemaError(
            f"{schema!r} has no JSON Schema: {str(problem).splitlines()[0]}",
            hint="give a Pydantic model, a dataclass, a type, or a JSON Schema as a dict or as text",
        ) from problem


@overload
def generate_json(
    model: ModelLike,
    prompt: Prompt,
    schema: type[T],
    *,
    max_tokens: int = ...,
    temp: float = ...,
    top_p: float = ...,
    min_p: float = ...,
    top_k: int = ...,
    seed: int | None = ...,
    use_chat_template: bool = ...,
    schema_in_prompt: bool = ...,
    sampler: SamplerFunction | None = ...,
    verbose: bool = ...,
    **options: Any,
) -> T: ...


@overload
def generate_json(
    model: ModelLike,
    prompt: Prompt,
    schema: object,
    *,
    max_tokens: int = ...,
    temp: float = ...,
    top_p: float = ...,
    min_p: float = ...,
    top_k: int = ...,
    seed: int | None = ...,
    use_chat_template: bool = ...,
    schema_in_prompt: bool = ...,
    sampler: SamplerFunction | None = ...,
    verbose: bool = ...,
    **options: Any,
) -> Any: ...


def generate_json(
    model: ModelLike,
    prompt: Prompt,
    schema: object,
    *,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    temp: float = 0.0,
    top_p: float = 0.0,
    min_p: float = 0.0,
    top_k: int = 0,
    seed: int | None = None,
    use_chat_template: bool = True,
    schema_in_prompt: bool = True,
    sampler: SamplerFunction | None = None,
    verbose: bool = False,
    **options: Any,
) -> Any:
    """Generate a value that the schema allows.

    `prompt` is text or a list of chat messages.  `sampler` replaces temp, top_p, min_p and top_k.  `options`
    go to the compiler: `whitespace`, `property_order`, `spelling`, ...  With `verbose` the text is printed as
    it grows.

    Raises LimitExceeded where not even the shortest answer fits into `max_tokens`, and IncompleteOutputError
    where they run out in a text that owes more than 256 of them.
    """
    target = schema_of(schema)
    pieces = stream_json(
        model,
        prompt,
        target.schema,
        max_tokens=max_tokens,
        temp=temp,
        top_p=top_p,
        min_p=min_p,
        top_k=top_k,
        seed=seed,
        use_chat_template=use_chat_template,
        schema_in_prompt=schema_in_prompt,
        sampler=sampler,
        **options,
    )
    return target.read(collected(pieces, verbose=verbose))


def stream_json(
    model: ModelLike,
    prompt: Prompt,
    schema: object,
    *,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    temp: float = 0.0,
    top_p: float = 0.0,
    min_p: float = 0.0,
    top_k: int = 0,
    seed: int | None = None,
    use_chat_template: bool = True,
    schema_in_prompt: bool = True,
    sampler: SamplerFunction | None = None,
    **options: Any,
) -> Iterator[str]:
    """Yield the JSON text of `generate_json` piece by piece, as it is written.

    What is wrong with the schema, the model or the prompt is raised by this call, before the first piece.
    """
    from constrain.compiler import compile_json_schema

    target, loaded = schema_of(schema), as_model(model)
    compiled = compile_json_schema(target.schema, loaded.vocabulary, **options)
    request = schema_request(target.schema) if schema_in_prompt else None
    tokens = prompt_tokens(loaded.tokenizer, prompt, request, use_chat_template=use_chat_template)
    sampler = sampler or _sampler(temp, top_p, min_p, top_k)
    return stream(loaded, tokens, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed)


def generate_regex(
    model: ModelLike,
    prompt: Prompt,
    pattern: str,
    *,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    temp: float = 0.0,
    top_p: float = 0.0,
    min_p: float = 0.0,
    top_k: int = 0,
    seed: int | None = None,
    use_chat_template: bool = True,
    pattern_in_prompt: bool = True,
    sampler: SamplerFunction | None = None,
    verbose: bool = False,
    flags: int = 0,
    verbatim: str | None = None,
) -> str:
    """Generate text that `re.fullmatch(pattern, text)` accepts.

    With `verbatim`, a document, the named groups (without any, the whole) hold only what occurs in it.
    Raises LimitExceeded and IncompleteOutputError as `generate_json` does.
    """
    from constrain.compiler import compile_regex

    loaded = as_model(model)
    compiled = compile_regex(pattern, loaded.vocabulary, flags=flags, verbatim=verbatim)
    request = regex_request(pattern) if pattern_in_prompt else None
    tokens = prompt_tokens(loaded.tokenizer, prompt, request, use_chat_template=use_chat_template)
    sampler = sampler or _sampler(temp, top_p, min_p, top_k)
    pieces = stream(loaded, tokens, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed)
    return collected(pieces, verbose=verbose)


def generate_lark(
    model: ModelLike,
    prompt: Prompt,
    grammar: str | os.PathLike[str],
    *,
    start: str = "start",
    embed: Mapping[str, PartLike] | None = None,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    temp: float = 0.0,
    top_p: float = 0.0,
    min_p: float = 0.0,
    top_k: int = 0,
    seed: int | None = None,
    use_chat_template: bool = True,
    grammar_in_prompt: bool = True,
    sampler: SamplerFunction | None = None,
    verbose: bool = False,
) -> str:
    """Generate text that a Lark grammar accepts.

    `grammar` is its text, or the path of a file, such as `grammars.path("sql")`; `start` names the rule to
    start from, and `embed` says which parts stand for terminals that it only declares (`%declare`).

    Raises what `compile_lark` raises, and LimitExceeded and IncompleteOutputError as `generate_json` does.
    """
    from constrain.compiler import compile_lark

    loaded = as_model(model)
    compiled = compile_lark(grammar, loaded.vocabulary, start=start, embed=embed)
    request = grammar_request(grammar_text(grammar)[0], start) if grammar_in_prompt else None
    tokens = prompt_tokens(loaded.tokenizer, prompt, request, use_chat_template=use_chat_template)
    sampler = sampler or _sampler(temp, top_p, min_p, top_k)
    pieces = stream(loaded, tokens, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed)
    return collected(pieces, verbose=verbose)


def generate_compiled(
    model: ModelLike,
    tokens: Sequence[int],
    compiled: CompiledGrammar,
    *,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    sampler: SamplerFunction,
    seed: int | None = None,
) -> str:
    """Generate a text of a compiled grammar after a prompt that is tokens already.

    For many answers under one grammar, whose values must not be cut: nothing is hurried near the end, and
    where `max_tokens` runs out first IncompleteOutputError is raised.
    """
    loaded = as_model(model)
    pieces = stream(loaded, tokens, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed, finish=False)
    return collected(pieces, verbose=False)


def generate_text(
    model: ModelLike,
    prompt: Prompt,
    part: PartLike,
    *,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    temp: float = 0.0,
    top_p: float = 0.0,
    min_p: float = 0.0,
    top_k: int = 0,
    seed: int | None = None,
    use_chat_template: bool = True,
    sampler: SamplerFunction | None = None,
    verbose: bool = False,
) -> str:
    """Generate a text of a part (`constrain.parts`): sequences, alternatives, free text with tags in it.

    Nothing is added to the prompt.  Special tokens that the part asks for appear as their tokenizer shows
    them.  Raises LimitExceeded and IncompleteOutputError as `generate_json` does.
    """
    from constrain.compiler import compile_part

    loaded = as_model(model)
    compiled = compile_part(part, loaded.vocabulary)
    tokens = prompt_tokens(loaded.tokenizer, prompt, None, use_chat_template=use_chat_template)
    sampler = sampler or _sampler(temp, top_p, min_p, top_k)
    pieces = stream(loaded, tokens, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed)
    return collected(pieces, verbose=verbose)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The text that was chosen, and for every choice the logarithm of its share of the probability."""

    text: str
    logprobs: dict[str, float]


@overload
def generate_choice(
    model: ModelLike,
    prompt: Prompt,
    choices: Iterable[str],
    *,
    with_logprobs: Literal[False] = ...,
    temp: float = ...,
    seed: int | None = ...,
    use_chat_template: bool = ...,
    choices_in_prompt: bool = ...,
    sampler: SamplerFunction | None = ...,
) -> str: ...


@overload
def generate_choice(
    model: ModelLike,
    prompt: Prompt,
    choices: Iterable[str],
    *,
    with_logprobs: Literal[True],
    temp: float = ...,
    seed: int | None = ...,
    use_chat_template: bool = ...,
    choices_in_prompt: bool = ...,
    sampler: SamplerFunction | None = ...,
) -> Chosen: ...


def generate_choice(
    model: ModelLike,
    prompt: Prompt,
    choices: Iterable[str],
    *,
    with_logprobs: bool = False,
    temp: float = 0.0,
    seed: int | None = None,
    use_chat_template: bool = True,
    choices_in_prompt: bool = True,
    sampler: SamplerFunction | None = None,
) -> str | Chosen:
    """Generate one of some texts.

    `with_logprobs` also says how probable each choice is to the model, as the logarithm of its share among
    them; `engine/scoring.py` defines it.  The text is the same with and without: it is decided token by token
    under the mask, and need not have the largest share.
    """
    from constrain.compiler import compile_part
    from constrain.parts import choice

    texts, loaded = list(dict.fromkeys(choices)), as_model(model)
    compiled = compile_part(choice(texts), loaded.vocabulary)
    request = choice_request(texts) if choices_in_prompt else None
    tokens = prompt_tokens(loaded.tokenizer, prompt, request, use_chat_template=use_chat_template)
    longest = max(len(text.encode()) for text in texts)
    sampler = sampler or _sampler(temp, 0.0, 0.0, 0)
    pieces = stream(loaded, tokens, compiled, max_tokens=longest + 1, sampler=sampler, seed=seed)
    text = collected(pieces, verbose=False)
    if not with_logprobs:
        return text
    from engine.scoring import shares

    found = shares(loaded.network, tokens, texts, loaded.vocabulary, loaded.tokenizer)
    return Chosen(text, dict(zip(texts, found, strict=True)))


def _sampler(temp: float, top_p: float, min_p: float, top_k: int) -> SamplerFunction:
    from engine.sampling import make_sampler

    return make_sampler(temp, top_p=top_p, min_p=min_p, top_k=top_k)

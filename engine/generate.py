"""One call from a prompt and a schema to a value.

    generate_json(model, "Mi chiamo Anna e ho 31 anni", Person)     →  Person(name="Anna", age=31)

What goes in decides what comes out.  A type (a Pydantic model, a dataclass, a TypedDict, `list[int]`, a
`Literal`, a union) comes back as an instance of it, built and validated by Pydantic's `TypeAdapter`; a JSON
Schema (a dict, a bool, or JSON text) comes back as plain Python data.

    schema_of      type or schema → JSON Schema, and how to read the answer
    compiler       JSON Schema + vocabulary → matcher
    prompting      prompt + schema → tokens
    decode         tokens, one by one, under the matcher
    here           bytes → text → value

A text that ends before it is complete is never returned as if it were: `IncompleteOutputError` carries it.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from constrain.errors import IncompleteOutputError, InvalidInputError, SchemaError
from constrain.lark_grammar.grammar import grammar_text
from engine.answers import read_json
from engine.model import LoadedModel, ModelLike, as_model
from engine.prompting import (
    Message,
    choice_request,
    grammar_request,
    prompt_tokens,
    regex_request,
    schema_request,
)

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
            parsed = json.loads(schema)
        except ValueError as problem:
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

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(cast(Any, schema))
        return Target(adapter.json_schema(), adapter.validate_json)
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
    it grows. Raises IncompleteOutputError when `max_tokens` runs out first.
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
    return target.read(_collected(pieces, verbose=verbose))


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
    return _stream(loaded, tokens, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed)


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
    Raises IncompleteOutputError when `max_tokens` runs out first.
    """
    from constrain.compiler import compile_regex

    loaded = as_model(model)
    compiled = compile_regex(pattern, loaded.vocabulary, flags=flags, verbatim=verbatim)
    request = regex_request(pattern) if pattern_in_prompt else None
    tokens = prompt_tokens(loaded.tokenizer, prompt, request, use_chat_template=use_chat_template)
    sampler = sampler or _sampler(temp, top_p, min_p, top_k)
    pieces = _stream(loaded, tokens, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed)
    return _collected(pieces, verbose=verbose)


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

    Raises what `compile_lark` raises, and IncompleteOutputError when `max_tokens` runs out first.
    """
    from constrain.compiler import compile_lark

    loaded = as_model(model)
    compiled = compile_lark(grammar, loaded.vocabulary, start=start, embed=embed)
    request = grammar_request(grammar_text(grammar)[0], start) if grammar_in_prompt else None
    tokens = prompt_tokens(loaded.tokenizer, prompt, request, use_chat_template=use_chat_template)
    sampler = sampler or _sampler(temp, top_p, min_p, top_k)
    pieces = _stream(loaded, tokens, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed)
    return _collected(pieces, verbose=verbose)


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

    For many answers under one grammar.  Raises IncompleteOutputError when `max_tokens` runs out first.
    """
    loaded = as_model(model)
    pieces = _stream(loaded, tokens, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed)
    return _collected(pieces, verbose=False)


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
    them.  Raises IncompleteOutputError when `max_tokens` runs out first.
    """
    from constrain.compiler import compile_part

    loaded = as_model(model)
    compiled = compile_part(part, loaded.vocabulary)
    tokens = prompt_tokens(loaded.tokenizer, prompt, None, use_chat_template=use_chat_template)
    sampler = sampler or _sampler(temp, top_p, min_p, top_k)
    pieces = _stream(loaded, tokens, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed)
    return _collected(pieces, verbose=verbose)


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
    pieces = _stream(loaded, tokens, compiled, max_tokens=longest + 1, sampler=sampler, seed=seed)
    text = _collected(pieces, verbose=False)
    if not with_logprobs:
        return text
    from engine.scoring import shares

    found = shares(loaded.network, tokens, texts, loaded.vocabulary, loaded.tokenizer)
    return Chosen(text, dict(zip(texts, found, strict=True)))


def _sampler(temp: float, top_p: float, min_p: float, top_k: int) -> SamplerFunction:
    from engine.sampling import make_sampler

    return make_sampler(temp, top_p=top_p, min_p=min_p, top_k=top_k)


def check_max_tokens(max_tokens: int) -> None:
    """Refuse a limit that no answer can keep."""
    if max_tokens < 1:
        raise InvalidInputError(
            f"max_tokens={max_tokens} leaves no room for an answer", hint="give at least 1"
        )


def _stream(
    loaded: LoadedModel,
    prompt: Sequence[int],
    compiled: CompiledGrammar,
    *,
    max_tokens: int,
    sampler: SamplerFunction,
    seed: int | None,
) -> Generator[str, None, None]:
    """Decode, and turn tokens into text: bytes are held back until their character is complete."""
    from engine.decode import check_prompt

    check_max_tokens(max_tokens)
    check_prompt(loaded.network, prompt)
    return _pieces(loaded, prompt, compiled, max_tokens=max_tokens, sampler=sampler, seed=seed)


def _pieces(
    loaded: LoadedModel,
    prompt: Sequence[int],
    compiled: CompiledGrammar,
    *,
    max_tokens: int,
    sampler: SamplerFunction,
    seed: int | None,
) -> Generator[str, None, None]:
    import mlx.core as mx

    from engine.decode import decode

    if seed is not None:
        mx.random.seed(seed)
    vocabulary, written = loaded.vocabulary, []
    to_text = codecs.getincrementaldecoder("utf-8")(errors="replace")
    steps = decode(
        loaded.network,
        prompt,
        compiled.matcher(),
        vocabulary_size=vocabulary.size,
        end_tokens=vocabulary.eos_token_ids,
        max_tokens=max_tokens,
        sampler=sampler,
        forcing=loaded.forcing,
    )
    count = 0
    while True:
        try:
            token = next(steps)
        except StopIteration as end:
            finish = end.value
            break
        count += 1
        piece = to_text.decode(vocabulary.tokens[token] or _shown(loaded, token))
        if piece:
            written.append(piece)
            yield piece
    if finish != "stop":
        raise IncompleteOutputError(
            f"the answer was not complete after {count} tokens",
            text="".join(written),
            where=f"...{''.join(written)[-60:]}",
            hint=f"pass a larger max_tokens (it is {max_tokens}), or bound the schema with maxLength and "
            "maxItems",
        )


def _shown(loaded: LoadedModel, token: int) -> bytes:
    """How the tokenizer shows a special token, which writes no bytes of its own."""
    return str(loaded.tokenizer.convert_ids_to_tokens(token) or "").encode()


def _collected(pieces: Iterator[str], *, verbose: bool) -> str:
    """Join the pieces; with `verbose`, show them between two lines as they come, as mlx-lm does."""
    if not verbose:
        return "".join(pieces)
    started, written = time.perf_counter(), []
    sys.stdout.write("==========\n")
    for piece in pieces:
        written.append(piece)
        sys.stdout.write(piece)
        sys.stdout.flush()
    text = "".join(written)
    sys.stdout.write(f"\n==========\n{len(text)} characters in {time.perf_counter() - started:.2f} s\n")
    return text

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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, Unpack, cast, overload

from constrain.errors import SchemaError
from constrain.lark_grammar.grammar import grammar_text
from engine.answers import read_json, reader
from engine.files import parse_json
from engine.model import LoadedModel, ModelLike, as_model
from engine.prompting import (
    Message,
    choice_request,
    grammar_request,
    prompt_tokens,
    regex_request,
)
from engine.showing import Way, shown_schema
from engine.streaming import Generation, TextStream, show, stream
from engine.thinking import reasoning_budget

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
    from constrain.type_schema import describe_type

    adapter, described = describe_type(schema)
    return Target(described, reader(adapter))


class Asking(TypedDict, total=False):
    """How a model is asked, and how it answers: the options of everything that generates text.

    `max_tokens`    the most tokens of the answer; it is complete within them.
    `temp`, `top_p`, `min_p`, `top_k`    how a token is drawn; all 0: the most probable one.
    `sampler`       replaces these four.
    `seed`          makes drawing repeatable.
    `use_chat_template`     False: give the prompt as plain text.
    `chat_template_kwargs`  what else the chat template is told, such as {"enable_thinking": False}.
    `reasoning`     True, or a number of tokens: the model may think first, in so many tokens, which
                    `max_tokens` do not count.  The answer is returned alone; `result` of a stream has both.
    """

    max_tokens: int
    temp: float
    top_p: float
    min_p: float
    top_k: int
    sampler: SamplerFunction | None
    seed: int | None
    use_chat_template: bool
    chat_template_kwargs: Mapping[str, Any] | None
    reasoning: bool | int


class Writing(Asking, total=False):
    """The options of JSON: those of `Asking`, those of the compiler (`JsonOptions`), and the prompt's.

    `schema_in_prompt`    whether the model is shown the schema, and how: "schema", "skeleton" or "typescript"
                          (`showing.py`); True is the way that was best for a small model.
    `registry`            the documents that remote references name, by URI.
    """

    schema_in_prompt: bool | Way
    registry: Mapping[str, Any] | None
    whitespace: Literal["default", "compact", "any"] | int
    spelling: Literal["canonical", "any"]
    property_order: Literal["schema", "any"]
    formats: Literal["assert", "annotate"]
    additional_properties: Literal[False] | None
    verbatim: str | None
    max_alternatives: int
    max_steps: int
    max_seconds: float | None


@overload
def generate_json(
    model: ModelLike, prompt: Prompt, schema: type[T], *, verbose: bool = ..., **options: Unpack[Writing]
) -> T: ...


@overload
def generate_json(
    model: ModelLike, prompt: Prompt, schema: object, *, verbose: bool = ..., **options: Unpack[Writing]
) -> Any: ...


def generate_json(
    model: ModelLike, prompt: Prompt, schema: object, *, verbose: bool = False, **options: Unpack[Writing]
) -> Any:
    """Generate a value that the schema allows.

    `prompt` is text or a list of chat messages.  `options` are those of `Asking` (`max_tokens`, `temp`, ...)
    and of `Writing` (`whitespace`, `property_order`, ...).  With `verbose` the text is printed as it grows.

    Raises LimitExceeded where not even the shortest answer fits into `max_tokens`, and IncompleteOutputError
    where they run out in a text whose completion could not be found (`finishing.py`).
    """
    return _value(stream_json(model, prompt, schema, **options), verbose=verbose)


@overload
def stream_json(
    model: ModelLike, prompt: Prompt, schema: type[T], **options: Unpack[Writing]
) -> TextStream[T]: ...


@overload
def stream_json(
    model: ModelLike, prompt: Prompt, schema: object, **options: Unpack[Writing]
) -> TextStream[Any]: ...


def stream_json(
    model: ModelLike, prompt: Prompt, schema: object, **options: Unpack[Writing]
) -> TextStream[Any]:
    """Yield the JSON text of `generate_json` piece by piece, as it is written; `result()` has the value.

    What is wrong with the schema, the model or the prompt is raised by this call, before the first piece.
    """
    from constrain.compiler import compile_json_schema

    target, loaded = schema_of(schema), as_model(model)
    asking = {name: options.pop(name) for name in _ASKING if name in options}  # type: ignore[misc]
    in_prompt = options.pop("schema_in_prompt", True)
    compiled = compile_json_schema(target.schema, loaded.vocabulary, **options)
    request = shown_schema(target.schema, in_prompt, loaded.reads)
    return _stream(loaded, prompt, request, compiled, target.read, **cast(Any, asking))


def generate_regex(
    model: ModelLike,
    prompt: Prompt,
    pattern: str,
    *,
    flags: int = 0,
    verbatim: str | None = None,
    pattern_in_prompt: bool = True,
    verbose: bool = False,
    **options: Unpack[Asking],
) -> str:
    """Generate text that `re.fullmatch(pattern, text)` accepts; `options` are those of `Asking`.

    With `verbatim`, a document, the named groups (without any, the whole) hold only what occurs in it.
    Raises LimitExceeded and IncompleteOutputError as `generate_json` does.
    """
    stream = stream_regex(
        model,
        prompt,
        pattern,
        flags=flags,
        verbatim=verbatim,
        pattern_in_prompt=pattern_in_prompt,
        **options,
    )
    return _value(stream, verbose=verbose)


def stream_regex(
    model: ModelLike,
    prompt: Prompt,
    pattern: str,
    *,
    flags: int = 0,
    verbatim: str | None = None,
    pattern_in_prompt: bool = True,
    **options: Unpack[Asking],
) -> TextStream[str]:
    """Yield the text of `generate_regex` piece by piece, as it is written."""
    from constrain.compiler import compile_regex

    loaded = as_model(model)
    compiled = compile_regex(pattern, loaded.vocabulary, flags=flags, verbatim=verbatim)
    request = regex_request(pattern) if pattern_in_prompt else None
    return _stream(loaded, prompt, request, compiled, str, **options)


def generate_lark(
    model: ModelLike,
    prompt: Prompt,
    grammar: str | os.PathLike[str],
    *,
    start: str = "start",
    embed: Mapping[str, PartLike] | None = None,
    grammar_in_prompt: bool = True,
    verbose: bool = False,
    **options: Unpack[Asking],
) -> str:
    """Generate text that a Lark grammar accepts; `options` are those of `Asking`.

    `grammar` is its text, or the path of a file, such as `grammars.path("sql")`; `start` names the rule to
    start from, and `embed` says which parts stand for terminals that it only declares (`%declare`).

    Raises what `compile_lark` raises, and LimitExceeded and IncompleteOutputError as `generate_json` does.
    """
    stream = stream_lark(
        model, prompt, grammar, start=start, embed=embed, grammar_in_prompt=grammar_in_prompt, **options
    )
    return _value(stream, verbose=verbose)


def stream_lark(
    model: ModelLike,
    prompt: Prompt,
    grammar: str | os.PathLike[str],
    *,
    start: str = "start",
    embed: Mapping[str, PartLike] | None = None,
    grammar_in_prompt: bool = True,
    **options: Unpack[Asking],
) -> TextStream[str]:
    """Yield the text of `generate_lark` piece by piece, as it is written."""
    from constrain.compiler import compile_lark

    loaded = as_model(model)
    compiled = compile_lark(grammar, loaded.vocabulary, start=start, embed=embed)
    request = grammar_request(grammar_text(grammar)[0], start) if grammar_in_prompt else None
    return _stream(loaded, prompt, request, compiled, str, **options)


def generate_text(
    model: ModelLike, prompt: Prompt, part: PartLike, *, verbose: bool = False, **options: Unpack[Asking]
) -> str:
    """Generate a text of a part (`constrain.parts`): sequences, alternatives, free text with tags in it.

    Nothing is added to the prompt.  Special tokens that the part asks for appear as their tokenizer shows
    them.  `options` are those of `Asking`.  Raises LimitExceeded and IncompleteOutputError as
    `generate_json` does.
    """
    return _value(stream_text(model, prompt, part, **options), verbose=verbose)


def stream_text(
    model: ModelLike, prompt: Prompt, part: PartLike, **options: Unpack[Asking]
) -> TextStream[str]:
    """Yield the text of `generate_text` piece by piece, as it is written."""
    from constrain.compiler import compile_part

    loaded = as_model(model)
    return _stream(loaded, prompt, None, compile_part(part, loaded.vocabulary), str, **options)


_ASKING = tuple(Asking.__annotations__)


def _value(stream: TextStream[T], *, verbose: bool) -> T:
    if verbose:
        show(stream)
    return stream.result().value


def _stream(
    loaded: LoadedModel,
    prompt: Prompt,
    request: str | None,
    compiled: CompiledGrammar,
    read: Callable[[str], T],
    *,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    temp: float = 0.0,
    top_p: float = 0.0,
    min_p: float = 0.0,
    top_k: int = 0,
    sampler: SamplerFunction | None = None,
    seed: int | None = None,
    use_chat_template: bool = True,
    chat_template_kwargs: Mapping[str, Any] | None = None,
    reasoning: bool | int = False,
) -> TextStream[T]:
    """The stream of an answer: here `Asking` has its defaults."""
    budget = reasoning_budget(reasoning)
    tokens = prompt_tokens(
        loaded.tokenizer,
        prompt,
        request,
        use_chat_template=use_chat_template,
        chat_template_kwargs=chat_template_kwargs,
        reasoning=budget > 0,
    )
    return stream(
        loaded,
        tokens,
        compiled,
        max_tokens=max_tokens,
        sampler=sampler or _sampler(temp, top_p, min_p, top_k),
        seed=seed,
        read=read,
        reasoning=budget,
    )


def generate_compiled(
    model: ModelLike,
    tokens: Sequence[int],
    compiled: CompiledGrammar,
    *,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    sampler: SamplerFunction,
    seed: int | None = None,
    reasoning: int = 0,
) -> Generation[str]:
    """Generate a text of a compiled grammar after a prompt that is tokens already.

    For many answers under one grammar, whose values must not be cut: nothing is hurried near the end, and
    where `max_tokens` runs out first IncompleteOutputError is raised.  Up to `reasoning` tokens are thought
    before it.
    """
    return stream(
        as_model(model),
        tokens,
        compiled,
        max_tokens=max_tokens,
        sampler=sampler,
        seed=seed,
        read=str,
        finish=False,
        reasoning=reasoning,
    ).result()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The text that was chosen, and for every choice the logarithm of its share of the probability.

    `reasoning` is what was thought first, if anything was; the shares are those behind it.
    """

    text: str
    logprobs: dict[str, float]
    reasoning: str = ""


class Choosing(TypedDict, total=False):
    """The options of a choice, as in `Asking`."""

    temp: float
    sampler: SamplerFunction | None
    seed: int | None
    use_chat_template: bool
    chat_template_kwargs: Mapping[str, Any] | None
    reasoning: bool | int


@overload
def generate_choice(
    model: ModelLike,
    prompt: Prompt,
    choices: Iterable[str],
    *,
    with_logprobs: Literal[False] = ...,
    choices_in_prompt: bool = ...,
    **options: Unpack[Choosing],
) -> str: ...


@overload
def generate_choice(
    model: ModelLike,
    prompt: Prompt,
    choices: Iterable[str],
    *,
    with_logprobs: Literal[True],
    choices_in_prompt: bool = ...,
    **options: Unpack[Choosing],
) -> Chosen: ...


def generate_choice(
    model: ModelLike,
    prompt: Prompt,
    choices: Iterable[str],
    *,
    with_logprobs: bool = False,
    choices_in_prompt: bool = True,
    **options: Unpack[Choosing],
) -> str | Chosen:
    """Generate one of some texts; `options` are those of `Choosing`.

    `with_logprobs` also says how probable each choice is to the model, as the logarithm of its share among
    them; `engine/scoring.py` defines it.  The text is the same with and without: it is decided token by token
    under the mask, and need not have the largest share.
    """
    from constrain.compiler import compile_part
    from constrain.parts import choice

    texts, loaded = list(dict.fromkeys(choices)), as_model(model)
    compiled = compile_part(choice(texts), loaded.vocabulary)
    request = choice_request(texts) if choices_in_prompt else None
    longest = max(len(text.encode()) for text in texts)
    stream = _stream(loaded, prompt, request, compiled, str, max_tokens=longest + 1, **options)
    made = stream.result()
    if not with_logprobs:
        return made.value
    from engine.scoring import shares

    before = [*stream.prompt, *made.reasoning_tokens]
    found = shares(loaded.network, before, texts, loaded.vocabulary, loaded.tokenizer)
    return Chosen(made.value, dict(zip(texts, found, strict=True)), made.reasoning)


def _sampler(temp: float, top_p: float, min_p: float, top_k: int) -> SamplerFunction:
    from engine.sampling import make_sampler

    return make_sampler(temp, top_p=top_p, min_p=min_p, top_k=top_k)

"""One call from a prompt and a schema to a value.

    generate_json(model, "Mi chiamo Anna e ho 31 anni", Person)     →  Person(name="Anna", age=31)

What goes in decides what comes out.  A type (a Pydantic model, a dataclass, a TypedDict, `list[int]`, a
`Literal`, a union) comes back as an instance of it, built and validated by Pydantic's `TypeAdapter`; a JSON
Schema (a dict, a bool, or JSON text) comes back as plain Python data.

    schema_of      type or schema → JSON Schema, and how to read the answer
    compiler       JSON Schema + vocabulary → matcher
    prompting      prompt + schema → tokens
    asking         the options, and who asks again where a validator of the type refuses an answer
    streaming      tokens, one by one, under the matcher, to text
    here           text → value

An answer is complete within `max_tokens`; where only they ended it an `EndedEarlyWarning` says so.  A text
that is not complete is never returned as if it were: `IncompleteOutputError` carries it.  One that a
validator refuses is carried by `RefusedOutputError`.

With `return_result` the `Generation` is returned whose `value` is returned without it: text, tokens, times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, cast, get_args, get_origin, overload

from constrain.arguments import as_list
from constrain.engine.asking import (
    DEFAULT_MAX_TOKENS,
    Choosing,
    Prompt,
    Prompts,
    Writer,
    Writing,
    check_options,
    is_batch,
    of_each,
)
from constrain.engine.model import ModelLike, as_model
from constrain.engine.partials import PartialStream
from constrain.engine.prompting import choice_request, messages_of
from constrain.engine.showing import shown_schema
from constrain.engine.streaming import Generation, TextStream, stream
from constrain.errors import ConstrainError, InvalidInputError
from constrain.json_schema.options import Compiling
from constrain.target import is_type, schema_of

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from constrain.engine.sampling import SamplerFunction
    from constrain.matcher import CompiledGrammar

T = TypeVar("T")


@overload
def generate_json(
    model: ModelLike,
    prompt: Prompt,
    schema: TypeForm[T],
    *,
    return_result: Literal[False] = ...,
    retries: int = ...,
    verbose: bool = ...,
    **options: Unpack[Writing],
) -> T: ...


@overload
def generate_json(
    model: ModelLike,
    prompt: Prompt,
    schema: TypeForm[T],
    *,
    return_result: Literal[True],
    retries: int = ...,
    verbose: bool = ...,
    **options: Unpack[Writing],
) -> Generation[T]: ...


@overload
def generate_json(
    model: ModelLike,
    prompt: Prompts,
    schema: TypeForm[T],
    *,
    return_result: Literal[False] = ...,
    retries: int = ...,
    verbose: bool = ...,
    **options: Unpack[Writing],
) -> list[T | ConstrainError]: ...


@overload
def generate_json(
    model: ModelLike,
    prompt: Prompts,
    schema: TypeForm[T],
    *,
    return_result: Literal[True],
    retries: int = ...,
    verbose: bool = ...,
    **options: Unpack[Writing],
) -> list[Generation[T] | ConstrainError]: ...


@overload
def generate_json(
    model: ModelLike,
    prompt: Prompt | Prompts,
    schema: object,
    *,
    return_result: Literal[False] = ...,
    retries: int = ...,
    verbose: bool = ...,
    **options: Unpack[Writing],
) -> Any: ...


@overload
def generate_json(
    model: ModelLike,
    prompt: Prompt,
    schema: object,
    *,
    return_result: Literal[True],
    retries: int = ...,
    verbose: bool = ...,
    **options: Unpack[Writing],
) -> Generation[Any]: ...


@overload
def generate_json(
    model: ModelLike,
    prompt: Prompts,
    schema: object,
    *,
    return_result: Literal[True],
    retries: int = ...,
    verbose: bool = ...,
    **options: Unpack[Writing],
) -> list[Generation[Any] | ConstrainError]: ...


def generate_json(
    model: ModelLike,
    prompt: Prompt | Prompts,
    schema: object,
    *,
    return_result: bool = False,
    retries: int = 0,
    verbose: bool = False,
    **options: Unpack[Writing],
) -> Any:
    """Generate a value that the schema allows.

    `prompt` is text or a list of chat messages.  A list of prompts is a batch: the list of their values comes
    back, in order, with a prompt's own error in its place.  `options` are those of `Asking` (`max_tokens`,
    `temp`, ...) and of `Writing` (`whitespace`, `property_order`, ...).  With `return_result` a `Generation`
    is returned, with `value`, `text`, `tokens` and more.  With `verbose` the text is printed as it grows.

    Validators in Python may refuse an answer that follows the schema; then the model is told why and asked
    again, up to `retries` times.

    Raises RefusedOutputError, with the text, where they refuse the last answer too; LimitExceeded where not
    even the shortest answer fits into `max_tokens`, or where it holds a number that Python cannot; and
    IncompleteOutputError where the tokens run out in a text whose completion could not be found
    (`finishing.py`).
    """
    if not is_batch(prompt):
        messages_of(cast(Prompt, prompt))  # before the schema: what is wrong may be their order
    writer = _json_writer(model, schema, options, "retries", "return_result", "verbose")
    return writer.answer(prompt, return_result=return_result, retries=retries, verbose=verbose)


@overload
def stream_json(
    model: ModelLike,
    prompt: Prompt,
    schema: TypeForm[T],
    *,
    partial: Literal[False] = ...,
    **options: Unpack[Writing],
) -> TextStream[T]: ...


@overload
def stream_json(
    model: ModelLike,
    prompt: Prompt,
    schema: TypeForm[T],
    *,
    partial: Literal[True],
    **options: Unpack[Writing],
) -> PartialStream[T]: ...


@overload
def stream_json(
    model: ModelLike,
    prompt: Prompt,
    schema: object,
    *,
    partial: Literal[False] = ...,
    **options: Unpack[Writing],
) -> TextStream[Any]: ...


@overload
def stream_json(
    model: ModelLike, prompt: Prompt, schema: object, *, partial: Literal[True], **options: Unpack[Writing]
) -> PartialStream[Any]: ...


def stream_json(
    model: ModelLike, prompt: Prompt, schema: object, *, partial: bool = False, **options: Unpack[Writing]
) -> TextStream[Any] | PartialStream[Any]:
    """Yield the JSON text of `generate_json` piece by piece, as it is written; `result()` has the value.

    With `partial` the value so far is yielded instead: an instance of the type each time, or plain data for a
    schema, with the paths of what is still open in it (`Partial`).

    What is wrong with the schema, the model or the prompt is raised by this call, before the first piece.
    What a validator refuses is raised by `result()`: RefusedOutputError.
    """
    stream = _json_writer(model, schema, options, "partial").stream(prompt)
    return PartialStream(stream, of_type=is_type(schema)) if partial else stream


def _json_writer(model: ModelLike, schema: object, options: Mapping[str, Any], *more: str) -> Writer[Any]:
    """What is asked of a model that is to write JSON; `more` are the caller's own options."""
    from constrain.compiler import compile_json_schema

    asking = check_options(options, Writing, *more)
    compiling = {name: asking.pop(name) for name in _COMPILING if name in asking}
    in_prompt = asking.pop("schema_in_prompt", True)
    target, loaded = schema_of(schema), as_model(model)
    compiled = compile_json_schema(target.schema, loaded.vocabulary, **compiling)
    return Writer(loaded, shown_schema(target.schema, in_prompt, loaded.reads), compiled, target.read, asking)


_COMPILING = (*Compiling.__annotations__, "registry")


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


@overload
def generate_choice(
    model: ModelLike,
    prompt: Prompt,
    choices: TypeForm[T],
    *,
    with_logprobs: Literal[False] = ...,
    choices_in_prompt: bool = ...,
    **options: Unpack[Choosing],
) -> T: ...


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
    choices: object,
    *,
    with_logprobs: Literal[True],
    choices_in_prompt: bool = ...,
    **options: Unpack[Choosing],
) -> Chosen: ...


@overload
def generate_choice(
    model: ModelLike,
    prompt: Prompts,
    choices: TypeForm[T],
    *,
    with_logprobs: Literal[False] = ...,
    choices_in_prompt: bool = ...,
    **options: Unpack[Choosing],
) -> list[T | ConstrainError]: ...


@overload
def generate_choice(
    model: ModelLike,
    prompt: Prompts,
    choices: Iterable[str],
    *,
    with_logprobs: Literal[False] = ...,
    choices_in_prompt: bool = ...,
    **options: Unpack[Choosing],
) -> list[str | ConstrainError]: ...


@overload
def generate_choice(
    model: ModelLike,
    prompt: Prompts,
    choices: object,
    *,
    with_logprobs: Literal[True],
    choices_in_prompt: bool = ...,
    **options: Unpack[Choosing],
) -> list[Chosen | ConstrainError]: ...


def generate_choice(
    model: ModelLike,
    prompt: Prompt | Prompts,
    choices: Any,
    *,
    with_logprobs: bool = False,
    choices_in_prompt: bool = True,
    **options: Unpack[Choosing],
) -> Any:
    """Generate one of some texts; `options` are those of `Choosing`.  A list of prompts is a batch.

    `choices` is a list of texts, a `Literal[...]` or an `Enum`; of these the value or the member comes back.

    `with_logprobs` also says how probable each choice is to the model, as the logarithm of its share among
    them; `engine/scoring.py` defines it.  The text is the same with and without: it is decided token by token
    under the mask, and need not have the largest share.
    """
    from constrain.compiler import compile_part
    from constrain.parts import choice

    values = values_of(choices)
    texts, loaded = list(values), as_model(model)
    compiled = compile_part(choice(texts), loaded.vocabulary)
    request = choice_request(texts) if choices_in_prompt else None
    longest = max(len(text.encode()) for text in texts)
    asking = check_options(options, Choosing, "with_logprobs", "choices_in_prompt")
    writer = Writer(loaded, request, compiled, str, {**asking, "max_tokens": longest + 1})

    def one(row: Prompt) -> Any:
        stream = writer.stream(row)
        made = stream.result()
        if not with_logprobs:
            return values[made.value]
        from constrain.engine.scoring import shares

        before = [*stream.prompt, *made.reasoning_tokens]
        found = shares(loaded.network, before, texts, loaded.vocabulary, loaded.tokenizer)
        return Chosen(made.value, dict(zip(texts, found, strict=True)), made.reasoning)

    return of_each(prompt, one)


def values_of(choices: object) -> dict[str, Any]:
    """The texts to choose from, and what each stands for.

    Raises InvalidInputError for a single text, which holds letters, and where two values have one text.

    >>> values_of(Literal["yes", 0])
    {'yes': 'yes', '0': 0}
    """
    if isinstance(choices, type) and issubclass(choices, Enum):
        values: list[Any] = list(choices)
    elif get_origin(choices) is Literal:
        values = list(get_args(choices))
    else:
        texts = as_list(choices, "choices", 'for a single one: ["..."]')
        return dict(zip(texts, texts, strict=True))
    found: dict[str, Any] = {}
    for value in values:
        text = str(value.value if isinstance(value, Enum) else value)
        if text in found:
            raise InvalidInputError(f"two of the choices are written `{text}`")
        found[text] = value
    return found

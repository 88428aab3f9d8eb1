"""How does a server wait for an answer without standing still?

    person = await agenerate_json(model, prompt, Person)

Each function here is the one of its name without the `a`, called in a thread that is kept for generating
(`asking.in_thread`), so that the event loop goes on.  There is one such thread, and answers are written in
the order in which they were asked for.  An answer whose task is cancelled is still written to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from constrain.engine.asking import Asking, Choosing, Matching, Parsing, Prompt, Prompts, Writing, in_thread
from constrain.engine.generate import generate_choice, generate_json
from constrain.engine.model import ModelLike
from constrain.engine.prompting import Message
from constrain.engine.streaming import Generation
from constrain.engine.text import generate_lark, generate_regex, generate_text
from constrain.engine.tool_calling import Calling, ToolCallAnswer, generate_tool_calls

if TYPE_CHECKING:
    import os

    from typing_extensions import TypeForm

    from constrain.parts import PartLike
    from constrain.regular.syntax import PatternLike

T = TypeVar("T")


@overload
async def agenerate_json(
    model: ModelLike,
    prompt: Prompt,
    schema: TypeForm[T],
    *,
    return_result: Literal[False] = ...,
    retries: int = ...,
    **options: Unpack[Writing],
) -> T: ...


@overload
async def agenerate_json(
    model: ModelLike,
    prompt: Prompt,
    schema: TypeForm[T],
    *,
    return_result: Literal[True],
    retries: int = ...,
    **options: Unpack[Writing],
) -> Generation[T]: ...


@overload
async def agenerate_json(
    model: ModelLike,
    prompt: Prompt | Prompts,
    schema: object,
    *,
    return_result: bool = ...,
    retries: int = ...,
    **options: Unpack[Writing],
) -> Any: ...


async def agenerate_json(
    model: ModelLike,
    prompt: Prompt | Prompts,
    schema: object,
    *,
    return_result: bool = False,
    retries: int = 0,
    **options: Unpack[Writing],
) -> Any:
    """`generate_json`, awaited."""
    return await in_thread(
        generate_json, model, prompt, schema, return_result=return_result, retries=retries, **options
    )


@overload
async def agenerate_regex(
    model: ModelLike,
    prompt: Prompt,
    pattern: PatternLike,
    **options: Unpack[Matching],
) -> str: ...


@overload
async def agenerate_regex(
    model: ModelLike,
    prompt: Prompt | Prompts,
    pattern: PatternLike,
    *,
    return_result: bool = ...,
    **options: Unpack[Matching],
) -> Any: ...


async def agenerate_regex(
    model: ModelLike, prompt: Prompt | Prompts, pattern: PatternLike, **options: Any
) -> Any:
    """`generate_regex`, awaited."""
    return await in_thread(generate_regex, model, prompt, pattern, **options)


@overload
async def agenerate_lark(
    model: ModelLike,
    prompt: Prompt,
    grammar: str | os.PathLike[str],
    **options: Unpack[Parsing],
) -> str: ...


@overload
async def agenerate_lark(
    model: ModelLike,
    prompt: Prompt | Prompts,
    grammar: str | os.PathLike[str],
    *,
    return_result: bool = ...,
    **options: Unpack[Parsing],
) -> Any: ...


async def agenerate_lark(
    model: ModelLike, prompt: Prompt | Prompts, grammar: str | os.PathLike[str], **options: Any
) -> Any:
    """`generate_lark`, awaited."""
    return await in_thread(generate_lark, model, prompt, grammar, **options)


@overload
async def agenerate_text(
    model: ModelLike,
    prompt: Prompt,
    part: PartLike,
    **options: Unpack[Asking],
) -> str: ...


@overload
async def agenerate_text(
    model: ModelLike,
    prompt: Prompt | Prompts,
    part: PartLike,
    *,
    return_result: bool = ...,
    **options: Unpack[Asking],
) -> Any: ...


async def agenerate_text(model: ModelLike, prompt: Prompt | Prompts, part: PartLike, **options: Any) -> Any:
    """`generate_text`, awaited."""
    return await in_thread(generate_text, model, prompt, part, **options)


@overload
async def agenerate_choice(
    model: ModelLike,
    prompt: Prompt,
    choices: TypeForm[T],
    *,
    choices_in_prompt: bool = ...,
    **options: Unpack[Choosing],
) -> T: ...


@overload
async def agenerate_choice(
    model: ModelLike,
    prompt: Prompt,
    choices: Iterable[str],
    *,
    choices_in_prompt: bool = ...,
    **options: Unpack[Choosing],
) -> str: ...


@overload
async def agenerate_choice(
    model: ModelLike,
    prompt: Prompt | Prompts,
    choices: object,
    *,
    with_logprobs: bool = ...,
    choices_in_prompt: bool = ...,
    **options: Unpack[Choosing],
) -> Any: ...


async def agenerate_choice(model: ModelLike, prompt: Prompt | Prompts, choices: Any, **options: Any) -> Any:
    """`generate_choice`, awaited."""
    return await in_thread(generate_choice, model, prompt, choices, **options)


async def agenerate_tool_calls(
    model: ModelLike, messages: str | Sequence[Message], tools: Iterable[object], **options: Unpack[Calling]
) -> ToolCallAnswer:
    """`generate_tool_calls`, awaited."""
    answer: ToolCallAnswer = await in_thread(generate_tool_calls, model, messages, tools, **options)
    return answer

"""How is a model asked: with which options, and how often?

    Writer(loaded, request, compiled, read, asking)      what is asked, compiled once
        .stream(prompt)      → TextStream                one answer, as it is written
        .generate(prompt)    → Generation                one answer, and more where a validator refuses it
        .answer(prompts)     → their values              in order, or the error of each

The options of everything that generates are named here once, for type checkers and for the check that no
option is misspelt (`check_options`).

An answer that a validator of its type refuses (RefusedOutputError) may be asked for again: with `retries`
the refused text and the reasons are put behind the conversation as two more turns, and the model answers
once more (instructor's habit).  A stream has no retries, for what was read of it cannot be taken back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, cast

from constrain.arguments import kind_of, nearest
from constrain.engine.model import LoadedModel
from constrain.engine.options import whole
from constrain.engine.prompting import Message, messages_of, prompt_tokens, with_refusal
from constrain.engine.showing import Way
from constrain.engine.streaming import Generation, TextStream, show, stream
from constrain.engine.thinking import reasoning_budget
from constrain.errors import ConstrainError, InvalidInputError, RefusedOutputError
from constrain.json_schema.options import Compiling

if TYPE_CHECKING:
    from constrain.engine.sampling import SamplerFunction
    from constrain.matcher import CompiledGrammar
    from constrain.parts import PartLike

T = TypeVar("T")
Prompt = str | Sequence[Message]
"""Text, or a conversation."""
Prompts = list[str] | list[list[Message]]
"""A batch: several prompts, asked the same."""

DEFAULT_MAX_TOKENS = 512


class Asking(TypedDict, total=False):
    """How a model is asked, and how it answers: the options of everything that generates text.

    `max_tokens`    the most tokens of the answer; it is complete within them.
    `temp`, `top_p`, `min_p`, `top_k`    how a token is drawn; all 0: the most probable one.
    `temperature`   another name of `temp`.
    `sampler`       replaces these.
    `seed`          makes drawing repeatable.
    `use_chat_template`     False: give the prompt as plain text.
    `chat_template_kwargs`  what else the chat template is told, such as {"enable_thinking": False}.
    `reasoning`     True, or a number of tokens: the model may think first, in so many tokens, which
                    `max_tokens` do not count.  The answer is returned alone; a `Generation` has both.
    """

    max_tokens: int
    temp: float
    temperature: float
    top_p: float
    min_p: float
    top_k: int
    sampler: SamplerFunction | None
    seed: int | None
    use_chat_template: bool
    chat_template_kwargs: Mapping[str, Any] | None
    reasoning: bool | int


class Writing(Asking, Compiling, total=False):
    """The options of JSON: those of `Asking`, those of the compiler (`JsonOptions`), and the prompt's.

    `schema_in_prompt`    whether the model is shown the schema, and how: "schema", "skeleton" or "typescript"
                          (`showing.py`); True is the way that was best for a small model.
    `registry`            the documents that remote references name, by URI.
    """

    schema_in_prompt: bool | Way
    registry: Mapping[str, Any] | None


class Matching(Asking, total=False):
    """The options of text that matches a pattern: those of `Asking`, and

    `flags`              those of `re`, where the pattern is text.
    `verbatim`           a document: the named groups (without any, the whole) hold only what occurs in it.
    `pattern_in_prompt`  whether the model is shown the pattern.
    """

    flags: int
    verbatim: str | None
    pattern_in_prompt: bool


class Parsing(Asking, total=False):
    """The options of text that a Lark grammar accepts: those of `Asking`, and

    `start`              the rule to start from.
    `embed`              which parts stand for the terminals that the grammar only declares (`%declare`).
    `grammar_in_prompt`  whether the model is shown the grammar.
    """

    start: str
    embed: Mapping[str, PartLike] | None
    grammar_in_prompt: bool


class Choosing(TypedDict, total=False):
    """The options of a choice, as in `Asking`."""

    temp: float
    temperature: float
    sampler: SamplerFunction | None
    seed: int | None
    use_chat_template: bool
    chat_template_kwargs: Mapping[str, Any] | None
    reasoning: bool | int


def check_options(given: Mapping[str, Any], known: type, *more: str) -> dict[str, Any]:
    """The options with each under its one name; `known` is their TypedDict, `more` the function's own.

    Raises InvalidInputError for a name that is none, with the nearest one that is.

    >>> check_options({"temperature": 0.3}, Asking)
    {'temp': 0.3}
    >>> check_options({"max_token": 3}, Asking)
    Traceback (most recent call last):
        ...
    constrain.errors.InvalidInputError: there is no option `max_token`
    hint: did you mean `max_tokens`?
    """
    names = [*known.__annotations__, *more]
    for name in given:
        if name not in names:
            hint = _ELSEWHERE.get(name) or nearest(name, names, f"the options are {', '.join(names)}")
            raise InvalidInputError(f"there is no option `{name}`", hint=hint)
    options = dict(given)
    if "temperature" in options:
        if "temp" in options:
            raise InvalidInputError("`temp` and `temperature` are one option", hint="give one of them")
        options["temp"] = options.pop("temperature")
    return options


_ELSEWHERE = {
    "stream": "stream_json and its siblings yield the text as it is written",
    "partial": "stream_json(..., partial=True) yields the value as it grows",
    "stop": "an answer ends where its schema or grammar says; max_tokens is the most that it may have",
    "n": "a list of prompts is a batch: generate_json(model, [prompt] * n, schema, temp=1.0)",
    "system": 'it is a message: [{"role": "system", "content": "..."}, {"role": "user", "content": "..."}]',
    "messages": "they are the prompt, which is text or a list of messages",
    "retries": "a validator of a type may refuse an answer of generate_json; a stream cannot be taken back",
    "return_result": "result() of a stream has all that is known; of a choice, with_logprobs=True",
    "response_model": "it is the schema, behind the prompt",
    "response_format": "it is the schema, behind the prompt",
}
"""What options of other libraries are here."""


@dataclass(frozen=True, slots=True)
class Writer(Generic[T]):
    """What a model is asked: the request behind each prompt, the grammar, how answers are read, and how."""

    loaded: LoadedModel
    request: str | None
    compiled: CompiledGrammar
    read: Callable[[str], T]
    asking: Mapping[str, Any]

    def stream(self, prompt: Prompt) -> TextStream[T]:
        """The answer to a prompt as it is written; what is wrong is raised now."""
        return _stream(self.loaded, prompt, self.request, self.compiled, self.read, **self.asking)

    def generate(self, prompt: Prompt, *, retries: int = 0, verbose: bool = False) -> Generation[T]:
        """The answer to a prompt; with `retries`, another one for one that is refused, up to so many times.

        Raises the RefusedOutputError of the last.
        """
        retries = whole("retries", retries, least=0)
        for taken in count():
            made = self.stream(prompt)
            if verbose:
                show(made)
            try:
                return made.result(retries=taken)
            except RefusedOutputError as refusal:
                if taken == retries:
                    raise
                prompt = with_refusal(messages_of(prompt), refusal)
        raise AssertionError("counting has no end")

    def answer(
        self, prompt: Prompt | Prompts, *, return_result: bool, retries: int = 0, verbose: bool = False
    ) -> Any:
        """The value of an answer, or the whole result; for a batch a list of them.

        What goes wrong with one prompt of a batch stands in its place in the list, as the error that it is.
        """

        def one(row: Prompt) -> Any:
            made = self.generate(row, retries=retries, verbose=verbose)
            return made if return_result else made.value

        return of_each(prompt, one)


def of_each(prompt: Prompt | Prompts, answer: Callable[[Prompt], Any]) -> Any:
    """What is answered to a prompt, or to each of a batch: there a prompt's own error stands in its place."""
    if not is_batch(prompt):
        return answer(cast(Prompt, prompt))
    rows: list[Any] = []
    for row in prompt:
        try:
            rows.append(answer(cast(Prompt, row)))
        except ConstrainError as problem:
            rows.append(problem)
    return rows


async def in_thread(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function that generates in the one thread that is kept for it, and await what it returns.

    Answers are written one after the other, in the order in which they were asked for: the device is one.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREAD, partial(function, *arguments, **options))


_THREAD = ThreadPoolExecutor(1, "constrain")


def is_batch(prompt: object) -> bool:
    """Whether these are several prompts: a list that holds some, and no message.

    >>> is_batch(["a", None]), is_batch([{"role": "user", "content": "a"}]), is_batch("ab")
    (True, False, False)
    """
    return (
        isinstance(prompt, list | tuple)
        and any(isinstance(row, str | list | tuple) for row in prompt)
        and not any(isinstance(row, Mapping) for row in prompt)
    )


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
        sampler=_sampler(temp, top_p, min_p, top_k) if sampler is None else _as_sampler(sampler),
        seed=seed,
        read=read,
        reasoning=budget,
    )


def _as_sampler(given: Any) -> SamplerFunction:
    if not callable(given):
        raise InvalidInputError(
            f"a sampler is a function from logits to a token, not {kind_of(given)}",
            hint="temp=0 takes the most probable token; make_sampler(0.7) is a sampler",
        )
    return cast("SamplerFunction", given)


def _sampler(temp: float, top_p: float, min_p: float, top_k: int) -> SamplerFunction:
    from constrain.engine.sampling import make_sampler

    return make_sampler(temp, top_p=top_p, min_p=min_p, top_k=top_k)

"""An answer that may call tools: from messages and tools to text and typed calls.

    generate_tool_calls(model, "Che tempo fa a Roma?", [get_weather])
    →  ToolCallAnswer(text="", calls=(ToolCall("get_weather", {"city": "Roma"}, ...),), ...)

Nothing here searches a text for calls.  The grammar that an answer is written under also reads it
(`constrain/tool_calls/`): a call names an offered tool and its arguments follow that tool's schema, because
no other token was allowed; and a literal `</tool_call>` in an argument is a part of that argument.

    tool_prompting    messages + tools → tokens, in the model's own form
    finishing         the grammar, with a budget: an answer that runs out of tokens still ends well-formed
    decode            tokens
    here              tokens → events: text, the start of a call, pieces of its arguments, its end

The defaults are those that models for calls are published with: greedy, and no repetition penalty.  A
penalty lowers what has been written, and JSON repeats its quotes, braces and commas.  So where one is asked
for, it is applied to free text only, and a `PenaltyWarning` says so.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Unpack

from constrain.compiler import compile_part
from constrain.engine.asking import Asking, check_options
from constrain.engine.model import LoadedModel, ModelLike, as_model
from constrain.engine.options import check_max_tokens, check_seed, real
from constrain.engine.prompting import Message
from constrain.engine.streaming import Limits, Run, frames_to_the_caller, written
from constrain.engine.thinking import reasoning_budget
from constrain.engine.tool_prompting import form_of, special_pieces, tool_prompt_tokens
from constrain.errors import ConstrainError, IncompleteOutputError, InvalidInputError
from constrain.json_schema.options import Compiling, Formatting
from constrain.tool_calls.forms import Form, as_form
from constrain.tool_calls.grammar import ToolChoice, tool_call_grammar
from constrain.tool_calls.reader import CallEnd, Departure, Event, TextDelta, ToolCallReader
from constrain.tool_calls.tools import as_tools

if TYPE_CHECKING:
    import mlx.core as mx

    from constrain.engine.sampling import SamplerFunction
    from constrain.finishing import Finishing

DEFAULT_MAX_TOKENS = 1024
PENALTY_CONTEXT = 20
"""How many of the last tokens a repetition penalty looks at; mlx-lm's default."""


class PenaltyWarning(UserWarning):
    """A repetition penalty was asked for where JSON has to repeat its punctuation."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call: the tool's name, its arguments as the tool reads them, and their JSON text as written.

    The arguments of a function are a dictionary of typed values, those of a Pydantic model an instance, and
    those of a dictionary plain data.  `error` says why a tool that checks more than its schema refuses them.
    """

    name: str
    arguments: Any
    text: str
    error: ConstrainError | None = None


@dataclass(frozen=True, slots=True)
class ToolCallAnswer:
    """The text of an answer, its calls, and how it ended.

    `reasoning` is what was thought first, if anything was; it is no part of `message`.
    `finish_reason` is "length" where the tokens ran out, and the text or the last call was ended early;
    else "tool_calls" where there are calls, and "stop" where there are none.
    """

    text: str
    calls: tuple[ToolCall, ...]
    finish_reason: Literal["stop", "tool_calls", "length"]
    reasoning: str = ""

    def message(self, first_id: int = 0) -> Message:
        """The answer as the assistant's message, in the form that chat templates take.

        Calls are numbered from `first_id`; an id has nine letters and digits, as Mistral's templates want it.
        """
        if not self.calls:
            return {"role": "assistant", "content": self.text}
        calls = [
            {
                "id": f"call{first_id + index:05}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.loads(call.text)},
            }
            for index, call in enumerate(self.calls)
        ]
        return {"role": "assistant", "content": self.text, "tool_calls": calls}


class Offering(Asking, Formatting, total=False):
    """How tools are offered: the options of `Asking`, how arguments are written, and

    `tool_choice`           "auto" (text, calls, or both), "required" (calls), "none" (text), a list of names
                            (calls of these), or {"name": ...} (one call of this tool).
    `parallel_tool_calls`   whether one answer may hold several calls.
    `form`                  how calls are written, where it is not as the model's chat template shows.
    `repetition_penalty`    above 1, what was written lately is less likely in free text.
    """

    tool_choice: ToolChoice
    parallel_tool_calls: bool
    form: Form | str | None
    repetition_penalty: float


class Calling(Offering, Compiling, total=False):
    """The options of an answer that may call tools: those of `Offering`, and the compiler's limits."""


def generate_tool_calls(
    model: ModelLike, messages: str | Sequence[Message], tools: Iterable[object], **options: Unpack[Calling]
) -> ToolCallAnswer:
    """Generate an answer that may call tools, and return its text and its calls.

    `tools` are functions, Pydantic models, or dictionaries in OpenAI's form; `options` are those of
    `Calling`.

    The answer ends well-formed when `max_tokens` runs out: text is cut, a call is completed shortly.

    Raises what `compile_json_schema` raises about a tool's parameters, UnsupportedError where the chat
    template shows a form that is not in the table, LimitExceeded where not even the shortest answer fits into
    `max_tokens`, and IncompleteOutputError where they run out in a call that owes more than 256 tokens.
    """
    stream = stream_tool_calls(model, messages, tools, **options)
    for _ in stream:
        pass
    return stream.answer


class ToolCallStream(Iterator[Event]):
    """The events of an answer as it is written; `answer` is all of it, complete when the events are over."""

    def __init__(self, run: Run, events: Generator[Event, None, None]) -> None:
        self._run, self._events = run, events
        self._texts: list[str] = []
        self._calls: list[ToolCall] = []
        self._is_over = False

    def __next__(self) -> Event:
        try:
            event = next(self._events)
        except StopIteration:
            self._is_over = True
            raise
        if isinstance(event, TextDelta):
            self._texts.append(event.text)
        elif isinstance(event, CallEnd):
            self._calls.append(ToolCall(event.name, event.arguments, event.text, event.error))
        return event

    @property
    def answer(self) -> ToolCallAnswer:
        """The whole answer.  Raises InvalidInputError while it is being written."""
        if not self._is_over:
            raise InvalidInputError("the answer is still being written", hint="take all of its events first")
        finish: Literal["stop", "tool_calls", "length"]
        finish = "length" if self._run.was_cut else "tool_calls" if self._calls else "stop"
        return ToolCallAnswer("".join(self._texts), tuple(self._calls), finish, self._run.reasoning)


def stream_tool_calls(
    model: ModelLike, messages: str | Sequence[Message], tools: Iterable[object], **options: Unpack[Calling]
) -> ToolCallStream:
    """Yield what `generate_tool_calls` writes, as it is written.

    The events are TextDelta, CallStart, ArgumentsDelta and CallEnd (`constrain.tool_calls.reader`).  What is
    wrong with the tools, the model or the messages is raised by this call, before the first event.
    """
    return _stream(model, messages, tools, **check_options(options, Calling))


def _stream(
    model: ModelLike,
    messages: str | Sequence[Message],
    tools: Iterable[object],
    *,
    tool_choice: ToolChoice = "auto",
    parallel_tool_calls: bool = True,
    form: Form | str | None = None,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    temp: float = 0.0,
    top_p: float = 0.0,
    min_p: float = 0.0,
    top_k: int = 0,
    seed: int | None = None,
    repetition_penalty: float = 1.0,
    use_chat_template: bool = True,
    chat_template_kwargs: Mapping[str, Any] | None = None,
    reasoning: bool | int = False,
    sampler: SamplerFunction | None = None,
    **compiling: Unpack[Compiling],
) -> ToolCallStream:
    """The stream of an answer: here `Calling` has its defaults."""
    from constrain.finishing import Finishing

    max_tokens, seed, budget = check_max_tokens(max_tokens), check_seed(seed), reasoning_budget(reasoning)
    repetition_penalty = real("repetition_penalty", repetition_penalty)
    loaded, made = as_model(model), as_tools(tools)
    chosen_form = as_form(form) if form is not None else form_of(loaded.tokenizer)
    grammar = tool_call_grammar(
        made,
        chosen_form,
        tool_choice=tool_choice,
        parallel=parallel_tool_calls,
        special=special_pieces(chosen_form, loaded.vocabulary, loaded.tokenizer),
        **compiling,
    )
    tokens = tool_prompt_tokens(
        loaded.tokenizer,
        messages,
        made if tool_choice != "none" else [],
        chosen_form,
        use_chat_template=use_chat_template,
        chat_template_kwargs=chat_template_kwargs,
        reasoning=budget > 0,
    )
    limits = Limits.of(loaded, tokens, max_tokens, budget)
    compiled = compile_part(grammar.written, loaded.vocabulary)
    finishing = Finishing(compiled, limits.answer)
    sampler = sampler or _sampler(temp, top_p, min_p, top_k)
    if repetition_penalty != 1.0:
        sampler = _penalized(
            sampler, repetition_penalty, _FreeTokens(loaded, finishing, grammar.form.trigger)
        )
    run = Run(loaded, tokens, limits, compiled, finishing, sampler=sampler, seed=seed)
    return ToolCallStream(run, _events(run, ToolCallReader(grammar, loose=False), limits.answer))


def _sampler(temp: float, top_p: float, min_p: float, top_k: int) -> SamplerFunction:
    from constrain.engine.sampling import make_sampler

    return make_sampler(temp, top_p=top_p, min_p=min_p, top_k=top_k)


def _events(run: Run, reader: ToolCallReader, limit: int) -> Generator[Event, None, None]:
    """Decode, and tell what each token of the answer settles."""
    steps, text = run.tokens(), bytearray()
    while True:
        try:
            token = next(steps)
        except StopIteration as end:
            finish = end.value
            break
        raw = written(run.loaded, token)
        text += raw
        yield from _well_formed(reader.feed(raw))
    if finish != "stop":
        shown = text.decode(errors="replace")
        raise IncompleteOutputError(
            f"the answer was not complete after {limit} tokens",
            text=shown,
            where=f"...{shown[-60:]}",
            hint="pass a larger max_tokens, or bound the tools' parameters with maxLength and maxItems",
        )
    yield from _well_formed(reader.finish())


def _penalized(sampler: SamplerFunction, penalty: float, free_tokens: _FreeTokens) -> SamplerFunction:
    """The sampler, with what was written lately made less probable in free text."""
    if not penalty > 0.0:
        raise InvalidInputError(
            f"repetition_penalty={penalty} is not a penalty", hint="1 is none; 1.1 is a common one"
        )
    warnings.warn(
        f"repetition_penalty={penalty} would hit the quotes, braces and commas that JSON repeats; it is "
        "applied to free text only, and not to calls",
        PenaltyWarning,
        stacklevel=frames_to_the_caller(),
    )

    def penalized(logprobs: mx.array) -> mx.array:
        import mlx.core as mx

        recent = free_tokens.recent(PENALTY_CONTEXT)
        if not recent:
            return sampler(logprobs)
        ids = mx.array([recent])
        lowered = mx.take_along_axis(logprobs, ids, axis=-1) * penalty
        return sampler(mx.put_along_axis(logprobs, ids, lowered, axis=-1))

    return penalized


class _FreeTokens:
    """Which tokens of an answer are free text, as far as it has been written."""

    def __init__(self, loaded: LoadedModel, finishing: Finishing, trigger: str) -> None:
        self._tokens = loaded.vocabulary.tokens
        self._matcher = finishing.matcher
        self._trigger = trigger.encode()

    def recent(self, count: int) -> list[int]:
        """Of the last tokens those to penalize next; none where the text has left free text."""
        written = self._matcher.tokens
        called = self._trigger in self._matcher.text or any(not self._tokens[token] for token in written)
        return [] if called or not self._matcher.is_completed() else sorted(set(written[-count:]))


def _well_formed(events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        if isinstance(event, Departure):
            raise AssertionError(f"an answer departs from its own grammar at byte {event.offset}")
        yield event

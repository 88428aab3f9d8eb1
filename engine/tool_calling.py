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
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from constrain.compiler import compile_part
from constrain.errors import IncompleteOutputError, InvalidInputError
from constrain.tool_calls.forms import Form, as_form
from constrain.tool_calls.grammar import ToolCallGrammar, ToolChoice, tool_call_grammar
from constrain.tool_calls.reader import CallEnd, Departure, Event, TextDelta, ToolCallReader
from constrain.tool_calls.tools import as_tools
from engine.model import LoadedModel, ModelLike, as_model
from engine.options import check_max_tokens, check_seed, real
from engine.prompting import Message
from engine.streaming import frames_to_the_caller, shown
from engine.tool_prompting import form_of, special_pieces, tool_prompt_tokens

if TYPE_CHECKING:
    import mlx.core as mx

    from engine.finishing import Finishing
    from engine.sampling import SamplerFunction

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
    error: str = ""


@dataclass(frozen=True, slots=True)
class ToolCallAnswer:
    """The text of an answer, its calls, and how it ended.

    `finish_reason` is "length" where the tokens ran out, and the text or the last call was ended early;
    else "tool_calls" where there are calls, and "stop" where there are none.
    """

    text: str
    calls: tuple[ToolCall, ...]
    finish_reason: Literal["stop", "tool_calls", "length"]

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


def generate_tool_calls(
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
    sampler: SamplerFunction | None = None,
    **options: Any,
) -> ToolCallAnswer:
    """Generate an answer that may call tools, and return its text and its calls.

    `tools` are functions, Pydantic models, or dictionaries in OpenAI's form.  `tool_choice` is "auto" (text,
    calls, or both), "required" (calls), "none" (text), a list of names (calls of these), or {"name": ...}
    (one call of this tool).  `form` overrides the form that the model's chat template shows.  `options` go to
    the compiler, for the arguments.

    The answer ends well-formed when `max_tokens` runs out: text is cut, a call is completed shortly.

    Raises what `compile_json_schema` raises about a tool's parameters, UnsupportedError where the chat
    template shows a form that is not in the table, LimitExceeded where not even the shortest answer fits into
    `max_tokens`, and IncompleteOutputError where they run out in a call that owes more than 256 tokens.
    """
    stream = stream_tool_calls(
        model,
        messages,
        tools,
        tool_choice=tool_choice,
        parallel_tool_calls=parallel_tool_calls,
        form=form,
        max_tokens=max_tokens,
        temp=temp,
        top_p=top_p,
        min_p=min_p,
        top_k=top_k,
        seed=seed,
        repetition_penalty=repetition_penalty,
        use_chat_template=use_chat_template,
        sampler=sampler,
        **options,
    )
    for _ in stream:
        pass
    return stream.answer


class ToolCallStream(Iterator[Event]):
    """The events of an answer as it is written; `answer` is all of it, complete when the events are over."""

    def __init__(self, events: Generator[Event, None, bool]) -> None:
        self._events = events
        self._texts: list[str] = []
        self._calls: list[ToolCall] = []
        self._was_cut: bool | None = None

    def __next__(self) -> Event:
        try:
            event = next(self._events)
        except StopIteration as end:
            if self._was_cut is None:
                self._was_cut = bool(end.value)
            raise
        if isinstance(event, TextDelta):
            self._texts.append(event.text)
        elif isinstance(event, CallEnd):
            self._calls.append(ToolCall(event.name, event.arguments, event.text, event.error))
        return event

    @property
    def answer(self) -> ToolCallAnswer:
        """The whole answer.  Raises InvalidInputError while it is being written."""
        if self._was_cut is None:
            raise InvalidInputError("the answer is still being written", hint="take all of its events first")
        finish: Literal["stop", "tool_calls", "length"]
        finish = "length" if self._was_cut else "tool_calls" if self._calls else "stop"
        return ToolCallAnswer("".join(self._texts), tuple(self._calls), finish)


def stream_tool_calls(
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
    sampler: SamplerFunction | None = None,
    **options: Any,
) -> ToolCallStream:
    """Yield what `generate_tool_calls` writes, as it is written.

    The events are TextDelta, CallStart, ArgumentsDelta and CallEnd (`constrain.tool_calls.reader`).  What is
    wrong with the tools, the model or the messages is raised by this call, before the first event.
    """
    from engine.decode import check_prompt
    from engine.finishing import Finishing

    max_tokens, seed = check_max_tokens(max_tokens), check_seed(seed)
    repetition_penalty = real("repetition_penalty", repetition_penalty)
    loaded, made = as_model(model), as_tools(tools)
    chosen_form = as_form(form) if form is not None else form_of(loaded.tokenizer)
    grammar = tool_call_grammar(
        made,
        chosen_form,
        tool_choice=tool_choice,
        parallel=parallel_tool_calls,
        special=special_pieces(chosen_form, loaded.vocabulary, loaded.tokenizer),
        **options,
    )
    tokens = tool_prompt_tokens(
        loaded.tokenizer,
        messages,
        made if tool_choice != "none" else [],
        chosen_form,
        use_chat_template=use_chat_template,
    )
    room = check_prompt(loaded.network, tokens)
    finishing = Finishing(
        compile_part(grammar.written, loaded.vocabulary),
        max_tokens if room is None else min(max_tokens, room),
    )
    sampler = sampler or _sampler(temp, top_p, min_p, top_k)
    run = _Run(loaded, grammar, finishing)
    if repetition_penalty != 1.0:
        sampler = run.penalized(sampler, repetition_penalty)
    return ToolCallStream(run.events(tokens, sampler, seed))


def _sampler(temp: float, top_p: float, min_p: float, top_k: int) -> SamplerFunction:
    from engine.sampling import make_sampler

    return make_sampler(temp, top_p=top_p, min_p=min_p, top_k=top_k)


class _Run:
    """One answer being written: a constraint for the decode loop that reads each token as it is accepted."""

    def __init__(self, loaded: LoadedModel, grammar: ToolCallGrammar, finishing: Finishing) -> None:
        self._loaded = loaded
        self._finishing = finishing
        self._reader = ToolCallReader(grammar, loose=False)
        self._trigger = grammar.form.trigger

    def events(self, prompt: Sequence[int], sampler: SamplerFunction, seed: int | None) -> _Events:
        """Decode, and tell what each token settles; the value returned is whether the answer was cut."""
        import mlx.core as mx

        from engine.decode import decode

        if seed is not None:
            mx.random.seed(seed)
        vocabulary, finishing = self._loaded.vocabulary, self._finishing
        room, written = finishing.left, bytearray()
        steps = decode(
            self._loaded.network,
            prompt,
            finishing,
            vocabulary_size=vocabulary.size,
            end_tokens=vocabulary.eos_token_ids,
            max_tokens=room,
            sampler=sampler,
            forcing=self._loaded.forcing,
        )
        while True:
            try:
                token = next(steps)
            except StopIteration as end:
                finish = end.value
                break
            raw = vocabulary.tokens[token] or shown(self._loaded, token)
            written += raw
            yield from _well_formed(self._reader.feed(raw))
        if finish != "stop":
            text = written.decode(errors="replace")
            raise IncompleteOutputError(
                f"the answer was not complete after {room} tokens",
                text=text,
                where=f"...{text[-60:]}",
                hint="pass a larger max_tokens, or bound the tools' parameters with maxLength and maxItems",
            )
        yield from _well_formed(self._reader.finish())
        return finishing.was_cut

    def penalized(self, sampler: SamplerFunction, penalty: float) -> SamplerFunction:
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
        free_tokens = _FreeTokens(self._loaded, self._finishing, self._trigger)

        def penalized(logprobs: mx.array) -> mx.array:
            import mlx.core as mx

            recent = free_tokens.recent(PENALTY_CONTEXT)
            if not recent:
                return sampler(logprobs)
            ids = mx.array([recent])
            lowered = mx.take_along_axis(logprobs, ids, axis=-1) * penalty
            return sampler(mx.put_along_axis(logprobs, ids, lowered, axis=-1))

        return penalized


_Events = Generator[Event, None, bool]


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

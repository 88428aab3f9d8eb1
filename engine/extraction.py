"""How is the same thing sought in many documents?

    extract(model, ["Fattura 2024-03-12", "..."], pattern=r"(?P<date>\\d{4}-\\d\\d-\\d\\d)", verbatim=True)
        ─▶ Extraction(value={"date": "2024-03-12"})
        ─▶ Extraction(error=UnsatisfiableError("nothing in the document matches"))

For each document one `Extraction` comes out, in the order of the documents: the value, or the error that
this document met.  An error of one document stops nothing; what is wrong with the question itself (pattern,
schema, model, options) is raised by the call, before any document is read.

*Verbatim* restricts every value to what occurs in the document: it is not checked afterwards, but cannot be
written otherwise (`constrain/regular/substrings.py`).  *Nullable* allows "not found" (`forms.py`).

A document longer than the model's context is split (`splitting.py`), and `Extraction.parts` says so.  Each
part is asked nullably, whatever was asked for, in turn until all is found; the value is that of the first
part that finds one, property by property for an object.  If something is missing in the end that may not be
null, the part that found most answers once more, and this time has to.

Cost: a document costs its prompt and its answer; verbatim adds the automaton of the document, 2 to 4 µs per
character, and some tens of milliseconds for the masks that look at all of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack, overload

from constrain.engine.asking import DEFAULT_MAX_TOKENS, check_options
from constrain.engine.documents import Document, Unreadable
from constrain.engine.forms import Form, Found, PatternForm, SchemaForm
from constrain.engine.generate import generate_compiled
from constrain.engine.model import LoadedModel, ModelLike, as_model
from constrain.engine.options import check_max_tokens, check_seed, whole
from constrain.engine.prompting import Message, check_text, messages_of, prompt_tokens, with_refusal
from constrain.engine.showing import Way
from constrain.engine.splitting import Range, split
from constrain.engine.thinking import reasoning_budget
from constrain.errors import ConstrainError, InvalidInputError, RefusedOutputError, UnsatisfiableError
from constrain.json_schema.options import Formatting

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from constrain.engine.sampling import SamplerFunction
    from constrain.matcher import CompiledGrammar
    from constrain.regular.syntax import PatternLike

T = TypeVar("T")

DEFAULT_INSTRUCTION = "Extract from the text what is asked for, as it is written there."
NULLABLE_INSTRUCTION = f"{DEFAULT_INSTRUCTION} Write null for what the text does not say."
DEFAULT_OVERLAP = 100
LEAST_ROOM = 32


@dataclass(frozen=True, slots=True)
class Parts:
    """How a long document was read: the parts it was cut into, how many were read, and where values are from.

    `ranges` are (start, end) in characters; `overlap` is in tokens.
    """

    ranges: tuple[Range, ...]
    overlap: int
    read: int
    found: Found

    def as_json(self) -> dict[str, Any]:
        """As JSON data: `of` parts, of which `read` were read."""
        return {
            "of": len(self.ranges),
            "overlap": self.overlap,
            "read": self.read,
            "found": self.found,
            "ranges": [list(span) for span in self.ranges[: self.read]],
        }


@dataclass(frozen=True, slots=True)
class Extraction(Generic[T]):
    """What was found in one document: `data` as plain data, `value` as an instance of the type asked for.

    With `nullable` the value is plain data where null stands for something; None where there is an `error`.

    `reasoning` is what was thought first, for each part of the document that was read.
    """

    source: str = ""
    line: int | None = None
    id: Any = None
    data: Any = None
    value: T | None = None
    parts: Parts | None = None
    reasoning: str = ""
    error: ConstrainError | None = None

    def as_json(self) -> dict[str, Any]:
        """The record of this document: where it is from, then `value` or `error`, then `parts` if split."""
        record: dict[str, Any] = {"source": self.source}
        if self.line is not None:
            record["line"] = self.line
        if self.id is not None:
            record["id"] = self.id
        if self.error is not None:
            record["error"] = str(self.error)
        else:
            record["value"] = self.data
        if self.reasoning:
            record["reasoning"] = self.reasoning
        if self.parts is not None:
            record["parts"] = self.parts.as_json()
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """How documents are asked.

    `verbatim`      values must occur in the document.
    `nullable`      "not found" is an answer.
    `instruction`   what the model is told before the document; None: a sentence that says to extract.
    `max_tokens`    the most tokens of an answer.
    `context`       tokens of prompt and answer together; None: as many as the model takes.
    `overlap`       tokens that two parts of a long document share.
    `seed`          makes sampling repeatable, for each document alone.
    `use_chat_template`  False: give the prompt as plain text.
    `chat_template_kwargs`  what else the chat template is told.
    `reasoning`     True, or a number of tokens: the model may think first, in so many.
    `retries`       how often the model is asked again where a validator of the type refuses its answer.
    """

    sampler: SamplerFunction
    verbatim: bool = False
    nullable: bool = False
    instruction: str | None = None
    max_tokens: int = DEFAULT_MAX_TOKENS
    context: int | None = None
    overlap: int = DEFAULT_OVERLAP
    seed: int | None = None
    use_chat_template: bool = True
    chat_template_kwargs: Mapping[str, Any] | None = None
    reasoning: bool | int = False
    retries: int = 0


class Extracting(Formatting, total=False):
    """The options of `extract`: those of `Question`, how values are written, and how the schema is shown."""

    temp: float
    temperature: float
    sampler: SamplerFunction | None
    verbatim: bool
    nullable: bool
    instruction: str | None
    max_tokens: int
    context: int | None
    overlap: int
    seed: int | None
    use_chat_template: bool
    chat_template_kwargs: Mapping[str, Any] | None
    reasoning: bool | int
    retries: int
    schema_in_prompt: bool | Way


@overload
def extract(
    model: ModelLike,
    documents: Iterable[str | Document | Unreadable],
    *,
    schema: TypeForm[T],
    pattern: None = ...,
    **options: Unpack[Extracting],
) -> Iterator[Extraction[T]]: ...


@overload
def extract(
    model: ModelLike,
    documents: Iterable[str | Document | Unreadable],
    *,
    schema: object = ...,
    pattern: PatternLike | None = ...,
    flags: int = ...,
    **options: Unpack[Extracting],
) -> Iterator[Extraction[Any]]: ...


def extract(
    model: ModelLike, documents: Iterable[str | Document | Unreadable], **options: Any
) -> Iterator[Extraction[Any]]:
    """Yield one Extraction for each document, in their order.

    What is sought is a `pattern` (with the `flags` of `re`) or a `schema`; `options` are those of `Question`,
    `temp`, and for a schema those that decide how its values are written.
    Raises what `Extractor.of` raises, before the first document.

    >>> found = extract(None, ["Due on 2024-03-12."], pattern=r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})")
    >>> [one.value for one in found]
    [{'day': '2024-03-12'}]
    """
    extractor = Extractor.of(model, **options)
    return map(extractor.extract, documents)


class Extractor:
    """One question, put to one document after the other; made by `of`."""

    def __init__(self, loaded: LoadedModel, form: Form, question: Question) -> None:
        check_max_tokens(question.max_tokens)
        check_seed(question.seed)
        whole("overlap", question.overlap, least=-(2**63))
        whole("retries", question.retries, least=0)
        if question.context is not None:
            whole("context", question.context, least=1)
        if question.instruction is not None:
            if not isinstance(question.instruction, str):
                raise InvalidInputError(
                    f"instruction must be text, not {type(question.instruction).__name__}"
                )
            check_text(question.instruction)
        self.loaded, self.form, self.question = loaded, form, question
        self._reasoning = reasoning_budget(question.reasoning)
        self._compiled: dict[bool, CompiledGrammar] = {}
        self._has_system_role = True
        self._grammar(None, nullable=question.nullable)
        if question.verbatim:
            self._try_verbatim()
        self.size = self._room(question.context, question.overlap)

    @classmethod
    def of(
        cls,
        model: ModelLike,
        *,
        pattern: PatternLike | None = None,
        schema: object = None,
        flags: int = 0,
        **options: Unpack[Extracting],
    ) -> Extractor:
        """Ask a model for what a `pattern` (with the `flags` of `re`) or a `schema` (or a type) describes.

        `sampler` replaces `temp`; the other options are those of `Question`, and for a schema those that
        decide how its values are written (`additional_properties`, `whitespace`, ... of `JsonOptions`)
        and `schema_in_prompt`, as in `generate_json`.

        Raises RegexError, SchemaError, UnsupportedError, UnsatisfiableError or LimitExceeded for what is
        sought, ModelError for the model, InvalidInputError for the options.
        """
        from constrain.engine.sampling import make_sampler

        if (pattern is None) == (schema is None):
            raise InvalidInputError("give a pattern or a schema, and not both")
        asked = check_options(options, Extracting, "pattern", "schema", "flags")
        names = (*Formatting.__annotations__, "schema_in_prompt")
        written = {name: asked.pop(name) for name in names if name in asked}
        if written and schema is None:
            raise InvalidInputError(f"`{next(iter(written))}` is about JSON, and a pattern is sought")
        form: Form = SchemaForm(schema, **written) if pattern is None else PatternForm(pattern, flags)
        sampler = asked.pop("sampler", None) or make_sampler(asked.pop("temp", 0.0))
        asked.pop("temp", None)
        return cls(as_model(model), form, Question(sampler=sampler, **asked))

    def extract(self, document: str | Document | Unreadable) -> Extraction[Any]:
        """What is found in one document; what goes wrong with it is in the result."""
        if isinstance(document, str):
            document = Document(document)
        if isinstance(document, Unreadable):
            return Extraction(document.source, document.line, document.id, error=document.problem)
        place = (document.source, document.line, document.id)
        try:
            thoughts: list[str] = []
            data, parts = self._found(document.text, thoughts)
        except ConstrainError as problem:
            return Extraction(*place, error=problem)
        thought = "\n\n".join(filter(None, thoughts))
        return Extraction(*place, data=data, value=self.form.instance(data), parts=parts, reasoning=thought)

    def _found(self, text: str, thoughts: list[str]) -> tuple[Any, Parts | None]:
        """The data found in a document, and its parts; what is thought is added to `thoughts`."""
        check_text(text)
        if not text.strip():
            if self.question.nullable:
                return self.form.nothing(), None
            raise InvalidInputError(
                "the document is empty", hint="with nullable, the answer for an empty document is null"
            )
        ranges = (
            [(0, len(text))]
            if self.size is None
            else split(text, self._count, self.size, self.question.overlap)
        )
        if len(ranges) == 1:
            return self._answer(text, thoughts, nullable=self.question.nullable), None
        values: list[Any] = []
        for start, end in ranges:
            values.append(self._answer_of_part(text[start:end], thoughts))
            data, found = self.form.combine(values)
            if self.form.is_complete(data):
                break
        if not self.form.accepts(data, nullable=self.question.nullable):
            number = _richest(found)
            start, end = ranges[number - 1]
            data = self._answer(text[start:end], thoughts, nullable=self.question.nullable)
            found = dict.fromkeys(data, number) if isinstance(found, dict) else number
        return data, Parts(tuple(ranges), self.question.overlap, len(values), found)

    def _answer_of_part(self, text: str, thoughts: list[str]) -> Any:
        try:
            return self._answer(text, thoughts, nullable=True)
        except UnsatisfiableError:
            return self.form.nothing()

    def _answer(self, text: str, thoughts: list[str], *, nullable: bool) -> Any:
        source = text if self.question.verbatim else None
        refusals: list[RefusedOutputError] = []
        while True:
            answer = generate_compiled(
                self.loaded,
                self._prompt(text, refusals, nullable=nullable),
                self._grammar(source, nullable=nullable),
                max_tokens=self.question.max_tokens,
                sampler=self.question.sampler,
                seed=self.question.seed,
                reasoning=self._reasoning,
            )
            thoughts.append(answer.reasoning)
            try:
                return self.form.read(answer.value, source, nullable=nullable)
            except RefusedOutputError as refusal:
                if len(refusals) == self.question.retries:
                    raise
                refusals.append(refusal)

    def _grammar(self, verbatim: str | None, *, nullable: bool) -> CompiledGrammar:
        if verbatim is not None:
            return self.form.compile(self.loaded.vocabulary, verbatim, nullable=nullable)
        if nullable not in self._compiled:
            self._compiled[nullable] = self.form.compile(self.loaded.vocabulary, None, nullable=nullable)
        return self._compiled[nullable]

    def _try_verbatim(self) -> None:
        """What can never be verbatim is refused now; that the empty document has nothing is no news."""
        with contextlib.suppress(UnsatisfiableError):
            self.form.compile(self.loaded.vocabulary, "", nullable=True)

    # Prompts.

    def _prompt(self, text: str, refusals: Sequence[RefusedOutputError] = (), *, nullable: bool) -> list[int]:
        """The prompt that asks for what is in a text, behind the answers to it that were refused."""
        told = self.question.instruction
        if told is None:
            told = NULLABLE_INSTRUCTION if nullable else DEFAULT_INSTRUCTION
        request = self.form.request(self.loaded.reads, nullable=nullable)
        if self._has_system_role and told:
            messages: list[Message] = [
                {"role": "system", "content": told},
                {"role": "user", "content": text},
            ]
            try:
                return self._tokens(messages, refusals, request)
            except _template_errors():
                self._has_system_role = False
        content = f"{told}\n\n{text}" if told else text
        return self._tokens(messages_of(content), refusals, request)

    def _tokens(
        self, prompt: list[Message], refusals: Sequence[RefusedOutputError], request: str | None
    ) -> list[int]:
        for refusal in refusals:
            prompt = with_refusal(prompt, refusal)
        return prompt_tokens(
            self.loaded.tokenizer,
            prompt,
            request,
            use_chat_template=self.question.use_chat_template,
            chat_template_kwargs=self.question.chat_template_kwargs,
            reasoning=self._reasoning > 0,
        )

    def _count(self, text: str) -> int:
        return len(self.loaded.tokenizer.encode(text))

    def _room(self, context: int | None, overlap: int) -> int | None:
        """How many tokens of a document fit beside the request and the answer; None where nobody says."""
        longest = context_of(self.loaded.model)
        if context is None:
            context = longest
        if context is None:
            return None
        if longest is not None and context > longest:
            raise InvalidInputError(f"context={context} is more than the {longest} tokens of the model")
        frame = max(len(self._prompt(".", nullable=nullable)) for nullable in (True, False))
        room = context - frame - self.question.max_tokens - self._reasoning
        if room < LEAST_ROOM:
            thinking = f" and reasoning={self._reasoning} before it" if self._reasoning else ""
            raise InvalidInputError(
                f"a context of {context} tokens leaves {max(room, 0)} for a document, beside {frame} for the "
                f"request and max_tokens={self.question.max_tokens} for the answer{thinking}",
                hint=f"at least {LEAST_ROOM} are needed: lower max_tokens, or raise context",
            )
        if not 0 <= overlap < room / 2:
            raise InvalidInputError(
                f"overlap={overlap} must be at least 0, and less than half of the {room} tokens that fit of "
                "a document"
            )
        return room


def context_of(model: Any) -> int | None:
    """The context length that a model's configuration names, in tokens; None if it names none."""
    args = getattr(model, "args", None)
    for holder in (args, getattr(args, "text_config", None)):
        for name in ("max_position_embeddings", "max_seq_len", "max_sequence_length", "n_positions", "n_ctx"):
            value = holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)
            if isinstance(value, int) and value > 0:
                return value
    return None


def _richest(found: Found) -> int:
    """The part that most of the values are from."""
    if isinstance(found, dict):
        numbers = list(found.values())
        return max(numbers, key=numbers.count) if numbers else 1
    return found or 1


def _template_errors() -> type[Exception]:
    """What a chat template raises that takes no system message."""
    from jinja2 import TemplateError

    return TemplateError

"""How does a model think before it answers, when all that it writes is under a grammar?

    <think>\\nAnna says that she is 31.\\n</think>\\n\\n{"name": "Anna", "age": 31}
    └─────────── section, at most `reasoning` tokens ─┘└─ answer, at most max_tokens ─┘

A section of free text comes first, between the two marks that the model was trained to write, and then the
answer under its own grammar.  Both are written in one go, by one constraint (`Thinking`) that hands over from
one to the other, so the answer sees what was thought.

Rule 1: no token crosses the border.  The section ends with its mark and an empty line, and the answer begins
with a token of its own; so each has its own grammar, its own tokens and its own budget, and a value is the
same object of the same size whether something was thought before it or not.

Rule 2: the section is closed in time.  It is under `Finishing`, as answers are: where its tokens run low,
the mark is all that may come.

Which marks a model has is asked of its tokenizer (mlx-lm knows some), then of its chat template; `<think>` is
what most have.  A template may have written the opening mark at the end of the prompt already (DeepSeek R1,
Qwen 3 Thinking): then the section begins behind it.  Where nothing is to be thought, such an open section is
closed in the prompt, as Qwen 3's own template does for `enable_thinking=False`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from constrain.compiler import compile_part
from constrain.engine.masking import Constraint
from constrain.engine.options import whole
from constrain.engine.prompting import AFTER_THOUGHT, thinking_marks, thinks_at_the_end
from constrain.engine.tool_prompting import special_in
from constrain.errors import LimitExceeded
from constrain.finishing import Finishing
from constrain.parts import Part, SpecialToken, sequence
from constrain.structural import free_text
from constrain.vocabulary.bitmask import Words

if TYPE_CHECKING:
    from constrain.engine.model import LoadedModel
    from constrain.matcher import CompiledGrammar

DEFAULT_REASONING_TOKENS = 512
"""The budget of `reasoning=True`."""


def reasoning_budget(reasoning: bool | int) -> int:
    """How many tokens may be thought: none for False, DEFAULT_REASONING_TOKENS for True.

    Raises InvalidInputError for what is no number of tokens.
    """
    if isinstance(reasoning, bool):
        return DEFAULT_REASONING_TOKENS if reasoning else 0
    return whole("reasoning", reasoning, least=0, hint="a number of tokens, True or False")


class Thinking:
    """A section of reasoning, and then an answer under its own constraint."""

    def __init__(self, loaded: LoadedModel, prompt: Sequence[int], budget: int, answer: Constraint) -> None:
        """Raises LimitExceeded where not even an empty section fits into the budget."""
        begin, self._end = thinking_marks(loaded.tokenizer)
        self._begin = "" if thinks_at_the_end(loaded.tokenizer, prompt) else begin
        try:
            self._section = Finishing(self._grammar(loaded), budget)
        except LimitExceeded as problem:
            raise LimitExceeded(
                f"not even an empty section of reasoning fits: {problem.what}".replace(
                    "max_tokens", "reasoning"
                ),
                hint="raise reasoning, or leave it out",
            ) from problem
        self._answer = answer
        self._tokens: list[int] = []
        self._answered = 0

    def _grammar(self, loaded: LoadedModel) -> CompiledGrammar:
        special = special_in(self._begin + self._end, loaded.vocabulary, loaded.tokenizer)
        end = spelled(self._end + AFTER_THOUGHT, special)
        first = end[0] if isinstance(end[0], SpecialToken) else self._end
        return compile_part(
            sequence(*spelled(self._begin, special), free_text(until=[first]), *end), loaded.vocabulary
        )

    @property
    def tokens(self) -> tuple[int, ...]:
        """The tokens of the section, as far as it has been written."""
        return tuple(self._tokens)

    @property
    def is_answering(self) -> bool:
        """Whether the section is over."""
        return self._section.is_completed()

    def thought(self, text: str) -> str:
        """What was thought, from the text of the section: without its marks, and blanks around it."""
        return text.removeprefix(self._begin).split(self._end)[0].strip()

    @property
    def _active(self) -> Any:
        return self._answer if self.is_answering else self._section

    @property
    def may_refuse(self) -> bool:
        """Whether `accept_token` may refuse what the mask allows."""
        return getattr(self._active, "may_refuse", False)

    @property
    def was_cut(self) -> bool:
        """Whether the tokens of the answer ran low."""
        return getattr(self._answer, "was_cut", False)

    def accept_token(self, token_id: int, /) -> bool:
        """Advance by a token; False, and nothing changed, where it is not allowed."""
        answering = self.is_answering
        if not self._active.accept_token(token_id):
            return False
        if answering:
            self._answered += 1
        else:
            self._tokens.append(token_id)
        return True

    def fill_next_token_bitmask(self, bitmask: Words, index: int = 0, /) -> bool:
        """Write the mask of the next token into row `index`."""
        return bool(self._active.fill_next_token_bitmask(bitmask, index))

    def forced_bytes(self) -> bytes:
        """The bytes that every way on begins with, up to the end of the section."""
        active = self._active
        return bytes(active.forced_bytes()) if hasattr(active, "forced_bytes") else b""

    def is_completed(self) -> bool:
        """Whether the text may end here."""
        return self.is_answering and self._answer.is_completed()

    def is_terminated(self) -> bool:
        """Whether an end token was accepted."""
        return self.is_answering and self._answer.is_terminated()

    def rollback(self, count: int, /) -> None:
        """Take back the last `count` tokens."""
        answered = min(count, self._answered)
        if answered:
            self._answer.rollback(answered)
            self._answered -= answered
        if count > answered:
            self._section.rollback(count - answered)
            del self._tokens[answered - count :]


def spelled(text: str, special: Mapping[str, SpecialToken]) -> list[Part | str]:
    """A text as parts: the special tokens in it as such."""
    for shown, token in special.items():
        before, found, after = text.partition(shown)
        if found:
            return [*spelled(before, special), token, *spelled(after, special)]
    return [text] if text else []

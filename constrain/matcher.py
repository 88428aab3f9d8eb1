"""One generation followed, token by token.

Rule 1: whatever changes a Matcher's state lives in this file.  A position is immutable, so the state
is a list: the position before the first token, then one for each token accepted.  `rollback` cuts the
list, `fork` copies it, and both are exact because nothing else is kept.

Rule 2: `accept_token(t)` succeeds exactly when the mask allows t, and a refused token changes
nothing.  End-of-sequence tokens are in the mask exactly where the text may end; accepting one
terminates the matcher, after which nothing is allowed.

The names are the field's own (llguidance, xgrammar, vLLM), so what takes their matchers takes ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import finalize

import numpy as np
import numpy.typing as npt

from constrain.arguments import as_list, as_text, as_whole
from constrain.budget import DEFAULT_LIMITS, Limits
from constrain.collector import settle, watch
from constrain.completion import Completions
from constrain.continuation import Continuation
from constrain.errors import LimitExceeded, TokenError, UnsupportedError, caret
from constrain.masks import Masks
from constrain.position import Position, Positions
from constrain.recipe import MadeByCall
from constrain.regular.automaton import AutomatonFull
from constrain.regular.interning import LOCK
from constrain.regular.keeping import forget
from constrain.shortest import shortest_text
from constrain.spelling import Spelled
from constrain.vocabulary.bitmask import Mask, Words, unpack_words, word_count, writable_row
from constrain.vocabulary.tables import shared_tables
from constrain.vocabulary.vocabulary import Vocabulary, VocabularyLike, as_token_id, as_vocabulary
from constrain.writable import MAX_SEARCHED, Alphabet

if TYPE_CHECKING:
    from constrain.explanations.explanation import Explanation

Answer = TypeVar("Answer")

SHOWN_BYTES = 40
"""So much of the end of a text is shown of a matcher."""


class CompiledGrammar(MadeByCall):
    """A grammar ready to follow generations over one vocabulary; made by the functions of `compiler.py`.

    It is pickled as the call that made it, and compiled again where it is read.
    """

    def __init__(
        self,
        start: Continuation,
        vocabulary: VocabularyLike,
        *,
        limits: Limits = DEFAULT_LIMITS,
        dismantle: Callable[[], None] | None = None,
    ) -> None:
        """`dismantle` cuts the cycles that `start` leads into, which must be nobody else's.

        Raises UnsupportedError where the vocabulary can write no text at all, LimitExceeded where a text is
        not found.
        """
        self.vocabulary = vocabulary = as_vocabulary(vocabulary)
        self.whole = start  # the same object as what follows where the vocabulary writes all bytes
        self.start, alphabet = _writable(start, vocabulary, limits)
        self.lock = LOCK  # tables and automaton are shared by every grammar of the process
        self.limits = limits
        self.workings = Workings(self.start, vocabulary, limits)
        watch(self, dismantle, *([alphabet.forget] if alphabet else []))

    def __repr__(self) -> str:
        return f"<CompiledGrammar for {self.vocabulary.size:,} tokens>"

    @property
    def positions(self) -> Positions:
        """Where a text may stand, now; a matcher goes on with those it began with (`Matcher.workings`)."""
        return self.workings.positions

    @property
    def masks(self) -> Masks:
        """The masks of these positions."""
        return self.workings.masks

    @property
    def completions(self) -> Completions:
        """The completions of these positions."""
        return self.workings.completions

    def matcher(self) -> Matcher:
        """A matcher at the start of a new generation."""
        return Matcher(self)

    def begin_again(self) -> None:
        """Find everything anew in an automaton of its own, where there is no room left in that of now."""
        with self.lock:
            forget()
            self.workings = Workings(self.start, self.vocabulary, self.limits)


class Workings:
    """What was found out about a grammar, in one automaton: positions, masks, completions.

    They lead to each other in circles, and are cut where no grammar and no matcher has them any more.
    """

    def __init__(self, start: Continuation, vocabulary: Vocabulary, limits: Limits) -> None:
        self.positions = Positions(start, shared_tables(vocabulary), limits)
        self.masks = Masks(self.positions)
        self.completions = Completions(self.positions)
        for part in (self.positions, self.masks, self.completions):
            finalize(self, part.forget).atexit = False


class Matcher:
    """Follows one generation under a compiled grammar; made by `CompiledGrammar.matcher()`."""

    def __init__(self, compiled: CompiledGrammar) -> None:
        self.compiled = compiled
        self.vocabulary = compiled.vocabulary
        self._words = word_count(compiled.vocabulary.size)
        self.workings = compiled.workings
        self._history: list[Position] = [compiled.positions.start]
        self._tokens: list[int] = []
        self._terminated = False
        self._ends = frozenset(compiled.vocabulary.eos_token_ids)

    def __repr__(self) -> str:
        if not self._tokens:
            return "<Matcher at the start>"
        count, end = len(self._tokens), self.text[-SHOWN_BYTES:]
        is_over = ", over" if self._terminated else ""
        return f"<Matcher behind {count:,} token{'s' * (count > 1)}: {end!r}{is_over}>"

    @property
    def tokens(self) -> tuple[int, ...]:
        """The token ids accepted so far, an end-of-sequence token included."""
        return tuple(self._tokens)

    @property
    def text(self) -> bytes:
        """The bytes written so far."""
        return self.vocabulary.decode(self._tokens)

    @property
    def position(self) -> Position:
        """Where the generation stands."""
        return self._history[-1]

    def accept_token(self, token_id: int) -> bool:
        """Advance by one token and return True, or return False and change nothing.

        Raises TokenError when `token_id` is not an id of the vocabulary at all.
        """
        if type(token_id) is not int:  # numpy's become Python's: each id is kept
            token_id = as_token_id(token_id)
        position = self._history[-1]
        after = None if self._terminated else position.after_token.get(token_id)
        if after is None:
            with self.compiled.lock:
                after = self._asked(lambda: self._after(self.position, token_id, terminated=self._terminated))
            if after is None:
                return False
            self._terminated = token_id in self._ends
        self._history.append(after)
        self._tokens.append(token_id)
        return True

    def validate_tokens(self, token_ids: Iterable[int]) -> int:
        """How many of `token_ids` would be accepted one after the other; nothing changes."""
        given = list(map(as_token_id, as_list(token_ids, "token ids")))
        with self.compiled.lock:
            return self._asked(lambda: self._count(given))

    def _count(self, token_ids: list[int]) -> int:
        position, terminated = self.position, self._terminated
        for count, token_id in enumerate(token_ids):
            after = self._after(position, token_id, terminated=terminated)
            if after is None:
                return count
            position, terminated = after, token_id in self._ends
        return len(token_ids)

    def fill_next_token_bitmask(self, bitmask: npt.NDArray[np.int32], index: int = 0) -> bool:
        """Write the mask of the next token into row `index` of `bitmask`, int32 (batch, ⌈V/32⌉).

        Words past the vocabulary's (a model with wider logits) are set to 0.  Returns True: the mask is
        to be applied.

        Raises TokenError for what is no such array, or cannot be written.
        """
        row = writable_row(bitmask, index)
        if len(row) != self._words:
            row = self._fitting(row)
        if self._terminated:
            row[:] = 0
            return True
        mask = self._history[-1].mask
        if mask is None:
            mask = self._mask()
            settle()
        mask.write(row)
        return True

    def _mask(self) -> Mask:
        with self.compiled.lock:
            return self._asked(lambda: self.workings.masks.mask(self.position))

    def _fitting(self, row: Words) -> Words:
        """The words of a wider row that are the vocabulary's; the others are set to 0."""
        if len(row) < self._words:
            raise TokenError(
                f"the bitmask has {len(row)} words a row, but "
                f"{self.vocabulary.size} tokens need {self._words}",
                hint="allocate it with allocate_token_bitmask(batch_size, vocabulary.size)",
            )
        row[self._words :] = 0
        return row[: self._words]

    def allowed_token_ids(self) -> npt.NDArray[np.int32]:
        """The ids of the tokens allowed next, ascending, shape (n,)."""
        if self._terminated:
            return np.empty(0, dtype=np.int32)
        mask = self._mask()
        words = np.empty(word_count(self.vocabulary.size), dtype=np.int32)
        mask.write(words)
        flags = unpack_words(words, self.vocabulary.size)
        return np.flatnonzero(flags).astype(np.int32)

    def is_completed(self) -> bool:
        """May the text end here?"""
        return self._terminated or self.position.can_end

    def is_terminated(self) -> bool:
        """Has an end-of-sequence token been accepted?"""
        return self._terminated

    def forced_bytes(self) -> bytes:
        """The bytes every completion begins with from here; empty where there is a choice."""
        if self._terminated:
            return b""
        with self.compiled.lock:
            return self._asked(lambda: self.workings.positions.forced_bytes(self.position))

    def completion(self) -> Spelled | None:
        """A way to the end with few tokens (`completion.py`); None where none is found.

        Raises LimitExceeded when the budget in force is spent, or else the grammar's.
        """
        with self.compiled.lock:
            return self._asked(lambda: self.workings.completions.of(self.position))

    def explain(self, token_or_text: int | bytes | str) -> Explanation:
        """Why a token, or a text, may or may not come next: the place, what is responsible, what would do.

        A text is allowed here if it can be completed; an end-of-sequence token if the text may end.  Offsets
        and places are those of all that is written, not of the token alone.  Nothing changes, and nothing was
        prepared for it: the grammar's source is compiled anew, without one keyword after the other
        (`explanations/`), which takes some milliseconds to seconds and at most the steps of one answer.

        Raises TokenError for an id outside the vocabulary, InvalidInputError for what is neither id nor text.
        """
        from constrain.explanations.explain import explain, explain_token

        with self.compiled.lock:
            self._go_over()
        if isinstance(token_or_text, str | bytes):
            given = token_or_text
            text = given if isinstance(given, bytes) else as_text(given, "the text").encode()
            return explain(self.compiled, self.position, self._tokens, text, is_over=self._terminated)
        token_id = as_token_id(token_or_text)
        self._check(token_id)
        return explain_token(self.compiled, self.position, self._tokens, token_id, is_over=self._terminated)

    def rollback(self, num_tokens: int = 1) -> None:
        """Take back the last `num_tokens` tokens.

        Raises TokenError when fewer have been accepted.
        """
        num_tokens = as_whole(num_tokens, "a number of tokens", error=TokenError)
        if num_tokens > len(self._tokens):
            raise TokenError(f"cannot take back {num_tokens} tokens: {len(self._tokens)} were accepted")
        if num_tokens:
            del self._history[-num_tokens:]
            del self._tokens[-num_tokens:]
            self._terminated = False

    def fork(self) -> Matcher:
        """An independent matcher that stands where this one does."""
        twin = Matcher(self.compiled)
        twin.workings = self.workings
        twin._history = list(self._history)
        twin._tokens = list(self._tokens)
        twin._terminated = self._terminated
        return twin

    __copy__ = fork

    def __deepcopy__(self, memo: dict[int, Any]) -> Matcher:
        return self.fork()

    def __reduce__(self) -> tuple[Any, ...]:
        return _followed, (self.compiled, self.tokens)

    def reset(self) -> None:
        """Go back to the start."""
        self.rollback(len(self._tokens))

    def _after(self, position: Position, token_id: int, *, terminated: bool) -> Position | None:
        self._check(token_id)
        if terminated:
            return None
        if token_id in self._ends:
            return position if position.can_end else None
        return self.workings.positions.advance(position, token_id)

    def _asked(self, question: Callable[[], Answer]) -> Answer:
        """The answer of a question about where the matcher stands.

        A grammar that lives long meets ever new texts, and some numbers and counts have a state for each.
        Where its automaton is full of them, the same tokens are followed anew in another one.
        """
        try:
            return question()
        except AutomatonFull:
            self.compiled.begin_again()
            self._go_over()
            return question()

    def _go_over(self) -> None:
        """Follow the tokens anew where the grammar is now."""
        if self.workings is self.compiled.workings:
            return
        self.workings = self.compiled.workings
        history = [self.workings.positions.start]
        for token_id in self._tokens:
            after = self._after(history[-1], token_id, terminated=False)
            assert after is not None, "what was accepted once is accepted again"
            history.append(after)
        self._history = history

    def _check(self, token_id: int) -> None:
        if not 0 <= token_id < self.vocabulary.size:
            raise TokenError(
                f"token {token_id} is outside the vocabulary",
                where=f"ids go from 0 to {self.vocabulary.size - 1}",
            )


def _followed(compiled: CompiledGrammar, tokens: tuple[int, ...]) -> Matcher:
    """A matcher that has accepted these tokens."""
    matcher = compiled.matcher()
    for token_id in tokens:
        matcher.accept_token(token_id)
    return matcher


def _writable(
    whole: Continuation, vocabulary: Vocabulary, limits: Limits
) -> tuple[Continuation, Alphabet | None]:
    """What the vocabulary can write of a grammar (`writable.py`), and with which bytes: None for all."""
    missing = vocabulary.missing_bytes
    if not missing:
        return whole, None
    alphabet = Alphabet(missing)
    with LOCK, limits.budget("finding what this vocabulary can write"):
        start = alphabet.left(whole)
        if start is None:
            text = shortest_text(whole)
    if start is None and alphabet.completable.gave_up:
        raise LimitExceeded(
            f"MAX_SEARCHED={MAX_SEARCHED:,} continuations searched: none found that this vocabulary writes",
            hint="simplify the grammar, or give the vocabulary of a model that has every byte",
        )
    if start is None:
        at = next((index for index, byte in enumerate(text) if byte in missing), 0)
        before = text[:at].decode("utf-8", "replace")
        shown = before + text[at:].decode("utf-8", "backslashreplace")
        raise UnsupportedError(
            f"each text of this grammar has a byte that no token of this vocabulary writes: {text[at]:02x}",
            where=caret(shown, len(before)),
            hint="allow another text there, or give the vocabulary of a model that has the byte",
        )
    return start, alphabet

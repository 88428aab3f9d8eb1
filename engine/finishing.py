"""How does an answer end well-formed when its tokens run out?

By never owing more tokens than are left.  `Finishing` is a matcher with a budget: at each position it knows a
completion (`constrain/completion.py`), and lets no token be chosen after which the completion would not fit:

    left   text so far              owed      chosen
    9      ["Rome", "Pa             "]        ris          owes 1, 8 are left
    8      ["Rome", "Paris          "]        ", "         owes 1, 7 are left
    ...
    2      ["Rome", "Paris", "Mi    "]        la           owes 1, 1 is left
    1      ["Rome", "Paris", "Mila  "]                     nothing but `"]` is allowed

What a token leads to is known when it has been chosen, and not for a whole mask beforehand.  So near the end
(`may_refuse`) the decode loop waits for the answer to each choice: a refused token costs no forward pass, the
next best one is taken instead.  Farther from the end nothing is waited for.

Rule 1: while the end is near, the completion known fits into what is left.  It did at the start, or the
request was refused, and no token is accepted that breaks it; what the completion begins with never does.
Two departures.  A completion is looked for `HORIZON` tokens before the end, earlier only where the shortest
answer itself is long: a text that owes more than is left by then, because the model chose so, cannot be
finished.  Nor can one of which no completion is known after `SEARCH_STEPS`; where one is known of the token
before, it is written.  The decode loop says so.

Cost: one completion at the start; from the horizon on those of the positions that are passed.
"""

from __future__ import annotations

import numpy as np

from constrain.budget import budget
from constrain.completion import Completions
from constrain.errors import LimitExceeded
from constrain.matcher import CompiledGrammar
from constrain.vocabulary.bitmask import Words, set_tokens

HORIZON = 256
NEAR = 64
SEARCH_STEPS = 20_000
MAX_REFUSALS = 16


class Finishing:
    """Follows one generation of at most `max_tokens` tokens under a grammar.

    Raises LimitExceeded where not even the shortest answer fits.
    """

    def __init__(self, compiled: CompiledGrammar, max_tokens: int) -> None:
        self.matcher = compiled.matcher()
        self.left = max_tokens
        self.was_cut = False
        self._ends = frozenset(compiled.vocabulary.eos_token_ids)
        self._completions = Completions(compiled)
        self._refused: set[int] = set()
        self._is_lost = False
        self._horizon = HORIZON
        least = self._look(max_tokens, max_tokens)
        if least is not None and len(least) > max_tokens:
            raise LimitExceeded(
                f"the shortest answer takes {len(least)} tokens, and max_tokens={max_tokens}",
                hint="raise max_tokens",
            )
        self._horizon += len(least or ())
        self._owed = least if max_tokens <= self._horizon else None

    @property
    def may_refuse(self) -> bool:
        """Whether the end is near, so that `accept_token` may refuse what the mask allows."""
        return self._owed is not None and len(self._owed) <= self.left <= len(self._owed) + NEAR

    def accept_token(self, token_id: int, /) -> bool:
        """Advance by a token; False, and nothing changed, where it is not allowed or leaves too little."""
        careful = self.may_refuse
        if not self.matcher.accept_token(token_id):
            return False
        if token_id in self._ends:
            return True
        left = self.left - 1
        owed = self._look(left, self._horizon)
        if self._owed and self._owed[0] == token_id and (owed is None or len(self._owed) - 1 < len(owed)):
            owed = self._owed[1:]
        if careful and (owed is None or len(owed) > left):
            self.matcher.rollback(1)
            self._refused.add(token_id)
            return False
        self.left, self._owed = left, owed
        self._refused.clear()
        return True

    def fill_next_token_bitmask(self, bitmask: Words, index: int = 0, /) -> bool:
        """Write the mask of the next token into row `index`; where nothing is left over, what is owed."""
        self.matcher.fill_next_token_bitmask(bitmask, index)
        if self._owed is None or not self.may_refuse:
            return True
        row = bitmask[index]
        before = row.copy()
        if self.left == len(self._owed) or len(self._refused) >= MAX_REFUSALS:
            row[:] = 0
            set_tokens(row, self._owed[:1] or sorted(self._ends))
        elif self._refused:
            refused = np.zeros_like(row)
            set_tokens(refused, self._refused)
            row &= ~refused
        self.was_cut = self.was_cut or not np.array_equal(row, before)
        return True

    def forced_bytes(self) -> bytes:
        """The bytes every completion begins with; none where a way to spell them has been refused."""
        return b"" if self._refused else self.matcher.forced_bytes()

    def is_completed(self) -> bool:
        """Whether the text may end here."""
        return self.matcher.is_completed()

    def is_terminated(self) -> bool:
        """Whether an end token was accepted."""
        return self.matcher.is_terminated()

    def rollback(self, count: int, /) -> None:
        """Take back the last `count` tokens."""
        self.matcher.rollback(count)
        self.left += count
        self._refused.clear()
        self._owed = self._look(self.left, self._horizon)

    def _look(self, left: int, horizon: int) -> tuple[int, ...] | None:
        """A shortest completion; None before the horizon, or once a search has taken too long."""
        if left > horizon or self._is_lost:
            return None
        try:
            with budget(SEARCH_STEPS, "finding the shortest completion"):
                return self._completions.of(self.matcher)
        except LimitExceeded:
            self._is_lost = True
            return None

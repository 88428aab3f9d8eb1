"""How does an answer end well-formed when its tokens run out?

By never owing more tokens than are left.  `Finishing` is a matcher with a budget: at each position it knows
how few tokens complete the text (`constrain/completion.py`), and accepts none after which they would not fit:

    left   text so far              owed      the model's choices
    9      ["Rome", "Pa             "]        ris, accepted: owes 1, 8 are left
    8      ["Rome", "Paris          "]        ", ", accepted: owes 1, 7 are left
    ...
    2      ["Rome", "Paris", "Mi    "]        la, accepted: owes 1, 1 is left
    1      ["Rome", "Paris", "Mila  "]        no, refused: owes 1, 0 would be left; then "]

What a token leads to is known when it has been chosen, and not for a whole mask beforehand.  So the model is
always asked first: of five digits that cost the same it takes its own.  A refused token is taken out of the
mask, and the next best one asked for.  Where several have been refused (`MAX_REFUSALS`), the completion that
is known is written.

Rule 1: a completion is known at each position, and fits into what is left.  It did at the start, or the
request was refused, and no token is accepted that breaks it; what the completion begins with never does.
One departure: where none is found within SEARCH_STEPS, nothing is known of that position, and its tokens are
accepted; one that is known to open too much, only if it is chosen again, or several have been refused.  The
search is made again when half of what was left is written.  The decode loop says so if the end comes first.
Rule 2: a token may be refused anywhere, if it opens more than is left.  Whoever goes on before a token is
accepted must be able to go back.  With no more than `near` tokens to spare (`may_refuse`) it is better to
wait.

Cost: a look-up for each token.  Most end as the text would have ended before, which is read; a search is for
those that do not, or no longer fit.
"""

from __future__ import annotations

import numpy as np

from constrain.budget import budget
from constrain.errors import LimitExceeded
from constrain.matcher import CompiledGrammar
from constrain.spelling import Spelled
from constrain.vocabulary.bitmask import Words, set_tokens

NEAR = 16
"""Few tokens open more.  Those that do cost a forward pass that is thrown away."""
SEARCH_STEPS = 400_000
"""What a text nine hundred levels deep takes, when all that was remembered has been dropped."""
MAX_REFUSALS = 4
"""So many are refused where there are tokens to spare; where there are none, one."""


class Finishing:
    """Follows one generation of at most `max_tokens` tokens under a grammar, the end token not counted.

    With `counts_end` it is, as mlx-lm does.  Raises LimitExceeded where not even the shortest answer fits.
    """

    def __init__(
        self, compiled: CompiledGrammar, max_tokens: int, *, near: int = NEAR, counts_end: bool = False
    ) -> None:
        self.matcher = compiled.matcher()
        self.vocabulary = compiled.vocabulary
        self.left = max_tokens - counts_end
        self.was_cut = False
        self._ends = frozenset(compiled.vocabulary.eos_token_ids)
        self._near = near
        self._refused: set[int] = set()
        self._look_again_at = max_tokens
        self._completion = self._look(max_tokens)
        self._owed = None if self._completion is None else self._completion.cost
        if self._owed is not None and self._owed > self.left:
            raise LimitExceeded(
                f"the shortest answer takes {self._owed + counts_end} tokens, and max_tokens={max_tokens}",
                hint="raise max_tokens",
            )

    @property
    def tokens(self) -> tuple[int, ...]:
        """The tokens accepted so far, an end token included."""
        return self.matcher.tokens

    @property
    def owed(self) -> int | None:
        """So many tokens complete the text from here, as far as that is known; fewer may."""
        return self._owed

    @property
    def may_refuse(self) -> bool:
        """Whether `accept_token` is likely to refuse what the mask allows: the end is near, or not known."""
        return self._owed is None or self._spares_at_most(self._near)

    @property
    def refuses(self) -> bool:
        """Whether tokens that the grammar allows here have been refused."""
        return bool(self._refused) or not self.left

    def accept_token(self, token_id: int, /) -> bool:
        """Advance by a token; False, and nothing changed, where it is not allowed or leaves too little."""
        if not self.matcher.accept_token(token_id):
            return False
        if token_id in self._ends:
            self._refused.clear()
            return True
        left = self.left - 1
        completion = self._carry(token_id, left) or self._look(left)
        owed = None if completion is None else completion.cost
        if owed is None and self._spares_at_most(NEAR):  # nothing is known: near the end that is too little
            owed = left + 1
        if owed is not None and owed > left:
            is_known = self._owed is not None
            if is_known or (token_id not in self._refused and len(self._refused) < MAX_REFUSALS):
                self.matcher.rollback(1)
                self._refused.add(token_id)
                self._settle()
                return False
            owed, completion = None, None
        self.left, self._owed, self._completion = left, owed, completion
        if self._refused:
            self._refused.clear()
        return True

    def fill_next_token_bitmask(self, bitmask: Words, index: int = 0, /) -> bool:
        """Write the mask of the next token into row `index`, but for those refused at this position."""
        self.matcher.fill_next_token_bitmask(bitmask, index)
        if not self._refused and self.left:
            return True
        row = bitmask[index]
        before = row.copy()
        refused = np.zeros_like(row)
        set_tokens(refused, self._refused)
        row &= ~refused
        enough = 1 if self.left == self._owed else MAX_REFUSALS
        if not self.left or len(self._refused) >= enough or not row.any():
            only = [self._completion.token] if self.left and self._completion and self._owed else []
            if not only and self.is_completed():
                only = sorted(self._ends)
            if only and not self.is_terminated():
                row[:] = 0
                set_tokens(row, only)
            elif not row.any():  # nothing is known, and one of the tokens refused is taken after all
                row[:] = before
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
        if not count:
            return
        self.left += count - self.matcher.is_terminated()
        self.matcher.rollback(count)
        self._refused.clear()
        self._completion = self._look(self.left)
        self._owed = None if self._completion is None else self._completion.cost

    def _spares_at_most(self, count: int) -> bool:
        """Whether no more than so many tokens are left beside those that complete the text."""
        return self._owed is not None and self.left - self._owed <= count

    def _carry(self, token_id: int, left: int) -> Spelled | None:
        """A completion that fits after a token that was accepted, where none need be searched."""
        before, position = self._completion, self.matcher.position
        found = self.matcher.workings.completions.known(position)
        if before is not None and (found is None or found.cost > left):
            try:
                with self.matcher.compiled.lock:
                    found = self.matcher.workings.completions.carried(before, token_id, position)
            except LimitExceeded:
                return None
        return found if found is not None and found.cost <= left else None

    def _settle(self) -> None:
        """Where a token is refused the best completion counts, and not one that happens to fit.

        After `31` the `0}` known before ends the text too, and `}` sooner.
        """
        found = self._look(self.left)
        if found is not None and self._owed is not None and found.cost <= self._owed:
            self._completion, self._owed = found, found.cost

    def _look(self, left: int) -> Spelled | None:
        """What is owed here; None where that is not known."""
        found = self.matcher.workings.completions.known(self.matcher.position)
        if found is None and left <= self._look_again_at:
            try:
                with self.matcher.compiled.lock, budget(SEARCH_STEPS, "finding the shortest completion"):
                    found = self.matcher.completion()
            except LimitExceeded:
                self._look_again_at = left // 2
        return found

"""A refused text, and how far other grammars read it.

Whoever looks for what is responsible alters the grammar, and asks here whether the refused byte is read now
(`is_read`), whether all before it still is (`is_begun`), and how far the text is read on (`reach`).  A
grammar is read with the tables of the vocabulary at hand, whose states are there already."""

from __future__ import annotations

from dataclasses import dataclass

from constrain.budget import Limits, spend
from constrain.continuation import Continuation
from constrain.position import Positions
from constrain.regular.interning import LOCK
from constrain.vocabulary.tables import Tables

BYTES_A_STEP = 8
"""A byte read takes a quarter of a microsecond to two."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A text, and the byte of it that is refused: its length where only the end is.

    `is_whole` says whether the text was to end; `tables` and `limits` are those of the grammar that refuses.
    """

    text: bytes
    offset: int
    is_whole: bool
    tables: Tables
    limits: Limits

    @property
    def byte(self) -> int | None:
        """The refused byte; None where the end is refused."""
        return self.text[self.offset] if self.offset < len(self.text) else None

    def is_read(self, start: Continuation) -> bool:
        """Does another grammar read the refused byte as well?"""
        if self.byte is None:
            return self._follow(start, self.offset)[1]
        return self._follow(start, self.offset + 1)[0] > self.offset

    def is_begun(self, start: Continuation) -> bool:
        """Does another grammar read the text before the refused byte?"""
        return self._follow(start, self.offset)[0] == self.offset

    def reach(self, start: Continuation) -> int:
        """How many bytes another grammar reads, and one more where the text is to end and may."""
        length, can_end = self._follow(start, len(self.text))
        return length + (self.is_whole and can_end and length == len(self.text))

    def _follow(self, start: Continuation, length: int) -> tuple[int, bool]:
        """How many of the first bytes a grammar reads, and whether the text may end behind them."""
        spend(1 + length // BYTES_A_STEP)
        with LOCK:
            positions = Positions(start, self.tables, self.limits)
            sure = min(self.offset, length)
            threads = positions.read(positions.start.threads, self.text[:sure])
            if not threads:
                return 0, False
            for at in range(sure, length):
                after = positions.step(threads, self.text[at])
                if not after:
                    return at, False
                threads = after
            return length, positions.intern(threads).can_end

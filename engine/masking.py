"""How does a packed mask meet a row of logits?

A matcher says which tokens may come next as bits: word `t // 32`, bit `t % 32`, least significant
first, 1 for allowed.  With a vocabulary of 40 tokens of which 1, 33 and 34 are allowed, the row is two
words, `[0b10, 0b110]`.  Two ways lead from there to a token, and the number of allowed ones decides.

*Many allowed*: send the words to the device (16 KB for 128,256 tokens), unpack them there, and put -inf
under every zero.  `apply_bitmask` does that as one compiled kernel.

*Few allowed*: send the ids and look at nothing else.  `Mask.ids` lists them, and the sampler gets a row of
k logits in place of 128,256 (`constrain.engine.sampling`); the LM head may even skip the other rows
(`constrain.engine.decode`).

A row of zeros is refused before it reaches the device, because there it would not fail: every logit
becomes -inf, softmax becomes NaN, and argmax of NaN is token 0.

Shapes: words (batch, ceil(V/32)) int32; logits (batch, W) of any float type.  W may exceed V, as models
pad their vocabulary: the logits past the mask's last word are never allowed.

Cost, at 128,256 tokens on one CPU core: counting bits 3 us, unpack and select 85 us, ids of a sparse row
10 us.  Transfers do not show (1 to 2 us).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from constrain.errors import ConstrainError
from constrain.vocabulary.bitmask import Words, allocate_token_bitmask, word_count

FEW = 1024
"""Up to here a row is handled by its ids; a gather of 1,024 costs what 1 % of the full row costs."""


class Constraint(Protocol):
    """What decoding needs of a matcher; `constrain.matcher.Matcher` is one."""

    def accept_token(self, token_id: int, /) -> bool:
        """Advance by a token; False, and nothing changed, when it is not allowed."""

    def fill_next_token_bitmask(self, bitmask: Words, index: int = 0, /) -> bool:
        """Write the mask of the next token into row `index`."""

    def is_completed(self) -> bool:
        """Whether the text may end here."""

    def is_terminated(self) -> bool:
        """Whether an end token was accepted."""

    def rollback(self, count: int, /) -> None:
        """Take back the last `count` tokens."""


@dataclass(frozen=True, slots=True)
class Mask:
    """One row of a bitmask, with the number of ones in it."""

    words: Words
    count: int
    _ids: list[npt.NDArray[np.int64]] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, words: Words) -> Mask:
        """Count the ones of a row of packed words."""
        return cls(words, int(np.bitwise_count(words.view(np.uint32)).sum()))

    @property
    def few(self) -> bool:
        """Whether listing the allowed ids beats masking the others."""
        return self.count <= FEW

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """The allowed token ids, ascending."""
        if not self._ids:
            used = np.flatnonzero(self.words)
            bits = np.unpackbits(
                self.words[used].astype("<i4").view(np.uint8).reshape(-1, 4), axis=1, bitorder="little"
            )
            row, bit = np.nonzero(bits)
            self._ids.append(used[row] * 32 + bit)
        return self._ids[0]

    def allows(self, token: int) -> bool:
        """Whether one token is allowed."""
        return bool(int(self.words[token // 32]) >> token % 32 & 1)


class MaskRow:
    """A preallocated row that a constraint fills again and again, one mask at a time."""

    __slots__ = ("_words",)

    def __init__(self, vocabulary_size: int) -> None:
        self._words = allocate_token_bitmask(1, vocabulary_size)

    def fill(self, constraint: Constraint) -> Mask:
        """Return the constraint's next mask; it lives until the next `fill`."""
        constraint.fill_next_token_bitmask(self._words, 0)
        mask = Mask.of(self._words[0])
        if mask.count == 0:
            raise ConstrainError(
                "the mask allows no token, so there is nothing to sample",
                hint="a matcher that has accepted an end token is over: reset() it, or make a new one",
            )
        return mask


def apply_bitmask(logits: mx.array, words: Words) -> mx.array:
    """Put -inf under every token whose bit is 0; logits (batch, W), words (batch, n) or (n,)."""
    packed = np.atleast_2d(words)
    needed = word_count(logits.shape[-1])
    if packed.shape[-1] < needed:
        packed = np.pad(packed, [(0, 0), (0, needed - packed.shape[-1])])
    return _select(logits, mx.array(packed[:, :needed]))


@mx.compile
def _select(logits: mx.array, words: mx.array) -> mx.array:
    # No array of the module's own: one made by the importing thread could not be evaluated in another.
    bits = (words[..., None] >> mx.arange(32, dtype=mx.int32)) & 1
    allowed = bits.reshape(words.shape[0], -1)[:, : logits.shape[-1]]
    return mx.where(allowed.astype(mx.bool_), logits, mx.array(-mx.inf, dtype=logits.dtype))

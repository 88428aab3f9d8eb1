"""Which tokens are certain, where the text is?

After `{` in an object whose first key is required, `"name": "` is certain text, but not certain tokens:
`"name` and `"na` both begin it, and the mask allows both.  Any of them would do; the model was trained on one
spelling, the one its tokenizer writes.  So the forced text is tokenised as a whole, and its tokens are
appended in one forward pass, instead of being chosen one by one in several.

The end of the forced text is not certain: a longer token may cross it.  `{"a": "` may go on with the one
token `": "` or, before a name, with ` "M`... so the tokens kept are those that stay the same whatever
follows: the text is tokenised alone and before some typical continuations, and the common beginning is kept.

    forced `{"city": "`   alone  [{", city, ":, "]    before R  [{", city, ":, "R]    kept [{", city, ":]

Source: xgrammar's and llguidance's jump-forward decoding, whose naive form changes what a model writes
(xgrammar #776, llguidance #267); hence the held-back end.  Cost: memoised per forced text; asked only where
few tokens are allowed, because a forced byte means that every allowed token begins with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from constrain.engine.masking import Constraint, Mask
from constrain.vocabulary.vocabulary import Vocabulary

FEW_ENOUGH = 64
_FOLLOWERS = ("a", "A", "1", " ", '"', "}", ",")
_KEPT = 4096


class Forcing:
    """Spells forced text as its tokenizer would, for one tokenizer."""

    def __init__(self, tokenizer: Any, vocabulary: Vocabulary) -> None:
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._memo: dict[bytes, tuple[int, ...]] = {}

    def __call__(self, constraint: Constraint, mask: Mask) -> Sequence[int]:
        """The tokens that are certain from here; none where the model has a choice to make."""
        if mask.count > FEW_ENOUGH or not hasattr(constraint, "forced_bytes"):
            return ()
        forced: bytes = constraint.forced_bytes()
        if len(forced) < 2:
            return ()
        tokens = self._memo.get(forced)
        if tokens is None:
            if len(self._memo) >= _KEPT:
                self._memo.clear()
            tokens = self._memo[forced] = self._spell(forced)
        return tokens

    def _spell(self, forced: bytes) -> tuple[int, ...]:
        text = forced.decode("utf-8", errors="ignore")
        if not forced.startswith(text.encode()):
            return ()
        kept = self._encode(text)
        for follower in _FOLLOWERS:
            other = self._encode(text + follower)
            size = next(
                (i for i, (a, b) in enumerate(zip(kept, other, strict=False)) if a != b),
                min(len(kept), len(other)),
            )
            kept = kept[:size]
        return tuple(kept) if kept and forced.startswith(self._vocabulary.decode(kept)) else ()

    def _encode(self, text: str) -> list[int]:
        return [int(token) for token in self._tokenizer.encode(text, add_special_tokens=False)]

"""Who may write?  Adversaries that choose among the tokens a mask allows.

A promise about masks is a promise about every model, so it is tried on models that nobody would train.  A
walker likes some tokens better than others and takes the one it likes best of those allowed; of several it
likes as well, any.  One time in eight it takes whatever is allowed, so that it also gets where it would not.

    uniform            any token
    longest            the longest token, which crosses the most borders at once
    byte by byte       single bytes, the finest steps
    rarest             the highest ids, the tokens no author thought of
    opens              whatever opens a list, an object or a further item
    longest string     letters: a string that is never closed
    whitespace lover   blanks, tabs and line breaks
    budget-hungry      anything but what closes something: the last token of its budget is written
    random model       a fixed opinion about each token after each other one: a model without training

No walker ends a text by itself, but for the uniform one, by chance: the budget does (`finishing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from constrain.vocabulary.vocabulary import Vocabulary

Ids = npt.NDArray[np.int32]
"""Token ids, ascending, shape (n,)."""
Scores = npt.NDArray[np.float32]
"""How well each token is liked, shape (V,)."""

WHIM = 0.125
"""How often a walker takes any token that is allowed."""
_PRIME = 7_919
"""Shifts the opinions of the random model by the token before."""


@dataclass(frozen=True, eq=False)
class Menu:
    """The tokens one mask allows, and of these, those that a walker likes best."""

    ids: Ids
    best: dict[str, Ids] = field(default_factory=dict)


@dataclass(frozen=True)
class Walker:
    """Chooses among allowed tokens; `likes` says of a token's id and bytes how well it is liked."""

    name: str
    likes: Callable[[int, bytes], float]
    ends: bool = False

    def choose(self, menu: Menu, vocabulary: Vocabulary, rng: np.random.Generator, before: int) -> int:
        """A token of the menu, which must not be empty; `before` is the token written last."""
        if rng.random() < WHIM:
            return int(rng.choice(menu.ids))
        best = menu.best.get(self.name)
        if best is None:
            scores = _scores(self, vocabulary)[menu.ids]
            best = menu.best[self.name] = menu.ids[scores == scores.max()]
        return int(rng.choice(best))


@dataclass(frozen=True)
class RandomModel(Walker):
    """A model with random weights that knows one token back: greedy, so it goes round in circles too."""

    def choose(self, menu: Menu, vocabulary: Vocabulary, rng: np.random.Generator, before: int) -> int:
        """The token of the menu with the highest logit behind `before`."""
        if rng.random() < WHIM:
            return int(rng.choice(menu.ids))
        ends = _scores(self, vocabulary)[menu.ids]
        shifted = (menu.ids.astype(np.int64) + before * _PRIME) % vocabulary.size
        return int(menu.ids[np.argmax(_opinions(vocabulary.size)[shifted] + ends)])


def _all_alike(token: int, text: bytes) -> float:
    return 0.0


def _opens(token: int, text: bytes) -> float:
    return 4.0 * (text[-1:] in (b"[", b"{")) + 2.0 * (text[-1:] == b",") + (b"[" in text) + (b'":' in text)


def _stays_open(token: int, text: bytes) -> float:
    return float(not any(byte in text for byte in b'"}])'))


_ALL = [
    Walker("uniform", _all_alike, ends=True),
    Walker("longest", lambda token, text: len(text)),
    Walker("byte by byte", lambda token, text: len(text) == 1),
    Walker("rarest", lambda token, text: token // 8),
    Walker("opens", _opens),
    Walker("longest string", lambda token, text: text.isalpha()),
    Walker("whitespace lover", lambda token, text: text.isspace()),
    Walker("budget-hungry", _stays_open),
    RandomModel("random model", _all_alike),
]
WALKERS: Mapping[str, Walker] = MappingProxyType({walker.name: walker for walker in _ALL})
"""All of them, by name."""


@lru_cache(maxsize=64)
def _scores(walker: Walker, vocabulary: Vocabulary) -> Scores:
    """How well each token is liked; ends less than all others, unless the walker takes them as any."""
    liked = (walker.likes(token, text or b"") for token, text in enumerate(vocabulary.tokens))
    scores = np.fromiter(liked, dtype=np.float32, count=vocabulary.size)
    if not walker.ends:
        scores[list(vocabulary.eos_token_ids)] = -1e9
    return scores


@lru_cache(maxsize=4)
def _opinions(size: int) -> Scores:
    return np.random.default_rng(0).standard_normal(size, dtype=np.float32)

"""Slow and plainly right: masks by definition, languages by enumeration, and toy vocabularies.

Nothing here uses the automaton, the tables or the masks of the package; `by_trying` uses
`Positions.read`, the byte-by-byte definition, and the enumerations use Python's `re` and `json` alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

import numpy as np

from constrain.matcher import CompiledGrammar
from constrain.position import Position
from constrain.vocabulary.vocabulary import Vocabulary


def toy_vocabulary(texts: Iterable[bytes] = (), *, eos_tokens: int = 1) -> Vocabulary:
    """All 256 bytes, then `texts`, then end-of-sequence tokens."""
    tokens: list[bytes | None] = [bytes((byte,)) for byte in range(256)]
    tokens += [text for text in dict.fromkeys(texts) if len(text) > 1]
    ends = range(len(tokens), len(tokens) + eos_tokens)
    return Vocabulary.from_tokens([*tokens, *[None] * eos_tokens], eos_token_ids=tuple(ends))


def by_trying(compiled: CompiledGrammar, position: Position) -> list[int]:
    """The mask by definition: every token, byte by byte."""
    vocabulary = compiled.vocabulary
    allowed = [
        token_id
        for token_id, token in enumerate(vocabulary.tokens)
        if token and compiled.positions.read(position.threads, token)
    ]
    if position.can_end:
        allowed += vocabulary.eos_token_ids
    return sorted(allowed)


def strings_over(alphabet: str, max_length: int) -> list[str]:
    """Every string over `alphabet` of at most `max_length` characters, shortest first."""
    return [
        "".join(letters)
        for length in range(max_length + 1)
        for letters in itertools.product(alphabet, repeat=length)
    ]


def matching(pattern: str, strings: Sequence[str]) -> list[str]:
    """Those of `strings` that Python's `re.fullmatch` takes."""
    compiled = re.compile(pattern)
    return [text for text in strings if compiled.fullmatch(text)]


def viable_prefixes(texts: Iterable[bytes]) -> set[bytes]:
    """Every prefix of every text."""
    return {text[:end] for text in texts for end in range(len(text) + 1)}


def tokens_that_keep(
    prefix: bytes, vocabulary: Vocabulary, texts: set[bytes], viable: set[bytes]
) -> list[int]:
    """The mask after `prefix` from an enumerated language: tokens that keep it viable, and the ends."""
    allowed = [
        token_id for token_id, token in enumerate(vocabulary.tokens) if token and prefix + token in viable
    ]
    if prefix in texts:
        allowed += vocabulary.eos_token_ids
    return sorted(allowed)


def ids(array: np.ndarray) -> list[int]:
    """An array of ids as a list."""
    found: list[int] = array.tolist()
    return found

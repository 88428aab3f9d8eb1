"""Which bytes may a walk take for one, because hardly any pattern tells them apart?

`[a-z]+` leads from each letter to the same state, and so do nearly all patterns that read letters at all.
So the letters are one *block*, and tokens that differ in letters only are one for a walk:

    the  and  cat  ...    aaa          The  And  ...    Aaa          12  34  ...    11

What a block is depends on the bytes before it (the *context*), for three reasons:

1. After a lead byte of UTF-8, the bytes that go on with the character are one block.  But white space and
   line ends stay by themselves, since patterns tell them from other characters (`\\s`, `.`).
2. From its first quote or backslash on, a token is spelled out: behind a quote, what remains of a token is
   read by whatever comes next, and behind a backslash the letters are not alike.
3. At its beginning a token may go on with a character of the token before it.

There are two divisions, COARSE and HEX, which has a block for the letters to `f`.  A state that is not the
same after all bytes of a block is found out by the walk (`walks.py`); a division has to be right often only.

Source: ours; ECMA-262, sections 12.2 and 12.3, for white space.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt

from constrain.regular.byte_sets import bytes_of

Span = tuple[int, int]
Spans = tuple[Span, ...]
Rules = dict[str, dict[Spans, str]]
"""By context, and by the bytes of a block: the context after them."""

START, SPELLED = "start", "spelled"
BETWEEN, SPELLED_OUT = 0, 1
"""The numbers of the contexts between two characters, and behind a quote or backslash."""
_SPELLING = b'"\\'
_ASCII: list[Spans] = [((0x31, 0x39),), ((0x00, 0x08), (0x0E, 0x1F)), ((0x0B, 0x0C),)]
_CONTINUING: list[Spans] = [((0x80, 0x8F),), ((0x90, 0x9F),), ((0xA0, 0xBF),)]
_LEADS: dict[Spans, str] = {
    **dict.fromkeys(_CONTINUING, START),
    ((0xC0, 0xC1), (0xF5, 0xFF)): START,
    **{((lead, lead),): f"{lead:X}" for lead in (0xC2, 0xE0, 0xE1, 0xE2, 0xE3, 0xED, 0xEF, 0xF0, 0xF4)},
    ((0xC3, 0xDF),): "one more",
    ((0xE4, 0xEC), (0xEE, 0xEE)): "two more",
    ((0xF1, 0xF3),): "three more",
}
_CHARACTERS: dict[str, tuple[dict[Spans, str], str]] = {
    "one more": ({}, START),
    "two more": ({}, "one more"),
    "three more": ({}, "two more"),
    "C2": ({((0x85, 0x85),): START, ((0xA0, 0xA0),): START}, START),
    "E0": ({((0xA0, 0xBF),): "one more"}, START),
    "E1": ({((0x9A, 0x9A),): "E1 9A"}, "one more"),
    "E1 9A": ({((0x80, 0x80),): START}, START),
    "E2": ({((0x80, 0x80),): "E2 80", ((0x81, 0x81),): "E2 81"}, "one more"),
    "E2 80": ({((0x80, 0x8A),): START, ((0xA8, 0xA9),): START, ((0xAF, 0xAF),): START}, START),
    "E2 81": ({((0x9F, 0x9F),): START}, START),
    "E3": ({((0x80, 0x80),): "E3 80"}, "one more"),
    "E3 80": ({((0x80, 0x80),): START}, START),
    "ED": ({((0x80, 0x9F),): "one more"}, START),
    "EF": ({((0xBB, 0xBB),): "EF BB"}, "one more"),
    "EF BB": ({((0xBF, 0xBF),): START}, START),
    "F0": ({((0x90, 0xBF),): "two more"}, START),
    "F4": ({((0x80, 0x8F),): "two more"}, START),
}
"""By context: the blocks of bytes that go on with a character, and the context after those not named."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """A division of the bytes in each context.

    A *symbol* is a byte, or 256 and more for a block of several: `SETS[symbol]` are its bytes, as a 256-bit
    set.  `symbol[context, byte]` is the symbol of a byte, and `after[context, byte]` the context after it;
    `by_context[context]` are the symbols that occur there.  Context 0 is that at the start of a token.
    """

    symbol: npt.NDArray[np.int32]
    after: npt.NDArray[np.uint8]
    by_context: tuple[tuple[int, ...], ...]
    number: int
    """Tells divisions apart."""

    @classmethod
    def build(cls, rules: Rules) -> Self:
        """The division that the rules make."""
        numbers = {name: number for number, name in enumerate(rules)}
        symbol = np.empty((len(rules), 256), dtype=np.int32)
        after = np.empty((len(rules), 256), dtype=np.uint8)
        for name, number in numbers.items():
            for spans, then in rules[name].items():
                which, then_number = _SYMBOLS.setdefault(_mask(spans), len(_SYMBOLS)), numbers[then]
                for first, last in spans:
                    symbol[number, first : last + 1] = which
                    after[number, first : last + 1] = then_number
        return cls(symbol, after, tuple(tuple(sorted({*row})) for row in symbol.tolist()), next(_numbers))

    def cut(self, mask: int, context: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The least bytes of the context's symbols that are in a set, and of those that are in part."""
        return _cut(self, mask, context)


_numbers = itertools.count()


@lru_cache(maxsize=8_192)
def _cut(blocks: Blocks, mask: int, context: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    alone, several = _members(blocks, context)
    whole = list(bytes_of(mask & alone))
    some: list[int] = []
    for members in several:
        if members & mask:
            (whole if members & mask == members else some).append((members & -members).bit_length() - 1)
    return tuple(whole), tuple(some)


@cache
def _members(blocks: Blocks, context: int) -> tuple[int, tuple[int, ...]]:
    """The bytes that are a symbol by themselves, as a set, and the sets that the others are."""
    sets = [SETS[symbol] for symbol in blocks.by_context[context]]
    alone = sum(members for members in sets if not members & members - 1)
    return alone, tuple(members for members in sets if members & members - 1)


@cache
def _mask(spans: Spans) -> int:
    return sum((1 << last + 1) - (1 << first) for first, last in spans)


def _rules(letters: Iterable[Span]) -> Rules:
    start: dict[Spans, str] = {**dict.fromkeys([*_ASCII, *((span,) for span in letters)], START), **_LEADS}
    named = {byte for spans in start for first, last in spans for byte in range(first, last + 1)}
    for byte in range(256):
        if byte not in named:
            start[(byte, byte),] = SPELLED if byte in _SPELLING else START
    rules: Rules = {START: start, SPELLED: {((byte, byte),): SPELLED for byte in range(256)}}
    others = {spans: then for spans, then in start.items() if spans not in _CONTINUING}
    for name, (blocks, then) in _CHARACTERS.items():
        rest = _without([span for spans in blocks for span in spans])
        rules[name] = {**blocks, **({rest: then} if rest else {}), **others}
    return rules


def _without(spans: list[Span]) -> Spans:
    """The bytes 80 to BF that are in none of the spans, which are in order."""
    ends = [0x7F, *(last for _, last in spans)], [*(first for first, _ in spans), 0xC0]
    return tuple((before + 1, after - 1) for before, after in zip(*ends, strict=True) if before + 1 < after)


_SYMBOLS = {1 << byte: byte for byte in range(256)}
COARSE = Blocks.build(_rules([(0x41, 0x5A), (0x61, 0x7A)]))
HEX = Blocks.build(_rules([(0x41, 0x46), (0x47, 0x5A), (0x61, 0x66), (0x67, 0x7A)]))
EXACT = Blocks.build({START: {((byte, byte),): START for byte in range(256)}})
SETS = tuple(_SYMBOLS)
"""The bytes of every symbol of the three divisions."""

"""Packed token masks: one bit per token, in the layout every engine of the field shares.

A bitmask is an int32 array of shape (batch, ⌈V/32⌉); token t is bit t % 32 of word t // 32, counted
from the least significant bit, and 1 means allowed.  Tokens 0 and 33 of a 40-token vocabulary:

    word 0 = 0b1 = 1      word 1 = 0b10 = 2

Source: the layout of xgrammar's and llguidance's `fill_next_token_bitmask`, which mlx, vLLM and torch
kernels already read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from constrain.arguments import as_whole, kind_of
from constrain.errors import TokenError

MAX_TOKENS = 1 << 24
"""Sixty times the largest vocabulary there is: a larger size is a mistake, and would only fill memory."""

MAX_ROWS = 1 << 16
"""Likewise a batch."""

Words = npt.NDArray[np.int32]


def word_count(vocab_size: int) -> int:
    """How many 32-bit words hold one bit for each of `vocab_size` tokens."""
    return (vocab_size + 31) // 32


def allocate_token_bitmask(batch_size: int, vocab_size: int) -> Words:
    """Return a zeroed int32 bitmask of shape (batch_size, ⌈vocab_size/32⌉): nothing is allowed.

    >>> allocate_token_bitmask(2, 40).shape
    (2, 2)
    """
    rows = as_whole(batch_size, "batch_size", most=MAX_ROWS)
    width = as_whole(vocab_size, "vocab_size", least=1, most=MAX_TOKENS)
    return np.zeros((rows, word_count(width)), dtype=np.int32)


def writable_row(bitmask: npt.NDArray[np.int32], index: int) -> Words:
    """Row `index` of a bitmask, as words to write in.

    A bitmask of uint32 is written bit for bit.  Raises TokenError for any other array: numpy would convert
    the words to its dtype, and change their bits in silence.
    """
    if not isinstance(bitmask, np.ndarray):
        raise TokenError(f"a bitmask is a numpy array, not {kind_of(bitmask)}", hint=_ALLOCATE)
    dtype = bitmask.dtype
    if dtype is not _INT32 and dtype not in (_INT32, _UINT32):
        raise TokenError(f"a bitmask is an array of int32, not of {dtype}", hint=_ALLOCATE)
    if bitmask.ndim != 2:
        raise TokenError(f"a bitmask has two dimensions, not the shape {bitmask.shape}", hint=_ALLOCATE)
    if not bitmask.flags.writeable:
        raise TokenError("this bitmask cannot be written: it is read-only", hint="give a copy of it")
    if type(index) is not int:
        index = as_whole(index, "the row of a bitmask", error=TokenError)
    try:
        row: npt.NDArray[Any] = bitmask[index]
    except IndexError:
        raise TokenError(f"there is no row {index} in a bitmask of {len(bitmask)}") from None
    return row if dtype is _INT32 else row.view(_INT32)


_INT32, _UINT32 = np.dtype(np.int32), np.dtype(np.uint32)
_ALLOCATE = "allocate it with allocate_token_bitmask(batch_size, vocabulary.size)"


def pack_flags(flags: npt.NDArray[np.bool_]) -> Words:
    """Pack one bool per token, shape (V,), into words, shape (⌈V/32⌉,)."""
    packed = np.packbits(flags, bitorder="little")
    words = np.zeros(word_count(len(flags)) * 4, dtype=np.uint8)
    words[: len(packed)] = packed
    return words.view("<i4").astype(np.int32, copy=False)


def unpack_words(words: Words, vocab_size: int) -> npt.NDArray[np.bool_]:
    """The inverse of `pack_flags`: one bool per token, shape (vocab_size,).

    >>> words = allocate_token_bitmask(1, 40)[0]
    >>> set_tokens(words, [0, 33])
    >>> words.tolist(), np.flatnonzero(unpack_words(words, 40)).tolist()
    ([1, 2], [0, 33])
    """
    raw = np.ascontiguousarray(words, dtype="<i4").view(np.uint8)
    return np.unpackbits(raw, count=vocab_size, bitorder="little").astype(np.bool_)


def set_tokens(words: Words, token_ids: Iterable[int]) -> None:
    """Allow `token_ids` in one row, in place."""
    unsigned = words.view(np.uint32)
    ids = np.fromiter(token_ids, dtype=np.int64)
    np.bitwise_or.at(unsigned, ids >> 5, np.uint32(1) << (ids & 31).astype(np.uint32))


def is_set(words: Words, token_id: int) -> bool:
    """Is `token_id` allowed by this row?"""
    return bool((int(words[token_id >> 5]) >> (token_id & 31)) & 1)


def clear_tokens(words: Words, token_ids: Iterable[int]) -> None:
    """Forbid `token_ids` in one row, in place."""
    unsigned = words.view(np.uint32)
    ids = np.fromiter(token_ids, dtype=np.int64)
    np.bitwise_and.at(unsigned, ids >> 5, ~(np.uint32(1) << (ids & 31).astype(np.uint32)))


class Sparse:
    """A packed mask of a few hundred tokens: the words that are not 0, and where they are."""

    __slots__ = ("index", "words")

    def __init__(self, row: Words) -> None:
        self.index = np.flatnonzero(row)
        self.words = row[self.index]

    def add_to(self, row: Words) -> None:
        """Allow these tokens in `row`, in place."""
        row[self.index] |= self.words


class Mask:
    """A finished mask: a packed row that others may share, and the words in which it differs from that.

    Without a row it differs from the mask of no token.
    """

    __slots__ = ("index", "row", "words")

    def __init__(self, row: Words | None, index: npt.NDArray[np.intp], words: Words) -> None:
        self.row = row
        self.index = index
        self.words = words

    @classmethod
    def between(cls, row: Words | None, mask: Words) -> Mask:
        """`mask`, kept as what differs from `row`."""
        index = np.flatnonzero(mask if row is None else mask != row)
        return cls(row, index, mask[index])

    @classmethod
    def changed(cls, row: Words | None, allowed: Iterable[int], forbidden: Iterable[int]) -> Mask:
        """`row` with a few tokens allowed, and others forbidden.

        >>> words = allocate_token_bitmask(1, 40)[0]
        >>> Mask.changed(pack_flags(np.ones(40, dtype=np.bool_)), [], [0, 33]).write(words)
        >>> np.flatnonzero(~unpack_words(words, 40)).tolist()
        [0, 33]
        """
        there: dict[int, int] = {}
        for token in allowed:
            there[token >> 5] = there.get(token >> 5, 0) | 1 << (token & 31)
        gone: dict[int, int] = {}
        for token in forbidden:
            gone[token >> 5] = gone.get(token >> 5, 0) | 1 << (token & 31)
            there.setdefault(token >> 5, 0)
        index = np.fromiter(there, dtype=np.intp, count=len(there))
        words = np.fromiter(there.values(), dtype=np.uint32, count=len(there)).view(np.int32)
        if row is not None:
            words |= row[index]
        if gone:
            kept = (~gone.get(word, 0) & 0xFFFFFFFF for word in there)
            words &= np.fromiter(kept, dtype=np.uint32, count=len(there)).view(np.int32)
        return cls(row, index, words)

    def write(self, row: Words) -> None:
        """Write the mask into `row`, int32, shape (⌈V/32⌉,)."""
        if self.row is None:
            row.fill(0)
        else:
            row[:] = self.row
        row[self.index] = self.words

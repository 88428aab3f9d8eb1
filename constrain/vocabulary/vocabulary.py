"""What does a grammar need to know of a model's tokenizer?

Four things: the bytes each token writes, which tokens end a generation, how many logits the model has, and
the trie of the bytes.  A vocabulary of five tokens over a model of six logits:

    id       0     1      2      3           4          5
    token    a     ab     é's    <|im_end|>  <pad>      (padding: the tokenizer has no such id)
    tokens   b"a"  b"ab"  b"\\xc3" None        None       None        eos_token_ids = (3,)

None stands for "is never text": a special token, an end, a token without bytes, an id beyond the
tokenizer.  A grammar cannot match it, whatever its name looks like.  Every end counts: a model
that may stop with `<|eot_id|>` or `<|end_of_text|>` loops when only one of them is allowed.

The bytes of all tokens are one `blob` with `offsets`, which a cache can store and read as it is; the list
`tokens` is cut from it on first use, which takes 20 ms.  `token_bytes.py` finds the bytes in a tokenizer,
`trie.py` sorts them.

Cost, for Llama-3's 128,256 tokens: 0.4 s from the tokenizer, 0.1 s from the disk cache (`cache.py`), most of
it to hash the tokenizer; 8 MB of arrays and 6 MB more for the list `tokens`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from constrain.arguments import as_list, as_whole, kind_of
from constrain.errors import InvalidInputError, ModelError, TokenError
from constrain.recipe import LOGGER
from constrain.vocabulary import cache as disk
from constrain.vocabulary.bitmask import MAX_TOKENS
from constrain.vocabulary.blocks import COARSE, HEX
from constrain.vocabulary.signatures import Signatures
from constrain.vocabulary.token_bytes import TokenSource
from constrain.vocabulary.trie import Trie

UTF8_BYTES = tuple(byte for byte in range(256) if byte not in (0xC0, 0xC1) and byte < 0xF5)
"""The 243 bytes that occur in UTF-8 text."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The tokens of a model as bytes; two vocabularies are the same one when `fingerprint` is equal.

    Token i writes `blob[offsets[i]:offsets[i + 1]]`, nothing when it is never text.  `size` is the width of
    the model's logits, and of every mask.
    """

    size: int
    eos_token_ids: tuple[int, ...]
    special_token_ids: tuple[int, ...]
    blob: bytes
    offsets: npt.NDArray[np.int64]
    trie: Trie

    @classmethod
    def from_tokens(
        cls,
        tokens: Sequence[bytes | None],
        *,
        eos_token_ids: Iterable[int],
        special_token_ids: Iterable[int] | None = None,
        size: int | None = None,
    ) -> Self:
        """A vocabulary spelled out: token i writes `tokens[i]`, or is never text when that is None.

        Ends are never text, whatever bytes they are given, and neither are `special_token_ids` (by default:
        the ids whose token is None).  The empty string would never get anywhere; it counts as None.

        >>> vocabulary = Vocabulary.from_tokens([b"a", b"ab", None], eos_token_ids=[2])
        >>> vocabulary.decode([0, 1, 2])
        b'aab'
        """
        tokens = _checked_tokens(tokens)
        width = as_whole(
            len(tokens) if size is None else size,
            "the size of a vocabulary",
            least=1,
            most=MAX_TOKENS,
            error=ModelError,
        )
        ends = _checked_ends(eos_token_ids, width)
        if special_token_ids is None:
            special_token_ids = [index for index, token in enumerate(tokens) if token is None]
        special = tuple(sorted({*_token_ids(special_token_ids, "special_token_ids"), *ends}))
        texts = [token or None for token in tokens[:width]]
        texts += [None] * (width - len(texts))
        for index in special:
            if 0 <= index < width:
                texts[index] = None
        offsets = np.zeros(width + 1, dtype=np.int64)
        np.cumsum([len(text or b"") for text in texts], out=offsets[1:])
        blob = b"".join([text for text in texts if text])
        kept = tuple(index for index in special if 0 <= index < width)
        return cls(width, ends, kept, blob, offsets, Trie.build(texts))

    def __repr__(self) -> str:
        return f"<Vocabulary of {self.size:,} tokens, ends {self.eos_token_ids}>"

    @classmethod
    def from_tokenizer(
        cls,
        tokenizer: Any,
        *,
        size: int | None = None,
        eos_token_ids: Iterable[int] | None = None,
        cache: bool | str | Path = True,
    ) -> Self:
        """The vocabulary of a Hugging Face fast tokenizer, or of mlx-lm's wrapper around one.

        `size` is the width of the model's logits where that differs from the tokenizer's.  The ends are the
        tokenizer's own, the wrapper's and `eos_token_ids` together.  `cache` is False for none, or a folder
        other than the user's cache folder.
        """
        source = TokenSource.of(tokenizer)
        width = source.size if size is None else size
        width = as_whole(width, "the size of a vocabulary", least=1, most=MAX_TOKENS, error=ModelError)
        more = () if eos_token_ids is None else _token_ids(eos_token_ids, "eos_token_ids")
        ends = _checked_ends({*source.eos_token_ids, *more}, width)
        folder = disk.cache_folder() if cache is True else Path(cache) if cache else None
        vocabulary = (
            cls._read(source, width, ends) if folder is None else cls._kept(folder, source, width, ends)
        )
        vocabulary.prepare()
        return vocabulary

    @classmethod
    def _kept(cls, folder: Path, source: TokenSource, width: int, ends: tuple[int, ...]) -> Self:
        """The same out of a cache folder, and into it where it is not there."""
        content = f"{source.key} {width} {ends}".encode() + disk.MAGIC
        key = hashlib.blake2b(content, digest_size=20).hexdigest()
        path = folder / "vocabulary" / f"{key}.bin"
        arrays = disk.load(path, key)
        if arrays is not None:
            with suppress(disk.Damaged):
                kept = cls._from_arrays(arrays, width, ends)
                LOGGER.debug("vocabulary of %d tokens found in %s", width, path)
                return kept
        vocabulary = cls._read(source, width, ends)
        LOGGER.debug("vocabulary of %d tokens made, kept in %s", width, path)
        disk.store(path, key, vocabulary._to_arrays())
        return vocabulary

    @classmethod
    def _read(cls, source: TokenSource, width: int, ends: tuple[int, ...]) -> Self:
        special = source.special_token_ids
        return cls.from_tokens(source.tokens(), eos_token_ids=ends, special_token_ids=special, size=width)

    @classmethod
    def _from_arrays(cls, arrays: disk.Arrays, width: int, ends: tuple[int, ...]) -> Self:
        """Raises Damaged where they are not those of a vocabulary with the tokens that they list."""
        disk.expect(arrays, blob=(np.uint8, None), offsets=(np.int64, width + 1), special=(np.int32, None))
        offsets, special = arrays["offsets"], tuple(arrays["special"].tolist())
        disk.check(
            "offsets", offsets[0] == 0, (np.diff(offsets) >= 0).all(), offsets[-1] == len(arrays["blob"])
        )
        disk.check("special", set(ends) <= set(special) <= set(range(width)))
        trie = Trie.checked(arrays, arrays["blob"], offsets)
        vocabulary = cls(width, ends, special, arrays["blob"].tobytes(), offsets, trie)
        vocabulary.__dict__["signatures"] = tuple(
            Signatures.checked(trie, width, blocks, disk.group(arrays, str(blocks.number)))
            for blocks in (COARSE, HEX)
        )
        return vocabulary

    def _to_arrays(self) -> disk.Arrays:
        arrays = {
            "blob": np.frombuffer(self.blob, dtype=np.uint8),
            "offsets": self.offsets,
            "special": np.array(self.special_token_ids, dtype=np.int32),
            **{field.name: getattr(self.trie, field.name) for field in fields(Trie)},
        }
        for signatures in self.signatures:
            named = signatures.to_arrays().items()
            arrays |= {f"{signatures.blocks.number}.{name}": array for name, array in named}
        return arrays

    @cached_property
    def signatures(self) -> tuple[Signatures, Signatures]:
        """The trie under the divisions COARSE and HEX (`blocks.py`)."""
        coarse, hexadecimal = (Signatures.build(self.trie, self.size, blocks) for blocks in (COARSE, HEX))
        return coarse, hexadecimal

    def prepare(self) -> None:
        """Make now what is made once for a vocabulary, so that no mask waits for it."""
        for signatures in self.signatures:
            _ = signatures.nodes, signatures.tokens, signatures.deep, signatures.lowest, signatures.symbols
        _ = self.trie.deep, self.trie.lowest, self.trie.token_node, self.trie.by_byte

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """As its tokens: the trie and what is made of it would be ten times that."""
        tokens = (self.blob, self.offsets, self.eos_token_ids, self.special_token_ids)
        return _of_blob, (type(self), *tokens)

    @cached_property
    def _starts(self) -> memoryview[int]:
        return np.ascontiguousarray(self.offsets).data

    def text(self, token_id: int) -> bytes | None:
        """The bytes of one token; None for one that is never text.  Does not make the list `tokens`."""
        starts = self._starts
        return self.blob[starts[token_id] : starts[token_id + 1]] or None

    @cached_property
    def tokens(self) -> list[bytes | None]:
        """The bytes of each token by id; None for one that is never text."""
        blob = self.blob
        return [blob[start:stop] or None for start, stop in pairwise(self.offsets.tolist())]

    @cached_property
    def fingerprint(self) -> str:
        """A hash of size, ends and every token's bytes: equal exactly when masks are interchangeable."""
        digest = hashlib.blake2b(f"{self.size} {self.eos_token_ids}".encode(), digest_size=20)
        digest.update(np.ascontiguousarray(self.offsets, dtype="<i8").tobytes())
        digest.update(self.blob)
        return digest.hexdigest()

    @cached_property
    def missing_bytes(self) -> tuple[int, ...]:
        """The bytes of UTF-8 text that no token spells alone; with none missing, no text gets stuck."""
        return tuple(byte for byte in UTF8_BYTES if not self._spells(byte))

    def _spells(self, byte: int) -> bool:
        node = self.trie.child(0, byte)
        return node >= 0 and int(self.trie.own[node]) > 0

    def decode(self, token_ids: Iterable[int]) -> bytes:
        """The bytes that `token_ids` write; tokens that are never text write none."""
        tokens, pieces = self.tokens, []
        for token_id in map(as_token_id, as_list(token_ids, "token ids")):
            if not 0 <= token_id < self.size:
                raise TokenError(
                    f"token {token_id} is outside the vocabulary", where=f"ids go from 0 to {self.size - 1}"
                )
            pieces.append(tokens[token_id] or b"")
        return b"".join(pieces)


def _of_blob(
    kind: type[Vocabulary],
    blob: bytes,
    offsets: npt.NDArray[np.int64],
    ends: tuple[int, ...],
    special: tuple[int, ...],
) -> Vocabulary:
    """A vocabulary read from a pickle."""
    tokens = [blob[start:stop] or None for start, stop in pairwise(offsets.tolist())]
    return kind.from_tokens(tokens, eos_token_ids=ends, special_token_ids=special)


def as_token_id(token_id: object) -> int:
    """A whole number, numpy's too; whether the vocabulary has it is not asked.  Raises TokenError."""
    if type(token_id) is int:
        return token_id
    return as_whole(token_id, "a token id", least=None, error=TokenError)


def as_vocabulary(vocabulary: object) -> Vocabulary:
    """The vocabulary of a model or of a tokenizer, or the one that is given.

    A tokenizer's is as wide as the tokenizer; where the logits are wider, the words behind it are zero.
    Raises InvalidInputError for anything else, ModelError for a tokenizer that cannot be read.
    """
    if isinstance(vocabulary, Vocabulary):
        return vocabulary
    inner = getattr(vocabulary, "vocabulary", None)
    if isinstance(inner, Vocabulary):
        return inner
    if hasattr(vocabulary, "encode") and not isinstance(vocabulary, str):
        return _of_tokenizer(vocabulary)
    raise InvalidInputError(
        f"a Vocabulary is needed here, not {kind_of(vocabulary)}",
        hint="give one, or the tokenizer or the model that has it",
    )


def _of_tokenizer(tokenizer: Any) -> Vocabulary:
    """The vocabulary of a tokenizer, made once for as long as it is among the last few seen."""
    kept = _SEEN.pop(id(tokenizer), None) or (tokenizer, Vocabulary.from_tokenizer(tokenizer))
    _SEEN[id(tokenizer)] = kept
    while len(_SEEN) > MAX_SEEN:
        _SEEN.pop(next(iter(_SEEN)))
    return kept[1]


MAX_SEEN = 4
_SEEN: dict[int, tuple[Any, Vocabulary]] = {}
"""Holding the tokenizer keeps its id from being reused."""


class HasVocabulary(Protocol):
    """A model, as `load` returns it."""

    @property
    def vocabulary(self) -> Vocabulary:
        """Its vocabulary, as wide as its logits."""


class HasEncode(Protocol):
    """A tokenizer."""

    @property
    def encode(self) -> Callable[..., Any]:
        """Text to token ids."""


VocabularyLike = Vocabulary | HasVocabulary | HasEncode


def _checked_tokens(tokens: Sequence[bytes | None]) -> list[bytes | None]:
    given = as_list(tokens, "the tokens of a vocabulary")
    for index, token in enumerate(given):
        if token is not None and not isinstance(token, bytes):
            hint = "text as bytes: token.encode()" if isinstance(token, str) else ""
            what = f"a token is bytes or None, not {kind_of(token)}"
            raise ModelError(what, where=f"token {index}", hint=hint)
    return given


def _token_ids(token_ids: Iterable[int], what: str) -> list[int]:
    return [
        as_whole(index, f"an id of {what}", least=None, error=ModelError)
        for index in as_list(token_ids, what, f"for a single one: {what}=[...]")
    ]


def _checked_ends(eos_token_ids: Iterable[int], size: int) -> tuple[int, ...]:
    ends = tuple(sorted(set(_token_ids(eos_token_ids, "eos_token_ids"))))
    if not ends:
        raise ModelError(
            "the vocabulary has no end token, so that no generation could ever finish",
            hint="pass eos_token_ids=[...], the ids at which the model stops",
        )
    for end in ends:
        if not 0 <= end < size:
            raise ModelError(
                f"end token {end} is outside the vocabulary",
                where=f"ids go from 0 to {size - 1}",
                hint="pass size=, the width of the model's logits",
            )
    return ends

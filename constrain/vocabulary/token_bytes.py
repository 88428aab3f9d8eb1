"""Which bytes does each token of a tokenizer write?

A tokenizer stores tokens as strings in an alphabet of its own, and its decoder says which:

    family                     stored      writes              how
    byte-level BPE             ĠcittÃł     b" citt\\xc3\\xa0"  each character is one byte (GPT-2's table)
    SentencePiece              ▁città      b" citt\\xc3\\xa0"  `▁` is a space, the rest is itself, in UTF-8
      with byte fallback       <0x0A>      b"\\n"              and 256 tokens name one byte each
    WordPiece (BERT)           ##ing       refused            its spaces are in no token: no exact bytes

So we compile the decoder, the list of steps that tokenizer.json calls "decoder", to one function from stored
string to bytes.  Steps that only touch the ends of a whole text (the space that SentencePiece puts before the
first word, and takes away again) are left out: our tokens are bytes anywhere in a text.

Tokens beside the model's own ("added tokens") are of two kinds, and their `special` flag says which.
A special one is never text: `<|im_end|>` in a grammar is ten characters, that the model must spell out.
One that is not special is ordinary text kept in one piece (a run of spaces, Qwen's `<tool_call>`); it writes
its own characters and a grammar may match it.  An unknown-word token is never text.

Source: the alphabet is Radford et al., "Language models are unsupervised multitask learners" (2019), section
2.2, and their `bytes_to_unicode`; the steps are those of Hugging Face's `tokenizers`, its `decoders` module.

Cost: a fifth of a second for 128,256 tokens, a third of it the tokenizer handing over its strings, which the
cache key needs too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np

from constrain.errors import UnsupportedError

Decode = Callable[[str], bytes]

DECODING_VERSION = 1
"""To be raised with any change in which bytes a token is read to write: it is part of every cache key."""

_BYTE_NAME = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def _byte_alphabet() -> dict[int, str]:
    """GPT-2's table: printable Latin-1 stands for itself, the other bytes for U+0100 onwards in turn."""
    itself = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in itself]
    return {byte: chr(byte) for byte in itself} | {byte: chr(256 + i) for i, byte in enumerate(others)}


BYTE_TO_CHARACTER = _byte_alphabet()
_OUTSIDE = dict.fromkeys(range(256), "\uffff")
_CHARACTER_TO_BYTE = _OUTSIDE | {ord(char): chr(byte) for byte, char in BYTE_TO_CHARACTER.items()}


def byte_level_text(token: bytes) -> str:
    """How byte-level BPE stores a token.

    >>> byte_level_text(b" \\n")
    'ĠĊ'
    """
    return token.decode("latin-1").translate(BYTE_TO_CHARACTER)


def byte_level_bytes(stored: str) -> bytes:
    """The inverse of `byte_level_text`; a string that is not in the alphabet is itself, in UTF-8."""
    try:
        return stored.translate(_CHARACTER_TO_BYTE).encode("latin-1")
    except UnicodeEncodeError:
        return stored.encode("utf-8")


@dataclass(frozen=True, slots=True)
class TokenSource:
    """A tokenizer as far as a vocabulary needs it; `key` changes with everything that is read from it."""

    key: str
    size: int
    eos_token_ids: frozenset[int]
    special_token_ids: frozenset[int]
    _backend: Any
    _stored: list[str | None]
    _added: frozenset[int]

    @classmethod
    def of(cls, tokenizer: Any) -> Self:
        """Read a Hugging Face fast tokenizer, bare or in mlx-lm's TokenizerWrapper."""
        ends = set(_ids(getattr(tokenizer, "eos_token_ids", None)))
        inner = getattr(tokenizer, "_tokenizer", tokenizer)
        if not hasattr(inner, "backend_tokenizer"):
            inner = tokenizer
        backend = getattr(inner, "backend_tokenizer", None)
        if backend is None or not hasattr(backend, "get_added_tokens_decoder"):
            raise UnsupportedError(
                f"{type(inner).__name__} is not a fast tokenizer: the bytes of its tokens cannot be read",
                hint="load a model folder that has a tokenizer.json",
            )
        ends |= set(_ids(getattr(inner, "eos_token_id", None)))
        ends = {end for end in ends if end >= 0}
        added = backend.get_added_tokens_decoder()
        special = {index for index, token in added.items() if token.special}
        special |= set(inner.all_special_ids)
        unknown = getattr(backend.model, "unk_token", None)
        if unknown is not None and (index := backend.token_to_id(unknown)) is not None:
            special.add(index)
        if (index := getattr(backend.model, "unk_id", None)) is not None:
            special.add(index)
        stored = _stored_tokens(backend, added)
        return cls(
            key=_content_key(backend, stored, special, set(added)),
            size=len(stored),
            eos_token_ids=frozenset(ends),
            special_token_ids=frozenset(special | ends),
            _backend=backend,
            _stored=stored,
            _added=frozenset(added),
        )

    def tokens(self) -> list[bytes | None]:
        """The bytes of every token by id; None where an id is not in use or is special."""
        decode = _compile_decoder(self._backend)
        tokens = [None if stored is None else decode(stored) for stored in self._stored]
        if decode is byte_level_bytes:
            for index in self._added:
                tokens[index] = (self._stored[index] or "").encode()
        for index in self.special_token_ids:
            if 0 <= index < len(tokens):
                tokens[index] = None
        return tokens


def _ids(value: Any) -> tuple[int, ...]:
    """Token ids given as None, one id, or several."""
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)


def _stored_tokens(backend: Any, added: Iterable[int]) -> list[str | None]:
    """The stored string of every id; None where an id is not in use."""
    count = backend.get_vocab_size(with_added_tokens=True)
    size = max([count, *(index + 1 for index in added)])
    stored: list[str | None] = list(map(backend.id_to_token, range(size)))
    if size - stored.count(None) < count:
        highest = max(backend.get_vocab(with_added_tokens=True).values())
        stored += map(backend.id_to_token, range(size, highest + 1))
    return stored


def _content_key(backend: Any, stored: list[str | None], special: set[int], added: set[int]) -> str:
    """A hash of everything `tokens` reads, as it stands in memory, whatever file it once came from."""
    texts = stored if None not in stored else [text or "" for text in stored]
    joined = "\0".join(cast("list[str]", texts))
    digest = hashlib.sha256(joined.encode("utf-8"))
    if texts is not stored or joined.count("\0") >= len(stored):
        lengths = [-1 if text is None else len(text) for text in stored]
        digest.update(np.array(lengths, dtype="<i4").tobytes())
    digest.update(f"{sorted(special)} {sorted(added)} {DECODING_VERSION}".encode())
    for component in (backend.decoder, backend.pre_tokenizer):
        digest.update(b"|" if component is None else component.__getstate__())
    return digest.hexdigest()


def _compile_decoder(backend: Any) -> Decode:
    """One function from a stored token to its bytes."""
    decoder = backend.decoder
    if decoder is None:
        if _contains(backend.pre_tokenizer, "ByteLevel"):
            return byte_level_bytes
        raise _unsupported("none, so that it puts a space between any two tokens")
    description = json.loads(decoder.__getstate__())
    steps = description["decoders"] if description["type"] == "Sequence" else [description]
    if [step["type"] for step in steps if step["type"] != "Fuse"] == ["ByteLevel"]:
        return byte_level_bytes
    replaced: list[tuple[str, str]] = []
    names_bytes = fused = False
    for step in steps:
        kind = step["type"]
        if kind == "Metaspace":
            replaced.append((step["replacement"], " "))
        elif kind == "Replace" and "String" in step["pattern"] and not names_bytes:
            replaced.append((step["pattern"]["String"], step["content"]))
        elif kind == "ByteFallback":
            names_bytes = True
        elif kind == "Fuse":
            fused = True
        elif kind != "Strip" or not fused:
            raise _unsupported(kind)
    return _text_decoder(tuple(replaced), names_bytes)


def _text_decoder(replaced: tuple[tuple[str, str], ...], names_bytes: bool) -> Decode:
    def decode(stored: str) -> bytes:
        if names_bytes and (named := _BYTE_NAME.fullmatch(stored)):
            return bytes((int(named[1], 16),))
        for old, new in replaced:
            stored = stored.replace(old, new)
        return stored.encode("utf-8")

    return decode


def _contains(component: Any, kind: str) -> bool:
    return component is not None and f'"{kind}"'.encode() in component.__getstate__()


def _unsupported(decoder: str) -> UnsupportedError:
    return UnsupportedError(
        f"the tokens of this tokenizer have no exact bytes: its decoder is {decoder}",
        hint="byte-level BPE (Llama 3, Qwen, GPT-2) and SentencePiece (Llama 2, Gemma, Mistral) have them",
    )

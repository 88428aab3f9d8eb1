"""Vocabularies write the bytes their tokenizers mean."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models

from constrain.errors import ModelError, TokenError, UnsupportedError
from constrain.vocabulary.vocabulary import Vocabulary
from tests.vocabulary.toy_tokenizer import (
    byte_level_backend,
    byte_level_tokenizer,
    fast,
    sentencepiece_tokenizer,
)

TEXT = st.text(max_size=40) | st.text(alphabet=' abàé\n"{}▁<0xA>città🇮🇹👩‍🔬', max_size=40)


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
@given(text=TEXT)
def test_sentencepiece_tokens_add_up_to_the_text(kind: str, text: str) -> None:
    """Byte fallback writes what the pieces cannot; to such a tokenizer a typed `▁` is a space, too."""
    tokenizer = SENTENCEPIECE[kind]
    ids = tokenizer.encode(text, add_special_tokens=False)

    assert VOCABULARY[kind].decode(ids) == text.replace("▁", " ").encode()


SENTENCEPIECE = {kind: sentencepiece_tokenizer(kind) for kind in ("bpe", "unigram")}
VOCABULARY = {kind: Vocabulary.from_tokenizer(it, cache=False) for kind, it in SENTENCEPIECE.items()}


@settings(max_examples=200)
@given(text=TEXT)
def test_llama3_tokens_add_up_to_the_text(llama3_tokenizer: Any, text: str) -> None:
    """Byte for byte, on the tokenizer that this engine is made for."""
    vocabulary = llama3(llama3_tokenizer)
    ids = llama3_tokenizer.encode(text, add_special_tokens=False)

    assert vocabulary.decode(ids) == text.encode()


@cache
def llama3(tokenizer: Any) -> Vocabulary:
    return Vocabulary.from_tokenizer(tokenizer, cache=False)


def test_llama3_has_every_byte_and_its_own_end(llama3_tokenizer: Any) -> None:
    """The 256 special tokens are no text; all the others are, and the trie has its known size."""
    vocabulary = llama3(llama3_tokenizer)

    assert (vocabulary.size, len(vocabulary.trie)) == (128_256, 274_521)
    assert vocabulary.missing_bytes == ()
    assert vocabulary.tokens.count(None) == len(vocabulary.special_token_ids) == 256
    assert vocabulary.eos_token_ids == (llama3_tokenizer.convert_tokens_to_ids("<|im_end|>"),)


def test_added_tokens_are_text_unless_special() -> None:
    """Qwen's `<tool_call>` is a word like any other; `<|end|>` is not, whatever a grammar spells."""
    tokenizer = byte_level_tokenizer()
    vocabulary = Vocabulary.from_tokenizer(tokenizer, cache=False)
    ids = tokenizer.convert_tokens_to_ids(["<tool_call>", "é  ", "<|end|>"])

    assert [vocabulary.tokens[index] for index in ids] == [b"<tool_call>", "é  ".encode(), None]


def test_ids_nobody_uses_are_no_text() -> None:
    """A gap inside the tokenizer, and logits beyond its end (models pad to round widths)."""
    tokenizer = fast(byte_level_backend(last_id=300), eos_token="!")
    vocabulary = Vocabulary.from_tokenizer(tokenizer, cache=False)
    wider = Vocabulary.from_tokenizer(tokenizer, size=320, cache=False)

    assert vocabulary.size == 301
    assert vocabulary.tokens[256:] == [None] * 44 + [b" a"]
    assert wider.size == 320
    assert wider.tokens == vocabulary.tokens + [None] * 19


def test_every_end_counts() -> None:
    """The tokenizer's, the wrapper's (from generation_config.json) and those passed: all stop a model."""

    class Wrapper:
        def __init__(self, tokenizer: Any) -> None:
            self._tokenizer = tokenizer
            self.eos_token_ids = {97}

    tokenizer = byte_level_tokenizer()
    vocabulary = Vocabulary.from_tokenizer(Wrapper(tokenizer), eos_token_ids=[5], cache=False)

    assert vocabulary.eos_token_ids == (5, 97, tokenizer.eos_token_id)
    assert [vocabulary.tokens[end] for end in vocabulary.eos_token_ids] == [None] * 3


def test_a_wordpiece_tokenizer_is_refused() -> None:
    """Its decoder puts spaces between tokens, so no token has bytes of its own."""
    backend = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##b": 2}, unk_token="[UNK]"))
    backend.decoder = decoders.WordPiece()
    with pytest.raises(UnsupportedError) as caught:
        Vocabulary.from_tokenizer(fast(backend, unk_token="[UNK]", eos_token="a"), cache=False)

    assert str(caught.value) == (
        "the tokens of this tokenizer have no exact bytes: its decoder is WordPiece\n"
        "hint: byte-level BPE (Llama 3, Qwen, GPT-2) and SentencePiece (Llama 2, Gemma, Mistral) have them"
    )


def test_a_tokenizer_without_a_fast_backend_is_refused() -> None:
    with pytest.raises(UnsupportedError) as caught:
        Vocabulary.from_tokenizer(object())

    assert str(caught.value) == (
        "object is not a fast tokenizer: the bytes of its tokens cannot be read\n"
        "hint: load a model folder that has a tokenizer.json"
    )


def test_a_vocabulary_needs_an_end() -> None:
    """With none, a complete text would have no token that is allowed."""
    with pytest.raises(ModelError) as caught:
        Vocabulary.from_tokens([b"a"], eos_token_ids=())

    assert str(caught.value) == (
        "the vocabulary has no end token, so that no generation could ever finish\n"
        "hint: pass eos_token_ids=[...], the ids at which the model stops"
    )


def test_an_end_outside_the_logits_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        Vocabulary.from_tokens([b"a"], eos_token_ids=[1])

    assert str(caught.value) == (
        "end token 1 is outside the vocabulary\n"
        "    at ids go from 0 to 0\n"
        "hint: pass size=, the width of the model's logits"
    )


def test_decode_refuses_an_id_outside() -> None:
    """A negative id must not read from the end of the list."""
    with pytest.raises(TokenError) as caught:
        Vocabulary.from_tokens([b"a", None], eos_token_ids=[1]).decode([0, -1])

    assert str(caught.value) == "token -1 is outside the vocabulary\n    at ids go from 0 to 1"


@given(st.lists(st.none() | st.binary(max_size=5), min_size=1, max_size=20))
def test_from_tokens_keeps_the_bytes(tokens: list[bytes | None]) -> None:
    """The blob and its offsets give back the list; the empty string is no text."""
    vocabulary = Vocabulary.from_tokens([*tokens, b"</s>"], eos_token_ids=[len(tokens)])

    assert vocabulary.tokens == [*(token or None for token in tokens), None]


def test_the_fingerprint_tells_content_apart() -> None:
    """Same bytes in a row, cut elsewhere; another end; another width: four vocabularies."""
    made = [
        Vocabulary.from_tokens([b"ab", b"c", None, None], eos_token_ids=[2]),
        Vocabulary.from_tokens([b"a", b"bc", None, None], eos_token_ids=[2]),
        Vocabulary.from_tokens([b"ab", b"c", None, None], eos_token_ids=[2, 3]),
        Vocabulary.from_tokens([b"ab", b"c", None, None], eos_token_ids=[2], size=5),
    ]
    again = Vocabulary.from_tokens([b"ab", b"c", None, None], eos_token_ids=[2])

    assert len({vocabulary.fingerprint for vocabulary in made}) == 4
    assert again.fingerprint == made[0].fingerprint

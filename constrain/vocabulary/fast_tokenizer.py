"""The contents of a tokenizer.json, from what other formats say of a byte-level BPE.

Llama 3's package has ranked tokens and a pattern, a GGUF file tokens and merges; mlx-lm and transformers read
the format of the `tokenizers` library.  What the two have in common is written here once.

Source: the serialization of `tokenizers` 0.2x (`Tokenizer.to_str`), version "1.0".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def byte_level_bpe(
    vocab: Mapping[str, int],
    merges: Sequence[Any],
    special: Mapping[int, str],
    first: Mapping[str, Any],
    *,
    splits_words: bool,
    ignore_merges: bool,
) -> dict[str, Any]:
    """A tokenizer that cuts a text by `first`, a pre-tokenizer, and merges the bytes of each piece.

    `vocab` are tokens in GPT-2's byte-level spelling with their ids, `special` the texts that are tokens
    whole.  With `splits_words` the pieces are cut once more by GPT-2's pattern; with `ignore_merges` a piece
    that is a token is not merged from smaller ones.
    """
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    bytewise = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": splits_words,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": index, "content": text, **flags} for index, text in special.items()],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [first, bytewise]},
        "post_processor": None,
        "decoder": bytewise,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": ignore_merges,
            "vocab": vocab,
            "merges": merges,
        },
    }

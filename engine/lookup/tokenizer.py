"""Which tokenizer does the embedded model speak?

Llama 3's, from the registry package `llama-models` (`constrain.vocabulary.llama3`).
It is read directly and not through transformers' AutoTokenizer, which would want a config.json first, and
warn that it does not know this architecture.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from constrain.vocabulary.llama3 import llama3_tokenizer_folder
from constrain.vocabulary.vocabulary import Vocabulary

WIDTH = 128_256
"""Llama 3's tokens, the reserved special ones included."""


@lru_cache(maxsize=1)
def default_tokenizer() -> Any:
    """The tokenizer, in mlx-lm's wrapper."""
    from mlx_lm.tokenizer_utils import BPEStreamingDetokenizer, TokenizerWrapper
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.from_pretrained(str(llama3_tokenizer_folder()))
    return TokenizerWrapper(tokenizer, BPEStreamingDetokenizer)


@lru_cache(maxsize=1)
def default_vocabulary() -> Vocabulary:
    """Its vocabulary, as wide as the lookup model's logits."""
    tokenizer = default_tokenizer()
    return Vocabulary.from_tokenizer(tokenizer, size=WIDTH, eos_token_ids=sorted(tokenizer.eos_token_ids))

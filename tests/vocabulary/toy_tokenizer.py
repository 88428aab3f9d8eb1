"""Small tokenizers of each family, made on the spot."""

from __future__ import annotations

from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers


def fast(backend: Tokenizer, **special: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


def sentencepiece_tokenizer(kind: str) -> Any:
    """Byte fallback, `▁` for a space, and an ordinary run of blanks among the added tokens."""
    names = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = ["<unk>", "<s>", "</s>", *names, "▁", "a", "b", "▁a", "ab", "città", "▁città", "é", "à"]
    if kind == "unigram":
        scored = [(piece, -2.0 - 0.1 * index) for index, piece in enumerate(pieces)]
        model: Any = models.Unigram(scored, unk_id=0, byte_fallback=True)
    else:
        vocab = {piece: index for index, piece in enumerate(pieces)}
        merges = [("▁", "a"), ("a", "b")]
        model = models.BPE(vocab=vocab, merges=merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True)
    backend = Tokenizer(model)
    steps: list[Any]
    if kind == "unigram":
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
        steps = [decoders.Metaspace(prepend_scheme="never"), decoders.ByteFallback(), decoders.Fuse()]
    else:
        backend.normalizer = normalizers.Replace(" ", "▁")
        steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
        steps.append(decoders.Strip(" ", 1, 0))
    backend.decoder = decoders.Sequence(steps)
    backend.add_special_tokens([AddedToken(name, special=True) for name in ("<unk>", "<s>", "</s>")])
    backend.add_tokens([AddedToken("▁▁▁", normalized=False)])
    return fast(backend, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def byte_level_backend(last_id: int) -> Tokenizer:
    """The 256 bytes, and b" a" as token `last_id`, with a gap before it if that is not the next one."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {char: index for index, char in enumerate(alphabet)} | {"Ġa": last_id}
    backend = Tokenizer(models.BPE(vocab=vocab, merges=[("Ġ", "a")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def byte_level_tokenizer() -> Any:
    """GPT-2's alphabet and one more token, two ordinary added tokens, and a special one."""
    backend = byte_level_backend(last_id=256)
    backend.add_tokens([AddedToken("<tool_call>"), AddedToken("é  ")])
    backend.add_special_tokens([AddedToken("<|end|>", special=True)])
    return fast(backend, eos_token="<|end|>")

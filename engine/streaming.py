"""From tokens to text, piece by piece, so that it is complete when the last token allowed is written.

    {"city": "Pa|ris|"}         pieces, as they come; bytes wait until their character is complete

When tokens run low, only ways that still end in time are open (`finishing.py`).  What that left out nobody
knows, so an `EndedEarlyWarning` says that it happened.
"""

from __future__ import annotations

import codecs
import sys
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from constrain.errors import EndedEarlyWarning, IncompleteOutputError
from engine.model import LoadedModel
from engine.options import check_max_tokens, check_seed

if TYPE_CHECKING:
    from constrain.matcher import CompiledGrammar
    from engine.masking import Constraint
    from engine.sampling import SamplerFunction


def stream(
    loaded: LoadedModel,
    prompt: Sequence[int],
    compiled: CompiledGrammar,
    *,
    max_tokens: int,
    sampler: SamplerFunction,
    seed: int | None,
    finish: bool = True,
) -> Generator[str, None, None]:
    """Decode, and turn tokens into text; with `finish`, so that it is complete within `max_tokens`."""
    from engine.decode import check_prompt
    from engine.finishing import Finishing

    max_tokens, seed = check_max_tokens(max_tokens), check_seed(seed)
    room = check_prompt(loaded.network, prompt)
    limit = max_tokens if room is None else min(max_tokens, room)
    constraint = Finishing(compiled, limit) if finish else compiled.matcher()
    return _pieces(loaded, prompt, constraint, max_tokens=limit, sampler=sampler, seed=seed)


def _pieces(
    loaded: LoadedModel,
    prompt: Sequence[int],
    constraint: Constraint,
    *,
    max_tokens: int,
    sampler: SamplerFunction,
    seed: int | None,
) -> Generator[str, None, None]:
    """Bytes are held back until their character is complete."""
    import mlx.core as mx

    from engine.decode import decode

    if seed is not None:
        mx.random.seed(seed)
    vocabulary, written = loaded.vocabulary, []
    to_text = codecs.getincrementaldecoder("utf-8")(errors="replace")
    steps = decode(
        loaded.network,
        prompt,
        constraint,
        vocabulary_size=vocabulary.size,
        end_tokens=vocabulary.eos_token_ids,
        max_tokens=max_tokens,
        sampler=sampler,
        forcing=loaded.forcing,
    )
    count = 0
    while True:
        try:
            token = next(steps)
        except StopIteration as end:
            reason = end.value
            break
        count += 1
        piece = to_text.decode(vocabulary.tokens[token] or shown(loaded, token))
        if piece:
            written.append(piece)
            yield piece
    if reason != "stop":
        raise IncompleteOutputError(
            f"the answer was not complete after {count} tokens",
            text="".join(written),
            where=f"...{''.join(written)[-60:]}",
            hint=f"pass a larger max_tokens (it is {max_tokens}), or bound the schema with maxLength and "
            "maxItems",
        )
    if getattr(constraint, "was_cut", False):
        warnings.warn(
            f"the answer was brought to its end within max_tokens={max_tokens}; with more it may be longer",
            EndedEarlyWarning,
            stacklevel=frames_to_the_caller(),
        )


def shown(loaded: LoadedModel, token: int) -> bytes:
    """How the tokenizer shows a special token, which writes no bytes of its own."""
    return str(loaded.tokenizer.convert_ids_to_tokens(token) or "").encode()


def collected(pieces: Iterator[str], *, verbose: bool) -> str:
    """Join the pieces; with `verbose`, show them between two lines as they come, as mlx-lm does."""
    if not verbose:
        return "".join(pieces)
    started, written = time.perf_counter(), []
    sys.stdout.write("==========\n")
    for piece in pieces:
        written.append(piece)
        sys.stdout.write(piece)
        sys.stdout.flush()
    text = "".join(written)
    sys.stdout.write(f"\n==========\n{len(text)} characters in {time.perf_counter() - started:.2f} s\n")
    return text


def frames_to_the_caller() -> int:
    """The `stacklevel` at which a warning points at the line outside this package that asked for it."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
        frame, level = frame.f_back, level + 1
    return level

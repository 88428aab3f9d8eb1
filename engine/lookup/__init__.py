"""The embedded default model: no weights, it looks the answer up in the prompt.

`load()` with no name gives this model, so that the first run of anything here works without a download, on
any machine, in milliseconds.  It is an `mlx.nn.Module` that speaks mlx-lm's model protocol, so everything
that takes a model takes it: `mlx_lm.generate`, prompt caches, batches, speculative decoding.  Inside it is a
reader, not a network:

    tokens ─▶ reading: request, schema, answer so far      (decodes its context to text)
           ─▶ filling: schema + text → a planned document  (finding, shapes, lexicon)
           ─▶ writing: plan + answer so far → what is next
           ─▶ model:   next text → logits                  (tokens that spell it score highest)

It is asked for logits and gives honest ones: every token has a score at every position, and a mask, a
temperature or a top-p does to them what it does to any model's.  Deterministic.

What it is good for: extracting fields from a text, in English and Italian, where the text says them near
words the lexicon knows.  What it is not: a language model.  It reads labels, phrases and shapes; it does not
understand, translate, count or infer.  Where it finds nothing it writes the shortest valid thing.
"""

from constrain.engine.lookup.model import Model, ModelArgs, register, write_model_folder
from constrain.engine.lookup.tokenizer import default_tokenizer, default_vocabulary

__all__ = ["Model", "ModelArgs", "default_tokenizer", "default_vocabulary", "register", "write_model_folder"]

"""xgrammar: any key order, any whitespace, open objects as the standard has them, one thread, no cache.

It needs torch to be imported, though masks are filled into numpy arrays.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.engines import Bitmask, Refused


class XGrammar:
    """The engine of vLLM, SGLang and TensorRT-LLM, in C++."""

    name = "xgrammar"
    limits = (RuntimeError,)
    settings = "any_order=True, any_whitespace=True, strict_mode=False, max_threads=1"

    def __init__(self, tokenizer: Any) -> None:
        import xgrammar

        self.module = xgrammar
        info = xgrammar.TokenizerInfo.from_huggingface(tokenizer._tokenizer, vocab_size=128_256)
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)

    def prepare(self, schema: Any) -> str:
        """JSON text."""
        return json.dumps(schema)

    def compile(self, prepared: str) -> XGrammarRun:
        """Compile; an engine error is a refusal."""
        try:
            compiled = self.compiler.compile_json_schema(
                prepared, any_whitespace=True, any_order=True, strict_mode=False
            )
        except RuntimeError as problem:
            raise Refused(str(problem)) from problem
        return XGrammarRun(self.module.GrammarMatcher(compiled))


class XGrammarRun:
    """A GrammarMatcher behind the common interface."""

    def __init__(self, matcher: Any) -> None:
        self._fill = matcher.fill_next_token_bitmask
        self.accept = matcher.accept_token
        self.is_completed = matcher.is_completed
        self.restart = matcher.reset

    def fill(self, bitmask: Bitmask) -> None:
        """Write the next mask into row 0; xgrammar leaves it alone where everything is allowed."""
        if not self._fill(bitmask, 0):
            bitmask[0] = -1

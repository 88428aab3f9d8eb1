"""llguidance through its Python binding, as it comes: any whitespace, default slices, one thread."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.engines import Bitmask, Refused


class LLGuidance:
    """The fastest engine of the field, in Rust."""

    name = "llguidance"
    limits = ()
    settings = "defaults"

    def __init__(self, tokenizer: Any) -> None:
        import llguidance.hf

        self.module = llguidance
        self.tokenizer = llguidance.hf.from_tokenizer(tokenizer._tokenizer)

    def prepare(self, schema: Any) -> str:
        """JSON text."""
        return json.dumps(schema)

    def compile(self, prepared: str) -> LLGuidanceRun:
        """Compile; an engine error is a refusal."""
        grammar = self.module.LLMatcher.grammar_from_json_schema(prepared)
        matcher = self.module.LLMatcher(self.tokenizer, grammar)
        if matcher.is_error():
            raise Refused(matcher.get_error())
        return LLGuidanceRun(matcher)


class LLGuidanceRun:
    """An LLMatcher behind the common interface."""

    def __init__(self, matcher: Any) -> None:
        from llguidance.numpy import fill_next_token_bitmask

        self._matcher = matcher
        self._fill = fill_next_token_bitmask
        self.accept = matcher.consume_token
        self.is_completed = matcher.is_accepting
        self.restart = matcher.reset

    def fill(self, bitmask: Bitmask) -> None:
        """Write the next mask into row 0."""
        self._fill(self._matcher, bitmask, 0)

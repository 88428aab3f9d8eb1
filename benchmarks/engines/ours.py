"""This package, as MaskBench asks for it: any property order, canonical spelling, any whitespace."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.engines import Refused, Unsatisfiable
from constrain.compiler import compile_json_schema
from constrain.errors import ConstrainError, LimitExceeded, UnsatisfiableError
from constrain.matcher import Matcher
from constrain.vocabulary.vocabulary import Vocabulary


class Constrain:
    """The engine under test."""

    name = "constrain"
    limits = (LimitExceeded,)
    settings = 'property_order="any", whitespace="any"'

    def __init__(self, tokenizer: Any) -> None:
        self.vocabulary = Vocabulary.from_tokenizer(tokenizer)

    def prepare(self, schema: Any) -> Any:
        """Python data, read anew."""
        return json.loads(json.dumps(schema))

    def compile(self, prepared: Any) -> ConstrainRun:
        """Compile; a refusal keeps its message."""
        try:
            compiled = compile_json_schema(prepared, self.vocabulary, property_order="any", whitespace="any")
        except UnsatisfiableError as problem:
            raise Unsatisfiable(str(problem)) from problem
        except ConstrainError as problem:
            raise Refused(str(problem)) from problem
        return ConstrainRun(compiled.matcher())


class ConstrainRun:
    """A matcher behind the common interface."""

    def __init__(self, matcher: Matcher) -> None:
        self.fill = matcher.fill_next_token_bitmask
        self.accept = matcher.accept_token
        self.is_completed = matcher.is_completed
        self.restart = matcher.reset
        self.is_terminated = matcher.is_terminated

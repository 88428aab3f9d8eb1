"""outlines-core: the schema as one regular expression, and its whole index over the vocabulary up front.

An index may take minutes or gigabytes, and cannot be interrupted.  So each is first made in a child process
with a limit; what does not finish there counts as refused.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from typing import Any

from benchmarks.engines import Bitmask, Refused

SECONDS = 20


class OutlinesCore:
    """The engine of Outlines, in Rust."""

    name = "outlines-core"
    limits = ()
    settings = f"defaults; an index that takes more than {SECONDS} s is refused"

    def __init__(self, tokenizer: Any) -> None:
        import outlines_core

        from constrain.vocabulary.vocabulary import Vocabulary

        self.module = outlines_core
        tokens: dict[bytes, list[int]] = {}
        ours = Vocabulary.from_tokenizer(tokenizer)
        for token_id, text in enumerate(ours.tokens):
            if text:
                tokens.setdefault(text, []).append(token_id)
        self.eos = ours.eos_token_ids[0]
        self.vocabulary = outlines_core.Vocabulary(self.eos, tokens)

    def _index(self, schema: str) -> Any:
        pattern = self.module.json_schema.build_regex_from_schema(schema)
        return self.module.Index(pattern, self.vocabulary)

    def _try(self, schema: str) -> None:
        try:
            self._index(schema)
        except (ValueError, TypeError, RuntimeError):
            sys.exit(1)

    def prepare(self, schema: Any) -> str:
        """JSON text."""
        return json.dumps(schema)

    def compile(self, prepared: str) -> OutlinesRun:
        """Compile; an engine error, or a child that does not finish, is a refusal."""
        child = multiprocessing.get_context("fork").Process(target=self._try, args=(prepared,), daemon=True)
        child.start()
        child.join(SECONDS)
        if child.exitcode != 0:
            child.kill()
            child.join()
            raise Refused("the index took too long" if child.exitcode is None else "no index")
        return OutlinesRun(self.module.Guide(self._index(prepared)), self.eos)


class OutlinesRun:
    """A Guide behind the common interface."""

    def __init__(self, guide: Any, eos: int) -> None:
        self._guide = guide
        self._eos = eos
        self.restart = guide.reset

    def fill(self, bitmask: Bitmask) -> None:
        """Write the next mask into row 0."""
        row = bitmask[0]
        self._guide.write_mask_into(row.ctypes.data, row.size, row.itemsize)

    def accept(self, token: int) -> None:
        """Advance by one token."""
        self._guide.advance(token, False)

    def is_completed(self) -> bool:
        """May the text end here?"""
        return self._eos in self._guide.get_tokens()

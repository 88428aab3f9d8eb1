"""The proof kit for a type, a schema, a pattern or tools, as a test calls it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Unpack

from constrain.json_schema.options import Compiling
from constrain.proof.proving import Proof
from constrain.proof.proving import prove as prove_subject
from constrain.proof.small import small_vocabulary
from constrain.proof.subject import Subject, pattern_subject, schema_subject
from constrain.proof.walkers import WALKERS, Walker
from constrain.vocabulary.vocabulary import VocabularyLike


def subject_of(
    target: object, vocabulary: VocabularyLike | None = None, **options: Unpack[Compiling]
) -> Subject:
    """What is proved of a target: a `Subject`, a compiled pattern, a type or a schema.

    Without a vocabulary it is a small one that needs no tokenizer (`proof/small.py`).  Tools and Lark
    grammars have functions of their own, `tools_subject` and `lark_subject` of `constrain.proof.subject`.

    Raises what `compile_json_schema` and `compile_regex` raise.
    """
    if isinstance(target, Subject):
        return target
    known = small_vocabulary() if vocabulary is None else vocabulary
    if isinstance(target, re.Pattern):
        return pattern_subject(target, known)
    return schema_subject(target, known, **options)


def prove(
    target: object,
    *,
    n: int = 200,
    seed: int = 0,
    seconds: float | None = None,
    vocabulary: VocabularyLike | None = None,
    walkers: Sequence[Walker] = tuple(WALKERS.values()),
    **options: Unpack[Compiling],
) -> Proof:
    """Write `n` outputs of a target with adversaries, and check each against every law.

    >>> print(prove({"type": "integer", "minimum": 3}, n=9).failures)
    []
    """
    subject = subject_of(target, vocabulary, **options)
    return prove_subject(subject, n, seed=seed, seconds=seconds, walkers=walkers)

"""Strategies for Hypothesis: what can be written under a grammar, and what just cannot.

An output is drawn byte by byte under the masks.  At each choice the way to the shortest end is the simplest
one, so what Hypothesis shrinks to is the shortest text that still shows a fault: an empty list, `""`, 0, and
no optional key.

    choice      0, 1           the next byte of the shortest end
                2 to 6         a letter, a digit, a blank, or what opens a value, where these may come
                7              any byte that may come
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar, Unpack, overload

import numpy as np
from hypothesis import assume, reject
from hypothesis import strategies as st

from constrain.errors import RefusedOutputError
from constrain.finishing import Finishing
from constrain.json_schema.options import Compiling
from constrain.matcher import CompiledGrammar
from constrain.proof.judges import verdicts
from constrain.proof.mutations import changed, constants
from constrain.proof.subject import Subject
from constrain.proof.walkers import WALKERS, Walker
from constrain.target import schema_of
from constrain.testing.proofs import subject_of
from constrain.vocabulary.bitmask import allocate_token_bitmask, unpack_words
from constrain.vocabulary.vocabulary import Vocabulary

T = TypeVar("T")

END = 256
BYTES = Vocabulary.from_tokens([*(bytes((byte,)) for byte in range(256)), None], eos_token_ids=[END])
"""A token for each byte, so that a choice is a choice of one."""
MAX_SIZE = 200
_COMMON = tuple(b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "[{-.,_')


@overload
def outputs(
    target: type[T], *, max_size: int = ..., **options: Unpack[Compiling]
) -> st.SearchStrategy[T]: ...
@overload
def outputs(
    target: object, *, max_size: int = ..., **options: Unpack[Compiling]
) -> st.SearchStrategy[Any]: ...
def outputs(
    target: object, *, max_size: int = MAX_SIZE, as_text: bool = False, **options: Unpack[Compiling]
) -> st.SearchStrategy[Any]:
    """What a model may write for a type (instances), a schema (plain data) or a compiled pattern (text).

    `max_size` is how many bytes longer than the shortest text one may be; with `as_text` the texts themselves
    are drawn.  Values that the type's own validators refuse are drawn again.

    Raises what `compile_json_schema` and `compile_regex` raise.

    >>> from hypothesis import find
    >>> find(outputs({"type": "array", "items": {"type": "integer"}}), lambda value: len(value) > 1)
    [0, 0]
    """
    compiled = _subject(target, **options).compiled
    texts = _texts(compiled, max_size)
    if as_text or isinstance(target, re.Pattern):
        return texts
    read = schema_of(target).read

    def value_of(text: str) -> Any:
        try:
            return read(text)
        except RefusedOutputError:
            reject()

    return texts.map(value_of)


def near_misses(
    target: object, *, max_size: int = MAX_SIZE, **options: Unpack[Compiling]
) -> st.SearchStrategy[str]:
    """Texts one change away from an output that are none: no grammar of the target may take them.

    Of a type these are texts that Pydantic refuses, of a schema those that a validator does.

    >>> from hypothesis import find
    >>> find(near_misses({"type": "integer", "maximum": 9}), lambda text: text.isdigit() and text[0] != "0")
    '10'
    """
    subject = _subject(target, **options)
    return _near(subject, max_size)


def walkers() -> st.SearchStrategy[Walker]:
    """Adversaries, each of which chooses among allowed tokens in its own way (`proof/walkers.py`)."""
    return st.sampled_from(list(WALKERS.values()))


def _subject(target: object, **options: Unpack[Compiling]) -> Subject:
    return subject_of(target, BYTES, **options)


@st.composite
def _texts(draw: st.DrawFn, compiled: CompiledGrammar, max_size: int) -> str:
    size = draw(st.sampled_from([0, max_size // 8, max_size // 3, max_size]))
    shortest = compiled.matcher().completion()
    finishing = Finishing(compiled, size + (shortest.cost if shortest else 0))
    bitmask = allocate_token_bitmask(1, BYTES.size)
    while finishing.left:
        finishing.fill_next_token_bitmask(bitmask, 0)
        allowed = np.flatnonzero(unpack_words(bitmask[0], BYTES.size)).tolist()
        if allowed == [END] or not allowed:
            break
        byte = allowed[0] if len(allowed) == 1 else _chosen(draw, finishing, allowed)
        if byte == END:
            break
        finishing.accept_token(byte)
    assert finishing.is_completed()
    return finishing.matcher.text.decode()


def _chosen(draw: st.DrawFn, finishing: Finishing, allowed: list[int]) -> int:
    """One of the bytes allowed, simpler ones first."""
    completion = finishing.matcher.completion()
    home = END if completion is None or not completion.cost else completion.token
    if home not in allowed:
        home = allowed[-1]
    kind = draw(_KINDS)
    if kind < 2:
        return home
    common = [byte for byte in _COMMON if byte in allowed] if kind < 7 else []
    return draw(st.sampled_from(common or allowed))


_KINDS = st.integers(0, 7)


@st.composite
def _near(draw: st.DrawFn, subject: Subject, max_size: int) -> str:
    text = draw(_texts(subject.compiled, max_size))
    if subject.schema is None or draw(st.integers(0, 7)) == 7:
        near = _cut(draw, text)
    else:
        known = constants(subject.schema)
        data = changed(json.loads(text), known, _Drawn(draw))
        try:
            near = json.dumps(data, ensure_ascii=False, allow_nan=False)
        except ValueError:
            reject()
    own = [judge for judge in subject.judges if judge.name == "pydantic"]  # it takes keys it then ignores
    assume(any(problem is not None for problem in verdicts(own or subject.judges, near).values()))
    return near


def _cut(draw: st.DrawFn, text: str) -> str:
    """A text with a character left out, changed, or doubled; or its beginning."""
    at = draw(st.integers(0, len(text)))
    letter = draw(st.sampled_from('a0" ,]}'))
    return draw(
        st.sampled_from(
            [text[:at], text[:at] + text[at + 1 :], text[:at] + letter + text[at:], text + text[at:]]
        )
    )


class _Drawn:
    """Chance as Hypothesis draws it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def randrange(self, stop: int, /) -> int:
        return self._draw(st.integers(0, stop - 1))

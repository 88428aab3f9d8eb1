"""What is promised, as laws about one sequence of tokens; and the cases that break one.

    live        behind each token some token is allowed
    exact       the mask allows a token just when the grammar's definition does, byte by byte
    one rule    `accept_token` takes just what the mask allows, and what it refuses changes nothing
    fork        a fork goes its own way: what it is told, the other does not hear
    rollback    what was taken back is as if it had never been
    finished    with a budget that the shortest answer fits, the answer is whole within it
    sound       a whole text is taken by every judge that has an opinion
    complete    JSON data that every judge takes can be written, in some spelling and order of keys

A `Case` is all that it takes to see a law broken again: the tokens, and what was done behind them.  `broken`
looks at it with a new matcher, so that a case can be made smaller (`shrinking.py`) and told to others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np

from constrain.errors import InvalidInputError, LimitExceeded
from constrain.finishing import Finishing
from constrain.matcher import CompiledGrammar, Matcher
from constrain.proof.judges import verdicts
from constrain.proof.subject import Subject
from constrain.report import check_text
from constrain.vocabulary.bitmask import Words, allocate_token_bitmask, is_set, unpack_words

ASKED = 8
"""So often a token is chosen again: more than a budget refuses in one place."""

Law = Literal["live", "exact", "one rule", "fork", "rollback", "finished", "sound", "complete"]


_NEXT: frozenset[Law] = frozenset({"exact", "one rule", "fork"})
"""The laws that speak of a token behind the others."""
_CASE = re.compile(
    r"(?P<law>[a-z-]+):(?P<tokens>(?:[0-9]{1,9}(?:,[0-9]{1,9})*)?)"
    r"(?:>(?P<token>[0-9]{1,9}))?(?:@(?P<count>[0-9]{1,9}))?"
)
"""A case as it is written; numbers are those of tokens, and no vocabulary has a thousand million."""


@dataclass(frozen=True)
class Case:
    """A sequence of tokens that breaks a law.

    `token` is the one the law speaks of behind them (exact, one rule, fork), `count` how many are taken back
    (rollback), or the budget of the answer (finished), whose choices `tokens` then are.  Where a grammar is
    incomplete, `tokens` only spell the text that it refuses.
    """

    law: Law
    tokens: tuple[int, ...]
    token: int | None = None
    count: int = 0

    def __str__(self) -> str:
        behind = "" if self.token is None else f">{self.token}"
        count = f"@{self.count}" if self.count else ""
        return f"{self.law.replace(' ', '-')}:{','.join(map(str, self.tokens))}{behind}{count}"

    @classmethod
    def read(cls, text: str) -> Case:
        """The case that is written so.  Raises InvalidInputError for what is none.

        >>> Case.read(str(Case("one rule", (3, 4), token=7)))
        Case(law='one rule', tokens=(3, 4), token=7, count=0)
        """
        found = _CASE.fullmatch(text.strip())
        law = found["law"].replace("-", " ") if found else ""
        is_law = law in get_args(Law)
        if found is None or not is_law or (law in _NEXT) != (found["token"] is not None):
            raise InvalidInputError(
                "this is no case of a proof", where=text, hint="paste what a failure says: exact:12,5>77"
            )
        tokens = tuple(int(token) for token in found["tokens"].split(",") if token)
        behind = None if found["token"] is None else int(found["token"])
        return cls(cast("Law", law), tokens, behind, int(found["count"] or 0))


def broken(subject: Subject, case: Case) -> str | None:
    """What goes wrong in a case; None where the law holds, or the case is none: a token is not allowed.

    Raises TokenError for a token that is not of the vocabulary.
    """
    tokens = case.tokens if case.token is None else (*case.tokens, case.token)
    subject.compiled.vocabulary.decode(tokens)  # asks for each
    if case.law == "finished":
        return _unfinished(subject, case)
    if case.law == "complete":
        return missing(subject, subject.compiled.vocabulary.decode(case.tokens))
    matcher = subject.compiled.matcher()
    if not _follow(matcher, case.tokens):
        return None
    if case.law == "sound":
        return _unsound(subject, matcher)
    if case.law == "live":
        is_stuck = not matcher.is_terminated() and not mask_of(matcher).any()
        return "no token is allowed" if is_stuck else None
    if case.law == "rollback":
        return _not_taken_back(matcher, case)
    assert case.token is not None
    if case.law == "fork":
        return _not_forked(matcher, case.token)
    if case.law == "one rule":
        return against_one_rule(matcher, case.token)
    return inexact(matcher, mask_of(matcher), [case.token])


def mask_of(matcher: Matcher) -> Words:
    """The mask where a matcher stands, int32, shape (⌈V/32⌉,)."""
    bitmask = allocate_token_bitmask(1, matcher.vocabulary.size)
    matcher.fill_next_token_bitmask(bitmask, 0)
    row: Words = bitmask[0]
    return row


def inexact(matcher: Matcher, mask: Words, tokens: Iterable[int]) -> str | None:
    """The first of some tokens of which mask and definition say different things."""
    for token in tokens:
        allowed = is_set(mask, token)
        if allowed != defined(matcher, token):
            return (
                f"token {token} ({_shown(matcher, token)}) is {'allowed' if allowed else 'refused'} by the "
                f"mask, and {'refused' if allowed else 'allowed'} by the grammar"
            )
    return None


def defined(matcher: Matcher, token: int) -> bool:
    """Whether a token may come next, by definition: byte by byte, with no table and no mask."""
    if matcher.is_terminated():
        return False
    if token in matcher.vocabulary.eos_token_ids:
        return matcher.position.can_end
    text = matcher.vocabulary.text(token)
    positions = matcher.workings.positions
    with matcher.compiled.lock:
        if text is None:
            return positions.advance(matcher.position, token) is not None
        return bool(positions.read(matcher.position.threads, text))


def against_one_rule(matcher: Matcher, token: int) -> str | None:
    """Whether `accept_token` departs from the mask, or a refused token changes something."""
    before, tokens, mask = matcher.position, matcher.tokens, mask_of(matcher)
    twin = matcher.fork()
    accepted = twin.accept_token(token)
    name = f"token {token} ({_shown(matcher, token)})"
    if accepted != is_set(mask, token):
        return f"{name} is {'accepted' if accepted else 'refused'}, and the mask says otherwise"
    if not accepted and (twin.position is not before or twin.tokens != tokens):
        return f"{name} is refused, and yet changes the matcher"
    return None


def _follow(matcher: Matcher, tokens: Iterable[int]) -> bool:
    return all(map(matcher.accept_token, tokens))


def _not_forked(matcher: Matcher, token: int) -> str | None:
    mask, tokens = mask_of(matcher), matcher.tokens
    twin = matcher.fork()
    if not np.array_equal(mask_of(twin), mask):
        return "a fork's mask is another"
    twin.accept_token(token)
    if matcher.tokens != tokens or not np.array_equal(mask_of(matcher), mask):
        return f"token {token} is told to a fork, and changes what it was forked from"
    return None


def _not_taken_back(matcher: Matcher, case: Case) -> str | None:
    kept = case.tokens[: max(0, len(case.tokens) - case.count)]
    matcher.rollback(len(case.tokens) - len(kept))
    again = matcher.compiled.matcher()
    _follow(again, kept)
    same = matcher.tokens == again.tokens and matcher.is_completed() == again.is_completed()
    if not same or not np.array_equal(mask_of(matcher), mask_of(again)):
        return f"with {case.count} tokens taken back it is not where a new matcher gets"
    return None if _follow(matcher, case.tokens[len(kept) :]) else "what was taken back is refused"


def _unsound(subject: Subject, matcher: Matcher) -> str | None:
    if not matcher.is_completed():
        return None
    return wrong(subject, matcher.text)


def wrong(subject: Subject, text: bytes) -> str | None:
    """What a judge says against a whole text."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError as fault:
        return f"not UTF-8: {fault}"
    for name, problem in verdicts(subject.judges, decoded).items():
        if problem is not None:
            return f"{name}: {problem}"
    return None


def missing(subject: Subject, text: bytes) -> str | None:
    """Whether every judge takes a text, and no grammar of the subject does."""
    if subject.widest is None:
        return None
    try:
        said = verdicts(subject.judges, text.decode())
    except UnicodeDecodeError:
        return None
    if len(said) < len(subject.judges) or any(problem is not None for problem in said.values()):
        return None
    verdict = check_text(subject.widest, text)
    if verdict.conforms:
        return None
    expected = f"expected {verdict.expected} at byte {verdict.offset}"
    return f"every judge takes it, and the grammar does not: {expected}"


def _unfinished(subject: Subject, case: Case) -> str | None:
    """Whether an answer that chooses `tokens`, as far as it may, is not whole within its budget."""
    try:
        finishing = Finishing(subject.compiled, case.count)
    except LimitExceeded:
        return None  # refused before the first token, as it should be
    for token in case.tokens:
        if finishing.is_terminated() or not finishing.left:
            break
        finishing.accept_token(token)
    return to_the_end(subject.compiled, finishing)


def to_the_end(compiled: CompiledGrammar, finishing: Finishing) -> str | None:
    """Take the first token allowed until the answer is whole or its budget is spent."""
    bitmask = allocate_token_bitmask(1, compiled.vocabulary.size)
    for _ in range(ASKED * (finishing.left + 1)):
        if not finishing.left or finishing.is_completed():
            break
        finishing.fill_next_token_bitmask(bitmask, 0)
        allowed = np.flatnonzero(unpack_words(bitmask[0], compiled.vocabulary.size))
        if not len(allowed):
            return "no token is allowed before the end"
        finishing.accept_token(int(allowed[0]))
    return None if finishing.is_completed() else f"not whole: {finishing.matcher.text[-40:]!r}"


def _shown(matcher: Matcher, token: int) -> str:
    text = matcher.vocabulary.text(token)
    return "an end" if text is None else repr(text)[1:]

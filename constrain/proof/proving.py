"""Generations by adversaries, each checked against every law.

An *output* is one generation: a walker, a budget, and the tokens that came of both.  While it is written,
each mask must allow something, and what it allows must be accepted; when it is whole, it must be within its
budget, and every judge must take it.  At some of its steps the dear laws are looked at: the mask against the
definition for a few dozen tokens, a fork, a token refused, and tokens taken back.  Some texts are changed in
one place, and what the judges say of the new one must be what the grammar says.

What breaks a law is made smaller and kept as a `Failure`; a subject stops at its first few.
"""

from __future__ import annotations

import html
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import numpy as np

from constrain.errors import LimitExceeded
from constrain.finishing import Finishing
from constrain.proof.judges import verdicts
from constrain.proof.laws import Case, against_one_rule, broken, inexact, mask_of
from constrain.proof.mutations import changed, constants
from constrain.proof.shrinking import shrunk
from constrain.proof.subject import Subject
from constrain.proof.walkers import WALKERS, Menu, Walker
from constrain.spelling import END, Speller
from constrain.vocabulary.bitmask import Mask, Words, allocate_token_bitmask, unpack_words

BUDGETS = (0, 1, 4, 12, 32, 80)
"""Tokens beyond the fewest."""
TRIED = 64
"""So many tokens are compared with the definition at a step that is looked at."""
LOOKED_AT = 32
"""One step in so many."""
NEAR = 2
"""One output in so many is changed in one place."""
MAX_FAILURES = 3
MAX_MENUS = 64
"""Masks whose tokens are kept as lists, up to half a megabyte each."""


@dataclass(frozen=True)
class Failure:
    """A law that was broken: the smallest case found, the text before it, and what is wrong."""

    subject: str
    walker: str
    case: Case
    text: bytes
    problem: str

    def __str__(self) -> str:
        return (
            f"{self.subject}: {self.case.law}: {self.problem}\n"
            f"  {len(self.case.tokens)} tokens, written by `{self.walker}`: {self.text!r}\n"
            f"  again: --replay '{self.case}'"
        )


@dataclass
class Proof:
    """What was tried, and what came of it.

    `outputs` counts the texts written, by walker; `judged` the verdicts, by judge, and `silent` those it did
    not give; `looked` how often each law was looked at beyond that; `undecided` are the subjects whose
    shortest answer is not known, so that they have no budget.
    """

    outputs: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)
    looked: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    subjects: int = 0
    undecided: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing was broken, and something was tried."""
        return not self.failures and self.outputs.total() > 0

    def add(self, other: Proof) -> None:
        """Count what another proof tried, too."""
        for name in ("outputs", "judged", "silent", "looked"):
            getattr(self, name).update(getattr(other, name))
        self.tokens += other.tokens
        self.failures += other.failures
        self.subjects += other.subjects
        self.undecided += other.undecided
        self.seconds += other.seconds

    def as_json(self) -> dict[str, Any]:
        """The proof as JSON data."""
        return {
            "good": self.good,
            "subjects": self.subjects,
            "outputs": self.outputs.total(),
            "tokens": self.tokens,
            "by_walker": dict(self.outputs),
            "judged": dict(self.judged),
            "no_opinion": dict(self.silent),
            "laws": dict(self.looked),
            "undecided": self.undecided,
            "seconds": round(self.seconds, 3),
            "failures": [
                {
                    "subject": failure.subject,
                    "walker": failure.walker,
                    "law": failure.case.law,
                    "case": str(failure.case),
                    "text": failure.text.decode(errors="backslashreplace"),
                    "problem": failure.problem,
                }
                for failure in self.failures
            ],
        }

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return f"<pre>{html.escape(str(self))}</pre>"

    def __str__(self) -> str:
        lines = [
            f"{self.outputs.total():,} outputs of {self.tokens:,} tokens, "
            f"{self.subjects} grammar{'s' * (self.subjects != 1)}, {self.seconds:.1f} s",
            "judged: " + _counted(self.judged),
            "looked at: " + _counted(self.looked),
            "walkers: " + _counted(self.outputs),
        ]
        if self.silent:
            lines.append("no opinion: " + _counted(self.silent))
        if self.undecided:
            lines.append("no shortest answer is known of: " + ", ".join(self.undecided))
        lines.append(f"failures: {len(self.failures) or 'none'}")
        return "\n".join([*lines, *map(str, self.failures)])


def _counted(counter: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counter.items()) or "nothing"


def prove(
    subject: Subject,
    n: int = 100,
    *,
    seed: int = 0,
    seconds: float | None = None,
    walkers: Sequence[Walker] = tuple(WALKERS.values()),
    budgets: Sequence[int] = BUDGETS,
    told: Callable[[], None] | None = None,
) -> Proof:
    """Write `n` outputs of a subject, the walkers in turn, and check each; or as many as `seconds` allow.

    `told` is called after each, for a progress bar.

    Raises LimitExceeded where a mask needs more than the grammar's limits.
    """
    proof = Proof(subjects=1)
    started = time.perf_counter()
    for _ in outputs(subject, proof, n, seed=seed, walkers=walkers, budgets=budgets):
        proof.seconds = time.perf_counter() - started
        if told is not None:
            told()
        if len(proof.failures) >= MAX_FAILURES or (seconds is not None and proof.seconds >= seconds):
            break
    proof.seconds = time.perf_counter() - started
    return proof


def outputs(
    subject: Subject,
    proof: Proof,
    n: int,
    *,
    seed: int,
    walkers: Sequence[Walker],
    budgets: Sequence[int],
) -> Iterator[bytes]:
    """The outputs one after the other; what is seen of them is counted in `proof`."""
    try:
        shortest = subject.compiled.matcher().completion()
    except LimitExceeded:
        shortest = None
    if shortest is None:
        proof.undecided.append(subject.name)
        return
    run = _Run(subject, proof, seed)
    for number, walker in zip(range(n), cycle(walkers), strict=False):
        size = shortest.cost + budgets[number // len(walkers) % len(budgets)]
        text = run.output(walker, size)
        proof.outputs[walker.name] += 1
        yield text


class _Run:
    """The outputs of one subject."""

    def __init__(self, subject: Subject, proof: Proof, seed: int) -> None:
        self.subject = subject
        self.proof = proof
        self.rng = np.random.default_rng(seed)
        self.vocabulary = subject.compiled.vocabulary
        self._ends = frozenset(self.vocabulary.eos_token_ids)
        self._bitmask = allocate_token_bitmask(1, self.vocabulary.size)
        self._menus: dict[int, tuple[Mask, Menu]] = {}
        self._chance = random.Random(seed)
        self._known = constants(subject.schema)
        self._speller = Speller(self.vocabulary.trie)

    def output(self, walker: Walker, size: int) -> bytes:
        """The text of one generation of at most `size` tokens."""
        finishing = Finishing(self.subject.compiled, size)
        choices: list[int] = []
        row = self._bitmask[0]
        while finishing.left and not finishing.is_terminated():
            finishing.fill_next_token_bitmask(self._bitmask, 0)
            menu = self._menu(finishing, row)
            if not len(menu.ids):
                return self._stopped(walker, finishing, choices, size)
            token = walker.choose(menu, self.vocabulary, self.rng, choices[-1] if choices else 0)
            if self.rng.integers(LOOKED_AT) == 0:
                self._look(walker, finishing, token)
            choices.append(token)
            if not finishing.accept_token(token) and not finishing.matcher.fork().accept_token(token):
                self._fail(walker, Case("one rule", finishing.tokens, token))
                return finishing.matcher.text
            if len(choices) > 16 * (size + 1):
                return self._stopped(walker, finishing, choices, size)
        if not finishing.is_completed():
            return self._stopped(walker, finishing, choices, size)
        self.proof.tokens += len(finishing.tokens)
        return self._judge(walker, finishing)

    def _menu(self, finishing: Finishing, row: Words) -> Menu:
        """The tokens of a row; those of a mask that was seen are kept."""
        mask = finishing.matcher.position.mask
        known = self._menus.get(id(mask))
        if known is not None and not finishing.refuses:
            return known[1]
        menu = Menu(np.flatnonzero(unpack_words(row, self.vocabulary.size)).astype(np.int32))
        if mask is not None and not finishing.refuses:
            if len(self._menus) >= MAX_MENUS:
                self._menus.clear()
            self._menus[id(mask)] = mask, menu
        return menu

    def _look(self, walker: Walker, finishing: Finishing, token: int) -> None:
        """The dear laws, where a generation stands."""
        matcher = finishing.matcher.fork()
        mask = mask_of(matcher)
        tried = self._tried(mask)
        looked = self.proof.looked
        looked["exact"] += len(tried)
        if inexact(matcher, mask, tried) is not None:
            wrong = next(one for one in tried if inexact(matcher, mask, [one]) is not None)
            self._fail(walker, Case("exact", matcher.tokens, wrong))
        refused = int(self.rng.integers(self.vocabulary.size))
        for law, case in (
            ("one rule", Case("one rule", matcher.tokens, refused)),
            ("fork", Case("fork", matcher.tokens, token)),
            (
                "rollback",
                Case("rollback", matcher.tokens, count=int(self.rng.integers(len(matcher.tokens) + 1))),
            ),
        ):
            looked[law] += 1
            if self._is_broken(matcher, case):
                self._fail(walker, case)

    def _is_broken(self, matcher: Any, case: Case) -> bool:
        if case.law == "one rule":
            assert case.token is not None
            return against_one_rule(matcher, case.token) is not None
        return broken(self.subject, case) is not None

    def _tried(self, mask: Words) -> list[int]:
        """Tokens to compare with the definition: some that are allowed, as many that are not, the ends."""
        flags = unpack_words(mask, self.vocabulary.size)
        chosen = [*self._ends]
        for ids in (np.flatnonzero(flags), np.flatnonzero(~flags)):
            if len(ids):
                chosen += self.rng.choice(ids, size=min(len(ids), TRIED // 2), replace=False).tolist()
        return chosen

    def _judge(self, walker: Walker, finishing: Finishing) -> bytes:
        text = finishing.matcher.text
        try:
            decoded = text.decode()
        except UnicodeDecodeError:
            self._fail(walker, Case("sound", self._text_tokens(finishing)))
            return text
        said = verdicts(self.subject.judges, decoded)
        self.proof.judged.update(said.keys())
        if any(problem is not None for problem in said.values()):
            self._fail(walker, Case("sound", self._text_tokens(finishing)))
        else:
            self.proof.silent.update({judge.name for judge in self.subject.judges} - said.keys())
        if self.subject.schema is not None and self._chance.randrange(NEAR) == 0:
            self._look_beside(walker, decoded)
        return text

    def _look_beside(self, walker: Walker, text: str) -> None:
        """Data one change away: refused, unless every judge takes it; written, if every judge does."""
        try:
            data = changed(json.loads(text), self._known, self._chance)
            near = json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError, OverflowError):
            return  # not JSON, which has been told; or a number beyond Python's
        tokens = self._speller.before((near,), END).tokens
        if self.vocabulary.decode(tokens) != near:
            return  # a byte that no token writes
        for law in ("sound", "complete"):
            self.proof.looked[f"{law}, beside"] += 1
            case = Case(law, tokens)
            if broken(self.subject, case) is not None:
                self._fail(walker, case)

    def _text_tokens(self, finishing: Finishing) -> tuple[int, ...]:
        return tuple(token for token in finishing.tokens if token not in self._ends)

    def _stopped(self, walker: Walker, finishing: Finishing, choices: list[int], size: int) -> bytes:
        """A generation that is stuck, or not whole when its budget is spent."""
        stuck = Case("live", finishing.tokens)
        unfinished = Case("finished", tuple(choices), count=size)
        self._fail(walker, stuck if broken(self.subject, stuck) is not None else unfinished)
        return finishing.matcher.text

    def _fail(self, walker: Walker, case: Case) -> None:
        if len(self.proof.failures) >= MAX_FAILURES:
            return
        small = shrunk(self.subject, case)
        problem = broken(self.subject, small) or "seen once, and not again"
        text = self.vocabulary.decode(small.tokens)
        self.proof.failures.append(Failure(self.subject.name, walker.name, small, text, problem))

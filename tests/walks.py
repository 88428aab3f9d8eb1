"""Walkers: ways to choose among the allowed tokens, from the fair to the hostile."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import numpy as np
import numpy.typing as npt

from constrain.continuation import LiteralEdge, OpenEdge
from constrain.matcher import CompiledGrammar, Matcher
from constrain.position import Position
from constrain.regular.short import short
from constrain.vocabulary.vocabulary import Vocabulary
from tests.oracle import by_trying, ids

Chooser = Callable[[random.Random, Matcher, list[int]], int]


def uniform(rng: random.Random, matcher: Matcher, allowed: list[int]) -> int:
    """Any allowed token."""
    return rng.choice(allowed)


def longest(rng: random.Random, matcher: Matcher, allowed: list[int]) -> int:
    """The longest token: it crosses the most terminals at once."""
    sizes = _sizes(matcher.vocabulary)[allowed]
    return allowed[rng.choice(np.flatnonzero(sizes == sizes.max()))]


def byte_by_byte(rng: random.Random, matcher: Matcher, allowed: list[int]) -> int:
    """Single bytes: the finest steps."""
    single = np.flatnonzero(_sizes(matcher.vocabulary)[allowed] == 1)
    return allowed[rng.choice(single)] if len(single) else rng.choice(allowed)


def rarest(rng: random.Random, matcher: Matcher, allowed: list[int]) -> int:
    """The highest id: in a real vocabulary the rarest token, the one no author thought of."""
    return allowed[-1] if rng.random() < 0.5 else rng.choice(allowed[-8:])


@cache
def _sizes(vocabulary: Vocabulary) -> npt.NDArray[np.intp]:
    """The bytes of each token, 0 for a token without bytes."""
    return np.array([len(token or b"") for token in vocabulary.tokens])


CHOOSERS: dict[str, Chooser] = {
    "uniform": uniform,
    "longest": longest,
    "byte by byte": byte_by_byte,
    "rarest": rarest,
}


def walk(
    compiled: CompiledGrammar, rng: random.Random, choose: Chooser, *, max_tokens: int = 150
) -> tuple[bytes, Matcher]:
    """Follow allowed tokens to an end, preferring ends and closing bytes once `max_tokens` have passed.

    Fails when a mask is empty or an allowed token is refused: promises 2 and 4.
    """
    matcher = compiled.matcher()
    ends = set(compiled.vocabulary.eos_token_ids)
    for step in range(max_tokens * 40):
        allowed = [int(token) for token in matcher.allowed_token_ids()]
        assert allowed, f"no token is allowed after {matcher.text!r}"
        over = step >= max_tokens
        end = [token for token in allowed if token in ends]
        if end and (over or rng.random() < 0.3 or len(end) == len(allowed)):
            token = end[0]
        elif over:
            token = _towards_the_end(rng, matcher, allowed)
        else:
            token = choose(rng, matcher, [t for t in allowed if t not in ends] or end)
        assert matcher.accept_token(token), f"the mask allows {token}, accept_token refuses it"
        if matcher.is_terminated():
            return matcher.text, matcher
    raise AssertionError(f"no end in sight after {matcher.text[:200]!r}...")


def exact_walk(
    compiled: CompiledGrammar,
    rng: random.Random,
    steps: int,
    *,
    trying: Callable[[CompiledGrammar, Position], list[int] | None] = by_trying,
    bounded: Callable[[], AbstractContextManager[None]] = nullcontext,
    completed: bool = True,
) -> Matcher:
    """Follow so many allowed tokens, chosen in turn by any chooser, and then the shortest way to an end.

    Fails when a mask is empty, when it is not what `trying` every token gives (unless that is None), or when
    a token of the way to the end is not allowed: promises 2 to 4.  Each question to the matcher is asked
    inside `bounded`, which may fail when one takes long.
    """
    matcher = compiled.matcher()
    choosers = list(CHOOSERS.values())

    def mask() -> npt.NDArray[np.intp]:
        with bounded():
            return matcher.allowed_token_ids()

    def accept(token: int) -> None:
        with bounded():
            accepted = matcher.accept_token(token)
        assert accepted, f"the mask allows {token}, accept_token refuses it"

    for _ in range(steps):
        allowed = ids(mask())
        assert allowed, f"no token is allowed after {matcher.text!r}"
        tried = trying(compiled, matcher.position)
        assert tried is None or allowed == tried, _difference(matcher, allowed, tried)
        accept(rng.choice(choosers)(rng, matcher, allowed))
        if matcher.is_terminated():
            return matcher
    if not completed:
        return matcher
    with bounded():
        completion = shortest_way_on(matcher)
    for token in completion:
        assert token in mask(), f"the way to an end goes by {token}, not allowed after {matcher.text!r}"
        accept(token)
    assert matcher.is_completed(), f"the shortest way from {matcher.text!r} leads nowhere"
    return matcher


def shortest_way_on(matcher: Matcher) -> tuple[int, ...]:
    """The tokens of the completion that is known where a matcher stands."""
    completions = matcher.compiled.completions
    found = completions.of(matcher.position)
    assert found is not None, f"no completion is known after {matcher.text!r}"
    return found.tokens


def _difference(matcher: Matcher, allowed: list[int], tried: list[int]) -> str:
    def shown(some: set[int]) -> str:
        return (
            f"{len(some)} tokens, such as {[matcher.vocabulary.tokens[token] for token in sorted(some)[:3]]}"
        )

    more, fewer = {*allowed} - {*tried}, {*tried} - {*allowed}
    return (
        f"after {matcher.text!r} the mask allows {shown(more)} too many, and refuses {shown(fewer)} too many"
    )


def _towards_the_end(rng: random.Random, matcher: Matcher, allowed: list[int]) -> int:
    """A step of some thread's shortest way through its terminal: closing first, undeclared keys last."""
    tokens = matcher.vocabulary.tokens
    single = {tokens[token]: token for token in allowed if len(tokens[token] or b"?") == 1}
    ways: list[tuple[float, bytes]] = []
    positions = matcher.compiled.positions
    for number, edge, owner, captured in positions.readers(matcher.position.threads):
        if isinstance(edge, LiteralEdge):
            found = [(1.0, _literal_byte(rng, number, edge))]
        else:
            rest = short(positions.tables.automaton.term(number)) or b""
            found = [(2.0 if edge.captures else 1.0, rest[:1])]
            if isinstance(edge, OpenEdge):
                found += [
                    (1.0, text[len(captured) :][:1])
                    for index, text in enumerate(edge.literals.literals)
                    if text.startswith(captured) and owner.follow(index) is not None
                ]
        for cost, byte in found:
            if byte in single:
                ways.append(((0.0 if byte in (b"}", b"]") else cost) + rng.random() * 1.2, byte))
    return single[min(ways)[1]] if ways else rng.choice(list(single.values()) or allowed)


def _literal_byte(rng: random.Random, node: int, edge: LiteralEdge) -> bytes:
    ways = [b for b, n in edge.literals.children(node).items() if edge.literals.below[n] & edge.allowed]
    return bytes((rng.choice(ways or [0]),))

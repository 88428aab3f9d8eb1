"""Walk along the masks for a while, then finish the text by a shortest way."""

from __future__ import annotations

import random

from constrain.continuation import Edge
from constrain.matcher import CompiledGrammar, Matcher
from constrain.regular.queries import shortest
from constrain.shortest import shortest_text
from tests.walks import Chooser


def walk_and_finish(compiled: CompiledGrammar, rng: random.Random, choose: Chooser, tokens: int) -> bytes:
    """At most `tokens` tokens as `choose` likes them, and then the bytes that complete the text soonest."""
    matcher = compiled.matcher()
    ends = set(compiled.vocabulary.eos_token_ids)
    for _ in range(tokens):
        allowed = [token for token in map(int, matcher.allowed_token_ids()) if token not in ends]
        if not allowed:
            break
        token = choose(rng, matcher, allowed)
        assert matcher.accept_token(token), f"the mask allows {token}, accept_token refuses it"
    text = matcher.text
    rest = completion(matcher)
    for byte in rest:
        assert matcher.accept_token(byte), f"{rest!r} completes {text!r}, but {byte} is refused"
    assert matcher.is_completed()
    return text + rest


def completion(matcher: Matcher) -> bytes:
    """A shortest text that completes the text of `matcher`."""
    automaton = matcher.compiled.positions.tables.automaton
    ways = [b""] if matcher.is_completed() else []
    for number, edge, owner, _ in matcher.position.threads:
        if edge is None:
            ways.append(shortest_text(owner))
        else:
            assert isinstance(edge, Edge)
            then = owner.follow(edge.number)
            assert then is not None
            ways.append((shortest(automaton.term(number)) or b"") + shortest_text(then))
    return min(ways, key=len)

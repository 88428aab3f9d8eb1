"""Every text over a tiny alphabet, judged by Lark and by us; random walks; masks by trying."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lark_grammar.grammars import accepts, compiled, grammars, lark_parser, parses
from tests.oracle import by_trying, ids, strings_over
from tests.walks import CHOOSERS, walk

TEXTS = [*strings_over("ab ", 4), "aaaaa", "ababab", "aa bb", "a  b a", "  a  ", "abb ab", "b  bb "]
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@given(grammars())
@SLOW
def test_accepts_exactly_the_texts_lark_accepts(grammar: str) -> None:
    """Left-recursive, ambiguous, empty, cyclic: whatever the generator makes."""
    parser = lark_parser(grammar)
    ours = compiled(grammar)

    if parser is not None:
        for text in TEXTS:
            assert accepts(ours, text) == parses(parser, text), text


@given(grammars(), st.randoms(use_true_random=False), st.sampled_from(sorted(CHOOSERS)))
@SLOW
def test_every_generated_text_parses_under_lark(grammar: str, rng: random.Random, chooser: str) -> None:
    """With tokens longer than one byte, along the masks."""
    parser = lark_parser(grammar)
    ours = compiled(grammar)

    if parser is not None and ours is not None:
        text, matcher = walk(ours, rng, CHOOSERS[chooser], max_tokens=8)
        assert parses(parser, text.decode()), text
        matcher.reset()


@given(grammars(), st.randoms(use_true_random=False))
@SLOW
def test_masks_are_what_trying_every_token_gives(grammar: str, rng: random.Random) -> None:
    """At every position of a short walk."""
    ours = compiled(grammar)
    if ours is None:
        return
    matcher = ours.matcher()
    for _ in range(6):
        allowed = ids(matcher.allowed_token_ids())

        assert allowed == by_trying(ours, matcher.position)
        matcher.accept_token(rng.choice(allowed))
        if matcher.is_terminated():
            break

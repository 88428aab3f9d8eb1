"""Does a span match the pattern of a request?

The pattern is somebody's input, so Python's backtracking `re` is not let near it: `(a+)+$` would hang on
thirty characters.  It is read by our own automata, which take time linear in the span, or, when it is refused
there, by nothing: then no span matches and the mask alone leads.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from constrain.errors import ConstrainError

if TYPE_CHECKING:
    from constrain.regular.automaton import Automaton

MAX_STEPS = 200_000


def matcher_of(pattern: str) -> Callable[[str], bool]:
    """A test of whole spans against `pattern`."""
    from constrain.regular.queries import accepts
    from constrain.regular.syntax import regex_term

    try:
        term = regex_term(pattern)
    except ConstrainError:
        return lambda span: False
    return lambda span: len(span) <= 200 and accepts(term, span.encode())


def first_match(pattern: str, text: str) -> str | None:
    """The longest match at the first place of `text` where there is one that is not empty, found by steps.

    None also after `MAX_STEPS` steps: a pattern may read on from every place to the end.

    >>> first_match("[A-Z]{2}[0-9]+", "ref=IT0042;IT7")
    'IT0042'
    """
    from constrain.regular.automaton import shared_automaton
    from constrain.regular.syntax import regex_term

    try:
        automaton = shared_automaton()
        return _scan(automaton, automaton.state(regex_term(pattern)), text)
    except ConstrainError:
        return None


def _scan(automaton: Automaton, start: int, text: str) -> str | None:
    steps = 0
    for begin in range(len(text)):
        state, longest = start, begin
        for end in range(begin, len(text)):
            for byte in text[end].encode(errors="replace"):
                state = automaton.step(state, byte) if state else 0
            steps += 1
            if not state or steps > MAX_STEPS:
                break
            if automaton.accepting[state]:
                longest = end + 1
        if longest > begin:
            return text[begin:longest]
        if steps > MAX_STEPS:
            return None
    return None


def alternatives(pattern: str) -> list[str]:
    """The members of a pattern that is a list of plain words.

    >>> alternatives("(yes|no|not sure)"), alternatives("a+|b")
    (['yes', 'no', 'not sure'], [])
    """
    inner = re.fullmatch(r"\^?(?:\((?:\?:)?)?([\w -]+(?:\|[\w -]+)+)\)?\$?", pattern)
    return inner.group(1).split("|") if inner else []

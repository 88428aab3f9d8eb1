"""Which terminals of a Lark grammar could come where a text is refused?

    pair: key ":" value        text name 3        expected ":"

The threads of the position know: each is inside a terminal or about to begin one, and the grammar has a name
for it.  What is ignored everywhere is named only where nothing else could come.  A terminal may have been
narrowed on the way (what precedes is not to be ignored text), so a name fits whose language holds the
thread's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from constrain.continuation import Continuation, Edge
from constrain.explanations.explanation import Explanation
from constrain.explanations.reading_on import Refusal
from constrain.explanations.wording import joined
from constrain.lark_grammar.grammar import LarkGrammar
from constrain.position import Positions
from constrain.regular.interning import LOCK
from constrain.regular.queries import is_empty
from constrain.regular.terms import Term, difference

NAMED: Final = 12


def explain_grammar(grammar: LarkGrammar, before: Iterable[Continuation], refusal: Refusal) -> Explanation:
    """Why a text is refused that a Lark grammar has read as far as `refusal.offset`."""
    basis = Explanation(False, refusal.offset, cause="grammar")
    found: dict[str, None] = {}
    can_end = False
    with LOCK, refusal.limits.budget("finding what was expected"):
        for then in before:
            starts = [start for start in (grammar.filled(then), then if grammar.nullable else None) if start]
            for start in starts:
                positions = Positions(start, refusal.tables, refusal.limits)
                threads = positions.read(positions.start.threads, refusal.text[: refusal.offset])
                can_end = can_end or any(edge is None and owner.can_end for _, edge, owner, _ in threads)
                for _, edge, _, _ in positions.readers(threads):
                    if isinstance(edge, Edge) and (name := _name(edge.terminal, grammar.terminals)):
                        found[name] = None
    names = [name for name in found if name not in grammar.ignored] or list(found)
    if not names and not can_end:
        return replace(basis, note="no terminal of the grammar could come here")
    expected = [*names[:NAMED], *([f"{len(names) - NAMED} more"] if len(names) > NAMED else [])]
    expected += ["the end"] if can_end else []
    return replace(basis, parts=tuple(names), expected=joined(expected, "or"))


def _name(term: Term, named: dict[str, Term]) -> str | None:
    """The name of the terminal that a language is, or the smallest that holds it."""
    for name, language in named.items():
        if language is term:
            return name
    holding = [name for name, language in named.items() if is_empty(difference(term, language))]
    return next(
        (name for name in holding if all(is_empty(difference(named[name], named[o])) for o in holding)), None
    ) or (holding[0] if holding else None)

"""Does a span match the pattern of a request?

The pattern is somebody's input, so Python's backtracking `re` is not let near it: `(a+)+$` would hang on
thirty characters.  It is read by our own automata, which take time linear in the span, or, when it is refused
there, by nothing: then no span matches and the mask alone leads.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from constrain.errors import ConstrainError


def matcher_of(pattern: str) -> Callable[[str], bool]:
    """A test of whole spans against `pattern`."""
    from constrain.regular.queries import accepts
    from constrain.regular.syntax import regex_term

    try:
        term = regex_term(pattern)
    except ConstrainError:
        return lambda span: False
    return lambda span: len(span) <= 200 and accepts(term, span.encode())


def alternatives(pattern: str) -> list[str]:
    """The members of a pattern that is a list of plain words.

    >>> alternatives("(yes|no|not sure)"), alternatives("a+|b")
    (['yes', 'no', 'not sure'], [])
    """
    inner = re.fullmatch(r"\^?(?:\((?:\?:)?)?([\w -]+(?:\|[\w -]+)+)\)?\$?", pattern)
    return inner.group(1).split("|") if inner else []

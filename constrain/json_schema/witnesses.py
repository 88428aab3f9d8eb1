"""Many patterns at once: is there plainly a string, or plainly none?

    and(pat "^a-[0-9]+$", npat "^b-", nin{"a-1"})         "a-0" is one
    and(pat "^a-[0-9]+$", npat "^c-", pat "^b-")          two of them exclude each other

Where patterns name keys, their combinations must be told empty or not, and to search the product of twenty
patterns costs milliseconds.  Of most that are not empty an example of one pattern is a witness, and the
others need only be asked about that one string.  Most that are empty are so because of two of the patterns,
and plainly so; pairs are found out once for the process.

Cost: a walk along each candidate, for each pattern until one refuses it; a search for each pair of patterns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from constrain.errors import ConstrainError
from constrain.json_schema.finite import few_strings
from constrain.json_schema.formula import Formula
from constrain.json_schema.strings import QUOTE, string_space
from constrain.regular.charset import CharSet
from constrain.regular.conditions import all_of, negation
from constrain.regular.keeping import remember
from constrain.regular.pattern import parse_regex
from constrain.regular.pattern_tree import Chars, Choice, Group, Node, Repeat, Sequence
from constrain.regular.products import plainly_empty, product
from constrain.regular.terms import concat

LETTERS = "q0_Z-x1.y2 aAk/bC:3"
"""Behind or before an example there may be any character; these are as good as others."""


def has_witnesses(formula: Formula, wanted: int, holds: Callable[[str], bool]) -> bool:
    """Are so many strings easily found of which the formula holds?"""
    found: set[str] = set()
    for text in _candidates(formula, several=wanted > 1):
        if text not in found and holds(text):
            found.add(text)
            if len(found) >= wanted:
                return True
    return False


def _candidates(formula: Formula, *, several: bool) -> Iterator[str]:
    parts = formula.parts if formula.kind == "and" else (formula,)
    texts = [text for part in parts if part.kind == "pat" and (text := example(part.args[0])) is not None]
    if len(texts) > 1:
        texts.append("".join(texts))
    texts = texts or ["", LETTERS[0]]
    yield from texts
    for letter in LETTERS if several else "":
        for text in texts:
            yield text + letter
            yield letter + text


def listed(formula: Formula, limit: int) -> list[str] | None:
    """The strings of a pattern in a conjunction, if it has at most `limit`; the others may refuse some."""
    for part in formula.parts if formula.kind == "and" else ():
        if part.kind == "pat":
            texts = _few(part.args[0], limit)
            if texts is not None:
                return texts
    return None


@remember(4_096)
def _few(pattern: str, limit: int) -> list[str] | None:
    few = few_strings(string_space("canonical").pattern(pattern), limit)
    return None if few is None else [json.loads(b'"' + text + b'"') for text in few]


def has_a_contradiction(formula: Formula) -> bool:
    """Do two of the patterns of a conjunction plainly exclude each other?"""
    parts = formula.parts if formula.kind == "and" else ()
    held = [part.args[0] for part in parts if part.kind == "pat"]
    refused = [part.args[0] for part in parts if part.kind == "npat"]
    if len(held) + len(refused) < 3:  # nothing would be gained
        return False
    return any(
        any(_exclude(pattern, other, refused=False) for other in held[:number])
        or any(_exclude(pattern, other, refused=True) for other in refused)
        for number, pattern in enumerate(held)
    )


@remember(65_536)
def _exclude(pattern: str, other: str, *, refused: bool) -> bool:
    """Does plainly no string match `pattern` and, or but not if it is `refused`, the other one?"""
    space = string_space("canonical")
    one, two = (concat(space.pattern(each), QUOTE) for each in (pattern, other))
    return plainly_empty(product(space.closed, all_of([one, negation(two) if refused else two])))


@remember(4_096)
def example(pattern: str) -> str | None:
    """A text that an ECMA pattern matches, unless it looks around; None where none is seen at once.

    >>> example("^(ab|c)+-[0-9]{2}$")
    'ab-00'
    """
    try:
        return _example(parse_regex(pattern, "ecma"))
    except ConstrainError:
        return None


def _example(node: Node) -> str | None:
    if isinstance(node, Chars):
        return _character(node.charset)
    if isinstance(node, Sequence):
        parts = [_example(item) for item in node.items]
        return None if None in parts else "".join(part for part in parts if part)
    if isinstance(node, Choice):
        return _example(node.options[0])
    if isinstance(node, Repeat):
        body = _example(node.body) if node.low else ""
        return None if body is None else body * node.low
    return _example(node.body) if isinstance(node, Group) else ""


def _character(charset: CharSet) -> str | None:
    """A letter or a digit out of a set, or another character that is printed."""
    for first, last in (("a", "z"), ("0", "9"), (" ", "~")):
        for low, high in charset:
            code = max(low, ord(first))
            if code <= min(high, ord(last)):
                return chr(code)
    return None

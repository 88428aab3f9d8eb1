"""A string's formula as a term: what may be between the quotes, and the quote that closes.

    and(pat "x", npat "y", minl 2)      the texts of a product, 2 characters long or longer
    (`regular/bounded.py`)

Most formulas say one thing, and are the term of that.  Others are conditions whose factors are kept apart, a
factor for each pattern and format, with the lengths as a window beside them:

    keyword                                condition
    pattern, format                        a factor; the parts of a pattern that looks ahead first, one for
    each not, allOf, anyOf, oneOf               not, all, any, exactly one minLength, maxLength
    the window; a factor where they are part of an alternative enum, const                            those of
    which the rest holds, as one trie

1. Names that a string must not be are taken away as a trie, where one thing is said beside them.
2. A length beside a pattern that counts characters itself is one count, where that is seen
   (`regular/codes.py`).
3. Counts that run far inside a pattern (a host name's labels) stay in one term with the length, for there
   both are clipped at once (`regular/clipping.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from constrain.budget import spend
from constrain.json_schema.formula import Formula
from constrain.json_schema.strings import QUOTE, TEXT, StringSpace
from constrain.json_schema.values import STRING, Value
from constrain.regular.bounded import EVERY_LENGTH, Window, bounded
from constrain.regular.clipping import far_counts, is_owed_far
from constrain.regular.codes import lengths, meet
from constrain.regular.conditions import (
    Condition,
    all_of,
    any_of,
    exactly_one,
    is_positive,
    negation,
    parts_of,
)
from constrain.regular.products import product
from constrain.regular.substrings import substrings
from constrain.regular.terms import (
    EMPTY,
    Complement,
    Intersection,
    Repeat,
    Term,
    choice,
    concat,
    difference,
    star,
)

Holds = Callable[[Formula, Value], bool]
_ONE_THING = frozenset({"pat", "fmt", "occurs"})
_LENGTHS = frozenset({"minl", "maxl"})


class StringSets:
    """The terms of string formulas in one spelling; `document` is what the atom `occurs` speaks of."""

    def __init__(self, space: StringSpace, document: str) -> None:
        self.space = space
        self._document = document
        self._conditions: dict[Formula, Condition] = {}

    def term(self, formula: Formula, holds: Holds, without: Iterable[str] = ()) -> Term:
        """The strings of which a formula holds, and that are none of some; each with its closing quote.

        `holds` says whether an atom holds of a value.
        """
        parts = formula.parts if formula.kind == "and" else (formula,)
        window = _window(parts)
        excluded = [self._named(part) for part in parts if part.kind == "nin"]
        excluded.append(self.space.values(without))
        rest = [part for part in parts if part.kind not in _LENGTHS and part.kind != "nin"]
        named = next((part for part in parts if part.kind == "in"), None)
        if named is not None:
            return concat(difference(self._filtered(named, parts, holds), excluded[-1]), QUOTE)
        if not rest or (len(rest) == 1 and rest[0].kind in _ONE_THING):
            contents = self._one_thing(rest[0] if rest else None, window)
            if contents is not None:
                for texts in excluded:
                    contents = difference(contents, texts)
                return concat(contents, QUOTE)
        conditions = [negation(self._factor(texts)) for texts in excluded]
        for part in rest:
            apart = self._apart(self._contents(part)) if part.kind == "pat" else None
            if apart is None:
                conditions.append(self._condition(part))
            else:
                conditions.append(apart[0])
                window = window.meet(apart[1])
        condition = all_of(conditions)
        factors = [
            part for part in parts_of(condition, "any") if isinstance(part, Term) and is_positive(part)
        ]
        if len(factors) > 1 and len(factors) == len(parts_of(condition, "any")):
            condition = choice(*factors)
        return bounded(product(self.space.closed, condition), self.space.closed, window)

    def _one_thing(self, atom: Formula | None, window: Window) -> Term | None:
        """The contents of a pattern (of anything) with a length as one term; None if a product is better."""
        contents = self.space.universe if atom is None else self._contents(atom)
        if type(contents) is Intersection and self._apart(contents) is not None:
            return None
        if window == EVERY_LENGTH:
            return contents
        both = self._length(window) if atom is None else meet(contents, self._length(window))
        return None if type(both) is Intersection and not _counts_far(contents) else both

    def _apart(self, contents: Term) -> tuple[Condition, Window] | None:
        """A pattern as a condition and a window; None where it counts far otherwise than in characters."""
        window = EVERY_LENGTH
        conditions: list[Condition] = []
        for part in contents.members if isinstance(contents, Intersection) else (contents,):
            if isinstance(part, Repeat) and lengths(part.body, self.space.character(TEXT)) == (1, 1):
                window = window.meet(Window(part.low, part.high))
                conditions.append(self._factor(star(part.body)))
            elif _counts_far(part):
                return None
            else:
                conditions.append(self._factor(part))
        return all_of(conditions), window

    def _filtered(self, named: Formula, parts: Iterable[Formula], holds: Holds) -> Term:
        """Those of some strings of which the other parts hold."""
        others = [part for part in parts if part is not named]
        kept = []
        for value in named.args[0]:
            spend()
            if value.type == STRING and all(holds(part, value) for part in others):
                kept.append(value.data)
        return self.space.values(kept)

    def _condition(self, formula: Formula) -> Condition:
        found = self._conditions.get(formula)
        if found is None:
            found = self._conditions[formula] = self._find_condition(formula)
        return found

    def _find_condition(self, formula: Formula) -> Condition:
        kind = formula.kind
        if kind in {"true", "order"}:
            return True
        if kind == "false":
            return False
        if kind in {"and", "or", "one", "notone"}:
            each = [self._condition(part) for part in formula.parts]
            if kind == "and":
                return all_of(each)
            if kind == "or":
                return any_of(each)
            one = exactly_one(each)
            return one if kind == "one" else negation(one)
        if kind in {"npat", "nfmt", "nin"}:
            return negation(self._factor(self._contents(formula)))
        return self._factor(self._contents(formula))

    def _contents(self, atom: Formula) -> Term:
        """What an atom says of the contents, or the one that it is the negation of."""
        kind, space = atom.kind, self.space
        if kind in {"pat", "npat"}:
            return space.pattern(atom.args[0])
        if kind in {"fmt", "nfmt"}:
            term = space.format(atom.args[0])
            return space.universe if term is None else term
        if kind == "occurs":
            return choice(substrings(self._document, space.character), self._named(atom))
        return self._length(_window((atom,))) if kind in _LENGTHS else self._named(atom)

    def _named(self, atom: Formula) -> Term:
        return self.space.values(value.data for value in atom.args[0] if value.type == STRING)

    def _length(self, window: Window) -> Term:
        return self.space.length(*window)

    def _factor(self, contents: Term) -> Condition:
        if contents is self.space.universe:
            return True
        if contents is EMPTY:
            return False
        if type(contents) is Intersection and not _counts_far(contents):
            return all_of(map(self._factor, contents.members))
        if type(contents) is Complement:
            return negation(self._factor(contents.body))
        return concat(contents, QUOTE)


def _counts_far(contents: Term) -> bool:
    """Has it counters far from their end that owe little?  `vocabulary/faraway.py` clips these."""
    return bool(far_counts(contents)) and not is_owed_far(contents)


def _window(parts: Iterable[Formula]) -> Window:
    """The lengths that some atoms allow together."""
    window = EVERY_LENGTH
    for part in parts:
        if part.kind in _LENGTHS:
            number = part.args[0]
            window = window.meet(Window(number, None) if part.kind == "minl" else Window(0, number))
    return window

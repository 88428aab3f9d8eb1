"""Which part of a grammar that was put together refuses, and what within it?

    sequence("Age: ", json_value({"maximum": 120}), ".")      text Age: 150.
    part 2 of 3: JSON from byte 5 on, refused there because of #/maximum

A part makes the same continuation whenever it is asked what it writes before the same one (`parts.py`, rule
2).  So whoever follows a text sees each part begin where its continuation is reached, and end where what
follows it is.  The parts that are open at the refused byte, innermost first, are those that refuse it; a
schema, a pattern or a grammar among them then explains itself, standing where it stands.

Several readings of a text may be alive, each inside a part of its own: the innermost that has something to
blame is told, and what is expected is what any of them expects.  A part that has just ended is
asked too: `150` is refused because 15 was the end of the number, and it was the end because of `maximum`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from constrain.continuation import END, Continuation, Mark, Union
from constrain.explanations.explanation import Explanation
from constrain.explanations.pattern_parts import PatternSource, explain_pattern
from constrain.explanations.reading_on import Refusal
from constrain.explanations.schema_search import SchemaSource, explain_schema
from constrain.explanations.terminals import explain_grammar
from constrain.explanations.wording import joined
from constrain.parts import BranchesPart, LarkPart, Part, SchemaPart
from constrain.reading import Note, Notes, Reader

CHOICES: Final = 8
"""So many of the texts that may come are listed."""


SUSPECTS: Final = 8
"""So many parts that may be written at one place are asked."""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A part that holds no others, and the way to it."""

    part: Part
    way: tuple[str, ...]


Suspect = tuple[Leaf, int, bool]
"""A part, the offset where it began, and whether it is still being written."""


def leaves(part: Part, way: tuple[str, ...] = (), seen: frozenset[int] = frozenset()) -> Iterator[Leaf]:
    """The parts within a part that hold no others, and those that write something before them."""
    if id(part) in seen:
        return
    inner = part.inner()
    for name, each in inner:
        yield from leaves(each, (*way, name) if name else way, seen | {id(part)})
    if not inner or isinstance(part, BranchesPart | LarkPart):
        yield Leaf(part, way)


class _Watch(Reader):
    """A reader that notes where parts begin, and where what follows them does."""

    def __init__(self, start: Continuation, whole: Part) -> None:
        self._whole = whole
        self._begins: dict[Continuation, Leaf] = {}
        self._ends: dict[Continuation, list[Leaf]] = {}
        self._known = -1
        super().__init__(start)

    def _look(self) -> None:
        """Parts make continuations as a text gets there."""
        found = list(leaves(self._whole))
        known = sum(len(leaf.part.fillings) for leaf in found)
        if known == self._known:
            return
        self._known = known
        for leaf in found:
            for then, filled in leaf.part.fillings.items():
                if filled is None:
                    continue
                for way in (filled, *filled.members):  # a grammar's state hands out the members
                    self._begins.setdefault(way, leaf)
                ended = self._ends.setdefault(then, [])
                if self._begins[filled] not in ended:
                    ended.append(self._begins[filled])

    def _arrive(self, where: Continuation, notes: Notes) -> None:
        self._look()
        found = [Note(leaf, False, self.offset) for leaf in self._ends.get(where, ())]
        if where in self._begins:
            found.append(Note(self._begins[where], True, self.offset))
        notes = (*notes, *found)
        if not where.is_choice or isinstance(where, Union | Mark):
            super()._arrive(where, notes)
            return
        if where.can_end and self._end is None:
            self._end = notes
        for member in where.members:  # of a grammar's state: what follows the grammar is among them
            self._arrive(member, notes)

    def suspects(self) -> list[Suspect]:
        """The parts that are being written, and those that have just ended: they might have gone on.

        The innermost comes first, and last what has not begun yet.
        """
        found: dict[Suspect, None] = {}
        for notes in (*self._threads.values(), *([] if self._end is None else [self._end])):
            opened: list[tuple[Leaf, int]] = []
            for note in notes:
                if note.begins and isinstance(note.label, Leaf):
                    opened.append((note.label, note.offset))
                while not note.begins and any(note.label is leaf and note.offset > at for leaf, at in opened):
                    leaf, begun = opened.pop()
                    if note.offset == self.offset:
                        found[leaf, begun, False] = None
            if opened:
                found[*opened[-1], True] = None
        return sorted(found, key=lambda each: (each[1] == self.offset, -each[1]))


def explain_part(part: Part, refusal: Refusal) -> Explanation:
    """Why a text is refused that a part has read as far as `refusal.offset`."""
    unknown = Explanation(False, refusal.offset, cause="unknown")
    watch = _Watch(part.before(END), part)
    for byte in refusal.text[: refusal.offset]:
        if not watch.step(byte):
            return replace(unknown, note="the text is not read by its parts alone")
    told: list[Explanation] = []
    for leaf, offset, is_open in watch.suspects()[:SUSPECTS]:
        inner = replace(refusal, text=refusal.text[offset:], offset=refusal.offset - offset)
        found = replace(_within(leaf.part, inner), offset=refusal.offset, within=leaf.way)
        if is_open or found.keywords or (found.parts and found.cause == "pattern"):
            told.append(found)
    if not told:
        return replace(unknown, cause="text")
    first = next((each for each in told if each.keywords or each.parts), told[0])
    words = list(dict.fromkeys(each.expected for each in told if each.expected))
    return replace(first, expected=joined(words, "or") if all(each.expected for each in told) else "")


def _within(part: Part, refusal: Refusal) -> Explanation:
    before = tuple(part.fillings)
    if isinstance(part, SchemaPart):
        scanned = part.grammar.scanned
        source = SchemaSource(scanned.schema, scanned.options, scanned.registry, before)
        return explain_schema(source, refusal)
    if isinstance(part, LarkPart):
        return explain_grammar(part.grammar, before, refusal)
    if part.recipe is not None and part.recipe[0].__name__ == "regex":
        _, arguments, options = part.recipe
        pattern = arguments[0] if arguments else options["pattern"]
        given = PatternSource(pattern, options.get("flags", 0), options.get("verbatim"), before)
        return explain_pattern(given, refusal)
    texts = _texts(part, refusal)
    expected = joined(texts, "or") if texts else ""
    return Explanation(False, refusal.offset, cause="text", parts=tuple(texts), expected=expected)


def _texts(part: Part, refusal: Refusal) -> list[str]:
    """The fixed texts that a part may write, of which the beginning is written already."""
    written = refusal.text[: refusal.offset]
    texts = [text for text in part.texts() if text.startswith(written)]
    shown = [f"`{text.decode('utf-8', 'replace')}`" for text in texts[:CHOICES]]
    return [*shown, f"{len(texts) - CHOICES} more"] if len(texts) > CHOICES else shown

"""Where in the text is the value of this field?

A `Field` says what is sought: the phrases that name it, the kind of value, and a test of what will do.
`Finder.find` looks in the order in which evidence weakens:

1. a label:     "Età: 42", "city = Rome"          the field's own name, or a synonym, then a colon
2. a phrase:    "mi chiamo Anna", "I live in Rome"  words that lead in to a value of this concept
3. a unit:      "42 anni", "3 tickets"             words that follow one
                "250 dollari in euro"              units that a conversion is between (`computing.py`)
4. the name:    "order number 1234", "the Lakers team"   the field's name beside a value of the right shape
5. the shape:   the first e-mail address, for an e-mail field

Steps 1 to 3 are strong, 4 and 5 weak.  An object's fields are all tried strongly before any is tried
weakly, and a span that one field has used is not offered to another: in "Anna lives in Rome" the city takes
Rome by its phrase, so that `name`, which comes first but has only a shape to go by, is left with Anna.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from constrain.engine.lookup.computing import side_of_conversion, sum_in
from constrain.engine.lookup.lexicon import (
    CONCEPTS,
    NEGATIONS,
    NO,
    NUMBER_WORDS,
    YES,
    Concept,
    concept_of,
    fold,
)
from constrain.engine.lookup.shapes import Mention, currency_of, mentions

STRONG, WEAK = "strong", "weak"

_FORMATS = {
    "email": ("email",), "idn-email": ("email",),
    "uri": ("url",), "url": ("url",), "uri-reference": ("url",), "iri": ("url",),
    "date": ("date",), "date-time": ("date",), "time": ("time",), "uuid": ("uuid",), "ipv4": ("ip",),
}  # fmt: skip
_ARTICLE = (
    r"(?:the |a |an |il |la |lo |l'|i |gli |le |un |una |uno |un'|"
    r"my |mio |mia |e |is |di |of |[:#=] ?|\"(?=\w))?"
)
_OF = r"(?: (?:of|di|del|della|dell'|d') ?[\w ]{1,20}?)?"
_COUNT = "|".join(NUMBER_WORDS)
_CLAUSE = re.compile(r"[,;\n]|\.(?=\s|$)|\?|!| - ")
_SENTENCE = re.compile(r"[;\n]|\.(?=\s|$)|\?|!|, ?(?=[\w ']{2,25}:)")


@dataclass(frozen=True, slots=True)
class Field:
    """What is sought: `names` as folded phrases, best first; `accepts` judges a candidate value."""

    names: tuple[str, ...]
    kind: str
    format: str = ""
    hints: tuple[str, ...] = ()
    accepts: Callable[[Any], bool] = field(default=lambda value: True)

    @property
    def concept(self) -> Concept | None:
        """The concept its names speak of."""
        return concept_of(*self.names)

    @property
    def shares(self) -> bool:
        """Whether other fields may use its span too: the halves of a name do, and a text holds the others."""
        return self.concept in (CONCEPTS["text"], CONCEPTS["first name"], CONCEPTS["last name"])

    @property
    def labels(self) -> tuple[str, ...]:
        """Everything that could stand before a colon: own names first, then synonyms."""
        concept = self.concept
        synonyms = concept.words.split("|") if concept else []
        return tuple(dict.fromkeys((*self.names, *(s for s in synonyms if len(s) > 1))))

    @property
    def shapes(self) -> tuple[str, ...]:
        """The shapes its value may have, likeliest first."""
        if self.format in _FORMATS:
            return _FORMATS[self.format]
        concept = self.concept
        shapes = concept.shapes if concept else ()
        if self.kind == "string":
            return shapes or ("quoted", "name")
        numeric = tuple(s for s in shapes if s in ("money", "number", "percent", "year", "code", "zip"))
        return (*numeric, "number") if "number" not in numeric else numeric


class Finder:
    """Looks for values in one text, remembering which spans are used."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.folded = fold(text)
        self.mentions = mentions(text)
        self.used: set[int] = set()

    def find(self, sought: Field, strength: str) -> Any | None:
        """The value of a field, or None; what is found counts as used from now on."""
        steps = (
            (self._labelled, self._converted, self._after_phrase, self._before_unit)
            if strength == STRONG
            else (self._beside_name, self._by_shape)
        )
        for step in steps:
            for start, end, value in step(sought):
                converted = convert(value, sought, self.folded)
                if converted is not None and sought.accepts(converted):
                    if not sought.shares:
                        self.used.update(range(start, end))
                    return converted
        return None

    def truth(self, names: Sequence[str]) -> bool | None:
        """Whether the text affirms (True) or denies (False) what is named; None where it is silent."""
        for name in names:
            if found := re.search(rf"\b{re.escape(name)}\s*[:=?]\s*(?:({YES})|({NO}))", self.folded):
                return found.group(1) is not None
        for stem in (stem for name in names for stem in _stems(name)):
            if found := re.search(rf"\b(?:(un|in|non-))?{re.escape(stem)}", self.folded):
                before = re.split(r"[.;,!?]|\bbut\b|\bma\b", self.folded[: found.start()])[-1]
                return not (found.group(1) or re.search(NEGATIONS, " ".join(before.split()[-5:])))
        return None

    def listed(self, names: Sequence[str], *, literal: bool = True) -> list[str]:
        """The items of a list that a label or a verb opens: "Ingredients: flour, eggs and milk"."""
        for name in names:
            label = re.escape(name) if literal else name
            pattern = rf"\b{label}(?:s|es)?\b(?: (?:are|sono|include|includono))?\s*[:=]?\s+(?=\S)"
            for found in re.finditer(pattern, self.folded):
                start = found.end()
                if (
                    ":" not in found.group()
                    and "=" not in found.group()
                    and "are" not in found.group()
                    and "sono" not in found.group()
                ):
                    continue
                stop = _SENTENCE.search(self.folded, start)
                self.used.update(range(start, stop.start() if stop else len(self.text)))
                return split_list(self.text[start : stop.start() if stop else len(self.text)])
        return []

    def of_shape(self, shapes: Sequence[str]) -> Iterator[Mention]:
        """Unused mentions of these shapes, by order of shapes, then of the text."""
        for shape in shapes:
            for mention in self.mentions:
                if _fits(mention, shape) and mention.start not in self.used:
                    yield mention

    def _labelled(self, sought: Field) -> Iterator[tuple[int, int, Any]]:
        for label in sought.labels:
            for found in re.finditer(
                rf"(?<![\w]){re.escape(label)}{_OF}\s*(?:[:=]|\b(?:is|e)\b|→)\s*", self.folded
            ):
                if found.start() in self.used or not _says_is(
                    found.group(), self.text[found.start() : found.end()]
                ):
                    continue
                colon = ":" in found.group() or "=" in found.group() or "→" in found.group()
                yield from self._region(found.end(), sought, colon=colon)

    def _region(self, start: int, sought: Field, *, colon: bool) -> Iterator[tuple[int, int, Any]]:
        """What a label introduces: a mention of the right shape at its start, else the clause."""
        concept = sought.concept
        divider = _SENTENCE if concept is not None and concept.long else _CLAUSE
        stop = divider.search(self.text, start)
        end = stop.start() if stop else len(self.text)
        for mention in self.mentions:
            inside = start <= mention.start < max(end, start + 1) and mention.start - start < 25
            if (
                inside
                and (sought.kind != "string" or _exact(sought))
                and any(_fits(mention, s) for s in sought.shapes)
            ):
                yield mention.start, mention.end, mention
            fitting = mention.shape == "quoted" or (not colon and mention.shape in sought.shapes)
            if mention.start == start and sought.kind == "string" and fitting:
                yield mention.start, mention.end, mention
        region = self.text[start:end].strip().strip('"“”«»')
        if sought.kind == "string" and region:
            yield start, end, region

    def _converted(self, sought: Field) -> Iterator[tuple[int, int, Any]]:
        span = side_of_conversion(self.folded, sought.names) if sought.kind == "string" else None
        if span is not None:
            yield *span, self.text[slice(*span)]

    def _after_phrase(self, sought: Field) -> Iterator[tuple[int, int, Any]]:
        concept = sought.concept
        if concept is None or not concept.before:
            return
        for found in re.finditer(rf"(?<![\w'])(?:{concept.before})\s*{_ARTICLE}", self.folded):
            at = found.end()
            if concept.shapes in (("phrase",), ("whole",)):
                divider = (
                    _SENTENCE
                    if concept.long
                    else re.compile(r"[,;.\n?!]| (?:at|in|presso|a|per|for|from|and|e|di|from) ")
                )
                stop = divider.search(self.folded, at)
                end = stop.start() if stop else len(self.text)
                if sought.kind == "string" and end > at:
                    yield at, end, self.text[at:end].strip()
                continue
            for mention in self.mentions:
                if (
                    mention.start == at
                    and mention.start not in self.used
                    and any(_fits(mention, s) for s in sought.shapes)
                ):
                    if mention.shape == "number" and self._has_foreign_unit(mention, concept):
                        continue
                    yield mention.start, mention.end, mention

    def _has_foreign_unit(self, mention: Mention, concept: Concept) -> bool:
        """Whether the word after a number makes it a quantity of something else: "I'm 180 cm"."""
        rest = self.folded[mention.end :]
        return any(
            other.after and other is not concept and re.match(rf"\s?(?:{other.after})", rest)
            for other in CONCEPTS.values()
        )

    def _before_unit(self, sought: Field) -> Iterator[tuple[int, int, Any]]:
        units = [re.escape(name) for name in sought.names if sought.kind != "string"]
        concept = sought.concept
        if concept is not None and concept.after:
            units.append(concept.after)
        if not units:
            return
        for mention in self.mentions:
            free = mention.is_numeric and mention.shape == "number" and mention.start not in self.used
            if free and re.match(rf"[\s-]{{0,2}}(?:{'|'.join(units)})", self.folded[mention.end :]):
                yield mention.start, mention.end, mention

    def _beside_name(self, sought: Field) -> Iterator[tuple[int, int, Any]]:
        synonyms = tuple(label for label in sought.labels if len(label) > 3)
        for name in dict.fromkeys((*sought.names, *synonyms, *sought.hints)):
            for found in re.finditer(rf"\b{re.escape(name)}\w{{0,2}}\b", self.folded):
                for mention in self.of_shape(sought.shapes):
                    gap = self.text[found.end() : mention.start] if mention.start >= found.end() else None
                    if gap is not None and len(gap) <= 12 and not re.search(r"[.;,\n?!]", gap):
                        yield mention.start, mention.end, mention
                for mention in self.of_shape(sought.shapes):
                    gap = self.text[mention.end : found.start()] if mention.end <= found.start() else None
                    if (
                        gap is not None
                        and len(gap) <= (12 if sought.kind != "string" else 2)
                        and "," not in gap
                    ):
                        yield mention.start, mention.end, mention

    def _by_shape(self, sought: Field) -> Iterator[tuple[int, int, Any]]:
        concept = sought.concept
        if concept is CONCEPTS["text"]:
            yield from ((m.start, m.end, m) for m in self.of_shape(("quoted",)))
            yield 0, 0, self.text.strip()
            return
        if concept is CONCEPTS["expression"]:
            yield 0, 0, sum_in(self.folded)
            return
        if concept is CONCEPTS["currency"]:
            yield 0, 0, currency_of(self.folded)
            return
        if concept is None and sought.kind == "string" and sought.format == "" and not sought.hints:
            yield from ((m.start, m.end, m) for m in self.of_shape(("quoted",)))
            return
        if concept is CONCEPTS["product"]:
            yield from self._counted_thing()
        candidates = list(self.of_shape(sought.shapes))
        if concept is CONCEPTS["city"]:
            candidates.sort(key=lambda m: (not self._follows_preposition(m), self._opens_sentence(m)))
        if concept in (CONCEPTS["person"], CONCEPTS["first name"], CONCEPTS["last name"]):
            candidates.sort(key=lambda m: (self._follows_preposition(m), self._opens_sentence(m)))
        yield from ((m.start, m.end, m) for m in candidates)

    def _follows_preposition(self, mention: Mention) -> bool:
        return bool(re.search(r"\b(?:in|at|to|from|a|ad|da|di|per|near)\s$", self.folded[: mention.start]))

    def _opens_sentence(self, mention: Mention) -> bool:
        """Whether its capital may be owed to its place."""
        return " " not in mention.text and not re.search(r"[^\s.!?:]\s*$", self.text[: mention.start])

    def _counted_thing(self) -> Iterator[tuple[int, int, Any]]:
        """The noun after a number or a verb of wanting: "2 pizze margherita", "buy a laptop"."""
        counted = rf"\b(?:\d+|{_COUNT})(?: ?x\b)?"
        wanted = rf"\b(?:{CONCEPTS['product'].before})(?: (?:\d+|{_COUNT})\b)?"
        pieces = r"(?:(?:pieces|units|copies|pezzi|unita|copie) (?:of|di) )?"
        pattern = rf"(?:{counted}|{wanted}) {_ARTICLE}{pieces}([^\W\d][\w' -]*)"
        for found in re.finditer(pattern, self.folded):
            words = self.text[found.start(1) : found.end(1)]
            cut = re.split(
                r" (?:at|for|a|per|da|to|from|on|with|con|and|e|in|di|costs?|costano?|each|al|il|by|please) ",
                words + " ",
            )[0].strip()
            if (
                cut
                and not re.match(r"(?:anni|years?|euro|dollars|kg|persone|people)\b", fold(cut))
                and found.start(1) not in self.used
            ):
                yield found.start(1), found.start(1) + len(cut), cut
        for found in re.finditer(
            r"(?:the |il |la |lo |l'|una? )([\w -]{2,40}?) (?:costs?|costa|is|e) ", self.folded
        ):
            yield found.start(1), found.end(1), self.text[found.start(1) : found.end(1)]


def convert(value: Any, sought: Field, folded: str) -> Any | None:
    """Make a mention, or a piece of text, into a value of the field's kind; None where it cannot be."""
    if isinstance(value, Mention):
        return _convert_mention(value, sought)
    if value is None or sought.kind != "string" or sought.format in _FORMATS:
        return None
    return str(value).strip().rstrip(".,;:") or None


def _convert_mention(mention: Mention, sought: Field) -> Any | None:
    if sought.kind != "string":
        number = mention.value
        if isinstance(number, str):
            digits = re.fullmatch(r"#?(\d+)", mention.text)
            if digits is None:
                return None
            number = int(digits.group(1))
        if sought.kind == "integer":
            return int(number) if float(number).is_integer() else None
        return number
    if sought.format in ("date", "date-time"):
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", str(mention.value)):
            return None
        if sought.format == "date":
            return mention.value
        return mention.text if "T" in mention.text and "Z" in mention.text else f"{mention.value}T00:00:00Z"
    if sought.format == "time":
        return f"{mention.value}:00Z"
    if mention.shape in ("quoted", "time"):
        return mention.value
    parts = mention.text.split()
    if sought.concept is CONCEPTS["first name"]:
        return parts[0]
    if sought.concept is CONCEPTS["last name"]:
        return " ".join(parts[1:]) or None
    return mention.text


def split_list(text: str) -> list[str]:
    """The items of a written list.

    >>> split_list("flour, 2 eggs and milk"), split_list("latte; uova e pane")
    (['flour', '2 eggs', 'milk'], ['latte', 'uova', 'pane'])
    """
    items = re.split(r"\s*[,;\n•]\s*(?:and |e |ed )?|\s+(?:and|e|ed|&|or|o)\s+", text)
    return [item.strip().strip("\"'.-*") for item in items if item.strip(" \"'.-*")]


def _stems(name: str) -> list[str]:
    """The beginnings of a name's content words, longest words first: enough letters to know the word."""
    words = [
        w
        for w in name.split()
        if len(w) > 3
        and w not in ("have", "with", "need", "needs", "this", "that", "whether", "does", "true")
    ]
    return [
        word if len(word) < 6 else word[: max(5, len(word) - 3)]
        for word in sorted(words, key=len, reverse=True)
    ]


def _says_is(folded: str, written: str) -> bool:
    return ":" in folded or "=" in folded or "→" in folded or folded.rstrip().endswith("is") or "è" in written


def _exact(sought: Field) -> bool:
    """Whether the value must be of the shape, so that a label's clause is not copied whole."""
    return sought.format in _FORMATS or sought.shapes[:1] in (("email",), ("url",), ("phone",), ("zip",))


def _fits(mention: Mention, shape: str) -> bool:
    if shape == "year":
        return mention.shape == "number" and bool(re.fullmatch(r"(?:1[5-9]|20)\d\d", mention.text))
    if shape == "zip":
        return bool(re.fullmatch(r"\d{5}", mention.text))
    if shape == "currency":
        return mention.shape == "money"
    return mention.shape == shape

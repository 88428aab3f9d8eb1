"""How is a whole schema filled from a text?

`fill(schema, text)` walks the schema and asks `Finder` for each leaf, and returns the document it would
write:

    {"properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}, "Mi chiamo Anna e ho 31 anni"
    → {"name": "Anna", "age": 31}

It is a plan and no promise: it does not check lengths, patterns or `oneOf`.  Whatever in it the grammar
refuses, the mask overrules when it is written, and the writer goes on from there.

Every value comes with whether it was *found* in the text or only made up to have something (an empty string,
0, the first enum member).  Found decides: an optional property that is not found is left out, an optional
type becomes null, and of several `anyOf` branches the first that finds something is taken.

Limits: references are followed 8 deep, arrays hold at most 16 items, a plan at most 500 values.  Cost: 1 to 5
ms per prompt, once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from constrain.engine.lookup.finding import STRONG, WEAK, Field, Finder, split_list
from constrain.engine.lookup.lexicon import CONCEPTS, ENUM_WORDS, NEGATIONS, concept_of, phrase
from constrain.engine.lookup.plain_values import plain_value
from constrain.engine.lookup.shapes import mentions
from constrain.json_schema.formats_python import standard_name

Schema = dict[str, Any]

MAX_DEPTH = 8
MAX_ITEMS = 16
MAX_VALUES = 500

_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("properties",), dict),
    **dict.fromkeys(("required", "enum", "anyOf", "oneOf", "allOf", "prefixItems"), list),
    **dict.fromkeys(("title", "description", "format"), str),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength"), int),
    **dict.fromkeys(("minimum", "maximum"), (int, float)),
    "type": (str, list),
}

_WORDS_OF_SCHEMAS = frozenset(
    {
        "the", "of", "a", "an", "in", "to", "for", "and", "or", "user", "user's", "la", "il", "lo", "di",
        "del", "della", "dell'", "un", "una", "e", "o", "per",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filled:
    """A planned value, and whether the text gave it."""

    value: Any
    found: bool


def fill(schema: Any, text: str) -> Any:
    """The document this model would write for `schema`, given `text`."""
    return Filler(schema, text).fill(schema if isinstance(schema, dict) else {}, ()).value


class Filler:
    """Fills schemas that share one root (for references) from one text."""

    def __init__(self, root: Any, text: str) -> None:
        self.root = root if isinstance(root, dict) else {}
        self.finder = Finder(text)
        self._budget = MAX_VALUES

    def fill(self, schema: Schema, names: tuple[str, ...], depth: int = 0) -> Filled:
        """Plan a value; `names` are the phrases it goes by, its key first."""
        schema = self.resolve(schema)
        self._budget -= 1
        if self._budget < 0:
            return Filled(plain_value(_kind(schema), schema), False)
        if depth > 0 and (title := phrase(schema.get("title", ""))) and title not in names:
            names = (*names, title)
        if "const" in schema:
            return Filled(schema["const"], True)
        if options := schema.get("enum"):
            return self._enum(options, names, schema)
        if branches := _branches(schema):
            return self._branch(branches, schema, names, depth)
        kind = _kind(schema)
        if depth > MAX_DEPTH:
            return Filled({} if kind == "object" else [] if kind == "array" else None, False)
        if kind == "object":
            return self._object(schema, names, depth)
        if kind == "array":
            return self._array(schema, names, depth)
        if names and not schema.keys() - {"title", "description"}:
            number = self._scalar("number", schema, names, (STRONG,))
            concept = concept_of(*names)
            if number.found and (concept is None or not concept.shapes or "number" in concept.shapes):
                return number
        return self._scalar(kind, schema, names, (STRONG, WEAK))

    def resolve(self, schema: Any, depth: int = 0) -> Schema:
        """Follow local references, join `allOf` loosely, and drop keywords whose values make no sense."""
        for _ in range(MAX_DEPTH):
            reference = schema.get("$ref") if isinstance(schema, dict) else None
            if not isinstance(reference, str):
                break
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**_pointed(self.root, reference), **rest}
        joined = _sane(schema)
        for part in joined.get("allOf", ())[:MAX_ITEMS] if depth < MAX_DEPTH else ():
            other = self.resolve(part, depth + 1)
            properties = {**other.get("properties", {}), **joined.get("properties", {})}
            required = [*joined.get("required", []), *other.get("required", [])]
            joined = {**other, **joined}
            if properties:
                joined |= {"properties": properties, "required": required}
        return joined

    def _object(self, schema: Schema, names: tuple[str, ...], depth: int) -> Filled:
        if not schema.get("properties") and isinstance(schema.get("additionalProperties"), dict):
            return self._map(schema["additionalProperties"])
        kept = self.members(schema, names, depth)
        properties = schema.get("properties", {})
        telling = [key for key in kept if _kind(self.resolve(properties.get(key, {}))) != "boolean"]
        found = any(kept[key].found for key in telling)
        return Filled({key: filled.value for key, filled in kept.items()}, found or not kept)

    def members(self, schema: Schema, names: tuple[str, ...] = (), depth: int = 0) -> dict[str, Filled]:
        """Plan the members of an object: those found, and those required."""
        schema = self.resolve(schema)
        properties: dict[str, Schema] = {
            key: self.resolve(part) for key, part in schema.get("properties", {}).items()
        }
        required = schema.get("required", [])
        plan: dict[str, Filled] = {}
        for strength in (STRONG, WEAK):
            for key, part in properties.items():
                if key in plan:
                    continue
                own = _names_of(key, part, names, properties)
                kind, leaf = _leaf(part, self.resolve)
                if kind in ("object", "array", "") or leaf.keys() & {"const", "enum"}:
                    plan[key] = self.fill(part, own, depth + 1)
                    continue
                filled = self._scalar(kind, leaf, own, (strength,))
                if filled.found or kind == "boolean":
                    plan[key] = filled
        for key in dict.fromkeys((*properties, *required)):
            if key not in plan and key in properties:
                kind, leaf = _leaf(properties[key], self.resolve)
                nothing = None if _nullable(properties[key]) else plain_value(kind, leaf)
                plan[key] = Filled(properties[key].get("default", nothing), False)
            elif key not in plan:
                plan[key] = self.fill({}, (phrase(key),), depth + 1)
        order = dict.fromkeys((*properties, *plan))
        return {key: plan[key] for key in order if plan[key].found or key in required}

    def _map(self, schema: Any) -> Filled:
        """An object of free keys: the pairs written as `key: value`."""
        kind, pairs = _kind(self.resolve(schema)), {}
        for match in re.finditer(
            r"([\w][\w ]{0,24}?)\s*[:=]\s*([^,;\n]+?)(?=[,;\n]|\.(?:\s|$)|$)", self.finder.text
        ):
            value = self._of_text(match.group(2), kind)
            if value is not None:
                pairs[match.group(1).strip()] = value
        return Filled(pairs, bool(pairs))

    def _of_text(self, text: str, kind: str) -> Any | None:
        if kind == "string" or not text:
            return text or None
        return Finder(text).find(Field((), kind), WEAK)

    def _array(self, schema: Schema, names: tuple[str, ...], depth: int) -> Filled:
        if prefix := schema.get("prefixItems"):
            parts = [self.fill(part, names, depth + 1) for part in prefix]
            return Filled([part.value for part in parts], any(part.found for part in parts))
        item = self.resolve(schema.get("items", {}))
        kind = _kind(item)
        values: list[Any]
        if kind == "object" or _branches(item):
            values = self._objects(item, names, depth)
        elif options := item.get("enum"):
            values = [option for option in options if self._mentioned(option) is not None]
        else:
            values = self._list(item, kind, names)
        least, most = schema.get("minItems", 0), schema.get("maxItems", MAX_ITEMS)
        while len(values) < min(least, MAX_ITEMS):
            values.append(self.fill(item, names, depth + 1).value)
        return Filled(values[: max(0, most)], bool(values))

    def _list(self, item: Schema, kind: str, names: tuple[str, ...]) -> list[Any]:
        labels = [form for name in names for form in (name, *_singular(name))]
        concept = concept_of(*labels)
        if concept is not None:
            labels += [w for w in concept.words.split("|") if len(w) > 3]
        listed = [self._of_text(text, kind) for text in self.finder.listed(labels)]
        if values := [value for value in listed if value is not None]:
            return values
        sought = Field(tuple(labels), kind, _format(item))
        shapes = sought.shapes if kind != "string" or concept or item.get("format") else ()
        mentioned = list(self.finder.of_shape(shapes))
        if mentioned and "thing" not in shapes:
            self.finder.used.update(m.start for m in mentioned)
            return [m.value if kind != "string" or m.shape == "quoted" else m.text for m in mentioned]
        if kind != "string":
            return []
        return (
            self._after_verb()
            or self.finder.listed(("list", "lista", "elenco", "spesa"))
            or ([] if names else self.finder.listed((r"\w+",), literal=False))
        )

    def _after_verb(self) -> list[str]:
        """A list that follows a verb of wanting: "compra latte, uova e pane"."""
        wanting = CONCEPTS["product"].before
        verbs = rf"\b(?:{wanting}|like|love|mi piac\w+|know|conosco|speak|parlo|are|sono|include)\b\s+"
        if found := re.search(rf"{verbs}(?:the |some |il |la |i |le |del |della )?", self.finder.folded):
            rest = self.finder.text[found.end() :]
            clause = re.split(r"[.;\n?!]| for | per | at | from | to | all[ao] | al ", rest)[0]
            return split_list(clause)
        return []

    def _objects(self, item: Schema, names: tuple[str, ...], depth: int) -> list[Any]:
        """One object per item of a written list: "2 pizze a 8 euro e 3 birre a 4 euro"."""
        sentences = [s for s in re.split(r"[;\n]\s*|\.\s+|\.$", self.finder.text) if s.strip()]
        parts = [
            p for s in sentences for p in split_list(s) if any(m.is_numeric for m in mentions(p))
        ] or sentences
        values = []
        for part in parts[:MAX_ITEMS]:
            inner = Filler(self.root, re.sub(r"^.*?:\s+(?=\d)", "", part))
            filled = inner.fill(item, names, depth + 1)
            if filled.found and isinstance(filled.value, dict):
                values.append(filled.value)
        return values

    def _branch(self, branches: list[Any], schema: Schema, names: tuple[str, ...], depth: int) -> Filled:
        rest = {k: v for k, v in schema.items() if k not in ("anyOf", "oneOf", "type")}
        tried: list[Filled] = []
        for branch in branches:
            part = self.resolve(branch)
            if _kind(part) == "null":
                continue
            used = set(self.finder.used)
            filled = self.fill({**rest, **part}, names, depth + 1)
            told_apart = not _discriminated(part) or self._named(part)
            if filled.found and (told_apart or (branch is branches[-1] and not tried)):
                return filled
            tried.append(filled)
            self.finder.used = used
        if any(_kind(self.resolve(branch)) == "null" for branch in branches):
            return Filled(None, False)
        return next((filled for filled in tried if filled.found), tried[0] if tried else Filled(None, False))

    def _named(self, part: Schema) -> bool:
        """Whether the text mentions the constant that tells this branch from the others."""
        constants = [
            p["const"] for p in part.get("properties", {}).values() if isinstance(p, dict) and "const" in p
        ]
        return any(self._mentioned(constant) is not None for constant in constants)

    def _enum(self, options: list[Any], names: tuple[str, ...], schema: Schema) -> Filled:
        known = [
            (at, -len(str(option)), index)
            for index, option in enumerate(options)
            if (at := self._mentioned(option)) is not None
        ]
        if known:
            for label in names:
                if found := re.search(rf"\b{re.escape(label)}\b", self.finder.folded):
                    after = [entry for entry in known if entry[0] >= found.end()]
                    known = after or known
                    break
            return Filled(options[min(known)[2]], True)
        if schema.get("default") in options:
            return Filled(schema["default"], False)
        neutral = [
            o
            for o in options
            if o is None
            or str(o).lower() in ("other", "unknown", "neutral", "altro", "none", "normal", "medium")
        ]
        return Filled(neutral[0] if neutral else options[0], False)

    def _mentioned(self, option: Any) -> int | None:
        """Where the text mentions an enum member or a synonym of it; a direct mention counts as earlier."""
        if isinstance(option, bool) or option is None:
            return None
        word, folded = phrase(str(option)), self.finder.folded
        stem = word if len(word) < 5 else word[:-1]
        for rank, pattern in enumerate(
            (rf"\b{re.escape(word)}\b", rf"\b{re.escape(stem)}\w{{0,3}}\b", _synonyms(word))
        ):
            for found in re.finditer(pattern, folded) if pattern else ():
                before = re.split(r"[.;,!?]", folded[: found.start()])[-1]
                if not re.search(rf"{NEGATIONS}\s*(?:\w+\s+)?$", before):
                    return found.start() + (0 if rank < 2 else len(folded))
        return None

    def _scalar(
        self, kind: str, schema: Schema, names: tuple[str, ...], strengths: tuple[str, ...]
    ) -> Filled:
        if kind == "null":
            return Filled(None, True)
        hints = _content(schema.get("description", ""))
        if kind == "boolean":
            answer = self.finder.truth((*names, *hints))
            return Filled(
                answer if answer is not None else bool(schema.get("default", False)), answer is not None
            )
        sought = Field(names, kind or "string", _format(schema), hints, _acceptor(schema))
        if concept_of(*names) is None and hints and (concept := concept_of(*hints)):
            sought = Field(
                (*names, concept.words.split("|")[0]), sought.kind, sought.format, hints, sought.accepts
            )
        for strength in strengths:
            value = self.finder.find(sought, strength)
            if value is not None:
                return Filled(value, True)
        return Filled(schema.get("default", plain_value(kind, schema)), False)


def _kind(schema: Schema) -> str:
    """The type a schema asks for first, guessed from its keywords where it does not say."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    if schema.keys() & {"minimum", "maximum", "multipleOf"}:
        return "number"
    return "string"


def _leaf(part: Schema, resolve: Callable[[Any], Schema]) -> tuple[str, Schema]:
    """A property's kind, seen through "this or null"."""
    branches = [resolve(b) for b in _branches(part)]
    others = [b for b in branches if _kind(b) != "null"]
    if len(others) == 1:
        rest = {k: v for k, v in part.items() if k not in ("anyOf", "oneOf")}
        return _kind(others[0]), {**rest, **others[0]}
    return ("", part) if branches else (_kind(part), part)


def _nullable(part: Schema) -> bool:
    kind = part.get("type")
    return (isinstance(kind, list) and "null" in kind) or any(
        isinstance(b, dict) and b.get("type") == "null" for b in _branches(part)
    )


def _branches(schema: Schema) -> list[Any]:
    found: list[Any] = schema.get("anyOf") or schema.get("oneOf") or []
    return found


def _discriminated(part: Schema) -> bool:
    return any(isinstance(p, dict) and "const" in p for p in part.get("properties", {}).values())


def _format(schema: Schema) -> str:
    """The format that says what to look for, by its standard name."""
    return standard_name(schema.get("format", ""))


def _acceptor(schema: Schema) -> Callable[[Any], bool]:
    """A test of bounds and lengths, so that a number out of range is passed over for the next."""
    low, high = schema.get("minimum"), schema.get("maximum")
    longest, shortest = schema.get("maxLength"), schema.get("minLength")

    def accepts(value: Any) -> bool:
        size, least, most = (len(value), shortest, longest) if isinstance(value, str) else (value, low, high)
        return (least is None or size >= least) and (most is None or size <= most)

    return accepts


def _names_of(
    key: str, part: Schema, parents: tuple[str, ...], siblings: Mapping[str, Any]
) -> tuple[str, ...]:
    """What a property goes by.

    A `name` inside `customer` is a "customer name", and may go by "customer"; a `name` beside a `surname` is
    a first name.
    """
    own = [phrase(key)]
    if own[0] in ("name", "nome") and any(concept_of(phrase(k)) is CONCEPTS["last name"] for k in siblings):
        return ("first name", *own)
    if own[0] in ("name", "nome", "title", "titolo", "description", "descrizione") and parents:
        parent = (*_singular(parents[0]), parents[0])[0]
        own = [f"{parent} {own[0]}", parent, own[0]]
    title = phrase(part.get("title", ""))
    return tuple(dict.fromkeys((*own, title) if title else own))


def _content(description: str) -> tuple[str, ...]:
    """The content words of a description: what else a field may be called."""
    words = [w for w in phrase(description).split() if len(w) > 2 and w not in _WORDS_OF_SCHEMAS]
    return tuple(dict.fromkeys(words[:8]))


def _singular(name: str) -> tuple[str, ...]:
    """Rough singulars: "ingredients" → "ingredient"; Italian plurals end in a vowel that labels keep."""
    return (name[:-1],) if name.endswith("s") and len(name) > 3 else ()


def _synonyms(word: str) -> str:
    stems = ENUM_WORDS.get(word)
    return rf"(?<!\w)(?:{stems})" if stems else ""


def _pointed(root: Any, reference: str) -> Schema:
    """What a local JSON pointer leads to; an empty schema where it leads nowhere."""
    if not reference.startswith("#"):
        return {}
    here = root
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        here = here.get(name) if isinstance(here, dict) else None
    return here if isinstance(here, dict) else {}


def _sane(schema: Any) -> Schema:
    """The keywords of a schema whose values are of the type that the keyword wants."""
    if not isinstance(schema, dict):
        return {}
    kept = {k: v for k, v in schema.items() if k not in _TYPES or isinstance(v, _TYPES[k])}
    if "required" in kept:
        kept["required"] = [key for key in kept["required"] if isinstance(key, str)]
    return kept

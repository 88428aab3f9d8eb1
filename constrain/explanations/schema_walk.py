"""Which keywords of a schema speak of the value at one place in an instance?

    schema    {"properties": {"age": {"$ref": "#/$defs/age"}}, "$defs": {"age": {"type": "integer"}}}
    at /age   #/$defs/age/type

The schemas that apply to a value are found from those of the value around it: by `properties`, `items` and
their kin one step down, and by `$ref`, `allOf`, `anyOf` and their kin beside.  Each comes with its *route*:
the branches of `anyOf` and `oneOf` that were taken on the way, for a keyword in a branch counts only where
the text can still take that branch.

A keyword that could be responsible is a `Candidate`, with the edit that takes it away.  Assertions come
first.  Those that lead to other schemas (`oneOf`, `items`, ...) are suspected only when no assertion inside
is found guilty (`is_weighing`).  More candidates than can be guilty do no harm: each is tried.

`if` and `not` are never looked into: what is asserted inside them is not asserted of the value.

Cost: linear in the schemas that apply; one for each node and route.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from constrain.budget import spend
from constrain.explanations.instance_place import Path
from constrain.json_schema.keywords import KEYWORDS_OF, OF_NUMBERS, OF_STRINGS, SILENT, VALIDATION
from constrain.json_schema.references import Node

KeyPath = tuple[str | int, ...]
Branch = tuple[Node, str, int]
"""A node, `anyOf` or `oneOf`, and which of the schemas in it."""

Placed = tuple[Node, tuple[Branch, ...]]
"""A schema that applies to a value, and the branches taken on the way to it."""

ANYTHING: Final[dict[str, Any]] = {}
"""Takes the place of a schema that is lifted; draft 4 has no `true`."""
NOTHING: Final[dict[str, Any]] = {"not": {}}

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_OF_KEYS = frozenset({
    "required", "minProperties", "maxProperties", "dependentRequired", "dependencies", "dependentSchemas",
    "additionalProperties", "unevaluatedProperties", "propertyNames", "patternProperties", "properties",
    "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "items", "prefixItems",
    "additionalItems", "unevaluatedItems",
})  # fmt: skip
"""They say nothing about a string or a number."""
_IDLE = {
    "container": OF_STRINGS | OF_NUMBERS,
    "string": OF_NUMBERS | _OF_KEYS,
    "number": OF_STRINGS | _OF_KEYS,
    "other": OF_STRINGS | OF_NUMBERS | _OF_KEYS,
}
"""What says nothing about a value of a kind."""
OF_WHOLE = frozenset({
    "enum", "const", "not", "uniqueItems", "contains", "minContains", "maxContains",
})  # fmt: skip
"""They weigh a whole value, and may refuse a byte anywhere inside it."""
_WEIGHING = (
    "oneOf", "anyOf", "if", "dependentSchemas", "dependencies", "propertyNames", "patternProperties",
    "unevaluatedProperties", "unevaluatedItems", "additionalProperties",
    "additionalItems", "items",
)  # fmt: skip
_STRICT = frozenset(VALIDATION | {"format", "not", "contains"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A keyword that may be responsible: `at` leads to it from its schema, which is taken at `route`."""

    node: Node
    at: KeyPath
    level: int
    route: tuple[Branch, ...]
    is_weighing: bool = False

    @property
    def keyword(self) -> str:
        """The keyword's name."""
        return str(self.at[0])

    @property
    def pointer(self) -> str:
        """Where it stands."""
        return self.node.at(*self.at)

    @property
    def value(self) -> Any:
        """What it says."""
        found = self.node.contents
        for part in self.at:
            found = found[part]
        return found


Edits = dict[int, dict[KeyPath, dict[str, Any] | None]]
"""For a schema object, by its identity: what takes the place of some of its parts; None deletes them."""


def lifting(candidates: Iterable[Candidate]) -> Edits:
    """The edits that take keywords away; a schema in a list or a map of schemas allows everything then."""
    edits: Edits = {}
    for candidate in candidates:
        inner = edits.setdefault(id(candidate.node.contents), {})
        inner[candidate.at] = None if len(candidate.at) == 1 else ANYTHING
        modifier = {"maximum": "exclusiveMaximum", "minimum": "exclusiveMinimum"}.get(candidate.keyword, "")
        if isinstance(candidate.node.contents.get(modifier), bool):
            inner[modifier,] = None  # draft 4: it says nothing alone
    return edits


def taking(route: Iterable[Branch]) -> Edits:
    """The edits that leave the branches of a route, and none beside them."""
    edits: Edits = {}
    for node, keyword, index in route:
        inner = edits.setdefault(id(node.contents), {})
        inner.update(
            {(keyword, other): NOTHING for other in range(len(node.contents[keyword])) if other != index}
        )
    return edits


def edited(document: Any, edits: Edits) -> Any:
    """A copy of a document with some schemas in it altered."""
    spend()
    if isinstance(document, list):
        return [edited(item, edits) for item in document]
    if not isinstance(document, dict):
        return document
    changed = {key: edited(value, edits) for key, value in document.items()}
    for path, instead in edits.get(id(document), {}).items():
        inner: Any = changed
        for part in path[:-1]:
            inner = inner[part]
        if instead is None:
            inner.pop(path[-1], None)
        else:
            inner[path[-1]] = instead
    return changed


def placed(root: Node, path: Path) -> list[list[Placed]]:
    """The schemas that apply to the whole value, to the value at the first step of a path, and so on."""
    levels = [_beside([(root, ())])]
    for step in path:
        levels.append(_beside([inner for outer in levels[-1] for inner in _down(outer, step)]))
    return levels


def candidates(schemas: Iterable[Placed], level: int, kind: str) -> Iterator[Candidate]:
    """The keywords of schemas that apply to a value of this kind (`Place.kind`)."""
    for node, route in schemas:
        contents = node.contents
        if not isinstance(contents, dict) or _is_hidden(node):
            continue
        known = KEYWORDS_OF[node.dialect.draft]
        for name, value in contents.items():
            if name not in known or name in SILENT or name in _REFERENCES:
                continue
            if name in _IDLE.get(kind, ()):
                continue
            if name in _STRICT or value is False or _is_names(name, value):
                yield Candidate(node, (name,), level, route)
            elif name == "propertyNames":
                for inner, way in _beside([(node.child(name), route)]):
                    yield from candidates([(inner, way)], level, "string")
                yield Candidate(node, (name,), level, route, is_weighing=True)
            elif name in _WEIGHING:
                yield Candidate(node, (name,), level, route, is_weighing=True)
            if name in {"properties", "patternProperties", "prefixItems", "items"}:
                for key in _refused_inside(value):
                    yield Candidate(node, (name, key), level, route)


def _refused_inside(schemas: Any) -> list[str | int]:
    """The keys, or the indices, of those schemas that say false."""
    if isinstance(schemas, dict):
        return [key for key, inner in schemas.items() if inner is False]
    return (
        [index for index, inner in enumerate(schemas) if inner is False] if isinstance(schemas, list) else []
    )


def _is_names(name: str, value: Any) -> bool:
    """Does a keyword of draft 7 and before name keys that are required?"""
    return name == "dependencies" and any(isinstance(inner, list) for inner in value.values())


def _is_hidden(node: Node) -> bool:
    return "$ref" in node.contents and not node.dialect.siblings_count


def _beside(schemas: Iterable[Placed]) -> list[Placed]:
    """Schemas, and all that apply to the same value because of them."""
    found: dict[int, Placed] = {}
    pending = list(schemas)
    while pending:
        node, route = pending.pop(0)
        spend()
        if id(node) in found:
            continue
        found[id(node)] = node, route
        contents = node.contents
        if not isinstance(contents, dict):
            continue
        for keyword in _REFERENCES:
            if keyword in contents and keyword in KEYWORDS_OF[node.dialect.draft]:
                pending.append((node.refer(keyword, contents[keyword]), route))
        if _is_hidden(node):
            continue
        for keyword in ("allOf", "anyOf", "oneOf"):
            for index in range(len(contents.get(keyword, ()))):
                way = route if keyword == "allOf" else (*route, (node, keyword, index))
                pending.append((node.child(keyword, index), way))
        if "if" in contents:
            pending += [(node.child(keyword), route) for keyword in ("then", "else") if keyword in contents]
        for keyword in ("dependentSchemas", "dependencies"):
            for name, inner in contents.get(keyword, {}).items():
                if isinstance(inner, (dict, bool)):
                    pending.append((node.child(keyword, name), route))
    return list(found.values())


def _down(schema: Placed, step: str | int) -> Iterator[Placed]:
    """The schemas of a value inside: that of a key, or of the item with a number."""
    node, route = schema
    contents = node.contents
    if not isinstance(contents, dict) or _is_hidden(node):
        return
    ways = list(_of_key(contents, step) if isinstance(step, str) else _of_item(contents, step))
    for path in ways:
        yield node.child(*path), route


def _of_key(contents: dict[str, Any], key: str) -> Iterator[KeyPath]:
    named = False
    if key in contents.get("properties", {}):
        named = True
        yield "properties", key
    for pattern in contents.get("patternProperties", {}):
        if _may_match(pattern, key):
            named = True
            yield "patternProperties", pattern
    if not named and "additionalProperties" in contents:
        yield ("additionalProperties",)
    if "unevaluatedProperties" in contents:
        yield ("unevaluatedProperties",)


def _of_item(contents: dict[str, Any], index: int) -> Iterator[KeyPath]:
    listed = contents.get("prefixItems", contents.get("items"))
    if isinstance(listed, list) and index < len(listed):
        yield "prefixItems" if "prefixItems" in contents else "items", index
    else:
        for keyword in ("items", "additionalItems"):
            if isinstance(contents.get(keyword), (dict, bool)):
                yield (keyword,)
    if "unevaluatedItems" in contents:
        yield ("unevaluatedItems",)


def _may_match(pattern: str, key: str) -> bool:
    """Python's `re` is near enough to choose suspects, and what it cannot read is one."""
    try:
        return re.search(pattern, key) is not None
    except (re.error, OverflowError):
        return True

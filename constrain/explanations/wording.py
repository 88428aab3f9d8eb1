"""What a keyword expects, in a few words: a row for each.

{"maximum": 120}         at most 120
{"required": ["name"]}   the key "name"
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from constrain.explanations.schema_walk import Candidate

MANY: Final = 8
"""So many values of an enumeration, or keys, are listed."""


def expectation(candidate: Candidate, written_keys: Sequence[str]) -> str:
    """What a keyword expects where it refuses; `written_keys` are those its object has so far."""
    value = candidate.value
    if len(candidate.at) > 1:
        return f"nothing here: `{candidate.keyword}` says false"
    if candidate.keyword == "required":
        missing = [key for key in value if key not in written_keys]
        return f"the key{'s' * (len(missing) > 1)} {_listed(missing, 'and')}" if missing else "required keys"
    if value is False:
        return _closed(candidate)
    say = _SAID.get(candidate.keyword)
    return say(value) if say is not None else f"what `{candidate.keyword}` allows"


def joined(words: Sequence[str], word: str) -> str:
    """Words as a list in English.

    >>> joined(["a", "b", "c"], "or")
    'a, b or c'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {word} {words[-1]}"


def _closed(candidate: Candidate) -> str:
    contents = candidate.node.contents
    if candidate.keyword in {"additionalProperties", "unevaluatedProperties"}:
        named = list(contents.get("properties", {}))
        patterns = [f"one that matches `{pattern}`" for pattern in contents.get("patternProperties", {})]
        keys = [_listed(named, "or")] if named else []
        known = joined([*keys, *patterns], "or") if keys or patterns else ""
        return f"no other key than {known}" if known else "no other key"
    listed = contents.get("prefixItems", contents.get("items"))
    return f"at most {len(listed)} items" if isinstance(listed, list) else "no more items"


def _listed(values: Sequence[Any], word: str) -> str:
    shown = [_json(value) for value in values[:MANY]]
    more = len(values) - MANY
    return joined([*shown, f"{more} more"] if more > 0 else shown, word)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _type(value: Any) -> str:
    return joined([_ARTICLE.get(name, name) for name in ([value] if isinstance(value, str) else value)], "or")


def _count(bound: str, one: str, many: str) -> Callable[[Any], str]:
    return lambda value: f"{bound} {_json(value)} {one if value == 1 else many}"


_ARTICLE = {
    "string": "a string", "number": "a number", "integer": "an integer", "boolean": "true or false",
    "null": "null", "object": "an object", "array": "an array", "any": "any value",
}  # fmt: skip

_SAID: dict[str, Callable[[Any], str]] = {
    "type": _type,
    "enum": lambda value: f"one of {_listed(value, 'or')}" if len(value) != 1 else _json(value[0]),
    "const": _json,
    "minimum": lambda value: f"at least {_json(value)}",
    "maximum": lambda value: f"at most {_json(value)}",
    "exclusiveMinimum": lambda value: "a greater number" if value is True else f"more than {_json(value)}",
    "exclusiveMaximum": lambda value: "a smaller number" if value is True else f"less than {_json(value)}",
    "multipleOf": lambda value: f"a multiple of {_json(value)}",
    "minLength": _count("at least", "character", "characters"),
    "maxLength": _count("at most", "character", "characters"),
    "pattern": lambda value: f"a text that matches `{value}`",
    "format": lambda value: f"a text of the format `{value}`",
    "minItems": _count("at least", "item", "items"),
    "maxItems": _count("at most", "item", "items"),
    "uniqueItems": lambda _: "an item that differs from all before it",
    "contains": lambda _: "an item that satisfies `contains`",
    "minContains": _count("at least", "item for `contains`", "items for `contains`"),
    "maxContains": _count("at most", "item for `contains`", "items for `contains`"),
    "minProperties": _count("at least", "property", "properties"),
    "maxProperties": _count("at most", "property", "properties"),
    "dependentRequired": lambda _: "the keys that another key asks for",
    "dependencies": lambda _: "the keys that another key asks for",
    "not": lambda _: "a value that `not` does not exclude",
    "oneOf": lambda _: "a value that exactly one of the schemas of `oneOf` allows",
    "anyOf": lambda _: "a value that one of the schemas of `anyOf` allows",
    "if": lambda _: "what `then` or `else` asks for",
    "propertyNames": lambda _: "a key that `propertyNames` allows",
}

OPTIONS: dict[str, str] = {
    "property_order": "keys in the order of the schema",
    "spelling": "the canonical spelling",
    "whitespace": "the whitespace that the options allow",
    "additional_properties": "no other key than the schema names",
    "verbatim": "a text that occurs in the document",
}
"""What each option expects."""

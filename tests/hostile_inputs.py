"""Random inputs made to hurt: patterns, schemas, grammars, and a vocabulary of odd tokens.

Each is a function of a `random.Random`, so that a property test draws it (`st.randoms().map(pattern)`, which
shrinks as well) and a long run makes a hundred thousand from a seed (`benchmarks/hostile.py`).

They lean towards what engines have been caught at: control bytes, NUL first of all; lengths and counts beside
patterns; closed objects that need so many keys; repeats that no short text ends; many loops over nearly the
same bytes; tokens of more bytes than a walk looks at one by one, and tokens that cross several terminals.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from constrain import grammars
from tests.oracle import toy_vocabulary

Rng = random.Random

# Tokens

_CROSSING = [
    '":', '": ', '","', '", "', '"}', '"]', '{"', '["', '[{"', '"},', "},{", "]]", "}}", '{"a":', '"ab', 'b"',
    'a","a', "null", "true", "12", "-1", "00", "1,", "1]", ",2", ".5", "é", "aé", "\\n", '\\"', "\\u00", "  ",
    ": ", ", ", "[]", "{}", '""', '"":', "ba", "aa", '"a":', ',"b":', '{"a":1,"b', 'e","', '":"","', "日本",
    '"b":{"a', "a1", "a1b2", "ab1", "x y", "\n\n", "\n  ", "\r\n",
]  # fmt: skip
_ODD = [
    b"\0", b"\0\0", b"\0a", b"\0\0\0\0", b"a\0", b"\x01\0", b"\0\x1f", b'\0"', b"\x1b[", b"\x7f\x7f",
    b"\0" * 30,
    b"\xc3", b"a\xc3", b'\xa9"', b"\xe6\x97", b"\xa5", b"\xf0\x9f", b"\xff\xfe", b"\xed\xa0", b"\\\\",
    b'\\u000',
]  # fmt: skip
_RUNS = ["a", " ", "*", "ab", "a1", "-", "0", "─", "日", "\n", "aA", "\\n"]
_SIZES = (3, 9, 25, 26, 40, 64, 128)

VOCABULARY = toy_vocabulary(
    [text.encode() for text in _CROSSING]
    + _ODD
    + [(run * size).encode()[:128] for run in _RUNS for size in _SIZES]
    + [b"a" * 26 + b'"', b"*" * 30 + b"!", b" " * 27 + b"a", b"ab" * 14 + b'",', b"-" * 33 + b"\n"]
)

# Patterns

_ATOMS = [
    "a", "b", "1", " ", "-", "!", r"\*", '"', "é", "日", "─", "_", ".", "[a-z]", "[ -~]", "[!-z]", "[^a]",
    "[0-9]",
    "[ab]", "[a-c1]", "[A-Fa-f]", r"\d", r"\w", r"\s", r"\W", r"\D", r"\S", r"\x00", r"\0", r"[\x00-\x1f]",
    r"[^\x00]", r"[\x00\x7f]", r"[\0a]", r"\x01", r"\n", r"\t", r"\x7f", r"\\", r"\u00e9", r"[^\d]",
    r"[\s\S]", "𐍈",
]  # fmt: skip
_WORDS = ["rocket", "ab", "a1", "aab", "null", "foo", "  "]
_COUNTS = ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}"]
_LARGE_COUNTS = ["{3,9}", "{0,28}", "{24,40}", "{65,}", "{500}", "{0,1000}"]
_SHAPES = [
    "([a-z][0-9])+", "(ab|dd)*", "(ab|dd){0,28}", "[a-c]{0,30}", "[a-z]*\\t", "(\\w+ ){0,40}\\w+",
    "[ -~]*\\n",
    "[A-Z][a-z]{2,40}", "(a|bab){40,}", "a.{9}b", "(\\.[a-z]{1,63})*", ".*a.*b", "\\0|\\d", "[!-z]*[#-~]\\t",
]  # fmt: skip


def pattern(rng: Rng, depth: int | None = None) -> str:
    """A regular expression that `re` and ECMA-262 read nearly alike; `depth` is that of its groups."""
    text = _alternatives(rng, rng.choice([1, 2, 3]) if depth is None else depth)
    anchors = rng.choice(["{}", "{}", "^{}", "{}$", "^{}$", "^({})$"])
    return anchors.replace("{}", text, 1)


def _alternatives(rng: Rng, depth: int) -> str:
    return "|".join(_sequence(rng, depth) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def _sequence(rng: Rng, depth: int) -> str:
    return "".join(_repeated(rng, depth) for _ in range(rng.choice([1, 1, 2, 3])))


def _repeated(rng: Rng, depth: int) -> str:
    kind = rng.randrange(16)
    if kind == 0:
        return rng.choice(_SHAPES)
    if kind == 1:
        return rng.choice(_WORDS)
    if kind == 2:  # a class from one byte to another
        low = rng.randrange(33, 91)
        return f"[\\x{low:02x}-\\x{rng.randrange(low, 127):02x}]{rng.choice(['', '*', '+'])}"
    if kind == 3:
        return rng.choice(["[ -~]?", "a?", "[^a]?", "é?"]) * rng.choice([2, 3, 3, 5, 9, 9, 40])
    if kind == 4 and depth:
        return f"(?{rng.choice(['=', '!', '=', '!', '<=', '<!'])}{_alternatives(rng, depth - 1)})"
    if kind == 5:
        return rng.choice([r"\b", r"\B", "^", "$"])
    is_group = bool(depth) and kind < 9
    atom = f"(?:{_alternatives(rng, depth - 1)})" if is_group else rng.choice(_ATOMS)
    large = _LARGE_COUNTS if not is_group or rng.randrange(8) == 0 else []
    return atom + (rng.choice(_COUNTS + large) if rng.randrange(3) == 0 else "")


def changed_text(rng: Rng, text: str, changes: int) -> str:
    """A text with characters dropped, doubled, exchanged, or put in."""
    for _ in range(changes):
        at = rng.randrange(len(text) + 1)
        to = min(len(text), at + rng.choice([1, 1, 2, 5]))
        some = rng.choice(
            ["", text[at:to] * 2, rng.choice('()[]{}|*+?\\^$.,-"/:\n\0é09a'), text[at:to][::-1]]
        )
        text = text[:at] + some + text[to:]
    return text


# Schemas

KEYS = ["a", "b", "ab", "é", 'q"', "", "x", "name", "y\n", "\0", "c1", "a" * 30]
_TEXTS = ["", "a", "ab", "b1", "é", '"', "\n", "b\\", "\0", "\x1f\x7f", "日本", "a" * 30, "\u2028"]
_NUMBERS = [0, 1, 2, 3, -1, 6, 10, -20, 300, 1.5, 2.0, 0.25, -0.5, 1e10, 123456]
_LENGTHS = [0, 1, 2, 3, 9, 24, 30, 64, 65, 66, 100, 1_000]
_TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]


def options(rng: Rng) -> dict[str, Any]:
    """What a caller may choose."""
    return {
        "property_order": rng.choice(["schema", "any"]),
        "spelling": rng.choice(["canonical", "canonical", "any"]),
        "whitespace": rng.choice(["default", "compact", "any", 0, 1, 7]),
    }


def value(rng: Rng, depth: int = 2) -> Any:
    """JSON data."""
    kind = rng.randrange(6 if depth else 4)
    if kind == 4:
        return [value(rng, depth - 1) for _ in range(rng.randrange(3))]
    if kind == 5:
        return {rng.choice(KEYS): value(rng, depth - 1) for _ in range(rng.randrange(3))}
    return (None, rng.choice([True, False]), rng.choice(_NUMBERS), rng.choice(_TEXTS))[kind]


def schema(rng: Rng, depth: int = 3) -> Any:
    """A JSON Schema of draft 2020-12, of any of its keywords."""
    makers = [_string, _number, _named] if depth <= 0 else [*_MAKERS, _string]
    return rng.choice(makers)(rng, depth)


def _bounds(rng: Rng, low: str, high: str, sizes: list[int]) -> dict[str, Any]:
    one, other = sorted((rng.choice(sizes), rng.choice(sizes)))
    return rng.choice([{}, {low: one}, {high: other}, {low: one, high: other}])


def _string(rng: Rng, depth: int) -> Any:
    found: dict[str, Any] = {"type": "string"}
    if rng.randrange(3):
        found["pattern"] = rng.choice([f"^{rng.choice(_SHAPES)}$", pattern(rng), pattern(rng)])
    found |= _bounds(rng, "minLength", "maxLength", _LENGTHS)
    if rng.randrange(8) == 0:
        found["format"] = rng.choice(
            ["date", "date-time", "email", "hostname", "ipv4", "uri", "uuid", "time"]
        )
    return found


def _number(rng: Rng, depth: int) -> Any:
    found: dict[str, Any] = {"type": rng.choice(["integer", "number"])}
    found |= rng.choice([{}, {"multipleOf": rng.choice([1, 2, 3, 0.5, 0.01, 7])}])
    low, high = sorted((rng.choice(_NUMBERS), rng.choice(_NUMBERS)))
    found |= rng.choice([{}, {"minimum": low}, {"exclusiveMaximum": high}, {"minimum": low, "maximum": high}])
    return found


def _named(rng: Rng, depth: int) -> Any:
    kind = rng.randrange(4)
    if kind == 0:
        return {"const": value(rng)}
    if kind == 1:
        return {"enum": [value(rng) for _ in range(rng.choice([1, 2, 3, 7]))]}
    if kind == 2:
        return {"type": rng.choice([rng.choice(_TYPES), [rng.choice(_TYPES), "null"]])}
    return rng.choice([True, {}, {}, {"type": "string"}])


def _object(rng: Rng, depth: int) -> Any:
    names = rng.sample(KEYS, rng.randrange(5))
    found: dict[str, Any] = {"type": "object", "properties": {name: schema(rng, depth - 2) for name in names}}
    if names and rng.randrange(2):
        found["required"] = rng.sample(names, rng.randrange(1 + len(names)))
    found |= _bounds(rng, "minProperties", "maxProperties", [0, 1, 1, 2, 2, 3, 4])
    found |= rng.choice([{"additionalProperties": False}, {"additionalProperties": False}, {}, {"x": 1}])
    more: list[Callable[[], dict[str, Any]]] = [
        lambda: {"additionalProperties": schema(rng, depth - 2)},
        lambda: {"patternProperties": {pattern(rng): schema(rng, depth - 2)}},
        lambda: {"propertyNames": schema(rng, depth - 2)},
        lambda: {"dependentRequired": {rng.choice(KEYS): rng.sample(KEYS, 2)}},
        lambda: {"dependentSchemas": {rng.choice(KEYS): schema(rng, depth - 2)}},
        lambda: {"unevaluatedProperties": rng.choice([False, {"type": "null"}])},
    ]
    for _ in range(rng.choice([0, 0, 1, 2])):
        found |= rng.choice(more)()
    return found


def _array(rng: Rng, depth: int) -> Any:
    found: dict[str, Any] = {"type": "array", **_bounds(rng, "minItems", "maxItems", [0, 1, 2, 3, 5])}
    more: list[Callable[[], dict[str, Any]]] = [
        lambda: {"items": schema(rng, depth - 1)},
        lambda: {"prefixItems": [schema(rng, depth - 2) for _ in range(rng.choice([1, 2]))]},
        lambda: {"uniqueItems": True},
        lambda: {"contains": schema(rng, depth - 2), **_bounds(rng, "minContains", "maxContains", [0, 1, 2])},
        lambda: {"unevaluatedItems": rng.choice([False, {"type": "null"}])},
    ]
    for _ in range(rng.choice([1, 1, 2, 3])):
        found |= rng.choice(more)()
    return found


def _combined(rng: Rng, depth: int) -> Any:
    def several() -> list[Any]:
        return [schema(rng, depth - 1) for _ in range(rng.choice([1, 2, 2, 3]))]

    kind = rng.randrange(5)
    if kind == 0:
        return {"if": schema(rng, depth - 1), "then": schema(rng, depth - 1), "else": schema(rng, depth - 1)}
    if kind == 1:
        return {"not": schema(rng, depth - 1)}
    found = {rng.choice(["anyOf", "anyOf", "oneOf", "allOf"]): several()}
    return found | schema_object(rng, depth - 1) if kind == 2 else found


def schema_object(rng: Rng, depth: int) -> dict[str, Any]:
    """A schema that is no boolean."""
    found = schema(rng, depth)
    return found if isinstance(found, dict) else {}


_MAKERS: list[Callable[[Rng, int], Any]] = [_string, _number, _named, _object, _object, _array, _combined]


def closed_object(rng: Rng) -> Any:
    """An object of declared keys alone, with a count of them."""
    names = rng.sample(KEYS, rng.randrange(1, 6))
    found: dict[str, Any] = {
        "type": "object",
        "properties": {name: rng.choice([_string, _number, _named])(rng, 0) for name in names},
        "additionalProperties": False,
        "minProperties": rng.randrange(len(names) + 1),
    }
    if rng.randrange(3) == 0:
        found["maxProperties"] = rng.randrange(found["minProperties"], len(names) + 1)
    if rng.randrange(2):
        found["required"] = rng.sample(names, rng.randrange(1 + len(names) // 2))
    return found


_ROUNDS = ["([a-z][0-9])", "([ab]1)", "(ab|dd)", "[a-c]", "(a|bab)", "[ab]", "([a-z]1|é)"]


def counted_pattern(rng: Rng) -> Any:
    """A string with patterns and lengths, of which none knows of the others."""
    low, high = sorted((rng.choice(_LENGTHS), rng.choice(_LENGTHS)))
    shape = rng.choice([rng.choice(_SHAPES), rng.choice(_ROUNDS) + "+", "([a-z][0-9])+"])
    found: dict[str, Any] = {"type": "string", "pattern": f"^{shape}$"}
    found |= rng.choice([{"minLength": high}, {"maxLength": high}, {"minLength": low, "maxLength": high}])
    if rng.randrange(3) == 0:
        found["allOf"] = [{"pattern": rng.choice([f"^{rng.choice(_SHAPES)}$", "^[a-c]*$", "^[ -~]*$", "b"])}]
    return found


def exchanged_counts(rng: Rng) -> list[Any]:
    """So many of one thing that are any number of another, and the other way round."""
    one, other = rng.sample(_ROUNDS, 2)
    counts = rng.choice(["{0,28}", "{0,30}", "{2,40}"]), "*"
    pairs = [(one + counts[0], other + counts[1]), (one + counts[1], other + counts[0])]
    rng.shuffle(pairs)
    return [{"type": "string", "allOf": [{"pattern": f"^{text}$"} for text in pair]} for pair in pairs]


# Changes to a schema

_EXTREMES = [
    0,
    -1,
    1,
    0.5,
    1e308,
    -1e308,
    5e-324,
    2**31,
    2**63,
    10**30,
    1_000_000,
    65,
    True,
    None,
    "",
    [],
    {},
]


def changed_schema(rng: Rng, original: Any, changes: int) -> Any:
    """A copy in which so many places were changed: keywords dropped, doubled, exchanged, of a wrong type."""
    changed = [copy.deepcopy(original)]
    for _ in range(changes):
        found = list(places(changed))
        container, key = rng.choice(found)
        rng.choice(_CHANGES)(rng, container, key, found)
    return changed[0]


def places(node: Any) -> Any:
    """Every (container, key or index) of nested lists and dicts, outermost first."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from places(node[key])


def _drop(rng: Rng, container: Any, key: Any, places: Any) -> None:
    if len(places) > 1 and (container, key) != places[0]:
        del container[key]


def _exchange(rng: Rng, container: Any, key: Any, places: Any) -> None:
    other, there = rng.choice(places)
    container[key] = copy.deepcopy(other[there])


def _extreme(rng: Rng, container: Any, key: Any, places: Any) -> None:
    numbers = [(c, k) for c, k in places if isinstance(c[k], int | float)]
    container, key = rng.choice(numbers or [(container, key)])
    container[key] = copy.copy(rng.choice(_EXTREMES))  # a list or an object is changed in place later


def _wrong_type(rng: Rng, container: Any, key: Any, places: Any) -> None:
    container[key] = rng.choice(
        [value(rng), str(container[key])[:20], [container[key]], {"a": container[key]}]
    )


def _nest(rng: Rng, container: Any, key: Any, places: Any) -> None:
    inner, more = container[key], schema(rng, 1)
    container[key] = rng.choice(
        [{"not": inner}, {"not": {"not": inner}}, {"anyOf": [inner, more]}, {"allOf": [inner, more]},
         {"oneOf": [more, inner]}, {"if": more, "then": inner}, {"if": inner, "else": more}]
    )  # fmt: skip


def _add_keyword(rng: Rng, container: Any, key: Any, places: Any) -> None:
    dicts = [c[k] for c, k in places if isinstance(c[k], dict)]
    if dicts:
        rng.choice(dicts).update(schema_object(rng, 2))


def _rename(rng: Rng, container: Any, key: Any, places: Any) -> None:
    if isinstance(container, dict):
        names = [k for c, k in places if isinstance(c, dict)] + KEYS
        container[rng.choice(names)] = container.pop(key)


def _retext(rng: Rng, container: Any, key: Any, places: Any) -> None:
    texts = [(c, k) for c, k in places if isinstance(c[k], str)]
    if texts:
        container, key = rng.choice(texts)
        container[key] = changed_text(rng, container[key], 2)


_CHANGES = [_drop, _drop, _exchange, _extreme, _wrong_type, _nest, _add_keyword, _rename, _retext]


# Grammars

_LITERALS = [
    '"a"',
    '"b"',
    '"ab"',
    '" "',
    r'"\0"',
    r'"\x00a"',
    r'"\x1f"',
    '"é"',
    r'"\""',
    '"null"',
    '"A"i',
    r'"\n"',
]


def grammar(rng: Rng) -> str:
    """A Lark grammar of up to three rules."""
    rules = ["start", "x", "y"][: rng.choice([1, 2, 3])]
    terminals = [f"T{number}" for number in range(rng.choice([1, 2, 3]))]
    symbols = [*rules, *terminals, *terminals, *[f"{name}?" for name in rules[1:]], f"{terminals[0]}*"]
    symbols += [f"{terminals[-1]}~2..3", f"({terminals[0]} | {terminals[-1]})+"]
    lines = []
    for rule in rules:
        bodies = [" ".join(rng.choice(symbols) for _ in range(rng.choice([1, 1, 2, 3]))) for _ in range(2)]
        lines.append(f"{rule}: " + " | ".join(dict.fromkeys([*bodies, rng.choice(terminals)])))
    lines += [f"{name}: {_terminal(rng)}" for name in terminals]
    if rng.randrange(3) == 0:
        lines += [f"I: {rng.choice(['/ +/', _terminal(rng)])}", "%ignore I"]
    return "\n".join(lines) + "\n"


def _terminal(rng: Rng) -> str:
    kind = rng.randrange(5)
    if kind < 2:
        return rng.choice(_LITERALS)
    return "/" + rng.choice([rng.choice(_SHAPES), pattern(rng)]).replace("/", "\\/") + "/"


_CATALOGUE = [grammars.path(name).read_text("utf-8") for name in grammars.names()]


def changed_grammar(rng: Rng) -> str:
    """A grammar of the catalogue or a random one, changed in a few places or in none."""
    text = grammar(rng) if rng.randrange(3) else rng.choice(_CATALOGUE)
    return changed_lines(rng, text, rng.choice([0, 0, 1, 2]))


def changed_lines(rng: Rng, text: str, changes: int) -> str:
    """A text with lines dropped, doubled, exchanged, or changed."""
    lines = text.split("\n")
    for _ in range(changes):
        at = rng.randrange(len(lines))
        lines[at : at + 1] = rng.choice(
            [[], [lines[at]] * 2, [rng.choice(lines)], [changed_text(rng, lines[at], 1)]]
        )
        lines = lines or [""]
    return "\n".join(lines)


def as_text(rng: Rng, data: Any) -> Any:
    """The schema as JSON text, one time out of four."""
    return json.dumps(data) if rng.randrange(4) == 0 else data

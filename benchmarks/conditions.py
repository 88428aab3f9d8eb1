"""Rules that people write by hand, n of them: does what they cost grow with n, or with its powers?

    python -m benchmarks.conditions [--form NAME ...] [--sizes 10,20,40,80,160]

Each form says the same in another way, mostly "if `t` is so, then `r` of that number must be there"; `oneOf`
of constants, which every engine takes for a tagged union, is what the others are measured by.  For each size:
the milliseconds of CPU time to the first mask, compilation included, then those of all masks of one
document.  The vocabulary is one token for each byte, so hardly anything is measured but the schema.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from constrain import ConstrainError, Vocabulary, allocate_token_bitmask, compile_json_schema

Schema = dict[str, Any]
Form = Callable[[int], tuple[Schema, Schema]]
"""For a number of rules, a schema and a document that it accepts."""

INTEGER = {"type": "integer"}


def tag(number: int) -> str:
    """The constant of a rule."""
    return f"t{number}"


def is_tagged(number: int, key: str = "t") -> Schema:
    """The condition of a rule."""
    return {"properties": {key: {"const": tag(number)}}, "required": [key]}


def needs(number: int) -> Schema:
    """The consequence of a rule."""
    return {"properties": {f"r{number}": INTEGER}, "required": [f"r{number}"]}


def rule(number: int) -> Schema:
    """A rule."""
    return {"if": is_tagged(number), "then": needs(number)}


def tagged(n: int, **more: Any) -> Schema:
    """An object with a tag out of n, and more."""
    tags = {"t": {"enum": [tag(number) for number in range(n)]}}
    return {"type": "object", "properties": tags, "required": ["t"], **more}


def document(n: int) -> Schema:
    """What most forms accept."""
    return {"t": tag(n // 2), f"r{n // 2}": 1}


def one_of(n: int) -> tuple[Schema, Schema]:
    """The measure."""
    branches = [
        {
            "type": "object",
            "properties": {"t": {"const": tag(i)}, f"r{i}": INTEGER},
            "required": ["t", f"r{i}"],
        }
        for i in range(n)
    ]
    return {"oneOf": branches}, document(n)


def if_then(n: int) -> tuple[Schema, Schema]:
    """The fault's own form."""
    return tagged(n, allOf=[rule(i) for i in range(n)]), document(n)


def else_chain(n: int) -> tuple[Schema, Schema]:
    """Each rule is the `else` of the one before."""
    chain: Schema = {}
    for i in reversed(range(n)):
        chain = {**rule(i), "else": chain}
    return tagged(n, **chain), document(n)


def enums(n: int) -> tuple[Schema, Schema]:
    """Conditions of several constants each, which do not require the tag; it is optional."""
    rules = [
        {"if": {"properties": {"t": {"enum": [tag(i), tag((i + 1) % n)]}}}, "then": needs(i)}
        for i in range(n)
    ]
    schema = {"type": "object", "properties": {"t": {"enum": [tag(i) for i in range(n)]}}, "allOf": rules}
    return schema, {"t": tag(n // 2), f"r{n // 2 - 1}": 1, f"r{n // 2}": 2}


def any_tag(n: int) -> tuple[Schema, Schema]:
    """The tag is any string."""
    schema = {"type": "object", "properties": {"t": {"type": "string"}}, "required": ["t"]}
    return {**schema, "allOf": [rule(i) for i in range(n)]}, document(n)


def optional_tag(n: int) -> tuple[Schema, Schema]:
    """The tag is undeclared and optional."""
    return {"type": "object", "allOf": [rule(i) for i in range(n)]}, document(n)


def numbers(n: int) -> tuple[Schema, Schema]:
    """The tag is a number, or null."""
    values = [None, *range(n - 1)]
    rules = [
        {"if": {"properties": {"t": {"const": value}}, "required": ["t"]}, "then": needs(i)}
        for i, value in enumerate(values)
    ]
    return {**tagged(0), "properties": {"t": {}}, "allOf": rules}, {"t": n // 2 - 1, f"r{n // 2}": 1}


def two_tags(n: int) -> tuple[Schema, Schema]:
    """Half of the rules speak of another tag."""
    half = n // 2
    schema = tagged(half, allOf=[rule(i) for i in range(half)])
    schema["properties"]["u"] = schema["properties"]["t"]
    schema["required"] = ["t", "u"]
    schema["allOf"] += [{"if": is_tagged(i, "u"), "then": needs(half + i)} for i in range(half)]
    return schema, {"t": tag(1), "u": tag(2), "r1": 1, f"r{half + 2}": 2}


def nested(n: int) -> tuple[Schema, Schema]:
    """A second condition within each rule, with an `else`."""
    rules = [
        {
            "if": is_tagged(i),
            "then": {"if": is_tagged(0, "u"), "then": needs(i), "else": {"required": [f"s{i}"]}},
        }
        for i in range(n)
    ]
    return tagged(n, allOf=rules), {"t": tag(1), "u": tag(0), "r1": 1}


def draft_4(n: int) -> tuple[Schema, Schema]:
    """`anyOf` of "not so" and the consequence."""
    rules = [{"anyOf": [{"not": is_tagged(i)}, needs(i)]} for i in range(n)]
    return tagged(n, allOf=rules), document(n)


def overlapping(n: int) -> tuple[Schema, Schema]:
    """`oneOf` whose branches share constants, which must differ in something else."""
    branches = [
        {
            "type": "object",
            "properties": {"t": {"enum": [tag(i), tag(i + 1)]}, f"r{i}": INTEGER},
            "required": ["t", f"r{i}"],
        }
        for i in range(n)
    ]
    return {"oneOf": branches}, document(n)


def unevaluated(n: int) -> tuple[Schema, Schema]:
    """No key but those of the rules that apply."""
    return tagged(n, allOf=[rule(i) for i in range(n)], unevaluatedProperties=False), document(n)


def shared(n: int) -> tuple[Schema, Schema]:
    """All rules give schemas to the same keys."""
    rules = [
        {
            "if": is_tagged(i),
            "then": {
                "properties": {"value": {"type": "string", "maxLength": i + 1}, "unit": {"minimum": i}},
                "required": ["value"],
            },
        }
        for i in range(n)
    ]
    return tagged(n, allOf=rules), {"t": tag(1), "value": "a", "unit": 1}


def in_items(n: int) -> tuple[Schema, Schema]:
    """The rules are those of each item, in an object."""
    schema, item = if_then(n)
    return {
        "type": "object",
        "properties": {"list": {"type": "array", "items": schema, "minItems": 1}},
        "required": ["list"],
    }, {"list": [item, item]}


def presence(n: int) -> tuple[Schema, Schema]:
    """A key that is there constrains another one, which need not be."""
    rules = [{"if": {"required": [f"a{i}"]}, "then": {"properties": {f"b{i}": INTEGER}}} for i in range(n)]
    return {"type": "object", "allOf": rules}, {"b1": 1, "b2": "x", "a1": 1}


def presence_needs(n: int) -> tuple[Schema, Schema]:
    """A key that is there needs two others."""
    rules = {
        f"a{i}": {"properties": {f"b{i}": INTEGER, f"c{i}": INTEGER}, "required": [f"b{i}"]} for i in range(n)
    }
    keys = {f"{letter}{i}": True for letter in "abc" for i in range(n)}
    schema = {"type": "object", "properties": keys, "dependentSchemas": rules}
    return schema, {"a1": 1, "b0": "x", "b1": 1, "c0": "x"}


def forbidding(n: int) -> tuple[Schema, Schema]:
    """A key that is there closes the object to all but one other."""
    rules = {
        f"a{i}": {"properties": {f"a{i}": True, "x": INTEGER}, "additionalProperties": False}
        for i in range(n)
    }
    return {"type": "object", "dependentSchemas": rules}, {"a1": 1, "x": 2}


FORMS: dict[str, Form] = {
    form.__name__: form
    for form in (
        one_of, if_then, else_chain, enums, any_tag, optional_tag, numbers, two_tags, nested, draft_4,
        overlapping, unevaluated, shared, in_items, presence, presence_needs, forbidding,
    )
}  # fmt: skip


def measure(form: Form, n: int, vocabulary: Vocabulary) -> tuple[float, float]:
    """Milliseconds of CPU time to the first mask, and for all masks of a document."""
    schema, accepted = form(n)
    bitmask = allocate_token_bitmask(1, vocabulary.size)
    start = time.process_time()
    matcher = compile_json_schema(schema, vocabulary).matcher()
    matcher.fill_next_token_bitmask(bitmask, 0)
    first = time.process_time() - start
    for byte in json.dumps(accepted).encode():
        matcher.fill_next_token_bitmask(bitmask, 0)
        if not matcher.accept_token(byte):
            raise AssertionError(f"{form.__name__}: {matcher.text!r} goes on with {bytes((byte,))!r}")
    if not matcher.is_completed():
        raise AssertionError(f"{form.__name__}: {matcher.text!r} is not complete")
    return first * 1_000, (time.process_time() - start - first) * 1_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--form", action="append", choices=list(FORMS))
    parser.add_argument("--sizes", default="10,20,40,80,160")
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    vocabulary = Vocabulary.from_tokens(
        [*(bytes((byte,)) for byte in range(256)), None], eos_token_ids=(256,)
    )
    measure(one_of, 2, vocabulary)
    print("ms: first mask / all masks of a document".ljust(18), *(f"{size:>16}" for size in sizes))
    for name in arguments.form or FORMS:
        cells = []
        for size in sizes:
            try:
                first, rest = measure(FORMS[name], size, vocabulary)
                cells.append(f"{first:,.0f} / {rest:,.0f}")
            except ConstrainError as problem:
                cells.append(type(problem).__name__)
        print(name.ljust(18), *(f"{cell:>16}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()

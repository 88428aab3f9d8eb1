"""What strings with several constraints cost: the first mask of each state along a text, by family.

    python -m benchmarks.products

Each family is a schema and a value of it.  It is compiled in a process that remembers nothing of languages,
over the Llama-3 vocabulary, and written.  Reported are CPU milliseconds: compiled, the slowest mask
(its token taken included), all of them.  Some puzzles have no long value: they are answered or refused.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Mapping
from time import process_time
from typing import Any

from constrain import ConstrainError, allocate_token_bitmask, compile_json_schema
from constrain.engine.model import load
from constrain.regular.keeping import forget

COLORS = ["red", "green", "blue", "white", "black", "yellow", "orange"]
DATE_TIME = "2024-02-29T12:34:56+05:30"
LONG = "the quick brown fox jumps over the lazy dog and then some more"


def _letters(number: int) -> list[dict[str, Any]]:
    return [{"pattern": f"^.*{letter}"} for letter in "abcdefghijklmnop"[:number]]


FAMILIES: dict[str, tuple[Mapping[str, Any], str]] = {
    "oneOf of 7 unanchored words": ({"oneOf": [{"pattern": color} for color in COLORS]}, "a red fox runs"),
    "a time anywhere, date-time": ({"pattern": "[0-9]{2}:[0-9]{2}", "format": "date-time"}, DATE_TIME),
    "an offset at the end, date-time": (
        {"pattern": "(Z|[+-][0-9]{2}:[0-9]{2})$", "format": "date-time"},
        DATE_TIME,
    ),
    "not early, date-time": ({"not": {"pattern": "T0[0-5]:.*Z"}, "format": "date-time"}, DATE_TIME),
    "hostname, 3 to 40": ({"format": "hostname", "minLength": 3, "maxLength": 40}, "www.example.com"),
    "email, at most 60, not @gmail": (
        {"format": "email", "maxLength": 60, "not": {"pattern": "@gmail"}},
        "john.doe@example.com",
    ),
    "a repository, uri": ({"pattern": "^https?://.*\\.git$", "format": "uri"}, "https://example.com/a/b.git"),
    "forty words, at most 300": ({"pattern": r"^(\S+\s+){0,39}\S+$", "maxLength": 300}, LONG),
    "four kinds of characters, 8 to 64": (
        {"pattern": "^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*[^a-zA-Z0-9]).{8,64}$"},
        "Correct-Horse-9",
    ),
    "a letter thirty times, at most 90": ({"pattern": "(.*a){30}", "maxLength": 90}, "ab" * 35),
    "two patterns, 5,000 and more": (
        {
            "minLength": 5_000,
            "maxLength": 9_000,
            "pattern": "^([a-z]{2,3}-)*$",
            "not": {"pattern": "z.{20}z"},
        },
        "abc-de-" * 8,
    ),
    "one of two patterns, 20 times": (
        {"allOf": [{"anyOf": [{"pattern": f"a.{{{n}}}b"}, {"pattern": f"c.{{{n}}}d"}]} for n in range(20)]},
        "accbdd" * 4,
    ),
    "2 letters": ({"allOf": _letters(2)}, "a plain text"),
    "4 letters": ({"allOf": _letters(4)}, "a plain text"),
    "6 letters": ({"allOf": _letters(6)}, "a plain text"),
    "8 letters": ({"allOf": _letters(8)}, "a plain text"),
    "10 letters": ({"allOf": _letters(10)}, "a plain text"),
    "12 letters": ({"allOf": _letters(12)}, "a plain text"),
    "ten letters twice each, 8 to 64": (
        {"allOf": [{"pattern": f"^.*{c}.*{c}"} for c in "abcdefghij"], "minLength": 8, "maxLength": 64},
        "abcdefghij",
    ),
    "three suffix counters": ({"allOf": [{"pattern": f"{c}.{{14}}$"} for c in "abc"]}, ""),
    "two suffix counters": ({"allOf": [{"pattern": "a.{14}$"}, {"pattern": "b.{9}$"}]}, "xyz"),
    "not an alternation": ({"not": {"pattern": "(a|b)*a(a|b){18}$"}}, "abab"),
}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="families whose name holds this")
    arguments = parser.parse_args()
    tokenizer, vocabulary = (loaded := load()).tokenizer, loaded.vocabulary
    vocabulary.prepare()
    bitmask = allocate_token_bitmask(1, vocabulary.size)
    warm = compile_json_schema({"type": "string"}, vocabulary).matcher()
    for token in _tokens(tokenizer, '"a'):
        warm.fill_next_token_bitmask(bitmask, 0)
        warm.accept_token(token)
    print(f"{'milliseconds':36}{'compiled':>10}{'max':>10}{'all':>10}")
    for name, (schema, value) in FAMILIES.items():
        if arguments.only and arguments.only not in name:
            continue
        forget()
        gc.collect()
        gc.disable()
        print(f"{name:36}{_row(schema, value, loaded, bitmask)}", flush=True)
        gc.enable()


def _row(schema: Mapping[str, Any], value: str, loaded: Any, bitmask: Any) -> str:
    start = process_time()
    times = []
    try:
        matcher = compile_json_schema({"type": "string", **schema}, loaded.vocabulary).matcher()
        compiled = process_time() - start
        for token in _tokens(loaded.tokenizer, json.dumps(value)[:-1]):
            before = process_time()
            matcher.fill_next_token_bitmask(bitmask, 0)
            matcher.accept_token(token)
            times.append(process_time() - before)
    except ConstrainError as error:
        return f"{(process_time() - start) * 1e3:>10.1f}  {type(error).__name__}"
    return f"{compiled * 1e3:>10.1f}{max(times) * 1e3:>10.1f}{sum(times) * 1e3:>10.1f}"


def _tokens(tokenizer: Any, text: str) -> list[int]:
    tokens: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return tokens


if __name__ == "__main__":
    main()

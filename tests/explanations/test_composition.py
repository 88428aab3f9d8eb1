"""Of a grammar that was put together, the part that refuses is named, and it explains itself."""

from __future__ import annotations

from typing import Any

import pytest

from constrain.compiler import compile_lark, compile_part
from constrain.parts import Part, choice, either, json_value, lark, regex, repeated, sequence
from constrain.structural import Tag, structural_tags
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary()

AGE = sequence("Age: ", json_value({"type": "integer", "maximum": 120}), ".")
MIXED = sequence(
    choice(["yes", "no"]), regex("[0-9]+"), either(json_value({"const": "a"}), regex("[x-z]{1,2}"))
)
TAGS = structural_tags([
    Tag("<a>", json_value({"properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}), "</a>"),
    Tag("<b>", regex("[a-z]+"), "</b>"),
])  # fmt: skip
LIST = repeated(sequence(json_value({"type": "integer", "minimum": 5}), ";"), 1)


@pytest.mark.parametrize(
    ("part", "text", "within", "blamed", "said"),
    [
        (AGE, "Age; ", ("part 1 of 3",), "`Age: `", (None, "`Age: `")),
        (AGE, "Age: 150.", ("part 2 of 3",), "#/maximum", ("", "at most 120 or `.`")),
        (AGE, "Age: 15,", ("part 3 of 3",), "`.`", (None, "`.`")),
        (MIXED, "yep", ("part 1 of 3",), "`yes`", (None, "`yes`")),
        (MIXED, "no1a", ("part 2 of 3",), "`[0-9]` at 0", (None, '`"`, `0` to `9` or `x` to `z`')),
        (MIXED, 'yes5"b', ("part 3 of 3", "choice 1 of 2"), "#/const", ("", '"a"')),
        (MIXED, "yes5xxx", ("part 3 of 3", "choice 2 of 2"), "`[x-z]{1,2}` at 0",
         (None, "at most 2 of `[x-z]{1,2}`")),
        (TAGS, 'hm <a>{"n":3', ("the tag `<a>`", "part 2 of 2", "part 1 of 2"), "#/properties/n/enum",
         ("/n", "one of 1 or 2")),
        (TAGS, "hm <b>a1", ("the tag `<b>`", "part 2 of 2", "part 1 of 2"), "`[a-z]` at 0",
         (None, "`[a-z]` or `</b>`")),
        (TAGS, '<a>{"n":1}</b>', ("the tag `<a>`", "part 2 of 2", "part 2 of 2"), "`</a>`", (None, "`</a>`")),
        (LIST, "7;3;", ("a repeat", "part 1 of 2"), "#/minimum", ("", "at least 5")),
    ],
)  # fmt: skip
def test_the_part_that_refuses_explains_itself(
    part: Part, text: str, within: tuple[str, ...], blamed: str, said: tuple[str | None, str]
) -> None:
    """Where it stands, with its own place and its own keywords; offsets are those of the whole text."""
    found = compile_part(part, VOCABULARY).matcher().explain(text)

    assert found.within == within
    assert blamed in (*found.keywords, *found.parts)
    assert (found.path, found.expected) == said


def test_a_schema_in_a_grammar_explains_itself() -> None:
    """An embedded part is named by its terminal."""
    grammar = 'start: "user" VALUE ";"\n%declare VALUE\n%ignore " "\n'
    embed: dict[str, Any] = {"VALUE": json_value({"type": "integer", "maximum": 9})}

    found = compile_lark(grammar, VOCABULARY, embed=embed).matcher().explain("user 12;")

    assert (found.within, found.keywords, found.offset) == (("terminal VALUE",), ("#/maximum",), 6)


def test_a_part_without_a_source_says_what_could_come() -> None:
    """Nothing is guessed: fixed texts are named, free text is not."""
    found = compile_part(sequence(lark('start: "a"'), "b"), VOCABULARY).matcher().explain("ac")

    assert (found.cause, found.parts, found.nearest) == ("text", ("`b`",), b"b")

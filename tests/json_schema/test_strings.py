"""String contents, against Python: json.dumps writes them, re says what a pattern finds."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.errors import SchemaError
from constrain.json_schema.strings import StringSpace
from constrain.regular.queries import accepts, cardinality
from constrain.regular.terms import intersect

CANONICAL, ANY = StringSpace("canonical"), StringSpace("any")
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\/\n\x7f\x00aé漢😀'), max_size=8)
LETTERS = st.text(st.sampled_from('ab"\né😀'), max_size=7)

#: Each with the same meaning in ECMA-262 and in Python's re.
PATTERNS = [
    "a",
    "^a",
    "b$(?!\\n)",
    '^[^"]*"',
    "(ab|b)+",
    "^.{2,3}$(?!\\n)",
    "[^a]",
    "é|😀",
    "^(?!a)",
]


def dumped(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()


@st.composite
def respelled(draw: st.DrawFn, text: str) -> bytes:
    """Some JSON spelling of a text."""

    def unit(code: int) -> str:
        digits = f"{code:04x}"
        return "\\u" + "".join(c.upper() if draw(st.booleans()) else c for c in digits)

    spelled = ""
    for character in text:
        kind = draw(st.sampled_from(["plain", "unicode", "slash"]))
        if kind == "unicode":
            units = character.encode("utf-16-be")
            spelled += "".join(unit(int.from_bytes(units[i : i + 2])) for i in range(0, len(units), 2))
        elif kind == "slash" and character == "/":
            spelled += "\\/"
        else:
            spelled += json.dumps(character, ensure_ascii=False)[1:-1]
    return spelled.encode()


@given(TEXT)
def test_canonical_is_what_json_dumps_writes(text: str) -> None:
    """One spelling for each text, the one that Python writes."""
    assert accepts(CANONICAL.universe, dumped(text))
    assert accepts(CANONICAL.values([text]), dumped(text))
    assert cardinality(CANONICAL.values([text]), 5) == 1


@given(TEXT, st.data())
def test_any_takes_every_spelling_and_canonical_one(text: str, data: st.DataObject) -> None:
    """A reader cannot tell spellings apart, so neither may a validator."""
    spelled = data.draw(respelled(text))

    assert json.loads(b'"' + spelled + b'"') == text
    assert accepts(ANY.universe, spelled)
    assert accepts(ANY.values([text]), spelled)
    assert accepts(ANY.length(len(text), len(text)), spelled)
    assert not accepts(ANY.length(len(text) + 1, None), spelled)
    assert accepts(CANONICAL.universe, spelled) == (spelled == dumped(text))


@given(LETTERS, st.sampled_from(PATTERNS), st.integers(0, 4), st.integers(0, 5) | st.none(), st.data())
def test_pattern_and_length_agree_with_re_and_len(
    text: str, pattern: str, minimum: int, maximum: int | None, data: st.DataObject
) -> None:
    """Patterns are searches, and lengths count code points, in either spelling."""
    expected = (
        re.search(pattern, text) is not None
        and minimum <= len(text)
        and (maximum is None or len(text) <= maximum)
    )

    for space, spelled in ((CANONICAL, dumped(text)), (ANY, data.draw(respelled(text)))):
        term = intersect(space.universe, space.pattern(pattern), space.length(minimum, maximum))
        assert accepts(term, spelled) == expected


@pytest.mark.parametrize(
    "contents",
    [
        rb"\ud800",
        rb"\udc00",
        rb"\ud83d\u0041",
        rb"\ude00\ud83d",
        b"\xed\xa0\x80",
        b"\n",
        b'"',
        rb"\x41",
        rb"\u12",
    ],
)
def test_what_is_no_text_has_no_spelling(contents: bytes) -> None:
    """Half surrogate pairs, raw controls and broken escapes: no two readers agree on these."""
    assert not accepts(ANY.universe, contents)
    assert not accepts(CANONICAL.universe, contents)


def test_a_pattern_is_compiled_once() -> None:
    """Everything downstream memoises by identity."""
    assert CANONICAL.pattern("^[a-z]+$") is CANONICAL.pattern("^[a-z]+$")
    assert CANONICAL.format("date") is CANONICAL.format("date")


def test_quoted_puts_the_quotes_on() -> None:
    """The value's text is the contents between two quotes."""
    assert accepts(CANONICAL.quoted(CANONICAL.values(["a"])), b'"a"')


def test_half_a_surrogate_pair_in_a_schema_is_refused() -> None:
    """JSON can write it and no text can hold it, so an enum with it could never be met."""
    with pytest.raises(SchemaError) as caught:
        CANONICAL.values(["a\ud83d"])

    assert str(caught.value) == (
        "half a surrogate pair, \\ud83d, is character 1 of 'a\\ud83d'\n"
        "hint: no UTF-8 text holds one: write the whole pair, or the character itself"
    )

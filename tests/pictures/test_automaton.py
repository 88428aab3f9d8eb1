"""A drawn automaton accepts what `re` accepts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain import LimitExceeded, UnsatisfiableError, draw_regex
from constrain.pictures.automaton import character_automaton, label
from constrain.regular.charset import CharSet, holds, normal
from tests.pictures.svg import accepts, groups, read, texts
from tests.strategies import small_patterns

PIECES = st.sampled_from(
    [
        r"\w",
        r"\d",
        r"\s",
        r"\W",
        ".",
        "[^a]",
        "[^aé]",
        "é",
        "日",
        "🙂",
        "[à-ü日]",
        r"[^\Wé]",
        "-",
        r"\.",
        " ",
        "(?i:k)",
        r"\n",
    ]
)
"""Characters of one to four bytes, classes of many, and what means something in a pattern."""


def patterns() -> st.SearchStrategy[str]:
    """Patterns over letters and classes, some with a look around."""
    mixed = st.lists(
        PIECES | small_patterns("aé") | small_patterns("éê\U0010ffff"), min_size=1, max_size=4
    ).map("".join)
    looking = st.tuples(st.sampled_from(["(?=.*a)", r"(?!.*\d)", "(?!é)"]), mixed).map("".join)
    return mixed | looking


def texts_of(pattern: str) -> st.SearchStrategy[str]:
    """Texts, of which many match the pattern."""
    near = st.text(st.sampled_from("aéêb日🙂\U0010ffffà1 -.kK\u212a\n\x00\ud7ff"), max_size=6)
    if "(?=" in pattern or "(?!" in pattern:
        return near
    return near | st.from_regex(pattern, fullmatch=True).filter(
        lambda text: not re.search("[\ud800-\udfff]", text)
    )


@given(patterns(), st.data())
def test_a_drawn_automaton_accepts_what_re_accepts(pattern: str, data: st.DataObject) -> None:
    """Read back from the picture: its arrows with their labels, its double circles."""
    try:
        svg = draw_regex(pattern).svg
    except UnsatisfiableError:
        assert re.fullmatch(pattern, data.draw(texts_of("(?="))) is None
        return

    for text in data.draw(st.lists(texts_of(pattern), min_size=1, max_size=5)):
        assert accepts(svg, text) == bool(re.fullmatch(pattern, text)), text


CODES = st.one_of(st.integers(0, 0x17F), st.integers(0, 0xD7FF), st.integers(0xE000, 0x10FFFF))


@st.composite
def charsets(draw: st.DrawFn) -> CharSet:
    """Sets that some text has a character of; classes with something more or less among them."""
    ranges = draw(st.lists(st.tuples(CODES, st.integers(0, 300)), min_size=1, max_size=5))
    return normal((low, min(low + more, 0xD7FF if low <= 0xD7FF else 0x10FFFF)) for low, more in ranges)


@given(charsets(), st.data())
def test_a_label_is_a_pattern_of_its_characters(charset: CharSet, data: st.DataObject) -> None:
    written = label(charset)
    near = [code + step for pair in charset for code in pair for step in (-1, 0, 1)]
    for code in [*near, *data.draw(st.lists(CODES, max_size=20))]:
        if 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
            assert bool(re.fullmatch(written, chr(code))) == holds(charset, code), (written, hex(code))


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("[0-9]", "[0-9]"),
        ("é", "é"),
        (r"\.", r"\."),
        (".", "."),
        (r"(?s:.)", r"[\s\S]"),
        (" ", "[ ]"),
        (r"\n", r"\n"),
        (r"\w", r"\w"),
        (r"\W", r"\W"),
        (r"\d", r"\d"),
        (r"[^\Wa]", r"[^\Wa]"),
        (r"[\w-]", r"[\w\-]"),
        (r"[^\"\\]", r'[^"\\]'),
        ("[ab]", "[ab]"),
        ("\u0301", r"\u0301"),
        ("\x00", r"\x00"),
        ("\U000e0001", r"\U000e0001"),
        ("[\u3041-\u3096]", "[ぁ-ゖ]"),
    ],
)
def test_a_label_is_what_a_reader_would_write(pattern: str, shown: str) -> None:
    """Characters and classes, not the bytes that spell them."""
    svg = draw_regex(pattern).svg

    assert texts(read(svg), "middle") == [shown, "0", "1"]


def test_a_long_label_is_cut_and_whole_where_a_reader_points() -> None:
    svg = draw_regex("[acegikmoqsuwyACEGIKMOQSUWY]").svg
    group = groups(svg)["0 to 1 by [ACEGIKMOQSUWYacegikmoqsuwy]"]

    assert texts(group) == ["[ACEGIKMOQSUWYacegikmoq…"]


def test_the_states_are_those_between_two_characters() -> None:
    r"""`\w` has 700 ranges and its bytes 310 states."""
    automaton = character_automaton(r"\w+")

    assert automaton.accepting == {1}
    assert [list(out) for out in automaton.edges] == [[1], [1]]


def test_what_is_too_large_to_read_is_refused_by_name() -> None:
    with pytest.raises(LimitExceeded) as caught:
        draw_regex("a{300}")

    assert str(caught.value) == (
        "a picture of this pattern's automaton needs more than max_nodes=200 nodes or arrows\n"
        "hint: draw a part of it, or pass a larger max_nodes"
    )
    assert accepts(draw_regex("a{300}", max_nodes=301).svg, "a" * 300)


def test_many_arrows_between_few_states_are_too_many_as_well() -> None:
    """The seventh letter from the end is an `a`: 128 states, and two arrows from each."""
    assert len(character_automaton("(a|b)*a(a|b){5}").edges) == 64
    with pytest.raises(LimitExceeded):
        draw_regex("(a|b)*a(a|b){6}")


def test_a_pattern_without_texts_has_no_automaton() -> None:
    with pytest.raises(UnsatisfiableError, match="no text matches `a"):
        draw_regex(r"a(?!a)a")


def test_a_compiled_pattern_is_drawn_with_its_flags() -> None:
    picture = draw_regex(re.compile("a", re.IGNORECASE))

    assert "0 to 1 by [Aa]" in groups(picture.svg)

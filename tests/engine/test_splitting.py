"""Parts cover the document, fit, and overlap."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from constrain.engine.splitting import split


def words(text: str) -> int:
    """A tokenizer that counts words and line breaks, and cuts words of more than four letters."""
    return sum(-(-len(word) // 4) for word in text.split()) + text.count("\n")


@given(
    st.text(alphabet="ab .\n", max_size=200),
    st.integers(6, 40),
    st.integers(0, 2),
    st.sampled_from([len, words]),
)
def test_parts_fit_and_cover_the_document(text, size, overlap, count) -> None:  # type: ignore[no-untyped-def]
    parts = split(text, count, size, overlap)

    assert parts[0][0] == 0
    assert parts[-1][1] == len(text)
    assert all(count(text[start:end]) <= size for start, end in parts)
    for (first, first_end), (second, second_end) in itertools.pairwise(parts):
        assert first < second <= first_end < second_end


@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=4), min_size=1, max_size=60))
def test_words_are_not_cut(found: list[str]) -> None:
    """Where a text has blanks, parts begin and end at them."""
    text = " ".join(found)

    for start, end in split(text, len, 16, 6):
        assert start == 0 or text[start - 1] == " " or text[start - 1 : end].count(" ") == 0
        assert end == len(text) or text[end - 1] == " "


def test_whatever_is_shorter_than_the_overlap_is_whole_in_some_part() -> None:
    """The reason for overlaps."""
    text = " ".join(f"word{number}" for number in range(200))
    parts = split(text, len, 60, 20)

    for number in range(199):
        needle = f"word{number} word{number + 1}"

        assert any(needle in text[start:end] for start, end in parts), needle


def test_a_line_is_a_better_end_than_a_word() -> None:
    text = "uno due\ntre quattro cinque"

    assert [text[start:end] for start, end in split(text, len, 14, 0)] == [
        "uno due\n",
        "tre quattro ",
        "cinque",
    ]


def test_a_huge_line_without_blanks_is_cut_between_characters() -> None:
    text = "è" * 100_000

    parts = split(text, len, 4_096, 100)

    assert all(second - first >= 3_000 for (first, _), (second, _) in itertools.pairwise(parts))

"""A text that stops anywhere stops at the value that its next character belongs to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constrain.explanations.instance_place import Path, place_of

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(-9, 9), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


def characters(value: Any, path: Path = ()) -> Iterator[tuple[str, Path, str | None]]:
    """Each character of a value's text, the place it belongs to, and the key it is written in."""
    if isinstance(value, dict):
        yield "{", path, None
        for number, (key, item) in enumerate(value.items()):
            if number:
                yield from (("," if char == "," else char, path, None) for char in ", ")
            yield from ((char, path, key) for char in json.dumps(key))
            yield from ((char, path, None) for char in ": ")
            yield from characters(item, (*path, key))
        yield "}", path, None
    elif isinstance(value, list):
        yield "[", path, None
        for number, item in enumerate(value):
            if number:
                yield from ((char, path, None) for char in ", ")
            yield from characters(item, (*path, number))
        yield "]", path, None
    else:
        yield from ((char, path, None) for char in json.dumps(value, ensure_ascii=False))


@given(values, st.data())
def test_the_next_character_belongs_to_the_place(value: Any, data: st.DataObject) -> None:
    """The oracle is a writer, which knows the place of each character that it writes."""
    written = list(characters(value))
    cut = data.draw(st.integers(0, len(written) - 1))
    char, path, key = written[cut]
    text = "".join(char for char, _, _ in written).encode()
    before = "".join(char for char, _, _ in written[:cut]).encode()

    place = place_of(before)

    if char != " ":
        assert path in place.levels[: place.own]
    assert place.levels == tuple(place.levels[0][:end] for end in range(len(place.levels[0]), -1, -1))
    if key is not None:
        assert place.inside == "key"
        assert place.key_of(text) == key
        assert place.key_of(before) is None


@pytest.mark.parametrize(
    ("text", "levels", "own", "inside"),
    [
        (b"", [()], 1, "value"),
        (b"[1", [(0,), ()], 2, "number"),
        (b"[", [(0,), ()], 2, "value"),
        (b"[1,", [(1,), ()], 1, "value"),
        (b'{"a":tru', [("a",), ()], 1, "word"),
        (b'{"a":true', [()], 1, "between"),
        (b'{"pets": [{"name": "Re', [("pets", 0, "name"), ("pets", 0), ("pets",), ()], 1, "string"),
        (b'{"a\\"":[[],{"b', [('a"', 1), ('a"',), ()], 1, "key"),
    ],
)
def test_examples(text: bytes, levels: list[Path], own: int, inside: str) -> None:
    """What is being written, innermost first; a number ends where the array goes on."""
    place = place_of(text)

    assert (list(place.levels), place.own, place.inside) == (levels, own, inside)


@given(st.binary(max_size=20))
def test_any_text_has_a_place(text: bytes) -> None:
    """Whether it is JSON is asked elsewhere."""
    place = place_of(text)

    assert 1 <= place.own <= len(place.levels)

"""Every prefix of an answer is closed into a valid instance, and the marks say what may still change."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from itertools import pairwise
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Annotated, Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter

from constrain import EndedEarlyWarning, Partial, RefusedOutputError, generate_json, stream_json
from constrain.engine.model import LoadedModel
from constrain.engine.partials import Cursor, Path
from tests.engine.fakes import wishful_model

# Where every value of a JSON text begins and ends, by a parser of its own.

_GAP = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"[-+.0-9a-zA-Z]+")
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)")


def spans(text: str) -> dict[Path, tuple[int, int]]:
    """For each path where its value begins and ends; a number ends one character later, which closes it."""
    found: dict[Path, tuple[int, int]] = {}

    def gap(at: int) -> int:
        match = _GAP.match(text, at)
        assert match is not None
        return match.end()

    def value(path: Path, start: int) -> int:
        found[path] = start, start
        if text[start] == '"':
            end = scanstring(text, start + 1)[1]
        elif text[start] in "{[":
            at, number = gap(start + 1), 0
            while text[at] not in "}]":
                key: str | int = number
                if text[start] == "{":
                    key, at = scanstring(text, at + 1)
                    at = gap(gap(at) + 1)
                at, number = gap(value((*path, key), at)), number + 1
                at = gap(at + 1) if text[at] == "," else at
            end = at + 1
        else:
            match = _WORD.match(text, start)
            assert match is not None
            found[path] = start, match.end() + 1
            return match.end()
        found[path] = start, end
        return end

    value((), gap(0))
    return found


def at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans(), st.sampled_from([None, 2]), st.data())
def test_the_cursor_knows_what_is_open_wherever_a_text_is_cut(
    value: Any, is_ascii: bool, indent: int | None, data: st.DataObject
) -> None:
    """By pieces of any size, with escapes and without, in one line and in many."""
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
    cut = data.draw(st.integers(0, len(text)))
    before = data.draw(st.integers(0, cut))
    cursor, places = Cursor(), spans(text)
    begun = [*cursor.feed(text[:before]), *cursor.feed(text[before:cut])]

    assert begun == [path for path, (start, _) in places.items() if start < cut]
    assert cursor.open == tuple(path for path, (start, end) in places.items() if start < cut < end)
    assert cursor.missing(text[cut:]) == tuple(path for path, (start, _) in places.items() if start >= cut)
    assert cursor.is_inside_a_character == any(
        match.start() < cut < match.end() for match in _ESCAPE.finditer(text)
    )
    assert cursor.open == tuple(path for path, (start, end) in places.items() if start < cut < end)


# Types, and a model that writes anything.


class Mood(Enum):
    GOOD = "good"
    GODLIKE = "godlike"


class Visit(BaseModel):
    place: str = Field(min_length=2, max_length=8)
    day: date
    mood: Mood | None
    marks: list[Annotated[float, Field(ge=-5, le=5)]] = Field(min_length=1, max_length=3)


@dataclass
class Tree:
    name: Annotated[str, Field(max_length=3)]
    kind: Literal["leaf", "branch", 7]
    below: Annotated[list[Tree], Field(max_length=2)] = field(default_factory=list)


class Trip(BaseModel):
    visits: list[Visit] = Field(min_length=1, max_length=2)
    by: Annotated[str, Field(pattern="^[a-z]{3}$")]


TYPES: list[Any] = [
    Visit,
    Tree,
    Trip,
    Annotated[list[int], Field(max_length=5)],
    Annotated[str, Field(min_length=3, max_length=9)],
    float,
    tuple[bool, Annotated[str, Field(max_length=4)] | None],
    dict[Literal["a", "b"], Annotated[str, Field(max_length=4)]],
]


@settings(max_examples=40)
@given(
    schema=st.sampled_from(TYPES), seed=st.integers(0, 10_000), spelling=st.sampled_from(["canonical", "any"])
)
def test_every_prefix_is_a_valid_instance_of_which_only_what_is_marked_changes(
    random_model: LoadedModel, schema: Any, seed: int, spelling: Literal["canonical", "any"]
) -> None:
    """The marks are those that the whole text, parsed in another way, gives to each prefix."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EndedEarlyWarning)
        stream = stream_json(
            random_model, "x", schema, partial=True, seed=seed, temp=1.0, max_tokens=120, spelling=spelling
        )
        found: list[Partial[Any]] = list(stream)
        made = stream.result()
    adapter: TypeAdapter[Any] = TypeAdapter(schema)
    places, whole = spans(made.text), adapter.dump_python(made.value, mode="json")

    assert (found[-1].value, found[-1].text, found[-1].is_complete) == (made.value, made.text, True)
    for partial in found[:-1]:
        cut = len(partial.text)
        data = adapter.dump_python(partial.value, mode="json")
        adapter.validate_python(partial.value)
        assert made.text.startswith(partial.text)
        assert partial.open == tuple(path for path, (start, end) in places.items() if start < cut < end)
        for path, (_, end) in places.items():
            if end <= cut:
                assert at(data, path) == at(whole, path)
        for path in partial.missing:
            assert places.get(path, (cut, cut))[0] >= cut


@settings(max_examples=20)
@given(JSON, st.booleans())
@example({"a": [-1.5e-07, None, True, 12345.6789], "b": "\U0001f600\n"}, True)
@example(-2.25e300, False)
def test_plain_data_grow_and_lose_nothing(value: Any, is_ascii: bool) -> None:
    """What a schema without a type is read as: texts get longer, arrays and objects get more."""
    text = json.dumps(value, ensure_ascii=is_ascii)
    stream = stream_json(
        wishful_model(text), "x", True, partial=True, max_tokens=2000, spelling="any", whitespace="any"
    )
    found = list(stream)

    assert found[-1].is_complete
    assert found[-1].value == stream.result().value
    for earlier, later in pairwise(found):
        assert is_grown(earlier.value, later.value)
        assert not earlier.missing


def is_grown(earlier: Any, later: Any) -> bool:
    if isinstance(earlier, dict) and isinstance(later, dict):
        return earlier.keys() <= later.keys() and all(
            is_grown(part, later[key]) for key, part in earlier.items()
        )
    if isinstance(earlier, list) and isinstance(later, list):
        return len(earlier) <= len(later) and all(map(is_grown, earlier, later))
    if isinstance(earlier, str) and isinstance(later, str):
        return later.startswith(earlier)
    return earlier == later or (not isinstance(earlier, bool | None) and isinstance(later, int | float))


def test_a_person_grows() -> None:
    """The example of the module."""

    class Person(BaseModel):
        name: str
        age: int

    model = wishful_model('{"name": "Anna", "age": 31}')
    found = {partial.text: partial for partial in stream_json(model, "x", Person, partial=True)}

    assert found['{"name": "Anna'] == Partial(
        Person(name="Anna", age=0), '{"name": "Anna', ((), ("name",)), (("age",),)
    )
    assert found['{"name": "Anna", "age": 31'].open == ((), ("age",))
    assert found['{"name": "Anna", "age": 31}'] == Partial(
        generate_json(model, "x", Person), '{"name": "Anna", "age": 31}', ()
    )


def test_a_prefix_that_a_validator_refuses_is_passed_over_and_a_whole_answer_is_not() -> None:
    """A validator speaks of whole answers; what it says of the last one is raised."""

    def many(numbers: list[int]) -> list[int]:
        if len(numbers) < 2:
            raise ValueError("too few")
        return numbers

    schema = Annotated[list[int], AfterValidator(many)]
    grown = list(stream_json(wishful_model("[1, 2, 3]"), "x", schema, partial=True))
    assert min(len(partial.value) for partial in grown) == 2

    stream = stream_json(wishful_model("[1]"), "x", schema, partial=True)
    with pytest.raises(RefusedOutputError):
        list(stream)
    with pytest.raises(RefusedOutputError):
        stream.result()

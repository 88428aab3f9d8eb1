"""Vocabularies without every byte: what is left of a grammar is live, exact, and nothing but what is left.

The judge is the same grammar over a vocabulary with every byte: a text is left when that takes it and it has
no missing byte.  Masks are compared with trying every token, byte by byte.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_json_schema, compile_lark, compile_part, compile_regex
from constrain.errors import ConstrainError, LimitExceeded, UnsupportedError
from constrain.matcher import CompiledGrammar
from constrain.parts import choice
from constrain.position import Position, Positions
from constrain.regular.queries import is_empty
from constrain.regular.some_bytes import made_of, occurring
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, byte_set, complement, difference, intersect, star
from constrain.report import check_text
from constrain.testing.random_schemas import schemas as all_keyword_schemas
from constrain.vocabulary.vocabulary import Vocabulary
from tests.lark_grammar.grammars import grammars
from tests.oracle import strings_over
from tests.strategies import first_part_schemas, small_patterns
from tests.test_promises import PIECES, valid
from tests.walks import exact_walk

SMOLLM2 = b"\x04\x06\x13\x14\x16\x1d\xf1\xf2"
PAIRS = [
    b"aa",
    b"ab",
    b"ba",
    b"abc",
    b"bc",
    b"ca",
    b"a b",
    b"b\xc3",
    b"\xc3\xa9",
    b"\xa9b",
    b"c\x04",
    b"\x04a",
]

Make = Callable[[Vocabulary], CompiledGrammar]


def vocabulary_without(missing: bytes, texts: Iterable[bytes] = PAIRS) -> Vocabulary:
    """Every byte but these is a token; the longer tokens may hold them."""
    return _vocabulary_without(missing, tuple(texts))


@lru_cache(maxsize=256)
def _vocabulary_without(missing: bytes, texts: tuple[bytes, ...]) -> Vocabulary:
    tokens: list[bytes | None] = [None if byte in missing else bytes((byte,)) for byte in range(256)]
    tokens += [text for text in dict.fromkeys(texts) if len(text) > 1]
    return Vocabulary.from_tokens([*tokens, None], eos_token_ids=[len(tokens)])


def is_left(full: CompiledGrammar, text: bytes, missing: bytes) -> bool:
    return not set(text) & set(missing) and check_text(full, text).conforms


def assert_what_is_left(
    make: Make, missing: bytes, rng: random.Random, texts: Iterable[bytes], pieces: Iterable[bytes] = PAIRS
) -> bytes | None:
    """Check all promises for one grammar; a text that was written, or None where nothing is left."""
    try:
        full = make(vocabulary_without(b"", pieces))
    except (ConstrainError, RecursionError):
        assume(False)
        raise
    walked = [exact_walk(full, rng, steps, trying=lambda *_: None).text for steps in (0, 6, 6)]
    candidates = [*texts, *walked]
    try:
        left = make(vocabulary_without(missing, pieces))
    except LimitExceeded:
        assume(False)
        raise
    except UnsupportedError:
        assert not [text for text in candidates if is_left(full, text, missing)]
        return None

    for text in candidates:
        assert check_text(left, text).conforms == is_left(full, text, missing), text
    text = exact_walk(left, rng, 18).text
    assert is_left(full, text, missing), text
    return text


def some_of(letters: bytes) -> st.SearchStrategy[bytes]:
    return st.sets(st.sampled_from(list(letters)), min_size=1, max_size=3).map(
        lambda found: bytes(sorted(found))
    )


@given(pattern=small_patterns("abc"), other=small_patterns("abc"), missing=some_of(b"abc"))
@settings(max_examples=300)
def test_bytes_taken_out_of_a_term_leave_the_strings_without_them(
    pattern: str, other: str, missing: bytes
) -> None:
    allowed = (1 << 256) - 1 - sum(1 << byte for byte in missing)
    one, two = regex_term(pattern), regex_term(other)
    for term in (one, intersect(one, two), difference(one, two), complement(two)):
        left = made_of(term, allowed)

        assert is_the_same(left, intersect(term, star(byte_set(allowed))))
        assert is_empty(difference(term, star(byte_set(occurring(term)))))


def is_the_same(one: Term, other: Term) -> bool:
    return is_empty(difference(one, other)) and is_empty(difference(other, one))


@given(pattern=small_patterns("abc"), missing=some_of(b"abc"), seed=st.integers(0, 2**32))
@settings(max_examples=80)
def test_what_is_left_of_a_regex(pattern: str, missing: bytes, seed: int) -> None:
    texts = [text.encode() for text in strings_over("abc", 4)]
    assert_what_is_left(lambda v: compile_regex(pattern, v), missing, random.Random(seed), texts)


KEYS_AND_VALUES = [
    {
        "type": "object",
        "propertyNames": {"pattern": "^(a|b*)$"},
        "additionalProperties": {"type": "integer"},
        "minProperties": 2,
    },
    {
        "type": "object",
        "propertyNames": {"pattern": "^(a|b*)$"},
        "additionalProperties": {"type": "integer"},
        "maxProperties": 3,
    },
    {
        "type": "object",
        "patternProperties": {"^a": {"const": 1}},
        "additionalProperties": {"enum": ["a", "b"]},
    },
    {"type": "object", "patternProperties": {"^a": {"const": "b"}, "b$": {"enum": ["a", "ab"]}}},
    {
        "type": "object",
        "patternProperties": {"^a": {"const": "b"}},
        "additionalProperties": {"type": "integer"},
        "minProperties": 1,
        "maxProperties": 3,
    },
    {"type": "object", "propertyNames": {"pattern": "^[ab]{1,2}$"}, "minProperties": 2},
    {
        "type": "object",
        "propertyNames": {"pattern": "^(a|b*)$"},
        "minProperties": 2,
        "properties": {"a": {"const": "b"}},
    },
    {
        "type": "array",
        "items": {"type": "string", "pattern": "^(a|bb*)$"},
        "uniqueItems": True,
        "minItems": 2,
    },
    {
        "$ref": "#/$defs/n",
        "$defs": {
            "n": {
                "anyOf": [
                    {"const": "b"},
                    {"type": "array", "items": {"$ref": "#/$defs/n"}, "minItems": 1, "maxItems": 2},
                ]
            }
        },
    },
    {
        "type": "object",
        "properties": {"a": {"const": 1}, "b": {"const": 2}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
]


OPTIONS = st.fixed_dictionaries(
    {
        "spelling": st.sampled_from(["canonical", "any"]),
        "property_order": st.sampled_from(["schema", "any"]),
        "whitespace": st.sampled_from(["default", "compact"]),
    }
)


def assert_what_is_left_of_a_schema(schema: Any, missing: bytes, seed: int, options: dict[str, Any]) -> None:
    pieces = [
        *(piece.encode() for piece in PIECES),
        b"a\x04",
        b"\xf1\x80",
        b'":1,"',
        b'":1}',
        b'a":1,"',
        b'a"',
    ]
    documents = [json.dumps(value).encode() for value in ("a", "b", "", 1, 2, [], {}, {"a": "b"}, {"b": "a"})]
    text = assert_what_is_left(
        lambda v: compile_json_schema(schema, v, **options), missing, random.Random(seed), documents, pieces
    )

    if text is not None:
        value = json.loads(text)
        assume("inf" not in repr(value))  # beyond the doubles (1e400) the two validators see no number
        assert valid(schema, value)


@given(
    schema=first_part_schemas() | all_keyword_schemas(),
    missing=some_of("abé1-,ulq \n".encode()) | st.just(SMOLLM2),
    seed=st.integers(0, 2**32),
    options=OPTIONS,
)
@settings(max_examples=150)
def test_what_is_left_of_a_schema(schema: Any, missing: bytes, seed: int, options: dict[str, Any]) -> None:
    assert_what_is_left_of_a_schema(schema, missing, seed, options)


@given(
    schema=st.sampled_from(KEYS_AND_VALUES),
    missing=some_of(b"ab1"),
    seed=st.integers(0, 2**32),
    options=OPTIONS,
)
@settings(max_examples=150)
def test_what_is_left_of_keys_and_items_that_run_out(
    schema: Any, missing: bytes, seed: int, options: dict[str, Any]
) -> None:
    """Of endless keys a few may be left, and each may be written once: nothing leads on after the last."""
    assert_what_is_left_of_a_schema(schema, missing, seed, options)


@given(grammar=grammars(), missing=some_of(b"ab "), seed=st.integers(0, 2**32))
@settings(max_examples=60)
def test_what_is_left_of_a_lark_grammar(grammar: str, missing: bytes, seed: int) -> None:
    texts = [text.encode() for text in strings_over("ab ", 3)]
    assert_what_is_left(lambda v: compile_lark(grammar, v), missing, random.Random(seed), texts)


@given(
    texts=st.lists(st.text("abcé\x04", min_size=1, max_size=4), min_size=1, max_size=5, unique=True),
    missing=some_of("abé\x04".encode()),
    seed=st.integers(0, 2**32),
)
def test_what_is_left_of_a_choice(texts: list[str], missing: bytes, seed: int) -> None:
    given_texts = [text.encode() for text in texts]
    assert_what_is_left(lambda v: compile_part(choice(texts), v), missing, random.Random(seed), given_texts)


@given(
    document=st.text("abcé\x04", min_size=1, max_size=8),
    missing=some_of("abé\x04".encode()),
    seed=st.integers(0, 2**32),
)
def test_what_is_left_of_a_document(document: str, missing: bytes, seed: int) -> None:
    """A verbatim value crosses no missing byte of its document."""
    texts = [
        document.encode(),
        document[1:3].encode(),
        json.dumps([document[:2]], ensure_ascii=False).encode(),
    ]
    rng = random.Random(seed)
    assert_what_is_left(lambda v: compile_regex("[a-zé\x04]{1,3}", v, verbatim=document), missing, rng, texts)
    schema = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}
    assert_what_is_left(lambda v: compile_json_schema(schema, v, verbatim=document), missing, rng, texts)


def test_a_way_into_a_text_that_cannot_be_completed_is_closed() -> None:
    vocabulary = vocabulary_without(b"\x04")
    matcher = compile_regex("(a|b\x04)c", vocabulary).matcher()

    assert [vocabulary.tokens[token] for token in matcher.allowed_token_ids()] == [b"a"]


def test_a_bracket_that_cannot_be_closed_is_not_opened() -> None:
    """The rule that needs a missing byte calls itself, so there is no end to look for."""
    vocabulary = vocabulary_without(b"\x04")
    matcher = compile_lark('start: "a" | "(" start "\\x04"', vocabulary).matcher()

    assert [vocabulary.tokens[token] for token in matcher.allowed_token_ids()] == [b"a"]


def test_a_property_that_cannot_be_written_is_left_out() -> None:
    vocabulary = vocabulary_without(SMOLLM2)
    schema = {"type": "object", "properties": {"a": {"const": "\U00040000"}}, "additionalProperties": False}

    assert compile_json_schema(schema, vocabulary, whitespace="compact").matcher().forced_bytes() == b"{}"


REFUSED = [
    (
        lambda vocabulary: compile_regex("(x|y)\x04z", vocabulary),
        "each text of this grammar has a byte that no token of this vocabulary writes: 04\n"
        '    "x z"\n      ^\n'
        "hint: allow another text there, or give the vocabulary of a model that has the byte",
    ),
    (
        lambda vocabulary: compile_json_schema({"enum": ["\U00040000", "\U00050000b"]}, vocabulary),
        "each text of this grammar has a byte that no token of this vocabulary writes: f1\n"
        '    ""\U00040000""\n      ^\n'
        "hint: allow another text there, or give the vocabulary of a model that has the byte",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_refuses_by_place_a_grammar_of_which_nothing_is_left(make: Make, message: str) -> None:
    with pytest.raises(UnsupportedError) as refused:
        make(vocabulary_without(SMOLLM2))

    assert str(refused.value) == message


def test_tokens_behind_a_line_break_are_not_tried_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a bracket captures is a matter of form: the keys behind it are the same in lines of every unit."""
    words = [b" " + bytes(letters) for letters in itertools.product(b"abcdefgh", repeat=3)]
    vocabulary = vocabulary_without(b"\x04", words)
    matcher = compile_json_schema({"type": "object"}, vocabulary).matcher()
    for byte in b"{\n":
        assert matcher.accept_token(vocabulary.tokens.index(bytes((byte,))))
    tried: list[int] = []
    advance = Positions.advance

    def counted(self: Positions, position: Position, token_id: int) -> Position | None:
        tried.append(token_id)
        return advance(self, position, token_id)

    monkeypatch.setattr(Positions, "advance", counted)

    assert len(matcher.allowed_token_ids()) < len(words)
    assert len(tried) < 50

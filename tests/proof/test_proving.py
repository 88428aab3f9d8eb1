"""What the kit says: of grammars that are right, nothing; of what it cannot decide, that."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from constrain.errors import ConstrainError, InvalidInputError, RegexError
from constrain.proof.judges import lark_judges, verdicts
from constrain.proof.laws import Case, broken
from constrain.proof.page import as_page
from constrain.proof.proving import Proof, prove
from constrain.proof.shrinking import shrunk
from constrain.proof.small import small_vocabulary
from constrain.proof.subject import Subject, lark_subject, pattern_subject, schema_subject, tools_subject
from constrain.proof.walkers import WALKERS, Menu
from constrain.testing.random_schemas import schemas
from tests.strategies import small_patterns

VOCABULARY = small_vocabulary()


class Person(BaseModel):
    name: str
    age: int = Field(ge=0, le=150)


def get_weather(city: str, days: int = 1) -> str:
    """The weather."""
    return f"{city} {days}"


SUBJECTS: dict[str, Subject] = {
    "type": schema_subject(Person, VOCABULARY),
    "schema": schema_subject({"type": "array", "items": {"type": "number"}}, VOCABULARY),
    "pattern": pattern_subject(r"(ab|c)+[0-9]{2}", VOCABULARY),
    "grammar": lark_subject('start: "a" start "b" | "c"', VOCABULARY),
    "tools": tools_subject([get_weather, Person], VOCABULARY),
}


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_grammar_of_each_kind_is_proved(name: str) -> None:
    proof = prove(SUBJECTS[name], 90)

    assert proof.failures == []
    assert proof.outputs == dict.fromkeys(WALKERS, 10)
    assert all(count == 90 for count in proof.judged.values())
    assert proof.good


@given(schemas(), st.integers(0, 99))
@settings(max_examples=60)
def test_schemas_of_every_keyword_are_proved(schema: Any, seed: int) -> None:
    try:
        subject = schema_subject(schema, VOCABULARY)
    except ConstrainError:
        assume(False)
        raise
    proof = prove(subject, 18, seed=seed)

    assert proof.failures == [], str(proof)


@given(small_patterns("ab"), st.integers(0, 99))
@settings(max_examples=40)
def test_patterns_are_proved(pattern: str, seed: int) -> None:
    proof = prove(pattern_subject(pattern, VOCABULARY), 9, seed=seed)

    assert proof.failures == [], str(proof)


def test_a_seed_repeats_what_it_wrote_and_another_does_not() -> None:
    """What a failure says can be looked at again, and a second run is no copy of the first."""
    tokens = [prove(SUBJECTS["type"], 45, seed=seed).tokens for seed in (3, 3, 4)]

    assert tokens[0] == tokens[1] != tokens[2]


def test_a_proof_of_nothing_is_not_good() -> None:
    assert not Proof().good


@given(
    st.sampled_from(list(WALKERS.values())),
    st.sets(st.integers(0, VOCABULARY.size - 1), min_size=1),
    st.data(),
)
def test_a_walker_takes_what_is_on_the_menu(walker: Any, ids: set[int], data: st.DataObject) -> None:
    menu = Menu(np.array(sorted(ids), dtype=np.int32))
    before = data.draw(st.integers(0, VOCABULARY.size - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))

    assert {walker.choose(menu, VOCABULARY, rng, before) for _ in range(5)} <= ids


def test_walkers_write_what_they_are_named_for() -> None:
    """Of lists in lists, the one that opens opens most; the lover of whitespace writes most of it."""
    nested: dict[str, Any] = {"type": "array", "items": {"$ref": "#"}}
    subject = schema_subject(nested, VOCABULARY, whitespace="any")

    def written(name: str, what: bytes) -> int:
        texts: list[bytes] = []
        from constrain.proof.proving import outputs

        texts += outputs(subject, Proof(), 12, seed=0, walkers=[WALKERS[name]], budgets=[60])
        return sum(text.count(what) for text in texts)

    assert written("opens", b"[") > 2 * written("uniform", b"[")
    assert written("whitespace lover", b" ") > 2 * written("uniform", b" ")


TOKENS = st.integers(0, 10**6)
CASES = st.one_of(
    st.builds(Case, st.sampled_from(laws), st.lists(TOKENS, max_size=5).map(tuple), token, st.integers(0, 99))
    for laws, token in (
        (["exact", "one rule", "fork"], TOKENS),
        (["live", "rollback", "finished", "sound", "complete"], st.none()),
    )
)


@given(CASES)
def test_a_case_is_read_as_it_was_written(case: Case) -> None:
    assert Case.read(str(case)) == case


@pytest.mark.parametrize(
    "text",
    [
        "",
        "exact",
        "nothing:1,2",
        "exact:a",
        "live:1>",
        "live:1>2",
        "exact:1",
        "sound:1,,2",
        "sound:9999999999",
    ],
)
def test_what_is_no_case_is_told(text: str) -> None:
    with pytest.raises(InvalidInputError) as problem:
        Case.read(text)

    where = f"\n    at {text}" if text else ""
    assert str(problem.value) == (
        f"this is no case of a proof{where}\nhint: paste what a failure says: exact:12,5>77"
    )


@given(st.integers(0, 60))
def test_what_is_shrunk_breaks_the_same_law_and_is_no_longer(seed: int) -> None:
    """A judge that refuses a digit 7: the shortest text with one is found from any."""
    from constrain.proof.judges import Judge

    pattern = re.compile("[0-9]{0,30}")
    plain = pattern_subject(pattern, VOCABULARY)
    judge = Judge("no sevens", lambda text: "a seven" if "7" in text else None)
    subject = Subject("digits", plain.compiled, [judge])
    text = "".join(random.Random(seed).choices("0123456789", k=29)) + "7"
    case = Case("sound", tuple(text.encode()))
    small = shrunk(subject, case)

    assert broken(subject, small) == "no sevens: a seven"
    assert VOCABULARY.decode(small.tokens) == b"7"


def test_a_report_is_text_data_and_a_page() -> None:
    proof = prove(SUBJECTS["type"], 9)
    data = json.loads(json.dumps(proof.as_json()))

    assert data["good"]
    assert (data["outputs"], data["failures"]) == (9, [])
    assert str(proof).endswith("failures: none")
    assert "<title>Person: holds</title>" in as_page(proof, "Person")
    assert proof._repr_html_().startswith("<pre>9 outputs of ")


@pytest.mark.parametrize(
    ("terminal", "said"), [("/b/", {"lark": None}), ("/^b/", {}), ("/[^$]/", {"lark": None}), ("/c/", None)]
)
def test_lark_has_no_opinion_on_a_terminal_that_looks_around_itself(
    terminal: str, said: dict[str, None] | None
) -> None:
    """To Lark, `^` is the beginning of the whole text; to the grammar, that of the terminal."""
    found = verdicts(lark_judges(f'start: "a" T\nT: {terminal}'), "ab")

    assert found == said if said is not None else found["lark"]


def test_a_pattern_that_re_cannot_read_is_proved_without_it() -> None:
    """Lookbehind of several widths; what we cannot read either ends in our own error."""
    proof = prove(pattern_subject("(?<=^|,)b", VOCABULARY), 9)

    assert proof.good
    assert (dict(proof.judged), dict(proof.silent)) == ({}, {"re": 9})
    with pytest.raises(RegexError):
        pattern_subject("(", VOCABULARY)


def test_a_schema_is_proved_as_text_too() -> None:
    """Its decimals are not rounded."""
    assert prove(schema_subject('{"type": "number", "maximum": 0.1}', VOCABULARY), 18).good


@given(st.sampled_from(["maximum", "minimum"]), st.booleans(), st.booleans(), st.integers(-2, 2))
@settings(max_examples=20)
def test_what_draft_4_says_of_exclusive_bounds_is_judged_as_it_is_meant(
    bound: str, exclusive: bool, is_bounded: bool, number: int
) -> None:
    """In schemas that name no draft too, as the grammar reads them."""
    schema = {"type": "integer", f"exclusive{bound.capitalize()}": exclusive}
    schema |= {bound: number} if is_bounded else {}

    assert prove(schema_subject(schema, VOCABULARY), 9).good

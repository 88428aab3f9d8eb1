"""Whatever text comes in, an answer or a documented error comes of it, and what is answered keeps every law.

`benchmarks/fuzz.py` looks at many more, those that reach something new first; what it has found is kept in
`tests/corpus/`.  Nothing here looks at a clock.
"""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import front_ends, fuzz
from benchmarks.front_ends import FRONT_ENDS, NoSource, pattern_of
from benchmarks.fuzz import Look, corpus, near
from constrain.proof import laws
from constrain.proof.laws import Case
from constrain.regular.keeping import forget

RANDOMS = st.randoms(use_true_random=False)


@pytest.mark.parametrize("what", FRONT_ENDS)
def test_every_source_of_the_corpus_ends_in_an_answer_or_a_documented_error(what: str) -> None:
    """What once broke a front end does not do so again."""
    look = Look(what, 0)
    forget()
    said: list[str] = []
    for entry in corpus(what):
        look.look(entry["source"], said.append)

    assert said == []
    assert look.counts["answered"]
    assert look.counts.total() > look.counts["answered"] + look.counts["no source"]


@pytest.mark.parametrize("what", sorted(FRONT_ENDS.keys() - {"grammars"}))
@given(rng=RANDOMS)
@settings(max_examples=20)
def test_what_is_near_the_corpus_does_too(what: str, rng: random.Random) -> None:
    """Grammars have a test of their own in `tests/test_hostile.py`: Lark's parser may take hours to judge."""
    said: list[str] = []
    Look(what, 0).look(near(what, rng), said.append)

    assert said == []


@pytest.mark.parametrize("what", FRONT_ENDS)
def test_the_corpus_is_text_that_is_there_once(what: str) -> None:
    sources = [entry["source"] for entry in corpus(what)]

    assert len(sources) == len(set(sources))
    assert max(map(len, sources)) <= fuzz.MAX_SIZE


def test_a_fault_is_made_smaller_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rollback that took more back than there was, as it once was."""

    def taken_back(matcher: object, case: Case) -> str | None:
        return "it is elsewhere" if case.count > len(case.tokens) else None

    monkeypatch.setattr(laws, "_not_taken_back", taken_back)
    said: list[str] = []
    look = Look("cases", 0)
    for source in ("rollback:97@1", "rollback:97@300", "rollback:97@2", "exact"):
        look.look(source, said.append)

    assert said == ['FAULT unsound output\n    unsound: it is elsewhere\n    "rollback:97@3"']
    assert look.counts == {"answered": 1, "FAULT unsound output": 2, "InvalidInputError": 1}


def test_other_errors_than_the_documented_ones_are_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(source: str, rng: random.Random) -> None:
        raise KeyError(source) if source else NoSource

    monkeypatch.setattr(
        front_ends, "FRONT_ENDS", {"odd": front_ends.FrontEnd(opened, lambda rng, text: text)}
    )
    look = Look("odd", 0)

    assert look.outcome("ab") == ("FAULT KeyError in test_fuzzing.py: opened", "'ab'")
    assert look.outcome("") == ("no source", "")


@pytest.mark.parametrize(
    ("tree", "pattern"),
    [
        ("a.", r"a\."),
        ({"sequence": ["a", {"either": ["b", {"regex": "c+"}]}]}, "(?:a(?:b|(?:c+)))"),
        ({"repeated": "ab", "low": 1}, "(?:ab){1,}"),
        ({"tags": [["<a>", "b", "!"]]}, r"(?:(?:(?!<a>)[\s\S])*(?:<a>b!))*(?:(?!<a>)[\s\S])*"),
        (
            {"tags": [["<a>", "b", "!"]], "triggers": ["<"], "first": True, "once": True},
            r"(?:(?!<)[\s\S])*(?:<a>b!)",
        ),
        ({"sequence": [{"free": ["a"]}, "b"]}, None),
        ({"regex": "a$"}, None),
    ],
)
def test_structures_are_judged_by_a_pattern(tree: object, pattern: str | None) -> None:
    """Where `re` can say the same: a part's own borders it does not see."""
    assert pattern_of(tree) == pattern


def test_lines_are_those_of_functions_that_run() -> None:
    source = json.dumps({"type": "string", "format": "date"})
    reached = fuzz.reached_by(Look("schemas", 0), source)
    formats = [file for file, _ in reached if file.endswith("formats.py")]

    assert formats
    assert reached & fuzz.lines_of(formats[0])
    assert not fuzz.reached_by(Look("cases", 0), "") & fuzz.lines_of(formats[0])

"""Hostile inputs keep the promises, in a process that knows nothing and in one that has met others.

`benchmarks/hostile.py` makes the same inputs by the thousand.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks import hostile
from benchmarks.hostile import Case, Hunt, make_case
from constrain.compiler import compile_json_schema, compile_lark, compile_regex
from constrain.errors import ConstrainError
from constrain.matcher import CompiledGrammar
from constrain.regular.keeping import forget
from constrain.vocabulary.vocabulary import Vocabulary
from tests import hostile_inputs
from tests.hostile_inputs import VOCABULARY
from tests.walks import exact_walk

ROOT = Path(__file__).parent.parent
MAX_STEPS = 20_000

RANDOMS = st.randoms(use_true_random=False)
SEEDS = st.integers(0, 2**32)
PATTERNS = RANDOMS.map(lambda rng: hostile_inputs.pattern(rng, 1))
SCHEMAS = RANDOMS.map(lambda rng: hostile_inputs.schema(rng, 2))
GRAMMARS = RANDOMS.map(hostile_inputs.grammar)
COUNTED = RANDOMS.map(hostile_inputs.counted_pattern)
LONG = st.builds(
    lambda schema, name, length: {"type": "string", "pattern": schema["pattern"], name: length},
    COUNTED,
    st.sampled_from(["minLength", "maxLength"]),
    st.sampled_from([1 << 31, 1 << 63, 10**30]),
)
"""Lengths that no machine word holds."""
EXCHANGED = RANDOMS.map(hostile_inputs.exchanged_counts)
CLOSED = RANDOMS.map(hostile_inputs.closed_object)
OPTIONS = RANDOMS.map(hostile_inputs.options)


def compiled(make: Callable[..., CompiledGrammar], source: Any, **options: Any) -> CompiledGrammar:
    """Compile for the toy vocabulary; what is refused by name is not what these tests are about."""
    try:
        return make(source, VOCABULARY, max_steps=MAX_STEPS, **options)
    except ConstrainError:
        assume(False)
        raise


def assert_exact(grammar: CompiledGrammar, seed: int, *, steps: int = 8) -> None:
    """Walk; what takes more steps than MAX_STEPS on the way is refused by name as well."""
    try:
        exact_walk(grammar, random.Random(seed), steps)
    except ConstrainError:
        assume(False)


@given(PATTERNS, SEEDS)
@settings(max_examples=150)
def test_masks_of_patterns_are_exact_at_every_step(pattern: str, seed: int) -> None:
    """Control bytes, look-around, and tokens longer than walks look at one by one."""
    forget()
    assert_exact(compiled(compile_regex, pattern), seed)


@given(GRAMMARS, SEEDS)
@settings(max_examples=25)
def test_masks_of_grammars_are_exact_at_every_step(grammar: str, seed: int) -> None:
    """Tokens cross terminals that begin and end with anything, NUL too."""
    forget()
    assert_exact(compiled(compile_lark, grammar), seed)


@given(COUNTED | LONG, OPTIONS, SEEDS)
@settings(max_examples=150)
def test_masks_of_lengths_beside_patterns_are_exact_at_every_step(
    schema: Any, options: dict[str, Any], seed: int
) -> None:
    """Up to a thousand characters, whether the pattern ends soon, late or only together with another one."""
    forget()
    assert_exact(compiled(compile_json_schema, schema, **options), seed, steps=5)


@given(CLOSED, OPTIONS, SEEDS)
@settings(max_examples=80)
def test_a_closed_object_is_never_left_without_a_key_it_needs(
    schema: Any, options: dict[str, Any], seed: int
) -> None:
    """In the author's order a key that is passed over cannot come any more; enough must be left."""
    forget()
    assert_exact(compiled(compile_json_schema, schema, **options), seed, steps=12)


@given(SCHEMAS, OPTIONS, SEEDS)
@settings(max_examples=60)
def test_masks_of_schemas_are_exact_at_every_step(schema: Any, options: dict[str, Any], seed: int) -> None:
    """Keywords of all kinds, keys and values with control characters."""
    forget()
    assert_exact(compiled(compile_json_schema, schema, **options), seed)


LOOPS = st.builds(
    lambda low, high, star, end: f"[\\x{min(low, high):02x}-\\x{max(low, high):02x}]{star}{end}",
    st.integers(32, 60),
    st.integers(90, 126),
    st.sampled_from(["*", "*[#-~]", "*[&-~]", "{0,40}"]),
    st.sampled_from(["!", r"\t", r"\n", "é"]),
)
RUNS = st.builds(
    lambda one, count, end: one * count + end,
    st.sampled_from(["[ -~]?", "[!-~]?", "[^a]?", "a?"]),
    st.sampled_from([25, 30, 40]),
    st.sampled_from(["!", "é", ""]),
)


@given(st.lists(LOOPS | PATTERNS, max_size=12), LOOPS | RUNS | PATTERNS, SEEDS)
@settings(max_examples=100)
def test_masks_are_exact_whatever_the_process_did_before(history: list[str], pattern: str, seed: int) -> None:
    """States, rows and tables of others are shared; what is known of one must hold for it alone."""
    forget()
    for other in history:
        try:
            compile_regex(other, VOCABULARY, max_steps=MAX_STEPS).matcher().allowed_token_ids()
        except ConstrainError:
            continue
    assert_exact(compiled(compile_regex, pattern), seed, steps=2)


@given(EXCHANGED, SEEDS)
@settings(max_examples=60)
def test_a_count_moved_from_one_part_of_a_string_to_the_other_makes_another_string(
    schemas: list[Any], seed: int
) -> None:
    """Both are the same string without their counts."""
    forget()
    for schema in schemas:
        assert_exact(compiled(compile_json_schema, schema), seed, steps=3)


# The real vocabulary


@pytest.fixture(scope="module")
def vocabulary(llama3_tokenizer: Any) -> Vocabulary:
    return Vocabulary.from_tokenizer(llama3_tokenizer, cache=False)


@pytest.mark.parametrize("what", ["patterns", "grammars", "walks"])
def test_the_promises_hold_over_128_256_tokens(what: str, vocabulary: Vocabulary) -> None:
    """A few cases of the long run; each is tried at one step, and all share what they have learned."""
    hunt = Hunt(vocabulary, True, 0)
    forget()
    outcomes = {number: hunt.outcome(make_case(what, 2, number, [])) for number in range(3)}

    assert "answered" in {outcome for outcome, _ in outcomes.values()}
    assert not {n: said for n, said in outcomes.items() if said[0].startswith("FAULT")}


TARGETS = ["[ -~]?" * 40 + "!", r"\0|\d", "[ -~]{0,40}\t", "(ab|dd)*[a-c]"]
BEFORE = [r"[ -~]*\n", *(rf"[!-z]*[\x{33 + number:02x}-~]\t" for number in range(9))]


def digests(patterns: list[str], vocabulary: Vocabulary) -> list[str]:
    """A hash of the first mask of each."""
    masks = [compile_regex(pattern, vocabulary).matcher().allowed_token_ids() for pattern in patterns]
    return [hashlib.sha256(mask.tobytes()).hexdigest() for mask in masks]


def test_a_fresh_process_makes_the_same_masks(vocabulary: Vocabulary) -> None:
    """Another process, which has met nothing, against this one, which has met ten other patterns."""
    program = (
        "from constrain import load; from tests.test_hostile import TARGETS, digests;"
        "print(*digests(TARGETS, load().vocabulary))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = []
    for target in TARGETS:
        for count in (4, 9, 10):
            forget()
            digests(BEFORE[:count], vocabulary)
            found += digests([target], vocabulary)

    assert found == [digest for digest in done.stdout.split() for _ in range(3)]


# The long run itself


@pytest.mark.parametrize("what", ["patterns", "schemas", "grammars", "walks"])
def test_a_short_run_finds_nothing(what: str) -> None:
    """A dozen cases of each kind, as the long run makes them."""
    said: list[str] = []
    counts = hostile.run(
        Hunt(VOCABULARY, False, 0), lambda number: make_case(what, 5, number, []), range(12), said.append
    )

    assert said == []
    assert counts["answered"]


def test_a_fault_is_made_smaller_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it takes to repeat it is all that a reader needs."""

    def walk(compiled: CompiledGrammar, *_: object, **__: object) -> None:
        if compiled.positions.start.can_end:
            raise AssertionError("no token is allowed after b''")
        raise KeyError("rocket")

    monkeypatch.setattr(hostile, "exact_walk", walk)
    cases = [Case("patterns", source, {"flags": 0}, False, 7) for source in ("(ab)*c?", "abc", "(")]
    said: list[str] = []
    counts = hostile.run(Hunt(VOCABULARY, False, 0), cases.__getitem__, range(3), said.append)

    assert counts == {"FAULT empty mask": 1, "FAULT KeyError in test_hostile.py: walk": 1, "RegexError": 1}
    assert said == [
        "FAULT empty mask: case 0\n    no token is allowed after b''\n"
        "    patterns: '(ab)*c?' {'flags': 0} walk 7",
        "  smaller: patterns: '' {'flags': 0} walk 7\n    no token is allowed after b''",
        "FAULT KeyError in test_hostile.py: walk: case 1\n    'rocket'\n"
        "    patterns: 'abc' {'flags': 0} walk 7",
        "  smaller: patterns: 'c' {'flags': 0} walk 7\n    'rocket'",
    ]

"""All work is counted: few steps, few calls, whatever the input is blown up in.

A loop that depends on the input and does not spend is found without a clock.  Python counts its own calls
(`sys.setprofile`), and an input that is far too large for a budget of STEPS must be refused after at most
CALLS_PER_STEP calls for each of them, beyond what reading it takes.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import partial
from types import FrameType
from typing import Any, TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.limits import word
from constrain import budget as budgets
from constrain.budget import budget, spend
from constrain.compiler import compile_json_schema, compile_lark, compile_part, compile_regex
from constrain.errors import ConstrainError, LimitExceeded, SchemaError, UnsatisfiableError
from constrain.json_schema.matching import has_matching
from constrain.json_schema.number_set import Clause, NumberSet
from constrain.json_schema.values import values_of
from constrain.matcher import CompiledGrammar
from constrain.parts import lark, regex
from constrain.regular.keeping import forget
from constrain.regular.queries import is_empty
from constrain.regular.syntax import regex_term
from tests.oracle import toy_vocabulary

VOCABULARY = toy_vocabulary([b'{"', b'":', b'",', b"true", b"abc", b"10"])
STEPS = 500
CALLS_PER_STEP = 100
CALLS_PER_VALUE = 20
TOKENS = 12

UNIQUE = {"type": "array", "uniqueItems": True}

T = TypeVar("T")

compile_regex(r"\w\d\s\W", VOCABULARY)  # the tables of Unicode are made once, and depend on no input
compile_json_schema({"type": "string"}, VOCABULARY).matcher().allowed_token_ids()


class TooManyCalls(BaseException):
    """More calls and returns than the steps of a budget allow."""


class Counted:
    """Runs calls with a limit on how many calls of Python's they make."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.made = 0

    def __call__(self, call: Callable[[], T]) -> T:
        """What it returns, or TooManyCalls from where they were too many."""
        left = self.most

        def count(frame: FrameType, event: str, _argument: object) -> None:
            nonlocal left
            left -= 1
            if left < 0 and event == "call":
                sys.setprofile(None)
                raise TooManyCalls

        sys.setprofile(count)
        try:
            return call()
        finally:
            sys.setprofile(None)
            self.made = self.most - left


def values_in(made: Any) -> int:
    """How many values an input holds: reading it takes some calls for each."""
    if isinstance(made, dict):
        return 1 + sum(values_in(inner) for inner in made.values())
    return 1 + sum(map(values_in, made)) if isinstance(made, list) else 1


def check_work(made: Any, compile_input: Callable[[], CompiledGrammar]) -> None:
    """Compiling, and each mask and token of a random text, is answered or refused within its calls."""
    counted = Counted(CALLS_PER_STEP * STEPS + CALLS_PER_VALUE * values_in(made))
    rng = random.Random(0)
    try:
        matcher = counted(compile_input).matcher()
        for _ in range(TOKENS):
            allowed = counted(matcher.allowed_token_ids)
            assert counted(partial(matcher.accept_token, int(rng.choice(list(allowed)))))
            if matcher.is_terminated():
                break
    except ConstrainError:
        pass


words = st.integers(0, 1_000).map(lambda seed: word(seed, 6))
patterns = st.sampled_from(
    ["^a", "a.{9}b", "(.*a){5}", "^[a-z]{2,30}$", "^(?!b)", r"\d+", "z$", r"^\w+-", "(a|ab)*c"]
)
scalars = st.one_of(
    st.builds(lambda n: {"const": n}, st.integers(0, 9)),
    st.builds(lambda n: {"multipleOf": n}, st.integers(2, 30)),
    st.builds(lambda n: {"minimum": n}, st.integers(0, 30)),
    st.builds(lambda p: {"type": "string", "pattern": p}, patterns),
    st.builds(lambda n: {"type": "string", "minLength": n}, st.integers(0, 60)),
    st.just({"type": "boolean"}),
)
sizes = st.sampled_from([30, 300, 3_000, 10_000])


@st.composite
def blown_up(draw: st.DrawFn) -> dict[str, Any]:
    """A schema with one dimension blown up, alone, under a combinator or in a property."""
    size = draw(sizes)
    several = [draw(scalars) for _ in range(4)]

    def each(number: int) -> dict[str, Any]:
        return several[number % 4]

    family: Callable[[], dict[str, Any]] = draw(
        st.sampled_from(
            [
                lambda: {"enum": [word(n, 8) for n in range(size)]},
                lambda: {"enum": list(range(size))},
                lambda: {"enum": [n / 8 for n in range(size)]},
                lambda: {"enum": [[n, {"a": n}] for n in range(size)]},
                lambda: {"not": {"enum": list(range(size))}, "type": "integer"},
                lambda: {"const": list(range(size))},
                lambda: {"const": {f"k{n}": n for n in range(size)}},
                lambda: {"const": "x" * size * 10},
                lambda: {"type": "string", "minLength": size * 7, "pattern": "^([a-z]{2,3}-)*$"},
                lambda: {**UNIQUE, "minItems": size, "items": {"enum": list(range(size))}},
                lambda: {
                    **UNIQUE,
                    "minItems": size,
                    "prefixItems": [{"enum": list(range(n, n + 9))} for n in range(size)],
                },
                lambda: {**UNIQUE, "contains": each(0), "minContains": size},
                lambda: {"type": "array", "contains": each(0), "minContains": size, "maxItems": size + 3},
                lambda: {
                    "type": "array",
                    "maxItems": size,
                    "allOf": [{"contains": each(n), "maxContains": 2 + n} for n in range(min(size, 30))],
                },
                lambda: {
                    "type": "array",
                    "allOf": [{"contains": {"minimum": n}} for n in range(min(size, 300))],
                },
                lambda: {
                    "type": "array",
                    "not": {"uniqueItems": True},
                    "prefixItems": [{"const": n} for n in range(size)],
                    "items": False,
                },
                lambda: {
                    "type": "object",
                    "properties": {f"p{n}": each(n) for n in range(size)},
                    "minProperties": 2,
                },
                lambda: {
                    "type": "object",
                    "patternProperties": {f"^.{{{n}}}x": each(n) for n in range(min(size, 300))},
                    "minProperties": 2,
                },
                lambda: {"type": "object", "required": [f"p{n}" for n in range(size)], "maxProperties": size},
                lambda: {
                    "type": "object",
                    "minProperties": 2,
                    "dependentSchemas": {
                        f"k{n}": {"properties": {f"k{n + 1}": False}} for n in range(min(size, 300))
                    },
                },
                lambda: {"anyOf": [{"type": "string", "pattern": f"^{word(n, 4)}"} for n in range(size)]},
                lambda: {"allOf": [{"type": "string", "pattern": word(n, 2)} for n in range(min(size, 300))]},
                lambda: {"oneOf": [{"type": "object", "required": [f"k{n}"]} for n in range(min(size, 300))]},
                lambda: {"oneOf": [{"const": n} for n in range(size)]},
                lambda: {
                    "allOf": [
                        {"if": {"properties": {"t": {"const": n}}}, "then": {"properties": {"v": each(n)}}}
                        for n in range(min(size, 300))
                    ]
                },
            ]
        )
    )  # fmt: skip
    made = family()
    around: Callable[[dict[str, Any]], dict[str, Any]] = draw(
        st.sampled_from(
            [
                lambda schema: schema,
                lambda schema: {"not": {"not": schema}},
                lambda schema: {"anyOf": [schema, each(1)]},
                lambda schema: {"allOf": [schema, {"not": each(2)}]},
                lambda schema: {"type": "object", "properties": {"a": schema}, "required": ["a"]},
                lambda schema: {"type": "array", "items": schema, "uniqueItems": True, "minItems": 2},
            ]
        )
    )
    return around(made)


@settings(max_examples=120, deadline=None)
@given(blown_up(), st.sampled_from([{}, {"spelling": "any"}, {"property_order": "any"}]))
def test_a_schema_takes_no_more_calls_than_its_steps_allow(schema: dict[str, Any], options: Any) -> None:
    """Whatever is blown up in it: every loop spends."""
    check_work(schema, lambda: compile_json_schema(schema, VOCABULARY, max_steps=STEPS, **options))


@settings(max_examples=60, deadline=None)
@given(
    sizes,
    st.lists(st.sampled_from(["a", "b?", "[a-c]{2,9}", "(?:ab|c)", ".*", "(?=.*d)", r"\w"]), min_size=1),
)
def test_a_pattern_takes_no_more_calls_than_its_steps_allow(size: int, pieces: list[str]) -> None:
    """Long, counted, and both."""
    for text in ("".join(pieces) * (size // len(pieces) + 1), f"(?:{''.join(pieces)}){{1,{size}}}x"):
        check_work(list(text), lambda text=text: compile_regex(text, VOCABULARY, max_steps=STEPS))


@settings(max_examples=40, deadline=None)
@given(
    sizes,
    st.sampled_from(['r{n}: "a{n}" r{m}', "r{n}: r{m} r{m}", 'r{n}: r{m} "b"?', "r{n}: /[a-z]{{{k}}}/ r{m}"]),
)
def test_a_grammar_takes_no_more_calls_than_its_steps_allow(size: int, rule: str) -> None:
    """Reading it is Lark's work, and is not counted; what is made of it is."""
    size = min(size, 300)
    rules = [rule.format(n=n, m=n + 1, k=n % 9 + 1) for n in range(size)]
    part = lark("\n".join(["start: r0", *rules, f'r{size}: "c"']))

    check_work([], lambda: compile_part(part, VOCABULARY, max_steps=STEPS))


ENOUGH = 10**9
CALLS_WITHOUT_A_STEP = 1_000


def check_share(
    question: Callable[[], object], most: int = ENOUGH, calls_per_step: int = CALLS_PER_STEP
) -> None:
    """Each `calls_per_step` calls of a question are a step of the budget at least, until `most` are spent."""
    counted = Counted(ENOUGH)
    spent = 0.0
    with suppress(LimitExceeded), budget(most, "this"):
        try:
            counted(question)
        finally:
            spent = most - budgets._spending.left

    assert counted.made <= CALLS_WITHOUT_A_STEP + calls_per_step * spent


counted_parts = st.sampled_from(
    [r"[a-z]{1,63}", r"(?:-[a-z]{1,63})*", r"(?:a|bb){3,40}", r".{65,}", r"\w*", r"(?:a[^b]{9})*", r"\b"]
)
looked_for = st.lists(
    st.sampled_from(["a", ".", "ab", "[ab]{0,28}", ".{9,}", r"[^\d]{65,}", "x{24,40}", "(?:ab?|c){2,}"]),
    min_size=1,
    max_size=5,
)
looks_behind = st.builds(lambda mark, parts: f"(?<{mark}{''.join(parts)})", st.sampled_from("=!"), looked_for)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(counted_parts | looks_behind, min_size=2, max_size=5).map("".join),
    st.sampled_from(["{}", "^{}$", "(?:{})*"]),
)
@example(r"(\.[a-z]{1,63})*(?<=aab(?:[\0a]{0,28}[^\d]{65,}\n){2,}x{24,40}|(?:\n?!|fo\w|[a-z])?.\\)", "^{}")
def test_a_text_is_sought_for_steps_where_a_pattern_looks_behind(pattern: str, around: str) -> None:
    """Each place of the pattern multiplies with each place of what it looks for, and both may count."""
    forget()
    term = regex_term(around.replace("{}", pattern), search=True)

    check_share(lambda: is_empty(term), most=5_000, calls_per_step=CALLS_PER_STEP // 2)


looks_ahead = st.builds(lambda mark, parts: f"(?{mark}{''.join(parts)})", st.sampled_from("=!"), looked_for)


@settings(max_examples=30, deadline=None)
@given(st.lists(counted_parts | looks_ahead, min_size=2, max_size=5).map("|".join))
@example(
    r"(?:[a-z]+|a?a?a?a?a?a?a?a?a?|(?=(?:\b[R-u]+)+rocket|(a|bab){40,}|\\[0-9]\x7f*)rocket){1,3}"
    r"(?:(?:\n{2,}(?!\s\x01{24,40}|\x00|\0{1,3}x?)é{65,}){2})|[;-e][^\x00]{0,1000}$"
)
def test_ways_on_are_followed_for_steps_where_a_pattern_looks_ahead(pattern: str) -> None:
    """What is asked by some bytes only is not remembered, and is work each time."""
    forget()
    waiting = [regex_term(pattern)]
    seen = set(waiting)

    def follow() -> None:
        while waiting:
            for _, after in waiting.pop().ways():
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)

    check_share(follow, most=50_000, calls_per_step=CALLS_PER_STEP // 2)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([30, 300, 3_000]),
    st.lists(st.sampled_from([1, "a", None, True, [], {}, 0.5, [1, "a"]]), min_size=1, max_size=3),
    st.sampled_from([list, lambda items: [items], lambda items: [dict(enumerate(items))]]),
)
def test_values_are_read_for_steps(size: int, items: list[Any], around: Callable[..., list[Any]]) -> None:
    """Scalars too, which are not walked into: several, those of an array, or those of an object."""
    check_share(lambda: values_of(around(items * (size // len(items)))))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([3, 30, 1_000]),
    st.sampled_from([1, 9, 50, 1_000]),
    st.sampled_from([1, 2, 20]),
    st.randoms(),
)
def test_distinct_values_are_found_for_steps(size: int, some: int, lists: int, rng: random.Random) -> None:
    """Where lists compete, and where there are too few values: one question or many chains."""
    values = list(values_of(range(size)))
    choices = [
        (rng.sample(values, min(some, size)), rng.choice([1, 2, max(1, min(some, size) // lists)]))
        for _ in range(lists)
    ]

    check_share(lambda: has_matching(choices), most=50_000)


moduli = st.builds(Fraction, st.integers(1, 12), st.sampled_from([1, 1, 2, 10]))
few_numbers = st.one_of(
    st.builds(NumberSet.multiple_of, moduli),
    st.builds(NumberSet.at_least, moduli),
    st.builds(NumberSet.below, moduli),
    st.just(NumberSet.all()),
)


@st.composite
def many_numbers(draw: st.DrawFn) -> NumberSet:
    """As many numbers, gaps or excluded divisors, as they come of enumerations and of `not`."""
    size, step = draw(st.sampled_from([3, 100, 200])), draw(moduli)
    found = NumberSet.values([step * n for n in range(size)])
    other = draw(few_numbers)
    return draw(st.sampled_from([found, found.complement(), found & other, found | other, other - found]))


QUESTIONS: dict[str, Callable[[NumberSet, NumberSet], object]] = {
    "and": lambda one, other: one & other,
    "or": lambda one, other: one | other,
    "without": lambda one, other: one - other,
    "complement": lambda one, _: one.complement(),
    "negated": lambda one, _: one.negated(),
    "is empty": lambda one, other: (one & other).is_empty(),
    "stretches": lambda one, _: list(one.stretches()),
    "witness": lambda one, _: one.witness(),
    "all": lambda one, _: one.finite_values(100_000),
    "many": lambda one, other: (one & other & NumberSet.at_most(Fraction(3_000))).finite_values(100_000),
}


@pytest.mark.parametrize("name", QUESTIONS)
@settings(max_examples=20, deadline=None)
@given(many_numbers(), many_numbers() | few_numbers)
def test_sets_of_numbers_are_asked_for_steps(name: str, one: NumberSet, other: NumberSet) -> None:
    """Each operation alone: in a compilation what is next to it would spend."""
    check_share(lambda: QUESTIONS[name](one, other))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([30, 300, 1_000]), moduli, st.randoms())
def test_a_set_of_numbers_is_made_for_steps(size: int, modulus: Fraction, rng: random.Random) -> None:
    """Of numbers in any order."""
    numbers = [modulus * n for n in range(size)]
    rng.shuffle(numbers)
    check_share(lambda: NumberSet.values(numbers))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([30, 300, 1_000]), st.sampled_from([0, 1, 9, 100]), moduli)
def test_the_parts_of_a_set_of_numbers_spend_each_by_itself(size: int, few: int, modulus: Fraction) -> None:
    """A clause made of many divisors, the numbers that one admits, the stretches of a set of many numbers."""
    divisors = [modulus * n for n in range(2, 2 + size) if all(n % smaller for smaller in range(2, n))]
    clause = Clause(modulus, frozenset(divisors[:few]))
    numbers = NumberSet.values([modulus * n for n in range(size)])

    check_share(lambda: Clause.build(modulus, divisors))
    check_share(lambda: Clause.build(None, divisors))
    check_share(lambda: list(clause.numbers((Fraction(0), 0), (modulus * size, 0))))
    check_share(lambda: list(numbers.stretches()))


def test_steps_are_counted_alike_with_and_without_a_limit_in_seconds() -> None:
    """The clock is looked at now and then, and changes nothing else."""
    for seconds in (None, 1e9):
        with budget(10_001, "this", max_seconds=seconds):
            for _ in range(10_001):
                spend()
            with pytest.raises(LimitExceeded) as caught:
                spend()
        assert (
            str(caught.value)
            == "this takes more than max_steps=10001 steps\nhint: simplify it, or raise max_steps"
        )


def test_a_limit_in_seconds_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still but for the test."""
    now = [0.0]
    monkeypatch.setattr(budgets.time, "monotonic", lambda: now[0])

    with budget(1_000_000, "this", max_seconds=2):
        spend(budgets.LOOK)
        now[0] = 2.5
        with pytest.raises(LimitExceeded) as caught:
            spend()
    assert (
        str(caught.value) == "this takes longer than max_seconds=2\nhint: simplify it, or raise max_seconds"
    )


@pytest.mark.parametrize(
    "compiled",
    [
        lambda **limits: compile_json_schema({"enum": list(range(2_000))}, VOCABULARY, **limits),
        lambda **limits: compile_regex("|".join(word(n) for n in range(200)), VOCABULARY, **limits),
        lambda **limits: compile_lark('start: "a" start | "b"', VOCABULARY, **limits),
        lambda **limits: compile_part(regex("[ab]{9}c|" + "x?" * 2_000), VOCABULARY, **limits),
    ],
)
def test_every_compile_function_has_both_limits(compiled: Callable[..., CompiledGrammar]) -> None:
    """They hold for the masks as well."""
    grammar = compiled(max_steps=50_000, max_seconds=1e9)

    assert (grammar.positions.limits.max_steps, grammar.positions.limits.max_seconds) == (50_000, 1e9)
    with pytest.raises(LimitExceeded, match=r"max_steps=1 steps|max_seconds=-1"):
        compiled(max_steps=1, max_seconds=-1).matcher().allowed_token_ids()


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda inner: {"const": inner}, "#/const/0/a"),
        (lambda inner: {"properties": {"x/y": {"enum": [1, inner]}}}, "#/properties/x~1y/enum/1/0/a"),
    ],
)
def test_a_value_that_holds_itself_is_refused(make: Callable[[Any], Any], where: str) -> None:
    """No JSON text says it; one object in two places is fine."""
    inner: list[Any] = [{}]
    inner[0]["a"] = inner
    with pytest.raises(SchemaError) as caught:
        compile_json_schema(make(inner), VOCABULARY)
    assert str(caught.value) == (
        f"an array holds itself\n    at {where}\nhint: a schema that contains itself is written with `$ref`"
    )
    twice = [1]
    compile_json_schema(make([twice, twice]), VOCABULARY)


def test_a_schema_that_holds_itself_is_refused() -> None:
    """As Python data it may."""
    schema: dict[str, Any] = {"properties": {"next": {}}}
    schema["properties"]["next"]["items"] = schema
    with pytest.raises(SchemaError) as caught:
        compile_json_schema(schema, VOCABULARY)
    assert caught.value.what == "an object holds itself"
    assert caught.value.where == "#/properties/next/items"


ANSWERED: dict[str, dict[str, Any]] = {
    "as many different items as there are values": {
        **UNIQUE,
        "minItems": 500,
        "items": {"enum": list(range(500))},
    },
    "thirty kinds of items": {"type": "array", "allOf": [{"contains": {"const": n}} for n in range(30)]},
    "thirty bounds": {"type": "array", "allOf": [{"contains": {"minimum": n}} for n in range(30)]},
    "a million items of a kind": {"type": "array", "contains": {"const": 1}, "minContains": 10**6},
    "nine counts that one item pays": {
        "type": "array",
        "maxItems": 30,
        "allOf": [{"contains": {"multipleOf": p}, "minContains": 20, "maxContains": 40} for p in (2, 3, 5)],
    },
    "a hundred thousand numbers": {"enum": [n / 8 for n in range(100_000)]},
    "ten million letters": {"const": "x" * 10_000_000},
}


@pytest.mark.parametrize("name", ANSWERED)
def test_is_answered_within_the_default(name: str) -> None:
    """An algorithm gives it in a second; nothing has to be unfolded."""
    matcher = compile_json_schema(ANSWERED[name], VOCABULARY, whitespace="compact").matcher()
    rng = random.Random(0)
    for _ in range(30):
        assert matcher.accept_token(int(rng.choice(list(matcher.allowed_token_ids()))))
        if matcher.is_terminated():
            break


def test_one_item_more_than_there_are_values_is_told_when_compiled() -> None:
    """The pigeonhole principle, not a search; in windows that overlap it is Hall's theorem."""
    windows = [{"enum": [n // 2, n // 2 + 1]} for n in range(60)]
    for schema in (
        {**UNIQUE, "minItems": 501, "items": {"enum": list(range(500))}},
        {**UNIQUE, "minItems": 60, "prefixItems": windows},
    ):
        with pytest.raises(UnsatisfiableError):
            compile_json_schema(schema, VOCABULARY, max_steps=200_000)
    compile_json_schema({**UNIQUE, "minItems": 31, "prefixItems": [*windows[::2], {"const": 99}]}, VOCABULARY)

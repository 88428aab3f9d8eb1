"""Number texts, against their values: a text is in the term exactly when its value is in the set."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.json_schema.number_windows import prepared
from constrain.json_schema.numbers import (
    Form,
    NumberSet,
    NumberSpace,
    _left,
    _Phase,
    _start,
    _unsigned,
    _valid_exponents,
    _what_is_open,
)
from constrain.regular.automaton import Automaton
from constrain.regular.queries import is_subset
from constrain.regular.terms import EMPTY, Term, choice, concat, literal

CANONICAL, ANY = NumberSpace("canonical"), NumberSpace("any")

INTERESTING: list[int | float] = [
    0, 0.0, -0.0, 1, 1.0, -1.0, 12.0, 1e16, 9999999999999998.0, 1e22, 1e-5, 1.5e-05, 1e-4, 0.00012,
    5e-324, 1.7976931348623157e308, 10**16, 10**20 + 7, 123456789012345.5, 1e-7, 2**53 + 1, 0.3, 0.07,
]  # fmt: skip
JSON_NUMBERS = st.one_of(
    st.sampled_from(INTERESTING),
    st.integers(-(10**6), 10**6),
    st.integers(-20, 20),
    st.integers(-2000, 2000).map(lambda k: k / 100),
    st.floats(allow_nan=False, allow_infinity=False),
)
MODULI = st.sampled_from(["1", "2", "3", "5", "7", "10", "0.5", "0.1", "0.01", "0.3", "2.5", "1e-8"]).map(
    Fraction
)


def value_of(text: str) -> Fraction:
    return Fraction(text)


def accepts(term: Term, text: str) -> bool:
    for byte in text.encode():
        term = term.derivative(byte)
    return term.nullable


def number_sets() -> st.SearchStrategy[NumberSet]:
    bounds = JSON_NUMBERS.map(lambda x: value_of(json.dumps(x)))
    atoms = st.one_of(
        bounds.map(NumberSet.at_least),
        bounds.map(NumberSet.above),
        bounds.map(NumberSet.at_most),
        bounds.map(NumberSet.below),
        MODULI.map(NumberSet.multiple_of),
        st.lists(bounds, max_size=3).map(NumberSet.values),
    )
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
            st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
            inner.map(NumberSet.complement),
        ),
        max_leaves=4,
    )


@st.composite
def respelled(draw: st.DrawFn, value: Fraction) -> str:
    """Some JSON text of a decimal number."""
    exponent = draw(st.integers(-6, 6))
    mantissa = abs(value) / Fraction(10) ** exponent
    places = 0
    while (mantissa * 10**places).denominator != 1:
        places += 1
    places += draw(st.integers(0, 2))
    digits = str(int(mantissa * 10**places)).rjust(places + 1, "0")
    text = digits[: len(digits) - places] + ("." + digits[len(digits) - places :] if places else "")
    if exponent or draw(st.booleans()):
        sign = "-" if exponent < 0 else draw(st.sampled_from(["", "+"]))
        text += draw(st.sampled_from("eE")) + sign + draw(st.sampled_from(["", "0"])) + str(abs(exponent))
    negative = value < 0 or (value == 0 and draw(st.booleans()))
    return "-" * negative + text


@st.composite
def written_by_people(draw: st.DrawFn) -> str:
    """A decimal as people write it: up to 17 digits, and zeros behind them."""
    whole = draw(st.integers(0, 10 ** draw(st.integers(0, 16)) - 1))
    room = min(16, 17 - len(str(whole)))
    decimals = draw(st.text("0123456789", min_size=1, max_size=room) if room else st.just("0"))
    decimals += "0" * draw(st.integers(0, room - len(decimals)) if room else st.just(0))
    return f"{draw(st.sampled_from(['', '-']))}{whole}.{decimals}"


@given(number_sets(), written_by_people())
def test_canonical_admits_what_people_write_for_members_only(numbers: NumberSet, text: str) -> None:
    """Idle zeros say nothing: `3.50` is in where 3.5 is.  A whole number near 0 may be too small to write."""
    value = value_of(text)
    is_written = not text.lstrip("-").startswith("0.0") or value >= Fraction(1, 10**6) or len(text) < 9

    if is_written:
        assert accepts(CANONICAL.term(numbers), text) == numbers.contains(value)


@given(number_sets(), JSON_NUMBERS)
def test_canonical_admits_what_json_dumps_writes_for_members_only(numbers: NumberSet, x: float) -> None:
    """The promise of the module, for every way that json.dumps writes a number."""
    text = json.dumps(x)

    assert accepts(CANONICAL.term(numbers), text) == numbers.contains(value_of(text))


@given(number_sets(), st.data())
def test_any_admits_all_spellings_of_members_and_of_nothing_else(
    numbers: NumberSet, data: st.DataObject
) -> None:
    """1, 1.0, 1e0, 10e-1 are one number: a validator that sees the value must agree."""
    witness = numbers.witness()
    x = data.draw(st.integers(-2000, 2000).map(lambda k: Fraction(k, 100)))
    for value in [x] if witness is None or abs(witness) > 10**30 else [x, witness]:
        text = data.draw(respelled(value))

        assert accepts(ANY.term(numbers), text) == numbers.contains(value), text


@given(number_sets())
@settings(max_examples=60)
def test_a_set_with_a_number_has_a_spelling(numbers: NumberSet) -> None:
    """What the value level calls possible must not be a dead end at the byte level."""
    assert ANY.is_empty(numbers) == numbers.is_empty()
    assert not numbers.is_empty() or CANONICAL.term(numbers) is EMPTY


@given(number_sets(), JSON_NUMBERS)
@settings(max_examples=60)
def test_no_state_is_a_dead_end(numbers: NumberSet, x: float) -> None:
    """A term that is not EMPTY is completed by walking on: here, from every prefix of a number's text."""
    for space in (CANONICAL, ANY):
        term = space.term(numbers)
        for byte in json.dumps(x).encode():
            term = term.derivative(byte)
            assert (
                term is EMPTY
                or term.nullable
                or any(
                    term.derivative((mask & -mask).bit_length() - 1) is not EMPTY for mask in term.classes()
                )
            )


@pytest.mark.parametrize(
    "text",
    ["3.50", "10.00", "1.20", "-0.00", "0.0000010", "1.0000000000000000", "12345678901234.500", "0.00005"],
)
def test_the_canonical_universe_holds_what_people_write(text: str) -> None:
    """A price has two decimals, whatever they are."""
    assert accepts(CANONICAL.universe, text)
    assert accepts(CANONICAL.values([value_of(text)]), text)


NARROW = st.tuples(
    st.integers(0, 10**20), st.integers(0, 3), st.integers(0, 25), st.booleans(), st.booleans()
).map(
    lambda drawn: (
        (NumberSet.above if drawn[3] else NumberSet.at_least)(Fraction(drawn[0], 10 ** drawn[2]))
        & (NumberSet.below if drawn[4] else NumberSet.at_most)(Fraction(drawn[0] + drawn[1], 10 ** drawn[2]))
    )
)
"""Sets between two numbers that are next to one another."""


@given(number_sets() | NARROW, st.data())
def test_digits_do_not_run_on_and_never_lead_nowhere(numbers: NumberSet, data: st.DataObject) -> None:
    """Whatever digits are chosen, a text ends: with 17 digits, or those that the set needs."""
    term = CANONICAL.term(numbers)
    text = b""
    wanted = data.draw(st.sampled_from([b"0", b"9", b"5", b"1.0", b"3.", b".0", b"0123456789", b"-.9"]))
    while ways := [byte for byte in b"-0123456789.e+" if term.derivative(byte) is not EMPTY]:
        liked = [byte for byte in wanted if byte in ways]
        byte = liked[0] if liked else data.draw(st.sampled_from(ways))
        text, term = text + bytes([byte]), term.derivative(byte)
        assert len(text) < 700, text
    assert term.nullable or (text == b"" and term is EMPTY), text
    if text:
        assert numbers.contains(value_of(text.decode()))


@pytest.mark.parametrize(
    "text", ["12", "-7", "0", "12.0", "0.0", "-0.0", "1e-07", "1.5e+22", "0.0001", "1e+16"]
)
def test_the_canonical_universe_holds_what_json_dumps_writes(text: str) -> None:
    """Each of these is json.dumps of some int or float."""
    assert accepts(CANONICAL.universe, text)


@pytest.mark.parametrize(
    "text",
    [
        "-0",
        "01",
        "1.",
        ".5",
        "1.500000000000000000",
        "0.0000000",
        "0.0000001",
        "1e5",
        "1E+16",
        "1.0e+16",
        "1.50e+16",
        "1e-7",
        "0.123456789012345678",
        "123456789012345678901",
        "1e+400",
        "12345678901234567.5",
        "+1",
        "",
    ],
)
def test_the_canonical_universe_holds_nothing_else(text: str) -> None:
    """Each of these is another spelling of some number, or none."""
    assert not accepts(CANONICAL.universe, text)


@pytest.mark.parametrize("text", ["-0", "1.50", "1E400", "1e007", "0e-0", "10e-1", "0.1E+1", "-0.0e5"])
def test_the_universe_of_any_is_the_grammar_of_json(text: str) -> None:
    """A validator is handed numbers as others wrote them."""
    assert accepts(ANY.universe, text)


@pytest.mark.parametrize("text", ["01", "1.", ".5", "1e", "+1", "-", "1e401", "--1", "1.e1", "NaN"])
def test_what_is_no_json_number_is_not_in_any(text: str) -> None:
    """The last row but two is the documented bound on written exponents."""
    assert not accepts(ANY.universe, text)


def test_whole_is_a_matter_of_value_and_lexical_integers_one_of_text() -> None:
    """Draft 4 calls 12.0 no integer, draft 6 and later do."""
    assert accepts(CANONICAL.integers, "12.0")
    assert accepts(CANONICAL.integers, "1e+16")
    assert not accepts(CANONICAL.integers, "12.5")
    assert accepts(ANY.integers, "120e-1")
    assert not accepts(ANY.integers_lexical, "12.0")
    assert accepts(ANY.integers_lexical, "-0")
    assert not accepts(CANONICAL.integer_spellings, "-0")


def reachable(term: Term) -> int:
    automaton = Automaton()
    todo = [automaton.state(term)]
    seen = set(todo)
    while todo:
        for state in set(automaton.row(todo.pop()).tolist()) - seen - {0}:
            seen.add(state)
            todo.append(state)
    return len(seen)


def test_bounds_cost_tens_of_states_not_one_for_each_number() -> None:
    """The table of the module: what two texts leave open alike is one state."""
    million = NumberSet.at_least(Fraction(0)) & NumberSet.at_most(Fraction(1_000_000))

    assert reachable(CANONICAL.term(million)) < 120
    assert reachable(CANONICAL.term(million, integer_spellings=True)) < 20
    assert reachable(CANONICAL.term(NumberSet.multiple_of(Fraction(7)), integer_spellings=True)) < 150


FEW = st.lists(JSON_NUMBERS.map(lambda x: value_of(json.dumps(x))), max_size=5).map(NumberSet.values)


@given(
    FEW | st.tuples(number_sets(), FEW).map(lambda pair: pair[0] & pair[1]),
    st.sampled_from([Form.INTEGER, Form.LEXICAL, Form.DECIMAL, Form.SCIENTIFIC]),
)
def test_the_texts_of_few_numbers_are_those_read_digit_by_digit(numbers: NumberSet, form: Form) -> None:
    """A small set is the set of its texts; what reads larger ones must say the same of it."""
    if form in (Form.INTEGER, Form.LEXICAL):
        numbers &= NumberSet.integers()
    listed = _start(form, numbers)
    by_digits = choice(
        _unsigned(form, numbers, negative=False),
        concat(literal(b"-"), _unsigned(form, numbers.negated(), negative=True)),
    )

    assert listed.plain
    assert is_subset(listed, by_digits)
    assert is_subset(by_digits, listed)


LONG = st.text("0123456789", min_size=14, max_size=20).map(lambda digits: int("1" + digits))


@given(
    st.tuples(number_sets(), number_sets(), MODULI),
    LONG,
    st.integers(0, 3),
    st.sampled_from([Form.DECIMAL, Form.SCIENTIFIC, Form.ANY]),
)
@settings(max_examples=300)
def test_texts_that_leave_the_same_open_have_the_same_exponents(
    sets: tuple[NumberSet, NumberSet, Fraction], digits: int, more: int, form: Form
) -> None:
    """One state stands for many texts of many sets, so what follows may not depend on which of them it was.

    Sets that share their large multiples are told apart by their small numbers alone, which have no more than
    17 digits.
    """
    one, other, modulus = sets
    far = NumberSet.multiple_of(modulus)
    positive = NumberSet.above(Fraction(0))
    found: dict[object, tuple[object, object]] = {}
    for numbers in (one | far, other | far, one, far, one - far):
        magnitudes = prepared(numbers & positive)
        for text in (digits, 10 * digits + more, 3 * digits):
            places = len(str(text)) - 1
            state = _what_is_open(form, _Phase.FRACTION, magnitudes, text, places)
            if state is not None:
                exponents = _valid_exponents(form, magnitudes, text, places)
                ends = magnitudes.spells(text, -places, _left(form, text))
                assert found.setdefault((state, ends), (exponents, text))[0] == exponents


def test_the_example_of_the_module() -> None:
    """12 and 57 leave the same open in 0..1000, and 100 does not."""
    thousand = CANONICAL.term(
        NumberSet.at_least(Fraction(0)) & NumberSet.at_most(Fraction(1000)), integer_spellings=True
    )

    def after(text: str) -> Term:
        term = thousand
        for byte in text.encode():
            term = term.derivative(byte)
        return term

    assert after("12") is after("57")
    assert after("12") is not after("100")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_is_canonical(x: float) -> None:
    """json.dumps of it is a text of the universe, and of the singleton of its value."""
    text = json.dumps(x)

    assert math.isfinite(x)
    assert accepts(CANONICAL.universe, text)
    assert accepts(CANONICAL.values([value_of(text)]), text)


def test_a_long_number_takes_few_steps() -> None:
    """Where no digit is left, no exponent needs to be looked at."""
    with budget(1_500, "reading a number"):
        term = CANONICAL.universe
        for byte in b"1.0000000000000000":
            term = term.derivative(byte)

    assert term.nullable

"""The term of a string's formula holds the strings of which the formula holds, in every spelling."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrain.budget import budget
from constrain.json_schema.formula import Formula, Formulas
from constrain.json_schema.scalars import Scalars
from constrain.json_schema.strings import spell_canonical, string_space
from constrain.json_schema.values import STRING, Value
from constrain.regular.bounded import Bounded
from constrain.regular.leaf import outlined
from constrain.regular.products import Product
from constrain.regular.queries import accepts, is_empty
from tests.oracle import strings_over

PATTERNS = [
    "a", "^a", "b$", "^[ab]{1,2}$", "^[ab]{2,30}$", "^(?=.*a)(?=.*b).{2,3}$", "^(?!ab)", "^(?!.*aa)[ab]*$",
    "(?=.*é)a", "a$b", "^.{3}$", "^(ab)*$", "é|^b", "^(?=.*a).{1,80}$", r"\ba", "(?<=a)b", "^.*a", "^.*b",
]  # fmt: skip
TEXTS = [*strings_over("abé", 4), "a" * 30, "b" * 80, "ab" * 20, 'a"b', "a\nb"]
FORMULAS = Formulas()


def atoms() -> st.SearchStrategy[Formula]:
    values = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4).map(
        lambda texts: [Value(STRING, text) for text in texts]
    )
    patterns = st.sampled_from(PATTERNS)
    return st.one_of(
        patterns.map(lambda pattern: FORMULAS.word("pat", pattern)),
        patterns.map(lambda pattern: FORMULAS.word("npat", pattern)),
        values.map(FORMULAS.values),
        values.map(FORMULAS.not_values),
        st.integers(1, 30).map(lambda number: FORMULAS.count("minl", number)),
        st.integers(0, 80).map(lambda number: FORMULAS.count("maxl", number)),
    )


formulas = st.recursive(
    atoms(),
    lambda inner: st.tuples(
        st.sampled_from([FORMULAS.conj, FORMULAS.conj, FORMULAS.disj, FORMULAS.one, FORMULAS.notone]),
        st.lists(inner, min_size=1, max_size=3),
    ).map(lambda it: it[0](it[1])),
    max_leaves=6,
)


def says(formula: Formula, text: str) -> bool:
    """Does a formula hold of a text?  By Python's `re` and by its definition."""
    kind = formula.kind
    if kind in {"true", "false"}:
        return kind == "true"
    if kind in {"pat", "npat"}:
        return bool(re.search(_python(formula.args[0]), text)) == (kind == "pat")
    if kind in {"in", "nin"}:
        return (Value(STRING, text) in formula.args[0]) == (kind == "in")
    if kind in {"minl", "maxl"}:
        return len(text) >= formula.args[0] if kind == "minl" else len(text) <= formula.args[0]
    each = [says(part, text) for part in formula.parts]
    if kind == "and":
        return all(each)
    if kind == "or":
        return any(each)
    return (sum(each) == 1) == (kind == "one")


def _python(pattern: str) -> str:
    """ECMA's `$` is the end, Python's also before a last line break; ECMA's words are ASCII."""
    return "(?a)" + re.sub(r"\$", r"\\Z", pattern)


@given(formulas, st.lists(st.sampled_from(TEXTS), max_size=2))
@settings(max_examples=200)
def test_the_language_of_a_formula_holds_what_the_formula_says(formula: Formula, without: list[str]) -> None:
    canonical, lenient = Scalars("canonical"), Scalars("any")
    expected = [text for text in TEXTS if says(formula, text)]
    escaped = {text: "".join(f"\\u{ord(letter):04X}" for letter in text).encode() for text in TEXTS}
    language = canonical.string_language(formula)
    keys = lenient.keys(formula, without)

    assert [text for text in TEXTS if accepts(language, spell_canonical(text) + b'"')] == expected
    assert [text for text in TEXTS if accepts(keys, b'"' + escaped[text] + b'"')] == [
        text for text in expected if text not in without
    ]
    assert [text for text in TEXTS if canonical.holds(formula, Value(STRING, text))] == expected
    assert not expected or not is_empty(language)


def test_a_time_that_no_pattern_fits_is_not_sought_in_every_minute() -> None:
    """A date-time may have a small t, this pattern not, and it is not anchored: it might match later."""
    pattern = r"\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    formula = FORMULAS.conj([FORMULAS.word("fmt", "date-time"), FORMULAS.word("pat", pattern)])
    language = Scalars("canonical").string_language(formula)
    for byte in b"2016-01-05":
        language = language.derivative(byte)
    with budget(20_000, "looking for a time"):
        assert is_empty(language.derivative(ord("t")))
    assert not is_empty(language.derivative(ord("T")))


@given(st.sampled_from(["date-time", "time", "hostname", "email"]), st.integers(0, 2**32))
def test_an_outline_holds_what_it_is_the_outline_of(name: str, seed: int) -> None:
    rng = random.Random(seed)
    term = string_space("canonical").format(name)
    assert term is not None
    wider = outlined(term)
    for _ in range(40):
        ways = [(mask, after) for mask, after in term.ways() if not is_empty(after)]
        if not ways:
            break
        mask, term = rng.choice(ways)
        wider = wider.derivative((mask & -mask).bit_length() - 1)
        assert wider.nullable >= term.nullable
        assert not is_empty(wider)


def test_one_pattern_is_the_term_that_it_always_was() -> None:
    """So that it shares states and tables with every other schema, and pays nothing for products."""
    scalars = Scalars("canonical")
    for pattern in ("a", "^[a-z]{2,40}$", "^(ab)*$"):
        language = scalars.string_language(FORMULAS.word("pat", pattern))

        assert not isinstance(language, Product | Bounded)
        assert language.plain


@pytest.mark.parametrize(
    ("pattern", "window"),
    [("^(?=.*a)(?=.*b)(?=.*c).{8,64}$", (8, 64)), ("^(?=.*a)(?!.*b)[a-z]{3,}$", (3, None))],
)
def test_a_pattern_that_looks_ahead_is_its_parts_and_its_count_a_window(
    pattern: str, window: tuple[int, int | None]
) -> None:
    language = Scalars("canonical").string_language(FORMULAS.word("pat", pattern))

    assert isinstance(language, Bounded)
    assert language.window == window
    assert len(language.product.condition.parts) in (3, 4)  # type: ignore[union-attr]

"""Text under a Lark grammar: what any model writes, Lark parses."""

from __future__ import annotations

import pytest
from lark import Lark

from constrain import GrammarError, IncompleteOutputError, generate_lark, grammars, json_value
from constrain.engine.model import LoadedModel
from constrain.engine.prompting import GRAMMAR_LINE
from tests.grammars.readers import reads
from tests.lark_grammar.grammars import parses

RECIPE = """
start: "Take " item (", " item)~0..2 "."
item: NUMBER " " UNIT " of " FOOD
NUMBER: /[1-9][0-9]?/
UNIT: "cups" | "grams"
FOOD: "flour" | "sugar" | "milk"
"""


@pytest.mark.parametrize("temp", [0.0, 2.0])
def test_random_weights_write_what_lark_parses(random_model: LoadedModel, temp: float) -> None:
    """Whatever the model prefers."""
    parser = Lark(RECIPE, parser="earley", lexer="dynamic_complete")
    for seed in range(4):
        assert parses(parser, generate_lark(random_model, "A cake, please.", RECIPE, temp=temp, seed=seed))


def test_a_grammar_of_the_catalogue_is_given_by_its_path(random_model: LoadedModel) -> None:
    """Semantic versions end soon even where nobody wants them to."""
    for seed in range(8):
        try:
            text = generate_lark(random_model, "?", grammars.path("chess"), temp=1.0, seed=seed)
        except IncompleteOutputError as problem:
            pytest.fail(str(problem))
        assert reads("chess", text)


def test_a_schema_can_be_embedded(lookup_model: LoadedModel) -> None:
    """And another rule can be the start."""
    text = generate_lark(
        lookup_model,
        "?",
        'line: "age=" AGE\n%declare AGE',
        start="line",
        embed={"AGE": json_value({"const": 31})},
    )

    assert text == "age=31"


def test_the_grammar_is_shown_to_the_model_unless_it_is_not(lookup_model: LoadedModel) -> None:
    """The embedded model reads past it: an answer never comes out of the grammar's own words."""
    grammar = 'start: "1" | "2"\n'
    assert GRAMMAR_LINE.endswith(":")

    for shown in (True, False):
        answer = generate_lark(lookup_model, "Two? 2", grammar, grammar_in_prompt=shown)
        assert answer in ("1", "2")


def test_what_is_wrong_with_a_grammar_is_said_before_the_first_token(lookup_model: LoadedModel) -> None:
    """Lark's own words."""
    with pytest.raises(GrammarError) as caught:
        generate_lark(lookup_model, "x", "start: missing")
    assert caught.value.what.startswith("Lark refuses this grammar: Rule 'missing' used but not defined")

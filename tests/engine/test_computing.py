"""Sums and conversions are read from requests, and not seen where there are none."""

from __future__ import annotations

from typing import Any

import pytest

from constrain.engine.lookup.choosing import Offer, scores
from constrain.engine.lookup.computing import sum_in
from constrain.engine.lookup.filling import fill
from constrain.engine.lookup.lexicon import fold

OFFERS = [
    Offer("evaluate", "Calculate a math expression.", {"properties": {"expression": {}}}),
    Offer("quote_share", "Price of a share on the stock market.", {}),
    Offer("send_mail", "Send an email.", {}),
    Offer("new_event", "Create a calendar event.", {}),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Quanto fa 7 per 8 più 2?", "7 * 8 + 2"),
        ("What's 12.5% of 64?", "12.5 / 100 * 64"),
        ("Quanto fa 90 diviso 6", "90 / 6"),
        ("3^4", "3 ^ 4"),
        ("2+2", "2 + 2"),
        ("Un tavolo per 2 il 12/03/2024, alle 20", None),
        ("From 9-12, room 3/4", None),
        ("Call +39 055 123456", None),
        ("20% of them", None),
    ],
)
def test_a_sum_is_written_in_signs(text: str, expected: str | None) -> None:
    assert sum_in(fold(text)) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Quanto fa 7 per 8?", "evaluate"),
        ("How much is 90 minus 6?", "evaluate"),
        ("Send an email to a@b.it saying 'the meeting is in the calendar'", "send_mail"),
        ("Quanto costa una azione Rossi in borsa?", "quote_share"),
    ],
)
def test_sums_choose_the_tool_that_calculates_and_quotations_choose_none(text: str, name: str) -> None:
    """`Quanto` alone speaks of no price, and what is quoted is what to write."""
    found = scores(text, OFFERS)

    assert max(found, key=lambda offer: found[offer]) == name


CONVERSION = {
    "type": "object",
    "properties": {"value": {"type": "number"}, "from": {"type": "string"}, "to": {"type": "string"}},
    "required": ["value", "from", "to"],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Convert 30 miles to km", {"value": 30, "from": "miles", "to": "km"}),
        ("Quanti metri sono 12 piedi in metri?", {"value": 12, "from": "piedi", "to": "metri"}),
        ("Quanto valgono 20 sterline in franchi?", {"value": 20, "from": "sterline", "to": "franchi"}),
        ("37 degrees celsius in fahrenheit", {"value": 37, "from": "celsius", "to": "fahrenheit"}),
    ],
)
def test_units_say_what_is_converted_and_into_what(text: str, expected: Any) -> None:
    assert fill(CONVERSION, text) == expected


def test_an_address_may_be_what_a_mail_goes_to() -> None:
    """`to` is a place or a person, and an e-mail address too."""
    schema = {"properties": {"to": {"type": "string"}}, "required": ["to"]}

    assert fill(schema, "Manda una mail a anna@esempio.it") == {"to": "anna@esempio.it"}
    assert fill(schema, "I fly to Lisbon") == {"to": "Lisbon"}

"""The benchmark of tool calls calls right what its page says is right."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.tool_calls import Answer, first_of_each, is_right

ROME = ("weather", {"city": "Roma", "days": 2})
OSLO = ("weather", {"city": "Oslo"})
MAIL = ("mail", {"to": "a@b.it"})


@pytest.mark.parametrize(
    ("spec", "right", "wrong"),
    [
        ({"tools": ["weather"], "n": 2}, Answer("", [ROME, OSLO]), Answer("", [ROME])),
        ({"tools": ["weather", "mail"], "n": 2}, Answer("", [MAIL, OSLO]), Answer("", [OSLO, ROME])),
        (
            {"tools": ["weather"], "n": 1, "argkeys": ["weather", ["city", "days"]]},
            Answer("", [ROME]),
            Answer("", [OSLO]),
        ),
        (
            {"tools": ["weather"], "n": 1, "intarg": ["weather", "days", 2]},
            Answer("", [ROME]),
            Answer("", [OSLO]),
        ),
        ({"tool": "mail", "fabricate_field": "to"}, Answer("To whom?"), Answer("", [MAIL])),
        ({"next": "mail"}, Answer("", [MAIL]), Answer("", [ROME, MAIL])),
        ({"next": None}, Answer("Done."), Answer("", [MAIL])),
        ({"gold": "Dante"}, Answer("It was DANTE."), Answer("It was Petrarca.")),
        (None, Answer("No such tool."), Answer("", [MAIL])),
        (None, Answer('"}}'), Answer('"}}', malformed=1)),
    ],
)
def test_a_spec_tells_right_answers_from_wrong_ones(spec: Any, right: Answer, wrong: Answer) -> None:
    assert is_right(right, spec)
    assert not is_right(wrong, spec)


def test_some_cases_of_each_category_are_the_first_ones_in_the_order_of_the_file() -> None:
    cases = [{"id": number, "cat": category} for number, category in enumerate("abbabcaab")]

    assert [case["id"] for case in first_of_each(cases, 2)] == [0, 1, 2, 3, 5]
    assert first_of_each(cases, None) == cases

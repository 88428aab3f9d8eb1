"""Three ways to test what a language model feeds: its output, the code behind it, and what that must refuse.

python -m pytest examples/proven
python -m pytest examples/proven --prove-n 20000
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from constrain.testing import near_misses, outputs
from examples.proven.orders import FEES, Order, read_order, total


def test_whatever_is_written_is_an_order(prove: Callable[..., Any]) -> None:
    prove(Order, n=180)


@given(outputs(Order))
def test_no_order_costs_less_than_its_delivery(order: Order) -> None:
    assert total(order) >= FEES[order.delivery] >= Decimal(0)


@given(near_misses(Order))
def test_what_is_no_order_is_told(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever Pydantic says
        read_order(text)

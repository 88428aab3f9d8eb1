"""A small program whose input is written by a language model: orders, and what they cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field


class Line(BaseModel):
    """So many pieces of an article."""

    article: str = Field(pattern="^[A-Z]{3}-[0-9]{4}$")
    pieces: int = Field(ge=1, le=99)
    price: Decimal = Field(ge=0, max_digits=7, decimal_places=2)


class Order(BaseModel):
    """What a customer wants."""

    customer: str = Field(min_length=1, max_length=40)
    delivery: Literal["post", "courier", "shop"] = "post"
    lines: list[Line] = Field(min_length=1, max_length=5)


FEES = {"post": Decimal("4.90"), "courier": Decimal("9.90"), "shop": Decimal(0)}


def total(order: Order) -> Decimal:
    """What an order costs, delivery included."""
    return sum((line.pieces * line.price for line in order.lines), start=FEES[order.delivery])


def read_order(text: str) -> Order:
    """The order that a text is.  Raises ValueError for a text that is none."""
    return Order.model_validate_json(text)

"""How values are written: exact numbers as texts, so that no reader rounds them; moments in UTC; days as they are."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from django.db.models import TextChoices
from pydantic import Field, WithJsonSchema

from common.money import plain

Key = Annotated[int, Field(ge=1, le=2**63 - 1, description="Number of the record in the portal; it never changes.")]
Link = Annotated[str, Field(description="Address below this host.", examples=["/api/v1/orders/12"])]
PagePath = Annotated[str, Field(description="The page of the portal for people, below this host.")]
Minutes = Annotated[
    str, Field(pattern=r"^-?\d+(\.\d{1,5})?$", description="Minutes, as an exact decimal number.", examples=["95.5"])
]
Amount = Annotated[
    str,
    Field(pattern=r"^-?\d+\.\d{2}$", description="Money with two decimals in `currency`.", examples=["1250.00"]),
]
Number = Annotated[
    str, Field(pattern=r"^-?\d+(\.\d{1,5})?$", description="An exact decimal number.", examples=["1.25"])
]
Units = Annotated[
    str,
    Field(
        pattern=r"^-?\d+(\.\d{1,5})?$",
        description="Time units as the ticket system sent them; how many minutes one is, is set there.",
        examples=["15"],
    ),
]
Moment = Annotated[datetime, Field(description="A moment in UTC.", examples=["2026-11-02T06:15:00Z"])]
MonthText = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$", description="A month.", examples=["2026-10"])]
TEXT = r"^[^\x00]*$"
"""Of what people search for: no database looks for a NUL."""


def one_of(choices: type[TextChoices] | type[StrEnum]) -> WithJsonSchema:
    """Its values where they are used, instead of a form with its name: ``State`` and ``Kind`` are several things."""
    return WithJsonSchema({"type": "string", "enum": [str(choice.value) for choice in choices]})


def exact(value: Decimal) -> str:
    """Minutes, units and quantities: exact, without needless zeros."""
    return plain(value)


def exact_or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def amount(value: Decimal) -> str:
    """Money."""
    return plain(value, 2)


def amount_or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value, 2)


def api(path: str) -> str:
    """Address of what the API tells under this path."""
    return f"/api/v1/{path}"

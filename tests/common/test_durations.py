from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.durations import decimal_hours, hhmm, minutes_from_units


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        ("75", "1:15"),
        ("0", "0:00"),
        ("-15", "-0:15"),
        ("-75", "-1:15"),
        ("59.5", "1:00"),
        ("-59.5", "-1:00"),
        ("59.4999", "0:59"),
        ("-0.4", "0:00"),
        ("20505.21", "341:45"),
    ],
)
def test_hhmm_shows_hours_and_whole_minutes(minutes: str, text: str) -> None:
    assert hhmm(Decimal(minutes)) == text


@pytest.mark.parametrize(("minutes", "hours"), [("20", "0.33"), ("75", "1.25"), ("0.3", "0.01"), ("-20", "-0.33")])
def test_decimal_hours_have_two_places(minutes: str, hours: str) -> None:
    assert str(decimal_hours(Decimal(minutes))) == hours


@given(st.decimals(-99_999_999, 99_999_999, places=2), st.decimals("0.01", 999_999, places=2))
def test_minutes_from_units_is_exact(units: Decimal, minutes_per_unit: Decimal) -> None:
    minutes = minutes_from_units(units, minutes_per_unit)

    assert minutes.as_tuple().exponent == -4
    assert minutes == units * minutes_per_unit


def test_minutes_from_units_that_cannot_be_stored_exactly_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.001 time units of 0\.25 minutes have more than 4 decimals"):
        minutes_from_units(Decimal("0.001"), Decimal("0.25"))

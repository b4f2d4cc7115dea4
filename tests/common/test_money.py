from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import plain, quantize, round_money

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("0.0049999", "0.00"),
        ("1.015", "1.02"),
        ("2.675", "2.68"),
        ("-2.675", "-2.68"),
        ("95", "95.00"),
        ("99999999999999999999.995", "100000000000000000000.00"),
    ],
)
def test_round_money_ties_go_away_from_zero(amount: str, cents: str) -> None:
    assert str(round_money(Decimal(amount))) == cents


@pytest.mark.parametrize("amount", ["-0.001", "-0", "-0.00"])
def test_round_money_of_nothing_has_no_sign(amount: str) -> None:
    assert str(round_money(Decimal(amount))) == "0.00"


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("20505.2100", 0, "20505.21"),
        ("95", 2, "95.00"),
        ("95.000", 2, "95.00"),
        ("0.12345", 2, "0.12345"),
        ("1E+3", 0, "1000"),
        ("1E-7", 0, "0.0000001"),
        ("1E+3", 2, "1000.00"),
        ("-0.50", 0, "-0.5"),
        ("-0.00", 0, "0"),
        ("100", 0, "100"),
    ],
)
def test_plain_has_no_exponent_and_no_needless_zeros(value: str, places: int, text: str) -> None:
    assert plain(Decimal(value), places) == text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        quantize(Decimal(value), 2)
    with pytest.raises(ValueError, match="is not an amount"):
        plain(Decimal(value))


@given(numbers, st.integers(0, 5))
def test_quantize_is_idempotent_symmetrical_and_near(value: Decimal, places: int) -> None:
    rounded = quantize(value, places)

    assert quantize(rounded, places) == rounded
    assert quantize(-value, places) == -rounded
    assert abs(rounded - value) <= Decimal(5).scaleb(-places - 1)
    assert rounded.as_tuple().exponent == -places


@given(numbers, st.integers(0, 8))
def test_plain_says_the_value_exactly(value: Decimal, places: int) -> None:
    text = plain(value, places)

    assert Decimal(text) == value
    assert "E" not in text
    assert len(text.partition(".")[2]) >= places

"""Decimal arithmetic for amounts: one rounding (half away from zero) and one way to print."""

from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

# Wide enough for the product of any two columns of the database: nothing is rounded behind our back.
# Python's ROUND_HALF_UP sends ties away from zero, also below zero.
EXACT = Context(prec=100, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow])


def quantize(value: Decimal, places: int) -> Decimal:
    """``value`` with exactly ``places`` decimals, half away from zero, never ``-0``; NaN raises ``ValueError``."""
    return _unsigned_zero(EXACT.quantize(_finite(value), Decimal(1).scaleb(-places)))


def round_money(amount: Decimal) -> Decimal:
    """Cents, half away from zero."""
    return quantize(amount, 2)


def plain(value: Decimal, places: int = 0) -> str:
    """Decimal string without exponent, grouping and needless zeros, but with at least ``places`` decimals.

    ``plain(Decimal("20505.2100"))`` is ``"20505.21"``, ``plain(Decimal(95), 2)`` is ``"95.00"``.
    """
    whole, _, decimals = f"{_unsigned_zero(_finite(value)):f}".partition(".")
    decimals = decimals.rstrip("0").ljust(places, "0")
    return f"{whole}.{decimals}" if decimals else whole


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError(f"{value} is not an amount.")
    return value


def _unsigned_zero(value: Decimal) -> Decimal:
    return value or value.copy_abs()

"""Durations are decimal minutes; this is how they are converted and shown."""

from decimal import Decimal

from common.money import EXACT, plain, quantize

PLACES = 4  # of minutes in the database


def minutes_from_units(units: Decimal, minutes_per_unit: Decimal) -> Decimal:
    """Time units as minutes with 4 decimals, exactly; ``ValueError`` where 4 decimals cannot hold the product."""
    minutes = EXACT.multiply(units, minutes_per_unit)
    stored = quantize(minutes, PLACES)
    if stored != minutes:
        raise ValueError(f"{plain(units)} time units of {plain(minutes_per_unit)} minutes have more than 4 decimals.")
    return stored


def hhmm(minutes: Decimal) -> str:
    """Hours and whole minutes, ``1:15``; negative ``-0:15``. Seconds are rounded half away from zero."""
    whole = int(quantize(minutes, 0))
    hours, rest = divmod(abs(whole), 60)
    return f"{'-' if whole < 0 else ''}{hours}:{rest:02}"


def decimal_hours(minutes: Decimal) -> Decimal:
    """Hours with two decimals, for display only: 20 minutes are ``0.33``."""
    return quantize(EXACT.divide(minutes, Decimal(60)), 2)

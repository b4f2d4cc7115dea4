"""The numbers along the axis of a chart: round ones, few enough to be read, in exact decimals."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import count

from common.money import EXACT

MOST_STEPS = 5  # between the ticks, and two more where both ends are rounded outwards
STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
LONGEST = Decimal(100_000)  # numbers from here on are shown in thousands


@dataclass(frozen=True, slots=True)
class Scale:
    """``ticks`` are at least two, go up evenly and hold zero; ``factor`` is the power of a thousand to show them in."""

    ticks: tuple[Decimal, ...]
    factor: Decimal

    def share(self, value: Decimal) -> float:
        """How far along the axis the value lies: 0 at the first tick, 1 at the last."""
        first, last = self.ticks[0], self.ticks[-1]
        return float(EXACT.divide(value - first, last - first))


def scale_for(values: Iterable[Decimal]) -> Scale:
    """The scale on which zero and all of the values have a place."""
    found = [Decimal(0), *values]
    ticks = _ticks(min(found), max(found))
    largest = max(abs(ticks[0]), abs(ticks[-1]))
    factor = next(factor for factor in (Decimal(1000) ** power for power in count()) if largest < LONGEST * factor)
    return Scale(ticks, factor)


def _ticks(low: Decimal, high: Decimal) -> tuple[Decimal, ...]:
    if low == high:
        return Decimal(0), Decimal(1)
    step = _step(EXACT.divide(high - low, Decimal(MOST_STEPS)))
    first = EXACT.divide(low, step).to_integral_value(ROUND_FLOOR)
    last = EXACT.divide(high, step).to_integral_value(ROUND_CEILING)
    return tuple(step * place for place in range(int(first), int(last) + 1))


def _step(least: Decimal) -> Decimal:
    """The smallest round number that is not below."""
    power = Decimal(1).scaleb(least.adjusted())
    return next(step * power for step in STEPS if step * power >= least)

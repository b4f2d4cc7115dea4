"""Measuring: medians of a few rounds, floor and product alternating so that both meet the same machine."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table; seconds are medians."""

    name: str
    floor_name: str
    floor: float
    product: float
    aim: float | None
    """The largest ratio that is good enough; ``None`` where there is no aim."""
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.product / self.floor

    def __str__(self) -> str:
        missed = self.aim is not None and self.ratio > self.aim
        verdict = "no aim" if self.aim is None else f"aim {self.aim:g} {'MISSED' if missed else 'met'}"
        return (
            f"{self.name:<46} {self.product:>8.3f} s   {self.floor_name:<34} {self.floor:>8.3f} s   "
            f"ratio {self.ratio:>5.2f}   {verdict:<14} {self.note}"
        )


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(floor: Callable[[], float], product: Callable[[], float], *, rounds: int) -> tuple[float, float]:
    """Medians of ``rounds`` alternating measurements; each callable returns its own seconds (set-up left out)."""
    pairs = [(floor(), product()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)

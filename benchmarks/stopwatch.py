"""Measuring: medians of a few rounds, floor and product alternating so that both meet the same machine."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.summary import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the product and its floor took; seconds are medians."""

    name: str
    size: int
    """How many of what the cost should grow with."""
    of: str
    """What these are."""
    floor_name: str
    floor: float
    product: float
    aim: float | None
    """The largest ratio that is good enough; ``None`` where there is no aim."""
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.product / self.floor

    @property
    def met(self) -> bool | None:
        return None if self.aim is None else self.ratio <= self.aim

    def lines(self) -> list[Line]:
        aim = "" if self.aim is None else f"ratio {self.aim:g}"
        return [
            Line(
                name=self.name,
                size=self.size,
                cost=self.product,
                unit="s",
                ratio=self.ratio,
                aim=aim,
                met=self.met,
            )
        ]

    def __str__(self) -> str:
        verdict = "no aim" if self.met is None else f"aim {self.aim:g} {'met' if self.met else 'MISSED'}"
        return (
            f"{self.name}, {self.size:,} {self.of}: {self.product:.3f} s, {self.floor_name} {self.floor:.3f} s, "
            f"ratio {self.ratio:.2f}, {verdict} {self.note}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the portal; times are medians in milliseconds.

    ``queries`` are the page's own statements that the floor stands beside, repeated bare; both are ``None`` where the
    page has no floor.
    """

    name: str
    size: int
    """Rows that the page chooses from."""
    whole: float
    fastest: float
    """The quickest round: nearer to a machine that does nothing else."""
    cpu: float
    """Of this process: all but the waiting for the database. In SQLite, which is part of it, the whole."""
    aim: float | None
    database: float
    """Executing all statements of the page; SQLite finds most rows only when they are fetched, which is not in it."""
    count: int
    queries: float | None = None
    floor: float | None = None

    def lines(self) -> list[Line]:
        met = None if self.aim is None else self.whole <= self.aim
        aim = "" if self.aim is None else f"{self.aim:g} ms"
        page = Line(name=f"page {self.name}", size=self.size, cost=self.whole, unit="ms", aim=aim, met=met)
        if self.ratio is None or self.queries is None:
            return [page]
        sums = Line(
            name=f"sums {self.name}",
            size=self.size,
            cost=self.queries,
            unit="ms",
            ratio=self.ratio,
            aim=f"ratio {RATIO:g}",
            met=self.ratio <= RATIO,
        )
        return [page, sums]

    @property
    def ratio(self) -> float | None:
        return None if self.queries is None or self.floor is None else self.queries / self.floor

    def __str__(self) -> str:
        verdict = "no aim" if self.aim is None else f"aim {self.aim:g} {'met' if self.whole <= self.aim else 'MISSED'}"
        line = (
            f"{self.name:<38} page {self.whole:>6.0f} ms (fastest {self.fastest:>5.0f}, CPU {self.cpu:>4.0f})  "
            f"{verdict:<14} SQL {self.database:>6.0f} ms in {self.count:>2}"
        )
        if self.ratio is None:
            return line
        missed = "MISSED" if self.ratio > RATIO else "met"
        return f"{line}   sums {self.queries:>7.1f} ms  floor {self.floor:>7.1f} ms  ratio {self.ratio:>5.2f} {missed}"


RATIO = 1.5
"""What a page's sums may cost beside the same sums in plain SQL."""


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(floor: Callable[[], float], product: Callable[[], float], *, rounds: int) -> tuple[float, float]:
    """Medians of ``rounds`` alternating measurements; each callable returns its own seconds (set-up left out)."""
    pairs = [(floor(), product()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def peak_memory(work: Callable[[], object]) -> float:
    """The most memory that this process held at once during one call, in MB; on Linux, 0 elsewhere."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        work()
        return 0
    reset.write_text("5")
    work()
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024

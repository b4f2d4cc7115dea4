"""The one table at the end: each measured thing with its ratio to the floor, its growth from size to size, its aim."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing at one size. ``cost`` may have any unit; only costs of the same ``name`` are compared."""

    name: str
    size: int
    """How many of what the cost should grow with: entries, rows, tickets, systems."""
    cost: float
    unit: str
    ratio: float | None = None
    aim: str = ""
    """In words, empty where there is none."""
    met: bool | None = None


class Measured(Protocol):
    def lines(self) -> Iterable[Line]: ...


def growth(line: Line, before: Line) -> float:
    """Cost of each unit beside that at the smaller size; 1 is linear, less is better."""
    return (line.cost / line.size) / (before.cost / before.size)


def table(measured: Iterable[Measured]) -> Iterator[str]:
    """The rows of the table as text, the sizes of one thing below each other."""
    lines = [line for each in measured for line in each.lines()]
    place = {name: number for number, name in enumerate(dict.fromkeys(line.name for line in lines))}
    lines.sort(key=lambda line: (place[line.name], line.size))
    yield f"{'what':<58} {'size':>10} {'cost':>12} {'ratio':>7} {'growth':>7}  aim"
    before: Line | None = None
    for line in lines:
        grown = growth(line, before) if before is not None and before.name == line.name else None
        verdict = "no aim" if line.met is None else f"{line.aim} {'met' if line.met else 'MISSED'}"
        yield (
            f"{line.name:<58} {line.size:>10,} {line.cost:>9,.3g} {line.unit:<2} {_number(line.ratio):>7} "
            f"{_number(grown):>7}  {verdict}"
        )
        before = line
    with_aim = [line for line in lines if line.met is not None]
    yield f"{sum(bool(line.met) for line in with_aim)} of {len(with_aim)} aims met"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"

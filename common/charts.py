"""What a bar chart shows: its categories with their values, and the table of the same numbers that stands beside it.

Values are decimals; ``common.chart_pictures`` says where the bars stand.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

MOST_SERIES = 4  # as many colours and patterns has the style sheet


class Kind(StrEnum):
    STANDING = "standing"  # bars stand side by side, each one a category
    LYING = "lying"  # bars lie below each other, each below its name


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What values are shown in: ``size`` of them make one on the axis, ``show`` says one in full."""

    name: str
    show: Callable[[Decimal], str]
    size: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """``values`` and ``urls`` go by series. ``short`` stands below the bar, ``group`` where several begin alike."""

    label: str
    values: tuple[Decimal, ...]
    urls: tuple[str, ...] = ()
    short: str = ""
    group: str = ""

    @property
    def total(self) -> Decimal:
        return sum(self.values, Decimal(0))

    def url(self, series: int) -> str:
        return self.urls[series] if series < len(self.urls) else ""


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """``key`` tells the charts of a page apart, ``heading`` names the categories, ``description`` says what is seen."""

    key: str
    title: str
    description: str
    heading: str
    kind: Kind
    unit: Unit
    series: tuple[str, ...]
    categories: tuple[Category, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.series) <= MOST_SERIES:
            raise ValueError(f"A chart has one to {MOST_SERIES} series, not {len(self.series)}.")
        if any(len(category.values) != len(self.series) for category in self.categories):
            raise ValueError("Each category has one value for each series.")

    @property
    def is_empty(self) -> bool:
        return not any(value for category in self.categories for value in category.values)

    @property
    def has_parts(self) -> bool:
        return len(self.series) > 1

    @property
    def legend(self) -> list[tuple[int, str]]:
        return list(enumerate(self.series, start=1))

    @property
    def rows(self) -> list[tuple[str, list[Cell]]]:
        """The table's: the name of each category, its values, and their sum where they are several."""
        return [(category.label, self._cells(category)) for category in self.categories]

    @property
    def totals(self) -> list[str]:
        """The table's last row."""
        columns = [sum(values, Decimal(0)) for values in zip(*(row.values for row in self.categories), strict=True)]
        sums = columns or [Decimal(0) for _name in self.series]
        return [self.unit.show(value) for value in (*sums, sum(sums, Decimal(0)))[: None if self.has_parts else 1]]

    def _cells(self, category: Category) -> list[Cell]:
        cells = [
            Cell(self.unit.show(value), category.url(place) if value else "")
            for place, value in enumerate(category.values)
        ]
        return [*cells, Cell(self.unit.show(category.total))] if self.has_parts else cells

    def bar_title(self, category: Category, series: int) -> str:
        """What is shown where the pointer rests on the bar."""
        name = f"{category.label}, {self.series[series]}" if self.has_parts else category.label
        return f"{name}: {self.unit.show(category.values[series])} {self.unit.name}"


def fold(categories: Sequence[Category], *, most: int, rest: str) -> tuple[Category, ...]:
    """The largest ones in falling order; all others, if there are any, as one more whose label is ``rest``."""
    ordered = sorted(categories, key=lambda category: category.total, reverse=True)
    if len(ordered) <= most + 1:  # one alone is shown by its own name
        return tuple(ordered)
    others = zip(*(category.values for category in ordered[most:]), strict=True)
    return (*ordered[:most], Category(label=rest, values=tuple(sum(values, Decimal(0)) for values in others)))

"""Spans of days that reports are about: half-open, days of the ticket system's own zone."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from common.months import Month

FIRST_DAY, END_DAY = date(1971, 1, 1), date(9997, 1, 1)
"""Of the span that holds everything."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From ``first_day`` until before ``end_day``; never empty."""

    first_day: date
    end_day: date

    def __post_init__(self) -> None:
        if self.end_day <= self.first_day:
            raise ValueError(f"The span from {self.first_day} to before {self.end_day} is empty.")

    @classmethod
    def of_month(cls, month: Month) -> Self:
        return cls(month.first_day, month.end_day)

    @classmethod
    def of_months(cls, first: Month, last: Month) -> Self:
        """From the first day of ``first`` to the last of ``last``."""
        return cls(first.first_day, last.end_day)

    @classmethod
    def of_quarter(cls, year: int, quarter: int) -> Self:
        """``quarter`` from 1 to 4."""
        if not 1 <= quarter <= 4:
            raise ValueError(f"{quarter} is not a quarter.")
        return cls.of_months(Month(year, 3 * quarter - 2), Month(year, 3 * quarter))

    @classmethod
    def of_year(cls, year: int) -> Self:
        return cls.of_months(Month(year, 1), Month(year, 12))

    @classmethod
    def everything(cls) -> Self:
        return cls(FIRST_DAY, END_DAY)

    @property
    def is_everything(self) -> bool:
        return (self.first_day, self.end_day) == (FIRST_DAY, END_DAY)

    @property
    def last_day(self) -> date:
        return self.end_day - timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end_day - self.first_day).days

    @property
    def whole_months(self) -> int:
        """How many calendar months the span consists of; 0 where it does not begin and end with one."""
        if self.first_day.day != 1 or self.end_day.day != 1:
            return 0
        return 12 * (self.end_day.year - self.first_day.year) + self.end_day.month - self.first_day.month

    @property
    def months(self) -> tuple[Month, ...]:
        """Every month that the span touches; not to be asked of everything."""
        months = [Month.of(self.first_day)]
        while months[-1] < Month.of(self.last_day):
            months.append(months[-1].next)
        return tuple(months)

    def shift(self, times: int) -> "Span":
        """The span of the same kind that many places later: whole months by months, other spans by days.

        Raises ``ValueError`` where the calendar ends.
        """
        if count := self.whole_months:
            return Span(_shifted(self.first_day, times * count), _shifted(self.end_day, times * count))
        way = timedelta(days=times * self.days)
        try:
            return Span(self.first_day + way, self.end_day + way)
        except OverflowError as error:
            raise ValueError(f"There is no span {times} places from {self.first_day}.") from error

    @property
    def previous(self) -> "Span":
        """What a report compares with."""
        return self.shift(-1)


def _shifted(first_day: date, months: int) -> date:
    return Month.of(first_day).shift(months).first_day

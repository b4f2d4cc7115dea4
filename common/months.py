"""Calendar months as billing periods: half-open, in the zone of a ticket system."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

FORM = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One calendar month, ordered by time. ``str(month)`` is ``YYYY-MM``, the form that ``parse`` reads."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1970 <= self.year <= 9998 and 1 <= self.month <= 12):
            raise ValueError(f"{self.year}-{self.month} is not a month; write it as YYYY-MM, for example 2026-10.")

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``YYYY-MM``; anything else raises ``ValueError`` with a sentence that names the form.

        The years at the very ends are refused, so that whoever has read a month may also look a year back and ahead.
        """
        match = FORM.fullmatch(text)
        if match is None or not 1971 <= int(match[1]) <= 9997:
            raise ValueError(f"“{text[:40]}” is not a month; write it as YYYY-MM, for example 2026-10.")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """The month that holds ``day`` (for an aware datetime: in its own zone)."""
        return cls(day.year, day.month)

    def shift(self, months: int) -> "Month":
        """The month ``months`` later (earlier when negative)."""
        years, index = divmod(self.month - 1 + months, 12)
        return Month(self.year + years, index + 1)

    @property
    def previous(self) -> "Month":
        return self.shift(-1)

    @property
    def next(self) -> "Month":
        return self.shift(1)

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def end_day(self) -> date:
        """The first day after the month."""
        return self.next.first_day

    def start(self, zone: ZoneInfo) -> datetime:
        """First instant of the month in ``zone``, aware."""
        return datetime(self.year, self.month, 1, tzinfo=zone)

    def end(self, zone: ZoneInfo) -> datetime:
        """First instant after the month in ``zone``, aware."""
        return self.next.start(zone)

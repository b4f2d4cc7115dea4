"""The lines of a report: each group with its sums and with its minutes of the span before."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from common.exports import CHUNK
from portal.reports.sums import (
    By,
    Group,
    Row,
    Sums,
    count_and_minutes,
    count_of_groups,
    groups_in_order,
    labelled,
    minutes_by,
    minutes_of_groups,
    sums_by,
    total,
)
from tickets.models import TimeEntry

TICKET_FIELDS = {"key": "ticket__number", "folded": "ticket__title", "system": "system__name"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Row):
    """``before`` are the group's minutes of the span before."""

    before: Decimal

    @property
    def change(self) -> Decimal:
        return self.minutes - self.before

    @property
    def folded(self) -> str:
        """What the names are sorted by."""
        return self.label.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``sums`` and ``before`` are those of all entries, also of groups that have no line as they had time only before.

    ``before`` is ``None`` where there is no span before.
    """

    by: By
    lines: "list[Line] | TicketLines"
    sums: Sums
    before: Decimal | None

    @property
    def rowless(self) -> Decimal:
        """Minutes of the span before that are in no line; of tickets that is not known."""
        if self.before is None or isinstance(self.lines, TicketLines):
            return Decimal(0)
        return self.before - sum((line.before for line in self.lines), Decimal(0))


class TicketLines:
    """The lines of a report by ticket, sorted and cut in SQL: there may be hundreds of thousands of them.

    A page is found by what it is sorted by alone; only its own tickets are then summed up in full. ``entries`` need no
    standing.
    """

    def __init__(self, entries: QuerySet[TimeEntry], before: QuerySet[TimeEntry] | None, *order: str) -> None:
        self._entries, self._before = entries, before
        self._order = tuple(map(_sql_name, order))

    def order_by(self, *names: str) -> "TicketLines":
        return TicketLines(self._entries, self._before, *names)

    def count(self) -> int:
        return count_of_groups(By.TICKET, self._entries)

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, part: slice) -> list[Line]:
        keys = list(groups_in_order(By.TICKET, self._entries, *self._order)[part])
        found = {row["group"]: row for row in sums_by(By.TICKET, self._entries.filter(ticket__in=keys))}  # type: ignore[misc]  # keys of tickets
        return self._lines([found[key] for key in keys])

    def __iter__(self) -> Iterator[Line]:
        ordered = sums_by(By.TICKET, self._entries).order_by(*self._order, "group")  # type: ignore[misc]  # annotated
        groups = ordered.iterator(chunk_size=CHUNK)
        while chunk := list(islice(groups, CHUNK)):
            yield from self._lines(chunk)

    def _lines(self, groups: Iterable[Mapping[str, Any]]) -> list[Line]:
        rows = labelled(By.TICKET, groups)
        if self._before is None or not rows:
            return _lines(rows, {})
        return _lines(rows, minutes_of_groups(By.TICKET, self._before, [row.group for row in rows]))


def report(
    by: By, entries: QuerySet[TimeEntry], before: QuerySet[TimeEntry] | None, *, plain: QuerySet[TimeEntry]
) -> Report:
    """The report on these entries, which come from ``selection``, as those of the span ``before`` do.

    ``plain`` are the same entries, but without their standing.
    Agents, customers and queues are few: they are read at once and their totals are added up from them.
    """
    if by == By.TICKET:
        minutes = None if before is None else count_and_minutes(before)[1]
        return Report(by=by, lines=TicketLines(plain, before), sums=total(entries), before=minutes)
    rows = labelled(by, sums_by(by, entries))
    earlier = minutes_by(by, before) if before is not None else {}
    return Report(
        by=by,
        lines=_lines(rows, earlier),
        sums=_added(rows),
        before=None if before is None else sum(earlier.values(), Decimal(0)),
    )


def _lines(rows: Iterable[Row], before: Mapping[Group, Decimal]) -> list[Line]:
    values = ({field.name: getattr(row, field.name) for field in fields(row)} for row in rows)
    return [Line(**row, before=before.get(row["group"], Decimal(0))) for row in values]


def _added(rows: Iterable[Sums]) -> Sums:
    found = list(rows)
    sums: dict[str, Any] = {
        field.name: sum((getattr(row, field.name) for row in found), Decimal(0)) for field in fields(Sums)
    }
    return Sums(**sums | {"entries": int(sums["entries"])})


def _sql_name(name: str) -> str:
    """The field of the grouped entries that a column is sorted by."""
    bare = name.removeprefix("-")
    return f"{'-' if name != bare else ''}{TICKET_FIELDS.get(bare, bare)}"

"""What the readings of ticket systems say about themselves: which months are complete, and what was read when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.utils.translation import gettext as _

from common.months import Month
from common.spans import Span
from tickets.models import SyncRun, TicketSystem


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of a month, or of one agent's time in it, that was written to its end."""

    pk: int
    month: Month
    of_agent: bool
    complete: bool
    started_at: datetime
    finished_at: datetime
    entries_moved: int


@dataclass(frozen=True, slots=True)
class SystemReadings:
    """The readings of one ticket system, the latest last."""

    system: TicketSystem
    readings: Sequence[Reading]

    @property
    def of_months(self) -> list[Reading]:
        return [reading for reading in self.readings if not reading.of_agent]

    def latest(self, month: Month) -> Reading | None:
        """The one that the mirror's content of the month comes from."""
        return next((reading for reading in reversed(self.of_months) if reading.month == month), None)

    def since(self, read_at: datetime) -> datetime:
        """When the reading began that wrote something at this moment; the moment itself where none is known."""
        spans = (reading for reading in self.readings if reading.started_at <= read_at <= reading.finished_at)
        return max((reading.started_at for reading in spans), default=read_at)

    def moved_after(self, moment: datetime) -> bool:
        """Whether a reading that began later has moved entries between tickets."""
        return any(reading.entries_moved and reading.started_at > moment for reading in self.readings)

    def months_of_agents(self) -> frozenset[Month]:
        """Months for which all agents were asked, with the look-back as it is now set."""
        return frozenset(chain.from_iterable(self._asked_in(reading) for reading in self.of_months))

    def _asked_in(self, reading: Reading) -> tuple[Month, ...]:
        first = self.system.looked_back_to(reading.month.first_day)
        last = max(reading.month, Month.of(reading.started_at.astimezone(self.system.zone)))
        return Span.of_months(first, last).months


def readings_of(systems: Iterable[TicketSystem]) -> dict[int, SystemReadings]:
    """By primary key of the system. One query."""
    found: dict[int, list[Reading]] = {system.pk: [] for system in systems}
    runs = SyncRun.objects.written().filter(system__in=list(found))
    columns = runs.order_by("finished_at", "pk").values_list(
        "pk", "system_id", "agent_id", "month", "complete", "started_at", "finished_at", "entries_moved"
    )
    for pk, system, agent, month, complete, started_at, finished_at, moved in columns:
        if started_at is not None and finished_at is not None:
            found[system].append(
                Reading(
                    pk=pk,
                    month=Month.of(month),
                    of_agent=agent is not None,
                    complete=complete,
                    started_at=started_at,
                    finished_at=finished_at,
                    entries_moved=moved,
                )
            )
    return {system.pk: SystemReadings(system, found[system.pk]) for system in systems}


def gaps(readings: Iterable[SystemReadings], span: Span) -> list[str]:
    """Why the months of the span are not known to be complete; empty when they are."""
    sentences = []
    for each in readings:
        for month in span.months:
            latest = each.latest(month)
            if latest is None:
                text = _("“%(system)s” has never been read for %(months)s.")
            elif not latest.complete:
                text = _("“%(system)s” could not be read completely for %(months)s.")
            else:
                continue
            sentences.append(text % {"system": each.system.name, "months": month})
    return sentences


def findings(readings: Iterable[SystemReadings], span: Span) -> list[str]:
    """What the latest readings of the months came across, gaps and notes, in their own words. One query."""
    latest = [each.latest(month) for each in readings for month in span.months]
    runs = SyncRun.objects.filter(pk__in=[reading.pk for reading in latest if reading is not None])
    problems = runs.order_by("system__name", "month").values_list("problems", flat=True)
    return list(chain.from_iterable(problems))

"""How old the mirror of each ticket system is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from portal.health.findings import Finding, State
from tickets.models import SyncRun, TicketSystem
from tickets.planning import HOURS

LATE, TOO_LATE = timedelta(hours=26), timedelta(hours=50)
"""One night missed, two nights missed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The latest reading of the newest month of one active ticket system that reached the mirror."""

    system: str
    begun: datetime | None
    complete: bool


def latest_readings(systems: QuerySet[TicketSystem]) -> list[Reading]:
    """Of each of these systems, by name; one query."""
    runs = SyncRun.objects.of_months().written().filter(system=OuterRef("pk"), started_at__isnull=False)
    newest = runs.order_by("-month", "-started_at", "-pk")
    rows = systems.order_by("name").values_list(
        "name", Subquery(newest.values("started_at")[:1]), Subquery(newest.values("complete")[:1])
    )
    return [Reading(name, begun, bool(complete)) for name, begun, complete in rows]


def check_readings(*, now: datetime) -> list[Finding]:
    """Needs a database that answers."""
    return [_of_system(reading, now=now) for reading in latest_readings(TicketSystem.objects.filter(active=True))]


def _of_system(reading: Reading, *, now: datetime) -> Finding:
    state = _state(reading, now=now)
    return Finding(
        name="reading",
        about=reading.system,
        label=_("Readings of %(system)s") % {"system": reading.system},
        state=state,
        text=_text(reading, now=now),
        meaning=_(
            "What was booked since the latest reading is not in the portal yet. Nothing is billed from old data."
        ),
        advice="" if state == State.GOOD else _("Look at the page of the readings; it says what failed and why."),
    )


def _state(reading: Reading, *, now: datetime) -> State:
    if reading.begun is None:
        return State.WARN
    age = now - reading.begun if settings.NIGHTLY_READING_HOUR in HOURS else timedelta(0)
    if age > TOO_LATE:
        return State.BAD
    return State.GOOD if reading.complete and age <= LATE else State.WARN


def _text(reading: Reading, *, now: datetime) -> str:
    if reading.begun is None:
        return _("Never read yet.")
    text = _("Read %(age)s ago, complete.") if reading.complete else _("Read %(age)s ago, not complete.")
    return text % {"age": timesince(reading.begun, now)}

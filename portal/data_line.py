"""The line at the foot of every page: as of when the data are, and whether they are complete."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from portal.health.readings import Reading, latest_readings
from portal.worklist.readings import final_readings
from tickets.models import AnyUser, Customer, TicketSystem, sees_all_customers


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLine:
    """``text`` is what the page says; ``as_of`` is ``None`` where a ticket system was never read."""

    text: str
    as_of: datetime | None = None
    complete: bool = False
    readings: tuple[Reading, ...] = ()


def line_for(user: AnyUser, *, now: datetime) -> str:
    """``Data as of 06:15, complete``; see ``state_for``."""
    return state_for(user, now=now).text


def state_for(user: AnyUser, *, now: datetime) -> DataLine:
    """Of the ticket systems whose customers the user sees; two queries at most.

    The time is that of the oldest among the latest readings of the newest months. Complete: each of these is, and a
    month that is over was read in full from each. The text is empty for a user without customers.
    """
    systems, sees_all = TicketSystem.objects.filter(active=True), sees_all_customers(user)
    if not sees_all:
        systems = systems.filter(pk__in=Customer.objects.visible_to(user).values("system"))
    readings = tuple(latest_readings(systems))
    if not readings:
        return DataLine(text=_("No ticket system is connected yet.") if sees_all else "")
    begun = [reading.begun for reading in readings if reading.begun is not None]
    if len(begun) < len(readings):
        return DataLine(text=_("Not every ticket system was read yet."), readings=readings)
    final = {run.system.name for run in final_readings().values()}
    complete = all(reading.complete and reading.system in final for reading in readings)
    text = _("Data as of %(time)s, complete") if complete else _("Data as of %(time)s, not complete")
    words = {"time": _time(min(begun), now=now)}
    return DataLine(text=text % words, as_of=min(begun), complete=complete, readings=readings)


def _time(at: datetime, *, now: datetime) -> str:
    local = timezone.localtime(at)
    if local.date() == timezone.localtime(now).date():
        return time_format(local.time(), "TIME_FORMAT")
    return date_format(local, "SHORT_DATETIME_FORMAT")

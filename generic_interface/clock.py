"""Whether the ticket system's clock and zone are what the portal takes them for.

No operation tells the zone or the present. TicketGet tells of each ticket the local time of its creation and, by the
server's own clock, how many seconds ago that was: read in the right zone, both together are the present.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from generic_interface.records import TicketRecord

MOST_DRIFT = timedelta(minutes=5)
"""More than that is a wrong zone or a clock that nobody sets."""
YOUNGEST = timedelta(hours=27)
"""No two zones are farther apart. The age has no sign, so a younger ticket could fit a wrong zone as well."""


def clock_drift(tickets: Iterable[TicketRecord], *, asked: datetime, answered: datetime) -> timedelta | None:
    """How far the ticket system's clock, read in the zone of the tickets' dates, is ahead (negative: behind).

    ``asked`` and ``answered`` are aware moments of the portal's clock around the call that brought the tickets; what
    lies between them is no drift. The largest deviation counts: a zone with another summer time shows on the tickets
    of one half of the year alone. ``None`` when no ticket is old enough to tell.
    """
    drifts = [
        _beyond(present, first=asked.timestamp(), last=answered.timestamp())
        for ticket in tickets
        for present in _presents(ticket, near=answered.timestamp())
    ]
    if not drifts:
        return None
    largest: float = max(drifts, key=abs)
    return timedelta(seconds=round(largest))


def _presents(ticket: TicketRecord, *, near: float) -> Iterator[float]:
    """The server's present as one ticket tells it, in seconds since 1970; nothing where the ticket cannot tell."""
    if ticket.age is None or ticket.age < YOUNGEST or _is_doubtful(ticket.created):
        return
    created, age = ticket.created.timestamp(), ticket.age.total_seconds()
    yield min(created + age, created - age, key=lambda present: abs(present - near))


def _is_doubtful(created: datetime) -> bool:
    """In the hours around a change of the clock the text may mean two moments, or none."""
    return created.replace(fold=0).utcoffset() != created.replace(fold=1).utcoffset()


def _beyond(present: float, *, first: float, last: float) -> float:
    return min(present - first, 0.0) + max(present - last, 0.0)

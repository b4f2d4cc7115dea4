"""Which time entries a report is about: those that the user may see, in a span of days, narrowed down."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from django.db.models import Count, Max, Min, Q, QuerySet

from billing.standing import Standing, with_standing
from common.spans import Span
from tickets.models import AnyUser, TimeEntry

NONE: Final = "none"
"""As customer: time on tickets without customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """What is asked for within the span; records by primary key, ``None`` where all are. An empty queue is one that
    the ticket system has not told."""

    system: int | None = None
    agent: int | None = None
    customer: int | Literal["none"] | None = None
    queue: str | None = None
    ticket: int | None = None
    standing: Standing | None = None
    day: date | None = None


def select_entries(
    span: Span, *, user: AnyUser, narrowing: Narrowing = Narrowing(), standing: bool = True
) -> QuerySet[TimeEntry]:
    """Present entries of the span that the user may see, each with its ``standing``; one query where it has an end.

    ``standing=False`` leaves it out, for whoever needs neither it nor the sums split by it: without the claims the
    rest is summed several times faster, and nothing is asked before.
    """
    return _narrowed(TimeEntry.objects.visible_to(user), span, narrowing, standing)


def every_entry(span: Span, narrowing: Narrowing = Narrowing()) -> QuerySet[TimeEntry]:
    """The same without asking who may see it: for whoever has the server's command line."""
    return _narrowed(TimeEntry.objects.all(), span, narrowing)


def own_entries(span: Span, *, user: AnyUser, narrowing: Narrowing = Narrowing()) -> QuerySet[TimeEntry]:
    """Present entries of the span that the user booked as an agent, whatever their customer; without their standing."""
    own = TimeEntry.objects.filter(agent__account=user.pk) if user.is_authenticated else TimeEntry.objects.none()
    return _narrowed(own, span, narrowing, standing=False)


def _narrowed(
    entries: QuerySet[TimeEntry], span: Span, narrowing: Narrowing, standing: bool = True
) -> QuerySet[TimeEntry]:
    entries = entries.filter(gone_at__isnull=True)
    if not span.is_everything:
        entries = entries.filter(local_day__gte=span.first_day, local_day__lt=span.end_day)
    wanted = {name: getattr(narrowing, name) for name in ("system", "agent", "queue", "ticket")}
    entries = entries.filter(**{name: value for name, value in wanted.items() if value is not None})
    if narrowing.customer == NONE:
        entries = entries.filter(ticket__customer__isnull=True)
    elif narrowing.customer is not None:
        entries = entries.filter(ticket__customer=narrowing.customer)
    if narrowing.day is not None:
        entries = entries.filter(local_day=narrowing.day)
    if not standing and narrowing.standing is None:
        return entries
    split = with_standing(entries, keys=None if span.is_everything else _keys(entries))
    return split if narrowing.standing is None else split.filter(Q(standing=narrowing.standing))


def _keys(entries: QuerySet[TimeEntry]) -> tuple[int, int] | None:
    """The first and the last; what was booked in a month lies close together.

    Counted as well, or PostgreSQL would look for the two by walking along the keys of all entries.
    """
    found = entries.order_by().aggregate(count=Count("pk"), first=Min("pk"), last=Max("pk"))
    return (found["first"], found["last"]) if found["count"] else None

"""What the list of tickets and the page of a ticket show."""

from dataclasses import dataclass
from decimal import Decimal

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from common.durations import PLACES
from common.money import quantize
from common.paging import Empty, EmptyKind, no_customers, nothing_matches
from tickets.models import AnyUser, SyncRun, Ticket, TicketSystem, TimeEntry
from tickets.periods import Period
from tickets.queries import has_no_customers

CHOICES_SECONDS = 600


def tickets_of(period: Period, *, user: AnyUser) -> QuerySet[Ticket]:
    """Tickets that the user may see, closed in the month or all; with minutes booked in the month and in total.

    ``has_billed`` and ``has_unbilled`` tell whether entries stand in a live order position and whether others do not.
    """
    entries = TimeEntry.objects.present().filter(ticket=OuterRef("pk"))
    in_period = entries if period.everything else entries.booked_in(period.month)
    tickets = Ticket.objects.visible_to(user)
    if not period.everything:
        tickets = tickets.closed_in(period.month)
    return tickets.select_related("customer").annotate(
        minutes_in_period=_sum_of_minutes(in_period),
        minutes=_sum_of_minutes(entries),
        has_billed=Exists(entries.filter(allocations__live=True)),
        has_unbilled=Exists(entries.exclude(allocations__live=True)),
    )


def minutes_of(tickets: QuerySet[Ticket], period: Period) -> dict[str, Decimal]:
    """Sums over all these tickets in one pass over their entries, by the names of the columns."""
    in_period = Q() if period.everything else _booked_in(period)
    found = TimeEntry.objects.present().filter(ticket__in=tickets.order_by().values("pk"))
    sums = found.aggregate(minutes_in_period=Sum("minutes", filter=in_period), minutes=Sum("minutes"))
    return {name: quantize(total or Decimal(0), PLACES) for name, total in sums.items()}


def ticket_by_number(text: str, *, user: AnyUser) -> Ticket | None:
    """The one ticket with exactly this number; ``None`` where there is none or where several systems have it."""
    if not text.strip() or "\0" in text:
        return None
    systems = TicketSystem.objects.values("pk")  # the index on numbers begins with the system
    found = Ticket.objects.visible_to(user).filter(system__in=systems, number=text.strip())[:2]
    return found[0] if len(found) == 1 else None


def queues_and_states(tickets: QuerySet[Ticket], period: Period, *, user: AnyUser) -> tuple[list[str], list[str]]:
    """What the filters offer: names that occur among the tickets. Over all months they are kept for ten minutes."""

    def read() -> list[tuple[str, str]]:
        return list(tickets.order_by().values_list("queue", "state").distinct())

    key = f"tickets-filters-{user.pk}"
    pairs = (cache.get_or_set(key, read, CHOICES_SECONDS) or []) if period.everything else read()
    return sorted({queue for queue, _state in pairs if queue}), sorted({state for _queue, state in pairs if state})


def why_empty(period: Period, *, user: AnyUser, is_filtered: bool) -> Empty:
    """The sentence for a list without rows: no customers, nothing matches, never read, or really nothing."""
    if has_no_customers(user):
        return no_customers(
            _("You see the tickets of the customers that are assigned to you. An administrator can assign them.")
        )
    if is_filtered:
        text = _("Tickets are there, but none passes the filters.")
        return nothing_matches(text, url=f"?period={period.value}")
    if (
        not period.everything
        and not SyncRun.objects.of_months().filter(month=period.month.first_day, complete=True).exists()
    ):
        return Empty(
            kind=EmptyKind.NOT_READ,
            title=_("Not read yet"),
            text=_("The tickets of %(month)s were not yet read in full.") % {"month": period.label},
            url=f"{reverse('billing:orders')}?period={period.value}",
            action=_("To the orders, where a run reads them"),
        )
    return Empty(title=_("Nothing here"), text=_("No ticket was closed in this period."))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfTicket:
    """A ticket's entries and how their sum compares with what the ticket system says; all in minutes.

    ``article_minutes`` is the sum over the ticket's articles, ``None`` where these were not read.
    """

    entries: list[TimeEntry]
    minutes: Decimal
    upstream_minutes: Decimal | None
    article_minutes: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """Ticket system's total less the sum of the entries; ``None`` where it tells no total."""
        return None if self.upstream_minutes is None else self.upstream_minutes - self.minutes

    @property
    def article_difference(self) -> Decimal | None:
        """Ticket system's total less that of the articles; ``None`` where one of them is not known."""
        if self.upstream_minutes is None or self.article_minutes is None:
            return None
        return self.upstream_minutes - self.article_minutes


def time_of(ticket: Ticket) -> TimeOfTicket:
    """All entries of the ticket, gone ones included but not summed, each with its agent and its allocations.

    Totals are compared in units and only what differs is converted: entries that were billed keep the minutes they had
    when the ticket system's minutes per unit were others.
    """
    entries = list(ticket.entries.select_related("agent").prefetch_related("allocations__position__order"))
    present = [entry for entry in entries if entry.gone_at is None]
    minutes = sum((entry.minutes for entry in present), Decimal(0))
    units = sum((entry.units for entry in present), Decimal(0))

    def in_minutes(total: Decimal | None) -> Decimal | None:
        return None if total is None else minutes + (total - units) * ticket.system.minutes_per_unit

    return TimeOfTicket(
        entries=entries,
        minutes=minutes,
        upstream_minutes=in_minutes(ticket.time_units),
        article_minutes=in_minutes(ticket.article_units),
    )


def _booked_in(period: Period) -> Q:
    return Q(local_day__gte=period.month.first_day, local_day__lt=period.month.end_day)


def _sum_of_minutes(entries: QuerySet[TimeEntry]) -> Subquery:
    return Subquery(entries.order_by().values("ticket").annotate(total=Sum("minutes")).values("total"))

"""Three totals of a ticket compared: its entries in the portal, its own total, and that of its articles.

The ticket's own total has no date, so the entries of its whole life are summed, whatever period is asked about.
Everything is read in a fixed number of statements; tickets that disagree cost one more per ``bulk.BATCH`` of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum, TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.money import quantize
from common.months import Month
from common.spans import Span
from tickets.models import AnyUser, Customer, Ticket, TicketClosing, TicketSystem, TimeEntry, sees_all_customers
from tickets.reading_state import SystemReadings, findings, gaps, readings_of
from tickets.reconciliation_evidence import Difference, Totals, explain

UNIT_PLACES = 2
COLUMNS = ("ticket_id", "number", "title", "state_type", "created_at", "changed_at", "read_at", "time_units",
           "article_units", "system_id", "customer__customer_id", "customer__name")  # fmt: skip


class NotCompared(TextChoices):
    """Why a ticket's own total is not known."""

    ONLY_NAMED = "only_named", gettext_lazy("Only an agent's time accounting has named the ticket; it was never read.")
    NEVER_READ = "never_read", gettext_lazy("The ticket itself was never read.")


@dataclass(frozen=True, slots=True)
class NoTotal(Totals):
    """A ticket that cannot be compared."""

    @property
    def reason(self) -> NotCompared:
        return NotCompared.NEVER_READ if self.ticket.ticket_id else NotCompared.ONLY_NAMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """``problems`` say why the months are not known to be complete; they name no customer and no ticket."""

    span: Span
    readings: Sequence[SystemReadings]
    tickets: int
    compared: int
    with_articles: int
    """Of the compared tickets, those whose articles were read as well."""
    differences: Sequence[Difference]
    uncompared: Sequence[NoTotal]
    problems: Sequence[str]

    @property
    def differing(self) -> int:
        return len(self.differences)

    @property
    def agreeing(self) -> int:
        return self.compared - self.differing

    @property
    def not_compared(self) -> int:
        return len(self.uncompared)

    @property
    def complete(self) -> bool:
        """Whether every month was read completely, so that no ticket can be missing here."""
        return not self.problems

    @property
    def all_agree(self) -> bool:
        return self.complete and self.agreeing == self.tickets

    @property
    def reasons(self) -> dict[NotCompared, int]:
        """How many tickets could not be compared, for each reason there is."""
        counts = {reason: sum(each.reason == reason for each in self.uncompared) for reason in NotCompared}
        return {reason: count for reason, count in counts.items() if count}

    @property
    def sentence(self) -> str:
        """What came out, and never more than is known."""
        return " ".join(_sentences(self))

    def findings(self) -> list[str]:
        """What the readings of the months came across. It names tickets of every customer. One query."""
        return findings(self.readings, self.span)


def reconcile(
    period: Month | Span, *, user: AnyUser | None = None, system: TicketSystem | None = None
) -> Reconciliation:
    """Compare every ticket that was closed in the period or has present entries booked in it.

    ``user`` restricts the tickets to those that the person may see, ``system`` to those of one ticket system. The
    span of everything has no months and cannot be asked about.
    """
    span = Span.of_month(period) if isinstance(period, Month) else period
    systems = _systems(user, system)
    readings = readings_of(systems.values())
    totals = _totals(_touched(span, systems, user), systems)
    asked = _asked(systems, totals, system)
    compared = [each for each in totals if each.ticket.time_units is not None]
    return Reconciliation(
        span=span,
        readings=[readings[pk] for pk in asked],
        tickets=len(totals),
        compared=len(compared),
        with_articles=sum(each.ticket.article_units is not None for each in compared),
        differences=explain([each for each in compared if not each.agree], readings),
        uncompared=[NoTotal(each.ticket, each.entries_units) for each in totals if each.ticket.time_units is None],
        problems=gaps([readings[pk] for pk in asked], span) if asked else [_("There is no active ticket system.")],
    )


def _systems(user: AnyUser | None, system: TicketSystem | None) -> dict[int, TicketSystem]:
    """The systems whose tickets are asked about; of a person who sees some customers only, the systems of these."""
    if system is not None:
        return {system.pk: system}
    systems = TicketSystem.objects.all()
    if user is not None and not sees_all_customers(user):
        systems = systems.filter(pk__in=Customer.objects.visible_to(user).order_by().values("system"))
    return {each.pk: each for each in systems}


def _asked(systems: Mapping[int, TicketSystem], totals: Sequence[Totals], system: TicketSystem | None) -> list[int]:
    """Systems that must have been read: the one that is asked about, those that are active, those with tickets."""
    with_tickets = {each.ticket.system_id for each in totals}
    return [pk for pk, each in systems.items() if each == system or each.active or pk in with_tickets]


def _touched(span: Span, systems: Mapping[int, TicketSystem], user: AnyUser | None) -> QuerySet[Ticket]:
    entries = TimeEntry.objects.present().filter(system__in=list(systems))  # the index on days begins with the system
    booked = entries.filter(local_day__gte=span.first_day, local_day__lt=span.end_day).order_by()
    closed = TicketClosing.objects.filter(month__gte=span.months[0].first_day, month__lt=span.end_day).order_by()
    tickets = Ticket.objects.all() if user is None else Ticket.objects.visible_to(user)
    chosen = Q(pk__in=booked.values("ticket")) | Q(pk__in=closed.values("ticket"))
    return tickets.filter(chosen, system__in=list(systems))


def _totals(touched: QuerySet[Ticket], systems: Mapping[int, TicketSystem]) -> list[Totals]:
    """By ticket number. SQLite adds in binary, so the sums are cut back to what the column holds."""
    entries = TimeEntry.objects.present().filter(ticket__in=touched.order_by().values("pk")).order_by()
    sums = dict(entries.values_list("ticket").annotate(Sum("units")))
    totals = []
    for ticket in touched.select_related("customer").only(*COLUMNS).order_by("number", "pk"):
        ticket.system = systems[ticket.system_id]
        totals.append(Totals(ticket, quantize(sums.get(ticket.pk) or Decimal(0), UNIT_PLACES)))
    return totals


def _sentences(result: Reconciliation) -> Iterator[str]:
    if not result.tickets:
        yield _("There is no ticket to compare.")
    elif result.all_agree:
        yield ngettext(
            "The one ticket agrees: its entries add up to its own total.",
            "All %(count)d tickets agree: the entries of each add up to its own total.",
            result.tickets,
        ) % {"count": result.tickets}
    else:
        words = {"agreeing": result.agreeing, "count": result.tickets}
        yield (
            ngettext(
                "%(agreeing)d of %(count)d ticket agrees.", "%(agreeing)d of %(count)d tickets agree.", result.tickets
            )
            % words
        )
    if result.with_articles:
        yield _articles(result.with_articles)
    if result.differing:
        yield _differing(result.differing)
    if result.not_compared:
        yield _not_compared(result.not_compared)
    if not result.complete:
        yield _("Not every month is known to be complete, so tickets and time may be missing here.")


def _articles(count: int) -> str:
    return ngettext(
        "Of %(count)d ticket the time of its articles was compared as well.",
        "Of %(count)d tickets the time of their articles was compared as well.",
        count,
    ) % {"count": count}


def _differing(count: int) -> str:
    return ngettext(
        "%(count)d ticket disagrees; it is listed with the likely cause.",
        "%(count)d tickets disagree; they are listed with the likely cause of each.",
        count,
    ) % {"count": count}


def _not_compared(count: int) -> str:
    return ngettext(
        "%(count)d ticket could not be compared, because its own total is not known.",
        "%(count)d tickets could not be compared, because their own totals are not known.",
        count,
    ) % {"count": count}

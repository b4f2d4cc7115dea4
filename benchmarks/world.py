"""A year of a support desk in the mirror and in the ledger: what the pages are measured over.

The twelve months before the one that runs now, so that every page has something to show. Tickets come month by month
as syncs would have written them, a customer's spread over all of them. Nine in ten are billed in drafts, one in a
hundred has no customer, one customer in a hundred is not billed by its agreement, one entry in two hundred is gone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import User
from django.utils import timezone

from benchmarks.bulk import empty, fill, settle, stored_moment
from billing.models import Agreement, Allocation, Order, OrderPosition
from common.jobs import Job
from common.months import Month
from tickets.models import Agent, Customer, SyncRun, Ticket, TicketClosing, TicketSystem, TimeEntry

AGENTS, QUEUES, MONTHS = 40, 15, 12
WORDS = ("Drucker", "Anmeldung", "Netzlaufwerk", "Telefon", "Zertifikat", "Postfach", "Bildschirm", "Lizenz")
SPREAD = 2_654_435_761  # Knuth's multiplier: every run makes the same year


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """Records have the keys 1 to their number; ``month`` is the last one."""

    customers: int
    tickets: int
    entries: int
    month: Month
    system: int
    user: User

    def month_of(self, ticket: int) -> Month:
        return self.month.shift((ticket - 1) * MONTHS // self.tickets + 1 - MONTHS)

    def ticket_of(self, entry: int) -> int:
        return (entry - 1) * self.tickets // self.entries + 1

    def customer_of(self, ticket: int) -> int | None:
        return None if spread(ticket, 100, salt=1) == 0 else spread(ticket, self.customers, salt=2) + 1

    def is_billed(self, ticket: int) -> bool:
        customer = self.customer_of(ticket)
        return customer is not None and not is_exception(customer) and spread(ticket, 100, salt=3) < 92

    def minutes_of(self, entry: int) -> int:
        return 5 + 5 * spread(entry, 18, salt=4)

    def day_of(self, entry: int) -> date:
        month = self.month_of(self.ticket_of(entry))
        return month.first_day + timedelta(days=spread(entry, (month.end_day - month.first_day).days, salt=5))

    def is_gone(self, entry: int) -> bool:
        return spread(entry, 200, salt=6) == 0 and not self.is_billed(self.ticket_of(entry))


def spread(number: int, size: int, *, salt: int) -> int:
    """From 0 to before ``size``, the same for the same number and salt; of two salts neither tells the other."""
    mixed = (number + (salt << 24)) * SPREAD & 0xFFFFFFFF
    mixed = (mixed ^ mixed >> 15) * 0x2C1B3C6D & 0xFFFFFFFF
    return (mixed ^ mixed >> 12) % size


def is_exception(customer: int) -> bool:
    return customer % 100 == 50


def build_year(*, customers: int, tickets: int, entries: int) -> Year:
    """Fill the emptied database; its statistics are up to date afterwards."""
    empty()
    accounts = User.objects.filter(is_superuser=True)
    user = accounts.first() or User.objects.create_superuser("bench", "bench@example.com", "bench")
    system = TicketSystem.objects.create(name="bench", base_url="http://127.0.0.1/otrs", login="x", password="x")  # noqa: S106
    year = Year(
        customers=customers,
        tickets=tickets,
        entries=entries,
        month=Month.of(timezone.now().date()).previous,
        system=system.pk,
        user=user,
    )
    _fill_mirror(year)
    _fill_ledger(year)
    settle()
    return year


def _fill_mirror(year: Year) -> None:
    fill(
        Agent,
        ["id", "system_id", "login", "user_id", "name"],
        ((pk, year.system, f"agent{pk:02}", pk, f"Agent {pk:02}") for pk in range(1, AGENTS + 1)),
    )
    fill(
        Customer,
        ["id", "system_id", "customer_id", "name"],
        ((pk, year.system, f"K{pk:05}", f"Kunde {pk} GmbH") for pk in range(1, year.customers + 1)),
    )
    names = ["id", "system_id", "ticket_id", "number", "title", "state", "state_type", "queue", "customer_id"]
    fill(Ticket, [*names, "created_at", "changed_at", "closed_at", "time_units", "read_at"], _tickets(year))
    months = ((pk, year.month_of(pk).first_day) for pk in range(1, year.tickets + 1))
    fill(TicketClosing, ["ticket_id", "month"], months)
    names = ["id", "system_id", "agent_id", "ticket_id", "booked_local", "booked_at", "local_day", "units", "minutes"]
    fill(TimeEntry, [*names, "running_number", "queue", "source", "gone_at"], _entries(year))
    for places in range(1 - MONTHS, 1):
        month = year.month.shift(places)
        read = datetime.combine(month.end_day, datetime.min.time(), UTC) + timedelta(days=1)
        SyncRun.objects.create(
            system_id=year.system,
            month=month.first_day,
            state=Job.State.DONE,
            complete=True,
            started_at=read,
            finished_at=read,
        )


def _queue_of(ticket: int) -> str:
    return f"Support::Gruppe {spread(ticket, QUEUES, salt=7):02}"


def _tickets(year: Year) -> Iterator[tuple[object, ...]]:
    for pk in range(1, year.tickets + 1):
        month = year.month_of(pk)
        created = datetime.combine(month.first_day, datetime.min.time(), UTC) + timedelta(
            minutes=spread(pk, 27 * 1440, salt=8)
        )
        moment, closed = stored_moment(created), stored_moment(created + timedelta(days=1))
        yield (
            pk,
            year.system,
            str(pk),
            f"{month.year}{month.month:02}01{pk:08}",
            f"{WORDS[spread(pk, len(WORDS), salt=9)]} {WORDS[spread(pk, len(WORDS), salt=10)]} Platz {pk % 977}",
            "closed successful" if pk % 5 else "closed unsuccessful",
            "closed",
            _queue_of(pk),
            year.customer_of(pk),
            moment,
            closed,
            closed,
            Decimal(0),
            closed,
        )


def _entries(year: Year) -> Iterator[tuple[object, ...]]:
    for pk in range(1, year.entries + 1):
        ticket, day, minutes = year.ticket_of(pk), year.day_of(pk), Decimal(year.minutes_of(pk))
        at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(seconds=28_800 + spread(pk, 36_000, salt=11))
        moment = stored_moment(at)
        yield (
            pk,
            year.system,
            spread(pk, AGENTS, salt=12) + 1,
            ticket,
            f"{at:%Y-%m-%d %H:%M:%S}",
            moment,
            day,
            minutes,
            minutes,
            pk,  # equal bookings stay apart
            _queue_of(ticket),
            TimeEntry.Source.HISTORY.value,
            moment if year.is_gone(pk) else None,
        )


def _fill_ledger(year: Year) -> None:
    """One draft for each customer and month, one position a ticket."""
    usual = Agreement.objects.get(is_default=True)
    exceptions = [pk for pk in range(1, year.customers + 1) if is_exception(pk)]
    Agreement.objects.bulk_create(Agreement(customer_id=pk, billed=False, hourly_rate=0) for pk in exceptions)
    billed = [pk for pk in range(1, year.tickets + 1) if year.is_billed(pk)]
    order_of: dict[tuple[int | None, Month], int] = {}
    for ticket in billed:
        order_of.setdefault((year.customer_of(ticket), year.month_of(ticket)), len(order_of) + 1)
    now = stored_moment(datetime.combine(year.month.end_day, datetime.min.time(), UTC))
    names = ["id", "number", "customer_id", "agreement_id", "month", "period_start", "erp_customer_number"]
    fill(
        Order,
        [*names, "currency", "tax_rate", "created_at", "changed_at"],
        (
            (pk, f"F-{pk}", customer, usual.pk, *2 * (month.first_day,), f"K{customer}", "EUR", 19, now, now)
            for (customer, month), pk in order_of.items()
        ),
    )
    rest = ("Text", 0, 0, 0, "Std", 95, 0, "SUP-STD", "{}")
    position_of = {ticket: place for place, ticket in enumerate(billed, start=1)}
    names = ["id", "order_id", "position", "ticket_id", "text", "recorded_minutes", "billable_minutes", "quantity"]
    fill(
        OrderPosition,
        [*names, "unit", "unit_price", "amount", "article_number", "rule"],
        (
            (pk, order_of[year.customer_of(ticket), year.month_of(ticket)], pk, ticket, *rest)
            for ticket, pk in position_of.items()
        ),
    )
    claims = (
        (pk, position_of[ticket], year.minutes_of(pk))
        for pk in range(1, year.entries + 1)
        if (ticket := year.ticket_of(pk)) in position_of
    )
    fill(Allocation, ["entry_id", "position_id", "minutes"], claims)

"""The connection is lost at a COMMIT and nobody knows whether it was done; a person does it again, as people do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import InterfaceError, OperationalError

from billing.audit import audit_ledger
from billing.discrepancies import discrepancies
from billing.issuing import issue_orders
from billing.models import Agreement, Order
from billing.orders import OrdersRefused, approve_orders
from billing.runs import RunBusy, run_billing, start_run
from billing.settlement_models import Choice, Settlement
from billing.settling import settle
from common.months import Month
from tests.billing.scenes import book, read_completely, ticket_of
from tests.chaos.proxy import Cut, Proxy, through_proxy
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tickets.models import Customer, TicketSystem, TimeEntry
from tickets.outbox_models import OutboxItem

FIRST, NOW = Month(2001, 1), datetime(2026, 12, 2, 8, tzinfo=UTC)
CUSTOMERS, TICKETS, MINUTES, LATE = 3, 2, 15, 7
COMMITS = {"bill": 3, "issue": 2, "settle": 1}
"""How many transactions each of them commits; any may be the one that is cut."""
MOST_TRIES, PAUSE = 6, timedelta(minutes=5)


def play(rounds: int) -> list[str]:
    """A month a round: billed, issued, settled, each cut once; the sentences say what is wrong in the end."""
    Agreement.objects.update_or_create(
        is_default=True, defaults={"hourly_rate": 95, "note_on_issue": True, "message_language": "en"}
    )
    system: TicketSystem = TicketSystemFactory(name="Cut off at COMMIT")
    customers: list[Customer] = [CustomerFactory(system=system) for _ in range(CUSTOMERS)]
    wrong: list[str] = []
    with through_proxy() as proxy:
        for number in range(rounds):
            _round(proxy, number, customers)
        if proxy.cuts != 3 * rounds:
            wrong.append(f"{proxy.cuts} connections were cut instead of {3 * rounds}")
    return wrong + _wrong(system, rounds)


def _round(proxy: Proxy, number: int, customers: list[Customer]) -> None:
    month, how = FIRST.shift(number), list(Cut)[number % 2]
    tickets = [ticket_of(customer, closed=month) for customer in customers for _ in range(TICKETS)]
    for ticket in tickets:
        book(ticket, MINUTES, at=f"{month}-05 10:00:00")
    read_completely(customers[0].system, month)
    for name, act in (("bill", _bill), ("issue", _issue), ("settle", _settle)):
        if name == "settle":
            book(tickets[0], LATE, at=f"{month}-06 10:00:00")
        proxy.cut_at(1 + number // 2 % COMMITS[name], how)
        _until_done(act, month)


def _until_done(act: Callable[[Month, datetime], object], month: Month) -> None:
    """Again, some minutes later, after each lost connection; a refusal says that it is done."""
    for attempt in range(MOST_TRIES):
        try:
            act(month, NOW + attempt * PAUSE)
        except (OperationalError, InterfaceError):
            continue
        return
    raise RuntimeError(f"{month}: the connection was lost {MOST_TRIES} times, and cut once.")


def _bill(month: Month, now: datetime) -> None:
    try:
        run_billing(start_run(month=month, reads_first=False, now=now), clock=lambda: now)
    except RunBusy as busy:
        raise RuntimeError(f"{month}: {busy}") from busy


def _issue(month: Month, now: datetime) -> None:
    of_month = Order.objects.filter(month=month.first_day)
    if drafts := of_month.filter(state=Order.State.DRAFT):
        approve_orders(drafts, user=None, now=now)
    if approved := of_month.filter(state=Order.State.APPROVED):
        issue_orders(approved, user=None, now=now)


def _settle(month: Month, now: datetime) -> None:
    """As a person with the page still open, who presses the button again."""
    seen = [row for row in discrepancies() if row.order.month == month.first_day]
    if not seen:
        return
    try:
        settle(seen, choice=Choice.NOT_BILLABLE, reason="goodwill", user=None, now=now)
    except OperationalError:
        try:
            settle(seen, choice=Choice.NOT_BILLABLE, reason="goodwill", user=None, now=now)
        except OrdersRefused:
            return


def _wrong(system: TicketSystem, rounds: int) -> list[str]:
    wrong = [f"{breach.sentence} {breach.examples}" for breach in audit_ledger().breaches]
    orders = Order.objects.filter(customer__system=system)
    lines = rounds * CUSTOMERS * TICKETS
    seen = {
        "orders": (orders.count(), rounds * CUSTOMERS),
        "pairs of customer and month": (orders.values("customer", "month").distinct().count(), rounds * CUSTOMERS),
        "issued orders": (orders.filter(state=Order.State.ISSUED).count(), rounds * CUSTOMERS),
        "minutes in orders": (sum(orders.values_list("recorded_minutes", flat=True), Decimal(0)), lines * MINUTES),
        "minutes mirrored": (
            sum(TimeEntry.objects.filter(system=system).values_list("minutes", flat=True), Decimal(0)),
            lines * MINUTES + rounds * LATE,
        ),
        "notes in the outbox": (OutboxItem.objects.filter(system=system).count(), lines),
        "settlements": (Settlement.objects.filter(live=True, entry__system=system).count(), rounds),
    }
    return wrong + [f"{name}: {found} instead of {right}" for name, (found, right) in seen.items() if found != right]

"""One month billed: the product's run beside plain SQL that writes the same orders, positions and claims."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction

from benchmarks.bulk import LEDGER, clear, empty, settle
from benchmarks.stopwatch import Result, compare, seconds
from billing.models import Agreement, Allocation, Order, OrderPosition
from billing.runs import run_billing, start_run
from common.jobs import Job
from common.months import Month
from tickets.models import Agent, Customer, SyncRun, Ticket, TicketClosing, TicketSystem, TimeEntry

MONTH = Month(2026, 10)
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)

ORDERS_SQL = """
    INSERT INTO billing_order (number, customer_id, agreement_id, month, state, complete, erp_customer_number, currency,
        tax_rate, recorded_minutes, billable_minutes, net_amount, void_reason, created_at, changed_at)
    SELECT 'F-' || c.customer_id, c.id, %s, %s, 'draft', %s, c.customer_id, 'EUR', 19,
        SUM(e.minutes), SUM(e.minutes), ROUND(SUM(e.minutes) * 95 / 60, 2), '', %s, %s
    FROM tickets_timeentry e JOIN tickets_ticket t ON t.id = e.ticket_id
        JOIN tickets_ticketclosing z ON z.ticket_id = t.id AND z.month = %s
        JOIN tickets_customer c ON c.id = t.customer_id
    WHERE e.gone_at IS NULL AND e.local_day < %s AND t.state_type = 'closed'
        AND NOT EXISTS (SELECT 1 FROM billing_allocation a WHERE a.entry_id = e.id AND a.live)
    GROUP BY c.id, c.customer_id
"""
POSITIONS_SQL = """
    INSERT INTO billing_orderposition (order_id, position, ticket_id, text, recorded_minutes, billable_minutes,
        quantity, unit, unit_price, amount, article_number, rule)
    SELECT o.id, ROW_NUMBER() OVER (PARTITION BY o.id ORDER BY t.number), t.id, 'Nummer: ' || t.number, SUM(e.minutes),
        SUM(e.minutes), SUM(e.minutes) / 60, 'Std', 95, ROUND(SUM(e.minutes) * 95 / 60, 2), 'SUP-STD', '{}'
    FROM tickets_timeentry e JOIN tickets_ticket t ON t.id = e.ticket_id
        JOIN tickets_ticketclosing z ON z.ticket_id = t.id AND z.month = %s
        JOIN billing_order o ON o.customer_id = t.customer_id AND o.month = z.month
    WHERE e.gone_at IS NULL AND e.local_day < %s AND t.state_type = 'closed'
        AND NOT EXISTS (SELECT 1 FROM billing_allocation a WHERE a.entry_id = e.id AND a.live)
    GROUP BY o.id, t.id, t.number
"""
CLAIMS_SQL = """
    INSERT INTO billing_allocation (entry_id, position_id, minutes, live)
    SELECT e.id, p.id, e.minutes, %s
    FROM tickets_timeentry e JOIN billing_orderposition p ON p.ticket_id = e.ticket_id
        JOIN billing_order o ON o.id = p.order_id AND o.month = %s
    WHERE e.gone_at IS NULL AND e.local_day < %s
    ON CONFLICT DO NOTHING
"""


def seed(*, customers: int, tickets: int, entries: int) -> None:
    """Fill the mirror anew: closed tickets of October 2026, evenly spread, every entry 15 minutes."""
    empty()
    system = TicketSystem.objects.create(name="bench", base_url="http://127.0.0.1/otrs", login="x", password="x")  # noqa: S106
    agent = Agent.objects.create(system=system, login="anna", user_id=3)
    people = Customer.objects.bulk_create(Customer(system=system, customer_id=f"K{i:05}") for i in range(customers))
    mirrored = Ticket.objects.bulk_create(
        [
            Ticket(
                system=system,
                ticket_id=str(i),
                number=f"20261001{i:08}",
                title=f"Drucker {i}",
                state="closed successful",
                state_type="closed",
                queue="Support",
                customer=people[i % customers],
                read_at=NOW,
            )
            for i in range(tickets)
        ],
        batch_size=2000,
    )
    TicketClosing.objects.bulk_create(
        [TicketClosing(ticket=ticket, month=MONTH.first_day) for ticket in mirrored], batch_size=5000
    )
    start = datetime(2026, 10, 1, tzinfo=UTC)
    TimeEntry.objects.bulk_create(
        (_entry(system, agent, mirrored[i % tickets], start, i) for i in range(entries)), 5000
    )
    SyncRun.objects.create(
        system=system, month=MONTH.first_day, state=Job.State.DONE, complete=True, started_at=NOW, finished_at=NOW
    )


def _entry(system: TicketSystem, agent: Agent, ticket: Ticket, start: datetime, i: int) -> TimeEntry:
    at = start + timedelta(seconds=i % 2_500_000)
    return TimeEntry(
        system=system,
        agent=agent,
        ticket=ticket,
        booked_local=f"{at:%Y-%m-%d %H:%M:%S}",
        booked_at=at,
        local_day=at.date(),
        units=Decimal(15),
        minutes=Decimal(15),
        running_number=1 + i // 2_500_000,
        source=TimeEntry.Source.HISTORY,
    )


def clear_ledger() -> None:
    clear(LEDGER)
    if connection.vendor == "postgresql":
        settle()


def plain_sql() -> float:
    clear_ledger()
    agreement = Agreement.objects.get(is_default=True).pk
    month, end = MONTH.first_day, MONTH.end_day

    def work() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(ORDERS_SQL, [agreement, month, True, NOW, NOW, month, end])
            cursor.execute(POSITIONS_SQL, [month, end])
            cursor.execute(CLAIMS_SQL, [True, month, end])

    return seconds(work)


def product() -> float:
    clear_ledger()

    def work() -> None:
        run_billing(start_run(month=MONTH, reads_first=False, now=NOW), clock=lambda: NOW)

    return seconds(work)


def measure(*, customers: int, tickets: int, entries: int, rounds: int = 3) -> Result:
    """Time the run at one size; raises ``AssertionError`` when product and floor did not bill the same minutes."""
    seed(customers=customers, tickets=tickets, entries=entries)
    plain_sql()
    expected = _billed()
    product()
    assert _billed() == expected == (customers, min(tickets, entries), entries), (_billed(), expected)  # noqa: S101
    floor, own = compare(plain_sql, product, rounds=rounds)
    vendor = connection.vendor
    return Result(
        name=f"billing run, {customers:,} / {tickets:,} / {entries:,}, {vendor}",
        floor_name="plain SQL, claims in a link table",
        floor=floor,
        product=own,
        aim=2 if vendor == "postgresql" else 3,
    )


def _billed() -> tuple[int, int, int]:
    return Order.objects.count(), OrderPosition.objects.count(), Allocation.objects.count()

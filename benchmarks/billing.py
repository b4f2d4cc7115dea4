"""One month billed: the product's run beside plain SQL that writes the same orders, positions and claims."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction

from benchmarks.bulk import LEDGER, clear, empty, fill, settle, stored_moment
from benchmarks.stopwatch import Result, compare, peak_memory, seconds
from billing.models import Agreement, Allocation, Order, OrderPosition
from billing.runs import run_billing, start_run
from common.jobs import Job
from common.months import Month
from tickets.models import Agent, Customer, SyncRun, Ticket, TicketClosing, TicketSystem, TimeEntry

MONTH = Month(2026, 10)
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
LARGE = 1_000_000  # entries: measured once, with an aim of its own

ORDERS_SQL = """
    INSERT INTO billing_order (number, customer_id, agreement_id, month, period_start, supplement, state, complete,
        erp_customer_number, currency, tax_rate, recorded_minutes, billable_minutes, net_amount, void_reason,
        created_at, changed_at)
    SELECT 'F-' || c.customer_id, c.id, %s, %s, %s, 0, 'draft', %s, c.customer_id, 'EUR', 19,
        SUM(e.minutes), SUM(e.minutes), ROUND(SUM(e.minutes) * 95 / 60, 2), '', %s, %s
    FROM tickets_timeentry e JOIN tickets_ticket t ON t.id = e.ticket_id
        JOIN tickets_ticketclosing z ON z.ticket_id = t.id AND z.month = %s
        JOIN tickets_customer c ON c.id = t.customer_id
    WHERE e.gone_at IS NULL AND e.local_day < %s AND t.state_type = 'closed'
        AND NOT EXISTS (SELECT 1 FROM billing_allocation a WHERE a.entry_id = e.id AND a.live)
    GROUP BY c.id, c.customer_id
"""
POSITIONS_SQL = """
    INSERT INTO billing_orderposition (order_id, position, kind, ticket_id, text, recorded_minutes, billable_minutes,
        included_minutes, prepaid_minutes, quantity, unit, unit_price, discount, amount, article_number, rule)
    SELECT o.id, ROW_NUMBER() OVER (PARTITION BY o.id ORDER BY t.number), 'time', t.id, 'Nummer: ' || t.number,
        SUM(e.minutes), SUM(e.minutes), 0, 0, SUM(e.minutes) / 60, 'Std', 95, 0,
        ROUND(SUM(e.minutes) * 95 / 60, 2), 'SUP-STD', '{}'
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
    people = ((pk, system.pk, f"K{pk:05}") for pk in range(1, customers + 1))
    fill(Customer, ["id", "system_id", "customer_id"], people)
    names = ["id", "system_id", "ticket_id", "number", "title", "state", "state_type", "queue", "customer_id"]
    read_at, ends = stored_moment(NOW), ("closed successful", "closed", "Support")
    rows = (
        (pk, system.pk, str(pk), f"20261001{pk:08}", f"Drucker {pk}", *ends, 1 + pk % customers, read_at)
        for pk in range(1, tickets + 1)
    )
    fill(Ticket, [*names, "read_at"], rows)
    fill(TicketClosing, ["ticket_id", "month"], ((pk, MONTH.first_day) for pk in range(1, tickets + 1)))
    names = ["system_id", "agent_id", "ticket_id", "booked_local", "booked_at", "local_day", "units", "minutes"]
    moments = (datetime(2026, 10, 1, tzinfo=UTC) + timedelta(seconds=i % 2_500_000) for i in range(entries))
    booked = ((f"{at:%Y-%m-%d %H:%M:%S}", stored_moment(at), at.date()) for at in moments)
    fill(
        TimeEntry,
        [*names, "running_number", "source"],
        (
            (system.pk, agent.pk, 1 + i % tickets, *when, Decimal(15), Decimal(15), 1 + i // 2_500_000, "history")
            for i, when in enumerate(booked)
        ),
    )
    SyncRun.objects.create(
        system=system, month=MONTH.first_day, state=Job.State.DONE, complete=True, started_at=NOW, finished_at=NOW
    )
    settle()


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
            cursor.execute(ORDERS_SQL, [agreement, month, month, True, NOW, NOW, month, end])
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
    megabytes = peak_memory(product)
    assert _billed() == expected == (customers, min(tickets, entries), entries), (_billed(), expected)  # noqa: S101
    large = entries >= LARGE
    floor, own = compare(plain_sql, product, rounds=1 if large else rounds)
    vendor = connection.vendor
    return Result(
        name=f"billing run, {vendor}",
        size=entries,
        of=f"entries, {tickets:,} tickets, {customers:,} customers",
        floor_name="plain SQL, claims in a link table",
        floor=floor,
        product=own,
        aim=3 if vendor == "sqlite" else (1.5 if large else 2),
        note=f"peak of memory {megabytes:.0f} MB",
    )


def _billed() -> tuple[int, int, int]:
    return Order.objects.count(), OrderPosition.objects.count(), Allocation.objects.count()

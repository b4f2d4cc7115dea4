"""Report pages and pivots beside the same sums in plain SQL, of one month and of everything.

The floor gives the figures of the page in as few statements as a person would write on these tables: the sums split by
how minutes stand with billing, and the minutes of the month before.
"""
# ruff: noqa: S608  # the names in the statements are our own

from collections.abc import Iterator
from datetime import date, timedelta

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from benchmarks.pages import Statement, browser, measure_page
from benchmarks.stopwatch import Page
from benchmarks.world import MONTHS, Year
from common.months import Month
from common.spans import Span
from portal.reports.span_text import span_text

MONTH_AIM, EVERYTHING_AIM = 60, 250  # milliseconds, on PostgreSQL with a million entries
SPLIT = """COUNT(*), SUM(e.minutes),
    SUM(CASE WHEN a.entry_id IS NOT NULL THEN e.minutes END),
    SUM(CASE WHEN a.entry_id IS NULL AND t.customer_id IS NOT NULL AND g.id IS NULL THEN e.minutes END),
    SUM(CASE WHEN a.entry_id IS NULL AND g.id IS NOT NULL THEN e.minutes END),
    SUM(CASE WHEN a.entry_id IS NULL AND t.customer_id IS NULL THEN e.minutes END)"""
JOINS = """tickets_timeentry e JOIN tickets_ticket t ON t.id = e.ticket_id
    LEFT JOIN billing_allocation a ON a.entry_id = e.id AND a.live
    LEFT JOIN billing_agreement g ON g.customer_id = t.customer_id AND NOT g.billed"""
PRESENT = "e.gone_at IS NULL AND e.system_id = %s AND e.local_day >= %s AND e.local_day < %s"
GROUPS = {"agent": "e.agent_id", "customer": "t.customer_id", "queue": "e.queue", "ticket": "e.ticket_id"}
TICKETS = "tickets_timeentry e JOIN tickets_ticket t ON t.id = e.ticket_id"
PIVOTS = {
    "agent_day": ("e.agent_id, e.local_day", "tickets_timeentry e"),
    "customer_month": ("t.customer_id, {month}", TICKETS),
    "queue_agent": ("e.queue, e.agent_id", "tickets_timeentry e"),
}
MONTH_OF_DAY = {"postgresql": "date_trunc('month', e.local_day)", "sqlite": "substr(e.local_day, 1, 7)"}


def measure(year: Year, *, rounds: int = 5) -> Iterator[Page]:
    """Every view of the month and of everything; a pivot by day of a month only, more would not be shown."""
    client = browser(year.user)
    for name, span in (("month", Span.of_month(year.month)), ("everything", Span.everything())):
        for page, query, floor in _views(year, span):
            yield measure_page(
                client,
                f"{name}: {query or page} {page if query else ''}".rstrip(),
                f"{reverse(f'reports:{page}')}?{query}&period={span_text(span)}",
                size=year.entries,
                aim=_aim(year, span),
                rounds=rounds,
                floor=floor,
                beside=_is_about_entries,
            )


def _aim(year: Year, span: Span) -> float | None:
    if connection.vendor != "postgresql" or year.entries < 1_000_000:
        return None
    return EVERYTHING_AIM if span.is_everything else MONTH_AIM


def _is_about_entries(sql: str) -> bool:
    """What counts, sums or picks entries; not what only asks which queues and which days there are."""
    reads = 'FROM "tickets_timeentry"' in sql and not sql.startswith("SELECT DISTINCT")
    return reads and 'FROM "tickets_ticketsystem"' not in sql


def _views(year: Year, span: Span) -> Iterator[tuple[str, str, list[Statement]]]:
    """Page, parameters, floor."""
    within = [year.system, span.first_day, span.end_day]
    before = [] if span.is_everything else [year.system, span.shift(-1).first_day, span.first_day]
    for by, group in GROUPS.items():
        floor = _ticket_sums(within, before) if by == "ticket" else _sums(group, within, before)
        yield "report", f"by={by}", floor
    for kind, (groups, tables) in PIVOTS.items():
        if kind != "agent_day" or not span.is_everything:
            columns = groups.format(month=MONTH_OF_DAY[connection.vendor])
            yield (
                "pivot",
                f"kind={kind}",
                [(f"SELECT {columns}, SUM(e.minutes) FROM {tables} WHERE {PRESENT} GROUP BY {columns}", within)],
            )
    yield "entries", "", _rows(within)
    yield "charts", "", _charts(year, within)


def _sums(group: str, within: list[object], before: list[object]) -> list[Statement]:
    sums = [(f"SELECT {group}, {SPLIT} FROM {JOINS} WHERE {PRESENT} GROUP BY {group}", within)]
    tables = TICKETS if group.startswith("t.") else "tickets_timeentry e"
    plain = f"SELECT {group}, SUM(e.minutes) FROM {tables} WHERE {PRESENT} GROUP BY {group}"
    return [*sums, (plain, before)] if before else sums


def _ticket_sums(within: list[object], before: list[object]) -> list[Statement]:
    """The 25 tickets with the most time, the totals of all of them, and of these 25 the minutes before."""
    sums = f"SELECT e.ticket_id, {SPLIT} FROM {JOINS} WHERE {PRESENT} GROUP BY e.ticket_id"
    names = "(ticket, entries, minutes, billed, unbilled, not_billable, blocked)"
    totals = ", ".join(f"SUM({name}) OVER ()" for name in names.strip("()").split(", ")[1:])
    page = f"SELECT *, COUNT(*) OVER (), {totals} FROM g ORDER BY minutes DESC, ticket LIMIT 25"
    statements: list[Statement] = [(f"WITH g {names} AS ({sums}) {page}", within)]
    if before:
        statements.append((f"SELECT SUM(e.minutes) FROM tickets_timeentry e WHERE {PRESENT}", before))
    return statements


def _rows(within: list[object]) -> list[Statement]:
    """The first 25 entries as the page orders them, their number and their minutes."""
    columns = "e.id, e.booked_local, e.minutes, t.number, t.title, c.customer_id, c.name, u.name, a.position_id"
    joins = f"{JOINS} LEFT JOIN tickets_customer c ON c.id = t.customer_id JOIN tickets_agent u ON u.id = e.agent_id"
    return [
        (f"SELECT COUNT(*), SUM(e.minutes) FROM tickets_timeentry e WHERE {PRESENT}", within),
        (
            f"SELECT {columns} FROM {joins} WHERE {PRESENT} ORDER BY e.booked_local, e.id DESC LIMIT 25",
            within,
        ),
    ]


def _charts(year: Year, within: list[object]) -> list[Statement]:
    today = timezone.now().date()
    last = Month.of(today) if within[1] == Span.everything().first_day else year.month
    first = last.shift(1 - MONTHS)
    ages = [today - timedelta(days=days) for days in (90, 60, 30)]
    steps = ", ".join(f"SUM(CASE WHEN e.local_day < {_quoted(day)} THEN e.minutes END)" for day in ages)
    unbilled = "a.entry_id IS NULL AND t.customer_id IS NOT NULL AND g.id IS NULL"
    days = "MIN(e.local_day), MAX(e.local_day)"
    return [
        (
            f"SELECT e.queue, t.customer_id, SUM(e.minutes) FROM {TICKETS} WHERE {PRESENT} GROUP BY 1, 2",
            within,
        ),
        (
            f"SELECT e.local_day, {SPLIT} FROM {JOINS} WHERE {PRESENT} GROUP BY 1",
            [year.system, first.first_day, last.end_day],
        ),
        (
            f"SELECT SUM(e.minutes), {days}, {steps} FROM {JOINS} WHERE {unbilled} AND {PRESENT}",
            [year.system, Span.everything().first_day, Span.everything().end_day],
        ),
    ]


def _quoted(day: date) -> str:
    return f"'{day.isoformat()}'"

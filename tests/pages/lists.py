"""Every list of the portal with the rows that fill it, and every page with a table that is none.

A new page with a table comes into one of the two, else a test fails.
"""

from collections.abc import Callable
from dataclasses import dataclass

from billing.models import Order
from common.paging import MOST_PER_PAGE, PER_PAGE
from outofoffice.models import Upload
from registration.models import RegisteredSystem
from tests.pages import rows


@dataclass(frozen=True, kw_only=True)
class List:
    """``queries``: what a page of it costs, whatever the number of rows. ``path`` may wait for the rows.

    ``batches``: how many more it may take of ten thousand rows, where the keys of all of them are asked for in batches.
    """

    key: str
    name: str
    path: str | Callable[[], str]
    fill: Callable[[int], object]
    queries: int
    batches: int = 0
    per_page: int = PER_PAGE
    needs_kivitendo: bool = False

    def __str__(self) -> str:
        return self.key

    def address(self) -> str:
        return self.path if isinstance(self.path, str) else self.path()


def _order() -> str:
    return f"/orders/{Order.objects.get().pk}/"


def _upload() -> str:
    return f"/out-of-office/uploads/{Upload.objects.get().pk}/"


def _registered_system() -> str:
    return f"/registration/{RegisteredSystem.objects.get().pk}/"


def _report(by: str, fill: Callable[[int], object], queries: int) -> List:
    path = f"/reports/?by={by}&period=2026-10"
    return List(key=f"report by {by}", name="reports:report", path=path, fill=fill, queries=queries)


def _pivot(kind: str, fill: Callable[[int], object], queries: int) -> List:
    path = f"/reports/pivot/?kind={kind}&period=2026-10"
    return List(
        key=f"pivot {kind}", name="reports:pivot", path=path, fill=fill, queries=queries, per_page=MOST_PER_PAGE
    )


def _check(key: str, fill: Callable[[int], object], queries: int) -> List:
    path, page = f"/tickets/quality/{key}/?period=2026-10", MOST_PER_PAGE
    return List(key=f"check {key}", name="tickets:quality_check", path=path, fill=fill, queries=queries, per_page=page)


LISTS = [
    List(key="tickets", name="tickets:list", path="/tickets/?period=2026-10", fill=rows.booked, queries=15),
    List(key="outbox", name="tickets:outbox", path="/tickets/written/?shown=all", fill=rows.notes, queries=11),
    List(
        key="differences",
        name="tickets:reconciliation",
        path="/tickets/reconciliation/?period=2026-10",
        fill=rows.booked_less_than_the_ticket_says,
        queries=15,
        batches=19,  # of 500 tickets
        per_page=MOST_PER_PAGE,
    ),
    List(
        key="not compared",
        name="tickets:reconciliation",
        path="/tickets/reconciliation/?period=2026-10&show=not-compared",
        fill=rows.booked_where_the_ticket_says_nothing,
        queries=14,
        per_page=MOST_PER_PAGE,
    ),
    _check("closed-without-time", rows.closed_without_time, 16),
    _check("long-entries", rows.booked_too_long, 15),
    _check("unnamed-customers", rows.without_name, 13),
    _check("agents-without-user-id", rows.by_agents_without_user_id, 13),
    List(
        key="orders",
        name="billing:orders",
        path="/orders/?period=2026-10",
        fill=rows.orders,
        queries=18,
        per_page=MOST_PER_PAGE,
    ),
    List(key="order", name="billing:order", path=_order, fill=rows.lines, queries=17, per_page=50),
    List(key="agreements", name="billing:agreements", path="/orders/agreements/", fill=rows.agreements, queries=14),
    List(key="files", name="billing:exports", path="/orders/exports/", fill=rows.files, queries=13),
    List(
        key="left out",
        name="billing:left_out",
        path="/orders/left-out/?period=2026-10",
        fill=rows.booked_and_open,
        queries=17,
        per_page=MOST_PER_PAGE,
    ),
    List(
        key="discrepancies",
        name="billing:discrepancies",
        path="/orders/discrepancies/?period=2026-10",
        fill=rows.vanished_after_billing,
        queries=22,
        batches=30,  # of 999 positions, entries and tickets on SQLite
        per_page=MOST_PER_PAGE,
    ),
    List(
        key="settled",
        name="billing:discrepancies",
        path="/orders/discrepancies/?shown=settled",
        fill=rows.settled,
        queries=17,
        per_page=MOST_PER_PAGE,
    ),
    List(key="runs", name="billing:runs", path="/orders/runs/", fill=rows.runs, queries=12),
    List(
        key="kivitendo customers",
        name="billing:kivitendo",
        path="/orders/kivitendo/",
        fill=rows.kivitendo_customers,
        queries=11,
        needs_kivitendo=True,
    ),
    List(
        key="kivitendo orders",
        name="billing:kivitendo_orders",
        path="/orders/kivitendo/orders/",
        fill=rows.findings,
        queries=12,
        needs_kivitendo=True,
    ),
    _report("agent", rows.booked_by_agents, 24),
    _report("customer", rows.booked_for_customers, 24),
    _report("queue", rows.booked_in_queues, 23),
    _report("ticket", rows.booked, 31),
    List(key="entries", name="reports:entries", path="/reports/entries/?period=2026-10", fill=rows.booked, queries=22),
    _pivot("agent_day", rows.booked_by_agents, 18),
    _pivot("customer_month", rows.booked_for_customers, 18),
    _pivot("queue_agent", rows.booked_in_queues, 18),
    List(
        key="agents without time",
        name="reports:without_time",
        path="/reports/without-time/?period=2026-11",
        fill=rows.idle_agents,
        queries=11,
    ),
    List(key="uploads", name="outofoffice:index", path="/out-of-office/", fill=rows.uploads, queries=15),
    List(key="upload", name="outofoffice:upload", path=_upload, fill=rows.upload_rows, queries=14, per_page=100),
    List(
        key="registered systems",
        name="registration:systems",
        path="/registration/",
        fill=rows.registered_systems,
        queries=14,
    ),
    List(
        key="registered system",
        name="registration:system",
        path=_registered_system,
        fill=rows.registration_events,
        queries=12,
    ),
    List(key="audit log", name="audit:log", path="/audit/?action=file.downloaded", fill=rows.actions, queries=11),
    List(key="failed mails", name="mails", path="/health/mails/", fill=rows.failed_mails, queries=9),
]

NO_LISTS = {
    "account_sessions": "one's own sessions that have not ended",
    "api:documentation": "the scopes",
    "api_tokens": "one's own tokens, of which there may be few",
    "billing:agreement": "what is agreed with one customer",
    "billing:change": "the fields of one line",
    "billing:run": "the files of one run",
    "help_document": "written by us",
    "outofoffice:calendar": "the agents of one ticket system who are away in the month",
    "reports:charts": "what the charts show, in numbers",
    "reports:mine": "the days of a month of one person",
    "styleguide": "an example",
    "tickets:readings": "a year of months for each ticket system",
    "tickets:ticket": "what was booked on one ticket",
}
"""Pages with a table that grows with nothing that grows for ever, by the name of their address, and what it holds."""

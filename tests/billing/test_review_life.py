"""The way of an order under attack: what the database must refuse, upgrades, and what nobody thinks of."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from django.apps import apps as today
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from billing import audit, guards
from billing.audit import audit_ledger
from billing.closed_months import why_closed
from billing.closing import close_month
from billing.handover import export_orders
from billing.issuing import issue_orders, void_order
from billing.ledger import plan_month
from billing.models import Agreement, Allocation, ClosedMonth, Export, NumberRange, Order, OrderEvent, OrderPosition
from billing.orders import OrdersRefused, approve_orders
from billing.plans import Change as OrderChange
from billing.statement_files import statement_file
from tests.at_once import at_once
from tests.billing.scenes import (
    DAY,
    NOVEMBER,
    NOW,
    OCTOBER,
    assert_every_minute_stands_once,
    bill,
    issue,
    ledger,
    read_completely,
    ticket_of,
)
from tests.commands import run_command
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketClosingFactory, TimeEntryFactory
from tickets.agent_twins import merge_twins
from tickets.models import Customer, TicketSystem, TimeEntry

pytestmark = pytest.mark.slow

Change = Callable[[], object]


@pytest.fixture
def issued(customer: Customer) -> Order:
    ticket_of(customer, 10, 20)
    bill()
    return issue()[0]


def sql(statement: str) -> Change:
    def execute() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return execute


def refuses(change: Change) -> None:
    before = ledger()
    with pytest.raises(IntegrityError, match="has left draft does not change"), transaction.atomic():
        change()
    assert ledger() == before


def draft_of_another() -> OrderPosition:
    ticket_of(CustomerFactory(system=Customer.objects.get().system, customer_id="other"), 5)
    bill()
    return OrderPosition.objects.get(order__state="draft")


def test_position_of_a_draft_is_not_slipped_into_an_issued_order(issued: Order) -> None:
    draft = draft_of_another()

    refuses(lambda: OrderPosition.objects.filter(pk=draft.pk).update(order=issued, position=9))


def test_claim_of_a_draft_is_not_slipped_into_an_issued_order(issued: Order) -> None:
    claim = Allocation.objects.get(position=draft_of_another())

    refuses(lambda: Allocation.objects.filter(pk=claim.pk).update(position=issued.positions.get()))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_order SET id = id + 1000, net_amount = 1",
        "UPDATE billing_order SET id = id + 1000",
        "UPDATE billing_orderposition SET id = id + 1000, amount = 1",
        "UPDATE billing_allocation SET id = id + 1000, minutes = 1",
        "UPDATE billing_order SET changed_at = '2031-01-01 00:00:00+00:00'",
        "UPDATE billing_order SET voided_by_id = 1",
    ],
)
def test_change_of_a_key_hides_no_other_change(issued: Order, statement: str) -> None:
    refuses(sql(statement))


def test_reason_of_a_void_order_stays(issued: Order) -> None:
    void_order(issued, reason="Wrong rate", user=None, now=NOW)

    refuses(lambda: Order.objects.update(void_reason="Something else"))


def test_order_is_born_as_a_draft(issued: Order) -> None:
    values = Order.objects.values().get() | {"id": 999, "number": "new", "document_number": "2026-00002"}

    refuses(lambda: Order.objects.create(**values | {"customer_id": CustomerFactory().pk}))


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL empties tables at once")
@pytest.mark.parametrize("table", guards.EMPTIED.values())
def test_tables_are_not_emptied_at_once(issued: Order, table: str) -> None:
    connection.check_constraints()

    refuses(sql(f"TRUNCATE {table} CASCADE"))


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only SQLite knows REPLACE")
@pytest.mark.parametrize("table", ["order", "orderposition", "allocation", "orderevent"])
def test_rows_are_not_replaced(issued: Order, table: str) -> None:
    refuses(sql(f"REPLACE INTO billing_{table} SELECT * FROM billing_{table}"))  # noqa: S608 - of our own


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite cannot disable a trigger")
def test_disabled_trigger_is_missing(db: None) -> None:
    sql("ALTER TABLE billing_order DISABLE TRIGGER billing_guard_order_update")()

    assert guards.missing(connection) == ["billing_guard_order_update"]
    guards.install(connection)
    assert guards.missing(connection) == []


@pytest.fixture
def older(transactional_db: None) -> Iterator[Any]:
    """The tables and models from before orders were issued; afterwards everything is as today."""
    call_command("migrate", "billing", "0002", verbosity=0)
    yield MigrationExecutor(connection).loader.project_state([("billing", "0002_default_agreement")]).apps
    call_command("migrate", verbosity=0)


def older_order(older: Any, number: str, state: str, approved: datetime | None, exported: datetime | None) -> None:
    customer = CustomerFactory()
    agreement, _created = older.get_model("billing", "Agreement").objects.get_or_create(
        is_default=True, defaults={"hourly_rate": 95}
    )
    order = older.get_model("billing", "Order").objects.create(
        number=number,
        customer_id=customer.pk,
        agreement=agreement,
        month=OCTOBER.first_day,
        state=state,
        complete=True,
        tax_rate=19,
        created_at=NOW,
        changed_at=NOW,
        approved_at=approved,
    )
    if exported:
        file = older.get_model("billing", "Export").objects.create(content=b"", created_at=exported, format="kivitendo")
        file.orders.add(order)


def test_orders_handed_over_before_there_were_numbers_get_theirs(older: Any) -> None:
    in_2025, new_year = datetime(2025, 11, 3, tzinfo=UTC), datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    older_order(older, "draft", "draft", None, None)
    older_order(older, "approved", "approved", in_2025, None)
    older_order(older, "second", "exported", in_2025, new_year)
    older_order(older, "first", "exported", in_2025, in_2025)
    older_order(older, "third", "exported", in_2025, NOW)

    call_command("migrate", "billing", verbosity=0)

    numbers = dict(Order.objects.order_by("number").values_list("number", "document_number"))
    expected = {"first": "2025-00001", "second": "2026-00001", "third": "2026-00002"}
    assert numbers == {"approved": None, "draft": None} | expected
    assert Order.objects.get(number="second").issued_at == new_year
    assert dict(NumberRange.objects.values_list("year", "last")) == {2025: 1, 2026: 2}
    events = OrderEvent.objects.filter(kind="issued").values_list("order__number", "text")
    assert dict(events) == expected
    assert guards.missing(connection) == []


def test_tables_go_back_to_nothing_and_come_again(older: Any) -> None:
    call_command("migrate", "billing", "zero", verbosity=0)
    call_command("migrate", "billing", verbosity=0)

    assert (guards.missing(connection), Agreement.objects.count()) == ([], 1)
    assert today.get_model("billing", "Order").objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_given_numbers_are_not_lost_on_the_way_back(request: pytest.FixtureRequest) -> None:
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})
    request.getfixturevalue("issued")

    with pytest.raises(RuntimeError, match="which the older version cannot keep"):
        call_command("migrate", "billing", "0002", verbosity=0)
    call_command("migrate", verbosity=0)

    assert (Order.objects.get().document_number, guards.missing(connection)) == ("2026-00001", [])


def test_plan_of_a_closed_month_is_what_a_run_would_do(issued: Order) -> None:
    close_month(OCTOBER, user=None, now=NOW)
    ticket_of(CustomerFactory(system=issued.customer.system, customer_id="late"), 30)

    plan = plan_month(OCTOBER)
    code, out, _err = run_command("bill", "2026-10", "--dry-run", "--json")

    assert [(item.order, item.change) for item in plan.orders] == [(issued, OrderChange.CLOSED)]
    assert (code, [order["number"] for order in json.loads(out)["orders"]]) == (1, [issued.number])
    assert "was closed on 2026-12-02" in run_command("bill", "2026-10", "--dry-run")[2]


def test_day_of_closing_is_that_of_the_portal(db: None) -> None:
    close_month(OCTOBER, user=None, now=datetime(2026, 11, 30, 23, 30, tzinfo=UTC))

    assert why_closed(OCTOBER).startswith("2026-10 was closed on 2026-12-01.")


def test_issued_order_is_not_called_approved(issued: Order) -> None:
    with pytest.raises(OrdersRefused, match="was issued before"):
        approve_orders([issued], user=None, now=NOW)


def test_issuing_more_orders_takes_no_more_queries(system: TicketSystem) -> None:
    counts = []
    for number in (1, 10):
        for _ in range(number):
            ticket_of(CustomerFactory(system=system), 10)
        bill()
        orders = approve_orders(Order.objects.filter(state="draft"), user=None, now=NOW)
        NumberRange.objects.get_or_create(year=2026)
        with CaptureQueriesContext(connection) as queries:
            issue_orders(orders, user=None, now=NOW)
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("number", ["2026-1", "2026-000001", "X", "2026-"])
def test_odd_document_number_is_found_and_stops_no_audit(issued: Order, number: str) -> None:
    guards.remove(connection)
    Order.objects.update(document_number=number)
    guards.install(connection)

    (breach,) = audit_ledger().breaches

    assert (breach.check, set(breach.examples)) == ("numbers", {"2026-00001", number})


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_audit_sees_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that writes between two of its looks is no breach."""
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})
    customer = CustomerFactory()
    read_completely(customer.system)
    ticket_of(customer, 10)
    sums = audit.CHECKS["claims"]

    def meanwhile() -> Iterator[str]:
        list(Allocation.objects.all())
        at_once(lambda _number: bill().pk, workers=1)
        return audit._claims_differ()

    monkeypatch.setitem(audit.CHECKS, "claims", (sums[0], meanwhile))

    assert (audit_ledger().orders, Order.objects.count()) == (0, 1)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_month_closed_by_many_at_once_is_closed_once() -> None:
    closed = at_once(lambda _number: close_month(OCTOBER, user=None, now=NOW).pk, workers=6)

    assert len(set(closed)) == ClosedMonth.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_first_run_of_a_month_waits_for_its_closing_and_writes_nothing() -> None:
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})
    customer = CustomerFactory()
    closing = Event()

    def close_or_bill(number: int) -> str:
        if number:
            closing.wait(20)
            return bill().state
        with transaction.atomic():
            close_month(OCTOBER, user=None, now=NOW)
            ticket_of(customer, 10)  # read meanwhile: with time to bill the month could not have been closed
            closing.set()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.3)")
        return "closed"

    assert at_once(close_or_bill, workers=2) == ["closed", "failed"]
    assert Order.objects.count() == 0


def test_numbers_of_pages_stand_at_the_foot_and_in_no_title(customer: Customer) -> None:
    ticket_of(customer, *[1] * 150, title="Print {nb} copies")
    bill()

    pages = statement(Order.objects.get())

    assert "Print {nb} copies" in pages[0]
    assert [page.rpartition("Page ")[2] for page in pages] == [f"{n} of {len(pages)}" for n in range(1, len(pages) + 1)]


def test_long_name_of_an_agent_stays_on_the_paper(customer: Customer) -> None:
    entry = ticket_of(customer, 10).entries.get()
    type(entry.agent).objects.update(name="Long " * 35 + "end")
    bill()
    lines = PdfReader(io.BytesIO(statement_bytes(Order.objects.get()))).pages[0].extract_text().splitlines()

    (first,) = [number for number, line in enumerate(lines) if "2026-10-05 10:00" in line]

    assert "end" in "".join(lines[first + 1 : first + 3])
    assert "end" not in lines[first]


def statement_bytes(order: Order) -> bytes:
    return statement_file(order, language="en", user=None, now=NOW).content


def statement(order: Order) -> list[str]:
    """The text of each page, blanks made one."""
    pages = PdfReader(io.BytesIO(statement_bytes(order))).pages
    return [" ".join(page.extract_text().split()) for page in pages]


def test_booking_that_two_rows_of_an_agent_hold_is_not_billed_again_when_they_become_one(customer: Customer) -> None:
    """The second row's booking came after the first was billed; the ticket is closed in the next month as well."""
    ticket = ticket_of(customer)
    numbered = AgentFactory(system=customer.system, user_id=7, login=None)
    named = AgentFactory(system=customer.system, user_id=None, login="anna")
    same = {"ticket": ticket, "units": 30, "booked_local": DAY}
    billed = TimeEntryFactory(agent=numbered, source="history", **same)
    bill()
    issue()
    TimeEntryFactory(agent=named, source="agent", **same)
    TicketClosingFactory(ticket=ticket, month=NOVEMBER.first_day)

    merge_twins([numbered, named], {7: "anna"}, now=NOW)
    read_completely(customer.system, NOVEMBER)
    bill(NOVEMBER)

    assert list(TimeEntry.objects.present()) == [billed]
    assert (Order.objects.get().recorded_minutes, audit_ledger().breaches) == (30, ())
    assert_every_minute_stands_once(OCTOBER)
    assert_every_minute_stands_once(NOVEMBER)


def test_void_order_of_an_earlier_file_is_in_no_later_one(system: TicketSystem) -> None:
    for name in ("A", "B"):
        ticket_of(CustomerFactory(system=system, customer_id=name), 10)
    bill()
    issue()
    first = export_orders(month=OCTOBER, format="kivitendo", now=NOW)
    void_order(Order.objects.get(customer__customer_id="A"), reason="wrong", user=None, now=NOW)

    with pytest.raises(OrdersRefused, match=r"handed over before: TK-2026-10-B \(kivitendo-2026-10.csv\)"):
        export_orders(month=OCTOBER, format="kivitendo", now=NOW)
    bill()
    preview = export_orders(month=OCTOBER, format="kivitendo", now=NOW)
    issue()
    second = export_orders(month=OCTOBER, format="kivitendo", now=NOW)

    assert (preview.is_draft, second.is_draft) == (True, False)
    assert [order.number for order in second.orders] == ["TK-2026-10-A-2"]
    assert b"TK-2026-10-A-2" in second.content
    assert b"TK-2026-10-B" not in second.content
    assert Export.objects.get(file_name=first.file_name).sha256 == first.sha256

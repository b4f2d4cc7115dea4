import hashlib
import io
import json
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from billing.files import NO_RECURRENCE
from billing.handover import ExportResult, Format, export_orders
from billing.issuing import void_order
from billing.kivitendo import read_orders
from billing.models import Export, Order, OrderEvent
from billing.orders import OrdersRefused, approve_orders
from tests.billing.scenes import NOW, OCTOBER, bill, book, issue, ledger, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, TimeEntryFactory
from tickets.models import Customer, TicketSystem

LATER = NOW + timedelta(days=1)


@pytest.fixture
def two_orders(system: TicketSystem) -> list[Customer]:
    """Customers A and B with an order each, issued."""
    customers: list[Customer] = [
        CustomerFactory(system=system, customer_id=name, name=f"{name} GmbH") for name in ("A", "B")
    ]
    for place, customer in enumerate(customers):
        AgreementFactory(customer=customer)
        ticket_of(customer, 10 + place, number=f"{place}")
    bill()
    issue()
    return customers


def export(format: Format = Format.KIVITENDO, **options: Any) -> ExportResult:  # noqa: A002
    usual: dict[str, Any] = {"month": OCTOBER, "format": format, "now": NOW}
    return export_orders(**usual | options)


def test_drafts_give_a_preview_and_nothing_is_recorded(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    before = ledger()

    result = export()

    assert (result.file_name, result.is_draft) == ("kivitendo-2026-10-draft.csv", True)
    assert result.problems == ["This is a preview: 1 order is not issued yet. Approve and issue it, then export again."]
    assert [order.number for order in read_orders(result.content)] == ["TK-2026-10-K1001"]
    assert (ledger(), Export.objects.count()) == (before, 0)


def test_approved_orders_are_handed_over_and_recorded(two_orders: list[Customer]) -> None:
    user = get_user_model()._default_manager.create(username="anna")

    result = export(user=user)

    stored = Export.objects.get()
    assert (result.file_name, result.is_draft, result.problems) == ("kivitendo-2026-10.csv", False, [])
    assert (bytes(stored.content), stored.sha256) == (result.content, hashlib.sha256(result.content).hexdigest())
    assert (stored.created_at, stored.created_by_id, stored.orders.count()) == (NOW, user.pk, 2)
    assert set(Order.objects.values_list("state", flat=True)) == {Order.State.EXPORTED}
    events = OrderEvent.objects.filter(kind=OrderEvent.Kind.EXPORTED)
    assert {(event.user_id, event.text) for event in events} == {(user.pk, "kivitendo-2026-10.csv")}


@pytest.mark.parametrize("format", Format)
def test_same_orders_again_give_the_same_bytes(two_orders: list[Customer], format: Format) -> None:  # noqa: A002
    first = export(format)
    before = ledger()

    second = export(format, now=LATER)

    assert (second.content, second.sha256, second.file_name) == (first.content, first.sha256, first.file_name)
    assert second.problems == ["This is the file that was handed over at 2026-12-02 09:00; do not import it twice."]
    assert (ledger(), Export.objects.count()) == (before, 1)


def test_bytes_of_other_exports_are_not_loaded_when_one_is_looked_for(two_orders: list[Customer]) -> None:
    for customer in two_orders:
        export_orders(month=OCTOBER, format=Format.CSV, now=NOW, customer=customer)
    first = export_orders(month=OCTOBER, format=Format.CSV, now=NOW)

    with CaptureQueriesContext(connection) as queries:
        again = export_orders(month=OCTOBER, format=Format.CSV, now=NOW)

    loading = [query["sql"] for query in queries if '"billing_export"."content"' in query["sql"]]
    assert again.content == first.content
    assert len(loading) == 1
    assert 'WHERE "billing_export"."id" = ' in loading[0]


def test_kivitendo_gets_each_order_once_only(two_orders: list[Customer]) -> None:
    export(customer=two_orders[0])

    rest = export()

    assert [order.number for order in read_orders(rest.content)] == ["TK-2026-10-B"]
    assert rest.problems == ["Handed over before and not in this file: TK-2026-10-A (kivitendo-2026-10-A.csv)."]
    with pytest.raises(OrdersRefused, match=r"All these orders were handed over before: TK-2026-10-A .*, TK-2026-10-B"):
        export()


def test_other_formats_may_repeat_what_was_handed_over(two_orders: list[Customer]) -> None:
    export(customer=two_orders[0])
    export(Format.CSV, customer=two_orders[0])

    whole = export(Format.CSV)

    assert len(whole.orders) == 2
    assert list(Order.objects.order_by("number").values_list("state", flat=True)) == ["exported", "issued"]


def test_only_the_file_for_the_erp_makes_orders_exported(two_orders: list[Customer]) -> None:
    export(Format.XLSX)

    assert set(Order.objects.values_list("state", flat=True)) == {Order.State.ISSUED}
    assert {order.state for order in export().orders} == {Order.State.EXPORTED}


def test_second_file_of_a_month_gets_a_name_of_its_own(two_orders: list[Customer], system: TicketSystem) -> None:
    export()
    ticket_of(CustomerFactory(system=system, customer_id="C"), 30)
    bill(now=LATER)
    issue(now=LATER)

    assert export(now=LATER).file_name == "kivitendo-2026-10-2.csv"


def test_month_without_orders_is_refused(db: None) -> None:
    with pytest.raises(OrdersRefused, match="There is no order for 2026-10"):
        export()


def test_order_without_position_is_never_in_a_file(system: TicketSystem) -> None:
    for name in ("A", "B"):
        ticket_of(CustomerFactory(system=system, customer_id=name), 10)
    bill()
    Order.objects.get(customer__customer_id="A").positions.all().delete()

    result = export()

    assert [order.number for order in read_orders(result.content)] == ["TK-2026-10-B"]


def test_approved_orders_that_are_not_issued_give_a_preview(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)

    result = export()

    assert (result.is_draft, Order.objects.get().state) == (True, Order.State.APPROVED)


def test_void_order_is_in_no_file(two_orders: list[Customer]) -> None:
    void_order(Order.objects.get(customer=two_orders[0]), reason="wrong rate", user=None, now=NOW)

    result = export()

    assert [order.number for order in read_orders(result.content)] == ["TK-2026-10-B"]


def test_what_kivitendo_would_take_wrongly_is_refused_and_nothing_recorded(customer: Customer) -> None:
    AgreementFactory._meta.model.objects.filter(customer=customer).update(article_number="")
    ticket_of(customer, 10)
    bill()
    issue()

    with pytest.raises(OrdersRefused) as refused:
        export()

    assert refused.value.sentences == [
        "No file was written.",
        "TK-2026-10-K1001 Position 1: The field “article number” is empty.",
    ]
    assert (Export.objects.count(), Order.objects.get().state) == (0, Order.State.ISSUED)


def test_kivitendo_order_holds_what_the_order_holds(customer: Customer) -> None:
    ticket = ticket_of(customer, number="2026100310000281", title="<svg onload=x>\n=1+1 & Co")
    agent = AgentFactory(system=customer.system, name='Müller; "Anna" <a@b>')
    TimeEntryFactory(ticket=ticket, agent=agent, units=Decimal("20.5"), booked_local="2026-10-03 10:00:00")
    book(ticket, 25, at="2026-10-05 10:00:00").agent.__class__.objects.exclude(pk=agent.pk).update(name="Ş. Yıldız")
    bill()

    order = read_orders(export().content)[0]

    position = order.positions[0]
    assert (order.number, order.customer_number, order.currency) == ("TK-2026-10-K1001", "K1001", "EUR")
    assert (order.net_amount, order.gross_amount) == (Decimal("45.50"), Decimal("54.15"))
    assert order.notes == "<p>01.10.2026 – 31.10.2026</p>"
    assert order.internal_notes == f"1 Tickets, 45.5 min. {NO_RECURRENCE}"
    assert (position.ticket_number, position.quantity, position.unit) == (ticket.number, Decimal("0.75833"), "Std")
    assert position.description == "Ticket 2026100310000281 <svg onload=x> =1+1 & Co"
    assert position.long_description == (
        "<p>Nummer: 2026100310000281 Titel: &lt;svg onload=x&gt; =1+1 &amp; Co Erfasste Zeit: 45.5 min<br />10/2026</p>"
        '<ul><li>03.10.2026 20.5 min Müller; "Anna" &lt;a@b&gt;</li><li>05.10.2026 25 min Ş. Yıldız</li></ul>'
    )
    assert f"{position.request_date}" == "2026-10-05"


def test_csv_guards_spreadsheets_and_keeps_numbers(customer: Customer) -> None:
    ticket_of(customer, "-1.5", number="7", title="=1+1")
    bill()

    lines = export(Format.CSV).content.decode().split("\r\n")

    assert lines[0].startswith("order_number,month,state,customer_id,customer,")
    assert lines[1] == (
        "TK-2026-10-K1001,2026-10,draft,K1001,Königsbau AG,K1001,1,7,'=1+1,"
        "Nummer: 7 Titel: =1+1 Erfasste Zeit: -1.5 min,-1.5,-1.5,0,0,-0.025,Std,60.00,0,-1.50,EUR,SUP-STD"
    )


def test_xlsx_holds_no_formula(customer: Customer) -> None:
    ticket_of(customer, 10, number="7", title="=1+1")
    bill()

    with zipfile.ZipFile(io.BytesIO(export(Format.XLSX).content)) as book_file:
        sheet, strings = (
            book_file.read(f"xl/{name}").decode() for name in ("worksheets/sheet1.xml", "sharedStrings.xml")
        )

    assert "<f>" not in sheet
    assert "<t>=1+1</t>" in strings


def test_json_is_the_evidence_of_every_entry(two_orders: list[Customer]) -> None:
    document = json.loads(export(Format.JSON, customer=two_orders[0]).content)

    assert list(document) == ["period", "time_zone", "orders", "totals"]
    assert (document["period"], document["time_zone"]) == ("2026-10", "Europe/Berlin")
    entries = document["orders"][0]["positions"][0]["entries"]
    assert [(entry["booked_at"], entry["units"], entry["minutes"]) for entry in entries] == [
        ("2026-10-05 10:00:00", "10", "10")
    ]


@pytest.mark.parametrize("tickets", [1, 3])
def test_queries_of_an_export_do_not_grow_with_the_tickets(
    customer: Customer, tickets: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(tickets):
        ticket_of(customer, 10, 5)
    bill()

    with django_assert_num_queries(7):
        export()

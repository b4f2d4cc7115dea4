"""After the import: each order is found, found twice, differs, or is missing."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.erp_findings import is_fine, look_for_orders, sentence_of
from billing.erp_models import ErpFinding
from billing.handover import Format, export_orders
from billing.issuing import void_order
from billing.kivitendo_copy import refresh_copy
from billing.kivitendo_database import Unreachable
from billing.models import Order
from tests.billing.erp import V40, V41, kivitendo
from tests.billing.fake_kivitendo import FakeKivitendo
from tests.billing.scenes import NOW, OCTOBER, SEPTEMBER, bill, issue, ledger, ticket_of
from tests.commands import run_command
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory
from tickets.models import Customer

NUMBER = "TK-2026-10-K1001"
LATER = NOW + timedelta(hours=1)
State = ErpFinding.State


@pytest.fixture
def exported(customer: Customer, erp: FakeKivitendo) -> Order:
    """An order over 10 EUR of K1001 that was handed over."""
    refresh_copy(now=NOW)
    ticket_of(customer, 10)
    bill()
    issue()
    export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW)
    return Order.objects.get()


def look(now: object = NOW) -> ErpFinding:
    (finding,) = look_for_orders(month=None, now=now)  # type: ignore[arg-type]
    assert ErpFinding.objects.get().state == finding.state
    return finding


def test_order_with_the_same_customer_and_sum_is_found(exported: Order, erp: FakeKivitendo) -> None:
    erp.has(NUMBER, "10.00000")
    before = ledger()

    finding = look()

    assert (finding.state, finding.count, finding.net_amount, finding.looked_at) == (State.FOUND, 1, 10, NOW)
    assert is_fine(finding)
    assert sentence_of(finding) == "kivitendo has the order once, with the same customer and net amount."
    assert ledger() == before


def test_order_that_is_not_there_is_missing(exported: Order, erp: FakeKivitendo) -> None:
    erp.has("TK-2026-10-K1002", "10")

    finding = look()

    assert (finding.state, is_fine(finding), finding.net_amount) == (State.MISSING, False, None)
    assert sentence_of(finding).startswith("kivitendo has no order of this number. If none of the orders")


def test_order_that_was_imported_twice_is_told(exported: Order, erp: FakeKivitendo) -> None:
    erp.has(NUMBER, "10")
    erp.has(NUMBER, "10")

    finding = look()

    assert (finding.state, finding.count, is_fine(finding)) == (State.TWICE, 2, False)
    assert sentence_of(finding) == (
        "kivitendo has 2 orders of this number: it was imported more than once. Keep only one."
    )


@pytest.mark.parametrize(
    ("net", "of", "sentence"),
    [
        ("9.99", "K1001", "The net amount there is 9.99, here 10.00."),
        ("10.00001", "K1001", "The net amount there is 10.00001, here 10.00."),
        (None, "K1001", "The net amount there is none, here 10.00."),
        ("1e10", "K1001", "The net amount there is none, here 10.00."),
        ("10", "k1001", "The customer there is “k1001”, here “K1001”."),
        ("-10", "X", "The net amount there is -10.00, here 10.00. The customer there is “X”, here “K1001”."),
    ],
)
def test_order_that_differs_says_in_what(
    exported: Order, erp: FakeKivitendo, net: str | None, of: str, sentence: str
) -> None:
    erp.has(NUMBER, net, of)

    finding = look()

    assert (finding.state, is_fine(finding)) == (State.DIFFERS, False)
    assert sentence_of(finding) == f"{sentence} Set it right in kivitendo, or void the order here."


def test_later_look_takes_the_place_of_the_earlier_one(exported: Order, erp: FakeKivitendo) -> None:
    look()
    erp.has(NUMBER, "10")

    assert (look(LATER).state, ErpFinding.objects.get().looked_at) == (State.FOUND, LATER)


def test_failed_look_leaves_the_findings(exported: Order, erp: FakeKivitendo) -> None:
    look()
    erp.failure = Unreachable("The server is down.")

    with pytest.raises(Unreachable):
        look_for_orders(month=None, now=LATER)

    assert ErpFinding.objects.get().looked_at == NOW


def test_void_order_that_stands_there_must_be_cancelled_there(exported: Order, erp: FakeKivitendo) -> None:
    erp.has(NUMBER, "10")
    void_order(exported, reason="Wrong rate", user=None, now=NOW)

    finding = look()

    assert (finding.state, is_fine(finding)) == (State.FOUND, False)
    assert sentence_of(finding).startswith("The order is void here and stands in kivitendo. Cancel it there")

    erp.orders.clear()
    finding = look(LATER)
    assert (finding.state, is_fine(finding)) == (State.MISSING, True)
    assert sentence_of(finding) == "The order is not in kivitendo, as it should be."


def test_order_that_was_imported_from_a_preview_is_told(customer: Customer, erp: FakeKivitendo) -> None:
    ticket_of(customer, 10)
    bill()
    issue()
    assert look_for_orders(month=OCTOBER, now=NOW) == []
    erp.has(NUMBER, "10")

    finding = look()

    assert not is_fine(finding)
    assert "no final file with it was made" in sentence_of(finding)


def test_drafts_are_not_looked_for_and_months_are_kept_apart(exported: Order, erp: FakeKivitendo) -> None:
    other = CustomerFactory(system=exported.customer.system)
    AgreementFactory(customer=other)
    ticket_of(other, 5)
    bill()

    assert look_for_orders(month=SEPTEMBER, now=NOW) == []
    assert [finding.order.number for finding in look_for_orders(month=OCTOBER, now=NOW)] == [NUMBER]


def test_queries_do_not_grow_with_the_orders(customer: Customer, erp: FakeKivitendo) -> None:
    refresh_copy(now=NOW)

    def queries() -> int:
        with CaptureQueriesContext(connection) as done:
            for finding in look_for_orders(month=None, now=NOW):
                sentence_of(finding)
        return len(done)

    counts = []
    for count in (1, 3):
        for _place in range(count):
            other = CustomerFactory(system=customer.system)
            AgreementFactory(customer=other)
            ticket_of(other, 5)
        bill()
        issue()
        Order.objects.filter(state="issued").update(state="exported")
        counts.append(queries())

    assert counts[0] == counts[1]
    assert ErpFinding.objects.count() == 4


@pytest.mark.parametrize(("state", "count"), [("found", 0), ("missing", 1), ("twice", 1), ("differs", 2)])
def test_database_keeps_state_and_count_together(exported: Order, state: str, count: int) -> None:
    with pytest.raises(IntegrityError, match="erpfinding_state_says_the_count"), transaction.atomic():
        ErpFinding.objects.create(order=exported, state=state, count=count, looked_at=NOW)


def test_command_prints_a_table_and_ends_with_one_while_anything_is_wrong(exported: Order, erp: FakeKivitendo) -> None:
    code, out, _err = run_command("kivitendo_check")
    assert (code, out.splitlines()[1].split()[:3]) == (1, [NUMBER, "exported", "missing"])

    erp.has(NUMBER, "10")
    code, out, err = run_command("kivitendo_check", "--period", "2026-10", "--json")

    document = json.loads(out)
    assert (code, err, document["period"]) == (0, "", "2026-10")
    assert document["orders"] == [
        {
            "number": NUMBER,
            "state": "exported",
            "in_kivitendo": "found",
            "as_it_should_be": True,
            "count": 1,
            "net": "10.00",
            "net_there": "10.00",
            "customer_number": "K1001",
            "customer_number_there": "K1001",
            "text": "kivitendo has the order once, with the same customer and net amount.",
        }
    ]


def test_command_without_orders_or_with_a_failure(db: None, erp: FakeKivitendo) -> None:
    assert run_command("kivitendo_check") == (0, "There is no order to look for.\n", "")
    assert run_command("kivitendo_check", "--period", "October")[0] == 2
    erp.failure = Unreachable("The server is down.")
    assert run_command("kivitendo_check") == (1, "", "The server is down.")


def test_commands_without_kivitendo_are_wrong_use(db: None) -> None:
    sentence = "No kivitendo is set up: KIVITENDO_DATABASE_URL is empty."

    assert run_command("kivitendo_check") == run_command("kivitendo_refresh") == (2, "", sentence)


def test_command_reads_kivitendo(db: None, erp: FakeKivitendo) -> None:
    code, out, _err = run_command("kivitendo_refresh")
    assert (code, out.splitlines()[1].split()) == (0, ["customers", "1", "1", "0", "0"])

    document = json.loads(run_command("kivitendo_refresh", "--json")[1])
    assert document["units"] == {"total": 4, "new": 0, "changed": 0, "gone": 0}

    erp.failure = Unreachable("The server is down.")
    assert run_command("kivitendo_refresh") == (1, "", "The server is down.")


@pytest.mark.postgresql
@pytest.mark.parametrize("release", [V41, V40])
def test_whole_way_with_a_real_kivitendo(customer: Customer, settings: Settings, release: str) -> None:
    ticket_of(customer, 10)
    bill()
    issue()
    with kivitendo(release) as real:
        real.views(release)
        settings.KIVITENDO_DATABASE_URL = real.address
        refresh_copy(now=NOW)
        export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW)
        assert look().state == State.MISSING

        insert = (
            "INSERT INTO oe (id, ordnumber, record_type, customer_id, netamount) VALUES (%s, %s, 'sales_order', 11, %s)"
        )
        real.session.execute(insert, [1, NUMBER, Decimal(10)])
        assert look().state == State.FOUND
        real.session.execute(insert, [2, NUMBER, Decimal(10)])
        assert look().state == State.TWICE
        real.run("DELETE FROM oe WHERE id = 1; UPDATE oe SET netamount = NULL")
        assert look().state == State.DIFFERS

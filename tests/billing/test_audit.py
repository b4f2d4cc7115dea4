"""The audit finds each breach; the guards are taken away to make one."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from billing import guards
from billing.audit import CHECKS, audit_ledger
from billing.issuing import void_order
from billing.models import Adjustment, Allocation, NumberRange, Order, OrderPosition
from billing.settlement_models import Settlement, SettlementLine
from tests.billing.scenes import NOW, bill, issue, ticket_of
from tests.commands import run_command
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tickets.models import Customer, Ticket

Change = Callable[[], object]


@pytest.fixture
def issued(customer: Customer) -> Order:
    ticket_of(customer, 10, 20)
    ticket_of(None, 7, system=customer.system)
    bill()
    issue()
    return Order.objects.get()


def breaches() -> dict[str, int]:
    return {breach.check: breach.count for breach in audit_ledger().breaches}


def test_healthy_ledger_breaks_no_promise(issued: Order) -> None:
    audit = audit_ledger()

    assert (audit.breaches, set(audit.checks)) == ((), set(CHECKS))
    assert audit.minutes == {"billed": 30, "unbilled": 0, "not_billable": 0, "blocked": 7}
    assert (audit.mirrored, audit.orders, audit.entries) == (Decimal(37), 1, 3)


def test_void_order_is_healthy(issued: Order) -> None:
    void_order(issued, reason="wrong", user=None, now=NOW)
    bill()

    assert breaches() == {}


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("totals", lambda: Order.objects.update(net_amount=1)),
        ("amounts", lambda: OrderPosition.objects.update(quantity=7)),
        ("claims", lambda: Allocation.objects.filter(minutes=20).update(minutes=19)),
        ("claims", lambda: Allocation.objects.update(live=False)),
        ("void", lambda: Order.objects.update(state="void", voided_at=NOW, void_reason="wrong")),
        ("numbers", lambda: NumberRange.objects.update(last=2)),
        ("numbers", lambda: Order.objects.update(document_number="2026-00003")),
        ("numbers", lambda: Order.objects.update(document_number="2025-00001")),
        ("systems", lambda: Order.objects.update(customer=CustomerFactory(system=TicketSystemFactory()))),
    ],
)
def test_breach_is_found(issued: Order, check: str, change: Change) -> None:
    guards.remove(connection)
    change()
    guards.install(connection)

    assert check in breaches()


def entry_in_two_positions() -> None:
    """Which the unique index must be taken away for."""
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX allocation_entry_billed_once")
    line = OrderPosition.objects.get()
    other = OrderPosition.objects.create(
        order=line.order,
        position=2,
        kind=OrderPosition.Kind.ROUNDING,
        text="Rundung",
        recorded_minutes=0,
        billable_minutes=0,
        quantity=0,
        unit="Std",
        unit_price=0,
        amount=0,
        article_number="SUP-STD",
        rule={},
    )
    claim = Allocation.objects.filter(minutes=20).get()
    Allocation.objects.create(entry=claim.entry, position=other, minutes=20)


def order_of_incomplete_data() -> None:
    """Which the check constraint must be taken away for."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        else:
            cursor.execute("ALTER TABLE billing_order DROP CONSTRAINT order_leaves_draft_only_when_complete")
    Order.objects.update(complete=False)


@pytest.fixture
def _checks_hold_again(db: None) -> Iterator[None]:
    yield
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def settlement(**fields: Any) -> Settlement:
    """Of a claim of the order, or with ``late`` of its entry as if it had come late."""
    claim = Allocation.objects.get(minutes=20)
    known = {"entry": claim.entry, "position": claim.position, "facts": "any", "currency": "EUR", "reason": "x"}
    minutes = dict.fromkeys(("minutes_billed", "minutes_now", "minutes_at_stake", "money_at_stake"), Decimal(20))
    return Settlement.objects.create(**(known | minutes | {"at": NOW, "user": None} | fields))


def correction(**fields: Any) -> None:
    claim = Allocation.objects.get(minutes=20)
    settled = settlement(kind="gone", allocation=claim, choice="credit", **fields)
    SettlementLine.objects.create(settlement=settled, position=claim.position)


def left_out_by_a_person() -> None:
    line, user = OrderPosition.objects.get(), get_user_model()._default_manager.create(username="clara")
    what = {"order": line.order, "ticket": line.ticket, "field": Adjustment.Field.INCLUSION}
    Adjustment.objects.create(**what, original_number=30, reason="x", user=user, at=NOW)


FORCED: dict[str, Change] = {
    "excluded": left_out_by_a_person,
    "corrections": correction,
    "corrected": lambda: correction(live=False, ended_at=NOW, end_reason="x"),
    "settled": lambda: settlement(kind="late", choice="not_billable"),
    "supplements": lambda: settlement(kind="late", choice="supplement", supplement_number="S1"),
    "billed_once": entry_in_two_positions,
    "totals": lambda: Order.objects.update(net_amount=1),
    "amounts": lambda: OrderPosition.objects.update(quantity=7),
    "claims": lambda: Allocation.objects.update(live=False),
    "prepaid": lambda: OrderPosition.objects.update(prepaid_minutes=5),
    "void": lambda: Order.objects.update(state="void", voided_at=NOW, void_reason="wrong"),
    "numbers": lambda: NumberRange.objects.update(last=2),
    "complete": order_of_incomplete_data,
    "systems": lambda: Order.objects.update(customer=CustomerFactory(system=TicketSystemFactory())),
    "minutes": entry_in_two_positions,
    "guards": lambda: None,
}


@pytest.mark.usefixtures("_checks_hold_again")
@pytest.mark.parametrize("check", CHECKS)
def test_command_ends_with_1_on_each_kind_of_breach(issued: Order, check: str) -> None:
    assert run_command("audit_ledger", "--json")[0] == 0
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    guards.remove(connection)
    FORCED[check]()
    if check != "guards":
        guards.install(connection)

    code, out, _err = run_command("audit_ledger", "--json")

    assert (code, json.loads(out)["ok"]) == (1, False)
    assert check in {breach["check"] for breach in json.loads(out)["breaches"]}
    guards.install(connection)


def test_missing_guard_is_a_breach(db: None) -> None:
    guards.remove(connection)

    assert breaches() == {"guards": len(guards.names(connection))}
    guards.install(connection)


def test_command_proves_a_healthy_ledger(issued: Order) -> None:
    code, out, err = run_command("audit_ledger", "--json")

    document = json.loads(out)
    assert (code, err, document["ok"], document["breaches"]) == (0, "", True, [])
    assert (document["mirrored_minutes"], document["minutes"]["billed"]) == ("37", "30")
    assert run_command("audit_ledger")[1].endswith("Every promise holds.\n")


def test_command_ends_with_1_on_a_breach(issued: Order) -> None:
    NumberRange.objects.update(last=3)

    code, out, _err = run_command("audit_ledger", "--json")

    assert (code, json.loads(out)["breaches"]) == (
        1,
        [
            {
                "check": "numbers",
                "sentence": "A document number is missing, or was given twice.",
                "count": 2,
                "examples": ["2026-00002", "2026-00003"],
            }
        ],
    )
    assert run_command("audit_ledger")[2] == (
        "A document number is missing, or was given twice. (2: 2026-00002, 2026-00003)\n"
    )


def test_entries_gone_from_approved_orders_are_told_and_are_no_breach(issued: Order) -> None:
    Ticket.objects.get(customer__isnull=False).entries.filter(units=10).update(gone_at=NOW)

    code, out, _err = run_command("audit_ledger", "--json")

    assert (code, json.loads(out)["unsettled_entries"]) == (0, 1)
    assert "no longer so in the ticket system: 1." in run_command("audit_ledger")[1]

"""What the database itself refuses, whoever asks it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction

from billing import guards
from billing.handover import export_orders
from billing.issuing import void_order
from billing.models import Allocation, BillingRun, Export, Order, OrderEvent, OrderPosition
from billing.run_models import RunStart
from billing.runs import start_run
from billing.starts import end_start, open_start
from tests.billing.scenes import NOW, OCTOBER, bill, issue, ledger, ticket_of
from tests.factories.tickets import TimeEntryFactory
from tickets.models import Customer

Change = Callable[[], object]


@pytest.fixture
def exported(customer: Customer) -> Order:
    ticket_of(customer, 10, 20)
    bill()
    issue()
    export_orders(month=OCTOBER, format="kivitendo", now=NOW)
    return Order.objects.get()


def refuses(change: Change) -> None:
    before = ledger()
    with pytest.raises(IntegrityError, match="has left draft does not change"), transaction.atomic():
        change()
    assert ledger() == before


def other_value(field: "models.Field[Any, Any]", order: Order) -> object:
    """A value that the column would take."""
    value = getattr(order, field.attname)
    match field:
        case models.DecimalField():
            return (value or Decimal(0)) + 1
        case models.DateTimeField():
            return NOW.replace(year=2031)
        case models.DateField():
            return value.replace(year=2031)
        case models.BooleanField():
            return not value
        case models.IntegerField():
            return value + 1
        case models.ForeignKey():
            return None if value else order.pk
        case models.CharField(max_length=int(longest)):
            return "another"[:longest]
        case _:
            return "another"


def frozen_fields() -> list[str]:
    changeable = {"id", "state", "voided_at", "voided_by", "void_reason"}
    return [field.name for field in Order._meta.concrete_fields if field.name not in changeable]


def test_every_column_of_an_order_is_frozen_or_known_to_change() -> None:
    columns = {Order._meta.get_field(name).attname for name in frozen_fields()}  # type: ignore[union-attr]

    assert columns == {*guards.FROZEN, *guards.FROZEN_AT_ISSUE}


@pytest.mark.parametrize("name", frozen_fields())
def test_no_column_of_an_issued_order_changes(exported: Order, name: str) -> None:
    field = Order._meta.get_field(name)
    value = other_value(field, exported)  # type: ignore[arg-type]

    refuses(lambda: Order.objects.update(**{name: value}))


@pytest.mark.parametrize("state", ["draft", "approved", "issued"])
def test_exported_order_never_goes_back(exported: Order, state: str) -> None:
    refuses(lambda: Order.objects.update(state=state))


def test_void_order_stays_void(exported: Order) -> None:
    void_order(exported, reason="wrong", user=None, now=NOW)

    refuses(lambda: Order.objects.update(state="exported", voided_at=None, void_reason=""))


def test_draft_is_never_issued_without_approval(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()

    refuses(lambda: Order.objects.update(state="issued", approved_at=NOW, issued_at=NOW, document_number="1"))


@pytest.mark.parametrize(
    "change",
    [
        lambda: Order.objects.all()._raw_delete("default"),
        lambda: OrderPosition.objects.update(amount=1),
        lambda: OrderPosition.objects.all()._raw_delete("default"),
        lambda: OrderPosition.objects.create(
            **{
                name: value
                for name, value in OrderPosition.objects.values().get().items()
                if name not in {"id", "position", "ticket_id"}
            },
            position=2,
            ticket=TimeEntryFactory().ticket,
        ),
        lambda: Allocation.objects.update(live=False),
        lambda: Allocation.objects.update(minutes=1),
        lambda: Allocation.objects.filter(pk=Allocation.objects.earliest("pk").pk).delete(),
        lambda: Allocation.objects.create(entry=TimeEntryFactory(), position=OrderPosition.objects.get(), minutes=1),
        lambda: OrderEvent.objects.update(text="something else"),
        lambda: OrderEvent.objects.filter(kind="issued").delete(),
        lambda: Export.objects.update(sha256="0"),
        lambda: Export.orders.through.objects.all().delete(),
        lambda: Export.objects.all()._raw_delete("default"),
    ],
)
def test_nothing_that_belongs_to_an_issued_order_changes(exported: Order, change: Change) -> None:
    refuses(change)


def test_void_order_lets_go_of_its_claims_and_of_nothing_else(exported: Order) -> None:
    void_order(exported, reason="wrong", user=None, now=NOW)

    refuses(lambda: Allocation.objects.update(minutes=1))
    refuses(lambda: Allocation.objects.update(live=True))
    refuses(lambda: Allocation.objects.all().delete())


def test_drafts_change_freely(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()

    OrderPosition.objects.update(amount=1)
    Allocation.objects.update(minutes=1)
    Order.objects.all().delete()

    assert ledger() == [[], [], [], [], []]


def test_missing_trigger_is_named_and_put_back(db: None) -> None:
    guards.remove(connection)
    gone = guards.missing(connection)
    guards.install(connection)

    assert "billing_guard_order_update" in gone
    assert (len(gone), guards.missing(connection)) == (len(guards.names(connection)), [])


@pytest.fixture
def start(customer: Customer) -> RunStart:
    """Asked for and not ended."""
    return open_start(start_run(month=OCTOBER, reads_first=False, now=NOW))


def starts() -> list[dict[str, Any]]:
    return [dict(row) for row in RunStart.objects.order_by("pk").values()]


def refuses_of_start(change: Change) -> None:
    before = starts()
    with pytest.raises(IntegrityError, match="its end is written once"), transaction.atomic():
        change()
    assert starts() == before


def test_every_column_of_a_start_is_frozen_or_known_to_be_written_later() -> None:
    ends = {"ended_at", "state", "complete", "failures", "problems", "error", "cancelled_at", "cancelled_by_id"}
    ends |= {"orders_new", "orders_changed", "orders_unchanged", "orders_approved"}

    assert {field.attname for field in RunStart._meta.concrete_fields} == {*guards.STARTED, *ends}


@pytest.mark.parametrize(
    "values",
    [
        {"at": NOW.replace(year=2031)},
        {"by": "scheduler"},
        {"only_failed": True},
        {"customers": [1]},
        {"left_out": [{"pk": 1}]},
    ],
)
def test_what_was_asked_for_does_not_change_while_a_start_is_open(start: RunStart, values: dict[str, Any]) -> None:
    refuses_of_start(lambda: RunStart.objects.update(**values))


def test_start_is_stopped_once_and_ends_once(start: RunStart) -> None:
    RunStart.objects.update(cancelled_at=NOW)
    refuses_of_start(lambda: RunStart.objects.update(cancelled_at=None))

    assert end_start(start, state="failed", complete=False, error="Stopped.", now=NOW)
    assert not end_start(start, state="done", complete=True, error="", now=NOW)

    refuses_of_start(lambda: RunStart.objects.update(error="something else"))
    refuses_of_start(lambda: RunStart.objects.update(orders_new=7))
    refuses_of_start(lambda: RunStart.objects.all()._raw_delete("default"))


def test_run_with_a_start_is_not_deleted(start: RunStart) -> None:
    refuses_of_start(lambda: BillingRun.objects.all().delete())

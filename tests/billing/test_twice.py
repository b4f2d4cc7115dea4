"""Every service called twice: the second call changes nothing, or is refused with a sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.agreement_models import PrepaidBlock, PrepaidMovement
from billing.audit import audit_ledger
from billing.closing import close_month, reopen_month
from billing.handover import Format, export_orders
from billing.issuing import issue_orders, void_order
from billing.models import BillingRun, ClosedMonth, Export, NumberRange, Order
from billing.orders import OrdersRefused, approve_orders, return_to_draft
from billing.prepaid import MovementRefused, move, release
from billing.runs import RunBusy, run_billing, start_run
from billing.statement_files import statement_file
from billing.tasks import run as run_task
from billing.units import PlanOutdated, convert_units, plan_conversion
from tests.billing.scenes import NOW, OCTOBER, bill, issue, ledger, ticket_of
from tickets.models import Customer, TimeEntry

LATER = NOW + timedelta(hours=1)


class Scene:
    """One customer with two tickets, in the state that a service starts from; ``first`` keeps what was there then."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.block = PrepaidBlock.objects.create(customer=customer, name="Block", starts=date(2026, 10, 1))
        move(self.block, kind=PrepaidMovement.Kind.GRANTED, minutes=Decimal(12), reason="", user=None, now=NOW)
        ticket_of(customer, 10, 20)
        ticket_of(customer, 5)

    def prepare(self, *steps: str) -> None:
        acts: dict[str, Callable[[], Any]] = {
            "bill": bill,
            "approve": lambda: approve_orders(Order.objects.all(), user=None, now=NOW),
            "issue": issue,
            "close": lambda: close_month(OCTOBER, user=None, now=NOW),
            "start": lambda: start_run(month=OCTOBER, reads_first=False, now=NOW),
        }
        for step in steps:
            acts[step]()
        self.orders = list(Order.objects.order_by("pk"))
        self.runs = list(BillingRun.objects.all())
        self.plan = plan_conversion(self.customer.system, Decimal(6)).fingerprint


def everything() -> list[Any]:
    """All that a service of billing writes, but for the moments in runs."""
    rest = (PrepaidMovement, PrepaidBlock, ClosedMonth, NumberRange, Export)
    runs = BillingRun.objects.order_by("pk").values("pk", "month", "customer", "state", "complete")
    times = list(TimeEntry.objects.order_by("pk").values_list("pk", "minutes"))
    return [times, *ledger(), *(list(model._base_manager.order_by("pk").values()) for model in rest), list(runs)]


@dataclass(frozen=True, slots=True)
class Twice:
    """``after``: what is done before the first call; ``refusal``: of the second one, which else changes nothing."""

    name: str
    after: tuple[str, ...]
    call: Callable[[Scene], object]
    refusal: type[Exception] | None = None
    sentence: str = ""


def in_order_state(service: Callable[..., object], **options: Any) -> Callable[[Scene], object]:
    return lambda scene: service(scene.orders, user=None, now=LATER, **options)


def export_as(wanted: Format) -> Callable[[Scene], object]:
    return lambda scene: export_orders(month=OCTOBER, format=wanted, now=LATER)


TABLE = [
    Twice("start_run", (), lambda scene: start_run(month=OCTOBER, reads_first=False, now=LATER)),
    Twice(
        "run_billing",
        ("start",),
        lambda scene: run_billing(scene.runs[0], clock=lambda: LATER),
        RunBusy,
        "is over. Start it",
    ),
    Twice("a run from start to end", (), lambda scene: bill(now=LATER)),
    Twice("the task of a run", ("start",), lambda scene: run_task(scene.runs[0].pk)),
    Twice(
        "approve_orders", ("bill",), in_order_state(approve_orders), OrdersRefused, "was approved|is approved already"
    ),
    Twice(
        "return_to_draft",
        ("bill", "approve"),
        in_order_state(return_to_draft, reason="look again"),
        OrdersRefused,
        "cannot be returned to draft",
    ),
    Twice("issue_orders", ("bill", "approve"), in_order_state(issue_orders), OrdersRefused, "was issued before"),
    Twice(
        "void_order",
        ("bill", "issue"),
        lambda scene: void_order(scene.orders[0], reason="wrong", user=None, now=LATER),
        OrdersRefused,
        "cannot be voided: it is not issued",
    ),
    *(Twice(f"export_orders {wanted}", ("bill", "issue"), export_as(wanted)) for wanted in Format),
    Twice("export of drafts", ("bill",), export_as(Format.CSV)),
    Twice(
        "statement_file",
        ("bill", "issue"),
        lambda scene: statement_file(scene.orders[0], language="de", user=None, now=LATER),
    ),
    Twice("close_month", ("bill", "issue"), lambda scene: close_month(OCTOBER, user=None, now=LATER)),
    Twice(
        "reopen_month",
        ("bill", "issue", "close"),
        lambda scene: reopen_month(OCTOBER, reason="came late", user=None, now=LATER),
        OrdersRefused,
        "2026-10 is not closed",
    ),
    Twice("release", ("bill",), lambda scene: release(scene.orders[0], now=LATER, user=None)),
    Twice(
        "move out of a block",
        (),
        lambda scene: move(
            scene.block,
            kind=PrepaidMovement.Kind.ADJUSTED,
            minutes=Decimal(-7),
            reason="wrong",
            user=None,
            now=LATER,
        ),
        MovementRefused,
        "only 5.0000 minutes left",
    ),
    Twice(
        "convert_units",
        (),
        lambda scene: convert_units(
            system=scene.customer.system, minutes_per_unit=Decimal(6), user=None, expected=scene.plan
        ),
        PlanOutdated,
        "since you looked",
    ),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_second_call_changes_nothing(case: Twice, customer: Customer) -> None:
    scene = Scene(customer)
    scene.prepare(*case.after)
    before = everything()
    case.call(scene)
    after = everything()

    if case.refusal is None:
        case.call(scene)
    else:
        with pytest.raises(case.refusal, match=case.sentence):
            case.call(scene)

    assert everything() == after
    assert after != before or case.name == "export of drafts"


def test_exported_again_gives_the_same_bytes(customer: Customer) -> None:
    Scene(customer).prepare("bill", "issue")

    for wanted in Format:
        first, second = (export_orders(month=OCTOBER, format=wanted, now=now) for now in (NOW, LATER))
        assert (first.content, first.sha256, first.problems) == (second.content, second.sha256, [])
        assert second.problems != []


def test_minutes_bought_twice_are_twice_as_many(customer: Customer) -> None:
    """The one service whose second call is another deed: who buys again has more."""
    scene = Scene(customer)

    move(scene.block, kind=PrepaidMovement.Kind.GRANTED, minutes=Decimal(12), reason="", user=None, now=LATER)

    scene.block.refresh_from_db()
    assert (scene.block.balance, scene.block.movements.count()) == (24, 2)
    assert audit_ledger().breaches == ()

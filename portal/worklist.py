"""What the start page lists: work that waits, and whether the data can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, OuterRef, Q, Subquery, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.models import BillingRun, Order
from common.money import round_money
from common.months import Month
from tickets.models import AnyUser, SyncRun, TicketSystem
from tickets.sync import is_final


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So many orders that come to so much; one for each currency."""

    count: int
    net: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOfOrders:
    value: str
    label: str
    amounts: list[Amount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafts:
    """All drafts of all months; ``unsafe`` of them rest on data that are not known to be complete."""

    amounts: list[Amount]
    unsafe: int

    @property
    def count(self) -> int:
        return sum(amount.count for amount in self.amounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOfSystem:
    """The latest reading of a ticket system and the latest final one: complete, of a month that was over."""

    system: TicketSystem
    latest: SyncRun | None
    final: SyncRun | None

    @property
    def is_too_early(self) -> bool:
        """The latest reading is complete, but its month still went on."""
        return self.latest is not None and self.latest.complete and not is_final(self.latest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One line of the first-run checklist; ``url`` leads to where it is done, empty where the user may not."""

    text: str
    done: bool
    url: str = ""


def open_drafts(*, user: AnyUser) -> Drafts:
    """The drafts that the user may see, summed by currency."""
    drafts = Order.objects.visible_to(user).filter(state=Order.State.DRAFT).order_by("currency")
    rows = drafts.values("currency").annotate(
        n=Count("pk"), net=Sum("net_amount"), unsafe=Count("pk", ~Q(complete=True))
    )
    found = list(rows)
    return Drafts(amounts=[_amount(row) for row in found], unsafe=sum(row["unsafe"] for row in found))


def order_states(month: Month, *, user: AnyUser) -> list[StateOfOrders]:
    """The month's orders that the user may see, by state in the order of passing, and currency; void ones are not."""
    orders = Order.objects.visible_to(user).filter(month=month.first_day).order_by("currency")
    rows = list(orders.values("state", "currency").annotate(n=Count("pk"), net=Sum("net_amount")))
    return [
        StateOfOrders(
            value=state.value,
            label=str(state.label),
            amounts=[_amount(row) for row in rows if row["state"] == state],
        )
        for state in Order.State
        if state != Order.State.VOID
    ]


def latest_billing_run() -> BillingRun | None:
    """The run that was started last, whatever its month."""
    return BillingRun.objects.order_by(F("started_at").desc(nulls_last=True), "-created_at").first()


def final_readings() -> dict[int, SyncRun]:
    """The latest final reading of each active ticket system that has one, by the system's key; one query.

    Whether a reading is final depends on the zone of its system. Only the latest complete one of each month is looked
    at: where that came too early, all before it did.
    """
    complete = SyncRun.objects.of_months().filter(complete=True, system__active=True).order_by()
    latest = complete.values("system", "month").annotate(latest=Max("pk")).values("latest")
    runs = SyncRun.objects.filter(pk__in=latest).select_related("system").defer("problems")
    return {run.system_id: run for run in runs.order_by("finished_at", "pk") if is_final(run)}


def system_states() -> list[StateOfSystem]:
    """Every active ticket system with its latest reading and its latest final one; three queries."""
    runs = SyncRun.objects.of_months().filter(system=OuterRef("pk")).order_by("-created_at", "-pk").values("pk")
    systems = TicketSystem.objects.filter(active=True)
    latest = SyncRun.objects.filter(pk__in=systems.order_by().values(latest=Subquery(runs[:1])))
    latest_of = {run.system_id: run for run in latest.select_related("system")}
    final_of = final_readings()
    return [
        StateOfSystem(system=system, latest=latest_of.get(system.pk), final=final_of.get(system.pk))
        for system in systems
    ]


def checklist(*, user: AnyUser) -> list[Task]:
    """The way to the first draft; empty when it has been walked."""
    if Order.objects.exists():
        return []
    is_staff = bool(getattr(user, "is_staff", False))
    has_system = TicketSystem.objects.exists()
    has_reading = SyncRun.objects.of_months().filter(complete=True).exists()
    systems = reverse("admin:tickets_ticketsystem_changelist")
    agreements = reverse("admin:billing_agreement_changelist")
    orders = reverse("billing:orders")
    return [
        Task(text=_("Connect a ticket system and check the connection"), done=has_system, url=systems * is_staff),
        Task(text=_("Look at the default agreement: rate, article, rounding"), done=False, url=agreements * is_staff),
        Task(text=_("Read the tickets of the previous month and draft the first orders"), done=has_reading, url=orders),
    ]


def _amount(row: Mapping[str, Any]) -> Amount:
    return Amount(count=row["n"], net=round_money(row["net"] or Decimal(0)), currency=row["currency"])

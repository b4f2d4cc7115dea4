"""``/runs``: the billing runs, and ``/readings``, the readings of the ticket systems that they rest on."""

from typing import Annotated, Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from billing.models import BillingRun, Order
from billing.run_models import RunStart
from common.jobs import Job
from portal.api.access import caller
from portal.api.order_records import Who, who
from portal.api.paging import Page, Paging, keyset_page
from portal.api.periods import MonthChoice, month_of
from portal.api.problems import not_there
from portal.api.references import (
    CustomerReference,
    OrderReference,
    SystemReference,
    customer_reference,
    order_reference,
    system_reference,
)
from portal.api.routing import reads
from portal.api.scopes import READING_RIGHTS, RUN_RIGHTS, Scope
from portal.api.values import Key, Link, Minutes, Moment, MonthText, PagePath, api, exact, one_of
from tickets.models import SyncRun

router = Router(tags=["Runs and readings"])
JobState = Annotated[
    Job.State, one_of(Job.State), Field(description="`queued`, `running`, `done`, `partly` or `failed`.")
]


class RunQuery(Paging):
    """What the list can be asked for."""

    period: Annotated[MonthChoice, Field(description="The month that is billed, or `all`.")] = "all"


class RunRecord(BaseModel):
    """One month billed, for all customers or for one."""

    id: Key
    url: Link
    page: PagePath
    month: MonthText
    customer: Annotated[CustomerReference | None, Field(description="null: all customers.")]
    state: JobState
    complete: Annotated[bool, Field(description="Whether everything was billed, from data known to be complete.")]
    problems: Annotated[list[str], Field(description="Why the data are not complete, as sentences.")]
    error: str
    orders_new: int
    orders_changed: int
    orders_unchanged: int
    started_by: Who
    started_at: Moment | None
    finished_at: Moment | None


class ResultRecord(BaseModel):
    """What became of one customer: an order, or an error."""

    customer: Annotated[int, Field(description="Number of the customer in the portal.")]
    customer_id: str
    order: OrderReference | None
    error: Annotated[str, Field(description="Why there is no order, or why it was not brought up to date.")]


class StartRecord(BaseModel):
    """One start of the run."""

    at: Moment
    by: Annotated[RunStart.By, one_of(RunStart.By)]
    user: Who
    only_failed: bool
    ended_at: Moment | None
    state: str
    complete: bool


class RunWithResults(RunRecord):
    """A run with the orders of its month and the customers that failed."""

    results: list[ResultRecord]
    starts: Annotated[list[StartRecord], Field(description="The latest first, twenty at most.")]


@reads(router, "/runs", scope=Scope.ORDERS, rights=RUN_RIGHTS, answer=Page[RunRecord], summary="Billing runs")
def runs(request: HttpRequest, query: Query[RunQuery]) -> Page[RunRecord]:
    """For people who may run the billing."""
    found, month = BillingRun.objects.select_related("customer", "started_by"), month_of(query.period)
    if month is not None:
        found = found.filter(month=month.first_day)
    shown, following = keyset_page(request, found, query)
    return Page(items=[RunRecord(**_run(run)) for run in shown], next=following)


@reads(
    router, "/runs/{int:run}", scope=Scope.ORDERS, rights=RUN_RIGHTS, answer=RunWithResults, summary="One billing run"
)
def run(request: HttpRequest, run: Path[Key]) -> RunWithResults:
    """What came of the run, customer by customer."""
    found = BillingRun.objects.select_related("customer", "started_by").filter(pk=run).first()
    if found is None:
        raise not_there()
    starts = found.starts.select_related("user")[:20]
    return RunWithResults(
        **_run(found), results=_results(found, caller(request)), starts=[_start(start) for start in starts]
    )


class ReadingQuery(Paging):
    """What the list can be asked for."""

    period: Annotated[MonthChoice, Field(description="The month that was read, or `all`.")] = "all"
    system: Annotated[Key | None, Field(description="Ticket system.")] = None
    complete: Annotated[bool | None, Field(description="Whether all of it was read.")] = None


class ReadingRecord(BaseModel):
    """One reading of a month from one ticket system, or of one agent's time of that month."""

    id: Key
    system: SystemReference
    month: MonthText
    agent: Annotated[str | None, Field(description="Only this agent's time accounting; null: all of the month.")]
    state: JobState
    complete: Annotated[bool, Field(description="Whether all was read and nothing disagrees.")]
    problems: Annotated[list[str], Field(description="What is missing or disagrees, as sentences.")]
    error: str
    tickets: int
    entries: int
    minutes: Minutes
    entries_new: int
    entries_moved: int
    entries_gone: int
    requests: Annotated[int, Field(description="How often the ticket system was asked.")]
    started_at: Moment | None
    finished_at: Moment | None


@reads(
    router,
    "/readings",
    scope=Scope.READINGS,
    rights=READING_RIGHTS,
    answer=Page[ReadingRecord],
    summary="Readings of the ticket systems",
)
def readings(request: HttpRequest, query: Query[ReadingQuery]) -> Page[ReadingRecord]:
    """For people who may have the ticket systems read."""
    found, month = SyncRun.objects.select_related("system", "agent"), month_of(query.period)
    wanted: dict[str, Any] = {"system": query.system, "complete": query.complete}
    wanted["month"] = None if month is None else month.first_day
    found = found.filter(**{name: value for name, value in wanted.items() if value is not None})
    shown, following = keyset_page(request, found, query)
    return Page(items=[_reading(reading) for reading in shown], next=following)


def _run(run: BillingRun) -> dict[str, Any]:
    names = ("complete", "problems", "error", "orders_new", "orders_changed", "orders_unchanged")
    return {name: getattr(run, name) for name in (*names, "started_at", "finished_at")} | {
        "id": run.pk,
        "url": api(f"runs/{run.pk}"),
        "page": run.get_absolute_url(),
        "month": f"{run.month:%Y-%m}",
        "customer": customer_reference(run.customer) if run.customer else None,
        "state": Job.State(run.state),
        "started_by": who(run.started_by),
    }


def _results(run: BillingRun, user: User) -> list[ResultRecord]:
    """Failures first; an order that was there before stays beside the error."""
    orders = (
        Order.objects.visible_to(user).not_void().filter(month=run.month).select_related("customer").order_by("number")
    )
    if run.customer_id is not None:
        orders = orders.filter(customer=run.customer_id)
    errors = {failure["pk"]: failure for failure in run.failures}
    billed = [
        ResultRecord(
            customer=order.customer_id,
            customer_id=order.customer.customer_id,
            order=order_reference(order),
            error=errors.get(order.customer_id, {}).get("error", ""),
        )
        for order in orders
    ]
    with_order = {result.customer for result in billed}
    failed = [
        ResultRecord(customer=pk, customer_id=failure["customer_id"], order=None, error=failure["error"])
        for pk, failure in errors.items()
        if pk not in with_order
    ]
    return failed + billed


def _start(start: RunStart) -> StartRecord:
    names = ("at", "only_failed", "ended_at", "state", "complete")
    values = {name: getattr(start, name) for name in names}
    return StartRecord(by=RunStart.By(start.by), user=who(start.user), **values)


def _reading(reading: SyncRun) -> ReadingRecord:
    names = ("complete", "problems", "error", "tickets", "entries", "entries_new", "entries_moved", "entries_gone")
    return ReadingRecord(
        id=reading.pk,
        system=system_reference(reading.system),
        month=f"{reading.month:%Y-%m}",
        agent=str(reading.agent) if reading.agent else None,
        state=Job.State(reading.state),
        minutes=exact(reading.minutes),
        **{name: getattr(reading, name) for name in (*names, "requests", "started_at", "finished_at")},
    )

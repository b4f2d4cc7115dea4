"""``/reports``: the time reports with the figures of the page, and ``/quality``, what a person should look at."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from portal.api.access import caller
from portal.api.entry_filters import EntryFilters, narrowing_of
from portal.api.paging import Paging, list_page, next_link, read_cursor
from portal.api.periods import SpanQuery, span_of
from portal.api.routing import reads
from portal.api.scopes import Scope
from portal.api.values import Link, Minutes, Moment, api, exact, one_of
from portal.reports.data_state import state_of
from portal.reports.documents import sum_of, time_zones
from portal.reports.selection import NONE, select_entries
from portal.reports.span_text import span_text
from portal.reports.sums import MINUTES_FIELDS, By, Row, Sums, groups_in_order, labelled, sums_by, total
from tickets.models import TicketSystem, TimeEntry
from tickets.quality import find_all, systems_not_read
from tickets.quality_checks import scope_of

router = Router(tags=["Reports"])
FILTER = {By.AGENT: "agent", By.CUSTOMER: "customer", By.QUEUE: "queue", By.TICKET: "ticket"}


class ReportQuery(Paging, EntryFilters):
    """What a report can be asked for."""


class SumsRecord(BaseModel):
    """``minutes`` is the sum of the four that follow."""

    entries: Annotated[int, Field(description="How many time entries.")]
    minutes: Minutes
    billed_minutes: Annotated[Minutes, Field(description="In orders, drafts included.")]
    unbilled_minutes: Minutes
    not_billable_minutes: Minutes
    blocked_minutes: Annotated[Minutes, Field(description="On tickets without customer.")]


class ReportRow(SumsRecord):
    """One agent, customer, queue or ticket."""

    id: Annotated[int | None, Field(description="Number in the portal; null for queues and for no customer.")]
    key: Annotated[
        str, Field(description="Login, CustomerID (empty: none), queue (empty: not known) or ticket number.")
    ]
    label: Annotated[str, Field(description="Name or title.")]
    system: Annotated[str, Field(description="Ticket system; empty for queues.")]
    rows: Annotated[Link, Field(description="The time entries behind the numbers.")]


class Report(BaseModel):
    """Sums of a span. ``complete`` says whether they can be trusted; if not, ``problems`` say why."""

    period: Annotated[str, Field(description="The span, in its shortest form.", examples=["2026-10"])]
    by: Annotated[By, one_of(By)]
    time_zone: Annotated[str, Field(description="Whose days are counted.", examples=["Europe/Berlin"])]
    as_of: Annotated[Moment | None, Field(description="When the oldest reading began that the sums rest on.")]
    complete: Annotated[bool, Field(description="Whether every month was read in full after it was over.")]
    problems: Annotated[list[str], Field(description="What is missing, as sentences.")]
    total: Annotated[SumsRecord, Field(description="Of all rows, on whichever page they stand.")]
    items: list[ReportRow]
    next: Annotated[Link | None, Field(description="Address of the following rows; null: there are none.")]


class QualityRecord(BaseModel):
    """What one check found in the span."""

    check: Annotated[str, Field(examples=["long-entries"])]
    title: str
    why: Annotated[str, Field(description="Why it matters and what to do.")]
    kind: Annotated[str, Field(description="What is counted.", examples=["entries"])]
    count: int
    minutes: Annotated[Minutes, Field(description="Minutes at stake.")]


class Quality(BaseModel):
    """Data that a person should look at, as far as you may see them."""

    period: str
    not_read: Annotated[
        list[str], Field(description="Ticket systems of which a month of the span was never read in full.")
    ]
    complete: Annotated[bool, Field(description="Whether every month was read in full after it was over.")]
    problems: Annotated[list[str], Field(description="What is missing, as sentences.")]
    items: list[QualityRecord]


@reads(router, "/reports/{by}", scope=Scope.REPORTS, answer=Report, summary="Time report")
def report(
    request: HttpRequest, by: Path[Literal["agent", "customer", "queue", "ticket"]], query: Query[ReportQuery]
) -> Report:
    """Time by agent, customer, queue or ticket, split by how it stands with billing: the figures of the page."""
    span, now, groups = span_of(query), timezone.now(), By(by)
    systems = list(TicketSystem.objects.values_list("pk", flat=True)[:2])
    user, narrowing = caller(request), narrowing_of(query, systems=systems)
    found = select_entries(span, user=user, narrowing=narrowing)
    if groups == By.TICKET:
        plain = select_entries(span, user=user, narrowing=narrowing, standing=False)
        sums, (rows, following) = total(found), _tickets(request, plain, query)
    else:
        every = labelled(groups, sums_by(groups, found))
        sums = sum_of(every)
        rows, following = list_page(request, every, query, key=lambda row: [row.key, row.system, str(row.group)])
    state = state_of(span, now=now)
    return Report(
        period=span_text(span),
        by=groups,
        time_zone=time_zones(),
        as_of=state.as_of,
        complete=state.complete,
        problems=list(state.problems),
        total=SumsRecord(**_sums(sums)),
        items=[_row(request, row) for row in rows],
        next=following,
    )


class QualityQuery(SpanQuery):
    """The span that is looked at."""


@reads(router, "/quality", scope=Scope.REPORTS, answer=Quality, summary="Data quality")
def quality(request: HttpRequest, query: Query[QualityQuery]) -> Quality:
    """Every check with how much it found, and whether the data are complete."""
    span, now = span_of(query), timezone.now()
    scope, state = scope_of(span, user=caller(request), now=now), state_of(span, now=now)
    found = [
        QualityRecord(
            check=finding.check.key,
            title=str(finding.check.title),
            why=str(finding.check.why),
            kind=finding.check.kind.value,
            count=finding.count,
            minutes=exact(finding.minutes),
        )
        for finding in find_all(scope)
    ]
    return Quality(
        period=span_text(span),
        not_read=systems_not_read(scope),
        complete=state.complete,
        problems=list(state.problems),
        items=found,
    )


def _tickets(request: HttpRequest, found: QuerySet[TimeEntry], query: ReportQuery) -> tuple[list[Row], str | None]:
    """Found in SQL by their numbers in the portal, as there may be hundreds of thousands; those shown are split."""
    last = read_cursor(request, query, 1)
    later = found if last is None else found.filter(ticket__gt=last[0])
    keys: list[Any] = list(groups_in_order(By.TICKET, later)[: query.limit + 1])
    shown = keys[: query.limit]
    sums = sums_by(By.TICKET, found.filter(ticket__in=shown)).order_by("group")  # type: ignore[misc]  # annotated
    rows = labelled(By.TICKET, sums)
    return rows, next_link(request, [shown[-1]]) if len(keys) > query.limit else None


def _sums(sums: Sums) -> dict[str, Any]:
    return {"entries": sums.entries} | {name: exact(getattr(sums, name)) for name in MINUTES_FIELDS}


def _row(request: HttpRequest, row: Row) -> ReportRow:
    """With the way to its entries, within what the report was narrowed down to."""
    group = NONE if row.group is None else str(row.group)
    query = {name: value for name, value in request.GET.dict().items() if name not in ("limit", "cursor")}
    return ReportRow(
        id=row.group if isinstance(row.group, int) else None,
        key=row.key,
        label=row.label,
        system=row.system,
        rows=api(f"entries?{urlencode(query | {FILTER[row.by]: group})}"),
        **_sums(row),
    )

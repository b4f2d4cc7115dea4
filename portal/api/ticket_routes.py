"""``/tickets``, and ``/customers`` and ``/agents`` that they name."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from portal.api.access import caller
from portal.api.entry_records import EntryRecord, entry_records
from portal.api.paging import Page, Paging, keyset_page
from portal.api.periods import MonthChoice, period_of
from portal.api.problems import not_there
from portal.api.references import (
    AgentReference,
    CustomerReference,
    SystemReference,
    agent_reference,
    customer_reference,
    system_reference,
)
from portal.api.routing import reads
from portal.api.scopes import Scope
from portal.api.values import TEXT, Key, Link, Minutes, Moment, MonthText, PagePath, Units, api, exact, exact_or_none
from tickets.listing import TimeOfTicket, tickets_of, time_of
from tickets.models import Ticket

router = Router(tags=["Tickets"])
Text = Annotated[str, Field(max_length=200, pattern=TEXT)]
BILLED = {
    "yes": {"has_billed": True, "has_unbilled": False},
    "partly": {"has_billed": True, "has_unbilled": True},
    "no": {"has_billed": False, "has_unbilled": True},
}


class TicketQuery(Paging):
    """What the list can be asked for."""

    period: Annotated[MonthChoice, Field(description="The month in which it was closed, or `all`.")] = "all"
    q: Annotated[Text, Field(description="Part of the number or title.")] = ""
    customer: Annotated[Key | None, Field(description="Number of the customer in the portal.")] = None
    customer_name: Annotated[Text, Field(description="CustomerID, or part of the name.")] = ""
    queue: Annotated[Text, Field(description="The queue it is in.")] = ""
    state: Annotated[Text, Field(description="Its state.", examples=["closed successful"])] = ""
    billed: Annotated[
        Literal["yes", "partly", "no"] | None, Field(description="Whether its time stands in orders.")
    ] = None


class TicketRecord(BaseModel):
    """What the ticket system says about a ticket, and the time booked on it."""

    id: Key
    url: Link
    page: PagePath
    system: SystemReference
    ticket_id: Annotated[
        str | None, Field(description="TicketID in the ticket system; null: only its number is known.")
    ]
    number: str
    title: str
    state: str
    state_type: str
    queue: str
    type: str
    service: str
    sla: str
    priority: str
    owner: AgentReference | None
    customer: CustomerReference | None
    customer_user: str
    created_at: Moment | None
    changed_at: Moment | None
    closed_at: Annotated[Moment | None, Field(description="When it was closed last.")]
    read_at: Annotated[Moment, Field(description="When it was read from the ticket system.")]
    minutes: Annotated[Minutes, Field(description="Sum of its time entries.")]
    has_billed: Annotated[bool, Field(description="Whether time of it stands in an order.")]
    has_unbilled: Annotated[bool, Field(description="Whether time of it stands in none.")]


class TicketWithEntries(TicketRecord):
    """A ticket with all of its time entries, and how three totals compare."""

    closed_in: Annotated[list[MonthText], Field(description="Months in which it was found as closed.")]
    time_units: Annotated[Units | None, Field(description="Total as the ticket system tells it; null: not told.")]
    upstream_minutes: Annotated[Minutes | None, Field(description="The ticket system's total, in minutes.")]
    difference: Annotated[Minutes | None, Field(description="That total less the sum of the entries.")]
    article_minutes: Annotated[Minutes | None, Field(description="Sum over its articles; null: they were not read.")]
    article_difference: Annotated[Minutes | None, Field(description="The ticket system's total less the articles'.")]
    entries: Annotated[list[EntryRecord], Field(description="Those that are gone are told, too, but not summed.")]


@reads(router, "/tickets", scope=Scope.TICKETS, answer=Page[TicketRecord], summary="Tickets")
def tickets(request: HttpRequest, query: Query[TicketQuery]) -> Page[TicketRecord]:
    """Tickets of the customers that you may see."""
    found = _narrowed(tickets_of(period_of(query.period), user=caller(request)), query)
    shown, following = keyset_page(request, found.select_related("system", "customer", "owner"), query)
    return Page(items=[TicketRecord(**_facts(ticket)) for ticket in shown], next=following)


@reads(router, "/tickets/{int:ticket}", scope=Scope.TICKETS, answer=TicketWithEntries, summary="One ticket")
def ticket(request: HttpRequest, ticket: Path[Key]) -> TicketWithEntries:
    """One ticket with its time entries."""
    user = caller(request)
    visible = tickets_of(period_of("all"), user=user).select_related("system", "customer", "owner")
    found = visible.prefetch_related("closings").filter(pk=ticket).first()
    if found is None:
        raise not_there()
    time = time_of(found)
    records = entry_records([entry.pk for entry in time.entries], user=user)
    return TicketWithEntries(**_facts(found), **_totals(found, time), entries=records)


def _narrowed(found: QuerySet[Ticket], query: TicketQuery) -> QuerySet[Ticket]:
    if query.q:
        found = found.filter(Q(number__contains=query.q) | Q(title__icontains=query.q))
    if query.customer_name:
        name = query.customer_name
        found = found.filter(Q(customer__customer_id__iexact=name) | Q(customer__name__icontains=name))
    wanted = {"customer": query.customer, "queue": query.queue or None, "state": query.state or None}
    found = found.filter(**{name: value for name, value in wanted.items() if value is not None})
    return found.filter(**BILLED[query.billed]) if query.billed else found


def _facts(ticket: Ticket) -> dict[str, Any]:
    names = ("number", "title", "state", "state_type", "queue", "type", "service", "sla", "priority", "customer_user")
    times = ("created_at", "changed_at", "closed_at", "read_at")
    return {name: getattr(ticket, name) for name in (*names, *times, "ticket_id", "has_billed", "has_unbilled")} | {
        "id": ticket.pk,
        "url": api(f"tickets/{ticket.pk}"),
        "page": ticket.get_absolute_url(),
        "system": system_reference(ticket.system),
        "owner": agent_reference(ticket.owner) if ticket.owner else None,
        "customer": customer_reference(ticket.customer) if ticket.customer else None,
        "minutes": exact(ticket.minutes or Decimal(0)),  # type: ignore[attr-defined]  # annotated
    }


def _totals(ticket: Ticket, time: TimeOfTicket) -> dict[str, Any]:
    return {
        "closed_in": sorted(f"{closing.month:%Y-%m}" for closing in ticket.closings.all()),
        "time_units": exact_or_none(ticket.time_units),
        "upstream_minutes": exact_or_none(time.upstream_minutes),
        "difference": exact_or_none(time.difference),
        "article_minutes": exact_or_none(time.article_minutes),
        "article_difference": exact_or_none(time.article_difference),
    }

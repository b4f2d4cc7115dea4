"""Time entries as the API tells them."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

from django.db.models import Prefetch
from pydantic import BaseModel, Field

from billing.models import Allocation, Order
from billing.standing import Standing
from portal.api.references import (
    AgentReference,
    CustomerReference,
    PositionReference,
    SystemReference,
    TicketReference,
    agent_reference,
    claiming_position,
    customer_reference,
    system_reference,
    ticket_reference,
)
from portal.api.values import Key, Minutes, Moment, Units, exact
from portal.reports.sums import split
from tickets.models import AnyUser, TimeEntry


class EntryRecord(BaseModel):
    """One booking, as the ticket system sent it, and how it stands with billing."""

    id: Key
    system: SystemReference
    ticket: TicketReference
    ticket_title: str
    customer: Annotated[CustomerReference | None, Field(description="null: the ticket has none.")]
    agent: AgentReference
    booked_local: Annotated[
        str, Field(description="When it was booked, by the ticket system's clock.", examples=["2026-10-05 14:00:00"])
    ]
    booked_at: Moment
    day: Annotated[date, Field(description="The day it counts for, by the ticket system's clock.")]
    units: Units
    minutes: Minutes
    queue: Annotated[str, Field(description="The ticket's queue when it was booked; empty: not known.")]
    source: Annotated[str, Field(description="Where it was read: `history` or `agent`.")]
    standing: Annotated[
        Standing,
        Field(description="`billed`: stands in an order, be it a draft. `blocked`: the ticket has no customer."),
    ]
    order: Annotated[PositionReference | None, Field(description="The position that bills it, if you may see it.")]
    gone_at: Annotated[Moment | None, Field(description="Since when the ticket system no longer shows it.")]


def entry_records(keys: Iterable[int], *, user: AnyUser) -> list[EntryRecord]:
    """Those entries in this order; two queries, and those that ask how they stand."""
    order = list(keys)
    visible = Order.objects.visible_to(user)
    claims = Allocation.objects.filter(live=True, position__order__in=visible).select_related("position__order")
    entries = split(TimeEntry.objects.filter(pk__in=order)).select_related("system", "agent", "ticket__customer")
    found: dict[int, Any] = {
        entry.pk: entry
        for entry in entries.prefetch_related(Prefetch("allocations", queryset=claims, to_attr="claims"))
    }
    return [_record(found[key]) for key in order if key in found]


def _record(entry: Any) -> EntryRecord:
    ticket = entry.ticket
    return EntryRecord(
        id=entry.pk,
        system=system_reference(entry.system),
        ticket=ticket_reference(ticket),
        ticket_title=ticket.title,
        customer=customer_reference(ticket.customer) if ticket.customer else None,
        agent=agent_reference(entry.agent),
        booked_local=entry.booked_local,
        booked_at=entry.booked_at,
        day=entry.local_day,
        units=exact(entry.units),
        minutes=exact(entry.minutes),
        queue=entry.queue,
        source=entry.source,
        standing=Standing(entry.standing),
        order=claiming_position(entry.claims),
        gone_at=entry.gone_at,
    )

"""How time entries are narrowed down, for their list and for the reports."""

from typing import Annotated

from pydantic import Field

from billing.standing import Standing
from portal.api.periods import SpanQuery
from portal.api.values import TEXT, Key
from portal.reports.selection import NONE, Narrowing


class EntryFilters(SpanQuery):
    """Of records the portal's own number (`id`); what you may not see is as if it were not there."""

    system: Annotated[Key | None, Field(description="Ticket system.")] = None
    agent: Annotated[Key | None, Field(description="Agent who booked.")] = None
    customer: Annotated[
        str | None,
        Field(pattern=r"^([1-9][0-9]{0,17}|none)$", description="Customer; `none`: time on tickets without customer."),
    ] = None
    queue: Annotated[
        str | None, Field(max_length=200, pattern=TEXT, description="Queue when it was booked; empty: not known.")
    ] = None
    ticket: Annotated[Key | None, Field(description="Ticket.")] = None
    standing: Annotated[Standing | None, Field(description="How it stands with billing.")] = None


def narrowing_of(query: EntryFilters, *, systems: list[int]) -> Narrowing:
    """The only ticket system is named, too: the index on days begins with it."""
    customer = query.customer
    return Narrowing(
        system=query.system or (systems[0] if len(systems) == 1 else None),
        agent=query.agent,
        customer=NONE if customer == NONE else int(customer) if customer else None,
        queue=query.queue,
        ticket=query.ticket,
        standing=query.standing,
    )

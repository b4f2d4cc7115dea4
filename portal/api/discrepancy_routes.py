"""``/discrepancies``: what disagrees with orders that have left draft."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

from billing.discrepancies import discrepancies as open_discrepancies
from billing.discrepancy_kinds import Discrepancy
from billing.discrepancy_pages import mirrored_at
from billing.models import Order
from billing.proposals import narrow
from billing.settlement_models import Choice, Kind
from portal.api.access import caller
from portal.api.paging import Paging, list_page
from portal.api.periods import MonthChoice, month_of
from portal.api.references import (
    CustomerReference,
    PositionReference,
    TicketReference,
    customer_reference,
    position_reference,
    ticket_reference,
)
from portal.api.routing import reads
from portal.api.scopes import Scope
from portal.api.values import TEXT, Amount, Key, Link, Minutes, Moment, amount_or_none, exact, one_of

router = Router(tags=["Orders"])


class DiscrepancyQuery(Paging):
    """What the list can be asked for."""

    period: Annotated[MonthChoice, Field(description="The month of the order, or `all`.")] = "all"
    kind: Annotated[Annotated[Kind, one_of(Kind)] | None, Field(description="What has happened.")] = None
    customer_name: Annotated[
        str, Field(max_length=200, pattern=TEXT, description="CustomerID, or part of the name.")
    ] = ""
    order: Annotated[Key | None, Field(description="Number of the order in the portal.")] = None


class DiscrepancyRecord(BaseModel):
    """One time entry that disagrees with one position in one way. What is to be given back is negative."""

    key: Annotated[str, Field(description="Names it for good.", examples=["12-gone"])]
    kind: Annotated[Kind, one_of(Kind)]
    sentence: Annotated[str, Field(description="What has happened.")]
    customer: Annotated[CustomerReference, Field(description="Who was billed.")]
    order: PositionReference
    ticket: Annotated[TicketReference, Field(description="The ticket that was billed.")]
    entry: Annotated[int, Field(description="Number of the time entry in the portal.")]
    booked_local: str
    minutes_billed: Minutes
    minutes_now: Minutes
    minutes_at_stake: Annotated[Minutes, Field(description="Of an entry with several kinds, with the first alone.")]
    money_at_stake: Annotated[
        Amount | None, Field(description="Of all that is open of the position, with the first of them; else null.")
    ]
    currency: str
    choices: Annotated[list[Choice], Field(description="How it can be settled; none while the order is not issued.")]


class Discrepancies(BaseModel):
    """What nobody has settled."""

    as_of: Annotated[Moment | None, Field(description="When the ticket systems were read last.")]
    items: list[DiscrepancyRecord]
    next: Annotated[Link | None, Field(description="Address of the following rows; null: there are none.")]


@reads(router, "/discrepancies", scope=Scope.ORDERS, answer=Discrepancies, summary="Open discrepancies")
def discrepancies(request: HttpRequest, query: Query[DiscrepancyQuery]) -> Discrepancies:
    """Time that changed, moved, vanished or came late after it was billed. It is worked out anew for each request."""
    user = caller(request)
    order = Order.objects.visible_to(user).filter(pk=query.order).first() if query.order else None
    if query.order and order is None:
        rows: list[Discrepancy] = []
    else:
        rows = open_discrepancies(month_of(query.period), user=user, order=order)
    rows = narrow(rows, kind=query.kind or "", customer=query.customer_name)
    shown, following = list_page(request, rows, query, key=lambda row: [row.order.pk, row.position.position, row.key])
    return Discrepancies(as_of=mirrored_at(), items=[_record(row) for row in shown], next=following)


def _record(row: Discrepancy) -> DiscrepancyRecord:
    return DiscrepancyRecord(
        key=row.key,
        kind=row.kind,
        sentence=row.sentence,
        customer=customer_reference(row.customer),
        order=position_reference(row.position),
        ticket=ticket_reference(row.ticket),
        entry=row.entry.pk,
        booked_local=row.entry.booked_local,
        minutes_billed=exact(row.minutes_billed),
        minutes_now=exact(row.minutes_now),
        minutes_at_stake=exact(row.minutes_at_stake),
        money_at_stake=amount_or_none(row.money_at_stake),
        currency=row.currency,
        choices=list(row.choices),
    )

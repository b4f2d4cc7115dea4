"""Orders as the API tells them."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from billing.models import Allocation, Export, Order, OrderEvent, OrderPosition
from portal.api.references import (
    AgentReference,
    CustomerReference,
    OrderReference,
    TicketReference,
    agent_reference,
    customer_reference,
    order_reference,
    ticket_reference,
)
from portal.api.values import (
    Amount,
    Key,
    Link,
    Minutes,
    Moment,
    MonthText,
    Number,
    PagePath,
    Units,
    amount,
    api,
    exact,
    one_of,
)

Who = Annotated[str | None, Field(description="Login in the portal; null: a command or the portal itself.")]


class OrderRecord(BaseModel):
    """One order of one customer for one period."""

    id: Key
    url: Link
    page: PagePath
    number: Annotated[str, Field(description="The same from the first draft on.")]
    document_number: Annotated[str | None, Field(description="From a range without gaps; null until it is issued.")]
    customer: CustomerReference
    month: Annotated[MonthText, Field(description="The month it bills; of a quarter its last.")]
    period_start: Annotated[date, Field(description="First day of the period.")]
    supplement: Annotated[int, Field(description="0: the order of the period; 1, 2, …: what came late to it.")]
    state: Annotated[
        Order.State, one_of(Order.State), Field(description="`draft`, `approved`, `issued`, `exported` or `void`.")
    ]
    complete: Annotated[bool, Field(description="Whether it rests on data that are known to be complete.")]
    erp_customer_number: str
    currency: Annotated[str, Field(description="Of every amount of the order.", examples=["EUR"])]
    tax_rate: Annotated[Number, Field(description="In percent, for control sums.")]
    recorded_minutes: Minutes
    billable_minutes: Minutes
    net_amount: Annotated[Amount, Field(description="Sum of the amounts of its positions.")]
    created_at: Moment
    changed_at: Moment
    approved_at: Moment | None
    issued_at: Moment | None
    voided_at: Moment | None
    void_reason: str


class PositionRecord(BaseModel):
    """One line. ``amount`` = ``quantity`` × ``unit_price`` less ``discount``, rounded half away from zero to cents."""

    position: int
    kind: Annotated[
        OrderPosition.Kind, one_of(OrderPosition.Kind), Field(description="`time`, `flat`, `rounding` or `credit`.")
    ]
    ticket: TicketReference | None
    text: str
    recorded_minutes: Minutes
    billable_minutes: Minutes
    included_minutes: Annotated[Minutes, Field(description="Not charged, as the agreement includes them.")]
    prepaid_minutes: Annotated[Minutes, Field(description="Not charged, as they were paid before.")]
    quantity: Annotated[Number, Field(description="What is charged, in `unit`.")]
    unit: str
    unit_price: Annotated[Number, Field(description="In the currency of the order.")]
    discount: Annotated[Number, Field(description="In percent.")]
    amount: Amount
    article_number: str
    rule: Annotated[dict[str, Any], Field(description="Rate and rounding as they were when it was priced.")]


class EventRecord(BaseModel):
    """Something that happened to an order."""

    kind: Annotated[OrderEvent.Kind, one_of(OrderEvent.Kind), Field(description="What has happened.")]
    at: Moment
    user: Who
    text: str


class ExportRecord(BaseModel):
    """A file that was handed over. Its bytes are on the page."""

    id: Key
    page: PagePath
    file_name: str
    format: str
    size: Annotated[int, Field(description="Bytes.")]
    sha256: Annotated[str, Field(description="SHA-256 of the bytes, in hex.")]
    created_at: Moment
    created_by: Who


class OrderWithPositions(OrderRecord):
    """An order with its positions, what happened to it, and the files that hold it."""

    approved_by: Who
    issued_by: Who
    voided_by: Who
    correction_of: Annotated[OrderReference | None, Field(description="The void order that it takes the place of.")]
    corrected_by: Annotated[OrderReference | None, Field(description="The order that took its place.")]
    positions: list[PositionRecord]
    allocations: Annotated[Link, Field(description="The time entries that it bills.")]
    discrepancies: Annotated[Link, Field(description="What disagrees with it by now.")]
    events: list[EventRecord]
    exports: list[ExportRecord]


class AllocationRecord(BaseModel):
    """A time entry in a position: what was billed of it then."""

    id: Key
    position: Annotated[int, Field(description="Place in the order.")]
    entry: Annotated[int, Field(description="Number of the time entry in the portal.")]
    agent: AgentReference
    booked_local: str
    day: date
    units: Units
    minutes: Annotated[Minutes, Field(description="As they were when they were billed.")]
    live: Annotated[bool, Field(description="false: the order is void and has let go of it.")]


def order_facts(order: Order) -> dict[str, Any]:
    """The fields of ``OrderRecord``."""
    same = ("number", "document_number", "period_start", "supplement", "complete", "erp_customer_number", "currency")
    times = ("created_at", "changed_at", "approved_at", "issued_at", "voided_at", "void_reason")
    exactly = ("tax_rate", "recorded_minutes", "billable_minutes")
    return (
        {name: getattr(order, name) for name in (*same, *times)}
        | {name: exact(getattr(order, name)) for name in exactly}
        | {
            "id": order.pk,
            "url": api(f"orders/{order.pk}"),
            "page": order.get_absolute_url(),
            "customer": customer_reference(order.customer),
            "month": f"{order.month:%Y-%m}",
            "state": Order.State(order.state),
            "net_amount": amount(order.net_amount),
        }
    )


def position_record(position: OrderPosition) -> PositionRecord:
    same = ("position", "text", "unit", "article_number", "rule")
    exactly = ("recorded_minutes", "billable_minutes", "included_minutes", "prepaid_minutes", "quantity", "unit_price")
    exact_values: dict[str, Any] = {name: exact(getattr(position, name)) for name in exactly}
    return PositionRecord(
        kind=OrderPosition.Kind(position.kind),
        ticket=ticket_reference(position.ticket) if position.ticket else None,
        amount=amount(position.amount),
        discount=exact(position.discount),
        **{name: getattr(position, name) for name in same},
        **exact_values,
    )


def event_record(event: OrderEvent) -> EventRecord:
    return EventRecord(kind=OrderEvent.Kind(event.kind), at=event.at, user=who(event.user), text=event.text)


def export_record(export: Any, *, page: str) -> ExportRecord:
    """Of an ``Export`` that comes from ``billing.stored_files``."""
    found: Export = export
    return ExportRecord(
        id=found.pk,
        page=page,
        file_name=found.file_name,
        format=found.format,
        size=export.size,
        sha256=found.sha256,
        created_at=found.created_at,
        created_by=who(found.created_by),
    )


def allocation_record(allocation: Allocation) -> AllocationRecord:
    entry = allocation.entry
    return AllocationRecord(
        id=allocation.pk,
        position=allocation.position.position,
        entry=entry.pk,
        agent=agent_reference(entry.agent),
        booked_local=entry.booked_local,
        day=entry.local_day,
        units=exact(entry.units),
        minutes=exact(allocation.minutes),
        live=allocation.live,
    )


def reference_or_none(order: Order | None) -> OrderReference | None:
    return order_reference(order) if order else None


def who(user: Any) -> str | None:
    """The login of a user of the portal."""
    return user.get_username() if user else None

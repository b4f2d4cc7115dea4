"""How one record names another: by number, by what people know it by, and by where it is told."""

from typing import Annotated

from pydantic import BaseModel, Field

from billing.models import Allocation, Order, OrderPosition
from portal.api.values import Key, Link, PagePath, api
from tickets.models import Agent, Customer, Ticket, TicketSystem


class SystemReference(BaseModel):
    """A ticket system."""

    id: Key
    name: str


class CustomerReference(BaseModel):
    id: Key
    customer_id: Annotated[str, Field(description="CustomerID in the ticket system.")]
    name: str
    url: Link


class AgentReference(BaseModel):
    id: Key
    login: Annotated[str | None, Field(description="null: only the UserID is known.")]
    name: str


class TicketReference(BaseModel):
    id: Key
    number: Annotated[str, Field(description="The ticket number that people know.", examples=["2026100110000017"])]
    url: Link


class OrderReference(BaseModel):
    id: Key
    number: str
    url: Link
    page: PagePath


class PositionReference(OrderReference):
    """A position of an order."""

    position: Annotated[int, Field(description="Its place in the order.")]


def system_reference(system: TicketSystem) -> SystemReference:
    return SystemReference(id=system.pk, name=system.name)


def customer_reference(customer: Customer) -> CustomerReference:
    return CustomerReference(
        id=customer.pk, customer_id=customer.customer_id, name=customer.name, url=api(f"customers/{customer.pk}")
    )


def agent_reference(agent: Agent) -> AgentReference:
    return AgentReference(id=agent.pk, login=agent.login, name=str(agent))


def ticket_reference(ticket: Ticket) -> TicketReference:
    return TicketReference(id=ticket.pk, number=ticket.number, url=api(f"tickets/{ticket.pk}"))


def order_reference(order: Order) -> OrderReference:
    return OrderReference(
        id=order.pk, number=order.number, url=api(f"orders/{order.pk}"), page=order.get_absolute_url()
    )


def position_reference(position: OrderPosition) -> PositionReference:
    return PositionReference(position=position.position, **order_reference(position.order).model_dump())


def claiming_position(claims: list[Allocation]) -> PositionReference | None:
    """Where an entry is billed, of claims that the asking user may see: at most one is live."""
    return position_reference(claims[0].position) if claims else None

"""``/customers`` and ``/agents``: whom tickets and time entries name."""

from typing import Annotated

from django.db.models import Q
from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from portal.api.access import caller
from portal.api.paging import Page, Paging, keyset_page
from portal.api.problems import not_there
from portal.api.references import SystemReference, system_reference
from portal.api.routing import reads
from portal.api.scopes import Scope
from portal.api.values import TEXT, Key, Link, api
from tickets.models import Agent, Customer, TimeEntry, sees_all_customers

router = Router(tags=["Customers and agents"])


class PeopleQuery(Paging):
    """What the lists can be asked for."""

    system: Annotated[Key | None, Field(description="Ticket system.")] = None
    q: Annotated[str, Field(max_length=200, pattern=TEXT, description="CustomerID or login, or part of the name.")] = ""


class CustomerRecord(BaseModel):
    """A customer of a ticket system."""

    id: Key
    url: Link
    system: SystemReference
    customer_id: Annotated[str, Field(description="CustomerID in the ticket system.")]
    name: Annotated[str, Field(description="As it was entered here; empty: not yet.")]
    tickets: Annotated[Link, Field(description="Its tickets.")]
    entries: Annotated[Link, Field(description="The time booked for it.")]
    orders: Annotated[Link, Field(description="Its orders.")]


class AgentRecord(BaseModel):
    """Somebody who books time."""

    id: Key
    system: SystemReference
    login: Annotated[str | None, Field(description="null: only the UserID is known.")]
    user_id: Annotated[int | None, Field(description="UserID in the ticket system.")]
    name: str
    entries: Annotated[Link, Field(description="The time booked by the agent.")]


@reads(router, "/customers", scope=Scope.TICKETS, answer=Page[CustomerRecord], summary="Customers")
def customers(request: HttpRequest, query: Query[PeopleQuery]) -> Page[CustomerRecord]:
    """The customers that you may see."""
    found = Customer.objects.visible_to(caller(request)).select_related("system")
    if query.system:
        found = found.filter(system=query.system)
    if query.q:
        found = found.filter(Q(customer_id__iexact=query.q) | Q(name__icontains=query.q))
    shown, following = keyset_page(request, found, query)
    return Page(items=[_customer(row) for row in shown], next=following)


@reads(router, "/customers/{int:customer}", scope=Scope.TICKETS, answer=CustomerRecord, summary="One customer")
def customer(request: HttpRequest, customer: Path[Key]) -> CustomerRecord:
    """One customer."""
    found = Customer.objects.visible_to(caller(request)).select_related("system").filter(pk=customer).first()
    if found is None:
        raise not_there()
    return _customer(found)


@reads(router, "/agents", scope=Scope.TICKETS, answer=Page[AgentRecord], summary="Agents")
def agents(request: HttpRequest, query: Query[PeopleQuery]) -> Page[AgentRecord]:
    """All agents, or those who have booked time for a customer that you may see."""
    user = caller(request)
    found = Agent.objects.select_related("system")
    if not sees_all_customers(user):
        booked = TimeEntry.objects.visible_to(user).present()
        found = found.filter(pk__in=booked.order_by().values("agent"))
    if query.system:
        found = found.filter(system=query.system)
    if query.q:
        found = found.filter(Q(login__iexact=query.q) | Q(name__icontains=query.q))
    shown, following = keyset_page(request, found, query)
    return Page(items=[_agent(row) for row in shown], next=following)


def _customer(row: Customer) -> CustomerRecord:
    return CustomerRecord(
        id=row.pk,
        url=api(f"customers/{row.pk}"),
        system=system_reference(row.system),
        customer_id=row.customer_id,
        name=row.name,
        tickets=api(f"tickets?customer={row.pk}"),
        entries=api(f"entries?customer={row.pk}"),
        orders=api(f"orders?customer={row.pk}"),
    )


def _agent(row: Agent) -> AgentRecord:
    return AgentRecord(
        id=row.pk,
        system=system_reference(row.system),
        login=row.login,
        user_id=row.user_id,
        name=str(row),
        entries=api(f"entries?agent={row.pk}"),
    )

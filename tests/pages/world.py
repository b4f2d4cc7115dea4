"""A small world for the pages: two customers, each with an account manager, an order and time that was left out.

Everything that belongs to the second customer carries a mark, so that a page can be searched for what it must not say.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.test import Client

from billing.models import BillingRun, Order
from outofoffice.models import Upload
from outofoffice.uploads import upload_file
from portal.models import SavedFilter
from portal.roles import ACCOUNT_MANAGER, ADMINISTRATOR, BILLING
from tests.billing.scenes import bill, read_completely, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketSystemFactory, TimeEntryFactory
from tickets.models import Customer, Ticket, TicketSystem

MARK = "Zebra"
MARKED_MINUTES = (Decimal(7919), Decimal(7907))  # billed and left out; in no other number of the world
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)  # October 2026 is the previous month
PASSWORD = "correct horse battery"
HOSTILE = "=1+1 <svg onload=alert(1)> \"quoted\" & 'so'"


@dataclass
class World:
    system: TicketSystem
    customer: Customer
    foreign: Customer
    ticket: Ticket
    foreign_ticket: Ticket
    order: Order
    foreign_order: Order
    run: BillingRun
    saved: SavedFilter
    upload: Upload
    clients: dict[str, Client]


def account(name: str, role: str, *, is_staff: bool = False) -> User:
    user = get_user_model().objects.create_user(name, password=PASSWORD, is_staff=is_staff)
    user.groups.add(Group.objects.get(name=role))
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def build() -> World:
    system = TicketSystemFactory(name="Helpdesk", deep_link="{base_url}/index.pl?TicketID={ticket_id}")
    read_completely(system)
    customer = CustomerFactory(system=system, customer_id="K1001", name="Königsbau AG")
    foreign = CustomerFactory(system=system, customer_id=f"{MARK}-ID", name=f"{MARK} GmbH")
    AgreementFactory(customer=customer)
    AgreementFactory(customer=foreign, erp_customer_number=f"{MARK}-ERP")
    ticket = ticket_of(customer, 30, title=HOSTILE)
    ticket_of(customer, 45, closed=None, title="Still open")
    foreign_ticket = _foreign_tickets(system, foreign)
    users = {
        "manager": account("anna", ACCOUNT_MANAGER),
        "stranger": account("bernd", ACCOUNT_MANAGER),
        "billing": account("clara", BILLING),
        "admin": account("dora", ADMINISTRATOR, is_staff=True),
    }
    customer.account_managers.add(users["manager"])
    foreign.account_managers.add(users["stranger"])
    run = bill(now=NOW)
    return World(
        system=system,
        customer=customer,
        foreign=foreign,
        ticket=ticket,
        foreign_ticket=foreign_ticket,
        order=Order.objects.get(customer=customer),
        foreign_order=Order.objects.get(customer=foreign),
        run=run,
        saved=SavedFilter.objects.create(
            user=users["manager"], page="reports:report", name="My customer", query="by=ticket&unit=hours"
        ),
        upload=_absences(system),
        clients={"anonymous": Client()} | {name: signed_in(user) for name, user in users.items()},
    )


def _absences(system: TicketSystem) -> Upload:
    """Looked at and not confirmed; one row names somebody whom nobody knows."""
    quoted = HOSTILE.replace('"', '""')
    rows = ["UserLogin,StartDate,EndDate,Enabled", f"{MARK}.agent,2026-12-01,2026-12-10,yes", f'"{quoted}",,,{MARK}']
    return upload_file(system=system, data="\n".join(rows).encode(), file_name=f"{MARK}.csv", now=NOW)


def _foreign_tickets(system: TicketSystem, foreign: Customer) -> Ticket:
    marked: dict[str, Any] = {"title": f"{MARK} title", "queue": f"{MARK} queue", "service": f"{MARK} service"}
    agent = AgentFactory(system=system, name=f"{MARK} agent", login=f"{MARK}.agent")
    ticket = ticket_of(foreign, number=f"{MARK}-1", state=f"{MARK} state", **marked)
    TimeEntryFactory(ticket=ticket, agent=agent, units=MARKED_MINUTES[0], queue=f"{MARK} queue")
    left_out = ticket_of(foreign, closed=None, number=f"{MARK}-2", **marked)
    TimeEntryFactory(ticket=left_out, agent=agent, units=MARKED_MINUTES[1], queue=f"{MARK} queue")
    return ticket

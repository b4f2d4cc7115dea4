"""A small world for the pages: two customers, each with an account manager, an order and time that was left out.

Everything that belongs to the second customer carries a mark, so that a page can be searched for what it must not say.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.test import Client

from billing.handover import record_export
from billing.message_models import OrderMessage
from billing.models import BillingRun, Export, Order
from outofoffice.models import Upload
from outofoffice.uploads import upload_file
from portal.api.tokens import make_token
from portal.models import SavedFilter
from portal.roles import ACCOUNT_MANAGER, ADMINISTRATOR, BILLING
from portal.signs import note_sign
from portal.token_models import ApiToken
from registration.models import RegisteredSystem
from tests.billing.scenes import bill, read_completely, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.registered_systems import AccountFactory, SystemFactory, note, support
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketSystemFactory, TimeEntryFactory
from tickets.models import Customer, Ticket, TicketSystem
from tickets.outbox_models import OutboxItem

MARK = "Zebra"
MARKED_MINUTES = (Decimal(7919), Decimal(7907))  # billed and left out; in no other number of the world
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)  # October 2026 is the previous month
PASSWORD = "correct horse battery"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
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
    registered: RegisteredSystem
    foreign_registered: RegisteredSystem
    note: OutboxItem
    message: OrderMessage
    api_token: ApiToken
    clients: dict[str, Client]

    @property
    def export(self) -> Export:
        """A file that holds the first customer's order alone; kept from when it is first asked for."""
        kept = Export.objects.filter(file_name="kept.csv").first()
        return kept or record_export("csv", [self.order], b"kept", "kept.csv", None, NOW)


def account(name: str, role: str, *, is_staff: bool = False) -> User:
    user = get_user_model().objects.create_user(name, password=PASSWORD, is_staff=is_staff)
    user.groups.add(Group.objects.get(name=role))
    return user


def with_second_factor(user: User) -> User:
    """Whose sign-in asks for a code; its secret is ``TOTP_SECRET``."""
    TOTP.activate(user, TOTP_SECRET)
    RecoveryCodes.activate(user).mark_as_viewed()  # which the library notes when they are shown for the first time
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def build() -> World:
    for name in ("network", "ledger", "beat"):
        note_sign(name, now=NOW)
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
    for user in users.values():
        with_second_factor(user)
    customer.account_managers.add(users["manager"])
    foreign.account_managers.add(users["stranger"])
    run = bill(now=NOW)
    order = Order.objects.get(customer=customer)
    note = _note(ticket, "form-note", subject=HOSTILE)
    _note(foreign_ticket, "form-foreign", subject=f"{MARK} subject", outcome_text=f"{MARK} text")
    message = OrderMessage.objects.create(order=order, ticket=ticket, item=_note(ticket, "order-note"))
    return World(
        system=system,
        customer=customer,
        foreign=foreign,
        ticket=ticket,
        foreign_ticket=foreign_ticket,
        order=order,
        foreign_order=Order.objects.get(customer=foreign),
        run=run,
        saved=SavedFilter.objects.create(
            user=users["manager"], page="reports:report", name="My customer", query="by=ticket&unit=hours"
        ),
        upload=_absences(system),
        registered=_registered(customer, "otrs.example.org", HOSTILE, "198.51.100.7"),
        foreign_registered=_registered(foreign, f"{MARK.lower()}.example.org", f"{MARK} description", "203.0.113.9"),
        note=note,
        message=message,
        api_token=_token(users["manager"]),
        clients={"anonymous": Client()} | {name: signed_in(user) for name, user in users.items()},
    )


def _token(user: User) -> ApiToken:
    return make_token(user=user, name="Report", scopes=["tickets:read"], days=30, now=NOW)[0]


def _note(ticket: Ticket, key: str, **values: Any) -> OutboxItem:
    """Refused by the ticket system."""
    given: dict[str, Any] = {
        "subject": "Subject",
        "body": HOSTILE,
        "state": "failed",
        "outcome": "refused",
        "outcome_text": HOSTILE,
    }
    given |= {"system": ticket.system, "customer": ticket.customer, "ticket": ticket, "kind": "note", "key": key}
    return OutboxItem.objects.create(**given | values)


def _absences(system: TicketSystem) -> Upload:
    """Looked at and not confirmed; one row names somebody whom nobody knows."""
    quoted = HOSTILE.replace('"', '""')
    rows = ["UserLogin,StartDate,EndDate,Enabled", f"{MARK}.agent,2026-12-01,2026-12-10,yes", f'"{quoted}",,,{MARK}']
    return upload_file(system=system, data="\n".join(rows).encode(), file_name=f"{MARK}.csv", now=NOW)


def _registered(customer: Customer, fqdn: str, text: str, address: str) -> RegisteredSystem:
    """In conflict, with support data and history; all of it says ``text``."""
    account = AccountFactory(otrs_id=f"{fqdn.split('.')[0]}@{fqdn}", customer=customer, note=text)
    reported = {"reported_type": text[:100], "reported_description": text, "product_version": text[:100]}
    system: RegisteredSystem = SystemFactory(conflict=True, account=account, fqdn=fqdn, address=address, **reported)
    note(system)
    note(system, "conflict", address=address, facts={"fqdn": [fqdn, text], "os_version": text})
    support(system, [{"Label": text, "Value": text, "Status": "3", "DisplayPath": text, "Message": text}])
    return system


def _foreign_tickets(system: TicketSystem, foreign: Customer) -> Ticket:
    marked: dict[str, Any] = {"title": f"{MARK} title", "queue": f"{MARK} queue", "service": f"{MARK} service"}
    agent = AgentFactory(system=system, name=f"{MARK} agent", login=f"{MARK}.agent")
    ticket = ticket_of(foreign, number=f"{MARK}-1", state=f"{MARK} state", **marked)
    TimeEntryFactory(ticket=ticket, agent=agent, units=MARKED_MINUTES[0], queue=f"{MARK} queue")
    left_out = ticket_of(foreign, closed=None, number=f"{MARK}-2", **marked)
    TimeEntryFactory(ticket=left_out, agent=agent, units=MARKED_MINUTES[1], queue=f"{MARK} queue")
    return ticket

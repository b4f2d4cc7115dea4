"""A ticket system to write into, and what stands in it afterwards."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from generic_interface.client import Client
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Article
from tests.factories.tickets import CustomerFactory, TicketFactory
from tickets.connect import connection_of
from tickets.models import Customer, Ticket, TicketSystem
from tickets.outbox_models import OutboxItem

TEXT = "Billed in order 2026-00001."


class Clock:
    """Moves only when told to."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: int) -> None:
        self.now += timedelta(**span)


def impatient(system: TicketSystem) -> Client:
    """A client that gives up after a fifth of a second."""
    connection = connection_of(system)
    return Client(type(connection)(**{
        **{name: getattr(connection, name) for name in connection.__slots__},
        "read_timeout": 0.2,
        "total_deadline": 0.2,
    }))  # fmt: skip


def customer_of(system: TicketSystem, number: str = "10001") -> Customer:
    found: Customer = Customer.objects.filter(system=system, customer_id=number).first() or CustomerFactory(
        system=system, customer_id=number
    )
    return found


def mirrored(system: TicketSystem, upstream: DataSet, **values: Any) -> Ticket:
    """A ticket that both know."""
    ticket_id = upstream.create(title="Printer", customer="10001")
    number = upstream.ticket(ticket_id).number
    found: Ticket = TicketFactory(
        system=system, customer=customer_of(system), ticket_id=ticket_id, number=number, **values
    )
    return found


def note(ticket: Ticket, key: str = "note", **values: Any) -> OutboxItem:
    assert ticket.customer is not None
    item: OutboxItem = OutboxItem.objects.create(
        system=ticket.system,
        customer=ticket.customer,
        ticket=ticket,
        kind=OutboxItem.Kind.NOTE,
        key=key,
        subject="Billed",
        body=TEXT,
        **values,
    )
    return item


def new_ticket(system: TicketSystem, key: str = "ticket", **values: Any) -> OutboxItem:
    given: dict[str, Any] = {
        "kind": OutboxItem.Kind.TICKET,
        "title": "Statement",
        "subject": "Statement",
        "body": TEXT,
        "queue": "Support",
        "ticket_state": "closed successful",
        "customer_user": "h.mueller",
    }
    item: OutboxItem = OutboxItem.objects.create(system=system, customer=customer_of(system), key=key, **given | values)
    return item


def mail(system: TicketSystem, key: str = "mail", **values: Any) -> OutboxItem:
    given: dict[str, Any] = {
        "kind": OutboxItem.Kind.MAIL,
        "to": "Kunde <kunde@kunde10001.test>",
        "file_name": "statement.pdf",
        "content_type": "application/pdf",
        "content": b"%PDF",
    }
    return new_ticket(system, key, **given | values)


MAKERS: dict[str, Callable[[TicketSystem, DataSet], OutboxItem]] = {
    "note": lambda system, upstream: note(mirrored(system, upstream)),
    "ticket": lambda system, upstream: new_ticket(system),
    "mail": lambda system, upstream: mail(system),
}


def marked_tickets(upstream: DataSet, item: OutboxItem) -> list[str]:
    return [ticket.ticket_id for ticket in upstream.tickets.values() if item.marker in ticket.title]


def marked_articles(upstream: DataSet, item: OutboxItem) -> list[Article]:
    articles = (article for ticket in upstream.tickets.values() for article in ticket.articles)
    return [article for article in articles if item.marker in article.body]


def written(upstream: DataSet, item: OutboxItem) -> tuple[int, int, int]:
    """How many tickets, articles and mails of the item the ticket system holds."""
    articles = {article.article_id for article in marked_articles(upstream, item)}
    mails = [each for each in upstream.mails if each.article_id in articles]
    return len(marked_tickets(upstream, item)), len(articles), len(mails)


ONCE = {"note": (0, 1, 0), "ticket": (1, 1, 0), "mail": (1, 1, 1)}
EVER = {"note": (0, 0, 0), "ticket": (0, 0, 0), "mail": (0, 0, 0)}

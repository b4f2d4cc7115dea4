"""What the tests of mirror and sync share: records as the client gives them, and dumps of the mirror to compare."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from common.months import Month
from generic_interface.client import Client
from generic_interface.records import (
    AccountedTime,
    Booking,
    HistoryBatch,
    TicketBatch,
    TicketHistory,
    TicketRecord,
)
from tickets.connect import connection_of
from tickets.models import Agent, Customer, Ticket, TicketClosing, TimeEntry
from tickets.snapshot import MonthSnapshot, Window
from tickets.sync import sync_month

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER = Month(2026, 10)
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)


def clock():
    return NOW


def sync(system, month=OCTOBER, **options):
    return sync_month(system=system, month=month, **{"clock": clock} | options)


def hasty_client(system):
    """A client that waits for nobody."""
    return Client(replace(connection_of(system), read_timeout=0.3, total_deadline=0.5))


def dump_mirror(*, without=()):
    """Every row of the mirror with every column, except the columns named."""
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name not in without}
            for row in model.objects.order_by("pk").values()
        ]
        for model in (Agent, Customer, Ticket, TicketClosing, TimeEntry)
    }


def present(month=None):
    """Present entries as (agent, local time, units, ticket number), sorted; equal ones as often as they are there."""
    entries = TimeEntry.objects.present()
    if month is not None:
        entries = entries.booked_in(month)
    rows = entries.values_list("agent__login", "agent__user_id", "booked_local", "units", "ticket__number")
    return sorted((login or user_id, *rest) for login, user_id, *rest in rows)


def ticket_record(ticket_id="7", **changes):
    values = {
        "ticket_id": ticket_id,
        "number": f"N{ticket_id}",
        "title": "Printer",
        "state": "closed successful",
        "state_type": "closed",
        "queue": "Support",
        "type": "Unclassified",
        "service": "",
        "sla": "",
        "priority": "3 normal",
        "owner_login": "anna",
        "owner_id": 3,
        "responsible_login": "root@localhost",
        "responsible_id": 1,
        "customer_id": "10001",
        "customer_user": "h.mueller",
        "created": datetime(2026, 10, 5, 8, tzinfo=BERLIN),
        "changed": datetime(2026, 10, 20, 8, tzinfo=BERLIN),
        "closed": datetime(2026, 10, 20, 8, tzinfo=BERLIN),
        "time_units": Decimal(15),
    }
    return TicketRecord(**values | changes)


def local(text):
    return datetime.fromisoformat(text)


def booking(ticket_id="7", booked="2026-10-05 10:00:00", units="15.00", creator_id=3, queue="Support"):
    return Booking(
        ticket_id=ticket_id,
        creator_id=creator_id,
        booked_local=local(booked),
        units=Decimal(units),
        queue=queue,
        article_id=1,
    )


def history(ticket_id="7", *bookings):
    return TicketHistory(ticket_id=ticket_id, bookings=bookings, state_changes=())


def accounted(login="anna", number="N7", booked="2026-10-05 10:00:00", units="15.00", **changes):
    values = {"title": "Printer", "customer_id": "10001", "queue": "Support"} | changes
    return AccountedTime(login=login, booked_local=local(booked), units=Decimal(units), ticket_number=number, **values)


def snapshot(*, tickets=(), bookings=(), closed=None, **values):
    """A reading whose tickets were all found as closed, each with those of the bookings that are its own."""
    records = tuple(tickets)
    histories = tuple(
        history(record.ticket_id, *(each for each in bookings if each.ticket_id == record.ticket_id))
        for record in records
    )
    ids = tuple(record.ticket_id for record in records) if closed is None else closed
    return MonthSnapshot(**{"month": OCTOBER, "closed": ids, "tickets": records, "histories": histories} | values)


def windows(*logins, month=OCTOBER):
    return tuple(Window(login, month) for login in logins)


class FakeClient:
    """A ticket system in memory, for answers that no honest one gives. ``asked`` lists the calls."""

    def __init__(self, *, closed=((),), changed=((),), tickets=(), bookings=(), times=(), hidden=(), visible=True):
        self.closed, self.changed = list(closed), list(changed)
        self.tickets = {ticket.ticket_id: ticket for ticket in tickets}
        self.bookings, self.times, self.hidden, self.visible = bookings, times, set(hidden), visible
        self.asked = []
        self.requests_made = 0

    def _ask(self, name):
        self.asked.append(name)
        self.requests_made += 1

    def search_closed_tickets(self, *, start, end, state_types):
        self._ask("closed")
        return self.closed.pop(0) if len(self.closed) > 1 else self.closed[0]

    def search_changed_tickets(self, *, start, end):
        self._ask("changed")
        return self.changed.pop(0) if len(self.changed) > 1 else self.changed[0]

    def any_ticket_visible(self):
        self._ask("visible")
        return self.visible

    def get_tickets(self, ids, *, on_progress):
        self._ask(f"tickets {','.join(ids)}")
        return TicketBatch(
            tickets=tuple(self.tickets[each] for each in ids if each in self.tickets),
            unreadable=tuple(each for each in ids if each not in self.tickets),
        )

    def get_histories(self, ids, *, on_progress):
        self._ask(f"histories {','.join(ids)}")
        return HistoryBatch(
            histories=tuple(
                history(each, *(line for line in self.bookings if line.ticket_id == each))
                for each in ids
                if each not in self.hidden
            ),
            unreadable=tuple(each for each in ids if each in self.hidden),
        )

    def accounted_time(self, login, *, start, end):
        self._ask(f"time {login} {start:%Y-%m}")
        first, stop = start.replace(tzinfo=None), end.replace(tzinfo=None)
        return tuple(line for line in self.times if line.login == login and first <= line.booked_local < stop)

    @contextmanager
    def _context(self):
        yield self

    def open(self, system):
        return self._context()

"""What the tests of mirror and sync share: records as the client gives them, and dumps of the mirror to compare."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self
from zoneinfo import ZoneInfo

from common.months import Month
from generic_interface.batches import Progress
from generic_interface.client import Client
from generic_interface.records import (
    AccountedTime,
    Booking,
    HistoryBatch,
    TicketBatch,
    TicketHistory,
    TicketRecord,
)
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Entry
from tests.factories.tickets import AgentFactory
from tickets.connect import connection_of, open_client
from tickets.models import Agent, Customer, SyncRun, Ticket, TicketClosing, TicketSystem, TimeEntry
from tickets.queries import known_before
from tickets.reading import read_month
from tickets.snapshot import MonthSnapshot, Window
from tickets.sync import sync_month

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER = Month(2026, 10)
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
Connect = Callable[..., TicketSystem]
"""Takes a running simulator and the settings that differ."""


def clock() -> datetime:
    return NOW


def sync(system: TicketSystem, month: Month = OCTOBER, **options: Any) -> SyncRun:
    return sync_month(system=system, month=month, **{"clock": clock} | options)


def read(system: TicketSystem, month: Month = OCTOBER, *, now: datetime = NOW) -> MonthSnapshot:
    """What a sync would read now."""
    with open_client(system) as client:
        return read_month(
            client,
            system=system,
            month=month,
            known=known_before(system, month),
            now=now,
            on_step=lambda step, done, total: None,
        )


def hasty_client(system: TicketSystem) -> Client:
    """A client that waits for nobody."""
    return Client(replace(connection_of(system), read_timeout=0.3, total_deadline=0.5))


def dump_mirror(*, without: Collection[str] = ()) -> dict[str, list[dict[str, Any]]]:
    """Every row of the mirror with every column, except the columns named."""
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name not in without}
            for row in model._base_manager.order_by("pk").values()
        ]
        for model in (Agent, Customer, Ticket, TicketClosing, TimeEntry)
    }


def present(month: Month | None = None) -> list[tuple[Any, ...]]:
    """Present entries as (agent, local time, units, ticket number), sorted; equal ones as often as they are there."""
    entries = TimeEntry.objects.present()
    if month is not None:
        entries = entries.booked_in(month)
    rows = entries.values_list("agent__login", "agent__user_id", "booked_local", "units", "ticket__number")
    return sorted((login or user_id, *rest) for login, user_id, *rest in rows)


def add_agents(system: TicketSystem, data: DataSet) -> None:
    """By login alone, as a person enters them."""
    for login in data.agents:
        AgentFactory(system=system, login=login, login_only=True)


def truth(data: DataSet, month: Month, login: str = "") -> list[tuple[Any, ...]]:
    """What the data set holds as booked in the month, by the agent if one is named, in the shape of ``present``."""
    return sorted(
        (data.agent_by_id(each.user_id).login, str(each.booked), each.units, data.ticket(each.ticket_id).number)
        for each in data.entries_booked_in((month.year, month.month))
        if login in ("", data.agent_by_id(each.user_id).login)
    )


def unbook(data: DataSet, entry: Entry) -> None:
    """Delete the booking as the deletion of its article does: one of several equal ones, and its line of history."""
    ticket = data.ticket(entry.ticket_id)
    ticket.entries.remove(entry)
    lines = [line for line in ticket.history if line.kind == "TimeAccounting" and line.article_id == entry.article_id]
    ticket.history.remove(lines[0])


def ticket_record(ticket_id: str = "7", **changes: Any) -> TicketRecord:
    values: dict[str, Any] = {
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


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def booking(
    ticket_id: str = "7",
    booked: str = "2026-10-05 10:00:00",
    units: str = "15.00",
    creator_id: int = 3,
    queue: str | None = "Support",
) -> Booking:
    return Booking(
        ticket_id=ticket_id,
        creator_id=creator_id,
        booked_local=local(booked),
        units=Decimal(units),
        queue=queue,
        article_id=1,
    )


def history(ticket_id: str = "7", *bookings: Booking) -> TicketHistory:
    return TicketHistory(ticket_id=ticket_id, bookings=bookings, state_changes=())


def accounted(
    login: str = "anna",
    number: str = "N7",
    booked: str = "2026-10-05 10:00:00",
    units: str = "15.00",
    **changes: str,
) -> AccountedTime:
    values = {"title": "Printer", "customer_id": "10001", "queue": "Support"} | changes
    return AccountedTime(login=login, booked_local=local(booked), units=Decimal(units), ticket_number=number, **values)


def snapshot(
    *,
    tickets: Iterable[TicketRecord] = (),
    bookings: Sequence[Booking] = (),
    closed: tuple[str, ...] | None = None,
    **values: Any,
) -> MonthSnapshot:
    """A reading whose tickets were all found as closed, each with those of the bookings that are its own."""
    records = tuple(tickets)
    histories = tuple(
        history(record.ticket_id, *(each for each in bookings if each.ticket_id == record.ticket_id))
        for record in records
    )
    ids = tuple(record.ticket_id for record in records) if closed is None else closed
    read: dict[str, Any] = {"month": OCTOBER, "closed": ids, "tickets": records, "histories": histories}
    return MonthSnapshot(**read | values)


def windows(*logins: str, month: Month = OCTOBER) -> tuple[Window, ...]:
    return tuple(Window(login, month) for login in logins)


class FakeClient(Client):
    """A ticket system in memory, for answers that no honest one gives. ``asked`` lists the calls."""

    def __init__(
        self,
        *,
        closed: Sequence[tuple[str, ...]] = ((),),
        changed: Sequence[tuple[str, ...]] = ((),),
        tickets: Iterable[TicketRecord] = (),
        bookings: Sequence[Booking] = (),
        times: Sequence[AccountedTime] = (),
        hidden: Iterable[str] = (),
        visible: bool = True,
    ) -> None:
        """A search gives the answers of ``closed`` or ``changed`` one after the other, the last one for good."""
        self.closed, self.changed = list(closed), list(changed)
        self.tickets = {ticket.ticket_id: ticket for ticket in tickets}
        self.bookings, self.times, self.hidden, self.visible = bookings, times, set(hidden), visible
        self.asked: list[str] = []

    def open(self, system: TicketSystem) -> Self:
        return self

    def close(self) -> None:
        """Nothing was opened."""

    @property
    def requests_made(self) -> int:
        return len(self.asked)

    def search_closed_tickets(
        self,
        *,
        start: datetime,
        end: datetime,
        state_types: Sequence[str] = ("closed",),
        customer_id: str | None = None,
    ) -> tuple[str, ...]:
        self.asked.append("closed")
        return _next(self.closed)

    def search_changed_tickets(self, *, start: datetime, end: datetime) -> tuple[str, ...]:
        self.asked.append("changed")
        return _next(self.changed)

    def any_ticket_visible(self, *, queue: str = "") -> bool:
        self.asked.append("visible")
        return self.visible

    def find_tickets(self, numbers: Sequence[str]) -> tuple[str, ...]:
        self.asked.append(f"numbers {','.join(numbers)}")
        return tuple(each.ticket_id for each in self.tickets.values() if each.number in numbers)

    def get_tickets(
        self, ids: Sequence[str], *, with_articles: bool = False, on_progress: Progress | None = None
    ) -> TicketBatch:
        self.asked.append(f"tickets {'with articles ' if with_articles else ''}{','.join(ids)}")
        return TicketBatch(
            tickets=tuple(self.tickets[each] for each in ids if each in self.tickets),
            unreadable=tuple(each for each in ids if each not in self.tickets),
        )

    def get_histories(self, ids: Sequence[str], *, on_progress: Progress | None = None) -> HistoryBatch:
        self.asked.append(f"histories {','.join(ids)}")
        return HistoryBatch(
            histories=tuple(
                history(each, *(line for line in self.bookings if line.ticket_id == each))
                for each in ids
                if each not in self.hidden
            ),
            unreadable=tuple(each for each in ids if each in self.hidden),
        )

    def accounted_time(self, login: str, *, start: datetime, end: datetime) -> tuple[AccountedTime, ...]:
        self.asked.append(f"time {login} {start:%Y-%m}")
        first, stop = start.replace(tzinfo=None), end.replace(tzinfo=None)
        return tuple(line for line in self.times if line.login == login and first <= line.booked_local < stop)


def _next(answers: list[tuple[str, ...]]) -> tuple[str, ...]:
    return answers.pop(0) if len(answers) > 1 else answers[0]

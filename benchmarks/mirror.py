"""What a sync writes: a month's tickets and entries, new, unchanged and a tenth changed, beside a bare upsert.

The floor copies finished rows into a temporary table and merges them from there, writing only what differs. It knows
nothing of agents, plans nothing, checks nothing and marks nothing as gone.
"""
# ruff: noqa: S608  # the names in the statements are our own

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from benchmarks.bulk import clear, copy_rows, empty, fill, settle, stored_moment
from benchmarks.stopwatch import Result, compare, seconds
from common.months import Month
from generic_interface.records import Booking, TicketHistory, TicketRecord
from tickets.mirror import write_month
from tickets.models import Agent, Customer, Ticket, TicketClosing, TicketSystem, TimeEntry
from tickets.snapshot import MonthSnapshot

MONTH = Month(2026, 10)
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
AGENTS, A_TICKET = 40, 5
AIMS = {"all new": 2, "nothing changed": 3, "a tenth changed": 3}
TICKET_KEY = ("system_id", "ticket_id")
CLOSINGS_SQL = """
    INSERT INTO tickets_ticketclosing (ticket_id, month) SELECT id, %s FROM tickets_ticket WHERE system_id = %s
    ON CONFLICT DO NOTHING
"""
ENTRY_KEY = ("system_id", "agent_id", "booked_local", "units", "running_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The same month twice: as the product is given it and as finished rows of the two tables."""

    snapshot: MonthSnapshot
    tickets: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    """With the TicketID in place of ``ticket_id``."""


def measure(*, entries: int, rounds: int = 3) -> Iterator[Result]:
    """Raises ``AssertionError`` when product and floor do not leave the same mirror."""
    system = _system(customers=max(1, entries // 500))
    first, second = _reading(system, entries, moved=False), _reading(system, entries, moved=True)
    floor, product = _bare(system), _own(system)
    for write in (floor, product):
        for reading in (first, second):
            write(reading)
            assert _written() == (entries, _moved_in(reading)), (write, _written())  # noqa: S101
        _empty()
    scenarios: dict[str, Callable[[Callable[[Reading], None]], float]] = {
        "all new": lambda write: _after(_empty, lambda: write(first)),
        "nothing changed": lambda write: _after(lambda: write(first), lambda: write(first)),
        "a tenth changed": lambda write: _after(lambda: write(first), lambda: write(second)),
    }
    for name, scenario in scenarios.items():
        plain, own = compare(lambda: scenario(floor), lambda: scenario(product), rounds=rounds)  # noqa: B023
        yield Result(
            name=f"mirror, {name}, {connection.vendor}",
            size=entries,
            of="entries",
            floor_name="bare upsert of finished rows",
            floor=plain,
            product=own,
            aim=AIMS[name],
        )


def _after(prepare: Callable[[], None], work: Callable[[], None]) -> float:
    prepare()
    settle()
    return seconds(work)


def _empty() -> None:
    clear([TimeEntry, TicketClosing, Ticket])


def _written() -> tuple[int, int]:
    entries = TimeEntry.objects.present()
    return entries.count(), entries.filter(ticket__title="Drucker").count()


def _moved_in(reading: Reading) -> int:
    titles = {each["ticket_id"]: each["title"] for each in reading.tickets}
    return sum(titles[each["ticket_id"]] == "Drucker" for each in reading.entries)


def _system(*, customers: int) -> TicketSystem:
    empty()
    system = TicketSystem.objects.create(name="bench", base_url="http://127.0.0.1/otrs", login="x", password="x")  # noqa: S106
    names = ["id", "system_id", "login", "user_id"]
    fill(Agent, names, ((pk, system.pk, f"agent{pk}", pk) for pk in range(1, AGENTS + 1)))
    names = ["id", "system_id", "customer_id"]
    fill(Customer, names, ((pk, system.pk, f"K{pk:05}") for pk in range(1, customers + 1)))
    return system


def _reading(system: TicketSystem, entries: int, *, moved: bool) -> Reading:
    """With ``moved``, every tenth ticket has a new title and every tenth booking stands on the next ticket."""
    count = max(1, entries // A_TICKET)
    start = datetime(2026, 10, 1)
    records = [
        _record(number, title="Anmeldung" if moved and number % 10 == 0 else "Drucker") for number in range(count)
    ]
    bookings: list[list[Booking]] = [[] for _ in records]
    for number in range(entries):
        place = (number // A_TICKET + (moved and number % 10 == 0)) % count
        bookings[place].append(
            Booking(
                ticket_id=records[place].ticket_id,
                creator_id=number % AGENTS + 1,
                booked_local=start + timedelta(seconds=17 * number % 2_500_000),
                units=Decimal(5 + number % 20),
                queue="Support",
                article_id=number,
            )
        )
    records = [
        replace(record, time_units=sum((each.units for each in own), Decimal(0)))
        for record, own in zip(records, bookings, strict=True)
    ]
    histories = tuple(
        TicketHistory(ticket_id=record.ticket_id, bookings=tuple(own), state_changes=())
        for record, own in zip(records, bookings, strict=True)
    )
    return Reading(
        snapshot=MonthSnapshot(
            month=MONTH, closed=tuple(each.ticket_id for each in records), tickets=tuple(records), histories=histories
        ),
        tickets=[_ticket_row(system, record) for record in records],
        entries=[_entry_row(system, booking) for own in bookings for booking in own],
    )


def _record(number: int, *, title: str) -> TicketRecord:
    owner = number % AGENTS + 1
    return TicketRecord(
        ticket_id=str(number + 1),
        number=f"20261001{number:08}",
        title=title,
        state="closed successful",
        state_type="closed",
        queue="Support",
        type="Unclassified",
        service="",
        sla="",
        priority="3 normal",
        owner_login=f"agent{owner}",
        owner_id=owner,
        responsible_login=f"agent{owner}",
        responsible_id=owner,
        customer_id="K00001",
        customer_user="h.mueller",
        created=NOW - timedelta(days=20),
        changed=NOW - timedelta(days=10),
        closed=NOW - timedelta(days=10),
        time_units=Decimal(0),
    )


def _ticket_row(system: TicketSystem, record: TicketRecord) -> dict[str, Any]:
    texts = ("ticket_id", "number", "title", "state", "state_type", "queue", "type", "service", "sla", "priority")
    moments = {"created_at": record.created, "changed_at": record.changed, "closed_at": record.closed, "read_at": NOW}
    return (
        {"system_id": system.pk, "owner_id": record.owner_id, "customer_id": int(record.customer_id[1:])}
        | {name: getattr(record, name) for name in (*texts, "customer_user", "time_units")}
        | {name: moment and stored_moment(moment) for name, moment in moments.items()}
    )


def _entry_row(system: TicketSystem, booking: Booking) -> dict[str, Any]:
    local = booking.booked_local
    return {
        "system_id": system.pk,
        "agent_id": booking.creator_id,
        "booked_local": local.isoformat(" "),
        "units": booking.units,
        "running_number": 1,
        "ticket_id": booking.ticket_id,
        "booked_at": stored_moment(local.replace(tzinfo=UTC)),
        "local_day": local.date(),
        "minutes": booking.units,
        "queue": booking.queue,
        "source": TimeEntry.Source.HISTORY.value,
    }


def _own(system: TicketSystem) -> Callable[[Reading], None]:
    def write(reading: Reading) -> None:
        with transaction.atomic():
            write_month(system, reading.snapshot, now=NOW)

    return write


def _bare(system: TicketSystem) -> Callable[[Reading], None]:
    def write(reading: Reading) -> None:
        with transaction.atomic():
            _stage("tickets_ticket", reading.tickets)
            _merge("tickets_ticket", reading.tickets[0], TICKET_KEY, follow=("title", "time_units"))
            _stage("tickets_timeentry", reading.entries)
            _merge("tickets_timeentry", reading.entries[0], ENTRY_KEY, follow=("ticket_id",))
            with connection.cursor() as cursor:
                cursor.execute(CLOSINGS_SQL, [MONTH.first_day, system.pk])

    return write


def _stage(table: str, rows: list[dict[str, Any]]) -> None:
    """The rows in a temporary table; its ``ticket_id`` is a text."""
    columns = [f"CAST({name} AS TEXT) AS {name}" if name == "ticket_id" else name for name in rows[0]]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE read AS SELECT {', '.join(columns)} FROM {table} LIMIT 0")
    copy_rows("read", list(rows[0]), (list(row.values()) for row in rows))


def _merge(table: str, names: Iterable[str], key: Sequence[str], *, follow: Sequence[str]) -> None:
    """What is there already is written only where a column of ``follow`` differs."""
    is_ticket = table == "tickets_ticket"
    source = [f"read.{name}" if is_ticket or name != "ticket_id" else "t.id" for name in names]
    join = "" if is_ticket else "JOIN tickets_ticket t ON t.system_id = read.system_id AND t.ticket_id = read.ticket_id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(source)} FROM read {join} WHERE true"
            f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in follow)}"
            f" WHERE {' OR '.join(f'{table}.{name} <> excluded.{name}' for name in follow)}"
        )
        cursor.execute("DROP TABLE read")

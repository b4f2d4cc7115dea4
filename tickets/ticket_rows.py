"""Tickets and customers of the mirror: what was read is written where it differs, the rest is left alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from generic_interface.records import AccountedTime, TicketRecord
from tickets.agents import AgentBook
from tickets.bulk import BATCH, batches, insert_rows, update_rows
from tickets.models import Customer, Ticket, TicketClosing, TicketSystem
from tickets.snapshot import MonthSnapshot, SyncStopped

CUSTOMER_ID_LENGTH = 150
QUEUE_LENGTH = 200
YEARS = range(1970, 9999)
FIELDS = (
    "number",
    "title",
    "state",
    "state_type",
    "queue",
    "type",
    "service",
    "sla",
    "priority",
    "owner_id",
    "customer_id",
    "customer_user",
    "created_at",
    "changed_at",
    "closed_at",
    "time_units",
    "article_units",
)
"""What the ticket system decides, but the TicketID; ``owner_id`` and ``customer_id`` are keys of the mirror."""

COLUMNS = ("system_id", "ticket_id", *FIELDS, "read_at")
"""All but the primary key."""

LENGTHS = {field.attname: field.max_length for field in Ticket._meta.concrete_fields if field.max_length is not None}


@dataclass(slots=True)
class TicketBook:
    """Primary keys of the mirrored tickets that the snapshot names; ``shortened`` tells whose texts were cut."""

    by_id: dict[str, int] = field(default_factory=dict)
    by_number: dict[str, int] = field(default_factory=dict)
    shortened: list[str] = field(default_factory=list)

    @property
    def numbers(self) -> dict[int, str]:
        return {pk: number for number, pk in self.by_number.items()}

    def fit_queue(self, queue: str | None, number: str) -> str:
        """The queue of a booking on the ticket of this number, cut where it is longer than its column."""
        if queue is None or len(queue) <= QUEUE_LENGTH:
            return queue or ""
        self.shortened.append(number)
        return _cut(queue, QUEUE_LENGTH)


def write_tickets(system: TicketSystem, snapshot: MonthSnapshot, *, agents: AgentBook, now: datetime) -> TicketBook:
    """Create and update the tickets of the snapshot and their customers. To be called inside a transaction.

    A ticket that so far only time accounting had named gets its TicketID here. Tickets that only time accounting
    names follow its title and customer, which are those of now. ``read_at`` moves only when something else did.
    """
    records = {record.ticket_id: record for record in snapshot.tickets}
    named = {line.ticket_number: line for line in snapshot.accounted}
    for record in records.values():
        named.pop(record.number, None)
    customers = _write_customers(
        system, {each.customer_id for each in snapshot.tickets} | {each.customer_id for each in named.values()}
    )
    rows = _load(system, snapshot, [*named, *(record.number for record in records.values())])
    by_id = {row.ticket_id: row for row in rows if row.ticket_id is not None}
    by_number = {row.number: row for row in sorted(rows, key=lambda row: row.ticket_id is not None)}
    written = Written()
    for record in records.values():
        row = by_id.get(record.ticket_id)
        namesake = by_number.get(record.number)
        if row is None and namesake is not None and namesake.ticket_id is None:
            row = namesake
        row = written.follow(row or Ticket(system=system), _values(record, agents=agents, customers=customers), now=now)
        by_id[record.ticket_id] = by_number[record.number] = row
    for number, line in named.items():
        values: dict[str, object] = {
            "number": number,
            "title": line.title,
            "customer_id": _customer_of(line, customers),
        }
        by_number[number] = written.follow(by_number.get(number) or Ticket(system=system), values, now=now)
    written.save()
    return TicketBook(
        by_id={ticket_id: row.pk for ticket_id, row in by_id.items()},
        by_number={number: row.pk for number, row in by_number.items()},
        shortened=written.shortened,
    )


def write_closings(system: TicketSystem, snapshot: MonthSnapshot, *, tickets: TicketBook, complete: bool) -> None:
    """The closings of the month become those that the search found; without ``complete`` none is taken away."""
    month = snapshot.month.first_day
    found = {tickets.by_id[ticket_id] for ticket_id in snapshot.closed if ticket_id in tickets.by_id}
    known = set(TicketClosing.objects.filter(ticket__system=system, month=month).values_list("ticket_id", flat=True))
    if complete:
        for batch in batches(known - found):
            TicketClosing.objects.filter(ticket__in=batch, month=month).delete()
    insert_rows(TicketClosing, ["ticket_id", "month"], ((ticket, month) for ticket in sorted(found - known)))


@dataclass(slots=True)
class Written:
    """Rows to be created and rows that differ from what was read."""

    new: list[Ticket] = field(default_factory=list)
    changed: list[Ticket] = field(default_factory=list)
    named: list[Ticket] = field(default_factory=list)
    """Rows among ``changed`` that get their TicketID."""
    shortened: list[str] = field(default_factory=list)

    def follow(self, row: Ticket, values: dict[str, object], *, now: datetime) -> Ticket:
        """Bring the row to the values, without saving it."""
        fitting = {name: self._fit(name, value, str(values["number"])) for name, value in values.items()}
        if row.pk is not None and all(getattr(row, name) == value for name, value in fitting.items()):
            return row
        if row.pk is not None and fitting.get("ticket_id", row.ticket_id) != row.ticket_id:
            self.named.append(row)
        for name, value in fitting.items():
            setattr(row, name, value)
        row.read_at = now
        (self.new if row.pk is None else self.changed).append(row)
        return row

    def save(self) -> None:
        """The TicketID goes apart: a statement that writes a key column locks rows even against foreign keys that are
        checked meanwhile, and PostgreSQL would see a deadlock with the billing of these tickets.
        """
        insert_rows(Ticket, COLUMNS, ([getattr(row, name) for name in COLUMNS] for row in self.new))
        self._learn_keys()
        Ticket.objects.bulk_update(self.named, ["ticket_id"], batch_size=BATCH)
        rows = sorted(self.changed, key=_primary_key)
        for batch in batches(row.pk for row in rows):  # in this order, as everybody does who changes several tickets
            list(Ticket.objects.select_for_update(no_key=True).filter(pk__in=batch).order_by("pk").values_list("pk"))
        names = (*FIELDS, "read_at")
        update_rows(Ticket, names, ((row.pk, *(getattr(row, name) for name in names)) for row in rows))

    def _learn_keys(self) -> None:
        """Those that the database has given to the new rows."""
        keys: dict[tuple[str | None, str], int] = {}
        for batch in batches(self.new):
            found = Ticket.objects.filter(system=batch[0].system_id, number__in=[row.number for row in batch])
            keys |= {
                (ticket_id, number): pk for ticket_id, number, pk in found.values_list("ticket_id", "number", "pk")
            }
        for row in self.new:
            row.pk = keys[row.ticket_id, row.number]

    def _fit(self, name: str, value: object, number: str) -> object:
        """Texts longer than their column are cut, except those that tell one thing from another."""
        if not isinstance(value, str) or len(value) <= LENGTHS[name]:
            return value
        if name in ("ticket_id", "number"):
            raise _too_long(name, value)
        self.shortened.append(number)
        return _cut(value, LENGTHS[name])


def _cut(text: str, length: int) -> str:
    return f"{text[: length - 1]}…"


def _primary_key(row: Ticket) -> int:
    return row.pk


def _values(record: TicketRecord, *, agents: AgentBook, customers: dict[str, int]) -> dict[str, object]:
    return {
        "ticket_id": record.ticket_id,
        "number": record.number,
        "title": record.title,
        "state": record.state,
        "state_type": record.state_type,
        "queue": record.queue,
        "type": record.type,
        "service": record.service,
        "sla": record.sla,
        "priority": record.priority,
        "owner_id": agents.by_user_id[record.owner_id] if record.owner_login else None,
        "customer_id": _customer_of(record, customers),
        "customer_user": record.customer_user,
        "created_at": _storable(record.created, record),
        "changed_at": _storable(record.changed, record),
        "closed_at": record.closed and _storable(record.closed, record),
        "time_units": record.time_units,
        "article_units": record.article_units,
    }


def _storable(moment: datetime, record: TicketRecord) -> datetime:
    if moment.year not in YEARS:
        raise SyncStopped(
            _("Ticket %(number)s has a date in the year %(year)d. Nothing was changed.")
            % {"number": record.number, "year": moment.year}
        )
    return moment.astimezone(UTC)


def _customer_of(named: TicketRecord | AccountedTime, customers: dict[str, int]) -> int | None:
    """``None`` for tickets without a customer number; one of blanks is none either."""
    return customers[named.customer_id] if named.customer_id.strip() else None


def _write_customers(system: TicketSystem, customer_ids: Iterable[str]) -> dict[str, int]:
    """Keys of the mirrored customers by CustomerID."""
    wanted = {customer_id for customer_id in customer_ids if customer_id.strip()}
    known: dict[str, int] = {}
    for batch in batches(sorted(wanted)):
        rows = Customer.objects.filter(system=system, customer_id__in=batch)
        known |= dict(rows.values_list("customer_id", "pk"))
    new = [Customer(system=system, customer_id=customer_id) for customer_id in sorted(wanted - known.keys())]
    for customer in new:
        if len(customer.customer_id) > CUSTOMER_ID_LENGTH:
            raise _too_long("CustomerID", customer.customer_id)
    Customer.objects.bulk_create(new, batch_size=BATCH)
    return known | {customer.customer_id: customer.pk for customer in new}


def _load(system: TicketSystem, snapshot: MonthSnapshot, numbers: Iterable[str]) -> list[Ticket]:
    """Mirrored tickets that the snapshot names by TicketID or number."""
    rows: dict[int, Ticket] = {}
    ids = {ticket.ticket_id for ticket in snapshot.tickets} | snapshot.vanished | snapshot.unreadable
    for batch in batches(sorted(ids)):
        rows |= {row.pk: row for row in Ticket.objects.filter(system=system, ticket_id__in=batch)}
    for batch in batches(sorted(set(numbers) - {row.number for row in rows.values()})):
        rows |= {row.pk: row for row in Ticket.objects.filter(system=system, number__in=batch)}
    return list(rows.values())


def _too_long(name: str, value: str) -> SyncStopped:
    return SyncStopped(
        _("The ticket system sent a %(name)s of %(length)d characters: %(start)s… Nothing was changed.")
        % {"name": name, "length": len(value), "start": value[:40]}
    )

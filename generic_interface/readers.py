"""From the answers of the operations to typed records."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from generic_interface.errors import BadAnswer, IncompleteAnswer
from generic_interface.records import AccountedTime, Booking, StateChange, TicketHistory, TicketRecord
from generic_interface.values import Fields, parse_units

LONGEST_AGE = 10**10
"""Seconds, three centuries."""

_SECONDS = re.compile(r"\d{1,11}", re.ASCII)

T = TypeVar("T")


def read_tickets(
    answer: Mapping[str, object], asked: Sequence[str], *, zone: ZoneInfo, with_articles: bool = False
) -> dict[str, TicketRecord]:
    """TicketGet, by id; exactly the tickets asked or an error. Of the articles nothing is kept but their time."""
    tickets = Fields(answer, "TicketGet").objects("Ticket")
    by_id = [(ticket.identifier("TicketID"), ticket) for ticket in tickets]
    return _exactly("TicketGet", asked, by_id, zone, _ticket_with_articles if with_articles else _ticket)


def read_histories(answer: Mapping[str, object], asked: Sequence[str], *, zone: ZoneInfo) -> dict[str, TicketHistory]:
    """TicketHistoryGet, by id; exactly the tickets asked or an error."""
    histories = Fields(answer, "TicketHistoryGet").objects("TicketHistory")
    by_id = [(history.identifier("TicketID"), history) for history in histories]
    return _exactly("TicketHistoryGet", asked, by_id, zone, _history)


def read_accounted_time(
    answer: Mapping[str, object], *, login: str, first: datetime, last: datetime
) -> tuple[AccountedTime, ...]:
    """TimeAccountingGet; equal lines are all kept, a line outside the naive local window is a ``BadAnswer``."""
    if not answer:
        return ()
    lines = Fields(answer, f"TimeAccountingGet for {login}").objects("TimeAccountingResult")
    entries = tuple(_accounted_time(line, login) for line in lines)
    for entry in entries:
        if not first <= entry.booked_local <= last:
            raise BadAnswer(
                f"TimeAccountingGet for {login} brought an entry of {entry.booked_local}, outside the window "
                f"{first} to {last} that was asked for. Nothing of this answer was used."
            )
    return entries


def read_session_start(answer: Mapping[str, object]) -> datetime:
    """SessionGet: when the session began, in UTC, by the ticket system's clock."""
    for line in Fields(answer, "SessionGet").objects("SessionData"):
        if line.text("Key") == "UserSessionStart" and (seconds := line.number("Value")) < LONGEST_AGE:
            return datetime.fromtimestamp(seconds, UTC)
    raise BadAnswer("SessionGet does not tell when the session began. Nothing of this answer was used.")


def _exactly(
    operation: str,
    asked: Sequence[str],
    answered: Sequence[tuple[str, Fields]],
    zone: ZoneInfo,
    read: Callable[[str, Fields, ZoneInfo], T],
) -> dict[str, T]:
    records: dict[str, T] = {}
    wanted = set(asked)
    for ticket_id, fields in answered:
        if ticket_id not in wanted:
            raise BadAnswer(f"{operation} brought ticket {ticket_id}, which was not asked for. Nothing was used.")
        if ticket_id in records:
            raise BadAnswer(f"{operation} brought ticket {ticket_id} twice. Nothing of this answer was used.")
        records[ticket_id] = read(ticket_id, fields.named(f"{operation}, ticket {ticket_id}"), zone)
    missing = [ticket_id for ticket_id in asked if ticket_id not in records]
    if missing:
        raise IncompleteAnswer(
            f"{operation} left out {len(missing)} of {len(asked)} tickets without a word (first: {missing[0]}). "
            "Nothing of this answer was used."
        )
    return records


def _ticket(ticket_id: str, fields: Fields, zone: ZoneInfo) -> TicketRecord:
    return TicketRecord(
        ticket_id=ticket_id,
        number=fields.text("TicketNumber"),
        title=fields.text_or_empty("Title"),
        state=fields.text("State"),
        state_type=fields.text("StateType"),
        queue=fields.text("Queue"),
        type=fields.optional_text("Type"),
        service=fields.optional_text("Service"),
        sla=fields.optional_text("SLA"),
        priority=fields.text_or_empty("Priority"),
        owner_login=fields.text("Owner"),
        owner_id=fields.number("OwnerID"),
        responsible_login=fields.text("Responsible"),
        responsible_id=fields.number("ResponsibleID"),
        customer_id=fields.text_or_empty("CustomerID"),
        customer_user=fields.text_or_empty("CustomerUserID"),
        created=fields.moment("Created", zone),
        changed=fields.moment("Changed", zone),
        closed=fields.optional_moment("Closed", zone),
        time_units=fields.total("TimeUnit"),
        age=_age(fields),
    )


def _age(ticket: Fields) -> timedelta | None:
    """Tells the server's clock and nothing to bill, so no ticket is refused for it."""
    seconds = ticket.values.get("Age")
    if isinstance(seconds, str) and _SECONDS.fullmatch(seconds):
        seconds = int(seconds)
    return timedelta(seconds=seconds) if type(seconds) is int and 0 <= seconds <= LONGEST_AGE else None


def _ticket_with_articles(ticket_id: str, fields: Fields, zone: ZoneInfo) -> TicketRecord:
    return replace(_ticket(ticket_id, fields, zone), article_units=_article_units(fields))


def _article_units(ticket: Fields) -> Decimal:
    """A ticket without articles comes without the key; an article without time says 0, so each must say something."""
    articles = ticket.objects("Article") if "Article" in ticket.values else []
    units = Decimal(0)
    for article in articles:
        units += article.named(f"{ticket.where}, article {article.identifier('ArticleID')}").total("TimeUnit")
    return units


def _history(ticket_id: str, fields: Fields, zone: ZoneInfo) -> TicketHistory:
    """Queue names are learnt on the way, from NewTicket and Move; the QueueID of a booking's own line picks one.

    A booking that came with a merge may carry a queue that this history never names: its queue stays unknown.
    """
    bookings: list[Booking] = []
    state_changes: list[StateChange] = []
    queues: dict[str, str] = {}
    for line in fields.objects("History"):
        match line.text("HistoryType"):
            case "NewTicket":
                _, queue, _, state, _ = _name_parts(line, 5)
                queues[line.identifier("QueueID")] = queue
                state_changes.append(StateChange(at=line.moment("CreateTime", zone), old_state="", new_state=state))
            case "Move":
                new_queue, new_id, old_queue, old_id = _name_parts(line, 4)
                queues |= {old_id: old_queue, new_id: new_queue}
            case "StateUpdate":
                old, new, _ = _name_parts(line, 3)
                state_changes.append(StateChange(at=line.moment("CreateTime", zone), old_state=old, new_state=new))
            case "TimeAccounting":
                bookings.append(_booking(ticket_id, line, queues))
    return TicketHistory(ticket_id=ticket_id, bookings=tuple(bookings), state_changes=tuple(state_changes))


def _booking(ticket_id: str, line: Fields, queues: Mapping[str, str]) -> Booking:
    units, _running_total = _name_parts(line, 2)
    if line.identifier("TicketID") != ticket_id:
        raise line.refuse("TicketID", "is that of another ticket")
    try:
        return Booking(
            ticket_id=ticket_id,
            creator_id=line.number("CreateBy"),
            booked_local=line.local("CreateTime"),
            units=parse_units(units),
            queue=queues.get(line.identifier("QueueID")),
            article_id=line.number("ArticleID") or None,
        )
    except ValueError as error:
        raise line.refuse("Name", str(error)) from None


def _name_parts(line: Fields, count: int) -> list[str]:
    """The ``count`` parts of a name such as ``%%30%%75``."""
    lead, *parts = line.text_or_empty("Name").split("%%")
    if lead or len(parts) != count:
        raise line.refuse("Name", f"does not have the form of a {line.text('HistoryType')} line")
    return parts


def _accounted_time(line: Fields, login: str) -> AccountedTime:
    return AccountedTime(
        login=login,
        booked_local=line.local("Created"),
        units=line.units("TimeUnit"),
        ticket_number=line.text("TicketNumber"),
        title=line.text_or_empty("TicketTitle"),
        customer_id=line.text_or_empty("TicketCustomerID"),
        queue=line.text_or_empty("Queue") or None,
    )

"""TicketSearch. Every quirk here was seen on a real server: what it does not understand, it answers with nothing."""

from collections.abc import Callable, Iterator
from datetime import datetime

from generic_interface.simulator.dates import search_date
from generic_interface.simulator.expressions import NotAnExpression, Test, expression, wildcard
from generic_interface.simulator.model import OPEN_STATE_TYPES, STATES, Agent, Ticket
from generic_interface.simulator.sessions import Viewer
from generic_interface.simulator.store import DYNAMIC_FIELDS, TicketStore
from generic_interface.simulator.wire import Flavour, Json, OperationFault, is_true

DEFAULT_LIMIT = 500
BEGINNING, END = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)
Filter = Callable[[Ticket], bool]

SORT_KEYS: dict[str, Callable[[Ticket], str | datetime]] = {
    "Age": lambda ticket: ticket.created,
    "Created": lambda ticket: ticket.created,
    "Changed": lambda ticket: ticket.changed,
    "TicketNumber": lambda ticket: ticket.number,
    "Title": lambda ticket: ticket.title,
    "Queue": lambda ticket: ticket.queue.name,
    "State": lambda ticket: ticket.state.name,
    "CustomerID": lambda ticket: ticket.customer_number or "",
}


class NoHit(Exception):
    """The question cannot be understood; the server answers as if nothing matched."""


def ticket_search(data: TicketStore, viewer: Viewer, parameters: Json, flavour: Flavour) -> Json:
    """Answer ``{"TicketID": ["12", ...]}``, newest first, or ``{}``."""
    try:
        filters = list(_filters(data, parameters, flavour))
        limit = parse_limit(parameters.get("Limit"))
        found = [
            ticket
            for ticket in _sorted(data, parameters)
            if may_see(viewer, ticket) and all(accepts(ticket) for accepts in filters)
        ]
    except (NoHit, NotAnExpression):
        return {}
    return {"TicketID": [ticket.ticket_id for ticket in found[:limit]]} if found else {}


def may_see(viewer: Viewer, ticket: Ticket) -> bool:
    if isinstance(viewer, Agent):
        return ticket.queue.group_id in viewer.groups
    return ticket.customer_number == viewer.customer_number


def parse_limit(value: object) -> int:
    """Missing, empty and 0 mean the default; negative numbers and text find nothing."""
    if not is_true(value):
        return DEFAULT_LIMIT
    if not str(value).isdecimal():
        raise NoHit
    return int(str(value))


def window(parameters: Json, name: str, now: datetime) -> tuple[datetime, datetime] | None:
    """The inclusive window of ``nameNewerDate`` and ``nameOlderDate``; None where neither is given."""
    newer, older = parameters.get(f"{name}NewerDate"), parameters.get(f"{name}OlderDate")
    if not newer and not older:
        return None
    start = search_date(newer) if newer else BEGINNING
    end = search_date(older) if older else END
    if start is None or end is None or start > end or start > now:
        raise NoHit
    return start, end


def customer_test(parameters: Json, flavour: Flavour) -> Test | None:
    """What CustomerID and CustomerIDRaw ask for. Empty values drop the filter: all customers come back."""
    expressions = [expression(value) for value in _texts(parameters.get("CustomerID"))]
    raw = {value.casefold() for value in _texts(parameters.get("CustomerIDRaw"))} if flavour is Flavour.MAIN else set()
    if not expressions and not raw:
        return None

    def test(number: str) -> bool:
        wanted = not expressions or any(accepts(number) for accepts in expressions)
        return wanted and (not raw or number.casefold() in raw)

    return test


def _filters(data: TicketStore, parameters: Json, flavour: Flavour) -> Iterator[Filter]:
    number = customer_test(parameters, flavour)
    if number is not None:
        yield lambda ticket: number(ticket.customer_number or "")
    users = {value.casefold() for value in _texts(parameters.get("CustomerUserLogin"))}
    if users:
        yield lambda ticket: (ticket.customer_user or "").casefold() in users
    yield from _state_filters(parameters)
    yield from _archive_filters(parameters)
    queues = _known(parameters.get("Queues"), set(data.queues))
    if queues:
        yield lambda ticket: ticket.queue.name in queues
    numbers = [wildcard(value) for value in _texts(parameters.get("TicketNumber"))]
    if numbers:
        yield lambda ticket: any(test(ticket.number) for test in numbers)
    titles = [wildcard(value) for value in _texts(parameters.get("Title"))]
    if titles:
        yield lambda ticket: any(test(ticket.title) for test in titles)
    yield from _time_filters(parameters, data.now)
    yield from _dynamic_field_filters(parameters)


def _state_filters(parameters: Json) -> Iterator[Filter]:
    types = _texts(parameters.get("StateType"))
    if types == ["Open"]:
        yield lambda ticket: ticket.state.state_type in OPEN_STATE_TYPES
    elif types == ["Closed"]:
        yield lambda ticket: ticket.state.state_type not in OPEN_STATE_TYPES
    elif types:
        known = {state.state_type for state in STATES.values()} & set(types)
        if not known:
            raise NoHit
        yield lambda ticket: ticket.state.state_type in known
    states = _known(parameters.get("States"), set(STATES))
    if states:
        yield lambda ticket: ticket.state.name in states


def _archive_filters(parameters: Json) -> Iterator[Filter]:
    wanted = parameters.get("SearchInArchive")
    if wanted != "AllTickets":
        yield lambda ticket: ticket.archived == (wanted == "ArchivedTickets")


def _time_filters(parameters: Json, now: datetime) -> Iterator[Filter]:
    """Close time is any close event in the window, not the last one."""
    moments: dict[str, Callable[[Ticket], tuple[datetime, ...]]] = {
        "TicketCloseTime": lambda ticket: ticket.close_times(),
        "TicketCreateTime": lambda ticket: (ticket.created,),
        "TicketChangeTime": lambda ticket: tuple(line.at for line in ticket.history),
        "TicketLastChangeTime": lambda ticket: (ticket.changed,),
    }
    for name, moments_of in moments.items():
        borders = window(parameters, name, now)
        if borders is not None:
            yield _within(borders, moments_of)


def _within(borders: tuple[datetime, datetime], moments_of: Callable[[Ticket], tuple[datetime, ...]]) -> Filter:
    return lambda ticket: any(borders[0] <= moment <= borders[1] for moment in moments_of(ticket))


def _dynamic_field_filters(parameters: Json) -> Iterator[Filter]:
    """An unknown field is ignored, so the result gets wider."""
    for name in DYNAMIC_FIELDS:
        conditions = parameters.get(f"DynamicField_{name}")
        if not isinstance(conditions, dict):
            continue
        for operator, value in conditions.items():
            yield _field_filter(name, operator, value)


def _field_filter(name: str, operator: str, value: object) -> Filter:
    if operator not in ("Equals", "Like"):
        raise OperationFault(f"The stand-in ticket system knows no operator {operator} for dynamic fields.")
    tests = [wildcard(text) if operator == "Like" else text.__eq__ for text in _texts(value)]
    return lambda ticket: any(test(str(ticket.dynamic_fields.get(name, ""))) for test in tests)


def _sorted(data: TicketStore, parameters: Json) -> list[Ticket]:
    """Newest first unless SortBy and OrderBy say otherwise; an unknown SortBy finds nothing."""
    sort_by = parameters.get("SortBy") or "Age"
    if str(sort_by) not in SORT_KEYS:
        raise NoHit
    key = SORT_KEYS[str(sort_by)]
    downwards = (parameters.get("OrderBy") or "Down") != "Up"
    tickets = data.newest_first() if downwards else data.newest_first()[::-1]
    return sorted(tickets, key=key, reverse=downwards)


def _known(value: object, names: set[str]) -> set[str]:
    """The names asked for; one unknown name empties the whole result."""
    wanted = set(_texts(value))
    if not wanted <= names:
        raise NoHit
    return wanted


def _texts(value: object) -> list[str]:
    """One value or a list as texts; null and empty ones drop out."""
    values = value if isinstance(value, list) else [value]
    return [str(item) for item in values if item is not None and item != ""]

"""``TicketObject`` over ``rpc.pl``, the reading half: what a method cannot answer, it answers with nothing."""

from generic_interface.simulator.model import Agent, HistoryLine, Ticket
from generic_interface.simulator.rpc_people import Values, agent_of, user_data
from generic_interface.simulator.search import NoHit, ticket_search, window
from generic_interface.simulator.sessions import Viewer
from generic_interface.simulator.store import TicketStore
from generic_interface.simulator.system import SimulatedSystem
from generic_interface.simulator.tickets import plain_history_line
from generic_interface.simulator.wire import Flavour, Json

DEFAULT_LIMIT = 10_000
LAST_CLOSED = "TicketLastCloseTime"


def ticket_search_over_rpc(data: TicketStore, arguments: Values) -> list[object]:
    """ARRAY: ids; COUNT: how many; else ids and numbers in turn. Wants UserID or CustomerUserID."""
    viewer = _viewer(data, arguments)
    if viewer is None:
        return []
    asked: Json = {"Limit": DEFAULT_LIMIT, **arguments}
    if set(_texts(asked.get("ArchiveFlags"))) == {"y", "n"}:
        asked["SearchInArchive"] = "AllTickets"
    found = ticket_search(data, viewer, asked, Flavour.STOCK).get("TicketID", [])
    found = _last_closed(data, found, arguments)
    match arguments.get("Result"):
        case "ARRAY":
            return list(found)
        case "COUNT":
            return [len(found)]
    return [part for ticket_id in found for part in (ticket_id, data.tickets[ticket_id].number)]


def ticket_get_over_rpc(system: SimulatedSystem, arguments: Values) -> Values:
    """Without the time; no right is asked for. A missing customer is an empty text here."""
    ticket = _ticket(system.data, arguments)
    if ticket is None:
        return {}
    answer = system.get_tickets(
        _reads_everything(system.data), {"TicketID": ticket.ticket_id, "Extended": arguments.get("Extended")}
    )
    fields: Values = answer["Ticket"][0]
    del fields["TimeUnit"]
    return fields | {name: fields[name] or "" for name in ("CustomerID", "CustomerUserID")}


def history_get_over_rpc(data: TicketStore, arguments: Values) -> list[object]:
    """Each line together with all that is known of the agent who wrote it; wants a UserID."""
    ticket = _ticket(data, arguments)
    if ticket is None or "UserID" not in arguments:
        return []
    return [_line(data, ticket, line) for line in ticket.lines()]


def _line(data: TicketStore, ticket: Ticket, line: HistoryLine) -> Values:
    return {**user_data(data, data.agent_by_id(line.user_id)), **plain_history_line(ticket.ticket_id, line)}


def _ticket(data: TicketStore, arguments: Values) -> Ticket | None:
    return data.tickets.get(str(arguments.get("TicketID")))


def _viewer(data: TicketStore, arguments: Values) -> Viewer | None:
    if "UserID" in arguments:
        return agent_of(data, arguments["UserID"])
    return data.customer_users.get(str(arguments.get("CustomerUserID")))


def _reads_everything(data: TicketStore) -> Agent:
    groups = frozenset(queue.group_id for queue in data.queues.values())
    return Agent(user_id=0, login="rpc.pl", first_name="", last_name="", groups=groups)


def _last_closed(data: TicketStore, found: list[str], arguments: Values) -> list[str]:
    """Known here alone: the last closing, and not any."""
    try:
        borders = window(arguments, LAST_CLOSED, data.now)
    except NoHit:
        return []
    if borders is None:
        return found
    closed = {ticket_id: data.tickets[ticket_id].closed for ticket_id in found}
    return [each for each, moment in closed.items() if moment is not None and borders[0] <= moment <= borders[1]]


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []

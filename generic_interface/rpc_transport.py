"""The operations of the Generic Interface as far as ``rpc.pl`` can answer them, from one question for each ticket.

It has no TimeAccountingGet and no OutOfOffice. Booked time comes from the histories, which carry every booking.
"""

from collections.abc import Mapping

from generic_interface.errors import AccessDenied, BadAnswer, WrongRequest
from generic_interface.rpc import TICKETS, Rpc
from generic_interface.rpc_tickets import create_ticket, update_ticket
from generic_interface.rpc_values import Argument, NoValue, pairs, structures
from generic_interface.transport import CREDENTIALS

OPERATIONS = frozenset({"TicketSearch", "TicketGet", "TicketHistoryGet", "TicketCreate", "TicketUpdate"})
ARCHIVED_TOO = ("y", "n")
TICKET_KEYS = frozenset(
    {
        "Age",
        "Changed",
        "Closed",
        "Created",
        "CustomerID",
        "CustomerUserID",
        "Owner",
        "OwnerID",
        "Priority",
        "Queue",
        "Responsible",
        "ResponsibleID",
        "SLA",
        "Service",
        "State",
        "StateType",
        "TicketID",
        "TicketNumber",
        "Title",
        "Type",
    }
)
HISTORY_KEYS = frozenset({"ArticleID", "CreateBy", "CreateTime", "HistoryType", "Name", "QueueID", "TicketID"})


class RpcTransport:
    """A ``Transport`` over ``Rpc``. The credentials among the parameters are not used: ``rpc.pl`` has its own."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    @property
    def requests_made(self) -> int:
        return self._rpc.requests_made

    def close(self) -> None:
        self._rpc.close()

    def call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        """The answer in the shape of the Generic Interface. Raises ``InterfaceError`` only."""
        asked = {name: value for name, value in parameters.items() if name not in CREDENTIALS}
        match operation:
            case "TicketSearch":
                return self._search(asked)
            case "TicketGet":
                return {"Ticket": [self._ticket(ticket_id) for ticket_id in _ids(asked)]}
            case "TicketHistoryGet":
                return {"TicketHistory": [self._history(ticket_id) for ticket_id in _ids(asked)]}
            case "TicketCreate":
                return create_ticket(self._rpc, asked)
            case "TicketUpdate":
                return update_ticket(self._rpc, asked)
        raise WrongRequest(
            f"rpc.pl does not carry {operation}. Give it a route of its own, or read booked time from the histories."
        )

    def _search(self, asked: Mapping[str, object]) -> dict[str, object]:
        """It knows the same names but for the archive, and is answered with a list only where that is asked for."""
        filters: dict[str, Argument] = {name: _argument(name, value) for name, value in asked.items()}
        if filters.pop("SearchInArchive", None) == "AllTickets":
            filters["ArchiveFlags"] = ARCHIVED_TOO
        found = self._rpc.ask(TICKETS, "TicketSearch", {"Result": "ARRAY", **filters, "UserID": self._rpc.user_id})
        return {"TicketID": found} if found else {}

    def _ticket(self, ticket_id: str) -> dict[str, object]:
        values = self._rpc.ask(
            TICKETS, "TicketGet", {"TicketID": ticket_id, "Extended": 1, "UserID": self._rpc.user_id}
        )
        if not values:
            raise _not_shown("TicketGet", ticket_id)
        try:
            fields = pairs(values, keys=TICKET_KEYS)
        except NoValue as error:
            raise _unreadable("TicketGet", error) from None
        return {**fields, "TimeUnit": self._time_units(ticket_id)}

    def _time_units(self, ticket_id: str) -> str:
        """The text of a sum of floats."""
        values = self._rpc.ask(TICKETS, "TicketAccountedTimeGet", {"TicketID": ticket_id})
        if len(values) != 1 or not isinstance(values[0], str):
            raise BadAnswer(f"TicketAccountedTimeGet told no time for ticket {ticket_id}. Nothing of it was used.")
        return values[0]

    def _history(self, ticket_id: str) -> dict[str, object]:
        values = self._rpc.ask(TICKETS, "HistoryGet", {"TicketID": ticket_id, "UserID": self._rpc.user_id})
        if not values:
            raise _not_shown("HistoryGet", ticket_id)
        try:
            return {"TicketID": ticket_id, "History": structures(values, keys=HISTORY_KEYS)}
        except NoValue as error:
            raise _unreadable("HistoryGet", error) from None


def _ids(asked: Mapping[str, object]) -> list[str]:
    if asked.get("AllArticles"):
        raise WrongRequest("rpc.pl does not show the time of articles. Switch off reading it for this ticket system.")
    return str(asked["TicketID"]).split(",")


def _argument(name: str, value: object) -> Argument:
    if isinstance(value, str | int):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise WrongRequest(f"rpc.pl cannot be asked for {name} in this way.")


def _not_shown(method: str, ticket_id: str) -> AccessDenied:
    return AccessDenied(f"{method}.AccessDenied", f"rpc.pl shows no ticket {ticket_id}")


def _unreadable(method: str, error: NoValue) -> BadAnswer:
    return BadAnswer(f"The answer to {TICKETS}.{method} {error}. Nothing of it was used.")

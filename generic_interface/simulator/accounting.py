"""TimeAccountingGet, the operation that Znuny adds: all bookings of one agent in a window."""

from generic_interface.simulator.dates import database_date, stamp
from generic_interface.simulator.model import Agent
from generic_interface.simulator.sessions import Viewer
from generic_interface.simulator.store import TicketStore
from generic_interface.simulator.wire import Json, is_true, missing, no_permission

PARAMETERS = ("TimeAccountingUserLogin", "TimeAccountingStart", "TimeAccountingEnd")


def time_accounting_get(data: TicketStore, viewer: Viewer, parameters: Json) -> Json:
    """Both ends inclusive, equal bookings as often as they were booked; nothing found and unknown agents are ``{}``.

    Number, title and customer are those of now, the queue is the one at the time of the booking.
    """
    if not isinstance(viewer, Agent) or not viewer.may_read_times:
        raise no_permission("TimeAccountingGet")
    check_parameters(parameters)
    agent = find_agent(data, parameters["TimeAccountingUserLogin"])
    start = database_date(parameters["TimeAccountingStart"])
    end = database_date(parameters["TimeAccountingEnd"])
    rows = []
    for entry in data.entries():
        if agent is not None and entry.user_id == agent.user_id and start <= stamp(entry.booked) <= end:
            ticket = data.tickets[entry.ticket_id]
            queue_id = ticket.queue_id_at(entry.booked)
            rows.append(
                {
                    "Created": str(entry.booked),
                    "Queue": None if queue_id is None else data.queue_by_id(queue_id).name,
                    "TicketCustomerID": ticket.customer_number,
                    "TicketNumber": ticket.number,
                    "TicketTitle": ticket.title,
                    "TimeUnit": f"{entry.units:.2f}",
                }
            )
    return {"TimeAccountingResult": rows} if rows else {}


def check_parameters(parameters: Json) -> None:
    for name in PARAMETERS:
        if not is_true(parameters.get(name)):
            raise missing("TimeAccountingGet", name)


def find_agent(data: TicketStore, login: object) -> Agent | None:
    """The agent, departed or not; the database ignores case and blanks at the end."""
    wanted = str(login).rstrip(" ").casefold()
    return next((agent for agent in data.agents.values() if agent.login.casefold() == wanted), None)

"""The simulated ticket system: sessions, rights, the operations that read and write a data set, and out-of-office."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from generic_interface.simulator.accounting import time_accounting_get
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Agent
from generic_interface.simulator.months import ZONE, epoch
from generic_interface.simulator.out_of_office import out_of_office
from generic_interface.simulator.search import ticket_search
from generic_interface.simulator.sessions import Session, SessionStore, Viewer, authenticate, check_login
from generic_interface.simulator.tickets import history_get, ticket_get
from generic_interface.simulator.wire import (
    Call,
    Flavour,
    Json,
    OperationCrash,
    OperationError,
    OperationFault,
    auth_fail,
    is_true,
    missing,
    not_authenticated,
)
from generic_interface.simulator.writing import ticket_create, ticket_update

WRITES = {"TicketCreate": ticket_create, "TicketUpdate": ticket_update}


class SimulatedSystem:
    """Answers calls from ``data``. ``clock`` gives seconds since 1970 and ages the sessions and the tickets.

    ``zone`` is the setting OTRSTimeZone. It may be changed at any time: what is stored keeps its text.
    """

    def __init__(
        self,
        data: DataSet,
        *,
        flavour: Flavour = Flavour.MAIN,
        clock: Callable[[], float] = time.time,
        zone: ZoneInfo = ZONE,
    ) -> None:
        self.data = data
        self.flavour = flavour
        self.clock = clock
        self.zone = zone
        self.sessions = SessionStore(clock)

    def answer(self, call: Call) -> Json:
        with self.data.lock:
            if call.operation == "SessionCreate":
                return self._session_create(call)
            if call.operation == "SessionGet":
                return self._session_get(call)
            if call.operation == "SessionRemove":
                return self._session_remove(call)
            if call.operation == "OutOfOffice":
                return self._out_of_office(call)
            return self._ticket_operation(call)

    def _ticket_operation(self, call: Call) -> Json:
        known = {"TicketSearch", "TicketGet", "TicketHistoryGet", *WRITES}
        if self.flavour is Flavour.MAIN:
            known.add("TimeAccountingGet")
        if call.operation not in known:
            raise module_missing(call.operation)
        if call.is_array and call.operation == "TimeAccountingGet":
            raise OperationCrash
        viewer = authenticate(self.data, self.sessions, call.parameters, call.address)
        if viewer is None:
            raise not_authenticated(call) if call.operation in WRITES else auth_fail(call.operation)
        if call.operation in WRITES:
            return WRITES[call.operation](self.data, viewer, call.parameters, self.flavour)
        if call.operation == "TicketSearch":
            return ticket_search(self.data, viewer, call.parameters, self.flavour)
        if call.operation == "TicketGet":
            return self.get_tickets(viewer, call.parameters)
        operation = history_get if call.operation == "TicketHistoryGet" else time_accounting_get
        return operation(self.data, viewer, call.parameters)

    def _out_of_office(self, call: Call) -> Json:
        """Its mapping runs before the login; without it the web service does not say what is missing."""
        if self.flavour is Flavour.STOCK:
            raise OperationFault("Unknown")

        def log_in() -> Viewer | None:
            return authenticate(self.data, self.sessions, call.parameters, call.address)

        return out_of_office(self.data, log_in, call.parameters)

    def get_tickets(self, viewer: Viewer, parameters: Json) -> Json:
        """The age is counted at each question; of an hour that comes twice the server takes the second."""
        answer = ticket_get(self.data, viewer, parameters)
        for ticket in answer["Ticket"]:
            created = datetime.fromisoformat(ticket["Created"]).replace(fold=1)
            ticket["Age"] = abs(int(self.clock()) - epoch(created, self.zone))
            ticket["ArchiveFlag"] = "y" if self.data.ticket(str(ticket["TicketID"])).archived else "n"
        return answer

    def _session_create(self, call: Call) -> Json:
        if call.is_array:
            raise OperationError("SessionCreate.MissingParameter", "SessionCreate: The request is empty!")
        if not is_true(call.parameters.get("Password")):
            raise missing("SessionCreate", "Password")
        viewer = check_login(self.data, call.parameters)
        if viewer is None:
            raise auth_fail("SessionCreate")
        return {"SessionID": self.sessions.create(viewer, call.address)}

    def _session_get(self, call: Call) -> Json:
        session = self.sessions.find(call.parameters.get("SessionID"), call.address)
        if session is None:
            raise OperationError("SessionGet.SessionInvalid", "SessionGet: SessionID is Invalid!")
        return {"SessionData": [{"Key": key, "Value": value} for key, value in sorted(_session_data(session).items())]}

    def _session_remove(self, call: Call) -> Json:
        """Wants login and password besides the session."""
        if check_login(self.data, call.parameters) is None or not self.sessions.remove(
            call.parameters.get("SessionID")
        ):
            raise auth_fail("SessionRemove")
        return {"Success": 1}


def module_missing(operation: str) -> OperationFault:
    """What a server answers whose web service names an operation that is not installed."""
    module = f"Kernel::GenericInterface::Operation::Ticket::{operation}"
    return OperationFault(f"Can't load operation backend module {module}!")


def _session_data(session: Session) -> dict[str, str | None]:
    started = datetime.fromtimestamp(session.started, UTC).astimezone(ZONE)
    common: dict[str, str | None] = {
        "SessionSource": "GenericInterface",
        "UserLastRequest": str(int(session.started)),
        "UserLogin": session.viewer.login,
        "UserRemoteAddr": session.address,
        "UserSessionStart": str(int(session.started)),
        "UserTitle": None,
    }
    if not isinstance(session.viewer, Agent):
        return common | {"UserType": "Customer", "UserCustomerID": session.viewer.customer_number}
    agent = session.viewer
    return common | {
        "UserEmail": agent.address,
        "UserFirstname": agent.first_name,
        "UserFullname": f"{agent.first_name} {agent.last_name}",
        "UserID": str(agent.user_id),
        "UserLastLogin": str(int(session.started)),
        "UserLastLoginTimestamp": f"{started:%Y-%m-%d %H:%M:%S}",
        "UserLastname": agent.last_name,
        "UserType": "User",
        "ValidID": "1" if agent.valid else "2",
    }

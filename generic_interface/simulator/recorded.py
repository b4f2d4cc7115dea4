"""The recorded system: every answer that a real server gave for one month, served again over a real socket.

September 2026 of a test installation (zone Europe/Berlin, one time unit = one minute): 168 tickets closed at some
time in the month, 503 bookings with 20505.21 units in all, of them 413 on those 168 tickets. Booked by anna.mueller
145 entries 5599.88, b.schmidt 147 / 6504.30, c.weber 69 / 3014.90, d.oeztuerk 96 / 3525.56, e.jung 46 / 1860.57.

Any batch of the recorded ids and any window inside the month can be asked. What the recording cannot answer is
refused with an HTTP 500 that says why, and kept in ``RecordedSystem.refused``; nothing is made up. The tickets grow
older since the recording, by ``clock``.
"""

import gzip
import json
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from generic_interface.simulator.accounting import check_parameters
from generic_interface.simulator.dates import database_date, stamp
from generic_interface.simulator.expressions import NotAnExpression
from generic_interface.simulator.faults import FaultPlan
from generic_interface.simulator.model import DEMO_LOGIN, DEMO_PASSWORD, STATES, STATES_BY_ID, Agent
from generic_interface.simulator.months import Month, end_of, first_second, last_second
from generic_interface.simulator.search import NoHit, customer_test, parse_limit, window
from generic_interface.simulator.server import RunningSimulator
from generic_interface.simulator.sessions import SessionStore, authenticate, check_login
from generic_interface.simulator.store import TicketStore
from generic_interface.simulator.tickets import history_denied, ticket_ids, tickets_denied
from generic_interface.simulator.wire import Call, Flavour, Json, OperationFault, auth_fail, is_true

MONTH: Month = (2026, 9)
RECORDED_AT = 1795361977.0
"""Seconds since 1970: 22 November 2026, 15:39:37 UTC, when the tickets were asked for."""
EXTENDED_FIELDS = ("Closed", "FirstResponse", "SolutionInMin")
CLOSED_STATES = frozenset(state.name for state in STATES.values() if state.state_type == "closed")
_SEARCHABLE = frozenset(
    {
        "UserLogin",
        "Password",
        "SessionID",
        "StateType",
        "States",
        "CustomerID",
        "CustomerIDRaw",
        "Limit",
        "TicketCloseTimeNewerDate",
        "TicketCloseTimeOlderDate",
        "TicketLastChangeTimeNewerDate",
        "TicketLastChangeTimeOlderDate",
        "SearchInArchive",
    }
)


class RecordedSystem:
    """``folder`` holds STEPS.json and the files it names, as they are or with ``.gz``."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.refused: list[str] = []
        self.clock = clock
        self.sessions = SessionStore(clock)
        caller = Agent(user_id=2, login=DEMO_LOGIN, first_name="", last_name="", password=DEMO_PASSWORD)
        self._people = TicketStore(agents=[caller], queues=(), customers=(), customer_users=(), now=end_of(MONTH))
        self._bookings: dict[str, list[Json]] = {}
        for step in _load(folder, "STEPS.json"):
            if step["operation"] == "TimeAccountingGet":
                rows = _load(folder, step["file"]).get("TimeAccountingResult", [])
                self._bookings[step["request"]["TimeAccountingUserLogin"]] = rows
        self._closed: list[str] = _load(folder, "ticket-search-closed.json")["TicketID"]
        self._changed: list[str] = _load(folder, "ticket-search-changed.json")["TicketID"]
        tickets = _load(folder, "ticket-list-1.json")["Ticket"]
        self._tickets: dict[str, Json] = {str(ticket["TicketID"]): ticket for ticket in tickets}
        histories = _load(folder, "ticket-history-1.json")["TicketHistory"]
        self._histories: dict[str, Json] = {history["TicketID"]: history for history in histories}

    def answer(self, call: Call) -> Json:
        if call.operation == "SessionCreate":
            viewer = check_login(self._people, call.parameters)
            if viewer is None:
                raise auth_fail("SessionCreate")
            return {"SessionID": self.sessions.create(viewer, call.address)}
        operations: dict[str, Callable[[Json], Json]] = {
            "TicketSearch": self._search,
            "TicketGet": self._ticket_get,
            "TicketHistoryGet": self._history_get,
            "TimeAccountingGet": self._time_accounting_get,
        }
        if call.operation not in operations:
            raise self._refuse(f"the operation {call.operation} was not recorded")
        if authenticate(self._people, self.sessions, call.parameters, call.address) is None:
            raise auth_fail(call.operation)
        return operations[call.operation](call.parameters)

    def _search(self, parameters: Json) -> Json:
        unknown = set(parameters) - _SEARCHABLE
        if unknown:
            raise self._refuse(f"searches by {', '.join(sorted(unknown))} were not recorded")
        try:
            closed = window(parameters, "TicketCloseTime", end_of(MONTH))
            changed = window(parameters, "TicketLastChangeTime", end_of(MONTH))
            limit = parse_limit(parameters.get("Limit"))
            if changed is not None:
                found = self._find_changed(parameters, changed)
            else:
                found = self._find_closed(parameters, closed)
        except (NoHit, NotAnExpression):
            return {}
        return {"TicketID": found[:limit]} if found else {}

    def _find_changed(self, parameters: Json, changed: tuple[datetime, datetime]) -> list[str]:
        """Only the very question that was recorded: when the other tickets of that answer changed is not known."""
        others = set(parameters) - {"UserLogin", "Password", "SessionID", "Limit", "SearchInArchive"}
        whole_month = (first_second(MONTH), last_second(MONTH))
        if changed != whole_month or others != {"TicketLastChangeTimeNewerDate", "TicketLastChangeTimeOlderDate"}:
            raise self._refuse("a search by change time was recorded for the whole month only")
        return self._changed

    def _find_closed(self, parameters: Json, closed: tuple[datetime, datetime] | None) -> list[str]:
        if closed is None or closed[0] < first_second(MONTH) or closed[1] > last_second(MONTH):
            raise self._refuse("searches were recorded for close times inside September 2026 only")
        states = _listed(parameters.get("States"))
        if not states <= set(STATES):
            raise NoHit
        if _listed(parameters.get("StateType")) != {"closed"} and not (states and states <= CLOSED_STATES):
            raise self._refuse("only tickets that are closed now were recorded; ask with StateType closed")
        customer = customer_test(parameters, Flavour.MAIN)
        return [
            ticket_id
            for ticket_id in self._closed
            if any(closed[0] <= moment <= closed[1] for moment in self._close_times(ticket_id))
            and (not states or self._tickets[ticket_id]["State"] in states)
            and (customer is None or customer(self._tickets[ticket_id]["CustomerID"] or ""))
        ]

    def _close_times(self, ticket_id: str) -> Iterable[datetime]:
        for line in self._histories[ticket_id]["History"]:
            is_closed = STATES_BY_ID[line["StateID"]].state_type == "closed"
            if is_closed and line["HistoryType"] in ("NewTicket", "StateUpdate"):
                yield datetime.fromisoformat(line["CreateTime"])

    def _ticket_get(self, parameters: Json) -> Json:
        for name in ("DynamicFields", "AllArticles"):
            if is_true(parameters.get(name)):
                raise self._refuse(f"TicketGet was not recorded with {name}")
        hidden = () if is_true(parameters.get("Extended")) else EXTENDED_FIELDS
        since = int(self.clock() - RECORDED_AT)
        found = []
        for ticket_id in ticket_ids("TicketGet", parameters.get("TicketID")):
            if ticket_id not in self._tickets:
                raise tickets_denied()
            ticket = {key: value for key, value in self._tickets[ticket_id].items() if key not in hidden}
            found.append(ticket | {"Age": abs(ticket["Age"] + since)})
        return {"Ticket": found}

    def _history_get(self, parameters: Json) -> Json:
        found = []
        for ticket_id in ticket_ids("TicketHistoryGet", parameters.get("TicketID")):
            if ticket_id not in self._histories:
                raise history_denied(ticket_id)
            found.append(self._histories[ticket_id])
        return {"TicketHistory": found}

    def _time_accounting_get(self, parameters: Json) -> Json:
        check_parameters(parameters)
        start = database_date(parameters["TimeAccountingStart"])
        end = database_date(parameters["TimeAccountingEnd"])
        if end < start:
            return {}
        if start < stamp(first_second(MONTH)) or end > stamp(last_second(MONTH)):
            raise self._refuse("bookings were recorded inside September 2026 only")
        login = str(parameters["TimeAccountingUserLogin"]).rstrip(" ").casefold()
        rows = [row for row in self._bookings.get(login, []) if start <= database_date(row["Created"]) <= end]
        return {"TimeAccountingResult": rows} if rows else {}

    def _refuse(self, reason: str) -> OperationFault:
        self.refused.append(reason)
        return OperationFault(f"The recorded system cannot answer: {reason}.")


def start_recorded_system(
    folder: Path,
    *,
    port: int = 0,
    faults: FaultPlan | Iterable[str] | None = None,
    clock: Callable[[], float] = time.time,
) -> RunningSimulator:
    """Serve the recorded month in ``folder``; login and password are those of the simulator."""
    return RunningSimulator(RecordedSystem(folder, clock=clock), port=port, faults=faults)


def _load(folder: Path, name: str) -> Any:
    packed = folder / f"{name}.gz"
    content = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / name).read_bytes()
    return json.loads(content)


def _listed(value: object) -> set[str]:
    values = value if isinstance(value, list) else [value]
    return {str(item) for item in values if is_true(item)}

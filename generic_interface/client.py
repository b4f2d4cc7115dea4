"""The client of one ticket system: a method per operation, typed records out, nothing but ``InterfaceError`` raised."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from generic_interface.absences import Absence, AddressedBy, write_absences
from generic_interface.batches import Progress, read_batches
from generic_interface.connection import Authentication, Connection
from generic_interface.errors import AuthenticationFailed, BadAnswer, IncompleteAnswer, InterfaceError, WrongRequest
from generic_interface.readers import read_accounted_time, read_histories, read_tickets
from generic_interface.records import AccountedTime, HistoryBatch, TicketBatch, TicketHistory, TicketRecord
from generic_interface.search import complete_search, local_text, local_window
from generic_interface.transport import RestTransport, Transport
from generic_interface.values import Fields

_SEARCH_OPERATORS = re.compile(r"[*%|&!()+\"\\]")
_SESSION_ID = re.compile(r"[!-~]{1,200}", re.ASCII)

ARTICLE_BATCH = 100
"""Tickets asked for at once with their articles: long mails would else fill the cap of an answer."""

NUMBER_BATCH = 100
"""Ticket numbers in one search: where it is a GET, they stand in the address."""


class Client:
    """Not thread-safe; one client holds one connection and one session.

    With session authentication the session is made at the first call and shared by all. It dies after two hours and
    with a change of the client's address; both look like a wrong password, so an ``AuthFail`` leads to exactly one
    new login per call. A login that fails is never repeated: failures are counted upstream and can lock the agent.

    Every method raises ``InterfaceError`` alone. ``AuthenticationFailed``, ``NoPermission``, ``Unreachable`` and
    ``BadAnswer`` can come from any of them.

    ``on_request`` is called before each operation is sent, logins included; it may be set later. What it raises ends
    the method and passes through. Between two calls lies at most ``connection.total_deadline``.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        transport: Transport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        on_request: Callable[[], object] | None = None,
    ) -> None:
        if connection.search_limit < 1 or connection.batch_size < 1:
            raise WrongRequest("Search limit and batch size must be at least 1.")
        self._connection = connection
        self._transport = transport if transport is not None else RestTransport(connection, monotonic=monotonic)
        self._session_id = ""
        self.on_request = on_request

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    @property
    def requests_made(self) -> int:
        """Requests on the wire so far, logins and repetitions included."""
        return self._transport.requests_made

    def check_login(self) -> None:
        """Log in anew (SessionCreate), or search for one ticket where each call brings its own credentials."""
        if self._connection.authentication is Authentication.SESSION:
            self._log_in()
        else:
            self.any_ticket_visible()

    def any_ticket_visible(self) -> bool:
        """Control question: whether the agent sees any ticket at all. An agent without rights gets empty answers."""
        return bool(self._search({"Limit": 1}))

    def search_closed_tickets(
        self,
        *,
        start: datetime,
        end: datetime,
        state_types: Sequence[str] = ("closed",),
        customer_id: str | None = None,
    ) -> tuple[str, ...]:
        """Ids of the tickets with any closing event in ``[start, end)`` whose state type is one of ``state_types``.

        Aware moments; complete or ``IncompleteAnswer``. Without state types reopened tickets are found as well.
        An unknown state type finds nothing, the server does not say so; a window in the future finds nothing.
        ``customer_id`` is matched by the server as a search expression, so a number with operators in it is refused.
        """
        filters: dict[str, object] = {}
        if not all(name.strip() for name in state_types):
            raise WrongRequest("A state type is empty: the ticket system would find nothing and not say why.")
        if state_types:
            filters["StateType"] = list(state_types)
        if customer_id is not None:
            filters["CustomerID"] = _literal_customer(customer_id)
        return self._search_window("TicketCloseTime", start, end, filters)

    def search_changed_tickets(self, *, start: datetime, end: datetime) -> tuple[str, ...]:
        """Ids of the tickets whose *last* change lies in ``[start, end)``; a booking is a change.

        Aware moments; complete or ``IncompleteAnswer``. A start in the future finds nothing.
        """
        return self._search_window("TicketLastChangeTime", start, end, {})

    def find_tickets(self, numbers: Sequence[str]) -> tuple[str, ...]:
        """Ids of the tickets with these numbers, archived ones too; complete or ``IncompleteAnswer``.

        Left out are numbers that do not exist or that the agent may not read, and those with signs in them that the
        server's search takes as operators: it cannot be asked for them alone.
        """
        wanted = [each for each in dict.fromkeys(numbers) if each.strip() and not _SEARCH_OPERATORS.search(each)]
        found: dict[str, None] = {}
        for start in range(0, len(wanted), NUMBER_BATCH):
            part = wanted[start : start + NUMBER_BATCH]
            page = self._search({"TicketNumber": part, "SearchInArchive": "AllTickets", "Limit": len(part) + 1})
            if len(page) > len(part):
                raise IncompleteAnswer(
                    f"The ticket system shows more tickets than the {len(part)} numbers that it was asked for, so it "
                    "does not search by number. Nothing of this answer was used."
                )
            found.update(dict.fromkeys(page))
        return tuple(found)

    def get_tickets(
        self, ids: Sequence[str], *, with_articles: bool = False, on_progress: Progress | None = None
    ) -> TicketBatch:
        """The tickets in the order asked (TicketGet with Extended), in batches of ``connection.batch_size``.

        Ids that are deleted, forbidden or unknown are found by halving and named in ``unreadable``; see
        ``batches.MOST_REFUSALS`` for how many. ``on_progress(done, total)`` is called after each batch.
        ``with_articles`` sums up the time of each ticket's articles, never their attachments; their texts come along,
        so the batches are smaller, and nothing of them is kept.
        """
        more = {"AllArticles": 1} if with_articles else {}
        size = min(self._connection.batch_size, ARTICLE_BATCH) if with_articles else self._connection.batch_size

        def fetch(part: Sequence[str]) -> dict[str, TicketRecord]:
            answer = self._call("TicketGet", {"TicketID": ",".join(part), "Extended": 1, **more})
            return read_tickets(answer, part, zone=self._connection.zone, with_articles=with_articles)

        tickets, unreadable = read_batches(ids, size=size, fetch=fetch, on_progress=on_progress)
        return TicketBatch(tickets=tickets, unreadable=unreadable)

    def get_histories(self, ids: Sequence[str], *, on_progress: Progress | None = None) -> HistoryBatch:
        """Bookings and state changes per ticket (TicketHistoryGet), like ``get_tickets``. For agents only."""

        def fetch(part: Sequence[str]) -> dict[str, TicketHistory]:
            answer = self._call("TicketHistoryGet", {"TicketID": ",".join(part)})
            return read_histories(answer, part, zone=self._connection.zone)

        histories, unreadable = read_batches(
            ids, size=self._connection.batch_size, fetch=fetch, on_progress=on_progress
        )
        return HistoryBatch(histories=histories, unreadable=unreadable)

    def accounted_time(self, login: str, *, start: datetime, end: datetime) -> tuple[AccountedTime, ...]:
        """Every line of time the agent ``login`` booked in ``[start, end)``; equal lines are all kept.

        Wants rw on the group ``timeaccounting_webservice``. An unknown login answers like one that booked nothing.
        Aware moments; neither may lie within the hour that comes twice in autumn.
        """
        if not login or login != login.strip():
            raise WrongRequest("The agent's login is empty or has blanks around it.")
        first, last = local_window(start=start, end=end, zone=self._connection.zone, widen=False)
        answer = self._call(
            "TimeAccountingGet",
            {
                "TimeAccountingUserLogin": login,
                "TimeAccountingStart": local_text(first),
                "TimeAccountingEnd": local_text(last),
            },
        )
        return read_accounted_time(answer, login=login, first=first, last=last)

    def set_out_of_office(self, absences: Sequence[Absence], *, by: AddressedBy) -> None:
        """Store an absence for each agent, in place of the one it has (OutOfOffice of Znuny). Never sent twice.

        Wants rw on the group ``admin``. A return proves little: the server answers the same for rows that it ignores.
        Raises ``WrongRequest`` before sending what it would misread; where another error says ``maybe_done``, some,
        all or none of the rows are stored by now.
        """
        answer = self._call("OutOfOffice", {"OutOfOfficeEntriesCSVString": write_absences(absences, by)})
        if answer.get("Success") != 1:
            raise BadAnswer("OutOfOffice was answered without saying that it succeeded.")

    def _search_window(
        self, field: str, start: datetime, end: datetime, filters: Mapping[str, object]
    ) -> tuple[str, ...]:
        limit = self._connection.search_limit

        def search(first: datetime, last: datetime) -> list[str]:
            window = {f"{field}NewerDate": local_text(first), f"{field}OlderDate": local_text(last)}
            return self._search({**filters, **window, "SearchInArchive": "AllTickets", "Limit": limit})

        first, last = local_window(start=start, end=end, zone=self._connection.zone, widen=True)
        return complete_search(search, first=first, last=last, zone=self._connection.zone, limit=limit)

    def _search(self, parameters: Mapping[str, object]) -> list[str]:
        answer = self._call("TicketSearch", parameters)
        return Fields(answer, "TicketSearch").identifiers("TicketID") if answer else []

    def _call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        if self._connection.authentication is not Authentication.SESSION:
            return self._send(operation, {**self._login_data(), **parameters})
        if not self._session_id:
            self._log_in()
        try:
            return self._send(operation, {"SessionID": self._session_id, **parameters})
        except AuthenticationFailed:
            self._log_in()
        return self._send(operation, {"SessionID": self._session_id, **parameters})

    def _send(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        if self.on_request is not None:
            self.on_request()
        return self._transport.call(operation, parameters)

    def _log_in(self) -> None:
        self._session_id = ""
        try:
            answer = self._send("SessionCreate", self._login_data())
        except InterfaceError as error:
            error.maybe_done = False  # what the session was for was not sent
            raise
        session_id = answer.get("SessionID")
        if not isinstance(session_id, str) or not _SESSION_ID.fullmatch(session_id):
            raise BadAnswer("SessionCreate was answered without a usable SessionID.", maybe_done=False)
        self._session_id = session_id

    def _login_data(self) -> dict[str, object]:
        return {"UserLogin": self._connection.login, "Password": self._connection.password}


def _literal_customer(customer_id: str) -> str:
    """CustomerIDRaw would match literally, but systems that do not know it drop the filter and show all customers."""
    if not customer_id.strip():
        raise WrongRequest("The customer number is empty: the ticket system would show the tickets of all customers.")
    if _SEARCH_OPERATORS.search(customer_id):
        raise WrongRequest(
            f"The customer number “{customer_id[:40]}” holds characters that the ticket system's search takes as "
            'operators (* % | & ! ( ) + " \\). Search without a customer and choose by CustomerID afterwards.'
        )
    return customer_id

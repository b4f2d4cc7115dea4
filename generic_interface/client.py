"""The client of one ticket system: a method per operation, typed records out, nothing but ``InterfaceError`` raised."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from generic_interface.absences import Absence, AddressedBy, write_absences
from generic_interface.articles import Attachment, NewArticle, NewTicket, create_parameters, update_parameters
from generic_interface.batches import Progress, read_batches
from generic_interface.connection import Authentication, Connection
from generic_interface.errors import (
    ApplicationError,
    AuthenticationFailed,
    BadAnswer,
    IncompleteAnswer,
    InterfaceError,
    WrongRequest,
)
from generic_interface.readers import read_accounted_time, read_histories, read_session_start, read_tickets
from generic_interface.records import (
    AccountedTime,
    ArticleRecord,
    FoundTicket,
    HistoryBatch,
    TicketBatch,
    TicketHistory,
    TicketRecord,
    WrittenTicket,
)
from generic_interface.search import complete_search, local_text, local_window
from generic_interface.transport import Transport
from generic_interface.transports import goes_over_rpc, open_transport
from generic_interface.values import Fields, is_identifier
from generic_interface.written import read_articles, read_title, read_written

_SEARCH_OPERATORS = re.compile(r"[*%|&!()+\"\\]")
_MARKER = re.compile(r"[A-Za-z0-9-]{8,40}", re.ASCII)
_SESSION_ID = re.compile(r"[!-~]{1,200}", re.ASCII)

ARTICLE_BATCH = 100
"""Tickets asked for at once with their articles: long mails would else fill the cap of an answer."""

MOST_MARKED = 10
"""Tickets looked at for a marker; more of them are a search that does not know titles."""

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
        self._transport = transport or open_transport(connection, monotonic=monotonic, on_request=self._tell)
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
    def zone(self) -> ZoneInfo:
        """Of the dates that the ticket system writes."""
        return self._connection.zone

    @property
    def requests_made(self) -> int:
        """Requests on the wire so far, logins and repetitions included."""
        return self._transport.requests_made

    def check_login(self) -> None:
        """Log in anew (SessionCreate), or search for one ticket where each call brings its own credentials."""
        if self._needs_session("TicketSearch"):
            self._log_in()
        else:
            self.any_ticket_visible()

    def any_ticket_visible(self, *, queue: str = "") -> bool:
        """Control question: whether the agent sees any ticket at all, or any in the queue of this whole name.

        An agent without rights gets empty answers, and so does a question for a queue that does not exist.
        """
        where: dict[str, object] = {"Queues": [queue], "SearchInArchive": "AllTickets"} if queue else {}
        return bool(self._search({**where, "Limit": 1}))

    def count_tickets(self, *, limit: int) -> int:
        """How many tickets a search without filters brings with this Limit; more than that, and it was not heeded."""
        return len(self._search({"Limit": limit}))

    def session_started(self) -> datetime:
        """When the session began by the ticket system's clock, in UTC (SessionGet). Needs session authentication."""
        if self._connection.authentication is not Authentication.SESSION:
            raise WrongRequest("There is no session: login and password go with every call.")
        return read_session_start(self._call("SessionGet", {}))

    def probe(self, operation: str) -> None:
        """Ask what writes for nothing: it is reached and knows the agent if it only misses its parameters.

        Nothing is written. Raises what a call would, and ``BadAnswer`` where it answers as if it had done something.
        """
        try:
            self._call(operation, {})
        except ApplicationError as error:
            if error.code.endswith(".MissingParameter"):
                return
            raise
        raise BadAnswer(f"{operation} was asked for nothing and did not say that something was missing.")

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
        size = self._batch_size("TicketGet")
        size = min(size, ARTICLE_BATCH) if with_articles else size

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

        size = self._batch_size("TicketHistoryGet")
        histories, unreadable = read_batches(ids, size=size, fetch=fetch, on_progress=on_progress)
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
        if answer.get("Success") not in (1, "1"):
            raise BadAnswer("OutOfOffice was answered without saying that it succeeded.")

    def ticket_create(
        self,
        ticket: NewTicket,
        article: NewArticle,
        *,
        dynamic_fields: Mapping[str, str] | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> WrittenTicket:
        """A new ticket with its first article, which may be a mail (TicketCreate). Never sent twice.

        Wants rights to create in the queue. Raises ``WrongRequest`` before sending what would be dropped. Where
        another error says ``maybe_done``, look for a marker of your own in title or text before repeating: a mail
        whose signature fails leaves ticket and article behind.
        """
        parameters = create_parameters(ticket, article, dynamic_fields=dynamic_fields, attachments=attachments)
        return read_written(self._call("TicketCreate", parameters), "TicketCreate")

    def ticket_update(
        self,
        ticket_id: str,
        *,
        changes: Mapping[str, str] | None = None,
        article: NewArticle | None = None,
        dynamic_fields: Mapping[str, str] | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> WrittenTicket:
        """Change fields of a ticket (``changes``), add an article, or both (TicketUpdate); like ``ticket_create``.

        Wants rw on the ticket's queue; an unknown ticket is ``AccessDenied`` as well. Sent again, it writes again.
        """
        parameters = update_parameters(
            changes=changes, article=article, dynamic_fields=dynamic_fields, attachments=attachments
        )
        answer = self._call("TicketUpdate", {"TicketID": _one_id(ticket_id), **parameters})
        return read_written(answer, "TicketUpdate", ticket_id=ticket_id)

    def article_send(
        self, ticket_id: str, article: NewArticle, *, attachments: Sequence[Attachment] = ()
    ) -> WrittenTicket:
        """Mail from a ticket (TicketUpdate with ArticleSend); a return says that the mail waits, not that it left.

        Its sender is the queue's address. The same promises as of ``ticket_update``.
        """
        if article.mail is None:
            raise WrongRequest("An article without a recipient is not mailed.")
        return self.ticket_update(ticket_id, article=article, attachments=attachments)

    def find_marked(self, marker: str) -> tuple[FoundTicket, ...]:
        """The tickets that have the marker in their title; read to see whether a ``ticket_create`` was carried out.

        A system that does not search by title answers with other tickets: that is a ``BadAnswer``, not "none".
        """
        if not _MARKER.fullmatch(marker):
            raise WrongRequest(f"“{marker[:40]}” is no marker that can be searched for.")
        ids = self._search({"Title": f"%{marker}%", "SearchInArchive": "AllTickets", "Limit": MOST_MARKED})
        found = []
        for ticket_id in ids:
            number, title = read_title(self._call("TicketGet", {"TicketID": ticket_id}), ticket_id)
            if marker not in title:
                raise BadAnswer("TicketSearch does not search by title, so what was written cannot be found again.")
            found.append(FoundTicket(ticket_id=ticket_id, number=number))
        return tuple(found)

    def articles(self, ticket_id: str) -> tuple[ArticleRecord, ...]:
        """The articles of one ticket with their texts, without attachments (TicketGet with AllArticles)."""
        answer = self._call("TicketGet", {"TicketID": _one_id(ticket_id), "AllArticles": 1})
        return read_articles(answer, ticket_id, zone=self._connection.zone)

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
        if not self._needs_session(operation):
            return self._send(operation, {**self._login_data(), **parameters})
        if not self._session_id:
            self._log_in()
        try:
            return self._send(operation, {"SessionID": self._session_id, **parameters})
        except AuthenticationFailed:
            self._log_in()
        return self._send(operation, {"SessionID": self._session_id, **parameters})

    def _send(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        self._tell()
        return self._transport.call(operation, parameters)

    def _tell(self) -> None:
        if self.on_request is not None:
            self.on_request()

    def _needs_session(self, operation: str) -> bool:
        return self._connection.authentication is Authentication.SESSION and not self._over_rpc(operation)

    def _batch_size(self, operation: str) -> int:
        return 1 if self._over_rpc(operation) else self._connection.batch_size

    def _over_rpc(self, operation: str) -> bool:
        return goes_over_rpc(operation, transport=self._connection.transport, routes=self._connection.routes)

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


def _one_id(ticket_id: str) -> str:
    """A list of ids would change the first ticket alone and name all in its answer."""
    if not is_identifier(ticket_id):
        raise WrongRequest(f"“{ticket_id[:40]}” is no ticket id.")
    return ticket_id


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

"""What the stand-in ticket system stores. Moments are naive local time, time units are Decimal, ticket ids are text."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

DEMO_LOGIN = "portal-api"
DEMO_PASSWORD = "stand-in-only"  # noqa: S105 - opens nothing but this stand-in, and the command prints it
AGENT_PASSWORD = "stand-in-agent"  # noqa: S105
CUSTOMER_PASSWORD = "stand-in-customer"  # noqa: S105


@dataclass(frozen=True, slots=True)
class State:
    state_id: int
    name: str
    state_type: str


STATES = {
    state.name: state
    for state in (
        State(1, "new", "new"),
        State(2, "closed successful", "closed"),
        State(3, "closed unsuccessful", "closed"),
        State(4, "open", "open"),
        State(5, "removed", "removed"),
        State(6, "pending reminder", "pending reminder"),
        State(7, "pending auto close+", "pending auto"),
        State(8, "pending auto close-", "pending auto"),
        State(9, "merged", "merged"),
    )
}
STATES_BY_ID = {state.state_id: state for state in STATES.values()}
OPEN_STATE_TYPES = frozenset({"new", "open", "pending reminder", "pending auto"})

HISTORY_TYPES = {
    "NewTicket": 1,
    "AddNote": 15,
    "Move": 16,
    "TimeAccounting": 20,
    "CustomerUpdate": 21,
    "OwnerUpdate": 23,
    "Misc": 25,
    "SetPendingTime": 26,
    "StateUpdate": 27,
    "TicketLinkAdd": 30,
    "Merged": 33,
    "TitleUpdate": 50,
}


@dataclass(frozen=True, slots=True)
class Queue:
    queue_id: int
    name: str
    group_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    user_id: int
    login: str
    first_name: str
    last_name: str
    password: str = field(default=AGENT_PASSWORD, repr=False)
    valid: bool = True
    groups: frozenset[int] = frozenset()
    may_read_times: bool = False
    """Has rw on the group ``timeaccounting_webservice``."""
    is_admin: bool = False
    """Has rw on the group ``admin``."""
    email: str = ""

    @property
    def address(self) -> str:
        return self.email or f"{self.login}@beispiel.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    number: str
    """CustomerID."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerUser:
    login: str
    customer_number: str
    password: str = field(default=CUSTOMER_PASSWORD, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One booking. Two entries may be equal in every field: exact duplicates are real."""

    ticket_id: str
    user_id: int
    booked: datetime
    units: Decimal
    article_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    at: datetime
    user_id: int
    kind: str
    name: str
    article_id: int
    queue_id: int
    state_id: int
    owner_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    article_id: int
    at: datetime
    user_id: int
    sender: str
    subject: str
    body: str
    visible: bool = True
    attachments: tuple[Attachment, ...] = ()
    channel: int = 1
    """1 is mail, 3 internal."""
    recipients: tuple[str, str, str] = ("", "", "")
    """To, Cc and Bcc; without a To it is the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """A mail in the queue of those to be sent. ``sign`` and ``crypt`` are what was asked for, empty without."""

    ticket_id: str
    article_id: int
    to: str
    cc: str
    bcc: str
    subject: str
    sign: dict[str, str]
    crypt: dict[str, str]


@dataclass(slots=True, kw_only=True)
class Ticket:
    ticket_id: str
    number: str
    title: str
    queue: Queue
    state: State
    owner: Agent
    customer_number: str | None
    customer_user: str | None
    created: datetime
    created_by: int
    changed: datetime
    changed_by: int
    closed: datetime | None = None
    """The last closing; stays filled when the ticket is open again."""
    unlock_timeout: int = 0
    archived: bool = False
    articles: list[Article] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    history: list[HistoryLine] = field(default_factory=list)
    dynamic_fields: dict[str, str | int] = field(default_factory=dict)

    def units(self) -> Decimal:
        """Sum of all bookings ever, of all agents."""
        return sum((entry.units for entry in self.entries), Decimal(0))

    def lines(self) -> list[HistoryLine]:
        """History in the order of the server: by time, equal times as they were written."""
        return sorted(self.history, key=lambda line: line.at)

    def close_times(self) -> tuple[datetime, ...]:
        """Every close event of the ticket's life, not only the last."""
        closed = (
            line.at
            for line in self.history
            if line.kind in ("NewTicket", "StateUpdate") and STATES_BY_ID[line.state_id].state_type == "closed"
        )
        return tuple(sorted(closed))

    def queue_id_at(self, moment: datetime) -> int | None:
        """Queue at that time as the history tells it; a move in the same second counts, None before the creation."""
        known = [line for line in self.lines() if line.kind in ("NewTicket", "Move") and line.at <= moment]
        return known[-1].queue_id if known else None

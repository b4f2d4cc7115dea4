"""Multisets of bookings: what was read against what the mirror holds. Pure; agents and tickets are primary keys.

The interface sends no id for a booking. Bookings with the same agent, second and units are equal; how many of them
there are counts, and which ticket each one stands on may change (merge, moved article).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import NamedTuple


class Key(NamedTuple):
    agent: int
    booked_local: str
    units: Decimal


class Wanted(NamedTuple):
    """One booking as it was read."""

    key: Key
    ticket: int
    queue: str
    source: str


class Row(NamedTuple):
    """One booking as the mirror holds it; ``live`` is false once it is marked as gone."""

    pk: int
    key: Key
    ticket: int
    running_number: int
    queue: str
    live: bool

    def moves_to(self, booking: Wanted) -> bool:
        """Whether a row that the ticket system still showed would be put on another ticket."""
        return self.live and self.ticket != booking.ticket


class Standing(Enum):
    """What a reading says about a row that it did not show."""

    COVERED = "covered"
    """The reading was complete for it: not shown means gone."""
    UNKNOWN = "unknown"
    """Its ticket cannot be read: it may have moved, but it is never marked as gone."""
    ELSEWHERE = "elsewhere"
    """Its ticket was not asked for."""


@dataclass(slots=True)
class Plan:
    inserted: list[tuple[Wanted, int]] = field(default_factory=list)
    """New bookings, each with its running number."""
    changed: list[tuple[Row, Wanted]] = field(default_factory=list)
    """Rows to be written like the booking beside them: moved, seen again, or with the queue known by now."""
    gone: list[Row] = field(default_factory=list)
    kept: list[Row] = field(default_factory=list)
    """Would be gone or moved, but what was read of their ticket contradicts itself; see ``keep``."""
    suspects: set[int] = field(default_factory=set)
    """Tickets that must be read first: an equal booking stands there, and it may be the one that came by a merge."""
    taken: list[Row] = field(default_factory=list)
    """Rows of unreadable tickets that were taken for moved."""
    units: defaultdict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Units per ticket afterwards, as far as the given rows and bookings tell; without what is ``kept``."""

    @property
    def moved(self) -> int:
        return sum(row.moves_to(wanted) for row, wanted in self.changed)

    def keep(
        self, totals: Mapping[int, Decimal], *, uncertain: Callable[[Row, Wanted], bool] = lambda row, booking: False
    ) -> None:
        """Take nothing from tickets that say more units themselves than were shown: it may be what is missing.

        ``totals`` are the tickets' own sums by key of the mirror. Moves stand but for the ``uncertain`` ones.
        """
        short = {ticket for ticket, total in totals.items() if self.units.get(ticket, Decimal(0)) < total}
        staying = [row for row, b in self.changed if row.moves_to(b) and row.ticket in short and uncertain(row, b)]
        keys = {row.pk for row in staying}
        self.changed = [(row, booking) for row, booking in self.changed if row.pk not in keys]
        self.kept = [row for row in self.gone if row.ticket in short] + staying
        self.gone = [row for row in self.gone if row.ticket not in short]


def missing_keys(wanted: Iterable[Wanted], rows: Iterable[Row]) -> set[Key]:
    """Keys of which more was read than the live rows hold on the same ticket; all their rows are needed then."""
    missing = Counter((booking.key, booking.ticket) for booking in wanted)
    missing.subtract(Counter((row.key, row.ticket) for row in rows if row.live))
    return {key for (key, _ticket), count in missing.items() if count > 0}


def reconcile(wanted: Iterable[Wanted], rows: Iterable[Row], *, standing: Callable[[Row], Standing]) -> Plan:
    """How the mirror comes to hold exactly ``wanted`` wherever the reading was complete.

    ``rows`` holds every row, gone ones too, that is covered or shares a key with ``missing_keys``. Per key: same
    ticket first, then live rows move to where bookings are left over, then gone rows come back, then new rows are
    inserted; covered rows that are left over are gone. Not to be carried out while there are ``suspects``.
    """
    plan = Plan()
    wanted_of: defaultdict[Key, list[Wanted]] = defaultdict(list)
    for booking in wanted:
        wanted_of[booking.key].append(booking)
    rows_of: defaultdict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        rows_of[row.key].append(row)
    for key in wanted_of.keys() | rows_of.keys():
        bookings, found = wanted_of[key], rows_of[key]
        if len(bookings) == len(found) == 1 and found[0].live and found[0].ticket == bookings[0].ticket:
            plan.units[found[0].ticket] += key.units  # nearly all of them: nothing to sort and to choose
            _learn_queue(found[0], bookings[0], plan)
            continue
        _reconcile_equals(
            sorted(bookings, key=lambda booking: (booking.ticket, booking.queue)),
            sorted(found, key=_by_number),
            standing=standing,
            plan=plan,
        )
    return plan


def _reconcile_equals(
    wanted: list[Wanted], rows: list[Row], *, standing: Callable[[Row], Standing], plan: Plan
) -> None:
    for booking in wanted:
        plan.units[booking.ticket] += booking.key.units
    left, live = _stay(wanted, [row for row in rows if row.live], plan)
    groups: dict[Standing, list[Row]] = {each: [] for each in Standing}
    for row in live:
        groups[standing(row)].append(row)
    covered, unknown, elsewhere = groups[Standing.COVERED], groups[Standing.UNKNOWN], groups[Standing.ELSEWHERE]
    plan.taken += unknown[: max(0, len(left) - len(covered))]
    movable = covered + unknown
    plan.changed += zip(movable, left, strict=False)
    unmatched = movable[len(left) :]
    left = left[len(movable) :]
    if left:
        plan.suspects |= {row.ticket for row in elsewhere}
    left = _come_back(left, [row for row in rows if not row.live], plan)
    highest = max((row.running_number for row in rows), default=0)
    plan.inserted += [(booking, highest + index) for index, booking in enumerate(left, start=1)]
    for row in unmatched + elsewhere:
        if standing(row) is Standing.COVERED:
            plan.gone.append(row)
        else:
            plan.units[row.ticket] += row.key.units


def _stay(wanted: list[Wanted], live: list[Row], plan: Plan) -> tuple[list[Wanted], list[Row]]:
    """Match on the same ticket; returns the bookings and the rows that are left over."""
    on_ticket: defaultdict[int, list[Row]] = defaultdict(list)
    for row in live:
        on_ticket[row.ticket].append(row)
    left = []
    for booking in wanted:
        if not on_ticket[booking.ticket]:
            left.append(booking)
            continue
        _learn_queue(on_ticket[booking.ticket].pop(0), booking, plan)
    return left, sorted((row for rows in on_ticket.values() for row in rows), key=_by_number)


def _learn_queue(row: Row, booking: Wanted, plan: Plan) -> None:
    """Of a row that stays where it is only the queue may be news."""
    if booking.queue and not row.queue:
        plan.changed.append((row, booking))


def _come_back(left: list[Wanted], gone: list[Row], plan: Plan) -> list[Wanted]:
    """Gone rows are seen again, those of the same ticket first; returns the bookings that need new rows."""
    still_left = []
    for booking in left:
        if not gone:
            still_left.append(booking)
            continue
        row = min(gone, key=lambda row: (row.ticket != booking.ticket, row.running_number))
        gone.remove(row)
        plan.changed.append((row, booking))
    return still_left


def _by_number(row: Row) -> int:
    return row.running_number


@dataclass(slots=True)
class Combined:
    """What two sources say together; ``wanted`` holds each booking once."""

    wanted: list[Wanted] = field(default_factory=list)
    matched: int = 0
    """Bookings that both sources show on the same ticket."""
    elsewhere: list[Wanted] = field(default_factory=list)
    """Shown by both on different tickets, as they are kept: on the one that the source names which was read last."""
    only_history: list[Wanted] = field(default_factory=list)
    only_accounting: list[Wanted] = field(default_factory=list)


def combine(
    history: Iterable[Wanted],
    accounted: Iterable[Wanted],
    *,
    compared: Callable[[Wanted], bool],
    read_tickets: AbstractSet[int],
    history_is_newer: bool = False,
) -> Combined:
    """Match ticket histories with time accounting, booking by booking.

    ``compared`` says of a booking from a history whether time accounting was asked for its agent and month. Of the
    accounted bookings those on tickets outside ``read_tickets`` have no history to stand in. ``history_is_newer``:
    the histories were read after the time accounting, because it was doubted.
    """
    combined = Combined()
    from_history: defaultdict[Key, list[Wanted]] = defaultdict(list)
    for booking in history:
        if compared(booking):
            from_history[booking.key].append(booking)
        else:
            combined.wanted.append(booking)
    from_accounting: defaultdict[Key, list[Wanted]] = defaultdict(list)
    for booking in accounted:
        from_accounting[booking.key].append(booking)
    for key in from_history.keys() | from_accounting.keys():
        _combine_equals(
            from_history[key],
            from_accounting[key],
            read_tickets=read_tickets,
            history_is_newer=history_is_newer,
            combined=combined,
        )
    return combined


def _combine_equals(
    history: list[Wanted],
    accounted: list[Wanted],
    *,
    read_tickets: AbstractSet[int],
    history_is_newer: bool,
    combined: Combined,
) -> None:
    by_ticket = Counter(booking.ticket for booking in accounted)
    only_history = []
    for booking in sorted(history):
        if by_ticket[booking.ticket]:
            by_ticket[booking.ticket] -= 1
            combined.matched += 1
            combined.wanted.append(booking)
        else:
            only_history.append(booking)
    only_accounting = []
    for booking in sorted(accounted):
        if by_ticket[booking.ticket]:
            by_ticket[booking.ticket] -= 1
            only_accounting.append(booking)
    pairs = min(len(only_history), len(only_accounting))
    elsewhere = only_history[:pairs] if history_is_newer else only_accounting[:pairs]
    combined.elsewhere += elsewhere
    combined.only_history += only_history[pairs:]
    combined.only_accounting += [b for b in only_accounting[pairs:] if b.ticket in read_tickets]
    combined.wanted += elsewhere + only_accounting[pairs:] + only_history[pairs:]


class Trace(NamedTuple):
    """A booking without its agent."""

    number: str
    booked_local: str
    units: Decimal


class AmbiguousAgents(Exception):
    """Bookings fit several agents; ``user_ids`` are those whose login cannot be told."""

    def __init__(self, user_ids: Sequence[int]) -> None:
        super().__init__(f"UserIDs {', '.join(map(str, user_ids))} fit several logins.")
        self.user_ids = user_ids


def infer_pairs(
    by_user_id: Mapping[int, AbstractSet[Trace]], by_login: Mapping[str, AbstractSet[Trace]]
) -> dict[int, str]:
    """UserID and login of one agent, told by bookings on the same ticket, in the same second, with the same units.

    Each side holds agents of whom the other name is not known. Raises ``AmbiguousAgents`` rather than guess: a wrong
    pair would give one agent's time to another, no pair would count it twice.
    """
    fits = {
        user_id: [login for login, traces in by_login.items() if not traces.isdisjoint(own)]
        for user_id, own in by_user_id.items()
    }
    claims = Counter(login for logins in fits.values() for login in logins)
    ambiguous = [user_id for user_id, logins in fits.items() if len(logins) > 1 or any(claims[x] > 1 for x in logins)]
    if ambiguous:
        raise AmbiguousAgents(sorted(ambiguous))
    return {user_id: logins[0] for user_id, logins in fits.items() if logins}

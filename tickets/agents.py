"""Who booked: agents are known by login, by UserID, or by both once the ticket system has shown the pair."""

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from tickets.agent_twins import index_agents, merge_twins
from tickets.matching import AmbiguousAgents, Trace, infer_pairs
from tickets.models import Agent, TicketSystem, TimeEntry
from tickets.snapshot import MonthSnapshot, SyncStopped, local_text

LARGEST_USER_ID = 2**31 - 1
LOGIN_LENGTH = 200


@dataclass(frozen=True, slots=True)
class AgentBook:
    """Primary keys of the mirrored agents; logins are compared without case, as the ticket system does."""

    by_user_id: dict[int, int]
    by_folded_login: dict[str, int]
    names: dict[int, str]

    def of_login(self, login: str) -> int:
        return self.by_folded_login[login.casefold()]

    def was_shown(self, login: str) -> bool:
        """Whether a ticket has ever shown this login, with its UserID, or a person has entered both."""
        return self.of_login(login) in self.by_user_id.values()


def learn_agents(system: TicketSystem, snapshot: MonthSnapshot, *, now: datetime) -> AgentBook:
    """Write what the snapshot tells about agents and return all of the system. To be called inside a transaction.

    A login-only and another agent who turn out to be one are merged. Raises ``SyncStopped`` when UserIDs and logins
    cannot be told apart.
    """
    rows = list(Agent.objects.filter(system=system))
    pairs = _shown_pairs(snapshot)
    pairs |= _inferred_pairs(system, snapshot, rows, pairs)
    if merge_twins(rows, pairs, now=now):
        rows = list(Agent.objects.filter(system=system))
    _write_names(rows, pairs)
    _create_unknown(system, snapshot, rows, pairs)
    rows = list(Agent.objects.filter(system=system))
    by_user_id, by_login = index_agents(rows)
    return AgentBook(
        by_user_id={user_id: row.pk for user_id, row in by_user_id.items()},
        by_folded_login={login: row.pk for login, row in by_login.items()},
        names={row.pk: str(row) for row in rows},
    )


def _shown_pairs(snapshot: MonthSnapshot) -> dict[int, str]:
    """UserID to login, from owners and responsibles."""
    pairs: dict[int, str] = {}
    user_id_of: dict[str, int] = {}
    for ticket in snapshot.tickets:
        for user_id, login in (
            (ticket.owner_id, ticket.owner_login),
            (ticket.responsible_id, ticket.responsible_login),
        ):
            if not login:
                continue
            if len(login) > LOGIN_LENGTH:
                raise SyncStopped(
                    _("The ticket system sent a login of %(length)d characters: %(start)s… Nothing was changed.")
                    % {"length": len(login), "start": login[:40]}
                )
            pairs[user_id] = login
            if user_id_of.setdefault(login.casefold(), user_id) != user_id:
                raise SyncStopped(
                    _(
                        "The ticket system shows the login %(login)s with two UserIDs (%(one)d and %(other)d), so "
                        "booked time cannot be given to one of them. Nothing was changed."
                    )
                    % {"login": login, "one": user_id_of[login.casefold()], "other": user_id}
                )
    return pairs


def _inferred_pairs(
    system: TicketSystem, snapshot: MonthSnapshot, rows: list[Agent], pairs: dict[int, str]
) -> dict[int, str]:
    """Pairs that no ticket shows, told by equal bookings in histories and in time accounting."""
    known_ids = pairs.keys() | {row.user_id for row in rows if row.login is not None and row.user_id is not None}
    known_logins = {login.casefold() for login in pairs.values()}
    known_logins |= {row.login.casefold() for row in rows if row.login is not None and row.user_id is not None}
    spelling = {row.login.casefold(): row.login for row in rows if row.login is not None}
    spelling |= {window.login.casefold(): window.login for window in snapshot.windows}
    by_user_id, by_login = _traces(system, snapshot, rows, known_ids=known_ids, known_logins=known_logins)
    try:
        inferred = infer_pairs(by_user_id, by_login)
    except AmbiguousAgents as error:
        raise SyncStopped(
            _(
                "It cannot be told which logins the agents with UserID %(user_ids)s have: their bookings fit several. "
                "Enter the UserIDs at the agents. Nothing was changed."
            )
            % {"user_ids": ", ".join(map(str, error.user_ids))}
        ) from error
    return {user_id: spelling[login] for user_id, login in inferred.items()}


def _traces(
    system: TicketSystem,
    snapshot: MonthSnapshot,
    rows: list[Agent],
    *,
    known_ids: AbstractSet[int],
    known_logins: AbstractSet[str],
) -> tuple[dict[int, set[Trace]], dict[str, set[Trace]]]:
    """Bookings by UserID and by folded login, but for the known ones: those read, and the mirrored ones of agents of
    whom one name lacks.

    Of the mirror only the days count that were read: elsewhere nothing new can be told.
    """
    by_user_id: defaultdict[int, set[Trace]] = defaultdict(set)
    by_login: defaultdict[str, set[Trace]] = defaultdict(set)
    numbers = {ticket.ticket_id: ticket.number for ticket in snapshot.tickets}
    for history in snapshot.histories:
        for booking in history.bookings:
            if booking.creator_id in known_ids:
                continue
            trace = Trace(numbers[history.ticket_id], local_text(booking.booked_local), booking.units)
            by_user_id[booking.creator_id].add(trace)
    for line in snapshot.accounted:
        if line.login.casefold() not in known_logins:
            by_login[line.login.casefold()].add(Trace(line.ticket_number, local_text(line.booked_local), line.units))
    half_known = {row.pk: row for row in rows if row.login is None or row.user_id is None}
    entries = TimeEntry.objects.none()
    days = _days(snapshot)
    if half_known and days:
        entries = TimeEntry.objects.filter(system=system, agent__in=half_known, local_day__range=days).present()
    for agent, number, booked_local, units in entries.values_list("agent", "ticket__number", "booked_local", "units"):
        row, trace = half_known[agent], Trace(number, booked_local, units)
        login = (row.login or "").casefold()
        if row.user_id is not None and row.user_id not in known_ids:
            by_user_id[row.user_id].add(trace)
        elif row.user_id is None and login not in known_logins:
            by_login[login].add(trace)
    return by_user_id, by_login


def _days(snapshot: MonthSnapshot) -> tuple[date, date] | None:
    """The first and the last day of which a booking was read."""
    moments = [booking.booked_local for history in snapshot.histories for booking in history.bookings]
    moments += [line.booked_local for line in snapshot.accounted]
    return (min(moments).date(), max(moments).date()) if moments else None


def _write_names(rows: list[Agent], pairs: Mapping[int, str]) -> None:
    """Give both names to the agents of whom one was known, and follow logins that were changed upstream."""
    by_user_id, by_login = index_agents(rows)
    changed: dict[int, Agent] = {}
    for user_id, login in pairs.items():
        named = by_login.get(login.casefold())
        if named is not None and named.user_id not in (None, user_id):
            named.login = None  # the login belongs to another agent by now
            changed[named.pk] = named
            named = None
        row = by_user_id.get(user_id) or named
        if row is None or (row.user_id == user_id and row is named):
            continue
        by_login.pop((row.login or "").casefold(), None)
        row.user_id, row.login = user_id, row.login if row is named else login
        by_login[login.casefold()] = changed[row.pk] = row
    if changed:
        # Logins may change hands, and the database checks uniqueness row by row.
        Agent.objects.filter(pk__in=changed, user_id__isnull=False).update(login=None)
        Agent.objects.bulk_update(changed.values(), ["login", "user_id"])


def _create_unknown(system: TicketSystem, snapshot: MonthSnapshot, rows: list[Agent], pairs: Mapping[int, str]) -> None:
    by_user_id, by_login = index_agents(rows)
    creators = {booking.creator_id for history in snapshot.histories for booking in history.bookings}
    logins = {window.login.casefold(): window.login for window in snapshot.windows}
    for login in pairs.values():
        logins.pop(login.casefold(), None)
    new = [Agent(system=system, user_id=key, login=name) for key, name in pairs.items() if key not in by_user_id]
    new += [Agent(system=system, user_id=key) for key in sorted(creators - by_user_id.keys() - pairs.keys())]
    new += [Agent(system=system, login=login) for folded, login in logins.items() if folded not in by_login]
    for agent in new:
        if agent.user_id is not None and agent.user_id > LARGEST_USER_ID:
            raise SyncStopped(
                _("The ticket system names the UserID %(user_id)d, which is too large. Nothing was changed.")
                % {"user_id": agent.user_id}
            )
    if new:
        Agent.objects.bulk_create(new)

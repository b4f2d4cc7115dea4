"""Each row against the portal's list of agents and against what the ticket system was last told.

Two queries for a whole file; the rest is looking up.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from generic_interface.absences import AddressedBy, can_be_sent
from outofoffice.models import KnownAbsence, UploadRow
from outofoffice.parsing import EMAIL, END, LOGIN, SEARCH, CellFault, FileFault, ParsedFile, ParsedRow, parse_absences
from tickets.models import Agent, TicketSystem

Effect = UploadRow.Effect
SET, CLEAR, UNCHANGED, ERROR = Effect.SET.value, Effect.CLEAR.value, Effect.UNCHANGED.value, Effect.ERROR.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An agent of the list; ``login`` and ``email`` are empty where they are not known."""

    pk: int
    login: str
    email: str
    name: str
    departed: bool

    def __str__(self) -> str:
        return self.login or self.email or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ticket system was last told of an agent."""

    enabled: bool
    start: date
    end: date
    is_certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRow:
    """A row that has faults has the effect ``ERROR``; any other one says in full what is sent."""

    source: ParsedRow
    effect: str
    faults: tuple[CellFault, ...] = ()
    notes: tuple[CellFault, ...] = ()
    agent: int | None = None
    user: str = ""
    addressed_by: str = ""
    enabled: bool | None = None
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """``faults`` refuse the file as a whole; it then has no rows."""

    header: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[CheckedRow, ...]
    faults: tuple[FileFault, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each effect; every effect is named."""
        found = Counter(row.effect for row in self.rows)
        return {effect.value: found[effect.value] for effect in Effect}

    @property
    def good(self) -> int:
        return len(self.rows) - self.counts[ERROR]

    @property
    def fingerprint(self) -> str:
        """Of what every row would do, whatever the language of the sentences."""
        told = [
            (row.source.line, row.effect, row.agent, row.user, row.addressed_by, row.enabled, row.start, row.end)
            for row in self.rows
        ]
        return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


class AgentBook:
    """The agents of one ticket system by login, address and full name, all compared without case."""

    def __init__(self, people: Iterable[Person], known: dict[int, Known]) -> None:
        self.known = known
        self.by_login: dict[str, Person] = {}
        self.by_email: defaultdict[str, list[Person]] = defaultdict(list)
        self.by_name: defaultdict[str, list[Person]] = defaultdict(list)
        for person in people:
            if person.login:
                self.by_login[person.login.casefold()] = person
            if person.email:
                self.by_email[person.email.casefold()].append(person)
            if person.name:
                self.by_name[" ".join(person.name.split()).casefold()].append(person)

    def search(self, text: str) -> list[Person]:
        """Those whose login, address or whole name this is."""
        words = " ".join(text.split()).casefold()
        login = self.by_login.get(words)
        return [login] if login is not None else self.by_email.get(words, []) or self.by_name.get(words, [])


def check_file(*, system: TicketSystem, data: bytes, now: datetime) -> CheckedFile:
    """The whole check of a file; nothing is written."""
    parsed = parse_absences(data)
    if parsed.faults:
        return CheckedFile(header=parsed.header, columns=(), rows=(), faults=parsed.faults)
    return check_rows(parsed, read_book(system), today=now.astimezone(system.zone).date())


def read_book(system: TicketSystem) -> AgentBook:
    """Two queries, however many rows the file has."""
    agents = Agent.objects.filter(system=system).values_list("pk", "login", "email", "name", "departed")
    known = KnownAbsence.objects.filter(agent__system=system)
    return AgentBook(
        [
            Person(pk=pk, login=login or "", email=email, name=name, departed=departed)
            for pk, login, email, name, departed in agents
        ],
        {
            agent: Known(enabled=enabled, start=start, end=end, is_certain=certainty != KnownAbsence.Certainty.UNKNOWN)
            for agent, enabled, start, end, certainty in known.values_list(
                "agent", "enabled", "start", "end", "certainty"
            )
        },
    )


def check_rows(parsed: ParsedFile, book: AgentBook, *, today: date) -> CheckedFile:
    """Pure: the same rows, agents and day give the same result."""
    rows = [_check_row(row, book, today=today) for row in parsed.rows]
    lines: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row.agent is not None:
            lines[row.agent].append(row.source.line)
    checked = tuple(_refuse_doubled(row, lines[row.agent]) if row.agent is not None else row for row in rows)
    return CheckedFile(header=parsed.header, columns=parsed.columns, rows=checked, faults=())


def _refuse_doubled(row: CheckedRow, lines: Sequence[int]) -> CheckedRow:
    if len(lines) == 1:
        return row
    others = ", ".join(str(line) for line in lines if line != row.source.line)
    text = _("The same agent stands in line %(lines)s as well; only one row can count.") % {"lines": others[:100]}
    fault = CellFault(_named_by(row.source), text)
    return replace(row, effect=ERROR, faults=(*row.faults, fault), notes=())


def _check_row(row: ParsedRow, book: AgentBook, *, today: date) -> CheckedRow:
    person, faults = _find(row, book)
    if person is not None and person.departed:
        text = _("%(agent)s has departed; the ticket system would ignore the row.") % {"agent": person}
        faults.append(CellFault(_named_by(row), text))
    user, by = _address(person, book) if person is not None else ("", None)
    if person is not None and by is None:
        faults.append(CellFault(_named_by(row), _why_not_addressed(person, book)))
    agent = person.pk if person is not None else None
    if row.faults or faults or by is None or agent is None or row.enabled is None:
        return CheckedRow(source=row, effect=ERROR, faults=(*row.faults, *faults), agent=agent)
    known = book.known.get(agent)
    start, end = _days(row, known, today=today)
    return CheckedRow(
        source=row,
        effect=_effect(row.enabled, start, end, known),
        notes=tuple(_notes(row, user, by, start, end, known, today=today)),
        agent=agent,
        user=user,
        addressed_by=by.value,
        enabled=row.enabled,
        start=start,
        end=end,
    )


def _find(row: ParsedRow, book: AgentBook) -> tuple[Person | None, list[CellFault]]:
    """The one agent that all names in the row mean."""
    faults: list[CellFault] = []
    found: dict[str, Person] = {}
    if row.login:
        person = book.by_login.get(row.login.casefold())
        if person is not None:
            found[LOGIN] = person
        else:
            text = _("No agent of this ticket system has the login “%(text)s”.") % {"text": row.login[:80]}
            faults.append(CellFault(LOGIN, text))
    if row.email:
        _take_one(EMAIL, row.email, book.by_email.get(row.email.casefold(), []), found, faults)
    if row.search:
        _take_one(SEARCH, row.search, book.search(row.search), found, faults)
    people = {person.pk for person in found.values()}
    if len(people) > 1:
        names = ", ".join(f"{column}: {person}" for column, person in found.items())
        text = _("The row names different agents (%(names)s); the ticket system would take one of them.")
        faults.append(CellFault(next(reversed(found)), text % {"names": names}))
    return (None, faults) if faults or not found else (next(iter(found.values())), faults)


def _take_one(
    column: str, text: str, hits: Sequence[Person], found: dict[str, Person], faults: list[CellFault]
) -> None:
    if len(hits) == 1:
        found[column] = hits[0]
    else:
        faults.append(CellFault(column, _why_no_hit(column, text, hits)))


def _why_no_hit(column: str, text: str, hits: Sequence[Person]) -> str:
    shown = {"text": text[:80], "count": len(hits)}
    if hits and column == EMAIL:
        return _("%(count)d agents have the address “%(text)s”; the ticket system would ignore the row.") % shown
    if hits:
        return _("“%(text)s” means %(count)d agents. Use UserLogin.") % shown
    if column == EMAIL and ("_" in text or "%" in text):
        return (
            _(
                "No agent of this ticket system has the address “%(text)s”, and in the ticket system “_” and “%%” "
                "stand for any character."
            )
            % shown
        )
    if column == EMAIL:
        return _("No agent of this ticket system has the address “%(text)s”.") % shown
    return _("No agent has “%(text)s” as login, address or whole name.") % shown


def _address(person: Person, book: AgentBook) -> tuple[str, AddressedBy | None]:
    """How the ticket system is sure to take this agent and no other: by login where it can be, else by address."""
    if can_be_sent(person.login, AddressedBy.LOGIN):
        return person.login, AddressedBy.LOGIN
    if can_be_sent(person.email, AddressedBy.EMAIL) and len(book.by_email[person.email.casefold()]) == 1:
        return person.email, AddressedBy.EMAIL
    return "", None


def _why_not_addressed(person: Person, book: AgentBook) -> str:
    words = {"agent": person, "login": person.login, "email": person.email}
    if person.email and len(book.by_email[person.email.casefold()]) > 1:
        return (
            _("The ticket system would not take the login of %(agent)s for one agent, and others have this address.")
            % words
        )
    if person.login and person.email:
        text = _(
            "The ticket system would take neither the login “%(login)s” nor the address “%(email)s” for one agent."
        )
    elif person.login:
        text = _(
            "The ticket system would not take “%(login)s” for one agent, and the portal knows no address of this one."
        )
    elif person.email:
        text = _(
            "The ticket system would not take “%(email)s” for one agent, and the portal knows no login of this one."
        )
    else:
        text = _("The portal knows neither login nor address of %(agent)s.")
    return text % words


def _days(row: ParsedRow, known: Known | None, *, today: date) -> tuple[date, date]:
    """Always both: of a row that only switches off the days that are known, else today, so that nothing old is left."""
    if row.start is not None and row.end is not None:
        return row.start, row.end
    return (known.start, known.end) if known is not None else (today, today)


def _effect(enabled: bool, start: date, end: date, known: Known | None) -> str:
    if known is not None and known.is_certain and (known.enabled, known.start, known.end) == (enabled, start, end):
        return UNCHANGED
    return SET if enabled else CLEAR


def _notes(
    row: ParsedRow, user: str, by: AddressedBy, start: date, end: date, known: Known | None, *, today: date
) -> Iterator[CellFault]:
    if row.email and by is AddressedBy.LOGIN and not can_be_sent(row.email, AddressedBy.EMAIL):
        text = _("The ticket system would not take this address for one agent; the login %(user)s is sent instead.")
        yield CellFault(EMAIL, text % {"user": user})
    if row.login and by is AddressedBy.EMAIL:
        text = _("The ticket system would not take this login for one agent; the address %(user)s is sent instead.") % {
            "user": user
        }
        yield CellFault(LOGIN, text)
    if row.enabled and end < today:
        yield CellFault(END, _("The absence is over already."))
    if known is None or not known.enabled or (known.start, known.end) == (start, end):
        return
    words = {"start": _shown(known.start), "end": _shown(known.end)}
    if row.enabled and start <= known.end and known.start <= end:
        yield CellFault(
            "", _("Overlaps with the absence %(start)s – %(end)s that was sent before, and replaces it.") % words
        )
    elif row.enabled and known.end >= today:
        yield CellFault(
            "", _("Replaces the absence %(start)s – %(end)s: the ticket system keeps one an agent.") % words
        )


def _shown(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def _named_by(row: ParsedRow) -> str:
    """The column that names the agent."""
    return LOGIN if row.login else EMAIL if row.email else SEARCH

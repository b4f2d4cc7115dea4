"""Sums of time entries by agent, customer, queue or ticket, each split by how the minutes stand with billing.

Grouped by keys alone, in one pass; names are looked up for the groups that are shown.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, cast

from django.db.models import Count, F, Q, QuerySet, Sum, TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.claims import stored_minutes
from billing.standing import Standing, with_standing
from tickets.models import Agent, Customer, Ticket, TimeEntry

Group = int | str | None
"""Primary key of the agent, customer or ticket, or the name of the queue; ``None``: the ticket has no customer."""
Groups = QuerySet[TimeEntry, dict[str, Any]]
"""One dict for each group, with ``group`` and the ``SUM_FIELDS``."""


class By(TextChoices):
    AGENT = "agent", gettext_lazy("Agent")
    CUSTOMER = "customer", gettext_lazy("Customer")
    QUEUE = "queue", gettext_lazy("Queue")
    TICKET = "ticket", gettext_lazy("Ticket")


GROUP_FIELDS = {
    By.AGENT: "agent_id",
    By.CUSTOMER: "ticket__customer_id",
    By.QUEUE: "queue",
    By.TICKET: "ticket_id",
}
STANDING_FIELDS = {
    "billed_minutes": Standing.BILLED,
    "unbilled_minutes": Standing.UNBILLED,
    "not_billable_minutes": Standing.NOT_BILLABLE,
    "blocked_minutes": Standing.BLOCKED,
}
MINUTES_FIELDS = ("minutes", *STANDING_FIELDS)
SUM_FIELDS = ("entries", *MINUTES_FIELDS)
AT_ONCE = 10_000  # groups named in one query; SQLite takes some 30,000 values


class Label(NamedTuple):
    """How a group is named: ``key`` as the ticket system knows it, ``label`` for people, ``system`` by name."""

    key: str
    label: str
    system: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """``minutes`` are the sum of the four that follow."""

    entries: int
    minutes: Decimal
    billed_minutes: Decimal
    unbilled_minutes: Decimal
    not_billable_minutes: Decimal
    blocked_minutes: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Sums):
    """``key`` is login, CustomerID (empty: no customer), queue or ticket number; a queue has no ``system``."""

    by: By
    group: Group
    key: str
    label: str
    system: str


def sums_by(by: By, entries: QuerySet[TimeEntry]) -> Groups:
    """The groups of entries that come from ``selection``, in no order; to be ordered and sliced in SQL."""
    group: dict[str, Any] = {"group": F(GROUP_FIELDS[by])}
    return cast(Groups, split(entries).order_by().values(**group).annotate(**_sums()))


def groups_in_order(by: By, entries: QuerySet[TimeEntry], *order: str) -> "QuerySet[TimeEntry, Group]":
    """The groups alone, ordered by sums or fields of entries; claims are looked at only where the order needs them."""
    names = {name.removeprefix("-") for name in order}
    if names & STANDING_FIELDS.keys():
        entries = split(entries)
    group: dict[str, Any] = {"group": F(GROUP_FIELDS[by])}
    sums = {name: value for name, value in _sums().items() if name in names}
    rows = cast(Groups, entries.order_by().values(**group).annotate(**sums))
    ordered = rows.order_by(*order, "group")  # type: ignore[misc]  # annotated
    return cast("QuerySet[TimeEntry, Group]", ordered.values_list("group", flat=True))  # type: ignore[misc]


def count_of_groups(by: By, entries: QuerySet[TimeEntry]) -> int:
    """How many there are; nothing is summed for it."""
    count: int = entries.order_by().values(GROUP_FIELDS[by]).distinct().count()
    return count


def labelled(by: By, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """These groups with their names, in the given order; one further query for a page of them."""
    found = list(rows)
    labels = labels_of(by, [row["group"] for row in found])
    return [_row(by, row, labels[row["group"]]) for row in found]


def total(entries: QuerySet[TimeEntry]) -> Sums:
    """Of all entries, in one query."""
    return Sums(**_exact(split(entries).order_by().values().aggregate(**_sums())))


def count_and_minutes(entries: QuerySet[TimeEntry]) -> tuple[int, Decimal]:
    """Of all entries, in one query that looks at nothing else."""
    found = entries.order_by().aggregate(count=Count("pk"), total=Sum("minutes", default=Decimal(0)))
    return found["count"], stored_minutes(found["total"])


def minutes_by(by: By, entries: QuerySet[TimeEntry]) -> dict[Group, Decimal]:
    """Minutes of every group; one query that looks at nothing else."""
    rows = entries.order_by().values_list(GROUP_FIELDS[by]).annotate(total=Sum("minutes"))
    return {group: stored_minutes(minutes) for group, minutes in rows}


def minutes_of_groups(by: By, entries: QuerySet[TimeEntry], groups: Collection[Group]) -> dict[Group, Decimal]:
    """Minutes of these groups, those without entries left out; one query."""
    field = GROUP_FIELDS[by]
    wanted = Q(**{f"{field}__in": [group for group in groups if group is not None]})
    if None in groups:
        wanted |= Q(**{f"{field}__isnull": True})
    return minutes_by(by, entries.filter(wanted))


def labels_of(by: By, groups: Iterable[Group]) -> dict[Group, Label]:
    """Names of these groups by group; one query for each ``AT_ONCE`` of them, none for queues."""
    known = [group for group in groups if group is not None]
    labels: dict[Group, Label] = {None: Label("", _("no customer"), "")} if by == By.CUSTOMER else {}
    for start in range(0, len(known), AT_ONCE):
        labels |= LABELLERS[by](known[start : start + AT_ONCE])
    return labels


def split(entries: QuerySet[TimeEntry]) -> QuerySet[TimeEntry]:
    """The entries with their standing, wherever they come from."""
    return entries if "standing" in entries.query.annotations else with_standing(entries)


def _sums() -> dict[str, Any]:
    """``minutes`` comes last: whatever is named after it would take it for the field that it hides."""
    sums: dict[str, Any] = {"entries": Count("pk")}
    for name, standing in STANDING_FIELDS.items():
        sums[name] = Sum("minutes", filter=Q(standing=standing), default=Decimal(0))
    return sums | {"minutes": Sum("minutes", default=Decimal(0))}


def _exact(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"entries": row["entries"]} | {name: stored_minutes(row[name]) for name in MINUTES_FIELDS}


def _row(by: By, row: Mapping[str, Any], label: Label) -> Row:
    return Row(by=by, group=row["group"], **label._asdict(), **_exact(row))


def _agents(groups: list[int | str]) -> dict[Group, Label]:
    agents = Agent.objects.filter(pk__in=groups).order_by().annotate(system_name=F("system__name"))
    return {
        agent.pk: Label(agent.login or f"UserID {agent.user_id}", str(agent), agent.system_name) for agent in agents
    }


def _customers(groups: list[int | str]) -> dict[Group, Label]:
    customers = Customer.objects.filter(pk__in=groups).order_by()
    rows = customers.values_list("pk", "customer_id", "name", "system__name")
    return {pk: Label(ident, name or ident, system) for pk, ident, name, system in rows}


def _queues(groups: list[int | str]) -> dict[Group, Label]:
    return {group: Label(str(group), str(group) or _("queue not known"), "") for group in groups}


def _tickets(groups: list[int | str]) -> dict[Group, Label]:
    rows = Ticket.objects.filter(pk__in=groups).order_by().values_list("pk", "number", "title", "system__name")
    return {pk: Label(number, title, system) for pk, number, title, system in rows}


LABELLERS: dict[By, Callable[[list[int | str]], dict[Group, Label]]] = {
    By.AGENT: _agents,
    By.CUSTOMER: _customers,
    By.QUEUE: _queues,
    By.TICKET: _tickets,
}

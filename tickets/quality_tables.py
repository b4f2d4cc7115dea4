"""The rows behind each check of the data quality page."""

from urllib.parse import urlencode

import django_tables2 as tables
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.paging import PagedData
from common.tables import DateTimeColumn, MinutesColumn, NumberColumn, Table
from tickets.models import Agent, AnyUser, Customer, Ticket, TimeEntry
from tickets.periods import EVERYTHING
from tickets.quality import Group, entries_of, groups_of
from tickets.quality_checks import Check, Kind, Scope
from tickets.quality_closings import closed_together, minute_of, tickets_of

ONE_LINE = {"td": {"class": "nowrap"}}
TITLE = {"td": {"class": "title"}}
WORDS = {"td": {"class": "break"}}
FEW_WORDS = {"td": {"class": "break short"}}


class EntryTable(Table):
    """One row an entry, with its ticket."""

    totals_fields = ("minutes",)

    booked_local = tables.Column(verbose_name=gettext_lazy("Booked"), attrs=ONE_LINE)
    number = tables.Column(verbose_name=gettext_lazy("Ticket"), accessor="ticket__number", attrs=ONE_LINE)
    title = tables.Column(verbose_name=gettext_lazy("Title"), accessor="ticket__title", attrs=TITLE)
    customer = tables.Column(
        verbose_name=gettext_lazy("Customer"),
        accessor="ticket__customer",
        order_by=("ticket__customer__customer_id",),
        default="–",
        attrs=WORDS,
    )
    queue = tables.Column(verbose_name=gettext_lazy("Queue"), default="–", attrs=FEW_WORDS)
    state = tables.Column(verbose_name=gettext_lazy("State"), accessor="ticket__state", default="–", attrs=FEW_WORDS)
    agent = tables.Column(verbose_name=gettext_lazy("Agent"), order_by=("agent__login",), attrs=FEW_WORDS)
    system = tables.Column(verbose_name=gettext_lazy("Ticket system"), attrs=FEW_WORDS)
    minutes = MinutesColumn(verbose_name=gettext_lazy("Minutes"))

    def __init__(self, check: Check, scope: Scope) -> None:
        self.caption = check.title
        rows = entries_of(check, scope).select_related("ticket__customer", "agent", "system")
        super().__init__(PagedData(rows), exclude=_hidden(scope))

    def has_footer(self) -> bool:
        return bool(self.rows)

    def render_number(self, record: TimeEntry) -> SafeString:
        return _ticket_link(record.ticket)

    def value_number(self, record: TimeEntry) -> str:
        return record.ticket.number


class TicketTable(Table):
    """One row a ticket; ``together`` counts the tickets that were closed in the same minute, where in bulk."""

    totals_fields = ("minutes",)

    number = tables.Column(verbose_name=gettext_lazy("Number"), attrs=ONE_LINE)
    title = tables.Column(verbose_name=gettext_lazy("Title"), attrs=TITLE)
    customer = tables.Column(
        verbose_name=gettext_lazy("Customer"), order_by=("customer__customer_id",), default="–", attrs=WORDS
    )
    queue = tables.Column(verbose_name=gettext_lazy("Queue"), default="–", attrs=FEW_WORDS)
    owner = tables.Column(verbose_name=gettext_lazy("Owner"), order_by=("owner__login",), default="–", attrs=FEW_WORDS)
    system = tables.Column(verbose_name=gettext_lazy("Ticket system"), attrs=FEW_WORDS)
    closed_at = DateTimeColumn(verbose_name=gettext_lazy("Last closed"), default="–")
    together = NumberColumn(verbose_name=gettext_lazy("Closed in the same minute"), empty_values=(), orderable=False)
    minutes = MinutesColumn(verbose_name=gettext_lazy("Minutes in total"), default="0")

    def __init__(self, check: Check, scope: Scope) -> None:
        self.caption, self.bulk = check.title, closed_together(scope)
        rows = tickets_of(check, scope, together=self.bulk).select_related("customer", "owner", "system")
        super().__init__(PagedData(rows), exclude=_hidden(scope))

    def has_footer(self) -> bool:
        return bool(self.rows)

    def render_number(self, record: Ticket) -> SafeString:
        return _ticket_link(record)

    def value_number(self, record: Ticket) -> str:
        return record.number

    def render_together(self, record: Ticket) -> str:
        count = self.value_together(record)
        return "–" if count is None else str(count)

    def value_together(self, record: Ticket) -> int | None:
        if record.closed_at is None:
            return None
        return self.bulk.get((record.system_id, minute_of(record.closed_at)))


class GroupTable(Table):
    """One row an agent or a customer, with the entries found."""

    totals_fields = ("entries", "minutes")

    name = tables.Column(attrs=WORDS)
    key = tables.Column(verbose_name=gettext_lazy("Login or UserID"), attrs=ONE_LINE)
    system = tables.Column(verbose_name=gettext_lazy("Ticket system"), accessor="record__system", attrs=FEW_WORDS)
    entries = NumberColumn(verbose_name=gettext_lazy("Entries"))
    minutes = MinutesColumn(verbose_name=gettext_lazy("Minutes"))

    def __init__(self, check: Check, scope: Scope) -> None:
        self.caption, self.user = check.title, scope.user
        is_of_agents = check.kind == Kind.AGENTS
        super().__init__(groups_of(check, scope), exclude=[*_hidden(scope), *([] if is_of_agents else ["key"])])
        self.columns["name"].column.verbose_name = _("Agent") if is_of_agents else _("Customer")

    def has_footer(self) -> bool:
        return bool(self.rows)

    def render_name(self, record: Group) -> SafeString | str:
        address = _set_up_address(record.record, self.user) or _tickets_address(record.record)
        return format_html('<a href="{}">{}</a>', address, record.name) if address else record.name

    def value_name(self, record: Group) -> str:
        return record.name


def table_of(check: Check, scope: Scope) -> Table:
    """What the check found, row by row."""
    match check.kind:
        case Kind.TICKETS:
            return TicketTable(check, scope)
        case Kind.ENTRIES:
            return EntryTable(check, scope)
        case Kind.CUSTOMERS | Kind.AGENTS:
            return GroupTable(check, scope)


def _hidden(scope: Scope) -> list[str]:
    return [] if len(scope.systems) > 1 else ["system"]


def _ticket_link(ticket: Ticket) -> SafeString:
    return format_html('<a href="{}">{}</a>', ticket.get_absolute_url(), ticket.number)


def _set_up_address(record: Agent | Customer, user: AnyUser) -> str:
    """Where whoever may set the record up does it; empty for all others."""
    kind = "agent" if isinstance(record, Agent) else "customer"
    if not (isinstance(user, User) and user.is_staff and user.has_perm(f"tickets.change_{kind}")):
        return ""
    return reverse(f"admin:tickets_{kind}_change", args=[record.pk])


def _tickets_address(record: Agent | Customer) -> str:
    if isinstance(record, Agent):
        return ""
    return f"{reverse('tickets:list')}?{urlencode({'period': EVERYTHING, 'customer': record.customer_id})}"

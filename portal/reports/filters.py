"""How a report is narrowed down; everything stands in the address, and nothing foreign is offered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.cache import cache
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.standing import Standing
from common.spans import Span
from portal.reports.choice import SpanChoice, Unit, chosen_span, chosen_unit
from portal.reports.links import FILTERS, UNKNOWN_QUEUE
from portal.reports.selection import NONE, Narrowing, select_entries
from tickets.models import Agent, AnyUser, Customer, Ticket, TicketSystem, TimeEntry, sees_all_customers

QUEUE_LENGTH = 200
DAYS_READ_AT_ONCE = 92  # the queues of longer spans are kept for a while: reading them takes as long as the report
QUEUES_SECONDS = 600
Choices = list[tuple[str, str]]


class LongSelect(forms.Select):
    """A select whose options may be thousands: the library's own renders a template for each of them."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        attributes = self.build_attrs(self.attrs, (attrs or {}) | {"name": name})
        chosen = "" if value is None else str(value)
        return format_html(
            "<select{}>{}</select>",
            format_html_join("", ' {}="{}"', ((key, text) for key, text in attributes.items() if text is not False)),
            format_html_join("", '<option value="{}"{}>{}</option>', self._options(chosen)),
        )

    def _options(self, chosen: str) -> list[tuple[str, SafeString, str]]:
        mark = SafeString(" selected")
        return [(str(key), mark if str(key) == chosen else SafeString(""), str(label)) for key, label in self.choices]


class ReportChoice(forms.ChoiceField):
    """One of the offered records."""

    widget = LongSelect
    default_error_messages = {
        "invalid_choice": gettext_lazy("This is none of those that you may choose. Nothing is shown.")
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)


class QueueChoice(ReportChoice):
    """Offers the queues of the span and takes any other name as well: it then matches nothing."""

    default_validators = [ProhibitNullCharactersValidator(), MaxLengthValidator(QUEUE_LENGTH)]

    def valid_value(self, value: Any) -> bool:
        return True


class ReportFilter(forms.Form):
    """Clean, it says what to narrow down to; it is never clean where an address names what the user may not see."""

    system = ReportChoice(label=gettext_lazy("Ticket system"))
    agent = ReportChoice(label=gettext_lazy("Agent"))
    customer = ReportChoice(label=gettext_lazy("Customer"))
    queue = QueueChoice(label=gettext_lazy("Queue"))
    standing = ReportChoice(label=gettext_lazy("Billing"))
    ticket = forms.CharField(label=gettext_lazy("Ticket number"), required=False, max_length=50)

    field_order = FILTERS

    def __init__(self, query: QueryDict, *, span: Span, user: AnyUser) -> None:
        super().__init__(query)
        self.user = user
        self.found: Ticket | None = None
        self.systems = list(TicketSystem.objects.only("name"))
        choices: dict[str, Choices] = {
            "system": [("", _("All systems")), *((str(system.pk), system.name) for system in self.systems)],
            "agent": [("", _("All agents")), *_agents(user, self.systems)],
            "customer": [("", _("All customers")), *_customers(user)],
            "queue": [("", _("All queues")), *_queues(span, user, self.systems, query.get("queue", ""))],
            "standing": [("", _("All")), *((value, str(label)) for value, label in Standing.choices)],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]
        if len(self.systems) < 2:
            del self.fields["system"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("ticket"):
            self._find_ticket(values["ticket"], values.get("system"))
        return values

    def _find_ticket(self, number: str, system: str | None) -> None:
        systems = [int(system)] if system else [each.pk for each in self.systems]
        # With the system: the index on numbers begins with it.
        tickets = Ticket.objects.visible_to(self.user).filter(system__in=systems, number=number)
        match list(tickets.only("number").order_by()[:2]):
            case []:
                self.add_error("ticket", _("No ticket that you may see has this number. Nothing is shown."))
            case [ticket]:
                self.found = ticket
            case _:
                self.add_error("ticket", _("Several tickets have this number. Choose the ticket system, too."))

    @property
    def given(self) -> dict[str, str]:
        """What the address narrows down by, as it stands there."""
        values = ((name, self.data.get(name, "").strip()) for name in self.fields)
        return {name: value for name, value in values if value}

    @property
    def narrowing(self) -> Narrowing:
        """Of a valid form."""
        values = self.cleaned_data
        customer, queue = values["customer"], values["queue"]
        # The only system is named, too: the index on days begins with it.
        only = self.systems[0].pk if len(self.systems) == 1 else None
        return Narrowing(
            system=int(values["system"]) if values.get("system") else only,
            agent=int(values["agent"]) if values["agent"] else None,
            customer=NONE if customer == NONE else int(customer) if customer else None,
            queue="" if queue == UNKNOWN_QUEUE else queue or None,
            ticket=self.found.pk if self.found else None,
            standing=Standing(values["standing"]) if values["standing"] else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an address asks of the reports."""

    choice: SpanChoice
    form: ReportFilter
    unit: Unit
    user: AnyUser
    sort: str = ""
    is_file: bool = False

    @property
    def errors(self) -> list[str]:
        """Why the address cannot be answered as it stands."""
        return [*self.choice.errors, *(str(error) for errors in self.form.errors.values() for error in errors)]

    @property
    def parameters(self) -> dict[str, str]:
        """Of links to other views of the same entries: period, unit and filters."""
        return {"period": self.choice.value, "unit": self.unit.value} | self.form.given

    def entries(self, *, standing: bool = True) -> QuerySet[TimeEntry]:
        """What the user may see of the span, narrowed down; nothing where the filters cannot be read.

        ``standing=False`` for whoever does not split them: the claims are the dear part.
        """
        return self._of(self.choice.span, standing)

    def entries_before(self) -> QuerySet[TimeEntry] | None:
        """The same of the span before, without their standing; ``None`` where there is none."""
        before = self.choice.before
        return self._of(before, False) if before else None

    def _of(self, span: Span, standing: bool) -> QuerySet[TimeEntry]:
        if not self.form.is_valid():
            return select_entries(span, user=self.user).none()
        return select_entries(span, user=self.user, narrowing=self.form.narrowing, standing=standing)


def read_question(request: HttpRequest, *, now: datetime) -> Question:
    """What the address asks for. Files hold minutes, whatever unit the page shows."""
    choice = chosen_span(request.GET, now=now)
    form = ReportFilter(request.GET, span=choice.span, user=request.user)
    is_file = "export" in request.GET
    unit = Unit.MINUTES if is_file else chosen_unit(request.GET)
    sort = request.GET.get("sort", "")
    return Question(choice=choice, form=form, unit=unit, user=request.user, sort=sort, is_file=is_file)


def _agents(user: AnyUser, systems: list[TicketSystem]) -> Choices:
    """All agents, or those who have booked on a ticket that the user may see."""
    agents = Agent.objects.order_by("name", "login", "user_id")
    if not sees_all_customers(user):
        booked = TimeEntry.objects.visible_to(user).present()
        agents = agents.filter(pk__in=booked.order_by().values("agent"))
    names = {system.pk: system.name for system in systems}
    return [
        (str(agent.pk), f"{agent} ({names[agent.system_id]})" if len(names) > 1 else str(agent)) for agent in agents
    ]


def _customers(user: AnyUser) -> Choices:
    rows = Customer.objects.visible_to(user).order_by("customer_id", "pk").values_list("pk", "customer_id", "name")
    offered = [(str(pk), f"{ident} {name}".rstrip()) for pk, ident, name in rows]
    return [*offered, (NONE, _("no customer"))] if sees_all_customers(user) else offered


def _queues(span: Span, user: AnyUser, systems: list[TicketSystem], chosen: str) -> Choices:
    """Queues in which time of the span was booked, and the chosen one if it is another."""

    def read() -> list[str]:
        entries = TimeEntry.objects.visible_to(user).present().filter(system__in=[system.pk for system in systems])
        if not span.is_everything:
            entries = entries.filter(local_day__gte=span.first_day, local_day__lt=span.end_day)
        return list(entries.order_by().values_list("queue", flat=True).distinct())

    if span.days > DAYS_READ_AT_ONCE and sees_all_customers(user):
        names = cache.get_or_set(f"report-queues-{span.first_day}-{span.end_day}", read, QUEUES_SECONDS) or []
    else:
        names = read()
    offered = sorted({*names, *([chosen] if chosen not in ("", UNKNOWN_QUEUE) else [])} - {""})
    unknown = [(UNKNOWN_QUEUE, _("queue not known"))] if "" in names or chosen == UNKNOWN_QUEUE else []
    return [*((name, name) for name in offered), *unknown]

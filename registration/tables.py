"""The list of registered systems, and what happened to one of them."""

from typing import Any

import django_tables2 as tables
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from common.paging import PagedData
from common.tables import DateTimeColumn, Table
from registration.date_check import Status
from registration.event_texts import facts_in_words, who
from registration.listing import urgency
from registration.masking import masked
from registration.models import RegisteredSystem, RegistrationEvent
from registration.status_texts import LABELS, status_badge

WORDS = {"td": {"class": "break"}}
NAME = {"td": {"class": "title"}}
WORD = {"td": {"class": "word"}}


class SystemTable(Table):
    """One row a system of ``listing.systems_of``. Files have more columns than the page."""

    caption = gettext_lazy("Registered systems")

    system = tables.Column(
        verbose_name=gettext_lazy("System"), accessor="fqdn", empty_values=(), linkify=True, attrs=NAME
    )
    state = tables.Column(verbose_name=gettext_lazy("State"), accessor="status")
    customer = tables.Column(
        verbose_name=gettext_lazy("Customer"),
        accessor="account__customer",
        order_by=("account__customer__customer_id",),
        empty_values=(),
        attrs=WORDS,
    )
    account = tables.Column(verbose_name="OTRS-ID", accessor="account__otrs_id", visible=False)
    type = tables.Column(verbose_name=gettext_lazy("Type"), accessor="shown_type", attrs=WORD)
    version = tables.Column(verbose_name=gettext_lazy("Version"), accessor="product_version", attrs=WORD)
    last_update = DateTimeColumn(verbose_name=gettext_lazy("Last update"), accessor="last_ok_at")
    next_due = DateTimeColumn(verbose_name=gettext_lazy("Next due"), accessor="next_due_at")
    unique_id = tables.Column(verbose_name="UniqueID", visible=False)
    description = tables.Column(verbose_name=gettext_lazy("Description"), orderable=False, visible=False)
    os = tables.Column(verbose_name=gettext_lazy("Operating system"), accessor="os_version", visible=False)
    database = tables.Column(verbose_name=gettext_lazy("Database"), accessor="database_version", visible=False)
    perl = tables.Column(verbose_name="Perl", accessor="perl_version", visible=False)
    registered_at = DateTimeColumn(verbose_name=gettext_lazy("Registered"), visible=False)

    def __init__(self, data: QuerySet[RegisteredSystem]) -> None:
        super().__init__(PagedData(data))

    def render_system(self, record: RegisteredSystem) -> str:
        return str(record)

    def value_system(self, record: RegisteredSystem) -> str:
        return str(record)

    def render_state(self, value: str) -> SafeString:
        return status_badge(Status(value))

    def value_state(self, value: str) -> str:
        return str(LABELS[Status(value)])

    def order_state(self, systems: QuerySet[RegisteredSystem], descending: bool) -> Any:
        """By urgency, not by letters."""
        place = urgency()
        return systems.order_by(place.desc() if descending else place.asc()), True

    def render_customer(self, record: RegisteredSystem) -> SafeString:
        """With the OTRS-ID below, for which files have a column."""
        customer = record.account.customer or "–"
        return format_html('{}<div class="muted">{}</div>', customer, masked(record.account.otrs_id))

    def value_customer(self, record: RegisteredSystem) -> str:
        return str(record.account.customer or "")

    def value_account(self, value: str) -> str:
        return masked(value)


class EventTable(Table):
    """What happened to one system, the latest first."""

    caption = gettext_lazy("What happened so far")

    at = DateTimeColumn(verbose_name=gettext_lazy("When"), orderable=False)
    kind = tables.Column(verbose_name=gettext_lazy("What"), orderable=False, attrs={"td": {"class": "text"}})
    facts = tables.Column(
        verbose_name=gettext_lazy("Details"), orderable=False, empty_values=(), attrs={"td": {"class": "text break"}}
    )
    address = tables.Column(verbose_name=gettext_lazy("From"), orderable=False, empty_values=(), attrs=WORDS)

    def __init__(self, data: QuerySet[RegistrationEvent]) -> None:
        super().__init__(PagedData(data))

    def render_facts(self, record: RegistrationEvent) -> str:
        return facts_in_words(record.facts)

    def render_address(self, record: RegistrationEvent) -> str:
        return who(record)

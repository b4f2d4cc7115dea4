"""The list of settlements: what was decided, why, and where it is carried out."""

from typing import Any

import django_tables2 as tables
from django.db.models import Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.agreements import Agreements, agreement_of, agreements_in_force, has_ended
from billing.discrepancy_tables import TWO_LINES
from billing.models import Allocation, Order
from billing.settlement_forms import InboxFilterForm
from billing.settlement_models import LATE_KINDS, Choice, Settlement, SettlementLine
from billing.tables import ONE_LINE, WORDS, badge
from common.months import Month
from common.paging import PagedData
from common.tables import DateTimeColumn, MinutesColumn, MoneyColumn, Table
from tickets.models import AnyUser


def with_outcome(settlements: QuerySet[Settlement]) -> QuerySet[Settlement]:
    """With all that the list shows; the number of queries does not depend on the number of rows."""
    lines = SettlementLine.objects.filter(live=True).select_related("position__order")
    claims = Allocation.objects.filter(live=True).select_related("position__order")
    return settlements.select_related(
        "position__order__customer", "position__ticket", "entry__agent", "user"
    ).prefetch_related(
        Prefetch("lines", queryset=lines, to_attr="live_lines"),
        Prefetch("entry__allocations", queryset=claims, to_attr="live_claims"),
    )


def settled(
    filters: InboxFilterForm, *, month: Month | None, order: Order | None, user: AnyUser
) -> QuerySet[Settlement]:
    """The settlements that the user may see, narrowed down as the form says."""
    found = Settlement.objects.visible_to(user)
    if month is not None:
        found = found.filter(position__order__month=month.first_day)
    if order is not None:
        found = found.filter(position__order=order)
    if kind := filters.value("kind"):
        found = found.filter(kind=kind)
    if text := filters.value("customer"):
        customer = "position__order__customer"
        found = found.filter(
            Q(**{f"{customer}__customer_id__iexact": text}) | Q(**{f"{customer}__name__icontains": text})
        )
    return found


def carried_out_by(settlement: Settlement) -> Order | None:
    """The order that holds the line, or the late time; ``None`` where none does."""
    held: Any = settlement
    late = settlement.kind in LATE_KINDS and settlement.choice in (Choice.NEXT_ORDER, Choice.SUPPLEMENT)
    found = held.entry.live_claims if late else held.live_lines
    return found[0].position.order if found else None


class SettlementTable(Table):
    """One row a settlement, the latest first."""

    caption = gettext_lazy("Settled discrepancies")
    totals_fields = ("minutes_at_stake", "money_at_stake")
    currency_field = "currency"

    at = DateTimeColumn(verbose_name=gettext_lazy("Settled"), footer=gettext_lazy("Total"))
    order = tables.Column(verbose_name=gettext_lazy("Order"), accessor="position__order__number", attrs=WORDS)
    ticket = tables.Column(verbose_name=gettext_lazy("Ticket"), accessor="position__ticket__number", attrs=ONE_LINE)
    kind = tables.Column(verbose_name=gettext_lazy("What has happened"), attrs=WORDS)
    choice = tables.Column(verbose_name=gettext_lazy("Decision"), attrs={"td": {"class": "text"}})
    reason = tables.Column(verbose_name=gettext_lazy("Reason"), visible=False)
    user = tables.Column(verbose_name=gettext_lazy("Who"), default="–", visible=False)
    outcome = tables.Column(
        verbose_name=gettext_lazy("Outcome"), empty_values=(), orderable=False, attrs={"td": {"class": "text"}}
    )
    minutes_billed = MinutesColumn(verbose_name=gettext_lazy("Minutes billed"))
    minutes_now = MinutesColumn(verbose_name=gettext_lazy("Minutes then"))
    minutes_at_stake = MinutesColumn(verbose_name=gettext_lazy("Minutes at stake"))
    money_at_stake = MoneyColumn(verbose_name=gettext_lazy("Amount at stake"))

    def __init__(self, data: QuerySet[Settlement], *, can_settle: bool, month: Month) -> None:
        """``month`` is the present one: its agreements say whether what waits can be carried out."""
        super().__init__(PagedData(with_outcome(data)))
        self.can_settle = can_settle
        self.month = month

    @cached_property
    def agreements(self) -> Agreements:
        return agreements_in_force(self.month)

    def has_footer(self) -> bool:
        return bool(self.rows)

    def render_order(self, record: Settlement) -> SafeString:
        order = record.position.order
        link = format_html('<a href="{}">{}</a>', order.get_absolute_url(), order.number)
        return format_html(TWO_LINES, link, order.customer)

    def value_order(self, record: Settlement) -> str:
        return record.position.order.number

    def render_choice(self, record: Settlement) -> SafeString:
        who = record.user or _("command line")
        return format_html("{}: {} <div class=muted>{}</div>", record.get_choice_display(), record.reason, who)

    def value_choice(self, record: Settlement) -> str:
        return str(record.get_choice_display())

    def render_outcome(self, record: Settlement) -> SafeString:
        state = self._state(record)
        if not (self.can_settle and record.live):
            return state
        way = f"{reverse('billing:take_back')}?settlement={record.pk}"
        return format_html('{} <a href="{}">{}</a>', state, way, _("Take it back"))

    def value_outcome(self, record: Settlement) -> str:
        order = carried_out_by(record) if record.live else None
        return order.number if order else self._words(record)

    def _state(self, record: Settlement) -> SafeString:
        if not record.live:
            text = f"{_('taken back')}: {record.end_reason}"
            return badge("", "x-circle", text)
        order = carried_out_by(record)
        if order is None:
            waits = record.choice in (Choice.NEXT_ORDER, Choice.CREDIT)
            return badge(
                "state-info" if waits else "state-good", "clock" if waits else "check-circle", self._words(record)
            )
        link = format_html('<a href="{}">{}</a>', order.get_absolute_url(), order.number)
        return badge("state-good", "check-circle", link)

    def _words(self, record: Settlement) -> str:
        if not record.live:
            return f"{_('taken back')}: {record.end_reason}"
        if record.choice in (Choice.NEXT_ORDER, Choice.CREDIT):
            return self._what_holds_it_up(record) or _("waits for the next order")
        return _("in force")

    def _what_holds_it_up(self, record: Settlement) -> str:
        """Empty where the next order will carry it out."""
        agreement = agreement_of(self.agreements, record.position.order.customer_id)
        if agreement is None or has_ended(agreement, self.month):
            return _("waits: the customer's agreement has ended; enter the next one")
        if record.kind not in LATE_KINDS and agreement.currency != record.currency:
            text = _("waits: the agreement bills in %(now)s by now, the order did in %(then)s; void the order instead")
            return text % {"now": agreement.currency, "then": record.currency}
        return ""

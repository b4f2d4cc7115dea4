"""The list of what the portal wrote into the ticket systems, or could not."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from common.tables import DateTimeColumn, Table
from common.templatetags.pages import icon
from tickets.outbox_models import OutboxItem

WORDS = {"td": {"class": "break"}}
Outcome = OutboxItem.Outcome
LOOKS = {
    Outcome.WAITING: ("", "clock"),
    Outcome.SENDING: ("state-warn", "exclamation-triangle"),
    Outcome.DONE: ("state-good", "check-circle"),
    Outcome.UNKNOWN: ("state-warn", "exclamation-triangle"),
    Outcome.UNSENT: ("state-warn", "exclamation-triangle"),
    Outcome.REFUSED: ("state-bad", "x-circle"),
}


class OutboxTable(Table):
    """One row a note, ticket or mail, the latest first."""

    caption = gettext_lazy("Written into the ticket systems")

    created_at = DateTimeColumn(verbose_name=gettext_lazy("Asked for"), linkify=True)
    kind = tables.Column(verbose_name=gettext_lazy("Kind"))
    subject = tables.Column(verbose_name=gettext_lazy("Subject"), attrs=WORDS)
    customer = tables.Column(verbose_name=gettext_lazy("Customer"), order_by=("customer__customer_id",), attrs=WORDS)
    outcome = tables.Column(verbose_name=gettext_lazy("Outcome"))
    outcome_text = tables.Column(verbose_name=gettext_lazy("What is known"), orderable=False, attrs=WORDS)

    class Meta(Table.Meta):
        order_by = ("-created_at",)

    def render_outcome(self, record: Any) -> SafeString:
        css_class, symbol = LOOKS[Outcome(record.outcome)]
        return format_html('<span class="state {}">{}{}</span>', css_class, icon(symbol), record.get_outcome_display())

    def value_outcome(self, record: Any) -> str:
        return str(record.get_outcome_display())

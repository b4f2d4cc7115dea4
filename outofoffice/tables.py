"""The history of uploads."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.tables import DateTimeColumn, NumberColumn, Table
from common.templatetags.pages import icon
from outofoffice.models import Upload

WORDS = {"td": {"class": "break"}}
ONE_LINE = {"td": {"class": "nowrap"}}


class HistoryTable(Table):
    """One row an upload of ``queries.history``."""

    caption = gettext_lazy("Uploads")

    uploaded_at = DateTimeColumn(verbose_name=gettext_lazy("Uploaded"))
    file_name = tables.Column(verbose_name=gettext_lazy("File"), linkify=True, attrs=WORDS)
    system = tables.Column(verbose_name=gettext_lazy("Ticket system"), attrs=WORDS)
    uploaded_by = tables.Column(verbose_name=gettext_lazy("By"), empty_values=(), attrs=WORDS)
    good = NumberColumn(verbose_name=gettext_lazy("Good rows"))
    bad = NumberColumn(verbose_name=gettext_lazy("Refused rows"))
    sent = NumberColumn(verbose_name=gettext_lazy("Sent"))
    result = tables.Column(verbose_name=gettext_lazy("Result"), empty_values=(), orderable=False, attrs=ONE_LINE)
    sha256 = tables.Column(verbose_name="SHA-256", orderable=False)

    class Meta(Table.Meta):
        order_by = ("-uploaded_at",)

    def render_uploaded_by(self, record: Any) -> str:
        return record.uploaded_by.get_username() if record.uploaded_by else _("by command")

    def value_uploaded_by(self, record: Any) -> str:
        return self.render_uploaded_by(record)

    def render_sha256(self, value: str) -> SafeString:
        return format_html('<span title="{}">{}…</span>', value, value[:8])

    def value_sha256(self, value: str) -> str:
        return value

    def render_result(self, record: Any) -> SafeString:
        css_class, symbol, text = result_of(record)
        return format_html('<span class="state {}">{}{}</span>', css_class, icon(symbol), text)

    def value_result(self, record: Any) -> str:
        return result_of(record)[2]


def result_of(upload: Any) -> tuple[str, str, str]:
    """Class, symbol and words for what became of an upload of ``queries.history``."""
    if upload.state == Upload.State.CHECKED:
        return "", "clock", _("checked, not sent")
    if upload.busy:
        return "state-info", "arrow-repeat", _("being sent")
    if upload.sent == upload.good:
        return "state-good", "check-circle", _("sent")
    if upload.sent:
        return "state-warn", "exclamation-triangle", _("partly sent")
    return "state-bad", "x-circle", _("not sent or unknown")

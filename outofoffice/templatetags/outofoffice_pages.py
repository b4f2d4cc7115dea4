"""How the pages of an upload say what is sent for a row and what became of it."""

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from common.templatetags.pages import icon
from outofoffice.models import UploadRow

register = template.Library()

Outcome = UploadRow.Outcome
LOOKS = {
    Outcome.NOT_SENT: ("", "clock"),
    Outcome.WAITING: ("", "clock"),
    Outcome.SENDING: ("state-info", "arrow-repeat"),
    Outcome.SENT: ("state-info", "check-circle"),
    Outcome.CONFIRMED: ("state-good", "check-circle"),
    Outcome.DIFFERS: ("state-bad", "x-circle"),
    Outcome.REFUSED: ("state-bad", "x-circle"),
    Outcome.UNKNOWN: ("state-warn", "exclamation-triangle"),
}


@register.filter
def absence(row: UploadRow) -> str:
    """What the ticket system will store: the days, and whether the absence is on."""
    start, end = (date_format(day, "SHORT_DATE_FORMAT") if day else "" for day in (row.start, row.end))
    words = {"start": start, "end": end}
    return (_("%(start)s – %(end)s") if row.enabled else _("off (%(start)s – %(end)s)")) % words


@register.simple_tag
def outcome_badge(row: UploadRow) -> SafeString:
    """The outcome as a word with a symbol."""
    css_class, symbol = LOOKS[Outcome(row.outcome)]
    return format_html('<span class="state {}">{}{}</span>', css_class, icon(symbol), row.get_outcome_display())

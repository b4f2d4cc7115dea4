"""How the state of a registered system is shown: a word with a symbol, whose colour only repeats the word."""

from datetime import datetime

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common.templatetags.pages import icon
from registration.date_check import GRACE, SILENCE, Status

LABELS: dict[Status, Promise] = {
    Status.CONFLICT: _("conflict"),
    Status.EXPIRED: _("expired"),
    Status.GRACE: _("on grace period"),
    Status.OVERDUE: _("overdue"),
    Status.DUE: _("due"),
    Status.ACTIVE: _("active"),
    Status.RETIRED: _("retired"),
    Status.DEREGISTERED: _("deregistered"),
}
"""In the order of urgency."""

LOOKS = {
    Status.CONFLICT: ("state-bad", "exclamation-triangle"),
    Status.EXPIRED: ("state-bad", "x-circle"),
    Status.GRACE: ("state-warn", "exclamation-triangle"),
    Status.OVERDUE: ("state-warn", "clock"),
    Status.DUE: ("state-info", "clock"),
    Status.ACTIVE: ("state-good", "check-circle"),
    Status.RETIRED: ("", "box-arrow-right"),
    Status.DEREGISTERED: ("", "box-arrow-right"),
}
"""Class and symbol."""

ATTENTION = (Status.CONFLICT, Status.EXPIRED, Status.GRACE, Status.OVERDUE)
ENDED = (Status.RETIRED, Status.DEREGISTERED)


def badge(css_class: str, symbol: str, text: object) -> SafeString:
    return format_html('<span class="state {}">{}{}</span>', css_class, icon(symbol) if symbol else "", text)


def status_badge(status: Status) -> SafeString:
    return badge(*LOOKS[status], LABELS[status])


def expiry(*, last_ok: datetime, conflict_at: datetime | None) -> datetime:
    """When the registration expires if nothing changes; ``conflict_at`` is ``None`` where no conflict is open."""
    return last_ok + SILENCE + GRACE if conflict_at is None else conflict_at + GRACE

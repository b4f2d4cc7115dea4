"""Whether the books of a month are closed."""

from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import ClosedMonth
from common.months import Month


def closed_month(month: Month) -> ClosedMonth | None:
    """The closing that is in force; ``None`` while the month is open."""
    return ClosedMonth.objects.filter(month=month.first_day, reopened_at=None).first()


def why_closed(month: Month) -> str:
    """A sentence for a run that meets a closed month; empty while the month is open."""
    closed = closed_month(month)
    if closed is None:
        return ""
    text = _("%(month)s was closed on %(day)s. No order was changed. Re-open the month if it has to be billed again.")
    return text % {"month": month, "day": f"{timezone.localtime(closed.closed_at):%Y-%m-%d}"}

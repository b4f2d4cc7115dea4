"""What the page of the discrepancies shows, and why it is empty."""

from datetime import datetime

from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.models import Order
from common.paging import Empty, no_customers, nothing_matches
from tickets.models import AnyUser, SyncRun
from tickets.queries import has_no_customers


def mirrored_at() -> datetime | None:
    """How old the mirror is: of the active ticket systems' latest readings the oldest; ``None`` without any."""
    runs = SyncRun.objects.of_months().written().filter(system__active=True).order_by()
    latest = [row["latest"] for row in runs.values("system").annotate(latest=Max("finished_at")) if row["latest"]]
    return min(latest, default=None)


def as_of() -> str:
    """The sentence on the age of the mirror."""
    read_at = mirrored_at()
    if read_at is None:
        return _("No ticket system has been read yet.")
    time = date_format(timezone.localtime(read_at), "SHORT_DATETIME_FORMAT")
    return _("As the ticket systems were read last: %(time)s.") % {"time": time}


def why_none(*, user: AnyUser, order: Order | None, is_filtered: bool = False) -> Empty:
    """The sentence for a list without discrepancies: no customers, or nothing that disagrees, and as of when."""
    if has_no_customers(user):
        text = _("You see the orders of the customers that are assigned to you. An administrator can assign them.")
        return no_customers(text)
    if is_filtered:
        text = _("No discrepancy passes the filters.")
        return nothing_matches(text)
    text = _("All time of the approved orders stands in the ticket system as it was billed, or was settled.")
    if order is not None:
        text = _("All time of the order stands in the ticket system as it was billed, or was settled.")
    return Empty(title=_("Nothing disagrees"), text=f"{text} {as_of()}")
